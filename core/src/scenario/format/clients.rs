//! `[[producer]]` and `[[group]]`: who writes and who reads, by which names and how fast.

use super::super::fault::Faults;
use super::super::names::{hint, name_fault, shown, spell_out, too_many};
use super::super::reader::{Fields, named, whole};
use super::super::{ClusterSpec, CommitMode, GroupSpec, Pace, ProducerSpec, Template, TopicSpec, limits};
use super::cluster::{broker_id, listed};
use super::{config, config_faults};
use crate::config::{ConsumerConfig, ProducerConfig, Profile, Settings};
use crate::ids::BrokerId;
use crate::sorted::SortedSet;
use crate::time::SimDuration;

/// The names taken so far.
pub(super) struct Clients<'s> {
    profile: Profile,
    specs: &'s [TopicSpec],
    topics: SortedSet<&'s str>,
    cluster: &'s ClusterSpec,
    clients: SortedSet<String>,
    groups: SortedSet<String>,
}

pub(in crate::scenario) const PRODUCER: [&str; 11] =
    ["name", "topic", "partition", "bootstrap", "key", "value", "every", "rate", "records", "start", "config"];
const PRODUCER_LATER: [&str; 2] = ["headers", "transaction"];
pub(in crate::scenario) const GROUP: [&str; 9] =
    ["name", "topics", "bootstrap", "members", "assign", "start", "process", "commit", "config"];
const GROUP_LATER: [&str; 0] = [];

impl<'s> Clients<'s> {
    pub(super) fn new(specs: &'s [TopicSpec], cluster: &'s ClusterSpec, profile: Profile) -> Self {
        let topics = specs.iter().map(|topic| topic.name.as_str()).collect();
        Clients { profile, specs, topics, cluster, clients: SortedSet::new(), groups: SortedSet::new() }
    }

    pub(super) fn producers(&mut self, file: &Fields<'_, '_>, faults: &mut Faults<'_>) -> Vec<ProducerSpec> {
        let tables = file.tables(faults, "producer", limits::CLIENTS as usize);
        tables.into_iter().map(|fields| self.producer(fields, faults)).collect()
    }

    pub(super) fn groups(&mut self, file: &Fields<'_, '_>, faults: &mut Faults<'_>) -> Vec<GroupSpec> {
        let tables = file.tables(faults, "group", limits::GROUPS);
        tables.into_iter().map(|fields| self.group(fields, faults)).collect()
    }

    fn producer(&mut self, mut fields: Fields<'_, '_>, faults: &mut Faults<'_>) -> ProducerSpec {
        let name = fields.required_text(faults, "name", "name = \"truck-{1..20}\"").unwrap_or("").to_owned();
        fields.what = called("producer", &name);
        fields.only(faults, &PRODUCER, &PRODUCER_LATER);
        let members = match spell_out(&name, self.room()) {
            Ok(members) => members,
            Err(message) => {
                faults.at(fields.place("name"), message);
                Vec::new()
            }
        };
        if is_text(&fields, "name") {
            self.claim(&fields, faults, "client", &members);
        }
        let topic = fields.required_text(faults, "topic", "topic = \"…\", the name of a [[topic]]").unwrap_or("");
        if is_text(&fields, "topic") {
            self.check_topic(&fields, faults, fields.place("topic"), topic);
        }
        let mut settings = ProducerConfig::of(self.profile);
        let given = config(&fields, faults, &mut settings);
        config_faults(&fields, faults, settings.settle(&given));
        ProducerSpec {
            topic: topic.to_owned(),
            partition: self.partition(&fields, faults, topic),
            bootstrap: self.bootstrap(&fields, faults),
            key: template(&fields, faults, "key").filter(|key| *key != Template::literal("none")),
            value: template(&fields, faults, "value").unwrap_or_else(ProducerSpec::default_value),
            pace: pace(&fields, faults),
            records: fields.get("records").map(|_| fields.whole(faults, "records", 1..=limits::SEED, 1)),
            start: fields.duration(faults, "start", limits::RUN).unwrap_or_default(),
            config: settings,
            name,
            members,
        }
    }

