//! What goes wrong with records that are not lost, each with what made it possible: acks=0 calls them sent and nobody stored them; a
//! group is given them twice, out of order, or not at all. One cause is told once, however many records it costs.

use super::Cluster;
use super::referee::Given;
use crate::config::OffsetReset;
use crate::error::ErrorCode;
use crate::hash::coordinator_partition;
use crate::ids::{BrokerId, ClientId, EventId, NodeId, Offset, TopicPartition};
use crate::node::BeginsAt;
use crate::protocol::{Envelope, Message, ProduceBatch, Request};
use crate::sorted::SortedSet;
use crate::trace::{EventKind, TraceEvent};
use std::sync::Arc;

/// The batches of a message that waits for no answer.
fn sent_blindly(message: &Message) -> &[ProduceBatch] {
    match message {
        Message::Request(_, Request::Produce(request)) if request.acks == 0 => &request.batches,
        _ => &[],
    }
}

/// By whom a batch was refused and with which error, and why; no error when a new process of the producer sends it again.
pub(super) type Refusal = (Option<(ErrorCode, BrokerId)>, Option<EventId>);

/// What becomes of a batch that acks=0 calls sent and no log has.
#[derive(Clone, Copy)]
enum Unwritten {
    /// It waits behind a cut link.
    Waits,
    Never,
}

impl Cluster {
    /// An event of the referee's own.
    pub(super) fn announce(&mut self, kind: EventKind, subject: String, text: String, rule: String, mut causes: Vec<EventId>) {
        let mut seen = SortedSet::new();
        causes.retain(|cause| seen.insert(*cause));
        let id = self.next_event_id();
        self.push_event(TraceEvent { id, kind, subject, text, rule, causes });
    }

    /// As [`announce`](Cluster::announce), unless it was told of the same causes last.
    fn tell_once(&mut self, kind: EventKind, whose: u32, id: TopicPartition, text: String, rule: String, causes: Vec<EventId>) {
        if self.told.get(&(kind, whose, id)) != Some(&causes) {
            self.told.insert((kind, whose, id), causes.clone());
            let name = self.name_of(id);
            self.announce(kind, name, text, rule, causes);
        }
    }

    fn name_of(&self, id: TopicPartition) -> String {
        self.controller().image().name_of(id)
    }

    /// What was done last to one of these.
    pub(super) fn blame_of(&self, nodes: &[NodeId]) -> Option<EventId> {
        nodes.iter().filter_map(|node| self.number(*node)).filter_map(|node| self.hosts[node as usize].last).max()
    }

    /// What was done last to one of these, or to a broker with a copy.
    pub(super) fn blame(&self, id: TopicPartition, more: &[NodeId]) -> Option<EventId> {
        let image = self.controller().image();
        let replicas = image.partition(id).map_or(&[][..], |partition| &partition.replicas);
        let copies: Vec<NodeId> = replicas.iter().map(|broker| NodeId::Broker(*broker)).chain(more.iter().copied()).collect();
        self.blame_of(&copies)
    }

    /// A message reached no process, or one that died before it looked, or TCP has tried for too long.
    pub(super) fn nobody_takes(&mut self, node: u32, from: NodeId, message: &Message, gave_up: bool, because: Option<EventId>) {
        let (NodeId::Broker(broker), NodeId::Client(client)) = (self.node_id(node), from) else { return };
        let why = if gave_up { format!("TCP gave up its link to broker {broker}") } else { format!("broker {broker} is down") };
        for sent in sent_blindly(message) {
            self.unwritten(client, sent.partition, sent.batch.record_count(), &why, because);
        }
    }

    /// A message is sent into a cut.
    pub(super) fn waits_blindly(&mut self, node: u32, envelope: &Envelope) {
        let (NodeId::Client(client), NodeId::Broker(broker)) = (envelope.from, envelope.to) else { return };
        for sent in sent_blindly(&envelope.message) {
            let because = self.hosts[node as usize].last;
            let why = format!("its link to broker {broker} is cut");
            self.tell_unwritten(client, sent.partition, Unwritten::Waits, &why, because);
        }
    }

