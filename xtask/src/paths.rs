//! Where things lie: the checkout, its build folders, the user's cache, programs on PATH.

use crate::trouble::{Outcome, Trouble};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The checkout this xtask was compiled from.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// A build folder of its own for wasm, so that two compilers (where there are two) do not evict each other's work.
pub(crate) fn wasm_target() -> PathBuf {
    target().join("wasm")
}

pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The one place outside the checkout that xtask writes to without asking the package manager.
pub(crate) fn cache(entry: &str) -> Outcome<PathBuf> {
    let xdg = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::var_os("HOME").or_else(|| env::var_os("USERPROFILE")).map(|home| PathBuf::from(home).join(".cache"));
    let base = xdg.or_else(home).ok_or_else(|| Trouble::new("no cache folder is known", "set HOME or XDG_CACHE_HOME"))?;
    Ok(base.join("kafka-playground").join(entry))
}

pub(crate) fn create(folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder).map_err(|error| Trouble::io(format!("cannot create {}", folder.display()), &error))
}

/// The first program of this name on PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).find_map(|folder| program_in(&folder, name))
}

pub(crate) fn program_in(folder: &Path, name: &str) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    endings.iter().map(|ending| folder.join(format!("{name}{ending}"))).find(|path| path.is_file())
}

/// PATH with these folders before everything else.
pub(crate) fn path_with(folders: &[PathBuf]) -> Outcome<OsString> {
    let current = env::var_os("PATH").unwrap_or_default();
    env::join_paths(folders.iter().cloned().chain(env::split_paths(&current)))
        .map_err(|error| Trouble::new(format!("cannot extend PATH: {error}"), "use a cache folder without a colon in its name"))
}
