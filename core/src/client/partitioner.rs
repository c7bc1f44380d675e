//! Where a producer sends records without a key.
//!
//! The built-in partitioner sticks to one partition until about `batch.size` bytes went there, so that batches fill;
//! with adaptive partitioning the next one is drawn by how short the queues to the brokers are.

use crate::hash::to_positive;
use crate::time::{SimDuration, SimTime};

/// What the producer's metadata says about a topic.
#[derive(Clone, Copy, Debug)]
pub struct TopicPartitions<'a> {
    /// Partitions that have a leader, in order.
    pub available: &'a [u32],
    pub count: u32,
}

impl TopicPartitions<'_> {
    /// The partition a draw means: among those with a leader, or among all when there is none.
    fn pick(self, positive: i32) -> u32 {
        let draw = positive as u32;
        match self.available.len() as u32 {
            0 => draw % self.count.max(1),
            available => self.available[(draw % available) as usize],
        }
    }
}

/// Batches waiting for the leader of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionLoad {
    pub partition: u32,
    pub queued_batches: u32,
}

/// Kafka's `BuiltInPartitioner`: one for each topic of a producer.
#[derive(Clone, Debug)]
pub struct StickyPartitioner {
    /// `batch.size`.
    sticky_bytes: u64,
    current: Option<Sticky>,
    weights: Option<Weights>,
}

#[derive(Clone, Copy, Debug)]
struct Sticky {
    partition: u32,
    produced_bytes: u64,
}

/// Running sums of the partitions' weights: a draw means the first partition whose sum is greater.
#[derive(Clone, Debug)]
struct Weights {
    sums: Vec<(u64, u32)>,
    total: u64,
}

impl StickyPartitioner {
    pub fn new(batch_size: u32) -> Self {
        StickyPartitioner { sticky_bytes: u64::from(batch_size.max(1)), current: None, weights: None }
    }

    /// The partition records go to now; the first call draws it. `draw` gives any 32-bit number.
    pub fn current(&mut self, topic: TopicPartitions<'_>, draw: impl FnMut() -> i32) -> u32 {
        match self.current {
            Some(sticky) => sticky.partition,
            None => self.switch(topic, draw),
        }
    }

    /// Counts what was appended to the current partition, as the batch grew: the first record of a batch brings the
    /// batch's header along. Switches when enough went there; true if it did (the same partition may be drawn again).
    ///
    /// `may_switch` is whether the partition's last batch is full, so that no fractional batch stays behind; at twice
    /// `batch.size` the switch comes anyway. Before an append to a partition whose batches are all full, the producer
    /// asks with zero bytes to make up for a switch it held back.
    pub fn appended(&mut self, bytes: u32, may_switch: bool, topic: TopicPartitions<'_>, draw: impl FnMut() -> i32) -> bool {
        let Some(sticky) = &mut self.current else { return false };
        sticky.produced_bytes += u64::from(bytes);
        let produced = sticky.produced_bytes;
        let switches = (produced >= self.sticky_bytes && may_switch) || produced >= self.sticky_bytes * 2;
        if switches {
            self.switch(topic, draw);
        }
        switches
    }

    /// Takes the queues into account (`partitioner.adaptive.partitioning.enable`). `loads` are the partitions with a leader
    /// that drains its queue; `with_leader` counts also those left out by `partitioner.availability.timeout.ms`.
    pub fn update_load(&mut self, loads: &[PartitionLoad], with_leader: u32) {
        self.weights = Weights::of(loads, with_leader);
    }

    /// Forgets the queues: every partition is as likely as the next.
    pub fn clear_load(&mut self) {
        self.weights = None;
    }

    fn switch(&mut self, topic: TopicPartitions<'_>, mut draw: impl FnMut() -> i32) -> u32 {
        let positive = to_positive(draw());
        let partition = match &self.weights {
            Some(weights) => weights.pick(positive),
            None => topic.pick(positive),
        };
        self.current = Some(Sticky { partition, produced_bytes: 0 });
        partition
    }
}

impl Weights {
    /// `None` where weighing changes nothing: one partition, or equal queues with none left out.
    fn of(loads: &[PartitionLoad], with_leader: u32) -> Option<Weights> {
        let longest = loads.iter().map(|load| load.queued_batches).max()?;
        let equal = loads.iter().all(|load| load.queued_batches == longest);
        if with_leader < 2 || (equal && loads.len() as u32 == with_leader) {
            return None;
        }
        let mut total = 0;
        let sum = |load: &PartitionLoad| {
            total += u64::from(longest - load.queued_batches) + 1;
            (total, load.partition)
        };
        let sums = loads.iter().map(sum).collect();
        Some(Weights { sums, total })
    }

