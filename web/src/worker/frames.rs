//! Frames for the page: what changed since the frame it last showed, at most one of them unacknowledged.

use super::crowd::Crowd;
use crate::bridge::{Bytes, EVENTS, EVENTS_AHEAD, Frame, HOPS, Playback};
use playground_core::session::Session;
use playground_core::view::delta::ViewDelta;
use playground_core::view::large::{LARGE, partitions};
use playground_core::view::{ClusterView, HopView};

/// Not more often than a screen shows.
const INTERVAL_MS: f64 = 1_000.0 / 60.0;
/// A frame that is dear to make comes more rarely: it may take one part in so many of the time.
const SHARE: f64 = 4.0;

#[derive(Default)]
pub struct Frames {
    /// What the page will have once it shows the last frame.
    sent: ClusterView,
    /// Revision of the last frame; `None`: the page holds nothing that could be built upon.
    base: Option<u32>,
    revision: u32,
    /// The last frame is not on screen yet.
    waiting: bool,
    /// Something changed since the last frame.
    dirty: bool,
    sent_ms: f64,
    cost_ms: f64,
    events_sent: usize,
    /// Oldest first, the newest [`HOPS`] at most.
    hops: Vec<HopView>,
    hops_total: u64,
    /// Partitions whose records the page shows, where it is not told all.
    pub sight: Vec<(String, u32)>,
    crowd: Option<Box<Crowd>>,
}

/// When the next frame is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Due {
    Now,
    InMs(f64),
    /// Not before the page shows the last one, or something changes.
    Waiting,
}

impl Frames {
    /// Another run: the next frame is whole.
    pub fn begin(&mut self) {
        *self = Frames { revision: self.revision, dirty: true, sent_ms: self.sent_ms, ..Frames::default() };
    }

    /// The page lost track: the next frame is whole and comes as soon as it may.
    pub fn resync(&mut self) {
        self.sent = ClusterView::default();
        self.base = None;
        self.waiting = false;
        self.dirty = true;
        self.events_sent = 0;
    }

    pub fn shown(&mut self, revision: u32) {
        if self.base == Some(revision) {
            self.waiting = false;
        }
    }

    pub fn changed(&mut self) {
        self.dirty = true;
    }

    /// Takes what arrived since the last call.
    pub fn collect(&mut self, session: &mut Session) {
        let (hops, total) = session.cluster_mut().take_hops();
        self.hops_total += total;
        self.hops.extend(hops);
        let extra = self.hops.len().saturating_sub(HOPS);
        self.hops.drain(..extra);
        let large = partitions(session.cluster()) > LARGE;
        if large || self.crowd.is_some() {
            Crowd::follow(&mut self.crowd, session, large);
        }
    }

    pub fn due(&self, now_ms: f64) -> Due {
        let wait = self.sent_ms + INTERVAL_MS.max(self.cost_ms * SHARE) - now_ms;
        match (self.dirty, self.waiting) {
            (true, false) if wait <= 0.5 => Due::Now,
            (true, false) => Due::InMs(wait),
            _ => Due::Waiting,
        }
    }

    /// The next frame. The digest is taken while the run stands still; it costs too much for every frame.
    pub fn make(&mut self, session: &Session, playback: Playback, still: bool, clock: fn() -> f64) -> Frame {
        let start = clock();
        let cluster = session.cluster();
        let view = match &self.crowd {
            Some(_) => ClusterView::looking_at(cluster, &self.sight),
            None => ClusterView::of(cluster),
        };
        let (events, present) = (session.known_events(), cluster.events().len());
        // What the page holds must reach back from the moment that is shown.
        if self.events_sent > present + EVENTS_AHEAD * 2 {
            self.resync();
        }
        if self.base.is_none() {
            self.events_sent = present.saturating_sub(EVENTS - EVENTS_AHEAD);
        }
        let end = events.len().min(present + EVENTS_AHEAD).max(self.events_sent);
        self.revision = self.revision.wrapping_add(1);
        let mut frame = Frame {
            revision: self.revision,
            base: self.base,
            delta: ViewDelta::between(&self.sent, &view),
            digest: still.then(|| format!("{:016x}", cluster.digest())),
            events: events.get(self.events_sent..end).unwrap_or_default().to_vec(),
            ahead: end.saturating_sub(present) as u32,
            head_us: session.head().micros(),
            hops: std::mem::take(&mut self.hops),
            hops_total: std::mem::take(&mut self.hops_total),
            motes: Bytes::default(),
            loads: Vec::new(),
            playback,
        };
        self.dirty = false;
        match &mut self.crowd {
            Some(crowd) => {
                self.dirty = crowd.fill(&mut frame, cluster, &self.sent);
                self.sent.apply(frame.delta.clone());
            }
            None => self.sent = view,
        }
        self.base = Some(self.revision);
        self.events_sent = end;
        self.waiting = true;
        self.sent_ms = clock();
        self.cost_ms = self.sent_ms - start;
        frame
    }
}
