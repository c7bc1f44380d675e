//! Origin private file system: synchronous file handles, in a worker only. Opening a handle is slow (about a millisecond)
//! and locks the file, so handles stay open, a bounded number of them, the least recently used closed first.

use super::{DiskError, DiskOp, HostDisk};
use crate::worker::js::{error_name, from_js};
use js_sys::{AsyncIterator, IteratorNext, JsString, Reflect};
use playground_core::sorted::{SortedMap, SortedSet};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions, FileSystemGetFileOptions, FileSystemHandle,
    FileSystemHandleKind, FileSystemReadWriteOptions, FileSystemSyncAccessHandle, StorageManager,
};

/// Handles kept open.
const OPEN: usize = 64;

pub struct OpfsDisk {
    root: FileSystemDirectoryHandle,
    folders: SortedMap<String, FileSystemDirectoryHandle>,
    /// Least recently used first.
    open: Vec<(String, FileSystemSyncAccessHandle)>,
}

impl OpfsDisk {
    /// Opens a folder of its own, and proves that files can be written there.
    pub async fn open(folder: &str) -> Result<Self, DiskError> {
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).map_err(|error| from_js(&error))?;
        let storage = Reflect::get(&navigator, &"storage".into()).map_err(|error| from_js(&error))?;
        let storage: StorageManager = storage.dyn_into().map_err(|_| DiskError::Blocked("no file system offered".into()))?;
        let top = JsFuture::from(storage.get_directory()).await.map_err(|error| from_js(&error))?;
        let root = folder_in(&top.unchecked_into(), folder).await?;
        let mut disk = OpfsDisk { root, folders: SortedMap::new(), open: Vec::new() };
        disk.probe().await?;
        Ok(disk)
    }

    /// Browsers may offer the interface and still refuse every file.
    async fn probe(&mut self) -> Result<(), DiskError> {
        let name = "probe".to_string();
        self.write(&[DiskOp::Create { name: name.clone(), bytes: vec![1] }]).await?;
        let read = self.read(&name).await?;
        self.write(&[DiskOp::Remove { name }]).await?;
        if read.as_deref() == Some(&[1]) { Ok(()) } else { Err(DiskError::Blocked("files do not keep what is written".into())) }
    }

    async fn folder(&mut self, path: &str) -> Result<FileSystemDirectoryHandle, DiskError> {
        let mut folder = self.root.clone();
        let mut at = 0;
        while at < path.len() {
            let end = path[at..].find('/').map_or(path.len(), |slash| at + slash);
            folder = match self.folders.get(&path[..end]) {
                Some(known) => known.clone(),
                None => {
                    let folder = folder_in(&folder, &path[at..end]).await?;
                    self.folders.insert(path[..end].to_string(), folder.clone());
                    folder
                }
            };
            at = end + 1;
        }
        Ok(folder)
    }

    /// The open handle of a file; with `create` the file is made if need be.
    async fn handle(&mut self, name: &str, create: bool) -> Result<Option<FileSystemSyncAccessHandle>, DiskError> {
        if let Some(at) = self.open.iter().position(|(open, _)| open == name) {
            let entry = self.open.remove(at);
            let handle = entry.1.clone();
            self.open.push(entry);
            return Ok(Some(handle));
        }
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let folder = self.folder(folder).await?;
        let options = FileSystemGetFileOptions::new();
        options.set_create(create);
        let file = match JsFuture::from(folder.get_file_handle_with_options(file, &options)).await {
            Ok(file) => file.unchecked_into::<FileSystemFileHandle>(),
            Err(error) if !create && error_name(&error) == "NotFoundError" => return Ok(None),
            Err(error) => return Err(from_js(&error)),
        };
        let handle = open_handle(&file).await?;
        if self.open.len() >= OPEN {
            self.open.remove(0).1.close();
        }
        self.open.push((name.to_string(), handle.clone()));
        Ok(Some(handle))
    }

    async fn put(&mut self, name: &str, at: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let handle = self.handle(name, true).await?.ok_or_else(|| DiskError::Changed(name.into()))?;
        let size = handle.get_size().map_err(|error| from_js(&error))?;
        let end = (at + bytes.len() as u64) as f64;
        if size < at as f64 {
            return Err(DiskError::Changed(name.into()));
        }
        if size > end {
            handle.truncate_with_f64(end).map_err(|error| from_js(&error))?;
        }
        let options = FileSystemReadWriteOptions::new();
        let mut done = 0;
        while done < bytes.len() {
            options.set_at_f64((at + done as u64) as f64);
            let written = handle.write_with_u8_array_and_options(&bytes[done..], &options).map_err(|error| from_js(&error))?;
            if written <= 0.0 {
                return Err(DiskError::Full);
            }
            done += written as usize;
        }
        Ok(())
    }

    async fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        if let Some(at) = self.open.iter().position(|(open, _)| open == name) {
            self.open.remove(at).1.close();
        }
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let folder = self.folder(folder).await?;
        match JsFuture::from(folder.remove_entry(file)).await {
            Err(error) if error_name(&error) != "NotFoundError" => Err(from_js(&error)),
            _ => Ok(()),
        }
    }

    async fn apply(&mut self, op: &DiskOp) -> Result<(), DiskError> {
        match op {
            DiskOp::Create { name, bytes } => self.put(name, 0, bytes).await,
            DiskOp::Extend { name, at, bytes } => self.put(name, *at, bytes).await,
            DiskOp::Remove { name } => self.remove(name).await,
        }
    }
}

