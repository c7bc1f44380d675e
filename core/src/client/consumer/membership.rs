//! Being in a group under the classic protocol: find the coordinator, join, let the leader assign, sync, send heartbeats. Kafka's
//! `AbstractCoordinator` and `ConsumerCoordinator`.
//!
//! The heartbeat thread works beside the application; everything else happens inside `poll()`, also the answers to a join are looked at
//! there. Under eager rebalancing a member gives everything up before it joins; under cooperative rebalancing (KIP-429) it goes on
//! reading and gives up only what its new assignment lacks.

use super::{Asked, Consumer};
use crate::error::ErrorCode;
use crate::group::assignor::{self, Assignor, Topics};
use crate::group::classic::CONSUMER;
use crate::group::consumer_protocol::{self, HIGHEST_VERSION, Subscription};
use crate::ids::BrokerId;
use crate::node::Outbox;
use crate::protocol::{JoinGroupRequest, JoinProtocol, JoinRefused, Joined, MemberAssignment, MemberRef, Request, SyncGroupRequest};
use crate::sorted::SortedMap;
use crate::time::SimTime;
use crate::trace::EventKind;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// In no generation: at the start, and when the coordinator no longer knows this member. What it owned is lost.
    Unjoined,
    /// It commits before it joins again, and does not go on reading unless it may keep its partitions.
    Preparing { generation: i32, since: SimTime },
    /// It joins; -1 stands for no generation before.
    Joining { generation: i32 },
    /// It waits for the assignment of this generation.
    Syncing { generation: i32 },
    /// In no group: it owns what its application has assigned to it (`KafkaConsumer.assign`).
    Alone,
    /// It owns its partitions. `rebalancing`: everybody joins again; begun in the next `poll()`.
    Stable { generation: i32, rebalancing: bool },
}

/// An answer of the coordinator that waits for the next `poll()`.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Joined(Box<Result<Joined, JoinRefused>>),
    Synced(Result<Arc<[u8]>, ErrorCode>),
}

/// What this member last got: by which assignor, in which generation, and what.
#[derive(Clone, Debug)]
pub(super) struct LastAssignment {
    protocol: Arc<str>,
    generation: i32,
    partitions: MemberAssignment,
}

impl Consumer {
    /// The generation, or the epoch under the new protocol, of which it has its partitions.
    pub fn settled_generation(&self) -> Option<i32> {
        match self.membership {
            Membership::Stable { generation, .. } => Some(generation),
            _ => None,
        }
    }

    pub(super) fn generation(&self) -> i32 {
        match self.membership {
            Membership::Unjoined | Membership::Alone => -1,
            Membership::Preparing { generation, .. }
            | Membership::Joining { generation }
            | Membership::Syncing { generation }
            | Membership::Stable { generation, .. } => generation,
        }
    }

    pub(super) fn member_ref(&self) -> MemberRef {
        MemberRef {
            group: Arc::clone(&self.group),
            member_id: Arc::clone(&self.member_id),
            instance: self.instance.clone(),
            generation: self.generation(),
        }
    }

    /// Commits belong to a generation whose assignment is known (`generationIfStable`).
    pub(super) fn may_commit(&self) -> bool {
        matches!(self.membership, Membership::Stable { .. } | Membership::Preparing { .. } | Membership::Alone)
    }

    /// It has joined and is not about to join again.
    pub(super) fn settled(&self) -> bool {
        matches!(self.membership, Membership::Stable { rebalancing: false, .. } | Membership::Alone)
    }

    /// Records of its partitions are fetched and handed out: also during a rebalance, if it keeps them.
    pub(super) fn reads(&self) -> bool {
        match self.membership {
            Membership::Unjoined => false,
            Membership::Preparing { .. } | Membership::Joining { .. } | Membership::Syncing { .. } => self.cooperative(),
            Membership::Stable { .. } | Membership::Alone => true,
        }
    }

    fn cooperative(&self) -> bool {
        self.spec.config.strategies.cooperative()
    }

