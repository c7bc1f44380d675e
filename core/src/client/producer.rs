//! A producer: the application's records are batched by partition ([`accumulator`]) and sent to the leaders; what fails is sent
//! again until `delivery.timeout.ms`. Kafka's `KafkaProducer`, `Sender` and `TransactionManager` (idempotence only).

pub mod accumulator;
mod sequences;
mod waiting;

use super::partitioner::{RoundRobinPartitioner, StickyPartitioner, StickyRandom, TopicPartitions};
use super::workload::Workload;
use super::{Connections, exponential_jittered};
use crate::config::{Acks, Partitioner, ProducerConfig};
use crate::error::ErrorCode;
use crate::hash::{crc32, partition_for_key};
use crate::ids::{BrokerId, ClientId, CorrelationId, LeaderEpoch, NodeId, Offset, TopicId, TopicPartition};
use crate::node::{Fact, Node, Outbox};
use crate::protocol::{Message, ProduceBatch, ProduceRequest, ProducedPartition, Request, Response};
use crate::record::{content_size, upper_bound_size};
use crate::rng::SimRng;
use crate::sorted::{SortedMap, SortedSet};
use crate::time::SimTime;
use accumulator::{Accumulator, Batch};
use std::collections::VecDeque;
use std::sync::Arc;
pub use waiting::{Batched, Waiting};

#[derive(Clone, Debug)]
pub struct Producer {
    pub id: ClientId,
    pub name: Arc<str>,
    pub topic: Arc<str>,
    config: Arc<ProducerConfig>,
    connections: Connections,
    workload: Workload,
    /// Draws partitions.
    rng: SimRng,
    /// Draws how long to wait before another try; apart, so that a retry does not move what follows to other partitions.
    backoff_rng: SimRng,
    /// Of the topic, once metadata told.
    topic_id: Option<TopicId>,
    partition_count: u32,
    available: Vec<u32>,
    sticky: StickyPartitioner,
    round_robin: RoundRobinPartitioner,
    random: StickyRandom,
    accumulator: Accumulator,
    identity: Identity,
    /// Partitions whose sequences have a gap that only a new epoch closes.
    gaps: SortedSet<u32>,
    /// In the order of sending.
    in_flight: VecDeque<(CorrelationId, InFlight)>,
    /// None of them ends by itself before.
    in_flight_until: SimTime,
    /// The application calls `send()` no more.
    closing: bool,
    /// A batch was given up, and not all that was said about it since has been looked at.
    in_doubt: bool,
    /// Used again at every turn: leaders with something to send, and the lists of requests that were answered.
    ready: SortedSet<BrokerId>,
    spare: Vec<Vec<Batch>>,
    /// When `send()` began to wait for metadata or memory.
    blocked_since: Option<SimTime>,
    pub counts: Counts,
}

/// An idempotent producer needs an id before it may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Identity {
    NotNeeded,
    Wanted,
    Asked { of: BrokerId, deadline: SimTime },
    Known { producer_id: i64, epoch: i16 },
}

#[derive(Clone, Debug)]
struct InFlight {
    to: BrokerId,
    sent: SimTime,
    deadline: SimTime,
    /// When the first of its batches has been under way too long.
    expires: SimTime,
    batches: Vec<Batch>,
}

/// What a client's metrics say.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub sent: u64,
    pub acked: u64,
    pub failed: u64,
    pub retries: u64,
    pub errors: SortedMap<ErrorCode, u64>,
}

impl Producer {
    pub fn new(
        id: ClientId,
        name: Arc<str>,
        topic: Arc<str>,
        config: Arc<ProducerConfig>,
        workload: Workload,
        bootstrap: Arc<[BrokerId]>,
        rng: SimRng,
    ) -> Self {
        let settings = [config.metadata_max_age, config.retry_backoff, config.retry_backoff_max, config.request_timeout];
        let connections = Connections::new(bootstrap, settings);
        Producer {
            id,
            name,
            topic,
            connections,
            workload,
            backoff_rng: rng.clone(),
            rng,
            topic_id: None,
            partition_count: 0,
            available: Vec::new(),
            sticky: StickyPartitioner::new(config.batch_size),
            round_robin: RoundRobinPartitioner::new(),
            random: StickyRandom::default(),
            accumulator: Accumulator::new(&config),
            identity: if config.enable_idempotence { Identity::Wanted } else { Identity::NotNeeded },
            gaps: SortedSet::new(),
            in_flight: VecDeque::new(),
            in_flight_until: SimTime::MAX,
            closing: false,
            in_doubt: false,
            ready: SortedSet::new(),
            spare: Vec::new(),
            blocked_since: None,
            counts: Counts::default(),
            config,
        }
    }

