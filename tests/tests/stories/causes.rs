//! The referee's sentences: what became of each copy of a lost record, and why a record was given twice, out of order or not at all.

use playground_core::report::{EventFilter, report};
use playground_tests::story::{Story, Told};

/// One partition led by 101, a producer of 50 records a second from 2 s on, and a group that reads them. 20 ms from one to another.
fn orders(topic: &str, config: &str) -> Story {
    let mut story =
        Story::brokers(3).broker_config("offsets.topic.replication.factor", "3").latency("20ms").topic_on("orders", &[&[101, 102, 103]]);
    for (key, value) in topic.split(", ").filter_map(|setting| setting.split_once('=')) {
        story = story.with(key, value);
    }
    story = story.producer("shop", "orders", "rate = 50").field("start = \"2s\"").field("records = 3000");
    for (key, value) in config.split(", ").filter_map(|setting| setting.split_once('=')) {
        story = story.with(key, value);
    }
    story.group("bill", "orders", 1)
}

/// The sentences of one kind, each of which names causes that reach what a user did.
#[track_caller]
fn sentences(told: &Told, kind: &str) -> Vec<String> {
    let events = told.events(kind);
    for event in &events {
        assert!(reaches_a_fault(told, event.id), "{}: {:?}", event.text, event.causes);
    }
    events.iter().map(|event| event.text.clone()).collect()
}

fn reaches_a_fault(told: &Told, id: u64) -> bool {
    let event = told.event(id);
    event.kind == "fault" || event.kind == "command" || event.causes.iter().any(|cause| reaches_a_fault(told, *cause))
}

#[test]
fn a_leader_that_dies_before_a_follower_fetched_names_the_gap_and_acks() {
    let told = orders("min.insync.replicas=2", "acks=\"1\"").at("5010ms", "kill 101").run_until("60s").expect(&["acked_lost == 1"]);
    assert_eq!(
        sentences(&told, "record_lost"),
        ["1 acknowledged record lost: orders-0@149; 101 died 15 ms before 102 fetched it; acks=1."]
    );
}

#[test]
fn what_a_leader_promises_that_has_been_replaced_is_told_when_it_cuts_it() {
    // 101 hears neither the controllers nor its followers, and goes on taking records.
    let told = orders("", "acks=\"1\"").at("5s", "cut 101 brokers").at("5s", "cut 101 controllers").at("40s", "heal").run_until("60s");
    let lost = sentences(&told, "record_lost");
    let all: u64 = lost.iter().map(|text| text.split(' ').next().expect("a count").parse::<u64>().expect("a number")).sum();
    assert_eq!(told.view().ledger.acked_lost_total, all);
    assert!(all > 200, "what was promised before 102 led, and after: {lost:?}");
    assert!(lost[0].ends_with("; 101 could not be reached by 102; acks=1."), "{lost:?}");
    assert!(lost.iter().any(|text| text.ends_with("; 101 cut them to follow 102; acks=1.")), "{lost:?}");
}

#[test]
fn an_unclean_election_is_named_with_who_alone_had_the_records() {
    let story = orders("min.insync.replicas=1, unclean.leader.election.enable=true", "acks=\"all\"");
    let told = story.at("3s", "cut 101 102").at("3s", "cut 101 103").at("55s", "kill 101").at("55s", "heal").run_until("2m");
    let lost = sentences(&told, "record_lost");
    assert_eq!(lost.len(), 1, "{lost:?}");
    let words = "101 died before 102 fetched them; an unclean election let 102 lead; acks=all with min.insync.replicas=1.";
    assert!(lost[0].ends_with(words), "{lost:?}");
    let causes: Vec<&str> = told.events("record_lost")[0].causes.iter().map(|id| told.event(*id).kind.as_str()).collect();
    assert_eq!(causes, ["leader_elected", "fault", "isr_changed"]);
}

