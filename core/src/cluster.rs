//! The world: the loop, and the only owner of queue, network and participants.
//!
//! A cluster is a value; cloning it is a snapshot. It changes by [`run_until`](Cluster::run_until), which takes the earliest event
//! again and again, and by [`apply`](Cluster::apply), which does what the user asked at this instant.

pub mod digest;
pub mod disk;
pub mod inspect;
pub mod invariant;
pub mod queue;
pub mod referee;

use crate::broker::Broker;
use crate::client::consumer::Consumer;
use crate::client::producer::Producer;
use crate::client::workload::Workload;
use crate::command::{Command, CommandError};
use crate::controller::Controller;
use crate::ids::{BrokerId, ClientId, EventId, NodeId, TopicPartition};
use crate::network::Network;
use crate::node::{Fact, Node, Outbox};
use crate::protocol::{CreateTopicRequest, Envelope, Message, Request, Response};
use crate::rng::{Seed, SimRng};
use crate::scenario::{Placement, Scenario, TopicSpec};
use crate::sorted::SortedMap;
use crate::time::SimTime;
use crate::trace::{EventKind, TraceEvent};
use crate::view::{EventView, HopKind, HopView, Place};
use queue::{Event, EventQueue};
use referee::Referee;
use std::sync::Arc;

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
    controller: Controller,
    /// By id.
    brokers: Vec<Broker>,
    broker_ids: Arc<[BrokerId]>,
    producers: Vec<Producer>,
    consumers: Vec<Consumer>,
    /// The group of each consumer, in the order of the scenario.
    group_of: Vec<u32>,
    /// How often each broker has crashed, in the order of `brokers`.
    crashes: Vec<u32>,
    /// Some events of this instant were processed, others may be left.
    mid_instant: bool,
    /// The next wake of each participant; later ones in the queue are stale.
    wakes: Vec<SimTime>,
    spins: u32,
    next_timeline: u32,
    referee: Referee,
    events: Vec<EventView>,
    /// The newest election of each partition, for the cause of what it lost.
    elections: SortedMap<String, EventId>,
    /// The action that took each broker down.
    downs: SortedMap<BrokerId, EventId>,
    outbox: Outbox,
    hops: Hops,
}

/// Arrivals kept for the picture; not part of the state.
#[derive(Clone, Debug, Default)]
struct Hops {
    capacity: Option<u32>,
    kept: Vec<HopView>,
    total: u64,
}

impl Cluster {
    /// A cluster that has just been set up as the scenario says: brokers trusted, topics created, clients about to start.
    pub fn new(scenario: &Scenario) -> Self {
        let scenario = Arc::new(scenario.clone());
        let seed = Seed(scenario.seed);
        let config = Arc::new(scenario.cluster.config.clone());
        let rng = |node: NodeId| SimRng::new(seed, node.stream());
        let broker_ids: Arc<[BrokerId]> = scenario.cluster.brokers.clone().into();
        let racks = &scenario.cluster.racks;
        let rack = |id: &BrokerId| racks.get(id).map(|rack| Arc::from(rack.as_str()));
        let brokers = broker_ids.iter().map(|id| Broker::new(*id, rack(id), Arc::clone(&config), rng(NodeId::Broker(*id)))).collect();
        let mut cluster = Cluster {
            now: SimTime::ZERO,
            steps: 0,
            queue: EventQueue::default(),
            network: Network::new(scenario.network, seed, 0),
            controller: Controller::new(config, rng(NodeId::Controller)),
            brokers,
            broker_ids,
            producers: Vec::new(),
            consumers: Vec::new(),
            group_of: Vec::new(),
            crashes: vec![0; scenario.cluster.brokers.len()],
            mid_instant: false,
            wakes: Vec::new(),
            spins: 0,
            next_timeline: 0,
            referee: Referee::new(scenario.groups.len() as u32),
            events: Vec::new(),
            elections: SortedMap::new(),
            downs: SortedMap::new(),
            outbox: Outbox::default(),
            hops: Hops::default(),
            scenario,
        };
        cluster.set_up_clients(seed);
        cluster.set_up_metadata();
        cluster
    }

