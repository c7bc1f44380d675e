//! One group under the classic protocol: members join, one of them assigns, all sync; heartbeats keep them in.
//!
//! Rules of Kafka's `ClassicGroup` and `GroupMetadataManager`. The group decides and changes; what must outlive the coordinator is
//! written to `__consumer_offsets` by its owner.

use crate::ids::{CorrelationId, NodeId};
use crate::protocol::{JoinGroupRequest, MemberAssignment};
use crate::sorted::{SortedMap, SortedSet};
use crate::time::{SimDuration, SimTime};
use std::sync::Arc;

/// Kafka's `ClassicGroupState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// No members; offsets may remain. Left by a join.
    Empty,
    /// Waits for every member to join. Entered by a join, a leave or an expired session.
    PreparingRebalance,
    /// Waits for the leader's assignment.
    CompletingRebalance,
    /// Everybody has an assignment.
    Stable,
}

impl GroupState {
    pub const fn name(self) -> &'static str {
        match self {
            GroupState::Empty => "Empty",
            GroupState::PreparingRebalance => "PreparingRebalance",
            GroupState::CompletingRebalance => "CompletingRebalance",
            GroupState::Stable => "Stable",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Member {
    pub client_id: Arc<str>,
    pub session_timeout: SimDuration,
    pub rebalance_timeout: SimDuration,
    pub protocols: Vec<Arc<str>>,
    pub topics: Vec<Arc<str>>,
    pub assignment: Arc<MemberAssignment>,
    /// The coordinator lets it go at this time unless it hears from it.
    pub session_end: SimTime,
    pub joining: Option<(NodeId, CorrelationId)>,
    pub syncing: Option<(NodeId, CorrelationId)>,
    /// Counts joins, so that the leader is the first that came.
    pub joined_as: u64,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: Arc<str>,
    pub state: GroupState,
    pub generation: i32,
    pub protocol: Option<Arc<str>>,
    pub leader: Option<Arc<str>>,
    pub members: SortedMap<Arc<str>, Member>,
    /// Ids given with MEMBER_ID_REQUIRED and not used yet, with the time they lapse.
    pub pending_members: SortedMap<Arc<str>, SimTime>,
    /// While preparing: when the join phase ends whoever is missing; while completing: when the sync phase does.
    pub phase_end: SimTime,
    /// The first join phase of an empty group: `group.initial.rebalance.delay.ms`, extended by newcomers.
    pub initial: Option<InitialDelay>,
    joins: u64,
    /// Why the running rebalance began, as a sentence.
    pub reason: String,
}

#[derive(Clone, Copy, Debug)]
pub struct InitialDelay {
    pub remaining: SimDuration,
    pub newcomer: bool,
}

impl Group {
    pub fn new(name: Arc<str>) -> Self {
        Group {
            name,
            state: GroupState::Empty,
            generation: 0,
            protocol: None,
            leader: None,
            members: SortedMap::new(),
            pending_members: SortedMap::new(),
            phase_end: SimTime::MAX,
            initial: None,
            joins: 0,
            reason: String::new(),
        }
    }

    /// Takes a member in, or takes its new word.
    pub fn upsert(&mut self, now: SimTime, member_id: &Arc<str>, request: &JoinGroupRequest, joining: (NodeId, CorrelationId)) {
        self.joins += 1;
        let joined_as = self.members.get(member_id).map_or(self.joins, |member| member.joined_as);
        let member = Member {
            client_id: Arc::clone(&request.client_id),
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            protocols: request.protocols.clone(),
            topics: request.topics.clone(),
            assignment: self.members.get(member_id).map(|member| Arc::clone(&member.assignment)).unwrap_or_default(),
            session_end: now + request.session_timeout,
            joining: Some(joining),
            syncing: None,
            joined_as,
        };
        self.members.insert(Arc::clone(member_id), member);
        self.pending_members.remove(member_id);
        if self.leader.is_none() {
            self.leader = Some(Arc::clone(member_id));
        }
    }

    /// Starts the join phase.
    pub fn prepare_rebalance(&mut self, now: SimTime, initial_delay: SimDuration, reason: String) {
        self.reason = reason;
        if self.state == GroupState::Empty {
            let remaining = self.longest_rebalance_timeout() - initial_delay;
            self.initial = Some(InitialDelay { remaining, newcomer: false });
            self.phase_end = now + initial_delay;
        } else {
            self.initial = None;
            self.phase_end = now + self.longest_rebalance_timeout();
        }
        self.state = GroupState::PreparingRebalance;
    }

    fn longest_rebalance_timeout(&self) -> SimDuration {
        self.members.values().map(|member| member.rebalance_timeout).max().unwrap_or_default()
    }

    /// The join phase of a running group ends early when everybody has joined and nobody is announced.
    pub fn everybody_joined(&self) -> bool {
        self.initial.is_none() && self.pending_members.is_empty() && self.members.values().all(|member| member.joining.is_some())
    }

    /// The initial delay is over; true when it is extended because somebody new came meanwhile.
    pub fn extend_initial_delay(&mut self, now: SimTime, delay: SimDuration) -> bool {
        let Some(initial) = &mut self.initial else { return false };
        if !initial.newcomer || initial.remaining == SimDuration::ZERO {
            return false;
        }
        let extension = delay.min(initial.remaining);
        initial.newcomer = false;
        initial.remaining = initial.remaining - extension;
        self.phase_end = now + extension;
        true
    }

    /// Ends the join phase: those who did not join are out, the generation rises, the protocol most prefer is taken.
    /// Gives the ids of members that were dropped.
    pub fn complete_join(&mut self, now: SimTime) -> Vec<Arc<str>> {
        let missing: Vec<Arc<str>> =
            self.members.iter().filter(|(_, member)| member.joining.is_none()).map(|(id, _)| Arc::clone(id)).collect();
        missing.iter().for_each(|id| self.remove(id));
        self.initial = None;
        self.generation += 1;
        if self.members.is_empty() {
            self.state = GroupState::Empty;
            self.protocol = None;
            self.phase_end = SimTime::MAX;
            return missing;
        }
        self.protocol = self.choose_protocol();
        self.state = GroupState::CompletingRebalance;
        self.phase_end = now + self.longest_rebalance_timeout();
        missing
    }

    /// Candidates are what all members support; each votes for its first one; most votes win.
    fn choose_protocol(&self) -> Option<Arc<str>> {
        let supported = |name: &Arc<str>| self.members.values().all(|member| member.protocols.contains(name));
        let mut votes: SortedMap<&Arc<str>, u32> = SortedMap::new();
        for member in self.members.values() {
            if let Some(choice) = member.protocols.iter().find(|name| supported(name)) {
                *votes.entry(choice).or_default() += 1;
            }
        }
        votes.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| Arc::clone(name))
    }

    /// True when the protocols of a newcomer fit those of the members.
    pub fn supports(&self, protocols: &[Arc<str>]) -> bool {
        self.members.is_empty() || protocols.iter().any(|name| self.members.values().all(|member| member.protocols.contains(name)))
    }

    /// Drops a member; the leadership goes to who joined first of the rest.
    pub fn remove(&mut self, member_id: &Arc<str>) {
        self.members.remove(member_id);
        if self.leader.as_ref() == Some(member_id) {
            let first = self.members.iter().min_by_key(|(_, member)| member.joined_as);
            self.leader = first.map(|(id, _)| Arc::clone(id));
        }
    }

    /// All topics the members subscribe to.
    pub fn topics(&self) -> SortedSet<Arc<str>> {
        self.members.values().flat_map(|member| member.topics.iter().cloned()).collect()
    }

    pub fn next_timeout(&self) -> SimTime {
        let waits = |member: &&Member| member.joining.is_none() && member.syncing.is_none();
        let sessions = self.members.values().filter(waits).map(|member| member.session_end).min();
        let pending = self.pending_members.values().min().copied();
        self.phase_end.min(sessions.unwrap_or(SimTime::MAX)).min(pending.unwrap_or(SimTime::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ClientId;

    const NOW: SimTime = SimTime(1_000_000);
    const DELAY: SimDuration = SimDuration::from_secs(3);

    fn join(group: &mut Group, member: &str, protocols: &[&str]) {
        let request = JoinGroupRequest {
            group: Arc::clone(&group.name),
            member_id: Arc::from(member),
            client_id: Arc::from(member),
            session_timeout: SimDuration::from_secs(45),
            rebalance_timeout: SimDuration::from_secs(300),
            protocols: protocols.iter().map(|name| Arc::from(*name)).collect(),
            topics: vec![Arc::from("orders")],
        };
        let from = (NodeId::Client(ClientId(0)), CorrelationId(1));
        group.upsert(NOW, &Arc::from(member), &request, from);
    }

    fn group(members: &[&str]) -> Group {
        let mut group = Group::new(Arc::from("g"));
        members.iter().for_each(|member| join(&mut group, member, &["range"]));
        group
    }

    #[test]
    fn the_first_to_join_leads_and_the_next_oldest_follows_it() {
        let mut group = group(&["c", "a", "b"]);
        assert_eq!(group.leader.as_deref(), Some("c"));
        group.remove(&Arc::from("c"));
        assert_eq!(group.leader.as_deref(), Some("a"));
    }

    #[test]
    fn a_generation_begins_with_those_who_joined() {
        let mut group = group(&["a", "b"]);
        group.prepare_rebalance(NOW, DELAY, String::new());
        group.members.get_mut("b").expect("a member").joining = None;
        let missing = group.complete_join(NOW);
        assert_eq!((missing.len(), group.generation, group.members.len()), (1, 1, 1));
        assert_eq!(group.state, GroupState::CompletingRebalance);
    }

    #[test]
    fn a_group_nobody_joined_again_is_empty_in_a_new_generation() {
        let mut group = group(&["a"]);
        group.members.get_mut("a").expect("a member").joining = None;
        group.complete_join(NOW);
        assert_eq!((group.state, group.generation, group.leader), (GroupState::Empty, 1, None));
    }

    #[test]
    fn newcomers_extend_the_first_delay() {
        let mut group = group(&["a"]);
        group.prepare_rebalance(NOW, DELAY, String::new());
        assert!(!group.everybody_joined(), "the first join phase lasts its time");
        assert_eq!(group.phase_end, NOW + DELAY);
        group.initial.as_mut().expect("an empty group").newcomer = true;
        assert!(group.extend_initial_delay(NOW + DELAY, DELAY));
        assert!(!group.extend_initial_delay(NOW + DELAY + DELAY, DELAY), "nobody came since");
    }

    #[test]
    fn the_protocol_is_one_that_all_support_and_most_prefer() {
        let mut group = group(&[]);
        join(&mut group, "a", &["sticky", "range"]);
        join(&mut group, "b", &["range", "sticky"]);
        join(&mut group, "c", &["range", "sticky"]);
        group.complete_join(NOW);
        assert_eq!(group.protocol.as_deref(), Some("range"));
        assert!(group.supports(&[Arc::from("sticky")]) && !group.supports(&[Arc::from("roundrobin")]));
    }
}
