//! Replication: what may be lost and what may not, high watermarks, truncation, elections and their epochs.

use playground_core::broker::Phase;
use playground_core::ids::BrokerId;
use playground_tests::story::{Story, Told};

/// A steady writer to one partition led by 101, on a slow network: followers are two ways behind.
fn stream(acks: &str) -> Story {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "1").latency("50ms");
    story.topic_on("orders", &[&[101, 102, 103]]).producer("p", "orders", "rate = 200").with("acks", &format!("\"{acks}\""))
}

/// Kills 101 in the middle of its work and lets what is under way arrive: the log end of the dead, and what its followers got.
fn kill_the_leader(told: Told) -> (Told, u64, u64) {
    let told = told.then("kill 101").until("11s");
    let end = |broker: i32| told.replica(broker, "orders", 0).log.log_end().0;
    let (leader, copied) = (end(101), end(102).max(end(103)));
    assert!(leader > copied, "the story needs a leader that is ahead");
    (told, leader, copied)
}

#[test]
fn with_acks_1_a_dying_leader_loses_exactly_what_nobody_had_copied() {
    let (told, leader, copied) = kill_the_leader(stream("1").run_until("10s"));
    let told = told.until("60s");
    let view = told.view();
    let lost = &view.ledger.acked_lost;
    // The answer left before the crash for all it had appended, so all it was ahead had been promised.
    assert_eq!(lost.iter().map(|lost| lost.offset).collect::<Vec<_>>(), (copied..leader).collect::<Vec<_>>());
    assert_eq!(view.ledger.acked_lost_total, lost.len() as u64);
    assert!(lost.iter().all(|lost| lost.acks == "1" && lost.client == "p"));
}

#[test]
fn a_loss_names_the_election_that_caused_it() {
    let told = stream("1").run_until("10s").then("kill 101").until("60s");
    let lost = told.events("record_lost");
    assert_eq!(lost.len(), 1);
    let election = told.event(lost[0].causes[0]);
    assert_eq!((election.kind.as_str(), election.subject.as_str()), ("leader_elected", "orders-0"));
    let fenced = told.event(election.causes[0]);
    assert_eq!((fenced.kind.as_str(), fenced.subject.as_str()), ("broker_fenced", "101"));
    assert_eq!(told.event(fenced.causes[0]).kind, "fault", "and it all began with the crash");
}

#[test]
fn with_acks_all_the_same_crash_loses_nothing() {
    let (told, ..) = kill_the_leader(stream("all").field("records = 4000").run_until("10s"));
    let told = told.until("90s").expect(&["acked == 4000", "failed == 0", "acked_lost == 0", "log_end(orders) == 4000"]);
    assert!(told.events("record_lost").is_empty());
}

#[test]
fn a_returning_leader_cuts_what_the_new_one_never_had() {
    let (told, leader, copied) = kill_the_leader(stream("1").field("records = 6000").run_until("10s"));
    let told = told.until("25s").then("start 101").until("90s").expect(&["under_replicated == 0"]);
    let cut = told.events("log_truncated");
    assert_eq!(cut.len(), 1, "once is enough");
    let expected = format!("Broker 101 cut {} records from its copy of orders-0 (from offset {copied})", leader - copied);
    assert!(cut[0].text.starts_with(&expected), "{expected}: {}", cut[0].text);
    told.expect_equal_copies("orders", 0);
}

#[test]
fn a_truncating_follower_keeps_everything_below_the_high_watermark() {
    let told = stream("1").run_until("10s");
    let committed = told.replica(101, "orders", 0).high_watermark;
    let told = told
        .then("kill 101")
        .until("25s")
        .then("start 101")
        .until_it_holds("101 has cut its log", |told| !told.events("log_truncated").is_empty());
    assert!(told.replica(101, "orders", 0).log.log_end() >= committed);
}

