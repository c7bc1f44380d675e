//! Compaction: of each key the newest record is kept. Kafka's `Cleaner`, without transactions.
//!
//! Only closed segments below the high watermark are cleaned, and newer records of the active one do not count. Offsets never
//! change: what is gone leaves a gap. A deletion (a record without a value) stays for `delete.retention.ms` after its first cleaning,
//! so that a reader on its way learns of it.

use super::PartitionLog;
use super::segment::{LogSegment, StoredBatch};
use crate::config::TopicConfig;
use crate::ids::Offset;

/// `delete.retention.ms`.
const DELETE_RETENTION_MS: i64 = 86_400_000;

/// What one cleaning of a log did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleaned {
    pub up_to: Offset,
    pub bytes_before: u64,
    pub bytes_after: u64,
}

/// The newest record of each key, of those that were seen.
#[derive(Default)]
struct Newest {
    /// In order.
    keys: Vec<Vec<u8>>,
    offsets: Vec<Offset>,
    /// Where the last one stood that was found.
    found: usize,
}

impl Newest {
    /// A batch that is older than all that were seen; says whether it has any newest record.
    fn see(&mut self, stored: &StoredBatch) -> bool {
        let mut any = false;
        for record in stored.batch.records() {
            let offset = stored.base_offset.plus(u64::from(record.offset_delta));
            let Some(key) = record.key else { continue };
            match self.place(key) {
                Ok(place) if self.offsets[place] > offset => {}
                Ok(place) => self.offsets[place] = offset,
                Err(place) => {
                    any = true;
                    self.keys.insert(place, key.to_vec());
                    self.offsets.insert(place, offset);
                }
            }
        }
        any
    }

    fn of(&mut self, key: &[u8]) -> Option<Offset> {
        self.place(key).ok().map(|place| self.offsets[place])
    }

    /// Where it stands or would stand. Whoever writes the same keys again and again does so in the same order, mostly.
    fn place(&mut self, key: &[u8]) -> Result<usize, usize> {
        let next = if self.found + 1 < self.keys.len() { self.found + 1 } else { 0 };
        self.found = match self.keys.get(next) {
            Some(known) if known == key => next,
            _ => self.keys.binary_search_by(|known| known[..].cmp(key))?,
        };
        Ok(self.found)
    }
}

impl PartitionLog {
    /// How many closed segments could be cleaned, and the part of their bytes that is dirty in permille.
    fn cleanable(&self, high_watermark: Offset) -> (usize, u64) {
        let whole = self.segments.windows(2).take_while(|pair| pair[1].base_offset <= high_watermark).count();
        let bytes = |dirty: bool| -> u64 {
            let counts = |segment: &&LogSegment| !dirty || segment.base_offset >= self.cleaned;
            self.segments[..whole].iter().filter(counts).map(|segment| segment.bytes).sum()
        };
        (whole, bytes(true) * 1_000 / bytes(false).max(1))
    }

    /// The dirty part of what could be cleaned, in permille: what `min.cleanable.dirty.ratio` is held against.
    pub fn dirty_permille(&self, high_watermark: Offset) -> u64 {
        if self.segments.len() < 2 { 0 } else { self.cleanable(high_watermark).1 }
    }

