//! The settings of one thing: what is in force, what would be, where it comes from, and how to change it.

use crate::app::model::Snapshot;
use crate::app::page::{Click, PageHandle};
use crate::app::tables::act;
use crate::app::tables::desk::{Desk, DeskAct};
use crate::app::tables::grid::{Grid, Head, grid, text};
use crate::app::ui_state::Act;
use crate::app::widgets::{Rows, facts};
use crate::app::words;
use playground_core::view::ask::{Answer, ConfigView, Entity, Source};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

const HEADS: [Head; 4] = [Head("KEY", false), Head("VALUE", false), Head("DEFAULT", false), Head("SOURCE", false)];

/// `Long.MAX_VALUE`.
const NEVER: &str = "9223372036854775807";

fn source(source: Source) -> &'static str {
    match source {
        Source::Default => "DEFAULT_CONFIG",
        Source::Static => "STATIC",
        Source::Dynamic => "DYNAMIC_TOPIC_CONFIG",
    }
}

/// `30000 ms`; the largest number Kafka has stands for never.
fn valued(value: &str, unit: &str) -> String {
    if value == NEVER {
        return format!("{value}: never");
    }
    if unit.is_empty() || value.is_empty() { value.to_owned() } else { format!("{value} {unit}") }
}

pub fn configs(page: &PageHandle, shot: &Snapshot, desk: &Desk, entity: &Entity) -> Html {
    let Some(Answer::Configs(all)) = shot.answer.as_deref() else {
        return html! { <p key="wait" class="place__note" role="status">{ "Reading…" }</p> };
    };
    let rows: Vec<&ConfigView> = all.iter().filter(|row| !desk.only_changed || row.source != Source::Default).collect();
    let cell = |row: usize, column: usize| {
        let row = rows[row];
        match column {
            0 => text(row.key.clone()),
            1 => text(valued(&row.value, &row.unit)),
            2 => text(valued(&row.default, &row.unit)),
            _ => text(source(row.source)),
        }
    };
    let opened = |row: usize| desk.expanded.as_deref() == Some(rows[row].key.as_str());
    html! {
        <>
            <div key="bar" class="place__bar">
                <button key="changed" type="button" class="button button--small" aria-pressed={words::yes(desk.only_changed)} onclick={act(page, DeskAct::OnlyChanged)}>
                    { if desk.only_changed { "Only changed: on" } else { "Only changed: off" } }
                </button>
            </div>
            { grid(page, desk, &Grid {
                name: "configs",
                caption: "Settings",
                heads: &HEADS,
                rows: rows.len(),
                cell: &cell,
                key: &|row| rows[row].key.clone(),
                open: &|row| Some(Click::Act(Act::Desk(DeskAct::Expand((!opened(row)).then(|| rows[row].key.clone()))))),
                selected: &opened,
                below: &|row| opened(row).then(|| whole(page, desk, entity, rows[row])),
                none: "Nothing was given: every setting has its default.",
            }) }
        </>
    }
}

/// What it means, what it may be, and the line that changes it.
fn whole(page: &PageHandle, desk: &Desk, entity: &Entity, row: &ConfigView) -> Html {
    let meaning = desk.terms.as_ref().and_then(|terms| terms.setting(&row.scope, &row.key)).unwrap_or_default().to_owned();
    let rows: Rows = vec![("Type".into(), row.kafka_type.clone().into()), ("Valid".into(), valued(&row.valid, &row.unit).into())];
    html! {
        <div class="message">
            <p key="meaning">{ meaning }</p>
            { facts(rows) }
            { match change(entity, &row.key) {
                Some(line) => edit(page, row, &line),
                None => html! { <p key="fixed" class="place__note">{ "Given when the broker starts: change it in the scenario file." }</p> },
            } }
        </div>
    }
}

/// The line without its value.
fn change(entity: &Entity, key: &str) -> Option<String> {
    match entity {
        Entity::Topic(name) => Some(format!("kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config {key}=")),
        Entity::Client(name) => Some(format!("set {name} {key}=")),
        Entity::Broker(_) => None,
    }
}

/// What stands in the field is its user's, however often the page is drawn while the run goes on.
fn edit(page: &PageHandle, row: &ConfigView, line: &str) -> Html {
    let (page, start) = (page.clone(), line.to_owned());
    let onsubmit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        let form = event.target().and_then(|form| form.dyn_into::<Element>().ok());
        let field =
            form.and_then(|form| form.query_selector("input").ok().flatten()).and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
        field.into_iter().for_each(|field| page.click(Click::Shell(format!("{start}{}", field.value()))));
    });
    html! {
        <form key={row.key.clone()} class="place__bar" {onsubmit}>
            <label class="pick"><span>{ "New value" }</span><input class="pick__text" ~defaultValue={row.value.clone()} aria-label={format!("New value of {}", row.key)} /></label>
            <button type="submit" class="button button--small">{ "Set" }</button>
            <code class="place__line">{ format!("{line}…") }</code>
        </form>
    }
}
