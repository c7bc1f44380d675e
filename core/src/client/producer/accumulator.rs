//! Records waiting to be sent, a queue of batches for each partition. Kafka's `RecordAccumulator`.
//!
//! Idempotence orders what may be sent: at most five batches of a partition are under way, and after a failure the one with the
//! lowest sequence goes first, alone.

use super::sequences::Sequences;
use crate::config::ProducerConfig;
use crate::ids::BrokerId;
use crate::log::producers::sequence_plus;
use crate::record::{BatchBuilder, ProducerStamp, RecordBatch, estimated_record_size, upper_bound_size};
use crate::sorted::SortedSet;
use crate::time::{SimDuration, SimTime};
use std::collections::VecDeque;

/// Builders that are kept to be used again.
const SPARE: usize = 16;

#[derive(Clone, Debug)]
pub struct Accumulator {
    batch_size: u32,
    linger: SimDuration,
    delivery_timeout: SimDuration,
    max_request_size: u32,
    memory: u64,
    buffered: u64,
    /// How wrong the clock is that stamps the records.
    pub skew_ms: i64,
    queues: Queues,
    /// Those with batches waiting.
    waiting: SortedSet<u32>,
    /// Builders of batches that were sealed: their buffers are used again.
    #[expect(clippy::vec_box, reason = "a batch that is moved about holds a box; the box is what is used again")]
    spare: Vec<Box<BatchBuilder>>,
    /// The producer's epoch.
    epoch: i16,
    /// Under which something was drained last.
    identity: Identity,
}

/// By partition, as far as one was ever written to; they remember their sequence. A producer may meet a few of thousands.
#[derive(Clone, Debug, Default)]
struct Queues(Vec<Option<Box<Queue>>>);

const WRITTEN_TO: &str = "it was written to before";

impl Queues {
    fn get(&self, partition: u32) -> Option<&Queue> {
        self.0.get(partition as usize)?.as_deref()
    }

    fn of(&mut self, partition: u32) -> &mut Queue {
        self.0[partition as usize].as_mut().expect(WRITTEN_TO)
    }

    fn made(&mut self, partition: u32) -> &mut Queue {
        if self.0.len() <= partition as usize {
            self.0.resize(partition as usize + 1, None);
        }
        self.0[partition as usize].get_or_insert_default()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Queue)> {
        (0..).zip(&mut self.0).filter_map(|(partition, queue)| Some((partition, &mut **queue.as_mut()?)))
    }
}

#[derive(Clone, Debug, Default)]
struct Queue {
    batches: VecDeque<Batch>,
    next_serial: u32,
    sequences: Sequences,
}

#[derive(Clone, Debug)]
pub struct Batch {
    payload: Payload,
    pub records: u32,
    bytes: u32,
    /// The most bytes it may grow to.
    limit: u32,
    /// The referee's count of this producer's records to the partition before this batch.
    pub serial: u32,
    /// Its first sequence number, once drained under an identity.
    pub sequence: Option<i32>,
    /// The first sequence number it will get, unless something goes wrong before.
    foreseen: i32,
    /// A new epoch gave it another sequence.
    pub renumbered: bool,
    created: SimTime,
    pub deadline: SimTime,
    pub attempts: u32,
    retry_at: SimTime,
    /// Part of one that was too large.
    split: bool,
}

#[derive(Clone, Debug)]
enum Payload {
    Open(Box<BatchBuilder>),
    /// Sealed to be sent; or as large as a batch should be, under the stamp it will probably have: a tiny record might still find room.
    Closed {
        batch: RecordBatch,
        sealed: bool,
    },
}

/// A batch taken out to be sent.
#[derive(Clone, Debug)]
pub struct Drained {
    pub partition: u32,
    pub batch: Batch,
}

/// What an append came to.
pub struct Appended {
    pub bytes: u32,
    pub batch_full: bool,
}

/// Producer id and epoch of an idempotent producer.
pub type Identity = Option<(i64, i16)>;

impl Batch {
    pub fn sealed(&self) -> &RecordBatch {
        match &self.payload {
            Payload::Closed { batch, sealed: true } => batch,
            _ => unreachable!("only sealed batches are sent"),
        }
    }

    fn is_open(&self) -> bool {
        !matches!(self.payload, Payload::Closed { sealed: true, .. })
    }

