//! What a group of the new protocol writes into `__consumer_offsets`, in Kafka's bytes: keys 3 and 5 to 8, values of version 0.
//!
//! Key 4, the topics' partition counts, is not written any more since 4.1: a hash in the value of key 3 has taken its place. Kafka takes
//! XXH3 of the topics for it; ours differs, for nobody outside the coordinator reads it.

use super::{MemberState, Owned};
use crate::group::bytes::{Reader, Writer};
use crate::ids::{TopicId, TopicPartition};
use crate::sorted::SortedSet;
use crate::time::SimDuration;
use std::sync::Arc;

/// `None` is a tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerRecord {
    /// The group's epoch, and the hash of its topics' metadata.
    Epoch(Option<(i32, u64)>),
    Member(Arc<str>, Option<Box<MemberValue>>),
    /// The epoch of the target assignment, and when it was computed, in milliseconds since 1970.
    TargetEpoch(Option<(i32, i64)>),
    Target(Arc<str>, Option<Arc<SortedSet<TopicPartition>>>),
    Current(Arc<str>, Option<Box<CurrentValue>>),
}

/// What a member says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberValue {
    pub instance_id: Option<Arc<str>>,
    pub rack: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub topics: SortedSet<Arc<str>>,
    pub rebalance_timeout: SimDuration,
    /// `group.remote.assignor`: the server's assignor it would like.
    pub assignor: Option<Arc<str>>,
}

/// How far a member is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentValue {
    pub epoch: i32,
    pub previous_epoch: i32,
    pub state: MemberState,
    pub assigned: Owned,
    pub pending_revocation: Owned,
}

impl ConsumerRecord {
    const fn kind(&self) -> i16 {
        match self {
            ConsumerRecord::Epoch(_) => 3,
            ConsumerRecord::Member(..) => 5,
            ConsumerRecord::TargetEpoch(_) => 6,
            ConsumerRecord::Target(..) => 7,
            ConsumerRecord::Current(..) => 8,
        }
    }

    pub const fn is_tombstone(&self) -> bool {
        match self {
            ConsumerRecord::Epoch(value) => value.is_none(),
            ConsumerRecord::Member(_, value) => value.is_none(),
            ConsumerRecord::TargetEpoch(value) => value.is_none(),
            ConsumerRecord::Target(_, value) => value.is_none(),
            ConsumerRecord::Current(_, value) => value.is_none(),
        }
    }

    pub(in crate::group) fn write_key(&self, group: &str, key: &mut Writer) {
        key.i16(self.kind());
        key.string(group);
        if let ConsumerRecord::Member(id, _) | ConsumerRecord::Target(id, _) | ConsumerRecord::Current(id, _) = self {
            key.string(id);
        }
    }

    pub(in crate::group) fn value(&self) -> Option<Vec<u8>> {
        let mut out = Writer::default();
        out.i16(0);
        match self {
            ConsumerRecord::Epoch(value) => {
                let (epoch, hash) = (*value)?;
                out.i32(epoch);
                out.unsigned_varint(u32::from(hash != 0));
                if hash != 0 {
                    // Tagged field 0, of 8 bytes.
                    out.unsigned_varint(0);
                    out.unsigned_varint(8);
                    out.i64(hash as i64);
                }
            }
            ConsumerRecord::Member(_, value) => write_member(value.as_ref()?, &mut out),
            ConsumerRecord::TargetEpoch(value) => {
                let (epoch, timestamp_ms) = (*value)?;
                out.i32(epoch);
                // Tagged field 0, of 8 bytes, since 4.3.
                out.unsigned_varint(u32::from(timestamp_ms != 0));
                if timestamp_ms != 0 {
                    out.unsigned_varint(0);
                    out.unsigned_varint(8);
                    out.i64(timestamp_ms);
                }
            }
            ConsumerRecord::Target(_, value) => {
                let plain: Vec<(TopicPartition, i32)> = value.as_ref()?.iter().map(|id| (*id, 0)).collect();
                write_partitions(&plain, false, &mut out);
                out.unsigned_varint(0);
            }
            ConsumerRecord::Current(_, value) => {
                let value = value.as_ref()?;
                out.i32(value.epoch);
                out.i32(value.previous_epoch);
                out.0.push(value.state.number());
                for owned in [&value.assigned, &value.pending_revocation] {
                    let list: Vec<(TopicPartition, i32)> = owned.iter().map(|(id, epoch)| (*id, *epoch)).collect();
                    write_partitions(&list, true, &mut out);
                }
                out.unsigned_varint(0);
            }
        }
        Some(out.0)
    }

