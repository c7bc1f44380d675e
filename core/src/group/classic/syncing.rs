//! The sync phase: the leader's assignment goes to everybody.

use super::{Group, GroupState};
use crate::error::ErrorCode;
use crate::group::timers::Timer;
use crate::group::{Asked, Continuation, Work};
use crate::planted::{Bug, planted};
use crate::protocol::{MemberRef, Response, SyncGroupRequest};
use crate::time::SimTime;
use crate::trace::EventKind;
use std::sync::Arc;

impl Group {
    /// Answers now, or when the leader has assigned; `Err` is the answer.
    pub fn sync(&mut self, work: &mut Work, asked: &Asked, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        let differs = |said: &Option<Arc<str>>, known: &Option<Arc<str>>| said.is_some() && known.is_some() && said != known;
        let id = &request.member.member_id;
        if self.state == GroupState::Empty {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.validate_generation(&request.member)?;
        if differs(&request.protocol_type, &self.protocol_type) || differs(&request.protocol, &self.protocol) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        if self.state == GroupState::PreparingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        self.pending_syncs.remove(id);
        if self.pending_syncs.is_empty() {
            self.timers.cancel(&Timer::Sync);
        }
        let Some(member) = self.members.get_mut(id) else { return Err(ErrorCode::UnknownMemberId) };
        if self.state == GroupState::Stable {
            work.out.respond(asked.from, asked.id, Response::SyncGroup(Ok(Arc::clone(&member.assignment))));
            return Ok(());
        }
        member.syncing = Some((asked.from, asked.id));
        if self.is_leader(id) {
            // The leader's word becomes a record; everybody hears it when that is committed.
            for (id, member) in &mut self.members {
                let id = if planted(Bug::AllGetTheLeadersShare) { &request.member.member_id } else { id };
                member.assignment = request.assignments.get(id).cloned().unwrap_or_default();
            }
            let then = Continuation::FinishSync { shard: work.shard, group: Arc::clone(&self.name), generation: self.generation };
            let record = self.record(self.state_since_ms);
            work.write(vec![record], then);
        }
        Ok(())
    }

    /// The record of the assignment is committed, or has failed.
    pub fn assigned(&mut self, work: &mut Work, generation: i32, failed: Option<ErrorCode>) {
        if self.state != GroupState::CompletingRebalance || self.generation != generation {
            return;
        }
        if let Some(error) = failed {
            self.refuse_syncs(work, error);
            return self.prepare_rebalance(work, format!("its assignment could not be stored ({error})"), Vec::new());
        }
        let mut ends = Vec::new();
        for (id, member) in &mut self.members {
            let Some((to, correlation)) = member.syncing.take() else { continue };
            work.out.respond(to, correlation, Response::SyncGroup(Ok(Arc::clone(&member.assignment))));
            ends.push((Arc::clone(id), work.now + member.session_timeout));
        }
        for (id, end) in ends {
            self.timers.set(Timer::Heartbeat(id), end);
        }
        self.enter(GroupState::Stable, work);
        let name = &self.name;
        let shares: Vec<String> = self.members.values().map(super::records::share).collect();
        work.note(
            EventKind::GroupRebalanced,
            name,
            format!("Group {name} is stable in generation {generation}: {}.", shares.join("; ")),
            format!("{}; the group leader's client ran the {} assignor", self.reason, self.protocol.as_deref().unwrap_or("?")),
            self.causes.clone(),
        );
    }

    /// Whoever waits for its assignment does so in vain (`resetAndPropagateAssignmentWithError`).
    pub(super) fn refuse_syncs(&mut self, work: &mut Work, error: ErrorCode) {
        for (id, member) in &mut self.members {
            member.assignment = Arc::default();
            if let Some((to, correlation)) = member.syncing.take() {
                work.out.respond(to, correlation, Response::SyncGroup(Err(error)));
                self.timers.set(Timer::Heartbeat(Arc::clone(id)), work.now + member.session_timeout);
            }
        }
    }

    /// The time of the sync phase is over: members that never asked are out, the others start again.
    pub(super) fn sync_phase_over(&mut self, work: &mut Work) {
        let settled = matches!(self.state, GroupState::Empty | GroupState::PreparingRebalance);
        if settled || self.pending_syncs.is_empty() {
            return;
        }
        let mut causes = Vec::new();
        for id in std::mem::take(&mut self.pending_syncs) {
            causes.push(self.tell_left(work, &id, "did not sync in time", "the rebalance timeout bounds the sync phase too"));
            self.remove(&id);
            self.timers.cancel(&Timer::Heartbeat(id));
        }
        self.prepare_rebalance(work, "members did not ask for their assignment in time".to_owned(), causes);
    }

    pub fn heartbeat(&mut self, now: SimTime, request: &MemberRef) -> Result<(), ErrorCode> {
        self.validate_generation(request)?;
        match self.state {
            GroupState::Empty => Err(ErrorCode::UnknownMemberId),
            GroupState::PreparingRebalance => {
                self.heard_of(now, &request.member_id);
                Err(ErrorCode::RebalanceInProgress)
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                self.heard_of(now, &request.member_id);
                Ok(())
            }
        }
    }

    /// A commit shows that its member is alive, unless the group is between generations.
    pub fn heard_by_commit(&mut self, now: SimTime, request: &MemberRef) {
        if matches!(self.state, GroupState::Stable | GroupState::PreparingRebalance) {
            self.heard_of(now, &request.member_id);
        }
    }

    fn heard_of(&mut self, now: SimTime, id: &Arc<str>) {
        if let Some(member) = self.members.get(id) {
            self.timers.set(Timer::Heartbeat(Arc::clone(id)), now + member.session_timeout);
        }
    }
}
