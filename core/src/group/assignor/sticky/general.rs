//! Members read different topics: what is free goes to who has least, then partitions move until no move evens out any more.

use super::super::numbered::NOBODY;
use super::movements::{Moved, Movements};
use super::{Claims, Group};
use crate::hash::java_string_hash;
use crate::sorted::SortedSet;
use std::sync::Arc;

/// `GeneralAssignmentBuilder`; gives each partition's owner.
pub(super) fn share(group: &Group<'_>, claims: &Claims) -> Vec<u32> {
    let topics = group.partitions.subscriptions(&group.members);
    let readers = group.partitions.readers(&group.members);
    let hashes = group.partitions.topics().iter().map(|(name, _)| java_string_hash(name)).collect();
    let count = group.partitions.count() as usize;
    let sizes = vec![0; topics.len()];
    let room = topics.iter().map(|topics| topics.iter().map(|topic| group.partitions.of_topic(*topic).len() as u32).sum()).collect();
    let mut builder = Builder {
        group,
        claims,
        topics,
        readers,
        hashes,
        room,
        owners: vec![NOBODY; count],
        sizes,
        order: SortedSet::new(),
        movements: Movements::default(),
        even: None,
    };
    builder.share();
    builder.owners
}

struct Builder<'a> {
    group: &'a Group<'a>,
    claims: &'a Claims,
    /// By member, the topics it reads.
    topics: Vec<Arc<[u32]>>,
    /// By topic, who reads it.
    readers: Vec<Vec<u32>>,
    /// By topic, the hash of its name.
    hashes: Vec<i32>,
    /// By member, the partitions of all its topics.
    room: Vec<u32>,
    owners: Vec<u32>,
    sizes: Vec<u32>,
    /// Members whose share may change, those with the least first.
    order: SortedSet<(u32, u32)>,
    movements: Movements,
    /// Whether a move could still help; asked again after each.
    even: Option<bool>,
}

