//! A large cluster on one canvas: a square for each partition, in a box for each topic (story view) or for each broker that leads it
//! (cluster view). What a square says is chosen; that something is wrong with its partition it says by its shape, always.

use crate::app::model::Snapshot;
use crate::app::page::{Click, PageHandle};
use crate::app::stage::grid_layout::Layout;
use crate::app::stage::grid_pinch::{Fingers, Pinch, fingers};
use crate::app::stage::grid_words::{crumbs, key_words, legend, partition_words, title};
use crate::app::ui_state::{Crumb, StageView, Zoom};
use crate::app::widgets::Watch;
use crate::bridge::Load;
use gloo::events::{EventListener, EventListenerOptions};
use playground_core::view::{BrokerState, PartitionView};
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, HtmlSelectElement, KeyboardEvent, MouseEvent, TouchEvent, WheelEvent};
use yew::prelude::*;

/// How a square is shaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Key {
    #[default]
    Records,
    Bytes,
    Lag,
    State,
}

impl Key {
    pub const ALL: [Key; 4] = [Key::Records, Key::Bytes, Key::Lag, Key::State];

    pub fn of(self, load: &Load) -> u64 {
        match self {
            Key::Records => load.records,
            Key::Bytes => load.bytes,
            Key::Lag => load.lag,
            Key::State => 0,
        }
    }

    /// From nothing (0) to the darkest shade (5): each but the first is ten times the one before.
    pub fn shade(self, value: u64) -> u8 {
        let unit = if self == Key::Bytes { 1_000 } else { 10 };
        match value {
            0 => 0,
            _ if value < unit => 1,
            _ if value < unit * 10 => 2,
            _ if value < unit * 100 => 3,
            _ if value < unit * 1_000 => 4,
            _ => 5,
        }
    }
}

/// Squares from this size on carry the partition's number.
const NAMED: f64 = 30.0;

/// What is wrong with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Well,
    /// A copy is not in sync.
    Under,
    /// Nobody leads it.
    Offline,
}

impl Health {
    /// `down`: the brokers whose process is gone.
    pub fn of(down: &[i32], partition: &PartitionView) -> Health {
        match partition.leader {
            None => Health::Offline,
            Some(leader) if down.contains(&leader) => Health::Offline,
            Some(_) if partition.isr.len() < partition.replicas.len() => Health::Under,
            Some(_) => Health::Well,
        }
    }
}

/// Brokers whose process is gone.
pub fn down(shot: &Snapshot) -> Vec<i32> {
    shot.mirror.brokers.iter().filter(|broker| broker.state == BrokerState::Down).map(|broker| broker.id).collect()
}

/// Where the squares stand in the grid, for what travels between them: by the number of the partition, and of the broker.
#[derive(Debug, Default)]
pub struct Squares {
    pub at: Vec<(f64, f64)>,
    pub brokers: Vec<(f64, f64)>,
}

/// A partition by its topic's place, its own number, and its number among all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub topic: usize,
    pub partition: usize,
    pub number: usize,
    /// In a broker's box: a copy that follows.
    pub follows: bool,
}

#[derive(Properties)]
pub struct GridProps {
    pub page: PageHandle,
    pub shot: Rc<Snapshot>,
    pub view: StageView,
    pub zoom: Zoom,
}

impl PartialEq for GridProps {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

pub enum Heard {
    Room(i32),
    Key(Key),
    /// The pointer, or the keyboard's cursor, is here.
    At(Option<(usize, Option<usize>)>),
    Down(KeyboardEvent),
    /// By so much, over this point of the canvas.
    Wheel(f64, f64, f64),
    /// Two fingers, or no longer two.
    Pinch(Option<Fingers>),
}

/// How a square looked when it was painted last.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Look {
    x: f64,
    y: f64,
    shade: u8,
    health: Health,
    follows: bool,
}

/// What a picture was laid out for: view, zoom, room, squares in each box.
type Laid = (StageView, Zoom, (i64, i64), Vec<usize>);

