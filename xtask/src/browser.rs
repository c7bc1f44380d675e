//! Chrome or Chromium with its driver.
//!
//! CHROMIUM and CHROMEDRIVER name them outright; else what is on PATH is used; else Debian's packages are installed.

use crate::shell::Call;
use crate::trouble::{Outcome, Trouble};
use crate::{debian, paths};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

const BROWSERS: [&str; 6] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "chrome-browser"];
const DRIVERS: [&str; 2] = ["chromedriver", "chromium.chromedriver"];
const MAC_BROWSERS: [&str; 2] =
    ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"];
const REMEDY: &str = "install Chrome or Chromium and the chromedriver of the same version, on PATH or named by CHROMIUM and CHROMEDRIVER";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) driver: PathBuf,
}

impl Browser {
    pub(crate) fn ready() -> Outcome<Self> {
        let browser = match Self::find()? {
            Some(found) => found,
            None => Self::install()?,
        };
        browser.check()?;
        Ok(browser)
    }

    fn find() -> Outcome<Option<Self>> {
        let chromium = named("CHROMIUM")?.or_else(|| on_path(&BROWSERS)).or_else(on_mac);
        let driver = named("CHROMEDRIVER")?.or_else(|| on_path(&DRIVERS));
        Ok(chromium.zip(driver).map(|(chromium, driver)| Self { chromium, driver }))
    }

    /// Debian's two packages come in one version; beside a Chrome without a driver they are a pair of their own.
    fn install() -> Outcome<Self> {
        if !debian::available() {
            return Err(Trouble::new("no browser with its driver was found, so the browser tests cannot run", REMEDY));
        }
        debian::install(&["chromium", "chromium-driver"], "a browser to test in")?;
        let pair = Self { chromium: "/usr/bin/chromium".into(), driver: "/usr/bin/chromedriver".into() };
        if pair.chromium.is_file() && pair.driver.is_file() {
            return Ok(pair);
        }
        Err(Trouble::new("Debian's packages brought no /usr/bin/chromium and /usr/bin/chromedriver", REMEDY))
    }

    /// A driver of another version fails late and obscurely.
    fn check(&self) -> Outcome {
        let (browser, driver) = (version(&self.chromium)?, version(&self.driver)?);
        if browser == driver {
            return Ok(());
        }
        let (chromium, chromedriver) = (self.chromium.display(), self.driver.display());
        Err(Trouble::new(format!("{chromium} has version {browser}, but {chromedriver} is for {driver}"), REMEDY))
    }

    /// The packages' own `webdriver.json` with this browser named in it: the driver would start whichever it finds first.
    pub(crate) fn write_capabilities(&self) -> Outcome<PathBuf> {
        let source = paths::root().join("web/webdriver.json");
        let text = fs::read_to_string(&source).map_err(|error| Trouble::io("cannot read web/webdriver.json", &error))?;
        let goal = paths::wasm_target().join("webdriver.json");
        paths::create(&paths::wasm_target())?;
        fs::write(&goal, naming(&text, &self.chromium)).map_err(|error| Trouble::io(format!("cannot write {}", goal.display()), &error))?;
        Ok(goal)
    }
}

/// An environment variable that is set must be right: quietly using another browser would be worse than failing.
fn named(variable: &str) -> Outcome<Option<PathBuf>> {
    match env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from) {
        Some(path) if !path.is_file() => {
            Err(Trouble::new(format!("{variable} names {}, which is no file", path.display()), format!("correct {variable} or unset it")))
        }
        found => Ok(found),
    }
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| paths::program(name))
}

fn on_mac() -> Option<PathBuf> {
    MAC_BROWSERS.iter().map(PathBuf::from).find(|path| path.is_file())
}

/// The major version, which is what browser and driver must share.
fn version(program: &Path) -> Outcome<u32> {
    let answer = Call::new(program).arg("--version").answer();
    let major = answer.as_deref().and_then(major);
    major.ok_or_else(|| Trouble::new(format!("{} does not tell its version", program.display()), REMEDY))
}

fn major(text: &str) -> Option<u32> {
    text.split_whitespace().find_map(|word| word.split_once('.')?.0.parse().ok())
}

fn naming(capabilities: &str, browser: &Path) -> String {
    let opening = "\"goog:chromeOptions\": {";
    let path = browser.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
    capabilities.replacen(opening, &format!("{opening}\n    \"binary\": \"{path}\","), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_versions_are_read_from_what_browsers_print() {
        assert_eq!(major("Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)"), Some(156));
        assert_eq!(major("ChromeDriver 156.0.8078.79 (a21ce95c24ce)"), Some(156));
        assert_eq!(major("Google Chrome"), None);
    }

    #[test]
    fn capabilities_name_the_browser() {
        let text = fs::read_to_string(paths::root().join("web/webdriver.json")).unwrap();
        let named = naming(&text, Path::new("/opt/a \"b\"/chrome"));
        assert!(named.contains(r#""binary": "/opt/a \"b\"/chrome","#));
    }

    #[test]
    fn both_packages_with_browser_tests_start_the_browser_alike() {
        let read = |folder: &str| fs::read_to_string(paths::root().join(folder).join("webdriver.json")).unwrap();
        assert_eq!(read("web"), read("tests"));
    }
}
