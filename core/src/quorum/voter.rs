//! A controller node: a voter of the quorum, and the controller that decides while this voter is the leader. Kafka's `QuorumController`.
//! With ZooKeeper: a server of the ensemble, and what its leader does. Brokers may be connected to any server; a follower passes on
//! what the leader must order.
//!
//! The active controller works on records it has just appended; what it answers and tells waits until a majority has them. If it
//! loses office before, those who asked are told `NOT_CONTROLLER` and nothing has happened.

use super::{Copied, FETCH_WAIT, Raft, Timing};
use crate::config::BrokerConfig;
use crate::controller::Controller;
use crate::ids::{CorrelationId, EventId, NodeId, TopicPartition};
use crate::metadata::{MetadataImage, MetadataRecord};
use crate::node::{Fact, Held, Node, Outbox};
use crate::protocol::{Message, Request, Response};
use crate::rng::SimRng;
use crate::sorted::{SortedMap, SortedSet};
use crate::time::{SimDuration, SimTime};
use crate::trace::{EventKind, TraceEvent};
use crate::zookeeper::Ensemble;
use std::sync::Arc;

/// Committed records a log keeps before a snapshot takes their place.
const RECORDS_BETWEEN_SNAPSHOTS: u64 = 100_000;

/// How long a leader that stops waits for its successor (`KafkaRaftClientDriver.shutdown`).
const SHUTDOWN_PATIENCE: SimDuration = SimDuration::from_secs(5);

#[derive(Clone, Debug)]
pub struct Voter {
    raft: Raft,
    office: Office,
    /// How long a broker's request for news waits.
    fetch_wait: SimDuration,
    /// What the quorum has agreed on, as far as this voter knows.
    committed: Arc<MetadataImage>,
    up: bool,
    stopping: Option<Stopping>,
    /// Epoch in which this voter is the active controller: it leads, and its first record is committed.
    active: Option<i32>,
    /// Effects of the active controller that wait for a majority, by the offset they wait for.
    held: Held,
    /// Told by nobody so far: with the epoch in which it would have been, and the offset it waited for.
    untold: Vec<(i32, u64, TraceEvent)>,
    fetches: Vec<BrokerFetch>,
    /// What brokers have asked for as observers of the log, by id.
    observed: SortedMap<i32, Copied>,
}

/// It was told to stop while it led, and waits for a successor.
#[derive(Clone, Copy, Debug)]
struct Stopping {
    epoch: i32,
    until: SimTime,
    because: Option<EventId>,
}

/// What a leader is there for.
#[derive(Clone, Debug)]
enum Office {
    Controller(Box<Controller>),
    Ensemble(Box<Ensemble>),
}

impl Office {
    fn image(&self) -> &Arc<MetadataImage> {
        match self {
            Office::Controller(controller) => controller.image(),
            Office::Ensemble(ensemble) => ensemble.znodes(),
        }
    }

    fn take_over(&mut self, now: SimTime, image: Arc<MetadataImage>) {
        match self {
            Office::Controller(controller) => controller.take_over(now, image),
            Office::Ensemble(ensemble) => ensemble.take_over(now, image),
        }
    }

    fn stand_down(&mut self) {
        match self {
            Office::Controller(controller) => controller.stand_down(),
            Office::Ensemble(ensemble) => ensemble.stand_down(),
        }
    }

    fn take_records(&mut self) -> Vec<MetadataRecord> {
        match self {
            Office::Controller(controller) => controller.take_records(),
            Office::Ensemble(ensemble) => ensemble.take_records(),
        }
    }

    fn node(&mut self) -> &mut dyn Node {
        match self {
            Office::Controller(controller) => &mut **controller,
            Office::Ensemble(ensemble) => &mut **ensemble,
        }
    }

    fn next_timeout(&self) -> SimTime {
        match self {
            Office::Controller(controller) => controller.next_timeout(),
            Office::Ensemble(ensemble) => ensemble.next_timeout(),
        }
    }
}

