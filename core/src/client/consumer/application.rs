//! The application behind a member: what it does with the records a poll returned, one after another, and when it commits them.
//!
//! A poll loop as `KafkaConsumer` asks for: `poll()`, the work, a commit where the application makes one. The heartbeat thread goes on
//! beside it, so a member that works for too long still says that it is alive (`max.poll.interval.ms`).

use super::membership::Membership;
use super::{Asked, Consumer};
use crate::error::ErrorCode;
use crate::ids::{EventId, LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::node::{Fact, Outbox};
use crate::planted::{Bug, planted};
use crate::protocol::{OffsetCommitRequest, Request};
use crate::scenario::{BadRecord, CommitMode, GroupSpec, Mishap, Poison};
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use std::sync::Arc;

/// `default.api.timeout.ms`: how long `commitSync()` tries.
const API_TIMEOUT: SimDuration = SimDuration::from_secs(60);

/// Records that take less are looked at together: nobody sees more than a thousand steps a second.
const STEP: SimDuration = SimDuration::from_millis(1);

/// A supervisor starts a process that ended by itself again: after this, twice as long each time, at most five minutes. No rule of
/// Kafka's; Kubernetes does so (`CrashLoopBackOff`).
const RESTART: SimDuration = SimDuration::from_secs(10);
const RESTART_MAX: SimDuration = SimDuration::from_secs(300);

/// Records of one batch that a poll returned, and that are not worked on yet.
#[derive(Clone, Debug)]
pub(super) struct Work {
    partition: TopicPartition,
    batch: StoredBatch,
    from: Offset,
    to: Offset,
}

/// What the application's thread does.
#[derive(Clone, Debug, Default)]
pub(super) enum Stage {
    /// It is in `poll()`.
    #[default]
    Polling,
    /// It works on the first record in hand since then.
    Working { since: SimTime },
    /// It has not come back from the first record in hand.
    Stuck,
    /// It is in `commitSync()`.
    Committing(Committing),
    /// The process ended by itself; a new one starts then.
    Ended { until: SimTime },
}

#[derive(Clone, Debug)]
pub(super) struct Committing {
    offsets: Vec<(TopicPartition, Offset, LeaderEpoch)>,
    until: SimTime,
    retry_at: SimTime,
}

impl Consumer {
    /// The turn of the application's thread; true when it has been in `poll()`.
    pub(super) fn act(&mut self, now: SimTime, out: &mut Outbox) -> bool {
        self.keep_committing(now, out);
        self.work(now, out);
        let polls = matches!(self.stage, Stage::Polling);
        if polls {
            self.poll(now, out);
            self.work(now, out);
        }
        self.busy_until = self.free_at();
        polls
    }

    /// Takes up to `max.poll.records` of what was fetched: what came first, first. Gives how many.
    pub(super) fn take_fetched(&mut self) -> u64 {
        let limit = u64::from(self.spec.config.max_poll_records);
        let (mut left, mut waiting) = (limit, self.ready.len());
        while left > 0 && waiting > 0 {
            let Some(partition) = self.ready.front().copied() else { break };
            match self.assigned.get_mut(&partition) {
                // Kept for when it is resumed.
                Some(assigned) if assigned.paused && assigned.has_records() => {
                    self.ready.rotate_left(1);
                    waiting -= 1;
                }
                mut assigned => {
                    while left > 0
                        && let Some((batch, from, to)) = assigned.as_mut().and_then(|assigned| assigned.take(left))
                    {
                        left -= to.since(from);
                        self.in_hand.push_back(Work { partition, batch, from, to });
                    }
                    if left > 0 {
                        self.ready.pop_front();
                        waiting -= 1;
                    }
                }
            }
        }
        limit - left
    }

    /// Begins with what `poll()` returned.
    pub(super) fn take_up(&mut self, now: SimTime, out: &mut Outbox) {
        self.stage = Stage::Working { since: now };
        if self.spec.commit == CommitMode::Before || planted(Bug::CommitsOfWhatIsInHand) {
            self.begin_commit(now, self.consumed(), out);
        }
    }

    /// Works through what is in hand, as far as the time goes.
    pub(super) fn work(&mut self, now: SimTime, out: &mut Outbox) {
        while let Stage::Working { since } = self.stage {
            let Some(first) = self.in_hand.front() else { return self.finish(now, out) };
            let mut records = first.to.since(first.from);
            if !self.spec.process.is_zero() {
                records = records.min(now.since(since).micros() / self.spec.process.micros());
            }
            if self.spec.commit == CommitMode::Each {
                records = records.min(1);
            }
            if let Some((bad, does)) = self.next_bad() {
                records = records.min(bad.since(first.from));
                if records == 0 {
                    self.meets(now, does, out);
                    continue;
                }
            }
            if records == 0 {
                return;
            }
            self.stage = Stage::Working { since: since + self.spec.process.times(records) };
            let committed = self.done(records, out);
            if self.spec.commit == CommitMode::Each {
                self.begin_commit(now, vec![committed], out);
            }
        }
    }

    /// The application is done with the next records; gives what there is to commit of it.
    fn done(&mut self, records: u64, out: &mut Outbox) -> (TopicPartition, Offset, LeaderEpoch) {
        let first = self.in_hand.front_mut().expect("there is work in hand");
        let (partition, from) = (first.partition, first.from);
        let to = from.plus(records);
        first.from = to;
        let all = self.in_hand.pop_front_if(|first| first.from == first.to);
        let batch = all.or_else(|| self.in_hand.front().cloned()).expect("there is work in hand").batch;
        self.delivered += records;
        let epoch = batch.leader_epoch;
        out.fact(Fact::Delivered { client: self.id, partition, batch, from, to });
        (partition, to, epoch)
    }

    /// Nothing is left in hand.
    fn finish(&mut self, now: SimTime, out: &mut Outbox) {
        self.stage = Stage::Polling;
        if self.spec.commit == CommitMode::After {
            self.begin_commit(now, self.consumed(), out);
        } else {
            self.exit_if_asked(now, out);
        }
    }

    /// `close()`: the loop ends when the work in hand is done; the group is told. True when the process has ended.
    pub fn close(&mut self, now: SimTime, because: EventId, out: &mut Outbox) -> bool {
        if matches!(self.stage, Stage::Working { .. } | Stage::Stuck | Stage::Committing(_)) {
            self.closing = Some(because);
            return false;
        }
        self.say_goodbye(now, out);
        true
    }

    pub fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    fn exit_if_asked(&mut self, now: SimTime, out: &mut Outbox) {
        if let Some(because) = self.closing.take() {
            self.say_goodbye(now, out);
            self.forget();
            self.stage = Stage::Ended { until: SimTime::MAX };
            out.fact(Fact::Exited(NodeId::Client(self.id), Some(because)));
        }
    }

    /// What it does, in a word.
    pub const fn does(&self) -> &'static str {
        match self.stage {
            Stage::Polling => "polls",
            Stage::Working { .. } => "works",
            Stage::Committing(_) => "commits",
            Stage::Stuck => "stuck",
            Stage::Ended { .. } => "waits",
        }
    }

    /// What the application of a member has of a partition and has not done yet.
    pub fn in_hand(&self, id: TopicPartition) -> impl Iterator<Item = (Offset, Offset)> + '_ {
        self.in_hand.iter().filter(move |work| work.partition == id).map(|work| (work.from, work.to))
    }

    pub fn in_hand_count(&self) -> u64 {
        self.in_hand.iter().map(|work| work.to.since(work.from)).sum()
    }

    /// When `poll()` is called next, as far as it is known.
    fn free_at(&self) -> SimTime {
        match &self.stage {
            Stage::Polling => self.last_poll,
            Stage::Working { since } if self.spec.commit != CommitMode::Each && self.next_bad().is_none() => {
                *since + self.spec.process.times(self.in_hand_count())
            }
            _ => SimTime::MAX,
        }
    }

    /// When the application's thread has something to do by itself.
    pub(super) fn next_act(&self) -> SimTime {
        match &self.stage {
            Stage::Polling => self.next_poll(),
            Stage::Working { since } => {
                let together = (STEP.micros() / self.spec.process.micros().max(1)).max(1);
                let first = self.in_hand.front().map_or(0, |work| work.to.since(work.from));
                let more = if self.in_hand.len() > 1 { together } else { first };
                let records = match self.spec.commit {
                    CommitMode::Each => 1,
                    _ => together.min(first.max(more)),
                };
                *since + self.spec.process.times(records)
            }
            Stage::Committing(_) if self.coordinator.is_none() || self.waits_for(|kind| *kind == Asked::CommitSync) => SimTime::MAX,
            Stage::Committing(committing) => committing.retry_at.min(committing.until),
            Stage::Ended { until } => *until,
            Stage::Stuck => SimTime::MAX,
        }
    }

    /// The process gets nothing done from now on (`SIGSTOP`).
    pub fn freeze(&mut self, now: SimTime, out: &mut Outbox) {
        self.work_before(now, out);
        self.frozen_at = now;
    }

    /// The work goes on where it was.
    pub fn thaw(&mut self, now: SimTime) {
        if let Stage::Working { since } = &mut self.stage {
            *since += now.since(self.frozen_at);
        }
        self.frozen_at = SimTime::MAX;
        self.busy_until = self.free_at();
    }

    /// What is done before a user's action at this instant.
    pub(super) fn work_before(&mut self, now: SimTime, out: &mut Outbox) {
        if self.frozen_at == SimTime::MAX {
            self.work(SimTime(now.micros().saturating_sub(1)), out);
        }
    }
}

