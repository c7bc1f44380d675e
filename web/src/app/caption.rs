//! One sentence for what just happened, with "Why?" beside it, and the last command as a shell line.

use crate::app::events::{Sign, about_internals};
use crate::app::inspector::asked;
use crate::app::model::{Shared, Snapshot};
use crate::app::page::{Click, PageHandle};
use crate::app::tables::terminal;
use crate::app::ui_state::{Act, Inspect, Said, UiState};
use crate::app::words;
use crate::app::{App, Heard};
use gloo::timers::callback::Timeout;
use playground_core::view::{ClientKind, EventView};
use web_sys::HtmlInputElement;
use yew::html::Scope;
use yew::prelude::*;

/// Announcements to screen readers come at most this often, in milliseconds.
const POLITE: f64 = 2_000.0;

pub fn caption(page: &PageHandle, shot: &Snapshot, ui: &UiState, announcer: &Announcer, field: &NodeRef) -> Html {
    let (answer, refused) = answer(ui.said.as_ref());
    let newest = telling(&shot.events);
    let at = newest.map_or(String::new(), |event| words::moment(event.at_us));
    let others = at_this_moment(&shot.events).len().saturating_sub(1);
    // Without an event the button is disabled.
    let why = newest.map_or(Click::Act(Act::Close), |event| Click::Inspect(Inspect::Event(event.id)));
    html! {
        <div key="caption" class="caption">
            <p key="text" class="caption__text">
                <span key="at" class="caption__at">{ at }</span>
                <span key="words" class="caption__words">
                    <span key="text">{ sentence(shot) }</span>
                    <span key="others" class="caption__others" hidden={others == 0}>{ format!(" And {others} more at this moment.") }</span>
                </span>
            </p>
            <button key="why" type="button" class="button caption__why" disabled={newest.is_none()} onclick={page.on(why)}>{ "Why?" }</button>
            { prompt(page, ui, field) }
            { in_force(page, shot) }
            <pre key="answer" class={classes!("caption__answer", refused.then_some("caption__answer--refused"))} role="status" hidden={answer.is_empty()}>{ answer.to_owned() }</pre>
            <div key="announcer" class="visually-hidden" role="status" aria-live="polite">{ announcer.spoken.clone() }</div>
        </div>
    }
}

/// What just happened.
pub fn sentence(shot: &Snapshot) -> String {
    telling(&shot.events).map_or_else(|| opening(shot), |event| event.text.clone())
}

/// Before anything happened: what is about to.
fn opening(shot: &Snapshot) -> String {
    let mirror = &shot.mirror;
    let producers = mirror.clients.iter().filter(|client| client.kind == ClientKind::Producer).count() as u64;
    let topics: Vec<&str> = mirror.user_topics().map(|topic| topic.head.name.as_str()).collect();
    if topics.is_empty() && !mirror.kafka.is_empty() {
        return "Nobody writes and nobody reads yet. Build first, then press play.".to_owned();
    }
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

/// What is broken on purpose, until somebody mends it: each fault as its line.
fn in_force(page: &PageHandle, shot: &Snapshot) -> Html {
    let faults = &shot.mirror.in_force;
    html! {
        <ul key="force" class="in-force" aria-label="Faults in force" hidden={faults.is_empty()}>
            { for faults.iter().map(|(line, undo)| asked::fault(page, line, undo)) }
        </ul>
    }
}

/// What the shell said to the last line, and whether it refused it.
fn answer(said: Option<&Said>) -> (&str, bool) {
    match said.and_then(|said| Some((&said.line, said.answer.as_ref()?))) {
        // A line that only did what it says is answered with itself.
        Some((line, Ok(text))) if text != line => (text, false),
        Some((_, Err(text))) => (text, true),
        _ => ("", false),
    }
}

/// The shell: what is typed runs at this moment, and what is clicked stands here as the line that does it.
fn prompt(page: &PageHandle, ui: &UiState, field: &NodeRef) -> Html {
    let (typed, of) = (page.clone(), field.clone());
    let onsubmit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        let line = of.cast::<HtmlInputElement>().map(|field| field.value()).unwrap_or_default();
        if !line.trim().is_empty() {
            typed.click(Click::Shell(line));
        }
    });
    let keyed = page.clone();
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        if matches!(event.key().as_str(), "ArrowUp" | "ArrowDown" | "Tab") {
            terminal::key(&keyed, &event);
        }
    });
    let line = ui.said.as_ref().map(|said| said.line.clone()).unwrap_or_default();
    let copied = ui.copied.as_ref() == Some(&line);
    html! {
        <form key="prompt" class="command prompt" hidden={page.embed && line.is_empty()} {onsubmit}>
            <label key="mark" class="command__prompt" for="prompt" aria-label="Command">{ "$" }</label>
            <input key="line" id="prompt" class="prompt__line" ref={field} {onkeydown} placeholder="type a command: kill 102" autocomplete="off" autocapitalize="off"
                spellcheck="false" enterkeyhint="send" aria-keyshortcuts="/" />
            <button key="copy" type="button" class="button button--quiet command__copy" hidden={line.is_empty()} aria-label="Copy the command"
                onclick={page.on(Click::CopyLine(line))}>{ if copied { "Copied" } else { "Copy" } }</button>
        </form>
    }
}

/// Says the caption to screen readers, politely: the newest sentence, not every one.
pub struct Announcer {
    spoken: String,
    next: String,
    /// When it spoke last, in milliseconds of wall time.
    last: f64,
    timer: Option<Timeout>,
}

impl Default for Announcer {
    fn default() -> Self {
        Announcer { spoken: String::new(), next: String::new(), last: -POLITE, timer: None }
    }
}

impl Announcer {
    /// What to say next; a sentence that still waits to be said is forgotten.
    pub fn hear(&mut self, text: &str, now: f64, app: &Scope<App>) {
        if text != self.next {
            text.clone_into(&mut self.next);
            let app = app.clone();
            let wait = (self.last + POLITE - now).max(0.0);
            self.timer = Some(Timeout::new(wait as u32, move || app.send_message(Heard::Speak)));
        }
    }

    pub fn speak(&mut self, now: f64) {
        self.last = now;
        self.spoken.clone_from(&self.next);
    }
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
