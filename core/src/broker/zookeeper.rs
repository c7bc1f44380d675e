//! A broker of a cluster with ZooKeeper: its session, what it sees of the znodes, and the controller, if it is the one that created
//! `/controller`. Kafka 3.9's `KafkaZkClient`, `KafkaController` and `ControllerChannelManager`.
//!
//! The controller decides on what it knows of the znodes, writes what it decided, and says nothing of it before the ensemble has it.
//! Then it tells every broker that has a session. Another controller is fenced by its epoch: its writes are refused, and so is what
//! it tells.

use super::link::ANSWER_TIMEOUT;
use super::{Broker, Phase, SimDuration, SimTime};
use crate::controller::Controller;
use crate::error::ErrorCode;
use crate::ids::{BrokerEpoch, BrokerId, CorrelationId, NodeId};
use crate::metadata::{MetadataImage, MetadataRecord};
use crate::node::{Held, Node, Outbox};
use crate::protocol::{BrokerHeartbeatRequest, HeartbeatAnswer, Message, Request, Response, ZnodeWrites};
use crate::sorted::SortedMap;
use crate::trace::{EventKind, TraceEvent};
use std::sync::Arc;

/// `controller.socket.timeout.ms`.
const SOCKET_TIMEOUT: SimDuration = SimDuration::from_secs(30);
/// A broker that could not be told is told again after so long (`RequestSendThread`).
const SEND_BACKOFF: SimDuration = SimDuration::from_millis(100);
/// `controlled.shutdown.retry.backoff.ms` and `controlled.shutdown.max.retries`.
const SHUTDOWN_BACKOFF: SimDuration = SimDuration::from_secs(5);
const SHUTDOWN_TRIES: u32 = 3;

#[derive(Clone, Debug, Default)]
pub(super) struct ZooKeeper {
    /// What watches have brought.
    znodes: Arc<MetadataImage>,
    /// The newest epoch of a controller that has told something.
    controller_epoch: i32,
    term: Option<Box<Term>>,
    shutdown: Option<Shutdown>,
    /// Told by nobody when this broker ceased to be the controller: the epoch, and the count of records it waited for.
    untold: Vec<(i32, u64, TraceEvent)>,
}

/// Asking the controller for leave to stop.
#[derive(Clone, Copy, Debug)]
struct Shutdown {
    asked: Option<CorrelationId>,
    next_try: SimTime,
    tries: u32,
}

/// A broker as the controller, in one epoch.
#[derive(Clone, Debug)]
struct Term {
    epoch: i32,
    controller: Controller,
    /// Decided, and not known to be written: the first of them has this number.
    unwritten: Vec<MetadataRecord>,
    first: u64,
    /// Records sent to the ensemble, and when to send those again that it has not shown since.
    sent: u64,
    write_again: SimTime,
    held: Held,
    peers: SortedMap<BrokerId, Peer>,
}

/// A broker that is told what the controller decided.
#[derive(Clone, Debug)]
struct Peer {
    session: BrokerEpoch,
    /// As far as it knows the metadata.
    known: u64,
    asked: Option<CorrelationId>,
    /// When the answer is given up, or the next try.
    until: SimTime,
}

impl ZooKeeper {
    /// Whom this broker takes for the controller.
    pub(super) fn controller(&self) -> Option<BrokerId> {
        self.znodes.controller
    }

    /// It is the controller no longer.
    fn resign(&mut self) {
        if let Some(mut term) = self.term.take() {
            self.untold.extend(term.held.take_events().into_iter().map(|(upto, event)| (term.epoch, upto, event)));
        }
    }

    /// The process is gone: what it decided may be written all the same.
    pub(super) fn crashed(mut self) -> Self {
        self.resign();
        ZooKeeper { untold: self.untold, ..ZooKeeper::default() }
    }

    pub(super) fn seen(&self) -> u64 {
        self.znodes.offset
    }

    pub(super) fn next_timeout(&self) -> SimTime {
        let shutdown = self.shutdown.map_or(SimTime::MAX, |shutdown| shutdown.next_try);
        self.term.as_ref().map_or(SimTime::MAX, |term| term.next_timeout(self.znodes.offset)).min(shutdown)
    }
}

