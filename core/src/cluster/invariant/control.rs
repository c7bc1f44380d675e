//! What must hold between the controller's word and the copies (I1–I5, I13–I16).

use super::auditor::Auditor;
use super::ghost::Ghost;
use super::rows::Row;
use crate::broker::Phase;
use crate::cluster::Cluster;
use crate::ids::{BrokerId, TopicPartition};
use crate::metadata::{PartitionRegistration, TopicImage};

impl Auditor {
    /// The controller committed another registration of a partition.
    pub(super) fn registration_changed(
        &mut self,
        cluster: &Cluster,
        topic: &TopicImage,
        id: TopicPartition,
        before: &PartitionRegistration,
        after: &PartitionRegistration,
    ) {
        if before == after {
            return;
        }
        if after.leader_epoch < before.leader_epoch || after.partition_epoch <= before.partition_epoch {
            let text = format!("{}: epochs went to {} and {}", self.name(id), after.leader_epoch.0, after.partition_epoch.0);
            self.fail(Row::I13, text);
        }
        // Where a reassignment ends with a small ISR, Kafka makes members eligible that are replicas no longer
        // (`maybePopulateTargetElr`); from there they never lead.
        let moved_away = |broker: &BrokerId| before.is_reassigning() && before.isr.contains(broker);
        let knew = |broker: &BrokerId| after.replicas.contains(broker) || before.elr.contains(broker) || moved_away(broker);
        if let Some(stranger) = after.elr.iter().find(|broker| !knew(broker)) {
            self.fail(Row::I14, format!("{}: {stranger} became eligible and is no replica", self.name(id)));
        }
        let moved = before.is_reassigning() && !after.is_reassigning();
        if before.isr != after.isr {
            // With nobody in sync that stays, a reassignment that is taken back calls the first old replica in sync, fenced or not: as good
            // as an unclean election, and allowed where those are (`PartitionReassignmentRevert`).
            let nobody = moved && topic.config.unclean_leader_election && before.isr.iter().all(|member| before.adding.contains(member));
            let ghost = self.partitions.entry(id).or_default();
            ghost.taken_back = after.replicas.first().copied().filter(|first| nobody && after.isr == [*first]);
            ghost.tainted |= ghost.taken_back.is_some();
        }
        let elected = after.leader.filter(|leader| before.leader != Some(*leader));
        let ghost = self.partitions.entry(id).or_default();
        ghost.tainted |= elected.is_some_and(|leader| ghost.strangers.contains(&leader));
        ghost.strangers.retain(|broker| after.elr.contains(broker));
        let new = after.elr.iter().filter(|broker| !after.replicas.contains(broker) && !ghost.strangers.contains(broker));
        let new: Vec<BrokerId> = new.copied().collect();
        ghost.strangers.extend(new);
        if let Some(last) = elected.filter(|last| self.without_elr && before.isr == [*last]) {
            let ghost = self.partitions.entry(id).or_default();
            ghost.tainted |= ghost.lossy.contains_key(&last);
        }
        // With the last replica that caught up, a leader that goes asked for an ISR that ends the reassignment: one of that leads at once.
        let followed = moved && before.leader.is_some_and(|leader| before.removing.contains(&leader));
        let trusted =
            |leader: &BrokerId| before.isr.contains(leader) || before.elr.contains(leader) || followed && after.isr.contains(leader);
        let unclean = elected.filter(|leader| !trusted(leader));
        let late = after.replicas.iter().find(|replica| !after.isr.contains(replica));
        if let Some(late) = late.filter(|_| moved && unclean.is_none() && !after.replicas.iter().any(|id| before.removing.contains(id))) {
            self.fail(Row::I14, format!("{}: its reassignment ended before {late} was in sync", self.name(id)));
        }
        if let Some(leader) = unclean {
            let last_known = before.isr.is_empty() && after.elr.is_empty() && before.last_known_elr == [leader];
            let ghost = self.partitions.entry(id).or_default();
            if topic.config.unclean_leader_election || self.unclean_by_hand {
                ghost.tainted = true;
            } else if last_known {
                // Everybody else stopped uncleanly: what this one lost with its page cache nobody is trusted to have (KIP-966).
                ghost.tainted |= ghost.lossy.contains_key(&leader);
            } else {
                self.fail(Row::I16, format!("{}: {leader} was elected and was neither in sync nor eligible", self.name(id)));
            }
        }
        let ghost = self.partitions.entry(id).or_default();
        for joined in after.isr.iter().filter(|member| !before.isr.contains(member) && (followed || elected != Some(**member))) {
            let caught_up = ghost.copies.get(joined).map_or(ghost.true_hw == 0, |copy| copy.chain.holds_all_of(&ghost.truth));
            // It had caught up when its leader asked, and lost that again before the controller could know.
            let unheard = cluster.broker(*joined).is_none_or(|broker| matches!(broker.phase(), Phase::Down | Phase::Registering));
            if unheard && ghost.lossy.contains_key(joined) {
                continue;
            }
            if caught_up || ghost.tainted {
                ghost.lossy.remove(joined);
                continue;
            }
            let end = ghost.copies.get(joined).map_or(0, |copy| copy.log_end);
            let text = format!("{}: {joined} joined the ISR at {end} though {} is committed", self.image.name_of(id), ghost.true_hw);
            self.found.push((Row::I15, text));
        }
    }

