//! Answers fidelity vectors, what Apache Kafka itself said to a question, with the engine's own functions.
//!
//! A vector is `{id, kind, input, expect}`. `expect` is compared only after the engine has answered; the few parts of it
//! that are questions (which partition counts to answer for, the bytes of a capture) are moved to the input first.

mod answer;
mod assignor;
mod batch;
mod classic;
mod consumer_group;
mod controller;
mod group;
mod log;
mod partitioner;
mod random;
mod replication;

use answer::Refusal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// What became of the vectors of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub kinds: BTreeMap<String, Tally>,
    /// Why the file could not be read at all.
    pub unreadable: Option<String>,
}

/// The vectors of one kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    pub passed: u32,
    pub failures: Vec<Failure>,
    /// Ids of vectors whose kind or case the engine does not answer, each with the reason.
    pub unsupported: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub id: String,
    pub expected: Value,
    pub got: Value,
}

impl Report {
    /// True when an answer was wrong, or the file could not be read.
    pub fn failed(&self) -> bool {
        self.unreadable.is_some() || self.kinds.values().any(|tally| !tally.failures.is_empty())
    }

    fn add(&mut self, vector: &Value) {
        let text = |name: &str| vector[name].as_str().unwrap_or("?").to_string();
        let (kind, id) = (text("kind"), text("id"));
        let Question { input, expected } = Question::of(&kind, vector);
        let outcome = answer::answer(&kind, &input);
        let tally = self.kinds.entry(kind).or_default();
        match outcome {
            Ok(got) if got == expected => tally.passed += 1,
            Ok(got) => tally.failures.push(Failure { id, expected, got }),
            Err(Refusal::Unsupported(reason)) => tally.unsupported.push((id, reason)),
            Err(Refusal::BadInput(reason)) => tally.failures.push(Failure { id, expected, got: json!({ "bad_input": reason }) }),
        }
    }
}

const NO_LIST: &str = r#"no list of vectors: write {"vectors": [{"id": …, "kind": …, "input": …, "expect": …}]}"#;

/// Runs every vector of a file: `{"vectors": […]}`, or the list alone.
pub fn run(json: &str) -> Report {
    let mut report = Report::default();
    match serde_json::from_str::<Value>(json) {
        Err(error) => report.unreadable = Some(error.to_string()),
        Ok(file) => match file.get("vectors").unwrap_or(&file).as_array() {
            None => report.unreadable = Some(NO_LIST.into()),
            Some(vectors) => vectors.iter().for_each(|vector| report.add(vector)),
        },
    }
    report
}

/// A vector taken apart: what is asked, and what the answer must equal.
struct Question {
    input: Value,
    expected: Value,
}

impl Question {
    fn of(kind: &str, vector: &Value) -> Question {
        let expected = vector["expect"].clone();
        let mut input = vector["input"].clone();
        match (kind, &mut input) {
            ("murmur2" | "coordinator_partition", Value::Object(input)) => {
                let counts = expected["partition_by_count"].as_object().map_or_else(Vec::new, |counts| counts.keys().cloned().collect());
                input.insert("counts".into(), counts.into());
            }
            ("record_batch_v2", Value::Object(input)) if input.is_empty() => {
                *input = Map::from_iter([("capture".to_string(), expected["hex"].clone())]);
            }
            _ => {}
        }
        Question { input, expected }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reason) = &self.unreadable {
            writeln!(f, "not a file of vectors: {reason}")?;
        }
        let width = self.kinds.keys().map(String::len).max().unwrap_or_default();
        for (kind, tally) in &self.kinds {
            let (passed, failed, unsupported) = (tally.passed, tally.failures.len(), tally.unsupported.len());
            writeln!(f, "{kind:width$}  {passed} passed, {failed} failed, {unsupported} unsupported")?;
            for Failure { id, expected, got } in &tally.failures {
                writeln!(f, "  {id}: expected {}, got {}", Short(expected), Short(got))?;
            }
        }
        Ok(())
    }
}

/// A value on one line, cut where it would fill the screen.
struct Short<'a>(&'a Value);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 240;
        let text = self.0.to_string();
        match text.char_indices().nth(MOST) {
            Some((end, _)) => write!(f, "{}…", &text[..end]),
            None => f.write_str(&text),
        }
    }
}
