//! The quorum of controllers: who decides, what waits for a majority, and that whatever happens to voters harms nobody's records.

use playground_core::cluster::invariant::QuorumSeen;
use playground_core::rng::{Seed, SimRng};
use playground_core::time::SimDuration;
use playground_tests::story::{Story, Told, moment};

fn orders() -> Story {
    let story = Story::brokers(3).topic_on("orders", &[&[101, 102, 103], &[102, 103, 101], &[103, 101, 102]]);
    story.with("min.insync.replicas", "2").producer("p", "orders", "rate = 10")
}

#[test]
fn an_election_of_the_quorum_names_what_made_it_necessary() {
    let told = orders().run_until("10s").then("kill 3001").until("20s").expect(&["controller != none", "controller_epoch >= 2"]);
    let elected = told.events("controller_elected");
    assert_eq!(elected.len(), 1);
    assert_eq!(told.event(elected[0].causes[0]).text, "Controller 3001 crashed. Its disk is still there.");
    assert!(elected[0].text.contains("with the votes of 3002, 3003"), "{}", elected[0].text);
    let late = elected[0].at_us - 10_000_000;
    assert!((1_500_000..=6_000_000).contains(&late), "it is missed after 2 s without a fetch: {late} µs");
}

#[test]
fn what_no_majority_has_is_told_to_nobody() {
    // 3001 misses 102 when it is alone already; its successor gives 102 a full session.
    let story = orders().at("20s", "kill 102").at("27s", "cut 3001 3002").at("27s", "cut 3001 3003");
    let told = story.at("60s", "heal").run_until("90s").expect(&["leader(orders, 1) == 103", "controller != 3001", "failed == 0"]);
    let fenced = told.events("broker_fenced");
    assert_eq!(fenced.len(), 1, "only what is committed is told");
    assert!(fenced[0].at_us > 36_000_000, "a new session of 9 s begins with the new controller");
    let resigned = told.events("controller_resigned");
    assert_eq!(resigned.iter().map(|event| event.subject.as_str()).collect::<Vec<_>>(), ["3001"]);
    let images: Vec<u64> = told.cluster.controllers().iter().map(|voter| voter.image().offset).collect();
    assert!(images.iter().all(|offset| *offset == images[0]), "3001 has dropped what it had alone: {images:?}");
}

#[test]
fn what_a_dying_controller_wrote_is_told_once_its_successor_has_committed_it() {
    let told = orders().latency("20ms").run_until("10s").then("kill 102");
    let voter = |told: &Told, place: usize| told.cluster.controllers()[place].raft().clone();
    // A follower has the new leader of orders-1; 3001 does not know that yet.
    let copied = |told: &Told| voter(told, 1).log().end() > voter(told, 0).high_watermark() && voter(told, 0).high_watermark() > 0;
    let told = told.until("15s").until_it_holds("the followers of the quorum copy the election", copied);
    assert!(told.events("leader_elected").is_empty());
    let told = told.then("kill 3001").until("40s").expect(&["leader(orders, 1) == 103", "events(broker_fenced, 102) == 1"]);
    let elected = told.events("leader_elected");
    assert_eq!(elected.iter().map(|event| event.subject.as_str()).collect::<Vec<_>>(), ["orders-1"], "once");
    assert!(elected[0].at_us >= told.events("controller_elected")[0].at_us);
    assert_eq!(told.event(elected[0].causes[0]).kind, "broker_fenced");
}

#[test]
fn without_a_majority_no_topic_is_made_and_no_group_begins() {
    let story = orders().group("g", "orders", 1).at("0s", "kill 3001").at("0s", "kill 3002").at("60s", "start 3002");
    let told = story.run_until("59s").expect(&["controller == none", "delivered(g) == 0", "failed == 0"]);
    assert!(!told.view().topics.iter().any(|topic| topic.internal), "__consumer_offsets waits for a controller");
    let told = told.until("90s").expect(&["controller != none", "state(g) == Stable", "failed == 0"]);
    assert!(told.view().topics.iter().any(|topic| topic.internal));
}

#[test]
fn a_broker_that_starts_without_a_controller_waits_for_one() {
    let story = orders().at("10s", "kill 102").at("30s", "kill 3001").at("30s", "kill 3002").at("31s", "start 102");
    let told = story.at("60s", "start 3001").run_until("60s").expect(&["broker(102) == starting"]);
    told.until("90s").expect(&["broker(102) == running", "under_replicated == 0", "failed == 0"]);
}

#[test]
fn a_paused_controller_is_replaced_and_follows_when_it_goes_on() {
    let story = orders().at("10s", "pause 3001").at("40s", "resume 3001");
    let told = story.run_until("30s").expect(&["controller_epoch >= 2", "controller != 3001", "under_replicated == 0"]);
    told.until("60s").expect(&["controller != 3001", "under_replicated == 0", "failed == 0"]);
}

