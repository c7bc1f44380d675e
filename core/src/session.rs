//! A session: the live cluster and the recording that names it exactly.
//!
//! The recording is the scenario itself: what the user does at time T joins its timeline at T, and comes before everything that
//! happens by itself at T, just as a line of the file does. So scenario text + T names a state, and replaying gives it again.

pub mod acts;
mod acts_text;
mod editing;
pub mod past;
pub mod saved;
pub mod sealed;
pub mod seeking;
pub mod words;

use crate::cluster::Cluster;
use crate::command::{Command, CommandError};
use crate::scenario::builtin::{HOME, home};
use crate::scenario::{Scenario, ScenarioFault};
use crate::time::SimTime;
use crate::view::EventView;
use acts::Acts;
use past::Past;
use saved::SavedRun;

/// Names the behaviour of the engine: the same scenario, seed and version give the same run.
pub use crate::cluster::ENGINE_VERSION;

/// How far a budgeted run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The clock stands where it was sent.
    Reached,
    /// The budget ran out first; call again.
    OutOfBudget,
}

pub struct Session {
    /// As it was opened, before the user did anything to it.
    opened: Scenario,
    /// With everything the user did, in its timeline.
    scenario: Scenario,
    /// The file it was opened from, where that is known without writing it.
    file: Option<&'static str>,
    /// The user has changed what was opened, before anything ran.
    edited: bool,
    /// At the moment that is shown, or on its way there.
    cluster: Cluster,
    /// The newest moment of this branch that was seen, or will be once the cluster is where it goes.
    head: SimTime,
    /// Where the cluster is going through what is known already.
    going: Option<SimTime>,
    past: Past,
    /// Every event told up to the head, while an older moment is shown.
    told: Vec<EventView>,
    acts: Acts,
}

impl Session {
    pub fn open(scenario: Scenario) -> Self {
        let cluster = Cluster::new(&scenario);
        Session {
            opened: scenario.clone(),
            scenario,
            file: None,
            edited: false,
            cluster,
            head: SimTime::ZERO,
            going: None,
            past: Past::default(),
            told: Vec::new(),
            acts: Acts::default(),
        }
    }

    /// Opens the scenario of a file.
    pub fn read(file: &str) -> Result<Self, Vec<ScenarioFault>> {
        match file == HOME {
            true => Ok(Session { file: Some(HOME), ..Session::open(home()) }),
            false => Scenario::parse(file).map(Session::open),
        }
    }

    /// The same scenario from its first instant, without what the user did.
    pub fn start_over(&self) -> Self {
        Session { file: self.file, edited: self.edited, ..Session::open(self.opened.clone()) }
    }

    /// Does what the user asked now, and records it; gives what Kafka's own tool would print. A refused command changes and records
    /// nothing. At 0 s a line that builds is no event: it changes the scenario. In the past an act begins a branch: what was known of
    /// the future is kept, and what the user did later comes again.
    pub fn submit(&mut self, command: Command) -> Result<String, CommandError> {
        self.arrive();
        self.cluster.settle();
        if let Some(edited) = self.edit(&command) {
            return edited;
        }
        self.past.keep(&mut self.cluster);
        let answer = self.cluster.apply(&command)?;
        self.record(command);
        Ok(answer)
    }

    /// Runs towards `to`, at most `max_events` events.
    pub fn advance(&mut self, to: SimTime, max_events: u64) -> Progress {
        let mut left = max_events;
        while left > 0 {
            let budget = self.past.due_in(&self.cluster).clamp(1, left);
            let done = self.cluster.run_some(to, budget);
            if self.past.due_in(&self.cluster) == 0 {
                self.past.pass(&mut self.cluster);
            }
            if done {
                return Progress::Reached;
            }
            left -= budget;
        }
        Progress::OutOfBudget
    }

    /// Runs to the next entry of the event list that is wanted, instant by instant, at most about `max_events` events.
    pub fn next_event(&mut self, max_events: u64, wanted: fn(&EventView) -> bool) -> Progress {
        let known = self.cluster.events().len();
        let first = self.cluster.steps();
        while let Some(at) = self.cluster.next_time() {
            let spent = self.cluster.steps() - first;
            let past = SimTime(at.micros() + 1);
            let done = spent < max_events && self.advance(past, max_events - spent) == Progress::Reached;
            if self.cluster.events()[known..].iter().any(wanted) {
                // Cut short within this instant, the rest of it still belongs to the moment shown.
                self.cluster.settle();
                return Progress::Reached;
            }
            if !done {
                return Progress::OutOfBudget;
            }
        }
        Progress::Reached
    }

