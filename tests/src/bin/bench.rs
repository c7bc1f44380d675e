//! The engine's speed and memory, native: `bench CASE RECORDS` runs one case once and prints its figures as JSON.
//!
//! `tests/bench/run.mjs` calls it in turn with the same case in wasm and a JavaScript simulation, so that a busy machine slows all
//! of them; every call is a process of its own, timed by its CPU.

use playground_core::time::SimDuration;
use playground_tests::bench::{Case, Run};
use playground_tests::counting::{self, Counting};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Seconds this process has computed; where the system does not say, seconds that passed.
#[cfg(unix)]
fn cpu_seconds() -> f64 {
    unsafe extern "C" {
        fn clock() -> std::ffi::c_long;
    }
    // SAFETY: standard C, without arguments. POSIX sets CLOCKS_PER_SEC to a million.
    unsafe { clock() as f64 / 1e6 }
}

#[cfg(not(unix))]
fn cpu_seconds() -> f64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let case = arguments.first().and_then(|name| Case::named(name));
    let amount = arguments.get(1).and_then(|number| number.parse().ok());
    let (Some(case), Some(amount)) = (case, amount) else {
        let names = Case::ALL.map(Case::name).join(", ");
        eprintln!("usage: bench CASE AMOUNT\nCASE: {names}; AMOUNT: records to send, for `trucks` seconds of virtual time");
        return ExitCode::from(2);
    };
    measure(case, amount);
    ExitCode::SUCCESS
}

fn measure(case: Case, amount: u32) {
    let mut run = Run::prepare(case, amount);
    let (steps, began, virtual_began) = (run.cluster.steps(), cpu_seconds(), run.cluster.now());
    let live = counting::live_bytes();
    match case {
        Case::Trucks => run.pass(SimDuration::from_secs(u64::from(amount))),
        _ => run.deliver(),
    }
    let cpu_s = cpu_seconds() - began;
    let retained = counting::live_bytes() as i64 - live as i64;
    let figures = serde_json::json!({
        "cpu_s": cpu_s,
        "virtual_s": run.cluster.now().since(virtual_began).micros() as f64 / 1e6,
        "records": run.delivered(),
        "batches": run.batches(),
        "events": run.cluster.steps() - steps,
        "retained_bytes": retained,
    });
    println!("{figures}");
}
