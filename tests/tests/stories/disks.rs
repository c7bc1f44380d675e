//! Disks: what a power cut takes, what a kill does not, and what a full, slow, rotten or empty disk does to a cluster.

use playground_tests::story::{Story, Told};

/// A steady writer to one partition on these brokers, the first of which leads.
fn stream(replicas: &[i32], acks: &str) -> Story {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "1");
    let min_isr = if acks == "all" && replicas.len() > 1 { "2" } else { "1" };
    story
        .topic_on("orders", &[replicas])
        .with("min.insync.replicas", min_isr)
        .producer("p", "orders", "rate = 10")
        .with("acks", &format!("\"{acks}\""))
}

fn end(told: &Told, broker: i32) -> u64 {
    told.replica(broker, "orders", 0).log.log_end().0
}

#[test]
fn a_power_cut_takes_the_last_half_minute_of_a_single_copy_and_a_kill_takes_nothing() {
    let told = stream(&[101], "1").field("records = 600").run_until("60s");
    let written = end(&told, 101);
    let killed = told.clone().then("kill 101").then("start 101").until("3m").expect(&["acked_lost == 0"]);
    assert!(end(&killed, 101) >= written);
    let cut = told.then("power-cut 101");
    let lost = written - end(&cut, 101);
    assert!((300..=350).contains(&lost), "{lost} of {written} records, ten a second");
    let told = cut.then("start 101").until("3m");
    assert!(told.view().ledger.acked_lost_total >= lost - 10, "acks=1 had promised nearly all of them");
    let events = told.events("log_damaged");
    assert_eq!(events.len(), 1);
    assert_eq!(told.event(events[0].causes[0]).text, "Broker 101 lost power. What was not flushed is gone.");
}

#[test]
fn flush_messages_1_leaves_a_power_cut_nothing_to_take() {
    let story = Story::brokers(1).broker_config("offsets.topic.replication.factor", "1");
    let story = story.topic_on("orders", &[&[101]]).with("flush.messages", "1").producer("p", "orders", "rate = 10");
    let told = story.run_until("20s").then("power-cut 101").until("25s").then("start 101").until("60s");
    assert!(told.events("log_damaged").is_empty());
    told.expect(&["acked_lost == 0"]);
}

#[test]
fn flush_ms_works_only_where_a_scheduler_looks() {
    let lost = |interval: Option<&str>| {
        let story = Story::brokers(1).broker_config("offsets.topic.replication.factor", "1");
        let story = interval.into_iter().fold(story, |story, ms| story.broker_config("log.flush.scheduler.interval.ms", ms));
        let story = story.topic_on("orders", &[&[101]]).with("flush.ms", "1000").producer("p", "orders", "rate = 10");
        let told = story.run_until("20s");
        let before = end(&told, 101);
        before - end(&told.then("power-cut 101"), 101)
    };
    assert!(lost(None) > 190, "the default interval never comes");
    assert!(lost(Some("500")) <= 15);
}

#[test]
fn copies_protect_what_one_machine_loses_and_not_what_all_lose_at_once() {
    let told = stream(&[101, 102, 103], "all").run_until("20s");
    let one = told.clone().then("power-cut 101").until("35s").then("start 101").until("2m");
    one.expect(&["acked_lost == 0", "under_replicated == 0"]).expect_equal_copies("orders", 0);
    let all = told.then("power-cut 101").then("power-cut 102").then("power-cut 103");
    let all = all.then("start 101").then("start 102").then("start 103").until("2m");
    assert!(all.view().ledger.acked_lost_total > 150, "acks=all is a promise of copies, not of disks");
}

#[test]
fn a_full_disk_ends_its_broker_at_the_next_write() {
    let told = stream(&[101, 102, 103], "all").run_until("10s").then("disk full 101").until("11s");
    assert!(told.view().brokers.iter().any(|broker| broker.id == 101 && format!("{:?}", broker.state) == "Down"));
    let ended = told.events("fault")[1].clone();
    assert_eq!(ended.text, "Broker 101 ends itself: its disk is full.");
    assert_eq!(told.event(ended.causes[0]).text, "Broker 101's disk is full.");
    let told = told.until("30s").expect(&["offline == 0", "isr(orders, 0) == [102, 103]", "acked_lost == 0"]);
    let told = told.then("start 101").until("45s");
    assert_eq!(
        told.events("fault").last().map(|event| event.text.as_str()),
        Some("Broker 101 ends itself: its disk is full."),
        "still full"
    );
    told.then("disk heal 101").then("start 101").until("90s").expect(&["under_replicated == 0", "acked_lost == 0"]);
}

