//! One partition: who holds it, and its records as a strip that grows to the right.

use crate::app::keys::Keys;
use crate::app::model::Shared;
use crate::app::page::PageHandle;
use crate::app::stage::geometry::{copy_at, strip_at, window_at};
use crate::app::stage::strip::{BASELINE, CELL_HEIGHT, CELL_TOP, FLAG, HEIGHT, LEAD, Strip, flag_shifts};
use crate::app::widgets::use_width;
use playground_core::view::{CellView, PartitionView, ReplicaView, Subject};
use web_sys::{Element, KeyboardEvent};
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

#[component]
pub fn PartitionRow(props: &RowProps) -> Html {
    let partition = &props.partition;
    let p = partition.partition;
    let (page, subject) = (props.page.clone(), Subject::Partition { topic: props.topic.to_string(), partition: p });
    let leaderless = partition.leader.is_none();
    let class = classes!("row", props.selected.is_some().then_some("row--selected"), leaderless.then_some("row--leaderless"));
    html! {
        <div {class}>
            <button key="head" type="button" class="row__head" title={head_label(props)} aria-pressed={(props.selected == Some(None)).to_string()}
                onclick={move |_| page.select(subject.clone())}>
                <span key="name" class="row__name">{ format!("P{p}") }</span>
                <span key="copies" class="row__copies">{ for in_order(partition).into_iter().map(|copy| chip(props, copy)) }</span>
            </button>
            <StripPicture key="strip" ..props.clone_for_strip() />
        </div>
    }
}

impl RowProps {
    fn clone_for_strip(&self) -> RowProps {
        RowProps {
            page: self.page.clone(),
            topic: self.topic.clone(),
            partition: self.partition.clone(),
            shown_end: self.shown_end,
            bookmarks: self.bookmarks.clone(),
            keys: self.keys.clone(),
            selected: self.selected,
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

/// The strip as a picture; arrow keys walk its records, Enter chooses one.
#[component]
fn StripPicture(props: &RowProps) -> Html {
    let at = use_state_eq(|| None::<u64>);
    let scrolled = use_state_eq(|| 0.0);
    let window = use_node_ref();
    let room = use_width(&window);
    let partition = &props.partition;
    let (topic, p) = (props.topic.to_string(), partition.partition);
    let oldest = partition.tail.first().map_or(props.shown_end, |cell| cell.offset);
    let strip = Strip::of(oldest, props.shown_end);
    let width = strip.width(props.bookmarks.len(), room);
    let in_sight = strip.in_sight(width, room, *scrolled);
    let cells: Vec<&CellView> = partition.tail.iter().filter(|cell| in_sight.contains(&cell.offset)).collect();
    let onscroll = {
        let (window, set) = (window.clone(), scrolled.setter());
        // The strip is pinned to its end: scrolling back counts downwards from there.
        Callback::from(move |_: Event| set.set(window.cast::<Element>().map_or(0.0, |element| f64::from(-element.scroll_left()))))
    };
    let chosen = props.selected.flatten();
    let hw = partition.high_watermark.min(props.shown_end);
    let onkeydown = walk(props, &at, strip);
    let id = |offset: u64| format!("cell-{topic}-{p}-{offset}");
    let active = at.filter(|offset| in_sight.contains(offset));
    let empty = strip.first == strip.end;
    html! {
        <div class="strip" ref={window} data-at={window_at(&topic, p)} tabindex={if cells.is_empty() { "-1" } else { "0" }} {onkeydown} {onscroll}
            role={if cells.is_empty() { "group" } else { "listbox" }}
            aria-label={format!("Records of {topic} partition {p}: {} to {}", partition.log_start, partition.log_end)} aria-activedescendant={active.map(id)}>
            <svg key="picture" class="strip__picture" width={format!("{width:.0}")} height={format!("{HEIGHT:.0}")} data-at={strip_at(&topic, p)} role="presentation">
                <g key="lags">{ for lags(props, strip) }</g>
                <g key="cells" role="presentation">
                    { for cells.iter().map(|cell| cell_picture(props, strip, cell, hw, chosen == Some(cell.offset), active == Some(cell.offset), id(cell.offset))) }
                </g>
                { watermark(strip, hw, empty) }
                <g key="flags">{ for flags(props, strip) }</g>
            </svg>
            <span key="empty" class="strip__empty" hidden={!empty}>{ empty_words(partition) }</span>
        </div>
    }
}

/// Why there is nothing to see, where that can be said truly.
fn empty_words(partition: &PartitionView) -> &'static str {
    match (partition.log_end, partition.leader) {
        (0, Some(_)) => "no record yet",
        (0, None) => "no leader: nothing can be written",
        _ => "",
    }
}

fn walk(props: &RowProps, at: &UseStateHandle<Option<u64>>, strip: Strip) -> Callback<KeyboardEvent> {
    let (page, topic, partition) = (props.page.clone(), props.topic.to_string(), props.partition.partition);
    let (now, set) = (**at, at.setter());
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
                page.select(Subject::Record { topic: topic.clone(), partition, offset: here.min(last) });
                here.min(last)
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        set.set(Some(next));
    })
}

