//! `cargo xtask bench`: the engine native and as wasm, beside a plain JavaScript simulation; the site's weight; how soon it is seen,
//! beside a bare Yew page; a large cluster on it, beside an empty page; and its memory over ten minutes.

use crate::browser::Browser;
use crate::shell::Call;
use crate::site::Kit;
use crate::trouble::Outcome;
use crate::{node, paths, serve, site};

pub(crate) fn bench() -> Outcome {
    let kit = Kit::ready()?;
    let cargo = Call::new("cargo").in_folder(paths::root());
    cargo
        .words("build --locked --release -p playground_tests --bin bench --bin rebalance --bin playground")
        .run("mend what is reported above")?;
    let built = |name: &str| paths::target().join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let native = built("bench");
    Call::new(built("rebalance")).run("build it again")?;
    // The script compiles the engine for wasm itself, with these tools and this folder, and runs both in turn.
    let measured = kit.call("node").arg("tests/bench/run.mjs").arg("--native").arg(native).run("see which goals were missed above");
    kit.build()?;
    let weighed = site::weigh();
    let bare = paths::wasm_target().join("bare-dist");
    let least = kit.trunk().in_folder(&paths::root().join("tests/bench/bare")).words("build --release --dist").arg(&bare);
    least.run("mend what the compiler reports above")?;
    let (site, bare) = (serve::in_background(paths::dist())?, serve::in_background(bare)?);
    let (modules, browser) = (node::page_test_modules()?, Browser::ready()?);
    let in_browser = |script: &str, remedy: &str| {
        Call::new("node")
            .arg(format!("tests/bench/{script}.mjs"))
            .in_folder(paths::root())
            .env("PLAYGROUND", built("playground"))
            .env("PLAYGROUND_URL", &site)
            .env("BARE_URL", &bare)
            .env("PLAYGROUND_NODE_MODULES", &modules)
            .env("CHROMIUM", &browser.chromium)
            .run(remedy)
    };
    let painted = in_browser("paint", "see which page was painted late");
    let shown = in_browser("page", "see which of the page's goals were missed above");
    println!("Ten minutes at 10,000 times real time:");
    let kept = in_browser("memory", "see what grew above");
    measured.and(weighed).and(painted).and(shown).and(kept)
}
