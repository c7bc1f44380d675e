//! Scenario files: every bad one is refused as a whole, at its place, with what to write instead; every good one reads back.

use playground_core::config::{Acks, OffsetReset, Partitioner, Settings};
use playground_core::ids::BrokerId;
use playground_core::rng::{Seed, SimRng};
use playground_core::scenario::expect::judge;
use playground_core::scenario::{
    ClusterSpec, CommitMode, Expect, GroupSpec, NetworkSpec, Pace, Placement, ProducerSpec, Scenario, Template, TimelineEntry, TopicSpec,
    builtin, link,
};
use playground_core::shell::parse_line;
use playground_core::time::{SimDuration, SimTime};
use playground_tests::story::Told;

/// `3:14` and the message of every fault.
fn faults(text: &str) -> Vec<(String, String)> {
    let faults = Scenario::parse(text).expect_err(text);
    faults.into_iter().map(|fault| (format!("{}:{}", fault.line, fault.column), fault.message)).collect()
}

/// The one fault of a text: where it is, and a part of what it says.
#[track_caller]
fn refused(text: &str, place: &str, part: &str) {
    let found = faults(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].0, place, "{found:#?}");
    assert!(found[0].1.contains(part), "{found:#?}");
}

const TOPIC: &str = "[[topic]]\nname = \"t\"\n";

fn with_topic(rest: &str) -> String {
    format!("{TOPIC}{rest}")
}

fn with_producer(rest: &str) -> String {
    with_topic(&format!("[[producer]]\nname = \"p\"\ntopic = \"t\"\nevery = \"1s\"\n{rest}"))
}

