//! What must hold of one copy: its log, its marks, its epochs (I5–I12, I22, I23).

use super::auditor::Auditor;
use super::ghost::{Copy, Ghost, Mark};
use super::rows::Row;
use crate::broker::partition::Replica;
use crate::broker::{Broker, Phase};
use crate::cluster::Cluster;
use crate::ids::{BrokerId, LeaderEpoch, TopicPartition};
use crate::metadata::MetadataImage;

impl Auditor {
    /// A replica is not what it was.
    pub(super) fn copy_changed(&mut self, cluster: &Cluster, broker: &Broker, id: TopicPartition, replica: &Replica, commanded: bool) {
        let resumed = self.resumed();
        let mut ghost = self.partitions.entry(id).or_default();
        let mut copy = ghost.copies.remove(&broker.id).unwrap_or_default();
        let log = &replica.log;
        let change = copy.chain.follow(log, &ghost.truth);
        let mut found = Vec::new();
        for place in change.first_new..copy.chain.marks().len() {
            let mark = copy.chain.marks()[place];
            let before = place.checked_sub(1).map(|place| copy.chain.marks()[place]);
            let first = check_mark(ghost, before, &mark, &mut found);
            // What it had copied before it led is not its own.
            if replica.leadership().is_some() && mark.epoch == replica.leader_epoch {
                self.appended.push((broker.id, id, mark.writer, mark.serial));
            }
            if first && !log.batch_at(crate::ids::Offset(mark.base)).is_some_and(|batch| batch.batch.crc_is_valid()) {
                found.push((Row::I22, format!("the checksum of @{} is wrong from the start", mark.base)));
            }
        }
        if change.first_new < copy.chain.marks().len() || change.cut.is_some() {
            found.extend(check_epoch_cache(&copy, replica));
        }
        check_marks(&copy, replica, commanded, &mut found);
        if replica.leadership().is_some() {
            check_leader(ghost, &copy, replica, broker.id, resumed, &mut found);
            copy.led_over |= copy.leads && led_over(ghost, copy.leader_epoch, replica.leader_epoch, broker.id);
        }
        // Only a process that ends or begins loses what nobody cut; one that goes on after a pause answers for its cuts.
        let ended = commanded && matches!(broker.phase(), Phase::Down | Phase::Registering);
        let lost_suffix = log.log_end().0 < copy.log_end || change.cut.is_some();
        if lost_suffix && ended {
            ghost.loses(broker.id, copy.log_end);
        } else if let Some(gone) = change.cut.filter(|_| !ghost.tainted)
            && ghost.truth.mark_ending(gone.end).is_some_and(|mark| mark.hash == gone.hash)
        {
            found.push((Row::I23, format!("it was cut to {} and had had {} of what is committed", log.log_end(), gone.end)));
        }
        copy.log_end = log.log_end().0;
        copy.high_watermark = replica.high_watermark.0;
        copy.leader_epoch = replica.leader_epoch;
        copy.partition_epoch = replica.partition_epoch;
        copy.was_enough = copy.enough;
        copy.enough = replica.leadership().is_some() && !replica.is_under_min_isr();
        if copy.enough {
            copy.enough_until = copy.high_watermark;
        }
        // A process that goes on after a pause may commit and lose its office in one look.
        let led = std::mem::replace(&mut copy.leads, replica.leadership().is_some());
        copy.led_over &= copy.leads;
        let common = copy.high_watermark.min(ghost.true_hw);
        if (copy.leads || led) && copy.high_watermark > ghost.true_hw {
            let committed = extend_truth(ghost, &copy);
            if let Err(text) = &committed {
                found.push((Row::I6, text.clone()));
            }
            let from = committed.unwrap_or(usize::MAX);
            ghost.tainted |= settings_overtaken(ghost, &self.image, id, replica) || (copy.led_over && counts_too_much(ghost, replica));
            ghost.copies.insert(broker.id, copy);
            self.check_producers(cluster, id, from);
            ghost = self.partitions.entry(id).or_default();
            copy = ghost.copies.remove(&broker.id).unwrap_or_default();
        }
        if !ghost.tainted && log.log_start().0 < common && !copy.chain.agrees_up_to(&ghost.truth, common) {
            found.push((Row::I6, format!("it differs below its high watermark {common} from what was committed")));
        }
        // Back at its old end, with what was committed: nothing is missing any more.
        if ghost.lossy.get(&broker.id).is_some_and(|end| copy.log_end >= *end) && copy.chain.holds_all_of(&ghost.truth) {
            ghost.lossy.remove(&broker.id);
        }
        ghost.copies.insert(broker.id, copy);
        let copies = self.image.partition(id).map_or(u32::MAX, |partition| partition.replicas.len() as u32);
        let min_isr = replica.config.min_insync_replicas.min(copies).max(1);
        let least = ghost.least_min_isr.map_or(min_isr, |least| least.min(min_isr));
        ghost.least_min_isr = Some(least);
        ghost.weigh();
        let name = self.image.name_of(id);
        self.found.extend(found.into_iter().map(|(row, text)| (row, format!("{name} on {}: {text}", broker.id))));
        if change.cut.is_some() {
            self.check_promises(id);
        }
    }

