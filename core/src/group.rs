//! The group coordinator of one broker: groups whose partition of `__consumer_offsets` it leads.
//!
//! It keeps members and generations ([`classic`]) and bookmarks ([`bookmarks`]), writes both as records ([`offsets`]), and finds them
//! again by reading its partition when it takes over from another broker.

pub mod assignor;
mod bookmarks;
pub mod bytes;
pub mod classic;
pub mod consumer;
pub mod consumer_protocol;
mod kind;
pub mod offsets;
#[cfg(test)]
mod tests;
pub mod timers;

use crate::config::BrokerConfig;
use crate::error::ErrorCode;
use crate::ids::{CorrelationId, EventId, NodeId};
use crate::node::Outbox;
use crate::planted::{Bug, planted};
use crate::protocol::{JoinGroupRequest, JoinProtocol, JoinRefused, MemberRef, Response, SyncGroupRequest};
use crate::rng::SimRng;
use crate::sorted::SortedMap;
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use classic::Group;
use consumer::ConsumerGroup;
use consumer::records::ConsumerRecord;
pub use kind::AnyGroup;
use offsets::{GroupRecord, OffsetValue};
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use timers::Timer;

#[derive(Clone, Debug)]
pub struct GroupCoordinator {
    config: Arc<BrokerConfig>,
    rng: SimRng,
    /// By partition of `__consumer_offsets` this broker leads.
    shards: Shards,
    /// Writes that are committed, or have failed, and what follows has not been done.
    finished: VecDeque<(Continuation, Option<ErrorCode>)>,
}

/// Committed offsets of a group by topic and partition.
pub type GroupOffsets = SortedMap<(Arc<str>, u32), OffsetValue>;

/// What one partition of `__consumer_offsets` says.
#[derive(Clone, Debug)]
pub struct Shard {
    pub groups: SortedMap<Arc<str>, AnyGroup>,
    pub offsets: SortedMap<Arc<str>, GroupOffsets>,
    /// When it next looks for bookmarks that are too old.
    next_cleanup: SimTime,
}

/// By partition of `__consumer_offsets` this broker leads. Whoever may change one makes it forget when the next timer ends.
#[derive(Clone, Debug, Default)]
struct Shards {
    led: SortedMap<u32, Shard>,
    next: Option<SimTime>,
}

impl Shards {
    fn soonest(&self) -> SimTime {
        let next = |shard: &Shard| shard.groups.values().map(AnyGroup::next_timeout).min().unwrap_or(SimTime::MAX).min(shard.next_cleanup);
        self.led.values().map(next).min().unwrap_or(SimTime::MAX)
    }
}

impl Deref for Shards {
    type Target = SortedMap<u32, Shard>;

    fn deref(&self) -> &Self::Target {
        &self.led
    }
}

impl DerefMut for Shards {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.next = None;
        &mut self.led
    }
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
        /// Some of the partitions were not the member's.
        refused: Option<ErrorCode>,
    },
    /// The leader's assignment is safe: hand it out.
    FinishSync {
        shard: u32,
        group: Arc<str>,
        generation: i32,
    },
    /// The new id of a static member is safe, or its former one comes back.
    Replace {
        shard: u32,
        group: Arc<str>,
        id: Arc<str>,
        former: Box<Former>,
    },
    Consumer(Box<consumer::hosting::Follow>),
    Nothing,
}

/// What a static member was before it came back.
#[derive(Clone, Debug)]
pub struct Former {
    pub id: Arc<str>,
    pub protocols: Vec<JoinProtocol>,
    pub session_timeout: SimDuration,
    pub rebalance_timeout: SimDuration,
}

/// A request about a group, addressed to one shard.
pub struct Asked {
    pub shard: u32,
    pub from: NodeId,
    pub id: CorrelationId,
}

/// Whom an answer is for that is held back.
pub type Pending = (NodeId, CorrelationId);

/// What a group works with while something happens to it.
pub struct Work<'a> {
    pub now: SimTime,
    pub shard: u32,
    pub config: &'a BrokerConfig,
    pub out: &'a mut Outbox,
    pub writes: Vec<Write>,
}

