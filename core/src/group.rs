//! The group coordinator of one broker: groups whose partition of `__consumer_offsets` it leads.
//!
//! It keeps members and generations ([`classic`]), writes commits and group metadata as records ([`offsets`]), and finds both
//! again by reading its partition when it takes over from another broker.

pub mod assignor;
pub mod bytes;
pub mod classic;
pub mod consumer;
pub mod consumer_protocol;
mod kind;
pub mod offsets;

use crate::config::BrokerConfig;
use crate::error::ErrorCode;
use crate::ids::{CorrelationId, LeaderEpoch, NodeId, Offset};
use crate::node::Outbox;
use crate::protocol::{JoinGroupRequest, JoinRefused, Joined, MemberAssignment, MemberRef, Response, SyncGroupRequest};
use crate::rng::SimRng;
use crate::sorted::SortedMap;
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use classic::{Group, GroupState, Member};
use consumer::ConsumerGroup;
use consumer::records::ConsumerRecord;
use consumer_protocol::{HIGHEST_VERSION, Subscription};
pub use kind::AnyGroup;
use offsets::{GroupRecord, GroupValue, MemberValue, OffsetValue};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct GroupCoordinator {
    config: Arc<BrokerConfig>,
    rng: SimRng,
    /// By partition of `__consumer_offsets` this broker leads.
    shards: SortedMap<u32, Shard>,
}

/// Committed offsets of a group by topic and partition.
pub type GroupOffsets = SortedMap<(Arc<str>, u32), OffsetValue>;

/// What one partition of `__consumer_offsets` says.
#[derive(Clone, Debug, Default)]
pub struct Shard {
    pub groups: SortedMap<Arc<str>, AnyGroup>,
    pub offsets: SortedMap<Arc<str>, GroupOffsets>,
}

/// Records to append to the group's partition, and what follows once they are committed there.
#[derive(Clone, Debug)]
pub struct Write {
    pub shard: u32,
    pub records: Vec<GroupRecord>,
    pub then: Continuation,
}

#[derive(Clone, Debug)]
pub enum Continuation {
    AnswerCommit {
        to: NodeId,
        id: CorrelationId,
    },
    /// The leader's assignment is safe: hand it out.
    FinishSync {
        shard: u32,
        group: Arc<str>,
        generation: i32,
    },
    Consumer(Box<consumer::hosting::Follow>),
    Nothing,
}

/// A request about a group, addressed to one shard.
pub struct Asked {
    pub shard: u32,
    pub from: NodeId,
    pub id: CorrelationId,
}

impl GroupCoordinator {
    pub fn new(config: Arc<BrokerConfig>, rng: SimRng) -> Self {
        GroupCoordinator { config, rng, shards: SortedMap::new() }
    }

    /// After a crash: nothing is known, and no member id is given out twice.
    pub fn restarted(&self) -> Self {
        GroupCoordinator::new(Arc::clone(&self.config), self.rng.clone())
    }

    pub fn shards(&self) -> &SortedMap<u32, Shard> {
        &self.shards
    }

    pub fn leads(&self, shard: u32) -> bool {
        self.shards.contains_key(&shard)
    }

    /// Another broker coordinates these groups now: whoever waits here must look for it.
    pub fn resign(&mut self, shard: u32, out: &mut Outbox) {
        let groups = self.shards.remove(&shard).into_iter().flat_map(|shard| shard.groups.into_values());
        let (consumers, classic): (Vec<AnyGroup>, Vec<AnyGroup>) = groups.partition(|group| group.consumer().is_some());
        for group in consumers {
            if let AnyGroup::Consumer(group) = group {
                group.resign(out);
            }
        }
        let classic = classic.into_iter().filter_map(|group| match group {
            AnyGroup::Classic(group) => Some(group.members),
            AnyGroup::Consumer(_) => None,
        });
        for member in classic.flat_map(SortedMap::into_values) {
            if let Some((to, id)) = member.joining {
                let refused = JoinRefused { error: ErrorCode::NotCoordinator, member_id: Arc::from("") };
                out.respond(to, id, Response::JoinGroup(Box::new(Err(refused))));
            }
            if let Some((to, id)) = member.syncing {
                out.respond(to, id, Response::SyncGroup(Err(ErrorCode::NotCoordinator)));
            }
        }
    }

