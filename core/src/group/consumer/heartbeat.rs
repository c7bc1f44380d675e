//! What the coordinator makes of a heartbeat: the member as it is now, a higher group epoch when subscriptions or topics have changed, a new
//! target for everybody, one step of this member towards it.
//!
//! Kafka's `GroupMetadataManager.consumerGroupHeartbeat`. Nothing changes here but clocks: the group changes when the records that are
//! asked for lie in the log.

use super::reconciliation::Step;
use super::records::{ConsumerRecord, MemberValue};
use super::{Clock, ConsumerGroup, ConsumerMember, LEAVES, LEAVES_FOR_NOW, MemberState, Owned};
use crate::config::BrokerConfig;
use crate::error::ErrorCode;
use crate::group::assignor;
use crate::group::consumer_protocol::Subscription;
use crate::hash::fnv;
use crate::ids::{TopicId, TopicPartition};
use crate::metadata::{MetadataImage, TopicImage};
use crate::node::Outbox;
use crate::protocol::{ConsumerHeartbeatAnswer, ConsumerHeartbeatRequest, MemberAssignment};
use crate::sorted::{SortedMap, SortedSet};
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use std::sync::Arc;

/// `group.consumer.assignors`, the first of which is taken when no member asks for another.
pub const ASSIGNORS: [&str; 2] = ["uniform", "range"];

/// What a decision goes by.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub now: SimTime,
    pub image: &'a MetadataImage,
    pub config: &'a BrokerConfig,
    /// Assignors go through topics in the order of their UUIDs' hashes.
    pub uuid: &'a dyn Fn(TopicId) -> [u8; 16],
}

/// What to write and, when it is committed, to answer.
#[derive(Clone, Debug)]
pub struct Decided {
    pub records: Vec<ConsumerRecord>,
    pub answer: ConsumerHeartbeatAnswer,
}

type Target = Arc<SortedSet<TopicPartition>>;

/// `GroupCoordinatorService.throwIfConsumerGroupHeartbeatRequestIsInvalid`.
pub fn check(request: &ConsumerHeartbeatRequest) -> Result<(), ErrorCode> {
    let empty = |text: &Option<Arc<str>>| text.as_ref().is_some_and(|text| text.is_empty());
    let incomplete = match request.member_epoch {
        0 => {
            let owns_nothing = request.owned.as_ref().is_some_and(Vec::is_empty);
            request.rebalance_timeout.is_none() || request.topics.is_none() || !owns_nothing
        }
        LEAVES_FOR_NOW => request.instance_id.is_none(),
        epoch => epoch < LEAVES_FOR_NOW,
    };
    if request.member_id.is_empty() || request.group.is_empty() || empty(&request.instance_id) || empty(&request.rack) || incomplete {
        return Err(ErrorCode::InvalidRequest);
    }
    match request.assignor.as_ref().is_none_or(|name| ASSIGNORS.contains(&&**name)) {
        true => Ok(()),
        false => Err(ErrorCode::UnsupportedAssignor),
    }
}

impl ConsumerGroup {
    pub fn heartbeat(&mut self, at: Setting, request: &ConsumerHeartbeatRequest, out: &mut Outbox) -> Result<Decided, ErrorCode> {
        match request.member_epoch {
            LEAVES | LEAVES_FOR_NOW => self.leave(at, request, out),
            _ => self.regular(at, request, out),
        }
    }

