//! One replica of a partition on one broker: its log, its role, and as leader the in-sync replicas and the high watermark.
//!
//! The rules are Kafka's `Partition`: a follower's fetch offset is its acknowledgement, the high watermark is the least log end
//! of the maximal ISR, and it does not move while the ISR is smaller than `min.insync.replicas`. What the leader knows of each
//! follower is in [`progress`].

pub mod progress;

use crate::config::{Acks, TopicConfig};
use crate::error::ErrorCode;
use crate::ids::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionEpoch};
use crate::log::cache::PageCache;
use crate::log::segment::StoredBatch;
use crate::log::{Appended, ClientBatch, PartitionLog};
use crate::metadata::PartitionRegistration;
use crate::planted::{Bug, planted};
use crate::protocol::{AlterPartitionItem, IsrChange};
use crate::record::RecordBatch;
use crate::time::{SimDuration, SimTime};
use progress::FollowerProgress;
use std::collections::VecDeque;
use std::sync::Arc;

/// Whether a follower may join the ISR, as far as the leader's metadata tells: by its id and the epoch it fetched with.
pub type Eligible<'a> = &'a dyn Fn(BrokerId, Option<BrokerEpoch>) -> bool;

#[derive(Clone, Debug)]
pub struct Replica {
    pub log: PartitionLog,
    pub cache: PageCache,
    pub config: Arc<TopicConfig>,
    pub high_watermark: Offset,
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: PartitionEpoch,
    pub role: Role,
    /// Requests parked until this replica's log or high watermark moves.
    pub waiting: Waiting,
    /// The batch that a follower cannot copy because its leader's bytes are damaged; told once.
    pub stuck_at: Option<Offset>,
    #[cfg(feature = "planted")]
    asked_in: Option<LeaderEpoch>,
}

#[derive(Clone, Debug)]
pub enum Role {
    /// No leader is known, or this process has not heard of its role yet.
    Offline,
    Follower {
        leader: BrokerId,
    },
    Leader(Leadership),
}

/// What only the leader knows.
#[derive(Clone, Debug)]
pub struct Leadership {
    pub followers: Vec<FollowerProgress>,
    pub isr: Vec<BrokerId>,
    /// Asked of the controller and not confirmed yet; counts for the high watermark as if it held (the maximal ISR).
    pub pending_isr: Option<Vec<BrokerId>>,
    /// Where this leader epoch begins in the log.
    pub epoch_start: Offset,
}

/// Numbers of parked requests; produce requests by the offset they need, in order.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    pub produces: VecDeque<(Offset, u64)>,
    pub fetches: Vec<WaitingFetch>,
}

/// A parked fetch that asks for this partition: from where on, and whether for a copy of the log or for what is committed.
#[derive(Clone, Copy, Debug)]
pub struct WaitingFetch {
    pub waiter: u64,
    pub offset: Offset,
    pub follows: bool,
}

impl Leadership {
    /// ISR and what it may soon be: everybody whose copy counts before the controller has answered.
    pub fn maximal_isr(&self) -> impl Iterator<Item = BrokerId> + '_ {
        let pending = self.pending_isr.iter().flatten().copied().filter(|broker| !self.isr.contains(broker));
        self.isr.iter().copied().chain(pending)
    }

    /// Whether it is one of those.
    fn counts(&self, broker: BrokerId) -> bool {
        self.isr.contains(&broker) || self.pending_isr.as_ref().is_some_and(|pending| pending.contains(&broker))
    }

    /// The process a follower fetches with, once it has.
    pub fn epoch_of(&self, broker: BrokerId) -> Option<BrokerEpoch> {
        self.followers.iter().find(|follower| follower.broker == broker)?.broker_epoch
    }
}

impl Replica {
    pub fn new(config: Arc<TopicConfig>) -> Self {
        Replica {
            log: PartitionLog::new(),
            cache: PageCache::default(),
            config,
            high_watermark: Offset::ZERO,
            leader_epoch: LeaderEpoch(-1),
            partition_epoch: PartitionEpoch(-1),
            role: Role::Offline,
            waiting: Waiting::default(),
            stuck_at: None,
            #[cfg(feature = "planted")]
            asked_in: None,
        }
    }

    pub fn leadership(&self) -> Option<&Leadership> {
        match &self.role {
            Role::Leader(leadership) => Some(leadership),
            _ => None,
        }
    }

