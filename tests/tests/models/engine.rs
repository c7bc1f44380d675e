//! The engine itself as a model: real clusters, every order of their messages, timers late, a connection that breaks, a broker that dies.
//!
//! One controller, one partition, `acks=all`, one record. A state is a cloned [`Cluster`] with its [`Auditor`]; which states are the
//! same says [`canonical::number`]. What may happen next:
//! - any connection delivers its next message; only idle talk ([`State::is_idle_talk`]) arrives at once;
//! - any participant whose timer is over looks at it;
//! - nothing is under way, and time passes as in an ordinary run: until something is, or until the controller decides something;
//! - the same while one broker is frozen, at any moment, so that it leads on without knowing that it was deposed;
//! - a connection breaks under a request (it was never done) or under an answer (it was done, and is asked for again);
//! - a broker is killed at any moment, and started again when nothing is under way.
//!
//! Each of these is a real run of the engine, so what is found is true. What is not found is not there within the bounds and the
//! steps above, as far as states with one number go on alike.

use crate::canonical;
use playground_core::broker::Phase;
use playground_core::cluster::Cluster;
use playground_core::cluster::choosing::{Pending, What};
use playground_core::cluster::invariant::Auditor;
use playground_core::command::Command;
use playground_core::ids::{BrokerId, FIRST_CONTROLLER, NodeId};
use playground_core::protocol::{Envelope, Message, Request, Response};
use playground_core::scenario::Scenario;
use playground_core::time::{SimDuration, SimTime};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::hash::{Hash, Hasher};
use std::time::Instant;

/// Longer than a session, a lag and a request may last.
const LONG: SimDuration = SimDuration::from_secs(10);

const INVARIANTS: &str = "every invariant holds";
const KEPT: &str = "what is acknowledged with acks=all is never lost";
const ACKNOWLEDGED: &str = "the record is acknowledged";
const SECOND: &str = "it is acknowledged by the leader of the second epoch that wrote it";

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    brokers: i32,
    min_isr: u32,
    /// Leader epochs, the first among them.
    epochs: i32,
    /// Records of metadata the controller may write.
    decisions: u64,
    budget: Budget,
    depth: Option<usize>,
}

/// What may still go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Budget {
    lost_requests: u8,
    lost_answers: u8,
    kills: u8,
    freezes: u8,
}

#[derive(Clone, Debug)]
struct State {
    cluster: Cluster,
    auditor: Auditor,
    budget: Budget,
    /// The first broken invariant.
    broken: Option<String>,
    number: u64,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.number.hash(hasher);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Deliver(NodeId, NodeId),
    Wake(NodeId),
    /// Nothing is under way: time passes, in the ordinary order, until something is.
    Wait,
    /// Time passes, in the ordinary order, until the controller decides something, at most [`LONG`]; meanwhile a broker may be frozen.
    Live {
        frozen: Option<BrokerId>,
    },
    /// The connection breaks under its next message.
    Lose(NodeId, NodeId),
    Kill(BrokerId),
    Start(BrokerId),
}

fn scenario(bounds: &Bounds) -> Scenario {
    let ids: Vec<String> = (101..101 + bounds.brokers).map(|id| id.to_string()).collect();
    let text = format!(
        r#"
[cluster]
brokers = [{brokers}]
controllers = 1

[cluster.config]
"broker.session.timeout.ms" = 9000
"replica.lag.time.max.ms" = 9000
"auto.leader.rebalance.enable" = false
"controller.quorum.append.linger.ms" = 0
"replica.fetch.wait.max.ms" = 9000

[network]
latency = "0ms"
jitter = "0ms"

[[topic]]
name = "t"
replica_assignment = "{replicas}"
config = {{ "min.insync.replicas" = {min_isr} }}

[[producer]]
name = "p"
topic = "t"
rate = 1
records = 1
start = "3s"
config = {{ acks = "all", "linger.ms" = 0, "request.timeout.ms" = 9000, "delivery.timeout.ms" = 2147483647, "metadata.max.age.ms" = 86400000 }}
"#,
        brokers = ids.join(", "),
        replicas = ids.join(":"),
        min_isr = bounds.min_isr,
    );
    Scenario::parse(&text).unwrap_or_else(|faults| panic!("{faults:?}"))
}

