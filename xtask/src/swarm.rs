//! `cargo xtask swarm`: thousands of random runs in a release build, every must-hold invariant after every event; then the engine as
//! a model, searched as far as minutes allow.

use crate::paths;
use crate::shell::Call;
use crate::trouble::Outcome;

/// `--mutants`: instead, each planted bug must be found. `--models`: the models alone.
pub(crate) fn swarm(options: &[String]) -> Outcome {
    if options == ["--models"] {
        return models();
    }
    let whole = options.is_empty();
    let (mutants, options): (Vec<&String>, Vec<&String>) = options.iter().partition(|option| *option == "--mutants");
    let cargo = Call::new("cargo").in_folder(paths::root()).words("run --locked --release -p playground_tests");
    let cargo = match mutants.is_empty() {
        true => cargo.words("--bin swarm --"),
        false => cargo.words("--features planted --bin mutants --"),
    };
    options.into_iter().fold(cargo, |call, option| call.arg(option)).run("mend what broke; each seed above says how to see it again")?;
    if whole { models() } else { Ok(()) }
}

fn models() -> Outcome {
    let cargo = Call::new("cargo").in_folder(paths::root()).words("test --locked --release -p playground_tests --test models --");
    cargo.words("--include-ignored --nocapture --test-threads 1").run("mend what broke; the steps above lead there")
}