#[test]
fn a_power_cut_that_takes_what_was_not_flushed_is_named_for_each_copy() {
    let story = orders("min.insync.replicas=2", "acks=\"all\"").at("40s", "power-cut brokers").at("50s", "start brokers");
    let told = story.run_until("2m");
    let lost = sentences(&told, "record_lost");
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].ends_with("; 101, 102 and 103 lost power before flushing them; 101 led last and alone may lead again; acks=all with min.insync.replicas=2."), "{lost:?}");
}

#[test]
fn a_frozen_leader_and_a_wiped_disk_are_named() {
    let told = orders("", "acks=\"1\"").at("5010ms", "pause 101").run_until("40s");
    let lost = sentences(&told, "record_lost");
    assert!(lost[0].contains("; 101 froze "), "{lost:?}");
    let story = Story::brokers(1).broker_config("offsets.topic.replication.factor", "1").topic("orders", 1, 1);
    let told = story.producer("shop", "orders", "rate = 50").at("5s", "disk wipe 101").at("6s", "start 101").run_until("30s");
    let lost = sentences(&told, "record_lost");
    assert!(lost[0].contains("; 101 lost the disk with them; "), "{lost:?}");
}

#[test]
fn records_of_acks_0_that_nobody_stored_are_counted_and_named() {
    let story = orders("", "acks=\"0\"").at("5010ms", "kill 101").at("60s", "start 101");
    let told = story.run_until("3m").expect(&["acked(shop) == 3000", "acked_lost == 0"]);
    assert_eq!(told.events("log_truncated").iter().filter(|event| event.text.contains(" 2 records ")).count(), 1, "101 alone had those");
    let missing = 3000 - told.log_ends("orders")[0] - 2;
    assert!(missing > 0);
    let told = told.expect(&[&format!("unwritten == {missing}")]);
    let unwritten = sentences(&told, "record_unwritten");
    assert_eq!(unwritten, ["Nobody stores what shop sends to orders-0: broker 101 is down, and acks=0 waits for no answer."]);
    let text = report(&told.view(), told.cluster.events(), "", EventFilter::default());
    assert!(text.contains(&format!("\"unwritten\":{missing}")) && text.contains("record_unwritten"));
}

#[test]
fn records_of_acks_0_behind_a_cut_are_nowhere_until_it_is_healed_and_for_good_when_tcp_gives_up() {
    let story = orders("", "acks=\"0\"").at("5s", "cut shop 101");
    let told = story.run_until("30s").expect(&["acked(shop) == 1400", "log_end(orders) == 150", "unwritten == 1250"]);
    let words = "Nobody stores for now what shop sends to orders-0: its link to broker 101 is cut, and acks=0 waits for no answer.";
    assert_eq!(sentences(&told, "record_unwritten"), [words]);
    told.then("heal").until("60s").expect(&["unwritten == 0", "log_end(orders) >= 2890"]);
    let told = story.run_until("30m").expect(&["unwritten == 2850"]).then("heal").until("31m").expect(&["unwritten == 2850"]);
    assert!(sentences(&told, "record_unwritten").last().expect("told").contains("TCP gave up its link to broker 101"));
}

#[test]
fn a_lost_answer_without_idempotence_explains_the_duplicates() {
    let story = orders("", "acks=\"all\", enable.idempotence=false").at("5s", "duplicate shop 101 20%").at("30s", "heal");
    let told = story.run_until("2m");
    let twice = sentences(&told, "record_duplicated");
    assert_eq!(twice.len(), 1, "the same cause is told once: {twice:?}");
    assert!(twice[0].starts_with("Group bill is given records of orders-0 twice, from offset "), "{twice:?}");
    assert!(twice[0].ends_with(": shop sent them again after NETWORK_EXCEPTION from 101."), "{twice:?}");
    assert!(told.events("record_duplicated")[0].rule.starts_with("enable.idempotence = false"));
}

#[test]
fn a_batch_that_overtook_another_explains_the_order() {
    let story = orders("min.insync.replicas=2", "acks=\"all\", enable.idempotence=false, linger.ms=0, request.timeout.ms=1000");
    let told = story.at("5s", "cut 101 102").at("6s", "heal").at("20s", "kill 101").at("60s", "start 101").run_until("2m");
    assert!(told.view().ledger.out_of_order["bill"] > 0);
    let late = sentences(&told, "record_reordered");
    assert!(late[0].contains(" after later ones: shop sent them again after "), "{late:?}");
    assert!(told.events("record_reordered")[0].rule.contains("max.in.flight.requests.per.connection = 5"));
}

