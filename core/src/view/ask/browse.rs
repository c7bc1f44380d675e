//! Committed records of a topic, found from one end of its logs, a limited look at a time.

use super::{BatchView, Browse, MessageView, Messages, Start};
use crate::broker::partition::Replica;
use crate::cluster::Cluster;
use crate::ids::{Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::record::TimestampType;
use crate::view::build::text;

/// Records looked at for one answer; a filter may have to go through many for each it lets through.
const LOOKS: u64 = 50_000;
/// Rows of one answer at most, whatever is asked for.
const ROWS: u32 = 1_000;
/// Bytes taken from a log in one go.
const CHUNK: u32 = 65_536;

pub(super) fn browse(cluster: &Cluster, asked: &Browse) -> Option<Messages> {
    let topic = cluster.controller().image().topic_named(&asked.topic)?;
    let wanted = |p: &u32| asked.partition.is_none_or(|only| only == *p);
    let partitions: Vec<u32> = (0..topic.partitions.len() as u32).filter(wanted).collect();
    let share = (LOOKS / (partitions.len() as u64).max(1)).max(1);
    let mut found = Finding { asked, limit: asked.limit.clamp(1, ROWS) as usize, looks: 0, kept: 0, messages: Messages::default() };
    for partition in partitions {
        let id = TopicPartition { topic: topic.id, partition };
        if let Some(replica) = cluster.speaker(id) {
            (found.looks, found.kept) = (share, 0);
            found.look_into(partition, replica);
        }
    }
    let mut messages = found.messages;
    for row in &mut messages.rows {
        let id = TopicPartition { topic: topic.id, partition: row.partition };
        let epoch = crate::ids::LeaderEpoch(row.batch.leader_epoch);
        let holds = |replica: &Replica| replica.log.contains(Offset(row.offset), epoch);
        let holders = cluster.brokers().iter().filter(|broker| broker.replicas().get(&id).is_some_and(holds));
        row.batch.copies = holders.map(|broker| broker.id.0).collect();
    }
    messages.of = asked.clone();
    Some(messages)
}

struct Finding<'a> {
    asked: &'a Browse,
    /// Rows of all partitions together; of each no more need be found.
    limit: usize,
    /// Records that may still be looked at in this partition, and those of it that passed.
    looks: u64,
    kept: usize,
    messages: Messages,
}

impl Finding<'_> {
    fn enough(&mut self) -> bool {
        let enough = self.looks == 0 || self.kept >= self.limit;
        self.messages.more |= enough;
        enough
    }

    fn look_into(&mut self, partition: u32, replica: &Replica) {
        let (start, end) = (replica.log.log_start(), replica.high_watermark);
        let mut at = match self.asked.start {
            Start::Newest => {
                for stored in replica.log.newest_first().filter(|stored| stored.base_offset < end && stored.next_offset() > start) {
                    if self.enough() {
                        return;
                    }
                    self.take(partition, stored, start, end);
                }
                return;
            }
            Start::Beginning => start,
            Start::Offset(offset) => Offset(offset).max(start),
            Start::Time(at) => replica.log.offset_at_time(at).unwrap_or(end),
        };
        let from = at;
        while at < end {
            let batches = replica.log.read(at, end, CHUNK);
            for stored in &batches {
                if self.enough() {
                    return;
                }
                self.take(partition, stored, from, end);
            }
            let Some(last) = batches.last() else { return };
            at = last.next_offset();
        }
    }

    /// The records of a batch from one offset up to another that pass the filters.
    fn take(&mut self, partition: u32, stored: &StoredBatch, from: Offset, end: Offset) {
        for record in stored.batch.records() {
            let offset = stored.base_offset.plus(u64::from(record.offset_delta));
            if offset < from || offset >= end {
                continue;
            }
            self.looks = self.looks.saturating_sub(1);
            self.messages.scanned += 1;
            let (key, value) = (record.key.map(text), record.value.map(text));
            let headers: Vec<(String, Option<String>)> = record.headers().map(|(name, value)| (name.to_owned(), value.map(text))).collect();
            if passes(self.asked, key.as_deref(), value.as_deref(), &headers) {
                self.kept += 1;
                self.keep(MessageView {
                    partition,
                    offset: offset.0,
                    timestamp_ms: record.timestamp_ms,
                    key_bytes: record.key.map_or(0, |key| key.len() as u32),
                    value_bytes: record.value.map_or(0, |value| value.len() as u32),
                    key,
                    value,
                    headers,
                    batch: batch(stored),
                });
            }
        }
    }

    /// In its place among the best ones; the worst one goes when there are too many.
    fn keep(&mut self, row: MessageView) {
        let newest = self.asked.start == Start::Newest;
        let place = |row: &MessageView| (row.timestamp_ms, row.partition, row.offset);
        let rows = &mut self.messages.rows;
        let at = rows.partition_point(|other| (place(other) < place(&row)) != newest);
        rows.insert(at, row);
        self.messages.more |= rows.len() > self.limit;
        rows.truncate(self.limit);
    }
}

fn passes(asked: &Browse, key: Option<&str>, value: Option<&str>, headers: &[(String, Option<String>)]) -> bool {
    let holds = |wanted: &str, text: Option<&str>| wanted.is_empty() || text.is_some_and(|text| text.contains(wanted));
    let header = |(name, value): &(String, Option<String>)| format!("{name}={}", value.as_deref().unwrap_or("")).contains(&asked.header);
    holds(&asked.key, key) && holds(&asked.value, value) && (asked.header.is_empty() || headers.iter().any(header))
}

fn batch(stored: &StoredBatch) -> BatchView {
    let stamp = stored.batch.stamp();
    BatchView {
        base_offset: stored.base_offset.0,
        records: stored.batch.record_count(),
        bytes: stored.batch.size_in_bytes(),
        producer_id: stamp.producer_id,
        producer_epoch: i32::from(stamp.producer_epoch),
        base_sequence: stamp.base_sequence,
        leader_epoch: stored.leader_epoch.0,
        crc: stored.batch.crc(),
        append_time: stored.batch.timestamp_type() == TimestampType::LogAppendTime,
        copies: Vec::new(),
    }
}