    fn pick(&self, positive: i32) -> u32 {
        let draw = positive as u64 % self.total;
        let index = self.sums.partition_point(|&(sum, _)| sum <= draw);
        self.sums[index].1
    }
}

/// Kafka's `RoundRobinPartitioner`, for one topic: record by record, keys ignored.
#[derive(Clone, Debug, Default)]
pub struct RoundRobinPartitioner {
    counter: i32,
}

impl RoundRobinPartitioner {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn next(&mut self, topic: TopicPartitions<'_>) -> u32 {
        let count = self.counter;
        self.counter = count.wrapping_add(1);
        topic.pick(to_positive(count))
    }
}

/// librdkafka's choice for records without key: any partition, kept for `sticky.partitioning.linger.ms`; one without a leader is
/// drawn again, once.
#[derive(Clone, Copy, Debug, Default)]
pub struct StickyRandom {
    partition: u32,
    until: SimTime,
}

const STICKY_LINGER: SimDuration = SimDuration::from_millis(10);

impl StickyRandom {
    pub fn next(&mut self, topic: TopicPartitions<'_>, now: SimTime, mut draw: impl FnMut(u32) -> u32) -> u32 {
        if now >= self.until {
            self.until = now + STICKY_LINGER;
            self.partition = draw(topic.count);
            if topic.available.binary_search(&self.partition).is_err() {
                self.partition = draw(topic.count);
            }
        }
        self.partition
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: TopicPartitions<'_> = TopicPartitions { available: &[0, 1, 2], count: 3 };

    fn load(queues: &[u32]) -> Vec<PartitionLoad> {
        (0..).zip(queues).map(|(partition, &queued_batches)| PartitionLoad { partition, queued_batches }).collect()
    }

    #[test]
    fn a_partition_is_kept_until_a_batch_is_full_and_never_beyond_two() {
        let mut draws = 0..;
        let mut draw = || draws.next().unwrap_or_default();
        let mut sticky = StickyPartitioner::new(100);
        assert_eq!(sticky.current(THREE, &mut draw), 0);
        assert!(!sticky.appended(99, true, THREE, &mut draw), "too little");
        assert!(!sticky.appended(100, false, THREE, &mut draw), "the last batch is not full");
        assert!(sticky.appended(1, false, THREE, &mut draw), "twice the batch size");
        assert_eq!(sticky.current(THREE, &mut draw), 1);
        assert!(!sticky.appended(100, false, THREE, &mut draw));
        assert!(sticky.appended(0, true, THREE, &mut draw), "a switch held back is made up for");
        assert_eq!(sticky.current(THREE, &mut draw), 2);
    }

    #[test]
    fn short_queues_are_likelier() {
        let mut sticky = StickyPartitioner::new(1);
        sticky.update_load(&load(&[0, 3, 1]), 3);
        let drawn: Vec<u32> = (0..8).map(|n| sticky.switch(THREE, || n)).collect();
        assert_eq!(drawn, [0, 0, 0, 0, 1, 2, 2, 2]);
        sticky.update_load(&load(&[2, 2, 2]), 3);
        assert!(sticky.weights.is_none(), "equal queues");
        sticky.update_load(&load(&[2, 2]), 3);
        assert!(sticky.weights.is_some(), "one partition was left out");
        sticky.update_load(&[], 3);
        assert!(sticky.weights.is_none(), "nothing drains");
    }

    #[test]
    fn without_leaders_any_partition_is_taken() {
        let none = TopicPartitions { available: &[], count: 3 };
        assert_eq!(StickyPartitioner::new(1).current(none, || -1), i32::MAX as u32 % 3);
    }

    #[test]
    fn librdkafka_keeps_a_random_partition_for_ten_milliseconds() {
        let mut random = StickyRandom::default();
        let mut draws = [2, 0, 1, 1].into_iter();
        let mut draw = |_| draws.next().unwrap_or_default();
        let led = TopicPartitions { available: &[0, 2], count: 3 };
        assert_eq!(random.next(led, SimTime::ZERO, &mut draw), 2);
        assert_eq!(random.next(led, SimTime(9_999), &mut draw), 2);
        assert_eq!(random.next(led, SimTime(10_000), &mut draw), 0);
        assert_eq!(random.next(led, SimTime(20_000), &mut draw), 1, "without leader twice: it stays");
    }

    #[test]
    fn round_robin_survives_the_end_of_its_counter() {
        let mut robin = RoundRobinPartitioner { counter: i32::MAX };
        assert_eq!([robin.next(THREE), robin.next(THREE)], [1, 0]);
    }
}
