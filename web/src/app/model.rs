//! The page's mirror of the cluster: changed by the worker's messages only, never by a click.
//!
//! Every item is shared by `Rc`, so a panel whose items did not change is not rendered again. What the eye may see of it
//! at an instant is a [`Snapshot`].

use crate::app::keys::Keys;
use crate::app::stage::map::Tracks;
use crate::app::stage::staging::{Staging, Window};
use crate::bridge::{Frame, Playback, SaveState, Storage};
use playground_core::view::delta::{ListDelta, ViewDelta};
use playground_core::view::{BrokerView, ClientView, ControllersView, Detail, EventView, GroupView, LedgerView, PartitionView, TopicView};
use std::collections::VecDeque;
use std::ops::Deref;
use std::rc::Rc;

/// Events the page remembers.
pub const EVENTS: usize = 2_000;

/// A shared value that equals another only when it is the same one: comparing costs nothing.
#[derive(Debug, Default)]
pub struct Shared<T>(Rc<T>);

impl<T> Shared<T> {
    pub fn new(value: T) -> Self {
        Shared(Rc::new(value))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(Rc::clone(&self.0))
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A topic without its partitions in `head`, and the partitions beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    pub head: Shared<TopicView>,
    pub partitions: Vec<Shared<PartitionView>>,
}

/// The cluster as last told.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    pub kafka: String,
    pub title: String,
    pub seed: u64,
    pub now_us: u64,
    pub step: u64,
    pub brokers: Vec<Shared<BrokerView>>,
    pub controllers: Shared<ControllersView>,
    pub topics: Vec<Topic>,
    pub groups: Vec<Shared<GroupView>>,
    pub clients: Vec<Shared<ClientView>>,
    pub ledger: Shared<LedgerView>,
    pub in_force: Vec<(String, String)>,
    pub violations: Vec<String>,
}

fn apply<T>(list: &mut Vec<Shared<T>>, delta: ListDelta<T>) {
    list.truncate(delta.len as usize);
    for (i, item) in delta.changed {
        match list.get_mut(i as usize) {
            Some(slot) => *slot = Shared::new(item),
            None => list.push(Shared::new(item)),
        }
    }
}

fn apply_topics(topics: &mut Vec<Topic>, delta: ListDelta<TopicView>) {
    topics.truncate(delta.len as usize);
    for (i, head) in delta.changed {
        let topic = Topic { head: Shared::new(head), partitions: Vec::new() };
        match topics.get_mut(i as usize) {
            Some(slot) => *slot = topic,
            None => topics.push(topic),
        }
    }
}

impl Mirror {
    pub fn apply(&mut self, delta: ViewDelta) {
        if let Some(kafka) = delta.kafka {
            self.kafka = kafka;
        }
        if let Some(title) = delta.title {
            self.title = title;
        }
        self.seed = delta.seed.unwrap_or(self.seed);
        self.now_us = delta.now_us;
        self.step = delta.step;
        apply(&mut self.brokers, delta.brokers);
        if let Some(controllers) = delta.controllers {
            self.controllers = Shared::new(controllers);
        }
        apply_topics(&mut self.topics, delta.topics);
        for (i, partitions) in delta.partitions {
            if let Some(topic) = self.topics.get_mut(i as usize) {
                apply(&mut topic.partitions, partitions);
            }
        }
        apply(&mut self.groups, delta.groups);
        apply(&mut self.clients, delta.clients);
        if let Some(ledger) = delta.ledger {
            self.ledger = Shared::new(ledger);
        }
        if let Some(in_force) = delta.in_force {
            self.in_force = in_force;
        }
        if let Some(violations) = delta.violations {
            self.violations = violations;
        }
    }

    pub fn partition(&self, topic: &str, partition: u32) -> Option<&Shared<PartitionView>> {
        self.topics.iter().find(|t| t.head.name == topic)?.partitions.get(partition as usize)
    }

