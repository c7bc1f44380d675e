//! What a run was before: copies of the cluster taken on the way. Any moment of it is the copy nearest before, played on.
//!
//! Copies lie close together in the newest million events and ever further apart behind them, and their number and weight are bounded
//! however long the run is; between them a moment costs more time, never more memory.

use crate::cluster::Cluster;
use crate::time::SimTime;
use std::sync::Arc;

/// A run that nobody took part in so far is copied from here on: before, it is as quickly run again.
const FIRST: u64 = 81_920;
/// Events between two copies; a heavier cluster is copied more rarely.
const SPACING: u64 = 32_768;
/// Bytes of a copy that cost as much time as running an event.
const BYTES_AN_EVENT: u64 = 512;
/// The newest events, within which copies stay as close as they were taken.
const NEAR: u64 = 1_500_000;
const MOST_COPIES: usize = 96;
/// Copies may always weigh so much together, and where logs are heavy three quarters of what these take.
const MOST_BYTES: u64 = 80 << 20;

#[derive(Clone, Debug)]
struct Copy {
    cluster: Cluster,
    /// How many events had been told.
    told: usize,
    /// About how many bytes it takes for itself.
    weight: u64,
}

impl Copy {
    fn moment(&self) -> (u64, SimTime) {
        (self.cluster.steps(), self.cluster.now())
    }

    /// When the next copy after this one is due.
    fn next(&self) -> u64 {
        self.cluster.steps() + SPACING.max(self.weight / BYTES_AN_EVENT)
    }
}

/// Of one branch. Clones share the copies.
#[derive(Clone, Debug)]
pub struct Past {
    /// Oldest first.
    copies: Vec<Arc<Copy>>,
    /// Of each copy but the last, about how many bytes of logs it keeps that the next one no longer has. What a copy and its
    /// successors all have, the newest of them counts.
    outlived: Vec<u64>,
    /// The next copy is due at this event.
    due: u64,
}

impl Default for Past {
    fn default() -> Self {
        Past { copies: Vec::new(), outlived: Vec::new(), due: FIRST }
    }
}

impl Past {
    /// Events of the cluster until a copy is due.
    pub fn due_in(&self, cluster: &Cluster) -> u64 {
        self.due.saturating_sub(cluster.steps())
    }

    /// A copy is due, or will be after this moment.
    pub fn pass(&mut self, cluster: &mut Cluster) {
        self.pass_within(cluster, 1);
    }

    #[inline(never)]
    fn pass_within(&mut self, cluster: &mut Cluster, part: u32) {
        self.keep_within(cluster, part);
        self.due_after(cluster.steps());
        // One that was not worth its place is not taken again at the next event.
        self.due = self.due.max(cluster.steps() + SPACING);
    }

    /// From this event on, copies are taken where none is near.
    pub fn due_after(&mut self, steps: u64) {
        let place = self.copies.partition_point(|copy| copy.cluster.steps() <= steps);
        self.due = place.checked_sub(1).map_or(SPACING, |last| self.copies[last].next());
        for later in &self.copies[place..] {
            if later.cluster.steps() > self.due + SPACING / 2 {
                break;
            }
            self.due = later.next();
        }
    }

    /// Takes a copy, unless there is one of this very moment.
    pub fn keep(&mut self, cluster: &mut Cluster) {
        self.keep_within(cluster, 1);
    }

    #[inline(never)]
    fn keep_within(&mut self, cluster: &mut Cluster, part: u32) {
        let moment = (cluster.steps(), cluster.now());
        let place = self.copies.partition_point(|copy| copy.moment() < moment);
        if self.copies.get(place).is_none_or(|copy| copy.moment() != moment) {
            let (told, weight) = (cluster.events().len(), cluster.weight());
            self.insert(place, Copy { cluster: cluster.checkpoint(), told, weight });
            self.thin(part);
        }
    }

