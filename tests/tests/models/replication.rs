//! One partition as a model: leaders, followers, a controller, every order of their steps. Three brokers, two records, three leader
//! epochs, one fence, one restart that loses the end of a log; rules of KIP-320, ELR and `min.insync.replicas` (KIP-966).
//!
//! It holds, and each of the historical rules that were replaced breaks it.

use stateright::{Checker, HasDiscoveries, Model, Property};

const BROKERS: usize = 3;
const RECORDS: u8 = 2;
const EPOCHS: u8 = 3;

/// Which of Kafka's rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    /// Today's: followers compare epochs with a leader of the same epoch at every fetch.
    Kip320,
    /// Before KIP-101: a new follower cuts its log to its high watermark.
    TruncateToHighWatermark,
    /// KIP-101: one question for the end of the follower's last epoch; the leader's answer is believed whole.
    Kip101,
    /// KIP-279: the answer names its epoch; leaders serve followers of any epoch.
    Kip279,
    /// A follower joins the ISR wherever its log ends.
    NoExpansionGuard,
    /// The last member of the ISR stays in it whatever happened to its disk (before KIP-966).
    LastReplicaStanding,
}

#[derive(Clone, Copy)]
struct Replication {
    rules: Rules,
    min_isr: u32,
    fences: u8,
    losses: u8,
    /// Versions of the partition's registration, the first among them.
    changes: u8,
}

/// A set of brokers.
type Set = u8;

/// The leader epoch that wrote each record: with the offset that names the record.
type Log = Vec<u8>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    leader: Option<u8>,
    epoch: u8,
    version: u8,
    isr: Set,
    elr: Set,
    fenced: Set,
    brokers: [Broker; BROKERS],
    /// What some leader's high watermark has passed.
    committed: Log,
    written: u8,
    fences: u8,
    losses: u8,
    /// Two leaders took office in one epoch.
    rivals: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Broker {
    log: Log,
    high_watermark: u8,
    /// What it last heard of the controller.
    epoch: u8,
    version: u8,
    leads: bool,
    follows: Option<u8>,
    /// As leader: the ISR it believes in and what it has asked for, together, and how far each follower has fetched.
    isr: Set,
    maximal: Set,
    ends: [u8; BROKERS],
    /// Followers whose running process has fetched (KIP-903).
    known: Set,
    /// As follower, where rules ask once: it has cut its log for this leader.
    cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Write(u8),
    Hear(u8),
    Fetch {
        follower: u8,
        leader: u8,
    },
    Expand {
        leader: u8,
        follower: u8,
    },
    Shrink {
        leader: u8,
        follower: u8,
    },
    Fence(u8),
    Unfence(u8),
    /// A restart that keeps so many records.
    Lose {
        broker: u8,
        kept: u8,
    },
}

const fn bit(broker: u8) -> Set {
    1 << broker
}

fn members(set: Set) -> impl Iterator<Item = u8> {
    (0..BROKERS as u8).filter(move |broker| set & bit(*broker) != 0)
}

/// The largest epoch up to `asked` in a log, and where it ends.
fn end_of_epoch(log: &Log, asked: u8) -> (u8, u8) {
    let end = log.iter().take_while(|epoch| **epoch <= asked).count();
    (end.checked_sub(1).map_or(0, |last| log[last]), end as u8)
}

impl Replication {
    fn small(&self, isr: Set) -> bool {
        isr.count_ones() < self.min_isr
    }

    /// A change of the ISR by the controller, with the election that follows.
    fn change(&self, state: &mut State, isr: Set, unclean: Option<u8>) -> bool {
        let left = state.isr & !isr;
        state.elr = if self.small(isr) { (state.elr | left) & !isr } else { 0 };
        if let Some(lost) = unclean {
            state.elr &= !bit(lost);
        }
        state.isr = isr;
        if self.rules == Rules::LastReplicaStanding {
            state.elr = 0;
            if isr == 0 {
                state.isr = left;
            }
        }
        self.elect(state, None)
    }

