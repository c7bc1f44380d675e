//! A member of a group: it joins ([`membership`]), fetches ([`positions`]) and hands records to its application in a poll loop.
//!
//! Kafka's `ClassicKafkaConsumer`: heartbeats go on beside the loop; joining and auto commit happen inside `poll()`.

mod membership;
mod positions;

use super::Connections;
use super::producer::Counts;
use crate::error::ErrorCode;
use crate::ids::{BrokerId, ClientId, CorrelationId, NodeId, Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::node::{Fact, Node, Outbox};
use crate::protocol::{Message, Request, Response};
use crate::scenario::{CommitMode, GroupSpec};
use crate::sorted::SortedMap;
use crate::time::SimTime;
use membership::Membership;
use positions::Assigned;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many processed records a member remembers for the picture.
pub const RECENT: usize = 32;

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
    member_id: Arc<str>,
    /// Partitions of the group's topics when this member assigned them, if it is the leader: others leave the watching to it.
    assigned_of: Option<Vec<u32>>,
    next_heartbeat: SimTime,
    assigned: SortedMap<TopicPartition, Assigned>,
    in_flight: SortedMap<CorrelationId, InFlight>,
    /// The application works on what the last poll returned until then.
    busy_until: SimTime,
    last_poll: SimTime,
    last_run: SimTime,
    /// A refused request for the offset to begin at is repeated after `retry.backoff.ms`.
    reset_not_before: SimTime,
    next_auto_commit: SimTime,
    /// `commit = "after"`: positions to commit once the work is done.
    commit_when_done: bool,
    pub delivered: u64,
    pub counts: Counts,
    recent: VecDeque<(TopicPartition, StoredBatch, Offset)>,
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
    Heartbeat,
    Commit { then_join: bool },
    Committed,
    Reset,
    Fetch(Vec<TopicPartition>),
    Validate,
    Leave,
}

impl Consumer {
    pub fn new(id: ClientId, name: Arc<str>, spec: Arc<GroupSpec>, bootstrap: Arc<[BrokerId]>) -> Self {
        let config = &spec.config;
        let backoff = config.retry_backoff;
        Consumer {
            id,
            name,
            group: Arc::from(spec.name.as_str()),
            topics: spec.topics.iter().map(|topic| Arc::from(topic.as_str())).collect(),
            connections: Connections::new(bootstrap, [config.metadata_max_age, backoff, backoff.times(10), config.request_timeout]),
            coordinator: None,
            coordinator_retry_at: SimTime::ZERO,
            membership: Membership::Unjoined,
            member_id: Arc::from(""),
            assigned_of: None,
            next_heartbeat: SimTime::MAX,
            assigned: SortedMap::new(),
            in_flight: SortedMap::new(),
            busy_until: SimTime::ZERO,
            last_poll: SimTime::ZERO,
            last_run: SimTime::ZERO,
            reset_not_before: SimTime::ZERO,
            next_auto_commit: SimTime::MAX,
            commit_when_done: false,
            delivered: 0,
            counts: Counts::default(),
            recent: VecDeque::new(),
            spec,
        }
    }

    pub fn begin(&mut self, now: SimTime, out: &mut Outbox) {
        self.run(now, out);
    }

    /// The process is gone: it remembers nothing, and its group only finds out when the session ends.
    pub fn crash(&mut self) {
        let fresh = Consumer::new(self.id, Arc::clone(&self.name), Arc::clone(&self.spec), Arc::from([]));
        let old = std::mem::replace(self, fresh);
        self.connections = old.connections.restarted();
        (self.delivered, self.counts, self.recent) = (old.delivered, old.counts, old.recent);
    }

    /// A new process.
    pub fn start(&mut self, now: SimTime, out: &mut Outbox) {
        (self.last_poll, self.busy_until) = (now, now);
        self.begin(now, out);
    }

    /// `close()`: commits as the settings say, and tells the group.
    pub fn close(&mut self, now: SimTime, out: &mut Outbox) {
        if !matches!(self.membership, Membership::Stable { .. }) {
            return;
        }
        if self.auto_commits() {
            self.commit(now, false, out);
        }
        if let Some(coordinator) = self.coordinator {
            self.ask(now, coordinator, Request::LeaveGroup(Box::new(self.member_ref())), Asked::Leave, out);
        }
    }

    pub fn spec(&self) -> &Arc<GroupSpec> {
        &self.spec
    }

    /// Goes on with other settings.
    pub fn reconfigure(&mut self, spec: Arc<GroupSpec>) {
        self.spec = spec;
    }

