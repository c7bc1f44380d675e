//! The built-in fleet keeps the figures it promises, on its own and through the crash of a broker.

use playground_core::scenario::{Scenario, builtin};
use playground_tests::story::Told;

fn fleet() -> Told {
    Told::of(&Scenario::parse(builtin("trucks_gps").expect("built in")).expect("valid"))
}

fn crash() -> Told {
    let text = include_str!("../../scenarios/kill_102.toml");
    Told::of(&Scenario::parse(text).expect("valid"))
}

#[test]
fn ten_minutes_of_trucks_are_600_records_and_none_is_lost() {
    let told = fleet().until("10m").expect(&["sent == 600", "acked == 600", "failed == 0", "acked_lost == 0"]);
    assert_eq!(told.log_ends("trucks_gps"), [0, 0, 30, 60, 120, 60, 60, 60, 90, 120]);
}

#[test]
fn both_groups_get_everything_once_and_their_bookmarks_follow() {
    let scenario = Scenario::parse(builtin("trucks_gps").expect("built in")).expect("valid");
    let promised = scenario.expects.last().expect("the file says what must hold");
    let promised: Vec<&str> = promised.that.iter().map(String::as_str).collect();
    assert!(promised.iter().any(|that| that.starts_with("delivered(notification-service)")), "{promised:?}");
    fleet().until("10m").expect(&promised);
}

#[test]
fn a_group_lives_where_the_hash_of_its_name_says() {
    let view = fleet().until("30s").view();
    let partitions: Vec<(&str, u32)> = view.groups.iter().map(|group| (group.name.as_str(), group.offsets_partition)).collect();
    assert_eq!(partitions, [("location-dashboard", 28), ("notification-service", 39)]);
}

#[test]
fn a_crashed_broker_is_fenced_nine_seconds_after_its_last_heartbeat() {
    let told = crash().until("2m").expect(&["offline == 0", "acked_lost == 0"]);
    let fenced = told.events("broker_fenced");
    assert_eq!(fenced.len(), 1);
    // Heartbeats go every 2 s, so the last one came at most 2 s before the crash.
    assert!((67_000_000..=69_002_000).contains(&fenced[0].at_us), "{}", fenced[0].at_us);
    let moved = told.events("leader_elected");
    assert!(moved.len() >= 3, "102 led some of the ten partitions");
    assert!(moved.iter().all(|event| event.at_us == fenced[0].at_us && event.causes == [fenced[0].id]));
}

#[test]
fn the_heartbeat_before_the_crash_decides_when_it_is_missed() {
    // Whatever the phase of the heartbeats, fencing comes exactly a session after the last one that arrived.
    for seed in 1..=5 {
        let mut scenario = Scenario::parse(include_str!("../../scenarios/kill_102.toml")).expect("valid");
        scenario.seed = seed;
        let told = Told::of(&scenario).until("80s");
        let at = told.events("broker_fenced")[0].at_us;
        assert!((67_000_000..=69_002_000).contains(&at), "seed {seed}: {at}");
    }
}

#[test]
fn producers_recover_by_themselves() {
    let told = crash().until("5m").expect(&["sent == 300", "acked == 300", "failed == 0", "acked_lost == 0"]);
    let retries: u64 = told.view().clients.iter().map(|client| client.retries).sum();
    assert!(retries > 0, "somebody met the dead leader");
    assert_eq!(told.log_ends("trucks_gps").iter().sum::<u64>(), 300, "and nothing was written twice");
}

#[test]
fn a_returning_broker_rejoins_every_isr_and_leads_nothing() {
    let told = crash().until("170s").expect(&["under_replicated == 0", "broker(102) == running"]);
    let view = told.view();
    assert_eq!(view.brokers[1].leaders, 0);
    for topic in &view.topics {
        assert!(topic.partitions.iter().all(|partition| partition.isr.len() == 3), "{}", topic.name);
    }
}

#[test]
fn preferred_leaders_return_at_the_300_s_check_and_not_before() {
    let before = crash().until("300s");
    assert_eq!(before.view().brokers[1].leaders, 0);
    let after = before.until("301s").expect(&["offline == 0"]);
    let view = after.view();
    for topic in &view.topics {
        assert!(topic.partitions.iter().all(|partition| partition.leader == Some(partition.replicas[0])), "{}", topic.name);
    }
    let returned = after.events("leader_elected").into_iter().filter(|event| event.at_us > 170_000_000);
    // Decided at 300 s, told when a majority of the controllers has it.
    assert!(returned.map(|event| event.at_us).all(|at| (300_000_000..300_050_000).contains(&at)));
}

#[test]
fn every_copy_is_the_same_after_the_crash() {
    let told = crash().until("5m");
    (0..10).for_each(|partition| told.expect_equal_copies("trucks_gps", partition));
}
