//! What travels in a large cluster: a dot for each arrival the engine told of, on its straight way, and none that it did not.

use crate::app::stage::grid::Squares;
use crate::bridge::MOTE;
use web_sys::CanvasRenderingContext2d;

/// A dot's flight, in milliseconds of wall time.
const FLIGHT: f64 = 500.0;
/// Dots at once; of more arrivals every second, third, … is drawn.
const MOST: usize = 12_000;

#[derive(Clone, Copy, Debug)]
struct Dot {
    start: f64,
    partition: u32,
    other: u32,
    kind: u8,
}

#[derive(Debug, Default)]
pub struct Motes {
    dots: Vec<Dot>,
    told: f64,
}

impl Motes {
    /// Takes up what a frame told at this wall time.
    #[inline(never)]
    pub fn launch(&mut self, bytes: &[u8], wall: f64) {
        // A frame's dots leave over the time since the frame before.
        let gap = crate::within(wall - self.told, 16.0, 250.0);
        self.told = wall;
        let room = MOST.saturating_sub(self.dots.len()).max(1);
        let step = (bytes.len() / MOTE).div_ceil(room).max(1);
        for mote in bytes.chunks_exact(MOTE).step_by(step) {
            let number = |at: usize| u32::from_le_bytes([mote[at], mote[at + 1], mote[at + 2], mote[at + 3]]);
            let start = wall + (f64::from(mote[11]) * 2.0).min(gap);
            self.dots.push(Dot { start, partition: number(0), other: number(4), kind: mote[10] });
        }
    }

    pub fn clear(&mut self) {
        self.dots.clear();
    }

    /// Dots on the stage now.
    pub fn len(&self) -> usize {
        self.dots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.dots.is_empty()
    }

    /// Draws what is under way: `colours` by kind.
    #[inline(never)]
    pub fn draw(&mut self, context: &CanvasRenderingContext2d, squares: &Squares, ends: &[(f64, f64)], colours: [&str; 4], wall: f64) {
        self.dots.retain(|dot| dot.start + FLIGHT > wall);
        for kind in [1_u8, 2, 0] {
            context.set_fill_style_str(colours[usize::from(kind)]);
            let size = if kind == 1 { 2.0 } else { 3.0 };
            for dot in self.dots.iter().filter(|dot| dot.kind == kind && dot.start <= wall) {
                let Some(&here) = squares.at.get(dot.partition as usize) else { continue };
                let there = if kind == 1 { squares.brokers.get(dot.other as usize) } else { ends.get(dot.other as usize) };
                let Some(&there) = there else { continue };
                let share = (wall - dot.start) / FLIGHT;
                let share = if kind == 0 { 1.0 - share } else { share };
                let (x, y) = (here.0 + (there.0 - here.0) * share, here.1 + (there.1 - here.1) * share);
                context.fill_rect(x.floor(), y.floor(), size, size);
            }
        }
    }
}