    /// The first step: ask for metadata.
    pub fn begin(&mut self, now: SimTime, out: &mut Outbox) {
        self.connections.poll_metadata(now, out);
    }

    /// The process is gone. Its application remembers what it got no acknowledgement for.
    pub fn crash(&mut self) {
        for (_, request) in std::mem::take(&mut self.in_flight).into_iter().rev() {
            request.batches.into_iter().for_each(|batch| self.accumulator.requeue(batch, SimTime::ZERO));
        }
        self.connections = self.connections.restarted();
        self.topic_id = None;
        self.available.clear();
        self.identity = if self.config.enable_idempotence { Identity::Wanted } else { Identity::NotNeeded };
        self.closing = false;
        self.blocked_since = None;
    }

    /// A new process: the application sends again what it got no acknowledgement for, then goes on.
    pub fn start(&mut self, now: SimTime, out: &mut Outbox) {
        self.crash();
        self.accumulator.send_again(now);
        self.workload.resume(now);
        self.begin(now, out);
    }

    /// `close()`: nothing new is sent; what was sent is waited for.
    pub fn close(&mut self) {
        self.closing = true;
    }

    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// Goes on with other settings, as if it had been closed and opened again.
    pub fn reconfigure(&mut self, config: Arc<ProducerConfig>) {
        if config.enable_idempotence != self.config.enable_idempotence {
            self.identity = if config.enable_idempotence { Identity::Wanted } else { Identity::NotNeeded };
            self.accumulator.restart_sequences();
            self.gaps.clear();
            // What is under way carries no number of the new session.
            let under_way = self.in_flight.iter_mut().flat_map(|(_, request)| &mut request.batches);
            under_way.for_each(|batch| batch.sequence = None);
        }
        self.accumulator.reconfigure(&config);
        self.config = config;
    }

    /// Its clock is wrong by so many milliseconds.
    pub fn skew(&mut self, ms: i64) {
        self.accumulator.skew_ms = ms;
        self.workload.skew_ms = ms;
    }

    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    pub fn config(&self) -> &ProducerConfig {
        &self.config
    }

    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Batches waiting or under way.
    pub fn unsettled(&self) -> u32 {
        self.accumulator.len() + self.in_flight.iter().map(|(_, request)| request.batches.len() as u32).sum::<u32>()
    }

    /// The application calls `send()` for every record that is due; it blocks there until metadata is known and memory free, for
    /// `max.block.ms` at most.
    fn run_application(&mut self, now: SimTime, out: &mut Outbox) {
        while !self.closing && self.workload.next_at() <= now {
            if !self.may_send() {
                let since = *self.blocked_since.get_or_insert(now);
                if now < since + self.config.max_block {
                    return;
                }
                self.workload.make(now);
                self.throw(ErrorCode::DeliveryTimeout, out);
                continue;
            }
            self.blocked_since = None;
            self.workload.make(now);
            let (key, value) = (self.workload.key(), self.workload.value());
            let content = content_size(key.map(|key| key.len() as u32), Some(value.len() as u32));
            let size = u64::from(upper_bound_size(content));
            if size > u64::from(self.config.max_request_size) || size > self.config.buffer_memory {
                self.throw(ErrorCode::MessageTooLarge, out);
                continue;
            }
            let (partition, sticks) = self.choose_partition(now);
            let (key, value) = (self.workload.key(), self.workload.value());
            let appended = self.accumulator.append(partition, now, key, value, content);
            self.counts.sent += 1;
            if sticks {
                let topic = TopicPartitions { available: &self.available, count: self.partition_count };
                let rng = &mut self.rng;
                self.sticky.appended(appended.bytes, appended.batch_full, topic, || rng.next_positive());
            }
        }
    }

    /// Metadata is known, and memory free.
    fn may_send(&self) -> bool {
        self.topic_id.is_some() && self.accumulator.has_memory()
    }