    /// Takes the sequence that a new epoch gave it.
    pub fn renumber(&mut self, numbers: &[(i32, i32)]) {
        if let Some(sequence) = &mut self.sequence
            && let Some((_, new)) = numbers.iter().find(|(old, _)| old == sequence)
        {
            *sequence = *new;
            self.renumbered = true;
        }
    }

    /// Gives the builder back if there was one.
    fn seal(&mut self, identity: Identity) -> Option<Box<BatchBuilder>> {
        let stamp = stamp(identity, self.sequence);
        match &mut self.payload {
            Payload::Open(builder) => {
                let batch = builder.build_and_restart(stamp);
                self.close(Payload::Closed { batch, sealed: true })
            }
            Payload::Closed { batch, sealed } => {
                if batch.stamp() != stamp {
                    *batch = batch.with_stamp(stamp);
                }
                *sealed = true;
                None
            }
        }
    }

    /// Gives the builder back.
    fn close(&mut self, payload: Payload) -> Option<Box<BatchBuilder>> {
        match std::mem::replace(&mut self.payload, payload) {
            Payload::Open(builder) => Some(builder),
            Payload::Closed { .. } => None,
        }
    }
}

fn stamp(identity: Identity, sequence: Option<i32>) -> ProducerStamp {
    match (identity, sequence) {
        (Some((producer_id, producer_epoch)), Some(base_sequence)) => ProducerStamp { producer_id, producer_epoch, base_sequence },
        _ => ProducerStamp::NONE,
    }
}

impl Accumulator {
    pub fn new(config: &ProducerConfig) -> Self {
        Accumulator {
            batch_size: config.batch_size,
            linger: config.linger,
            delivery_timeout: config.delivery_timeout,
            max_request_size: config.max_request_size,
            memory: config.buffer_memory,
            buffered: 0,
            skew_ms: 0,
            queues: Queues::default(),
            waiting: SortedSet::default(),
            spare: Vec::new(),
            epoch: 0,
            identity: None,
        }
    }

    /// Other settings for what is appended from now on.
    pub fn reconfigure(&mut self, config: &ProducerConfig) {
        let (queues, waiting) = (std::mem::take(&mut self.queues), std::mem::take(&mut self.waiting));
        let (buffered, skew_ms, epoch) = (self.buffered, self.skew_ms, self.epoch);
        *self = Accumulator { queues, waiting, buffered, skew_ms, epoch, ..Accumulator::new(config) };
    }

    /// A new process sends what waits as if for the first time, at once.
    pub fn send_again(&mut self, now: SimTime) {
        self.restart_sequences();
        for (_, queue) in self.queues.iter_mut() {
            for batch in &mut queue.batches {
                (batch.created, batch.deadline) = (now, now + self.delivery_timeout);
                (batch.attempts, batch.retry_at) = (0, now);
            }
        }
    }

    /// False while `buffer.memory` is used up: `send()` blocks.
    pub fn has_memory(&self) -> bool {
        self.buffered + u64::from(self.batch_size) <= self.memory
    }

    fn queue(&self, partition: u32) -> &Queue {
        self.queues.get(partition).expect(WRITTEN_TO)
    }