    /// Takes over a partition: what its records say is what the groups are.
    pub fn load(&mut self, now: SimTime, shard: u32, records: impl Iterator<Item = GroupRecord>) {
        let mut loaded = Shard::default();
        for record in records {
            loaded.replay(now, record);
        }
        let session = self.config.group_consumer_session_timeout;
        loaded.groups.values_mut().filter_map(AnyGroup::consumer_mut).for_each(|group| group.loaded(now, session));
        self.shards.insert(shard, loaded);
    }

    fn group(&mut self, shard: u32, name: &Arc<str>) -> Result<&mut Group, ErrorCode> {
        let shard = self.shards.get_mut(&shard).ok_or(ErrorCode::NotCoordinator)?;
        shard.groups.get_mut(name).and_then(AnyGroup::classic_mut).ok_or(ErrorCode::UnknownMemberId)
    }

    pub fn join(&mut self, now: SimTime, asked: &Asked, request: &JoinGroupRequest, out: &mut Outbox) -> Vec<Write> {
        match self.try_join(now, asked, request, out) {
            Ok(()) => self.maybe_complete_join(now, asked.shard, &request.group, out),
            Err(refused) => {
                out.respond(asked.from, asked.id, Response::JoinGroup(Box::new(Err(refused))));
                Vec::new()
            }
        }
    }

    fn try_join(&mut self, now: SimTime, asked: &Asked, request: &JoinGroupRequest, out: &mut Outbox) -> Result<(), JoinRefused> {
        let refuse = |error| JoinRefused { error, member_id: Arc::from("") };
        let delay = self.config.group_initial_rebalance_delay;
        let fresh_id = request.member_id.is_empty().then(|| self.new_member_id(&request.client_id));
        let shard = self.shards.get_mut(&asked.shard).ok_or(refuse(ErrorCode::NotCoordinator))?;
        let name = &request.group;
        let group = shard.groups.entry(Arc::clone(name)).or_insert_with(|| AnyGroup::Classic(Box::new(Group::new(Arc::clone(name)))));
        let group = group.classic_mut().ok_or(refuse(ErrorCode::InconsistentGroupProtocol))?;
        if !group.supports(&request.protocols) {
            return Err(refuse(ErrorCode::InconsistentGroupProtocol));
        }
        if let Some(member_id) = fresh_id {
            // KIP-394: a dynamic member first gets an id, so that a lost answer leaves no ghost behind.
            group.pending_members.insert(Arc::clone(&member_id), now + request.session_timeout);
            return Err(JoinRefused { error: ErrorCode::MemberIdRequired, member_id });
        }
        let known = group.members.contains_key(&request.member_id);
        if !known && !group.pending_members.contains_key(&request.member_id) {
            return Err(refuse(ErrorCode::UnknownMemberId));
        }
        rejoin_or_newcomer(now, group, asked, request, known, delay, out);
        Ok(())
    }

    /// `client.id` and a random UUID, as the coordinator makes them.
    fn new_member_id(&mut self, client_id: &str) -> Arc<str> {
        let (a, b) = (self.rng.next_u64(), self.rng.next_u64());
        Arc::from(format!(
            "{client_id}-{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | (b >> 48 & 0x3fff),
            b & 0xffff_ffff_ffff
        ))
    }

    fn maybe_complete_join(&mut self, now: SimTime, shard: u32, name: &Arc<str>, out: &mut Outbox) -> Vec<Write> {
        let Ok(group) = self.group(shard, name) else { return Vec::new() };
        match group.state == GroupState::PreparingRebalance && group.everybody_joined() {
            true => complete_join(now, shard, group, out),
            false => Vec::new(),
        }
    }

    pub fn sync(&mut self, now: SimTime, asked: &Asked, request: &SyncGroupRequest, out: &mut Outbox) -> Vec<Write> {
        match self.try_sync(now, asked, request) {
            Ok(Some(assignment)) => {
                out.respond(asked.from, asked.id, Response::SyncGroup(Ok(assignment)));
                Vec::new()
            }
            Ok(None) => self.assign_if_leader(now, asked.shard, request),
            Err(error) => {
                out.respond(asked.from, asked.id, Response::SyncGroup(Err(error)));
                Vec::new()
            }
        }
    }

    /// The assignment when there is one already; `None` parks the member until the leader has sent it.
    fn try_sync(&mut self, now: SimTime, asked: &Asked, request: &SyncGroupRequest) -> Result<Option<Arc<MemberAssignment>>, ErrorCode> {
        let group = self.group(asked.shard, &request.member.group)?;
        let member = checked(group.generation, &mut group.members, &request.member)?;
        member.session_end = now + member.session_timeout;
        match group.state {
            GroupState::Empty => Err(ErrorCode::UnknownMemberId),
            GroupState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            GroupState::Stable => Ok(Some(Arc::clone(&member.assignment))),
            GroupState::CompletingRebalance => {
                member.syncing = Some((asked.from, asked.id));
                Ok(None)
            }
        }
    }

