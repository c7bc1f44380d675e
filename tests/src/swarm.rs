//! The swarm: small clusters drawn at random and broken at random, every must-hold invariant looked at after every event.
//!
//! A seed is a scenario file: what it draws can be pasted into one and shows the same run. Each seed switches whole kinds of faults
//! off, so that rare ones meet. First a storm; then everything is healed and must come back.

use crate::story::{Story, moment};
use playground_core::cluster::Cluster;
use playground_core::cluster::invariant::{Auditor, Row, Violation};
use playground_core::config::OffsetReset;
use playground_core::group::AnyGroup;
use playground_core::ids::{BrokerId, TopicPartition};
use playground_core::metadata::PartitionRegistration;
use playground_core::rng::{Seed, SimRng};
use playground_core::scenario::{CommitMode, Scenario};
use playground_core::sorted::SortedMap;
use playground_core::view::{BrokerState, ClusterView, EventView};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Events of a run; a seed that needs more is judged as far as it came.
pub const EVENTS: u64 = 5_000;
/// Everything is healed here.
const HEALED_MS: u64 = 26_000;
/// Scaled timeouts end well before: delivery, sessions, lag, rebalance.
const QUIET: &str = "62s";
/// Where a connection broke silently, `replica.socket.timeout.ms` and TCP's own patience come first.
const PATIENCE: &str = "180s";

/// What a seed drew.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub seed: u64,
    /// The scenario file.
    pub text: String,
    pub brokers: u32,
    pub acks: &'static str,
    pub unclean: bool,
}

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

/// Chance, a few words at a time.
struct Dice(SimRng);

impl Dice {
    fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.0.below(to - from + 1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.0.below(n) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.below(choices.len() as u64) as usize]
    }
}

/// Kinds of faults; each is present in about half of the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Kill,
    Stop,
    PowerCut,
    Pause,
    Cut,
    Isolate,
    Slow,
    Lose,
    Duplicate,
    Controller,
    Elect,
    Configure,
    Disk,
}

const KINDS: [Kind; 13] = [
    Kind::Kill,
    Kind::Stop,
    Kind::PowerCut,
    Kind::Pause,
    Kind::Cut,
    Kind::Isolate,
    Kind::Slow,
    Kind::Lose,
    Kind::Duplicate,
    Kind::Controller,
    Kind::Elect,
    Kind::Configure,
    Kind::Disk,
];

/// Seeds from here on draw what the seed so much smaller draws, with ZooKeeper.
pub const WITH_ZOOKEEPER: u64 = 1_000_000;

pub fn draw(seed: u64) -> Drawn {
    match seed.checked_sub(WITH_ZOOKEEPER) {
        Some(same) if same > 0 => {
            let drawn = draw_cluster(same, false);
            Drawn { seed, text: with_zookeeper(&drawn.text), ..drawn }
        }
        _ => draw_cluster(seed, true),
    }
}

/// The same file for Kafka 3.9: an ensemble in place of the quorum, sessions as long. A process that dies keeps its page cache: of one
/// that lost it and came back nobody knew in those days, and it may lead with what it lost (KIP-966 mended that).
fn with_zookeeper(text: &str) -> String {
    let mut words = text.replace("controllers", "zookeeper").replace("power-cut ", "kill ");
    words = words.replace("broker.session.timeout.ms", "zookeeper.session.timeout.ms");
    for setting in ["broker.heartbeat.interval.ms", "controller.quorum.election.timeout.ms", "controller.quorum.fetch.timeout.ms"] {
        if let Some((before, rest)) = words.split_once(&format!(", \"{setting}\" = ")) {
            let end = rest.find([',', ' ']).unwrap_or(rest.len());
            words = format!("{before}{}", &rest[end..]);
        }
    }
    format!("kafka = \"3.9\"\n{words}")
}

