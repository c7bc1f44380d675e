//! What the active controller decides, claim by claim.

use super::*;
use crate::config::TopicConfig;
use crate::error::{ErrorCode, Refusal};
use crate::ids::{LeaderEpoch, PartitionEpoch, TopicPartition};
use crate::metadata::{LeaderRecoveryState, PartitionRegistration};
use crate::protocol::{AlterPartitionItem, BrokerHeartbeatRequest, BrokerRegistrationRequest, CreateTopicRequest, IsrChange, IsrState};
use crate::rng::Seed;
use crate::trace::{EventKind, TraceEvent};

fn at(ms: u64) -> SimTime {
    SimTime(ms * 1_000)
}

/// Three brokers and `orders-0` on all of them, 1 first.
fn controller(min_insync_replicas: u32) -> (Controller, TopicPartition, Outbox) {
    let mut controller = Controller::new(Arc::new(BrokerConfig::default()), SimRng::new(Seed(1), 0));
    let brokers = [1, 2, 3].map(BrokerId);
    for broker in brokers {
        controller.admit(broker, None);
    }
    let config = TopicConfig { min_insync_replicas, ..TopicConfig::default() };
    let request = CreateTopicRequest { name: Arc::from("orders"), internal: false, partitions: -1, replication_factor: -1, config };
    let mut out = Outbox::default();
    let topic = controller.create_topic(&request, Some(&[brokers.to_vec()]), None, &mut out).expect("a new topic");
    (controller, TopicPartition { topic, partition: 0 }, out)
}

fn partition(controller: &Controller, id: TopicPartition) -> &PartitionRegistration {
    controller.image().partition(id).expect("it was created")
}

fn beat(controller: &mut Controller, broker: i32, now: SimTime, out: &mut Outbox) {
    let epoch = controller.image().brokers[&BrokerId(broker)].epoch;
    let offset = controller.image().offset;
    let request = BrokerHeartbeatRequest { epoch, metadata_offset: offset, wants_shutdown: false, because: None };
    controller.heartbeat(now, BrokerId(broker), &request, out).expect("a registered broker");
}

fn register(controller: &mut Controller, now: SimTime, broker: i32, out: &mut Outbox) -> Result<BrokerEpoch, ErrorCode> {
    register_after(controller, now, broker, None, out)
}

/// As the next process, with the epoch of the one before if that one stopped in order.
fn register_after(
    controller: &mut Controller,
    now: SimTime,
    broker: i32,
    previous_epoch: Option<BrokerEpoch>,
    out: &mut Outbox,
) -> Result<BrokerEpoch, ErrorCode> {
    let incarnation = controller.image().brokers.get(&BrokerId(broker)).map_or(0, |known| known.incarnation + 1);
    let request = BrokerRegistrationRequest { incarnation, rack: None, previous_epoch, because: None };
    controller.register(now, BrokerId(broker), &request, out)
}

/// A heartbeat of a broker that was told to stop; true when it may.
fn ask_to_stop(controller: &mut Controller, broker: i32, now: SimTime, out: &mut Outbox) -> bool {
    let epoch = controller.image().brokers[&BrokerId(broker)].epoch;
    let metadata_offset = controller.image().offset;
    let request = BrokerHeartbeatRequest { epoch, metadata_offset, wants_shutdown: true, because: None };
    controller.heartbeat(now, BrokerId(broker), &request, out).expect("a registered broker").should_shut_down
}

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

fn ids(brokers: &[BrokerId]) -> Vec<i32> {
    brokers.iter().map(|broker| broker.0).collect()
}

fn report(controller: &mut Controller, id: TopicPartition, isr: &[i32], out: &mut Outbox) -> Result<IsrState, ErrorCode> {
    let before = partition(controller, id).clone();
    let leader = before.leader.expect("somebody reports");
    let item = isr_item(id, (before.leader_epoch.0, before.partition_epoch.0), isr, IsrChange::CaughtUp(leader));
    controller.alter_partition(leader, &item, out)
}

