//! For models that search every order of events: what is pending, taken in an order of the caller's choice.
//!
//! A run takes the earliest event; a real network and real processes promise less. Here a message may arrive as late as one likes,
//! only not before what was sent earlier on its connection, and a participant may be late for its own timers. A connection may break
//! under whatever is under way on it. Each choice leads to a cluster that some latency and some delay could have led to.

use super::Cluster;
use super::queue::Due;
use crate::ids::NodeId;
use crate::protocol::{Envelope, Message};
use crate::sorted::{SortedSet, settle};
use crate::time::SimTime;

/// Something that may happen next.
#[derive(Clone, Copy, Debug)]
pub struct Pending<'a> {
    /// Names it until it has happened.
    pub id: u64,
    pub at: SimTime,
    pub what: What<'a>,
}

#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    Arrives(&'a Envelope),
    /// A participant has waited for this moment.
    Wakes(NodeId),
}

impl Cluster {
    /// All that is under way, in the order it would happen by itself; wakes that lost their meaning are left out.
    pub fn pending(&self) -> Vec<Pending<'_>> {
        let mut woken = SortedSet::new();
        let mut entries: Vec<_> = self.queue.entries().collect();
        settle(&mut entries, |a, b| (a.1, a.0) < (b.1, b.0));
        let meant = |(id, at, what)| match what {
            Ok(envelope) => Some(Pending { id, at, what: What::Arrives(envelope) }),
            Err(node) if self.wakes[node as usize] == at && woken.insert(node) => {
                Some(Pending { id, at, what: What::Wakes(self.node_id(node)) })
            }
            Err(_) => None,
        };
        entries.into_iter().filter_map(meant).collect()
    }

    /// Takes one of what is pending: now, or at its time if that is still to come.
    pub fn take(&mut self, id: u64) {
        let Some((at, due)) = self.queue.remove(id) else { return };
        self.pass(at);
        self.steps += 1;
        match due {
            Due::Deliver { slot } => {
                let envelope = self.queue.take(slot);
                self.deliver(envelope);
            }
            Due::Wake { node } => {
                self.wakes[node as usize] = self.now;
                self.wake(node);
            }
        }
    }

    /// The connection a message is on breaks under it: what is under way in this direction is gone, and both ends hear of it.
    pub fn lose(&mut self, id: u64) {
        let Some((_, Due::Deliver { slot })) = self.queue.remove(id) else { return };
        let lost = self.queue.take(slot);
        let same = |envelope: &Envelope| (envelope.from, envelope.to) == (lost.from, lost.to);
        let behind: Vec<u64> = self.queue.entries().filter(|(_, _, what)| what.is_ok_and(same)).map(|(id, ..)| id).collect();
        for id in behind {
            if let Some((_, Due::Deliver { slot })) = self.queue.remove(id) {
                self.queue.take(slot);
            }
        }
        self.steps += 1;
        for (from, to) in [(lost.from, lost.to), (lost.to, lost.from)] {
            if let Some(node) = self.number(from) {
                self.send(node, from, to, Message::Closed);
            }
        }
    }

    /// Nothing happens until then.
    pub fn pass(&mut self, until: SimTime) {
        self.now = self.now.max(until);
        self.spins = 0;
    }
}
