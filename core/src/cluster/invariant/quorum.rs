//! K1: what must hold among the voters of the quorum.

use crate::cluster::Cluster;
use crate::metadata::LogEntry;
use crate::quorum::Raft;
use crate::quorum::voter::Voter;
use crate::sorted::SortedMap;
use std::sync::Arc;

impl Cluster {
    /// What can be seen at a glance: one leader an epoch, a majority behind what is committed, and logs that agree where they should.
    pub(super) fn check_quorum(&self, found: &mut Vec<String>) {
        let rafts = || self.controllers().iter().map(Voter::raft);
        for raft in rafts() {
            let (id, mark) = (raft.id(), raft.high_watermark());
            if raft.log().start() > mark || mark > raft.log().end() {
                found.push(format!("K1 SnapshotAtLogStart: marks of voter {id} are out of order"));
            }
            if raft.leadership().is_some() {
                let have = rafts().filter(|other| last_common(raft, other, mark)).count();
                if have * 2 <= self.controllers().len() {
                    found.push(format!("K1 MajorityReachedHighWatermark: {have} voters have what leader {id} calls committed"));
                }
            }
            for other in rafts().filter(|other| other.id() > id) {
                let rivals = raft.epoch() == other.epoch() && raft.leadership().is_some() && other.leadership().is_some();
                if rivals {
                    found.push(format!("K1 ElectionSafety: {id} and {} both lead in epoch {}", other.id(), raft.epoch()));
                }
                if !last_common(raft, other, mark.min(other.high_watermark())) {
                    found.push(format!("K1 ConsistentCommittedData: {id} and {} differ in what is committed", other.id()));
                }
                let ends = raft.log().end().min(other.log().end());
                let (mine, theirs) = (last(raft, ends), last(other, ends));
                if mine.zip(theirs).is_some_and(|(mine, theirs)| mine.epoch == theirs.epoch && mine != theirs) {
                    found.push(format!("K1 LogMatching: {id} and {} have two records at {} in one epoch", other.id(), ends - 1));
                }
            }
        }
    }
}

/// The record before `end`, unless a snapshot took its place.
fn last(raft: &Raft, end: u64) -> Option<&Arc<LogEntry>> {
    raft.log().range(end.checked_sub(1)?, end).last().filter(|_| end > raft.log().start() && end <= raft.log().end())
}

/// Both have the same record before `end`; what one has in a snapshot is taken as equal.
fn last_common(raft: &Raft, other: &Raft, end: u64) -> bool {
    let there = other.log().end() >= end;
    there && last(raft, end).zip(last(other, end)).is_none_or(|(mine, theirs)| mine == theirs)
}

/// What an auditor remembers of the quorum.
#[derive(Clone, Debug, Default)]
pub struct QuorumSeen {
    /// Epoch and high watermark of each voter at the last look.
    voters: Vec<(i32, u64)>,
    /// Who led in each epoch.
    leaders: SortedMap<i32, i32>,
    /// The newest committed record and its offset.
    committed: Option<(u64, Arc<LogEntry>)>,
}

impl QuorumSeen {
    /// One look after an event; everything broken, as a sentence.
    pub fn look(&mut self, cluster: &Cluster) -> Vec<String> {
        let mut found = Vec::new();
        let state = |voter: &Voter| (voter.raft().epoch(), voter.raft().high_watermark());
        let now: Vec<(i32, u64)> = cluster.controllers().iter().map(state).collect();
        for (voter, (before, now)) in cluster.controllers().iter().zip(self.voters.iter().zip(&now)) {
            let id = voter.id();
            if now.0 < before.0 {
                found.push(format!("K1 MonotonicEpoch: voter {id} went from epoch {} back to {}", before.0, now.0));
            }
            if now.1 < before.1 {
                found.push(format!("K1 MonotonicHighWatermark: voter {id} went from {} back to {}", before.1, now.1));
            }
        }
        for raft in cluster.controllers().iter().map(Voter::raft).filter(|raft| raft.leadership().is_some()) {
            let (id, epoch) = (raft.id(), raft.epoch());
            let leader = *self.leaders.entry(epoch).or_insert(id);
            if leader != id {
                found.push(format!("K1 ElectionSafety: {leader} led in epoch {epoch}, now {id} does"));
            }
            // A new leader has all that was ever committed.
            if let Some((offset, entry)) = &self.committed
                && self.leaders.last_key_value().is_some_and(|(newest, _)| *newest == epoch)
                && last(raft, offset + 1).map_or(raft.log().start() <= *offset, |mine| mine != entry)
            {
                found.push(format!("K1 LeaderCompleteness: leader {id} of epoch {epoch} lacks what was committed at {offset}"));
            }
        }
        for raft in cluster.controllers().iter().map(Voter::raft) {
            let mark = raft.high_watermark();
            if self.committed.as_ref().is_none_or(|(offset, _)| *offset + 1 < mark)
                && let Some(entry) = last(raft, mark)
            {
                self.committed = Some((mark - 1, Arc::clone(entry)));
            }
        }
        if now != self.voters {
            cluster.check_quorum(&mut found);
            self.voters = now;
        }
        found
    }
}
