//! One broker: its state, what can be done to it, and the copies it holds.

use crate::app::inspector::event::with_code;
use crate::app::inspector::{gone, title, why};
use crate::app::model::{Snapshot, Topic};
use crate::app::page::{Click, PageHandle};
use crate::app::stage::brokers::{BrokerAction, leads_words, state_words};
use crate::app::tables::terms;
use crate::app::ui_state::UiState;
use crate::app::widgets::{Cells, WORDS, command_line, deeds, facts, table};
use crate::app::words;
use playground_core::view::{BrokerState, BrokerView, PartitionView, ReplicaView};
use yew::prelude::*;

#[inline(never)]
pub fn broker(page: &PageHandle, shot: &Snapshot, ui: &UiState, id: i32) -> Html {
    let mirror = &shot.mirror;
    let key = format!("broker-{id}");
    let Some(broker) = mirror.brokers.iter().find(|broker| broker.id == id) else { return gone(key, &format!("Broker {id}")) };
    let action = BrokerAction::of(broker);
    let rack = broker.rack.as_ref().map_or(String::new(), |rack| format!(" · rack {rack}"));
    let about = format!("{}{rack} · {}", state_words(broker), leads_words(broker.state, mirror.leads(id)));
    html! {
        <div {key} class="panel">
            { title(&format!("Broker {id}"), &about) }
            <div key="actions" class="panel__actions">
                <button key="act" type="button" class={classes!("button", action.class)} onclick={page.on(Click::Shell(action.line.clone()))}>{ action.word }</button>
            </div>
            { command_line(page, ui, &action.line) }
            <p key="what" class="panel__text">{ with_code(what_happens(broker.state, broker.removed)) }</p>
            { why::card(page, shot, ui) }
            { for faults(broker, mirror.controllers.zookeeper).into_iter().map(|(head, lines)| deeds(page, head, lines)) }
            <h3 key="replicas" class="panel__head">{ "Replicas" }</h3>
            { table("table", "Replicas", &["Partition", "Role", "HW", "End", "State"], WORDS, replicas(mirror.user_topics(), id)) }
            { terms::words(page, &["broker", "leader", "replica", "ISR", "fenced"]) }
            { facts(vec![
                ("Log on disk".into(), words::bytes(broker.log_bytes).into()),
                ("Replicas, internal topics too".into(), words::count(u64::from(broker.replicas)).into()),
                ("Leads, internal topics too".into(), words::count(u64::from(broker.leaders)).into()),
            ]) }
        </div>
    }
}

fn what_happens(state: BrokerState, removed: bool) -> &'static str {
    match state {
        BrokerState::Running => {
            "A crash ends the process at once. Its disk stays. The controller waits broker.session.timeout.ms for a heartbeat, then chooses new leaders."
        }
        BrokerState::Fenced => {
            "The process is up, but the controller does not count on it: it leads nothing until its heartbeats come and it has caught up."
        }
        BrokerState::Paused => {
            "The process is frozen, as in a long garbage collection. It answers nobody; what is sent to it waits. After broker.session.timeout.ms without a heartbeat others lead."
        }
        BrokerState::Stopping => "The process hands over what it leads, then ends. It waits for the controller's leave.",
        BrokerState::Starting => "The process is up and registers with the controller.",
        BrokerState::Down if removed => {
            "Its process ended in order and nobody starts it again. Kafka keeps it in the replicas it had, and registered, until they are reassigned and it is unregistered."
        }
        BrokerState::Down => {
            "The process is gone, the disk is not. Started again, it truncates what leaders do not have and fetches what it missed."
        }
    }
}

pub type Faults = Vec<(&'static str, Vec<(&'static str, String)>)>;

/// What else can befall a broker. Of one that is down only the disk is left.
pub fn faults(broker: &BrokerView, zookeeper: bool) -> Faults {
    let id = broker.id;
    let disk = vec![("Fill", format!("disk full {id}")), ("Corrupt", format!("disk corrupt {id}")), ("Wipe", format!("disk wipe {id}"))];
    if broker.state == BrokerState::Down {
        return if broker.removed { Vec::new() } else { vec![("Disk", disk)] };
    }
    let process: &[(&'static str, &str)] = match broker.state {
        BrokerState::Paused => &[("Crash", "kill"), ("Cut the power", "power-cut")],
        _ => &[("Stop in order", "stop"), ("Cut the power", "power-cut"), ("Pause", "pause")],
    };
    let deciding = if zookeeper { ("Cut from ZooKeeper", "zookeeper") } else { ("Cut from controllers", "controllers") };
    let links = [("Cut from brokers", "brokers"), deciding, ("Cut from clients", "clients")];
    let mut network: Vec<(&'static str, String)> = links.map(|(word, kind)| (word, format!("cut {id} {kind}"))).into();
    network.push(("Slow by 200 ms", format!("slow {id} brokers 200ms")));
    network.push(("Heal all links", "heal".to_owned()));
    let clock = [("2 h behind", "-2h"), ("2 h ahead", "+2h"), ("Right", "+0s")].map(|(word, by)| (word, format!("skew {id} {by}"))).into();
    vec![
        ("Process", process.iter().map(|(word, verb)| (*word, format!("{verb} {id}"))).collect()),
        ("Network", network),
        ("Disk", disk),
        ("Clock", clock),
    ]
}

fn replicas<'a>(topics: impl Iterator<Item = &'a Topic>, broker: i32) -> Cells {
    let mut rows = Vec::new();
    for topic in topics {
        for partition in &topic.partitions {
            let copy = partition.copies.iter().find(|copy| copy.broker == broker);
            rows.extend(copy.map(|copy| replica_row(&topic.head.name, partition, copy)));
        }
    }
    rows
}

fn replica_row(topic: &str, partition: &PartitionView, copy: &ReplicaView) -> Vec<AttrValue> {
    let role = if partition.leader == Some(copy.broker) { "L" } else { "F" };
    vec![
        format!("{topic}-{}", partition.partition).into(),
        role.into(),
        words::count(copy.high_watermark).into(),
        words::count(copy.log_end).into(),
        copy_state(copy).into(),
    ]
}

pub fn copy_state(copy: &ReplicaView) -> &'static str {
    match (copy.online, copy.in_sync) {
        (true, true) => "in sync",
        (true, false) => "catching up",
        (false, true) => "✕ offline, in ISR",
        (false, false) => "✕ offline",
    }
}
