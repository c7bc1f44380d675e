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

use crate::app::model::Snapshot;
use crate::app::page::PageHandle;
use crate::app::ui_state::{Inspect, Said};
use crate::app::words;
use brokers::Brokers;
use groups::Groups;
use outline::Outline;
use playground_core::view::Subject;
use producers::Producers;
use topic::{InternalTopic, TopicBlock};
use web_sys::{Element, HtmlCanvasElement};
use yew::prelude::*;

/// From this speed on new cells are not faded in: they come too fast to be seen coming.
const FAST: u64 = 50_000;

#[derive(Properties, PartialEq)]
pub struct StageProps {
    pub page: PageHandle,
    pub snapshot: Snapshot,
    pub inspect: Inspect,
    pub said: Option<Said>,
}

#[component]
pub fn Stage(props: &StageProps) -> Html {
    let (view, canvas) = (use_node_ref(), use_node_ref());
    use_flow(&props.page, &view, &canvas);
    let shot = &props.snapshot;
    let pace = if shot.speed_milli() >= FAST { "fast" } else { "calm" };
    let subject = if let Inspect::Subject(subject) = &props.inspect { Some(subject.clone()) } else { None };
    let crowd = shot.crowd.map(|rate| format!("Too fast for single records: lines show where {} arrivals a second go", words::count(rate)));
    html! {
        <section class="stage" aria-label="Stage" data-pace={pace} data-now-us={shot.mirror.now_us.to_string()} data-digest={shot.digest.clone()}>
            <div key="view" class="stage__view" ref={view}>
                <div key="scroll" class="stage__scroll" tabindex="0" role="region" aria-label="The cluster">
                    <div class="story">
                        <Producers key="producers" page={props.page.clone()} clients={shot.mirror.clients.clone()} keys={shot.keys.clone()} selected={subject.clone()} />
                        <div key="gutter-in" class="story__gutter story__gutter--in" data-at="gutter:in"></div>
                        <div key="middle" class="story__middle">
                            <Brokers key="brokers" page={props.page.clone()} brokers={shot.mirror.brokers.clone()} controllers={shot.mirror.controllers.clone()}
                                leads={leads(shot)} selected={subject.clone()} />
                            { for shot.mirror.user_topics().map(|topic| html! {
                                <TopicBlock key={format!("topic-{}", topic.head.name)} page={props.page.clone()} topic={topic.clone()}
                                    groups={shot.mirror.groups.clone()} keys={shot.keys.clone()} held={shot.held.clone()} selected={subject.clone()} />
                            }) }
                            { for shot.mirror.topics.iter().filter(|topic| topic.head.internal).map(|topic| html! {
                                <InternalTopic key={format!("internal-{}", topic.head.name)} page={props.page.clone()} topic={topic.clone()} groups={shot.mirror.groups.clone()} />
                            }) }
                        </div>
                        <div key="gutter-out" class="story__gutter story__gutter--out" data-at="gutter:out"></div>
                        <Groups key="groups" page={props.page.clone()} groups={shot.mirror.groups.clone()} keys={shot.keys.clone()} tracks={shot.tracks.clone()} selected={subject} />
                    </div>
                </div>
                <div key="crowd" class="stage__crowd" hidden={crowd.is_none()}>{ crowd }</div>
                <div key="canvas" class="stage__canvas" aria-hidden="true"><canvas ref={canvas} /></div>
                <div key="probes" class="probes" aria-hidden="true">
                    { for ["key-0", "key-1", "key-2", "key-3", "key-4", "key-5", "key-6", "key-7", "key-none"].into_iter().map(|class| html! {
                        <i key={class} class={classes!("probe", class)} data-colour="key"></i>
                    }) }
                    <i key="ink" class="probe probe--ink" data-colour="ink"></i>
                    <i key="paper" class="probe probe--paper" data-colour="paper"></i>
                    <i key="flow" class="probe probe--flow" data-colour="flow"></i>
                </div>
            </div>
            <Outline key="outline" snapshot={shot.clone()} />
        </section>
    }
}

/// Hands the canvas to the loop while the stage is on the page.
#[hook]
fn use_flow(page: &PageHandle, view: &NodeRef, canvas: &NodeRef) {
    let (page, view, canvas) = (page.clone(), view.clone(), canvas.clone());
    use_effect_with((), move |()| {
        if let (Some(view), Some(canvas)) = (view.cast::<Element>(), canvas.cast::<HtmlCanvasElement>()) {
            page.flow.borrow_mut().mount(view, canvas);
        }
        move || page.flow.borrow_mut().unmount()
    });
}

/// For each broker: partitions of the user's topics it leads, and how many there are.
fn leads(shot: &Snapshot) -> Vec<(usize, usize)> {
    shot.mirror.brokers.iter().map(|broker| shot.mirror.leads(broker.id)).collect()
}

/// Is this what the inspector shows?
pub fn is_selected(selected: Option<&Subject>, subject: &Subject) -> bool {
    selected == Some(subject)
}