    /// min(`min.insync.replicas`, replication factor).
    pub fn effective_min_isr(&self) -> usize {
        let replicas = self.leadership().map_or(1, |leadership| leadership.followers.len() + 1);
        (self.config.min_insync_replicas as usize).min(replicas)
    }

    /// Too few in sync: `acks=all` is refused and the high watermark stands.
    pub fn is_under_min_isr(&self) -> bool {
        self.leadership().is_some_and(|leadership| leadership.isr.len() < self.effective_min_isr())
    }

    /// Appends a client's batch as leader, whose clock says `clock_ms`; with `acks=all` only while the ISR is large enough.
    pub fn append(&mut self, now: SimTime, clock_ms: i64, mut batch: ClientBatch, acks: Acks) -> Result<Appended, ErrorCode> {
        if acks == Acks::All && self.is_under_min_isr() && !planted(Bug::AcksAllWithoutMinIsr) {
            if planted(Bug::RefusedAndAppended) {
                self.log.append_as_leader(batch, self.leader_epoch, &self.config)?;
            }
            return Err(ErrorCode::NotEnoughReplicas);
        }
        let before = self.log.log_end();
        let epoch = if planted(Bug::LeaderStampsNoEpoch) { LeaderEpoch(0) } else { self.leader_epoch };
        if self.config.log_append_time {
            batch.batch = batch.batch.with_log_append_time(clock_ms);
        } else {
            self.check_timestamps(clock_ms, &batch.batch)?;
        }
        let appended = self.log.append_as_leader(batch, epoch, &self.config)?;
        self.wrote(now, before);
        Ok(appended)
    }

    /// `LogValidator`, under `message.timestamp.type=CreateTime`: one record out of bounds refuses the batch.
    fn check_timestamps(&self, clock_ms: i64, batch: &RecordBatch) -> Result<(), ErrorCode> {
        let config = &self.config;
        let late = batch.max_timestamp_ms() - clock_ms > config.message_timestamp_after_max_ms as i64;
        // Records of a batch are written within moments: its base is the oldest that matters here.
        let old = clock_ms - batch.base_timestamp_ms() > config.message_timestamp_before_max_ms as i64;
        let fits = batch.size_in_bytes() <= config.max_message_bytes;
        if fits && (late || old) { Err(ErrorCode::InvalidTimestamp) } else { Ok(()) }
    }

    /// Takes in what came from the leader; false when some of it was left out.
    pub fn copy(&mut self, now: SimTime, batches: &mut Vec<StoredBatch>) -> Result<bool, ErrorCode> {
        let before = self.log.log_end();
        let whole = self.log.append_as_follower(batches, self.leader_epoch, &self.config)?;
        self.wrote(now, before);
        Ok(whole)
    }

    fn wrote(&mut self, now: SimTime, before: Offset) {
        let after = self.log.log_end();
        if after > before {
            self.cache.wrote(now, before, after, self.log.active_base(), self.config.flush_messages);
        }
    }

    /// `fsync`, if there is anything new.
    pub fn flush(&mut self, now: SimTime) {
        let end = self.log.log_end();
        if end > self.cache.recovery_point() {
            self.cache.flushed(now, end);
        }
    }

    /// The machine lost its power: what was in the page cache only is gone. Gives how many records.
    pub fn power_lost(&mut self, now: SimTime) -> u64 {
        let end = self.log.log_end();
        self.truncate_to(self.cache.durable(now, end));
        self.cache.rebooted(self.log.log_end());
        end.since(self.log.log_end())
    }

    /// A process finds this log on its disk, and its high watermark in the checkpoint. Gives how many records recovery cut off.
    pub fn load(&mut self, clean: bool, checkpoint: Offset) -> u64 {
        let end = self.log.log_end();
        self.log.load(clean, self.cache.recovery_point());
        self.cache.truncated(self.log.log_end());
        self.high_watermark = if planted(Bug::CheckpointIsIgnored) { self.log.log_end() } else { checkpoint.min(self.log.log_end()) };
        end.since(self.log.log_end())
    }

