//! The canvas of moving records, outside Yew's tree.
//!
//! Draws the flights of [`super::staging`] along the ways of [`super::geometry`]. A square is a record (its key's colour,
//! a number when it stands for several), a letter box is a committed bookmark. With reduced motion nothing travels: what
//! was reached lights up. In a crowd, lines stand for rates.

use crate::app::keys::KeyMark;
use crate::app::model::{Model, Shared};
use crate::app::stage::boxed;
use crate::app::stage::geometry::{Geometry, Point, Rect, along, broker_at, client_at, copy_at};
use crate::app::stage::grid::Squares;
use crate::app::stage::groups::letters;
use crate::app::stage::staging::Flight;
use crate::app::stage::strip::Strip;
use crate::app::widgets::Watch;
use gloo::events::{EventListener, EventListenerOptions};
use js_sys::Array;
use playground_core::view::{ClientKind, ClientView, HopKind, HopView, Place};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    CanvasRenderingContext2d, Element, HtmlCanvasElement, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit,
    MediaQueryList,
};

/// How long a reached place stays lit, in milliseconds.
const GLOW: f64 = 320.0;

/// Colours as the style sheets resolve them now.
#[derive(Clone, Debug, Default)]
struct Colours {
    keys: Vec<String>,
    ink: String,
    paper: String,
    flow: String,
    damage: String,
    quiet: String,
}

struct Glow {
    place: String,
    colour: u8,
    until: f64,
}

/// The elements drawn on and measured, with the observers that tell when the layout changed.
struct Mounted {
    view: Element,
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    reduced: MediaQueryList,
    edges: Option<Edges>,
    _watch: Watch,
    _scrolled: EventListener,
}

/// Things the scrolled stage would cut in two fade out instead: `data-cut` marks them.
struct Edges {
    observer: IntersectionObserver,
    _seen: Closure<dyn FnMut(Array)>,
}

impl Edges {
    const THINGS: &'static str = ".row, .broker, .pill, .member, .group__head, .feed__head, .feed__item, .internal, .column-head";

    fn of() -> Option<Edges> {
        let seen = Closure::<dyn FnMut(Array)>::new(|entries: Array| {
            entries.iter().filter_map(|entry| entry.dyn_into::<IntersectionObserverEntry>().ok()).for_each(|entry| {
                let _ = entry.target().toggle_attribute_with_force("data-cut", entry.intersection_ratio() < 0.95);
            });
        });
        let options = IntersectionObserverInit::new();
        options.set_threshold(&JsValue::from_f64(0.95));
        let observer = IntersectionObserver::new_with_options(seen.as_ref().unchecked_ref(), &options).ok()?;
        Some(Edges { observer, _seen: seen })
    }
}

impl Drop for Edges {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

#[derive(Default)]
pub struct Flow {
    mounted: Option<Mounted>,
    stale: Rc<Cell<bool>>,
    geometry: Geometry,
    colours: Colours,
    size: (f64, f64, f64),
    glows: Vec<Glow>,
    /// Flights whose landing was already lit.
    lit_until: f64,
    blank: bool,
    /// Of a large cluster: where the squares of its partitions are, where its clients, both from the grid's corner, and that corner.
    pub squares: Option<Squares>,
    ends: Vec<(f64, f64)>,
    corner: (f64, f64),
    shows: u32,
}

impl Flow {
    /// Begins to draw on `canvas`, which covers `view`.
    pub fn mount(&mut self, view: Element, canvas: HtmlCanvasElement) {
        let context = canvas.get_context("2d").ok().flatten().and_then(|c| c.dyn_into::<CanvasRenderingContext2d>().ok());
        let reduced = gloo::utils::window().match_media("(prefers-reduced-motion: reduce)").ok().flatten();
        let (Some(context), Some(reduced)) = (context, reduced) else { return };
        let stale = Rc::clone(&self.stale);
        let Some(watch) = Watch::of(&view, Box::new(move || stale.set(true))) else { return };
        let stale = Rc::clone(&self.stale);
        let capture = EventListenerOptions::run_in_capture_phase();
        let scrolled = EventListener::new_with_options(&view, "scroll", capture, move |_| stale.set(true));
        self.mounted = Some(Mounted { view, canvas, context, reduced, edges: Edges::of(), _watch: watch, _scrolled: scrolled });
        self.stale.set(true);
    }

    pub fn unmount(&mut self) {
        self.mounted = None;
    }

    /// Panels were drawn again. Around a heat grid that moves nothing, but for what comes and goes: a look now and then will do.
    pub fn layout_changed(&mut self) {
        self.shows = self.shows.wrapping_add(1);
        if self.squares.is_none() || self.shows.is_multiple_of(8) {
            self.stale.set(true);
        }
    }

