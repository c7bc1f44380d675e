//! The hand on the picture: right click and long press for a menu, double click for a name, and drags: a tool onto the stage, a line from
//! who writes or reads to a topic. All of it can be done by menu and keyboard too.

use crate::app::editor::form::Tool;
use crate::app::editor::menu::subscription;
use crate::app::editor::palette::tool_of;
use crate::app::editor::thing::{Thing, written};
use crate::app::editor::{Edit, Spot, Want};
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::Act;
use gloo::events::{EventListener, EventListenerOptions};
use gloo::timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent, PointerEvent};

/// Nearer than this to where it began, in pixels, a drag is a click.
const SLACK: i32 = 6;
/// A finger that rests so long asks for the menu, in milliseconds.
const LONG: u32 = 550;

/// What the hand holds.
#[derive(Default)]
pub struct Hand {
    drag: Option<Drag>,
    rest: Option<Timeout>,
    listeners: Vec<EventListener>,
    /// Where the focus was before something lay over the page, and what lies there.
    pub back: Option<HtmlElement>,
    pub seen: String,
}

struct Drag {
    what: Held,
    from: Spot,
    /// The picture of it; there once the drag has begun.
    ghost: Option<Ghost>,
    target: Option<Element>,
}

#[derive(Clone)]
enum Held {
    Tool(Tool),
    /// A line from this thing.
    Line(Thing),
}

struct Ghost {
    element: Element,
}

impl Drop for Ghost {
    fn drop(&mut self) {
        self.element.remove();
    }
}

fn want(page: &PageHandle, want: Want) {
    page.click(Click::Edit(Box::new(want)));
}

/// Just below an element.
pub fn below(element: &Element) -> Spot {
    let whole = element.closest("button").ok().flatten().unwrap_or_else(|| element.clone());
    let rect = whole.get_bounding_client_rect();
    (rect.left() as i32, rect.bottom() as i32 + 6)
}

#[inline(never)]
pub fn heard(page: &PageHandle, event: &web_sys::Event) {
    if event.type_() == "languagechange" {
        // Sentences that are put together anew in their language.
        return page.act(Act::Copied(None));
    }
    let (Some(mouse), Some(target)) = (event.dyn_ref::<MouseEvent>(), event.target().and_then(|target| target.dyn_into::<Element>().ok()))
    else {
        return;
    };
    let at = (mouse.client_x(), mouse.client_y());
    let thing = Thing::of(&target);
    match (event.type_().as_str(), thing) {
        ("contextmenu", Some(thing)) => {
            event.prevent_default();
            drop_all(page);
            want(page, Want::Menu(thing, if at == (0, 0) { below(&target) } else { at }));
        }
        ("dblclick", Some(thing)) => rename(page, &thing, at),
        ("pointerdown", thing) => {
            if target.closest(".float").ok().flatten().is_none() {
                want(page, Want::Edit(Edit::Close));
            }
            if let Some(pointer) = event.dyn_ref::<PointerEvent>().filter(|pointer| pointer.button() == 0) {
                press(page, pointer, &target, thing);
            }
        }
        _ => {}
    }
}

/// What has a name of its own choosing gets a form for another.
pub fn rename(page: &PageHandle, thing: &Thing, at: Spot) {
    let name = match thing.whole(page.model.borrow().mirror()) {
        Thing::Topic(name) | Thing::Group(name) => name,
        Thing::Fleet(name) => written(page.model.borrow().mirror(), &name),
        _ => return,
    };
    want(page, Want::Rename(name, at));
}

