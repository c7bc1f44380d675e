//! Racks of members and partitions (KIP-881), where they can make a difference.

use super::super::numbered::Numbered;
use super::Member;
use crate::sorted::{SortedMap, SortedSet};
use std::sync::Arc;

/// Empty unless a member's rack has replicas of some partitions and not of others.
#[derive(Default)]
pub(super) struct Racks<'a> {
    members: Vec<Option<&'a str>>,
    partitions: Vec<&'a [Arc<str>]>,
}

impl<'a> Racks<'a> {
    pub(super) fn new(members: &[&'a Member], partitions: &Numbered<'a>) -> Self {
        let members: Vec<Option<&str>> = members.iter().map(|member| member.subscription.rack.as_deref()).collect();
        if members.iter().all(Option::is_none) {
            return Racks::default();
        }
        let mut of_partitions: Vec<&[Arc<str>]> = Vec::new();
        for (_, topic) in partitions.topics() {
            let racks = |partition| topic.racks.get(partition as usize).map_or(&[] as &[_], Vec::as_slice);
            of_partitions.extend((0..topic.partitions).map(racks));
        }
        let everywhere: SortedSet<&str> = of_partitions.iter().copied().flatten().map(|rack| &**rack).collect();
        let shared = members.iter().flatten().any(|rack| everywhere.contains(*rack));
        let complete = |racks: &&[Arc<str>]| everywhere.iter().all(|rack| has(racks, rack));
        if !shared || of_partitions.iter().all(complete) {
            return Racks::default();
        }
        Racks { members, partitions: of_partitions }
    }

    pub(super) fn matter(&self) -> bool {
        !self.members.is_empty()
    }

    /// The member has a rack and the partition has no replica there.
    pub(super) fn mismatch(&self, member: u32, partition: u32) -> bool {
        let rack = self.members.get(member as usize).copied().flatten();
        rack.is_some_and(|rack| !has(self.partitions[partition as usize], rack))
    }

    /// The partition has a replica in the member's rack; a member without one is never near.
    fn near(&self, member: u32, partition: u32) -> bool {
        self.members[member as usize].is_some_and(|rack| has(self.partitions[partition as usize], rack))
    }

    /// The place in the list of the next member near the partition, from `first` around.
    pub(super) fn next_near(&self, partition: u32, members: &[u32], first: usize) -> Option<usize> {
        let around = (0..members.len()).map(|i| (first + i) % members.len());
        around.into_iter().find(|&place| self.near(members[place], partition))
    }

    /// Partitions with the fewest members near them first.
    pub(super) fn scarcest_first(&self, partitions: Vec<u32>) -> Vec<u32> {
        if !self.matter() {
            return partitions;
        }
        let mut members: SortedMap<&str, u32> = SortedMap::new();
        self.members.iter().flatten().for_each(|rack| *members.entry(rack).or_default() += 1);
        let near = |partition: &u32| -> u32 {
            let racks: SortedSet<&str> = self.partitions[*partition as usize].iter().map(|rack| &**rack).collect();
            racks.iter().filter_map(|rack| members.get(rack)).sum()
        };
        let mut by_count: SortedMap<u32, Vec<u32>> = SortedMap::new();
        partitions.into_iter().for_each(|partition| by_count.entry(near(&partition)).or_default().push(partition));
        by_count.into_values().flatten().collect()
    }
}

fn has(racks: &[Arc<str>], rack: &str) -> bool {
    racks.iter().any(|other| **other == *rack)
}
