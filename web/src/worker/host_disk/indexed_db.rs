//! IndexedDB, where there are no synchronous files: a file is a row of 64 KiB chunks under `name`, `\n` and the chunk's number.
//!
//! All changes of one write are put in one transaction, which is atomic; nothing but IndexedDB is awaited inside one.

use super::{Answer, DiskError, DiskOp, HostDisk, lies_below, tops};
use crate::worker::js::{get, settled};
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{DomException, IdbDatabase, IdbFactory, IdbKeyRange, IdbObjectStore, IdbRequest, IdbTransaction};

const STORE: &str = "files";
const CHUNK: usize = 64 * 1024;

pub struct IndexedDbDisk {
    database: IdbDatabase,
}

#[wasm_bindgen]
extern "C" {
    /// A database whose transactions take options, which web-sys does not offer as stable.
    type Optioned;
    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Optioned, store: &str, mode: &str, options: &Object) -> Result<IdbTransaction, JsValue>;
}

/// The chunks of one transaction's puts, by key.
type Chunks = Vec<(String, Vec<u8>)>;

impl IndexedDbDisk {
    pub async fn open(name: &str) -> Result<Self, DiskError> {
        let database = answer(request_database(name)?).await?.unchecked_into();
        let disk = IndexedDbDisk { database };
        if !disk.database.object_store_names().contains(STORE) {
            return Err(DiskError::Failed("the database has no place for files".into()));
        }
        Ok(disk)
    }

    fn store(&self, mode: &str) -> Result<IdbObjectStore, JsValue> {
        // What is written is complete only once the bytes are on the disk; browsers otherwise answer a little too soon.
        let options = Object::new();
        Reflect::set(&options, &"durability".into(), &"strict".into())?;
        self.database.unchecked_ref::<Optioned>().transaction(STORE, mode, &options)?.object_store(STORE)
    }

    fn store_to_read(&self) -> Result<IdbObjectStore, JsValue> {
        self.store("readonly")
    }

    /// The names of all files, in order.
    async fn all(&self) -> Result<Vec<String>, DiskError> {
        let keys: Array = answer(self.store_to_read()?.get_all_keys()?).await?.unchecked_into();
        let mut names: Vec<String> = Vec::new();
        for key in keys.iter().filter_map(|key| key.as_string()) {
            let Some((name, _)) = key.split_once('\n') else { continue };
            // The keys come in order: a file's chunks lie together.
            if names.last().is_none_or(|last| last != name) {
                names.push(name.into());
            }
        }
        Ok(names)
    }

    /// The chunks an extension writes: the one it begins in, filled up, and those after it.
    async fn extended(&self, name: &str, at: u64, bytes: &[u8], pending: &Chunks) -> Result<Chunks, DiskError> {
        let first = at as usize / CHUNK;
        let within = at as usize % CHUNK;
        let key = key_of(name, first);
        let mut start = match pending.iter().find(|(other, _)| *other == key) {
            _ if within == 0 => Vec::new(),
            Some((_, chunk)) => chunk.clone(),
            None => bytes_of(&answer(self.store_to_read()?.get(&key.into())?).await?),
        };
        if start.len() < within {
            return Err(DiskError::Changed(name.into()));
        }
        start.truncate(within);
        start.extend_from_slice(bytes);
        Ok(cut_up(name, first, &start))
    }

    /// One transaction: these ranges are empty, then these chunks are there.
    fn put_all(&self, cleared: &[JsValue], chunks: &Chunks) -> Result<IdbTransaction, JsValue> {
        let store = self.store("readwrite")?;
        for keys in cleared {
            store.delete(keys)?;
        }
        for (key, bytes) in chunks {
            store.put_with_key(&Uint8Array::from(&bytes[..]), &JsValue::from_str(key))?;
        }
        Ok(store.transaction())
    }
}

fn request_database(name: &str) -> Result<IdbRequest, DiskError> {
    let factory = get(&js_sys::global(), "indexedDB")?;
    if !factory.is_object() {
        return Err(DiskError::Blocked("no IndexedDB offered".into()));
    }
    let request = factory.unchecked_ref::<IdbFactory>().open_with_u32(name, 1)?;
    let opening = request.clone();
    let upgrade = Closure::once_into_js(move || {
        // A failure here leaves a database without a place for files, which is asked for once it is open.
        if let Ok(database) = opening.result() {
            let _ = database.unchecked_ref::<IdbDatabase>().create_object_store(STORE);
        }
    });
    request.set_onupgradeneeded(Some(upgrade.unchecked_ref()));
    Ok(request.into())
}

