//! What an idempotent producer knows of one partition: which sequences are under way, which is next, and whether a batch that was
//! given up may have been stored after all. Kafka's `TxnPartitionEntry` and the part of `TransactionManager` around it.

use crate::log::producers::{BATCHES_RETAINED, sequence_plus};
use std::collections::VecDeque;

#[derive(Clone, Debug, Default)]
pub struct Sequences {
    /// The producer epoch its batches carry; it follows the producer's only when nothing is under way.
    pub epoch: i16,
    next: i32,
    last_acked: Option<i32>,
    /// Batches under way or waiting for another try: first sequence and records, by sequence. As a rule they come and go in order.
    outstanding: VecDeque<(i32, u32)>,
    /// After a batch that was given up: where the one behind it begins.
    unresolved: Option<i32>,
}

impl Sequences {
    /// `shouldStopDrainBatchesForPartition`: whether the batch at the head of the queue must wait.
    pub fn block(&self, head: Option<i32>, producer_epoch: i16) -> bool {
        match head {
            None => {
                let stale = !self.outstanding.is_empty() && self.epoch != producer_epoch;
                stale || self.unresolved.is_some() || self.outstanding.len() >= BATCHES_RETAINED
            }
            // It is being sent again: one at a time, in order.
            Some(sequence) => self.outstanding.front().is_some_and(|(first, _)| sequence != *first),
        }
    }

    /// The first sequence of a batch that goes for the first time.
    pub fn assign(&mut self, producer_epoch: i16, records: u32) -> i32 {
        if self.outstanding.is_empty() && self.epoch != producer_epoch {
            *self = Sequences { epoch: producer_epoch, ..Sequences::default() };
        }
        let sequence = self.next;
        self.next = sequence_plus(sequence, records);
        self.part(sequence, records);
        sequence
    }

    /// A batch too large for its topic goes on as parts, each with its own first sequence; the first takes the place of the whole.
    pub fn part(&mut self, sequence: i32, records: u32) {
        match self.outstanding.back() {
            Some((last, _)) if *last >= sequence => {
                self.forget(sequence);
                let place = self.outstanding.partition_point(|(other, _)| *other < sequence);
                self.outstanding.insert(place, (sequence, records));
            }
            _ => self.outstanding.push_back((sequence, records)),
        }
    }

    fn forget(&mut self, sequence: i32) {
        if let Some(place) = self.outstanding.iter().position(|(other, _)| *other == sequence) {
            self.outstanding.remove(place);
        }
    }

    pub fn acked(&mut self, sequence: i32, records: u32) {
        self.forget(sequence);
        self.last_acked = self.last_acked.max(Some(sequence_plus(sequence, records - 1)));
    }

    /// It failed and will not be tried again.
    pub fn failed(&mut self, sequence: i32) {
        self.forget(sequence);
    }

    /// Given up after having been sent: nobody knows whether it is stored, so nothing new goes until that is clear.
    pub fn given_up(&mut self, sequence: i32, records: u32) {
        self.forget(sequence);
        self.unresolved = self.unresolved.max(Some(sequence_plus(sequence, records)));
    }

    fn is_next(&self, sequence: i32) -> bool {
        sequence == self.last_acked.map_or(0, |last| sequence_plus(last, 1))
    }

    /// OUT_OF_ORDER_SEQUENCE_NUMBER is always tried again; true when the gap is real, so that a new epoch must close it.
    pub fn gap_is_real(&self, sequence: i32, renumbered: bool) -> bool {
        match self.unresolved {
            None => !renumbered && self.is_next(sequence),
            Some(behind) => sequence == behind,
        }
    }

    /// `maybeResolveSequences`; true when all that was under way is gone and something is missing.
    pub fn resolve(&mut self) -> bool {
        if self.unresolved.is_none() || !self.outstanding.is_empty() {
            return false;
        }
        self.unresolved = None;
        !self.is_next(self.next)
    }

    pub fn is_unresolved(&self) -> bool {
        self.unresolved.is_some()
    }

    /// A new epoch: what is under way is numbered from zero, in order. Gives the old and new sequences.
    pub fn restart(&mut self, epoch: i16) -> Vec<(i32, i32)> {
        let before = std::mem::replace(self, Sequences { epoch, ..Sequences::default() });
        before.outstanding.into_iter().map(|(sequence, records)| (sequence, self.assign(epoch, records))).collect()
    }
}