    /// Records that acks=0 counts as acknowledged and that are in no log: nobody will store them, or they wait behind a cut.
    pub fn unwritten_records(&self) -> u64 {
        let waiting = self.network.held().flat_map(|envelope| sent_blindly(&envelope.message));
        self.referee.unwritten + waiting.map(|sent| u64::from(sent.batch.record_count())).sum::<u64>()
    }

    /// What a process that ends had taken in and not looked at.
    pub(super) fn drop_unserved(&mut self, node: u32, because: Option<EventId>) {
        let inbox = std::mem::take(&mut self.hosts[node as usize].inbox);
        let mut unserved: Vec<(NodeId, Message)> = inbox.into_iter().map(|envelope| (envelope.from, envelope.message)).collect();
        if let Some(place) = self.broker_place(node) {
            unserved.extend(self.brokers[place].unserved().map(|(from, message)| (from, message.clone())));
        }
        unserved.iter().for_each(|(from, message)| self.nobody_takes(node, *from, message, false, because));
    }

    /// A batch of acks=0 is nowhere.
    pub(super) fn unwritten(&mut self, client: ClientId, id: TopicPartition, records: u32, why: &str, because: Option<EventId>) {
        self.referee.unwritten += u64::from(records);
        self.tell_unwritten(client, id, Unwritten::Never, why, because);
    }

    fn tell_unwritten(&mut self, client: ClientId, id: TopicPartition, fate: Unwritten, why: &str, because: Option<EventId>) {
        let Some(producer) = self.producer(client).map(|producer| Arc::clone(&producer.name)) else { return };
        let name = self.name_of(id);
        // That it waits is told apart from that it will never come.
        let (whose, stores) = match fate {
            Unwritten::Waits => (!client.0, "stores for now"),
            Unwritten::Never => (client.0, "stores"),
        };
        let text = format!("Nobody {stores} what {producer} sends to {name}: {why}, and acks=0 waits for no answer.");
        let rule = "acks = 0: what was sent counts as acknowledged".to_owned();
        self.tell_once(EventKind::RecordUnwritten, whose, id, text, rule, because.into_iter().collect());
    }

    /// What a producer was told of a batch, for the cause of what it sends again.
    pub(super) fn refused(&mut self, client: ClientId, id: TopicPartition, by: BrokerId, error: ErrorCode) {
        let ends = self.blame_of(&[NodeId::Broker(by), NodeId::Client(client)]);
        let name = self.name_of(id);
        let because = match error {
            ErrorCode::NetworkException | ErrorCode::RequestTimedOut => ends,
            ErrorCode::NotEnoughReplicas | ErrorCode::NotEnoughReplicasAfterAppend => self.shrinks.get(&name).copied(),
            _ => self.elections.get(&name).copied(),
        };
        let because = because.or_else(|| self.blame(id, &[NodeId::Client(client)]));
        self.refusals.insert(client, (Some((error, by)), because));
    }

    /// A group was given something that it should not have got, or not now.
    #[inline(never)]
    pub(super) fn given(&mut self, group: u32, writer: u32, id: TopicPartition, from: Offset, given: Given) {
        let spec = &self.scenario.groups[group as usize];
        let (reader, partition) = (spec.name.clone(), self.name_of(id));
        if let Some(end) = given.skipped {
            let (how, rule, causes) = self.beginning(group, id, self.began_past(group, id, Offset(from.0 - 1)), "beyond");
            let text = format!("Group {reader} is not given {partition}@{end}…{}: {how}.", from.0 - 1);
            self.tell_once(EventKind::RecordSkipped, group, id, text, rule, causes);
        }
        if given.again {
            let (how, rule, causes) = self.beginning(group, id, self.began(group, id), "behind");
            let text = format!("Group {reader} is given {partition} again from offset {from} on: {how}.");
            self.tell_once(EventKind::RecordDuplicated, group, id, text, rule, causes);
        }
        if given.twice || given.late {
            let (how, rule, causes) = self.sending(writer, id);
            if given.twice {
                let text = format!("Group {reader} is given records of {partition} twice, from offset {from} on: {how}.");
                self.tell_once(EventKind::RecordDuplicated, group, id, text, rule.clone(), causes.clone());
            }
            if given.late {
                let text = format!("Group {reader} is given records of {partition} after later ones: {how}.");
                self.tell_once(EventKind::RecordReordered, group, id, text, rule, causes);
            }
        }
    }

