//! Edits: what a line makes of a scenario before anything has run, and of who takes part in a cluster that runs.
//!
//! Every edit is written down and read again as a file is, so that its checks and their words are the same.

use super::fault::Faults;
use super::format::clients::{GROUP, PRODUCER};
use super::format::topics::TOPIC;
use super::names::{hint, shown, spell_out};
use super::render::quoted;
use super::{GroupSpec, Placement, ProducerSpec, Scenario, ScenarioFault, TopicSpec, limits, set, toml};
use crate::command::{Command, DEPLOYED, NewTopic, Newcomer, Part, SCENE};
use crate::config::{ConsumerConfig, ProducerConfig, Settings, TopicConfig};
use crate::ids::BrokerId;
use crate::sorted::SortedSet;
use crate::time::SimDuration;

/// The scenario as it is then, or why it cannot be.
pub type Edited = Result<Scenario, String>;

/// Fields whose values are lists, with commas between.
const LISTS: [&str; 3] = ["topics", "bootstrap", "assign"];
/// Fields whose values may be numbers.
const NUMBERS: [&str; 9] = ["members", "records", "rate", "partition", "every", "start", "process", "partitions", "replication_factor"];

impl Scenario {
    /// Before anything ran: the scenario a line makes of this one. `None`: the line is no edit, it happens to a cluster.
    pub fn edited(&self, command: &Command) -> Option<Edited> {
        let config = |add, delete| Change { add, delete };
        Some(match command {
            Command::Rename { from, to } => self.renamed(from, to),
            Command::Scene { word, value } => self.with_scene(word, value),
            Command::Set { client, key, value } => return self.with_setting(client, key, value),
            Command::CreateTopic(new) => self.with_topic(new),
            Command::AddPartitions { topic, total, assignment } => self.with_partitions(topic, *total, assignment),
            Command::DeleteTopic(name) => self.without_topic(name),
            Command::ConfigureTopic { topic, add, delete } => self.with_topic_config(topic, &config(add, delete)),
            Command::ConfigureBrokers { add, delete } => self.with_broker_config(&config(add, delete)),
            _ => self.joined(command)?.and_then(|changed| changed.checked()),
        })
    }

    /// Who takes part after a line that adds or removes somebody; `None`: the line does neither. A newcomer is checked as a file's
    /// table is; those who were there are not checked again, for whom the world may have changed.
    pub fn joined(&self, command: &Command) -> Option<Edited> {
        Some(match command {
            Command::Add(new) if new.part == Part::Broker => self.with_brokers(new),
            Command::Add(new) => self.with_client(new),
            Command::Remove { part, name } => self.without(*part, name),
            Command::Set { client, key, value } if key == "members" => self.with_members(client, value)?,
            Command::Set { client, key, value } if DEPLOYED.contains(&key.as_str()) => self.deployed(client, key, value)?,
            _ => return None,
        })
    }

    /// As a file of it is read.
    fn checked(&self) -> Edited {
        read(&self.to_toml())
    }

    fn with_brokers(&self, new: &Newcomer) -> Edited {
        let mut changed = self.clone();
        for id in ids(&new.name)? {
            if self.cluster.brokers.binary_search(&id).is_ok() {
                return Err(format!("There is a broker {id} already. Give each broker its own number."));
            }
            changed.cluster.brokers.push(id);
            for (key, value) in &new.fields {
                if key != "rack" {
                    return Err(format!(
                        "broker {}: unknown field `{}`. Write rack=b. The brokers share their settings: `kafka-configs.sh --alter \
                         --entity-type brokers --entity-default --add-config key=value`.",
                        new.name,
                        shown(key)
                    ));
                }
                changed.cluster.racks.insert(id, value.clone());
            }
        }
        crate::sorted::settle(&mut changed.cluster.brokers, |a, b| a < b);
        changed.alone().checked()?;
        Ok(changed)
    }

    /// The cluster without anybody who uses it.
    fn alone(&self) -> Scenario {
        let (topics, producers, groups) = Default::default();
        Scenario { topics, producers, groups, timeline: Vec::new(), expects: Vec::new(), ..self.clone() }
    }

