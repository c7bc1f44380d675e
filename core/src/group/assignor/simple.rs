//! `simple`, the assignor of share groups (KIP-932): a partition may have several readers, as many as it takes that nobody is idle.

use super::numbered::Numbered;
use super::numbered::by_hash;
use super::uniform::{Group, owned_by_topic, topics_by_name};
use super::{Assignment, Assignor, Member, Topics, same_subscriptions, with_everybody};
use crate::hash::{java_bucket, java_buckets, java_uuid_hash};
use crate::sorted::settle;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, Default)]
pub struct SimpleAssignor;

impl Assignor for SimpleAssignor {
    fn name(&self) -> &'static str {
        "simple"
    }

    fn assign(&self, members: &[Member], topics: &Topics) -> Assignment {
        let order = by_hash(members);
        let group = Group { partitions: Numbered::new(&order, topics), members: order };
        let everybody: Vec<u32> = (0..group.members.len() as u32).collect();
        let turn = topics_by_name(&group);
        let mut shared = Shared::new(&group, &turn);
        if same_subscriptions(members) {
            let hash = |partition| partition_hash(&group, partition);
            let inserted = shared.insertion_order(&turn);
            shared.share(&everybody, &in_buckets(inserted, hash), hash);
        } else {
            for (topic, readers) in (0..).zip(group.partitions.readers(&group.members)) {
                let partitions: Vec<u32> = group.partitions.of_topic(topic).collect();
                shared.share(&readers, &partitions, |partition| group.partitions.place(partition).1 as i32);
            }
        }
        shared.assignment(members)
    }
}

/// `TopicIdPartition.hashCode`.
fn partition_hash(group: &Group<'_>, partition: u32) -> i32 {
    let (topic, number) = group.partitions.place(partition);
    java_uuid_hash(&group.partitions.topics()[topic as usize].1.id).wrapping_mul(31).wrapping_add(number as i32)
}

/// The order of a `HashMap` with room for all of these from the start, filled by `computeIfAbsent`: in a bucket the last comes first.
fn in_buckets(mut partitions: Vec<u32>, hash: impl Fn(u32) -> i32) -> Vec<u32> {
    let buckets = ((partitions.len() + 1) * 4 / 3 + 1).next_power_of_two();
    partitions.reverse();
    settle(&mut partitions, |a, b| java_bucket(hash(*a), buckets) < java_bucket(hash(*b), buckets));
    partitions
}

struct Shared<'a> {
    group: &'a Group<'a>,
    /// By partition, its readers as they came.
    readers: Vec<JavaSet>,
    /// By member, its partitions as they came.
    shares: Vec<JavaSet>,
}

impl<'a> Shared<'a> {
    fn new(group: &'a Group<'a>, turn: &[u32]) -> Self {
        let mut readers = vec![JavaSet::default(); group.partitions.count() as usize];
        let mut shares = vec![JavaSet::default(); group.members.len()];
        for member in 0..group.members.len() as u32 {
            for partition in owned_by_topic(group, member, turn).into_iter().flatten() {
                readers[partition as usize].add(member);
                shares[member as usize].add(partition);
            }
        }
        Shared { group, readers, shares }
    }

    /// What somebody owns comes first, then the rest, topic by topic.
    fn insertion_order(&self, turn: &[u32]) -> Vec<u32> {
        let mut there = vec![false; self.readers.len()];
        let owned = self.shares.iter().flat_map(|share| share.elements.iter().copied());
        let all = owned.chain(turn.iter().flat_map(|topic| self.group.partitions.of_topic(*topic)));
        all.filter(|partition| !std::mem::replace(&mut there[*partition as usize], true)).collect()
    }

