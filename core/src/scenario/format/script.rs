//! `[timeline]` and `[[expect]]`: what happens to the cluster, and what must hold afterwards.

use super::super::expect::{Expression, Known};
use super::super::fault::Faults;
use super::super::names::shown;
use super::super::reader::{Fields, texts};
use super::super::{Cast, Expect, GroupSpec, NetworkSpec, Placement, Scenario, TimelineEntry, TopicSpec, limits};
use crate::command::Command;
use crate::config::TopicConfig;
use crate::shell::parse_line;
use crate::sorted::SortedSet;
use crate::time::{SimDuration, SimTime};
use std::ops::Range;

/// The names that commands and expressions may use.
pub(super) struct Script<'s> {
    pub(super) cast: Cast<'s>,
    pub(super) topics: &'s [TopicSpec],
}

/// Everybody who ever takes part.
struct Everybody {
    groups: SortedSet<String>,
    clients: SortedSet<String>,
    brokers: SortedSet<i32>,
}

impl Everybody {
    fn of(cast: &Cast<'_>) -> Self {
        let mut all = Everybody { groups: SortedSet::new(), clients: SortedSet::new(), brokers: SortedSet::new() };
        all.meet(cast);
        all
    }

    fn meet(&mut self, cast: &Cast<'_>) {
        self.groups.extend(cast.groups.iter().map(|group| group.name.clone()));
        self.clients.extend(cast.producers.iter().flat_map(|producer| producer.members.iter().cloned()));
        self.clients.extend(cast.groups.iter().flat_map(GroupSpec::member_names));
        self.brokers.extend(cast.cluster.brokers.iter().map(|broker| broker.0));
    }
}

