//! The engine's side of the bridge: mail in, frames and cuts out.
//!
//! [`SimWorker`] owns the run and turns wall time into virtual time, slice by slice; it knows no browser, so it can be tested
//! anywhere. [`host`] gives it a clock, mail, a disk and turns; [`scope`] is the worker role of the artifact.

pub mod asking;
pub mod black_box;
pub mod crowd;
mod earlier;
pub mod explaining;
pub mod frames;
pub mod host;
pub mod host_disk;
pub mod js;
pub mod pace;
pub mod run_store;
pub mod saves;
pub mod scope;
pub mod storage;
mod travel;

use crate::bridge::{FromWorker, HOPS, Playback, ToWorker};
use asking::Asking;
use frames::{Due, Frames};
use host_disk::DiskError;
use pace::Pace;
use playground_core::scenario::{ScenarioFault, limits};
use playground_core::session::saved::SavedRun;
use playground_core::session::seeking::interesting;
use playground_core::session::{ENGINE_VERSION, Progress, Replay, Session, Verdict};
use playground_core::shell;
use playground_core::time::{SimDuration, SimTime};
use playground_core::view::{Detail, EventView, Subject};
use playground_core::why;
use run_store::{Before, Cut};
use saves::Saves;
use travel::{Going, Travel};

/// How a new run begins.
const NEW_RUN: Playback = Playback { playing: true, speed_milli: 10_000 };
const PAUSED: Playback = Playback { playing: false, ..NEW_RUN };
/// The fastest a page may ask for: a virtual day a wall millisecond is more than any engine does.
const FASTEST_MILLI: u64 = 1_000_000_000;
/// Between two slices of a run that keeps up.
const REST_MS: f64 = 8.0;
/// A cluster in which nothing goes wrong decides nothing for ever: the next event is looked for this far ahead.
const SEEK: SimDuration = SimDuration(600_000_000);
/// A replay says how far it is this often.
const REPORT_MS: f64 = 100.0;

/// What the browser's storage held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Run {
        saved: String,
        playback: Playback,
    },
    /// Something was there and stays there; the sentence for the user.
    Unreadable(String),
}

/// When the worker wants its next turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// As soon as the mail is read.
    Now,
    InMs(f64),
    /// When there is mail.
    Idle,
}

enum Run {
    Nothing,
    Arriving(Box<Arrival>),
    Live(Box<Session>),
}

/// A run on its way to the moment it shall be shown at.
struct Arrival {
    replay: Replay,
    restored: bool,
    playback: Playback,
    notice: Option<String>,
    before: Before,
    /// The earlier run that it is.
    takes_up: Option<String>,
    reported_ms: f64,
}

pub struct SimWorker {
    clock: fn() -> f64,
    /// What storage held when we came, until a run takes its place.
    found: Found,
    run: Run,
    playback: Playback,
    visible: bool,
    /// Running to the next entry of the event list, but not past this moment.
    seeking: Option<SimTime>,
    /// Whether that entry must be worth stopping at.
    only_interesting: bool,
    travel: Travel,
    pace: Pace,
    frames: Frames,
    saves: Saves,
    /// Bytes of memory at which the run pauses next.
    memory_mark: u64,
    selected: Option<Subject>,
    detail: Option<Detail>,
    asking: Asking,
    explaining: Option<Box<explaining::Explaining>>,
    out: Vec<FromWorker>,
}

impl SimWorker {
    pub fn new(clock: fn() -> f64, slice_ms: f64) -> Self {
        SimWorker {
            clock,
            found: Found::Nothing,
            run: Run::Nothing,
            playback: NEW_RUN,
            visible: true,
            seeking: None,
            only_interesting: false,
            travel: Travel::default(),
            pace: Pace::new(clock, slice_ms),
            frames: Frames::default(),
            saves: Saves::new(),
            memory_mark: limits::MEMORY,
            selected: None,
            detail: None,
            asking: Asking::default(),
            explaining: None,
            out: Vec::new(),
        }
    }

    /// There is storage, and this lies in it: from now on cuts are due.
    pub fn enable_saves(&mut self, found: Found) {
        self.found = found;
        self.saves.enable();
    }

