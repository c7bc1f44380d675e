//! The swarm: small clusters drawn at random and broken at random, every must-hold invariant looked at after every event.
//!
//! A seed is a scenario file: what it draws can be pasted into one and shows the same run. Each seed switches whole kinds of faults
//! off, so that rare ones meet. First a storm; then everything is healed and must come back.

mod drawing;

use crate::story::moment;
pub use drawing::{Drawn, WITH_NEWCOMERS, WITH_ZOOKEEPER, draw};
use playground_core::cluster::Cluster;
use playground_core::cluster::invariant::{Auditor, Row, Violation};
use playground_core::config::OffsetReset;
use playground_core::group::AnyGroup;
use playground_core::ids::{BrokerId, TopicPartition};
use playground_core::metadata::PartitionRegistration;
use playground_core::scenario::{CommitMode, Scenario};
use playground_core::sorted::SortedMap;
use playground_core::view::{BrokerState, ClusterView, EventView};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Events of a run; a seed that needs more is judged as far as it came.
pub const EVENTS: u64 = 5_000;
/// Scaled timeouts end well before: delivery, sessions, lag, rebalance.
const QUIET: &str = "62s";
/// Where a connection broke silently, `replica.socket.timeout.ms` and TCP's own patience come first.
const PATIENCE: &str = "180s";

/// What became of a seed.
#[derive(Clone, Debug, Default)]
pub struct Played {
    pub events: u64,
    /// It reached the end within its events, so that liveness was judged too.
    pub to_the_end: bool,
    /// Decisions and faults by kind.
    pub kinds: SortedMap<String, u64>,
    pub digest: u64,
}

/// A broken invariant, or an assertion of the engine that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    pub seed: u64,
    pub row: Option<Row>,
    pub what: String,
    pub scenario: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        writeln!(f, "again: cargo xtask swarm --seed {}", self.seed)?;
        write!(f, "{}", self.scenario)
    }
}

/// Plays a seed to its end or to its first broken invariant.
pub fn play(seed: u64) -> Result<Played, Box<Failure>> {
    let drawn = draw(seed);
    // An assertion of the engine itself is a failure of this seed like any other.
    let result = catch_unwind(AssertUnwindSafe(|| played(&drawn)));
    let (row, what) = match result {
        Ok(Ok(played)) => return Ok(played),
        Ok(Err((row, what))) => (Some(row), what),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            (None, format!("the engine panicked: {}", text.unwrap_or_default()))
        }
    };
    Err(Box::new(Failure { seed, row, what, scenario: drawn.text }))
}

pub fn scenario(drawn: &Drawn) -> Scenario {
    Scenario::parse(&drawn.text).unwrap_or_else(|faults| panic!("seed {} drew no scenario: {faults:?}\n{}", drawn.seed, drawn.text))
}

fn played(drawn: &Drawn) -> Result<Played, (Row, String)> {
    let mut cluster = Cluster::new(&scenario(drawn));
    let told = |violation: Violation| (violation.row, violation.to_string());
    let mut auditor = Auditor::new(&mut cluster);
    let to_the_end = auditor.run(&mut cluster, moment(QUIET), EVENTS).map_err(told)?;
    explained(&cluster)?;
    let (events, digest) = (cluster.steps(), cluster.digest());
    if to_the_end && at_the_end(drawn, &cluster).is_err() {
        auditor.run_until(&mut cluster, moment(PATIENCE)).map_err(told)?;
        explained(&cluster)?;
        at_the_end(drawn, &cluster)?;
    }
    if to_the_end && !auditor.anything_may_be_gone() {
        at_least_once(&cluster)?;
    }
    let mut kinds = SortedMap::new();
    for event in cluster.events() {
        *kinds.entry(event.kind.clone()).or_default() += 1;
    }
    Ok(Played { events, to_the_end, kinds, digest })
}

/// The digest of a seed's whole run, without anybody looking.
pub fn digest(seed: u64) -> u64 {
    let mut cluster = Cluster::new(&scenario(&draw(seed)));
    cluster.run_some(moment(QUIET), EVENTS);
    cluster.digest()
}

