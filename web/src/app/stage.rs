//! The stage: producers, what the cluster keeps, and the groups that read it. In the middle stand topics as strips (story view) or
//! brokers as boxes (cluster view).

pub mod boxed;
pub mod brokers;
pub mod close_up;
pub mod cluster;
pub mod flow;
pub mod geometry;
pub mod grid;
pub mod grid_layout;
pub mod grid_pinch;
pub mod grid_words;
pub mod groups;
pub mod map;
pub mod morph;
pub mod motes;
pub mod outline;
pub mod outline_parts;
pub mod partition_row;
pub mod producers;
pub mod replica_row;
pub mod staging;
pub mod strip;
pub mod topic;

use crate::app::Nodes;
use crate::app::editor::palette::invitation;
use crate::app::model::{Mirror, Snapshot};
use crate::app::page::PageHandle;
use crate::app::ui_state::{Inspect, StageView, UiState, Zoom};
use crate::app::words;
use playground_core::view::Subject;
use std::rc::Rc;
use yew::prelude::*;

/// From this speed on new cells are not faded in: they come too fast to be seen coming.
const FAST: u64 = 50_000;

/// Nobody is there, and that was said: not the moment before the first frame.
fn is_empty(mirror: &Mirror) -> bool {
    mirror.brokers.is_empty() && mirror.topics.is_empty() && !mirror.kafka.is_empty()
}

pub fn stage(page: &PageHandle, shot: &Rc<Snapshot>, ui: &UiState, nodes: &Nodes) -> Html {
    let pace = if shot.speed_milli() >= FAST { "fast" } else { "calm" };
    let selected = if let Inspect::Subject(subject) = &ui.inspect { Some(subject) } else { None };
    let crowd = shot.crowd.filter(|_| !shot.mirror.is_large());
    let crowd = crowd.map(|rate| format!("Too fast for single records: lines show where {} arrivals a second go", words::count(rate)));
    let mirror = &shot.mirror;
    html! {
        <section key="stage" class="stage" aria-label="Stage" data-pace={pace} data-now-us={mirror.now_us.to_string()} data-digest={shot.digest.clone()}>
            <div key="view" class="stage__view" ref={&nodes.view}>
                <div key="scroll" class="stage__scroll" tabindex="0" role="region" aria-label="The cluster">
                    <div class="story">
                        { producers::producers(page, shot, selected) }
                        <div key="gutter-in" class="story__gutter story__gutter--in" data-at="gutter:in"></div>
                        <div key="middle" class="story__middle">
                            { brokers::head(page, mirror, ui.view) }
                            { match ui.view {
                                _ if shot.mirror.is_large() => large(page, shot, ui, selected),
                                StageView::Story => story(page, shot, selected),
                                StageView::Cluster => cluster::boxes(page, shot, selected),
                            } }
                            { for mirror.topics.iter().filter(|topic| topic.head.internal).map(|topic| topic::internal_topic(page, topic, &mirror.groups)) }
                        </div>
                        <div key="gutter-out" class="story__gutter story__gutter--out" data-at="gutter:out"></div>
                        { groups::groups(page, shot, selected) }
                    </div>
                </div>
                { if is_empty(mirror) { invitation(page, mirror) } else { html! {} } }
                <div key="crowd" class="stage__crowd" hidden={crowd.is_none()}>{ crowd }</div>
                <div key="canvas" class="stage__canvas" aria-hidden="true"><canvas ref={&nodes.canvas} /></div>
                <div key="probes" class="probes" aria-hidden="true">
                    { for ["key-0", "key-1", "key-2", "key-3", "key-4", "key-5", "key-6", "key-7", "key-none"].into_iter().map(|class| html! {
                        <i key={class} class={classes!("probe", class)} data-colour="key"></i>
                    }) }
                    <i key="ink" class="probe probe--ink" data-colour="ink"></i>
                    <i key="paper" class="probe probe--paper" data-colour="paper"></i>
                    <i key="flow" class="probe probe--flow" data-colour="flow"></i>
                    <i key="damage" class="probe probe--damage" data-colour="damage"></i>
                    <i key="quiet" class="probe probe--quiet" data-colour="quiet"></i>
                </div>
            </div>
            <outline::Tree key="outline" page={page.clone()} shot={shot.clone()} outline={ui.outline.clone()} />
        </section>
    }
}

/// A cluster of more partitions than anyone reads.
#[inline(never)]
fn large(page: &PageHandle, shot: &Rc<Snapshot>, ui: &UiState, selected: Option<&Subject>) -> Html {
    match ui.zoom {
        Zoom::Partition { .. } => close_up::close_up(page, shot, ui.view, &ui.zoom, selected),
        _ => html! { <grid::Grid key="grid" page={page.clone()} shot={shot.clone()} view={ui.view} zoom={ui.zoom.clone()} /> },
    }
}

/// Brokers in a row, and each topic's partitions.
fn story(page: &PageHandle, shot: &Snapshot, selected: Option<&Subject>) -> Html {
    html! {
        <div key="story" class="story__topics">
            { brokers::brokers(page, &shot.mirror, selected) }
            { for shot.mirror.user_topics().map(|topic| topic::topic_block(page, shot, topic, selected)) }
        </div>
    }
}

/// Is this what the inspector shows?
pub fn is_selected(selected: Option<&Subject>, subject: &Subject) -> bool {
    selected == Some(subject)
}
