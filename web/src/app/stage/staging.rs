//! From arrivals to flights: when each travelling record is shown, and how long.
//!
//! A hop has already arrived when the page learns of it. Its flight lasts as long as the hop did at the run's speed, but
//! long enough to be seen, and flights of one record follow each other: produce, replicate, deliver, commit. Until a
//! record's produce flight has landed its cell is held back. When more moves than the eye can follow, nothing flies:
//! rates are shown instead, and nothing is held back. Every flight is a hop; none is made up.

use playground_core::sorted::{SortedMap, SortedSet};
use playground_core::view::{HopKind, HopView, Place};

/// Flights kept at once. The eye can follow about sixty; the others wait for a stage before them to land.
pub const FLIGHTS: usize = 90;
/// A flight is at least and at most this long, in milliseconds of wall time.
const SHORTEST: f64 = 250.0;
const LONGEST: f64 = 600.0;
/// A cell is never held back longer than this.
const HOLD: f64 = 700.0;
/// No flight starts later than this after its hop was told; beyond, the order of stages gives way.
const PATIENCE: f64 = 1_600.0;
/// Rates fade by half in this time.
const HALF_LIFE: f64 = 500.0;
/// Rates stay until so few flights a second come in that they could be followed again.
const CALM: f64 = 70.0;

/// One record (or batch) under way on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Flight {
    pub hop: HopView,
    pub start: f64,
    pub end: f64,
}

/// A copy of a partition that may be seen up to this end alone, while a record is on its way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub topic: String,
    pub partition: u32,
    /// `None`: the leader's.
    pub broker: Option<i32>,
    pub end: u64,
}

impl Flight {
    fn held(&self) -> Option<Held> {
        let broker = match (self.hop.kind, &self.hop.to) {
            (HopKind::Produce, _) => None,
            (HopKind::Replicate, Place::Broker(id)) => Some(*id),
            _ => return None,
        };
        Some(Held { topic: self.hop.topic.clone(), partition: self.hop.partition, broker, end: self.hop.offset? })
    }

    fn holds(&self, topic: &str, partition: u32) -> Option<u64> {
        let same = self.hop.kind == HopKind::Produce && self.hop.partition == partition && self.hop.topic == topic;
        if same { self.hop.offset } else { None }
    }
}

/// Arrivals a second between two places on one partition, while single ones cannot be followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    pub hop: HopView,
    pub per_second: f64,
}

/// What happened between two frames, in both kinds of time.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Virtual time of the frame before.
    pub from_us: u64,
    /// Wall time now, in milliseconds.
    pub wall: f64,
    /// Virtual milliseconds in a wall second.
    pub speed_milli: u64,
    /// Arrivals in all, also those not told one by one.
    pub total: u64,
}

type Lane = (u8, Place, Place, String, u32);

#[derive(Debug, Default)]
pub struct Staging {
    flights: Vec<Flight>,
    rates: SortedMap<Lane, Rate>,
    crowded: bool,
    last: f64,
    arrivals_per_second: f64,
    /// When the newest flight of each stage lands: by partition, and by reading client.
    produced: SortedMap<(String, u32), f64>,
    replicated: SortedMap<(String, u32), f64>,
    delivered: SortedMap<String, f64>,
}

impl Staging {
    /// Takes up what a frame tells. Hops that began long before the frame start at once.
    pub fn take(&mut self, mut hops: Vec<HopView>, window: Window) {
        self.settle(window.wall);
        let told = hops.len();
        join_commits(&mut hops);
        let left_out = window.total.saturating_sub(told as u64);
        let arrivals = hops.len() as u64 + left_out;
        let seconds = crate::within((window.wall - self.last) / 1e3, 0.016, 2.0);
        self.last = window.wall;
        let fade = fade(seconds * 1e3);
        self.arrivals_per_second = self.arrivals_per_second * fade + arrivals as f64 / seconds * (1.0 - fade);
        self.crowded = self.flights.len() + hops.len() > FLIGHTS || left_out > 0 || (self.crowded && self.arrivals_per_second > CALM);
        if self.crowded {
            self.flights.clear();
            self.measure(&hops, arrivals, seconds, fade);
        } else {
            self.rates.clear();
            in_order(hops).into_iter().for_each(|hop| self.launch(hop, window));
        }
    }

    fn measure(&mut self, hops: &[HopView], total: u64, seconds: f64, fade: f64) {
        self.rates.values_mut().for_each(|rate| rate.per_second *= fade);
        let share = if hops.is_empty() { 0.0 } else { total as f64 / hops.len() as f64 };
        for hop in hops {
            let lane = (stage(hop.kind), hop.from.clone(), hop.to.clone(), hop.topic.clone(), hop.partition);
            let rate = self.rates.entry(lane).or_insert_with(|| Rate { hop: hop.clone(), per_second: 0.0 });
            rate.hop = hop.clone();
            rate.per_second += share / seconds * (1.0 - fade);
        }
        self.rates.retain(|_, rate| rate.per_second > 0.05);
    }