#[test]
fn a_controller_that_stops_in_order_hands_over_at_once() {
    let told = orders().run_until("10s").then("stop 3001").until("10100ms").expect(&["controller != none", "controller_epoch == 2"]);
    assert!(!told.view().controllers.alive.contains(&3001), "it stays until another one leads, no longer");
    let told = told.then("stop 3003").until("20s").expect(&["failed == 0"]);
    assert_eq!(told.view().controllers.alive.len(), 1, "who does not lead just goes");
}

#[test]
fn five_voters_survive_two() {
    let story = Story::brokers(3).field("controllers = 5").topic_on("orders", &[&[101, 102, 103]]).producer("p", "orders", "rate = 5");
    let told = story.at("10s", "kill 3001").at("20s", "kill 3002").at("40s", "kill 101").run_until("60s");
    let told = told.expect(&["controller != none", "leader(orders, 0) == 102", "failed == 0"]);
    let told = told.then("kill 3003").until("90s").expect(&["controller == none", "leader(orders, 0) == 102", "failed == 0"]);
    told.then("start 3001").until("120s").expect(&["controller != none", "failed == 0"]);
}

/// Voters, brokers and the links of voters break at random; after every event K1 holds, and in the end everything is as it was.
#[test]
fn whatever_befalls_the_voters_the_quorum_holds() {
    let failures: Vec<String> = (1..=60).filter_map(|seed| storm(seed).err().map(|why| format!("seed {seed}: {why}"))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn storm(seed: u64) -> Result<(), String> {
    let mut rng = SimRng::new(Seed(seed), 0);
    let mut pick = |from: u64, to: u64| from + rng.below(to - from + 1);
    let voters = [1, 3, 3, 5][pick(0, 3) as usize];
    let mut story = Story::brokers(3).field(&format!("controllers = {voters}")).seed(seed);
    story = story.topic("orders", 3, 3).with("min.insync.replicas", "2").with("unclean.leader.election.enable", "false");
    story = story.producer("p", "orders", "rate = 5").field("records = 400").group("g", "orders", 1);
    let mut now = 2_000;
    while now < 80_000 {
        let (voter, other) = (3_000 + pick(1, voters), 3_000 + pick(1, voters));
        let line = match pick(0, 12) {
            0..=2 => format!("kill {voter}"),
            3..=5 => format!("start {voter}"),
            6 => format!("pause {voter}"),
            7 => format!("resume {voter}"),
            8 if voter != other => format!("cut {voter}>{other}"),
            9 => format!("cut {} {voter}", 100 + pick(1, 3)),
            10 => "heal".to_owned(),
            11 => format!("kill {}", 100 + pick(1, 3)),
            _ => format!("start {}", 100 + pick(1, 3)),
        };
        story = story.at(&format!("{now}ms"), &line);
        now += [pick(0, 3), pick(10, 900), pick(900, 5_000), pick(3_000, 12_000)][pick(0, 3) as usize];
    }
    story = story.at("90s", "heal");
    for id in (3_001..3_001 + voters).chain(101..=103) {
        story = story.at("90s", &format!("resume {id}")).at("90001ms", &format!("start {id}"));
    }
    let mut told = story.start();
    let mut seen = QuorumSeen::default();
    while !told.cluster.run_some(moment("100s"), 1) {
        if let Some(broken) = seen.look(&told.cluster).first() {
            return Err(format!("at {}: {broken}\n{}", told.cluster.now(), story.text()));
        }
    }
    told.cluster.run_until(moment("260s"));
    calm(&told).map_err(|why| format!("{why}\n{}", story.text()))?;
    let before = told.view().controllers;
    told.cluster.run_until(told.cluster.now() + SimDuration::from_secs(60));
    if told.view().controllers != before {
        return Err("the quorum does not come to rest".to_owned());
    }
    Ok(())
}

fn calm(told: &Told) -> Result<(), String> {
    let view = told.view();
    let claim = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    claim(view.controllers.leader.is_some(), "nobody decides")?;
    claim(view.brokers.iter().all(|broker| !broker.fenced), "a broker stays out")?;
    let partitions = || view.topics.iter().flat_map(|topic| &topic.partitions);
    claim(partitions().all(|partition| partition.isr.len() == 3 && partition.leader.is_some()), "a partition is not whole")?;
    claim(view.ledger.sent == view.ledger.acked + view.ledger.failed && view.ledger.sent == 400, "a record has no end")?;
    claim(view.ledger.acked_lost_total == 0, "an acknowledged record is lost")?;
    claim(view.groups[0].state == "Stable", "the group does not come back")?;
    claim(view.violations.is_empty(), &view.violations.join(", "))
}