    /// `send()` ends with an exception: the record is the application's own again.
    fn throw(&mut self, error: ErrorCode, out: &mut Outbox) {
        self.blocked_since = None;
        self.counts.sent += 1;
        self.counts.failed += 1;
        *self.counts.errors.entry(error).or_default() += 1;
        out.fact(Fact::Failed { client: self.id, records: 1 });
    }

    /// Where the next record goes, and whether the sticky partitioner chose.
    fn choose_partition(&mut self, now: SimTime) -> (u32, bool) {
        if let Some(partition) = self.workload.spec().partition {
            return (partition, false);
        }
        let topic = TopicPartitions { available: &self.available, count: self.partition_count };
        let rng = &mut self.rng;
        let chosen = match (self.config.partitioner, self.workload.key()) {
            (Partitioner::RoundRobin, _) => self.round_robin.next(topic),
            (Partitioner::Default | Partitioner::Murmur2Random, Some(key)) => partition_for_key(key, self.partition_count),
            (Partitioner::ConsistentRandom, Some(key)) if !key.is_empty() => crc32(key) % self.partition_count.max(1),
            (Partitioner::ConsistentRandom | Partitioner::Murmur2Random, _) => {
                self.random.next(topic, now, |count| rng.below(u64::from(count.max(1))) as u32)
            }
            (Partitioner::Default, None) => {
                let current = self.sticky.current(topic, || rng.next_positive());
                let full = self.accumulator.last_batch_full(current);
                let switched = full && self.sticky.appended(0, true, topic, || rng.next_positive());
                return (if switched { self.sticky.current(topic, || rng.next_positive()) } else { current }, true);
            }
        };
        (chosen, false)
    }

    /// `Sender.runOnce`: an id first, then everything that is ready, leader by leader.
    fn send_ready(&mut self, now: SimTime, out: &mut Outbox) {
        if !self.ensure_identity(now, out) {
            return;
        }
        self.close_gaps();
        let Some(topic) = self.topic_id.filter(|_| !self.accumulator.is_empty()) else { return };
        let Some(image) = self.connections.image().cloned() else { return };
        let partitions = image.topic(topic).map_or(&[][..], |topic| &topic.partitions);
        let leader = |partition| partitions.get(partition as usize).and_then(|partition| partition.leader);
        let mut ready = std::mem::take(&mut self.ready);
        if self.accumulator.ready(now, &leader, &mut ready) {
            self.connections.want_metadata();
        }
        for &broker in ready.iter() {
            if self.connections.free_at(broker, self.config.max_in_flight).is_some_and(|at| at <= now) {
                self.drain_to(now, broker, topic, &leader, out);
            }
        }
        ready.clear();
        self.ready = ready;
    }

    fn ensure_identity(&mut self, now: SimTime, out: &mut Outbox) -> bool {
        match self.identity {
            Identity::NotNeeded | Identity::Known { .. } => true,
            Identity::Asked { .. } => false,
            Identity::Wanted => {
                let brokers = self.connections.image().map(|image| image.brokers.keys().copied().collect::<Vec<_>>()).unwrap_or_default();
                if let Some(to) = brokers.into_iter().find(|broker| self.connections.usable(*broker, now)) {
                    self.connections.send(to, Request::InitProducerId, out);
                    self.identity = Identity::Asked { of: to, deadline: now + self.config.request_timeout };
                }
                false
            }
        }
    }

