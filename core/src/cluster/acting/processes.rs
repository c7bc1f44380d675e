//! Processes that die, stop, start, freeze and thaw.

use super::super::Cluster;
use super::super::numbering::Seat;
use crate::command::{Act, CommandError, Who};
use crate::ids::{EventId, NodeId};
use crate::node::Outbox;
use crate::protocol::Message;
use crate::time::SimTime;

impl Cluster {
    /// Those of `who` that it can happen to; refused when it can happen to none.
    pub(super) fn process(&mut self, act: Act, who: &Who) -> Result<(), CommandError> {
        let meant = self.meant(who);
        self.possible(act, &meant)?;
        let fits = |node: &u32| {
            let host = &self.hosts[*node as usize];
            match act {
                Act::Kill | Act::PowerCut => !host.down,
                Act::Stop => !host.down && !host.paused,
                Act::Start => host.down || self.is_closing(*node),
                Act::Pause => !host.down && !host.paused,
                Act::Resume => host.paused,
            }
        };
        let nodes: Vec<u32> = meant.iter().copied().filter(fits).collect();
        if nodes.is_empty() {
            let paused = meant.iter().any(|node| self.hosts[*node as usize].paused);
            return Err(match act {
                Act::Pause | Act::Stop if paused => CommandError::AlreadyPaused(who.clone()),
                Act::Kill | Act::PowerCut | Act::Pause | Act::Stop => CommandError::NotRunning(who.clone()),
                Act::Start => CommandError::AlreadyRunning(who.clone()),
                Act::Resume => CommandError::NotPaused(who.clone()),
            });
        }
        let event = self.tell(act, who, &nodes);
        for node in nodes {
            self.hosts[node as usize].last = Some(event);
            match act {
                Act::Kill => self.kill(node, event),
                Act::PowerCut => self.power_cut(node, event),
                Act::Stop => self.stop(node, event),
                Act::Start => self.start(node, event),
                Act::Pause => {
                    let host = &mut self.hosts[node as usize];
                    host.paused = true;
                    host.strike(event);
                    host.falls_silent(self.now);
                    let now = self.now;
                    if let Some(place) = self.consumer_at(node) {
                        self.acting_as(node, |cluster, out| cluster.consumers[place].freeze(now, out));
                    }
                }
                Act::Resume => self.resume(node),
            }
        }
        Ok(())
    }

    /// What the engine does not have yet is refused before anything happens.
    fn possible(&self, act: Act, meant: &[u32]) -> Result<(), CommandError> {
        for node in meant {
            if act == Act::PowerCut && matches!(self.node_id(*node), NodeId::Client(_)) {
                return Err(CommandError::Refused("A client keeps nothing on a disk. Write `kill` instead.".to_owned()));
            }
        }
        Ok(())
    }

    /// The event, caused by what the processes suffered from before.
    fn tell(&mut self, act: Act, who: &Who, nodes: &[u32]) -> EventId {
        let (actor, many) = self.actor(who);
        let brokers = nodes.iter().any(|node| !matches!(self.node_id(*node), NodeId::Client(_)));
        let (their, have, starts) = if many { ("Their disks are", "are", "start") } else { ("Its disk is", "is", "starts") };
        let (text, rule) = match act {
            Act::Kill if brokers => {
                (format!("{actor} crashed. {their} still there."), "kill: the process ends at once, what it wrote stays (page cache kept)")
            }
            Act::Kill => (format!("{actor} crashed."), "kill: the process ends at once; nobody is told but by closed connections"),
            Act::PowerCut => (format!("{actor} lost power. What was not flushed is gone."), "power-cut: the page cache is lost"),
            Act::Stop if brokers => (
                format!("{actor} {} told to stop and hand over first.", if many { "were" } else { "was" }),
                "stop: a controlled shutdown; leaderships move before the process ends",
            ),
            Act::Stop => (format!("{actor} {} in order.", if many { "stop" } else { "stops" }), "stop: close() of a client"),
            Act::Start if brokers => {
                let disk = if many { "their disks" } else { "its disk" };
                (format!("{actor} {starts} again on {disk}."), "start: a new process with the log directories it finds")
            }
            Act::Start => {
                (format!("{actor} {starts} again."), "start: a new process; a producer sends again what it got no acknowledgement for")
            }
            Act::Pause => (
                format!("{actor} {have} paused: nothing gets done, messages wait."),
                "pause: SIGSTOP, as in a long garbage collection; the timers of others go on",
            ),
            Act::Resume => {
                (format!("{actor} {} on.", if many { "go" } else { "goes" }), "resume: SIGCONT; what waited is done now, late timers too")
            }
        };
        let causes = match act {
            Act::Start | Act::Resume => {
                let mut causes: Vec<EventId> = nodes.iter().filter_map(|node| self.hosts[*node as usize].struck.take()).collect();
                causes.dedup();
                causes
            }
            _ => Vec::new(),
        };
        self.fault(who.to_string(), text, rule, causes)
    }

