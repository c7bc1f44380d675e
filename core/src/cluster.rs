//! The world: the loop, and the only owner of queue, network and participants.
//!
//! A cluster is a value; cloning it is a snapshot. It changes by [`run_until`](Cluster::run_until), which takes the earliest event
//! again and again, and by [`apply`](Cluster::apply), which does what the user asked at this instant.

mod acting;
mod asking;
mod causes;
pub mod choosing;
pub mod copying;
pub mod digest;
pub mod disk;
pub mod history;
mod hops;
mod host;
pub mod inspect;
pub mod invariant;
mod judging;
mod loss;
mod numbering;
pub mod offsets;
pub mod queue;
pub mod referee;
pub mod series;
mod witness;
mod wrongs;

use crate::broker::Broker;
use crate::client::consumer::Consumer;
use crate::client::producer::Producer;
use crate::client::workload::Workload;
use crate::command::Command;
use crate::controller::Controller;
use crate::ids::{BrokerId, ClientId, EventId, FIRST_CONTROLLER, NodeId, TopicPartition};
use crate::network::{Fate, Network};
use crate::node::Outbox;
use crate::protocol::{CreateTopicRequest, Envelope, Message, Response};
use crate::quorum::voter::Voter;
use crate::rng::{Seed, SimRng};
use crate::scenario::{Placement, Scenario, TimelineEntry, TopicSpec};
use crate::sorted::SortedMap;
use crate::time::SimTime;
use crate::trace::{EventKind, TraceEvent};
use crate::view::EventView;
use history::History;
use hops::Hops;
use host::Host;
use numbering::{Seat, Seats};
use queue::{Due, EventQueue};
use referee::Referee;
use series::Series;
use std::sync::Arc;
use witness::{Said, Witness};
use wrongs::Refusal;

/// Names the behaviour: raised whenever the same file and seed would give another run.
pub const ENGINE_VERSION: u32 = 1;

/// More wakes than this at one instant mean that a participant waits for something that cannot come.
const SPIN_LIMIT: u32 = 100_000;

#[derive(Clone, Debug)]
pub struct Cluster {
    scenario: Arc<Scenario>,
    now: SimTime,
    steps: u64,
    queue: EventQueue,
    network: Network,
    /// The voters of the quorum, by id.
    controllers: Vec<Voter>,
    /// By id, and those that came later behind them.
    brokers: Vec<Broker>,
    seats: Seats,
    producers: Vec<Producer>,
    consumers: Vec<Consumer>,
    /// The group of each consumer, in the order of the scenario.
    group_of: Vec<u32>,
    /// The processes, by dense number.
    hosts: Vec<Host>,
    /// Some events of this instant were processed, others may be left.
    mid_instant: bool,
    /// The next wake of each participant; later ones in the queue are stale.
    wakes: Vec<SimTime>,
    spins: u32,
    /// The recording it follows, and how many of its entries are done.
    timeline: Arc<Vec<TimelineEntry>>,
    next_timeline: u32,
    referee: Referee,
    events: Vec<EventView>,
    /// The newest election of each partition, for the cause of what it lost.
    elections: SortedMap<String, EventId>,
    /// The newest change of each partition's ISR that a leader asked for, and the newest rebalance of each group, for the same reason.
    shrinks: SortedMap<String, EventId>,
    rebalances: SortedMap<String, EventId>,
    /// When old records of each partition went last.
    deletions: SortedMap<String, EventId>,
    /// What a producer was told last of a batch that it may send again; nothing but an event when a new process sends it.
    refusals: SortedMap<ClientId, Refusal>,
    /// What has been told of each thing that went wrong, so that one cause is told once.
    told: SortedMap<(EventKind, u32, TopicPartition), Vec<EventId>>,
    /// The controller that was elected last, and the event by which it left office.
    last_elected: (i32, Option<EventId>),
    /// Faults that go on until they are ended, for showing only.
    troubles: Vec<Command>,
    outbox: Outbox,
    hops: Hops,
    history: History,
    series: Series,
    /// For an auditor; `None` unless somebody audits.
    witness: Option<Box<Witness>>,
}

