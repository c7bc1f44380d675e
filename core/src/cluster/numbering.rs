//! Participants by number: controllers, brokers, producers, consumers, in this order and without gaps.

use super::Cluster;
use crate::ids::{ClientId, FIRST_CONTROLLER, NodeId};
use crate::network::End;
use crate::node::Node;

impl Cluster {
    /// Controllers and brokers: those who answer requests.
    pub(super) fn servers(&self) -> u32 {
        (self.controllers.len() + self.brokers.len()) as u32
    }

    pub(super) fn end_of(&self, node: u32) -> End {
        (node, self.node_id(node))
    }

    /// Dense number of a participant: controllers, brokers, producers, consumers.
    pub(super) fn number(&self, id: NodeId) -> Option<u32> {
        let controllers = self.controllers.len() as u32;
        match id {
            NodeId::Controller(id) => u32::try_from(id - FIRST_CONTROLLER).ok().filter(|place| *place < controllers),
            NodeId::Broker(id) => self.broker_ids.binary_search(&id).ok().map(|place| controllers + place as u32),
            NodeId::Client(ClientId(client)) => Some(self.servers() + client),
        }
    }

    /// The place of a broker among the brokers, by its dense number.
    pub(super) fn broker_place(&self, number: u32) -> Option<usize> {
        (number as usize).checked_sub(self.controllers.len()).filter(|place| *place < self.brokers.len())
    }

    pub(super) fn node_id(&self, number: u32) -> NodeId {
        let (controllers, servers) = (self.controllers.len() as u32, self.servers());
        match number {
            n if n < controllers => NodeId::Controller(FIRST_CONTROLLER + n as i32),
            n if n < servers => NodeId::Broker(self.broker_ids[(n - controllers) as usize]),
            n => NodeId::Client(ClientId(n - servers)),
        }
    }

    pub(super) fn consumer_at(&self, node: u32) -> Option<usize> {
        match self.node_id(node) {
            NodeId::Client(ClientId(client)) => (client as usize).checked_sub(self.producers.len()),
            _ => None,
        }
    }

    pub(super) fn participant(&mut self, number: u32) -> Option<&mut dyn Node> {
        let place = number as usize;
        let brokers = self.controllers.len();
        let producers = brokers + self.brokers.len();
        let consumers = producers + self.producers.len();
        if place < brokers {
            Some(&mut self.controllers[place])
        } else if place < producers {
            Some(&mut self.brokers[place - brokers])
        } else if place < consumers {
            Some(&mut self.producers[place - producers])
        } else {
            self.consumers.get_mut(place - consumers).map(|consumer| consumer as &mut dyn Node)
        }
    }
}