    fn launch(&mut self, hop: HopView, window: Window) {
        let wall_ms = |us: u64| us as f64 / window.speed_milli.max(1) as f64;
        let natural = window.wall + wall_ms(hop.departed_us.saturating_sub(window.from_us)).min(150.0);
        let partition = (hop.topic.clone(), hop.partition);
        let after = match hop.kind {
            HopKind::Produce => 0.0,
            HopKind::Replicate => later(&self.produced, &partition),
            HopKind::Deliver => later(&self.produced, &partition).max(later(&self.replicated, &partition)),
            HopKind::Commit => later(&self.delivered, client(&hop.from)),
        };
        let start = natural.max(after.min(window.wall + PATIENCE));
        let mut length = crate::within(wall_ms(hop.arrived_us.saturating_sub(hop.departed_us)), SHORTEST, LONGEST);
        if hop.kind == HopKind::Produce {
            length = length.min(window.wall + HOLD - start).max(SHORTEST);
        }
        let end = start + length;
        match hop.kind {
            HopKind::Produce => drop(self.produced.insert(partition, end)),
            HopKind::Replicate => drop(self.replicated.insert(partition, end)),
            HopKind::Deliver => drop(self.delivered.insert(client(&hop.to).to_owned(), end)),
            HopKind::Commit => (),
        }
        self.flights.push(Flight { hop, start, end });
    }

    /// Lands what has arrived by now; true when something did.
    pub fn settle(&mut self, wall: f64) -> bool {
        let before = self.flights.len();
        self.flights.retain(|flight| flight.end > wall);
        before != self.flights.len()
    }

    /// Drops everything: another run, another moment.
    pub fn clear(&mut self) {
        *self = Staging { last: self.last, ..Staging::default() };
    }

    /// How much of a log may be seen: records still under way are not in it yet.
    pub fn shown_end(&self, topic: &str, partition: u32, log_end: u64) -> u64 {
        self.flights.iter().filter_map(|flight| flight.holds(topic, partition)).fold(log_end, u64::min)
    }

    /// What may not be seen yet.
    pub fn held(&self) -> Vec<Held> {
        self.flights.iter().filter_map(Flight::held).collect()
    }

    pub fn flights(&self) -> &[Flight] {
        &self.flights
    }

    pub fn rates(&self) -> impl Iterator<Item = &Rate> {
        self.rates.values()
    }

    /// Arrivals a second while they are too many to follow.
    pub fn crowd(&self) -> Option<f64> {
        self.crowded.then_some(self.arrivals_per_second)
    }
}

/// A commit request carries the bookmarks of many partitions: it is one thing that travels.
fn join_commits(hops: &mut Vec<HopView>) {
    let mut seen: SortedSet<(Place, Place, u64)> = SortedSet::new();
    hops.retain(|hop| hop.kind != HopKind::Commit || seen.insert((hop.from.clone(), hop.to.clone(), hop.departed_us)));
}

/// By arrival, then by stage. They are few and come nearly in order, so each is put where it belongs.
fn in_order(hops: Vec<HopView>) -> Vec<HopView> {
    let key = |hop: &HopView| (hop.arrived_us, stage(hop.kind));
    let mut sorted: Vec<HopView> = Vec::with_capacity(hops.len());
    for hop in hops {
        let after = sorted.iter().rposition(|other| key(other) <= key(&hop));
        sorted.insert(after.map_or(0, |i| i + 1), hop);
    }
    sorted
}

/// What is left of a rate after so many milliseconds: the half-life's power of two, near enough for the eye, by squaring.
fn fade(ms: f64) -> f64 {
    let mut left = 1.0 - ms / HALF_LIFE * std::f64::consts::LN_2 / 32.0;
    (0..5).for_each(|_| left *= left);
    left
}

fn stage(kind: HopKind) -> u8 {
    match kind {
        HopKind::Produce => 0,
        HopKind::Replicate => 1,
        HopKind::Deliver => 2,
        HopKind::Commit => 3,
    }
}

fn client(place: &Place) -> &str {
    match place {
        Place::Client(name) => name,
        Place::Broker(_) | Place::Nowhere => "",
    }
}

