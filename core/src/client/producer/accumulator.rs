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
use std::sync::Arc;

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
    /// By partition, as far as one was ever written to; they remember their sequence.
    queues: Vec<Queue>,
    /// Those with batches waiting.
    waiting: SortedSet<u32>,
    /// The producer's epoch.
    epoch: i16,
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
    /// A new epoch gave it another sequence.
    pub renumbered: bool,
    created: SimTime,
    pub deadline: SimTime,
    pub attempts: u32,
    retry_at: SimTime,
    first_timestamp_ms: i64,
    /// Part of one that was too large.
    split: bool,
}

#[derive(Clone, Debug)]
enum Payload {
    Open(BatchBuilder),
    Sealed(Arc<RecordBatch>),
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

/// Leaders with something to send.
pub(super) struct Ready {
    pub brokers: SortedSet<BrokerId>,
    /// Some batch waits for a leader to be known.
    pub leaderless: bool,
}

/// Producer id and epoch of an idempotent producer.
pub type Identity = Option<(i64, i16)>;

impl Batch {
    pub fn sealed(&self) -> &Arc<RecordBatch> {
        match &self.payload {
            Payload::Sealed(batch) => batch,
            Payload::Open(_) => unreachable!("only sealed batches are sent"),
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.payload, Payload::Open(_))
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

    fn seal(&mut self, identity: Identity) {
        let stamp = match (identity, self.sequence) {
            (Some((producer_id, producer_epoch)), Some(base_sequence)) => ProducerStamp { producer_id, producer_epoch, base_sequence },
            _ => ProducerStamp::NONE,
        };
        match &mut self.payload {
            Payload::Open(builder) => self.payload = Payload::Sealed(Arc::new(std::mem::take(builder).build(stamp))),
            Payload::Sealed(batch) if batch.stamp() != stamp => {
                let mut builder = BatchBuilder::new();
                for record in batch.records() {
                    builder.append(record.timestamp_ms, record.key, record.value, &[]);
                }
                self.payload = Payload::Sealed(Arc::new(builder.build(stamp)));
            }
            Payload::Sealed(_) => {}
        }
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
            queues: Vec::new(),
            waiting: SortedSet::default(),
            epoch: 0,
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
        for queue in &mut self.queues {
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
        &self.queues[partition as usize]
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
        let last = self.queues.get(partition as usize).and_then(|queue| queue.batches.back());
        last.is_none_or(|batch| !batch.is_open() || batch.bytes >= self.batch_size)
    }

    pub fn append(&mut self, partition: u32, now: SimTime, key: Option<&[u8]>, value: &[u8]) -> Appended {
        let timestamp = now.timestamp_ms() + self.skew_ms;
        let (key_len, value_len) = (key.map(|key| key.len() as u32), Some(value.len() as u32));
        if self.queues.len() <= partition as usize {
            self.queues.resize_with(partition as usize + 1, Queue::default);
        }
        let queue = &mut self.queues[partition as usize];
        let room = |batch: &Batch| {
            let record = estimated_record_size(batch.records, timestamp - batch.first_timestamp_ms, key_len, value_len);
            batch.is_open() && batch.bytes + record <= batch.limit
        };
        if !queue.batches.back().is_some_and(room) {
            let upper = upper_bound_size(key_len, value_len);
            queue.batches.push_back(Batch {
                payload: Payload::Open(BatchBuilder::new()),
                records: 0,
                bytes: 0,
                limit: self.batch_size.max(upper),
                serial: queue.next_serial,
                sequence: None,
                renumbered: false,
                created: now,
                deadline: now + self.delivery_timeout,
                attempts: 0,
                retry_at: SimTime::ZERO,
                first_timestamp_ms: timestamp,
                split: false,
            });
            self.waiting.insert(partition);
        }
        let batch = queue.batches.back_mut().expect("pushed above");
        let Payload::Open(builder) = &mut batch.payload else { unreachable!("only open batches have room") };
        builder.append(timestamp, key, Some(value), &[]);
        let grown = builder.size_in_bytes() - batch.bytes;
        batch.bytes += grown;
        batch.records += 1;
        queue.next_serial += 1;
        self.buffered += u64::from(grown);
        Appended { bytes: grown, batch_full: batch.bytes >= self.batch_size }
    }

    /// When the head of a queue may go: at once when it is full or another waits behind it, else after `linger.ms`.
    fn head_at(&self, queue: &Queue) -> Option<SimTime> {
        let head = queue.batches.front()?;
        if head.attempts > 0 {
            return Some(head.retry_at);
        }
        let full = queue.batches.len() > 1 || head.bytes >= self.batch_size;
        Some(if full { head.created } else { head.created + self.linger })
    }

    /// Which leaders have a batch that may go now.
    pub(super) fn ready(&self, now: SimTime, leader: &dyn Fn(u32) -> Option<BrokerId>) -> Ready {
        let mut ready = Ready { brokers: SortedSet::default(), leaderless: false };
        for partition in self.waiting.iter() {
            let queue = self.queue(*partition);
            let due = !queue.blocked(self.epoch) && self.head_at(queue).is_some_and(|at| at <= now);
            match leader(*partition) {
                None => ready.leaderless = true,
                Some(broker) if due => {
                    ready.brokers.insert(broker);
                }
                Some(_) => {}
            }
        }
        ready
    }

    /// When each waiting queue may send, as far as the accumulator knows.
    pub fn sendable_at(&self) -> impl Iterator<Item = (u32, SimTime)> + '_ {
        let waiting = self.waiting.iter().map(|partition| (*partition, self.queue(*partition)));
        waiting.filter(|(_, queue)| !queue.blocked(self.epoch)).filter_map(|(partition, queue)| Some((partition, self.head_at(queue)?)))
    }

    /// One batch of each partition this broker leads, up to `max.request.size`. Those that are not due ride along.
    pub fn drain(&mut self, now: SimTime, broker: BrokerId, leader: &dyn Fn(u32) -> Option<BrokerId>, identity: Identity) -> Vec<Drained> {
        let mut drained = Vec::new();
        let mut size = 0;
        let (queues, epoch) = (&mut self.queues, self.epoch);
        self.waiting.retain(|partition| {
            if leader(*partition) != Some(broker) {
                return true;
            }
            let queue = &mut queues[*partition as usize];
            let Some(head) = queue.batches.front() else { return true };
            let backing_off = head.attempts > 0 && head.retry_at > now;
            if backing_off || queue.blocked(epoch) || (size + head.bytes > self.max_request_size && !drained.is_empty()) {
                return true;
            }
            size += head.bytes;
            drained.push(Drained { partition: *partition, batch: queue.take_head(identity) });
            !queue.batches.is_empty()
        });
        drained
    }

    /// Back to the front, in the order of sequences.
    pub fn requeue(&mut self, mut drained: Drained, retry_at: SimTime) {
        drained.batch.retry_at = retry_at;
        let queue = &mut self.queues[drained.partition as usize];
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
        let queue = &mut self.queues[partition as usize];
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
            let payload = Payload::Sealed(Arc::new(std::mem::take(&mut builder).build(own)));
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
        &mut self.queues[partition as usize].sequences
    }

    /// Partitions where a batch that was given up left a gap.
    pub fn with_gaps(&mut self) -> impl Iterator<Item = u32> + '_ {
        let queues = (0..).zip(&mut self.queues);
        queues.filter_map(|(partition, queue)| queue.sequences.resolve().then_some(partition))
    }

