//! Where the squares of a heat grid stand: a square a partition, in a box for each topic or for each broker.
//!
//! Boxes fill shelves from left to right; all squares are of one size, the largest with which everything fits.

use crate::app::stage::geometry::Rect;

/// Squares are at least and at most this wide, gap included.
const SMALLEST: f64 = 3.0;
const LARGEST: f64 = 44.0;
/// Around the squares of a box, above them for its name, and between boxes.
const PAD: f64 = 5.0;
const NAME: f64 = 16.0;
const GAP: f64 = 7.0;
/// A box is wide enough for a short name.
const NARROWEST: f64 = 54.0;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    pub boxes: Vec<Rect>,
    /// For each box, the upper left corners of its squares.
    pub squares: Vec<Vec<(f64, f64)>>,
    /// Width of a square, gap included.
    pub size: f64,
    pub height: f64,
}

impl Layout {
    /// Boxes with so many squares each. Where not even the smallest squares fit, the picture is higher than `height`.
    pub fn of(counts: &[usize], width: f64, height: f64) -> Layout {
        let mut size = LARGEST;
        while size > SMALLEST && Layout::sized(counts, width, size).height > height {
            size = (size - if size > 12.0 { 1.0 } else { 0.5 }).max(SMALLEST);
        }
        Layout::sized(counts, width, size)
    }

    fn sized(counts: &[usize], width: f64, size: f64) -> Layout {
        let mut layout = Layout { size, ..Layout::default() };
        let (mut x, mut y, mut shelf) = (0.0, 0.0, 0.0_f64);
        for &count in counts {
            let most = ((width - 2.0 * PAD) / size).floor().max(1.0);
            // One box alone takes the whole width.
            let wanted = if counts.len() == 1 { most } else { (count as f64 * 1.5).sqrt().ceil() };
            let named = ((NARROWEST - 2.0 * PAD) / size).floor().min(most);
            let columns = crate::within(wanted, 1.0, most.min(count.max(1) as f64)).max(named);
            let rows = (count as f64 / columns).ceil().max(1.0);
            let (wide, high) = ((columns * size + 2.0 * PAD).max(NARROWEST), rows * size + PAD + NAME);
            if x > 0.0 && x + wide > width {
                (x, y, shelf) = (0.0, y + shelf + GAP, 0.0);
            }
            let place = |i: usize| (x + PAD + (i as f64 % columns) * size, y + NAME + (i as f64 / columns).floor() * size);
            layout.boxes.push(Rect { left: x, top: y, right: x + wide, bottom: y + high });
            layout.squares.push((0..count).map(place).collect());
            x += wide + GAP;
            shelf = shelf.max(high);
        }
        layout.height = y + shelf;
        layout
    }

    /// The box there, and the square of it.
    pub fn hit(&self, x: f64, y: f64) -> Option<(usize, Option<usize>)> {
        let at = self.boxes.iter().position(|rect| x >= rect.left && x < rect.right && y >= rect.top && y < rect.bottom)?;
        let inside = |&(left, top): &(f64, f64)| x >= left && x < left + self.size && y >= top && y < top + self.size;
        Some((at, self.squares[at].iter().position(inside)))
    }

    /// The box or square next to one in a direction, by the distance of their middles.
    pub fn beside(&self, from: (usize, Option<usize>), dx: f64, dy: f64) -> (usize, Option<usize>) {
        let (at, square) = from;
        let middles: Vec<(f64, f64)> = match square {
            Some(_) => self.squares[at].clone(),
            None => self.boxes.iter().map(|rect| (rect.centre().x, rect.centre().y)).collect(),
        };
        let here = square.unwrap_or(at);
        let Some(&(x, y)) = middles.get(here) else { return from };
        let ahead = middles.iter().enumerate().filter_map(|(i, &(ox, oy))| {
            let (along, aside) = ((ox - x) * dx + (oy - y) * dy, ((ox - x) * dy).abs() + ((oy - y) * dx).abs());
            (i != here && along > 0.5).then_some((i, along + 2.0 * aside))
        });
        let next = ahead.fold(None, |best: Option<(usize, f64)>, one| best.filter(|(_, far)| *far <= one.1).or(Some(one)));
        let next = next.map_or(here, |(i, _)| i);
        if square.is_some() { (at, Some(next)) } else { (next, None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_brokers_with_ten_thousand_partitions_fit_one_picture() {
        let layout = Layout::of(&[100; 100], 700.0, 620.0);
        assert!(layout.height <= 620.0 && layout.size >= SMALLEST);
        assert_eq!(layout.squares.iter().map(Vec::len).sum::<usize>(), 10_000);
        for (rect, squares) in layout.boxes.iter().zip(&layout.squares) {
            assert!(rect.right <= 700.0);
            assert!(squares.iter().all(|(x, y)| *x >= rect.left && x + layout.size <= rect.right + 0.1 && y + layout.size <= rect.bottom));
        }
    }

    #[test]
    fn few_partitions_get_large_squares_and_no_two_share_a_place() {
        let layout = Layout::of(&[70, 3], 700.0, 600.0);
        assert!(layout.size > 30.0);
        let mut all: Vec<(i64, i64)> = layout.squares.iter().flatten().map(|(x, y)| (*x as i64, *y as i64)).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 73);
    }

    #[test]
    fn a_point_hits_the_square_that_stands_there_and_arrows_lead_to_the_next() {
        let layout = Layout::of(&[9, 9], 400.0, 300.0);
        let (x, y) = layout.squares[1][4];
        assert_eq!(layout.hit(x + 1.0, y + 1.0), Some((1, Some(4))));
        assert_eq!(layout.hit(399.0, 299.0), None);
        assert_eq!(layout.beside((0, None), 1.0, 0.0), (1, None));
        assert_eq!(layout.beside((1, None), 1.0, 0.0), (1, None));
        assert_eq!(layout.beside((0, Some(0)), 1.0, 0.0), (0, Some(1)));
    }
}
