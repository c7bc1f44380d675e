//! A broker: routes what arrives to its parts, keeps the controller's trust, and turns metadata into roles.
//!
//! Its parts: the way to the controller ([`link`]), replicas ([`partition`]), their disk ([`disk`]), following ([`fetcher`]), waiting
//! requests ([`purgatory`]), serving clients ([`serving`]), group coordination ([`coordination`]), and where there is one its session
//! with ZooKeeper ([`zookeeper`]), which may make it the controller.
//! A crash loses the process; logs and the high watermark checkpoint stay.

mod coordination;
mod disk;
mod fetcher;
mod link;
pub mod partition;
pub mod purgatory;
mod replicas;
mod retention;
mod serving;
mod stopping;
mod zookeeper;

use crate::config::BrokerConfig;
use crate::error::ErrorCode;
use crate::group::GroupCoordinator;
use crate::ids::{BrokerEpoch, BrokerId, CorrelationId, EventId, NodeId, Offset, TopicPartition};
use crate::metadata::{LeaderRecoveryState, MetadataImage};
use crate::node::{Fact, Node, Outbox};
use crate::planted::{Bug, planted};
use crate::protocol::{
    AlterPartitionItem, AlterPartitionRequest, AlteredPartition, BrokerHeartbeatRequest, BrokerRegistrationRequest, HeartbeatAnswer,
    IsrChange, Message, Request, Response,
};
use crate::rng::SimRng;
use crate::sorted::{SortedMap, SortedSet};
use crate::time::{SimDuration, SimTime};
use disk::Disk;
use fetcher::Fetcher;
use link::{ANSWER_TIMEOUT, ControllerLink};
use partition::{Replica, Role};
use purgatory::Purgatory;
use replicas::Replicas;
use std::sync::Arc;
use zookeeper::ZooKeeper;

/// `replica.high.watermark.checkpoint.interval.ms`.
const CHECKPOINT_INTERVAL: SimDuration = SimDuration::from_secs(5);

/// First pause after a refused registration; it doubles up to the session timeout (`BrokerLifecycleManager`).
const REGISTRATION_BACKOFF: SimDuration = SimDuration::from_millis(100);

/// `AlterPartitionManager` tries again after so long.
const ISR_RETRY: SimDuration = SimDuration::from_millis(50);

/// Producer ids kept for each registration, so that no two brokers give out the same.
const PRODUCER_IDS: i64 = 1_000_000;

#[derive(Clone, Debug)]
pub struct Broker {
    pub id: BrokerId,
    rack: Option<Arc<str>>,
    config: Arc<BrokerConfig>,
    rng: SimRng,
    lifecycle: Lifecycle,
    link: ControllerLink,
    /// In a cluster that has one.
    zookeeper: Option<Box<ZooKeeper>>,
    image: Arc<MetadataImage>,
    replicas: Replicas,
    disk: Disk,
    /// `replication-offset-checkpoint`: on disk, so it outlives the process.
    checkpoint: SortedMap<TopicPartition, Offset>,
    /// `.kafka_cleanshutdown`, with the broker epoch in it: written by a process that stopped in order, gone when the next one starts.
    clean_shutdown: Option<BrokerEpoch>,
    next_checkpoint: SimTime,
    next_isr_check: SimTime,
    /// When somebody looks for logs whose `flush.ms` is over.
    next_flush: SimTime,
    /// When somebody looks for segments whose time is over.
    next_retention: SimTime,
    /// When the cleaner looks next; it looks at moments when the checkpoint is written.
    next_cleaning: SimTime,
    fetchers: SortedMap<BrokerId, Fetcher>,
    /// None of them has anything to do by itself before; kept, since a large cluster has a hundred of them.
    next_fetch: SimTime,
    purgatory: Purgatory,
    groups: GroupCoordinator,
    /// ISR changes to ask the controller for; one request is under way at a time.
    isr_changes: SortedMap<TopicPartition, AlterPartitionItem>,
    isr_request: Option<IsrRequest>,
    /// After an answer that refused all of them.
    isr_not_before: SimTime,
    /// Partitions whose log end or high watermark moved in this step; parked requests of theirs are looked at before it ends.
    moved: SortedSet<TopicPartition>,
    next_correlation: u64,
    next_producer_id: i64,
    /// How far its machine's clock is ahead, in milliseconds.
    skew_ms: i64,
    pub traffic: Traffic,
}

