//! The one queue of a run, ordered by time and then by the order of creation, so that ties never depend on a container.

use crate::protocol::Envelope;
use crate::time::SimTime;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// What will happen: this is what the heap moves about, the envelope itself stays in its slot.
#[derive(Clone, Copy, Debug)]
pub enum Due {
    Deliver {
        slot: u32,
    },
    /// A participant, by its dense number, wanted to be woken.
    Wake {
        node: u32,
    },
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: SimTime,
    id: u64,
    due: Due,
}

#[derive(Clone, Debug, Default)]
pub struct EventQueue {
    heap: BinaryHeap<Entry>,
    next_id: u64,
    /// Messages on their way; slots are used again.
    envelopes: Vec<Option<Envelope>>,
    free: Vec<u32>,
}

impl EventQueue {
    fn push(&mut self, at: SimTime, due: Due) {
        self.heap.push(Entry { at, id: self.next_id, due });
        self.next_id += 1;
    }

    pub fn wake(&mut self, at: SimTime, node: u32) {
        self.push(at, Due::Wake { node });
    }

    pub fn deliver(&mut self, at: SimTime, envelope: Envelope) {
        let slot = self.free.pop().unwrap_or(self.envelopes.len() as u32);
        match self.envelopes.get_mut(slot as usize) {
            Some(place) => *place = Some(envelope),
            None => self.envelopes.push(Some(envelope)),
        }
        self.push(at, Due::Deliver { slot });
    }

    pub fn take(&mut self, slot: u32) -> Envelope {
        self.free.push(slot);
        self.envelopes[slot as usize].take().expect("a slot holds its envelope until it is delivered")
    }

    pub fn next_time(&self) -> Option<SimTime> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// The earliest event; a message is [taken](EventQueue::take) from its slot.
    pub fn pop(&mut self) -> Option<(SimTime, Due)> {
        let Entry { at, due, .. } = self.heap.pop()?;
        Some((at, due))
    }

    /// Everything in the queue, in no order: its id, its time, and the message or who is to wake.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, SimTime, Result<&Envelope, u32>)> {
        self.heap.iter().map(|entry| {
            let what = match entry.due {
                Due::Deliver { slot } => {
                    Ok(self.envelopes[slot as usize].as_ref().expect("a slot holds its envelope until it is delivered"))
                }
                Due::Wake { node } => Err(node),
            };
            (entry.id, entry.at, what)
        })
    }

    /// As [`pop`](EventQueue::pop), wherever it stands.
    pub(super) fn remove(&mut self, id: u64) -> Option<(SimTime, Due)> {
        let Entry { at, due, .. } = *self.heap.iter().find(|entry| entry.id == id)?;
        self.heap.retain(|entry| entry.id != id);
        Some((at, due))
    }

    pub fn len(&self) -> u64 {
        self.heap.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Events created so far.
    pub fn created(&self) -> u64 {
        self.next_id
    }
}

impl Entry {
    /// Time and id as one number, so that a comparison does not branch.
    fn key(&self) -> u128 {
        u128::from(self.at.micros()) << 64 | u128::from(self.id)
    }
}

/// Reversed: the heap gives its greatest, we want the earliest.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}
