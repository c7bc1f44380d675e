//! Keeps one run on a host disk as whole cuts of the cluster: the saved run and every broker's files of one moment, or none of it.
//!
//! A cut is: (1) the changed files, durable; (2) the commit record that names them all with length and checksum, durable;
//! (3) files no longer named are removed. Records go to two names in turn, bytes of the last cut are never overwritten
//! (a rewritten file goes to its second name), so a crash at any point leaves the cut before or the cut after.

pub mod commit;
pub mod earlier;
pub mod plan;

use super::host_disk::{DiskError, DiskOp, HostDisk};
use crate::bridge::Playback;
use commit::{CommitError, CommitRecord};
use plan::{FileState, Image, Plan};
use playground_core::cluster::disk::DiskWrite;
use playground_core::sorted::{SortedMap, SortedSet};

/// Everything that belongs to one saved moment.
pub struct Cut {
    /// The saved run, as its own checksummed text.
    pub run: String,
    pub playback: Playback,
    /// What the brokers wrote since the last cut.
    pub writes: Vec<DiskWrite>,
    /// `writes` holds every file from its first byte: files not in it are gone.
    pub whole: bool,
    pub before: Before,
    /// The earlier run that it is: no longer kept under its own name once the cut is done.
    pub takes_up: Option<String>,
}

/// What becomes of the run stored before this one, in rising order of care.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Before {
    /// It is the same run; this cut takes its place.
    #[default]
    Replace,
    /// It is other work of the user: its saved run stays under `kept/`.
    KeepRun,
    /// It could not be taken up exactly: all its files stay where they are, untouched.
    KeepAll,
}

/// The last whole cut found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRun {
    pub generation: u64,
    pub run: String,
    pub playback: Playback,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loaded {
    Nothing,
    Run(StoredRun),
    /// Something is there that cannot be read. It stays untouched; new cuts go beside it.
    Unreadable {
        reason: CommitError,
        place: String,
    },
}

pub struct RunStore {
    disk: Box<dyn HostDisk>,
    /// The folder `run-<root>` holds the current run.
    root: u32,
    /// The highest number of such a folder.
    top: u32,
    generation: u64,
    /// Which of the two commit names the next record goes to.
    next_slot: usize,
    image: Image,
    /// Whether the files are known to be as the last cut names them.
    checked: bool,
    /// The saved run of the last cut.
    run: Option<String>,
    /// Files no cut needs any more.
    garbage: Vec<String>,
}

/// What the two commit names of a folder hold.
enum Newest {
    None,
    Record(usize, CommitRecord),
    Unreadable(CommitError),
}

const COMMITS: [&str; 2] = ["commit-a", "commit-b"];

impl RunStore {
    pub fn new(disk: Box<dyn HostDisk>) -> Self {
        let image = Image::default();
        RunStore { disk, root: 1, top: 1, generation: 0, next_slot: 0, image, checked: false, run: None, garbage: Vec::new() }
    }

    /// Finds the last whole cut, and reads no more than its record. Writes nothing.
    pub async fn load(&mut self) -> Result<Loaded, DiskError> {
        let folders = self.disk.folders().await?;
        let roots: SortedSet<u32> = folders.iter().filter_map(|folder| root_of(folder)).collect();
        self.top = roots.last().copied().unwrap_or(1);
        self.checked = roots.is_empty();
        let mut unreadable = None;
        for root in roots.into_iter().rev() {
            self.root = root;
            match self.newest_record().await? {
                Newest::None => {}
                Newest::Record(slot, record) => return Ok(Loaded::Run(self.take_up(slot, record))),
                // A newer version of the page wrote here: nothing of it is ours to change.
                Newest::Unreadable(reason @ CommitError::Newer(_)) => {
                    unreadable = Some((reason, root));
                    break;
                }
                // A folder whose first record is torn is no cut yet; the folder before it still is.
                Newest::Unreadable(reason) => unreadable = unreadable.or(Some((reason, root))),
            }
        }
        match unreadable {
            None => {
                self.root = self.top;
                Ok(Loaded::Nothing)
            }
            Some((reason, root)) => {
                self.begin_root();
                Ok(Loaded::Unreadable { reason, place: format!("run-{root}") })
            }
        }
    }

    async fn newest_record(&mut self) -> Result<Newest, DiskError> {
        let mut newest = Newest::None;
        for (slot, commit) in COMMITS.iter().enumerate() {
            let Some(bytes) = self.disk.read(&self.place(commit)).await? else { continue };
            newest = match (CommitRecord::parse(&bytes), newest) {
                (Err(reason @ CommitError::Newer(_)), _) => return Ok(Newest::Unreadable(reason)),
                (Ok(record), Newest::Record(_, other)) if other.generation > record.generation => Newest::Record(1 - slot, other),
                (Ok(record), _) => Newest::Record(slot, record),
                (Err(_), newest @ Newest::Record(..)) => newest,
                (Err(reason), _) => Newest::Unreadable(reason),
            };
        }
        Ok(newest)
    }

