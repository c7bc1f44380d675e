//! Ways between boxes. Records leave a box sideways into the gap between columns and change rows in the gaps above and below, so no
//! way crosses another broker's box.

use crate::app::model::{Mirror, Model};
use crate::app::stage::geometry::{Geometry, Point, Rect, broker_at, client_at};
use crate::app::stage::strip::Strip;
use playground_core::view::{HopKind, HopView, PartitionView, Place};

/// A copy's own coordinates.
pub const TOP: f64 = 3.0;
pub const CELL: f64 = 21.0;
pub const BAND: f64 = 8.0;
pub const HEIGHT: f64 = TOP + CELL + 3.0;
/// Room after the last cell, where the high watermark stands.
const TRAIL: f64 = 8.0;
/// Half of the gap between two boxes.
const GAP: f64 = 5.0;

/// The cells of one copy of a partition: `cells:trucks_gps:3:102`.
pub fn cells_at(topic: &str, partition: u32, broker: i32) -> String {
    format!("cells:{topic}:{partition}:{broker}")
}

/// What of a partition stands in a row of this room: the same offsets in every copy's, so that one that is behind ends earlier.
pub fn cells_of(partition: &PartitionView, newest: u64, room: f64) -> Strip {
    let end = partition.copies.iter().map(|copy| copy.log_end).filter(|end| *end > partition.log_end).fold(newest, u64::max);
    let whole = Strip::of(0, end);
    let fit = ((room - whole.x(whole.first) - TRAIL) / whole.cell).floor().max(1.0) as u64;
    Strip { first: end.saturating_sub(fit).max(partition.log_start.min(end)), ..whole }
}

/// The way of a hop, between the things as they stand in cluster view.
#[inline(never)]
pub fn way(geometry: &Geometry, model: &Model, hop: &HopView) -> Option<Vec<Point>> {
    match (hop.kind, &hop.from, &hop.to) {
        (HopKind::Produce, Place::Client(client), Place::Broker(to)) => {
            let from = geometry.at(&client_at(client)).or_else(|| geometry.at("producers:more"))?;
            let mut way = geometry.to_gutter("gutter:in", from, true);
            let (shell, at) = (geometry.at(&broker_at(*to))?, spot(geometry, model, hop, *to)?);
            way.extend(enter(*way.last()?, shell, at));
            Some(way)
        }
        (HopKind::Replicate, Place::Broker(from), Place::Broker(to)) => {
            let (a, b) = (spot(geometry, model, hop, *from)?, spot(geometry, model, hop, *to)?);
            Some(between((geometry.at(&broker_at(*from))?, a), (geometry.at(&broker_at(*to))?, b)))
        }
        (HopKind::Deliver, Place::Broker(from), Place::Client(client)) => {
            let mut back = geometry.to_gutter("gutter:out", geometry.at(&client_at(client))?, false);
            let (shell, at) = (geometry.at(&broker_at(*from))?, spot(geometry, model, hop, *from)?);
            back.extend(enter(*back.last()?, shell, at));
            back.reverse();
            Some(back)
        }
        (HopKind::Commit, Place::Client(client), Place::Broker(to)) => geometry.commit_way(client, *to),
        _ => None,
    }
}

/// Where a hop's first record stands in a copy of its partition.
fn spot(geometry: &Geometry, model: &Model, hop: &HopView, broker: i32) -> Option<Point> {
    let rect = geometry.at(&cells_at(&hop.topic, hop.partition, broker))?;
    let partition = model.mirror().partition(&hop.topic, hop.partition)?;
    let newest = model.staging.shown_end(&hop.topic, hop.partition, partition.log_end);
    let strip = cells_of(partition, newest, rect.right - rect.left);
    let x = hop.offset.map_or(strip.x(strip.end), |offset| strip.x(offset) + strip.cell / 2.0);
    Some(Point { x: crate::within(rect.left + x, rect.left, rect.right), y: rect.top + TOP + CELL / 2.0 })
}

