//! Brokers in a row each, and the settings of every process.

use crate::app::model::Snapshot;
use crate::app::page::{Click, PageHandle};
use crate::app::tables::configs;
use crate::app::tables::desk::{Desk, DeskAct, selected};
use crate::app::tables::grid::{Cell, Grid, Head, bytes, grid, number, text};
use crate::app::tables::{back, head, select, tabs};
use crate::app::ui_state::{Inspect, UiState};
use playground_core::view::ask::Entity;
use playground_core::view::{BrokerState, BrokerView, Subject};
use yew::prelude::*;

const HEADS: [Head; 10] = [
    Head("BROKER", true),
    Head("STATE", false),
    Head("RACK", false),
    Head("CONTROLLER", false),
    Head("LEADERS", true),
    Head("LEADER SKEW", true),
    Head("REPLICAS", true),
    Head("IN SYNC", true),
    Head("SIZE", true),
    Head("EPOCH", true),
];

pub fn brokers(page: &PageHandle, shot: &Snapshot, ui: &UiState, desk: &Desk) -> Html {
    let settings = desk.entity.is_some();
    let first = shot.mirror.brokers.first().map(|broker| Entity::Broker(broker.id));
    let to = move |settings: bool| DeskAct::Entity(first.clone().filter(|_| settings));
    html! {
        <>
            { head(page, "Brokers", &["broker", "controller", "leader", "replica", "ISR", "fenced", "rack"]) }
            { tabs(page, "View of brokers", &[(false, "Brokers"), (true, "Configs")], settings, to) }
            { match &desk.entity {
                Some(entity) => settings_of(page, shot, desk, entity),
                None => list(page, shot, ui, desk),
            } }
        </>
    }
}

fn list(page: &PageHandle, shot: &Snapshot, ui: &UiState, desk: &Desk) -> Html {
    let mirror = &shot.mirror;
    let brokers = &mirror.brokers;
    // One walk over all partitions, whatever their number.
    let mut in_sync: Vec<u64> = vec![0; brokers.len()];
    for id in mirror.topics.iter().flat_map(|topic| &topic.partitions).flat_map(|partition| &partition.isr) {
        if let Ok(place) = brokers.binary_search_by_key(id, |broker| broker.id) {
            in_sync[place] += 1;
        }
    }
    let all: u64 = brokers.iter().map(|broker| u64::from(broker.leaders)).sum();
    let cell = |row: usize, column: usize| {
        let broker = &*brokers[row];
        match column {
            0 => text(broker.id.to_string()).ranked(broker.id as u64),
            1 => text(if broker.removed { "removed" } else { broker.state.name() }).bad(broker.state != BrokerState::Running),
            2 => text(broker.rack.clone().unwrap_or_else(|| "-".to_owned())),
            3 => text(controls(shot, broker)),
            4 => number(u64::from(broker.leaders)),
            5 => skew(u64::from(broker.leaders), all, brokers.len() as u64),
            6 => number(u64::from(broker.replicas)),
            7 => number(in_sync[row]).bad(in_sync[row] < u64::from(broker.replicas)),
            8 => bytes(broker.log_bytes),
            _ => number(broker.epoch.max(0) as u64),
        }
    };
    let subject = |row: usize| Subject::Broker(brokers[row].id);
    grid(
        page,
        desk,
        &Grid {
            name: "brokers",
            caption: "All brokers",
            heads: &HEADS,
            rows: brokers.len(),
            cell: &cell,
            key: &|row| brokers[row].id.to_string(),
            open: &|row| Some(Click::Inspect(Inspect::Subject(subject(row)))),
            selected: &|row| selected(ui) == Some(&subject(row)),
            below: &|_| None,
            none: "There is no broker yet.",
        },
    )
}

/// With a quorum of its own, no broker controls.
fn controls(shot: &Snapshot, broker: &BrokerView) -> &'static str {
    let controllers = &shot.mirror.controllers;
    if controllers.zookeeper && controllers.leader == Some(broker.id) { "active" } else { "-" }
}

/// By how many hundredths it leads more, or fewer, than an even share.
fn skew(leads: u64, all: u64, brokers: u64) -> Cell {
    let share = (leads * brokers * 100 + all / 2).checked_div(all).unwrap_or(100) as i64 - 100;
    Cell { text: format!("{share:+} %").into(), rank: Some((share + 1_000_000) as u64), bad: false }
}

/// Brokers, producers and members: whose settings are shown.
fn settings_of(page: &PageHandle, shot: &Snapshot, desk: &Desk, entity: &Entity) -> Html {
    let brokers = shot.mirror.brokers.iter().map(|broker| (format!("broker {}", broker.id), format!("broker {}", broker.id)));
    let clients = shot.mirror.clients.iter().map(|client| (client.name.clone(), client.name.clone()));
    let now = match entity {
        Entity::Broker(id) => format!("broker {id}"),
        Entity::Client(name) | Entity::Topic(name) => name.clone(),
    };
    let to = |name: String| {
        let broker = name.strip_prefix("broker ").and_then(|id| id.parse().ok());
        Some(DeskAct::Entity(Some(broker.map_or(Entity::Client(name), Entity::Broker))))
    };
    html! {
        <>
            <div key="whose" class="place__bar">{ back(page, "Brokers", DeskAct::Entity(None)) }{ select(page, "Settings of", brokers.chain(clients), &now, to) }</div>
            { configs::configs(page, shot, desk, entity) }
        </>
    }
}
