//! `cargo xtask bench`: the engine native and as wasm, beside a plain JavaScript simulation, and the site's weight.

use crate::shell::Call;
use crate::site::Kit;
use crate::trouble::Outcome;
use crate::{paths, site};

pub(crate) fn bench() -> Outcome {
    let kit = Kit::ready()?;
    let native = Call::new("cargo").in_folder(paths::root());
    native.words("run --locked --release -p playground_tests --bin bench").run("mend what is reported above")?;
    // The script compiles the engine for wasm itself, with these tools and this folder.
    kit.call("node").arg("tests/bench/run.mjs").run("mend what is reported above")?;
    kit.build()?;
    site::weigh()
}