/// `with_members`: some have a group whose members come and go; Kafka 3.9 has one protocol less, and draws none.
fn draw_cluster(seed: u64, with_members: bool) -> Drawn {
    let mut dice = Dice(SimRng::new(Seed(seed), 0));
    let brokers = dice.of(&[1, 2, 3, 3, 3, 4]);
    let copies = dice.between(1.max(brokers.min(3) - 1), brokers.min(3));
    let min_isr = dice.between(1, copies);
    let acks = dice.of(&["all", "all", "all", "1", "0"]);
    let unclean = dice.one_in(6);
    let mut story = Story::brokers(brokers as u32).seed(seed);
    story = story.network(dice.of(&["1ms", "5ms", "40ms"]), dice.of(&["0ms", "1ms", "30ms"]));
    for (key, value) in brokers_settings(&mut dice, brokers) {
        story = story.broker_config(key, &value);
    }
    let partitions = dice.between(1, 3) as u32;
    story = story.topic("orders", partitions, copies as u32).with("min.insync.replicas", &min_isr.to_string());
    story = story.with("unclean.leader.election.enable", if unclean { "true" } else { "false" });
    for (name, most) in [("a", 8), ("b", 4)] {
        let rate = dice.between(1, most);
        story = story.producer(name, "orders", &format!("rate = {rate}")).field(&format!("records = {}", rate * 28));
        story = if name == "a" { story.field("key = \"{zipf:20}\"") } else { story };
        for (key, value) in producer_settings(&mut dice, acks) {
            story = story.with(key, &value);
        }
    }
    if dice.one_in(2) {
        story = story.group_from("g", "orders", dice.between(1, 2) as u32, dice.of(&["earliest", "latest"]));
        story = story.with("metadata.max.age.ms", "5000");
        for (key, value) in [("session.timeout.ms", "6000"), ("heartbeat.interval.ms", "2000"), ("request.timeout.ms", "4000")] {
            story = story.with(key, value);
        }
    }
    // From a stream of its own: what is rare, and meets a storm as it is.
    let mut rare = Dice(SimRng::new(Seed(seed), 1));
    let story = match rare.between(0, 7) {
        0 => elections(&mut rare, story),
        1 if brokers > 1 => late_readers(&mut rare, story, brokers),
        _ => story,
    };
    let story = storm(&mut dice, story, brokers, partitions);
    // Again from a stream of its own, so that what came before is drawn as it was.
    let mut people = Dice(SimRng::new(Seed(seed), 2));
    let story = if with_members && people.one_in(10) { group(&mut people, story, brokers) } else { story };
    Drawn { seed, text: story.text(), brokers: brokers as u32, acks, unclean }
}

/// Kafka's timeouts, several times shorter: a minute shows what takes ten with the defaults.
fn brokers_settings(dice: &mut Dice, brokers: u64) -> Vec<(&'static str, String)> {
    let session = dice.between(2_000, 6_000);
    vec![
        ("offsets.topic.replication.factor", brokers.min(3).to_string()),
        ("offsets.topic.num.partitions", "1".to_owned()),
        ("broker.session.timeout.ms", session.to_string()),
        ("broker.heartbeat.interval.ms", (session / 4).to_string()),
        ("replica.lag.time.max.ms", dice.between(2_000, 8_000).to_string()),
        ("replica.fetch.wait.max.ms", dice.of(&[500_u64, 1_000]).to_string()),
        ("leader.imbalance.check.interval.seconds", dice.of(&[5_u64, 10]).to_string()),
        ("group.initial.rebalance.delay.ms", "500".to_owned()),
    ]
}

fn producer_settings(dice: &mut Dice, acks: &str) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("acks", format!("\"{acks}\"")),
        ("linger.ms", dice.of(&[0_u64, 0, 5, 200]).to_string()),
        ("request.timeout.ms", dice.between(1_000, 4_000).to_string()),
        ("delivery.timeout.ms", dice.between(5_000, 12_000).to_string()),
        ("metadata.max.age.ms", "5000".to_owned()),
    ];
    if acks == "all" && dice.one_in(4) {
        settings.push(("enable.idempotence", "false".to_owned()));
    }
    if dice.one_in(4) {
        settings.push(("max.in.flight.requests.per.connection", "1".to_owned()));
    }
    if dice.one_in(6) {
        settings.push(("retries", "0".to_owned()));
    }
    settings
}