impl State {
    fn step(&mut self, step: Step) -> Option<()> {
        let head = |from: NodeId, to: NodeId| move |what: &What| matches!(what, What::Arrives(it) if (it.from, it.to) == (from, to));
        let pending = self.cluster.pending();
        let find = |wanted: &dyn Fn(&What) -> bool| pending.iter().find(|event| wanted(&event.what)).map(|event| event.id);
        match step {
            Step::Deliver(from, to) => {
                let id = find(&head(from, to))?;
                self.cluster.take(id);
            }
            Step::Lose(from, to) => {
                let event = pending.iter().find(|event| head(from, to)(&event.what))?;
                let What::Arrives(envelope) = event.what else { return None };
                let (request, id) = (matches!(envelope.message, Message::Request(..)), event.id);
                let left = if request { &mut self.budget.lost_requests } else { &mut self.budget.lost_answers };
                *left = left.checked_sub(1)?;
                self.cluster.lose(id);
            }
            Step::Wake(node) => {
                let id = find(&|what| matches!(what, What::Wakes(it) if *it == node))?;
                self.cluster.take(id);
            }
            Step::Wait => self.live(None, &|state| state.cluster.pending().iter().any(|event| state.is_news(event))),
            Step::Live { frozen } => {
                self.budget.freezes = self.budget.freezes.checked_sub(u8::from(frozen.is_some()))?;
                let known = self.cluster.controller().image().offset;
                self.live(frozen.map(NodeId::Broker), &|state| state.cluster.controller().image().offset > known);
            }
            Step::Kill(id) => {
                self.budget.kills = self.budget.kills.checked_sub(1)?;
                self.cluster.apply(&Command::kill(id.0)).ok()?;
            }
            Step::Start(id) => drop(self.cluster.apply(&Command::start(id.0)).ok()?),
        }
        self.audit();
        self.number = canonical::number(&self.cluster, &self.auditor, &self.budget);
        Some(())
    }

    fn audit(&mut self) {
        let found = self.auditor.check(&mut self.cluster).err();
        self.broken = self.broken.take().or_else(|| found.map(|violation| violation.to_string()));
    }

    /// What happens by itself, earliest first, until `enough` or [`LONG`] is over; nothing happens at a frozen broker.
    fn live(&mut self, frozen: Option<NodeId>, enough: &dyn Fn(&State) -> bool) {
        let until = self.cluster.now() + LONG;
        while !enough(self) {
            let pending = self.cluster.pending();
            let awake = |event: &&Pending| match event.what {
                What::Arrives(envelope) => Some(envelope.to) != frozen,
                What::Wakes(node) => Some(node) != frozen,
            };
            let Some(next) = pending.iter().find(awake).filter(|event| event.at <= until).map(|event| event.id) else {
                return self.cluster.pass(until);
            };
            self.cluster.take(next);
            self.audit();
        }
    }

    /// A message on its way that is more than idle talk.
    fn is_news(&self, event: &Pending) -> bool {
        matches!(event.what, What::Arrives(envelope) if !self.is_idle_talk(envelope))
    }

    /// A message that changes nothing but who waits for whom: whenever it arrives, the rest goes on alike, so it arrives at once.
    fn is_idle_talk(&self, envelope: &Envelope) -> bool {
        let phase = |id: NodeId| match id {
            NodeId::Broker(id) => self.cluster.broker(id).map(|broker| broker.phase()),
            _ => None,
        };
        match &envelope.message {
            Message::Request(_, Request::FetchMetadata { .. } | Request::Metadata) => true,
            Message::Response(_, Response::Metadata(image)) => {
                let known = self.cluster.producers()[0].connections().image();
                known.is_some_and(|known| known.offset == image.offset)
            }
            Message::Request(_, Request::BrokerHeartbeat(request)) => {
                phase(envelope.from) == Some(Phase::Running) && !request.wants_shutdown
            }
            Message::Response(_, Response::BrokerHeartbeat(Ok(answer))) => phase(envelope.to) == Some(Phase::Running) && !answer.fenced,
            Message::Response(_, Response::FetchMetadata { image, .. }) => {
                let NodeId::Broker(id) = envelope.to else { return false };
                self.cluster.broker(id).is_some_and(|broker| broker.image().offset == image.offset)
            }
            _ => false,
        }
    }
}

