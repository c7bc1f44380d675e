//! The dashboard's map: where its records say the trucks are, and the ways they came.
//!
//! Positions are read from the values the group's members worked on (`{"lat":…,"lon":…}`), newest per key. Nothing is
//! drawn that no record told: the ways are earlier positions, the grid is plain degrees.

use crate::app::keys::{KeyMark, Keys};
use crate::app::model::Shared;
use crate::app::words;
use playground_core::sorted::SortedMap;
use playground_core::view::GroupView;
use yew::prelude::*;

/// Earlier positions kept for each key.
const TRAIL: usize = 48;
pub const WIDTH: f64 = 220.0;
pub const HEIGHT: f64 = 124.0;
const MARGIN: f64 = 10.0;
/// The map shows at least this much of the world, in millionths of a degree.
const LEAST: f64 = 20_000.0;

/// A place on Earth, in millionths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub lat: i32,
    pub lon: i32,
}

const DEGREE: i64 = 1_000_000;

/// The number after `"name":` in a JSON text, in millionths; what is finer is cut off.
fn millionths(text: &str, name: &str) -> Option<i64> {
    let at = text.find(&format!("\"{name}\""))? + name.len() + 2;
    let rest = text[at..].trim_start().strip_prefix(':')?.trim_start().trim_start_matches('"');
    let (sign, digits) = rest.strip_prefix('-').map_or((1, rest), |digits| (-1, digits));
    let whole = digits.bytes().take_while(u8::is_ascii_digit).count();
    let fraction = digits[whole..].strip_prefix('.').unwrap_or("").bytes().take_while(u8::is_ascii_digit);
    let degrees: i64 = digits[..whole].parse().ok().filter(|n| *n <= 180)?;
    let fine = fraction.chain(std::iter::repeat(b'0')).take(6).fold(0, |n, digit| n * 10 + i64::from(digit - b'0'));
    Some(sign * (degrees * DEGREE + fine))
}

/// A position, if a value tells one.
pub fn position(value: &str) -> Option<Position> {
    let (lat, lon) = (millionths(value, "lat")?, millionths(value, "lon")?);
    (lat.abs() <= 90 * DEGREE && lon.abs() <= 180 * DEGREE).then_some(Position { lat: lat as i32, lon: lon as i32 })
}

/// What one group has seen of the trucks: newest position last, by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track {
    trails: SortedMap<String, Vec<Position>>,
    /// The newest record read from each partition.
    read: SortedMap<(String, u32), u64>,
}

/// Tracks of all groups whose records tell positions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tracks {
    groups: SortedMap<String, Track>,
    version: u64,
}

impl Tracks {
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn of(&self, group: &str) -> Option<&Track> {
        self.groups.get(group).filter(|track| !track.trails.is_empty())
    }

    /// The group that gets the map: the first whose records tell positions.
    pub fn mapped<'a>(&self, groups: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        groups.into_iter().find(|name| self.of(name).is_some())
    }

    pub fn follow(&mut self, groups: &[Shared<GroupView>]) {
        for group in groups {
            let track = self.groups.entry(group.name.clone()).or_default();
            for member in &group.members {
                for record in &member.recent {
                    let at = (member.client.clone(), record.partition);
                    if track.read.get(&at).is_some_and(|read| *read >= record.offset) {
                        continue;
                    }
                    track.read.insert(at, record.offset);
                    let (Some(key), Some(position)) = (&record.key, record.value.as_deref().and_then(position)) else { continue };
                    let trail = track.trails.entry(key.clone()).or_default();
                    trail.push(position);
                    let surplus = trail.len().saturating_sub(TRAIL);
                    trail.drain(..surplus);
                    self.version += 1;
                }
            }
        }
    }
}

/// The part of the world drawn, and how to place a position in it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    west: f64,
    north: f64,
    scale_x: f64,
    scale_y: f64,
}

impl Frame {
    fn around(positions: impl Iterator<Item = Position>) -> Option<Frame> {
        let (mut west, mut east, mut south, mut north) = (i32::MAX, i32::MIN, i32::MAX, i32::MIN);
        positions.for_each(|p| {
            (west, east) = (west.min(p.lon), east.max(p.lon));
            (south, north) = (south.min(p.lat), north.max(p.lat));
        });
        if west > east {
            return None;
        }
        let [west, east, south, north] = [west, east, south, north].map(f64::from);
        let (width, height) = ((east - west).max(LEAST), (north - south).max(LEAST));
        let (west, north) = ((west + east - width) / 2.0, (north + south + height) / 2.0);
        Some(Frame { west, north, scale_x: (WIDTH - 2.0 * MARGIN) / width, scale_y: (HEIGHT - 2.0 * MARGIN) / height })
    }

    fn place(&self, p: Position) -> (f64, f64) {
        (MARGIN + (f64::from(p.lon) - self.west) * self.scale_x, MARGIN + (self.north - f64::from(p.lat)) * self.scale_y)
    }
}

#[derive(Properties, PartialEq)]
pub struct MapProps {
    pub group: AttrValue,
    pub tracks: Shared<Tracks>,
    pub keys: Shared<Keys>,
}

