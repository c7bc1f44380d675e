//! What the user did, as a tree: branches of the run, acts to undo and redo, moments with a name. Nothing of it is ever lost.
//!
//! An act at the newest moment goes on with its branch. An act in the past begins another branch with the same recording and this act
//! in it, so what the user did later comes again there, and the two can be compared. An act that was undone and not redone stays as a
//! branch too once the user does something else.

use super::{Session, past::Past};
use crate::command::Command;
use crate::scenario::{Scenario, TimelineEntry};
use crate::time::SimTime;
use crate::view::EventView;
use std::sync::Arc;

/// A way the run went.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The act that it began with; empty for the run as it was opened.
    pub line: String,
    /// The branch it left, and when; the first one left itself at its beginning.
    pub from: usize,
    pub at: SimTime,
    /// The newest moment of it that was seen.
    pub head: SimTime,
    /// While another branch is shown.
    pub(super) rest: Option<Box<Rest>>,
}

#[derive(Clone, Debug)]
pub(super) struct Rest {
    pub(super) scenario: Scenario,
    pub(super) past: Past,
    pub(super) told: Vec<EventView>,
}

/// What an act changed.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// An entry more in the timeline of a branch, at this place.
    Entry {
        branch: usize,
        place: usize,
        entry: TimelineEntry,
    },
    /// The scenario itself, before anything ran.
    Scenario {
        branch: usize,
        before: Box<Scenario>,
        /// What was opened, where that is not the same.
        opened: Option<Box<Scenario>>,
        command: Command,
    },
    Fork {
        from: usize,
        to: usize,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) line: String,
    pub(super) change: Change,
}

/// A moment the user gave a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    pub branch: usize,
    pub at: SimTime,
    pub name: String,
}

#[derive(Clone, Debug)]
pub struct Acts {
    pub(super) branches: Vec<Branch>,
    pub(super) shown: usize,
    pub(super) done: Vec<Step>,
    pub(super) undone: Vec<Step>,
    pub(super) moments: Vec<Moment>,
}

impl Default for Acts {
    fn default() -> Self {
        let first = Branch { line: String::new(), from: 0, at: SimTime::ZERO, head: SimTime::ZERO, rest: None };
        Acts { branches: vec![first], shown: 0, done: Vec::new(), undone: Vec::new(), moments: Vec::new() }
    }
}

impl Acts {
    /// The user has done something that would be missed.
    pub(super) fn any(&self) -> bool {
        self.branches.len() > 1 || !(self.moments.is_empty() && self.done.is_empty() && self.undone.is_empty())
    }
}

impl Session {
    /// All branches; [`Session::head`] knows better how far the shown one goes.
    pub fn branches(&self) -> &[Branch] {
        &self.acts.branches
    }

    /// Which of the branches is shown.
    pub fn branch(&self) -> usize {
        self.acts.shown
    }

    /// The act that would be undone, and the one that would be redone.
    pub fn next_undo(&self) -> (Option<&str>, Option<&str>) {
        (self.acts.done.last().map(|step| &step.line[..]), self.acts.undone.last().map(|step| &step.line[..]))
    }

    /// The command has just been done, at this moment: it joins the recording.
    pub(super) fn record(&mut self, command: Command) {
        let (line, place) = (command.to_string(), self.cluster.entries_done());
        let at = self.now();
        let entry = TimelineEntry { at, command };
        let forks = self.begin_act(&line);
        self.scenario.timeline.insert(place, entry.clone());
        self.cluster.follow(Arc::new(self.scenario.timeline.clone()), place + 1);
        self.past.forget_after(place, at);
        self.past.due_after(self.cluster.steps());
        let change = forks.unwrap_or(Change::Entry { branch: self.acts.shown, place, entry });
        self.acts.done.push(Step { line, change });
    }

    /// Keeps what was undone, and begins a branch if the act is one in the past.
    pub(super) fn begin_act(&mut self, line: &str) -> Option<Change> {
        self.keep_undone();
        (self.now() < self.head).then(|| self.fork(line))
    }

    fn fork(&mut self, line: &str) -> Change {
        let (from, to, at) = (self.acts.shown, self.acts.branches.len(), self.now());
        let mut rest = Rest { scenario: self.scenario.clone(), past: self.past.clone(), told: std::mem::take(&mut self.told) };
        rest.past.rest();
        let old = &mut self.acts.branches[from];
        (old.head, old.rest) = (self.head, Some(Box::new(rest)));
        self.acts.branches.push(Branch { line: line.to_owned(), from, at, head: at, rest: None });
        (self.acts.shown, self.head) = (to, at);
        Change::Fork { from, to }
    }

