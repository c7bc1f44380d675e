//! A group of either protocol.

use super::classic;
use super::consumer::ConsumerGroup;
use crate::time::SimTime;

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

    pub fn next_timeout(&self) -> SimTime {
        match self {
            AnyGroup::Classic(group) => group.next_timeout(),
            AnyGroup::Consumer(group) => group.next_timeout(),
        }
    }
}
