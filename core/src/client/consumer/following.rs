//! Being in a group under the new protocol (KIP-848): one heartbeat says everything, and the coordinator's answer what to own. Kafka's
//! `ConsumerMembershipManager` and `ConsumerHeartbeatRequestManager`.
//!
//! A member goes on reading what it keeps. What it is to give up it stops reading inside `poll()`, commits when auto commit is on,
//! gives up, and says so in the next heartbeat, which follows at once; only then does anybody else get it.

use super::membership::Membership;
use super::positions::Assigned;
use super::{Asked, Consumer, Stage};
use crate::client::exponential;
use crate::error::ErrorCode;
use crate::group::consumer::{LEAVES, LEAVES_FOR_NOW};
use crate::hash::fnv;
use crate::ids::TopicPartition;
use crate::node::Outbox;
use crate::protocol::{ConsumerHeartbeatAnswer, ConsumerHeartbeatRequest, Request};
use crate::rng::{Seed, SimRng};
use crate::sorted::SortedSet;
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use data_encoding::BASE64URL_NOPAD;
use std::sync::Arc;

/// `retry.backoff.max.ms`.
const BACKOFF_MAX: SimDuration = SimDuration::from_secs(1);

/// Kafka's client-side `MemberState`, as far as it lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Following {
    /// It has not polled yet.
    #[default]
    Unsubscribed,
    /// Asks to be taken in, owning nothing.
    Joining,
    /// Was told to own something else than it does.
    Reconciling,
    /// Owns it, and has not said so.
    Acknowledging,
    Stable,
    /// The application has not polled for `max.poll.interval.ms`: it has left, and joins in the next `poll()`.
    Stale,
    /// The next `poll()` throws.
    Fatal,
}

impl Following {
    pub const fn name(self) -> &'static str {
        match self {
            Following::Unsubscribed => "UNSUBSCRIBED",
            Following::Joining => "JOINING",
            Following::Reconciling => "RECONCILING",
            Following::Acknowledging => "ACKNOWLEDGING",
            Following::Stable => "STABLE",
            Following::Stale => "STALE",
            Following::Fatal => "FATAL",
        }
    }

    const fn is_member(self) -> bool {
        matches!(self, Following::Joining | Following::Reconciling | Following::Acknowledging | Following::Stable)
    }

    /// A heartbeat does not wait for its time.
    const fn hurries(self) -> bool {
        matches!(self, Following::Joining | Following::Acknowledging)
    }
}

/// What a member of the new protocol knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Follower {
    pub state: Following,
    /// As the coordinator told it; zero at first, so that the first heartbeat goes out at once.
    interval: SimDuration,
    next_heartbeat: SimTime,
    /// Failed heartbeats since one was answered well.
    failures: u32,
    /// After a failure the next heartbeat waits for so long, also when it hurries.
    not_before: SimTime,
    /// What to own, as the coordinator told it.
    target: Option<SortedSet<TopicPartition>>,
    /// What it has come to own by the last reconciliation.
    current: Option<SortedSet<TopicPartition>>,
    /// What the coordinator knows already: what it subscribes to, and what it owns.
    told: (bool, bool),
}

impl Consumer {
    /// The part of `poll()` that changes what it owns; false when an exception ended the application.
    pub(super) fn follow(&mut self, now: SimTime, out: &mut Outbox) -> bool {
        let Some(follower) = &self.follower else { return true };
        match follower.state {
            Following::Unsubscribed => {
                self.member_id = drawn_id(&self.name, now);
                self.join_anew();
            }
            Following::Stale => self.join_anew(),
            Following::Reconciling => self.reconcile(now, out),
            Following::Joining | Following::Acknowledging | Following::Stable | Following::Fatal => {}
        }
        self.follower_heartbeat(now, out);
        !matches!(self.stage, Stage::Ended { .. })
    }

    /// From epoch 0, owning nothing.
    fn join_anew(&mut self) {
        self.membership = Membership::Unjoined;
        self.prepared = false;
        if let Some(follower) = &mut self.follower {
            follower.state = Following::Joining;
            (follower.target, follower.current) = (None, None);
        }
    }