fn with_group(rest: &str) -> String {
    with_topic(&format!("[[group]]\nname = \"g\"\ntopics = [\"t\"]\n{rest}"))
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest_name() {
    refused("[[topic]]\nname = \"t\"\npartition = 3\n", "3:1", "topic `t`: unknown field `partition`. Did you mean `partitions`?");
    refused("sed = 7", "1:1", "Did you mean `seed`?");
    refused("[cluster]\ncolour = 1", "2:1", "Known here: brokers, racks, controllers, zookeeper, features, config.");
    refused(&with_producer("config = { ack = 1 }"), "7:12", "Did you mean `acks`?");
}

#[test]
fn what_comes_later_is_named_as_such() {
    refused("[[connector]]\nname = \"x\"", "1:3", "`connector` is not modelled yet");
    refused("kafka = \"5.0\"", "1:9", "the rules of Kafka `5.0` are not modelled yet. Write kafka = \"4.3\"");
    refused(&with_group("config = { \"isolation.level\" = \"read_committed\" }"), "6:32", "not modelled yet");
    refused(&with_producer("config = { \"compression.type\" = \"zstd\" }"), "7:33", "not modelled yet");
    refused("[cluster]\nfeatures = { \"group.version\" = 1 }", "2:14", "features: `group.version` is not modelled yet");
    refused("[cluster]\nfeatures = { \"eligible.leader.replicas.version\" = 2 }", "2:51", "is over the limit of 1");
    refused(&with_topic("config = { \"cleanup.policy\" = \"compact\" }"), "3:31", "`cleanup.policy` = `compact` is not modelled yet");
}

#[test]
fn zookeeper_belongs_to_kafka_3_9_and_controllers_to_kafka_4() {
    refused("[cluster]\nzookeeper = 3", "2:13", "Kafka has no ZooKeeper since 4.0");
    refused("[timeline]\n5s = \"kill zookeeper\"", "2:12", "Kafka has no ZooKeeper since 4.0");
    refused("[cluster]\nconfig = { \"zookeeper.session.timeout.ms\" = 6000 }", "2:45", "went with ZooKeeper");
    let old = |rest: &str| format!("kafka = \"3.9\"\n{rest}");
    refused(&old("[cluster]\nzookeeper = 4"), "3:13", "4 servers survive no more failures than 3. Write an odd number");
    refused(&old("[cluster]\ncontrollers = 3"), "3:15", "one of the brokers is the controller. Write zookeeper = 3.");
    refused(&old("[timeline]\n5s = \"pause controllers\""), "3:13", "one of the brokers is the controller");
    refused(&old("[cluster]\nconfig = { \"broker.session.timeout.ms\" = 6000 }"), "3:42", "is of clusters without ZooKeeper");
    refused(&old("[[topic]]\nname = \"t\"\nreplication_factor = 4"), "4:22", "Replication factor: 4 larger than available brokers: 3.");
}

#[test]
fn a_file_for_kafka_3_9_has_its_defaults_and_reads_back() {
    let text = "kafka = \"3.9\"\n[cluster]\nzookeeper = 5\nconfig = { \"zookeeper.session.timeout.ms\" = 6000 }\n[[topic]]\nname = \"t\"\n\
        [[producer]]\nname = \"p\"\ntopic = \"t\"\nevery = \"1s\"\n[timeline]\n5s = \"cut 101 zookeeper\"\n6s = \"kill 3005\"\n";
    let scenario = Scenario::parse(text).expect("valid");
    assert_eq!(scenario.producers[0].config.linger, SimDuration::ZERO);
    assert_eq!(scenario.topics[0].config.message_timestamp_after_max_ms, i64::MAX as u64);
    assert!(!scenario.cluster.config.eligible_leader_replicas);
    assert_eq!(scenario.cluster.config.zookeeper_session_timeout, SimDuration::from_secs(6));
    let written = scenario.to_toml();
    assert_eq!(Scenario::parse(&written).as_ref(), Ok(&scenario), "{written}");
    assert!(!written.contains("linger"), "{written}");
    assert_eq!(link::unpack(&link::pack(&scenario, None, None)).expect("opens").scenario, scenario);
}

#[test]
fn wrong_types_say_what_stands_there_and_what_to_write() {
    refused("seed = \"seven\"", "1:8", "the file: `seed` is the text \"seven\". Write a whole number from 0 to");
    refused("seed = 1.5", "1:8", "1.5, not a whole number");
    refused("title = 3", "1:9", "`title` is the number 3");
    refused("topic = 3", "1:9", "Write a table of its own under [[topic]]");
    refused("[cluster]\nbrokers = 3", "2:11", "Write brokers = [101, 102, 103] or brokers = { count = 3, first = 101 }");
    refused(&with_group("members = true"), "6:11", "`members` is true");
    refused(&with_topic("config = 3"), "3:10", "`config` is the number 3");
}

#[test]
fn bad_durations_are_refused() {
    refused("[network]\nlatency = \"soon\"", "2:11", "Write a duration such as \"20s\"");
    refused("[network]\nlatency = \"2h\"", "2:11", "over the limit of 1 h");
    refused("[network]\njitter = -1", "2:10", "`jitter` is the number -1");
    refused(&with_group("process = \"5 parsecs\""), "6:11", "a duration");
    refused("[[topic]]\nname = \"t\"\n[[producer]]\nname = \"p\"\ntopic = \"t\"\nevery = 0", "6:9", "`every` is zero");
}

#[test]
fn partitions_and_replicas_have_their_limits() {
    refused(&with_topic("partitions = -3"), "3:14", "`partitions` is the number -3. Write a whole number from 1 to 20000");
    refused(&with_topic("partitions = 0"), "3:14", "from 1 to 20000");
    refused(&with_topic("partitions = 1000000000"), "3:14", "`partitions` = 1000000000 is over the limit of 20000");
    refused(&with_topic("partitions = 1e9"), "3:14", "1e9, not a whole number. Write a whole number from 1 to 20000");
    refused(&with_topic("partitions = 99999999999999999999"), "3:14", "limit");
    refused(
        &with_topic("replication_factor = 4"),
        "3:22",
        "The target replication factor of 4 cannot be reached because only 3 broker(s) are registered.",
    );
    let many: String = (0..3).map(|i| format!("[[topic]]\nname = \"t{i}\"\npartitions = 9000\n")).collect();
    refused(&many, "9:14", "27000 partitions in all topics up to here are over the limit of 20000");
}

#[test]
fn broken_toml_is_located() {
    refused("title = \"open", "1:14", "This is not TOML");
    refused("[cluster\nbrokers = [1]", "1:9", "This is not TOML");
    refused("seed = 1\nseed = 2", "2:1", "This is not TOML");
    refused("a = 1\nb = = 2", "2:5", "This is not TOML");
    assert!(!faults(&"[".repeat(50_000)).is_empty());
    assert!(!faults(&format!("a = {}", "[".repeat(50_000))).is_empty());
    assert!(!faults(&"\u{0}\u{1}\u{2}".repeat(1_000)).is_empty());
}

#[test]
fn all_faults_come_in_one_go_and_in_order() {
    let text = "seed = -1\ncolour = 1\n[cluster]\nbrokers = [1, 1, \"x\"]\n[[topic]]\npartitions = -1\n[[producer]]\nname = \"p\"\ntopic = \"u\"\n\
        [timeline]\nsoon = \"kill 1\"\n5s = \"kill 9\"\n6s = \"explode\"\n[[expect]]\nat = \"1m\"\nthat = \"lag(g) == 0\"\n";
    let places: Vec<String> = faults(text).into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["1:8", "2:1", "4:15", "4:18", "5:1", "6:14", "7:1", "9:9", "11:1", "12:12", "13:7", "16:13"]);
}