    #[inline(never)]
    pub fn compact(&mut self, now_ms: i64, high_watermark: Offset, config: &TopicConfig) -> Option<Cleaned> {
        let (whole, dirty) = self.cleanable(high_watermark);
        if dirty == 0 {
            return None;
        }
        let up_to = self.segments[whole].base_offset;
        let bytes_before = self.bytes();
        // From the newest back: what stays of a batch is a matter of the newer ones alone.
        let mut newest = Newest::default();
        let mut kept: Vec<Vec<StoredBatch>> = Vec::with_capacity(whole);
        for segment in self.segments[..whole].iter().rev() {
            let mut left = Vec::new();
            segment.visit_back(&mut |stored| {
                let superseded = segment.base_offset >= self.cleaned && !newest.see(stored);
                left.extend(if superseded { self.emptied(stored, up_to) } else { self.kept(stored, &mut newest, up_to, now_ms) });
            });
            kept.push(left);
        }
        let rest = self.segments.split_off(whole);
        let old = std::mem::replace(&mut self.segments, rest);
        let mut cleaned: Vec<LogSegment> = Vec::new();
        // Small neighbours become one segment, as long as together they were no larger than one may be.
        let mut room = 0;
        for (segment, left) in old.iter().zip(kept.into_iter().rev()) {
            if segment.bytes > room {
                room = u64::from(config.segment_bytes);
                cleaned.push(LogSegment::new(segment.base_offset, segment.before));
            }
            room = room.saturating_sub(segment.bytes);
            let into = cleaned.last_mut().expect("the first segment made one");
            for stored in left.into_iter().rev() {
                let newest_ms = stored.batch.max_timestamp_ms();
                into.push(stored, newest_ms);
            }
        }
        self.segments.splice(..0, cleaned);
        self.cleaned = up_to;
        Some(Cleaned { up_to, bytes_before, bytes_after: self.bytes() })
    }

