//! What only an auditor remembers: each copy's log as a chain of marks, and the one true log of what was ever committed.
//!
//! A mark carries the hash of everything up to it, so that two logs agree up to an offset when their marks there are equal.

use crate::cluster::referee::Intervals;
use crate::ids::{BrokerId, LeaderEpoch, Offset, PartitionEpoch, TopicPartition};
use crate::log::PartitionLog;
use crate::log::segment::StoredBatch;
use crate::record::ProducerStamp;
use crate::sorted::SortedMap;

/// A batch at its place, and the hash of the log up to its end.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub base: u64,
    pub end: u64,
    pub epoch: LeaderEpoch,
    pub crc: u32,
    pub hash: u64,
    pub writer: u32,
    pub serial: u32,
    pub stamp: ProducerStamp,
}

/// Marks from the beginning of a log to its end.
#[derive(Clone, Debug, Default)]
pub struct Chain(Vec<Mark>);

/// What a look at a log found.
pub struct Change {
    /// The first mark that is gone, when something was cut off.
    pub cut: Option<Mark>,
    /// The first new mark.
    pub first_new: usize,
}

impl Mark {
    fn after(before: u64, batch: &StoredBatch) -> Mark {
        let crc = batch.batch.crc();
        let word = (u64::from(crc) << 32) ^ batch.base_offset.0 ^ (batch.leader_epoch.0 as u64) << 20;
        let hash = (before.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (base, end, epoch) = (batch.base_offset.0, batch.next_offset().0, batch.leader_epoch);
        Mark { base, end, epoch, crc, hash, writer: batch.writer, serial: batch.serial, stamp: batch.batch.stamp() }
    }

    pub fn is(&self, batch: &StoredBatch) -> bool {
        self.base == batch.base_offset.0 && self.epoch == batch.leader_epoch && self.crc == batch.batch.crc()
    }

    pub fn records(&self) -> u32 {
        (self.end - self.base) as u32
    }
}

impl Chain {
    pub fn marks(&self) -> &[Mark] {
        &self.0
    }

    pub fn last(&self) -> Option<&Mark> {
        self.0.last()
    }

    pub fn end(&self) -> u64 {
        self.last().map_or(0, |mark| mark.end)
    }

    /// The mark that ends exactly there.
    pub fn mark_ending(&self, end: u64) -> Option<&Mark> {
        let place = self.0.binary_search_by_key(&end, |mark| mark.end).ok()?;
        self.0.get(place)
    }

    /// The last mark that ends at or before an offset.
    pub fn mark_before(&self, end: u64) -> Option<&Mark> {
        self.0.get(self.0.partition_point(|mark| mark.end <= end).checked_sub(1)?)
    }

    /// The mark that holds an offset.
    pub fn mark_holding(&self, offset: u64) -> Option<&Mark> {
        self.0.get(self.0.partition_point(|mark| mark.end <= offset)).filter(|mark| mark.base <= offset)
    }

