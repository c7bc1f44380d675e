//! The scenarios that come with the playground, by name.

use super::{ClusterSpec, CommitMode, Expect, GroupSpec, NetworkSpec, Pace, Piece, Placement, ProducerSpec, Scenario, Template, TopicSpec};
use crate::config::{ConsumerConfig, OffsetReset, ProducerConfig, TopicConfig};
use crate::time::{SimDuration, SimTime};

/// Name and text of each, in the order a menu shows them.
pub const BUILTINS: &[(&str, &str)] = &[("trucks_gps", HOME), ("empty", EMPTY)];

/// What a visitor without a run of their own sees.
pub const HOME: &str = include_str!("../../scenarios/trucks_gps.toml");

/// Controllers and nobody else: where building begins.
pub const EMPTY: &str = include_str!("../../scenarios/empty.toml");

/// The text of a built-in scenario.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTINS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// [`HOME`] as it is read, spelled out: who only watches it need not fetch what reads and writes files.
pub fn home() -> Scenario {
    let trucks = "trucks_gps".to_owned();
    Scenario {
        title: "trucks_gps fleet".to_owned(),
        seed: 7,
        cluster: ClusterSpec::default(),
        network: NetworkSpec::default(),
        topics: vec![TopicSpec {
            name: trucks.clone(),
            placement: Placement::Striped { partitions: 10, replication_factor: 3 },
            config: TopicConfig { min_insync_replicas: 2, ..TopicConfig::default() },
        }],
        producers: vec![ProducerSpec {
            name: "truck-{1..20}".to_owned(),
            members: (1..=20).map(|i| format!("truck-{i}")).collect(),
            topic: trucks,
            bootstrap: Vec::new(),
            partition: None,
            key: Some(Template { pieces: vec![Piece::Name] }),
            value: position(),
            pace: Pace::Every(SimDuration::from_secs(20)),
            records: None,
            start: SimDuration::ZERO,
            config: ProducerConfig::default(),
        }],
        groups: vec![reader("location-dashboard", 2), reader("notification-service", 1)],
        timeline: Vec::new(),
        expects: vec![
            expect(60, &["isr_size(trucks_gps, 3) == 3", "state(location-dashboard) == Stable", "state(notification-service) == Stable"]),
            expect(600, &AFTER_TEN_MINUTES),
        ],
    }
}

const AFTER_TEN_MINUTES: [&str; 15] = [
    "sent == 600",
    "acked == 600",
    "failed == 0",
    "acked_lost == 0",
    "log_end(trucks_gps) == 600",
    "log_end(trucks_gps, 0) == 0",
    "log_end(trucks_gps, 4) == 120",
    "delivered(location-dashboard) == 600",
    "delivered(notification-service) == 600",
    "lag(location-dashboard) <= 6",
    "lag(notification-service) <= 6",
    "duplicates(location-dashboard) == 0",
    "duplicates(notification-service) == 0",
    "skipped(location-dashboard) == 0",
    "out_of_order(location-dashboard) == 0",
];

/// `{"truck_id":"{name}","lat":{lat},"lon":{lon}}`.
fn position() -> Template {
    let text = |text: &str| Piece::Text(text.to_owned());
    let pieces = vec![text("{\"truck_id\":\""), Piece::Name, text("\",\"lat\":"), Piece::Lat, text(",\"lon\":"), Piece::Lon, text("}")];
    Template { pieces }
}

fn reader(name: &str, members: u32) -> GroupSpec {
    GroupSpec {
        name: name.to_owned(),
        topics: vec!["trucks_gps".to_owned()],
        bootstrap: Vec::new(),
        members,
        assign: Vec::new(),
        start: Vec::new(),
        process: SimDuration::ZERO,
        commit: CommitMode::Auto,
        config: ConsumerConfig { auto_offset_reset: OffsetReset::Earliest, ..ConsumerConfig::default() },
        poison: None,
    }
}

fn expect(second: u64, that: &[&str]) -> Expect {
    Expect { at: SimTime::ZERO + SimDuration::from_secs(second), that: that.iter().map(|&that| that.to_owned()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_run_is_what_its_file_says() {
        assert_eq!(Scenario::parse(HOME), Ok(home()));
    }

    #[test]
    fn every_built_in_scenario_can_be_read() {
        for (name, text) in BUILTINS {
            let scenario = Scenario::parse(text).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
            assert!(!scenario.title.is_empty(), "{name} has a title");
        }
    }
}
