//! One group under the new protocol (KIP-848): the coordinator itself decides who reads what, and members follow, each at its own pace.
//!
//! Kafka's `ConsumerGroup` and `ConsumerGroupMember`. The group changes by replaying its records alone ([`records`]); a heartbeat
//! ([`heartbeat`]) only says which records to write. Three numbers tell how far it is: the group's epoch rises when members or topics
//! change, the assignment's epoch follows when a new target is computed, each member's epoch when it has come to that target
//! ([`reconciliation`]).
//!
//! Not modelled: subscriptions by regular expression, and members of both protocols in one group.

pub mod heartbeat;
pub mod hosting;
mod reconciliation;
pub mod records;
#[cfg(test)]
mod tests;

use super::timers::{Timer, Timers};
use crate::error::ErrorCode;
use crate::ids::{EventId, TopicId, TopicPartition};
use crate::planted::{Bug, planted};
use crate::sorted::{SortedMap, SortedSet};
use crate::time::{SimDuration, SimTime};
use records::{ConsumerRecord, CurrentValue, MemberValue};
use std::sync::Arc;

/// A member that leaves for good says so with this epoch.
pub const LEAVES: i32 = -1;

/// A static member that will be back within its session says so with this one.
pub const LEAVES_FOR_NOW: i32 = -2;

/// Kafka's `ConsumerGroup.ConsumerGroupState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerGroupState {
    /// No members; offsets may remain.
    Empty,
    /// The target assignment is older than the group.
    Assigning,
    /// Members are on their way to the target.
    Reconciling,
    /// Every member owns what it should.
    Stable,
}

impl ConsumerGroupState {
    pub const fn name(self) -> &'static str {
        match self {
            ConsumerGroupState::Empty => "Empty",
            ConsumerGroupState::Assigning => "Assigning",
            ConsumerGroupState::Reconciling => "Reconciling",
            ConsumerGroupState::Stable => "Stable",
        }
    }
}

/// Kafka's `MemberState`; the number is what its record carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberState {
    /// It owns what the target of its epoch gives it.
    #[default]
    Stable,
    /// It was asked to give partitions up and has not said that it did.
    UnrevokedPartitions,
    /// It waits for partitions that others have not given up yet.
    UnreleasedPartitions,
    /// Written by a version that knows more states.
    Unknown,
}

impl MemberState {
    pub const fn name(self) -> &'static str {
        match self {
            MemberState::Stable => "STABLE",
            MemberState::UnrevokedPartitions => "UNREVOKED_PARTITIONS",
            MemberState::UnreleasedPartitions => "UNRELEASED_PARTITIONS",
            MemberState::Unknown => "UNKNOWN",
        }
    }

    const fn number(self) -> u8 {
        match self {
            MemberState::Stable => 0,
            MemberState::UnrevokedPartitions => 1,
            MemberState::UnreleasedPartitions => 2,
            MemberState::Unknown => 127,
        }
    }

    const fn of_number(number: u8) -> Self {
        match number {
            0 => MemberState::Stable,
            1 => MemberState::UnrevokedPartitions,
            2 => MemberState::UnreleasedPartitions,
            _ => MemberState::Unknown,
        }
    }
}

/// Partitions a member has, each with the epoch in which it was given (KIP-1251).
pub type Owned = SortedMap<TopicPartition, i32>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerMember {
    pub epoch: i32,
    /// The epoch before: an answer may have been lost on its way.
    pub previous_epoch: i32,
    pub state: MemberState,
    /// What it said of itself.
    pub said: MemberValue,
    pub assigned: Owned,
    pub pending_revocation: Owned,
}

impl ConsumerMember {
    fn new() -> Self {
        ConsumerMember { previous_epoch: -1, ..ConsumerMember::default() }
    }

    /// It has come to the target of this epoch.
    pub fn is_reconciled_to(&self, target_epoch: i32) -> bool {
        self.state == MemberState::Stable && self.epoch == target_epoch
    }

    fn current(&self) -> CurrentValue {
        CurrentValue {
            epoch: self.epoch,
            previous_epoch: self.previous_epoch,
            state: self.state,
            assigned: self.assigned.clone(),
            pending_revocation: self.pending_revocation.clone(),
        }
    }

    fn take_current(&mut self, value: CurrentValue) {
        self.epoch = value.epoch;
        self.previous_epoch = value.previous_epoch;
        self.state = value.state;
        self.assigned = value.assigned;
        self.pending_revocation = value.pending_revocation;
    }
}

/// Which of a member's clocks runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clock {
    /// It must let itself be heard of until then.
    Session,
    /// It must have given up what it was asked for.
    Rebalance,
}

