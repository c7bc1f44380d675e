//! What producers and consumers share: connections with their pauses, and the metadata cache.
//!
//! A client knows the cluster only through a broker's answer to its metadata request; it finds leaders there and talks to them directly.

pub mod consumer;
pub mod partitioner;
pub mod producer;
pub mod workload;

use crate::error::ErrorCode;
use crate::ids::{BrokerId, CorrelationId, NodeId, TopicPartition};
use crate::metadata::{MetadataImage, TopicImage};
use crate::node::Outbox;
use crate::protocol::Request;
use crate::rng::SimRng;
use crate::sorted::SortedMap;
use crate::time::{SimDuration, SimTime};
use std::sync::Arc;

/// `reconnect.backoff.ms` and `reconnect.backoff.max.ms`.
const RECONNECT_BACKOFF: SimDuration = SimDuration::from_millis(50);
const RECONNECT_BACKOFF_MAX: SimDuration = SimDuration::from_secs(1);

#[derive(Clone, Debug)]
pub struct Connections {
    /// `bootstrap.servers`.
    bootstrap: Arc<[BrokerId]>,
    image: Option<Arc<MetadataImage>>,
    peers: SortedMap<BrokerId, Peer>,
    next_correlation: u64,
    refresh: Refresh,
    max_age: SimDuration,
    backoff: SimDuration,
    backoff_max: SimDuration,
    request_timeout: SimDuration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    in_flight: u32,
    failures: u32,
    requests: u64,
    retry_at: SimTime,
    /// Requests up to here went out on connections that are closed: their answers no longer count.
    closed_until: CorrelationId,
}

/// Where the next metadata update stands.
#[derive(Clone, Copy, Debug)]
struct Refresh {
    wanted: bool,
    in_flight: Option<(BrokerId, CorrelationId)>,
    /// `request.timeout.ms` after the request under way.
    deadline: SimTime,
    /// Updates wait at least the retry backoff after one another.
    not_before: SimTime,
    attempts: u32,
    expires: SimTime,
}

/// Kafka's `ExponentialBackoff`, with ±20 % of chance (`RETRY_BACKOFF_JITTER`).
pub fn exponential_jittered(first: SimDuration, max: SimDuration, attempts: u32, rng: &mut SimRng) -> SimDuration {
    SimDuration(exponential(first, max, attempts).micros() * (800 + rng.below(401)) / 1_000).min(max)
}

/// The same without chance.
pub fn exponential(first: SimDuration, max: SimDuration, attempts: u32) -> SimDuration {
    first.times(1 << attempts.min(20)).min(max)
}

impl Connections {
    /// With the settings `metadata.max.age.ms`, `retry.backoff.ms`, `retry.backoff.max.ms` and `request.timeout.ms`.
    pub fn new(bootstrap: Arc<[BrokerId]>, [max_age, backoff, backoff_max, request_timeout]: [SimDuration; 4]) -> Self {
        let refresh = Refresh {
            wanted: true,
            in_flight: None,
            deadline: SimTime::MAX,
            not_before: SimTime::ZERO,
            attempts: 0,
            expires: SimTime::MAX,
        };
        let peers = SortedMap::new();
        Connections { bootstrap, image: None, peers, next_correlation: 0, refresh, max_age, backoff, backoff_max, request_timeout }
    }

    /// Those of a new process in the same place: it knows nothing but the first addresses.
    pub fn restarted(&self) -> Self {
        let settings = [self.max_age, self.backoff, self.backoff_max, self.request_timeout];
        let fresh = Connections::new(Arc::clone(&self.bootstrap), settings);
        let peers = self.peers.iter().map(|(id, peer)| (*id, Peer { requests: peer.requests, ..Peer::default() })).collect();
        Connections { next_correlation: self.next_correlation, peers, ..fresh }
    }

    /// Requests sent so far, by broker.
    pub fn requests(&self) -> SortedMap<i32, u64> {
        self.peers.iter().map(|(broker, peer)| (broker.0, peer.requests)).collect()
    }