#[derive(Default)]
pub struct Grid {
    canvas: NodeRef,
    frame: NodeRef,
    wide: f64,
    tones: Tones,
    toned: f64,
    key: Key,
    at: Option<(usize, Option<usize>)>,
    wheel: f64,
    pinch: Pinch,
    boxes: Vec<(Crumb, Vec<Spot>)>,
    layout: Layout,
    looks: Vec<Look>,
    /// Where the cursor was painted.
    marked: Option<(usize, Option<usize>)>,
    laid: Option<Laid>,
    ratio: f64,
    watch: Option<Watch>,
    turns: Vec<EventListener>,
}

impl Component for Grid {
    type Message = Heard;
    type Properties = GridProps;

    fn create(_: &Context<Self>) -> Self {
        Grid::default()
    }

    #[inline(never)]
    fn update(&mut self, ctx: &Context<Self>, heard: Heard) -> bool {
        match heard {
            Heard::Room(room) => self.wide = f64::from(room),
            Heard::Key(key) => self.key = key,
            Heard::At(at) => return at != std::mem::replace(&mut self.at, at),
            Heard::Down(event) => return self.pressed(ctx, &event),
            Heard::Wheel(delta, x, y) => {
                self.at = self.layout.hit(x, y);
                self.wheel += delta;
                if self.wheel.abs() > 60.0 {
                    self.step(ctx, self.wheel < 0.0);
                    self.wheel = 0.0;
                }
            }
            Heard::Pinch(fingers) => {
                let closer = self.pinch.turn(fingers.map(|(apart, ..)| apart));
                if let (Some(closer), Some((_, x, y))) = (closer, fingers) {
                    self.at = self.layout.hit(x, y);
                    self.step(ctx, closer);
                }
                return closer.is_some();
            }
        }
        true
    }

    #[inline(never)]
    fn changed(&mut self, ctx: &Context<Self>, old: &GridProps) -> bool {
        if ctx.props().zoom != old.zoom || ctx.props().view != old.view {
            self.at = None;
        }
        true
    }

    #[inline(never)]
    fn view(&self, ctx: &Context<Self>) -> Html {
        let props = ctx.props();
        let shot = &*props.shot;
        let link = ctx.link();
        let onchange = link.batch_callback(|event: Event| {
            let at = event.target_dyn_into::<HtmlSelectElement>()?.selected_index();
            Key::ALL.get(at as usize).map(|key| Heard::Key(*key))
        });
        let words = self.at.and_then(|at| self.words(shot, at)).unwrap_or_else(|| title(shot, props.view, &props.zoom));
        let layout = self.layout.clone();
        let over = move |event: &MouseEvent| layout.hit(f64::from(event.offset_x()), f64::from(event.offset_y()));
        let page = props.page.clone();
        let chosen = self.at.and_then(|at| self.deeper(&props.zoom, at));
        html! {
            <section class="grid" aria-label="Partitions" ref={&self.frame}>
                <div key="bar" class="grid__bar">
                    { crumbs(&props.page, shot, props.view, &props.zoom) }
                    <label key="key" class="grid__key">{ "Shade by " }
                        <select {onchange}>{ for Key::ALL.into_iter().map(|key| html! { <option key={key_words(key)} selected={key == self.key}>{ key_words(key) }</option> }) }</select>
                    </label>
                    <button key="out" type="button" class="button button--small grid__zoom" aria-label="Zoom out" aria-keyshortcuts="-" disabled={props.zoom == Zoom::All}
                        onclick={props.page.on(Click::Zoom(props.zoom.out()))}>{ "−" }</button>
                    <button key="in" type="button" class="button button--small grid__zoom" aria-label="Zoom in" aria-keyshortcuts="+"
                        onclick={props.page.on(Click::Zoom(chosen.clone().or_else(|| self.boxes.first().and_then(|_| self.deeper(&props.zoom, (0, Some(0))))).unwrap_or(Zoom::All)))}>{ "+" }</button>
                </div>
                <canvas key="canvas" class="grid__canvas" data-at="grid" tabindex="0" role="application" aria-roledescription="heat grid" aria-label={words.clone()}
                    ref={&self.canvas}
                    onmousemove={link.callback(move |event: MouseEvent| Heard::At(over(&event)))}
                    onmouseleave={link.callback(|_| Heard::At(None))}
                    onclick={Callback::from(move |_| chosen.iter().for_each(|zoom| page.click(Click::Zoom(zoom.clone()))))}
                    onkeydown={link.callback(Heard::Down)} />
                <p key="words" class="grid__words">{ words }</p>
                { legend(shot, self.key) }
                <div key="tones" class="probes" aria-hidden="true">
                    { for ["now", "raised", "edge", "damage", "ink", "quiet"].into_iter().map(|tone| html! { <i key={tone} class={format!("tone tone--{tone}")}></i> }) }
                </div>
            </section>
        }
    }

