//! Vectors about the bytes of groups: the records of `__consumer_offsets` and what members tell each other.

use super::answer::{Answer, Refusal};
use data_encoding::HEXLOWER;
use playground_core::group::offsets::{GroupRecord, OffsetValue, assignment_bytes, subscription_bytes};
use playground_core::ids::{LeaderEpoch, Offset};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
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
    owned: Vec<Value>,
    #[serde(default)]
    assigned: Vec<(String, u32)>,
    generation: Option<i32>,
    rack: Option<String>,
    user_data: Option<String>,
}

pub(super) fn protocol_bytes(input: &ProtocolBytes) -> Answer {
    let plain = input.version == 3
        && input.owned.is_empty()
        && input.generation.is_none_or(|generation| generation < 0)
        && input.rack.is_none()
        && input.user_data.is_none();
    if !plain {
        return Err(Refusal::Unsupported("the engine writes version 3 without owned partitions, rack and user data".into()));
    }
    let bytes = match input.what.as_str() {
        "subscription" => subscription_bytes(&input.topics.iter().map(|topic| topic.as_str().into()).collect::<Vec<Arc<str>>>()),
        "assignment" => {
            let mut topics: BTreeMap<Arc<str>, Vec<u32>> = BTreeMap::new();
            for (topic, partition) in &input.assigned {
                topics.entry(topic.as_str().into()).or_default().push(*partition);
            }
            assignment_bytes(topics.iter())
        }
        what => return Err(Refusal::Unsupported(format!("the engine writes no {what}"))),
    };
    Ok(json!({ "hex": HEXLOWER.encode(&bytes) }))
}