#[test]
fn topic_names_follow_kafka() {
    refused(
        "[[topic]]\nname = \"a b\"",
        "2:8",
        "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics",
    );
    refused("[[topic]]\nname = \"\"", "2:8", "the empty string is not allowed");
    refused("[[topic]]\nname = \"..\"", "2:8", "'..' is not allowed");
    refused("[[topic]]\nname = \"a.b\"\n[[topic]]\nname = \"a_b\"", "4:8", "Topic 'a_b' collides with existing topic: a.b");
    refused("[[topic]]\nname = \"a\"\n[[topic]]\nname = \"a\"", "4:8", "Topic 'a' already exists");
    refused("[[topic]]\nname = \"__consumer_offsets\"", "2:8", "Kafka's own topic");
    refused("[[topic]]\npartitions = 1", "1:1", "`name` is missing");
}

#[test]
fn names_of_clients_are_distinct() {
    refused(&with_producer("[[producer]]\nname = \"p\"\ntopic = \"t\"\nevery = \"1s\""), "8:8", "another client `p`");
    refused(
        &with_producer("[[producer]]\nname = \"g-{1..3}\"\ntopic = \"t\"\nrate = 1\n[[group]]\nname = \"g\"\ntopics = [\"t\"]"),
        "12:8",
        "`g-1`",
    );
    refused(&with_group("[[group]]\nname = \"g\"\ntopics = [\"t\"]"), "7:8", "two groups `g`");
    refused(&with_topic("[[producer]]\nname = \"p q\"\ntopic = \"t\"\nrate = 1"), "4:8", "contains ' '");
    refused(&with_topic("[[producer]]\nname = \"p-{1..x}\"\ntopic = \"t\"\nrate = 1"), "4:8", "truck-{1..20}");
    refused(&with_topic("[[producer]]\nname = \"p-{1..99999}\"\ntopic = \"t\"\nrate = 1"), "4:8", "limit of 10000");
    refused(&with_group("members = 10001"), "6:11", "over the limit of 10000");
}

#[test]
fn clients_name_topics_that_exist() {
    refused("[[topic]]\nname = \"orders\"\n[[producer]]\nname = \"p\"\ntopic = \"order\"\nrate = 1", "5:9", "Did you mean `orders`?");
    refused("[[group]]\nname = \"g\"\ntopics = [\"t\"]", "3:11", "there is no topic `t`. Write a [[topic]] first.");
    refused(&with_topic("[[group]]\nname = \"g\"\ntopics = []"), "5:10", "it reads no topic");
    refused(&with_group("bootstrap = [101, 999]"), "6:19", "group `g`: there is no broker 999. Brokers here: 101, 102, 103.");
    refused(&with_group("bootstrap = 101"), "6:13", "Write bootstrap = [103]");
    refused(&with_topic("[[group]]\nname = \"g\"\ntopics = [\"t\", \"t\"]"), "5:16", "twice");
}

#[test]
fn a_producer_says_how_often_it_sends() {
    refused(&with_topic("[[producer]]\nname = \"p\"\ntopic = \"t\""), "3:1", "Write every = \"20s\" or rate = 500");
    refused(&with_producer("rate = 5"), "7:8", "Write only one of them");
    refused(&with_producer("key = \"{nam}\""), "7:8", "Did you mean `name`?");
    refused(&with_producer("value = '{\"a\":{zip:3}}'"), "7:15", "no hole of a template. Did you mean `zipf`?");
}

#[test]
fn the_cluster_is_checked() {
    refused("[cluster]\ncontrollers = 4", "2:15", "Write an odd number");
    refused("[cluster]\nbrokers = [1, 2, 1]", "2:18", "broker 1 is there twice");
    refused("kafka = \"3.9\"\n[cluster]\nbrokers = []", "3:11", "`brokers` is empty, and with ZooKeeper one of the brokers");
    refused("[cluster]\nbrokers = []\n[[topic]]\nname = \"t\"", "3:1", "only 0 broker(s) are registered. Add a broker first.");
    refused("[cluster]\nbrokers = { count = 1000000000 }", "2:21", "over the limit of 200");
    refused("[cluster]\nbrokers = [3001]", "2:11", "node id of a controller");
    refused("[cluster]\nracks = { a = [101, 104] }", "2:21", "there is no broker 104. Brokers here: 101, 102, 103.");
    refused("[cluster]\nracks = { a = [101], b = [101] }", "2:27", "in rack `a` already");
    let one = format!("[cluster]\nbrokers = [1]\n{}", with_group(""));
    refused(&one, "1:1", "\"offsets.topic.replication.factor\" = 1");
}

