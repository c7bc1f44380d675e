//! Committed offsets: who may commit, and when they are forgotten. Rules of Kafka's `OffsetMetadataManager`.

use super::offsets::{GroupRecord, OffsetValue};
use super::{AnyGroup, Asked, Continuation, GroupCoordinator, Shard, Work, Write};
use crate::error::ErrorCode;
use crate::ids::{LeaderEpoch, Offset, TopicPartition};
use crate::protocol::MemberRef;
use crate::time::SimTime;
use crate::trace::EventKind;
use std::sync::Arc;

impl GroupCoordinator {
    /// Commits are fenced by member, instance and generation; a group that is not there may be made by a commit from outside groups.
    pub fn commit(
        &mut self,
        now: SimTime,
        asked: &Asked,
        member: &MemberRef,
        offsets: &[(TopicPartition, Arc<str>, Offset, LeaderEpoch)],
    ) -> Result<Write, ErrorCode> {
        let shard = self.shards.get_mut(&asked.shard).ok_or(ErrorCode::NotCoordinator)?;
        let mut allowed = vec![true; offsets.len()];
        match shard.groups.get_mut(&member.group) {
            Some(group) => {
                allowed = group.validate_commit(member, offsets.iter().map(|(id, ..)| *id))?;
                group.heard_by_commit(now, member);
            }
            None if member.generation < 0 => {}
            None => return Err(ErrorCode::GroupIdNotFound),
        }
        let refused = allowed.contains(&false).then_some(ErrorCode::StaleMemberEpoch);
        let record = |(id, topic, offset, leader_epoch): &(TopicPartition, Arc<str>, Offset, LeaderEpoch)| GroupRecord::OffsetCommit {
            group: Arc::clone(&member.group),
            topic: Arc::clone(topic),
            partition: id.partition,
            value: Some(OffsetValue {
                offset: *offset,
                leader_epoch: *leader_epoch,
                metadata: String::new(),
                commit_timestamp_ms: now.timestamp_ms(),
            }),
        };
        let then = Continuation::AnswerCommit { to: asked.from, id: asked.id, refused };
        let taken = offsets.iter().zip(allowed).filter_map(|(offset, allowed)| allowed.then_some(offset));
        Ok(Write { shard: asked.shard, records: taken.map(record).collect(), then })
    }

    pub fn committed(&self, shard: u32, group: &Arc<str>, topic: &Arc<str>, partition: u32) -> Option<&OffsetValue> {
        self.shards.get(&shard)?.offsets.get(group)?.get(&(Arc::clone(topic), partition))
    }

    /// OffsetDelete of some partitions of a topic: refused while the group reads it.
    pub fn delete_offsets(&self, shard: u32, name: &Arc<str>, topic: &Arc<str>, partitions: &[u32]) -> Result<Write, ErrorCode> {
        let known = self.shards.get(&shard).ok_or(ErrorCode::NotCoordinator)?;
        let group = known.groups.get(name).ok_or(ErrorCode::GroupIdNotFound)?;
        group.validate_offset_delete()?;
        if group.is_subscribed_to(topic) {
            return Err(ErrorCode::GroupSubscribedToTopic);
        }
        let kept = partitions.iter().filter(|partition| self.committed(shard, name, topic, **partition).is_some());
        let records = kept.map(|partition| tombstone(name, topic, *partition)).collect();
        Ok(Write { shard, records, then: Continuation::Nothing })
    }

    /// DeleteGroups: the bookmarks go with the group.
    pub fn delete_group(&self, shard: u32, name: &Arc<str>) -> Result<Write, ErrorCode> {
        let known = self.shards.get(&shard).ok_or(ErrorCode::NotCoordinator)?;
        let group = known.groups.get(name).ok_or(ErrorCode::GroupIdNotFound)?;
        group.validate_delete()?;
        let bookmarks = known.offsets.get(name).into_iter().flat_map(|offsets| offsets.keys());
        let mut records: Vec<GroupRecord> = bookmarks.map(|(topic, partition)| tombstone(name, topic, *partition)).collect();
        records.extend(group.tombstones());
        Ok(Write { shard, records, then: Continuation::Nothing })
    }

    /// Topics were deleted: nobody has a bookmark in them any more.
    pub fn topics_deleted(&self, topics: &[Arc<str>]) -> Vec<Write> {
        let mut writes = Vec::new();
        for (shard, known) in self.shards.iter() {
            let all = known.offsets.iter().flat_map(|(group, offsets)| offsets.keys().map(move |key| (group, key)));
            let lost = all.filter(|(_, (topic, _))| topics.contains(topic));
            let records: Vec<GroupRecord> = lost.map(|(group, (topic, partition))| tombstone(group, topic, *partition)).collect();
            if !records.is_empty() {
                writes.push(Write { shard: *shard, records, then: Continuation::Nothing });
            }
        }
        writes
    }
}

impl Shard {
    /// Every `offsets.retention.check.interval.ms`: forgets bookmarks that are too old, and groups that are empty and have none.
    pub(super) fn clean_up(&mut self, work: &mut Work) {
        self.next_cleanup = work.now + work.config.offsets_retention_check_interval;
        let mut records = Vec::new();
        for (name, group) in &self.groups {
            let bookmarks = self.offsets.get(name).map_or(0, |offsets| offsets.len());
            let old = self.too_old(name, group, work);
            if !old.is_empty() {
                let text = format!("Group {name} loses {} of its {bookmarks} bookmarks: they are too old.", old.len());
                let rule = format!("offsets.retention.minutes = {}", work.config.offsets_retention.millis() / 60_000);
                work.note(EventKind::OffsetsExpired, name, text, rule, Vec::new());
            }
            let all = old.len() == bookmarks;
            records.extend(old);
            if all && group.validate_delete().is_ok() {
                records.extend(group.tombstones());
            }
        }
        if !records.is_empty() {
            work.write(records, Continuation::Nothing);
        }
    }

    fn too_old(&self, name: &Arc<str>, group: &AnyGroup, work: &Work) -> Vec<GroupRecord> {
        let now_ms = work.now.timestamp_ms();
        let retention_ms = work.config.offsets_retention.millis() as i64;
        let old =
            |value: &OffsetValue| group.bookmark_ages_from(value.commit_timestamp_ms).is_some_and(|from| now_ms - from >= retention_ms);
        let bookmarks = self.offsets.get(name).into_iter().flat_map(|offsets| offsets.iter());
        let forgotten = bookmarks.filter(|((topic, _), value)| !group.is_subscribed_to(topic) && old(value));
        forgotten.map(|((topic, partition), _)| tombstone(name, topic, *partition)).collect()
    }
}

fn tombstone(group: &Arc<str>, topic: &Arc<str>, partition: u32) -> GroupRecord {
    GroupRecord::OffsetCommit { group: Arc::clone(group), topic: Arc::clone(topic), partition, value: None }
}
