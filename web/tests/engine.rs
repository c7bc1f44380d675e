//! The engine in the browser is the engine: the same digests as native, and links that read back.

#![cfg(target_arch = "wasm32")]

use playground_core::command::Command;
use playground_core::scenario::link::{pack, unpack};
use playground_core::scenario::{Scenario, builtin};
use playground_core::session::{Progress, Session};
use playground_core::time::SimTime;
use playground_core::view::Subject;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Lines `scenario time_ms digest`; the native tests hold the same list.
const DIGESTS: &str = include_str!("../../tests/digests.txt");

/// Scenarios of the native tests that are on the list too.
const OTHERS: &[(&str, &str)] = &[
    ("kill_102", include_str!("../../tests/scenarios/kill_102.toml")),
    ("add_broker", include_str!("../../tests/scenarios/add_broker.toml")),
    ("add_members", include_str!("../../tests/scenarios/add_members.toml")),
    ("ac_40_placement", include_str!("../../tests/scenarios/ac_40_placement.toml")),
    ("ac_40_racks", include_str!("../../tests/scenarios/ac_40_racks.toml")),
    ("ac_41_bootstrap", include_str!("../../tests/scenarios/ac_41_bootstrap.toml")),
    ("ac_42_kill_102", include_str!("../../tests/scenarios/ac_42_kill_102.toml")),
    ("ac_42_stop_102", include_str!("../../tests/scenarios/ac_42_stop_102.toml")),
    ("ac_43_102_returns", include_str!("../../tests/scenarios/ac_43_102_returns.toml")),
    ("ac_43_102_returns_by_command", include_str!("../../tests/scenarios/ac_43_102_returns_by_command.toml")),
    ("ac_44_replication_factor", include_str!("../../tests/scenarios/ac_44_replication_factor.toml")),
    ("ac_46_roles", include_str!("../../tests/scenarios/ac_46_roles.toml")),
    ("ac_47_followers_pull", include_str!("../../tests/scenarios/ac_47_followers_pull.toml")),
    ("ac_50_acks", include_str!("../../tests/scenarios/ac_50_acks.toml")),
    ("ac_51_isr", include_str!("../../tests/scenarios/ac_51_isr.toml")),
    ("ac_52_min_isr", include_str!("../../tests/scenarios/ac_52_min_isr.toml")),
    ("ac_53_unclean", include_str!("../../tests/scenarios/ac_53_unclean.toml")),
    ("ac_54_idempotence", include_str!("../../tests/scenarios/ac_54_idempotence.toml")),
    ("ac_60_seven_days", include_str!("../../tests/scenarios/ac_60_seven_days.toml")),
    ("ac_60_segments_of_a_day", include_str!("../../tests/scenarios/ac_60_segments_of_a_day.toml")),
    ("ac_61_for_ever", include_str!("../../tests/scenarios/ac_61_for_ever.toml")),
    ("retention_unread", include_str!("../../tests/scenarios/retention_unread.toml")),
    ("offsets_compacted", include_str!("../../tests/scenarios/offsets_compacted.toml")),
    ("retention_bytes", include_str!("../../tests/scenarios/retention_bytes.toml")),
    ("b01_unclean", include_str!("../../tests/scenarios/b01_unclean.toml")),
    ("b01_unclean_fixed", include_str!("../../tests/scenarios/b01_unclean_fixed.toml")),
    ("b02_last_replica_standing", include_str!("../../tests/scenarios/b02_last_replica_standing.toml")),
    ("b02_last_replica_standing_fixed", include_str!("../../tests/scenarios/b02_last_replica_standing_fixed.toml")),
    ("b03_min_isr_1", include_str!("../../tests/scenarios/b03_min_isr_1.toml")),
    ("b03_min_isr_1_fixed", include_str!("../../tests/scenarios/b03_min_isr_1_fixed.toml")),
    ("b04_power_everywhere", include_str!("../../tests/scenarios/b04_power_everywhere.toml")),
    ("b04_power_everywhere_fixed", include_str!("../../tests/scenarios/b04_power_everywhere_fixed.toml")),
    ("b05_acks_1", include_str!("../../tests/scenarios/b05_acks_1.toml")),
    ("b05_acks_1_fixed", include_str!("../../tests/scenarios/b05_acks_1_fixed.toml")),
    ("b06_unreadable", include_str!("../../tests/scenarios/b06_unreadable.toml")),
    ("b06_unreadable_fixed", include_str!("../../tests/scenarios/b06_unreadable_fixed.toml")),
    ("b07_acks_0", include_str!("../../tests/scenarios/b07_acks_0.toml")),
    ("b07_acks_0_fixed", include_str!("../../tests/scenarios/b07_acks_0_fixed.toml")),
    ("b08_reordered", include_str!("../../tests/scenarios/b08_reordered.toml")),
    ("b08_reordered_fixed", include_str!("../../tests/scenarios/b08_reordered_fixed.toml")),
    ("b09_duplicates", include_str!("../../tests/scenarios/b09_duplicates.toml")),
    ("b09_duplicates_fixed", include_str!("../../tests/scenarios/b09_duplicates_fixed.toml")),
    ("b10_new_process", include_str!("../../tests/scenarios/b10_new_process.toml")),
    ("b11_too_busy", include_str!("../../tests/scenarios/b11_too_busy.toml")),
    ("b11_too_busy_fixed", include_str!("../../tests/scenarios/b11_too_busy_fixed.toml")),
    ("b12_lost_commit", include_str!("../../tests/scenarios/b12_lost_commit.toml")),
    ("b12_lost_commit_fixed", include_str!("../../tests/scenarios/b12_lost_commit_fixed.toml")),
    ("b13_bit_rot", include_str!("../../tests/scenarios/b13_bit_rot.toml")),
    ("b13_bit_rot_fixed", include_str!("../../tests/scenarios/b13_bit_rot_fixed.toml")),
    ("broker_states", include_str!("../../tests/scenarios/broker_states.toml")),
    ("broker_clock", include_str!("../../tests/scenarios/broker_clock.toml")),
    ("disk_full", include_str!("../../tests/scenarios/disk_full.toml")),
    ("follower_reads", include_str!("../../tests/scenarios/follower_reads.toml")),
    ("power_cut", include_str!("../../tests/scenarios/power_cut.toml")),
    ("quorum_isolated_leader", include_str!("../../tests/scenarios/quorum_isolated_leader.toml")),
    ("quorum_kill_active", include_str!("../../tests/scenarios/quorum_kill_active.toml")),
    ("quorum_majority_lost", include_str!("../../tests/scenarios/quorum_majority_lost.toml")),
    ("quorum_single", include_str!("../../tests/scenarios/quorum_single.toml")),
    ("stale_leader", include_str!("../../tests/scenarios/stale_leader.toml")),
    ("zk_ensemble", include_str!("../../tests/scenarios/zk_ensemble.toml")),
    ("zk_imbalance", include_str!("../../tests/scenarios/zk_imbalance.toml")),
    ("zk_kill_controller", include_str!("../../tests/scenarios/zk_kill_controller.toml")),
    ("zk_majority_lost", include_str!("../../tests/scenarios/zk_majority_lost.toml")),
    ("zk_restart_early", include_str!("../../tests/scenarios/zk_restart_early.toml")),
    ("zk_session_lost", include_str!("../../tests/scenarios/zk_session_lost.toml")),
    ("zk_stop_clean", include_str!("../../tests/scenarios/zk_stop_clean.toml")),
    ("zk_topics", include_str!("../../tests/scenarios/zk_topics.toml")),
    ("ac_20_members", include_str!("../../tests/scenarios/ac_20_members.toml")),
    ("ac_21_two_groups", include_str!("../../tests/scenarios/ac_21_two_groups.toml")),
    ("ac_22_standby", include_str!("../../tests/scenarios/ac_22_standby.toml")),
    ("ac_23_resume", include_str!("../../tests/scenarios/ac_23_resume.toml")),
    ("ac_24_consumer_offsets", include_str!("../../tests/scenarios/ac_24_consumer_offsets.toml")),
    ("ac_25_commit_after", include_str!("../../tests/scenarios/ac_25_commit_after.toml")),
    ("ac_25_commit_before", include_str!("../../tests/scenarios/ac_25_commit_before.toml")),
    ("ac_26_reset_policy", include_str!("../../tests/scenarios/ac_26_reset_policy.toml")),
    ("ac_27_reset", include_str!("../../tests/scenarios/ac_27_reset.toml")),
    ("ac_28_classic_pause", include_str!("../../tests/scenarios/ac_28_classic_pause.toml")),
    ("ac_28_cooperative", include_str!("../../tests/scenarios/ac_28_cooperative.toml")),
    ("ac_29_poll_deadline", include_str!("../../tests/scenarios/ac_29_poll_deadline.toml")),
    ("ac_29_within_deadline", include_str!("../../tests/scenarios/ac_29_within_deadline.toml")),
    ("ac_30_one_lag", include_str!("../../tests/scenarios/ac_30_one_lag.toml")),
    ("ac_31_crash", include_str!("../../tests/scenarios/ac_31_crash.toml")),
    ("ac_31_goodbye", include_str!("../../tests/scenarios/ac_31_goodbye.toml")),
    ("b14_commit_first", include_str!("../../tests/scenarios/b14_commit_first.toml")),
    ("b14_commit_first_fixed", include_str!("../../tests/scenarios/b14_commit_first_fixed.toml")),
    ("b15_latest", include_str!("../../tests/scenarios/b15_latest.toml")),
    ("b15_latest_fixed", include_str!("../../tests/scenarios/b15_latest_fixed.toml")),
    ("bookmarks_expire", include_str!("../../tests/scenarios/bookmarks_expire.toml")),
    ("coordinator_killed", include_str!("../../tests/scenarios/coordinator_killed.toml")),
    ("kip848_static", include_str!("../../tests/scenarios/kip848_static.toml")),
    ("kip848_members", include_str!("../../tests/scenarios/kip848_members.toml")),
    ("kip848_coordinator_killed", include_str!("../../tests/scenarios/kip848_coordinator_killed.toml")),
    ("ac_28_consumer_pause", include_str!("../../tests/scenarios/ac_28_consumer_pause.toml")),
    ("group_is_full", include_str!("../../tests/scenarios/group_is_full.toml")),
    ("poison_record", include_str!("../../tests/scenarios/poison_record.toml")),
    ("seek_and_pause", include_str!("../../tests/scenarios/seek_and_pause.toml")),
    ("static_member", include_str!("../../tests/scenarios/static_member.toml")),
    ("assign_alone", include_str!("../../tests/scenarios/assign_alone.toml")),
];