/// A part of its own in Yew's tree: its many points are not placed again before a record tells a new position.
pub struct TruckMap;

impl Component for TruckMap {
    type Message = ();
    type Properties = MapProps;

    fn create(_: &Context<Self>) -> Self {
        TruckMap
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let props = ctx.props();
        let Some(track) = props.tracks.of(&props.group) else { return html! { <div class="map" /> } };
        let Some(frame) = Frame::around(track.trails.values().flatten().copied()) else { return html! { <div class="map" /> } };
        let label = format!("Map: newest position of {} keys, from records this group has processed", track.trails.len());
        html! {
            <div class="map" role="img" aria-label={label}>
                <svg class="map__picture" viewBox="0 0 220 124" aria-hidden="true">
                    <g key="grid" class="map__grid"><path d={GRID} /></g>
                    <g key="trails">{ for track.trails.iter().map(|(key, trail)| trail_line(key, trail, &frame)) }</g>
                    <g key="trucks">{ for track.trails.iter().map(|(key, trail)| truck(key, trail, &frame, props.keys.mark(Some(key)))) }</g>
                </svg>
            </div>
        }
    }
}

/// Plain degrees: four lines up, two across, evenly apart.
const GRID: &str = "M44 0V124M88 0V124M132 0V124M176 0V124M0 41H220M0 83H220";

fn trail_line(key: &str, trail: &[Position], frame: &Frame) -> Html {
    let points = words::points(trail.iter().map(|p| frame.place(*p)));
    html! { <polyline key={key.to_owned()} class="map__trail" points={points} /> }
}

fn truck(key: &str, trail: &[Position], frame: &Frame, mark: KeyMark) -> Html {
    let Some(last) = trail.last() else { return html! { <g key={key.to_owned()} /> } };
    let (x, y) = frame.place(*last);
    html! {
        <polygon key={key.to_owned()} class={classes!("map__truck", mark.class())} points={mark.glyph.points(x, y, 5.0)}>
            <title>{ key.to_owned() }</title>
        </polygon>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use playground_core::view::{DeliveredView, MemberView};

    fn delivered(offset: u64, key: &str, value: &str) -> DeliveredView {
        DeliveredView { partition: 3, offset, key: Some(key.into()), value: Some(value.into()) }
    }

    fn group(recent: Vec<DeliveredView>) -> Vec<Shared<GroupView>> {
        let member = MemberView { client: "dashboard-1".into(), recent, ..MemberView::default() };
        vec![Shared::new(GroupView { name: "dashboard".into(), members: vec![member], ..GroupView::default() })]
    }

    #[test]
    fn a_position_is_read_from_a_value() {
        let value = r#"{"truck_id":"truck-1","lat": 52.5,"lon":-13.25}"#;
        assert_eq!(position(value), Some(Position { lat: 52_500_000, lon: -13_250_000 }));
        assert_eq!(position(r#"{"lat":-0.0000019,"lon":180}"#), Some(Position { lat: -1, lon: 180_000_000 }));
        assert_eq!(position(r#"{"lat":"48.1","lon":"11.5"}"#), Some(Position { lat: 48_100_000, lon: 11_500_000 }));
    }

    #[test]
    fn a_value_without_both_or_out_of_this_world_is_none() {
        assert_eq!(position(r#"{"lat":52.5}"#), None);
        assert_eq!(position("hello"), None);
        assert_eq!(position(r#"{"lat":952.5,"lon":1}"#), None);
        assert_eq!(position(r#"{"lat":"north","lon":1}"#), None);
    }

    #[test]
    fn the_newest_record_of_a_key_is_its_place_and_none_is_taken_twice() {
        let mut tracks = Tracks::default();
        let seen = group(vec![delivered(1, "truck-1", r#"{"lat":1,"lon":1}"#), delivered(2, "truck-1", r#"{"lat":2,"lon":2}"#)]);
        tracks.follow(&seen);
        tracks.follow(&seen);
        let trail = &tracks.of("dashboard").unwrap().trails["truck-1"];
        assert_eq!(trail.as_slice(), [Position { lat: 1_000_000, lon: 1_000_000 }, Position { lat: 2_000_000, lon: 2_000_000 }]);
        assert_eq!(tracks.version(), 2);
    }

    #[test]
    fn only_a_group_that_saw_positions_gets_a_map() {
        let mut tracks = Tracks::default();
        tracks.follow(&group(vec![delivered(1, "k", "plain")]));
        assert_eq!(tracks.mapped(["dashboard"]), None);
        tracks.follow(&group(vec![delivered(2, "k", r#"{"lat":1,"lon":1}"#)]));
        assert_eq!(tracks.mapped(["other", "dashboard"]), Some("dashboard"));
    }

    #[test]
    fn every_position_lies_inside_the_frame() {
        let all = [(50, 8), (53, 13), (51, 9)].map(|(lat, lon)| Position { lat: lat * 1_000_000, lon: lon * 1_000_000 });
        let frame = Frame::around(all.into_iter()).unwrap();
        for p in all {
            let (x, y) = frame.place(p);
            assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y));
        }
        assert_eq!(Frame::around(std::iter::empty()), None);
    }
}
