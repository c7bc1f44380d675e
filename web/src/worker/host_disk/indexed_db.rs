//! IndexedDB, where there are no synchronous files: a file is a row of 64 KiB chunks under `name`, `\n` and the chunk's number.
//!
//! All changes of one write are put in one transaction, which is atomic; nothing but IndexedDB is awaited inside one.

use super::{DiskError, DiskOp, HostDisk};
use crate::worker::js::from_js;
use idb::{Database, DatabaseEvent as _, Error, Factory, KeyRange, ObjectStore, ObjectStoreParams, Query, Transaction, TransactionMode};
use js_sys::{Object, Reflect, Uint8Array};
use playground_core::sorted::SortedMap;
use wasm_bindgen::prelude::*;

const STORE: &str = "files";
const CHUNK: usize = 64 * 1024;

pub struct IndexedDbDisk {
    database: Database,
    /// The same, for what `idb` does not offer.
    raw: RawDatabase,
}

#[wasm_bindgen]
extern "C" {
    type RawDatabase;
    #[wasm_bindgen(method, catch)]
    fn transaction(this: &RawDatabase, store: &str, mode: &str, options: &Object) -> Result<JsValue, JsValue>;
}

/// The chunks of one transaction's puts, by key.
type Chunks = SortedMap<String, Vec<u8>>;

impl IndexedDbDisk {
    pub async fn open(name: &str) -> Result<Self, DiskError> {
        let factory = Factory::new().map_err(|error| from_idb(&error))?;
        let mut request = factory.open(name, Some(1)).map_err(|error| from_idb(&error))?;
        request.on_upgrade_needed(|event| {
            // A failure here fails the request, which is awaited below.
            if let Ok(database) = event.database() {
                let _ = database.create_object_store(STORE, ObjectStoreParams::new());
            }
        });
        let database = request.await.map_err(|error| from_idb(&error))?;
        if !database.store_names().iter().any(|store| store == STORE) {
            return Err(DiskError::Failed("the database has no place for files".into()));
        }
        let raw = JsValue::from(database);
        let database = Database::try_from(raw.clone()).map_err(|error| from_idb(&error))?;
        Ok(IndexedDbDisk { database, raw: raw.unchecked_into() })
    }

    /// A transaction that is complete only once the bytes are on the disk; browsers otherwise answer a little too soon.
    fn strict_transaction(&self) -> Result<Transaction, Error> {
        let options = Object::new();
        Reflect::set(&options, &"durability".into(), &"strict".into()).map_err(Error::TransactionOpenFailed)?;
        let transaction = self.raw.transaction(STORE, "readwrite", &options).map_err(Error::TransactionOpenFailed)?;
        Transaction::try_from(transaction)
    }

    /// The chunks of one file, in order.
    async fn chunks(&self, name: &str) -> Result<Vec<Vec<u8>>, Error> {
        let transaction = self.database.transaction(&[STORE], TransactionMode::ReadOnly)?;
        let store = transaction.object_store(STORE)?;
        let values = store.get_all(Some(Query::KeyRange(range(name, 0)?)), None)?.await?;
        Ok(values.into_iter().map(|value| value.unchecked_into::<Uint8Array>().to_vec()).collect())
    }

    async fn chunk(&self, key: &str) -> Result<Vec<u8>, Error> {
        let transaction = self.database.transaction(&[STORE], TransactionMode::ReadOnly)?;
        let store = transaction.object_store(STORE)?;
        let value = store.get(JsValue::from_str(key))?.await?;
        Ok(value.map(|value| value.unchecked_into::<Uint8Array>().to_vec()).unwrap_or_default())
    }

    /// The chunks an extension writes: the one it begins in, filled up, and those after it.
    async fn extended(&self, name: &str, at: u64, bytes: &[u8], pending: &Chunks) -> Result<Chunks, DiskError> {
        let first = at as usize / CHUNK;
        let within = at as usize % CHUNK;
        let key = key_of(name, first);
        let mut start = match pending.get(&key) {
            _ if within == 0 => Vec::new(),
            Some(chunk) => chunk.clone(),
            None => self.chunk(&key).await.map_err(|error| from_idb(&error))?,
        };
        if start.len() < within {
            return Err(DiskError::Changed(name.into()));
        }
        start.truncate(within);
        start.extend_from_slice(bytes);
        Ok(cut_up(name, first, &start))
    }
}