    fn group(&mut self, mut fields: Fields<'_, '_>, faults: &mut Faults<'_>) -> GroupSpec {
        let name = fields.required_text(faults, "name", "name = \"location-dashboard\"").unwrap_or("").to_owned();
        fields.what = called("group", &name);
        fields.only(faults, &GROUP, &GROUP_LATER);
        let members = fields.whole(faults, "members", 1..=u64::from(limits::CLIENTS), 1) as u32;
        if is_text(&fields, "name") {
            if !self.groups.insert(name.clone()) {
                faults.at(fields.place("name"), format!("There are two groups `{}`. Give each its own name.", shown(&name)));
            } else if members > self.room() {
                faults.at(fields.place("members"), too_many(&format!("The {members} members of `{}`", shown(&name))));
            } else {
                self.claim(&fields, faults, "group", &super::super::member_names(&name, members));
            }
        }
        let topics = self.subscription(&fields, faults);
        let commit = commit(&fields, faults);
        let mut settings = ConsumerConfig::of(self.profile);
        let given = config(&fields, faults, &mut settings);
        if commit != CommitMode::Auto {
            if given.contains("enable.auto.commit") && settings.enable_auto_commit {
                let message = format!("{}: the application commits by itself. Leave \"enable.auto.commit\" out.", fields.what);
                faults.at(fields.place("commit"), message);
            }
            settings.enable_auto_commit = false;
        }
        config_faults(&fields, faults, settings.check(&self.cluster.config));
        config_faults(&fields, faults, settings.check_protocol(&given, self.profile));
        let process = fields.duration(faults, "process", limits::DELAY).unwrap_or_default();
        let assign = self.assigned(&fields, faults, &topics);
        let start = fields.durations(faults, "start", limits::RUN);
        if start.len() > 1 && start.len() != members as usize {
            let message = format!("{}: `start` has {} times for {members} members. Write one, or one for each.", fields.what, start.len());
            faults.at(fields.place("start"), message);
        }
        GroupSpec {
            name,
            topics,
            bootstrap: self.bootstrap(&fields, faults),
            members,
            assign,
            start,
            process,
            commit,
            config: settings,
            poison: None,
        }
    }

    /// The partition that every record names.
    fn partition(&self, fields: &Fields<'_, '_>, faults: &mut Faults<'_>, topic: &str) -> Option<u32> {
        fields.get("partition")?;
        let topic = self.specs.iter().find(|known| known.name == topic)?;
        let last = u64::from(topic.placement.partitions()) - 1;
        Some(fields.whole(faults, "partition", 0..=last, 0) as u32)
    }

    /// `assign = [0, 1]`: partitions that every topic has.
    fn assigned(&self, fields: &Fields<'_, '_>, faults: &mut Faults<'_>, topics: &[String]) -> Vec<u32> {
        const WRITE: &str = "assign = [0, 1]";
        let Some(node) = fields.get("assign") else { return Vec::new() };
        let Some(list) = node.get_ref().as_array().filter(|list| !list.is_empty()) else {
            faults.at(node.span().start, format!("{}: `assign` lists the partitions it takes for itself. Write {WRITE}.", fields.what));
            return Vec::new();
        };
        let counts = self.specs.iter().filter(|known| topics.contains(&known.name)).map(|known| known.placement.partitions());
        let fewest = counts.min().unwrap_or(0);
        let mut partitions = Vec::new();
        for item in list.iter() {
            match whole(item.get_ref()) {
                Ok(number) if number < u64::from(fewest) => partitions.push(number as u32),
                _ => faults.at(
                    item.span().start,
                    format!("{}: `assign`: no partition of all its topics. Write 0 to {}.", fields.what, fewest.saturating_sub(1)),
                ),
            }
        }
        crate::sorted::settle(&mut partitions, |a, b| a < b);
        partitions.dedup();
        partitions
    }

    /// `bootstrap.servers`, by the ids of the brokers.
    fn bootstrap(&self, fields: &Fields<'_, '_>, faults: &mut Faults<'_>) -> Vec<BrokerId> {
        const WRITE: &str = "bootstrap = [103]";
        let Some(node) = fields.get("bootstrap") else { return Vec::new() };
        let Some(list) = node.get_ref().as_array().filter(|list| !list.is_empty()) else {
            faults.at(node.span().start, format!("{}: `bootstrap` names the brokers to ask first. Write {WRITE}.", fields.what));
            return Vec::new();
        };
        let mut brokers = Vec::new();
        for item in list.iter() {
            let Some(id) = broker_id(item, faults) else { continue };
            if self.cluster.brokers.binary_search(&id).is_err() {
                faults.at(
                    item.span().start,
                    format!("{}: there is no broker {id}. Brokers here: {}.", fields.what, listed(&self.cluster.brokers)),
                );
            } else if !brokers.contains(&id) {
                brokers.push(id);
            }
        }
        brokers
    }