fn storm(dice: &mut Dice, mut story: Story, brokers: u64, partitions: u32) -> Story {
    let kinds: Vec<Kind> = KINDS.into_iter().filter(|_| dice.one_in(2)).collect();
    let kinds = if kinds.is_empty() { vec![Kind::Kill] } else { kinds };
    let mut now = dice.between(200, 4_000);
    while now < HEALED_MS - 1_000 {
        let kind = dice.of(&kinds);
        for (after, line) in fault(dice, kind, brokers, partitions) {
            let at = (now + after).min(HEALED_MS - 1);
            story = story.at(&format!("{at}ms"), &line);
        }
        now += match dice.between(0, 3) {
            0 => dice.between(0, 20),
            1 => dice.between(20, 900),
            2 => dice.between(900, 4_000),
            _ => dice.between(3_000, 9_000),
        };
    }
    let heal = format!("{HEALED_MS}ms");
    story = story.at(&heal, "heal");
    for broker in (0..brokers).map(|broker| 101 + broker) {
        story = story.at(&heal, &format!("disk heal {broker}"));
        story = story.at(&heal, &format!("resume {broker}")).at(&heal, &format!("start {broker}"));
        // It may have been about to end in order.
        story = story.at("34s", &format!("start {broker}")).at("44s", &format!("start {broker}"));
    }
    for controller in 3001..=3003 {
        story = story.at(&heal, &format!("resume {controller}")).at(&heal, &format!("start {controller}"));
    }
    for client in ["a", "b"] {
        story = story.at(&heal, &format!("resume {client}"));
    }
    story
}

/// Two voters that do not hear each other ask the third for its vote, which starts again and again meanwhile: what a voter has promised
/// must be on its disk.
fn elections(dice: &mut Dice, mut story: Story) -> Story {
    story = story.broker_config("controller.quorum.election.timeout.ms", &dice.between(200, 1_000).to_string());
    story = story.broker_config("controller.quorum.fetch.timeout.ms", &dice.between(500, 2_000).to_string());
    let mut now = dice.between(1_000, 12_000);
    let voter = |place: u64| 3001 + place % 3;
    let middle = dice.between(0, 2);
    let (between, left, right) = (voter(middle), voter(middle + 1), voter(middle + 2));
    let far = dice.between(10, 300);
    for line in [format!("cut {left} {right}"), format!("slow {between} {left} {far}ms"), format!("slow {between} {right} {far}ms")] {
        story = story.at(&format!("{now}ms"), &line);
    }
    for _ in 0..24 {
        now += dice.between(10, 500);
        let who = if dice.one_in(4) { voter(dice.between(0, 2)) } else { between };
        let down = if dice.one_in(8) { dice.between(500, 2_000) } else { dice.between(1, 20) };
        story = story.at(&format!("{now}ms"), &format!("kill {who}")).at(&format!("{}ms", now + down), &format!("start {who}"));
    }
    story
}

