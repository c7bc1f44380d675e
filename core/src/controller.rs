//! The active controller: registration, fencing, topics, elections. It decides by reading the image and changes it only by
//! replaying records; brokers fetch those records.
//!
//! One controller, always alive: the quorum of voters is not modelled yet.

pub mod election;
pub mod placement;

use crate::config::BrokerConfig;
use crate::error::ErrorCode;
use crate::ids::{BrokerEpoch, BrokerId, CorrelationId, EventId, LeaderEpoch, NodeId, PartitionEpoch, TopicId, TopicPartition};
use crate::metadata::{BrokerRegistration, MetadataImage, MetadataRecord, PartitionRegistration};
use crate::node::{Node, Outbox};
use crate::protocol::{
    AlterPartitionItem, AlterPartitionRequest, AlteredPartition, CreateTopicRequest, HeartbeatAnswer, IsrChange, IsrState, Message,
    Request, Response,
};
use crate::rng::SimRng;
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use election::{Election, Rules};
use std::collections::BTreeMap;
use std::sync::Arc;

/// `node.id` of the one controller.
pub const CONTROLLER_ID: i32 = 3001;

/// How long an empty metadata fetch waits (`controller.quorum.fetch.timeout` stays well above it).
const METADATA_FETCH_WAIT: SimDuration = SimDuration::from_millis(500);

#[derive(Clone, Debug)]
pub struct Controller {
    config: Arc<BrokerConfig>,
    image: Arc<MetadataImage>,
    /// The partition each record changed, by metadata offset.
    changes: Vec<Option<TopicPartition>>,
    /// When each unfenced or registering broker was heard of last.
    last_contact: BTreeMap<BrokerId, SimTime>,
    waiting: Vec<WaitingFetch>,
    /// The event that fenced a broker, for the causes of what follows.
    fenced_by: BTreeMap<BrokerId, EventId>,
    next_balance: SimTime,
    rng: SimRng,
}

#[derive(Clone, Debug)]
struct WaitingFetch {
    from: NodeId,
    id: CorrelationId,
    offset: u64,
    deadline: SimTime,
}

impl Controller {
    pub fn new(config: Arc<BrokerConfig>, rng: SimRng) -> Self {
        let next_balance = match config.auto_leader_rebalance {
            true => SimTime::ZERO + config.leader_imbalance_check_interval,
            false => SimTime::MAX,
        };
        Controller {
            config,
            image: Arc::default(),
            changes: Vec::new(),
            last_contact: BTreeMap::new(),
            waiting: Vec::new(),
            fenced_by: BTreeMap::new(),
            next_balance,
            rng,
        }
    }

    pub fn image(&self) -> &Arc<MetadataImage> {
        &self.image
    }

    /// The cluster stands before the run begins: a broker that is registered and trusted at time zero.
    pub fn admit(&mut self, broker: BrokerId, rack: Option<Arc<str>>) -> BrokerEpoch {
        let epoch = BrokerEpoch(self.image.offset as i64);
        let registration = BrokerRegistration { epoch, fenced: false, rack, incarnation: 0 };
        self.append(&MetadataRecord::RegisterBroker { broker, registration });
        self.last_contact.insert(broker, SimTime::ZERO);
        epoch
    }

    /// Creates a topic; replicas where `manual` says, or striped.
    pub fn create_topic(
        &mut self,
        request: &CreateTopicRequest,
        manual: Option<&[Vec<BrokerId>]>,
        out: &mut Outbox,
    ) -> Result<TopicId, ErrorCode> {
        if self.image.topic_named(&request.name).is_some() {
            return Err(ErrorCode::TopicAlreadyExists);
        }
        let assignments = match manual {
            Some(assignments) => assignments.to_vec(),
            None => self.place(request.partitions, request.replication_factor)?,
        };
        let id = TopicId(self.image.topics.len() as u32);
        self.append(&MetadataRecord::Topic {
            id,
            name: Arc::clone(&request.name),
            internal: request.internal,
            config: request.config.clone(),
        });
        for (i, replicas) in assignments.iter().enumerate() {
            let registration = self.new_partition(replicas);
            let partition = TopicPartition { topic: id, partition: i as u32 };
            self.append(&MetadataRecord::Partition { id: partition, registration });
        }
        out.note(
            EventKind::TopicCreated,
            request.name.to_string(),
            format!("Topic {} was created: {} partitions, {} copies of each.", request.name, assignments.len(), assignments[0].len()),
            match manual {
                Some(_) => "replica_assignment names the brokers, the preferred leader first".to_owned(),
                None => "StripedReplicaPlacer: a stripe over the unfenced brokers from a random start".to_owned(),
            },
            Vec::new(),
        );
        Ok(id)
    }

