//! The editor without a pointer: B for the palette, arrows between the things on the stage, a key each for menu, name and removal.

use crate::app::editor::gestures::{below, rename};
use crate::app::editor::thing::{Thing, written};
use crate::app::editor::{Edit, Want};
use crate::app::page::{Click, PageHandle};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

/// True when the key was the editor's.
#[inline(never)]
pub fn heard(page: &PageHandle, event: &KeyboardEvent, target: Option<&Element>, in_field: bool) -> bool {
    let key = event.key();
    let inside = |selector: &str| target.and_then(|element| element.closest(selector).ok().flatten());
    if let Some(menu) = inside("[role=menu]") {
        return walk(&menu, "[role=menuitem]", &key);
    }
    if in_field || event.default_prevented() {
        return false;
    }
    if let Some(palette) = inside(".palette")
        && let "ArrowLeft" | "ArrowRight" | "Home" | "End" = key.as_str()
    {
        return walk(&palette, "button", &key);
    }
    if key == "b" || key == "B" {
        want(page, Want::Edit(Edit::TogglePalette));
        focus_soon(".palette__tile--next, .palette__tile");
        return true;
    }
    let Some(element) = target.filter(|element| element.closest(".stage__scroll").ok().flatten().is_some()) else { return false };
    let Some(thing) = Thing::of(element) else { return false };
    match key.as_str() {
        "ContextMenu" => want(page, Want::Menu(thing, below(element))),
        "F10" if event.shift_key() => want(page, Want::Menu(thing, below(element))),
        "F2" => rename(page, &thing, below(element)),
        "Delete" => remove(page, &thing),
        "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight" => return step(element, &key),
        _ => return false,
    }
    true
}

fn want(page: &PageHandle, want: Want) {
    page.click(Click::Edit(Box::new(want)));
}

/// A line to begin with, in the prompt and selected.
pub fn prompt(page: &PageHandle) {
    let model = page.model.borrow();
    let line = match model.mirror().user_topics().next() {
        Some(topic) => format!("kafka-topics.sh --describe --topic {}", topic.head.name),
        None => "kafka-cluster.sh cluster-id".to_owned(),
    };
    let field = gloo::utils::document().get_element_by_id("prompt").and_then(|field| field.dyn_into::<web_sys::HtmlInputElement>().ok());
    if let Some(field) = field {
        field.set_value(&line);
        let _ = field.focus();
        field.select();
    }
}

/// Once it is drawn.
fn focus_soon(selector: &'static str) {
    gloo::timers::callback::Timeout::new(30, move || {
        let found = gloo::utils::document().query_selector(selector).ok().flatten();
        if let Some(found) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
            let _ = found.focus();
        }
    })
    .forget();
}

/// The line that takes a thing away.
pub fn removal(page: &PageHandle, thing: &Thing) -> Option<String> {
    Some(match thing {
        Thing::Broker(id) => format!("remove broker {id}"),
        Thing::Topic(name) => format!("kafka-topics.sh --delete --topic {name}"),
        Thing::Client(name) => format!("remove {name}"),
        Thing::Fleet(name) => format!("remove producer {}", written(page.model.borrow().mirror(), name)),
        Thing::Group(name) => format!("remove group {name}"),
        Thing::Stage | Thing::Partition(..) | Thing::Record(..) => return None,
    })
}

fn remove(page: &PageHandle, thing: &Thing) {
    let lines: Vec<String> = removal(page, thing).into_iter().collect();
    want(page, if lines.is_empty() { Want::Nothing } else { Want::Lines(lines) });
}

fn elements(within: &Element, selector: &str) -> Vec<HtmlElement> {
    let Ok(list) = within.query_selector_all(selector) else { return Vec::new() };
    let all = (0..list.length()).filter_map(|i| list.item(i)?.dyn_into::<HtmlElement>().ok());
    all.filter(|element| element.offset_width() > 0).collect()
}

/// Up and down a list; true when the key was one for that.
fn walk(list: &Element, selector: &str, key: &str) -> bool {
    let all = elements(list, selector);
    let active = gloo::utils::document().active_element();
    let now = all.iter().position(|element| Some(element.as_ref()) == active.as_ref());
    let last = all.len().saturating_sub(1);
    let next = match key {
        "ArrowDown" | "ArrowRight" => now.map_or(0, |now| if now == last { 0 } else { now + 1 }),
        "ArrowUp" | "ArrowLeft" => now.map_or(last, |now| if now == 0 { last } else { now - 1 }),
        "Home" => 0,
        "End" => last,
        _ => return false,
    };
    all.get(next).is_some_and(|element| element.focus().is_ok())
}

/// To the nearest thing in that direction. Only where the focus can be seen: after a click → is the next event, as anywhere.
fn step(from: &Element, key: &str) -> bool {
    let seen = from.matches(":focus-visible").unwrap_or(false);
    let Some(stage) = from.closest(".stage__scroll").ok().flatten().filter(|stage| seen && stage != from) else { return false };
    let centre = |element: &Element| {
        let rect = element.get_bounding_client_rect();
        (rect.left() + rect.width() / 2.0, rect.top() + rect.height() / 2.0)
    };
    let (x, y) = centre(from);
    let away = |element: &HtmlElement| {
        let (to_x, to_y) = centre(element);
        let (ahead, aside) = match key {
            "ArrowUp" => (y - to_y, x - to_x),
            "ArrowDown" => (to_y - y, x - to_x),
            "ArrowLeft" => (x - to_x, y - to_y),
            _ => (to_x - x, y - to_y),
        };
        (ahead > 4.0).then_some(ahead + 2.0 * aside.abs())
    };
    let mut best: Option<(f64, HtmlElement)> = None;
    for element in elements(&stage, "button, [role=listbox]") {
        if let Some(way) = away(&element)
            && best.as_ref().is_none_or(|(least, _)| way < *least)
        {
            best = Some((way, element));
        }
    }
    best.is_some_and(|(_, element)| element.focus().is_ok())
}
