//! A member of a group: it joins ([`membership`]), fetches ([`positions`]) and hands records to its application in a poll loop.
//!
//! Kafka's `ClassicKafkaConsumer`: heartbeats go on beside the loop; joining and auto commit happen inside `poll()`.

mod application;
pub mod following;
mod membership;
mod owned;
mod positions;
mod standing;

use super::Connections;
use super::producer::Counts;
use crate::error::ErrorCode;
use crate::group::assignor::Topics;
use crate::ids::{BrokerId, ClientId, CorrelationId, EventId, NodeId, Offset, TopicPartition};
use crate::node::{Node, Outbox};
use crate::protocol::{Message, Request, Response};
use crate::scenario::{CommitMode, GroupSpec};
use crate::sorted::SortedMap;
use crate::time::{SimDuration, SimTime};
use application::{Stage, Work};
use following::{Follower, Following};
use membership::{LastAssignment, Membership, Said};
use owned::Owned;
pub use standing::{Reading, Standing};
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Consumer {
    pub id: ClientId,
    pub name: Arc<str>,
    spec: Arc<GroupSpec>,
    group: Arc<str>,
    topics: Vec<Arc<str>>,
    connections: Connections,
    coordinator: Option<BrokerId>,
    /// Pause after a failed attempt to find or reach the coordinator.
    coordinator_retry_at: SimTime,
    membership: Membership,
    /// Under the new protocol (KIP-848).
    follower: Option<Box<Follower>>,
    member_id: Arc<str>,
    /// `group.instance.id`.
    instance: Option<Arc<str>>,
    /// What the group agreed on in this generation.
    protocol: Arc<str>,
    last_assignment: Option<LastAssignment>,
    /// The group's topics when this member assigned them, if it is the leader: others leave the watching to it.
    assigned_of: Option<Topics>,
    said: Option<Said>,
    /// What the heartbeat thread throws in the next `poll()`.
    fatal: Option<ErrorCode>,
    /// The commit before a join is done.
    prepared: bool,
    /// The application knows that it cannot commit during this rebalance.
    told_to_wait: bool,
    /// Pause after a failed join.
    join_not_before: SimTime,
    next_heartbeat: SimTime,
    assigned: Owned,
    in_flight: SortedMap<CorrelationId, InFlight>,
    /// Before this none of them is late.
    in_flight_until: SimTime,
    /// Partitions whose fetched records wait for a poll, in the order they came.
    ready: VecDeque<TopicPartition>,
    stage: Stage,
    /// What the last poll returned and the application has not done yet.
    in_hand: VecDeque<Work>,
    /// The application does not poll before; nobody knows how long it takes when it waits for something.
    busy_until: SimTime,
    /// The process is paused since then.
    frozen_at: SimTime,
    /// It was told to stop, and ends when the work in hand is done.
    closing: Option<EventId>,
    /// How often the application ended by itself.
    failures: u32,
    last_poll: SimTime,
    last_run: SimTime,
    /// A refused request for the offset to begin at is repeated after `retry.backoff.ms`.
    reset_not_before: SimTime,
    next_auto_commit: SimTime,
    pub delivered: u64,
    pub counts: Counts,
}

#[derive(Clone, Debug)]
struct InFlight {
    to: BrokerId,
    deadline: SimTime,
    kind: Asked,
}

/// What a request under way was for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Coordinator,
    Join,
    Sync,
    /// A heartbeat of the new protocol.
    Following,
    Heartbeat {
        generation: i32,
    },
    Commit {
        then_join: bool,
    },
    CommitSync,
    /// The committed offsets of these partitions.
    Committed(Vec<TopicPartition>),
    Reset,
    Fetch(Vec<TopicPartition>),
    Validate,
    Leave,
}

