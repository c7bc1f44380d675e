//! Kafka's own tools: what an administrator asks of the active controller, and what the tool prints.
//!
//! The request is not sent through a broker as a message: it is with the active controller at once. What it decides takes the usual
//! way, and is told when a majority has it. A tool would wait for that, up to `default.api.timeout.ms`; here nobody waits: where no
//! majority can be reached now, it is as if that time had passed.

use super::super::Cluster;
use crate::command::{Command, CommandError, NewTopic};
use crate::config::{Profile, Settings, TopicConfig};
use crate::controller::Controller;
use crate::error::{ErrorCode, Refusal};
use crate::ids::{EventId, NodeId, TopicPartition};
use crate::node::Outbox;
use crate::protocol::CreateTopicRequest;
use crate::trace::{EventKind, TraceEvent};
use std::sync::Arc;

/// How `kafka-topics.sh` begins a refusal.
const TOPICS: &str = "Error while executing topic command : ";

/// What the tool prints, or why nothing was done.
type Outcome = Result<String, CommandError>;

impl Cluster {
    pub(super) fn administer(&mut self, command: &Command) -> Outcome {
        let node = self.deciding(command)?;
        let (now, id) = (self.now, self.next_event_id());
        let broker = self.broker_place(node);
        let mut outcome = Ok(String::new());
        self.acting_as(node, |cluster, out| {
            let act = |controller: &mut Controller, out: &mut Outbox| {
                let answer = ask(controller, command, id, out)?;
                let what = if answer.is_empty() { String::new() } else { format!(" {answer}") };
                let ran = TraceEvent {
                    id,
                    kind: EventKind::Command,
                    subject: "administrator".to_owned(),
                    text: format!("An administrator ran `{command}`.{what}"),
                    rule: "The active controller decides what administrators ask for".to_owned(),
                    causes: Vec::new(),
                };
                out.events.insert(0, ran);
                Ok(answer)
            };
            outcome = match broker {
                None => cluster.controllers[node as usize].administer(now, out, act),
                Some(place) => cluster.brokers[place].administer(now, out, act).unwrap_or_else(|| Ok(String::new())),
            };
        });
        if outcome.is_err() {
            // Nothing has happened, so there is nothing to number.
            self.outbox.next_event = id.0;
        }
        outcome
    }

    /// The active controller's dense number, if anybody can reach one and it a majority.
    fn deciding(&self, command: &Command) -> Result<u32, CommandError> {
        let tool = if command.is_about_topics() { TOPICS } else { "" };
        let refuse = |why: &str| Err(CommandError::Refused(format!("{tool}Timed out waiting for a node assignment. {why}")));
        if !self.brokers.iter().any(|broker| broker.listens()) {
            return refuse("No broker takes connections.");
        }
        let active = self.deciding_node().and_then(|(node, _)| self.number(node));
        let Some(node) = active.filter(|node| !self.hosts[*node as usize].paused) else { return refuse("There is no active controller.") };
        let writer = self.active_controller().and_then(|voter| self.number(NodeId::Controller(voter.id())));
        // The controller among the brokers stays one, and can write nothing.
        let Some(writer) = writer else { return refuse("ZooKeeper has no leader: nothing can be written.") };
        let me = self.end_of(writer);
        let copies = |voter: &u32| {
            let (host, other) = (&self.hosts[*voter as usize], self.end_of(*voter));
            !host.down && !host.paused && !self.network.is_cut(me, other) && !self.network.is_cut(other, me)
        };
        let voters = self.controllers.len() as u32;
        match (0..voters).filter(copies).count() as u32 > voters / 2 {
            true => Ok(node),
            false => refuse("No majority of the controllers can be reached."),
        }
    }
}

fn ask(controller: &mut Controller, command: &Command, because: EventId, out: &mut Outbox) -> Outcome {
    let because = Some(because);
    let refused = |tool: &str, refusal: Refusal| CommandError::Refused(format!("{tool}{}", refusal.message));
    match command {
        Command::CreateTopic(new) => {
            let (request, manual) = requested(new, controller.profile())?;
            let manual = (!manual.is_empty()).then_some(manual);
            controller.create_topic(&request, manual, because, out).map_err(|refusal| refused(TOPICS, refusal))?;
            Ok(format!("Created topic {}.", new.name))
        }
        Command::AddPartitions { topic, total, assignment } => {
            // Kafka's tool names every partition; those that are there already are not asked for again.
            let known = controller.image().topic_named(topic).map_or(0, |topic| topic.partitions.len());
            let manual = assignment.get(known..).filter(|rest| !rest.is_empty());
            controller.create_partitions(topic, *total, manual, because, out).map_err(|refusal| refused(TOPICS, refusal))?;
            Ok(String::new())
        }
        Command::DeleteTopic(topic) => {
            controller.delete_topic(topic, because, out).map_err(|refusal| refused(TOPICS, refusal))?;
            Ok(String::new())
        }
        Command::ConfigureTopic { topic, add, delete } => {
            let config = configured(controller, topic, add, delete)?;
            controller.alter_topic_config(topic, config, because, out).map_err(|refusal| refused("", refusal))?;
            Ok(format!("Completed updating config for topic {topic}."))
        }
        Command::Elect { unclean, of } => elect(controller, *unclean, of.as_ref(), because, out),
        Command::Reassign { topic, partition, replicas } => {
            let id = named(controller, topic, *partition)?;
            controller.reassign(id, Some(replicas), because, out).map_err(|refusal| refused("", refusal))?;
            Ok(format!("Successfully started partition reassignment for {topic}-{partition}."))
        }
        Command::Unregister(broker) => {
            controller.unregister(*broker, because, out).map_err(|refusal| refused("", refusal))?;
            Ok(format!("Broker {broker} is no longer registered."))
        }
        Command::CancelReassignment { topic, partition } => {
            let id = named(controller, topic, *partition)?;
            controller.reassign(id, None, because, out).map_err(|refusal| refused("", refusal))?;
            Ok(format!("Successfully cancelled partition reassignment for: {topic}-{partition}."))
        }
        _ => Ok(String::new()),
    }
}

