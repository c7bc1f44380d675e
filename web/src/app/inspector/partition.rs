//! One partition in the columns of `kafka-topics --describe` and `kafka-consumer-groups --describe`.

use crate::app::inspector::broker::copy_state;
use crate::app::inspector::{gone, title, why};
use crate::app::model::{Shared, Snapshot};
use crate::app::page::PageHandle;
use crate::app::tables::terms;
use crate::app::ui_state::UiState;
use crate::app::widgets::{Cells, Rows, WORDS, deeds, facts, table};
use crate::app::words;
use playground_core::view::{GroupView, PartitionView};
use yew::prelude::*;

#[inline(never)]
pub fn partition(page: &PageHandle, shot: &Snapshot, ui: &UiState, topic: &str, partition: u32) -> Html {
    let name = format!("{topic}-{partition}");
    let key = format!("partition-{name}");
    let mirror = &shot.mirror;
    let Some(partition) = mirror.partition(topic, partition) else { return gone(key, &name) };
    let about = partition.leader.map_or("no leader: nothing can be written or read".to_owned(), |id| format!("led by broker {id}"));
    html! {
        <div {key} class="panel">
            { title(&name, &about) }
            { why::card(page, shot, ui) }
            { table("describe", "Leader and replicas", &["PARTITION", "LEADER", "REPLICAS", "ISR"], WORDS, vec![describe(partition)]) }
            { terms::words(page, &["leader", "ISR", "high watermark", "log end offset", "leader epoch"]) }
            { facts(numbers(partition)) }
            { deeds(page, "Leadership", elections(topic, partition)) }
            <h3 key="copies" class="panel__head">{ "Copies" }</h3>
            { table("copies-table", "Copies", &["Broker", "HW", "End", "State"], WORDS, copies(partition)) }
            <h3 key="groups" class="panel__head">{ "Groups" }</h3>
            { table("groups-table", "Groups", &["GROUP", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG"], 1,
                standing(&mirror.groups, topic, partition.partition)) }
        </div>
    }
}

pub fn ids(list: &[i32]) -> AttrValue {
    if list.is_empty() { "none".into() } else { list.iter().map(i32::to_string).collect::<Vec<_>>().join(", ").into() }
}

fn describe(partition: &PartitionView) -> Vec<AttrValue> {
    let leader = partition.leader.map_or("none".to_owned(), |id| id.to_string());
    vec![partition.partition.to_string().into(), leader.into(), ids(&partition.replicas), ids(&partition.isr)]
}

fn numbers(partition: &PartitionView) -> Rows {
    let mut rows = vec![
        ("Leader epoch".into(), partition.leader_epoch.to_string().into()),
        ("High watermark".into(), words::count(partition.high_watermark).into()),
        ("Log end".into(), words::count(partition.log_end).into()),
        ("Log start".into(), words::count(partition.log_start).into()),
        ("Bytes in the log".into(), words::bytes(partition.bytes).into()),
    ];
    if !partition.elr.is_empty() {
        rows.push(("Eligible leader replicas".into(), ids(&partition.elr)));
    }
    rows
}

/// Kafka's own commands; it refuses those that are not needed, in its words.
pub fn elections(topic: &str, partition: &PartitionView) -> Vec<(&'static str, String)> {
    let elect = |kind: &str| format!("kafka-leader-election.sh --election-type {kind} --topic {topic} --partition {}", partition.partition);
    let configure = |to: bool| {
        format!("kafka-configs.sh --alter --entity-type topics --entity-name {topic} --add-config unclean.leader.election.enable={to}")
    };
    vec![
        ("Elect the preferred leader", elect("preferred")),
        ("Elect uncleanly", elect("unclean")),
        ("Allow unclean elections", configure(true)),
    ]
}

fn copies(partition: &PartitionView) -> Cells {
    let row = |copy: &playground_core::view::ReplicaView| {
        let role = if partition.leader == Some(copy.broker) { "L" } else { "F" };
        vec![
            format!("{role} {}", copy.broker).into(),
            words::count(copy.high_watermark).into(),
            words::count(copy.log_end).into(),
            copy_state(copy).into(),
        ]
    };
    partition.copies.iter().map(row).collect()
}

fn standing(groups: &[Shared<GroupView>], topic: &str, partition: u32) -> Cells {
    let known = |n: Option<u64>| n.map_or("-".into(), |n| AttrValue::from(words::count(n)));
    let row = |group: &Shared<GroupView>| {
        let offset = group.offsets.get(topic)?.iter().find(|offset| offset.partition == partition)?;
        Some(vec![group.name.clone().into(), known(offset.committed), known(Some(offset.log_end)), known(offset.lag)])
    };
    groups.iter().filter_map(row).collect()
}
