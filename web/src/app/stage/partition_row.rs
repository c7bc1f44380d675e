//! One partition: who holds it, and its records as a strip that grows to the right.

use crate::app::keys::Keys;
use crate::app::model::Shared;
use crate::app::page::{Click, PageHandle};
use crate::app::stage::geometry::{copy_at, strip_at, window_at};
use crate::app::stage::strip::{BASELINE, CELL_HEIGHT, CELL_TOP, FLAG, HEIGHT, LEAD, Strip, flag_shifts};
use crate::app::ui_state::Inspect;
use crate::app::widgets::Watch;
use crate::app::words::{coordinate, yes};
use playground_core::view::{CellView, PartitionView, ReplicaView, Subject};
use web_sys::{Element, KeyboardEvent};
use yew::html::Scope;
use yew::prelude::*;

/// Height of a cell's coloured head.
const BAND: f64 = 8.0;

/// Where a group stands: the next offset it would read after a restart.
#[derive(Clone, Debug, PartialEq)]
pub struct Bookmark {
    /// The group's place among all groups: its pattern.
    pub nth: u8,
    pub letter: char,
    pub group: AttrValue,
    pub committed: u64,
    /// Where the member that owns the partition reads next, if somebody does.
    pub position: Option<u64>,
}

#[derive(Properties, PartialEq)]
pub struct RowProps {
    pub page: PageHandle,
    pub topic: AttrValue,
    pub partition: Shared<PartitionView>,
    pub shown_end: u64,
    pub bookmarks: Vec<Bookmark>,
    pub keys: Shared<Keys>,
    /// Selected: the partition itself, or one of its records.
    pub selected: Option<Option<u64>>,
}

/// What happens to one row alone.
pub enum Moved {
    /// The strip's window has this width now.
    Room(i32),
    /// It was scrolled back so far from its end.
    Scrolled(i32),
    /// The arrow keys have come to this record.
    At(u64),
}

/// A part of its own in Yew's tree: it is drawn again only when its partition changed, or its window.
#[derive(Default)]
pub struct PartitionRow {
    at: Option<u64>,
    scrolled: i32,
    room: i32,
    window: NodeRef,
    watch: Option<Watch>,
}

impl Component for PartitionRow {
    type Message = Moved;
    type Properties = RowProps;

    fn create(_: &Context<Self>) -> Self {
        PartitionRow::default()
    }

