//! Records waiting to be sent, a queue of batches for each partition. Kafka's `RecordAccumulator`.
//!
//! Idempotence orders what may be sent: at most five batches of a partition are under way, and after a failure the one with the
//! lowest sequence goes first, alone.
//!
//! What waits is told apart by whether it was sent before. A fresh batch is a few numbers, and its records lie one behind another in
//! the partition's [`Backlog`], behind room for its header: in a jam thousands wait, and what is read in the order it was written
//! comes quickly. A batch gets its header, and bytes of its own, when it is sent; after that it never changes.
//!
//! When the head of each queue may go is kept beside the queues: a producer looks at all of them at every step.

mod backlog;

use super::sequences::Sequences;
use crate::config::ProducerConfig;
use crate::ids::BrokerId;
use crate::log::producers::sequence_plus;
use crate::record::{
    BatchBuilder, HEADER_SIZE, Header, ProducerStamp, RecordBatch, content_size, estimated_record_size, upper_bound_size, write_record,
};
use crate::sorted::SortedSet;
use crate::time::{SimDuration, SimTime};
use backlog::{Backlog, Spare};
use std::collections::VecDeque;

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
    /// Those with batches waiting, by partition.
    waiting: Vec<Waiting>,
    /// The time of none that stands at the head of its queue is over before.
    pub(super) waiting_until: SimTime,
    /// Where a batch is put together that lies in pieces.
    press: Vec<u8>,
    spare: Spare,
    /// The producer's epoch.
    epoch: i16,
}

/// A queue in which something waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    partition: u32,
    /// When its head may go, as far as it depends on the producer; never while what was sent before must be settled first.
    goes: SimTime,
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
    /// Sent before and to be sent again; they go first.
    again: VecDeque<Batch>,
    fresh: VecDeque<Fresh>,
    /// The records of the fresh ones.
    backlog: Backlog,
    next_serial: u32,
    sequences: Sequences,
}

/// A batch that was never sent. The last one of a queue takes more records while it has room.
#[derive(Clone, Debug)]
struct Fresh {
    records: u32,
    /// As it is now, its header included.
    bytes: u32,
    /// The most bytes it may grow to.
    limit: u32,
    serial: u32,
    base_timestamp_ms: i64,
    max_timestamp_ms: i64,
    created: SimTime,
    deadline: SimTime,
}

/// A batch taken out to be sent.
#[derive(Clone, Debug)]
pub struct Batch {
    pub partition: u32,
    pub records: u32,
    /// The referee's count of this producer's records to the partition before this batch.
    pub serial: u32,
    pub attempts: u32,
    pub sealed: RecordBatch,
    /// Its first sequence number, if it was drained under an identity.
    pub sequence: Option<i32>,
    pub created: SimTime,
    pub deadline: SimTime,
    retry_at: SimTime,
    /// A new epoch gave it another sequence.
    pub renumbered: bool,
    /// Part of one that was too large.
    split: bool,
}

/// What decides when the first batch of a queue goes.
pub(super) struct Head {
    bytes: u32,
    created: SimTime,
    pub(super) deadline: SimTime,
    /// It was sent, and waits before it is sent again.
    pub(super) retry_at: Option<SimTime>,
}

/// What an append came to.
pub struct Appended {
    pub bytes: u32,
    pub batch_full: bool,
}

/// Producer id and epoch of an idempotent producer.
pub type Identity = Option<(i64, i16)>;

impl Batch {
    /// Takes the sequence that a new epoch gave it.
    pub fn renumber(&mut self, numbers: &[(i32, i32)]) {
        if let Some(sequence) = &mut self.sequence
            && let Some((_, new)) = numbers.iter().find(|(old, _)| old == sequence)
        {
            *sequence = *new;
            self.renumbered = true;
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
            waiting: Vec::new(),
            waiting_until: SimTime::MAX,
            press: Vec::new(),
            spare: Spare::new(),
            epoch: 0,
        }
    }

