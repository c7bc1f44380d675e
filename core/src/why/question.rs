//! Questions: what can be asked of which thing, and how a line says it.

use super::{Finding, Found, brokers, groups, partitions, producers};
use crate::cluster::Cluster;
use crate::ids::BrokerId;
use crate::nearest::nearest;
use crate::view::{EventView, Subject};
use crate::{wire_enums, wire_structs};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub thing: Thing,
    /// `None`: why is it as it is?
    pub ask: Option<Ask>,
}

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    Event(u64),
    Broker(i32),
    /// Those who decide: the quorum, or the controller and its ensemble.
    Controllers,
    Partition {
        topic: String,
        partition: u32,
    },
    Record {
        topic: String,
        partition: u32,
        offset: u64,
    },
    /// A producer, or a member of a group.
    Client(String),
    Group(String),
    Link {
        from: String,
        to: String,
    },
}

/// What may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Leader,
    Preferred,
    Isr,
    HighWatermark,
    Deleted,
    Readers,
    Readable,
    Given,
    Send,
    Acknowledged,
    Succeed,
    Idle,
    Read,
    Commit,
    Rebalance,
    Stable,
    Offsets,
    Lag,
    Coordinator,
    Trusted,
    Fenced,
    Lead,
    Stopped,
}

/// Each with its word in a line, and the question in words about `{}`.
pub const ASKS: [(Ask, &str, &str); 23] = [
    (Ask::Leader, "leader", "Why has {} no leader that works?"),
    (Ask::Preferred, "preferred", "Why does the preferred leader of {} not lead?"),
    (Ask::Isr, "isr", "Why is the ISR of {} short?"),
    (Ask::HighWatermark, "high-watermark", "Why is the high watermark of {} behind its log end?"),
    (Ask::Deleted, "deleted", "Why is nothing of {} deleted yet?"),
    (Ask::Readers, "readers", "Why does nobody read {}?"),
    (Ask::Readable, "readable", "Why can nobody read {} yet?"),
    (Ask::Given, "given", "Why was {} not given to every group?"),
    (Ask::Send, "send", "Why does {} not send?"),
    (Ask::Acknowledged, "acknowledged", "Why has {} no acknowledgement yet?"),
    (Ask::Succeed, "succeed", "Why did sends of {} fail?"),
    (Ask::Idle, "partitions", "Why has {} no partitions?"),
    (Ask::Read, "read", "Why does {} not read?"),
    (Ask::Commit, "commit", "Why has {} not committed what it read?"),
    (Ask::Rebalance, "rebalance", "Why does {} not rebalance?"),
    (Ask::Stable, "stable", "Why is {} not stable?"),
    (Ask::Offsets, "offsets", "Why has {} no committed offsets?"),
    (Ask::Lag, "lag", "Why has {} not caught up?"),
    (Ask::Coordinator, "coordinator", "Why has {} no coordinator?"),
    (Ask::Trusted, "trusted", "Why is {} fenced?"),
    (Ask::Fenced, "fenced", "Why is {} not fenced yet?"),
    (Ask::Lead, "lead", "Why does {} lead nothing?"),
    (Ask::Stopped, "stopped", "Why has {} not stopped yet?"),
];

wire_structs! { Question { thing, ask } }

wire_enums! {
    Thing else Thing::Controllers => {
        0 Event(id), 1 Broker(id), 2 Controllers, 3 Partition { topic, partition }, 4 Record { topic, partition, offset },
        5 Client(name), 6 Group(name), 7 Link { from, to }
    }
}

impl crate::wire::Wire for Ask {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }

    fn take(from: &mut crate::wire::Reader<'_>) -> Self {
        let place = from.byte() as usize;
        ASKS.get(place).map_or(Ask::Leader, |(ask, ..)| *ask)
    }
}

impl Ask {
    fn word(self) -> &'static str {
        ASKS[self as usize].1
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Thing::Event(id) => write!(f, "event {id}"),
            Thing::Broker(id) => write!(f, "{id}"),
            Thing::Controllers => f.write_str("controllers"),
            Thing::Partition { topic, partition } => write!(f, "{topic}-{partition}"),
            Thing::Record { topic, partition, offset } => write!(f, "{topic}-{partition}@{offset}"),
            Thing::Client(name) | Thing::Group(name) => f.write_str(name),
            Thing::Link { from, to } => write!(f, "{from}>{to}"),
        }
    }
}

/// The line that asks it.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ask {
            None => write!(f, "why {}", self.thing),
            Some(ask) => write!(f, "why not {} {}", self.thing, ask.word()),
        }
    }
}

impl From<&Subject> for Thing {
    fn from(subject: &Subject) -> Self {
        match subject.clone() {
            Subject::Broker(id) => Thing::Broker(id),
            Subject::Partition { topic, partition } => Thing::Partition { topic, partition },
            Subject::Record { topic, partition, offset } => Thing::Record { topic, partition, offset },
            Subject::Client(name) => Thing::Client(name),
            Subject::Group(name) => Thing::Group(name),
        }
    }
}