impl Term {
    fn next_timeout(&self, newest: u64) -> SimTime {
        let peers = self.peers.values().filter(|peer| peer.asked.is_some() || peer.known < newest).map(|peer| peer.until);
        self.controller.next_timeout().min(self.write_again).min(peers.min().unwrap_or(SimTime::MAX))
    }

    /// Lets the controller act. What it says waits until what it decided is written.
    fn decide(&mut self, out: &mut Outbox, act: impl FnOnce(&mut Controller, &mut Outbox)) {
        let mark = out.mark();
        act(&mut self.controller, out);
        self.unwritten.append(&mut self.controller.take_records());
        if !self.unwritten.is_empty() {
            self.held.hold(self.first + self.unwritten.len() as u64, mark, out);
        }
    }

    /// So many of its records are written.
    fn written(&mut self, count: u64, out: &mut Outbox) {
        let news = count.saturating_sub(self.first).min(self.unwritten.len() as u64);
        self.unwritten.drain(..news as usize);
        self.first += news;
        self.sent = self.sent.max(self.first);
        if self.unwritten.is_empty() {
            self.write_again = SimTime::MAX;
        }
        self.held.release(self.first, out);
    }

    /// What to write now, if anything.
    fn writes(&mut self, now: SimTime) -> Option<ZnodeWrites> {
        if self.write_again <= now {
            self.sent = self.first;
        }
        let records = self.unwritten.get((self.sent - self.first) as usize..).filter(|records| !records.is_empty())?.to_vec();
        let first = self.sent;
        self.sent += records.len() as u64;
        self.write_again = now + ANSWER_TIMEOUT;
        Some(ZnodeWrites { controller_epoch: self.epoch, first, records })
    }
}

impl Broker {
    /// It was elected controller: the epoch, as long as it does not know better.
    pub fn controls(&self) -> Option<i32> {
        Some(self.zookeeper.as_ref()?.term.as_ref()?.epoch)
    }

    /// What it decided as the controller and did not tell, if another one is the controller now.
    pub fn take_untold(&mut self, controller_epoch: i32) -> Vec<(i32, u64, TraceEvent)> {
        let Some(zookeeper) = &mut self.zookeeper else { return Vec::new() };
        if zookeeper.term.as_ref().is_some_and(|term| term.epoch < controller_epoch) {
            zookeeper.resign();
        }
        std::mem::take(&mut zookeeper.untold)
    }

    /// The cluster stands before the run begins: this broker is the controller that has set it up.
    pub fn adopt(&mut self, founder: Controller) {
        if let Some(zookeeper) = &mut self.zookeeper {
            let image = Arc::clone(founder.image());
            zookeeper.term = Some(Box::new(Term::new(founder, &image)));
        }
    }

    /// Before the run begins it has seen all there is, and so has everybody.
    pub(super) fn know_znodes(&mut self, image: &Arc<MetadataImage>) {
        let Some(zookeeper) = &mut self.zookeeper else { return };
        zookeeper.znodes = Arc::clone(image);
        zookeeper.controller_epoch = image.controller_epoch;
        if let Some(term) = &mut zookeeper.term {
            let peer = |session| Peer { session, known: image.offset, asked: None, until: SimTime::ZERO };
            let others = image.brokers.iter().filter(|(id, _)| **id != self.id);
            term.peers = others.map(|(id, known)| (*id, peer(known.epoch))).collect();
        }
    }

    /// Does what an administrator asks of the controller. What is refused leaves no trace.
    pub fn administer<T, E>(
        &mut self,
        now: SimTime,
        out: &mut Outbox,
        act: impl FnOnce(&mut Controller, &mut Outbox) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let term = self.zookeeper.as_mut()?.term.as_mut()?;
        let mut outcome = None;
        term.decide(out, |controller, out| outcome = Some(act(controller, out)));
        self.carry_out(now, out);
        outcome
    }

    pub(super) fn controller_is_unknown(&self) -> bool {
        self.zookeeper.as_ref().is_some_and(|zookeeper| zookeeper.controller().is_none())
    }