fn open(name: &str) -> Session {
    let other = || OTHERS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
    let text = builtin(name).or_else(other).unwrap_or_else(|| panic!("{name} is neither built in nor named here"));
    Session::open(Scenario::parse(text).expect("built-in scenarios are valid"))
}

fn run(session: &mut Session, to: SimTime) {
    while session.advance(to, 10_000) == Progress::OutOfBudget {}
}

#[wasm_bindgen_test]
fn digests_are_those_of_the_native_engine() {
    let lines: Vec<&str> = DIGESTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(!lines.is_empty(), "there is something to compare");
    for line in lines {
        let mut words = line.split_whitespace();
        let (Some(name), Some(time_ms), Some(digest)) = (words.next(), words.next(), words.next()) else {
            panic!("{line:?} is no line of the list")
        };
        let mut session = open(name);
        run(&mut session, SimTime(time_ms.parse::<u64>().expect("milliseconds") * 1_000));
        assert_eq!(format!("{:016x}", session.cluster().digest()), digest, "{name} at {time_ms} ms");
    }
}

/// Lines `seed digest`; the native tests hold the same list.
const SWARM: &str = include_str!("../../tests/swarm_digests.txt");

#[wasm_bindgen_test]
fn the_swarm_runs_as_it_does_natively() {
    let lines: Vec<(u64, &str)> = SWARM
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(seed, digest)| (seed.parse().expect("a seed"), digest))
        .collect();
    assert!(lines.len() >= 200, "there is something to compare");
    for (seed, digest) in lines {
        assert_eq!(format!("{:016x}", playground_tests::swarm::digest(seed)), digest, "seed {seed}");
    }
}

