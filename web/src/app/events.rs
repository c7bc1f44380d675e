//! What happened, and when: marks along time, and the list behind them.

use crate::app::model::Shared;
use crate::app::page::PageHandle;
use crate::app::ui_state::{Act, Inspect, Place};
use crate::app::widgets::use_width;
use crate::app::words;
use playground_core::view::EventView;
use yew::prelude::*;

/// Rows in the list at once; the list grows when asked.
const ROWS: usize = 120;
/// The strip's own width; it is stretched to the page's.
const WIDTH: f64 = 1_000.0;
/// Marks nearer to each other than this, in pixels, stand as one.
const APART: f64 = 26.0;

#[derive(Properties, PartialEq)]
pub struct EventsProps {
    pub page: PageHandle,
    pub events: Shared<Vec<Shared<EventView>>>,
    pub now_us: u64,
    pub place: Place,
    pub inspect: Inspect,
}

#[component]
pub fn Events(props: &EventsProps) -> Html {
    let open = props.place == Place::Events;
    let chosen = if let Inspect::Event(id) = props.inspect { Some(id) } else { None };
    let class = classes!("events", open.then_some("events--open"));
    html! {
        <section {class} aria-label="What happened">
            <Timeline key="timeline" page={props.page.clone()} events={props.events.clone()} now_us={props.now_us} {chosen} />
            <div key="list" class="events__list" hidden={!open}>
                <EventList page={props.page.clone()} events={if open { props.events.clone() } else { Shared::default() }} {chosen} />
            </div>
        </section>
    }
}

/// What a mark on the strip stands for.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    x: f64,
    /// The newest event at this place.
    id: u64,
    at_us: u64,
    sign: Sign,
    words: String,
    count: usize,
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
            "record_lost" => Sign::Lost,
            "fault" if event.text.contains("start") => Sign::Back,
            "fault" | "broker_fenced" => Sign::Fault,
            "broker_unfenced" => Sign::Back,
            "leader_elected" | "controller_elected" => Sign::Leader,
            "isr_changed" | "log_truncated" => Sign::Sync,
            "group_rebalanced" | "member_left" | "member_joined" | "coordinator_loaded" => Sign::Group,
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

/// Marks of all events along `0..now`; neighbours too close to tell apart become one, with the weightiest sign.
fn marks(events: &[Shared<EventView>], now_us: u64, room: f64) -> Vec<Mark> {
    let apart = APART * WIDTH / room.max(APART);
    let mut marks: Vec<Mark> = Vec::new();
    for event in events {
        let x = if now_us == 0 { 0.0 } else { event.at_us as f64 / now_us as f64 * WIDTH };
        let sign = Sign::of(event);
        match marks.last_mut() {
            Some(last) if x - last.x < apart => {
                last.count += 1;
                if sign >= last.sign {
                    (last.id, last.sign, last.words) = (event.id, sign, event.text.clone());
                }
            }
            _ => marks.push(Mark { x, id: event.id, at_us: event.at_us, sign, words: event.text.clone(), count: 1 }),
        }
    }
    marks
}

#[derive(Properties, PartialEq)]
struct TimelineProps {
    page: PageHandle,
    events: Shared<Vec<Shared<EventView>>>,
    now_us: u64,
    chosen: Option<u64>,
}

#[component]
fn Timeline(props: &TimelineProps) -> Html {
    let list = props.page.clone();
    let line = use_node_ref();
    let marks = marks(&props.events, props.now_us, use_width(&line));
    html! {
        <div class="timeline">
            <button key="more" type="button" class="button button--quiet timeline__more" onclick={move |_| list.act(Act::Go(Place::Events))}>
                { format!("What happened · {}", words::count(props.events.len() as u64)) }
            </button>
            <svg key="strip" class="timeline__strip" viewBox={format!("-12 0 {} 44", WIDTH + 24.0)} preserveAspectRatio="none" aria-hidden="true">
                <path key="line" class="timeline__line" d={format!("M0 30H{WIDTH}")} />
                <path key="now" class="timeline__now" d={format!("M{WIDTH} 8V38")} />
                { for marks.iter().map(|mark| html! { <path key={mark.id.to_string()} class="timeline__stem" d={format!("M{:.1} 22V34", mark.x)} /> }) }
            </svg>
            <div key="marks" class="timeline__marks" ref={line}>
                { for marks.iter().map(|mark| html! { <MarkButton key={mark.id.to_string()} page={props.page.clone()} mark={mark.clone()} chosen={props.chosen == Some(mark.id)} /> }) }
            </div>
            <div key="ends" class="timeline__ends" aria-hidden="true"><span key="start">{ "0:00" }</span><span key="now">{ words::moment(props.now_us) }</span></div>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct MarkProps {
    page: PageHandle,
    mark: Mark,
    chosen: bool,
}

/// One mark; placed by its own style object, since the content policy ignores style attributes.
#[component]
fn MarkButton(props: &MarkProps) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(props.mark.x, move |x| {
            if let Some(element) = node.cast::<web_sys::HtmlElement>() {
                let _ = element.style().set_property("left", &format!("{:.2}%", x / WIDTH * 100.0));
            }
        });
    }
    let (page, mark) = (props.page.clone(), &props.mark);
    let id = mark.id;
    let more = if mark.count > 1 { format!(" and {} more", mark.count - 1) } else { String::new() };
    let label = format!("{} {}{more}", words::moment(mark.at_us), mark.words);
    let class = classes!("sign", "timeline__mark", mark.sign.class(), props.chosen.then_some("is-selected"));
    html! {
        <button type="button" ref={node} {class} aria-label={label.clone()} title={label} onclick={move |_| page.inspect(Inspect::Event(id))}>
            { mark.sign.letter() }
        </button>
    }
}