    /// What `acks=all` hears of an append that ends at `need`; nothing while the high watermark is below.
    /// Kafka's `Partition.checkEnoughReplicasReachOffset`.
    pub fn committed(&self, need: Offset) -> Option<Result<(), ErrorCode>> {
        let Some(leadership) = self.leadership() else { return Some(Err(ErrorCode::NotLeaderOrFollower)) };
        (self.high_watermark >= need).then(|| match leadership.maximal_isr().count() < self.effective_min_isr() {
            true => Err(ErrorCode::NotEnoughReplicasAfterAppend),
            false => Ok(()),
        })
    }

    /// The time of a parked produce request is over: what it still waits for here is stored, the promise is not given
    /// (`DelayedProduce.onExpiration`).
    pub fn stop_waiting(&mut self, waiter: u64) -> Result<(), ErrorCode> {
        let waiting = self.waiting.produces.len();
        self.waiting.produces.retain(|(_, other)| *other != waiter);
        if self.waiting.produces.len() < waiting { Err(ErrorCode::RequestTimedOut) } else { Ok(()) }
    }

    /// Takes office in a new leader epoch. Who led before keeps what it knows of its followers.
    pub fn become_leader(&mut self, me: BrokerId, registration: &PartitionRegistration, now: SimTime) {
        self.leader_epoch = registration.leader_epoch;
        self.partition_epoch = registration.partition_epoch;
        self.log.begin_epoch(registration.leader_epoch);
        let epoch_start = self.log.log_end();
        let (known, again) = match &mut self.role {
            Role::Leader(leadership) => (std::mem::take(&mut leadership.followers), true),
            _ => (Vec::new(), false),
        };
        let mut followers = followers_of(me, &registration.replicas, &known);
        for follower in &mut followers {
            follower.leader_elected(now.timestamp_ms(), epoch_start, registration.isr.contains(&follower.broker), again);
        }
        let isr = if planted(Bug::LeaderBelievesInAllReplicas) { &registration.replicas } else { &registration.isr };
        self.role = Role::Leader(Leadership { followers, isr: isr.clone(), pending_isr: None, epoch_start });
    }

    pub fn become_follower(&mut self, leader: Option<BrokerId>, registration: &PartitionRegistration) {
        self.leader_epoch = registration.leader_epoch;
        self.partition_epoch = registration.partition_epoch;
        if planted(Bug::TruncateToHighWatermark) {
            self.truncate_to(self.high_watermark);
        }
        self.role = match leader {
            Some(leader) => Role::Follower { leader },
            None => Role::Offline,
        };
    }

    /// The controller's newest word on the ISR of the epoch this replica leads; false when it is not new.
    pub fn isr_confirmed(&mut self, isr: &[BrokerId], partition_epoch: PartitionEpoch) -> bool {
        let new = partition_epoch > self.partition_epoch || planted(Bug::OldIsrIsBelieved);
        if new {
            self.isr_committed(isr, partition_epoch);
        }
        new
    }

    /// The answer to what this leader proposed; the epoch it had means that nothing had to change.
    pub fn isr_committed(&mut self, isr: &[BrokerId], partition_epoch: PartitionEpoch) {
        self.partition_epoch = partition_epoch;
        if let Role::Leader(leadership) = &mut self.role {
            leadership.isr = isr.to_vec();
            leadership.pending_isr = None;
        }
    }

    /// The controller has certainly not done what was proposed.
    pub fn isr_committed_as_it_was(&mut self) {
        if let Role::Leader(leadership) = &mut self.role {
            leadership.pending_isr = None;
        }
    }

    /// Whether this change is the one that is pending.
    pub fn proposes(&self, item: &AlterPartitionItem) -> bool {
        let pending = self.leadership().and_then(|leadership| leadership.pending_isr.as_ref());
        (item.leader_epoch, item.partition_epoch) == (self.leader_epoch, self.partition_epoch) && pending == Some(&item.new_isr)
    }

    /// The controller changed who holds copies, and left the leader in office.
    pub fn reassigned(&mut self, me: BrokerId, replicas: &[BrokerId]) {
        if let Role::Leader(leadership) = &mut self.role
            && leadership.followers.len() + 1 != replicas.len()
        {
            leadership.followers = followers_of(me, replicas, &leadership.followers);
        }
    }

