//! Where the stage's things are, and the ways records take between them.
//!
//! Rectangles are measured from the page when its layout changes, never per frame. Ways are right-angled: producers
//! write along the upper lane of a row, readers fetch along the lower one, and the gutters at both sides join the rows.
//! So no way ever crosses a strip.

use playground_core::sorted::SortedMap;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub fn centre(&self) -> Point {
        Point { x: (self.left + self.right) / 2.0, y: (self.top + self.bottom) / 2.0 }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// Measured places by their `data-at` name: `client:truck-1`, `copy:trucks_gps:3:102`, `strip:trucks_gps:3`, …
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Geometry {
    pub places: SortedMap<String, Rect>,
}

pub fn client_at(name: &str) -> String {
    format!("client:{name}")
}
pub fn broker_at(id: i32) -> String {
    format!("broker:{id}")
}
pub fn copy_at(topic: &str, partition: u32, broker: i32) -> String {
    format!("copy:{topic}:{partition}:{broker}")
}
pub fn strip_at(topic: &str, partition: u32) -> String {
    format!("strip:{topic}:{partition}")
}
pub fn window_at(topic: &str, partition: u32) -> String {
    format!("window:{topic}:{partition}")
}

/// Distance between the lanes and the cells of a row.
const UPPER_LANE: f64 = 5.0;

impl Geometry {
    pub fn at(&self, name: &str) -> Option<Rect> {
        self.places.get(name).copied()
    }

    /// From a producer to the end of a strip; `x` is the landing place in the strip's own coordinates.
    pub fn produce_way(&self, client: &str, topic: &str, partition: u32, x: f64) -> Option<Vec<Point>> {
        let from = self.at(&client_at(client)).or_else(|| self.at("producers:more"))?;
        let strip = self.at(&strip_at(topic, partition))?;
        let lane = strip.top + UPPER_LANE;
        let end = Point { x: self.inside_window(topic, partition, strip.left + x), y: lane };
        let mut way = self.to_gutter("gutter:in", from, true);
        way.push(Point { x: way.last()?.x, y: lane });
        way.push(end);
        way.push(Point { x: end.x, y: strip.top + super::strip::CELL_TOP + super::strip::CELL_HEIGHT / 2.0 });
        Some(way)
    }

    /// From a cell to the member that fetched it.
    pub fn deliver_way(&self, topic: &str, partition: u32, x: f64, client: &str) -> Option<Vec<Point>> {
        let strip = self.at(&strip_at(topic, partition))?;
        let to = self.at(&client_at(client))?;
        let lane = strip.top + super::strip::HEIGHT - 3.0;
        let start = self.inside_window(topic, partition, strip.left + x);
        let mut way = vec![Point { x: start, y: strip.top + super::strip::BASELINE }, Point { x: start, y: lane }];
        let mut back = self.to_gutter("gutter:out", to, false);
        way.push(Point { x: back.last()?.x, y: lane });
        back.reverse();
        way.extend(back);
        Some(way)
    }

    /// From one copy's chip to another's, in a low arc above the row's head.
    pub fn replicate_way(&self, topic: &str, partition: u32, from: i32, to: i32) -> Option<Vec<Point>> {
        let from = self.at(&copy_at(topic, partition, from))?;
        let to = self.at(&copy_at(topic, partition, to))?;
        let (a, b) = (from.centre(), to.centre());
        let lane = from.top.min(to.top) - UPPER_LANE;
        Some(vec![Point { x: a.x, y: from.top }, Point { x: a.x, y: lane }, Point { x: b.x, y: lane }, Point { x: b.x, y: to.top + 3.0 }])
    }

    /// From a member to the broker that keeps its group's bookmarks.
    pub fn commit_way(&self, client: &str, broker: i32) -> Option<Vec<Point>> {
        let from = self.at(&client_at(client))?;
        let to = self.at(&broker_at(broker))?;
        let mut way = self.to_gutter("gutter:out", from, false);
        let lane = to.bottom + 7.0;
        way.push(Point { x: way.last()?.x, y: lane });
        way.push(Point { x: to.centre().x, y: lane });
        way.push(Point { x: to.centre().x, y: to.bottom });
        Some(way)
    }

    /// From a thing beside, above or below the rows into a gutter; the last point lies in the gutter.
    pub fn to_gutter(&self, gutter: &str, from: Rect, outward_right: bool) -> Vec<Point> {
        let mid = from.centre();
        let Some(gutter) = self.at(gutter) else { return vec![mid] };
        let x = gutter.centre().x;
        let beside = if outward_right { from.right <= gutter.right } else { from.left >= gutter.left };
        if beside && mid.y + 60.0 > gutter.top {
            let edge = if outward_right { from.right } else { from.left };
            return vec![Point { x: edge, y: mid.y }, Point { x, y: mid.y }];
        }
        // The thing stands above or below the rows: leave it towards them and follow the gap between.
        let above = mid.y < gutter.centre().y;
        let (edge, gap) = if above { (from.bottom, from.bottom + 3.0) } else { (from.top, from.top - 5.0) };
        vec![Point { x: mid.x, y: edge }, Point { x: mid.x, y: gap }, Point { x, y: gap }]
    }

    /// Cells scrolled out of sight are met at the window's edge.
    fn inside_window(&self, topic: &str, partition: u32, x: f64) -> f64 {
        match self.at(&window_at(topic, partition)) {
            Some(window) => crate::within(x, window.left, window.right.max(window.left)),
            None => x,
        }
    }
}

/// A number kept between two others. Unlike `f64::clamp` it never has to print them.
pub fn within(x: f64, low: f64, high: f64) -> f64 {
    x.max(low).min(high)
}

/// The point a share of the way along, by distance.
pub fn along(way: &[Point], share: f64) -> Point {
    let length: f64 = way.windows(2).map(|w| distance(w[0], w[1])).sum();
    let mut left = length * crate::within(share, 0.0, 1.0);
    for w in way.windows(2) {
        let step = distance(w[0], w[1]);
        if left <= step && step > 0.0 {
            let t = left / step;
            return Point { x: w[0].x + (w[1].x - w[0].x) * t, y: w[0].y + (w[1].y - w[0].y) * t };
        }
        left -= step;
    }
    way.last().copied().unwrap_or_default()
}

/// Legs are level or upright, so the way is as long as its sides.
fn distance(a: Point, b: Point) -> f64 {
    (a.x - b.x).abs() + (a.y - b.y).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(left: f64, top: f64, right: f64, bottom: f64) -> Rect {
        Rect { left, top, right, bottom }
    }

    fn desk() -> Geometry {
        let places = [
            ("client:truck-1", rect(0.0, 100.0, 90.0, 124.0)),
            ("client:dashboard-1", rect(700.0, 120.0, 900.0, 160.0)),
            ("gutter:in", rect(110.0, 90.0, 120.0, 700.0)),
            ("gutter:out", rect(660.0, 90.0, 670.0, 700.0)),
            ("strip:t:3", rect(300.0, 400.0, 650.0, 452.0)),
            ("copy:t:3:101", rect(150.0, 412.0, 190.0, 432.0)),
            ("copy:t:3:102", rect(200.0, 412.0, 240.0, 432.0)),
            ("broker:102", rect(300.0, 10.0, 400.0, 60.0)),
        ];
        Geometry { places: places.into_iter().map(|(name, rect)| (name.to_owned(), rect)).collect() }
    }

    /// Every leg is level or upright.
    fn right_angled(way: &[Point]) -> bool {
        way.windows(2).all(|w| w[0].x == w[1].x || w[0].y == w[1].y)
    }

    #[test]
    fn a_record_leaves_by_the_gutter_and_enters_its_row_from_above() {
        let way = desk().produce_way("truck-1", "t", 3, 100.0).unwrap();
        assert!(right_angled(&way));
        assert_eq!(way.first(), Some(&Point { x: 90.0, y: 112.0 }));
        assert!(way.iter().any(|p| p.x == 115.0 && p.y == 405.0), "it turns into the row's upper lane in the gutter");
        assert_eq!(way.last().unwrap().x, 400.0);
    }

    #[test]
    fn readers_fetch_below_the_row_and_through_the_other_gutter() {
        let way = desk().deliver_way("t", 3, 100.0, "dashboard-1").unwrap();
        assert!(right_angled(&way));
        assert!(way[0].y > 430.0);
        assert!(way.iter().any(|p| p.x == 665.0));
        assert_eq!(way.last(), Some(&Point { x: 700.0, y: 140.0 }));
    }

    #[test]
    fn copies_travel_between_chips_and_commits_to_the_coordinator() {
        assert!(right_angled(&desk().replicate_way("t", 3, 101, 102).unwrap()));
        let commit = desk().commit_way("dashboard-1", 102).unwrap();
        assert!(right_angled(&commit));
        assert_eq!(commit.last(), Some(&Point { x: 350.0, y: 60.0 }));
    }

    #[test]
    fn on_a_narrow_page_things_above_the_rows_enter_the_gutter_from_above() {
        let mut phone = desk();
        phone.places.insert("client:truck-1".to_owned(), rect(200.0, 10.0, 230.0, 34.0));
        phone.places.insert("gutter:in".to_owned(), rect(2.0, 90.0, 8.0, 700.0));
        let way = phone.produce_way("truck-1", "t", 3, 100.0).unwrap();
        assert!(right_angled(&way));
        assert_eq!(way[0], Point { x: 215.0, y: 34.0 });
        assert!(way.iter().any(|p| p.x == 5.0));
    }

    #[test]
    fn unknown_places_have_no_way() {
        assert_eq!(desk().produce_way("truck-1", "t", 9, 0.0), None);
        assert_eq!(desk().commit_way("nobody", 102), None);
    }

    #[test]
    fn half_way_is_half_the_distance() {
        let way = [Point { x: 0.0, y: 0.0 }, Point { x: 10.0, y: 0.0 }, Point { x: 10.0, y: 30.0 }];
        assert_eq!(along(&way, 0.5), Point { x: 10.0, y: 10.0 });
        assert_eq!(along(&way, 2.0), Point { x: 10.0, y: 30.0 });
    }
}