    fn with_client(&self, new: &Newcomer) -> Edited {
        let list = if new.part == Part::Producer { "producer" } else { "group" };
        let mut text = Scenario { topics: self.topics.clone(), ..self.alone() }.to_toml();
        text.push_str(&format!("\n[[{list}]]\nname = {}\n", quoted(&new.name)));
        let mut config = Vec::new();
        for (key, value) in &new.fields {
            match is_field(list, &new.name, key)? {
                true => text.push_str(&format!("{} = {}\n", quoted(key), typed(key, value))),
                false => config.push(format!("{} = {}", quoted(key), quoted(value))),
            }
        }
        if !config.is_empty() {
            text.push_str(&format!("config = {{ {} }}\n", config.join(", ")));
        }
        let mut read = read(&text)?;
        let taken = self.client_names();
        if let Some(name) = read.client_names().iter().find(|name| taken.contains(*name)) {
            return Err(format!("{list} `{}`: there is another client `{}`. Give each its own name.", shown(&new.name), shown(name)));
        }
        let mut changed = self.clone();
        changed.producers.append(&mut read.producers);
        changed.groups.append(&mut read.groups);
        Ok(changed)
    }

    /// Spelled out.
    fn client_names(&self) -> SortedSet<String> {
        let producers = self.producers.iter().flat_map(|producer| producer.members.iter().cloned());
        producers.chain(self.groups.iter().flat_map(GroupSpec::member_names)).collect()
    }

    fn without(&self, part: Option<Part>, name: &str) -> Edited {
        let mut changed = self.clone();
        if part == Some(Part::Broker) {
            for id in ids(name)? {
                if changed.cluster.brokers.binary_search(&id).is_err() {
                    return Err(format!("There is no broker {id}."));
                }
                changed.cluster.brokers.retain(|other| *other != id);
                changed.cluster.racks.remove(&id);
            }
            return Ok(changed);
        }
        let gone = spell_out(name, limits::CLIENTS)?;
        let fleet = changed.producers.iter().position(|fleet| gone.iter().all(|name| fleet.members.contains(name)));
        if let Some(place) = fleet.filter(|_| part != Some(Part::Group)) {
            let left = left_of(&changed.producers[place], &gone);
            changed.producers.splice(place..=place, left);
            return Ok(changed);
        }
        if part == Some(Part::Producer) {
            return Err(format!("There is no producer `{}`.", shown(name)));
        }
        if let Some(place) = changed.groups.iter().position(|group| group.name == name) {
            changed.groups.remove(place);
            return Ok(changed);
        }
        let Some(group) = changed.groups.iter_mut().find(|group| group.member_names().iter().any(|member| member == name)) else {
            return Err(format!("There is no `{}` here. Name a broker, a producer, a group or its last member.", shown(name)));
        };
        if group.members == 1 {
            return Err(format!("It is the only member of group `{0}`. Write `remove group {0}`.", group.name));
        }
        let last = format!("{}-{}", group.name, group.members);
        if last != name {
            return Err(format!(
                "The newest member of a group leaves first: write `remove {last}`. To end another one, write `stop {name}`."
            ));
        }
        group.members -= 1;
        if group.start.len() > 1 {
            group.start.pop();
        }
        Ok(changed)
    }

    /// `None`: nobody of this name has members, so that whoever reads settings tells why.
    fn with_members(&self, name: &str, value: &str) -> Option<Edited> {
        let mut changed = self.clone();
        let members = value.parse::<u32>().ok().filter(|members| (1..=limits::CLIENTS).contains(members));
        let refused = || format!("`members` = {}: write a whole number from 1 to {}.", shown(value), limits::CLIENTS);
        if let Some(group) = changed.groups.iter_mut().find(|group| group.name == name) {
            let Some(members) = members else { return Some(Err(refused())) };
            group.members = members;
            if group.start.len() > 1 {
                let last = group.start.last().copied().unwrap_or(SimDuration::ZERO);
                group.start.resize(members as usize, last);
            }
            return Some(Ok(changed));
        }
        let fleet = changed.producers.iter_mut().find(|fleet| fleet.name == name)?;
        let Some(members) = members else { return Some(Err(refused())) };
        let name = fleet.name.clone();
        let Some((front, first, back)) = numbered(&name) else {
            let text = format!("`{0}` is one client. Add a fleet: `add producer {0}-{{1..{members}}} …`.", shown(&name));
            return Some(Err(text));
        };
        let last = first.saturating_add(members - 1);
        fleet.name = format!("{front}{{{first}..{last}}}{back}");
        fleet.members = (first..=last).map(|i| format!("{front}{i}{back}")).collect();
        Some(Ok(changed))
    }