/// `commitSync()`.
impl Consumer {
    fn begin_commit(&mut self, now: SimTime, offsets: Vec<(TopicPartition, Offset, LeaderEpoch)>, out: &mut Outbox) {
        self.stage = Stage::Committing(Committing { offsets, until: now + API_TIMEOUT, retry_at: now });
        self.keep_committing(now, out);
    }

    fn keep_committing(&mut self, now: SimTime, out: &mut Outbox) {
        let Stage::Committing(committing) = &self.stage else { return };
        if self.waits_for(|kind| *kind == Asked::CommitSync) {
            return;
        }
        match self.membership {
            Membership::Unjoined => return self.commit_failed(now, "CommitFailedException: it is in the group no more", out),
            Membership::Joining { .. } | Membership::Syncing { .. } => return self.commit_waits(now, out),
            Membership::Preparing { .. } | Membership::Stable { .. } | Membership::Alone => {}
        }
        if committing.until <= now {
            return self.commit_failed(now, "TimeoutException: default.api.timeout.ms = 60000 passed", out);
        }
        if committing.offsets.is_empty() {
            return self.committed(now, out);
        }
        let Some(coordinator) = self.coordinator.filter(|_| committing.retry_at <= now) else { return };
        let request = OffsetCommitRequest { member: self.member_ref(), offsets: committing.offsets.clone() };
        self.ask(now, coordinator, Request::OffsetCommit(Box::new(request)), Asked::CommitSync, out);
    }

