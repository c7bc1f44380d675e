//! The referee sees everything and decides nothing: what was sent, promised, delivered, and what became of it.
//!
//! A promise (an acknowledged record) is broken when the leader of its partition no longer has it. A delivery is judged by offset
//! (the same place again: a duplicate) and by the writer's own count (the same record at another place, or out of order).

use crate::config::Acks;
use crate::ids::{BrokerId, ClientId, EventId, LeaderEpoch, Offset, TopicPartition};
use crate::log::PartitionLog;
use crate::log::segment::StoredBatch;
use crate::node::{BeginsAt, CutBy, Piece};
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
    promises: ByPartition<SortedMap<(LeaderEpoch, Acks), Intervals>>,
    /// What left the copies of a partition, in the order it did.
    pub cuts: SortedMap<TopicPartition, Vec<Cut>>,
    pub lost: Vec<Lost>,
    pub lost_total: u64,
    /// Of the acknowledged ones, those that retention took from the leader's log.
    pub expired: u64,
    /// Up to where each partition's old records are known to be gone.
    expired_until: SortedMap<TopicPartition, u64>,
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
    partitions: ByPartition<Seen>,
    pub begun: ByPartition<Begun>,
}

/// Which member of a group came to read a partition, by what, and from where.
type Beginning = (ClientId, BeginsAt, Offset);

/// How a group came to read a partition where it does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Begun {
    pub newest: Option<Beginning>,
    /// When it found no bookmark there: others go on from this.
    pub origin: Option<Beginning>,
}

impl Begun {
    pub fn note(&mut self, beginning: Beginning) {
        self.newest = Some(beginning);
        if beginning.1 != BeginsAt::Committed {
            self.origin = Some(beginning);
        }
    }
}

/// By topic and partition, which are numbered without gaps: it is asked for every batch that is promised or delivered.
#[derive(Clone, Debug)]
pub struct ByPartition<T>(Vec<Vec<Option<T>>>);

impl<T> Default for ByPartition<T> {
    fn default() -> Self {
        ByPartition(Vec::new())
    }
}

impl<T: Clone + Default> ByPartition<T> {
    pub fn get(&self, id: TopicPartition) -> Option<&T> {
        self.0.get(id.topic.0 as usize)?.get(id.partition as usize)?.as_ref()
    }

    fn get_mut(&mut self, id: TopicPartition) -> Option<&mut T> {
        self.0.get_mut(id.topic.0 as usize)?.get_mut(id.partition as usize)?.as_mut()
    }

    pub fn made(&mut self, id: TopicPartition) -> &mut T {
        let (topic, partition) = (id.topic.0 as usize, id.partition as usize);
        if self.0.len() <= topic {
            self.0.resize(topic + 1, Vec::new());
        }
        let partitions = &mut self.0[topic];
        if partitions.len() <= partition {
            partitions.resize(partition + 1, None);
        }
        partitions[partition].get_or_insert_default()
    }

    fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten().flatten()
    }
}

#[derive(Clone, Debug, Default)]
struct Seen {
    offsets: Intervals,
    /// What retention took before it was given.
    deleted: Intervals,
    /// By writer: which of its records to this partition were delivered.
    writers: Vec<(u32, Intervals)>,
}

impl Seen {
    fn of_writer(&mut self, writer: u32) -> &mut Intervals {
        // Where a fleet writes to every partition, its members stand at their own numbers.
        let place = match self.writers.get(writer as usize) {
            Some((there, _)) if *there == writer => writer as usize,
            _ => self.writers.binary_search_by_key(&writer, |(writer, _)| *writer).unwrap_or_else(|place| {
                self.writers.insert(place, (writer, Intervals::default()));
                place
            }),
        };
        &mut self.writers[place].1
    }
}

impl GroupLedger {
    /// Records that retention took before the group was given them.
    pub fn deleted_unread(&self) -> u64 {
        self.partitions.values().map(|seen| seen.deleted.count()).sum()
    }
}

/// Disjoint, sorted, half-open ranges; growing at the end is the usual case, so the last one stands apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intervals {
    earlier: Vec<(u64, u64)>,
    /// Empty, at zero, while there is none.
    last: (u64, u64),
}

impl Intervals {
    /// Adds `from..to`; gives how many of them were new.
    #[inline]
    pub fn insert(&mut self, from: u64, to: u64) -> u64 {
        if self.last.1 != from {
            return self.insert_anywhere(from, to);
        }
        self.last.1 = to;
        to - from
    }

