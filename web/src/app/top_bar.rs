//! What is this, what time is it, is everything kept: the page's first row.

use crate::app::icons::{Glyphic, Icon, Mark};
use crate::app::model::{Keeping, Shared, Snapshot};
use crate::app::page::{self, PageHandle};
use crate::app::ui_state::{Act, Share};
use crate::app::widgets::IconButton;
use crate::app::words;
use playground_core::view::LedgerView;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// Virtual milliseconds in a wall second.
pub const SPEEDS: [u64; 10] = [100, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000, 1_000_000, 10_000_000];

#[derive(Properties, PartialEq)]
pub struct TopBarProps {
    pub page: PageHandle,
    pub snapshot: Snapshot,
    pub share: Share,
}

#[component]
pub fn TopBar(props: &TopBarProps) -> Html {
    let shot = &props.snapshot;
    html! {
        <header class="top-bar">
            <div key="brand" class="top-bar__brand"><Mark /><h1 class="top-bar__name">{ "Kafka Playground" }</h1></div>
            <div key="run" class="top-bar__run">
                <span key="title" class="top-bar__title" title={shot.mirror.title.clone()}>{ shot.mirror.title.clone() }</span>
                <Kept key="kept" page={props.page.clone()} keeping={shot.keeping.clone()} now_us={shot.mirror.now_us} />
            </div>
            <Transport key="transport" page={props.page.clone()} playing={shot.playing()} speed_milli={shot.speed_milli()} now_us={shot.mirror.now_us} />
            <Verdict key="verdict" ledger={shot.mirror.ledger.clone()} broken={shot.mirror.violations.len()} />
            <ShareButton key="share" page={props.page.clone()} share={props.share.clone()} />
        </header>
    }
}

#[derive(Properties, PartialEq)]
struct KeptProps {
    page: PageHandle,
    keeping: Keeping,
    now_us: u64,
}

/// Whether the run would survive a reload.
#[component]
fn Kept(props: &KeptProps) -> Html {
    let keep = props.page.clone();
    let text = match &props.keeping {
        Keeping::Unknown => String::new(),
        Keeping::Preview if props.page.embed => String::new(),
        Keeping::Preview => "from a link, not kept".to_owned(),
        Keeping::Saved { now_us, .. } if *now_us == props.now_us => "saved".to_owned(),
        Keeping::Saved { wall, .. } => format!("saved {} s ago", ((page::now() - wall) / 1e3).max(0.0).round()),
        Keeping::NotSaved(reason) => format!("not saved: {reason}"),
    };
    let preview = props.keeping == Keeping::Preview && !props.page.embed;
    html! {
        <span class="kept">
            <span key="text" class="kept__text" title={text.clone()}>{ text.clone() }</span>
            <button key="keep" type="button" class="button button--quiet" hidden={!preview} onclick={move |_| keep.keep()}>{ "Keep this run" }</button>
        </span>
    }
}

#[derive(Properties, PartialEq)]
pub struct TransportProps {
    pub page: PageHandle,
    pub playing: bool,
    pub speed_milli: u64,
    pub now_us: u64,
}

