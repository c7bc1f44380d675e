//! Walks a parsed TOML tree with its spans: typed fields, defaults, ranges, and a fault with its place for everything else.
//!
//! A refused field yields its default, so that reading goes on and finds the other faults; the file is refused as a whole at the end.

use super::fault::Faults;
use super::limits;
use super::names::{hint, shown};
pub(super) use super::toml::Node;
use super::toml::{Table, Value};
use crate::time::SimDuration;
use std::ops::{Range, RangeInclusive};

/// One table, and what messages call it: `topic \`trucks_gps\``.
pub(super) struct Fields<'n, 't> {
    pub(super) table: &'n Table<'t>,
    /// Where the table begins.
    pub(super) span: Range<usize>,
    pub(super) what: String,
}

impl<'n, 't> Fields<'n, 't> {
    pub(super) fn new(table: &'n Table<'t>, span: Range<usize>, what: impl Into<String>) -> Self {
        Fields { table, span, what: what.into() }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node<'t>> {
        self.table.get(key)
    }

    /// Where a field's value stands, or the table when it is absent.
    pub(super) fn place(&self, key: &str) -> usize {
        self.get(key).map_or(self.span.start, |node| node.span().start)
    }

    /// Refuses fields that nobody reads. `later` are promised names whose behaviour does not exist yet.
    pub(super) fn only(&self, faults: &mut Faults<'_>, known: &[&str], later: &[&str]) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let message = match later.contains(&name) {
                true => format!("{}: `{name}` is not modelled yet. Leave it out.", self.what),
                // Far beyond what is listed, nobody reads the hint.
                false if faults.count() > 5 * limits::FAULTS => format!("{}: unknown field.", self.what),
                false => format!("{}: unknown field `{}`. {}", self.what, shown(name), hint(name, known)),
            };
            faults.at(key.span().start, message);
        }
    }

    fn wrong(&self, faults: &mut Faults<'_>, key: &str, node: &Node<'_>, write: &str) {
        faults.at(node.span().start, format!("{}: `{key}` is {}. Write {write}.", self.what, named(node.get_ref())));
    }

    pub(super) fn text(&self, faults: &mut Faults<'_>, key: &str, write: &str) -> Option<&'n str> {
        let node = self.get(key)?;
        let text = node.get_ref().as_str();
        if text.is_none() {
            self.wrong(faults, key, node, write);
        }
        text
    }

    pub(super) fn required_text(&self, faults: &mut Faults<'_>, key: &str, write: &str) -> Option<&'n str> {
        if self.get(key).is_none() {
            faults.at(self.span.start, format!("{}: `{key}` is missing. Write {write}.", self.what));
        }
        self.text(faults, key, write)
    }

    /// A whole number in a range; `default` when it is absent or refused.
    pub(super) fn whole(&self, faults: &mut Faults<'_>, key: &str, range: RangeInclusive<u64>, default: u64) -> u64 {
        let Some(node) = self.get(key) else { return default };
        let value = whole(node.get_ref());
        match value {
            Ok(value) if range.contains(&value) => return value,
            Ok(value) if value > *range.end() => {
                let (start, end) = (range.start(), range.end());
                let message = format!("{}: `{key}` = {value} is over the limit of {end}. Write {start} to {end}.", self.what);
                faults.at(node.span().start, message);
            }
            _ => self.wrong(faults, key, node, &format!("a whole number from {} to {}", range.start(), range.end())),
        }
        default
    }

    /// Kafka's milliseconds as a number, or text with a unit.
    pub(super) fn duration(&self, faults: &mut Faults<'_>, key: &str, max: SimDuration) -> Option<SimDuration> {
        let node = self.get(key)?;
        match duration(node.get_ref()) {
            Some(value) if value <= max => Some(value),
            Some(value) => {
                faults.at(node.span().start, format!("{}: `{key}` = {value} is over the limit of {max}. Write less.", self.what));
                None
            }
            None => {
                self.wrong(faults, key, node, "a duration such as \"20s\", \"1500us\" or 250 (milliseconds)");
                None
            }
        }
    }

    /// One duration or a list of them.
    pub(super) fn durations(&self, faults: &mut Faults<'_>, key: &str, max: SimDuration) -> Vec<SimDuration> {
        let list = self.get(key).and_then(|node| node.get_ref().as_array());
        let Some(list) = list else { return self.duration(faults, key, max).into_iter().collect() };
        let mut all = Vec::with_capacity(list.len());
        for item in list.iter() {
            match duration(item.get_ref()).filter(|value| *value <= max) {
                Some(value) => all.push(value),
                None => self.wrong(faults, key, item, &format!("durations of up to {max}, such as \"20s\"")),
            }
        }
        all
    }

    /// A list of tables (`[[topic]]`), or nothing.
    pub(super) fn tables(&self, faults: &mut Faults<'_>, key: &str, max: usize) -> Vec<Fields<'n, 't>> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let Some(list) = node.get_ref().as_array() else {
            self.wrong(faults, key, node, &format!("a table of its own under [[{key}]]"));
            return Vec::new();
        };
        if list.len() > max {
            let message = format!("{}: {} tables [[{key}]] are over the limit of {max}.", self.what, list.len());
            faults.at(list[max].span().start, message);
            return Vec::new();
        }
        let mut tables = Vec::with_capacity(list.len());
        for item in list.iter() {
            match item.get_ref().as_table() {
                Some(table) => tables.push(Fields::new(table, item.span(), key)),
                None => self.wrong(faults, key, item, &format!("a table of its own under [[{key}]]")),
            }
        }
        tables
    }

    /// A table inside this one, or nothing.
    pub(super) fn table(&self, faults: &mut Faults<'_>, key: &str, write: &str) -> Option<Fields<'n, 't>> {
        let node = self.get(key)?;
        match node.get_ref().as_table() {
            Some(table) => Some(Fields::new(table, node.span(), key)),
            None => {
                self.wrong(faults, key, node, write);
                None
            }
        }
    }

    /// One text or a list of them, each with its place.
    pub(super) fn texts(&self, faults: &mut Faults<'_>, key: &str, write: &str) -> Vec<(&'n str, Range<usize>)> {
        self.get(key).map_or_else(Vec::new, |node| texts(faults, &format!("{}: `{key}`", self.what), node, write))
    }
}

