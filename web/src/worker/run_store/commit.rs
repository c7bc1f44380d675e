//! The commit record: the one file that makes a cut. It names every broker file of the cut with length and checksum.
//!
//! Text under a checksum: a line for each fact, a line for each file, then the saved run. A torn or changed record is not a record.

use super::plan::FileState;
use crate::bridge::Playback;
use playground_core::session::sealed::{Fields, Kind, SealError, field};
use playground_core::sorted::SortedMap;
use std::fmt::{self, Write as _};

const KIND: Kind = Kind { magic: "kafka-playground-cut", format: 2 };

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitRecord {
    /// Rises with every cut.
    pub generation: u64,
    /// The saved run, as its own checksummed text.
    pub run: String,
    pub playback: Playback,
    pub files: SortedMap<String, FileState>,
}

/// Why a commit file is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitError {
    Damaged,
    Newer(u32),
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommitError::Damaged => f.write_str("The stored run is damaged and cannot be read."),
            CommitError::Newer(format) => write!(f, "The stored run was written by a newer version of this page (format {format})."),
        }
    }
}

impl From<SealError> for CommitError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Foreign | SealError::Damaged => CommitError::Damaged,
            SealError::Newer(format) => CommitError::Newer(format),
        }
    }
}

impl CommitRecord {
    pub fn render(&self) -> Vec<u8> {
        let mut body = String::new();
        field(&mut body, "generation", self.generation);
        field(&mut body, "playing", self.playback.playing.into());
        field(&mut body, "speed_milli", self.playback.speed_milli);
        field(&mut body, "run", self.run.len() as u64);
        for (path, state) in &self.files {
            let _ = writeln!(body, "file {} {} {} {path}", u8::from(state.second), state.len, state.crc);
        }
        body.extend(["\n", &self.run]);
        KIND.seal(&body).into_bytes()
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, CommitError> {
        let text = std::str::from_utf8(bytes).map_err(|_| CommitError::Damaged)?;
        read(KIND.open(text)?).ok_or(CommitError::Damaged)
    }
}

fn read(mut fields: Fields<'_>) -> Option<CommitRecord> {
    let generation = fields.number("generation")?;
    let playing = fields.number("playing")? == 1;
    let speed_milli = fields.number("speed_milli")?;
    let run = fields.number("run")?;
    let mut files = SortedMap::new();
    while let Some(line) = fields.value("file") {
        let (path, state) = file(line)?;
        files.insert(path, state);
    }
    fields.text(1).filter(|line| line == "\n")?;
    let run = fields.text(run)?;
    let playback = Playback { playing, speed_milli };
    fields.at_end().then_some(CommitRecord { generation, run, playback, files })
}

/// Lies under its second name (1) or its own (0), length, CRC-32C, path.
fn file(line: &str) -> Option<(String, FileState)> {
    let mut words = line.splitn(4, ' ');
    let mut number = || words.next()?.parse::<u64>().ok();
    let (second, len, crc) = (number()? == 1, number()?, u32::try_from(number()?).ok()?);
    Some((words.next()?.into(), FileState { second, len, crc }))
}
