//! Disks that fill up, slow down, rot or are lost, and machines without power.

use super::super::Cluster;
use crate::command::DiskFault;
use crate::ids::{BrokerId, EventId, NodeId};

impl Cluster {
    pub(super) fn disk(&mut self, fault: DiskFault, id: BrokerId) {
        let Some(node) = self.number(NodeId::Broker(id)) else { return };
        let (text, rule) = match fault {
            DiskFault::Heal => (format!("Broker {id}'s disk works again."), "disk heal: what happened to the data stays"),
            DiskFault::Full => (format!("Broker {id}'s disk is full."), "disk full: the next write fails"),
            DiskFault::Slow(by) => (format!("Broker {id}'s disk takes {by} longer."), "disk slow: appends and reads are late by that"),
            DiskFault::Corrupt { .. } => (format!("Broker {id}'s disk changed a bit."), "disk corrupt: in the newest batch it holds"),
            DiskFault::Wipe => (format!("Broker {id}'s disk is empty."), "disk wipe: every log is gone, the broker keeps its id"),
        };
        let event = self.fault(id.to_string(), text, rule, Vec::new());
        self.hosts[node as usize].last = Some(event);
        let Some(place) = self.broker_place(node) else { return };
        self.acting_as(node, |cluster, out| cluster.brokers[place].disk(fault, event, out));
    }

    /// The machine is gone, its page cache with it. A controller has flushed all it ever answered for.
    pub(super) fn power_cut(&mut self, node: u32, event: EventId) {
        let Some(place) = self.broker_place(node) else { return self.kill(node, event) };
        self.end(node, Some(event));
        let now = self.now;
        self.acting_as(node, |cluster, out| cluster.brokers[place].power_cut(now, event, out));
    }
}
