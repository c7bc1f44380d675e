//! One replica of a partition on one broker: its log, its role, and as leader the in-sync replicas and the high watermark.
//!
//! The rules are Kafka's `Partition` and `Replica`: a follower's fetch offset is its acknowledgement, the high watermark is the
//! least log end of the maximal ISR, and it does not move while the ISR is smaller than `min.insync.replicas`.

use crate::config::TopicConfig;
use crate::ids::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionEpoch};
use crate::log::PartitionLog;
use crate::metadata::PartitionRegistration;
use crate::protocol::IsrChange;
use crate::time::{SimDuration, SimTime};
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Replica {
    pub log: PartitionLog,
    pub config: Arc<TopicConfig>,
    pub high_watermark: Offset,
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: PartitionEpoch,
    pub role: Role,
    /// Requests parked until this replica's log or high watermark moves.
    pub waiting: Waiting,
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

/// Kafka's `ReplicaState` of a follower.
#[derive(Clone, Copy, Debug)]
pub struct FollowerProgress {
    pub broker: BrokerId,
    /// `None` until it fetched in this leader epoch.
    pub log_end: Option<Offset>,
    /// `None`: never, as far as this leader knows.
    pub last_caught_up: Option<SimTime>,
    last_fetch: SimTime,
    leader_end_at_last_fetch: Offset,
    pub broker_epoch: Option<BrokerEpoch>,
}

/// Ids of parked requests; produce requests by the offset they need, in order.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    pub produces: VecDeque<(Offset, u64)>,
    pub fetches: Vec<u64>,
}

impl FollowerProgress {
    fn new(broker: BrokerId, in_isr: bool, now: SimTime) -> Self {
        let last_caught_up = in_isr.then_some(now);
        FollowerProgress {
            broker,
            log_end: None,
            last_caught_up,
            last_fetch: SimTime::ZERO,
            leader_end_at_last_fetch: Offset::ZERO,
            broker_epoch: None,
        }
    }

    /// A fetch at `offset` while the leader's log ended at `leader_end` (`Replica.updateFetchStateOrThrow`).
    pub fn fetched(&mut self, offset: Offset, leader_end: Offset, now: SimTime) {
        if offset >= leader_end {
            self.last_caught_up = self.last_caught_up.max(Some(now));
        } else if offset >= self.leader_end_at_last_fetch {
            self.last_caught_up = self.last_caught_up.max(Some(self.last_fetch));
        }
        self.log_end = Some(offset);
        self.leader_end_at_last_fetch = leader_end;
        self.last_fetch = now;
    }

    /// In sync by time: at the leader's end, or there not longer ago than `replica.lag.time.max.ms`.
    pub fn caught_up(&self, leader_end: Offset, now: SimTime, lag_max: SimDuration) -> bool {
        self.log_end == Some(leader_end) || self.last_caught_up.is_some_and(|at| now.since(at) <= lag_max)
    }
}

impl Leadership {
    /// ISR and what it may soon be: everybody whose copy counts before the controller has answered.
    pub fn maximal_isr(&self) -> impl Iterator<Item = BrokerId> + '_ {
        let pending = self.pending_isr.iter().flatten().copied().filter(|broker| !self.isr.contains(broker));
        self.isr.iter().copied().chain(pending)
    }

    /// The process a follower fetches with, once it has.
    pub fn epoch_of(&self, broker: BrokerId) -> Option<BrokerEpoch> {
        self.followers.iter().find(|follower| follower.broker == broker)?.broker_epoch
    }

    fn follower_mut(&mut self, broker: BrokerId) -> Option<&mut FollowerProgress> {
        self.followers.iter_mut().find(|follower| follower.broker == broker)
    }
}