    /// The partition that keeps a group's bookmarks.
    pub(super) fn bookmarks_of(&self, group: &str) -> Option<TopicPartition> {
        let partition = coordinator_partition(group, self.scenario.cluster.config.offsets_topic_partitions);
        Some(TopicPartition { topic: self.controller().image().offsets_topic()?, partition })
    }

    /// How a group came to read there: words, rule and causes.
    fn beginning(&self, group: u32, id: TopicPartition, began: Option<(ClientId, BeginsAt)>, side: &str) -> (String, String, Vec<EventId>) {
        let name = &self.scenario.groups[group as usize].name;
        let election = || self.elections.get(&self.name_of(id)).copied().into_iter().collect();
        let Some((client, at)) = began else { return Default::default() };
        let rebalance = || {
            let struck = self.blame(self.bookmarks_of(name).unwrap_or(id), &[NodeId::Client(client)]);
            self.rebalances.get(name).copied().into_iter().chain(struck).collect()
        };
        let Some(member) = self.consumer(client).map(|member| &member.name) else { return Default::default() };
        match at {
            BeginsAt::Committed => (
                format!("{member} went on at the committed offset, {side} what had been given"),
                "What was given and not committed is given again: enable.auto.commit, auto.commit.interval.ms".to_owned(),
                rebalance(),
            ),
            BeginsAt::Reset { to, gone } => {
                let (end, policy) = match to {
                    OffsetReset::Earliest => ("the earliest".to_owned(), "earliest".to_owned()),
                    OffsetReset::ByDuration(back) => (format!("what was {back} old"), format!("by_duration:{}", back.written_iso())),
                    _ => ("the latest".to_owned(), "latest".to_owned()),
                };
                let why = if gone { "stood where the log no longer is" } else { "found no committed offset" };
                let deletion = || self.deletions.get(&self.name_of(id)).map(|event| vec![*event]);
                let causes = if gone { deletion().unwrap_or_else(election) } else { rebalance() };
                (format!("{member} {why} and began at {end}"), format!("auto.offset.reset = {policy}"), causes)
            }
            BeginsAt::Sought => (
                format!("{member} was told to read on there"),
                "seek() moves the position of a member, whatever was committed".to_owned(),
                self.blame_of(&[NodeId::Client(client)]).into_iter().collect(),
            ),
            BeginsAt::Truncated => (
                format!("{member} had read what the new leader does not have"),
                "A member goes back to where the leader's epochs part from what it has read (KIP-320)".to_owned(),
                election(),
            ),
        }
    }

    /// How a producer came to send a record again: words, rule and causes.
    fn sending(&self, writer: u32, id: TopicPartition) -> (String, String, Vec<EventId>) {
        let Some(producer) = self.producer(ClientId(writer)) else { return Default::default() };
        let (config, name) = (producer.config(), &producer.name);
        let Some((refusal, because)) = self.refusals.get(&ClientId(writer)).copied() else {
            let how = format!("what {name} sent on one connection overtook what it had sent on another");
            return (
                how,
                format!("acks = {}", config.acks.name()),
                self.blame(id, &[NodeId::Client(ClientId(writer))]).into_iter().collect(),
            );
        };
        let how = match refusal {
            Some((error, by)) => format!("{name} sent them again after {error} from {by}"),
            None => format!("{name} began again and sent what it had no answer for"),
        };
        let rule = match (refusal, config.enable_idempotence) {
            (None, _) => "A new process has a new producer id: idempotence ends with the old one".to_owned(),
            (_, false) => format!("enable.idempotence = false, max.in.flight.requests.per.connection = {}", config.max_in_flight),
            (_, true) => "enable.idempotence = true: the leader no longer knew what this producer had written".to_owned(),
        };
        (how, rule, because.into_iter().collect())
    }
}