    /// Everything but `Hello`, which opens the browser's storage.
    pub fn handle(&mut self, message: ToWorker) {
        match message {
            ToWorker::Resume { otherwise } => self.resume(&otherwise),
            ToWorker::Ping => self.out.push(FromWorker::Pong),
            ToWorker::Playback(playback) => self.set_playback(playback),
            ToWorker::Sight(partitions) => {
                self.frames.sight = partitions;
                self.frames.changed();
            }
            ToWorker::Shown(revision) => self.frames.shown(revision),
            ToWorker::Visible(visible) => self.set_visible(visible),
            wish => self.do_as(wish),
        }
    }

    /// What somebody does or asks who takes part.
    #[inline(never)]
    fn do_as(&mut self, wish: ToWorker) {
        match wish {
            ToWorker::Restore { saved, at_us } => {
                if let Err(reason) = self.restore(&saved, at_us, PAUSED, Before::Replace) {
                    self.out.push(FromWorker::Refused { errors: vec![reason] });
                }
            }
            ToWorker::Open { scenario, at_us } => {
                let before = self.care_for_present();
                self.open(&scenario, at_us, before, None);
            }
            ToWorker::StartOver => self.start_over(),
            ToWorker::Shell { id, line } => {
                let result = self.shell(&line);
                self.out.push(FromWorker::Reply { id, result });
            }
            ToWorker::Try { id, lines } => {
                let refusals = lines.iter().map(|line| self.refusal(line)).collect();
                self.out.push(FromWorker::Tried { id, refusals });
            }
            ToWorker::NextEvent => self.step(false, false),
            ToWorker::Seek { at_us } => self.through_time(Going::To(SimTime(at_us))),
            ToWorker::Step { back, interesting } => self.step(back, interesting),
            ToWorker::Branch { branch, at_us } => self.through_time(Going::Branch(branch as usize, SimTime(at_us))),
            ToWorker::Undo => self.through_time(Going::Undo),
            ToWorker::Redo => self.through_time(Going::Redo),
            ToWorker::Name { text } => self.through_time(Going::Name(text)),
            ToWorker::Select(subject) => self.select(subject),
            ToWorker::Ask(question) => {
                self.asking.ask(&question);
                self.frames.changed();
            }
            ToWorker::Resync => self.frames.resync(),
            ToWorker::Why(line) => self.explain(line),
            ToWorker::Compare(on) => self.compare(on),
            ToWorker::Scenario { id } => {
                let result = self.live().map(|session| session.text());
                self.out.push(FromWorker::Reply { id, result });
            }
            // What needs the browser's storage is the host's.
            ToWorker::Hello { .. } | ToWorker::Earlier | ToWorker::TakeUp { .. } | ToWorker::Forget { .. } => {}
            // `handle` did these.
            ToWorker::Resume { .. }
            | ToWorker::Ping
            | ToWorker::Playback(_)
            | ToWorker::Sight(_)
            | ToWorker::Shown(_)
            | ToWorker::Visible(_) => {}
        }
    }

    /// One slice of work, then a frame if one is due.
    pub fn turn(&mut self) -> Next {
        match std::mem::replace(&mut self.run, Run::Nothing) {
            Run::Nothing => Next::Idle,
            Run::Arriving(arrival) => self.arrive(arrival),
            Run::Live(mut session) => {
                let next = self.run_slice(&mut session);
                // A moment is shown when it is reached.
                let mut next = if session.is_going() { next } else { sooner(next, self.show(&session)) };
                if self.explaining.is_some() && !session.is_going() {
                    next = sooner(next, self.explain_on(&session));
                }
                self.run = Run::Live(session);
                self.saves.due_in((self.clock)()).map_or(next, |ms| sooner(next, Next::InMs(ms)))
            }
        }
    }

    /// Messages for the page, oldest first.
    pub fn take_out(&mut self) -> Vec<FromWorker> {
        std::mem::take(&mut self.out)
    }

    /// The cut to save now, if one is due. Its outcome goes to [`SimWorker::cut_done`].
    pub fn take_cut(&mut self) -> Option<Cut> {
        let now = (self.clock)();
        let Run::Live(session) = &mut self.run else { return None };
        if session.is_going() {
            return None;
        }
        (self.saves.due_in(now)? <= 0.0).then(|| self.saves.take(session, self.playback, now))
    }

