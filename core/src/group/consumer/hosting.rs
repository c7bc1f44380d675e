//! The coordinator and its groups of the new protocol: requests come in, records go out, answers follow when those are committed.

use super::heartbeat::{Setting, check};
use super::records::ConsumerRecord;
use super::{Clock, ConsumerGroup};
use crate::error::ErrorCode;
use crate::group::classic::GroupState;
use crate::group::offsets::GroupRecord;
use crate::group::{AnyGroup, Asked, Continuation, GroupCoordinator, Write};
use crate::ids::{CorrelationId, NodeId, TopicId};
use crate::metadata::MetadataImage;
use crate::node::Outbox;
use crate::protocol::{ConsumerHeartbeatAnswer, ConsumerHeartbeatRequest, Response};
use crate::time::{SimDuration, SimTime};
use std::sync::Arc;

/// `CoordinatorRuntime`'s pause before a timer whose records could not be written runs again.
const RETRY_BACKOFF: SimDuration = SimDuration::from_millis(500);

/// What follows a write of a group.
#[derive(Clone, Debug)]
pub struct Follow {
    shard: u32,
    group: Arc<str>,
    answer: Option<Waiting>,
    /// A member that is to be put out, and when that is tried again if it could not be written.
    again: Option<(Arc<str>, SimTime)>,
}

/// An answer that is true once so many writes of its group are committed.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    to: NodeId,
    id: CorrelationId,
    answer: ConsumerHeartbeatAnswer,
    behind: u32,
}

impl Waiting {
    fn give(self, failed: Option<ErrorCode>, out: &mut Outbox) {
        let answer = failed.map_or(Ok(self.answer), Err);
        out.respond(self.to, self.id, Response::ConsumerGroupHeartbeat(Box::new(answer)));
    }
}

impl GroupCoordinator {
    pub fn consumer_heartbeat(
        &mut self,
        now: SimTime,
        asked: &Asked,
        request: &ConsumerHeartbeatRequest,
        image: &MetadataImage,
        uuid: &dyn Fn(TopicId) -> [u8; 16],
        out: &mut Outbox,
    ) -> Option<Write> {
        let config = Arc::clone(&self.config);
        let at = Setting { now, image, config: &config, uuid };
        self.decide(at, asked, request, out).unwrap_or_else(|error| {
            out.respond(asked.from, asked.id, Response::ConsumerGroupHeartbeat(Box::new(Err(error))));
            None
        })
    }

    /// A member that joins makes the group, or turns an empty one of the classic protocol into one of the new.
    fn decide(
        &mut self,
        at: Setting<'_>,
        asked: &Asked,
        request: &ConsumerHeartbeatRequest,
        out: &mut Outbox,
    ) -> Result<Option<Write>, ErrorCode> {
        check(request)?;
        let groups = &mut self.shards.get_mut(&asked.shard).ok_or(ErrorCode::NotCoordinator)?.groups;
        let name = &request.group;
        let converts = match groups.get(name) {
            None | Some(AnyGroup::Consumer(_)) => false,
            // A group with members is not converted while it runs, as with group.consumer.migration.policy = disabled.
            Some(AnyGroup::Classic(group)) if group.state != GroupState::Empty => return Err(ErrorCode::GroupIdNotFound),
            Some(AnyGroup::Classic(_)) => true,
        };
        let mut records = Vec::new();
        if converts || !groups.contains_key(name) {
            if request.member_epoch != 0 {
                return Err(ErrorCode::GroupIdNotFound);
            }
            let mut group = Box::new(ConsumerGroup::new(Arc::clone(name)));
            let decided = group.heartbeat(at, request, out)?;
            if converts {
                records.push(GroupRecord::GroupMetadata { group: Arc::clone(name), value: None });
            }
            groups.insert(Arc::clone(name), AnyGroup::Consumer(group));
            return Ok(host(groups.get_mut(name), asked, records, decided.records, decided.answer, out));
        }
        let group = groups.get_mut(name);
        let Some(AnyGroup::Consumer(consumer)) = group else { return Ok(None) };
        let decided = consumer.heartbeat(at, request, out)?;
        Ok(host(groups.get_mut(name), asked, records, decided.records, decided.answer, out))
    }