#[test]
fn below_min_isr_writes_are_refused_and_the_high_watermark_stands() {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "1");
    let story = story.topic_on("orders", &[&[101, 102, 103]]).with("min.insync.replicas", "2");
    let story = story.producer("safe", "orders", "rate = 10").producer("fast", "orders", "rate = 10").with("acks", "\"1\"");
    let told = story.at("20s", "kill 102").at("20s", "kill 103").group("g", "orders", 1).run_until("40s");
    let (frozen, end) = marks(&told);
    let told = told.until("60s").expect(&["isr(orders, 0) == [101]", "leader(orders, 0) == 101", "acked_lost == 0"]);
    let (still_frozen, grown) = marks(&told);
    assert_eq!(frozen, still_frozen, "strict min ISR: the high watermark does not move at all");
    assert!(grown > end, "acks=1 writes are stored all the same");
    assert!(told.client("safe").errors["NOT_ENOUGH_REPLICAS"] > 0);
    assert!(told.view().groups[0].offsets["orders"][0].position <= Some(frozen), "nobody reads beyond it");
    // One copy more, and everything that waited goes through.
    let told = told.then("start 102").until("90s").expect(&["isr(orders, 0) == [101, 102]", "failed == 0", "acked_lost == 0"]);
    assert!(marks(&told).0 >= grown);
}

/// High watermark and log end of orders-0 on 101.
fn marks(told: &Told) -> (u64, u64) {
    let replica = told.replica(101, "orders", 0);
    (replica.high_watermark.0, replica.log.log_end().0)
}

#[test]
fn a_partition_without_a_live_copy_waits_and_comes_back_whole() {
    let story = Story::brokers(3).topic_on("orders", &[&[101, 102]]).with("min.insync.replicas", "2");
    let story = story.producer("p", "orders", "rate = 5").field("records = 500").group("g", "orders", 1);
    let told = story.at("20s", "kill 101").at("20s", "kill 102").run_until("40s");
    let told = told.expect(&["leader(orders, 0) == none", "acked_lost == 0", "failed == 0"]);
    let told = told.then("start 101").then("start 102").until("3m");
    let told =
        told.expect(&["offline == 0", "under_replicated == 0", "acked == 500", "failed == 0", "acked_lost == 0", "delivered(g) == 500"]);
    told.expect_equal_copies("orders", 0);
}

#[test]
fn only_the_last_in_sync_replica_may_lead_again() {
    let story = Story::brokers(3).topic_on("orders", &[&[101, 102]]).producer("p", "orders", "rate = 5");
    // 102 dies first; 101 goes on alone and is the only one with everything.
    let told = story.at("20s", "kill 102").at("40s", "kill 101").at("60s", "start 102").run_until("90s");
    let told = told.expect(&["leader(orders, 0) == none", "broker(102) == running", "acked_lost == 0"]);
    told.then("start 101").until("2m").expect(&[
        "leader(orders, 0) == 101",
        "isr(orders, 0) == [101, 102]",
        "failed == 0",
        "acked_lost == 0",
    ]);
}

#[test]
fn an_unclean_election_loses_and_says_so() {
    let story = Story::brokers(3).topic_on("orders", &[&[101, 102]]).with("unclean.leader.election.enable", "true");
    let story = story.producer("p", "orders", "rate = 5").at("20s", "kill 102").at("40s", "kill 101").at("60s", "start 102");
    let told = story.run_until("80s").expect(&["leader(orders, 0) == 102", "isr(orders, 0) == [102]"]);
    let lost = told.events("record_lost");
    assert_eq!(lost.len(), 1, "with acks=all and yet");
    assert!(told.view().ledger.acked_lost_total > 0);
    let election = told.event(lost[0].causes[0]);
    assert!(election.rule.contains("unclean.leader.election.enable = true"), "{}", election.rule);
    // The one with the longer log comes back as a follower and cuts it.
    let told = told.then("start 101").until("110s").expect(&["isr(orders, 0) == [101, 102]"]);
    assert!(!told.events("log_truncated").is_empty());
}

#[test]
fn the_first_live_in_sync_replica_in_replica_order_leads() {
    let story = Story::brokers(3).topic_on("orders", &[&[103, 102, 101]]).at("10s", "kill 103");
    story.run_until("25s").expect(&["leader(orders, 0) == 102", "leader_epoch(orders, 0) == 1", "isr(orders, 0) == [101, 102]"]);
}

