//! One segment of a log: batches back to back under the name of its base offset.
//!
//! Full chunks are sealed behind an `Arc`, so cloning a segment (a snapshot of the whole cluster) copies the open chunk only. Old
//! ones are [packed](super::packed).

use super::packed::Packed;
use crate::ids::{LeaderEpoch, Offset};
use crate::record::RecordBatch;
use std::sync::Arc;

/// Batches behind one `Arc`: fewer, and a log takes more room; more, and so does a copy of it.
const CHUNK: usize = 32;

/// Batches packed together: each is told by what it differs in from one before it.
const PACKED: usize = 8 * CHUNK;

/// So many at the end of a row are looked at one by one.
const NEAR: usize = 16;

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
    /// Of its newest record by timestamp, which retention counts from.
    largest_timestamp_ms: i64,
    /// Fingerprint of all that came before it in the log.
    pub before: u64,
    sealed: Vec<Chunk>,
    open: Vec<StoredBatch>,
}

#[derive(Clone, Debug)]
enum Chunk {
    Plain(Arc<Vec<StoredBatch>>),
    Packed(Arc<Packed>),
}

impl Chunk {
    fn batches(&self) -> &[StoredBatch] {
        match self {
            Chunk::Plain(batches) => batches,
            Chunk::Packed(packed) => packed.batches(),
        }
    }

    fn first(&self) -> Offset {
        match self {
            Chunk::Plain(batches) => batches[0].base_offset,
            Chunk::Packed(packed) => packed.first,
        }
    }

    /// Both lie in the same memory.
    fn shares(&self, other: &Chunk) -> bool {
        match (self, other) {
            (Chunk::Plain(mine), Chunk::Plain(other)) => Arc::ptr_eq(mine, other),
            (Chunk::Packed(mine), Chunk::Packed(other)) => mine.shares(other),
            _ => false,
        }
    }

    fn held(&self) -> Held {
        match self {
            Chunk::Plain(batches) => Held::of(batches),
            Chunk::Packed(packed) => Held { bytes: packed.size() as u64, batches: 0 },
        }
    }
}

/// What a part of a log takes in memory: bytes, which all copies of a batch share, and batches, which each replica lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub bytes: u64,
    pub batches: u64,
}

impl Held {
    fn of(batches: &[StoredBatch]) -> Held {
        Held { bytes: batches.iter().map(|stored| u64::from(stored.batch.size_in_bytes())).sum(), batches: batches.len() as u64 }
    }
}

impl std::iter::Sum for Held {
    fn sum<I: Iterator<Item = Held>>(all: I) -> Held {
        all.fold(Held::default(), |sum, one| Held { bytes: sum.bytes + one.bytes, batches: sum.batches + one.batches })
    }
}

