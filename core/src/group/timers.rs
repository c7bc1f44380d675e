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
    /// When each ends, and how many were set before it.
    ends: SortedMap<Timer, (SimTime, u64)>,
    /// No timer ends before; one that was put off may leave it too early, which costs one look in vain.
    soonest: SimTime,
    timers_set: u64,
}

impl Default for Timers {
    fn default() -> Self {
        Timers { ends: SortedMap::new(), soonest: SimTime::MAX, timers_set: 0 }
    }
}

impl Timers {
    /// Starts a timer, or puts it off.
    pub fn set(&mut self, timer: Timer, at: SimTime) {
        self.soonest = self.soonest.min(at);
        self.timers_set += 1;
        self.ends.insert(timer, (at, self.timers_set));
    }

    pub fn cancel(&mut self, timer: &Timer) {
        self.ends.remove(timer);
    }

    pub fn next(&self) -> SimTime {
        self.soonest
    }

    /// The earliest timer whose time is over; of several that end together the one that was set first.
    pub fn take_due(&mut self, now: SimTime) -> Option<Timer> {
        if self.soonest > now {
            return None;
        }
        let (timer, end) = self.ends.iter().min_by_key(|(_, end)| **end).map(|(timer, (end, _))| (timer.clone(), *end)).unzip();
        self.soonest = end.unwrap_or(SimTime::MAX);
        let timer = timer.filter(|_| self.soonest <= now)?;
        self.ends.remove(&timer);
        Some(timer)
    }
}
