//! What a member owns and where it reads: committed offsets, resets, fetches and commits. Kafka's `SubscriptionState` and `Fetcher`.

use super::{Asked, Consumer};
use crate::command::SeekTo;
use crate::config::OffsetReset;
use crate::error::ErrorCode;
use crate::ids::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::metadata::{MetadataImage, PartitionRegistration};
use crate::node::{BeginsAt, Fact, Outbox};
use crate::planted::{Bug, planted};
use crate::protocol::{
    EpochAnswer, EpochQuestion, FetchPartition, FetchRequest, FetchedPartition, ListAt, ListOffsetsRequest, MemberAssignment,
    OffsetCommitRequest, OffsetFetchRequest, Request,
};
use crate::sorted::SortedMap;
use crate::time::SimTime;
use std::collections::VecDeque;
use std::sync::Arc;

/// One partition this member owns.
#[derive(Clone, Debug, Default)]
pub(super) struct Assigned {
    /// The next offset the application gets; `None` until the committed offset or the reset is known.
    pub position: Option<Offset>,
    /// Ask for the earliest or latest offset: `auto.offset.reset` decides which, unless the application has.
    needs_reset: bool,
    sought: Option<OffsetReset>,
    /// Because the log no longer has the offset it stood at.
    gone: bool,
    /// Leader epoch of the last record handed out; committed with the offset.
    last_epoch: Option<LeaderEpoch>,
    /// The leader epoch in which the log is known to hold what this position stands behind (KIP-320).
    valid_in: Option<LeaderEpoch>,
    /// Its leader is being asked whether it does.
    validating: Option<LeaderEpoch>,
    high_watermark: Offset,
    fetched: VecDeque<StoredBatch>,
    fetching: bool,
    preferred: Option<Preferred>,
    /// A batch whose CRC is wrong (`check.crcs`): every poll would throw, so this partition is read no further.
    damaged: bool,
    /// `pause()`: the application wants none of its records for now.
    pub paused: bool,
    /// It goes to somebody else: nothing of it is read any more.
    leaving: bool,
}

/// The follower the leader has sent this member to (KIP-392).
#[derive(Clone, Copy, Debug)]
struct Preferred {
    broker: BrokerId,
    /// Of the leader that said so.
    leader_epoch: LeaderEpoch,
    /// `metadata.max.age.ms` after it was said, the leader is asked again.
    until: SimTime,
}

impl Assigned {
    pub fn has_records(&self) -> bool {
        !self.fetched.is_empty()
    }

    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    pub fn is_fetching(&self) -> bool {
        self.fetching
    }

    /// The next records of one batch, at most `limit`: the batch and the offsets `from..to` in it.
    pub fn take(&mut self, limit: u64) -> Option<(StoredBatch, Offset, Offset)> {
        let from = self.position?;
        let first = self.fetched.front()?;
        let end = first.next_offset();
        let from = from.max(first.base_offset);
        let to = Offset(end.0.min(from.0 + limit));
        let batch = if to < end { first.clone() } else { self.fetched.pop_front()? };
        self.position = Some(to);
        self.last_epoch = Some(batch.leader_epoch);
        Some((batch, from, to))
    }

    /// What was fetched and not handed out is left to who comes to own it.
    pub fn give_up(&mut self) {
        self.leaving = true;
        self.fetched.clear();
    }

    /// Neither an answer nor the application is all it waits for.
    pub fn is_astir(&self) -> bool {
        self.needs_reset || self.position.is_none() || self.fetchable()
    }

    fn fetchable(&self) -> bool {
        !self.leaving
            && self.position.is_some()
            && !self.fetching
            && self.fetched.is_empty()
            && !self.damaged
            && self.validating.is_none()
            && !self.paused
    }

    /// The follower its leader has named, for as long as that holds.
    fn named(&self, now: SimTime, partition: &PartitionRegistration) -> Option<BrokerId> {
        self.preferred.filter(|said| said.until > now && said.leader_epoch == partition.leader_epoch).map(|said| said.broker)
    }

    /// Where to read: at the leader, unless it has named a follower and that one is there.
    fn read_from(&self, now: SimTime, image: &MetadataImage, partition: &PartitionRegistration) -> Option<BrokerId> {
        self.named(now, partition).filter(|broker| image.is_active(*broker)).or(partition.leader)
    }
}

