//! A group of either protocol.

use super::classic;
use super::consumer::ConsumerGroup;
use super::consumer::records::ConsumerRecord;
use super::offsets::GroupRecord;
use crate::time::SimTime;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum AnyGroup {
    /// Members divide the partitions among themselves.
    Classic(Box<classic::Group>),
    /// The coordinator divides them (KIP-848).
    Consumer(Box<ConsumerGroup>),
}

impl AnyGroup {
    pub fn classic(&self) -> Option<&classic::Group> {
        match self {
            AnyGroup::Classic(group) => Some(group),
            AnyGroup::Consumer(_) => None,
        }
    }

    pub fn classic_mut(&mut self) -> Option<&mut classic::Group> {
        match self {
            AnyGroup::Classic(group) => Some(group),
            AnyGroup::Consumer(_) => None,
        }
    }

    pub fn consumer(&self) -> Option<&ConsumerGroup> {
        match self {
            AnyGroup::Consumer(group) => Some(group),
            AnyGroup::Classic(_) => None,
        }
    }

    pub fn consumer_mut(&mut self) -> Option<&mut ConsumerGroup> {
        match self {
            AnyGroup::Consumer(group) => Some(group),
            AnyGroup::Classic(_) => None,
        }
    }

    /// Some member of it subscribes to the topic.
    pub fn subscribes(&self, topic: &str) -> bool {
        match self {
            AnyGroup::Classic(group) => group.topics().iter().any(|known| **known == *topic),
            AnyGroup::Consumer(group) => group.topics().iter().any(|known| **known == *topic),
        }
    }

    /// The records by which an empty group is deleted.
    pub fn tombstones(&self) -> Vec<GroupRecord> {
        match self {
            AnyGroup::Classic(group) => vec![GroupRecord::GroupMetadata { group: Arc::clone(&group.name), value: None }],
            AnyGroup::Consumer(group) => {
                let records = [ConsumerRecord::TargetEpoch(None), ConsumerRecord::Epoch(None)];
                records.map(|record| GroupRecord::Consumer { group: Arc::clone(&group.name), record }).into()
            }
        }
    }

    /// As Kafka's tools print it.
    pub fn state_name(&self) -> &'static str {
        match self {
            AnyGroup::Classic(group) => group.state.name(),
            AnyGroup::Consumer(group) => group.state().name(),
        }
    }

    pub fn next_timeout(&self) -> SimTime {
        match self {
            AnyGroup::Classic(group) => group.next_timeout(),
            AnyGroup::Consumer(group) => group.next_timeout(),
        }
    }
}
