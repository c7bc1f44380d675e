//! The one shape of every participant: it is handed *now* and an input, and writes effects into an outbox.
//!
//! It never sees the queue, the network or a clock. Time comes in; the next time it wants to be woken goes out.

use crate::ids::{ClientId, CorrelationId, EventId, LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::protocol::{Message, Request, Response};
use crate::time::SimTime;
use crate::trace::{EventKind, TraceEvent};

pub trait Node {
    /// A message arrived.
    fn handle(&mut self, now: SimTime, from: NodeId, message: Message, out: &mut Outbox);

    /// The earliest moment at which [`handle_timeout`](Node::handle_timeout) has something to do.
    fn next_timeout(&self) -> SimTime;

    /// Some of its timers may have expired; those that have not are left alone.
    fn handle_timeout(&mut self, now: SimTime, out: &mut Outbox);
}

/// What a participant wants done. The cluster drains it after every call, so nothing can be forgotten.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    pub(crate) sends: Vec<(NodeId, Message)>,
    pub(crate) events: Vec<TraceEvent>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) next_event: u64,
}

/// What the referee counts: told by the participants, decided by nobody.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The application handed records to its producer.
    Sent {
        client: ClientId,
        records: u32,
    },
    /// The producer's promise: records at `base..end` written in `epoch` are stored, as far as its acks go.
    Acked {
        client: ClientId,
        partition: TopicPartition,
        base: Offset,
        records: u32,
        epoch: LeaderEpoch,
    },
    /// `acks=0`: the producer reports success without having heard anything.
    AckedBlindly {
        client: ClientId,
        records: u32,
    },
    Failed {
        client: ClientId,
        records: u32,
    },
    /// A consumer handed records `from..to` of a batch to its application.
    Delivered {
        client: ClientId,
        partition: TopicPartition,
        batch: StoredBatch,
        from: Offset,
        to: Offset,
    },
    /// A leader took office; its log is the partition now.
    LeaderStarted {
        partition: TopicPartition,
        because: Option<EventId>,
    },
    /// A process ended by itself, and the event that says why.
    Exited(NodeId, Option<EventId>),
}

impl Outbox {
    pub fn request(&mut self, to: NodeId, id: CorrelationId, request: Request) {
        self.sends.push((to, Message::Request(id, request)));
    }

    pub fn respond(&mut self, to: NodeId, id: CorrelationId, response: Response) {
        self.sends.push((to, Message::Response(id, response)));
    }

    /// Closes the connection.
    pub fn close(&mut self, to: NodeId) {
        self.sends.push((to, Message::Closed));
    }

    pub fn fact(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// Records a decision; its id can be kept as the cause of later ones.
    pub fn note(&mut self, kind: EventKind, subject: String, text: String, rule: String, causes: Vec<EventId>) -> EventId {
        let id = EventId(self.next_event);
        self.next_event += 1;
        self.events.push(TraceEvent { id, kind, subject, text, rule, causes });
        id
    }
}
