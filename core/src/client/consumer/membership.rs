//! Being in a group: find the coordinator, join, let the leader assign, sync, send heartbeats. Kafka's `AbstractCoordinator` and
//! `ConsumerCoordinator` with eager rebalancing.

use super::{Asked, Consumer};
use crate::error::ErrorCode;
use crate::group::assignor::{self, Assignor, RangeAssignor, Topics};
use crate::group::consumer_protocol::Subscription;
use crate::ids::BrokerId;
use crate::node::Outbox;
use crate::protocol::{JoinGroupRequest, JoinRefused, Joined, MemberAssignment, MemberRef, Request, SyncGroupRequest};
use crate::sorted::SortedMap;
use crate::time::SimTime;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// Must join; entered at the start, when the group rebalances and when the coordinator no longer knows this member.
    Unjoined,
    /// A join, or the commit before it, is under way.
    Joining,
    /// Waits for the assignment of this generation.
    Syncing { generation: i32 },
    /// Owns its partitions. `rebalancing`: the coordinator asked everybody to join again; done in the next `poll()`.
    Stable { generation: i32, rebalancing: bool },
}

impl Consumer {
    pub(super) fn generation(&self) -> i32 {
        match self.membership {
            Membership::Stable { generation, .. } | Membership::Syncing { generation } => generation,
            Membership::Unjoined | Membership::Joining => -1,
        }
    }

