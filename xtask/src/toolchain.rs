//! A Rust compiler that can build for wasm.
//!
//! The machine's own, if it has the target or rustup can add it. Else Debian's web toolchain, for which the standard
//! library is compiled once: Debian ships its source only. Compiler and sources must be of one version, so rustup's
//! compiler cannot take Debian's sources.

use crate::shell::Call;
use crate::trouble::{Outcome, Trouble};
use crate::{debian, paths};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

const TARGET: &str = "wasm32-unknown-unknown";
/// The name under which rustup knows Debian's compiler.
const LINKED: &str = "kafka-playground-web";
const PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "rust-web-clippy"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WasmToolchain {
    /// What plain `cargo` uses.
    Own,
    /// Debian's, through rustup.
    Linked,
    /// Debian's, where there is no rustup.
    System,
}

impl WasmToolchain {
    pub(crate) fn ready() -> Outcome<Self> {
        let debians = if has_rustup() { Self::Linked } else { Self::System };
        if let Some(found) = [Self::Own, debians].into_iter().find(|toolchain| toolchain.builds_wasm()) {
            return Ok(found);
        }
        if Self::add_target() {
            return Ok(Self::Own);
        }
        if !debian::available() {
            return Err(Trouble::new(
                format!("the Rust compiler has no standard library for {TARGET}"),
                format!("run `rustup target add {TARGET}` where rustup's server can be reached"),
            ));
        }
        debians.install()?;
        Ok(debians)
    }

    /// Makes a call, and whatever it calls, use this compiler.
    pub(crate) fn choose(self, call: Call) -> Call {
        match self {
            Self::Own => call,
            // `cargo run` points the library path at its own compiler.
            Self::Linked => call.env("RUSTUP_TOOLCHAIN", LINKED).without_env("LD_LIBRARY_PATH"),
            Self::System => call.without_env("LD_LIBRARY_PATH"),
        }
    }

    /// Folders that must come first on PATH.
    pub(crate) fn folders(self) -> Vec<PathBuf> {
        if self == Self::System { vec![PathBuf::from("/usr/bin")] } else { Vec::new() }
    }

    fn call(self, program: &str) -> Call {
        let call = match self {
            Self::System => Call::new(Path::new("/usr/bin").join(program)).env("RUSTC", "/usr/bin/rustc"),
            Self::Own | Self::Linked => Call::new(program),
        };
        self.choose(call)
    }

    /// Compiles and links a test, which needs the whole of std; a folder full of files would prove less.
    fn builds_wasm(self) -> bool {
        let folder = paths::target().join("wasm-probe");
        let source = folder.join("probe.rs");
        if fs::create_dir_all(&folder).is_err() || fs::write(&source, "#[test]\nfn links() {}\n").is_err() {
            return false;
        }
        let probe = self.call("rustc").words("--edition 2024 --test --target").arg(TARGET);
        probe.arg("--out-dir").arg(&folder).arg(&source).succeeds()
    }

    /// The ordinary way.
    fn add_target() -> bool {
        if !has_rustup() {
            return false;
        }
        match Call::new("rustup").words("target add").arg(TARGET).run("trying Debian's packages instead") {
            Ok(()) => Self::Own.builds_wasm(),
            Err(trouble) => {
                println!("{trouble}");
                false
            }
        }
    }

    fn install(self) -> Outcome {
        debian::install(&PACKAGES, "a Rust compiler for wasm")?;
        debian::install(&[&linker()?], "the linker for wasm")?;
        if self == Self::Linked {
            let remedy = format!("run `rustup toolchain link {LINKED} /usr` yourself to see why");
            Call::new("rustup").words("toolchain link").arg(LINKED).arg("/usr").run(&remedy)?;
        }
        if !self.builds_wasm() {
            self.build_std()?;
        }
        if self.builds_wasm() {
            return Ok(());
        }
        Err(Trouble::new(
            "Debian's Rust compiler still cannot build for wasm",
            format!("try `rustc +{LINKED} --target {TARGET}` on a small file to see why"),
        ))
    }

