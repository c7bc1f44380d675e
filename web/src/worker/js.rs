//! The few pieces of the browser both roles use and web-sys does not offer as stable: clocks and timers of any global scope,
//! Web Locks, and the names of errors.

use super::host_disk::{Answer, DiskError};
use js_sys::{Array, Function, Object, Promise, Reflect};
use std::pin::Pin;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

#[wasm_bindgen]
extern "C" {
    /// Wall milliseconds since this scope began.
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    pub fn wall_ms() -> f64;

    #[wasm_bindgen(js_name = setTimeout)]
    pub fn set_timeout(callback: &Function, ms: i32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    pub fn clear_timeout(timer: &JsValue);

    pub type Scheduler;
    #[wasm_bindgen(method, catch, js_name = postTask)]
    pub fn post_task(this: &Scheduler, task: &Function) -> Result<Promise, JsValue>;

    type LockManager;
    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, options: &Object, held: &Function) -> Result<Promise, JsValue>;
}

/// Runs tasks one after another with mail between them, where the browser has such a thing.
pub fn scheduler() -> Option<Scheduler> {
    let scheduler = get(&js_sys::global(), "scheduler").ok()?;
    scheduler.is_object().then(|| scheduler.unchecked_into())
}

/// What the engine has taken of memory so far; it never gives any back.
pub fn memory_bytes() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return (core::arch::wasm32::memory_size::<0>() as u64) << 16;
    #[cfg(not(target_arch = "wasm32"))]
    0
}

pub fn get(object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    Reflect::get(object, &name.into())
}

/// `NotFoundError`, `QuotaExceededError`, …; empty when it is no error object.
pub fn error_name(error: &JsValue) -> String {
    get(error, "name").ok().and_then(|name| name.as_string()).unwrap_or_default()
}

/// What a thrown value means for storage.
pub fn from_js(error: &JsValue) -> DiskError {
    let name = error_name(error);
    match name.as_str() {
        "QuotaExceededError" => DiskError::Full,
        "NoModificationAllowedError" => DiskError::Busy,
        "SecurityError" | "NotAllowedError" | "InvalidAccessError" => DiskError::Blocked(name),
        "NotFoundError" => DiskError::Changed("a file is gone".into()),
        "" => DiskError::Failed("no reason given".into()),
        _ => DiskError::Failed(name),
    }
}

/// What a promise comes to; one kind of future for all of them.
pub fn settled(promise: &Promise) -> Answer<'static, JsValue> {
    let promise = promise.clone();
    Box::pin(async { Ok(JsFuture::from(promise).await?) })
}

/// Runs it beside everything else.
pub fn spawn(task: Pin<Box<dyn Future<Output = ()>>>) {
    spawn_local(task);
}

/// Waits; there is nothing that could fail.
pub fn sleep(ms: i32) -> Answer<'static, JsValue> {
    settled(&Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, ms);
    }))
}

/// What came of asking for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Ours until this scope ends.
    Held,
    Taken,
    /// This browser, or this frame, has no locks.
    Unsupported,
}

/// Asks for the lock of that name without waiting for it.
pub async fn try_lock(name: &str) -> Lock {
    let Ok(answer) = ask_for_lock(name) else { return Lock::Unsupported };
    match settled(&answer).await.ok().and_then(|answer| answer.as_bool()) {
        Some(true) => Lock::Held,
        Some(false) => Lock::Taken,
        None => Lock::Unsupported,
    }
}

/// A promise of whether we got it.
fn ask_for_lock(name: &str) -> Result<Promise, JsValue> {
    let locks = get(&get(&js_sys::global(), "navigator")?, "locks")?;
    if !locks.is_object() {
        return Err(JsValue::UNDEFINED);
    }
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &JsValue::TRUE)?;
    let mut resolve = JsValue::UNDEFINED;
    let answer = Promise::new(&mut |function, _| resolve = function.into());
    let held = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        // A promise's own function; it refuses nothing.
        let _ = resolve.unchecked_ref::<Function>().call1(&JsValue::UNDEFINED, &JsValue::from_bool(lock.is_object()));
        // The lock is held until the returned promise settles: never, if we got it.
        if lock.is_object() { Promise::new(&mut |_, _| {}).into() } else { JsValue::UNDEFINED }
    });
    // The request itself settles only when it is refused, or after it was answered.
    let request = locks.unchecked_ref::<LockManager>().request(name, &options, held.unchecked_ref())?;
    Ok(Promise::race(&Array::of2(&answer, &request)))
}
