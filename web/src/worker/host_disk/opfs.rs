//! Origin private file system: synchronous file handles, in a worker only. Opening a handle is slow (about a millisecond)
//! and locks the file, so handles stay open, a bounded number of them, the least recently used closed first.

use super::{Answer, DiskError, DiskOp, HostDisk};
use crate::worker::js::{get, settled};
use js_sys::{Array, AsyncIterator, IteratorNext, Promise, Reflect};
use playground_core::sorted::SortedSet;
use wasm_bindgen::JsCast;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions, FileSystemGetFileOptions, FileSystemHandle,
    FileSystemHandleKind, FileSystemReadWriteOptions, FileSystemSyncAccessHandle, StorageManager,
};

/// Handles kept open.
const OPEN: usize = 64;

pub struct OpfsDisk {
    root: FileSystemDirectoryHandle,
    folders: Vec<(String, FileSystemDirectoryHandle)>,
    /// Least recently used first.
    open: Vec<(String, FileSystemSyncAccessHandle)>,
}

impl OpfsDisk {
    /// Opens a folder of its own, and proves that files can be written there.
    pub async fn open(folder: &str) -> Result<Self, DiskError> {
        let storage = get(&get(&js_sys::global(), "navigator")?, "storage")?;
        let storage: StorageManager = storage.dyn_into().map_err(|_| DiskError::Blocked("no file system offered".into()))?;
        let top = settled(&storage.get_directory()).await?;
        let root = settled(&folder_in(top.unchecked_ref(), folder)).await?.unchecked_into();
        let mut disk = OpfsDisk { root, folders: Vec::new(), open: Vec::new() };
        disk.probe().await?;
        Ok(disk)
    }

    /// Browsers may offer the interface and still refuse every file.
    async fn probe(&mut self) -> Result<(), DiskError> {
        let name = "probe";
        let kept = match self.handle(name, true).await? {
            None => false,
            Some(handle) => {
                put(&handle, name, 0, &[1])?;
                handle.flush()?;
                whole(&handle)? == [1]
            }
        };
        self.remove(name).await?;
        if kept { Ok(()) } else { Err(DiskError::Blocked("files do not keep what is written".into())) }
    }

    async fn folder(&mut self, path: &str) -> Result<FileSystemDirectoryHandle, DiskError> {
        let mut folder = self.root.clone();
        let mut at = 0;
        while at < path.len() {
            let end = path[at..].find('/').map_or(path.len(), |slash| at + slash);
            folder = match self.folders.iter().find(|(known, _)| *known == path[..end]) {
                Some((_, known)) => known.clone(),
                None => {
                    let folder: FileSystemDirectoryHandle = settled(&folder_in(&folder, &path[at..end])).await?.unchecked_into();
                    self.folders.push((path[..end].to_string(), folder.clone()));
                    folder
                }
            };
            at = end + 1;
        }
        Ok(folder)
    }

    /// The open handle of a file; with `create` the file is made if need be.
    fn handle<'a>(&'a mut self, name: &'a str, create: bool) -> Answer<'a, Option<FileSystemSyncAccessHandle>> {
        Box::pin(async move {
            if let Some(at) = self.place(name) {
                let entry = self.open.remove(at);
                let handle = entry.1.clone();
                self.open.push(entry);
                return Ok(Some(handle));
            }
            let (folder, file) = split(name);
            let folder = self.folder(folder).await?;
            let options = FileSystemGetFileOptions::new();
            options.set_create(create);
            let file = match settled(&folder.get_file_handle_with_options(file, &options)).await {
                // There is no such file.
                Err(DiskError::Changed(_)) if !create => return Ok(None),
                file => file?,
            };
            let handle: FileSystemSyncAccessHandle = settled(&access(file.unchecked_ref())?).await?.unchecked_into();
            if self.open.len() >= OPEN {
                self.open.remove(0).1.close();
            }
            self.open.push((name.to_string(), handle.clone()));
            Ok(Some(handle))
        })
    }

    /// Where among the open handles this file's is.
    fn place(&self, name: &str) -> Option<usize> {
        self.open.iter().position(|(open, _)| open == name)
    }

