//! Where the replicas of new partitions live: Kafka's `StripedReplicaPlacer`.
//!
//! Racks take turns, and within a rack its brokers: a stripe over the unfenced ones, fenced ones last. After as many partitions as
//! there are unfenced brokers everything is shuffled. Chance comes from outside, a draw at a time, in Kafka's order.

use super::topics::Draw;
use crate::error::{ErrorCode, Refusal};
use crate::hash::{java_map_order, java_string_hash};
use crate::ids::BrokerId;
use crate::sorted::settle;
use std::sync::Arc;

/// A registered broker that is not about to stop.
#[derive(Clone, Debug)]
pub struct UsableBroker {
    pub id: BrokerId,
    pub rack: Option<Arc<str>>,
    pub fenced: bool,
}

/// Brokers in a ring; each new epoch starts one further.
#[derive(Default)]
struct Ring {
    brokers: Vec<BrokerId>,
    epoch: u32,
    index: usize,
    offset: usize,
}

impl Ring {
    fn start(&mut self, draw: Draw) {
        if !self.brokers.is_empty() {
            settle(&mut self.brokers, |a, b| a < b);
            self.offset = draw(self.brokers.len() as u32) as usize;
        }
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
        self.index += 1;
        Some(self.brokers[(self.index - 1 + self.offset) % self.brokers.len()])
    }
}

/// `java.util.Collections.shuffle`: from the end, swap with a draw at or before it.
fn shuffle<T>(items: &mut [T], draw: Draw) {
    for i in (1..items.len()).rev() {
        items.swap(i, draw(i as u32 + 1) as usize);
    }
}

struct Rack {
    name: Option<Arc<str>>,
    fenced: Ring,
    unfenced: Ring,
}

impl Rack {
    fn next(&mut self, epoch: u32) -> Option<BrokerId> {
        self.unfenced.next(epoch).or_else(|| self.fenced.next(epoch))
    }
}

/// All racks in the order of Kafka's hash map, and the order in which they take turns.
struct Racks {
    racks: Vec<Rack>,
    turns: Vec<usize>,
    offset: usize,
    epoch: u32,
    unfenced: u32,
}

impl Racks {
    fn new(brokers: &[UsableBroker], draw: Draw) -> Self {
        let mut racks: Vec<Rack> = Vec::new();
        for broker in brokers {
            let known = racks.iter().position(|rack| rack.name == broker.rack).unwrap_or_else(|| {
                racks.push(Rack { name: broker.rack.clone(), fenced: Ring::default(), unfenced: Ring::default() });
                racks.len() - 1
            });
            let rack = &mut racks[known];
            let ring = if broker.fenced { &mut rack.fenced } else { &mut rack.unfenced };
            ring.brokers.push(broker.id);
        }
        java_map_order(&mut racks, |rack| rack.name.as_deref().map_or(0, java_string_hash));
        for rack in &mut racks {
            rack.fenced.start(draw);
            rack.unfenced.start(draw);
        }
        let mut turns: Vec<usize> = (0..racks.len()).collect();
        // No rack comes first, then Java's order of texts.
        let name = |turn: &usize| racks[*turn].name.as_ref().map(|name| name.encode_utf16());
        settle(&mut turns, |a, b| match (name(a), name(b)) {
            (Some(a), Some(b)) => a.lt(b),
            (a, b) => a.is_none() && b.is_some(),
        });
        let offset = if turns.is_empty() { 0 } else { draw(turns.len() as u32) as usize };
        let unfenced = brokers.iter().filter(|broker| !broker.fenced).count() as u32;
        Racks { racks, turns, offset, epoch: 0, unfenced }
    }

    fn shuffle(&mut self, draw: Draw) {
        shuffle(&mut self.turns, draw);
        for rack in &mut self.racks {
            shuffle(&mut rack.fenced.brokers, draw);
            shuffle(&mut rack.unfenced.brokers, draw);
        }
    }

