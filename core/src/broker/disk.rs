//! The disk under a broker's logs, and what can happen to it: no power, no room, no speed, rot, loss.
//!
//! A broker has one log directory. One that fails is offline for good (KIP-112), and a broker whose last directory is offline ends
//! itself, as Kafka does.

use super::partition::Replica;
use super::{Broker, Phase};
use crate::command::DiskFault;
use crate::ids::{EventId, NodeId, Offset, TopicPartition};
use crate::node::{CutBy, Fact, Outbox};
use crate::protocol::{Message, Request, Response};
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// No room: the next write fails.
    full: bool,
    /// Every append and every read takes so much longer.
    slow: SimDuration,
    /// What waits for it, in the order it came.
    held: VecDeque<(SimTime, NodeId, Message)>,
    /// What was done to it last.
    because: Option<EventId>,
}

impl Disk {
    /// The process is gone, and what it was about to do; the disk is as it was.
    pub(super) fn after_a_crash(&mut self) -> Disk {
        Disk { held: VecDeque::new(), ..std::mem::take(self) }
    }

    /// Keeps a message whose work takes the disk; gives back what can be done at once.
    pub(super) fn hold(&mut self, now: SimTime, from: NodeId, message: Message) -> Option<Message> {
        let works =
            matches!(message, Message::Request(_, Request::Produce(_) | Request::Fetch(_)) | Message::Response(_, Response::Fetch(_)));
        if !works || (self.slow == SimDuration::ZERO && self.held.is_empty()) {
            return Some(message);
        }
        let before = self.held.back().map_or(SimTime::ZERO, |(at, ..)| *at);
        self.held.push_back(((now + self.slow).max(before), from, message));
        None
    }

    pub(super) fn next_done(&self) -> SimTime {
        self.held.front().map_or(SimTime::MAX, |(at, ..)| *at)
    }

    pub(super) fn take_done(&mut self, now: SimTime) -> Option<(NodeId, Message)> {
        self.held.pop_front_if(|(at, ..)| *at <= now).map(|(_, from, message)| (from, message))
    }

    /// A connection closed. What was read from it to be appended still is; nobody will hear of it.
    pub(super) fn forget(&mut self, peer: NodeId) {
        let writes = |message: &Message| matches!(message, Message::Request(_, Request::Produce(_)));
        self.held.retain(|(_, from, message)| *from != peer || writes(message));
    }
}

impl Broker {
    /// The machine loses its power: the process ends, and of every log what was not yet on the disk. `kill` leaves the page cache.
    pub fn power_cut(&mut self, now: SimTime, because: EventId, out: &mut Outbox) {
        self.cut_logs(CutBy::Power, Some(because), &mut |_, replica| replica.power_lost(now), out);
        self.crash();
    }

    /// What waits for the disk.
    pub fn unserved(&self) -> impl Iterator<Item = (NodeId, &Message)> {
        self.disk.held.iter().map(|(_, from, message)| (*from, message))
    }

    /// Its machine's clock is ahead by so much; timers go on by their own.
    pub fn skew(&mut self, ms: i64) {
        self.skew_ms = ms;
    }

    pub fn is_skewed(&self) -> bool {
        self.skew_ms != 0
    }

    /// What time it is here: what records and offsets are stamped with.
    pub(super) fn clock_ms(&self, now: SimTime) -> i64 {
        now.timestamp_ms() + self.skew_ms
    }

    /// Full or slow, until it is healed.
    pub fn disk_ails(&self) -> bool {
        self.disk.full || self.disk.slow > SimDuration::ZERO
    }

    /// Something happens to the disk, under a running process or while there is none.
    pub fn disk(&mut self, fault: DiskFault, because: EventId, out: &mut Outbox) {
        match fault {
            DiskFault::Heal => self.disk = Disk { held: std::mem::take(&mut self.disk.held), ..Disk::default() },
            DiskFault::Full => self.disk.full = true,
            DiskFault::Slow(by) => self.disk.slow = by,
            DiskFault::Corrupt { epoch } => {
                let image = Arc::clone(&self.image);
                let newest = |(id, replica): (&TopicPartition, &Replica)| {
                    image.topic(id.topic).is_none_or(|topic| !topic.internal).then_some(())?;
                    let stored = replica.log.newest_first().next()?;
                    Some((stored.batch.max_timestamp_ms(), *id, stored.base_offset))
                };
                if let Some((_, id, offset)) = self.replicas.iter().filter_map(newest).max() {
                    self.rot(id, offset, epoch, because, out);
                }
            }
            DiskFault::Wipe => {
                for (id, replica) in &mut self.replicas {
                    let pieces = replica.log.epochs().pieces(Offset::ZERO, replica.log.log_end());
                    replica.start_anew(Offset::ZERO);
                    out.fact(Fact::Cut { broker: self.id, partition: *id, pieces, how: CutBy::Wipe, because: Some(because) });
                }
                self.checkpoint.clear();
                self.clean_shutdown = None;
                self.disk = Disk::default();
            }
        }
        self.disk.because = Some(because);
        if fault == DiskFault::Wipe && self.phase() != Phase::Down {
            self.halt("its log directory is gone", out);
        }
    }

