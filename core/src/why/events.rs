//! Why something happened: its rule, and the chain of events back to what somebody did, to a timer or to how the scenario begins.

use super::{Answer, Because, CHAIN, Question, changes, event};
use crate::cluster::Cluster;
use crate::ids::EventId;
use crate::scenario::Scenario;
use crate::sorted::SortedSet;
use crate::trace::EventKind;
use crate::view::EventView;

/// Where a chain of causes ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// Somebody did it: the user, or the scenario's timeline.
    Act,
    /// A setting's time was over: its name.
    Timer(&'static str),
    /// The scenario begins so.
    Setup,
    /// What an application does by itself, as the scenario made it.
    Application,
}

impl Root {
    pub const fn words(self) -> &'static str {
        match self {
            Root::Act => "You, or the timeline of the scenario, did this.",
            Root::Timer(_) => "A timer did this: its time was over.",
            Root::Setup => "The scenario begins so.",
            Root::Application => "The application does this by itself.",
        }
    }
}

/// What a causeless event goes back to by its nature; `None`: it must have a cause.
pub fn root_of(event: &EventView) -> Option<Root> {
    let is = |kind: EventKind| kind.name() == event.kind;
    Some(match () {
        () if is(EventKind::Fault) || is(EventKind::Command) => Root::Act,
        () if is(EventKind::TopicCreated) => Root::Setup,
        // Whoever was stopped or killed joins again because it was started; others begin by themselves.
        () if is(EventKind::MemberJoined) => Root::Setup,
        // The first one of a group that had none before.
        () if is(EventKind::CoordinatorLoaded) => Root::Setup,
        () if is(EventKind::SegmentDeleted) => Root::Timer("log.retention.check.interval.ms"),
        () if is(EventKind::LogCompacted) => Root::Timer("log.cleaner.backoff.ms"),
        () if is(EventKind::OffsetsExpired) => Root::Timer("offsets.retention.check.interval.ms"),
        () if is(EventKind::Application) => Root::Application,
        () if event.rule.starts_with("auto.leader.rebalance.enable") => Root::Timer("leader.imbalance.check.interval.seconds"),
        () if event.rule.starts_with("unclean.leader.election.enable = true") => Root::Timer("unclean.leader.election.interval.ms"),
        () => return None,
    })
}

/// Events without a rule, or without a cause although nothing begins with them, or with a cause that is not there.
pub fn orphans(events: &[EventView]) -> Vec<&EventView> {
    let known: SortedSet<u64> = events.iter().map(|event| event.id).collect();
    let orphan = |event: &&EventView| {
        event.rule.is_empty()
            || (event.causes.is_empty() && root_of(event).is_none())
            || event.causes.iter().any(|cause| !known.contains(cause) || *cause == event.id)
    };
    events.iter().filter(orphan).collect()
}

/// Causes of an event, nearest first and each once; and whether there are more than so many.
pub fn chain(cluster: &Cluster, of: u64) -> (Vec<EventView>, bool) {
    let causes: Vec<u64> = event(cluster, of).map(|event| event.causes.clone()).unwrap_or_default();
    walk(cluster, causes, of)
}

/// The newest of some events, the others, and what led to them.
pub(super) fn chain_from(cluster: &Cluster, all: &[EventId], newest: EventId) -> (Vec<EventView>, bool) {
    let mut open = vec![newest.0];
    let mut rest: Vec<u64> = all.iter().map(|id| id.0).filter(|id| *id != newest.0).collect();
    crate::sorted::settle(&mut rest, |a, b| a > b);
    open.extend(rest);
    walk(cluster, open, u64::MAX)
}

fn walk(cluster: &Cluster, mut open: Vec<u64>, of: u64) -> (Vec<EventView>, bool) {
    let mut seen: SortedSet<u64> = SortedSet::from([of]);
    let mut found: Vec<EventView> = Vec::new();
    while !open.is_empty() && found.len() <= CHAIN {
        let next: Vec<&EventView> = open.drain(..).filter(|id| seen.insert(*id)).filter_map(|id| event(cluster, id)).collect();
        open.extend(next.iter().flat_map(|event| event.causes.iter().copied()));
        found.extend(next.into_iter().cloned());
    }
    let more = found.len() > CHAIN;
    found.truncate(CHAIN);
    (found, more)
}

pub(super) fn answer(cluster: &Cluster, whole: &Scenario, id: u64, question: &Question) -> Result<Answer, String> {
    let event = event(cluster, id).ok_or_else(|| format!("There is no event {id}. Events so far: {}.", cluster.events().len()))?;
    let (chain, earlier) = chain(cluster, id);
    let root = root_of(event).filter(|_| event.causes.is_empty());
    let decided = match root {
        None => "The rule that decided:".to_owned(),
        Some(Root::Timer(setting)) => format!("A timer did this ({setting}); the rule that decided:"),
        Some(root) => root.words().to_owned(),
    };
    let because = vec![Because { fails: false, text: decided, rule: event.rule.clone() }];
    let thing = super::Thing::named(cluster, &event.subject).ok();
    let asks = thing.map(|thing| {
        let question = Question { thing, ask: None };
        (question.to_string(), question.words())
    });
    Ok(Answer {
        line: question.to_string(),
        question: question.words(),
        sentence: event.text.clone(),
        because,
        chain,
        earlier,
        asks: asks.into_iter().collect(),
        changes: changes::offered(cluster, whole, question).iter().map(ToString::to_string).collect(),
        fields: question.thing.fields(cluster),
        ..Answer::default()
    })
}
