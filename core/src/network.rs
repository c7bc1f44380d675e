//! The simulated network: every message takes its link's latency and some jitter, and no message overtakes another on the same
//! link, as on a TCP connection. A connection dies with a process at its end; what was under way on it arrives nowhere.
//!
//! Faults are Kafka's view of a TCP that keeps its promises as long as it can, direction by direction:
//! - **cut**: nothing arrives. TCP keeps what was sent and tries again after 200 ms, doubling up to 2 minutes; so after the link is
//!   healed it arrives late, in order, at the first of those tries. It gives up after a quarter of an hour, and after 100 s on a
//!   connection its own process has closed (which is what a client does when `request.timeout.ms` is over). A new connection needs
//!   both directions.
//! - **slow**: so much more latency.
//! - **lose**: a packet lost is a packet late: 200 ms later, doubled for each further loss, and everything behind it waits.
//! - **duplicate**: TCP never delivers a packet twice. What makes Kafka's clients send a record twice is an answer that never comes,
//!   so this resets the connection in place of an answer.

use crate::ids::NodeId;
use crate::protocol::{Envelope, Message};
use crate::rng::{Seed, SimRng};
use crate::scenario::NetworkSpec;
use crate::sorted::SortedMap;
use crate::time::{SimDuration, SimTime};

/// First wait for an acknowledgement (Linux: `TCP_RTO_MIN`), and for the answer to a SYN (`TCP_TIMEOUT_INIT`).
const RETRANSMIT: SimDuration = SimDuration::from_millis(200);
const RETRANSMIT_SYN: SimDuration = SimDuration::from_secs(1);
/// Waits double up to here (`TCP_RTO_MAX`).
const RETRANSMIT_MAX: SimDuration = SimDuration::from_secs(120);
/// `net.ipv4.tcp_retries2` = 15, and 8 tries for a socket its process has closed.
const GIVES_UP: SimDuration = SimDuration::from_millis(924_600);
const GIVES_UP_CLOSED: SimDuration = SimDuration::from_millis(102_200);

/// One direction between two participants, with chance of its own.
#[derive(Clone, Debug)]
struct Link {
    last_arrival: SimTime,
    /// Crashes of the receiver that the sender has heard of.
    crashes_known: u32,
    rng: SimRng,
    fault: Option<Box<Fault>>,
}

/// What is wrong with a link.
#[derive(Clone, Debug, Default)]
struct Fault {
    cut: bool,
    slow: SimDuration,
    /// In a hundred packets.
    lose: u32,
    /// In a hundred answers, connections that are reset in their place.
    reset: u32,
    /// Connections of the sender so far, and whether the newest was established: told apart only while a fault is there.
    connection: u32,
    opening: bool,
    held: Vec<Held>,
}

/// Sent into a cut.
#[derive(Clone, Debug)]
struct Held {
    envelope: Envelope,
    connection: u32,
    opening: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    Cut,
    Slow(SimDuration),
    Lose(u32),
    Reset(u32),
}

/// A participant's dense number and its id.
pub type End = (u32, NodeId);

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Arrives(SimTime),
    /// The connection is reset instead, at that time.
    Reset(SimTime),
    /// The link is cut.
    Waits,
}

#[derive(Clone, Debug)]
pub struct Network {
    spec: NetworkSpec,
    seed: Seed,
    /// By sender (its dense number) and receiver's [`NodeId::stream`]: quicker to compare than the id.
    links: Vec<SortedMap<u64, Link>>,
    /// Links with a fault.
    faults: u32,
    /// What TCP has tried for too long, since somebody asked.
    given_up: Vec<Envelope>,
}

impl Network {
    pub fn new(spec: NetworkSpec, seed: Seed, senders: u32) -> Self {
        Network { spec, seed, links: vec![SortedMap::new(); senders as usize], faults: 0, given_up: Vec::new() }
    }

    /// One sender more.
    pub fn admit(&mut self) {
        self.links.push(SortedMap::new());
    }

