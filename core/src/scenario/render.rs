//! A scenario as text: the canonical file, defaults left out, and the same without white space for links.
//!
//! [`Scenario::parse`] reads both back to the same value.

use super::format::{DEFAULT_SEED, ELR_VERSION};
use super::{ClusterSpec, CommitMode, Expect, GroupSpec, NetworkSpec, Pace, Placement, ProducerSpec, Scenario, TimelineEntry, TopicSpec};
use crate::config::{BrokerConfig, Profile, Settings};
use crate::ids::BrokerId;
use crate::sorted::SortedMap;
use crate::time::{SimDuration, SimTime};

impl Scenario {
    /// The canonical file: the same for the same scenario, made for people.
    pub fn to_toml(&self) -> String {
        self.render(false)
    }

    /// As short as the same format gets; for links.
    pub(super) fn to_terse_toml(&self) -> String {
        self.render(true)
    }

    /// The profile is always named: what its defaults are may differ from that of a later version.
    fn render(&self, terse: bool) -> String {
        let mut out = Writer { text: String::new(), terse, profile: self.cluster.config.profile };
        out.field("kafka", &quoted(self.kafka()));
        out.scenario(self);
        out.text
    }
}

struct Writer {
    text: String,
    terse: bool,
    profile: Profile,
}

impl Writer {
    fn field(&mut self, key: &str, value: &str) {
        let equals = if self.terse { "=" } else { " = " };
        self.text.push_str(key);
        self.text.push_str(equals);
        self.text.push_str(value);
        self.text.push('\n');
    }

    fn head(&mut self, head: &str) {
        if !self.terse && !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(head);
        self.text.push('\n');
    }

    /// `{ a = 1, b = 2 }`
    fn inline(&self, fields: impl Iterator<Item = (String, String)>) -> String {
        let (equals, open, close) = if self.terse { ("=", "{", "}") } else { (" = ", "{ ", " }") };
        let fields: Vec<String> = fields.map(|(key, value)| format!("{key}{equals}{value}")).collect();
        format!("{open}{}{close}", fields.join(self.comma()))
    }

    fn list(&self, items: impl Iterator<Item = String>) -> String {
        format!("[{}]", items.collect::<Vec<_>>().join(self.comma()))
    }