    /// Promises of several producers come in nearly in order: beside the end or into a gap before it.
    #[inline(never)]
    fn insert_anywhere(&mut self, from: u64, to: u64) -> u64 {
        let Intervals { earlier, last } = self;
        let common = |range: &(u64, u64)| range.1.min(to).saturating_sub(range.0.max(from));
        if last.0 == last.1 || from > last.1 {
            earlier.extend(Some(*last).filter(|last| last.0 < last.1));
            *last = (from, to);
            return to - from;
        }
        let mut overlap = 0;
        if to < last.0 {
            let first = earlier.partition_point(|range| range.1 < from);
            let end = earlier.partition_point(|range| range.0 <= to);
            overlap += earlier[first..end].iter().map(common).sum::<u64>();
            let merged = earlier[first..end].iter().fold((from, to), |all, range| (all.0.min(range.0), all.1.max(range.1)));
            earlier.splice(first..end, [merged]);
        } else {
            overlap += common(last);
            *last = (last.0.min(from), last.1.max(to));
            while let Some(before) = earlier.pop_if(|range| range.1 >= last.0) {
                overlap += common(&before);
                last.0 = last.0.min(before.0);
            }
        }
        to - from - overlap
    }

    pub fn end(&self) -> u64 {
        self.last.1
    }

    pub fn count(&self) -> u64 {
        self.earlier.iter().chain([&self.last]).map(|range| range.1 - range.0).sum()
    }

    /// How many of them lie in `from..to`.
    fn count_in(&self, from: u64, to: u64) -> u64 {
        let all = self.earlier.iter().chain([&self.last]);
        all.map(|range| range.1.min(to).saturating_sub(range.0.max(from))).sum()
    }

    /// All of them; for what is out of the ordinary.
    fn ranges(&self) -> Vec<(u64, u64)> {
        let last = Some(self.last).filter(|last| last.0 < last.1);
        self.earlier.iter().copied().chain(last).collect()
    }

    fn become_these(&mut self, mut ranges: Vec<(u64, u64)>) {
        self.last = ranges.pop().unwrap_or_default();
        self.earlier = ranges;
    }

    fn remove(&mut self, from: u64, to: u64) {
        let keep = |range: &(u64, u64)| [(range.0, range.1.min(from)), (range.0.max(to), range.1)];
        self.become_these(self.ranges().iter().flat_map(keep).filter(|range| range.0 < range.1).collect());
    }
}

impl Referee {
    pub fn new(groups: u32) -> Self {
        Referee { groups: vec![GroupLedger::default(); groups as usize], ..Referee::default() }
    }

    pub fn acked(&mut self, partition: TopicPartition, base: Offset, records: u32, epoch: LeaderEpoch, acks: Acks) {
        self.acked += u64::from(records);
        let promises = self.promises.made(partition).entry((epoch, acks)).or_default();
        promises.insert(base.0, base.0 + u64::from(records));
    }

