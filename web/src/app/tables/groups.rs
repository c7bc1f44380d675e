//! Consumer groups in a row each; of one its bookmarks, members, and where a reset would put it.

use crate::app::inspector::handover::handover;
use crate::app::inspector::hands;
use crate::app::model::{Snapshot, Trend, lag};
use crate::app::page::{Click, PageHandle};
use crate::app::tables::desk::{Desk, DeskAct, selected};
use crate::app::tables::grid::{Grid, Head, grid, maybe, number, text};
use crate::app::tables::{back, head};
use crate::app::ui_state::{Act, Inspect, UiState};
use crate::app::words;
use playground_core::view::{GroupOffsetView, GroupView, Subject};
use yew::prelude::*;

const HEADS: [Head; 10] = [
    Head("GROUP", false),
    Head("STATE", false),
    Head("PROTOCOL", false),
    Head("ASSIGNOR", false),
    Head("COORDINATOR", true),
    Head("MEMBERS", true),
    Head("TOPICS", true),
    Head("LAG", true),
    Head("LAG IN TIME", true),
    Head("TREND, 30 s", false),
];

const OFFSETS: [Head; 9] = [
    Head("PARTITION", false),
    Head("CURRENT-OFFSET", true),
    Head("POSITION", true),
    Head("LOG-END-OFFSET", true),
    Head("LAG", true),
    Head("LAG IN TIME", true),
    Head("CONSUMER-ID", false),
    Head("HOST", false),
    Head("CLIENT-ID", false),
];

const MEMBERS: [Head; 5] =
    [Head("CLIENT-ID", false), Head("CONSUMER-ID", false), Head("HOST", false), Head("#PARTITIONS", true), Head("ASSIGNMENT", false)];

pub fn groups(page: &PageHandle, shot: &Snapshot, ui: &UiState, desk: &Desk) -> Html {
    let one = desk.group.as_ref().and_then(|name| shot.mirror.groups.iter().find(|group| group.name == *name));
    match one {
        Some(group) => detail(page, shot, ui, desk, group),
        None => all(page, shot, ui, desk),
    }
}

fn oldest(group: &GroupView) -> u64 {
    group.offsets.values().flatten().filter_map(|offset| offset.lag_ms).max().unwrap_or(0)
}

fn all(page: &PageHandle, shot: &Snapshot, ui: &UiState, desk: &Desk) -> Html {
    let groups = &shot.mirror.groups;
    let cell = |row: usize, column: usize| {
        let group = &*groups[row];
        match column {
            0 => text(group.name.clone()),
            1 => text(group.state.clone()),
            2 => text(group.protocol.clone()),
            3 => text(if group.assignor.is_empty() { "-".to_owned() } else { group.assignor.clone() }),
            4 => group.coordinator.map_or(text("none").bad(true), |id| text(id.to_string()).ranked(id as u64)),
            5 => number(group.members.len() as u64),
            6 => number(group.offsets.len() as u64),
            7 => number(lag(group)),
            8 => text(words::age(oldest(group))).ranked(oldest(group)),
            _ => text(trend(shot, row, lag(group))),
        }
    };
    html! {
        <>
            { head(page, "Consumer groups", &["consumer group", "coordinator", "rebalance", "assignor", "committed offset", "lag"]) }
            { grid(page, desk, &Grid {
                name: "groups",
                caption: "All consumer groups",
                heads: &HEADS,
                rows: groups.len(),
                cell: &cell,
                key: &|row| groups[row].name.clone(),
                open: &|row| Some(Click::Act(Act::Desk(DeskAct::Group(Some(groups[row].name.clone()))))),
                selected: &|row| selected(ui) == Some(&Subject::Group(groups[row].name.clone())),
                below: &|_| None,
                none: "There is no consumer group yet.",
            }) }
        </>
    }
}

fn trend(shot: &Snapshot, place: usize, lag: u64) -> &'static str {
    match shot.lags.trend(shot.mirror.now_us, place, lag) {
        Some(Trend::Rising) => "↗ rising",
        Some(Trend::Falling) => "↘ falling",
        Some(Trend::Steady) => "→ steady",
        None => "-",
    }
}

