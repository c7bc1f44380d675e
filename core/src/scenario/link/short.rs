//! Links a person can write: `s=trucks_gps&acks=1&kill=102@14s&t=15s`.

use super::super::names::{hint, shown};
use super::super::{Scenario, TimelineEntry, builtin};
use super::{LinkError, Opened, limits, moment, view_part};
use crate::config::Settings;
use crate::shell::parse_line;
use crate::sorted::SortedSet;

const PARTS: [&str; 7] = ["s", "seed", "acks", "kill", "start", "t", "sel"];

pub(super) fn open(fragment: &str) -> Result<Opened, LinkError> {
    let parts: Vec<(&str, &str)> = fragment.split('&').map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
    let Some(name) = parts.iter().find(|(key, _)| *key == "s").map(|(_, name)| *name) else { return Err(LinkError::Unknown) };
    let text = builtin(name).ok_or_else(|| {
        let names: Vec<&str> = builtin::BUILTINS.iter().map(|(name, _)| *name).collect();
        fault("s", name, format!("there is no scenario of that name. {}", hint(name, &names)))
    })?;
    let scenario = Scenario::parse(text).map_err(LinkError::Scenario)?;
    let mut opened = Opened { scenario, at: None, select: None };
    let mut entries = Vec::new();
    for (key, value) in parts {
        match key {
            "s" => {}
            "seed" => {
                let seed = value.parse().ok().filter(|seed| *seed <= limits::SEED);
                opened.scenario.seed =
                    seed.ok_or_else(|| fault(key, value, format!("write a whole number from 0 to {}.", limits::SEED)))?;
            }
            "acks" => acks(&mut opened.scenario, value)?,
            "kill" | "start" => entries.push(entry(&opened.scenario, key, value)?),
            "t" | "sel" => view_part(&mut opened, &format!("{key}={value}"))?,
            _ => return Err(fault(key, value, format!("this says nothing. {}", hint(key, &PARTS)))),
        }
    }
    if opened.scenario.timeline.len() + entries.len() > limits::ENTRIES {
        return Err(fault("s", name, format!("more than {} actions. Write fewer.", limits::ENTRIES)));
    }
    opened.scenario.timeline.extend(entries);
    crate::sorted::settle(&mut opened.scenario.timeline, |a, b| a.at < b.at);
    Ok(opened)
}

/// For every producer; fewer than `all` switch idempotence off, as in a file.
fn acks(scenario: &mut Scenario, value: &str) -> Result<(), LinkError> {
    let given = SortedSet::from(["acks".to_owned()]);
    for producer in &mut scenario.producers {
        producer.config.set("acks", value).map_err(|refused| fault("acks", value, refused.message))?;
        if let Some(refused) = producer.config.settle(&given).into_iter().next() {
            return Err(fault("acks", value, refused.message));
        }
    }
    Ok(())
}

/// `kill=102@14s`: the shell line `kill 102`, fourteen seconds in.
fn entry(scenario: &Scenario, verb: &str, value: &str) -> Result<TimelineEntry, LinkError> {
    let write = || fault(verb, value, format!("write which broker and when, as in {verb}=102@14s."));
    let (broker, at) = value.split_once('@').ok_or_else(write)?;
    let at = moment(at).ok_or_else(write)?;
    let command = parse_line(&format!("{verb} {broker}")).map_err(|error| fault(verb, value, error.message))?;
    if let Some(unknown) = scenario.cast().unknown(&command) {
        return Err(fault(verb, value, unknown.message));
    }
    Ok(TimelineEntry { at, command })
}

fn fault(key: &str, value: &str, message: String) -> LinkError {
    LinkError::Part { part: shown(&format!("{key}={value}")), message }
}
