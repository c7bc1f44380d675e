//! How a broker finds the active controller: it asks the one it believes in, and another voter when that one is gone, silent, or
//! says it is somebody else. Kafka's observers of the quorum and `NodeToControllerChannelManager`. A broker's connection to a
//! ZooKeeper ensemble goes the same way.

use super::{Broker, Phase};
use crate::config::BrokerConfig;
use crate::ids::{BrokerId, CorrelationId, NodeId};
use crate::node::Outbox;
use crate::protocol::Request;
use crate::time::{SimDuration, SimTime};
use std::sync::Arc;

/// No answer for so long: the request is lost (`controller.quorum.request.timeout.ms`; an empty fetch waits 500 ms).
pub(super) const ANSWER_TIMEOUT: SimDuration = SimDuration::from_secs(2);

/// Pause before the next voter is tried.
const RETRY_BACKOFF: SimDuration = SimDuration::from_millis(100);
/// ZooKeeper's client waits up to a second (`ClientCnxn.SendThread`).
const RECONNECT_PAUSE: SimDuration = SimDuration::from_secs(1);

#[derive(Clone, Debug)]
pub(super) struct ControllerLink {
    pub(super) voters: Arc<[i32]>,
    /// Believed to be the active controller.
    active: i32,
    /// The metadata fetch under way, and until when its answer is worth waiting for.
    fetch: Option<(CorrelationId, SimTime)>,
    /// The registration or heartbeat under way.
    contact: Option<CorrelationId>,
    /// Nothing is asked before.
    retry_at: SimTime,
    /// How long an answer to a metadata fetch may take, and the pause before the next voter is tried.
    patience: SimDuration,
    backoff: SimDuration,
}

impl ControllerLink {
    /// Servers of an ensemble share the brokers out among them.
    pub(super) fn new(broker: BrokerId, voters: Arc<[i32]>, config: &BrokerConfig) -> Self {
        let (active, patience, backoff) = match config.zookeeper() {
            true => (voters[broker.0 as usize % voters.len()], config.zookeeper_ping_interval().times(2), RECONNECT_PAUSE),
            false => (voters[0], ANSWER_TIMEOUT, RETRY_BACKOFF),
        };
        ControllerLink { voters, active, fetch: None, contact: None, retry_at: SimTime::ZERO, patience, backoff }
    }

    /// When a fetch is overdue, or the next one may go.
    pub(super) fn next_timeout(&self) -> SimTime {
        self.fetch.map_or(self.retry_at, |(_, until)| until)
    }

    pub(super) fn rests_until(&self) -> SimTime {
        self.retry_at
    }

    pub(super) fn is_resting(&self, now: SimTime) -> bool {
        now < self.retry_at
    }

    /// Whether this answers the registration or heartbeat under way.
    pub(super) fn ends_contact(&mut self, id: CorrelationId) -> bool {
        self.contact.take_if(|asked| *asked == id).is_some()
    }

    pub(super) fn ends_fetch(&mut self, id: CorrelationId) -> bool {
        self.fetch.take_if(|(asked, _)| *asked == id).is_some()
    }

    /// Another voter, the next in the ring unless one was named.
    fn turn(&mut self, named: Option<i32>) {
        let place = self.voters.iter().position(|voter| *voter == self.active).map_or(0, |place| place + 1);
        self.active = named.unwrap_or(self.voters[place % self.voters.len()]);
    }
}

impl Broker {
    /// Nobody is asked while it is not known who the controller is.
    pub(super) fn ask_controller(&mut self, request: Request, out: &mut Outbox) -> CorrelationId {
        let Some(zookeeper) = &self.zookeeper else { return self.ask_voter(request, out) };
        let controller = zookeeper.controller();
        let id = self.correlation();
        if let Some(controller) = controller {
            out.request(NodeId::Broker(controller), id, request);
        }
        id
    }

    /// The voter it takes for the active controller, or the server of the ensemble it is connected to.
    pub(super) fn ask_voter(&mut self, request: Request, out: &mut Outbox) -> CorrelationId {
        let id = self.correlation();
        out.request(NodeId::Controller(self.link.active), id, request);
        id
    }

    /// A registration or a heartbeat.
    pub(super) fn contact(&mut self, request: Request, out: &mut Outbox) {
        self.link.contact = Some(self.ask_voter(request, out));
    }

    /// Keeps one metadata fetch under way.
    pub(super) fn fetch_metadata(&mut self, now: SimTime, out: &mut Outbox) {
        if self.link.fetch.is_none() && !self.link.is_resting(now) && self.listens() {
            let offset = self.zookeeper.as_ref().map_or(self.image.offset, |zookeeper| zookeeper.seen());
            let request = Request::FetchMetadata { offset };
            self.link.fetch = Some((self.ask_voter(request, out), now + self.link.patience));
        }
    }

    /// An answer that is overdue will not come, and what is asked next goes by another connection.
    pub(super) fn mind_controller(&mut self, now: SimTime, out: &mut Outbox) {
        let overdue = self.link.fetch.is_some_and(|(_, until)| until <= now);
        let unregistered = self.lifecycle.phase == Phase::Registering && self.link.contact.is_some() && self.lifecycle.next_contact <= now;
        if overdue || unregistered {
            out.close(NodeId::Controller(self.link.active));
            self.lose_controller(now, None);
        }
        self.fetch_metadata(now, out);
    }

    /// Connection closed, or the voter says that it is not the active controller: `hint` is.
    pub(super) fn controller_gone(&mut self, now: SimTime, from: i32, hint: Option<i32>) {
        if from == self.link.active {
            self.lose_controller(now, hint);
        }
    }

    /// What was asked of it is forgotten and asked again of another.
    fn lose_controller(&mut self, now: SimTime, hint: Option<i32>) {
        let elsewhere = hint.filter(|voter| *voter != self.link.active);
        self.link.retry_at = if elsewhere.is_some() { now } else { now + self.link.backoff };
        // One that is elected and not yet in office names itself.
        self.link.turn(elsewhere.or(hint));
        self.link.fetch = None;
        if self.link.contact.take().is_some() {
            self.lifecycle.next_contact = self.link.retry_at;
        }
        if self.zookeeper.is_some() {
            return self.write_again();
        }
        self.forget_isr_request();
    }
}
