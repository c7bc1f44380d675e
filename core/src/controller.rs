//! The active controller: registration, fencing, topics, elections. It decides by reading the image and changes it only by
//! replaying records; brokers fetch those records.
//!
//! Which of the controllers is the active one, and when its records are committed, is the quorum's business.
//!
//! Its parts: [`brokers`] trusts, fences and lets stop; [`leaders`] elects and takes word of ISRs; [`topics`] does what an
//! administrator asks; [`zookeeper`] is what Kafka's older controller, one of the brokers, did otherwise. [`election`],
//! [`reassignment`], [`placement`] and [`legacy`] are the rules, as pure functions.

pub mod brokers;
pub mod election;
pub mod leaders;
pub mod legacy;
pub mod placement;
pub mod reassignment;
mod telling;
pub mod topics;
mod zookeeper;

use crate::config::{BrokerConfig, Profile};
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

    /// When it next looks for preferred leaders, and for partitions that an unclean election may help.
    pub fn next_checks(&self) -> (SimTime, SimTime) {
        (self.next_balance, self.next_unclean_election)
    }

    pub fn profile(&self) -> Profile {
        self.config.profile
    }

    /// This controller is the active one from now on: it goes on from `image`, and every broker begins a new session.
    pub fn take_over(&mut self, now: SimTime, image: Arc<MetadataImage>) {
        // Sessions with ZooKeeper are the ensemble's business.
        let kept = image.brokers.keys().filter(|_| !self.config.zookeeper());
        self.sessions = kept.map(|broker| (*broker, Session::at(now))).collect();
        self.image = image;
        self.start_timers(now);
    }

    fn start_timers(&mut self, now: SimTime) {
        let (first_balance, unclean) = match self.config.zookeeper() {
            true => (zookeeper::FIRST_BALANCE, SimTime::MAX),
            false => (self.config.leader_imbalance_check_interval, now + self.config.unclean_leader_election_interval),
        };
        self.next_balance = if self.config.auto_leader_rebalance { now + first_balance } else { SimTime::MAX };
        self.next_unclean_election = unclean;
    }

    /// Another one is the active controller, or nobody: what this one knew is forgotten.
    pub fn stand_down(&mut self) {
        self.image = Arc::default();
        self.appended.clear();
        self.sessions.clear();
        self.trust.clear();
    }

    /// What it has decided since the last call.
    pub fn take_records(&mut self) -> Vec<MetadataRecord> {
        std::mem::take(&mut self.appended)
    }

    /// The cluster stands before the run begins: a broker that is registered and trusted at time zero.
    pub fn admit(&mut self, broker: BrokerId, rack: Option<Arc<str>>) -> BrokerEpoch {
        let epoch = BrokerEpoch(self.image.offset as i64);
        let registration = BrokerRegistration { epoch, fenced: false, in_controlled_shutdown: false, rack, incarnation: 0 };
        self.append(&MetadataRecord::RegisterBroker { broker, registration });
        if !self.config.zookeeper() {
            self.sessions.insert(broker, Session::at(SimTime::ZERO));
        }
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
                Response::BrokerHeartbeat(match self.config.zookeeper() {
                    true => self.shut_down_in_order(broker, &request, out),
                    false => self.heartbeat(now, broker, &request, out),
                })
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
mod tests;
