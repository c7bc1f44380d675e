//! Many small clusters, each broken at random: what must hold always holds, and what was promised is kept.
//!
//! A failing seed prints itself with the scenario it drew; pasted into a file, that scenario shows the failure again.

use playground_core::cluster::Cluster;
use playground_core::ids::{BrokerId, TopicPartition};
use playground_core::rng::{Seed, SimRng};
use playground_core::scenario::Scenario;
use playground_core::time::{SimDuration, SimTime};
use playground_core::view::ClusterView;
use playground_tests::story::{Story, Told, moment};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};

const SEEDS: u64 = 200;
const STORM_ENDS: &str = "90s";
/// Everybody is up again from [`STORM_ENDS`]; the last delivery.timeout.ms ends two minutes later.
const QUIET: &str = "260s";

/// What a seed drew.
struct Drawn {
    story: Story,
    brokers: u32,
    acks: &'static str,
    unclean: bool,
}

fn draw(seed: u64) -> Drawn {
    let mut rng = SimRng::new(Seed(seed), 0);
    let mut pick = |from: u64, to: u64| from + rng.below(to - from + 1);
    let brokers = pick(1, 4) as u32;
    let copies = pick(1, u64::from(brokers).min(3)) as u32;
    let min_isr = pick(1, u64::from(copies));
    let acks = ["all", "all", "1", "0"][pick(0, 3) as usize];
    let unclean = pick(0, 3) == 0;
    let latency = ["1ms", "5ms", "40ms"][pick(0, 2) as usize];
    let mut story = Story::brokers(brokers).seed(seed).latency(latency);
    story = story.broker_config("offsets.topic.replication.factor", &brokers.min(3).to_string());
    story = story.broker_config("offsets.topic.num.partitions", "4");
    story = story.topic("orders", pick(1, 4) as u32, copies).with("min.insync.replicas", &min_isr.to_string());
    story = story.with("unclean.leader.election.enable", if unclean { "true" } else { "false" });
    for (name, rate) in [("a", pick(1, 30)), ("b", pick(1, 5))] {
        story = story.producer(name, "orders", &format!("rate = {rate}")).field(&format!("records = {}", rate * 80));
        story = story.with("acks", &format!("\"{acks}\"")).with("linger.ms", &pick(0, 20).to_string());
        story = if name == "a" { story.field("key = \"{zipf:20}\"") } else { story };
        if acks == "all" && pick(0, 2) == 0 {
            story = story.with("enable.idempotence", "false");
        }
    }
    story = story.group("g", "orders", pick(1, 3) as u32);
    let mut down = vec![false; brokers as usize];
    let mut now = 5_000;
    while now < 85_000 {
        let broker = pick(0, u64::from(brokers) - 1) as usize;
        let verb = if down[broker] { "start" } else { "kill" };
        down[broker] = !down[broker];
        story = story.at(&format!("{now}ms"), &format!("{verb} {}", 101 + broker));
        now += [pick(0, 3), pick(10, 900), pick(1_000, 12_000), pick(5_000, 25_000)][pick(0, 3) as usize];
    }
    for broker in (0..brokers as usize).filter(|broker| down[*broker]) {
        story = story.at(STORM_ENDS, &format!("start {}", 101 + broker));
    }
    Drawn { story, brokers, acks, unclean }
}

/// Every invariant after every event, up to a moment.
fn watched(cluster: &mut Cluster, until: SimTime, every: u64) -> Result<(), String> {
    loop {
        let done = cluster.run_some(until, every);
        if let Some(violation) = cluster.violations().first() {
            return Err(format!("at {}, step {}: {violation}", cluster.now(), cluster.steps()));
        }
        if done {
            return Ok(());
        }
    }
}

#[test]
fn invariants_hold_after_every_event_of_a_crash() {
    let crash = Scenario::parse(include_str!("../scenarios/kill_102.toml")).expect("valid");
    let mut cluster = Cluster::new(&crash);
    for (calm, tense) in [("59s", "75s"), ("119s", "135s"), ("299s", "303s")] {
        watched(&mut cluster, moment(calm), 50).expect("no invariant breaks");
        watched(&mut cluster, moment(tense), 1).expect("no invariant breaks");
    }
}

#[test]
fn whatever_breaks_what_must_hold_holds() {
    let seeds = seeds();
    let failures: Vec<String> = seeds.filter_map(failure).collect();
    assert!(failures.is_empty(), "{} seeds fail:\n{}", failures.len(), failures.join("\n"));
}