/// What went through a broker since the run began; outlives the process, and nobody decides by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Appended as leader.
    pub messages_in: u64,
    pub bytes_in: u64,
    /// Answers to consumers.
    pub bytes_out: u64,
}

/// Where the process stands with the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No process. Entered by a crash, left by a start.
    Down,
    /// Asking to be registered.
    Registering,
    /// Registered; fenced until the controller unfences it. Follows already.
    Fenced,
    /// Trusted: may lead and be in sync.
    Running,
    /// Told to stop: hands its leaderships over before it goes.
    Stopping,
}

#[derive(Clone, Debug)]
struct IsrRequest {
    id: CorrelationId,
    items: Vec<AlterPartitionItem>,
    /// Lost if unanswered by then.
    until: SimTime,
}

#[derive(Clone, Debug)]
struct Lifecycle {
    phase: Phase,
    epoch: BrokerEpoch,
    incarnation: u64,
    /// Of the process before, if that one stopped in order.
    previous_epoch: Option<BrokerEpoch>,
    /// The user's action that started this process, or that told it to stop.
    because: Option<EventId>,
    next_contact: SimTime,
    /// It goes then, whatever the controller says.
    stop_by: SimTime,
    /// The controller has asked a stopping broker to wait.
    told_to_wait: bool,
    refusals: u32,
}

impl Broker {
    pub fn new(id: BrokerId, rack: Option<Arc<str>>, voters: Arc<[i32]>, config: Arc<BrokerConfig>, rng: SimRng) -> Self {
        let groups = GroupCoordinator::new(Arc::clone(&config), rng.clone());
        let zookeeper = config.zookeeper().then(Box::default);
        Broker {
            id,
            rack,
            rng,
            lifecycle: Lifecycle {
                phase: Phase::Down,
                epoch: BrokerEpoch(-1),
                incarnation: 0,
                previous_epoch: None,
                because: None,
                next_contact: SimTime::MAX,
                stop_by: SimTime::MAX,
                told_to_wait: false,
                refusals: 0,
            },
            link: ControllerLink::new(id, voters, &config),
            zookeeper,
            image: Arc::default(),
            replicas: Replicas::default(),
            disk: Disk::default(),
            checkpoint: SortedMap::new(),
            clean_shutdown: None,
            next_checkpoint: SimTime::MAX,
            next_isr_check: SimTime::MAX,
            next_flush: SimTime::MAX,
            next_retention: SimTime::MAX,
            next_cleaning: SimTime::MAX,
            fetchers: SortedMap::new(),
            next_fetch: SimTime::MAX,
            purgatory: Purgatory::default(),
            groups,
            config,
            isr_changes: SortedMap::new(),
            isr_request: None,
            isr_not_before: SimTime::ZERO,
            moved: SortedSet::default(),
            next_correlation: 0,
            next_producer_id: 0,
            skew_ms: 0,
            traffic: Traffic::default(),
        }
    }

    pub fn phase(&self) -> Phase {
        self.lifecycle.phase
    }

    /// Clients and other brokers can connect: the process runs and the controller knows it (`enableRequestProcessing`).
    pub fn listens(&self) -> bool {
        // One that only lost its session with ZooKeeper serves on.
        let again = self.lifecycle.phase == Phase::Registering && self.zookeeper.is_some() && self.lifecycle.epoch.0 >= 0;
        again || matches!(self.lifecycle.phase, Phase::Fenced | Phase::Running | Phase::Stopping)
    }

    /// The last process ended in order, and none has begun since.
    pub fn stopped_in_order(&self) -> bool {
        self.clean_shutdown.is_some()
    }

    /// When it next looks for segments that retention takes.
    pub fn next_retention(&self) -> SimTime {
        self.next_retention
    }

    pub fn rack(&self) -> Option<&str> {
        self.rack.as_deref()
    }

    pub fn replicas(&self) -> &SortedMap<TopicPartition, Replica> {
        &self.replicas
    }

    pub fn image(&self) -> &MetadataImage {
        &self.image
    }

    pub fn checkpoint(&self) -> &SortedMap<TopicPartition, Offset> {
        &self.checkpoint
    }

