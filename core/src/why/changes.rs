//! What would change it: the same scenario with one setting or one act other than it is. Which are tried for which question is a table;
//! what comes of them is for [`trial`](super::trial) to run, never for a text to say.

use super::{Ask, Question, Thing, chain, event};
use crate::cluster::Cluster;
use crate::command::{Act, Command};
use crate::config::{Acks, BrokerConfig, OffsetReset, Strategies};
use crate::ids::BrokerId;
use crate::scenario::{CommitMode, GroupSpec, Placement, ProducerSpec, Scenario, TopicSpec};
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use std::fmt;

/// What two runs are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Lost,
    Unwritten,
    Failed,
    Twice,
    Disordered,
    Skipped,
    Leaderless,
    ShortIsr,
    Elsewhere,
    Unreadable,
    Lag,
    Readerless,
    Idle,
    Uncommitted,
    DeletedUnread,
}

/// One thing that could be other than it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    AcksAll,
    AcksOne,
    MinIsrTwo,
    MinIsrOne,
    UncleanOff,
    Eligible,
    FlushEach,
    FactorThree,
    Idempotent,
    OneInFlight,
    CommitAfter,
    CommitEach,
    FewerPolled,
    FromEarliest,
    MemberMore,
    MemberFewer,
    PartitionsMore,
    Faster,
    Cooperative,
    NewProtocol,
    ShortSession,
    QuickBalance,
    QuickCommit,
    MoreTime,
    KeepLonger,
    /// Ended in order instead of killed.
    Orderly,
    /// Not done at all.
    Without,
}

/// For each measure what is tried, the most telling first.
const TABLE: [(Measure, &[Way]); 15] = [
    (
        Measure::Lost,
        &[Way::AcksAll, Way::UncleanOff, Way::MinIsrTwo, Way::Eligible, Way::FlushEach, Way::FactorThree, Way::Orderly, Way::Without],
    ),
    (Measure::Unwritten, &[Way::AcksAll, Way::AcksOne, Way::Orderly, Way::Without]),
    (Measure::Failed, &[Way::MinIsrOne, Way::FactorThree, Way::AcksOne, Way::MoreTime, Way::Orderly, Way::Without]),
    (Measure::Twice, &[Way::Idempotent, Way::MinIsrTwo, Way::FewerPolled, Way::CommitEach, Way::Orderly, Way::Without]),
    (Measure::Disordered, &[Way::Idempotent, Way::OneInFlight, Way::Without]),
    (Measure::Skipped, &[Way::CommitAfter, Way::FromEarliest, Way::Orderly, Way::Without]),
    (Measure::Leaderless, &[Way::FactorThree, Way::Eligible, Way::ShortSession, Way::Orderly, Way::Without]),
    (Measure::ShortIsr, &[Way::Orderly, Way::Without]),
    (Measure::Elsewhere, &[Way::QuickBalance, Way::Without]),
    (Measure::Unreadable, &[Way::MinIsrOne, Way::FactorThree, Way::Without]),
    (Measure::Lag, &[Way::MemberMore, Way::Faster, Way::PartitionsMore, Way::QuickCommit, Way::Without]),
    (Measure::Readerless, &[Way::Cooperative, Way::NewProtocol, Way::FewerPolled, Way::Orderly, Way::Without]),
    (Measure::Idle, &[Way::PartitionsMore, Way::MemberFewer]),
    (Measure::Uncommitted, &[Way::CommitEach, Way::QuickCommit]),
    (Measure::DeletedUnread, &[Way::KeepLonger, Way::Faster, Way::MemberMore, Way::Without]),
];

/// What a question is about, as far as a change of the scenario needs it.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    pub(super) topic: Option<String>,
    pub(super) partition: Option<u32>,
    pub(super) group: Option<String>,
    pub(super) producer: Option<String>,
    /// Entries of the timeline that led to it, the newest first.
    pub(super) acts: Vec<usize>,
}

