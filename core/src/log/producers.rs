//! What a partition remembers of idempotent producers: the last five batches of each (Kafka's `ProducerStateEntry`).

use crate::error::ErrorCode;
use crate::ids::Offset;
use crate::planted::{Bug, planted};
use crate::record::ProducerStamp;
use crate::sorted::SortedMap;

/// `ProducerStateEntry.NUM_BATCHES_TO_RETAIN`; also why `max.in.flight.requests.per.connection` may not exceed 5.
pub const BATCHES_RETAINED: usize = 5;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct BatchMetadata {
    first_sequence: i32,
    last_sequence: i32,
    first_offset: Offset,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ProducerState {
    epoch: i16,
    /// How many batches of this epoch are known, and the place of the newest of them.
    known: u8,
    newest: u8,
    batches: [BatchMetadata; BATCHES_RETAINED],
}

impl ProducerState {
    fn batches(&self) -> &[BatchMetadata] {
        &self.batches[..usize::from(self.known)]
    }

    fn newest(&self) -> Option<&BatchMetadata> {
        self.batches().get(usize::from(self.newest))
    }

    fn remember(&mut self, epoch: i16, batch: BatchMetadata) {
        if self.epoch != epoch {
            (self.epoch, self.known) = (epoch, 0);
        }
        let next = if self.known == 0 { 0 } else { usize::from(self.newest) + 1 };
        self.newest = if next == BATCHES_RETAINED { 0 } else { next as u8 };
        self.known = self.known.max(next as u8 + 1).min(BATCHES_RETAINED as u8);
        self.batches[usize::from(self.newest)] = batch;
    }
}

/// All producers known to one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerStates {
    by_id: SortedMap<i64, ProducerState>,
}

/// What the leader does with a client's batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceCheck {
    Append,
    /// The same batch is already there: nothing is appended, the original offset is the answer.
    Duplicate(Offset),
    Refuse(ErrorCode),
}

/// Sequences wrap from 2^31-1 to 0 (`DefaultRecordBatch.incrementSequence`).
pub const fn sequence_plus(sequence: i32, records: u32) -> i32 {
    ((sequence as i64 + records as i64) & 0x7fff_ffff) as i32
}

impl BatchMetadata {
    const fn of(stamp: ProducerStamp, records: u32, first_offset: Offset) -> Self {
        let last_sequence = sequence_plus(stamp.base_sequence, records - 1);
        BatchMetadata { first_sequence: stamp.base_sequence, last_sequence, first_offset }
    }

    /// Where the batch behind it begins.
    const fn next(&self) -> i32 {
        sequence_plus(self.last_sequence, 1)
    }
}

impl ProducerStates {
    pub fn known(&self) -> u64 {
        self.by_id.len() as u64
    }

    /// [Checks](ProducerStates::check) a batch, and remembers it if it is to be appended.
    pub fn admit(&mut self, stamp: ProducerStamp, records: u32, first_offset: Offset) -> SequenceCheck {
        if let Some(known) = self.by_id.get_mut(&stamp.producer_id)
            && stamp.producer_epoch == known.epoch
            && known.newest().is_some_and(|newest| stamp.base_sequence == newest.next())
        {
            // The usual case: it goes on where it was, so none of the five begins there.
            known.remember(stamp.producer_epoch, BatchMetadata::of(stamp, records, first_offset));
            return SequenceCheck::Append;
        }
        let check = self.check(stamp, records);
        if check == SequenceCheck::Append {
            self.update(stamp, records, first_offset);
        }
        check
    }

    /// `ProducerAppendInfo` and `UnifiedLog.analyzeAndValidateProducerState`, in their order.
    pub fn check(&self, stamp: ProducerStamp, records: u32) -> SequenceCheck {
        if stamp.producer_id < 0 {
            return SequenceCheck::Append;
        }
        let Some(known) = self.by_id.get(&stamp.producer_id) else { return SequenceCheck::Append };
        let last = sequence_plus(stamp.base_sequence, records - 1);
        let same = |batch: &&BatchMetadata| batch.first_sequence == stamp.base_sequence && batch.last_sequence == last;
        if stamp.producer_epoch == known.epoch
            && !planted(Bug::DuplicatesAreAppended)
            && let Some(batch) = known.batches().iter().find(same)
        {
            return SequenceCheck::Duplicate(batch.first_offset);
        }
        if stamp.producer_epoch < known.epoch {
            return SequenceCheck::Refuse(ErrorCode::InvalidProducerEpoch);
        }
        let expected = match known.newest() {
            Some(newest) if stamp.producer_epoch == known.epoch => newest.next(),
            _ => 0,
        };
        match stamp.base_sequence == expected || planted(Bug::SequencesAreNotChecked) || planted(Bug::DuplicatesAreAppended) {
            true => SequenceCheck::Append,
            false => SequenceCheck::Refuse(ErrorCode::OutOfOrderSequenceNumber),
        }
    }

