//! One sentence for what just happened, with "Why?" beside it, and the last command as a shell line.

use crate::app::model::{Shared, Snapshot};
use crate::app::page::{PageHandle, now};
use crate::app::ui_state::{Inspect, Said};
use crate::app::widgets::CommandLine;
use crate::app::words;
use gloo::timers::callback::Timeout;
use playground_core::view::{ClientKind, EventView};
use yew::prelude::*;

/// Announcements to screen readers come at most this often, in milliseconds.
const POLITE: f64 = 2_000.0;

#[derive(Properties, PartialEq)]
pub struct CaptionProps {
    pub page: PageHandle,
    pub snapshot: Snapshot,
    pub said: Option<Said>,
}

#[component]
pub fn Caption(props: &CaptionProps) -> Html {
    let newest = props.snapshot.events.last().cloned();
    let text = newest.as_ref().map_or_else(|| opening(&props.snapshot), |event| event.text.clone());
    let (page, id) = (props.page.clone(), newest.as_ref().map(|event| event.id));
    let at = newest.as_ref().map_or(String::new(), |event| words::moment(event.at_us));
    let others = newest.as_ref().map_or(0, |event| companions(&props.snapshot.events, event));
    html! {
        <div class="caption">
            <p key="text" class="caption__text">
                <span key="at" class="caption__at">{ at }</span>
                <span key="words">{ text.clone() }</span>
                <span key="others" class="caption__others" hidden={others == 0}>{ format!(" and {others} more at this moment") }</span>
            </p>
            <button key="why" type="button" class="button caption__why" disabled={id.is_none()} onclick={move |_| {
                if let Some(id) = id {
                    page.inspect(Inspect::Event(id));
                }
            }}>{ "Why?" }</button>
            <div key="said" class="caption__said" hidden={props.said.is_none()}>{ said(props.said.as_ref()) }</div>
            <Announcer key="announcer" {text} />
        </div>
    }
}

/// Before anything happened: what is about to.
fn opening(shot: &Snapshot) -> String {
    let mirror = &shot.mirror;
    let producers = mirror.clients.iter().filter(|client| client.kind == ClientKind::Producer).count() as u64;
    let topics: Vec<&str> = mirror.user_topics().map(|topic| topic.head.name.as_str()).collect();
    if topics.is_empty() {
        return "Trucks report where they are. Two apps need every report.".to_owned();
    }
    format!(
        "{} write to {}. {} read every record.",
        words::plural(producers, "producer"),
        topics.join(" and "),
        words::plural(mirror.groups.len() as u64, "group")
    )
}

/// Other events of the same moment and kind: five partitions that change their leader together.
fn companions(events: &[Shared<EventView>], newest: &EventView) -> usize {
    let same = |event: &&Shared<EventView>| event.at_us == newest.at_us && event.kind == newest.kind;
    events.iter().rev().take_while(same).count() - 1
}

fn said(said: Option<&Said>) -> Html {
    let Some(said) = said else { return html! { <span></span> } };
    let trouble = match &said.answer {
        Some(Err(text)) => text.clone(),
        Some(Ok(_)) | None => String::new(),
    };
    html! {
        <div class="said">
            <CommandLine key="line" line={said.line.clone()} />
            <span key="trouble" class="said__trouble" role="alert" hidden={trouble.is_empty()}>{ trouble }</span>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct AnnouncerProps {
    text: String,
}

/// Says the caption to screen readers, politely: the newest sentence, not every one.
#[component]
fn Announcer(props: &AnnouncerProps) -> Html {
    let (spoken, last) = (use_state_eq(String::new), use_mut_ref(|| -POLITE));
    let set = spoken.setter();
    use_effect_with(props.text.clone(), move |text| {
        let wait = (*last.borrow() + POLITE - now()).max(0.0);
        let text = text.clone();
        let timer = Timeout::new(wait as u32, move || {
            *last.borrow_mut() = now();
            set.set(text);
        });
        move || drop(timer)
    });
    html! { <div class="visually-hidden" role="status" aria-live="polite">{ (*spoken).clone() }</div> }
}