    fn place(&mut self, partitions: u32, replication_factor: u32) -> Result<Vec<Vec<BrokerId>>, ErrorCode> {
        let (fenced, unfenced): (Vec<_>, Vec<_>) = self.image.brokers.iter().partition(|(_, registration)| registration.fenced);
        let ids = |brokers: Vec<(&BrokerId, &BrokerRegistration)>| brokers.into_iter().map(|(id, _)| *id).collect::<Vec<_>>();
        let (fenced, unfenced) = (ids(fenced), ids(unfenced));
        if unfenced.is_empty() || replication_factor as usize > fenced.len() + unfenced.len() {
            return Err(ErrorCode::InvalidReplicationFactor);
        }
        Ok(placement::striped(unfenced, fenced, partitions, replication_factor, &mut self.rng))
    }

    /// The first replica leads; those that are active are in sync.
    fn new_partition(&self, replicas: &[BrokerId]) -> PartitionRegistration {
        let isr: Vec<BrokerId> = replicas.iter().copied().filter(|broker| self.image.is_active(*broker)).collect();
        PartitionRegistration {
            replicas: replicas.to_vec(),
            leader: isr.first().copied(),
            isr,
            elr: Vec::new(),
            last_known_elr: Vec::new(),
            leader_epoch: LeaderEpoch(0),
            partition_epoch: PartitionEpoch(0),
        }
    }

    fn append(&mut self, record: &MetadataRecord) {
        self.changes.push(match record {
            MetadataRecord::Partition { id, .. } => Some(*id),
            _ => None,
        });
        Arc::make_mut(&mut self.image).replay(record);
    }

    fn answer(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: Request, out: &mut Outbox) {
        let response = match request {
            Request::BrokerRegistration { incarnation, rack, because } => {
                let NodeId::Broker(broker) = from else { return };
                Response::BrokerRegistration(self.register(now, broker, incarnation, rack, because, out))
            }
            Request::BrokerHeartbeat { epoch, metadata_offset } => {
                let NodeId::Broker(broker) = from else { return };
                Response::BrokerHeartbeat(self.heartbeat(now, broker, epoch, metadata_offset, out))
            }
            Request::FetchMetadata { offset, .. } => {
                self.waiting.push(WaitingFetch { from, id, offset, deadline: now + METADATA_FETCH_WAIT });
                return;
            }
            Request::AlterPartition(request) => {
                let NodeId::Broker(broker) = from else { return };
                Response::AlterPartition(self.alter_partitions(broker, &request, out))
            }
            Request::CreateTopic(request) => {
                // A topic that exists already is what the asking broker wanted.
                let _ = self.create_topic(&request, None, out);
                Response::CreateTopic
            }
            _ => return,
        };
        out.respond(from, id, response);
    }

