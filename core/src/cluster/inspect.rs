//! Looking into the logs of a cluster: readable records and everything about one of them.

use super::Cluster;
use super::history::Spell;
use crate::broker::Phase;
use crate::broker::partition::Replica;
use crate::command::{Command, Reset, ResetTo};
use crate::group::offsets::GroupRecord;
use crate::hash::coordinator_partition;
use crate::ids::{BrokerId, NodeId, Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::metadata::OFFSETS_TOPIC;
use crate::time::{EPOCH_MS, SimDuration, SimTime};
use crate::view::{Detail, GroupHistory, OffsetRowView, PlanView, PlannedView, RecordDetail, SpellView, Subject};
use std::sync::Arc;

/// A readable record, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordLine {
    pub partition: u32,
    pub offset: u64,
    pub timestamp_ms: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Rows of `__consumer_offsets` shown of a group, and how many batches are looked at for them.
const OFFSET_ROWS: usize = 8;
const OFFSET_BATCHES: usize = 64;

/// Where a group's bookmarks may be sent, as the page offers it.
const PLANS: [ResetTo; 4] = [ResetTo::Earliest, ResetTo::Latest, ResetTo::ShiftBy(-10), ResetTo::Duration(SimDuration::from_secs(60))];

impl Cluster {
    pub fn partition_named(&self, topic: &str, partition: u32) -> Option<TopicPartition> {
        let topic = self.controller().image().topic_named(topic)?;
        (partition < topic.partitions.len() as u32).then_some(TopicPartition { topic: topic.id, partition })
    }

    /// Its process is frozen.
    pub fn is_paused(&self, broker: BrokerId) -> bool {
        self.number(NodeId::Broker(broker)).is_some_and(|node| self.hosts[node as usize].paused)
    }

    /// It was removed and its process has ended.
    pub fn is_gone(&self, id: NodeId) -> bool {
        let closed = |node: u32| self.producer_at(node).is_some_and(|place| self.producers[place].unsettled() == 0);
        let ended = |node: u32| self.hosts[node as usize].gone && (self.hosts[node as usize].down || closed(node));
        self.number(id).is_some_and(ended)
    }

    /// A consumer that was not removed, or has not ended yet.
    pub fn takes_part(&self, consumer: u32) -> bool {
        !self.is_gone(NodeId::Client(self.consumers[consumer as usize].id))
    }

    /// Whether the process of a consumer is down, and whether it is paused.
    pub fn process_of(&self, consumer: u32) -> (bool, bool) {
        let number = self.number(NodeId::Client(self.consumers[consumer as usize].id));
        number.map_or((true, false), |node| (self.hosts[node as usize].down, self.hosts[node as usize].paused))
    }

    /// The replica that speaks for a partition: its leader's, else the one with the longest log.
    pub fn speaker(&self, id: TopicPartition) -> Option<&Replica> {
        let leader = self.controller().image().partition(id)?.leader.and_then(|leader| self.broker(leader));
        let running = leader.filter(|broker| broker.phase() != Phase::Down).and_then(|broker| broker.replicas().get(&id));
        let longest = || self.brokers().iter().filter_map(|broker| broker.replicas().get(&id)).max_by_key(|replica| replica.log.log_end());
        running.or_else(longest)
    }

    /// Records below the high watermark, partition by partition.
    pub fn records(&self, topic: &str, partition: Option<u32>) -> Vec<RecordLine> {
        let Some(image) = self.controller().image().topic_named(topic) else { return Vec::new() };
        let wanted = |p: &u32| partition.is_none_or(|only| only == *p);
        let partitions = (0..image.partitions.len() as u32).filter(wanted);
        partitions.flat_map(|partition| self.records_of(TopicPartition { topic: image.id, partition })).collect()
    }

    fn records_of(&self, id: TopicPartition) -> Vec<RecordLine> {
        let Some(replica) = self.speaker(id) else { return Vec::new() };
        let batches = replica.log.read(replica.log.log_start(), replica.high_watermark, u32::MAX);
        batches.iter().flat_map(|stored| lines(id, stored)).filter(|line| line.offset < replica.high_watermark.0).collect()
    }

    /// What has more to say of itself than the view of everything.
    #[inline(never)]
    pub fn detail(&self, subject: &Subject) -> Option<Detail> {
        match subject {
            Subject::Record { topic, partition, offset } => self.record_detail(topic, *partition, *offset).map(Detail::Record),
            Subject::Group(name) => self.group_history(name).map(Detail::Group),
            _ => None,
        }
    }

    pub fn group_history(&self, name: &str) -> Option<GroupHistory> {
        let group = self.scenario().groups.iter().position(|group| group.name == name)? as u32;
        let image = self.controller().image();
        let spell = |spell: &Spell| SpellView {
            topic: image.topic(spell.partition.topic).map(|topic| topic.name.to_string()).unwrap_or_default(),
            partition: spell.partition.partition,
            client: self.consumer(spell.member).map(|member| member.name.to_string()).unwrap_or_default(),
            from_us: spell.from.micros(),
            until_us: (spell.until != SimTime::MAX).then_some(spell.until.micros()),
        };
        let members = (0..self.consumers().len()).filter(|consumer| self.group_of(*consumer as u32) == group);
        Some(GroupHistory {
            group: name.to_owned(),
            second: self.now().micros() / 1_000_000,
            spells: self.spells(group).map(spell).collect(),
            given: members.map(|consumer| self.given_by_second(consumer)).collect(),
            rows: self.offset_rows(name),
            plans: PLANS.map(|to| self.plan(name, to)).into(),
        })
    }

    /// The newest rows of a group in its partition of `__consumer_offsets`.
    fn offset_rows(&self, name: &str) -> Vec<OffsetRowView> {
        let partition = coordinator_partition(name, self.scenario.cluster.config.offsets_topic_partitions);
        let topic = self.controller().image().topic_named(OFFSETS_TOPIC).map(|topic| topic.id);
        let Some(replica) = topic.and_then(|topic| self.speaker(TopicPartition { topic, partition })) else { return Vec::new() };
        let mut rows = Vec::new();
        for stored in replica.log.newest_first().take(OFFSET_BATCHES) {
            let mut batch: Vec<OffsetRowView> = stored
                .batch
                .records()
                .filter_map(|record| match GroupRecord::decode(record.key?, record.value)? {
                    GroupRecord::OffsetCommit { group, topic, partition, value } if *group == *name => Some(OffsetRowView {
                        at: stored.base_offset.0 + u64::from(record.offset_delta),
                        topic: topic.to_string(),
                        partition,
                        committed: value.map(|value| value.offset.0),
                    }),
                    _ => None,
                })
                .collect();
            batch.reverse();
            rows.extend(batch);
            if rows.len() >= OFFSET_ROWS {
                break;
            }
        }
        rows.truncate(OFFSET_ROWS);
        rows
    }

    fn plan(&self, group: &str, to: ResetTo) -> PlanView {
        let reset = Reset { group: group.to_owned(), topics: Vec::new(), to };
        let planned = self.plan_reset(&reset);
        let line = Command::ResetOffsets(Box::new(reset)).to_string();
        match planned {
            Err(refused) => PlanView { line, refused: refused.trim().lines().next().map(str::to_owned), ..PlanView::default() },
            Ok((_, planned)) => {
                let one = |((topic, partition), offset): (&(Arc<str>, u32), &u64)| PlannedView {
                    topic: topic.to_string(),
                    partition: *partition,
                    offset: *offset,
                };
                PlanView { line, offsets: planned.offsets.iter().map(one).collect(), refused: None }
            }
        }
    }

    pub fn record_detail(&self, topic: &str, partition: u32, offset: u64) -> Option<RecordDetail> {
        let id = self.partition_named(topic, partition)?;
        let replica = self.speaker(id)?;
        let stored = replica.log.batch_at(Offset(offset))?;
        let record = stored.batch.record(Offset(offset).since(stored.base_offset) as u32)?;
        let holds = |replica: &Replica| replica.log.contains(Offset(offset), stored.leader_epoch);
        let copies = self.brokers().iter().filter(|broker| broker.replicas().get(&id).is_some_and(holds));
        Some(RecordDetail {
            topic: topic.to_owned(),
            partition,
            offset,
            timestamp_ms: record.timestamp_ms,
            timestamp_us: (record.timestamp_ms - EPOCH_MS).max(0) as u64 * 1_000,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers().map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec))).collect(),
            batch_bytes: stored.batch.size_in_bytes(),
            batch_records: stored.batch.record_count(),
            batch_base_offset: stored.base_offset.0,
            leader_epoch: stored.leader_epoch.0,
            crc: stored.batch.crc(),
            copies: copies.map(|broker| broker.id.0).collect(),
            committed: offset < replica.high_watermark.0,
        })
    }
}

fn lines(id: TopicPartition, stored: &StoredBatch) -> impl Iterator<Item = RecordLine> + '_ {
    stored.batch.records().map(move |record| RecordLine {
        partition: id.partition,
        offset: stored.base_offset.0 + u64::from(record.offset_delta),
        timestamp_ms: record.timestamp_ms,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        headers: record.headers().map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec))).collect(),
    })
}
