//! What an administrator asks for a topic: to exist, to have more partitions, other settings, to go. Kafka's checks and words.

use super::Controller;
use super::leaders::Why;
use super::placement;
use crate::config::TopicConfig;
use crate::error::{ErrorCode, Refusal};
use crate::ids::{BrokerId, EventId, LeaderEpoch, PartitionEpoch, TopicId, TopicPartition};
use crate::metadata::{MetadataRecord, PartitionRegistration, TopicImage};
use crate::node::Outbox;
use crate::protocol::CreateTopicRequest;
use crate::sorted::settle;
use crate::trace::EventKind;
use std::sync::Arc;

/// `Topic.MAX_NAME_LENGTH`.
const MAX_NAME_LENGTH: usize = 249;

/// A draw below its bound: Kafka's `random.nextInt(bound)`.
pub type Draw<'a> = &'a mut dyn FnMut(u32) -> u32;

impl Controller {
    /// Creates a topic; replicas where `manual` says, or striped.
    pub fn create_topic(
        &mut self,
        request: &CreateTopicRequest,
        manual: Option<&[Vec<BrokerId>]>,
        because: Option<EventId>,
        out: &mut Outbox,
    ) -> Result<TopicId, Refusal> {
        let mut rng = self.rng.clone();
        let created = self.create_topic_drawing(request, manual, &mut |bound| rng.below(bound.into()) as u32, because, out);
        self.rng = rng;
        created
    }

    /// As [`create_topic`](Controller::create_topic), with draws from elsewhere.
    pub fn create_topic_drawing(
        &mut self,
        request: &CreateTopicRequest,
        manual: Option<&[Vec<BrokerId>]>,
        draw: Draw,
        because: Option<EventId>,
        out: &mut Outbox,
    ) -> Result<TopicId, Refusal> {
        let name = &request.name;
        self.check_name(name)?;
        if self.image.topic_named(name).is_some() {
            return Err(Refusal::new(ErrorCode::TopicAlreadyExists, format!("Topic '{name}' already exists.")));
        }
        let partitions = match manual {
            Some(assignments) => self.assigned(0, assignments, None)?,
            None => self.place_topic(request, draw)?,
        };
        let id = self.image.next_topic();
        let (internal, config) = (request.internal, request.config.clone());
        self.append(&MetadataRecord::Topic { id, name: Arc::clone(name), internal, config });
        let (count, copies) = (partitions.len(), partitions.first().map_or(0, |partition| partition.replicas.len()));
        self.add(id, 0, partitions);
        out.note(
            EventKind::TopicCreated,
            name.to_string(),
            format!("Topic {name} was created: {count} partitions, {copies} copies of each."),
            self.placement_rule(manual.is_some()).to_owned(),
            because.into_iter().collect(),
        );
        Ok(id)
    }

    /// `ReplicationControlManager.createTopic` without an assignment: -1 means the brokers' defaults.
    fn place_topic(&self, request: &CreateTopicRequest, draw: Draw) -> Result<Vec<PartitionRegistration>, Refusal> {
        if request.replication_factor < -1 || request.replication_factor == 0 {
            let message = "Replication factor must be larger than 0, or -1 to use the default value.";
            return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
        }
        if request.partitions < -1 || request.partitions == 0 {
            let message = "Number of partitions was set to an invalid non-positive value.";
            return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
        }
        let or_default = |asked: i32, default: u32| if asked == -1 { default } else { asked as u32 };
        let partitions = or_default(request.partitions, self.config.num_partitions);
        let copies = or_default(request.replication_factor, self.config.default_replication_factor);
        let unable = |refusal: Refusal| match self.config.zookeeper() {
            true => refusal,
            false => Refusal::new(refusal.code, format!("Unable to replicate the partition {copies} time(s): {}", refusal.message)),
        };
        self.placed(partitions, copies, &[], draw).map_err(unable)
    }

    fn placed(
        &self,
        partitions: u32,
        copies: u32,
        existing: &[Arc<PartitionRegistration>],
        draw: Draw,
    ) -> Result<Vec<PartitionRegistration>, Refusal> {
        let assignments = match self.config.zookeeper() {
            true => self.legacy_places(partitions, copies, existing, draw)?,
            false => placement::striped(&self.usable_brokers(), partitions, copies as i32, draw)?,
        };
        let start = |replicas: &Vec<BrokerId>| {
            let message = "All brokers are currently fenced or in controlled shutdown.";
            self.new_partition(replicas).ok_or_else(|| Refusal::new(ErrorCode::InvalidReplicationFactor, message))
        };
        assignments.iter().map(start).collect()
    }