fn asked(name: &str, partitions: i32, replication_factor: i32) -> CreateTopicRequest {
    CreateTopicRequest { name: Arc::from(name), internal: false, partitions, replication_factor, config: TopicConfig::default() }
}

fn newest(out: &Outbox, kind: EventKind) -> &TraceEvent {
    out.events.iter().rfind(|event| event.kind == kind).expect("it was told")
}

fn isr_item(id: TopicPartition, epochs: (i32, i32), isr: &[i32], why: IsrChange) -> AlterPartitionItem {
    AlterPartitionItem {
        partition: id,
        leader_epoch: LeaderEpoch(epochs.0),
        partition_epoch: PartitionEpoch(epochs.1),
        new_isr: isr.iter().map(|broker| BrokerId(*broker)).collect(),
        isr_epochs: Vec::new(),
        recovery: LeaderRecoveryState::Recovered,
        why,
    }
}

#[test]
fn a_silent_broker_is_fenced_after_its_session_to_the_microsecond() {
    let (mut controller, id, mut out) = controller(1);
    beat(&mut controller, 2, at(4_000), &mut out);
    beat(&mut controller, 3, at(4_000), &mut out);
    assert_eq!(controller.next_timeout(), at(9_000));
    controller.handle_timeout(SimTime(8_999_999), &mut out);
    assert_eq!(partition(&controller, id).leader, Some(BrokerId(1)));
    controller.handle_timeout(at(9_000), &mut out);
    let after = partition(&controller, id);
    assert_eq!(
        (after.leader, after.leader_epoch, after.isr.as_slice()),
        (Some(BrokerId(2)), LeaderEpoch(1), &[BrokerId(2), BrokerId(3)][..])
    );
}

#[test]
fn a_second_process_is_refused_while_the_first_has_a_session() {
    let (mut controller, _, mut out) = controller(1);
    assert_eq!(register(&mut controller, SimTime(8_999_999), 1, &mut out), Err(ErrorCode::DuplicateBrokerRegistration));
    assert!(register(&mut controller, at(9_000), 1, &mut out).is_ok());
}

#[test]
fn a_process_let_in_at_the_end_of_the_old_session_has_lost_its_leaderships() {
    let (mut controller, id, mut out) = controller(1);
    register(&mut controller, at(9_000), 1, &mut out).expect("the session is over");
    assert_eq!(partition(&controller, id).leader, Some(BrokerId(2)));
    assert!(!partition(&controller, id).isr.contains(&BrokerId(1)));
}

#[test]
fn a_process_that_did_not_stop_in_order_is_eligible_no_longer() {
    let (mut controller, id, mut out) = controller(3);
    beat(&mut controller, 1, at(5_000), &mut out);
    beat(&mut controller, 2, at(5_000), &mut out);
    controller.handle_timeout(at(9_000), &mut out);
    assert_eq!(partition(&controller, id).elr, [BrokerId(3)], "below the minimum of 3 it stays eligible");
    register(&mut controller, at(10_000), 3, &mut out).expect("the session is over");
    assert!(partition(&controller, id).elr.is_empty());
    assert_eq!(partition(&controller, id).leader, Some(BrokerId(1)));
}

#[test]
fn an_isr_asked_for_with_old_epochs_is_refused() {
    let (mut controller, id, mut out) = controller(1);
    let mut ask = |leader_epoch, partition_epoch, isr: &[i32]| {
        let item = isr_item(id, (leader_epoch, partition_epoch), isr, IsrChange::Lagging(BrokerId(3)));
        controller.alter_partition(BrokerId(1), &item, &mut out).map(|state| state.partition_epoch.0)
    };
    assert_eq!(ask(0, 0, &[1, 2]), Ok(1));
    assert_eq!(ask(0, 0, &[1]), Err(ErrorCode::InvalidUpdateVersion));
    assert_eq!(ask(1, 1, &[1]), Err(ErrorCode::NotController));
    assert_eq!(ask(0, 1, &[2]), Err(ErrorCode::InvalidRequest), "a leader is in its own ISR");
}

