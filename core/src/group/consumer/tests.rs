//! What a group of the new protocol promises, told by heartbeats to the group itself.

use super::heartbeat::{Decided, Setting};
use super::*;
use crate::config::{BrokerConfig, TopicConfig};
use crate::group::offsets::GroupRecord;
use crate::metadata::{MetadataImage, MetadataRecord, PartitionRegistration};
use crate::node::Outbox;
use crate::protocol::ConsumerHeartbeatRequest;

struct Stage {
    image: MetadataImage,
    config: BrokerConfig,
    now: SimTime,
    group: ConsumerGroup,
}

fn partition(partition: u32) -> TopicPartition {
    TopicPartition { topic: TopicId(0), partition }
}

impl Stage {
    fn new(partitions: u32) -> Self {
        let mut image = MetadataImage::default();
        image.replay(&MetadataRecord::Topic { id: TopicId(0), name: "t".into(), internal: false, config: TopicConfig::default() });
        let config = BrokerConfig { group_consumer_assignment_interval: SimDuration::ZERO, ..BrokerConfig::default() };
        let mut stage = Stage { image, config, now: SimTime(1), group: ConsumerGroup::new("g".into()) };
        stage.grow(0..partitions);
        stage
    }

    fn grow(&mut self, partitions: std::ops::Range<u32>) {
        for id in partitions.map(partition) {
            self.image.replay(&MetadataRecord::Partition { id, registration: PartitionRegistration::default() });
        }
    }

    /// Records go through their bytes on their way back.
    fn heartbeat(&mut self, member: &str, epoch: i32, owned: Option<&[u32]>) -> Result<(i32, Option<Vec<u32>>), ErrorCode> {
        let joins = epoch == 0;
        let request = ConsumerHeartbeatRequest {
            group: "g".into(),
            member_id: member.into(),
            client_id: member.into(),
            member_epoch: epoch,
            instance_id: None,
            rack: None,
            rebalance_timeout: joins.then_some(SimDuration::from_secs(60)),
            topics: joins.then(|| vec!["t".into()]),
            assignor: joins.then(|| "range".into()),
            owned: owned.map(|owned| owned.iter().copied().map(partition).collect()),
        };
        let at = Setting { now: self.now, image: &self.image, config: &self.config, uuid: &TopicId::uuid };
        let Decided { records, answer } = self.group.heartbeat(at, &request, &mut Outbox::default())?;
        self.replay(records);
        Ok((answer.member_epoch, answer.assignment.map(|list| list.into_iter().map(|id| id.partition).collect())))
    }

    fn join(&mut self, member: &str) -> (i32, Vec<u32>) {
        let (epoch, assignment) = self.heartbeat(member, 0, Some(&[])).expect("it may join");
        (epoch, assignment.expect("who joins is told"))
    }

    fn replay(&mut self, records: Vec<ConsumerRecord>) {
        for record in records {
            let written = GroupRecord::Consumer { group: "g".into(), record };
            let read = GroupRecord::decode(&written.key(), written.value().as_deref());
            assert_eq!(read.as_ref(), Some(&written));
            let Some(GroupRecord::Consumer { record, .. }) = read else { panic!("another kind of record") };
            self.group.replay(record);
        }
    }

    fn wait(&mut self, time: SimDuration) {
        self.now += time;
        let at = Setting { now: self.now, image: &self.image, config: &self.config, uuid: &TopicId::uuid };
        while let Some((_, _, records)) = self.group.expire(at, &mut Outbox::default()) {
            records.into_iter().for_each(|record| self.group.replay(record));
        }
    }
}

#[test]
fn a_partition_is_given_only_after_it_was_given_up() {
    let mut stage = Stage::new(4);
    assert_eq!(stage.join("a"), (2, vec![0, 1, 2, 3]));
    assert_eq!(stage.join("b"), (3, vec![]), "a still has them all");
    assert_eq!(stage.heartbeat("a", 2, None), Ok((2, Some(vec![0, 1]))), "a is asked to give up two");
    assert_eq!(stage.heartbeat("b", 3, None), Ok((3, None)), "it has not said that it did");
    assert_eq!(stage.heartbeat("a", 2, Some(&[0, 1])), Ok((3, None)), "it keeps the others");
    assert_eq!(stage.heartbeat("b", 3, None), Ok((3, Some(vec![2, 3]))));
    assert_eq!(stage.group.state(), ConsumerGroupState::Stable);
}