    fn drain_to(&mut self, now: SimTime, broker: BrokerId, topic: TopicId, leader: &dyn Fn(u32) -> Option<BrokerId>, out: &mut Outbox) {
        let identity = match self.identity {
            Identity::Known { producer_id, epoch } => Some((producer_id, epoch)),
            _ => None,
        };
        let mut batches = self.spare.pop().unwrap_or_default();
        self.accumulator.drain(now, broker, leader, identity, &mut batches);
        if batches.is_empty() {
            return self.spare.push(batches);
        }
        let one = |batch: &Batch| ProduceBatch {
            partition: TopicPartition { topic, partition: batch.partition },
            batch: batch.sealed.clone(),
            serial: batch.serial,
        };
        let request = ProduceRequest {
            acks: self.config.acks.wire(),
            timeout: self.config.request_timeout,
            batches: batches.iter().map(one).collect(),
        };
        let request = Request::Produce(Box::new(request));
        if self.config.acks == Acks::None {
            self.connections.send_blindly(broker, request, out);
            for batch in &batches {
                let records = batch.records;
                self.counts.acked += u64::from(records);
                out.fact(Fact::AckedBlindly { client: self.id, records });
                self.accumulator.settle(batch);
            }
            batches.clear();
            return self.spare.push(batches);
        }
        let id = self.connections.send(broker, request, out);
        let expires = batches.iter().map(|batch| batch.deadline).min().unwrap_or(SimTime::MAX);
        let deadline = now + self.config.request_timeout;
        self.in_flight_until = self.in_flight_until.min(deadline).min(expires);
        self.in_flight.push_back((id, InFlight { to: broker, sent: now, deadline, expires, batches }));
    }

    fn produced(&mut self, now: SimTime, id: CorrelationId, results: &[ProducedPartition], out: &mut Outbox) {
        let Ok(place) = self.in_flight.binary_search_by_key(&id, |(sent, _)| *sent) else { return };
        let Some((_, mut request)) = self.in_flight.remove(place) else { return };
        let sent = request.sent;
        // As a rule they are all stored, and told in the order of the request: nothing of a batch is moved then.
        let same = results.len() == request.batches.len();
        let all = request.batches.iter().zip(results);
        let stored = |(batch, told): (&Batch, &ProducedPartition)| told.partition.partition == batch.partition && told.result.is_ok();
        if same && all.clone().all(stored) {
            for (batch, told) in all {
                if let Ok((base, epoch)) = told.result {
                    self.acked(batch, base, epoch, sent, out);
                }
            }
            request.batches.clear();
        }
        for batch in request.batches.drain(..) {
            let result = results.iter().find(|result| result.partition.partition == batch.partition);
            match result.map_or(Err(ErrorCode::NetworkException), |result| result.result) {
                Ok((base, epoch)) => self.acked(&batch, base, epoch, sent, out),
                Err(error) => {
                    if let Some(topic) = self.topic_id {
                        let partition = TopicPartition { topic, partition: batch.partition };
                        out.fact(Fact::Refused { client: self.id, partition, by: request.to, error });
                    }
                    self.refused(now, batch, error, out);
                }
            }
        }
        self.spare.push(request.batches);
    }

    fn acked(&mut self, batch: &Batch, base: Offset, epoch: LeaderEpoch, sent: SimTime, out: &mut Outbox) {
        let records = batch.records;
        self.counts.acked += u64::from(records);
        self.accumulator.settle(batch);
        if let Some(sequence) = batch.sequence {
            self.accumulator.settle_sequence(batch.partition, |sequences| sequences.acked(sequence, records));
        }
        let Some(topic) = self.topic_id else { return };
        let partition = TopicPartition { topic, partition: batch.partition };
        let acks = self.config.acks;
        out.fact(Fact::Acked { client: self.id, partition, base, records, epoch, acks, created: batch.created, sent });
    }

    fn refused(&mut self, now: SimTime, batch: Batch, error: ErrorCode, out: &mut Outbox) {
        *self.counts.errors.entry(error).or_default() += 1;
        self.connections.note_error(error);
        let in_time = now < batch.deadline;
        if error == ErrorCode::MessageTooLarge && batch.records > 1 && in_time {
            return self.accumulator.split(&batch);
        }
        let retriable = error.retriable() || self.waits_for_its_turn(&batch, error);
        if retriable && in_time && batch.attempts <= self.config.retries {
            self.counts.retries += u64::from(batch.records);
            let (first, max, tries) = (self.config.retry_backoff, self.config.retry_backoff_max, batch.attempts.saturating_sub(1));
            let pause = exponential_jittered(first, max, tries, &mut self.backoff_rng);
            // A new leader is known to be elsewhere only after the metadata came; the pause runs meanwhile.
            self.accumulator.requeue(batch, now + pause);
            return;
        }
        if !in_time {
            // The sender expires what is under way before it reads answers.
            self.give_up(&batch, batch.attempts > 1, out);
            return;
        }
        if let Some(sequence) = batch.sequence {
            self.accumulator.settle_sequence(batch.partition, |sequences| sequences.failed(sequence));
            // With its retries used up nobody knows whether the sequence was taken; it is not given to another.
            if batch.attempts <= self.config.retries {
                self.gaps.insert(batch.partition);
            }
        }
        self.fail(&batch, None, out);
    }