    /// Any broker knows who coordinates a group.
    pub(super) fn find_coordinator(&mut self, now: SimTime, out: &mut Outbox) {
        if self.coordinator.is_some() || self.coordinator_retry_at > now || self.waits_for(|kind| *kind == Asked::Coordinator) {
            return;
        }
        let Some(image) = self.connections.image() else { return };
        let brokers = image.brokers.iter().filter(|(_, registration)| !registration.fenced).map(|(id, _)| *id);
        let reachable = brokers.filter(|id| self.connections.usable(*id, now));
        let Some(to) = reachable.min_by_key(|id| self.connections.in_flight(*id)) else {
            self.coordinator_retry_at = now + self.spec.config.retry_backoff;
            return;
        };
        self.ask(now, to, Request::FindCoordinator(Arc::clone(&self.group)), Asked::Coordinator, out);
    }

    pub(super) fn found_coordinator(&mut self, now: SimTime, answer: Result<BrokerId, ErrorCode>) {
        match answer {
            Ok(broker) if self.connections.usable(broker, now) => self.coordinator = Some(broker),
            Ok(_) => self.coordinator_retry_at = now + self.spec.config.retry_backoff,
            Err(error) => {
                self.note_error(error);
                self.coordinator_retry_at = now + self.spec.config.retry_backoff;
            }
        }
    }

    pub(super) fn lose_coordinator(&mut self, now: SimTime) {
        self.coordinator = None;
        self.coordinator_retry_at = now + self.spec.config.retry_backoff;
    }

    /// The part of `poll()` that joins when it must; false when an exception ended the application.
    pub(super) fn keep_membership(&mut self, now: SimTime, out: &mut Outbox) -> bool {
        if let Some(error) = self.fatal.take() {
            self.throw(now, error, out);
            return false;
        }
        if !self.spec.assign.is_empty() {
            self.stand_alone(now);
            return true;
        }
        if self.follower.is_some() {
            return self.follow(now, out);
        }
        match self.said.take() {
            Some(Said::Joined(answer)) => self.joined(now, *answer, out),
            Some(Said::Synced(answer)) => self.synced(now, answer, out),
            None => {}
        }
        if let Membership::Stable { generation, rebalancing: true } = self.membership {
            self.membership = Membership::Preparing { generation, since: now };
        }
        match self.membership {
            Membership::Unjoined => {
                let text = format!("{} has lost its partitions, {} went on without it", self.name, self.group);
                self.give_up_all(&text, "onPartitionsLost: its generation is over, they may be somebody else's", out);
                self.membership = Membership::Joining { generation: -1 };
                self.send_join(now, out);
            }
            Membership::Preparing { since, .. } => self.prepare_join(now, since, out),
            Membership::Joining { .. } => self.send_join(now, out),
            Membership::Syncing { generation } if !self.waits_for(|kind| *kind == Asked::Sync) => {
                // The request was lost: it joins again.
                self.membership = Membership::Joining { generation };
                self.send_join(now, out);
            }
            Membership::Syncing { .. } | Membership::Stable { .. } | Membership::Alone => {}
        }
        !matches!(self.stage, super::Stage::Ended { .. })
    }

    /// `assign()`: nobody divides anything, and nobody hears of it. Its bookmarks are kept under the name of the group all the same.
    fn stand_alone(&mut self, now: SimTime) {
        let known = |topic: &Arc<str>| self.connections.topic(topic).is_some();
        if self.membership == Membership::Alone || !self.topics.iter().all(known) {
            return;
        }
        let assignment = self.topics.iter().map(|topic| (Arc::clone(topic), self.spec.assign.clone())).collect();
        self.take_assignment(&assignment);
        self.membership = Membership::Alone;
        self.next_auto_commit = now + self.spec.config.auto_commit_interval;
    }

