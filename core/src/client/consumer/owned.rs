//! The partitions a member owns, which of them have something to do, and how often that set has changed: who watches the member
//! asks only when it did, and the member itself looks at the others only when somebody has touched them.

use super::positions::Assigned;
use crate::ids::TopicPartition;
use crate::sorted::{SortedMap, SortedSet};
use std::ops::Deref;

/// Read as the map it wraps; whoever takes in, changes or gives up a partition does it by one of its own methods.
#[derive(Clone, Debug, Default)]
pub(super) struct Owned {
    partitions: SortedMap<TopicPartition, Assigned>,
    /// At least those that do not merely wait for an answer or for the application.
    astir: SortedSet<TopicPartition>,
    changes: u32,
}

impl Owned {
    pub fn changes(&self) -> u32 {
        self.changes
    }

    pub fn clear(&mut self) {
        if !self.partitions.is_empty() {
            self.changes += 1;
            self.partitions.clear();
        }
    }

    pub fn take(&mut self) -> SortedMap<TopicPartition, Assigned> {
        self.changes += 1;
        std::mem::take(&mut self.partitions)
    }

    pub fn insert(&mut self, id: TopicPartition, assigned: Assigned) {
        self.changes += 1;
        self.partitions.insert(id, assigned);
        self.astir.insert(id);
    }

    pub fn retain(&mut self, keep: impl FnMut(&TopicPartition, &mut Assigned) -> bool) {
        self.changes += 1;
        self.partitions.retain(keep);
    }

    pub fn get_mut(&mut self, id: &TopicPartition) -> Option<&mut Assigned> {
        let assigned = self.partitions.get_mut(id)?;
        self.astir.insert(*id);
        Some(assigned)
    }

    pub fn change_all(&mut self, change: impl FnMut(&mut Assigned)) {
        self.partitions.values_mut().for_each(change);
        self.astir = self.partitions.keys().copied().collect();
    }

    /// In order: all that are astir, and maybe others.
    pub fn astir(&self) -> impl Iterator<Item = (&TopicPartition, &Assigned)> {
        self.astir.iter().filter_map(|id| Some((id, self.partitions.get(id)?)))
    }

    /// Shows them to somebody who may change them; those that are not astir then are forgotten.
    pub fn each_astir(&mut self, mut see: impl FnMut(TopicPartition, &mut Assigned)) {
        let partitions = &mut self.partitions;
        self.astir.retain(|id| {
            let Some(assigned) = partitions.get_mut(id) else { return false };
            see(*id, assigned);
            assigned.is_astir()
        });
    }
}

impl Deref for Owned {
    type Target = SortedMap<TopicPartition, Assigned>;

    fn deref(&self) -> &Self::Target {
        &self.partitions
    }
}
