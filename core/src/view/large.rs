//! What is told of a cluster with more partitions than anyone reads: numbers of all of them, records of those that are looked at.

use super::build::known_brokers;
use super::groups::Standing;
use super::{ClusterView, HopKind};
use crate::cluster::Cluster;
use crate::ids::{NodeId, TopicId, TopicPartition};
use crate::metadata::TopicImage;

/// Up to so many partitions of the user's topics everything is told.
pub const LARGE: usize = 64;
/// From so many on, offsets of groups are told only of what is looked at.
pub const VAST: usize = 2_000;

/// What one partition does, as counts since its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadView {
    pub log_end: u64,
    pub bytes: u64,
    /// Of the group that is furthest behind; what nobody reads has none.
    pub lag: u64,
}

/// Something that travelled and has arrived, where too many do to tell each of them in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mote {
    pub kind: HopKind,
    /// The how-manieth of all partitions of the user's topics, in the order of the view.
    pub partition: u32,
    /// The how-manieth broker: the leader, or whoever answered.
    pub broker: u32,
    /// The how-manieth client, or the broker that follows.
    pub other: u32,
    pub departed_us: u64,
    pub arrived_us: u64,
}

/// The user's topics in the order of the view.
fn topics(cluster: &Cluster) -> Vec<&TopicImage> {
    let mut topics: Vec<&TopicImage> = cluster.controller().image().topics().filter(|topic| !topic.internal).collect();
    crate::sorted::settle(&mut topics, |a, b| a.name < b.name);
    topics
}

/// Where each topic's partitions begin among all of them; `None` for topics that are not the user's.
pub(crate) fn bases(cluster: &Cluster) -> Vec<(TopicId, u32)> {
    let mut next = 0;
    let base = |topic: &TopicImage| {
        next += topic.partitions.len() as u32;
        (topic.id, next - topic.partitions.len() as u32)
    };
    topics(cluster).into_iter().map(base).collect()
}

/// The brokers of the view, in its order.
pub(crate) fn brokers(cluster: &Cluster) -> Vec<i32> {
    known_brokers(cluster).into_iter().map(|broker| broker.id.0).collect()
}

/// For each client's number its place among the clients of the view.
pub(crate) fn places(cluster: &Cluster) -> Vec<u32> {
    let all = cluster.producers().iter().map(|producer| producer.id).chain(cluster.consumers().iter().map(|consumer| consumer.id));
    let mut places = Vec::new();
    for (place, id) in all.filter(|id| !cluster.is_gone(NodeId::Client(*id))).enumerate() {
        let at = id.0 as usize;
        places.resize(places.len().max(at + 1), u32::MAX);
        places[at] = place as u32;
    }
    places
}

/// Partitions of the user's topics.
pub fn partitions(cluster: &Cluster) -> usize {
    cluster.controller().image().topics().filter(|topic| !topic.internal).map(|topic| topic.partitions.len()).sum()
}

impl ClusterView {
    /// As [`ClusterView::of`], with the records of these partitions alone.
    #[inline(never)]
    pub fn looking_at(cluster: &Cluster, sight: &[(String, u32)]) -> Self {
        Self::seen(cluster, Some((sight, partitions(cluster) > VAST)))
    }
}

/// Loads of all partitions of the user's topics, in the order of the view.
pub fn loads(cluster: &Cluster) -> Vec<LoadView> {
    let standings: Vec<Standing<'_>> = (0..cluster.scenario().groups.len() as u32).map(|group| Standing::of(cluster, group)).collect();
    let mut loads = Vec::new();
    for topic in topics(cluster) {
        let readers: Vec<&Standing<'_>> = standings.iter().filter(|standing| standing.topics().any(|read| read.id == topic.id)).collect();
        for partition in 0..topic.partitions.len() as u32 {
            let Some(replica) = cluster.speaker(TopicPartition { topic: topic.id, partition }) else {
                loads.push(LoadView::default());
                continue;
            };
            let behind =
                |standing: &&Standing<'_>| Some(replica.high_watermark.0.saturating_sub(standing.committed(topic, partition)?.offset.0));
            let lag = readers.iter().filter_map(behind).max().unwrap_or(0);
            loads.push(LoadView { log_end: replica.log.log_end().0, bytes: replica.log.bytes(), lag });
        }
    }
    loads
}
