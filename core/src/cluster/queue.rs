//! The one queue of a run, ordered by time and then by the order of creation, so that ties never depend on a container.
//!
//! A radix heap: nothing is ever due before what was taken last, so an event waits in the lane of the highest bit by which its time
//! differs from that. The lowest lane with anything in it holds the earliest; when lane 0 is empty, that lane is dealt out anew. So an
//! event moves a few times in all, each time behind those that were created before it, and nothing is ever compared with its neighbours.

use crate::protocol::Envelope;
use crate::time::SimTime;

/// What will happen: this is what the lanes hold, the envelope itself stays in its slot.
#[derive(Clone, Copy, Debug)]
pub enum Due {
    Deliver {
        slot: u32,
    },
    /// A participant, by its dense number, wanted to be woken.
    Wake {
        node: u32,
    },
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: SimTime,
    id: u64,
    due: Due,
}

/// Events whose times agree with the last one taken above a bit, in the order they were created.
#[derive(Clone, Debug)]
struct Lane {
    entries: Vec<Entry>,
    /// [`SimTime::MAX`] without any.
    earliest: SimTime,
}

impl Lane {
    const EMPTY: Lane = Lane { entries: Vec::new(), earliest: SimTime::MAX };
}

#[derive(Clone, Debug)]
pub struct EventQueue {
    lanes: [Lane; EventQueue::LANES],
    /// A bit for each lane that is not empty.
    filled: u64,
    /// When the last one taken was due.
    from: SimTime,
    /// So many at the front of lane 0 are taken.
    taken: usize,
    next_id: u64,
    /// Messages on their way; slots are used again.
    envelopes: Vec<Option<Envelope>>,
    free: Vec<u32>,
}