    fn set_up_clients(&mut self, seed: Seed) {
        let scenario = Arc::clone(&self.scenario);
        for spec in &scenario.producers {
            let shared = Arc::new(spec.clone());
            let config = Arc::new(spec.config.clone());
            for (member, name) in spec.members.iter().enumerate() {
                let id = ClientId(self.producers.len() as u32);
                let rng = |purpose: u64| SimRng::new(seed, NodeId::Client(id).stream() | purpose << 48);
                let workload = Workload::new(Arc::clone(&shared), member as u32, rng(1));
                let (name, topic) = (Arc::from(name.as_str()), Arc::from(spec.topic.as_str()));
                let bootstrap = Arc::clone(&self.broker_ids);
                self.producers.push(Producer::new(id, name, topic, Arc::clone(&config), workload, bootstrap, rng(0)));
            }
        }
        for (group, spec) in scenario.groups.iter().enumerate() {
            let shared = Arc::new(spec.clone());
            for member in 1..=spec.members {
                let id = ClientId((self.producers.len() + self.consumers.len()) as u32);
                let name = Arc::from(format!("{}-{member}", spec.name));
                self.consumers.push(Consumer::new(id, name, Arc::clone(&shared), Arc::clone(&self.broker_ids)));
                self.group_of.push(group as u32);
            }
        }
        let nodes = 1 + self.brokers.len() + self.producers.len() + self.consumers.len();
        self.network = Network::new(scenario.network, seed, nodes as u32);
        self.wakes = vec![SimTime::MAX; nodes];
    }

    /// Registers the brokers, creates the topics, and lets everybody take the first step.
    fn set_up_metadata(&mut self) {
        let scenario = Arc::clone(&self.scenario);
        let mut out = std::mem::take(&mut self.outbox);
        let epochs: Vec<_> = self.brokers.iter().map(|b| self.controller.admit(b.id, b.rack().map(Arc::from))).collect();
        for topic in &scenario.topics {
            self.create_topic(topic, &mut out);
        }
        self.flush(0, &mut out);
        let image = Arc::clone(self.controller.image());
        for (i, epoch) in epochs.into_iter().enumerate() {
            self.brokers[i].begin(epoch, &image, &mut out);
            self.flush(1 + i as u32, &mut out);
        }
        let first_client = 1 + self.brokers.len() as u32;
        for i in 0..self.producers.len() {
            self.producers[i].begin(SimTime::ZERO, &mut out);
            self.flush(first_client + i as u32, &mut out);
        }
        let first_consumer = first_client + self.producers.len() as u32;
        for i in 0..self.consumers.len() {
            self.consumers[i].begin(SimTime::ZERO, &mut out);
            self.flush(first_consumer + i as u32, &mut out);
        }
        self.outbox = out;
    }

