//! Vectors about the bytes of groups: the records of `__consumer_offsets` and what members tell each other.

use super::answer::{Answer, Refusal, unhex};
use data_encoding::HEXLOWER;
use playground_core::group::consumer::records::ConsumerRecord;
use playground_core::group::consumer_protocol::{Subscription, assignment_bytes};
use playground_core::group::offsets::{GroupRecord, OffsetValue};
use playground_core::ids::{LeaderEpoch, Offset};
use playground_core::protocol::MemberAssignment;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum OffsetsRecord {
    OffsetCommit {
        group: String,
        topic: String,
        partition: u32,
        offset: u64,
        commit_ts: i64,
        leader_epoch: Option<i32>,
        #[serde(default)]
        metadata: String,
    },
    OffsetTombstone {
        group: String,
        topic: String,
        partition: u32,
    },
    GroupTombstone {
        group: String,
    },
    ConsumerGroupEpoch {
        group: String,
        epoch: i32,
        hash: i64,
    },
    #[serde(other)]
    Other,
}

pub(super) fn offsets_record(input: OffsetsRecord) -> Answer {
    let record = match input {
        OffsetsRecord::OffsetCommit { group, topic, partition, offset, commit_ts, leader_epoch, metadata } => {
            let leader_epoch = LeaderEpoch(leader_epoch.unwrap_or(-1));
            let value = OffsetValue { offset: Offset(offset), leader_epoch, metadata, commit_timestamp_ms: commit_ts };
            GroupRecord::OffsetCommit { group: group.into(), topic: topic.into(), partition, value: Some(value) }
        }
        OffsetsRecord::OffsetTombstone { group, topic, partition } => {
            GroupRecord::OffsetCommit { group: group.into(), topic: topic.into(), partition, value: None }
        }
        OffsetsRecord::GroupTombstone { group } => GroupRecord::GroupMetadata { group: group.into(), value: None },
        OffsetsRecord::ConsumerGroupEpoch { group, epoch, hash } => {
            GroupRecord::Consumer { group: group.into(), record: ConsumerRecord::Epoch(Some((epoch, hash as u64))) }
        }
        OffsetsRecord::Other => return Err(Refusal::Unsupported("the engine writes no such record".into())),
    };
    Ok(json!({ "key": HEXLOWER.encode(&record.key()), "value": record.value().map(|value| HEXLOWER.encode(&value)) }))
}

#[derive(Deserialize)]
pub(super) struct ProtocolBytes {
    what: String,
    version: i16,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    owned: Vec<(String, u32)>,
    #[serde(default)]
    assigned: Vec<(String, u32)>,
    generation: Option<i32>,
    rack: Option<String>,
    user_data: Option<String>,
}

pub(super) fn protocol_bytes(input: ProtocolBytes) -> Answer {
    let user_data = input.user_data.as_deref().map(unhex).transpose()?;
    let bytes = match input.what.as_str() {
        "subscription" => {
            let mut owned = MemberAssignment::new();
            for (topic, partition) in input.owned {
                owned.entry(topic.into()).or_default().push(partition);
            }
            owned.values_mut().for_each(|partitions| partitions.sort_unstable());
            let subscription = Subscription {
                topics: input.topics.into_iter().map(Arc::from).collect(),
                user_data,
                owned,
                generation: input.generation.filter(|generation| *generation >= 0),
                rack: input.rack.filter(|rack| !rack.is_empty()).map(Arc::from),
            };
            subscription.bytes(input.version)
        }
        "assignment" => {
            let mut topics: Vec<(Arc<str>, Vec<u32>)> = Vec::new();
            for (topic, partition) in input.assigned {
                match topics.iter_mut().find(|(known, _)| **known == *topic) {
                    Some((_, partitions)) => partitions.push(partition),
                    None => topics.push((topic.into(), vec![partition])),
                }
            }
            assignment_bytes(input.version, topics.iter().map(|(topic, partitions)| (topic, partitions)), user_data.as_deref())
        }
        what => return Err(Refusal::Unsupported(format!("the engine writes no {what}"))),
    };
    Ok(json!({ "hex": HEXLOWER.encode(&bytes) }))
}
