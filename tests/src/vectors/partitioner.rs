//! Vectors about records without a key: a partitioner and the random draws Kafka was given.

use super::answer::{Answer, Refusal};
use playground_core::client::partitioner::{PartitionLoad, RoundRobinPartitioner, StickyPartitioner, TopicPartitions};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Partition {
    id: u32,
    available: bool,
}

fn available(partitions: &[Partition]) -> Vec<u32> {
    partitions.iter().filter(|partition| partition.available).map(|partition| partition.id).collect()
}

#[derive(Deserialize)]
pub(super) struct Sticky {
    batch_size: u32,
    partitions: Vec<Partition>,
    draws: Vec<i32>,
    appends: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Append {
        bytes: u32,
        #[serde(default = "yes")]
        enable_switch: bool,
    },
    /// Queue lengths of the partitions with a leader; behind `length` stand those left out.
    Load { queue_sizes: Option<Vec<u32>>, ids: Vec<u32>, length: Option<u32> },
}

fn yes() -> bool {
    true
}

pub(super) fn sticky(input: &Sticky) -> Answer {
    let available = available(&input.partitions);
    let topic = TopicPartitions { available: &available, count: input.partitions.len() as u32 };
    let mut partitioner = StickyPartitioner::new(input.batch_size);
    let (mut draws, mut missing) = (input.draws.iter(), 0);
    let mut draw = || {
        draws.next().copied().unwrap_or_else(|| {
            missing += 1;
            0
        })
    };
    let mut answers: Vec<Option<u32>> = Vec::new();
    for step in &input.appends {
        answers.push(match step {
            Step::Append { bytes, enable_switch } => {
                let partition = partitioner.current(topic, &mut draw);
                partitioner.appended(*bytes, *enable_switch, topic, &mut draw);
                Some(partition)
            }
            Step::Load { queue_sizes: None, .. } => {
                partitioner.clear_load();
                None
            }
            Step::Load { queue_sizes: Some(queues), ids, length } => {
                let used = length.unwrap_or(queues.len() as u32) as usize;
                let load = |(&partition, &queued_batches): (&u32, &u32)| PartitionLoad { partition, queued_batches };
                let loads: Vec<PartitionLoad> = ids.iter().zip(queues).take(used).map(load).collect();
                partitioner.update_load(&loads, queues.len() as u32);
                None
            }
        });
    }
    match missing {
        0 => Ok(json!({ "partition_for_each_append": answers })),
        _ => Err(Refusal::BadInput(format!("{missing} draws too few"))),
    }
}

#[derive(Deserialize)]
pub(super) struct RoundRobin {
    count: u32,
    partitions: Vec<Partition>,
}

pub(super) fn round_robin(input: &RoundRobin) -> Answer {
    let available = available(&input.partitions);
    let topic = TopicPartitions { available: &available, count: input.partitions.len() as u32 };
    let mut partitioner = RoundRobinPartitioner::new();
    let sequence: Value = (0..input.count).map(|_| partitioner.next(topic)).collect();
    Ok(json!({ "sequence": sequence }))
}
