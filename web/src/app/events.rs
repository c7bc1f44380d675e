//! What happened, and when: marks along time, and the list behind them.

use crate::app::model::{Shared, Snapshot};
use crate::app::page::{Click, PageHandle};
use crate::app::past;
use crate::app::ui_state::{Act, Inspect, Listing, Place, ROWS, UiState};
use crate::app::words;
use playground_core::view::EventView;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

/// The strip's own width, in hundredths of a percent of the page's, to which it is stretched.
const WIDTH: u64 = 10_000;
/// Marks nearer to each other than this, in pixels, stand as one.
const APART: u64 = 26;

pub fn events(page: &PageHandle, shot: &Snapshot, ui: &UiState, room: i32, node: &NodeRef) -> Html {
    let open = ui.place == Place::Events;
    let chosen = if let Inspect::Event(id) = ui.inspect { Some(id) } else { None };
    let class = classes!("events", open.then_some("events--open"));
    html! {
        <section key="events" {class} aria-label="What happened">
            { timeline(page, shot, room, chosen, node) }
            { if past::any(shot) { past::past(page, shot) } else { html! {} } }
            <div key="list" class="events__list" hidden={!open}>
                { event_list(page, if open { &shot.events } else { &[] }, ui.listing, chosen) }
            </div>
        </section>
    }
}

/// What a mark on the strip stands for.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    /// Where along the strip, of [`WIDTH`].
    x: u64,
    /// The newest event at this place.
    id: u64,
    at_us: u64,
    sign: Sign,
    words: String,
    count: usize,
    /// After the moment that is shown.
    ahead: bool,
}

/// Is it about one of Kafka's own topics? Such events come by the dozen and tell a newcomer little.
pub fn about_internals(event: &EventView) -> bool {
    event.subject.starts_with("__")
}

/// Signs by kind of event; a letter or shape, never colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    Plain,
    Group,
    Sync,
    Leader,
    Back,
    Fault,
    Lost,
}

impl Sign {
    pub fn of(event: &EventView) -> Sign {
        match event.kind.as_str() {
            kind if kind.starts_with("record_") => Sign::Lost,
            "fault" if event.text.contains("start") => Sign::Back,
            "fault" | "broker_fenced" => Sign::Fault,
            "broker_unfenced" => Sign::Back,
            "leader_elected" | "controller_elected" => Sign::Leader,
            "isr_changed" | "log_truncated" => Sign::Sync,
            "group_rebalanced" | "rebalance_started" | "partitions_revoked" | "member_left" | "member_joined" | "coordinator_loaded" => {
                Sign::Group
            }
            _ => Sign::Plain,
        }
    }

    pub fn letter(self) -> &'static str {
        match self {
            Sign::Plain => "·",
            Sign::Group => "G",
            Sign::Sync => "≡",
            Sign::Leader => "L",
            Sign::Back => "↺",
            Sign::Fault => "✕",
            Sign::Lost => "!",
        }
    }

    pub fn class(self) -> Option<&'static str> {
        matches!(self, Sign::Fault | Sign::Lost).then_some("sign--bad")
    }
}

/// Marks of all events along `0..range`, of which so many have happened; neighbours too close to tell apart become one, with the weightiest sign.
fn marks(events: &mut dyn Iterator<Item = &Shared<EventView>>, happened: usize, range_us: u64, room: i32) -> Vec<Mark> {
    let apart = APART * WIDTH / u64::try_from(room).unwrap_or(0).max(APART);
    let mut marks: Vec<Mark> = Vec::new();
    for (i, event) in events.enumerate() {
        let x = (event.at_us * WIDTH + range_us / 2).checked_div(range_us).unwrap_or(0);
        let ahead = i >= happened;
        let sign = Sign::of(event);
        match marks.last_mut() {
            Some(last) if x < last.x + apart && last.ahead == ahead => {
                last.count += 1;
                if sign >= last.sign {
                    (last.id, last.sign, last.words) = (event.id, sign, event.text.clone());
                }
            }
            _ => marks.push(Mark { x, id: event.id, at_us: event.at_us, sign, words: event.text.clone(), count: 1, ahead }),
        }
    }
    marks
}

fn timeline(page: &PageHandle, shot: &Snapshot, room: i32, chosen: Option<u64>, node: &NodeRef) -> Html {
    let now_us = page.sought().unwrap_or(shot.mirror.now_us);
    let branches = shot.past.branches.iter().map(|branch| branch.head_us);
    let range_us = branches.fold(shot.head_us.max(now_us), u64::max);
    let marks = marks(&mut shot.events.iter().chain(shot.ahead.iter()), shot.events.len(), range_us, room);
    let x = |at_us: u64| (at_us * 1_000).checked_div(range_us).unwrap_or(1_000);
    let line = format!("M0 30H{}", x(shot.head_us));
    let now = format!("M{} 8V38", x(now_us));
    let sought = page.clone();
    let oninput = Callback::from(move |event: InputEvent| {
        let moment = event.target_dyn_into::<HtmlInputElement>().map(|field| field.value_as_number());
        moment.into_iter().for_each(|ms| sought.seek((ms * 1e3) as u64));
    });
    html! {
        <div key="timeline" class="timeline">
            <button key="more" type="button" class="button button--quiet timeline__more" onclick={page.on(Click::Act(Act::Go(Place::Events)))}>
                { format!("What happened · {}", words::count(shot.events.len() as u64)) }
            </button>
            <svg key="strip" class="timeline__strip" viewBox="-12 0 1024 44" preserveAspectRatio="none" aria-hidden="true">
                <path key="line" class="timeline__line" d={line} />
                { if shot.past.branches.len() > 1 { past::lines(shot, range_us) } else { html! {} } }
                <path key="now" class="timeline__now" d={now} />
                { for marks.iter().map(|mark| html! { <path key={mark.id.to_string()} class="timeline__stem" d={format!("M{} 22V34", words::tenths(mark.x as i64))} /> }) }
            </svg>
            <div key="marks" class="timeline__marks" ref={node}>
                { for marks.iter().map(|mark| mark_button(page, mark, chosen == Some(mark.id))) }
            </div>
            <div key="ends" class="timeline__ends" aria-hidden="true"><span key="start">{ "0:00" }</span><span key="now">{ words::moment(range_us) }</span></div>
            <input key="scrub" class="timeline__scrub" type="range" aria-label="Moment shown" min="0" max={range_us.div_ceil(1_000).to_string()} step="any"
                value={format!("{}.{:03}", now_us / 1_000, now_us % 1_000)} aria-valuetext={words::moment(now_us)} {oninput} />
        </div>
    }
}

