//! A scenario: one cluster, its clients and what happens to them. Parsed from TOML by [`format`], packed into links by [`link`].
//!
//! Values here are already checked: parse at the edge, trust inside. Text in: [`format`], one value: here, text out: [`render`].

pub mod builtin;
pub mod edit;
pub mod expect;
mod fault;
pub mod format;
pub mod limits;
pub mod link;
pub(crate) mod names;
mod reader;
mod render;
pub mod set;
pub mod template;
mod toml;

pub use builtin::{BUILTINS, builtin};
pub use fault::ScenarioFault;

use crate::command::{Command, Kind, Unknown, Who};
use crate::config::{BrokerConfig, ConsumerConfig, ProducerConfig, TopicConfig};
use crate::ids::{BrokerId, FIRST_CONTROLLER};
use crate::nearest::nearest;
use crate::sorted::SortedMap;
use crate::time::{SimDuration, SimTime};

/// A whole scenario file.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub title: String,
    pub seed: u64,
    pub cluster: ClusterSpec,
    pub network: NetworkSpec,
    pub topics: Vec<TopicSpec>,
    /// Fleets as written; [`ProducerSpec::members`] spells them out.
    pub producers: Vec<ProducerSpec>,
    pub groups: Vec<GroupSpec>,
    /// Sorted by time; entries of one instant in the order of the file.
    pub timeline: Vec<TimelineEntry>,
    /// Sorted by time.
    pub expects: Vec<Expect>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClusterSpec {
    /// Sorted, distinct.
    pub brokers: Vec<BrokerId>,
    pub racks: SortedMap<BrokerId, String>,
    /// KRaft voters, or the servers of a ZooKeeper ensemble; odd.
    pub controllers: u32,
    pub config: BrokerConfig,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// One way.
    pub latency: SimDuration,
    /// Added to the latency of each message, drawn from `0..=jitter`.
    pub jitter: SimDuration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TopicSpec {
    pub name: String,
    pub placement: Placement,
    pub config: TopicConfig,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Placement {
    /// The controller chooses.
    Striped { partitions: u32, replication_factor: u32 },
    /// `replica_assignment`: replicas of each partition, the preferred leader first.
    Manual(Vec<Vec<BrokerId>>),
}

/// One producer, or a fleet `truck-{1..20}` of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerSpec {
    /// As written; for messages and for printing the file again.
    pub name: String,
    /// The spelled-out client names, one for each member.
    pub members: Vec<String>,
    pub topic: String,
    /// `bootstrap.servers`: where it asks first. Empty: all brokers.
    pub bootstrap: Vec<BrokerId>,
    /// Every record goes there; `None`: the partitioner chooses.
    pub partition: Option<u32>,
    /// `None`: records without key.
    pub key: Option<Template>,
    pub value: Template,
    pub pace: Pace,
    /// Stops after so many records.
    pub records: Option<u64>,
    /// Delays the first record.
    pub start: SimDuration,
    pub config: ProducerConfig,
}

/// How often a member sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    Every(SimDuration),
    /// Records a second.
    Rate(u64),
}

/// Text with holes, parsed once.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Text(String),
    /// `{name}`: the client's name.
    Name,
    /// `{n}`: the client's record counter, from 0.
    Counter,
    /// `{lat}`, `{lon}`: a position on the truck's way.
    Lat,
    Lon,
    /// `{ts}`: the record's timestamp.
    Timestamp,
    /// `{pick:a|b|c}`: one of them, drawn.
    Pick(template::Choices),
    /// `{zipf:100}`: a number in 0..100, small ones more often.
    Zipf(u32),
    /// `{pad:100}`: so many `x`.
    Pad(u32),
}

