//! The brokers in a row, each with the one thing a newcomer wants to do to it: crash it, or start it again.

use crate::app::model::Mirror;
use crate::app::page::{Click, PageHandle};
use crate::app::stage::geometry::broker_at;
use crate::app::stage::is_selected;
use crate::app::ui_state::{Act, Inspect, StageView};
use crate::app::widgets::dots;
use crate::app::words;
use playground_core::view::{BrokerState, BrokerView, ControllersView, Subject};
use yew::prelude::*;

/// Above both views: who decides, and the switch between them.
pub fn head(page: &PageHandle, mirror: &Mirror, view: StageView) -> Html {
    let controllers = &mirror.controllers;
    let apart = controllers.leader.filter(|id| !mirror.brokers.iter().any(|broker| broker.id == *id));
    let choice = |of: StageView, name: &'static str| {
        let onclick = if of == view { Callback::noop() } else { page.on(Click::Act(Act::TurnView)) };
        html! { <button key={name} type="button" class="views__one" aria-pressed={words::yes(of == view)} aria-keyshortcuts="v" {onclick}>{ name }</button> }
    };
    html! {
        <div key="head" class="column-head column-head--brokers">
            <h2 key="name" class="column-head__name">{ "Brokers" }</h2>
            <button key="what" type="button" class="column-head__what quorum" onclick={page.on(Click::Inspect(Inspect::Controllers))}>
                <span key="hex" class="hexagon" aria-hidden="true" hidden={apart.is_none()}>{ "C" }</span>
                { controller_words(controllers) }
            </button>
            <span key="views" class="views" role="group" aria-label="View of the stage">
                { choice(StageView::Story, "Story") }
                { choice(StageView::Cluster, "Cluster") }
            </span>
        </div>
    }
}

pub fn brokers(page: &PageHandle, mirror: &Mirror, selected: Option<&Subject>) -> Html {
    html! {
        <section key="brokers" class="brokers" aria-label="Brokers">
            <div key="row" class="brokers__row">
                { for mirror.brokers.iter().map(|broker| {
                    let selected = is_selected(selected, &Subject::Broker(broker.id));
                    let class = classes!("broker", state_class(broker.state), selected.then_some("is-selected"));
                    html! { <div key={broker.id} {class} data-at={broker_at(broker.id)}>{ face(page, mirror, broker, selected) }</div> }
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

/// A broker's name and state, and the act.
pub fn face(page: &PageHandle, mirror: &Mirror, broker: &BrokerView, selected: bool) -> Html {
    let id = broker.id;
    let action = BrokerAction::of(broker);
    html! {
        <>
            <button key="face" type="button" class="broker__face" aria-pressed={words::yes(selected)} onclick={page.on_select(Subject::Broker(id))}>
                <span key="id" class="broker__id">{ id }</span>
                <span key="words" class="broker__words">
                    <span key="state" class="broker__state">
                        <span key="words">{ state_words(broker) }</span>
                        <span key="controller" class="hexagon" title="Active controller" hidden={mirror.controllers.leader != Some(id)}>{ "C" }</span>
                    </span>
                    <span key="leads" class="broker__leads">{ leads_words(broker.state, mirror.leads(id)) }</span>
                </span>
            </button>
            { dots(page, &id.to_string()) }
            <button key="act" type="button" class={classes!("button", "broker__act", action.class)} onclick={page.on(Click::Shell(action.line))}
                aria-label={format!("{} broker {id}", action.word)}>{ action.word }</button>
        </>
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
    pub fn of(broker: &BrokerView) -> BrokerAction {
        let id = broker.id;
        match broker.state {
            // Nobody starts it again; what is left is that Kafka forgets it.
            _ if broker.removed => {
                BrokerAction { word: "Unregister", line: format!("kafka-cluster.sh unregister --id {id}"), class: "button--start" }
            }
            BrokerState::Down => BrokerAction { word: "Start", line: format!("start {id}"), class: "button--start" },
            BrokerState::Paused => BrokerAction { word: "Resume", line: format!("resume {id}"), class: "button--start" },
            _ => BrokerAction { word: "Crash", line: format!("kill {id}"), class: "button--danger" },
        }
    }
}

pub fn state_class(state: BrokerState) -> &'static str {
    match state {
        BrokerState::Running => "broker--running",
        BrokerState::Down => "broker--down",
        _ => "broker--waiting",
    }
}

pub fn state_words(broker: &BrokerView) -> &'static str {
    match broker.state {
        _ if broker.removed => "removed",
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