    fn insert(&mut self, place: usize, copy: Copy) {
        self.copies.insert(place, Arc::new(copy));
        if self.copies.len() > 1 {
            self.outlived.insert(place.min(self.outlived.len()), 0);
        }
        self.compare(place.wrapping_sub(1));
        self.compare(place);
    }

    fn remove(&mut self, place: usize) {
        self.copies.remove(place);
        self.outlived.remove(place);
        self.compare(place - 1);
    }

    /// Counts anew what the copy at this place keeps alone, if it is one with a successor.
    fn compare(&mut self, place: usize) {
        if let Some(outlived) = self.outlived.get_mut(place) {
            *outlived = self.copies[place].cluster.outlived(Some(&self.copies[place + 1].cluster));
        }
    }

    /// Another branch is shown: a few copies are enough.
    pub fn rest(&mut self) {
        self.thin(8);
    }

    /// Gives up the copies that are missed least: those whose neighbours are near, for their age. They have the room there is, divided
    /// by `part`.
    fn thin(&mut self, part: u32) {
        let Some(newest) = self.copies.last() else { return };
        let now = newest.cluster.steps();
        let most_bytes = MOST_BYTES.max(newest.cluster.outlived(None) / 4 * 3) / u64::from(part);
        let most_copies = MOST_COPIES / part as usize;
        while self.copies.len() > 3 && (self.copies.len() > most_copies || self.size().1 > most_bytes) {
            let steps = |place: usize| self.copies[place].cluster.steps();
            // The first and the last stay.
            let gap = |place: &usize| ((steps(place + 1) - steps(place - 1)) << 16) / now.saturating_sub(steps(*place)).max(NEAR);
            let Some(least) = (1..self.copies.len() - 1).min_by_key(gap) else { return };
            self.remove(least);
        }
    }

    /// The nearest copy from which `moment` is reached by running on, and how many events had been told, if it is nearer than `shown`.
    pub fn nearest(&self, moment: SimTime, shown: Option<&Cluster>) -> Option<(&Cluster, usize)> {
        let place = self.copies.partition_point(|copy| copy.cluster.stands_before(moment)).checked_sub(1)?;
        let copy = &self.copies[place];
        let nearer = shown.is_none_or(|shown| !shown.stands_before(moment) || shown.steps() < copy.cluster.steps());
        nearer.then_some((&copy.cluster, copy.told))
    }

    /// Forgets what was seen after so many entries of the recording and this moment: the next entry is another from now on.
    pub fn forget_after(&mut self, entries: usize, at: SimTime) {
        self.copies.retain(|copy| copy.cluster.entries_done() <= entries && copy.cluster.stands_before(at));
        self.outlived.truncate(self.copies.len().saturating_sub(1));
    }

    /// How many events had been told at the newest copy.
    pub fn told(&self) -> usize {
        self.copies.last().map_or(0, |copy| copy.told)
    }

    /// How many copies there are, and about how many bytes they take: for themselves, and in what logs have given up since.
    pub fn size(&self) -> (usize, u64) {
        let own: u64 = self.copies.iter().map(|copy| copy.weight).sum();
        (self.copies.len(), own + self.outlived.iter().sum::<u64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn a_copy_that_finds_no_place_is_not_due_again_at_once() {
        let fleet = Scenario::parse(include_str!("../../scenarios/trucks_gps.toml")).expect("it is valid");
        let (mut past, mut cluster) = (Past::default(), Cluster::new(&fleet));
        let mut until = |cluster: &mut Cluster, steps: u64| {
            while cluster.steps() < steps {
                cluster.run_some(SimTime::MAX, steps - cluster.steps());
            }
            past.pass_within(cluster, 24);
            (past.size().0, past.due_in(cluster))
        };
        for copies in 1..=4 {
            assert_eq!(until(&mut cluster, 3 * copies * SPACING), (copies as usize, SPACING));
        }
        // By somebody who has gone back there.
        assert_eq!(until(&mut Cluster::new(&fleet), 7 * SPACING), (4, SPACING));
    }
}
