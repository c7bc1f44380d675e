//! From the batches of a replica's `.log` files alone, every other file of its directory comes out as Kafka wrote it.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use playground_core::log::files::{DEFAULT_INDEX_INTERVAL_BYTES, File, PlacedBatch, Replica, Segment, render};
use playground_core::record::RecordBatch;
use serde_json::Value;
use std::collections::BTreeMap;

const FILE: &str = include_str!("../vectors/vectors.json");

type Batch = (u64, i32, RecordBatch);

#[test]
fn the_directories_kafka_wrote_are_rendered_byte_by_byte() {
    let file: Value = serde_json::from_str(FILE).unwrap();
    let directories = file["vectors"].as_array().unwrap().iter().filter(|vector| vector["kind"] == "log_directory");
    let mut compared = 0;
    for vector in directories {
        let expected = expected_files(vector);
        let got: BTreeMap<String, Vec<u8>> = rendered(vector, &expected).into_iter().collect();
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&got), names(&expected), "{}", vector["id"]);
        for (name, bytes) in &expected {
            assert_eq!(HEXLOWER.encode(&got[name]), HEXLOWER.encode(bytes), "{} {name}", vector["id"]);
        }
        compared += 1;
    }
    assert_eq!(compared, 7);
}

fn expected_files(vector: &Value) -> BTreeMap<String, Vec<u8>> {
    let files = vector["expect"]["files"].as_object().unwrap();
    files.iter().map(|(name, hex)| (name.clone(), HEXLOWER.decode(hex.as_str().unwrap().as_bytes()).unwrap())).collect()
}

fn rendered(vector: &Value, expected: &BTreeMap<String, Vec<u8>>) -> Vec<File> {
    let interval = vector["input"]["config"]["index.interval.bytes"].as_str();
    let topic_id = BASE64URL_NOPAD.decode(vector["input"]["topic_id"].as_str().unwrap().as_bytes()).unwrap();
    let logs = expected.iter().filter_map(|(name, bytes)| Some((name.strip_suffix(".log")?, bytes)));
    let segments: Vec<(u64, Vec<Batch>)> = logs.map(|(base, bytes)| (base.parse().unwrap(), read(bytes))).collect();
    let leader_epochs = leader_epochs(&segments);
    let replica = Replica {
        topic_id: topic_id.try_into().unwrap(),
        leader_epochs: &leader_epochs,
        index_interval_bytes: interval.map_or(DEFAULT_INDEX_INTERVAL_BYTES, |text| text.parse().unwrap()),
    };
    render(replica, segments.iter().map(|(base_offset, batches)| closed(*base_offset, batches)))
}

/// As after a clean shutdown.
fn closed(base_offset: u64, batches: &[Batch]) -> Segment<impl Iterator<Item = PlacedBatch<'_>>> {
    let batches = batches.iter().map(|(base_offset, leader_epoch, batch)| PlacedBatch {
        base_offset: *base_offset,
        leader_epoch: *leader_epoch,
        batch,
    });
    Segment { base_offset, batches, sealed: true }
}

fn read(mut log: &[u8]) -> Vec<Batch> {
    let mut batches = Vec::new();
    while !log.is_empty() {
        let (batch, base_offset, leader_epoch) = RecordBatch::parse(log).unwrap();
        assert!(batch.crc_is_valid());
        log = &log[batch.size_in_bytes() as usize..];
        batches.push((base_offset as u64, leader_epoch, batch));
    }
    batches
}

/// Compaction keeps the first offset of an epoch, not its first record: the log's start stands for it.
fn leader_epochs(segments: &[(u64, Vec<Batch>)]) -> Vec<(i32, u64)> {
    let mut epochs: Vec<(i32, u64)> = Vec::new();
    for (segment, batches) in segments {
        for (base_offset, leader_epoch, _) in batches {
            if epochs.last().is_none_or(|(last, _)| last != leader_epoch) {
                epochs.push((*leader_epoch, if epochs.is_empty() { *segment } else { *base_offset }));
            }
        }
    }
    epochs
}
