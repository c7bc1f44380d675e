//! One client: a producer or the member of a group, with its own counts.

use crate::app::inspector::group::does;
use crate::app::inspector::{gone, title, why};
use crate::app::model::Snapshot;
use crate::app::page::PageHandle;
use crate::app::ui_state::UiState;
use crate::app::widgets::{Cells, Rows, WORDS, deeds, facts, table};
use crate::app::words;
use playground_core::time::SimDuration;
use playground_core::view::{ClientKind, ClientView, GroupView};
use yew::prelude::*;

#[inline(never)]
pub fn client(page: &PageHandle, shot: &Snapshot, ui: &UiState, name: &str) -> Html {
    let mirror = &shot.mirror;
    let key = format!("client-{name}");
    let Some(client) = mirror.clients.iter().find(|client| client.name == name) else { return gone(key, name) };
    let group = client.group.as_ref().and_then(|name| mirror.groups.iter().find(|group| group.name == *name));
    html! {
        <div {key} class="panel">
            { title(&client.name, &about(client)) }
            { why::card(page, shot, ui) }
            { facts(counts(client)) }
            <p key="does" class="panel__text" hidden={group.is_none()}>{ group.map_or(String::new(), |group| at_work(group, name)) }</p>
            { for faults(client, group.map(|group| &**group)).into_iter().map(|(head, lines)| deeds(page, head, lines)) }
            <div key="owns" class="panel__section" hidden={group.is_none()}>
                <h3 key="head" class="panel__head">{ "Partitions it owns" }</h3>
                { table("table", "Partitions it owns", &["PARTITION", "POSITION", "CURRENT-OFFSET", "LAG"], 1,
                    group.map_or(Vec::new(), |group| owned(group, name))) }
            </div>
            <div key="recent" class="panel__section" hidden={group.is_none()}>
                <h3 key="head" class="panel__head">{ "Processed last" }</h3>
                { table("table", "Processed last", &["Record", "Key", "Value"], WORDS, group.map_or(Vec::new(), |group| recent(group, name))) }
            </div>
        </div>
    }
}

fn about(client: &ClientView) -> String {
    match client.kind {
        ClientKind::Producer => format!("producer · writes to {}", client.topics.join(", ")),
        ClientKind::Consumer => {
            format!("consumer in {} · reads {}", client.group.as_deref().unwrap_or("no group"), client.topics.join(", "))
        }
    }
}

fn counts(client: &ClientView) -> Rows {
    let mut rows: Rows = Vec::new();
    match client.kind {
        ClientKind::Producer => {
            rows.extend(client.interval_us.map(|us| ("Sends every".into(), SimDuration(us).to_string().into())));
            rows.extend(client.key.as_ref().map(|key| ("Newest key".into(), key.clone().into())));
            rows.push(("Sent".into(), words::count(client.sent).into()));
            rows.push(("Promised (acknowledged)".into(), words::count(client.acked).into()));
            rows.push(("Failed".into(), words::count(client.failed).into()));
            rows.push(("Retries".into(), words::count(client.retries).into()));
        }
        ClientKind::Consumer => rows.push(("Handed to its application".into(), words::count(client.delivered).into())),
    }
    rows.extend(client.errors.iter().map(|(name, n)| (name.clone().into(), format!("{}×", words::count(*n)).into())));
    rows
}

pub type Faults = Vec<(&'static str, Vec<(&'static str, String)>)>;

pub fn faults(client: &ClientView, group: Option<&GroupView>) -> Faults {
    let name = &client.name;
    let process = [("Crash", "kill"), ("Close in order", "stop"), ("Start", "start"), ("Pause", "pause"), ("Resume", "resume")];
    let mut all = vec![
        ("Process", process.map(|(word, verb)| (word, format!("{verb} {name}"))).into()),
        (
            "Network",
            vec![
                ("Cut from brokers", format!("cut {name} brokers")),
                ("Lose answers only", format!("cut brokers>{name}")),
                ("Heal all links", "heal".to_owned()),
            ],
        ),
    ];
    if client.kind == ClientKind::Producer {
        let acks = [("acks=0", "0"), ("acks=1", "1"), ("acks=all", "all")];
        all.insert(0, ("Wait for", acks.map(|(word, acks)| (word, format!("set {name} acks={acks}"))).into()));
    }
    all.extend(group.and_then(|group| first_owned(group, name)).map(|(id, position)| {
        let back = position.saturating_sub(10);
        let lines = vec![
            ("pause() it", format!("pause {name} {id}")),
            ("resume() it", format!("resume {name} {id}")),
            ("seek() 10 back", format!("seek {name} {id}@{back}")),
            ("seekToBeginning()", format!("seek {name} {id}@earliest")),
            ("seekToEnd()", format!("seek {name} {id}@latest")),
        ];
        ("The first partition it owns", lines)
    }));
    all
}

/// The first partition of a member, and where it reads.
fn first_owned(group: &GroupView, client: &str) -> Option<(String, u64)> {
    let all = group.offsets.iter().flat_map(|(topic, offsets)| offsets.iter().map(move |offset| (topic, offset)));
    let mut mine = all.filter(|(_, offset)| offset.client.as_deref() == Some(client));
    mine.find_map(|(topic, offset)| Some((format!("{topic}-{}", offset.partition), offset.position?)))
}

/// `Works on 12 records.`
fn at_work(group: &GroupView, client: &str) -> String {
    let member = group.members.iter().find(|member| member.client == client);
    member.map_or(String::new(), |member| format!("It {}.", does(group, member)))
}

fn owned(group: &GroupView, client: &str) -> Cells {
    let known = |n: Option<u64>| n.map_or("-".into(), |n| AttrValue::from(words::count(n)));
    let mut rows = Vec::new();
    for (topic, offsets) in &group.offsets {
        let mine = offsets.iter().filter(|offset| offset.client.as_deref() == Some(client));
        rows.extend(mine.map(|o| vec![format!("{topic}-{}", o.partition).into(), known(o.position), known(o.committed), known(o.lag)]));
    }
    rows
}

fn recent(group: &GroupView, client: &str) -> Cells {
    let Some(member) = group.members.iter().find(|member| member.client == client) else { return Vec::new() };
    let row = |record: &playground_core::view::DeliveredView| {
        let none = || "-".to_owned();
        let at = format!("{}@{}", record.partition, record.offset);
        vec![at.into(), record.key.clone().unwrap_or_else(none).into(), record.value.clone().unwrap_or_else(none).into()]
    };
    member.recent.iter().rev().take(8).map(row).collect()
}