    /// The answer, or that there will be none.
    pub(super) fn commit_sync_answered(&mut self, now: SimTime, answer: Result<(), ErrorCode>, out: &mut Outbox) {
        let Err(error) = answer else { return self.committed(now, out) };
        self.note_error(error);
        self.commit_refused(now, error, self.generation());
        match error {
            ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable => {}
            ErrorCode::CoordinatorLoadInProgress | ErrorCode::RequestTimedOut | ErrorCode::NetworkException => {}
            ErrorCode::RebalanceInProgress => return self.commit_waits(now, out),
            error => return self.commit_failed(now, &format!("CommitFailedException: {error}"), out),
        }
        if let Stage::Committing(committing) = &mut self.stage {
            committing.retry_at = now + self.spec.config.retry_backoff;
        }
    }

    fn committed(&mut self, now: SimTime, out: &mut Outbox) {
        match self.in_hand.is_empty() {
            true => {
                self.stage = Stage::Polling;
                self.exit_if_asked(now, out);
            }
            false => self.stage = Stage::Working { since: now },
        }
    }

    /// `RebalanceInProgressException`: a member that reads on during a rebalance keeps its partitions, and commits when it is over.
    fn commit_waits(&mut self, now: SimTime, out: &mut Outbox) {
        const WHY: &str = "RebalanceInProgressException: the group is between two generations";
        if self.spec.commit == CommitMode::Before {
            return self.commit_failed(now, WHY, out);
        }
        if !std::mem::replace(&mut self.told_to_wait, true) {
            let (who, group) = (&self.name, &self.group);
            let text = format!("{who} cannot commit to {group} while it rebalances; it does so when that is over.");
            out.note(EventKind::CommitRefused, group.to_string(), text, WHY.to_owned(), Vec::new());
        }
        self.committed(now, out);
    }

    /// The application hears of it and polls again; what it was to commit first it leaves alone.
    fn commit_failed(&mut self, now: SimTime, why: &str, out: &mut Outbox) {
        let (who, group) = (&self.name, &self.group);
        let again = match self.spec.commit {
            CommitMode::Before => {
                self.in_hand.clear();
                "It does not work on those records"
            }
            _ => "Whoever owns the partitions gets those records again",
        };
        out.note(
            EventKind::CommitRefused,
            group.to_string(),
            format!("{who} could not commit to {group}: {why}. {again}."),
            "A commit is fenced by member id and generation or epoch (OffsetCommit); reading is not".to_owned(),
            Vec::new(),
        );
        self.committed(now, out);
    }
}

