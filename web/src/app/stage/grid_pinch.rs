//! Two fingers on the heat grid: apart is closer, together is further.

use web_sys::{Element, Touch, TouchEvent};

/// How far two fingers are apart, and the point between them, from the corner of what they touch.
pub type Fingers = (f64, f64, f64);

/// So much further apart, or closer together, is a step.
const STEP: f64 = 1.3;

/// With one finger or none nobody pinches.
pub fn fingers(event: &TouchEvent, canvas: &Element) -> Option<Fingers> {
    let touches = event.touches();
    let at = |touch: Touch| (f64::from(touch.client_x()), f64::from(touch.client_y()));
    let ((ax, ay), (bx, by)) = (at(touches.get(0)?), at(touches.get(1)?));
    // The browser would zoom the whole page.
    event.prevent_default();
    let corner = canvas.get_bounding_client_rect();
    Some(((ax - bx).hypot(ay - by).max(1.0), (ax + bx) / 2.0 - corner.left(), (ay + by) / 2.0 - corner.top()))
}

/// How far apart the fingers were at the last step.
#[derive(Debug, Default)]
pub struct Pinch(Option<f64>);

impl Pinch {
    /// Whether that is a step closer (`true`) or further, if it is one.
    pub fn turn(&mut self, apart: Option<f64>) -> Option<bool> {
        let by = apart.zip(self.0).map(|(apart, before)| apart / before);
        if by.is_some_and(|by| (1.0 / STEP..STEP).contains(&by)) {
            return None;
        }
        self.0 = apart;
        by.map(|by| by > 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingers_that_part_come_closer_step_by_step_and_begin_anew_when_lifted() {
        let mut pinch = Pinch::default();
        let turns: Vec<Option<bool>> = [100.0, 120.0, 135.0, 150.0, 90.0].into_iter().map(|apart| pinch.turn(Some(apart))).collect();
        assert_eq!(turns, [None, None, Some(true), None, Some(false)]);
        assert_eq!(pinch.turn(None), None);
        assert_eq!(pinch.turn(Some(400.0)), None);
    }
}
