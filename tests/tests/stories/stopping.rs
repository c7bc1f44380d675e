//! Brokers that stop in order: their leaderships move first, nobody is fenced for silence, and nothing is lost.

use playground_core::broker::Phase;
use playground_core::ids::BrokerId;
use playground_tests::story::{Story, Told};

/// Two partitions led by 101 and 102, a steady writer.
fn cluster(acks: &str) -> Story {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "1");
    let story = story.topic_on("orders", &[&[101, 102, 103], &[102, 103, 101]]);
    story.producer("p", "orders", "rate = 200").with("acks", &format!("\"{acks}\"")).field("records = 4000")
}

fn leader(told: &Told, partition: u32) -> Option<i32> {
    told.view().topics.iter().find(|topic| topic.name == "orders")?.partitions[partition as usize].leader
}

fn phase(told: &Told, broker: i32) -> Phase {
    told.cluster.broker(BrokerId(broker)).expect("it is there").phase()
}

#[test]
fn leaderships_move_at_once_and_the_process_ends_when_everybody_knows() {
    let told = cluster("all").run_until("5s").then("stop 101").until("5100ms");
    assert_eq!(leader(&told, 0), Some(102), "no session had to pass");
    assert_eq!(phase(&told, 101), Phase::Stopping);
    let told = told.until("10s");
    assert_eq!(phase(&told, 101), Phase::Down, "within two heartbeats of the others");
    let fenced = told.events("broker_fenced");
    assert_eq!(fenced.len(), 1);
    assert!(fenced[0].text.contains("lets it stop"), "{}", fenced[0].text);
    told.until("60s").expect(&["acked == 4000", "failed == 0", "acked_lost == 0"]);
}

#[test]
fn even_acks_1_loses_nothing_by_a_stop() {
    let told = cluster("1").run_until("5s").then("stop 101").until("60s");
    told.expect(&["acked == 4000", "failed == 0", "acked_lost == 0"]);
}

#[test]
fn a_stopped_broker_comes_back_as_a_follower_that_is_soon_in_sync() {
    let told = cluster("all").run_until("5s").then("stop 101").until("20s").then("start 101").until("40s");
    assert_eq!(phase(&told, 101), Phase::Running);
    assert_eq!(leader(&told, 0), Some(102), "it leads nothing by that alone");
    told.expect(&["under_replicated == 0", "acked_lost == 0"]).expect_equal_copies("orders", 0);
}

#[test]
fn an_election_by_a_stop_names_the_stop() {
    let told = cluster("all").run_until("5s").then("stop 101").until("6s");
    let elected = told.events("leader_elected");
    let stopping = told.event(elected[0].causes[0]);
    assert_eq!((stopping.kind.as_str(), stopping.subject.as_str()), ("broker_stopping", "101"));
    assert_eq!(told.event(stopping.causes[0]).kind, "fault", "the user's own words");
}

#[test]
fn the_last_broker_may_stop_and_its_partitions_wait_for_it() {
    let told = Story::brokers(1).topic("orders", 1, 1).producer("p", "orders", "rate = 100").field("records = 1000").run_until("5s");
    let told = told.then("stop 101").until("10s");
    assert_eq!((phase(&told, 101), leader(&told, 0)), (Phase::Down, None));
    let told = told.then("start 101").until("60s");
    assert_eq!(leader(&told, 0), Some(101));
    told.expect(&["acked == 1000", "acked_lost == 0"]);
}

#[test]
fn all_brokers_may_stop_together_and_come_back_with_every_record() {
    let told = cluster("all").run_until("4s").then("stop brokers").until("20s");
    assert!([101, 102, 103].iter().all(|broker| phase(&told, *broker) == Phase::Down));
    let told = told.then("start brokers").until("90s");
    told.expect(&["acked_lost == 0", "under_replicated == 0"]).expect_equal_copies("orders", 0);
}
