//! Plants one bug after another and lets the swarm look for it: `cargo xtask swarm --mutants`.
//!
//! `--seeds N` says how far to look for each (10,000), `--only Name` looks for one. Prints bug, seed and the invariant that caught
//! it; exit 1 when one was not found, or when the engine as it is fails the same seeds.

use playground_core::planted::{Bug, plant};
use playground_tests::swarm;
use std::process::ExitCode;
use std::time::Instant;

/// Only where brokers join are partitions reassigned.
fn first_seed(bug: Bug) -> u64 {
    match bug {
        Bug::MovedTooEarly | Bug::MovedInSync | Bug::MovedAndStillLeads => swarm::WITH_NEWCOMERS + 1,
        _ => 1,
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|argument| argument == name).and_then(|place| arguments.get(place + 1));
    let seeds = value("--seeds").map_or(10_000, |text| text.parse().unwrap_or_else(|_| panic!("--seeds takes a number")));
    let only = value("--only");
    // Each bug fails on purpose, some by an assertion.
    std::panic::set_hook(Box::new(|_| {}));
    let threads = std::thread::available_parallelism().map_or(2, |threads| threads.get() as u32);
    let (start, mut furthest, mut missed) = (Instant::now(), 0, 0);
    for bug in Bug::ALL.iter().filter(|bug| only.is_none_or(|only| only == bug.name())) {
        plant(Some(*bug));
        let first = first_seed(*bug);
        let tally = swarm::sweep(first..=first + seeds - 1, threads, true);
        let caught = tally.failures.first();
        furthest = furthest.max(caught.filter(|_| first == 1).map_or(0, |failure| failure.seed));
        missed += u32::from(caught.is_none());
        match caught {
            Some(failure) => println!("{:33} seed {:5}  {}", bug.name(), failure.seed, failure.row.map_or("assertion", |row| row.name())),
            None => println!("{:33} NOT FOUND in {} seeds: {}", bug.name(), tally.seeds, bug.sentence()),
        }
    }
    plant(None);
    let sound = swarm::sweep(1..=furthest, threads, false);
    let bugs = Bug::ALL.len();
    println!(
        "{bugs} bugs, {missed} not found; without them {} of {} seeds fail; {:.1} s",
        sound.failures.len(),
        sound.seeds,
        start.elapsed().as_secs_f64()
    );
    ExitCode::from(u8::from(missed > 0 || !sound.failures.is_empty()))
}
