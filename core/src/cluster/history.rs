//! What the members of groups did of late, for the picture: who owned which partition from when to when, how many records each was
//! given in every second, and what it worked on last. Nothing decides by it.

use super::Cluster;
use crate::ids::{ClientId, Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::sorted::SortedSet;
use crate::time::SimTime;
use std::collections::VecDeque;

/// How far back it reaches, in virtual seconds.
pub const SECONDS: u64 = 120;

/// How many batches that a member has worked on are remembered.
pub const RECENT: usize = 32;

/// The most spells a group keeps, whatever happens within two minutes.
const SPELLS: usize = 8_192;

/// A member owned a partition for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    pub partition: TopicPartition,
    pub member: ClientId,
    pub from: SimTime,
    /// [`SimTime::MAX`] while it lasts.
    pub until: SimTime,
}

/// Spells by group and rates by member, both in the order of the scenario.
#[derive(Clone, Debug, Default)]
pub struct History {
    spells: Vec<VecDeque<Spell>>,
    rates: Vec<Rate>,
    /// What each member worked on last: batches, and the last offset in each.
    recent: Vec<VecDeque<(TopicPartition, StoredBatch, Offset)>>,
    /// The changes of each member's partitions that are known here.
    seen: Vec<u32>,
}

impl History {
    pub(super) fn of(groups: usize, members: usize) -> Self {
        let mut history = History::default();
        history.extend(groups, members);
        history
    }

    /// So many more take part.
    pub(super) fn extend(&mut self, groups: usize, members: usize) {
        self.spells.resize(self.spells.len() + groups, VecDeque::new());
        self.rates.resize(self.rates.len() + members, Rate::default());
        self.recent.resize(self.recent.len() + members, VecDeque::new());
        self.seen.resize(self.seen.len() + members, 0);
    }
}

/// Records of each of the last seconds, as a ring; empty until the first.
#[derive(Clone, Debug, Default)]
struct Rate {
    records: Vec<u32>,
    newest: u64,
}

impl Rate {
    fn add(&mut self, second: u64, records: u32) {
        if second > self.newest || self.records.is_empty() {
            self.begin(second);
        }
        self.records[(second % SECONDS) as usize] += records;
    }

    fn begin(&mut self, second: u64) {
        self.records.resize(SECONDS as usize, 0);
        for empty in (self.newest + 1..=second).rev().take(SECONDS as usize) {
            self.records[(empty % SECONDS) as usize] = 0;
        }
        self.newest = second;
    }

    /// Of the seconds before `second`, oldest first.
    fn before(&self, second: u64) -> Vec<u32> {
        let one = |back: u64| {
            let at = second.checked_sub(back).filter(|at| *at <= self.newest && at + SECONDS > self.newest);
            at.and_then(|at| self.records.get((at % SECONDS) as usize)).copied().unwrap_or(0)
        };
        (1..=SECONDS).rev().map(one).collect()
    }
}

fn second(at: SimTime) -> u64 {
    at.micros() / 1_000_000
}

impl Cluster {
    /// A member was given records `from..to` of a batch.
    pub(super) fn note_given(&mut self, consumer: usize, id: TopicPartition, batch: StoredBatch, from: Offset, to: Offset) {
        self.history.rates[consumer].add(second(self.now), to.since(from) as u32);
        let recent = &mut self.history.recent[consumer];
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back((id, batch, Offset(to.0 - 1)));
    }

    /// What a member's application worked on last, oldest first: batches, and the last offset in each.
    pub fn recent(&self, member: ClientId) -> impl Iterator<Item = &(TopicPartition, StoredBatch, Offset)> {
        self.consumer_place(member).into_iter().flat_map(|consumer| &self.history.recent[consumer])
    }

    /// A member did something: what it owns may be other than before.
    pub(super) fn note_owned(&mut self, consumer: usize) {
        let changes = self.consumers[consumer].owned_changes();
        if self.history.seen[consumer] != changes {
            self.note_changes(consumer, changes);
        }
    }

    #[inline(never)]
    fn note_changes(&mut self, consumer: usize, changes: u32) {
        let (now, member) = (self.now, self.consumers[consumer].id);
        let history = &mut self.history;
        history.seen[consumer] = changes;
        let spells = &mut history.spells[self.group_of[consumer] as usize];
        let owned: Vec<TopicPartition> = self.consumers[consumer].positions().map(|(id, _)| id).collect();
        let mut lasting = SortedSet::new();
        for spell in spells.iter_mut().filter(|spell| spell.member == member && spell.until == SimTime::MAX) {
            match owned.binary_search(&spell.partition) {
                Ok(_) => {
                    lasting.insert(spell.partition);
                }
                Err(_) => spell.until = now,
            }
        }
        let begun = owned.into_iter().filter(|id| !lasting.contains(id));
        spells.extend(begun.map(|partition| Spell { partition, member, from: now, until: SimTime::MAX }));
        let over = |spell: &Spell| spell.until.micros() + SECONDS * 1_000_000 < now.micros();
        spells.retain(|spell| spell.until == SimTime::MAX || !over(spell));
        let excess = spells.len().saturating_sub(SPELLS);
        spells.drain(..excess);
    }

    /// The spells of a group, oldest first.
    pub fn spells(&self, group: u32) -> impl Iterator<Item = &Spell> {
        self.history.spells[group as usize].iter()
    }

    /// How many records a member was given in each of the last seconds, oldest first.
    pub fn given_by_second(&self, consumer: usize) -> Vec<u32> {
        self.history.rates[consumer].before(second(self.now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_forgets_what_is_older_than_its_ring() {
        let mut rate = Rate::default();
        rate.add(3, 5);
        rate.add(3, 1);
        rate.add(5, 2);
        let before = rate.before(6);
        assert_eq!(before.len() as u64, SECONDS);
        assert_eq!(before[SECONDS as usize - 3..], [6, 0, 2]);
        rate.add(3 + SECONDS, 7);
        assert_eq!(rate.before(4 + SECONDS).iter().sum::<u32>(), 9, "the six of second 3 are gone");
        assert_eq!(rate.before(4 + 3 * SECONDS).iter().sum::<u32>(), 0);
    }
}