    /// A follower asked for `offset`: that is where its log ends.
    pub fn follower_fetched(&mut self, broker: BrokerId, epoch: BrokerEpoch, offset: Offset, now: SimTime) {
        let leader_end = self.log.log_end();
        if let Role::Leader(leadership) = &mut self.role
            && let Some(follower) = leadership.followers.iter_mut().find(|follower| follower.broker == broker)
        {
            follower.fetched(offset, leader_end, now.timestamp_ms(), epoch);
        }
    }

    /// Confirmed by the controller, as far as this leader knows.
    pub fn is_in_sync(&self, broker: BrokerId) -> bool {
        self.leadership().is_some_and(|leadership| leadership.isr.contains(&broker))
    }

    /// The ISR with `broker` in it, when it has earned its place and no other change is under way.
    pub fn expanded_isr(&self, broker: BrokerId, eligible: Eligible) -> Option<Vec<BrokerId>> {
        let leadership = self.leadership()?;
        if leadership.pending_isr.is_some() || leadership.isr.contains(&broker) {
            return None;
        }
        let follower = leadership.followers.iter().find(|follower| follower.broker == broker)?;
        let earned = |log_end: Offset| {
            let guarded = log_end >= self.high_watermark && log_end >= leadership.epoch_start;
            guarded || planted(Bug::ExpansionWithoutGuard)
        };
        if !follower.log_end.is_some_and(earned) || !eligible(broker, follower.broker_epoch) {
            return None;
        }
        let mut isr = leadership.isr.clone();
        isr.push(broker);
        Some(isr)
    }

    /// The ISR without those that have lagged too long.
    pub fn shrunk_isr(&self, now: SimTime, lag_max: SimDuration) -> Option<(Vec<BrokerId>, IsrChange)> {
        let leadership = self.leadership()?;
        if leadership.pending_isr.is_some() {
            return None;
        }
        let (log_end, now_ms) = (self.log.log_end(), now.timestamp_ms());
        let lagging: Vec<BrokerId> = leadership
            .followers
            .iter()
            .filter(|follower| leadership.isr.contains(&follower.broker) && !follower.caught_up(log_end, now_ms, lag_max))
            .map(|follower| follower.broker)
            .collect();
        let first = *lagging.first()?;
        let isr = leadership.isr.iter().copied().filter(|member| !lagging.contains(member)).collect();
        Some((isr, IsrChange::Lagging(first)))
    }

    /// `Partition.maybeIncrementLeaderHW`; true when it moved.
    pub fn advance_high_watermark(&mut self, now: SimTime, lag_max: SimDuration, eligible: Eligible) -> bool {
        let log_end = self.log.log_end();
        let Some(leadership) = self.leadership() else { return false };
        let mut least = log_end;
        for follower in &leadership.followers {
            let unknown = if planted(Bug::UnknownFollowerCountsAsCaughtUp) { log_end } else { Offset::ZERO };
            let end = follower.log_end.unwrap_or(unknown);
            if end >= least {
                continue;
            }
            let about_to_join =
                || follower.caught_up(log_end, now.timestamp_ms(), lag_max) && eligible(follower.broker, follower.broker_epoch);
            let counts = match planted(Bug::PendingIsrDoesNotCount) {
                true => leadership.isr.contains(&follower.broker),
                false => leadership.counts(follower.broker) || about_to_join(),
            };
            if counts && !planted(Bug::HighWatermarkOfTheLeaderAlone) {
                least = end;
            }
            // The usual case after an append: the others have not fetched it yet.
            if least <= self.high_watermark && !planted(Bug::HighWatermarkFalls) {
                return false;
            }
        }
        let other = least > self.high_watermark || (planted(Bug::HighWatermarkFalls) && least != self.high_watermark);
        let moves = other && (!self.is_under_min_isr() || planted(Bug::HighWatermarkUnderMinIsr));
        if moves {
            self.high_watermark = least;
        }
        moves
    }

    /// `latest` is the high watermark: what a consumer may read. A new leader does not know it until it has passed the beginning
    /// of its epoch (KIP-207); consumers wait rather than see it fall.
    pub fn latest_offset(&self) -> Result<Offset, ErrorCode> {
        match self.leadership() {
            Some(leadership) if leadership.epoch_start > self.high_watermark && !planted(Bug::LatestBeforeTheEpoch) => {
                Err(ErrorCode::OffsetNotAvailable)
            }
            _ => Ok(self.high_watermark),
        }
    }