pub(super) fn texts<'n>(faults: &mut Faults<'_>, what: &str, node: &'n Node<'_>, write: &str) -> Vec<(&'n str, Range<usize>)> {
    let items = match node.get_ref().as_array() {
        Some(list) => list.iter().collect(),
        None => vec![node],
    };
    let mut read = Vec::with_capacity(items.len());
    for item in items {
        match item.get_ref().as_str() {
            Some(text) => read.push((text, item.span())),
            None => faults.at(item.span().start, format!("{what} is {}. Write {write}.", named(item.get_ref()))),
        }
    }
    read
}

/// A value that is no whole number, or no natural one.
pub(super) struct NotWhole;

pub(super) fn whole(value: &Value<'_>) -> Result<u64, NotWhole> {
    let Value::Integer(integer) = value else { return Err(NotWhole) };
    let digits = integer.digits.strip_prefix('+').unwrap_or(&integer.digits);
    if digits.starts_with('-') {
        return Err(NotWhole);
    }
    // Too large for 64 bits is over every limit.
    Ok(u64::from_str_radix(digits, integer.radix).unwrap_or(u64::MAX))
}

pub(super) fn duration(value: &Value<'_>) -> Option<SimDuration> {
    match value {
        Value::Integer(_) => {
            let ms = whole(value).ok()?;
            ms.checked_mul(1_000).map(SimDuration::from_micros)
        }
        Value::Float(float) => SimDuration::parse(float),
        Value::String(text) => SimDuration::parse(text),
        _ => None,
    }
}

/// The value of a Kafka setting as text.
pub(super) fn setting(value: &Value<'_>) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Integer(integer) if integer.radix == 10 => Some(integer.digits.clone()),
        Value::Integer(_) => whole(value).ok().map(|n| n.to_string()),
        Value::Float(float) => Some(float.clone()),
        Value::Boolean(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A value as a message names it.
pub(super) fn named(value: &Value<'_>) -> String {
    match value {
        Value::String(text) => format!("the text \"{}\"", shown(text)),
        Value::Integer(integer) => format!("the number {}", shown(&integer.digits)),
        Value::Float(float) => format!("{}, not a whole number", shown(float)),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime => "a date".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}
