//! The join phase: who is in the next generation.

use super::{Group, GroupState, InitialDelay, Member};
use crate::error::ErrorCode;
use crate::group::timers::Timer;
use crate::group::{Asked, Continuation, Former, Pending, Work, new_member_id};
use crate::ids::EventId;
use crate::planted::{Bug, planted};
use crate::protocol::{JoinGroupRequest, JoinRefused, Joined, Response};
use crate::rng::SimRng;
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use std::sync::Arc;

/// A new member's join may be held back so long before it must try again (`classicGroupNewMemberJoinTimeoutMs`).
const NEW_MEMBER_JOIN_TIMEOUT: SimDuration = SimDuration::from_secs(300);

pub(in crate::group) fn join_refused(error: ErrorCode, member_id: &Arc<str>) -> Response {
    Response::JoinGroup(Box::new(Err(JoinRefused { error, member_id: Arc::clone(member_id) })))
}

impl Group {
    /// Answers a join, now or when the phase ends; `Err` is the answer.
    pub fn join(&mut self, work: &mut Work, asked: &Asked, request: &JoinGroupRequest, rng: &mut SimRng) -> Result<(), JoinRefused> {
        let refuse = |error| Err(JoinRefused { error, member_id: Arc::clone(&request.member_id) });
        if !self.accepts(&request.member_id, work.config.group_max_size) {
            self.remove(&request.member_id);
            return Err(JoinRefused { error: ErrorCode::GroupMaxSizeReached, member_id: Arc::from("") });
        }
        if !self.supports(&request.protocol_type, &request.protocols) {
            return refuse(ErrorCode::InconsistentGroupProtocol);
        }
        let pending = (asked.from, asked.id);
        if request.member_id.is_empty() {
            let id = new_member_id(rng, request.instance.as_ref().unwrap_or(&request.client_id));
            return match &request.instance {
                None => {
                    // KIP-394: a dynamic member first gets an id, so that a lost answer leaves no ghost behind.
                    self.timers.set(Timer::Heartbeat(Arc::clone(&id)), work.now + request.session_timeout);
                    self.pending_members.insert(Arc::clone(&id));
                    Err(JoinRefused { error: ErrorCode::MemberIdRequired, member_id: id })
                }
                Some(instance) => {
                    match self.static_members.get(instance).cloned() {
                        None => self.add(work, &id, request, pending),
                        Some(former) => self.replace(work, &former, id, request, pending),
                    }
                    Ok(())
                }
            };
        }
        if self.pending_members.contains(&request.member_id) {
            self.add(work, &request.member_id, request, pending);
            return Ok(());
        }
        if let Err(error) = self.validate(&request.member_id, request.instance.as_ref()) {
            return refuse(error);
        }
        if self.state == GroupState::Empty {
            return refuse(ErrorCode::UnknownMemberId);
        }
        self.join_again(work, request, pending);
        Ok(())
    }

    /// `group.max.size`: while the group prepares, those count whose join is held back, so that it can shrink to its size.
    fn accepts(&self, id: &Arc<str>, most: u32) -> bool {
        let member = self.members.get(id);
        let (stays, others) = match self.state {
            GroupState::Empty => return true,
            GroupState::PreparingRebalance => {
                let waiting = self.members.values().filter(|member| member.joining.is_some()).count();
                (member.is_some_and(|member| member.joining.is_some()), waiting)
            }
            GroupState::CompletingRebalance | GroupState::Stable => (member.is_some(), self.members.len()),
        };
        stays || others < most as usize
    }

    fn add(&mut self, work: &mut Work, id: &Arc<str>, request: &JoinGroupRequest, pending: Pending) {
        if let Some(initial) = &mut self.initial {
            initial.newcomer = true;
        }
        if self.members.is_empty() {
            self.protocol_type = Some(Arc::clone(&request.protocol_type));
        }
        let member = Member {
            instance: request.instance.clone(),
            client_id: Arc::clone(&request.client_id),
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            protocols: request.protocols.clone(),
            assignment: Arc::default(),
            joining: Some(pending),
            syncing: None,
            is_new: true,
            came: 0,
        };
        self.insert(id, member);
        self.timers.set(Timer::Heartbeat(Arc::clone(id)), work.now + NEW_MEMBER_JOIN_TIMEOUT);
        let (client, name) = (&request.client_id, &self.name);
        let event = work.note(
            EventKind::MemberJoined,
            name,
            format!("{client} joined group {name}."),
            match &request.instance {
                Some(instance) => format!("JoinGroup; group.instance.id = {instance}"),
                None => format!("JoinGroup; group.initial.rebalance.delay.ms = {}", work.config.group_initial_rebalance_delay.millis()),
            },
            Vec::new(),
        );
        self.rebalance_or_complete(work, format!("{client} joined"), event);
    }