    /// `ClusterControlManager.registerBroker`: one process a broker id; the new one starts fenced.
    fn register(
        &mut self,
        now: SimTime,
        broker: BrokerId,
        incarnation: u64,
        rack: Option<Arc<str>>,
        because: Option<EventId>,
        out: &mut Outbox,
    ) -> Result<BrokerEpoch, ErrorCode> {
        if let Some(known) = self.image.brokers.get(&broker) {
            if known.incarnation == incarnation {
                return Ok(known.epoch);
            }
            if self.session_end(broker).is_some_and(|end| now < end) {
                return Err(ErrorCode::DuplicateBrokerRegistration);
            }
        }
        let epoch = BrokerEpoch(self.image.offset as i64);
        let registration = BrokerRegistration { epoch, fenced: true, rack, incarnation };
        self.append(&MetadataRecord::RegisterBroker { broker, registration });
        self.last_contact.insert(broker, now);
        let registered = out.note(
            EventKind::BrokerRegistered,
            broker.to_string(),
            format!("Broker {broker} registered with the controller and is fenced until it has caught up with the metadata."),
            "A registering broker starts fenced (KIP-631)".to_owned(),
            because.into_iter().collect(),
        );
        self.fenced_by.insert(broker, registered);
        Ok(epoch)
    }

    fn session_end(&self, broker: BrokerId) -> Option<SimTime> {
        self.last_contact.get(&broker).map(|at| *at + self.config.session_timeout)
    }

    fn heartbeat(
        &mut self,
        now: SimTime,
        broker: BrokerId,
        epoch: BrokerEpoch,
        metadata_offset: u64,
        out: &mut Outbox,
    ) -> Result<HeartbeatAnswer, ErrorCode> {
        let known = self.image.brokers.get(&broker).filter(|registration| registration.epoch == epoch);
        let Some(known) = known else { return Err(ErrorCode::StaleBrokerEpoch) };
        let fenced = known.fenced;
        self.last_contact.insert(broker, now);
        if fenced && metadata_offset > epoch.0 as u64 {
            self.unfence(broker, out);
            return Ok(HeartbeatAnswer { fenced: false });
        }
        Ok(HeartbeatAnswer { fenced })
    }

    fn unfence(&mut self, broker: BrokerId, out: &mut Outbox) {
        self.append(&MetadataRecord::UnfenceBroker(broker));
        let because = self.fenced_by.remove(&broker);
        let event = out.note(
            EventKind::BrokerUnfenced,
            broker.to_string(),
            format!("The controller trusts broker {broker} again. It follows where it has copies; it leads nothing by that alone."),
            "A broker whose metadata has caught up is unfenced at its next heartbeat".to_owned(),
            because.into_iter().collect(),
        );
        let leaderless: Vec<TopicPartition> =
            self.image.partitions().filter(|(_, p)| p.leader.is_none() && p.replicas.contains(&broker)).map(|(id, _)| id).collect();
        for partition in leaderless {
            self.elect(partition, None, self.last_resort(partition), Some(event), out);
        }
    }

    /// Unclean election where the topic allows it.
    fn last_resort(&self, partition: TopicPartition) -> Election {
        match self.image.topic(partition.topic).is_some_and(|topic| topic.config.unclean_leader_election) {
            true => Election::Unclean,
            false => Election::Online,
        }
    }

    /// No heartbeat for `broker.session.timeout.ms`: the broker leaves every ISR and its partitions get new leaders.
    fn fence(&mut self, broker: BrokerId, out: &mut Outbox) {
        self.last_contact.remove(&broker);
        if !self.image.is_active(broker) {
            return;
        }
        self.append(&MetadataRecord::FenceBroker(broker));
        let timeout = self.config.session_timeout;
        let event = out.note(
            EventKind::BrokerFenced,
            broker.to_string(),
            format!("The controller fenced broker {broker}: no heartbeat for {timeout}."),
            format!("broker.session.timeout.ms = {}", timeout.millis()),
            Vec::new(),
        );
        self.fenced_by.insert(broker, event);
        let touched: Vec<(TopicPartition, Vec<BrokerId>)> = self
            .image
            .partitions()
            .filter(|(_, p)| p.leader == Some(broker) || p.isr.contains(&broker))
            .map(|(id, p)| (id, p.isr.iter().copied().filter(|member| *member != broker).collect()))
            .collect();
        for (partition, isr) in touched {
            self.elect(partition, Some(isr), self.last_resort(partition), Some(event), out);
        }
    }

