//! Where the replicas of a new topic live: Kafka's `StripedReplicaPlacer`, for brokers without racks.
//!
//! A stripe over the unfenced brokers, fenced ones last, reshuffled after as many partitions as there are brokers.

use crate::ids::BrokerId;
use crate::rng::SimRng;

/// Brokers of one rack in a shuffled ring; each new epoch starts one further.
struct BrokerRing {
    brokers: Vec<BrokerId>,
    epoch: u32,
    index: usize,
    offset: usize,
}

impl BrokerRing {
    fn new(brokers: Vec<BrokerId>, rng: &mut SimRng) -> Self {
        let offset = match brokers.len() {
            0 => 0,
            n => rng.below(n as u64) as usize,
        };
        BrokerRing { brokers, epoch: 0, index: 0, offset }
    }

    /// The next broker of this epoch; `None` when all were given.
    fn next(&mut self, epoch: u32) -> Option<BrokerId> {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.index = 0;
            self.offset = (self.offset + 1) % self.brokers.len().max(1);
        }
        if self.index >= self.brokers.len() {
            return None;
        }
        let broker = self.brokers[(self.index + self.offset) % self.brokers.len()];
        self.index += 1;
        Some(broker)
    }

    /// The order changes; where the ring stands does not.
    fn shuffle(&mut self, rng: &mut SimRng) {
        rng.shuffle(&mut self.brokers);
    }
}

/// Replica lists for `partitions` new partitions. The caller has checked that there are enough brokers, one of them unfenced.
pub fn striped(
    unfenced: Vec<BrokerId>,
    fenced: Vec<BrokerId>,
    partitions: u32,
    replication_factor: u32,
    rng: &mut SimRng,
) -> Vec<Vec<BrokerId>> {
    let per_epoch = unfenced.len() as u32;
    let mut fenced = BrokerRing::new(fenced, rng);
    let mut unfenced = BrokerRing::new(unfenced, rng);
    let mut epoch = 0;
    let mut assignments = Vec::new();
    for _ in 0..partitions {
        if per_epoch > 1 && epoch == per_epoch {
            epoch = 0;
            fenced.shuffle(rng);
            unfenced.shuffle(rng);
        }
        let replicas = (0..replication_factor).filter_map(|_| unfenced.next(epoch).or_else(|| fenced.next(epoch))).collect();
        assignments.push(replicas);
        epoch += 1;
    }
    assignments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn every_broker_leads_once_before_any_leads_twice() {
        let brokers: Vec<BrokerId> = (1..=5).map(BrokerId).collect();
        let mut rng = SimRng::new(Seed(3), 0);
        let layout = striped(brokers, Vec::new(), 10, 3, &mut rng);
        for round in layout.chunks(5) {
            let mut leaders: Vec<i32> = round.iter().map(|replicas| replicas[0].0).collect();
            leaders.sort_unstable();
            assert_eq!(leaders, [1, 2, 3, 4, 5]);
        }
        for replicas in &layout {
            let mut distinct = replicas.clone();
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), 3, "{replicas:?}");
        }
    }

    #[test]
    fn a_fenced_broker_is_the_last_choice() {
        let mut rng = SimRng::new(Seed(3), 0);
        let layout = striped(vec![BrokerId(1), BrokerId(2)], vec![BrokerId(9)], 4, 3, &mut rng);
        assert!(layout.iter().all(|replicas| replicas[2] == BrokerId(9)));
    }
}