#[test]
fn replica_assignments_are_checked() {
    refused(&with_topic("replica_assignment = \"101:102,102:999\""), "3:31", "includes broker 999, but no such broker is registered");
    refused(&with_topic("replica_assignment = \"101:101\""), "3:23", "may not contain duplicate entries: 101");
    refused(&with_topic("replica_assignment = \"101:102,103\""), "3:31", "all must have the same number");
    refused(&with_topic("replica_assignment = \"101:x\""), "3:23", "`x` is no broker id");
    refused(&with_topic("replica_assignment = \"101\"\npartitions = 1"), "4:14", "`partitions` follows from `replica_assignment`");
}

#[test]
fn the_timeline_is_checked_line_by_line() {
    refused("[timeline]\n60s = \"kill 999\"", "2:13", "There is no broker 999. Brokers here: 101, 102, 103.");
    refused("[timeline]\n60s = \"pause nobody\"", "2:14", "There is no client `nobody`. Name a producer, a group or one of its members.");
    refused(&format!("{}[timeline]\n60s = \"cut 101>g-9\"", with_group("")), "7:16", "There is no client `g-9`");
    refused("[timeline]\n60s = [\"kill 101\", \"kil 102\"]", "2:21", "Did you mean `kill`?");
    refused("[timeline]\n60s = 'start'", "2:13", "Say which broker");
    refused("[timeline]\nlater = \"kill 101\"", "2:1", "`later` is no time");
    refused("[timeline]\n1.5s = \"kill 101\"", "2:1", "needs quotes");
    refused("[timeline]\n999d = \"kill 101\"", "2:1", "over the limit of 365 d");
    refused("[timeline]\n60s = 5", "2:7", "Write a shell line");
}

#[test]
fn expectations_are_checked_word_by_word() {
    refused("[[expect]]\nat = \"1m\"\nthat = \"acked_los == 0\"", "3:9", "Did you mean `acked_lost`?");
    refused("[[expect]]\nat = \"1m\"\nthat = [\"acked_lost == 0\", \"lag(nobody) == 0\"]", "3:33", "There is no group `nobody`");
    refused(&with_topic("[[expect]]\nat = 5\nthat = \"leader(t, 1) == 101\""), "5:19", "`t` has no partition 1. Write 0 to 0.");
    refused("[[expect]]\nthat = \"sent == 0\"", "1:1", "`at` is missing");
    refused("[[expect]]\nat = 5", "1:1", "nothing is expected");
}

#[test]
fn kafkas_rules_for_settings_hold() {
    let producer = |config: &str| with_producer(&format!("config = {{ {config} }}"));
    refused(&producer("\"max.in.flight.requests.per.connection\" = 6"), "7:54", "must be set to at most 5");
    refused(&producer("acks = 1, \"enable.idempotence\" = true"), "7:19", "Must set acks to all");
    refused(&producer("\"delivery.timeout.ms\" = 1000"), "7:36", "equal to or larger than linger.ms + request.timeout.ms");
    refused(&producer("acks = \"most\""), "7:19", "Write one of: all, 1, 0.");
    refused(&producer("\"linger.ms\" = -1"), "7:26", "whole milliseconds");
    refused(&producer("acks = []"), "7:19", "takes a text, a number");
    refused(&with_group("commit = \"after\"\nconfig = { \"enable.auto.commit\" = true }"), "6:10", "Leave \"enable.auto.commit\" out");
    refused(&with_group("config = { \"session.timeout.ms\" = 5000 }"), "6:35", "group.min.session.timeout.ms");
    refused(&with_group("config = { \"heartbeat.interval.ms\" = \"45s\" }"), "6:38", "Heartbeat must be set lower");
    refused(&with_topic("config = { \"segment.bytes\" = 1024 }"), "3:30", "from 1048576");
    refused("[cluster]\nconfig = { \"replica.lag.time.max.ms\" = 100 }", "2:10", "to prevent frequent changes in ISR");
}

