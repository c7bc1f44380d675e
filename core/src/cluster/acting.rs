//! What the user does to the world: each [`Command`], at this instant.
//!
//! Each is an event; its id is the cause of what it leads to.

mod admin;
mod applications;
mod clients;
mod disks;
mod in_force;
mod joining;
mod links;
mod offsets;
mod processes;

use super::Cluster;
use crate::command::{Command, CommandError, Kind, Who};
use crate::ids::{BrokerId, EventId, NodeId};
use crate::trace::{EventKind, TraceEvent};

impl Cluster {
    /// Does what the user asked, at this instant, and gives what Kafka's own tool would print; a refused command changes nothing.
    ///
    /// One step, whether it comes from the user or from the timeline: a recording replays to the same count.
    pub fn apply(&mut self, command: &Command) -> Result<String, CommandError> {
        let mut answer = String::new();
        if let Some(witness) = &mut self.witness {
            witness.commanded = true;
        }
        if self.now >= self.series.due {
            self.look(self.now);
        }
        if let Some(unknown) = self.scenario.cast().unknown(command) {
            return Err(CommandError::Unknown(unknown));
        }
        match command {
            Command::Process(act, who) => self.process(*act, who)?,
            Command::Link(path, fault) => self.trouble(path, *fault)?,
            Command::HealAll => self.heal_all(),
            Command::Skew(who, ms) => self.skew(who, *ms)?,
            Command::Set { client, .. } if command.changes_cast() && self.has_table(client) => answer = self.change_cast(command)?,
            Command::Set { client, key, value } => self.set(client, key, value)?,
            Command::Deed { who, deed } => self.deed(who, deed)?,
            Command::Disk(fault, id) => self.disk(*fault, *id),
            Command::ResetOffsets(reset) => answer = self.reset_offsets(reset, command)?,
            Command::DeleteOffsets { group, topics } => answer = self.delete_offsets(group, topics, command)?,
            Command::DeleteGroup(group) => answer = self.delete_group(group, command)?,
            Command::Add(_) | Command::Remove { .. } => answer = self.change_cast(command)?,
            Command::Rename { .. } | Command::Scene { .. } | Command::ConfigureBrokers { .. } => return Err(too_late(command)),
            Command::Elect { .. }
            | Command::CreateTopic(_)
            | Command::AddPartitions { .. }
            | Command::DeleteTopic(_)
            | Command::ConfigureTopic { .. }
            | Command::Reassign { .. }
            | Command::Unregister(_)
            | Command::CancelReassignment { .. } => answer = self.administer(command)?,
        }
        self.hosts.iter_mut().for_each(|host| host.punctual = false);
        self.note_trouble(command);
        self.steps += 1;
        Ok(answer)
    }

    /// A group or a fleet of this name.
    fn has_table(&self, name: &str) -> bool {
        self.scenario.groups.iter().any(|group| group.name == name) || self.scenario.producers.iter().any(|fleet| fleet.name == name)
    }

    /// Dense numbers of everybody who is meant.
    pub(super) fn meant(&self, who: &Who) -> Vec<u32> {
        let all = 0..self.hosts.len() as u32;
        all.filter(|node| self.is_meant(*node, who)).collect()
    }

    fn is_meant(&self, node: u32, who: &Who) -> bool {
        match (self.node_id(node), who) {
            _ if self.hosts[node as usize].gone => false,
            (NodeId::Broker(BrokerId(id)), Who::Node(wanted)) => id == *wanted,
            (NodeId::Broker(_), Who::All(Kind::Brokers)) => true,
            (NodeId::Controller(id), Who::Node(wanted)) => id == *wanted,
            (NodeId::Controller(_), Who::All(Kind::Controllers | Kind::ZooKeeper)) => true,
            (NodeId::Client(_), Who::All(Kind::Clients)) => true,
            (NodeId::Client(client), Who::Client(wanted)) => match (self.producer(client), self.consumer(client)) {
                (Some(producer), _) => *producer.name == **wanted || producer.workload().spec().name == *wanted,
                (_, Some(consumer)) => *consumer.name == **wanted || **consumer.group() == **wanted,
                _ => false,
            },
            _ => false,
        }
    }

    /// How a sentence about them begins, and whether they are many.
    fn actor(&self, who: &Who) -> (String, bool) {
        let text = match who {
            Who::Node(id) if self.broker(BrokerId(*id)).is_some() => format!("Broker {id}"),
            Who::Node(id) if self.scenario.cluster.config.zookeeper() => format!("Server {id} of ZooKeeper"),
            Who::Node(id) => format!("Controller {id}"),
            Who::All(Kind::Brokers) => return ("The brokers".to_owned(), true),
            Who::All(Kind::Controllers) => return ("The controllers".to_owned(), true),
            Who::All(Kind::ZooKeeper) => return ("The servers of ZooKeeper".to_owned(), true),
            Who::All(Kind::Clients) => return ("The clients".to_owned(), true),
            Who::Client(name) => {
                let many = self.meant(who).len() > 1;
                if self.scenario.groups.iter().any(|group| group.name == *name) {
                    return (if many { format!("The members of group {name}") } else { format!("The member of group {name}") }, many);
                }
                if many {
                    return (format!("The producers {name}"), true);
                }
                format!("Client {name}")
            }
        };
        (text, false)
    }

    fn fault(&mut self, subject: String, text: String, rule: &str, causes: Vec<EventId>) -> EventId {
        let id = self.next_event_id();
        self.push_event(TraceEvent { id, kind: EventKind::Fault, subject, text, rule: rule.to_owned(), causes });
        id
    }
}

/// What only a cluster that has not run yet can be given.
fn too_late(command: &Command) -> CommandError {
    let text = match command {
        Command::Rename { from, .. } => format!(
            "Kafka renames nothing: records stand under the name of their topic, and bookmarks under that of their group. {from} can be \
             renamed at 0 s, before anything ran; now add another one."
        ),
        Command::ConfigureBrokers { add, delete } => {
            let keys: Vec<&str> = add.iter().map(|(key, _)| key.as_str()).chain(delete.iter().map(String::as_str)).collect();
            format!("Cannot update these configs dynamically: Set({})", keys.join(", "))
        }
        Command::Scene { word, .. } => format!("The run began with another {word}. Go back to 0 s, before anything ran, to change it."),
        _ => String::new(),
    };
    CommandError::Refused(text)
}
