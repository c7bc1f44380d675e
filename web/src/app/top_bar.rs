//! What is this, what time is it, is everything kept: the page's first row.

use crate::app::icons::{Icon, icon, mark};
use crate::app::model::{Keeping, Snapshot};
use crate::app::page::{self, Click, PageHandle};
use crate::app::ui_state::{Act, Inspect, Share};
use crate::app::widgets::{icon_button, shortcut_button};
use crate::app::words;
use crate::bridge::ToWorker;
use playground_core::view::LedgerView;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// Virtual milliseconds in a wall second.
pub const SPEEDS: [u64; 12] = [50, 100, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

pub fn top_bar(page: &PageHandle, shot: &Snapshot, share: &Share) -> Html {
    html! {
        <header key="top" class="top-bar">
            <div key="brand" class="top-bar__brand">{ mark() }<h1 key="name" class="top-bar__name">{ "Kafka Playground" }</h1></div>
            <div key="run" class="top-bar__run">
                <span key="title" class="top-bar__title" title={shot.mirror.title.clone()}>{ shot.mirror.title.clone() }</span>
                { kept(page, shot) }
            </div>
            { transport(page, shot) }
            { verdict(page, &shot.mirror.ledger, shot.mirror.violations.len()) }
            { share_button(page, share) }
        </header>
    }
}

/// Whether the run would survive a reload.
fn kept(page: &PageHandle, shot: &Snapshot) -> Html {
    let text = match &shot.keeping {
        Keeping::Unknown => String::new(),
        Keeping::Preview if page.embed => String::new(),
        Keeping::Preview => "not kept".to_owned(),
        Keeping::Saved { now_us, .. } if *now_us == shot.mirror.now_us => "saved".to_owned(),
        Keeping::Saved { wall, .. } => format!("saved {} s ago", ((page::now() - wall) / 1e3).round() as u64),
        Keeping::NotSaved(reason) => format!("not saved: {reason}"),
    };
    let preview = shot.keeping == Keeping::Preview && !page.embed;
    html! {
        <span key="kept" class="kept">
            <span key="text" class="kept__text" title={text.clone()}>{ text }</span>
            <button key="keep" type="button" class="button button--quiet" hidden={!preview} onclick={page.on(Click::Keep)}>{ "Keep this run" }</button>
        </span>
    }
}

/// Time's controls and its clock.
pub fn transport(page: &PageHandle, shot: &Snapshot) -> Html {
    let (clock, fraction) = words::clock(shot.mirror.now_us);
    let (picture, label) = if shot.playing() { (Icon::Pause, "Pause (Space)") } else { (Icon::Play, "Play (Space)") };
    let now = shot.speed_milli();
    let speed = page.clone();
    let onchange = Callback::from(move |event: Event| {
        let chosen = event.target_dyn_into::<HtmlSelectElement>().and_then(|select| select.value().parse().ok());
        chosen.into_iter().for_each(|milli| speed.set_speed(milli));
    });
    html! {
        <div key="transport" class="transport" role="group" aria-label="Time">
            { icon_button("restart", Icon::Restart, "Start over from 0:00", "", page.on(Click::StartOver)) }
            { shortcut_button("back", Icon::Back, "Previous event (←)", "", Some("ArrowLeft"), page.on(step(true, false))) }
            { shortcut_button("play", picture, label, "button--play", Some("Space"), page.on(Click::TogglePlay)) }
            { shortcut_button("next", Icon::Next, "Next event (→)", "", Some("ArrowRight"), page.on(step(false, false))) }
            { shortcut_button("leap", Icon::Leap, "Next event worth stopping at (Shift →)", "transport__leap", Some("Shift+ArrowRight"), page.on(step(false, true))) }
            <span key="clock" class="clock" role="timer" aria-label={format!("Virtual time {clock}")}>
                <span key="calm" class="clock__calm">{ clock }</span><span key="quick" class="clock__quick">{ fraction }</span>
            </span>
            <span key="speed" class="speed">
                <select key="select" class="speed__select" aria-label="Speed: virtual seconds in a second here" {onchange}>
                    { for speeds(now).into_iter().map(|milli| html! {
                        <option key={milli} value={milli.to_string()} selected={milli == now}>{ words::speed(milli) }</option>
                    }) }
                </select>
            </span>
        </div>
    }
}

/// From event to event.
pub fn step(back: bool, interesting: bool) -> Click {
    Click::Time(ToWorker::Step { back, interesting })
}

/// The fixed steps, and the run's own speed if it is another.
fn speeds(now: u64) -> Vec<u64> {
    let mut all = SPEEDS.to_vec();
    if let Err(between) = all.binary_search(&now) {
        all.insert(between, now);
    }
    all
}

/// The promise: sent, promised, lost, twice. Red means damage and nothing else.
fn verdict(page: &PageHandle, ledger: &LedgerView, broken: usize) -> Html {
    let twice: u64 = ledger.duplicates.values().sum();
    let lost = ledger.acked_lost_total + ledger.unwritten;
    let whole = lost == 0 && twice == 0 && broken == 0;
    let item = |key: &'static str, n: u64, word: &'static str, bad: bool, title: &'static str| {
        html! {
            <span key={key} class={classes!("verdict__item", bad.then_some("verdict__item--bad"))} title={title}>
                <b>{ words::count(n) }</b>{ " " }<span>{ word }</span>
            </span>
        }
    };
    html! {
        <button key="verdict" type="button" class="verdict" title="What became of the records" onclick={page.on(Click::Inspect(Inspect::Verdict))}>
            <span key="dot" class={classes!("verdict__dot", (!whole).then_some("verdict__dot--bad"))} aria-hidden="true">{ if whole { "✓" } else { "!" } }</span>
            { item("sent", ledger.sent, "sent", false, "Records handed to the producers") }
            { item("promised", ledger.acked, "promised", false, "Acknowledged: the cluster said it has them") }
            { item("lost", lost, "lost", lost > 0, "Promised and not there: lost, or sent with acks=0 and stored by nobody") }
            { item("twice", twice, "twice", twice > 0, "Handed to a group's application more than once") }
            <span key="broken" class="verdict__item verdict__item--bad" hidden={broken == 0}>{ format!("{broken} rules broken: our bug") }</span>
        </button>
    }
}

fn share_button(page: &PageHandle, share: &Share) -> Html {
    let copied = matches!(share, Share::Copied(_));
    let text = if let Share::Text(text) = share { text.clone() } else { String::new() };
    html! {
        <div key="share" class="share">
            <button key="share" type="button" class="button button--accent" onclick={page.on(Click::Share)}>
                { icon(if copied { Icon::Check } else { Icon::Share }) }
                <span key="text" class="share__word" aria-live="polite">{ if copied { "Link copied" } else { "Share" } }</span>
            </button>
            <div key="text" class="share__text" hidden={text.is_empty()}>
                <label key="label">{ "Copy this link" }<input class="share__input" readonly=true value={text} /></label>
                { icon_button("close", Icon::Close, "Close", "", page.on(Click::Act(Act::Share(Share::Idle)))) }
            </div>
        </div>
    }
}