    /// Batches waiting.
    pub fn len(&self) -> u32 {
        self.waiting.iter().map(|partition| self.queue(*partition).batches.len() as u32).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// No unfinished batch stays behind when the sticky partitioner leaves this partition now.
    pub fn last_batch_full(&self, partition: u32) -> bool {
        let last = self.queues.get(partition).and_then(|queue| queue.batches.back());
        last.is_none_or(|batch| !batch.is_open() || batch.bytes >= self.batch_size)
    }

    pub fn append(&mut self, partition: u32, now: SimTime, key: Option<&[u8]>, value: &[u8]) -> Appended {
        let timestamp = now.timestamp_ms() + self.skew_ms;
        let (key_len, value_len) = (key.map(|key| key.len() as u32), Some(value.len() as u32));
        let queue = self.queues.made(partition);
        let room = |batch: &Batch| {
            let base = match &batch.payload {
                Payload::Open(builder) => builder.base_timestamp_ms().unwrap_or(timestamp),
                Payload::Closed { batch, sealed: false } => batch.base_timestamp_ms(),
                Payload::Closed { .. } => return false,
            };
            batch.bytes + estimated_record_size(batch.records, timestamp - base, key_len, value_len) <= batch.limit
        };
        if !queue.batches.back().is_some_and(room) {
            let upper = upper_bound_size(key_len, value_len);
            let foreseen = match queue.batches.back() {
                Some(last) => sequence_plus(last.foreseen, last.records),
                None => queue.sequences.next(),
            };
            queue.batches.push_back(Batch {
                payload: Payload::Open(self.spare.pop().unwrap_or_default()),
                records: 0,
                bytes: 0,
                limit: self.batch_size.max(upper),
                serial: queue.next_serial,
                sequence: None,
                foreseen,
                renumbered: false,
                created: now,
                deadline: now + self.delivery_timeout,
                attempts: 0,
                retry_at: SimTime::ZERO,
                split: false,
            });
            self.waiting.insert(partition);
        }
        let batch = queue.batches.back_mut().expect("pushed above");
        if let Payload::Closed { batch: full, .. } = &batch.payload {
            batch.payload = Payload::Open(Box::new(BatchBuilder::reopen(full)));
        }
        let Payload::Open(builder) = &mut batch.payload else { unreachable!("only open batches have room") };
        builder.append(timestamp, key, Some(value), &[]);
        let grown = builder.size_in_bytes() - batch.bytes;
        batch.bytes += grown;
        batch.records += 1;
        if batch.bytes >= self.batch_size {
            // It may wait for long. Its bytes are finished now, while they are at hand, and the builder goes to the next batch.
            let foreseen = stamp(self.identity, Some(batch.foreseen));
            let full = Payload::Closed { batch: builder.build_and_restart(foreseen), sealed: false };
            self.spare.extend(batch.close(full));
        }
        queue.next_serial += 1;
        self.buffered += u64::from(grown);
        Appended { bytes: grown, batch_full: batch.bytes >= self.batch_size }
    }

    /// When the head of a queue may go: at once when it is full or another waits behind it, else after `linger.ms`.
    fn head_at(&self, queue: &Queue, head: &Batch) -> SimTime {
        if head.attempts > 0 {
            return head.retry_at;
        }
        let full = queue.batches.len() > 1 || head.bytes >= self.batch_size;
        if full { head.created } else { head.created + self.linger }
    }

    /// The queues in which something waits, with what stands at their heads.
    fn heads(&self) -> impl Iterator<Item = (u32, &Queue, &Batch)> {
        self.waiting.iter().filter_map(|partition| {
            let queue = self.queue(*partition);
            Some((*partition, queue, queue.batches.front()?))
        })
    }

    /// Collects the leaders that have a batch that may go now; true when some batch waits for a leader to be known.
    pub(super) fn ready(&self, now: SimTime, leader: &dyn Fn(u32) -> Option<BrokerId>, brokers: &mut SortedSet<BrokerId>) -> bool {
        let mut leaderless = false;
        for (partition, queue, head) in self.heads() {
            match leader(partition) {
                None => leaderless = true,
                Some(broker) if self.head_at(queue, head) <= now && !queue.blocked(self.epoch) => {
                    brokers.insert(broker);
                }
                Some(_) => {}
            }
        }
        leaderless
    }

    /// When something is to be done about what waits: it may go to its leader, which takes more from `free_at` on, or its time is over.
    pub(super) fn next_step(&self, free_at: &dyn Fn(u32) -> Option<SimTime>) -> SimTime {
        let mut next = SimTime::MAX;
        for (partition, queue, head) in self.heads() {
            next = next.min(head.deadline);
            if !queue.blocked(self.epoch)
                && let Some(free) = free_at(partition)
            {
                next = next.min(free.max(self.head_at(queue, head)));
            }
        }
        next
    }

    /// One batch of each partition this broker leads, up to `max.request.size`. Those that are not due ride along.
    pub fn drain(&mut self, now: SimTime, broker: BrokerId, leader: &dyn Fn(u32) -> Option<BrokerId>, identity: Identity) -> Vec<Drained> {
        let mut drained = Vec::new();
        let mut size = 0;
        self.identity = identity;
        let (queues, spare, epoch) = (&mut self.queues, &mut self.spare, self.epoch);
        self.waiting.retain(|partition| {
            if leader(*partition) != Some(broker) {
                return true;
            }
            let queue = queues.of(*partition);
            let Some(head) = queue.batches.front() else { return true };
            let backing_off = head.attempts > 0 && head.retry_at > now;
            if backing_off || queue.blocked(epoch) || (size + head.bytes > self.max_request_size && !drained.is_empty()) {
                return true;
            }
            size += head.bytes;
            drained.push(Drained { partition: *partition, batch: queue.take_head(identity, spare) });
            !queue.batches.is_empty()
        });
        drained
    }

    /// Back to the front, in the order of sequences.
    pub fn requeue(&mut self, mut drained: Drained, retry_at: SimTime) {
        drained.batch.retry_at = retry_at;
        let queue = self.queues.of(drained.partition);
        let place = match drained.batch.sequence {
            None => 0,
            Some(sequence) => queue.batches.partition_point(|batch| batch.sequence.is_some_and(|other| other < sequence)),
        };
        queue.batches.insert(place, drained.batch);
        self.waiting.insert(drained.partition);
    }

    /// MESSAGE_TOO_LARGE: the same records go again in its place, in batches of `batch.size`; what was split before, in halves.
    pub fn split(&mut self, drained: Drained) {
        let Drained { partition, batch } = drained;
        let target = if batch.split { batch.bytes / 2 } else { self.batch_size };
        let stamp = batch.sealed().stamp();
        let sequence = |first: u32| batch.sequence.map(|sequence| sequence_plus(sequence, first));
        let queue = self.queues.of(partition);
        let mut place = queue.batches.partition_point(|other| other.sequence.is_some() && other.sequence < batch.sequence);
        self.buffered = self.buffered.saturating_sub(u64::from(batch.bytes));
        let (mut builder, mut first) = (BatchBuilder::new(), 0);
        let mut records = batch.sealed().records().peekable();
        while let Some(record) = records.next() {
            builder.append(record.timestamp_ms, record.key, record.value, &[]);
            let (bytes, count) = (builder.size_in_bytes(), builder.record_count());
            let fits = records.peek().is_some_and(|next| {
                let delta = next.timestamp_ms - builder.base_timestamp_ms().unwrap_or(next.timestamp_ms);
                let length = |bytes: Option<&[u8]>| bytes.map(|bytes| bytes.len() as u32);
                bytes + estimated_record_size(count, delta, length(next.key), length(next.value)) <= target
            });
            if fits {
                continue;
            }
            let own = match sequence(first) {
                Some(base_sequence) => ProducerStamp { base_sequence, ..stamp },
                None => ProducerStamp::NONE,
            };
            let payload = Payload::Closed { batch: builder.build_and_restart(own), sealed: true };
            let part = Batch {
                payload,
                records: count,
                bytes,
                serial: batch.serial + first,
                sequence: sequence(first),
                attempts: 0,
                split: true,
                ..batch
            };
            if let Some(sequence) = part.sequence {
                queue.sequences.part(sequence, count);
            }
            queue.batches.insert(place, part);
            self.buffered += u64::from(bytes);
            place += 1;
            first += count;
        }
        self.waiting.insert(partition);
    }

    /// Acknowledged or failed: its memory is free.
    pub fn settle(&mut self, batch: &Batch) {
        self.buffered = self.buffered.saturating_sub(u64::from(batch.bytes));
    }

    pub fn sequences(&mut self, partition: u32) -> &mut Sequences {
        &mut self.queues.of(partition).sequences
    }

    /// Collects partitions where a batch that was given up left a gap; true while that is still open for some.
    pub fn find_gaps(&mut self, gaps: &mut SortedSet<u32>) -> bool {
        let mut open = false;
        for (partition, queue) in self.queues.iter_mut() {
            if queue.sequences.resolve() {
                gaps.insert(partition);
            }
            open |= queue.sequences.is_unresolved();
        }
        open
    }

    /// Another producer id counts from zero everywhere; nothing is under way under the old one.
    pub fn restart_sequences(&mut self) {
        self.epoch = 0;
        for (_, queue) in self.queues.iter_mut() {
            queue.sequences = Sequences::default();
            queue.batches.iter_mut().for_each(|batch| batch.sequence = None);
        }
    }

    /// The producer goes on under a new epoch; `partition` is numbered again. Gives the old and new sequences under way.
    pub fn restart(&mut self, partition: u32, epoch: i16) -> Vec<(i32, i32)> {
        self.epoch = epoch;
        let queue = self.queues.of(partition);
        let numbers = queue.sequences.restart(epoch);
        queue.batches.iter_mut().for_each(|batch| batch.renumber(&numbers));
        numbers
    }

    /// Takes out what has waited longer than `delivery.timeout.ms`.
    pub fn take_expired(&mut self, now: SimTime) -> Vec<(u32, Batch)> {
        let mut expired = Vec::new();
        if self.next_deadline() > now {
            return expired;
        }
        let queues = &mut self.queues;
        self.waiting.retain(|partition| {
            let queue = queues.of(*partition);
            while let Some(batch) = queue.batches.pop_front_if(|batch| batch.deadline <= now) {
                expired.push((*partition, batch));
            }
            !queue.batches.is_empty()
        });
        expired
    }

    pub fn next_deadline(&self) -> SimTime {
        self.heads().map(|(.., head)| head.deadline).min().unwrap_or(SimTime::MAX)
    }
}

impl Queue {
    fn blocked(&self, epoch: i16) -> bool {
        self.batches.front().is_some_and(|head| self.sequences.block(head.sequence, epoch))
    }

