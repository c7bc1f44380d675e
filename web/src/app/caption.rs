//! One sentence for what just happened, with "Why?" beside it, and the last command as a shell line.

use crate::app::events::{Sign, about_internals};
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
    let newest = telling(&props.snapshot.events).cloned();
    let text = newest.as_ref().map_or_else(|| opening(&props.snapshot), |event| event.text.clone());
    let (page, id) = (props.page.clone(), newest.as_ref().map(|event| event.id));
    let at = newest.as_ref().map_or(String::new(), |event| words::moment(event.at_us));
    let others = at_this_moment(&props.snapshot.events).len().saturating_sub(1);
    html! {
        <div class="caption">
            <p key="text" class="caption__text">
                <span key="at" class="caption__at">{ at }</span>
                <span key="words" class="caption__words">
                    <span key="text">{ text.clone() }</span>
                    <span key="others" class="caption__others" hidden={others == 0}>{ format!(" And {others} more at this moment.") }</span>
                </span>
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

/// What follows within this virtual time belongs to one moment.
const MOMENT_US: u64 = 1_000_000;

/// The newest events of one moment: a broker is fenced, ten partitions change their leader, a group its coordinator.
fn at_this_moment(events: &[Shared<EventView>]) -> &[Shared<EventView>] {
    let Some(newest) = events.last() else { return &[] };
    let from = events.iter().rposition(|event| event.at_us + MOMENT_US < newest.at_us).map_or(0, |i| i + 1);
    &events[from..]
}

/// The one of them that tells most; of equals the first, because the others follow from it.
fn telling(events: &[Shared<EventView>]) -> Option<&Shared<EventView>> {
    at_this_moment(events).iter().rev().max_by_key(|event| (!about_internals(event), Sign::of(event)))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u64, at_us: u64, kind: &str, subject: &str) -> Shared<EventView> {
        Shared::new(EventView { id, at_us, kind: kind.into(), subject: subject.into(), ..EventView::default() })
    }

    #[test]
    fn of_one_moment_the_caption_tells_the_weightiest_event() {
        let events = [
            event(1, 5, "record_lost", "t-0"),
            event(2, 9_000_000, "broker_fenced", "102"),
            event(3, 9_002_000, "leader_elected", "t-3"),
            event(4, 9_004_000, "coordinator_loaded", "readers"),
        ];
        assert_eq!(telling(&events).map(|event| event.id), Some(2));
        assert_eq!(at_this_moment(&events).len(), 3);
        assert!(telling(&[]).is_none());
    }

    #[test]
    fn kafkas_own_topics_step_back() {
        let events = [event(1, 9, "isr_changed", "t-0"), event(2, 9, "leader_elected", "__consumer_offsets-4")];
        assert_eq!(telling(&events).map(|event| event.id), Some(1));
    }
}