/// What a request comes to.
fn answer(request: IdbRequest) -> Answer<'static, JsValue> {
    Box::pin(async move {
        let done = Promise::new(&mut |resolve, reject| {
            request.set_onsuccess(Some(&resolve));
            request.set_onerror(Some(&reject));
        });
        match settled(&done).await {
            Ok(_) => Ok(request.result()?),
            Err(_) => Err(reason(request.error()?)),
        }
    })
}

/// A transaction ends by itself once nothing more is asked of it: all of it is on the disk, or nothing.
async fn ended(transaction: IdbTransaction) -> Result<(), DiskError> {
    let done = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    match settled(&done).await {
        Ok(_) => Ok(()),
        Err(_) => Err(reason(transaction.error())),
    }
}

fn reason(error: Option<DomException>) -> DiskError {
    error.map_or_else(|| DiskError::Failed("the browser gave the change up".into()), |error| JsValue::from(error).into())
}

/// Nothing, where there is no such chunk.
fn bytes_of(chunk: &JsValue) -> Vec<u8> {
    chunk.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec).unwrap_or_default()
}

/// `bytes` as chunks numbered from `first`. An empty file is one empty chunk.
fn cut_up(name: &str, first: usize, bytes: &[u8]) -> Chunks {
    let mut chunks = Chunks::new();
    let mut rest = bytes;
    while chunks.is_empty() || !rest.is_empty() {
        let (chunk, behind) = rest.split_at(rest.len().min(CHUNK));
        chunks.push((key_of(name, first + chunks.len()), chunk.to_vec()));
        rest = behind;
    }
    chunks
}

fn key_of(name: &str, chunk: usize) -> String {
    format!("{name}\n{chunk:08x}")
}

/// The keys of a file from that chunk on.
fn range(name: &str, from: usize) -> Result<JsValue, JsValue> {
    let (lower, upper) = (key_of(name, from), format!("{name}\ng"));
    let keys = IdbKeyRange::bound_with_lower_open_and_upper_open(&lower.into(), &upper.into(), false, true)?;
    Ok(keys.into())
}

impl HostDisk for IndexedDbDisk {
    fn folders(&mut self) -> Answer<'_, Vec<String>> {
        Box::pin(async { Ok(tops(&self.all().await?)) })
    }

    fn names<'a>(&'a mut self, folder: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            let mut names = self.all().await?;
            names.retain(|name| lies_below(name, folder));
            Ok(names)
        })
    }

    fn read<'a>(&'a mut self, name: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let chunks: Array = answer(self.store_to_read()?.get_all_with_key(&range(name, 0)?)?).await?.unchecked_into();
            let mut bytes = Vec::new();
            for chunk in chunks.iter() {
                bytes.append(&mut bytes_of(&chunk));
            }
            Ok((chunks.length() > 0).then_some(bytes))
        })
    }

    fn write<'a>(&'a mut self, ops: &'a [DiskOp]) -> Answer<'a, ()> {
        Box::pin(async move {
            // What must be read is read first, so that the transaction below only puts and deletes.
            let mut pending = Chunks::new();
            let mut cleared: Vec<JsValue> = Vec::new();
            for op in ops {
                let (name, from, chunks) = match op {
                    DiskOp::Create { name, bytes } => (name, 0, cut_up(name, 0, bytes)),
                    DiskOp::Extend { name, at, bytes } => (name, *at as usize / CHUNK, self.extended(name, *at, bytes, &pending).await?),
                    DiskOp::Remove { name } => (name, 0, Chunks::new()),
                };
                pending.retain(|(key, _)| key.split_once('\n').is_none_or(|(file, _)| file != name) || *key < key_of(name, from));
                pending.extend(chunks);
                cleared.push(range(name, from)?);
            }
            ended(self.put_all(&cleared, &pending)?).await
        })
    }
}

impl Drop for IndexedDbDisk {
    fn drop(&mut self) {
        self.database.close();
    }
}
