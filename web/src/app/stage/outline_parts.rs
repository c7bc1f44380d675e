//! What an outline holds below its first level, and its keys.

use crate::app::model::{Mirror, Topic};
use crate::app::page::PageHandle;
use crate::app::stage::outline::{Item, Outline};
use crate::app::ui_state::Act;
use crate::app::words;
use crate::bridge::ToWorker;
use playground_core::view::{GroupOffsetView, PartitionView, Subject};
use yew::prelude::*;

/// More lines than this in one place come in pages.
const PAGE: usize = 50;

/// Adds what the last line holds, as far as it is open.
#[inline(never)]
pub fn of(mirror: &Mirror, outline: &Outline, items: &mut Vec<Item>) {
    let Some(id) = items.last().map(|item| item.id.clone()) else { return };
    let Some((kind, name)) = id.split_once(':') else { return };
    let topics = || mirror.user_topics();
    match kind {
        "topic" => {
            if let Some(topic) = topics().find(|topic| topic.head.name == name) {
                let lines =
                    topic.partitions.iter().map(|partition| (partition_item(&id, topic, partition, None), Some((topic, &**partition))));
                paged(outline, items, &id, lines.collect());
            }
        }
        "broker" => {
            let broker: i32 = name.parse().unwrap_or(-1);
            let held = topics().flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)));
            let lines = held.filter(|(_, partition)| partition.replicas.contains(&broker));
            let lines = lines.map(|(topic, partition)| (partition_item(&id, topic, partition, Some(broker)), Some((topic, &**partition))));
            paged(outline, items, &id, lines.collect());
        }
        _ => {
            let group = mirror.groups.iter().find(|group| group.name == name);
            let offsets = group.into_iter().flat_map(|group| &group.offsets);
            let lines = offsets.flat_map(|(topic, offsets)| offsets.iter().map(|offset| (bookmark_item(&id, topic, offset), None)));
            paged(outline, items, &id, lines.collect());
        }
    }
}

type Lines<'m> = Vec<(Item, Option<(&'m Topic, &'m PartitionView)>)>;

fn paged(outline: &Outline, items: &mut Vec<Item>, id: &str, lines: Lines<'_>) {
    let pages = lines.len() > PAGE;
    let count = lines.len();
    for (i, (mut line, partition)) in lines.into_iter().enumerate() {
        let page = format!("{id}/from {}", i / PAGE * PAGE);
        let open = !pages || outline.open.contains(&page);
        if pages && i % PAGE == 0 {
            let text = format!("Partitions {} to {} of {count}", i + 1, (i + PAGE).min(count));
            items.push(Item { id: page, level: 2, text, open: Some(open), subject: None });
        }
        if !open {
            continue;
        }
        line.level += u8::from(pages);
        let (level, id) = (line.level, line.id.clone());
        line.open = partition.map(|_| outline.open.contains(&id));
        let records = line.open == Some(true);
        items.push(line);
        if let (true, Some((topic, partition))) = (records, partition) {
            items.extend(record_items(&id, level + 1, topic, partition));
        }
    }
}

