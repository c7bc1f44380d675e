//! What a group waits for, and until when.

use crate::time::SimTime;
use std::sync::Arc;

/// Named as Kafka's coordinator names them: `heartbeat-<group>-<member>`, `join-<group>`, `sync-<group>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A member's session.
    Heartbeat(Arc<str>),
    /// The end of the join phase.
    Join,
    /// The end of the sync phase.
    Sync,
    /// Of the new protocol, whose sessions are named `session-timeout-<group>-<member>`: the time of a member to give partitions up,
    /// `rebalance-timeout-<group>-<member>`.
    Rebalance(Arc<str>),
}

/// A heap, the earliest on top, kept as `java.util.PriorityQueue` keeps its own: of timers that end together the one comes first that
/// does in Kafka's tests.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    heap: Vec<(SimTime, Timer)>,
}

impl Timers {
    /// Starts a timer, or puts it off.
    pub fn set(&mut self, timer: Timer, at: SimTime) {
        self.cancel(&timer);
        self.heap.push((at, timer));
        self.rise(self.heap.len() - 1);
    }

    pub fn cancel(&mut self, timer: &Timer) {
        if let Some(place) = self.heap.iter().position(|(_, other)| other == timer) {
            self.heap.swap_remove(place);
            if self.sink(place) == place {
                self.rise(place);
            }
        }
    }

    /// When this one ends, if it runs.
    pub fn end_of(&self, timer: &Timer) -> Option<SimTime> {
        self.heap.iter().find(|(_, other)| other == timer).map(|(at, _)| *at)
    }

    pub fn next(&self) -> SimTime {
        self.heap.first().map_or(SimTime::MAX, |(at, _)| *at)
    }

    /// The earliest timer whose time is over.
    pub fn take_due(&mut self, now: SimTime) -> Option<Timer> {
        if self.next() > now {
            return None;
        }
        let (_, timer) = self.heap.swap_remove(0);
        self.sink(0);
        Some(timer)
    }

    fn rise(&mut self, mut place: usize) {
        while place > 0 && place < self.heap.len() && self.heap[place].0 < self.heap[(place - 1) / 2].0 {
            self.heap.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
    }

    /// Gives where it ends up.
    fn sink(&mut self, mut place: usize) -> usize {
        loop {
            let left = 2 * place + 1;
            let Some((first, _)) = self.heap.get(left) else { return place };
            let right = self.heap.get(left + 1).filter(|(at, _)| at < first);
            let child = if right.is_some() { left + 1 } else { left };
            if self.heap[place].0 <= self.heap[child].0 {
                return place;
            }
            self.heap.swap(place, child);
            place = child;
        }
    }
}
