//! A process as the world sees it: whether it runs, how often it died, and what the user did to it last.

use crate::ids::EventId;
use crate::protocol::Envelope;

#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    /// Connections to the processes before this one are dead.
    pub(super) crashes: u32,
    pub(super) down: bool,
    pub(super) paused: bool,
    /// Its next wake is for what it waits for first; else that has moved since, or may have.
    pub(super) punctual: bool,
    /// What arrived while it was paused, in order.
    pub(super) inbox: Vec<Envelope>,
    /// The user's action that it suffers from.
    pub(super) struck: Option<EventId>,
}
