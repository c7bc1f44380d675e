//! `cargo xtask swarm`: thousands of random runs, each watched after every event.

use playground_tests::swarm;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(place + 1).and_then(|text| text.parse::<u64>().ok()).unwrap_or_else(|| panic!("{name} takes a number")))
    };
    let from = number("--from").unwrap_or(1);
    let seeds = match number("--seed") {
        Some(seed) => seed..=seed,
        None => from..=from + number("--seeds").unwrap_or(10_000) - 1,
    };
    // A panic of the engine is told with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let threads = std::thread::available_parallelism().map_or(2, |threads| threads.get() as u32);
    let start = Instant::now();
    let tally = swarm::sweep(seeds, threads, false);
    let seconds = start.elapsed().as_secs_f64();
    for failure in tally.failures.iter().take(5) {
        println!("{failure}");
    }
    for failure in tally.failures.iter().skip(5).take(45) {
        println!("seed {}: {}", failure.seed, failure.what);
    }
    println!("{tally}");
    println!("{seconds:.1} s on {threads} threads, {:.0} events a second each", tally.events as f64 / seconds / f64::from(threads));
    ExitCode::from(u8::from(!tally.failures.is_empty()))
}
