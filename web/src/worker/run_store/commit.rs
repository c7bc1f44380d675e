//! The commit record: the one file that makes a cut. It names every broker file of the cut with length and checksum.
//!
//! Two lines of text: format and CRC-32C of the second line, then the record as JSON. A torn or changed record is not a record.

use super::plan::FileState;
use crate::bridge::Playback;
use playground_core::sorted::SortedMap;
use serde::{Deserialize, Serialize};
use std::fmt;

const MAGIC: &str = "kafka-playground-cut";
const FORMAT: u32 = 1;

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
            CommitError::Damaged => write!(f, "The stored run is damaged and cannot be read."),
            CommitError::Newer(format) => write!(f, "The stored run was written by a newer version of this page (format {format})."),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    generation: u64,
    playing: bool,
    speed_milli: u64,
    run: String,
    /// Name, lies under its second name, length, CRC-32C.
    files: Vec<(String, bool, u64, u32)>,
}

impl CommitRecord {
    pub fn render(&self) -> Vec<u8> {
        let record = V1 {
            generation: self.generation,
            playing: self.playback.playing,
            speed_milli: self.playback.speed_milli,
            run: self.run.clone(),
            files: self.files.iter().map(|(path, state)| (path.clone(), state.second, state.len, state.crc)).collect(),
        };
        let record = serde_json::to_string(&record).expect("plain data always encodes");
        format!("{MAGIC} {FORMAT} {:08x}\n{record}\n", crc32c::crc32c(record.as_bytes())).into_bytes()
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, CommitError> {
        let text = std::str::from_utf8(bytes).map_err(|_| CommitError::Damaged)?;
        let (head, record) = text.split_once('\n').ok_or(CommitError::Damaged)?;
        let mut head = head.split(' ');
        let (magic, format, crc) = (head.next(), head.next(), head.next());
        let format: u32 = format.and_then(|format| format.parse().ok()).ok_or(CommitError::Damaged)?;
        if magic != Some(MAGIC) {
            return Err(CommitError::Damaged);
        }
        if format > FORMAT {
            return Err(CommitError::Newer(format));
        }
        let record = record.strip_suffix('\n').ok_or(CommitError::Damaged)?;
        if format != FORMAT || crc != Some(&format!("{:08x}", crc32c::crc32c(record.as_bytes()))) {
            return Err(CommitError::Damaged);
        }
        let record: V1 = serde_json::from_str(record).map_err(|_| CommitError::Damaged)?;
        let files = record.files.into_iter().map(|(path, second, len, crc)| (path, FileState { second, len, crc })).collect();
        let playback = Playback { playing: record.playing, speed_milli: record.speed_milli };
        Ok(CommitRecord { generation: record.generation, run: record.run, playback, files })
    }
}
