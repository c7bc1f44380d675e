//! `run`: the whole scenario, its expectations judged at their moments, a summary or the report at the end.

use super::args::Args;
use super::{Answer, BadInput, bad, load, summary};
use playground_core::cluster::Cluster;
use playground_core::report::{EventFilter, report};
use playground_core::scenario::expect::judge;
use playground_core::scenario::{Expect, Scenario};
use playground_core::time::SimTime;
use playground_core::view::ClusterView;

pub(super) fn call(rest: &[String]) -> Result<Answer, BadInput> {
    let args = Args::read(rest, &["FILE"], &[load::OPTIONS[0], load::OPTIONS[1], load::OPTIONS[2], "events"], &["json"])?;
    let events = filter(args.value("events"))?;
    let (scenario, end) = load::scenario(&args)?;
    let Run { cluster, unmet } = Run::to(&scenario, end);
    let view = ClusterView::of(&cluster);
    let digest = format!("{:016x}", cluster.digest());
    let mut stdout = match args.flag("json") {
        true => report(&view, cluster.events(), &digest, events),
        false => summary::summary(
            &view,
            cluster.events(),
            &digest,
            scenario.expects.iter().filter(|e| e.at <= end).map(|e| e.that.len()).sum(),
            &unmet,
        ),
    };
    if !stdout.ends_with('\n') {
        stdout.push('\n');
    }
    // The summary tells them itself; the report is for programs and says nothing about expectations.
    let told = if args.flag("json") { unmet.as_slice() } else { &[] };
    let mut stderr: String = told.iter().map(|unmet| format!("{unmet}\n")).collect();
    for violation in &view.violations {
        stderr.push_str(&format!("A rule of the engine itself is broken, please report it: {violation}\n"));
    }
    let later = scenario.expects.iter().filter(|expect| expect.at > end).count();
    if later > 0 {
        stderr.push_str(&format!("{later} expectation(s) lie after the end at {end} and were not judged.\n"));
    }
    let held = unmet.is_empty() && view.violations.is_empty();
    Ok(Answer { stdout, stderr, code: u8::from(!held) })
}

fn filter(events: Option<&str>) -> Result<EventFilter, BadInput> {
    match events {
        None => Ok(EventFilter::Decisions),
        Some("all") => Ok(EventFilter::All),
        Some("none") => Ok(EventFilter::None),
        Some(other) => bad(format!("`--events {other}`: write all or none, or leave it out for the decisions.")),
    }
}

/// A finished run.
pub(super) struct Run {
    pub(super) cluster: Cluster,
    /// A line for each expectation that did not hold.
    pub(super) unmet: Vec<String>,
}

impl Run {
    pub(super) fn to(scenario: &Scenario, end: SimTime) -> Self {
        let mut cluster = Cluster::new(scenario);
        let mut unmet = Vec::new();
        for expect in scenario.expects.iter().filter(|expect| expect.at <= end) {
            cluster.run_until(expect.at);
            unmet.extend(unmet_at(&cluster, expect));
        }
        cluster.run_until(end);
        Run { cluster, unmet }
    }
}

fn unmet_at(cluster: &Cluster, expect: &Expect) -> Vec<String> {
    let (at, view) = (expect.at, ClusterView::of(cluster));
    let line = |that: &String| match judge(that, &view, cluster.events()) {
        Ok(verdict) if verdict.holds => None,
        Ok(verdict) => Some(format!("at {at} expected {that}, but it was {}", verdict.seen)),
        Err(fault) => Some(format!("at {at} expected {that}, which could not be judged: {fault}")),
    };
    expect.that.iter().filter_map(line).collect()
}