impl Consumer {
    /// What is kept stays where it is read; gives how much was owned that is not in the assignment.
    pub(super) fn take_assignment(&mut self, assignment: &MemberAssignment) -> usize {
        let mut owned = self.assigned.take();
        for (topic, partitions) in assignment {
            let Some(topic) = self.connections.topic(topic).map(|topic| topic.id) else { continue };
            for partition in partitions {
                let id = TopicPartition { topic, partition: *partition };
                self.assigned.insert(id, owned.remove(&id).unwrap_or_default());
            }
        }
        let given_up = owned.len();
        if planted(Bug::ReadsWhatItGaveUp) {
            std::mem::take(&mut owned).into_iter().for_each(|(id, assigned)| self.assigned.insert(id, assigned));
        }
        given_up
    }

    pub(super) fn ask_committed(&mut self, now: SimTime, out: &mut Outbox) {
        let Some(coordinator) = self.coordinator else { return };
        let unknown = self.assigned.astir().filter(|(_, assigned)| assigned.position.is_none() && !assigned.needs_reset);
        let partitions: Vec<TopicPartition> = unknown.map(|(id, _)| *id).collect();
        let refused = self.follower.is_some() && self.reset_not_before > now;
        if partitions.is_empty() || refused || self.waits_for(|kind| matches!(kind, Asked::Committed(_))) {
            return;
        }
        let member = self.follower.as_ref().map(|_| (Arc::clone(&self.member_id), self.generation()));
        let request = OffsetFetchRequest { group: self.group.clone(), member, partitions: partitions.clone() };
        self.ask(now, coordinator, Request::OffsetFetch(Box::new(request)), Asked::Committed(partitions), out);
    }

    pub(super) fn took_committed(
        &mut self,
        now: SimTime,
        asked: &[TopicPartition],
        answer: Result<SortedMap<TopicPartition, Offset>, ErrorCode>,
        out: &mut Outbox,
    ) {
        match answer {
            Ok(offsets) => {
                for id in asked {
                    // Partitions that came meanwhile are asked for again.
                    let Some(assigned) = self.assigned.get_mut(id).filter(|assigned| assigned.position.is_none()) else { continue };
                    assigned.position = offsets.get(id).copied();
                    assigned.needs_reset = assigned.position.is_none();
                    if !assigned.needs_reset {
                        out.fact(Fact::Begun { client: self.id, partition: *id, at: BeginsAt::Committed });
                    }
                }
                self.reset(now, out);
            }
            // Its epoch has risen or is no longer one: asked again with the next, or not at all.
            Err(error @ (ErrorCode::StaleMemberEpoch | ErrorCode::UnknownMemberId)) => {
                self.note_error(error);
                self.reset_not_before = now + self.spec.config.retry_backoff;
            }
            Err(error) => {
                self.note_error(error);
                self.lose_coordinator(now);
            }
        }
    }

    /// What a partition without a valid position is to be read from.
    fn reset_of(&self, assigned: &Assigned) -> OffsetReset {
        assigned.sought.unwrap_or(self.spec.config.auto_offset_reset)
    }

    /// Partitions without a valid position ask their leaders for it. With `auto.offset.reset = none` the application hears of it.
    fn reset(&mut self, now: SimTime, out: &mut Outbox) {
        if self.waits_for(|kind| *kind == Asked::Reset) {
            return;
        }
        let mut by_leader: SortedMap<(BrokerId, ListAt), Vec<TopicPartition>> = SortedMap::new();
        for (id, assigned) in self.assigned.iter().filter(|(_, assigned)| assigned.needs_reset) {
            let at = match self.reset_of(assigned) {
                OffsetReset::None => return self.no_offset(now, *id, out),
                OffsetReset::Earliest => ListAt::Earliest,
                OffsetReset::Latest => ListAt::Latest,
                OffsetReset::ByDuration(back) => ListAt::Time(now.timestamp_ms() - back.millis() as i64),
            };
            match self.connections.leader(*id) {
                Some(leader) => by_leader.entry((leader, at)).or_default().push(*id),
                None => self.connections.want_metadata(),
            }
        }
        by_leader.retain(|(leader, _), _| self.connections.usable(*leader, now));
        for ((leader, at), partitions) in by_leader {
            let request = ListOffsetsRequest { partitions, at };
            self.ask(now, leader, Request::ListOffsets(Box::new(request)), Asked::Reset, out);
        }
    }