    /// One step from what it owns to what it was told to own: stop reading, commit, give up, take.
    fn reconcile(&mut self, now: SimTime, out: &mut Outbox) {
        let Some(image) = self.connections.image().cloned() else { return };
        let Some(target) = self.follower.as_ref().and_then(|follower| follower.target.clone()) else { return };
        let known: SortedSet<TopicPartition> = target.iter().copied().filter(|id| image.topic(id.topic).is_some()).collect();
        if known.len() < target.len() {
            self.connections.want_metadata();
        }
        let goes: Vec<TopicPartition> = self.assigned.keys().copied().filter(|id| !known.contains(id)).collect();
        for id in &goes {
            if let Some(assigned) = self.assigned.get_mut(id) {
                assigned.give_up();
            }
        }
        if self.auto_commits() && !self.prepared && !self.commit_is_settled(now, out) {
            return;
        }
        self.prepared = false;
        if !goes.is_empty() {
            let text =
                format!("{} gives up {} of its partitions and reads on with {}.", self.name, goes.len(), self.assigned.len() - goes.len());
            let rule = "What moves is given up first, and acknowledged by the next heartbeat (KIP-848)".to_owned();
            out.note(EventKind::PartitionsRevoked, self.group.to_string(), text, rule, Vec::new());
            self.assigned.retain(|id, _| known.contains(id));
        }
        for id in &known {
            if !self.assigned.contains_key(id) {
                self.assigned.insert(*id, Assigned::default());
            }
        }
        self.next_auto_commit = now + self.spec.config.auto_commit_interval;
        if let Some(follower) = &mut self.follower {
            follower.state = Following::Acknowledging;
            follower.current = Some(known);
            follower.told.1 = false;
        }
        self.ask_committed(now, out);
    }

    /// What was read is committed before anything is given up; false while that is under way (`maybeAutoCommitSyncBeforeRebalance`).
    fn commit_is_settled(&mut self, now: SimTime, out: &mut Outbox) -> bool {
        if self.waits_for(|kind| matches!(kind, Asked::Commit { then_join: true })) || self.join_not_before > now {
            return false;
        }
        !self.commit(now, true, out) && (self.coordinator.is_some() || self.consumed().is_empty())
    }

    /// The heartbeat thread: it also notices an application that has not polled for `max.poll.interval.ms`.
    pub(super) fn follower_heartbeat(&mut self, now: SimTime, out: &mut Outbox) {
        let Some(coordinator) = self.coordinator else { return };
        let Some(follower) = self.follower.as_ref().filter(|follower| follower.state.is_member()) else { return };
        if now.since(self.last_poll) >= self.spec.config.max_poll_interval && self.busy_until > now {
            self.tell_poll_deadline(out);
            self.follower_leave(now, out);
            self.lose_partitions("has left the group, they may be somebody else's soon", out);
            self.membership = Membership::Unjoined;
            if let Some(follower) = &mut self.follower {
                **follower = Follower { state: Following::Stale, ..Follower::default() };
            }
            return;
        }
        let due = if follower.state.hurries() { follower.not_before } else { follower.next_heartbeat.max(follower.not_before) };
        if due > now || self.waits_for(|kind| *kind == Asked::Following) {
            return;
        }
        let request = self.follower_request();
        self.ask(now, coordinator, Request::ConsumerGroupHeartbeat(Box::new(request)), Asked::Following, out);
        if let Some(follower) = &mut self.follower {
            follower.told = (true, true);
            follower.next_heartbeat = now + follower.interval;
            if follower.state == Following::Acknowledging {
                follower.state = if follower.target == follower.current { Following::Stable } else { Following::Reconciling };
            }
        }
    }

    /// Says what has changed since the last heartbeat; everything when it joins, and after one that failed.
    fn follower_request(&self) -> ConsumerHeartbeatRequest {
        let config = &self.spec.config;
        let joins = self.follower.as_ref().is_none_or(|follower| follower.state == Following::Joining);
        let told = self.follower.as_ref().map(|follower| follower.told).unwrap_or_default();
        let says = |known: bool| joins || !known;
        let current = self.follower.as_ref().and_then(|follower| follower.current.as_ref());
        ConsumerHeartbeatRequest {
            group: Arc::clone(&self.group),
            member_id: Arc::clone(&self.member_id),
            client_id: Arc::clone(&self.name),
            member_epoch: self.generation().max(0),
            instance_id: self.instance.clone(),
            rack: config.client_rack.clone().filter(|_| joins),
            rebalance_timeout: says(told.0).then_some(config.max_poll_interval),
            topics: says(told.0).then(|| self.topics.clone()),
            assignor: config.remote_assignor.clone().filter(|_| says(told.0)),
            owned: says(told.1).then(|| current.into_iter().flat_map(|owned| owned.iter().copied()).collect()),
        }
    }