    /// A write of a group is committed, or failed.
    pub(in crate::group) fn consumer_written(&mut self, follow: Follow, failed: Option<ErrorCode>, out: &mut Outbox) {
        if let Some(waiting) = follow.answer {
            waiting.give(failed, out);
        }
        let group = self.shards.get_mut(&follow.shard).and_then(|shard| shard.groups.get_mut(&follow.group));
        let Some(AnyGroup::Consumer(group)) = group else { return };
        group.open_writes = group.open_writes.saturating_sub(1);
        group.behind.iter_mut().for_each(|waiting| waiting.behind -= 1);
        let ready = group.behind.iter().take_while(|waiting| waiting.behind == 0).count();
        group.behind.drain(..ready).for_each(|waiting| waiting.give(failed, out));
        if let Some((member, at)) = follow.again.filter(|_| failed.is_some()) {
            group.wind(member, Clock::Session, at, 0);
        }
    }

    /// Puts out one member whose session or time to give up partitions is over.
    pub fn expire_consumer(
        &mut self,
        now: SimTime,
        image: &MetadataImage,
        uuid: &dyn Fn(TopicId) -> [u8; 16],
        out: &mut Outbox,
    ) -> Option<Write> {
        let at = Setting { now, image, config: &self.config, uuid };
        for (shard, groups) in self.shards.iter_mut().map(|(id, shard)| (*id, &mut shard.groups)) {
            for group in groups.values_mut().filter_map(AnyGroup::consumer_mut) {
                while group.next_timeout() <= now {
                    let Some((member, _, records)) = group.expire(at, out).filter(|(.., records)| !records.is_empty()) else { continue };
                    group.open_writes += 1;
                    let follow = Follow { shard, group: Arc::clone(&group.name), answer: None, again: Some((member, now + RETRY_BACKOFF)) };
                    let records = records.into_iter().map(|record| of(&group.name, record)).collect();
                    return Some(Write { shard, records, then: Continuation::Consumer(Box::new(follow)) });
                }
            }
        }
        None
    }
}

impl GroupCoordinator {
    /// Whether a member may be told what is committed; those of the classic protocol do not say who they are.
    pub fn may_fetch(&self, shard: u32, group: &Arc<str>, asking: Option<(&str, i32)>) -> Result<(), ErrorCode> {
        let group = self.shards.get(&shard).and_then(|shard| shard.groups.get(group));
        match group.and_then(AnyGroup::consumer) {
            Some(group) => group.may_fetch(asking),
            None => Ok(()),
        }
    }
}

impl ConsumerGroup {
    /// Another broker coordinates it now.
    pub(in crate::group) fn resign(self, out: &mut Outbox) {
        self.behind.into_iter().for_each(|waiting| waiting.give(Some(ErrorCode::NotCoordinator), out));
    }
}

fn of(group: &Arc<str>, record: ConsumerRecord) -> GroupRecord {
    GroupRecord::Consumer { group: Arc::clone(group), record }
}

/// The write that makes an answer true; without one it waits for those before it, if any is open.
fn host(
    group: Option<&mut AnyGroup>,
    asked: &Asked,
    mut before: Vec<GroupRecord>,
    records: Vec<ConsumerRecord>,
    answer: ConsumerHeartbeatAnswer,
    out: &mut Outbox,
) -> Option<Write> {
    let group = group.and_then(AnyGroup::consumer_mut)?;
    let waiting = Waiting { to: asked.from, id: asked.id, answer, behind: group.open_writes };
    if records.is_empty() {
        match waiting.behind {
            0 => waiting.give(None, out),
            _ => group.behind.push(waiting),
        }
        return None;
    }
    group.open_writes += 1;
    before.extend(records.into_iter().map(|record| of(&group.name, record)));
    let follow = Follow { shard: asked.shard, group: Arc::clone(&group.name), answer: Some(waiting), again: None };
    Some(Write { shard: asked.shard, records: before, then: Continuation::Consumer(Box::new(follow)) })
}