/// A group that keeps no offsets asks for the latest ones at each rebalance, while leaders change and followers are behind.
fn late_readers(dice: &mut Dice, mut story: Story, brokers: u64) -> Story {
    story = story.group_from("late", "orders", 2, "latest").with("metadata.max.age.ms", "5000").with("enable.auto.commit", "false");
    for (key, value) in [("session.timeout.ms", "6000"), ("heartbeat.interval.ms", "500"), ("request.timeout.ms", "4000")] {
        story = story.with(key, value);
    }
    let mut now = dice.between(3_000, 5_000);
    while now < HEALED_MS - 5_000 {
        let broker = 101 + dice.between(0, brokers - 1);
        let other = 101 + (broker - 100) % brokers;
        let slow = format!("slow {broker} {other} {}ms", dice.between(50, 900));
        let back = now + dice.between(100, 2_500);
        let moved = now + dice.between(200, 4_000);
        let how = dice.of(&["stop", "kill"]);
        let lines = [
            (now, "stop late-2".to_owned()),
            (now + 1, slow),
            (back, "start late-2".to_owned()),
            (moved, format!("{how} {broker}")),
            (moved + dice.between(1_000, 3_000), format!("start {broker}")),
            (now + 4_500, format!("heal {broker} {other}")),
        ];
        for (at, line) in lines {
            story = story.at(&format!("{}ms", at.min(HEALED_MS - 1)), &line);
        }
        now += dice.between(3_000, 6_000);
    }
    story.at(&format!("{HEALED_MS}ms"), "start late-2")
}

/// A group of either protocol whose members come and go, crash and freeze.
fn group(dice: &mut Dice, mut story: Story, brokers: u64) -> Story {
    let members = dice.between(1, 3) as u32;
    story = story.group_from("h", "orders", members, dice.of(&["earliest", "earliest", "latest"]));
    story = story.field(&format!("commit = \"{}\"", dice.of(&["auto", "auto", "before", "after", "after"])));
    story = story.with("metadata.max.age.ms", "5000").with("fetch.max.wait.ms", "2500");
    let follows = dice.one_in(3);
    let far = follows && members > 1;
    if follows {
        story = story.with("group.protocol", "\"consumer\"");
        if dice.one_in(2) {
            story = story.with("group.remote.assignor", dice.of(&["\"uniform\"", "\"range\""]));
        }
    } else {
        story = story.with("session.timeout.ms", "8000").with("heartbeat.interval.ms", "2500");
        let strategies = ["range", "roundrobin", "sticky", "cooperative-sticky", "range,cooperative-sticky"];
        story = story.with("partition.assignment.strategy", &format!("\"{}\"", dice.of(&strategies)));
    }
    if dice.one_in(4) {
        story = story.with("group.instance.id", "\"{name}\"");
    }
    let patience = dice.of(&[7_000_u64, 20_000]);
    story = story.with("max.poll.interval.ms", &patience.to_string());
    // So far away that the group goes on without them before they could give anything up: what they commit then comes too late.
    let far = far && patience == 7_000;
    story = story.with("request.timeout.ms", if far { "15000" } else { "4000" });
    let paths = (1..=members).flat_map(|member| (101..101 + brokers).map(move |broker| format!("h-{member} {broker}")));
    for path in paths.filter(|_| far) {
        story = story.at("2500ms", &format!("slow {path} 4s"));
    }
    let mut now = dice.between(3_000, 9_000);
    while now < HEALED_MS - 1_000 {
        let member = format!("h-{}", dice.between(1, u64::from(members)));
        let (does, undoes) = dice.of(&[("kill", "start"), ("stop", "start"), ("stop", "start"), ("pause", "resume")]);
        let back = (now + dice.between(10, 9_000)).min(HEALED_MS - 1);
        story = story.at(&format!("{now}ms"), &format!("{does} {member}")).at(&format!("{back}ms"), &format!("{undoes} {member}"));
        now += dice.between(200, 8_000);
    }
    for member in 1..=members {
        story = story.at(&format!("{HEALED_MS}ms"), &format!("resume h-{member}"));
        story = story.at(&format!("{HEALED_MS}ms"), &format!("start h-{member}")).at("36s", &format!("start h-{member}"));
    }
    story
}