impl Consumer {
    pub fn new(id: ClientId, name: Arc<str>, spec: Arc<GroupSpec>, bootstrap: Arc<[BrokerId]>) -> Self {
        let config = &spec.config;
        let backoff = config.retry_backoff;
        let instance = config.group_instance.as_ref().map(|id| Arc::from(id.replace("{name}", &name)));
        Consumer {
            id,
            name,
            group: Arc::from(spec.name.as_str()),
            topics: spec.topics.iter().map(|topic| Arc::from(topic.as_str())).collect(),
            connections: Connections::new(bootstrap, [config.metadata_max_age, backoff, backoff.times(10), config.request_timeout]),
            coordinator: None,
            coordinator_retry_at: SimTime::ZERO,
            membership: Membership::Unjoined,
            follower: config.consumer_protocol.then(Box::default),
            member_id: Arc::from(""),
            instance,
            protocol: Arc::from(""),
            last_assignment: None,
            assigned_of: None,
            said: None,
            fatal: None,
            prepared: false,
            told_to_wait: false,
            join_not_before: SimTime::ZERO,
            next_heartbeat: SimTime::MAX,
            assigned: Owned::default(),
            in_flight: SortedMap::new(),
            in_flight_until: SimTime::MAX,
            ready: VecDeque::new(),
            stage: Stage::Polling,
            in_hand: VecDeque::new(),
            busy_until: SimTime::ZERO,
            frozen_at: SimTime::MAX,
            closing: None,
            failures: 0,
            last_poll: SimTime::ZERO,
            last_run: SimTime::ZERO,
            reset_not_before: SimTime::ZERO,
            next_auto_commit: SimTime::MAX,
            delivered: 0,
            counts: Counts::default(),
            spec,
        }
    }

    /// At the start of a run: its process starts then.
    pub fn begin_at(&mut self, at: SimTime, out: &mut Outbox) {
        if at > SimTime::ZERO {
            self.stage = Stage::Ended { until: at };
        }
        self.run(SimTime::ZERO, out);
    }

    /// The process is gone: it remembers nothing, and its group only finds out when the session ends.
    pub fn crash(&mut self, now: SimTime, out: &mut Outbox) {
        self.work_before(now, out);
        self.forget();
        self.failures = 0;
    }

    /// What the next process in its place knows.
    fn forget(&mut self) {
        self.assigned.clear();
        let fresh = Consumer::new(self.id, Arc::clone(&self.name), Arc::clone(&self.spec), Arc::from([]));
        let old = std::mem::replace(self, fresh);
        (self.connections, self.assigned) = (old.connections.restarted(), old.assigned);
        (self.delivered, self.counts, self.failures) = (old.delivered, old.counts, old.failures);
    }

    /// A new process.
    pub fn start(&mut self, now: SimTime, out: &mut Outbox) {
        (self.last_poll, self.busy_until, self.stage) = (now, now, Stage::Polling);
        self.follower = self.spec.config.consumer_protocol.then(Box::default);
        self.run(now, out);
    }

    /// What `close()` does: commits as the settings say, and tells the group.
    fn say_goodbye(&mut self, now: SimTime, out: &mut Outbox) {
        if self.auto_commits() && self.may_commit() {
            self.commit(now, false, out);
        }
        self.leave(now, out);
    }

    pub fn spec(&self) -> &Arc<GroupSpec> {
        &self.spec
    }

    pub fn group(&self) -> &Arc<str> {
        &self.group
    }

    /// How far it is, as its own process sees it; `None` under the classic protocol.
    pub fn following(&self) -> Option<Following> {
        self.follower.as_ref().map(|follower| follower.state)
    }

    pub fn member_id(&self) -> &str {
        &self.member_id
    }