impl Replica {
    pub fn new(config: Arc<TopicConfig>) -> Self {
        Replica {
            log: PartitionLog::new(),
            config,
            high_watermark: Offset::ZERO,
            leader_epoch: LeaderEpoch(-1),
            partition_epoch: PartitionEpoch(-1),
            role: Role::Offline,
            waiting: Waiting::default(),
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

    /// Takes office in a new leader epoch.
    pub fn become_leader(&mut self, me: BrokerId, registration: &PartitionRegistration, now: SimTime) {
        self.leader_epoch = registration.leader_epoch;
        self.partition_epoch = registration.partition_epoch;
        self.log.begin_epoch(registration.leader_epoch);
        let others = registration.replicas.iter().copied().filter(|broker| *broker != me);
        let followers = others.map(|broker| FollowerProgress::new(broker, registration.isr.contains(&broker), now)).collect();
        self.role =
            Role::Leader(Leadership { followers, isr: registration.isr.clone(), pending_isr: None, epoch_start: self.log.log_end() });
    }

    pub fn become_follower(&mut self, leader: Option<BrokerId>, registration: &PartitionRegistration) {
        self.leader_epoch = registration.leader_epoch;
        self.partition_epoch = registration.partition_epoch;
        self.role = match leader {
            Some(leader) => Role::Follower { leader },
            None => Role::Offline,
        };
    }

    /// The replicas of the epoch this replica leads changed: a reassignment brought some in.
    pub fn take_assignment(&mut self, me: BrokerId, replicas: &[BrokerId], now: SimTime) {
        let Role::Leader(leadership) = &mut self.role else { return };
        leadership.followers.retain(|follower| replicas.contains(&follower.broker));
        for broker in replicas.iter().filter(|broker| **broker != me) {
            if leadership.follower_mut(*broker).is_none() {
                leadership.followers.push(FollowerProgress::new(*broker, false, now));
            }
        }
    }

    /// The controller's newest word on the ISR of the epoch this replica leads; false when it is not new.
    pub fn isr_confirmed(&mut self, isr: &[BrokerId], partition_epoch: PartitionEpoch) -> bool {
        if partition_epoch <= self.partition_epoch {
            return false;
        }
        self.partition_epoch = partition_epoch;
        if let Role::Leader(leadership) = &mut self.role {
            leadership.isr = isr.to_vec();
            leadership.pending_isr = None;
        }
        true
    }

    /// A follower asked for `offset`: that is where its log ends.
    pub fn follower_fetched(&mut self, broker: BrokerId, epoch: BrokerEpoch, offset: Offset, now: SimTime) {
        let leader_end = self.log.log_end();
        if let Role::Leader(leadership) = &mut self.role
            && let Some(follower) = leadership.follower_mut(broker)
        {
            follower.fetched(offset, leader_end, now);
            follower.broker_epoch = Some(epoch);
        }
    }

    /// Confirmed by the controller, as far as this leader knows.
    pub fn is_in_sync(&self, broker: BrokerId) -> bool {
        self.leadership().is_some_and(|leadership| leadership.isr.contains(&broker))
    }

    /// The ISR with `broker` in it, when it has earned its place and no other change is under way.
    pub fn expanded_isr(&self, broker: BrokerId, eligible: bool) -> Option<Vec<BrokerId>> {
        let leadership = self.leadership()?;
        let follower = leadership.followers.iter().find(|follower| follower.broker == broker)?;
        let log_end = follower.log_end?;
        let earned = log_end >= self.high_watermark && log_end >= leadership.epoch_start;
        if leadership.pending_isr.is_some() || leadership.isr.contains(&broker) || !earned || !eligible {
            return None;
        }
        let mut isr = leadership.isr.clone();
        isr.push(broker);
        Some(isr)
    }

    /// The ISR without the first member that has lagged too long.
    pub fn shrunk_isr(&self, now: SimTime, lag_max: SimDuration) -> Option<(Vec<BrokerId>, IsrChange)> {
        let leadership = self.leadership()?;
        if leadership.pending_isr.is_some() {
            return None;
        }
        let log_end = self.log.log_end();
        let lagging: Vec<BrokerId> = leadership
            .followers
            .iter()
            .filter(|follower| leadership.isr.contains(&follower.broker) && !follower.caught_up(log_end, now, lag_max))
            .map(|follower| follower.broker)
            .collect();
        let first = *lagging.first()?;
        let isr = leadership.isr.iter().copied().filter(|member| !lagging.contains(member)).collect();
        Some((isr, IsrChange::Lagging(first)))
    }

    /// `Partition.maybeIncrementLeaderHW`; true when it moved.
    pub fn advance_high_watermark(&mut self, now: SimTime, lag_max: SimDuration, eligible: &dyn Fn(BrokerId) -> bool) -> bool {
        let min_isr = self.effective_min_isr();
        let log_end = self.log.log_end();
        let Some(leadership) = self.leadership() else { return false };
        if leadership.isr.len() < min_isr {
            return false;
        }
        let mut least = log_end;
        for follower in &leadership.followers {
            let in_isr = leadership.maximal_isr().any(|member| member == follower.broker);
            if in_isr || (follower.caught_up(log_end, now, lag_max) && eligible(follower.broker)) {
                least = least.min(follower.log_end.unwrap_or(Offset::ZERO));
            }
        }
        let moved = least > self.high_watermark;
        if moved {
            self.high_watermark = least;
        }
        moved
    }

    /// A follower learns the leader's high watermark.
    pub fn learn_high_watermark(&mut self, leaders: Offset) {
        self.high_watermark = leaders.min(self.log.log_end());
    }

    pub fn truncate_to(&mut self, end: Offset) {
        self.log.truncate_to(end);
        self.high_watermark = self.high_watermark.min(self.log.log_end());
    }
}

/// Where a follower must cut its log, having been told that it diverges from the leader at the end of an epoch.
/// Kafka's `AbstractFetcherThread.getOffsetTruncationState`.
pub fn truncation_point(log: &PartitionLog, epoch: LeaderEpoch, leader_end: Offset) -> Offset {
    let log_end = log.log_end();
    match log.epochs().end_offset_for(epoch, log_end) {
        Some((known, end)) if known == epoch => end.min(leader_end).min(log_end),
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
            builder.append(0, None, Some(b"v"), &[]);
            let batch = ClientBatch { batch: Arc::new(builder.build(ProducerStamp::NONE)), writer: 0, serial: 0 };
            replica.log.append_as_leader(&batch, LeaderEpoch(0), &Arc::clone(&replica.config)).expect("it fits");
        }
    }

    fn fetch(replica: &mut Replica, follower: i32, offset: u64, now: SimTime) -> u64 {
        replica.follower_fetched(BrokerId(follower), BrokerEpoch(0), Offset(offset), now);
        replica.advance_high_watermark(now, LAG, &|_| true);
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
        assert!(!replica.advance_high_watermark(at(1), LAG, &|_| true));
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
        assert_eq!(replica.expanded_isr(BrokerId(3), true), None);
        fetch(&mut replica, 3, 10, at(2));
        assert_eq!(replica.expanded_isr(BrokerId(3), false), None, "fenced");
        assert_eq!(replica.expanded_isr(BrokerId(3), true), Some(vec![BrokerId(1), BrokerId(2), BrokerId(3)]));
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
    fn a_follower_cuts_where_its_epochs_part_from_the_leaders() {
        let mut replica = leader(&[1], 1, 5);
        replica.log.begin_epoch(LeaderEpoch(4));
        // The leader knows epoch 0 up to 3; here it goes up to 5.
        assert_eq!(truncation_point(&replica.log, LeaderEpoch(0), Offset(3)), Offset(3));
        // The leader's epoch 2 is not known here: back to the end of the one before it, and ask again.
        assert_eq!(truncation_point(&replica.log, LeaderEpoch(2), Offset(9)), Offset(5));
    }
}