    /// Another producer id counts from zero everywhere; nothing is under way under the old one.
    pub fn restart_sequences(&mut self) {
        self.epoch = 0;
        for queue in &mut self.queues {
            queue.sequences = Sequences::default();
            queue.batches.iter_mut().for_each(|batch| batch.sequence = None);
        }
    }

    /// The producer goes on under a new epoch; `partition` is numbered again. Gives the old and new sequences under way.
    pub fn restart(&mut self, partition: u32, epoch: i16) -> Vec<(i32, i32)> {
        self.epoch = epoch;
        let queue = &mut self.queues[partition as usize];
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
            let queue = &mut queues[*partition as usize];
            while let Some(batch) = queue.batches.pop_front_if(|batch| batch.deadline <= now) {
                expired.push((*partition, batch));
            }
            !queue.batches.is_empty()
        });
        expired
    }

    pub fn next_deadline(&self) -> SimTime {
        let heads = self.waiting.iter().filter_map(|partition| self.queue(*partition).batches.front());
        heads.map(|batch| batch.deadline).min().unwrap_or(SimTime::MAX)
    }
}

impl Queue {
    fn blocked(&self, epoch: i16) -> bool {
        self.batches.front().is_some_and(|head| self.sequences.block(head.sequence, epoch))
    }

    fn take_head(&mut self, identity: Identity) -> Batch {
        let mut batch = self.batches.pop_front().expect("checked by the caller");
        if let Some((producer_id, epoch)) = identity {
            if batch.sequence.is_none() {
                batch.sequence = Some(self.sequences.assign(epoch, batch.records));
            }
            batch.seal(Some((producer_id, self.sequences.epoch)));
        } else {
            batch.seal(None);
        }
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

    fn drain(accumulator: &mut Accumulator, now: SimTime) -> Vec<Drained> {
        accumulator.drain(now, LEADER, &led, ME)
    }

    #[test]
    fn a_batch_goes_when_it_lingered_and_a_full_one_at_once() {
        let mut accumulator = accumulator(200);
        accumulator.append(0, at(10), None, b"small");
        assert!(accumulator.ready(at(14), &led).brokers.is_empty());
        assert_eq!(accumulator.ready(at(15), &led).brokers.len(), 1, "linger.ms = 5");
        fill(&mut accumulator, 9, 1, at(10), &[0; 60]);
        assert_eq!(accumulator.ready(at(10), &led).brokers.len(), 1);
    }

    #[test]
    fn without_a_leader_nothing_goes_and_somebody_must_ask() {
        let mut accumulator = accumulator(200);
        accumulator.append(0, at(0), None, b"v");
        let ready = accumulator.ready(at(100), &|_| None);
        assert!(ready.brokers.is_empty() && ready.leaderless);
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
