//! The workloads that `cargo xtask bench` measures, native and as wasm: scenario files like any other, written for a batch size.
//!
//! Nothing here bends the engine: how many records a batch holds follows from rate, `linger.ms` and `batch.size`, and is counted
//! in the logs afterwards.

use playground_core::cluster::Cluster;
use playground_core::scenario::{Scenario, builtin};
use playground_core::time::{SimDuration, SimTime};

/// Producers start when the group has its partitions.
const START: SimTime = SimTime(5_000_000);
/// A run is cut into slices of virtual time to see whether everything has been delivered.
const SLICE: SimDuration = SimDuration::from_millis(50);
/// Nothing takes this long unless something is wrong.
const PATIENCE: SimDuration = SimDuration::from_secs(600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `batch.size=1`: every record is a batch.
    Batch1,
    Batch10,
    Batch100,
    /// As `Batch1` from ten times as many producers at a tenth of the pace: hardly ever two records in one request or one wake.
    Single,
    /// 100 brokers, 1,000 partitions, 1,000,000 records a second.
    Large,
    /// As `Large`, with 10 partitions and with 10,000.
    Few,
    Many,
    /// The built-in scenario: heartbeats, fetches and timers more than records.
    Trucks,
}

/// A fleet of producers and the settings that make its batches.
struct Shape {
    brokers: u32,
    partitions: u32,
    producers: u32,
    rate: u32,
    keyed: bool,
    linger_ms: u32,
    batch_size: u32,
    members: u32,
}

impl Case {
    pub const ALL: [Case; 8] =
        [Case::Batch1, Case::Batch10, Case::Batch100, Case::Single, Case::Large, Case::Few, Case::Many, Case::Trucks];

    pub const fn name(self) -> &'static str {
        match self {
            Case::Batch1 => "batch1",
            Case::Batch10 => "batch10",
            Case::Batch100 => "batch100",
            Case::Single => "single",
            Case::Large => "large",
            Case::Few => "few",
            Case::Many => "many",
            Case::Trucks => "trucks",
        }
    }

    pub fn named(name: &str) -> Option<Case> {
        Case::ALL.into_iter().find(|case| case.name() == name)
    }

    /// 100,000 records a second in the small cluster, as many as the JavaScript simulation is offered.
    fn shape(self) -> Option<Shape> {
        let small = Shape { brokers: 3, partitions: 6, producers: 20, rate: 5_000, keyed: true, linger_ms: 0, batch_size: 1, members: 3 };
        let large = Shape {
            brokers: 100,
            partitions: 1_000,
            producers: 100,
            rate: 10_000,
            keyed: false,
            linger_ms: 20,
            batch_size: 11_000,
            members: 20,
        };
        match self {
            Case::Batch1 => Some(small),
            Case::Batch10 => Some(Shape { linger_ms: 20, batch_size: 1_230, ..small }),
            Case::Batch100 => Some(Shape { producers: 5, rate: 20_000, linger_ms: 50, batch_size: 11_500, ..small }),
            Case::Single => Some(Shape { producers: 200, rate: 500, ..small }),
            Case::Large => Some(large),
            Case::Few => Some(Shape { partitions: 10, ..large }),
            Case::Many => Some(Shape { partitions: 10_000, ..large }),
            Case::Trucks => None,
        }
    }

    /// The scenario that sends `records` in all.
    pub fn scenario(self, records: u32) -> Scenario {
        let text = match self.shape() {
            Some(shape) => shape.text(records),
            None => builtin("trucks_gps").expect("built in").to_owned(),
        };
        Scenario::parse(&text).unwrap_or_else(|fault| panic!("{}: {fault:?}", self.name()))
    }
}

impl Shape {
    fn text(&self, records: u32) -> String {
        let Shape { brokers, partitions, producers, rate, linger_ms, batch_size, members, .. } = self;
        let each = records.div_ceil(*producers);
        let ids = (1..=*brokers).map(|id| id.to_string()).collect::<Vec<_>>().join(", ");
        let users = (0..1_000).map(|user| user.to_string()).collect::<Vec<_>>().join("|");
        let key = if self.keyed { format!("user-{{pick:{users}}}") } else { "none".to_owned() };
        format!(
            r#"
kafka = "4.3"
title = "bench"
seed = 1
[cluster]
brokers = [{ids}]
[[topic]]
name = "t"
partitions = {partitions}
replication_factor = 3
config = {{ "min.insync.replicas" = 2 }}
[[producer]]
name = "p-{{1..{producers}}}"
topic = "t"
key = "{key}"
value = "{{pad:100}}"
rate = {rate}
records = {each}
start = "5s"
config = {{ acks = "all", "linger.ms" = {linger_ms}, "batch.size" = {batch_size} }}
[[group]]
name = "g"
topics = ["t"]
members = {members}
config = {{ "auto.offset.reset" = "earliest" }}
"#
        )
    }
}

/// A run of one case.
#[derive(Debug)]
pub struct Run {
    pub case: Case,
    pub cluster: Cluster,
    wanted: u64,
}

impl Run {
    /// The cluster with its group settled, and no record written yet.
    pub fn prepare(case: Case, records: u32) -> Run {
        let scenario = case.scenario(records);
        let wanted = scenario.producers.iter().map(|fleet| fleet.members.len() as u64 * fleet.records.unwrap_or(0)).sum();
        let mut cluster = Cluster::new(&scenario);
        if case != Case::Trucks {
            cluster.run_until(START);
        }
        Run { case, cluster, wanted }
    }

    /// Runs until every record is stored three times, committed, acknowledged and delivered to the group.
    pub fn deliver(&mut self) {
        let end = START + PATIENCE;
        while self.delivered() < self.wanted || self.cluster.referee().acked < self.wanted {
            assert!(self.cluster.now() < end, "{}: {} of {} delivered", self.case.name(), self.delivered(), self.wanted);
            self.cluster.run_until(self.cluster.now() + SLICE);
        }
    }

    /// Runs this much virtual time, whatever happens in it.
    pub fn pass(&mut self, virtual_time: SimDuration) {
        self.cluster.run_until(self.cluster.now() + virtual_time);
    }

    pub fn delivered(&self) -> u64 {
        self.cluster.referee().groups.iter().map(|group| group.delivered).sum()
    }

    /// Batches in the leaders' logs of what the producers wrote.
    pub fn batches(&self) -> u64 {
        let image = self.cluster.controller().image();
        let user = image.partitions().filter(|(id, _)| image.topic(id.topic).is_some_and(|topic| !topic.internal));
        let logs = user.filter_map(|(id, partition)| Some(&self.cluster.broker(partition.leader?)?.replicas().get(&id)?.log));
        logs.flat_map(|log| log.segments()).map(|segment| segment.batches().count() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records_per_batch(case: Case) -> f64 {
        let mut run = Run::prepare(case, 20_000);
        run.deliver();
        let referee = run.cluster.referee();
        assert_eq!((referee.groups[0].duplicates, referee.failed, referee.lost_total), (0, 0, 0));
        assert_eq!(run.cluster.violations(), Vec::<String>::new());
        run.delivered() as f64 / run.batches() as f64
    }

    #[test]
    fn workloads_have_the_batches_they_are_named_after() {
        let all = |case, low, high| assert!((low..=high).contains(&records_per_batch(case)), "{case:?}: {}", records_per_batch(case));
        all(Case::Batch1, 1.0, 1.0);
        all(Case::Single, 1.0, 1.0);
        all(Case::Batch10, 5.0, 10.0);
        all(Case::Batch100, 50.0, 100.0);
    }
}
