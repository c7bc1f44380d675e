//! A shell line as words, each with the byte it begins at. Quotes keep a word together, as in any shell.

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
    /// `None`: a quote is left open.
    pub(super) fn new(line: &'l str) -> Option<Self> {
        let mut quote = None;
        let apart = |c: char| {
            match quote {
                Some(open) if open == c => quote = None,
                None if c == '\'' || c == '"' => quote = Some(c),
                _ => {}
            }
            quote.is_none() && c.is_whitespace()
        };
        let at = |word: &str| word.as_ptr() as usize - line.as_ptr() as usize;
        let mut rest: Vec<Word<'l>> = line.split(apart).filter(|word| !word.is_empty()).map(|word| (at(word), word)).collect();
        rest.reverse();
        quote.is_none().then_some(Words { line, rest, form: "" })
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

    pub(super) fn len(&self) -> usize {
        self.rest.len()
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

/// A word without the quotes that kept it together: `key='a b'` is `key=a b`.
pub(super) fn unquoted(word: &str) -> String {
    let mut text = String::with_capacity(word.len());
    let mut quote = None;
    for c in word.chars() {
        match quote {
            Some(open) if open == c => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            _ => text.push(c),
        }
    }
    text
}
