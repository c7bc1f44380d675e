//! A record's key as a colour and a glyph, the same everywhere on the page.
//!
//! Eight Okabe–Ito colours; the glyph shifts every eight keys, so 64 keys stay apart without colour too. Records
//! without a key, and keys beyond the 64th, are grey.

use crate::app::words;
use playground_core::sorted::SortedMap;

/// Colours and glyphs there are; together they mark `MARKS * MARKS` keys.
pub const MARKS: u8 = 8;

/// How one key looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyMark {
    /// `0..8`, or 8: grey.
    pub colour: u8,
    pub glyph: Glyph,
}

impl KeyMark {
    pub const NONE: KeyMark = KeyMark { colour: MARKS, glyph: Glyph::Ring };

    /// The style class that sets `--key` and `--on-key`.
    pub fn class(self) -> &'static str {
        ["key-0", "key-1", "key-2", "key-3", "key-4", "key-5", "key-6", "key-7", "key-none"][usize::from(self.colour.min(MARKS))]
    }

    fn nth(n: u16) -> KeyMark {
        let marks = u16::from(MARKS);
        if n >= marks * marks {
            return KeyMark::NONE;
        }
        KeyMark { colour: (n % marks) as u8, glyph: Glyph::ALL[usize::from((n + n / marks) % marks)] }
    }
}

/// A small shape, drawn in a box from −1 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    Disc,
    Square,
    Triangle,
    Diamond,
    Plus,
    Wedge,
    Bar,
    Hexagon,
    /// Keyless: an empty ring, drawn as an outline.
    Ring,
}

impl Glyph {
    pub const ALL: [Glyph; MARKS as usize] =
        [Glyph::Disc, Glyph::Square, Glyph::Triangle, Glyph::Diamond, Glyph::Plus, Glyph::Wedge, Glyph::Bar, Glyph::Hexagon];

    /// Corners of the shape; the disc is a polygon fine enough for its size.
    pub fn corners(self) -> &'static [(f64, f64)] {
        match self {
            Glyph::Disc | Glyph::Ring => &DISC,
            Glyph::Square => &[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)],
            Glyph::Triangle => &[(0.0, -0.95), (0.95, 0.75), (-0.95, 0.75)],
            Glyph::Diamond => &[(0.0, -1.0), (0.9, 0.0), (0.0, 1.0), (-0.9, 0.0)],
            Glyph::Plus => &PLUS,
            Glyph::Wedge => &[(-0.95, -0.75), (0.95, -0.75), (0.0, 0.95)],
            Glyph::Bar => &[(-0.95, -0.45), (0.95, -0.45), (0.95, 0.45), (-0.95, 0.45)],
            Glyph::Hexagon => &[(0.5, -0.87), (1.0, 0.0), (0.5, 0.87), (-0.5, 0.87), (-1.0, 0.0), (-0.5, -0.87)],
        }
    }

    /// The `points` of an SVG polygon of this radius around a centre.
    pub fn points(self, x: f64, y: f64, radius: f64) -> String {
        words::points(self.corners().iter().map(|(dx, dy)| (x + dx * radius, y + dy * radius)))
    }
}

const DISC: [(f64, f64); 12] = [
    (0.95, 0.0),
    (0.823, 0.475),
    (0.475, 0.823),
    (0.0, 0.95),
    (-0.475, 0.823),
    (-0.823, 0.475),
    (-0.95, 0.0),
    (-0.823, -0.475),
    (-0.475, -0.823),
    (0.0, -0.95),
    (0.475, -0.823),
    (0.823, -0.475),
];

const PLUS: [(f64, f64); 12] = [
    (-0.35, -0.95),
    (0.35, -0.95),
    (0.35, -0.35),
    (0.95, -0.35),
    (0.95, 0.35),
    (0.35, 0.35),
    (0.35, 0.95),
    (-0.35, 0.95),
    (-0.35, 0.35),
    (-0.95, 0.35),
    (-0.95, -0.35),
    (-0.35, -0.35),
];

/// Which key has which mark: in the order the page met them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys {
    met: SortedMap<String, u16>,
}

impl Keys {
    /// Gives the key the next free mark if it has none. Beyond 64 keys nothing is kept: they are all grey.
    pub fn meet(&mut self, key: &str) {
        let next = self.met.len() as u16;
        if next < u16::from(MARKS) * u16::from(MARKS) && !self.met.contains_key(key) {
            self.met.insert(key.to_owned(), next);
        }
    }

    pub fn mark(&self, key: Option<&str>) -> KeyMark {
        key.and_then(|key| self.met.get(key)).map_or(KeyMark::NONE, |&n| KeyMark::nth(n))
    }

    pub fn len(&self) -> usize {
        self.met.len()
    }

    pub fn is_empty(&self) -> bool {
        self.met.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use playground_core::sorted::SortedSet;

    fn fleet(n: u32) -> Keys {
        let mut keys = Keys::default();
        (1..=n).for_each(|i| keys.meet(&format!("truck-{i}")));
        keys
    }

    #[test]
    fn sixty_four_keys_have_sixty_four_marks_and_the_next_is_grey() {
        let keys = fleet(65);
        let marks: SortedSet<(u8, String)> =
            (1..=64).map(|i| keys.mark(Some(&format!("truck-{i}")))).map(|mark| (mark.colour, format!("{:?}", mark.glyph))).collect();
        assert_eq!(marks.len(), 64);
        assert_eq!(keys.mark(Some("truck-65")), KeyMark::NONE);
    }

    #[test]
    fn the_ninth_key_repeats_the_colour_with_another_glyph() {
        let keys = fleet(9);
        let (first, ninth) = (keys.mark(Some("truck-1")), keys.mark(Some("truck-9")));
        assert_eq!(first.colour, ninth.colour);
        assert_ne!(first.glyph, ninth.glyph);
    }

    #[test]
    fn meeting_a_key_again_changes_nothing_and_no_key_is_grey() {
        let mut keys = fleet(3);
        let before = keys.clone();
        keys.meet("truck-2");
        assert_eq!(keys, before);
        assert_eq!(keys.mark(None), KeyMark::NONE);
    }
}
