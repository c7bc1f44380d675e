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
