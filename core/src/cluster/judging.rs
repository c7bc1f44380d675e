//! What becomes of facts and events: the referee is told, the record of the run grows, causes are filled in that only the world knows.

use super::Cluster;
use crate::ids::{BrokerId, EventId, NodeId, TopicPartition};
use crate::node::Fact;
use crate::trace::{EventKind, TraceEvent};
use crate::view::EventView;

impl Cluster {
    /// Tells the referee; what it finds becomes an event.
    pub(super) fn judge(&mut self, fact: Fact, next_event: &mut u64) {
        match fact {
            Fact::Sent { records, .. } => self.referee.sent += u64::from(records),
            Fact::Acked { partition, base, records, epoch, .. } => self.referee.acked(partition, base, records, epoch),
            Fact::AckedBlindly { records, .. } => self.referee.acked += u64::from(records),
            Fact::Failed { records, .. } => self.referee.failed += u64::from(records),
            Fact::Delivered { client, partition, batch, from, to } => {
                let consumer = client.0 as usize - self.producers.len();
                self.referee.delivered(self.group_of[consumer], partition, &batch, from, to);
            }
            Fact::Exited(process, event) => {
                if let Some(node) = self.number(process) {
                    self.end(node, event);
                }
            }
            Fact::LeaderStarted { partition, .. } => self.judge_leader(partition, next_event),
        }
    }

    fn judge_leader(&mut self, id: TopicPartition, next_event: &mut u64) {
        let name = self.controller().image().name_of(id);
        let Some(leader) = self.controller().image().partition(id).and_then(|partition| partition.leader) else { return };
        // Nobody tells of an election that a controller wrote and did not live to see committed: its successor commits it by taking over.
        let because = self.elections.get(&name).copied().or(self.last_takeover);
        let brokers = &self.brokers;
        let Some(replica) = brokers.iter().find(|broker| broker.id == leader).and_then(|broker| broker.replicas().get(&id)) else { return };
        let disks = || brokers.iter().filter_map(|broker| Some((broker.id, &broker.replicas().get(&id)?.log))).collect();
        let Some((count, first, last)) = self.referee.leader_started(id, &replica.log, disks, because) else { return };
        let event = EventId(*next_event);
        *next_event += 1;
        let range = if first == last { format!("{name}@{first}") } else { format!("{name}@{first}…{last}") };
        let records = if count == 1 { "1 acknowledged record is".to_owned() } else { format!("{count} acknowledged records are") };
        self.push_event(TraceEvent {
            id: event,
            kind: EventKind::RecordLost,
            subject: name,
            text: format!("{records} lost: {range}. Broker {leader} leads now and never had them."),
            rule: "What the leader's log does not hold is not in the partition".to_owned(),
            causes: because.into_iter().collect(),
        });
    }

    /// What the user did to the client that such a sentence begins with.
    fn struck_member(&self, text: &str) -> Option<EventId> {
        let name = text.split(' ').next()?;
        let place = self.consumers.iter().position(|consumer| *consumer.name == *name)?;
        let node = self.number(NodeId::Client(self.consumers[place].id))?;
        self.hosts[node as usize].struck
    }

    /// What the user did to the replicas of a partition that are out of sync.
    fn struck_followers(&self, partition: &str) -> Vec<EventId> {
        let image = self.controller().image();
        let known = partition.rsplit_once('-').and_then(|(topic, number)| Some((image.topic_named(topic)?, number.parse::<usize>().ok()?)));
        let Some(partition) = known.and_then(|(topic, number)| topic.partitions.get(number)) else { return Vec::new() };
        let late = partition.replicas.iter().filter(|broker| !partition.isr.contains(broker));
        let nodes = late.filter_map(|broker| self.number(NodeId::Broker(*broker)));
        nodes.filter_map(|node| self.hosts[node as usize].struck).collect()
    }

    pub(super) fn next_event_id(&mut self) -> EventId {
        self.outbox.next_event += 1;
        EventId(self.outbox.next_event - 1)
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
                let node = event.subject.parse().ok().and_then(|id| self.number(NodeId::Broker(BrokerId(id))));
                event.causes.extend(node.and_then(|node| self.hosts[node as usize].struck));
            }
            // Nor does a coordinator know why a member is silent, or a leader why a follower is late.
            EventKind::MemberLeft => event.causes.extend(self.struck_member(&event.text)),
            EventKind::IsrChanged if event.causes.is_empty() && event.rule.starts_with("replica.lag.time.max.ms") => {
                event.causes.extend(self.struck_followers(&event.subject));
            }
            EventKind::ControllerResigned => {
                self.last_elected.1 = Some(event.id);
            }
            // So does the quorum of its leader.
            EventKind::ControllerElected => {
                let (last, left) = self.last_elected;
                let struck = self.number(NodeId::Controller(last)).and_then(|node| self.hosts[node as usize].struck);
                event.causes.extend(left.or(struck));
                self.last_elected = (event.subject.parse().unwrap_or(last), None);
                self.last_takeover = Some(event.id);
            }
            _ => {}
        }
        self.events.push(EventView {
            id: event.id.0,
            at_us: self.now.micros(),
            kind: event.kind.name().to_owned(),
            subject: event.subject,
            text: event.text,
            rule: event.rule,
            causes: event.causes.into_iter().map(|cause| cause.0).collect(),
        });
    }
}
