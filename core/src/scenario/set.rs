//! Changing one field of a scenario by its path: `seed=9`, `network.latency=5ms`, `topic.trucks_gps.partitions=12`,
//! `producer.truck-{1..20}.config.acks=1`, `group.*.members=3`.
//!
//! Works on the canonical text, so that the change passes the same checks as a file.

use super::names::{hint, shown};
use super::{Scenario, ScenarioFault};
use std::fmt;
use toml::{Table, Value};

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
        let internal = |error: String| SetError::Path(format!("The scenario cannot be written as a file: {error}"));
        let mut root: Table = self.to_toml().parse().map_err(|error: toml::de::Error| internal(error.message().to_owned()))?;
        for change in changes {
            let change = change.as_ref();
            let (path, value) = change
                .split_once('=')
                .ok_or_else(|| SetError::Path(format!("`{}` changes nothing. Write path=value, as in seed=9.", shown(change))))?;
            set(&mut root, path.trim(), &parsed(value.trim())).map_err(SetError::Path)?;
        }
        let text = toml::to_string(&root).map_err(|error| internal(error.to_string()))?;
        Scenario::parse(&text).map_err(SetError::Faults)
    }
}

/// A number, flag or list as TOML has it; anything else is text.
fn parsed(text: &str) -> Value {
    let line = format!("v = {text}");
    let read = (!text.contains('\n')).then(|| line.parse::<Table>().ok()).flatten();
    read.and_then(|mut table| table.remove("v")).unwrap_or_else(|| Value::String(text.to_owned()))
}

fn set(root: &mut Table, path: &str, value: &Value) -> Result<(), String> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    if rest.is_empty() {
        root.insert(path.to_owned(), value.clone());
        return Ok(());
    }
    if TABLES.contains(&head) {
        let table = root.entry(head).or_insert_with(|| Value::Table(Table::new()));
        return field(table, rest, value, path);
    }
    if !LISTS.contains(&head) {
        let known: Vec<&str> = TABLES.into_iter().chain(LISTS).collect();
        return Err(format!("`{}` leads nowhere. {}", shown(path), hint(head, &known)));
    }
    let items = root.get_mut(head).and_then(Value::as_array_mut).map_or(&mut [][..], Vec::as_mut_slice);
    let mut found = false;
    for item in items.iter_mut() {
        if let Some(rest) = after_name(item, rest) {
            let rest = rest.to_owned();
            found = true;
            field(item, &rest, value, path)?;
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

fn name(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

/// What follows the item's name, or `*`, in a path; names may contain dots.
fn after_name<'p>(item: &Value, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix('*').or_else(|| path.strip_prefix(name(item)?))?;
    rest.strip_prefix('.').filter(|rest| !rest.is_empty())
}

/// Below `config`, the rest of the path is one of Kafka's dotted names.
fn field(item: &mut Value, path: &str, value: &Value, whole: &str) -> Result<(), String> {
    let table = item.as_table_mut().ok_or_else(|| format!("`{}` is no table.", shown(whole)))?;
    match path.strip_prefix("config.") {
        Some(setting) => {
            let config = table.entry("config").or_insert_with(|| Value::Table(Table::new()));
            let config = config.as_table_mut().ok_or_else(|| format!("`{}` is no table.", shown(whole)))?;
            config.insert(setting.to_owned(), value.clone());
        }
        None => {
            if path == "every" {
                table.remove("rate");
            } else if path == "rate" {
                table.remove("every");
            }
            table.insert(path.to_owned(), value.clone());
        }
    }
    Ok(())
}