    /// Other settings for what is appended from now on.
    pub fn reconfigure(&mut self, config: &ProducerConfig) {
        let (queues, waiting) = (std::mem::take(&mut self.queues), std::mem::take(&mut self.waiting));
        let Accumulator { buffered, skew_ms, epoch, waiting_until, .. } = *self;
        *self = Accumulator { queues, waiting, waiting_until, buffered, skew_ms, epoch, ..Accumulator::new(config) };
        self.look_at_all();
    }

    /// A new process sends what waits as if for the first time, at once.
    pub fn send_again(&mut self, now: SimTime) {
        self.restart_sequences();
        let deadline = now + self.delivery_timeout;
        self.waiting_until = self.waiting_until.min(deadline);
        for (_, queue) in self.queues.iter_mut() {
            for batch in &mut queue.again {
                (batch.created, batch.deadline) = (now, deadline);
                (batch.attempts, batch.retry_at) = (0, now);
            }
            for batch in &mut queue.fresh {
                (batch.created, batch.deadline) = (now, deadline);
            }
        }
        self.look_at_all();
    }

    /// Learns when the head of a queue may go, after something in it changed.
    fn look_at(&mut self, partition: u32) {
        let queue = self.queues.of(partition);
        let goes = queue.goes(self.batch_size, self.linger, self.epoch);
        let place = match self.waiting.last() {
            Some(last) if last.partition < partition => Err(self.waiting.len()),
            _ => self.waiting.binary_search_by_key(&partition, |waiting| waiting.partition),
        };
        match (place, goes) {
            (Ok(place), Some(goes)) => self.waiting[place].goes = goes,
            (Err(place), Some(goes)) => self.waiting.insert(place, Waiting { partition, goes }),
            (Ok(place), None) => {
                self.waiting.remove(place);
            }
            (Err(_), None) => {}
        }
    }

