//! Where each leader epoch began in a log: Kafka's `LeaderEpochFileCache` (KIP-101, KIP-279).

use crate::ids::{LeaderEpoch, Offset};
use crate::planted::{Bug, planted};

/// One line of `leader-epoch-checkpoint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    pub epoch: LeaderEpoch,
    pub start: Offset,
}

/// Entries with rising epochs and rising starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochCache {
    entries: Vec<EpochEntry>,
}

impl EpochCache {
    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.entries.last().map(|entry| entry.epoch)
    }

    /// Notes that `epoch` begins at `start`; newest entries that contradict it (not older, or not before) go.
    pub fn assign(&mut self, epoch: LeaderEpoch, start: Offset) {
        let known = |last: &EpochEntry| last.epoch == epoch && last.start <= start;
        if self.entries.last().is_some_and(known) {
            return;
        }
        while self.entries.last().is_some_and(|last| last.epoch >= epoch || last.start >= start) {
            self.entries.pop();
        }
        self.entries.push(EpochEntry { epoch, start });
    }

    /// The largest epoch not above `asked`, with its end: where the next one began, or `log_end` for the latest.
    /// `None` (Kafka's -1, -1) when nothing is known of `asked`.
    pub fn end_offset_for(&self, asked: LeaderEpoch, log_end: Offset) -> Option<(LeaderEpoch, Offset)> {
        if asked.0 < 0 {
            return None;
        }
        if self.latest() == Some(asked) || planted(Bug::EpochsEndAtTheLogEnd) {
            return Some((asked, log_end));
        }
        let higher = self.entries.iter().position(|entry| entry.epoch > asked)?;
        let end = self.entries[higher].start;
        match higher.checked_sub(1) {
            Some(before) => Some((self.entries[before].epoch, end)),
            None => Some((asked, end)),
        }
    }

    /// What lies in `from..end`, by the epoch that wrote it.
    pub fn pieces(&self, from: Offset, end: Offset) -> Vec<(LeaderEpoch, Offset, Offset)> {
        let ends = self.entries.iter().skip(1).map(|next| next.start).chain([end]);
        let all = self.entries.iter().zip(ends).map(|(entry, to)| (entry.epoch, entry.start.max(from), to.min(end)));
        all.filter(|(_, from, to)| from < to).collect()
    }

    /// The epoch that wrote `offset`.
    pub fn epoch_for(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.entries.iter().rev().find(|entry| entry.start <= offset).map(|entry| entry.epoch)
    }

    /// Forgets what lies at or after `end`.
    pub fn truncate_from_end(&mut self, end: Offset) {
        self.entries.retain(|entry| entry.start < end);
    }

    /// Forgets what lies before `start`; the epoch that wrote the record there begins there now.
    pub fn truncate_from_start(&mut self, start: Offset) {
        let gone = self.entries.partition_point(|entry| entry.start <= start);
        if let Some(last) = gone.checked_sub(1) {
            self.entries[last].start = start;
            self.entries.drain(..last);
        }
    }
}