impl Script<'_> {
    pub(super) fn timeline(&self, file: &Fields<'_, '_>, faults: &mut Faults<'_>) -> Vec<TimelineEntry> {
        let Some(table) = file.table(faults, "timeline", "a table of its own under [timeline]") else { return Vec::new() };
        let mut entries = Vec::new();
        for (key, node) in table.table.iter() {
            let Some(at) = moment(key.get_ref()) else {
                faults.at(key.span().start, not_a_moment(key.get_ref()));
                continue;
            };
            if node.get_ref().as_table().is_some() {
                let name = shown(key.get_ref());
                faults.at(key.span().start, format!("timeline: a time with a dot needs quotes, as in \"{name}.5s\" = \"kill 102\"."));
                continue;
            }
            for (line, span) in texts(faults, "timeline: the entry", node, "a shell line such as \"kill 102\", or a list of them") {
                if entries.len() >= limits::ENTRIES {
                    faults.at(span.start, format!("timeline: more than {} lines. Write fewer.", limits::ENTRIES));
                    return Vec::new();
                }
                match parse_line(line) {
                    Ok(command) => entries.push(((span, line), TimelineEntry { at, command })),
                    Err(error) => {
                        let place = faults.inside(&span, line, error.at);
                        faults.at(place, format!("timeline: {}", error.message));
                    }
                }
            }
        }
        crate::sorted::settle(&mut entries, |a, b| (a.1.at, a.0.0.start) < (b.1.at, b.0.0.start));
        self.act_out(faults, &entries);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Each line may only mean those who take part then: the timeline brings some and removes others.
    fn act_out(&self, faults: &mut Faults<'_>, entries: &[((Range<usize>, &str), TimelineEntry)]) {
        let sound = faults.none();
        let mut now = None;
        for ((span, line), entry) in entries {
            let cast = now.as_ref().map_or(self.cast, Scenario::cast);
            if let Some(unknown) = cast.unknown(&entry.command) {
                let place = faults.inside(span, line, line.rfind(&unknown.word).unwrap_or(0));
                faults.at(place, format!("timeline: {}", unknown.message));
            }
            // What a broken file would bring is not told: it may be wrong for reasons told already.
            if let Err(reason) = self.take_part(&mut now, &entry.command)
                && sound
            {
                faults.at(span.start, format!("timeline: {reason}"));
            }
        }
    }

    /// Who takes part, and in what, after a line.
    fn take_part(&self, now: &mut Option<Scenario>, command: &Command) -> Result<(), String> {
        if command.changes_cast() || command.is_about_topics() {
            let here = now.get_or_insert_with(|| self.scenario());
            match command {
                Command::CreateTopic(new) => {
                    let assigned = Some(new.assignment.len() as u32).filter(|partitions| *partitions > 0);
                    let partitions = assigned.or(new.partitions).unwrap_or(self.cast.cluster.config.num_partitions).max(1);
                    here.topics.push(TopicSpec {
                        name: new.name.clone(),
                        placement: Placement::Striped { partitions, replication_factor: 1 },
                        config: TopicConfig::default(),
                    });
                }
                Command::AddPartitions { topic, total, .. } => {
                    for known in here.topics.iter_mut().filter(|known| known.name == *topic) {
                        known.placement = Placement::Striped { partitions: *total, replication_factor: 1 };
                    }
                }
                Command::DeleteTopic(topic) => here.topics.retain(|known| known.name != *topic),
                _ => *here = here.joined(command).unwrap_or_else(|| Ok(here.clone()))?,
            }
        }
        Ok(())
    }

    /// The file without its script.
    fn scenario(&self) -> Scenario {
        Scenario {
            title: String::new(),
            seed: 0,
            network: NetworkSpec::default(),
            cluster: self.cast.cluster.clone(),
            topics: self.topics.to_vec(),
            producers: self.cast.producers.to_vec(),
            groups: self.cast.groups.to_vec(),
            timeline: Vec::new(),
            expects: Vec::new(),
        }
    }

    fn everybody(&self, timeline: &[TimelineEntry]) -> Everybody {
        let mut all = Everybody::of(&self.cast);
        let mut now = None;
        for entry in timeline {
            if self.take_part(&mut now, &entry.command).is_ok()
                && entry.command.changes_cast()
                && let Some(here) = &now
            {
                all.meet(&here.cast());
            }
        }
        all
    }

    /// Topics that the timeline creates or lets grow may be named too.
    fn grow<'t>(&self, topics: &mut Vec<(&'t str, u32)>, command: &'t Command) {
        match command {
            Command::CreateTopic(new) => {
                let assigned = Some(new.assignment.len() as u32).filter(|partitions| *partitions > 0);
                topics.push((&new.name, assigned.or(new.partitions).unwrap_or(1)));
            }
            Command::AddPartitions { topic, total, .. } => {
                for known in topics.iter_mut().filter(|known| known.0 == topic) {
                    known.1 = known.1.max(*total);
                }
            }
            _ => {}
        }
    }

    pub(super) fn expects(&self, file: &Fields<'_, '_>, faults: &mut Faults<'_>, timeline: &[TimelineEntry]) -> Vec<Expect> {
        let mut topics: Vec<(&str, u32)> = self.topics.iter().map(|topic| (topic.name.as_str(), topic.placement.partitions())).collect();
        timeline.iter().for_each(|entry| self.grow(&mut topics, &entry.command));
        let all = self.everybody(timeline);
        if !all.groups.is_empty() {
            topics.push(("__consumer_offsets", self.cast.cluster.config.offsets_topic_partitions));
        }
        let groups: Vec<&str> = all.groups.iter().map(String::as_str).collect();
        let clients: Vec<&str> = all.clients.iter().map(String::as_str).collect();
        let brokers: Vec<i32> = all.brokers.iter().copied().collect();
        let known = Known { topics: &topics, groups: &groups, clients: &clients, brokers: &brokers };
        let mut total = 0;
        let mut expects = Vec::new();
        for fields in file.tables(faults, "expect", limits::ENTRIES) {
            fields.only(faults, &["at", "that"], &[]);
            if fields.get("at").is_none() {
                faults.at(fields.span.start, "expect: `at` is missing. Write at = \"5m\".");
            }
            let at = fields.duration(faults, "at", limits::RUN).unwrap_or_default();
            let that = expressions(&fields, faults, &known);
            total += that.len();
            if total > limits::ENTRIES {
                faults.at(fields.span.start, format!("expect: more than {} expressions. Write fewer.", limits::ENTRIES));
                return Vec::new();
            }
            expects.push(Expect { at: SimTime::ZERO + at, that });
        }
        crate::sorted::settle(&mut expects, |a, b| a.at < b.at);
        expects
    }
}

fn expressions(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, known: &Known<'_>) -> Vec<String> {
    const WRITE: &str = "that = [\"acked_lost == 0\"]";
    let list = fields.texts(faults, "that", WRITE);
    if list.is_empty() && fields.get("that").is_none_or(|node| node.get_ref().as_array().is_some()) {
        faults.at(fields.place("that"), format!("expect: nothing is expected. Write {WRITE}."));
    }
    let mut that = Vec::with_capacity(list.len());
    for (text, span) in list {
        if let Err(fault) = Expression::parse(text, known) {
            let place = faults.inside(&span, text, fault.at);
            faults.at(place, format!("expect: {}", fault.message));
        }
        that.push(text.to_owned());
    }
    that
}

fn moment(text: &str) -> Option<SimTime> {
    let after = SimDuration::parse(text)?;
    (after <= limits::RUN).then_some(SimTime::ZERO + after)
}

fn not_a_moment(text: &str) -> String {
    match SimDuration::parse(text) {
        Some(_) => format!("timeline: `{}` is over the limit of {}. Write an earlier time.", shown(text), limits::RUN),
        None => format!("timeline: `{}` is no time. Write the time since the start, as in 60s = \"kill 102\".", shown(text)),
    }
}
