//! The replicas of a broker, by partition. Every batch is looked up several times on its way, and every fetch asks for all of them.

use super::partition::Replica;
use crate::ids::TopicPartition;
use crate::sorted::{IterMut, SortedMap};
use std::ops::Deref;
use std::slice;

/// Reads as a map.
#[derive(Clone, Debug, Default)]
pub(super) struct Replicas {
    all: SortedMap<TopicPartition, Replica>,
    /// By topic.
    stretches: Vec<Stretch>,
}

/// Where the partitions of a topic stand: one at `place`, and those numbered higher behind it, as evenly as placements spread them.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    place: u32,
    partition: u32,
    /// Places from one partition to the next, in 65,536ths: so many where the broker holds each of them.
    pace: u32,
}

impl Stretch {
    fn guess(self, partition: u32) -> usize {
        let further = u64::from(partition.wrapping_sub(self.partition)) * u64::from(self.pace);
        self.place.wrapping_add(((further + 0x8000) >> 16) as u32) as usize
    }

    /// Another partition of the topic stands here, behind all known so far.
    fn reach(&mut self, place: u32, partition: u32) {
        self.pace = (u64::from(place - self.place) << 16).checked_div(u64::from(partition - self.partition)).unwrap_or(0) as u32;
    }
}

impl Replicas {
    fn guess(&self, id: &TopicPartition) -> usize {
        self.stretches.get(id.topic.0 as usize).map_or(0, |stretch| stretch.guess(id.partition))
    }

    #[inline(never)]
    pub fn get(&self, id: &TopicPartition) -> Option<&Replica> {
        self.all.get_near(self.guess(id), id)
    }

    #[inline(never)]
    pub fn get_mut(&mut self, id: &TopicPartition) -> Option<&mut Replica> {
        self.all.get_mut_near(self.guess(id), id)
    }

    pub fn made(&mut self, id: TopicPartition, new: impl FnOnce() -> Replica) -> &mut Replica {
        if self.get(&id).is_none() {
            let behind_all = self.all.last_key_value().is_none_or(|(last, _)| *last < id);
            self.all.insert(id, new());
            match behind_all {
                true => self.number(self.all.len() - 1),
                false => self.number_all(),
            }
        }
        self.get_mut(&id).expect("it is there now")
    }

    pub fn remove(&mut self, id: &TopicPartition) -> Option<Replica> {
        let gone = self.all.remove(id)?;
        self.number_all();
        Some(gone)
    }

    fn number_all(&mut self) {
        self.stretches.clear();
        self.number(0);
    }

    /// Learns where topics stand, from this place on.
    fn number(&mut self, from: usize) {
        for (place, id) in (0..).zip(self.all.keys()).skip(from) {
            let topics = id.topic.0 as usize + 1;
            if self.stretches.len() < topics {
                self.stretches.resize(topics, Stretch { place, partition: id.partition, pace: 0 });
            }
            self.stretches[topics - 1].reach(place, id.partition);
        }
    }

    pub fn values_mut(&mut self) -> slice::IterMut<'_, Replica> {
        self.all.values_mut()
    }
}

impl Deref for Replicas {
    type Target = SortedMap<TopicPartition, Replica>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl<'a> IntoIterator for &'a mut Replicas {
    type Item = (&'a TopicPartition, &'a mut Replica);
    type IntoIter = IterMut<'a, TopicPartition, Replica>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{LeaderEpoch, TopicId};
    use std::sync::Arc;

    #[test]
    fn each_is_found_whatever_came_before_it_and_whatever_went() {
        let id = |(topic, partition): (u32, u32)| TopicPartition { topic: TopicId(topic), partition };
        let mut there = vec![(2, 0), (0, 0), (0, 1), (2, 3), (1, 5), (1, 6), (0, 2), (2, 1)];
        let mut replicas = Replicas::default();
        for (n, place) in (0..).zip(&there) {
            replicas.made(id(*place), || Replica::new(Arc::default())).leader_epoch = LeaderEpoch(n);
        }
        let named: Vec<_> = (0..).map(LeaderEpoch).zip(there.clone()).collect();
        for gone in [(0, 0), (1, 6), (2, 3)] {
            for (epoch, place) in &named {
                let expected = there.contains(place).then_some(*epoch);
                assert_eq!(replicas.get(&id(*place)).map(|replica| replica.leader_epoch), expected, "{place:?}");
                assert_eq!(replicas.get_mut(&id(*place)).map(|replica| replica.leader_epoch), expected, "{place:?}");
            }
            assert!(replicas.remove(&id(gone)).is_some() && replicas.remove(&id(gone)).is_none());
            there.retain(|place| *place != gone);
        }
        assert!(replicas.get(&id((7, 0))).is_none() && replicas.get(&id((0, 9))).is_none());
    }
}
