//! Stories: a small cluster told in a few words, run through the public API, and asked what became of it.
//!
//! A story is written as the scenario text a user would write, so whatever a story shows can be pasted into a file.

use playground_core::broker::partition::Replica;
use playground_core::cluster::Cluster;
use playground_core::ids::BrokerId;
use playground_core::scenario::Scenario;
use playground_core::scenario::expect::judge;
use playground_core::shell::parse::parse_line;
use playground_core::time::{SimDuration, SimTime};
use playground_core::view::{ClientView, ClusterView, EventView};

/// A scenario under construction. Settings and fields belong to the table named last.
#[derive(Clone, Debug)]
pub struct Story {
    seed: u64,
    tables: Vec<Table>,
    timeline: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
struct Table {
    header: &'static str,
    fields: Vec<String>,
    config: Vec<String>,
}

impl Table {
    fn new(header: &'static str, fields: Vec<String>) -> Self {
        Table { header, fields, config: Vec::new() }
    }

    fn text(&self) -> String {
        let config = match self.config.is_empty() {
            true => String::new(),
            false => format!("config = {{ {} }}\n", self.config.join(", ")),
        };
        format!("{}\n{}\n{config}\n", self.header, self.fields.join("\n"))
    }
}

impl Story {
    /// Brokers 101, 102, …
    pub fn brokers(count: u32) -> Self {
        let ids: Vec<String> = (101..101 + count).map(|id| id.to_string()).collect();
        let cluster = Table::new("[cluster]", vec![format!("brokers = [{}]", ids.join(", "))]);
        Story { seed: 7, tables: vec![cluster], timeline: Vec::new() }
    }

    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    fn table(mut self, header: &'static str, fields: Vec<String>) -> Self {
        self.tables.push(Table::new(header, fields));
        self
    }

    /// One way, without jitter.
    pub fn latency(self, latency: &str) -> Self {
        self.network(latency, "0us")
    }

    pub fn network(self, latency: &str, jitter: &str) -> Self {
        self.table("[network]", vec![format!("latency = \"{latency}\""), format!("jitter = \"{jitter}\"")])
    }

    pub fn topic(self, name: &str, partitions: u32, replication_factor: u32) -> Self {
        let placement = [format!("partitions = {partitions}"), format!("replication_factor = {replication_factor}")];
        self.table("[[topic]]", [vec![format!("name = \"{name}\"")], placement.to_vec()].concat())
    }

    /// A topic whose replicas lie where the story needs them, preferred leaders first.
    pub fn topic_on(self, name: &str, replicas: &[&[i32]]) -> Self {
        let ids = |replicas: &&[i32]| replicas.iter().map(i32::to_string).collect::<Vec<_>>().join(":");
        let partitions: Vec<String> = replicas.iter().map(ids).collect();
        let assignment = format!("replica_assignment = \"{}\"", partitions.join(","));
        self.table("[[topic]]", vec![format!("name = \"{name}\""), assignment])
    }

    /// A producer, or a fleet; `pace` is a line such as `rate = 10`.
    pub fn producer(self, name: &str, topic: &str, pace: &str) -> Self {
        self.table("[[producer]]", vec![format!("name = \"{name}\""), format!("topic = \"{topic}\""), pace.to_owned()])
    }

    /// A group that reads everything from the beginning.
    pub fn group(self, name: &str, topic: &str, members: u32) -> Self {
        let fields = vec![format!("name = \"{name}\""), format!("topics = [\"{topic}\"]"), format!("members = {members}")];
        self.table("[[group]]", fields).with("auto.offset.reset", "\"earliest\"")
    }

    /// A setting of the table named last, by Kafka's name; `value` as TOML writes it.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.last().config.push(format!("\"{key}\" = {value}"));
        self
    }

    /// A setting of all brokers.
    pub fn broker_config(mut self, key: &str, value: &str) -> Self {
        self.tables[0].config.push(format!("\"{key}\" = {value}"));
        self
    }

    /// A field of the table named last.
    pub fn field(mut self, line: &str) -> Self {
        self.last().fields.push(line.to_owned());
        self
    }

    pub fn at(mut self, time: &str, command: &str) -> Self {
        self.timeline.push((time.to_owned(), command.to_owned()));
        self
    }

    fn last(&mut self) -> &mut Table {
        self.tables.last_mut().expect("a story begins with a cluster")
    }

    /// The scenario file this story is.
    pub fn text(&self) -> String {
        let tables: String = self.tables.iter().map(Table::text).collect();
        let mut entries: Vec<(String, Vec<String>)> = Vec::new();
        for (time, command) in &self.timeline {
            match entries.iter_mut().find(|(known, _)| known == time) {
                Some((_, commands)) => commands.push(format!("{command:?}")),
                None => entries.push((time.clone(), vec![format!("{command:?}")])),
            }
        }
        let timeline: String = entries.iter().map(|(time, commands)| format!("{time} = [{}]\n", commands.join(", "))).collect();
        format!("seed = {}\n\n{tables}[timeline]\n{timeline}", self.seed)
    }

