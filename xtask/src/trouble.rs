//! Why a step could not be done, and what the user can do about it: always one sentence.

use std::fmt;

pub(crate) type Outcome<T = ()> = Result<T, Trouble>;

#[derive(Debug)]
pub(crate) struct Trouble {
    what: String,
    remedy: String,
}

impl Trouble {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }

    /// A file operation that failed; there the system's own words say most.
    pub(crate) fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(format!("{doing}: {error}"), "check the path and your permissions")
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}.", self.what, self.remedy)
    }
}
