//! What the user does to the world: each [`Command`], at this instant.

use super::Cluster;
use crate::command::{Command, CommandError};
use crate::ids::{BrokerId, EventId, NodeId};
use crate::protocol::Message;
use crate::time::SimTime;
use crate::trace::{EventKind, TraceEvent};

impl Cluster {
    /// Does what the user asked, at this instant; a refused command changes nothing.
    ///
    /// One step, whether it comes from the user or from the timeline: a recording replays to the same count.
    pub fn apply(&mut self, command: &Command) -> Result<(), CommandError> {
        if let Some(witness) = &mut self.witness {
            witness.commanded = true;
        }
        match *command {
            Command::Kill(id) => {
                let node = self.known(id)?;
                if self.is_down(id) {
                    return Err(CommandError::NotRunning(id));
                }
                self.kill(id, node);
            }
            Command::Start(id) => {
                let node = self.known(id)?;
                if !self.is_down(id) {
                    return Err(CommandError::AlreadyRunning(id));
                }
                self.start(id, node);
            }
        }
        self.steps += 1;
        Ok(())
    }

    fn known(&self, id: BrokerId) -> Result<u32, CommandError> {
        self.number(NodeId::Broker(id)).ok_or_else(|| CommandError::NoSuchBroker { broker: id, known: self.broker_ids.to_vec() })
    }

    fn fault(&mut self, subject: BrokerId, text: String, rule: &str, causes: Vec<EventId>) -> EventId {
        let id = self.next_event_id();
        let kind = EventKind::Fault;
        self.push_event(TraceEvent { id, kind, subject: subject.to_string(), text, rule: rule.to_owned(), causes });
        id
    }

    /// The process ends; the operating system closes its connections.
    fn kill(&mut self, id: BrokerId, node: u32) {
        let text = format!("Broker {id} crashed. Its disk is still there.");
        let event = self.fault(id, text, "kill: the process ends at once, what it wrote stays (page cache kept)", Vec::new());
        self.downs.insert(id, event);
        self.brokers[node as usize - 1].crash();
        self.crashes[node as usize - 1] += 1;
        self.wakes[node as usize] = SimTime::MAX;
        let peers: Vec<NodeId> = (0..self.wakes.len() as u32).filter(|peer| *peer != node).map(|peer| self.node_id(peer)).collect();
        for peer in peers {
            self.send(node, NodeId::Broker(id), peer, Message::Closed);
        }
    }

    fn start(&mut self, id: BrokerId, node: u32) {
        let causes = self.downs.remove(&id).into_iter().collect();
        let text = format!("Broker {id} starts again on its disk.");
        let event = self.fault(id, text, "start: a new process with the log directories it finds", causes);
        for peer in self.broker_ids.iter().map(|peer| NodeId::Broker(*peer)).filter(|peer| *peer != NodeId::Broker(id)) {
            // A new process has no connection left from before.
            let crashes = self.crashes_of(peer);
            self.network.reconnect(node, NodeId::Broker(id), peer, crashes);
        }
        let now = self.now;
        let mut out = std::mem::take(&mut self.outbox);
        self.brokers[node as usize - 1].start(now, Some(event));
        self.flush(node, &mut out);
        self.outbox = out;
    }
}