    /// A clean goodbye: -1, or -2 of a static member, which may come back within its session.
    pub(super) fn follower_leave(&mut self, now: SimTime, out: &mut Outbox) {
        let member = self.follower.as_ref().is_some_and(|follower| follower.state.is_member());
        let Some(coordinator) = self.coordinator.filter(|_| member) else { return };
        let mut request = self.follower_request();
        request.member_epoch = if self.instance.is_some() { LEAVES_FOR_NOW } else { LEAVES };
        self.ask(now, coordinator, Request::ConsumerGroupHeartbeat(Box::new(request)), Asked::Leave, out);
    }

    fn lose_partitions(&mut self, why: &str, out: &mut Outbox) {
        let count = self.assigned.len();
        if count > 0 {
            let text = format!("{} loses its {count} partitions: it {why}.", self.name);
            out.note(EventKind::PartitionsRevoked, self.group.to_string(), text, "onPartitionsLost".to_owned(), Vec::new());
            self.assigned.clear();
        }
    }

    pub(super) fn follower_answered(&mut self, now: SimTime, answer: Result<ConsumerHeartbeatAnswer, ErrorCode>, out: &mut Outbox) {
        let Some(follower) = self.follower.as_mut().filter(|follower| follower.state.is_member()) else { return };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.follower_refused(now, error, out),
        };
        (follower.failures, follower.not_before) = (0, SimTime::ZERO);
        if follower.interval != answer.heartbeat_interval {
            follower.interval = answer.heartbeat_interval;
            follower.next_heartbeat = now + follower.interval;
        }
        if let Some(assignment) = answer.assignment {
            follower.target = Some(assignment.into_iter().collect());
            if follower.target != follower.current {
                follower.state = Following::Reconciling;
            } else if matches!(follower.state, Following::Reconciling | Following::Joining) {
                follower.state = Following::Stable;
            }
        }
        self.membership = Membership::Stable { generation: answer.member_epoch, rebalancing: false };
    }

    fn follower_refused(&mut self, now: SimTime, error: ErrorCode, out: &mut Outbox) {
        self.note_error(error);
        self.follower_lost(now);
        let follower = self.follower.as_mut().expect("it was asked for");
        match error {
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {
                follower.not_before = SimTime::ZERO;
                self.lose_coordinator(now);
            }
            ErrorCode::CoordinatorLoadInProgress | ErrorCode::RequestTimedOut => {}
            ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId => {
                (follower.not_before, follower.failures) = (SimTime::ZERO, 0);
                self.lose_partitions("was fenced, its epoch is not the coordinator's", out);
                self.join_anew();
            }
            fatal => {
                follower.state = Following::Fatal;
                self.fatal = Some(fatal);
                self.membership = Membership::Unjoined;
                self.lose_partitions("cannot be a member of the group", out);
            }
        }
    }

    /// A heartbeat failed: the next one says everything, after a pause.
    pub(super) fn follower_lost(&mut self, now: SimTime) {
        if let Some(follower) = &mut self.follower {
            follower.told = (false, false);
            follower.not_before = now + exponential(self.spec.config.retry_backoff, BACKOFF_MAX, follower.failures);
            follower.next_heartbeat = follower.not_before;
            follower.failures += 1;
        }
    }

    /// When membership needs attention by itself; the coordinator is known.
    pub(super) fn next_follower_step(&self) -> SimTime {
        let Some(follower) = self.follower.as_ref().filter(|follower| follower.state.is_member()) else { return SimTime::MAX };
        let heartbeat = match self.waits_for(|kind| *kind == Asked::Following) {
            true => SimTime::MAX,
            false if follower.state.hurries() => follower.not_before,
            false => follower.next_heartbeat.max(follower.not_before),
        };
        let waits =
            follower.state == Following::Reconciling && matches!(self.stage, Stage::Polling) && self.join_not_before > self.last_run;
        let commit = if waits { self.join_not_before } else { SimTime::MAX };
        let deadline = self.last_poll + self.spec.config.max_poll_interval;
        let deadline = if deadline < self.busy_until { deadline } else { SimTime::MAX };
        heartbeat.min(commit).min(deadline)
    }
}

/// A UUID in Kafka's letters (KIP-1082); Kafka draws it, we derive it from who starts and when.
fn drawn_id(name: &str, now: SimTime) -> Arc<str> {
    let mut chance = SimRng::new(Seed(fnv(0, name.as_bytes())), now.micros());
    let mut id = [0; 16];
    id[..8].copy_from_slice(&chance.next_u64().to_be_bytes());
    id[8..].copy_from_slice(&chance.next_u64().to_be_bytes());
    id[6] = (id[6] & 0x0f) | 0x40;
    id[8] = (id[8] & 0x3f) | 0x80;
    Arc::from(BASE64URL_NOPAD.encode(&id))
}
