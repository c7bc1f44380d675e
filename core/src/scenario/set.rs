//! Changing one field of a scenario by its path: `seed=9`, `network.latency=5ms`, `topic.trucks_gps.partitions=12`,
//! `producer.truck-{1..20}.config.acks=1`, `group.*.members=3`.
//!
//! Works on the tree of the canonical text, so that the change passes the same checks as a file.

use super::fault::Faults;
use super::names::{hint, shown};
use super::render::quoted;
use super::toml::{self, Node, Table};
use super::{Scenario, ScenarioFault};
use std::fmt;

/// Why a change was refused; nothing changed.
#[derive(Clone, Debug, PartialEq)]
pub enum SetError {
    /// The path leads nowhere; the sentence says where it may lead.
    Path(String),
    /// The changed scenario is no scenario.
    Faults(Vec<ScenarioFault>),
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::Path(message) => f.write_str(message),
            SetError::Faults(faults) => {
                let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
                f.write_str(&messages.join(" "))
            }
        }
    }
}

impl std::error::Error for SetError {}

const TABLES: [&str; 2] = ["cluster", "network"];
const LISTS: [&str; 3] = ["topic", "producer", "group"];

impl Scenario {
    /// The scenario with these fields changed, all at once. Each change is `path=value`.
    pub fn with(&self, changes: &[impl AsRef<str>]) -> Result<Scenario, SetError> {
        if changes.is_empty() {
            return Ok(self.clone());
        }
        let text = self.to_toml();
        let (mut root, _) = toml::parse(&text);
        let mut settings = Vec::with_capacity(changes.len());
        for change in changes {
            let change = change.as_ref();
            let (path, value) = change
                .split_once('=')
                .ok_or_else(|| SetError::Path(format!("`{}` changes nothing. Write path=value, as in seed=9.", shown(change))))?;
            settings.push((path.trim(), written(value.trim())));
        }
        for (path, value) in &settings {
            let (mut line, _) = toml::parse(value);
            if let Some(value) = line.remove("v") {
                set(&mut root, path, &value).map_err(SetError::Path)?;
            }
        }
        Scenario::of_tree(&root, Faults::new(&text)).map_err(SetError::Faults)
    }
}

/// A field `v` with this value: a number, flag or list as TOML has it; anything else is text.
fn written(text: &str) -> String {
    let line = format!("v = {text}");
    if !text.contains('\n') && toml::parse(&line).1.is_empty() { line } else { format!("v = {}", quoted(text)) }
}

fn set<'t>(root: &mut Table<'t>, path: &str, value: &Node<'t>) -> Result<(), String> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    if rest.is_empty() {
        root.put(path, value.clone());
        return Ok(());
    }
    if TABLES.contains(&head) {
        return field(root.table(head), rest, value, path);
    }
    if !LISTS.contains(&head) {
        let known: Vec<&str> = TABLES.into_iter().chain(LISTS).collect();
        return Err(format!("`{}` leads nowhere. {}", shown(path), hint(head, &known)));
    }
    let items = root.get_mut(head).and_then(|node| node.get_mut().as_array_mut()).unwrap_or_default();
    let mut found = false;
    for item in items.iter_mut() {
        if let Some(rest) = after_name(item, rest) {
            let rest = rest.to_owned();
            found = true;
            field(item.get_mut().as_table_mut(), &rest, value, path)?;
        }
    }
    if found {
        return Ok(());
    }
    let names: Vec<&str> = items.iter().filter_map(name).collect();
    Err(format!(
        "`{}` names no {head} of the file, or no field of it. Write {head}.NAME.FIELD; names here: {}.",
        shown(path),
        names.join(", ")
    ))
}

pub(super) fn name<'n>(item: &'n Node<'_>) -> Option<&'n str> {
    item.get_ref().as_table()?.get("name")?.get_ref().as_str()
}

/// What follows the item's name, or `*`, in a path; names may contain dots.
fn after_name<'p>(item: &Node<'_>, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix('*').or_else(|| path.strip_prefix(name(item)?))?;
    rest.strip_prefix('.').filter(|rest| !rest.is_empty())
}

/// Below `config` and `features`, the rest of the path is one of Kafka's dotted names.
pub(super) fn field<'t>(table: Option<&mut Table<'t>>, path: &str, value: &Node<'t>, whole: &str) -> Result<(), String> {
    let no_table = || format!("`{}` is no table.", shown(whole));
    let table = table.ok_or_else(no_table)?;
    match path.split_once('.').filter(|(head, _)| ["config", "features"].contains(head)) {
        Some((head, setting)) => table.table(head).ok_or_else(no_table)?.put(setting, value.clone()),
        None => {
            if path == "every" {
                table.remove("rate");
            } else if path == "rate" {
                table.remove("every");
            }
            table.put(path, value.clone());
        }
    }
    Ok(())
}