    pub fn groups(&self) -> &GroupCoordinator {
        &self.groups
    }

    /// The cluster stands before the run begins: this broker is registered and knows the metadata.
    pub fn begin(&mut self, epoch: BrokerEpoch, image: &Arc<MetadataImage>, out: &mut Outbox) {
        self.lifecycle.phase = Phase::Running;
        self.lifecycle.epoch = epoch;
        self.next_producer_id = epoch.0 * PRODUCER_IDS;
        self.start_timers(SimTime::ZERO);
        // Heartbeats of real brokers are not in step; the phase is drawn once.
        let offset = self.rng.below(self.heartbeat_interval().micros().max(1));
        self.lifecycle.next_contact = SimTime::ZERO + SimDuration(offset);
        let all: Vec<TopicPartition> = image.partitions().map(|(id, _)| id).collect();
        self.take_metadata(SimTime::ZERO, Arc::clone(image), &all, out);
        self.know_znodes(image);
        self.fetch_metadata(SimTime::ZERO, out);
    }

    fn heartbeat_interval(&self) -> SimDuration {
        match self.config.zookeeper() {
            true => self.config.zookeeper_ping_interval(),
            false => self.config.heartbeat_interval,
        }
    }

    /// The process starts on the disk it finds.
    pub fn start(&mut self, now: SimTime, because: Option<EventId>, out: &mut Outbox) {
        self.lifecycle.because = because;
        self.lifecycle.previous_epoch = self.clean_shutdown.take();
        self.load_logs(self.lifecycle.previous_epoch.is_some(), out);
        self.lifecycle.phase = Phase::Registering;
        self.lifecycle.incarnation += 1;
        self.lifecycle.refusals = 0;
        self.lifecycle.next_contact = now;
        self.start_timers(now);
    }

    fn start_timers(&mut self, now: SimTime) {
        self.next_checkpoint = now + CHECKPOINT_INTERVAL;
        self.next_isr_check = now + SimDuration(self.config.replica_lag_time_max.micros() / 2);
        self.next_flush = now + SimDuration::from_millis(self.config.log_flush_scheduler_interval_ms);
        self.next_retention = now + retention::FIRST_LOOK;
        self.next_cleaning = now + retention::CLEANER_BACKOFF;
    }

    /// Another machine in its place, which has nothing of it but the number.
    pub fn replaced_by(&self, mut other: Broker) -> Broker {
        other.lifecycle.incarnation = self.lifecycle.incarnation;
        other.next_correlation = self.next_correlation;
        other
    }

    /// The process is gone: everything but the disk.
    pub fn crash(&mut self) {
        let mut fresh = Broker::new(self.id, self.rack.clone(), Arc::clone(&self.link.voters), Arc::clone(&self.config), self.rng.clone());
        fresh.lifecycle.incarnation = self.lifecycle.incarnation;
        fresh.next_correlation = self.next_correlation;
        fresh.groups = self.groups.restarted();
        fresh.checkpoint = std::mem::take(&mut self.checkpoint);
        fresh.clean_shutdown = self.clean_shutdown;
        fresh.zookeeper = self.zookeeper.take().map(|zookeeper| Box::new(zookeeper.crashed()));
        fresh.replicas = std::mem::take(&mut self.replicas);
        fresh.disk = self.disk.after_a_crash();
        fresh.traffic = self.traffic;
        for replica in fresh.replicas.values_mut() {
            replica.role = Role::Offline;
            replica.leader_epoch = crate::ids::LeaderEpoch(-1);
            replica.partition_epoch = crate::ids::PartitionEpoch(-1);
            replica.waiting = partition::Waiting::default();
            replica.stuck_at = None;
        }
        *self = fresh;
    }

    fn correlation(&mut self) -> CorrelationId {
        self.next_correlation += 1;
        CorrelationId(self.next_correlation)
    }