    /// What is left of a batch; `None` when nothing is, and nobody needs to know that it was there.
    fn kept(&self, stored: &StoredBatch, newest: &mut Newest, up_to: Offset, now_ms: i64) -> Option<StoredBatch> {
        let batch = &stored.batch;
        let horizon = batch.delete_horizon_ms();
        let (mut left, mut deletions) = (0, false);
        let mut stays = |record: &crate::record::RecordRef<'_>| {
            let offset = stored.base_offset.plus(u64::from(record.offset_delta));
            let Some(key) = record.key else { return false };
            let latest = newest.of(key).is_none_or(|last| offset >= last);
            latest && (record.value.is_some() || horizon.is_none_or(|horizon| now_ms < horizon))
        };
        for record in batch.records().filter(|record| stays(record)) {
            left += 1;
            deletions |= record.value.is_none();
        }
        if left == 0 {
            return self.emptied(stored, up_to);
        }
        let first_met = (deletions && horizon.is_none()).then_some(now_ms + DELETE_RETENTION_MS);
        if left == batch.record_count() && first_met.is_none() {
            return Some(stored.clone());
        }
        Some(StoredBatch { batch: batch.compacted(first_met, &mut stays), ..stored.clone() })
    }

    /// The end of the round, and where a producer's sequence stands, are remembered.
    fn emptied(&self, stored: &StoredBatch, up_to: Offset) -> Option<StoredBatch> {
        let needed = stored.next_offset() == up_to || self.producers.ends_at(stored.batch.stamp().producer_id, stored.base_offset);
        needed.then(|| StoredBatch { batch: stored.batch.compacted(None, &mut |_| false), ..stored.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LeaderEpoch;
    use crate::log::ClientBatch;
    use crate::record::{BatchBuilder, ProducerStamp};

    type Line = (&'static str, Option<&'static str>);

    fn append(log: &mut PartitionLog, lines: &[Line], config: &TopicConfig) {
        let mut builder = BatchBuilder::new();
        lines.iter().for_each(|(key, value)| builder.append(1_000, Some(key.as_bytes()), value.map(str::as_bytes), &[]));
        let sent = ClientBatch { batch: builder.build(ProducerStamp::NONE), writer: 0, serial: 0 };
        log.append_as_leader(sent, LeaderEpoch(0), config).expect("it fits");
    }

    /// Each list is a segment, of batches of one record.
    fn log(segments: &[&[Line]]) -> PartitionLog {
        let mut log = PartitionLog::new();
        for (place, segment) in segments.iter().enumerate() {
            for (line, record) in segment.iter().enumerate() {
                let segment_bytes = if place > 0 && line == 0 { 100 } else { u32::MAX };
                append(&mut log, &[*record], &TopicConfig { segment_bytes, ..TopicConfig::default() });
            }
        }
        log
    }

    /// Offset, key and value of every record.
    fn left(log: &PartitionLog) -> Vec<(u64, String, Option<String>)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let of = |stored: &StoredBatch| {
            let base = stored.base_offset.0;
            let one =
                |r: crate::record::RecordRef<'_>| (base + u64::from(r.offset_delta), text(r.key.unwrap_or_default()), r.value.map(text));
            stored.batch.records().map(one).collect::<Vec<_>>()
        };
        log.segments().iter().flat_map(LogSegment::batches).flat_map(of).collect()
    }

    fn offsets(log: &PartitionLog) -> Vec<u64> {
        left(log).iter().map(|(offset, ..)| *offset).collect()
    }

    #[test]
    fn the_newest_of_each_key_stays_at_its_offset_and_the_active_segment_is_not_touched() {
        let mut log = log(&[&[("a", Some("1")), ("b", Some("1")), ("a", Some("2"))], &[("b", Some("2")), ("a", Some("3"))]]);
        let content = log.content();
        let cleaned = log.compact(5_000, Offset(5), &TopicConfig::default()).expect("it is dirty");
        assert_eq!((offsets(&log), cleaned.up_to), (vec![1, 2, 3, 4], Offset(3)));
        assert!(cleaned.bytes_after < cleaned.bytes_before);
        assert_eq!((log.content(), log.log_end()), (content, Offset(5)));
        assert_eq!(log.compact(5_000, Offset(5), &TopicConfig::default()), None, "nothing is dirty any more");
    }

    #[test]
    fn what_is_above_the_high_watermark_waits() {
        let mut log = log(&[&[("a", Some("1")), ("a", Some("2"))], &[("a", Some("3")), ("a", Some("4"))], &[("a", Some("5"))]]);
        log.compact(5_000, Offset(3), &TopicConfig::default());
        assert_eq!(offsets(&log), [1, 2, 3, 4]);
        log.compact(5_000, Offset(5), &TopicConfig::default());
        assert_eq!(offsets(&log), [3, 4]);
        assert_eq!(log.segments().len(), 2, "small neighbours became one");
    }

    #[test]
    fn a_deletion_stays_for_a_day_after_it_was_first_met() {
        let mut log = log(&[&[("a", Some("1")), ("a", None)], &[("b", Some("1"))], &[("c", Some("1"))]]);
        log.compact(5_000, Offset(2), &TopicConfig::default());
        assert_eq!(left(&log)[0], (1, "a".to_owned(), None));
        let first = log.segments()[0].batches().find(|stored| stored.batch.record_count() > 0).expect("the deletion");
        assert_eq!(first.batch.delete_horizon_ms(), Some(5_000 + DELETE_RETENTION_MS));
        assert!(first.batch.crc_is_valid() && first.batch.check_records().is_ok());
        log.compact(5_000 + DELETE_RETENTION_MS, Offset(3), &TopicConfig::default());
        assert_eq!(offsets(&log), [2, 3]);
    }

    #[test]
    fn the_last_batch_of_a_round_stays_though_it_is_empty() {
        let mut log = log(&[&[("a", Some("1")), ("b", Some("1"))], &[("b", Some("2")), ("a", Some("2"))], &[("c", Some("1"))]]);
        log.compact(5_000, Offset(2), &TopicConfig::default());
        log.compact(5_000, Offset(4), &TopicConfig::default());
        assert_eq!(offsets(&log), [2, 3, 4]);
        let mut copy = PartitionLog::new();
        let mut batches = log.read(Offset(0), Offset(5), u32::MAX);
        assert_eq!(copy.append_as_follower(&mut batches, LeaderEpoch(0), &TopicConfig::default()), Ok(true));
        assert_eq!(offsets(&copy), offsets(&log), "gaps are copied as they are");
    }

    #[test]
    fn a_truncated_log_is_cleaned_again_from_where_it_ends() {
        let mut log = log(&[&[("a", Some("1")), ("a", Some("2"))], &[("a", Some("3"))]]);
        let content = log.content();
        log.compact(5_000, Offset(3), &TopicConfig::default());
        append(&mut log, &[("z", Some("1"))], &TopicConfig::default());
        log.truncate_to(Offset(3));
        assert_eq!((log.content(), offsets(&log)), (content, vec![1, 2]));
        log.truncate_to(Offset(1));
        assert_eq!(log.cleaned, Offset(1));
    }
}