#[test]
fn the_check_gives_leadership_back_to_the_preferred_replica_once_it_is_in_sync() {
    let (mut controller, id, mut out) = controller(1);
    register(&mut controller, at(9_000), 1, &mut out).expect("the session is over");
    for broker in [1, 2, 3] {
        beat(&mut controller, broker, at(299_000), &mut out);
    }
    controller.handle_timeout(at(300_000), &mut out);
    assert_eq!(partition(&controller, id).leader, Some(BrokerId(2)), "1 is back, but not in sync");
    let before = partition(&controller, id).clone();
    let item = isr_item(id, (before.leader_epoch.0, before.partition_epoch.0), &[2, 3, 1], IsrChange::CaughtUp(BrokerId(1)));
    controller.alter_partition(BrokerId(2), &item, &mut out).expect("it caught up");
    for broker in [1, 2, 3] {
        beat(&mut controller, broker, at(599_000), &mut out);
    }
    controller.handle_timeout(at(600_000), &mut out);
    assert_eq!(partition(&controller, id).leader, Some(BrokerId(1)));
}

#[test]
fn a_broker_that_stops_hands_over_before_it_goes() {
    let (mut controller, id, mut out) = controller(1);
    assert!(!ask_to_stop(&mut controller, 1, at(1_000), &mut out), "it still leads");
    let after = partition(&controller, id);
    assert_eq!((after.leader, ids(&after.isr)), (Some(BrokerId(2)), vec![2, 3]));
    let told = newest(&out, EventKind::BrokerStopping).id;
    assert_eq!(newest(&out, EventKind::LeaderElected).causes, [told]);
    // The others have not said that they know.
    assert!(!ask_to_stop(&mut controller, 1, at(1_050), &mut out));
    beat(&mut controller, 2, at(2_000), &mut out);
    assert!(!ask_to_stop(&mut controller, 1, at(2_050), &mut out), "3 may still follow it");
    beat(&mut controller, 3, at(2_100), &mut out);
    assert!(ask_to_stop(&mut controller, 1, at(3_050), &mut out));
    assert!(controller.image().brokers[&BrokerId(1)].fenced);
}

#[test]
fn a_broker_that_leads_nothing_may_stop_at_once() {
    let (mut controller, id, mut out) = controller(1);
    assert!(ask_to_stop(&mut controller, 3, at(1_000), &mut out));
    assert_eq!(ids(&partition(&controller, id).isr), [1, 2]);
}

#[test]
fn a_broker_that_is_about_to_stop_joins_no_isr_and_gets_no_replica() {
    let (mut controller, id, mut out) = controller(1);
    ask_to_stop(&mut controller, 1, at(1_000), &mut out);
    assert_eq!(report(&mut controller, id, &[2, 3, 1], &mut out), Err(ErrorCode::IneligibleReplica));
    let refusal = controller.create_topic(&asked("t", 1, 3), None, None, &mut out).unwrap_err();
    assert!(refusal.message.contains("only 2 broker(s) are registered"), "{}", refusal.message);
}

#[test]
fn after_a_controlled_shutdown_the_next_process_is_let_in_at_once_and_has_lost_nothing() {
    let (mut controller, id, mut out) = controller(3);
    let epoch = controller.image().brokers[&BrokerId(1)].epoch;
    ask_to_stop(&mut controller, 1, at(1_000), &mut out);
    beat(&mut controller, 2, at(2_000), &mut out);
    beat(&mut controller, 3, at(2_000), &mut out);
    assert!(ask_to_stop(&mut controller, 1, at(3_000), &mut out));
    assert_eq!(ids(&partition(&controller, id).elr), [1], "below the minimum of 3 it stays eligible");
    register_after(&mut controller, at(3_500), 1, Some(epoch), &mut out).expect("the old process went in order");
    assert_eq!(ids(&partition(&controller, id).elr), [1]);
}

