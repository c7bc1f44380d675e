//! `cargo xtask swarm`: thousands of random runs in a release build, every must-hold invariant after every event.

use crate::paths;
use crate::shell::Call;
use crate::trouble::Outcome;

/// `--mutants`: instead, each planted bug must be found.
pub(crate) fn swarm(options: &[String]) -> Outcome {
    let (mutants, options): (Vec<&String>, Vec<&String>) = options.iter().partition(|option| *option == "--mutants");
    let cargo = Call::new("cargo").in_folder(paths::root()).words("run --locked --release -p playground_tests");
    let cargo = match mutants.is_empty() {
        true => cargo.words("--bin swarm --"),
        false => cargo.words("--features planted --bin mutants --"),
    };
    options.into_iter().fold(cargo, |call, option| call.arg(option)).run("mend what broke; each seed above says how to see it again")
}
