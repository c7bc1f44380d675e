//! The records of `__consumer_offsets`, in Kafka's bytes: committed offsets (key v1, value v4) and classic group metadata
//! (key v2, value v4). Writing and reading back are all a coordinator needs to move to another broker.

use super::bytes::{Reader, Writer};
use super::consumer::records::ConsumerRecord;
use crate::ids::{LeaderEpoch, Offset};
use std::sync::Arc;

/// A decoded record; unknown keys are passed over when a coordinator loads its partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRecord {
    OffsetCommit {
        group: Arc<str>,
        topic: Arc<str>,
        partition: u32,
        value: Option<OffsetValue>,
    },
    GroupMetadata {
        group: Arc<str>,
        value: Option<GroupValue>,
    },
    /// Of the new protocol.
    Consumer {
        group: Arc<str>,
        record: ConsumerRecord,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetValue {
    pub offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub metadata: String,
    pub commit_timestamp_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupValue {
    /// `consumer`; empty in a group that has had no member.
    pub protocol_type: Arc<str>,
    pub generation: i32,
    pub protocol: Option<Arc<str>>,
    pub leader: Option<Arc<str>>,
    pub timestamp_ms: i64,
    pub members: Vec<MemberValue>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberValue {
    pub member_id: Arc<str>,
    pub instance: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    /// ConsumerProtocol bytes.
    pub subscription: Vec<u8>,
    pub assignment: Vec<u8>,
}

impl GroupRecord {
    pub fn key(&self) -> Vec<u8> {
        let mut key = Writer::default();
        match self {
            GroupRecord::OffsetCommit { group, topic, partition, .. } => {
                key.i16(1);
                key.string(group);
                key.string(topic);
                key.i32(*partition as i32);
            }
            GroupRecord::GroupMetadata { group, .. } => {
                key.i16(2);
                key.string(group);
            }
            GroupRecord::Consumer { group, record } => record.write_key(group, &mut key),
        }
        key.0
    }

    /// `None` is a tombstone.
    pub fn value(&self) -> Option<Vec<u8>> {
        match self {
            GroupRecord::OffsetCommit { value, .. } => value.as_ref().map(offset_bytes),
            GroupRecord::GroupMetadata { value, .. } => value.as_ref().map(group_bytes),
            GroupRecord::Consumer { record, .. } => record.value(),
        }
    }

    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Option<GroupRecord> {
        let mut key = Reader(key);
        match key.i16()? {
            0 | 1 => {
                let (group, topic, partition) = (key.string()?, key.string()?, key.i32()? as u32);
                let value = match value {
                    Some(value) => Some(read_offset(value)?),
                    None => None,
                };
                Some(GroupRecord::OffsetCommit { group, topic, partition, value })
            }
            2 => {
                let group = key.string()?;
                let value = match value {
                    Some(value) => Some(read_group(value)?),
                    None => None,
                };
                Some(GroupRecord::GroupMetadata { group, value })
            }
            kind => {
                let (group, record) = ConsumerRecord::decode(kind, &mut key, value)?;
                Some(GroupRecord::Consumer { group, record })
            }
        }
    }
}

fn offset_bytes(value: &OffsetValue) -> Vec<u8> {
    let mut out = Writer::default();
    out.i16(4);
    out.i64(value.offset.0 as i64);
    out.i32(value.leader_epoch.0);
    out.compact_bytes(value.metadata.as_bytes());
    out.i64(value.commit_timestamp_ms);
    out.unsigned_varint(0);
    out.0
}

fn read_offset(bytes: &[u8]) -> Option<OffsetValue> {
    let mut value = Reader(bytes);
    if value.i16()? != 4 {
        return None;
    }
    Some(OffsetValue {
        offset: Offset(value.i64()? as u64),
        leader_epoch: LeaderEpoch(value.i32()?),
        metadata: String::from_utf8(value.compact_bytes()?.to_vec()).ok()?,
        commit_timestamp_ms: value.i64()?,
    })
}

fn group_bytes(value: &GroupValue) -> Vec<u8> {
    let mut out = Writer::default();
    out.i16(4);
    out.compact_bytes(value.protocol_type.as_bytes());
    out.i32(value.generation);
    out.compact_nullable(value.protocol.as_deref());
    out.compact_nullable(value.leader.as_deref());
    out.i64(value.timestamp_ms);
    out.unsigned_varint(value.members.len() as u32 + 1);
    for member in &value.members {
        out.compact_bytes(member.member_id.as_bytes());
        out.compact_nullable(member.instance.as_deref());
        out.compact_bytes(member.client_id.as_bytes());
        out.compact_bytes(b"/127.0.0.1");
        out.i32(member.rebalance_timeout_ms);
        out.i32(member.session_timeout_ms);
        out.compact_bytes(&member.subscription);
        out.compact_bytes(&member.assignment);
        out.unsigned_varint(0);
    }
    out.unsigned_varint(0);
    out.0
}

fn read_group(bytes: &[u8]) -> Option<GroupValue> {
    let mut value = Reader(bytes);
    if value.i16()? != 4 {
        return None;
    }
    let protocol_type = value.compact_string()?;
    let generation = value.i32()?;
    let protocol = value.compact_nullable()?;
    let leader = value.compact_nullable()?;
    let timestamp_ms = value.i64()?;
    let count = value.unsigned_varint()?.checked_sub(1)?;
    let members = (0..count).map(|_| read_member(&mut value)).collect::<Option<Vec<MemberValue>>>()?;
    Some(GroupValue { protocol_type, generation, protocol, leader, timestamp_ms, members })
}

fn read_member(value: &mut Reader) -> Option<MemberValue> {
    let member_id = value.compact_string()?;
    let instance = value.compact_nullable()?;
    let client_id = value.compact_string()?;
    value.compact_bytes()?;
    let (rebalance_timeout_ms, session_timeout_ms) = (value.i32()?, value.i32()?);
    let (subscription, assignment) = (value.compact_bytes()?.to_vec(), value.compact_bytes()?.to_vec());
    value.unsigned_varint()?;
    Some(MemberValue { member_id, instance, client_id, rebalance_timeout_ms, session_timeout_ms, subscription, assignment })
}

#[cfg(test)]
mod tests {
    use super::super::consumer_protocol::{HIGHEST_VERSION, Subscription, assignment_bytes};
    use super::*;
    use crate::protocol::MemberAssignment;

    fn hex(bytes: &[u8]) -> String {
        data_encoding::HEXLOWER.encode(bytes)
    }

    #[test]
    fn an_offset_commit_has_kafkas_bytes() {
        let record = GroupRecord::OffsetCommit {
            group: "g1".into(),
            topic: "t".into(),
            partition: 3,
            value: Some(OffsetValue {
                offset: Offset(42),
                leader_epoch: LeaderEpoch(4),
                metadata: String::new(),
                commit_timestamp_ms: 1_700_000_000_000,
            }),
        };
        assert_eq!(hex(&record.key()), "00010002673100017400000003");
        assert_eq!(hex(&record.value().unwrap()), "0004000000000000002a00000004010000018bcfe5680000");
        assert_eq!(GroupRecord::decode(&record.key(), record.value().as_deref()), Some(record));
    }

    #[test]
    fn group_metadata_reads_back() {
        let subscription = Subscription { topics: vec!["orders".into()], ..Subscription::default() };
        let assignment = MemberAssignment::from([("orders".into(), vec![0, 2])]);
        let record = GroupRecord::GroupMetadata {
            group: "payments".into(),
            value: Some(GroupValue {
                protocol_type: "consumer".into(),
                generation: 7,
                protocol: Some("range".into()),
                leader: Some("m-1".into()),
                timestamp_ms: 5,
                members: vec![MemberValue {
                    member_id: "m-1".into(),
                    instance: Some("i-1".into()),
                    client_id: "m".into(),
                    rebalance_timeout_ms: 300_000,
                    session_timeout_ms: 45_000,
                    subscription: subscription.bytes(HIGHEST_VERSION),
                    assignment: assignment_bytes(HIGHEST_VERSION, assignment.iter(), None),
                }],
            }),
        };
        let read = GroupRecord::decode(&record.key(), record.value().as_deref());
        assert_eq!(read, Some(record));
    }
}
