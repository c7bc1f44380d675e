//! `cargo xtask <verb>`: brings what the machine lacks, then serves, tests, builds or measures the playground.
//!
//! Needs a stable cargo and Node.js. What is already on PATH in a fitting version is used; everything else goes into the
//! user's cache folder, one folder a version, so that the next clone starts at once.

mod bench;
mod browser;
mod debian;
mod node;
mod paths;
mod serve;
mod shell;
mod site;
mod swarm;
mod test;
mod toolchain;
mod tools;
mod trouble;

use std::process::ExitCode;
use trouble::{Outcome, Trouble};

const HELP: &str = "\
cargo xtask serve [--port 8080] [--watch]   build the playground and serve it on 127.0.0.1
cargo xtask test [STEP]...                  every check, native and in a headless browser; or the named steps
cargo xtask build                           build the site into dist/ and print its size
cargo xtask watched                         see in a browser what a watched run does not call (web/unwatched.txt)
cargo xtask gallery [WORD]...               drive the page to every state, measure and picture it (tests/page/pictures/gallery)
cargo xtask bench                           measure speed, memory and size
cargo xtask swarm [--seeds N | --seed N]    thousands of random runs, every invariant after every event
cargo xtask swarm --mutants [--seeds N]     plants bugs one after another; the swarm must find each
cargo xtask swarm --models                  searches every order of events in small clusters; part of `swarm` without options
cargo xtask setup                           only bring what is missing";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match perform(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("error: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn perform(arguments: &[String]) -> Outcome {
    let Some((verb, rest)) = arguments.split_first() else {
        println!("{HELP}");
        return Ok(());
    };
    match verb.as_str() {
        "serve" => serve::serve(&serve::Options::parse(rest)?),
        "test" => test::test(rest),
        "build" => no_options(verb, rest).and_then(|()| site::build_and_weigh()),
        "watched" => no_options(verb, rest).and_then(|()| site::watched()),
        "gallery" => test::gallery(rest),
        "bench" => no_options(verb, rest).and_then(|()| bench::bench()),
        "swarm" => swarm::swarm(rest),
        "setup" => no_options(verb, rest).and_then(|()| setup()),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        unknown => Err(Trouble::new(format!("there is no verb `{unknown}`"), "see `cargo xtask help`")),
    }
}

fn no_options(verb: &str, rest: &[String]) -> Outcome {
    match rest.first() {
        None => Ok(()),
        Some(extra) => Err(Trouble::new(format!("`{verb}` does not take `{extra}`"), "see `cargo xtask help`")),
    }
}

fn setup() -> Outcome {
    toolchain::ensure_component("rustfmt", "fmt")?;
    toolchain::ensure_component("clippy", "clippy")?;
    let kit = site::Kit::ready()?;
    let browser = browser::Browser::ready()?;
    let modules = node::page_test_modules()?;
    println!("Ready.");
    println!("  wasm compiler   {}", kit.toolchain());
    println!("  browser         {}", browser.chromium.display());
    println!("  browser driver  {}", browser.driver.display());
    println!("  page tests      {}", modules.display());
    Ok(())
}
