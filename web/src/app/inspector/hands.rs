//! Hands on the bookmarks of a group: where each would go, before it goes; and the rows in which `__consumer_offsets` keeps them.

use crate::app::model::Snapshot;
use crate::app::page::{Click, PageHandle};
use crate::app::widgets::{Cells, table};
use crate::app::words;
use playground_core::view::{Detail, GroupHistory, GroupView, PlanView};
use yew::prelude::*;

/// What the plans are called, in the order of the engine's.
const TARGETS: [&str; 4] = ["To the earliest", "To the latest", "10 records back", "1 min back"];

pub fn hands(page: &PageHandle, shot: &Snapshot, group: &GroupView) -> Html {
    let told = shot.detail.as_deref().and_then(|detail| match detail {
        Detail::Group(told) if told.group == group.name => Some(told),
        _ => None,
    });
    let Some(told) = told else { return html! { <div key="hands" hidden=true></div> } };
    let refused = told.plans.iter().find_map(|plan| plan.refused.clone());
    html! {
        <div key="hands" class="panel__section">
            <h3 key="head" class="panel__head">{ "Reset the bookmarks" }</h3>
            <p key="refused" class="panel__text" hidden={refused.is_none()}>{ refused.clone().unwrap_or_default() }</p>
            <div key="deeds" class="panel__actions">
                { for told.plans.iter().zip(TARGETS).map(|(plan, word)| html! {
                    <button key={word} type="button" class="button button--small" title={plan.line.clone()} onclick={page.on(Click::Shell(plan.line.clone()))}>{ word }</button>
                }) }
            </div>
            <div key="plan" hidden={refused.is_some()}>
                { table("table", "Where each bookmark would go", &["PARTITION", "NOW", "EARLIEST", "LATEST", "10 BACK", "1 MIN BACK"], 1, planned(group, &told.plans)) }
            </div>
            <h3 key="rows" class="panel__head">{ format!("Newest rows in __consumer_offsets-{}", group.offsets_partition) }</h3>
            { table("kept", "Newest rows", &["OFFSET", "KEY: GROUP, TOPIC, PARTITION", "VALUE"], 2, kept(group, told)) }
        </div>
    }
}

/// For each bookmark: where it is, and where each plan would put it.
fn planned(group: &GroupView, plans: &[PlanView]) -> Cells {
    let mut rows = Vec::new();
    for (topic, offsets) in &group.offsets {
        for offset in offsets.iter().filter(|offset| offset.committed.is_some()) {
            let mut row = vec![format!("{topic}-{}", offset.partition).into(), number(offset.committed)];
            row.extend(plans.iter().map(|plan| {
                let new = plan.offsets.iter().find(|planned| planned.topic == *topic && planned.partition == offset.partition);
                number(new.map(|planned| planned.offset))
            }));
            rows.push(row);
        }
    }
    rows
}

fn number(n: Option<u64>) -> AttrValue {
    n.map_or("-".into(), |n| words::count(n).into())
}

/// Newest first; of each key the first one here is the one that counts.
fn kept(group: &GroupView, told: &GroupHistory) -> Cells {
    let row = |row: &playground_core::view::OffsetRowView| {
        let value = row.committed.map_or("deleted".to_owned(), words::count);
        vec![words::count(row.at).into(), format!("{}, {}, {}", group.name, row.topic, row.partition).into(), value.into()]
    };
    told.rows.iter().map(row).collect()
}
