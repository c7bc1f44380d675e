//! Node.js and the npm packages used by the build and the page tests.

use crate::paths;
use crate::shell::Call;
use crate::trouble::{Outcome, Trouble};
use std::fs;
use std::path::{Path, PathBuf};

/// What playwright-core asks for.
const OLDEST_NODE: u32 = 20;

const PAGE_TEST_PACKAGES: [(&str, &str); 2] = [("playwright-core", "1.65.1"), ("axe-core", "4.14.1")];

/// The `node_modules` folder of the page tests.
pub(crate) fn page_test_modules() -> Outcome<PathBuf> {
    ensure_node()?;
    let name: Vec<String> = PAGE_TEST_PACKAGES.iter().map(|(package, version)| format!("{package}-{version}")).collect();
    let home = paths::cache(&name.join("-"))?;
    let modules = home.join("node_modules");
    if !modules.is_dir() {
        install(&PAGE_TEST_PACKAGES, &home)?;
    }
    Ok(modules)
}

/// Brings packages into `home`, which appears only once it is complete.
pub(crate) fn install(packages: &[(&str, &str)], home: &Path) -> Outcome {
    ensure_node()?;
    let npm = paths::program("npm").ok_or_else(|| Trouble::new("npm is missing", "install it along with Node.js"))?;
    let mut partial = home.as_os_str().to_owned();
    partial.push(format!(".partial-{}", std::process::id()));
    let partial = PathBuf::from(partial);
    paths::create(&partial)?;
    let call = Call::new(npm).words("install --no-fund --no-audit --loglevel=error --prefix").arg(&partial);
    packages
        .iter()
        .fold(call, |call, (package, version)| call.arg(format!("{package}@{version}")))
        // npm looks for a manifest from here upwards.
        .in_folder(&partial)
        .run("check that the npm registry can be reached, then repeat")?;
    // Left by an older attempt; or a run beside this one was faster, and then its copy is as good.
    let _ = fs::remove_dir_all(home);
    fs::rename(&partial, home).map_err(|error| Trouble::io(format!("cannot create {}", home.display()), &error))
}

pub(crate) fn ensure_node() -> Outcome {
    let answer = Call::new("node").arg("--version").answer();
    let major = answer.as_deref().and_then(major);
    if major.is_some_and(|major| major >= OLDEST_NODE) {
        return Ok(());
    }
    let found = answer.map_or_else(|| "Node.js is missing".to_owned(), |version| format!("Node.js {version} is too old"));
    Err(Trouble::new(found, format!("install Node.js {OLDEST_NODE} or newer")))
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_node_prints() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20.20.2"), None);
    }
}