    #[inline(never)]
    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first {
            let link = ctx.link().clone();
            self.watch = Watch::width(&self.frame, move |room| link.send_message(Heard::Room(room)));
            // Of its own, because a page must not scroll or grow under a wheel that zooms the grid.
            let link = ctx.link().clone();
            let canvas = self.canvas.cast::<Element>();
            self.turns = ["wheel", "touchstart", "touchmove", "touchend"]
                .into_iter()
                .filter_map(|kind| {
                    let (link, canvas) = (link.clone(), canvas.clone()?);
                    Some(EventListener::new_with_options(
                        &canvas.clone(),
                        kind,
                        EventListenerOptions::enable_prevent_default(),
                        move |event| {
                            if let Some(event) = event.dyn_ref::<WheelEvent>() {
                                event.prevent_default();
                                link.send_message(Heard::Wheel(event.delta_y(), f64::from(event.offset_x()), f64::from(event.offset_y())));
                            } else if let Some(event) = event.dyn_ref::<TouchEvent>() {
                                link.send_message(Heard::Pinch(fingers(event, &canvas)));
                            }
                        },
                    ))
                })
                .collect();
        }
        self.paint(ctx);
    }

    fn destroy(&mut self, ctx: &Context<Self>) {
        ctx.props().page.flow.borrow_mut().squares = None;
    }
}

impl Grid {
    fn words(&self, shot: &Snapshot, (at, square): (usize, Option<usize>)) -> Option<String> {
        let (crumb, spots) = self.boxes.get(at)?;
        match square.and_then(|i| spots.get(i)) {
            Some(spot) => partition_words(shot, *spot),
            None => Some(title(shot, StageView::Story, &Zoom::Box(crumb.clone()))),
        }
    }

    /// What a click there leads to.
    fn deeper(&self, zoom: &Zoom, (at, square): (usize, Option<usize>)) -> Option<Zoom> {
        let (crumb, spots) = self.boxes.get(at)?;
        match (zoom, square.and_then(|i| spots.get(i))) {
            (Zoom::Box(_), Some(spot)) => {
                Some(Zoom::Partition { topic: spot.topic, partition: spot.partition as u32, within: crumb.clone() })
            }
            (Zoom::Box(_), None) => None,
            _ => Some(Zoom::Box(crumb.clone())),
        }
    }

    fn step(&self, ctx: &Context<Self>, deeper: bool) {
        let props = ctx.props();
        let next = if deeper { self.at.and_then(|at| self.deeper(&props.zoom, at)) } else { Some(props.zoom.out()) };
        if let Some(next) = next.filter(|next| *next != props.zoom) {
            props.page.click(Click::Zoom(next));
        }
    }

    fn pressed(&mut self, ctx: &Context<Self>, event: &KeyboardEvent) -> bool {
        let (dx, dy) = match event.key().as_str() {
            "ArrowLeft" => (-1.0, 0.0),
            "ArrowRight" => (1.0, 0.0),
            "ArrowUp" => (0.0, -1.0),
            "ArrowDown" => (0.0, 1.0),
            "Enter" | "+" | "=" => {
                event.prevent_default();
                self.at = self.at.or(Some(self.first(ctx)));
                self.step(ctx, true);
                return true;
            }
            "-" | "Backspace" => {
                event.prevent_default();
                self.step(ctx, false);
                return true;
            }
            _ => return false,
        };
        event.prevent_default();
        event.stop_propagation();
        self.at = Some(match self.at {
            None => self.first(ctx),
            // At the top, arrows walk from box to box.
            Some((at, _)) if ctx.props().zoom == Zoom::All => self.layout.beside((at, None), dx, dy),
            Some(at) => self.layout.beside(at, dx, dy),
        });
        true
    }

    fn first(&self, ctx: &Context<Self>) -> (usize, Option<usize>) {
        (0, (ctx.props().zoom != Zoom::All).then_some(0))
    }