/// A broker that waits for metadata.
#[derive(Clone, Debug)]
struct BrokerFetch {
    from: NodeId,
    id: CorrelationId,
    offset: u64,
    until: SimTime,
}

impl Voter {
    pub fn new(id: i32, voters: Arc<[i32]>, config: Arc<BrokerConfig>, rng: SimRng) -> Self {
        Voter {
            raft: Raft::new(id, voters, Timing::of(&config), rng.clone()),
            fetch_wait: if config.zookeeper() { config.zookeeper_ping_interval() } else { FETCH_WAIT },
            office: match config.zookeeper() {
                true => Office::Ensemble(Box::new(Ensemble::new(config))),
                false => Office::Controller(Box::new(Controller::new(config, rng))),
            },
            committed: Arc::default(),
            up: true,
            stopping: None,
            active: None,
            held: Held::default(),
            untold: Vec::new(),
            fetches: Vec::new(),
            observed: SortedMap::new(),
        }
    }

    pub fn id(&self) -> i32 {
        self.raft.id()
    }

    pub fn raft(&self) -> &Raft {
        &self.raft
    }

    /// The metadata as far as it is committed and this voter knows.
    pub fn image(&self) -> &Arc<MetadataImage> {
        &self.committed
    }

    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Brokers that copy the log, as this voter knows.
    pub fn observers(&self) -> Vec<Copied> {
        self.observed.values().copied().collect()
    }

    /// What decides while it is the active controller; an ensemble decides nothing.
    pub fn controller(&self) -> Option<&Controller> {
        match &self.office {
            Office::Controller(controller) => Some(controller),
            Office::Ensemble(_) => None,
        }
    }

    /// Epoch in which it is the active controller, if it is.
    pub fn active(&self) -> Option<i32> {
        self.active
    }

    /// The cluster stands before the run begins: what the controller of `leader` has done so far is what all have.
    pub fn begin(&mut self, leader: i32, image: Arc<MetadataImage>, out: &mut Outbox) {
        self.raft.begin(leader, Arc::clone(&image));
        if leader == self.id() {
            self.active = Some(self.raft.epoch());
            if let Office::Ensemble(ensemble) = &mut self.office {
                ensemble.take_over(SimTime::ZERO, Arc::clone(&image));
            }
        }
        self.committed = image;
        self.raft.poll(SimTime::ZERO, out);
    }

    /// The controller that has set up the cluster before the run begins.
    pub fn adopt(&mut self, founder: Controller) {
        self.office = Office::Controller(Box::new(founder));
    }

    fn is_ensemble(&self) -> bool {
        matches!(self.office, Office::Ensemble(_))
    }

    /// Does what an administrator asks of the active controller. What is refused leaves no trace.
    pub fn administer<T, E>(
        &mut self,
        now: SimTime,
        out: &mut Outbox,
        act: impl FnOnce(&mut Controller, &mut Outbox) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut outcome = None;
        self.decide(now, out, |office, out| {
            if let Office::Controller(controller) = office {
                outcome = Some(act(controller, out));
            }
        });
        let outcome = outcome.expect("the controller has acted");
        if outcome.is_ok() {
            self.settle(now, out);
        }
        outcome
    }

    /// What it decided as the active controller and did not live to see committed, if it is the active one no longer. A majority
    /// may have got it all the same: then its successor has committed it.
    pub fn take_untold(&mut self, newest: i32) -> Vec<(i32, u64, TraceEvent)> {
        if let Some(epoch) = self.active.filter(|epoch| *epoch < newest) {
            self.keep_untold(epoch);
        }
        std::mem::take(&mut self.untold)
    }

    #[inline(never)]
    fn keep_untold(&mut self, epoch: i32) {
        self.untold.extend(self.held.take_events().into_iter().map(|(upto, event)| (epoch, upto, event)));
    }