    /// Topics of the user's own, in order.
    pub fn user_topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.iter().filter(|topic| !topic.head.internal)
    }

    /// Partitions of the user's topics this broker leads, and how many there are.
    pub fn leads(&self, broker: i32) -> (usize, usize) {
        let all = || self.user_topics().flat_map(|topic| &topic.partitions);
        (all().filter(|p| p.leader == Some(broker)).count(), all().count())
    }
}

/// Whether the run is kept, and where.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Keeping {
    /// Nothing heard yet.
    #[default]
    Unknown,
    /// A run that was only opened to look at it.
    Preview,
    /// The cut at this virtual time is safe, since this wall time in milliseconds.
    Saved {
        now_us: u64,
        wall: f64,
    },
    NotSaved(String),
}

/// Everything the panels show, at one instant.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub mirror: Mirror,
    pub events: Shared<Vec<Shared<EventView>>>,
    pub keys: Shared<Keys>,
    pub tracks: Shared<Tracks>,
    pub lags: Shared<Lags>,
    pub detail: Option<Shared<Detail>>,
    pub playback: Option<Playback>,
    pub keeping: Keeping,
    /// State digest of exactly this moment; told while the run stands still.
    pub digest: Option<String>,
    /// How much of each partition may be seen, where that is less than its log: topic, partition, end.
    pub held: Shared<Vec<(String, u32, u64)>>,
    /// Arrivals a second, while they are too many to follow one by one.
    pub crowd: Option<u64>,
}

impl Snapshot {
    pub fn shown_end(&self, topic: &str, partition: &PartitionView) -> u64 {
        let held = self.held.iter().find(|(t, p, _)| t == topic && *p == partition.partition);
        held.map_or(partition.log_end, |(_, _, end)| *end)
    }

    pub fn playing(&self) -> bool {
        self.playback.is_some_and(|playback| playback.playing)
    }

    pub fn speed_milli(&self) -> u64 {
        self.playback.map_or(1_000, |playback| playback.speed_milli)
    }

    pub fn event(&self, id: u64) -> Option<&Shared<EventView>> {
        self.events.iter().rev().find(|event| event.id == id)
    }
}

/// Lags of the last while, of each group: enough to say whether it catches up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lags {
    /// Virtual microseconds, and the lag of each group then; oldest first.
    seen: VecDeque<(u64, Vec<u64>)>,
}

/// How far a trend looks back, and the time between two looks, in virtual microseconds.
const TREND_US: u64 = 30_000_000;
const LOOK_US: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    Rising,
    Falling,
    Steady,
}

impl Lags {
    fn look(&mut self, now_us: u64, groups: &[Shared<GroupView>]) {
        if self.seen.back().is_some_and(|(at, _)| *at > now_us) {
            self.seen.clear();
        }
        if self.seen.back().is_none_or(|(at, _)| at + LOOK_US <= now_us) {
            self.seen.push_back((now_us, groups.iter().map(|group| lag(group)).collect()));
        }
        // The oldest one that is kept is at least as old as the trend looks back.
        while self.seen.get(1).is_some_and(|(at, _)| at + TREND_US <= now_us) {
            self.seen.pop_front();
        }
    }

    /// Whether a group's lag is more or less than 30 s before; nothing while nobody has watched for as long. A record or two, or one in
    /// twenty, is no change.
    pub fn trend(&self, now_us: u64, group: usize, lag: u64) -> Option<Trend> {
        let (at, then) = self.seen.front()?;
        let then = *then.get(group).filter(|_| at + TREND_US <= now_us)?;
        let slack = (then.max(lag) / 20).max(2);
        Some(match () {
            () if lag > then + slack => Trend::Rising,
            () if lag + slack < then => Trend::Falling,
            () => Trend::Steady,
        })
    }
}

/// All partitions together, as far as something was committed.
pub fn lag(group: &GroupView) -> u64 {
    group.offsets.values().flatten().filter_map(|offset| offset.lag).sum()
}

/// What to do about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Applied,
    /// It builds on a frame the page does not hold.
    Lost,
}

