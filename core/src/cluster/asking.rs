//! What an explanation needs to know of the world that no view shows: what was done to a process, the newest decisions about a thing,
//! which links are cut. Nothing decides by it.

use super::Cluster;
use super::referee::Begun;
use crate::command::{Command, Who};
use crate::ids::{ClientId, EventId, NodeId, Offset, TopicPartition};
use crate::node::BeginsAt;

/// A process as the world sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    pub down: bool,
    pub paused: bool,
    /// The user's action that it suffers from.
    pub struck: Option<EventId>,
    /// The last thing that was done to it, over or not.
    pub last: Option<EventId>,
}

impl Cluster {
    pub fn condition(&self, node: NodeId) -> Condition {
        let host = self.number(node).and_then(|node| self.hosts.get(node as usize));
        host.map_or_else(Condition::default, |host| Condition {
            down: host.down,
            paused: host.paused,
            struck: host.struck,
            last: host.last,
        })
    }

    /// Nothing gets from the one to the other.
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        let ends = self.number(from).zip(self.number(to));
        ends.is_some_and(|(a, b)| self.network.is_cut((a, from), (b, to)))
    }

    /// Whether a fault of any kind lies on the way from the one to the other.
    pub fn is_faulty(&self, from: NodeId, to: NodeId) -> bool {
        self.number(from).is_some_and(|node| self.network.faulty().contains(&(node, to.stream())))
    }

    /// The newest election of a partition, the newest change of its ISR that its leader asked for, the newest rebalance of a group.
    pub fn newest_of(&self, name: &str) -> [Option<EventId>; 3] {
        [&self.elections, &self.shrinks, &self.rebalances].map(|known| known.get(name).copied())
    }

    fn begun(&self, group: u32, id: TopicPartition) -> Option<&Begun> {
        self.referee.groups.get(group as usize)?.begun.get(id)
    }

    /// How a group came to read a partition where it does, and which member.
    pub(super) fn began(&self, group: u32, id: TopicPartition) -> Option<(ClientId, BeginsAt)> {
        self.begun(group, id)?.newest.map(|(client, at, _)| (client, at))
    }

    /// How it came past an offset that it was not given: whoever goes on at a bookmark goes on from where another member had begun.
    pub fn began_past(&self, group: u32, id: TopicPartition, offset: Offset) -> Option<(ClientId, BeginsAt)> {
        let first = self.begun(group, id)?.origin.filter(|(.., from)| *from > offset);
        let first = first.map(|(client, at, _)| (client, at));
        let now = self.began(group, id)?;
        first.filter(|_| now.1 == BeginsAt::Committed).or(Some(now))
    }

    /// What was done last to one of these.
    pub fn done_last_to(&self, nodes: &[NodeId]) -> Option<EventId> {
        self.blame_of(nodes)
    }

    /// Whom a name means: processes.
    pub fn nodes_of(&self, who: &Who) -> Vec<NodeId> {
        self.meant(who).into_iter().map(|node| self.node_id(node)).collect()
    }

    /// Why a command means nobody here, if so.
    pub fn stranger(&self, command: &Command) -> Option<String> {
        self.scenario.cast().unknown(command).map(|unknown| unknown.message)
    }
}