    pub(in crate::group) fn decode(kind: i16, key: &mut Reader, value: Option<&[u8]>) -> Option<(Arc<str>, ConsumerRecord)> {
        let group = key.string()?;
        let member = if kind == 5 || kind > 6 { key.string()? } else { Arc::from("") };
        let mut value = match value {
            Some(bytes) => {
                let mut value = Reader(bytes);
                if value.i16()? != 0 {
                    return None;
                }
                Some(value)
            }
            None => None,
        };
        let record = match kind {
            3 => ConsumerRecord::Epoch(read(&mut value, |value| Some((value.i32()?, tagged_i64(value)? as u64)))?),
            5 => ConsumerRecord::Member(member, read(&mut value, |value| Some(Box::new(read_said(value)?)))?),
            6 => ConsumerRecord::TargetEpoch(read(&mut value, |value| Some((value.i32()?, tagged_i64(value)?)))?),
            7 => {
                let target = |value: &mut Reader| Some(Arc::new(read_partitions(value)?.into_iter().map(|(id, _)| id).collect()));
                ConsumerRecord::Target(member, read(&mut value, target)?)
            }
            8 => ConsumerRecord::Current(member, read(&mut value, |value| Some(Box::new(read_current(value)?)))?),
            _ => return None,
        };
        Some((group, record))
    }
}

fn read<T>(value: &mut Option<Reader>, with: impl Fn(&mut Reader) -> Option<T>) -> Option<Option<T>> {
    match value {
        Some(value) => Some(Some(with(value)?)),
        None => Some(None),
    }
}

/// The one tagged field these values have; 0 when it is left out.
fn tagged_i64(value: &mut Reader) -> Option<i64> {
    match value.unsigned_varint()? {
        0 => Some(0),
        _ => {
            value.take(2)?;
            value.i64()
        }
    }
}

fn write_member(said: &MemberValue, out: &mut Writer) {
    out.compact_nullable(said.instance_id.as_deref());
    out.compact_nullable(said.rack.as_deref());
    out.compact_bytes(said.client_id.as_bytes());
    out.compact_bytes(b"/127.0.0.1");
    out.unsigned_varint(said.topics.len() as u32 + 1);
    said.topics.iter().for_each(|topic| out.compact_bytes(topic.as_bytes()));
    // No regular expression.
    out.compact_bytes(b"");
    out.i32(said.rebalance_timeout.millis() as i32);
    out.compact_nullable(said.assignor.as_deref());
    // Tagged field 0, what a member of the classic protocol has: null, and null is not its default.
    [1, 0, 1, 0].into_iter().for_each(|number| out.unsigned_varint(number));
}

fn read_said(value: &mut Reader) -> Option<MemberValue> {
    let (instance_id, rack, client_id) = (value.compact_nullable()?, value.compact_nullable()?, value.compact_string()?);
    value.compact_bytes()?;
    let count = value.unsigned_varint()?.checked_sub(1)?;
    let topics = (0..count).map(|_| value.compact_string()).collect::<Option<Vec<Arc<str>>>>()?;
    value.compact_nullable()?;
    let rebalance_timeout = SimDuration::from_millis(value.i32()?.max(0) as u64);
    let assignor = value.compact_nullable()?;
    Some(MemberValue { instance_id, rack, client_id, topics: topics.into_iter().collect(), rebalance_timeout, assignor })
}

/// By topic: its UUID, the partitions, and as tagged field 0 the epoch in which each was given.
fn write_partitions(list: &[(TopicPartition, i32)], epochs: bool, out: &mut Writer) {
    let topics = list.chunk_by(|a, b| a.0.topic == b.0.topic);
    out.unsigned_varint(topics.clone().count() as u32 + 1);
    for topic in topics {
        out.0.extend(topic[0].0.topic.uuid());
        out.unsigned_varint(topic.len() as u32 + 1);
        topic.iter().for_each(|(id, _)| out.i32(id.partition as i32));
        out.unsigned_varint(u32::from(epochs));
        if epochs {
            let mut field = Writer::default();
            field.unsigned_varint(topic.len() as u32 + 1);
            topic.iter().for_each(|(_, epoch)| field.i32(*epoch));
            out.unsigned_varint(0);
            out.unsigned_varint(field.0.len() as u32);
            out.0.extend(field.0);
        }
    }
}

fn read_partitions(value: &mut Reader) -> Option<Owned> {
    let mut owned = Owned::new();
    for _ in 0..value.unsigned_varint()?.checked_sub(1)? {
        let topic = TopicId::of_uuid(value.take(16)?.try_into().ok()?);
        let count = value.unsigned_varint()?.checked_sub(1)?;
        let partitions = (0..count).map(|_| value.i32()).collect::<Option<Vec<i32>>>()?;
        let tagged = value.unsigned_varint()? != 0;
        if tagged {
            // Its tag, its size and the length of the list.
            for _ in 0..3 {
                value.unsigned_varint()?;
            }
        }
        for partition in partitions {
            let epoch = if tagged { value.i32()? } else { 0 };
            owned.insert(TopicPartition { topic, partition: partition as u32 }, epoch);
        }
    }
    Some(owned)
}

fn read_current(value: &mut Reader) -> Option<CurrentValue> {
    Some(CurrentValue {
        epoch: value.i32()?,
        previous_epoch: value.i32()?,
        state: MemberState::of_number(value.take(1)?[0]),
        assigned: read_partitions(value)?,
        pending_revocation: read_partitions(value)?,
    })
}
