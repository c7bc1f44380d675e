//! `cargo xtask swarm`: thousands of random runs in a release build, every must-hold invariant after every event.

use crate::paths;
use crate::shell::Call;
use crate::trouble::Outcome;

pub(crate) fn swarm(options: &[String]) -> Outcome {
    let cargo = Call::new("cargo").in_folder(paths::root()).words("run --locked --release -p playground_tests --bin swarm --");
    options.iter().fold(cargo, |call, option| call.arg(option)).run("mend what broke; each seed above says how to see it again")
}