    /// A producer or a group whose application does something else from now on, checked as a newcomer is.
    fn deployed(&self, name: &str, key: &str, value: &str) -> Option<Edited> {
        let mut base = Scenario { topics: self.topics.clone(), ..self.alone() };
        let mut changed = self.clone();
        if let Some(spec) = changed.producers.iter_mut().find(|producer| producer.name == name) {
            base.producers.push(spec.clone());
            let read = base.with_field("producer", name, key, value);
            return Some(read.map(|read| read.producers.into_iter().for_each(|read| *spec = read)).map(|()| changed));
        }
        let spec = changed.groups.iter_mut().find(|group| group.name == name)?;
        base.groups.push(spec.clone());
        let read = base.with_field("group", name, key, value);
        Some(read.map(|read| read.groups.into_iter().for_each(|read| *spec = read)).map(|()| changed))
    }

    fn with_scene(&self, word: &str, value: &str) -> Edited {
        let path = SCENE.iter().find(|(known, _)| *known == word).map_or("", |(_, path)| path);
        let path = if word == "controllers" && self.cluster.config.zookeeper() { "cluster.zookeeper" } else { path };
        // A title may look like a number.
        if word == "title" {
            return Scenario { title: value.to_owned(), ..self.clone() }.checked();
        }
        self.with(&[format!("{path}={value}")]).map_err(|error| error.to_string())
    }

    fn renamed(&self, from: &str, to: &str) -> Edited {
        let mut changed = self.clone();
        let rename = |name: &mut String| {
            if *name == from {
                *name = to.to_owned();
            }
        };
        changed.producers.iter_mut().for_each(|producer| rename(&mut producer.name));
        changed.groups.iter_mut().for_each(|group| rename(&mut group.name));
        if changed == *self {
            // Its readers and writers go with it.
            changed.topics.iter_mut().for_each(|topic| rename(&mut topic.name));
            changed.producers.iter_mut().for_each(|producer| rename(&mut producer.topic));
            changed.groups.iter_mut().for_each(|group| group.topics.iter_mut().for_each(rename));
        }
        if changed == *self && from != to {
            return Err(format!("There is no client, group or topic `{}`.", shown(from)));
        }
        changed.checked()
    }

    /// `None`: it is set for somebody who has no table of their own, such as a member of a fleet.
    fn with_setting(&self, name: &str, key: &str, value: &str) -> Option<Edited> {
        if let Some(edited) = (key == "members").then(|| self.with_members(name, value)).flatten() {
            return Some(edited.and_then(|changed| changed.checked()));
        }
        if let Ok(id) = name.parse().map(BrokerId)
            && self.cluster.brokers.binary_search(&id).is_ok()
        {
            return Some(self.with_rack(id, key, value));
        }
        let list = match name {
            _ if self.producers.iter().any(|producer| producer.name == name) => "producer",
            _ if self.groups.iter().any(|group| group.name == name) => "group",
            _ if self.topics.iter().any(|topic| topic.name == name) => "topic",
            _ => return None,
        };
        Some(self.with_field(list, name, key, value))
    }

    fn with_rack(&self, id: BrokerId, key: &str, value: &str) -> Edited {
        let mut changed = self.clone();
        match (key, value) {
            ("rack", "") => changed.cluster.racks.remove(&id),
            ("rack", rack) => changed.cluster.racks.insert(id, rack.to_owned()),
            _ => return Err(format!("broker {id}: unknown field `{}`. Write rack=b.", shown(key))),
        };
        changed.checked()
    }

