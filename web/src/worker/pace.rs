//! Wall time × speed → virtual time, and how many events fit a slice.
//!
//! It decides how far to advance, never what happens. An engine that cannot keep up makes the virtual clock slower; what it is behind
//! stays within a moment, so that one that can makes up for a slice that was too short.

use playground_core::session::{Progress, Session};
use playground_core::time::SimTime;

/// A tab that slept longer has missed time, not earned it; and an engine is never further behind.
const LONGEST_GAP_MS: f64 = 100.0;
/// The clock is read after about so much work.
const CHUNK_MS: f64 = 2.0;
/// Shorter times than this say nothing; some browsers round their clock to a millisecond.
const MEASURABLE_MS: f64 = 1.0;
const MOST_EVENTS: f64 = 4_000_000.0;

pub struct Pace {
    clock: fn() -> f64,
    /// A slice ends within this.
    slice_ms: f64,
    /// Where the virtual clock should be at `last_ms`, in µs. With the fraction the session cannot have.
    goal_us: f64,
    last_ms: Option<f64>,
    events_per_ms: f64,
    /// Work not yet long enough to be measured.
    events: f64,
    ms: f64,
}

impl Pace {
    pub fn new(clock: fn() -> f64, slice_ms: f64) -> Self {
        Pace { clock, slice_ms, goal_us: 0.0, last_ms: None, events_per_ms: 50.0, events: 0.0, ms: 0.0 }
    }

    /// From here on time counts from now.
    pub fn rest(&mut self) {
        self.last_ms = None;
    }

    /// Lets the time that passed since the last call pass in the session, `speed_milli` virtual ms a wall second.
    pub fn advance(&mut self, session: &mut Session, speed_milli: u64) -> Progress {
        let now = (self.clock)();
        let passed = self.last_ms.map_or(0.0, |last| crate::within(now - last, 0.0, LONGEST_GAP_MS));
        let at_us = session.now().micros() as f64;
        if self.last_ms.is_none() {
            self.goal_us = at_us;
        }
        self.last_ms = Some(now);
        // Virtual ms a wall second are virtual µs a wall ms.
        self.goal_us = crate::within(self.goal_us + passed * speed_milli as f64, at_us, at_us + LONGEST_GAP_MS * speed_milli as f64);
        let goal = SimTime(self.goal_us as u64);
        self.slice(&mut |budget| {
            let before = session.cluster().steps();
            let progress = session.advance(goal, budget);
            (progress, session.cluster().steps() - before)
        })
    }

    /// Works in budgets until there is nothing left to do or the slice is over. `work` says how many events it processed.
    pub fn slice(&mut self, work: &mut dyn FnMut(u64) -> (Progress, u64)) -> Progress {
        let start = (self.clock)();
        let mut at = start;
        loop {
            let (progress, events) = work(self.budget());
            let now = (self.clock)();
            self.measured(events as f64, now - at);
            at = now;
            if progress == Progress::Reached || now - start + CHUNK_MS > self.slice_ms {
                return progress;
            }
        }
    }

    fn budget(&self) -> u64 {
        crate::within(self.events_per_ms * CHUNK_MS, 1.0, MOST_EVENTS) as u64
    }

    /// Slower than thought counts at once, faster only by half.
    fn measured(&mut self, events: f64, ms: f64) {
        self.events += events;
        self.ms += ms;
        let rate = self.events / self.ms.max(0.001);
        if self.ms >= MEASURABLE_MS {
            self.events_per_ms = rate.min((self.events_per_ms + rate) / 2.0).max(0.5);
            (self.events, self.ms) = (0.0, 0.0);
        } else if self.events > self.events_per_ms * 2.0 * CHUNK_MS {
            self.events_per_ms *= 2.0;
            (self.events, self.ms) = (0.0, 0.0);
        }
    }
}
