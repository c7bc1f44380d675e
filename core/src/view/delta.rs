//! What changed between two views. Computed from them, never emitted by hand, so `old.apply(between(old, new)) == new` always.

use super::{BrokerView, ClientView, ClusterView, ControllersView, GroupView, LedgerView, PartitionView, TopicView};

/// The changed items of a list, by position, and its new length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListDelta<T> {
    pub len: u32,
    pub changed: Vec<(u32, T)>,
}

/// Everything of `new` that differs from `old`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewDelta {
    pub kafka: Option<String>,
    pub title: Option<String>,
    pub seed: Option<u64>,
    pub now_us: u64,
    pub step: u64,
    pub brokers: ListDelta<BrokerView>,
    pub controllers: Option<ControllersView>,
    /// Topics without their partitions; those follow in `partitions`, one list a topic.
    pub topics: ListDelta<TopicView>,
    pub partitions: Vec<(u32, ListDelta<PartitionView>)>,
    pub groups: ListDelta<GroupView>,
    pub clients: ListDelta<ClientView>,
    pub ledger: Option<LedgerView>,
    pub in_force: Option<Vec<(String, String)>>,
    pub violations: Option<Vec<String>>,
}

impl<T: Clone + PartialEq> ListDelta<T> {
    fn between(old: &[T], new: &[T]) -> Self {
        let changed =
            new.iter().enumerate().filter(|(i, item)| old.get(*i) != Some(item)).map(|(i, item)| (i as u32, item.clone())).collect();
        ListDelta { len: new.len() as u32, changed }
    }

    fn apply(self, list: &mut Vec<T>) {
        list.truncate(self.len as usize);
        for (i, item) in self.changed {
            match list.get_mut(i as usize) {
                Some(slot) => *slot = item,
                None => list.push(item),
            }
        }
    }
}

fn changed<T: Clone + PartialEq>(old: &T, new: &T) -> Option<T> {
    (old != new).then(|| new.clone())
}

fn head(topic: &TopicView) -> TopicView {
    TopicView {
        name: topic.name.clone(),
        internal: topic.internal,
        replication_factor: topic.replication_factor,
        config: topic.config.clone(),
        partitions: Vec::new(),
    }
}

fn same_head(a: &TopicView, b: &TopicView) -> bool {
    a.name == b.name && a.internal == b.internal && a.replication_factor == b.replication_factor && a.config == b.config
}

impl ViewDelta {
    pub fn between(old: &ClusterView, new: &ClusterView) -> Self {
        let topics = new
            .topics
            .iter()
            .enumerate()
            .filter(|(i, topic)| !old.topics.get(*i).is_some_and(|before| same_head(before, topic)))
            .map(|(i, topic)| (i as u32, head(topic)))
            .collect();
        let partitions = new
            .topics
            .iter()
            .enumerate()
            .filter_map(|(i, topic)| {
                let before = old.topics.get(i).filter(|before| same_head(before, topic));
                let before = before.map_or(&[][..], |before| &before.partitions);
                let delta = ListDelta::between(before, &topic.partitions);
                let unchanged = delta.changed.is_empty() && delta.len as usize == before.len();
                (!unchanged).then_some((i as u32, delta))
            })
            .collect();
        ViewDelta {
            kafka: changed(&old.kafka, &new.kafka),
            title: changed(&old.title, &new.title),
            seed: changed(&old.seed, &new.seed),
            now_us: new.now_us,
            step: new.step,
            brokers: ListDelta::between(&old.brokers, &new.brokers),
            controllers: changed(&old.controllers, &new.controllers),
            topics: ListDelta { len: new.topics.len() as u32, changed: topics },
            partitions,
            groups: ListDelta::between(&old.groups, &new.groups),
            clients: ListDelta::between(&old.clients, &new.clients),
            ledger: changed(&old.ledger, &new.ledger),
            in_force: changed(&old.in_force, &new.in_force),
            violations: changed(&old.violations, &new.violations),
        }
    }
}

impl ClusterView {
    pub fn apply(&mut self, delta: ViewDelta) {
        let set = |slot: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *slot = value;
            }
        };
        set(&mut self.kafka, delta.kafka);
        set(&mut self.title, delta.title);
        self.seed = delta.seed.unwrap_or(self.seed);
        self.now_us = delta.now_us;
        self.step = delta.step;
        delta.brokers.apply(&mut self.brokers);
        if let Some(controllers) = delta.controllers {
            self.controllers = controllers;
        }
        delta.topics.apply(&mut self.topics);
        for (topic, partitions) in delta.partitions {
            partitions.apply(&mut self.topics[topic as usize].partitions);
        }
        delta.groups.apply(&mut self.groups);
        delta.clients.apply(&mut self.clients);
        if let Some(ledger) = delta.ledger {
            self.ledger = ledger;
        }
        if let Some(in_force) = delta.in_force {
            self.in_force = in_force;
        }
        if let Some(violations) = delta.violations {
            self.violations = violations;
        }
    }
}