    /// Partitions on the brokers somebody named.
    fn assigned(&self, first: u32, assignments: &[Vec<BrokerId>], copies: Option<usize>) -> Result<Vec<PartitionRegistration>, Refusal> {
        let mut copies = copies;
        let mut partitions = Vec::new();
        for (partition, replicas) in (first..).zip(assignments) {
            self.check_assignment(replicas, copies)?;
            copies = Some(replicas.len());
            let message = || {
                format!(
                    "All brokers specified in the manual partition assignment for partition {partition} are fenced or in controlled \
                     shutdown."
                )
            };
            let placed = self.new_partition(replicas);
            partitions.push(placed.ok_or_else(|| Refusal::new(ErrorCode::InvalidReplicaAssignment, message()))?);
        }
        Ok(partitions)
    }

    /// `validateManualPartitionAssignment`.
    pub(super) fn check_assignment(&self, replicas: &[BrokerId], copies: Option<usize>) -> Result<(), Refusal> {
        let refuse =
            |what: String| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, format!("The manual partition assignment {what}")));
        let mut sorted = replicas.to_vec();
        settle(&mut sorted, |a, b| a < b);
        for (i, broker) in sorted.iter().enumerate() {
            if !self.image.brokers.contains_key(broker) {
                return refuse(format!("includes broker {broker}, but no such broker is registered."));
            }
            if i > 0 && sorted[i - 1] == *broker {
                return refuse(format!("includes the broker {broker} more than once."));
            }
        }
        match copies {
            _ if sorted.is_empty() => refuse("includes an empty replica list.".to_owned()),
            Some(copies) if copies != sorted.len() => refuse(format!(
                "includes a partition with {} replica(s), but this is not consistent with previous partitions, which have {copies} \
                 replica(s).",
                sorted.len()
            )),
            _ => Ok(()),
        }
    }

    /// The first active replica leads; all that are active are in sync. `None` when none is.
    fn new_partition(&self, replicas: &[BrokerId]) -> Option<PartitionRegistration> {
        let isr: Vec<BrokerId> = replicas.iter().copied().filter(|broker| self.image.is_active(*broker)).collect();
        Some(PartitionRegistration {
            replicas: replicas.to_vec(),
            leader: Some(*isr.first()?),
            isr,
            leader_epoch: LeaderEpoch(0),
            partition_epoch: PartitionEpoch(0),
            ..PartitionRegistration::default()
        })
    }

    fn add(&mut self, topic: TopicId, first: u32, partitions: Vec<PartitionRegistration>) {
        for (partition, registration) in (first..).zip(partitions) {
            self.append(&MetadataRecord::Partition { id: TopicPartition { topic, partition }, registration });
        }
    }

    /// `Topic.validate`, and no name that differs from another only in `.` and `_`.
    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        let refuse = |message: String| Err(Refusal::new(ErrorCode::InvalidTopicException, message));
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let invalid = match name {
            "" => "the empty string is not allowed".to_owned(),
            "." | ".." => format!("'{name}' is not allowed"),
            _ if name.encode_utf16().count() > MAX_NAME_LENGTH => {
                format!("the length of '{name}' is longer than the max allowed length {MAX_NAME_LENGTH}")
            }
            _ if !name.chars().all(legal) => {
                format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
            }
            _ => {
                let same = |c: (char, char)| c.0 == c.1 || matches!(c, ('.', '_') | ('_', '.'));
                let collides = |topic: &&TopicImage| topic.name.len() == name.len() && topic.name.chars().zip(name.chars()).all(same);
                let marked = name.contains(['.', '_']);
                return match self.image.topics().find(collides).filter(|topic| marked && *topic.name != *name) {
                    Some(other) => refuse(format!("Topic '{name}' collides with existing topic: {}", other.name)),
                    None => Ok(()),
                };
            }
        };
        refuse(format!("Topic name is invalid: {invalid}"))
    }

    fn topic_for(&self, name: &str) -> Result<&TopicImage, Refusal> {
        let message = "This server does not host this topic-partition.";
        self.image.topic_named(name).ok_or_else(|| Refusal::new(ErrorCode::UnknownTopicOrPartition, message))
    }

    /// `kafka-topics.sh --alter --partitions`: `count` in all, the new ones in a stripe of their own or where `manual` says.
    pub fn create_partitions(
        &mut self,
        topic: &str,
        count: u32,
        manual: Option<&[Vec<BrokerId>]>,
        because: Option<EventId>,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let mut rng = self.rng.clone();
        let created = self.create_partitions_drawing(topic, count, manual, &mut |bound| rng.below(bound.into()) as u32, because, out);
        self.rng = rng;
        created
    }

    /// As [`create_partitions`](Controller::create_partitions), with draws from elsewhere.
    pub fn create_partitions_drawing(
        &mut self,
        topic: &str,
        count: u32,
        manual: Option<&[Vec<BrokerId>]>,
        draw: Draw,
        because: Option<EventId>,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let known = self.topic_for(topic)?;
        let (id, before) = (known.id, known.partitions.len() as u32);
        let copies = known.partitions.first().map_or(1, |partition| partition.replicas.len());
        if count == before {
            return Err(Refusal::new(ErrorCode::InvalidPartitions, format!("Topic already has {before} partition(s).")));
        }
        if count < before {
            let message = format!("The topic {topic} currently has {before} partition(s); {count} would not be an increase.");
            return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
        }
        let additional = count - before;
        let partitions = match manual {
            Some(assignments) if assignments.len() as u32 != additional => {
                let message = format!(
                    "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
                    assignments.len()
                );
                return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
            }
            Some(assignments) => self.assigned(before, assignments, Some(copies))?,
            None => self.placed(additional, copies as u32, &known.partitions, draw)?,
        };
        self.add(id, before, partitions);
        out.note(
            EventKind::TopicChanged,
            topic.to_owned(),
            format!("Topic {topic} has {count} partitions instead of {before}. Records stay where they are; keys may go elsewhere now."),
            self.placement_rule(manual.is_some()).to_owned(),
            because.into_iter().collect(),
        );
        Ok(())
    }

    /// `kafka-topics.sh --delete`: brokers drop its replicas when they hear of it.
    pub fn delete_topic(&mut self, topic: &str, because: Option<EventId>, out: &mut Outbox) -> Result<(), Refusal> {
        let id = self.topic_for(topic)?.id;
        self.append(&MetadataRecord::RemoveTopic(id));
        out.note(
            EventKind::TopicDeleted,
            topic.to_owned(),
            format!("Topic {topic} was deleted, with every record in it."),
            "delete.topic.enable = true".to_owned(),
            because.into_iter().collect(),
        );
        Ok(())
    }

    /// `kafka-configs.sh --alter --entity-type topics`: the settings as they are to be.
    pub fn alter_topic_config(
        &mut self,
        topic: &str,
        config: TopicConfig,
        because: Option<EventId>,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let known = self.topic_for(topic)?;
        let id = known.id;
        let (old, new) = (known.config.min_insync_replicas, config.min_insync_replicas);
        let unclean_now = config.unclean_leader_election && !known.config.unclean_leader_election;
        self.append(&MetadataRecord::TopicConfig { id, config });
        let changed = out.note(
            EventKind::TopicChanged,
            topic.to_owned(),
            match old == new {
                true => format!("Topic {topic} has other settings."),
                false => format!("Topic {topic} has min.insync.replicas = {new} instead of {old}."),
            },
            "A topic's own setting goes before the brokers' default".to_owned(),
            because.into_iter().collect(),
        );
        if old != new && self.config.eligible_leader_replicas {
            self.clear_elrs(id, changed, out);
        }
        // With ZooKeeper a watch tells the controller at once; a quorum's looks now and then.
        if unclean_now && self.config.zookeeper() {
            self.elect_uncleanly(out);
        }
        Ok(())
    }

    /// Who was eligible under another minimum may lack records that were committed since (`ClearElrRecord`).
    fn clear_elrs(&mut self, topic: TopicId, because: EventId, out: &mut Outbox) {
        let with_elr = self.partitions_where(|partition| !partition.elr.is_empty() || !partition.last_known_elr.is_empty());
        for id in with_elr.into_iter().filter(|id| id.topic == topic) {
            let Some(before) = self.image.partition(id) else { continue };
            let mut after = before.clone();
            after.elr.clear();
            after.last_known_elr.clear();
            after.partition_epoch.0 += 1;
            let name = self.image.name_of(id);
            super::telling::tell(&name, before, &after, Why::MinIsrChanged, &self.config, Some(because), out);
            self.append(&MetadataRecord::Partition { id, registration: after });
        }
    }

    fn placement_rule(&self, manual: bool) -> &'static str {
        match manual {
            true => "replica_assignment names the brokers, the preferred leader first",
            false if self.config.zookeeper() => {
                "AdminUtils: round the registered brokers from a random start, the copies at a growing shift"
            }
            false => "StripedReplicaPlacer: a stripe over the unfenced brokers from a random start",
        }
    }
}