#[test]
fn settings_may_be_quoted_or_dotted_and_take_units() {
    let read = |config: &str| Scenario::parse(&with_topic(&format!("[topic.config]\n{config}"))).expect("good").topics.remove(0).config;
    let quoted = read("\"segment.ms\" = \"1h\"\n\"min.insync.replicas\" = 2");
    assert_eq!(quoted, read("segment.ms = 3600000\nmin.insync.replicas = 2"));
    assert_eq!(quoted.segment_time, SimDuration::from_secs(3_600));
}

#[test]
fn a_hostile_file_is_refused_in_few_words() {
    let clients: String = (0..3_000).map(|i| format!("[[producer]]\nname=\"p{i}-{{1..9999}}\"\ntopic=\"t\"\nrate=1\n")).collect();
    let found = Scenario::parse(&with_topic(&clients)).expect_err("too many clients");
    assert!(found.len() > 1 && found.len() <= 201, "{} faults", found.len());
    refused(&"#".repeat((1 << 20) + 1), "1:1", "1048577 bytes; the limit is 1048576");
}

#[test]
fn every_prefix_of_a_file_is_read_or_refused_but_never_a_panic() {
    let text = builtin("trucks_gps").expect("built in");
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let _ = Scenario::parse(&text[..end]);
    }
}

/// Files with bytes changed, dropped and doubled, by a seed.
fn spoilt(text: &str, seed: u64) -> String {
    let mut rng = SimRng::new(Seed(seed), 1);
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..1 + rng.below(6) {
        let at = rng.below(chars.len() as u64) as usize;
        let other = ['"', '\'', '{', '}', '[', ']', '=', '\n', '-', '9', '.', 'x', '\u{202e}', 'é', '\0'][rng.below(15) as usize];
        match rng.below(3) {
            0 => chars[at] = other,
            1 => drop(chars.remove(at)),
            _ => chars.insert(at, other),
        }
    }
    chars.into_iter().collect()
}

#[test]
fn spoilt_files_are_refused_or_read_back() {
    for seed in 0..3_000 {
        let text = spoilt(include_str!("../scenarios/kill_102.toml"), seed);
        match Scenario::parse(&text) {
            Ok(scenario) => assert_eq!(Scenario::parse(&scenario.to_toml()).as_ref(), Ok(&scenario), "seed {seed}:\n{text}"),
            Err(faults) => assert!(faults.iter().all(|fault| fault.line >= 1 && fault.column >= 1 && !fault.message.is_empty())),
        }
    }
}

#[test]
fn a_mebibyte_of_anything_is_answered_in_few_words() {
    let repeated = |unit: &str| unit.repeat((1 << 20) / unit.len());
    let template = format!("{TOPIC}[[producer]]\nname = \"p\"\ntopic = \"t\"\nrate = 1\nvalue = '{}'", "{a:".repeat(20_000));
    let numbered: String = (0..30_000).map(|i| format!("field{i} = {i}\n")).collect();
    let moments: String = (0..20_000).map(|i| format!("{i}ms = \"kill 101\"\n")).collect();
    let topics: String = (0..2_000).map(|i| format!("[[topic]]\nname = \"topic{i}\"\n")).collect();
    let texts = [
        repeated("= "),
        repeated("[["),
        repeated("a.b.c.\n"),
        repeated("\"\"\""),
        repeated("[[topic]]\n"),
        repeated("\u{202e}"),
        template,
        numbered,
        format!("[timeline]\n{moments}"),
        topics,
    ];
    for text in texts {
        let faults = Scenario::parse(&text).err().unwrap_or_default();
        let words: usize = faults.iter().map(|fault| fault.message.len()).sum();
        let begins: String = text.chars().take(20).collect();
        assert!(faults.len() <= 201 && words <= 100_000, "{} faults, {words} bytes: {begins}", faults.len());
    }
}

#[test]
fn the_trucks_scenario_says_what_the_readme_says() {
    let trucks = Scenario::parse(builtin("trucks_gps").expect("built in")).expect("good");
    assert_eq!(trucks.cluster.brokers, [BrokerId(101), BrokerId(102), BrokerId(103)]);
    assert_eq!(trucks.topics[0].placement, Placement::Striped { partitions: 10, replication_factor: 3 });
    assert_eq!(trucks.topics[0].config.min_insync_replicas, 2);
    assert_eq!((trucks.producers[0].members.len(), trucks.producers[0].members[19].as_str()), (20, "truck-20"));
    assert_eq!(trucks.producers[0].pace, Pace::Every(SimDuration::from_secs(20)));
    assert_eq!(
        trucks.groups.iter().map(|group| (group.name.as_str(), group.members)).collect::<Vec<_>>(),
        [("location-dashboard", 2), ("notification-service", 1)]
    );
    assert!(trucks.groups.iter().all(|group| group.config.auto_offset_reset == OffsetReset::Earliest));
    assert!(trucks.timeline.is_empty());
}

