//! Why something is as it is: the answer, the events behind it, what else may be asked, and what would change it, tried.

use crate::app::inspector::event::{cause_item, marked};
use crate::app::language;
use crate::app::model::{Model, Shared, Snapshot};
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::{Inspect, UiState};
use crate::app::widgets::facts;
use crate::bridge::decode;
use crate::bridge::why::WhyNews;
use playground_core::why::trial::Outcome;
use playground_core::why::{Answer, Because, LINKS, Question, Thing};
use yew::prelude::*;

/// What is known of the question that stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Why {
    pub answer: Option<Result<Answer, String>>,
    /// How far the trying is, of how much.
    trying: Option<(u64, u64)>,
    tried: Vec<Outcome>,
}

impl Why {
    /// The changed scenario that was tried at this place, and the moment it was compared at.
    pub fn branch(&self, place: u32) -> Option<(String, u64)> {
        let outcome = self.tried.iter().find(|outcome| outcome.place == place)?;
        Some((outcome.scenario.clone(), outcome.at_us))
    }
}

/// The question that comes with a choice, as its line.
#[inline(never)]
pub fn line_about(inspect: &Inspect) -> Option<String> {
    let thing = match inspect {
        Inspect::Subject(subject) => Thing::from(subject),
        Inspect::Event(id) => Thing::Event(*id),
        Inspect::Controllers => Thing::Controllers,
        Inspect::Asked(line) => return Some(line.clone()),
        _ => return None,
    };
    Some(Question { thing, ask: None }.to_string())
}

/// The worker told something about the question.
#[inline(never)]
pub fn hear(model: &mut Model, bytes: &[u8]) {
    let Some(news) = decode::<WhyNews>(bytes) else { return };
    let mut why = model.why().map(|why| (**why).clone()).unwrap_or_default();
    match news {
        WhyNews::Answer(answer) => why.answer = Some(answer),
        WhyNews::Trying { done, all } => why.trying = Some((done, all)),
        WhyNews::Tried(outcome) => why.tried.push(outcome),
        WhyNews::Done => why.trying = None,
    }
    model.set_why(Some(Shared::new(why)));
}

/// The user wants what would change it: what was tried before is tried anew.
#[inline(never)]
pub fn begin_trying(model: &mut Model) {
    let why = model.why().map(|why| (**why).clone()).unwrap_or_default();
    model.set_why(Some(Shared::new(Why { trying: Some((0, 1)), tried: Vec::new(), ..why })));
}

#[inline(never)]
pub fn card(page: &PageHandle, shot: &Snapshot, ui: &UiState) -> Html {
    let known = shot.why.as_deref().and_then(|why| Some((why, why.answer.as_ref()?)));
    let Some((why, answer)) = known else { return html! { <div key="why" class="why" hidden=true></div> } };
    let answer = match answer {
        Ok(answer) => answer,
        Err(reason) => return html! { <div key="why" class="why"><p key="none" class="panel__text">{ reason.clone() }</p></div> },
    };
    let event = matches!(ui.inspect, Inspect::Event(_));
    html! {
        <section key="why" class="why" aria-label="Why">
            <h3 key="head" class="why__head">{ if event { "Why?".to_owned() } else { answer.question.clone() } }</h3>
            <p key="sentence" class="why__sentence" hidden={event}>{ answer.sentence.clone() }</p>
            <ul key="because" class="why__because-list">{ for answer.because.iter().enumerate().map(|(i, because)| condition(i, because)) }</ul>
            <p key="awaits" class="why__awaits" hidden={answer.awaits.is_none()}>
                <span key="mark" class="why__mark" aria-hidden="true">{ "…" }</span>
                <span key="text">{ quoted(answer.awaits.as_deref().unwrap_or_default()) }</span>
            </p>
            { chain(page, answer) }
            { changes(page, why, answer) }
            { asks(page, answer) }
            { bare(page, ui, answer) }
        </section>
    }
}

/// Lines of shell stand between backticks; around them, settings stand out by themselves.
fn quoted(text: &str) -> Html {
    let text = language::say(text);
    let pieces = text.split('`').enumerate().map(|(i, piece)| match i % 2 {
        1 => html! { <code key={i}>{ piece.to_owned() }</code> },
        _ => html! { <span key={i}>{ marked(piece) }</span> },
    });
    html! { <>{ for pieces }</> }
}

/// One condition, with its rule.
fn condition(place: usize, because: &Because) -> Html {
    let (mark, class, says) = match because.fails {
        true => ("✕", "why__mark why__mark--fails", "stands in the way: "),
        false => ("✓", "why__mark", "holds: "),
    };
    html! {
        <li key={place} class="why__condition">
            <span key="mark" {class} aria-hidden="true">{ mark }</span>
            <span key="words">
                <span key="says" class="visually-hidden">{ says }</span>
                <span key="text">{ quoted(&because.text) }</span>
                <span key="rule" class="why__rule" hidden={because.rule.is_empty()}>{ quoted(&because.rule) }</span>
            </span>
        </li>
    }
}

