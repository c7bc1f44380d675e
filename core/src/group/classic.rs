//! One group under the classic protocol: members join, one of them assigns, all sync; heartbeats keep them in.
//!
//! Rules of Kafka's `ClassicGroup` and `GroupMetadataManager`. Here stands what a group is; [`joining`], [`syncing`] and [`leaving`]
//! hold what happens to it. What must outlive the coordinator is written to `__consumer_offsets` ([`records`]).

mod joining;
mod leaving;
pub mod records;
mod syncing;

use super::consumer_protocol::Subscription;
use super::timers::{Timer, Timers};
use super::{Pending, Work};
use crate::error::ErrorCode;
use crate::hash::{java_map_order, java_string_hash};
use crate::ids::EventId;
use crate::planted::{Bug, planted};
use crate::protocol::{JoinProtocol, JoinedMember, MemberRef, Response};
use crate::sorted::{SortedMap, SortedSet};
use crate::time::SimDuration;
use std::sync::Arc;

/// The protocol type of consumers.
pub const CONSUMER: &str = "consumer";

/// Kafka's `ClassicGroupState`; a group that is `Dead` is not there any more.
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
    /// `group.instance.id` of a static member (KIP-345).
    pub instance: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub session_timeout: SimDuration,
    pub rebalance_timeout: SimDuration,
    pub protocols: Vec<JoinProtocol>,
    /// In ConsumerProtocol bytes.
    pub assignment: Arc<[u8]>,
    pub joining: Option<Pending>,
    pub syncing: Option<Pending>,
    /// It has not come through a rebalance yet: its session ends even while its join is held back.
    is_new: bool,
    /// Counts joins: the order in which members came, which Java's maps remember within a bucket.
    came: u64,
}

impl Member {
    /// The topics it subscribes to, as its bytes for a protocol tell.
    fn topics(&self, protocol: &str) -> Vec<Arc<str>> {
        Subscription::read(&self.metadata(protocol)).unwrap_or_default().topics
    }

    fn metadata(&self, protocol: &str) -> Arc<[u8]> {
        let offered = self.protocols.iter().find(|offered| *offered.name == *protocol);
        offered.map(|offered| Arc::clone(&offered.metadata)).unwrap_or_default()
    }

    /// Waiting for others satisfies the expected heartbeat (`ClassicGroupMember.hasSatisfiedHeartbeat`).
    fn waits(&self) -> bool {
        !self.is_new && (self.joining.is_some() || self.syncing.is_some())
    }

    fn answer_join(&mut self, answer: Response, work: &mut Work) {
        if let Some((to, id)) = self.joining.take() {
            work.out.respond(to, id, answer);
        }
    }
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: Arc<str>,
    pub state: GroupState,
    /// The join phase under way is the first one of an empty group, which lasts its time whoever has joined.
    initial: Option<InitialDelay>,
    pub generation: i32,
    /// Of the members; none in a group that only keeps offsets of a consumer outside groups (a "simple" group).
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    pub leader: Option<Arc<str>>,
    pub members: SortedMap<Arc<str>, Member>,
    /// `group.instance.id` to member id.
    pub static_members: SortedMap<Arc<str>, Arc<str>>,
    /// Ids given with MEMBER_ID_REQUIRED and not used yet.
    pub pending_members: SortedSet<Arc<str>>,
    /// Who has not asked for its assignment in this generation.
    pending_syncs: SortedSet<Arc<str>>,
    /// Of all members in this generation; `None` when nobody could tell.
    pub subscribed: Option<SortedSet<Arc<str>>>,
    pub(super) timers: Timers,
    /// When it came into its state, since 1970; -1 where an old record does not tell.
    pub state_since_ms: i64,
    joins: u64,
    /// Why the running rebalance began: a sentence, and the events behind it.
    pub(super) reason: String,
    pub(super) causes: Vec<EventId>,
}

/// The first join phase of an empty group: `group.initial.rebalance.delay.ms`, extended by newcomers.
#[derive(Clone, Copy, Debug)]
struct InitialDelay {
    last: SimDuration,
    remaining: SimDuration,
    newcomer: bool,
}

