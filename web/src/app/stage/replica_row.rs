//! One copy of a partition in its broker's box: what it is, and its newest records with the same colours, shapes and numbers as
//! everywhere, so that copies of one record are seen to be copies.

use crate::app::keys::Keys;
use crate::app::model::Shared;
use crate::app::page::PageHandle;
use crate::app::stage::boxed::{BAND, CELL, HEIGHT, TOP, cells_at, cells_of};
use crate::app::stage::geometry::{copy_at, window_at};
use crate::app::stage::strip::Strip;
use crate::app::widgets::Watch;
use crate::app::words::{coordinate, yes};
use playground_core::view::{CellView, PartitionView, ReplicaView, Subject};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct RowProps {
    pub page: PageHandle,
    pub topic: AttrValue,
    pub partition: Shared<PartitionView>,
    pub broker: i32,
    /// How much of this copy may be seen, and how much of the leader's log.
    pub end: u64,
    pub newest: u64,
    pub keys: Shared<Keys>,
    /// Selected: the partition itself, or one of its records.
    pub chosen: Option<Option<u64>>,
}

/// A part of its own in Yew's tree: it is drawn again only when its partition changed, or its room.
#[derive(Default)]
pub struct ReplicaRow {
    room: i32,
    window: NodeRef,
    watch: Option<Watch>,
}

impl Component for ReplicaRow {
    type Message = i32;
    type Properties = RowProps;

    fn create(_: &Context<Self>) -> Self {
        ReplicaRow::default()
    }

    #[inline(never)]
    fn update(&mut self, _: &Context<Self>, room: i32) -> bool {
        room != std::mem::replace(&mut self.room, room)
    }

    #[inline(never)]
    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first {
            let link = ctx.link().clone();
            self.watch = Watch::width(&self.window, move |room| link.send_message(room));
        }
    }

    #[inline(never)]
    fn view(&self, ctx: &Context<Self>) -> Html {
        let props = ctx.props();
        let (partition, p) = (&props.partition, props.partition.partition);
        let Some(copy) = partition.copies.iter().find(|copy| copy.broker == props.broker) else { return Html::default() };
        let leads = partition.leader == Some(copy.broker);
        let role = if !copy.online {
            ("copy--offline", "✕", "offline")
        } else if leads {
            ("copy--leader", "L", "leader")
        } else if copy.in_sync {
            ("copy--follower", "F", "follower, in sync")
        } else {
            ("copy--follower copy--behind", "F", "follower, out of sync")
        };
        let subject = Subject::Partition { topic: props.topic.to_string(), partition: p };
        let label = format!(
            "P{p} {}: {} on {}, {} to {}, high watermark {}",
            role.1, role.2, copy.broker, partition.log_start, copy.log_end, copy.high_watermark
        );
        html! {
            <div class={classes!("copy-row", props.chosen.is_some().then_some("copy-row--chosen"))}>
                <button key="head" type="button" class="copy-row__head" title={label.clone()} aria-label={label} aria-pressed={yes(props.chosen == Some(None))}
                    onclick={props.page.on_select(subject)}>
                    <span key="name" class="copy-row__name">{ format!("P{p}") }</span>{ " " }
                    <span key="role" class={classes!("copy", role.0)} data-at={copy_at(&props.topic, p, copy.broker)}>{ role.1 }</span>
                </button>
                <div key="window" class="copy-row__window" ref={&self.window} data-at={leads.then(|| window_at(&props.topic, p))}>
                    { picture(props, copy, self.room) }
                </div>
            </div>
        }
    }
}

fn picture(props: &RowProps, copy: &ReplicaView, room: i32) -> Html {
    let partition = &props.partition;
    let strip = cells_of(partition, props.newest, f64::from(room));
    let end = props.end.min(copy.log_end);
    // What only this copy has stands in place of what the others have there.
    let own = copy.own.first().map_or(end, |cell| cell.offset);
    let shared = partition.tail.iter().filter(|cell| cell.offset < own.min(end)).map(|cell| (cell, false));
    let cells = shared.chain(copy.own.iter().map(|cell| (cell, true))).filter(|(cell, _)| (strip.first..strip.end).contains(&cell.offset));
    let hw = coordinate(strip.x(copy.high_watermark.min(end)));
    let away = copy.high_watermark < strip.first || partition.log_end == 0;
    html! {
        <svg key="picture" class="copy-row__picture" width={(room.max(1)).to_string()} height={(HEIGHT as i64).to_string()}
            data-at={cells_at(&props.topic, partition.partition, copy.broker)} aria-hidden="true">
            <g key="cells">{ for cells.map(|(cell, own)| cell_picture(props, copy, strip, cell, own)) }</g>
            <line key="watermark" class={classes!("watermark", away.then_some("watermark--away"))} x1={hw.clone()} x2={hw}
                y1={coordinate(TOP - 2.0)} y2={coordinate(TOP + CELL + 2.0)} />
        </svg>
    }
}

fn cell_picture(props: &RowProps, copy: &ReplicaView, strip: Strip, cell: &CellView, own: bool) -> Html {
    let offset = cell.offset;
    let x = strip.x(offset);
    let mark = props.keys.mark(cell.key.as_deref());
    let class = classes!(
        "cell",
        mark.class(),
        (offset >= copy.high_watermark).then_some("cell--uncommitted"),
        own.then_some("cell--own"),
        (props.chosen == Some(Some(offset))).then_some("cell--chosen"),
    );
    let (inner, middle) = (strip.cell - 2.0, x + strip.cell / 2.0);
    let subject = Subject::Record { topic: props.topic.to_string(), partition: props.partition.partition, offset };
    let title = own.then(|| format!("Offset {offset} of {} alone: the leader's log has another record here, or none", copy.broker));
    html! {
        <g key={offset.to_string()} {class} onclick={(!own).then(|| props.page.on_select(subject))}>
            { title.map(|title| html! { <title>{ title }</title> }) }
            <rect key="box" class="cell__box" x={coordinate(x + 1.0)} y={coordinate(TOP)} width={coordinate(inner)} height={coordinate(CELL)} rx="2.5" />
            <rect key="band" class="cell__band" x={coordinate(x + 1.0)} y={coordinate(TOP)} width={coordinate(inner)} height={coordinate(BAND)} rx="2" />
            <polygon key="glyph" class="cell__glyph" points={mark.glyph.points(middle, TOP + BAND / 2.0, 2.6)} />
            <text key="offset" class="cell__offset" x={coordinate(middle)} y={coordinate(TOP + 18.0)}>{ offset }</text>
        </g>
    }
}
