//! What a run keeps: old segments go, bookmarks are compacted, and however long it takes it grows no more.

use playground_tests::story::{Story, Told};

fn kept(told: &Told) -> u64 {
    let logs = |broker: i32| told.cluster.broker(playground_core::ids::BrokerId(broker)).expect("it exists").replicas().values();
    (101..=103).flat_map(logs).map(|replica| replica.log.bytes()).sum()
}

#[test]
fn a_run_with_retention_grows_no_more_once_its_oldest_records_go() {
    let story = Story::brokers(3)
        .broker_config("offsets.topic.segment.bytes", "20000")
        .broker_config("log.retention.check.interval.ms", "60000")
        .topic_on("orders", &[&[101, 102, 103]])
        .with("retention.ms", "\"10m\"")
        .with("segment.ms", "\"5m\"")
        .producer("p", "orders", "rate = 5")
        .group("g", "orders", 1);
    let mut told = story.run_until("30m");
    let mut most = [0, 0];
    for minute in 31..=90 {
        told = told.until(&format!("{minute}m"));
        let half = &mut most[usize::from(minute > 60)];
        *half = kept(&told).max(*half);
    }
    assert!(most[1] * 100 <= most[0] * 105, "{most:?} bytes at most in the second and the third half hour");
    assert!(!told.events("segment_deleted").is_empty());
    let compacted = told.events("log_compacted");
    assert!(compacted.iter().any(|event| event.subject.starts_with("__consumer_offsets-")), "{compacted:?}");
    told.expect(&["acked_lost == 0", "skipped(g) == 0", "duplicates(g) == 0", "deleted_unread(g) == 0"]);
}
