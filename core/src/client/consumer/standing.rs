//! Where a member of a group stands, for whoever asks why it does not read.

use super::application::Stage;
use super::membership::Membership;
use super::{Asked, Consumer};
use crate::ids::{BrokerId, TopicPartition};
use crate::time::SimTime;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `unjoined`, `preparing`, `joining`, `syncing`, `alone`, `stable` or `rebalancing`.
    pub membership: &'static str,
    pub coordinator: Option<BrokerId>,
    /// The request to the coordinator that it waits for, and when it gives that up.
    pub asked: Option<(&'static str, BrokerId, SimTime)>,
    /// Its process ended by itself, or has not begun; a new one starts then.
    pub starts: Option<SimTime>,
    /// Its application does not call `poll()` before, as far as that is known.
    pub busy_until: SimTime,
    /// It does not come back from the record in hand.
    pub stuck: bool,
    pub last_poll: SimTime,
    /// `enable.auto.commit`: inside the first `poll()` from then on.
    pub next_auto_commit: Option<SimTime>,
    pub partitions: Vec<Reading>,
}

/// A partition that a member owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub partition: TopicPartition,
    /// The application has paused it.
    pub paused: bool,
    /// A batch whose CRC is wrong: it is read no further.
    pub damaged: bool,
    /// It was fetched, and waits for a `poll()`.
    pub fetched: bool,
    /// A fetch is under way.
    pub fetching: bool,
    /// Where it reads is not known yet.
    pub lost: bool,
}

impl Consumer {
    #[inline(never)]
    pub fn standing(&self) -> Standing {
        let membership = match self.membership {
            Membership::Unjoined => "unjoined",
            Membership::Preparing { .. } => "preparing",
            Membership::Joining { .. } => "joining",
            Membership::Syncing { .. } => "syncing",
            Membership::Alone => "alone",
            Membership::Stable { rebalancing: false, .. } => "stable",
            Membership::Stable { .. } => "rebalancing",
        };
        let asked = self.in_flight.values().find_map(|request| {
            let what = match request.kind {
                Asked::Coordinator => "FindCoordinator",
                Asked::Join => "JoinGroup",
                Asked::Sync => "SyncGroup",
                Asked::Following if self.assigned.is_empty() => "ConsumerGroupHeartbeat",
                Asked::Committed(_) => "OffsetFetch",
                _ => return None,
            };
            Some((what, request.to, request.deadline))
        });
        let reading = |(id, assigned): (&TopicPartition, &super::positions::Assigned)| Reading {
            partition: *id,
            paused: assigned.paused,
            damaged: assigned.is_damaged(),
            fetched: assigned.has_records(),
            fetching: assigned.is_fetching(),
            lost: assigned.position.is_none(),
        };
        Standing {
            membership,
            coordinator: self.coordinator,
            asked,
            starts: if let Stage::Ended { until } = self.stage { Some(until) } else { None },
            busy_until: self.busy_until,
            stuck: matches!(self.stage, Stage::Stuck),
            last_poll: self.last_poll,
            next_auto_commit: self.auto_commits().then_some(self.next_auto_commit),
            partitions: self.assigned.iter().map(reading).collect(),
        }
    }
}
