//! The log of one replica: append, read, truncate. Kafka's `UnifiedLog`, on segments held in memory.
//!
//! The leader assigns offsets and checks sequences; a follower copies what the leader has. The high watermark belongs to the
//! replica, not to the log.

pub mod cache;
pub mod compaction;
pub mod epochs;
pub mod files;
pub mod packed;
pub mod producers;
pub mod retention;
pub mod segment;

use crate::config::TopicConfig;
use crate::error::ErrorCode;
use crate::ids::{LeaderEpoch, Offset};
use crate::planted::{Bug, planted};
use crate::record::RecordBatch;
use epochs::EpochCache;
use producers::{ProducerStates, SequenceCheck};
use segment::{Held, LogSegment, StoredBatch};

#[derive(Clone, Debug)]
pub struct PartitionLog {
    /// Never empty; the last one is active.
    segments: Vec<LogSegment>,
    log_start: Offset,
    log_end: Offset,
    /// `cleaner-offset-checkpoint`: compaction has been up to here.
    cleaned: Offset,
    epochs: EpochCache,
    producers: ProducerStates,
    /// Fingerprint of everything in the log, in order.
    content: u64,
    /// Counts truncations, so that a mirror notices that bytes it has written changed.
    truncations: u32,
}

/// A batch as a client sent it.
#[derive(Clone, Debug)]
pub struct ClientBatch {
    pub batch: RecordBatch,
    pub writer: u32,
    pub serial: u32,
}

/// Where an appended (or already present) batch lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub base_offset: Offset,
    /// The offset after its last record.
    pub end: Offset,
    /// It was there before; nothing was appended.
    pub duplicate: bool,
}

impl Default for PartitionLog {
    fn default() -> Self {
        PartitionLog::new()
    }
}

impl PartitionLog {
    pub fn new() -> Self {
        PartitionLog {
            segments: vec![LogSegment::new(Offset::ZERO, 0)],
            log_start: Offset::ZERO,
            log_end: Offset::ZERO,
            cleaned: Offset::ZERO,
            epochs: EpochCache::default(),
            producers: ProducerStates::default(),
            content: 0,
            truncations: 0,
        }
    }

    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// The offset the next record will get.
    pub fn log_end(&self) -> Offset {
        self.log_end
    }

    pub fn epochs(&self) -> &EpochCache {
        &self.epochs
    }

    pub fn segments(&self) -> &[LogSegment] {
        &self.segments
    }

    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Sealed chunks, and batches outside of them.
    pub fn pieces(&self) -> (u64, u64) {
        self.segments.iter().fold((0, 0), |(sealed, open), segment| {
            let (chunks, batches) = segment.pieces();
            (sealed + chunks, open + batches)
        })
    }

    pub fn known_producers(&self) -> u64 {
        self.producers.known()
    }

    /// What this copy of the log keeps in memory that a later copy no longer has.
    pub fn outlived(&self, later: Option<&PartitionLog>) -> Held {
        let after = later.map_or(&[][..], |later| &later.segments);
        let same = |segment: &LogSegment| after.binary_search_by_key(&segment.base_offset, |other| other.base_offset).ok();
        self.segments.iter().map(|segment| segment.outlived(same(segment).map(|at| &after[at]))).sum()
    }

    pub fn content(&self) -> u64 {
        self.content
    }

    pub fn truncations(&self) -> u32 {
        self.truncations
    }

    /// A new leader marks where its epoch begins.
    pub fn begin_epoch(&mut self, epoch: LeaderEpoch) {
        self.epochs.assign(epoch, self.log_end);
    }

    /// Appends a client's batch at the end, or says why not.
    pub fn append_as_leader(&mut self, sent: ClientBatch, epoch: LeaderEpoch, config: &TopicConfig) -> Result<Appended, ErrorCode> {
        let ClientBatch { batch, writer, serial } = sent;
        if batch.size_in_bytes() > config.max_message_bytes {
            return Err(ErrorCode::MessageTooLarge);
        }
        if batch.size_in_bytes() > config.segment_bytes {
            return Err(ErrorCode::RecordListTooLarge);
        }
        let records = batch.last_offset_delta() + 1;
        let stamp = batch.stamp();
        let base_offset = self.log_end.plus(u64::from(planted(Bug::OffsetsSkip)));
        match self.producers.admit(stamp, records, base_offset) {
            SequenceCheck::Append => {}
            SequenceCheck::Duplicate(base_offset) => {
                return Ok(Appended { base_offset, end: base_offset.plus(u64::from(records)), duplicate: true });
            }
            SequenceCheck::Refuse(error) => return Err(error),
        }
        self.push(StoredBatch { base_offset, batch, leader_epoch: epoch, writer, serial, damaged: false }, records, config);
        Ok(Appended { base_offset, end: self.log_end, duplicate: false })
    }