    /// A field of a table, or one of Kafka's settings in it; without a value it is as if nobody had given one.
    fn with_field(&self, list: &str, name: &str, key: &str, value: &str) -> Edited {
        let text = self.to_toml();
        let (mut root, _) = toml::parse(&text);
        let is_field = is_field(list, name, key)?;
        let line = format!("v = {}", if is_field { typed(key, value) } else { quoted(value) });
        let (mut line, _) = toml::parse(&line);
        let items = root.get_mut(list).and_then(|node| node.get_mut().as_array_mut()).unwrap_or_default();
        let item = items.iter_mut().find(|item| set::name(item) == Some(name)).and_then(|item| item.get_mut().as_table_mut());
        match (item, line.remove("v")) {
            (Some(table), _) if value.is_empty() => {
                let table = if is_field { Some(table) } else { table.table("config") };
                table.and_then(|table| table.remove(key));
            }
            (item, Some(node)) => {
                let path = if is_field { key.to_owned() } else { format!("config.{key}") };
                set::field(item, &path, &node, key)?;
            }
            _ => {}
        }
        Scenario::of_tree(&root, Faults::new(&text)).map_err(words)
    }

    fn with_topic(&self, new: &NewTopic) -> Edited {
        if !new.assignment.is_empty() && (new.partitions.is_some() || new.replication_factor.is_some()) {
            return Err(
                "Option \"[replica-assignment]\" can't be used with option \"[partitions]\" or \"[replication-factor]\".".to_owned()
            );
        }
        let defaults = &self.cluster.config;
        let placement = match new.assignment.is_empty() {
            false => Placement::Manual(new.assignment.clone()),
            true => Placement::Striped {
                partitions: new.partitions.unwrap_or(defaults.num_partitions),
                replication_factor: new.replication_factor.unwrap_or(defaults.default_replication_factor),
            },
        };
        let mut config = TopicConfig::of(defaults.profile);
        change(&mut config, &Change { add: &new.config, delete: &[] }, || TopicConfig::of(defaults.profile))?;
        let mut changed = self.clone();
        changed.topics.push(TopicSpec { name: new.name.clone(), placement, config });
        changed.checked()
    }

    fn with_partitions(&self, topic: &str, total: u32, assignment: &[Vec<BrokerId>]) -> Edited {
        let mut changed = self.clone();
        let spec = changed.topic(topic)?;
        let before = spec.placement.partitions();
        if total <= before {
            return Err(format!("The topic {topic} currently has {before} partition(s); {total} would not be an increase."));
        }
        match &mut spec.placement {
            Placement::Striped { partitions, .. } if assignment.is_empty() => *partitions = total,
            Placement::Manual(replicas) if assignment.len() == total as usize => *replicas = assignment.to_vec(),
            _ => return Err(format!("Say where all {total} partitions of {topic} lie, or of none.")),
        }
        changed.checked()
    }

    fn without_topic(&self, name: &str) -> Edited {
        let mut changed = self.clone();
        changed.topic(name)?;
        let writer = self.producers.iter().find(|producer| producer.topic == name).map(|producer| &producer.name);
        let reader = self.groups.iter().find(|group| group.topics.iter().any(|topic| topic == name)).map(|group| &group.name);
        if let Some(user) = writer.or(reader) {
            return Err(format!("{user} uses topic {name}. Write `remove {user}` first."));
        }
        changed.topics.retain(|topic| topic.name != name);
        changed.checked()
    }

    fn with_topic_config(&self, name: &str, by: &Change<'_>) -> Edited {
        let mut changed = self.clone();
        let profile = self.cluster.config.profile;
        change(&mut changed.topic(name)?.config, by, || TopicConfig::of(profile))?;
        changed.checked()
    }

    fn with_broker_config(&self, by: &Change<'_>) -> Edited {
        let mut changed = self.clone();
        let profile = self.cluster.config.profile;
        change(&mut changed.cluster.config, by, || crate::config::BrokerConfig::of(profile))?;
        changed.checked()
    }

    fn topic(&mut self, name: &str) -> Result<&mut TopicSpec, String> {
        let found = self.topics.iter_mut().find(|topic| topic.name == name);
        found.ok_or_else(|| format!("The topic '{}' does not exist.", shown(name)))
    }
}

/// Settings given and taken back.
struct Change<'c> {
    add: &'c [(String, String)],
    delete: &'c [String],
}

