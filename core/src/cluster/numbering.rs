//! Participants by number: controller, brokers, producers, consumers, in this order and without gaps.

use super::Cluster;
use crate::ids::{ClientId, NodeId};
use crate::network::End;
use crate::node::Node;

impl Cluster {
    pub(super) fn is_down(&self, id: NodeId) -> bool {
        self.number(id).is_some_and(|node| self.hosts[node as usize].down)
    }

    pub(super) fn end_of(&self, node: u32) -> End {
        (node, self.node_id(node))
    }

    /// Dense number of a participant: controller, brokers, producers, consumers.
    pub(super) fn number(&self, id: NodeId) -> Option<u32> {
        match id {
            NodeId::Controller => Some(0),
            NodeId::Broker(id) => self.broker_ids.binary_search(&id).ok().map(|place| 1 + place as u32),
            NodeId::Client(ClientId(client)) => Some(1 + self.brokers.len() as u32 + client),
        }
    }

    pub(super) fn node_id(&self, number: u32) -> NodeId {
        let brokers = self.brokers.len() as u32;
        match number {
            0 => NodeId::Controller,
            n if n <= brokers => NodeId::Broker(self.broker_ids[n as usize - 1]),
            n => NodeId::Client(ClientId(n - 1 - brokers)),
        }
    }

    pub(super) fn participant(&mut self, number: u32) -> Option<&mut dyn Node> {
        let (brokers, producers) = (self.brokers.len(), self.producers.len());
        let place = number as usize;
        if place == 0 {
            Some(&mut self.controller)
        } else if place <= brokers {
            Some(&mut self.brokers[place - 1])
        } else if place <= brokers + producers {
            Some(&mut self.producers[place - 1 - brokers])
        } else {
            self.consumers.get_mut(place - 1 - brokers - producers).map(|consumer| consumer as &mut dyn Node)
        }
    }
}
