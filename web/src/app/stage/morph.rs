//! Turning from one view to the other: what stands in both moves to its new place, so that it is seen to be the same thing.

use crate::app::stage::geometry::Rect;
use js_sys::{Array, Object, Reflect};
use playground_core::sorted::SortedMap;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;
use yew::NodeRef;

/// Nothing takes longer, in milliseconds.
const LENGTH: f64 = 340.0;

/// Where things stood, by name.
pub type Places = Vec<(String, Rect)>;

fn named(view: &NodeRef) -> Vec<(String, Element)> {
    let found = view.cast::<Element>().and_then(|view| view.query_selector_all("[data-at]").ok());
    let Some(found) = found else { return Vec::new() };
    let all = (0..found.length()).filter_map(|i| found.item(i)?.dyn_into::<Element>().ok());
    all.filter_map(|element| Some((element.get_attribute("data-at")?, element))).collect()
}

fn place(element: &Element) -> Rect {
    let rect = element.get_bounding_client_rect();
    Rect { left: rect.left(), top: rect.top(), right: rect.right(), bottom: rect.bottom() }
}

/// Where everything with a name stands now; nothing where motion is not wanted.
#[inline(never)]
pub fn places(view: &NodeRef) -> Places {
    let reduced = gloo::utils::window().match_media("(prefers-reduced-motion: reduce)").ok().flatten();
    if reduced.is_some_and(|reduced| reduced.matches()) {
        return Vec::new();
    }
    named(view).into_iter().map(|(name, element)| (name, place(&element))).collect()
}

/// Lets everything come from where it, or what it is a copy of, stood before.
#[inline(never)]
pub fn play(view: &NodeRef, before: &Places) {
    let before: SortedMap<&str, Rect> = before.iter().map(|(name, rect)| (name.as_str(), *rect)).collect();
    for (name, element) in named(view) {
        let moves = ["client:", "broker:", "copy:", "window:", "cells:"].iter().any(|kind| name.starts_with(kind));
        let was = before.get(name.as_str()).or_else(|| before.get(origin(&name)?.as_str()));
        if let (true, Some(was)) = (moves, was) {
            fly(&element, *was, place(&element));
        }
    }
}

/// A copy's cells come out of the strip of its partition.
fn origin(name: &str) -> Option<String> {
    let (partition, _) = name.strip_prefix("cells:")?.rsplit_once(':')?;
    Some(format!("window:{partition}"))
}

fn fly(element: &Element, was: Rect, is: Rect) {
    let (width, height) = (is.right - is.left, is.bottom - is.top);
    if was == is || width <= 0.0 || height <= 0.0 {
        return;
    }
    // Things are moved, and shrunk or stretched no more than they can bear.
    let (dx, dy) = (was.left - is.left, was.top - is.top);
    let number = |x: f64| crate::app::words::coordinate(x);
    let from = [("transform", format!("translate({}px, {}px)", number(dx), number(dy))), ("opacity", "0.35".to_owned())];
    let to = [("transform", "none".to_owned()), ("opacity", "1".to_owned())];
    let frame = |fields: &[(&str, String)]| {
        let frame = Object::new();
        fields.iter().for_each(|(name, value)| _ = Reflect::set(&frame, &(*name).into(), &value.into()));
        frame
    };
    let options = Object::new();
    let _ = Reflect::set(&options, &"duration".into(), &LENGTH.into());
    let _ = Reflect::set(&options, &"easing".into(), &"cubic-bezier(0.3, 0, 0.2, 1)".into());
    // Where the browser cannot, things stand in their new places at once.
    if let Ok(animate) = Reflect::get(element, &JsValue::from_str("animate")).and_then(|f| f.dyn_into::<js_sys::Function>()) {
        let _ = animate.call2(element, &Array::of2(&frame(&from), &frame(&to)), &options);
    }
}