    pub fn cut_done(&mut self, result: Result<u64, DiskError>) {
        let state = self.saves.done(result, (self.clock)());
        self.out.extend(state.map(FromWorker::Saved));
    }

    /// Takes up what storage held, else opens the scenario.
    fn resume(&mut self, otherwise: &str) {
        match self.found.clone() {
            Found::Nothing => self.open(otherwise, 0, Before::Replace, None),
            Found::Unreadable(reason) => {
                let notice = format!("{reason} It stays in the browser's storage as it is; this is a new run.");
                self.open(otherwise, 0, Before::Replace, Some(notice));
            }
            Found::Run { saved, playback } => {
                if let Err(reason) = self.restore(&saved, 0, playback, Before::Replace) {
                    let notice = format!("{reason} It is kept in the browser's storage as it is; this is a new run.");
                    self.open(otherwise, 0, Before::KeepAll, Some(notice));
                }
            }
        }
    }

    fn open(&mut self, scenario: &str, at_us: u64, before: Before, notice: Option<String>) {
        match Session::read(scenario) {
            Err(faults) => self.out.push(FromWorker::Refused { errors: lines(&faults) }),
            Ok(session) => {
                // Where nobody is yet, time waits for the user to build.
                let empty = session.scenario().cluster.brokers.is_empty();
                let playback = Playback { playing: at_us == 0 && !empty, ..NEW_RUN };
                let replay = Replay::to(session, SimTime(at_us));
                self.begin(Arrival { replay, restored: false, playback, notice, before, takes_up: None, reported_ms: f64::MIN });
            }
        }
    }

    /// `Err`: the reason for the user; nothing changed.
    fn restore(&mut self, saved: &str, at_us: u64, playback: Playback, before: Before) -> Result<(), String> {
        let mut saved = SavedRun::parse(saved).map_err(|error| error.to_string())?;
        if at_us > saved.at_us {
            (saved.at_us, saved.digest) = (at_us, None);
        }
        let replay = Replay::of(&saved)
            .map_err(|faults| format!("The saved run's scenario cannot be read any more: {}.", lines(&faults).join("; ")))?;
        self.begin(Arrival { replay, restored: true, playback, notice: None, before, takes_up: None, reported_ms: f64::MIN });
        Ok(())
    }

    /// An earlier run takes the present one's place.
    pub fn take_up(&mut self, name: String, saved: &str) {
        let before = self.care_for_present();
        match (self.restore(saved, 0, PAUSED, before), &mut self.run) {
            (Ok(()), Run::Arriving(arrival)) => arrival.takes_up = Some(name),
            (Err(reason), _) => self.out.push(FromWorker::Refused { errors: vec![reason] }),
            _ => {}
        }
    }

    /// There is storage for runs.
    pub fn keeps(&self) -> bool {
        self.saves.are_kept()
    }

    pub fn say(&mut self, message: FromWorker) {
        self.out.push(message);
    }

    /// Also the way out of a replay that takes too long.
    fn start_over(&mut self) {
        let opened = match &self.run {
            Run::Nothing => return,
            Run::Arriving(arrival) => arrival.replay.start_over(),
            Run::Live(session) => session.start_over(),
        };
        let before = self.care_for_present();
        let replay = Replay::to(opened, SimTime::ZERO);
        let playback = NEW_RUN;
        self.begin(Arrival { replay, restored: false, playback, notice: None, before, takes_up: None, reported_ms: f64::MIN });
    }

    fn begin(&mut self, arrival: Arrival) {
        self.found = Found::Nothing;
        self.seeking = None;
        self.explaining = None;
        self.run = Run::Arriving(Box::new(arrival));
    }

    /// A slice of the way to the moment the run shall be shown at.
    fn arrive(&mut self, mut arrival: Box<Arrival>) -> Next {
        let replay = &mut arrival.replay;
        let progress = self.pace.slice(&mut |budget| (replay.advance(budget), budget));
        if progress == Progress::Reached {
            self.arrived(*arrival);
            return Next::Now;
        }
        let now = (self.clock)();
        if now - arrival.reported_ms >= REPORT_MS {
            arrival.reported_ms = now;
            let (now_us, until_us) = (arrival.replay.now().micros(), arrival.replay.until().micros());
            self.out.push(FromWorker::Replaying { now_us, until_us });
        }
        self.run = Run::Arriving(arrival);
        Next::Now
    }

