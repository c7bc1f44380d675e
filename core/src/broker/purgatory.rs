//! Requests that wait: produce requests for the high watermark, fetch requests for data. Kafka's delayed operations.

use crate::error::ErrorCode;
use crate::group::Continuation;
use crate::ids::{CorrelationId, NodeId, TopicPartition};
use crate::protocol::{FetchRequest, ProducedPartition};
use crate::sorted::Line;
use crate::time::SimTime;

#[derive(Clone, Debug, Default)]
pub struct Purgatory {
    next_id: u64,
    produces: Line<u64, ParkedProduce>,
    fetches: Line<u64, ParkedFetch>,
    deadlines: Line<(SimTime, u64), ()>,
}

/// A produce request whose partitions are not all committed yet.
#[derive(Clone, Debug)]
pub struct ParkedProduce {
    pub answer_to: AnswerTo,
    pub results: Vec<ProducedPartition>,
    /// How many of them are not settled yet.
    pub open: u32,
    pub deadline: SimTime,
}

/// Who waits for the commit.
#[derive(Clone, Debug)]
pub enum AnswerTo {
    Producer(NodeId, CorrelationId),
    /// The group coordinator's own write.
    Group(Continuation),
}

#[derive(Clone, Debug)]
pub struct ParkedFetch {
    pub from: NodeId,
    pub id: CorrelationId,
    pub request: Box<FetchRequest>,
    pub deadline: SimTime,
}

pub enum Expired {
    Produce(ParkedProduce),
    Fetch(ParkedFetch),
}

impl Purgatory {
    /// The number that the request gets which is parked next.
    pub fn next_waiter(&self) -> u64 {
        self.next_id + 1
    }

    pub fn park_produce(&mut self, parked: ParkedProduce) {
        let id = self.claim(parked.deadline);
        self.produces.insert(id, parked);
    }

    pub fn park_fetch(&mut self, parked: ParkedFetch) {
        let id = self.claim(parked.deadline);
        self.fetches.insert(id, parked);
    }

    fn claim(&mut self, deadline: SimTime) -> u64 {
        self.next_id += 1;
        self.deadlines.insert((deadline, self.next_id), ());
        self.next_id
    }

    /// One partition of a parked produce is settled; the request comes back when it was the last.
    pub fn settle(&mut self, id: u64, partition: TopicPartition, error: Option<ErrorCode>) -> Option<ParkedProduce> {
        let parked = self.produces.remove_if(&id, |parked| {
            if let Some(error) = error
                && let Some(result) = parked.results.iter_mut().find(|result| result.partition == partition)
            {
                result.result = Err(error);
            }
            parked.open -= 1;
            parked.open == 0
        })?;
        self.deadlines.remove(&(parked.deadline, id));
        Some(parked)
    }

    pub fn fetch(&self, id: u64) -> Option<&ParkedFetch> {
        self.fetches.get(&id)
    }

    pub fn take_fetch(&mut self, id: u64) -> Option<ParkedFetch> {
        let parked = self.fetches.remove(&id)?;
        self.deadlines.remove(&(parked.deadline, id));
        Some(parked)
    }

    /// Ids of fetches of a peer that is gone.
    pub fn fetches_of(&self, peer: NodeId) -> Vec<u64> {
        self.fetches.iter().filter(|(_, fetch)| fetch.from == peer).map(|(id, _)| *id).collect()
    }

    pub fn next_deadline(&self) -> SimTime {
        self.deadlines.first().map_or(SimTime::MAX, |(deadline, _)| *deadline)
    }

    /// The next request whose time is up.
    pub fn expire(&mut self, now: SimTime) -> Option<(u64, Expired)> {
        let (deadline, id) = *self.deadlines.first()?;
        if deadline > now {
            return None;
        }
        self.deadlines.remove(&(deadline, id));
        match self.produces.remove(&id) {
            Some(produce) => Some((id, Expired::Produce(produce))),
            None => self.fetches.remove(&id).map(|fetch| (id, Expired::Fetch(fetch))),
        }
    }
}