    /// Planted: this follower has asked where its epoch ends and does not ask again while this leader epoch lasts.
    pub fn asked_once(&self) -> bool {
        #[cfg(feature = "planted")]
        if planted(Bug::Kip101Only) || planted(Bug::Kip279Only) {
            return self.asked_in == Some(self.leader_epoch);
        }
        false
    }

    /// The leader answered, naming another epoch if the logs differ.
    pub fn ask_no_more(&mut self, _other: Option<LeaderEpoch>) {
        #[cfg(feature = "planted")]
        if planted(Bug::Kip101Only) || _other.is_none_or(|epoch| Some(epoch) == self.log.epochs().latest()) {
            self.asked_in = Some(self.leader_epoch);
        }
    }

    /// A follower learns the leader's high watermark; true when its own rose.
    pub fn learn_high_watermark(&mut self, leaders: Offset) -> bool {
        let before = std::mem::replace(&mut self.high_watermark, leaders.min(self.log.log_end()));
        self.high_watermark > before
    }

    pub fn truncate_to(&mut self, end: Offset) {
        self.log.truncate_to(end);
        self.cache.truncated(self.log.log_end());
        if !planted(Bug::TruncationKeepsHighWatermark) {
            self.high_watermark = self.high_watermark.min(self.log.log_end());
        }
    }

    /// Nothing here is of use any more: the log begins again, empty, at `start` (`truncateFullyAndStartAt`).
    pub fn start_anew(&mut self, start: Offset) {
        self.log.start_anew(start);
        self.cache = PageCache::default();
        self.high_watermark = start;
    }
}

/// One entry for every replica but the leader's own, with what is known of it already.
fn followers_of(me: BrokerId, replicas: &[BrokerId], known: &[FollowerProgress]) -> Vec<FollowerProgress> {
    let of = |broker: BrokerId| known.iter().find(|known| known.broker == broker).copied();
    replicas.iter().filter(|broker| **broker != me).map(|broker| of(*broker).unwrap_or_else(|| FollowerProgress::new(*broker))).collect()
}

/// Whether a fetcher whose log ends at `offset` with a record of epoch `last` holds what this log holds: an error, or the epoch
/// and its end here from which on the two differ. KIP-595's rule, used since 2.7; Kafka's `Partition.readRecords`.
pub fn diverging(log: &PartitionLog, last: LeaderEpoch, offset: Offset) -> Option<Result<(LeaderEpoch, Offset), ErrorCode>> {
    match log.epochs().end_offset_for(last, log.log_end()) {
        None => Some(Err(ErrorCode::OffsetOutOfRange)),
        Some(_) if offset < log.log_start() => Some(Err(ErrorCode::OffsetOutOfRange)),
        Some((epoch, end)) if epoch < last || end < offset => Some(Ok((epoch, end))),
        Some(_) => None,
    }
}