    /// Keeps the session, or asks for a new one.
    pub(super) fn ping(&mut self, now: SimTime, out: &mut Outbox) {
        self.lifecycle.next_contact = now + self.heartbeat_interval();
        let epoch = self.lifecycle.epoch;
        let request = BrokerHeartbeatRequest { epoch, metadata_offset: self.image.offset, wants_shutdown: false, because: None };
        self.contact(Request::BrokerHeartbeat(Box::new(request)), out);
        self.fetch_metadata(now, out);
    }

    /// The session is over: what went with it this broker makes anew. It has served on meanwhile, and may have led what others lead now.
    pub(super) fn pinged(&mut self, now: SimTime, alive: bool, out: &mut Outbox) {
        if alive || self.lifecycle.phase == Phase::Stopping {
            return;
        }
        let ended = out.note(
            EventKind::ZooKeeper,
            self.id.to_string(),
            format!("Broker {} hears that its session with ZooKeeper is over and begins another.", self.id),
            "A client of ZooKeeper learns of the end of its session when it is connected again".to_owned(),
            Vec::new(),
        );
        if let Some(zookeeper) = &mut self.zookeeper {
            zookeeper.resign();
        }
        self.lifecycle.because = Some(ended);
        self.lifecycle.phase = Phase::Registering;
        self.lifecycle.incarnation += 1;
        self.lifecycle.refusals = 0;
        self.contact_controller(now, out);
    }

    /// Its own former process still has a session; Kafka's broker would end here and be started again.
    pub(super) fn tell_of_old_session(&mut self, out: &mut Outbox) {
        if self.zookeeper.is_some() && self.lifecycle.refusals == 0 {
            out.note(
                EventKind::ZooKeeper,
                self.id.to_string(),
                format!("Broker {} cannot register: /brokers/ids/{0} is still there, of the session of its last process.", self.id),
                format!(
                    "NODEEXISTS until that session ends: zookeeper.session.timeout.ms = {}",
                    self.config.zookeeper_session_timeout.millis()
                ),
                self.lifecycle.because.into_iter().collect(),
            );
        }
    }

    /// The connection to the ensemble is another: what was not seen to be written is written again.
    pub(super) fn write_again(&mut self) {
        if let Some(term) = self.zookeeper.as_mut().and_then(|zookeeper| zookeeper.term.as_mut()).filter(|term| !term.unwritten.is_empty())
        {
            term.write_again = self.link.rests_until();
        }
    }

    /// True when nobody else need look at the answer.
    pub(super) fn answered_with_zookeeper(
        &mut self,
        now: SimTime,
        from: NodeId,
        id: CorrelationId,
        response: &Response,
        out: &mut Outbox,
    ) -> bool {
        match (from, response) {
            (_, Response::FetchMetadata { image, .. }) => {
                if self.link.ends_fetch(id) {
                    self.see(now, image, out);
                    self.fetch_metadata(now, out);
                }
            }
            (NodeId::Broker(broker), Response::UpdateMetadata(answer)) => self.told(now, broker, id, **answer, out),
            (NodeId::Broker(_), Response::BrokerHeartbeat(answer)) => self.leave_answered(now, id, *answer, out),
            // The controller is another: what was asked of it is asked again.
            (NodeId::Broker(broker), Response::NotController(_)) => self.broker_gone(now, broker),
            _ => return false,
        }
        true
    }

    /// A watch has brought news.
    fn see(&mut self, now: SimTime, znodes: &Arc<MetadataImage>, out: &mut Outbox) {
        let (me, epoch) = (self.id, self.lifecycle.epoch);
        let Some(zookeeper) = &mut self.zookeeper else { return };
        // No client goes back in time, though the server it is connected to now may be behind.
        if znodes.offset < zookeeper.znodes.offset {
            return;
        }
        zookeeper.znodes = Arc::clone(znodes);
        let elected = znodes.controller == Some(me) && znodes.brokers.get(&me).is_some_and(|known| known.epoch == epoch);
        if zookeeper.term.as_ref().is_some_and(|term| !elected || term.epoch != znodes.controller_epoch) {
            zookeeper.resign();
        }
        if elected && zookeeper.term.is_none() {
            self.begin_term(now, znodes, out);
        }
        if znodes.controller.is_none() && znodes.brokers.contains_key(&me) && self.lifecycle.phase == Phase::Running {
            self.ask_voter(Request::CreateController(epoch), out);
        }
        if let Some(term) = self.zookeeper.as_mut().and_then(|zookeeper| zookeeper.term.as_mut()) {
            term.written(znodes.written, out);
            term.decide(out, |controller, out| controller.brokers_changed(znodes, out));
        }
        self.carry_out(now, out);
    }

