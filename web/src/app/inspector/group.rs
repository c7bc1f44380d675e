//! One group in the columns of `kafka-consumer-groups --describe`.

use crate::app::inspector::handover::handover;
use crate::app::inspector::{gone, title};
use crate::app::model::Snapshot;
use crate::app::widgets::{Cells, Rows, facts, table};
use crate::app::words;
use playground_core::view::GroupView;
use yew::prelude::*;

pub fn group(shot: &Snapshot, name: &str) -> Html {
    let key = format!("group-{name}");
    let Some(group) = shot.mirror.groups.iter().find(|group| group.name == name) else { return gone(key, name) };
    let about = format!("{} · {} protocol, {} assignor", group.state, group.protocol, group.assignor);
    html! {
        <div {key} class="panel">
            { title(&group.name, &about) }
            { facts(counts(group, shot)) }
            { handover(shot, group) }
            { progress(group) }
            <h3 key="head" class="panel__head">{ "Bookmarks" }</h3>
            { table("table", "Bookmarks", &["PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID"], 1, bookmarks(group)) }
        </div>
    }
}

/// Members on their way to what the coordinator wants them to own (KIP-848).
fn progress(group: &GroupView) -> Html {
    let count = |topics: &playground_core::sorted::SortedMap<String, Vec<u32>>| topics.values().map(Vec::len).sum::<usize>().to_string();
    let rows: Cells = group
        .members
        .iter()
        .filter_map(|member| {
            let progress = member.progress.as_ref()?;
            let state = if progress.state.is_empty() { &progress.own_state } else { &progress.state };
            let (owned, target) = (count(&member.assignment), count(&progress.target));
            Some(vec![member.client.clone().into(), state.clone().into(), progress.epoch.to_string().into(), owned.into(), target.into()])
        })
        .collect();
    if rows.is_empty() {
        return html! {};
    }
    html! {
        <>
            <h3 key="progress" class="panel__head">{ "Members" }</h3>
            { table("progress", "Members", &["MEMBER", "STATE", "EPOCH", "OWNS", "TARGET"], 2, rows) }
        </>
    }
}

fn counts(group: &GroupView, shot: &Snapshot) -> Rows {
    let coordinator = group.coordinator.map_or("none: its offsets partition has no leader".to_owned(), |id| format!("broker {id}"));
    let ledger = &shot.mirror.ledger;
    let count =
        |map: &playground_core::sorted::SortedMap<String, u64>| AttrValue::from(words::count(map.get(&group.name).copied().unwrap_or(0)));
    let (number, value) = match group.assignment_epoch {
        None => ("Generation", group.generation.to_string()),
        Some(assigned) => ("Epoch, of the assignment", format!("{}, {assigned}", group.generation)),
    };
    vec![
        ("Coordinator".into(), coordinator.into()),
        ("Bookmarks are kept in".into(), format!("__consumer_offsets-{}", group.offsets_partition).into()),
        (number.into(), value.into()),
        ("Members".into(), words::count(group.members.len() as u64).into()),
        ("Delivered".into(), count(&ledger.delivered)),
        ("Delivered twice".into(), count(&ledger.duplicates)),
        ("Skipped".into(), count(&ledger.skipped)),
    ]
}

fn bookmarks(group: &GroupView) -> Cells {
    let known = |n: Option<u64>| n.map_or("-".into(), |n| AttrValue::from(words::count(n)));
    let mut rows = Vec::new();
    for (topic, offsets) in &group.offsets {
        for o in offsets {
            let owner = o.client.clone().unwrap_or_else(|| "-".to_owned());
            rows.push(vec![
                format!("{topic}-{}", o.partition).into(),
                known(o.committed),
                known(Some(o.log_end)),
                known(o.lag),
                owner.into(),
            ]);
        }
    }
    rows
}
