//! The quorum, or the ensemble that was there before it: who decides, who would take over, and what happens when a majority is gone.

use crate::app::inspector::event::with_code;
use crate::app::inspector::{title, why};
use crate::app::model::Snapshot;
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::UiState;
use crate::app::widgets::facts;
use crate::app::words;
use playground_core::view::ControllersView;
use yew::prelude::*;

/// What a server of either kind is called.
struct Kind {
    name: &'static str,
    mark: &'static str,
    server: &'static str,
    leading: &'static str,
    following: &'static str,
    what: &'static str,
}

const ENSEMBLE: Kind = Kind {
    name: "ZooKeeper",
    mark: "Z",
    server: "server",
    leading: "leader",
    following: "follower",
    what: "It keeps sessions and znodes by vote. The broker that created /controller first is the controller and chooses leaders; when its session \
           ends, another creates it. Without a majority leaders go on serving, but nobody replaces one that dies.",
};
const QUORUM: Kind = Kind {
    name: "Controllers",
    mark: "C",
    server: "controller",
    leading: "active",
    following: "standby",
    what: "They keep one log by vote, __cluster_metadata (KRaft). The active one fences brokers and chooses leaders; a decision holds once a majority \
           has it. Without a majority leaders go on serving, but nobody replaces one that dies.",
};

fn kind(quorum: &ControllersView) -> &'static Kind {
    if quorum.zookeeper { &ENSEMBLE } else { &QUORUM }
}

#[inline(never)]
pub fn controllers(page: &PageHandle, shot: &Snapshot, ui: &UiState) -> Html {
    let quorum = &shot.mirror.controllers;
    html! {
        <div key="controllers" class="panel">
            { title(kind(quorum).name, &about(quorum)) }
            { why::card(page, shot, ui) }
            <ul key="voters" class="voters">{ for quorum.voters.iter().map(|id| voter(page, quorum, *id)) }</ul>
            { facts(vec![
                ("Controller".into(), quorum.leader.map_or("nobody".to_owned(), |id| id.to_string()).into()),
                ("Its epoch".into(), quorum.epoch.to_string().into()),
            ]) }
            <p key="what" class="panel__text">{ with_code(kind(quorum).what) }</p>
        </div>
    }
}

/// Whoever leads the servers; in a quorum that is the controller.
fn server_leading(quorum: &ControllersView) -> Option<i32> {
    if quorum.zookeeper { quorum.ensemble_leader } else { quorum.leader }
}

fn about(quorum: &ControllersView) -> String {
    let (voters, alive) = (quorum.voters.len(), quorum.alive.len());
    let majority = voters / 2 + 1;
    match server_leading(quorum) {
        Some(leader) => format!("{leader} leads · {} of {voters} alive, {majority} must be", words::count(alive as u64)),
        None if alive < majority => format!("no majority: {alive} of {voters} alive, {majority} must be"),
        None => "voting".to_owned(),
    }
}

fn voter(page: &PageHandle, quorum: &ControllersView, id: i32) -> Html {
    let alive = quorum.alive.contains(&id);
    let active = server_leading(quorum) == Some(id);
    let (word, line, class) =
        if alive { ("Crash", format!("kill {id}"), "button--danger") } else { ("Start", format!("start {id}"), "button--start") };
    let Kind { mark, server, leading, following, .. } = *kind(quorum);
    let state = match (alive, active) {
        (_, true) => leading,
        (true, false) => following,
        (false, false) => "✕ down",
    };
    html! {
        <li key={id} class="voters__one">
            <span key="hex" class={classes!("hexagon", (!active).then_some("hexagon--standby"))} aria-hidden="true">{ mark }</span>
            <b key="id">{ id }</b>
            <span key="state" class="voters__state">{ state }</span>
            <button key="act" type="button" class={classes!("button", class)} aria-label={format!("{word} {server} {id}")} onclick={page.on(Click::Shell(line))}>{ word }</button>
        </li>
    }
}