    fn arrived(&mut self, arrival: Arrival) {
        let (mut session, verdict) = arrival.replay.finish();
        let (before, notice) = match verdict {
            Verdict::Same => (arrival.before, arrival.notice),
            other => (Before::KeepAll, Some(tell(other))),
        };
        session.cluster_mut().set_hop_capacity(Some(HOPS as u32));
        session.cluster_mut().take_hops();
        self.playback = arrival.playback;
        self.pace.rest();
        self.frames.begin();
        self.saves.begin(before, arrival.takes_up);
        self.detail = None;
        self.out.push(FromWorker::Recorded { saved: black_box::changed(&session) });
        let scenario = session.text();
        self.out.push(FromWorker::Opened { scenario, restored: arrival.restored, playback: self.playback, notice });
        self.travel = Travel::begin(&session);
        if session.touched() {
            self.tell_past(&session, true);
        }
        self.run = Run::Live(Box::new(session));
    }

    /// What must become of the present run, open or still in storage only, before another may take its place.
    fn care_for_present(&self) -> Before {
        let work = match (&self.run, &self.found) {
            (Run::Live(session), _) => session.touched(),
            (Run::Arriving(arrival), _) => arrival.restored,
            (Run::Nothing, Found::Run { saved, .. }) => match SavedRun::parse(saved) {
                Ok(saved) => saved.scenario != saved.opened,
                Err(_) => return Before::KeepAll,
            },
            (Run::Nothing, _) => false,
        };
        if work { Before::KeepRun } else { Before::Replace }
    }

    fn live(&mut self) -> Result<&mut Session, String> {
        match &mut self.run {
            Run::Live(session) => Ok(session),
            Run::Arriving(_) => Err("The run is still catching up. Try again when it is shown.".into()),
            Run::Nothing => Err("No run is open.".into()),
        }
    }

    fn shell(&mut self, line: &str) -> Result<String, String> {
        if let Some(answer) = self.time_word(line) {
            return answer;
        }
        let session = self.live()?;
        if let Some(answer) = why::answer_line(session, line) {
            return answer;
        }
        if let Some(answer) = shell::reading::answer(session.cluster(), line) {
            return answer;
        }
        let command = shell::parse_line(line).map_err(|error| error.to_string())?;
        let text = command.to_string();
        let answer = session.submit(command).map_err(|error| error.to_string())?;
        self.acted();
        Ok(if answer.is_empty() { text } else { answer })
    }

    /// Why a line would be refused now.
    #[inline(never)]
    fn refusal(&mut self, line: &str) -> Option<String> {
        match (self.live(), shell::parse_line(line)) {
            (Err(reason), _) => Some(reason),
            (_, Err(error)) => Some(error.to_string()),
            (Ok(session), Ok(command)) => session.refusal(&command).map(|error| error.to_string()),
        }
    }

    fn set_playback(&mut self, playback: Playback) {
        let playback = Playback { speed_milli: playback.speed_milli.clamp(1, FASTEST_MILLI), ..playback };
        if let Run::Arriving(arrival) = &mut self.run {
            arrival.playback = playback;
            return;
        }
        self.seeking = None;
        if !playback.playing {
            self.stand_still();
        }
        self.playback = playback;
        self.frames.changed();
    }

    /// Finishes the current instant and has it saved.
    fn stand_still(&mut self) {
        self.pace.rest();
        if let Run::Live(session) = &mut self.run {
            session.settle();
            self.frames.collect(session);
            self.frames.changed();
            self.saves.want();
        }
    }

    fn set_visible(&mut self, visible: bool) {
        self.visible = visible;
        if !visible {
            self.stand_still();
        }
    }

    fn select(&mut self, subject: Option<Subject>) {
        if !matches!(subject, Some(Subject::Record { .. } | Subject::Group(_))) && self.selected.is_some() {
            self.out.push(FromWorker::Detail(None));
        }
        self.selected = subject;
        self.detail = None;
        self.frames.changed();
    }