/// From a gutter beside all boxes to a place inside one: along the gap above it, down beside it, and in.
fn enter(from: Point, shell: Rect, at: Point) -> Vec<Point> {
    let side = if from.x < shell.left { shell.left - GAP } else { shell.right + GAP };
    if (side - from.x).abs() < 4.0 * GAP {
        return vec![Point { x: from.x, y: at.y }, at];
    }
    let gap = shell.top - GAP;
    vec![Point { x: from.x, y: gap }, Point { x: side, y: gap }, Point { x: side, y: at.y }, at]
}

/// From a place in one box to a place in another.
fn between((a, from): (Rect, Point), (b, to): (Rect, Point)) -> Vec<Point> {
    let (out, into) = match () {
        () if b.left > a.right => (a.right + GAP, b.left - GAP),
        () if b.right < a.left => (a.left - GAP, b.right + GAP),
        () => (a.left - GAP, b.left - GAP),
    };
    let gap = if b.top > a.bottom { a.bottom + GAP } else { a.top - GAP };
    let mut way = vec![from, Point { x: out, y: from.y }];
    if (out - into).abs() > 2.0 * GAP {
        way.extend([Point { x: out, y: gap }, Point { x: into, y: gap }]);
    }
    way.extend([Point { x: into, y: to.y }, to]);
    way
}

/// A link that somebody made worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    pub way: Vec<Point>,
    /// The middle of its longest leg.
    pub at: Point,
    /// `cut`, `slow 200ms 101 → 102`.
    pub words: String,
}

/// The links in trouble between things that stand on the stage.
#[inline(never)]
pub fn troubles(geometry: &Geometry, mirror: &Mirror) -> Vec<Trouble> {
    let mut all: Vec<Trouble> = Vec::new();
    for (line, _) in &mirror.in_force {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((from, to, one_way, rest)) = parted(&words) else { continue };
        let ends = if one_way { format!("{from} → {to}") } else { String::new() };
        let text: Vec<&str> = words[..1].iter().chain(rest).copied().chain((one_way).then_some(ends.as_str())).collect();
        for a in meant(mirror, from) {
            for b in meant(mirror, to) {
                let Some((a, b)) = geometry.at(&a).zip(geometry.at(&b)).filter(|(a, b)| a != b) else { continue };
                let way = link(a, b);
                if !all.iter().any(|other| other.way.first() == way.last() && other.way.last() == way.first()) {
                    all.push(Trouble { at: middle(&way), way, words: text.join(" ") });
                }
            }
        }
    }
    all
}