impl Builder<'_> {
    fn share(&mut self) {
        let revoked = self.keep();
        self.order = self.sizes.iter().zip(0..).map(|(size, member)| (*size, member)).collect();
        let initial = self.sizes.iter().all(|size| *size == 0);
        let all = self.scarcest_first();
        let free: Vec<u32> = all.iter().copied().filter(|partition| self.owners[*partition as usize] == NOBODY).collect();
        if self.group.racks.matter() {
            free.iter().for_each(|partition| self.give(*partition, true));
        }
        for partition in &free {
            if self.owners[*partition as usize] == NOBODY {
                self.give(*partition, false);
            }
        }
        self.even_out(&all, &free, initial, revoked);
    }

    /// Everybody keeps what it owned and still reads; true when somebody had to give something up.
    fn keep(&mut self) -> bool {
        let mut revoked = false;
        for partition in 0..self.group.partitions.count() {
            let owner = self.claims.holders[partition as usize];
            if owner == NOBODY {
                continue;
            }
            let reads = self.reads(owner, self.group.partitions.place(partition).0);
            if reads && !self.group.racks.mismatch(owner, partition) {
                self.owners[partition as usize] = owner;
                self.sizes[owner as usize] += 1;
            } else {
                revoked = true;
            }
        }
        revoked
    }

    fn reads(&self, member: u32, topic: u32) -> bool {
        self.topics[member as usize].contains(&topic)
    }

    /// Partitions of the topics with the fewest readers first.
    fn scarcest_first(&self) -> Vec<u32> {
        let order: SortedSet<(usize, u32)> = self.readers.iter().map(Vec::len).zip(0..).collect();
        order.iter().flat_map(|(_, topic)| self.group.partitions.of_topic(*topic)).collect()
    }

    /// To the reader with least, if need be among those near.
    fn give(&mut self, partition: u32, near: bool) {
        let topic = self.group.partitions.place(partition).0;
        let fits = |member: u32| self.reads(member, topic) && !(near && self.group.racks.mismatch(member, partition));
        if let Some((size, member)) = self.order.iter().copied().find(|(_, member)| fits(*member)) {
            self.order.remove(&(size, member));
            self.owners[partition as usize] = member;
            self.resize(member, size + 1);
        }
    }

    fn resize(&mut self, member: u32, size: u32) {
        self.sizes[member as usize] = size;
        self.order.insert((size, member));
    }

    fn even_out(&mut self, all: &[u32], free: &[u32], initial: bool, revoked: bool) {
        let movable = |partition: &&u32| self.readers[self.group.partitions.place(**partition).0 as usize].len() >= 2;
        let all: Vec<u32> = all.iter().filter(movable).copied().collect();
        let free: Vec<u32> = free.iter().filter(movable).copied().collect();
        for member in 0..self.sizes.len() as u32 {
            if !self.takes_part(member) {
                self.order.remove(&(self.sizes[member as usize], member));
            }
        }
        let before = (self.owners.clone(), self.unevenness());
        if !revoked {
            self.reassign(&free);
        }
        let moved = self.reassign(&all);
        if !initial && moved && self.unevenness() >= before.1 {
            self.owners = before.0;
        }
    }

    /// Its share could grow, or shrink.
    fn takes_part(&self, member: u32) -> bool {
        let shared = |topic: &u32| self.readers[*topic as usize].len() >= 2;
        self.sizes[member as usize] < self.room[member as usize] || self.topics[member as usize].iter().any(shared)
    }

    /// The differences between all pairs of shares, summed up (`getBalanceScore`).
    fn unevenness(&self) -> u64 {
        let mut sum = 0;
        let mut before = 0;
        for (place, (size, _)) in (0..).zip(&*self.order) {
            sum += place * u64::from(*size) - before;
            before += u64::from(*size);
        }
        sum
    }

    fn reassign(&mut self, partitions: &[u32]) -> bool {
        let mut moved_any = false;
        loop {
            let mut moved = false;
            for &partition in partitions {
                if self.is_even() {
                    break;
                }
                moved |= self.reassign_one(partition);
            }
            if !moved {
                return moved_any;
            }
            moved_any = true;
        }
    }

    /// Back to who had it in an older generation, else to the reader with least. Kafka looks at readers near the partition first, but what
    /// it does when it finds one is what it does when it finds any.
    fn reassign_one(&mut self, partition: u32) -> bool {
        let topic = self.group.partitions.place(partition).0;
        let size = self.sizes[self.owners[partition as usize] as usize];
        let has_less = |member: u32| size > self.sizes[member as usize] + 1;
        let former = self.claims.former[partition as usize];
        let to = if former != NOBODY && has_less(former) && self.order.contains(&(self.sizes[former as usize], former)) {
            Some(former)
        } else if self.readers[topic as usize].iter().any(|member| has_less(*member)) {
            self.order.iter().map(|(_, member)| *member).find(|member| self.reads(*member, topic))
        } else {
            None
        };
        if let Some(to) = to {
            self.move_instead_of(partition, to);
        }
        to.is_some()
    }

    fn moved(&self, partition: u32) -> Moved {
        let (topic, number) = self.group.partitions.place(partition);
        let hash = (31 + number as i32).wrapping_mul(31).wrapping_add(self.hashes[topic as usize]);
        Moved { topic, partition, hash }
    }

    fn move_instead_of(&mut self, partition: u32, to: u32) {
        let partition = self.movements.instead_of(self.moved(partition), self.owners[partition as usize], to);
        let from = std::mem::replace(&mut self.owners[partition as usize], to);
        self.movements.record(self.moved(partition), from, to);
        let (less, more) = (self.sizes[from as usize], self.sizes[to as usize]);
        self.order.remove(&(less, from));
        self.order.remove(&(more, to));
        self.resize(from, less - 1);
        self.resize(to, more + 1);
        self.even = None;
    }

    /// Nobody could take a partition of a topic it reads from somebody with two more.
    fn is_even(&mut self) -> bool {
        if let Some(even) = self.even {
            return even;
        }
        let ends = self.order.first().zip(self.order.last());
        let even =
            ends.is_none_or(|(least, most)| least.0 + 1 >= most.0) || (0..self.readers.len() as u32).all(|topic| self.topic_is_even(topic));
        self.even = Some(even);
        even
    }

    fn topic_is_even(&self, topic: u32) -> bool {
        let size = |member: u32| self.sizes[member as usize];
        let owners = self.group.partitions.of_topic(topic).map(|partition| self.owners[partition as usize]);
        let most = owners.filter(|owner| *owner != NOBODY).map(size).max();
        let takes = |member: &u32| size(*member) != self.room[*member as usize];
        let least = self.readers[topic as usize].iter().copied().filter(takes).map(size).min();
        most.zip(least).is_none_or(|(most, least)| most <= least + 1)
    }
}
