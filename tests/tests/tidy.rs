//! What a reader may rely on everywhere: who may use whom, a header on each module, no clocks or chance in the engine, colours
//! by meaning only, and nothing left lying about.

use std::fs;
use std::path::{Path, PathBuf};

/// Layers of `core`, lowest first; a module uses its own layer and those before it. Of `scenario`, the plain types are vocabulary;
/// what reads and writes them is language.
const LAYERS: [(&str, &[&str]); 8] = [
    ("ground", &["time", "rng", "ids", "error", "crc", "hash", "nearest", "sorted", "planted", "wire", "config", "translation"]),
    ("vocabulary", &["record", "trace", "command", "scenario"]),
    ("storage", &["log"]),
    ("messages", &["metadata", "protocol", "node"]),
    ("participants", &["controller", "quorum", "group", "broker", "client", "network", "zookeeper"]),
    ("world", &["cluster"]),
    ("boundary", &["view"]),
    ("language", &["shell", "scenario::", "report", "session", "why"]),
];

/// Participants meet through messages alone. The exceptions are Kafka's own: a broker hosts a coordinator, a client runs an assignor,
/// the leader of the quorum is the controller, or leads an ensemble in which one of the brokers becomes it.
const NEIGHBOURS: [(&str, &str); 5] =
    [("broker", "group"), ("client", "group"), ("quorum", "controller"), ("quorum", "zookeeper"), ("broker", "controller")];

/// Uses against the order that are known and stay until somebody mends them; a line that is mended must go.
const KNOWN: [(&str, &str); 4] =
    [("cluster.rs", "view"), ("cluster/inspect.rs", "view"), ("cluster/hops.rs", "view"), ("cluster/judging.rs", "view")];