impl Cluster {
    /// A cluster that has just been set up as the scenario says: brokers trusted, topics created, clients about to start.
    pub fn new(scenario: &Scenario) -> Self {
        let scenario = Arc::new(scenario.clone());
        let seed = Seed(scenario.seed);
        let config = Arc::new(scenario.cluster.config.clone());
        let rng = |node: NodeId| SimRng::new(seed, node.stream());
        let broker_ids = &scenario.cluster.brokers;
        let racks = &scenario.cluster.racks;
        let rack = |id: &BrokerId| racks.get(id).map(|rack| Arc::from(rack.as_str()));
        let voters: Arc<[i32]> = (FIRST_CONTROLLER..).take(scenario.cluster.controllers as usize).collect();
        let broker = |id: &BrokerId| Broker::new(*id, rack(id), Arc::clone(&voters), Arc::clone(&config), rng(NodeId::Broker(*id)));
        let brokers: Vec<Broker> = broker_ids.iter().map(broker).collect();
        let voter = |id: &i32| Voter::new(*id, Arc::clone(&voters), Arc::clone(&config), rng(NodeId::Controller(*id)));
        let controllers: Vec<Voter> = voters.iter().map(voter).collect();
        let first = broker_ids.first().map_or(-1, |first| first.0);
        let mut cluster = Cluster {
            now: SimTime::ZERO,
            steps: 0,
            queue: EventQueue::default(),
            network: Network::new(scenario.network, seed, 0),
            controllers,
            brokers,
            seats: Seats::default(),
            producers: Vec::new(),
            consumers: Vec::new(),
            group_of: Vec::new(),
            hosts: Vec::new(),
            mid_instant: false,
            wakes: Vec::new(),
            spins: 0,
            timeline: Arc::new(scenario.timeline.clone()),
            next_timeline: 0,
            referee: Referee::new(scenario.groups.len() as u32),
            events: Vec::new(),
            elections: SortedMap::new(),
            shrinks: SortedMap::new(),
            deletions: SortedMap::new(),
            rebalances: SortedMap::new(),
            refusals: SortedMap::new(),
            told: SortedMap::new(),
            last_elected: (if scenario.cluster.config.zookeeper() { first } else { FIRST_CONTROLLER }, None),
            troubles: Vec::new(),
            outbox: Outbox::default(),
            hops: Hops::default(),
            history: History::default(),
            series: Series::default(),
            witness: None,
            scenario,
        };
        cluster.set_up_clients(seed);
        cluster.set_up_metadata();
        cluster
    }

    /// Another cluster, watched as this one is.
    pub fn anew(&self, scenario: &Scenario) -> Self {
        let mut cluster = Cluster::new(scenario);
        cluster.set_hop_capacity(self.hops.capacity);
        cluster
    }

    fn set_up_clients(&mut self, seed: Seed) {
        let scenario = Arc::clone(&self.scenario);
        let all: Arc<[BrokerId]> = scenario.cluster.brokers.clone().into();
        (0..self.controllers.len()).for_each(|place| self.seats.controller(place));
        (0..self.brokers.len()).for_each(|place| {
            self.seats.broker(self.brokers[place].id, place);
        });
        let bootstrap = |named: &[BrokerId]| if named.is_empty() { Arc::clone(&all) } else { Arc::from(named) };
        for spec in &scenario.producers {
            let shared = Arc::new(spec.clone());
            let config = Arc::new(spec.config.clone());
            for (member, name) in spec.members.iter().enumerate() {
                let id = self.seats.next_client();
                self.seats.client(Seat::Producer(id.0));
                let rng = |purpose: u64| SimRng::new(seed, NodeId::Client(id).stream() | purpose << 48);
                let workload = Workload::new(Arc::clone(&shared), member as u32, rng(1));
                let (name, topic) = (Arc::from(name.as_str()), Arc::from(spec.topic.as_str()));
                let bootstrap = bootstrap(&spec.bootstrap);
                self.producers.push(Producer::new(id, name, topic, Arc::clone(&config), workload, bootstrap, rng(0)));
            }
        }
        for (group, spec) in scenario.groups.iter().enumerate() {
            let shared = Arc::new(spec.clone());
            for member in 1..=spec.members {
                let id = self.seats.next_client();
                self.seats.client(Seat::Consumer(self.consumers.len() as u32));
                let name = Arc::from(format!("{}-{member}", spec.name));
                self.consumers.push(Consumer::new(id, name, Arc::clone(&shared), bootstrap(&spec.bootstrap)));
                self.group_of.push(group as u32);
            }
        }
        let nodes = self.seats.len() as usize;
        self.network = Network::new(scenario.network, seed, nodes as u32);
        self.history = History::of(scenario.groups.len(), self.consumers.len());
        self.wakes = vec![SimTime::MAX; nodes];
        self.hosts = vec![Host::default(); nodes];
    }