#[test]
fn an_empty_file_is_three_brokers_with_kafkas_settings() {
    let empty = Scenario::parse("").expect("good");
    assert_eq!(empty.cluster, ClusterSpec::default());
    assert_eq!(empty.network, NetworkSpec::default());
    assert_eq!(empty.end(), SimTime(300_000_000), "it runs five minutes");
}

#[test]
fn a_fleet_of_ten_thousand_partitions_on_a_hundred_brokers_is_allowed() {
    let text = "[cluster]\nbrokers = { count = 100 }\n[[topic]]\nname = \"t\"\npartitions = 10000\nreplication_factor = 3\n";
    let scenario = Scenario::parse(text).expect("good");
    assert_eq!((scenario.cluster.brokers.len(), scenario.topics[0].placement.partitions()), (100, 10_000));
}

#[test]
fn fields_can_be_changed_by_path() {
    let trucks = Scenario::parse(builtin("trucks_gps").expect("built in")).expect("good");
    let changed = trucks
        .with(&[
            "seed=9",
            "network.latency=5ms",
            "topic.trucks_gps.partitions=12",
            "cluster.config.broker.session.timeout.ms=6s",
            "producer.truck-{1..20}.config.acks=1",
            "producer.*.rate=5",
            "group.location-dashboard.members=3",
            "cluster.brokers=[101, 102, 103, 104]",
        ])
        .expect("good");
    assert_eq!((changed.seed, changed.network.latency, changed.cluster.brokers.len()), (9, SimDuration::from_millis(5), 4));
    assert_eq!(changed.topics[0].placement.partitions(), 12);
    assert_eq!(changed.cluster.config.session_timeout, SimDuration::from_secs(6));
    assert_eq!((changed.producers[0].config.acks, changed.producers[0].pace), (Acks::Leader, Pace::Rate(5)));
    assert_eq!((changed.groups[0].members, changed.groups[1].members), (3, 1));
    let message = |change: &str| trucks.with(&[change]).expect_err(change).to_string();
    assert!(message("seed").contains("path=value"));
    assert!(message("topics.trucks_gps.partitions=1").contains("Did you mean `topic`?"));
    assert!(message("topic.nope.partitions=1").contains("names here: trucks_gps"));
    assert!(message("topic.trucks_gps.partition=1").contains("Did you mean `partitions`?"));
    assert!(message("topic.trucks_gps.replication_factor=4").contains("only 3 broker(s) are registered"));
}

/// A scenario drawn from all that the format can say.
fn drawn(seed: u64) -> Scenario {
    let mut rng = SimRng::new(Seed(seed), 0);
    let first = rng.below(200) as i32;
    let brokers: Vec<BrokerId> = (0..1 + rng.below(9) as i32).map(|i| BrokerId(first + i * (1 + (seed % 2) as i32))).collect();
    let mut scenario = Scenario::parse("").expect("good");
    scenario.title = ["", "plain", "with \"quotes\" and \\", "it's 'both' \"\\", "Lkw – Überblick ✓"][rng.below(5) as usize].to_owned();
    scenario.seed = rng.below(1 << 53);
    scenario.cluster.controllers = 1 + 2 * rng.below(5) as u32;
    scenario.cluster.config.offsets_topic_replication_factor = brokers.len().min(3) as u32;
    scenario.cluster.config.auto_leader_rebalance = rng.below(2) == 0;
    scenario.cluster.config.leader_imbalance_check_interval = SimDuration::from_secs(1 + rng.below(1_000));
    scenario.network.latency = SimDuration(rng.below(5_000));
    scenario.network.jitter = SimDuration(rng.below(3) * 500);
    scenario.topics = (0..1 + rng.below(3)).map(|i| topic(&mut rng, i, &brokers)).collect();
    scenario.cluster.brokers = brokers;
    scenario.producers = (0..rng.below(4)).map(|i| producer(&mut rng, i, &scenario)).collect();
    scenario.groups = (0..rng.below(3)).map(|i| group(&mut rng, i, &scenario)).collect();
    for _ in 0..rng.below(6) {
        let broker = scenario.cluster.brokers[rng.below(scenario.cluster.brokers.len() as u64) as usize];
        let line = [
            format!("kill {broker}"),
            format!("start {broker}"),
            format!("cut {broker}>controllers"),
            format!("slow {broker} clients {}us", rng.below(9_000_000)),
            "heal".to_owned(),
            format!("disk slow {broker} {}ms", rng.below(1_000)),
            "kafka-leader-election.sh --election-type preferred --all-topic-partitions".to_owned(),
            format!("kafka-topics.sh --create --topic new --replica-assignment {broker},{broker} --config a=b"),
            format!("kafka-configs.sh --alter --entity-type topics --entity-name t --add-config a=[b,c],d={broker} --delete-config e"),
        ];
        let command = parse_line(&line[rng.below(9) as usize]).expect("a command");
        scenario.timeline.push(TimelineEntry { at: SimTime(rng.below(4) * 1_500_000), command });
    }
    scenario.timeline.sort_by_key(|entry| entry.at);
    for i in 0..rng.below(3) {
        let that = ["acked_lost == 0", "leader(topic.0, 0) != none", "sent >= 0"][..1 + rng.below(3) as usize].iter();
        scenario.expects.push(Expect { at: SimTime(60_000_000 * (i + 1)), that: that.map(|text| (*text).to_owned()).collect() });
    }
    scenario
}

