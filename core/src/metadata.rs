//! Cluster metadata: what the controller decides, as records; what everybody knows, as an image that replays them.
//!
//! Images are values: a broker at metadata offset N holds the same image as everyone else at N, so they share one `Arc`.

use crate::config::TopicConfig;
use crate::ids::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, TopicId, TopicPartition};
use crate::sorted::SortedMap;
use std::sync::Arc;

/// A decision of the controller. Replaying all of them in order gives the image.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataRecord {
    RegisterBroker {
        broker: BrokerId,
        registration: BrokerRegistration,
    },
    /// The first record of a leader of the quorum; with it everything before is committed too.
    LeaderChange(i32),
    FenceBroker(BrokerId),
    UnfenceBroker(BrokerId),
    Topic {
        id: TopicId,
        name: Arc<str>,
        internal: bool,
        config: TopicConfig,
    },
    /// A new partition, or the whole new state of one.
    Partition {
        id: TopicPartition,
        registration: PartitionRegistration,
    },
}

/// A record in `__cluster_metadata`, with the epoch of the leader that wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    pub epoch: i32,
    pub record: MetadataRecord,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerRegistration {
    pub epoch: BrokerEpoch,
    pub fenced: bool,
    pub rack: Option<Arc<str>>,
    /// Tells a restarted process from the one before.
    pub incarnation: u64,
}

/// Kafka's `PartitionRegistration`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionRegistration {
    /// The first is the preferred leader.
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
    pub elr: Vec<BrokerId>,
    pub last_known_elr: Vec<BrokerId>,
    pub leader: Option<BrokerId>,
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: PartitionEpoch,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TopicImage {
    pub id: TopicId,
    pub name: Arc<str>,
    pub internal: bool,
    pub config: Arc<TopicConfig>,
    pub partitions: Vec<Arc<PartitionRegistration>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataImage {
    /// Records replayed so far.
    pub offset: u64,
    pub brokers: SortedMap<BrokerId, BrokerRegistration>,
    /// By `TopicId`.
    pub topics: Vec<Arc<TopicImage>>,
}

impl MetadataImage {
    pub fn replay(&mut self, record: &MetadataRecord) {
        self.offset += 1;
        match record {
            MetadataRecord::RegisterBroker { broker, registration } => {
                self.brokers.insert(*broker, registration.clone());
            }
            MetadataRecord::LeaderChange(_) => {}
            MetadataRecord::FenceBroker(broker) => self.set_fenced(*broker, true),
            MetadataRecord::UnfenceBroker(broker) => self.set_fenced(*broker, false),
            MetadataRecord::Topic { id, name, internal, config } => {
                debug_assert_eq!(id.0 as usize, self.topics.len(), "topics are numbered in order");
                self.topics.push(Arc::new(TopicImage {
                    id: *id,
                    name: Arc::clone(name),
                    internal: *internal,
                    config: Arc::new(config.clone()),
                    partitions: Vec::new(),
                }));
            }
            MetadataRecord::Partition { id, registration } => {
                let topic = Arc::make_mut(&mut self.topics[id.topic.0 as usize]);
                match topic.partitions.get_mut(id.partition as usize) {
                    Some(slot) => *slot = Arc::new(registration.clone()),
                    None => topic.partitions.push(Arc::new(registration.clone())),
                }
            }
        }
    }

    fn set_fenced(&mut self, broker: BrokerId, fenced: bool) {
        if let Some(registration) = self.brokers.get_mut(&broker) {
            registration.fenced = fenced;
        }
    }

    pub fn topic(&self, id: TopicId) -> Option<&TopicImage> {
        self.topics.get(id.0 as usize).map(Arc::as_ref)
    }

    pub fn topic_named(&self, name: &str) -> Option<&TopicImage> {
        self.topics.iter().map(Arc::as_ref).find(|topic| &*topic.name == name)
    }

    pub fn partition(&self, id: TopicPartition) -> Option<&PartitionRegistration> {
        self.topic(id.topic)?.partitions.get(id.partition as usize).map(Arc::as_ref)
    }

    /// All partitions of all topics, in order.
    pub fn partitions(&self) -> impl Iterator<Item = (TopicPartition, &PartitionRegistration)> {
        self.topics.iter().flat_map(|topic| {
            let place = |(i, partition)| (TopicPartition { topic: topic.id, partition: i as u32 }, partition);
            topic.partitions.iter().map(Arc::as_ref).enumerate().map(place)
        })
    }

    /// Registered and trusted.
    pub fn is_active(&self, broker: BrokerId) -> bool {
        self.brokers.get(&broker).is_some_and(|registration| !registration.fenced)
    }

    /// `trucks_gps-3`.
    pub fn name_of(&self, id: TopicPartition) -> String {
        match self.topic(id.topic) {
            Some(topic) => format!("{}-{}", topic.name, id.partition),
            None => format!("?{}-{}", id.topic.0, id.partition),
        }
    }
}

/// Kafka's name for the topic that keeps the bookmarks.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";
