//! What an auditor is shown beside the state: promises, answers and reads as they were made, and who acted. Off unless somebody
//! audits; not part of the state.

use super::Cluster;
use crate::ids::{BrokerId, ClientId, CorrelationId, NodeId, Offset, TopicPartition};
use crate::node::Fact;
use crate::protocol::{ListAt, MemberRef, Message, ProducedPartition, Request, Response};
use crate::sorted::SortedMap;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Said {
    /// A producer sent batches: partition, records and serial of each.
    Asked {
        client: ClientId,
        id: CorrelationId,
        acks_all: bool,
        batches: Vec<(TopicPartition, u32, u32)>,
    },
    Answered {
        broker: BrokerId,
        client: ClientId,
        id: CorrelationId,
        results: Vec<ProducedPartition>,
    },
    /// A client was given batches; the base offset of the last of each partition.
    Read {
        broker: BrokerId,
        last: Vec<(TopicPartition, Offset)>,
    },
    /// A client asked for the latest offsets.
    AskedLatest {
        client: ClientId,
        id: CorrelationId,
    },
    Offsets {
        broker: BrokerId,
        client: ClientId,
        id: CorrelationId,
        answer: Vec<(TopicPartition, Offset)>,
    },
    Group(GroupSaid),
    Fact(Fact),
}

/// Between members and their coordinator.
#[derive(Clone, Debug)]
pub enum GroupSaid {
    Committing {
        client: ClientId,
        id: CorrelationId,
        member: MemberRef,
        offsets: Vec<(TopicPartition, Offset)>,
    },
    Committed {
        client: ClientId,
        id: CorrelationId,
        taken: bool,
    },
    Fetching {
        client: ClientId,
        id: CorrelationId,
        group: Arc<str>,
        partitions: Vec<TopicPartition>,
    },
    Fetched {
        broker: BrokerId,
        client: ClientId,
        id: CorrelationId,
        answer: SortedMap<TopicPartition, Offset>,
    },
    /// The coordinator told a member of the new protocol its epoch, and the member heard of it.
    Epoch {
        group: Arc<str>,
        member: Arc<str>,
        epoch: i32,
    },
}

/// Since the auditor last looked.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    pub said: Vec<Said>,
    /// Participants that took a step, by number.
    pub acted: Vec<u32>,
    /// The user or the timeline did something.
    pub commanded: bool,
    /// A process went on after a pause: all that waited was done at once.
    pub resumed: bool,
}

impl Cluster {
    /// From now on everything an auditor needs is kept until it is taken.
    pub(super) fn begin_witness(&mut self) {
        self.witness = Some(Box::default());
    }

    /// What happened since the last call; `into` is emptied and used again.
    pub(super) fn take_witness(&mut self, into: &mut Witness) {
        into.said.clear();
        into.acted.clear();
        (into.commanded, into.resumed) = (false, false);
        if let Some(witness) = &mut self.witness {
            std::mem::swap(&mut **witness, into);
        }
    }
}

impl Witness {
    pub(super) fn sent(&mut self, from: NodeId, to: NodeId, message: &Message) {
        let said = match (from, to, message) {
            (NodeId::Client(client), _, Message::Request(id, Request::Produce(request))) if request.acks != 0 => {
                let batches =
                    request.batches.iter().map(|sent| (sent.partition, sent.batch.last_offset_delta() + 1, sent.serial)).collect();
                Said::Asked { client, id: *id, acks_all: request.acks == -1, batches }
            }
            (NodeId::Broker(broker), NodeId::Client(client), Message::Response(id, Response::Produce(results))) => {
                Said::Answered { broker, client, id: *id, results: results.clone() }
            }
            (NodeId::Broker(broker), NodeId::Client(_), Message::Response(_, Response::Fetch(answer))) => {
                let last = |fetched: &crate::protocol::FetchedPartition| Some((fetched.partition, fetched.batches.last()?.base_offset));
                Said::Read { broker, last: answer.iter().filter_map(last).collect() }
            }
            (NodeId::Client(client), _, Message::Request(id, Request::ListOffsets(request))) if request.at == ListAt::Latest => {
                Said::AskedLatest { client, id: *id }
            }
            (NodeId::Broker(broker), NodeId::Client(client), Message::Response(id, Response::ListOffsets(answer))) => {
                let known = answer.iter().filter_map(|(id, result)| Some((*id, result.ok()?)));
                Said::Offsets { broker, client, id: *id, answer: known.collect() }
            }
            (from, to, message) => match GroupSaid::sent(from, to, message) {
                Some(said) => Said::Group(said),
                None => return,
            },
        };
        self.said.push(said);
    }
}

impl GroupSaid {
    fn sent(from: NodeId, to: NodeId, message: &Message) -> Option<GroupSaid> {
        Some(match (from, to, message) {
            (NodeId::Client(client), _, Message::Request(id, Request::OffsetCommit(request))) => {
                let offsets = request.offsets.iter().map(|(partition, offset, _)| (*partition, *offset)).collect();
                GroupSaid::Committing { client, id: *id, member: request.member.clone(), offsets }
            }
            (_, NodeId::Client(client), Message::Response(id, Response::OffsetCommit(answer))) => {
                GroupSaid::Committed { client, id: *id, taken: answer.is_ok() }
            }
            (NodeId::Client(client), _, Message::Request(id, Request::OffsetFetch(request))) => {
                GroupSaid::Fetching { client, id: *id, group: Arc::clone(&request.group), partitions: request.partitions.clone() }
            }
            (NodeId::Broker(broker), NodeId::Client(client), Message::Response(id, Response::OffsetFetch(answer))) => {
                GroupSaid::Fetched { broker, client, id: *id, answer: answer.as_ref().as_ref().ok()?.clone() }
            }
            // What a member says it was told, with its name: answers name nobody.
            (NodeId::Client(_), _, Message::Request(_, Request::ConsumerGroupHeartbeat(request))) if request.member_epoch > 0 => {
                let (group, member) = (Arc::clone(&request.group), Arc::clone(&request.member_id));
                GroupSaid::Epoch { group, member, epoch: request.member_epoch }
            }
            _ => return None,
        })
    }
}
