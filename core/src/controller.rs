//! The active controller: registration, fencing, topics, elections. It decides by reading the image and changes it only by
//! replaying records; brokers fetch those records.
//!
//! Which of the controllers is the active one, and when its records are committed, is the quorum's business.
//!
//! Its parts: [`brokers`] trusts, fences and lets stop; [`leaders`] elects and takes word of ISRs; [`topics`] does what an
//! administrator asks. [`election`], [`reassignment`], [`placement`] and [`legacy`] are the rules, as pure functions.

pub mod brokers;
pub mod election;
pub mod leaders;
pub mod legacy;
pub mod placement;
pub mod reassignment;
mod telling;
pub mod topics;

use crate::config::BrokerConfig;
use crate::ids::{BrokerEpoch, BrokerId, CorrelationId, EventId, NodeId};
use crate::metadata::{BrokerRegistration, MetadataImage, MetadataRecord};
use crate::node::{Node, Outbox};
use crate::protocol::{Message, Request, Response};
use crate::rng::SimRng;
use crate::sorted::SortedMap;
use crate::time::SimTime;
use brokers::Session;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Controller {
    config: Arc<BrokerConfig>,
    image: Arc<MetadataImage>,
    /// Decided and not yet taken over by the quorum.
    appended: Vec<MetadataRecord>,
    /// Brokers heard of within their session.
    sessions: SortedMap<BrokerId, Session>,
    /// The event that made or ended the controller's trust in a broker, for the causes of what follows.
    trust: SortedMap<BrokerId, EventId>,
    next_balance: SimTime,
    next_unclean_election: SimTime,
    rng: SimRng,
}

impl Controller {
    pub fn new(config: Arc<BrokerConfig>, rng: SimRng) -> Self {
        let mut controller = Controller {
            config,
            image: Arc::default(),
            appended: Vec::new(),
            sessions: SortedMap::new(),
            trust: SortedMap::new(),
            next_balance: SimTime::MAX,
            next_unclean_election: SimTime::MAX,
            rng,
        };
        controller.start_timers(SimTime::ZERO);
        controller
    }

    pub fn image(&self) -> &Arc<MetadataImage> {
        &self.image
    }

    /// This controller is the active one from now on: it goes on from `image`, and every broker begins a new session.
    pub fn take_over(&mut self, now: SimTime, image: Arc<MetadataImage>) {
        self.sessions = image.brokers.keys().map(|broker| (*broker, Session::at(now))).collect();
        self.image = image;
        self.start_timers(now);
    }

    fn start_timers(&mut self, now: SimTime) {
        self.next_balance = match self.config.auto_leader_rebalance {
            true => now + self.config.leader_imbalance_check_interval,
            false => SimTime::MAX,
        };
        self.next_unclean_election = now + self.config.unclean_leader_election_interval;
    }

    /// Another one is the active controller, or nobody: what this one knew is forgotten.
    pub fn stand_down(&mut self) {
        self.image = Arc::default();
        self.appended.clear();
        self.sessions.clear();
        self.trust.clear();
    }

    /// What it has decided since the last call.
    pub fn take_records(&mut self) -> impl Iterator<Item = MetadataRecord> + '_ {
        self.appended.drain(..)
    }

    /// The cluster stands before the run begins: a broker that is registered and trusted at time zero.
    pub fn admit(&mut self, broker: BrokerId, rack: Option<Arc<str>>) -> BrokerEpoch {
        let epoch = BrokerEpoch(self.image.offset as i64);
        let registration = BrokerRegistration { epoch, fenced: false, in_controlled_shutdown: false, rack, incarnation: 0 };
        self.append(&MetadataRecord::RegisterBroker { broker, registration });
        self.sessions.insert(broker, Session::at(SimTime::ZERO));
        epoch
    }

    /// The only way the image changes.
    fn append(&mut self, record: &MetadataRecord) {
        self.appended.push(record.clone());
        Arc::make_mut(&mut self.image).replay(record);
    }

    fn answer(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: Request, out: &mut Outbox) {
        let response = match request {
            Request::BrokerRegistration(request) => {
                let NodeId::Broker(broker) = from else { return };
                Response::BrokerRegistration(self.register(now, broker, &request, out))
            }
            Request::BrokerHeartbeat(request) => {
                let NodeId::Broker(broker) = from else { return };
                Response::BrokerHeartbeat(self.heartbeat(now, broker, &request, out))
            }
            Request::AlterPartition(request) => {
                let NodeId::Broker(broker) = from else { return };
                Response::AlterPartition(self.alter_partitions(broker, &request, out))
            }
            Request::CreateTopic(request) => {
                // A topic that exists already is what the asking broker wanted.
                let _ = self.create_topic(&request, None, None, out);
                Response::CreateTopic
            }
            _ => return,
        };
        out.respond(from, id, response);
    }
}