fn listed(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

/// In the words of `kafka-topics.sh --describe`; of a broker's copy, how far it is.
fn partition_item(of: &str, topic: &Topic, partition: &PartitionView, broker: Option<i32>) -> Item {
    let name = format!("{}-{}", topic.head.name, partition.partition);
    let copy = broker.and_then(|id| partition.copies.iter().find(|copy| copy.broker == id));
    let text = match copy {
        Some(copy) => {
            let role = match () {
                () if !copy.online => "offline",
                () if partition.leader == broker => "leader",
                () if copy.in_sync => "follower, in sync",
                () => "follower, out of sync",
            };
            format!("{name}: {role}, log end {}, high watermark {}", copy.log_end, copy.high_watermark)
        }
        None => format!(
            "{name}: Leader {}, Replicas {}, Isr {}, log end {}, high watermark {}",
            partition.leader.map_or("none".to_owned(), |id| id.to_string()),
            listed(&partition.replicas),
            listed(&partition.isr),
            partition.log_end,
            partition.high_watermark,
        ),
    };
    let subject = Subject::Partition { topic: topic.head.name.clone(), partition: partition.partition };
    Item { id: format!("{of}/{name}"), level: 2, text, open: None, subject: Some(subject) }
}

/// The newest records, newest first.
fn record_items(of: &str, level: u8, topic: &Topic, partition: &PartitionView) -> Vec<Item> {
    let item = |cell: &playground_core::view::CellView| {
        let key = cell.key.as_deref().map_or("no key".to_owned(), |key| format!("key {key}"));
        let promise = if cell.offset >= partition.high_watermark { ", not committed yet" } else { "" };
        let subject = Subject::Record { topic: topic.head.name.clone(), partition: partition.partition, offset: cell.offset };
        Item {
            id: format!("{of}@{}", cell.offset),
            level,
            text: format!("Offset {}, {key}{promise}", cell.offset),
            open: None,
            subject: Some(subject),
        }
    };
    let records: Vec<Item> = partition.tail.iter().rev().map(item).collect();
    let none = Item { id: format!("{of}@none"), level, text: "No record to read".to_owned(), open: None, subject: None };
    if records.is_empty() { vec![none] } else { records }
}

fn bookmark_item(of: &str, topic: &str, offset: &GroupOffsetView) -> Item {
    let name = format!("{topic}-{}", offset.partition);
    let committed = offset.committed.map_or("nothing committed".to_owned(), |committed| format!("committed offset {committed}"));
    let lag = offset.lag.map_or(String::new(), |lag| format!(", lag {}", words::count(lag)));
    let reader = offset.client.as_ref().map_or(", read by nobody".to_owned(), |client| format!(", read by {client}"));
    let subject = Subject::Partition { topic: topic.to_owned(), partition: offset.partition };
    Item { id: format!("{of}/{name}"), level: 2, text: format!("{name}: {committed}{lag}{reader}"), open: None, subject: Some(subject) }
}

/// The keys of a tree: up and down, right into it, left out of it, Enter to choose.
#[inline(never)]
pub fn pressed(page: &PageHandle, outline: &Outline, event: &KeyboardEvent) {
    let items = page.outlined(outline);
    let mut outline = outline.clone();
    let at = outline.at.min(items.len().saturating_sub(1));
    let Some(item) = items.get(at) else { return };
    let parent = || items[..at].iter().rposition(|other| other.level < item.level).unwrap_or(at);
    outline.at = match (event.key().as_str(), item.open) {
        ("ArrowDown", _) => (at + 1).min(items.len() - 1),
        ("ArrowUp", _) => at.saturating_sub(1),
        ("Home", _) => 0,
        ("End", _) => items.len() - 1,
        ("ArrowRight", Some(false)) => {
            outline.open.push(item.id.clone());
            // Of a large cluster the records are told when somebody looks.
            if let Some(Subject::Partition { topic, partition }) = &item.subject {
                page.send(ToWorker::Sight(vec![(topic.clone(), *partition)]));
            }
            at
        }
        ("ArrowRight", Some(true)) => at + 1,
        ("ArrowLeft", Some(true)) => {
            outline.open.retain(|open| *open != item.id);
            at
        }
        ("ArrowLeft", _) => parent(),
        ("Enter" | " ", _) => {
            item.subject.iter().for_each(|subject| page.select(subject.clone()));
            at
        }
        ("ArrowRight", None) => at,
        _ => return,
    };
    event.prevent_default();
    event.stop_propagation();
    let line = gloo::utils::document().get_element_by_id(&format!("outline-{}", outline.at));
    line.iter().for_each(|line| line.scroll_into_view_with_bool(false));
    page.act(Act::Outline(outline));
}
