//! The simulated network: every message takes its link's latency and some jitter, and no message overtakes another on the same
//! link, as on a TCP connection.

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

    /// When a message sent now arrives.
    pub fn arrival(&mut self, now: SimTime, sender: u32, from: NodeId, to: NodeId) -> SimTime {
        let (spec, seed) = (self.spec, self.seed);
        let links = &mut self.links[sender as usize];
        let to = to.stream();
        let place = match links.binary_search_by_key(&to, |link| link.to) {
            Ok(place) => place,
            Err(place) => {
                let stream = from.stream().rotate_left(20) ^ to ^ (1 << 62);
                links.insert(place, Link { to, last_arrival: SimTime::ZERO, rng: SimRng::new(seed, stream) });
                place
            }
        };
        let link = &mut links[place];
        let jitter = match spec.jitter {
            SimDuration::ZERO => 0,
            jitter => link.rng.below(jitter.micros() + 1),
        };
        let arrival = (now + spec.latency + SimDuration(jitter)).max(link.last_arrival);
        link.last_arrival = arrival;
        arrival
    }
}