    fn create_topic(&mut self, topic: &TopicSpec, out: &mut Outbox) {
        let (partitions, replication_factor, manual) = match &topic.placement {
            Placement::Striped { partitions, replication_factor } => (*partitions, *replication_factor, None),
            Placement::Manual(assignment) => (assignment.len() as u32, assignment[0].len() as u32, Some(&assignment[..])),
        };
        let name = Arc::from(topic.name.as_str());
        let request = CreateTopicRequest { name, internal: false, partitions, replication_factor, config: topic.config.clone() };
        let created = self.controller.create_topic(&request, manual, out);
        created.expect("a checked scenario has topics the controller accepts");
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

    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    pub fn brokers(&self) -> &[Broker] {
        &self.brokers
    }

    pub fn broker(&self, id: BrokerId) -> Option<&Broker> {
        let place = self.broker_ids.binary_search(&id).ok()?;
        self.brokers.get(place)
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
        let timeline = self.scenario.timeline.get(self.next_timeline as usize).map(|entry| entry.at);
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
            let entry = self.scenario.timeline.get(self.next_timeline as usize).filter(|entry| entry.at <= until);
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
        if self.mid_instant {
            self.run_until(SimTime(self.now.micros() + 1));
        }
    }

    fn run_timeline(&mut self) {
        let entry = self.scenario.timeline[self.next_timeline as usize].clone();
        self.next_timeline += 1;
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
        let Some((at, event)) = self.queue.pop() else { return };
        self.spins = if at > self.now { 0 } else { self.spins };
        self.now = at;
        self.mid_instant = true;
        self.steps += 1;
        match event {
            Event::Deliver(envelope) => self.deliver(envelope),
            Event::Wake(node) => self.wake(node),
        }
    }

    fn deliver(&mut self, envelope: Envelope) {
        let Some(node) = self.number(envelope.to) else { return };
        let closed = matches!(envelope.message, Message::Closed);
        if let NodeId::Broker(id) = envelope.to {
            if !closed && envelope.connection < self.crashes_of(envelope.to) {
                // It was meant for a process that is gone; its sender is being told that the connection closed.
                return;
            }
            let refused = envelope.from != NodeId::Controller && !self.broker(id).is_some_and(Broker::listens);
            if self.is_down(id) || (refused && matches!(envelope.message, Message::Request(..))) {
                if !closed {
                    self.send(node, envelope.to, envelope.from, Message::Closed);
                }
                return;
            }
        }
        if closed {
            self.network.reconnect(node, envelope.to, envelope.from, self.crashes_of(envelope.from));
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
        self.spins += 1;
        assert!(self.spins < SPIN_LIMIT, "participant {node} wakes without end at {}", self.now);
        let now = self.now;
        let mut out = std::mem::take(&mut self.outbox);
        if let Some(participant) = self.participant(node).filter(|participant| participant.next_timeout() <= now) {
            participant.handle_timeout(now, &mut out);
        }
        self.flush(node, &mut out);
        self.outbox = out;
    }

    /// Carries out what a participant asked for, and notes when it wants to be woken.
    fn flush(&mut self, node: u32, out: &mut Outbox) {
        let from = self.node_id(node);
        for (to, message) in out.sends.drain(..) {
            self.send(node, from, to, message);
        }
        for fact in out.facts.drain(..) {
            self.judge(fact, &mut out.next_event);
        }
        for event in out.events.drain(..) {
            self.push_event(event);
        }
        let next = self.participant(node).map_or(SimTime::MAX, |participant| participant.next_timeout()).max(self.now);
        if next < self.wakes[node as usize] {
            self.wakes[node as usize] = next;
            self.queue.push(next, Event::Wake(node));
        }
    }

    fn send(&mut self, node: u32, from: NodeId, to: NodeId, message: Message) {
        let (arrival, connection) = self.network.send(self.now, node, from, to);
        let envelope = Envelope { from, to, sent_at: self.now, connection, message };
        self.queue.push(arrival, Event::Deliver(envelope));
    }

    /// Tells the referee; what it finds becomes an event.
    fn judge(&mut self, fact: Fact, next_event: &mut u64) {
        match fact {
            Fact::Sent { .. } => self.referee.sent += 1,
            Fact::Acked { partition, base, records, epoch, .. } => self.referee.acked(partition, base, records, epoch),
            Fact::AckedBlindly { records, .. } => self.referee.acked += u64::from(records),
            Fact::Failed { records, .. } => self.referee.failed += u64::from(records),
            Fact::Delivered { client, partition, batch, from, to } => {
                let consumer = client.0 as usize - self.producers.len();
                self.referee.delivered(self.group_of[consumer], partition, &batch, from, to);
            }
            Fact::LeaderStarted { partition, .. } => self.judge_leader(partition, next_event),
        }
    }

    fn judge_leader(&mut self, id: TopicPartition, next_event: &mut u64) {
        let name = self.controller.image().name_of(id);
        let Some(leader) = self.controller.image().partition(id).and_then(|partition| partition.leader) else { return };
        let because = self.elections.get(&name).copied();
        let brokers = &self.brokers;
        let Some(replica) = brokers.iter().find(|broker| broker.id == leader).and_then(|broker| broker.replicas().get(&id)) else { return };
        let disks = || brokers.iter().filter_map(|broker| Some((broker.id, &broker.replicas().get(&id)?.log))).collect();
        let Some((count, first, last)) = self.referee.leader_started(id, &replica.log, disks, because) else { return };
        let event = EventId(*next_event);
        *next_event += 1;
        let range = if first == last { format!("{name}@{first}") } else { format!("{name}@{first}…{last}") };
        let records = if count == 1 { "1 acknowledged record is".to_owned() } else { format!("{count} acknowledged records are") };
        self.push_event(TraceEvent {
            id: event,
            kind: EventKind::RecordLost,
            subject: name,
            text: format!("{records} lost: {range}. Broker {leader} leads now and never had them."),
            rule: "What the leader's log does not hold is not in the partition".to_owned(),
            causes: because.into_iter().collect(),
        });
    }

    fn next_event_id(&mut self) -> EventId {
        self.outbox.next_event += 1;
        EventId(self.outbox.next_event - 1)
    }

    fn push_event(&mut self, mut event: TraceEvent) {
        match event.kind {
            EventKind::LeaderElected => {
                self.elections.insert(event.subject.clone(), event.id);
            }
            // The controller only misses heartbeats; we know why they stopped.
            EventKind::BrokerFenced => {
                let down = event.subject.parse().ok().and_then(|id| self.downs.get(&BrokerId(id)));
                event.causes.extend(down);
            }
            _ => {}
        }
        self.events.push(EventView {
            id: event.id.0,
            at_us: self.now.micros(),
            kind: event.kind.name().to_owned(),
            subject: event.subject,
            text: event.text,
            rule: event.rule,
            causes: event.causes.into_iter().map(|cause| cause.0).collect(),
        });
    }

    /// Does what the user asked, at this instant; a refused command changes nothing.
    ///
    /// One step, whether it comes from the user or from the timeline: a recording replays to the same count.
    pub fn apply(&mut self, command: &Command) -> Result<(), CommandError> {
        match *command {
            Command::Kill(id) => {
                let node = self.known(id)?;
                if self.is_down(id) {
                    return Err(CommandError::NotRunning(id));
                }
                self.kill(id, node);
            }
            Command::Start(id) => {
                let node = self.known(id)?;
                if !self.is_down(id) {
                    return Err(CommandError::AlreadyRunning(id));
                }
                self.start(id, node);
            }
        }
        self.steps += 1;
        Ok(())
    }

    fn known(&self, id: BrokerId) -> Result<u32, CommandError> {
        self.number(NodeId::Broker(id)).ok_or_else(|| CommandError::NoSuchBroker { broker: id, known: self.broker_ids.to_vec() })
    }

    fn fault(&mut self, subject: BrokerId, text: String, rule: &str, causes: Vec<EventId>) -> EventId {
        let id = self.next_event_id();
        let kind = EventKind::Fault;
        self.push_event(TraceEvent { id, kind, subject: subject.to_string(), text, rule: rule.to_owned(), causes });
        id
    }

    /// The process ends; the operating system closes its connections.
    fn kill(&mut self, id: BrokerId, node: u32) {
        let text = format!("Broker {id} crashed. Its disk is still there.");
        let event = self.fault(id, text, "kill: the process ends at once, what it wrote stays (page cache kept)", Vec::new());
        self.downs.insert(id, event);
        self.brokers[node as usize - 1].crash();
        self.crashes[node as usize - 1] += 1;
        self.wakes[node as usize] = SimTime::MAX;
        let peers: Vec<NodeId> = (0..self.wakes.len() as u32).filter(|peer| *peer != node).map(|peer| self.node_id(peer)).collect();
        for peer in peers {
            self.send(node, NodeId::Broker(id), peer, Message::Closed);
        }
    }

    fn start(&mut self, id: BrokerId, node: u32) {
        let causes = self.downs.remove(&id).into_iter().collect();
        let text = format!("Broker {id} starts again on its disk.");
        let event = self.fault(id, text, "start: a new process with the log directories it finds", causes);
        for peer in self.broker_ids.iter().map(|peer| NodeId::Broker(*peer)).filter(|peer| *peer != NodeId::Broker(id)) {
            // A new process has no connection left from before.
            let crashes = self.crashes_of(peer);
            self.network.reconnect(node, NodeId::Broker(id), peer, crashes);
        }
        let now = self.now;
        let mut out = std::mem::take(&mut self.outbox);
        self.brokers[node as usize - 1].start(now, Some(event));
        self.flush(node, &mut out);
        self.outbox = out;
    }

    fn crashes_of(&self, id: NodeId) -> u32 {
        match id {
            NodeId::Broker(id) => self.broker_ids.binary_search(&id).map_or(0, |place| self.crashes[place]),
            _ => 0,
        }
    }

    fn is_down(&self, id: BrokerId) -> bool {
        self.broker(id).is_some_and(|broker| broker.phase() == crate::broker::Phase::Down)
    }

    /// Dense number of a participant: controller, brokers, producers, consumers.
    fn number(&self, id: NodeId) -> Option<u32> {
        match id {
            NodeId::Controller => Some(0),
            NodeId::Broker(id) => self.broker_ids.binary_search(&id).ok().map(|place| 1 + place as u32),
            NodeId::Client(ClientId(client)) => Some(1 + self.brokers.len() as u32 + client),
        }
    }

    fn node_id(&self, number: u32) -> NodeId {
        let brokers = self.brokers.len() as u32;
        match number {
            0 => NodeId::Controller,
            n if n <= brokers => NodeId::Broker(self.broker_ids[n as usize - 1]),
            n => NodeId::Client(ClientId(n - 1 - brokers)),
        }
    }

    fn participant(&mut self, number: u32) -> Option<&mut dyn Node> {
        let (brokers, producers) = (self.brokers.len(), self.producers.len());
        let place = number as usize;
        if place == 0 {
            Some(&mut self.controller)
        } else if place <= brokers {
            Some(&mut self.brokers[place - 1])
        } else if place <= brokers + producers {
            Some(&mut self.producers[place - 1 - brokers])
        } else {
            self.consumers.get_mut(place - 1 - brokers - producers).map(|consumer| consumer as &mut dyn Node)
        }
    }

    /// From now on the first `capacity` arrivals between two calls of [`take_hops`](Cluster::take_hops) are kept; `None`: none.
    pub fn set_hop_capacity(&mut self, capacity: Option<u32>) {
        self.hops = Hops { capacity, ..Hops::default() };
    }

    /// Arrivals since the last call, and how many there were in all.
    pub fn take_hops(&mut self) -> (Vec<HopView>, u64) {
        (std::mem::take(&mut self.hops.kept), std::mem::take(&mut self.hops.total))
    }

    /// Notes what a message brings, for the picture.
    fn watch(&mut self, envelope: &Envelope) {
        match &envelope.message {
            Message::Request(_, Request::Produce(request)) => {
                for sent in &request.batches {
                    let end = self.broker_log_end(envelope.to, sent.partition);
                    let key = sent.batch.records().next().and_then(|record| record.key);
                    self.keep_hop(HopKind::Produce, envelope, sent.partition, end, sent.batch.record_count(), key);
                }
            }
            Message::Response(_, Response::Fetch(answer)) => {
                let kind = match envelope.to {
                    NodeId::Broker(_) => HopKind::Replicate,
                    _ => HopKind::Deliver,
                };
                for fetched in answer.iter().filter(|fetched| !fetched.batches.is_empty()) {
                    let records = fetched.batches.iter().map(|batch| batch.batch.record_count()).sum();
                    let first = &fetched.batches[0];
                    let key = first.batch.records().next().and_then(|record| record.key);
                    self.keep_hop(kind, envelope, fetched.partition, Some(first.base_offset.0), records, key);
                }
            }
            Message::Request(_, Request::OffsetCommit(request)) => {
                for (partition, offset, _) in &request.offsets {
                    self.keep_hop(HopKind::Commit, envelope, *partition, Some(offset.0), 0, None);
                }
            }
            _ => {}
        }
    }

    /// Where the records of a produce request will lie if this broker leads; known before it is handled.
    fn broker_log_end(&self, to: NodeId, partition: TopicPartition) -> Option<u64> {
        let NodeId::Broker(id) = to else { return None };
        let replica = self.broker(id)?.replicas().get(&partition)?;
        replica.leadership().map(|_| replica.log.log_end().0)
    }

    fn keep_hop(&mut self, kind: HopKind, envelope: &Envelope, id: TopicPartition, offset: Option<u64>, records: u32, key: Option<&[u8]>) {
        self.hops.total += 1;
        if self.hops.kept.len() as u32 >= self.hops.capacity.unwrap_or(0) {
            return;
        }
        let topic = self.controller.image().topic(id.topic).map(|topic| topic.name.to_string()).unwrap_or_default();
        self.hops.kept.push(HopView {
            kind,
            from: self.place(envelope.from),
            to: self.place(envelope.to),
            departed_us: envelope.sent_at.micros(),
            arrived_us: self.now.micros(),
            topic,
            partition: id.partition,
            offset,
            records,
            key: key.map(|key| String::from_utf8_lossy(key).into_owned()),
        });
    }

    fn place(&self, id: NodeId) -> Place {
        match id {
            NodeId::Controller => Place::Nowhere,
            NodeId::Broker(id) => Place::Broker(id.0),
            NodeId::Client(ClientId(client)) => {
                let producers = self.producers.len() as u32;
                let name = match client < producers {
                    true => &self.producers[client as usize].name,
                    false => &self.consumers[(client - producers) as usize].name,
                };
                Place::Client(name.to_string())
            }
        }
    }

    pub(crate) fn queue(&self) -> &EventQueue {
        &self.queue
    }
}
