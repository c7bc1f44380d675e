//! The broker as host of a group coordinator: finding it, taking over and giving up partitions of `__consumer_offsets`,
//! and writing its records through the ordinary log with `acks=all`.

use super::Broker;
use super::purgatory::{AnswerTo, ParkedProduce};
use crate::config::{Acks, BrokerConfig, Cleanup, Settings, TopicConfig};
use crate::error::ErrorCode;
use crate::group::offsets::GroupRecord;
use crate::group::{Asked, Continuation, Write};
use crate::hash::coordinator_partition;
use crate::ids::{BrokerId, CorrelationId, LeaderEpoch, NodeId, Offset, TopicId, TopicPartition};
use crate::log::ClientBatch;
use crate::log::segment::StoredBatch;
use crate::metadata::{MetadataImage, OFFSETS_TOPIC};
use crate::node::Outbox;
use crate::planted::{Bug, planted};
use crate::protocol::{CreateTopicRequest, OffsetCommitRequest, OffsetFetchRequest, ProducedPartition, Request, Response};
use crate::record::{BatchBuilder, ProducerStamp};
use crate::sorted::{SortedMap, SortedSet};
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use std::sync::Arc;

/// `offsets.commit.timeout.ms`.
const WRITE_TIMEOUT: SimDuration = SimDuration::from_secs(5);

/// The referee's mark for records a broker writes itself.
pub const COORDINATOR_WRITER: u32 = u32::MAX;

impl Broker {
    pub(super) fn serve_group(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: Request, out: &mut Outbox) {
        match request {
            Request::FindCoordinator(group) => {
                let answer = self.find_coordinator(&group, out);
                out.respond(from, id, Response::FindCoordinator(answer));
            }
            Request::JoinGroup(request) => {
                let asked = Asked { shard: self.shard_of(&request.group), from, id };
                let writes = self.groups.join(now, &asked, &request, out);
                self.write_all(now, writes, out);
            }
            Request::SyncGroup(request) => {
                let asked = Asked { shard: self.shard_of(&request.member.group), from, id };
                let writes = self.groups.sync(now, &asked, &request, out);
                self.write_all(now, writes, out);
            }
            Request::Heartbeat(member) => {
                let answer = self.groups.heartbeat(now, self.shard_of(&member.group), &member);
                out.respond(from, id, Response::Heartbeat(answer));
            }
            Request::LeaveGroup(member) => {
                let shard = self.shard_of(&member.group);
                let (answer, writes) = self.groups.leave(now, shard, &member, out);
                out.respond(from, id, Response::LeaveGroup(answer));
                self.write_all(now, writes, out);
            }
            Request::ConsumerGroupHeartbeat(request) => {
                let asked = Asked { shard: self.shard_of(&request.group), from, id };
                let image = Arc::clone(&self.image);
                if let Some(write) = self.groups.consumer_heartbeat(now, &asked, &request, &image, &TopicId::uuid, out) {
                    self.write(now, write, out);
                }
            }
            Request::OffsetCommit(request) => self.commit(now, from, id, &request, out),
            Request::OffsetFetch(request) => {
                let answer = self.committed(&request);
                out.respond(from, id, Response::OffsetFetch(Box::new(answer)));
            }
            _ => {}
        }
    }

    fn shard_of(&self, group: &str) -> u32 {
        coordinator_partition(group, self.config.offsets_topic_partitions)
    }

    /// The leader of the group's partition of `__consumer_offsets`; the topic is created when somebody first asks.
    fn find_coordinator(&mut self, group: &str, out: &mut Outbox) -> Result<BrokerId, ErrorCode> {
        let Some(topic) = self.image.topic_named(OFFSETS_TOPIC) else {
            let request = Request::CreateTopic(Box::new(offsets_topic_request(&self.config)));
            self.ask_controller(request, out);
            return Err(ErrorCode::CoordinatorNotAvailable);
        };
        let shard = TopicPartition { topic: topic.id, partition: self.shard_of(group) };
        self.image.partition(shard).and_then(|partition| partition.leader).ok_or(ErrorCode::CoordinatorNotAvailable)
    }

    /// This broker starts or stops leading a partition of `__consumer_offsets`.
    pub(super) fn coordinate(&mut self, now: SimTime, id: TopicPartition, leads: bool, out: &mut Outbox) {
        if !leads {
            self.groups.resign(id.partition, out);
            return;
        }
        let replica = self.replicas.get(&id).expect("it leads this partition");
        let mut decoded: Vec<GroupRecord> = Vec::new();
        let mut read = |stored: &StoredBatch| {
            decoded.extend(stored.batch.records().filter_map(|record| GroupRecord::decode(record.key.unwrap_or_default(), record.value)));
        };
        replica.log.segments().iter().for_each(|segment| segment.visit(&mut read));
        let writes = self.groups.load(now, id.partition, decoded.into_iter(), out);
        let loaded: Vec<String> = self.groups.shards()[&id.partition].groups.keys().map(|name| name.to_string()).collect();
        if !loaded.is_empty() {
            let me = self.id;
            out.note(
                EventKind::CoordinatorLoaded,
                loaded.join(", "),
                format!("Broker {me} coordinates {} now: it read the bookmarks from {OFFSETS_TOPIC}-{}.", loaded.join(", "), id.partition),
                format!("The coordinator is the leader of partition abs(hash(group)) % {}", self.config.offsets_topic_partitions),
                Vec::new(),
            );
        }
        self.write_all(now, writes, out);
    }