    /// False when the epochs are used up.
    fn elect(&self, state: &mut State, wanted: Option<u8>) -> bool {
        let eligible = if state.isr == 0 { state.elr } else { state.isr } & !state.fenced;
        let valid = |broker: &u8| eligible & bit(*broker) != 0;
        let leader = wanted.or(state.leader.filter(valid)).or_else(|| members(eligible).next());
        state.version += 1;
        if leader != state.leader {
            state.leader = leader;
            state.epoch += 1;
            if let Some(leader) = leader
                && state.isr & bit(leader) == 0
            {
                state.isr = bit(leader);
                state.elr &= !bit(leader);
            }
        }
        state.epoch <= EPOCHS && state.version <= self.changes
    }

    /// A broker takes the office the controller gives it.
    fn hear(&self, state: &mut State, id: u8) {
        let (epoch, version, isr) = (state.epoch, state.version, state.isr);
        let leads = state.leader == Some(id);
        let follows = state.leader.filter(|leader| *leader != id);
        let rivals = leads
            && (0..BROKERS as u8)
                .any(|other| other != id && state.brokers[other as usize].leads && state.brokers[other as usize].epoch == epoch);
        state.rivals |= rivals;
        let broker = &mut state.brokers[id as usize];
        broker.version = version;
        if broker.epoch != epoch {
            *broker = Broker {
                log: std::mem::take(&mut broker.log),
                high_watermark: broker.high_watermark,
                epoch,
                version,
                leads,
                follows,
                ..Broker::default()
            };
            if self.rules == Rules::TruncateToHighWatermark && follows.is_some() {
                broker.log.truncate(broker.high_watermark as usize);
            }
        }
        if leads {
            (broker.isr, broker.maximal) = (isr, isr);
            self.advance(state, id);
        }
    }

    /// The high watermark of a leader, and what is committed by it.
    fn advance(&self, state: &mut State, id: u8) {
        let broker = &mut state.brokers[id as usize];
        if self.small(broker.isr) {
            return;
        }
        let others = members(broker.maximal & !bit(id)).map(|member| broker.ends[member as usize]);
        let least = others.min().unwrap_or(u8::MAX).min(broker.log.len() as u8);
        broker.high_watermark = broker.high_watermark.max(least);
        let high_watermark = broker.high_watermark as usize;
        if high_watermark > state.committed.len() {
            let log = broker.log[..high_watermark].to_vec();
            state.committed.extend_from_slice(&log[state.committed.len()..]);
        }
    }

    fn fetch(&self, state: &mut State, follower: u8, leader: u8) -> Option<()> {
        let source = state.brokers[leader as usize].clone();
        let mine = &mut state.brokers[follower as usize];
        let last = mine.log.last().copied().unwrap_or(0);
        let asks = match self.rules {
            Rules::TruncateToHighWatermark => false,
            Rules::Kip101 | Rules::Kip279 => !mine.cut,
            _ => true,
        };
        if asks && last > 0 {
            let (epoch, end) = end_of_epoch(&source.log, last);
            let (_, own) = end_of_epoch(&mine.log, epoch);
            let known = self.rules == Rules::Kip101 || epoch == last;
            let to = if known { end } else { end.min(own) };
            mine.cut = known || mine.log.len() as u8 <= to;
            if (to as usize) < mine.log.len() {
                mine.log.truncate(to as usize);
                mine.high_watermark = mine.high_watermark.min(to);
                return Some(());
            }
        }
        mine.cut = true;
        let offset = mine.log.len();
        if offset > source.log.len() {
            mine.log.truncate(source.log.len());
            mine.high_watermark = mine.high_watermark.min(source.log.len() as u8);
            return Some(());
        }
        mine.log.extend(source.log.get(offset));
        mine.high_watermark = source.high_watermark.min(mine.log.len() as u8);
        let leading = &mut state.brokers[leader as usize];
        leading.ends[follower as usize] = offset as u8;
        leading.known |= bit(follower);
        self.advance(state, leader);
        Some(())
    }