fn topic(rng: &mut SimRng, i: u64, brokers: &[BrokerId]) -> TopicSpec {
    let placement = match rng.below(3) {
        0 => Placement::Manual((0..1 + rng.below(4)).map(|p| vec![brokers[p as usize % brokers.len()]]).collect()),
        _ => Placement::Striped { partitions: 1 + rng.below(20) as u32, replication_factor: 1 + rng.below(brokers.len() as u64) as u32 },
    };
    let mut spec = TopicSpec { name: format!("topic.{i}"), placement, config: Default::default() };
    spec.config.min_insync_replicas = 1 + rng.below(3) as u32;
    spec.config.unclean_leader_election = rng.below(2) == 0;
    spec
}

fn producer(rng: &mut SimRng, i: u64, scenario: &Scenario) -> ProducerSpec {
    let topics = &scenario.topics;
    let templates =
        ["", "{n}", "{{name}}", "user-{zipf:100}", "{\"a\":\"{pick:x|y 'z'|\"}\",\"t\":{ts}}", "line\nbreak\t\\", "{pad:10}{lat}{lon}"];
    let mut template = || Template::parse(templates[rng.below(7) as usize]).expect("good");
    let (key, value) = (template(), template());
    let (name, members) = match rng.below(2) {
        0 => (format!("solo-{i}"), vec![format!("solo-{i}")]),
        _ => (format!("fleet{i}-{{3..5}}"), (3..=5).map(|n| format!("fleet{i}-{n}")).collect()),
    };
    let mut spec = ProducerSpec {
        name,
        members,
        topic: topics[rng.below(topics.len() as u64) as usize].name.clone(),
        bootstrap: scenario.cluster.brokers.iter().copied().take(rng.below(3) as usize).collect(),
        partition: (rng.below(4) == 0).then_some(0),
        key: (rng.below(2) == 0).then_some(key),
        value,
        pace: if rng.below(2) == 0 { Pace::Every(SimDuration(1 + rng.below(9_000_000))) } else { Pace::Rate(1 + rng.below(1_000)) },
        records: (rng.below(2) == 0).then(|| 1 + rng.below(50)),
        start: SimDuration(rng.below(2) * 1_500),
        config: Default::default(),
    };
    spec.config.acks = [Acks::All, Acks::Leader, Acks::None][rng.below(3) as usize];
    spec.config.enable_idempotence = spec.config.acks == Acks::All && rng.below(2) == 0;
    spec.config.max_in_flight = if spec.config.enable_idempotence { 5 } else { 1 + rng.below(9) as u32 };
    spec.config.partitioner =
        [Partitioner::Default, Partitioner::RoundRobin, Partitioner::ConsistentRandom, Partitioner::Murmur2Random][rng.below(4) as usize];
    spec.config.linger = SimDuration::from_millis(rng.below(3) * 5);
    spec
}