    /// Saves the cut; returns the bytes it holds. After an error the cut before still stands, and the next cut must be `whole`.
    pub async fn commit(&mut self, cut: Cut) -> Result<u64, DiskError> {
        let mut ops = Vec::new();
        match (cut.before, &self.run) {
            (Before::KeepAll, _) => self.begin_root(),
            (Before::KeepRun, Some(run)) => ops.push(DiskOp::Create { name: self.kept(), bytes: run.clone().into_bytes() }),
            _ => {}
        }
        if !self.checked {
            self.check().await?;
        }
        let plan = Plan::of(&self.image, cut.writes, cut.whole).map_err(DiskError::Changed)?;
        let outcome = plan.carry_out(&self.image);
        let image = self.image.after(&outcome);
        ops.extend(outcome.ops.into_iter().map(|op| self.placed(op)));
        self.disk.write(&ops).await?;

        let generation = self.generation + 1;
        let size = image.bytes();
        let record = CommitRecord { generation, run: cut.run, playback: cut.playback, files: image.files };
        let bytes = record.render();
        let size = size + bytes.len() as u64;
        self.disk.write(&[DiskOp::Create { name: self.place(COMMITS[self.next_slot]), bytes }]).await?;

        self.generation = generation;
        self.next_slot = 1 - self.next_slot;
        self.image = Image { files: record.files };
        self.run = Some(record.run);
        self.garbage.extend(cut.takes_up);
        for name in outcome.obsolete {
            self.garbage.push(self.place(&name));
        }
        self.sweep().await;
        Ok(size)
    }

    /// The bytes of a broker's file in the last cut.
    pub async fn file(&mut self, path: &str) -> Result<Option<Vec<u8>>, DiskError> {
        let Some(state) = self.image.files.get(path).copied() else { return Ok(None) };
        let mut bytes = self.disk.read(&self.place(&state.name(path))).await?.unwrap_or_default();
        bytes.truncate(state.len as usize);
        Ok(Some(bytes))
    }

    /// The broker files of the last cut.
    pub fn paths(&self) -> Vec<String> {
        self.image.files.keys().cloned().collect()
    }

    fn take_up(&mut self, slot: usize, record: CommitRecord) -> StoredRun {
        self.image = Image { files: record.files };
        self.generation = record.generation;
        self.next_slot = 1 - slot;
        self.run = Some(record.run.clone());
        StoredRun { generation: record.generation, run: record.run, playback: record.playback }
    }

    /// Before the first cut on what was found: reads every file that the record names. The good ones are built upon; the others are
    /// given back, and the cut writes them again. It takes a second or more where files are many, which nobody should wait for who
    /// only wants to see the run.
    pub async fn check(&mut self) -> Result<Vec<String>, DiskError> {
        let mut damaged = Vec::new();
        for (path, state) in &self.image.files {
            let bytes = self.disk.read(&self.place(&state.name(path))).await?;
            if !bytes.is_some_and(|bytes| state.matches(&bytes)) {
                damaged.push(path.clone());
            }
        }
        let names = self.disk.names(&self.folder()).await?;
        self.garbage.extend(self.own(names));
        for path in &damaged {
            self.image.files.remove(path);
        }
        self.checked = true;
        Ok(damaged)
    }

    /// Leaves what is there alone; from now on cuts go to a folder of their own.
    fn begin_root(&mut self) {
        self.top += 1;
        self.root = self.top;
        self.next_slot = 0;
        self.image = Image::default();
        self.checked = true;
        self.garbage.clear();
    }

    /// Removes what no cut needs. A failure costs space only; it is tried again after the next cut.
    async fn sweep(&mut self) {
        let image = std::mem::take(&mut self.image);
        self.keep(&image.files);
        self.image = image;
        if self.garbage.is_empty() {
            return;
        }
        let ops: Vec<DiskOp> = self.garbage.iter().map(|name| DiskOp::Remove { name: name.clone() }).collect();
        if self.disk.write(&ops).await.is_ok() {
            self.garbage.clear();
        }
    }

    /// These files are no garbage.
    fn keep(&mut self, files: &SortedMap<String, FileState>) {
        for (path, state) in files {
            let name = self.place(&state.name(path));
            self.garbage.retain(|garbage| *garbage != name);
        }
    }

    /// The broker files among those of the current folder.
    fn own(&self, mut names: Vec<String>) -> Vec<String> {
        let commits = COMMITS.map(|commit| self.place(commit));
        names.retain(|name| !commits.contains(name));
        names
    }

    fn folder(&self) -> String {
        format!("run-{}", self.root)
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.folder())
    }

    fn placed(&self, op: DiskOp) -> DiskOp {
        match op {
            DiskOp::Create { name, bytes } => DiskOp::Create { name: self.place(&name), bytes },
            DiskOp::Extend { name, at, bytes } => DiskOp::Extend { name: self.place(&name), at, bytes },
            DiskOp::Remove { name } => DiskOp::Remove { name: self.place(&name) },
        }
    }
}

fn root_of(folder: &str) -> Option<u32> {
    folder.strip_prefix("run-")?.parse().ok()
}