    /// What becomes of a message sent now, and on which connection it goes.
    pub fn send(&mut self, now: SimTime, sender: u32, from: NodeId, to: NodeId, message: &Message) -> (Fate, u32) {
        let spec = self.spec;
        let link = self.link(sender, from, to);
        let jitter = match spec.jitter {
            SimDuration::ZERO => 0,
            jitter => link.rng.below(jitter.micros() + 1),
        };
        let mut arrival = now + spec.latency + SimDuration(jitter);
        if let Some(fault) = &link.fault {
            if fault.cut || (fault.opening && matches!(message, Message::Request(..))) {
                return (Fate::Waits, link.crashes_known);
            }
            arrival = arrival + fault.slow + losses(&mut link.rng, fault.lose);
            if matches!(message, Message::Response(..)) && link.rng.below(100) < u64::from(fault.reset) {
                link.last_arrival = arrival.max(link.last_arrival);
                return (Fate::Reset(link.last_arrival), link.crashes_known);
            }
        }
        let arrival = arrival.max(link.last_arrival);
        link.last_arrival = arrival;
        (Fate::Arrives(arrival), link.crashes_known)
    }

    /// Keeps a message that [`Fate::Waits`].
    pub fn hold(&mut self, sender: u32, envelope: Envelope) {
        let link = self.link(sender, envelope.from, envelope.to);
        if let Some(fault) = &mut link.fault {
            fault.held.push(Held { envelope, connection: fault.connection, opening: fault.opening });
        }
    }

    /// `from` knows that `to` has crashed so often: its next message opens a connection to the process after that.
    pub fn reconnect(&mut self, from: End, to: End, crashes: u32) {
        self.link(from.0, from.1, to.1).crashes_known = crashes;
        self.close(from, to);
    }

    /// `from` has no connection any more: what it sends next opens another, which needs both directions.
    pub fn close(&mut self, from: End, to: End) {
        if self.faults == 0 {
            return;
        }
        let no_way_back = self.is_cut(to, from);
        let faults = &mut self.faults;
        let Some(Link { fault, .. }) = self.links[from.0 as usize].get_mut(&to.1.stream()) else { return };
        if fault.is_none() && no_way_back {
            *fault = Some(Box::default());
            *faults += 1;
        }
        if let Some(fault) = fault {
            fault.connection += 1;
            fault.opening = fault.cut || no_way_back;
        }
    }

    /// Some link has a fault.
    pub fn is_troubled(&self) -> bool {
        self.faults > 0
    }

    /// From now on this is wrong with the link.
    pub fn trouble(&mut self, from: End, to: End, trouble: Trouble) {
        let link = self.link(from.0, from.1, to.1);
        let fresh = link.fault.is_none();
        let fault = link.fault.get_or_insert_default();
        match trouble {
            Trouble::Cut => fault.cut = true,
            Trouble::Slow(by) => fault.slow = by,
            Trouble::Lose(percent) => fault.lose = percent,
            Trouble::Reset(percent) => fault.reset = percent,
        }
        self.faults += u32::from(fresh);
    }

    /// The link is as the scenario made it. What waited, in either direction, arrives at TCP's next try, if both are free that it needs.
    pub fn heal(&mut self, now: SimTime, from: End, to: End) -> Vec<(SimTime, Envelope)> {
        let mut arriving = Vec::new();
        if self.faults == 0 {
            return arriving;
        }
        if let Some(fault) = &mut self.link(from.0, from.1, to.1).fault {
            let Fault { connection, opening, .. } = **fault;
            let held = std::mem::take(&mut fault.held);
            **fault = Fault { connection, opening, held, ..Fault::default() };
        }
        self.release(now, from, to, &mut arriving);
        self.release(now, to, from, &mut arriving);
        arriving
    }

