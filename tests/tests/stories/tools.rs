//! Kafka's own tools on a running cluster: what they change, what they print, and what they refuse.

use playground_core::cluster::Cluster;
use playground_core::shell::parse_line;
use playground_core::shell::reading::answer;
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

/// What a line that only reads prints.
#[track_caller]
fn read(told: &Told, line: &str) -> String {
    answer(&told.cluster, line).unwrap_or_else(|| panic!("{line} reads nothing")).unwrap_or_else(|refusal| refusal)
}

fn moving() -> Story {
    let story = Story::brokers(4).broker_config("offsets.topic.replication.factor", "1");
    let story = story.topic_on("orders", &[&[101, 102, 103], &[102, 103, 101]]).with("min.insync.replicas", "2");
    story.topic_on("calls", &[&[103, 101]]).producer("p", "orders", "rate = 10").field("records = 40").field("partition = 0")
}

#[test]
fn topics_are_described_in_kafkas_columns() {
    let told = moving().at("10s", "kill 103").run_until("30s");
    let id = |line: &str| line.split('\t').nth(1).expect("an id").trim_start_matches("TopicId: ").to_owned();
    let text = read(&told, "kafka-topics.sh --bootstrap-server localhost:9092 --describe");
    let lines: Vec<&str> = text.split('\n').collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0], format!("Topic: calls\tTopicId: {}\tPartitionCount: 1\tReplicationFactor: 2\tConfigs: ", id(lines[0])));
    assert_eq!(lines[1], "\tTopic: calls\tPartition: 0\tLeader: 101\tReplicas: 103,101\tIsr: 101\tElr: \tLastKnownElr: ");
    let head = format!("Topic: orders\tTopicId: {}\tPartitionCount: 2\tReplicationFactor: 3\tConfigs: min.insync.replicas=2", id(lines[2]));
    assert_eq!(lines[2], head);
    assert_eq!(lines[4], "\tTopic: orders\tPartition: 1\tLeader: 102\tReplicas: 102,103,101\tIsr: 102,101\tElr: \tLastKnownElr: ");
    assert_eq!(id(lines[0]).len(), 22, "a UUID in base64url");
    assert_eq!(read(&told, "kafka-topics --list"), "calls\norders");
    assert_eq!(read(&told, "kafka-topics.sh --describe --under-replicated-partitions --topic cal.*"), lines[1]);
    assert_eq!(read(&told, "kafka-topics.sh --describe --under-min-isr-partitions"), "");
    assert_eq!(read(&told, "kafka-topics.sh --describe --at-min-isr-partitions --topic orders"), lines[3..].join("\n"));
    assert_eq!(read(&told, "kafka-topics.sh --describe --unavailable-partitions"), "");
    let missing = "Error while executing topic command : Topic 'nope' does not exist as expected";
    assert_eq!(read(&told, "kafka-topics.sh --describe --topic nope"), missing);
    assert!(read(&told, "kafka-topics.sh --describe --topics orders").contains("does not belong here"));
    let told = told.then("kill 101").then("kill 102").until("60s");
    let text = read(&told, "kafka-topics.sh --describe --topic orders --unavailable-partitions");
    assert_eq!(text.matches("Leader: none").count(), 2, "{text}");
    assert!(read(&told.then("kill 104"), "kafka-topics.sh --list").contains("Timed out waiting for a node assignment."));
}

#[test]
fn settings_offsets_and_moves_are_read_as_kafka_prints_them() {
    let told = moving().run_until("10s");
    let line = "  min.insync.replicas=2 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:min.insync.replicas=2, DEFAULT_CONFIG:min.insync.replicas=1}";
    let described = read(&told, "kafka-configs.sh --describe --entity-type topics --entity-name orders");
    assert_eq!(described, format!("Dynamic configs for topic orders are:\n{line}"));
    let all = read(&told, "kafka-configs.sh --describe --all --topic calls");
    assert!(all.starts_with("All configs for topic calls are:\n"), "{all}");
    assert!(all.contains("  max.message.bytes=1048588 sensitive=false synonyms={DEFAULT_CONFIG:message.max.bytes=1048588}"), "{all}");
    assert_eq!(read(&told, "kafka-get-offsets.sh --topic orders"), "orders:0:40\norders:1:0");
    assert_eq!(read(&told, "kafka-get-offsets.sh --topic orders --partitions 0 --time earliest"), "orders:0:0");
    assert_eq!(read(&told, "kafka-reassign-partitions.sh --list"), "No partition reassignments found.");
    let told = told.then("kill 104").until("30s");
    let told = told.then("kafka-reassign-partitions.sh --execute --topic orders --partition 0 --replicas 104:102").until("31s");
    let list = "Current partition reassignments:\norders-0: replicas: 104,102,101,103. adding: 104. removing: 101,103.";
    assert_eq!(read(&told, "kafka-reassign-partitions.sh --list"), list);
    let described = read(&told, "kafka-topics.sh --describe --topic orders");
    assert!(described.contains("\tIsr: 101,102,103\tAdding Replicas: 104\tRemoving Replicas: 101,103\tElr: "), "{described}");
    let verify = "kafka-reassign-partitions.sh --verify --topic orders --partition 0 --replicas 104:102";
    let status = |told: &Told| read(told, verify);
    assert_eq!(status(&told), "Status of partition reassignment:\nReassignment of partition orders-0 is still in progress.");
    let told = told.then("start 104").until("60s");
    assert_eq!(status(&told), "Status of partition reassignment:\nReassignment of partition orders-0 is completed.");
    let other = read(&told, "kafka-reassign-partitions.sh --verify --topic orders --partition 1 --replicas 104:102");
    assert!(other.ends_with("orders-1, but replica set is 102,103,101 rather than 104,102."), "{other}");
}

#[test]
fn the_quorum_is_described_with_its_voters_and_observers() {
    let told = orders().run_until("10s").then("kill 3003").until("20s");
    let text = read(&told, "kafka-metadata-quorum.sh --bootstrap-server 101:9092 describe --replication");
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').map(str::trim).collect()).collect();
    assert_eq!(lines.len(), 7, "{text}");
    assert_eq!(lines[0][..4], ["NodeId", "DirectoryId", "LogEndOffset", "Lag"]);
    assert_eq!((lines[1][0], lines[1][3], lines[1][6]), ("3001", "0", "Leader"));
    assert_eq!((lines[2][0], lines[2][6]), ("3002", "Follower"));
    assert_eq!((lines[4][0], lines[4][3], lines[4][6]), ("101", "0", "Observer"));
    let late: i64 = lines[1][5].parse::<i64>().expect("a time") - lines[3][5].parse::<i64>().expect("a time");
    assert!((9_500..=10_500).contains(&late), "3003 was there ten seconds ago: {late} ms");
    let status = read(&told, "kafka-metadata-quorum describe --status");
    assert!(status.contains("\nLeaderId:               3001\nLeaderEpoch:            1\n"), "{status}");
    assert!(
        status.contains(
            "CurrentVoters:          [{\"id\": 3001, \"directoryId\": \"AAAAAAAAAAEAAAAAAAALuQ\", \"endpoints\": [\"CONTROLLER://"
        )
    );
    let mut told = told.then("kill 103").until("40s");
    assert_eq!(run(&mut told.cluster, "kafka-cluster.sh unregister --id 103").as_deref(), Ok("Broker 103 is no longer registered."));
    let again = run(&mut told.until("41s").cluster, "kafka-cluster.sh unregister --id 103");
    assert_eq!(again.as_deref().map_err(String::as_str), Err("Broker ID 103 is not currently registered"));
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
