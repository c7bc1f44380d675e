//! Who of a topic's subscribers gives and who takes next, so that their shares approach each other from both ends.

use crate::sorted::SortedSet;

/// `MemberAssignmentBalancer`: the subscribers by the size of their shares. A range of those with least grows from the front, one of those
/// with most from the back; within a range all began equal, and each turn through one changes its level by one.
#[derive(Default)]
pub(super) struct Balancer {
    order: Vec<u32>,
    least_end: usize,
    least_size: i64,
    next_least: usize,
    most_start: usize,
    /// Behind it are members that have nothing to give.
    most_end: usize,
    most_size: i64,
    /// One before the next to give.
    next_most: usize,
}

impl Balancer {
    /// Begins with these members; gives the difference between the most and the least that one has.
    pub(super) fn begin(&mut self, members: &[u32], sizes: &[u32]) -> u32 {
        let size = |member: u32| sizes[member as usize];
        let by_size: SortedSet<(u32, u32)> = members.iter().map(|&member| (size(member), member)).collect();
        self.order = by_size.iter().map(|(_, member)| *member).collect();
        let (least, most) = (by_size.first().map_or(0, |(size, _)| *size), by_size.last().map_or(0, |(size, _)| *size));
        (self.least_end, self.least_size, self.next_least) = (0, i64::from(least) - 1, 0);
        let count = members.len();
        (self.most_start, self.most_end, self.most_size, self.next_most) = (count, count, i64::from(most) + 1, count);
        most - least
    }

    fn has(&self, place: usize, size: i64, sizes: &[u32]) -> bool {
        self.order.get(place).is_some_and(|member| i64::from(sizes[*member as usize]) == size)
    }

    /// Who takes the next partition.
    pub(super) fn next_least(&mut self, sizes: &[u32]) -> u32 {
        if self.next_least >= self.least_end {
            self.least_size += 1;
            while self.has(self.least_end, self.least_size, sizes) {
                self.least_end += 1;
            }
            self.next_least = 0;
        }
        self.next_least += 1;
        self.order[self.next_least - 1]
    }

    /// Who gives the next partition, unless all that could are excluded.
    pub(super) fn next_most(&mut self, sizes: &[u32]) -> Option<u32> {
        if self.next_most <= self.most_start {
            // Nobody is left in the range: begin with whoever comes next.
            if self.most_end <= self.most_start && self.most_start > 0 {
                self.most_size = i64::from(sizes[self.order[self.most_start - 1] as usize]);
            } else {
                self.most_size -= 1;
            }
            while self.most_start > 0 && self.has(self.most_start - 1, self.most_size, sizes) {
                self.most_start -= 1;
            }
            self.next_most = self.most_end;
        }
        self.next_most = self.next_most.checked_sub(1)?;
        Some(self.order[self.next_most])
    }

    /// The last that should have given has nothing.
    pub(super) fn exclude_most(&mut self) {
        self.most_end -= 1;
        self.order.swap(self.next_most, self.most_end);
    }

    pub(super) fn is_balanced(&self) -> bool {
        self.most_size - self.least_size <= 1
    }
}
