//! The cluster in one look: is everything there, how much is there, how fast does it go.

use crate::app::model::{Snapshot, lag};
use crate::app::page::PageHandle;
use crate::app::tables::head;
use crate::app::widgets::{Rows, facts};
use crate::app::words;
use playground_core::cluster::series::Metric;
use playground_core::scenario::limits;
use playground_core::view::ask::Answer;
use playground_core::view::{BrokerState, PartitionView, SeriesView};
use yew::prelude::*;

/// Rates are those of the last while, in virtual microseconds.
const WHILE_US: u64 = 5_000_000;

/// Of what is counted: so many a second of late. `None` while nothing is known.
pub fn rate(series: &SeriesView, metric: Metric) -> Option<u64> {
    let column = &series.columns[metric as usize];
    let last = series.at_us.len().checked_sub(1)?;
    let now = series.at_us[last];
    let first = series.at_us.iter().rposition(|at| at + WHILE_US <= now).unwrap_or(0);
    let took = now - series.at_us[first];
    (column[last].saturating_sub(column[first]) * 1_000_000 + took / 2).checked_div(took)
}

/// How many partitions are so.
fn count(shot: &Snapshot, is: impl Fn(&PartitionView, u32) -> bool) -> u64 {
    let topics = shot.mirror.topics.iter();
    let min = |config: &playground_core::sorted::SortedMap<String, String>| {
        config.get("min.insync.replicas").and_then(|min| min.parse().ok()).unwrap_or(1)
    };
    topics.map(|topic| topic.partitions.iter().filter(|p| is(p, min(&topic.head.config))).count() as u64).sum()
}

pub fn overview(page: &PageHandle, shot: &Snapshot) -> Html {
    let mirror = &shot.mirror;
    let online = mirror.brokers.iter().filter(|broker| broker.state == BrokerState::Running).count();
    let controllers = &mirror.controllers;
    let controller = controllers.leader.map_or("none".to_owned(), |id| format!("{id}, epoch {}", controllers.epoch));
    let partitions: usize = mirror.topics.iter().map(|topic| topic.partitions.len()).sum();
    let own = mirror.user_topics().count();
    let series = shot.answer.as_deref().and_then(|answer| if let Answer::Series(series) = answer { Some(series) } else { None });
    let per_second = |metric, of: fn(u64) -> String| {
        let rate = series.and_then(|series| rate(series, metric));
        AttrValue::from(rate.map_or("-".to_owned(), |rate| format!("{} a second", of(rate))))
    };
    let at = |n: u64| AttrValue::from(words::count(n));
    let kraft = if controllers.zookeeper { "ZooKeeper" } else { "KRaft" };
    let cluster: Rows = vec![
        ("Version".into(), format!("Kafka {}, {kraft}", mirror.kafka).into()),
        ("Brokers online".into(), format!("{online} of {}", mirror.brokers.len()).into()),
        ("Active controller".into(), controller.into()),
        ("Topics".into(), format!("{own}, and {} of Kafka's own", mirror.topics.len() - own).into()),
        ("Partitions".into(), at(partitions as u64)),
        ("Replicas".into(), at(mirror.brokers.iter().map(|broker| u64::from(broker.replicas)).sum())),
        ("Consumer groups".into(), at(mirror.groups.len() as u64)),
        ("Storage size, all replicas".into(), words::bytes(mirror.brokers.iter().map(|broker| broker.log_bytes).sum()).into()),
    ];
    let health: Rows = vec![
        ("UnderReplicatedPartitions (URP)".into(), at(count(shot, |p, _| p.isr.len() < p.replicas.len()))),
        ("UnderMinIsrPartitionCount".into(), at(count(shot, |p, min| (p.isr.len() as u32) < min))),
        ("OfflinePartitionsCount".into(), at(count(shot, |p, _| p.leader.is_none()))),
        ("Faults in force".into(), at(mirror.in_force.len() as u64)),
        ("Acknowledged and lost".into(), at(mirror.ledger.acked_lost_total)),
    ];
    let flow: Rows = vec![
        ("MessagesInPerSec".into(), per_second(Metric::MessagesIn, words::count)),
        ("BytesInPerSec".into(), per_second(Metric::BytesIn, words::bytes)),
        ("records-consumed-rate".into(), per_second(Metric::MessagesOut, words::count)),
        ("BytesOutPerSec".into(), per_second(Metric::BytesOut, words::bytes)),
        ("Lag of all groups".into(), words::plural(mirror.groups.iter().map(|group| lag(group)).sum(), "record").into()),
    ];
    let most = |n: usize, most: u64| AttrValue::from(format!("{} of {}", words::count(n as u64), words::count(most)));
    let own_partitions = mirror.user_topics().map(|topic| topic.partitions.len()).sum();
    let copies = mirror.user_topics().flat_map(|topic| &topic.partitions).map(|partition| partition.replicas.len()).sum();
    let limits: Rows = vec![
        ("Brokers".into(), most(mirror.brokers.len(), limits::BROKERS.into())),
        ("Controllers".into(), most(controllers.voters.len(), limits::CONTROLLERS.into())),
        ("Topics".into(), most(own, limits::TOPICS as u64)),
        ("Partitions".into(), most(own_partitions, limits::PARTITIONS.into())),
        ("Replicas".into(), most(copies, limits::REPLICAS)),
        ("Producers and group members".into(), most(mirror.clients.len(), limits::CLIENTS.into())),
        ("Consumer groups".into(), most(mirror.groups.len(), limits::GROUPS as u64)),
        ("Records a second, of one client".into(), at(limits::RATE)),
        ("A run".into(), format!("{} days", limits::RUN.millis() / 86_400_000).into()),
        ("A scenario file".into(), format!("{} MiB", limits::FILE >> 20).into()),
        ("A link".into(), words::plural(limits::LINK as u64, "character").into()),
        ("Memory before the run pauses".into(), format!("{} MiB", limits::MEMORY >> 20).into()),
    ];
    let card = |name: &'static str, rows| html! { <section key={name} class="overview__card"><h3 class="panel__head">{ name }</h3>{ facts(rows) }</section> };
    html! {
        <>
            { head(page, "Overview", &["broker", "controller", "partition", "replica", "URP", "lag"]) }
            <div key="cards" class="overview">
                { card("Cluster", cluster) }
                { card("Health", health) }
                { card("Flow, over the last 5 s", flow) }
                { card("Limits", limits) }
            </div>
        </>
    }
}