    /// Applies an election or a new ISR and tells what came of it.
    fn elect(
        &mut self,
        id: TopicPartition,
        target_isr: Option<Vec<BrokerId>>,
        election: Election,
        because: Option<EventId>,
        out: &mut Outbox,
    ) {
        let Some(before) = self.image.partition(id) else { return };
        let Some(topic) = self.image.topic(id.topic) else { return };
        let image = &self.image;
        let rules = Rules { acceptable: &|broker| image.is_active(broker), min_isr: topic.config.min_insync_replicas, elr_enabled: true };
        let Some(after) = election::change(before, target_isr, election, &rules) else { return };
        let name = self.image.name_of(id);
        let causes: Vec<EventId> = because.into_iter().collect();
        if after.isr != before.isr {
            out.note(
                EventKind::IsrChanged,
                name.clone(),
                format!("In-sync replicas of {name}: {} → {}.", list(&before.isr), list(&after.isr)),
                match election {
                    Election::Unclean => "unclean.leader.election.enable = true: the new leader alone is in sync".to_owned(),
                    _ => "A fenced broker leaves every ISR".to_owned(),
                },
                causes.clone(),
            );
        }
        if after.leader != before.leader {
            out.note(EventKind::LeaderElected, name.clone(), leader_text(&name, before, &after), leader_rule(election, &after), causes);
        }
        self.append(&MetadataRecord::Partition { id, registration: after });
    }

    fn alter_partitions(
        &mut self,
        broker: BrokerId,
        request: &AlterPartitionRequest,
        out: &mut Outbox,
    ) -> Result<Vec<AlteredPartition>, ErrorCode> {
        if self.image.brokers.get(&broker).is_none_or(|registration| registration.epoch != request.epoch) {
            return Err(ErrorCode::StaleBrokerEpoch);
        }
        Ok(request.partitions.iter().map(|item| (item.partition, self.alter_partition(broker, item, out))).collect())
    }