fn group(rng: &mut SimRng, i: u64, scenario: &Scenario) -> GroupSpec {
    let topics = &scenario.topics;
    let mut spec = GroupSpec {
        name: format!("gruppe-ä-{i}"),
        topics: topics.iter().map(|topic| topic.name.clone()).collect(),
        bootstrap: scenario.cluster.brokers.iter().copied().take(rng.below(3) as usize).collect(),
        members: 1 + rng.below(4) as u32,
        process: SimDuration(rng.below(3) * 2_500),
        commit: [CommitMode::Auto, CommitMode::Before, CommitMode::After, CommitMode::Each][rng.below(4) as usize],
        config: Default::default(),
        poison: None,
        start: Vec::new(),
        assign: Vec::new(),
    };
    if rng.below(4) == 0 {
        spec.assign = vec![0];
    }
    if rng.below(3) == 0 {
        spec.start = (0..spec.members).map(|_| SimDuration::from_secs(rng.below(60))).collect();
    }
    spec.config.enable_auto_commit = spec.commit == CommitMode::Auto && rng.below(2) == 0;
    spec.config.auto_offset_reset = {
        let back = OffsetReset::ByDuration(SimDuration::from_millis(rng.below(100_000)));
        [OffsetReset::Earliest, OffsetReset::Latest, OffsetReset::None, back][rng.below(4) as usize]
    };
    spec
}

#[test]
fn every_scenario_reads_back_from_its_file_and_from_its_link() {
    for seed in 0..2_000 {
        let scenario = drawn(seed);
        let text = scenario.to_toml();
        let again = Scenario::parse(&text).unwrap_or_else(|faults| panic!("seed {seed}:\n{text}\n{faults:#?}"));
        assert_eq!(again, scenario, "seed {seed}:\n{text}");
        assert_eq!(again.to_toml(), text, "the canonical text is stable");
        if seed % 10 == 0 {
            assert_eq!(link::unpack(&link::pack(&scenario, None, None)).expect("opens").scenario, scenario, "seed {seed}");
        }
    }
}

#[test]
fn every_setting_can_be_looked_up() {
    let producer = playground_core::config::ProducerConfig::default().describe();
    let acks = producer.iter().find(|setting| setting.key == "acks").expect("modelled");
    assert_eq!((acks.default.as_str(), acks.valid.as_str(), acks.kafka_type), ("all", "all, 1, 0", "STRING"));
    let topic = playground_core::config::TopicConfig::default().describe();
    let broker = playground_core::config::BrokerConfig::default().describe();
    for setting in producer.iter().chain(&topic).chain(&broker) {
        let meaning = &setting.meaning;
        assert!(meaning.ends_with('.') && !meaning.contains('\n') && !setting.valid.is_empty(), "{}: {meaning}", setting.key);
    }
}

/// Name, text and scenario of every file beside the tests.
fn files() -> Vec<(String, String, Scenario)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("text");
        let scenario = Scenario::parse(&text).unwrap_or_else(|faults| panic!("{path:?}: {faults:?}"));
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), text, scenario)
    };
    std::fs::read_dir(folder).expect("scenarios").map(|entry| read(entry.expect("an entry").path())).collect()
}

#[test]
fn every_scenario_of_the_tests_keeps_its_expectations_and_every_invariant() {
    for (name, _, scenario) in files() {
        let mut told = Told::of(&scenario);
        let mut judged = 0;
        for expect in &scenario.expects {
            told.cluster.run_until(expect.at);
            let view = told.view();
            assert_eq!(view.violations, Vec::<String>::new(), "{name} at {}", expect.at);
            for that in &expect.that {
                let verdict = judge(that, &view, told.cluster.events()).unwrap_or_else(|fault| panic!("{name}: {that}: {fault}"));
                assert!(verdict.holds, "{name} at {}: expected {that}, but it was {}", expect.at, verdict.seen);
                judged += 1;
            }
        }
        assert!(judged > 0, "{name} expects nothing");
    }
}

#[test]
fn a_way_to_lose_records_and_its_remedy_differ_in_one_line() {
    let files = files();
    let told = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("that = ")).map(str::to_owned).collect()
    };
    let mut pairs = 0;
    for (name, text, _) in &files {
        let Some((_, broken, _)) = name.strip_suffix("_fixed").and_then(|broken| files.iter().find(|(other, ..)| other == broken)) else {
            assert!(!name.ends_with("_fixed"), "{name} mends nothing");
            continue;
        };
        let (broken, fixed) = (told(broken), told(text));
        assert_eq!(broken.len(), fixed.len(), "{name}");
        let changed: Vec<&String> = fixed.iter().zip(&broken).filter(|(fixed, broken)| fixed != broken).map(|(fixed, _)| fixed).collect();
        // A setting, or an entry of the timeline.
        let settings = ["config = ", "features = ", "commit = "];
        let cause = |line: &str| settings.iter().any(|key| line.starts_with(key)) || line.starts_with(|c: char| c.is_ascii_digit());
        assert!(matches!(changed[..], [line] if cause(line)), "{name}: {changed:?}");
        pairs += 1;
    }
    assert!(pairs > 0, "there is something to compare");
}