    /// Finishes the current instant, so that the state is the one scenario text + time name.
    pub fn settle(&mut self) {
        self.cluster.settle();
    }

    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// For the pieces that drain the cluster (hops, disk writes) or tune what it remembers; never to change the run.
    pub fn cluster_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }

    pub fn now(&self) -> SimTime {
        self.cluster.now()
    }

    /// As it was opened, without what the user did.
    pub fn opened(&self) -> &Scenario {
        &self.opened
    }

    /// With what the user did.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The file it was opened from.
    pub fn opened_text(&self) -> String {
        self.file.map_or_else(|| self.opened.to_toml(), str::to_owned)
    }

    /// The file that names this run: what was opened, with what the user did.
    pub fn text(&self) -> String {
        self.file.filter(|_| !self.touched()).map_or_else(|| self.scenario.to_toml(), str::to_owned)
    }

    /// The user has done something to this run.
    pub fn touched(&self) -> bool {
        self.edited || self.scenario.timeline.len() != self.opened.timeline.len() || self.acts.any()
    }

    /// This moment as a save. Finishes the current instant first.
    pub fn saved(&mut self) -> SavedRun {
        self.arrive();
        self.cluster.settle();
        SavedRun { digest: Some(self.cluster.digest()), ..self.unfinished() }
    }

    /// This moment as a save of which the state is not known.
    pub fn unfinished(&self) -> SavedRun {
        SavedRun {
            engine: ENGINE_VERSION,
            opened: self.opened_text(),
            scenario: self.text(),
            at_us: self.moment().micros(),
            head_us: self.head().micros(),
            digest: None,
            acts: if self.acts.any() { self.acts_text() } else { String::new() },
        }
    }
}

/// A session on its way to a known moment, in slices: there, on to the newest that was seen, and back.
pub struct Replay {
    session: Session,
    until: SimTime,
    head: SimTime,
    expected: Expected,
    verdict: Option<Verdict>,
}

/// What is known about the state the replay must reach.
#[derive(Clone, Copy)]
enum Expected {
    Nothing,
    Digest(u64),
    /// Another engine wrote it; its digest says nothing about ours.
    OtherEngine(u32),
}

/// Whether a replay gave what was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Same,
    /// The same text gave another state: the save, or the engine, is not what it says it is.
    Differs,
    /// Saved by this engine version; its rules may decide otherwise than ours.
    OtherEngine(u32),
}

impl Replay {
    /// A session to be shown at `until`.
    pub fn to(session: Session, until: SimTime) -> Self {
        Replay { session, until, head: until, expected: Expected::Nothing, verdict: None }
    }

    /// A saved run.
    pub fn of(saved: &SavedRun) -> Result<Self, Vec<ScenarioFault>> {
        let mut session = Session::read(&saved.scenario)?;
        if saved.opened != saved.scenario {
            session.opened = Scenario::parse(&saved.opened)?;
        }
        let expected = match saved.digest {
            _ if saved.engine != ENGINE_VERSION => Expected::OtherEngine(saved.engine),
            Some(digest) => Expected::Digest(digest),
            None => Expected::Nothing,
        };
        session.read_acts(&saved.acts);
        Ok(Replay { session, until: SimTime(saved.at_us), head: SimTime(saved.head_us), expected, verdict: None })
    }

    pub fn advance(&mut self, max_events: u64) -> Progress {
        let session = &mut self.session;
        if session.is_going() {
            return session.go(max_events);
        }
        let to = if self.verdict.is_some() { self.head } else { self.until };
        if session.advance(to, max_events) == Progress::OutOfBudget {
            return Progress::OutOfBudget;
        }
        if self.verdict.is_none() {
            session.settle();
            self.verdict = Some(match self.expected {
                Expected::Nothing => Verdict::Same,
                Expected::OtherEngine(engine) => Verdict::OtherEngine(engine),
                Expected::Digest(digest) if session.cluster.digest() == digest => Verdict::Same,
                Expected::Digest(_) => Verdict::Differs,
            });
            if self.head > self.until {
                return Progress::OutOfBudget;
            }
        } else {
            session.seek_to(self.until);
            return session.go(max_events);
        }
        Progress::Reached
    }

    pub fn now(&self) -> SimTime {
        self.session.now()
    }

    pub fn until(&self) -> SimTime {
        self.until.max(self.head)
    }

    /// What it replays, from its first instant, without what the user did.
    pub fn start_over(&self) -> Session {
        self.session.start_over()
    }

    /// The session at its moment, to be called once [`Replay::advance`] has reached it.
    pub fn finish(self) -> (Session, Verdict) {
        (self.session, self.verdict.unwrap_or(Verdict::Same))
    }
}

#[cfg(test)]
mod tests;
