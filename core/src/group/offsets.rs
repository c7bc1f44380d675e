//! The records of `__consumer_offsets`, in Kafka's bytes: committed offsets (key v1, value v4) and classic group metadata
//! (key v2, value v3). Writing and reading back are all a coordinator needs to move to another broker.

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

/// The last version before the flexible ones; Kafka writes it so that older brokers can read it.
const GROUP_VALUE_VERSION: i16 = 3;

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
    out.i16(GROUP_VALUE_VERSION);
    out.string(&value.protocol_type);
    out.i32(value.generation);
    out.nullable_string(value.protocol.as_deref());
    out.nullable_string(value.leader.as_deref());
    out.i64(value.timestamp_ms);
    out.i32(value.members.len() as i32);
    for member in &value.members {
        out.string(&member.member_id);
        out.nullable_string(member.instance.as_deref());
        out.string(&member.client_id);
        out.string("/127.0.0.1");
        out.i32(member.rebalance_timeout_ms);
        out.i32(member.session_timeout_ms);
        out.nullable_bytes(Some(&member.subscription));
        out.nullable_bytes(Some(&member.assignment));
    }
    out.0
}

fn read_group(bytes: &[u8]) -> Option<GroupValue> {
    let mut value = Reader(bytes);
    if value.i16()? != GROUP_VALUE_VERSION {
        return None;
    }
    let protocol_type = value.string()?;
    let generation = value.i32()?;
    let protocol = value.nullable_string()?;
    let leader = value.nullable_string()?;
    let timestamp_ms = value.i64()?;
    let count = value.i32()?;
    let members = (0..count).map(|_| read_member(&mut value)).collect::<Option<Vec<MemberValue>>>()?;
    Some(GroupValue { protocol_type, generation, protocol, leader, timestamp_ms, members })
}

fn read_member(value: &mut Reader) -> Option<MemberValue> {
    let member_id = value.string()?;
    let instance = value.nullable_string()?;
    let client_id = value.string()?;
    value.string()?;
    let (rebalance_timeout_ms, session_timeout_ms) = (value.i32()?, value.i32()?);
    let (subscription, assignment) = (value.nullable_bytes()??.to_vec(), value.nullable_bytes()??.to_vec());
    Some(MemberValue { member_id, instance, client_id, rebalance_timeout_ms, session_timeout_ms, subscription, assignment })
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// Bytes of Kafka 4.3's own `GroupMetadataValue`.
    #[test]
    fn group_metadata_has_kafkas_bytes_and_reads_back() {
        let member = |id: &str, instance: Option<&str>, client: &str, timeouts: (i32, i32), bytes: (&[u8], &[u8])| MemberValue {
            member_id: id.into(),
            instance: instance.map(Arc::from),
            client_id: client.into(),
            rebalance_timeout_ms: timeouts.0,
            session_timeout_ms: timeouts.1,
            subscription: bytes.0.to_vec(),
            assignment: bytes.1.to_vec(),
        };
        let value = GroupValue {
            protocol_type: "consumer".into(),
            generation: 7,
            protocol: Some("range".into()),
            leader: Some("m-1".into()),
            timestamp_ms: 5,
            members: vec![member("m-1", None, "m", (300_000, 45_000), (&[1, 2], &[3])), member("i-2", Some("i"), "s", (1, 2), (&[], &[]))],
        };
        let record = GroupRecord::GroupMetadata { group: "payments".into(), value: Some(value) };
        let kafka = "00030008636f6e73756d657200000007000572616e676500036d2d3100000000000000050000000200036d2d31ffff00016d000a2f3132372e302e302e31\
                     000493e00000afc800000002010200000001030003692d32000169000173000a2f3132372e302e302e3100000001000000020000000000000000";
        assert_eq!(hex(&record.value().expect("no tombstone")), kafka);
        assert_eq!(GroupRecord::decode(&record.key(), record.value().as_deref()), Some(record));
    }
}
