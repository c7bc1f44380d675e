//! Chooses where the run is kept: files, IndexedDB, or memory with the reason why. Whatever a browser refuses means "the next one".

use super::host_disk::indexed_db::IndexedDbDisk;
use super::host_disk::opfs::OpfsDisk;
use super::host_disk::{DiskError, HostDisk};
use super::js::{self, Lock};
use crate::bridge::Storage;

/// The name of our folder, our database and our lock.
const PLACE: &str = "kafka-playground";

/// A tab that was just closed or reloaded may take a moment to let go.
const RETRY_MS: [i32; 5] = [0, 50, 100, 200, 400];

/// The best disk this browser offers, and what to tell the user. `None`: the run lives in the worker's memory alone.
pub async fn open(embed: bool) -> (Option<Box<dyn HostDisk>>, Storage) {
    if embed {
        return memory("An embedded playground keeps nothing. Open it in its own tab to have the run saved.".into());
    }
    if lock().await == Lock::Taken {
        return memory(DiskError::Busy.to_string());
    }
    match opfs().await {
        Ok(disk) => return (Some(Box::new(disk)), Storage::Opfs),
        Err(busy @ DiskError::Busy) => return memory(busy.to_string()),
        Err(_) => {}
    }
    match IndexedDbDisk::open(PLACE).await {
        Ok(disk) => (Some(Box::new(disk)), Storage::IndexedDb),
        Err(error) => memory(error.to_string()),
    }
}

fn memory(reason: String) -> (Option<Box<dyn HostDisk>>, Storage) {
    (None, Storage::Memory(reason))
}

async fn lock() -> Lock {
    let mut lock = Lock::Taken;
    for wait in RETRY_MS {
        let _ = js::sleep(wait).await;
        lock = js::try_lock(PLACE).await;
        if lock != Lock::Taken {
            break;
        }
    }
    lock
}

async fn opfs() -> Result<OpfsDisk, DiskError> {
    let mut opened = Err(DiskError::Busy);
    for wait in RETRY_MS {
        let _ = js::sleep(wait).await;
        opened = OpfsDisk::open(PLACE).await;
        if !matches!(opened, Err(DiskError::Busy)) {
            break;
        }
    }
    opened
}
