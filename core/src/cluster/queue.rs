//! The one queue of a run, ordered by time and then by the order of creation, so that ties never depend on a container.

use crate::protocol::Envelope;
use crate::time::SimTime;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// What will happen.
#[derive(Clone, Debug)]
pub enum Event {
    Deliver(Envelope),
    /// A participant, by its dense number, wanted to be woken.
    Wake(u32),
}

/// What the heap moves about: the envelope itself stays in its slot.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Deliver { slot: u32 },
    Wake { node: u32 },
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: SimTime,
    id: u64,
    kind: Kind,
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
    pub fn push(&mut self, at: SimTime, event: Event) {
        let kind = match event {
            Event::Deliver(envelope) => Kind::Deliver { slot: self.keep(envelope) },
            Event::Wake(node) => Kind::Wake { node },
        };
        self.heap.push(Entry { at, id: self.next_id, kind });
        self.next_id += 1;
    }

    fn keep(&mut self, envelope: Envelope) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.envelopes[slot as usize] = Some(envelope);
                slot
            }
            None => {
                self.envelopes.push(Some(envelope));
                self.envelopes.len() as u32 - 1
            }
        }
    }

    fn take(&mut self, slot: u32) -> Envelope {
        self.free.push(slot);
        self.envelopes[slot as usize].take().expect("a slot holds its envelope until it is delivered")
    }

    pub fn next_time(&self) -> Option<SimTime> {
        self.heap.peek().map(|entry| entry.at)
    }

    pub fn pop(&mut self) -> Option<(SimTime, Event)> {
        let entry = self.heap.pop()?;
        Some(self.event(entry))
    }

    fn event(&mut self, entry: Entry) -> (SimTime, Event) {
        let event = match entry.kind {
            Kind::Deliver { slot } => Event::Deliver(self.take(slot)),
            Kind::Wake { node } => Event::Wake(node),
        };
        (entry.at, event)
    }

    /// Everything in the queue, in no order: its id, its time, and the message or who is to wake.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, SimTime, Result<&Envelope, u32>)> {
        self.heap.iter().map(|entry| {
            let what = match entry.kind {
                Kind::Deliver { slot } => {
                    Ok(self.envelopes[slot as usize].as_ref().expect("a slot holds its envelope until it is delivered"))
                }
                Kind::Wake { node } => Err(node),
            };
            (entry.id, entry.at, what)
        })
    }

    /// Takes one out, wherever it stands.
    pub(super) fn remove(&mut self, id: u64) -> Option<(SimTime, Event)> {
        let entry = *self.heap.iter().find(|entry| entry.id == id)?;
        self.heap.retain(|entry| entry.id != id);
        Some(self.event(entry))
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
