//! How the run went so far: Kafka's own metrics, looked at on ticks of virtual time. Not part of the state; nobody decides by it.
//!
//! A fixed number of points covers the whole run: when there are too many, every second one goes and ticks come half as often. So a
//! run of weeks costs no more to watch than one of minutes. What is counted is kept as totals, so that a rate between two points is
//! exact however many were dropped; of what goes up and down the worst of a span stays.

use super::Cluster;
use crate::broker::Phase;
use crate::ids::TopicPartition;
use crate::metadata::PartitionRegistration;
use crate::time::{SimDuration, SimTime};
use std::sync::Arc;

/// The first ticks.
const TICK: SimDuration = SimDuration(250_000);
/// Points of a chunk; full ones are shared by all snapshots of a run.
const CHUNK: usize = 32;
/// Chunks at most.
const CHUNKS: usize = 16;

/// What a point says, one place each; the lag of each group follows, in the order of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Totals: appended by leaders, handed to applications, sent to consumers, given up.
    MessagesIn,
    BytesIn,
    MessagesOut,
    BytesOut,
    Failed,
    /// Batches that were acknowledged, and the microseconds they waited in their producers, were under way, and lay at brokers.
    Batches,
    QueueUs,
    RequestUs,
    /// Batches brokers answered for, and the time from request to answer.
    Answered,
    BrokerUs,
    /// Of the last span: from `send()` to the acknowledgement, and from a record's timestamp to the application.
    ProduceP50,
    ProduceP99,
    DeliverP50,
    DeliverP99,
    UnderReplicated,
    UnderMinIsr,
    Offline,
    /// Replicas in sync, and replicas, of all partitions.
    InSync,
    Replicas,
    /// Of all replicas.
    LogBytes,
    BrokersUp,
}

impl Metric {
    pub const COUNT: usize = Metric::BrokersUp as usize + 1;

    /// The worst of two neighbours; totals go on.
    fn worse(place: usize, a: u64, b: u64) -> u64 {
        match () {
            () if place < Metric::ProduceP50 as usize || place == Metric::LogBytes as usize || place == Metric::Replicas as usize => b,
            () if place == Metric::InSync as usize || place == Metric::BrokersUp as usize => a.min(b),
            () => a.max(b),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub at: SimTime,
    /// By [`Metric`], then a lag for each group.
    pub values: Box<[u64]>,
}

#[derive(Clone, Debug)]
pub struct Series {
    pub(super) due: SimTime,
    tick: SimDuration,
    full: Vec<Arc<[Point]>>,
    open: Vec<Point>,
    batches: u64,
    queue_us: u64,
    request_us: u64,
    answered: u64,
    broker_us: u64,
    produce: Spread,
    deliver: Spread,
}

impl Default for Series {
    fn default() -> Self {
        Series {
            due: SimTime(TICK.micros()),
            tick: TICK,
            full: Vec::new(),
            open: Vec::new(),
            batches: 0,
            queue_us: 0,
            request_us: 0,
            answered: 0,
            broker_us: 0,
            produce: Spread::default(),
            deliver: Spread::default(),
        }
    }
}

impl Series {
    /// Oldest first.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.full.iter().flat_map(|chunk| chunk.iter()).chain(&self.open)
    }

    pub fn tick(&self) -> SimDuration {
        self.tick
    }

    pub(super) fn acked(&mut self, now: SimTime, created: SimTime, sent: SimTime) {
        self.batches += 1;
        self.queue_us += sent.since(created).micros();
        self.request_us += now.since(sent).micros();
        self.produce.add(now.since(created).micros());
    }

    pub(super) fn answered(&mut self, took: SimDuration) {
        self.answered += 1;
        self.broker_us += took.micros();
    }

    pub(super) fn delivered(&mut self, after_ms: i64) {
        self.deliver.add(after_ms.max(0) as u64 * 1_000);
    }

    fn push(&mut self, point: Point) {
        self.open.push(point);
        if self.open.len() < CHUNK {
            return;
        }
        self.full.push(std::mem::take(&mut self.open).into());
        if self.full.len() == CHUNKS {
            self.tick = self.tick + self.tick;
            let all: Vec<Point> = self.full.drain(..).flat_map(|chunk| chunk.to_vec()).collect();
            let halves: Vec<Point> = all.chunks(2).map(joined).collect();
            self.full = halves.chunks(CHUNK).map(Arc::from).collect();
        }
    }
}

/// Two neighbours as one, at the later one's moment.
fn joined(pair: &[Point]) -> Point {
    let last = &pair[pair.len() - 1];
    let value = |(place, b): (usize, &u64)| Metric::worse(place, pair[0].values.get(place).copied().unwrap_or(*b), *b);
    Point { at: last.at, values: last.values.iter().enumerate().map(value).collect() }
}

/// How often something took how long, to an eighth of each doubling: enough for percentiles, and no list of durations.
#[derive(Clone, Debug)]
struct Spread {
    counts: [u32; Self::BUCKETS],
    all: u32,
}

impl Default for Spread {
    fn default() -> Self {
        Spread { counts: [0; Self::BUCKETS], all: 0 }
    }
}

impl Spread {
    /// Up to 2³² µs, more than an hour.
    const BUCKETS: usize = 32 * 8;