    fn regular(&mut self, at: Setting, request: &ConsumerHeartbeatRequest, out: &mut Outbox) -> Result<Decided, ErrorCode> {
        let id = &request.member_id;
        if self.members.len() >= at.config.group_consumer_max_size as usize && !self.members.contains_key(id) {
            return Err(ErrorCode::GroupMaxSizeReached);
        }
        let mut records = Vec::new();
        let (member, replaced) = match &request.instance_id {
            None => (self.dynamic_member(request)?, None),
            Some(instance) => self.static_member(request, instance, &mut records)?,
        };
        let newcomer = !self.members.contains_key(id);
        let mut updated = member.clone();
        tell(&mut updated.said, request);
        if (newcomer && replaced.is_none()) || updated.said != member.said {
            records.push(ConsumerRecord::Member(Arc::clone(id), Some(Box::new(updated.said.clone()))));
        }
        let subscribes_anew = updated.said.topics != member.said.topics;
        let change = Change { id, member: &updated, replaced: replaced.as_ref() };
        if newcomer {
            self.told_joined(&updated.said, replaced.is_some(), out);
        }
        let epoch = self.next_epoch(at, &change, subscribes_anew, &mut records);
        let (target_epoch, target) = self.next_target(at, epoch, &change, &mut records, out);
        let step = Step {
            group: self,
            image: at.image,
            target_epoch,
            target: &target,
            subscription_changed: subscribes_anew,
            owned: request.owned.as_deref(),
        };
        let reconciled = step.of(updated.clone())?;
        if reconciled != updated {
            records.push(ConsumerRecord::Current(Arc::clone(id), Some(Box::new(reconciled.current()))));
            match reconciled.state == MemberState::UnrevokedPartitions {
                true => self.wind(Arc::clone(id), Clock::Rebalance, at.now + reconciled.said.rebalance_timeout, reconciled.epoch),
                false => self.unwind(id, Clock::Rebalance),
            }
        }
        self.wind(Arc::clone(id), Clock::Session, at.now + at.config.group_consumer_session_timeout, 0);
        let full = request.rebalance_timeout.is_some() && request.topics.is_some() && request.owned.is_some();
        let tells = request.member_epoch == 0 || full || reconciled.assigned != member.assigned;
        let answer = ConsumerHeartbeatAnswer {
            member_epoch: reconciled.epoch,
            heartbeat_interval: at.config.group_consumer_heartbeat_interval,
            assignment: tells.then(|| reconciled.assigned.keys().copied().collect()),
        };
        Ok(Decided { records, answer })
    }

    fn dynamic_member(&self, request: &ConsumerHeartbeatRequest) -> Result<ConsumerMember, ErrorCode> {
        match self.members.get(&request.member_id) {
            Some(member) => check_epoch(member, request).map(|()| member.clone()),
            None if request.member_epoch == 0 => Ok(ConsumerMember::new()),
            None => Err(ErrorCode::UnknownMemberId),
        }
    }

    /// The member of an instance; one that comes back under a new id takes the place of the one before, which is named too.
    fn static_member(
        &self,
        request: &ConsumerHeartbeatRequest,
        instance: &Arc<str>,
        records: &mut Vec<ConsumerRecord>,
    ) -> Result<(ConsumerMember, Option<Arc<str>>), ErrorCode> {
        let known = self.static_members.get(instance).and_then(|id| Some((id, self.members.get(id)?)));
        match known {
            None if request.member_epoch != 0 => Err(ErrorCode::UnknownMemberId),
            None => {
                let member = self.members.get(&request.member_id);
                Ok((member.cloned().unwrap_or_else(ConsumerMember::new), None))
            }
            Some((_, member)) if request.member_epoch == 0 && member.epoch != LEAVES_FOR_NOW => Err(ErrorCode::UnreleasedInstanceId),
            Some((id, member)) if request.member_epoch == 0 => {
                let back = ConsumerMember { epoch: 0, previous_epoch: 0, ..member.clone() };
                self.replace(id, &request.member_id, &back, records);
                Ok((back, Some(Arc::clone(id))))
            }
            Some((id, _)) if *id != request.member_id => Err(ErrorCode::FencedInstanceId),
            Some((_, member)) => check_epoch(member, request).map(|()| (member.clone(), None)),
        }
    }

    fn replace(&self, old: &Arc<str>, new: &Arc<str>, member: &ConsumerMember, records: &mut Vec<ConsumerRecord>) {
        let target = self.target.get(old).cloned().unwrap_or_default();
        records.extend(farewell(old));
        records.push(ConsumerRecord::Member(Arc::clone(new), Some(Box::new(member.said.clone()))));
        records.push(ConsumerRecord::Target(Arc::clone(new), Some(target)));
        records.push(ConsumerRecord::Current(Arc::clone(new), Some(Box::new(member.current()))));
    }

    /// The group's epoch rises with a subscription, and with what is to be read: topics that come, grow, move or go.
    fn next_epoch(&mut self, at: Setting, change: &Change, subscribes_anew: bool, records: &mut Vec<ConsumerRecord>) -> i32 {
        let current = self.looked_at.is_some_and(|(offset, epoch)| offset == at.image.offset && epoch <= self.epoch);
        if !subscribes_anew && current {
            return self.epoch;
        }
        let topics = self.members_with(change).flat_map(|(_, member)| member.said.topics.iter().cloned()).collect();
        let hash = metadata_hash(at, &topics);
        let mut epoch = self.epoch;
        if subscribes_anew || hash != self.metadata_hash {
            epoch += 1;
            records.push(ConsumerRecord::Epoch(Some((epoch, hash))));
        }
        self.looked_at = Some((at.image.offset, epoch));
        epoch
    }