    fn update(&mut self, _: &Context<Self>, moved: Moved) -> bool {
        let before = (self.at, self.scrolled, self.room);
        match moved {
            Moved::Room(room) => self.room = room,
            Moved::Scrolled(scrolled) => self.scrolled = scrolled,
            Moved::At(offset) => self.at = Some(offset),
        }
        before != (self.at, self.scrolled, self.room)
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let props = ctx.props();
        let partition = &props.partition;
        let p = partition.partition;
        let subject = Subject::Partition { topic: props.topic.to_string(), partition: p };
        let leaderless = partition.leader.is_none();
        let class = classes!("row", props.selected.is_some().then_some("row--selected"), leaderless.then_some("row--leaderless"));
        html! {
            <div {class}>
                <button key="head" type="button" class="row__head" title={head_label(props)} aria-pressed={yes(props.selected == Some(None))}
                    onclick={props.page.on_select(subject)}>
                    <span key="name" class="row__name">{ format!("P{p}") }</span>
                    <span key="copies" class="row__copies">{ for in_order(partition).into_iter().map(|copy| chip(props, copy)) }</span>
                </button>
                { self.strip(ctx) }
            </div>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first {
            let link = ctx.link().clone();
            self.watch = Watch::width(&self.window, move |room| link.send_message(Moved::Room(room)));
        }
    }
}

fn head_label(props: &RowProps) -> String {
    let partition = &props.partition;
    let leader = partition.leader.map_or("no leader".to_owned(), |id| format!("leader {id}"));
    let isr = partition.isr.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
    format!("Partition {} of {}: {leader}, in sync {isr}", partition.partition, props.topic)
}

/// The leader's copy stands nearest the strip; followers before it keep the order of the replica list.
fn in_order(partition: &PartitionView) -> Vec<&ReplicaView> {
    let leads = |copy: &&ReplicaView| partition.leader == Some(copy.broker);
    let mut copies: Vec<&ReplicaView> = partition.copies.iter().filter(leads).collect();
    copies.extend(partition.copies.iter().filter(|copy| !leads(copy)));
    copies
}

fn chip(props: &RowProps, copy: &ReplicaView) -> Html {
    let leads = props.partition.leader == Some(copy.broker);
    let class = classes!(
        "copy",
        if leads { "copy--leader" } else { "copy--follower" },
        (!copy.in_sync).then_some("copy--behind"),
        (!copy.online).then_some("copy--offline"),
    );
    let role = if !copy.online {
        "✕"
    } else if leads {
        "L"
    } else {
        "F"
    };
    html! {
        <span key={copy.broker} {class} data-at={copy_at(&props.topic, props.partition.partition, copy.broker)}>
            <span key="role" class="copy__role">{ role }</span><span key="id">{ copy.broker }</span>
        </span>
    }
}

impl PartitionRow {
    /// The strip as a picture; arrow keys walk its records, Enter chooses one.
    fn strip(&self, ctx: &Context<Self>) -> Html {
        let props = ctx.props();
        let partition = &props.partition;
        let (topic, p) = (&*props.topic, partition.partition);
        let oldest = partition.tail.first().map_or(props.shown_end, |cell| cell.offset);
        let strip = Strip::of(oldest, props.shown_end);
        let room = f64::from(self.room);
        let width = strip.width(props.bookmarks.len(), room);
        let in_sight = strip.in_sight(width, room, f64::from(self.scrolled));
        let cells: Vec<&CellView> = partition.tail.iter().filter(|cell| in_sight.contains(&cell.offset)).collect();
        let active = self.at.filter(|offset| in_sight.contains(offset));
        let hw = partition.high_watermark.min(props.shown_end);
        let empty = strip.first == strip.end;
        html! {
            <div key="strip" class="strip" ref={&self.window} data-at={window_at(topic, p)} tabindex={if cells.is_empty() { "-1" } else { "0" }}
                onkeydown={walk(ctx.link(), props, self.at, strip)} onscroll={scroll(ctx.link(), &self.window)}
                role={if cells.is_empty() { "group" } else { "listbox" }}
                aria-label={format!("Records of {topic} partition {p}: {} to {}", partition.log_start, partition.log_end)}
                aria-activedescendant={active.map(|offset| cell_id(props, offset))}>
                <svg key="picture" class="strip__picture" width={(width.round() as i64).to_string()} height={(HEIGHT as i64).to_string()} data-at={strip_at(topic, p)} role="presentation">
                    <g key="lags">{ for lags(props, strip) }</g>
                    <g key="cells" role="presentation">{ for cells.iter().map(|cell| cell_picture(props, strip, cell, hw, active == Some(cell.offset))) }</g>
                    { watermark(strip, hw, empty) }
                    <g key="flags">{ for flags(props, strip) }</g>
                </svg>
                <span key="empty" class="strip__empty" hidden={!empty}>{ empty_words(partition) }</span>
            </div>
        }
    }
}

fn cell_id(props: &RowProps, offset: u64) -> String {
    format!("cell-{}-{}-{offset}", props.topic, props.partition.partition)
}

/// The strip is pinned to its end: scrolling back counts downwards from there.
fn scroll(link: &Scope<PartitionRow>, window: &NodeRef) -> Callback<Event> {
    let window = window.clone();
    link.callback(move |_| Moved::Scrolled(window.cast::<Element>().map_or(0, |element| -element.scroll_left())))
}

/// Why there is nothing to see, where that can be said truly.
fn empty_words(partition: &PartitionView) -> &'static str {
    match (partition.log_end, partition.leader) {
        (0, Some(_)) => "no record yet",
        (0, None) => "no leader: nothing can be written",
        _ => "",
    }
}

