//! What the user does to the world: each [`Command`], at this instant.

use super::Cluster;
use crate::command::{Act, Command, CommandError, Who};
use crate::ids::{BrokerId, EventId, NodeId};
use crate::protocol::Message;
use crate::time::SimTime;
use crate::trace::{EventKind, TraceEvent};

impl Cluster {
    /// Does what the user asked, at this instant; a refused command changes nothing.
    ///
    /// One step, whether it comes from the user or from the timeline: a recording replays to the same count.
    pub fn apply(&mut self, command: &Command) -> Result<(), CommandError> {
        if let Some(unknown) = self.scenario.cast().unknown(command) {
            return Err(CommandError::Unknown(unknown));
        }
        match command {
            Command::Process(act, who) => self.process(*act, who)?,
            Command::Link(..) | Command::HealAll => return Err(CommandError::NotModelled("A link that misbehaves")),
            Command::Disk(..) => return Err(CommandError::NotModelled("A disk that misbehaves")),
            Command::Skew(..) => return Err(CommandError::NotModelled("A clock that is wrong")),
            Command::Set { .. } => return Err(CommandError::NotModelled("A client that changes its settings")),
            Command::Elect { .. } => return Err(CommandError::NotModelled("An election on request")),
            Command::CreateTopic(_) | Command::AddPartitions { .. } | Command::DeleteTopic(_) | Command::ConfigureTopic { .. } => {
                return Err(CommandError::NotModelled("A topic that changes while the cluster runs"));
            }
            Command::Reassign { .. } | Command::CancelReassignment { .. } => {
                return Err(CommandError::NotModelled("A reassignment of replicas"));
            }
        }
        self.steps += 1;
        Ok(())
    }

    fn process(&mut self, act: Act, who: &Who) -> Result<(), CommandError> {
        let id = match who {
            Who::Node(id) if self.is_broker(BrokerId(*id)) => BrokerId(*id),
            Who::Node(_) => return Err(CommandError::NotModelled("The process of a controller")),
            _ => return Err(CommandError::NotModelled("The process of a client")),
        };
        let Some(node) = self.number(NodeId::Broker(id)) else { return Ok(()) };
        let down = self.is_down(id);
        match act {
            Act::Kill if down => return Err(CommandError::NotRunning(who.clone())),
            Act::Kill => self.kill(id, node),
            Act::Start if !down => return Err(CommandError::AlreadyRunning(who.clone())),
            Act::Start => self.start(id, node),
            Act::Stop if down => return Err(CommandError::NotRunning(who.clone())),
            Act::Stop => self.stop(id, node),
            Act::Pause | Act::Resume => return Err(CommandError::NotModelled("A paused process")),
            Act::PowerCut => return Err(CommandError::NotModelled("A power cut")),
        }
        Ok(())
    }

    fn is_broker(&self, id: BrokerId) -> bool {
        self.broker_ids.binary_search(&id).is_ok()
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
        self.close_connections(id, node);
    }

    /// The process is told to end: it hands over first.
    fn stop(&mut self, id: BrokerId, node: u32) {
        let text = format!("Broker {id} was told to stop.");
        let event = self.fault(id, text, "stop: a controlled shutdown, nothing is lost", Vec::new());
        self.downs.insert(id, event);
        let now = self.now;
        let mut out = std::mem::take(&mut self.outbox);
        self.brokers[node as usize - 1].stop(now, Some(event), &mut out);
        self.flush(node, &mut out);
        self.outbox = out;
    }

    /// A process is gone; the operating system tells its peers.
    pub(super) fn close_connections(&mut self, id: BrokerId, node: u32) {
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