    /// The leader's word becomes a record; everybody hears it when that is committed.
    fn assign_if_leader(&mut self, now: SimTime, shard: u32, request: &SyncGroupRequest) -> Vec<Write> {
        let Ok(group) = self.group(shard, &request.member.group) else { return Vec::new() };
        if group.leader.as_ref() != Some(&request.member.member_id) {
            return Vec::new();
        }
        for (id, member) in &mut group.members {
            member.assignment = request.assignments.get(id).cloned().unwrap_or_default();
        }
        let then = Continuation::FinishSync { shard, group: Arc::clone(&group.name), generation: group.generation };
        vec![Write { shard, records: vec![metadata_record(group, now)], then }]
    }

    pub fn heartbeat(&mut self, now: SimTime, shard: u32, request: &MemberRef) -> Result<(), ErrorCode> {
        let group = self.group(shard, &request.group)?;
        let state = group.state;
        let member = checked(group.generation, &mut group.members, request)?;
        member.session_end = now + member.session_timeout;
        match state {
            GroupState::Empty => Err(ErrorCode::UnknownMemberId),
            GroupState::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            GroupState::CompletingRebalance | GroupState::Stable => Ok(()),
        }
    }

    pub fn leave(&mut self, now: SimTime, shard: u32, request: &MemberRef, out: &mut Outbox) -> (Result<(), ErrorCode>, Vec<Write>) {
        let delay = self.config.group_initial_rebalance_delay;
        let group = match self.group(shard, &request.group) {
            Ok(group) if group.members.contains_key(&request.member_id) => group,
            Ok(_) => return (Err(ErrorCode::UnknownMemberId), Vec::new()),
            Err(error) => return (Err(error), Vec::new()),
        };
        member_gone(now, group, &request.member_id, "left the group", "LeaveGroup: a clean goodbye", delay, out);
        (Ok(()), self.maybe_complete_join(now, shard, &request.group, out))
    }

    /// Commits are fenced by member and generation (`ClassicGroup.validateOffsetCommit`).
    pub fn commit(
        &mut self,
        now: SimTime,
        asked: &Asked,
        member: &MemberRef,
        offsets: &[(Arc<str>, u32, Offset, LeaderEpoch)],
    ) -> Result<Write, ErrorCode> {
        let group = self.group(asked.shard, &member.group)?;
        let state = group.state;
        let known = checked(group.generation, &mut group.members, member)?;
        if state == GroupState::CompletingRebalance {
            return Err(ErrorCode::RebalanceInProgress);
        }
        known.session_end = now + known.session_timeout;
        let record = |(topic, partition, offset, leader_epoch): &(Arc<str>, u32, Offset, LeaderEpoch)| GroupRecord::OffsetCommit {
            group: Arc::clone(&member.group),
            topic: Arc::clone(topic),
            partition: *partition,
            value: Some(OffsetValue {
                offset: *offset,
                leader_epoch: *leader_epoch,
                metadata: String::new(),
                commit_timestamp_ms: now.timestamp_ms(),
            }),
        };
        let then = Continuation::AnswerCommit { to: asked.from, id: asked.id };
        Ok(Write { shard: asked.shard, records: offsets.iter().map(record).collect(), then })
    }

    pub fn committed(&self, shard: u32, group: &Arc<str>, topic: &Arc<str>, partition: u32) -> Option<&OffsetValue> {
        self.shards.get(&shard)?.offsets.get(group)?.get(&(Arc::clone(topic), partition))
    }

    /// The records of a write lie in the log: they are this coordinator's truth now.
    pub fn appended(&mut self, now: SimTime, shard: u32, records: Vec<GroupRecord>) {
        let Some(shard) = self.shards.get_mut(&shard) else { return };
        for record in records {
            if !matches!(record, GroupRecord::GroupMetadata { value: Some(_), .. }) {
                shard.replay(now, record);
            }
        }
    }

