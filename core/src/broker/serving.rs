//! Serving clients and followers: produce, fetch, list offsets, and waking what waits for them. Kafka's `ReplicaManager`.

use super::partition::{Replica, Role};
use super::purgatory::{AnswerTo, Expired, ParkedFetch, ParkedProduce, stored};
use super::{Broker, Phase};
use crate::error::ErrorCode;
use crate::ids::{BrokerEpoch, BrokerId, CorrelationId, NodeId, Offset, TopicPartition};
use crate::log::ClientBatch;
use crate::node::Outbox;
use crate::protocol::{
    FetchPartition, FetchRequest, FetchedPartition, ListOffsetsRequest, ProduceBatch, ProduceRequest, ProducedPartition, Request, Response,
};
use crate::time::SimTime;

impl Broker {
    pub(super) fn serve(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: Request, out: &mut Outbox) {
        match request {
            Request::Metadata => out.respond(from, id, Response::Metadata(std::sync::Arc::clone(&self.image))),
            Request::InitProducerId => {
                let producer_id = self.next_producer_id;
                self.next_producer_id += 1;
                out.respond(from, id, Response::InitProducerId { producer_id, producer_epoch: 0 });
            }
            Request::Produce(request) => self.produce(now, from, id, &request, out),
            Request::Fetch(request) => self.fetch(now, from, id, request, out),
            Request::ListOffsets(request) => {
                let answer = self.list_offsets(&request);
                out.respond(from, id, Response::ListOffsets(answer));
            }
            group_request => self.serve_group(now, from, id, group_request, out),
        }
    }