#[derive(Debug, Default)]
pub struct Model {
    mirror: Mirror,
    revision: Option<u32>,
    events: Vec<Shared<EventView>>,
    keys: Keys,
    tracks: Tracks,
    lags: Lags,
    pub staging: Staging,
    detail: Option<Shared<Detail>>,
    playback: Option<Playback>,
    pub keeping: Keeping,
    digest: Option<String>,
    /// The last snapshot: what did not change since is shared with the next.
    shown: Rc<Snapshot>,
}

impl Model {
    /// A frame arrived, at this wall time in milliseconds.
    pub fn frame(&mut self, frame: Frame, wall: f64) -> Taken {
        if frame.base.is_some() && frame.base != self.revision {
            return Taken::Lost;
        }
        let before = self.mirror.now_us;
        let jumped = frame.base.is_none() || frame.delta.now_us < before;
        if frame.base.is_none() {
            self.mirror = Mirror::default();
            self.events.clear();
        }
        self.mirror.apply(frame.delta);
        self.revision = Some(frame.revision);
        self.playback = Some(frame.playback);
        self.digest = frame.digest;
        self.events.extend(frame.events.into_iter().map(Shared::new));
        let surplus = self.events.len().saturating_sub(EVENTS);
        self.events.drain(..surplus);
        self.meet_keys();
        self.tracks.follow(&self.mirror.groups);
        self.lags.look(self.mirror.now_us, &self.mirror.groups);
        let window = Window { from_us: before, wall, speed_milli: frame.playback.speed_milli, total: frame.hops_total };
        if jumped {
            self.staging.clear();
        } else {
            self.staging.take(frame.hops, window);
        }
        Taken::Applied
    }

    pub fn set_playback(&mut self, playback: Playback) {
        self.playback = Some(playback);
    }

    pub fn set_detail(&mut self, detail: Option<Detail>) {
        self.detail = detail.map(Shared::new);
    }

    pub fn set_storage(&mut self, storage: Storage) {
        if let Storage::Memory(reason) = storage {
            self.keeping = Keeping::NotSaved(reason);
        }
    }

    pub fn set_saved(&mut self, saved: SaveState, wall: f64) {
        self.keeping = match saved {
            SaveState::Saved { now_us, .. } => Keeping::Saved { now_us, wall },
            SaveState::Failed(reason) => Keeping::NotSaved(reason),
        };
    }

    /// Another run: nothing of the one before may stay on the page.
    pub fn start_over(&mut self) {
        *self = Model { keeping: std::mem::take(&mut self.keeping), playback: self.playback, ..Model::default() };
    }

    pub fn playback(&self) -> Option<Playback> {
        self.playback
    }

    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    fn meet_keys(&mut self) {
        for client in &self.mirror.clients {
            client.key.iter().for_each(|key| self.keys.meet(key));
        }
        for partition in self.mirror.user_topics().flat_map(|topic| &topic.partitions) {
            partition.tail.iter().filter_map(|cell| cell.key.as_ref()).for_each(|key| self.keys.meet(key));
        }
    }

    fn held(&self) -> Vec<(String, u32, u64)> {
        let mut held = Vec::new();
        for topic in self.mirror.user_topics() {
            for partition in &topic.partitions {
                let end = self.staging.shown_end(&topic.head.name, partition.partition, partition.log_end);
                if end < partition.log_end {
                    held.push((topic.head.name.clone(), partition.partition, end));
                }
            }
        }
        held
    }