#[test]
fn a_restart_of_a_member_explains_what_it_is_given_again() {
    let told = orders("", "acks=\"all\"").at("10s", "kill bill-1").at("11s", "start bill-1").run_until("2m");
    assert!(told.view().ledger.duplicates["bill"] > 0);
    let again = sentences(&told, "record_duplicated");
    assert!(again[0].contains(": bill-1 went on at the committed offset, behind what had been given."), "{again:?}");
}

#[test]
fn a_group_that_begins_at_the_end_says_what_it_skips() {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "3").topic_on("orders", &[&[101, 102, 103]]);
    let told = story.producer("shop", "orders", "rate = 50").group_from("late", "orders", 1, "latest").run_until("30s");
    assert!(told.view().ledger.skipped["late"] > 0);
    skipped_since_it_began_at_the_latest(&told, "late-1");
}

/// The one sentence about skipped records names how this member began.
fn skipped_since_it_began_at_the_latest(told: &Told, member: &str) {
    let skipped = told.events("record_skipped");
    assert_eq!(skipped.len(), 1);
    let how = format!(": {member} found no committed offset and began at the latest.");
    assert!(skipped[0].text.ends_with(&how), "{}", skipped[0].text);
    assert_eq!(skipped[0].rule, "auto.offset.reset = latest");
}

#[test]
fn who_goes_on_from_where_another_began_names_how_that_one_began() {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "3").topic_on("orders", &[&[101, 102, 103]]);
    let story = story.producer("early", "orders", "rate = 50").field("records = 20");
    let story = story.producer("late", "orders", "rate = 50").field("records = 20").field("start = \"40s\"");
    let story = story.group_from("bill", "orders", 1, "latest").at("15s", "stop bill-1").at("20s", "start bill-1");
    let told = story.run_until("60s").expect(&["skipped(bill) == 20"]);
    skipped_since_it_began_at_the_latest(&told, "bill-1");
}

#[test]
fn a_slow_disk_explains_what_is_sent_again() {
    let story = orders("min.insync.replicas=2", "acks=\"all\", enable.idempotence=false, request.timeout.ms=1000");
    let told = story.at("5s", "disk slow 101 3s").at("12s", "disk heal 101").run_until("60s");
    let twice = sentences(&told, "record_duplicated");
    assert!(twice[0].ends_with(": shop sent them again after NETWORK_EXCEPTION from 101."), "{twice:?}");
}

#[test]
fn producers_that_joined_are_named_for_what_they_send() {
    let story = orders("", "acks=\"all\"").at("3s", "add producer more topic=orders rate=50 acks=all enable.idempotence=false");
    let story = story.at("4s", "add producer blind topic=orders rate=50 acks=0");
    let told = story.at("5s", "duplicate more 101 20%").at("9s", "heal").at("10s", "kill 101").run_until("60s");
    let twice = sentences(&told, "record_duplicated");
    assert!(twice[0].ends_with(": more sent them again after NETWORK_EXCEPTION from 101."), "{twice:?}");
    let unwritten = sentences(&told, "record_unwritten");
    assert!(unwritten[0].starts_with("Nobody stores what blind sends to orders-0: "), "{unwritten:?}");
}

#[test]
fn a_machine_that_takes_a_number_takes_what_is_assigned_to_it() {
    let story = orders("", "acks=\"all\"").at("10s", "remove broker 103").at("30s", "add broker 103");
    let told = story.run_until("60s").expect(&["acked_lost == 0", "under_replicated == 0", "violations == 0"]);
    let joins = told.events("command").into_iter().find(|event| event.text.contains(" joins ")).expect("it joined");
    assert!(joins.text.starts_with("Broker 103 joins with an empty disk. 51 copies that are still assigned"), "{}", joins.text);
}