    /// `TransactionManager.canRetry`: a batch that is out of order goes again, under a new epoch when the gap before it is real.
    fn waits_for_its_turn(&mut self, batch: &Batch, error: ErrorCode) -> bool {
        let Some(sequence) = batch.sequence.filter(|_| error == ErrorCode::OutOfOrderSequenceNumber) else { return false };
        if self.accumulator.sequences(batch.partition).gap_is_real(sequence, batch.renumbered) {
            self.gaps.insert(batch.partition);
        }
        true
    }

    /// `bumpIdempotentProducerEpoch`: partitions with a gap are numbered from zero under a new epoch, in flight or not.
    fn close_gaps(&mut self) {
        let Identity::Known { producer_id, epoch } = self.identity else { return };
        if self.in_doubt {
            self.in_doubt = self.accumulator.find_gaps(&mut self.gaps);
        }
        if self.gaps.is_empty() {
            return;
        }
        let epoch = epoch.wrapping_add(1);
        self.identity = Identity::Known { producer_id, epoch };
        for partition in std::mem::take(&mut self.gaps) {
            let numbers = self.accumulator.restart(partition, epoch);
            let under_way = self.in_flight.iter_mut().flat_map(|(_, request)| &mut request.batches);
            under_way.filter(|batch| batch.partition == partition).for_each(|batch| batch.renumber(&numbers));
        }
    }

    /// The application gets an exception.
    fn fail(&mut self, batch: &Batch, error: Option<ErrorCode>, out: &mut Outbox) {
        if let Some(error) = error {
            *self.counts.errors.entry(error).or_default() += 1;
        }
        self.counts.failed += u64::from(batch.records);
        out.fact(Fact::Failed { client: self.id, records: batch.records });
        self.accumulator.settle(batch);
    }

    /// Its time is over; `sent_again`: it may be stored, and what follows must wait until that is known.
    fn give_up(&mut self, batch: &Batch, sent_again: bool, out: &mut Outbox) {
        if let Some(sequence) = batch.sequence {
            self.in_doubt |= sent_again;
            self.accumulator.settle_sequence(batch.partition, |sequences| match sent_again {
                true => sequences.given_up(sequence, batch.records),
                false => sequences.failed(sequence),
            });
        }
        self.fail(batch, Some(ErrorCode::DeliveryTimeout), out);
    }

    /// Batches that waited longer than `delivery.timeout.ms`, and requests older than `request.timeout.ms`.
    fn expire(&mut self, now: SimTime, out: &mut Outbox) {
        for batch in self.accumulator.take_expired(now) {
            self.give_up(&batch, true, out);
        }
        if self.in_flight_until <= now {
            self.expire_in_flight(now, out);
        }
        while let Some(to) = self.silent(now) {
            out.close(NodeId::Broker(to));
            self.closed(now, to, out);
        }
    }

    /// A broker that has not answered for `request.timeout.ms`.
    fn silent(&self, now: SimTime) -> Option<BrokerId> {
        let in_flight = (self.in_flight_until <= now).then_some(&self.in_flight);
        let request = in_flight.into_iter().flatten().find(|(_, request)| request.deadline <= now).map(|(_, request)| request.to);
        let identity = match self.identity {
            Identity::Asked { of, deadline } if deadline <= now => Some(of),
            _ => None,
        };
        request.or(identity).or_else(|| self.connections.silent(now))
    }

    /// A batch under way is given up when its time is over, whatever becomes of the request (`Sender.getExpiredInflightBatches`).
    fn expire_in_flight(&mut self, now: SimTime, out: &mut Outbox) {
        let mut expired = Vec::new();
        for (_, request) in self.in_flight.iter_mut().filter(|(_, request)| request.expires <= now) {
            expired.extend(request.batches.extract_if(.., |batch| batch.deadline <= now));
            request.expires = request.batches.iter().map(|batch| batch.deadline).min().unwrap_or(SimTime::MAX);
        }
        for batch in expired {
            self.give_up(&batch, batch.attempts > 1, out);
        }
    }