    /// `onJoinPrepare`: commits what was read, and under eager rebalancing gives everything up.
    fn prepare_join(&mut self, now: SimTime, since: SimTime, out: &mut Outbox) {
        if self.waits_for(|kind| matches!(kind, Asked::Commit { then_join: true })) {
            return;
        }
        let in_time = now.since(since) < self.spec.config.max_poll_interval;
        if self.auto_commits() && !self.prepared && in_time {
            if self.join_not_before > now || self.commit(now, true, out) {
                return;
            }
            if self.coordinator.is_none() && !self.consumed().is_empty() {
                // Found soon, or known to be lost.
                return;
            }
        }
        self.prepared = false;
        if !self.cooperative() {
            let text = format!("{} gives up its partitions before it joins {} again", self.name, self.group);
            self.give_up_all(&text, "Eager rebalancing: not every assignor in partition.assignment.strategy is cooperative", out);
        }
        self.membership = Membership::Joining { generation: self.generation() };
        self.send_join(now, out);
    }

    fn give_up_all(&mut self, what: &str, rule: &str, out: &mut Outbox) {
        let count = self.assigned.len();
        if count > 0 {
            out.note(EventKind::PartitionsRevoked, self.group.to_string(), format!("{what}: {count}."), rule.to_owned(), Vec::new());
            self.assigned.clear();
        }
    }

    /// The commit before a join has been answered, or will not be.
    pub(super) fn commit_before_join(&mut self, now: SimTime, answer: Result<(), ErrorCode>) {
        let again = |error| {
            matches!(
                error,
                ErrorCode::NotCoordinator
                    | ErrorCode::CoordinatorNotAvailable
                    | ErrorCode::CoordinatorLoadInProgress
                    | ErrorCode::RequestTimedOut
                    | ErrorCode::NetworkException
                    // Its epoch has risen meanwhile.
                    | ErrorCode::StaleMemberEpoch
            )
        };
        match answer {
            Err(error) if again(error) => self.join_not_before = now + self.spec.config.retry_backoff,
            _ => self.prepared = true,
        }
    }

    fn send_join(&mut self, now: SimTime, out: &mut Outbox) {
        if self.join_not_before > now || self.waits_for(|kind| *kind == Asked::Join) {
            return;
        }
        let Some(coordinator) = self.coordinator else { return };
        let request = JoinGroupRequest {
            group: Arc::clone(&self.group),
            member_id: Arc::clone(&self.member_id),
            instance: self.instance.clone(),
            client_id: Arc::clone(&self.name),
            session_timeout: self.spec.config.session_timeout,
            rebalance_timeout: self.spec.config.max_poll_interval,
            protocol_type: Arc::from(CONSUMER),
            protocols: self.protocols(),
        };
        self.ask(now, coordinator, Request::JoinGroup(Box::new(request)), Asked::Join, out);
    }

    /// One subscription for each assignor it has, best first: what it reads, and what it owns while it joins.
    fn protocols(&self) -> Vec<JoinProtocol> {
        let mut owned = MemberAssignment::new();
        for id in self.assigned.keys() {
            if let Some(topic) = self.connections.image().and_then(|image| image.topic(id.topic)) {
                owned.entry(Arc::clone(&topic.name)).or_default().push(id.partition);
            }
        }
        let generation = Some(self.generation()).filter(|generation| *generation >= 0);
        let rack = self.spec.config.client_rack.clone();
        let mut said = Subscription { topics: self.topics.clone(), user_data: None, owned, generation, rack };
        let mut offer = |assignor: &dyn Assignor| {
            let last = self.last_assignment.as_ref().filter(|last| *last.protocol == *assignor.name());
            said.user_data = assignor.user_data(last.map(|last| (&last.partitions, last.generation)));
            JoinProtocol { name: Arc::from(assignor.name()), metadata: Arc::from(said.bytes(HIGHEST_VERSION)) }
        };
        self.spec.config.strategies.names().filter_map(assignor::client).map(&mut offer).collect()
    }