/// Partitions Kafka itself leaves without a leader, which only an unclean election, nobody's duty, brings back.
///
/// A change of `min.insync.replicas` forgets who may lead a partition that has none (KIP-966, `ClearElrRecord`). And where only one that
/// was reassigned away is eligible, the one that led last is not asked (`PartitionChangeBuilder.canElectLastKnownLeader`).
fn given_up(cluster: &Cluster) -> Vec<String> {
    let image = cluster.controller().image();
    let waits = |id: &TopicPartition| image.topic(id.topic).is_some_and(|topic| !topic.config.unclean_leader_election);
    let nobody = |p: &PartitionRegistration| p.leader.is_none() && p.isr.is_empty();
    let stranger = |p: &PartitionRegistration| !p.elr.is_empty() && !p.elr.iter().any(|broker| p.replicas.contains(broker));
    let forgotten = |p: &PartitionRegistration, name: &str| p.elr.is_empty() && p.last_known_elr.is_empty() && was_forgotten(cluster, name);
    let led_by_nobody = image.partitions().filter(|(id, p)| nobody(p) && waits(id)).map(|(id, p)| (image.name_of(id), p));
    led_by_nobody.filter(|(name, p)| stranger(p) || forgotten(p, name)).map(|(name, _)| name).collect()
}

/// The last thing that became of its leadership is that change.
fn was_forgotten(cluster: &Cluster, name: &str) -> bool {
    let mut told = cluster.events().iter().rev().filter(|event| event.subject == name);
    told.find(|event| ["leader_elected", "elr_changed"].contains(&event.kind.as_str()))
        .is_some_and(|event| event.kind == "elr_changed" && event.rule.contains("change of min.insync"))
}

/// I19: whatever was lost has causes, and they reach what somebody did or a setting that lets leaders change by themselves.
fn explained(cluster: &Cluster) -> Result<(), (Row, String)> {
    let events = cluster.events();
    let unexplained = events.iter().find(|event| event.kind.starts_with("record_") && !is_explained(events, event));
    match unexplained {
        Some(event) => Err((Row::I19, format!("nobody knows why: {}", chain(events, event)))),
        None => Ok(()),
    }
}

/// An event and the causes it names, back to the first.
fn chain(events: &[EventView], event: &EventView) -> String {
    let causes = events.iter().filter(|cause| event.causes.contains(&cause.id));
    event.text.clone() + &causes.map(|cause| format!(" <- {} ({})", chain(events, cause), cause.rule)).collect::<String>()
}

fn is_explained(events: &[EventView], event: &EventView) -> bool {
    let of_itself = ["fault", "command"].contains(&event.kind.as_str()) || event.rule.starts_with("auto.");
    let cause = |id: &u64| events.iter().find(|event| event.id == *id).is_some_and(|cause| is_explained(events, cause));
    of_itself || event.causes.iter().any(cause)
}

/// Everything is up again and nothing is under way: what must be true of the whole run.
fn at_the_end(drawn: &Drawn, cluster: &Cluster) -> Result<(), (Row, String)> {
    let view = ClusterView::of(cluster);
    let given_up = given_up(cluster);
    let claim = |row: Row, holds: bool, what: &dyn Fn() -> String| if holds { Ok(()) } else { Err((row, what())) };
    for client in view.clients.iter().filter(|client| client.group.is_none()) {
        let ended = client.sent == client.acked + client.failed;
        claim(Row::P5, ended, &|| format!("{}: {} sent, {} acked, {} failed", client.name, client.sent, client.acked, client.failed))?;
    }
    for broker in &view.brokers {
        claim(Row::R3, broker.state == BrokerState::Running, &|| format!("broker {} is {:?}", broker.id, broker.state))?;
    }
    for topic in &view.topics {
        for partition in &topic.partitions {
            let (name, isr) = (format!("{}-{}", topic.name, partition.partition), &partition.isr);
            if given_up.contains(&name) {
                continue;
            }
            claim(Row::R3, partition.leader.is_some(), &|| format!("{name} has no leader"))?;
            claim(Row::R3, isr.len() == partition.replicas.len(), &|| format!("{name}: ISR {isr:?} of {:?}", partition.replicas))?;
            if topic.internal {
                // The next commit may be under way at any moment.
                continue;
            }
            let same = partition.copies.iter().all(|copy| copy.log_end == partition.log_end && copy.high_watermark == partition.log_end);
            claim(Row::R3, same, &|| format!("{name}: copies end differently: {:?}", partition.copies))?;
        }
    }
    for topic in cluster.controller().image().topics().filter(|topic| !topic.internal) {
        for partition in 0..topic.partitions.len() as u32 {
            let id = TopicPartition { topic: topic.id, partition };
            if given_up.contains(&format!("{}-{partition}", topic.name)) {
                continue;
            }
            let logs = (101..101 + drawn.brokers as i32).filter_map(|broker| cluster.broker(BrokerId(broker))?.replicas().get(&id));
            let mut contents: Vec<u64> = logs.map(|replica| replica.log.content()).collect();
            contents.dedup();
            claim(Row::I6, contents.len() == 1, &|| format!("{}-{partition}: copies hold different bytes", topic.name))?;
        }
    }
    groups_converged(cluster, &view, &given_up)
}

