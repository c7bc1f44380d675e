//! Who takes part: lines that add, remove and rename, and those that set the scene.

use super::ParseError;
use super::parse::broker_id;
use super::words::{Word, Words, unquoted};
use crate::command::{Command, Newcomer, PARTS, Part, SCENE};
use crate::scenario::names::{hint, shown};

/// `add broker 104 rack=b`.
pub(super) fn add(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let part = part(words, "add")?;
    words.form = match part {
        Part::Broker => "add broker 104 rack=b",
        Part::Producer => "add producer truck-{1..20} topic=trucks_gps every=20s",
        Part::Group => "add group billing topics=orders members=2",
    };
    let name = named(words, Some(part))?;
    let mut fields: Vec<(String, String)> = Vec::new();
    while let Some(word) = words.next() {
        let (key, value) = word.1.split_once('=').ok_or_else(|| words.wrong(word, "is no field with its value"))?;
        if fields.iter().any(|(known, _)| known == key) {
            return Err(words.wrong((word.0, key), "is there twice"));
        }
        fields.push((key.to_owned(), unquoted(value)));
    }
    Ok(Command::Add(Box::new(Newcomer { part, name, fields })))
}

/// `remove broker 104`, or by its name alone.
pub(super) fn remove(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let part = match words.len() {
        // A name that happens to be one of our words.
        1 => None,
        _ => Some(part(words, "remove")?),
    };
    let name = named(words, part)?;
    let part = part.or_else(|| brokers(&name).then_some(Part::Broker));
    Ok(Command::Remove { part, name })
}

pub(super) fn rename(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let from = unquoted(words.need("who, and the new name")?.1);
    let to = unquoted(words.need("the new name")?.1);
    Ok(Command::Rename { from, to })
}

/// `seed 7`: a field of the scenario that has a word of its own.
pub(super) fn scene(words: &mut Words<'_>, field: usize) -> Result<Command, ParseError> {
    let value = unquoted(words.need("what it shall be")?.1);
    Ok(Command::Scene { word: SCENE[field].0, value })
}

fn part(words: &mut Words<'_>, verb: &str) -> Result<Part, ParseError> {
    let word = words.need(if verb == "add" { "what to add" } else { "what to remove" })?;
    if let Some((_, part)) = PARTS.iter().find(|(name, _)| *name == word.1) {
        return Ok(*part);
    }
    let message = match word.1 {
        "topic" => {
            let name = words.next().map_or("orders", |(_, name)| name);
            let create = if verb == "add" { "create" } else { "delete" };
            format!("Kafka has a tool of its own for topics. Write `kafka-topics.sh --{create} --topic {}`.", shown(name))
        }
        other => {
            let why = hint(other, &PARTS.map(|(name, _)| name));
            format!("`{}` cannot be told apart here. {why} Write `{}`.", shown(other), words.form)
        }
    };
    Err(ParseError { at: word.0, message })
}

/// A name, which is a number or a range of them for brokers, and none for clients.
fn named(words: &mut Words<'_>, part: Option<Part>) -> Result<String, ParseError> {
    let word: Word<'_> = words.need("which")?;
    match (part, brokers(word.1)) {
        (Some(Part::Broker), false) => Err(words.wrong(word, "is no broker id and no range of them such as {104..106}")),
        (Some(Part::Producer | Part::Group), true) if broker_id(word.1).is_some() => {
            Err(words.wrong(word, "is a number, and numbers are brokers"))
        }
        _ => Ok(unquoted(word.1)),
    }
}

/// `104` or `{104..106}`.
fn brokers(name: &str) -> bool {
    let range = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).and_then(|range| range.split_once(".."));
    match range {
        Some((first, last)) => [first, last].into_iter().all(|id| !id.is_empty() && broker_id(id).is_some()),
        None => !name.is_empty() && broker_id(name).is_some(),
    }
}
