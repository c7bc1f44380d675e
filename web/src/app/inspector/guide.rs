//! Nothing selected: how to read the picture, and what to try first.

use crate::app::model::Mirror;
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::{Act, Inspect};
use crate::app::widgets::languages;
use yew::prelude::*;

pub fn guide(page: &PageHandle, mirror: &Mirror) -> Html {
    html! {
        <div key="guide" class="panel guide">
            <h2 key="title" class="panel__name">{ "How to read this" }</h2>
            <ul key="legend" class="legend">
                { for LEGEND.iter().map(|(sample, name, words)| html! {
                    <li key={*name} class="legend__item">
                        <span key="sample" class="legend__sample" aria-hidden="true">{ picture(*sample) }</span>
                        <span key="words"><b key="name">{ *name }</b>{ " " }{ *words }</span>
                    </li>
                }) }
            </ul>
            <h2 key="try" class="panel__name">{ "Start here" }</h2>
            <div key="doors" class="doors">
                { for doors(mirror).into_iter().map(|(name, words, click)| html! {
                    <button key={name} type="button" class="door" onclick={page.on(click)}><b key="name">{ name }</b><span key="words">{ words }</span></button>
                }) }
            </div>
            <button key="keys" type="button" class="button button--quiet" onclick={page.on(Click::Act(Act::Help(true)))}>{ "Keyboard shortcuts (?)" }</button>
            { languages() }
        </div>
    }
}

/// What a newcomer can begin with, each one click to something that runs.
fn doors(mirror: &Mirror) -> Vec<(&'static str, &'static str, Click)> {
    let victim = mirror.brokers.get(1).or(mirror.brokers.first());
    let crash = victim
        .map(|broker| ("Crash a broker", "Others lead 9 s later, of its time. Then ask Why?", Click::Shell(format!("kill {}", broker.id))));
    let others = [
        ("Type a real command", "Kafka's own, below the stage.", Click::Prompt),
        ("Open a scenario", "A question about Kafka, and a run that answers.", Click::Inspect(Inspect::Scenarios)),
        ("Build your own", "From an empty canvas.", Click::New),
    ];
    crash.into_iter().chain(others).collect()
}

#[derive(Clone, Copy)]
enum Sample {
    Cell,
    Watermark,
    Leader,
    Follower,
    Behind,
    Offline,
    Flag,
    Lag,
}

const LEGEND: [(Sample, &str, &str); 8] = [
    (Sample::Cell, "A record", "with its offset; colour and shape are its key."),
    (Sample::Watermark, "High watermark.", "Every in-sync copy has what is left of the bar; readers see only that."),
    (Sample::Leader, "Leader.", "Producers write to it and readers fetch from it."),
    (Sample::Follower, "Follower.", "Fetches a copy from the leader."),
    (Sample::Behind, "Out of sync.", "A copy that is too far behind to count."),
    (Sample::Offline, "Offline.", "Its broker is down. The disk is still there."),
    (Sample::Flag, "A bookmark:", "the committed offset of the group with this letter."),
    (Sample::Lag, "Lag:", "records behind the bookmark that wait to be committed."),
];

fn picture(sample: Sample) -> Html {
    let chip = |class: &'static str, role: &'static str| html! { <span class={classes!("copy", class)}><span class="copy__role">{ role }</span>{ "102" }</span> };
    match sample {
        Sample::Leader => chip("copy--leader", "L"),
        Sample::Follower => chip("copy--follower", "F"),
        Sample::Behind => html! { <span class="copy copy--follower copy--behind"><span class="copy__role">{ "F" }</span>{ "102" }</span> },
        Sample::Offline => {
            html! { <span class="copy copy--follower copy--behind copy--offline"><span class="copy__role">{ "✕" }</span>{ "102" }</span> }
        }
        Sample::Cell => html! {
            <svg class="legend__svg" viewBox="0 0 44 28"><g class="cell key-1">
                <rect class="cell__box" x="10" y="1" width="22" height="26" rx="3" />
                <path class="cell__band" d="M10 9 v-5 q0 -3 3 -3 h16 q3 0 3 3 v5 z" />
                <text class="cell__offset" x="21" y="21.5">{ "41" }</text>
            </g></svg>
        },
        Sample::Watermark => html! { <svg class="legend__svg" viewBox="0 0 44 28"><path class="watermark" d="M22 2v24" /></svg> },
        Sample::Flag => html! {
            <svg class="legend__svg" viewBox="0 0 44 28"><g class="flag flag--0">
                <path class="flag__stalk" d="M22 2v12" /><rect class="flag__box" x="15" y="12" width="14" height="13" rx="2.5" />
                <text class="flag__letter" x="22" y="22.5">{ "D" }</text>
            </g></svg>
        },
        Sample::Lag => {
            html! { <svg class="legend__svg" viewBox="0 0 44 28"><rect class="lag lag--0" x="4" y="12" width="36" height="5" /></svg> }
        }
    }
}
