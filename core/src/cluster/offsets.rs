//! Hands on the committed offsets of a group: what `kafka-consumer-groups.sh` plans and, when the group has no members, carries out.
//!
//! The tool asks the group's coordinator and the leaders of the partitions; here it has their word at once.

use super::Cluster;
use crate::broker::partition::Replica;
use crate::command::{Reset, ResetTo};
use crate::group::{AnyGroup, Shard};
use crate::hash::coordinator_partition;
use crate::ids::{BrokerId, TopicPartition};
use crate::metadata::OFFSETS_TOPIC;
use crate::sorted::SortedMap;
use std::fmt::Write;
use std::sync::Arc;

/// Why the tool gives up, in its own words.
pub type Refused = String;

/// New offsets by topic and partition, and what the tool warns of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    pub offsets: SortedMap<(Arc<str>, u32), u64>,
    pub warnings: String,
}

impl Cluster {
    /// Whoever coordinates a group: the leader of its partition of `__consumer_offsets`, and what that knows.
    pub fn coordinator(&self, group: &str) -> Option<(BrokerId, &Shard)> {
        let partition = coordinator_partition(group, self.scenario.cluster.config.offsets_topic_partitions);
        let topic = self.controller().image().topic_named(OFFSETS_TOPIC)?;
        let leader = self.controller().image().partition(TopicPartition { topic: topic.id, partition })?.leader?;
        Some((leader, self.broker(leader)?.groups().shards().get(&partition)?))
    }

    /// As [`coordinator`](Cluster::coordinator), for a tool that has to reach it.
    pub fn reach_coordinator(&self, group: &str) -> Result<(BrokerId, &Shard), Refused> {
        let found = self.coordinator(group).filter(|(broker, _)| self.broker(*broker).is_some_and(|broker| broker.listens()));
        let found = found.filter(|(broker, _)| !self.is_paused(*broker));
        found.ok_or_else(|| {
            let why = "org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment. Call: findCoordinator";
            format!("\nError: Executing consumer group command failed due to {why}")
        })
    }

    /// What a reset would write, and where; refused while the group has members.
    pub fn plan_reset(&self, reset: &Reset) -> Result<(BrokerId, Planned), Refused> {
        let (coordinator, shard) = self.reach_coordinator(&reset.group)?;
        let state = shard.groups.get(reset.group.as_str()).map_or("Dead", AnyGroup::state_name);
        if !matches!(state, "Empty" | "Dead") {
            return Err(format!(
                "\nError: Assignments can only be reset if the group '{}' is inactive, but the current state is {state}.\n\n{}",
                reset.group, "GROUP           TOPIC           PARTITION  NEW-OFFSET"
            ));
        }
        let committed = |id: &(Arc<str>, u32)| Some(shard.offsets.get(reset.group.as_str())?.get(id)?.offset.0);
        let mut planned = Planned::default();
        for id in self.partitions_to_reset(reset, shard)? {
            let current = committed(&id);
            let offset = self.new_offset(&id, current, reset, &mut planned.warnings)?;
            planned.offsets.insert(id, offset);
        }
        Ok((coordinator, planned))
    }

    fn partitions_to_reset(&self, reset: &Reset, shard: &Shard) -> Result<Vec<(Arc<str>, u32)>, Refused> {
        let image = self.controller().image();
        if let ResetTo::Plan(plan) = &reset.to {
            return Ok(plan.iter().map(|(topic, partition, _)| (Arc::from(topic.as_str()), *partition)).collect());
        }
        if reset.topics.is_empty() {
            let known = shard.offsets.get(reset.group.as_str());
            return Ok(known.into_iter().flat_map(SortedMap::keys).cloned().collect());
        }
        let mut meant = Vec::new();
        for (name, partitions) in &reset.topics {
            let Some(topic) = image.topic_named(name) else {
                let why =
                    "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition.";
                return Err(format!("\nError: Executing consumer group command failed due to {why}"));
            };
            let all: Vec<u32> = (0..topic.partitions.len() as u32).collect();
            let partitions = if partitions.is_empty() { &all } else { partitions };
            meant.extend(partitions.iter().map(|partition| (Arc::clone(&topic.name), *partition)));
        }
        Ok(meant)
    }

    fn new_offset(&self, id: &(Arc<str>, u32), current: Option<u64>, reset: &Reset, warnings: &mut String) -> Result<u64, Refused> {
        let (topic, partition) = id;
        let known = self.controller().image().topic_named(topic).map(|topic| TopicPartition { topic: topic.id, partition: *partition });
        let ends = known.and_then(|id| self.led(id)).and_then(|replica| Some((replica, replica.latest_offset().ok()?.0)));
        let Some((replica, latest)) = ends else {
            return Err(format!("Error getting ending offset of topic partition: {topic}-{partition}"));
        };
        let earliest = replica.log.log_start().0;
        let at_time = |timestamp: i64, warnings: &mut String| match replica.log.offset_at_time(timestamp).filter(|offset| offset.0 < latest)
        {
            Some(offset) => offset.0,
            None => {
                let _ =
                    write!(warnings, "\nWarn: Partition {partition} from topic {topic} is empty. Falling back to latest known offset.\n");
                latest
            }
        };
        // Of what was asked for by number, the nearest that the log has.
        let within = |wanted: i64, warnings: &mut String| {
            let (bound, what) = match wanted {
                wanted if wanted > latest as i64 => (latest, "higher than latest"),
                wanted if wanted < earliest as i64 => (earliest, "lower than earliest"),
                wanted => return wanted as u64,
            };
            let _ = writeln!(
                warnings,
                "WARN New offset ({wanted}) is {what} offset for topic partition {topic}-{partition}. Value will be set to {bound}"
            );
            bound
        };
        Ok(match &reset.to {
            ResetTo::Earliest => earliest,
            ResetTo::Latest => latest,
            ResetTo::Current => current.unwrap_or(latest),
            ResetTo::Offset(offset) => within(*offset as i64, warnings),
            ResetTo::ShiftBy(by) => match current {
                Some(current) => within(current as i64 + by, warnings),
                None => {
                    return Err(format!(
                        "Cannot shift offset for partition {topic}-{partition} since there is no current committed offset"
                    ));
                }
            },
            ResetTo::Datetime(timestamp) => at_time(*timestamp, warnings),
            ResetTo::Duration(back) => at_time(self.now.timestamp_ms() - back.millis() as i64, warnings),
            ResetTo::Plan(plan) => {
                let wanted = plan.iter().find(|(name, number, _)| **name == **topic && number == partition).map_or(0, |planned| planned.2);
                within(wanted as i64, warnings)
            }
        })
    }

    /// The leader's replica, if it answers.
    fn led(&self, id: TopicPartition) -> Option<&Replica> {
        let leader = self.controller().image().partition(id)?.leader?;
        let leader = self.broker(leader).filter(|leader| leader.listens() && !self.is_paused(leader.id))?;
        leader.replicas().get(&id).filter(|replica| replica.leadership().is_some())
    }
}

/// The table of a plan.
pub fn planned_rows(group: &str, planned: &Planned) -> String {
    let mut out = format!("{}\n{:<15} {:<15} {:<10} {}\n", planned.warnings, "GROUP", "TOPIC", "PARTITION", "NEW-OFFSET");
    for ((topic, partition), offset) in &planned.offsets {
        let _ = writeln!(out, "{group:<15} {topic:<15} {partition:<10} {offset}");
    }
    out
}
