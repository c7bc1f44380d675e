//! How much of a log is on the disk, and how much only in the page cache of the operating system.
//!
//! Kafka writes to the page cache and leaves the disk to the operating system: what protects a record is its copies. It flushes a
//! segment that is full, every log at a clean shutdown, and more often only when told to (`flush.messages`, `flush.ms`).
//! The end of a process loses nothing of the cache; the end of the machine loses what is not on the disk.
//!
//! Assumption of the model: Linux as it comes. Its flusher wakes every 5 s and writes what has been dirty for 30 s
//! (`vm.dirty_writeback_centisecs` = 500, `vm.dirty_expire_centisecs` = 3000), so a record is on the disk 30 to 35 s after it was
//! written. Pressure for memory, which writes earlier, is not modelled.

use crate::ids::Offset;
use crate::time::{SimDuration, SimTime};

const TURN: SimDuration = SimDuration::from_secs(5);
/// Turns after which a page is old enough.
const OLD: u64 = 6;
const KEPT: u64 = OLD + 1;

#[derive(Clone, Debug, Default)]
pub struct PageCache {
    /// Kafka's recovery point: what lies below was flushed.
    recovery_point: Offset,
    last_flush: SimTime,
    /// The flusher's turn in which the log was last written to.
    turn: u64,
    /// Where the log ended when each of the newest turns began, by turn modulo [`KEPT`].
    ends: [Offset; KEPT as usize],
}

impl PageCache {
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point
    }

    /// The log grew from `before` to `after`; its active segment begins at `active`, and what is older was flushed as it rolled.
    pub fn wrote(&mut self, now: SimTime, before: Offset, after: Offset, active: Offset, flush_messages: u64) {
        let turn = now.micros() / TURN.micros();
        if turn > self.turn {
            for begun in (self.turn + 1).max((turn + 1).saturating_sub(KEPT))..=turn {
                self.ends[(begun % KEPT) as usize] = before;
            }
            self.turn = turn;
        }
        self.recovery_point = self.recovery_point.max(active);
        if after.since(self.recovery_point) >= flush_messages {
            self.flushed(now, after);
        }
    }

    /// Everything below `end` was forced to the disk.
    pub fn flushed(&mut self, now: SimTime, end: Offset) {
        self.recovery_point = end;
        self.last_flush = now;
    }

    /// `flush.ms` is over for a log that ends at `end`.
    pub fn is_due(&self, now: SimTime, end: Offset, flush_ms: u64) -> bool {
        end > self.recovery_point && now.since(self.last_flush).millis() >= flush_ms
    }

    /// A new active segment begins at `active`; what is older was flushed.
    pub fn rolled(&mut self, active: Offset) {
        self.recovery_point = self.recovery_point.max(active);
    }

    pub fn truncated(&mut self, end: Offset) {
        self.recovery_point = self.recovery_point.min(end);
        for known in &mut self.ends {
            *known = (*known).min(end);
        }
    }

    /// What of a log that ends at `end` would survive a power cut now.
    pub fn durable(&self, now: SimTime, end: Offset) -> Offset {
        let turn = now.micros() / TURN.micros();
        let written_back = match turn.checked_sub(OLD) {
            None => Offset::ZERO,
            Some(old) if old > self.turn => end,
            Some(old) => self.ends[(old % KEPT) as usize],
        };
        written_back.max(self.recovery_point).min(end)
    }

    /// The machine starts again: all that is left, up to `end`, is on the disk.
    pub fn rebooted(&mut self, end: Offset) {
        self.ends = [end; KEPT as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: u64 = i64::MAX as u64;

    fn at(second: u64) -> SimTime {
        SimTime(second * 1_000_000)
    }

    /// One record a second, in a log without a full segment.
    fn written(seconds: u64, flush_messages: u64) -> PageCache {
        let mut cache = PageCache::default();
        (0..seconds).for_each(|i| cache.wrote(at(i), Offset(i), Offset(i + 1), Offset(0), flush_messages));
        cache
    }

    #[test]
    fn records_reach_the_disk_by_themselves_half_a_minute_after_they_were_written() {
        let cache = written(100, NEVER);
        for second in 100..140 {
            let durable = cache.durable(at(second), Offset(100)).0;
            let oldest_in_cache = if durable < 100 { second - durable } else { 0 };
            assert!(oldest_in_cache <= 35, "at {second} s the oldest dirty record is {oldest_in_cache} s old");
            assert!(durable >= (second - 35).min(100) && durable <= second - 30, "{durable} at {second} s");
        }
        assert_eq!(cache.durable(at(1_000), Offset(100)), Offset(100));
        assert_eq!(written(20, NEVER).durable(at(20), Offset(20)), Offset(0));
    }

    #[test]
    fn flush_messages_bounds_what_a_power_cut_takes() {
        for end in 1..40 {
            assert_eq!(written(end, 3).durable(at(end), Offset(end)), Offset(end / 3 * 3));
        }
        assert_eq!(written(20, 1).durable(at(20), Offset(20)), Offset(20));
    }

    #[test]
    fn a_rolled_segment_is_on_the_disk() {
        let mut cache = written(10, NEVER);
        cache.wrote(at(10), Offset(10), Offset(11), Offset(8), NEVER);
        assert_eq!(cache.durable(at(10), Offset(11)), Offset(8));
    }

    #[test]
    fn what_was_truncated_is_not_counted_again() {
        let mut cache = written(40, NEVER);
        cache.truncated(Offset(2));
        cache.wrote(at(40), Offset(2), Offset(50), Offset(0), NEVER);
        assert_eq!(cache.durable(at(41), Offset(50)), Offset(2));
        assert_eq!(cache.durable(at(75), Offset(50)), Offset(50));
    }

    #[test]
    fn flush_ms_counts_from_the_last_flush_of_a_log_with_something_to_flush() {
        let mut cache = written(10, NEVER);
        assert!(!cache.is_due(at(10), Offset(10), 20_000) && cache.is_due(at(20), Offset(10), 20_000));
        cache.flushed(at(20), Offset(10));
        assert!(!cache.is_due(at(90), Offset(10), 20_000), "there is nothing to flush");
        assert!(cache.is_due(at(90), Offset(11), 20_000));
    }
}
