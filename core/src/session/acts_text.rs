//! Branches, acts and named moments as text: what a save has of them besides the scenario that is shown.

use super::acts::{Acts, Branch, Change, Moment, Rest, Step};
use super::past::Past;
use super::sealed::{Fields, field};
use super::{Scenario, Session};
use crate::scenario::TimelineEntry;
use crate::shell::parse_line;
use crate::time::SimTime;

impl Session {
    /// For a run the user did something to.
    pub(super) fn acts_text(&self) -> String {
        let mut body = String::new();
        let acts = &self.acts;
        field(&mut body, "shown", acts.shown as u64);
        field(&mut body, "branches", acts.branches.len() as u64);
        for branch in &acts.branches {
            field(&mut body, "from", branch.from as u64);
            field(&mut body, "at_us", branch.at.micros());
            field(&mut body, "head_us", branch.head.micros());
            text(&mut body, "line", &branch.line);
            text(&mut body, "scenario", &branch.rest.as_ref().map_or_else(String::new, |rest| rest.scenario.to_toml()));
        }
        field(&mut body, "moments", acts.moments.len() as u64);
        for moment in &acts.moments {
            field(&mut body, "branch", moment.branch as u64);
            field(&mut body, "at_us", moment.at.micros());
            text(&mut body, "name", &moment.name);
        }
        for steps in [&acts.done, &acts.undone] {
            field(&mut body, "acts", steps.len() as u64);
            steps.iter().for_each(|step| write_step(&mut body, step));
        }
        body
    }

    /// Takes up what was written; what cannot be read is as if it had not been done.
    pub(super) fn read_acts(&mut self, text: &str) {
        if let Some(acts) = read(&mut Fields::of(text)) {
            self.acts = acts;
        }
    }
}

fn text(body: &mut String, name: &str, text: &str) {
    field(body, name, text.len() as u64);
    body.push_str(text);
}

fn write_step(body: &mut String, step: &Step) {
    let (kind, one, two) = match &step.change {
        Change::Entry { branch, place, .. } => (0, *branch, *place),
        Change::Fork { from, to } => (1, *from, *to),
        Change::Scenario { branch, .. } => (2, *branch, 0),
    };
    field(body, "kind", kind);
    field(body, "one", one as u64);
    field(body, "two", two as u64);
    text(body, "line", &step.line);
    match &step.change {
        Change::Entry { entry, .. } => field(body, "at_us", entry.at.micros()),
        Change::Fork { .. } => {}
        Change::Scenario { before, opened, .. } => {
            text(body, "before", &before.to_toml());
            text(body, "opened", &opened.as_ref().map_or_else(String::new, |opened| opened.to_toml()));
        }
    }
}

fn read(fields: &mut Fields<'_>) -> Option<Acts> {
    let shown = fields.number("shown")? as usize;
    let count = fields.number("branches")? as usize;
    let mut branches = Vec::new();
    for _ in 0..count {
        let from = fields.number("from").filter(|from| *from < count as u64)? as usize;
        let (at, head) = (SimTime(fields.number("at_us")?), SimTime(fields.number("head_us")?));
        let (line, scenario) = (fields.sized("line")?, fields.sized("scenario")?);
        let rest = match branches.len() == shown {
            true => None,
            false => {
                let scenario = Scenario::parse(&scenario).ok()?;
                Some(Box::new(Rest { scenario, past: Past::default(), told: Vec::new() }))
            }
        };
        branches.push(Branch { line, from, at, head, rest });
    }
    let mut moments = Vec::new();
    for _ in 0..fields.number("moments")? {
        let branch = fields.number("branch").filter(|branch| *branch < count as u64)? as usize;
        moments.push(Moment { branch, at: SimTime(fields.number("at_us")?), name: fields.sized("name")? });
    }
    let (done, undone) = (read_steps(fields)?, read_steps(fields)?);
    (shown < count && fields.at_end()).then_some(Acts { branches, shown, done, undone, moments })
}

fn read_steps(fields: &mut Fields<'_>) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    for _ in 0..fields.number("acts")? {
        let (kind, one, two) = (fields.number("kind")?, fields.number("one")? as usize, fields.number("two")? as usize);
        let line = fields.sized("line")?;
        let change = match kind {
            0 => {
                let entry = TimelineEntry { at: SimTime(fields.number("at_us")?), command: parse_line(&line).ok()? };
                Change::Entry { branch: one, place: two, entry }
            }
            1 => Change::Fork { from: one, to: two },
            _ => {
                let (before, opened) = (fields.sized("before")?, fields.sized("opened")?);
                let scenario = |text: &str| Some(Box::new(Scenario::parse(text).ok()?));
                let (before, opened) = (scenario(&before)?, if opened.is_empty() { None } else { Some(scenario(&opened)?) });
                Change::Scenario { branch: one, before, opened, command: parse_line(&line).ok()? }
            }
        };
        steps.push(Step { line, change });
    }
    Some(steps)
}
