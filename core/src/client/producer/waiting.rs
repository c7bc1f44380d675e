//! What a producer waits for, for whoever asks why it does not send.

use super::accumulator::Head;
use super::{Identity, Producer};
use crate::ids::BrokerId;
use crate::time::SimTime;

/// Where a producer stands, in what decides whether it sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub closing: bool,
    pub knows_topic: bool,
    /// `send()` waits since then.
    pub blocked_since: Option<SimTime>,
    /// Bytes of `buffer.memory` in use.
    pub buffered: u64,
    /// When the application calls `send()` next; [`SimTime::MAX`]: never again.
    pub next_record: SimTime,
    pub batches: Vec<Batched>,
    pub requests: Vec<Asked>,
    /// It has no producer id yet: asked of a broker, or to be asked.
    pub identity: Option<Option<(BrokerId, SimTime)>>,
}

/// The first batch that waits for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batched {
    pub partition: u32,
    /// Batches behind it, and it.
    pub count: u32,
    /// As far as the producer knows.
    pub leader: Option<BrokerId>,
    /// It may go then: `linger.ms` is over, or it is full, or the pause before it is sent again.
    pub at: SimTime,
    pub sent_before: bool,
    /// `delivery.timeout.ms` after it was begun.
    pub deadline: SimTime,
    /// Its leader takes no more requests now (`max.in.flight.requests.per.connection`), or its connection pauses until then.
    pub leader_free_at: Option<SimTime>,
}

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub to: BrokerId,
    pub records: u64,
    /// `request.timeout.ms` after it was sent.
    pub deadline: SimTime,
    /// `delivery.timeout.ms` of its oldest batch.
    pub expires: SimTime,
}

impl Producer {
    /// Records it has taken and neither got an answer for nor given up.
    pub fn open_records(&self) -> u64 {
        let under_way = self.in_flight.iter().flat_map(|(_, request)| &request.batches).map(|batch| u64::from(batch.records));
        self.accumulator.records() + under_way.sum::<u64>()
    }

    #[inline(never)]
    pub fn waiting(&self) -> Waiting {
        let image = self.connections.image();
        let topic = self.topic_id.and_then(|topic| image?.topic(topic));
        let batched = |(partition, count, at, head): (u32, u32, SimTime, Head)| {
            let leader = topic.and_then(|topic| topic.partitions.get(partition as usize)?.leader);
            Batched {
                partition,
                count,
                leader,
                at,
                sent_before: head.retry_at.is_some(),
                deadline: head.deadline,
                leader_free_at: leader.and_then(|leader| self.connections.free_at(leader, self.config.max_in_flight)),
            }
        };
        let asked = |(_, request): &(_, super::InFlight)| Asked {
            to: request.to,
            records: request.batches.iter().map(|batch| u64::from(batch.records)).sum(),
            deadline: request.deadline,
            expires: request.expires,
        };
        Waiting {
            closing: self.closing,
            knows_topic: self.topic_id.is_some(),
            blocked_since: self.blocked_since,
            buffered: self.accumulator.buffered(),
            next_record: self.workload.next_at(),
            batches: self.accumulator.heads().into_iter().map(batched).collect(),
            requests: self.in_flight.iter().map(asked).collect(),
            identity: match self.identity {
                Identity::NotNeeded | Identity::Known { .. } => None,
                Identity::Wanted => Some(None),
                Identity::Asked { of, deadline } => Some(Some((of, deadline))),
            },
        }
    }
}