    /// The group's members as they will be.
    fn members_with<'a>(&'a self, change: &'a Change) -> impl Iterator<Item = (&'a Arc<str>, &'a ConsumerMember)> {
        let others = self.members.iter().filter(|(id, _)| *id != change.id && change.replaced != Some(*id));
        others.chain([(change.id, change.member)])
    }

    /// The target of a member and its epoch: a new one for the whole group when the group has gone on and
    /// `group.consumer.assignment.interval.ms` have passed since the last.
    fn next_target(
        &mut self,
        at: Setting,
        epoch: i32,
        change: &Change,
        records: &mut Vec<ConsumerRecord>,
        out: &mut Outbox,
    ) -> (i32, Target) {
        let instance = change.member.said.instance_id.as_ref();
        let last = match instance {
            None => Some(change.id),
            Some(instance) => self.static_members.get(instance),
        };
        let last = last.and_then(|id| self.target.get(id)).cloned().unwrap_or_default();
        if self.assignment_epoch >= epoch || !self.may_assign(at) {
            return (self.assignment_epoch, last);
        }
        let assignor = self.preferred_assignor(change);
        let (members, topics) = self.assignors_view(at, change, &last);
        let Some(assignor) = assignor::server(assignor) else { return (self.assignment_epoch, last) };
        let ids: SortedMap<&str, TopicId> = at.image.topics().map(|topic| (&*topic.name, topic.id)).collect();
        let shares = assignor.assign(&members, &topics);
        let (mut own, mut told) = (Target::default(), Vec::new());
        for member in &members {
            let share = shares.get(&member.id).map(|share| of_share(&ids, share)).unwrap_or_default();
            told.push((&member.id, share.len()));
            let share = Arc::new(share);
            if member.id == *change.id {
                own = Arc::clone(&share);
            }
            if self.target.get(&member.id) != Some(&share) {
                records.push(ConsumerRecord::Target(Arc::clone(&member.id), Some(share)));
            }
        }
        records.push(ConsumerRecord::TargetEpoch(Some((epoch, at.now.timestamp_ms()))));
        self.tell_target(epoch, assignor.name(), change, &told, out);
        (epoch, own)
    }

    fn may_assign(&self, at: Setting) -> bool {
        let interval = at.config.group_consumer_assignment_interval;
        let last = self.assignment_timestamp_ms;
        last == 0 || interval == SimDuration::ZERO || at.now.timestamp_ms() >= last + interval.millis() as i64
    }

    /// What most members ask for. With as many for the one as for the other it is the one that was asked for before, if that was one alone,
    /// or else `uniform`: so the hash tables of Kafka's coordinator have it.
    fn preferred_assignor(&self, change: &Change) -> &'static str {
        let asks = |member: &ConsumerMember, name: &str| member.said.assignor.as_deref() == Some(name);
        let votes = |name: &str| self.members_with(change).filter(|(_, member)| asks(member, name)).count();
        let (range, uniform) = (votes("range"), votes("uniform"));
        let tie = range == uniform && range > 0;
        match range > uniform || (tie && !self.members.values().any(|member| asks(member, "uniform"))) {
            true => "range",
            false => "uniform",
        }
    }

    /// The assignor that most of its members ask for.
    pub fn assignor(&self) -> &'static str {
        match self.members.first_key_value() {
            Some((id, member)) => self.preferred_assignor(&Change { id, member, replaced: None }),
            None => "",
        }
    }

    fn assignors_view(&self, at: Setting, change: &Change, last: &Target) -> (Vec<assignor::Member>, assignor::Topics) {
        let view = |(id, member): (&Arc<str>, &ConsumerMember)| {
            let target = if id == change.id { Some(last) } else { self.target.get(id) };
            assignor::Member {
                id: Arc::clone(id),
                instance: member.said.instance_id.clone(),
                subscription: Subscription {
                    topics: member.said.topics.iter().cloned().collect(),
                    owned: target.map(|target| share_of(at.image, target)).unwrap_or_default(),
                    rack: member.said.rack.clone(),
                    ..Subscription::default()
                },
            }
        };
        let members: Vec<assignor::Member> = self.members_with(change).map(view).collect();
        let names: SortedSet<Arc<str>> = members.iter().flat_map(|member| member.subscription.topics.iter().cloned()).collect();
        let topic =
            |image: &TopicImage| assignor::Topic { id: (at.uuid)(image.id), partitions: image.partitions.len() as u32, racks: Vec::new() };
        let topics = at.image.topics().filter(|image| names.contains(&image.name));
        (members, topics.map(|image| (Arc::clone(&image.name), topic(image))).collect())
    }

    fn leave(&mut self, at: Setting, request: &ConsumerHeartbeatRequest, out: &mut Outbox) -> Result<Decided, ErrorCode> {
        let id = &request.member_id;
        if let Some(instance) = &request.instance_id {
            match self.static_members.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(known) if known != id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        let member = self.members.get(id).ok_or(ErrorCode::UnknownMemberId)?;
        let answer =
            ConsumerHeartbeatAnswer { member_epoch: request.member_epoch, heartbeat_interval: SimDuration::ZERO, assignment: None };
        if request.instance_id.is_some() && request.member_epoch == LEAVES_FOR_NOW {
            let mut value = member.current();
            value.epoch = LEAVES_FOR_NOW;
            value.pending_revocation = Owned::new();
            value.assigned.values_mut().for_each(|since| *since = 0);
            return Ok(Decided { records: vec![ConsumerRecord::Current(Arc::clone(id), Some(Box::new(value)))], answer });
        }
        Ok(Decided { records: self.fence(at, id, "left the group", "ConsumerGroupHeartbeat with epoch -1: a clean goodbye", out), answer })
    }

    /// A member is no longer one; everything it had is free.
    fn fence(&mut self, at: Setting, id: &Arc<str>, how: &str, rule: &str, out: &mut Outbox) -> Vec<ConsumerRecord> {
        let client = self.members.get(id).map_or(Arc::clone(id), |member| Arc::clone(&member.said.client_id));
        let text = format!("{client} {how} ({}).", self.name);
        self.because.push(out.note(EventKind::MemberLeft, self.name.to_string(), text, rule.to_owned(), Vec::new()));
        self.unwind(id, Clock::Session);
        self.unwind(id, Clock::Rebalance);
        let others = self.members.iter().filter(|(other, _)| *other != id);
        let hash = metadata_hash(at, &others.flat_map(|(_, member)| member.said.topics.iter().cloned()).collect());
        let mut records = Vec::from(farewell(id));
        records.push(ConsumerRecord::Epoch(Some((self.epoch + 1, hash))));
        records
    }

    /// The clock that ran out first, and the records that put its member out; none when it has done what was waited for.
    pub fn expire(&mut self, at: Setting, out: &mut Outbox) -> Option<(Arc<str>, Clock, Vec<ConsumerRecord>)> {
        let (id, clock, epoch) = self.run_out(at.now)?;
        let (how, rule) = match (clock, self.members.get(&id)) {
            (Clock::Session, Some(_)) => {
                let timeout = at.config.group_consumer_session_timeout;
                (format!("was not heard of for {timeout}"), format!("group.consumer.session.timeout.ms = {}", timeout.millis()))
            }
            (Clock::Rebalance, Some(member)) if member.epoch == epoch => {
                let timeout = member.said.rebalance_timeout;
                (format!("did not give up its partitions within {timeout}"), format!("max.poll.interval.ms = {}", timeout.millis()))
            }
            _ => return Some((id, clock, Vec::new())),
        };
        let records = self.fence(at, &id, &how, &rule, out);
        Some((id, clock, records))
    }

    fn told_joined(&mut self, said: &MemberValue, again: bool, out: &mut Outbox) {
        let text = match again {
            true => format!("{} is back in group {}.", said.client_id, self.name),
            false => format!("{} joined group {}.", said.client_id, self.name),
        };
        let rule = "ConsumerGroupHeartbeat with epoch 0 (KIP-848)".to_owned();
        self.because.push(out.note(EventKind::MemberJoined, self.name.to_string(), text, rule, Vec::new()));
    }

    fn tell_target(&mut self, epoch: i32, assignor: &str, change: &Change, shares: &[(&Arc<str>, usize)], out: &mut Outbox) {
        let client = |id: &Arc<str>| match id == change.id {
            true => Arc::clone(&change.member.said.client_id),
            false => self.members.get(id).map_or(Arc::clone(id), |member| Arc::clone(&member.said.client_id)),
        };
        let share = |(id, count): &(&Arc<str>, usize)| match count {
            0 => format!("{} is idle", client(id)),
            1 => format!("{} reads 1 partition", client(id)),
            n => format!("{} reads {n} partitions", client(id)),
        };
        let shares: Vec<String> = shares.iter().map(share).collect();
        let causes = std::mem::take(&mut self.because);
        out.note(
            EventKind::GroupRebalanced,
            self.name.to_string(),
            format!("The coordinator divides the partitions of group {} anew in epoch {epoch}: {}.", self.name, shares.join("; ")),
            format!("The coordinator ran the {assignor} assignor; a partition that moves is given up before it is given (KIP-848)"),
            causes,
        );
    }
}

