//! Partitions and members under running numbers, so that an assignor keeps what it knows of each in plain lists.

use super::{JavaText, Member, Topic, Topics};
use crate::hash::{java_map_order, java_string_hash};
use crate::protocol::MemberAssignment;
use crate::sorted::SortedSet;
use std::ops::Range;
use std::sync::Arc;

/// The number of no member.
pub(super) const NOBODY: u32 = u32::MAX;

/// The partitions that are to be shared, counted through topic by topic.
pub(super) struct Numbered<'a> {
    topics: Vec<(&'a Arc<str>, &'a Topic)>,
    /// The number of each topic's first partition, and how many there are in all.
    starts: Vec<u32>,
}

impl<'a> Numbered<'a> {
    /// Those of all topics that have partitions and a subscriber.
    pub(super) fn new(members: &[&Member], topics: &'a Topics) -> Self {
        let mut subscribed: SortedSet<&Arc<str>> = SortedSet::new();
        for (member, same) in with_repeats(members) {
            if !same {
                subscribed.extend(&member.subscription.topics);
            }
        }
        let shared = |(name, topic): &(&Arc<str>, &Topic)| topic.partitions > 0 && subscribed.contains(name);
        let topics: Vec<(&Arc<str>, &Topic)> = topics.iter().filter(shared).collect();
        let mut starts = vec![0];
        for (_, topic) in &topics {
            starts.push(starts.last().copied().unwrap_or_default() + topic.partitions);
        }
        Numbered { topics, starts }
    }

    /// How many partitions there are.
    pub(super) fn count(&self) -> u32 {
        self.starts.last().copied().unwrap_or_default()
    }

    pub(super) fn topics(&self) -> &[(&'a Arc<str>, &'a Topic)] {
        &self.topics
    }

    /// The place of a topic among those that are shared.
    pub(super) fn topic(&self, name: &str) -> Option<u32> {
        self.topics.binary_search_by(|(known, _)| (***known).cmp(name)).ok().map(|place| place as u32)
    }

    /// The numbers of a topic's partitions.
    pub(super) fn of_topic(&self, topic: u32) -> Range<u32> {
        self.starts[topic as usize]..self.starts[topic as usize + 1]
    }

    /// The topic a partition belongs to, and its number there.
    pub(super) fn place(&self, number: u32) -> (u32, u32) {
        let topic = self.starts.partition_point(|start| *start <= number) - 1;
        (topic as u32, number - self.starts[topic])
    }

    /// Those of a member that are shared here.
    pub(super) fn numbers<'b>(&'b self, owned: &'b MemberAssignment) -> impl Iterator<Item = u32> + 'b {
        owned.iter().flat_map(|(name, partitions)| {
            let range = self.topic(name).map_or(0..0, |topic| self.of_topic(topic));
            partitions.iter().map(move |partition| range.start.saturating_add(*partition)).filter(move |number| range.contains(number))
        })
    }

    /// All of them, partition 0 of every topic first, then partition 1, and so on.
    pub(super) fn across(&self) -> impl Iterator<Item = u32> + '_ {
        let most = self.topics.iter().map(|(_, topic)| topic.partitions).max().unwrap_or_default();
        (0..most).flat_map(|partition| {
            let has = move |(topic, _): &(&(&Arc<str>, &Topic), &u32)| partition < topic.1.partitions;
            self.topics.iter().zip(&self.starts).filter(has).map(move |(_, start)| start + partition)
        })
    }

    /// By member, the topics it reads.
    pub(super) fn subscriptions(&self, members: &[&Member]) -> Vec<Arc<[u32]>> {
        let mut subscriptions: Vec<Arc<[u32]>> = Vec::with_capacity(members.len());
        for (member, same) in with_repeats(members) {
            let topics = match subscriptions.last() {
                Some(last) if same => Arc::clone(last),
                _ => member.subscription.topics.iter().filter_map(|name| self.topic(name)).collect(),
            };
            subscriptions.push(topics);
        }
        subscriptions
    }

    /// By topic, who reads it, in the order of the members.
    pub(super) fn readers(&self, members: &[&Member]) -> Vec<Vec<u32>> {
        let mut readers = vec![Vec::new(); self.topics.len()];
        for (member, topics) in (0..).zip(self.subscriptions(members)) {
            topics.iter().for_each(|topic| readers[*topic as usize].push(member));
        }
        readers
    }

    /// Everybody's share, when each partition's owner is known.
    pub(super) fn shares(&self, members: &[&Member], owners: &[u32]) -> super::Assignment {
        let mut shares: Vec<MemberAssignment> = vec![MemberAssignment::new(); members.len()];
        for (topic, (name, _)) in (0..).zip(&self.topics) {
            let range = self.of_topic(topic);
            for (partition, number) in (0..).zip(range) {
                if let Some(share) = shares.get_mut(owners[number as usize] as usize) {
                    share.get_or_insert_with(Arc::clone(name), Vec::new).push(partition);
                }
            }
        }
        members.iter().map(|member| Arc::clone(&member.id)).zip(shares).collect()
    }
}

/// Members, and whether each reads the same as the one before: most groups are of one mind.
fn with_repeats<'b>(members: &'b [&'b Member]) -> impl Iterator<Item = (&'b Member, bool)> {
    let before = std::iter::once(None).chain(members.iter().map(Some));
    members
        .iter()
        .zip(before)
        .map(|(member, before)| (*member, before.is_some_and(|before| before.subscription.topics == member.subscription.topics)))
}

/// Members by id as Java compares text: `Collections.sort` of ids, and `TreeSet`'s tie.
pub(super) fn by_text(members: &[Member]) -> Vec<&Member> {
    let order: SortedSet<(JavaText<'_>, usize)> = members.iter().enumerate().map(|(i, member)| (JavaText(&member.id), i)).collect();
    order.iter().map(|&(_, i)| &members[i]).collect()
}

/// Members as a `HashMap` by id gives them that got them in the order given.
pub(super) fn by_hash(members: &[Member]) -> Vec<&Member> {
    let mut order: Vec<&Member> = members.iter().collect();
    java_map_order(&mut order, |member| java_string_hash(&member.id));
    order
}