    fn release(&mut self, now: SimTime, from: End, to: End, arriving: &mut Vec<(SimTime, Envelope)>) {
        let latency = self.spec.latency;
        let no_way_back = self.is_cut(to, from);
        let link = self.link(from.0, from.1, to.1);
        let Some(fault) = &mut link.fault else { return };
        if fault.cut || (fault.opening && no_way_back) {
            return;
        }
        fault.opening = false;
        let held = std::mem::take(&mut fault.held);
        // All of one connection arrive together, when TCP next tries for the first of them; or never, if it has given up.
        let mut arrival: Option<(u32, Option<SimTime>)> = None;
        let mut given_up = Vec::new();
        for Held { envelope, connection, opening } in held {
            let at = match arrival {
                Some((of, at)) if of == connection => at,
                _ => {
                    let closed = connection < fault.connection;
                    let begun = envelope.sent_at;
                    let at = next_try(begun, now, opening) + latency;
                    let arrives = at.since(begun) <= if closed { GIVES_UP_CLOSED } else { GIVES_UP };
                    if arrives && !closed {
                        link.last_arrival = at.max(link.last_arrival);
                    }
                    arrives.then_some(at)
                }
            };
            arrival = Some((connection, at));
            match at {
                Some(at) => arriving.push((at, envelope)),
                None => given_up.push(envelope),
            }
        }
        if (fault.slow, fault.lose, fault.reset) == (SimDuration::ZERO, 0, 0) {
            link.fault = None;
            self.faults -= 1;
        }
        self.given_up.append(&mut given_up);
    }

    /// Nothing gets from the one to the other.
    pub fn is_cut(&self, from: End, to: End) -> bool {
        let link = self.links[from.0 as usize].get(&to.1.stream());
        link.and_then(|link| link.fault.as_ref()).is_some_and(|fault| fault.cut)
    }

    /// What will never arrive, since the last call.
    pub fn take_given_up(&mut self) -> Vec<Envelope> {
        std::mem::take(&mut self.given_up)
    }

    /// What waits behind cuts.
    pub fn held(&self) -> impl Iterator<Item = &Envelope> {
        let troubled = if self.faults > 0 { &self.links[..] } else { &[] };
        let faults = troubled.iter().flat_map(SortedMap::values).filter_map(|link| link.fault.as_ref());
        faults.flat_map(|fault| fault.held.iter().map(|held| &held.envelope))
    }

    /// Links with a fault, as the sender and the receiver's [`NodeId::stream`].
    pub fn faulty(&self) -> Vec<(u32, u64)> {
        let one = |sender: u32, (to, link): (&u64, &Link)| link.fault.is_some().then_some((sender, *to));
        let all = self.links.iter().enumerate();
        all.flat_map(|(sender, links)| links.iter().filter_map(move |link| one(sender as u32, link))).collect()
    }

    fn link(&mut self, sender: u32, from: NodeId, to: NodeId) -> &mut Link {
        let seed = self.seed;
        let to = to.stream();
        self.links[sender as usize].get_or_insert_with(to, || {
            let rng = SimRng::new(seed, from.stream().rotate_left(20) ^ to ^ (1 << 62));
            Link { last_arrival: SimTime::ZERO, crashes_known: 0, rng, fault: None }
        })
    }
}

/// How much later a packet arrives when so many in a hundred are lost.
fn losses(rng: &mut SimRng, percent: u32) -> SimDuration {
    let (mut late, mut wait) = (SimDuration::ZERO, RETRANSMIT);
    while percent > 0 && rng.below(100) < u64::from(percent) && late < GIVES_UP {
        late = late + wait;
        wait = wait.times(2).min(RETRANSMIT_MAX);
    }
    late
}