    #[expect(clippy::vec_box, reason = "as in the accumulator")]
    fn take_head(&mut self, identity: Identity, spare: &mut Vec<Box<BatchBuilder>>) -> Batch {
        let mut batch = self.batches.pop_front().expect("checked by the caller");
        let builder;
        if let Some((producer_id, epoch)) = identity {
            if batch.sequence.is_none() {
                batch.sequence = Some(self.sequences.assign(epoch, batch.records));
            }
            builder = batch.seal(Some((producer_id, self.sequences.epoch)));
        } else {
            builder = batch.seal(None);
        }
        // After a jam there would be thousands.
        spare.extend(builder.filter(|_| spare.len() < SPARE));
        batch.attempts += 1;
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Acks;

    const LEADER: BrokerId = BrokerId(1);
    const ME: Identity = Some((9, 0));

    fn at(ms: u64) -> SimTime {
        SimTime(ms * 1_000)
    }

    fn accumulator(batch_size: u32) -> Accumulator {
        Accumulator::new(&ProducerConfig { batch_size, acks: Acks::All, ..ProducerConfig::default() })
    }

    fn led(_: u32) -> Option<BrokerId> {
        Some(LEADER)
    }

    fn fill(accumulator: &mut Accumulator, records: u32, partition: u32, now: SimTime, value: &[u8]) {
        for _ in 0..records {
            accumulator.append(partition, now, None, value);
        }
    }

    fn ready(accumulator: &Accumulator, now: SimTime) -> SortedSet<BrokerId> {
        let mut brokers = SortedSet::new();
        assert!(!accumulator.ready(now, &led, &mut brokers), "all have a leader");
        brokers
    }

    fn drain(accumulator: &mut Accumulator, now: SimTime) -> Vec<Drained> {
        accumulator.drain(now, LEADER, &led, ME)
    }

    #[test]
    fn a_batch_goes_when_it_lingered_and_a_full_one_at_once() {
        let mut accumulator = accumulator(200);
        accumulator.append(0, at(10), None, b"small");
        assert!(ready(&accumulator, at(14)).is_empty());
        assert_eq!(*ready(&accumulator, at(15)), [LEADER], "linger.ms = 5");
        fill(&mut accumulator, 9, 1, at(10), &[0; 60]);
        assert_eq!(*ready(&accumulator, at(10)), [LEADER]);
    }

    #[test]
    fn without_a_leader_nothing_goes_and_somebody_must_ask() {
        let mut accumulator = accumulator(200);
        accumulator.append(0, at(0), None, b"v");
        let mut ready = SortedSet::new();
        assert!(accumulator.ready(at(100), &|_| None, &mut ready));
        assert!(ready.is_empty());
    }

    #[test]
    fn a_record_larger_than_a_batch_gets_one_of_its_own() {
        let mut accumulator = accumulator(100);
        accumulator.append(0, at(0), None, b"small");
        accumulator.append(0, at(0), None, &[0; 500]);
        assert_eq!(accumulator.len(), 2);
    }

    #[test]
    fn sequences_count_records_and_a_retry_keeps_its_own() {
        let mut accumulator = accumulator(16_384);
        fill(&mut accumulator, 3, 0, at(0), b"v");
        let first = drain(&mut accumulator, at(5)).remove(0);
        accumulator.append(0, at(6), None, b"v");
        let second = drain(&mut accumulator, at(20)).remove(0);
        assert_eq!((first.batch.sequence, second.batch.sequence), (Some(0), Some(3)));
        // Both fail, the later one is told first: they go again in order, one at a time.
        accumulator.requeue(second, at(120));
        accumulator.requeue(first, at(120));
        let again = drain(&mut accumulator, at(120)).remove(0);
        assert_eq!((again.batch.sequence, again.batch.attempts), (Some(0), 2));
        assert!(drain(&mut accumulator, at(120)).is_empty(), "the second waits for the first");
        accumulator.sequences(0).acked(0, 3);
        assert_eq!(drain(&mut accumulator, at(120)).remove(0).batch.sequence, Some(3));
    }

    #[test]
    fn five_batches_of_a_partition_are_under_way_at_most() {
        let mut accumulator = accumulator(100);
        fill(&mut accumulator, 8, 0, at(0), &[0; 90]);
        let under_way: usize = (0..8).map(|_| drain(&mut accumulator, at(5)).len()).sum();
        assert_eq!(under_way, 5);
    }

    #[test]
    fn a_new_identity_is_stamped_on_what_waits() {
        let mut accumulator = accumulator(100);
        accumulator.append(0, at(0), Some(b"k"), b"v");
        let mut drained = drain(&mut accumulator, at(5)).remove(0);
        let before: Vec<u8> = drained.batch.sealed().records().next().and_then(|record| record.value).expect("a value").to_vec();
        let numbers = accumulator.restart(0, 1);
        drained.batch.renumber(&numbers);
        accumulator.requeue(drained, at(105));
        let again = accumulator.drain(at(105), LEADER, &led, Some((9, 1))).remove(0);
        let batch = again.batch.sealed();
        assert_eq!((batch.stamp().producer_epoch, batch.stamp().base_sequence), (1, 0));
        assert_eq!(batch.records().next().and_then(|record| record.value).expect("a value"), before);
    }

    #[test]
    fn a_full_batch_is_sent_under_the_stamp_of_the_moment_whatever_was_foreseen() {
        let mut accumulator = accumulator(1);
        for (identity, first) in [(None, -1), (ME, 0), (ME, 1), (Some((9, 1)), 0)] {
            fill(&mut accumulator, 2, 0, at(0), &[0; 60]);
            if identity == Some((9, 1)) {
                accumulator.sequences(0).acked(0, 1);
                accumulator.sequences(0).acked(1, 1);
            }
            let drained = accumulator.drain(at(0), LEADER, &led, identity).remove(0);
            let batch = drained.batch.sealed();
            let (producer_id, producer_epoch) = identity.unwrap_or((-1, -1));
            assert_eq!(batch.stamp(), ProducerStamp { producer_id, producer_epoch, base_sequence: first });
            assert_eq!(batch.validate(), Ok(()));
        }
        // What is nearly full takes a tiny record more.
        accumulator.append(1, at(0), None, b"v");
        assert_eq!(accumulator.append(1, at(0), None, b"w").bytes, 8);
        let drained = drain(&mut accumulator, at(0)).pop().expect("one partition is not blocked");
        assert_eq!((drained.batch.records, drained.batch.sealed().validate()), (2, Ok(())));
    }

    #[test]
    fn a_batch_that_is_too_large_goes_again_in_parts_under_its_own_sequences() {
        let mut accumulator = accumulator(1_000);
        fill(&mut accumulator, 8, 0, at(0), &[0; 90]);
        let before = accumulator.buffered;
        accumulator.batch_size = 400;
        let large = drain(&mut accumulator, at(5)).remove(0);
        accumulator.append(0, at(6), None, b"later");
        accumulator.split(large);
        assert_eq!(accumulator.queue(0).batches.len(), 4, "three parts before what came later");
        let mut next = 0;
        for _ in 0..3 {
            let part = drain(&mut accumulator, at(20)).remove(0).batch;
            assert_eq!((part.sequence, part.sealed().stamp().base_sequence), (Some(next), next));
            assert!(next > 0 || drain(&mut accumulator, at(20)).is_empty(), "one after another");
            next += part.records as i32;
            accumulator.settle(&part);
            accumulator.sequences(0).acked(part.sequence.unwrap_or(0), part.records);
        }
        assert_eq!(next, 8);
        assert_eq!(drain(&mut accumulator, at(20)).remove(0).batch.sequence, Some(8));
        assert!(before > 0 && accumulator.buffered < 100, "{} bytes", accumulator.buffered);
    }

    #[test]
    fn what_waited_too_long_is_given_back_in_order() {
        let mut accumulator = accumulator(100);
        accumulator.append(0, at(0), None, &[0; 90]);
        accumulator.append(0, at(1_000), None, &[0; 90]);
        assert_eq!(accumulator.next_deadline(), at(120_000));
        assert!(accumulator.take_expired(at(119_999)).is_empty());
        assert_eq!(accumulator.take_expired(at(120_000)).len(), 1);
        assert_eq!(accumulator.take_expired(at(121_000)).len(), 1);
        assert!(accumulator.is_empty());
    }
}