fn press(page: &PageHandle, pointer: &PointerEvent, target: &Element, thing: Option<Thing>) {
    let at = (pointer.client_x(), pointer.client_y());
    let what = match (tool_of(target), thing) {
        (Some(tool), _) => Held::Tool(tool),
        (None, Some(thing)) if pointer.pointer_type() == "touch" => return rest(page, thing, at),
        (None, Some(Thing::Stage) | None) => return,
        (None, Some(thing)) => Held::Line(thing),
    };
    let mut hand = page.hand.borrow_mut();
    let hand = hand.get_or_insert_default();
    hand.drag = Some(Drag { what, from: at, ghost: None, target: None });
    hand.listeners = follow(page, &["pointermove", "pointerup", "pointercancel"]);
}

/// A finger that stays where it is asks for the menu.
fn rest(page: &PageHandle, thing: Thing, at: Spot) {
    let waiting = page.clone();
    let timer = Timeout::new(LONG, move || {
        drop_all(&waiting);
        want(&waiting, Want::Menu(thing, at));
    });
    let mut hand = page.hand.borrow_mut();
    let hand = hand.get_or_insert_default();
    hand.rest = Some(timer);
    hand.listeners = follow(page, &["pointermove", "pointerup", "pointercancel", "scroll"]);
}

fn follow(page: &PageHandle, kinds: &[&'static str]) -> Vec<EventListener> {
    let listen = |kind: &&'static str| {
        let page = page.clone();
        let options = EventListenerOptions { phase: gloo::events::EventListenerPhase::Capture, passive: true };
        EventListener::new_with_options(&gloo::utils::document(), *kind, options, move |event| {
            let page = page.clone();
            match event.dyn_ref::<PointerEvent>() {
                Some(pointer) if event.type_() == "pointermove" => moved(&page, pointer),
                Some(pointer) if event.type_() == "pointerup" => released(&page, pointer),
                _ => drop_all(&page),
            }
        })
    };
    kinds.iter().map(listen).collect()
}

/// Nothing is held any more. The listeners end in a task of their own: one of them may be running.
fn drop_all(page: &PageHandle) {
    let mut hand = page.hand.borrow_mut();
    let Some(hand) = &mut *hand else { return };
    if let Some(Drag { target: Some(target), .. }) = &hand.drag {
        let _ = target.remove_attribute("data-target");
    }
    hand.drag = None;
    hand.rest = None;
    let listeners = std::mem::take(&mut hand.listeners);
    Timeout::new(0, move || drop(listeners)).forget();
}

fn moved(page: &PageHandle, pointer: &PointerEvent) {
    let at = (pointer.client_x(), pointer.client_y());
    let mut hand = page.hand.borrow_mut();
    let Some(hand) = &mut *hand else { return };
    let Some(drag) = &mut hand.drag else {
        // A finger that moves scrolls.
        return hand.rest = None;
    };
    let far = (at.0 - drag.from.0).abs().max((at.1 - drag.from.1).abs()) > SLACK;
    if drag.ghost.is_none() && far {
        drag.ghost = ghost(&drag.what);
    }
    let Some(ghost) = &drag.ghost else { return };
    draw(ghost, &drag.what, drag.from, at);
    let under = under(at).filter(|element| fits(&drag.what, Thing::of(element).as_ref()));
    let target = under.and_then(|element| element.closest("[data-at], .stage").ok().flatten());
    if target != drag.target {
        if let Some(old) = &drag.target {
            let _ = old.remove_attribute("data-target");
        }
        if let Some(new) = &target {
            let _ = new.set_attribute("data-target", "");
        }
        drag.target = target;
    }
}

fn under((x, y): Spot) -> Option<Element> {
    gloo::utils::document().element_from_point(x as f32, y as f32)
}

fn released(page: &PageHandle, pointer: &PointerEvent) {
    let at = (pointer.client_x(), pointer.client_y());
    let held = page
        .hand
        .borrow_mut()
        .as_mut()
        .and_then(|hand| hand.drag.as_mut())
        .filter(|drag| drag.ghost.is_some())
        .map(|drag| drag.what.clone());
    drop_all(page);
    let Some(what) = held else { return };
    swallow_click();
    let onto = under(at).and_then(|element| Thing::of(&element));
    match (what, onto) {
        (Held::Tool(tool), Some(onto)) => want(page, Want::Add(tool, at, Some(onto))),
        (Held::Line(from), Some(onto)) => {
            let lines: Vec<String> = connection(page, &from, &onto).into_iter().collect();
            want(page, if lines.is_empty() { Want::Nothing } else { Want::Lines(lines) });
        }
        _ => {}
    }
}

