//! What must hold in every run, whatever the user breaks. A violation is our bug, never a lesson.
//!
//! The page looks at what can be seen at a glance ([`Cluster::violations`]). Tests let an [`Auditor`] look after every event, with
//! all rows of the list and a memory of its own.

mod auditor;
mod clients;
mod control;
mod copies;
mod ghost;
mod groups;
mod quorum;
mod rows;

pub use auditor::Auditor;
pub use rows::{Row, Violation};

pub use quorum::QuorumSeen;

use super::Cluster;
use crate::ids::{BrokerId, LeaderEpoch, TopicPartition};
use crate::metadata::PartitionRegistration;
use crate::sorted::SortedMap;

impl Cluster {
    /// Every broken invariant, as a sentence; empty when all is well.
    pub fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.check_leaders(&mut found);
        self.check_marks(&mut found);
        self.check_isr(&mut found);
        self.check_log_matching(&mut found);
        self.check_quorum(&mut found);
        found
    }

    /// I12: at most one broker acts as leader of a partition in one leader epoch.
    fn check_leaders(&self, found: &mut Vec<String>) {
        let mut leaders: SortedMap<(TopicPartition, LeaderEpoch), BrokerId> = SortedMap::new();
        for broker in self.brokers() {
            for (id, replica) in broker.replicas().iter().filter(|(_, replica)| replica.leadership().is_some()) {
                if let Some(other) = leaders.insert((*id, replica.leader_epoch), broker.id) {
                    let name = self.controller().image().name_of(*id);
                    found.push(format!("I12: {other} and {} both lead {name} in epoch {}", broker.id, replica.leader_epoch.0));
                }
            }
        }
    }

    /// I10: log start ≤ high watermark ≤ log end on each replica.
    fn check_marks(&self, found: &mut Vec<String>) {
        for broker in self.brokers() {
            for (id, replica) in broker.replicas().iter() {
                if replica.log.log_start() > replica.high_watermark || replica.high_watermark > replica.log.log_end() {
                    let name = self.controller().image().name_of(*id);
                    found.push(format!("I10: marks of {name} on {} are out of order", broker.id));
                }
            }
        }
    }

    /// I14: the ISR are replicas, and none of the ELR; the leader is in the ISR; no fenced broker is, but for the last one without ELR. With
    /// ZooKeeper the others stay too, until the controller hears that their session is over.
    fn check_isr(&self, found: &mut Vec<String>) {
        let image = self.controller().image();
        let config = &self.scenario.cluster.config;
        for (id, partition) in image.partitions() {
            let member = |broker: &BrokerId| partition.replicas.contains(broker);
            let shape = partition.isr.iter().all(member);
            let disjoint = !partition.isr.iter().any(|broker| partition.elr.contains(broker));
            let led = partition.leader.is_none_or(|leader| partition.isr.contains(&leader));
            let trusted = partition.isr.iter().all(|broker| image.is_active(*broker));
            let unclean = image.topic(id.topic).is_some_and(|topic| topic.config.unclean_leader_election);
            let alone = (unclean || !config.eligible_leader_replicas) && last_of_the_isr(partition);
            let trusted = trusted || config.zookeeper() || alone;
            if !(shape && disjoint && led && trusted) {
                found.push(format!("I14: ISR of {} is out of shape", image.name_of(id)));
            }
        }
    }

    /// I7: two replicas that hold the same offset from the same leader epoch hold the same batch there. Looked at where it would
    /// show first: the last batch below the lower high watermark.
    fn check_log_matching(&self, found: &mut Vec<String>) {
        let image = self.controller().image();
        for (id, partition) in image.partitions() {
            let Some(leader) = partition.leader.and_then(|leader| self.broker(leader)).and_then(|broker| broker.replicas().get(&id)) else {
                continue;
            };
            for member in partition.isr.iter().filter_map(|broker| self.broker(*broker)) {
                let Some(replica) = member.replicas().get(&id) else { continue };
                let common = leader.high_watermark.min(replica.high_watermark);
                let Some(last) = common.0.checked_sub(1).map(crate::ids::Offset) else { continue };
                // The epoch by the cache: that of the batch may have rotted on the disk, which is a lesson and no violation.
                let crc = |replica: &crate::broker::partition::Replica| {
                    replica.log.batch_at(last).map(|stored| (stored.base_offset, stored.batch.crc(), replica.log.epochs().epoch_for(last)))
                };
                if crc(leader) != crc(replica) {
                    found.push(format!("I6: {} differs on {} below the high watermark, at {last}", image.name_of(id), member.id));
                }
            }
        }
    }
}

/// Without ELR the last in-sync replica stays in sync whatever becomes of it, and nobody leads meanwhile. So it is where a reassignment
/// is taken back while nobody is in sync and unclean elections are allowed: the first of the old replicas is, though it may be fenced
/// (`PartitionReassignmentRevert`).
fn last_of_the_isr(partition: &PartitionRegistration) -> bool {
    partition.isr.len() == 1 && partition.leader.is_none()
}
