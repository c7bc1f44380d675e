//! A saved run: small, exact, checksummed. The scenario with everything the user did, and the moment it was left at.
//!
//! Written as text a person can read: a line with the checksum, a few lines of facts with the lengths of the two scenarios, and the
//! scenarios themselves.

use super::sealed::{Fields, Kind, SealError, field};
use std::fmt;

const KIND: Kind = Kind { magic: "kafka-playground-save", format: 3 };
/// Stands for a digest nobody could take.
const NO_DIGEST: &str = "-";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedRun {
    /// The engine that ran it.
    pub engine: u32,
    /// The scenario as it was opened, without what the user did; "start over" goes back to it.
    pub opened: String,
    /// The scenario with everything the user did in its timeline.
    pub scenario: String,
    pub at_us: u64,
    /// The newest moment that was seen; later than `at_us` when an older one is shown.
    pub head_us: u64,
    /// The state at `at_us`; `None` when there was no time to take it (the engine had failed).
    pub digest: Option<u64>,
    /// Branches, acts and named moments as text, see [`Session::acts_text`](super::Session::acts_text); empty when there are none.
    pub acts: String,
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
            SavedRunError::NotASave => f.write_str("This is not a saved run."),
            SavedRunError::Damaged => f.write_str("The saved run is damaged: its checksum does not match."),
            SavedRunError::Newer(format) => {
                let ours = KIND.format;
                write!(f, "The saved run has format {format}; this version reads up to {ours}. Open it with a newer version.")
            }
        }
    }
}

impl std::error::Error for SavedRunError {}

impl From<SealError> for SavedRunError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Foreign => SavedRunError::NotASave,
            SealError::Damaged => SavedRunError::Damaged,
            SealError::Newer(format) => SavedRunError::Newer(format),
        }
    }
}

impl SavedRun {
    pub fn render(&self) -> String {
        let mut body = String::new();
        field(&mut body, "engine", self.engine.into());
        field(&mut body, "at_us", self.at_us);
        let digest = self.digest.map_or_else(|| NO_DIGEST.into(), |digest| format!("{digest:016x}"));
        body.extend(["digest ", &digest, "\n"]);
        field(&mut body, "head_us", self.head_us);
        field(&mut body, "acts", self.acts.len() as u64);
        field(&mut body, "opened", self.opened.len() as u64);
        field(&mut body, "scenario", self.scenario.len() as u64);
        body.extend([self.opened.as_str(), &self.scenario, &self.acts]);
        KIND.seal(&body)
    }

    pub fn parse(text: &str) -> Result<Self, SavedRunError> {
        read(KIND.open(text)?).ok_or(SavedRunError::Damaged)
    }
}

fn read(mut fields: Fields<'_>) -> Option<SavedRun> {
    let engine = u32::try_from(fields.number("engine")?).ok()?;
    let at_us = fields.number("at_us")?;
    let digest = match fields.value("digest")? {
        NO_DIGEST => None,
        hex => Some(u64::from_str_radix(hex, 16).ok()?),
    };
    // Format 2 knew no past.
    let head_us = fields.number("head_us").unwrap_or(at_us);
    let acts = fields.number("acts").unwrap_or(0);
    let (opened, scenario) = (fields.number("opened")?, fields.number("scenario")?);
    let (opened, scenario, acts) = (fields.text(opened)?, fields.text(scenario)?, fields.text(acts)?);
    fields.at_end().then_some(SavedRun { engine, opened, scenario, at_us, head_us, digest, acts })
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
            head_us: 90_000_000,
            digest: Some(0x00ab_cdef_0123_4567),
            acts: "shown 0\n".into(),
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
    fn what_was_never_a_save_is_not_called_a_damaged_one() {
        for text in ["", "{}", "seed = 7\n", "kafka-playground-saves 2 00000000\n"] {
            assert_eq!(SavedRun::parse(text), Err(SavedRunError::NotASave), "{text:?}");
        }
    }

    #[test]
    fn a_person_can_read_it() {
        let text = sample().render();
        let (head, body) = text.split_once('\n').expect("a line of its own");
        assert!(head.starts_with("kafka-playground-save 3 "), "{head}");
        let SavedRun { opened, scenario, acts, .. } = sample();
        let lengths = format!("acts {}\nopened {}\nscenario {}\n", acts.len(), opened.len(), scenario.len());
        let facts = "engine 1\nat_us 61000000\ndigest 00abcdef01234567\nhead_us 90000000\n";
        assert_eq!(body, format!("{facts}{lengths}{opened}{scenario}{acts}"));
    }

    #[test]
    fn a_save_from_before_there_was_a_past_still_opens() {
        let old = Kind { format: 2, ..KIND };
        let text = old.seal("engine 1\nat_us 5\ndigest -\nopened 3\nscenario 4\na=1b=22");
        let run =
            SavedRun { engine: 1, opened: "a=1".into(), scenario: "b=22".into(), at_us: 5, head_us: 5, digest: None, acts: String::new() };
        assert_eq!(SavedRun::parse(&text), Ok(run));
    }

    #[test]
    fn a_newer_format_is_named() {
        assert_eq!(SavedRun::parse("kafka-playground-save 9 whatever"), Err(SavedRunError::Newer(9)));
    }
}