    fn paint(&mut self, ctx: &Context<Self>) -> Option<()> {
        let props = ctx.props();
        let shot = &*props.shot;
        let (canvas, frame) = (self.canvas.cast::<HtmlCanvasElement>()?, self.frame.cast::<Element>()?);
        let context = canvas.get_context("2d").ok().flatten()?.dyn_into::<CanvasRenderingContext2d>().ok()?;
        let height = gloo::utils::window().inner_height().ok()?.as_f64()?;
        let room = (self.wide.max(200.0), crate::within(height - 380.0, 220.0, 900.0));
        self.boxes = boxes(shot, props.view, &props.zoom);
        let counts: Vec<usize> = self.boxes.iter().map(|(_, spots)| spots.len()).collect();
        let laid = Some((props.view, props.zoom.clone(), (room.0 as i64, room.1 as i64), counts));
        let ratio = crate::within(gloo::utils::window().device_pixel_ratio(), 1.0, 3.0);
        // The theme may have changed.
        if crate::app::page::now() - self.toned > 1_000.0 {
            self.toned = crate::app::page::now();
            let tones = Tones::of(&frame);
            if tones != std::mem::replace(&mut self.tones, tones.clone()) {
                self.laid = None;
            }
        }
        let tones = &self.tones;
        if laid != self.laid || ratio != self.ratio {
            self.layout = Layout::of(&laid.as_ref()?.3, room.0, room.1);
            (self.laid, self.ratio) = (laid, ratio);
            let high = self.layout.height.max(120.0).ceil();
            canvas.set_width((room.0 * ratio).round() as u32);
            canvas.set_height((high * ratio).round() as u32);
            let style = canvas.clone().unchecked_into::<web_sys::HtmlElement>().style();
            let _ = style.set_property("height", &format!("{}px", high as i64));
            self.looks.clear();
            props.page.flow.borrow().grid_changed();
        }
        let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
        if self.marked != self.at {
            self.looks.clear();
        }
        if self.looks.is_empty() {
            context.clear_rect(0.0, 0.0, room.0, self.layout.height);
            self.paint_boxes(&context, shot, tones);
        }
        let looks = self.look(shot);
        let fresh = self.looks.len() != looks.len();
        let names = self.boxes.iter().flat_map(|(_, spots)| spots);
        for (i, (look, spot)) in looks.iter().zip(names).enumerate() {
            if fresh || self.looks[i] != *look {
                paint_square(&context, *look, self.layout.size, tones);
                if self.layout.size >= NAMED {
                    context.set_fill_style_str(if look.shade > 3 && look.health == Health::Well { &tones.raised } else { &tones.ink });
                    context.set_font("600 11px ui-monospace, Menlo, Consolas, monospace");
                    let _ = context.fill_text(&format!("P{}", spot.partition), look.x + 4.0, look.y + 14.0);
                }
            }
        }
        self.mark(&context, tones);
        self.marked = self.at;
        self.looks = looks;
        self.tell_squares(props);
        Some(())
    }

    fn look(&self, shot: &Snapshot) -> Vec<Look> {
        let mut looks = Vec::new();
        let down = down(shot);
        for ((_, spots), squares) in self.boxes.iter().zip(&self.layout.squares) {
            for (spot, (x, y)) in spots.iter().zip(squares) {
                let partition = &shot.mirror.topics[spot.topic].partitions[spot.partition];
                let load = shot.loads.get(spot.number).copied().unwrap_or_default();
                looks.push(Look {
                    x: *x,
                    y: *y,
                    shade: self.key.shade(self.key.of(&load)),
                    health: Health::of(&down, partition),
                    follows: spot.follows,
                });
            }
        }
        looks
    }

