//! The brokers in a row, each with the one thing a newcomer wants to do to it: crash it, or start it again.

use crate::app::model::Mirror;
use crate::app::page::{Click, PageHandle};
use crate::app::stage::geometry::broker_at;
use crate::app::stage::is_selected;
use crate::app::ui_state::Inspect;
use crate::app::words;
use playground_core::view::{BrokerState, BrokerView, ControllersView, Subject};
use yew::prelude::*;

pub fn brokers(page: &PageHandle, mirror: &Mirror, selected: Option<&Subject>) -> Html {
    let controllers = &mirror.controllers;
    let apart = controllers.leader.filter(|id| !mirror.brokers.iter().any(|broker| broker.id == *id));
    html! {
        <section key="brokers" class="brokers" aria-label="Brokers">
            <div key="head" class="column-head">
                <h2 key="name" class="column-head__name">{ "Brokers" }</h2>
                <button key="what" type="button" class="column-head__what quorum" onclick={page.on(Click::Inspect(Inspect::Controllers))}>
                    <span key="hex" class="hexagon" aria-hidden="true" hidden={apart.is_none()}>{ "C" }</span>
                    { controller_words(controllers) }
                </button>
            </div>
            <div key="row" class="brokers__row">
                { for mirror.brokers.iter().map(|broker| {
                    let selected = is_selected(selected, &Subject::Broker(broker.id));
                    broker_box(page, broker, mirror.leads(broker.id), controllers.leader == Some(broker.id), selected)
                }) }
            </div>
        </section>
    }
}

fn controller_words(controllers: &ControllersView) -> String {
    match controllers.leader {
        _ if controllers.zookeeper && controllers.ensemble_leader.is_none() => {
            "ZooKeeper has no majority: nothing can be decided now".to_owned()
        }
        Some(leader) if controllers.zookeeper => format!("broker {leader} decides who leads, by ZooKeeper"),
        Some(leader) => format!("controller {leader} decides who leads"),
        None if controllers.voters.is_empty() => String::new(),
        None => "no controller: nothing can be decided now".to_owned(),
    }
}

/// `leads`: user partitions the broker leads, of how many.
fn broker_box(page: &PageHandle, broker: &BrokerView, leads: (usize, usize), controller: bool, selected: bool) -> Html {
    let id = broker.id;
    let action = BrokerAction::of(broker.state, id);
    let class = classes!("broker", state_class(broker.state), selected.then_some("is-selected"));
    html! {
        <div key={id} {class} data-at={broker_at(id)}>
            <button key="face" type="button" class="broker__face" aria-pressed={words::yes(selected)} onclick={page.on_select(Subject::Broker(id))}>
                <span key="id" class="broker__id">{ id }</span>
                <span key="words" class="broker__words">
                    <span key="state" class="broker__state">
                        <span key="words">{ state_words(broker) }</span>
                        <span key="controller" class="hexagon" title="Active controller" hidden={!controller}>{ "C" }</span>
                    </span>
                    <span key="leads" class="broker__leads">{ leads_words(broker.state, leads) }</span>
                </span>
            </button>
            <button key="act" type="button" class={classes!("button", "broker__act", action.class)} onclick={page.on(Click::Shell(action.line))}
                aria-label={format!("{} broker {id}", action.word)}>{ action.word }</button>
        </div>
    }
}

/// What one click on a broker does, and its shell line.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerAction {
    pub word: &'static str,
    pub line: String,
    pub class: &'static str,
}

impl BrokerAction {
    pub fn of(state: BrokerState, id: i32) -> BrokerAction {
        match state {
            BrokerState::Down => BrokerAction { word: "Start", line: format!("start {id}"), class: "button--start" },
            BrokerState::Paused => BrokerAction { word: "Resume", line: format!("resume {id}"), class: "button--start" },
            _ => BrokerAction { word: "Crash", line: format!("kill {id}"), class: "button--danger" },
        }
    }
}

fn state_class(state: BrokerState) -> &'static str {
    match state {
        BrokerState::Running => "broker--running",
        BrokerState::Down => "broker--down",
        _ => "broker--waiting",
    }
}

pub fn state_words(broker: &BrokerView) -> &'static str {
    match broker.state {
        BrokerState::Fenced => "up, fenced",
        BrokerState::Paused if broker.fenced => "paused, fenced",
        state => state.name(),
    }
}

/// What matters next to a broker's state: what it leads, and after a crash what is not lost.
pub fn leads_words(state: BrokerState, (leads, all): (usize, usize)) -> String {
    match state {
        BrokerState::Down if leads > 0 => format!("still leader of {leads}"),
        BrokerState::Down => "disk kept".to_owned(),
        _ => format!("leads {leads} of {all}"),
    }
}