    fn contact_controller(&mut self, now: SimTime, out: &mut Outbox) {
        match self.lifecycle.phase {
            Phase::Down => {}
            Phase::Registering => {
                self.lifecycle.next_contact = now + ANSWER_TIMEOUT;
                let Lifecycle { incarnation, previous_epoch, because, .. } = self.lifecycle;
                let request = BrokerRegistrationRequest { incarnation, rack: self.rack.clone(), previous_epoch, because };
                self.contact(Request::BrokerRegistration(Box::new(request)), out);
            }
            _ if self.zookeeper.is_some() => self.ping(now, out),
            Phase::Fenced | Phase::Running | Phase::Stopping => {
                self.lifecycle.next_contact = now + self.config.heartbeat_interval;
                let Lifecycle { epoch, because, .. } = self.lifecycle;
                let wants_shutdown = self.lifecycle.phase == Phase::Stopping;
                let request = BrokerHeartbeatRequest { epoch, metadata_offset: self.image.offset, wants_shutdown, because };
                self.contact(Request::BrokerHeartbeat(Box::new(request)), out);
                self.fetch_metadata(now, out);
            }
        }
    }

    fn registered(&mut self, now: SimTime, answer: Result<BrokerEpoch, ErrorCode>, out: &mut Outbox) {
        match answer {
            Ok(epoch) => {
                // With ZooKeeper there is no fencing: it takes requests at once, and leads what it is told to.
                self.lifecycle.phase = if self.zookeeper.is_some() { Phase::Running } else { Phase::Fenced };
                self.lifecycle.epoch = epoch;
                self.next_producer_id = epoch.0 * PRODUCER_IDS;
                self.contact_controller(now, out);
            }
            Err(_) => {
                self.tell_of_old_session(out);
                let pause = REGISTRATION_BACKOFF.times(1 << self.lifecycle.refusals.min(10)).min(self.config.session_timeout);
                self.lifecycle.refusals += 1;
                self.lifecycle.next_contact = now + pause;
            }
        }
    }

    fn heartbeat_answered(&mut self, now: SimTime, answer: Result<HeartbeatAnswer, ErrorCode>, out: &mut Outbox) {
        match answer {
            _ if self.zookeeper.is_some() => self.pinged(now, answer.is_ok(), out),
            _ if self.lifecycle.phase == Phase::Stopping => self.shutdown_answered(now, answer, out),
            Ok(HeartbeatAnswer { fenced: false, .. }) => self.lifecycle.phase = Phase::Running,
            Ok(HeartbeatAnswer { fenced: true, .. }) => self.lifecycle.phase = Phase::Fenced,
            // Another registration took this id; a real broker would stop. Ours asks again.
            Err(_) => {
                self.lifecycle.phase = Phase::Registering;
                self.lifecycle.next_contact = now + REGISTRATION_BACKOFF;
            }
        }
    }

    fn take_metadata(&mut self, now: SimTime, image: Arc<MetadataImage>, changed: &[TopicPartition], out: &mut Outbox) {
        let ahead = image.offset > self.image.offset;
        let before = std::mem::replace(&mut self.image, image);
        for id in changed {
            self.apply_partition(now, *id, out);
        }
        self.forget_bookmarks(now, &before, changed, out);
        if ahead && self.lifecycle.phase == Phase::Fenced {
            // Caught up further: do not wait for the interval to say so.
            self.lifecycle.next_contact = now;
        }
        self.start_fetchers(now, out);
        self.settle(now, out);
    }

    /// Turns the controller's word on one partition into this broker's role in it.
    fn apply_partition(&mut self, now: SimTime, id: TopicPartition, out: &mut Outbox) {
        let image = Arc::clone(&self.image);
        let known = image.topic(id.topic).zip(image.partition(id)).filter(|(_, registration)| registration.replicas.contains(&self.id));
        let Some((topic, registration)) = known else { return self.drop_replica(now, id, out) };
        let replica = self.replicas.made(id, || Replica::new(Arc::clone(&topic.config)));
        replica.config = Arc::clone(&topic.config);
        let was_leader = matches!(replica.role, Role::Leader(_));
        if registration.leader_epoch == replica.leader_epoch {
            replica.reassigned(self.id, &registration.replicas);
            if replica.isr_confirmed(&registration.isr, registration.partition_epoch) {
                self.isr_changes.remove(&id);
            }
            self.advance(now, id);
            return;
        }
        let leads = registration.leader == Some(self.id);
        match leads {
            true => replica.become_leader(self.id, registration, now),
            false if was_leader && planted(Bug::LeadersKeepOffice) => replica.become_leader(self.id, registration, now),
            false => replica.become_follower(registration.leader, registration),
        }
        self.isr_changes.remove(&id);
        self.follow(id, registration.leader.filter(|_| !leads));
        if was_leader && !leads {
            let waiting = self.replicas.get_mut(&id).map(|replica| std::mem::take(&mut replica.waiting)).unwrap_or_default();
            self.refuse_waiting(id, waiting, ErrorCode::NotLeaderOrFollower, out);
        }
        if leads {
            out.fact(Fact::LeaderStarted { partition: id, because: self.lifecycle.because });
            self.advance(now, id);
        }
        // Who leads on in a newer epoch has lost nothing: its coordinator stays active, and whoever waits there waits on.
        if topic.internal && !(was_leader && leads) {
            self.coordinate(now, id, leads, out);
        }
    }

