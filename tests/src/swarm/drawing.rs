//! What a seed of the swarm draws: a small cluster, who takes part in it, and a storm of faults.

use crate::story::Story;
use playground_core::rng::{Seed, SimRng};

/// Everything is healed here.
const HEALED_MS: u64 = 26_000;

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

/// Seeds from here on draw what the seed so much smaller draws, and who joins and leaves besides.
pub const WITH_NEWCOMERS: u64 = 2_000_000;

/// Who comes and goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Crowd {
    /// Kafka 3.9 has one group protocol less, and draws none.
    Nobody,
    /// Some have a group whose members come and go.
    Members,
    /// Brokers, producers and groups too.
    Newcomers,
}

pub fn draw(seed: u64) -> Drawn {
    if seed > WITH_NEWCOMERS {
        return Drawn { seed, ..draw_cluster(seed - WITH_NEWCOMERS, Crowd::Newcomers) };
    }
    if seed > WITH_ZOOKEEPER {
        let drawn = draw_cluster(seed - WITH_ZOOKEEPER, Crowd::Nobody);
        return Drawn { seed, text: with_zookeeper(&drawn.text), ..drawn };
    }
    draw_cluster(seed, Crowd::Members)
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

fn draw_cluster(seed: u64, who: Crowd) -> Drawn {
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
    let story = if who != Crowd::Nobody && people.one_in(10) { group(&mut people, story, brokers) } else { story };
    // And again: who joins while it storms, and who leaves.
    let mut crowd = Dice(SimRng::new(Seed(seed), 3));
    let joins = who == Crowd::Newcomers;
    let story = if joins { cast(&mut crowd, story, brokers, copies) } else { story };
    Drawn { seed, text: story.text(), brokers: (brokers + u64::from(joins)) as u32, acks, unclean }
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

/// A broker joins and gets copies, producers come and go, a group comes, grows and shrinks, and is deployed anew.
fn cast(dice: &mut Dice, mut story: Story, brokers: u64, copies: u64) -> Story {
    let new = 101 + brokers;
    let mut at = dice.between(500, 9_000);
    story = story.at(&format!("{at}ms"), &format!("add broker {new}"));
    // Without copies it may leave, and another machine takes its number.
    if dice.one_in(3) {
        story = story.at(&format!("{}ms", at + dice.between(100, 3_000)), &format!("remove broker {new}"));
        at += dice.between(3_100, 5_000);
        story = story.at(&format!("{at}ms"), &format!("add broker {new}"));
    }
    let mut replicas: Vec<String> = (0..copies - 1).map(|place| (101 + place).to_string()).collect();
    replicas.insert(dice.between(0, copies - 1) as usize, new.to_string());
    let line = format!("kafka-reassign-partitions.sh --execute --topic orders --partition 0 --replicas {}", replicas.join(":"));
    // Whoever storms meanwhile may leave nobody to decide: asked again, it is done or was.
    for later in [dice.between(200, 5_000), 20_000, 27_000] {
        story = story.at(&format!("{}ms", at + later), &line);
    }
    for (does, undoes) in [("kill", "start"), ("stop", "start"), ("pause", "resume")] {
        let from = at + dice.between(500, 12_000);
        let until = (from + dice.between(10, 4_000)).min(HEALED_MS - 1);
        if dice.one_in(2) && from < until {
            story = story.at(&format!("{from}ms"), &format!("{does} {new}")).at(&format!("{until}ms"), &format!("{undoes} {new}"));
        }
    }
    for when in [HEALED_MS, 34_000, 44_000] {
        story = story.at(&format!("{when}ms"), &format!("resume {new}")).at(&format!("{when}ms"), &format!("start {new}"));
    }
    let mut now = dice.between(300, 6_000);
    let fast = "delivery.timeout.ms=8000 request.timeout.ms=2000 metadata.max.age.ms=5000";
    story = story.at(&format!("{now}ms"), &format!("add producer c-{{1..2}} topic=orders rate=2 records=40 {fast}"));
    // Who waits long for records costs the run few of its events.
    let group = "auto.offset.reset=earliest session.timeout.ms=6000 heartbeat.interval.ms=2000 request.timeout.ms=6000 \
                 fetch.max.wait.ms=4000 metadata.max.age.ms=5000";
    let mut members = dice.between(1, 2);
    story = story.at(&format!("{now}ms"), &format!("add group k topics=orders members={members} {group}"));
    while now < HEALED_MS - 2_000 {
        now += dice.between(100, 6_000);
        let line = match dice.between(0, 5) {
            0 => format!("set c-{{1..2}} rate={}", dice.between(1, 4)),
            1 => "remove c-2".to_owned(),
            2 => "set k topics=orders".to_owned(),
            3 => "kill k-1".to_owned(),
            _ => {
                members = dice.between(1, 4);
                format!("set k members={members}")
            }
        };
        let removed = line.starts_with("remove");
        story = story.at(&format!("{}ms", now.min(HEALED_MS - 1)), &line);
        if removed {
            let back = format!("add producer c-2 topic=orders rate=1 records=5 {fast}");
            story = story.at(&format!("{}ms", (now + dice.between(1, 900)).min(HEALED_MS - 1)), &back);
            // The fleet is two single ones from now on.
            break;
        }
    }
    // An administrator who thinks better of it.
    if dice.one_in(4) {
        let later = at + dice.between(210, 6_000);
        story = story.at(&format!("{later}ms"), "kafka-reassign-partitions.sh --cancel --topic orders --partition 0");
    }
    (1..=members).fold(story, |story, member| story.at("36s", &format!("start k-{member}")))
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
