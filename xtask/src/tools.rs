//! The command-line tools a site is built with: their versions, where to find them, how to install them.

use crate::shell::Call;
use crate::trouble::{Outcome, Trouble};
use crate::{node, paths};
use std::fs;
use std::path::PathBuf;

type Version = (u32, u32, u32);

pub(crate) struct Tool {
    name: &'static str,
    version: String,
    /// All of them come with the tool; the first is asked for its version.
    programs: &'static [&'static str],
    fits: Box<dyn Fn(Version) -> bool>,
    source: Source,
}

enum Source {
    /// `locked`: whether the crate's own Cargo.lock still resolves.
    Crate {
        locked: bool,
    },
    Npm,
}

/// Trunk 0.22 needs a newer Rust than stable 1.95 to be compiled, but is welcome where it is there.
pub(crate) fn trunk() -> Tool {
    Tool {
        name: "trunk",
        version: "0.21.14".to_owned(),
        programs: &["trunk"],
        fits: Box::new(|version| ((0, 21, 14)..(0, 23, 0)).contains(&version)),
        source: Source::Crate { locked: true },
    }
}

/// Must equal the wasm-bindgen crate that the page is compiled with. Its own lock names a crate version that is gone.
pub(crate) fn wasm_bindgen() -> Outcome<Tool> {
    let lock = paths::root().join("Cargo.lock");
    let text = fs::read_to_string(&lock).map_err(|error| Trouble::io("cannot read Cargo.lock", &error))?;
    let version =
        locked_version(&text, "wasm-bindgen").ok_or_else(|| Trouble::new("Cargo.lock has no wasm-bindgen", "restore it from git"))?;
    Ok(Tool {
        name: "wasm-bindgen-cli",
        programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
        fits: exactly(parse(&version)),
        version,
        source: Source::Crate { locked: false },
    })
}

/// Home of wasm-opt.
pub(crate) fn binaryen() -> Tool {
    Tool { name: "binaryen", version: "132.0.0".to_owned(), programs: &["wasm-opt"], fits: exactly(Some((132, 0, 0))), source: Source::Npm }
}

impl Tool {
    /// The folder to put on PATH; nothing when the tool is there already.
    pub(crate) fn ready(&self) -> Outcome<Option<PathBuf>> {
        if self.on_path() {
            return Ok(None);
        }
        let home = paths::cache(&format!("{}-{}", self.name, self.version))?;
        let folder = match self.source {
            Source::Crate { .. } => home.join("bin"),
            Source::Npm => home.join("node_modules/.bin"),
        };
        if !self.programs.iter().all(|program| paths::program_in(&folder, program).is_some()) {
            self.install(&home)?;
        }
        Ok(Some(folder))
    }

    fn on_path(&self) -> bool {
        let version = || Call::new(self.programs[0]).arg("--version").answer().and_then(|answer| parse(&answer));
        self.programs.iter().all(|program| paths::program(program).is_some()) && version().is_some_and(&self.fits)
    }

    fn install(&self, home: &std::path::Path) -> Outcome {
        let Self { name, version, .. } = self;
        match self.source {
            Source::Npm => node::install(&[(name, version.as_str())], home),
            Source::Crate { locked } => {
                println!("Building {name} {version}, once (a few minutes).");
                let install = Call::new("cargo").words(&format!("install {name} --version {version} --root")).arg(home);
                let install = if locked { install.arg("--locked") } else { install };
                // In the user's build folder it would only leave waste; without one cargo builds in a temporary folder.
                hurried(install.without_env("CARGO_TARGET_DIR"))
                    .run(&format!("check that crates can be downloaded, or install {name} {version} yourself"))
            }
        }
    }
}

/// These tools work for seconds but compile for minutes: trade some of their speed for a much shorter build.
fn hurried(install: Call) -> Call {
    let settings = [("OPT_LEVEL", "1"), ("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0"), ("STRIP", "true")];
    settings.iter().fold(install, |call, (name, value)| call.env(&format!("CARGO_PROFILE_RELEASE_{name}"), value))
}

fn exactly(wanted: Option<Version>) -> Box<dyn Fn(Version) -> bool> {
    Box::new(move |version| Some(version) == wanted)
}

/// The first word that looks like a version: `trunk 0.21.14`, `wasm-opt version 132 (version_132)`.
fn parse(text: &str) -> Option<Version> {
    text.split_whitespace().find_map(|word| {
        let mut parts = word.split('.').map(|part| part.parse::<u32>().ok());
        let major = parts.next()??;
        let mut next = || parts.next().unwrap_or(Some(0));
        Some((major, next()?, next()?))
    })
}

fn locked_version(lock: &str, package: &str) -> Option<String> {
    let heading = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != heading).skip(1);
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_tools_print() {
        assert_eq!(parse("trunk 0.21.14"), Some((0, 21, 14)));
        assert_eq!(parse("wasm-opt version 132 (version_132)"), Some((132, 0, 0)));
        assert_eq!(parse("trunk 0.22.0-beta.1"), None);
        assert_eq!(parse("no version"), None);
    }

    #[test]
    fn trunk_is_taken_from_path_only_in_the_tested_range() {
        let fits = trunk().fits;
        assert!(fits((0, 21, 14)) && fits((0, 22, 1)));
        assert!(!fits((0, 21, 13)) && !fits((0, 23, 0)));
    }

    #[test]
    fn a_locked_version_is_that_of_the_very_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-shared\"\nversion = \"9.9.9\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(locked_version(lock, "absent"), None);
    }

    #[test]
    fn trunk_asks_for_the_tools_that_are_installed() {
        let settings = fs::read_to_string(paths::root().join("Trunk.toml")).unwrap();
        let bindgen = wasm_bindgen().unwrap().version;
        assert!(settings.contains(&format!("wasm_bindgen = \"{bindgen}\"")));
        assert!(settings.contains("wasm_opt = \"version_132\""));
        assert!(settings.contains(&format!("trunk-version = \">={}", trunk().version)));
    }
}
