//! What a person can do to a running cluster beside crashing a broker: cut and slow links, freeze processes, end and change clients.

use playground_core::shell::parse_line;
use playground_tests::story::{Story, Told};

/// One partition led by 101, a producer of 400 records, and a group that reads them.
fn orders() -> Story {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "1").topic_on("orders", &[&[101, 102, 103]]);
    story.producer("p", "orders", "rate = 10").field("records = 400")
}

/// Moments of the events of one kind, in milliseconds.
fn moments(told: &Told, kind: &str, subject: &str) -> Vec<u64> {
    told.events(kind).iter().filter(|event| event.subject == subject).map(|event| event.at_us / 1_000).collect()
}

/// The one event of a kind about a subject came within these milliseconds; kind and subject of what caused it.
#[track_caller]
fn caused<'t>(told: &'t Told, kind: &str, subject: &str, within: std::ops::RangeInclusive<u64>) -> (&'t str, &'t str) {
    let moments = moments(told, kind, subject);
    assert!(matches!(moments[..], [at] if within.contains(&at)), "{moments:?}");
    let cause = told.event(told.events(kind)[0].causes[0]);
    (&cause.kind, &cause.subject)
}

#[test]
fn a_broker_cut_off_from_the_controller_is_fenced_and_trusted_again_after_the_link_is_healed() {
    let told = orders().at("20s", "cut 102 controllers").at("40s", "heal 102 controllers").run_until("80s");
    assert_eq!(caused(&told, "broker_fenced", "102", 27_000..=29_100), ("fault", "102 controllers"));
    // Unanswered for 2 s it tries another connection (controller.quorum.request.timeout.ms): the first SYN after the cut gets through.
    let unfenced = moments(&told, "broker_unfenced", "102");
    assert!(matches!(unfenced[..], [at] if (40_000..=44_000).contains(&at)), "{unfenced:?}");
    told.expect(&["acked == 400", "failed == 0", "acked_lost == 0", "under_replicated == 0"]);
}

#[test]
fn a_paused_leader_is_replaced_and_learns_of_it_when_it_goes_on() {
    let told = orders().at("10s", "pause 101").at("50s", "resume 101").run_until("90s");
    assert_eq!(caused(&told, "broker_fenced", "101", 17_000..=19_100), ("fault", "101"), "it was the pause");
    let told = told.expect(&["leader(orders, 0) == 102", "isr(orders, 0) == [101, 102, 103]", "failed == 0", "acked_lost == 0"]);
    told.expect_equal_copies("orders", 0);
}

#[test]
fn nothing_is_done_by_a_paused_process_and_what_waited_is_done_in_order() {
    let told = orders().at("1s", "pause p").run_until("20s");
    let sent = told.client("p").sent;
    assert!((9..=11).contains(&sent), "{sent} records in the first second");
    let told = told.then("resume p").until("60s").expect(&["sent == 400", "acked == 400"]);
    let numbers: Vec<u64> = told.values("orders", 0).iter().map(|value| value.parse().expect("a number")).collect();
    assert!(numbers.is_sorted());
}

/// The answers of 101 do not come for long enough that the producer gives its connection up.
fn lost_answers(idempotence: &str) -> Told {
    let story = orders().with("enable.idempotence", idempotence).group("g", "orders", 1);
    story.at("10s", "cut 101>p").at("45s", "heal 101>p").run_until("3m")
}

#[test]
fn answers_that_never_come_are_duplicates_without_idempotence_and_none_with_it() {
    let told = lost_answers("false").expect(&["acked == 400", "failed == 0", "acked_lost == 0"]);
    let written = told.log_ends("orders")[0];
    assert!(written > 400, "{written} records for 400 sent");
    assert_eq!(told.view().ledger.duplicates["g"], written - 400);
    let told = lost_answers("true").expect(&["acked == 400", "failed == 0", "log_end(orders) == 400", "duplicates(g) == 0"]);
    assert!(told.client("p").retries > 0, "and yet it sent them again");
    assert!(told.client("p").errors.contains_key("NETWORK_EXCEPTION"), "{:?}", told.client("p").errors);
}

#[test]
fn a_reset_connection_makes_a_producer_send_twice() {
    let story = orders().at("5s", "duplicate p>101 30%");
    let told = story.clone().with("enable.idempotence", "false").run_until("2m").expect(&["acked == 400", "failed == 0"]);
    assert!(told.log_ends("orders")[0] > 410);
    story.run_until("2m").expect(&["acked == 400", "failed == 0", "log_end(orders) == 400"]);
}

#[test]
fn lost_packets_cost_time_and_no_record() {
    let told = orders().at("1s", "lose p 101 30%").at("1s", "slow brokers brokers 20ms").run_until("2m");
    let told = told.expect(&["acked == 400", "failed == 0", "log_end(orders) == 400", "under_replicated == 0"]);
    assert_eq!(told.client("p").retries, 0, "TCP hides it");
}

#[test]
fn heal_makes_everything_whole() {
    let story = orders().at("5s", "cut 101 102").at("5s", "cut clients>brokers").at("6s", "lose brokers controllers 50%");
    story.at("12s", "heal").run_until("3m").expect(&["acked == 400", "failed == 0", "under_replicated == 0", "acked_lost == 0"]);
}