    /// The topic is deleted, or the partition lives elsewhere now: the replica goes, with its log.
    fn drop_replica(&mut self, now: SimTime, id: TopicPartition, out: &mut Outbox) {
        let Some(replica) = self.replicas.remove(&id) else { return };
        self.refuse_waiting(id, replica.waiting, ErrorCode::UnknownTopicOrPartition, out);
        self.follow(id, None);
        self.isr_changes.remove(&id);
        self.checkpoint.remove(&id);
        self.moved.remove(&id);
        if self.image.offsets_topic() == Some(id.topic) {
            self.coordinate(now, id, false, out);
        }
    }

    /// Moves the high watermark if it may, and marks the partition as moved.
    fn advance(&mut self, now: SimTime, id: TopicPartition) {
        let Some(replica) = self.replicas.get_mut(&id) else { return };
        let image = &self.image;
        if replica.advance_high_watermark(now, self.config.replica_lag_time_max, &|broker, epoch| eligible(image, broker, epoch)) {
            self.moved.insert(id);
        }
    }

    /// Lets a follower that has caught up into the ISR.
    fn offer_expansion(&mut self, id: TopicPartition, follower: BrokerId) {
        let image = &self.image;
        let isr =
            self.replicas.get(&id).and_then(|replica| replica.expanded_isr(follower, &|broker, epoch| eligible(image, broker, epoch)));
        if let Some(isr) = isr {
            self.ask_for_isr(id, isr, IsrChange::CaughtUp(follower));
        }
    }

    fn ask_for_isr(&mut self, id: TopicPartition, new_isr: Vec<BrokerId>, why: IsrChange) {
        let me = (self.id, self.lifecycle.epoch);
        let Some(replica) = self.replicas.get_mut(&id) else { return };
        let (leader_epoch, partition_epoch) = (replica.leader_epoch, replica.partition_epoch);
        if let Role::Leader(leadership) = &mut replica.role {
            leadership.pending_isr = Some(new_isr.clone());
            let isr_epochs = new_isr.iter().map(|member| if *member == me.0 { Some(me.1) } else { leadership.epoch_of(*member) }).collect();
            // A leader has nothing left to recover once it leads.
            let recovery = LeaderRecoveryState::Recovered;
            let item = AlterPartitionItem { partition: id, leader_epoch, partition_epoch, new_isr, isr_epochs, recovery, why };
            self.isr_changes.insert(id, item);
        }
    }

    /// `AlterPartitionManager`: one request under way, everything collected meanwhile goes with the next.
    fn send_isr_changes(&mut self, now: SimTime, out: &mut Outbox) {
        if self.isr_request.is_some() || self.isr_changes.is_empty() || self.link.is_resting(now) || now < self.isr_not_before {
            return;
        }
        if self.controller_is_unknown() {
            self.isr_not_before = now + ISR_RETRY;
            return;
        }
        let items: Vec<AlterPartitionItem> = std::mem::take(&mut self.isr_changes).into_values().collect();
        let request = AlterPartitionRequest { epoch: self.lifecycle.epoch, partitions: items.clone() };
        let id = self.ask_controller(Request::AlterPartition(Box::new(request)), out);
        self.isr_request = Some(IsrRequest { id, items, until: now + ANSWER_TIMEOUT });
    }

    /// Its answer will not come: the same is asked again, unless something newer is to be asked.
    fn forget_isr_request(&mut self) {
        for item in self.isr_request.take().into_iter().flat_map(|request| request.items) {
            if self.replicas.get(&item.partition).is_some_and(|replica| replica.proposes(&item)) {
                self.isr_changes.insert(item.partition, item);
            }
        }
    }

