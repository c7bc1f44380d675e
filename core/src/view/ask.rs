//! What the page asks of a run beyond the view of everything: records as a browser of messages shows them, settings with their
//! defaults, and how the run went so far. Answered from the cluster when somebody looks, never kept.

mod browse;
mod configs;

use super::SeriesView;
use crate::cluster::Cluster;
use crate::cluster::series::{Metric, Point};
use crate::wire_enums;
use crate::wire_structs;

/// What a place of the page is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    Messages(Browse),
    Configs(Entity),
    Series,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Messages(Messages),
    Configs(Vec<ConfigView>),
    Series(SeriesView),
}

/// Which records of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Browse {
    pub topic: String,
    /// `None`: all of them.
    pub partition: Option<u32>,
    pub start: Start,
    /// Rows at most.
    pub limit: u32,
    /// Texts that key, value, or a header (`name=value`) must hold; empty: any.
    pub key: String,
    pub value: String,
    pub header: String,
    /// Asked again as the run goes on.
    pub live: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Newest first.
    #[default]
    Newest,
    Beginning,
    Offset(u64),
    /// Milliseconds since 1970: from the first record that is not older.
    Time(i64),
}

/// Committed records, as a consumer would be given them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Messages {
    /// What these are an answer to.
    pub of: Browse,
    pub rows: Vec<MessageView>,
    /// Records that were looked at for them.
    pub scanned: u64,
    /// There are more, or might be: the limit, or what is looked at in one go, came first.
    pub more: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageView {
    pub partition: u32,
    pub offset: u64,
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    pub key: Option<String>,
    pub value: Option<String>,
    pub headers: Vec<(String, Option<String>)>,
    /// Bytes of key and value.
    pub key_bytes: u32,
    pub value_bytes: u32,
    pub batch: BatchView,
}

/// The record batch a record lies in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchView {
    pub base_offset: u64,
    pub records: u32,
    pub bytes: u32,
    /// −1 without idempotence, as the batch's own bytes have it; so are the next two.
    pub producer_id: i64,
    pub producer_epoch: i32,
    pub base_sequence: i32,
    pub leader_epoch: i32,
    pub crc: u32,
    /// Stamped by the broker (`LogAppendTime`), not by the producer.
    pub append_time: bool,
    /// Brokers whose log holds it.
    pub copies: Vec<i32>,
}

/// Whose settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entity {
    Topic(String),
    Broker(i32),
    /// A producer or a member of a group, by its name.
    Client(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigView {
    /// `topic`, `broker`, `producer` or `consumer`: the same name may mean different things.
    pub scope: String,
    pub key: String,
    pub value: String,
    pub default: String,
    /// `ms`, `s`, `bytes`, or empty.
    pub unit: String,
    pub kafka_type: String,
    pub valid: String,
    pub source: Source,
}

/// Where a value comes from (`ConfigEntry.ConfigSource`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    #[default]
    Default,
    /// Given when the process was started.
    Static,
    /// Given for the topic; `kafka-configs.sh --alter` changes it while everything runs.
    Dynamic,
}

wire_structs! {
    SeriesView { tick_us, at_us, columns, lags }
    Browse { topic, partition, start, limit, key, value, header, live }
    Messages { of, rows, scanned, more }
    MessageView { partition, offset, timestamp_ms, key, value, headers, key_bytes, value_bytes, batch }
    BatchView { base_offset, records, bytes, producer_id, producer_epoch, base_sequence, leader_epoch, crc, append_time, copies }
    ConfigView { scope, key, value, default, unit, kafka_type, valid, source }
}

wire_enums! {
    Question else Question::Series => { 0 Messages(browse), 1 Configs(entity), 2 Series }
    Answer else Answer::Configs(Vec::new()) => { 0 Messages(messages), 1 Configs(rows), 2 Series(series) }
    Start else Start::Newest => { 0 Newest, 1 Beginning, 2 Offset(offset), 3 Time(at) }
    Entity else Entity::Broker(0) => { 0 Topic(name), 1 Broker(id), 2 Client(name) }
    Source else Source::Default => { 0 Default, 1 Static, 2 Dynamic }
}

impl Question {
    /// Is it asked again and again while the run goes on?
    pub fn live(&self) -> bool {
        !matches!(self, Question::Messages(Browse { live: false, .. }))
    }
}

/// `None` when what is asked about is not there.
#[inline(never)]
pub fn answer(cluster: &Cluster, question: &Question) -> Option<Answer> {
    match question {
        Question::Messages(browse) => browse::browse(cluster, browse).map(Answer::Messages),
        Question::Configs(entity) => configs::configs(cluster, entity).map(Answer::Configs),
        Question::Series => Some(Answer::Series(SeriesView::of(cluster))),
    }
}

impl SeriesView {
    fn of(cluster: &Cluster) -> Self {
        let (series, now) = (cluster.series(), Point { at: cluster.now(), values: cluster.measured() });
        let points: Vec<&Point> = series.points().filter(|point| point.at < now.at).chain([&now]).collect();
        let column = |place: usize| points.iter().map(|point| point.values.get(place).copied().unwrap_or(0)).collect();
        let groups = cluster.scenario().groups.iter().enumerate();
        SeriesView {
            tick_us: series.tick().micros(),
            at_us: points.iter().map(|point| point.at.micros()).collect(),
            columns: (0..Metric::COUNT).map(column).collect(),
            lags: groups.map(|(place, group)| (group.name.clone(), column(Metric::COUNT + place))).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
