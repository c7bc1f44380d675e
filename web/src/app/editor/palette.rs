//! What can be added, in a row above the stage; and the invitation of an empty one.

use crate::app::editor::form::Tool;
use crate::app::editor::{Edit, Want};
use crate::app::icons::{Icon, icon};
use crate::app::model::Mirror;
use crate::app::page::{Click, PageHandle};
use crate::app::widgets::icon_button;
use yew::prelude::*;

const TILES: [(Tool, &str, &str); 4] = [
    (Tool::Broker, "Broker", "keeps records"),
    (Tool::Topic, "Topic", "a stream, in partitions"),
    (Tool::Producer, "Producers", "write records"),
    (Tool::Group, "Group", "reads them"),
];

#[inline(never)]
pub fn palette(page: &PageHandle, mirror: &Mirror, chosen: Option<Tool>) -> Html {
    let next = next(mirror);
    html! {
        <div key="palette" class="palette" role="toolbar" aria-label="Add to the cluster">
            <span key="name" class="palette__name">{ "Add" }</span>
            { for TILES.iter().map(|(tool, name, words)| tile(page, *tool, name, words, mirror, (next == Some(*tool), chosen == Some(*tool)))) }
            <button key="new" type="button" class="button button--quiet palette__new" onclick={page.on(Click::New)}>{ "New empty canvas" }</button>
            { icon_button("close", Icon::Close, "Close the palette (B)", "button--quiet palette__close", page.on(Click::Edit(Box::new(Want::Edit(Edit::Palette(false)))))) }
        </div>
    }
}

/// What is wanted first, of what is not there yet.
fn next(mirror: &Mirror) -> Option<Tool> {
    let has = |tool| match tool {
        Tool::Broker => !mirror.brokers.is_empty(),
        Tool::Topic => mirror.user_topics().next().is_some(),
        Tool::Producer => mirror.clients.iter().any(|client| client.group.is_none()),
        Tool::Group => !mirror.groups.is_empty(),
    };
    Tool::ALL.into_iter().find(|tool| !has(*tool))
}

/// The tool an element stands for.
pub fn tool_of(element: &web_sys::Element) -> Option<Tool> {
    Tool::named(&element.closest("[data-tool]").ok()??.get_attribute("data-tool")?)
}

/// A click opens the tool's form below it; dragged onto the stage it opens there.
fn tile(page: &PageHandle, tool: Tool, name: &'static str, words: &'static str, mirror: &Mirror, (next, open): (bool, bool)) -> Html {
    let lacks = tool.lacks(mirror);
    let class = classes!("palette__tile", next.then_some("palette__tile--next"), open.then_some("is-selected"));
    html! {
        <button key={name} type="button" {class} data-tool={tool.word()}  aria-disabled={crate::app::words::yes(lacks.is_some())}
            aria-haspopup="dialog" title={lacks} onclick={page.on_here()}>
            <span key="sign" class={classes!("palette__sign", format!("palette__sign--{}", tool.word()))} aria-hidden="true"></span>
            <span key="words" class="palette__words"><b key="name">{ name }</b>{ " " }<span key="what">{ lacks.unwrap_or(words) }</span></span>
        </button>
    }
}

const STEPS: [(Tool, &str, &str); 4] = [
    (Tool::Broker, "Brokers", "Servers that keep the records. Take three: one may die, and nothing is lost."),
    (Tool::Topic, "A topic", "A named stream of records, cut into partitions. Each lies on several brokers."),
    (Tool::Producer, "Producers", "They write records to the topic."),
    (Tool::Group, "A consumer group", "An application that reads them. Its members share the partitions."),
];

/// On the stage while nobody is there: what to add first, and why.
#[inline(never)]
pub fn invitation(page: &PageHandle, mirror: &Mirror) -> Html {
    let next = next(mirror);
    html! {
        <section key="invitation" class="invitation" aria-label="Build a cluster">
            <h2 key="title" class="invitation__title">{ "An empty cluster" }</h2>
            <p key="why" class="invitation__why">{ "Time stands at 0:00. Build first, then press play. Every step is a line you can copy." }</p>
            <ol key="steps" class="invitation__steps">
                { for STEPS.iter().enumerate().map(|(nth, (tool, name, why))| {
                    let first = next == Some(*tool);
                    html! {
                        <li key={nth} class={classes!("invitation__step", first.then_some("invitation__step--next"))}>
                            <span key="n" class="invitation__n" aria-hidden="true">{ nth + 1 }</span>
                            <div key="words"><b key="name">{ *name }</b><p key="why">{ *why }</p></div>
                            <button key="add" type="button" class="button button--accent" hidden={!first} data-tool={tool.word()} onclick={page.on_here()}>{ icon(Icon::Plus) }{ "Add brokers" }</button>
                        </li>
                    }
                }) }
            </ol>
        </section>
    }
}
