//! What a log gives up with time: whole segments from its beginning. `UnifiedLog.deleteOldSegments`.
//!
//! The active segment is not spared: when its time is over too, an empty one is rolled first. Nothing at or above the high
//! watermark goes, whoever has or has not read it.

use super::PartitionLog;
use super::segment::LogSegment;
use crate::config::{NEVER, TopicConfig};
use crate::ids::Offset;

/// Which rule took segments away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// They lie below the log start offset that the leader told.
    Start,
    Size,
    Time,
}

/// Segments that went, oldest first, all for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    pub why: Breach,
    pub segments: u32,
    pub bytes: u64,
    /// The first offset that is gone, and the first one behind.
    pub from: Offset,
    pub to: Offset,
}

impl PartitionLog {
    /// One look at the log at `now_ms`; what went by each of the three rules, in Kafka's order.
    pub fn delete_old_segments(&mut self, now_ms: i64, high_watermark: Offset, config: &TopicConfig) -> Vec<Deleted> {
        let start = self.log_start;
        let mut gone = Vec::new();
        gone.extend(self.delete_while(Breach::Start, high_watermark, &mut |_, end, last| !last && end <= start));
        if !config.cleanup.delete {
            return gone;
        }
        if let Some(mut over) = self.bytes().checked_sub(config.retention_bytes) {
            gone.extend(self.delete_while(Breach::Size, high_watermark, &mut |segment, _, _| {
                let goes = segment.bytes <= over;
                over -= if goes { segment.bytes } else { 0 };
                goes
            }));
        }
        if config.retention_ms != NEVER {
            let oldest = now_ms - config.retention_ms as i64;
            gone.extend(self.delete_while(Breach::Time, high_watermark, &mut |segment, _, _| segment.largest_timestamp_ms() < oldest));
        }
        gone
    }

    /// Deletes segments from the first on while the rule says so: it hears of a segment, where it ends, and whether it is the last.
    fn delete_while(
        &mut self,
        why: Breach,
        high_watermark: Offset,
        rule: &mut dyn FnMut(&LogSegment, Offset, bool) -> bool,
    ) -> Option<Deleted> {
        let (mut segments, mut bytes) = (0, 0);
        for (place, segment) in self.segments.iter().enumerate() {
            let end = self.segments.get(place + 1).map_or(self.log_end, |next| next.base_offset);
            let last = place + 1 == self.segments.len();
            if high_watermark < end || last && segment.is_empty() || !rule(segment, end, last) {
                break;
            }
            segments += 1;
            bytes += segment.bytes;
        }
        if segments == 0 {
            return None;
        }
        if segments == self.segments.len() {
            self.segments.push(LogSegment::new(self.log_end, self.content));
        }
        let from = self.segments[0].base_offset.max(self.log_start);
        self.segments.drain(..segments);
        let to = self.segments[0].base_offset;
        self.raise_start(to);
        Some(Deleted { why, segments: segments as u32, bytes, from: from.min(to), to })
    }