    /// The replicas of the next partition; there are enough brokers, one of them unfenced.
    fn place(&mut self, copies: usize, draw: Draw) -> Vec<BrokerId> {
        if self.epoch == self.unfenced && self.unfenced > 1 {
            self.shuffle(draw);
            self.epoch = 0;
        }
        let (racks, epoch) = (self.turns.len(), self.epoch);
        self.offset %= racks;
        let mut replicas = Vec::with_capacity(copies);
        // The leader must live: the first rack that has an unfenced broker left gives it, and is passed over once.
        let mut passed = None;
        for turn in (self.offset..self.offset + racks).map(|turn| turn % racks) {
            if let Some(leader) = self.racks[self.turns[turn]].unfenced.next(epoch) {
                replicas.push(leader);
                passed = Some(turn);
                break;
            }
        }
        let mut turn = self.offset;
        while replicas.len() < copies {
            match passed {
                Some(leaders) if leaders == turn => passed = None,
                _ => replicas.extend(self.racks[self.turns[turn]].next(epoch)),
            }
            turn = (turn + 1) % racks;
        }
        self.epoch += 1;
        self.offset += 1;
        replicas
    }
}

/// Replica lists for `partitions` new partitions, or Kafka's words why not.
pub fn striped(brokers: &[UsableBroker], partitions: u32, copies: i32, draw: Draw) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    let refuse = |message: String| Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
    let mut racks = Racks::new(brokers, draw);
    if copies <= 0 {
        return refuse(format!("Invalid replication factor {copies}: the replication factor must be positive."));
    }
    if racks.unfenced == 0 {
        return refuse("All brokers are currently fenced, or have all their log directories cordoned.".to_owned());
    }
    if copies as usize > brokers.len() {
        return refuse(format!(
            "The target replication factor of {copies} cannot be reached because only {} broker(s) are registered or some brokers have all their log \
             directories cordoned.",
            brokers.len()
        ));
    }
    Ok((0..partitions).map(|_| racks.place(copies as usize, draw)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Seed, SimRng};

    fn layout(brokers: &[(i32, Option<&str>, bool)], partitions: u32, copies: i32) -> Result<Vec<Vec<i32>>, Refusal> {
        let usable =
            |(id, rack, fenced): &(i32, Option<&str>, bool)| UsableBroker { id: BrokerId(*id), rack: rack.map(Arc::from), fenced: *fenced };
        let brokers: Vec<UsableBroker> = brokers.iter().map(usable).collect();
        let mut rng = SimRng::new(Seed(3), 0);
        let placed = striped(&brokers, partitions, copies, &mut |bound| rng.below(bound.into()) as u32)?;
        Ok(placed.into_iter().map(|replicas| replicas.into_iter().map(|broker| broker.0).collect()).collect())
    }

    #[test]
    fn every_broker_leads_once_before_any_leads_twice() {
        let brokers: Vec<_> = (1..=5).map(|id| (id, None, false)).collect();
        let layout = layout(&brokers, 10, 3).unwrap();
        for round in layout.chunks(5) {
            let mut leaders: Vec<i32> = round.iter().map(|replicas| replicas[0]).collect();
            settle(&mut leaders, |a, b| a < b);
            assert_eq!(leaders, [1, 2, 3, 4, 5]);
        }
        for replicas in &layout {
            let mut distinct = replicas.clone();
            settle(&mut distinct, |a, b| a < b);
            distinct.dedup();
            assert_eq!(distinct.len(), 3, "{replicas:?}");
        }
    }

    #[test]
    fn a_fenced_broker_is_the_last_choice() {
        let layout = layout(&[(1, None, false), (2, None, false), (9, None, true)], 4, 3).unwrap();
        assert!(layout.iter().all(|replicas| replicas[2] == 9), "{layout:?}");
    }

    #[test]
    fn with_as_many_copies_as_racks_every_rack_has_one() {
        let racks = ["a", "b", "c"];
        let brokers: Vec<_> = (0..6).map(|id| (id, Some(racks[id as usize % 3]), false)).collect();
        for replicas in layout(&brokers, 30, 3).unwrap() {
            let mut seen: Vec<i32> = replicas.iter().map(|id| id % 3).collect();
            settle(&mut seen, |a, b| a < b);
            assert_eq!(seen, [0, 1, 2], "{replicas:?}");
        }
    }

    #[test]
    fn more_copies_than_brokers_are_refused_in_kafkas_words() {
        let refusal = layout(&[(1, None, false), (2, None, true)], 1, 3).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidReplicationFactor);
        assert_eq!(
            refusal.message,
            "The target replication factor of 3 cannot be reached because only 2 broker(s) are registered or some brokers have all their log \
             directories cordoned."
        );
        assert_eq!(
            layout(&[(2, None, true)], 1, 1).unwrap_err().message,
            "All brokers are currently fenced, or have all their log directories cordoned."
        );
    }
}