    fn begin_term(&mut self, now: SimTime, znodes: &Arc<MetadataImage>, out: &mut Outbox) {
        let (me, epoch) = (self.id, znodes.controller_epoch);
        let elected = out.note(
            EventKind::ControllerElected,
            me.to_string(),
            format!("Broker {me} created /controller first: it is the controller now, controller_epoch {epoch}."),
            "The broker that creates the ephemeral znode /controller is the controller, as long as its session lasts".to_owned(),
            Vec::new(),
        );
        let mut controller = Controller::new(Arc::clone(&self.config), self.rng.clone());
        controller.take_over(now, Arc::clone(znodes));
        let mut term = Term::new(controller, znodes);
        term.decide(out, |controller, out| controller.begin_term(elected, out));
        if let Some(zookeeper) = &mut self.zookeeper {
            zookeeper.term = Some(Box::new(term));
        }
    }

    /// The controller writes what it decided, and tells the others what is written. It hears of it itself first.
    fn carry_out(&mut self, now: SimTime, out: &mut Outbox) {
        let Some(zookeeper) = &mut self.zookeeper else { return };
        let znodes = Arc::clone(&zookeeper.znodes);
        let Some(term) = &mut zookeeper.term else { return };
        let (me, controller_epoch) = (self.id, term.epoch);
        if let Some(writes) = term.writes(now) {
            self.ask_voter(Request::WriteZnodes(Box::new(writes)), out);
        }
        let Some(term) = self.zookeeper.as_mut().and_then(|zookeeper| zookeeper.term.as_mut()) else { return };
        let new = |session| Peer { session, known: 0, asked: None, until: SimTime::ZERO };
        term.peers.retain(|broker, peer| znodes.brokers.get(broker).is_some_and(|known| known.epoch == peer.session));
        let mut telling = Vec::new();
        for (broker, known) in znodes.brokers.iter().filter(|(broker, _)| **broker != me) {
            let peer = term.peers.get_or_insert_with(*broker, || new(known.epoch));
            if peer.asked.is_some() && peer.until <= now {
                peer.asked = None;
                out.close(NodeId::Broker(*broker));
            }
            if peer.asked.is_none() && peer.known < znodes.offset && peer.until <= now {
                telling.push(*broker);
            }
        }
        for broker in telling {
            let id = self.correlation();
            out.request(NodeId::Broker(broker), id, Request::UpdateMetadata { controller_epoch, image: Arc::clone(&znodes) });
            if let Some(peer) = self.zookeeper.as_mut().and_then(|zookeeper| zookeeper.term.as_mut()?.peers.get_mut(&broker)) {
                (peer.asked, peer.until) = (Some(id), now + SOCKET_TIMEOUT);
            }
        }
        self.learn(now, &znodes, out);
    }

    /// What the controller tells becomes this broker's metadata.
    fn learn(&mut self, now: SimTime, image: &Arc<MetadataImage>, out: &mut Outbox) {
        if image.offset > self.image.offset {
            let changed = image.changed_since(&self.image);
            self.take_metadata(now, Arc::clone(image), &changed, out);
        }
    }

    /// A request of the controller; anything else is passed over.
    pub(super) fn serve_with_zookeeper(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: Request, out: &mut Outbox) {
        let Some(zookeeper) = &mut self.zookeeper else { return };
        match request {
            Request::UpdateMetadata { controller_epoch, image } => {
                let stale = controller_epoch < zookeeper.controller_epoch;
                if !stale {
                    zookeeper.controller_epoch = controller_epoch;
                    self.learn(now, &image, out);
                }
                let answer = if stale { Err(ErrorCode::StaleControllerEpoch) } else { Ok(self.image.offset) };
                out.respond(from, id, Response::UpdateMetadata(Box::new(answer)));
            }
            request => match &mut zookeeper.term {
                None => out.respond(from, id, Response::NotController(None)),
                Some(term) => {
                    term.decide(out, |controller, out| controller.handle(now, from, Message::Request(id, request), out));
                    self.carry_out(now, out);
                }
            },
        }
    }