    /// A bit flips in the batch at this offset, or (`in_epoch`) in the leader epoch of its header, which no checksum covers.
    /// False when there is no such batch.
    pub fn rot(&mut self, id: TopicPartition, offset: Offset, in_epoch: bool, because: EventId, out: &mut Outbox) -> bool {
        let found = self.replicas.get_mut(&id).is_some_and(|replica| replica.log.rot(offset, in_epoch));
        if found {
            let (name, me) = (self.image.name_of(id), self.id);
            let (place, rule) = match in_epoch {
                false => ("a record", "The CRC-32C of a batch covers it from its attributes on; whoever checks it will see"),
                true => ("the leader epoch", "The CRC-32C of a batch begins behind its partitionLeaderEpoch: nobody can see it"),
            };
            out.note(
                EventKind::LogDamaged,
                name.clone(),
                format!("On broker {me}'s disk a bit flipped in {name}, in {place} of the batch at offset {offset}."),
                rule.to_owned(),
                vec![because],
            );
        }
        found
    }

    /// True when a write fails, and the process with it.
    pub(super) fn write_fails(&mut self, out: &mut Outbox) -> bool {
        if self.disk.full && self.phase() != Phase::Down {
            self.halt("its disk is full", out);
        }
        self.disk.full
    }

    /// `LogManager.handleLogDirFailure`: no directory is left to work with.
    fn halt(&mut self, why: &str, out: &mut Outbox) {
        let me = self.id;
        let event = out.note(
            EventKind::Fault,
            me.to_string(),
            format!("Broker {me} ends itself: {why}."),
            "Shutdown broker because all log dirs have failed (KIP-112); this one has a single directory".to_owned(),
            self.disk.because.into_iter().collect(),
        );
        self.crash();
        out.fact(Fact::Exited(NodeId::Broker(me), Some(event)));
    }

    /// A process reads the logs it finds; one whose predecessor did not stop in order recovers them first.
    pub(super) fn load_logs(&mut self, clean: bool, out: &mut Outbox) {
        let checkpoint = std::mem::take(&mut self.checkpoint);
        let because = self.lifecycle.because;
        self.cut_logs(
            CutBy::Damage,
            because,
            &mut |id, replica| replica.load(clean, checkpoint.get(&id).copied().unwrap_or_default()),
            out,
        );
        self.checkpoint = checkpoint;
    }

    /// Something happens to every log; `cut` gives how many records it cost.
    fn cut_logs(
        &mut self,
        how: CutBy,
        because: Option<EventId>,
        cut: &mut dyn FnMut(TopicPartition, &mut Replica) -> u64,
        out: &mut Outbox,
    ) {
        let me = self.id;
        for (id, replica) in &mut self.replicas {
            let (epochs, before) = (replica.log.epochs().clone(), replica.log.log_end());
            let records = cut(*id, replica);
            if records == 0 {
                continue;
            }
            let (name, records, end) = (self.image.name_of(*id), counted(records), replica.log.log_end());
            let (text, rule) = match how {
                CutBy::Power => (
                    format!("Broker {me} lost {records} of {name} with its page cache (from offset {end})."),
                    "Kafka leaves flushing to the operating system (30 to 35 s); flush.messages says more often",
                ),
                _ => (
                    format!(
                        "Broker {me} cut {records} from its copy of {name} (from offset {end}): the batch there does not match its CRC."
                    ),
                    "Recovery after an unclean end reads every batch behind the recovery point and cuts at the first bad one",
                ),
            };
            let event = out.note(EventKind::LogDamaged, name, text, rule.to_owned(), because.into_iter().collect());
            let pieces = epochs.pieces(end, before);
            out.fact(Fact::Cut { broker: me, partition: *id, pieces, how, because: Some(event) });
        }
    }

    /// What a clean shutdown does last, and `flush.ms` now and then.
    pub(super) fn flush_logs(&mut self, now: SimTime, all: bool) {
        for replica in self.replicas.values_mut() {
            if all || replica.cache.is_due(now, replica.log.log_end(), replica.config.flush_ms) {
                replica.flush(now);
            }
        }
    }
}

/// `1 record`, `3 records`.
pub(super) fn counted(records: u64) -> String {
    if records == 1 { "1 record".to_owned() } else { format!("{records} records") }
}