impl<'a> Work<'a> {
    fn new(now: SimTime, shard: u32, config: &'a BrokerConfig, out: &'a mut Outbox) -> Self {
        Work { now, shard, config, out, writes: Vec::new() }
    }

    pub fn write(&mut self, records: Vec<GroupRecord>, then: Continuation) {
        self.writes.push(Write { shard: self.shard, records, then });
    }

    pub fn note(&mut self, kind: EventKind, group: &str, text: String, rule: String, causes: Vec<EventId>) -> EventId {
        self.out.note(kind, group.to_owned(), text, rule, causes)
    }
}

impl GroupCoordinator {
    pub fn new(config: Arc<BrokerConfig>, rng: SimRng) -> Self {
        GroupCoordinator { config, rng, shards: Shards::default(), finished: VecDeque::new() }
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
        groups.for_each(|group| group.resign(out));
    }

    /// Takes over a partition: what its records say is what the groups are.
    pub fn load(&mut self, now: SimTime, shard: u32, records: impl Iterator<Item = GroupRecord>, out: &mut Outbox) -> Vec<Write> {
        let next_cleanup = now + self.config.offsets_retention_check_interval;
        let mut loaded = Shard { groups: SortedMap::new(), offsets: SortedMap::new(), next_cleanup };
        for record in records {
            if planted(Bug::BookmarksAreNotLoaded) && matches!(record, GroupRecord::OffsetCommit { .. }) {
                continue;
            }
            loaded.replay(now, record);
        }
        let mut work = Work::new(now, shard, &self.config, out);
        for group in loaded.groups.values_mut() {
            match group {
                AnyGroup::Classic(group) => group.loaded(&mut work),
                AnyGroup::Consumer(group) => group.loaded(now, self.config.group_consumer_session_timeout),
            }
        }
        self.shards.insert(shard, loaded);
        work.writes
    }

    fn group(&mut self, shard: u32, name: &Arc<str>) -> Result<&mut Group, ErrorCode> {
        let shard = self.shards.get_mut(&shard).ok_or(ErrorCode::NotCoordinator)?;
        shard.groups.get_mut(name).and_then(AnyGroup::classic_mut).ok_or(ErrorCode::UnknownMemberId)
    }