    fn joined(&mut self, now: SimTime, answer: Result<Joined, JoinRefused>, out: &mut Outbox) {
        let Membership::Joining { .. } = self.membership else { return };
        match answer {
            Ok(joined) => {
                self.member_id = Arc::clone(&joined.member_id);
                self.membership = Membership::Syncing { generation: joined.generation };
                self.next_heartbeat = now + self.spec.config.heartbeat_interval;
                self.send_sync(now, joined, out);
            }
            Err(JoinRefused { error: ErrorCode::MemberIdRequired, member_id }) => self.member_id = member_id,
            Err(JoinRefused { error, .. }) => self.join_failed(now, error, out),
        }
    }

    fn send_sync(&mut self, now: SimTime, joined: Joined, out: &mut Outbox) {
        let Some(coordinator) = self.coordinator else { return };
        let leads = joined.leader == joined.member_id;
        self.assigned_of = leads.then(|| self.watched_topics());
        let assignments = if leads && !joined.skip_assignment { self.assign(&joined) } else { SortedMap::new() };
        let request = SyncGroupRequest {
            member: self.member_ref(),
            protocol_type: Some(Arc::from(CONSUMER)),
            protocol: Some(Arc::clone(&joined.protocol)),
            assignments,
        };
        self.protocol = joined.protocol;
        self.ask(now, coordinator, Request::SyncGroup(Box::new(request)), Asked::Sync, out);
    }

