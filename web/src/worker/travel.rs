//! Through time: to moments that were seen, from event to event, between branches, back to before an act.
//!
//! A moment far from every copy of the past takes a while: the way there is done in slices, and no frame is sent before the end.
//! While somebody drags along the time line the newest moment counts; the one under way is finished first if it is near, so that
//! the picture follows.

use super::{Run, SEEK, SimWorker};
use crate::bridge::{BranchView, FromWorker, Past};
use crate::worker::black_box;
use playground_core::session::words::time_word;
use playground_core::session::{Progress, Session};
use playground_core::time::SimTime;

/// A way that takes longer is left for a newer one, and said to be long.
const PATIENCE_MS: f64 = 150.0;

/// Where to.
pub enum Going {
    To(SimTime),
    Branch(usize, SimTime),
    Undo,
    Redo,
    Name(String),
}

#[derive(Default)]
pub struct Travel {
    /// The moment after the one under way.
    then: Option<SimTime>,
    since_ms: f64,
    reported_ms: f64,
    told: Past,
    /// How many branches the page knows of.
    branches: usize,
}

impl Travel {
    pub(super) fn begin(session: &Session) -> Self {
        Travel { branches: session.branches().len(), ..Travel::default() }
    }

    /// There is another moment to go to.
    pub(super) fn waits(&self) -> bool {
        self.then.is_some()
    }
}

impl SimWorker {
    /// Stops; what is shown from now on is a moment, not a flow.
    fn stop(&mut self) {
        self.seeking = None;
        self.pace.rest();
        if self.playback.playing {
            self.playback.playing = false;
            self.out.push(FromWorker::Playback(self.playback));
        }
    }

    #[inline(never)]
    pub(super) fn through_time(&mut self, going: Going) {
        self.stop();
        let now = (self.clock)();
        let Run::Live(session) = &mut self.run else { return };
        match going {
            Going::To(moment) if session.is_going() && now - self.travel.since_ms < PATIENCE_MS => self.travel.then = Some(moment),
            Going::To(moment) => {
                self.travel.then = None;
                session.seek_to(moment);
                self.travel.since_ms = now;
            }
            Going::Branch(branch, moment) => _ = session.go_to_branch(branch, moment),
            Going::Undo => _ = session.undo(),
            Going::Redo => _ = session.redo(),
            Going::Name(name) => session.name_moment(&name),
        }
        self.went(false);
    }

    /// A line of the prompt that goes through time; nothing if it is another.
    #[inline(never)]
    pub(super) fn time_word(&mut self, line: &str) -> Option<Result<String, String>> {
        let session = match self.live() {
            Ok(session) => session,
            Err(reason) => return Some(Err(reason)),
        };
        let answer = time_word(session, line)?;
        self.stop();
        self.went(false);
        Some(answer)
    }

    /// To the event before or after the moment that is shown: one that is known, else the next that comes.
    #[inline(never)]
    pub(super) fn step(&mut self, back: bool, interesting: bool) {
        let Run::Live(session) = &self.run else { return };
        let known = if back { Some(session.previous_event(interesting)) } else { session.next_known_event(interesting) };
        match known {
            Some(moment) => self.through_time(Going::To(moment)),
            None => {
                let head = session.head();
                if session.in_past() {
                    self.through_time(Going::To(head));
                } else {
                    // The page hears of it with the event.
                    self.playback.playing = false;
                    self.pace.rest();
                }
                self.only_interesting = interesting;
                self.seeking = Some(head + SEEK);
            }
        }
    }

    /// The user did something to the run.
    pub(super) fn acted(&mut self) {
        self.seeking = None;
        self.went(true);
    }

    /// The session has set out for another moment or another recording, or the user did something to it.
    fn went(&mut self, acted: bool) {
        let run = std::mem::replace(&mut self.run, Run::Nothing);
        if let Run::Live(session) = &run {
            self.out.push(FromWorker::Recorded { saved: black_box::changed(session) });
            self.tell_past(session, acted);
        }
        self.run = run;
        self.frames.changed();
        self.saves.want();
    }

    /// A slice of the way to a moment.
    #[inline(never)]
    pub(super) fn travels(&mut self, session: &mut Session) {
        if !session.is_going()
            && let Some(moment) = self.travel.then.take()
        {
            self.travel.since_ms = (self.clock)();
            session.seek_to(moment);
        }
        let progress = self.pace.slice(&mut |budget| {
            let before = session.cluster().steps();
            let progress = session.go(budget);
            (progress, session.cluster().steps().saturating_sub(before))
        });
        if progress == Progress::Reached {
            self.frames.collect(session);
            self.frames.changed();
            black_box::reached(session);
            self.saves.want();
            return;
        }
        let now = (self.clock)();
        if now - self.travel.since_ms > PATIENCE_MS && now - self.travel.reported_ms > super::REPORT_MS {
            self.travel.reported_ms = now;
            let (now_us, until_us) = (session.now().micros(), session.moment().micros());
            self.out.push(FromWorker::Replaying { now_us, until_us });
        }
    }

    /// Tells the page of branches and names, if that is news.
    #[inline(never)]
    pub(super) fn tell_past(&mut self, session: &Session, acted: bool) {
        let branch = session.branch();
        let mut branches: Vec<BranchView> = Vec::new();
        for (i, one) in session.branches().iter().enumerate() {
            let head = if i == branch { session.head() } else { one.head };
            branches.push(BranchView { line: one.line.clone(), from: one.from as u32, at_us: one.at.micros(), head_us: head.micros() });
        }
        let (undo, redo) = session.next_undo();
        let forked = branches.len() > std::mem::replace(&mut self.travel.branches, branches.len()) && branch + 1 == branches.len();
        let past = Past {
            branches,
            shown: branch as u32,
            undo: undo.map(str::to_owned),
            redo: redo.map(str::to_owned),
            moments: session.moments().map(|moment| (moment.at.micros(), moment.name.clone())).collect(),
            forked,
        };
        let told = &self.travel.told;
        if (!acted || forked) && (past.shown, &past.undo, &past.redo) != (told.shown, &told.undo, &told.redo) {
            // Another recording: what is known to come is another too.
            self.frames.resync();
        }
        if past != self.travel.told {
            self.travel.told.clone_from(&past);
            self.out.push(FromWorker::Past(past));
        }
    }
}