fn groups_converged(cluster: &Cluster, view: &ClusterView, given_up: &[String]) -> Result<(), (Row, String)> {
    for group in &view.groups {
        if group.state != "Stable" {
            return Err((Row::G8, format!("group {} is {}", group.name, group.state)));
        }
        for offset in group.offsets.get("orders").into_iter().flatten() {
            let readable = !given_up.contains(&format!("orders-{}", offset.partition));
            let nobodys = offset.client.is_none() && grew_while_its_leader_was_away(cluster, &group.name);
            if readable && !nobodys && offset.position != Some(offset.log_end) {
                return Err((Row::G8, format!("group {} stands at {offset:?}", group.name)));
            }
        }
    }
    Ok(())
}

/// Kafka itself leaves new partitions to nobody then: a static leader that comes back does not assign, and from its return on watches
/// the partitions there are by now, as if it had assigned them (KIP-814, `ConsumerCoordinator.onLeaderElected`). True if that was the
/// last thing that became of a classic group: no generation came after the partitions, and its leader came back after them.
fn grew_while_its_leader_was_away(cluster: &Cluster, name: &str) -> bool {
    let Some(AnyGroup::Classic(group)) = cluster.coordinator(name).and_then(|(_, shard)| shard.groups.get(name)) else { return false };
    let leader = group.leader.as_ref().and_then(|id| group.members.get(id)?.instance.as_ref());
    let Some(instance) = leader else { return false };
    let last = |kind: &str, subject: &str, words: &str| {
        let mut told = cluster.events().iter().rev();
        told.find(|event| event.kind == kind && event.subject == subject && event.text.contains(words)).map(|event| event.id)
    };
    let stable = last("group_rebalanced", name, "");
    let grown = last("topic_changed", "orders", " partitions instead of ");
    let back = last("member_joined", name, &format!(" is back in group {name} as static member {instance}."));
    stable < grown && grown < back
}

/// G7: who commits what it has processed, and begins at the earliest record, is given every one.
fn at_least_once(cluster: &Cluster) -> Result<(), (Row, String)> {
    let skipped = ClusterView::of(cluster).ledger.skipped;
    for group in &cluster.scenario().groups {
        let from_the_beginning = group.config.auto_offset_reset == OffsetReset::Earliest && group.commit != CommitMode::Before;
        match skipped.get(&group.name) {
            Some(skipped) if from_the_beginning && *skipped > 0 => {
                return Err((Row::G7, format!("group {} was not given {skipped} records", group.name)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Many seeds at once.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub seeds: u64,
    pub events: u64,
    pub to_the_end: u64,
    /// In how many seeds each kind of event was seen.
    pub kinds: SortedMap<String, u64>,
    pub failures: Vec<Failure>,
}

/// Plays `seeds` on as many threads, all of them or until one fails.
pub fn sweep(seeds: std::ops::RangeInclusive<u64>, threads: u32, stop_at_first: bool) -> Tally {
    let next = AtomicU64::new(*seeds.start());
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > *seeds.end() {
                        return;
                    }
                    let result = play(seed);
                    let mut tally = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    tally.add(result);
                    if stop_at_first && !tally.failures.is_empty() {
                        next.store(*seeds.end() + 1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.failures.sort_unstable_by_key(|failure| failure.seed);
    tally
}

impl Tally {
    fn add(&mut self, result: Result<Played, Box<Failure>>) {
        self.seeds += 1;
        match result {
            Ok(played) => {
                self.events += played.events;
                self.to_the_end += u64::from(played.to_the_end);
                for kind in played.kinds.keys() {
                    *self.kinds.entry(kind.clone()).or_default() += 1;
                }
            }
            Err(failure) => self.failures.push(*failure),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} seeds, {} events, {} to the end, {} failed", self.seeds, self.events, self.to_the_end, self.failures.len())?;
        let kinds: Vec<String> = self.kinds.iter().map(|(kind, seeds)| format!("{kind} {seeds}")).collect();
        write!(f, "seen in seeds: {}", kinds.join(", "))
    }
}