    pub fn push(&mut self, mark: Mark) {
        self.0.push(mark);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Both hold the same up to the last mark of `truth`.
    pub fn holds_all_of(&self, truth: &Chain) -> bool {
        self.agrees_up_to(truth, u64::MAX)
    }

    /// Both hold the same up to the last mark of `truth` at or before `end`.
    pub fn agrees_up_to(&self, truth: &Chain, end: u64) -> bool {
        let Some(mark) = (if end >= truth.end() { truth.last() } else { truth.mark_before(end) }) else { return true };
        let mine = if self.end() == mark.end { self.last() } else { self.mark_ending(mark.end) };
        mine.is_some_and(|mine| mine.hash == mark.hash)
    }

    /// Brings the chain to what the log is now. A log that begins later takes the hash of what came before from `truth`.
    pub fn follow(&mut self, log: &PartitionLog, truth: &Chain) -> Change {
        let (start, end) = (log.log_start(), log.log_end());
        let mut cut = None;
        let stands = |mark: &Mark| {
            mark.end <= start.0 || (mark.end <= end.0 && log.batch_at(Offset(mark.end - 1)).is_some_and(|batch| mark.is(batch)))
        };
        while self.0.last().is_some_and(|mark| !stands(mark)) {
            cut = self.0.pop();
        }
        let first_new = self.0.len();
        let from = self.end().max(start.0);
        if end.0 > from {
            let mut hash = match self.0.last() {
                Some(mark) => mark.hash,
                None => truth.mark_ending(from).map_or(0, |mark| mark.hash),
            };
            let mut new: Vec<&StoredBatch> = log.newest_first().take_while(|batch| batch.base_offset.0 >= from).collect();
            new.reverse();
            for batch in new {
                let mark = Mark::after(hash, batch);
                hash = mark.hash;
                self.0.push(mark);
            }
        }
        Change { cut, first_new }
    }
}

/// One replica on one broker, as it was at the last look.
#[derive(Clone, Debug, Default)]
pub struct Copy {
    pub chain: Chain,
    pub log_end: u64,
    pub high_watermark: u64,
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: PartitionEpoch,
    pub leads: bool,
    /// It led at the last look, with no fewer in sync than `min.insync.replicas`.
    pub enough: bool,
    /// The same at the look before.
    pub was_enough: bool,
    /// It leads on though another led in between, of which it never heard.
    pub led_over: bool,
    /// Its high watermark when that was so for the last time.
    pub enough_until: u64,
}

/// A partition as the auditor knows it.
#[derive(Clone, Debug, Default)]
pub struct Ghost {
    /// `True(P)`: what some leader's high watermark has passed, fixed for ever.
    pub truth: Chain,
    /// The greatest high watermark any leader has had.
    pub true_hw: u64,
    /// What some writer stored in an epoch: end of a batch and hash of the log up to it, by end.
    pub written: SortedMap<LeaderEpoch, Vec<(u64, u64)>>,
    pub leaders: SortedMap<LeaderEpoch, BrokerId>,
    pub copies: SortedMap<BrokerId, Copy>,
    /// `AckAll`: acknowledged with `acks=all`.
    pub promised: Intervals,
    /// Brokers that lost the end of their copy with their process, and where it ended; until they have caught up again.
    pub lossy: SortedMap<BrokerId, u64>,
    pub ever_lossy: bool,
    /// An unclean election, or more lossy copies than `min.insync.replicas` stands for: what was promised may be gone.
    pub tainted: bool,
    /// Those that are called eligible since they were no replicas.
    pub strangers: Vec<BrokerId>,
    /// The one that is called in sync since a reassignment was taken back with nobody in sync.
    pub taken_back: Option<BrokerId>,
    /// The least `min.insync.replicas` there ever was.
    pub least_min_isr: Option<u32>,
    pub writers: SortedMap<u32, Writer>,
    /// Records of each idempotent client that it was told are stored, by serial; whatever their session.
    pub stored_for: SortedMap<u32, Intervals>,
    pub producers: SortedMap<i64, (i16, i32, u32)>,
    /// What clients were told to be the latest offset.
    pub told_latest: u64,
}

impl Ghost {
    /// A copy lost its end, which was there.
    pub fn loses(&mut self, broker: BrokerId, end: u64) {
        self.lossy.insert(broker, end);
        self.ever_lossy = true;
        self.weigh();
    }

    /// So many copies lost their end that what was promised may be gone.
    pub fn weigh(&mut self) {
        self.tainted |= self.least_min_isr.is_some_and(|least| self.lossy.len() as u32 >= least);
    }
}

/// A client's records in the true log.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    pub next_serial: u32,
    pub last_serial: u32,
    pub stored: Intervals,
    /// Its session begins here with another sequence than 0: what was sent before is yet to come.
    pub began_late: bool,
    pub producer_id: i64,
    pub producer_epoch: i16,
}

/// What tells at a glance whether a replica changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    pub id: TopicPartition,
    words: [u64; 6],
}

impl Print {
    /// Equal to no replica's.
    pub fn none(id: TopicPartition) -> Self {
        Print { id, words: [u64::MAX; 6] }
    }

    pub fn of(id: TopicPartition, replica: &crate::broker::partition::Replica) -> Self {
        let mix = |hash: u64, word: i32| (hash.rotate_left(9) ^ word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let isr = match replica.leadership() {
            None => 0,
            Some(leadership) => {
                let confirmed = leadership.isr.iter().fold(1, |hash, broker| mix(hash, broker.0));
                leadership.maximal_isr().fold(confirmed, |hash, broker| mix(hash, broker.0))
            }
        };
        let log = &replica.log;
        let epochs = (replica.leader_epoch.0 as u64) << 32 | u64::from(replica.partition_epoch.0 as u32);
        Print { id, words: [log.log_end().0, log.content(), replica.high_watermark.0, epochs, isr, log.log_start().0] }
    }
}