/// Sheets and code that still name colours themselves; nobody may join them.
const NAMING_COLOURS: [&str; 3] = ["web/src/app/stage/flow.rs", "web/styles/base.css", "web/styles/groups.css"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Files below `folder` with one of these endings, as paths from the root, sorted.
fn files(folder: &str, endings: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(path) = open.pop() {
        let Ok(entries) = fs::read_dir(&path) else { continue };
        for entry in entries.map(|entry| entry.expect("an entry").path()) {
            let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
            if entry.is_dir() && !["target", "dist", "node_modules"].contains(&name.as_str()) && !name.starts_with('.') {
                open.push(entry);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(entry.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The code of a file without its unit tests, its comments and what follows them on a line.
fn code(path: &str) -> Vec<(usize, String)> {
    let text = text(path);
    let lines = text.lines().enumerate().take_while(|(_, line)| !line.contains("#[cfg(test)]"));
    lines.map(|(i, line)| (i + 1, line.split("//").next().unwrap_or("").to_owned())).collect()
}

/// `scenario::` for what lies in the module's folder, `scenario` for its own file.
fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, modules)| modules.contains(&module))
}

/// The module a path such as `crate::scenario::expect::judge` belongs to.
fn module_of(path: &str) -> String {
    let mut words = path.split("::");
    let first = words.next().unwrap_or("");
    let inner = words.next().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    if first == "scenario" && inner { "scenario::".to_owned() } else { first.to_owned() }
}

fn module_of_file(file: &str) -> String {
    let inner = file.strip_prefix("core/src/").expect("a file of core");
    match inner.split_once('/') {
        Some(("scenario", _)) => "scenario::".to_owned(),
        Some((module, _)) => module.to_owned(),
        None => inner.trim_end_matches(".rs").to_owned(),
    }
}

/// Paths after `crate::` in a line, as far as they are words.
fn uses(line: &str) -> Vec<String> {
    let tails = line.split("crate::").skip(1);
    tails.map(|tail| tail.chars().take_while(|c| c.is_ascii_alphanumeric() || "_:".contains(*c)).collect()).collect()
}

/// The library's sorts weigh kilobytes for each type; `sorted` has one that does not.
#[test]
fn the_engine_sorts_by_its_own_means() {
    let sorts =
        |file: &String| code(file).into_iter().filter(|(_, line)| line.contains(".sort")).map(|(n, _)| format!("{file}:{n}")).collect();
    let found: Vec<String> =
        files("core/src", &[".rs"]).iter().filter(|file| !file.ends_with("/tests.rs")).flat_map::<Vec<String>, _>(sorts).collect();
    assert!(found.is_empty(), "use sorted::settle: {found:?}");
}

#[test]
fn every_module_uses_its_own_layer_and_those_below() {
    let mut found = Vec::new();
    let mut known = Vec::new();
    for file in files("core/src", &[".rs"]).iter().filter(|file| *file != "core/src/lib.rs" && !file.ends_with("/tests.rs")) {
        let me = module_of_file(file);
        let mine = layer(&me).unwrap_or_else(|| panic!("{file}: say in which layer `{me}` lies"));
        for (number, line) in code(file) {
            for path in uses(&line) {
                let other = module_of(&path);
                let Some(theirs) = layer(&other) else { continue };
                let neighbours = LAYERS[mine].0 == "participants" && other != me && theirs == mine;
                let allowed = theirs < mine || me == other || (theirs == mine && !neighbours) || NEIGHBOURS.contains(&(&me, &other));
                let short = file.trim_start_matches("core/src/");
                if KNOWN.contains(&(short, &other)) {
                    known.push((short.to_owned(), other));
                } else if !allowed {
                    found.push(format!("{file}:{number}: {} `{me}` uses `{path}` ({})", LAYERS[mine].0, LAYERS[theirs].0));
                }
            }
        }
    }
    assert!(found.is_empty(), "against the order of layers:\n{}", found.join("\n"));
    for (file, other) in KNOWN {
        assert!(known.iter().any(|known| known.0 == file && known.1 == other), "{file} no longer uses {other}: strike it from KNOWN");
    }
}

#[test]
fn every_module_begins_by_saying_what_it_is() {
    let found: Vec<String> = ["core/src", "web/src", "tests", "xtask/src"]
        .iter()
        .flat_map(|folder| files(folder, &[".rs"]))
        .filter(|file| !text(file).starts_with("//!"))
        .collect();
    assert!(found.is_empty(), "begin each of these with a `//!` line: {found:?}");
}

#[test]
fn the_engine_has_no_clock_no_chance_of_its_own_and_no_unordered_maps() {
    let forbidden = ["HashMap", "HashSet", "Instant", "SystemTime", "std::thread", "std::fs", "std::env", "rand::", "unsafe "];
    refuse("core/src", &[".rs"], &forbidden);
}

#[test]
fn nothing_is_left_lying_about() {
    let leftovers = ["todo!", "unimplemented!", "dbg!", "FIXME", "TODO", "XXX"];
    for folder in ["core/src", "web/src", "xtask/src", "tests/src"] {
        refuse(folder, &[".rs"], &leftovers);
    }
}

/// Fails with each line of code in `folder` that holds one of `words`.
#[track_caller]
fn refuse(folder: &str, endings: &[&str], words: &[&str]) {
    let mut found = Vec::new();
    for file in files(folder, endings) {
        for (number, line) in code(&file) {
            found.extend(words.iter().filter(|word| holds_word(&line, word)).map(|word| format!("{file}:{number}: {word}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The word stands there and is not the end of a longer one.
fn holds_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

#[test]
fn colours_are_named_in_one_place() {
    let mut found = Vec::new();
    let sheets = files("web", &[".css", ".rs", ".js", ".html"]).into_iter().chain(["index.html".to_owned()]);
    let excused = |file: &str| file == "web/styles/tokens.css" || NAMING_COLOURS.contains(&file);
    for file in sheets.filter(|file| !excused(file) && root().join(file).exists()) {
        let numbered = text(&file).lines().enumerate().map(|(i, line)| (i + 1, line.to_owned())).collect::<Vec<_>>();
        found.extend(
            numbered.iter().filter(|(_, line)| names_a_colour(line)).map(|(number, line)| format!("{file}:{number}: {}", line.trim())),
        );
    }
    assert!(found.is_empty(), "give these a meaning in web/styles/tokens.css:\n{}", found.join("\n"));
}

/// `#1a2b3c`, `#fff` or `rgb(…)`, `hsl(…)`, `oklch(…)`; a link such as `#k1.…` is none.
fn names_a_colour(line: &str) -> bool {
    let hex = line.match_indices('#').any(|(at, _)| {
        let word: String = line[at + 1..].chars().take_while(char::is_ascii_alphanumeric).collect();
        [3, 4, 6, 8].contains(&word.len()) && word.chars().all(|c| c.is_ascii_hexdigit())
    });
    hex || ["rgb(", "rgba(", "hsl(", "hsla(", "oklch(", "lab("].iter().any(|function| holds_word(line, function))
}

#[test]
fn no_file_names_a_machine() {
    let own = "tests/tests/tidy.rs";
    // Spelled in two parts, so that this list does not name them itself.
    let homes = [["/ho", "me/"], ["/Us", "ers/"], ["/wo", "rk/"], ["/tm", "p/"], ["C:", "\\"]].map(|parts| parts.concat());
    let mut found = Vec::new();
    for folder in ["core", "web", "tests", "xtask"] {
        for file in files(folder, &[".rs", ".toml", ".css", ".js", ".mjs", ".html", ".md"]).into_iter().filter(|file| file != own) {
            for (i, line) in text(&file).lines().enumerate() {
                found.extend(homes.iter().filter(|home| line.contains(home.as_str())).map(|home| format!("{file}:{}: {home}", i + 1)));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
