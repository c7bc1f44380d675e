//! How far a follower has come, as its leader knows: Kafka's `ReplicaState`.
//!
//! In sync is a matter of time, never of a number of records: a follower that reached the leader's end of a moment ago was caught
//! up at that moment. Times are Kafka's milliseconds since 1970, so that zero means never.

use crate::ids::{BrokerEpoch, BrokerId, Offset};
use crate::time::SimDuration;

#[derive(Clone, Copy, Debug)]
pub struct FollowerProgress {
    pub broker: BrokerId,
    /// `None` until it fetched from this leader.
    pub log_end: Option<Offset>,
    /// The latest moment at which it had everything the leader had then.
    pub last_caught_up_ms: i64,
    last_fetch_ms: i64,
    leader_end_at_last_fetch: Offset,
    /// The registration its process fetched with.
    pub broker_epoch: Option<BrokerEpoch>,
}

impl FollowerProgress {
    pub const fn new(broker: BrokerId) -> Self {
        FollowerProgress {
            broker,
            log_end: None,
            last_caught_up_ms: 0,
            last_fetch_ms: 0,
            leader_end_at_last_fetch: Offset::ZERO,
            broker_epoch: None,
        }
    }

    /// Its leader was elected (`again`: it led before), `Replica.resetReplicaState`: members of the ISR get the whole lag time.
    pub fn leader_elected(&mut self, now_ms: i64, leader_end: Offset, in_isr: bool, again: bool) {
        let last_caught_up_ms = if in_isr { now_ms } else { 0 };
        *self = match again {
            true => FollowerProgress { last_caught_up_ms, last_fetch_ms: last_caught_up_ms, leader_end_at_last_fetch: leader_end, ..*self },
            false => FollowerProgress { last_caught_up_ms, ..FollowerProgress::new(self.broker) },
        };
    }

    /// A fetch at `offset` while the leader's log ended at `leader_end` (`Replica.updateFetchStateOrThrow`).
    pub fn fetched(&mut self, offset: Offset, leader_end: Offset, now_ms: i64, epoch: BrokerEpoch) {
        if offset >= leader_end {
            self.last_caught_up_ms = self.last_caught_up_ms.max(now_ms);
        } else if offset >= self.leader_end_at_last_fetch {
            self.last_caught_up_ms = self.last_caught_up_ms.max(self.last_fetch_ms);
        }
        self.log_end = Some(offset);
        self.leader_end_at_last_fetch = self.leader_end_at_last_fetch.max(leader_end);
        self.last_fetch_ms = now_ms;
        self.broker_epoch = Some(epoch);
    }

    /// In sync by time: at the leader's end, or there not longer ago than `replica.lag.time.max.ms`.
    pub fn caught_up(&self, leader_end: Offset, now_ms: i64, lag_max: SimDuration) -> bool {
        self.log_end == Some(leader_end) || now_ms - self.last_caught_up_ms <= lag_max.millis() as i64
    }
}