#[test]
fn an_isr_that_grows_keeps_its_leader_epoch() {
    let story = Story::brokers(3).topic_on("orders", &[&[101, 102, 103]]).at("10s", "kill 103").at("25s", "start 103");
    story.run_until("60s").expect(&["isr_size(orders, 0) == 3", "leader_epoch(orders, 0) == 0"]);
}

#[test]
fn leadership_that_is_preferred_already_stays_at_the_check() {
    let told = Story::brokers(3).topic("orders", 6, 3).run_until("16m");
    assert!(told.events("leader_elected").is_empty(), "three checks and nothing to do");
}

#[test]
fn without_auto_rebalance_the_preferred_leader_does_not_return() {
    let story = Story::brokers(3).broker_config("auto.leader.rebalance.enable", "false").topic_on("orders", &[&[101, 102, 103]]);
    story.at("10s", "kill 101").at("30s", "start 101").run_until("11m").expect(&["leader(orders, 0) == 102", "isr_size(orders, 0) == 3"]);
}

#[test]
fn a_broker_that_starts_within_its_old_session_is_refused_until_that_ends() {
    let story = Story::brokers(3).topic_on("orders", &[&[102, 101, 103]]).producer("p", "orders", "rate = 5");
    let told = story.at("10s", "kill 102").at("11s", "start 102").run_until("16s").expect(&["broker(102) == starting"]);
    assert!(told.events("broker_registered").is_empty(), "DUPLICATE_BROKER_REGISTRATION");
    assert_eq!(told.view().topics[0].partitions[0].isr, [102, 101, 103], "the controller still trusts the old process");
    let told = told.until("40s").expect(&["broker(102) == running", "isr_size(orders, 0) == 3", "acked_lost == 0", "failed == 0"]);
    let (fenced, registered) = (told.events("broker_fenced")[0].at_us, told.events("broker_registered")[0].at_us);
    assert!(fenced <= registered, "first the old session ends");
    assert!(registered <= fenced + 9_100_000, "then the next try is let in");
}

#[test]
fn a_restart_within_the_network_delay_hears_nothing_meant_for_the_dead_process() {
    // Whatever is under way at that instant belongs to connections that died with the process.
    for at_ms in (10_000..12_000).step_by(37) {
        let story = Story::brokers(3).latency("20ms").topic_on("orders", &[&[102, 101, 103]]).producer("p", "orders", "rate = 20");
        let time = format!("{at_ms}ms");
        let mut told = story.at(&time, "kill 102").at(&time, "start 102").run_until(&time);
        let registered = |told: &Told| !told.events("broker_registered").is_empty();
        while !registered(&told) {
            let phase = told.cluster.broker(BrokerId(102)).expect("a broker").phase();
            assert_eq!(phase, Phase::Registering, "at {}, restarted at {time}", told.cluster.now());
            told.cluster.run_until(told.cluster.now() + playground_core::time::SimDuration::from_millis(5));
            assert!(told.cluster.now().millis() < 40_000, "it registers in the end");
        }
    }
}

#[test]
fn a_reader_never_sees_the_high_watermark_fall() {
    let story = Story::brokers(3).topic_on("orders", &[&[101, 102, 103]]).producer("p", "orders", "rate = 50").group("g", "orders", 1);
    let mut told = story.at("20s", "kill 101").at("40s", "start 101").at("60s", "kill 102").start();
    let (mut seen, mut position) = (0, None);
    for second in 1..=420 {
        told = told.until(&format!("{second}s"));
        let view = told.view();
        let offsets = &view.groups[0].offsets["orders"][0];
        assert!(offsets.position >= position || offsets.position.is_none(), "at {second} s");
        position = offsets.position.max(position);
        if let Some(leader) = view.topics[0].partitions[0]
            .leader
            .filter(|leader| view.brokers[(leader - 101) as usize].state == playground_core::view::BrokerState::Running)
        {
            let mark = told.replica(leader, "orders", 0).high_watermark.0;
            assert!(mark + 50 >= seen, "a new leader's mark lags by what its last fetch did not tell, no more");
            seen = seen.max(mark);
        }
    }
    told.expect(&["duplicates(g) == 0", "skipped(g) == 0", "out_of_order(g) == 0", "acked_lost == 0"]);
}

