//! Every number says what it is: ids, offsets and epochs do not mix.

use serde::{Deserialize, Serialize};
use std::fmt;

/// `node.id` of the first voter of the quorum; the others follow.
pub const FIRST_CONTROLLER: i32 = 3_001;

/// `node.id` of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BrokerId(pub i32);

/// A client of the scenario, numbered in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientId(pub u32);

/// Whoever can send or receive a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NodeId {
    /// By `node.id`: the voters of the quorum, or the servers of a ZooKeeper ensemble, are numbered from [`FIRST_CONTROLLER`] on.
    Controller(i32),
    Broker(BrokerId),
    Client(ClientId),
}

/// A topic, numbered in the order of creation; its name lies in the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicId(pub u32);

/// What makes the words of topics' UUIDs look drawn: odd, so that it can be undone.
const UUID_SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const UUID_GATHER: u64 = 0xf1de_83e1_9937_733d;

impl TopicId {
    /// A version 4 UUID that tells topics apart; Kafka draws it, we derive it from the order of creation.
    pub fn uuid(self) -> [u8; 16] {
        let word = (u64::from(self.0) + 1).wrapping_mul(UUID_SPREAD);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&word.to_be_bytes());
        id[8..].copy_from_slice(&word.rotate_left(31).to_be_bytes());
        id[6] = (id[6] & 0x0f) | 0x40;
        id[8] = (id[8] & 0x3f) | 0x80;
        id
    }

    /// The topic whose UUID this is.
    pub fn of_uuid(id: [u8; 16]) -> Self {
        let half = |at: usize| id[at..at + 8].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        // The version hides four bits of the first half, which the second has elsewhere.
        let hidden = 0xf000;
        let word = half(0) & !hidden | half(8).rotate_right(31) & hidden;
        TopicId((word.wrapping_mul(UUID_GATHER) as u32).wrapping_sub(1))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TopicPartition {
    pub topic: TopicId,
    pub partition: u32,
}

/// By topic, then partition, compared as one number: most of what a broker looks up is keyed by this.
impl Ord for TopicPartition {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |id: &TopicPartition| u64::from(id.topic.0) << 32 | u64::from(id.partition);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for TopicPartition {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The position of a record in its partition; a log's end is the offset the next record will get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Offset(pub u64);

impl Offset {
    pub const ZERO: Offset = Offset(0);

    pub const fn plus(self, records: u64) -> Offset {
        Offset(self.0 + records)
    }

    /// Records between `earlier` and here.
    pub const fn since(self, earlier: Offset) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Counts a partition's leaders; it rises with every election and is stamped on each batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaderEpoch(pub i32);

/// Rises with every change of a partition's registration in the controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionEpoch(pub i32);

/// Given to a broker at each registration; tells its incarnations apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BrokerEpoch(pub i64);

/// Ties a reply to its request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CorrelationId(pub u64);

/// A decision of the run, numbered in order; reports and causes refer to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub u64);

/// Stable numbers for the random streams of the nodes.
impl NodeId {
    pub const fn stream(self) -> u64 {
        match self {
            NodeId::Controller(id) => (1 << 40) | id as u32 as u64,
            NodeId::Broker(BrokerId(id)) => (2 << 40) | id as u32 as u64,
            NodeId::Client(ClientId(id)) => (3 << 40) | id as u64,
        }
    }
}

impl fmt::Display for BrokerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
