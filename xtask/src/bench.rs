//! `cargo xtask bench`: the engine native and as wasm, beside a plain JavaScript simulation, and the site's weight.

use crate::shell::Call;
use crate::site::Kit;
use crate::trouble::Outcome;
use crate::{paths, site};

pub(crate) fn bench() -> Outcome {
    let kit = Kit::ready()?;
    let cargo = Call::new("cargo").in_folder(paths::root());
    cargo.words("build --locked --release -p playground_tests --bin bench --bin rebalance").run("mend what is reported above")?;
    let built = |name: &str| paths::target().join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let native = built("bench");
    Call::new(built("rebalance")).run("build it again")?;
    // The script compiles the engine for wasm itself, with these tools and this folder, and runs both in turn.
    let measured = kit.call("node").arg("tests/bench/run.mjs").arg("--native").arg(native).run("see which goals were missed above");
    kit.build()?;
    let weighed = site::weigh();
    measured.and(weighed)
}
