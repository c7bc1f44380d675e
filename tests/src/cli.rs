//! The headless runner: scenario files in, summaries, reports, records and log directories out.
//!
//! Every call collects its whole answer first, so that bad input writes nothing.

mod args;
mod export;
mod links;
mod load;
mod records;
mod run;
mod shell;
mod summary;

use args::Args;
use std::fmt;

/// What a call leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub stdout: String,
    pub stderr: String,
    pub code: u8,
}

/// Input that cannot be used: exit code 2, these sentences on standard error, nothing else written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadInput(String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn bad<T>(message: impl Into<String>) -> Result<T, BadInput> {
    Err(BadInput(message.into()))
}

pub const USAGE: &str = "\
playground run FILE [--until 5m] [--seed N] [--set path=value]… [--json] [--events all|none]
playground shell FILE [--until T] [--seed N] [--set path=value]…
playground records FILE --topic T [--partition P] [--until T] [--seed N] [--set path=value]… [--isolation read_committed]
playground export FILE DIR [--until T] [--seed N] [--set path=value]…
playground vectors FILE
playground link FILE
playground open LINK
";

/// Runs one call; the arguments without the program's name.
pub fn call(arguments: &[String]) -> Answer {
    let Some((verb, rest)) = arguments.split_first() else {
        return Answer { stderr: USAGE.to_owned(), code: 2, ..Answer::default() };
    };
    let answer = match verb.as_str() {
        "run" => run::call(rest),
        "shell" => shell::call(rest, std::io::stdin().lock()),
        "records" => records::call(rest),
        "export" => export::call(rest),
        "vectors" => vectors(rest),
        "link" => links::link(rest),
        "open" => links::open(rest),
        "help" | "--help" | "-h" => Ok(Answer { stdout: USAGE.to_owned(), ..Answer::default() }),
        _ => bad(format!("`{verb}` is nothing this program does.\n{}", USAGE.trim_end())),
    };
    answer.unwrap_or_else(|BadInput(message)| Answer { stderr: format!("{message}\n"), code: 2, ..Answer::default() })
}

fn vectors(rest: &[String]) -> Result<Answer, BadInput> {
    let args = Args::read(rest, &["FILE"], &[], &[])?;
    let report = crate::vectors::run(&load::text(args.at(0), usize::MAX)?);
    if report.unreadable.is_some() {
        return bad(format!("{}: {}", args.at(0), report.to_string().trim_end()));
    }
    Ok(Answer { stdout: report.to_string(), code: u8::from(report.failed()), ..Answer::default() })
}