/// Time's controls and its clock.
#[component]
pub fn Transport(props: &TransportProps) -> Html {
    let (restart, play, next, speed) = (props.page.clone(), props.page.clone(), props.page.clone(), props.page.clone());
    let (clock, fraction) = words::clock(props.now_us);
    let (icon, label) = if props.playing { (Icon::Pause, "Pause (Space)") } else { (Icon::Play, "Play (Space)") };
    let onchange = Callback::from(move |event: Event| {
        let chosen = event.target_dyn_into::<HtmlSelectElement>().and_then(|select| select.value().parse().ok());
        chosen.into_iter().for_each(|milli| speed.set_speed(milli));
    });
    html! {
        <div class="transport" role="group" aria-label="Time">
            <IconButton key="restart" icon={Icon::Restart} label="Start over from 0:00" onclick={move |_| restart.start_over()} />
            <IconButton key="play" icon={icon} label={label} class="button--play" keys="Space" onclick={move |_| play.toggle_play()} />
            <IconButton key="next" icon={Icon::Next} label="Next event (→)" keys="ArrowRight" onclick={move |_| next.next_event()} />
            <span key="clock" class="clock" role="timer" aria-label={format!("Virtual time {clock}")}>
                <span key="calm" class="clock__calm">{ clock }</span><span key="quick" class="clock__quick">{ fraction }</span>
            </span>
            <span key="speed" class="speed">
                <select key="select" class="speed__select" aria-label="Speed: virtual seconds in a second here" {onchange}>
                    { for speeds(props.speed_milli).into_iter().map(|milli| html! {
                        <option key={milli} value={milli.to_string()} selected={milli == props.speed_milli}>{ words::speed(milli) }</option>
                    }) }
                </select>
            </span>
        </div>
    }
}

/// The fixed steps, and the run's own speed if it is another.
fn speeds(now: u64) -> Vec<u64> {
    let mut all = SPEEDS.to_vec();
    if !all.contains(&now) {
        all.push(now);
        all.sort_unstable();
    }
    all
}

#[derive(Properties, PartialEq)]
struct VerdictProps {
    ledger: Shared<LedgerView>,
    broken: usize,
}

/// The promise: sent, promised, lost, twice. Red means damage and nothing else.
#[component]
fn Verdict(props: &VerdictProps) -> Html {
    let ledger = &props.ledger;
    let twice: u64 = ledger.duplicates.values().sum();
    let lost = ledger.acked_lost_total;
    let whole = lost == 0 && twice == 0 && props.broken == 0;
    let item = |key: &'static str, n: u64, word: &'static str, bad: bool, title: &'static str| {
        html! {
            <span key={key} class={classes!("verdict__item", bad.then_some("verdict__item--bad"))} title={title}>
                <b>{ words::count(n) }</b>{ " " }<span>{ word }</span>
            </span>
        }
    };
    html! {
        <div class="verdict" role="group" aria-label="What became of the records">
            <span key="dot" class={classes!("verdict__dot", (!whole).then_some("verdict__dot--bad"))} aria-hidden="true">{ if whole { "✓" } else { "!" } }</span>
            { item("sent", ledger.sent, "sent", false, "Records handed to the producers") }
            { item("promised", ledger.acked, "promised", false, "Acknowledged: the cluster said it has them") }
            { item("lost", lost, "lost", lost > 0, "Promised and no longer readable") }
            { item("twice", twice, "twice", twice > 0, "Handed to a group's application more than once") }
            <span key="broken" class="verdict__item verdict__item--bad" hidden={props.broken == 0}>{ format!("{} rules broken: our bug", props.broken) }</span>
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct ShareProps {
    page: PageHandle,
    share: Share,
}

#[component]
fn ShareButton(props: &ShareProps) -> Html {
    let (ask, close) = (props.page.clone(), props.page.clone());
    let copied = matches!(props.share, Share::Copied(_));
    let text = if let Share::Text(text) = &props.share { text.clone() } else { String::new() };
    html! {
        <div class="share">
            <button key="share" type="button" class="button button--accent" onclick={move |_| ask.share()}>
                <Glyphic key="icon" icon={if copied { Icon::Check } else { Icon::Share }} />
                <span key="text" class="share__word" aria-live="polite">{ if copied { "Link copied" } else { "Share" } }</span>
            </button>
            <div key="text" class="share__text" hidden={text.is_empty()}>
                <label key="label">{ "Copy this link" }<input class="share__input" readonly=true value={text} /></label>
                <IconButton key="close" icon={Icon::Close} label="Close" onclick={move |_| close.act(Act::Share(Share::Idle))} />
            </div>
        </div>
    }
}
