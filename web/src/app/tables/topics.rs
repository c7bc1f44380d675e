//! Topics in a row each; of one its partitions, messages, groups and settings.

use crate::app::model::{Snapshot, Topic};
use crate::app::page::{Click, PageHandle};
use crate::app::tables::desk::{Desk, DeskAct, Tab, selected};
use crate::app::tables::grid::{Cell, Grid, Head, bytes, grid, ids, maybe, number, text};
use crate::app::tables::{back, configs, head, messages, tabs};
use crate::app::ui_state::{Act, Inspect, UiState};
use crate::app::words;
use playground_core::view::ask::Entity;
use playground_core::view::{GroupView, PartitionView, Subject};
use yew::prelude::*;

const HEADS: [Head; 8] = [
    Head("TOPIC", false),
    Head("PARTITIONS", true),
    Head("REPLICATION FACTOR", true),
    Head("URP", true),
    Head("CLEANUP POLICY", false),
    Head("MESSAGES", true),
    Head("SIZE", true),
    Head("GROUPS (LAG)", false),
];

const PARTITIONS: [Head; 10] = [
    Head("PARTITION", true),
    Head("LEADER", true),
    Head("REPLICAS", false),
    Head("ISR", false),
    Head("ELR", false),
    Head("LOW WATERMARK", true),
    Head("HIGH WATERMARK", true),
    Head("LOG END", true),
    Head("SIZE", true),
    Head("LEADER EPOCH", true),
];

const GROUPS: [Head; 5] =
    [Head("GROUP", false), Head("STATE", false), Head("MEMBERS", true), Head("PARTITIONS READ", true), Head("LAG", true)];

const TABS: [(Tab, &str); 4] =
    [(Tab::Partitions, "Partitions"), (Tab::Messages, "Messages"), (Tab::Groups, "Groups"), (Tab::Configs, "Configs")];

pub fn topics(page: &PageHandle, shot: &Snapshot, ui: &UiState, desk: &Desk) -> Html {
    let topic = desk.topic.as_ref().and_then(|name| shot.mirror.topics.iter().find(|topic| topic.head.name == *name));
    match topic {
        Some(topic) => one(page, shot, ui, desk, topic),
        None => all(page, shot, ui, desk),
    }
}

/// Of its readers; of one that has committed nothing the lag is not known.
fn lag_in(group: &GroupView, topic: &str) -> Option<u64> {
    let offsets = group.offsets.get(topic)?;
    offsets.iter().filter_map(|offset| offset.lag).reduce(|a, b| a + b)
}

fn readers<'a>(shot: &'a Snapshot, topic: &'a str) -> impl Iterator<Item = &'a GroupView> {
    shot.mirror.groups.iter().map(|group| &**group).filter(move |group| group.offsets.contains_key(topic))
}

fn under_replicated(partition: &PartitionView) -> bool {
    partition.isr.len() < partition.replicas.len()
}

fn all(page: &PageHandle, shot: &Snapshot, ui: &UiState, desk: &Desk) -> Html {
    let topics = &shot.mirror.topics;
    let sum = |topic: &Topic, of: fn(&PartitionView) -> u64| topic.partitions.iter().map(|p| of(p)).sum::<u64>();
    let cell = |row: usize, column: usize| {
        let topic = &topics[row];
        match column {
            0 => text(topic.head.name.clone()),
            1 => number(topic.partitions.len() as u64),
            2 => number(u64::from(topic.head.replication_factor)),
            3 => {
                let urp = sum(topic, |p| u64::from(under_replicated(p)));
                number(urp).bad(urp > 0)
            }
            4 => text(topic.head.config.get("cleanup.policy").map_or("delete", String::as_str).to_owned()),
            5 => number(sum(topic, |p| p.high_watermark.saturating_sub(p.log_start))),
            6 => bytes(sum(topic, |p| p.bytes)),
            _ => with_lag(shot, &topic.head.name),
        }
    };
    let has = |row: usize| matches!(selected(ui), Some(Subject::Partition { topic, .. } | Subject::Record { topic, .. }) if *topic == topics[row].head.name);
    html! {
        <>
            { head(page, "Topics", &["topic", "partition", "replication factor", "URP", "cleanup policy", "lag"]) }
            { grid(page, desk, &Grid {
                name: "topics",
                caption: "All topics",
                heads: &HEADS,
                rows: topics.len(),
                cell: &cell,
                key: &|row| topics[row].head.name.clone(),
                open: &|row| Some(Click::Act(Act::Desk(DeskAct::Topic(Some(topics[row].head.name.clone()))))),
                selected: &has,
                below: &|_| None,
                none: "There is no topic yet.",
            }) }
        </>
    }
}

