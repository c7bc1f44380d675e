//! Going through time: to any moment that was seen, from event to event, and back to the newest moment.
//!
//! Looking back is reading. What was seen of the future stays known, and playing on from an older moment follows the recording
//! up to the newest one and beyond.

use super::{Progress, Session};
use crate::time::SimTime;
use crate::view::EventView;
use std::sync::Arc;

/// Kinds that a run with nothing wrong in it is full of: members come and go, partitions are handed out, the first leaders take office.
const ROUTINE: [&str; 9] = [
    "broker_registered",
    "broker_unfenced",
    "topic_created",
    "member_joined",
    "rebalance_started",
    "group_rebalanced",
    "partitions_revoked",
    "coordinator_loaded",
    "offsets_expired",
];

/// Worth stopping at: what somebody did, what failed, who took over, what was lost; not [`ROUTINE`], and nothing about Kafka's own
/// topics unless records are concerned.
pub fn interesting(event: &EventView) -> bool {
    let kind = event.kind.as_str();
    !ROUTINE.contains(&kind) && (!event.subject.starts_with("__") || kind.starts_with("record_"))
}

/// The moment that shows an event: everything of its instant has happened.
pub(super) fn after(event: &EventView) -> SimTime {
    SimTime(event.at_us + 1)
}

impl Session {
    /// The moment that is shown, or will be once the session is there.
    pub fn moment(&self) -> SimTime {
        self.going.unwrap_or_else(|| self.now())
    }

    /// The newest moment of this branch that was seen.
    pub fn head(&self) -> SimTime {
        self.head.max(self.now())
    }

    /// An older moment than the newest is shown.
    pub fn in_past(&self) -> bool {
        self.moment() < self.head
    }

    /// Every event told up to the newest moment, oldest first.
    pub fn known_events(&self) -> &[EventView] {
        let events = self.cluster.events();
        if self.told.len() > events.len() { &self.told } else { events }
    }

    /// Sets out for a moment that was seen; [`go`](Session::go) does the way.
    pub fn seek_to(&mut self, moment: SimTime) {
        self.leave_head();
        let moment = moment.min(self.head);
        self.set_out(moment, true);
    }

    /// Goes to a moment that was seen.
    pub fn seek(&mut self, moment: SimTime) {
        self.seek_to(moment);
        self.arrive();
    }

    /// Goes on towards the moment sought, at most `max_events` events.
    pub fn go(&mut self, max_events: u64) -> Progress {
        let Some(to) = self.going else { return Progress::Reached };
        let progress = self.advance(to, max_events);
        if progress == Progress::Reached {
            self.going = None;
            // What travelled on the way here was not seen.
            let hops = self.cluster.hop_capacity();
            self.cluster.set_hop_capacity(hops);
            if to >= self.head {
                self.told = Vec::new();
            }
        }
        progress
    }

    /// Goes all the way to the moment sought.
    pub fn arrive(&mut self) {
        while self.going.is_some() {
            self.go(u64::MAX);
        }
    }

    /// Whether the session is on its way to a moment.
    pub fn is_going(&self) -> bool {
        self.going.is_some()
    }

    /// The moment of the last known event before the one shown; the beginning when there is none.
    pub fn previous_event(&self, only_interesting: bool) -> SimTime {
        let now = self.moment();
        let mut before = self.known_events().iter().rev().filter(|event| after(event) < now && (!only_interesting || interesting(event)));
        before.next().map_or(SimTime::ZERO, after)
    }

    /// The moment of the next event that is known already.
    pub fn next_known_event(&self, only_interesting: bool) -> Option<SimTime> {
        let now = self.moment();
        // What the user does comes before everything that happens by itself at that instant, and is shown at once.
        let shown = if self.is_going() { None } else { self.cluster.events().last().map(|event| event.id) };
        let comes = |event: &&EventView| after(event) > now && Some(event.id) > shown;
        let mut ahead = self.known_events().iter().filter(comes).filter(|event| !only_interesting || interesting(event));
        ahead.next().map(after)
    }

    /// Before another moment is shown: keeps what is known up to the newest one.
    pub(super) fn leave_head(&mut self) {
        if self.going.is_none() {
            self.cluster.settle();
            if self.now() >= self.head {
                self.head = self.now();
                self.past.keep(&mut self.cluster);
            }
        }
        // Copies lean on this list.
        if self.cluster.events().len() > self.told.len() {
            self.told = self.cluster.events().to_vec();
        }
    }

    /// Stands where running on gives this moment; `along`: the present cluster is of this recording too.
    pub(super) fn set_out(&mut self, moment: SimTime, along: bool) {
        let hops = self.cluster.hop_capacity();
        if let Some((copy, told)) = self.past.nearest(moment, along.then_some(&self.cluster)) {
            let timeline = if along { Arc::clone(self.cluster.timeline()) } else { Arc::new(self.scenario.timeline.clone()) };
            self.cluster = copy.resumed(&self.told[..told.min(self.told.len())], timeline, hops);
        } else if !along || !self.cluster.stands_before(moment) {
            self.cluster = self.cluster.anew(&self.scenario);
        }
        self.past.due_after(self.cluster.steps());
        self.going = Some(moment);
    }

    /// How many copies of the past are kept, and about how many bytes they take.
    pub fn past_size(&self) -> (usize, u64) {
        self.past.size()
    }
}