impl Default for EventQueue {
    fn default() -> Self {
        EventQueue {
            lanes: [Lane::EMPTY; EventQueue::LANES],
            filled: 0,
            from: SimTime::ZERO,
            taken: 0,
            next_id: 0,
            envelopes: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl EventQueue {
    /// Times end long before the last one is full.
    const LANES: usize = 64;

    fn lane(&self, at: SimTime) -> usize {
        let differs = at.micros() ^ self.from.micros();
        (u64::BITS - differs.leading_zeros()).min(Self::LANES as u32 - 1) as usize
    }

    fn put(&mut self, entry: Entry) {
        let place = self.lane(entry.at);
        let lane = &mut self.lanes[place];
        lane.earliest = lane.earliest.min(entry.at);
        lane.entries.push(entry);
        self.filled |= 1 << place;
    }

    fn push(&mut self, at: SimTime, due: Due) {
        debug_assert!(at >= self.from, "nothing is due before what has happened");
        self.put(Entry { at, id: self.next_id, due });
        self.next_id += 1;
    }

    pub fn wake(&mut self, at: SimTime, node: u32) {
        self.push(at, Due::Wake { node });
    }

    pub fn deliver(&mut self, at: SimTime, envelope: Envelope) {
        let slot = self.free.pop().unwrap_or(self.envelopes.len() as u32);
        match self.envelopes.get_mut(slot as usize) {
            Some(place) => *place = Some(envelope),
            None => self.envelopes.push(Some(envelope)),
        }
        self.push(at, Due::Deliver { slot });
    }

    pub fn take(&mut self, slot: u32) -> Envelope {
        self.free.push(slot);
        self.envelopes[slot as usize].take().expect("a slot holds its envelope until it is delivered")
    }

    pub fn next_time(&self) -> Option<SimTime> {
        (self.filled != 0).then(|| self.lanes[self.filled.trailing_zeros() as usize].earliest)
    }

    /// The earliest event; a message is [taken](EventQueue::take) from its slot.
    pub fn pop(&mut self) -> Option<(SimTime, Due)> {
        if self.filled & 1 == 0 {
            self.deal()?;
        }
        let entries = &mut self.lanes[0].entries;
        let Entry { at, due, .. } = *entries.get(self.taken)?;
        self.taken += 1;
        if self.taken == entries.len() {
            self.clear_first();
        }
        Some((at, due))
    }

    fn clear_first(&mut self) {
        self.lanes[0].entries.clear();
        self.lanes[0].earliest = SimTime::MAX;
        self.filled &= !1;
        self.taken = 0;
    }

    /// What is in the lowest lane goes to lower ones, the earliest of it to lane 0.
    fn deal(&mut self) -> Option<()> {
        self.from = self.next_time()?;
        let lowest = self.filled.trailing_zeros() as usize;
        let Lane { mut entries, .. } = std::mem::replace(&mut self.lanes[lowest], Lane::EMPTY);
        self.filled &= !(1 << lowest);
        entries.drain(..).for_each(|entry| self.put(entry));
        // Its memory is used again.
        if self.lanes[lowest].entries.is_empty() {
            self.lanes[lowest].entries = entries;
        }
        Some(())
    }

    fn all(&self) -> impl Iterator<Item = &Entry> {
        self.lanes.iter().flat_map(|lane| &lane.entries).skip(self.taken)
    }

    /// Everything in the queue, in no order: its id, its time, and the message or who is to wake.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, SimTime, Result<&Envelope, u32>)> {
        self.all().map(|entry| {
            let what = match entry.due {
                Due::Deliver { slot } => {
                    Ok(self.envelopes[slot as usize].as_ref().expect("a slot holds its envelope until it is delivered"))
                }
                Due::Wake { node } => Err(node),
            };
            (entry.id, entry.at, what)
        })
    }

    /// As [`pop`](EventQueue::pop), wherever it stands.
    pub(super) fn remove(&mut self, id: u64) -> Option<(SimTime, Due)> {
        let Entry { at, due, .. } = *self.all().find(|entry| entry.id == id)?;
        let left: Vec<Entry> = self.all().filter(|entry| entry.id != id).copied().collect();
        (self.lanes, self.filled, self.taken) = ([Lane::EMPTY; Self::LANES], 0, 0);
        left.into_iter().for_each(|entry| self.put(entry));
        Some((at, due))
    }

    #[inline(never)]
    pub fn len(&self) -> u64 {
        (self.lanes.iter().map(|lane| lane.entries.len()).sum::<usize>() - self.taken) as u64
    }

    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Events created so far.
    pub fn created(&self) -> u64 {
        self.next_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Seed, SimRng};

    fn node(popped: Option<(SimTime, Due)>) -> Option<(SimTime, u32)> {
        let (at, Due::Wake { node }) = popped? else { return None };
        Some((at, node))
    }

    #[test]
    fn events_leave_by_time_and_then_in_the_order_they_came() {
        let mut rng = SimRng::new(Seed(3), 0);
        let (mut queue, mut waiting, mut now) = (EventQueue::default(), Vec::new(), SimTime::ZERO);
        for n in 0..20_000 {
            let far = rng.below(22);
            let at = SimTime(now.micros() + rng.below(1 << far));
            queue.wake(at, n);
            waiting.push((at, n));
            if rng.below(2) == 0 || waiting.len() > 300 {
                let first = waiting
                    .iter()
                    .copied()
                    .min()
                    .map(|first| waiting.remove(waiting.iter().position(|other| *other == first).unwrap_or(0)));
                assert_eq!(queue.next_time(), first.map(|(at, _)| at));
                assert_eq!((node(queue.pop()), queue.len()), (first, waiting.len() as u64));
                now = first.map_or(now, |(at, _)| at);
            }
        }
        waiting.sort_unstable();
        let left: Vec<_> = std::iter::from_fn(|| node(queue.pop())).collect();
        assert_eq!((left, queue.is_empty()), (waiting, true));
    }

    #[test]
    fn one_that_is_taken_out_of_turn_leaves_the_others_in_theirs() {
        let mut queue = EventQueue::default();
        [5, 5, 9, 5, 1].into_iter().zip(0..).for_each(|(at, n)| queue.wake(SimTime(at), n));
        assert_eq!(node(queue.pop()), Some((SimTime(1), 4)));
        assert_eq!(node(queue.pop()), Some((SimTime(5), 0)));
        assert_eq!(node(queue.remove(2)), Some((SimTime(9), 2)));
        assert_eq!(queue.entries().count(), 2);
        assert_eq!([node(queue.pop()), node(queue.pop()), node(queue.pop())], [Some((SimTime(5), 1)), Some((SimTime(5), 3)), None]);
    }
}