/// The events that led to it: the nearest four, the others behind a fold.
fn chain(page: &PageHandle, answer: &Answer) -> Html {
    let far = answer.chain.len().saturating_sub(LINKS);
    html! {
        <div key="chain" class="why__events" hidden={answer.chain.is_empty()}>
            <ol key="near" class="why__chain">{ for answer.chain.iter().take(LINKS).map(|cause| cause_item(page, "because, at", cause)) }</ol>
            <details key="far" class="why__more" hidden={far == 0}>
                <summary key="name">{ "Earlier causes…" }</summary>
                <ol key="list" class="why__chain">{ for answer.chain.iter().skip(LINKS).map(|cause| cause_item(page, "because, at", cause)) }</ol>
                <p key="earlier" class="panel__text" hidden={!answer.earlier}>{ "Still earlier causes lie further back." }</p>
            </details>
        </div>
    }
}

/// What would change it: offered, being tried, and what came of it.
fn changes(page: &PageHandle, why: &Why, answer: &Answer) -> Html {
    let trying = why.trying.is_some();
    let (done, all) = why.trying.unwrap_or((0, 1));
    let open = answer.changes.iter().enumerate().filter(|(i, _)| why.tried.iter().all(|outcome| outcome.place as usize != *i));
    let none = answer.changes.is_empty() && why.tried.is_empty();
    html! {
        <div key="changes" class="why__changes" hidden={none}>
            <h4 key="head" class="why__head">{ "What would change it" }</h4>
            <ol key="tried" class="why__tried" hidden={why.tried.is_empty()}>{ for why.tried.iter().map(|outcome| tried(page, outcome)) }</ol>
            <ul key="open" class="why__open" hidden={!why.tried.is_empty() && !trying}>
                { for open.map(|(i, words)| html! { <li key={i}>{ quoted(words) }</li> }) }
            </ul>
            <div key="run" class="panel__actions">
                <button key="run" type="button" class="button button--small" hidden={trying} onclick={page.on(Click::Compare(true))}>
                    { if why.tried.is_empty() { "Try them" } else { "Try again up to now" } }
                </button>
                <progress key="bar" class="why__progress" aria-label="Tried so far" hidden={!trying} max={all.max(1).to_string()} value={done.to_string()} />
                <button key="stop" type="button" class="button button--small" hidden={!trying} onclick={page.on(Click::Compare(false))}>{ "Stop" }</button>
            </div>
            <p key="how" class="why__how">{ "Each runs the whole scenario again, beside yours, with one thing changed." }</p>
        </div>
    }
}

fn tried(page: &PageHandle, outcome: &Outcome) -> Html {
    let (mark, class) = if outcome.better { ("✓", "why__mark why__mark--better") } else { ("=", "why__mark") };
    let text = outcome.text.strip_prefix(&outcome.change).unwrap_or(&outcome.text).trim_start_matches(" → ");
    html! {
        <li key={outcome.place.to_string()} class="why__outcome">
            <span key="mark" {class} aria-hidden="true">{ mark }</span>
            <span key="words">
                <b key="change">{ quoted(&outcome.change) }</b>
                <span key="text" class="why__figures">{ text.to_owned() }</span>
                <button key="run" type="button" class="button button--small button--quiet" onclick={page.on(Click::Branch(outcome.place))}
                    aria-label={format!("Run this branch: {}", outcome.change)}>{ "Run this branch" }</button>
            </span>
        </li>
    }
}

/// What else may be asked now.
fn asks(page: &PageHandle, answer: &Answer) -> Html {
    html! {
        <ul key="asks" class="why__asks" aria-label="Also asked" hidden={answer.asks.is_empty()}>
            { for answer.asks.iter().map(|(line, words)| html! {
                <li key={line.clone()}>
                    <button type="button" class="why__ask" title={line.clone()} onclick={page.on(Click::Ask(line.clone()))}>{ words.clone() }</button>
                </li>
            }) }
        </ul>
    }
}

/// The fields as they are, Kafka's own command, and the whole as text.
fn bare(page: &PageHandle, ui: &UiState, answer: &Answer) -> Html {
    let text = answer.text();
    let copied = ui.copied.as_deref() == Some(text.as_str());
    let rows = answer.fields.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect();
    html! {
        <details key="bare" class="why__more">
            <summary key="name">{ "Raw fields" }</summary>
            { facts(rows) }
            <p key="shell" class="why__how" hidden={answer.shell.is_none()}>{ "In Kafka: " }<code>{ answer.shell.clone().unwrap_or_default() }</code></p>
            <p key="line" class="why__how">{ "In the prompt: " }<code>{ answer.line.clone() }</code></p>
            <button key="copy" type="button" class="button button--small" onclick={page.on(Click::CopyLine(text))}>
                { if copied { "Copied" } else { "Copy as text" } }
            </button>
        </details>
    }
}