    /// I14: who leaves an ISR below the minimum is eligible, but for processes that did not stop in order (KIP-966). The minimum is the
    /// one at the moment of the change, and Kafka counts the replicas of partition 0 for every partition of a topic
    /// (`getTopicEffectiveMinIsr`): it is smaller than meant where that one was reassigned to fewer.
    pub(super) fn check_eligible(
        &mut self,
        min_isr: u32,
        id: TopicPartition,
        before: &PartitionRegistration,
        after: &PartitionRegistration,
    ) {
        let small = (after.isr.len() as u32) < min_isr;
        let trusted = |broker: &BrokerId| before.isr.contains(broker) || before.elr.contains(broker);
        // An unclean election begins anew.
        let unclean = after.leader.is_some_and(|leader| !trusted(&leader));
        // Whoever is elected from among the eligible ones becomes the ISR alone, after they were counted.
        let chosen = after.leader.is_some_and(|leader| !before.isr.contains(&leader));
        if !small && !chosen && !after.elr.is_empty() {
            self.fail(Row::I14, format!("{}: the ISR is large enough and the ELR is not empty", self.name(id)));
        }
        if self.without_elr || !small || unclean {
            return;
        }
        let kept = |broker: &BrokerId| after.isr.contains(broker) || after.elr.contains(broker) || self.registering.contains(broker);
        let forgotten = after.replicas.iter().find(|broker| trusted(broker) && !kept(broker));
        if let Some(broker) = forgotten {
            self.fail(Row::I14, format!("{}: {broker} left an ISR below the minimum and is not eligible", self.name(id)));
        }
    }

    /// I14, and no fenced broker in the ISR.
    pub(super) fn check_shape(&mut self, topic: &TopicImage, id: TopicPartition, partition: &PartitionRegistration) {
        let PartitionRegistration { replicas, isr, elr, leader, .. } = partition;
        let min_isr = (topic.config.min_insync_replicas as usize).min(replicas.len());
        let member = |broker: &BrokerId| replicas.contains(broker);
        let wrong = match () {
            () if !isr.iter().all(member) => "a member of the ISR is no replica",
            () if isr.iter().any(|broker| elr.contains(broker)) => "ISR and ELR overlap",
            () if isr.len() >= min_isr && elr.iter().any(member) => "the ISR is large enough and the ELR is not empty",
            () if leader.is_some_and(|leader| !isr.contains(&leader)) => "the leader is not in the ISR",
            () if (self.without_elr || self.was_taken_back(id, isr)) && super::last_of_the_isr(partition) => return,
            () if self.image.controller_epoch == 0 && !isr.iter().all(|broker| self.image.is_active(*broker)) => {
                "a fenced broker is in the ISR"
            }
            () => return,
        };
        let ids = |brokers: &[BrokerId]| brokers.iter().map(BrokerId::to_string).collect::<Vec<_>>().join(",");
        let text = format!("{}: {wrong} (ISR {}, ELR {}, min ISR {min_isr})", self.name(id), ids(isr), ids(elr));
        self.fail(Row::I14, text);
    }

    fn was_taken_back(&self, id: TopicPartition, isr: &[BrokerId]) -> bool {
        self.partitions.get(&id).and_then(|ghost| ghost.taken_back).is_some_and(|alone| isr == [alone])
    }