    /// Takes in copies of the leader's batches, which follow on this log's end; says whether all of them went in.
    ///
    /// A batch whose CRC is wrong stops the whole append, as `UnifiedLog.analyzeAndValidateRecords` does. One that claims an epoch
    /// the leader has not reached, and all behind it, are left out.
    pub fn append_as_follower(
        &mut self,
        batches: &mut Vec<StoredBatch>,
        epoch: LeaderEpoch,
        config: &TopicConfig,
    ) -> Result<bool, ErrorCode> {
        if batches.iter().any(|batch| batch.damaged) {
            return Err(ErrorCode::CorruptMessage);
        }
        let (log_end, mut whole) = (self.log_end, true);
        for batch in batches.drain(..).filter(|batch| batch.base_offset >= log_end) {
            whole &= batch.leader_epoch <= epoch;
            if !whole {
                break;
            }
            let leader_epoch = if planted(Bug::FollowerStampsItsOwnEpoch) { epoch } else { batch.leader_epoch };
            let records = batch.batch.last_offset_delta() + 1;
            self.producers.update(batch.batch.stamp(), records, batch.base_offset);
            self.push(StoredBatch { leader_epoch, ..batch }, records, config);
        }
        Ok(whole)
    }

    /// What the header says is read once: its bytes stand in the order of the network, which is not wasm's.
    fn push(&mut self, batch: StoredBatch, records: u32, config: &TopicConfig) {
        let newest_ms = batch.batch.max_timestamp_ms();
        if !planted(Bug::EpochsAreNotLearned) {
            self.epochs.assign(batch.leader_epoch, batch.base_offset);
        }
        self.log_end = batch.base_offset.plus(u64::from(records));
        self.roll_if_needed(&batch, newest_ms, config);
        self.content = fingerprint(self.content, &batch);
        self.segments.last_mut().expect("a log has an active segment").push(batch, newest_ms);
    }

    /// Kafka's `LogSegment.shouldRoll`: too large, too old by record time, or too far from the base offset.
    fn roll_if_needed(&mut self, batch: &StoredBatch, newest_ms: i64, config: &TopicConfig) {
        let Some(active) = self.segments.last() else { return };
        let Some(first_ms) = active.first_timestamp_ms() else { return };
        let full = active.bytes + u64::from(batch.batch.size_in_bytes()) > u64::from(config.segment_bytes);
        let old = newest_ms - first_ms > config.segment_time.millis() as i64;
        let far = self.log_end.since(active.base_offset) > i32::MAX as u64;
        if full || old || far {
            self.segments.push(LogSegment::new(batch.base_offset, self.content));
        }
    }

    /// Batches from the one holding `from`, below `bound`, up to `max_bytes`; one at least, however large.
    pub fn read(&self, from: Offset, bound: Offset, max_bytes: u32) -> Vec<StoredBatch> {
        let mut batches = Vec::new();
        if from >= bound {
            return batches;
        }
        let (mut bytes, mut any) = (0_u64, false);
        let mut fits = |batch: &StoredBatch| {
            bytes += u64::from(batch.batch.size_in_bytes());
            let too_much = bytes > u64::from(max_bytes) && any;
            any = true;
            batch.base_offset < bound && !too_much
        };
        // Most readers are near the end.
        if let Some(newest) = self.segments.last().and_then(|active| active.newest_from(from)) {
            let fitting = newest.iter().take_while(|batch| fits(batch)).count();
            batches.extend_from_slice(&newest[..fitting]);
            return batches;
        }
        let first = self.segments.partition_point(|segment| segment.base_offset <= from).saturating_sub(1);
        for piece in self.segments[first..].iter().flat_map(|segment| segment.pieces_from(from)) {
            let fitting = piece.iter().take_while(|batch| fits(batch)).count();
            batches.extend_from_slice(&piece[..fitting]);
            if fitting < piece.len() {
                break;
            }
        }
        batches
    }

