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
    step: Step,
    /// From the start to when the next one is due: microseconds, and parts of one.
    passed: u64,
    parts: u64,
    due: SimTime,
    rng: SimRng,
    /// How wrong its clock is, for `{ts}`.
    pub skew_ms: i64,
    key: Filled,
    value: Filled,
}

/// From one record to the next: microseconds, and so many parts of one. Added up, since dividing anew for each takes its time.
#[derive(Clone, Copy, Debug)]
struct Step {
    whole: u64,
    part: u64,
    of: u64,
}

impl Filled {
    fn changes(&self, template: &Template) -> bool {
        self.pieces < template.pieces.len() as u32
    }
}

impl Step {
    fn at(pace: Pace) -> Self {
        let (time, of) = match pace {
            Pace::Every(every) => (every.micros(), 1),
            Pace::Rate(rate) => (SECOND_US, rate.max(1)),
        };
        Step { whole: time / of, part: time % of, of }
    }
}

/// What a template came to last. What stands before its first hole that is ever filled otherwise stays.
#[derive(Clone, Debug, Default)]
struct Filled {
    bytes: Vec<u8>,
    /// Pieces and bytes that stay.
    pieces: u32,
    stays: u32,
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
        let (step, key, value) = (Step::at(spec.pace), Filled::default(), Filled::default());
        let shared = Arc::clone(&spec);
        let mut fresh = Workload { spec, name, start, count: 0, step, passed: 0, parts: 0, due: start, rng, skew_ms: 0, key, value };
        fresh.key = shared.key.as_ref().map(|template| fresh.begin(template)).unwrap_or_default();
        fresh.value = fresh.begin(&shared.value);
        fresh.fall_due();
        fresh
    }

    /// The same from a later start: its times count from there.
    pub fn begun_at(mut self, now: SimTime) -> Self {
        self.start += now.since(SimTime::ZERO);
        self.fall_due();
        self
    }

    /// When the next record is due; never, once `records` were sent.
    pub fn next_at(&self) -> SimTime {
        self.due
    }

    fn fall_due(&mut self) {
        let passed = match self.spec.pace {
            Pace::Rate(rate) if rate > 1_000 => self.passed / BURST.micros() * BURST.micros(),
            _ => self.passed,
        };
        self.due = match self.spec.records {
            Some(limit) if self.count >= limit => SimTime::MAX,
            _ => self.start + SimDuration(passed),
        };
    }

    fn count_one(&mut self) {
        let Step { whole, part, of } = self.step;
        self.count += 1;
        self.passed += whole;
        self.parts += part;
        if self.parts >= of {
            self.parts -= of;
            self.passed += 1;
        }
        self.fall_due();
    }

    /// The application was away: what fell due meanwhile is not made up for.
    pub fn resume(&mut self, now: SimTime) {
        self.start += now.since(self.due);
        self.fall_due();
    }

    /// Writes the next record; [`key`](Workload::key) and [`value`](Workload::value) hold it until the one after.
    pub fn make(&mut self, now: SimTime) {
        let spec = Arc::clone(&self.spec);
        if let Some(template) = spec.key.as_ref().filter(|template| self.key.changes(template)) {
            let key = std::mem::take(&mut self.key);
            self.key = self.fill(template, now, key);
        }
        if self.value.changes(&spec.value) {
            let value = std::mem::take(&mut self.value);
            self.value = self.fill(&spec.value, now, value);
        }
        self.count_one();
    }

    pub fn key(&self) -> Option<&[u8]> {
        self.spec.key.is_some().then_some(&self.key.bytes)
    }

    pub fn value(&self) -> &[u8] {
        &self.value.bytes
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

    /// What of a template never changes.
    fn begin(&mut self, template: &Template) -> Filled {
        let stays = |piece: &&Piece| matches!(piece, Piece::Text(_) | Piece::Name | Piece::Pad(_));
        let pieces = template.pieces.iter().take_while(stays).count();
        let begun = Template { pieces: template.pieces[..pieces].to_vec() };
        let filled = self.fill(&begun, SimTime::ZERO, Filled::default());
        Filled { pieces: pieces as u32, stays: filled.bytes.len() as u32, ..filled }
    }

    fn fill(&mut self, template: &Template, now: SimTime, mut filled: Filled) -> Filled {
        filled.bytes.truncate(filled.stays as usize);
        for piece in &template.pieces[filled.pieces as usize..] {
            self.fill_piece(piece, now, &mut filled.bytes).expect("writing to memory cannot fail");
        }
        filled
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