    /// `maybeIncrementLogStartOffset`: what lies below can no longer be read. True when it moved.
    pub fn raise_start(&mut self, to: Offset) -> bool {
        let moves = to > self.log_start;
        if moves {
            self.log_start = to;
            self.epochs.truncate_from_start(to);
        }
        moves
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Cleanup;
    use crate::ids::LeaderEpoch;
    use crate::log::ClientBatch;
    use crate::record::{BatchBuilder, ProducerStamp};

    /// A record at each of these times, three to a segment.
    fn log(times: &[i64]) -> PartitionLog {
        let mut log = PartitionLog::new();
        for time in times {
            let mut builder = BatchBuilder::new();
            builder.append(*time, None, Some(b"value"), &[]);
            let batch = builder.build(ProducerStamp { producer_id: 7, producer_epoch: 0, base_sequence: log.log_end().0 as i32 });
            let config = TopicConfig { segment_bytes: 3 * batch.size_in_bytes(), ..TopicConfig::default() };
            log.append_as_leader(ClientBatch { batch, writer: 0, serial: 0 }, LeaderEpoch(0), &config).expect("it fits");
        }
        log
    }

    fn keep(ms: u64, bytes: u64) -> TopicConfig {
        TopicConfig { retention_ms: ms, retention_bytes: bytes, ..TopicConfig::default() }
    }

    fn went(gone: &[Deleted]) -> Vec<(Breach, u64, u64)> {
        gone.iter().map(|gone| (gone.why, gone.from.0, gone.to.0)).collect()
    }

    #[test]
    fn a_segment_goes_when_its_newest_record_is_older_than_the_retention_and_not_a_millisecond_before() {
        let mut log = log(&[1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000]);
        assert_eq!(went(&log.delete_old_segments(13_000, Offset(7), &keep(10_000, NEVER))), []);
        assert_eq!(went(&log.delete_old_segments(13_001, Offset(7), &keep(10_000, NEVER))), [(Breach::Time, 0, 3)]);
        assert_eq!((log.log_start(), log.log_end(), log.epochs().entries()[0].start), (Offset(3), Offset(7), Offset(3)));
    }

    #[test]
    fn a_record_from_the_future_keeps_its_segment_and_all_behind() {
        let mut log = log(&[1_000, 99_000, 3_000, 4_000]);
        assert_eq!(went(&log.delete_old_segments(50_000, Offset(4), &keep(10_000, NEVER))), []);
    }

    #[test]
    fn the_active_segment_goes_too_and_leaves_an_empty_one_at_the_next_offset() {
        let mut log = log(&[1_000, 2_000, 3_000, 4_000]);
        let content = log.content();
        assert_eq!(went(&log.delete_old_segments(99_000, Offset(4), &keep(10_000, NEVER))), [(Breach::Time, 0, 4)]);
        assert_eq!((log.segments().len(), log.bytes(), log.log_start(), log.log_end()), (1, 0, Offset(4), Offset(4)));
        assert_eq!(went(&log.delete_old_segments(999_000, Offset(4), &keep(10_000, 0))), [], "an empty last segment stays");
        log.truncate_to(Offset(4));
        assert_eq!(log.content(), content, "the fingerprint is of all that ever was");
    }

    #[test]
    fn nothing_at_or_above_the_high_watermark_goes() {
        let mut log = log(&[1_000, 2_000, 3_000, 4_000]);
        assert_eq!(went(&log.delete_old_segments(99_000, Offset(2), &keep(10_000, NEVER))), []);
        assert_eq!(went(&log.delete_old_segments(99_000, Offset(3), &keep(10_000, NEVER))), [(Breach::Time, 0, 3)]);
    }

    #[test]
    fn by_size_so_much_is_left_as_was_asked_for_at_least() {
        let segment = log(&[1]).bytes() * 3;
        let full = log(&[1, 2, 3, 4, 5, 6, 7, 8]);
        let left = |bytes| {
            let mut log = full.clone();
            log.delete_old_segments(100, Offset(8), &keep(NEVER, bytes));
            log.log_start().0
        };
        assert_eq!([full.bytes(), full.bytes() - segment + 1, full.bytes() - segment, segment, 0].map(left), [0, 0, 3, 3, 8]);
    }

    #[test]
    fn a_topic_that_is_not_to_delete_keeps_everything_but_what_the_leader_has_given_up() {
        let mut log = log(&[1_000, 2_000, 3_000, 4_000]);
        let forever = TopicConfig { cleanup: Cleanup { delete: false, compact: false }, ..keep(1, 0) };
        assert_eq!(went(&log.delete_old_segments(99_000, Offset(4), &forever)), []);
        assert!(log.raise_start(Offset(3)) && !log.raise_start(Offset(2)));
        assert_eq!(went(&log.delete_old_segments(99_000, Offset(4), &forever)), [(Breach::Start, 3, 3)]);
    }

    #[test]
    fn a_producer_is_known_again_after_its_records_were_deleted_and_the_log_was_cut() {
        let mut log = log(&[1_000, 2_000, 3_000, 4_000, 5_000]);
        log.delete_old_segments(13_001, Offset(5), &keep(10_000, NEVER));
        log.truncate_to(Offset(3));
        let stamp = ProducerStamp { producer_id: 7, producer_epoch: 0, base_sequence: 2 };
        let mut builder = BatchBuilder::new();
        builder.append(3_000, None, Some(b"value"), &[]);
        let again = ClientBatch { batch: builder.build(stamp), writer: 0, serial: 0 };
        let answer = log.append_as_leader(again, LeaderEpoch(0), &TopicConfig::default()).expect("it is known");
        assert!(answer.duplicate && answer.base_offset == Offset(2));
    }
}