#[test]
fn a_member_that_does_not_give_up_in_time_is_put_out() {
    let mut stage = Stage::new(2);
    stage.join("a");
    stage.join("b");
    stage.heartbeat("a", 2, None).expect("it is a member");
    stage.wait(SimDuration::from_secs(30));
    stage.heartbeat("a", 2, Some(&[0, 1])).expect("it is alive");
    stage.heartbeat("b", 3, None).expect("so is b");
    stage.wait(SimDuration::from_secs(31));
    assert_eq!(stage.heartbeat("a", 2, None), Err(ErrorCode::UnknownMemberId));
    assert_eq!(stage.heartbeat("b", 3, None), Ok((4, Some(vec![0, 1]))));
}

#[test]
fn a_silent_member_is_put_out_when_its_session_ends() {
    let mut stage = Stage::new(2);
    stage.join("a");
    stage.wait(SimDuration::from_secs(44));
    assert_eq!(stage.group.members.len(), 1);
    stage.wait(SimDuration::from_secs(1));
    assert_eq!(stage.group.state(), ConsumerGroupState::Empty);
}

#[test]
fn new_partitions_raise_the_groups_epoch() {
    let mut stage = Stage::new(2);
    stage.join("a");
    stage.grow(2..3);
    assert_eq!(stage.heartbeat("a", 2, None), Ok((3, Some(vec![0, 1, 2]))));
}

#[test]
fn an_epoch_that_was_never_given_is_fenced_and_the_last_one_is_not() {
    let mut stage = Stage::new(2);
    stage.join("a");
    stage.join("b");
    assert_eq!(stage.heartbeat("a", 9, None), Err(ErrorCode::FencedMemberEpoch));
    stage.heartbeat("a", 2, Some(&[0, 1])).expect("it is asked to give up one");
    stage.heartbeat("a", 2, Some(&[0])).expect("it did, and is in epoch 3");
    assert_eq!(stage.heartbeat("a", 2, Some(&[0])), Ok((3, None)), "the answer may have been lost");
    assert_eq!(stage.heartbeat("a", 2, None), Err(ErrorCode::FencedMemberEpoch));
}

#[test]
fn a_target_is_kept_for_the_assignment_interval() {
    let mut stage = Stage::new(2);
    stage.config.group_consumer_assignment_interval = SimDuration::from_secs(1);
    stage.join("a");
    assert_eq!(stage.join("b"), (2, vec![]), "the epoch of the target there is");
    assert_eq!(stage.group.state(), ConsumerGroupState::Assigning);
    stage.wait(SimDuration::from_secs(1));
    assert_eq!(stage.heartbeat("a", 2, None), Ok((2, Some(vec![0]))));
}

#[test]
fn commits_are_fenced_by_the_epoch_in_which_a_partition_was_given() {
    let mut stage = Stage::new(2);
    stage.join("a");
    stage.join("b");
    stage.heartbeat("a", 2, None).expect("it is asked to give up one");
    stage.heartbeat("a", 2, Some(&[0])).expect("it did");
    stage.heartbeat("b", 3, None).expect("it gets one");
    let may = |member: &str, epoch: i32, id: u32| stage.group.may_commit(member, epoch, std::iter::once(partition(id)));
    assert_eq!(may("a", 3, 0), Ok(vec![true]));
    assert_eq!(may("a", 2, 0), Ok(vec![true]), "given in epoch 2 (KIP-1251)");
    assert_eq!(may("a", 2, 1), Ok(vec![false]), "that one is b's");
    assert_eq!(may("b", 2, 1), Ok(vec![false]), "given in epoch 3");
    assert_eq!(may("b", 4, 1), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(may("c", 3, 0), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn the_groups_epoch_has_kafkas_bytes() {
    let record = GroupRecord::Consumer { group: "g1".into(), record: ConsumerRecord::Epoch(Some((7, 0))) };
    assert_eq!(record.key(), [0, 3, 0, 2, b'g', b'1']);
    assert_eq!(record.value().expect("no tombstone"), [0, 0, 0, 0, 0, 7, 0]);
}
