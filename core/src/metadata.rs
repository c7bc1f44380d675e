//! Cluster metadata: what the controller decides, as records; what everybody knows, as an image that replays them.
//!
//! Images are values: a broker at metadata offset N holds the same image as everyone else at N, so they share one `Arc`.

use crate::config::TopicConfig;
use crate::ids::{BrokerEpoch, BrokerId, EventId, LeaderEpoch, PartitionEpoch, TopicId, TopicPartition};
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
    /// It asked to stop: it may lead nothing and join no ISR.
    ControlledShutdown(BrokerId),
    UnregisterBroker(BrokerId),
    /// With ZooKeeper: the ephemeral `/controller` was created, which raises `/controller_epoch`, or it is gone.
    Controller(Option<BrokerId>),
    /// With ZooKeeper: what began or ended a broker's session, for the causes of what follows. No znode holds it.
    SessionEvent {
        broker: BrokerId,
        event: EventId,
    },
    Topic {
        id: TopicId,
        name: Arc<str>,
        internal: bool,
        config: TopicConfig,
    },
    TopicConfig {
        id: TopicId,
        config: TopicConfig,
    },
    RemoveTopic(TopicId),
    /// A new partition, or the whole new state of one.
    Partition {
        id: TopicPartition,
        registration: PartitionRegistration,
    },
}

impl MetadataRecord {
    /// With ZooKeeper: written by the controller, not by the ensemble itself.
    pub fn is_controllers(&self) -> bool {
        !matches!(
            self,
            MetadataRecord::RegisterBroker { .. }
                | MetadataRecord::UnregisterBroker(_)
                | MetadataRecord::LeaderChange(_)
                | MetadataRecord::Controller(_)
                | MetadataRecord::SessionEvent { .. }
        )
    }
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
    pub in_controlled_shutdown: bool,
    pub rack: Option<Arc<str>>,
    /// Tells a restarted process from the one before.
    pub incarnation: u64,
}

/// What a leader still has to do after an election that may have lost data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaderRecoveryState {
    #[default]
    Recovered,
    /// Elected from outside the ISR; over when the leader asks for its next ISR.
    Recovering,
}

/// Kafka's `PartitionRegistration`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionRegistration {
    /// The first is the preferred leader.
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
    pub elr: Vec<BrokerId>,
    pub last_known_elr: Vec<BrokerId>,
    /// Replicas a reassignment brings in, and those that go when it is done.
    pub adding: Vec<BrokerId>,
    pub removing: Vec<BrokerId>,
    pub leader: Option<BrokerId>,
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: PartitionEpoch,
    pub recovery: LeaderRecoveryState,
}

impl PartitionRegistration {
    pub fn preferred_leader(&self) -> Option<BrokerId> {
        self.replicas.first().copied()
    }