/// A scenario with one thing changed.
#[derive(Clone, Debug)]
pub struct Change {
    pub way: Way,
    words: String,
    pub scenario: Scenario,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// What a question is measured by, and what it is about; nothing when nothing is to be changed.
pub(super) fn asked(cluster: &Cluster, whole: &Scenario, question: &Question) -> Option<(Measure, About)> {
    let (measure, about) = match &question.thing {
        Thing::Event(id) => of_event(cluster, whole, *id)?,
        thing => {
            let ask = question.ask.or_else(|| thing.asked().iter().copied().find(|ask| thing.find(cluster, *ask).is_ok()))?;
            (of_ask(ask)?, of_thing(cluster, whole, thing))
        }
    };
    Some((measure, about))
}

const fn of_ask(ask: Ask) -> Option<Measure> {
    Some(match ask {
        Ask::Leader | Ask::Trusted | Ask::Fenced | Ask::Coordinator => Measure::Leaderless,
        Ask::Preferred | Ask::Lead => Measure::Elsewhere,
        Ask::Isr => Measure::ShortIsr,
        Ask::HighWatermark | Ask::Readable => Measure::Unreadable,
        Ask::Given => Measure::Skipped,
        Ask::Send | Ask::Acknowledged | Ask::Succeed => Measure::Failed,
        Ask::Idle => Measure::Idle,
        Ask::Read | Ask::Lag => Measure::Lag,
        Ask::Commit => Measure::Uncommitted,
        Ask::Rebalance | Ask::Stable | Ask::Readers => Measure::Readerless,
        Ask::Deleted | Ask::Offsets | Ask::Stopped => return None,
    })
}

fn of_thing(cluster: &Cluster, whole: &Scenario, thing: &Thing) -> About {
    let mut about = About::default();
    match thing.clone() {
        Thing::Partition { topic, partition } | Thing::Record { topic, partition, .. } => {
            (about.topic, about.partition) = (Some(topic), Some(partition));
        }
        Thing::Group(name) => about.group = Some(name),
        Thing::Client(name) => {
            let consumer = cluster.consumers().iter().find(|consumer| *consumer.name == *name);
            about.group = consumer.map(|consumer| consumer.group().to_string());
            let producer = cluster.producers().iter().find(|producer| *producer.name == *name);
            about.topic = producer.map(|producer| producer.topic.to_string());
            about.producer = producer.map(|_| name);
        }
        Thing::Event(_) | Thing::Broker(_) | Thing::Controllers | Thing::Link { .. } => {}
    }
    // What was done to it, by the newest event about it.
    let (_, finding) = thing.asks(cluster, None).unwrap_or_default();
    for event in finding.events {
        about.acts_of(cluster, whole, event.0);
    }
    about
}

fn of_event(cluster: &Cluster, whole: &Scenario, id: u64) -> Option<(Measure, About)> {
    let event = event(cluster, id)?;
    let kind = EventKind::ALL.into_iter().find(|kind| kind.name() == event.kind)?;
    let measure = match kind {
        EventKind::RecordLost | EventKind::LogTruncated | EventKind::LogDamaged => Measure::Lost,
        EventKind::RecordUnwritten => Measure::Unwritten,
        EventKind::RecordDuplicated => Measure::Twice,
        EventKind::RecordReordered => Measure::Disordered,
        EventKind::RecordSkipped => Measure::Skipped,
        EventKind::SegmentDeleted => Measure::DeletedUnread,
        EventKind::LeaderElected if event.rule.starts_with("auto.leader.rebalance") => Measure::Elsewhere,
        EventKind::LeaderElected | EventKind::ElrChanged | EventKind::BrokerFenced | EventKind::BrokerStopping | EventKind::Fault => {
            Measure::Leaderless
        }
        EventKind::IsrChanged => Measure::ShortIsr,
        EventKind::CommitRefused | EventKind::Application => Measure::Twice,
        EventKind::MemberLeft | EventKind::RebalanceStarted | EventKind::PartitionsRevoked | EventKind::GroupRebalanced => {
            Measure::Readerless
        }
        _ => return None,
    };
    let mut about = match Thing::named(cluster, &event.subject) {
        Ok(Thing::Partition { topic, partition }) => About { topic: Some(topic), partition: Some(partition), ..About::default() },
        Ok(Thing::Group(group)) => About { group: Some(group), ..About::default() },
        _ => About::default(),
    };
    about.acts_of(cluster, whole, id);
    Some((measure, about))
}

impl About {
    /// Adds the entries of the timeline that an event goes back to.
    fn acts_of(&mut self, cluster: &Cluster, whole: &Scenario, id: u64) {
        let (causes, _) = chain(cluster, id);
        let own = event(cluster, id).cloned();
        let acts = own.into_iter().chain(causes).filter(|event| event.kind == "fault" || event.kind == "command");
        for act in acts {
            let then = || whole.timeline.iter().enumerate().filter(|(_, entry)| entry.at.micros() == act.at_us);
            let names = |command: &Command| command.about().iter().flatten().any(|who| who.to_string() == act.subject);
            let found = then().find(|(_, entry)| names(&entry.command)).or_else(|| then().next());
            if let Some((place, _)) = found.filter(|(place, _)| !self.acts.contains(place)) {
                self.acts.push(place);
            }
        }
    }

