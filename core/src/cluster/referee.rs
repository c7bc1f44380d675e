//! The referee sees everything and decides nothing: what was sent, promised, delivered, and what became of it.
//!
//! A promise (an acknowledged record) is broken when the leader of its partition no longer has it. A delivery is judged by offset
//! (the same place again: a duplicate) and by the writer's own count (the same record at another place, or out of order).

use crate::config::Acks;
use crate::ids::{BrokerId, EventId, LeaderEpoch, Offset, TopicPartition};
use crate::log::PartitionLog;
use crate::log::segment::StoredBatch;
use crate::node::{CutBy, Piece};
use crate::sorted::SortedMap;

/// How many lost records are kept in detail; all are counted.
const LOST_KEPT: usize = 1_000;

#[derive(Clone, Debug, Default)]
pub struct Referee {
    pub sent: u64,
    pub acked: u64,
    pub failed: u64,
    /// Of those that acks=0 counts as acknowledged, the ones that nobody stored.
    pub unwritten: u64,
    /// Acknowledged offsets of a partition, by the leader epoch that wrote them and what the producer waited for.
    promises: SortedMap<TopicPartition, SortedMap<(LeaderEpoch, Acks), Intervals>>,
    /// What left the copies of a partition, in the order it did.
    pub cuts: SortedMap<TopicPartition, Vec<Cut>>,
    pub lost: Vec<Lost>,
    pub lost_total: u64,
    /// By group, in the order of the scenario.
    pub groups: Vec<GroupLedger>,
}

/// A promise that the leader's log does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    pub epoch: LeaderEpoch,
    pub acks: Acks,
    pub from: u64,
    pub to: u64,
}

/// Records that left one copy.
#[derive(Clone, Debug)]
pub struct Cut {
    pub broker: BrokerId,
    pub pieces: Vec<Piece>,
    pub how: CutBy,
    pub because: Option<EventId>,
}

impl Cut {
    pub fn took(&self, broker: BrokerId, epoch: LeaderEpoch, offset: u64) -> bool {
        let there = |piece: &Piece| piece.0 == epoch && (piece.1.0..piece.2.0).contains(&offset);
        self.broker == broker && self.pieces.iter().any(there)
    }
}

/// What is wrong with records a group was given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given {
    /// The same place again.
    pub again: bool,
    /// The same record at another place.
    pub twice: bool,
    pub late: bool,
    /// What came last before, if records between were passed over.
    pub skipped: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    pub partition: TopicPartition,
    pub offset: Offset,
    pub epoch: LeaderEpoch,
    pub acks: Acks,
    pub because: Option<EventId>,
    /// Found on a disk that still has it.
    pub witness: Option<(u32, Option<Vec<u8>>)>,
}

#[derive(Clone, Debug, Default)]
pub struct GroupLedger {
    pub delivered: u64,
    pub duplicates: u64,
    pub out_of_order: u64,
    partitions: SortedMap<TopicPartition, Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    offsets: Intervals,
    /// By writer: which of its records to this partition were delivered.
    writers: Vec<(u32, Intervals)>,
}

/// Disjoint, sorted, half-open ranges; growing at the end is the usual case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intervals(Vec<(u64, u64)>);

impl Intervals {
    /// Adds `from..to`; gives how many of them were new.
    pub fn insert(&mut self, from: u64, to: u64) -> u64 {
        match self.0.last_mut() {
            Some(last) if last.1 == from => {
                last.1 = to;
                return to - from;
            }
            Some(last) if last.1 > from => return self.insert_anywhere(from, to),
            _ => {}
        }
        self.0.push((from, to));
        to - from
    }

    fn insert_anywhere(&mut self, from: u64, to: u64) -> u64 {
        let first = self.0.partition_point(|range| range.1 < from);
        let last = self.0.partition_point(|range| range.0 <= to);
        let overlap: u64 = self.0[first..last].iter().map(|range| range.1.min(to).saturating_sub(range.0.max(from))).sum();
        let merged = self.0[first..last].iter().fold((from, to), |all, range| (all.0.min(range.0), all.1.max(range.1)));
        self.0.splice(first..last, [merged]);
        to - from - overlap
    }

    pub fn end(&self) -> u64 {
        self.0.last().map_or(0, |range| range.1)
    }

    pub fn count(&self) -> u64 {
        self.0.iter().map(|range| range.1 - range.0).sum()
    }

    fn ranges(&self) -> &[(u64, u64)] {
        &self.0
    }

    fn remove(&mut self, from: u64, to: u64) {
        let keep = |range: &(u64, u64)| [(range.0, range.1.min(from)), (range.0.max(to), range.1)];
        self.0 = self.0.iter().flat_map(keep).filter(|range| range.0 < range.1).collect();
    }
}

impl Referee {
    pub fn new(groups: u32) -> Self {
        Referee { groups: vec![GroupLedger::default(); groups as usize], ..Referee::default() }
    }