fn cell_picture(props: &RowProps, strip: Strip, cell: &CellView, hw: u64, chosen: bool, active: bool, id: String) -> Html {
    let x = strip.x(cell.offset);
    let mark = props.keys.mark(cell.key.as_deref());
    let (page, subject) =
        (props.page.clone(), Subject::Record { topic: props.topic.to_string(), partition: props.partition.partition, offset: cell.offset });
    let class = classes!(
        "cell",
        mark.class(),
        (cell.offset >= hw).then_some("cell--uncommitted"),
        chosen.then_some("cell--chosen"),
        active.then_some("cell--active"),
    );
    let key_words = cell.key.as_deref().map_or("no key".to_owned(), |key| format!("key {key}"));
    let promise = if cell.offset >= hw { ", not committed yet" } else { "" };
    let (inner, text_x) = (strip.cell - 2.0, x + strip.cell / 2.0);
    html! {
        <g key={cell.offset.to_string()} {id} {class} role="option" aria-selected={chosen.to_string()} aria-label={format!("{}, {key_words}{promise}", cell.offset)}
            onclick={move |_| page.select(subject.clone())}>
            <rect key="box" class="cell__box" x={format!("{:.1}", x + 1.0)} y={CELL_TOP.to_string()} width={format!("{inner:.1}")} height={CELL_HEIGHT.to_string()} rx="3" />
            <path key="band" class="cell__band" d={band(x + 1.0, inner)} />
            <polygon key="glyph" class="cell__glyph" points={mark.glyph.points(text_x, CELL_TOP + BAND / 2.0, 2.6)} />
            <text key="offset" class="cell__offset" x={format!("{text_x:.1}")} y={(CELL_TOP + 20.5).to_string()}>{ cell.offset }</text>
        </g>
    }
}

/// The head of a cell: rounded above, straight below.
fn band(x: f64, width: f64) -> String {
    format!("M{x:.1} {} v-{} q0 -3 3 -3 h{:.1} q3 0 3 3 v{} z", CELL_TOP + BAND, BAND - 3.0, width - 6.0, BAND - 3.0)
}

fn watermark(strip: Strip, hw: u64, empty: bool) -> Html {
    let x = strip.x(hw);
    let class = classes!("watermark", (empty || hw < strip.first).then_some("watermark--away"));
    html! {
        <line key="watermark" {class} x1={format!("{x:.1}")} x2={format!("{x:.1}")} y1={(CELL_TOP - 3.0).to_string()} y2={(BASELINE + 2.0).to_string()}>
            <title>{ format!("High watermark {hw}: readers see what is left of it") }</title>
        </line>
    }
}

/// From a bookmark to the end of the log: records the group has not committed yet.
fn lags(props: &RowProps, strip: Strip) -> Vec<Html> {
    let end = strip.x(strip.end);
    let rows = props.bookmarks.iter().map(|mark| (mark, strip.x(mark.committed.min(strip.end))));
    rows.map(|(mark, x)| {
        html! {
            <rect key={mark.group.to_string()} class={classes!("lag", format!("lag--{}", mark.nth % 4))} x={format!("{x:.1}")} width={format!("{:.1}", (end - x).max(0.0))}
                y={(BASELINE + 1.0 + f64::from(mark.nth % 3) * 4.0).to_string()} height="4" />
        }
    })
    .collect()
}

fn flags(props: &RowProps, strip: Strip) -> Vec<Html> {
    let at: Vec<f64> = props.bookmarks.iter().map(|mark| strip.x(mark.committed)).collect();
    let shifts = flag_shifts(&at);
    let marks = props.bookmarks.iter().zip(at.iter().zip(shifts));
    marks
        .map(|(mark, (x, shift))| {
            let left = (x - FLAG / 2.0 + shift).max(if mark.committed < strip.first { 0.0 } else { LEAD - 3.0 });
            html! {
                <g key={mark.group.to_string()} class={classes!("flag", format!("flag--{}", mark.nth % 4))}>
                    <title>{ format!("{}: committed offset {}, the next record it would read after a restart", mark.group, mark.committed) }</title>
                    <path key="stalk" class="flag__stalk" d={format!("M{x:.1} {}V{}", CELL_TOP + CELL_HEIGHT - 4.0, BASELINE + 3.0)} />
                    <rect key="box" class="flag__box" x={format!("{left:.1}")} y={(BASELINE + 0.5).to_string()} width="14" height="12" rx="2.5" />
                    <text key="letter" class="flag__letter" x={format!("{:.1}", left + 7.0)} y={(BASELINE + 10.3).to_string()}>{ mark.letter }</text>
                </g>
            }
        })
        .collect()
}
