//! Kafka's own tools on a running cluster: what they change, what they print, and what they refuse.

use playground_core::cluster::Cluster;
use playground_core::shell::parse_line;
use playground_tests::story::{Story, Told, moment};

fn orders() -> Story {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "1").topic_on("orders", &[&[101, 102, 103]]);
    story.producer("p", "orders", "rate = 10")
}

/// Runs a line now: what its tool prints, or why it was refused.
fn run(cluster: &mut Cluster, line: &str) -> Result<String, String> {
    cluster.settle();
    cluster.apply(&parse_line(line).unwrap_or_else(|error| panic!("{error}"))).map_err(|error| error.to_string())
}

/// One line after ten seconds, and the cluster ten seconds later.
#[track_caller]
fn after(line: &str) -> (Result<String, String>, Told) {
    let mut told = orders().run_until("10s");
    let answer = run(&mut told.cluster, line);
    (answer, told.until("20s"))
}

#[test]
fn a_topic_is_created_grows_and_is_deleted() {
    let (answer, told) = after("kafka-topics.sh --create --topic new --partitions 2 --replication-factor 3 --config min.insync.replicas=2");
    assert_eq!(answer.as_deref(), Ok("Created topic new."));
    let mut told = told.expect(&["isr_size(new, 0) == 3", "leader(new, 1) != none", "events(topic_created, new) == 1"]);
    assert_eq!(told.event(told.events("topic_created").last().expect("created").causes[0]).kind, "command");
    assert_eq!(run(&mut told.cluster, "kafka-topics.sh --alter --topic new --partitions 3"), Ok(String::new()));
    let mut told = told.until("30s").expect(&["isr_size(new, 2) == 3"]);
    assert_eq!(run(&mut told.cluster, "kafka-topics.sh --delete --topic new"), Ok(String::new()));
    assert!(!told.until("40s").view().topics.iter().any(|topic| topic.name == "new"));
}

#[test]
fn refusals_have_kafkas_words_and_change_nothing() {
    for (line, words) in [
        ("kafka-topics.sh --create --topic orders", "Error while executing topic command : Topic 'orders' already exists."),
        ("kafka-topics.sh --create --topic x --replica-assignment 101:101", "includes the broker 101 more than once."),
        ("kafka-topics.sh --create --topic x --replica-assignment 101:109", "includes broker 109, but no such broker is registered."),
        ("kafka-topics.sh --create --topic x --config retention.mss=1", "retention.ms"),
        ("kafka-topics.sh --alter --topic orders --partitions 1", "Topic already has 1 partition(s)."),
        ("kafka-topics.sh --alter --topic nope --partitions 3", "This server does not host this topic-partition."),
        ("kafka-topics.sh --delete --topic nope", "This server does not host this topic-partition."),
        ("kafka-configs.sh --alter --topic nope --add-config retention.ms=1", "The topic 'nope' does not exist."),
        ("kafka-configs.sh --alter --topic orders --delete-config retention.ms", "Invalid config(s): retention.ms"),
        ("kafka-leader-election.sh --election-type preferred --topic orders --partition 7", "does not host"),
        ("kafka-reassign-partitions.sh --cancel --topic orders --partition 0", "No partition reassignment is in progress."),
        ("kafka-reassign-partitions.sh --execute --topic orders --partition 0 --replicas 101:104", "no such broker is registered"),
    ] {
        let quiet = orders().run_until("20s");
        let (answer, told) = after(line);
        let error = answer.expect_err(line);
        assert!(error.contains(words), "{line}: {error}");
        assert_eq!(told.cluster.digest(), quiet.cluster.digest(), "{line} left a trace");
    }
}

#[test]
fn without_an_active_controller_nothing_is_decided() {
    let told = orders().run_until("10s").then("kill 3002").then("kill 3003").until("30s");
    let mut told = told.expect(&["controller == none"]);
    let error = run(&mut told.cluster, "kafka-topics.sh --create --topic new").expect_err("no quorum");
    assert!(error.contains("no active controller"), "{error}");
}

