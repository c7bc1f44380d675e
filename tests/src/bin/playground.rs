//! `playground`, the headless runner. Exit: 0 all expectations held, 1 one did not, 2 bad input.

use playground_tests::cli;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let answer = cli::call(&arguments);
    // A reader that has seen enough closes the pipe; that is no failure of the run.
    let _ = io::stderr().write_all(answer.stderr.as_bytes());
    let _ = io::stdout().write_all(answer.stdout.as_bytes());
    ExitCode::from(answer.code)
}
