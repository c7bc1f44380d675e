//! `kafka-consumer-groups.sh`, as far as it changes something: the coordinator writes what the tool has planned.

use super::super::Cluster;
use super::super::offsets::planned_rows;
use crate::command::{Command, CommandError, Reset};
use crate::error::ErrorCode;
use crate::group::offsets::{GroupRecord, OffsetValue};
use crate::hash::coordinator_partition;
use crate::ids::{BrokerId, LeaderEpoch, NodeId, Offset};
use crate::trace::{EventKind, TraceEvent};
use std::sync::Arc;

type Outcome = Result<String, CommandError>;

impl Cluster {
    pub(super) fn reset_offsets(&mut self, reset: &Reset, command: &Command) -> Outcome {
        let (coordinator, planned) = self.plan_reset(reset).map_err(CommandError::Refused)?;
        let group: Arc<str> = Arc::from(reset.group.as_str());
        let commit_timestamp_ms = self.now.timestamp_ms();
        // The tool knows no leader epoch.
        let value = |offset: u64| OffsetValue {
            offset: Offset(offset),
            leader_epoch: LeaderEpoch(-1),
            metadata: String::new(),
            commit_timestamp_ms,
        };
        let record = |((topic, partition), offset): (&(Arc<str>, u32), &u64)| GroupRecord::OffsetCommit {
            group: Arc::clone(&group),
            topic: Arc::clone(topic),
            partition: *partition,
            value: Some(value(*offset)),
        };
        let records = planned.offsets.iter().map(record).collect();
        self.write_at_coordinator(coordinator, &reset.group, records, command, "AlterConsumerGroupOffsets: only while the group is empty");
        Ok(planned_rows(&reset.group, &planned))
    }

    pub(super) fn delete_offsets(&mut self, group: &str, topics: &[(String, Vec<u32>)], command: &Command) -> Outcome {
        let (coordinator, _) = self.reach_coordinator(group).map_err(CommandError::Refused)?;
        let (name, shard): (Arc<str>, u32) = (Arc::from(group), self.shard_of(group));
        let groups = self.broker(coordinator).expect("it was reached").groups();
        let (mut rows, mut records, mut refused) = (String::new(), Vec::new(), false);
        for (topic, partitions) in topics {
            let image = self.controller().image().topic_named(topic);
            let all: Vec<u32> = (0..image.map_or(0, |topic| topic.partitions.len() as u32)).collect();
            let partitions = if partitions.is_empty() { &all } else { partitions };
            let status = match groups.delete_offsets(shard, &name, &Arc::from(topic.as_str()), partitions) {
                Ok(write) => {
                    records.extend(write.records);
                    "Successful"
                }
                Err(ErrorCode::GroupSubscribedToTopic) => {
                    refused = true;
                    "Error: :Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it."
                }
                Err(ErrorCode::GroupIdNotFound) => return Err(CommandError::Refused(format!("\nError: '{group}' does not exist."))),
                Err(_) => {
                    let why = "is forbidden if the group is not empty.";
                    return Err(CommandError::Refused(format!("\nError: Deleting offsets of a consumer group '{group}' {why}")));
                }
            };
            rows.extend(partitions.iter().map(|partition| format!("{topic:<15} {partition:<10} {status:<15}\n")));
        }
        let rows = format!("\n{:<15} {:<10} {:<15}\n{rows}", "TOPIC", "PARTITION", "STATUS");
        if refused {
            let why = "\nError: Encounter some partition level error, see the follow-up details:";
            return Err(CommandError::Refused(format!("{why}\n{rows}")));
        }
        self.write_at_coordinator(coordinator, group, records, command, "OffsetDelete: a tombstone for each offset");
        Ok(format!("Request succeeded for deleting offsets from group {group}.\n{rows}"))
    }

    pub(super) fn delete_group(&mut self, group: &str, command: &Command) -> Outcome {
        let (coordinator, _) = self.reach_coordinator(group).map_err(CommandError::Refused)?;
        let groups = self.broker(coordinator).expect("it was reached").groups();
        let write = groups.delete_group(self.shard_of(group), &Arc::from(group)).map_err(|error| {
            let why = match error {
                ErrorCode::GroupIdNotFound => format!("GroupIdNotFoundException: Group {group} not found."),
                _ => "GroupNotEmptyException: The group is not empty.".to_owned(),
            };
            let text = format!("* Group '{group}' could not be deleted due to: org.apache.kafka.common.errors.{why}");
            CommandError::Refused(format!("\nError: Deletion of some consumer groups failed:\n{text}"))
        })?;
        self.write_at_coordinator(coordinator, group, write.records, command, "DeleteGroups: tombstones for the group and its offsets");
        Ok(format!("Deletion of requested consumer groups ('{group}') was successful."))
    }

    fn shard_of(&self, group: &str) -> u32 {
        coordinator_partition(group, self.scenario.cluster.config.offsets_topic_partitions)
    }

    fn write_at_coordinator(&mut self, broker: BrokerId, group: &str, records: Vec<GroupRecord>, command: &Command, rule: &str) {
        let Some(node) = self.number(NodeId::Broker(broker)) else { return };
        let id = self.next_event_id();
        self.push_event(TraceEvent {
            id,
            kind: EventKind::Command,
            subject: group.to_owned(),
            text: format!("An administrator ran `{command}`."),
            rule: rule.to_owned(),
            causes: Vec::new(),
        });
        self.rebalances.insert(group.to_owned(), id);
        let (now, Some(place)) = (self.now, self.broker_place(node)) else { return };
        let group: Arc<str> = Arc::from(group);
        self.acting_as(node, |cluster, out| cluster.brokers[place].write_for(now, &group, records, out));
    }
}