    /// A write is committed, or failed.
    pub fn written(&mut self, continuation: Continuation, failed: Option<ErrorCode>, out: &mut Outbox) {
        match continuation {
            Continuation::Nothing => {}
            Continuation::Consumer(follow) => self.consumer_written(*follow, failed.map(coordinator_error), out),
            Continuation::AnswerCommit { to, id } => {
                let answer = failed.map_or(Ok(()), |error| Err(coordinator_error(error)));
                out.respond(to, id, Response::OffsetCommit(answer));
            }
            Continuation::FinishSync { shard, group, generation } => self.finish_sync(shard, &group, generation, failed, out),
        }
    }

    fn finish_sync(&mut self, shard: u32, name: &Arc<str>, generation: i32, failed: Option<ErrorCode>, out: &mut Outbox) {
        let Ok(group) = self.group(shard, name) else { return };
        if group.state != GroupState::CompletingRebalance || group.generation != generation {
            return;
        }
        for member in group.members.values_mut() {
            let Some((to, id)) = member.syncing.take() else { continue };
            let answer = match failed {
                None => Ok(Arc::clone(&member.assignment)),
                Some(error) => Err(coordinator_error(error)),
            };
            out.respond(to, id, Response::SyncGroup(answer));
        }
        if failed.is_none() {
            group.state = GroupState::Stable;
            group.phase_end = SimTime::MAX;
            let shares: Vec<String> = group.members.values().map(share).collect();
            out.note(
                EventKind::GroupRebalanced,
                name.to_string(),
                format!("Group {name} is stable in generation {generation}: {}.", shares.join("; ")),
                format!("{}; the group leader's client ran the {} assignor", group.reason, group.protocol.as_deref().unwrap_or("?")),
                Vec::new(),
            );
        }
    }

    pub fn next_timeout(&self) -> SimTime {
        let groups = self.shards.values().flat_map(|shard| shard.groups.values());
        groups.map(AnyGroup::next_timeout).min().unwrap_or(SimTime::MAX)
    }

    pub fn expire(&mut self, now: SimTime, out: &mut Outbox) -> Vec<Write> {
        let delay = self.config.group_initial_rebalance_delay;
        let mut writes = Vec::new();
        for (id, shard) in &mut self.shards {
            for group in shard.groups.values_mut().filter(|group| group.next_timeout() <= now) {
                if let AnyGroup::Classic(group) = group {
                    writes.extend(expire_group(now, *id, group, delay, out));
                }
            }
        }
        writes
    }
}

impl Shard {
    fn replay(&mut self, now: SimTime, record: GroupRecord) {
        match record {
            GroupRecord::OffsetCommit { group, topic, partition, value } => {
                let offsets = self.offsets.entry(group).or_default();
                match value {
                    Some(value) => offsets.insert((topic, partition), value),
                    None => offsets.remove(&(topic, partition)),
                };
            }
            GroupRecord::GroupMetadata { group, value: None } => {
                if self.groups.get(&group).is_some_and(|known| known.classic().is_some()) {
                    self.groups.remove(&group);
                }
            }
            GroupRecord::GroupMetadata { group, value: Some(value) } => {
                self.groups.insert(Arc::clone(&group), AnyGroup::Classic(Box::new(loaded_group(now, group, &value))));
            }
            GroupRecord::Consumer { group, record } => self.replay_consumer(&group, record),
        }
    }
}

impl Shard {
    /// Records of the new protocol make their group where there is none; a tombstone of its epoch ends it.
    fn replay_consumer(&mut self, name: &Arc<str>, record: ConsumerRecord) {
        if record == ConsumerRecord::Epoch(None) {
            self.groups.remove(name);
            return;
        }
        if !self.groups.contains_key(name) && !record.is_tombstone() {
            self.groups.insert(Arc::clone(name), AnyGroup::Consumer(Box::new(ConsumerGroup::new(Arc::clone(name)))));
        }
        if let Some(AnyGroup::Consumer(group)) = self.groups.get_mut(name) {
            group.replay(record);
        }
    }
}

/// A group as its last metadata record tells it; members get a full session to report.
fn loaded_group(now: SimTime, name: Arc<str>, value: &GroupValue) -> Group {
    let mut group = Group::new(name);
    group.generation = value.generation;
    group.protocol.clone_from(&value.protocol);
    group.leader.clone_from(&value.leader);
    group.state = if value.members.is_empty() { GroupState::Empty } else { GroupState::Stable };
    for (i, member) in value.members.iter().enumerate() {
        let session_timeout = SimDuration::from_millis(member.session_timeout_ms.unsigned_abs().into());
        let assignment = consumer_protocol::read_assignment(&member.assignment).unwrap_or_default();
        group.members.insert(
            Arc::clone(&member.member_id),
            Member {
                client_id: Arc::clone(&member.client_id),
                session_timeout,
                rebalance_timeout: SimDuration::from_millis(member.rebalance_timeout_ms.unsigned_abs().into()),
                protocols: value.protocol.iter().cloned().collect(),
                topics: Subscription::read(&member.subscription).unwrap_or_default().topics,
                assignment: Arc::new(assignment),
                session_end: now + session_timeout,
                joining: None,
                syncing: None,
                joined_as: i as u64,
            },
        );
    }
    group
}

