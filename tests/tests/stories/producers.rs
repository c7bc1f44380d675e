//! Producers: what they are promised, what they send again, and where records without a key go.

use playground_tests::story::{Story, Told};

#[test]
fn acks_0_is_a_promise_without_an_answer() {
    let story = Story::brokers(3).topic_on("orders", &[&[101, 102, 103]]).producer("p", "orders", "rate = 50").field("records = 500");
    let told = story.with("acks", "\"0\"").at("5s", "kill 101").run_until("30s").expect(&["acked == 500", "failed == 0"]);
    assert_eq!(told.client("p").retries, 0, "it never hears of a failure");
    let written = told.log_ends("orders")[0];
    assert!((1..500).contains(&written), "{written} of 500 are there");
}

#[test]
fn a_lost_acknowledgement_makes_no_duplicate_with_idempotence() {
    let told = crash_between_append_and_answer("enable.idempotence", "true");
    let values = told.values("orders", 0);
    let mut distinct = values.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), values.len(), "no value twice in the log");
    assert!(told.client("p").retries > 0, "and yet it was sent again");
    told.expect(&["acked == 400", "log_end(orders) == 400", "acked_lost == 0", "duplicates(g) == 0", "out_of_order(g) == 0"]);
}

#[test]
fn without_idempotence_a_lost_acknowledgement_is_a_duplicate() {
    let told = crash_between_append_and_answer("enable.idempotence", "false");
    let view = told.view();
    let written = told.log_ends("orders")[0];
    assert!(written > 400, "{written} records for 400 sent");
    assert_eq!(view.ledger.duplicates["g"], written - 400, "the referee counts each of them");
    told.expect(&["acked == 400", "acked_lost == 0"]);
}

/// The leader dies when the followers have its records and its answers are still under way.
fn crash_between_append_and_answer(key: &str, value: &str) -> Told {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "1").latency("50ms");
    let story = story.topic_on("orders", &[&[101, 102, 103]]).producer("p", "orders", "rate = 20").field("records = 400");
    let story = story.with(key, value).group("g", "orders", 1);
    story.run_until("10s").then("kill 101").until("2m")
}

#[test]
fn idempotent_records_keep_their_order_through_a_crash() {
    let story = Story::brokers(3).latency("20ms").topic_on("orders", &[&[101, 102, 103]]);
    let story = story.producer("p", "orders", "rate = 200").field("records = 4000").with("batch.size", "50").at("10s", "kill 101");
    let values = story.run_until("60s").expect(&["acked == 4000", "failed == 0"]).values("orders", 0);
    let numbers: Vec<u64> = values.iter().map(|value| value.parse().expect("a number")).collect();
    assert_eq!(numbers, (0..4000).collect::<Vec<_>>());
}

#[test]
fn a_few_records_without_a_key_stick_to_one_partition() {
    for seed in 1..=8 {
        let story = Story::brokers(3).seed(seed).topic("orders", 3, 3).producer("p", "orders", "every = \"1s\"").field("records = 12");
        let ends = story.field("value = \"{pad:100}\"").run_until("30s").log_ends("orders");
        let mut sorted = ends.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 0, 12], "seed {seed}: not round robin");
    }
}

#[test]
fn many_records_without_a_key_reach_every_partition() {
    let story = Story::brokers(3).topic("orders", 3, 3).producer("p", "orders", "rate = 1000").field("value = \"{pad:200}\"");
    let ends = story.run_until("20s").log_ends("orders");
    assert!(ends.iter().all(|end| *end > 1_000), "{ends:?}");
}

#[test]
fn round_robin_must_be_asked_for() {
    let story = Story::brokers(3).topic("orders", 3, 3).producer("p", "orders", "every = \"1s\"").field("records = 12");
    let told = story.with("partitioner.class", "\"org.apache.kafka.clients.producer.RoundRobinPartitioner\"").run_until("30s");
    assert_eq!(told.log_ends("orders"), [4, 4, 4]);
}