    fn bucket(us: u64) -> usize {
        let us = us.clamp(8, u64::from(u32::MAX));
        let octave = 63 - us.leading_zeros();
        (octave as usize) * 8 + (us >> (octave - 3) & 7) as usize
    }

    fn add(&mut self, us: u64) {
        self.counts[Self::bucket(us)] += 1;
        self.all += 1;
    }

    /// The end of the bucket in which so many in a hundred lie; 0 without any.
    fn percentile(&self, percent: u64) -> u64 {
        let mut left = (u64::from(self.all) * percent).div_ceil(100);
        if left == 0 {
            return 0;
        }
        for (bucket, count) in self.counts.iter().enumerate() {
            let (octave, part) = (bucket as u32 / 8, bucket as u64 % 8);
            match left.checked_sub(u64::from(*count)) {
                Some(rest) if rest > 0 => left = rest,
                // The middle of it.
                _ => return ((17 + 2 * part) << octave) >> 4,
            }
        }
        0
    }

    fn clear(&mut self) {
        if self.all > 0 {
            *self = Spread::default();
        }
    }
}

impl Cluster {
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// A tick is over, and nothing later has happened yet.
    #[inline(never)]
    pub(super) fn look(&mut self, now: SimTime) {
        let tick = self.series.tick.micros();
        let at = SimTime(now.micros() / tick * tick);
        let values = self.measured();
        self.series.produce.clear();
        self.series.deliver.clear();
        self.series.push(Point { at, values });
        let tick = self.series.tick.micros();
        self.series.due = SimTime((at.micros() / tick + 1) * tick);
    }