impl Node for Controller {
    fn handle(&mut self, now: SimTime, from: NodeId, message: Message, out: &mut Outbox) {
        if let Message::Request(id, request) = message {
            self.answer(now, from, id, request, out);
        }
    }

    fn next_timeout(&self) -> SimTime {
        self.next_session_end().min(self.next_balance).min(self.next_unclean_election)
    }

    fn handle_timeout(&mut self, now: SimTime, out: &mut Outbox) {
        self.fence_silent_brokers(now, out);
        if self.next_balance <= now {
            self.next_balance = now + self.config.leader_imbalance_check_interval;
            self.balance(out);
        }
        if self.next_unclean_election <= now {
            self.next_unclean_election = now + self.config.unclean_leader_election_interval;
            self.elect_uncleanly(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TopicConfig;
    use crate::error::ErrorCode;
    use crate::ids::{LeaderEpoch, PartitionEpoch, TopicPartition};
    use crate::metadata::{LeaderRecoveryState, PartitionRegistration};
    use crate::protocol::{AlterPartitionItem, BrokerHeartbeatRequest, BrokerRegistrationRequest, CreateTopicRequest, IsrChange};
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
        let request = CreateTopicRequest { name: Arc::from("orders"), internal: false, partitions: -1, replication_factor: -1, config };
        let mut out = Outbox::default();
        let topic = controller.create_topic(&request, Some(&[brokers.to_vec()]), None, &mut out).expect("a new topic");
        (controller, TopicPartition { topic, partition: 0 }, out)
    }

    fn partition(controller: &Controller, id: TopicPartition) -> &PartitionRegistration {
        controller.image().partition(id).expect("it was created")
    }

    fn beat(controller: &mut Controller, broker: i32, now: SimTime, out: &mut Outbox) {
        let epoch = controller.image().brokers[&BrokerId(broker)].epoch;
        let offset = controller.image().offset;
        let request = BrokerHeartbeatRequest { epoch, metadata_offset: offset, wants_shutdown: false, because: None };
        controller.heartbeat(now, BrokerId(broker), &request, out).expect("a registered broker");
    }

    fn register(controller: &mut Controller, now: SimTime, broker: i32, out: &mut Outbox) -> Result<BrokerEpoch, ErrorCode> {
        let request = BrokerRegistrationRequest { incarnation: 1, rack: None, previous_epoch: None, because: None };
        controller.register(now, BrokerId(broker), &request, out)
    }

    fn isr_item(id: TopicPartition, epochs: (i32, i32), isr: &[i32], why: IsrChange) -> AlterPartitionItem {
        AlterPartitionItem {
            partition: id,
            leader_epoch: LeaderEpoch(epochs.0),
            partition_epoch: PartitionEpoch(epochs.1),
            new_isr: isr.iter().map(|broker| BrokerId(*broker)).collect(),
            isr_epochs: Vec::new(),
            recovery: LeaderRecoveryState::Recovered,
            why,
        }
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
        assert_eq!(register(&mut controller, SimTime(8_999_999), 1, &mut out), Err(ErrorCode::DuplicateBrokerRegistration));
        assert!(register(&mut controller, at(9_000), 1, &mut out).is_ok());
    }

    #[test]
    fn a_process_let_in_at_the_end_of_the_old_session_has_lost_its_leaderships() {
        let (mut controller, id, mut out) = controller(1);
        register(&mut controller, at(9_000), 1, &mut out).expect("the session is over");
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
        register(&mut controller, at(10_000), 3, &mut out).expect("the session is over");
        assert!(partition(&controller, id).elr.is_empty());
        assert_eq!(partition(&controller, id).leader, Some(BrokerId(1)));
    }

    #[test]
    fn an_isr_asked_for_with_old_epochs_is_refused() {
        let (mut controller, id, mut out) = controller(1);
        let mut ask = |leader_epoch, partition_epoch, isr: &[i32]| {
            let item = isr_item(id, (leader_epoch, partition_epoch), isr, IsrChange::Lagging(BrokerId(3)));
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
        register(&mut controller, at(9_000), 1, &mut out).expect("the session is over");
        for broker in [1, 2, 3] {
            beat(&mut controller, broker, at(299_000), &mut out);
        }
        controller.handle_timeout(at(300_000), &mut out);
        assert_eq!(partition(&controller, id).leader, Some(BrokerId(2)), "1 is back, but not in sync");
        let before = partition(&controller, id).clone();
        let item = isr_item(id, (before.leader_epoch.0, before.partition_epoch.0), &[2, 3, 1], IsrChange::CaughtUp(BrokerId(1)));
        controller.alter_partition(BrokerId(2), &item, &mut out).expect("it caught up");
        for broker in [1, 2, 3] {
            beat(&mut controller, broker, at(599_000), &mut out);
        }
        controller.handle_timeout(at(600_000), &mut out);
        assert_eq!(partition(&controller, id).leader, Some(BrokerId(1)));
    }
}