    fn closed(&mut self, now: SimTime, broker: BrokerId, out: &mut Outbox) {
        self.connections.closed(broker, now);
        if matches!(self.identity, Identity::Asked { of, .. } if of == broker) {
            self.identity = Identity::Wanted;
        }
        let lost: Vec<CorrelationId> = self.in_flight.iter().filter(|(_, request)| request.to == broker).map(|(id, _)| *id).collect();
        for id in lost {
            self.produced(now, id, &[], out);
        }
    }

    fn took_metadata(&mut self, now: SimTime, image: Arc<crate::metadata::MetadataImage>) {
        let topic = image.topic_named(&self.topic);
        let mut leaderless = topic.is_none();
        if let Some(topic) = topic {
            self.topic_id = Some(topic.id);
            self.partition_count = topic.partitions.len() as u32;
            let led = topic.partitions.iter().enumerate().filter(|(_, p)| p.leader.is_some());
            self.available = led.map(|(i, _)| i as u32).collect();
            leaderless = topic.partitions.iter().any(|p| p.leader.is_none());
        }
        self.connections.took_metadata(now, image, leaderless);
    }

    fn run(&mut self, now: SimTime, out: &mut Outbox) {
        let sent = self.counts.sent;
        self.run_application(now, out);
        if self.counts.sent > sent {
            out.fact(Fact::Sent { client: self.id, records: (self.counts.sent - sent) as u32 });
        }
        self.send_ready(now, out);
        self.connections.poll_metadata(now, out);
    }
}

impl Node for Producer {
    fn handle(&mut self, now: SimTime, from: NodeId, message: Message, out: &mut Outbox) {
        let NodeId::Broker(broker) = from else { return };
        match message {
            Message::Closed => self.closed(now, broker, out),
            Message::Request(..) => {}
            Message::Response(id, response) => {
                if !self.connections.answered(broker, id) {
                    return;
                }
                match response {
                    Response::Metadata(image) => self.took_metadata(now, image),
                    Response::InitProducerId { producer_id, producer_epoch } => {
                        self.identity = Identity::Known { producer_id, epoch: producer_epoch };
                    }
                    Response::Produce(results) => self.produced(now, id, &results, out),
                    _ => {}
                }
            }
        }
        self.run(now, out);
    }

    fn next_timeout(&self) -> SimTime {
        let application = match self.blocked_since {
            _ if self.closing => SimTime::MAX,
            Some(since) if !self.may_send() => since + self.config.max_block,
            _ => self.workload.next_at(),
        };
        let next = application.min(self.connections.next_timeout()).min(self.next_step());
        // Usually something else comes long before.
        let next = if next <= self.accumulator.waiting_until { next } else { next.min(self.accumulator.next_deadline()) };
        if next <= self.in_flight_until { next } else { next.min(self.first_in_flight()) }
    }

    fn handle_timeout(&mut self, now: SimTime, out: &mut Outbox) {
        self.expire(now, out);
        if self.in_flight_until <= now {
            self.in_flight_until = self.first_in_flight();
        }
        self.run(now, out);
    }
}

impl Producer {
    /// When the first request under way, or a batch in one, has been there too long.
    fn first_in_flight(&self) -> SimTime {
        self.in_flight.iter().map(|(_, request)| request.deadline.min(request.expires)).min().unwrap_or(SimTime::MAX)
    }

    /// When a waiting batch becomes sendable, and its leader reachable and free. A busy leader wakes the producer by answering.
    fn next_step(&self) -> SimTime {
        let image = self.connections.image();
        let topic = self.topic_id.and_then(|topic| image?.topic(topic));
        let (asked_until, identity_at) = match self.identity {
            Identity::Asked { deadline, .. } => (deadline, SimTime::MAX),
            Identity::Wanted => (SimTime::MAX, self.connections.reachable_at()),
            _ => (SimTime::MAX, SimTime::ZERO),
        };
        let free_at = |partition: u32| {
            let leader = topic?.partitions.get(partition as usize)?.leader?;
            Some(self.connections.free_at(leader, self.config.max_in_flight)?.max(identity_at))
        };
        let asked_until = if self.topic_id.is_some() { asked_until } else { SimTime::MAX };
        self.accumulator.next_step(&free_at).min(asked_until)
    }
}