    /// The group, and what it works with.
    fn at_work<'a>(
        &'a mut self,
        now: SimTime,
        shard: u32,
        name: &Arc<str>,
        out: &'a mut Outbox,
    ) -> Result<(&'a mut Group, Work<'a>), ErrorCode> {
        let work = Work::new(now, shard, &self.config, out);
        let shard = self.shards.get_mut(&shard).ok_or(ErrorCode::NotCoordinator)?;
        Ok((shard.groups.get_mut(name).and_then(AnyGroup::classic_mut).ok_or(ErrorCode::UnknownMemberId)?, work))
    }

    pub fn join(&mut self, now: SimTime, asked: &Asked, request: &JoinGroupRequest, out: &mut Outbox) -> Vec<Write> {
        match self.try_join(now, asked, request, out) {
            Ok(writes) => writes,
            Err(refused) => {
                out.respond(asked.from, asked.id, Response::JoinGroup(Box::new(Err(refused))));
                Vec::new()
            }
        }
    }

    fn try_join(&mut self, now: SimTime, asked: &Asked, request: &JoinGroupRequest, out: &mut Outbox) -> Result<Vec<Write>, JoinRefused> {
        let refuse = |error| JoinRefused { error, member_id: Arc::clone(&request.member_id) };
        let name = &request.group;
        let sessions = self.config.group_min_session_timeout..=self.config.group_max_session_timeout;
        if name.is_empty() {
            return Err(refuse(ErrorCode::InvalidGroupId));
        }
        if !sessions.contains(&request.session_timeout) {
            return Err(refuse(ErrorCode::InvalidSessionTimeout));
        }
        let mut work = Work::new(now, asked.shard, &self.config, out);
        let shard = self.shards.get_mut(&asked.shard).ok_or(refuse(ErrorCode::NotCoordinator))?;
        let empty = |group: &&AnyGroup| group.consumer().is_some_and(|group| group.members.is_empty());
        if let Some(emptied) = shard.groups.get(name).filter(|group| request.member_id.is_empty() && empty(group)) {
            // An empty group of the new protocol becomes one of the classic protocol; its bookmarks stay.
            work.write(emptied.tombstones(), Continuation::Nothing);
            shard.groups.remove(name);
        }
        let (is_new, before) = (!shard.groups.contains_key(name), work.writes.len());
        if is_new && !request.member_id.is_empty() {
            return Err(refuse(ErrorCode::UnknownMemberId));
        }
        let group = shard.groups.get_or_insert_with(Arc::clone(name), || AnyGroup::simple(name, now));
        let group = group.classic_mut().ok_or(refuse(ErrorCode::InconsistentGroupProtocol))?;
        if let Err(refused) = group.join(&mut work, asked, request, &mut self.rng) {
            work.out.respond(asked.from, asked.id, Response::JoinGroup(Box::new(Err(refused))));
        }
        if is_new && work.writes.len() == before {
            // The next coordinator knows of the group too.
            let record = Group::new(Arc::clone(name), now.timestamp_ms()).record(now.timestamp_ms());
            work.write(vec![record], Continuation::Nothing);
        }
        Ok(work.writes)
    }

    pub fn sync(&mut self, now: SimTime, asked: &Asked, request: &SyncGroupRequest, out: &mut Outbox) -> Vec<Write> {
        let answer = match self.at_work(now, asked.shard, &request.member.group, out) {
            Ok((group, mut work)) => group.sync(&mut work, asked, request).map(|()| work.writes),
            Err(error) => Err(error),
        };
        answer.unwrap_or_else(|error| {
            out.respond(asked.from, asked.id, Response::SyncGroup(Err(error)));
            Vec::new()
        })
    }

    pub fn heartbeat(&mut self, now: SimTime, shard: u32, request: &MemberRef) -> Result<(), ErrorCode> {
        self.group(shard, &request.group)?.heartbeat(now, request)
    }

    pub fn leave(&mut self, now: SimTime, shard: u32, request: &MemberRef, out: &mut Outbox) -> (Result<(), ErrorCode>, Vec<Write>) {
        match self.at_work(now, shard, &request.group, out) {
            Ok((group, mut work)) => (group.leave(&mut work, request), work.writes),
            Err(error) => (Err(error), Vec::new()),
        }
    }

    /// The records of a write lie in the log: they are this coordinator's truth now. Of a group's members it knows more already.
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
            Continuation::AnswerCommit { to, id, refused } => {
                let answer = failed.map(coordinator_error).or(refused).map_or(Ok(()), Err);
                out.respond(to, id, Response::OffsetCommit(answer));
            }
            group => self.finished.push_back((group, failed.map(coordinator_error))),
        }
    }

    /// Does what follows a write that is finished; `None` when there is none.
    pub fn go_on(&mut self, now: SimTime, out: &mut Outbox) -> Option<Vec<Write>> {
        let (continuation, failed) = self.finished.pop_front()?;
        let (shard, name) = match &continuation {
            Continuation::FinishSync { shard, group, .. } | Continuation::Replace { shard, group, .. } => (*shard, Arc::clone(group)),
            Continuation::AnswerCommit { .. } | Continuation::Consumer(_) | Continuation::Nothing => return Some(Vec::new()),
        };
        let Ok((group, mut work)) = self.at_work(now, shard, &name, out) else { return Some(Vec::new()) };
        match continuation {
            Continuation::FinishSync { generation, .. } => group.assigned(&mut work, generation, failed),
            Continuation::Replace { id, former, .. } => group.replaced(&mut work, &id, *former, failed),
            Continuation::AnswerCommit { .. } | Continuation::Consumer(_) | Continuation::Nothing => {}
        }
        Some(work.writes)
    }

    pub fn next_timeout(&self) -> SimTime {
        self.shards.next.unwrap_or_else(|| self.shards.soonest())
    }

    /// Keeps when the next timer ends: a broker asks at every step, and few steps are about groups.
    pub fn look_ahead(&mut self) {
        if self.shards.next.is_none() {
            self.shards.next = Some(self.shards.soonest());
        }
    }

    pub fn expire(&mut self, now: SimTime, out: &mut Outbox) -> Vec<Write> {
        let mut writes = Vec::new();
        while let Some((.., more)) = self.run_timer(now, out) {
            writes.extend(more);
        }
        for (id, shard) in self.shards.iter_mut().filter(|(_, shard)| shard.next_cleanup <= now) {
            let mut work = Work::new(now, *id, &self.config, out);
            shard.clean_up(&mut work);
            writes.extend(work.writes);
        }
        writes
    }

    /// Runs one timer of a group whose time is over; gives which, and what is to be written.
    pub fn run_timer(&mut self, now: SimTime, out: &mut Outbox) -> Option<(Arc<str>, Timer, Vec<Write>)> {
        for (id, shard) in self.shards.iter_mut() {
            for (name, group) in shard.groups.iter_mut().filter(|(_, group)| group.next_timeout() <= now) {
                let mut work = Work::new(now, *id, &self.config, out);
                if let Some(timer) = group.classic_mut().and_then(|group| group.run_timer(&mut work)) {
                    return Some((Arc::clone(name), timer, work.writes));
                }
            }
        }
        None
    }
}