/// The click that ends a drag is none.
fn swallow_click() {
    let options = EventListenerOptions { phase: gloo::events::EventListenerPhase::Capture, passive: false };
    let once = EventListener::once_with_options(&gloo::utils::document(), "click", options, |event| {
        event.stop_propagation();
        event.prevent_default();
    });
    // Where the drag ended on another element, no click comes.
    Timeout::new(50, move || drop(once)).forget();
}

fn topic(thing: &Thing) -> Option<&String> {
    match thing {
        Thing::Topic(topic) | Thing::Partition(topic, _) | Thing::Record(topic, ..) => Some(topic),
        _ => None,
    }
}

/// Could it be dropped there?
fn fits(what: &Held, onto: Option<&Thing>) -> bool {
    match (what, onto) {
        (_, None) => false,
        (Held::Tool(_), Some(_)) => true,
        (Held::Line(from), Some(onto)) => {
            (topic(from).is_some() && matches!(onto, Thing::Group(_) | Thing::Client(_) | Thing::Fleet(_)))
                || (topic(from).is_none() && topic(onto).is_some())
        }
    }
}

/// The line that connects two things: who writes where, who reads what.
pub fn connection(page: &PageHandle, one: &Thing, other: &Thing) -> Option<String> {
    let model = page.model.borrow();
    let (topic, client) = match (topic(one), topic(other)) {
        (Some(topic), None) => (topic, other),
        (None, Some(topic)) => (topic, one),
        _ => return None,
    };
    match client.whole(model.mirror()) {
        Thing::Group(group) => {
            let reads = model.mirror().groups.iter().any(|view| view.name == group && view.offsets.contains_key(topic));
            (!reads).then(|| subscription(&group, model.mirror(), topic))
        }
        Thing::Fleet(fleet) => Some(format!("set {} topic={topic}", written(model.mirror(), &fleet))),
        _ => None,
    }
}

fn ghost(what: &Held) -> Option<Ghost> {
    let document = gloo::utils::document();
    let element = match what {
        Held::Tool(tool) => {
            let element = document.create_element("div").ok()?;
            element.set_class_name("ghost");
            element.set_text_content(Some(tool.word()));
            element
        }
        Held::Line(_) => {
            let space = Some("http://www.w3.org/2000/svg");
            let svg = document.create_element_ns(space, "svg").ok()?;
            let path = document.create_element_ns(space, "path").ok()?;
            svg.set_attribute("class", "ghost-line").ok()?;
            svg.append_child(&path).ok()?;
            svg
        }
    };
    element.set_attribute("aria-hidden", "true").ok()?;
    document.body()?.append_child(&element).ok()?;
    Some(Ghost { element })
}

fn draw(ghost: &Ghost, what: &Held, from: Spot, to: Spot) {
    match what {
        Held::Tool(_) => {
            if let Some(element) = ghost.element.dyn_ref::<HtmlElement>() {
                // Only a read-only style refuses, and this one is not.
                let _ = element.style().set_property("--x", &format!("{}px", to.0));
                let _ = element.style().set_property("--y", &format!("{}px", to.1));
            }
        }
        Held::Line(_) => {
            if let Some(path) = ghost.element.first_element_child() {
                let middle = (from.0 + to.0) / 2;
                let _ = path.set_attribute("d", &format!("M{} {}C{middle} {} {middle} {} {} {}", from.0, from.1, from.1, to.1, to.0, to.1));
            }
        }
    }
}
