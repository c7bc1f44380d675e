//! `cargo xtask test`: every check, in order of how soon it can fail.
//!
//! A step that cannot run counts as failed: half a test is not a pass. Later steps run all the same, so that one look
//! shows everything there is to mend.

use crate::browser::Browser;
use crate::shell::Call;
use crate::site::Kit;
use crate::trouble::{Outcome, Trouble};
use crate::{node, paths, serve, site, toolchain};
use std::time::Instant;

const BROWSER_PACKAGES: [&str; 2] = ["playground_web", "playground_tests"];

struct Step {
    name: &'static str,
    about: &'static str,
    perform: fn() -> Outcome,
}

const STEPS: [Step; 9] = [
    Step { name: "fmt", about: "the code is formatted", perform: fmt },
    Step { name: "clippy", about: "no lint speaks, native", perform: clippy },
    Step { name: "native", about: "unit and story tests", perform: native },
    Step { name: "mutants", about: "planted bugs are found by the swarm and by the model", perform: mutants },
    Step { name: "clippy-web", about: "no lint speaks, for the web", perform: clippy_web },
    Step { name: "web", about: "engine, storage and link in headless Chromium", perform: web },
    Step { name: "build", about: "the site is built", perform: build },
    Step { name: "size", about: "the site is small enough", perform: size },
    Step { name: "page", about: "the built site in headless Chromium", perform: page },
];

pub(crate) fn test(names: &[String]) -> Outcome {
    let steps = chosen(names)?;
    let mut failures = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        println!("\n=== {} of {}: {}, {} ===", number + 1, steps.len(), step.name, step.about);
        let start = Instant::now();
        let outcome = (step.perform)();
        println!("=== {}: {} in {:.1} s ===", step.name, if outcome.is_ok() { "passed" } else { "FAILED" }, start.elapsed().as_secs_f64());
        if let Err(trouble) = outcome {
            eprintln!("error: {trouble}");
            failures.push(step.name);
        }
    }
    let (passed, failed) = (steps.len() - failures.len(), failures.len());
    println!("\n{passed} passed, {failed} failed");
    if failures.is_empty() {
        return Ok(());
    }
    let list = failures.join(" ");
    Err(Trouble::new(format!("failed: {list}"), format!("see above, mend, and repeat with `cargo xtask test {list}`")))
}

/// All steps, or those that were named.
fn chosen(names: &[String]) -> Outcome<Vec<&'static Step>> {
    if let Some(unknown) = names.iter().find(|name| !STEPS.iter().any(|step| step.name == *name)) {
        let known = STEPS.map(|step| step.name).join(", ");
        return Err(Trouble::new(format!("there is no step `{unknown}`"), format!("the steps are {known}")));
    }
    Ok(STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name)).collect())
}

fn cargo() -> Call {
    Call::new("cargo").in_folder(paths::root())
}

fn fmt() -> Outcome {
    toolchain::ensure_component("rustfmt", "fmt")?;
    cargo().words("fmt --all --check").run("run `cargo fmt --all`")
}

fn clippy() -> Outcome {
    toolchain::ensure_component("clippy", "clippy")?;
    cargo().words("clippy --locked --all-targets -- -D warnings").run("mend what clippy reports above")
}

fn native() -> Outcome {
    // The web package too: a plain #[test] in it would run nowhere else.
    cargo().words("test --locked --workspace").run("mend the tests that failed above")
}

fn mutants() -> Outcome {
    let call = cargo().words("run --locked --profile test -p playground_tests --features planted --bin mutants --");
    call.words("--seeds 4000").run("see which planted bug was not found, or which seeds fail without one")?;
    let call = cargo().words("test --locked -p playground_tests --features planted --test models -- the_model_finds --nocapture");
    call.run("see which planted bug the model did not find")
}

fn clippy_web() -> Outcome {
    let clippy = Kit::ready()?.call("cargo").words("clippy --locked --all-targets --target wasm32-unknown-unknown -p playground_web");
    clippy.words("-- -D warnings").run("mend what clippy reports above")
}

fn web() -> Outcome {
    let browser = Browser::ready()?;
    let call = Kit::ready()?.call("cargo").words("test --locked --target wasm32-unknown-unknown");
    BROWSER_PACKAGES
        .iter()
        .fold(call, |call, package| call.arg("-p").arg(package))
        .env("CHROMEDRIVER", &browser.driver)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", browser.write_capabilities()?)
        .run("mend the browser tests that failed above")
}

fn build() -> Outcome {
    // Whatever an earlier run left must not be tested in place of a build that failed.
    if paths::dist().exists() {
        std::fs::remove_dir_all(paths::dist()).map_err(|error| Trouble::io("cannot empty dist", &error))?;
    }
    Kit::ready()?.build()
}

fn size() -> Outcome {
    site::built()?;
    site::weigh()
}

/// The page tests get the site's address, the browser and their packages by environment variables.
fn page() -> Outcome {
    on_the_page(&[], "mend the page tests that failed above")
}

/// Pictures of every state of the page, or of those whose walk or state is named, and what a meter finds in them.
pub(crate) fn gallery(words: &[String]) -> Outcome {
    let words: Vec<&str> = ["--gallery"].into_iter().chain(words.iter().map(String::as_str)).collect();
    on_the_page(&words, "mend what is listed above, and look at the pictures")
}

fn on_the_page(words: &[&str], remedy: &'static str) -> Outcome {
    site::built()?;
    let browser = Browser::ready()?;
    let modules = node::page_test_modules()?;
    Call::new("node")
        .arg("tests/page/run.mjs")
        .words(&words.join(" "))
        .in_folder(paths::root())
        .env("PLAYGROUND_URL", serve::in_background(paths::dist())?)
        .env("PLAYGROUND_DIST", paths::dist())
        .env("PLAYGROUND_NODE_MODULES", &modules)
        .env("NODE_PATH", &modules)
        .env("CHROMIUM", &browser.chromium)
        .run(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_every_step_and_an_unknown_one_is_refused() {
        assert_eq!(chosen(&[]).unwrap().len(), STEPS.len());
        let names: Vec<_> = chosen(&["page".into(), "fmt".into()]).unwrap().iter().map(|step| step.name).collect();
        assert_eq!(names, ["fmt", "page"]);
        assert!(chosen(&["pages".into()]).is_err());
    }
}
