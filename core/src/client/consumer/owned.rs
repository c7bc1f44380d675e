//! The partitions a member owns, and how often that set has changed: who watches the member asks only when it did.

use super::positions::Assigned;
use crate::ids::TopicPartition;
use crate::sorted::SortedMap;
use std::ops::{Deref, DerefMut};

/// Read as the map it wraps; whoever takes in or gives up a partition does it by one of its own methods.
#[derive(Clone, Debug, Default)]
pub(super) struct Owned {
    partitions: SortedMap<TopicPartition, Assigned>,
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

    pub fn insert(&mut self, id: TopicPartition, assigned: Assigned) {
        self.changes += 1;
        self.partitions.insert(id, assigned);
    }

    pub fn extend(&mut self, more: impl Iterator<Item = (TopicPartition, Assigned)>) {
        self.changes += 1;
        self.partitions.extend(more);
    }

    pub fn retain(&mut self, keep: impl FnMut(&TopicPartition, &mut Assigned) -> bool) {
        self.changes += 1;
        self.partitions.retain(keep);
    }
}

impl Deref for Owned {
    type Target = SortedMap<TopicPartition, Assigned>;

    fn deref(&self) -> &Self::Target {
        &self.partitions
    }
}

impl DerefMut for Owned {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.partitions
    }
}