    pub fn group(&self) -> &Arc<str> {
        &self.group
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

    /// What the application worked on last, oldest first.
    pub fn recent(&self) -> impl Iterator<Item = &(TopicPartition, StoredBatch, Offset)> {
        self.recent.iter()
    }

    fn ask(&mut self, now: SimTime, to: BrokerId, request: Request, kind: Asked, out: &mut Outbox) {
        let wait = match kind {
            // A join is held back until everybody has joined.
            Asked::Join | Asked::Sync => self.spec.config.max_poll_interval + self.spec.config.request_timeout,
            _ => self.spec.config.request_timeout,
        };
        let id = self.connections.send(to, request, out);
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
            (_, Response::JoinGroup(answer)) => self.joined(now, *answer, out),
            (_, Response::SyncGroup(answer)) => self.synced(now, answer, out),
            (_, Response::Heartbeat(answer)) => self.heartbeat_answered(now, answer),
            (Asked::Commit { then_join }, Response::OffsetCommit(answer)) => self.commit_answered(now, answer, then_join, out),
            (_, Response::OffsetFetch(answer)) => self.took_committed(now, *answer, out),
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

    /// What a lost request stood for is tried again by the loop; a commit before a rejoin is given up.
    fn request_lost(&mut self, now: SimTime, kind: &Asked, out: &mut Outbox) {
        match kind {
            Asked::Join | Asked::Sync => self.membership = Membership::Unjoined,
            Asked::Commit { then_join: true } => self.send_join(now, out),
            Asked::Fetch(asked) => self.fetch_lost(asked),
            Asked::Validate => self.validation_lost(),
            _ => {}
        }
    }

    fn expire_requests(&mut self, now: SimTime, out: &mut Outbox) {
        let late = |me: &Self| me.in_flight.values().find(|request| request.deadline <= now).map(|request| request.to);
        while let Some(to) = late(self).or_else(|| self.connections.silent(now)) {
            out.close(NodeId::Broker(to));
            self.closed(now, to, out);
        }
    }

    /// One turn of everything that is due: the heartbeat thread, then the poll loop unless the application is busy.
    fn run(&mut self, now: SimTime, out: &mut Outbox) {
        self.last_run = now;
        self.connections.poll_metadata(now, out);
        self.find_coordinator(now, out);
        self.heartbeat(now, out);
        if self.busy_until <= now {
            self.poll(now, out);
        }
        self.fetch(now, out);
    }

    fn poll(&mut self, now: SimTime, out: &mut Outbox) {
        if self.commit_when_done {
            self.commit_when_done = false;
            self.commit(now, false, out);
        }
        self.last_poll = now;
        self.keep_membership(now, out);
        if !matches!(self.membership, Membership::Stable { .. }) {
            return;
        }
        self.auto_commit(now, out);
        let records = self.deliver(out);
        if records == 0 {
            return;
        }
        match self.spec.commit {
            CommitMode::Auto => {}
            CommitMode::Before => {
                self.commit(now, false, out);
            }
            CommitMode::After => self.commit_when_done = true,
        }
        self.busy_until = now + self.spec.process.times(records);
    }

    /// Hands up to `max.poll.records` fetched records to the application; gives how many.
    fn deliver(&mut self, out: &mut Outbox) -> u64 {
        let mut left = u64::from(self.spec.config.max_poll_records);
        let limit = left;
        let told = out.facts.len();
        for (id, assigned) in &mut self.assigned {
            while left > 0 {
                let Some((batch, from, to)) = assigned.take(left) else { break };
                left -= to.since(from);
                out.fact(Fact::Delivered { client: self.id, partition: *id, batch, from, to });
            }
        }
        for fact in &out.facts[told.max(out.facts.len().saturating_sub(RECENT))..] {
            if let Fact::Delivered { partition, batch, to, .. } = fact {
                self.recent.push_back((*partition, batch.clone(), Offset(to.0 - 1)));
            }
        }
        self.recent.drain(..self.recent.len().saturating_sub(RECENT));
        self.delivered += limit - left;
        limit - left
    }

    /// `enable.auto.commit`: inside `poll()`, every `auto.commit.interval.ms`, what earlier polls returned.
    fn auto_commit(&mut self, now: SimTime, out: &mut Outbox) {
        if self.auto_commits() && self.next_auto_commit <= now {
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
        let requests = self.in_flight.values().map(|request| request.deadline).min().unwrap_or(SimTime::MAX);
        self.connections.next_timeout().min(requests).min(self.next_membership_step()).min(self.next_poll()).min(self.next_fetch())
    }

    fn handle_timeout(&mut self, now: SimTime, out: &mut Outbox) {
        self.expire_requests(now, out);
        self.run(now, out);
    }
}

impl Consumer {
    /// When the poll loop has something to do by itself.
    fn next_poll(&self) -> SimTime {
        if !matches!(self.membership, Membership::Stable { .. }) {
            return SimTime::MAX;
        }
        let waiting = self.commit_when_done || self.assigned.values().any(Assigned::has_records);
        let work = if waiting { self.busy_until } else { SimTime::MAX };
        let commit = if self.auto_commits() { self.next_auto_commit.max(self.busy_until) } else { SimTime::MAX };
        work.min(commit)
    }
}
