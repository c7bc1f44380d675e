//! What a heat grid says in words: where one is, what a square stands for, what its shades and shapes mean.

use crate::app::model::Snapshot;
use crate::app::page::{Click, PageHandle};
use crate::app::stage::grid::{Health, Key, Spot, down};
use crate::app::ui_state::{Crumb, StageView, Zoom};
use crate::app::words;
use yew::prelude::*;

pub fn key_words(key: Key) -> &'static str {
    match key {
        Key::Records => "records/s",
        Key::Bytes => "bytes/s",
        Key::Lag => "lag",
        Key::State => "state alone",
    }
}

/// What the picture shows, in a sentence.
pub fn title(shot: &Snapshot, view: StageView, zoom: &Zoom) -> String {
    let topics = || shot.mirror.user_topics();
    let partitions: usize = topics().map(|topic| topic.partitions.len()).sum();
    let each = if view == StageView::Story { "topic" } else { "broker" };
    match zoom {
        Zoom::All => format!(
            "{} of {} on {}, a box for each {each}. Choose a box to look closer.",
            words::plural(partitions as u64, "partition"),
            words::plural(topics().count() as u64, "topic"),
            words::plural(shot.mirror.brokers.len() as u64, "broker"),
        ),
        Zoom::Box(Crumb::Broker(id)) => {
            let held = topics().flat_map(|topic| &topic.partitions).filter(|p| p.replicas.contains(id)).count();
            let led = topics().flat_map(|topic| &topic.partitions).filter(|p| p.leader == Some(*id)).count();
            format!("Broker {id} leads {led} and holds {}", words::plural(held as u64, "partition"))
        }
        Zoom::Box(Crumb::Topic(name)) => {
            let count = topics().find(|topic| topic.head.name == *name).map_or(0, |topic| topic.partitions.len());
            format!("Topic {name}: {}", words::plural(count as u64, "partition"))
        }
        Zoom::Box(Crumb::Leaderless) => "Partitions that nobody leads: nothing can be written or read".to_owned(),
        Zoom::Partition { topic, partition, .. } => format!("{} P{partition}", topic_name(shot, *topic)),
    }
}

pub fn topic_name(shot: &Snapshot, topic: usize) -> &str {
    shot.mirror.topics.get(topic).map_or("", |topic| topic.head.name.as_str())
}

pub fn partition_words(shot: &Snapshot, spot: Spot) -> Option<String> {
    let topic = shot.mirror.topics.get(spot.topic)?;
    let partition = topic.partitions.get(spot.partition)?;
    let load = shot.loads.get(spot.number).copied().unwrap_or_default();
    let leader = partition.leader.map_or("no leader".to_owned(), |id| format!("leader {id}"));
    let state = match Health::of(&down(shot), partition) {
        Health::Well => "",
        Health::Under => " · out of sync",
        Health::Offline => " · offline",
    };
    Some(format!(
        "{} P{} · {leader} · in sync {} of {}{state} · {} records/s · {}/s · lag {}",
        topic.head.name,
        partition.partition,
        partition.isr.len(),
        partition.replicas.len(),
        words::count(load.records),
        words::bytes(load.bytes),
        words::count(load.lag),
    ))
}

/// The way back.
pub fn crumbs(page: &PageHandle, shot: &Snapshot, view: StageView, zoom: &Zoom) -> Html {
    let all = if view == StageView::Story { "All topics" } else { "All brokers" };
    let mut steps = vec![(all.to_owned(), Zoom::All)];
    let within = match zoom {
        Zoom::All => None,
        Zoom::Box(crumb) | Zoom::Partition { within: crumb, .. } => Some(crumb),
    };
    steps.extend(within.map(|crumb| (crumb.long_name(), Zoom::Box(crumb.clone()))));
    if let Zoom::Partition { topic, partition, .. } = zoom {
        steps.push((format!("{} P{partition}", topic_name(shot, *topic)), zoom.clone()));
    }
    let last = steps.len() - 1;
    html! {
        <nav key="crumbs" class="crumbs" aria-label="Zoom">
            { for steps.into_iter().enumerate().map(|(i, (name, to))| html! {
                <button key={i} type="button" class="crumbs__one" title={name.clone()} aria-current={(i == last).then_some("location")} disabled={i == last} onclick={page.on(Click::Zoom(to))}>{ name }</button>
            }) }
        </nav>
    }
}

pub fn legend(shot: &Snapshot, key: Key) -> Html {
    let all = || shot.mirror.user_topics().flat_map(|topic| &topic.partitions);
    let (mut under, mut offline, down) = (0, 0, down(shot));
    all().for_each(|partition| match Health::of(&down, partition) {
        Health::Well => (),
        Health::Under => under += 1,
        Health::Offline => offline += 1,
    });
    let steps: [&str; 6] = match key {
        Key::Bytes => ["0", "<1 KB", "<10 KB", "<100 KB", "<1 MB", "more"],
        _ => ["0", "<10", "<100", "<1,000", "<10,000", "more"],
    };
    let shades = steps.into_iter().enumerate().map(|(i, step)| {
        html! { <li key={i}><i class={format!("shade shade--{i}")} aria-hidden="true"></i>{ step }</li> }
    });
    let crowd = format!(
        "{} arrivals a second; each of {} dots is one under way",
        words::count(shot.crowd.unwrap_or(0)),
        words::count(shot.dots as u64)
    );
    html! {
        <ul key="legend" class="shades" aria-label="What squares mean">
            <li key="crowd" class="shades__crowd" hidden={shot.crowd.is_none()}>{ crowd }</li>
            { for shades.filter(|_| key != Key::State) }
            <li key="well"><i class="shade shade--3" aria-hidden="true"></i>{ "all in sync" }</li>
            <li key="under"><i class="shade shade--under" aria-hidden="true"></i>{ format!("a copy out of sync: {}", words::count(under)) }</li>
            <li key="offline"><i class="shade shade--offline" aria-hidden="true">{ "✕" }</i>{ format!("no live leader: {}", words::count(offline)) }</li>
        </ul>
    }
}
