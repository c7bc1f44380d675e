//! One step of a member towards its target: it gives up before anybody else gets, and gets only what nobody owns any more.
//!
//! Kafka's `CurrentAssignmentBuilder`, which is what keeps two members from reading one partition.

use super::{ConsumerGroup, ConsumerMember, MemberState, Owned};
use crate::error::ErrorCode;
use crate::ids::TopicPartition;
use crate::metadata::MetadataImage;
use crate::planted::{Bug, planted};
use crate::sorted::SortedSet;

/// What a step goes by.
pub(super) struct Step<'a> {
    pub group: &'a ConsumerGroup,
    pub image: &'a MetadataImage,
    pub target_epoch: i32,
    pub target: &'a SortedSet<TopicPartition>,
    /// In this heartbeat.
    pub subscription_changed: bool,
    /// What the member says it owns; not told in every heartbeat.
    pub owned: Option<&'a [TopicPartition]>,
}

impl Step<'_> {
    /// The member after the step; the same when it can do none.
    pub fn of(&self, member: ConsumerMember) -> Result<ConsumerMember, ErrorCode> {
        if !self.subscription_changed && member.is_reconciled_to(self.target_epoch) {
            return Ok(member);
        }
        let epoch = member.epoch;
        Ok(match member.state {
            MemberState::Stable if epoch != self.target_epoch => self.advance(member, epoch),
            MemberState::UnrevokedPartitions if !self.holds(&member.pending_revocation) => self.advance(member, epoch),
            MemberState::Stable | MemberState::UnrevokedPartitions if self.subscription_changed => self.unsubscribe(member),
            MemberState::Stable | MemberState::UnrevokedPartitions => member,
            MemberState::UnreleasedPartitions => self.advance(member, epoch),
            MemberState::Unknown if self.owned.is_none_or(|owned| !owned.is_empty()) => return Err(ErrorCode::FencedMemberEpoch),
            MemberState::Unknown => self.advance(member, self.target_epoch),
        })
    }

    /// It says nothing of what it owns, or still owns some of these.
    fn holds(&self, pending: &Owned) -> bool {
        self.owned.is_none_or(|owned| owned.iter().any(|id| pending.contains_key(id)))
    }

    fn subscribes(&self, member: &ConsumerMember, id: TopicPartition) -> bool {
        self.image.topic(id.topic).is_some_and(|topic| member.said.topics.contains(&topic.name))
    }

    /// Gives up what it no longer subscribes to, without looking at the target.
    fn unsubscribe(&self, mut member: ConsumerMember) -> ConsumerMember {
        let owned = std::mem::take(&mut member.assigned);
        let (stays, goes) = split(owned, |id| self.subscribes(&member, id));
        member.assigned = stays;
        if goes.is_empty() {
            return member;
        }
        let mut pending = member.pending_revocation.clone();
        pending.extend(goes);
        if self.holds(&pending) {
            member.state = MemberState::UnrevokedPartitions;
            member.pending_revocation = pending;
        }
        enter(&mut member, None);
        member
    }

    /// Revoke first; then take what is free; otherwise wait, or be done.
    fn advance(&self, mut member: ConsumerMember, epoch: i32) -> ConsumerMember {
        let owned = std::mem::take(&mut member.assigned);
        let wanted = |id: &TopicPartition| self.target.contains(id) && self.subscribes(&member, *id);
        let (stays, revoked) = split(owned, |id| wanted(&id));
        let missing = self.target.iter().filter(|id| !stays.contains_key(id) && wanted(id));
        let mut given: Vec<TopicPartition> = Vec::new();
        let mut unreleased = false;
        for id in missing {
            match self.group.is_owned(*id) && !member.pending_revocation.contains_key(id) && !planted(Bug::GivenBeforeReleased) {
                true => unreleased = true,
                false => given.push(*id),
            }
        }
        member.assigned = stays;
        if !revoked.is_empty() && self.holds(&revoked) {
            member.state = MemberState::UnrevokedPartitions;
            member.pending_revocation = revoked;
            enter(&mut member, Some(if planted(Bug::EpochsFall) { epoch - 1 } else { epoch }));
            return member;
        }
        member.assigned.extend(given.into_iter().map(|id| (id, self.target_epoch)));
        member.pending_revocation = Owned::new();
        member.state = if unreleased { MemberState::UnreleasedPartitions } else { MemberState::Stable };
        enter(&mut member, Some(self.target_epoch));
        member
    }
}

fn enter(member: &mut ConsumerMember, epoch: Option<i32>) {
    member.previous_epoch = member.epoch;
    member.epoch = epoch.unwrap_or(member.epoch);
}

fn split(owned: Owned, stays: impl Fn(TopicPartition) -> bool) -> (Owned, Owned) {
    let (mut kept, mut gone) = (Owned::new(), Owned::new());
    for (id, epoch) in owned {
        let side = if stays(id) { &mut kept } else { &mut gone };
        side.insert(id, epoch);
    }
    (kept, gone)
}