impl Group {
    pub fn new(name: Arc<str>, now_ms: i64) -> Self {
        Group {
            name,
            state: GroupState::Empty,
            initial: None,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: SortedMap::new(),
            static_members: SortedMap::new(),
            pending_members: SortedSet::new(),
            pending_syncs: SortedSet::new(),
            subscribed: None,
            timers: Timers::default(),
            state_since_ms: now_ms,
            joins: 0,
            reason: String::new(),
            causes: Vec::new(),
        }
    }

    /// The next thing whose time is over, if there is one.
    pub fn run_timer(&mut self, work: &mut Work) -> Option<Timer> {
        let timer = self.timers.take_due(work.now)?;
        match &timer {
            Timer::Heartbeat(id) => self.session_over(work, id),
            Timer::Join => self.join_phase_over(work),
            Timer::Sync => self.sync_phase_over(work),
            Timer::Rebalance(_) => {}
        }
        Some(timer)
    }

    fn enter(&mut self, state: GroupState, work: &Work) {
        self.state = state;
        self.state_since_ms = work.now.timestamp_ms();
        if state != GroupState::PreparingRebalance {
            self.initial = None;
        }
    }

    /// Member ids in the order of Java's `HashMap`, which decides where Kafka takes "the first".
    fn in_java_order(&self) -> Vec<Arc<str>> {
        let mut came: Vec<(u64, &Arc<str>)> = self.members.iter().map(|(id, member)| (member.came, id)).collect();
        crate::sorted::settle(&mut came, |a, b| a.0 < b.0);
        let mut ids: Vec<Arc<str>> = came.into_iter().map(|(_, id)| Arc::clone(id)).collect();
        java_map_order(&mut ids, |id| java_string_hash(id));
        ids
    }

    fn insert(&mut self, id: &Arc<str>, mut member: Member) {
        self.joins += 1;
        member.came = self.joins;
        if let Some(instance) = &member.instance {
            self.static_members.insert(Arc::clone(instance), Arc::clone(id));
        }
        self.members.insert(Arc::clone(id), member);
        self.pending_members.remove(id);
        if self.leader.is_none() {
            self.leader = Some(Arc::clone(id));
        }
    }

    /// Drops a member, or an id that was only announced.
    fn remove(&mut self, id: &Arc<str>) {
        if let Some(instance) = self.members.remove(id).and_then(|member| member.instance) {
            self.static_members.remove(&instance);
        }
        if self.leader.as_ref() == Some(id) {
            self.leader = self.in_java_order().into_iter().next();
        }
        self.pending_members.remove(id);
        self.pending_syncs.remove(id);
    }

    fn longest_rebalance_timeout(&self) -> SimDuration {
        self.members.values().map(|member| member.rebalance_timeout).max().unwrap_or_default()
    }

    fn everybody_joined(&self) -> bool {
        self.pending_members.is_empty() && self.members.values().all(|member| member.joining.is_some())
    }

    fn is_leader(&self, id: &Arc<str>) -> bool {
        self.leader.as_ref() == Some(id)
    }

    fn supported_by_all(&self, name: &Arc<str>) -> bool {
        self.members.values().all(|member| member.protocols.iter().any(|offered| offered.name == *name))
    }

    /// True when what a member offers fits the others.
    pub fn supports(&self, protocol_type: &Arc<str>, protocols: &[JoinProtocol]) -> bool {
        match self.state {
            GroupState::Empty => !protocol_type.is_empty() && !protocols.is_empty(),
            _ => self.protocol_type.as_ref() == Some(protocol_type) && protocols.iter().any(|offered| self.supported_by_all(&offered.name)),
        }
    }