    fn alter(&self, state: &mut State, leader: u8, isr: Set) -> Option<()> {
        let current = &state.brokers[leader as usize];
        // The controller compares both epochs.
        if state.leader != Some(leader) || current.epoch != state.epoch || current.version != state.version {
            return None;
        }
        state.brokers[leader as usize].maximal |= isr;
        self.change(state, isr, None).then_some(())
    }
}

impl Model for Replication {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        let all = bit(BROKERS as u8) - 1;
        let mut state = State {
            leader: Some(0),
            epoch: 1,
            version: 1,
            isr: all,
            elr: 0,
            fenced: 0,
            brokers: Default::default(),
            committed: Vec::new(),
            written: 0,
            fences: 0,
            losses: 0,
            rivals: false,
        };
        (0..BROKERS as u8).for_each(|broker| self.hear(&mut state, broker));
        vec![state]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        for id in 0..BROKERS as u8 {
            let broker = &state.brokers[id as usize];
            if (broker.epoch, broker.version) != (state.epoch, state.version) {
                steps.push(Step::Hear(id));
            }
            if broker.leads && state.written < RECORDS {
                steps.push(Step::Write(id));
            }
            for other in (0..BROKERS as u8).filter(|other| *other != id) {
                let leader = &state.brokers[other as usize];
                if broker.follows == Some(other) && leader.leads && (leader.epoch == broker.epoch || self.rules == Rules::Kip279) {
                    steps.push(Step::Fetch { follower: id, leader: other });
                }
                if broker.leads && broker.version == state.version {
                    match broker.isr & bit(other) {
                        0 => steps.push(Step::Expand { leader: id, follower: other }),
                        _ => steps.push(Step::Shrink { leader: id, follower: other }),
                    }
                }
            }
            if state.fenced & bit(id) != 0 {
                steps.push(Step::Unfence(id));
            } else if state.fences < self.fences {
                steps.push(Step::Fence(id));
            }
            if state.losses < self.losses {
                steps.extend((0..broker.log.len() as u8).map(|kept| Step::Lose { broker: id, kept }));
            }
        }
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Hear(id) => self.hear(&mut state, id),
            Step::Write(id) => {
                state.written += 1;
                let broker = &mut state.brokers[id as usize];
                broker.log.push(broker.epoch);
                self.advance(&mut state, id);
            }
            Step::Fetch { follower, leader } => self.fetch(&mut state, follower, leader)?,
            Step::Expand { leader, follower } => {
                let broker = &state.brokers[leader as usize];
                let (_, epoch_start) = end_of_epoch(&broker.log, broker.epoch - 1);
                let end = broker.ends[follower as usize];
                let earned = end >= broker.high_watermark && end >= epoch_start;
                let stranger = state.fenced & bit(follower) != 0 || broker.known & bit(follower) == 0;
                if (!earned && self.rules != Rules::NoExpansionGuard) || stranger {
                    return None;
                }
                let isr = broker.isr | bit(follower);
                self.alter(&mut state, leader, isr)?;
            }
            Step::Shrink { leader, follower } => {
                let isr = state.brokers[leader as usize].isr & !bit(follower);
                self.alter(&mut state, leader, isr)?;
            }
            Step::Fence(id) => {
                state.fences += 1;
                state.fenced |= bit(id);
                let isr = state.isr & !bit(id);
                self.change(&mut state, isr, None).then_some(())?;
            }
            Step::Unfence(id) => {
                state.fenced &= !bit(id);
                self.elect(&mut state, None).then_some(())?;
            }
            Step::Lose { broker, kept } => {
                state.losses += 1;
                let it = &mut state.brokers[broker as usize];
                it.log.truncate(kept as usize);
                *it = Broker { high_watermark: it.high_watermark.min(kept), log: std::mem::take(&mut it.log), ..Broker::default() };
                state.brokers.iter_mut().for_each(|leader| leader.known &= !bit(broker));
                // Its next registration says that it did not stop in order.
                let leader_fell = state.leader == Some(broker);
                if leader_fell {
                    state.leader = None;
                    state.epoch += 1;
                }
                let isr = state.isr & !bit(broker);
                self.change(&mut state, isr, Some(broker)).then_some(())?;
            }
        }
        (state != *before).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("strong ISR: whoever may lead has what is committed", |_, state: &State| {
                members(state.isr | state.elr).all(|member| state.brokers[member as usize].log.starts_with(&state.committed))
            }),
            Property::always("the leader is in the ISR", |_, state: &State| state.leader.is_none_or(|leader| state.isr & bit(leader) != 0)),
            Property::always("ISR and ELR do not overlap", |_, state: &State| state.isr & state.elr == 0),
            Property::always("no high watermark beyond a log's end", |_, state: &State| {
                state.brokers.iter().all(|broker| broker.high_watermark as usize <= broker.log.len())
            }),
            Property::always("epochs do not fall in a log", |_, state: &State| state.brokers.iter().all(|broker| broker.log.is_sorted())),
            Property::always("one leader an epoch", |_, state: &State| !state.rivals),
            Property::sometimes(REACHED, |_, state: &State| state.committed.len() == RECORDS as usize),
        ];
        if self.losses == 0 {
            properties.push(Property::always("weak ISR: a leader's high watermark lies on all of its ISR", |_, state: &State| {
                state.brokers.iter().filter(|broker| broker.leads).all(|leader| {
                    let committed = &leader.log[..leader.high_watermark as usize];
                    members(leader.isr).all(|member| state.brokers[member as usize].log.starts_with(committed))
                })
            }));
        }
        properties
    }
}