    /// The producers it is about: those that write to its topic, or to what its group reads.
    fn writes(&self, spec: &ProducerSpec, groups: &[GroupSpec]) -> bool {
        let read = |name: &String| groups.iter().any(|group| group.name == *name && group.topics.contains(&spec.topic));
        let topic = self.topic.as_ref().is_none_or(|topic| *topic == spec.topic);
        topic && self.group.as_ref().is_none_or(read) && self.producer.as_ref().is_none_or(|name| spec.members.contains(name))
    }

    fn reads(&self, spec: &GroupSpec) -> bool {
        match (&self.group, &self.topic) {
            (Some(group), _) => *group == spec.name,
            (None, Some(topic)) => spec.topics.contains(topic),
            (None, None) => true,
        }
    }

    fn holds(&self, spec: &TopicSpec, groups: &[GroupSpec]) -> bool {
        let read = |name: &String| groups.iter().any(|group| group.name == *name && group.topics.contains(&spec.name));
        self.topic.as_ref().is_none_or(|topic| *topic == spec.name) && self.group.as_ref().is_none_or(read)
    }
}

/// What can be tried for a question about a run of the scenario `whole`, with everything that was done to it: those of the table that
/// would change it.
pub fn offered(cluster: &Cluster, whole: &Scenario, question: &Question) -> Vec<Change> {
    let Some((measure, about)) = asked(cluster, whole, question) else { return Vec::new() };
    offered_of(whole, measure, &about)
}

pub(super) fn offered_of(scenario: &Scenario, measure: Measure, about: &About) -> Vec<Change> {
    let ways = TABLE.iter().find(|(known, _)| *known == measure).map_or(&[][..], |(_, ways)| ways);
    ways.iter().filter_map(|way| way.changed(scenario, about)).collect()
}

/// `acks=all instead of 1`.
fn instead(setting: &str, new: impl fmt::Display, old: impl fmt::Display) -> Option<String> {
    Some(format!("{setting}={new} instead of {old}"))
}

impl Way {
    fn changed(self, scenario: &Scenario, about: &About) -> Option<Change> {
        let mut changed = scenario.clone();
        let words = self.apply(&mut changed, about)?;
        changed.title = format!("{} ({words})", scenario.title);
        changed.expects.clear();
        Some(Change { way: self, words, scenario: changed })
    }

