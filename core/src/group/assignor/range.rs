//! `RangeAssignor`: each topic is cut into contiguous ranges, one a member; the first members get the odd ones.
//!
//! With racks on both sides, members first get partitions that have a replica in their rack, within the same quotas, and
//! topics with equal counts and subscribers stay aligned partition by partition.

use super::numbered::Numbered;
use super::{Assignment, Assignor, Member, Topics, in_assignment_order, with_everybody};
use crate::planted::{Bug, planted};
use crate::sorted::{SortedMap, SortedSet};
use std::sync::Arc;

/// Kafka's default: simple, and it keeps equal topics aligned, but odd counts of many topics pile up on the first members.
#[derive(Clone, Copy, Debug, Default)]
pub struct RangeAssignor;

impl Assignor for RangeAssignor {
    fn name(&self) -> &'static str {
        "range"
    }

    fn assign(&self, members: &[Member], topics: &Topics) -> Assignment {
        let sorted = in_assignment_order(members);
        let partitions = Numbered::new(&sorted, topics);
        let readers = partitions.readers(&sorted);
        let described = partitions.topics().iter().zip(&readers);
        let mut shared: Vec<Topic<'_>> = described.map(|((name, topic), readers)| Topic::new(name, topic, readers, &sorted)).collect();
        if shared.iter().any(Topic::racks_matter) {
            match_racks(&mut shared);
        }
        for topic in &mut shared {
            topic.hand_out(|_, _, _| true);
        }
        collect(members, &shared)
    }
}

/// A member subscribed to a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Consumer<'a> {
    id: &'a str,
    rack: Option<&'a str>,
}

/// One topic while it is being shared.
struct Topic<'a> {
    name: &'a Arc<str>,
    /// Subscribers in assignment order.
    consumers: Vec<Consumer<'a>>,
    /// Racks of each partition's replicas.
    racks: Vec<SortedSet<&'a str>>,
    /// The index of each partition's consumer, once it has one.
    owners: Vec<Option<u32>>,
    assigned: Vec<u32>,
    quota: u32,
    /// Consumers that may still get one more than the quota.
    extras: u32,
}