    /// `poll()` throws `NoOffsetForPartitionException`, or `OffsetOutOfRangeException`.
    fn no_offset(&mut self, now: SimTime, id: TopicPartition, out: &mut Outbox) {
        let name = self.connections.image().map(|image| image.name_of(id)).unwrap_or_default();
        let why = match self.assigned.get(&id).is_some_and(|assigned| assigned.gone) {
            true => format!("OffsetOutOfRangeException: the log of {name} does not reach back to its position, and no reset policy is set"),
            false => format!("NoOffsetForPartitionException: undefined offset with no reset policy for {name}"),
        };
        self.fail(now, &why, "auto.offset.reset = none", out);
    }

    pub(super) fn took_reset(&mut self, now: SimTime, answer: &[(TopicPartition, Result<Offset, ErrorCode>)], out: &mut Outbox) {
        for (id, result) in answer {
            let default = self.spec.config.auto_offset_reset;
            match (result, self.assigned.get_mut(id)) {
                (Ok(offset), Some(assigned)) if assigned.needs_reset => {
                    assigned.needs_reset = false;
                    let gone = std::mem::take(&mut assigned.gone);
                    let at = match assigned.sought.take() {
                        Some(_) => BeginsAt::Sought,
                        None => BeginsAt::Reset { to: default, gone },
                    };
                    out.fact(Fact::Begun { client: self.id, partition: *id, at });
                    (assigned.position, assigned.last_epoch) = (Some(*offset), None);
                }
                (Err(error), _) => {
                    self.reset_not_before = now + self.spec.config.retry_backoff;
                    self.note_error(*error);
                }
                _ => {}
            }
        }
        // Nothing is that young yet: it is asked again when the request would have timed out (`setNextAllowedRetry`).
        let by_time = matches!(self.spec.config.auto_offset_reset, OffsetReset::ByDuration(_));
        if by_time && self.reset_not_before <= now && self.assigned.astir().any(|(_, assigned)| assigned.needs_reset) {
            self.reset_not_before = now + self.spec.config.request_timeout;
        }
    }

    /// `seek()`: the next poll returns what is there.
    pub fn seek(&mut self, now: SimTime, id: TopicPartition, to: SeekTo, out: &mut Outbox) {
        let Some(assigned) = self.assigned.get_mut(&id) else { return };
        assigned.fetched.clear();
        assigned.last_epoch = None;
        assigned.damaged = false;
        let reset = match to {
            SeekTo::Earliest => Some(OffsetReset::Earliest),
            SeekTo::Latest => Some(OffsetReset::Latest),
            SeekTo::Offset(_) => None,
        };
        (assigned.needs_reset, assigned.sought, assigned.gone) = (reset.is_some(), reset, false);
        assigned.position = match to {
            SeekTo::Offset(offset) => Some(Offset(offset)),
            _ => None,
        };
        if reset.is_none() {
            out.fact(Fact::Begun { client: self.id, partition: id, at: BeginsAt::Sought });
        }
        self.run(now, out);
    }

    pub fn is_held(&self, id: TopicPartition) -> bool {
        self.assigned.get(&id).is_some_and(|assigned| assigned.paused)
    }

    /// `pause()` and `resume()` of a partition: what was fetched is kept.
    pub fn hold(&mut self, now: SimTime, id: TopicPartition, on: bool, out: &mut Outbox) {
        if let Some(assigned) = self.assigned.get_mut(&id) {
            assigned.paused = on;
        }
        self.run(now, out);
    }

    /// One fetch a leader, for the owned partitions whose fetched records are used up.
    pub(super) fn fetch(&mut self, now: SimTime, out: &mut Outbox) {
        if !self.reads() {
            return;
        }
        self.ask_committed(now, out);
        if self.assigned.astir().any(|(_, assigned)| assigned.needs_reset) && self.reset_not_before <= now {
            self.reset(now, out);
        }
        let Some(image) = self.connections.image().cloned() else { return };
        self.validate(now, &image, out);
        let mut by_leader: SortedMap<BrokerId, Vec<FetchPartition>> = SortedMap::new();
        for (id, assigned) in self.assigned.astir().filter(|(_, assigned)| assigned.fetchable()) {
            let Some(partition) = image.partition(*id).filter(|partition| assigned.valid_in == Some(partition.leader_epoch)) else {
                continue;
            };
            if assigned.named(now, partition).is_some_and(|broker| !image.is_active(broker)) {
                // The leader knows better than our metadata, or that broker has just gone.
                self.connections.want_metadata();
            }
            match assigned.read_from(now, &image, partition) {
                None => self.connections.want_metadata(),
                Some(leader) if self.fetches_from(leader) || !self.connections.usable(leader, now) => {}
                Some(leader) => by_leader.entry(leader).or_default().push(FetchPartition {
                    partition: *id,
                    offset: assigned.position.unwrap_or_default(),
                    current_leader_epoch: partition.leader_epoch,
                    last_fetched_epoch: None,
                    max_bytes: self.spec.config.max_partition_fetch_bytes,
                    high_watermark: assigned.high_watermark,
                    log_start: Offset(u64::MAX),
                }),
            }
        }
        for (leader, partitions) in by_leader {
            self.send_fetch(now, leader, partitions, out);
        }
    }