#[test]
fn what_no_majority_can_get_is_refused_though_a_controller_still_believes_in_its_office() {
    let told = orders().run_until("10s").then("kill 3002").then("kill 3003").until("10500ms");
    let mut told = told.expect(&["controller == 3001"]);
    for line in ["kafka-topics.sh --create --topic new", "kafka-topics.sh --delete --topic orders"] {
        let error = run(&mut told.cluster, line).expect_err("nobody copies it");
        assert!(error.starts_with("Error while executing topic command : Timed out waiting for a node assignment."), "{error}");
    }
    told.until("60s").expect(&["events(command) == 0", "leader(orders, 0) == 101"]);
    // Cut off is as good as dead.
    let mut told = orders().run_until("10s").then("cut 3001 3002").then("cut 3003>3001").until("10500ms");
    assert!(run(&mut told.cluster, "kafka-topics.sh --create --topic new").is_err());
}

#[test]
fn an_answer_is_told_when_a_majority_has_what_it_says() {
    let line = "kafka-topics.sh --create --topic new --partitions 1 --replication-factor 3";
    let told = orders().latency("20ms").run_until("10s").then(line).expect(&["events(command) == 0"]);
    let told = told.until("11s").expect(&["events(command) == 1", "events(topic_created, new) == 1"]);
    assert!(told.events("command")[0].at_us >= 10_040_000, "a way there and a way back");
    // Its controller dies with what it has written and nobody has copied.
    let told = orders().latency("20ms").run_until("10s").then(line).then("kill 3001").until("30s");
    let told = told.expect(&["events(topic_created, new) == 0", "events(command) == 1"]);
    assert!(told.events("command")[0].text.contains("came to nothing"), "{}", told.events("command")[0].text);
}

#[test]
fn a_topics_setting_changes_while_it_is_written_to() {
    let two_down = |story: Story| story.at("20s", "kill 102").at("20s", "kill 103").run_until("80s");
    let story = orders().field("records = 500").with("acks", "\"all\"");
    two_down(story.clone()).expect(&["acked == 500", "errors(p, NOT_ENOUGH_REPLICAS) == 0"]);
    let strict = story.at("10s", "kafka-configs.sh --alter --entity-type topics --entity-name orders --add-config min.insync.replicas=2");
    let told = two_down(strict).expect(&["errors(p, NOT_ENOUGH_REPLICAS) >= 1"]);
    assert!(told.client("p").acked < 250);
    let line = "kafka-configs.sh --alter --entity-type topics --entity-name orders --delete-config min.insync.replicas";
    told.then(line).until("3m").expect(&["acked == 500", "failed == 0"]);
}

#[test]
fn what_a_user_types_replays_from_the_timeline() {
    let line = "kafka-topics.sh --create --topic new --partitions 3 --replication-factor 2";
    let typed = orders().run_until("10s").then(line).until("30s");
    let written = orders().at("10s", line).run_until("30s");
    assert_eq!(typed.cluster.now(), moment("30s"));
    assert_eq!(typed.cluster.digest(), written.cluster.digest());
}

#[test]
fn a_group_takes_over_new_partitions_once_its_leader_has_heard_of_them() {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "1").topic("orders", 2, 3);
    let story = story.producer("p", "orders", "rate = 20").field("key = \"{zipf:100}\"").with("metadata.max.age.ms", "10000");
    let story = story.group("g", "orders", 2).with("metadata.max.age.ms", "20000");
    let told = story.at("30s", "kafka-topics.sh --alter --topic orders --partitions 4").run_until("90s");
    let view = told.view();
    let owners: Vec<bool> = view.groups[0].offsets["orders"].iter().map(|offset| offset.client.is_some()).collect();
    assert_eq!(owners, [true; 4], "metadata.max.age.ms = 20000");
    assert!(told.log_ends("orders")[2..].iter().all(|end| *end > 100), "{:?}", told.log_ends("orders"));
    told.expect(&["skipped(g) == 0", "duplicates(g) == 0", "state(g) == Stable"]);
}