/// -1 leaves the choice to the brokers' defaults.
fn requested(new: &NewTopic, profile: Profile) -> Result<(CreateTopicRequest, &[Vec<crate::ids::BrokerId>]), CommandError> {
    let mut config = TopicConfig::of(profile);
    for (key, value) in &new.config {
        config.set(key, value).map_err(|fault| CommandError::Refused(fault.message))?;
    }
    let or_default = |asked: Option<u32>| asked.map_or(-1, |asked| i32::try_from(asked).unwrap_or(i32::MAX));
    if !new.assignment.is_empty() && (new.partitions.is_some() || new.replication_factor.is_some()) {
        let text = "Option \"[replica-assignment]\" can't be used with option \"[partitions]\" or \"[replication-factor]\".";
        return Err(CommandError::Refused(text.to_owned()));
    }
    let (partitions, replication_factor) = (or_default(new.partitions), or_default(new.replication_factor));
    let name = Arc::from(new.name.as_str());
    Ok((CreateTopicRequest { name, internal: false, partitions, replication_factor, config }, &new.assignment))
}

/// The topic's settings as they are to be.
fn configured(controller: &Controller, topic: &str, add: &[(String, String)], delete: &[String]) -> Result<TopicConfig, CommandError> {
    let refuse = |text: String| Err(CommandError::Refused(text));
    let Some(image) = controller.image().topic_named(topic) else {
        return refuse(format!("The topic '{topic}' does not exist."));
    };
    let mut config = (*image.config).clone();
    let given = config.given_in(controller.profile());
    let unset: Vec<&str> = delete.iter().map(String::as_str).filter(|key| !given.contains_key(*key)).collect();
    if !unset.is_empty() {
        return refuse(format!("Invalid config(s): {}", unset.join(",")));
    }
    let default = TopicConfig::of(controller.profile()).describe();
    for key in delete {
        let value = default.iter().find(|row| row.key == key).map_or("", |row| &row.value);
        config.set(key, value).map_err(|fault| CommandError::Refused(fault.message))?;
    }
    for (key, value) in add {
        config.set(key, value).map_err(|fault| CommandError::Refused(fault.message))?;
    }
    Ok(config)
}

fn elect(controller: &mut Controller, unclean: bool, of: Option<&(String, u32)>, because: Option<EventId>, out: &mut Outbox) -> Outcome {
    let kind = if unclean { "UNCLEAN" } else { "PREFERRED" };
    let results = match of {
        None => controller.elect_leaders(unclean, because, out),
        Some((topic, partition)) => {
            let id = named(controller, topic, *partition)?;
            vec![(id, controller.elect_leader(id, unclean, because, out))]
        }
    };
    let (mut done, mut there, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (id, result) in results {
        let name = controller.image().name_of(id);
        match result {
            Ok(()) => done.push(name),
            Err(Refusal { code: ErrorCode::ElectionNotNeeded, .. }) => there.push(name),
            Err(refusal) => {
                failed.push(format!("Error completing leader election ({kind}) for partition: {name}: {}", refusal.message));
            }
        }
    }
    let mut lines = Vec::new();
    if !done.is_empty() {
        lines.push(format!("Successfully completed leader election ({kind}) for partitions {}", done.join(", ")));
    }
    if !there.is_empty() {
        lines.push(format!("Valid replica already elected for partitions {}", there.join(", ")));
    }
    let failures = failed.len();
    lines.extend(failed);
    if failures > 0 {
        lines.push(format!("{failures} replica(s) could not be elected"));
    }
    let text = lines.join("\n");
    if failures > 0 && done.is_empty() { Err(CommandError::Refused(text)) } else { Ok(text) }
}

fn named(controller: &Controller, topic: &str, partition: u32) -> Result<TopicPartition, CommandError> {
    let known = controller.image().topic_named(topic).filter(|known| partition < known.partitions.len() as u32);
    known
        .map(|known| TopicPartition { topic: known.id, partition })
        .ok_or_else(|| CommandError::Refused(format!("{topic}-{partition}: This server does not host this topic-partition.")))
}