    /// A topic and the racks of its copies, for the assignors.
    fn topics_of<'a>(&self, names: impl Iterator<Item = &'a Arc<str>>) -> Topics {
        let mut topics = Topics::new();
        let Some(image) = self.connections.image() else { return topics };
        for name in names {
            let Some(topic) = image.topic_named(name).filter(|_| !topics.contains_key(name)) else { continue };
            let racks_known = image.brokers.values().any(|broker| broker.rack.is_some());
            let copies = topic.partitions.iter().filter(|_| racks_known).map(|partition| &partition.replicas);
            let racks = copies.map(|copies| copies.iter().filter_map(|id| image.brokers.get(id)?.rack.clone()).collect()).collect();
            topics.insert(Arc::clone(name), assignor::Topic { partitions: topic.partitions.len() as u32, racks, ..Default::default() });
        }
        topics
    }

    /// What would change the assignment if it changed: racks only for a member that says where it is (`MetadataSnapshot`).
    fn watched_topics(&self) -> Topics {
        let mut topics = self.topics_of(self.topics.iter());
        if self.spec.config.client_rack.is_none() {
            topics.values_mut().for_each(|topic| topic.racks.clear());
        }
        topics
    }

    /// The leader has everybody join again when its topics have grown or shrunk (`ConsumerCoordinator.rejoinNeededOrPending`).
    pub(super) fn watch_partitions(&mut self) {
        if let Membership::Stable { generation, .. } = self.membership
            && self.assigned_of.as_ref().is_some_and(|known| *known != self.watched_topics())
        {
            self.membership = Membership::Stable { generation, rebalancing: true };
        }
    }

    /// The group leader's client runs the assignor.
    fn assign(&self, joined: &Joined) -> SortedMap<Arc<str>, Arc<[u8]>> {
        let Some(assignor) = assignor::client(&joined.protocol) else { return SortedMap::new() };
        let member = |joined: &crate::protocol::JoinedMember| assignor::Member {
            id: Arc::clone(&joined.member_id),
            instance: joined.instance.clone(),
            subscription: Subscription::read(&joined.metadata).unwrap_or_default(),
        };
        let members: Vec<assignor::Member> = joined.members.iter().map(member).collect();
        let topics = self.topics_of(members.iter().flat_map(|member| &member.subscription.topics));
        let shares = assignor.assign(&members, &topics).into_iter();
        shares.map(|(id, share)| (id, Arc::from(consumer_protocol::assignment_bytes(HIGHEST_VERSION, share.iter(), None)))).collect()
    }

    fn synced(&mut self, now: SimTime, answer: Result<Arc<[u8]>, ErrorCode>, out: &mut Outbox) {
        let Membership::Syncing { generation } = self.membership else { return };
        match answer {
            Ok(bytes) => {
                let assignment = consumer_protocol::read_assignment(&bytes).unwrap_or_default();
                self.told_to_wait = false;
                let revoked = self.take_assignment(&assignment);
                if revoked > 0 {
                    let text = format!("{} gives up {revoked} of its partitions and reads on with {}.", self.name, self.assigned.len());
                    let rule = "Cooperative rebalancing (KIP-429): only what moves is given up, and given away by the next rebalance";
                    out.note(EventKind::PartitionsRevoked, self.group.to_string(), text, rule.to_owned(), Vec::new());
                }
                self.membership = Membership::Stable { generation, rebalancing: revoked > 0 };
                self.next_auto_commit = now + self.spec.config.auto_commit_interval;
                self.last_assignment = Some(LastAssignment { protocol: Arc::clone(&self.protocol), generation, partitions: assignment });
                self.ask_committed(now, out);
            }
            Err(error) => self.join_failed(now, error, out),
        }
    }

    /// A join or a sync was refused: what follows is Kafka's for each error.
    fn join_failed(&mut self, now: SimTime, error: ErrorCode, out: &mut Outbox) {
        self.note_error(error);
        match error {
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => self.reset_generation(error),
            ErrorCode::RebalanceInProgress => self.membership = Membership::Joining { generation: self.generation() },
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable | ErrorCode::CoordinatorLoadInProgress => {
                if error != ErrorCode::CoordinatorLoadInProgress {
                    self.lose_coordinator(now);
                }
                self.membership = Membership::Joining { generation: self.generation() };
                self.join_not_before = now + self.spec.config.retry_backoff;
            }
            fatal => self.throw(now, fatal, out),
        }
    }

    /// `poll()` throws, and nobody catches it.
    fn throw(&mut self, now: SimTime, error: ErrorCode, out: &mut Outbox) {
        let (why, rule) = match error {
            ErrorCode::FencedInstanceId => {
                ("another member came with its group.instance.id", "FencedInstanceIdException: one member at a time")
            }
            ErrorCode::InconsistentGroupProtocol => {
                ("the group's members have no assignor in common", "InconsistentGroupProtocolException: partition.assignment.strategy")
            }
            ErrorCode::InvalidSessionTimeout => (
                "the brokers do not take its session.timeout.ms",
                "InvalidSessionTimeoutException: group.min.session.timeout.ms to group.max.session.timeout.ms",
            ),
            ErrorCode::GroupMaxSizeReached => ("the group is full", "GroupMaxSizeReachedException: group.max.size"),
            _ => (error.name(), "poll() threw an exception that nobody caught"),
        };
        self.fail(now, why, rule, out);
    }

    /// The coordinator does not know it in its generation any more (`resetStateOnResponseError`).
    fn reset_generation(&mut self, error: ErrorCode) {
        if error != ErrorCode::IllegalGeneration {
            self.member_id = Arc::from("");
        }
        self.said = None;
        self.prepared = false;
        self.membership = Membership::Unjoined;
    }

    /// What a refused commit means for the membership; `sent` is the generation it was made in.
    pub(super) fn commit_refused(&mut self, now: SimTime, error: ErrorCode, sent: i32) {
        match (error, self.membership) {
            (ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable | ErrorCode::RequestTimedOut, _) => self.lose_coordinator(now),
            (ErrorCode::RebalanceInProgress, Membership::Stable { generation, .. }) => {
                self.membership = Membership::Stable { generation, rebalancing: true };
            }
            // Under the new protocol heartbeats alone tell what becomes of a member.
            (ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration, _) if self.generation() == sent && self.follower.is_none() => {
                self.reset_generation(error);
            }
            _ => {}
        }
    }

    /// The heartbeat thread: it also notices an application that has not polled for `max.poll.interval.ms`.
    pub(super) fn heartbeat(&mut self, now: SimTime, out: &mut Outbox) {
        if self.follower.is_some() {
            return self.follower_heartbeat(now, out);
        }
        if matches!(self.membership, Membership::Unjoined | Membership::Joining { .. } | Membership::Alone) {
            return;
        }
        let Some(coordinator) = self.coordinator else { return };
        if now.since(self.last_poll) >= self.spec.config.max_poll_interval && self.busy_until > now {
            self.tell_poll_deadline(out);
            self.leave(now, out);
            self.member_id = Arc::from("");
            self.reset_generation(ErrorCode::UnknownMemberId);
            return;
        }
        if self.next_heartbeat > now {
            return;
        }
        self.next_heartbeat = now + self.spec.config.heartbeat_interval;
        if !self.waits_for(|kind| matches!(kind, Asked::Heartbeat { .. })) {
            let generation = self.generation();
            self.ask(now, coordinator, Request::Heartbeat(Box::new(self.member_ref())), Asked::Heartbeat { generation }, out);
        }
    }

    /// Tells the group; a static member does not, it may come back within its session.
    pub(super) fn leave(&mut self, now: SimTime, out: &mut Outbox) {
        if self.follower.is_some() {
            return self.follower_leave(now, out);
        }
        let joined = self.membership != Membership::Unjoined && !self.member_id.is_empty() && self.instance.is_none();
        if let Some(coordinator) = self.coordinator.filter(|_| joined) {
            self.ask(now, coordinator, Request::LeaveGroup(Box::new(self.member_ref())), Asked::Leave, out);
        }
    }

    pub(super) fn heartbeat_answered(&mut self, now: SimTime, answer: Result<(), ErrorCode>, sent: i32) {
        let Err(error) = answer else { return };
        match (error, self.membership) {
            (ErrorCode::RebalanceInProgress, Membership::Stable { generation, .. }) => {
                self.membership = Membership::Stable { generation, rebalancing: true };
            }
            (ErrorCode::RebalanceInProgress, _) => {}
            (ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable, _) => {
                self.note_error(error);
                self.heartbeat_lost(now);
                self.lose_coordinator(now);
            }
            // A join tells the same.
            (_, Membership::Unjoined | Membership::Joining { .. }) => {}
            _ if self.generation() == sent => {
                self.note_error(error);
                if error == ErrorCode::FencedInstanceId {
                    self.fatal = Some(error);
                }
                self.reset_generation(error);
            }
            _ => {}
        }
    }

    /// The next one follows after `retry.backoff.ms`.
    pub(super) fn heartbeat_lost(&mut self, now: SimTime) {
        self.next_heartbeat = now + self.spec.config.retry_backoff;
    }

    /// The request was lost with its connection: joined again after a pause.
    pub(super) fn join_lost(&mut self, now: SimTime) {
        self.join_not_before = now + self.spec.config.retry_backoff;
    }

    /// When membership needs attention by itself.
    pub(super) fn next_membership_step(&self) -> SimTime {
        let coordinator = match self.coordinator.is_none() && self.connections.image().is_some() {
            true if !self.waits_for(|kind| *kind == Asked::Coordinator) => self.coordinator_retry_at,
            _ => SimTime::MAX,
        };
        if self.coordinator.is_none() {
            return coordinator;
        }
        if self.follower.is_some() {
            return self.next_follower_step();
        }
        let joins = match self.membership {
            Membership::Stable { .. } | Membership::Alone => false,
            Membership::Unjoined | Membership::Preparing { .. } | Membership::Joining { .. } | Membership::Syncing { .. } => {
                // An application that is at work polls when it is done.
                matches!(self.stage, super::Stage::Polling) && self.join_not_before > self.last_run
            }
        };
        let joins = if joins { self.join_not_before } else { SimTime::MAX };
        if matches!(self.membership, Membership::Unjoined | Membership::Joining { .. } | Membership::Alone) {
            return joins;
        }
        let deadline = self.last_poll + self.spec.config.max_poll_interval;
        let deadline = if deadline < self.busy_until { deadline } else { SimTime::MAX };
        self.next_heartbeat.min(deadline).min(joins)
    }
}