/// When TCP tries again for what was first sent at `begun`.
fn next_try(begun: SimTime, now: SimTime, opening: bool) -> SimTime {
    let mut wait = if opening { RETRANSMIT_SYN } else { RETRANSMIT };
    let mut at = begun + wait;
    while at < now {
        wait = wait.times(2).min(RETRANSMIT_MAX);
        at += wait;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BrokerId, CorrelationId};
    use crate::protocol::{Request, Response};

    const A: End = (0, NodeId::Broker(BrokerId(1)));
    const B: End = (1, NodeId::Broker(BrokerId(2)));

    fn network() -> Network {
        let spec = NetworkSpec { latency: SimDuration::from_millis(1), jitter: SimDuration::ZERO };
        Network::new(spec, Seed(1), 2)
    }

    fn asked() -> Message {
        Message::Request(CorrelationId(1), Request::Metadata)
    }

    /// Sends at that millisecond; the millisecond of the arrival, if there is one now.
    fn send(network: &mut Network, from: End, to: End, ms: u64, message: Message) -> Option<u64> {
        let sent_at = SimTime(ms * 1_000);
        match network.send(sent_at, from.0, from.1, to.1, &message) {
            (Fate::Arrives(at) | Fate::Reset(at), _) => Some(at.millis()),
            (Fate::Waits, connection) => {
                network.hold(from.0, Envelope { from: from.1, to: to.1, sent_at, connection, message });
                None
            }
        }
    }

    fn heal(network: &mut Network, from: End, to: End, ms: u64) -> Vec<u64> {
        network.heal(SimTime(ms * 1_000), from, to).iter().map(|(at, _)| at.millis()).collect()
    }

    #[test]
    fn what_was_sent_into_a_cut_arrives_in_order_when_tcp_tries_again() {
        let mut network = network();
        assert_eq!(send(&mut network, A, B, 0, asked()), Some(1));
        network.trouble(A, B, Trouble::Cut);
        assert_eq!(send(&mut network, A, B, 1_000, asked()), None);
        assert_eq!(send(&mut network, A, B, 3_000, asked()), None);
        assert_eq!(send(&mut network, B, A, 3_000, asked()), Some(3_001), "the other way is free");
        // Tries 0.2, 0.6, 1.4 and 3 s after the first of them was sent.
        assert_eq!(heal(&mut network, A, B, 3_500), [4_001, 4_001]);
        assert_eq!(send(&mut network, A, B, 3_600, asked()), Some(4_001), "and nothing overtakes them");
    }

    #[test]
    fn a_closed_connection_is_tried_for_a_shorter_time_and_holds_up_no_other() {
        let mut network = network();
        send(&mut network, A, B, 0, asked());
        network.trouble(A, B, Trouble::Cut);
        send(&mut network, A, B, 1_000, asked());
        network.close(A, B);
        send(&mut network, A, B, 31_000, asked());
        // 51 s after the first; a SYN after 1, 3, 7, 15 and 31 s.
        assert_eq!(heal(&mut network, A, B, 40_000), [52_001, 46_001]);
        network.trouble(A, B, Trouble::Cut);
        send(&mut network, A, B, 100_000, asked());
        network.close(A, B);
        assert_eq!(heal(&mut network, A, B, 300_000), [0; 0], "given up");
    }

    #[test]
    fn a_new_connection_needs_both_directions() {
        let mut network = network();
        send(&mut network, A, B, 0, asked());
        network.trouble(B, A, Trouble::Cut);
        assert_eq!(send(&mut network, A, B, 1_000, asked()), Some(1_001), "the old one stands");
        network.close(A, B);
        assert_eq!(send(&mut network, A, B, 2_000, asked()), None);
        assert_eq!(send(&mut network, A, B, 2_000, Message::Response(CorrelationId(9), Response::CreateTopic)), Some(2_001));
        assert_eq!(heal(&mut network, B, A, 4_000), [5_001], "a SYN is tried again after 1 s and after 3 s");
        assert_eq!(send(&mut network, A, B, 6_000, asked()), Some(6_001));
        assert_eq!(network.faulty(), []);
    }

    #[test]
    fn a_lost_packet_is_a_late_one_and_only_answers_are_reset() {
        let mut network = network();
        network.trouble(A, B, Trouble::Lose(50));
        let arrivals: Vec<u64> =
            (0..100).map(|i| send(&mut network, A, B, i * 10_000, asked()).expect("it arrives") - i * 10_000).collect();
        assert!(arrivals.iter().all(|late| [1, 201, 601, 1_401, 3_001, 6_201, 12_601].contains(late) || *late > 1_000), "{arrivals:?}");
        assert!((30..70).contains(&arrivals.iter().filter(|late| **late == 1).count()), "{arrivals:?}");
        network.trouble(B, A, Trouble::Reset(100));
        let fate = |network: &mut Network, message| network.send(SimTime(2_000_000_000), B.0, B.1, A.1, &message).0;
        assert!(matches!(fate(&mut network, Message::Response(CorrelationId(1), Response::CreateTopic)), Fate::Reset(_)));
        assert!(matches!(fate(&mut network, asked()), Fate::Arrives(_)));
    }
}