/// Lines of one fault, each so many milliseconds after its beginning; usually its end is among them.
fn fault(dice: &mut Dice, kind: Kind, brokers: u64, partitions: u32) -> Vec<(u64, String)> {
    let broker = 101 + dice.between(0, brokers - 1);
    let other = 101 + dice.between(0, brokers - 1);
    let controller = 3001 + dice.between(0, 2);
    let soon = match dice.between(0, 2) {
        0 => dice.between(5, 400),
        1 => dice.between(400, 3_000),
        _ => dice.between(3_000, 10_000),
    };
    let path = match dice.between(0, 4) {
        0 => format!("{broker}>{controller}"),
        1 => format!("{controller}>{broker}"),
        2 => format!("a {broker}"),
        3 if broker != other => format!("{broker} {other}"),
        _ if broker != other => format!("{broker}>{other}"),
        _ => format!("{broker}>controllers"),
    };
    match kind {
        Kind::Kill => vec![(0, format!("kill {broker}")), (soon, format!("start {broker}"))],
        Kind::Stop => vec![(0, format!("stop {broker}")), (soon, format!("start {broker}"))],
        Kind::PowerCut => vec![(0, format!("power-cut {broker}")), (soon, format!("start {broker}"))],
        Kind::Pause => {
            let whom = dice.of(&[broker.to_string(), "a".to_owned()].each_ref()).clone();
            vec![(0, format!("pause {whom}")), (soon, format!("resume {whom}"))]
        }
        Kind::Cut => vec![(0, format!("cut {path}")), (soon, format!("heal {path}"))],
        Kind::Isolate => {
            let others = (101..101 + brokers).filter(|other| *other != broker);
            let all: Vec<String> = others.map(|other| format!("{broker} {other}")).chain([format!("{broker} controllers")]).collect();
            let cuts = all.iter().map(|path| (0, format!("cut {path}")));
            cuts.chain(all.iter().map(|path| (soon, format!("heal {path}")))).collect()
        }
        Kind::Slow => vec![(0, format!("slow {path} {}ms", dice.between(50, 3_000))), (soon, format!("heal {path}"))],
        Kind::Lose => vec![(0, format!("lose {path} {}%", dice.between(1, 30))), (soon, format!("heal {path}"))],
        Kind::Duplicate => vec![(0, format!("duplicate a {broker} {}%", dice.between(5, 80))), (soon, format!("heal a {broker}"))],
        Kind::Controller => vec![(0, format!("kill {controller}")), (soon, format!("start {controller}"))],
        Kind::Elect => vec![(0, "kafka-leader-election.sh --election-type preferred --all-topic-partitions".to_owned())],
        Kind::Configure => {
            let min_isr = dice.between(1, 2);
            let set = format!("--add-config min.insync.replicas={min_isr}");
            match dice.one_in(4) {
                true => vec![(0, format!("kafka-topics.sh --alter --topic orders --partitions {}", partitions + 1))],
                false => vec![(0, format!("kafka-configs.sh --alter --entity-type topics --entity-name orders {set}"))],
            }
        }
        Kind::Disk => {
            let what = dice.of(&["full".to_owned(), "slow".to_owned()].each_ref()).clone();
            let line =
                if what == "slow" { format!("disk slow {broker} {}ms", dice.between(1, 500)) } else { format!("disk full {broker}") };
            vec![(0, line), (soon, format!("disk heal {broker}")), (soon + 1, format!("start {broker}"))]
        }
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

/// Partitions Kafka itself leaves without a leader: a change of `min.insync.replicas` forgets who may lead a partition that has none
/// (KIP-966, `ClearElrRecord`), and only an unclean election, which is nobody's duty, brings it back.
fn given_up(cluster: &Cluster) -> Vec<String> {
    let nobody = |p: &PartitionRegistration| p.leader.is_none() && p.isr.is_empty() && p.elr.is_empty() && p.last_known_elr.is_empty();
    let image = cluster.controller().image();
    let waits = |id: &TopicPartition| image.topic(id.topic).is_some_and(|topic| !topic.config.unclean_leader_election);
    let names = image.partitions().filter(|(id, p)| nobody(p) && waits(id)).map(|(id, _)| image.name_of(id));
    names.filter(|name| was_forgotten(cluster, name)).collect()
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
