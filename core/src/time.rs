//! Virtual time: integer microseconds, read from nowhere but the event queue.
//!
//! Kafka's own timestamps are milliseconds since 1970; [`SimTime::timestamp_ms`] maps the virtual clock onto them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// What a record written at virtual time zero carries: 2026-01-01T00:00:00Z.
pub const EPOCH_MS: i64 = 1_767_225_600_000;

/// A moment of a run, in microseconds since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SimTime(pub u64);

/// A length of virtual time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SimDuration(pub u64);

impl SimTime {
    pub const ZERO: SimTime = SimTime(0);
    pub const MAX: SimTime = SimTime(u64::MAX);

    pub const fn micros(self) -> u64 {
        self.0
    }

    pub const fn millis(self) -> u64 {
        self.0 / 1_000
    }

    /// The Kafka record timestamp of this moment.
    pub const fn timestamp_ms(self) -> i64 {
        EPOCH_MS + self.millis() as i64
    }

    /// Time passed since `earlier`; zero when `earlier` lies ahead.
    pub const fn since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    pub const ZERO: SimDuration = SimDuration(0);

    pub const fn from_micros(us: u64) -> Self {
        SimDuration(us)
    }

    pub const fn from_millis(ms: u64) -> Self {
        SimDuration(ms.saturating_mul(1_000))
    }

    pub const fn from_secs(s: u64) -> Self {
        SimDuration(s.saturating_mul(1_000_000))
    }

    pub const fn micros(self) -> u64 {
        self.0
    }

    pub const fn millis(self) -> u64 {
        self.0 / 1_000
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub const fn times(self, n: u64) -> Self {
        SimDuration(self.0.saturating_mul(n))
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;
    fn add(self, by: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(by.0))
    }
}

impl AddAssign<SimDuration> for SimTime {
    fn add_assign(&mut self, by: SimDuration) {
        *self = *self + by;
    }
}

impl Add for SimDuration {
    type Output = SimDuration;
    fn add(self, by: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(by.0))
    }
}

impl Sub for SimDuration {
    type Output = SimDuration;
    fn sub(self, by: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_sub(by.0))
    }
}

/// `0:05:23.400`, as the page's clock shows it.
impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.millis();
        let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        write!(f, "{h}:{m:02}:{s:02}.{:03}", ms % 1_000)
    }
}

/// As people read it, exact and with one unit: `20 s`, `1500 µs`, `5 min`, `7 d`.
impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = self.shortest();
        let unit = match unit {
            "us" => "µs",
            "m" => "min",
            unit => unit,
        };
        write!(f, "{number} {unit}")
    }
}

const UNITS: [(&str, u64); 6] =
    [("us", 1), ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000)];

impl SimDuration {
    /// With the largest unit of which it is a whole number.
    fn shortest(self) -> (u64, &'static str) {
        let fits = |(unit, size): &&(&str, u64)| self.0.is_multiple_of(*size) && (self.0 > 0 || *unit == "s");
        let (unit, size) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
        (self.0 / size, unit)
    }

    /// As files and lines have it: `20s`, `1500us`. [`SimDuration::parse`] reads it back.
    pub fn written(self) -> String {
        let (number, unit) = self.shortest();
        format!("{number}{unit}")
    }

    /// Reads `20s`, `0.5ms`, `7d`; a bare number is Kafka's milliseconds. `None` when it is neither, or does not fit.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim();
        let size = match unit {
            "" => 1_000,
            _ => UNITS.iter().find(|(name, _)| *name == unit)?.1,
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || part.len() > 6 || (number.contains('.') && part.is_empty()) {
            return None;
        }
        let micros = whole.parse::<u64>().ok()?.checked_mul(size)?;
        let fraction = match part {
            "" => 0,
            _ => size.checked_mul(part.parse().ok()?)? / 10_u64.pow(part.len() as u32),
        };
        Some(SimDuration(micros.checked_add(fraction)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_back_what_it_prints() {
        for us in [0, 1, 999, 1_500, 20_000_000, 60_000_000, 90_000_000, 604_800_000_000] {
            let duration = SimDuration(us);
            assert_eq!(SimDuration::parse(&duration.written()), Some(duration));
        }
    }

    #[test]
    fn a_duration_is_shown_with_a_space_before_its_unit() {
        let shown = |us: u64| SimDuration(us).to_string();
        assert_eq!([9_000_000, 300_000_000, 1_500, 0].map(shown), ["9 s", "5 min", "1500 µs", "0 s"]);
    }

    #[test]
    fn durations_take_milliseconds_or_a_unit() {
        assert_eq!(SimDuration::parse("9000"), Some(SimDuration::from_secs(9)));
        assert_eq!(SimDuration::parse("0.5ms"), Some(SimDuration(500)));
        assert_eq!(SimDuration::parse("7d"), Some(SimDuration::from_secs(604_800)));
        for bad in ["", "s", "1.", ".5s", "5 weeks", "-1s", "1e9", "99999999999999999999d"] {
            assert_eq!(SimDuration::parse(bad), None, "{bad:?} is not a duration");
        }
    }

    #[test]
    fn the_clock_shows_hours_minutes_seconds_and_millis() {
        assert_eq!(SimTime(323_400_000).to_string(), "0:05:23.400");
    }
}