fn with_lag(shot: &Snapshot, topic: &str) -> Cell {
    let one = |group: &GroupView| format!("{} ({})", group.name, lag_in(group, topic).map_or("-".to_owned(), words::count));
    let all: Vec<String> = readers(shot, topic).map(one).collect();
    let lag = readers(shot, topic).filter_map(|group| lag_in(group, topic)).sum();
    text(if all.is_empty() { "-".to_owned() } else { all.join(", ") }).ranked(lag)
}

fn one(page: &PageHandle, shot: &Snapshot, ui: &UiState, desk: &Desk, topic: &Topic) -> Html {
    let name = &topic.head.name;
    let words: &[&'static str] = match desk.tab {
        Tab::Partitions => &["partition", "leader", "replica", "ISR", "ELR", "high watermark", "log end offset", "leader epoch"],
        Tab::Messages => &["record", "key", "offset", "timestamp", "batch", "producer ID", "CRC"],
        Tab::Groups => &["consumer group", "lag", "committed offset"],
        Tab::Configs => &[],
    };
    html! {
        <>
            { back(page, "Topics", DeskAct::Topic(None)) }
            { head(page, name, words) }
            { tabs(page, "View of the topic", &TABS, desk.tab, DeskAct::Tab) }
            { match desk.tab {
                Tab::Partitions => partitions(page, ui, desk, topic),
                Tab::Messages => messages::messages(page, shot, ui, desk, topic),
                Tab::Groups => groups(page, shot, ui, desk, name),
                Tab::Configs => configs::configs(page, shot, desk, &Entity::Topic(name.clone())),
            } }
        </>
    }
}

fn partitions(page: &PageHandle, ui: &UiState, desk: &Desk, topic: &Topic) -> Html {
    let all = &topic.partitions;
    let cell = |row: usize, column: usize| {
        let p = &*all[row];
        match column {
            0 => text(p.partition.to_string()).ranked(u64::from(p.partition)),
            1 => p.leader.map_or(text("none").bad(true), |id| text(id.to_string()).ranked(id as u64)),
            2 => ids(&p.replicas),
            3 => ids(&p.isr).bad(under_replicated(p)),
            4 => {
                if p.elr.is_empty() {
                    text("-")
                } else {
                    ids(&p.elr)
                }
            }
            5 => number(p.log_start),
            6 => number(p.high_watermark),
            7 => number(p.log_end),
            8 => bytes(p.bytes),
            _ => number(p.leader_epoch.max(0) as u64),
        }
    };
    let subject = |row: usize| Subject::Partition { topic: topic.head.name.clone(), partition: row as u32 };
    let has = |row: usize| match selected(ui) {
        Some(Subject::Record { topic: name, partition, .. } | Subject::Partition { topic: name, partition }) => {
            *partition == row as u32 && *name == topic.head.name
        }
        _ => false,
    };
    grid(
        page,
        desk,
        &Grid {
            name: "partitions",
            caption: "Partitions",
            heads: &PARTITIONS,
            rows: all.len(),
            cell: &cell,
            key: &|row| row.to_string(),
            open: &|row| Some(Click::Inspect(Inspect::Subject(subject(row)))),
            selected: &has,
            below: &|_| None,
            none: "This topic has no partition.",
        },
    )
}

fn groups(page: &PageHandle, shot: &Snapshot, ui: &UiState, desk: &Desk, topic: &str) -> Html {
    let all: Vec<&GroupView> = readers(shot, topic).collect();
    let cell = |row: usize, column: usize| {
        let group = all[row];
        let owned = || group.offsets.get(topic).into_iter().flatten().filter(|offset| offset.client.is_some()).count() as u64;
        match column {
            0 => text(group.name.clone()),
            1 => text(group.state.clone()),
            2 => number(group.members.len() as u64),
            3 => number(owned()),
            _ => maybe(lag_in(group, topic)),
        }
    };
    grid(
        page,
        desk,
        &Grid {
            name: "topic-groups",
            caption: "Consumer groups of this topic",
            heads: &GROUPS,
            rows: all.len(),
            cell: &cell,
            key: &|row| all[row].name.clone(),
            open: &|row| Some(Click::Act(Act::Desk(DeskAct::Group(Some(all[row].name.clone()))))),
            selected: &|row| selected(ui) == Some(&Subject::Group(all[row].name.clone())),
            below: &|_| None,
            none: "No group reads this topic.",
        },
    )
}
