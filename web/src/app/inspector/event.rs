//! Why something happened: the rule that decided, and the chain of what caused it.

use crate::app::inspector::title;
use crate::app::model::Shared;
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::Inspect;
use crate::app::words;
use playground_core::sorted::SortedSet;
use playground_core::view::EventView;
use yew::prelude::*;

/// Causes shown before "earlier causes".
const LINKS: usize = 5;

#[inline(never)]
pub fn why(page: &PageHandle, events: &[Shared<EventView>], id: u64) -> Html {
    let key = format!("event-{id}");
    let Some(event) = find(events, id) else {
        return html! { <div {key} class="panel">{ title("An earlier event", "no longer in the page's list of events") }</div> };
    };
    let chain = causes(events, event);
    let earlier = chain.len() > LINKS || chain.last().unwrap_or(&event).causes.iter().any(|id| find(events, *id).is_none());
    html! {
        <div {key} class="panel">
            <div key="title" class="panel__title">
                <p key="about" class="panel__about">{ format!("at {} · {}", words::clock(event.at_us).0, event.kind.replace('_', " ")) }</p>
                <h2 key="text" class="panel__name panel__name--sentence">{ event.text.clone() }</h2>
            </div>
            <div key="card" class="why">
                <h3 key="head" class="why__head">{ "Why?" }</h3>
                <p key="rule" class="why__rule">{ with_code(if event.rule.is_empty() { "You did this." } else { &event.rule }) }</p>
                <ol key="chain" class="why__chain" hidden={chain.is_empty()}>
                    { for chain.iter().take(LINKS).map(|cause| cause_item(page, "because, at", cause)) }
                </ol>
                <p key="earlier" class="panel__text" hidden={!earlier}>{ "Earlier causes lie further back." }</p>
            </div>
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

/// Causes, nearest first; each once.
fn causes<'a>(events: &'a [Shared<EventView>], of: &Shared<EventView>) -> Vec<&'a Shared<EventView>> {
    let mut seen: SortedSet<u64> = SortedSet::from([of.id]);
    let mut chain: Vec<&Shared<EventView>> = Vec::new();
    let mut open: Vec<u64> = of.causes.clone();
    while !open.is_empty() && chain.len() <= LINKS {
        let found: Vec<&Shared<EventView>> = open.drain(..).filter(|id| seen.insert(*id)).filter_map(|id| find(events, id)).collect();
        open.extend(found.iter().flat_map(|event| event.causes.iter().copied()));
        chain.extend(found);
    }
    chain
}

/// Kafka's setting names stand in monospace.
pub fn with_code(text: &str) -> Html {
    let words = text.split_inclusive(' ').enumerate().map(|(i, word)| {
        let bare = word.trim_end_matches([' ', '.', ',', ';', ':', ')']);
        let setting = bare.contains('.')
            && bare.chars().all(|c| c.is_ascii_alphanumeric() || "._-=".contains(c))
            && bare.chars().any(|c| c.is_ascii_alphabetic());
        let setting = setting || bare.contains('=') && !bare.starts_with('=');
        if setting {
            html! { <span key={i}><code>{ bare.to_owned() }</code>{ word[bare.len()..].to_owned() }</span> }
        } else {
            html! { <span key={i}>{ word.to_owned() }</span> }
        }
    });
    html! { <>{ for words }</> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u64, causes: &[u64]) -> Shared<EventView> {
        Shared::new(EventView { id, causes: causes.to_vec(), ..EventView::default() })
    }

    #[test]
    fn causes_are_walked_nearest_first_and_each_once() {
        let events = [event(1, &[]), event(2, &[1]), event(3, &[1, 2]), event(4, &[3])];
        let ids: Vec<u64> = causes(&events, &events[3]).iter().map(|event| event.id).collect();
        assert_eq!(ids, [3, 1, 2]);
    }

    #[test]
    fn a_cause_the_page_no_longer_has_ends_the_chain() {
        let events = [event(7, &[3])];
        assert!(causes(&events, &events[0]).is_empty());
    }
}
