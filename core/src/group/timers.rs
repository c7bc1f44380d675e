//! What a group waits for, and until when.

use crate::sorted::SortedMap;
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
}

#[derive(Clone, Debug)]
pub struct Timers {
    ends: SortedMap<Timer, SimTime>,
    /// No timer ends before; one that was put off may leave it too early, which costs one look in vain.
    soonest: SimTime,
}

impl Default for Timers {
    fn default() -> Self {
        Timers { ends: SortedMap::new(), soonest: SimTime::MAX }
    }
}

impl Timers {
    /// Starts a timer, or puts it off.
    pub fn set(&mut self, timer: Timer, at: SimTime) {
        self.soonest = self.soonest.min(at);
        self.ends.insert(timer, at);
    }

    pub fn cancel(&mut self, timer: &Timer) {
        self.ends.remove(timer);
    }

    pub fn next(&self) -> SimTime {
        self.soonest
    }

    /// The earliest timer whose time is over; of several that end together the first by name.
    pub fn take_due(&mut self, now: SimTime) -> Option<Timer> {
        if self.soonest > now {
            return None;
        }
        let (timer, end) = self.ends.iter().min_by_key(|(_, end)| **end).map(|(timer, end)| (timer.clone(), *end)).unzip();
        self.soonest = end.unwrap_or(SimTime::MAX);
        let timer = timer.filter(|_| self.soonest <= now)?;
        self.ends.remove(&timer);
        Some(timer)
    }
}