    /// A member joins that is in the group.
    fn join_again(&mut self, work: &mut Work, request: &JoinGroupRequest, pending: Pending) {
        let id = &request.member_id;
        let same = self.members[id].protocols == request.protocols;
        let settled = match self.state {
            GroupState::CompletingRebalance => same,
            // A leader that joins again wants a new assignment, because partitions were added for example.
            GroupState::Stable => same && !self.is_leader(id),
            GroupState::Empty | GroupState::PreparingRebalance => false,
        };
        if settled {
            // It lost the answer: the same generation again, nobody else notices.
            let answer = self.joined(id, false);
            return work.out.respond(pending.0, pending.1, answer);
        }
        let reason = match self.is_leader(id) {
            true => format!("{}, the group's leader, joined again", request.client_id),
            false => format!("{} joined again with another subscription", request.client_id),
        };
        self.update(id, request, pending);
        self.rebalance_or_complete_because(work, reason, Vec::new());
    }

    fn update(&mut self, id: &Arc<str>, request: &JoinGroupRequest, pending: Pending) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.protocols.clone_from(&request.protocols);
        member.rebalance_timeout = request.rebalance_timeout;
        member.session_timeout = request.session_timeout;
        member.joining = Some(pending);
    }

    /// A static member came back as another process: the new id takes over what the former one had (KIP-345).
    fn replace(&mut self, work: &mut Work, former: &Arc<str>, id: Arc<str>, request: &JoinGroupRequest, pending: Pending) {
        let Some(mut member) = self.members.remove(former) else { return };
        member.answer_join(join_refused(ErrorCode::FencedInstanceId, former), work);
        if let Some((to, correlation)) = member.syncing.take() {
            work.out.respond(to, correlation, Response::SyncGroup(Err(ErrorCode::FencedInstanceId)));
        }
        let before = Former {
            id: Arc::clone(former),
            protocols: member.protocols.clone(),
            session_timeout: member.session_timeout,
            rebalance_timeout: member.rebalance_timeout,
        };
        member.is_new = false;
        let led = self.is_leader(former);
        // Its former id goes on counting among those that have not synced, as in Kafka: when that phase ends there is a rebalance.
        self.insert(&id, member);
        if led {
            self.leader = Some(Arc::clone(&id));
        }
        self.timers.set(Timer::Heartbeat(Arc::clone(&id)), work.now + request.session_timeout);
        self.update(&id, request, pending);
        let (client, name) = (&request.client_id, &self.name);
        let instance = request.instance.as_deref().unwrap_or_default();
        let event = work.note(
            EventKind::MemberJoined,
            name,
            format!("{client} is back in group {name} as static member {instance}."),
            format!("group.instance.id = {instance}: it may be away for session.timeout.ms = {}", request.session_timeout.millis()),
            Vec::new(),
        );
        match self.state {
            GroupState::Stable if self.choose_protocol() == self.protocol => {
                // The group shares as before: the new id must be known to the next coordinator, and that is all.
                let record = self.record(self.state_since_ms);
                let then = Continuation::Replace { shard: work.shard, group: Arc::clone(&self.name), id, former: Box::new(before) };
                work.write(vec![record], then);
            }
            GroupState::Stable => self.rebalance_or_complete(work, format!("{client} came back with another protocol"), event),
            // Its former id may have been sent to the leader already, which would then assign it nothing.
            GroupState::CompletingRebalance => {
                self.prepare_rebalance(work, format!("{client} came back while the group's leader assigned"), vec![event]);
            }
            GroupState::Empty | GroupState::PreparingRebalance => self.maybe_complete_join(work),
        }
    }

    /// The record of a static member that came back is committed, or has failed.
    pub fn replaced(&mut self, work: &mut Work, id: &Arc<str>, former: Former, failed: Option<ErrorCode>) {
        let leads = self.is_leader(id);
        let Some(member) = self.members.get_mut(id) else { return };
        match failed {
            None => {
                let pending = member.joining.take();
                let answer = self.joined(id, leads);
                if let Some((to, correlation)) = pending {
                    work.out.respond(to, correlation, answer);
                }
            }
            Some(error) => {
                member.answer_join(join_refused(error, &Arc::from("")), work);
                let Some(mut member) = self.members.remove(id) else { return };
                let session_end = work.now + former.session_timeout;
                member.protocols = former.protocols;
                (member.session_timeout, member.rebalance_timeout) = (former.session_timeout, former.rebalance_timeout);
                self.insert(&former.id, member);
                if leads {
                    self.leader = Some(Arc::clone(&former.id));
                }
                self.timers.set(Timer::Heartbeat(former.id), session_end);
            }
        }
    }

    /// The answer to a join in the current generation.
    fn joined(&self, id: &Arc<str>, skip_assignment: bool) -> Response {
        Response::JoinGroup(Box::new(Ok(Joined {
            generation: self.generation,
            protocol: self.protocol.clone().unwrap_or_default(),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: Arc::clone(id),
            skip_assignment,
            members: if self.is_leader(id) { self.everybody() } else { Vec::new() },
        })))
    }

    pub(super) fn rebalance_or_complete(&mut self, work: &mut Work, reason: String, event: EventId) {
        self.rebalance_or_complete_because(work, reason, vec![event]);
    }

    pub(super) fn rebalance_or_complete_because(&mut self, work: &mut Work, reason: String, causes: Vec<EventId>) {
        match self.state {
            GroupState::PreparingRebalance => self.maybe_complete_join(work),
            _ => self.prepare_rebalance(work, reason, causes),
        }
    }

    /// Begins the join phase.
    pub(super) fn prepare_rebalance(&mut self, work: &mut Work, reason: String, causes: Vec<EventId>) {
        if self.state == GroupState::CompletingRebalance {
            self.refuse_syncs(work, ErrorCode::RebalanceInProgress);
        }
        self.pending_syncs.clear();
        self.timers.cancel(&Timer::Sync);
        let name = &self.name;
        let event = work.note(
            EventKind::RebalanceStarted,
            name,
            format!("Group {name} rebalances: {reason}."),
            "All members must join again; heartbeats tell them REBALANCE_IN_PROGRESS".to_owned(),
            causes,
        );
        (self.reason, self.causes) = (reason, vec![event]);
        let first = self.state == GroupState::Empty;
        self.enter(GroupState::PreparingRebalance, work);
        if first {
            let delay = work.config.group_initial_rebalance_delay;
            let remaining = self.longest_rebalance_timeout() - delay;
            self.initial = Some(InitialDelay { last: delay, remaining, newcomer: false });
            self.timers.set(Timer::Join, work.now + delay);
        } else if self.everybody_joined() {
            self.complete_join(work);
        } else {
            self.timers.set(Timer::Join, work.now + self.longest_rebalance_timeout());
        }
    }

    /// The first join phase of an empty group lasts its time, the others end with the last member's join.
    pub(super) fn maybe_complete_join(&mut self, work: &mut Work) {
        if self.state == GroupState::PreparingRebalance && self.initial.is_none() && self.everybody_joined() {
            self.complete_join(work);
        }
    }

    /// The time of the join phase is over.
    pub(super) fn join_phase_over(&mut self, work: &mut Work) {
        if let Some(initial) = &mut self.initial
            && initial.newcomer
            && initial.remaining > SimDuration::ZERO
        {
            // Somebody new came meanwhile: more may follow.
            let next = work.config.group_initial_rebalance_delay.min(initial.remaining);
            *initial = InitialDelay { last: next, remaining: initial.remaining - initial.last, newcomer: false };
            return self.timers.set(Timer::Join, work.now + next);
        }
        self.complete_join(work);
    }

    /// Ends the join phase: those who did not join are out, the generation rises, everybody who joined hears of it.
    pub(super) fn complete_join(&mut self, work: &mut Work) {
        self.timers.cancel(&Timer::Join);
        // Static members stay until their sessions end.
        let late = |member: &Member| member.joining.is_none() && member.instance.is_none();
        let missing: Vec<Arc<str>> = self.members.iter().filter(|(_, member)| late(member)).map(|(id, _)| Arc::clone(id)).collect();
        for id in &missing {
            let rule = "max.poll.interval.ms of the slowest member bounds the join phase";
            self.tell_left(work, id, "did not join again in time", rule);
            self.remove(id);
            self.timers.cancel(&Timer::Heartbeat(Arc::clone(id)));
        }
        if !self.members.is_empty() && !self.elect_joined_leader() {
            // Nobody has joined: the static members have until their sessions end.
            return self.timers.set(Timer::Join, work.now + self.longest_rebalance_timeout());
        }
        self.generation += i32::from(!planted(Bug::GenerationStays));
        self.pending_syncs.clear();
        if self.members.is_empty() {
            self.protocol = None;
            self.subscribed = self.subscribed_topics();
            self.enter(GroupState::Empty, work);
            let name = &self.name;
            let text = format!("Group {name} is empty in generation {}: {}.", self.generation, self.reason);
            work.note(EventKind::GroupRebalanced, name, text, "No member is left; its bookmarks stay".to_owned(), self.causes.clone());
            let record = self.record(self.state_since_ms);
            return work.write(vec![record], Continuation::Nothing);
        }
        self.protocol = self.choose_protocol();
        self.subscribed = self.subscribed_topics();
        self.enter(GroupState::CompletingRebalance, work);
        for id in self.members.keys().cloned().collect::<Vec<_>>() {
            let answer = self.joined(&id, false);
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.answer_join(answer, work);
            member.is_new = false;
            let session_end = work.now + member.session_timeout;
            self.pending_syncs.insert(Arc::clone(&id));
            self.timers.set(Timer::Heartbeat(id), session_end);
        }
        self.timers.set(Timer::Sync, work.now + self.longest_rebalance_timeout());
    }

    /// False when there are members and none of them has joined.
    fn elect_joined_leader(&mut self) -> bool {
        let joined = |group: &Self, id: &Arc<str>| group.members.get(id).is_some_and(|member| member.joining.is_some());
        if self.leader.as_ref().is_none_or(|leader| !joined(self, leader)) {
            let Some(next) = self.in_java_order().into_iter().find(|id| joined(self, id)) else { return false };
            self.leader = Some(next);
        }
        true
    }

    /// When something here happens by itself.
    pub fn next_timeout(&self) -> SimTime {
        self.timers.next()
    }
}