fn walk(link: &Scope<PartitionRow>, props: &RowProps, now: Option<u64>, strip: Strip) -> Callback<KeyboardEvent> {
    let (link, page, topic, partition) = (link.clone(), props.page.clone(), props.topic.to_string(), props.partition.partition);
    Callback::from(move |event: KeyboardEvent| {
        if strip.first == strip.end {
            return;
        }
        let last = strip.end - 1;
        let here = now.unwrap_or(strip.end).clamp(strip.first, strip.end);
        let next = match event.key().as_str() {
            "ArrowLeft" => here.saturating_sub(1).max(strip.first),
            "ArrowRight" => (here + 1).min(last),
            "Home" => strip.first,
            "End" => last,
            "Enter" if now.is_some() => {
                page.click(Click::Inspect(Inspect::Subject(Subject::Record { topic: topic.clone(), partition, offset: here.min(last) })));
                here.min(last)
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        link.send_message(Moved::At(next));
    })
}

fn cell_picture(props: &RowProps, strip: Strip, cell: &CellView, hw: u64, active: bool) -> Html {
    let offset = cell.offset;
    let x = strip.x(offset);
    let mark = props.keys.mark(cell.key.as_deref());
    let subject = Subject::Record { topic: props.topic.to_string(), partition: props.partition.partition, offset };
    let chosen = props.selected == Some(Some(offset));
    let class = classes!(
        "cell",
        mark.class(),
        (offset >= hw).then_some("cell--uncommitted"),
        chosen.then_some("cell--chosen"),
        active.then_some("cell--active"),
    );
    let key_words = cell.key.as_deref().map_or("no key".to_owned(), |key| format!("key {key}"));
    let promise = if offset >= hw { ", not committed yet" } else { "" };
    let (inner, text_x) = (strip.cell - 2.0, x + strip.cell / 2.0);
    html! {
        <g key={offset.to_string()} id={cell_id(props, offset)} {class} role="option" aria-selected={yes(chosen)} aria-label={format!("{offset}, {key_words}{promise}")}
            onclick={props.page.on_select(subject)}>
            <rect key="box" class="cell__box" x={coordinate(x + 1.0)} y={coordinate(CELL_TOP)} width={coordinate(inner)} height={coordinate(CELL_HEIGHT)} rx="3" />
            <path key="band" class="cell__band" d={band(x + 1.0, inner)} />
            <polygon key="glyph" class="cell__glyph" points={mark.glyph.points(text_x, CELL_TOP + BAND / 2.0, 2.6)} />
            <text key="offset" class="cell__offset" x={coordinate(text_x)} y={coordinate(CELL_TOP + 20.5)}>{ offset }</text>
        </g>
    }
}

/// The head of a cell: rounded above, straight below.
fn band(x: f64, width: f64) -> String {
    let side = coordinate(BAND - 3.0);
    format!("M{} {} v-{side} q0 -3 3 -3 h{} q3 0 3 3 v{side} z", coordinate(x), coordinate(CELL_TOP + BAND), coordinate(width - 6.0))
}

fn watermark(strip: Strip, hw: u64, empty: bool) -> Html {
    let x = coordinate(strip.x(hw));
    let class = classes!("watermark", (empty || hw < strip.first).then_some("watermark--away"));
    html! {
        <line key="watermark" {class} x1={x.clone()} x2={x} y1={coordinate(CELL_TOP - 3.0)} y2={coordinate(BASELINE + 2.0)}>
            <title>{ format!("High watermark {hw}: readers see what is left of it") }</title>
        </line>
    }
}

/// From a bookmark to the end of the log: records the group has not committed yet.
fn lags(props: &RowProps, strip: Strip) -> Vec<Html> {
    let end = strip.x(strip.end);
    let lag = |mark: &Bookmark| {
        let x = strip.x(mark.committed.min(strip.end));
        let y = BASELINE + 1.0 + f64::from(mark.nth % 3) * 4.0;
        html! {
            <rect key={mark.group.to_string()} class={format!("lag lag--{}", mark.nth % 4)} x={coordinate(x)} width={coordinate((end - x).max(0.0))}
                y={coordinate(y)} height="4" />
        }
    };
    props.bookmarks.iter().map(lag).chain(positions(props, strip)).collect()
}

/// A notch on the way from the bookmark: up to there a member has read, and has not committed.
fn positions<'p>(props: &'p RowProps, strip: Strip) -> impl Iterator<Item = Html> + 'p {
    let ahead = |mark: &'p Bookmark| Some((mark, mark.position.filter(|position| *position > mark.committed)?));
    props.bookmarks.iter().filter_map(ahead).map(move |(mark, position)| {
        let x = coordinate(strip.x(position.min(strip.end)));
        let y = BASELINE + 1.0 + f64::from(mark.nth % 3) * 4.0;
        html! {
            <line key={format!("{}-position", mark.group)} class="lag__position" x1={x.clone()} x2={x} y1={coordinate(y - 1.0)} y2={coordinate(y + 5.0)}>
                <title>{ format!("{}: reads {position} next, and has not committed that far", mark.group) }</title>
            </line>
        }
    })
}

fn flags(props: &RowProps, strip: Strip) -> Vec<Html> {
    let at: Vec<f64> = props.bookmarks.iter().map(|mark| strip.x(mark.committed)).collect();
    let shifts = flag_shifts(&at);
    let marks = props.bookmarks.iter().zip(at.iter().zip(shifts));
    marks
        .map(|(mark, (x, shift))| {
            let left = (x - FLAG / 2.0 + shift).max(if mark.committed < strip.first { 0.0 } else { LEAD - 3.0 });
            let stalk = [*x, CELL_TOP + CELL_HEIGHT - 4.0, BASELINE + 3.0].map(coordinate);
            html! {
                <g key={mark.group.to_string()} class={format!("flag flag--{}", mark.nth % 4)}>
                    <title>{ format!("{}: committed offset {}, the next record it would read after a restart", mark.group, mark.committed) }</title>
                    <path key="stalk" class="flag__stalk" d={format!("M{} {}V{}", stalk[0], stalk[1], stalk[2])} />
                    <rect key="box" class="flag__box" x={coordinate(left)} y={coordinate(BASELINE + 0.5)} width="14" height="12" rx="2.5" />
                    <text key="letter" class="flag__letter" x={coordinate(left + 7.0)} y={coordinate(BASELINE + 10.3)}>{ mark.letter }</text>
                </g>
            }
        })
        .collect()
}
