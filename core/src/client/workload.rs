//! What the applications behind producers send: pace, keys and values of a scenario's fleets.
//!
//! Above 1,000 records a second a member sends in bursts once a millisecond, as a busy application fills its producer.

use crate::hash::java_string_hash;
use crate::record::push_few;
use crate::rng::SimRng;
use crate::scenario::{Pace, Piece, ProducerSpec, Template};
use crate::time::{SimDuration, SimTime};
use std::io::Write;
use std::sync::Arc;

const BURST: SimDuration = SimDuration::from_millis(1);
const SECOND_US: u64 = 1_000_000;
const PADDING: [u8; 128] = [b'x'; 128];

#[derive(Clone, Debug)]
pub struct Workload {
    spec: Arc<ProducerSpec>,
    name: Arc<str>,
    /// When this member's first record goes out.
    start: SimTime,
    /// Records handed out so far.
    count: u64,
    /// When the next one is due.
    due: SimTime,
    rng: SimRng,
    /// How wrong its clock is, for `{ts}`.
    pub skew_ms: i64,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Workload {
    /// Member `i` of `n` first sends `i / n` of an interval in.
    pub fn new(spec: Arc<ProducerSpec>, member: u32, rng: SimRng) -> Self {
        let of = spec.members.len() as u64;
        let interval = match spec.pace {
            Pace::Every(every) => every.micros(),
            Pace::Rate(rate) => SECOND_US / rate.max(1),
        };
        let start = SimTime::ZERO + spec.start + SimDuration(interval * u64::from(member) / of.max(1));
        let name = Arc::from(spec.members[member as usize].as_str());
        let fresh = Workload { spec, name, start, count: 0, due: start, rng, skew_ms: 0, key: Vec::new(), value: Vec::new() };
        Workload { due: fresh.due_by_count(), ..fresh }
    }

    /// When the next record is due; never, once `records` were sent.
    pub fn next_at(&self) -> SimTime {
        self.due
    }

    fn due_by_count(&self) -> SimTime {
        if self.spec.records.is_some_and(|limit| self.count >= limit) {
            return SimTime::MAX;
        }
        let passed = match self.spec.pace {
            Pace::Every(every) => every.times(self.count),
            Pace::Rate(rate) if rate <= 1_000 => SimDuration(self.count * SECOND_US / rate.max(1)),
            Pace::Rate(rate) => {
                let exact = match self.count.checked_mul(SECOND_US) {
                    Some(scaled) => scaled / rate,
                    None => (u128::from(self.count) * u128::from(SECOND_US) / u128::from(rate)) as u64,
                };
                SimDuration(exact / BURST.micros() * BURST.micros())
            }
        };
        self.start + passed
    }

    /// The application was away: what fell due meanwhile is not made up for.
    pub fn resume(&mut self, now: SimTime) {
        self.start += now.since(self.due);
        self.due = self.due_by_count();
    }

    /// Writes the next record; [`key`](Workload::key) and [`value`](Workload::value) hold it until the one after.
    pub fn make(&mut self, now: SimTime) {
        let spec = Arc::clone(&self.spec);
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        if let Some(template) = &spec.key {
            self.fill(template, now, &mut key);
        }
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        self.fill(&spec.value, now, &mut value);
        (self.key, self.value) = (key, value);
        self.count += 1;
        self.due = self.due_by_count();
    }

    pub fn key(&self) -> Option<&[u8]> {
        self.spec.key.is_some().then_some(&self.key)
    }

    pub fn value(&self) -> &[u8] {
        &self.value
    }

    pub fn spec(&self) -> &ProducerSpec {
        &self.spec
    }

    pub fn interval(&self) -> SimDuration {
        match self.spec.pace {
            Pace::Every(every) => every,
            Pace::Rate(rate) => SimDuration(SECOND_US / rate.max(1)),
        }
    }

    fn fill(&mut self, template: &Template, now: SimTime, out: &mut Vec<u8>) {
        for piece in &template.pieces {
            self.fill_piece(piece, now, out).expect("writing to memory cannot fail");
        }
    }

    fn fill_piece(&mut self, piece: &Piece, now: SimTime, out: &mut Vec<u8>) -> std::io::Result<()> {
        match piece {
            Piece::Text(text) => push_few(out, text.as_bytes()),
            Piece::Name => push_few(out, self.name.as_bytes()),
            Piece::Counter => write!(out, "{}", self.count)?,
            Piece::Lat => write_degrees(out, self.position(now).0)?,
            Piece::Lon => write_degrees(out, self.position(now).1)?,
            Piece::Timestamp => write!(out, "{}", now.timestamp_ms() + self.skew_ms)?,
            Piece::Pick(choices) => {
                let choice = self.rng.below(u64::from(choices.count())) as u32;
                push_few(out, choices.word(choice).as_bytes());
            }
            Piece::Zipf(n) => {
                let rank = self.zipf(*n);
                write!(out, "{rank}")?;
            }
            Piece::Pad(n) => {
                // In pieces: small code fills byte by byte what it copies at once.
                let mut left = *n as usize;
                while left > 0 {
                    let piece = left.min(PADDING.len());
                    out.extend_from_slice(&PADDING[..piece]);
                    left -= piece;
                }
            }
        }
        Ok(())
    }

    /// A truck drives a rectangle of streets, its own corner and speed; micro-degrees, integers only.
    fn position(&self, now: SimTime) -> (u64, u64) {
        let own = java_string_hash(&self.name) as u32 as u64;
        let own = own.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
        let (height, width) = (40_000 + own % 60_000, 80_000 + own / 7 % 160_000);
        let (south, west) = (52_400_000 + own / 11 % (200_000 - height), 13_180_000 + own / 13 % (400_000 - width));
        let per_second = 120 + own / 17 % 120;
        let around = 2 * (height + width);
        let way = (own + now.micros() / 1_000 * per_second / 1_000) % around;
        let (north, east) = if way < width {
            (0, way)
        } else if way < width + height {
            (way - width, width)
        } else if way < 2 * width + height {
            (height, 2 * width + height - way)
        } else {
            (around - way, 0)
        };
        (south + north, west + east)
    }

    /// A rank in `0..n`, rank k about 1/(k+1) as likely as rank 0: by halving, in integers.
    fn zipf(&mut self, n: u32) -> u32 {
        let n = u64::from(n.max(1));
        let doublings = u64::from(64 - n.leading_zeros());
        loop {
            let low = 1_u64 << self.rng.below(doublings);
            let rank = low + self.rng.below(low) - 1;
            if rank < n {
                return rank as u32;
            }
        }
    }
}

fn write_degrees(out: &mut Vec<u8>, micro: u64) -> std::io::Result<()> {
    write!(out, "{}.{:05}", micro / 1_000_000, micro % 1_000_000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProducerConfig;
    use crate::rng::Seed;

    fn workload(pace: Pace, members: u32, member: u32, value: Vec<Piece>) -> Workload {
        let spec = ProducerSpec {
            name: "t".to_owned(),
            members: (0..members).map(|i| format!("t-{i}")).collect(),
            topic: "orders".to_owned(),
            partition: None,
            bootstrap: Vec::new(),
            key: None,
            value: Template { pieces: value },
            pace,
            records: Some(1_000),
            start: SimDuration::ZERO,
            config: ProducerConfig::default(),
        };
        Workload::new(Arc::new(spec), member, SimRng::new(Seed(1), 0))
    }

    fn times(workload: &mut Workload, count: usize) -> Vec<u64> {
        let one = |_| {
            let at = workload.next_at();
            workload.make(at);
            at.micros()
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn members_of_a_fleet_start_one_after_another() {
        let every = Pace::Every(SimDuration::from_secs(20));
        assert_eq!(times(&mut workload(every, 20, 0, vec![]), 2), [0, 20_000_000]);
        assert_eq!(times(&mut workload(every, 20, 7, vec![]), 2), [7_000_000, 27_000_000]);
    }

    #[test]
    fn a_fast_member_sends_in_bursts_and_keeps_its_rate() {
        let mut fast = workload(Pace::Rate(5_000), 1, 0, vec![]);
        let sent = times(&mut fast, 1_000);
        assert!(sent.iter().all(|at| at % 1_000 == 0), "whole milliseconds");
        assert_eq!(sent[999], 199_000, "5 a millisecond");
        assert_eq!(fast.next_at(), SimTime::MAX, "and then it is done");
    }

    #[test]
    fn holes_are_filled() {
        let pieces = vec![Piece::Name, Piece::Text("#".to_owned()), Piece::Counter, Piece::Pad(3)];
        let mut workload = workload(Pace::Rate(10), 1, 0, pieces);
        times(&mut workload, 3);
        assert_eq!(workload.value(), b"t-0#2xxx");
        assert_eq!(workload.key(), None);
    }

    #[test]
    fn small_ranks_are_drawn_more_often_and_all_are_in_range() {
        let mut workload = workload(Pace::Rate(10), 1, 0, vec![]);
        let draws: Vec<u32> = (0..4_000).map(|_| workload.zipf(100)).collect();
        let count = |rank| draws.iter().filter(|draw| **draw == rank).count();
        assert!(draws.iter().all(|draw| *draw < 100));
        assert!(count(0) > count(3) && count(3) > count(20), "{} {} {}", count(0), count(3), count(20));
    }

    #[test]
    fn a_truck_drives_without_jumping() {
        let workload = workload(Pace::Rate(10), 1, 0, vec![]);
        let positions: Vec<(u64, u64)> = (0..4_000).map(|second| workload.position(SimTime(second * 1_000_000))).collect();
        let step = |pair: &[(u64, u64)]| pair[0].0.abs_diff(pair[1].0) + pair[0].1.abs_diff(pair[1].1);
        assert!(positions.windows(2).all(|pair| step(pair) <= 240), "micro-degrees a second");
    }
}
