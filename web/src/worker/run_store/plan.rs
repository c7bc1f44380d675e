//! From what the brokers wrote to what the host disk must do: writes coalesced to one change a file, nothing of the last cut overwritten.
//!
//! Pure. Appending leaves the bytes of the last cut alone; whatever would change them goes to the file's second name instead.

use crate::worker::host_disk::DiskOp;
use playground_core::cluster::disk::DiskWrite;
use playground_core::sorted::SortedMap;

/// The broker files of the last cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    pub files: SortedMap<String, FileState>,
}

/// One broker file as a cut names it. The stored file may be longer: what follows `len` belongs to no cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState {
    /// It lies under its second name.
    pub second: bool,
    pub len: u64,
    /// CRC-32C of its `len` bytes.
    pub crc: u32,
}

impl FileState {
    /// The file's name in the run's folder: its own, or its second one.
    pub fn name(&self, path: &str) -> String {
        format!("{path}{}", if self.second { "~" } else { "" })
    }

    pub fn matches(&self, bytes: &[u8]) -> bool {
        bytes.get(..self.len as usize).is_some_and(|bytes| playground_core::crc::crc32c(bytes) == self.crc)
    }
}

impl Image {
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|state| state.len).sum()
    }

    pub fn after(&self, outcome: &Outcome) -> Image {
        let mut files = self.files.clone();
        for (path, state) in &outcome.files {
            match state {
                Some(state) => drop(files.insert(path.clone(), *state)),
                None => drop(files.remove(path)),
            }
        }
        Image { files }
    }
}

/// What becomes of each file that is not left alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    changes: SortedMap<String, Change>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// These, behind the `keep` bytes the last cut has: all of its file, or nothing.
    Content {
        keep: u64,
        bytes: Vec<u8>,
    },
    Gone,
}

/// What the changes come to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub ops: Vec<DiskOp>,
    /// The new state of each changed file; `None`: gone.
    pub files: Vec<(String, Option<FileState>)>,
    /// Names to remove once the cut is committed.
    pub obsolete: Vec<String>,
}

impl Plan {
    /// `Err` names a file whose writes do not fit what is stored; then everything must be written again.
    pub fn of(image: &Image, writes: Vec<DiskWrite>, whole: bool) -> Result<Plan, String> {
        let mut changes: SortedMap<String, Change> = SortedMap::new();
        let stored = |path: &str| if whole { 0 } else { image.files.get(path).map_or(0, |state| state.len) };
        for write in writes {
            match write {
                DiskWrite::Append { path, at, bytes } => {
                    let kept = stored(&path);
                    let change = changes.entry(path).or_insert(Change::Content { keep: kept, bytes: Vec::new() });
                    if !change.append(at, bytes) {
                        return Err(format!("a write at {at} does not follow what is there"));
                    }
                }
                DiskWrite::Replace { path, bytes } => drop(changes.insert(path, Change::Content { keep: 0, bytes })),
                DiskWrite::Remove { path } => drop(changes.insert(path, Change::Gone)),
            }
        }
        if whole {
            for path in image.files.keys() {
                changes.entry(path.clone()).or_insert(Change::Gone);
            }
        }
        Ok(Plan { changes })
    }

    pub fn carry_out(self, image: &Image) -> Outcome {
        let mut outcome = Outcome::default();
        for (path, change) in self.changes {
            change.carry_out(image, path, &mut outcome);
        }
        outcome
    }
}

impl Change {
    fn append(&mut self, at: u64, mut more: Vec<u8>) -> bool {
        if *self == Change::Gone {
            *self = Change::Content { keep: 0, bytes: Vec::new() };
        }
        let Change::Content { keep, bytes } = self else { return false };
        let fits = *keep + bytes.len() as u64 == at;
        if fits {
            bytes.append(&mut more);
        }
        fits
    }

    /// Adds what must be done.
    fn carry_out(self, image: &Image, path: String, outcome: &mut Outcome) {
        let stored = image.files.get(&path).copied();
        match (self, stored) {
            (Change::Gone, None) => {}
            (Change::Gone, Some(state)) => {
                outcome.obsolete.push(state.name(&path));
                outcome.files.push((path, None));
            }
            (Change::Content { keep, bytes }, Some(state)) if keep == state.len => extend(state, path, bytes, outcome),
            // Written again from its first byte, and the last cut has the beginning already.
            (Change::Content { keep: 0, mut bytes }, Some(state)) if state.matches(&bytes) => {
                let rest = bytes.split_off(state.len as usize);
                extend(state, path, rest, outcome);
            }
            (Change::Content { bytes, .. }, stored) => create(stored, path, bytes, outcome),
        }
    }
}

fn extend(state: FileState, path: String, bytes: Vec<u8>, outcome: &mut Outcome) {
    if bytes.is_empty() {
        return;
    }
    let crc = playground_core::crc::crc32c_append(state.crc, &bytes);
    let after = FileState { len: state.len + bytes.len() as u64, crc, ..state };
    outcome.ops.push(DiskOp::Extend { name: state.name(&path), at: state.len, bytes });
    outcome.files.push((path, Some(after)));
}

fn create(stored: Option<FileState>, path: String, bytes: Vec<u8>, outcome: &mut Outcome) {
    let second = stored.is_some_and(|state| !state.second);
    let after = FileState { second, len: bytes.len() as u64, crc: playground_core::crc::crc32c(&bytes) };
    outcome.obsolete.extend(stored.map(|state| state.name(&path)));
    outcome.ops.push(DiskOp::Create { name: after.name(&path), bytes });
    outcome.files.push((path, Some(after)));
}