    /// A replica this broker leads, or the error a client gets instead.
    fn led(&mut self, id: TopicPartition) -> Result<&mut Replica, ErrorCode> {
        let replica = self.replicas.get_mut(&id).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        match replica.role {
            Role::Leader(_) => Ok(replica),
            _ => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    fn produce(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: &ProduceRequest, out: &mut Outbox) {
        let NodeId::Client(client) = from else { return };
        let mut results = Vec::with_capacity(request.batches.len());
        let mut needs = Vec::new();
        for sent in &request.batches {
            let batch = ClientBatch { batch: std::sync::Arc::clone(&sent.batch), writer: client.0, serial: sent.serial };
            let (result, need) = self.append_one(now, sent, &batch, request.acks_all);
            results.push(result);
            needs.extend(need.map(|need| (sent.partition, need)));
        }
        if request.wants_answer {
            let answer_to = AnswerTo::Producer(from, id);
            self.answer_when_committed(ParkedProduce { answer_to, results, open: 0, deadline: now + request.timeout }, &needs, out);
        }
    }

    /// The result of one batch, and the high watermark it still needs.
    fn append_one(
        &mut self,
        now: SimTime,
        sent: &ProduceBatch,
        batch: &ClientBatch,
        acks_all: bool,
    ) -> (ProducedPartition, Option<Offset>) {
        let appended = self.append(now, sent.partition, batch, acks_all);
        match appended {
            Ok((base, end)) => {
                let replica = self.replicas.get(&sent.partition).expect("just appended to it");
                let need = (acks_all && replica.high_watermark < end).then_some(end);
                // A duplicate was written by the leader of its time.
                let epoch = replica.log.epochs().epoch_for(base).unwrap_or(replica.leader_epoch);
                (stored(sent.partition, base, epoch), need)
            }
            Err(error) => (ProducedPartition { partition: sent.partition, result: Err(error) }, None),
        }
    }

    /// Appends as leader; with `acks=all` only while the ISR is large enough. Gives base offset and end.
    pub(super) fn append(
        &mut self,
        now: SimTime,
        id: TopicPartition,
        batch: &ClientBatch,
        acks_all: bool,
    ) -> Result<(Offset, Offset), ErrorCode> {
        let replica = self.led(id)?;
        let isr = replica.leadership().map_or(0, |leadership| leadership.isr.len());
        if acks_all && isr < replica.effective_min_isr() {
            return Err(ErrorCode::NotEnoughReplicas);
        }
        let config = std::sync::Arc::clone(&replica.config);
        let appended = replica.log.append_as_leader(batch, replica.leader_epoch, &config)?;
        if !appended.duplicate {
            self.moved.insert(id);
            self.advance(now, id);
        }
        Ok((appended.base_offset, appended.end))
    }

    /// Answers at once when nothing is left to wait for, else parks the request with the partitions that are open.
    pub(super) fn answer_when_committed(&mut self, mut parked: ParkedProduce, needs: &[(TopicPartition, Offset)], out: &mut Outbox) {
        if needs.is_empty() {
            self.finish_produce(parked, out);
            return;
        }
        parked.open = needs.len() as u32;
        let waiter = self.purgatory.park_produce(parked);
        for (partition, need) in needs {
            let produces = &mut self.replicas.get_mut(partition).expect("just appended to it").waiting.produces;
            let place = produces.partition_point(|(offset, _)| offset <= need);
            produces.insert(place, (*need, waiter));
        }
    }

    fn finish_produce(&mut self, parked: ParkedProduce, out: &mut Outbox) {
        match parked.answer_to {
            AnswerTo::Producer(to, id) => out.respond(to, id, Response::Produce(parked.results)),
            AnswerTo::Group(continuation) => {
                let failed = parked.results.iter().find_map(|result| result.result.err());
                self.groups.written(continuation, failed, out);
            }
        }
    }

    fn fetch(&mut self, now: SimTime, from: NodeId, id: CorrelationId, request: Box<FetchRequest>, out: &mut Outbox) {
        if let Some((follower, epoch)) = request.replica {
            self.note_follower(now, follower, epoch, &request);
            if self.lifecycle.phase == Phase::Down {
                return;
            }
        }
        let (answer, bytes, urgent) = self.read(&request);
        if urgent || bytes >= u64::from(request.min_bytes) || request.max_wait.micros() == 0 {
            out.respond(from, id, Response::Fetch(answer));
            return;
        }
        let partitions: Vec<TopicPartition> = request.partitions.iter().map(|asked| asked.partition).collect();
        let deadline = now + request.max_wait;
        let waiter = self.purgatory.park_fetch(ParkedFetch { from, id, request, deadline });
        for partition in partitions {
            if let Some(replica) = self.replicas.get_mut(&partition) {
                replica.waiting.fetches.push(waiter);
            }
        }
    }

    /// A follower's fetch offsets are its acknowledgements.
    fn note_follower(&mut self, now: SimTime, follower: BrokerId, epoch: BrokerEpoch, request: &FetchRequest) {
        for asked in &request.partitions {
            let Ok(replica) = self.led(asked.partition) else { continue };
            if replica.leader_epoch != asked.current_leader_epoch
                || diverging(replica, asked).is_some()
                || asked.offset > replica.log.log_end()
            {
                continue;
            }
            replica.follower_fetched(follower, epoch, asked.offset, now);
            // The usual case: a member asks for what is not there yet, and everything is committed.
            if replica.is_in_sync(follower) && replica.high_watermark == replica.log.log_end() {
                continue;
            }
            self.offer_expansion(asked.partition, follower, epoch);
            self.advance(now, asked.partition);
        }
    }

    /// Reads every partition of a fetch; says how many bytes there are and whether something must be told at once.
    fn read(&self, request: &FetchRequest) -> (Vec<FetchedPartition>, u64, bool) {
        let mut answer = Vec::new();
        let (mut bytes, mut urgent) = (0_u64, false);
        for asked in &request.partitions {
            let left = u64::from(request.max_bytes).saturating_sub(bytes).min(u64::from(asked.max_bytes)) as u32;
            let fetched = self.read_one(asked, request.replica.is_some(), left);
            bytes += fetched.batches.iter().map(|batch| u64::from(batch.batch.size_in_bytes())).sum::<u64>();
            let told = fetched.error.is_some() || fetched.diverging.is_some();
            urgent |= told;
            if told || !fetched.batches.is_empty() || fetched.high_watermark != asked.high_watermark {
                answer.push(fetched);
            }
        }
        (answer, bytes, urgent)
    }

    fn read_one(&self, asked: &FetchPartition, follower: bool, max_bytes: u32) -> FetchedPartition {
        let mut fetched = FetchedPartition {
            partition: asked.partition,
            error: None,
            high_watermark: asked.high_watermark,
            log_start: Offset::ZERO,
            diverging: None,
            batches: Vec::new(),
        };
        let replica = match self.readable(asked) {
            Ok(replica) => replica,
            Err(error) => {
                fetched.error = Some(error);
                return fetched;
            }
        };
        fetched.high_watermark = replica.high_watermark;
        fetched.log_start = replica.log.log_start();
        let bound = if follower { replica.log.log_end() } else { replica.high_watermark };
        match diverging(replica, asked) {
            Some(Ok(at)) => fetched.diverging = Some(at),
            Some(Err(error)) => fetched.error = Some(error),
            None if asked.offset > replica.log.log_end() || asked.offset < replica.log.log_start() => {
                fetched.error = Some(ErrorCode::OffsetOutOfRange);
                fetched.high_watermark = replica.log.log_end();
            }
            None if max_bytes > 0 => fetched.batches = replica.log.read(asked.offset, bound, max_bytes),
            None => {}
        }
        fetched
    }

    fn readable(&self, asked: &FetchPartition) -> Result<&Replica, ErrorCode> {
        let replica = self.replicas.get(&asked.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        if asked.current_leader_epoch < replica.leader_epoch {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        if asked.current_leader_epoch > replica.leader_epoch {
            return Err(ErrorCode::UnknownLeaderEpoch);
        }
        match replica.role {
            Role::Leader(_) => Ok(replica),
            _ => Err(ErrorCode::NotLeaderOrFollower),
        }
    }

    /// `latest` is the high watermark: what a consumer may read.
    fn list_offsets(&mut self, request: &ListOffsetsRequest) -> Vec<(TopicPartition, Result<Offset, ErrorCode>)> {
        let earliest = request.earliest;
        let mut one = |id: TopicPartition| {
            let replica = self.led(id)?;
            Ok(if earliest { replica.log.log_start() } else { replica.high_watermark })
        };
        request.partitions.iter().map(|id| (*id, one(*id))).collect()
    }

    /// Looks at what is parked on a partition whose log or high watermark moved.
    pub(super) fn wake_waiting(&mut self, now: SimTime, id: TopicPartition, out: &mut Outbox) {
        self.wake_produces(id, out);
        let Some(replica) = self.replicas.get(&id) else { return };
        let (log_end, high_watermark) = (replica.log.log_end(), replica.high_watermark);
        let has_news = |fetch: &ParkedFetch| {
            let bound = if fetch.request.replica.is_some() { log_end } else { high_watermark };
            fetch.request.partitions.iter().any(|asked| asked.partition == id && asked.offset < bound)
        };
        let awake: Vec<u64> =
            replica.waiting.fetches.iter().copied().filter(|waiter| self.purgatory.fetch(*waiter).is_some_and(has_news)).collect();
        for waiter in awake {
            self.try_fetch_again(now, waiter, out);
        }
    }

    fn wake_produces(&mut self, id: TopicPartition, out: &mut Outbox) {
        while let Some(replica) = self.replicas.get_mut(&id) {
            let high_watermark = replica.high_watermark;
            let Some((_, waiter)) = replica.waiting.produces.pop_front_if(|(need, _)| *need <= high_watermark) else { break };
            let short = replica.leadership().is_some_and(|leadership| leadership.maximal_isr().count() < replica.effective_min_isr());
            let error = short.then_some(ErrorCode::NotEnoughReplicasAfterAppend);
            if let Some(done) = self.purgatory.settle(waiter, id, error) {
                self.finish_produce(done, out);
            }
        }
    }

    fn try_fetch_again(&mut self, _now: SimTime, waiter: u64, out: &mut Outbox) {
        let Some(parked) = self.purgatory.fetch(waiter) else { return };
        let (answer, bytes, urgent) = self.read(&parked.request);
        if urgent || bytes >= u64::from(parked.request.min_bytes) {
            let (to, id) = (parked.from, parked.id);
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
                replica.waiting.fetches.retain(|parked| *parked != waiter);
            }
        }
    }

    /// Leadership is gone: whoever waited here must look for the new leader.
    pub(super) fn refuse_waiting(&mut self, id: TopicPartition, out: &mut Outbox) {
        let Some(replica) = self.replicas.get_mut(&id) else { return };
        let waiting = std::mem::take(&mut replica.waiting);
        for (_, waiter) in waiting.produces {
            if let Some(done) = self.purgatory.settle(waiter, id, Some(ErrorCode::NotLeaderOrFollower)) {
                self.finish_produce(done, out);
            }
        }
        for waiter in waiting.fetches {
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
                Expired::Produce(parked) => self.time_out_produce(waiter, parked, out),
            }
        }
    }

    /// Not committed in time: the data is there, the promise is not.
    fn time_out_produce(&mut self, waiter: u64, mut parked: ParkedProduce, out: &mut Outbox) {
        for result in &mut parked.results {
            if let Some(replica) = self.replicas.get_mut(&result.partition) {
                let before = replica.waiting.produces.len();
                replica.waiting.produces.retain(|(_, id)| *id != waiter);
                if replica.waiting.produces.len() < before {
                    result.result = Err(ErrorCode::RequestTimedOut);
                }
            }
        }
        self.finish_produce(parked, out);
    }
}

/// Where a follower's log differs from this leader's, by the epoch of its last record (KIP-595's rule, used since 2.7).
fn diverging(replica: &Replica, asked: &FetchPartition) -> Option<Result<(crate::ids::LeaderEpoch, Offset), ErrorCode>> {
    let last = asked.last_fetched_epoch?;
    match replica.log.epochs().end_offset_for(last, replica.log.log_end()) {
        None => Some(Err(ErrorCode::OffsetOutOfRange)),
        Some((epoch, end)) if epoch < last || end < asked.offset => Some(Ok((epoch, end))),
        Some(_) => None,
    }
}