    /// What may be seen now.
    pub fn snapshot(&mut self) -> Rc<Snapshot> {
        let shown = &self.shown;
        let same_events = shown.events.len() == self.events.len() && shown.events.last() == self.events.last();
        let held = self.held();
        let next = Rc::new(Snapshot {
            mirror: self.mirror.clone(),
            events: if same_events { shown.events.clone() } else { Shared::new(self.events.clone()) },
            keys: if shown.keys.len() == self.keys.len() { shown.keys.clone() } else { Shared::new(self.keys.clone()) },
            tracks: if shown.tracks.version() == self.tracks.version() { shown.tracks.clone() } else { Shared::new(self.tracks.clone()) },
            lags: if *shown.lags == self.lags { shown.lags.clone() } else { Shared::new(self.lags.clone()) },
            detail: self.detail.clone(),
            playback: self.playback,
            keeping: self.keeping.clone(),
            digest: self.digest.clone(),
            held: if *shown.held == held { shown.held.clone() } else { Shared::new(held) },
            crowd: self.staging.crowd().map(|rate| rate.round() as u64),
        });
        self.shown = Rc::clone(&next);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use playground_core::view::{CellView, ClusterView};

    fn view(now_us: u64, log_end: u64) -> ClusterView {
        let tail = (0..log_end).map(|offset| CellView { offset, key: Some(format!("truck-{}", offset % 3)) }).collect();
        let partition = PartitionView { log_end, high_watermark: log_end, tail, leader: Some(101), ..PartitionView::default() };
        let topic = TopicView { name: "trucks_gps".into(), partitions: vec![partition, PartitionView::default()], ..TopicView::default() };
        let broker = |id| BrokerView { id, ..BrokerView::default() };
        ClusterView { now_us, topics: vec![topic], brokers: vec![broker(101), broker(102)], ..ClusterView::default() }
    }

    fn frame(revision: u32, base: Option<u32>, old: &ClusterView, new: &ClusterView) -> Frame {
        Frame {
            revision,
            base,
            delta: ViewDelta::between(old, new),
            digest: None,
            events: vec![EventView { id: u64::from(revision), ..EventView::default() }],
            hops: Vec::new(),
            hops_total: 0,
            playback: Playback { playing: true, speed_milli: 1_000 },
        }
    }

    fn rebuilt(mirror: &Mirror) -> Vec<TopicView> {
        let whole = |t: &Topic| TopicView { partitions: t.partitions.iter().map(|p| (**p).clone()).collect(), ..(*t.head).clone() };
        mirror.topics.iter().map(whole).collect()
    }

    #[test]
    fn frames_rebuild_the_view_they_were_computed_from() {
        let (first, second) = (view(1, 2), view(2, 5));
        let mut model = Model::default();
        assert_eq!(model.frame(frame(1, None, &ClusterView::default(), &first), 0.0), Taken::Applied);
        assert_eq!(model.frame(frame(2, Some(1), &first, &second), 0.0), Taken::Applied);
        assert_eq!(rebuilt(model.mirror()), second.topics);
        assert_eq!(model.mirror().leads(101), (1, 2));
    }

    #[test]
    fn a_frame_on_an_unknown_base_changes_nothing() {
        let (first, second) = (view(1, 2), view(2, 5));
        let mut model = Model::default();
        model.frame(frame(1, None, &ClusterView::default(), &first), 0.0);
        assert_eq!(model.frame(frame(9, Some(8), &first, &second), 0.0), Taken::Lost);
        assert_eq!(rebuilt(model.mirror()), first.topics);
    }

    #[test]
    fn what_did_not_change_is_the_same_item_in_the_next_snapshot() {
        let (first, second) = (view(1, 2), view(2, 5));
        let mut model = Model::default();
        model.frame(frame(1, None, &ClusterView::default(), &first), 0.0);
        let one = model.snapshot();
        model.frame(frame(2, Some(1), &first, &second), 0.0);
        let two = model.snapshot();
        assert_ne!(one.mirror.topics[0].partitions[0], two.mirror.topics[0].partitions[0]);
        assert_eq!(one.mirror.topics[0].partitions[1], two.mirror.topics[0].partitions[1]);
        assert_eq!(one.mirror.brokers, two.mirror.brokers);
        assert_eq!(one.keys.len(), 2);
        assert_eq!(two.keys.len(), 3);
    }

    #[test]
    fn the_page_remembers_the_newest_events_only() {
        let first = view(1, 0);
        let mut model = Model::default();
        model.frame(frame(1, None, &ClusterView::default(), &first), 0.0);
        for i in 2..=EVENTS as u32 + 10 {
            model.frame(frame(i, Some(i - 1), &first, &first), 0.0);
        }
        let shown = model.snapshot();
        assert_eq!(shown.events.len(), EVENTS);
        assert_eq!(shown.events.last().map(|event| event.id), Some(EVENTS as u64 + 10));
    }
}
