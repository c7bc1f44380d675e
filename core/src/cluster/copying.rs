//! Copies of the cluster to go back to: how one is taken, resumed, and how much it weighs.

use super::{Cluster, EventView, Hops};
use crate::broker::Broker;
use crate::log::PartitionLog;
use crate::log::segment::StoredBatch;
use crate::scenario::TimelineEntry;
use crate::time::SimTime;
use std::sync::Arc;

/// A participant, a timer or a small table of a copy, in bytes; measured, and rounded up.
const PARTICIPANT: u64 = 2_000;
const REPLICA: u64 = 900;
/// A producer that a replica knows, with its part of what the producer keeps for that partition.
const KNOWN_PRODUCER: u64 = 190;
const QUEUED: u64 = 160;
/// A batch of a producer that waits or is under way; the records of most are shared.
const UNSETTLED: u64 = 56;

impl Cluster {
    /// A copy without the event list (one list serves all copies of a run) and without what travelled for the picture. A good moment to
    /// have followers share with their leaders what all of them packed.
    pub fn checkpoint(&mut self) -> Cluster {
        for place in 0..self.brokers.len() {
            let (before, rest) = self.brokers.split_at_mut(place);
            if let Some((broker, after)) = rest.split_first_mut() {
                broker.share_packed([before, after]);
            }
        }
        let (events, hops) = (std::mem::take(&mut self.events), std::mem::take(&mut self.hops));
        let copy = self.clone();
        (self.events, self.hops) = (events, hops);
        copy
    }

    /// Goes on from a checkpoint: with the events told until then, along this recording.
    pub fn resumed(&self, events: &[EventView], timeline: Arc<Vec<TimelineEntry>>, hops: Option<u32>) -> Cluster {
        Cluster { events: events.to_vec(), timeline, hops: Hops::holding(hops), ..self.clone() }
    }

    /// The recording it follows.
    pub fn timeline(&self) -> &Arc<Vec<TimelineEntry>> {
        &self.timeline
    }

    /// How many entries of the recording are done.
    pub fn entries_done(&self) -> usize {
        self.next_timeline as usize
    }

    /// From now on it follows this recording, of which so many entries are done.
    pub fn follow(&mut self, timeline: Arc<Vec<TimelineEntry>>, done: usize) {
        (self.timeline, self.next_timeline) = (timeline, done as u32);
    }

    /// Running on gives the state at this moment.
    pub fn stands_before(&self, moment: SimTime) -> bool {
        self.now < moment || (self.now == moment && !self.mid_instant)
    }

    /// About how many bytes a copy takes for itself: everything but sealed chunks of logs and the bytes of batches, which are shared.
    pub fn weight(&self) -> u64 {
        let logs = self.logs().map(|log| {
            let (sealed, open) = log.pieces();
            REPLICA + KNOWN_PRODUCER * log.known_producers() + 8 * sealed + size_of::<StoredBatch>() as u64 * open
        });
        let unsettled: u64 = self.producers.iter().map(|producer| u64::from(producer.unsettled())).sum();
        logs.sum::<u64>() + UNSETTLED * unsettled + PARTICIPANT * self.hosts.len() as u64 + QUEUED * self.queue.len()
    }

    /// About how many bytes of the logs this copy keeps in memory that a later one no longer has; without a later one, all.
    pub fn outlived(&self, later: Option<&Cluster>) -> u64 {
        let replicas = self.brokers.iter().enumerate().flat_map(|(place, broker)| {
            let after = later.and_then(|later| later.brokers.get(place)).map(Broker::replicas);
            broker.replicas().iter().map(move |(id, replica)| (replica, after.and_then(|after| after.get(id))))
        });
        let held = replicas.map(|(replica, later)| {
            let held = replica.log.outlived(later.map(|later| &later.log));
            // The bytes are those of the leader.
            size_of::<StoredBatch>() as u64 * held.batches + if replica.leadership().is_some() { held.bytes } else { 0 }
        });
        held.sum()
    }

    /// Bytes that all logs together hold.
    pub fn log_bytes(&self) -> u64 {
        self.logs().map(PartitionLog::bytes).sum()
    }

    fn logs(&self) -> impl Iterator<Item = &PartitionLog> {
        self.brokers.iter().flat_map(|broker| broker.replicas().values()).map(|replica| &replica.log)
    }
}