    /// The grid was laid out anew.
    pub fn grid_changed(&self) {
        self.stale.set(true);
    }

    /// Dots between clients and the squares of a heat grid.
    #[inline(never)]
    fn draw_crowd(&mut self, model: &mut Model, wall: f64) {
        let Some(reduced) = self.mounted.as_ref().map(|mounted| mounted.reduced.matches()) else { return };
        if self.stale.replace(false) || self.ends.is_empty() {
            // Here and not when the grid was drawn: what was drawn is laid out by now, and measuring it costs no layout of its own.
            self.measure();
            self.corner = self.geometry.at("grid").map_or((0.0, 0.0), |rect| (rect.left.round(), rect.top.round()));
            let more = |name: &str| self.geometry.at(name).map(|rect| (rect.centre().x, rect.centre().y));
            let (writers, readers) = (more("producers:more"), more("members:more"));
            let end = |client: &Shared<ClientView>| {
                let rect = self.geometry.at(&client_at(&client.name));
                match client.kind {
                    ClientKind::Producer => rect.map(|rect| (rect.right, rect.centre().y)).or(writers),
                    ClientKind::Consumer => rect.map(|rect| (rect.left, rect.centre().y)).or(readers),
                }
            };
            let (left, top) = self.corner;
            let end = |client| end(client).map_or((f64::NAN, f64::NAN), |(x, y)| (x - left, y - top));
            self.ends = model.mirror().clients.iter().map(end).collect();
        }
        let (Some(mounted), Some(squares)) = (&self.mounted, &self.squares) else { return };
        if reduced {
            model.motes.clear();
        }
        if model.motes.is_empty() && self.blank {
            return;
        }
        let (width, height, ratio) = self.size;
        let context = &mounted.context;
        let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        context.clear_rect(0.0, 0.0, width, height);
        let _ = context.translate(self.corner.0, self.corner.1);
        let colours = [&self.colours.flow, &self.colours.quiet, &self.colours.ink, &self.colours.ink].map(String::as_str);
        model.motes.draw(context, squares, &self.ends, colours, wall);
        self.blank = model.motes.is_empty();
    }

    pub fn draw(&mut self, model: &mut Model, wall: f64) {
        if self.squares.is_some() {
            return self.draw_crowd(model, wall);
        }
        let model = &*model;
        let crowd = model.staging.crowd().is_some();
        self.glows.retain(|glow| glow.until > wall);
        let troubled = self.boxed() && !model.mirror().in_force.is_empty();
        let idle = model.staging.flights().is_empty() && self.glows.is_empty() && !crowd && !troubled;
        if self.mounted.is_none() {
            return;
        }
        // Also where nothing travels: what the stage cuts in two is to fade.
        if self.stale.replace(false) {
            self.measure();
        }
        if idle && self.blank {
            return;
        }
        self.light_landings(model, wall);
        let Some(mounted) = &self.mounted else { return };
        let context = &mounted.context;
        let (width, height, ratio) = self.size;
        let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        context.clear_rect(0.0, 0.0, width, height);
        self.blank = idle;
        if troubled {
            self.draw_troubles(context, model);
        }
        self.glows.iter().for_each(|glow| self.draw_glow(context, glow, wall));
        if crowd {
            model.staging.rates().for_each(|rate| self.draw_rate(context, model, &rate.hop, rate.per_second));
        } else if !mounted.reduced.matches() {
            model.staging.flights().iter().for_each(|flight| self.draw_flight(context, model, flight, wall));
        }
    }

    /// The stage is in cluster view.
    fn boxed(&self) -> bool {
        self.geometry.at("boxes").is_some()
    }

    /// Cut and slow links: a broken line, and in words what is the matter.
    #[inline(never)]
    fn draw_troubles(&self, context: &CanvasRenderingContext2d, model: &Model) {
        let dashes = |lengths: &[f64]| _ = context.set_line_dash(&lengths.iter().map(|n| JsValue::from_f64(*n)).collect::<Array>());
        for trouble in boxed::troubles(&self.geometry, model.mirror()) {
            let Some((first, rest)) = trouble.way.split_first() else { continue };
            context.set_stroke_style_str(&self.colours.damage);
            context.set_line_width(2.0);
            dashes(&[4.0, 4.0]);
            context.begin_path();
            context.move_to(first.x, first.y);
            rest.iter().for_each(|p| context.line_to(p.x, p.y));
            context.stroke();
            dashes(&[]);
            let words = format!("✕ {}", trouble.words);
            let width = words.chars().count() as f64 * 6.7 + 12.0;
            context.set_fill_style_str(&self.colours.paper);
            let left = crate::within(trouble.at.x - width / 2.0, 2.0, (self.size.0 - width - 2.0).max(2.0));
            rounded(context, left, trouble.at.y - 9.0, width, 18.0, 9.0);
            context.fill();
            context.stroke();
            self.text(context, &words, left + 6.0, trouble.at.y + 4.0, &self.colours.damage);
        }
    }