    /// What was known of them when the log ended at `end`, as far as it is still remembered.
    pub fn before(&self, end: Offset) -> ProducerStates {
        let mut states = ProducerStates::default();
        for (id, state) in &self.by_id {
            let mut older: Vec<&BatchMetadata> = state.batches().iter().filter(|batch| batch.first_offset < end).collect();
            crate::sorted::settle(&mut older, |a, b| a.first_offset < b.first_offset);
            for batch in older {
                states.by_id.get_or_insert_with(*id, ProducerState::default).remember(state.epoch, *batch);
            }
        }
        states
    }

    /// Whether a batch at this offset holds the last record of its producer.
    pub fn ends_at(&self, producer_id: i64, first_offset: Offset) -> bool {
        let newest = self.by_id.get(&producer_id).and_then(ProducerState::newest);
        newest.is_some_and(|newest| newest.first_offset == first_offset)
    }

    /// Remembers an appended batch; followers and recovery do so without asking.
    pub fn update(&mut self, stamp: ProducerStamp, records: u32, first_offset: Offset) {
        if stamp.producer_id < 0 {
            return;
        }
        let state = self.by_id.get_or_insert_with(stamp.producer_id, ProducerState::default);
        state.remember(stamp.producer_epoch, BatchMetadata::of(stamp, records, first_offset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(epoch: i16, sequence: i32) -> ProducerStamp {
        ProducerStamp { producer_id: 1, producer_epoch: epoch, base_sequence: sequence }
    }

    /// Batches of two records from sequence 0 on, at the offsets of their sequences.
    fn after(batches: i32) -> ProducerStates {
        let mut states = ProducerStates::default();
        (0..batches).for_each(|i| states.update(stamp(0, 2 * i), 2, Offset(2 * i as u64)));
        states
    }

    #[test]
    fn the_last_five_batches_are_known_again_and_older_ones_are_out_of_order() {
        let states = after(6);
        assert_eq!(states.check(stamp(0, 2), 2), SequenceCheck::Duplicate(Offset(2)));
        assert_eq!(states.check(stamp(0, 0), 2), SequenceCheck::Refuse(ErrorCode::OutOfOrderSequenceNumber));
        assert_eq!(states.check(stamp(0, 12), 2), SequenceCheck::Append);
    }

    #[test]
    fn only_the_very_same_batch_is_a_duplicate() {
        assert_eq!(after(2).check(stamp(0, 2), 1), SequenceCheck::Refuse(ErrorCode::OutOfOrderSequenceNumber));
    }

    #[test]
    fn a_new_epoch_starts_at_zero_and_an_old_one_is_over() {
        let mut states = after(2);
        assert_eq!(states.check(stamp(1, 4), 2), SequenceCheck::Refuse(ErrorCode::OutOfOrderSequenceNumber));
        assert_eq!(states.check(stamp(1, 0), 2), SequenceCheck::Append);
        states.update(stamp(1, 0), 2, Offset(4));
        assert_eq!(states.check(stamp(0, 4), 2), SequenceCheck::Refuse(ErrorCode::InvalidProducerEpoch));
    }

    #[test]
    fn an_unknown_producer_may_start_anywhere_and_a_plain_one_is_not_remembered() {
        assert_eq!(ProducerStates::default().check(stamp(0, 40), 2), SequenceCheck::Append);
        let mut states = ProducerStates::default();
        states.update(ProducerStamp::NONE, 2, Offset(0));
        assert_eq!(states, ProducerStates::default());
    }

    #[test]
    fn sequences_wrap_to_zero() {
        assert_eq!(sequence_plus(i32::MAX, 1), 0);
        let mut states = ProducerStates::default();
        states.update(stamp(0, i32::MAX - 1), 2, Offset(0));
        assert_eq!(states.check(stamp(0, 0), 2), SequenceCheck::Append);
    }
}
