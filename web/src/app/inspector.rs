//! The one selected thing: what it is, what can be done to it, why it is so.

pub mod broker;
pub mod client;
pub mod event;
pub mod group;
pub mod guide;
pub mod partition;
pub mod record;

use crate::app::icons::Icon;
use crate::app::model::Snapshot;
use crate::app::page::PageHandle;
use crate::app::ui_state::{Act, Inspect};
use crate::app::widgets::IconButton;
use playground_core::view::Subject;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct InspectorProps {
    pub page: PageHandle,
    pub snapshot: Snapshot,
    pub inspect: Inspect,
    /// On narrow pages: does it lie over the stage now?
    pub open: bool,
}

#[component]
pub fn Inspector(props: &InspectorProps) -> Html {
    let close = props.page.clone();
    let class = classes!("inspector", props.open.then_some("inspector--open"));
    let guide = props.inspect == Inspect::Guide;
    html! {
        <section {class} aria-label="Inspector">
            <div key="close" class="inspector__close" hidden={guide && !props.open}>
                <IconButton icon={Icon::Close} label="Close (Esc)" class="button--quiet" onclick={move |_| close.act(Act::Close)} />
            </div>
            <div key="panel" class="inspector__panel" tabindex="0" role="region" aria-label="Selected">{ panel(props) }</div>
        </section>
    }
}

fn panel(props: &InspectorProps) -> Html {
    let (page, shot) = (props.page.clone(), &props.snapshot);
    match &props.inspect {
        Inspect::Guide => html! { <guide::Guide key="guide" {page} /> },
        Inspect::Event(id) => html! { <event::Why key={format!("event-{id}")} {page} events={shot.events.clone()} id={*id} /> },
        Inspect::Subject(Subject::Broker(id)) => {
            html! { <broker::Broker key={format!("broker-{id}")} {page} snapshot={shot.clone()} id={*id} /> }
        }
        Inspect::Subject(Subject::Partition { topic, partition }) => html! {
            <partition::Partition key={format!("partition-{topic}-{partition}")} {page} snapshot={shot.clone()} topic={topic.clone()} partition={*partition} />
        },
        Inspect::Subject(Subject::Record { topic, partition, offset }) => html! {
            <record::Record key={format!("record-{topic}-{partition}-{offset}")} {page} snapshot={shot.clone()} topic={topic.clone()} partition={*partition} offset={*offset} />
        },
        Inspect::Subject(Subject::Client(name)) => {
            html! { <client::Client key={format!("client-{name}")} {page} snapshot={shot.clone()} name={name.clone()} /> }
        }
        Inspect::Subject(Subject::Group(name)) => {
            html! { <group::Group key={format!("group-{name}")} {page} snapshot={shot.clone()} name={name.clone()} /> }
        }
    }
}

/// A panel's title with a line below it.
pub fn title(name: &str, about: &str) -> Html {
    html! {
        <div key="title" class="panel__title">
            <h2 key="name" class="panel__name">{ name.to_owned() }</h2>
            <p key="about" class="panel__about">{ about.to_owned() }</p>
        </div>
    }
}

/// What is left when the selected thing is not there (any more).
pub fn gone(what: &str) -> Html {
    html! { <div class="panel">{ title(what, "is not there at this moment of the run") }</div> }
}