impl Question {
    pub fn words(&self) -> String {
        let name = match &self.thing {
            Thing::Broker(id) => format!("broker {id}"),
            Thing::Group(name) => format!("group {name}"),
            Thing::Link { from, to } => format!("the link from {from} to {to}"),
            Thing::Controllers => "the controller".to_owned(),
            other => other.to_string(),
        };
        match (self.ask, &self.thing) {
            (Some(ask), _) => ASKS[ask as usize].2.replace("{}", &name),
            (None, Thing::Event(_)) => "Why did this happen?".to_owned(),
            (None, _) => format!("Why is {name} as it is?"),
        }
    }

    /// Reads a line; nothing if it does not begin with `why`.
    pub fn read(cluster: &Cluster, line: &str) -> Option<Result<Question, String>> {
        let mut words = line.split_whitespace();
        (words.next()? == "why").then(|| Question::of_words(cluster, &words.collect::<Vec<_>>()))
    }

    fn of_words(cluster: &Cluster, words: &[&str]) -> Result<Question, String> {
        const FORM: &str = "Write `why 102`, `why orders-0@41`, `why event 91` or `why not orders-0 leader`";
        match words {
            [] => Err(format!("Say what about. {FORM}.")),
            ["event", id] => {
                let id = id.parse().map_err(|_| format!("`{id}` is no number of an event. {FORM}."))?;
                Ok(Question { thing: Thing::Event(id), ask: None })
            }
            ["not", name, word] => {
                let thing = Thing::named(cluster, name)?;
                match ASKS.iter().find(|(_, known, _)| known == word) {
                    Some((ask, ..)) if thing.asked().contains(ask) => Ok(Question { thing, ask: Some(*ask) }),
                    _ => {
                        let known: Vec<&str> = thing.asked().iter().map(|ask| ask.word()).collect();
                        Err(format!("`{word}` cannot be asked of {thing}. Known here: {}.", known.join(", ")))
                    }
                }
            }
            // The first thing that may be missing and is.
            ["not", name] => {
                let thing = Thing::named(cluster, name)?;
                let ask = thing.asked().iter().copied().find(|ask| thing.find(cluster, *ask).is_ok());
                Ok(Question { thing, ask })
            }
            [name] => Ok(Question { thing: Thing::named(cluster, name)?, ask: None }),
            _ => Err(format!("That is too much. {FORM}.")),
        }
    }
}

impl Thing {
    /// What a name stands for here.
    pub fn named(cluster: &Cluster, name: &str) -> Result<Thing, String> {
        if let Some((from, to)) = name.split_once('>') {
            return Ok(Thing::Link { from: from.to_owned(), to: to.to_owned() });
        }
        if let Ok(id) = name.parse::<i32>() {
            let controller = cluster.controllers().iter().any(|voter| voter.id() == id);
            let broker = cluster.broker(BrokerId(id)).is_some();
            return match (broker, controller) {
                (true, _) => Ok(Thing::Broker(id)),
                (_, true) => Ok(Thing::Controllers),
                _ => Err(format!("There is no broker {id}.")),
            };
        }
        if name == "controllers" || name == "zookeeper" {
            return Ok(Thing::Controllers);
        }
        let (place, offset) = match name.split_once('@') {
            Some((place, offset)) => (place, Some(offset.parse::<u64>().map_err(|_| format!("`{offset}` is no offset."))?)),
            None => (name, None),
        };
        let groups = &cluster.scenario().groups;
        if offset.is_none() && groups.iter().any(|group| group.name == place) {
            return Ok(Thing::Group(place.to_owned()));
        }
        let clients = || cluster.producers().iter().map(|one| &one.name).chain(cluster.consumers().iter().map(|one| &one.name));
        if offset.is_none() && clients().any(|known| **known == *place) {
            return Ok(Thing::Client(place.to_owned()));
        }
        let split = place.rsplit_once('-').and_then(|(topic, partition)| Some((topic, partition.parse::<u32>().ok()?)));
        match split.filter(|(topic, partition)| cluster.partition_named(topic, *partition).is_some()) {
            Some((topic, partition)) => {
                let topic = topic.to_owned();
                Ok(match offset {
                    Some(offset) => Thing::Record { topic, partition, offset },
                    None => Thing::Partition { topic, partition },
                })
            }
            None => {
                let image = cluster.controller().image();
                let partitions: Vec<String> =
                    image.topics().filter(|topic| !topic.partitions.is_empty()).map(|t| format!("{}-0", t.name)).collect();
                let names = clients().map(|name| &**name).chain(groups.iter().map(|group| group.name.as_str()));
                let near = nearest(place, names.chain(partitions.iter().map(String::as_str)));
                let hint = near.map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
                Err(format!("There is nothing called `{name}` here.{hint}"))
            }
        }
    }