#[derive(Properties, PartialEq)]
struct ListProps {
    page: PageHandle,
    events: Shared<Vec<Shared<EventView>>>,
    chosen: Option<u64>,
}

/// Newest first.
#[component]
fn EventList(props: &ListProps) -> Html {
    let rows = use_state_eq(|| ROWS);
    let grow = {
        let (now, set) = (*rows, rows.setter());
        Callback::from(move |_: MouseEvent| set.set(now + ROWS))
    };
    let internals = use_state_eq(|| false);
    let toggle = {
        let (now, set) = (*internals, internals.setter());
        Callback::from(move |_: MouseEvent| set.set(!now))
    };
    let listed: Vec<&Shared<EventView>> = props.events.iter().rev().filter(|event| *internals || !about_internals(event)).collect();
    let hidden = listed.len().saturating_sub(*rows);
    let of_internals = props.events.iter().filter(|event| about_internals(event)).count() as u64;
    html! {
        <div class="event-list">
            <button key="internals" type="button" class="button button--quiet event-list__internals" hidden={of_internals == 0} aria-pressed={internals.to_string()} onclick={toggle}>
                { format!("{} {} about Kafka's own topics", if *internals { "Hide" } else { "Show" }, words::count(of_internals)) }
            </button>
            <ol key="list" class="event-list__rows">
                { for listed.iter().take(*rows).map(|event| html! {
                    <EventRow key={event.id.to_string()} page={props.page.clone()} event={(*event).clone()} chosen={props.chosen == Some(event.id)} />
                }) }
            </ol>
            <p key="none" class="event-list__none" hidden={!props.events.is_empty()}>{ "Nothing has been decided yet." }</p>
            <button key="more" type="button" class="button button--quiet" hidden={hidden == 0} onclick={grow}>{ format!("{} earlier", words::count(hidden as u64)) }</button>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct RowProps {
    page: PageHandle,
    event: Shared<EventView>,
    chosen: bool,
}

#[component]
fn EventRow(props: &RowProps) -> Html {
    let (page, id) = (props.page.clone(), props.event.id);
    let sign = Sign::of(&props.event);
    html! {
        <li class="event-row">
            <button type="button" class={classes!("event-row__button", props.chosen.then_some("is-selected"))} onclick={move |_| page.inspect(Inspect::Event(id))}>
                <span key="at" class="event-row__at">{ words::moment(props.event.at_us) }</span>
                <span key="sign" class={classes!("sign", sign.class())} aria-hidden="true">{ sign.letter() }</span>
                <span key="text" class="event-row__text">{ props.event.text.clone() }</span>
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
        let marks = marks(&[event(1, 0, "fault"), event(2, 50, "leader_elected")], 100, 800.0);
        assert_eq!(marks.iter().map(|mark| mark.x).collect::<Vec<_>>(), [0.0, WIDTH / 2.0]);
    }

    #[test]
    fn neighbours_become_one_mark_with_the_weightiest_sign() {
        let marks = marks(&[event(1, 500, "fault"), event(2, 501, "leader_elected"), event(3, 502, "isr_changed")], 1_000, 800.0);
        assert_eq!(marks.len(), 1);
        assert_eq!((marks[0].sign, marks[0].id, marks[0].count), (Sign::Fault, 1, 3));
    }
}