    /// Registers the brokers, creates the topics, and lets everybody take the first step.
    fn set_up_metadata(&mut self) {
        let scenario = Arc::clone(&self.scenario);
        let mut out = std::mem::take(&mut self.outbox);
        let config = Arc::new(scenario.cluster.config.clone());
        let zookeeper = config.zookeeper();
        let mut founder = Controller::new(config, SimRng::new(Seed(scenario.seed), NodeId::Controller(FIRST_CONTROLLER).stream()));
        let epochs: Vec<_> = self.brokers.iter().map(|b| founder.admit(b.id, b.rack().map(Arc::from))).collect();
        if zookeeper {
            founder.claim(self.brokers[0].id);
        }
        for topic in &scenario.topics {
            create_topic(&mut founder, topic, &mut out);
        }
        founder.take_records();
        let image = Arc::clone(founder.image());
        match zookeeper {
            true => self.brokers[0].adopt(founder),
            false => self.controllers[0].adopt(founder),
        }
        for i in 0..self.controllers.len() {
            self.controllers[i].begin(FIRST_CONTROLLER, Arc::clone(&image), &mut out);
            self.flush(i as u32, &mut out);
        }
        let first_broker = self.controllers.len() as u32;
        for (i, epoch) in epochs.into_iter().enumerate() {
            self.brokers[i].begin(epoch, &image, &mut out);
            self.flush(first_broker + i as u32, &mut out);
        }
        let first_client = first_broker + self.brokers.len() as u32;
        for i in 0..self.producers.len() {
            self.producers[i].begin(SimTime::ZERO, &mut out);
            self.flush(first_client + i as u32, &mut out);
        }
        let first_consumer = first_client + self.producers.len() as u32;
        for i in 0..self.consumers.len() {
            let (group, first) = (self.group_of[i], self.group_of.partition_point(|group| *group < self.group_of[i]));
            let at = scenario.groups[group as usize].starts((i - first) as u32 + 1);
            self.consumers[i].begin_at(at, &mut out);
            self.flush(first_consumer + i as u32, &mut out);
        }
        self.outbox = out;
    }

    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Events processed so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Decisions and faults so far, oldest first.
    pub fn events(&self) -> &[EventView] {
        &self.events
    }

    pub fn referee(&self) -> &Referee {
        &self.referee
    }

    /// The controller that knows most of what is committed: as a rule the active one.
    pub fn controller(&self) -> &Voter {
        let known = |voter: &&Voter| (voter.image().offset, voter.active(), std::cmp::Reverse(voter.id()));
        self.controllers.iter().max_by_key(known).expect("a quorum has voters")
    }

    /// All voters of the quorum, by id.
    pub fn controllers(&self) -> &[Voter] {
        &self.controllers
    }

    /// Whoever believes to be the active controller, in the newest epoch if more than one does.
    pub fn active_controller(&self) -> Option<&Voter> {
        self.controllers.iter().filter(|voter| voter.active().is_some()).max_by_key(|voter| voter.active())
    }

    /// The participant that decides as the controller: a voter of the quorum, or with ZooKeeper a broker; and its epoch.
    pub fn deciding_node(&self) -> Option<(NodeId, i32)> {
        match self.scenario.cluster.config.zookeeper() {
            true => {
                let terms = self.brokers.iter().filter_map(|broker| Some((broker.id, broker.controls()?)));
                terms.max_by_key(|(_, epoch)| *epoch).map(|(broker, epoch)| (NodeId::Broker(broker), epoch))
            }
            false => self.active_controller().and_then(|voter| Some((NodeId::Controller(voter.id()), voter.active()?))),
        }
    }

    pub fn brokers(&self) -> &[Broker] {
        &self.brokers
    }

    pub fn producers(&self) -> &[Producer] {
        &self.producers
    }

    pub fn consumers(&self) -> &[Consumer] {
        &self.consumers
    }

    /// Index of a consumer's group in the scenario.
    pub fn group_of(&self, consumer: u32) -> u32 {
        self.group_of[consumer as usize]
    }

    /// When the next thing happens by itself.
    pub fn next_time(&self) -> Option<SimTime> {
        let timeline = self.timeline.get(self.next_timeline as usize).map(|entry| entry.at);
        match (self.queue.next_time(), timeline) {
            (Some(event), Some(timeline)) => Some(event.min(timeline)),
            (event, timeline) => event.or(timeline),
        }
    }