    /// The process ends; the operating system closes its connections.
    pub(super) fn kill(&mut self, node: u32, event: EventId) {
        if let Some(place) = self.consumer_at(node) {
            let now = self.now;
            self.acting_as(node, |cluster, out| cluster.consumers[place].crash(now, out));
        }
        self.end(node, Some(event));
        match self.seat(node) {
            Seat::Controller(place) => self.controllers[place as usize].crash(),
            Seat::Broker(place) => self.brokers[place as usize].crash(),
            Seat::Producer(place) => self.producers[place as usize].crash(),
            Seat::Consumer(_) => {}
        }
    }

    /// There is no process any more.
    pub(in crate::cluster) fn end(&mut self, node: u32, event: Option<EventId>) {
        self.drop_unserved(node, event);
        let host = &mut self.hosts[node as usize];
        if !host.paused {
            host.falls_silent(self.now);
        }
        (host.down, host.paused) = (true, false);
        host.crashes += 1;
        event.inspect(|event| host.strike(*event));
        self.wakes[node as usize] = SimTime::MAX;
        let from = self.node_id(node);
        let client = |id: NodeId| matches!(id, NodeId::Client(_));
        for peer in (0..self.hosts.len() as u32).filter(|peer| *peer != node) {
            let to = self.node_id(peer);
            // Clients are connected to brokers alone.
            if !client(from) || matches!(to, NodeId::Broker(_)) {
                self.send(node, from, to, Message::Closed);
            }
        }
    }

    pub(super) fn stop(&mut self, node: u32, event: EventId) {
        self.hosts[node as usize].strike(event);
        let now = self.now;
        let mut ended = false;
        match self.seat(node) {
            // It ends when the controller lets it.
            Seat::Broker(place) => self.acting_as(node, |cluster, out| cluster.brokers[place as usize].stop(now, Some(event), out)),
            // It ends when another one leads.
            Seat::Controller(place) => self.acting_as(node, |cluster, out| cluster.controllers[place as usize].stop(now, Some(event), out)),
            Seat::Producer(place) => self.producers[place as usize].close(),
            Seat::Consumer(place) => {
                self.acting_as(node, |cluster, out| ended = cluster.consumers[place as usize].close(now, event, out));
            }
        }
        // One that works on records goes on with those it has in hand, and then ends by itself.
        if ended {
            self.kill(node, event);
        }
    }

    /// A producer that waits for the last acknowledgements.
    fn is_closing(&self, node: u32) -> bool {
        self.producer_at(node).is_some_and(|place| self.producers[place].is_closing())
    }

    pub(super) fn start(&mut self, node: u32, event: EventId) {
        self.hosts[node as usize].down = false;
        self.connect_afresh(node);
        let now = self.now;
        if let NodeId::Client(client) = self.node_id(node) {
            self.refusals.insert(client, (None, Some(event)));
        }
        let seat = self.seat(node);
        self.acting_as(node, |cluster, out| match seat {
            Seat::Controller(place) => cluster.controllers[place as usize].start(now, out),
            Seat::Broker(place) => cluster.brokers[place as usize].start(now, Some(event), out),
            Seat::Producer(place) => cluster.producers[place as usize].start(now, out),
            Seat::Consumer(place) => cluster.consumers[place as usize].start(now, out),
        });
    }

    /// A new process has no connection left from before.
    pub(super) fn connect_afresh(&mut self, node: u32) {
        let from = self.end_of(node);
        for peer in (0..self.hosts.len() as u32).filter(|peer| *peer != node) {
            let to = self.end_of(peer);
            if !matches!((from.1, to.1), (NodeId::Client(_), NodeId::Client(_))) {
                let crashes = self.hosts[peer as usize].crashes;
                self.network.reconnect(from, to, crashes);
                if self.network.is_troubled() {
                    // Whoever could not be told of the last process answers the new one all the same.
                    self.network.reconnect(to, from, self.hosts[node as usize].crashes);
                }
            }
        }
        if self.scenario.cluster.config.zookeeper() {
            // A broker that is the controller talks to itself as to any other.
            self.network.reconnect(from, from, self.hosts[node as usize].crashes);
        }
    }

    /// What waited is delivered now, in order; then the timers are looked at.
    fn resume(&mut self, node: u32) {
        self.hosts[node as usize].paused = false;
        if let Some(place) = self.consumer_at(node) {
            self.consumers[place].thaw(self.now);
        }
        if let Some(witness) = &mut self.witness {
            witness.resumed = true;
        }
        for envelope in std::mem::take(&mut self.hosts[node as usize].inbox) {
            self.deliver(envelope);
        }
        self.acting_as(node, |_, _| {});
    }

    /// Lets a participant act outside of its own turn, and does what it asks for.
    pub(super) fn acting_as(&mut self, node: u32, act: impl FnOnce(&mut Cluster, &mut Outbox)) {
        let mut out = std::mem::take(&mut self.outbox);
        act(self, &mut out);
        self.flush(node, &mut out);
        self.outbox = out;
    }
}