    fn told(&mut self, now: SimTime, broker: BrokerId, id: CorrelationId, answer: Result<u64, ErrorCode>, out: &mut Outbox) {
        let peer = self.zookeeper.as_mut().and_then(|zookeeper| zookeeper.term.as_mut()?.peers.get_mut(&broker));
        if let Some(peer) = peer.filter(|peer| peer.asked == Some(id)) {
            peer.asked = None;
            // One that follows a newer controller need not be told: this one will hear of that, too.
            peer.known = answer.unwrap_or(u64::MAX);
            peer.until = now;
            self.carry_out(now, out);
        }
    }

    /// A connection to a broker ended: what the controller told it, or was asked, is said again.
    pub(super) fn broker_gone(&mut self, now: SimTime, broker: BrokerId) {
        let Some(zookeeper) = &mut self.zookeeper else { return };
        if let Some(peer) = zookeeper.term.as_mut().and_then(|term| term.peers.get_mut(&broker)).filter(|peer| peer.asked.is_some()) {
            (peer.asked, peer.until) = (None, now + SEND_BACKOFF);
        }
        if zookeeper.controller() == Some(broker) {
            self.isr_not_before = now + SEND_BACKOFF;
            self.forget_isr_request();
        }
    }

    /// Timers of the controller, and of a broker that waits for leave to stop.
    #[inline(never)]
    pub(super) fn mind_zookeeper(&mut self, now: SimTime, out: &mut Outbox) {
        let Some(zookeeper) = &mut self.zookeeper else { return };
        let newest = zookeeper.znodes.offset;
        if let Some(term) = zookeeper.term.as_mut().filter(|term| term.next_timeout(newest) <= now) {
            if term.controller.next_timeout() <= now {
                term.decide(out, |controller, out| controller.handle_timeout(now, out));
            }
            self.carry_out(now, out);
        }
        if self.zookeeper.as_ref().is_some_and(|zookeeper| zookeeper.shutdown.is_some_and(|shutdown| shutdown.next_try <= now)) {
            self.ask_for_leave(now, out);
        }
    }

    /// `KafkaServer.controlledShutdown`: three tries, then it goes all the same.
    pub(super) fn ask_for_leave(&mut self, now: SimTime, out: &mut Outbox) {
        let known = self.zookeeper.as_ref().and_then(|zookeeper| zookeeper.shutdown);
        let tries = known.map_or(0, |shutdown| shutdown.tries);
        if tries == SHUTDOWN_TRIES {
            return self.exit(now, out);
        }
        let (epoch, because) = (self.lifecycle.epoch, self.lifecycle.because);
        let request = BrokerHeartbeatRequest { epoch, metadata_offset: self.image.offset, wants_shutdown: true, because };
        let asked = Some(self.ask_controller(Request::BrokerHeartbeat(Box::new(request)), out));
        if let Some(zookeeper) = &mut self.zookeeper {
            zookeeper.shutdown = Some(Shutdown { asked, next_try: now + SHUTDOWN_BACKOFF, tries: tries + 1 });
        }
    }

    fn leave_answered(&mut self, now: SimTime, id: CorrelationId, answer: Result<HeartbeatAnswer, ErrorCode>, out: &mut Outbox) {
        let asked = self.zookeeper.as_ref().and_then(|zookeeper| zookeeper.shutdown?.asked);
        if asked == Some(id) && answer.is_ok_and(|answer| answer.should_shut_down) {
            self.exit(now, out);
        }
    }

    /// A process that ends in order closes its session: nobody need miss it first.
    pub(super) fn close_session(&mut self, out: &mut Outbox) {
        if self.zookeeper.is_some() {
            self.ask_voter(Request::CloseSession(self.lifecycle.epoch), out);
        }
    }
}

impl Term {
    fn new(controller: Controller, znodes: &MetadataImage) -> Self {
        Term {
            epoch: znodes.controller_epoch,
            controller,
            unwritten: Vec::new(),
            first: znodes.written,
            sent: znodes.written,
            write_again: SimTime::MAX,
            held: Held::default(),
            peers: SortedMap::new(),
        }
    }
}