    /// Shares partitions among members: takes from who has too much, from partitions with too many readers, then gives in turns.
    fn share(&mut self, members: &[u32], partitions: &[u32], hash: impl Fn(u32) -> i32) {
        let (count, readers) = (partitions.len() as u32, members.len() as u32);
        let sharing = readers.div_ceil(count.max(1));
        let mut wanted = vec![0; self.shares.len()];
        // As Kafka computes it, rounding of binary fractions included.
        let each = f64::from(sharing * count) / f64::from(readers.max(1));
        let up_to = |place: u32| (each * f64::from(place)).ceil() as u32;
        for (place, member) in (0..).zip(members) {
            wanted[*member as usize] = up_to(place + 1) - up_to(place);
        }
        let here = |partition: &u32| partitions.contains(partition);
        let held = |share: &JavaSet| share.elements.iter().filter(|partition| here(partition)).count() as u32;
        for member in 0..self.shares.len() as u32 {
            let share = &self.shares[member as usize];
            let too_many = held(share).saturating_sub(wanted[member as usize]);
            let first: Vec<u32> = share.in_order(&hash).into_iter().filter(here).take(too_many as usize).collect();
            first.into_iter().for_each(|partition| self.take(partition, member));
        }
        for &partition in partitions {
            let readers = self.readers[partition as usize].in_order(|member| member as i32);
            let too_many = readers.len().saturating_sub(sharing as usize);
            readers.into_iter().take(too_many).for_each(|member| self.take(partition, member));
        }
        let room = |member: u32| wanted[member as usize].saturating_sub(held(&self.shares[member as usize]));
        let unfilled = members.iter().map(|member| (*member, room(*member))).filter(|(_, room)| *room > 0).collect();
        self.give_in_turns(unfilled, partitions, sharing as usize);
    }

    fn take(&mut self, partition: u32, member: u32) {
        self.readers[partition as usize].elements.retain(|other| *other != member);
        self.shares[member as usize].elements.retain(|other| *other != partition);
    }

    /// Round the members with room; a round in which nobody could take anything is the last.
    fn give_in_turns(&mut self, mut unfilled: Vec<(u32, u32)>, partitions: &[u32], sharing: usize) {
        let (mut next, mut gave) = (0, false);
        for &partition in partitions {
            while self.readers[partition as usize].elements.len() < sharing && !unfilled.is_empty() {
                if next == unfilled.len() {
                    if !gave {
                        break;
                    }
                    (next, gave) = (0, false);
                }
                let (member, room) = &mut unfilled[next];
                if self.readers[partition as usize].elements.contains(member) {
                    next += 1;
                    continue;
                }
                self.readers[partition as usize].add(*member);
                self.shares[*member as usize].add(partition);
                gave = true;
                *room -= 1;
                if *room == 0 {
                    unfilled.remove(next);
                } else {
                    next += 1;
                }
            }
        }
    }

    fn assignment(&self, members: &[Member]) -> Assignment {
        let mut assignment = with_everybody(members);
        for (topic, (name, _)) in (0..).zip(self.group.partitions.topics()) {
            for (number, partition) in (0..).zip(self.group.partitions.of_topic(topic)) {
                for member in &self.readers[partition as usize].elements {
                    if let Some(share) = assignment.get_mut(&self.group.members[*member as usize].id) {
                        share.get_or_insert_with(Arc::clone(name), Vec::new).push(number);
                    }
                }
            }
        }
        assignment
    }
}

/// A `HashSet` that grows as it is filled and never shrinks.
#[derive(Clone, Default)]
struct JavaSet {
    elements: Vec<u32>,
    most: usize,
}

impl JavaSet {
    fn add(&mut self, element: u32) {
        self.elements.push(element);
        self.most = self.most.max(self.elements.len());
    }

    fn in_order(&self, hash: impl Fn(u32) -> i32) -> Vec<u32> {
        let buckets = java_buckets(self.most);
        let mut order = self.elements.clone();
        settle(&mut order, |a, b| java_bucket(hash(*a), buckets) < java_bucket(hash(*b), buckets));
        order
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{counts, member};
    use super::*;

    #[test]
    fn more_members_than_partitions_share_them() {
        let members = [member("a", &["t"]), member("b", &["t"]), member("c", &["t"])];
        let assignment = SimpleAssignor.assign(&members, &counts(&[("t", 2)]));
        let readers = |partition: u32| assignment.values().filter(|share| share.get("t").is_some_and(|p| p.contains(&partition))).count();
        assert_eq!((readers(0), readers(1)), (2, 2));
        assert!(assignment.values().all(|share| !share.is_empty()), "nobody is idle");
    }

    #[test]
    fn each_topic_is_shared_by_those_who_read_it() {
        let members = [member("a", &["t"]), member("b", &["t", "u"])];
        let assignment = SimpleAssignor.assign(&members, &counts(&[("t", 2), ("u", 1)]));
        assert_eq!((&assignment["a"]["t"][..], &assignment["b"]["t"][..], &assignment["b"]["u"][..]), (&[0][..], &[1][..], &[0][..]));
        assert!(assignment["a"].get("u").is_none());
    }
}