impl LogSegment {
    /// `before`: the fingerprint of what lies before it.
    pub fn new(base_offset: Offset, before: u64) -> Self {
        LogSegment { base_offset, bytes: 0, first_timestamp_ms: -1, largest_timestamp_ms: -1, before, sealed: Vec::new(), open: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.open.is_empty()
    }

    /// Timestamp of its first batch; time-based rolling counts from it.
    pub fn first_timestamp_ms(&self) -> Option<i64> {
        (!self.is_empty()).then_some(self.first_timestamp_ms)
    }

    pub fn largest_timestamp_ms(&self) -> i64 {
        self.largest_timestamp_ms
    }

    /// With the newest timestamp in the batch.
    pub fn push(&mut self, batch: StoredBatch, newest_ms: i64) {
        if self.is_empty() {
            self.first_timestamp_ms = newest_ms;
        }
        self.largest_timestamp_ms = self.largest_timestamp_ms.max(newest_ms);
        self.bytes += u64::from(batch.batch.size_in_bytes());
        if self.open.len() == CHUNK {
            let full = std::mem::replace(&mut self.open, Vec::with_capacity(CHUNK));
            self.sealed.push(Chunk::Plain(Arc::new(full)));
        }
        self.open.push(batch);
    }

    /// Sealed chunks, and batches outside of them.
    pub fn pieces(&self) -> (u64, u64) {
        (self.sealed.len() as u64, self.open.len() as u64)
    }

    /// What this copy of a segment keeps in memory that a later copy no longer has: deleted, cleaned away or packed since. The open
    /// batches are listed in each copy anyway.
    pub fn outlived(&self, later: Option<&LogSegment>) -> Held {
        let after = later.map_or(&[][..], |later| &later.sealed);
        let mut place = 0;
        let sealed = self.sealed.iter().filter(|chunk| {
            place += after[place..].iter().take_while(|other| other.first() < chunk.first()).count();
            !after.get(place).is_some_and(|other| other.first() == chunk.first() && chunk.shares(other))
        });
        let sealed: Held = sealed.map(Chunk::held).sum();
        let kept = |first: &StoredBatch| later.is_some_and(|later| !later.is_packed_at(first.base_offset));
        let open = if self.open.first().is_none_or(kept) { 0 } else { Held::of(&self.open).bytes };
        Held { bytes: sealed.bytes + open, ..sealed }
    }

    fn is_packed_at(&self, offset: Offset) -> bool {
        let open = self.open.first().is_some_and(|first| first.base_offset <= offset);
        let chunk = self.sealed.partition_point(|chunk| chunk.first() <= offset).checked_sub(1);
        !open && chunk.is_some_and(|chunk| matches!(self.sealed[chunk], Chunk::Packed(_)))
    }

    pub fn batches(&self) -> impl DoubleEndedIterator<Item = &StoredBatch> {
        self.sealed.iter().flat_map(Chunk::batches).chain(&self.open)
    }

    /// Every batch in order, without leaving the old ones unpacked.
    pub fn visit(&self, see: &mut dyn FnMut(&StoredBatch)) {
        for chunk in &self.sealed {
            match chunk {
                Chunk::Plain(batches) => batches.iter().for_each(&mut *see),
                Chunk::Packed(packed) => packed.unpack().iter().for_each(&mut *see),
            }
        }
        self.open.iter().for_each(see);
    }

    /// The same from the last batch to the first.
    pub fn visit_back(&self, see: &mut dyn FnMut(&StoredBatch)) {
        self.open.iter().rev().for_each(&mut *see);
        for chunk in self.sealed.iter().rev() {
            match chunk {
                Chunk::Plain(batches) => batches.iter().rev().for_each(&mut *see),
                Chunk::Packed(packed) => packed.unpack().iter().rev().for_each(&mut *see),
            }
        }
    }

    /// Packs chunks whose newest record is older than `before_ms`, and those again that a reader has unpacked.
    pub fn pack(&mut self, before_ms: i64) {
        let mut place = 0;
        while place < self.sealed.len() {
            if let Chunk::Packed(packed) = &mut self.sealed[place]
                && let Some(folded) = packed.folded()
            {
                *packed = Arc::new(folded);
            }
            let chunks = self.old_chunks(place, before_ms);
            if chunks > 0 {
                let old: Vec<StoredBatch> = self.sealed[place..place + chunks].iter().flat_map(Chunk::batches).cloned().collect();
                self.sealed.splice(place..place + chunks, [Chunk::Packed(Arc::new(Packed::of(&old)))]);
            }
            place += 1;
        }
    }

    /// How many chunks from this one on are packed together; 0 while too few of them are old.
    fn old_chunks(&self, place: usize, before_ms: i64) -> usize {
        let mut batches = 0;
        for (before, chunk) in self.sealed[place..].iter().enumerate() {
            match chunk {
                Chunk::Plain(plain) if plain.iter().all(|stored| stored.batch.max_timestamp_ms() < before_ms) => batches += plain.len(),
                _ => break,
            }
            if batches >= PACKED {
                return before + 1;
            }
        }
        0
    }

    /// Something here was packed and nobody shares it.
    pub fn packed_alone(&self) -> bool {
        self.sealed.iter().any(|chunk| matches!(chunk, Chunk::Packed(packed) if Arc::strong_count(packed) == 1))
    }

    /// What is packed alike in another copy of the segment lies in memory once from now on.
    #[inline(never)]
    pub fn share(&mut self, other: &LogSegment) {
        for pair in self.sealed.iter_mut().zip(&other.sealed) {
            if let (Chunk::Packed(mine), Chunk::Packed(other)) = pair
                && Arc::strong_count(mine) == 1
                && mine.is_like(other)
            {
                *mine = Arc::clone(other);
            }
        }
    }

    /// Batches from the one that holds `offset` on.
    pub fn batches_from(&self, offset: Offset) -> impl Iterator<Item = &StoredBatch> {
        self.pieces_from(offset).flatten()
    }

    /// The same, for who reads what is not sealed yet.
    pub fn newest_from(&self, offset: Offset) -> Option<&[StoredBatch]> {
        let there = self.open.first().is_some_and(|first| first.base_offset <= offset);
        there.then(|| &self.open[holds_from(&self.open, offset)..])
    }

    /// The same, piece by piece. Base offsets lead there: to look into every batch on the way would fetch its bytes.
    pub fn pieces_from(&self, offset: Offset) -> impl Iterator<Item = &[StoredBatch]> {
        let chunks = self.sealed.len();
        let chunk = match self.open.first() {
            Some(first) if first.base_offset <= offset => chunks,
            _ => self.sealed.partition_point(|chunk| chunk.first() <= offset).saturating_sub(1),
        };
        let head = self.sealed.get(chunk).map_or(&self.open[..], Chunk::batches);
        let first = holds_from(head, offset);
        let later = self.sealed.iter().skip(chunk + 1).map(Chunk::batches);
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
        let Some(chunk) = self.sealed.iter_mut().find(|chunk| chunk.batches().iter().any(holds)) else { return false };
        let mut batches = chunk.batches().to_vec();
        if let Some(batch) = batches.iter_mut().find(|batch| holds(batch)) {
            change(batch);
        }
        *chunk = Chunk::Plain(Arc::new(batches));
        true
    }

    /// Drops every batch that reaches beyond `end`.
    pub fn truncate_to(&mut self, end: Offset) {
        let mut kept: Vec<StoredBatch> = Vec::new();
        self.visit(&mut |batch| {
            if batch.next_offset() <= end {
                kept.push(batch.clone());
            }
        });
        *self = LogSegment::new(self.base_offset, self.before);
        for batch in kept {
            let newest_ms = batch.batch.max_timestamp_ms();
            self.push(batch, newest_ms);
        }
    }
}

/// Where the batch with `offset` stands in a row, or what comes behind it. The end is tried first; and a batch that begins there
/// needs no look into its bytes.
fn holds_from(row: &[StoredBatch], offset: Offset) -> usize {
    let mut behind = row.len();
    while behind > 0 && row[behind - 1].base_offset > offset {
        behind = if behind + NEAR > row.len() { behind - 1 } else { row[..behind].partition_point(|batch| batch.base_offset <= offset) };
    }
    match behind.checked_sub(1) {
        Some(before) if row[before].base_offset == offset || row[before].next_offset() > offset => before,
        _ => behind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, ProducerStamp};

    /// Batches of three records each, more than a chunk of them.
    fn segment(batches: u64) -> LogSegment {
        let mut segment = LogSegment::new(Offset(0), 0);
        let mut builder = BatchBuilder::new();
        (0..3).for_each(|_| builder.append(5, None, Some(b"v"), &[]));
        let batch = builder.build(ProducerStamp::NONE);
        for i in 0..batches {
            let base_offset = Offset(3 * i);
            let (batch, leader_epoch) = (batch.clone(), LeaderEpoch(0));
            segment.push(StoredBatch { base_offset, batch, leader_epoch, writer: 0, serial: 0, damaged: false }, 5);
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
    fn a_packed_segment_is_read_cut_and_changed_as_before() {
        let plain = segment(700);
        let mut packed = plain.clone();
        packed.pack(6);
        let (old, rest): (Vec<&Chunk>, Vec<&Chunk>) = packed.sealed.iter().partition(|chunk| matches!(chunk, Chunk::Packed(_)));
        assert_eq!((old.len(), rest.len()), (700 / PACKED, 700 % PACKED / CHUNK));
        for offset in [0, 1, 767, 768, 769, 1_536, 2_098, 2_099] {
            let at = |segment: &LogSegment| segment.batches_from(Offset(offset)).map(|batch| batch.base_offset).collect::<Vec<_>>();
            assert_eq!(at(&packed), at(&plain));
        }
        let (mut cut, mut rotten) = (packed.clone(), packed.clone());
        cut.truncate_to(Offset(1_000));
        assert_eq!((cut.batches().count(), cut.bytes), (333, segment(333).bytes));
        assert!(rotten.alter(Offset(4), |batch| batch.damaged = true));
        assert_eq!(rotten.batches().filter(|batch| batch.damaged).count(), 1);
        let mut young = segment(700);
        young.pack(5);
        assert!(young.sealed.iter().all(|chunk| matches!(chunk, Chunk::Plain(_))), "its records are not older than that");
    }

    #[test]
    fn a_copy_outlives_what_was_packed_or_deleted_after_it() {
        let mut live = segment(700);
        let (copy, size) = (live.clone(), u64::from(live.open[0].batch.size_in_bytes()));
        assert_eq!(copy.outlived(Some(&live)), Held::default());
        (0..100).for_each(|i| live.push(StoredBatch { base_offset: Offset(2_100 + 3 * i), ..live.open[0].clone() }, 5));
        assert_eq!(copy.outlived(Some(&live)), Held::default(), "what is sealed since is there still");
        live.pack(6);
        let (open, packed) = (700 % CHUNK as u64, 800 / PACKED as u64 * PACKED as u64);
        assert!(packed > 700);
        assert_eq!(copy.outlived(Some(&live)), Held { bytes: 700 * size, batches: 700 - open });
        let packed = live.clone();
        assert_eq!(packed.outlived(Some(&live)), Held::default());
        assert!(packed.outlived(None).bytes < 200 * size, "packed it takes less");
    }

    #[test]
    fn what_is_packed_alike_in_two_copies_lies_in_memory_once() {
        let (mut leader, mut follower, mut shorter) = (segment(700), segment(700), segment(400));
        for copy in [&mut leader, &mut follower, &mut shorter] {
            copy.pack(6);
        }
        follower.share(&leader);
        shorter.share(&leader);
        let bytes = |segment: &LogSegment| segment.batches().map(|stored| stored.batch.bytes().to_vec()).collect::<Vec<_>>();
        assert_eq!((bytes(&follower), bytes(&shorter)), (bytes(&segment(700)), bytes(&segment(400))));
        let place = |segment: &LogSegment| segment.batches().next().map(|stored| stored.batch.bytes().as_ptr());
        assert_eq!((place(&follower), place(&shorter)), (place(&leader), place(&leader)));
        assert!(!follower.packed_alone() && !leader.packed_alone());
        let mut other = segment(700);
        assert!(other.alter(Offset(4), |batch| batch.leader_epoch = LeaderEpoch(3)));
        other.pack(6);
        other.share(&leader);
        assert!(other.packed_alone() && other.batches().nth(1).is_some_and(|batch| batch.leader_epoch == LeaderEpoch(3)));
    }

    #[test]
    fn a_copy_does_not_see_what_is_appended_later() {
        let mut original = segment(300);
        let copy = original.clone();
        original.truncate_to(Offset(9));
        assert_eq!(copy.batches().count(), 300);
    }
}
