//! A topic: its name and settings, and a row for each partition.

use crate::app::model::{Shared, Snapshot, Topic};
use crate::app::page::PageHandle;
use crate::app::stage::groups::letters;
use crate::app::stage::partition_row::{Bookmark, PartitionRow};
use crate::app::widgets::dots;
use crate::app::words;
use playground_core::view::{GroupView, Subject};
use yew::prelude::*;

pub fn topic_block(page: &PageHandle, shot: &Snapshot, topic: &Topic, selected: Option<&Subject>) -> Html {
    let name = &topic.head.name;
    html! {
        <section key={format!("topic-{name}")} class="topic" aria-label={format!("Topic {name}")} data-at={format!("topic:{name}")}>
            <div key="head" class="column-head">
                <h2 key="name" class="column-head__name column-head__name--mono">{ name.clone() }</h2>
                <p key="what" class="column-head__what">{ about(topic) }</p>
                { dots(page, name) }
            </div>
            <div key="rows" class="topic__rows">
                { for topic.partitions.iter().map(|partition| html! {
                    <PartitionRow key={partition.partition} page={page.clone()} topic={name.clone()} partition={partition.clone()}
                        shown_end={shot.shown_end(name, partition)} bookmarks={bookmarks(&shot.mirror.groups, name, partition.partition)}
                        keys={shot.keys.clone()} selected={chosen(selected, name, partition.partition)} />
                }) }
            </div>
        </section>
    }
}

/// Is the partition itself selected, or one of its records?
pub fn chosen(selected: Option<&Subject>, topic: &str, of: u32) -> Option<Option<u64>> {
    match selected {
        Some(Subject::Partition { topic: t, partition }) if t == topic && *partition == of => Some(None),
        Some(Subject::Record { topic: t, partition, offset }) if t == topic && *partition == of => Some(Some(*offset)),
        _ => None,
    }
}

fn about(topic: &Topic) -> String {
    let head = &topic.head;
    let mut parts =
        vec![words::plural(topic.partitions.len() as u64, "partition"), format!("replication factor {}", head.replication_factor)];
    parts.extend(head.config.iter().take(2).map(|(name, value)| format!("{name}={value}")));
    parts.join(" · ")
}

/// Where each group stands in one partition.
pub fn bookmarks(groups: &[Shared<GroupView>], topic: &str, partition: u32) -> Vec<Bookmark> {
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let letters = letters(&names);
    groups
        .iter()
        .enumerate()
        .filter_map(|(i, group)| {
            let offset = group.offsets.get(topic)?.iter().find(|offset| offset.partition == partition)?;
            let (letter, group) = (letters[i], group.name.clone().into());
            Some(Bookmark { nth: i as u8, letter, group, committed: offset.committed?, position: offset.position })
        })
        .collect()
}

/// Kafka's own topic in one line: that it exists, and which partition of it keeps which group's bookmarks.
pub fn internal_topic(page: &PageHandle, topic: &Topic, groups: &[Shared<GroupView>]) -> Html {
    let name = &topic.head.name;
    let keeps_offsets = name == "__consumer_offsets";
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let letters = letters(&names);
    html! {
        <section key={format!("internal-{name}")} class="internal" aria-label={format!("Internal topic {name}")}>
            <h2 key="name" class="internal__name">{ name.clone() }</h2>
            <span key="what" class="internal__what">{ about_internal(topic.partitions.len(), keeps_offsets) }</span>
            { for groups.iter().zip(letters).filter(|_| keeps_offsets).map(|(group, letter)| html! {
                <button key={group.name.clone()} type="button" class="button button--quiet internal__keeps"
                    onclick={page.on_select(Subject::Partition { topic: name.clone(), partition: group.offsets_partition })}
                    title={format!("Bookmarks of {} are records in {name}-{}", group.name, group.offsets_partition)}>
                    { format!("{letter} in P{}", group.offsets_partition) }
                </button>
            }) }
        </section>
    }
}

fn about_internal(partitions: usize, keeps_offsets: bool) -> String {
    let size = words::plural(partitions as u64, "partition");
    if keeps_offsets { format!("{size} · keeps bookmarks") } else { format!("{size} of Kafka's own") }
}