fn metadata_record(group: &Group, now: SimTime) -> GroupRecord {
    let member = |(id, member): (&Arc<str>, &Member)| MemberValue {
        member_id: Arc::clone(id),
        client_id: Arc::clone(&member.client_id),
        rebalance_timeout_ms: member.rebalance_timeout.millis() as i32,
        session_timeout_ms: member.session_timeout.millis() as i32,
        subscription: Subscription { topics: member.topics.clone(), ..Subscription::default() }.bytes(HIGHEST_VERSION),
        assignment: consumer_protocol::assignment_bytes(HIGHEST_VERSION, member.assignment.iter(), None),
    };
    GroupRecord::GroupMetadata {
        group: Arc::clone(&group.name),
        value: Some(GroupValue {
            generation: group.generation,
            protocol: group.protocol.clone(),
            leader: group.leader.clone(),
            timestamp_ms: now.timestamp_ms(),
            members: group.members.iter().map(member).collect(),
        }),
    }
}

/// A member with the right generation, or why not.
fn checked<'a>(generation: i32, members: &'a mut SortedMap<Arc<str>, Member>, asked: &MemberRef) -> Result<&'a mut Member, ErrorCode> {
    let member = members.get_mut(&asked.member_id).ok_or(ErrorCode::UnknownMemberId)?;
    match asked.generation == generation {
        true => Ok(member),
        false => Err(ErrorCode::IllegalGeneration),
    }
}

fn rejoin_or_newcomer(
    now: SimTime,
    group: &mut Group,
    asked: &Asked,
    request: &JoinGroupRequest,
    known: bool,
    delay: SimDuration,
    out: &mut Outbox,
) {
    let id = &request.member_id;
    let leads = group.leader.as_ref() == Some(id);
    let same = group.members.get(id).is_some_and(|member| member.protocols == request.protocols && member.topics == request.topics);
    if known && same && !leads && group.state == GroupState::Stable {
        // A follower that lost its answer: the same generation again, nobody else notices.
        let answer = joined(group, id);
        out.respond(asked.from, asked.id, Response::JoinGroup(Box::new(Ok(answer))));
        return;
    }
    let running = !matches!(group.state, GroupState::Empty | GroupState::PreparingRebalance);
    if running {
        let reason = match known {
            true => format!("{} joined again", request.client_id),
            false => format!("{} joined", request.client_id),
        };
        refuse_syncs(group, out);
        group.upsert(now, id, request, (asked.from, asked.id));
        group.prepare_rebalance(now, delay, reason);
    } else {
        let empty = group.state == GroupState::Empty;
        group.upsert(now, id, request, (asked.from, asked.id));
        if empty {
            group.prepare_rebalance(now, delay, format!("{} joined an empty group", request.client_id));
        } else if let Some(initial) = &mut group.initial
            && !known
        {
            initial.newcomer = true;
        }
    }
    if !known {
        out.note(
            EventKind::MemberJoined,
            group.name.to_string(),
            format!("{} joined group {}.", request.client_id, group.name),
            format!("JoinGroup; group.initial.rebalance.delay.ms = {}", delay.millis()),
            Vec::new(),
        );
    }
}

/// A new rebalance begins while members wait for the old assignment.
fn refuse_syncs(group: &mut Group, out: &mut Outbox) {
    for member in group.members.values_mut() {
        if let Some((to, id)) = member.syncing.take() {
            out.respond(to, id, Response::SyncGroup(Err(ErrorCode::RebalanceInProgress)));
        }
    }
}

fn joined(group: &Group, member_id: &Arc<str>) -> Joined {
    let leader = group.leader.clone().unwrap_or_default();
    let members = match leader == *member_id {
        true => group.members.iter().map(|(id, member)| (Arc::clone(id), member.topics.clone())).collect(),
        false => Vec::new(),
    };
    Joined {
        generation: group.generation,
        protocol: group.protocol.clone().unwrap_or_default(),
        leader,
        member_id: Arc::clone(member_id),
        members,
    }
}

