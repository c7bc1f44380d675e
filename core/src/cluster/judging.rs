//! What becomes of facts and events: the referee is told, the record of the run grows, causes are filled in that only the world knows.

use super::Cluster;
use super::referee::Cut;
use crate::ids::{BrokerId, EventId, NodeId};
use crate::node::{CutBy, Fact};
use crate::quorum::voter::Voter;
use crate::trace::{EventKind, TraceEvent};
use crate::view::EventView;
use std::sync::Arc;

impl Cluster {
    /// Tells the referee what a participant told; what it finds becomes an event.
    pub(super) fn judge(&mut self, node: u32, fact: Fact) {
        match fact {
            Fact::Sent { records, .. } => self.referee.sent += u64::from(records),
            Fact::Acked { client, partition, base, records, epoch } => {
                let acks = self.producers[client.0 as usize].config().acks;
                self.referee.acked(partition, base, records, epoch, acks);
            }
            Fact::AckedBlindly { records, .. } => self.referee.acked += u64::from(records),
            Fact::Failed { records, .. } => self.referee.failed += u64::from(records),
            Fact::Delivered { client, partition, batch, from, to } => {
                let consumer = client.0 as usize - self.producers.len();
                let group = self.group_of[consumer];
                self.note_given(consumer, to.since(from));
                let given = self.referee.delivered(group, partition, &batch, from, to);
                if given.again || given.twice || given.late || given.skipped.is_some() {
                    self.given(group, batch.writer, partition, from, given);
                }
            }
            Fact::Refused { client, partition, by, error } => self.refused(client, partition, by, error),
            Fact::Dropped { client, partition, records } => {
                let broker = self.brokers[node as usize - self.controllers.len()].id;
                let why = format!("broker {broker} does not take it");
                let because = self.elections.get(&self.controller().image().name_of(partition)).copied();
                self.unwritten(client, partition, records, &why, because.or_else(|| self.blame(partition, &[])));
            }
            Fact::Cut { broker, partition, pieces, how, because } => {
                self.referee.cuts.entry(partition).or_default().push(Cut { broker, pieces, how, because });
                // A leader that did not know of its successor may have promised more since that one took office.
                if matches!(how, CutBy::Leader(_)) {
                    self.judge_leader(partition);
                }
            }
            Fact::Begun { client, partition, at } => {
                let group = self.group_of[client.0 as usize - self.producers.len()];
                self.begun.insert((group, partition), (client, at));
            }
            Fact::Exited(process, event) => {
                if let Some(node) = self.number(process) {
                    self.end(node, event);
                }
            }
            Fact::LeaderStarted { partition, .. } => {
                self.judge_leader(partition);
                self.hosts[node as usize].leads();
            }
        }
    }

    /// What the user did to the client that such a sentence begins with.
    fn struck_member(&self, text: &str) -> Option<EventId> {
        self.hosts[self.member_named(text)? as usize].struck
    }

    fn last_deed_to_member(&self, text: &str) -> Option<EventId> {
        let host = &self.hosts[self.member_named(text)? as usize];
        host.struck.or(host.last)
    }

    fn member_named(&self, text: &str) -> Option<u32> {
        let name = text.split(' ').next()?;
        let place = self.consumers.iter().position(|consumer| *consumer.name == *name)?;
        self.number(NodeId::Client(self.consumers[place].id))
    }

    /// What the user did to the replicas of a partition that are out of sync, or did last to any of them.
    fn struck_followers(&self, partition: &str) -> Vec<EventId> {
        let image = self.controller().image();
        let known = partition.rsplit_once('-').and_then(|(topic, number)| Some((image.topic_named(topic)?, number.parse::<usize>().ok()?)));
        let Some(partition) = known.and_then(|(topic, number)| topic.partitions.get(number)) else { return Vec::new() };
        let late = partition.replicas.iter().filter(|broker| !partition.isr.contains(broker));
        let nodes = late.filter_map(|broker| self.number(NodeId::Broker(*broker)));
        let struck: Vec<EventId> = nodes.filter_map(|node| self.hosts[node as usize].struck).collect();
        if !struck.is_empty() {
            return struck;
        }
        let copies: Vec<NodeId> = partition.replicas.iter().map(|broker| NodeId::Broker(*broker)).collect();
        self.blame_of(&copies).into_iter().collect()
    }

    pub(super) fn next_event_id(&mut self) -> EventId {
        self.outbox.next_event += 1;
        EventId(self.outbox.next_event - 1)
    }

    /// What struck a node, or else what was done to it last.
    fn last_deed(&self, node: NodeId) -> Option<EventId> {
        let host = &self.hosts[self.number(node)? as usize];
        host.struck.or(host.last)
    }

    /// The same of the broker that an event names.
    fn last_deed_to_broker(&self, subject: &str) -> Option<EventId> {
        self.last_deed(NodeId::Broker(BrokerId(subject.parse().ok()?)))
    }

