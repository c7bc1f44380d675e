//! Another voter as this one sees it: the request under way to it, and what it has said in the current role. Kafka's `RequestManager`
//! and `ReplicaState`.

use crate::ids::CorrelationId;
use crate::time::{SimDuration, SimTime};

/// `controller.quorum.request.timeout.ms`.
const REQUEST_TIMEOUT: SimDuration = SimDuration::from_millis(2_000);

/// `controller.quorum.retry.backoff.ms`.
const RETRY_BACKOFF: SimDuration = SimDuration::from_millis(20);

/// `reconnect.backoff.ms` and `reconnect.backoff.max.ms` of the quorum's channel: it doubles in between.
const RECONNECT_BACKOFF: [SimDuration; 2] = [SimDuration::from_millis(50), SimDuration::from_millis(500)];

#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub id: i32,
    /// One request at a time, and until when its answer is worth waiting for.
    in_flight: Option<(CorrelationId, SimTime)>,
    /// Nothing is asked before.
    next_request: SimTime,
    failures: u32,
    /// Its vote, or that it knows of the end of the epoch.
    pub answer: Option<bool>,
    /// How far it has copied the leader's log.
    pub matched: u64,
    /// When it asked last, and when it had all there was.
    pub fetched_at: SimTime,
    pub caught_up_at: SimTime,
    /// It has fetched since the leader last saw a majority do so.
    pub fetched: bool,
}

/// A fetch that waits at the leader for news.
#[derive(Clone, Debug)]
pub(super) struct Parked {
    pub from: i32,
    pub id: CorrelationId,
    pub offset: u64,
    pub high_watermark: u64,
    pub until: SimTime,
}

impl Peer {
    pub(super) fn new(id: i32) -> Self {
        Peer {
            id,
            in_flight: None,
            next_request: SimTime::ZERO,
            failures: 0,
            answer: None,
            matched: 0,
            fetched_at: SimTime::ZERO,
            caught_up_at: SimTime::ZERO,
            fetched: false,
        }
    }

    pub(super) fn start_over(&mut self, now: SimTime) {
        *self = Peer { next_request: now, ..Peer::new(self.id) };
    }

    pub(super) fn is_waiting_for(&self, id: CorrelationId) -> bool {
        self.in_flight.is_some_and(|(asked, _)| asked == id)
    }

    pub(super) fn asked(&mut self, now: SimTime, id: CorrelationId) {
        self.in_flight = Some((id, now + REQUEST_TIMEOUT));
    }

    pub(super) fn answered(&mut self) {
        self.in_flight = None;
        self.failures = 0;
    }

    /// It knows its leader: nothing need be said for a while.
    pub(super) fn rest_until(&mut self, time: SimTime) {
        self.next_request = time;
    }

    pub(super) fn pause(&mut self, now: SimTime) {
        self.next_request = self.next_request.max(now + RETRY_BACKOFF);
    }

    pub(super) fn failed(&mut self, now: SimTime, back_off: bool) {
        self.in_flight = None;
        if back_off {
            let [first, last] = RECONNECT_BACKOFF;
            self.next_request = now + first.times(1 << self.failures.min(8)).min(last);
            self.failures += 1;
        }
    }

    /// The answer it waits for will not come.
    pub(super) fn is_overdue(&self, now: SimTime) -> bool {
        self.in_flight.is_some_and(|(_, until)| until <= now)
    }

    /// When to stop waiting, or to ask.
    pub(super) fn next_timeout(&self) -> SimTime {
        self.in_flight.map_or(self.next_request, |(_, until)| until)
    }
}