    /// Processes everything before `until`, then stands there. What the timeline does at that instant is done; what happens by itself
    /// at that instant is not yet. So a scenario and a time name one state, and an action of the user at that time fits in between.
    pub fn run_until(&mut self, until: SimTime) {
        while !self.run_some(until, u64::MAX) {}
    }

    /// As [`run_until`](Cluster::run_until), at most `max_events` of it; true when done.
    pub fn run_some(&mut self, until: SimTime, max_events: u64) -> bool {
        for _ in 0..max_events {
            let event = self.queue.next_time().filter(|at| *at < until);
            let entry = self.timeline.get(self.next_timeline as usize).filter(|entry| entry.at <= until);
            match (event, entry) {
                (Some(at), Some(entry)) if entry.at > at => self.step(),
                (_, Some(_)) => self.run_timeline(),
                (Some(_), None) => self.step(),
                (None, None) => {
                    self.mid_instant &= self.now == until;
                    self.now = self.now.max(until);
                    return true;
                }
            }
        }
        false
    }

    /// After a run that was cut short: finishes the current instant, so that the user's next action has a place of its own.
    pub fn settle(&mut self) {
        self.run_until(SimTime(self.now.micros() + u64::from(self.mid_instant)));
    }

    fn run_timeline(&mut self) {
        let entry = self.timeline[self.next_timeline as usize].clone();
        self.next_timeline += 1;
        // Nothing has happened by itself yet in an instant that an entry begins.
        self.mid_instant &= entry.at <= self.now;
        self.now = self.now.max(entry.at);
        if let Err(error) = self.apply(&entry.command) {
            self.steps += 1;
            let id = self.next_event_id();
            self.push_event(TraceEvent {
                id,
                kind: EventKind::Fault,
                subject: "timeline".to_owned(),
                text: format!("`{}` changed nothing. {error}", entry.command),
                rule: "The timeline of the scenario".to_owned(),
                causes: Vec::new(),
            });
        }
    }

    /// Takes the earliest event.
    fn step(&mut self) {
        let Some((at, due)) = self.queue.pop() else { return };
        if at >= self.series.due {
            self.look(at);
        }
        self.spins = if at > self.now { 0 } else { self.spins };
        self.now = at;
        self.mid_instant = true;
        self.steps += 1;
        match due {
            Due::Deliver { slot } => {
                let envelope = self.queue.take(slot);
                self.deliver(envelope);
            }
            Due::Wake { node } => self.wake(node),
        }
    }

    fn deliver(&mut self, envelope: Envelope) {
        let Some(node) = self.number(envelope.to) else { return };
        let closed = matches!(envelope.message, Message::Closed);
        let host = &mut self.hosts[node as usize];
        let (down, stale) = (host.down, envelope.connection < host.crashes);
        if host.paused || down || stale {
            host.misses(&envelope, self.now);
        }
        if host.paused {
            // The system takes it in; the process reads it when it goes on.
            host.inbox.push(envelope);
            return;
        }
        if stale && !closed {
            // It was meant for a process that is gone; its sender is being told that the connection closed.
            let because = host.last;
            return self.nobody_takes(node, envelope.from, &envelope.message, false, because);
        }
        // A broker takes requests once the controller knows it.
        let listens = |cluster: &Self| cluster.broker_place(node).is_none_or(|place| cluster.brokers[place].listens());
        let from_outside = matches!(envelope.message, Message::Request(..)) && !matches!(envelope.from, NodeId::Controller(_));
        if down || (from_outside && !listens(self)) {
            let because = self.hosts[node as usize].last;
            self.nobody_takes(node, envelope.from, &envelope.message, false, because);
            if !closed && let Some(peer) = self.number(envelope.from) {
                // The system refuses for a process that may not have heard of the asker's last crash.
                self.network.reconnect((node, envelope.to), (peer, envelope.from), self.hosts[peer as usize].crashes);
                self.send(node, envelope.to, envelope.from, Message::Closed);
            }
            return;
        }
        if closed {
            let Some(peer) = self.number(envelope.from) else { return };
            let crashes = self.hosts[peer as usize].crashes;
            self.network.reconnect((node, envelope.to), (peer, envelope.from), crashes);
            if stale {
                return;
            }
        }
        if self.hops.capacity.is_some() {
            self.watch(&envelope);
        }
        let now = self.now;
        let mut out = std::mem::take(&mut self.outbox);
        if let Some(participant) = self.participant(node) {
            participant.handle(now, envelope.from, envelope.message, &mut out);
        }
        self.flush(node, &mut out);
        self.outbox = out;
    }