impl<'a> Topic<'a> {
    fn new(name: &'a Arc<str>, topic: &'a super::Topic, readers: &[u32], sorted: &[&'a Member]) -> Self {
        let consumer = |member: &'a Member| Consumer { id: &member.id, rack: member.subscription.rack.as_deref() };
        let consumers: Vec<Consumer<'_>> = readers.iter().map(|reader| consumer(sorted[*reader as usize])).collect();
        let racks = |partition: u32| topic.racks.get(partition as usize).into_iter().flatten().map(|rack| &**rack).collect();
        let (count, divisor) = (topic.partitions, (consumers.len() as u32).max(1));
        Topic {
            name,
            racks: (0..count).map(racks).collect(),
            owners: vec![None; count as usize],
            assigned: vec![0; consumers.len()],
            quota: count / divisor,
            extras: if planted(Bug::SharesAreLeftOut) { 0 } else { count % divisor },
            consumers,
        }
    }

    fn partition_count(&self) -> u32 {
        self.owners.len() as u32
    }

    fn has_consumer_racks(&self) -> bool {
        self.consumers.iter().any(|consumer| consumer.rack.is_some())
    }

    /// True when a choice by rack can differ from one without: a shared rack, and partitions that are not all everywhere.
    fn racks_matter(&self) -> bool {
        let everywhere: SortedSet<&str> = self.racks.iter().flatten().copied().collect();
        let shared = self.consumers.iter().filter_map(|consumer| consumer.rack).any(|rack| everywhere.contains(rack));
        shared && self.racks.iter().any(|racks| *racks != everywhere)
    }

    fn rack_matches(&self, consumer: u32, partition: u32) -> bool {
        self.consumers[consumer as usize].rack.is_none_or(|rack| self.racks[partition as usize].contains(rack))
    }

    /// How many partitions this consumer may still get.
    fn room(&self, consumer: u32) -> u32 {
        (self.quota + u32::from(self.extras > 0)).saturating_sub(self.assigned[consumer as usize])
    }

    /// Gives partitions to one consumer; together they use up at most one extra, as its range is one decision.
    fn give(&mut self, consumer: u32, partitions: &[u32]) {
        for &partition in partitions {
            self.owners[partition as usize] = Some(consumer);
        }
        let assigned = &mut self.assigned[consumer as usize];
        *assigned += partitions.len() as u32;
        if *assigned > self.quota {
            self.extras -= 1;
        }
    }

    /// One consumer after the other takes its range of what is left and allowed.
    fn hand_out(&mut self, allowed: impl Fn(&Self, u32, u32) -> bool) {
        let mut first = 0;
        for consumer in 0..self.consumers.len() as u32 {
            let taken = |partition: &u32| self.owners.get(*partition as usize).is_some_and(Option::is_some);
            while taken(&first) {
                first += 1;
            }
            let free = (first..self.partition_count()).filter(|partition| !taken(partition));
            let range: Vec<u32> = free.filter(|&partition| allowed(self, consumer, partition)).take(self.room(consumer) as usize).collect();
            if !range.is_empty() {
                self.give(consumer, &range);
            }
        }
    }
}

/// Topics with the same consumers and count are shared as one, so that joins over them stay in one member.
#[inline(never)]
fn match_racks(topics: &mut [Topic<'_>]) {
    let mut groups: SortedMap<(Vec<Consumer<'_>>, u32), Vec<usize>> = SortedMap::new();
    for (index, topic) in topics.iter().enumerate().filter(|(_, topic)| topic.has_consumer_racks()) {
        groups.entry((topic.consumers.clone(), topic.partition_count())).or_default().push(index);
    }
    for ((consumers, count), group) in groups {
        match group[..] {
            [alone] if topics[alone].racks_matter() => topics[alone].hand_out(Topic::rack_matches),
            [_] => {}
            _ => match_racks_together(topics, &group, consumers.len() as u32, count),
        }
    }
}

fn match_racks_together(topics: &mut [Topic<'_>], group: &[usize], consumers: u32, count: u32) {
    let mut remaining: Vec<u32> = (0..consumers).collect();
    for partition in 0..count {
        let fits = |&consumer: &u32| {
            group.iter().all(|&topic| topics[topic].rack_matches(consumer, partition) && topics[topic].room(consumer) > 0)
        };
        let Some(consumer) = remaining.iter().copied().find(fits) else { continue };
        for &topic in group {
            topics[topic].give(consumer, &[partition]);
        }
        if group.iter().all(|&topic| topics[topic].room(consumer) == 0) {
            remaining.retain(|&other| other != consumer);
        }
    }
}

fn collect(members: &[Member], topics: &[Topic<'_>]) -> Assignment {
    let mut assignment = with_everybody(members);
    for topic in topics {
        for (partition, owner) in (0..).zip(&topic.owners) {
            let consumer = owner.map(|owner| topic.consumers[owner as usize].id);
            if let Some(share) = consumer.and_then(|id| assignment.get_mut(id)) {
                share.entry(Arc::clone(topic.name)).or_default().push(partition);
            }
        }
    }
    assignment
}

#[cfg(test)]
mod tests {
    use super::super::tests::{counts, member};
    use super::*;
    use crate::group::consumer_protocol::Subscription;

    fn racked(id: &str, rack: Option<&str>, topics: &[&str]) -> Member {
        let plain = member(id, topics);
        Member { subscription: Subscription { rack: rack.map(Into::into), ..plain.subscription }, ..plain }
    }

    fn racks(topics: &mut Topics, topic: &str, racks: &[&str]) {
        topics.get_mut(topic).expect("a topic").racks = racks.iter().map(|&rack| vec![rack.into()]).collect();
    }

    fn numbers(assignment: &Assignment, member: &str, topic: &str) -> Vec<u32> {
        assignment[member].get(topic).cloned().unwrap_or_default()
    }

    #[test]
    fn static_members_come_first_then_text_order_not_number_order() {
        let first = Member { instance: Some("i".into()), ..member("z", &["t"]) };
        let members = [member("c-2", &["t"]), member("c-10", &["t"]), first];
        let assignment = RangeAssignor.assign(&members, &counts(&[("t", 5)]));
        assert_eq!(numbers(&assignment, "z", "t"), [0, 1]);
        assert_eq!(numbers(&assignment, "c-10", "t"), [2, 3]);
        assert_eq!(numbers(&assignment, "c-2", "t"), [4]);
    }

    #[test]
    fn every_partition_has_exactly_one_owner_and_shares_differ_by_one() {
        for partitions in 0..20 {
            for consumers in 1..8_u32 {
                let rack = |n: u32| ["a", "b", "c"].get(n as usize % 4).copied();
                let members: Vec<_> = (0..consumers).map(|n| racked(&format!("m{n}"), rack(n), &["t", "u"])).collect();
                let mut topics = counts(&[("t", partitions), ("u", partitions)]);
                let places: Vec<&str> = (0..partitions).filter_map(|n| rack(n * 7 % 5)).collect();
                racks(&mut topics, "t", &places);
                let assignment = RangeAssignor.assign(&members, &topics);
                let mut all: Vec<u32> = assignment.keys().flat_map(|m| numbers(&assignment, m, "t")).collect();
                all.sort_unstable();
                assert_eq!(all, (0..partitions).collect::<Vec<_>>());
                let shares: Vec<usize> = assignment.keys().map(|m| numbers(&assignment, m, "t").len()).collect();
                assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1, "{shares:?}");
            }
        }
    }

    #[test]
    fn topics_of_equal_count_stay_aligned_when_racks_match() {
        let members = [racked("m0", Some("a"), &["t", "u"]), racked("m1", Some("b"), &["t", "u"])];
        let mut topics = counts(&[("t", 4), ("u", 4)]);
        racks(&mut topics, "t", &["b", "a", "b", "a"]);
        racks(&mut topics, "u", &["b", "a", "b", "a"]);
        let assignment = RangeAssignor.assign(&members, &topics);
        for topic in ["t", "u"] {
            assert_eq!(numbers(&assignment, "m0", topic), [1, 3]);
            assert_eq!(numbers(&assignment, "m1", topic), [0, 2]);
        }
    }

    #[test]
    fn nobody_subscribed_or_nothing_there_gives_empty_shares() {
        let assignment = RangeAssignor.assign(&[member("m", &["other"])], &counts(&[("t", 4), ("other", 0)]));
        assert!(assignment["m"].is_empty());
    }
}
