//! The site: trunk and its tools, the release build into `dist/`, its weight.

use crate::browser::Browser;
use crate::shell::Call;
use crate::toolchain::WasmToolchain;
use crate::trouble::{Outcome, Trouble};
use crate::{node, paths, tools};
use std::ffi::OsString;

/// Brotli bytes of everything in `dist/`.
const BUDGET_KB: u32 = 350;
const WEIGH: &str = include_str!("weigh.mjs");

/// All it takes to compile for the web.
pub(crate) struct Kit {
    toolchain: WasmToolchain,
    path: OsString,
}

impl Kit {
    pub(crate) fn ready() -> Outcome<Self> {
        node::ensure_node()?;
        let toolchain = WasmToolchain::ready()?;
        let mut folders = toolchain.folders();
        for tool in [tools::binaryen(), tools::wasm_bindgen()?, tools::trunk()] {
            folders.extend(tool.ready()?);
        }
        Ok(Self { toolchain, path: paths::path_with(&folders)? })
    }

    pub(crate) fn toolchain(&self) -> WasmToolchain {
        self.toolchain
    }

    /// Any call that compiles for the web, from the checkout's root.
    pub(crate) fn call(&self, program: &str) -> Call {
        let call = Call::new(program).in_folder(paths::root()).env("PATH", &self.path).env("CARGO_TARGET_DIR", paths::wasm_target());
        self.toolchain.choose(call)
    }

    /// trunk takes the usual `NO_COLOR=1` for a bad value of its own option.
    pub(crate) fn trunk(&self) -> Call {
        self.call("trunk").without_env("NO_COLOR")
    }

    pub(crate) fn build(&self) -> Outcome {
        self.trunk().words("build --release").run("mend what the compiler reports above")
    }
}

pub(crate) fn build_and_weigh() -> Outcome {
    Kit::ready()?.build()?;
    weigh()
}

/// Learns what can wait: builds the site, watches a run of it and writes down what it did not call.
pub(crate) fn watched() -> Outcome {
    let kit = Kit::ready()?;
    kit.build()?;
    kit.call("node")
        .arg("xtask/src/watched.mjs")
        .env("PLAYGROUND_DIST", paths::dist())
        .env("PLAYGROUND_NODE_MODULES", node::page_test_modules()?)
        .env("CHROMIUM", Browser::ready()?.chromium)
        .run("see why the page did not move")
}

/// Lists the site's files with their sizes, and fails above the budget.
pub(crate) fn weigh() -> Outcome {
    let weigh = Call::new("node").words("--input-type=module --eval").arg(WEIGH).arg(paths::dist()).arg(BUDGET_KB.to_string());
    weigh.run(&format!("bring the site below {BUDGET_KB} KB"))
}

/// The site must have been built for what comes next.
pub(crate) fn built() -> Outcome {
    if paths::dist().join("index.html").is_file() {
        return Ok(());
    }
    Err(Trouble::new("there is no dist/index.html", "run `cargo xtask build` first"))
}