/// `SWARM_SEED=17` or `SWARM_SEED=1..5000` runs others than usual.
fn seeds() -> RangeInclusive<u64> {
    let Ok(asked) = std::env::var("SWARM_SEED") else { return 1..=SEEDS };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("SWARM_SEED={asked}: write a number or 1..5000"));
    match asked.split_once("..") {
        Some((first, last)) => number(first)..=number(last),
        None => number(&asked)..=number(&asked),
    }
}

fn failure(seed: u64) -> Option<String> {
    let drawn = draw(seed);
    // An assertion of the engine itself is a failure of this seed like any other.
    let problem = match catch_unwind(AssertUnwindSafe(|| played(seed, &drawn))) {
        Ok(result) => result.err()?,
        Err(_) => "the engine panicked, as told above".to_owned(),
    };
    Some(format!("SWARM_SEED={seed}: {problem}\n{}", drawn.story.text()))
}

fn played(seed: u64, drawn: &Drawn) -> Result<(), String> {
    let mut told = drawn.story.start();
    let every = if seed.is_multiple_of(10) { 1 } else { 97 };
    watched(&mut told.cluster, moment(STORM_ENDS), every)?;
    watched(&mut told.cluster, moment(QUIET), 997)?;
    at_the_end(drawn, &told)
}

/// Everything is up again and nothing is under way: what must be true of the whole run.
fn at_the_end(drawn: &Drawn, told: &Told) -> Result<(), String> {
    let view = told.view();
    let claim = |holds: bool, what: String| if holds { Ok(()) } else { Err(what) };
    let ledger = &view.ledger;
    let producers = view.clients.iter().filter(|client| client.group.is_none());
    for client in producers {
        claim(
            client.sent == client.acked + client.failed,
            format!("{}: {} sent, {} acked, {} failed", client.name, client.sent, client.acked, client.failed),
        )?;
    }
    if drawn.acks == "all" && !drawn.unclean {
        claim(ledger.acked_lost_total == 0, format!("{} acknowledged records are lost", ledger.acked_lost_total))?;
    }
    for broker in &view.brokers {
        claim(broker.state == playground_core::view::BrokerState::Running, format!("broker {} is {:?}", broker.id, broker.state))?;
    }
    for topic in &view.topics {
        for partition in &topic.partitions {
            let (name, isr) = (format!("{}-{}", topic.name, partition.partition), &partition.isr);
            claim(partition.leader.is_some(), format!("{name} has no leader"))?;
            claim(isr.len() == partition.replicas.len(), format!("{name}: ISR {isr:?} of {:?}", partition.replicas))?;
            if topic.internal {
                // The next commit may be under way at any moment.
                continue;
            }
            let same = partition.copies.iter().all(|copy| copy.log_end == partition.log_end && copy.high_watermark == partition.log_end);
            claim(same, format!("{name}: copies end differently: {:?}", partition.copies))?;
        }
    }
    for topic in told.cluster.controller().image().topics().filter(|topic| !topic.internal) {
        for partition in 0..topic.partitions.len() as u32 {
            let id = TopicPartition { topic: topic.id, partition };
            let logs = (101..101 + drawn.brokers as i32).filter_map(|broker| told.cluster.broker(BrokerId(broker))?.replicas().get(&id));
            let mut contents: Vec<u64> = logs.map(|replica| replica.log.content()).collect();
            contents.dedup();
            claim(contents.len() == 1, format!("{}-{partition}: copies hold different bytes", topic.name))?;
        }
    }
    groups_converged(&view, drawn)
}

fn groups_converged(view: &ClusterView, drawn: &Drawn) -> Result<(), String> {
    let claim = |holds: bool, what: String| if holds { Ok(()) } else { Err(what) };
    for group in &view.groups {
        claim(group.state == "Stable", format!("group {} is {}", group.name, group.state))?;
        for offset in &group.offsets["orders"] {
            let at_end = offset.position == Some(offset.log_end) && offset.lag.is_none_or(|lag| lag == 0);
            claim(at_end, format!("group {} stands at {offset:?}", group.name))?;
        }
        if !drawn.unclean && drawn.acks == "all" {
            claim(view.ledger.skipped[&group.name] == 0, format!("group {} skipped {}", group.name, view.ledger.skipped[&group.name]))?;
        }
    }
    Ok(())
}

#[test]
fn calm_after_a_storm_stays_calm() {
    let drawn = draw(3);
    let mut told = drawn.story.run_until(QUIET);
    let before = told.log_ends("orders");
    told.cluster.run_until(moment(QUIET) + SimDuration::from_secs(1_000));
    assert_eq!(told.log_ends("orders"), before);
    assert_eq!(told.cluster.violations(), Vec::<String>::new());
}
