//! Where things stand on a partition's strip: cells, bookmarks between cells, the high-watermark bar.
//!
//! Pure arithmetic, shared by the picture in SVG and the records that fly to it.

use std::ops::Range;

/// Newest cells drawn; older ones stay in the log and in the numbers.
pub const CELLS: u64 = 48;
/// The strip's own coordinates: a lane for arriving records above, cells, then a lane for bookmarks below.
pub const CELL_TOP: f64 = 9.0;
pub const CELL_HEIGHT: f64 = 26.0;
pub const BASELINE: f64 = CELL_TOP + CELL_HEIGHT + 1.0;
pub const HEIGHT: f64 = BASELINE + 14.0;
/// Room before the first cell and after the last, where bookmarks at the end stand.
pub const LEAD: f64 = 3.0;
const TRAIL: f64 = 20.0;
/// A bookmark's letter box, and what it moves aside when another stands at the same place.
pub const FLAG: f64 = 15.0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strip {
    /// Offset of the first cell drawn.
    pub first: u64,
    /// One past the last cell drawn.
    pub end: u64,
    /// Width of a cell: enough for the digits of its offset, never under a comfortable target.
    pub cell: f64,
}

impl Strip {
    /// The strip of a log whose newest known cells begin at `oldest` and that ends at `end`.
    pub fn of(oldest: u64, end: u64) -> Strip {
        let digits = end.saturating_sub(1).max(1).ilog10() + 1;
        let cell = (f64::from(digits) * 6.7 + 3.5).max(24.0);
        Strip { first: oldest.max(end.saturating_sub(CELLS)).min(end), end, cell }
    }

    /// Left edge of the cell with this offset: where a bookmark to it stands. Offsets outside are kept at the edges.
    pub fn x(&self, offset: u64) -> f64 {
        let cells = offset.clamp(self.first, self.end) - self.first;
        LEAD + cells as f64 * self.cell
    }

    /// Offsets of the cells that stand whole in a window of this room, scrolled back so far from the strip's end.
    /// Without a measured room (before the first layout) all of them.
    pub fn in_sight(&self, width: f64, room: f64, scrolled: f64) -> Range<u64> {
        if room <= 0.0 || width <= room {
            return self.first..self.end;
        }
        let right = width - crate::within(scrolled, 0.0, width - room);
        let left = right - room;
        let from = self.first + ((left - LEAD) / self.cell - 0.01).ceil().max(0.0) as u64;
        let to = self.first + ((right - LEAD) / self.cell + 0.01).floor().max(0.0) as u64;
        from.min(self.end)..to.clamp(from.min(self.end), self.end)
    }

    /// Width of the whole strip. Wider than its room, it ends so that whole cells stand in the room's left edge.
    pub fn width(&self, flags: usize, room: f64) -> f64 {
        let trail = TRAIL.max(flags as f64 * FLAG + 4.0);
        let natural = self.x(self.end) + trail;
        let cells = ((room - LEAD - trail) / self.cell).floor();
        if natural <= room || cells < 1.0 { natural } else { self.x(self.end) + room - LEAD - cells * self.cell }
    }
}

/// Bookmarks at one place stand beside each other: the shift of each, in the order given.
pub fn flag_shifts(at: &[f64]) -> Vec<f64> {
    (0..at.len()).map(|i| at[..i].iter().filter(|x| (**x - at[i]).abs() < FLAG).count() as f64 * FLAG).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_edge_to_edge_and_bookmarks_between_them() {
        let strip = Strip::of(0, 10);
        assert_eq!(strip.x(0), LEAD);
        assert_eq!(strip.x(4) - strip.x(3), strip.cell);
        assert!(strip.width(2, 0.0) > strip.x(10) + 2.0 * FLAG);
    }

    #[test]
    fn only_the_newest_cells_are_drawn_and_older_bookmarks_wait_at_the_edge() {
        let strip = Strip::of(0, 1_000);
        assert_eq!((strip.first, strip.end), (1_000 - CELLS, 1_000));
        assert_eq!(strip.x(3), LEAD);
    }

    #[test]
    fn long_offsets_get_wider_cells() {
        assert_eq!(Strip::of(0, 999).cell, 24.0);
        assert!(Strip::of(123_450, 123_456).cell > 40.0);
    }

    #[test]
    fn only_whole_cells_are_in_sight() {
        let strip = Strip::of(0, 40);
        let width = strip.width(2, 250.0);
        assert_eq!(strip.in_sight(strip.width(2, 2_000.0), 2_000.0, 0.0), 0..40);
        let seen = strip.in_sight(width, 250.0, 0.0);
        assert_eq!(seen.end, 40);
        assert!((strip.x(seen.start) - LEAD - (width - 250.0)).abs() < 0.01, "the first stands at the left edge");
        let back = strip.in_sight(width, 250.0, 100_000.0);
        assert_eq!(back.start, 0);
        assert!(strip.x(back.end) <= 250.0);
    }

    #[test]
    fn an_empty_log_has_no_cells() {
        let strip = Strip::of(0, 0);
        assert_eq!(strip.first, strip.end);
        assert_eq!(strip.x(0), LEAD);
    }

    #[test]
    fn bookmarks_at_one_place_stand_beside_each_other() {
        assert_eq!(flag_shifts(&[10.0, 10.0, 200.0]), [0.0, FLAG, 0.0]);
    }
}
