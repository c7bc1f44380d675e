//! The same runs as `bench`, behind plain exports: compiled to wasm and called by `run.mjs` under node.

use playground_core::time::SimDuration;
use playground_tests::bench::{Case, Run};
use std::cell::RefCell;

thread_local! {
    static RUN: RefCell<Option<Run>> = const { RefCell::new(None) };
}

fn with<T>(read: impl FnOnce(&mut Run) -> T) -> T {
    RUN.with_borrow_mut(|run| read(run.as_mut().expect("prepare first")))
}

/// `case` counts as `Case::ALL` does. The run before is dropped.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(case: u32, records: u32) {
    RUN.set(None);
    RUN.set(Some(Run::prepare(Case::ALL[case as usize], records)));
}

#[unsafe(no_mangle)]
pub extern "C" fn deliver() {
    with(Run::deliver);
}

#[unsafe(no_mangle)]
pub extern "C" fn pass(seconds: u32) {
    with(|run| run.pass(SimDuration::from_secs(u64::from(seconds))));
}

#[unsafe(no_mangle)]
pub extern "C" fn records() -> f64 {
    with(|run| run.delivered() as f64)
}

#[unsafe(no_mangle)]
pub extern "C" fn batches() -> f64 {
    with(|run| run.batches() as f64)
}

#[unsafe(no_mangle)]
pub extern "C" fn events() -> f64 {
    with(|run| run.cluster.steps() as f64)
}

#[unsafe(no_mangle)]
pub extern "C" fn virtual_seconds() -> f64 {
    with(|run| run.cluster.now().micros() as f64 / 1e6)
}