    fn measure(&mut self) {
        let Some(mounted) = &self.mounted else { return };
        let origin = mounted.view.get_bounding_client_rect();
        let ratio = crate::within(gloo::utils::window().device_pixel_ratio(), 1.0, 3.0);
        let size = (origin.width(), origin.height(), ratio);
        if size != self.size {
            mounted.canvas.set_width((size.0 * ratio).round() as u32);
            mounted.canvas.set_height((size.1 * ratio).round() as u32);
            self.size = size;
        }
        if let Some(edges) = &mounted.edges {
            each(&mounted.view, Edges::THINGS, |thing| edges.observer.observe(&thing));
        }
        self.geometry.places.clear();
        each(&mounted.view, "[data-at]", |element| {
            let rect = element.get_bounding_client_rect();
            if let (Some(name), true) = (element.get_attribute("data-at"), rect.width() > 0.0) {
                let (left, top) = (rect.left() - origin.left(), rect.top() - origin.top());
                let rect = Rect { left, top, right: left + rect.width(), bottom: top + rect.height() };
                self.geometry.places.insert(name, rect);
            }
        });
        self.colours = Colours::default();
        each(&mounted.view, "[data-colour]", |element| {
            let colour = gloo::utils::window().get_computed_style(&element).ok().flatten();
            let colour = colour.and_then(|style| style.get_property_value("color").ok()).unwrap_or_default();
            match element.get_attribute("data-colour").as_deref() {
                Some("ink") => self.colours.ink = colour,
                Some("paper") => self.colours.paper = colour,
                Some("flow") => self.colours.flow = colour,
                Some("damage") => self.colours.damage = colour,
                Some("quiet") => self.colours.quiet = colour,
                _ => self.colours.keys.push(colour),
            }
        });
    }

    /// What a flight reached lights up for a moment: copies always, everything when nothing may travel.
    fn light_landings(&mut self, model: &Model, wall: f64) {
        let all = self.mounted.as_ref().is_some_and(|mounted| mounted.reduced.matches());
        let soon = wall + 20.0;
        let landing = model.staging.flights().iter().filter(|f| f.end <= soon && f.end > self.lit_until);
        let lit: Vec<Glow> = landing
            .filter(|f| all || f.hop.kind == HopKind::Replicate)
            .filter_map(|f| {
                let colour = if f.hop.kind == HopKind::Commit { KeyMark::NONE } else { model.keys().mark(f.hop.key.as_deref()) };
                Some(Glow { place: landing_place(&f.hop)?, colour: colour.colour, until: wall + GLOW })
            })
            .collect();
        self.lit_until = soon;
        self.glows.extend(lit);
    }

    fn key_colour(&self, colour: u8) -> &str {
        self.colours.keys.get(usize::from(colour)).map_or("#767676", String::as_str)
    }

    fn draw_glow(&self, context: &CanvasRenderingContext2d, glow: &Glow, wall: f64) {
        let Some(rect) = self.geometry.at(&glow.place) else { return };
        context.set_global_alpha(crate::within((glow.until - wall) / GLOW, 0.0, 1.0));
        context.set_stroke_style_str(self.key_colour(glow.colour));
        context.set_line_width(3.0);
        rounded(context, rect.left - 2.5, rect.top - 2.5, rect.right - rect.left + 5.0, rect.bottom - rect.top + 5.0, 6.0);
        context.stroke();
        context.set_global_alpha(1.0);
    }

    fn draw_flight(&self, context: &CanvasRenderingContext2d, model: &Model, flight: &Flight, wall: f64) {
        if wall < flight.start {
            return;
        }
        let Some(way) = self.way(model, &flight.hop) else { return };
        let share = crate::within((wall - flight.start) / (flight.end - flight.start).max(1.0), 0.0, 1.0);
        let at = along(&way, ease(share));
        match flight.hop.kind {
            HopKind::Commit => self.draw_bookmark(context, at, &reader_letter(model, &flight.hop)),
            HopKind::Produce => self.draw_record(context, at, 11.0, model, &flight.hop),
            HopKind::Replicate => self.draw_record(context, at, 8.0, model, &flight.hop),
            HopKind::Deliver => self.draw_record(context, at, 9.0, model, &flight.hop),
        }
    }

