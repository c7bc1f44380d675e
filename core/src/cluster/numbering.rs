//! Participants by number: controllers, brokers, producers, consumers, in this order and without gaps; whoever joins later comes after.

use super::Cluster;
use crate::client::consumer::Consumer;
use crate::client::producer::Producer;
use crate::ids::{BrokerId, ClientId, FIRST_CONTROLLER, NodeId};
use crate::network::End;
use crate::node::Node;

/// Where a participant lies among those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seat {
    Controller(u32),
    Broker(u32),
    Producer(u32),
    Consumer(u32),
}

/// Who has which number. None is ever given again.
#[derive(Clone, Debug, Default)]
pub(super) struct Seats {
    by_number: Vec<Seat>,
    /// Sorted by id.
    brokers: Vec<(BrokerId, u32)>,
    /// By [`ClientId`].
    clients: Vec<u32>,
}

impl Seats {
    fn take(&mut self, seat: Seat) -> u32 {
        self.by_number.push(seat);
        self.by_number.len() as u32 - 1
    }

    pub(super) fn controller(&mut self, place: usize) {
        self.take(Seat::Controller(place as u32));
    }

    pub(super) fn broker(&mut self, id: BrokerId, place: usize) -> u32 {
        let number = self.take(Seat::Broker(place as u32));
        let at = self.brokers.partition_point(|(other, _)| *other < id);
        self.brokers.insert(at, (id, number));
        number
    }

    /// A producer or a consumer, with the next [`ClientId`].
    pub(super) fn client(&mut self, seat: Seat) -> u32 {
        let number = self.take(seat);
        self.clients.push(number);
        number
    }

    pub(super) fn next_client(&self) -> ClientId {
        ClientId(self.clients.len() as u32)
    }

    pub(super) fn len(&self) -> u32 {
        self.by_number.len() as u32
    }

    fn broker_number(&self, id: BrokerId) -> Option<u32> {
        let at = self.brokers.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(self.brokers[at].1)
    }
}

impl Cluster {
    pub(super) fn end_of(&self, node: u32) -> End {
        (node, self.node_id(node))
    }

    /// Dense number of a participant.
    pub(super) fn number(&self, id: NodeId) -> Option<u32> {
        match id {
            NodeId::Controller(id) => u32::try_from(id - FIRST_CONTROLLER).ok().filter(|place| *place < self.controllers.len() as u32),
            NodeId::Broker(id) => self.seats.broker_number(id),
            NodeId::Client(ClientId(client)) => self.seats.clients.get(client as usize).copied(),
        }
    }

    pub(super) fn seat(&self, number: u32) -> Seat {
        self.seats.by_number[number as usize]
    }

    /// The place of a broker among the brokers, by its dense number.
    pub(super) fn broker_place(&self, number: u32) -> Option<usize> {
        if let Seat::Broker(place) = self.seat(number) { Some(place as usize) } else { None }
    }

    pub(super) fn producer_at(&self, number: u32) -> Option<usize> {
        if let Seat::Producer(place) = self.seat(number) { Some(place as usize) } else { None }
    }

    pub(super) fn consumer_at(&self, number: u32) -> Option<usize> {
        if let Seat::Consumer(place) = self.seat(number) { Some(place as usize) } else { None }
    }

    pub(super) fn node_id(&self, number: u32) -> NodeId {
        match self.seat(number) {
            Seat::Controller(place) => NodeId::Controller(FIRST_CONTROLLER + place as i32),
            Seat::Broker(place) => NodeId::Broker(self.brokers[place as usize].id),
            Seat::Producer(place) => NodeId::Client(self.producers[place as usize].id),
            Seat::Consumer(place) => NodeId::Client(self.consumers[place as usize].id),
        }
    }

    pub(super) fn participant(&mut self, number: u32) -> Option<&mut dyn Node> {
        Some(match self.seat(number) {
            Seat::Controller(place) => self.controllers.get_mut(place as usize)? as &mut dyn Node,
            Seat::Broker(place) => self.brokers.get_mut(place as usize)?,
            Seat::Producer(place) => self.producers.get_mut(place as usize)?,
            Seat::Consumer(place) => self.consumers.get_mut(place as usize)?,
        })
    }

    pub fn broker(&self, id: BrokerId) -> Option<&crate::broker::Broker> {
        let place = self.broker_place(self.seats.broker_number(id)?)?;
        self.brokers.get(place)
    }

    pub fn producer(&self, id: ClientId) -> Option<&Producer> {
        self.producers.get(self.producer_at(self.number(NodeId::Client(id))?)?)
    }

    /// The place of a consumer among the consumers.
    pub(super) fn consumer_place(&self, id: ClientId) -> Option<usize> {
        self.consumer_at(self.number(NodeId::Client(id))?)
    }

    pub fn consumer(&self, id: ClientId) -> Option<&Consumer> {
        self.consumers.get(self.consumer_place(id)?)
    }
}
