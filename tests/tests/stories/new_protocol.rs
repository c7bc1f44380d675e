//! Groups of the new protocol (KIP-848), told by what their members and their coordinator do.

use playground_core::sorted::SortedSet;
use playground_tests::story::{Story, Told};

const CONSUMER: (&str, &str) = ("group.protocol", "\"consumer\"");

fn three_readers(config: &[(&str, &str)]) -> Told {
    let story = Story::brokers(3).latency("10ms").topic("orders", 6, 3).producer("p", "orders", "rate = 100").field("key = \"{n}\"");
    let story = story.group("g", "orders", 3).field("start = [\"0s\", \"0s\", \"20s\"]");
    config.iter().fold(story, |story, (key, value)| story.with(key, value)).run_until("20s")
}

/// Partitions that nobody owned for a moment, while the third member came in.
fn paused(config: &[(&str, &str)]) -> SortedSet<u32> {
    let mut told = three_readers(config);
    let mut without_owner = SortedSet::new();
    for slice in 1..=800 {
        told = told.until(&format!("{}ms", 20_000 + 25 * slice));
        let offsets = &told.view().groups[0].offsets["orders"];
        without_owner.extend(offsets.iter().filter(|offset| offset.client.is_none()).map(|offset| offset.partition));
    }
    told.expect(&["state(g) == Stable", "owned(g-3) == 2", "skipped(g) == 0", "duplicates(g) == 0"]);
    without_owner
}

#[test]
fn only_what_moves_pauses_where_the_coordinator_assigns() {
    assert_eq!(paused(&[("partition.assignment.strategy", "\"range\"")]).len(), 6, "eager: everybody waits for everybody");
    assert_eq!(paused(&[CONSUMER]).len(), 2, "two of the six change hands");
}

#[test]
fn a_member_that_was_put_out_while_it_was_frozen_joins_again() {
    // The second member is frozen while its session ends, and goes on as if nothing had been.
    let story = Story::brokers(3).topic("orders", 4, 3).producer("p", "orders", "rate = 20").field("key = \"{n}\"");
    let told = story.group("g", "orders", 2).with(CONSUMER.0, CONSUMER.1).at("20s", "pause g-2").run_until("75s");
    let told = told.expect(&["owned(g-1) == 4", "state(g) == Stable"]).then("resume g-2").until("90s");
    let errors = &told.client("g-2").errors;
    assert!(errors.contains_key("UNKNOWN_MEMBER_ID"), "{errors:?}");
    told.expect(&["owned(g-1) == 2", "owned(g-2) == 2", "state(g) == Stable", "skipped(g) == 0"]);
}

#[test]
fn a_member_that_polls_too_late_leaves_and_joins_with_its_next_poll() {
    let story = Story::brokers(3).topic("orders", 2, 3).producer("p", "orders", "rate = 20").field("key = \"{n}\"");
    let story = story.group("g", "orders", 2).field("process = \"1s\"").with(CONSUMER.0, CONSUMER.1);
    let told = story.with("max.poll.interval.ms", "20000").with("max.poll.records", "40").run_until("2m");
    let left = told.events("application");
    assert!(left.iter().any(|event| event.text.contains("has not called poll() for 20 s")), "{left:?}");
    let lost = told.events("partitions_revoked");
    assert!(lost.iter().any(|event| event.rule == "onPartitionsLost"), "{lost:?}");
    assert!(told.events("member_joined").len() > 2, "it came back");
}

#[test]
fn an_empty_classic_group_becomes_one_of_the_new_protocol_and_keeps_its_bookmarks() {
    let story = Story::brokers(3).topic("orders", 4, 3).producer("p", "orders", "rate = 20").field("key = \"{n}\"");
    let told = story
        .group("g", "orders", 1)
        .at("30s", "stop g-1")
        .at("35s", "set g group.protocol=consumer")
        .at("40s", "start g-1")
        .run_until("60s");
    assert_eq!(told.view().groups[0].protocol, "consumer");
    told.expect(&["state(g) == Stable", "owned(g-1) == 4", "skipped(g) == 0", "duplicates(g) == 0"]);
}

#[test]
fn an_empty_group_of_the_new_protocol_becomes_a_classic_one_again() {
    let story = Story::brokers(3).topic("orders", 4, 3).producer("p", "orders", "rate = 20").field("key = \"{n}\"");
    let told = story.group("g", "orders", 1).with(CONSUMER.0, CONSUMER.1).at("30s", "stop g-1").run_until("32s");
    let told = told.expect(&["state(g) == Empty"]).then("set g group.protocol=classic").until("35s").then("start g-1").until("60s");
    assert_eq!(told.view().groups[0].protocol, "classic");
    let told = told.expect(&["state(g) == Stable", "owned(g-1) == 4", "skipped(g) == 0", "duplicates(g) == 0"]);
    let coordinator = told.view().groups[0].coordinator.expect("it is stable");
    told.then(&format!("kill {coordinator}")).until("90s").expect(&["state(g) == Stable", "skipped(g) == 0", "duplicates(g) == 0"]);
}