    /// What was undone and is not going to be redone becomes a branch of its own.
    fn keep_undone(&mut self) {
        let undone = std::mem::take(&mut self.acts.undone);
        let mut scenario = self.scenario.clone();
        let mut first: Option<(&str, SimTime, usize)> = None;
        for step in undone.iter().rev() {
            match &step.change {
                Change::Entry { branch, place, entry } if *branch == self.acts.shown => {
                    scenario.timeline.insert(*place, entry.clone());
                    first = first.or(Some((&step.line, entry.at, *place)));
                }
                Change::Scenario { branch, command, .. } if *branch == self.acts.shown => {
                    let Some(Ok(edited)) = scenario.edited(command) else { break };
                    scenario = edited;
                    first = first.or(Some((&step.line, SimTime::ZERO, 0)));
                }
                // A branch is one already.
                _ => break,
            }
        }
        if let Some((line, at, place)) = first {
            let mut past = self.past.clone();
            past.forget_after(place, at);
            let told = self.known_events();
            let before = told.partition_point(|event| event.at_us < at.micros());
            let told = told[..before.max(past.told()).min(told.len())].to_vec();
            let head = self.head().max(at);
            let rest = Some(Box::new(Rest { scenario, past, told }));
            self.acts.branches.push(Branch { line: line.to_owned(), from: self.acts.shown, at, head, rest });
        }
    }

    /// Takes the last act back: the run without it, at the same moment. Gives its line. [`go`](Session::go) does the way.
    pub fn undo(&mut self) -> Option<String> {
        let step = self.acts.done.pop()?;
        let seen = self.moment();
        match step.change.clone() {
            Change::Fork { from, .. } => self.show_branch(from, seen, true),
            Change::Scenario { branch, before, opened, .. } => {
                self.show_branch(branch, seen, true);
                self.opened = *opened.unwrap_or_else(|| before.clone());
                self.turn_into(*before, seen);
            }
            Change::Entry { branch, place, entry } => {
                self.show_branch(branch, seen, true);
                self.scenario.timeline.remove(place);
                self.rewrite(entry.at, place, seen);
            }
        }
        let line = step.line.clone();
        self.acts.undone.push(step);
        Some(line)
    }

    /// Does again what was undone last, at its own moment, and shows the run as far as it is shown now.
    pub fn redo(&mut self) -> Option<String> {
        let step = self.acts.undone.pop()?;
        let seen = self.moment();
        match step.change.clone() {
            Change::Fork { to, .. } => self.show_branch(to, seen, true),
            Change::Scenario { branch, command, .. } => {
                self.show_branch(branch, seen, true);
                self.edit_again(&command, seen);
            }
            Change::Entry { branch, place, entry } => {
                self.show_branch(branch, seen, true);
                let at = entry.at;
                self.scenario.timeline.insert(place, entry);
                self.rewrite(at, place, seen);
            }
        }
        let line = step.line.clone();
        self.acts.done.push(step);
        Some(line)
    }

    /// Goes over to a branch, to be shown at this moment, or at its newest if that is earlier. False when there is no such branch.
    pub fn go_to_branch(&mut self, branch: usize, moment: SimTime) -> bool {
        let there = branch < self.acts.branches.len();
        if there {
            self.show_branch(branch, moment, false);
        }
        there
    }

    /// `run_on`: also where nobody has seen it yet.
    fn show_branch(&mut self, to: usize, moment: SimTime, run_on: bool) {
        self.leave_head();
        let other = to != self.acts.shown;
        if let Some(rest) = self.acts.branches[to].rest.take().filter(|_| other) {
            let Rest { scenario, past, told } = *rest;
            let mut rest = Rest {
                scenario: std::mem::replace(&mut self.scenario, scenario),
                past: std::mem::replace(&mut self.past, past),
                told: std::mem::replace(&mut self.told, told),
            };
            rest.past.rest();
            let old = &mut self.acts.branches[self.acts.shown];
            (old.head, old.rest) = (self.head, Some(Box::new(rest)));
            (self.acts.shown, self.head) = (to, self.acts.branches[to].head);
        }
        if run_on {
            self.head = self.head.max(moment);
        }
        self.set_out(moment.min(self.head), !other);
    }

    /// The recording is another from this entry on: what was seen after it is not known any more.
    fn rewrite(&mut self, at: SimTime, place: usize, seen: SimTime) {
        self.past.forget_after(place, at);
        // Of the same instant, what earlier acts told.
        let before = self.told.partition_point(|event| event.at_us < at.micros());
        self.told.truncate(before.max(self.past.told()));
        self.head = seen.max(at);
        self.set_out(seen, false);
    }

    /// Gives the shown moment a name; an empty one takes it away.
    pub fn name_moment(&mut self, name: &str) {
        let (branch, at) = (self.acts.shown, self.moment());
        self.acts.moments.retain(|moment| (moment.branch, moment.at) != (branch, at));
        if !name.is_empty() {
            let place = self.acts.moments.partition_point(|moment| moment.at <= at);
            self.acts.moments.insert(place, Moment { branch, at, name: name.to_owned() });
        }
    }

    /// Named moments on the way of the shown branch, oldest first: its own, and of those it left what was before.
    pub fn moments(&self) -> impl Iterator<Item = &Moment> {
        self.acts.moments.iter().filter(|moment| self.on_the_way(moment.branch, moment.at))
    }

    /// Whether what was at this moment of that branch is in the past of the shown one.
    fn on_the_way(&self, branch: usize, at: SimTime) -> bool {
        let mut one = self.acts.shown;
        let mut until = SimTime::MAX;
        while one != branch && one != self.acts.branches[one].from {
            until = until.min(self.acts.branches[one].at);
            one = self.acts.branches[one].from;
        }
        one == branch && at <= until
    }
}
