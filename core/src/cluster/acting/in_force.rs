//! Faults that go on until somebody ends them, for whoever must not forget them.

use super::super::Cluster;
use crate::broker::Broker;
use crate::command::{Act, Command, DiskFault, LinkFault, Path, Who};
use crate::ids::NodeId;

impl Cluster {
    /// Notes a command that leaves something wrong, and forgets those whose trouble is over.
    pub(super) fn note_trouble(&mut self, command: &Command) {
        let mut troubles = std::mem::take(&mut self.troubles);
        troubles.retain(|other| other != command && self.still_wrong(other));
        if undone_by(command).is_some() && self.still_wrong(command) {
            troubles.push(command.clone());
        }
        self.troubles = troubles;
    }

    /// What is wrong now, as the line that made it so and the line that ends it, oldest first.
    pub fn in_force(&self) -> Vec<(String, String)> {
        let now = self.troubles.iter().filter(|command| self.still_wrong(command));
        now.filter_map(|command| Some((command.to_string(), undone_by(command)?.to_string()))).collect()
    }

    /// Judged by the world as it is, not by what was asked since: a part of it may have been mended.
    fn still_wrong(&self, command: &Command) -> bool {
        match command {
            Command::Process(_, who) => self.meant(who).into_iter().any(|node| self.hosts[node as usize].paused),
            Command::Disk(_, id) => self.broker(*id).is_some_and(Broker::disk_ails),
            Command::Link(path, _) => self.is_troubled(path),
            Command::Skew(who, _) => self.meant(who).into_iter().any(|node| self.is_skewed(node)),
            _ => false,
        }
    }

    fn is_troubled(&self, path: &Path) -> bool {
        let faulty = self.network.faulty();
        let wrong = |from: u32, to: u32| faulty.contains(&(from, self.node_id(to).stream()));
        self.pairs(path).into_iter().any(|(from, to)| wrong(from, to) || wrong(to, from))
    }

    fn is_skewed(&self, node: u32) -> bool {
        match self.node_id(node) {
            NodeId::Client(id) => self.producer(id).is_some_and(|producer| producer.workload().skew_ms != 0),
            NodeId::Broker(id) => self.broker(id).is_some_and(Broker::is_skewed),
            NodeId::Controller(_) => false,
        }
    }
}

/// The command that ends what another began; nothing for what ends by itself or not at all.
fn undone_by(command: &Command) -> Option<Command> {
    match command {
        Command::Process(Act::Pause, who) => Some(Command::Process(Act::Resume, who.clone())),
        Command::Disk(DiskFault::Full | DiskFault::Slow(_), id) => Some(Command::Disk(DiskFault::Heal, *id)),
        Command::Link(_, LinkFault::Heal) => None,
        Command::Link(path, _) => Some(Command::Link(path.clone(), LinkFault::Heal)),
        Command::Skew(who, ms) if *ms != 0 => Some(Command::Skew(Who::clone(who), 0)),
        _ => None,
    }
}
