//! What administrators do to a running cluster, and what brokers and clients make of it.

use playground_tests::story::{Story, Told};

fn written() -> Story {
    let story = Story::brokers(4).broker_config("offsets.topic.replication.factor", "1").topic_on("orders", &[&[101, 102, 103]]);
    story.producer("p", "orders", "rate = 200")
}

fn cluster() -> Story {
    written().group("g", "orders", 2)
}

fn replicas(told: &Told) -> Vec<i32> {
    let view = told.view();
    let topic = view.topics.iter().find(|topic| topic.name == "orders").expect("it is there");
    topic.partitions[0].replicas.clone()
}

fn holds(told: &Told, broker: i32) -> bool {
    told.cluster.brokers().iter().any(|known| known.id.0 == broker && known.replicas().keys().any(|id| id.topic.0 == 0))
}

#[test]
fn a_deleted_topic_leaves_no_replica_behind_and_clients_hear_that_it_is_unknown() {
    let told = cluster().run_until("10s").then("kafka-topics.sh --delete --topic orders").until("12s");
    assert!(![101, 102, 103, 104].iter().any(|broker| holds(&told, *broker)));
    assert!(!told.view().topics.iter().any(|topic| topic.name == "orders"));
    let told = told.until("200s");
    let producer = told.client("p");
    assert!(producer.failed > 0, "after delivery.timeout.ms there is no more hope");
    assert!(told.cluster.violations().is_empty(), "{:?}", told.cluster.violations());
    told.expect(&["acked_lost == 0"]);
}

#[test]
fn a_move_to_a_broker_that_is_down_waits_and_can_be_taken_back() {
    let told = cluster().run_until("5s").then("kill 104").until("20s");
    let told = told.then("kafka-reassign-partitions.sh --execute --topic orders --partition 0 --replicas 104:102").until("40s");
    assert_eq!(replicas(&told), [104, 102, 101, 103], "old and new side by side");
    let told = told.then("kafka-reassign-partitions.sh --cancel --topic orders --partition 0").until("45s");
    assert_eq!(replicas(&told), [102, 101, 103]);
    told.expect(&["acked_lost == 0", "failed == 0"]);
}

#[test]
fn a_broker_that_was_down_drops_what_was_deleted_meanwhile() {
    let told = cluster().run_until("10s").then("kill 103").until("20s").then("kafka-topics.sh --delete --topic orders").until("25s");
    assert!(holds(&told, 103), "its disk knows nothing of it");
    let told = told.then("start 103").until("40s");
    assert!(!holds(&told, 103));
}

#[test]
fn a_topic_of_the_same_name_begins_empty() {
    let told = cluster().run_until("10s").then("kafka-topics.sh --delete --topic orders").until("12s");
    let told = told.then("kafka-topics.sh --create --topic orders --partitions 1 --replication-factor 3").until("30s");
    let ends = told.log_ends("orders");
    assert!(ends[0] > 0 && ends[0] < 200 * 25, "{ends:?}");
    assert_eq!(told.events("topic_deleted").len(), 1);
}

#[test]
fn a_partition_moves_while_it_is_written_to_and_nothing_is_lost() {
    let told = written().field("records = 8000").group("g", "orders", 2).run_until("10s");
    let told = told.then("kafka-reassign-partitions.sh --execute --topic orders --partition 0 --replicas 104:102").until("60s");
    assert_eq!(replicas(&told), [104, 102]);
    assert!(holds(&told, 104) && !holds(&told, 101) && !holds(&told, 103), "the old copies are gone");
    let moved = told.events("partition_reassigned");
    assert_eq!(moved.len(), 2, "begun and done");
    assert!(moved[1].text.contains("has moved"), "{}", moved[1].text);
    told.expect(&["acked == 8000", "failed == 0", "acked_lost == 0", "under_replicated == 0"]).expect_equal_copies("orders", 0);
}

#[test]
fn a_higher_minimum_holds_from_the_moment_the_leader_hears_of_it() {
    let told = cluster().run_until("10s").then("kill 103").until("25s");
    let told =
        told.then("kafka-configs.sh --alter --entity-type topics --entity-name orders --add-config min.insync.replicas=3").until("27s");
    let before = told.client("p").acked;
    let told = told.until("40s");
    assert_eq!(told.client("p").acked, before, "two are not three");
    let told = told.then("start 103").until("60s");
    assert!(told.client("p").acked > before);
}

#[test]
fn added_partitions_are_written_and_read_without_a_restart() {
    let told = cluster().run_until("10s").then("kafka-topics.sh --alter --topic orders --partitions 4").until("330s");
    let ends = told.log_ends("orders");
    assert_eq!(ends.len(), 4);
    assert!(ends.iter().all(|end| *end > 0), "{ends:?}");
}