    /// `ReplicationControlManager.validateAlterPartitionData`, then the change.
    fn alter_partition(&mut self, broker: BrokerId, item: &AlterPartitionItem, out: &mut Outbox) -> Result<IsrState, ErrorCode> {
        let before = self.image.partition(item.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        if item.leader_epoch > before.leader_epoch || item.partition_epoch > before.partition_epoch {
            return Err(ErrorCode::NotController);
        }
        if before.leader != Some(broker) {
            return Err(ErrorCode::InvalidRequest);
        }
        if item.leader_epoch < before.leader_epoch {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        if item.partition_epoch < before.partition_epoch {
            return Err(ErrorCode::InvalidUpdateVersion);
        }
        if !item.new_isr.contains(&broker) || !item.new_isr.iter().all(|member| before.replicas.contains(member)) {
            return Err(ErrorCode::InvalidRequest);
        }
        if !item.new_isr.iter().all(|member| self.image.is_active(*member)) {
            return Err(ErrorCode::IneligibleReplica);
        }
        let topic = self.image.topic(item.partition.topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let image = &self.image;
        let rules = Rules { acceptable: &|member| image.is_active(member), min_isr: topic.config.min_insync_replicas, elr_enabled: true };
        let after = election::change(before, Some(item.new_isr.clone()), Election::Online, &rules);
        let after = after.unwrap_or_else(|| before.clone());
        let name = self.image.name_of(item.partition);
        let (old, new) = (list(&before.isr), list(&after.isr));
        let (text, rule) = match item.why {
            IsrChange::CaughtUp(member) => (
                format!("Broker {member} has caught up and is in sync for {name} again: {old} → {new}."),
                "A follower whose log end reaches the high watermark joins the ISR (AlterPartition)".to_owned(),
            ),
            IsrChange::Lagging(member) => (
                format!("Broker {member} fell behind and left the ISR of {name}: {old} → {new}."),
                format!("replica.lag.time.max.ms = {}, checked every half of it", self.config.replica_lag_time_max.millis()),
            ),
        };
        out.note(EventKind::IsrChanged, name, text, rule, Vec::new());
        let state = IsrState { isr: after.isr.clone(), leader_epoch: after.leader_epoch, partition_epoch: after.partition_epoch };
        self.append(&MetadataRecord::Partition { id: item.partition, registration: after });
        Ok(state)
    }

    /// Every partition whose preferred replica is in sync and not leading gets it back.
    fn balance(&mut self, out: &mut Outbox) {
        let imbalanced: Vec<TopicPartition> = self
            .image
            .partitions()
            .filter(|(_, p)| p.leader.is_some() && p.leader != p.replicas.first().copied())
            .map(|(id, _)| id)
            .collect();
        for partition in imbalanced {
            self.elect(partition, None, Election::Preferred, None, out);
        }
    }

    /// Answers metadata fetches that have something to get, or waited long enough.
    fn answer_waiting(&mut self, now: SimTime, out: &mut Outbox) {
        let offset = self.image.offset;
        let (ready, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|fetch| fetch.offset < offset || fetch.deadline <= now);
        self.waiting = waiting;
        for fetch in ready {
            let mut changed: Vec<TopicPartition> = self.changes[fetch.offset as usize..].iter().flatten().copied().collect();
            changed.sort_unstable();
            changed.dedup();
            let response = Response::FetchMetadata { image: Arc::clone(&self.image), changed: changed.into() };
            out.respond(fetch.from, fetch.id, response);
        }
    }
}

impl Node for Controller {
    fn handle(&mut self, now: SimTime, from: NodeId, message: Message, out: &mut Outbox) {
        match message {
            Message::Request(id, request) => self.answer(now, from, id, request, out),
            Message::Closed => self.waiting.retain(|fetch| fetch.from != from),
            Message::Response(..) => {}
        }
        self.answer_waiting(now, out);
    }

    fn next_timeout(&self) -> SimTime {
        let sessions = self.last_contact.values().min().map_or(SimTime::MAX, |at| *at + self.config.session_timeout);
        let fetches = self.waiting.iter().map(|fetch| fetch.deadline).min().unwrap_or(SimTime::MAX);
        sessions.min(fetches).min(self.next_balance)
    }

    fn handle_timeout(&mut self, now: SimTime, out: &mut Outbox) {
        let timeout = self.config.session_timeout;
        let expired: Vec<BrokerId> = self.last_contact.iter().filter(|(_, at)| **at + timeout <= now).map(|(broker, _)| *broker).collect();
        for broker in expired {
            self.fence(broker, out);
        }
        if self.next_balance <= now {
            self.next_balance = now + self.config.leader_imbalance_check_interval;
            self.balance(out);
        }
        self.answer_waiting(now, out);
    }
}

/// `[101, 103]`.
fn list(brokers: &[BrokerId]) -> String {
    let ids: Vec<String> = brokers.iter().map(BrokerId::to_string).collect();
    format!("[{}]", ids.join(", "))
}

fn leader_text(name: &str, before: &PartitionRegistration, after: &PartitionRegistration) -> String {
    match (before.leader, after.leader) {
        (_, None) => format!("{name} has no leader: no copy of it may lead. Nothing can be written or read there."),
        (Some(old), Some(new)) => format!("Broker {new} leads {name} instead of {old} (leader epoch {}).", after.leader_epoch.0),
        (None, Some(new)) => format!("Broker {new} leads {name} (leader epoch {}).", after.leader_epoch.0),
    }
}

fn leader_rule(election: Election, after: &PartitionRegistration) -> String {
    let replicas = list(&after.replicas);
    match (election, after.leader) {
        (_, None) => "Only a live in-sync (or eligible) replica may lead; unclean.leader.election.enable = false".to_owned(),
        (Election::Preferred, _) => format!("auto.leader.rebalance.enable: the preferred leader is the first replica of {replicas}"),
        (Election::Unclean, _) => format!("unclean.leader.election.enable = true: the first live replica of {replicas}"),
        (Election::Online, _) => format!("The first live in-sync replica in the order of the replicas {replicas}"),
    }
}
