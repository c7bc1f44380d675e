//! The active controller: registration, fencing, topics, elections. It decides by reading the image and changes it only by
//! replaying records; brokers fetch those records.
//!
//! Which of the controllers is the active one, and when its records are committed, is the quorum's business.

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
use crate::sorted::SortedMap;
use crate::time::SimTime;
use crate::trace::EventKind;
use election::{Election, Rules};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Controller {
    config: Arc<BrokerConfig>,
    image: Arc<MetadataImage>,
    /// Decided and not yet taken over by the quorum.
    appended: Vec<MetadataRecord>,
    /// When each unfenced or registering broker was heard of last.
    last_contact: SortedMap<BrokerId, SimTime>,
    /// The event that fenced a broker, for the causes of what follows.
    fenced_by: SortedMap<BrokerId, EventId>,
    next_balance: SimTime,
    rng: SimRng,
}

impl Controller {
    pub fn new(config: Arc<BrokerConfig>, rng: SimRng) -> Self {
        let next_balance = next_balance(&config, SimTime::ZERO);
        Controller {
            config,
            image: Arc::default(),
            appended: Vec::new(),
            last_contact: SortedMap::new(),
            fenced_by: SortedMap::new(),
            next_balance,
            rng,
        }
    }

    pub fn image(&self) -> &Arc<MetadataImage> {
        &self.image
    }

    /// This controller is the active one from now on: it goes on from `image`, and every broker begins a new session.
    pub fn take_over(&mut self, now: SimTime, image: Arc<MetadataImage>) {
        self.last_contact = image.brokers.keys().map(|broker| (*broker, now)).collect();
        self.image = image;
        self.next_balance = next_balance(&self.config, now);
    }

    /// Another one is the active controller, or nobody: what this one knew is forgotten.
    pub fn stand_down(&mut self) {
        self.image = Arc::default();
        self.appended.clear();
        self.last_contact.clear();
        self.fenced_by.clear();
    }

    /// What it has decided since the last call.
    pub fn take_records(&mut self) -> impl Iterator<Item = MetadataRecord> + '_ {
        self.appended.drain(..)
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
        self.appended.push(record.clone());
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
        // The old process may be missed at this very instant.
        self.fence(broker, out);
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
        self.strike_from_elr(broker, registered, out);
        Ok(epoch)
    }

    /// A process that did not stop in order may have lost what it had: it is eligible no longer (KIP-966).
    /// Nothing here stops a broker in order yet, so every registration after the first is one of these.
    fn strike_from_elr(&mut self, broker: BrokerId, because: EventId, out: &mut Outbox) {
        let eligible = self.image.partitions().filter(|(_, p)| p.elr.contains(&broker));
        let struck: Vec<(TopicPartition, PartitionRegistration)> = eligible.map(|(id, p)| (id, p.clone())).collect();
        for (id, mut without) in struck {
            without.elr.retain(|member| *member != broker);
            without.partition_epoch.0 += 1;
            self.append(&MetadataRecord::Partition { id, registration: without });
            self.elect(id, None, self.last_resort(id), Some(because), out);
        }
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
            out.note(
                EventKind::LeaderElected,
                name.clone(),
                leader_text(&name, before, &after),
                leader_rule(election, before, &after),
                causes,
            );
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
}

impl Node for Controller {
    fn handle(&mut self, now: SimTime, from: NodeId, message: Message, out: &mut Outbox) {
        if let Message::Request(id, request) = message {
            self.answer(now, from, id, request, out);
        }
    }

    fn next_timeout(&self) -> SimTime {
        let sessions = self.last_contact.values().min().map_or(SimTime::MAX, |at| *at + self.config.session_timeout);
        sessions.min(self.next_balance)
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
    }
}