type Parted<'w> = (&'w str, &'w str, bool, &'w [&'w str]);

/// `cut 101 102`, `slow 101>102 200ms`: from, to, one way alone, and what else is said.
fn parted<'w>(words: &'w [&'w str]) -> Option<Parted<'w>> {
    let [verb, first, rest @ ..] = words else { return None };
    if !["cut", "slow", "lose", "duplicate"].contains(verb) {
        return None;
    }
    match (first.split_once('>'), rest) {
        (Some((from, to)), rest) => Some((from, to, true, rest)),
        (None, [second, rest @ ..]) => Some((first, second, false, rest)),
        (None, []) => None,
    }
}

/// Places of what a line's word means.
fn meant(mirror: &Mirror, word: &str) -> Vec<String> {
    match word {
        "brokers" => mirror.brokers.iter().map(|broker| broker_at(broker.id)).collect(),
        "controllers" | "zookeeper" => mirror.controllers.voters.iter().map(|id| broker_at(*id)).collect(),
        _ if word.parse::<i32>().is_ok() => vec![format!("broker:{word}")],
        _ => vec![client_at(word)],
    }
}

/// Between two things, in the gaps: over neighbours in a row, else from the lower side of one to the upper side of the other.
fn link(a: Rect, b: Rect) -> Vec<Point> {
    let inset = |of: Rect| 24.0_f64.min((of.right - of.left) / 2.0);
    if (a.top - b.top).abs() < 20.0 {
        let (left, right) = if a.left < b.left { (a, b) } else { (b, a) };
        let (from, to, y) = (left.right - inset(left), right.left + inset(right), a.top - GAP - 1.0);
        return vec![Point { x: from, y: left.top }, Point { x: from, y }, Point { x: to, y }, Point { x: to, y: right.top }];
    }
    let (upper, lower) = if a.top < b.top { (a, b) } else { (b, a) };
    let (from, to, y) = (upper.centre().x, lower.centre().x, lower.top - GAP - 1.0);
    vec![Point { x: from, y: upper.bottom }, Point { x: from, y }, Point { x: to, y }, Point { x: to, y: lower.top }]
}

fn middle(way: &[Point]) -> Point {
    let length = |leg: &[Point]| (leg[0].x - leg[1].x).abs() + (leg[0].y - leg[1].y).abs();
    let longest = way.windows(2).fold(None, |best: Option<&[Point]>, leg| match best {
        Some(best) if length(best) >= length(leg) => Some(best),
        _ => Some(leg),
    });
    longest.map_or(Point::default(), |leg| Point { x: (leg[0].x + leg[1].x) / 2.0, y: (leg[0].y + leg[1].y) / 2.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(left: f64, top: f64) -> Rect {
        Rect { left, top, right: left + 200.0, bottom: top + 300.0 }
    }

    fn right_angled(way: &[Point]) -> bool {
        way.windows(2).all(|w| w[0].x == w[1].x || w[0].y == w[1].y)
    }

    #[test]
    fn a_way_between_boxes_is_right_angled_and_crosses_no_third() {
        let (a, middle, c) = (rect(0.0, 20.0), rect(210.0, 20.0), rect(420.0, 20.0));
        let way = between((a, Point { x: 100.0, y: 90.0 }), (c, Point { x: 500.0, y: 150.0 }));
        assert!(right_angled(&way));
        let inside = |p: &Point| p.x > middle.left && p.x < middle.right && p.y > middle.top;
        assert!(!way.iter().any(inside) && way.iter().any(|p| p.y < middle.top));
    }

    #[test]
    fn neighbours_meet_in_the_gap_between_them() {
        let way = between((rect(0.0, 20.0), Point { x: 100.0, y: 90.0 }), (rect(210.0, 20.0), Point { x: 300.0, y: 90.0 }));
        assert!(way.iter().all(|p| p.y == 90.0));
    }

    #[test]
    fn from_the_gutter_the_first_box_is_entered_at_once_and_another_over_the_gap() {
        let gutter = Point { x: -10.0, y: 400.0 };
        assert_eq!(enter(gutter, rect(0.0, 20.0), Point { x: 60.0, y: 90.0 }).len(), 2);
        assert!(enter(gutter, rect(210.0, 20.0), Point { x: 260.0, y: 90.0 }).iter().any(|p| p.y < 20.0));
    }

    #[test]
    fn a_line_in_force_tells_both_ends() {
        assert_eq!(parted(&["cut", "101", "102"]), Some(("101", "102", false, &[][..])));
        assert_eq!(parted(&["slow", "101>102", "200ms"]), Some(("101", "102", true, &["200ms"][..])));
        assert_eq!(parted(&["pause", "101"]), None);
    }

    #[test]
    fn every_copy_shows_the_same_offsets_and_one_that_went_on_alone_its_own() {
        use playground_core::view::ReplicaView;
        let copy = |broker, log_end| ReplicaView { broker, log_end, ..ReplicaView::default() };
        let partition = PartitionView { log_end: 100, copies: vec![copy(101, 100), copy(102, 90)], ..PartitionView::default() };
        let strip = cells_of(&partition, 100, 200.0);
        assert_eq!(strip.end, 100);
        assert!(strip.x(strip.end) + TRAIL <= 200.0);
        let ahead = PartitionView { copies: vec![copy(101, 104)], ..partition };
        assert_eq!(cells_of(&ahead, 100, 200.0).end, 104);
    }
}