    fn comma(&self) -> &'static str {
        if self.terse { "," } else { ", " }
    }

    fn scenario(&mut self, scenario: &Scenario) {
        if !scenario.title.is_empty() {
            self.field("title", &quoted(&scenario.title));
        }
        if scenario.seed != DEFAULT_SEED {
            self.field("seed", &scenario.seed.to_string());
        }
        self.cluster(&scenario.cluster);
        self.network(&scenario.network);
        scenario.topics.iter().for_each(|topic| self.topic(topic));
        scenario.producers.iter().for_each(|producer| self.producer(producer));
        scenario.groups.iter().for_each(|group| self.group(group));
        self.timeline(&scenario.timeline);
        scenario.expects.iter().for_each(|expect| self.expect(expect));
    }

    fn cluster(&mut self, cluster: &ClusterSpec) {
        if self.terse && *cluster == ClusterSpec::default() {
            return;
        }
        self.head("[cluster]");
        let brokers = self.brokers(&cluster.brokers);
        self.field("brokers", &brokers);
        if !cluster.racks.is_empty() {
            let mut racks: SortedMap<&str, Vec<BrokerId>> = SortedMap::new();
            for (broker, rack) in &cluster.racks {
                racks.entry(rack).or_default().push(*broker);
            }
            let racks = self.inline(racks.into_iter().map(|(rack, ids)| (key(rack), self.ids(&ids))));
            self.field("racks", &racks);
        }
        if cluster.controllers != ClusterSpec::default().controllers {
            let key = if cluster.config.zookeeper() { "zookeeper" } else { "controllers" };
            self.field(key, &cluster.controllers.to_string());
        }
        if cluster.config.eligible_leader_replicas != BrokerConfig::of(self.profile).eligible_leader_replicas {
            let version = (key(ELR_VERSION), u32::from(cluster.config.eligible_leader_replicas).to_string());
            let features = self.inline([version].into_iter());
            self.field("features", &features);
        }
        self.config(&cluster.config.given_in(self.profile));
    }

    /// A long row of neighbours is counted instead of listed.
    fn brokers(&self, brokers: &[BrokerId]) -> String {
        let row = brokers.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0);
        match brokers.first() {
            Some(first) if row && brokers.len() > 6 => {
                let mut fields = vec![("count".to_owned(), brokers.len().to_string())];
                if first.0 != 1 {
                    fields.push(("first".to_owned(), first.to_string()));
                }
                self.inline(fields.into_iter())
            }
            _ => self.ids(brokers),
        }
    }

    fn ids(&self, ids: &[BrokerId]) -> String {
        self.list(ids.iter().map(BrokerId::to_string))
    }

    fn network(&mut self, network: &NetworkSpec) {
        let default = NetworkSpec::default();
        if *network == default {
            return;
        }
        self.head("[network]");
        if network.latency != default.latency {
            self.duration("latency", network.latency);
        }
        if network.jitter != default.jitter {
            self.duration("jitter", network.jitter);
        }
    }

    fn topic(&mut self, topic: &TopicSpec) {
        self.head("[[topic]]");
        self.field("name", &quoted(&topic.name));
        match &topic.placement {
            Placement::Striped { partitions, replication_factor } => {
                if *partitions != 1 {
                    self.field("partitions", &partitions.to_string());
                }
                if *replication_factor != 1 {
                    self.field("replication_factor", &replication_factor.to_string());
                }
            }
            Placement::Manual(partitions) => {
                let replicas = |ids: &Vec<BrokerId>| ids.iter().map(BrokerId::to_string).collect::<Vec<_>>().join(":");
                let partitions: Vec<String> = partitions.iter().map(replicas).collect();
                self.field("replica_assignment", &quoted(&partitions.join(",")));
            }
        }
        self.config(&topic.config.given_in(self.profile));
    }

    fn producer(&mut self, producer: &ProducerSpec) {
        self.head("[[producer]]");
        self.field("name", &quoted(&producer.name));
        self.field("topic", &quoted(&producer.topic));
        self.bootstrap(&producer.bootstrap);
        if let Some(partition) = producer.partition {
            self.field("partition", &partition.to_string());
        }
        if let Some(key) = &producer.key {
            self.field("key", &quoted(&key.to_string()));
        }
        if producer.value != ProducerSpec::default_value() {
            self.field("value", &quoted(&producer.value.to_string()));
        }
        match producer.pace {
            Pace::Every(interval) => self.duration("every", interval),
            Pace::Rate(rate) => self.field("rate", &rate.to_string()),
        }
        if let Some(records) = producer.records {
            self.field("records", &records.to_string());
        }
        if producer.start != SimDuration::ZERO {
            self.duration("start", producer.start);
        }
        let mut given = producer.config.given_in(self.profile);
        if producer.config.idempotence_is_off_by_rule() {
            given.remove("enable.idempotence");
        }
        self.config(&given);
    }

    fn bootstrap(&mut self, brokers: &[BrokerId]) {
        if !brokers.is_empty() {
            let brokers = self.ids(brokers);
            self.field("bootstrap", &brokers);
        }
    }

    fn group(&mut self, group: &GroupSpec) {
        self.head("[[group]]");
        self.field("name", &quoted(&group.name));
        let topics = self.list(group.topics.iter().map(|topic| quoted(topic)));
        self.field("topics", &topics);
        self.bootstrap(&group.bootstrap);
        if group.members != 1 {
            self.field("members", &group.members.to_string());
        }
        if !group.assign.is_empty() {
            let assign = self.list(group.assign.iter().map(u32::to_string));
            self.field("assign", &assign);
        }
        match group.start.as_slice() {
            [] => {}
            [all] => self.duration("start", *all),
            each => {
                let each = self.list(each.iter().map(|at| quoted(&at.written())));
                self.field("start", &each);
            }
        }
        if group.process != SimDuration::ZERO {
            self.duration("process", group.process);
        }
        let mut given = group.config.given_in(self.profile);
        match group.commit {
            CommitMode::Auto => {}
            CommitMode::Before => self.field("commit", "\"before\""),
            CommitMode::After => self.field("commit", "\"after\""),
            CommitMode::Each => self.field("commit", "\"each\""),
        }
        if group.commit != CommitMode::Auto {
            given.remove("enable.auto.commit");
        }
        self.config(&given);
    }

    fn config(&mut self, given: &SortedMap<String, String>) {
        if !given.is_empty() {
            let config = self.inline(given.iter().map(|(name, value)| (key(name), scalar(value))));
            self.field("config", &config);
        }
    }

    fn timeline(&mut self, timeline: &[TimelineEntry]) {
        if !timeline.is_empty() {
            self.head("[timeline]");
        }
        for moment in timeline.chunk_by(|a, b| a.at == b.at) {
            let mut lines = moment.iter().map(|entry| quoted(&entry.command.to_string()));
            let lines = match moment.len() {
                1 => lines.next().unwrap_or_default(),
                _ => self.list(lines),
            };
            self.field(&key(&after_start(moment[0].at).written()), &lines);
        }
    }

    fn expect(&mut self, expect: &Expect) {
        self.head("[[expect]]");
        self.duration("at", after_start(expect.at));
        let that = match (expect.that.as_slice(), self.terse) {
            ([one], _) => quoted(one),
            (many, true) => self.list(many.iter().map(|text| quoted(text))),
            (many, false) => {
                let lines: Vec<String> = many.iter().map(|text| format!("  {},\n", quoted(text))).collect();
                format!("[\n{}]", lines.concat())
            }
        };
        self.field("that", &that);
    }

    /// Whole milliseconds may go without quotes and unit.
    fn duration(&mut self, key: &str, duration: SimDuration) {
        self.field(key, &quoted(&duration.written()));
    }
}

fn after_start(at: SimTime) -> SimDuration {
    at.since(SimTime::ZERO)
}

/// A key as TOML writes it: bare when it may be.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.to_owned() } else { quoted(name) }
}

/// A setting's value: numbers and flags without quotes.
fn scalar(value: &str) -> String {
    let number = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) && (value == "0" || !value.starts_with('0'));
    if number || value == "true" || value == "false" { value.to_owned() } else { quoted(value) }
}

/// A TOML string; single quotes where they spare escapes.
pub(super) fn quoted(text: &str) -> String {
    let plain = !text.chars().any(|c| c.is_control() && c != '\t');
    if plain && text.contains(['"', '\\']) && !text.contains('\'') {
        return format!("'{text}'");
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