    fn draw_record(&self, context: &CanvasRenderingContext2d, at: Point, size: f64, model: &Model, hop: &HopView) {
        let mark = model.keys().mark(hop.key.as_deref());
        context.set_fill_style_str(self.key_colour(mark.colour));
        context.set_stroke_style_str(&self.colours.ink);
        context.set_line_width(1.5);
        rounded(context, at.x - size / 2.0, at.y - size / 2.0, size, size, 2.5);
        context.fill();
        context.stroke();
        if hop.records > 1 {
            self.text(context, &format!("×{}", hop.records), at.x + size / 2.0 + 3.0, at.y + 4.0, &self.colours.ink);
        }
    }

    fn draw_bookmark(&self, context: &CanvasRenderingContext2d, at: Point, letter: &str) {
        context.set_fill_style_str(&self.colours.ink);
        rounded(context, at.x - 7.0, at.y - 7.0, 14.0, 14.0, 3.0);
        context.fill();
        context.set_text_align("center");
        self.text(context, letter, at.x, at.y + 4.0, &self.colours.paper);
        context.set_text_align("left");
    }

    fn text(&self, context: &CanvasRenderingContext2d, text: &str, x: f64, y: f64, colour: &str) {
        context.set_font("bold 11px ui-monospace, Menlo, Consolas, monospace");
        context.set_fill_style_str(colour);
        let _ = context.fill_text(text, x, y);
    }

    fn draw_rate(&self, context: &CanvasRenderingContext2d, model: &Model, hop: &HopView, per_second: f64) {
        // Between places, not between records: a line ends at the end of its strip.
        let Some(way) = self.way(model, &HopView { offset: None, ..hop.clone() }) else { return };
        let Some((first, rest)) = way.split_first() else { return };
        context.set_global_alpha(0.3);
        context.set_stroke_style_str(&self.colours.flow);
        context.set_line_width(crate::within(1.0 + js_sys::Math::log10(per_second.max(0.1)), 0.75, 5.0));
        context.begin_path();
        context.move_to(first.x, first.y);
        rest.iter().for_each(|p| context.line_to(p.x, p.y));
        context.stroke();
        context.set_global_alpha(1.0);
    }

    fn way(&self, model: &Model, hop: &HopView) -> Option<Vec<Point>> {
        let geometry = &self.geometry;
        if self.boxed() {
            return boxed::way(geometry, model, hop);
        }
        let (topic, partition) = (hop.topic.as_str(), hop.partition);
        match (hop.kind, &hop.from, &hop.to) {
            (HopKind::Produce, Place::Client(client), _) => geometry.produce_way(client, topic, partition, landing_x(model, hop)?),
            (HopKind::Replicate, Place::Broker(from), Place::Broker(to)) => geometry.replicate_way(topic, partition, *from, *to),
            (HopKind::Deliver, _, Place::Client(client)) => geometry.deliver_way(topic, partition, landing_x(model, hop)?, client),
            (HopKind::Commit, Place::Client(client), Place::Broker(broker)) => geometry.commit_way(client, *broker),
            _ => None,
        }
    }
}

/// The middle of the hop's first cell, in the strip's coordinates.
fn landing_x(model: &Model, hop: &HopView) -> Option<f64> {
    let partition = model.mirror().partition(&hop.topic, hop.partition)?;
    let end = model.staging.shown_end(&hop.topic, hop.partition, partition.log_end);
    let oldest = partition.tail.first().map_or(end, |cell| cell.offset);
    let strip = Strip::of(oldest, end);
    Some(hop.offset.map_or(strip.x(end), |offset| strip.x(offset) + strip.cell / 2.0))
}

fn landing_place(hop: &HopView) -> Option<String> {
    match (hop.kind, &hop.to) {
        (HopKind::Produce | HopKind::Replicate, Place::Broker(id)) => Some(copy_at(&hop.topic, hop.partition, *id)),
        (_, Place::Broker(id)) => Some(broker_at(*id)),
        (_, Place::Client(name)) => Some(client_at(name)),
        (_, Place::Nowhere) => None,
    }
}

/// The letter of the group whose member commits.
fn reader_letter(model: &Model, hop: &HopView) -> String {
    let Place::Client(client) = &hop.from else { return String::new() };
    let groups = &model.mirror().groups;
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let at = groups.iter().position(|group| group.members.iter().any(|member| member.client == *client));
    at.map(|i| letters(&names)[i].to_string()).unwrap_or_default()
}

/// Starts and lands softly.
fn ease(share: f64) -> f64 {
    share * share * (3.0 - 2.0 * share)
}

fn rounded(context: &CanvasRenderingContext2d, x: f64, y: f64, width: f64, height: f64, radius: f64) {
    context.begin_path();
    let _ = context.round_rect_with_f64(x, y, width, height, radius);
}

fn each(root: &Element, selector: &str, mut take: impl FnMut(Element)) {
    let Ok(found) = root.query_selector_all(selector) else { return };
    (0..found.length()).filter_map(|i| found.item(i)?.dyn_into::<Element>().ok()).for_each(&mut take);
}
