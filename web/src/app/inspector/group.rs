//! One group in the columns of `kafka-consumer-groups --describe`: who is in it, how far behind it is, and what can be done to it.

use crate::app::inspector::handover::handover;
use crate::app::inspector::{gone, hands, title, why};
use crate::app::model::{Snapshot, Trend};
use crate::app::page::PageHandle;
use crate::app::tables::terms;
use crate::app::ui_state::UiState;
use crate::app::widgets::{Cells, Rows, WORDS, deeds, facts, table};
use crate::app::words;
use playground_core::view::{GroupView, MemberView};
use yew::prelude::*;

#[inline(never)]
pub fn group(page: &PageHandle, shot: &Snapshot, ui: &UiState, name: &str) -> Html {
    let key = format!("group-{name}");
    let Some(place) = shot.mirror.groups.iter().position(|group| group.name == name) else { return gone(key, name) };
    let group = &shot.mirror.groups[place];
    let assignor = if group.assignor.is_empty() { "no assignor yet" } else { &group.assignor };
    let about = format!("{} · {} protocol, {assignor}", group.state, group.protocol);
    html! {
        <div {key} class="panel">
            { title(&group.name, &about) }
            { why::card(page, shot, ui) }
            { terms::words(page, &["committed offset", "lag", "rebalance", "assignor", "coordinator"]) }
            { facts(counts(group, place, shot)) }
            <h3 key="members" class="panel__head">{ "Members" }</h3>
            { table("who", "Members", &["MEMBER", "OWNS", "DOES"], WORDS, members(group)) }
            { handover(shot, group) }
            { progress(group) }
            <h3 key="head" class="panel__head">{ "Bookmarks" }</h3>
            { table("table", "Bookmarks", &["PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID"], 1, bookmarks(group)) }
            { for lines(group).into_iter().map(|(head, lines)| deeds(page, head, lines)) }
            { hands::hands(page, shot, group) }
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
            <h3 key="progress" class="panel__head">{ "On the way to the target" }</h3>
            { table("progress", "On the way to the target", &["MEMBER", "STATE", "EPOCH", "OWNS", "TARGET"], 2, rows) }
        </>
    }
}

fn counts(group: &GroupView, place: usize, shot: &Snapshot) -> Rows {
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
        ("LAG".into(), behind(group, place, shot).into()),
        ("Delivered".into(), count(&ledger.delivered)),
        ("Delivered twice".into(), count(&ledger.duplicates)),
        ("Skipped".into(), count(&ledger.skipped)),
        ("Deleted by retention, unread".into(), count(&ledger.deleted_unread)),
        ("Out of order".into(), count(&ledger.out_of_order)),
    ]
}

/// `12 records, the oldest 3 s old · falling over 30 s`.
fn behind(group: &GroupView, place: usize, shot: &Snapshot) -> String {
    let records = group.lag.unwrap_or(0);
    let oldest = group.offsets.values().flatten().filter_map(|offset| offset.lag_ms).max();
    let Some(oldest) = oldest else { return "nothing is committed yet".to_owned() };
    let trend = match shot.lags.trend(shot.mirror.now_us, place, records) {
        Some(Trend::Rising) => " · rising over 30 s",
        Some(Trend::Falling) => " · falling over 30 s",
        Some(Trend::Steady) => " · steady over 30 s",
        None => "",
    };
    let age = if records == 0 { String::new() } else { format!(", the oldest {} old", words::age(oldest)) };
    format!("{}{age}{trend}", words::plural(records, "record"))
}

fn members(group: &GroupView) -> Cells {
    let row = |member: &MemberView| {
        vec![words::member(&group.name, &member.client).into(), owns(group, member).into(), does(group, member).into()]
    };
    group.members.iter().map(row).collect()
}

/// What a member owns, or why it owns nothing.
fn owns(group: &GroupView, member: &MemberView) -> String {
    let topics: Vec<String> = member.assignment.values().filter(|list| !list.is_empty()).map(|list| words::partitions(list)).collect();
    let partitions = group.offsets.values().map(Vec::len).sum::<usize>();
    match () {
        () if !topics.is_empty() => topics.join(" · "),
        () if !member.member_id.is_empty() && group.state == "Stable" && group.members.len() > partitions => {
            format!("idle: {} for {} members", words::plural(partitions as u64, "partition"), group.members.len())
        }
        () => "owns nothing".to_owned(),
    }
}

/// What its process does, in a few words.
pub fn does(group: &GroupView, member: &MemberView) -> String {
    let left = words::plural(member.in_hand, "record");
    match member.does.as_str() {
        "works" => format!("works on {left}"),
        "stuck" => format!("does not come back; {left} in hand"),
        "commits" => "commits, and waits for the answer".to_owned(),
        "waits" => "is not running; starts by itself".to_owned(),
        "down" if !member.assignment.is_empty() => "is down; the group does not know yet".to_owned(),
        "down" => "is down".to_owned(),
        "paused" => "is paused".to_owned(),
        _ if member.member_id.is_empty() => "joins".to_owned(),
        _ if group.state.ends_with("Rebalance") => "waits for the rebalance".to_owned(),
        _ => "polls".to_owned(),
    }
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

pub type Lines = Vec<(&'static str, Vec<(&'static str, String)>)>;

/// What can happen to a group and its application, each a line of shell.
pub fn lines(group: &GroupView) -> Lines {
    let name = &group.name;
    let process = [("Close in order", "stop"), ("Start", "start"), ("Crash", "kill"), ("Pause", "pause"), ("Resume", "resume")];
    let time = [("0 ms", "0ms"), ("10 ms", "10ms"), ("100 ms", "100ms"), ("700 ms", "700ms")];
    let commit = [("auto, every 5 s", "auto"), ("before the work", "before"), ("after a poll", "after"), ("after each record", "each")];
    let mut lines = vec![
        ("All members", process.map(|(word, verb)| (word, format!("{verb} {name}"))).into()),
        ("Time for a record", time.map(|(word, time)| (word, format!("set {name} process={time}"))).into()),
        ("Commit", commit.map(|(word, when)| (word, format!("set {name} commit={when}"))).into()),
    ];
    if let Some(next) = next_record(group) {
        let poison = [("Crash at it", "crash"), ("Never come back", "block"), ("Leave it out", "skip")];
        let mut poison: Vec<(&'static str, String)> = poison.map(|(word, does)| (word, format!("poison {name} {next} {does}"))).into();
        poison.push(("Cope again", format!("cure {name}")));
        lines.push(("Poison the next record", poison));
    }
    lines
}

/// The next record of the first partition that somebody reads.
fn next_record(group: &GroupView) -> Option<String> {
    let all = group.offsets.iter().flat_map(|(topic, offsets)| offsets.iter().map(move |offset| (topic, offset)));
    let read = all.filter_map(|(topic, offset)| Some((topic, offset.partition, offset.position?)));
    read.map(|(topic, partition, position)| format!("{topic}-{partition}@{position}")).next()
}