    /// The log has all that was written up to there in that epoch, and it is committed.
    pub fn has_committed(&self, epoch: i32, upto: u64) -> bool {
        let (known, end) = self.raft.log().end_of_epoch(epoch);
        known == epoch && upto <= end.min(self.committed.offset)
    }

    pub fn crash(&mut self) {
        self.up = false;
        self.stopping = None;
        if let Some(epoch) = self.active.take() {
            self.keep_untold(epoch);
        }
        self.held.clear();
        self.fetches.clear();
        self.observed.clear();
        self.office.stand_down();
        self.raft.crash();
    }

    pub fn start(&mut self, now: SimTime, out: &mut Outbox) {
        self.up = true;
        self.raft.start(now);
        self.settle(now, out);
    }

    /// A stop in order: a leader resigns, so that the others need not miss it first, and stays until one of them leads.
    pub fn stop(&mut self, now: SimTime, because: Option<EventId>, out: &mut Outbox) {
        let waits = self.raft.leadership().is_some() && self.raft.voters().len() > 1;
        let until = if waits { now + SHUTDOWN_PATIENCE } else { now };
        self.stopping = Some(Stopping { epoch: self.raft.epoch(), until, because });
        self.raft.resign(now);
        self.settle(now, out);
    }

    /// The process ends once a newer epoch has begun.
    fn exit_if_relieved(&mut self, now: SimTime, out: &mut Outbox) {
        let Some(Stopping { epoch, until, because }) = self.stopping else { return };
        if self.raft.epoch() > epoch || until <= now {
            self.crash();
            out.fact(Fact::Exited(NodeId::Controller(self.id()), because));
        }
    }

    fn asked(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: Request, out: &mut Outbox) {
        match request {
            Request::FetchMetadata { offset } if self.serves() => {
                self.fetches.retain(|fetch| fetch.from != from);
                if let NodeId::Broker(broker) = from {
                    let before = self.observed.get(&broker.0).map_or(now, |copied| copied.caught_up);
                    let caught_up = if offset >= self.raft.end() { now } else { before };
                    self.observed.insert(broker.0, Copied { id: broker.0, end: offset, fetched: now, caught_up });
                }
                self.fetches.push(BrokerFetch { from, id, offset, until: now + self.fetch_wait });
            }
            Request::Relayed(relayed) => {
                let (broker, asked, request) = *relayed;
                match self.active {
                    Some(_) => self.order(now, (broker, asked), request, Some((from, id)), out),
                    None => out.respond(from, id, Response::Relayed(Box::new((broker, asked, Response::NotController(None))))),
                }
            }
            request if self.active.is_none() => match self.raft.leader().filter(|leader| self.is_ensemble() && *leader != self.id()) {
                Some(leader) => out.request(NodeId::Controller(leader), id, Request::Relayed(Box::new((from, id, request)))),
                None => out.respond(from, id, Response::NotController(self.raft.leader().filter(|_| !self.is_ensemble()))),
            },
            request => self.order(now, (from, id), request, None, out),
        }
    }

    /// Decides on a request. The answer to one that was passed on goes back by the server the broker is connected to.
    fn order(
        &mut self,
        now: SimTime,
        (from, id): (NodeId, CorrelationId),
        request: Request,
        relay: Option<(NodeId, CorrelationId)>,
        out: &mut Outbox,
    ) {
        self.decide(now, out, |office, out| {
            let (before, _) = out.mark();
            office.node().handle(now, from, Message::Request(id, request), out);
            let Some((server, asked)) = relay else { return };
            for (to, message) in out.sends[before..].iter_mut().filter(|(to, _)| *to == from) {
                if let Message::Response(id, response) = message {
                    let answer = Response::Relayed(Box::new((from, *id, response.clone())));
                    (*to, *message) = (server, Message::Response(asked, answer));
                }
            }
        });
    }