fn mark_button(page: &PageHandle, mark: &Mark, chosen: bool) -> Html {
    let more = if mark.count > 1 { format!(" and {} more", mark.count - 1) } else { String::new() };
    let label = format!("{} {}{more}", words::moment(mark.at_us), mark.words);
    let class = classes!(
        "sign",
        "timeline__mark",
        mark.sign.class(),
        chosen.then_some("is-selected"),
        mark.ahead.then_some("timeline__mark--ahead")
    );
    html! {
        <button key={mark.id.to_string()} type="button" {class} data-left={format!("{}.{:02}%", mark.x / 100, mark.x % 100)} aria-label={label.clone()} title={label}
            onclick={page.on(Click::Inspect(Inspect::Event(mark.id)))}>
            { mark.sign.letter() }
        </button>
    }
}

/// Marks are placed by their own style object, since the content policy ignores style attributes.
pub fn place_marks(node: &NodeRef) {
    let mut next = node.cast::<Element>().and_then(|line| line.first_element_child());
    while let Some(mark) = next {
        if let (Some(left), Some(mark)) = (mark.get_attribute("data-left"), mark.dyn_ref::<HtmlElement>()) {
            // Only a read-only style refuses, and this one is not.
            let _ = mark.style().set_property("left", &left);
        }
        next = mark.next_element_sibling();
    }
}

/// Newest first.
fn event_list(page: &PageHandle, events: &[Shared<EventView>], listing: Listing, chosen: Option<u64>) -> Html {
    let Listing { rows, internals } = listing;
    let list = |listing| page.on(Click::Act(Act::List(listing)));
    let listed: Vec<&Shared<EventView>> = events.iter().rev().filter(|event| internals || !about_internals(event)).collect();
    let hidden = listed.len().saturating_sub(rows);
    let of_internals = events.iter().filter(|event| about_internals(event)).count() as u64;
    html! {
        <div class="event-list">
            <button key="internals" type="button" class="button button--quiet event-list__internals" hidden={of_internals == 0} aria-pressed={words::yes(internals)}
                onclick={list(Listing { internals: !internals, rows })}>
                { format!("{} {} about Kafka's own topics", if internals { "Hide" } else { "Show" }, words::count(of_internals)) }
            </button>
            <ol key="list" class="event-list__rows">
                { for listed.iter().take(rows).map(|event| event_row(page, event, chosen == Some(event.id))) }
            </ol>
            <p key="none" class="event-list__none" hidden={!events.is_empty()}>{ "Nothing has been decided yet." }</p>
            <button key="more" type="button" class="button button--quiet" hidden={hidden == 0} onclick={list(Listing { rows: rows + ROWS, internals })}>
                { format!("{} earlier", words::count(hidden as u64)) }
            </button>
        </div>
    }
}

fn event_row(page: &PageHandle, event: &EventView, chosen: bool) -> Html {
    let sign = Sign::of(event);
    html! {
        <li key={event.id.to_string()} class="event-row">
            <button type="button" class={classes!("event-row__button", chosen.then_some("is-selected"))} onclick={page.on(Click::Inspect(Inspect::Event(event.id)))}>
                <span key="at" class="event-row__at">{ words::moment(event.at_us) }</span>
                <span key="sign" class={classes!("sign", sign.class())} aria-hidden="true">{ sign.letter() }</span>
                <span key="text" class="event-row__text">{ event.text.clone() }</span>
            </button>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u64, at_us: u64, kind: &str) -> Shared<EventView> {
        Shared::new(EventView { id, at_us, kind: kind.into(), ..EventView::default() })
    }

    #[test]
    fn marks_lie_along_time() {
        let marks = marks(&mut [event(1, 0, "fault"), event(2, 50, "leader_elected")].iter(), 2, 100, 800);
        assert_eq!(marks.iter().map(|mark| mark.x).collect::<Vec<_>>(), [0, WIDTH / 2]);
    }

    #[test]
    fn neighbours_become_one_mark_with_the_weightiest_sign() {
        let events = [event(1, 500, "fault"), event(2, 501, "leader_elected"), event(3, 502, "isr_changed")];
        let marks = marks(&mut events.iter(), 3, 1_000, 800);
        assert_eq!(marks.len(), 1);
        assert_eq!((marks[0].sign, marks[0].id, marks[0].count), (Sign::Fault, 1, 3));
    }
}