    fn paint_boxes(&self, context: &CanvasRenderingContext2d, shot: &Snapshot, tones: &Tones) {
        for ((crumb, _), rect) in self.boxes.iter().zip(&self.layout.boxes) {
            let down = matches!(crumb, Crumb::Broker(id) if shot.mirror.brokers.iter().any(|broker| broker.id == *id && broker.state == BrokerState::Down));
            context.set_stroke_style_str(if down { &tones.damage } else { &tones.edge });
            context.set_fill_style_str(&tones.raised);
            context.begin_path();
            let _ = context.round_rect_with_f64(
                rect.left + 0.5,
                rect.top + 0.5,
                rect.right - rect.left - 1.0,
                rect.bottom - rect.top - 1.0,
                5.0,
            );
            context.fill();
            context.stroke();
            context.set_fill_style_str(if down { &tones.damage } else { &tones.ink });
            context.set_font("600 11px ui-monospace, Menlo, Consolas, monospace");
            let controller = matches!(crumb, Crumb::Broker(id) if shot.mirror.controllers.leader == Some(*id));
            let name = format!("{}{}{}", if down { "✕ " } else { "" }, crumb.name(), if controller { " ⬡C" } else { "" });
            let fit = ((rect.right - rect.left - 8.0) / 6.7).max(1.0) as usize;
            let name: String =
                if name.chars().count() > fit { name.chars().take(fit.saturating_sub(1)).chain(['…']).collect() } else { name };
            let _ = context.fill_text(&name, rect.left + 5.0, rect.top + 12.0);
        }
    }

    /// A frame around what the pointer or the keyboard is at.
    fn mark(&self, context: &CanvasRenderingContext2d, tones: &Tones) {
        let Some((at, square)) = self.at else { return };
        let place = match square {
            Some(i) => {
                self.layout.squares.get(at).and_then(|squares| squares.get(i)).map(|(x, y)| (*x, *y, self.layout.size, self.layout.size))
            }
            None => self.layout.boxes.get(at).map(|rect| (rect.left, rect.top, rect.right - rect.left, rect.bottom - rect.top)),
        };
        let Some((x, y, wide, high)) = place else { return };
        context.set_stroke_style_str(&tones.ink);
        context.set_line_width(2.0);
        context.stroke_rect(x + 1.0, y + 1.0, wide - 3.0, high - 3.0);
        context.set_line_width(1.0);
    }

    /// Where the squares are now, for what travels.
    fn tell_squares(&self, props: &GridProps) {
        let middle = self.layout.size / 2.0;
        let mut squares = Squares {
            at: vec![(f64::NAN, f64::NAN); props.shot.loads.len()],
            brokers: vec![(f64::NAN, f64::NAN); props.shot.mirror.brokers.len()],
        };
        for (((crumb, spots), places), rect) in self.boxes.iter().zip(&self.layout.squares).zip(&self.layout.boxes) {
            for (spot, (x, y)) in spots.iter().zip(places).filter(|(spot, _)| !spot.follows) {
                if let Some(at) = squares.at.get_mut(spot.number) {
                    *at = (x + middle, y + middle);
                }
            }
            if let Crumb::Broker(id) = crumb
                && let Some(i) = props.shot.mirror.brokers.iter().position(|broker| broker.id == *id)
            {
                squares.brokers[i] = ((rect.left + rect.right) / 2.0, rect.top + 8.0);
            }
        }
        props.page.flow.borrow_mut().squares = Some(squares);
    }
}

