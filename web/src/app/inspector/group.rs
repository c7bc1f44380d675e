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
            <h3 key="head" class="panel__head">{ "Bookmarks" }</h3>
            { table("table", "Bookmarks", &["PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID"], 1, bookmarks(group)) }
        </div>
    }
}

fn counts(group: &GroupView, shot: &Snapshot) -> Rows {
    let coordinator = group.coordinator.map_or("none: its offsets partition has no leader".to_owned(), |id| format!("broker {id}"));
    let ledger = &shot.mirror.ledger;
    let count =
        |map: &playground_core::sorted::SortedMap<String, u64>| AttrValue::from(words::count(map.get(&group.name).copied().unwrap_or(0)));
    vec![
        ("Coordinator".into(), coordinator.into()),
        ("Bookmarks are kept in".into(), format!("__consumer_offsets-{}", group.offsets_partition).into()),
        ("Generation".into(), group.generation.to_string().into()),
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