    /// News come from the leader of the quorum; of an ensemble any server has them that follows a leader.
    fn serves(&self) -> bool {
        self.raft.leadership().is_some() || (self.is_ensemble() && self.raft.leader().is_some())
    }

    /// Lets the controller act. What it appended goes to the quorum; what it says waits for that.
    fn decide(&mut self, now: SimTime, out: &mut Outbox, act: impl FnOnce(&mut Office, &mut Outbox)) {
        let mark = out.mark();
        act(&mut self.office, out);
        self.raft.append(now, self.office.take_records().into_iter());
        let upto = self.raft.end();
        if upto > self.raft.high_watermark() {
            self.held.hold(upto, mark, out);
        }
    }

    /// What every step ends with.
    fn settle(&mut self, now: SimTime, out: &mut Outbox) {
        self.raft.poll(now, out);
        if self.active.is_some() && self.raft.leadership().is_none_or(|_| self.active != Some(self.raft.epoch())) {
            self.stand_down(out);
        }
        self.commit();
        if self.active.is_none() {
            self.take_over(now, out);
        }
        self.held.release(self.raft.high_watermark(), out);
        self.answer_fetches(now, out);
        self.exit_if_relieved(now, out);
    }

    /// Follows the high watermark; the active controller's own image is there already.
    fn commit(&mut self) {
        let mark = self.raft.high_watermark();
        if mark == self.committed.offset {
            return;
        }
        if self.committed.offset < self.raft.log().start() {
            self.committed = Arc::clone(self.raft.log().snapshot());
        }
        match self.active.is_some() && self.office.image().offset == mark {
            true => self.committed = Arc::clone(self.office.image()),
            false => {
                let image = Arc::make_mut(&mut self.committed);
                self.raft.log().range(image.offset, mark).iter().for_each(|entry| image.replay(&entry.record));
            }
        }
        if mark - self.raft.log().start() > RECORDS_BETWEEN_SNAPSHOTS {
            self.raft.compact(Arc::clone(&self.committed));
        }
    }

    /// Elected, and all that former leaders left is committed: this is the active controller now.
    fn take_over(&mut self, now: SimTime, out: &mut Outbox) {
        let Some(leadership) = self.raft.leadership().filter(|leadership| leadership.start < self.committed.offset) else { return };
        let (me, epoch) = (self.id(), self.raft.epoch());
        let granted: Vec<String> = leadership.granted.iter().map(i32::to_string).collect();
        let granted = granted.join(", ");
        let (kind, text, rule) = match self.is_ensemble() {
            true => (
                EventKind::ZooKeeper,
                format!("Server {me} of ZooKeeper leads the ensemble now, in epoch {epoch}, with the votes of {granted}."),
                "A majority of the servers elects the one that has seen most; every session begins again in full",
            ),
            false => (
                EventKind::ControllerElected,
                format!("Controller {me} is the active controller now, elected in epoch {epoch} with the votes of {granted}."),
                "The leader of the quorum is the active controller; a majority of the voters elects it (KRaft)",
            ),
        };
        out.note(kind, me.to_string(), text, rule.to_owned(), Vec::new());
        self.active = Some(epoch);
        self.office.take_over(now, Arc::clone(&self.committed));
    }

    fn stand_down(&mut self, out: &mut Outbox) {
        if let Some(epoch) = self.active.take() {
            self.keep_untold(epoch);
        }
        self.office.stand_down();
        let (me, leader) = (self.id(), self.raft.leader());
        let (why, rule) = match leader {
            _ if self.is_ensemble() => {
                let text = format!(
                    "Server {me} of ZooKeeper leads the ensemble no longer. Without a leader no session ends and no znode changes."
                );
                let rule = "A leader needs a majority that hears it: syncLimit × tickTime = 4 s".to_owned();
                out.note(EventKind::ZooKeeper, me.to_string(), text, rule, Vec::new());
                return self.held.clear();
            }
            Some(leader) => {
                (format!("controller {leader} leads in epoch {}", self.raft.epoch()), "A newer epoch has another leader (KRaft)".to_owned())
            }
            None => (
                "it no longer hears from a majority of the voters".to_owned(),
                "1.5 × controller.quorum.fetch.timeout.ms without fetches of a majority (KIP-595)".to_owned(),
            ),
        };
        let text = format!("Controller {me} is the active controller no longer: {why}.");
        out.note(EventKind::ControllerResigned, me.to_string(), text, rule, Vec::new());
        self.held.refuse(leader, out);
    }