    fn look_at_all(&mut self) {
        (0..self.queues.0.len() as u32).for_each(|partition| {
            if self.queues.get(partition).is_some() {
                self.look_at(partition);
            }
        });
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
        self.busy().map(|queue| queue.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// No unfinished batch stays behind when the sticky partitioner leaves this partition now.
    pub fn last_batch_full(&self, partition: u32) -> bool {
        let last = self.queues.get(partition).and_then(|queue| queue.fresh.back());
        last.is_none_or(|batch| batch.bytes >= self.batch_size)
    }

    /// `content` is what [`content_size`] says of key and value.
    pub fn append(&mut self, partition: u32, now: SimTime, key: Option<&[u8]>, value: &[u8], content: u32) -> Appended {
        let timestamp = now.timestamp_ms() + self.skew_ms;
        let queue = self.queues.made(partition);
        let size = |records: u32, since: i64| estimated_record_size(records, timestamp - since, content);
        let room = queue.fresh.back().map(|last| size(last.records, last.base_timestamp_ms)).zip(queue.fresh.back_mut());
        let (grown, fresh) = match room {
            Some((more, last)) if last.bytes + more <= last.limit => (more, last),
            _ => {
                let deadline = now + self.delivery_timeout;
                self.waiting_until = self.waiting_until.min(deadline);
                let fresh = Fresh {
                    records: 0,
                    bytes: 0,
                    limit: self.batch_size.max(upper_bound_size(content)),
                    serial: queue.next_serial,
                    base_timestamp_ms: timestamp,
                    max_timestamp_ms: timestamp,
                    created: now,
                    deadline,
                };
                (HEADER_SIZE + size(0, timestamp), queue.fresh.push_back_mut(fresh))
            }
        };
        let out = queue.backlog.room(grown, &mut self.spare);
        let first = fresh.records == 0;
        if first {
            Header::make_room(out);
        }
        write_record(out, fresh.records, timestamp - fresh.base_timestamp_ms, content, key, Some(value), &[]);
        fresh.max_timestamp_ms = fresh.max_timestamp_ms.max(timestamp);
        fresh.bytes += grown;
        fresh.records += 1;
        queue.next_serial += 1;
        self.buffered += u64::from(grown);
        let batch_full = fresh.bytes >= self.batch_size;
        // Only the first two may change what is known of the head.
        if (first || batch_full) && queue.len() <= 2 {
            self.look_at(partition);
        }
        Appended { bytes: grown, batch_full }
    }

    /// Bytes in use.
    pub fn buffered(&self) -> u64 {
        self.buffered
    }

    /// Records waiting.
    pub fn records(&self) -> u64 {
        let one = |queue: &Queue| -> u64 {
            let (again, fresh) = (queue.again.iter().map(|batch| batch.records), queue.fresh.iter().map(|batch| batch.records));
            again.chain(fresh).map(u64::from).sum()
        };
        self.busy().map(one).sum()
    }

    /// Of each queue in which something waits: its partition, how many batches, and when the first one may go.
    pub(super) fn heads(&self) -> Vec<(u32, u32, SimTime, Head)> {
        let one = |&Waiting { partition, .. }: &Waiting| {
            let queue = self.queue(partition);
            Some((partition, queue.len(), queue.due(self.batch_size, self.linger)?, queue.head()?))
        };
        self.waiting.iter().filter_map(one).collect()
    }

    /// The queues in which something waits.
    fn busy(&self) -> impl Iterator<Item = &Queue> {
        self.waiting.iter().map(|waiting| self.queue(waiting.partition))
    }

    /// Collects the leaders that have a batch that may go now; true when some batch waits for a leader to be known.
    pub(super) fn ready(&self, now: SimTime, leader: &dyn Fn(u32) -> Option<BrokerId>, brokers: &mut SortedSet<BrokerId>) -> bool {
        let mut leaderless = false;
        for waiting in &self.waiting {
            match leader(waiting.partition) {
                None => leaderless = true,
                Some(broker) if waiting.goes <= now => {
                    brokers.insert(broker);
                }
                Some(_) => {}
            }
        }
        leaderless
    }

    /// When something that waits may go to its leader, which takes more from `free_at` on.
    pub(super) fn next_step(&self, free_at: &dyn Fn(u32) -> Option<SimTime>) -> SimTime {
        let mut next = SimTime::MAX;
        for waiting in &self.waiting {
            if waiting.goes < next
                && let Some(free) = free_at(waiting.partition)
            {
                next = next.min(free.max(waiting.goes));
            }
        }
        next
    }

    /// One batch of each partition this broker leads, up to `max.request.size`. Those that are not due ride along.
    pub fn drain(
        &mut self,
        now: SimTime,
        broker: BrokerId,
        leader: &dyn Fn(u32) -> Option<BrokerId>,
        identity: Identity,
        drained: &mut Vec<Batch>,
    ) {
        let (mut size, mut until) = (0, self.waiting_until);
        let (queues, press, spare) = (&mut self.queues, &mut self.press, &mut self.spare);
        let (batch_size, linger, epoch) = (self.batch_size, self.linger, self.epoch);
        self.waiting.retain_mut(|waiting| {
            if waiting.goes == SimTime::MAX || leader(waiting.partition) != Some(broker) {
                return true;
            }
            let queue = queues.of(waiting.partition);
            let Some(head) = queue.head() else { return false };
            let backing_off = head.retry_at.is_some_and(|at| at > now);
            if backing_off || (size + head.bytes > self.max_request_size && !drained.is_empty()) {
                return true;
            }
            size += head.bytes;
            queue.take_head(waiting.partition, identity, press, spare, drained);
            let Some(next) = queue.head() else { return false };
            until = until.min(next.deadline);
            waiting.goes = queue.goes(batch_size, linger, epoch).unwrap_or(SimTime::MAX);
            true
        });
        self.waiting_until = until;
    }

    /// Back to the front, in the order of sequences.
    pub fn requeue(&mut self, batch: Batch, retry_at: SimTime) {
        let queue = self.queues.of(batch.partition);
        let place = match batch.sequence {
            None => 0,
            Some(sequence) => queue.again.partition_point(|batch| batch.sequence.is_some_and(|other| other < sequence)),
        };
        self.waiting_until = self.waiting_until.min(batch.deadline);
        let partition = batch.partition;
        queue.again.insert(place, Batch { retry_at, ..batch });
        self.look_at(partition);
    }

    /// MESSAGE_TOO_LARGE: the same records go again in its place, in batches of `batch.size`; what was split before, in halves.
    pub fn split(&mut self, batch: &Batch) {
        let target = if batch.split { batch.sealed.size_in_bytes() / 2 } else { self.batch_size };
        let stamp = batch.sealed.stamp();
        let sequence = |first: u32| batch.sequence.map(|sequence| sequence_plus(sequence, first));
        self.settle(batch);
        let queue = self.queues.of(batch.partition);
        let mut place = queue.again.partition_point(|other| other.sequence.is_some() && other.sequence < batch.sequence);
        let (mut builder, mut first) = (BatchBuilder::new(), 0);
        let mut records = batch.sealed.records().peekable();
        while let Some(record) = records.next() {
            builder.append(record.timestamp_ms, record.key, record.value, &[]);
            let (bytes, count) = (builder.size_in_bytes(), builder.record_count());
            let fits = records.peek().is_some_and(|next| {
                let delta = next.timestamp_ms - builder.base_timestamp_ms().unwrap_or(next.timestamp_ms);
                let length = |bytes: Option<&[u8]>| bytes.map(|bytes| bytes.len() as u32);
                bytes + estimated_record_size(count, delta, content_size(length(next.key), length(next.value))) <= target
            });
            if fits {
                continue;
            }
            let own = match sequence(first) {
                Some(base_sequence) => ProducerStamp { base_sequence, ..stamp },
                None => ProducerStamp::NONE,
            };
            let part = Batch {
                sealed: builder.build_and_restart(own),
                records: count,
                serial: batch.serial + first,
                sequence: sequence(first),
                attempts: 0,
                split: true,
                ..*batch
            };
            if let Some(sequence) = part.sequence {
                queue.sequences.part(sequence, count);
            }
            queue.again.insert(place, part);
            self.buffered += u64::from(bytes);
            place += 1;
            first += count;
        }
        self.waiting_until = self.waiting_until.min(batch.deadline);
        self.look_at(batch.partition);
    }

    /// Acknowledged or failed: its memory is free.
    pub fn settle(&mut self, batch: &Batch) {
        self.buffered = self.buffered.saturating_sub(u64::from(batch.sealed.size_in_bytes()));
    }

    /// Changes what is known of the batches under way to a partition; what waits behind them may go then, or no more.
    pub fn settle_sequence(&mut self, partition: u32, change: impl FnOnce(&mut Sequences)) {
        change(&mut self.queues.of(partition).sequences);
        self.look_at(partition);
    }

    pub fn sequences(&self, partition: u32) -> &Sequences {
        &self.queue(partition).sequences
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
        self.look_at_all();
        open
    }

    /// Another producer id counts from zero everywhere; nothing is under way under the old one.
    pub fn restart_sequences(&mut self) {
        self.epoch = 0;
        for (_, queue) in self.queues.iter_mut() {
            queue.sequences = Sequences::default();
            queue.again.iter_mut().for_each(|batch| batch.sequence = None);
        }
        self.look_at_all();
    }

    /// The producer goes on under a new epoch; `partition` is numbered again. Gives the old and new sequences under way.
    pub fn restart(&mut self, partition: u32, epoch: i16) -> Vec<(i32, i32)> {
        self.epoch = epoch;
        let queue = self.queues.of(partition);
        let numbers = queue.sequences.restart(epoch);
        queue.again.iter_mut().for_each(|batch| batch.renumber(&numbers));
        self.look_at_all();
        numbers
    }

    /// Takes out what has waited longer than `delivery.timeout.ms`.
    pub fn take_expired(&mut self, now: SimTime) -> Vec<Batch> {
        let mut expired = Vec::new();
        if self.waiting_until > now {
            return expired;
        }
        for waiting in &self.waiting {
            let queue = self.queues.of(waiting.partition);
            while queue.head().is_some_and(|head| head.deadline <= now) {
                match queue.again.pop_front() {
                    Some(batch) => expired.push(batch),
                    None => queue.take_fresh(waiting.partition, None, &mut self.press, &mut self.spare, &mut expired),
                }
            }
        }
        self.look_at_all();
        self.waiting_until = self.next_deadline();
        expired
    }

    /// When the first at the head of a queue has waited too long.
    pub(super) fn next_deadline(&self) -> SimTime {
        self.busy().filter_map(|queue| Some(queue.head()?.deadline)).min().unwrap_or(SimTime::MAX)
    }
}

impl Queue {
    fn len(&self) -> u32 {
        (self.again.len() + self.fresh.len()) as u32
    }

    fn head(&self) -> Option<Head> {
        match self.again.front() {
            Some(batch) => Some(Head {
                bytes: batch.sealed.size_in_bytes(),
                created: batch.created,
                deadline: batch.deadline,
                retry_at: (batch.attempts > 0).then_some(batch.retry_at),
            }),
            None => {
                let Fresh { bytes, created, deadline, .. } = *self.fresh.front()?;
                Some(Head { bytes, created, deadline, retry_at: None })
            }
        }
    }

    /// When the head may go: at once when it is full or another waits behind it, else after `linger.ms`; never while it is blocked.
    fn goes(&self, batch_size: u32, linger: SimDuration, epoch: i16) -> Option<SimTime> {
        let blocked = self.sequences.block(self.again.front().and_then(|batch| batch.sequence), epoch);
        let due = self.due(batch_size, linger)?;
        Some(if blocked { SimTime::MAX } else { due })
    }

    fn due(&self, batch_size: u32, linger: SimDuration) -> Option<SimTime> {
        let head = self.head()?;
        Some(match head.retry_at {
            Some(at) => at,
            None if self.len() > 1 || head.bytes >= batch_size => head.created,
            None => head.created + linger,
        })
    }

    /// The first batch, under the stamp of the moment.
    fn take_head(&mut self, partition: u32, identity: Identity, press: &mut Vec<u8>, spare: &mut Spare, out: &mut Vec<Batch>) {
        let Some(mut batch) = self.again.pop_front() else { return self.take_fresh(partition, identity, press, spare, out) };
        if let Some((_, epoch)) = identity
            && batch.sequence.is_none()
        {
            batch.sequence = Some(self.sequences.assign(epoch, batch.records));
        }
        let stamp = stamp(identity.map(|(id, _)| (id, self.sequences.epoch)), batch.sequence);
        if batch.sealed.stamp() != stamp {
            batch.sealed = batch.sealed.with_stamp(stamp);
        }
        batch.attempts += 1;
        out.push(batch);
    }

    /// The first of those that were never sent gets its header, and its place in the list without a move on the way.
    fn take_fresh(&mut self, partition: u32, identity: Identity, press: &mut Vec<u8>, spare: &mut Spare, out: &mut Vec<Batch>) {
        let Some(fresh) = self.fresh.pop_front() else { return };
        let Fresh { records, bytes, serial, base_timestamp_ms, max_timestamp_ms, created, deadline, .. } = fresh;
        let sequence = identity.map(|(_, epoch)| self.sequences.assign(epoch, records));
        let stamp = stamp(identity.map(|(id, _)| (id, self.sequences.epoch)), sequence);
        let header = Header { records, base_timestamp_ms, max_timestamp_ms, stamp, attributes: 0 };
        let sealed = self.backlog.take(bytes, press, spare, |batch| header.seal(batch));
        out.push(Batch {
            partition,
            records,
            serial,
            attempts: 1,
            sealed,
            sequence,
            created,
            deadline,
            retry_at: SimTime::ZERO,
            renumbered: false,
            split: false,
        });
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
            add(accumulator, partition, now, None, value);
        }
    }

    fn add(accumulator: &mut Accumulator, partition: u32, now: SimTime, key: Option<&[u8]>, value: &[u8]) -> Appended {
        let content = content_size(key.map(|key| key.len() as u32), Some(value.len() as u32));
        accumulator.append(partition, now, key, value, content)
    }

    fn ready(accumulator: &Accumulator, now: SimTime) -> SortedSet<BrokerId> {
        let mut brokers = SortedSet::new();
        assert!(!accumulator.ready(now, &led, &mut brokers), "all have a leader");
        brokers
    }

    fn drain(accumulator: &mut Accumulator, now: SimTime) -> Vec<Batch> {
        drain_as(accumulator, now, ME)
    }

    fn drain_as(accumulator: &mut Accumulator, now: SimTime, identity: Identity) -> Vec<Batch> {
        let mut drained = Vec::new();
        accumulator.drain(now, LEADER, &led, identity, &mut drained);
        drained
    }

    #[test]
    fn a_batch_goes_when_it_lingered_and_a_full_one_at_once() {
        let mut accumulator = accumulator(200);
        add(&mut accumulator, 0, at(10), None, b"small");
        assert!(ready(&accumulator, at(14)).is_empty());
        assert_eq!(*ready(&accumulator, at(15)), [LEADER], "linger.ms = 5");
        fill(&mut accumulator, 9, 1, at(10), &[0; 60]);
        assert_eq!(*ready(&accumulator, at(10)), [LEADER]);
    }

    #[test]
    fn without_a_leader_nothing_goes_and_somebody_must_ask() {
        let mut accumulator = accumulator(200);
        add(&mut accumulator, 0, at(0), None, b"v");
        let mut ready = SortedSet::new();
        assert!(accumulator.ready(at(100), &|_| None, &mut ready));
        assert!(ready.is_empty());
    }

    #[test]
    fn a_record_larger_than_a_batch_gets_one_of_its_own() {
        let mut accumulator = accumulator(100);
        add(&mut accumulator, 0, at(0), None, b"small");
        add(&mut accumulator, 0, at(0), None, &[0; 500]);
        assert_eq!(accumulator.len(), 2);
    }

    #[test]
    fn sequences_count_records_and_a_retry_keeps_its_own() {
        let mut accumulator = accumulator(16_384);
        fill(&mut accumulator, 3, 0, at(0), b"v");
        let first = drain(&mut accumulator, at(5)).remove(0);
        add(&mut accumulator, 0, at(6), None, b"v");
        let second = drain(&mut accumulator, at(20)).remove(0);
        assert_eq!((first.sequence, second.sequence), (Some(0), Some(3)));
        // Both fail, the later one is told first: they go again in order, one at a time.
        accumulator.requeue(second, at(120));
        accumulator.requeue(first, at(120));
        let again = drain(&mut accumulator, at(120)).remove(0);
        assert_eq!((again.sequence, again.attempts), (Some(0), 2));
        assert!(drain(&mut accumulator, at(120)).is_empty(), "the second waits for the first");
        accumulator.settle_sequence(0, |sequences| sequences.acked(0, 3));
        assert_eq!(drain(&mut accumulator, at(120)).remove(0).sequence, Some(3));
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
        add(&mut accumulator, 0, at(0), Some(b"k"), b"v");
        let mut drained = drain(&mut accumulator, at(5)).remove(0);
        let before: Vec<u8> = drained.sealed.records().next().and_then(|record| record.value).expect("a value").to_vec();
        let numbers = accumulator.restart(0, 1);
        drained.renumber(&numbers);
        accumulator.requeue(drained, at(105));
        let again = drain_as(&mut accumulator, at(105), Some((9, 1))).remove(0);
        let batch = again.sealed;
        assert_eq!((batch.stamp().producer_epoch, batch.stamp().base_sequence), (1, 0));
        assert_eq!(batch.records().next().and_then(|record| record.value).expect("a value"), before);
    }

    #[test]
    fn a_full_batch_is_sent_under_the_stamp_of_the_moment_whatever_was_foreseen() {
        let mut accumulator = accumulator(1);
        for (identity, first) in [(None, -1), (ME, 0), (ME, 1), (Some((9, 1)), 0)] {
            fill(&mut accumulator, 2, 0, at(0), &[0; 60]);
            if identity == Some((9, 1)) {
                accumulator.settle_sequence(0, |sequences| sequences.acked(0, 1));
                accumulator.settle_sequence(0, |sequences| sequences.acked(1, 1));
            }
            let drained = drain_as(&mut accumulator, at(0), identity).remove(0);
            let batch = &drained.sealed;
            let (producer_id, producer_epoch) = identity.unwrap_or((-1, -1));
            assert_eq!(batch.stamp(), ProducerStamp { producer_id, producer_epoch, base_sequence: first });
            assert_eq!(batch.validate(), Ok(()));
        }
        // What is nearly full takes a tiny record more.
        add(&mut accumulator, 1, at(0), None, b"v");
        assert_eq!(add(&mut accumulator, 1, at(0), None, b"w").bytes, 8);
        let drained = drain(&mut accumulator, at(0)).pop().expect("one partition is not blocked");
        assert_eq!((drained.records, drained.sealed.validate()), (2, Ok(())));
    }

    #[test]
    fn a_batch_that_is_too_large_goes_again_in_parts_under_its_own_sequences() {
        let mut accumulator = accumulator(1_000);
        fill(&mut accumulator, 8, 0, at(0), &[0; 90]);
        let before = accumulator.buffered;
        accumulator.batch_size = 400;
        let large = drain(&mut accumulator, at(5)).remove(0);
        add(&mut accumulator, 0, at(6), None, b"later");
        accumulator.split(&large);
        assert_eq!(accumulator.queue(0).len(), 4, "three parts before what came later");
        let mut next = 0;
        for _ in 0..3 {
            let part = drain(&mut accumulator, at(20)).remove(0);
            assert_eq!((part.sequence, part.sealed.stamp().base_sequence), (Some(next), next));
            assert!(next > 0 || drain(&mut accumulator, at(20)).is_empty(), "one after another");
            next += part.records as i32;
            accumulator.settle(&part);
            accumulator.settle_sequence(0, |sequences| sequences.acked(part.sequence.unwrap_or(0), part.records));
        }
        assert_eq!(next, 8);
        assert_eq!(drain(&mut accumulator, at(20)).remove(0).sequence, Some(8));
        assert!(before > 0 && accumulator.buffered < 100, "{} bytes", accumulator.buffered);
    }

    #[test]
    fn what_waited_too_long_is_given_back_in_order() {
        let mut accumulator = accumulator(100);
        add(&mut accumulator, 0, at(0), None, &[0; 90]);
        add(&mut accumulator, 0, at(1_000), None, &[0; 90]);
        assert_eq!(accumulator.next_deadline(), at(120_000));
        assert!(accumulator.take_expired(at(119_999)).is_empty());
        assert_eq!(accumulator.take_expired(at(120_000)).len(), 1);
        assert_eq!(accumulator.take_expired(at(121_000)).len(), 1);
        assert!(accumulator.is_empty());
    }
}