    /// What became of the changes this broker proposed. A refusal that does not say that nothing was changed leaves the proposal
    /// pending: an earlier try may have been carried out, and only the metadata will tell (`Partition.handleAlterPartitionError`).
    fn isr_answered(&mut self, now: SimTime, id: CorrelationId, answer: Result<Vec<AlteredPartition>, ErrorCode>) {
        if self.isr_request.as_ref().is_none_or(|request| request.id != id) {
            return;
        }
        let Ok(answer) = answer else {
            self.isr_not_before = now + ISR_RETRY;
            return self.forget_isr_request();
        };
        let items = self.isr_request.take().map(|request| request.items).unwrap_or_default();
        for item in items {
            let id = item.partition;
            let Some(replica) = self.replicas.get_mut(&id).filter(|replica| replica.proposes(&item)) else { continue };
            match answer.iter().find(|(partition, _)| *partition == id).map(|(_, result)| result) {
                Some(Ok(state)) if state.leader_epoch == replica.leader_epoch && state.partition_epoch >= replica.partition_epoch => {
                    replica.isr_committed(&state.isr, state.partition_epoch);
                }
                Some(Err(_)) if planted(Bug::PendingIsrIsDropped) => replica.isr_committed_as_it_was(),
                // The controller knows this partition epoch, so nothing was carried out.
                Some(Err(ErrorCode::IneligibleReplica)) => replica.isr_committed_as_it_was(),
                None | Some(Err(ErrorCode::NotController)) => drop(self.isr_changes.insert(id, item)),
                _ => {}
            }
            self.advance(now, id);
        }
    }

    fn check_isr(&mut self, now: SimTime) {
        let lag_max = self.config.replica_lag_time_max;
        let shrunk: Vec<_> = self.replicas.iter().filter_map(|(id, replica)| Some((*id, replica.shrunk_isr(now, lag_max)?))).collect();
        for (id, (isr, why)) in shrunk {
            self.ask_for_isr(id, isr, why);
        }
        let led: Vec<TopicPartition> = self.replicas.iter().filter(|(_, r)| r.leadership().is_some()).map(|(id, _)| *id).collect();
        for id in led {
            self.advance(now, id);
        }
    }

    fn write_checkpoint(&mut self) {
        for (id, replica) in self.replicas.iter() {
            self.checkpoint.insert(*id, replica.high_watermark);
        }
    }

    fn answered(&mut self, now: SimTime, from: NodeId, id: CorrelationId, response: Response, out: &mut Outbox) {
        if self.zookeeper.is_some() && self.answered_with_zookeeper(now, from, id, &response, out) {
            return;
        }
        match response {
            Response::BrokerRegistration(answer) if self.link.ends_contact(id) => self.registered(now, answer, out),
            Response::BrokerHeartbeat(answer) if self.link.ends_contact(id) => self.heartbeat_answered(now, answer, out),
            Response::FetchMetadata { image, changed } if self.link.ends_fetch(id) => {
                self.take_metadata(now, image, &changed, out);
                self.fetch_metadata(now, out);
            }
            Response::NotController(hint) => {
                if let NodeId::Controller(voter) = from {
                    self.controller_gone(now, voter, hint);
                }
            }
            Response::AlterPartition(answer) => self.isr_answered(now, id, answer),
            Response::Fetch(answer) => {
                if let NodeId::Broker(leader) = from {
                    self.fetched(now, leader, id, answer, out);
                }
            }
            _ => {}
        }
    }

    fn peer_closed(&mut self, now: SimTime, peer: NodeId) {
        if let NodeId::Broker(leader) = peer
            && self.fetchers.get(&leader).is_some_and(|fetcher| fetcher.in_flight.is_some())
        {
            self.back_off(leader, now);
            self.next_fetch = self.first_fetch();
        }
        self.disk.forget(peer);
        match peer {
            NodeId::Controller(voter) => self.controller_gone(now, voter, None),
            NodeId::Broker(broker) => self.broker_gone(now, broker),
            NodeId::Client(_) => {}
        }
        for id in self.purgatory.fetches_of(peer) {
            self.forget_fetch(id);
        }
    }

