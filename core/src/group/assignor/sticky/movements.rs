//! Which partitions of a topic went from whom to whom while shares were evened out, so that none goes there while another comes back.

use super::super::numbered::NOBODY;
use crate::hash::{java_bucket, java_buckets};
use crate::sorted::SortedMap;

/// `AbstractStickyAssignor.PartitionMovements`.
#[derive(Default)]
pub(super) struct Movements {
    /// By topic, and who had it first and who has it now.
    by_pair: SortedMap<(u32, u32, u32), JavaSet>,
    /// By partition: who had it first.
    from: SortedMap<u32, u32>,
}

/// A partition as movements know it.
#[derive(Clone, Copy)]
pub(super) struct Moved {
    pub(super) topic: u32,
    pub(super) partition: u32,
    pub(super) hash: i32,
}

impl Movements {
    /// The partition that should go from `old` to `new` in the place of this one: one that once came from there, if there is one.
    pub(super) fn instead_of(&self, moved: Moved, old: u32, new: u32) -> u32 {
        let first = self.from.get(&moved.partition).copied().unwrap_or(old);
        let back = self.by_pair.get(&(moved.topic, new, first));
        back.map_or(moved.partition, JavaSet::first)
    }

    pub(super) fn record(&mut self, moved: Moved, old: u32, new: u32) {
        let first = match self.from.remove(&moved.partition) {
            None => old,
            Some(first) => {
                let pair = (moved.topic, first, old);
                if let Some(set) = self.by_pair.get_mut(&pair) {
                    set.elements.retain(|(_, partition)| *partition != moved.partition);
                    if set.elements.is_empty() {
                        self.by_pair.remove(&pair);
                    }
                }
                first
            }
        };
        if first != new {
            self.from.insert(moved.partition, first);
            self.by_pair.entry((moved.topic, first, new)).or_default().add(moved.hash, moved.partition);
        }
    }
}

/// A `java.util.HashSet` as far as it takes to know its first element.
#[derive(Default)]
struct JavaSet {
    elements: Vec<(i32, u32)>,
    /// It grows and never shrinks.
    most: usize,
}

impl JavaSet {
    fn add(&mut self, hash: i32, partition: u32) {
        self.elements.push((hash, partition));
        self.most = self.most.max(self.elements.len());
    }

    fn first(&self) -> u32 {
        let buckets = java_buckets(self.most);
        let first = self.elements.iter().min_by_key(|(hash, _)| java_bucket(*hash, buckets));
        first.map_or(NOBODY, |(_, partition)| *partition)
    }
}