    /// A leader took office: promises its log does not keep are broken. Gives them, as ranges.
    pub fn leader_started(&mut self, id: TopicPartition, log: &PartitionLog) -> Vec<Broken> {
        // A follower deletes by itself: what it gave up before it led is gone now.
        if log.log_start() > Offset::ZERO {
            self.deleted(id, Offset::ZERO, log.log_start());
        }
        let mut broken = Vec::new();
        for ((epoch, acks), ranges) in self.promises.get_mut(id).into_iter().flatten() {
            let kept_end = kept_until(log, *epoch);
            for (from, to) in ranges.ranges().into_iter().filter(|range| range.1 > kept_end) {
                let from = from.max(kept_end);
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
        let seen = ledger.partitions.made(id);
        let end = seen.offsets.end();
        given.skipped = (from.0 > end).then_some(end);
        let fresh = seen.offsets.insert(from.0, to.0);
        if from.0 < seen.deleted.end() {
            // It was in hand when it went.
            seen.deleted.remove(from.0, to.0);
        }
        if fresh < records {
            ledger.duplicates += records - fresh;
            given.again = true;
            return given;
        }
        let serial = u64::from(batch.serial) + from.since(batch.base_offset);
        let of_writer = seen.of_writer(batch.writer);
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

    /// The record at this place, written in this epoch, was acknowledged and is not known to be lost.
    pub fn is_promised(&self, id: TopicPartition, epoch: LeaderEpoch, offset: u64) -> bool {
        let promises = self.promises.get(id).into_iter().flatten();
        promises.filter(|((of, _), _)| *of == epoch).any(|(_, ranges)| ranges.count_in(offset, offset + 1) > 0)
    }

    /// A group was given the record at this place.
    pub fn was_given(&self, group: u32, id: TopicPartition, offset: u64) -> bool {
        let seen = self.groups.get(group as usize).and_then(|ledger| ledger.partitions.get(id));
        seen.is_some_and(|seen| seen.offsets.count_in(offset, offset + 1) > 0)
    }

    /// A leader gave up everything below `to`: groups that read this partition and were not given it yet never will be.
    pub fn deleted(&mut self, id: TopicPartition, from: Offset, to: Offset) {
        let known = self.expired_until.get(&id).copied().unwrap_or(0);
        self.expired_until.insert(id, known.max(to.0));
        let promises = self.promises.get(id).into_iter().flat_map(SortedMap::values);
        self.expired += promises.map(|ranges| ranges.count_in(known, to.0)).sum::<u64>();
        for seen in self.groups.iter_mut().filter_map(|ledger| ledger.partitions.get_mut(id)) {
            let from = from.0.max(seen.offsets.end());
            if from < to.0 {
                seen.deleted.insert(from, to.0);
            }
        }
    }

    /// Records of a partition that a group went past, to what it was given last or to `reach`, without being given them; those that a
    /// member has in hand may still be, and those that retention took count by themselves.
    pub fn skipped(&self, group: u32, id: TopicPartition, reach: u64, in_hand: impl Iterator<Item = (Offset, Offset)>) -> u64 {
        let seen = self.groups[group as usize].partitions.get(id).map(|seen| &seen.offsets);
        let reach = reach.max(seen.map_or(0, Intervals::end));
        let missing = reach - seen.map_or(0, Intervals::count);
        if missing == 0 {
            return 0;
        }
        let mut known = seen.cloned().unwrap_or_default();
        let deleted = self.groups[group as usize].partitions.get(id).map(|seen| seen.deleted.ranges());
        for (from, to) in deleted.into_iter().flatten().filter(|range| range.0 < reach) {
            known.insert(from, to.min(reach));
        }
        in_hand.filter(|(from, _)| from.0 < reach).for_each(|(from, to)| {
            known.insert(from.0, to.0.min(reach));
        });
        reach - known.count()
    }
}

/// Up to where this log holds what `epoch` wrote. What retention took nobody had promised to keep.
fn kept_until(log: &PartitionLog, epoch: LeaderEpoch) -> u64 {
    let kept = match log.epochs().end_offset_for(epoch, log.log_end()) {
        Some((known, end)) if known == epoch => end.0,
        _ => 0,
    };
    kept.max(log.log_start().0)
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
    fn intervals_are_the_same_in_whatever_order_they_come() {
        let mut rng = crate::rng::SimRng::new(crate::rng::Seed(5), 0);
        for _ in 0..300 {
            let (mut seen, mut there) = (Intervals::default(), [false; 40]);
            for _ in 0..12 {
                let from = rng.below(30);
                let to = from + 1 + rng.below(9);
                let new =
                    there[from as usize..to as usize].iter_mut().map(|there| std::mem::replace(there, true)).filter(|was| !was).count();
                assert_eq!(seen.insert(from, to), new as u64);
                let told = seen.ranges();
                let expected: Vec<bool> = (0..40).map(|at| told.iter().any(|range| (range.0..range.1).contains(&at))).collect();
                assert_eq!(expected, there, "{told:?}");
                assert!(told.windows(2).all(|pair| pair[0].1 < pair[1].0), "disjoint, in order and none touches the next: {told:?}");
                assert_eq!((seen.count(), seen.end()), (told.iter().map(|range| range.1 - range.0).sum(), told[told.len() - 1].1));
            }
        }
    }

    #[test]
    fn intervals_count_what_is_new() {
        let mut seen = Intervals::default();
        assert_eq!(seen.insert(0, 5), 5);
        assert_eq!(seen.insert(5, 8), 3);
        assert_eq!(seen.insert(10, 12), 2);
        assert_eq!(seen.insert(7, 11), 2, "8 and 9 are new");
        assert_eq!(seen.ranges(), [(0, 12)]);
        assert_eq!(seen.insert(3, 4), 0);
        seen.remove(2, 4);
        assert_eq!((seen.count(), seen.end()), (10, 12));
        assert_eq!((seen.count_in(1, 6), seen.count_in(12, 20)), (3, 0), "1, 4 and 5");
        assert_eq!(seen.insert(0, 12), 2);
    }
}