    pub fn scenario(&self) -> Scenario {
        let text = self.text();
        Scenario::parse(&text).unwrap_or_else(|faults| panic!("the story is no scenario: {faults:?}\n{text}"))
    }

    pub fn start(&self) -> Told {
        Told::of(&self.scenario())
    }

    pub fn run_until(&self, time: &str) -> Told {
        self.start().until(time)
    }
}

/// `90s`, `5m`, `61500ms` as a moment.
pub fn moment(time: &str) -> SimTime {
    SimTime::ZERO + SimDuration::parse(time).unwrap_or_else(|| panic!("`{time}` is no time"))
}

/// A story that is being told: the cluster at some moment.
#[derive(Clone, Debug)]
pub struct Told {
    pub cluster: Cluster,
}

impl Told {
    pub fn of(scenario: &Scenario) -> Self {
        Told { cluster: Cluster::new(scenario) }
    }

    pub fn until(mut self, time: &str) -> Self {
        self.cluster.run_until(moment(time));
        self
    }

    /// Goes on one millisecond at a time until something is so.
    #[track_caller]
    pub fn until_it_holds(mut self, what: &str, holds: impl Fn(&Told) -> bool) -> Self {
        let end = self.cluster.now() + SimDuration::from_secs(600);
        while !holds(&self) {
            assert!(self.cluster.now() < end, "within ten minutes: {what}");
            self.cluster.run_until(self.cluster.now() + SimDuration::from_millis(1));
        }
        self
    }

    /// What a user does now, as a shell line.
    #[track_caller]
    pub fn then(mut self, line: &str) -> Self {
        let command = parse_line(line).unwrap_or_else(|error| panic!("{error}"));
        self.cluster.settle();
        self.cluster.apply(&command).unwrap_or_else(|error| panic!("{error}"));
        self
    }

    pub fn view(&self) -> ClusterView {
        ClusterView::of(&self.cluster)
    }

    /// Holds expressions of `[[expect]]` against the cluster, and every invariant.
    #[track_caller]
    pub fn expect(self, that: &[&str]) -> Self {
        let view = self.view();
        assert_eq!(view.violations, Vec::<String>::new(), "at {}", self.cluster.now());
        for line in that {
            let verdict = judge(line, &view, self.cluster.events()).unwrap_or_else(|fault| panic!("{line}: {fault}"));
            assert!(verdict.holds, "at {} expected {line}, but it was {}", self.cluster.now(), verdict.seen);
        }
        self
    }

    /// The list of what happened, of one kind.
    pub fn events(&self, kind: &str) -> Vec<&EventView> {
        self.cluster.events().iter().filter(|event| event.kind == kind).collect()
    }

    pub fn event(&self, id: u64) -> &EventView {
        self.cluster.events().iter().find(|event| event.id == id).expect("an event of this run")
    }

    #[track_caller]
    pub fn replica(&self, broker: i32, topic: &str, partition: u32) -> &Replica {
        let id = self.cluster.partition_named(topic, partition).expect("a partition of this story");
        self.cluster.broker(BrokerId(broker)).expect("a broker").replicas().get(&id).expect("a replica there")
    }

    #[track_caller]
    pub fn client(&self, name: &str) -> ClientView {
        self.view().clients.into_iter().find(|client| client.name == name).expect("a client of this story")
    }

    /// Values of a partition as a reader sees them.
    pub fn values(&self, topic: &str, partition: u32) -> Vec<String> {
        let records = self.cluster.records(topic, Some(partition));
        records.into_iter().map(|record| String::from_utf8(record.value.unwrap_or_default()).expect("text")).collect()
    }

    /// Log end of each partition.
    pub fn log_ends(&self, topic: &str) -> Vec<u64> {
        let view = self.view();
        let topic = view.topics.iter().find(|view| view.name == topic).expect("a topic of this story");
        topic.partitions.iter().map(|partition| partition.log_end).collect()
    }

    /// Every copy of a partition has the same bytes, as files.
    #[track_caller]
    pub fn expect_equal_copies(&self, topic: &str, partition: u32) {
        let id = self.cluster.partition_named(topic, partition).expect("a partition of this story");
        let directory = format!("{topic}-{partition}/");
        let log_files = |broker: BrokerId| -> Vec<(String, Vec<u8>)> {
            let files = self.cluster.disk_files(broker).into_iter();
            files.filter(|(path, _)| path.starts_with(&directory) && path.ends_with(".log")).collect()
        };
        let replicas = self.cluster.controller().image().partition(id).expect("it is registered").replicas.clone();
        for broker in &replicas[1..] {
            assert!(log_files(replicas[0]) == log_files(*broker), "{topic}-{partition} differs on {} and {broker}", replicas[0]);
        }
    }
}