const REACHED: &str = "all records are committed";

/// What breaks, if anything, and how many states there are.
fn search(rules: Rules, min_isr: u32, fences: u8, losses: u8) -> (Vec<&'static str>, usize) {
    let changes = if losses == 0 { 5 } else { 4 };
    let model = Replication { rules, min_isr, fences, losses, changes };
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let found = checker.discoveries();
    let broken: Vec<&str> = found.keys().copied().filter(|name| *name != REACHED).collect();
    assert!(!broken.is_empty() || found.contains_key(REACHED), "a model that commits nothing proves nothing");
    (broken, checker.unique_state_count())
}

#[test]
fn todays_rules_keep_what_is_committed() {
    let (broken, states) = search(Rules::Kip320, 2, 1, 0);
    println!("{states} states");
    assert!(broken.is_empty(), "{broken:?}");
    assert!(states > 10_000, "{states} states are too few to prove anything");
}

#[test]
fn with_two_in_sync_one_lost_tail_loses_nothing() {
    let (broken, states) = search(Rules::Kip320, 2, 1, 1);
    println!("{states} states");
    assert!(broken.is_empty(), "{broken:?}");
}

/// Each rule that was replaced, with what it needs to fail.
#[test]
fn every_rule_that_was_replaced_loses_what_is_committed() {
    for (rules, min_isr, fences, losses) in [
        (Rules::TruncateToHighWatermark, 1, 1, 0),
        (Rules::Kip101, 1, 2, 0),
        (Rules::Kip279, 1, 2, 0),
        (Rules::NoExpansionGuard, 1, 1, 0),
        (Rules::LastReplicaStanding, 2, 1, 1),
    ] {
        let (broken, states) = search(rules, min_isr, fences, losses);
        println!("{rules:?}: {states} states, {broken:?}");
        assert!(!broken.is_empty(), "{rules:?} holds in all {states} states");
    }
}
