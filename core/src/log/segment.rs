//! One segment of a log: batches back to back under the name of its base offset.
//!
//! Full chunks are sealed behind an `Arc`, so cloning a segment (a snapshot of the whole cluster) copies the open chunk only.

use crate::ids::{LeaderEpoch, Offset};
use crate::record::RecordBatch;
use std::sync::Arc;

const CHUNK: usize = 256;

/// A batch at its place in a partition. The bytes are shared by the producer's request, the leader and all followers;
/// what a broker stamps outside the checksum (base offset, leader epoch) stands beside them.
#[derive(Clone, Debug)]
pub struct StoredBatch {
    pub base_offset: Offset,
    pub batch: RecordBatch,
    pub leader_epoch: LeaderEpoch,
    /// For the referee alone: who wrote it, and the how-manieth record of that writer to this partition it begins with.
    pub writer: u32,
    pub serial: u32,
    /// The bytes no longer match their CRC. Found out once, when they changed: whoever checks would find the same.
    pub damaged: bool,
}

impl StoredBatch {
    /// The offset after its last record.
    pub fn next_offset(&self) -> Offset {
        self.base_offset.plus(u64::from(self.batch.last_offset_delta()) + 1)
    }
}

#[derive(Clone, Debug)]
pub struct LogSegment {
    pub base_offset: Offset,
    pub bytes: u64,
    first_timestamp_ms: i64,
    sealed: Vec<Arc<Vec<StoredBatch>>>,
    open: Vec<StoredBatch>,
}

impl LogSegment {
    pub fn new(base_offset: Offset) -> Self {
        LogSegment { base_offset, bytes: 0, first_timestamp_ms: -1, sealed: Vec::new(), open: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.open.is_empty()
    }

    /// Timestamp of its first batch; time-based rolling counts from it.
    pub fn first_timestamp_ms(&self) -> Option<i64> {
        (!self.is_empty()).then_some(self.first_timestamp_ms)
    }

    pub fn push(&mut self, batch: StoredBatch) {
        if self.is_empty() {
            self.first_timestamp_ms = batch.batch.max_timestamp_ms();
        }
        self.bytes += u64::from(batch.batch.size_in_bytes());
        if self.open.len() == CHUNK {
            let full = std::mem::replace(&mut self.open, Vec::with_capacity(CHUNK));
            self.sealed.push(Arc::new(full));
        }
        self.open.push(batch);
    }

    pub fn batches(&self) -> impl DoubleEndedIterator<Item = &StoredBatch> {
        self.sealed.iter().flat_map(|chunk| chunk.iter()).chain(&self.open)
    }

    /// Batches from the one that holds `offset` on.
    pub fn batches_from(&self, offset: Offset) -> impl Iterator<Item = &StoredBatch> {
        self.pieces_from(offset).flatten()
    }

    /// The same, piece by piece. Base offsets lead there: to look into every batch on the way would fetch its bytes.
    pub fn pieces_from(&self, offset: Offset) -> impl Iterator<Item = &[StoredBatch]> {
        let chunks = self.sealed.len();
        let chunk = match self.open.first() {
            Some(first) if first.base_offset <= offset => chunks,
            _ => self.sealed.partition_point(|chunk| chunk[0].base_offset <= offset).saturating_sub(1),
        };
        let head = self.sealed.get(chunk).map_or(&self.open[..], |sealed| sealed);
        let behind = head.partition_point(|batch| batch.base_offset <= offset);
        let first = match behind.checked_sub(1) {
            Some(before) if head[before].next_offset() > offset => before,
            _ => behind,
        };
        let later = self.sealed.iter().skip(chunk + 1).map(|chunk| &chunk[..]);
        let open = if chunk < chunks { &self.open[..] } else { &[] };
        std::iter::once(&head[first..]).chain(later).chain(std::iter::once(open))
    }

    /// Changes the batch that holds `offset`, in this copy of the log alone; false when there is none.
    pub fn alter(&mut self, offset: Offset, change: impl FnOnce(&mut StoredBatch)) -> bool {
        let holds = |batch: &StoredBatch| batch.base_offset <= offset && offset < batch.next_offset();
        if let Some(batch) = self.open.iter_mut().find(|batch| holds(batch)) {
            change(batch);
            return true;
        }
        let Some(chunk) = self.sealed.iter_mut().find(|chunk| chunk.iter().any(holds)) else { return false };
        if let Some(batch) = Arc::make_mut(chunk).iter_mut().find(|batch| holds(batch)) {
            change(batch);
        }
        true
    }

    /// Drops every batch that reaches beyond `end`.
    pub fn truncate_to(&mut self, end: Offset) {
        let kept: Vec<StoredBatch> = self.batches().take_while(|batch| batch.next_offset() <= end).cloned().collect();
        *self = LogSegment::new(self.base_offset);
        for batch in kept {
            self.push(batch);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, ProducerStamp};

    /// Batches of three records each, more than a chunk of them.
    fn segment(batches: u64) -> LogSegment {
        let mut segment = LogSegment::new(Offset(0));
        let mut builder = BatchBuilder::new();
        (0..3).for_each(|_| builder.append(5, None, Some(b"v"), &[]));
        let batch = builder.build(ProducerStamp::NONE);
        for i in 0..batches {
            let base_offset = Offset(3 * i);
            segment.push(StoredBatch {
                base_offset,
                batch: batch.clone(),
                leader_epoch: LeaderEpoch(0),
                writer: 0,
                serial: 0,
                damaged: false,
            });
        }
        segment
    }

    #[test]
    fn every_offset_is_found_in_its_batch_sealed_or_open() {
        let segment = segment(700);
        for offset in [0, 1, 767, 768, 769, 1_536, 2_098, 2_099] {
            let first = segment.batches_from(Offset(offset)).next().expect("it is there");
            assert_eq!(first.base_offset, Offset(offset / 3 * 3));
            assert_eq!(segment.batches_from(Offset(offset)).count() as u64, 700 - offset / 3);
        }
        assert_eq!(segment.batches_from(Offset(2_100)).count(), 0);
    }

    #[test]
    fn a_cut_segment_counts_only_what_it_kept() {
        let mut cut = segment(700);
        cut.truncate_to(Offset(1_000));
        let kept = segment(333);
        assert_eq!((cut.batches().count(), cut.bytes), (333, kept.bytes));
        cut.truncate_to(Offset(0));
        assert!(cut.is_empty() && cut.bytes == 0 && cut.first_timestamp_ms().is_none());
    }

    #[test]
    fn a_change_of_one_copy_is_not_seen_in_another() {
        let mut original = segment(700);
        let copy = original.clone();
        for offset in [4, 2_098] {
            assert!(original.alter(Offset(offset), |batch| batch.damaged = true));
        }
        assert!(!original.alter(Offset(2_100), |batch| batch.damaged = true));
        let damaged =
            |segment: &LogSegment| segment.batches().filter(|batch| batch.damaged).map(|batch| batch.base_offset.0).collect::<Vec<_>>();
        assert_eq!((damaged(&original), damaged(&copy)), (vec![3, 2_097], vec![]));
    }

    #[test]
    fn a_copy_does_not_see_what_is_appended_later() {
        let mut original = segment(300);
        let copy = original.clone();
        original.truncate_to(Offset(9));
        assert_eq!(copy.batches().count(), 300);
    }
}
