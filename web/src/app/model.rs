//! The page's mirror of the cluster: changed by the worker's messages only, never by a click.
//!
//! Every item is shared by `Rc`, so a panel whose items did not change is not rendered again. What the eye may see of it
//! at an instant is a [`Snapshot`].

use crate::app::inspector::why::Why;
use crate::app::keys::Keys;
use crate::app::stage::map::Tracks;
use crate::app::stage::motes::Motes;
use crate::app::stage::staging::{Held, Staging, Window};
use crate::bridge::{Frame, Load, Past, Playback, SaveState, Storage};
use playground_core::view::ask::Answer;
use playground_core::view::delta::{ListDelta, ViewDelta};
use playground_core::view::large::LARGE;
use playground_core::view::{BrokerView, ClientView, ControllersView, Detail, EventView, GroupView, LedgerView, PartitionView, TopicView};
use std::collections::VecDeque;
use std::ops::Deref;
use std::rc::Rc;

/// Events the page remembers.
pub use crate::bridge::EVENTS;

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

    /// More partitions than anyone reads: the engine tells the records of those alone that are looked at.
    pub fn is_large(&self) -> bool {
        self.user_topics().map(|topic| topic.partitions.len()).sum::<usize>() > LARGE
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
    /// Up to the moment that is shown, and those known to come after it.
    pub events: Shared<Vec<Shared<EventView>>>,
    pub ahead: Shared<Vec<Shared<EventView>>>,
    /// The newest moment that was seen.
    pub head_us: u64,
    pub past: Shared<Past>,
    pub keys: Shared<Keys>,
    pub tracks: Shared<Tracks>,
    pub lags: Shared<Lags>,
    pub detail: Option<Shared<Detail>>,
    /// About the question that stands.
    pub why: Option<Shared<Why>>,
    /// To what the open place asked.
    pub answer: Option<Shared<Answer>>,
    pub playback: Option<Playback>,
    pub keeping: Keeping,
    /// State digest of exactly this moment; told while the run stands still.
    pub digest: Option<String>,
    /// How much of each copy may be seen, where that is less than its log.
    pub held: Shared<Vec<Held>>,
    /// Of a large cluster: what each partition of the user's topics does, in their order.
    pub loads: Shared<Vec<Load>>,
    /// Arrivals a second, while they are too many to follow one by one.
    pub crowd: Option<u64>,
    /// Of a large cluster: arrivals under way on the stage.
    pub dots: usize,
}

impl Snapshot {
    pub fn shown_end(&self, topic: &str, partition: &PartitionView) -> u64 {
        self.end_of(topic, partition, None)
    }

    /// How much of a broker's copy of a partition may be seen.
    pub fn copy_end(&self, topic: &str, partition: &PartitionView, broker: i32) -> u64 {
        let leads = partition.leader == Some(broker);
        self.end_of(topic, partition, (!leads).then_some(broker))
    }

    fn end_of(&self, topic: &str, partition: &PartitionView, broker: Option<i32>) -> u64 {
        let held = self.held.iter().filter(|held| held.partition == partition.partition && held.broker == broker && held.topic == topic);
        held.fold(if broker.is_none() { partition.log_end } else { u64::MAX }, |end, held| end.min(held.end))
    }

    pub fn playing(&self) -> bool {
        self.playback.is_some_and(|playback| playback.playing)
    }

    pub fn speed_milli(&self) -> u64 {
        self.playback.map_or(1_000, |playback| playback.speed_milli)
    }

    pub fn event(&self, id: u64) -> Option<&Shared<EventView>> {
        self.events.iter().rev().chain(self.ahead.iter()).find(|event| event.id == id)
    }

