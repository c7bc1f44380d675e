//! The browser's disk, seen as a few asynchronous operations on named files, and its in-memory twin.
//!
//! It knows nothing of runs: what is written when, so that a cut is whole or absent, is the business of
//! [`run_store`](super::run_store). A failing disk never changes what the simulation does; it becomes a sentence for the user.

pub mod indexed_db;
pub mod opfs;

use super::js::from_js;
use playground_core::sorted::SortedMap;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use wasm_bindgen::JsValue;

/// One change to one file. File names are relative, with `/` between folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskOp {
    /// The file now has exactly these bytes, whatever it had.
    Create { name: String, bytes: Vec<u8> },
    /// These bytes stand at `at`, and the file ends behind them. `at` is at most its length.
    Extend { name: String, at: u64, bytes: Vec<u8> },
    /// The file is gone; fine if it was not there.
    Remove { name: String },
}

impl DiskOp {
    pub fn name(&self) -> &str {
        match self {
            DiskOp::Create { name, .. } | DiskOp::Extend { name, .. } | DiskOp::Remove { name } => name,
        }
    }
}

/// What a disk comes back with. One kind of future, so that what waits for a disk is there once, not once for each kind of disk.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DiskError>> + 'a>>;

/// Where files are kept.
pub trait HostDisk {
    /// The folders at the top, in order.
    fn folders(&mut self) -> Answer<'_, Vec<String>>;
    /// All files below a folder at the top, by their whole names, in order.
    fn names<'a>(&'a mut self, folder: &'a str) -> Answer<'a, Vec<String>>;
    /// The whole file; `None` when there is none of that name.
    fn read<'a>(&'a mut self, name: &'a str) -> Answer<'a, Option<Vec<u8>>>;
    /// Applies the changes in order. When it returns, they survive the end of this page.
    /// After an error each of them may have happened, not happened, or happened in part.
    fn write<'a>(&'a mut self, ops: &'a [DiskOp]) -> Answer<'a, ()>;
}

/// Why the browser did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskError {
    /// The browser's quota is used up.
    Full,
    /// Another tab holds the files.
    Busy,
    /// The browser does not allow or offer this kind of storage here.
    Blocked(String),
    /// A file is not as it was left: somebody else changed or removed it.
    Changed(String),
    Failed(String),
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiskError::Full => f.write_str("The browser's storage for this site is full. Free some space to have the run saved again."),
            DiskError::Busy => f.write_str("Another tab keeps its run here, so this tab keeps its own in memory only."),
            DiskError::Blocked(why) => write!(f, "This browser does not let the page keep data here ({why})."),
            DiskError::Changed(what) => write!(f, "The stored run was changed by something else ({what})."),
            DiskError::Failed(why) => write!(f, "The browser could not store the run ({why})."),
        }
    }
}

impl std::error::Error for DiskError {}

impl From<JsValue> for DiskError {
    fn from(error: JsValue) -> Self {
        from_js(&error)
    }
}

/// Files in memory: what embeds and blocked browsers use, and the twin that tests crash.
///
/// Clones share the files, as two workers on one browser profile do.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    files: Rc<RefCell<SortedMap<String, Vec<u8>>>>,
    fault: Rc<RefCell<Option<Fault>>>,
}

/// What a test wants to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The lights go out after so many written bytes (an empty change counts as one); nothing works after that.
    PowerCut { after: u64 },
    /// After so many changes each one fails with [`DiskError::Full`], without effect.
    FullAfter { ops: u64 },
}

impl MemoryDisk {
    pub fn set_fault(&self, fault: Option<Fault>) {
        *self.fault.borrow_mut() = fault;
    }

    /// The files alone, with the power back on.
    pub fn survivors(&self) -> MemoryDisk {
        MemoryDisk { files: Rc::new(RefCell::new(self.files.borrow().clone())), fault: Rc::default() }
    }

    /// How many bytes of `cost` still go through.
    fn allowed(&self, cost: u64) -> Result<u64, DiskError> {
        match &mut *self.fault.borrow_mut() {
            None => Ok(cost),
            Some(Fault::PowerCut { after }) => {
                let done = cost.min(*after);
                *after -= done;
                Ok(done)
            }
            Some(Fault::FullAfter { ops: 0 }) => Err(DiskError::Full),
            Some(Fault::FullAfter { ops }) => {
                *ops -= 1;
                Ok(cost)
            }
        }
    }

    fn apply(&self, op: &DiskOp) -> Result<(), DiskError> {
        let bytes = match op {
            DiskOp::Create { bytes, .. } | DiskOp::Extend { bytes, .. } => &bytes[..],
            DiskOp::Remove { .. } => &[],
        };
        let cost = (bytes.len() as u64).max(1);
        let done = self.allowed(cost)?;
        if done > 0 {
            let bytes = &bytes[..bytes.len().min(done as usize)];
            let mut files = self.files.borrow_mut();
            match op {
                DiskOp::Create { name, .. } => drop(files.insert(name.clone(), bytes.to_vec())),
                DiskOp::Remove { name } => drop(files.remove(name)),
                DiskOp::Extend { name, at, .. } => {
                    let file = files.entry(name.clone()).or_default();
                    if (file.len() as u64) < *at {
                        return Err(DiskError::Changed(name.clone()));
                    }
                    file.truncate(*at as usize);
                    file.extend_from_slice(bytes);
                }
            }
        }
        if done == cost { Ok(()) } else { Err(DiskError::Failed("the power is gone".into())) }
    }
}

/// The folders at the top in which these files lie, which come in order.
fn tops<'a>(names: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut tops: Vec<String> = names.into_iter().filter_map(|name| Some(name.split_once('/')?.0.into())).collect();
    tops.dedup();
    tops
}

pub fn lies_below(name: &str, folder: &str) -> bool {
    name.split_once('/').is_some_and(|(top, _)| top == folder)
}

impl HostDisk for MemoryDisk {
    fn folders(&mut self) -> Answer<'_, Vec<String>> {
        Box::pin(async { Ok(tops(self.files.borrow().keys())) })
    }

    fn names<'a>(&'a mut self, folder: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async move { Ok(self.files.borrow().keys().filter(|name| lies_below(name, folder)).cloned().collect()) })
    }

    fn read<'a>(&'a mut self, name: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.files.borrow().get(name).cloned()) })
    }

    fn write<'a>(&'a mut self, ops: &'a [DiskOp]) -> Answer<'a, ()> {
        Box::pin(async move { ops.iter().try_for_each(|op| self.apply(op)) })
    }
}
