//! Times, lists and counts as an explanation says them.

use crate::cluster::Cluster;
use crate::ids::BrokerId;
use crate::time::{SimDuration, SimTime};

/// A moment of the run: `23.4 s`, later `0:12:30.500`.
pub(super) fn clock(at: SimTime) -> String {
    match at.micros() {
        0..600_000_000 => span(SimDuration(at.micros() / 1_000 * 1_000)),
        _ => at.to_string(),
    }
}

/// A length of time, as exactly as it matters: `15 ms`, `9.02 s`, `5 min 3 s`.
pub(super) fn span(length: SimDuration) -> String {
    let us = length.micros();
    match us {
        0..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..600_000_000 => {
            let (whole, part) = (us / 1_000_000, us / 1_000 % 1_000);
            let part = format!("{part:03}");
            let part = part.trim_end_matches('0');
            if part.is_empty() { format!("{whole} s") } else { format!("{whole}.{part} s") }
        }
        _ => {
            let seconds = us / 1_000_000;
            let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
            match (days, hours) {
                (0, 0) => format!("{minutes} min {} s", seconds % 60),
                (0, _) => format!("{hours} h {minutes} min"),
                _ => format!("{days} d {hours} h"),
            }
        }
    }
}

/// `at 23.4 s, in 5 s`.
pub(super) fn when(cluster: &Cluster, at: SimTime) -> String {
    let now = cluster.now();
    if at <= now { format!("at {}, which is now", clock(at)) } else { format!("at {}, in {}", clock(at), span(at.since(now))) }
}

/// `[101, 103]`, as Kafka's tools list brokers.
pub(super) fn list(brokers: &[BrokerId]) -> String {
    let ids: Vec<String> = brokers.iter().map(BrokerId::to_string).collect();
    format!("[{}]", ids.join(", "))
}

/// `1 record`, `12 records`.
pub(super) fn plural(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_as_exactly_as_they_matter() {
        let said: Vec<String> =
            [15_300, 9_020_000, 9_000_000, 303_000_000, 603_000_000, 7_500_000_000, 604_800_000_000].map(|us| span(SimDuration(us))).into();
        assert_eq!(said, ["15 ms", "9.02 s", "9 s", "303 s", "10 min 3 s", "2 h 5 min", "7 d 0 h"]);
    }
}
