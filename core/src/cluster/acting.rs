//! What the user does to the world: each [`Command`], at this instant.

use super::Cluster;
use crate::command::{Act, Command, CommandError, Who};
use crate::ids::{BrokerId, ClientId, EventId, NodeId};
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
        let Who::Node(id) = *who else { return Err(CommandError::NotModelled("The process of a client")) };
        let node = self.server(id);
        let Some(number) = self.number(node) else { return Ok(()) };
        let down = self.is_down(node);
        match act {
            Act::Kill if down => return Err(CommandError::NotRunning(who.clone())),
            Act::Kill => self.kill(id, number),
            Act::Start if !down => return Err(CommandError::AlreadyRunning(who.clone())),
            Act::Start => self.start(id, number),
            Act::Stop => return Err(CommandError::NotModelled("A clean stop")),
            Act::Pause | Act::Resume => return Err(CommandError::NotModelled("A paused process")),
            Act::PowerCut => return Err(CommandError::NotModelled("A power cut")),
        }
        Ok(())
    }

    /// A broker or a controller, by its `node.id`.
    fn server(&self, id: i32) -> NodeId {
        match self.broker_ids.binary_search(&BrokerId(id)) {
            Ok(_) => NodeId::Broker(BrokerId(id)),
            Err(_) => NodeId::Controller(id),
        }
    }

    fn fault(&mut self, subject: i32, text: String, rule: &str, causes: Vec<EventId>) -> EventId {
        let id = self.next_event_id();
        let kind = EventKind::Fault;
        self.push_event(TraceEvent { id, kind, subject: subject.to_string(), text, rule: rule.to_owned(), causes });
        id
    }

    /// The process ends; the operating system closes its connections.
    fn kill(&mut self, id: i32, number: u32) {
        let node = self.node_id(number);
        let text = format!("{} crashed. Its disk is still there.", named(node));
        let event = self.fault(id, text, "kill: the process ends at once, what it wrote stays (page cache kept)", Vec::new());
        self.downs.insert(id, event);
        match node {
            NodeId::Controller(_) => self.controllers[number as usize].crash(),
            _ => self.brokers[number as usize - self.controllers.len()].crash(),
        }
        self.crashes[number as usize] += 1;
        self.wakes[number as usize] = SimTime::MAX;
        let peers: Vec<NodeId> = (0..self.wakes.len() as u32).filter(|peer| *peer != number).map(|peer| self.node_id(peer)).collect();
        for peer in peers {
            self.send(number, node, peer, Message::Closed);
        }
    }

    fn start(&mut self, id: i32, number: u32) {
        let node = self.node_id(number);
        let causes = self.downs.remove(&id).into_iter().collect();
        let text = format!("{} starts again on its disk.", named(node));
        let event = self.fault(id, text, "start: a new process with the log directories it finds", causes);
        for peer in (0..self.crashes.len() as u32).filter(|peer| *peer != number) {
            // A new process has no connection left from before.
            self.network.reconnect(number, node, self.node_id(peer), self.crashes[peer as usize]);
        }
        let now = self.now;
        let mut out = std::mem::take(&mut self.outbox);
        match node {
            NodeId::Controller(_) => self.controllers[number as usize].start(now, &mut out),
            _ => self.brokers[number as usize - self.controllers.len()].start(now, Some(event)),
        }
        self.flush(number, &mut out);
        self.outbox = out;
    }
}

/// `Broker 102`, as a sentence begins.
fn named(node: NodeId) -> String {
    match node {
        NodeId::Controller(id) => format!("Controller {id}"),
        NodeId::Broker(id) => format!("Broker {id}"),
        NodeId::Client(ClientId(id)) => format!("Client {id}"),
    }
}