fn change<C: Settings>(config: &mut C, by: &Change<'_>, fresh: impl Fn() -> C) -> Result<(), String> {
    let default = fresh().describe();
    for key in by.delete {
        let row = default.iter().find(|row| row.key == key).ok_or_else(|| format!("Invalid config(s): {key}"))?;
        config.set(key, &row.value).map_err(|fault| fault.message)?;
    }
    by.add.iter().try_for_each(|(key, value)| config.set(key, value)).map_err(|fault| fault.message)
}

fn read(text: &str) -> Edited {
    Scenario::parse(text).map_err(words)
}

fn words(faults: Vec<ScenarioFault>) -> String {
    let mut messages: Vec<String> = faults.into_iter().take(3).map(|fault| fault.message).collect();
    messages.dedup();
    messages.join(" ")
}

/// Whether a key is a field of a table; if not, it is one of Kafka's settings, or nothing.
fn is_field(list: &str, name: &str, key: &str) -> Result<bool, String> {
    let (fields, settings) = match list {
        "producer" => (&PRODUCER[..], ProducerConfig::default().describe()),
        "group" => (&GROUP[..], ConsumerConfig::default().describe()),
        _ => (&TOPIC[..], TopicConfig::default().describe()),
    };
    if fields.contains(&key) && !["config", "name"].contains(&key) {
        return Ok(true);
    }
    let known: Vec<&str> = fields.iter().copied().filter(|field| *field != "config").chain(settings.iter().map(|row| row.key)).collect();
    match key.contains('.') || known.contains(&key) {
        true => Ok(false),
        false => Err(format!("{list} `{}`: unknown field `{}`. {}", shown(name), shown(key), hint(key, &known))),
    }
}

/// A field's value as a file writes it.
fn typed(key: &str, value: &str) -> String {
    let digits = |text: &str| !text.is_empty() && text.len() < 19 && text.bytes().all(|b| b.is_ascii_digit());
    let plain = |text: &str| digits(text) && (text == "0" || !text.starts_with('0'));
    let item = |text: &str| if plain(text) && key != "topics" { text.to_owned() } else { quoted(text) };
    match key {
        _ if LISTS.contains(&key) || (key == "start" && value.contains(',')) => {
            format!("[{}]", value.split(',').map(item).collect::<Vec<_>>().join(", "))
        }
        _ if NUMBERS.contains(&key) => item(value),
        _ => quoted(value),
    }
}

/// `104`, or `{104..106}`.
fn ids(name: &str) -> Result<Vec<BrokerId>, String> {
    let names =
        spell_out(name, limits::BROKERS).map_err(|_| format!("{} brokers are over the limit of {}.", shown(name), limits::BROKERS))?;
    let wrong = || format!("`{}` is no broker id.", shown(name));
    names.iter().map(|id| id.parse().map(BrokerId).map_err(|_| wrong())).collect()
}

/// The number a fleet begins with, and what stands around it.
fn numbered(name: &str) -> Option<(&str, u32, &str)> {
    let (front, rest) = name.split_once('{')?;
    let (range, back) = rest.split_once('}')?;
    Some((front, range.split_once("..")?.0.parse().ok()?, back))
}

fn fleet_name(front: &str, first: u32, last: u32, back: &str) -> String {
    if first == last { format!("{front}{first}{back}") } else { format!("{front}{{{first}..{last}}}{back}") }
}

/// What is left of a fleet without some of its members: each run of neighbours is a fleet of its own.
fn left_of(fleet: &ProducerSpec, gone: &[String]) -> Vec<ProducerSpec> {
    let Some((front, first, back)) = numbered(&fleet.name) else { return Vec::new() };
    let stays = |i: &u32| !gone.contains(&fleet.members[*i as usize]);
    let left: Vec<u32> = (0..fleet.members.len() as u32).filter(stays).collect();
    let part = |run: &[u32]| {
        let (from, to) = (run[0], run[run.len() - 1]);
        let members = fleet.members[from as usize..=to as usize].to_vec();
        ProducerSpec { name: fleet_name(front, first + from, first + to, back), members, ..fleet.clone() }
    };
    left.chunk_by(|a, b| a + 1 == *b).map(part).collect()
}