    fn subscription(&self, fields: &Fields<'_, '_>, faults: &mut Faults<'_>) -> Vec<String> {
        const WRITE: &str = "topics = [\"trucks_gps\"]";
        let named = fields.texts(faults, "topics", WRITE);
        let is_empty_list = fields.get("topics").is_some_and(|node| node.get_ref().as_array().is_some_and(|list| list.is_empty()));
        if fields.get("topics").is_none() || is_empty_list {
            faults.at(fields.place("topics"), format!("{}: it reads no topic. Write {WRITE}.", fields.what));
        }
        let mut topics: Vec<String> = Vec::with_capacity(named.len());
        let mut seen = SortedSet::new();
        for (topic, span) in named {
            self.check_topic(fields, faults, span.start, topic);
            if !seen.insert(topic) {
                faults.at(span.start, format!("{}: topic `{}` is there twice.", fields.what, shown(topic)));
            }
            topics.push(topic.to_owned());
        }
        topics
    }

    fn check_topic(&self, fields: &Fields<'_, '_>, faults: &mut Faults<'_>, place: usize, topic: &str) {
        if self.topics.contains(topic) {
            return;
        }
        let known: Vec<&str> = self.topics.iter().copied().take(20).collect();
        let write = if known.is_empty() { "Write a [[topic]] first.".to_owned() } else { hint(topic, &known) };
        faults.at(place, format!("{}: there is no topic `{}`. {write}", fields.what, shown(topic)));
    }

    fn room(&self) -> u32 {
        limits::CLIENTS - self.clients.len() as u32
    }

    /// Takes names for clients; each may be taken once in the whole file.
    fn claim(&mut self, fields: &Fields<'_, '_>, faults: &mut Faults<'_>, what: &str, names: &[String]) {
        let place = fields.place("name");
        if let Some(message) = names.first().and_then(|name| name_fault(what, name)) {
            faults.at(place, message);
            return;
        }
        if names.len() > self.room() as usize {
            faults.at(place, too_many(&fields.what));
            return;
        }
        let mut twice = None;
        for name in names {
            if !self.clients.insert(name.clone()) {
                twice = twice.or(Some(name));
            }
        }
        if let Some(name) = twice {
            faults.at(place, format!("{}: there is another client `{}`. Give each its own name.", fields.what, shown(name)));
        }
    }
}

fn called(what: &str, name: &str) -> String {
    if name.is_empty() { what.to_owned() } else { format!("{what} `{}`", shown(name)) }
}

fn is_text(fields: &Fields<'_, '_>, key: &str) -> bool {
    fields.get(key).is_some_and(|node| node.get_ref().as_str().is_some())
}

fn template(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, key: &str) -> Option<Template> {
    let text = fields.text(faults, key, "a text, as in \"{name}\"")?;
    match Template::parse(text) {
        Ok(template) => Some(template),
        Err(fault) => {
            let place = faults.inside(&fields.get(key)?.span(), text, fault.at);
            faults.at(place, format!("{}: `{key}`: {}", fields.what, fault.message));
            None
        }
    }
}

fn pace(fields: &Fields<'_, '_>, faults: &mut Faults<'_>) -> Pace {
    let fallback = Pace::Every(SimDuration::from_secs(1));
    match (fields.get("every"), fields.get("rate")) {
        (Some(_), None) => match fields.duration(faults, "every", limits::RUN) {
            Some(SimDuration::ZERO) => {
                let message = format!("{}: `every` is zero. Write the time between two records, as in \"20s\".", fields.what);
                faults.at(fields.place("every"), message);
                fallback
            }
            every => every.map_or(fallback, Pace::Every),
        },
        (None, Some(_)) => Pace::Rate(fields.whole(faults, "rate", 1..=limits::RATE, 1)),
        (Some(_), Some(_)) => {
            faults.at(fields.place("rate"), format!("{}: `every` and `rate` say the same thing. Write only one of them.", fields.what));
            fallback
        }
        (None, None) => {
            let message = format!("{}: how often does it send? Write every = \"20s\" or rate = 500 (records a second).", fields.what);
            faults.at(fields.span.start, message);
            fallback
        }
    }
}

fn commit(fields: &Fields<'_, '_>, faults: &mut Faults<'_>) -> CommitMode {
    const WRITE: &str = "\"auto\", \"before\" (commit, then process), \"after\" (process what a poll returned, then commit) or \
                         \"each\" (process a record, then commit it)";
    let Some(word) = fields.text(faults, "commit", WRITE) else { return CommitMode::Auto };
    CommitMode::named(word).unwrap_or_else(|| {
        if let Some(node) = fields.get("commit") {
            faults.at(node.span().start, format!("{}: `commit` is {}. Write {WRITE}.", fields.what, named(node.get_ref())));
        }
        CommitMode::Auto
    })
}