    fn wake(&mut self, node: u32) {
        // An earlier wake took this one's place and asked for those after it; answering both would double them for good.
        if self.wakes[node as usize] != self.now {
            return;
        }
        self.wakes[node as usize] = SimTime::MAX;
        let host = &self.hosts[node as usize];
        if host.paused || host.down {
            return;
        }
        let punctual = host.punctual;
        self.spins += 1;
        assert!(self.spins < SPIN_LIMIT, "participant {node} wakes without end at {}", self.now);
        let now = self.now;
        let mut out = std::mem::take(&mut self.outbox);
        if let Some(participant) = self.participant(node).filter(|participant| punctual || participant.next_timeout() <= now) {
            participant.handle_timeout(now, &mut out);
        }
        self.flush(node, &mut out);
        self.outbox = out;
    }

    /// Carries out what a participant asked for, and notes when it wants to be woken.
    fn flush(&mut self, node: u32, out: &mut Outbox) {
        let from = self.node_id(node);
        if self.witness.is_some() {
            self.bear_witness(node, from, out);
        }
        // What the referee finds is numbered in the same row.
        std::mem::swap(&mut self.outbox.next_event, &mut out.next_event);
        for (to, message) in out.sends.drain(..) {
            let closes = matches!(message, Message::Closed);
            if let Message::Response(_, Response::Produce(results)) = &message {
                results.iter().for_each(|result| self.series.answered(self.now.since(result.arrived)));
            }
            self.send(node, from, to, message);
            if closes && let Some(peer) = self.number(to) {
                // The next connection is to the process that is there now, whether or not the end of the last one was heard of.
                self.network.reconnect((node, from), (peer, to), self.hosts[peer as usize].crashes);
            }
        }
        for fact in out.facts.drain(..) {
            self.judge(node, fact);
        }
        if let Some(consumer) = self.consumer_at(node) {
            self.note_owned(consumer);
        }
        std::mem::swap(&mut self.outbox.next_event, &mut out.next_event);
        for event in out.events.drain(..) {
            self.push_event(event);
        }
        let next = self.participant(node).map_or(SimTime::MAX, |participant| participant.next_timeout()).max(self.now);
        let (wake, host) = (&mut self.wakes[node as usize], &mut self.hosts[node as usize]);
        if next < *wake && !host.down {
            *wake = next;
            self.queue.wake(next, node);
        }
        host.punctual = next == *wake;
    }

    /// Tells the auditor what a participant did.
    #[inline(never)]
    fn bear_witness(&mut self, node: u32, from: NodeId, out: &Outbox) {
        if let Some(witness) = &mut self.witness {
            witness.acted.push(node);
            out.sends.iter().for_each(|(to, message)| witness.sent(from, *to, message));
            witness.said.extend(out.facts.iter().cloned().map(Said::Fact));
        }
    }

    fn send(&mut self, node: u32, from: NodeId, to: NodeId, message: Message) {
        let (fate, connection) = self.network.send(self.now, node, from, to, &message);
        let mut envelope = Envelope { from, to, sent_at: self.now, connection, message };
        let arrival = match fate {
            Fate::Arrives(arrival) => arrival,
            Fate::Reset(arrival) => {
                envelope.message = Message::Closed;
                arrival
            }
            // Nobody waits for a goodbye that cannot be said; the system of a dead process keeps trying to say it.
            Fate::Waits if matches!(envelope.message, Message::Closed) && !self.hosts[node as usize].down => return,
            Fate::Waits => {
                self.waits_blindly(node, &envelope);
                return self.network.hold(node, envelope);
            }
        };
        self.queue.deliver(arrival, envelope);
    }

    fn queue(&self) -> &EventQueue {
        &self.queue
    }
}

fn create_topic(founder: &mut Controller, topic: &TopicSpec, out: &mut Outbox) {
    let (partitions, replication_factor, manual) = match &topic.placement {
        Placement::Striped { partitions, replication_factor } => (*partitions as i32, *replication_factor as i32, None),
        Placement::Manual(assignment) => (-1, -1, Some(&assignment[..])),
    };
    let name = Arc::from(topic.name.as_str());
    let request = CreateTopicRequest { name, internal: false, partitions, replication_factor, config: topic.config.clone() };
    let created = founder.create_topic(&request, manual, None, out);
    created.expect("a checked scenario has topics the controller accepts");
}