impl Clock {
    const fn timer(self, member: Arc<str>) -> Timer {
        match self {
            Clock::Session => Timer::Heartbeat(member),
            Clock::Rebalance => Timer::Rebalance(member),
        }
    }
}

#[derive(Clone, Debug)]
pub struct ConsumerGroup {
    pub name: Arc<str>,
    pub epoch: i32,
    /// Of the topics subscribed to, as the group last saw them.
    metadata_hash: u64,
    pub assignment_epoch: i32,
    /// When the target was computed; 0 when that is not known.
    assignment_timestamp_ms: i64,
    pub members: SortedMap<Arc<str>, ConsumerMember>,
    /// What each member is to own.
    pub target: SortedMap<Arc<str>, Arc<SortedSet<TopicPartition>>>,
    pub static_members: SortedMap<Arc<str>, Arc<str>>,
    /// The epoch of the member that owns a partition, by its number; -1: nobody.
    owner_epochs: SortedMap<TopicId, Vec<i32>>,
    /// Not in the log: until when members must act, and the epoch of those that must give partitions up.
    pub(super) timers: Timers,
    revoking: SortedMap<Arc<str>, i32>,
    /// Not in the log: the metadata at which the topics were last looked at, and the group epoch since which that holds.
    looked_at: Option<(u64, i32)>,
    /// Not in the log: writes that are not committed yet, and answers that are true only with them.
    open_writes: u32,
    behind: Vec<hosting::Waiting>,
    /// What has happened since the last target, for the causes of the next.
    pub because: Vec<EventId>,
}

impl ConsumerGroup {
    pub fn new(name: Arc<str>) -> Self {
        ConsumerGroup {
            name,
            epoch: 1,
            metadata_hash: 0,
            assignment_epoch: 1,
            assignment_timestamp_ms: 0,
            members: SortedMap::new(),
            target: SortedMap::new(),
            static_members: SortedMap::new(),
            owner_epochs: SortedMap::new(),
            timers: Timers::default(),
            revoking: SortedMap::new(),
            looked_at: None,
            open_writes: 0,
            behind: Vec::new(),
            because: Vec::new(),
        }
    }

    pub fn state(&self) -> ConsumerGroupState {
        if self.members.is_empty() {
            ConsumerGroupState::Empty
        } else if self.epoch > self.assignment_epoch {
            ConsumerGroupState::Assigning
        } else if self.members.values().all(|member| member.is_reconciled_to(self.assignment_epoch)) {
            ConsumerGroupState::Stable
        } else {
            ConsumerGroupState::Reconciling
        }
    }

    /// All topics the members subscribe to.
    pub fn topics(&self) -> SortedSet<Arc<str>> {
        self.members.values().flat_map(|member| member.said.topics.iter().cloned()).collect()
    }

    /// Somebody owns it or has not yet given it up.
    fn is_owned(&self, id: TopicPartition) -> bool {
        self.owner_epochs.get(&id.topic).and_then(|epochs| epochs.get(id.partition as usize)).is_some_and(|epoch| *epoch != -1)
    }

    /// Changes the group as a record in the log says.
    pub fn replay(&mut self, record: ConsumerRecord) {
        match record {
            ConsumerRecord::Epoch(value) => {
                (self.epoch, self.metadata_hash) = value.unwrap_or((1, 0));
            }
            ConsumerRecord::TargetEpoch(value) => {
                (self.assignment_epoch, self.assignment_timestamp_ms) = value.unwrap_or((-1, 0));
            }
            ConsumerRecord::Member(id, Some(said)) => {
                if let Some(instance) = &said.instance_id {
                    self.static_members.insert(Arc::clone(instance), Arc::clone(&id));
                }
                self.members.get_or_insert_with(id, ConsumerMember::new).said = *said;
            }
            ConsumerRecord::Member(id, None) => self.remove(&id),
            ConsumerRecord::Target(id, Some(partitions)) => {
                self.target.insert(id, partitions);
            }
            ConsumerRecord::Target(id, None) => {
                self.target.remove(&id);
            }
            ConsumerRecord::Current(id, value) => self.change_current(&id, value.map(|value| *value)),
        }
    }

    fn change_current(&mut self, id: &Arc<str>, value: Option<CurrentValue>) {
        let gone = CurrentValue { epoch: LEAVES, previous_epoch: LEAVES, ..CurrentValue::default() };
        let value = match value {
            Some(value) => {
                self.members.get_or_insert_with(Arc::clone(id), ConsumerMember::new);
                value
            }
            None => gone,
        };
        let Some(member) = self.members.get_mut(id) else { return };
        let old = std::mem::take(member);
        let keeps = MemberValue::clone(&old.said);
        release(&mut self.owner_epochs, &old);
        member.said = keeps;
        member.take_current(value);
        take(&mut self.owner_epochs, member);
    }