/// A member as this heartbeat makes it.
struct Change<'a> {
    id: &'a Arc<str>,
    member: &'a ConsumerMember,
    /// The static member whose place it takes.
    replaced: Option<&'a Arc<str>>,
}

/// What a heartbeat leaves out has not changed.
fn tell(said: &mut MemberValue, request: &ConsumerHeartbeatRequest) {
    let newer = |told: &Option<Arc<str>>, known: &mut Option<Arc<str>>| {
        if told.is_some() {
            known.clone_from(told);
        }
    };
    newer(&request.instance_id, &mut said.instance_id);
    newer(&request.rack, &mut said.rack);
    newer(&request.assignor, &mut said.assignor);
    said.rebalance_timeout = request.rebalance_timeout.unwrap_or(said.rebalance_timeout);
    if let Some(topics) = &request.topics {
        said.topics = topics.iter().cloned().collect();
    }
    said.client_id = Arc::clone(&request.client_id);
}

/// Its epoch is the member's, or the one before when the answer with the newer one may have been lost.
fn check_epoch(member: &ConsumerMember, request: &ConsumerHeartbeatRequest) -> Result<(), ErrorCode> {
    let owned = |owned: &Vec<TopicPartition>| owned.iter().all(|id| member.assigned.contains_key(id));
    let epoch = request.member_epoch;
    let lost = epoch < member.epoch && epoch == member.previous_epoch && request.owned.as_ref().is_some_and(owned);
    match epoch == 0 || epoch == member.epoch || lost {
        true => Ok(()),
        false => Err(ErrorCode::FencedMemberEpoch),
    }
}