/// Where a follower must cut its log, having been told that it diverges from the leader at the end of an epoch.
/// Kafka's `AbstractFetcherThread.getOffsetTruncationState`.
pub fn truncation_point(log: &PartitionLog, epoch: LeaderEpoch, leader_end: Offset) -> Offset {
    let log_end = log.log_end();
    match log.epochs().end_offset_for(epoch, log_end) {
        Some((known, end)) if known == epoch => end.min(leader_end).min(log_end),
        Some(_) if planted(Bug::Kip101Only) => leader_end.min(log_end),
        Some((_, end)) => end.min(log_end),
        None => leader_end.min(log_end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::ClientBatch;
    use crate::record::{BatchBuilder, ProducerStamp};

    const LAG: SimDuration = SimDuration::from_secs(30);

    fn at(seconds: u64) -> SimTime {
        SimTime(seconds * 1_000_000)
    }

    /// 1 leads 2 and 3 at second 0, with this ISR and minimum; `records` are in its log.
    fn leader(isr: &[i32], min_insync_replicas: u32, records: u32) -> Replica {
        let brokers = |ids: &[i32]| ids.iter().map(|id| BrokerId(*id)).collect::<Vec<_>>();
        let mut replica = Replica::new(Arc::new(TopicConfig { min_insync_replicas, ..TopicConfig::default() }));
        let registration =
            PartitionRegistration { replicas: brokers(&[1, 2, 3]), isr: brokers(isr), leader: Some(BrokerId(1)), ..Default::default() };
        replica.become_leader(BrokerId(1), &registration, at(0));
        append(&mut replica, records);
        replica
    }

    fn append(replica: &mut Replica, records: u32) {
        for _ in 0..records {
            let mut builder = BatchBuilder::new();
            builder.append(at(0).timestamp_ms(), None, Some(b"v"), &[]);
            let batch = ClientBatch { batch: builder.build(ProducerStamp::NONE), writer: 0, serial: 0 };
            replica.append(at(0), at(0).timestamp_ms(), batch, Acks::Leader).expect("it fits");
        }
    }

    fn fetch(replica: &mut Replica, follower: i32, offset: u64, now: SimTime) -> u64 {
        replica.follower_fetched(BrokerId(follower), BrokerEpoch(0), Offset(offset), now);
        replica.advance_high_watermark(now, LAG, &|_, _| true);
        replica.high_watermark.0
    }

    #[test]
    fn the_slowest_in_sync_replica_holds_the_high_watermark() {
        let mut replica = leader(&[1, 2, 3], 1, 10);
        assert_eq!(fetch(&mut replica, 2, 10, at(1)), 0, "3 has not been heard of");
        assert_eq!(fetch(&mut replica, 3, 4, at(1)), 4);
        assert_eq!(fetch(&mut replica, 3, 9, at(2)), 9);
    }

    #[test]
    fn below_the_minimum_it_does_not_move_at_all() {
        let mut replica = leader(&[1], 2, 10);
        assert!(!replica.advance_high_watermark(at(1), LAG, &|_, _| true));
        assert_eq!(replica.high_watermark, Offset::ZERO);
    }

    #[test]
    fn a_replica_about_to_join_counts_before_it_is_confirmed() {
        let mut replica = leader(&[1, 2], 1, 4);
        fetch(&mut replica, 2, 4, at(1));
        fetch(&mut replica, 3, 4, at(1));
        append(&mut replica, 4);
        assert_eq!(fetch(&mut replica, 2, 8, at(2)), 4, "3 is caught up and may join at any moment");
        if let Role::Leader(leadership) = &mut replica.role {
            leadership.pending_isr = Some(vec![BrokerId(1), BrokerId(2), BrokerId(3)]);
        }
        assert_eq!(fetch(&mut replica, 2, 8, at(60)), 4, "asked for, so it counts however long the answer takes");
    }

    #[test]
    fn a_follower_earns_its_place_at_the_high_watermark() {
        let mut replica = leader(&[1, 2], 1, 10);
        fetch(&mut replica, 2, 10, at(1));
        fetch(&mut replica, 3, 9, at(1));
        assert_eq!(replica.expanded_isr(BrokerId(3), &|_, _| true), None);
        fetch(&mut replica, 3, 10, at(2));
        assert_eq!(replica.expanded_isr(BrokerId(3), &|_, _| false), None, "fenced");
        assert_eq!(replica.expanded_isr(BrokerId(3), &|_, _| true), Some(vec![BrokerId(1), BrokerId(2), BrokerId(3)]));
    }

    #[test]
    fn a_follower_leaves_after_the_lag_time_and_not_for_many_messages() {
        let mut replica = leader(&[1, 2, 3], 1, 10);
        fetch(&mut replica, 2, 10, at(1));
        fetch(&mut replica, 3, 10, at(1));
        append(&mut replica, 5);
        fetch(&mut replica, 2, 15, at(20));
        assert_eq!(replica.shrunk_isr(at(31), LAG), None);
        let (isr, why) = replica.shrunk_isr(at(32), LAG).expect("3 was at the end 31 s ago");
        assert_eq!((isr, why), (vec![BrokerId(1), BrokerId(2)], IsrChange::Lagging(BrokerId(3))));
    }

    #[test]
    fn an_old_word_on_the_isr_changes_nothing() {
        let mut replica = leader(&[1, 2], 1, 0);
        if let Role::Leader(leadership) = &mut replica.role {
            leadership.pending_isr = Some(vec![BrokerId(1), BrokerId(2), BrokerId(3)]);
        }
        assert!(!replica.isr_confirmed(&[BrokerId(1)], PartitionEpoch(0)));
        assert!(replica.leadership().is_some_and(|leadership| leadership.isr.len() == 2 && leadership.pending_isr.is_some()));
        assert!(replica.isr_confirmed(&[BrokerId(1)], PartitionEpoch(1)));
        assert!(replica.leadership().is_some_and(|leadership| leadership.isr.len() == 1 && leadership.pending_isr.is_none()));
    }

    #[test]
    fn a_new_leader_does_not_know_the_latest_offset_before_its_epoch_is_committed() {
        let mut replica = leader(&[1, 2], 1, 3);
        let next = PartitionRegistration { leader_epoch: LeaderEpoch(1), replicas: vec![BrokerId(1), BrokerId(2)], ..Default::default() };
        replica.become_leader(BrokerId(1), &PartitionRegistration { isr: next.replicas.clone(), ..next }, at(1));
        assert_eq!(replica.latest_offset(), Err(ErrorCode::OffsetNotAvailable));
        fetch(&mut replica, 2, 3, at(2));
        assert_eq!(replica.latest_offset(), Ok(Offset(3)));
    }

    #[test]
    fn a_leader_elected_again_remembers_how_far_its_followers_are() {
        let mut replica = leader(&[1, 2], 1, 3);
        fetch(&mut replica, 2, 2, at(1));
        let replicas = vec![BrokerId(1), BrokerId(2), BrokerId(3)];
        let again = PartitionRegistration { leader_epoch: LeaderEpoch(1), isr: replicas.clone(), replicas, ..Default::default() };
        replica.become_leader(BrokerId(1), &again, at(2));
        assert_eq!(replica.leadership().map(|leadership| leadership.followers[0].log_end), Some(Some(Offset(2))));
        replica.become_follower(Some(BrokerId(2)), &again);
        replica.become_leader(BrokerId(1), &again, at(3));
        assert_eq!(replica.leadership().map(|leadership| leadership.followers[0].log_end), Some(None));
    }

    #[test]
    fn a_follower_of_an_older_registration_does_not_hold_the_high_watermark_outside_the_isr() {
        let mut replica = leader(&[1], 1, 4);
        replica.follower_fetched(BrokerId(2), BrokerEpoch(7), Offset(4), at(1));
        append(&mut replica, 1);
        assert!(replica.advance_high_watermark(at(1), LAG, &|_, epoch| epoch == Some(BrokerEpoch(8))));
        assert_eq!(replica.high_watermark, Offset(5));
    }

    #[test]
    fn what_was_appended_under_a_larger_isr_is_answered_by_the_isr_of_the_moment() {
        let mut replica = leader(&[1, 2, 3], 2, 4);
        assert_eq!(replica.committed(Offset(4)), None);
        fetch(&mut replica, 2, 4, at(1));
        fetch(&mut replica, 3, 4, at(1));
        assert_eq!(replica.committed(Offset(4)), Some(Ok(())));
        assert!(replica.isr_confirmed(&[BrokerId(1)], PartitionEpoch(1)));
        assert_eq!(replica.committed(Offset(4)), Some(Err(ErrorCode::NotEnoughReplicasAfterAppend)));
        assert_eq!(replica.committed(Offset(5)), None);
    }

    #[test]
    fn a_power_cut_takes_what_was_not_flushed_and_a_kill_takes_nothing() {
        let mut replica = leader(&[1], 1, 5);
        replica.flush(at(0));
        append(&mut replica, 4);
        replica.high_watermark = Offset(9);
        assert_eq!(replica.load(false, Offset(9)), 0, "the page cache outlives the process");
        assert_eq!(replica.power_lost(at(2)), 4);
        assert_eq!((replica.log.log_end(), replica.high_watermark), (Offset(5), Offset(5)));
        append(&mut replica, 4);
        assert_eq!(replica.power_lost(at(60)), 0, "the system wrote it meanwhile");
    }

    #[test]
    fn a_follower_cuts_where_its_epochs_part_from_the_leaders() {
        let mut replica = leader(&[1], 1, 5);
        replica.log.begin_epoch(LeaderEpoch(4));
        // The leader knows epoch 0 up to 3; here it goes up to 5.
        assert_eq!(truncation_point(&replica.log, LeaderEpoch(0), Offset(3)), Offset(3));
        // The leader's epoch 2 is not known here: back to the end of the one before it, and ask again.
        assert_eq!(truncation_point(&replica.log, LeaderEpoch(2), Offset(9)), Offset(5));
    }
}