    fn fetches_from(&self, leader: BrokerId) -> bool {
        self.in_flight.values().any(|request| request.to == leader && matches!(request.kind, Asked::Fetch(_)))
    }

    /// A new leader may have cut what this member has read already: before it is read from, it is asked where the epoch of the last
    /// record ends with it (KIP-320).
    fn validate(&mut self, now: SimTime, image: &MetadataImage, out: &mut Outbox) {
        let mut questions: SortedMap<BrokerId, Vec<EpochQuestion>> = SortedMap::new();
        let (connections, may_ask) = (&mut self.connections, self.reset_not_before <= now);
        self.assigned.each_astir(|id, assigned| {
            let Some(partition) = image.partition(id).filter(|_| assigned.fetchable()) else { return };
            let current_leader_epoch = partition.leader_epoch;
            match (assigned.last_epoch, partition.leader) {
                _ if assigned.valid_in == Some(current_leader_epoch) => {}
                // Nothing was read yet: there is nothing to compare.
                (None, _) => assigned.valid_in = Some(current_leader_epoch),
                (_, None) => connections.want_metadata(),
                (Some(epoch), Some(leader)) if may_ask && connections.usable(leader, now) => {
                    assigned.validating = Some(current_leader_epoch);
                    questions.entry(leader).or_default().push(EpochQuestion { partition: id, current_leader_epoch, epoch });
                }
                _ => {}
            }
        });
        for (leader, questions) in questions {
            self.ask(now, leader, Request::OffsetForLeaderEpoch(questions), Asked::Validate, out);
        }
    }

    /// `SubscriptionState.maybeCompleteValidation`.
    pub(super) fn took_validation(&mut self, now: SimTime, answer: &[EpochAnswer], out: &mut Outbox) {
        for (id, result) in answer {
            let Some(assigned) = self.assigned.get_mut(id).filter(|assigned| assigned.validating.is_some()) else { continue };
            let leader_epoch = assigned.validating.take();
            match result {
                Err(error) => {
                    self.reset_not_before = now + self.spec.config.retry_backoff;
                    self.note_error(*error);
                }
                Ok(None) => {
                    assigned.position = None;
                    (assigned.needs_reset, assigned.gone) = (true, true);
                }
                Ok(Some((epoch, end))) => {
                    assigned.valid_in = leader_epoch;
                    if assigned.position > Some(*end) {
                        // Truncated: it goes back to the first offset known to differ.
                        (assigned.position, assigned.last_epoch) = (Some(*end), Some(*epoch));
                        out.fact(Fact::Begun { client: self.id, partition: *id, at: BeginsAt::Truncated });
                    }
                }
            }
        }
    }

    pub(super) fn validation_lost(&mut self) {
        self.assigned.change_all(|assigned| assigned.validating = None);
    }

    fn send_fetch(&mut self, now: SimTime, leader: BrokerId, partitions: Vec<FetchPartition>, out: &mut Outbox) {
        let asked: Vec<TopicPartition> = partitions.iter().map(|asked| asked.partition).collect();
        for id in &asked {
            if let Some(assigned) = self.assigned.get_mut(id) {
                assigned.fetching = true;
            }
        }
        let config = &self.spec.config;
        let request = FetchRequest {
            replica: None,
            rack: config.client_rack.clone(),
            max_wait: config.fetch_max_wait,
            min_bytes: config.fetch_min_bytes,
            max_bytes: config.fetch_max_bytes,
            partitions,
        };
        self.ask(now, leader, Request::Fetch(Box::new(request)), Asked::Fetch(asked), out);
    }