/// What goes wrong with the application.
impl Consumer {
    /// The first bad record of the batch in hand.
    fn next_bad(&self) -> Option<(Offset, Mishap)> {
        let Poison { record, does } = self.spec.poison.as_ref()?;
        let first = self.in_hand.front()?;
        let mut offsets = (first.from.0..first.to.0).map(Offset);
        let found = match record {
            BadRecord::At { topic, partition, offset } => {
                let here = first.partition.partition == *partition
                    && self.connections.topic(topic).is_some_and(|topic| topic.id == first.partition.topic);
                offsets.find(|at| here && at.0 == *offset)
            }
            BadRecord::Key(key) => offsets.find(|at| {
                let record = first.batch.batch.record(at.since(first.batch.base_offset) as u32);
                record.and_then(|record| record.key) == Some(key.as_bytes())
            }),
        };
        Some((found?, *does))
    }

    /// Goes on with other settings, or copes with other records than before. Where it stands in a record is where it stays.
    pub fn cope(&mut self, now: SimTime, spec: Arc<GroupSpec>, out: &mut Outbox) {
        self.work_before(now, out);
        let slower = self.spec.process != spec.process;
        self.spec = spec;
        let met = self.in_hand.front().zip(self.next_bad()).is_some_and(|(work, (bad, _))| work.from == bad);
        match &mut self.stage {
            Stage::Stuck if !met => self.stage = Stage::Working { since: now },
            // The record in hand takes as long as the next ones.
            Stage::Working { since } if slower => *since = now,
            _ => {}
        }
        self.busy_until = self.free_at();
    }

    fn meets(&mut self, now: SimTime, does: Mishap, out: &mut Outbox) {
        let Some(first) = self.in_hand.front_mut() else { return };
        let name = self.connections.image().map(|image| image.name_of(first.partition)).unwrap_or_default();
        let at = format!("{name}@{}", first.from);
        match does {
            Mishap::Crash => {
                let rule = "A poison record: nobody caught the exception, so there was no goodbye";
                self.fail(now, &format!("{at} made it throw"), rule, out);
            }
            Mishap::Block => {
                self.stage = Stage::Stuck;
                let text = format!("{} does not come back from {at}.", self.name);
                let rule = format!("A poison record; max.poll.interval.ms = {}", self.spec.config.max_poll_interval.millis());
                out.note(EventKind::Application, self.group.to_string(), text, rule, Vec::new());
            }
            Mishap::Skip => {
                first.from = first.from.plus(1);
                if first.from == first.to {
                    self.in_hand.pop_front();
                }
                let text = format!("{} caught the exception of {at} and leaves the record out.", self.name);
                out.note(EventKind::Application, self.group.to_string(), text, "A poison record".to_owned(), Vec::new());
            }
        }
    }

    /// The heartbeat thread has waited for a poll long enough.
    pub(super) fn tell_poll_deadline(&self, out: &mut Outbox) {
        let (config, left) = (&self.spec.config, self.in_hand_count());
        let (who, group, limit) = (&self.name, &self.group, config.max_poll_interval);
        let text = format!("{who} has not called poll() for {limit} and leaves {group}; it still works on {left} of its records.");
        let (most, each) = (config.max_poll_records, self.spec.process);
        let rule = format!("max.poll.interval.ms = {}; up to max.poll.records = {most} records of {each} each", limit.millis());
        out.note(EventKind::Application, group.to_string(), text, rule, Vec::new());
    }

    /// An exception that nobody catches: the process ends without a goodbye, and is started again after a while.
    pub(super) fn fail(&mut self, now: SimTime, why: &str, rule: &str, out: &mut Outbox) {
        let wait = super::super::exponential(RESTART, RESTART_MAX, self.failures);
        let text = format!("{} ended: {why}. Its supervisor starts it again in {wait}.", self.name);
        out.note(EventKind::Application, self.group.to_string(), text, rule.to_owned(), Vec::new());
        self.connections.known_peers().for_each(|broker| out.close(NodeId::Broker(broker)));
        self.forget();
        self.failures += 1;
        self.stage = Stage::Ended { until: now + wait };
    }
}