    /// Changes it; nothing when that would be as it is.
    fn apply(self, scenario: &mut Scenario, about: &About) -> Option<String> {
        match self {
            Way::AcksAll => acks(scenario, about, Acks::All),
            Way::AcksOne => acks(scenario, about, Acks::Leader),
            Way::Idempotent => producers(scenario, about, "enable.idempotence", |config| {
                let before = config.enable_idempotence;
                (config.enable_idempotence, config.acks, config.max_in_flight) = (true, Acks::All, config.max_in_flight.min(5));
                if before { None } else { instead("enable.idempotence", true, false) }
            }),
            Way::OneInFlight => producers(scenario, about, "max.in.flight.requests.per.connection", |config| {
                let before = std::mem::replace(&mut config.max_in_flight, 1);
                if before == 1 { None } else { instead("max.in.flight.requests.per.connection", 1, before) }
            }),
            Way::MoreTime => producers(scenario, about, "delivery.timeout.ms", |config| {
                let before = config.delivery_timeout;
                config.delivery_timeout = before.times(10);
                instead("delivery.timeout.ms", config.delivery_timeout.millis(), before.millis())
            }),
            Way::MinIsrTwo => {
                let replicated = |spec: &TopicSpec| spec.placement.replication_factor() >= 2;
                topics(scenario, about, ("min.insync.replicas", "2"), |spec| {
                    let before = spec.config.min_insync_replicas;
                    if before >= 2 || !replicated(spec) {
                        return None;
                    }
                    spec.config.min_insync_replicas = 2;
                    Some(before.to_string())
                })
            }
            Way::MinIsrOne => topics(scenario, about, ("min.insync.replicas", "1"), |spec| {
                let before = std::mem::replace(&mut spec.config.min_insync_replicas, 1);
                (before > 1).then(|| before.to_string())
            }),
            Way::UncleanOff => topics(scenario, about, ("unclean.leader.election.enable", "false"), |spec| {
                std::mem::replace(&mut spec.config.unclean_leader_election, false).then(|| "true".to_owned())
            }),
            Way::FlushEach => topics(scenario, about, ("flush.messages", "1"), |spec| {
                let before = std::mem::replace(&mut spec.config.flush_messages, 1);
                let old = if before == crate::config::NEVER { "never".to_owned() } else { before.to_string() };
                (before != 1).then_some(old)
            }),
            Way::KeepLonger => keep_longer(scenario, about),
            Way::FactorThree => factor_three(scenario, about),
            Way::PartitionsMore => partitions_more(scenario, about),
            Way::Eligible => {
                let config = &mut scenario.cluster.config;
                let off = !config.eligible_leader_replicas && !config.zookeeper();
                config.eligible_leader_replicas |= off;
                off.then(|| "eligible.leader.replicas.version=1 instead of 0".to_owned())
            }
            Way::ShortSession => short_session(&mut scenario.cluster.config),
            Way::QuickBalance => quick_balance(&mut scenario.cluster.config),
            Way::CommitAfter => groups(scenario, about, "commit", |spec| {
                let before = std::mem::replace(&mut spec.commit, CommitMode::After);
                (before == CommitMode::Before).then(|| "commit after the work instead of before".to_owned())
            }),
            Way::CommitEach => groups(scenario, about, "commit", |spec| {
                let before = std::mem::replace(&mut spec.commit, CommitMode::Each);
                (before != CommitMode::Each).then(|| "a commit after each record".to_owned())
            }),
            Way::QuickCommit => groups(scenario, about, "auto.commit.interval.ms", |spec| {
                let (before, quick) = (spec.config.auto_commit_interval, SimDuration::from_millis(500));
                spec.config.auto_commit_interval = quick;
                let auto = spec.commit == CommitMode::Auto && before > quick;
                if auto { instead("auto.commit.interval.ms", quick.millis(), before.millis()) } else { None }
            }),
            Way::FewerPolled => groups(scenario, about, "max.poll.records", |spec| {
                let before = spec.config.max_poll_records;
                spec.config.max_poll_records = (before / 10).max(1);
                let worth = before > 1 && !spec.process.is_zero();
                if worth { instead("max.poll.records", spec.config.max_poll_records, before) } else { None }
            }),
            Way::FromEarliest => groups(scenario, about, "auto.offset.reset", |spec| {
                let before = std::mem::replace(&mut spec.config.auto_offset_reset, OffsetReset::Earliest);
                let old = super::groups::reset_name(&before);
                if before == OffsetReset::Earliest { None } else { instead("auto.offset.reset", "earliest", old) }
            }),
            Way::MemberMore => groups(scenario, about, "members", |spec| {
                let before = spec.members;
                spec.members += 1;
                Some(format!("{} members instead of {before}", spec.members))
            }),
            Way::MemberFewer => groups(scenario, about, "members", |spec| {
                let before = spec.members;
                spec.members = before.saturating_sub(1).max(1);
                (before > 1).then(|| format!("{} members instead of {before}", spec.members))
            }),
            Way::Faster => groups(scenario, about, "process", |spec| {
                let before = spec.process;
                spec.process = SimDuration(before.micros() / 2);
                (before.micros() > 1).then(|| format!("{} for a record instead of {before}", spec.process))
            }),
            Way::Cooperative => groups(scenario, about, "partition.assignment.strategy", |spec| {
                let eager = !spec.config.consumer_protocol && !spec.config.strategies.cooperative() && spec.assign.is_empty();
                spec.config.strategies = Strategies(4);
                eager.then(|| "cooperative-sticky instead of eager rebalancing".to_owned())
            }),
            Way::NewProtocol => {
                if scenario.cluster.config.zookeeper() {
                    return None;
                }
                groups(scenario, about, "group.protocol", |spec| {
                    let classic = !std::mem::replace(&mut spec.config.consumer_protocol, true) && spec.assign.is_empty();
                    if classic { instead("group.protocol", "consumer", "classic") } else { None }
                })
            }
            Way::Orderly => about.acts.iter().find_map(|place| orderly(scenario, *place)),
            Way::Without => without(scenario, *about.acts.first()?),
        }
    }
}

/// Ten times as long; for ever where that is nearly so.
fn keep_longer(scenario: &mut Scenario, about: &About) -> Option<String> {
    let mut new = 0;
    let old = change_topics(scenario, about, ("retention.ms", "-1"), |spec| {
        let before = spec.config.retention_ms;
        if before == crate::config::NEVER {
            return None;
        }
        new = before.saturating_mul(10).min(crate::config::NEVER - 1);
        spec.config.retention_ms = new;
        Some(before.to_string())
    })?;
    if new == 0 { instead("retention.ms", -1, old) } else { instead("retention.ms", new, old) }
}

/// A broker that falls silent is missed after three seconds.
fn short_session(config: &mut BrokerConfig) -> Option<String> {
    let before = config.session_timeout;
    let short = SimDuration::from_secs(3);
    if before <= short || config.zookeeper() {
        return None;
    }
    (config.session_timeout, config.heartbeat_interval) = (short, config.heartbeat_interval.min(SimDuration::from_secs(1)));
    instead("broker.session.timeout.ms", short.millis(), before.millis())
}

/// Preferred leaders are looked after twice a minute.
fn quick_balance(config: &mut BrokerConfig) -> Option<String> {
    let (before, quick) = (config.leader_imbalance_check_interval, SimDuration::from_secs(30));
    let off = !std::mem::replace(&mut config.auto_leader_rebalance, true);
    config.leader_imbalance_check_interval = quick.min(before);
    match off {
        true => instead("auto.leader.rebalance.enable", true, false),
        false if before > quick => instead("leader.imbalance.check.interval.seconds", 30, before.micros() / 1_000_000),
        false => None,
    }
}

/// The run in which that was not done.
fn without(scenario: &mut Scenario, place: usize) -> Option<String> {
    let entry = (place < scenario.timeline.len()).then(|| scenario.timeline.remove(place))?;
    Some(format!("without `{}` at {}", entry.command, super::words::clock(SimTime(entry.at.micros()))))
}

/// A process that stops in order instead of being killed, or losing power.
fn orderly(scenario: &mut Scenario, place: usize) -> Option<String> {
    let entry = scenario.timeline.get_mut(place)?;
    let before = entry.command.to_string();
    let Command::Process(act @ (Act::Kill | Act::PowerCut), _) = &mut entry.command else { return None };
    *act = Act::Stop;
    Some(format!("`{}` instead of `{before}`", entry.command))
}

/// Changes the settings of the producers it is about, and forgets what the timeline says of them.
fn producers(
    scenario: &mut Scenario,
    about: &About,
    key: &str,
    mut change: impl FnMut(&mut crate::config::ProducerConfig) -> Option<String>,
) -> Option<String> {
    let groups = std::mem::take(&mut scenario.groups);
    let meant = scenario.producers.iter_mut().filter(|spec| about.writes(spec, &groups));
    let words = meant.fold(None, |words: Option<String>, spec| words.or(change(&mut spec.config)));
    scenario.groups = groups;
    let set = |command: &Command| matches!(command, Command::Set { key: known, .. } if known == key);
    let before = scenario.timeline.len();
    scenario.timeline.retain(|entry| !set(&entry.command));
    words.or_else(|| (scenario.timeline.len() < before).then(|| format!("{key} left as it was")))
}

fn acks(scenario: &mut Scenario, about: &About, acks: Acks) -> Option<String> {
    let set: Option<String> = scenario.timeline.iter().rev().find_map(|entry| match &entry.command {
        Command::Set { key, value, .. } if key == "acks" && value != acks.name() => Some(value.clone()),
        _ => None,
    });
    let words = producers(scenario, about, "acks", |config| {
        let before = std::mem::replace(&mut config.acks, acks);
        // Idempotence needs acks=all.
        config.enable_idempotence &= acks == Acks::All;
        if before == acks { None } else { instead("acks", acks.name(), before.name()) }
    });
    match set {
        Some(old) => instead("acks", acks.name(), old),
        None => words.filter(|words| words.contains("instead")),
    }
}

fn groups(scenario: &mut Scenario, about: &About, key: &str, mut change: impl FnMut(&mut GroupSpec) -> Option<String>) -> Option<String> {
    let meant = scenario.groups.iter_mut().filter(|spec| about.reads(spec));
    let words = meant.fold(None, |words: Option<String>, spec| {
        let now = change(spec);
        words.or(now)
    });
    if words.is_some() {
        scenario.timeline.retain(|entry| !matches!(&entry.command, Command::Set { key: known, .. } if known == key));
    }
    words
}

/// Changes a setting of the topics it is about, and says what it was. `change` gives the old value if it was another.
fn topics(
    scenario: &mut Scenario,
    about: &About,
    (key, value): (&str, &str),
    change: impl FnMut(&mut TopicSpec) -> Option<String>,
) -> Option<String> {
    let old = change_topics(scenario, about, (key, value), change)?;
    instead(key, value, old)
}

/// Changes a setting of the topics it is about: where they are described, created and configured. Gives the first old value.
fn change_topics(
    scenario: &mut Scenario,
    about: &About,
    (key, value): (&str, &str),
    mut change: impl FnMut(&mut TopicSpec) -> Option<String>,
) -> Option<String> {
    let groups = std::mem::take(&mut scenario.groups);
    let mut old = None;
    for spec in scenario.topics.iter_mut().filter(|spec| about.holds(spec, &groups)) {
        let before = change(spec);
        old = old.or(before);
    }
    scenario.groups = groups;
    for entry in &mut scenario.timeline {
        let settings = match &mut entry.command {
            Command::ConfigureTopic { add, .. } => add,
            Command::CreateTopic(new) => &mut new.config,
            _ => continue,
        };
        for (_, now) in settings.iter_mut().filter(|(known, now)| known == key && now != value) {
            old.get_or_insert(std::mem::replace(now, value.to_owned()));
        }
    }
    old
}

fn factor_three(scenario: &mut Scenario, about: &About) -> Option<String> {
    let (brokers, groups) = (scenario.cluster.brokers.clone(), std::mem::take(&mut scenario.groups));
    let goal = brokers.len().min(3);
    let mut old = None;
    for spec in scenario.topics.iter_mut().filter(|spec| about.holds(spec, &groups)) {
        let before = spec.placement.replication_factor();
        if (before as usize) >= goal {
            continue;
        }
        old.get_or_insert(before);
        match &mut spec.placement {
            Placement::Striped { replication_factor, .. } => *replication_factor = goal as u32,
            Placement::Manual(all) => all.iter_mut().for_each(|replicas| {
                let more: Vec<BrokerId> = brokers.iter().copied().filter(|broker| !replicas.contains(broker)).collect();
                let missing = goal.saturating_sub(replicas.len());
                replicas.extend(more.into_iter().take(missing));
            }),
        }
    }
    scenario.groups = groups;
    Some(format!("replication factor {goal} instead of {}", old?))
}

/// As many partitions as the largest group that reads them has members.
fn partitions_more(scenario: &mut Scenario, about: &About) -> Option<String> {
    let groups = std::mem::take(&mut scenario.groups);
    let mut words = None;
    for spec in scenario.topics.iter_mut().filter(|spec| about.holds(spec, &groups)) {
        let members = groups.iter().filter(|group| group.topics.contains(&spec.name)).map(|group| group.members).max().unwrap_or(0);
        if let Placement::Striped { partitions, .. } = &mut spec.placement
            && *partitions < members
        {
            words.get_or_insert(format!("{members} partitions of {} instead of {partitions}", spec.name));
            *partitions = members;
        }
    }
    scenario.groups = groups;
    words
}
