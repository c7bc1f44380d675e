//! What page and worker say to each other: plain data, one transferred buffer a message.
//!
//! The worker owns the run. The page sends intentions and shows frames; it holds at most one frame it has not acknowledged.

use playground_core::view::delta::ViewDelta;
use playground_core::view::{Detail, EventView, HopView, Subject};
pub use playground_core::wire::{decode, encode};
use playground_core::{wire_enums, wire_structs};

/// Raised when a message changes its meaning; page and worker come from one artifact, so this only guards stale caches.
pub const PROTOCOL: u32 = 1;

#[derive(Clone, Debug, PartialEq)]
pub enum ToWorker {
    /// First message. `embed`: keep nothing, use memory storage.
    Hello {
        protocol: u32,
        embed: bool,
    },
    /// Take up the saved run if there is one, else open this scenario text.
    Resume {
        otherwise: String,
    },
    /// Take up this saved run (the report of a failed worker), paused.
    Restore {
        saved: String,
    },
    /// Open this scenario (TOML) instead of the current run, and run to `at_us` before showing it: playing from the
    /// first instant, paused at any later one. The user's own run stays under another name in the browser's storage.
    Open {
        scenario: String,
        at_us: u64,
    },
    /// The same scenario from its first instant, without what the user did to it.
    StartOver,
    /// A shell line: `kill 102`.
    Shell {
        id: u32,
        line: String,
    },
    Playback(Playback),
    /// While paused: run to the next entry of the event list.
    NextEvent,
    Select(Option<Subject>),
    /// The frame with this revision is on screen; the next may be sent.
    Shown(u32),
    /// The page lost track: send a whole view.
    Resync,
    /// The tab is hidden or visible; a hidden run stands still.
    Visible(bool),
    /// Ask for the current run as scenario text (with everything the user did in its timeline).
    Scenario {
        id: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Playback {
    pub playing: bool,
    /// Virtual milliseconds in a wall second: 1,000 is real time, 100 is 0.1×, 10,000,000 is 10,000×.
    pub speed_milli: u64,
}

#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "one at a time, encoded or read at once")]
pub enum FromWorker {
    Ready {
        protocol: u32,
        engine: u32,
        storage: Storage,
    },
    /// A run is open; its first frame follows, on the empty view. `restored`: it is the user's saved one.
    Opened {
        scenario: String,
        restored: bool,
        playback: Playback,
        /// What the user should know about it, in plain words: a save that could not be taken up and where it is kept.
        notice: Option<String>,
    },
    /// The scenario text was refused; the old run goes on. Each line is `line:column: what, and what to write instead`.
    Refused {
        errors: Vec<String>,
    },
    /// Catching up with a saved moment or the moment of a link.
    Replaying {
        now_us: u64,
        until_us: u64,
    },
    Frame(Frame),
    /// Answer to `Shell` or `Scenario`.
    Reply {
        id: u32,
        result: Result<String, String>,
    },
    Detail(Option<Detail>),
    Playback(Playback),
    /// No event was found up to this moment, which is shown now.
    NothingAhead {
        until_us: u64,
    },
    Saved(SaveState),
    /// The engine failed; the report is the run up to the last whole instant, as a saved run. Empty when there was no time to write one.
    Failed {
        message: String,
        report: String,
    },
}

/// Where the run is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    Opfs,
    IndexedDb,
    /// Not kept; the reason, as one sentence for the user.
    Memory(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveState {
    /// The cut at this virtual time is safe.
    Saved { now_us: u64, bytes: u64 },
    /// Not saved; the reason as one sentence.
    Failed(String),
}

/// What changed since the frame before.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub revision: u32,
    /// The revision `delta` builds on; `None`: on the empty view.
    pub base: Option<u32>,
    pub delta: ViewDelta,
    /// State digest, 16 hex digits.
    pub digest: Option<String>,
    /// New entries of the event list, oldest first; on the empty view (`base` is `None`) the whole list.
    pub events: Vec<EventView>,
    /// What arrived since the last frame; the newest [`HOPS`] at most.
    pub hops: Vec<HopView>,
    /// All arrivals since the last frame, also those left out of `hops`.
    pub hops_total: u64,
    pub playback: Playback,
}

/// Above this many arrivals a frame the eye cannot follow single records; the page shows rates instead.
pub const HOPS: usize = 400;

wire_structs! {
    Playback { playing, speed_milli }
    Frame { revision, base, delta, digest, events, hops, hops_total, playback }
}

wire_enums! {
    ToWorker else ToWorker::Resync => {
        0 Hello { protocol, embed },
        1 Resume { otherwise },
        2 Restore { saved },
        3 Open { scenario, at_us },
        4 StartOver,
        5 Shell { id, line },
        6 Playback(playback),
        7 NextEvent,
        8 Select(subject),
        9 Shown(revision),
        10 Resync,
        11 Visible(visible),
        12 Scenario { id },
    }
    FromWorker else FromWorker::Detail(None) => {
        0 Ready { protocol, engine, storage },
        1 Opened { scenario, restored, playback, notice },
        2 Refused { errors },
        3 Replaying { now_us, until_us },
        4 Frame(frame),
        5 Reply { id, result },
        6 Detail(detail),
        7 Playback(playback),
        8 NothingAhead { until_us },
        9 Saved(state),
        10 Failed { message, report },
    }
    Storage else Storage::Opfs => { 0 Opfs, 1 IndexedDb, 2 Memory(reason) }
    SaveState else SaveState::Failed(String::new()) => { 0 Saved { now_us, bytes }, 1 Failed(reason) }
}
