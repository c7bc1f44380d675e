//! From a file and options to a scenario, or to a message that says where and what to mend.

use super::args::Args;
use super::{BadInput, bad};
use playground_core::scenario::{Scenario, ScenarioFault, limits};
use playground_core::time::{SimDuration, SimTime};
use std::fs;
use std::path::Path;

/// Options of every call that runs a scenario.
pub(super) const OPTIONS: [&str; 3] = ["until", "seed", "set"];

/// The scenario of a file with `--seed` and `--set` applied, and when to stop.
pub(super) fn scenario(args: &Args) -> Result<(Scenario, SimTime), BadInput> {
    let scenario = file(args.at(0))?;
    let mut changes: Vec<String> = args.all("set").map(str::to_owned).collect();
    changes.extend(args.value("seed").map(|seed| format!("seed={seed}")));
    let scenario = scenario.with(&changes).or_else(|error| bad(format!("--set {}: {error}", changes.join(" --set "))))?;
    let end = match args.value("until") {
        None => scenario.end(),
        Some(text) => moment(text)?,
    };
    Ok((scenario, end))
}

fn moment(text: &str) -> Result<SimTime, BadInput> {
    match SimDuration::parse(text) {
        Some(after) if after <= limits::RUN => Ok(SimTime::ZERO + after),
        Some(_) => bad(format!("--until {text} is over the limit of {}.", limits::RUN)),
        None => bad(format!("--until {text} is no time. Write --until 5m, 90s or 1500 (milliseconds).")),
    }
}

pub(super) fn file(path: &str) -> Result<Scenario, BadInput> {
    Scenario::parse(&text(path, limits::FILE)?).or_else(|faults| bad(located(path, &faults)))
}

/// `file:line:column: message`, a line a fault.
fn located(path: &str, faults: &[ScenarioFault]) -> String {
    faults.iter().map(|fault| format!("{path}:{fault}")).collect::<Vec<_>>().join("\n")
}

/// The text of a file of at most so many bytes.
pub(super) fn text(path: &str, limit: usize) -> Result<String, BadInput> {
    let unreadable = |error: std::io::Error| BadInput(format!("{path}: cannot be read: {error}."));
    let length = fs::metadata(Path::new(path)).map_err(unreadable)?.len();
    if length > limit as u64 {
        return bad(format!("{path}:1:1: The file has {length} bytes; the limit is {limit}."));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).or_else(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        bad(format!("{path}:{line}:{column}: This is not UTF-8 text. Save the file as UTF-8."))
    })
}