fn later<K: Ord + ?Sized, O: Ord + std::borrow::Borrow<K>>(lands: &SortedMap<O, f64>, key: &K) -> f64 {
    lands.get(key).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(kind: HopKind, offset: u64, departed_us: u64, arrived_us: u64) -> HopView {
        let (truck, reader) = (Place::Client("truck-1".into()), Place::Client("dashboard-1".into()));
        let (from, to) = match kind {
            HopKind::Produce => (truck, Place::Broker(101)),
            HopKind::Replicate => (Place::Broker(101), Place::Broker(102)),
            HopKind::Deliver => (Place::Broker(101), reader),
            HopKind::Commit => (reader, Place::Broker(102)),
        };
        let topic = "trucks_gps".to_owned();
        HopView { kind, from, to, departed_us, arrived_us, topic, partition: 3, offset: Some(offset), records: 1, key: None }
    }

    fn window(wall: f64, total: u64) -> Window {
        Window { from_us: 1_000_000, wall, speed_milli: 10_000, total }
    }

    fn one_record() -> Vec<HopView> {
        vec![
            hop(HopKind::Produce, 41, 1_000_000, 1_002_000),
            hop(HopKind::Replicate, 41, 1_003_000, 1_005_000),
            hop(HopKind::Deliver, 41, 1_007_000, 1_009_000),
            hop(HopKind::Commit, 42, 1_010_000, 1_012_000),
        ]
    }

    #[test]
    fn stages_of_one_record_follow_each_other_and_can_be_seen() {
        let mut staging = Staging::default();
        staging.take(one_record(), window(5_000.0, 4));
        let flights = staging.flights();
        assert_eq!(flights.len(), 4);
        for pair in flights.windows(2) {
            assert!(pair[1].start >= pair[0].end, "{:?} must wait for {:?}", pair[1].hop.kind, pair[0].hop.kind);
        }
        assert!(flights.iter().all(|f| (SHORTEST..=LONGEST).contains(&(f.end - f.start))));
    }

    #[test]
    fn a_cell_waits_for_its_record_to_land_and_no_longer_than_the_hold() {
        let mut staging = Staging::default();
        staging.take(one_record(), window(5_000.0, 4));
        assert_eq!(staging.shown_end("trucks_gps", 3, 42), 41);
        assert_eq!(staging.shown_end("trucks_gps", 4, 42), 42);
        staging.settle(5_000.0 + HOLD + 1.0);
        assert_eq!(staging.shown_end("trucks_gps", 3, 42), 42);
    }

    #[test]
    fn a_slow_hop_takes_its_time_but_not_for_ever() {
        let mut staging = Staging::default();
        staging.take(vec![hop(HopKind::Replicate, 1, 1_000_000, 9_000_000)], window(0.0, 1));
        let flight = &staging.flights()[0];
        assert_eq!(flight.end - flight.start, LONGEST);
    }

    #[test]
    fn a_commit_of_many_partitions_is_one_flight() {
        let mut staging = Staging::default();
        let commit = |partition| HopView { partition, ..hop(HopKind::Commit, 5, 1_000_000, 1_002_000) };
        staging.take((0..10).map(commit).collect(), window(5_000.0, 10));
        assert_eq!(staging.flights().len(), 1);
        assert_eq!(staging.crowd(), None);
    }

    #[test]
    fn a_crowd_becomes_rates_and_holds_nothing_back() {
        let mut staging = Staging::default();
        let many = (0..100).map(|o| hop(HopKind::Produce, o, 1_000_000, 1_002_000)).collect();
        staging.take(many, window(5_000.0, 300));
        assert!(staging.flights().is_empty());
        assert!(staging.crowd().is_some());
        assert_eq!(staging.rates().count(), 1);
        assert_eq!(staging.shown_end("trucks_gps", 3, 100), 100);
    }

    #[test]
    fn half_of_a_rate_is_left_after_its_half_life() {
        assert_eq!(fade(0.0), 1.0);
        assert!((fade(HALF_LIFE) - 0.5).abs() < 0.01);
        assert!(fade(2_000.0) > 0.04 && fade(2_000.0) < 0.07);
    }

    #[test]
    fn hops_fly_by_arrival_and_those_of_one_moment_by_stage() {
        let told = vec![hop(HopKind::Deliver, 1, 0, 9), hop(HopKind::Commit, 2, 0, 5), hop(HopKind::Produce, 3, 0, 9)];
        let order: Vec<HopKind> = in_order(told).iter().map(|hop| hop.kind).collect();
        assert_eq!(order, [HopKind::Commit, HopKind::Produce, HopKind::Deliver]);
    }

    #[test]
    fn calm_returns_to_single_records() {
        let mut staging = Staging::default();
        staging.take((0..100).map(|o| hop(HopKind::Produce, o, 0, 0)).collect(), window(5_000.0, 100));
        (1..40).for_each(|i| staging.take(Vec::new(), window(5_000.0 + f64::from(i) * 200.0, 0)));
        assert_eq!(staging.crowd(), None);
        staging.take(one_record(), window(20_000.0, 4));
        assert_eq!(staging.flights().len(), 4);
    }
}