#[test]
fn the_last_known_leader_leads_again_when_nobody_is_left_to_be_eligible() {
    let (mut controller, id, mut out) = controller(1);
    for (broker, ms) in [(2, 1), (3, 2), (1, 3)] {
        controller.fence(BrokerId(broker), &mut out);
        assert_eq!(partition(&controller, id).leader.is_some(), broker != 1, "at {ms}");
    }
    assert_eq!(ids(&partition(&controller, id).elr), [1]);
    // Its disk may have lost the tail: it is eligible no longer, but the last that led.
    register(&mut controller, at(10_000), 1, &mut out).expect("nobody else has this id");
    assert_eq!((ids(&partition(&controller, id).elr), ids(&partition(&controller, id).last_known_elr)), (vec![], vec![1]));
    beat(&mut controller, 1, at(10_100), &mut out);
    let after = partition(&controller, id);
    assert_eq!((after.leader, ids(&after.isr), after.recovery), (Some(BrokerId(1)), vec![1], LeaderRecoveryState::Recovering));
    report(&mut controller, id, &[1], &mut out).expect("the leader says that it has recovered");
    assert_eq!(partition(&controller, id).recovery, LeaderRecoveryState::Recovered);
}

#[test]
fn elections_by_hand_are_refused_in_kafkas_words() {
    let (mut controller, id, mut out) = controller(1);
    let code = |answer: Result<(), Refusal>| answer.map_err(|refusal| refusal.code);
    assert_eq!(code(controller.elect_leader(id, false, None, &mut out)), Err(ErrorCode::ElectionNotNeeded));
    assert_eq!(code(controller.elect_leader(id, true, None, &mut out)), Err(ErrorCode::ElectionNotNeeded));
    controller.fence(BrokerId(1), &mut out);
    assert_eq!(code(controller.elect_leader(id, false, None, &mut out)), Err(ErrorCode::PreferredLeaderNotAvailable));
    controller.fence(BrokerId(2), &mut out);
    controller.fence(BrokerId(3), &mut out);
    assert_eq!(code(controller.elect_leader(id, true, None, &mut out)), Err(ErrorCode::EligibleLeadersNotAvailable));
    let unknown = TopicPartition { partition: 9, ..id };
    assert_eq!(code(controller.elect_leader(unknown, true, None, &mut out)), Err(ErrorCode::UnknownTopicOrPartition));
    beat(&mut controller, 1, at(1_000), &mut out);
    assert_eq!(partition(&controller, id).leader, None, "it is not in sync, and the topic wants no unclean election");
    assert_eq!(code(controller.elect_leader(id, true, None, &mut out)), Ok(()));
    assert_eq!(ids(&partition(&controller, id).isr), [1]);
}

#[test]
fn a_leaderless_partition_that_allows_it_is_led_uncleanly_at_the_next_check() {
    let (mut controller, id, mut out) = controller(1);
    for broker in [2, 3, 1] {
        controller.fence(BrokerId(broker), &mut out);
    }
    beat(&mut controller, 2, at(1_000), &mut out);
    assert_eq!(partition(&controller, id).leader, None);
    let config = TopicConfig { unclean_leader_election: true, ..TopicConfig::default() };
    controller.alter_topic_config("orders", config, None, &mut out).expect("it exists");
    beat(&mut controller, 2, at(299_000), &mut out);
    controller.handle_timeout(at(300_000), &mut out);
    let after = partition(&controller, id);
    assert_eq!((after.leader, ids(&after.isr)), (Some(BrokerId(2)), vec![2]));
}

#[test]
fn a_reassignment_adds_first_and_removes_when_all_are_in_sync() {
    let (mut controller, id, mut out) = controller(1);
    controller.admit(BrokerId(4), None);
    controller.reassign(id, Some(&brokers(&[4, 2])), None, &mut out).expect("brokers that exist");
    let moving = partition(&controller, id).clone();
    assert_eq!((ids(&moving.replicas), ids(&moving.adding), ids(&moving.removing)), (vec![4, 2, 1, 3], vec![4], vec![1, 3]));
    assert_eq!((moving.leader, moving.leader_epoch), (Some(BrokerId(1)), LeaderEpoch(0)));
    // The leader is not part of the target: another leads, and it is told so.
    assert_eq!(report(&mut controller, id, &[1, 2, 3, 4], &mut out), Err(ErrorCode::NewLeaderElected));
    let moved = partition(&controller, id);
    assert_eq!((ids(&moved.replicas), ids(&moved.isr), moved.is_reassigning()), (vec![4, 2], vec![2, 4], false));
    assert_eq!((moved.leader, moved.leader_epoch), (Some(BrokerId(4)), LeaderEpoch(1)));
}