/// As the coordinator knows it; the address our clients have is their own.
fn host(shot: &Snapshot, client: &str) -> String {
    let consumers = shot.mirror.clients.iter().filter(|client| client.group.is_some());
    let number = consumers.take_while(|known| known.name != client).count() + 9;
    format!("/172.18.{}.{}", number / 256, number % 256)
}

fn detail(page: &PageHandle, shot: &Snapshot, ui: &UiState, desk: &Desk, group: &GroupView) -> Html {
    let subject = Subject::Group(group.name.clone());
    let inspected = selected(ui) == Some(&subject);
    let offsets: Vec<(&str, &GroupOffsetView)> =
        group.offsets.iter().flat_map(|(topic, list)| list.iter().map(|offset| (topic.as_str(), offset))).collect();
    let member_id =
        |client: &str| group.members.iter().find(|member| member.client == client).map_or("-", |member| member.member_id.as_str());
    let cell = |row: usize, column: usize| {
        let (topic, offset) = offsets[row];
        let client = offset.client.as_deref();
        match column {
            0 => text(format!("{topic}-{}", offset.partition)).ranked(row as u64),
            1 => maybe(offset.committed),
            2 => maybe(offset.position),
            3 => number(offset.log_end),
            4 => maybe(offset.lag),
            5 => offset.lag_ms.map_or(text("-"), |ms| text(words::age(ms)).ranked(ms)),
            6 => text(client.map_or("-".to_owned(), |client| member_id(client).to_owned())),
            7 => text(client.map_or("-".to_owned(), |client| host(shot, client))),
            _ => text(client.unwrap_or("-").to_owned()),
        }
    };
    let member = |row: usize, column: usize| {
        let member = &group.members[row];
        match column {
            0 => text(member.client.clone()),
            1 => text(if member.member_id.is_empty() { "-".to_owned() } else { member.member_id.clone() }),
            2 => text(host(shot, &member.client)),
            3 => number(member.assignment.values().map(Vec::len).sum::<usize>() as u64),
            _ => text(member.assignment.iter().map(|(topic, list)| format!("{topic}({})", numbers(list))).collect::<Vec<_>>().join(", ")),
        }
    };
    let partition = |row: usize| Subject::Partition { topic: offsets[row].0.to_owned(), partition: offsets[row].1.partition };
    let protocol = format!(
        "{} · {} protocol · {}",
        group.state,
        group.protocol,
        if group.assignor.is_empty() { "no assignor yet" } else { &group.assignor }
    );
    html! {
        <>
            { back(page, "Consumer groups", DeskAct::Group(None)) }
            { head(page, &group.name, &["committed offset", "log end offset", "lag", "rebalance", "member"]) }
            <p key="about" class="place__note">{ protocol }</p>
            { grid(page, desk, &Grid {
                name: "offsets",
                caption: "Bookmarks",
                heads: &OFFSETS,
                rows: offsets.len(),
                cell: &cell,
                key: &|row| format!("{}-{}", offsets[row].0, offsets[row].1.partition),
                open: &|row| Some(Click::Inspect(Inspect::Subject(partition(row)))),
                selected: &|row| selected(ui) == Some(&partition(row)),
                below: &|_| None,
                none: "It reads no topic that is there.",
            }) }
            <h3 key="members" class="panel__head">{ "Members" }</h3>
            { grid(page, desk, &Grid {
                name: "members",
                caption: "Members",
                heads: &MEMBERS,
                rows: group.members.len(),
                cell: &member,
                key: &|row| group.members[row].client.clone(),
                open: &|row| Some(Click::Inspect(Inspect::Subject(Subject::Client(group.members[row].client.clone())))),
                selected: &|row| selected(ui) == Some(&Subject::Client(group.members[row].client.clone())),
                below: &|_| None,
                none: "Nobody is in it.",
            }) }
            // What only the selected group tells: who had what, and where a reset would put it.
            { if inspected { html! { <>{ handover(shot, group) }{ hands::hands(page, shot, group) }</> } } else { html! {
                <button key="plans" type="button" class="button place__more" onclick={page.on(Click::Inspect(Inspect::Subject(subject)))}>{ "Who read what, and reset offsets" }</button>
            } } }
        </>
    }
}

/// `0,1,2`, as Kafka's tool prints it.
fn numbers(list: &[u32]) -> String {
    list.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}