    /// The chain is what the log says from end to end.
    pub(super) fn check_whole_copy(&mut self, broker: &Broker, id: TopicPartition, replica: &Replica) {
        let Some(copy) = self.partitions.get(&id).and_then(|ghost| ghost.copies.get(&broker.id)) else { return };
        let from = replica.log.log_start().0;
        let marks = copy.chain.marks().iter().filter(|mark| mark.base >= from);
        let mut batches = replica.log.segments().iter().flat_map(|segment| segment.batches());
        let same = marks.clone().all(|mark| batches.next().is_some_and(|batch| mark.is(batch)));
        let epochs = check_epoch_cache(copy, replica);
        if !same {
            self.fail(Row::I22, format!("{} on {}: its log changed without being appended to or cut", self.name(id), broker.id));
        }
        if let Some((row, text)) = epochs {
            self.fail(row, format!("{} on {}: {text}", self.name(id), broker.id));
        }
    }
}

/// I7, I8, I22 of a new mark; true when nobody stored it before.
fn check_mark(ghost: &mut Ghost, before: Option<Mark>, mark: &Mark, found: &mut Vec<(Row, String)>) -> bool {
    if let Some(before) = before {
        if mark.base != before.end {
            found.push((Row::I22, format!("@{} follows on @{}", mark.base, before.end)));
        }
        if mark.epoch < before.epoch {
            found.push((Row::I8, format!("epoch {} at @{} follows on epoch {}", mark.epoch.0, mark.base, before.epoch.0)));
        }
    }
    let written = ghost.written.entry(mark.epoch).or_default();
    let place = match written.last() {
        Some((end, _)) if *end >= mark.end => written.binary_search_by_key(&mark.end, |(end, _)| *end),
        _ => Err(written.len()),
    };
    match place {
        Ok(place) => {
            if written[place].1 != mark.hash {
                found.push((Row::I7, format!("up to @{} in epoch {} it differs from another copy", mark.end, mark.epoch.0)));
                written[place].1 = mark.hash;
            }
            false
        }
        Err(place) => {
            written.insert(place, (mark.end, mark.hash));
            true
        }
    }
}

/// I8: the epoch cache is what a scan of the log gives; an epoch without a record may stand at the end.
fn check_epoch_cache(copy: &Copy, replica: &Replica) -> Option<(Row, String)> {
    let log = &replica.log;
    let mut entries = log.epochs().entries().iter().filter(|entry| entry.start < log.log_end());
    let mut last: Option<LeaderEpoch> = None;
    for mark in copy.chain.marks().iter().filter(|mark| mark.end > log.log_start().0) {
        if last != Some(mark.epoch) {
            let entry = entries.next();
            let clamped = mark.base.max(log.log_start().0);
            if entry.is_none_or(|entry| entry.epoch != mark.epoch || entry.start.0.max(log.log_start().0) != clamped) {
                let text = format!("epoch {} begins at @{} and the cache has {entry:?}", mark.epoch.0, mark.base);
                return Some((Row::I8, text));
            }
            last = Some(mark.epoch);
        }
    }
    None
}

