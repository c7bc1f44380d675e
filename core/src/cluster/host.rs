//! A process as the world sees it: whether it runs, how often it died, and what the user did to it last.

use crate::ids::{EventId, NodeId};
use crate::protocol::{Envelope, Message, Request};
use crate::time::{SimDuration, SimTime};

#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    /// Connections to the processes before this one are dead.
    pub(super) crashes: u32,
    pub(super) down: bool,
    pub(super) paused: bool,
    /// It was removed: nobody starts it again.
    pub(super) gone: bool,
    /// Its next wake is for what it waits for first; else that has moved since, or may have.
    pub(super) punctual: bool,
    /// What arrived while it was paused, in order.
    pub(super) inbox: Vec<Envelope>,
    /// The user's action that it suffers from.
    pub(super) struck: Option<EventId>,
    /// The last thing that was done to it, over or not.
    pub(super) last: Option<EventId>,
    /// When it died or froze last.
    pub(super) since: SimTime,
    /// The first fetch of each broker that found nobody then.
    missed: Vec<(NodeId, SimTime)>,
}

impl Host {
    pub(super) fn added_by(event: EventId) -> Self {
        Host { last: Some(event), ..Host::default() }
    }

    pub(super) fn strike(&mut self, event: EventId) {
        (self.struck, self.last) = (Some(event), Some(event));
    }

    pub(super) fn falls_silent(&mut self, now: SimTime) {
        self.since = now;
        self.missed.clear();
    }

    /// It leads something: what it missed before has been made up for.
    pub(super) fn leads(&mut self) {
        self.missed.clear();
    }

    pub(super) fn misses(&mut self, envelope: &Envelope, now: SimTime) {
        let fetch = matches!((envelope.from, &envelope.message), (NodeId::Broker(_), Message::Request(_, Request::Fetch(_))));
        if fetch && self.gap_before(envelope.from).is_none() {
            self.missed.push((envelope.from, now));
        }
    }

    /// How long it had been silent when this broker would have fetched from it.
    pub(super) fn gap_before(&self, follower: NodeId) -> Option<SimDuration> {
        self.missed.iter().find(|(from, _)| *from == follower).map(|(_, at)| at.since(self.since))
    }
}