#[wasm_bindgen_test]
fn the_size_of_slices_does_not_change_the_run() {
    let (mut small, mut large) = (open("trucks_gps"), open("trucks_gps"));
    let end = SimTime(30_000_000);
    while small.advance(end, 7) == Progress::OutOfBudget {}
    run(&mut large, end);
    assert_eq!(small.saved(), large.saved());
}

#[wasm_bindgen_test]
fn a_link_opens_the_same_run_at_the_same_moment() {
    let mut mine = open("trucks_gps");
    run(&mut mine, SimTime(20_123_456));
    mine.submit(Command::kill(102)).expect("102 is running");
    run(&mut mine, SimTime(41_000_001));
    let select = Subject::Partition { topic: "trucks_gps".into(), partition: 3 };
    let link = pack(mine.scenario(), Some(mine.now()), Some(&select));

    let opened = unpack(&link).expect("an undamaged link");
    assert_eq!(opened.select, Some(select));
    let mut yours = Session::open(opened.scenario);
    run(&mut yours, opened.at.expect("the link names a moment"));
    yours.settle();
    assert_eq!(yours.now(), mine.now());
    assert_eq!(yours.cluster().digest(), mine.cluster().digest());
}

#[wasm_bindgen_test]
fn a_damaged_link_says_so() {
    let link = pack(open("trucks_gps").scenario(), None, None);
    for len in 0..link.len() {
        assert!(unpack(&link[..len]).is_err(), "the first {len} characters are not a link");
    }
    let middle = link.len() / 2;
    let swapped = format!("{}{}{}", &link[..middle], if link[middle..].starts_with('A') { 'B' } else { 'A' }, &link[middle + 1..]);
    let error = unpack(&swapped).expect_err("one character is wrong").to_string();
    assert!(!error.is_empty());
}