impl Shard {
    /// It has committed something that was not deleted.
    pub fn has_offsets(&self, group: &str) -> bool {
        self.offsets.get(group).is_some_and(|offsets| !offsets.is_empty())
    }

    fn replay(&mut self, now: SimTime, record: GroupRecord) {
        match record {
            GroupRecord::OffsetCommit { group, topic, partition, value: Some(value) } => {
                if !self.groups.contains_key(&group) {
                    // Of a consumer outside groups: a "simple" group, which only keeps bookmarks.
                    let simple = AnyGroup::simple(&group, now);
                    self.groups.insert(Arc::clone(&group), simple);
                }
                self.offsets.entry(group).or_default().insert((topic, partition), value);
            }
            GroupRecord::OffsetCommit { group, topic, partition, value: None } => {
                if let Some(offsets) = self.offsets.get_mut(&group) {
                    offsets.remove(&(topic, partition));
                    if offsets.is_empty() {
                        self.offsets.remove(&group);
                    }
                }
            }
            GroupRecord::GroupMetadata { group, value: None } => {
                if self.groups.get(&group).is_some_and(|known| known.classic().is_some()) {
                    self.groups.remove(&group);
                }
            }
            GroupRecord::GroupMetadata { group, value: Some(value) } => {
                self.groups.insert(Arc::clone(&group), AnyGroup::Classic(Box::new(Group::read(group, &value))));
            }
            GroupRecord::Consumer { group, record } => self.replay_consumer(&group, record),
        }
    }

    /// Records of the new protocol make their group where there is none; a tombstone of its epoch ends it.
    fn replay_consumer(&mut self, name: &Arc<str>, record: ConsumerRecord) {
        if record == ConsumerRecord::Epoch(None) {
            if self.groups.get(name).is_some_and(|known| known.consumer().is_some()) {
                self.groups.remove(name);
            }
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

/// A prefix (`client.id`, or the instance of a static member) and a random UUID.
fn new_member_id(rng: &mut SimRng, prefix: &str) -> Arc<str> {
    let (a, b) = (rng.next_u64(), rng.next_u64());
    Arc::from(format!(
        "{prefix}-{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | (b >> 48 & 0x3fff),
        b & 0xffff_ffff_ffff
    ))
}

/// Errors of the log as the coordinator's clients see them (`GroupMetadataManager.appendGroupMetadataErrorToResponseError`).
fn coordinator_error(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::UnknownTopicOrPartition | ErrorCode::NotEnoughReplicas | ErrorCode::RequestTimedOut => {
            ErrorCode::CoordinatorNotAvailable
        }
        other => other,
    }
}