/// Boxes, and what stands in them.
fn boxes(shot: &Snapshot, view: StageView, zoom: &Zoom) -> Vec<(Crumb, Vec<Spot>)> {
    let mut all: Vec<(usize, Spot)> = Vec::new();
    let mut number = 0;
    for (topic, known) in shot.mirror.topics.iter().enumerate().filter(|(_, topic)| !topic.head.internal) {
        for partition in 0..known.partitions.len() {
            all.push((topic, Spot { topic, partition, number, follows: false }));
            number += 1;
        }
    }
    let partition = |spot: &Spot| &shot.mirror.topics[spot.topic].partitions[spot.partition];
    let topic = |name: &str| shot.mirror.topics.iter().position(|topic| topic.head.name == name);
    match (zoom, view) {
        (Zoom::Box(Crumb::Broker(id)), _) => {
            let held = all.iter().filter(|(_, spot)| partition(spot).replicas.contains(id));
            let spots = held.map(|(_, spot)| Spot { follows: partition(spot).leader != Some(*id), ..*spot });
            let mut spots: Vec<Spot> = spots.collect();
            playground_core::sorted::settle(&mut spots, |a, b| !a.follows && b.follows);
            vec![(Crumb::Broker(*id), spots)]
        }
        (Zoom::Box(Crumb::Leaderless), _) => {
            vec![(Crumb::Leaderless, all.iter().map(|(_, spot)| *spot).filter(|spot| partition(spot).leader.is_none()).collect())]
        }
        (Zoom::Box(crumb @ Crumb::Topic(name)), _) => {
            let of = topic(name);
            vec![(crumb.clone(), all.iter().filter(|(topic, _)| Some(*topic) == of).map(|(_, spot)| *spot).collect())]
        }
        (_, StageView::Story) => {
            let topics = shot.mirror.topics.iter().enumerate().filter(|(_, topic)| !topic.head.internal);
            let mut all = all.into_iter().peekable();
            topics
                .map(|(i, topic)| {
                    (
                        Crumb::Topic(topic.head.name.clone()),
                        std::iter::from_fn(|| all.next_if(|(of, _)| *of == i)).map(|(_, spot)| spot).collect(),
                    )
                })
                .collect()
        }
        (_, StageView::Cluster) => {
            let brokers = &shot.mirror.brokers;
            let mut boxes: Vec<(Crumb, Vec<Spot>)> = brokers.iter().map(|broker| (Crumb::Broker(broker.id), Vec::new())).collect();
            let mut lost = Vec::new();
            for (_, spot) in all {
                let leader = partition(&spot).leader.and_then(|leader| brokers.binary_search_by_key(&leader, |broker| broker.id).ok());
                leader.map_or(&mut lost, |at| &mut boxes[at].1).push(spot);
            }
            if !lost.is_empty() {
                boxes.push((Crumb::Leaderless, lost));
            }
            boxes
        }
    }
}

/// Colours of the sheets, as they are now.
#[derive(Clone, Default, PartialEq)]
struct Tones {
    now: String,
    raised: String,
    edge: String,
    damage: String,
    ink: String,
    quiet: String,
}

impl Tones {
    fn of(frame: &Element) -> Tones {
        let tone = |name: &str| {
            let probe = frame.query_selector(&format!(".tone--{name}")).ok().flatten();
            let style = probe.and_then(|probe| gloo::utils::window().get_computed_style(&probe).ok().flatten());
            style.and_then(|style| style.get_property_value("color").ok()).unwrap_or_default()
        };
        Tones {
            now: tone("now"),
            raised: tone("raised"),
            edge: tone("edge"),
            damage: tone("damage"),
            ink: tone("ink"),
            quiet: tone("quiet"),
        }
    }
}

/// Whole: all copies in sync. Its lower half alone: one is not. A frame with a cross: nobody leads it. A copy that follows is a frame.
fn paint_square(context: &CanvasRenderingContext2d, look: Look, size: f64, tones: &Tones) {
    let (x, y, side) = (look.x, look.y, size - 1.0);
    context.set_fill_style_str(&tones.raised);
    context.fill_rect(x, y, size, size);
    if look.health == Health::Offline {
        context.set_stroke_style_str(&tones.damage);
        context.set_line_width(1.0);
        context.stroke_rect(x + 0.5, y + 0.5, side - 1.0, side - 1.0);
        context.begin_path();
        context.move_to(x, y);
        context.line_to(x + side, y + side);
        context.move_to(x + side, y);
        context.line_to(x, y + side);
        context.stroke();
        return;
    }
    let (top, high) = if look.health == Health::Under { (y + side / 2.0, side / 2.0) } else { (y, side) };
    let ink = if look.health == Health::Under { &tones.damage } else { &tones.now };
    context.set_fill_style_str(if look.shade == 0 { &tones.edge } else { ink });
    context.set_global_alpha([0.45, 0.25, 0.42, 0.6, 0.8, 1.0][usize::from(look.shade.min(5))]);
    if look.follows {
        context.set_stroke_style_str(&tones.quiet);
        context.stroke_rect(x + 0.5, y + 0.5, side - 1.0, side - 1.0);
        context.fill_rect(x + 2.0, top + 2.0, (side - 4.0).max(1.0), (high - 4.0).max(1.0));
    } else {
        context.fill_rect(x, top, side, high);
    }
    context.set_global_alpha(1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_grow_by_ten() {
        assert_eq!([0, 1, 9, 10, 99, 100, 999, 1_000, 9_999, 10_000].map(|n| Key::Records.shade(n)), [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]);
        assert_eq!(Key::Bytes.shade(999), 1);
    }
}