#[test]
fn one_key_stays_in_one_partition_in_order() {
    let story = Story::brokers(3).topic("orders", 6, 3).producer("p", "orders", "rate = 50").field("key = \"a\"").field("records = 500");
    let told = story.at("4s", "kill 101").run_until("60s").expect(&["acked == 500"]);
    let with_data: Vec<u32> = (0..6).filter(|partition| told.log_ends("orders")[*partition as usize] > 0).collect();
    assert_eq!(with_data.len(), 1);
    let values = told.values("orders", with_data[0]);
    assert_eq!(values, (0..500).map(|n: u32| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_send_that_cannot_be_delivered_fails_after_delivery_timeout_ms() {
    let story = Story::brokers(2).broker_config("offsets.topic.replication.factor", "1").topic_on("orders", &[&[101]]);
    let told = story.producer("p", "orders", "rate = 1").field("records = 10").at("5500ms", "kill 101").run_until("4m");
    let client = told.client("p");
    assert_eq!((client.sent, client.acked, client.failed), (10, 6, 4));
    assert!(client.errors["TIMEOUT"] > 0);
}

#[test]
fn a_request_under_way_does_not_outlive_delivery_timeout_ms() {
    // The leader is alive and alone: with two required it stores nothing, and the refusals repeat until the time is up.
    let story = Story::brokers(2).broker_config("offsets.topic.replication.factor", "1");
    let story = story.topic_on("orders", &[&[101, 102]]).with("min.insync.replicas", "2");
    let story = story.producer("p", "orders", "rate = 1").field("records = 6").field("start = \"20s\"");
    let story = story.with("delivery.timeout.ms", "31000").with("request.timeout.ms", "30000");
    let told = story.at("19500ms", "kill 102").run_until("57500ms").expect(&["sent == 6", "acked_lost == 0"]);
    assert_eq!(told.client("p").failed, 6, "{:?}", told.client("p"));
}

#[test]
fn a_record_carries_the_time_of_its_send() {
    let story = Story::brokers(1).broker_config("offsets.topic.replication.factor", "1").topic("orders", 1, 1);
    let told = story.producer("p", "orders", "every = \"1s\"").field("start = \"2s\"").field("value = \"{ts}\"").run_until("10s");
    let records = told.cluster.records("orders", None);
    assert_eq!(records.len(), 8);
    for (n, record) in (2_i64..).zip(&records) {
        assert_eq!(record.timestamp_ms, playground_core::time::EPOCH_MS + n * 1_000);
        assert_eq!(record.value.as_deref(), Some(record.timestamp_ms.to_string().as_bytes()));
    }
}

#[test]
fn a_clock_more_than_an_hour_ahead_is_refused_and_one_behind_is_not() {
    let failed = |skew: &str| {
        let story = Story::brokers(3).topic_on("orders", &[&[101, 102]]).producer("p", "orders", "rate = 10").field("records = 100");
        let told = story.start().then(&format!("skew p {skew}")).until("60s");
        let client = told.client("p");
        (client.failed, client.errors.get("INVALID_TIMESTAMP").copied().unwrap_or_default())
    };
    assert_eq!(failed("+59m"), (0, 0));
    assert_eq!(failed("-9d"), (0, 0));
    let (records, refusals) = failed("+61m");
    assert!(records == 100 && refusals > 0, "{records} {refusals}");
}

#[test]
fn a_batch_above_max_message_bytes_is_split_and_arrives_once_and_in_order() {
    let story = Story::brokers(1).broker_config("offsets.topic.replication.factor", "1");
    let story = story.topic("orders", 1, 1).with("max.message.bytes", "600").producer("p", "orders", "rate = 500").field("records = 500");
    let told = story.field("value = \"{pad:20}{n}\"").with("linger.ms", "100").run_until("10s").expect(&[
        "acked == 500",
        "failed == 0",
        "log_end(orders) == 500",
    ]);
    assert!(told.client("p").errors["MESSAGE_TOO_LARGE"] > 0);
    let numbers: Vec<String> = told.values("orders", 0).iter().map(|value| value.trim_start_matches('x').to_owned()).collect();
    assert_eq!(numbers, (0..500).map(|n: u32| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_record_larger_than_max_request_size_is_never_sent() {
    let story = Story::brokers(1).broker_config("offsets.topic.replication.factor", "1").topic("orders", 1, 1);
    let story =
        story.producer("p", "orders", "rate = 1").field("records = 3").field("value = \"{pad:2000}\"").with("max.request.size", "1000");
    let told = story.run_until("10s").expect(&["sent == 3", "failed == 3", "log_end(orders) == 0"]);
    assert_eq!(told.client("p").errors["MESSAGE_TOO_LARGE"], 3);
}

#[test]
fn send_waits_for_memory_no_longer_than_max_block_ms() {
    let story = Story::brokers(2).broker_config("offsets.topic.replication.factor", "1").topic_on("orders", &[&[101]]);
    let story = story.producer("p", "orders", "rate = 10").field("value = \"{pad:1000}\"").field("records = 200");
    let story = story.with("buffer.memory", "40000").with("max.block.ms", "10000");
    let told = story.at("5s", "kill 101").run_until("40s");
    let client = told.client("p");
    assert!((2..=4).contains(&client.failed) && client.errors["TIMEOUT"] == client.failed, "one each ten seconds: {client:?}");
}

#[test]
fn a_record_may_name_its_partition() {
    let story = Story::brokers(3).topic("orders", 3, 3).producer("p", "orders", "rate = 10").field("records = 30");
    let told = story.field("partition = 2").field("key = \"{n}\"").run_until("10s");
    assert_eq!(told.log_ends("orders"), [0, 0, 30]);
}

#[test]
fn librdkafka_puts_a_key_where_its_crc_says_and_java_where_murmur2_says() {
    let landed = |setting: &str| {
        let story = Story::brokers(3).topic("orders", 17, 3).producer("p", "orders", "rate = 10").field("records = 5");
        let ends = story.field("key = \"hejsan\"").with("partitioner", setting).run_until("10s").log_ends("orders");
        ends.iter().position(|end| *end == 5)
    };
    assert_eq!(landed("\"consistent_random\""), Some(0xd077_037e % 17));
    assert_eq!(landed("\"murmur2_random\""), landed("\"default\""));
}