    /// Brokers it has sent requests to.
    pub fn known_peers(&self) -> impl Iterator<Item = BrokerId> + '_ {
        self.peers.keys().copied()
    }

    pub fn image(&self) -> Option<&Arc<MetadataImage>> {
        self.image.as_ref()
    }

    pub fn topic(&self, name: &str) -> Option<&TopicImage> {
        self.image.as_ref()?.topic_named(name)
    }

    pub fn leader(&self, partition: TopicPartition) -> Option<BrokerId> {
        self.image.as_ref()?.partition(partition)?.leader
    }

    /// Brokers the metadata calls trusted; before there is any, those it was told to start with.
    fn known(&self) -> impl Iterator<Item = BrokerId> + '_ {
        let told = self.image.iter().flat_map(|image| &image.brokers).filter(|(_, registration)| !registration.fenced).map(|(id, _)| *id);
        let bootstrap = if self.image.is_none() { &self.bootstrap[..] } else { &[] };
        told.chain(bootstrap.iter().copied())
    }

    /// Not pausing after a failed connection.
    pub fn usable(&self, broker: BrokerId, now: SimTime) -> bool {
        self.peers.get(&broker).is_none_or(|peer| peer.retry_at <= now)
    }

    pub fn in_flight(&self, broker: BrokerId) -> u32 {
        self.peers.get(&broker).map_or(0, |peer| peer.in_flight)
    }

    /// When another request may go to this broker, which takes so many at a time; nobody knows while it has them all.
    pub fn free_at(&self, broker: BrokerId, max_in_flight: u32) -> Option<SimTime> {
        match self.peers.get(&broker) {
            Some(peer) => (peer.in_flight < max_in_flight).then_some(peer.retry_at),
            None => Some(SimTime::ZERO),
        }
    }

    pub fn retry_at(&self, broker: BrokerId) -> SimTime {
        self.peers.get(&broker).map_or(SimTime::ZERO, |peer| peer.retry_at)
    }

    /// Sends a request that will be answered.
    pub fn send(&mut self, to: BrokerId, request: Request, out: &mut Outbox) -> CorrelationId {
        self.post(to, request, 1, out)
    }

    /// Sends a request nobody answers (`acks=0`).
    pub fn send_blindly(&mut self, to: BrokerId, request: Request, out: &mut Outbox) -> CorrelationId {
        self.post(to, request, 0, out)
    }

    fn post(&mut self, to: BrokerId, request: Request, answers: u32, out: &mut Outbox) -> CorrelationId {
        self.next_correlation += 1;
        let id = CorrelationId(self.next_correlation);
        let peer = self.peers.entry(to).or_default();
        peer.requests += 1;
        peer.in_flight += answers;
        out.request(NodeId::Broker(to), id, request);
        id
    }

    /// An answer came: the connection works. False when it is one that was given up before.
    pub fn answered(&mut self, from: BrokerId, id: CorrelationId) -> bool {
        let peer = self.peers.entry(from).or_default();
        if id <= peer.closed_until {
            return false;
        }
        peer.in_flight = peer.in_flight.saturating_sub(1);
        peer.failures = 0;
        true
    }

    /// The connection closed or was refused.
    pub fn closed(&mut self, broker: BrokerId, now: SimTime) {
        let peer = self.peers.entry(broker).or_default();
        peer.retry_at = now + exponential(RECONNECT_BACKOFF, RECONNECT_BACKOFF_MAX, peer.failures);
        peer.failures += 1;
        peer.in_flight = 0;
        peer.closed_until = CorrelationId(self.next_correlation);
        if self.refresh.in_flight.is_some_and(|(to, _)| to == broker) {
            self.refresh.in_flight = None;
        }
        self.want_metadata();
    }

    pub fn want_metadata(&mut self) {
        self.refresh.wanted = true;
    }

    pub fn note_error(&mut self, error: ErrorCode) {
        if error.stale_metadata() {
            self.want_metadata();
        }
    }

    /// Asks for metadata when it is wanted or old, of the least loaded broker it can reach.
    pub fn poll_metadata(&mut self, now: SimTime, out: &mut Outbox) {
        let due = self.refresh.wanted || self.refresh.expires <= now;
        if !due || self.refresh.in_flight.is_some() || self.refresh.not_before > now {
            return;
        }
        let least_loaded = |known: &mut dyn Iterator<Item = BrokerId>| {
            known.filter(|broker| self.usable(*broker, now)).min_by_key(|broker| self.in_flight(*broker))
        };
        // `metadata.recovery.strategy=rebootstrap`: when no known broker can be reached, the first addresses are tried again.
        let known = least_loaded(&mut self.known());
        let Some(to) = known.or_else(|| least_loaded(&mut self.bootstrap.iter().copied())) else { return };
        let id = self.send(to, Request::Metadata, out);
        self.refresh.in_flight = Some((to, id));
        self.refresh.deadline = now + self.request_timeout;
    }

    /// The broker that has not answered a metadata request in time; its connection is given up.
    pub fn silent(&self, now: SimTime) -> Option<BrokerId> {
        self.refresh.in_flight.filter(|_| self.refresh.deadline <= now).map(|(to, _)| to)
    }

    /// The answer; `still_wanted` says whether something the client needs is missing in it.
    pub fn took_metadata(&mut self, now: SimTime, image: Arc<MetadataImage>, still_wanted: bool) {
        self.refresh.in_flight = None;
        self.refresh.wanted = still_wanted;
        self.refresh.expires = now + self.max_age;
        self.refresh.not_before = now + exponential(self.backoff, self.backoff_max, self.refresh.attempts);
        self.refresh.attempts = if still_wanted { self.refresh.attempts + 1 } else { 0 };
        if image.brokers.values().all(|registration| registration.fenced) {
            // An answer without brokers is a failed update (`handleCompletedMetadataResponse`).
            self.refresh.wanted = true;
            return;
        }
        // An older answer of a broker that lags behind changes nothing.
        if self.image.as_ref().is_none_or(|known| known.offset <= image.offset) {
            self.image = Some(image);
        }
    }

    /// When the next metadata request may go out.
    pub fn next_timeout(&self) -> SimTime {
        if self.refresh.in_flight.is_some() {
            return self.refresh.deadline;
        }
        let due = if self.refresh.wanted { self.refresh.not_before } else { self.refresh.expires };
        // One broker that is reachable by then is enough; the usual case looks at no other.
        match self.known().any(|broker| self.retry_at(broker) <= due) {
            true => due,
            false => due.max(self.reachable_at()),
        }
    }

    /// When some broker this client knows may be tried.
    pub fn reachable_at(&self) -> SimTime {
        let brokers = self.known().chain(self.bootstrap.iter().copied());
        brokers.map(|broker| self.retry_at(broker)).min().unwrap_or(SimTime::MAX)
    }
}
