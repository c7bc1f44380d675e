//! All members read the same topics: everybody keeps up to its quota, and the rest is dealt out in turns.

use super::super::numbered::NOBODY;
use super::{Claims, Group, Shares};

/// `ConstrainedAssignmentBuilder`.
pub(super) fn share(group: &Group<'_>, claims: &Claims) -> Shares {
    let (partitions, members) = (group.partitions.count(), group.members.len() as u32);
    let mut builder = Builder {
        group,
        claims,
        owners: vec![NOBODY; partitions as usize],
        sizes: vec![0; members as usize],
        given_up_by: vec![NOBODY; partitions as usize],
        moving: vec![false; partitions as usize],
        below: Vec::new(),
        at_quota: Vec::new(),
        quota: partitions / members,
        extras: partitions % members,
        most: partitions.div_ceil(members),
    };
    builder.keep();
    builder.below = in_order(&builder.below, members);
    builder.at_quota = in_order(&builder.at_quota, members);
    let left: Vec<u32> = (0..partitions).filter(|partition| builder.owners[*partition as usize] == NOBODY).collect();
    let left = builder.fill_near(group.racks.scarcest_first(left));
    builder.fill(&left);
    Shares { owners: builder.owners, moving: builder.moving }
}

/// Members sorted, by marking them.
fn in_order(list: &[u32], members: u32) -> Vec<u32> {
    let mut there = vec![false; members as usize];
    list.iter().for_each(|member| there[*member as usize] = true);
    (0..members).filter(|member| there[*member as usize]).collect()
}

struct Builder<'a> {
    group: &'a Group<'a>,
    claims: &'a Claims,
    owners: Vec<u32>,
    sizes: Vec<u32>,
    /// Who owned a partition before and may not keep it.
    given_up_by: Vec<u32>,
    moving: Vec<bool>,
    /// Members with less than the quota.
    below: Vec<u32>,
    /// Members with just the quota, while some may still get one more.
    at_quota: Vec<u32>,
    quota: u32,
    /// How many members may still get one more than the quota.
    extras: u32,
    /// The quota, or one more if that is needed.
    most: u32,
}

impl Builder<'_> {
    /// Everybody keeps what it owned, up to the quota; the first in Java's order that own more keep one more.
    fn keep(&mut self) {
        let mut owned: Vec<Vec<u32>> = vec![Vec::new(); self.sizes.len()];
        for partition in self.group.partitions.across() {
            if let Some(list) = owned.get_mut(self.claims.holders[partition as usize] as usize) {
                list.push(partition);
            }
        }
        for &member in &self.group.hash_order {
            let list = &mut owned[member as usize];
            let far = |partition: &u32| self.group.racks.mismatch(member, *partition);
            list.iter().filter(|partition| far(partition)).for_each(|partition| self.given_up_by[*partition as usize] = member);
            list.retain(|partition| !far(partition) && !self.claims.contested[*partition as usize]);
            let size = list.len() as u32;
            let kept = if size < self.quota {
                self.below.push(member);
                size
            } else if size >= self.most && self.extras > 0 {
                self.use_extra();
                self.most
            } else {
                if self.extras > 0 {
                    self.at_quota.push(member);
                }
                self.quota
            };
            let (kept, revoked) = list.split_at(kept as usize);
            self.sizes[member as usize] = kept.len() as u32;
            kept.iter().for_each(|partition| self.owners[*partition as usize] = member);
            revoked.iter().for_each(|partition| self.given_up_by[*partition as usize] = member);
        }
    }

    /// One member more got one more than the quota; after the last, those at the quota are done.
    fn use_extra(&mut self) {
        self.extras = self.extras.saturating_sub(1);
        if self.extras == 0 {
            self.at_quota.clear();
        }
    }

    fn give(&mut self, partition: u32, member: u32) -> u32 {
        let number = partition as usize;
        let before = self.given_up_by[number];
        self.moving[number] = (before != NOBODY && before != member) || self.claims.contested[number];
        self.owners[number] = member;
        self.sizes[member as usize] += 1;
        self.sizes[member as usize]
    }

    /// Turns among members with a replica in their rack; gives what found none.
    fn fill_near(&mut self, partitions: Vec<u32>) -> Vec<u32> {
        if !self.group.racks.matter() {
            return partitions;
        }
        let racks = &self.group.racks;
        let mut next = 0;
        let mut left = Vec::new();
        for partition in partitions {
            if let Some(place) = racks.next_near(partition, &self.below, next) {
                let member = self.below[place];
                let size = self.give(partition, member);
                next = place + 1;
                if size >= self.quota {
                    self.below.remove(place);
                    next = place;
                    if size < self.most && self.extras > 0 {
                        self.at_quota.push(member);
                    }
                }
                next = if self.below.is_empty() { 0 } else { next % self.below.len() };
            } else if let Some(place) = racks.next_near(partition, &self.at_quota, 0) {
                let member = self.at_quota[place];
                if self.give(partition, member) == self.most {
                    self.at_quota.remove(place);
                    self.use_extra();
                }
            } else {
                left.push(partition);
            }
        }
        left
    }

    /// Turns among those below the quota; then one more for each of the others until nothing is left.
    fn fill(&mut self, partitions: &[u32]) {
        let (mut next, mut first_at_quota) = (0, 0);
        for &partition in partitions {
            if next == self.below.len() {
                next = 0;
            }
            let Some(&member) = self.below.get(next).or_else(|| self.at_quota.get(first_at_quota)) else { return };
            let waits = self.below.is_empty();
            let size = self.give(partition, member);
            if waits {
                first_at_quota += 1;
            } else if size == self.quota {
                self.below.remove(next);
                self.at_quota.push(member);
            } else {
                next += 1;
            }
        }
    }
}