    /// Groups have no bookmarks in topics that are gone.
    pub(super) fn forget_bookmarks(&mut self, now: SimTime, before: &MetadataImage, changed: &[TopicPartition], out: &mut Outbox) {
        let gone = changed.iter().filter(|id| self.image.topic(id.topic).is_none());
        let gone: SortedSet<Arc<str>> = gone.filter_map(|id| Some(Arc::clone(&before.topic(id.topic)?.name))).collect();
        if !gone.is_empty() {
            let writes = self.groups.topics_deleted(&gone);
            self.write_all(now, writes, out);
        }
    }

    fn commit(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: &OffsetCommitRequest, out: &mut Outbox) {
        let asked = Asked { shard: self.shard_of(&request.member.group), from, id };
        let named =
            request.offsets.iter().filter_map(|(partition, offset, epoch)| self.named(*partition, *offset, *epoch)).collect::<Vec<_>>();
        match self.groups.commit(now, &asked, &request.member, &named) {
            Ok(mut write) => {
                if planted(Bug::BookmarksBeforeTheyAreWritten) {
                    out.respond(from, id, Response::OffsetCommit(Ok(())));
                    write.then = Continuation::Nothing;
                }
                self.write_all(now, vec![write], out);
            }
            Err(error) => out.respond(from, id, Response::OffsetCommit(Err(error))),
        }
    }

    fn named(&self, id: TopicPartition, offset: Offset, epoch: LeaderEpoch) -> Option<(TopicPartition, Arc<str>, Offset, LeaderEpoch)> {
        Some((id, Arc::clone(&self.image.topic(id.topic)?.name), offset, epoch))
    }

    fn committed(&self, request: &OffsetFetchRequest) -> Result<SortedMap<TopicPartition, Offset>, ErrorCode> {
        let shard = self.shard_of(&request.group);
        if !self.groups.leads(shard) {
            return Err(ErrorCode::NotCoordinator);
        }
        self.groups.may_fetch(shard, &request.group, request.member.as_ref().map(|(id, epoch)| (&**id, *epoch)))?;
        let one = |id: &TopicPartition| {
            let topic = &self.image.topic(id.topic)?.name;
            Some((*id, self.groups.committed(shard, &request.group, topic, id.partition)?.offset))
        };
        Ok(request.partitions.iter().filter_map(one).collect())
    }

    pub(super) fn expire_groups(&mut self, now: SimTime, out: &mut Outbox) {
        if self.groups.next_timeout() <= now {
            let writes = self.groups.expire(now, out);
            self.write_all(now, writes, out);
            let image = Arc::clone(&self.image);
            while let Some(write) = self.groups.expire_consumer(now, &image, &TopicId::uuid, out) {
                self.write(now, write, out);
            }
        }
    }

    /// Writes what an administrator has decided about a group.
    pub fn write_for(&mut self, now: SimTime, group: &str, records: Vec<GroupRecord>, out: &mut Outbox) {
        let write = Write { shard: self.shard_of(group), records, then: Continuation::Nothing };
        self.write(now, write, out);
    }

    /// What was to follow writes that are committed now, or have failed; true when there was something.
    pub(super) fn go_on_with_groups(&mut self, now: SimTime, out: &mut Outbox) -> bool {
        let Some(writes) = self.groups.go_on(now, out) else { return false };
        self.write_all(now, writes, out);
        true
    }

    fn write_all(&mut self, now: SimTime, writes: Vec<Write>, out: &mut Outbox) {
        for write in writes {
            self.write(now, write, out);
        }
    }

    /// Appends a coordinator's records and lets it go on when they are committed.
    fn write(&mut self, now: SimTime, write: Write, out: &mut Outbox) {
        if write.records.is_empty() {
            self.groups.written(write.then, None, out);
            return;
        }
        if self.write_fails(out) {
            return;
        }
        let Some(topic) = self.image.topic_named(OFFSETS_TOPIC).map(|topic| topic.id) else { return };
        let partition = TopicPartition { topic, partition: write.shard };
        let batch = ClientBatch { batch: batch_of(&write.records, self.clock_ms(now)), writer: COORDINATOR_WRITER, serial: 0 };
        let mut open = 0;
        match self.append(now, partition, batch, Acks::All, &mut open) {
            Err(error) => self.groups.written(write.then, Some(error), out),
            Ok(stored) => {
                self.groups.appended(now, write.shard, write.records);
                let (answer_to, deadline) = (AnswerTo::Group(write.then), now + WRITE_TIMEOUT);
                let results = vec![ProducedPartition { partition, result: Ok(stored), arrived: now }];
                self.answer_when_committed(ParkedProduce { answer_to, results, open, deadline }, out);
            }
        }
    }
}

fn batch_of(records: &[GroupRecord], clock_ms: i64) -> crate::record::RecordBatch {
    let mut builder = BatchBuilder::new();
    for record in records {
        builder.append(clock_ms, Some(&record.key()), record.value().as_deref(), &[]);
    }
    builder.build(ProducerStamp::NONE)
}

/// The settings of `__consumer_offsets`, as the coordinator asks for them.
///
/// With fewer brokers than `offsets.topic.replication.factor` the controller refuses, as Kafka does.
fn offsets_topic_request(config: &BrokerConfig) -> CreateTopicRequest {
    CreateTopicRequest {
        name: Arc::from(OFFSETS_TOPIC),
        internal: true,
        partitions: config.offsets_topic_partitions as i32,
        replication_factor: config.offsets_topic_replication_factor as i32,
        config: TopicConfig {
            segment_bytes: config.offsets_topic_segment_bytes,
            cleanup: Cleanup::COMPACT,
            ..TopicConfig::of(config.profile)
        },
    }
}