    async fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        if let Some(at) = self.place(name) {
            self.open.remove(at).1.close();
        }
        let (folder, file) = split(name);
        let folder = self.folder(folder).await?;
        match settled(&folder.remove_entry(file)).await {
            // It was not there.
            Ok(_) | Err(DiskError::Changed(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn apply(&mut self, op: &DiskOp) -> Result<(), DiskError> {
        let (name, at, bytes) = match op {
            DiskOp::Create { name, bytes } => (name, 0, bytes),
            DiskOp::Extend { name, at, bytes } => (name, *at, bytes),
            DiskOp::Remove { name } => return self.remove(name).await,
        };
        match self.handle(name, true).await? {
            Some(handle) => put(&handle, name, at, bytes),
            None => Err(DiskError::Changed(name.into())),
        }
    }

    /// Makes what was written safe. A handle closed to make room was flushed by closing.
    fn flush(&self, ops: &[DiskOp]) -> Result<(), DiskError> {
        for (name, handle) in &self.open {
            if ops.iter().any(|op| op.name() == name) {
                handle.flush()?;
            }
        }
        Ok(())
    }
}

/// Folder and file.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

/// These bytes stand at `at`, and the file ends behind them.
fn put(handle: &FileSystemSyncAccessHandle, name: &str, at: u64, bytes: &[u8]) -> Result<(), DiskError> {
    let size = handle.get_size()?;
    let end = (at + bytes.len() as u64) as f64;
    if size < at as f64 {
        return Err(DiskError::Changed(name.into()));
    }
    if size > end {
        handle.truncate_with_f64(end)?;
    }
    let options = FileSystemReadWriteOptions::new();
    let mut done = 0;
    while done < bytes.len() {
        options.set_at_f64((at + done as u64) as f64);
        let written = handle.write_with_u8_array_and_options(&bytes[done..], &options)?;
        if written <= 0.0 {
            return Err(DiskError::Full);
        }
        done += written as usize;
    }
    Ok(())
}

/// The whole file.
fn whole(handle: &FileSystemSyncAccessHandle) -> Result<Vec<u8>, DiskError> {
    let mut bytes = vec![0; handle.get_size()? as usize];
    let options = FileSystemReadWriteOptions::new();
    options.set_at_f64(0.0);
    let read = handle.read_with_u8_array_and_options(&mut bytes, &options)?;
    bytes.truncate(read as usize);
    Ok(bytes)
}

impl HostDisk for OpfsDisk {
    fn folders(&mut self) -> Answer<'_, Vec<String>> {
        Box::pin(async {
            let mut folders = entries(&self.root).await?;
            folders.retain(|(_, entry)| is_folder(entry));
            let folders: SortedSet<String> = folders.into_iter().map(|(name, _)| name).collect();
            Ok(folders.into_iter().collect())
        })
    }

    fn names<'a>(&'a mut self, folder: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            let mut names = SortedSet::new();
            let mut folders = vec![(folder.to_string(), self.folder(folder).await?)];
            while let Some((path, folder)) = folders.pop() {
                for (name, entry) in entries(&folder).await? {
                    let name = format!("{path}/{name}");
                    if is_folder(&entry) {
                        folders.push((name, entry.unchecked_into()));
                    } else {
                        names.insert(name);
                    }
                }
            }
            Ok(names.into_iter().collect())
        })
    }

    fn read<'a>(&'a mut self, name: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            match self.handle(name, false).await? {
                Some(handle) => Ok(Some(whole(&handle)?)),
                None => Ok(None),
            }
        })
    }

    fn write<'a>(&'a mut self, ops: &'a [DiskOp]) -> Answer<'a, ()> {
        Box::pin(async move {
            // The handles still open are flushed in the end, each once.
            for batch in ops.chunks(OPEN) {
                for op in batch {
                    self.apply(op).await?;
                }
                self.flush(batch)?;
            }
            Ok(())
        })
    }
}

impl Drop for OpfsDisk {
    fn drop(&mut self) {
        self.open.iter().for_each(|(_, handle)| handle.close());
    }
}

/// What lies right in a folder, by name, in no order.
async fn entries(folder: &FileSystemDirectoryHandle) -> Result<Vec<(String, FileSystemHandle)>, DiskError> {
    let left: AsyncIterator = folder.entries();
    let mut entries = Vec::new();
    loop {
        let next: IteratorNext = settled(&left.next()?).await?.unchecked_into();
        if next.done() {
            return Ok(entries);
        }
        let pair: Array = next.value().unchecked_into();
        entries.push((pair.get(0).as_string().unwrap_or_default(), pair.get(1).unchecked_into()));
    }
}

fn is_folder(entry: &FileSystemHandle) -> bool {
    entry.kind() == FileSystemHandleKind::Directory
}

/// The folder of that name, made if need be.
fn folder_in(parent: &FileSystemDirectoryHandle, name: &str) -> Promise {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    parent.get_directory_handle_with_options(name, &options)
}

fn access(file: &FileSystemFileHandle) -> Result<Promise, DiskError> {
    if !Reflect::has(file, &"createSyncAccessHandle".into()).unwrap_or(false) {
        return Err(DiskError::Blocked("no synchronous files offered".into()));
    }
    Ok(file.create_sync_access_handle())
}
