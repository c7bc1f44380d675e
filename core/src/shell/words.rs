//! A shell line as words, each with the byte it begins at.

use super::ParseError;
use crate::scenario::names::shown;

pub(super) type Word<'l> = (usize, &'l str);

/// A line read word by word; what is missing is told with the form the line should have.
pub(super) struct Words<'l> {
    line: &'l str,
    rest: Vec<Word<'l>>,
    /// What to write, as in `slow 101 102 200ms`.
    pub(super) form: &'static str,
}

impl<'l> Words<'l> {
    pub(super) fn new(line: &'l str) -> Self {
        let at = |word: &str| word.as_ptr() as usize - line.as_ptr() as usize;
        let mut rest: Vec<Word<'l>> = line.split_whitespace().map(|word| (at(word), word)).collect();
        rest.reverse();
        Words { line, rest, form: "" }
    }

    pub(super) fn next(&mut self) -> Option<Word<'l>> {
        self.rest.pop()
    }

    /// The next word, if it is no option: what some options may have.
    pub(super) fn next_value(&mut self) -> Option<Word<'l>> {
        self.rest.pop_if(|(_, word)| !word.starts_with("--"))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next word, which says `what`.
    pub(super) fn need(&mut self, what: &str) -> Result<Word<'l>, ParseError> {
        let missing = || ParseError { at: self.line.trim_end().len(), message: format!("Say {what}: `{}`.", self.form) };
        self.rest.pop().ok_or_else(missing)
    }

    /// This word is wrong.
    pub(super) fn wrong(&self, word: Word<'_>, why: &str) -> ParseError {
        ParseError { at: word.0, message: format!("`{}` {why}. Write `{}`.", shown(word.1), self.form) }
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), ParseError> {
        match self.rest.pop() {
            None => Ok(()),
            Some(extra) => Err(self.wrong(extra, "is too much")),
        }
    }
}