#[test]
fn a_reassignment_under_way_can_be_taken_back() {
    let (mut controller, id, mut out) = controller(1);
    let none = controller.reassign(id, None, None, &mut out).unwrap_err();
    assert_eq!((none.code, none.message.as_str()), (ErrorCode::NoReassignmentInProgress, "No partition reassignment is in progress."));
    controller.admit(BrokerId(4), None);
    controller.reassign(id, Some(&brokers(&[4])), None, &mut out).expect("a broker that exists");
    controller.reassign(id, None, None, &mut out).expect("it is under way");
    let back = partition(&controller, id);
    assert_eq!((ids(&back.replicas), ids(&back.isr), back.is_reassigning()), (vec![1, 2, 3], vec![1, 2, 3], false));
    let unknown = controller.reassign(id, Some(&brokers(&[1, 9])), None, &mut out).unwrap_err();
    assert_eq!(unknown.message, "The manual partition assignment includes broker 9, but no such broker is registered.");
    let twice = controller.reassign(id, Some(&brokers(&[1, 1])), None, &mut out).unwrap_err();
    assert_eq!(twice.message, "The manual partition assignment includes the broker 1 more than once.");
}

#[test]
fn a_topic_that_cannot_be_is_refused_in_kafkas_words() {
    let (mut controller, _, mut out) = controller(1);
    let mut refuse = |request: &CreateTopicRequest| {
        let refusal = controller.create_topic(request, None, None, &mut out).unwrap_err();
        (refusal.code, refusal.message)
    };
    let (code, message) = refuse(&asked("t", 1, 4));
    assert_eq!(code, ErrorCode::InvalidReplicationFactor);
    assert!(
        message.starts_with(
            "Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be reached because only 3 broker(s) \
             are registered"
        ),
        "{message}"
    );
    assert_eq!(refuse(&asked("orders", 1, 1)), (ErrorCode::TopicAlreadyExists, "Topic 'orders' already exists.".to_owned()));
    assert_eq!(refuse(&asked("t", 0, 1)).0, ErrorCode::InvalidPartitions);
    assert_eq!(refuse(&asked("t", 1, -2)).0, ErrorCode::InvalidReplicationFactor);
    assert_eq!(refuse(&asked("", 1, 1)).1, "Topic name is invalid: the empty string is not allowed");
    assert_eq!(refuse(&asked("..", 1, 1)).1, "Topic name is invalid: '..' is not allowed");
    assert_eq!(refuse(&asked(&"x".repeat(250), 1, 1)).0, ErrorCode::InvalidTopicException);
    assert_eq!(
        refuse(&asked("a b", 1, 1)).1,
        "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    );
}

#[test]
fn a_point_and_an_underscore_are_one_name() {
    let (mut controller, _, mut out) = controller(1);
    controller.create_topic(&asked("a.b", 1, 1), None, None, &mut out).expect("a new name");
    let refusal = controller.create_topic(&asked("a_b", 1, 1), None, None, &mut out).unwrap_err();
    assert_eq!(refusal.message, "Topic 'a_b' collides with existing topic: a.b");
    controller.create_topic(&asked("a-b", 1, 1), None, None, &mut out).expect("another name");
}

#[test]
fn a_deleted_topic_is_gone_and_its_number_is_not_given_again() {
    let (mut controller, id, mut out) = controller(1);
    controller.delete_topic("orders", None, &mut out).expect("it exists");
    assert!(controller.image().topic_named("orders").is_none() && controller.image().partition(id).is_none());
    assert_eq!(controller.image().partitions_of(id.topic).collect::<Vec<_>>(), [id], "brokers must hear which replicas go");
    assert_eq!(controller.delete_topic("orders", None, &mut out).unwrap_err().code, ErrorCode::UnknownTopicOrPartition);
    let again = controller.create_topic(&asked("orders", 1, 1), None, None, &mut out).expect("the name is free");
    assert_ne!(again, id.topic);
}

#[test]
fn added_partitions_must_be_more_than_there_are() {
    let (mut controller, id, mut out) = controller(1);
    let mut add = |count| controller.create_partitions("orders", count, None, None, &mut out).map_err(|refusal| refusal.message);
    assert_eq!(add(1), Err("Topic already has 1 partition(s).".to_owned()));
    assert_eq!(add(3), Ok(()));
    assert_eq!(add(2), Err("The topic orders currently has 3 partition(s); 2 would not be an increase.".to_owned()));
    assert_eq!(partition(&controller, TopicPartition { partition: 2, ..id }).replicas.len(), 3, "as many copies as the others");
}

#[test]
fn another_minimum_clears_who_was_eligible() {
    let (mut controller, id, mut out) = controller(3);
    controller.fence(BrokerId(3), &mut out);
    assert_eq!(ids(&partition(&controller, id).elr), [3]);
    let config = TopicConfig { min_insync_replicas: 2, ..TopicConfig::default() };
    controller.alter_topic_config("orders", config, None, &mut out).expect("it exists");
    assert!(partition(&controller, id).elr.is_empty());
    let changed = newest(&out, EventKind::TopicChanged).id;
    assert_eq!(newest(&out, EventKind::ElrChanged).causes, [changed]);
}

#[test]
fn another_minimum_forgets_who_led_last_and_says_so() {
    let (mut controller, id, mut out) = controller(1);
    for broker in [2, 3, 1] {
        controller.fence(BrokerId(broker), &mut out);
    }
    register(&mut controller, at(10_000), 1, &mut out).expect("nobody else has this id");
    assert_eq!((ids(&partition(&controller, id).elr), ids(&partition(&controller, id).last_known_elr)), (vec![], vec![1]));
    let config = TopicConfig { min_insync_replicas: 2, ..TopicConfig::default() };
    controller.alter_topic_config("orders", config, None, &mut out).expect("it exists");
    assert_eq!(partition(&controller, id).last_known_elr, []);
    let (changed, forgotten) = (newest(&out, EventKind::TopicChanged).id, newest(&out, EventKind::ElrChanged));
    assert!(forgotten.rule.contains("min.insync.replicas") && forgotten.causes == [changed], "{forgotten:?}");
    beat(&mut controller, 1, at(10_100), &mut out);
    assert_eq!(partition(&controller, id).leader, None, "it is back, and nobody knows that it led last");
    assert!(controller.elect_leader(id, true, None, &mut out).is_ok());
    assert_eq!(partition(&controller, id).leader, Some(BrokerId(1)));
}

#[test]
fn a_forgotten_broker_leads_nothing_and_is_unknown() {
    let (mut controller, id, mut out) = controller(1);
    controller.unregister(BrokerId(1), None, &mut out).expect("it is registered");
    assert_eq!(partition(&controller, id).leader, Some(BrokerId(2)));
    let refusal = controller.unregister(BrokerId(1), None, &mut out).unwrap_err();
    assert_eq!(refusal.message, "Broker ID 1 is not currently registered");
}

#[test]
fn an_old_process_of_a_broker_joins_no_isr() {
    let (mut controller, id, mut out) = controller(1);
    let old = controller.image().brokers[&BrokerId(3)].epoch;
    register(&mut controller, at(9_000), 3, &mut out).expect("the session is over");
    beat(&mut controller, 3, at(9_100), &mut out);
    let before = partition(&controller, id).clone();
    let mut item = isr_item(id, (before.leader_epoch.0, before.partition_epoch.0), &[1, 2, 3], IsrChange::CaughtUp(BrokerId(3)));
    item.isr_epochs = vec![None, None, Some(old)];
    assert_eq!(controller.alter_partition(BrokerId(1), &item, &mut out), Err(ErrorCode::IneligibleReplica));
    item.isr_epochs = Vec::new();
    assert!(controller.alter_partition(BrokerId(1), &item, &mut out).is_ok());
}
