//! What must hold of what clients were told and given (I1, I9, I18, I20, I21, P1–P4).

use super::auditor::Auditor;
use super::rows::Row;
use crate::cluster::Cluster;
use crate::cluster::referee::Intervals;
use crate::cluster::witness::Said;
use crate::config::Acks;
use crate::error::ErrorCode;
use crate::ids::{BrokerId, ClientId, CorrelationId, LeaderEpoch, Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::node::Fact;
use crate::protocol::ProducedPartition;
use crate::record::ProducerStamp;

impl Auditor {
    pub(super) fn check_said(&mut self, cluster: &Cluster, said: &Said) {
        match said {
            Said::Asked { client, id, acks_all, batches } => {
                self.asked.insert((*client, *id), (*acks_all, batches.clone()));
            }
            Said::Answered { broker, client, id, results } => self.check_answer(cluster, *broker, *client, *id, results),
            Said::Read { broker, last } => {
                for (id, base) in last {
                    let replica = cluster.broker(*broker).and_then(|broker| broker.replicas().get(id));
                    if replica.is_some_and(|replica| *base >= replica.high_watermark) {
                        self.fail(Row::I21, format!("{broker} gave away {}@{base}, which is not committed", self.name(*id)));
                    }
                }
            }
            Said::AskedLatest { client, id } => {
                self.asked_latest.insert((*client, *id));
            }
            Said::Offsets { broker, client, id, answer } => {
                if self.asked_latest.remove(&(*client, *id)) {
                    answer.iter().for_each(|(id, offset)| self.check_latest(*broker, *id, *offset));
                }
            }
            Said::Fact(Fact::Acked { client, partition, base, records, epoch, .. }) => {
                let acks = cluster.producer(*client).map(|producer| producer.config().acks);
                if acks == Some(Acks::All) {
                    self.check_ack(*partition, *base, *records, *epoch);
                }
            }
            Said::Fact(Fact::Delivered { client, partition, batch, from, to }) => {
                self.check_delivery(*partition, batch, *to);
                self.check_handed_over(cluster, *client, *partition, *from, *to);
            }
            Said::Fact(Fact::Begun { client, partition, .. }) => self.begins(*client, *partition),
            Said::Group(said) => self.check_group_said(cluster, said),
            Said::Fact(_) => {}
        }
    }

    /// I9: the latest offset that clients are told never falls. Who was deposed and does not know tells what it knew.
    fn check_latest(&mut self, broker: BrokerId, id: TopicPartition, offset: Offset) {
        if self.image.partition(id).is_none_or(|partition| partition.leader != Some(broker)) {
            return;
        }
        let name = self.name(id);
        let ghost = self.partitions.entry(id).or_default();
        if offset.0 < ghost.told_latest && !ghost.tainted {
            self.found.push((Row::I9, format!("{name}: a client was told {offset} after {}", ghost.told_latest)));
        }
        ghost.told_latest = ghost.told_latest.max(offset.0);
    }

    /// I18: success with `acks=all` only for what is committed by enough replicas. P4: what is refused is not there.
    fn check_answer(&mut self, cluster: &Cluster, broker: BrokerId, client: ClientId, id: CorrelationId, results: &[ProducedPartition]) {
        let Some((acks_all, batches)) = self.asked.remove(&(client, id)) else { return };
        for result in results {
            let partition = result.partition;
            let (records, serial) =
                batches.iter().find(|(asked, ..)| *asked == partition).map_or((1, 0), |(_, records, serial)| (*records, *serial));
            // The very batch, and no other try of it that is under way or was answered in this event.
            let appended =
                || self.appended.contains(&(broker, partition, client.0, serial)) && !self.asked_again(client, partition, serial);
            match result.result {
                Ok((base, ..)) if acks_all => {
                    let Some(replica) = cluster.broker(broker).and_then(|broker| broker.replicas().get(&partition)) else { continue };
                    let Some(leadership) = replica.leadership() else { continue };
                    let need = base.plus(u64::from(records));
                    // Of several partitions each is settled by itself (`DelayedProduce`); the answer waits for the last.
                    // A process that goes on after a pause may answer and hear of a smaller ISR in one look.
                    let copy = self.partitions.get(&partition).and_then(|ghost| ghost.copies.get(&broker));
                    let settled = batches.len() > 1 && copy.is_some_and(|copy| copy.enough_until >= need.0);
                    let at_once = self.resumed() && copy.is_some_and(|copy| copy.was_enough);
                    let enough = settled || at_once || leadership.maximal_isr().count() >= replica.effective_min_isr();
                    if replica.high_watermark < need || !enough {
                        let hw = replica.high_watermark;
                        self.fail(Row::I18, format!("{}@{base} was acknowledged with high watermark {hw}", self.name(partition)));
                    }
                }
                Err(ErrorCode::NotEnoughReplicas) if appended() => {
                    self.fail(Row::I18, format!("{} of client {} was refused and appended", self.name(partition), client.0));
                }
                Err(error) if may_not_be_there(error) && appended() => {
                    self.fail(Row::P4, format!("{} of client {} was refused and appended", self.name(partition), client.0));
                }
                _ => {}
            }
            self.answered.push((client, partition, serial));
        }
    }

    /// Another request with this batch is under way, or was answered in this event.
    fn asked_again(&self, client: ClientId, partition: TopicPartition, serial: u32) -> bool {
        let same = |batches: &[(TopicPartition, u32, u32)]| batches.iter().any(|(id, _, other)| *id == partition && *other == serial);
        self.answered.contains(&(client, partition, serial))
            || self.asked.iter().any(|((asker, _), (_, batches))| *asker == client && same(batches))
    }

    /// I1, at the moment of the promise: it is the truth.
    fn check_ack(&mut self, id: TopicPartition, base: Offset, records: u32, epoch: LeaderEpoch) {
        let name = self.name(id);
        let ghost = self.partitions.entry(id).or_default();
        let end = base.0 + u64::from(records);
        let holds = ghost.truth.mark_holding(base.0).is_some_and(|mark| mark.epoch == epoch && mark.end >= end);
        if !holds && !ghost.tainted {
            self.found.push((Row::I1, format!("{name}@{base} of epoch {} was acknowledged and never committed", epoch.0)));
        }
        ghost.promised.insert(base.0, end);
        if let Some(mark) = ghost.truth.mark_holding(base.0).filter(|mark| holds && mark.stamp.producer_id >= 0) {
            let serial = u64::from(mark.serial) + base.0 - mark.base;
            ghost.stored_for.entry(mark.writer).or_default().insert(serial, serial + u64::from(records));
        }
    }

    /// I20: what is read is the truth.
    fn check_delivery(&mut self, id: TopicPartition, batch: &StoredBatch, to: Offset) {
        let Some(ghost) = self.partitions.get(&id).filter(|ghost| !ghost.tainted) else { return };
        let known = ghost.truth.mark_ending(batch.next_offset().0);
        if known.is_none_or(|mark| !mark.is(batch)) {
            self.fail(Row::I20, format!("{}@{to}: a reader got what was never committed there", self.name(id)));
        }
    }

    /// P1–P3 of what has just become true.
    pub(super) fn check_producers(&mut self, cluster: &Cluster, id: TopicPartition, from: usize) {
        if self.image.topic(id.topic).is_none_or(|topic| topic.internal) {
            return;
        }
        let name = self.image.name_of(id);
        let Some(ghost) = self.partitions.get_mut(&id) else { return };
        for mark in ghost.truth.marks().iter().skip(from) {
            let Some(producer) = cluster.producer(ClientId(mark.writer)) else { continue };
            let config = producer.config();
            let idempotent = mark.stamp.producer_id >= 0;
            let writer = ghost.writers.entry(mark.writer).or_default();
            let (serial, records) = (u64::from(mark.serial), u64::from(mark.records()));
            let ProducerStamp { producer_id, producer_epoch, .. } = mark.stamp;
            // After a batch was given up its producer goes on under a new epoch, and numbers again what is under way: whether that
            // is stored already it does not know (`TransactionManager.bumpIdempotentProducerEpoch`). It does so too where a new leader
            // got what came later first: of a producer it does not know a leader takes any sequence (`ProducerAppendInfo`).
            let numbered_again = writer.producer_epoch != producer_epoch && (producer.counts.failed > 0 || writer.began_late);
            if idempotent && (writer.producer_id != producer_id || numbered_again) {
                // Another session: it may say again what the one before said.
                *writer = super::ghost::Writer { producer_id, producer_epoch, ..Default::default() };
            }
            // A request that was given up may still lie in a closed connection and arrive behind later ones.
            let in_order = idempotent || (config.retries == 0 && config.acks != Acks::None && producer.counts.failed == 0);
            if in_order && mark.serial < writer.next_serial && mark.serial < writer.last_serial && !ghost.tainted {
                self.found.push((Row::P1, format!("{name}@{}: record {serial} of client {} comes late", mark.base, mark.writer)));
            }
            // What a client was told is stored it sends no more, in no session.
            let told = |told: &Intervals| told.clone().insert(serial, serial + records) < records;
            if idempotent && !ghost.tainted && ghost.stored_for.get(&mark.writer).is_some_and(told) {
                self.found
                    .push((Row::P2, format!("{name}@{}: record {serial} of client {} was acknowledged before", mark.base, mark.writer)));
            }
            writer.began_late |= writer.stored.count() == 0 && mark.stamp.base_sequence > 0;
            let new = writer.stored.insert(serial, serial + records);
            if idempotent && new < records && !ghost.tainted {
                self.found.push((Row::P2, format!("{name}@{}: record {serial} of client {} is there twice", mark.base, mark.writer)));
            }
            writer.next_serial = mark.serial + mark.records();
            writer.last_serial = writer.last_serial.max(mark.serial);
            if idempotent && !ghost.tainted {
                let stamp = mark.stamp;
                let next = crate::log::producers::sequence_plus(stamp.base_sequence, mark.records());
                let known = ghost.producers.insert(stamp.producer_id, (stamp.producer_epoch, next, mark.writer));
                if let Some((epoch, expected, owner)) = known {
                    let begins = if stamp.producer_epoch == epoch { expected } else { 0 };
                    if owner != mark.writer || stamp.producer_epoch < epoch {
                        self.found.push((
                            Row::P3,
                            format!("{name}@{}: producer {} wrote under an old epoch or twice over", mark.base, stamp.producer_id),
                        ));
                    } else if stamp.base_sequence != begins {
                        let text = format!("{name}@{}: sequence {} where {begins} was due", mark.base, stamp.base_sequence);
                        self.found.push((Row::P2, text));
                    }
                }
            }
        }
    }
}

/// An answer that says the batch was not appended.
fn may_not_be_there(error: ErrorCode) -> bool {
    !matches!(error, ErrorCode::RequestTimedOut | ErrorCode::NotEnoughReplicasAfterAppend | ErrorCode::NotLeaderOrFollower)
}
