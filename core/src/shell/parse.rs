//! One shell line as one command. A line that is none says which word is wrong and what to write.

use crate::command::Command;
use crate::ids::BrokerId;
use crate::scenario::names::{hint, shown};
use std::fmt;

/// Why a line is no command, and the byte of the word to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub at: usize,
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParseError {}

type Verb = (&'static str, fn(BrokerId) -> Command);

const VERBS: [Verb; 2] = [("kill", Command::Kill), ("start", Command::Start)];

/// Reads a line such as `kill 102`.
pub fn parse_line(line: &str) -> Result<Command, ParseError> {
    let mut words = words(line);
    let Some((at, verb)) = words.next() else {
        return Err(ParseError { at: line.len(), message: "The line is empty. Write a command, such as `kill 102`.".to_owned() });
    };
    let Some((_, make)) = VERBS.iter().find(|(name, _)| *name == verb) else {
        let known = VERBS.map(|(name, _)| name);
        return Err(ParseError { at, message: format!("`{}` is no command. {}", shown(verb), hint(verb, &known)) });
    };
    let Some((at, id)) = words.next() else {
        return Err(ParseError { at: line.trim_end().len(), message: format!("Say which broker: `{verb} 102`.") });
    };
    let broker = broker_id(id)
        .ok_or_else(|| ParseError { at, message: format!("`{}` is no broker id. Write a number, as in `{verb} 102`.", shown(id)) })?;
    match words.next() {
        None => Ok(make(broker)),
        Some((at, extra)) => {
            Err(ParseError { at, message: format!("`{}` is too much. Write `{verb} {broker}`, one broker a line.", shown(extra)) })
        }
    }
}

fn broker_id(text: &str) -> Option<BrokerId> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok().map(BrokerId)).flatten()
}

/// Words with the bytes they begin at.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split_whitespace().map(|word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_reads_back_from_what_it_prints() {
        for command in [Command::Kill(BrokerId(102)), Command::Start(BrokerId(0)), Command::Kill(BrokerId(i32::MAX))] {
            assert_eq!(parse_line(&command.to_string()), Ok(command));
        }
        assert_eq!(parse_line("  kill\t102 "), Ok(Command::Kill(BrokerId(102))));
    }

    #[test]
    fn a_wrong_line_says_which_word_and_what_to_write() {
        for (line, at, part) in [
            ("", 0, "The line is empty"),
            ("kil 102", 0, "Did you mean `kill`?"),
            ("explode 102", 0, "Known here: kill, start."),
            ("kill ", 4, "Say which broker: `kill 102`."),
            ("kill b102", 5, "`b102` is no broker id"),
            ("start -1", 6, "is no broker id"),
            ("kill 99999999999", 5, "is no broker id"),
            ("kill 101 102", 9, "one broker a line"),
        ] {
            let error = parse_line(line).unwrap_err();
            assert_eq!(error.at, at, "{line:?}");
            assert!(error.message.contains(part), "{line:?}: {error}");
        }
    }
}