    pub(super) fn push_event(&mut self, mut event: TraceEvent) {
        match event.kind {
            EventKind::LeaderElected => {
                self.elections.insert(event.subject.clone(), event.id);
            }
            // A follower only hears that its leader has something else there; it leads because it was elected.
            EventKind::LogTruncated => event.causes.extend(self.elections.get(&event.subject)),
            // The controller only misses heartbeats; we know why they stopped.
            EventKind::BrokerFenced => {
                let controller = || self.last_deed(NodeId::Controller(self.active_controller()?.id()));
                event.causes.extend(self.last_deed_to_broker(&event.subject).or_else(controller));
            }
            // A controller that took office meanwhile does not know why the broker was away.
            EventKind::BrokerUnfenced if event.causes.is_empty() => {
                event.causes.extend(self.last_deed_to_broker(&event.subject));
            }
            // Nor does a coordinator know why a member is silent, or a leader why a follower is late.
            EventKind::RebalanceStarted | EventKind::GroupRebalanced => {
                // Who joins again by itself has given partitions up.
                let revoked = event.kind == EventKind::RebalanceStarted && event.causes.is_empty();
                event.causes.extend(self.rebalances.get(&event.subject).filter(|_| revoked));
                self.rebalances.insert(event.subject.clone(), event.id);
            }
            EventKind::PartitionsRevoked => {
                event.causes.extend(self.rebalances.insert(event.subject.clone(), event.id));
            }
            EventKind::CommitRefused => {
                event.causes.extend(self.struck_member(&event.text));
                event.causes.extend(self.rebalances.get(&event.subject));
            }
            // What an application does to itself is why its group misses it.
            EventKind::Application => {
                if let Some(node) = self.member_named(&event.text) {
                    event.causes.extend(self.hosts[node as usize].struck.replace(event.id));
                }
            }
            EventKind::MemberLeft => event.causes.extend(self.struck_member(&event.text)),
            // Somebody started it.
            EventKind::MemberJoined => event.causes.extend(self.last_deed_to_member(&event.text)),
            EventKind::IsrChanged if event.rule.starts_with("replica.lag.time.max.ms") => {
                event.causes.extend(self.struck_followers(&event.subject));
                self.shrinks.insert(event.subject.clone(), event.id);
            }
            EventKind::ControllerResigned => {
                self.last_elected.1 = Some(event.id);
            }
            // So does the quorum of its leader.
            EventKind::ControllerElected => {
                let (last, left) = self.last_elected;
                let zookeeper = self.scenario.cluster.config.zookeeper();
                let last_node = if zookeeper { NodeId::Broker(BrokerId(last)) } else { NodeId::Controller(last) };
                let struck = self.number(last_node).and_then(|node| self.hosts[node as usize].struck);
                event.causes.extend(left.or(struck));
                self.last_elected = (event.subject.parse().unwrap_or(last), None);
            }
            // Servers of an ensemble only miss one another, and a broker only hears that it was missed.
            EventKind::ZooKeeper if event.causes.is_empty() => {
                let servers = self.hosts[..self.controllers.len()].iter().filter(|host| host.down || host.paused);
                event.causes.extend(servers.filter_map(|host| host.struck));
                event.causes.extend(self.last_deed_to_broker(&event.subject));
            }
            _ => {}
        }
        let kind = event.kind;
        self.events.push(EventView {
            id: event.id.0,
            at_us: self.now.micros(),
            kind: event.kind.name().to_owned(),
            subject: event.subject,
            text: event.text,
            rule: event.rule,
            causes: event.causes.into_iter().map(|cause| cause.0).collect(),
        });
        if matches!(kind, EventKind::ControllerElected | EventKind::ControllerResigned | EventKind::ZooKeeper) {
            self.tell_untold(kind);
        }
    }

    /// Whoever takes over commits what its predecessors left in its log; they can tell of it no more.
    fn tell_untold(&mut self, kind: EventKind) {
        let Some(active) = self.active_controller().map(Voter::id) else { return };
        let newest = self.active_controller().and_then(Voter::active).unwrap_or(0);
        let left: Vec<_> = self.controllers.iter_mut().flat_map(|voter| voter.take_untold(newest)).collect();
        for (epoch, upto, event) in left {
            let committed = self.controllers.iter().any(|voter| voter.id() == active && voter.has_committed(epoch, upto));
            self.tell_late(event, committed);
        }
        if kind == EventKind::ControllerElected && self.scenario.cluster.config.zookeeper() {
            let image = Arc::clone(self.controller().image());
            let left: Vec<_> = self.brokers.iter_mut().flat_map(|broker| broker.take_untold(image.controller_epoch)).collect();
            left.into_iter().for_each(|(epoch, upto, event)| self.tell_late(event, image.has_written(epoch, upto)));
        }
    }

    /// What was not committed has not happened; only an administrator is owed a word.
    fn tell_late(&mut self, mut event: TraceEvent, committed: bool) {
        if event.kind == EventKind::Command && !committed {
            let ran: String = event.text.split_inclusive('`').take(2).collect();
            event.text = format!("{ran}, and it came to nothing: its controller was gone before a majority had it.");
        } else if !committed {
            return;
        }
        self.push_event(event);
    }
}
