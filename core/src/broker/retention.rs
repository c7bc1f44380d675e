//! Retention and compaction on a broker: it looks at its own logs, leader or not, and tells what went. Kafka's
//! `LogManager.cleanupLogs` and `LogCleaner`.

use super::Broker;
use super::disk::counted;
use crate::log::compaction::Cleaned;
use crate::log::retention::{Breach, Deleted};
use crate::node::{Fact, Outbox};
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;

/// `log.initial.task.delay.ms`: no log is looked at sooner after the start of a process.
pub(super) const FIRST_LOOK: SimDuration = SimDuration::from_secs(30);

/// What is older than this is packed in memory: readers that keep up do not come back to it.
const COLD: SimDuration = SimDuration::from_secs(300);

/// `log.cleaner.backoff.ms`.
pub(super) const CLEANER_BACKOFF: SimDuration = SimDuration::from_secs(15);

/// `min.cleanable.dirty.ratio` = 0.5.
const MIN_DIRTY_PERMILLE: u64 = 500;

impl Broker {
    pub(super) fn delete_old_segments(&mut self, now: SimTime, out: &mut Outbox) {
        let clock_ms = self.clock_ms(now);
        for (id, replica) in &mut self.replicas {
            for gone in replica.log.delete_old_segments(clock_ms, replica.high_watermark, &replica.config) {
                let (name, leads) = (self.image.name_of(*id), replica.leadership().is_some());
                let words = words(&gone, &name, self.id.0, leads);
                let rule = rule(&gone, &replica.config);
                out.note(EventKind::SegmentDeleted, name, words, rule, self.lifecycle.because.into_iter().collect());
                if leads {
                    out.fact(Fact::Deleted { partition: *id, from: gone.from, to: gone.to });
                }
            }
            replica.log.pack(clock_ms - COLD.millis() as i64);
            // What the rolled segment left behind was on the disk before.
            replica.cache.rolled(replica.log.active_base());
        }
    }
}

impl Broker {
    /// What lies packed alike on other brokers is kept in memory once. Nobody in the cluster can tell.
    #[inline(never)]
    pub fn share_packed(&mut self, others: [&[Broker]; 2]) {
        for (id, replica) in &mut self.replicas {
            if !replica.log.packed_alone() {
                continue;
            }
            let copies = others.into_iter().flatten().filter_map(|other| other.replicas.get(id));
            copies.for_each(|copy| replica.log.share(&copy.log));
        }
    }

    /// Every log that is dirty enough is cleaned at once; the real cleaner takes them one after the other, dirtiest first.
    pub(super) fn clean_logs(&mut self, now: SimTime, out: &mut Outbox) {
        let clock_ms = self.clock_ms(now);
        for (id, replica) in &mut self.replicas {
            if !replica.config.cleanup.compact || replica.log.dirty_permille(replica.high_watermark) <= MIN_DIRTY_PERMILLE {
                continue;
            }
            let Some(cleaned) = replica.log.compact(clock_ms, replica.high_watermark, &replica.config) else { continue };
            let name = self.image.name_of(*id);
            let words = cleaned_words(&cleaned, &name, self.id.0);
            out.note(
                EventKind::LogCompacted,
                name,
                words,
                "cleanup.policy = compact, min.cleanable.dirty.ratio = 0.5: closed segments keep the newest record of each key".to_owned(),
                self.lifecycle.because.into_iter().collect(),
            );
        }
    }
}

#[inline(never)]
fn cleaned_words(cleaned: &Cleaned, name: &str, me: i32) -> String {
    let (up_to, gone) = (cleaned.up_to, cleaned.bytes_before - cleaned.bytes_after);
    format!("Broker {me} compacted {name} up to offset {up_to}: {gone} bytes of records with newer ones of their key went.")
}

#[inline(never)]
fn words(gone: &Deleted, name: &str, me: i32, leads: bool) -> String {
    let role = if leads { "leads" } else { "follows" };
    let segments = if gone.segments == 1 { "1 segment".to_owned() } else { format!("{} segments", gone.segments) };
    format!(
        "Broker {me}, which {role}, deleted {segments} of {name} with {}: the log starts at offset {} now.",
        counted(gone.to.since(gone.from)),
        gone.to
    )
}

#[inline(never)]
fn rule(gone: &Deleted, config: &crate::config::TopicConfig) -> String {
    match gone.why {
        Breach::Time => format!("retention.ms = {}: a segment goes when its newest record is older, read or not", config.retention_ms),
        Breach::Size => format!("retention.bytes = {}: the oldest segments go while so much is left without them", config.retention_bytes),
        Breach::Start => "A follower deletes what lies below the log start offset that its leader told".to_owned(),
    }
}