    pub fn topics(&self) -> &[Arc<str>] {
        &self.topics
    }

    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Where it reads next, for each partition it owns.
    pub fn positions(&self) -> impl Iterator<Item = (TopicPartition, Option<Offset>)> + '_ {
        self.assigned.iter().map(|(id, assigned)| (*id, assigned.position))
    }

    pub fn position(&self, id: TopicPartition) -> Option<Offset> {
        self.assigned.get(&id)?.position
    }

    /// Rises whenever it owns other partitions than before.
    pub fn owned_changes(&self) -> u32 {
        self.assigned.changes()
    }

    fn ask(&mut self, now: SimTime, to: BrokerId, request: Request, kind: Asked, out: &mut Outbox) {
        let wait = match kind {
            // A join is held back until everybody has joined (`JOIN_GROUP_TIMEOUT_LAPSE`).
            Asked::Join => self.spec.config.request_timeout.max(self.spec.config.max_poll_interval + SimDuration::from_secs(5)),
            _ => self.spec.config.request_timeout,
        };
        let id = self.connections.send(to, request, out);
        self.in_flight_until = self.in_flight_until.min(now + wait);
        self.in_flight.insert(id, InFlight { to, deadline: now + wait, kind });
    }

    fn waits_for(&self, wanted: impl Fn(&Asked) -> bool) -> bool {
        self.in_flight.values().any(|request| wanted(&request.kind))
    }

    fn note_error(&mut self, error: ErrorCode) {
        *self.counts.errors.entry(error).or_default() += 1;
        self.connections.note_error(error);
    }

    fn answered(&mut self, now: SimTime, id: CorrelationId, response: Response, out: &mut Outbox) {
        let Some(request) = self.in_flight.remove(&id) else {
            if let Response::Metadata(image) = response {
                self.took_metadata(now, image);
            }
            return;
        };
        match (request.kind, response) {
            (_, Response::FindCoordinator(answer)) => self.found_coordinator(now, answer),
            (_, Response::JoinGroup(answer)) => self.said = Some(Said::Joined(answer)),
            (_, Response::SyncGroup(answer)) => self.said = Some(Said::Synced(answer)),
            (Asked::Heartbeat { generation }, Response::Heartbeat(answer)) => self.heartbeat_answered(now, answer, generation),
            (Asked::Commit { then_join }, Response::OffsetCommit(answer)) => self.commit_answered(now, answer, then_join),
            (Asked::CommitSync, Response::OffsetCommit(answer)) => self.commit_sync_answered(now, answer, out),
            (Asked::Following, Response::ConsumerGroupHeartbeat(answer)) => self.follower_answered(now, *answer, out),
            (Asked::Committed(asked), Response::OffsetFetch(answer)) => self.took_committed(now, &asked, *answer, out),
            (_, Response::OffsetForLeaderEpoch(answer)) => self.took_validation(now, &answer, out),
            (_, Response::ListOffsets(answer)) => self.took_reset(now, &answer, out),
            (Asked::Fetch(asked), Response::Fetch(answer)) => self.took_fetch(now, &asked, answer),
            _ => {}
        }
    }

    fn took_metadata(&mut self, now: SimTime, image: Arc<crate::metadata::MetadataImage>) {
        let missing = self.topics.iter().any(|topic| image.topic_named(topic).is_none());
        let leaderless = self.assigned.keys().any(|id| image.partition(*id).is_none_or(|partition| partition.leader.is_none()));
        self.connections.took_metadata(now, image, missing || leaderless);
        self.watch_partitions();
    }

    fn closed(&mut self, now: SimTime, broker: BrokerId, out: &mut Outbox) {
        self.connections.closed(broker, now);
        if self.coordinator == Some(broker) {
            self.lose_coordinator(now);
        }
        let lost: Vec<CorrelationId> = self.in_flight.iter().filter(|(_, request)| request.to == broker).map(|(id, _)| *id).collect();
        for id in lost {
            if let Some(request) = self.in_flight.remove(&id) {
                *self.counts.errors.entry(ErrorCode::NetworkException).or_default() += 1;
                self.request_lost(now, &request.kind, out);
            }
        }
    }

    /// What a lost request stood for is tried again by the loop.
    fn request_lost(&mut self, now: SimTime, kind: &Asked, out: &mut Outbox) {
        match kind {
            Asked::Join | Asked::Sync => self.join_lost(now),
            Asked::Following => self.follower_lost(now),
            Asked::Heartbeat { .. } => self.heartbeat_lost(now),
            Asked::Commit { then_join: true } => self.commit_before_join(now, Err(ErrorCode::NetworkException)),
            Asked::CommitSync => self.commit_sync_answered(now, Err(ErrorCode::NetworkException), out),
            Asked::Fetch(asked) => self.fetch_lost(asked),
            Asked::Validate => self.validation_lost(),
            _ => {}
        }
    }

    fn expire_requests(&mut self, now: SimTime, out: &mut Outbox) {
        let late = |request: &&InFlight| request.deadline <= now;
        let first_late = |me: &Self| me.in_flight.values().filter(|_| me.in_flight_until <= now).find(late).map(|request| request.to);
        while let Some(to) = first_late(self).or_else(|| self.connections.silent(now)) {
            out.close(NodeId::Broker(to));
            self.closed(now, to, out);
        }
        if self.in_flight_until <= now {
            self.in_flight_until = self.first_in_flight();
        }
    }

    /// One turn of everything that is due: the heartbeat thread, then the application's. Records are asked for inside `poll()`.
    fn run(&mut self, now: SimTime, out: &mut Outbox) {
        if let Stage::Ended { until } = self.stage {
            if until > now {
                return;
            }
            self.start(now, out);
            return;
        }
        self.last_run = now;
        self.connections.poll_metadata(now, out);
        self.find_coordinator(now, out);
        self.heartbeat(now, out);
        if self.act(now, out) {
            self.fetch(now, out);
        }
    }

    fn poll(&mut self, now: SimTime, out: &mut Outbox) {
        self.last_poll = now;
        if !self.keep_membership(now, out) || !self.reads() {
            return;
        }
        self.auto_commit(now, out);
        if self.take_fetched() > 0 {
            self.take_up(now, out);
        }
    }

    /// `enable.auto.commit`: inside `poll()`, every `auto.commit.interval.ms`, what earlier polls returned.
    fn auto_commit(&mut self, now: SimTime, out: &mut Outbox) {
        if self.auto_commits() && self.settled() && self.next_auto_commit <= now {
            self.next_auto_commit = now + self.spec.config.auto_commit_interval;
            self.commit(now, false, out);
        }
    }

    fn auto_commits(&self) -> bool {
        self.spec.commit == CommitMode::Auto && self.spec.config.enable_auto_commit
    }
}