    /// Compiles std once, as a by-product of an empty crate, and puts it where the compiler looks for it.
    fn build_std(self) -> Outcome {
        println!("Building Rust's standard library for wasm, once (one to three minutes).");
        let folder = paths::cache("wasm-std")?;
        write_empty_crate(&folder)?;
        let build = self.call("cargo").words("build --release -Zbuild-std=std,panic_abort,test --target").arg(TARGET);
        build
            .in_folder(&folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("RUSTC_BOOTSTRAP", "1")
            // Without bitcode no release build could link with LTO.
            .env("RUSTFLAGS", "-Cembed-bitcode=yes")
            .run("check that crates can be downloaded, then repeat")?;
        let home = self.library_folder()?;
        place_libraries(&folder.join("target").join(TARGET).join("release/deps"), &home)?;
        fs::remove_dir_all(&folder).map_err(|error| Trouble::io(format!("cannot remove {}", folder.display()), &error))
    }

    fn library_folder(self) -> Outcome<PathBuf> {
        let answer = self.call("rustc").words("--print target-libdir --target").arg(TARGET).answer();
        answer.map(PathBuf::from).ok_or_else(|| Trouble::new("rustc does not say where its libraries lie", "reinstall rustc-web"))
    }
}

impl fmt::Display for WasmToolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "the usual one",
            Self::Linked => "Debian's rustc-web, through rustup",
            Self::System => "Debian's rustc-web",
        })
    }
}

/// `cargo fmt` and `cargo clippy` are parts that a minimal Rust lacks.
pub(crate) fn ensure_component(component: &str, verb: &str) -> Outcome {
    if Call::new("cargo").arg(verb).arg("--version").succeeds() {
        return Ok(());
    }
    let remedy = format!("install Rust's {component}");
    if has_rustup() {
        return Call::new("rustup").words("component add").arg(component).run(&remedy);
    }
    Err(Trouble::new(format!("`cargo {verb}` is missing"), remedy))
}

fn has_rustup() -> bool {
    paths::program("rustup").is_some()
}

/// Debian's compiler calls `rust-lld`, a link to the lld of the LLVM it was built with: its name is the package's.
fn linker() -> Outcome<String> {
    let link = fs::read_link("/usr/bin/rust-lld").map_err(|error| Trouble::io("cannot read /usr/bin/rust-lld", &error))?;
    let name = link.file_name().map(|name| name.to_string_lossy().into_owned());
    name.ok_or_else(|| Trouble::new("/usr/bin/rust-lld points nowhere", "reinstall rust-web-llvm"))
}

fn write_empty_crate(folder: &Path) -> Outcome {
    paths::create(&folder.join("src"))?;
    let manifest = "[package]\nname = \"nothing\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    for (name, text) in [("Cargo.toml", manifest), ("src/lib.rs", "")] {
        fs::write(folder.join(name), text).map_err(|error| Trouble::io(format!("cannot write {name}"), &error))?;
    }
    Ok(())
}

/// Replaces what an older compiler's std may have left there.
fn place_libraries(built: &Path, home: &Path) -> Outcome {
    let libraries = libraries(built)?.into_iter().filter(|path| !is_library(path, "libnothing-"));
    let remedy = format!("copy {}/lib*.rlib into {}", built.display(), home.display());
    debian::privileged("mkdir").arg("-p").arg(home).run(&remedy)?;
    let stale = libraries_of(home);
    if !stale.is_empty() {
        stale.iter().fold(debian::privileged("rm").arg("-f"), Call::arg).run(&remedy)?;
    }
    libraries.fold(debian::privileged("cp").arg("-t").arg(home), Call::arg).run(&remedy)
}

fn libraries_of(folder: &Path) -> Vec<PathBuf> {
    libraries(folder).unwrap_or_default()
}

fn libraries(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| Trouble::io(format!("cannot read {}", folder.display()), &error))?;
    Ok(entries.flatten().map(|entry| entry.path()).filter(|path| is_library(path, "lib")).collect())
}

fn is_library(path: &Path, start: &str) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.starts_with(start) && name.ends_with(".rlib")
}