    /// The newest values, also between two ticks.
    pub fn measured(&self) -> Box<[u64]> {
        let mut values = vec![0; Metric::COUNT + self.scenario.groups.len()];
        let series = &self.series;
        for broker in &self.brokers {
            let traffic = broker.traffic;
            values[Metric::MessagesIn as usize] += traffic.messages_in;
            values[Metric::BytesIn as usize] += traffic.bytes_in;
            values[Metric::BytesOut as usize] += traffic.bytes_out;
            values[Metric::BrokersUp as usize] += u64::from(broker.phase() == Phase::Running);
            values[Metric::LogBytes as usize] += broker.replicas().values().map(|replica| replica.log.bytes()).sum::<u64>();
        }
        values[Metric::MessagesOut as usize] = self.referee.groups.iter().map(|group| group.delivered).sum();
        values[Metric::Failed as usize] = self.referee.failed;
        for (metric, value) in [
            (Metric::Batches, series.batches),
            (Metric::QueueUs, series.queue_us),
            (Metric::RequestUs, series.request_us),
            (Metric::Answered, series.answered),
            (Metric::BrokerUs, series.broker_us),
            (Metric::ProduceP50, series.produce.percentile(50)),
            (Metric::ProduceP99, series.produce.percentile(99)),
            (Metric::DeliverP50, series.deliver.percentile(50)),
            (Metric::DeliverP99, series.deliver.percentile(99)),
        ] {
            values[metric as usize] = value;
        }
        for topic in self.controller().image().topics() {
            for partition in &topic.partitions {
                let PartitionRegistration { isr, replicas, leader, .. } = &**partition;
                values[Metric::InSync as usize] += isr.len() as u64;
                values[Metric::Replicas as usize] += replicas.len() as u64;
                values[Metric::UnderReplicated as usize] += u64::from(isr.len() < replicas.len());
                values[Metric::UnderMinIsr as usize] += u64::from((isr.len() as u32) < topic.config.min_insync_replicas);
                values[Metric::Offline as usize] += u64::from(leader.is_none());
            }
        }
        for (group, value) in values[Metric::COUNT..].iter_mut().enumerate() {
            *value = self.lag_of(group);
        }
        values.into()
    }

    /// LAG of a group, all partitions together, as far as something was committed.
    fn lag_of(&self, group: usize) -> u64 {
        let spec = &self.scenario.groups[group];
        let Some((_, shard)) = self.coordinator(&spec.name) else { return 0 };
        let Some(offsets) = shard.offsets.get(spec.name.as_str()) else { return 0 };
        let one = |((topic, partition), value): (&(Arc<str>, u32), &crate::group::offsets::OffsetValue)| {
            let topic = self.controller().image().topic_named(topic)?;
            let replica = self.speaker(TopicPartition { topic: topic.id, partition: *partition })?;
            Some(replica.high_watermark.0.saturating_sub(value.offset.0))
        };
        offsets.iter().filter_map(one).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: u64) -> Point {
        let mut values = vec![0; Metric::COUNT];
        (values[Metric::MessagesIn as usize], values[Metric::UnderReplicated as usize]) = (second, u64::from(second == 7));
        Point { at: SimTime(second * 1_000_000), values: values.into() }
    }

    #[test]
    fn however_long_a_run_is_its_points_are_few_and_reach_back_to_the_start() {
        let mut series = Series::default();
        for second in 1..=100_000_u64 {
            if (second * 1_000_000).is_multiple_of(series.tick().micros()) {
                series.push(point(second));
            }
        }
        let points: Vec<&Point> = series.points().collect();
        assert!(points.len() >= CHUNKS * CHUNK / 2 && points.len() < CHUNKS * CHUNK + CHUNK, "{}", points.len());
        assert!(points[0].at.micros() <= 4 * series.tick().micros(), "{}", points[0].at);
        assert!(points.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(points.iter().all(|point| point.values[Metric::MessagesIn as usize] * 1_000_000 == point.at.micros()), "totals stay exact");
        assert_eq!(points[0].values[Metric::UnderReplicated as usize], 1, "of what goes up and down the worst stays");
    }

    #[test]
    fn a_percentile_is_right_to_an_eighth() {
        let mut spread = Spread::default();
        (1..=1_000).for_each(|ms| spread.add(ms * 1_000));
        for (percent, exact) in [(50, 500_000), (99, 990_000), (100, 1_000_000)] {
            let said = spread.percentile(percent);
            assert!(said.abs_diff(exact) * 16 <= exact, "p{percent}: {said} for {exact}");
        }
        assert_eq!(Spread::default().percentile(99), 0);
        for us in [0, 1, 7, 8, 9, u64::from(u32::MAX), u64::MAX] {
            Spread::default().add(us);
        }
    }
}
