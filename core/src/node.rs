//! The one shape of every participant: it is handed *now* and an input, and writes effects into an outbox.
//!
//! It never sees the queue, the network or a clock. Time comes in; the next time it wants to be woken goes out.

use crate::config::{Acks, OffsetReset};
use crate::error::ErrorCode;
use crate::ids::{BrokerId, ClientId, CorrelationId, EventId, LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::protocol::{Message, Request, Response};
use crate::time::SimTime;
use crate::trace::{EventKind, TraceEvent};
use std::collections::VecDeque;

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
        acks: Acks,
        /// When its batch was begun, and when it was sent the last time.
        created: SimTime,
        sent: SimTime,
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
    /// A producer was told that a batch is not stored, or was not told anything in time; it may send it again.
    Refused {
        client: ClientId,
        partition: TopicPartition,
        by: BrokerId,
        error: ErrorCode,
    },
    /// A batch of acks=0 that this broker does not take; nobody hears of it.
    Dropped {
        client: ClientId,
        partition: TopicPartition,
        records: u32,
    },
    /// A copy does not hold these records any more.
    Cut {
        broker: BrokerId,
        partition: TopicPartition,
        pieces: Vec<Piece>,
        how: CutBy,
        because: Option<EventId>,
    },
    /// A leader gave up what lies below `to`: nobody can read it any more.
    Deleted {
        partition: TopicPartition,
        from: Offset,
        to: Offset,
    },
    /// A member of a group reads from here on.
    Begun {
        client: ClientId,
        partition: TopicPartition,
        at: BeginsAt,
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

/// Records of one leader epoch: from an offset up to another.
pub type Piece = (LeaderEpoch, Offset, Offset);

/// How records leave a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutBy {
    /// The page cache was lost before it was flushed.
    Power,
    /// Recovery found a batch that does not match its CRC.
    Damage,
    /// It follows a leader that never had them.
    Leader(BrokerId),
    /// The log directory was emptied.
    Wipe,
}

/// What a member of a group goes by when it begins to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginsAt {
    Committed,
    /// There was no committed offset, or (`gone`) the log no longer has it.
    Reset {
        to: OffsetReset,
        gone: bool,
    },
    /// Where the application has put it.
    Sought,
    /// Where the log parts from what it had read (KIP-320).
    Truncated,
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

    /// What was sent so far, taken out: for whoever plays the cluster's part.
    pub fn take_sent(&mut self) -> Vec<(NodeId, Message)> {
        std::mem::take(&mut self.sends)
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

/// What is said only when that of which it speaks is written: by the number of records that must be.
#[derive(Clone, Debug, Default)]
pub struct Held {
    effects: VecDeque<(u64, Effect)>,
}

#[derive(Clone, Debug)]
enum Effect {
    Send(NodeId, Message),
    Tell(TraceEvent),
}

impl Held {
    /// Keeps what was put into the outbox since it had so many sends and events.
    pub fn hold(&mut self, upto: u64, (sends, events): (usize, usize), out: &mut Outbox) {
        let told = out.events.drain(events..).map(Effect::Tell);
        let sent = out.sends.drain(sends..).map(|(to, message)| Effect::Send(to, message));
        self.effects.extend(told.chain(sent).map(|effect| (upto, effect)));
    }

    /// So many records are written.
    pub fn release(&mut self, written: u64, out: &mut Outbox) {
        while let Some((_, effect)) = self.effects.pop_front_if(|(upto, _)| *upto <= written) {
            match effect {
                Effect::Send(to, message) => out.sends.push((to, message)),
                Effect::Tell(event) => out.events.push(event),
            }
        }
    }

    /// It will not be written: whoever waits for an answer is told who decides instead.
    pub fn refuse(&mut self, leader: Option<i32>, out: &mut Outbox) {
        for (_, effect) in self.effects.drain(..) {
            if let Effect::Send(to, Message::Response(id, _)) = effect {
                out.respond(to, id, Response::NotController(leader));
            }
        }
    }

    /// The events among it, which nobody was told so far.
    pub fn take_events(&mut self) -> Vec<(u64, TraceEvent)> {
        let (mut events, mut rest) = (Vec::new(), VecDeque::new());
        for (upto, effect) in self.effects.drain(..) {
            match effect {
                Effect::Tell(event) => events.push((upto, event)),
                send => rest.push_back((upto, send)),
            }
        }
        self.effects = rest;
        events
    }

    pub fn clear(&mut self) {
        self.effects.clear();
    }
}

impl Outbox {
    /// Where it stands, for [`Held::hold`].
    pub fn mark(&self) -> (usize, usize) {
        (self.sends.len(), self.events.len())
    }
}