    fn run_slice(&mut self, session: &mut Session) -> Next {
        if self.visible && (session.is_going() || self.travel.waits()) {
            self.travels(session);
            return Next::Now;
        }
        let only_interesting = self.only_interesting;
        let progress = match (self.visible, self.seeking, self.playback.playing) {
            (false, ..) | (true, None, false) => return Next::Idle,
            (true, Some(end), _) => self.pace.slice(&mut |budget| {
                let wanted = if only_interesting { interesting } else { |_: &EventView| true };
                let before = session.cluster().steps();
                let progress = if session.now() < end { session.next_event(budget, wanted) } else { Progress::Reached };
                (progress, session.cluster().steps() - before)
            }),
            (true, None, true) => self.pace.advance(session, self.playback.speed_milli),
        };
        black_box::reached(session);
        if js::memory_bytes() >= self.memory_mark {
            self.pause_for_memory();
        }
        self.frames.collect(session);
        self.frames.changed();
        self.saves.changed();
        if let (Some(end), Progress::Reached) = (self.seeking, progress) {
            session.settle();
            self.frames.collect(session);
            self.seeking = None;
            self.saves.want();
            if session.now() >= end {
                self.out.push(FromWorker::NothingAhead { until_us: session.now().micros() });
            }
            self.out.push(FromWorker::Playback(self.playback));
            return Next::Idle;
        }
        if progress == Progress::OutOfBudget { Next::Now } else { Next::InMs(REST_MS) }
    }

    /// Memory only ever grows, so each mark is met once, and whoever plays on is told again at the next.
    #[inline(never)]
    fn pause_for_memory(&mut self) {
        self.memory_mark = js::memory_bytes() + limits::MEMORY_STEP;
        self.playback.playing = false;
        self.saves.want();
        let (used, limit) = (js::memory_bytes() >> 20, limits::MEMORY >> 20);
        let text = format!(
            "The engine uses {used} MiB of memory, and {limit} MiB is what a tab should take. It is paused and nothing is lost. Lower \
             retention.ms or retention.bytes, or produce less; or play on at your own risk."
        );
        self.out.extend([FromWorker::Playback(self.playback), FromWorker::Refused { errors: vec![text] }]);
    }

    /// Sends a frame if one is due.
    fn show(&mut self, session: &Session) -> Next {
        match self.frames.due((self.clock)()) {
            Due::Waiting => Next::Idle,
            Due::InMs(ms) => Next::InMs(ms),
            Due::Now => {
                let still = !self.playback.playing && self.seeking.is_none();
                let frame = self.frames.make(session, self.playback, still, self.clock);
                self.out.push(FromWorker::Frame(frame));
                self.show_detail(session);
                if !self.asking.is_idle() {
                    self.out.extend(self.asking.answer(session, still, (self.clock)()).map(FromWorker::Answer));
                }
                Next::Idle
            }
        }
    }

    /// What the selected thing has to say of itself, if that is news.
    fn show_detail(&mut self, session: &Session) {
        let Some(subject @ (Subject::Record { .. } | Subject::Group(_))) = &self.selected else { return };
        let detail = session.cluster().detail(subject);
        if detail.is_none() || detail != self.detail {
            self.detail.clone_from(&detail);
            self.out.push(FromWorker::Detail(detail));
        }
    }
}

fn lines(faults: &[ScenarioFault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

/// What the user should know about a replay that is not, or may not be, what was saved.
fn tell(verdict: Verdict) -> String {
    let what = match verdict {
        Verdict::OtherEngine(engine) => format!(
            "The saved run was made by engine {engine} and this is engine {ENGINE_VERSION}, so it was played again by today's rules and may differ from what you saw."
        ),
        _ => "Played again, the saved run came out differently from what was saved: the save or this engine has a fault.".into(),
    };
    format!("{what} The old save is kept in the browser's storage, untouched.")
}

fn sooner(a: Next, b: Next) -> Next {
    match (a, b) {
        (Next::Now, _) | (_, Next::Now) => Next::Now,
        (Next::InMs(a), Next::InMs(b)) => Next::InMs(a.min(b)),
        (Next::InMs(ms), Next::Idle) | (Next::Idle, Next::InMs(ms)) => Next::InMs(ms),
        (Next::Idle, Next::Idle) => Next::Idle,
    }
}