    /// What may be asked of it, in the order of what matters most.
    pub fn asked(&self) -> &'static [Ask] {
        match self {
            Thing::Event(_) | Thing::Link { .. } => &[],
            Thing::Controllers => &[Ask::Leader],
            Thing::Broker(_) => &[Ask::Stopped, Ask::Fenced, Ask::Trusted, Ask::Lead],
            Thing::Partition { .. } => &[Ask::Leader, Ask::Isr, Ask::HighWatermark, Ask::Preferred, Ask::Readers, Ask::Deleted],
            Thing::Record { .. } => &[Ask::Readable, Ask::Given, Ask::Deleted],
            Thing::Client(name) if name.is_empty() => &[],
            Thing::Client(_) => &[Ask::Send, Ask::Succeed, Ask::Acknowledged, Ask::Idle, Ask::Read, Ask::Commit],
            Thing::Group(_) => &[Ask::Coordinator, Ask::Stable, Ask::Rebalance, Ask::Offsets, Ask::Lag],
        }
    }

    /// One question's answer, or why it does not arise now.
    pub(super) fn find(&self, cluster: &Cluster, ask: Ask) -> Found {
        match self {
            Thing::Event(_) | Thing::Link { .. } => Err("That is not asked of it.".to_owned()),
            Thing::Controllers => brokers::deciders(cluster),
            Thing::Broker(id) => brokers::find(cluster, *id, ask),
            Thing::Partition { topic, partition } => partitions::find(cluster, topic, *partition, ask),
            Thing::Record { topic, partition, offset } => partitions::find_of_record(cluster, topic, *partition, *offset, ask),
            Thing::Client(name) => match cluster.producers().iter().position(|producer| *producer.name == **name) {
                Some(place) => producers::find(cluster, place, ask),
                None => groups::find_of_member(cluster, name, ask),
            },
            Thing::Group(name) => groups::find(cluster, name, ask),
        }
    }

    /// Its answer, and what else may be asked now.
    pub(super) fn asks(&self, cluster: &Cluster, ask: Option<Ask>) -> Result<(Vec<(String, String)>, Finding), String> {
        let mut open: Vec<(Ask, Finding)> = Vec::new();
        for other in self.asked() {
            open.extend(self.find(cluster, *other).ok().map(|finding| (*other, finding)));
        }
        let finding = match ask {
            // It does not arise: that is the answer.
            Some(ask) => self.find(cluster, ask).unwrap_or_else(Finding::said),
            None => {
                let mut finding = self.general(cluster)?;
                for (_, found) in &open {
                    // The heads of what stands in the way, and the events behind them.
                    finding.because.extend(found.because.iter().find(|because| because.fails).cloned());
                    finding.events.extend(&found.events);
                    finding.awaits = finding.awaits.or_else(|| found.awaits.clone());
                }
                finding
            }
        };
        let others = open.into_iter().map(|(other, _)| other).filter(|other| Some(*other) != ask);
        let line = |ask: Ask| {
            let question = Question { thing: self.clone(), ask: Some(ask) };
            (question.to_string(), question.words())
        };
        let back = ask.map(|_| {
            let question = Question { thing: self.clone(), ask: None };
            (question.to_string(), question.words())
        });
        Ok((others.map(line).chain(back).collect(), finding))
    }

    /// Why it is as it is: its state in a sentence, and the newest events about it.
    fn general(&self, cluster: &Cluster) -> Found {
        match self {
            Thing::Event(_) => Err("An event is asked by its number.".to_owned()),
            Thing::Controllers => Ok(brokers::deciders(cluster).unwrap_or_else(Finding::said)),
            Thing::Link { from, to } => brokers::link(cluster, from, to),
            Thing::Broker(id) => brokers::general(cluster, *id),
            Thing::Partition { topic, partition } => partitions::general(cluster, topic, *partition),
            Thing::Record { topic, partition, offset } => partitions::general_of_record(cluster, topic, *partition, *offset),
            Thing::Client(name) => match cluster.producers().iter().position(|producer| *producer.name == **name) {
                Some(place) => Ok(producers::general(cluster, place)),
                None => groups::general_of_member(cluster, name),
            },
            Thing::Group(name) => groups::general(cluster, name),
        }
    }

    /// The fields behind it, for whoever wants them bare.
    pub(super) fn fields(&self, cluster: &Cluster) -> Vec<(String, String)> {
        match self {
            Thing::Event(id) => super::event(cluster, *id).map(of_event).unwrap_or_default(),
            Thing::Broker(id) => brokers::fields(cluster, *id),
            Thing::Partition { topic, partition } | Thing::Record { topic, partition, .. } => {
                partitions::fields(cluster, topic, *partition)
            }
            Thing::Client(name) => match cluster.producers().iter().position(|producer| *producer.name == **name) {
                Some(place) => producers::fields(cluster, place),
                None => groups::fields_of_member(cluster, name),
            },
            Thing::Group(name) => groups::fields(cluster, name),
            Thing::Controllers | Thing::Link { .. } => Vec::new(),
        }
    }
}

fn of_event(event: &EventView) -> Vec<(String, String)> {
    let causes: Vec<String> = event.causes.iter().map(u64::to_string).collect();
    vec![
        ("id".to_owned(), event.id.to_string()),
        ("at_us".to_owned(), event.at_us.to_string()),
        ("kind".to_owned(), event.kind.clone()),
        ("subject".to_owned(), event.subject.clone()),
        ("rule".to_owned(), event.rule.clone()),
        ("causes".to_owned(), causes.join(", ")),
    ]
}
