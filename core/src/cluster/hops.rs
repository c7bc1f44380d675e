//! What travels, for the picture: the first arrivals of a frame, and how many there were in all. Not part of the state.

use super::Cluster;
use crate::ids::{ClientId, NodeId, TopicId, TopicPartition};
use crate::protocol::{Envelope, Message, Request, Response};
use crate::view::large::{self, Mote};
use crate::view::{HopKind, HopView, Place};

/// Arrivals kept for the picture; not part of the state.
#[derive(Clone, Debug, Default)]
pub(super) struct Hops {
    pub(super) capacity: Option<u32>,
    kept: Vec<HopView>,
    total: u64,
    /// Kept in place of `kept` where there are too many to tell in words: up to so many.
    motes: Option<(u32, Vec<(Mote, TopicId)>)>,
}

impl Hops {
    pub(super) fn holding(capacity: Option<u32>) -> Self {
        Hops { capacity, ..Hops::default() }
    }
}

impl Cluster {
    /// How many arrivals are kept between two calls of [`take_hops`](Cluster::take_hops).
    pub fn hop_capacity(&self) -> Option<u32> {
        self.hops.capacity
    }

    /// From now on the first `capacity` arrivals between two calls of [`take_hops`](Cluster::take_hops) are kept; `None`: none.
    pub fn set_hop_capacity(&mut self, capacity: Option<u32>) {
        self.hops = Hops::holding(capacity);
    }

    /// Arrivals since the last call, and how many there were in all.
    pub fn take_hops(&mut self) -> (Vec<HopView>, u64) {
        (std::mem::take(&mut self.hops.kept), std::mem::take(&mut self.hops.total))
    }

    /// From now on arrivals are kept as [`Mote`]s, so many between two calls of [`take_motes`](Cluster::take_motes); `None`: in words.
    pub fn set_motes(&mut self, capacity: Option<u32>) {
        if self.hops.motes.as_ref().map(|(most, _)| *most) != capacity {
            self.hops.motes = capacity.map(|most| (most, Vec::new()));
        }
    }

    /// What arrived for the user's topics since the last call. How many there were in all, [`take_hops`](Cluster::take_hops) says.
    pub fn take_motes(&mut self) -> Vec<Mote> {
        let bases = large::bases(self);
        let clients = large::places(self);
        let brokers = large::brokers(self);
        let Some((_, motes)) = &mut self.hops.motes else { return Vec::new() };
        let placed = |(mote, topic): (Mote, TopicId)| {
            let (_, base) = bases.iter().find(|(id, _)| *id == topic)?;
            let broker = |id: u32| brokers.iter().position(|shown| *shown == id as i32).map(|at| at as u32);
            let other = if mote.kind == HopKind::Replicate { broker(mote.other)? } else { *clients.get(mote.other as usize)? };
            Some(Mote { partition: base + mote.partition, broker: broker(mote.broker)?, other, ..mote })
        };
        std::mem::take(motes).into_iter().filter_map(placed).collect()
    }

    #[inline(never)]
    fn keep_mote(&mut self, kind: HopKind, envelope: &Envelope, id: TopicPartition) {
        let place = |node: NodeId| match node {
            NodeId::Broker(id) => Some(id.0 as u32),
            NodeId::Client(ClientId(client)) => Some(client),
            NodeId::Controller(_) => None,
        };
        let (broker, other) = match kind {
            HopKind::Produce | HopKind::Commit => (envelope.to, envelope.from),
            HopKind::Replicate | HopKind::Deliver => (envelope.from, envelope.to),
        };
        let Some((broker, other)) = place(broker).zip(place(other)) else { return };
        let (departed_us, arrived_us) = (envelope.sent_at.micros(), self.now.micros());
        let mote = Mote { kind, partition: id.partition, broker, other, departed_us, arrived_us };
        if let Some((most, motes)) = &mut self.hops.motes
            && motes.len() < *most as usize
        {
            motes.push((mote, id.topic));
        }
    }

    /// Notes what a message brings, for the picture.
    #[inline(never)]
    pub(super) fn watch(&mut self, envelope: &Envelope) {
        match &envelope.message {
            Message::Request(_, Request::Produce(request)) => {
                for sent in &request.batches {
                    let end = self.broker_log_end(envelope.to, sent.partition);
                    let key = sent.batch.records().next().and_then(|record| record.key);
                    self.keep_hop(HopKind::Produce, envelope, sent.partition, end, sent.batch.record_count(), key);
                }
            }
            Message::Response(_, Response::Fetch(answer)) => {
                let kind = match envelope.to {
                    NodeId::Broker(_) => HopKind::Replicate,
                    _ => HopKind::Deliver,
                };
                for fetched in answer.iter().filter(|fetched| !fetched.batches.is_empty()) {
                    let records = fetched.batches.iter().map(|batch| batch.batch.record_count()).sum();
                    let first = &fetched.batches[0];
                    let key = first.batch.records().next().and_then(|record| record.key);
                    self.keep_hop(kind, envelope, fetched.partition, Some(first.base_offset.0), records, key);
                }
            }
            Message::Request(_, Request::OffsetCommit(request)) => {
                for (partition, offset, _) in &request.offsets {
                    self.keep_hop(HopKind::Commit, envelope, *partition, Some(offset.0), 0, None);
                }
            }
            _ => {}
        }
    }

    /// Where the records of a produce request will lie if this broker leads; known before it is handled.
    fn broker_log_end(&self, to: NodeId, partition: TopicPartition) -> Option<u64> {
        let NodeId::Broker(id) = to else { return None };
        let replica = self.broker(id)?.replicas().get(&partition)?;
        replica.leadership().map(|_| replica.log.log_end().0)
    }

    fn keep_hop(&mut self, kind: HopKind, envelope: &Envelope, id: TopicPartition, offset: Option<u64>, records: u32, key: Option<&[u8]>) {
        self.hops.total += 1;
        if self.hops.motes.is_some() {
            return self.keep_mote(kind, envelope, id);
        }
        if self.hops.kept.len() as u32 >= self.hops.capacity.unwrap_or(0) {
            return;
        }
        let topic = self.controller().image().topic(id.topic).map(|topic| topic.name.to_string()).unwrap_or_default();
        self.hops.kept.push(HopView {
            kind,
            from: self.place(envelope.from),
            to: self.place(envelope.to),
            departed_us: envelope.sent_at.micros(),
            arrived_us: self.now.micros(),
            topic,
            partition: id.partition,
            offset,
            records,
            key: key.map(|key| String::from_utf8_lossy(key).into_owned()),
        });
    }

    fn place(&self, id: NodeId) -> Place {
        match id {
            NodeId::Controller(_) => Place::Nowhere,
            NodeId::Broker(id) => Place::Broker(id.0),
            NodeId::Client(client) => {
                let producer = self.producer(client).map(|producer| &producer.name);
                let name = producer.or_else(|| self.consumer(client).map(|consumer| &consumer.name));
                name.map_or(Place::Nowhere, |name| Place::Client(name.to_string()))
            }
        }
    }
}