/// I10, and I13 within a process.
fn check_marks(copy: &Copy, replica: &Replica, commanded: bool, found: &mut Vec<(Row, String)>) {
    let log = &replica.log;
    if log.log_start() > replica.high_watermark || replica.high_watermark > log.log_end() {
        found.push((Row::I10, format!("{} ≤ {} ≤ {} does not hold", log.log_start(), replica.high_watermark, log.log_end())));
    }
    if !commanded && (replica.leader_epoch < copy.leader_epoch || replica.partition_epoch < copy.partition_epoch) {
        found.push((Row::I13, format!("its epochs fell to {} and {}", replica.leader_epoch.0, replica.partition_epoch.0)));
    }
}

/// I9, I11, I12 of a leader.
fn check_leader(ghost: &mut Ghost, copy: &Copy, replica: &Replica, me: BrokerId, resumed: bool, found: &mut Vec<(Row, String)>) {
    let epoch = replica.leader_epoch;
    let first = *ghost.leaders.entry(epoch).or_insert(me);
    if first != me {
        found.push((Row::I12, format!("it leads in epoch {}, and so did {first}", epoch.0)));
    }
    let same_office = copy.leads && copy.leader_epoch == epoch;
    if same_office && replica.high_watermark.0 < copy.high_watermark {
        found.push((Row::I9, format!("the leader's high watermark fell from {} to {}", copy.high_watermark, replica.high_watermark)));
    }
    let in_sync = replica.leadership().map_or(0, |leadership| leadership.isr.len());
    // A process that goes on after a pause may commit, and hear of a smaller ISR or a larger minimum, in one look.
    let enough = in_sync >= replica.effective_min_isr() || (resumed && copy.enough);
    if same_office && replica.high_watermark.0 > copy.high_watermark && !enough {
        let text = format!("its high watermark moved to {} with {in_sync} in sync", replica.high_watermark);
        found.push((Row::I11, text));
    }
}

/// The answer to `AlterPartition` may be faster than the metadata: a leader that has not heard of a larger `min.insync.replicas` goes
/// on alone, while the controller already counts on those it calls eligible (KIP-966).
fn settings_overtaken(ghost: &Ghost, image: &MetadataImage, id: TopicPartition, leader: &Replica) -> bool {
    let (Some(topic), Some(partition)) = (image.topic(id.topic), image.partition(id)) else { return false };
    let min_isr = topic.config.min_insync_replicas;
    let alone = leader.leadership().is_some_and(|leadership| (leadership.isr.len() as u32) < min_isr);
    let short = |member: &BrokerId| ghost.copies.get(member).is_none_or(|copy| !copy.chain.holds_all_of(&ghost.truth));
    leader.config.min_insync_replicas < min_isr && alone && partition.elr.iter().any(short)
}

/// Another broker led between two epochs that this one leads.
fn led_over(ghost: &Ghost, from: LeaderEpoch, to: LeaderEpoch, me: BrokerId) -> bool {
    ghost.leaders.iter().any(|(epoch, leader)| from < *epoch && *epoch < to && *leader != me)
}

/// Kafka's own gap: a leader that missed the epoch of another, and is elected again, goes on with what it knew of its followers, though
/// they have cut that off meanwhile (`Partition.makeLeader` forgets it only where the replica did not lead).
fn counts_too_much(ghost: &Ghost, leader: &Replica) -> bool {
    let short = |member: &BrokerId| ghost.copies.get(member).is_some_and(|copy| copy.log_end < leader.high_watermark.0);
    leader.leadership().is_some_and(|leadership| leadership.isr.iter().any(short))
}

/// What the leader's high watermark has passed is true from now on. Gives the first new mark.
fn extend_truth(ghost: &mut Ghost, leader: &Copy) -> Result<usize, String> {
    let agrees = leader.chain.holds_all_of(&ghost.truth);
    let disagreement =
        (!agrees && !ghost.tainted).then(|| format!("it commits up to {} on a log without what was committed", leader.high_watermark));
    if !agrees {
        // Another history begins; what was true before is not.
        ghost.truth.clear();
        ghost.writers.clear();
        ghost.producers.clear();
        ghost.stored_for.clear();
        ghost.tainted = true;
    }
    let from = ghost.truth.marks().len();
    let end = ghost.truth.end();
    let new = leader.chain.marks().iter().filter(|mark| mark.base >= end && mark.end <= leader.high_watermark);
    new.for_each(|mark| ghost.truth.push(*mark));
    ghost.true_hw = leader.high_watermark;
    disagreement.map_or(Ok(from), Err)
}
