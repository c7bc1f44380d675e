//! What the applications of a group do by calls of their own, and records they cannot cope with.

use super::super::Cluster;
use crate::command::{CommandError, Deed, SeekTo, Who};
use crate::ids::TopicPartition;
use crate::scenario::{BadRecord, Mishap, Poison};
use std::sync::Arc;

impl Cluster {
    pub(super) fn deed(&mut self, name: &str, deed: &Deed) -> Result<(), CommandError> {
        let who = Who::Client(name.to_owned());
        let members: Vec<u32> = self.meant(&who).into_iter().filter(|node| self.consumer_at(*node).is_some()).collect();
        if members.is_empty() {
            return Err(CommandError::Refused(format!("{name} reads nothing. Name a group or one of its members.")));
        }
        match deed {
            Deed::Poison(poison) => self.poison(&who, &members, Some(poison)),
            Deed::Cure => self.poison(&who, &members, None),
            Deed::Seek { topic, partition, to } => return self.seek(name, &members, topic, *partition, *to),
            Deed::Hold { topic, partition, on } => return self.hold(name, &members, topic, *partition, *on),
        }
        Ok(())
    }

    fn poison(&mut self, who: &Who, members: &[u32], poison: Option<&Poison>) {
        let (actor, many) = self.actor(who);
        let text = match poison {
            None => format!("{actor} {} with every record now.", if many { "cope" } else { "copes" }),
            Some(Poison { record, does }) => {
                let does = match does {
                    Mishap::Crash => "throw",
                    Mishap::Block => "never come back",
                    Mishap::Skip => "leave it out",
                };
                let met = match record {
                    BadRecord::At { topic, partition, offset } => format!("at {topic}-{partition}@{offset}"),
                    BadRecord::Key(key) => format!("at a record with key {key}"),
                };
                format!("{actor} will {does} {met}.")
            }
        };
        let event = self.fault(who.to_string(), text, "A poison record: the application, not Kafka, cannot cope with it", Vec::new());
        let now = self.now;
        for node in members {
            self.hosts[*node as usize].strike(event);
            let Some(place) = self.consumer_at(*node) else { continue };
            let mut spec = (**self.consumers[place].spec()).clone();
            spec.poison = poison.cloned();
            self.acting_as(*node, |cluster, out| cluster.consumers[place].cope(now, Arc::new(spec), out));
        }
    }

    fn seek(&mut self, name: &str, members: &[u32], topic: &str, partition: u32, to: SeekTo) -> Result<(), CommandError> {
        let (node, place, id) = self.owner(members, topic, partition)?;
        let text = format!("{} seeks to {topic}-{partition}@{to}.", self.consumers[place].name);
        let event = self.fault(name.to_owned(), text, "KafkaConsumer.seek: the position moves, the committed offset does not", Vec::new());
        self.hosts[node as usize].last = Some(event);
        let now = self.now;
        self.acting_as(node, |cluster, out| cluster.consumers[place].seek(now, id, to, out));
        Ok(())
    }

    fn hold(&mut self, name: &str, members: &[u32], topic: &str, partition: u32, on: bool) -> Result<(), CommandError> {
        let (node, place, id) = self.owner(members, topic, partition)?;
        let does = if on { "wants no records of" } else { "wants records again of" };
        let text = format!("{} {does} {topic}-{partition}.", self.consumers[place].name);
        let rule = "KafkaConsumer.pause and resume: the member keeps the partition and goes on polling; a rebalance forgets it";
        self.fault(name.to_owned(), text, rule, Vec::new());
        let now = self.now;
        self.acting_as(node, |cluster, out| cluster.consumers[place].hold(now, id, on, out));
        Ok(())
    }

    /// Who of them owns a partition, as they know it.
    fn owner(&self, members: &[u32], topic: &str, partition: u32) -> Result<(u32, usize, TopicPartition), CommandError> {
        let image = self.controller().image();
        let id = image.topic_named(topic).map(|topic| TopicPartition { topic: topic.id, partition });
        let owns = |node: &u32| {
            let (place, id) = (self.consumer_at(*node)?, id?);
            let host = &self.hosts[*node as usize];
            let owns = !host.down && !host.paused && self.consumers[place].positions().any(|(owned, _)| owned == id);
            owns.then_some((*node, place, id))
        };
        let owner = members.iter().find_map(owns);
        owner
            .ok_or_else(|| CommandError::Refused(format!("IllegalStateException: No current assignment for partition {topic}-{partition}")))
    }
}