    fn remove(&mut self, id: &Arc<str>) {
        let Some(member) = self.members.remove(id) else { return };
        release(&mut self.owner_epochs, &member);
        if let Some(instance) = &member.said.instance_id
            && self.static_members.get(instance) == Some(id)
        {
            self.static_members.remove(instance);
        }
    }

    /// `ConsumerGroup.validateOffsetCommit`: true for each partition that may be committed with this epoch.
    pub fn may_commit(
        &self,
        member_id: &str,
        epoch: i32,
        partitions: impl Iterator<Item = TopicPartition>,
    ) -> Result<Vec<bool>, ErrorCode> {
        if (epoch < 0 && self.members.is_empty()) || planted(Bug::OldEpochsCommit) {
            return Ok(partitions.map(|_| true).collect());
        }
        let member = self.members.get(member_id).ok_or(ErrorCode::UnknownMemberId)?;
        if epoch > member.epoch {
            return Err(ErrorCode::StaleMemberEpoch);
        }
        let given = |id| member.assigned.get(&id).or_else(|| member.pending_revocation.get(&id));
        let since = |id| given(id).is_some_and(|since| *since <= epoch);
        Ok(partitions.map(|id| epoch == member.epoch || since(id)).collect())
    }

    /// `ConsumerGroup.validateOffsetFetch`; administrators name no member.
    pub fn may_fetch(&self, asking: Option<(&str, i32)>) -> Result<(), ErrorCode> {
        let Some((member_id, epoch)) = asking else { return Ok(()) };
        let member = self.members.get(member_id).ok_or(ErrorCode::UnknownMemberId)?;
        match member.epoch == epoch {
            true => Ok(()),
            false => Err(ErrorCode::StaleMemberEpoch),
        }
    }

    /// A coordinator that takes over gives every member a full session.
    pub fn loaded(&mut self, now: SimTime, session: SimDuration) {
        let mut revoking = Vec::new();
        for (id, member) in &self.members {
            if member.state == MemberState::UnrevokedPartitions {
                revoking.push((Arc::clone(id), now + member.said.rebalance_timeout, member.epoch));
            }
        }
        let ids: Vec<Arc<str>> = self.members.keys().cloned().collect();
        ids.into_iter().for_each(|id| self.wind(id, Clock::Session, now + session, 0));
        revoking.into_iter().for_each(|(id, until, epoch)| self.wind(id, Clock::Rebalance, until, epoch));
    }

    fn wind(&mut self, member: Arc<str>, clock: Clock, until: SimTime, epoch: i32) {
        if clock == Clock::Rebalance {
            self.revoking.insert(Arc::clone(&member), epoch);
        }
        self.timers.set(clock.timer(member), until);
    }

    fn unwind(&mut self, member: &Arc<str>, clock: Clock) {
        self.timers.cancel(&clock.timer(Arc::clone(member)));
        if clock == Clock::Rebalance {
            self.revoking.remove(member);
        }
    }

    pub fn next_timeout(&self) -> SimTime {
        self.timers.next()
    }

    /// Takes out the clock that ran out first.
    fn run_out(&mut self, now: SimTime) -> Option<(Arc<str>, Clock, i32)> {
        match self.timers.take_due(now)? {
            Timer::Rebalance(member) => {
                let epoch = self.revoking.remove(&member).unwrap_or_default();
                Some((member, Clock::Rebalance, epoch))
            }
            Timer::Heartbeat(member) => Some((member, Clock::Session, 0)),
            Timer::Join | Timer::Sync => None,
        }
    }
}

fn each_owned(member: &ConsumerMember) -> impl Iterator<Item = TopicPartition> + '_ {
    member.assigned.keys().chain(member.pending_revocation.keys()).copied()
}

/// A partition is free again unless somebody has come to own it at another epoch.
fn release(owners: &mut SortedMap<TopicId, Vec<i32>>, member: &ConsumerMember) {
    for id in each_owned(member) {
        let epochs = owners.get_mut(&id.topic).and_then(|epochs| epochs.get_mut(id.partition as usize));
        if let Some(epoch) = epochs.filter(|epoch| **epoch == member.epoch) {
            *epoch = -1;
        }
    }
}

fn take(owners: &mut SortedMap<TopicId, Vec<i32>>, member: &ConsumerMember) {
    for id in each_owned(member) {
        let epochs = owners.entry(id.topic).or_default();
        let place = id.partition as usize;
        if epochs.len() <= place {
            epochs.resize(place + 1, -1);
        }
        // A static member that left for now keeps what it had, with an epoch below nobody's.
        if epochs[place] == -1 || epochs[place] < member.epoch {
            epochs[place] = member.epoch;
        }
    }
}