#[derive(Clone, Debug, PartialEq)]
pub struct GroupSpec {
    pub name: String,
    pub topics: Vec<String>,
    /// `bootstrap.servers`: where its members ask first. Empty: all brokers.
    pub bootstrap: Vec<BrokerId>,
    pub members: u32,
    /// Partitions of each of its topics that every one of its consumers takes for itself, without joining (`KafkaConsumer.assign`); empty:
    /// the group divides them (`subscribe`).
    pub assign: Vec<u32>,
    /// When its members start: none, all at once; one, all of them then; else each at its own time.
    pub start: Vec<SimDuration>,
    /// Time the application spends on a record.
    pub process: SimDuration,
    pub commit: CommitMode,
    pub config: ConsumerConfig,
    /// What the application cannot cope with; made by a command, no part of a file.
    pub poison: Option<Poison>,
}

/// A record that an application cannot cope with, and what happens when it meets one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poison {
    pub record: BadRecord,
    pub does: Mishap,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadRecord {
    /// `orders-0@17`.
    At { topic: String, partition: u32, offset: u64 },
    /// `key=truck-3`: every record with this key.
    Key(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mishap {
    /// An exception that nobody catches ends the process; its supervisor starts it again.
    #[default]
    Crash,
    /// The application never comes back from it.
    Block,
    /// The application catches the exception and leaves the record out.
    Skip,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommitMode {
    /// Inside `poll()`, every `auto.commit.interval.ms`.
    #[default]
    Auto,
    /// Commit, then process.
    Before,
    /// Process all that a poll returned, then commit.
    After,
    /// Process a record, then commit it.
    Each,
}

impl CommitMode {
    /// As a file has them.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "auto" => Some(CommitMode::Auto),
            "before" => Some(CommitMode::Before),
            "after" => Some(CommitMode::After),
            "each" => Some(CommitMode::Each),
            _ => None,
        }
    }
}

pub const MISHAPS: [(&str, Mishap); 3] = [("crash", Mishap::Crash), ("block", Mishap::Block), ("skip", Mishap::Skip)];

#[derive(Clone, Debug, PartialEq)]
pub struct TimelineEntry {
    pub at: SimTime,
    pub command: Command,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    pub at: SimTime,
    /// As written; parsed and judged by `expect`.
    pub that: Vec<String>,
}

/// Three brokers, Kafka's settings.
impl Default for ClusterSpec {
    fn default() -> Self {
        ClusterSpec {
            brokers: vec![BrokerId(101), BrokerId(102), BrokerId(103)],
            racks: SortedMap::new(),
            controllers: 3,
            config: BrokerConfig::default(),
        }
    }
}

/// One data centre.
impl Default for NetworkSpec {
    fn default() -> Self {
        NetworkSpec { latency: SimDuration::from_millis(1), jitter: SimDuration::from_micros(500) }
    }
}

impl Placement {
    pub fn partitions(&self) -> u32 {
        match self {
            Placement::Striped { partitions, .. } => *partitions,
            Placement::Manual(partitions) => partitions.len() as u32,
        }
    }

    pub fn replication_factor(&self) -> u32 {
        match self {
            Placement::Striped { replication_factor, .. } => *replication_factor,
            Placement::Manual(partitions) => partitions.first().map_or(0, |replicas| replicas.len() as u32),
        }
    }
}

impl ProducerSpec {
    /// What a producer without `value` sends: the number of its record.
    pub fn default_value() -> Template {
        Template { pieces: vec![Piece::Counter] }
    }
}

impl GroupSpec {
    /// `location-dashboard-1`, `location-dashboard-2`, …
    pub fn member_names(&self) -> Vec<String> {
        member_names(&self.name, self.members)
    }

    /// When member 1, 2, … starts.
    pub fn starts(&self, member: u32) -> SimTime {
        let own = self.start.get(member as usize - 1).or(self.start.first());
        SimTime::ZERO + own.copied().unwrap_or_default()
    }
}

fn member_names(group: &str, members: u32) -> Vec<String> {
    (1..=members).map(|i| format!("{group}-{i}")).collect()
}

/// Who takes part, by name.
#[derive(Clone, Copy)]
pub struct Cast<'s> {
    pub cluster: &'s ClusterSpec,
    pub producers: &'s [ProducerSpec],
    pub groups: &'s [GroupSpec],
}