    pub fn is_reassigning(&self) -> bool {
        !self.adding.is_empty() || !self.removing.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct TopicImage {
    pub id: TopicId,
    pub name: Arc<str>,
    pub internal: bool,
    pub config: Arc<TopicConfig>,
    pub partitions: Vec<Arc<PartitionRegistration>>,
    /// Gone, but its number is not given again.
    pub deleted: bool,
}

impl TopicImage {
    /// min(`min.insync.replicas`, replication factor).
    pub fn effective_min_isr(&self) -> u32 {
        let replicas = self.partitions.first().map_or(1, |partition| partition.replicas.len() as u32);
        self.config.min_insync_replicas.min(replicas)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataImage {
    /// Records replayed so far.
    pub offset: u64,
    pub brokers: SortedMap<BrokerId, BrokerRegistration>,
    /// By `TopicId`, deleted ones too.
    topics: Vec<Arc<TopicImage>>,
    /// With ZooKeeper: who created `/controller`, and `/controller_epoch`.
    pub controller: Option<BrokerId>,
    pub controller_epoch: i32,
    /// Records the controller of this epoch has written: those it sends again are known by their number.
    pub written: u64,
    /// The same of the controller before.
    written_before: u64,
    /// The newest event of each broker's session.
    pub session_events: SortedMap<BrokerId, EventId>,
}

impl MetadataImage {
    pub fn replay(&mut self, record: &MetadataRecord) {
        self.offset += 1;
        self.written += u64::from(record.is_controllers());
        match record {
            MetadataRecord::RegisterBroker { broker, registration } => {
                self.brokers.insert(*broker, registration.clone());
            }
            MetadataRecord::LeaderChange(_) => {}
            MetadataRecord::FenceBroker(broker) => self.change_broker(*broker, |registration| registration.fenced = true),
            MetadataRecord::UnfenceBroker(broker) => self.change_broker(*broker, |registration| registration.fenced = false),
            MetadataRecord::ControlledShutdown(broker) => {
                self.change_broker(*broker, |registration| registration.in_controlled_shutdown = true);
            }
            MetadataRecord::UnregisterBroker(broker) => {
                self.brokers.remove(broker);
            }
            MetadataRecord::Controller(controller) => self.change_controller(*controller),
            MetadataRecord::SessionEvent { broker, event } => {
                self.session_events.insert(*broker, *event);
            }
            MetadataRecord::Topic { id, name, internal, config } => {
                debug_assert_eq!(id.0 as usize, self.topics.len(), "topics are numbered in order");
                self.topics.push(Arc::new(TopicImage {
                    id: *id,
                    name: Arc::clone(name),
                    internal: *internal,
                    config: Arc::new(config.clone()),
                    partitions: Vec::new(),
                    deleted: false,
                }));
            }
            MetadataRecord::TopicConfig { id, config } => self.topic_mut(*id).config = Arc::new(config.clone()),
            MetadataRecord::RemoveTopic(id) => self.topic_mut(*id).deleted = true,
            MetadataRecord::Partition { id, registration } => {
                let topic = self.topic_mut(id.topic);
                match topic.partitions.get_mut(id.partition as usize) {
                    Some(slot) => *slot = Arc::new(registration.clone()),
                    None => topic.partitions.push(Arc::new(registration.clone())),
                }
            }
        }
    }

    /// A new controller knows what the znodes say, and not who asked the last one for leave to stop.
    fn change_controller(&mut self, controller: Option<BrokerId>) {
        self.controller = controller;
        if controller.is_some() {
            self.controller_epoch += 1;
            self.written_before = std::mem::take(&mut self.written);
            let stopping: Vec<BrokerId> =
                self.brokers.iter().filter(|(_, known)| known.in_controlled_shutdown).map(|(id, _)| *id).collect();
            stopping.into_iter().for_each(|broker| self.change_broker(broker, |known| known.in_controlled_shutdown = false));
        }
    }

    fn change_broker(&mut self, broker: BrokerId, change: impl Fn(&mut BrokerRegistration)) {
        if let Some(registration) = self.brokers.get_mut(&broker) {
            change(registration);
        }
    }

    fn topic_mut(&mut self, id: TopicId) -> &mut TopicImage {
        Arc::make_mut(&mut self.topics[id.0 as usize])
    }

    /// The number the next topic gets.
    pub fn next_topic(&self) -> TopicId {
        TopicId(self.topics.len() as u32)
    }

    pub fn topic(&self, id: TopicId) -> Option<&TopicImage> {
        self.topics.get(id.0 as usize).map(Arc::as_ref).filter(|topic| !topic.deleted)
    }

    /// The topics that exist, in the order of creation.
    pub fn topics(&self) -> impl Iterator<Item = &TopicImage> {
        self.topics.iter().map(Arc::as_ref).filter(|topic| !topic.deleted)
    }

    /// The partitions of a topic, also of one that is deleted.
    pub fn partitions_of(&self, id: TopicId) -> impl Iterator<Item = TopicPartition> + use<> {
        let count = self.topics.get(id.0 as usize).map_or(0, |topic| topic.partitions.len() as u32);
        (0..count).map(move |partition| TopicPartition { topic: id, partition })
    }

    /// Whether the controller of that epoch has written so many records; of the last two it is known.
    pub fn has_written(&self, controller_epoch: i32, records: u64) -> bool {
        match self.controller_epoch - controller_epoch {
            0 => records <= self.written,
            1 => records <= self.written_before,
            _ => false,
        }
    }

    /// Partitions that are not what they were in `old`, an earlier image of the same log: unchanged parts are shared.
    pub fn changed_since(&self, old: &Self) -> Vec<TopicPartition> {
        let mut changed = Vec::new();
        for (place, topic) in self.topics.iter().enumerate() {
            let before = old.topics.get(place);
            if before.is_some_and(|before| Arc::ptr_eq(before, topic)) {
                continue;
            }
            let whole = before.is_none_or(|before| before.deleted != topic.deleted || !Arc::ptr_eq(&before.config, &topic.config));
            let same = |id: &TopicPartition| {
                let place = id.partition as usize;
                let known = before.and_then(|before| before.partitions.get(place));
                known.is_some_and(|known| Arc::ptr_eq(known, &topic.partitions[place]))
            };
            changed.extend(self.partitions_of(topic.id).filter(|id| whole || !same(id)));
        }
        changed
    }

    /// The newest `__consumer_offsets`, also when it is deleted.
    pub fn offsets_topic(&self) -> Option<TopicId> {
        self.topics.iter().rfind(|topic| &*topic.name == OFFSETS_TOPIC).map(|topic| topic.id)
    }

    pub fn topic_named(&self, name: &str) -> Option<&TopicImage> {
        self.topics().find(|topic| &*topic.name == name)
    }

    pub fn partition(&self, id: TopicPartition) -> Option<&PartitionRegistration> {
        self.topic(id.topic)?.partitions.get(id.partition as usize).map(Arc::as_ref)
    }

    /// Those of deleted topics too.
    pub fn every_partition(&self) -> impl Iterator<Item = TopicPartition> + '_ {
        self.topics.iter().flat_map(|topic| self.partitions_of(topic.id))
    }

    /// All partitions of all topics, in order.
    pub fn partitions(&self) -> impl Iterator<Item = (TopicPartition, &PartitionRegistration)> {
        self.topics().flat_map(|topic| {
            let place = |(i, partition)| (TopicPartition { topic: topic.id, partition: i as u32 }, partition);
            topic.partitions.iter().map(Arc::as_ref).enumerate().map(place)
        })
    }

    /// Registered, trusted and not about to stop.
    pub fn is_active(&self, broker: BrokerId) -> bool {
        self.brokers.get(&broker).is_some_and(|registration| !registration.fenced && !registration.in_controlled_shutdown)
    }

    /// `trucks_gps-3`.
    pub fn name_of(&self, id: TopicPartition) -> String {
        match self.topics.get(id.topic.0 as usize) {
            Some(topic) => format!("{}-{}", topic.name, id.partition),
            None => format!("?{}-{}", id.topic.0, id.partition),
        }
    }
}

/// Kafka's name for the topic that keeps the bookmarks.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";