    /// An older moment than the newest is shown.
    pub fn in_past(&self) -> bool {
        self.mirror.now_us < self.head_us
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
            self.seen.push_back((now_us, groups.iter().map(|group| group.lag.unwrap_or(0)).collect()));
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
    group.lag.unwrap_or(0)
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
    /// So many of the newest lie ahead of the moment that is shown.
    ahead: usize,
    head_us: u64,
    past: Shared<Past>,
    keys: Keys,
    tracks: Tracks,
    lags: Lags,
    pub staging: Staging,
    pub motes: Motes,
    loads: Shared<Vec<Load>>,
    detail: Option<Shared<Detail>>,
    why: Option<Shared<Why>>,
    pub answer: Option<Shared<Answer>>,
    playback: Option<Playback>,
    pub keeping: Keeping,
    digest: Option<String>,
    /// The last snapshot: what did not change since is shared with the next.
    shown: Rc<Snapshot>,
    /// What was shown before it. To let go of thousands of small things takes time that a frame on screen has better use for.
    left: Option<Rc<Snapshot>>,
}

impl Model {
    /// A frame arrived, at this wall time in milliseconds.
    pub fn frame(&mut self, frame: Frame, wall: f64) -> Taken {
        if frame.base.is_some() && frame.base != self.revision {
            return Taken::Lost;
        }
        self.left = None;
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
        (self.ahead, self.head_us) = (frame.ahead as usize, frame.head_us);
        self.meet_keys();
        self.tracks.follow(&self.mirror.groups);
        self.lags.look(self.mirror.now_us, &self.mirror.groups);
        let window = Window { from_us: before, wall, speed_milli: frame.playback.speed_milli, total: frame.hops_total };
        if !frame.loads.is_empty() {
            self.loads = Shared::new(frame.loads);
        }
        if !frame.motes.0.is_empty() {
            self.motes.launch(&frame.motes.0, wall);
        }
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

    pub fn set_past(&mut self, past: Past) {
        self.past = Shared::new(past);
    }

    pub fn set_detail(&mut self, detail: Option<Detail>) {
        self.detail = detail.map(Shared::new);
    }

    pub fn why(&self) -> Option<&Shared<Why>> {
        self.why.as_ref()
    }

    pub fn set_why(&mut self, why: Option<Shared<Why>>) {
        self.why = why;
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

    pub fn head_us(&self) -> u64 {
        self.head_us
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

    /// What may be seen now.
    pub fn snapshot(&mut self) -> Rc<Snapshot> {
        let shown = &self.shown;
        let (events, ahead) = self.events.split_at(self.events.len().saturating_sub(self.ahead));
        let same = |before: &Shared<Vec<Shared<EventView>>>, now: &[Shared<EventView>]| match before.len() == now.len()
            && before.last() == now.last()
        {
            true => before.clone(),
            false => Shared::new(now.to_vec()),
        };
        let held = self.staging.held();
        let next = Rc::new(Snapshot {
            mirror: self.mirror.clone(),
            events: same(&shown.events, events),
            ahead: same(&shown.ahead, ahead),
            head_us: self.head_us,
            past: self.past.clone(),
            keys: if shown.keys.len() == self.keys.len() { shown.keys.clone() } else { Shared::new(self.keys.clone()) },
            tracks: if shown.tracks.version() == self.tracks.version() { shown.tracks.clone() } else { Shared::new(self.tracks.clone()) },
            lags: if *shown.lags == self.lags { shown.lags.clone() } else { Shared::new(self.lags.clone()) },
            detail: self.detail.clone(),
            why: self.why.clone(),
            answer: self.answer.clone(),
            playback: self.playback,
            keeping: self.keeping.clone(),
            digest: self.digest.clone(),
            loads: self.loads.clone(),
            held: if *shown.held == held { shown.held.clone() } else { Shared::new(held) },
            dots: self.motes.len(),
            crowd: self.staging.crowd().map(|rate| rate.round() as u64),
        });
        self.left = Some(std::mem::replace(&mut self.shown, Rc::clone(&next)));
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
            ahead: 0,
            head_us: new.now_us,
            hops: Vec::new(),
            hops_total: 0,
            motes: crate::bridge::Bytes::default(),
            loads: Vec::new(),
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
