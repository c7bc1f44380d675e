//! One partition of a large cluster, close by: its strip, and each copy.

use crate::app::model::Snapshot;
use crate::app::page::{Click, PageHandle};
use crate::app::stage::grid_words::crumbs;
use crate::app::stage::partition_row::PartitionRow;
use crate::app::stage::replica_row::ReplicaRow;
use crate::app::stage::topic::{bookmarks, chosen};
use crate::app::ui_state::{StageView, Zoom};
use playground_core::view::Subject;
use yew::prelude::*;

pub fn close_up(page: &PageHandle, shot: &Snapshot, view: StageView, zoom: &Zoom, selected: Option<&Subject>) -> Html {
    let Zoom::Partition { topic, partition, within } = zoom else { return Html::default() };
    let found = shot.mirror.topics.get(*topic).and_then(|topic| Some((topic, topic.partitions.get(*partition as usize)?)));
    let Some((head, p)) = found else { return html! { <p class="grid__words">{ "This partition is no more." }</p> } };
    let name = &head.head.name;
    let beside = |to: u32| Click::Zoom(Zoom::Partition { topic: *topic, partition: to, within: within.clone() });
    let selected = chosen(selected, name, *partition);
    html! {
        <section key="close-up" class="grid close-up" aria-label={format!("Partition {partition} of {name}")}>
            <div key="bar" class="grid__bar">
                { crumbs(page, shot, view, zoom) }
                <button key="before" type="button" class="button button--small" disabled={*partition == 0} onclick={page.on(beside(partition.saturating_sub(1)))}>{ "‹ before" }</button>
                <button key="next" type="button" class="button button--small" disabled={*partition as usize + 1 >= head.partitions.len()} onclick={page.on(beside(partition + 1))}>{ "next ›" }</button>
                <button key="out" type="button" class="button button--small grid__zoom" aria-label="Zoom out" aria-keyshortcuts="-" onclick={page.on(Click::Zoom(zoom.out()))}>{ "−" }</button>
            </div>
            <PartitionRow key={format!("row-{name}-{partition}")} page={page.clone()} topic={name.clone()} partition={p.clone()} shown_end={shot.shown_end(name, p)}
                bookmarks={bookmarks(&shot.mirror.groups, name, *partition)} keys={shot.keys.clone()} selected={selected} />
            <h3 key="copies" class="column-head__name">{ "Copies" }</h3>
            <div key="list" class="close-up__copies">
                { for p.replicas.iter().map(|id| html! {
                    <div key={*id} class="close-up__copy">
                        <button key="broker" type="button" class="button button--quiet" onclick={page.on_select(Subject::Broker(*id))}>{ format!("Broker {id}") }</button>
                        <ReplicaRow key="row" page={page.clone()} topic={name.clone()} partition={p.clone()} broker={*id} end={shot.copy_end(name, p, *id)}
                            newest={shot.shown_end(name, p)} keys={shot.keys.clone()} chosen={selected} />
                    </div>
                }) }
            </div>
        </section>
    }
}
