//! Same file, same seed, same run: twice, from a copy, in slices, with the user's hand or the timeline's, and as last released.

use playground_core::cluster::Cluster;
use playground_core::report::{EventFilter, report};
use playground_core::rng::{Seed, SimRng};
use playground_core::scenario::{BUILTINS, Scenario};
use playground_core::time::SimTime;
use playground_core::view::ClusterView;
use playground_tests::story::{Told, moment};
use std::fs;
use std::path::{Path, PathBuf};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn crash() -> Scenario {
    Scenario::parse(include_str!("../scenarios/kill_102.toml")).expect("valid")
}

fn bytes(cluster: &Cluster) -> String {
    let digest = format!("{:016x}", cluster.digest());
    report(&ClusterView::of(cluster), cluster.events(), &digest, EventFilter::All)
}

fn run(scenario: &Scenario, until: &str) -> Cluster {
    Told::of(scenario).until(until).cluster
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (one, two) = (run(&crash(), "150s"), run(&crash(), "150s"));
    assert_eq!(one.digest(), two.digest());
    assert_eq!(bytes(&one), bytes(&two));
}

#[test]
fn another_seed_gives_another_run() {
    let other = Scenario { seed: 8, ..crash() };
    assert_ne!(run(&crash(), "10s").digest(), run(&other, "10s").digest());
}

#[test]
fn a_copy_goes_on_as_the_original_does() {
    let straight = run(&crash(), "150s");
    for at in ["1ms", "3s", "60s", "65s", "70s", "121s"] {
        let mut original = run(&crash(), at);
        let mut copy = original.clone();
        original.run_until(moment("100s"));
        copy.run_until(moment("150s"));
        original.run_until(moment("150s"));
        assert_eq!(copy.digest(), straight.digest(), "copied at {at}");
        assert_eq!(original.digest(), straight.digest(), "and the original is not touched by it");
    }
}

#[test]
fn slices_do_not_change_the_run() {
    let straight = run(&crash(), "150s");
    for seed in 1..=3 {
        let mut budget = SimRng::new(Seed(seed), 0);
        let mut sliced = Cluster::new(&crash());
        let mut to = SimTime::ZERO;
        while to < moment("150s") {
            to = SimTime((to.micros() + budget.below(2_000_000)).min(150_000_000));
            while !sliced.run_some(to, 1 + budget.below(300)) {}
        }
        assert_eq!(bytes(&sliced), bytes(&straight), "budgets of seed {seed}");
    }
}

#[test]
fn the_users_hand_is_as_good_as_the_timeline() {
    let text = include_str!("../scenarios/kill_102.toml");
    let (before, after) = text.split_once("[timeline]").expect("a timeline");
    let after = after.split_once("[[expect]]").expect("expectations").1;
    let quiet = Scenario::parse(&format!("{before}[[expect]]{after}")).expect("valid");
    assert!(quiet.timeline.is_empty());
    let told = Told::of(&quiet).until("60s").then("kill 102").until("120s").then("start 102").until("150s");
    assert_eq!(bytes(&told.cluster), bytes(&run(&crash(), "150s")));
}

#[test]
fn a_hand_in_the_middle_of_an_instant_waits_for_its_end() {
    let mut quiet = crash();
    quiet.timeline.clear();
    for events in (20_000..20_400).step_by(13) {
        let mut live = Cluster::new(&quiet);
        live.run_some(moment("150s"), events);
        let mut live = Told { cluster: live }.then("kill 102").cluster;
        let at = live.now();
        live.run_until(moment("150s"));
        let mut written = quiet.clone();
        let command = playground_core::shell::parse::parse_line("kill 102").expect("a command");
        written.timeline.push(playground_core::scenario::TimelineEntry { at, command });
        assert_eq!(live.digest(), run(&written, "150s").digest(), "killed at {at}");
    }
}

/// Moments at which every scenario is held to its stored digest.
const MOMENTS_MS: [u64; 6] = [1_000, 30_000, 65_000, 150_000, 330_000, 600_000];

/// Name and text of every built-in scenario and every scenario of the tests, by name.
fn all_scenarios() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = BUILTINS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    for entry in fs::read_dir(scenarios()).expect("scenarios") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        all.push((name, fs::read_to_string(path).expect("text")));
    }
    all.sort();
    all
}

const HEAD: &str = "\
# Digests of whole runs: scenario, virtual milliseconds, digest. Native and wasm are held to the same lines.
# A line that changes is another engine: raise ENGINE_VERSION on purpose, then write this file again with
# UPDATE_DIGESTS=1 cargo test -p playground_tests --test replay
";

#[test]
fn every_scenario_runs_as_it_was_released() {
    let mut lines = HEAD.to_owned();
    for (name, text) in all_scenarios() {
        let mut told = Told::of(&Scenario::parse(&text).expect("valid"));
        for ms in MOMENTS_MS {
            told.cluster.run_until(SimTime(ms * 1_000));
            lines += &format!("{name} {ms} {:016x}\n", told.cluster.digest());
        }
    }
    stand("digests.txt", &lines);
}

/// Seeds of the swarm that are held to their stored digests.
const SEEDS: u64 = 200;

#[test]
fn every_seed_of_the_swarm_runs_as_it_was_released() {
    let lines = (1..=SEEDS).map(|seed| format!("{seed} {:016x}\n", playground_tests::swarm::digest(seed)));
    stand("swarm_digests.txt", &(HEAD.replace("scenario, virtual milliseconds", "seed of the swarm") + &lines.collect::<String>()));
}

/// Holds `lines` against a stored file.
#[track_caller]
fn stand(file: &str, lines: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_DIGESTS").is_some() {
        fs::write(&file, lines).expect("written");
    }
    let stored = fs::read_to_string(&file).unwrap_or_default();
    for (stored, now) in stored.lines().zip(lines.lines()) {
        assert_eq!(
            stored, now,
            "The same file and seed give another run than before. If that is meant, raise ENGINE_VERSION and write {HEAD}"
        );
    }
    assert_eq!(stored, lines, "The list of scenarios changed. Write it again: {HEAD}");
}