    fn work(&mut self, now: SimTime, from: NodeId, message: Message, out: &mut Outbox) {
        match message {
            Message::Request(id, request) => self.serve(now, from, id, request, out),
            Message::Response(id, response) => self.answered(now, from, id, response, out),
            Message::Closed => self.peer_closed(now, from),
        }
        self.settle(now, out);
    }

    /// What every step ends with: parked requests of partitions that moved, what groups waited for, then the ISR changes.
    fn settle(&mut self, now: SimTime, out: &mut Outbox) {
        loop {
            while let Some(id) = self.moved.pop_first() {
                self.wake_waiting(id, out);
            }
            if !self.go_on_with_groups(now, out) {
                break;
            }
        }
        self.send_isr_changes(now, out);
        self.groups.look_ahead();
    }
}

/// `Partition.isReplicaIsrEligible`: registered, neither fenced nor about to stop, and fetching with the epoch of that registration.
/// With ZooKeeper: registered.
fn eligible(image: &MetadataImage, broker: BrokerId, fetched_with: Option<BrokerEpoch>) -> bool {
    if image.controller_epoch > 0 {
        return image.brokers.contains_key(&broker);
    }
    image.is_active(broker) && image.brokers.get(&broker).is_some_and(|known| fetched_with == Some(known.epoch))
}

impl Node for Broker {
    fn handle(&mut self, now: SimTime, from: NodeId, message: Message, out: &mut Outbox) {
        if let Some(message) = self.disk.hold(now, from, message) {
            self.work(now, from, message, out);
        }
    }

    fn next_timeout(&self) -> SimTime {
        if self.lifecycle.phase == Phase::Down {
            return SimTime::MAX;
        }
        let next = self
            .lifecycle
            .next_contact
            .min(self.next_checkpoint)
            .min(self.next_isr_check)
            .min(self.next_flush)
            .min(self.next_retention)
            .min(if self.isr_changes.is_empty() || self.isr_request.is_some() {
                SimTime::MAX
            } else {
                self.isr_not_before.max(self.link.rests_until())
            })
            .min(self.disk.next_done())
            .min(self.purgatory.next_deadline())
            .min(self.groups.next_timeout())
            .min(self.lifecycle.stop_by)
            .min(if self.listens() { self.link.next_timeout() } else { SimTime::MAX })
            .min(self.isr_request.as_ref().map_or(SimTime::MAX, |request| request.until))
            .min(self.zookeeper.as_ref().map_or(SimTime::MAX, |zookeeper| zookeeper.next_timeout()));
        match self.next_fetch {
            // It follows another leader than before.
            SimTime::ZERO => SimTime::ZERO,
            fetch if next <= fetch => next,
            _ => next.min(self.first_fetch()),
        }
    }

    fn handle_timeout(&mut self, now: SimTime, out: &mut Outbox) {
        if self.lifecycle.stop_by <= now {
            return self.exit(now, out);
        }
        self.mind_controller(now, out);
        if self.isr_request.as_ref().is_some_and(|request| request.until <= now) {
            self.forget_isr_request();
        }
        if self.lifecycle.next_contact <= now {
            self.contact_controller(now, out);
        }
        while let Some((from, message)) = self.disk.take_done(now) {
            self.work(now, from, message, out);
        }
        if self.next_checkpoint <= now {
            self.next_checkpoint = now + CHECKPOINT_INTERVAL;
            if self.write_fails(out) {
                return;
            }
            self.write_checkpoint();
            if self.next_cleaning <= now {
                self.next_cleaning = now + retention::CLEANER_BACKOFF;
                self.clean_logs(now, out);
            }
        }
        if self.next_flush <= now {
            self.next_flush = now + SimDuration::from_millis(self.config.log_flush_scheduler_interval_ms);
            self.flush_logs(now, false);
        }
        if self.next_retention <= now {
            self.next_retention = now + self.config.log_retention_check_interval;
            self.delete_old_segments(now, out);
        }
        if self.next_isr_check <= now {
            self.next_isr_check = now + SimDuration(self.config.replica_lag_time_max.micros() / 2);
            self.check_isr(now);
        }
        if self.zookeeper.is_some() {
            self.mind_zookeeper(now, out);
        }
        self.start_fetchers(now, out);
        self.expire_waiting(now, out);
        self.expire_groups(now, out);
        self.settle(now, out);
    }
}
