//! What becomes of facts and events: the referee is told, and the record of the run grows.

use super::Cluster;
use super::referee::Cut;
use crate::ids::{EventId, NodeId};
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
            Fact::Acked { partition, base, records, epoch, acks, created, sent, .. } => {
                self.series.acked(self.now, created, sent);
                self.referee.acked(partition, base, records, epoch, acks);
            }
            Fact::Delivered { client, partition, batch, from, to } => {
                let Some(consumer) = self.consumer_place(client) else { return };
                let group = self.group_of[consumer];
                self.series.delivered(self.now.timestamp_ms() - batch.batch.base_timestamp_ms());
                let given = self.referee.delivered(group, partition, &batch, from, to);
                if given.again || given.twice || given.late || given.skipped.is_some() {
                    self.given(group, batch.writer, partition, from, given);
                }
                self.note_given(consumer, partition, batch, from, to);
            }
            rare => self.judge_rare(node, rare),
        }
    }

    /// Apart from what is told of every batch.
    #[inline(never)]
    fn judge_rare(&mut self, node: u32, fact: Fact) {
        match fact {
            Fact::Sent { .. } | Fact::Acked { .. } | Fact::Delivered { .. } => {}
            Fact::AckedBlindly { records, .. } => self.referee.acked += u64::from(records),
            Fact::Failed { records, .. } => self.referee.failed += u64::from(records),
            Fact::Refused { client, partition, by, error } => self.refused(client, partition, by, error),
            Fact::Dropped { client, partition, records } => {
                let NodeId::Broker(broker) = self.node_id(node) else { return };
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
            Fact::Deleted { partition, from, to } => self.referee.deleted(partition, from, to),
            Fact::Begun { client, partition, at } => {
                let Some(consumer) = self.consumer_place(client) else { return };
                let position = self.consumers[consumer].position(partition).unwrap_or_default();
                let group = self.group_of[consumer] as usize;
                self.referee.groups[group].begun.made(partition).note((client, at, position));
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

    pub(super) fn next_event_id(&mut self) -> EventId {
        self.outbox.next_event += 1;
        EventId(self.outbox.next_event - 1)
    }

    pub(super) fn push_event(&mut self, mut event: TraceEvent) {
        self.add_causes(&mut event);
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
    #[inline(never)]
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