    /// Candidates are what all members support; each votes for its first one; most votes win, of several the first in the order of a
    /// Java `HashMap` (`ClassicGroup.selectProtocol`).
    fn choose_protocol(&self) -> Option<Arc<str>> {
        let first = self.members.values().next()?;
        let candidates: Vec<&Arc<str>> =
            first.protocols.iter().map(|offered| &offered.name).filter(|name| self.supported_by_all(name)).collect();
        let mut votes: Vec<(Arc<str>, u32)> = Vec::new();
        for id in self.in_java_order() {
            let Some(choice) = self.members[&id].protocols.iter().find(|offered| candidates.contains(&&offered.name)) else { continue };
            match votes.iter_mut().find(|(name, _)| *name == choice.name) {
                Some((_, count)) => *count += 1,
                None => votes.push((Arc::clone(&choice.name), 1)),
            }
        }
        java_map_order(&mut votes, |(name, _)| java_string_hash(name));
        let most = votes.iter().map(|(_, count)| *count).max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name)
    }

    /// The topics all members subscribe to, if they are consumers.
    fn subscribed_topics(&self) -> Option<SortedSet<Arc<str>>> {
        self.protocol_type.as_deref().filter(|protocol_type| *protocol_type == CONSUMER)?;
        let protocol = self.protocol.as_deref().unwrap_or_default();
        Some(self.members.values().flat_map(|member| member.topics(protocol)).collect())
    }

    /// Whether a bookmark for this topic is in use; unknown subscriptions count as such.
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.protocol_type.as_deref() == Some(CONSUMER),
        }
    }

    fn everybody(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let one = |(id, member): (&Arc<str>, &Member)| JoinedMember {
            member_id: Arc::clone(id),
            instance: member.instance.clone(),
            metadata: member.metadata(protocol),
        };
        self.members.iter().map(one).collect()
    }

    /// `ClassicGroup.validateMember`: a static member is who its instance belongs to now.
    fn validate(&self, member_id: &Arc<str>, instance: Option<&Arc<str>>) -> Result<(), ErrorCode> {
        match instance.map(|instance| self.static_members.get(instance)) {
            Some(None) => return Err(ErrorCode::UnknownMemberId),
            Some(Some(known)) if known != member_id => return Err(ErrorCode::FencedInstanceId),
            _ => {}
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    fn validate_generation(&self, asked: &MemberRef) -> Result<(), ErrorCode> {
        self.validate(&asked.member_id, asked.instance.as_ref())?;
        if asked.generation == self.generation { Ok(()) } else { Err(ErrorCode::IllegalGeneration) }
    }

    /// Whether a commit is taken (`ClassicGroup.validateOffsetCommit`).
    pub fn validate_commit(&self, asked: &MemberRef) -> Result<(), ErrorCode> {
        let empty = self.state == GroupState::Empty;
        if (asked.generation < 0 && empty) || planted(Bug::OldGenerationsCommit) {
            // From a consumer outside groups, or an administrator.
            return Ok(());
        }
        if asked.generation >= 0 || !asked.member_id.is_empty() || asked.instance.is_some() {
            self.validate_generation(asked)?;
        } else if !empty {
            return Err(ErrorCode::UnknownMemberId);
        }
        // It knows the generation by its join alone: its partitions may be somebody else's now.
        if self.state == GroupState::CompletingRebalance { Err(ErrorCode::RebalanceInProgress) } else { Ok(()) }
    }

    /// `OffsetDelete` is for topics nobody reads; other kinds of groups must be empty.
    pub fn validate_offset_delete(&self) -> Result<(), ErrorCode> {
        match self.state != GroupState::Empty && self.protocol_type.as_deref() != Some(CONSUMER) {
            true => Err(ErrorCode::NonEmptyGroup),
            false => Ok(()),
        }
    }

    pub fn validate_delete(&self) -> Result<(), ErrorCode> {
        if self.state == GroupState::Empty { Ok(()) } else { Err(ErrorCode::NonEmptyGroup) }
    }

    /// From when a bookmark's age counts, given when it was committed; `None`: it does not get old
    /// (`ClassicGroup.offsetExpirationCondition`).
    pub fn bookmark_ages_from(&self, committed_ms: i64) -> Option<i64> {
        match (&self.protocol_type, self.state) {
            (None, _) => Some(committed_ms),
            (Some(_), GroupState::Empty) if self.state_since_ms >= 0 => Some(self.state_since_ms),
            (Some(_), GroupState::Empty) => Some(committed_ms),
            (Some(kind), GroupState::Stable) if **kind == *CONSUMER && self.subscribed.is_some() => Some(committed_ms),
            _ => None,
        }
    }
}
