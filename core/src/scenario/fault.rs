//! What is wrong with a scenario file, and where: faults are collected, never thrown one by one.

use super::limits;
use crate::sorted::settle;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// One thing to mend in a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScenarioFault {
    pub line: u32,
    pub column: u32,
    /// What was wrong, and what to write instead.
    pub message: String,
}

impl fmt::Display for ScenarioFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ScenarioFault {}

/// The faults found so far in one text, by byte.
#[derive(Debug)]
pub(super) struct Faults<'t> {
    text: &'t str,
    found: Vec<(usize, String)>,
}

impl<'t> Faults<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Faults { text, found: Vec::new() }
    }

    pub(super) fn at(&mut self, byte: usize, message: impl Into<String>) {
        self.found.push((byte, message.into()));
    }

    pub(super) fn none(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.found.len()
    }

    /// The byte of the file at which the `inner`th byte of a quoted text stands; the opening quote when escapes shift it.
    pub(super) fn inside(&self, span: &Range<usize>, content: &str, inner: usize) -> usize {
        let raw = self.text.get(span.clone()).unwrap_or("");
        match raw.find(content) {
            Some(quote) if raw.len() - content.len() == 2 * quote => span.start + quote + inner,
            _ => span.start,
        }
    }

    /// In the order of the file, with lines and columns.
    pub(super) fn located(mut self) -> Vec<ScenarioFault> {
        settle(&mut self.found, |a, b| a.0 < b.0);
        self.found.dedup();
        let total = self.found.len();
        let mut located = Vec::with_capacity(total.min(limits::FAULTS + 1));
        let (mut line, mut line_start, mut scanned) = (1, 0, 0);
        for (byte, message) in self.found.into_iter().take(limits::FAULTS) {
            let byte = (0..=byte.min(self.text.len())).rev().find(|b| self.text.is_char_boundary(*b)).unwrap_or(0);
            for newline in self.text[scanned..byte].match_indices('\n').map(|(i, _)| i) {
                line += 1;
                line_start = scanned + newline + 1;
            }
            scanned = byte;
            let column = self.text[line_start..byte].chars().count() as u32 + 1;
            located.push(ScenarioFault { line, column, message });
        }
        if let Some(last) = located.last().filter(|_| total > limits::FAULTS).cloned() {
            located.push(ScenarioFault { message: format!("… and {} more faults.", total - limits::FAULTS), ..last });
        }
        located
    }
}
