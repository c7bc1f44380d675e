//! The one queue of a run, ordered by time and then by the order of creation, so that ties never depend on a container.

use crate::protocol::Envelope;
use crate::time::SimTime;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// What will happen.
#[derive(Clone, Debug)]
pub enum Event {
    Deliver(Box<Envelope>),
    /// A participant, by its dense number, wanted to be woken.
    Wake(u32),
}

#[derive(Clone, Debug)]
struct Entry {
    at: SimTime,
    id: u64,
    event: Event,
}

#[derive(Clone, Debug, Default)]
pub struct EventQueue {
    heap: BinaryHeap<Entry>,
    next_id: u64,
}

impl EventQueue {
    pub fn push(&mut self, at: SimTime, event: Event) {
        self.heap.push(Entry { at, id: self.next_id, event });
        self.next_id += 1;
    }

    pub fn next_time(&self) -> Option<SimTime> {
        self.heap.peek().map(|entry| entry.at)
    }

    pub fn pop(&mut self) -> Option<(SimTime, Event)> {
        self.heap.pop().map(|entry| (entry.at, entry.event))
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
