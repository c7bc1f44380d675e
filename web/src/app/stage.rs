//! The stage in story view: producers, brokers, partitions as strips, and the groups that read them.

pub mod brokers;
pub mod flow;
pub mod geometry;
pub mod groups;
pub mod map;
pub mod outline;
pub mod partition_row;
pub mod producers;
pub mod staging;
pub mod strip;
pub mod topic;

use crate::app::Nodes;
use crate::app::model::Snapshot;
use crate::app::page::PageHandle;
use crate::app::ui_state::Inspect;
use crate::app::words;
use playground_core::view::Subject;
use yew::prelude::*;

/// From this speed on new cells are not faded in: they come too fast to be seen coming.
const FAST: u64 = 50_000;

pub fn stage(page: &PageHandle, shot: &Snapshot, inspect: &Inspect, nodes: &Nodes) -> Html {
    let pace = if shot.speed_milli() >= FAST { "fast" } else { "calm" };
    let selected = if let Inspect::Subject(subject) = inspect { Some(subject) } else { None };
    let crowd = shot.crowd.map(|rate| format!("Too fast for single records: lines show where {} arrivals a second go", words::count(rate)));
    let mirror = &shot.mirror;
    html! {
        <section key="stage" class="stage" aria-label="Stage" data-pace={pace} data-now-us={mirror.now_us.to_string()} data-digest={shot.digest.clone()}>
            <div key="view" class="stage__view" ref={&nodes.view}>
                <div key="scroll" class="stage__scroll" tabindex="0" role="region" aria-label="The cluster">
                    <div class="story">
                        { producers::producers(page, shot, selected) }
                        <div key="gutter-in" class="story__gutter story__gutter--in" data-at="gutter:in"></div>
                        <div key="middle" class="story__middle">
                            { brokers::brokers(page, mirror, selected) }
                            { for mirror.user_topics().map(|topic| topic::topic_block(page, shot, topic, selected)) }
                            { for mirror.topics.iter().filter(|topic| topic.head.internal).map(|topic| topic::internal_topic(page, topic, &mirror.groups)) }
                        </div>
                        <div key="gutter-out" class="story__gutter story__gutter--out" data-at="gutter:out"></div>
                        { groups::groups(page, shot, selected) }
                    </div>
                </div>
                <div key="crowd" class="stage__crowd" hidden={crowd.is_none()}>{ crowd }</div>
                <div key="canvas" class="stage__canvas" aria-hidden="true"><canvas ref={&nodes.canvas} /></div>
                <div key="probes" class="probes" aria-hidden="true">
                    { for ["key-0", "key-1", "key-2", "key-3", "key-4", "key-5", "key-6", "key-7", "key-none"].into_iter().map(|class| html! {
                        <i key={class} class={classes!("probe", class)} data-colour="key"></i>
                    }) }
                    <i key="ink" class="probe probe--ink" data-colour="ink"></i>
                    <i key="paper" class="probe probe--paper" data-colour="paper"></i>
                    <i key="flow" class="probe probe--flow" data-colour="flow"></i>
                </div>
            </div>
            { outline::outline(mirror) }
        </section>
    }
}

/// Is this what the inspector shows?
pub fn is_selected(selected: Option<&Subject>, subject: &Subject) -> bool {
    selected == Some(subject)
}