#[test]
fn an_idle_cluster_takes_few_steps() {
    let told = Story::brokers(3).topic("orders", 10, 3).group("g", "orders", 2).run_until("60s");
    let before = told.cluster.steps();
    let told = told.until("120s");
    let steps = told.cluster.steps() - before;
    // Long polls of 500 ms between three brokers, two members, the controller: some 40 answers a second, each a few steps.
    assert!(steps < 15_000, "{steps} steps in an idle minute");
}

#[test]
fn a_dead_broker_makes_nobody_spin() {
    let story = Story::brokers(3).topic("orders", 10, 3).producer("p-{1..5}", "orders", "rate = 2").group("g", "orders", 3);
    let told = story.at("60s", "kill 102").run_until("60s");
    let before = told.cluster.steps();
    let told = told.until("69s");
    let (waiting, now) = (told.cluster.steps() - before, told.cluster.steps());
    assert!(waiting < 9_000, "{waiting} steps while its session lasts");
    let told = told.until("129s");
    let later = told.cluster.steps() - now;
    assert!(later < 30_000, "{later} steps in the minute after it was fenced");
}

#[test]
fn acks_0_learns_of_a_new_leader_by_a_closed_connection() {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "1");
    let story = story.topic_on("orders", &[&[101, 102]]).producer("p", "orders", "rate = 10").with("acks", "\"0\"");
    let told = story.run_until("10s").then("kill 101").until("25s").then("start 101").until("310s");
    let told = told.expect(&["leader(orders, 0) == 101"]);
    let before = told.log_ends("orders")[0];
    let after = told.until("330s").log_ends("orders")[0];
    assert!(after - before >= 195, "{} of 200 records arrived at the leader that took office at 300 s", after - before);
}

#[test]
fn a_leader_nobody_follows_any_more_keeps_promises_only_to_acks_all() {
    let lost = |acks: &str| {
        let told = stream(acks).run_until("10s");
        // Its clients reach it, the rest of the cluster does not.
        let told = ["cut 101 102", "cut 101 103", "cut 101 controllers"].iter().fold(told, |told, line| told.then(line));
        let told = told.until("16s");
        let zombie = told.replica(101, "orders", 0).leadership().is_some();
        assert!(zombie, "it has not heard of anything");
        let told = told.until("40s").then("heal").until("4m").expect(&["under_replicated == 0", "leader(orders, 0) != 101"]);
        told.view().ledger.acked_lost_total
    };
    assert!(lost("1") > 100);
    assert_eq!(lost("all"), 0);
}

#[test]
fn a_consumer_goes_back_to_where_an_unclean_leader_parts_from_what_it_read() {
    let story = Story::brokers(3).topic_on("orders", &[&[101, 102]]).with("unclean.leader.election.enable", "true");
    let story = story.producer("p", "orders", "rate = 20").with("acks", "\"1\"").group("readers", "orders", 1);
    let told = story.run_until("10s").then("kill 102").until("40s");
    let (kept, read) = (told.replica(102, "orders", 0).log.log_end().0, told.cluster.consumers()[0].delivered);
    assert!(kept < 250 && read > 700, "{kept} {read}");
    // 101 dies for good, 102 leads with what it has, and is ahead of the reader's old position before the reader comes back.
    let told = told.then("kill 101").until("41s").then("start 102").until("3m");
    let told = told.expect(&["leader(orders, 0) == 102"]);
    let written = told.replica(102, "orders", 0).log.log_end().0;
    let delivered = told.cluster.consumers()[0].delivered;
    let reader = told.client("readers-1");
    assert_eq!(reader.errors.get("OFFSET_OUT_OF_RANGE"), None, "it asked before it read");
    let again = delivered - read;
    assert!(
        again + 60 >= written - kept && again <= written - kept,
        "{again} of {} new records, and none of the old again",
        written - kept
    );
}