impl HostDisk for OpfsDisk {
    async fn names(&mut self) -> Result<Vec<String>, DiskError> {
        let mut names = Vec::new();
        let mut folders = vec![(String::new(), self.root.clone())];
        while let Some((path, folder)) = folders.pop() {
            for (name, handle) in entries(&folder).await? {
                match handle.kind() {
                    FileSystemHandleKind::Directory => folders.push((format!("{path}{name}/"), handle.unchecked_into())),
                    _ => names.push(format!("{path}{name}")),
                }
            }
        }
        names.sort();
        Ok(names)
    }

    async fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        let Some(handle) = self.handle(name, false).await? else { return Ok(None) };
        let size = handle.get_size().map_err(|error| from_js(&error))?;
        let mut bytes = vec![0; size as usize];
        let options = FileSystemReadWriteOptions::new();
        options.set_at_f64(0.0);
        let read = handle.read_with_u8_array_and_options(&mut bytes, &options).map_err(|error| from_js(&error))?;
        bytes.truncate(read as usize);
        Ok(Some(bytes))
    }

    async fn write(&mut self, ops: &[DiskOp]) -> Result<(), DiskError> {
        // A handle closed to make room is flushed by closing; those still open are flushed in the end, each once.
        for batch in ops.chunks(OPEN) {
            for op in batch {
                self.apply(op).await?;
            }
            let touched: SortedSet<&str> = batch.iter().map(DiskOp::name).collect();
            for (_, handle) in self.open.iter().filter(|(name, _)| touched.contains(name.as_str())) {
                handle.flush().map_err(|error| from_js(&error))?;
            }
        }
        Ok(())
    }
}

impl Drop for OpfsDisk {
    fn drop(&mut self) {
        self.open.iter().for_each(|(_, handle)| handle.close());
    }
}

async fn folder_in(parent: &FileSystemDirectoryHandle, name: &str) -> Result<FileSystemDirectoryHandle, DiskError> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    let folder = JsFuture::from(parent.get_directory_handle_with_options(name, &options)).await;
    folder.map(JsCast::unchecked_into).map_err(|error| from_js(&error))
}

async fn open_handle(file: &FileSystemFileHandle) -> Result<FileSystemSyncAccessHandle, DiskError> {
    if !Reflect::has(file, &"createSyncAccessHandle".into()).unwrap_or(false) {
        return Err(DiskError::Blocked("no synchronous files offered".into()));
    }
    let handle = JsFuture::from(file.create_sync_access_handle()).await;
    handle.map(JsCast::unchecked_into).map_err(|error| from_js(&error))
}

async fn entries(folder: &FileSystemDirectoryHandle) -> Result<Vec<(String, FileSystemHandle)>, DiskError> {
    let iterator: AsyncIterator = folder.entries();
    let mut entries = Vec::new();
    loop {
        let next = iterator.next().map_err(|error| from_js(&error))?;
        let next: IteratorNext = JsFuture::from(next).await.map_err(|error| from_js(&error))?.unchecked_into();
        if next.done() {
            return Ok(entries);
        }
        let pair = js_sys::Array::from(&next.value());
        let name: JsString = pair.get(0).unchecked_into();
        entries.push((String::from(name), pair.get(1).unchecked_into()));
    }
}
