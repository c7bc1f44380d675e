//! Serving clients and followers: produce, fetch, list offsets, and waking what waits for them. Kafka's `ReplicaManager`.

use super::partition::{Replica, Role, Waiting, WaitingFetch, diverging};
use super::purgatory::{AnswerTo, Expired, ParkedFetch, ParkedProduce};
use super::replicas::Replicas;
use super::{Broker, eligible};
use crate::config::Acks;
use crate::error::ErrorCode;
use crate::group::GroupCoordinator;
use crate::ids::{BrokerEpoch, BrokerId, CorrelationId, LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::log::{Appended, ClientBatch};
use crate::node::{Fact, Outbox};
use crate::planted::{Bug, planted};
use crate::protocol::{
    EpochQuestion, FetchPartition, FetchRequest, FetchedPartition, ListAt, ListOffsetsRequest, ProduceBatch, ProduceRequest,
    ProducedPartition, Request, Response,
};
use crate::time::SimTime;
use std::cmp::Ordering;
use std::sync::Arc;

impl Broker {
    pub(super) fn serve(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: Request, out: &mut Outbox) {
        match request {
            Request::Produce(request) => self.produce(now, from, id, *request, out),
            Request::Fetch(request) => self.fetch(now, from, id, request, out),
            rare => self.serve_rare(now, from, id, rare, out),
        }
    }

    /// What does not come with every batch.
    #[inline(never)]
    fn serve_rare(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: Request, out: &mut Outbox) {
        match request {
            Request::Metadata => out.respond(from, id, Response::Metadata(Arc::clone(&self.image))),
            Request::InitProducerId => {
                let producer_id = self.next_producer_id;
                self.next_producer_id += 1;
                out.respond(from, id, Response::InitProducerId { producer_id, producer_epoch: 0 });
            }
            Request::ListOffsets(request) => {
                let answer = self.list_offsets(&request);
                out.respond(from, id, Response::ListOffsets(answer));
            }
            Request::OffsetForLeaderEpoch(questions) => {
                let answer = questions.iter().map(|asked| (asked.partition, self.epoch_end(asked))).collect();
                out.respond(from, id, Response::OffsetForLeaderEpoch(answer));
            }
            Request::UpdateMetadata { .. } | Request::AlterPartition(_) | Request::CreateTopic(_) | Request::BrokerHeartbeat(_) => {
                self.serve_with_zookeeper(now, from, id, request, out);
            }
            group_request => self.serve_group(now, from, id, group_request, out),
        }
    }

    fn produce(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: ProduceRequest, out: &mut Outbox) {
        let NodeId::Client(client) = from else { return };
        let acks = Acks::from_wire(request.acks);
        if self.write_fails(out) {
            let dropped = |sent: &ProduceBatch| Fact::Dropped { client, partition: sent.partition, records: sent.batch.record_count() };
            request.batches.iter().filter(|_| acks == Some(Acks::None)).for_each(|sent| out.fact(dropped(sent)));
            return;
        }
        let results = Vec::with_capacity(request.batches.len());
        let mut parked = ParkedProduce { answer_to: AnswerTo::Producer(from, id), results, open: 0, deadline: now + request.timeout };
        for sent in request.batches {
            let partition = sent.partition;
            let records = if acks == Some(Acks::None) { sent.batch.record_count() } else { 0 };
            let batch = ClientBatch { batch: sent.batch, writer: client.0, serial: sent.serial };
            let result = acks.ok_or(ErrorCode::InvalidRequiredAcks);
            let result = result.and_then(|acks| self.append(now, partition, batch, acks, &mut parked.open));
            if result.is_err() && acks == Some(Acks::None) {
                out.fact(Fact::Dropped { client, partition, records });
            }
            parked.results.push(ProducedPartition { partition, result, arrived: now });
        }
        match acks {
            // Nobody waits for an answer: a closed connection is all that tells the producer to look for another leader.
            Some(Acks::None) if parked.results.iter().any(|result| result.result.is_err()) => out.close(from),
            Some(Acks::None) => {}
            _ => self.answer_when_committed(parked, out),
        }
    }

    /// Appends as leader: base offset and the epoch that wrote it. What is not committed then waits for the high watermark, under the
    /// number of the produce request that is parked next, and counts as `open`.
    pub(super) fn append(
        &mut self,
        now: SimTime,
        id: TopicPartition,
        batch: ClientBatch,
        acks: Acks,
        open: &mut u32,
    ) -> Result<(Offset, LeaderEpoch), ErrorCode> {
        let (image, lag_max, clock_ms) = (&self.image, self.config.replica_lag_time_max, self.clock_ms(now));
        let bytes = u64::from(batch.batch.size_in_bytes());
        let replica = led(&mut self.replicas, id)?;
        let Appended { base_offset, end, duplicate } = replica.append(now, clock_ms, batch, acks)?;
        if !duplicate {
            self.traffic.messages_in += end.since(base_offset);
            self.traffic.bytes_in += bytes;
            replica.advance_high_watermark(now, lag_max, &|broker, epoch| eligible(image, broker, epoch));
            self.moved.insert(id);
        }
        if acks == Acks::All && replica.high_watermark < end && !planted(Bug::AckBeforeCommit) {
            let produces = &mut replica.waiting.produces;
            let place = match produces.back() {
                Some((last, _)) if *last > end => produces.partition_point(|(offset, _)| *offset <= end),
                _ => produces.len(),
            };
            produces.insert(place, (end, self.purgatory.next_waiter()));
            *open += 1;
        }
        // A duplicate was written by the leader of its time.
        Ok((base_offset, replica.log.epochs().epoch_for(base_offset).unwrap_or(replica.leader_epoch)))
    }

    /// Answers at once when nothing is left to wait for, else parks the request.
    pub(super) fn answer_when_committed(&mut self, parked: ParkedProduce, out: &mut Outbox) {
        match parked.open {
            0 => finish_produce(&mut self.groups, parked, out),
            _ => self.purgatory.park_produce(parked),
        }
    }

    fn fetch(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: Box<FetchRequest>, out: &mut Outbox) {
        // The read comes first: what this fetch acknowledges moves the high watermark of the next answer, not of this one.
        let (answer, bytes, urgent) = self.read(&request);
        if let Some((follower, epoch)) = request.replica {
            self.note_follower(now, follower, epoch, &request);
        }
        if urgent || bytes >= u64::from(request.min_bytes) || request.max_wait.micros() == 0 {
            self.traffic.bytes_out += if request.replica.is_none() { bytes } else { 0 };
            out.respond(from, id, Response::Fetch(answer));
            return;
        }
        let waiter = self.purgatory.next_waiter();
        for asked in &request.partitions {
            if let Some(replica) = self.replicas.get_mut(&asked.partition) {
                replica.waiting.fetches.push(WaitingFetch { waiter, offset: asked.offset, follows: request.replica.is_some() });
            }
        }
        let deadline = now + request.max_wait;
        self.purgatory.park_fetch(ParkedFetch { from, id, request, deadline });
    }

    /// A follower's fetch offsets are its acknowledgements.
    fn note_follower(&mut self, now: SimTime, follower: BrokerId, epoch: BrokerEpoch, request: &FetchRequest) {
        if self.is_stale(follower, epoch) {
            return;
        }
        for asked in &request.partitions {
            let Ok(replica) = led(&mut self.replicas, asked.partition) else { continue };
            let inside = (replica.log.log_start()..=replica.log.log_end()).contains(&asked.offset);
            let other_epoch = replica.leader_epoch != asked.current_leader_epoch;
            if other_epoch || differs(replica, asked).is_some() || !inside {
                continue;
            }
            replica.follower_fetched(follower, epoch, asked.offset, now);
            // The usual case: a member asks for what is not there yet, and everything is committed.
            if replica.is_in_sync(follower) && replica.high_watermark == replica.log.log_end() {
                continue;
            }
            self.offer_expansion(asked.partition, follower);
            self.advance(now, asked.partition);
        }
    }

    /// The process that asks has been replaced: its broker registered again.
    fn is_stale(&self, follower: BrokerId, epoch: BrokerEpoch) -> bool {
        self.image.brokers.get(&follower).is_some_and(|known| known.epoch > epoch)
    }

    /// Reads every partition of a fetch; says how many bytes there are and whether something must be told at once.
    fn read(&self, request: &FetchRequest) -> (Vec<FetchedPartition>, u64, bool) {
        let asker = match request.replica {
            None => Asker::Consumer,
            Some((follower, epoch)) if self.is_stale(follower, epoch) => Asker::Replaced,
            Some(_) => Asker::Follower,
        };
        let mut answer = Vec::new();
        let (mut bytes, mut urgent) = (0_u64, false);
        for asked in &request.partitions {
            let replica = self.readable(asked, asker);
            if request.rack.is_none() && replica.is_ok_and(|replica| has_all(replica, asked, asker)) {
                continue;
            }
            let mut fetched = nothing(asked);
            let left = u64::from(request.max_bytes).saturating_sub(bytes).min(u64::from(asked.max_bytes)) as u32;
            match replica {
                Ok(replica) => {
                    fetched.preferred = request.rack.as_deref().and_then(|rack| self.preferred(replica, asked.offset, rack));
                    read_one(replica, asked, asker, left, &mut fetched);
                }
                Err(error) => fetched.error = Some(error),
            }
            bytes += fetched.batches.iter().map(|batch| u64::from(batch.batch.size_in_bytes())).sum::<u64>();
            let told = fetched.error.is_some() || fetched.diverging.is_some() || fetched.preferred.is_some();
            urgent |= told;
            let moved = fetched.high_watermark != asked.high_watermark || fetched.log_start > asked.log_start;
            if told || moved || !fetched.batches.is_empty() {
                answer.push(fetched);
            }
        }
        (answer, bytes, urgent)
    }

    /// Followers copy from the leader alone; consumers may read from a follower too (KIP-392).
    fn readable(&self, asked: &FetchPartition, asker: Asker) -> Result<&Replica, ErrorCode> {
        let replica = self.replicas.get(&asked.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        same_epoch(asked.current_leader_epoch, replica)?;
        match (&replica.role, asker) {
            (Role::Leader(_), Asker::Consumer | Asker::Follower) | (Role::Follower { .. }, Asker::Consumer) => Ok(replica),
            _ => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    /// `RackAwareReplicaSelector`: of the in-sync followers in the consumer's rack that hold the offset, the one that has most.
    /// None while the leader itself stands there, or nobody does.
    fn preferred(&self, replica: &Replica, offset: Offset, rack: &str) -> Option<BrokerId> {
        let leadership = replica.leadership().filter(|_| self.config.rack_aware_reads)?;
        let there =
            |broker: BrokerId| self.image.brokers.get(&broker).is_some_and(|known| !known.fenced && known.rack.as_deref() == Some(rack));
        if there(self.id) {
            return None;
        }
        let holding = leadership.followers.iter().filter(|follower| {
            leadership.isr.contains(&follower.broker) && follower.log_end.is_some_and(|end| end >= offset) && there(follower.broker)
        });
        holding.max_by_key(|follower| (follower.log_end, follower.last_caught_up_ms, follower.broker)).map(|follower| follower.broker)
    }

    fn list_offsets(&mut self, request: &ListOffsetsRequest) -> Vec<(TopicPartition, Result<Offset, ErrorCode>)> {
        let mut one = |id: TopicPartition| {
            let replica = led(&mut self.replicas, id)?;
            match request.at {
                ListAt::Earliest => Ok(Some(replica.log.log_start())),
                ListAt::Latest => replica.latest_offset().map(Some),
                ListAt::Time(at) => {
                    let end = replica.latest_offset()?;
                    Ok(replica.log.offset_at_time(at).filter(|offset| *offset < end))
                }
            }
        };
        request.partitions.iter().filter_map(|id| Some((*id, one(*id).transpose()?))).collect()
    }

    fn epoch_end(&mut self, asked: &EpochQuestion) -> Result<Option<(LeaderEpoch, Offset)>, ErrorCode> {
        let replica = led(&mut self.replicas, asked.partition)?;
        same_epoch(asked.current_leader_epoch, replica)?;
        Ok(replica.log.epochs().end_offset_for(asked.epoch, replica.log.log_end()))
    }

    /// Looks at what is parked on a partition whose log or high watermark moved.
    pub(super) fn wake_waiting(&mut self, id: TopicPartition, out: &mut Outbox) {
        let Some(replica) = self.replicas.get_mut(&id) else { return };
        while let Some((need, waiter)) = replica.waiting.produces.front().copied()
            && let Some(result) = replica.committed(need)
        {
            replica.waiting.produces.pop_front();
            if let Some(done) = self.purgatory.settle(waiter, id, result.err()) {
                finish_produce(&mut self.groups, done, out);
            }
        }
        let (log_end, high_watermark) = (replica.log.log_end(), replica.high_watermark);
        let has_news = |fetch: &&WaitingFetch| fetch.offset < if fetch.follows { log_end } else { high_watermark };
        let awake: Vec<u64> = replica.waiting.fetches.iter().filter(has_news).map(|fetch| fetch.waiter).collect();
        for waiter in awake {
            self.try_fetch_again(waiter, out);
        }
    }

    fn try_fetch_again(&mut self, waiter: u64, out: &mut Outbox) {
        let Some(parked) = self.purgatory.fetch(waiter) else { return };
        let (answer, bytes, urgent) = self.read(&parked.request);
        if urgent || bytes >= u64::from(parked.request.min_bytes) {
            let (to, id) = (parked.from, parked.id);
            self.traffic.bytes_out += if parked.request.replica.is_none() { bytes } else { 0 };
            self.forget_fetch(waiter);
            out.respond(to, id, Response::Fetch(answer));
        }
    }

    /// Unparks a fetch without answering it.
    pub(super) fn forget_fetch(&mut self, waiter: u64) {
        if let Some(parked) = self.purgatory.take_fetch(waiter) {
            self.unwatch(waiter, &parked.request);
        }
    }

    fn unwatch(&mut self, waiter: u64, request: &FetchRequest) {
        for asked in &request.partitions {
            if let Some(replica) = self.replicas.get_mut(&asked.partition) {
                replica.waiting.fetches.retain(|parked| parked.waiter != waiter);
            }
        }
    }

    /// Leadership is gone, or the partition: whoever waited here must look elsewhere.
    pub(super) fn refuse_waiting(&mut self, id: TopicPartition, waiting: Waiting, error: ErrorCode, out: &mut Outbox) {
        for (_, waiter) in waiting.produces {
            let error = (!planted(Bug::WaitersForgetTheLeader)).then_some(error);
            if let Some(done) = self.purgatory.settle(waiter, id, error) {
                finish_produce(&mut self.groups, done, out);
            }
        }
        for WaitingFetch { waiter, .. } in waiting.fetches {
            let Some(parked) = self.purgatory.take_fetch(waiter) else { continue };
            self.unwatch(waiter, &parked.request);
            let (answer, ..) = self.read(&parked.request);
            out.respond(parked.from, parked.id, Response::Fetch(answer));
        }
    }

    pub(super) fn expire_waiting(&mut self, now: SimTime, out: &mut Outbox) {
        while let Some((waiter, expired)) = self.purgatory.expire(now) {
            match expired {
                Expired::Fetch(parked) => {
                    self.unwatch(waiter, &parked.request);
                    let (answer, ..) = self.read(&parked.request);
                    out.respond(parked.from, parked.id, Response::Fetch(answer));
                }
                Expired::Produce(mut parked) => {
                    for part in &mut parked.results {
                        let replica = self.replicas.get_mut(&part.partition);
                        part.result = replica.map_or(Ok(()), |replica| replica.stop_waiting(waiter)).and(part.result);
                    }
                    finish_produce(&mut self.groups, parked, out);
                }
            }
        }
    }
}

/// Who fetches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asker {
    Consumer,
    Follower,
    /// A follower's process that has been replaced since.
    Replaced,
}

/// Consumers see what is committed, followers copy everything.
fn readable_until(replica: &Replica, asker: Asker) -> Offset {
    if asker == Asker::Consumer && !planted(Bug::ReadsBeyondTheHighWatermark) { replica.high_watermark } else { replica.log.log_end() }
}

/// The usual case: whoever asks has all there is to read, and knows so.
fn has_all(replica: &Replica, asked: &FetchPartition, asker: Asker) -> bool {
    asked.offset == readable_until(replica, asker)
        && asked.high_watermark == replica.high_watermark
        && replica.log.log_start() <= asked.log_start.min(asked.offset)
        && asked.last_fetched_epoch.is_none_or(|epoch| replica.log.epochs().latest() == Some(epoch))
}

fn nothing(asked: &FetchPartition) -> FetchedPartition {
    FetchedPartition {
        partition: asked.partition,
        offset: asked.offset,
        leader_epoch: asked.current_leader_epoch,
        error: None,
        high_watermark: asked.high_watermark,
        log_start: Offset::ZERO,
        preferred: None,
        diverging: None,
        batches: Vec::new(),
    }
}

fn read_one(replica: &Replica, asked: &FetchPartition, asker: Asker, max_bytes: u32, fetched: &mut FetchedPartition) {
    fetched.high_watermark = replica.high_watermark;
    fetched.log_start = replica.log.log_start();
    let inside = (replica.log.log_start()..=replica.log.log_end()).contains(&asked.offset);
    match differs(replica, asked) {
        _ if fetched.preferred.is_some() => {}
        Some(Ok(at)) => fetched.diverging = Some(at),
        // A follower asks the leader's log start and end next (`ListOffsets`); ours come with the refusal.
        undefined if undefined.is_some() || !inside => {
            fetched.error = Some(ErrorCode::OffsetOutOfRange);
            fetched.high_watermark = replica.log.log_end();
        }
        _ if max_bytes > 0 => fetched.batches = replica.log.read(asked.offset, readable_until(replica, asker), max_bytes),
        _ => {}
    }
}

/// A replica its broker leads, or the error a client gets instead.
fn led(replicas: &mut Replicas, id: TopicPartition) -> Result<&mut Replica, ErrorCode> {
    let replica = replicas.get_mut(&id).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    match replica.role {
        Role::Leader(_) => Ok(replica),
        _ => Err(ErrorCode::NotLeaderOrFollower),
    }
}

fn finish_produce(groups: &mut GroupCoordinator, parked: ParkedProduce, out: &mut Outbox) {
    match parked.answer_to {
        AnswerTo::Producer(to, id) => out.respond(to, id, Response::Produce(parked.results)),
        AnswerTo::Group(continuation) => {
            let failed = parked.results.iter().find_map(|result| result.result.err());
            groups.written(continuation, failed, out);
        }
    }
}

/// Whether the asker says what its last record is, and this log has something else there.
fn differs(replica: &Replica, asked: &FetchPartition) -> Option<Result<(LeaderEpoch, Offset), ErrorCode>> {
    let untold = planted(Bug::DivergenceIsNotTold) || planted(Bug::TruncateToHighWatermark);
    if untold { None } else { diverging(&replica.log, asked.last_fetched_epoch?, asked.offset) }
}

/// Both sides believe in the same leader.
fn same_epoch(theirs: LeaderEpoch, replica: &Replica) -> Result<(), ErrorCode> {
    match theirs.cmp(&replica.leader_epoch) {
        Ordering::Less => Err(ErrorCode::FencedLeaderEpoch),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(ErrorCode::UnknownLeaderEpoch),
    }
}
