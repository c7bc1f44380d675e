//! How members go: with a goodbye, or because nobody has heard of them.

use super::joining::join_refused;
use super::{Group, GroupState};
use crate::error::ErrorCode;
use crate::group::Work;
use crate::group::timers::Timer;
use crate::ids::EventId;
use crate::protocol::{MemberRef, Response};
use crate::trace::EventKind;
use std::sync::Arc;

impl Group {
    pub fn leave(&mut self, work: &mut Work, request: &MemberRef) -> Result<(), ErrorCode> {
        let id = match (&request.instance, request.member_id.is_empty()) {
            // An administrator removes a static member by its instance.
            (Some(instance), true) => Arc::clone(self.static_members.get(instance).ok_or(ErrorCode::UnknownMemberId)?),
            _ => Arc::clone(&request.member_id),
        };
        let client = self.members.get(&id).map_or(&*id, |member| &*member.client_id);
        let reason = format!("{client} left");
        let causes = if self.pending_members.contains(&id) {
            self.remove(&id);
            Vec::new()
        } else {
            self.validate(&id, request.instance.as_ref())?;
            vec![self.drop_member(work, &id, "left the group", "LeaveGroup: a clean goodbye")]
        };
        self.timers.cancel(&Timer::Heartbeat(id));
        match self.state {
            GroupState::Stable | GroupState::CompletingRebalance => {
                self.rebalance_or_complete_because(work, reason, causes);
            }
            GroupState::PreparingRebalance => self.maybe_complete_join(work),
            GroupState::Empty => {}
        }
        Ok(())
    }

    /// Nobody has heard of a member, or of an id that was only announced, for its session.
    pub(super) fn session_over(&mut self, work: &mut Work, id: &Arc<str>) {
        if self.pending_members.contains(id) {
            self.remove(id);
        } else {
            let Some(member) = self.members.get(id).filter(|member| !member.waits()) else { return };
            let timeout = member.session_timeout;
            let how = format!("was not heard of for {timeout}");
            let reason = format!("{} {how}", member.client_id);
            let causes = vec![self.drop_member(work, id, &how, &format!("session.timeout.ms = {}", timeout.millis()))];
            if matches!(self.state, GroupState::Stable | GroupState::CompletingRebalance) {
                return self.prepare_rebalance(work, reason, causes);
            }
        }
        if self.state == GroupState::PreparingRebalance && self.everybody_joined() {
            self.complete_join(work);
        }
    }

    /// A join that is held back is answered, so that the client tries again if it is there after all.
    fn drop_member(&mut self, work: &mut Work, id: &Arc<str>, how: &str, rule: &str) -> EventId {
        let event = self.tell_left(work, id, how, rule);
        if let Some(member) = self.members.get_mut(id) {
            member.answer_join(join_refused(ErrorCode::UnknownMemberId, &Arc::from("")), work);
        }
        self.remove(id);
        event
    }

    pub(super) fn tell_left(&self, work: &mut Work, id: &Arc<str>, how: &str, rule: &str) -> EventId {
        let client = self.members.get(id).map_or(&**id, |member| &*member.client_id);
        work.note(EventKind::MemberLeft, &self.name, format!("{client} {how} ({}).", self.name), rule.to_owned(), Vec::new())
    }

    /// Another broker coordinates this group now: whoever waits here must look for it.
    pub fn resign(self, out: &mut crate::node::Outbox) {
        for mut member in self.members.into_values() {
            if let Some((to, id)) = member.joining.take() {
                out.respond(to, id, join_refused(ErrorCode::NotCoordinator, &Arc::from("")));
            }
            if let Some((to, id)) = member.syncing.take() {
                out.respond(to, id, Response::SyncGroup(Err(ErrorCode::NotCoordinator)));
            }
        }
    }
}
