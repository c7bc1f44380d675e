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

/// As `java.time.Duration` has it.
impl SimDuration {
    /// `PT90S`, to the millisecond.
    pub fn written_iso(self) -> String {
        match (self.millis() / 1_000, self.millis() % 1_000) {
            (s, 0) => format!("PT{s}S"),
            (s, ms) => format!("PT{s}.{ms:03}S"),
        }
    }

    /// `P1DT2H3M4.5S`, as `java.time.Duration` reads it.
    pub fn parse_iso(text: &str) -> Option<Self> {
        let (days, time) = match text.strip_prefix('P')?.split_once('T') {
            Some((days, time)) => (days, time),
            None => (text.strip_prefix('P')?, ""),
        };
        let mut total = 0_u64;
        let mut any = false;
        for (part, units) in [(days, &[('D', 86_400_000_u64)][..]), (time, &[('H', 3_600_000), ('M', 60_000), ('S', 1_000)])] {
            let mut rest = part;
            for (unit, ms) in units {
                let Some((number, after)) = rest.split_once(*unit) else { continue };
                let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
                let fraction: u64 = match fraction {
                    "" => 0,
                    digits if *unit == 'S' && digits.len() <= 3 => format!("{digits:0<3}").parse().ok()?,
                    _ => return None,
                };
                total = total.checked_add(whole.parse::<u64>().ok()?.checked_mul(*ms)?)?.checked_add(fraction)?;
                (rest, any) = (after, true);
            }
            if !rest.is_empty() {
                return None;
            }
        }
        any.then_some(SimDuration::from_millis(total))
    }
}

/// Milliseconds since 1970 as `2026-01-01T00:01:30.000`, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datetime(pub i64);

const DAY_MS: i64 = 86_400_000;

impl fmt::Display for Datetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Days are counted in eras of 400 years that begin in March, so that a leap day is the last of its year.
        let days = self.0.div_euclid(DAY_MS) + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let march = (5 * day + 2) / 153;
        let (day, month) = (day - (153 * march + 2) / 5 + 1, if march < 10 { march + 3 } else { march - 9 });
        let year = year + era * 400 + i64::from(month <= 2);
        let ms = self.0.rem_euclid(DAY_MS);
        let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}", ms % 1_000)
    }
}

impl Datetime {
    /// `2026-01-01T00:01:30.000`, or without the fraction; in UTC, with or without a `Z`.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z').unwrap_or(text).split_once('T')?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let numbers = |text: &str, mark: char| -> Option<[i64; 3]> {
            let parts: Option<Vec<i64>> = text.split(mark).map(|part| part.parse().ok().filter(|n| *n >= 0)).collect();
            parts?.try_into().ok()
        };
        let ([year, month, day], [hours, minutes, seconds]) = (numbers(date, '-')?, numbers(time, ':')?);
        let ms: i64 = format!("{fraction:0<3}").parse().ok().filter(|_| fraction.len() <= 3)?;
        let possible = (1..=12).contains(&month) && (1..=31).contains(&day) && hours < 24 && minutes < 60 && seconds < 60 && year < 10_000;
        let years = if month <= 2 { year - 1 } else { year };
        let (era, of_era) = (years.div_euclid(400), years.rem_euclid(400));
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let at = Datetime(days * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms);
        // The 31st of a shorter month would print as another day.
        (possible && at.to_string().starts_with(date)).then_some(at)
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
    fn a_date_reads_back_what_it_prints() {
        for text in ["2026-01-01T00:00:00.000", "2024-02-29T23:59:59.999", "1970-01-01T00:00:00.000", "2000-03-01T12:30:00.500"] {
            assert_eq!(Datetime::parse(text).map(|at| at.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Datetime::parse("2026-01-01T00:00:00Z"), Some(Datetime(EPOCH_MS)));
        for wrong in ["2026-02-30T00:00:00", "2026-01-01", "2026-13-01T00:00:00", "2026-01-01T24:00:00", "now"] {
            assert_eq!(Datetime::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_clock_shows_hours_minutes_seconds_and_millis() {
        assert_eq!(SimTime(323_400_000).to_string(), "0:05:23.400");
    }
}