fn next_balance(config: &BrokerConfig, now: SimTime) -> SimTime {
    match config.auto_leader_rebalance {
        true => now + config.leader_imbalance_check_interval,
        false => SimTime::MAX,
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

fn leader_rule(election: Election, before: &PartitionRegistration, after: &PartitionRegistration) -> String {
    let replicas = list(&after.replicas);
    match (election, after.leader) {
        (Election::Online, Some(leader)) if !before.isr.contains(&leader) && before.last_known_elr == [leader] && before.elr.is_empty() => {
            "Nobody is in sync or eligible: only the last known leader may lead again (KIP-966)".to_owned()
        }
        (_, None) => "Only a live in-sync (or eligible) replica may lead; unclean.leader.election.enable = false".to_owned(),
        (Election::Preferred, _) => format!("auto.leader.rebalance.enable: the preferred leader is the first replica of {replicas}"),
        (Election::Unclean, _) => format!("unclean.leader.election.enable = true: the first live replica of {replicas}"),
        (Election::Online, _) => format!("The first live in-sync replica in the order of the replicas {replicas}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TopicConfig;
    use crate::rng::Seed;

    fn at(ms: u64) -> SimTime {
        SimTime(ms * 1_000)
    }

    /// Three brokers and `orders-0` on all of them, 1 first.
    fn controller(min_insync_replicas: u32) -> (Controller, TopicPartition, Outbox) {
        let mut controller = Controller::new(Arc::new(BrokerConfig::default()), SimRng::new(Seed(1), 0));
        let brokers = [1, 2, 3].map(BrokerId);
        for broker in brokers {
            controller.admit(broker, None);
        }
        let config = TopicConfig { min_insync_replicas, ..TopicConfig::default() };
        let request = CreateTopicRequest { name: Arc::from("orders"), internal: false, partitions: 1, replication_factor: 3, config };
        let mut out = Outbox::default();
        let topic = controller.create_topic(&request, Some(&[brokers.to_vec()]), &mut out).expect("a new topic");
        (controller, TopicPartition { topic, partition: 0 }, out)
    }

    fn partition(controller: &Controller, id: TopicPartition) -> &PartitionRegistration {
        controller.image().partition(id).expect("it was created")
    }

    fn beat(controller: &mut Controller, broker: i32, now: SimTime, out: &mut Outbox) {
        let epoch = controller.image().brokers[&BrokerId(broker)].epoch;
        let offset = controller.image().offset;
        controller.heartbeat(now, BrokerId(broker), epoch, offset, out).expect("a registered broker");
    }

    #[test]
    fn a_silent_broker_is_fenced_after_its_session_to_the_microsecond() {
        let (mut controller, id, mut out) = controller(1);
        beat(&mut controller, 2, at(4_000), &mut out);
        beat(&mut controller, 3, at(4_000), &mut out);
        assert_eq!(controller.next_timeout(), at(9_000));
        controller.handle_timeout(SimTime(8_999_999), &mut out);
        assert_eq!(partition(&controller, id).leader, Some(BrokerId(1)));
        controller.handle_timeout(at(9_000), &mut out);
        let after = partition(&controller, id);
        assert_eq!(
            (after.leader, after.leader_epoch, after.isr.as_slice()),
            (Some(BrokerId(2)), LeaderEpoch(1), &[BrokerId(2), BrokerId(3)][..])
        );
    }

    #[test]
    fn a_second_process_is_refused_while_the_first_has_a_session() {
        let (mut controller, _, mut out) = controller(1);
        let mut register = |now| controller.register(now, BrokerId(1), 1, None, None, &mut out);
        assert_eq!(register(SimTime(8_999_999)), Err(ErrorCode::DuplicateBrokerRegistration));
        assert!(register(at(9_000)).is_ok());
    }

    #[test]
    fn a_process_let_in_at_the_end_of_the_old_session_has_lost_its_leaderships() {
        let (mut controller, id, mut out) = controller(1);
        controller.register(at(9_000), BrokerId(1), 1, None, None, &mut out).expect("the session is over");
        assert_eq!(partition(&controller, id).leader, Some(BrokerId(2)));
        assert!(!partition(&controller, id).isr.contains(&BrokerId(1)));
    }

    #[test]
    fn a_process_that_did_not_stop_in_order_is_eligible_no_longer() {
        let (mut controller, id, mut out) = controller(3);
        beat(&mut controller, 1, at(5_000), &mut out);
        beat(&mut controller, 2, at(5_000), &mut out);
        controller.handle_timeout(at(9_000), &mut out);
        assert_eq!(partition(&controller, id).elr, [BrokerId(3)], "below the minimum of 3 it stays eligible");
        controller.register(at(10_000), BrokerId(3), 1, None, None, &mut out).expect("the session is over");
        assert!(partition(&controller, id).elr.is_empty());
        assert_eq!(partition(&controller, id).leader, Some(BrokerId(1)));
    }

    #[test]
    fn an_isr_asked_for_with_old_epochs_is_refused() {
        let (mut controller, id, mut out) = controller(1);
        let mut ask = |leader_epoch, partition_epoch, isr: &[i32]| {
            let new_isr = isr.iter().map(|broker| BrokerId(*broker)).collect();
            let (leader_epoch, partition_epoch) = (LeaderEpoch(leader_epoch), PartitionEpoch(partition_epoch));
            let item = AlterPartitionItem { partition: id, leader_epoch, partition_epoch, new_isr, why: IsrChange::Lagging(BrokerId(3)) };
            controller.alter_partition(BrokerId(1), &item, &mut out).map(|state| state.partition_epoch.0)
        };
        assert_eq!(ask(0, 0, &[1, 2]), Ok(1));
        assert_eq!(ask(0, 0, &[1]), Err(ErrorCode::InvalidUpdateVersion));
        assert_eq!(ask(1, 1, &[1]), Err(ErrorCode::NotController));
        assert_eq!(ask(0, 1, &[2]), Err(ErrorCode::InvalidRequest), "a leader is in its own ISR");
    }

    #[test]
    fn the_check_gives_leadership_back_to_the_preferred_replica_once_it_is_in_sync() {
        let (mut controller, id, mut out) = controller(1);
        controller.register(at(9_000), BrokerId(1), 1, None, None, &mut out).expect("the session is over");
        for broker in [1, 2, 3] {
            beat(&mut controller, broker, at(299_000), &mut out);
        }
        controller.handle_timeout(at(300_000), &mut out);
        assert_eq!(partition(&controller, id).leader, Some(BrokerId(2)), "1 is back, but not in sync");
        let before = partition(&controller, id).clone();
        let (leader_epoch, partition_epoch) = (before.leader_epoch, before.partition_epoch);
        let new_isr = vec![BrokerId(2), BrokerId(3), BrokerId(1)];
        let item = AlterPartitionItem { partition: id, leader_epoch, partition_epoch, new_isr, why: IsrChange::CaughtUp(BrokerId(1)) };
        controller.alter_partition(BrokerId(2), &item, &mut out).expect("it caught up");
        for broker in [1, 2, 3] {
            beat(&mut controller, broker, at(599_000), &mut out);
        }
        controller.handle_timeout(at(600_000), &mut out);
        assert_eq!(partition(&controller, id).leader, Some(BrokerId(1)));
    }
}