impl Model for Bounds {
    type State = State;
    type Action = Step;

    /// The record has just been handed to the producer.
    fn init_states(&self) -> Vec<State> {
        let mut cluster = Cluster::new(&scenario(self));
        let mut auditor = Auditor::new(&mut cluster);
        while cluster.referee().sent == 0 {
            assert!(!cluster.run_some(SimTime(5_000_000), 1), "a record is sent");
            auditor.check(&mut cluster).unwrap_or_else(|violation| panic!("{violation}"));
        }
        let number = canonical::number(&cluster, &auditor, &self.budget);
        vec![State { cluster, auditor, budget: self.budget, broken: None, number }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        let now = state.cluster.now();
        let pending = state.cluster.pending();
        let due = |node: NodeId| pending.iter().any(|event| event.at <= now && matches!(event.what, What::Wakes(it) if it == node));
        let mut quiet = true;
        for event in &pending {
            match event.what {
                What::Arrives(envelope) => {
                    quiet = false;
                    let step = Step::Deliver(envelope.from, envelope.to);
                    if steps.contains(&step) {
                        continue;
                    }
                    if state.is_idle_talk(envelope) && !due(NodeId::Controller(FIRST_CONTROLLER)) {
                        steps.clear();
                        steps.push(step);
                        return;
                    }
                    steps.push(step);
                    let left = match envelope.message {
                        Message::Request(..) => state.budget.lost_requests,
                        Message::Response(..) => state.budget.lost_answers,
                        Message::Closed => 0,
                    };
                    if left > 0 {
                        steps.push(Step::Lose(envelope.from, envelope.to));
                    }
                }
                What::Wakes(node) if event.at <= now => {
                    quiet = false;
                    steps.push(Step::Wake(node));
                }
                What::Wakes(_) => {}
            }
        }
        if quiet {
            steps.extend([Step::Wait, Step::Live { frozen: None }]);
        }
        for broker in state.cluster.brokers() {
            if broker.phase() == Phase::Down {
                steps.extend(quiet.then_some(Step::Start(broker.id)));
                continue;
            }
            if state.budget.kills > 0 {
                steps.push(Step::Kill(broker.id));
            }
            if state.budget.freezes > 0 {
                steps.push(Step::Live { frozen: Some(broker.id) });
            }
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        state.step(step)?;
        (state.number != before.number).then_some(state)
    }

    fn within_boundary(&self, state: &State) -> bool {
        let raft = state.cluster.controllers()[0].raft();
        let epochs = state.cluster.controller().image().partitions().map(|(_, partition)| partition.leader_epoch.0);
        state.broken.is_some() || (raft.log().end() <= self.decisions && epochs.max().unwrap_or(0) < self.epochs)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(INVARIANTS, |_, state: &State| state.broken.is_none()),
            Property::always(KEPT, |_, state: &State| {
                let kept =
                    || state.cluster.brokers().iter().flat_map(|broker| broker.replicas().values()).any(|copy| copy.log.log_end().0 > 0);
                state.cluster.referee().lost_total == 0 && (state.cluster.referee().acked == 0 || kept())
            }),
            Property::sometimes(ACKNOWLEDGED, |_, state: &State| state.cluster.referee().acked == 1),
            Property::sometimes(SECOND, |_, state: &State| {
                state.cluster.referee().acked == 1
                    && state.cluster.brokers().iter().flat_map(|broker| broker.replicas().values()).any(|copy| {
                        copy.leadership().is_some()
                            && copy.leader_epoch.0 == 1
                            && copy.log.epochs().entries().first().is_some_and(|entry| entry.epoch.0 == 1)
                    })
            }),
        ]
    }
}

/// What breaks, if anything, and by which steps; fails when the search met nothing worth a look.
fn search(what: &str, bounds: Bounds) -> Option<String> {
    let start = Instant::now();
    let checker = bounds.checker().threads(2).finish_when(HasDiscoveries::AnyFailures);
    let checker = bounds.depth.iter().fold(checker, |checker, depth| checker.target_max_depth(*depth)).spawn_bfs().join();
    let how_far = match bounds.depth {
        _ if !checker.discoveries().keys().all(|name| [ACKNOWLEDGED, SECOND].contains(name)) => "to what broke".to_owned(),
        Some(depth) => format!("to depth {depth}"),
        None => "complete".to_owned(),
    };
    println!(
        "{what}: {} states, {} steps between them, {how_far}, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        start.elapsed().as_secs_f64()
    );
    let mut found = checker.discoveries();
    if let Some(path) = [INVARIANTS, KEPT].iter().find_map(|name| found.remove(name)) {
        let broken = path.last_state().broken.clone().unwrap_or_else(|| KEPT.to_owned());
        return Some(format!("{broken}, after {:?}", path.into_actions()));
    }
    assert!(found.contains_key(ACKNOWLEDGED), "{what}: nothing was acknowledged");
    let elects = bounds.budget.kills + bounds.budget.freezes > 0 && bounds.depth.is_none();
    assert_eq!(found.contains_key(SECOND), elects, "{what}: whether a second leader comes to it");
    None
}

const CALM: Budget = Budget { lost_requests: 0, lost_answers: 0, kills: 0, freezes: 0 };
const TWO: Bounds = Bounds { brokers: 2, min_isr: 2, epochs: 2, decisions: 12, budget: CALM, depth: None };

#[test]
#[cfg(not(feature = "planted"))]
fn whatever_the_order_of_messages_what_must_hold_holds() {
    for (what, budget) in [
        ("nothing breaks", CALM),
        ("a request and an answer are lost", Budget { lost_requests: 1, lost_answers: 1, ..CALM }),
        ("a broker is killed", Budget { kills: 1, ..CALM }),
        ("a broker is frozen", Budget { freezes: 1, ..CALM }),
    ] {
        assert_eq!(search(what, Bounds { budget, ..TWO }), None, "{what}");
    }
}

#[test]
#[cfg(not(feature = "planted"))]
#[ignore = "minutes: `cargo xtask swarm`"]
fn whatever_the_order_of_messages_while_everything_breaks_what_must_hold_holds() {
    let budget = Budget { lost_requests: 1, lost_answers: 1, kills: 1, ..CALM };
    assert_eq!(search("two brokers, a request and an answer are lost, a broker is killed", Bounds { budget, ..TWO }), None);
    let three = Bounds { brokers: 3, depth: Some(25), budget: Budget { kills: 0, ..budget }, ..TWO };
    assert_eq!(search("three brokers, a request and an answer are lost", three), None);
}

#[test]
#[cfg(feature = "planted")]
fn the_model_finds_planted_bugs() {
    use playground_core::planted::{Bug, plant};
    let lost = Budget { lost_answers: 1, ..CALM };
    let frozen = Budget { freezes: 1, ..CALM };
    let killed = Budget { kills: 1, ..CALM };
    for (bug, budget) in [
        (Bug::AckBeforeCommit, CALM),
        (Bug::HighWatermarkOfTheLeaderAlone, CALM),
        (Bug::DuplicatesAreAppended, lost),
        (Bug::LeadersKeepOffice, frozen),
        (Bug::WaitersForgetTheLeader, frozen),
        (Bug::NobodyIsEligible, frozen),
        (Bug::PartitionEpochStays, killed),
    ] {
        plant(Some(bug));
        let found = search(bug.name(), Bounds { budget, ..TWO });
        plant(None);
        println!("{}", found.unwrap_or_else(|| panic!("{} was not found: {}", bug.name(), bug.sentence())));
    }
}