fn farewell(id: &Arc<str>) -> [ConsumerRecord; 3] {
    let id = || Arc::clone(id);
    [ConsumerRecord::Current(id(), None), ConsumerRecord::Target(id(), None), ConsumerRecord::Member(id(), None)]
}

/// Changes when what is to be read changes: topics, how many partitions they have, in which racks their replicas are.
fn metadata_hash(at: Setting, topics: &SortedSet<Arc<str>>) -> u64 {
    let mut hash = 0;
    for topic in at.image.topics().filter(|topic| topics.contains(&topic.name)) {
        hash = fnv(hash, &(at.uuid)(topic.id));
        for partition in &topic.partitions {
            hash = fnv(hash, &[0]);
            let racks = partition.replicas.iter().filter_map(|id| at.image.brokers.get(id)?.rack.as_ref());
            for rack in racks.collect::<SortedSet<_>>().iter() {
                hash = fnv(hash, rack.as_bytes());
            }
        }
    }
    hash
}

fn share_of(image: &MetadataImage, partitions: &SortedSet<TopicPartition>) -> MemberAssignment {
    let topics = partitions.chunk_by(|a, b| a.topic == b.topic);
    let named = |ids: &[TopicPartition]| {
        let name = &image.topic(ids[0].topic)?.name;
        Some((Arc::clone(name), ids.iter().map(|id| id.partition).collect()))
    };
    topics.filter_map(named).collect()
}

fn of_share(ids: &SortedMap<&str, TopicId>, share: &MemberAssignment) -> SortedSet<TopicPartition> {
    let mut partitions = SortedSet::new();
    for (name, numbers) in share {
        let Some(topic) = ids.get(&**name) else { continue };
        partitions.extend(numbers.iter().map(|partition| TopicPartition { topic: *topic, partition: *partition }));
    }
    partitions
}