    /// Answers brokers that have something to get, or waited long enough.
    fn answer_fetches(&mut self, now: SimTime, out: &mut Outbox) {
        let offset = self.committed.offset;
        let leads = self.serves();
        let ready = |fetch: &BrokerFetch| !leads || fetch.offset < offset || fetch.until <= now;
        if !self.fetches.iter().any(ready) {
            return;
        }
        let (ready, waiting) = std::mem::take(&mut self.fetches).into_iter().partition(ready);
        self.fetches = waiting;
        for BrokerFetch { from, id, offset, .. } in ready {
            let response = match leads {
                true => Response::FetchMetadata { image: Arc::clone(&self.committed), changed: self.changed_since(offset) },
                false => Response::NotController(self.raft.leader().filter(|_| !self.is_ensemble())),
            };
            out.respond(from, id, response);
        }
    }

    fn changed_since(&self, offset: u64) -> Arc<[TopicPartition]> {
        let log = self.raft.log();
        if offset < log.start() {
            return self.committed.every_partition().collect();
        }
        let mut changed = SortedSet::new();
        for entry in log.range(offset, self.committed.offset) {
            match entry.record {
                MetadataRecord::Partition { id, .. } => {
                    changed.insert(id);
                }
                MetadataRecord::TopicConfig { id, .. } | MetadataRecord::RemoveTopic(id) => {
                    changed.extend(self.committed.partitions_of(id));
                }
                _ => {}
            }
        }
        changed[..].into()
    }
}

impl Node for Voter {
    fn handle(&mut self, now: SimTime, from: NodeId, message: Message, out: &mut Outbox) {
        match (from, message) {
            (NodeId::Controller(peer), Message::Request(id, Request::Quorum(request))) => self.raft.handle(now, peer, id, &request, out),
            (NodeId::Controller(peer), Message::Response(id, Response::Quorum(answer))) => self.raft.answered(now, peer, id, &answer),
            (NodeId::Controller(peer), Message::Closed) => self.raft.closed(now, peer),
            (NodeId::Controller(_), Message::Response(_, Response::Relayed(answer))) => {
                let (broker, id, response) = *answer;
                out.respond(broker, id, response);
            }
            (_, Message::Request(id, request)) => self.asked(now, from, id, request, out),
            (_, Message::Closed) => self.fetches.retain(|fetch| fetch.from != from),
            (_, Message::Response(..)) => {}
        }
        self.settle(now, out);
    }

    fn next_timeout(&self) -> SimTime {
        if !self.up {
            return SimTime::MAX;
        }
        let fetches = self.fetches.iter().map(|fetch| fetch.until).min().unwrap_or(SimTime::MAX);
        let controller = self.active.map_or(SimTime::MAX, |_| self.office.next_timeout());
        let stopping = self.stopping.map_or(SimTime::MAX, |stopping| stopping.until);
        self.raft.next_timeout().min(fetches).min(controller).min(stopping)
    }

    fn handle_timeout(&mut self, now: SimTime, out: &mut Outbox) {
        self.raft.poll(now, out);
        if self.active == Some(self.raft.epoch()) && self.raft.leadership().is_some() && self.office.next_timeout() <= now {
            self.decide(now, out, |office, out| office.node().handle_timeout(now, out));
        }
        self.settle(now, out);
    }
}
