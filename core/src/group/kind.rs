//! A group of either protocol.

use super::classic;
use super::consumer::ConsumerGroup;
use super::consumer::records::ConsumerRecord;
use super::offsets::GroupRecord;
use super::timers::{Timer, Timers};
use crate::error::ErrorCode;
use crate::ids::TopicPartition;
use crate::node::Outbox;
use crate::protocol::MemberRef;
use crate::time::SimTime;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum AnyGroup {
    /// Members divide the partitions among themselves.
    Classic(Box<classic::Group>),
    /// The coordinator divides them (KIP-848).
    Consumer(Box<ConsumerGroup>),
}

impl AnyGroup {
    /// A group nobody was in yet.
    pub fn simple(name: &Arc<str>, now: SimTime) -> Self {
        AnyGroup::Classic(Box::new(classic::Group::new(Arc::clone(name), now.timestamp_ms())))
    }

    /// Another broker coordinates it now.
    #[inline(never)]
    pub fn resign(self, out: &mut Outbox) {
        match self {
            AnyGroup::Classic(group) => group.resign(out),
            AnyGroup::Consumer(group) => group.resign(out),
        }
    }

    /// When a member's session ends, unless it is heard of before; when the join or sync phase under way ends; when a member must have
    /// given up what it was asked for.
    pub fn session_end(&self, member: &Arc<str>) -> Option<SimTime> {
        self.timers().end_of(&Timer::Heartbeat(Arc::clone(member)))
    }

    pub fn phase_end(&self) -> Option<SimTime> {
        self.timers().end_of(&Timer::Join).or_else(|| self.timers().end_of(&Timer::Sync))
    }

    pub fn revoked_by(&self, member: &Arc<str>) -> Option<SimTime> {
        self.timers().end_of(&Timer::Rebalance(Arc::clone(member)))
    }

    fn timers(&self) -> &Timers {
        match self {
            AnyGroup::Classic(group) => &group.timers,
            AnyGroup::Consumer(group) => &group.timers,
        }
    }

    pub fn classic(&self) -> Option<&classic::Group> {
        match self {
            AnyGroup::Classic(group) => Some(group),
            AnyGroup::Consumer(_) => None,
        }
    }

    pub fn classic_mut(&mut self) -> Option<&mut classic::Group> {
        match self {
            AnyGroup::Classic(group) => Some(group),
            AnyGroup::Consumer(_) => None,
        }
    }

    pub fn consumer(&self) -> Option<&ConsumerGroup> {
        match self {
            AnyGroup::Consumer(group) => Some(group),
            AnyGroup::Classic(_) => None,
        }
    }

    pub fn consumer_mut(&mut self) -> Option<&mut ConsumerGroup> {
        match self {
            AnyGroup::Consumer(group) => Some(group),
            AnyGroup::Classic(_) => None,
        }
    }

    /// As Kafka's tools print it.
    pub fn state_name(&self) -> &'static str {
        match self {
            AnyGroup::Classic(group) => group.state.name(),
            AnyGroup::Consumer(group) => group.state().name(),
        }
    }

    pub fn next_timeout(&self) -> SimTime {
        match self {
            AnyGroup::Classic(group) => group.next_timeout(),
            AnyGroup::Consumer(group) => group.next_timeout(),
        }
    }

    /// Whether a commit of this member is taken: for each partition.
    pub fn validate_commit(&self, asked: &MemberRef, ids: impl Iterator<Item = TopicPartition>) -> Result<Vec<bool>, ErrorCode> {
        match self {
            AnyGroup::Classic(group) => group.validate_commit(asked).map(|()| ids.map(|_| true).collect()),
            AnyGroup::Consumer(group) => group.may_commit(&asked.member_id, asked.generation, ids),
        }
    }

    /// A commit shows a member of the classic protocol to be alive.
    pub fn heard_by_commit(&mut self, now: SimTime, asked: &MemberRef) {
        if let AnyGroup::Classic(group) = self {
            group.heard_by_commit(now, asked);
        }
    }

    /// Whether a bookmark for this topic is in use.
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        match self {
            AnyGroup::Classic(group) => group.is_subscribed_to(topic),
            AnyGroup::Consumer(group) => group.topics().contains(topic),
        }
    }

    /// Whether bookmarks may be deleted of topics that nobody in it reads.
    pub fn validate_offset_delete(&self) -> Result<(), ErrorCode> {
        match self {
            AnyGroup::Classic(group) => group.validate_offset_delete(),
            AnyGroup::Consumer(_) => Ok(()),
        }
    }

    pub fn validate_delete(&self) -> Result<(), ErrorCode> {
        match self {
            AnyGroup::Classic(group) => group.validate_delete(),
            AnyGroup::Consumer(group) if group.members.is_empty() => Ok(()),
            AnyGroup::Consumer(_) => Err(ErrorCode::NonEmptyGroup),
        }
    }

    /// From when a bookmark's age counts, given when it was committed; `None`: it does not get old.
    pub fn bookmark_ages_from(&self, committed_ms: i64) -> Option<i64> {
        match self {
            AnyGroup::Classic(group) => group.bookmark_ages_from(committed_ms),
            AnyGroup::Consumer(_) => Some(committed_ms),
        }
    }

    /// What deletes it from `__consumer_offsets`, for groups that are empty.
    pub fn tombstones(&self) -> Vec<GroupRecord> {
        match self {
            AnyGroup::Classic(group) => vec![GroupRecord::GroupMetadata { group: Arc::clone(&group.name), value: None }],
            AnyGroup::Consumer(group) => {
                let record = |record| GroupRecord::Consumer { group: Arc::clone(&group.name), record };
                vec![record(ConsumerRecord::TargetEpoch(None)), record(ConsumerRecord::Epoch(None))]
            }
        }
    }
}