    pub(super) fn member_ref(&self) -> MemberRef {
        MemberRef { group: Arc::clone(&self.group), member_id: Arc::clone(&self.member_id), generation: self.generation() }
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

    /// The part of `poll()` that joins when it must.
    pub(super) fn keep_membership(&mut self, now: SimTime, out: &mut Outbox) {
        match self.membership {
            Membership::Unjoined => self.send_join(now, out),
            Membership::Stable { rebalancing: true, .. } => self.prepare_join(now, out),
            _ => {}
        }
    }

    /// Eager rebalancing: commit what was read, give everything up, then join again.
    fn prepare_join(&mut self, now: SimTime, out: &mut Outbox) {
        let commits = self.auto_commits() && self.commit(now, true, out);
        self.assigned.clear();
        self.membership = Membership::Joining;
        if !commits {
            self.send_join(now, out);
        }
    }

    pub(super) fn send_join(&mut self, now: SimTime, out: &mut Outbox) {
        self.assigned.clear();
        let known = self.topics.iter().all(|topic| self.connections.topic(topic).is_some());
        let Some(coordinator) = self.coordinator.filter(|_| known) else {
            self.membership = Membership::Unjoined;
            return;
        };
        let request = JoinGroupRequest {
            group: Arc::clone(&self.group),
            member_id: Arc::clone(&self.member_id),
            client_id: Arc::clone(&self.name),
            session_timeout: self.spec.config.session_timeout,
            rebalance_timeout: self.spec.config.max_poll_interval,
            protocols: vec![Arc::from(RangeAssignor.name())],
            topics: self.topics.clone(),
        };
        self.membership = Membership::Joining;
        self.ask(now, coordinator, Request::JoinGroup(Box::new(request)), Asked::Join, out);
    }

    pub(super) fn joined(&mut self, now: SimTime, answer: Result<Joined, JoinRefused>, out: &mut Outbox) {
        match answer {
            Ok(joined) => {
                self.member_id = Arc::clone(&joined.member_id);
                self.membership = Membership::Syncing { generation: joined.generation };
                self.next_heartbeat = now + self.spec.config.heartbeat_interval;
                self.send_sync(now, &joined, out);
            }
            Err(JoinRefused { error: ErrorCode::MemberIdRequired, member_id }) => {
                self.member_id = member_id;
                self.send_join(now, out);
            }
            Err(JoinRefused { error, .. }) => self.membership_failed(now, error),
        }
    }

    fn send_sync(&mut self, now: SimTime, joined: &Joined, out: &mut Outbox) {
        let Some(coordinator) = self.coordinator else { return };
        let leads = joined.leader == joined.member_id;
        self.assigned_of = leads.then(|| self.partition_counts());
        let assignments = if leads { self.assign(joined) } else { SortedMap::new() };
        let request = SyncGroupRequest { member: self.member_ref(), assignments };
        self.ask(now, coordinator, Request::SyncGroup(Box::new(request)), Asked::Sync, out);
    }

    fn partition_counts(&self) -> Vec<u32> {
        let count = |topic: &Arc<str>| self.connections.topic(topic).map_or(0, |topic| topic.partitions.len() as u32);
        self.topics.iter().map(count).collect()
    }

    /// The leader has everybody join again when its topics have grown or shrunk (`ConsumerCoordinator.rejoinNeededOrPending`).
    pub(super) fn watch_partitions(&mut self) {
        if let Membership::Stable { generation, .. } = self.membership
            && self.assigned_of.as_ref().is_some_and(|known| *known != self.partition_counts())
        {
            self.membership = Membership::Stable { generation, rebalancing: true };
        }
    }

    /// The group leader's client runs the assignor.
    fn assign(&self, joined: &Joined) -> SortedMap<Arc<str>, Arc<MemberAssignment>> {
        let member = |(id, topics): &(Arc<str>, Vec<Arc<str>>)| assignor::Member {
            id: Arc::clone(id),
            subscription: Subscription { topics: topics.clone(), ..Subscription::default() },
            ..assignor::Member::default()
        };
        let members: Vec<assignor::Member> = joined.members.iter().map(member).collect();
        let mut topics = Topics::new();
        for name in joined.members.iter().flat_map(|(_, topics)| topics) {
            if let Some(topic) = self.connections.topic(name) {
                let known = assignor::Topic { partitions: topic.partitions.len() as u32, ..assignor::Topic::default() };
                topics.insert(Arc::clone(name), known);
            }
        }
        let shares = RangeAssignor.assign(&members, &topics);
        shares.into_iter().map(|(member, partitions)| (member, Arc::new(partitions))).collect()
    }

    pub(super) fn synced(&mut self, now: SimTime, answer: Result<Arc<MemberAssignment>, ErrorCode>, out: &mut Outbox) {
        match answer {
            Ok(assignment) => {
                let Membership::Syncing { generation } = self.membership else { return };
                self.membership = Membership::Stable { generation, rebalancing: false };
                self.next_auto_commit = now + self.spec.config.auto_commit_interval;
                self.take_assignment(now, &assignment, out);
            }
            Err(error) => self.membership_failed(now, error),
        }
    }

    fn membership_failed(&mut self, now: SimTime, error: ErrorCode) {
        self.note_error(error);
        if matches!(error, ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration) {
            self.member_id = Arc::from("");
        }
        if matches!(error, ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable) {
            self.lose_coordinator(now);
        }
        self.assigned.clear();
        self.membership = Membership::Unjoined;
    }

    /// The heartbeat thread: it also notices an application that has not polled for `max.poll.interval.ms`.
    pub(super) fn heartbeat(&mut self, now: SimTime, out: &mut Outbox) {
        let Membership::Stable { .. } = self.membership else { return };
        let Some(coordinator) = self.coordinator else { return };
        if now.since(self.last_poll) >= self.spec.config.max_poll_interval && self.busy_until > now {
            self.tell_poll_deadline(out);
            self.ask(now, coordinator, Request::LeaveGroup(Box::new(self.member_ref())), Asked::Leave, out);
            self.member_id = Arc::from("");
            self.assigned.clear();
            self.membership = Membership::Unjoined;
            return;
        }
        if self.next_heartbeat > now {
            return;
        }
        self.next_heartbeat = now + self.spec.config.heartbeat_interval;
        if !self.waits_for(|kind| *kind == Asked::Heartbeat) {
            self.ask(now, coordinator, Request::Heartbeat(Box::new(self.member_ref())), Asked::Heartbeat, out);
        }
    }

    pub(super) fn heartbeat_answered(&mut self, now: SimTime, answer: Result<(), ErrorCode>) {
        let Err(error) = answer else { return };
        match (error, self.membership) {
            (ErrorCode::RebalanceInProgress, Membership::Stable { generation, .. }) => {
                self.membership = Membership::Stable { generation, rebalancing: true };
            }
            (ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable, _) => {
                self.note_error(error);
                self.lose_coordinator(now);
            }
            (_, Membership::Stable { .. }) => self.membership_failed(now, error),
            _ => {}
        }
    }

    /// When membership needs attention by itself.
    pub(super) fn next_membership_step(&self) -> SimTime {
        let coordinator = match self.coordinator.is_none() && self.connections.image().is_some() {
            true if !self.waits_for(|kind| *kind == Asked::Coordinator) => self.coordinator_retry_at,
            _ => SimTime::MAX,
        };
        // A poll that lies ahead joins; one that has been cannot do more until an answer comes.
        let busy = self.busy_until > self.last_poll;
        let joined = match self.membership {
            Membership::Unjoined | Membership::Stable { rebalancing: true, .. } if busy => self.busy_until,
            Membership::Stable { .. } if self.coordinator.is_some() => self.next_heartbeat,
            _ => SimTime::MAX,
        };
        let deadline = match self.membership {
            Membership::Stable { .. } if self.coordinator.is_some() => {
                let deadline = self.last_poll + self.spec.config.max_poll_interval;
                if deadline < self.busy_until { deadline } else { SimTime::MAX }
            }
            _ => SimTime::MAX,
        };
        coordinator.min(joined).min(deadline)
    }
}