    /// I2–I5 and I16: what the copies hold against what the controller and the leaders say of them.
    pub(super) fn check_partition(&mut self, cluster: &Cluster, id: TopicPartition) {
        let Some(ghost) = self.partitions.get(&id) else { return };
        let Some(registration) = self.image.partition(id) else { return };
        let mut found = Vec::new();
        let eligible = registration.isr.iter().chain(&registration.elr);
        for member in eligible.filter(|_| !ghost.tainted) {
            // A process that lost its tail is found out when it registers.
            let phase = cluster.broker(*member).map_or(Phase::Down, |broker| broker.phase());
            // Only a replica is elected. One that was none for a while is still called eligible, though its copy begins anew: Kafka's own
            // gap, and as good as an unclean election where it is made use of.
            if !registration.replicas.contains(member) || ghost.strangers.contains(member) {
                continue;
            }
            let lossy = ghost.lossy.contains_key(member);
            // "Last replica standing": without ELR it stays in sync though it lost its tail, which is a lesson (KIP-966).
            let last = self.without_elr && registration.isr == [*member];
            if phase == Phase::Down || (lossy && (phase == Phase::Registering || last)) {
                continue;
            }
            let complete = ghost.copies.get(member).map_or(ghost.true_hw == 0, |copy| copy.chain.holds_all_of(&ghost.truth));
            if !complete {
                let row = match () {
                    () if lossy => Row::I16,
                    () if registration.leader == Some(*member) => Row::I2,
                    () => Row::I3,
                };
                let end = ghost.copies.get(member).map_or(0, |copy| copy.log_end);
                found.push((row, format!("{member} may lead and ends at {end}, {} is committed", ghost.true_hw)));
            }
        }
        for (broker, copy) in ghost.copies.iter().filter(|(_, copy)| copy.leads) {
            check_office(cluster, ghost, registration, id, *broker, copy.leader_epoch, &mut found);
        }
        if !found.is_empty() {
            let name = self.name(id);
            self.found.extend(found.into_iter().map(|(row, text)| (row, format!("{name}: {text}"))));
        }
    }

    /// I1: what was promised with `acks=all` lies on some disk.
    pub(super) fn check_promises(&mut self, id: TopicPartition) {
        let Some(ghost) = self.partitions.get(&id).filter(|ghost| !ghost.tainted) else { return };
        let promised = ghost.promised.end();
        let Some(mark) = ghost.truth.marks().iter().rev().find(|mark| mark.base < promised) else { return };
        let kept = ghost.copies.values().any(|copy| copy.chain.mark_ending(mark.end).is_some_and(|mine| mine.hash == mark.hash));
        if !kept && self.image.partition(id).is_some() {
            self.fail(Row::I1, format!("{}: no copy holds what was acknowledged up to @{promised}", self.name(id)));
        }
    }
}

/// I4 and I5: a leader counts everybody the controller counts, and what it calls committed lies on all it calls in sync.
fn check_office(
    cluster: &Cluster,
    ghost: &Ghost,
    registration: &PartitionRegistration,
    id: TopicPartition,
    leader: BrokerId,
    epoch: crate::ids::LeaderEpoch,
    found: &mut Vec<(Row, String)>,
) {
    let Some(replica) = cluster.broker(leader).and_then(|broker| broker.replicas().get(&id)) else { return };
    let Some(leadership) = replica.leadership() else { return };
    if epoch == registration.leader_epoch {
        let counted = |broker: &BrokerId| leadership.maximal_isr().any(|member| member == *broker);
        let uncounted = registration.isr.iter().find(|broker| !counted(broker));
        if let Some(broker) = uncounted {
            found.push((Row::I4, format!("leader {leader} does not count {broker}, which is in sync")));
        }
        let same = registration.partition_epoch == replica.partition_epoch && leadership.pending_isr.is_none();
        if same && leadership.isr.len() != registration.isr.len() {
            found.push((Row::I4, format!("leader {leader} believes in another ISR than the controller")));
        }
    }
    if !ghost.tainted && !ghost.ever_lossy {
        let hw = replica.high_watermark.0;
        // One that was reassigned away may have emptied its directory before the leader heard of it.
        let unheard = replica.partition_epoch < registration.partition_epoch;
        let members = leadership.isr.iter().filter(|member| !unheard || registration.replicas.contains(member));
        let short = { members }.find(|member| ghost.copies.get(member).map_or(0, |copy| copy.log_end) < hw);
        if let Some(short) = short {
            found.push((Row::I5, format!("leader {leader} has committed {hw} and {short} of its ISR does not have that")));
        }
    }
}
