//! The one selected thing: what it is, what can be done to it, why it is so.

pub mod asked;
pub mod broker;
pub mod client;
pub mod controllers;
pub mod event;
pub mod group;
pub mod guide;
pub mod handover;
pub mod hands;
pub mod partition;
pub mod record;
pub mod scenarios;
pub mod verdict;
pub mod why;

use crate::app::editor;
use crate::app::icons::Icon;
use crate::app::model::Snapshot;
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::{Act, Inspect, UiState};
use crate::app::widgets::icon_button;
use playground_core::view::Subject;
use yew::prelude::*;

/// `open`: on narrow pages, does it lie over the stage now?
pub fn inspector(page: &PageHandle, shot: &Snapshot, ui: &UiState, open: bool) -> Html {
    let class = classes!("inspector", open.then_some("inspector--open"));
    let guide = ui.inspect == Inspect::Guide;
    html! {
        <section key="inspector" {class} aria-label="Inspector">
            <div key="close" class="inspector__close" hidden={guide && !open}>
                { if let Inspect::Subject(subject) = &ui.inspect { editor::subject_dots(page, subject) } else { html! {} } }
                { icon_button("close", Icon::Close, "Close (Esc)", "button--quiet", page.on(Click::Act(Act::Close))) }
            </div>
            <div key="panel" class="inspector__panel" tabindex="0" role="region" aria-label="Selected">{ panel(page, shot, ui) }</div>
        </section>
    }
}

/// A panel of its own for each thing, by its key: what was opened or scrolled in one does not show in the next.
///
/// None but the guide is built into this function: they wait in the site's second part until somebody asks for one.
fn panel(page: &PageHandle, shot: &Snapshot, ui: &UiState) -> Html {
    match &ui.inspect {
        Inspect::Guide => guide::guide(page, &shot.mirror),
        Inspect::Event(id) => event::why(page, shot, ui, *id),
        Inspect::Verdict => verdict::verdict(page, shot),
        Inspect::Controllers => controllers::controllers(page, shot, ui),
        Inspect::Asked(line) => asked::asked(page, shot, ui, line),
        Inspect::Scenarios => scenarios::scenarios(page, shot, &ui.earlier),
        Inspect::Subject(Subject::Broker(id)) => broker::broker(page, shot, ui, *id),
        Inspect::Subject(Subject::Partition { topic, partition }) => partition::partition(page, shot, ui, topic, *partition),
        Inspect::Subject(Subject::Record { topic, partition, offset }) => record::record(page, shot, ui, topic, *partition, *offset),
        Inspect::Subject(Subject::Client(name)) => client::client(page, shot, ui, name),
        Inspect::Subject(Subject::Group(name)) => group::group(page, shot, ui, name),
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
pub fn gone(key: String, what: &str) -> Html {
    html! { <div {key} class="panel">{ title(what, "is not there at this moment of the run") }</div> }
}