    /// The batch that holds `offset`.
    pub fn batch_at(&self, offset: Offset) -> Option<&StoredBatch> {
        let segment = self.segments.partition_point(|segment| segment.base_offset <= offset).checked_sub(1)?;
        self.segments[segment].batches_from(offset).next().filter(|batch| batch.base_offset <= offset)
    }

    /// The first record that is not older, by its own timestamp.
    pub fn offset_at_time(&self, timestamp_ms: i64) -> Option<Offset> {
        let mut batches = self.segments.iter().flat_map(LogSegment::batches);
        let stored = batches.find(|stored| stored.batch.max_timestamp_ms() >= timestamp_ms && stored.next_offset() > self.log_start)?;
        let record = stored.batch.records().find(|record| record.timestamp_ms >= timestamp_ms)?;
        Some(stored.base_offset.plus(u64::from(record.offset_delta)).max(self.log_start))
    }

    /// Batches, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &StoredBatch> {
        self.segments.iter().rev().flat_map(|segment| segment.batches().rev())
    }

    /// True when the record at `offset` is the one written in `epoch`.
    pub fn contains(&self, offset: Offset, epoch: LeaderEpoch) -> bool {
        offset < self.log_end && self.epochs.epoch_for(offset) == Some(epoch)
    }

    /// Cuts everything at and after `end`; a batch that reaches beyond it goes whole, yet the log end is what was asked for.
    pub fn truncate_to(&mut self, end: Offset) {
        if end >= self.log_end {
            // A leader that was replaced before its first append left an epoch behind that nobody else knows.
            self.epochs.truncate_from_end(self.log_end);
            return;
        }
        while self.segments.len() > 1 && self.segments.last().is_some_and(|segment| segment.base_offset >= end) {
            self.segments.pop();
        }
        self.segments.last_mut().expect("a log has an active segment").truncate_to(end);
        self.log_end = end;
        self.cleaned = self.cleaned.min(end);
        self.epochs.truncate_from_end(end);
        self.truncations += 1;
        self.rebuild(self.segments.len() - 1);
    }

    /// Where the active segment begins; everything before it was flushed when it was full.
    pub fn active_base(&self) -> Offset {
        self.segments.last().expect("a log has an active segment").base_offset
    }

    /// What a broker does with a log when it starts (`LogLoader`). After a clean shutdown it believes what it finds; else it reads the
    /// segments from the one with the recovery point on (`LogSegment.recover`), cuts everything behind the first batch whose CRC is
    /// wrong, and learns leader epochs from the batches.
    pub fn load(&mut self, clean: bool, recovery_point: Offset) {
        if !clean {
            let first = self.segments.partition_point(|segment| segment.base_offset <= recovery_point).saturating_sub(1);
            let mut end = self.log_end;
            for batch in self.segments[first..].iter().flat_map(|segment| segment.batches()) {
                if batch.damaged {
                    end = batch.base_offset;
                    break;
                }
                if self.epochs.latest() < Some(batch.leader_epoch) {
                    self.epochs.assign(batch.leader_epoch, batch.base_offset);
                }
            }
            self.truncate_to(end);
        }
        self.epochs.truncate_from_end(self.log_end);
    }

    /// A bit of the batch that holds `offset` changes on this copy's disk: one of its records, or one of the leader epoch in its
    /// header, which the CRC does not cover. False when there is no such batch.
    pub fn rot(&mut self, offset: Offset, in_epoch: bool) -> bool {
        let Some(place) = self.segments.partition_point(|segment| segment.base_offset <= offset).checked_sub(1) else { return false };
        let found = self.segments[place].alter(offset, |stored| match in_epoch {
            true => stored.leader_epoch.0 ^= 1,
            false => {
                stored.batch = stored.batch.with_flipped_bit();
                stored.damaged = !stored.batch.crc_is_valid();
            }
        });
        if found {
            self.truncations += 1;
            self.rebuild(place);
        }
        found
    }

    /// Packs what is older than `before_ms`.
    pub fn pack(&mut self, before_ms: i64) {
        self.segments.iter_mut().for_each(|segment| segment.pack(before_ms));
    }

    /// Something was packed and lies in memory for this copy of the log alone.
    pub fn packed_alone(&self) -> bool {
        self.segments.iter().any(LogSegment::packed_alone)
    }

    /// What is packed alike in another copy of the log lies in memory once from now on.
    pub fn share(&mut self, other: &PartitionLog) {
        for segment in self.segments.iter_mut().filter(|segment| segment.packed_alone()) {
            if let Ok(at) = other.segments.binary_search_by_key(&segment.base_offset, |other| other.base_offset) {
                segment.share(&other.segments[at]);
            }
        }
    }

    /// Drops everything and begins again, empty, at `start`.
    pub fn start_anew(&mut self, start: Offset) {
        let truncations = self.truncations + 1;
        *self = PartitionLog {
            segments: vec![LogSegment::new(start, 0)],
            log_start: start,
            log_end: start,
            truncations,
            ..PartitionLog::new()
        };
    }

    /// What is derived from the batches: the producers' memory (Kafka replays its snapshot), and the fingerprint from a segment on.
    fn rebuild(&mut self, changed: usize) {
        // What was deleted left its marks before: producers outlive their records.
        let mut producers = self.producers.before(self.log_start);
        for segment in &self.segments {
            segment.visit(&mut |batch| producers.update(batch.batch.stamp(), batch.batch.last_offset_delta() + 1, batch.base_offset));
        }
        let mut content = self.segments[changed].before;
        for segment in &mut self.segments[changed..] {
            segment.before = content;
            segment.visit(&mut |batch| content = fingerprint(content, batch));
        }
        if !planted(Bug::ProducersSurviveTruncation) {
            self.producers = producers;
        }
        self.content = content;
    }
}