    /// The request came to nothing; a follower that did not answer is not asked again.
    pub(super) fn fetch_lost(&mut self, asked: &[TopicPartition]) {
        for id in asked {
            if let Some(assigned) = self.assigned.get_mut(id) {
                assigned.fetching = false;
                assigned.preferred = None;
            }
        }
    }

    pub(super) fn took_fetch(&mut self, now: SimTime, asked: &[TopicPartition], answer: Vec<FetchedPartition>) {
        for id in asked {
            if let Some(assigned) = self.assigned.get_mut(id) {
                assigned.fetching = false;
            }
        }
        for fetched in answer {
            let Some(assigned) = self.assigned.get_mut(&fetched.partition).filter(|assigned| !assigned.leaving) else { continue };
            // The position moved meanwhile: an answer to another question.
            let Some(position) = assigned.position.filter(|position| *position == fetched.offset) else { continue };
            match fetched.error {
                None => {
                    assigned.high_watermark = fetched.high_watermark;
                    if let Some(broker) = fetched.preferred {
                        let until = now + self.spec.config.metadata_max_age;
                        assigned.preferred = Some(Preferred { broker, leader_epoch: fetched.leader_epoch, until });
                    }
                    let whole = fetched.batches.iter().position(|batch| batch.damaged).unwrap_or(fetched.batches.len());
                    assigned.damaged = whole < fetched.batches.len();
                    assigned.fetched.extend(fetched.batches.into_iter().take(whole).filter(|batch| batch.next_offset() > position));
                    if assigned.has_records() {
                        self.ready.push_back(fetched.partition);
                    }
                    if assigned.damaged {
                        self.note_error(ErrorCode::CorruptMessage);
                    }
                }
                // A follower may lack what the leader has; only the leader's word resets the position.
                Some(error) => {
                    let asked_leader = assigned.preferred.take().is_none();
                    if error == ErrorCode::OffsetOutOfRange && asked_leader {
                        assigned.position = None;
                        (assigned.needs_reset, assigned.gone) = (true, true);
                    }
                    self.note_error(error);
                }
            }
        }
    }

    /// What the application was given so far (`SubscriptionState.allConsumed`).
    pub(super) fn consumed(&self) -> Vec<(TopicPartition, Offset, LeaderEpoch)> {
        let more = u64::from(planted(Bug::CommitsOfTheNext));
        let one = |(id, assigned): (&TopicPartition, &Assigned)| {
            Some((*id, assigned.position?.plus(more), assigned.last_epoch.unwrap_or_default()))
        };
        self.assigned.iter().filter_map(one).collect()
    }

    /// Commits what the application was given, without waiting; false when there is nothing to commit or nobody to tell.
    pub(super) fn commit(&mut self, now: SimTime, then_join: bool, out: &mut Outbox) -> bool {
        let Some(coordinator) = self.coordinator else { return false };
        let offsets = self.consumed();
        if offsets.is_empty() {
            return false;
        }
        let request = OffsetCommitRequest { member: self.member_ref(), offsets };
        self.ask(now, coordinator, Request::OffsetCommit(Box::new(request)), Asked::Commit { then_join }, out);
        true
    }

    pub(super) fn commit_answered(&mut self, now: SimTime, answer: Result<(), ErrorCode>, then_join: bool) {
        if then_join {
            self.commit_before_join(now, answer);
        }
        if let Err(error) = answer {
            self.note_error(error);
            self.commit_refused(now, error, self.generation());
        }
    }

    /// A leader that could not be reached is tried again when its pause is over.
    pub(super) fn next_fetch(&self) -> SimTime {
        if !self.reads() {
            return SimTime::MAX;
        }
        let Some(image) = self.connections.image() else { return SimTime::MAX };
        let idle = self.assigned.astir().filter(|(_, assigned)| assigned.fetchable() || assigned.needs_reset);
        let paused = idle.filter_map(|(id, assigned)| assigned.read_from(self.last_run, image, image.partition(*id)?));
        let paused = paused.map(|broker| self.connections.retry_at(broker));
        let resets = self.assigned.astir().any(|(_, assigned)| assigned.is_astir()).then_some(self.reset_not_before);
        paused.chain(resets).filter(|at| *at > self.last_run).min().unwrap_or(SimTime::MAX)
    }
}