#[test]
fn a_follower_with_a_slow_disk_leaves_the_isr_and_comes_back() {
    let told = stream(&[101, 102, 103], "1").run_until("10s").then("disk slow 103 50s").until("60s");
    let told = told.expect(&["isr(orders, 0) == [101, 102]", "acked_lost == 0"]);
    told.then("disk heal 103").until("3m").expect(&["under_replicated == 0", "acked_lost == 0"]);
}

#[test]
fn a_leader_with_a_slow_disk_answers_late() {
    let acked = |told: Told| told.view().ledger.acked;
    let quick = acked(stream(&[101], "1").run_until("10s"));
    let slow = acked(stream(&[101], "1").start().then("disk slow 101 3s").until("10s"));
    assert!(quick >= 98 && (40..=75).contains(&slow), "{slow} of {quick}");
}

#[test]
fn a_wiped_broker_copies_everything_again() {
    let told = stream(&[101, 102, 103], "all").field("records = 200").run_until("30s").then("disk wipe 103").until("31s");
    assert_eq!(end(&told, 103), 0);
    let told = told.then("start 103").until("90s").expect(&["under_replicated == 0", "acked_lost == 0", "log_end(orders) == 200"]);
    told.expect_equal_copies("orders", 0);
}

/// 103 was away when 101's newest batch rotted: it can only copy from 101, and 102 has the same batch unharmed.
fn rotten_leader() -> Told {
    let story = stream(&[101, 102, 103], "all").field("records = 100").group("readers", "orders", 1);
    let told = story.run_until("5s").then("kill 103").until("30s");
    let told = told.expect(&["isr(orders, 0) == [101, 102]", "leader(orders, 0) == 101", "acked == 100"]);
    told.then("disk corrupt 101").then("start 103").until("90s")
}

#[test]
fn a_rotten_batch_of_the_leader_holds_up_followers_until_another_leads() {
    let told = rotten_leader().expect(&["isr(orders, 0) == [101, 102]"]);
    let damaged = told.events("log_damaged");
    assert_eq!(damaged.len(), 2, "the bit, and who met it; told once");
    assert!(damaged[1].text.starts_with("Broker 103 refuses what leader 101 sends of orders-0"), "{}", damaged[1].text);
    let told = told.then("kill 101").until("2m").expect(&["leader(orders, 0) == 102", "isr(orders, 0) == [102, 103]"]);
    let told = told.then("start 101").until("3m");
    let cut = told.events("log_damaged");
    assert!(cut.last().is_some_and(|event| event.text.contains("does not match its CRC")), "recovery cuts the bad batch");
    let told = told.expect(&["under_replicated == 0", "acked_lost == 0", "log_end(orders) == 100"]);
    told.expect_equal_copies("orders", 0);
}

#[test]
fn a_consumer_stops_before_a_rotten_batch() {
    let story = stream(&[101], "1").field("records = 100").group("readers", "orders", 1).field("process = \"1s\"");
    let told = story.run_until("15s").then("disk corrupt 101").until("5m");
    let reader = told.client("readers-1");
    assert!(reader.delivered < 100 && reader.delivered > 10, "{}", reader.delivered);
    assert_eq!(reader.errors["CORRUPT_MESSAGE"], 1);
}

#[test]
fn a_flipped_leader_epoch_is_seen_by_nobody() {
    let told = stream(&[101, 102, 103], "all").field("records = 50").run_until("20s");
    let newest = |told: &Told, broker: i32| told.replica(broker, "orders", 0).log.newest_first().next().cloned().expect("a batch");
    let told = told.then("disk corrupt 102 epoch").until("21s");
    let (rotten, sound) = (newest(&told, 102), newest(&told, 101));
    assert!(rotten.batch.validate().is_ok() && !rotten.damaged);
    assert_eq!(rotten.batch, sound.batch);
    assert_ne!(rotten.leader_epoch, sound.leader_epoch);
    assert_eq!(told.events("log_damaged").len(), 1, "the bit alone");
}
