//! A saved run: small, exact, checksummed. The scenario with everything the user did, and the moment it was left at.
//!
//! Written as one JSON object; a single changed byte is noticed, and a newer format is refused untouched.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The newest file form this version writes and reads.
const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedRun {
    /// The engine that ran it.
    pub engine: u32,
    /// The scenario as it was opened, without what the user did; "start over" goes back to it.
    pub opened: String,
    /// The scenario with everything the user did in its timeline.
    pub scenario: String,
    pub at_us: u64,
    /// The state at `at_us`; `None` when there was no time to take it (the engine had failed).
    pub digest: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedRunError {
    NotASave,
    Damaged,
    Newer(u32),
}

impl fmt::Display for SavedRunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SavedRunError::NotASave => write!(f, "This is not a saved run."),
            SavedRunError::Damaged => write!(f, "The saved run is damaged: its checksum does not match."),
            SavedRunError::Newer(format) => {
                write!(f, "The saved run has format {format}; this version reads up to {FORMAT}. Open it with a newer version.")
            }
        }
    }
}

impl std::error::Error for SavedRunError {}

/// The file: `run` is text, so that the checksum covers its very bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    crc32c: String,
    run: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    engine: u32,
    opened: String,
    scenario: String,
    at_us: u64,
    digest: Option<String>,
}

/// Just enough of any format, older or newer, to say which it is.
#[derive(Deserialize)]
struct AnyFile {
    format: u32,
}

impl SavedRun {
    pub fn render(&self) -> String {
        let run = V1 {
            engine: self.engine,
            opened: self.opened.clone(),
            scenario: self.scenario.clone(),
            at_us: self.at_us,
            digest: self.digest.map(|digest| format!("{digest:016x}")),
        };
        let run = serde_json::to_string(&run).expect("plain data always encodes");
        let file = File { format: FORMAT, crc32c: checksum(&run), run };
        serde_json::to_string(&file).expect("plain data always encodes")
    }

    pub fn parse(text: &str) -> Result<Self, SavedRunError> {
        let AnyFile { format } = serde_json::from_str(text).map_err(|_| SavedRunError::NotASave)?;
        if format > FORMAT {
            return Err(SavedRunError::Newer(format));
        }
        let file: File = serde_json::from_str(text).map_err(|_| SavedRunError::Damaged)?;
        if format != FORMAT || file.crc32c != checksum(&file.run) {
            return Err(SavedRunError::Damaged);
        }
        let run: V1 = serde_json::from_str(&file.run).map_err(|_| SavedRunError::Damaged)?;
        let digest = match run.digest {
            None => None,
            Some(hex) => Some(u64::from_str_radix(&hex, 16).map_err(|_| SavedRunError::Damaged)?),
        };
        Ok(SavedRun { engine: run.engine, opened: run.opened, scenario: run.scenario, at_us: run.at_us, digest })
    }
}

fn checksum(text: &str) -> String {
    format!("{:08x}", crate::crc::crc32c(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> SavedRun {
        SavedRun {
            engine: 1,
            opened: "seed = 7\n".into(),
            scenario: "seed = 7\n[timeline]\n60s = \"kill 102\"\n".into(),
            at_us: 61_000_000,
            digest: Some(0x00ab_cdef_0123_4567),
        }
    }

    #[test]
    fn a_saved_run_reads_back_what_it_wrote() {
        let unfinished = SavedRun { digest: None, ..sample() };
        for saved in [sample(), unfinished] {
            assert_eq!(SavedRun::parse(&saved.render()), Ok(saved));
        }
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        let saved = sample();
        let text = saved.render();
        for at in 0..text.len() {
            for flip in [0x01, 0x02, 0x20] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= flip;
                let Ok(text) = String::from_utf8(bytes) else { continue };
                let read = SavedRun::parse(&text);
                assert!(read.is_err() || read == Ok(saved.clone()), "byte {at} changed the run silently");
            }
        }
    }

    #[test]
    fn a_cut_off_save_is_refused() {
        let text = sample().render();
        for len in 0..text.len() {
            assert!(SavedRun::parse(&text[..len]).is_err(), "the first {len} bytes are not a run");
        }
    }

    #[test]
    fn a_newer_format_is_named() {
        assert_eq!(SavedRun::parse(r#"{"format":9,"whatever":[]}"#), Err(SavedRunError::Newer(9)));
    }
}
