//! What page and worker say to each other: plain data, one transferred buffer a message.
//!
//! The worker owns the run. The page sends intentions and shows frames; it holds at most one frame it has not acknowledged.

pub mod why;

use playground_core::view::delta::ViewDelta;
use playground_core::view::{Detail, EventView, HopView, Subject};
use playground_core::wire::{Reader, Wire};
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
    /// Take up this saved run (the report of a failed worker), paused, at its moment or this later one.
    Restore {
        saved: String,
        at_us: u64,
    },
    /// Are you there?
    Ping,
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
    /// Partitions whose records the page shows; of a small cluster it is told all.
    Sight(Vec<(String, u32)>),
    /// The frame with this revision is on screen; the next may be sent.
    Shown(u32),
    /// The page lost track: send a whole view.
    Resync,
    /// The tab is hidden or visible; a hidden run stands still.
    Visible(bool),
    /// What a place of the page shows beyond the view, as an encoded [`Question`](playground_core::view::ask::Question); empty: nothing.
    Ask(Vec<u8>),
    /// Stop, and show a moment that was seen. Of several on the way the newest counts.
    Seek {
        at_us: u64,
    },
    /// Stop, and go to the last event before, or on to the next; `interesting`: routine is passed over.
    Step {
        back: bool,
        interesting: bool,
    },
    /// Show another branch, at this moment or its newest.
    Branch {
        branch: u32,
        at_us: u64,
    },
    Undo,
    Redo,
    /// Names the moment that is shown; an empty text takes the name away.
    Name {
        text: String,
    },
    /// Which of these shell lines would be refused now, and why. Nothing happens.
    Try {
        id: u32,
        lines: Vec<String>,
    },
    /// Ask for the current run as scenario text (with everything the user did in its timeline).
    Scenario {
        id: u32,
    },
    /// The question to be answered from now on, as its line; none: no more.
    Why(Option<String>),
    /// Run what would change the answer, or stop that.
    Compare(bool),
    /// Which runs of the user's made room for others?
    Earlier,
    /// Take one of them up again, paused; the present run is kept in its turn.
    TakeUp {
        name: String,
    },
    /// Delete one of them for good.
    Forget {
        name: String,
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
    /// To `Ask`, again and again while the run goes on: an encoded [`Answer`](playground_core::view::ask::Answer); empty: what was asked
    /// about is not there.
    Answer(Vec<u8>),
    /// Answer to `Try`: for each line the reason why it would be refused.
    Tried {
        id: u32,
        refusals: Vec<Option<String>>,
    },
    Playback(Playback),
    /// No event was found up to this moment, which is shown now.
    NothingAhead {
        until_us: u64,
    },
    Saved(SaveState),
    /// About the question, as [`why::WhyNews`], packed.
    Why(Vec<u8>),
    /// The branches and names of the run changed.
    Past(Past),
    /// The run as a save names it, whenever what it is made of changed: what the page needs should this worker leave no last words.
    Recorded {
        saved: String,
    },
    /// I am.
    Pong,
    /// Answer to `Earlier`, newest first; also when one was deleted.
    Earlier(Vec<EarlierRun>),
    /// The engine failed; the report is the run up to the last whole instant, as a saved run. Empty when there was no time to write one.
    Failed {
        message: String,
        report: String,
    },
}

/// A run of the user's that made room for another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarlierRun {
    /// Of its file.
    pub name: String,
    pub title: String,
    /// The moment that was shown last.
    pub at_us: u64,
    /// Lines of its timeline.
    pub acts: u32,
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

/// What the run has besides the moment that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    pub branches: Vec<BranchView>,
    /// The one that is shown.
    pub shown: u32,
    /// Lines that may be undone and redone.
    pub undo: Option<String>,
    pub redo: Option<String>,
    /// Named moments on the way of the shown branch, oldest first.
    pub moments: Vec<(u64, String)>,
    /// An act in the past has just begun the shown branch.
    pub forked: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BranchView {
    /// The act it began with; empty for the run as it was opened.
    pub line: String,
    /// The branch it left, and when.
    pub from: u32,
    pub at_us: u64,
    /// The newest moment that was seen; of the shown branch the frames know better.
    pub head_us: u64,
}

/// How many events the page keeps, and how many of them may lie ahead of the moment that is shown.
pub const EVENTS: usize = 2_000;
pub const EVENTS_AHEAD: usize = 500;

/// What changed since the frame before.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub revision: u32,
    /// The revision `delta` builds on; `None`: on the empty view.
    pub base: Option<u32>,
    pub delta: ViewDelta,
    /// State digest, 16 hex digits.
    pub digest: Option<String>,
    /// New entries of the event list, oldest first; on the empty view (`base` is `None`) all that the page should have.
    pub events: Vec<EventView>,
    /// How many of the newest entries the page has then lie ahead of the moment that is shown.
    pub ahead: u32,
    /// The newest moment that was seen.
    pub head_us: u64,
    /// What arrived since the last frame; the newest [`HOPS`] at most.
    pub hops: Vec<HopView>,
    /// All arrivals since the last frame, also those left out of `hops`.
    pub hops_total: u64,
    /// Of a large cluster, in place of `hops`: what arrived, [`MOTE`] bytes each (see `worker::crowd`).
    pub motes: Bytes,
    /// Of a large cluster: what each partition of the user's topics does now, in the order of the view; empty: as told before.
    pub loads: Vec<Load>,
    pub playback: Playback,
}

/// What one partition does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// A virtual second.
    pub records: u64,
    pub bytes: u64,
    /// Records, of the group that is furthest behind.
    pub lag: u64,
}

/// Bytes as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Wire for Bytes {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.0.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.0);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        let length = u32::from_le_bytes([from.byte(), from.byte(), from.byte(), from.byte()]);
        Bytes(from.bytes(length as usize))
    }
}

/// Bytes of a mote: partition (4), client or following broker (4), leader (2), kind (1), and when in the time since the frame
/// before it left, in steps of 2 ms of wall time (1).
pub const MOTE: usize = 12;
/// Motes of a frame at most.
pub const MOTES: usize = 6_000;

/// Above this many arrivals a frame the eye cannot follow single records; the page shows rates instead.
pub const HOPS: usize = 400;

wire_structs! {
    Playback { playing, speed_milli }
    Frame { revision, base, delta, digest, events, ahead, head_us, hops, hops_total, motes, loads, playback }
    Past { branches, shown, undo, redo, moments, forked }
    BranchView { line, from, at_us, head_us }
    EarlierRun { name, title, at_us, acts }
    Load { records, bytes, lag }
}

wire_enums! {
    ToWorker else ToWorker::Resync => {
        0 Hello { protocol, embed },
        1 Resume { otherwise },
        2 Restore { saved, at_us },
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
        40 Why(line),
        41 Compare(on),
        14 Ask(question),
        13 Try { id, lines },
        15 Sight(partitions),
        16 Seek { at_us },
        17 Step { back, interesting },
        18 Branch { branch, at_us },
        19 Undo,
        20 Redo,
        21 Name { text },
        30 Ping,
        31 Earlier,
        32 TakeUp { name },
        33 Forget { name },
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
        40 Why(news),
        12 Answer(answer),
        11 Tried { id, refusals },
        13 Past(past),
        30 Recorded { saved },
        31 Pong,
        32 Earlier(runs),
    }
    Storage else Storage::Opfs => { 0 Opfs, 1 IndexedDb, 2 Memory(reason) }
    SaveState else SaveState::Failed(String::new()) => { 0 Saved { now_us, bytes }, 1 Failed(reason) }
}
