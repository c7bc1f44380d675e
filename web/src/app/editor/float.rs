//! What lies over the page beside a thing: drawn, put where it fits, given the focus, and its lines tried.

use crate::app::editor::gestures::Hand;
use crate::app::editor::{Editor, What, form, menu};
use crate::app::page::PageHandle;
use crate::app::ui_state::UiState;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// Room left to the window's edges, in pixels.
const EDGE: i32 = 8;

#[inline(never)]
pub fn view(page: &PageHandle, ui: &UiState) -> Html {
    let Some(float) = &ui.editor.float else { return html! {} };
    let terms = ui.desk.as_ref().and_then(|desk| desk.terms.as_ref());
    let (key, class, role, label, inner) = match &float.what {
        What::Form(form) => ("form", "float float--form", "dialog", "Form", form::view(page, float, form, terms)),
        What::Menu(menu) => ("menu", "float float--menu", "region", "Menu", menu::view(page, float, menu)),
    };
    html! { <div {key} {class} role={role} aria-label={label}>{ inner }</div> }
}

/// After every drawing while something lies over the page, and once after it is gone.
#[inline(never)]
pub fn settle(page: &PageHandle, editor: &mut Editor) {
    let document = gloo::utils::document();
    let mut hand = page.hand.borrow_mut();
    let Some(float) = editor.float.as_deref_mut() else {
        if let Some(hand) = &mut *hand {
            hand.give_back();
        }
        return;
    };
    let lines = float.lines();
    if lines != float.tried {
        float.refusals.clear();
        float.question = page.try_lines(lines.clone());
        float.tried = lines;
    }
    let Some(element) = document.query_selector(".float").ok().flatten().and_then(|found| found.dyn_into::<HtmlElement>().ok()) else {
        return;
    };
    place(&element, float.at);
    let name = match &float.what {
        What::Form(form) => form.title(),
        What::Menu(menu) => menu.of.name(),
    };
    let hand = hand.get_or_insert_default();
    if hand.seen != name {
        hand.seen = name;
        hand.remember(&document);
        focus_first(&element);
    }
}

/// Below and right of the point where there is room, else moved in.
fn place(element: &HtmlElement, (x, y): (i32, i32)) {
    let window = gloo::utils::window();
    let size = |side: Result<wasm_bindgen::JsValue, _>| side.ok().and_then(|side| side.as_f64()).unwrap_or(0.0) as i32;
    let (width, height) = (size(window.inner_width()), size(window.inner_height()));
    let left = x.min(width - element.offset_width() - EDGE).max(EDGE);
    let top = y.min(height - element.offset_height() - EDGE).max(EDGE);
    // Only a read-only style refuses, and this one is not.
    let _ = element.style().set_property("--x", &format!("{left}px"));
    let _ = element.style().set_property("--y", &format!("{top}px"));
}

fn focus_first(element: &Element) {
    let first = element.query_selector("[role=menuitem], input, select").ok().flatten();
    if let Some(first) = first.and_then(|first| first.dyn_into::<HtmlElement>().ok()) {
        // Focus is a comfort: without it Esc still closes.
        let _ = first.focus();
        if let Some(input) = first.dyn_ref::<web_sys::HtmlInputElement>() {
            input.select();
        }
    }
}

impl Hand {
    fn remember(&mut self, document: &web_sys::Document) {
        let now = document.active_element().filter(|element| element.closest(".float").ok().flatten().is_none());
        if let Some(now) = now.and_then(|now| now.dyn_into::<HtmlElement>().ok()) {
            self.back = Some(now);
        }
    }

    /// The focus goes back to where it came from.
    fn give_back(&mut self) {
        self.seen.clear();
        if let Some(back) = self.back.take() {
            let _ = back.focus();
        }
    }
}