/// `bytes` as chunks numbered from `first`. An empty file is one empty chunk.
fn cut_up(name: &str, first: usize, bytes: &[u8]) -> Chunks {
    let mut chunks: Chunks = bytes.chunks(CHUNK).enumerate().map(|(i, chunk)| (key_of(name, first + i), chunk.to_vec())).collect();
    chunks.entry(key_of(name, first)).or_default();
    chunks
}

fn key_of(name: &str, chunk: usize) -> String {
    format!("{name}\n{chunk:08x}")
}

/// The keys of a file from that chunk on.
fn range(name: &str, from: usize) -> Result<KeyRange, Error> {
    KeyRange::bound(&JsValue::from_str(&key_of(name, from)), &JsValue::from_str(&format!("{name}\ng")), None, Some(true))
}

fn put_all(store: &ObjectStore, chunks: Chunks) -> Result<(), Error> {
    for (key, bytes) in chunks {
        store.put(&Uint8Array::from(&bytes[..]), Some(&JsValue::from_str(&key)))?;
    }
    Ok(())
}

impl HostDisk for IndexedDbDisk {
    async fn names(&mut self) -> Result<Vec<String>, DiskError> {
        let keys = async {
            let transaction = self.database.transaction(&[STORE], TransactionMode::ReadOnly)?;
            transaction.object_store(STORE)?.get_all_keys(None, None)?.await
        };
        let keys = keys.await.map_err(|error: Error| from_idb(&error))?;
        let mut names: Vec<String> = keys.iter().filter_map(|key| Some(key.as_string()?.split_once('\n')?.0.to_string())).collect();
        names.dedup();
        Ok(names)
    }

    async fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        let chunks = self.chunks(name).await.map_err(|error| from_idb(&error))?;
        Ok(if chunks.is_empty() { None } else { Some(chunks.concat()) })
    }

    async fn write(&mut self, ops: &[DiskOp]) -> Result<(), DiskError> {
        // What must be read is read first, so that the transaction below only puts and deletes.
        let mut pending = Chunks::new();
        let mut cleared: Vec<KeyRange> = Vec::new();
        for op in ops {
            let (name, from, chunks) = match op {
                DiskOp::Create { name, bytes } => (name, 0, cut_up(name, 0, bytes)),
                DiskOp::Extend { name, at, bytes } => (name, *at as usize / CHUNK, self.extended(name, *at, bytes, &pending).await?),
                DiskOp::Remove { name } => (name, 0, Chunks::new()),
            };
            pending.retain(|key, _| key.split_once('\n').is_none_or(|(file, _)| file != name) || *key < key_of(name, from));
            pending.extend(chunks);
            cleared.push(range(name, from).map_err(|error| from_idb(&error))?);
        }
        let put = async {
            let transaction = self.strict_transaction()?;
            let store = transaction.object_store(STORE)?;
            for keys in cleared {
                store.delete(Query::KeyRange(keys))?;
            }
            put_all(&store, pending)?;
            transaction.commit()?.await
        };
        match put.await {
            Ok(result) if result.is_committed() => Ok(()),
            Ok(_) => Err(DiskError::Failed("the browser gave the change up".into())),
            Err(error) => Err(from_idb(&error)),
        }
    }
}

impl Drop for IndexedDbDisk {
    fn drop(&mut self) {
        self.database.close();
    }
}

fn from_idb(error: &Error) -> DiskError {
    match error {
        Error::DomException(exception) => from_js(exception.as_ref()),
        Error::IndexedDbNotFound(_) => DiskError::Blocked("no IndexedDB offered".into()),
        Error::IndexedDbOpenFailed(error)
        | Error::TransactionOpenFailed(error)
        | Error::TransactionCommitError(error)
        | Error::UpdateFailed(error)
        | Error::DeleteFailed(error)
        | Error::GetFailed(error)
        | Error::GetAllFailed(error) => from_js(error),
        _ => DiskError::Failed(error.to_string()),
    }
}