fn fingerprint(before: u64, batch: &StoredBatch) -> u64 {
    let word = (u64::from(batch.batch.crc()) << 32) ^ batch.base_offset.0 ^ (batch.leader_epoch.0 as u64) << 20;
    (before.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, ProducerStamp};

    fn batch(records: u32, stamp: ProducerStamp) -> ClientBatch {
        let mut builder = BatchBuilder::new();
        (0..records).for_each(|i| builder.append(1_000 + i64::from(i), None, Some(b"value"), &[]));
        ClientBatch { batch: builder.build(stamp), writer: 0, serial: 0 }
    }

    fn log(sizes: &[u32]) -> PartitionLog {
        let mut log = PartitionLog::new();
        for records in sizes {
            log.append_as_leader(batch(*records, ProducerStamp::NONE), LeaderEpoch(0), &TopicConfig::default()).expect("it fits");
        }
        log
    }

    #[test]
    fn the_leader_assigns_offsets_one_after_another() {
        let mut log = log(&[3, 2]);
        let appended = log.append_as_leader(batch(4, ProducerStamp::NONE), LeaderEpoch(0), &TopicConfig::default());
        assert_eq!(appended, Ok(Appended { base_offset: Offset(5), end: Offset(9), duplicate: false }));
        assert_eq!(log.log_end(), Offset(9));
    }

    #[test]
    fn a_repeated_batch_is_answered_with_its_first_offset_and_not_stored() {
        let mut log = log(&[2]);
        let stamp = ProducerStamp { producer_id: 7, producer_epoch: 0, base_sequence: 0 };
        let config = TopicConfig::default();
        let first = log.append_as_leader(batch(3, stamp), LeaderEpoch(0), &config).expect("new");
        let again = log.append_as_leader(batch(3, stamp), LeaderEpoch(1), &config).expect("known");
        assert_eq!(again, Appended { duplicate: true, ..first });
        assert_eq!(log.log_end(), Offset(5));
    }

    #[test]
    fn a_batch_over_the_limit_is_refused_and_leaves_no_trace() {
        let mut log = log(&[1]);
        let small = TopicConfig { max_message_bytes: 70, ..TopicConfig::default() };
        let before = log.content();
        assert_eq!(log.append_as_leader(batch(1, ProducerStamp::NONE), LeaderEpoch(0), &small), Err(ErrorCode::MessageTooLarge));
        assert_eq!((log.log_end(), log.content()), (Offset(1), before));
    }

    #[test]
    fn a_follower_that_copied_everything_has_the_same_content() {
        let leader = log(&[3, 1, 4]);
        let mut follower = PartitionLog::new();
        let config = TopicConfig::default();
        assert_eq!(follower.append_as_follower(&mut leader.read(Offset(0), Offset(3), u32::MAX), LeaderEpoch(0), &config), Ok(true));
        // What it has already comes again: it is passed over.
        assert_eq!(follower.append_as_follower(&mut leader.read(Offset(0), leader.log_end(), u32::MAX), LeaderEpoch(0), &config), Ok(true));
        assert_eq!((follower.log_end(), follower.content()), (leader.log_end(), leader.content()));
    }

    #[test]
    fn a_read_gives_one_batch_at_least_and_stops_at_its_bound() {
        let log = log(&[3, 1, 4]);
        let ends = |from, bound, bytes| log.read(Offset(from), Offset(bound), bytes).iter().map(|b| b.next_offset().0).collect::<Vec<_>>();
        assert_eq!(ends(1, 8, 1), [3]);
        assert_eq!(ends(1, 4, u32::MAX), [3, 4]);
        assert_eq!(ends(4, 4, u32::MAX), [0; 0]);
    }

    #[test]
    fn what_is_cut_off_is_forgotten_by_producers_and_epochs_too() {
        let mut log = log(&[2]);
        let stamp = ProducerStamp { producer_id: 7, producer_epoch: 0, base_sequence: 0 };
        log.append_as_leader(batch(3, stamp), LeaderEpoch(1), &TopicConfig::default()).expect("new");
        log.truncate_to(Offset(2));
        assert_eq!((log.log_end(), log.epochs().latest()), (Offset(2), Some(LeaderEpoch(0))));
        let again = log.append_as_leader(batch(3, stamp), LeaderEpoch(2), &TopicConfig::default()).expect("new again");
        assert!(!again.duplicate);
    }

    #[test]
    fn an_epoch_without_a_record_is_cut_even_when_no_record_is() {
        let mut log = log(&[2]);
        log.begin_epoch(LeaderEpoch(3));
        log.truncate_to(Offset(2));
        assert_eq!((log.epochs().latest(), log.truncations()), (Some(LeaderEpoch(0)), 0));
    }

    #[test]
    fn a_flipped_bit_is_found_by_followers_and_by_recovery_but_not_by_a_clean_start() {
        let mut rotten = log(&[3, 2, 4]);
        assert!(rotten.rot(Offset(4), false) && !rotten.rot(Offset(9), false));
        let mut follower = PartitionLog::new();
        let all = rotten.read(Offset(0), Offset(9), u32::MAX);
        assert_eq!(follower.append_as_follower(&mut all.clone(), LeaderEpoch(0), &TopicConfig::default()), Err(ErrorCode::CorruptMessage));
        assert_eq!(follower.log_end(), Offset(0), "not even what came before it");
        rotten.load(true, Offset(0));
        assert_eq!(rotten.log_end(), Offset(9));
        rotten.load(false, Offset(0));
        assert_eq!(rotten.log_end(), Offset(3));
    }

    #[test]
    fn a_flipped_bit_of_a_leader_epoch_passes_every_checksum() {
        let mut rotten = log(&[3, 2]);
        assert!(rotten.rot(Offset(3), true));
        assert!(rotten.batch_at(Offset(3)).is_some_and(|stored| !stored.damaged && stored.batch.crc_is_valid()));
        let mut follower = PartitionLog::new();
        let all = rotten.read(Offset(0), Offset(5), u32::MAX);
        assert_eq!(
            follower.append_as_follower(&mut all.clone(), LeaderEpoch(0), &TopicConfig::default()),
            Ok(false),
            "from the future: left out"
        );
        assert_eq!(follower.append_as_follower(&mut all.clone(), LeaderEpoch(2), &TopicConfig::default()), Ok(true));
        assert_eq!(follower.epochs().latest(), Some(LeaderEpoch(1)), "an epoch in which nobody led is believed");
        rotten.load(false, Offset(0));
        assert_eq!(rotten.epochs().entries().len(), 2, "recovery believes it too");
    }

    #[test]
    fn a_full_segment_makes_room_for_the_next() {
        let size = batch(1, ProducerStamp::NONE).batch.size_in_bytes();
        let config = TopicConfig { segment_bytes: 2 * size, ..TopicConfig::default() };
        let mut log = PartitionLog::new();
        for _ in 0..5 {
            log.append_as_leader(batch(1, ProducerStamp::NONE), LeaderEpoch(0), &config).expect("it fits");
        }
        assert_eq!(log.segments().iter().map(|segment| segment.base_offset.0).collect::<Vec<_>>(), [0, 2, 4]);
        assert_eq!(log.batch_at(Offset(3)).map(|stored| stored.base_offset), Some(Offset(3)));
    }
}