/// Ends the join phase and answers everybody.
fn complete_join(now: SimTime, shard: u32, group: &mut Group, out: &mut Outbox) -> Vec<Write> {
    let missing = group.complete_join(now);
    for id in &missing {
        tell_left(group, id, "did not join again in time", "max.poll.interval.ms of the slowest member bounds the join phase", out);
    }
    let ids: Vec<Arc<str>> = group.members.keys().cloned().collect();
    for id in ids {
        let answer = joined(group, &id);
        let member = group.members.get_mut(&id).expect("listed above");
        member.session_end = now + member.session_timeout;
        if let Some((to, correlation)) = member.joining.take() {
            out.respond(to, correlation, Response::JoinGroup(Box::new(Ok(answer))));
        }
    }
    match group.members.is_empty() {
        true => vec![Write { shard, records: vec![metadata_record(group, now)], then: Continuation::Nothing }],
        false => Vec::new(),
    }
}

fn member_gone(now: SimTime, group: &mut Group, id: &Arc<str>, how: &str, rule: &str, delay: SimDuration, out: &mut Outbox) {
    tell_left(group, id, how, rule, out);
    let client = group.members.get(id).map(|member| member.client_id.to_string()).unwrap_or_default();
    group.remove(id);
    if matches!(group.state, GroupState::Stable | GroupState::CompletingRebalance) {
        refuse_syncs(group, out);
        group.prepare_rebalance(now, delay, format!("{client} {how}"));
        if group.members.is_empty() {
            group.phase_end = now;
        }
    }
}

fn tell_left(group: &Group, id: &Arc<str>, how: &str, rule: &str, out: &mut Outbox) {
    let client = group.members.get(id).map_or(&**id, |member| &*member.client_id);
    out.note(EventKind::MemberLeft, group.name.to_string(), format!("{client} {how} ({}).", group.name), rule.to_owned(), Vec::new());
}

fn expire_group(now: SimTime, shard: u32, group: &mut Group, delay: SimDuration, out: &mut Outbox) -> Vec<Write> {
    group.pending_members.retain(|_, lapse| *lapse > now);
    let silent = |member: &Member| member.session_end <= now && member.joining.is_none() && member.syncing.is_none();
    let expired: Vec<Arc<str>> = group.members.iter().filter(|(_, member)| silent(member)).map(|(id, _)| Arc::clone(id)).collect();
    for id in &expired {
        let timeout = group.members[id].session_timeout;
        let rule = format!("session.timeout.ms = {}", timeout.millis());
        member_gone(now, group, id, &format!("was not heard of for {timeout}"), &rule, delay, out);
    }
    let over = group.phase_end <= now;
    match group.state {
        GroupState::PreparingRebalance => {
            let complete = group.everybody_joined() || (over && !group.extend_initial_delay(now, delay));
            if complete { complete_join(now, shard, group, out) } else { Vec::new() }
        }
        GroupState::CompletingRebalance if over => {
            drop_unsynced(now, group, delay, out);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// The sync phase is over: members that never asked are out, the others start again.
fn drop_unsynced(now: SimTime, group: &mut Group, delay: SimDuration, out: &mut Outbox) {
    let missing: Vec<Arc<str>> = group.members.iter().filter(|(_, m)| m.syncing.is_none()).map(|(id, _)| Arc::clone(id)).collect();
    for id in &missing {
        member_gone(now, group, id, "did not sync in time", "the rebalance timeout bounds the sync phase too", delay, out);
    }
    if missing.is_empty() {
        group.phase_end = SimTime::MAX;
    }
}

/// Errors of the log as the coordinator's clients see them (`GroupCoordinatorService`).
fn coordinator_error(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::NotLeaderOrFollower => ErrorCode::NotCoordinator,
        ErrorCode::UnknownTopicOrPartition | ErrorCode::NotEnoughReplicas | ErrorCode::RequestTimedOut => {
            ErrorCode::CoordinatorNotAvailable
        }
        other => other,
    }
}

/// `location-dashboard-1 reads 5 partitions`.
fn share(member: &Member) -> String {
    match member.assignment.values().map(Vec::len).sum::<usize>() {
        0 => format!("{} is idle", member.client_id),
        1 => format!("{} reads 1 partition", member.client_id),
        n => format!("{} reads {n} partitions", member.client_id),
    }
}
