//! Reading from the copy in one's own rack (KIP-392): who is read, how far, and what happens when that copy goes.

use playground_core::ids::BrokerId;
use playground_core::view::{HopKind, Place};
use playground_tests::story::{Story, Told};

/// 101, 102 and 103 in the racks a, b and c; the consumer stands in this one.
fn in_rack(rack: &str, selector: &str) -> Told {
    let story = Story::brokers(3).broker_config("offsets.topic.replication.factor", "1").broker_config("replica.selector.class", selector);
    let story = story.topic_on("orders", &[&[101, 102, 103]]).producer("p", "orders", "rate = 20");
    let story = story.group("readers", "orders", 1).with("client.rack", &format!("\"{rack}\""));
    let mut scenario = story.scenario();
    for (broker, rack) in [(101, "a"), (102, "b"), (103, "c")] {
        scenario.cluster.racks.insert(BrokerId(broker), rack.to_owned());
    }
    let mut told = Told::of(&scenario);
    told.cluster.set_hop_capacity(Some(u32::MAX));
    told
}

const RACK_AWARE: &str = "\"RackAwareReplicaSelector\"";

/// The brokers that sent records to the consumer since the last question.
fn read_from(told: &mut Told) -> Vec<i32> {
    let (hops, _) = told.cluster.take_hops();
    let mut brokers: Vec<i32> = hops
        .iter()
        .filter(|hop| hop.kind == HopKind::Deliver && hop.topic == "orders")
        .filter_map(|hop| if let Place::Broker(id) = hop.from { Some(id) } else { None })
        .collect();
    brokers.sort_unstable();
    brokers.dedup();
    brokers
}

#[test]
fn a_consumer_reads_from_the_follower_in_its_rack() {
    let mut told = in_rack("c", RACK_AWARE).until("30s");
    assert_eq!(read_from(&mut told), [103], "the leader sends it there before it sends a record");
    told.expect(&["skipped(readers) == 0", "duplicates(readers) == 0", "delivered(readers) >= 580"]);
}

#[test]
fn without_a_selector_a_rack_or_a_copy_there_it_reads_from_the_leader() {
    for (rack, selector) in [("c", "\"null\""), ("", RACK_AWARE), ("a", RACK_AWARE), ("elsewhere", RACK_AWARE)] {
        let mut told = in_rack(rack, selector).until("20s");
        assert_eq!(read_from(&mut told), [101], "{rack} {selector}");
    }
}

#[test]
fn a_follower_shows_no_more_than_its_own_high_watermark() {
    let told = in_rack("c", RACK_AWARE).until("10s");
    told.until_it_holds("it has read for a while", |told| {
        let follower = told.replica(103, "orders", 0);
        let delivered = told.cluster.consumers()[0].delivered;
        assert!(delivered <= follower.high_watermark.0, "{delivered} of {}", follower.high_watermark);
        told.cluster.now().millis() > 15_000
    });
}

#[test]
fn when_the_follower_dies_it_goes_back_to_the_leader_and_later_comes_again() {
    let mut told = in_rack("c", RACK_AWARE).until("20s").then("kill 103");
    read_from(&mut told);
    let mut told = told.until("60s");
    assert_eq!(read_from(&mut told), [101]);
    let mut told = told.then("start 103").until("90s");
    read_from(&mut told);
    let mut told = told.until("100s");
    assert_eq!(read_from(&mut told), [103], "in sync again, so the leader names it again");
    told.expect(&["skipped(readers) == 0", "acked_lost == 0"]);
}

#[test]
fn a_new_leader_is_asked_before_anybody_else() {
    let mut told = in_rack("c", RACK_AWARE).until("20s").then("kill 101");
    read_from(&mut told);
    let mut told = told.until("60s").expect(&["leader(orders, 0) == 102", "skipped(readers) == 0", "duplicates(readers) == 0"]);
    assert_eq!(read_from(&mut told), [103]);
}
