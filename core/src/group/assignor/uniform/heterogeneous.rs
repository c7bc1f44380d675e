//! Members read different topics: topic by topic, what is free goes to the subscribers with least; then those with most give to them.

use super::super::numbered::NOBODY;
use super::Group;
use super::balancer::Balancer;
use crate::sorted::settle;

/// Where subscriptions overlap, evening out one topic upsets another; Kafka gives up after this many rounds.
const MOST_ROUNDS: u32 = 16;

/// `UniformHeterogeneousAssignmentBuilder`; gives each partition's owner.
pub(super) fn share(group: &Group<'_>) -> Vec<u32> {
    let mut builder = Builder::new(group);
    let mut topics: Vec<u32> = (0..builder.subscribers.len() as u32).collect();
    settle(&mut topics, |a, b| builder.comes_first(*a, *b));
    let mut balancer = Balancer::default();
    for &topic in &topics {
        builder.assign_free(topic, &mut balancer);
    }
    topics.retain(|topic| builder.subscribers[*topic as usize].len() >= 2);
    builder.balance(&topics, &mut balancer);
    builder.owners
}

struct Builder<'a> {
    group: &'a Group<'a>,
    /// By topic.
    subscribers: Vec<Vec<u32>>,
    owners: Vec<u32>,
    sizes: Vec<u32>,
}

impl<'a> Builder<'a> {
    /// Everybody keeps what it owns of the topics it still reads.
    fn new(group: &'a Group<'a>) -> Self {
        let subscribers = group.partitions.readers(&group.members);
        let subscriptions = group.partitions.subscriptions(&group.members);
        let mut owners = group.unowned();
        let mut sizes = vec![0; group.members.len()];
        for ((number, member), topics) in (0..).zip(&group.members).zip(subscriptions) {
            for partition in group.partitions.numbers(&member.subscription.owned) {
                if topics.contains(&group.partitions.place(partition).0) {
                    owners[partition as usize] = number;
                    sizes[number as usize] += 1;
                }
            }
        }
        Builder { group, subscribers, owners, sizes }
    }

    /// Most partitions a subscriber first, then fewest subscribers, then by id, whose halves Java compares with their signs.
    fn comes_first(&self, a: u32, b: u32) -> bool {
        let key = |topic: u32| {
            let (_, described) = self.group.partitions.topics()[topic as usize];
            let (high, low) = described.id.split_at(8);
            let half = |bytes: &[u8]| bytes.iter().fold(0_i64, |half, byte| half << 8 | i64::from(*byte));
            (self.subscribers[topic as usize].len() as u64, half(high), half(low))
        };
        let count = |topic: u32| self.group.partitions.of_topic(topic).len() as u64;
        let (of_a, of_b) = (key(a), key(b));
        (count(b) * of_a.0, of_a) < (count(a) * of_b.0, of_b)
    }

    fn give(&mut self, partition: u32, to: u32) {
        let from = std::mem::replace(&mut self.owners[partition as usize], to);
        if let Some(size) = self.sizes.get_mut(from as usize) {
            *size -= 1;
        }
        self.sizes[to as usize] += 1;
    }

    fn assign_free(&mut self, topic: u32, balancer: &mut Balancer) {
        balancer.begin(&self.subscribers[topic as usize], &self.sizes);
        for partition in self.group.partitions.of_topic(topic) {
            if self.owners[partition as usize] == NOBODY {
                let to = balancer.next_least(&self.sizes);
                self.give(partition, to);
            }
        }
    }

    /// Goes round the topics until none of them changes through a whole round.
    fn balance(&mut self, topics: &[u32], balancer: &mut Balancer) {
        let mut last_changed = None;
        for _ in 0..MOST_ROUNDS {
            for &topic in topics {
                if last_changed == Some(topic) {
                    return;
                }
                if self.balance_topic(topic, balancer) || last_changed.is_none() {
                    last_changed = Some(topic);
                }
            }
        }
    }

    /// True when a partition changed hands.
    fn balance_topic(&mut self, topic: u32, balancer: &mut Balancer) -> bool {
        if balancer.begin(&self.subscribers[topic as usize], &self.sizes) <= 1 {
            return false;
        }
        let mut owned: Vec<Vec<u32>> = vec![Vec::new(); self.sizes.len()];
        for partition in self.group.partitions.of_topic(topic) {
            owned[self.owners[partition as usize] as usize].push(partition);
        }
        let mut changed = false;
        while let Some(partition) = self.next_to_give(&mut owned, balancer) {
            let to = balancer.next_least(&self.sizes);
            if balancer.is_balanced() {
                break;
            }
            self.give(partition, to);
            changed = true;
        }
        changed
    }

    /// The last partition of the next member that has one to give.
    fn next_to_give(&self, owned: &mut [Vec<u32>], balancer: &mut Balancer) -> Option<u32> {
        if balancer.is_balanced() {
            return None;
        }
        loop {
            let from = balancer.next_most(&self.sizes)?;
            match owned[from as usize].pop() {
                None => balancer.exclude_most(),
                partition => return partition,
            }
        }
    }
}