impl Cast<'_> {
    /// Why a command cannot mean anybody here: the name nobody has.
    pub fn unknown(&self, command: &Command) -> Option<Unknown> {
        command.about().iter().flatten().find_map(|who| self.stranger(who))
    }

    fn stranger(&self, who: &Who) -> Option<Unknown> {
        let message = match who {
            Who::All(Kind::ZooKeeper) if !self.cluster.config.zookeeper() => NO_ZOOKEEPER.to_owned(),
            Who::All(Kind::Controllers) if self.cluster.config.zookeeper() => {
                "With ZooKeeper one of the brokers is the controller. Write its id, or `zookeeper` for the ensemble.".to_owned()
            }
            Who::All(_) => return None,
            Who::Node(id) => {
                let controllers = FIRST_CONTROLLER..FIRST_CONTROLLER + self.cluster.controllers as i32;
                if controllers.contains(id) || self.cluster.brokers.binary_search(&BrokerId(*id)).is_ok() {
                    return None;
                }
                let known: Vec<String> = self.cluster.brokers.iter().take(20).map(BrokerId::to_string).collect();
                let more = if self.cluster.brokers.len() > 20 { ", …" } else { "" };
                let (first, last) = (controllers.start, controllers.end - 1);
                let controllers = if first == last { first.to_string() } else { format!("{first} to {last}") };
                let kind = if self.cluster.config.zookeeper() { "ZooKeeper" } else { "Controllers" };
                format!("There is no broker {id}. Brokers here: {}{more}. {kind}: {controllers}.", known.join(", "))
            }
            Who::Client(name) => {
                let own = |producer: &ProducerSpec| producer.name == *name || producer.members.contains(name);
                let grouped = |group: &GroupSpec| match name.strip_prefix(group.name.as_str()) {
                    Some("") => group.members > 0,
                    // As `member_names` spells them.
                    Some(rest) => rest
                        .strip_prefix('-')
                        .and_then(|i| i.parse().ok().filter(|n: &u32| n.to_string() == i))
                        .is_some_and(|i| (1..=group.members).contains(&i)),
                    None => false,
                };
                if self.producers.iter().any(own) || self.groups.iter().any(grouped) {
                    return None;
                }
                let names = self.producers.iter().flat_map(|producer| &producer.members).chain(self.groups.iter().map(|group| &group.name));
                match nearest(name, names.map(String::as_str)) {
                    Some(near) => format!("There is no client `{name}`. Did you mean `{near}`?"),
                    None => format!("There is no client `{name}`. Name a producer, a group or one of its members."),
                }
            }
        };
        Some(Unknown { word: who.to_string(), message })
    }
}

/// What a file or a command for ZooKeeper gets to hear in a cluster that has none.
pub(crate) const NO_ZOOKEEPER: &str = "Kafka has no ZooKeeper since 4.0: the controllers keep the metadata themselves (KRaft). Write \
                                       `controllers`, or kafka = \"3.9\" at the top of the file for a cluster with ZooKeeper.";

/// How long a scenario runs that says nothing about its end.
const DEFAULT_RUN: SimDuration = SimDuration::from_secs(300);

impl Scenario {
    /// The version whose rules hold, as the file names it.
    pub fn kafka(&self) -> &'static str {
        self.cluster.config.profile.name()
    }

    pub fn cast(&self) -> Cast<'_> {
        Cast { cluster: &self.cluster, producers: &self.producers, groups: &self.groups }
    }

    /// The last moment that the file names; five minutes when it names none.
    pub fn end(&self) -> SimTime {
        let timeline = self.timeline.last().map(|entry| entry.at);
        let expects = self.expects.last().map(|expect| expect.at);
        timeline.max(expects).unwrap_or(SimTime::ZERO + DEFAULT_RUN)
    }
}
