//! Many small clusters, each broken at random: what must hold always holds, and what was promised is kept.
//!
//! A failing seed prints itself with the scenario it drew; pasted into a file, that scenario shows the failure again.

use playground_core::cluster::Cluster;
use playground_core::cluster::invariant::Auditor;
use playground_core::scenario::Scenario;
use playground_core::time::SimDuration;
use playground_tests::story::{Told, moment};
use playground_tests::swarm;

/// `cargo xtask swarm` plays thousands.
const SEEDS: u64 = 400;

#[test]
fn whatever_breaks_what_must_hold_holds() {
    let tally = swarm::sweep(1..=SEEDS, 2, false);
    let failures: Vec<String> = tally.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} seeds fail:\n{}", failures.len(), failures.join("\n"));
    // A swarm that breaks nothing proves nothing.
    for kind in ["fault", "broker_fenced", "broker_unfenced", "leader_elected", "isr_changed", "log_truncated", "group_rebalanced"] {
        let seen = tally.kinds.get(kind).copied().unwrap_or_default();
        assert!(seen >= 5, "`{kind}` was seen in {seen} of {SEEDS} seeds");
    }
    assert!(tally.to_the_end * 2 > tally.seeds, "liveness was judged in {} of {} seeds only", tally.to_the_end, tally.seeds);
}

#[test]
fn with_zookeeper_it_holds_as_well() {
    let tally = swarm::sweep(swarm::WITH_ZOOKEEPER + 1..=swarm::WITH_ZOOKEEPER + SEEDS, 2, false);
    let failures: Vec<String> = tally.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} seeds fail:\n{}", failures.len(), failures.join("\n"));
    for kind in ["broker_fenced", "broker_registered", "controller_elected", "leader_elected", "isr_changed", "log_truncated", "zookeeper"]
    {
        let seen = tally.kinds.get(kind).copied().unwrap_or_default();
        assert!(seen >= 50, "`{kind}` was seen in {seen} of {SEEDS} seeds");
    }
}

#[test]
fn whoever_joins_and_leaves_it_holds() {
    let tally = swarm::sweep(swarm::WITH_NEWCOMERS + 1..=swarm::WITH_NEWCOMERS + SEEDS, 2, false);
    let failures: Vec<String> = tally.failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} seeds fail:\n{}", failures.len(), failures.join("\n"));
    for kind in ["partition_reassigned", "broker_registered", "leader_elected", "group_rebalanced"] {
        let seen = tally.kinds.get(kind).copied().unwrap_or_default();
        assert!(seen >= 50, "`{kind}` was seen in {seen} of {SEEDS} seeds");
    }
}

#[test]
fn every_event_of_a_crash_is_audited() {
    let crash = Scenario::parse(include_str!("../scenarios/kill_102.toml")).expect("valid");
    let mut cluster = Cluster::new(&crash);
    let mut auditor = Auditor::new(&mut cluster);
    auditor.run_until(&mut cluster, moment("303s")).unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn an_audited_run_is_the_same_run() {
    for seed in 1..=20 {
        let audited = swarm::play(seed).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(audited.digest, swarm::digest(seed), "seed {seed}");
    }
}

#[test]
fn calm_after_a_storm_stays_calm() {
    let drawn = swarm::draw(3);
    let mut told = Told::of(&swarm::scenario(&drawn)).until("90s");
    let before = told.log_ends("orders");
    assert!(before.iter().any(|end| *end > 0), "there was a storm: {before:?}");
    told.cluster.run_until(moment("90s") + SimDuration::from_secs(1_000));
    assert_eq!(told.log_ends("orders"), before);
    assert_eq!(told.cluster.violations(), Vec::<String>::new());
}
