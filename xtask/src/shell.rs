//! Calling other programs: shown before they run, with their output passed through, and a remedy when they fail.

use crate::trouble::{Outcome, Trouble};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// In characters: a list of thirty files tells nobody more than its first few.
const LONGEST_SHOWN: usize = 240;

pub(crate) struct Call(Command);

impl Call {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self(Command::new(program))
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Several words without spaces inside them.
    pub(crate) fn words(mut self, words: &str) -> Self {
        self.0.args(words.split_whitespace());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    pub(crate) fn in_folder(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Runs in the foreground.
    pub(crate) fn run(mut self, remedy: &str) -> Outcome {
        let shown = self.shown();
        println!("$ {shown}");
        match self.0.stdin(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Trouble::new(format!("`{shown}` failed ({status})"), remedy)),
            Err(error) => Err(Trouble::new(format!("`{shown}` could not be started ({error})"), remedy)),
        }
    }

    /// What it printed, when it succeeded; for questions, so nothing is shown.
    pub(crate) fn answer(mut self) -> Option<String> {
        let output = self.0.stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    pub(crate) fn succeeds(self) -> bool {
        self.answer().is_some()
    }

    /// The command as a person would type it, shortened where an argument is a whole script.
    fn shown(&self) -> String {
        let words = std::iter::once(self.0.get_program()).chain(self.0.get_args()).map(OsStr::to_string_lossy);
        let line = words.map(|word| if word.contains('\n') { "…".into() } else { word }).collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(LONGEST_SHOWN) {
            Some((cut, _)) => format!("{} …", &line[..cut]),
            None => line,
        }
    }
}
