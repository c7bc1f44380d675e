//! The simulated network: every message takes its link's latency and some jitter, and no message overtakes another on the same
//! link, as on a TCP connection. A connection dies with a process at its end; what was under way on it arrives nowhere.

use crate::ids::NodeId;
use crate::rng::{Seed, SimRng};
use crate::scenario::NetworkSpec;
use crate::time::{SimDuration, SimTime};

/// One direction between two participants, with chance of its own.
#[derive(Clone, Debug)]
struct Link {
    /// The receiver's number, [`NodeId::stream`]: quicker to compare than the id.
    to: u64,
    last_arrival: SimTime,
    /// Crashes of the receiver that the sender has heard of.
    crashes_known: u32,
    rng: SimRng,
}

#[derive(Clone, Debug)]
pub struct Network {
    spec: NetworkSpec,
    seed: Seed,
    /// By sender (its dense number), sorted by receiver's number.
    links: Vec<Vec<Link>>,
}

impl Network {
    pub fn new(spec: NetworkSpec, seed: Seed, senders: u32) -> Self {
        Network { spec, seed, links: vec![Vec::new(); senders as usize] }
    }

    /// When a message sent now arrives, and on which connection.
    pub fn send(&mut self, now: SimTime, sender: u32, from: NodeId, to: NodeId) -> (SimTime, u32) {
        let spec = self.spec;
        let link = self.link(sender, from, to);
        let jitter = match spec.jitter {
            SimDuration::ZERO => 0,
            jitter => link.rng.below(jitter.micros() + 1),
        };
        let arrival = (now + spec.latency + SimDuration(jitter)).max(link.last_arrival);
        link.last_arrival = arrival;
        (arrival, link.crashes_known)
    }

    /// The sender knows that `to` has crashed so often: its next message opens a connection to the process after that.
    pub fn reconnect(&mut self, sender: u32, from: NodeId, to: NodeId, crashes: u32) {
        self.link(sender, from, to).crashes_known = crashes;
    }

    fn link(&mut self, sender: u32, from: NodeId, to: NodeId) -> &mut Link {
        let seed = self.seed;
        let links = &mut self.links[sender as usize];
        let to = to.stream();
        let place = match links.binary_search_by_key(&to, |link| link.to) {
            Ok(place) => place,
            Err(place) => {
                let stream = from.stream().rotate_left(20) ^ to ^ (1 << 62);
                links.insert(place, Link { to, last_arrival: SimTime::ZERO, crashes_known: 0, rng: SimRng::new(seed, stream) });
                place
            }
        };
        &mut links[place]
    }
}