#[test]
fn a_leader_that_cannot_hear_its_follower_drops_it_from_the_isr() {
    let told = orders().at("10s", "cut 103>101").at("80s", "heal").run_until("70s");
    assert_eq!(caused(&told, "isr_changed", "orders-0", 40_000..=55_100), ("fault", "103>101"));
    told.expect(&["isr(orders, 0) == [101, 102]", "leader(orders, 0) == 101"]).until("150s").expect(&["isr(orders, 0) == [101, 102, 103]"]);
}

#[test]
fn a_crashed_member_is_missed_for_a_session_and_a_stopped_one_says_goodbye() {
    let story = orders().topic("calls", 4, 1).group("g", "calls", 2);
    let told = story.run_until("20s").then("kill g-1").until("30s");
    assert!(moments(&told, "member_left", "g").is_empty());
    let told = told.until("80s");
    let left = moments(&told, "member_left", "g");
    assert_eq!(told.event(told.events("member_left")[0].causes[0]).subject, "g-1", "it was killed");
    assert!(matches!(left[..], [at] if (62_000..=65_100).contains(&at)), "{left:?}");
    let told = story.run_until("20s").then("stop g-1").until("22s");
    assert_eq!(moments(&told, "member_left", "g").len(), 1);
    told.then("start g-1").until("30s").expect(&["state(g) == Stable"]);
}

#[test]
fn a_restarted_producer_sends_again_what_it_has_no_answer_for() {
    let told = orders().at("10s", "cut 101>p").at("12s", "kill p").at("13s", "heal").at("60s", "start p").run_until("3m");
    let written = told.log_ends("orders")[0];
    // max.in.flight.requests.per.connection = 5; the others waited in the producer.
    assert_eq!(written, 405, "five records are there twice, even with idempotence");
    told.expect(&["sent == 400", "acked == 400", "failed == 0"]);
}

#[test]
fn a_stopped_producer_waits_for_its_answers_and_starts_where_it_was() {
    let told = orders().at("10s", "stop p").run_until("30s");
    let sent = told.client("p").sent;
    assert!((99..=102).contains(&sent), "{sent}");
    assert_eq!(told.client("p").acked, sent);
    told.then("start p").until("90s").expect(&["sent == 400", "acked == 400", "log_end(orders) == 400"]);
}

#[test]
fn a_client_goes_on_with_another_setting() {
    let told = orders().at("5s", "set p acks=0").at("6s", "kill 101").run_until("60s").expect(&["acked == 400", "failed == 0"]);
    assert_eq!(told.client("p").retries, 0, "with acks=0 it never hears of a failure");
    assert!(told.log_ends("orders")[0] < 400);
    let refused = orders().start().cluster.apply(&playground_core::shell::parse_line("set p acks=2").expect("a command"));
    assert!(refused.is_err());
}

#[test]
fn a_wrong_clock_changes_timestamps_and_nothing_else() {
    let right = orders().run_until("60s");
    let wrong = orders().at("5s", "skew p -10m").run_until("60s").expect(&["acked == 400", "log_end(orders) == 400"]);
    let stamps = |told: &Told| told.cluster.records("orders", Some(0)).into_iter().map(|line| line.timestamp_ms).collect::<Vec<_>>();
    let behind = stamps(&right).iter().zip(stamps(&wrong)).filter(|(right, wrong)| **right - 600_000 == *wrong).count();
    assert!((345..=355).contains(&behind), "{behind} records carry the wrong clock");
}

#[test]
fn log_append_time_is_the_leaders_clock_and_create_time_the_producers() {
    let stamped = |kind: &str| {
        let story = Story::brokers(3).topic_on("orders", &[&[101, 102]]).with("message.timestamp.type", kind);
        let story = story.producer("p", "orders", "rate = 10").field("records = 50").at("1s", "skew p -10m").at("1001ms", "skew 101 +20m");
        let told = story.run_until("60s").expect(&["acked == 50"]);
        let lines = told.cluster.records("orders", Some(0)).into_iter().filter(|line| line.offset >= 20);
        lines
            .map(|line| (line.timestamp_ms - playground_core::time::EPOCH_MS) / 60_000)
            .collect::<playground_core::sorted::SortedSet<i64>>()
    };
    assert_eq!(stamped("\"CreateTime\"").into_iter().collect::<Vec<_>>(), [-9]);
    assert_eq!(stamped("\"LogAppendTime\"").into_iter().collect::<Vec<_>>(), [20]);
}

#[test]
fn faults_in_force_are_listed_with_what_ends_them_until_they_are_over() {
    let mut told = orders().at("1s", "cut 101 brokers").at("2s", "pause p").at("3s", "heal 101 102").run_until("4s");
    let listed = |told: &Told| told.cluster.in_force();
    let line = |text: &str, undo: &str| (text.to_owned(), undo.to_owned());
    assert_eq!(listed(&told), [line("cut 101 brokers", "heal 101 brokers"), line("pause p", "resume p")], "101 is still cut from 103");
    for undo in ["heal 101 brokers", "resume p"] {
        told.cluster.apply(&parse_line(undo).expect("a command")).expect("it is in force");
    }
    assert_eq!(listed(&told), []);
}