    pub fn acked(&mut self, partition: TopicPartition, base: Offset, records: u32, epoch: LeaderEpoch, acks: Acks) {
        self.acked += u64::from(records);
        let promises = self.promises.entry(partition).or_default().entry((epoch, acks)).or_default();
        promises.insert(base.0, base.0 + u64::from(records));
    }

    /// A leader took office: promises its log does not keep are broken. Gives them, as ranges.
    pub fn leader_started(&mut self, id: TopicPartition, log: &PartitionLog) -> Vec<Broken> {
        let mut broken = Vec::new();
        let Some(promises) = self.promises.get_mut(&id) else { return broken };
        for ((epoch, acks), ranges) in promises {
            let kept_end = kept_until(log, *epoch);
            let gone = ranges.ranges().iter().filter(|range| range.1 > kept_end);
            let gone: Vec<(u64, u64)> = gone.map(|range| (range.0.max(kept_end), range.1)).collect();
            for (from, to) in gone {
                ranges.remove(from, to);
                self.lost_total += to - from;
                broken.push(Broken { epoch: *epoch, acks: *acks, from, to });
            }
        }
        broken
    }

    /// Keeps the records of a broken promise in detail, as far as there is room.
    pub fn keep_lost(&mut self, id: TopicPartition, broken: &Broken, disks: &[&PartitionLog], because: Option<EventId>) {
        for offset in (broken.from..broken.to).map(Offset).take(LOST_KEPT.saturating_sub(self.lost.len())) {
            let witness = disks.iter().find_map(|disk| witness(disk, offset, broken.epoch));
            self.lost.push(Lost { partition: id, offset, epoch: broken.epoch, acks: broken.acks, because, witness });
        }
    }

    pub fn delivered(&mut self, group: u32, id: TopicPartition, batch: &StoredBatch, from: Offset, to: Offset) -> Given {
        let mut given = Given::default();
        let ledger = &mut self.groups[group as usize];
        let records = to.since(from);
        ledger.delivered += records;
        let seen = ledger.partitions.entry(id).or_default();
        let end = seen.offsets.end();
        given.skipped = (from.0 > end).then_some(end);
        let fresh = seen.offsets.insert(from.0, to.0);
        if fresh < records {
            ledger.duplicates += records - fresh;
            given.again = true;
            return given;
        }
        let serial = u64::from(batch.serial) + from.since(batch.base_offset);
        let of_writer = match seen.writers.binary_search_by_key(&batch.writer, |(writer, _)| *writer) {
            Ok(place) => &mut seen.writers[place].1,
            Err(place) => {
                seen.writers.insert(place, (batch.writer, Intervals::default()));
                &mut seen.writers[place].1
            }
        };
        let late = serial < of_writer.end();
        let fresh = of_writer.insert(serial, serial + records);
        ledger.duplicates += records - fresh;
        given.twice = fresh < records;
        if late {
            ledger.out_of_order += fresh;
            given.late = fresh > 0;
        }
        given
    }

    /// Records of a partition that a group went past, to what it was given last or to `reach`, without being given them; those that a
    /// member has in hand may still be.
    pub fn skipped(&self, group: u32, id: TopicPartition, reach: u64, in_hand: impl Iterator<Item = (Offset, Offset)>) -> u64 {
        let seen = self.groups[group as usize].partitions.get(&id).map(|seen| &seen.offsets);
        let reach = reach.max(seen.map_or(0, Intervals::end));
        let missing = reach - seen.map_or(0, Intervals::count);
        if missing == 0 {
            return 0;
        }
        let mut known = seen.cloned().unwrap_or_default();
        in_hand.filter(|(from, _)| from.0 < reach).for_each(|(from, to)| {
            known.insert(from.0, to.0.min(reach));
        });
        reach - known.count()
    }
}

/// Up to where this log holds what `epoch` wrote.
fn kept_until(log: &PartitionLog, epoch: LeaderEpoch) -> u64 {
    match log.epochs().end_offset_for(epoch, log.log_end()) {
        Some((known, end)) if known == epoch => end.0,
        _ => 0,
    }
}

fn witness(log: &PartitionLog, offset: Offset, epoch: LeaderEpoch) -> Option<(u32, Option<Vec<u8>>)> {
    if !log.contains(offset, epoch) {
        return None;
    }
    let stored = log.batch_at(offset)?;
    let record = stored.batch.record(offset.since(stored.base_offset) as u32)?;
    Some((stored.writer, record.key.map(<[u8]>::to_vec)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_count_what_is_new() {
        let mut seen = Intervals::default();
        assert_eq!(seen.insert(0, 5), 5);
        assert_eq!(seen.insert(5, 8), 3);
        assert_eq!(seen.insert(10, 12), 2);
        assert_eq!(seen.insert(7, 11), 2, "8 and 9 are new");
        assert_eq!(seen, Intervals(vec![(0, 12)]));
        assert_eq!(seen.insert(3, 4), 0);
        seen.remove(2, 4);
        assert_eq!((seen.count(), seen.end()), (10, 12));
        assert_eq!(seen.insert(0, 12), 2);
    }
}
