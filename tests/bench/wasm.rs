//! The same runs as `bench`, behind plain exports: compiled to wasm and called by `run.mjs` under node.

use playground_core::session::Session;
use playground_core::time::SimDuration;
use playground_core::time::SimTime;
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

thread_local! {
    static PAST: RefCell<Option<Session>> = const { RefCell::new(None) };
}

fn past<T>(read: impl FnOnce(&mut Session) -> T) -> T {
    PAST.with_borrow_mut(|past| read(past.as_mut().expect("remember first")))
}

/// A session of this case, run for so many events.
#[unsafe(no_mangle)]
pub extern "C" fn remember(case: u32, records: u32, events: u32) {
    let mut session = Session::open(Case::ALL[case as usize].scenario(records));
    session.advance(SimTime::MAX, u64::from(events));
    session.settle();
    PAST.set(Some(session));
}

/// Shows the moment at this part of what was run, and gives that moment in µs.
#[unsafe(no_mangle)]
pub extern "C" fn seek(part: f64) -> f64 {
    past(|session| {
        session.seek(SimTime((session.head().micros() as f64 * part) as u64));
        session.now().micros() as f64
    })
}

/// Whether the moment shown is that of a straight run.
#[unsafe(no_mangle)]
pub extern "C" fn as_straight() -> u32 {
    past(|session| {
        let mut straight = Session::open(session.scenario().clone());
        straight.advance(session.now(), u64::MAX);
        u32::from(straight.cluster().digest() == session.cluster().digest())
    })
}

/// Bytes the copies take for themselves, of a hundred bytes in the logs.
#[unsafe(no_mangle)]
pub extern "C" fn copies_share() -> f64 {
    past(|session| {
        let replicas = session.cluster().brokers().iter().flat_map(|broker| broker.replicas().values());
        let logs: u64 = replicas.map(|replica| replica.log.bytes()).sum();
        session.past_size().1 as f64 * 100.0 / logs as f64
    })
}

#[unsafe(no_mangle)]
pub extern "C" fn copies() -> u32 {
    past(|session| session.past_size().0 as u32)
}
