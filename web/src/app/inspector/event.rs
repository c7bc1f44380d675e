//! One event: what happened, when, and why.

use crate::app::inspector::{title, why as card};
use crate::app::language;
use crate::app::model::{Shared, Snapshot};
use crate::app::page::{Click, PageHandle};
use crate::app::tables::terms;
use crate::app::ui_state::{Inspect, UiState};
use crate::app::words;
use playground_core::view::EventView;
use yew::prelude::*;

#[inline(never)]
pub fn why(page: &PageHandle, shot: &Snapshot, ui: &UiState, id: u64) -> Html {
    let key = format!("event-{id}");
    let card = card::card(page, shot, ui);
    let Some(event) = find(&shot.events, id) else {
        // Older than the page's list: the worker still knows it.
        let answer = shot.why.as_deref().and_then(|why| why.answer.as_ref()?.as_ref().ok());
        let about = answer.map_or("no longer in the page's list of events", |answer| answer.sentence.as_str());
        return html! { <div {key} class="panel">{ title("An earlier event", about) }{ card }</div> };
    };
    html! {
        <div {key} class="panel">
            <div key="title" class="panel__title">
                <p key="about" class="panel__about">{ format!("at {} · {}", words::clock(event.at_us).0, event.kind.replace('_', " ")) }</p>
                <h2 key="text" class="panel__name panel__name--sentence">{ event.text.clone() }</h2>
            </div>
            { card }
            { terms::settings(page, &event.rule) }
        </div>
    }
}

pub fn cause_item(page: &PageHandle, head: &str, cause: &EventView) -> Html {
    let id = cause.id;
    html! {
        <li key={id.to_string()} class="why__cause">
            <button type="button" class="why__link" onclick={page.on(Click::Inspect(Inspect::Event(id)))}>
                <span key="because" class="why__because">{ format!("{head} {}", words::moment(cause.at_us)) }</span>
                <span key="text">{ cause.text.clone() }</span>
            </button>
        </li>
    }
}

fn find(events: &[Shared<EventView>], id: u64) -> Option<&Shared<EventView>> {
    events.iter().rev().find(|event| event.id == id)
}

/// A sentence in which Kafka's setting names stand in monospace. It is translated before it is taken apart.
pub fn with_code(text: &str) -> Html {
    marked(&language::say(text))
}

/// Of words that are in their language already.
pub fn marked(text: &str) -> Html {
    let words = text.split_inclusive(' ').enumerate().map(|(i, word)| {
        let bare = word.trim_end_matches([' ', '.', ',', ';', ':', ')']);
        let setting = bare.contains('.')
            && bare.chars().all(|c| c.is_ascii_alphanumeric() || "._-=".contains(c))
            && bare.chars().any(|c| c.is_ascii_alphabetic());
        let setting = setting || bare.contains('=') && !bare.starts_with('=');
        if setting {
            html! { <span key={i} translate="no"><code>{ bare.to_owned() }</code>{ word[bare.len()..].to_owned() }</span> }
        } else {
            html! { <span key={i} translate="no">{ word.to_owned() }</span> }
        }
    });
    html! { <>{ for words }</> }
}