impl Node for Consumer {
    fn handle(&mut self, now: SimTime, from: NodeId, message: Message, out: &mut Outbox) {
        let NodeId::Broker(broker) = from else { return };
        if matches!(self.stage, Stage::Ended { .. }) {
            return;
        }
        match message {
            Message::Closed => self.closed(now, broker, out),
            Message::Request(..) => {}
            Message::Response(id, response) => {
                if self.connections.answered(broker, id) {
                    self.answered(now, id, response, out);
                }
            }
        }
        self.run(now, out);
    }

    fn next_timeout(&self) -> SimTime {
        if let Stage::Ended { until } = self.stage {
            return until;
        }
        let next = self.connections.next_timeout().min(self.next_membership_step()).min(self.next_act()).min(self.next_fetch());
        // Usually something else comes long before.
        if next <= self.in_flight_until { next } else { next.min(self.first_in_flight()) }
    }

    fn handle_timeout(&mut self, now: SimTime, out: &mut Outbox) {
        self.expire_requests(now, out);
        self.run(now, out);
    }
}

impl Consumer {
    fn first_in_flight(&self) -> SimTime {
        self.in_flight.values().map(|request| request.deadline).min().unwrap_or(SimTime::MAX)
    }

    /// When an application that is in `poll()` has something to do by itself.
    fn next_poll(&self) -> SimTime {
        if !self.reads() {
            return SimTime::MAX;
        }
        let fetched = |id: &TopicPartition| self.assigned.get(id).is_some_and(|assigned| !assigned.paused && assigned.has_records());
        let work = if self.ready.iter().any(fetched) { self.last_poll } else { SimTime::MAX };
        let commit = if self.auto_commits() && self.settled() { self.next_auto_commit } else { SimTime::MAX };
        work.min(commit)
    }
}
