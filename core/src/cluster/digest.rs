//! One number for the whole state: equal runs have equal digests, on every platform.

use super::Cluster;
use crate::broker::partition::Replica;

/// FNV-1a over 64-bit words.
struct Hasher(u64);

impl Hasher {
    fn word(&mut self, word: u64) {
        for byte in word.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        text.bytes().for_each(|byte| self.word(u64::from(byte)));
    }

    fn words(&mut self, words: impl IntoIterator<Item = u64>) {
        words.into_iter().for_each(|word| self.word(word));
    }
}

impl Cluster {
    /// Time, order of events, every log's content, every role, position and count.
    pub fn digest(&self) -> u64 {
        let mut hasher = Hasher(0xcbf2_9ce4_8422_2325);
        hasher.words([self.now().micros(), self.steps(), self.queue().created(), self.queue().len()]);
        hasher.words([self.referee().sent, self.referee().acked, self.referee().failed, self.referee().lost_total]);
        for ledger in &self.referee().groups {
            hasher.words([ledger.delivered, ledger.duplicates, ledger.out_of_order]);
        }
        for voter in self.controllers() {
            let raft = voter.raft();
            hasher.words([raft.epoch() as u64, raft.log().end(), raft.high_watermark(), u64::from(voter.active().is_some())]);
        }
        for broker in self.brokers() {
            hasher.words([broker.id.0 as u64, broker.phase() as u64, broker.image().offset]);
            for (id, replica) in broker.replicas().iter() {
                hasher.words([u64::from(id.topic.0), u64::from(id.partition)]);
                hash_replica(&mut hasher, replica);
            }
        }
        for producer in self.producers() {
            let counts = &producer.counts;
            hasher.words([counts.sent, counts.acked, counts.failed, counts.retries, u64::from(producer.unsettled())]);
        }
        for consumer in self.consumers() {
            hasher.text(consumer.member_id());
            hasher.word(consumer.delivered);
            for (id, position) in consumer.positions() {
                hasher.words([u64::from(id.topic.0), u64::from(id.partition), position.map_or(u64::MAX, |offset| offset.0)]);
            }
        }
        for event in self.events() {
            hasher.words([event.id, event.at_us]);
            hasher.text(&event.text);
        }
        hasher.0
    }
}

fn hash_replica(hasher: &mut Hasher, replica: &Replica) {
    let log = &replica.log;
    hasher.words([log.log_start().0, log.log_end().0, replica.high_watermark.0, log.bytes(), log.content()]);
    hasher.words([replica.leader_epoch.0 as u64, replica.partition_epoch.0 as u64]);
    for entry in log.epochs().entries() {
        hasher.words([entry.epoch.0 as u64, entry.start.0]);
    }
    if let Some(leadership) = replica.leadership() {
        hasher.words(leadership.isr.iter().map(|broker| broker.0 as u64));
    }
}
