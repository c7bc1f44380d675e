//! The engine answers as Apache Kafka 4.3.0 did, and the comparison notices a wrong answer.

use playground_tests::vectors::{self, Report};
use serde_json::Value;

const FILE: &str = include_str!("../vectors/vectors.json");

/// Kinds the engine must answer, and how many vectors of each it may leave out.
const ANSWERED: [(&str, u32, u32); 31] = [
    ("assignor_cooperative_sticky", 38, 0),
    ("assignor_kip848_range", 5, 0),
    ("assignor_kip848_simple", 2, 0),
    ("assignor_kip848_uniform", 27, 0),
    ("assignor_range", 16, 0),
    ("assignor_roundrobin", 13, 0),
    ("assignor_sticky", 25, 0),
    ("builtin_partitioner_keyless", 13, 0),
    ("config_default", 79, 0),
    ("controller_scenario", 19, 0),
    ("group_scenario_classic", 11, 0),
    ("group_scenario_kip848", 7, 0),
    ("consumer_offsets_record", 7, 0),
    ("consumer_protocol_bytes", 12, 0),
    ("coordinator_partition", 78, 0),
    ("crc32c", 33, 0),
    ("follower_isr_timing", 10, 0),
    ("high_watermark", 14, 0),
    ("idempotent_sequence", 24, 0),
    ("java_hashmap_order", 24, 0),
    ("leader_epoch_cache", 20, 0),
    ("murmur2", 198, 0),
    ("partition_election", 36, 0),
    ("produce_acks", 13, 0),
    ("record_batch_corruption", 4, 0),
    ("record_batch_v2", 36, 38),
    ("replica_placement_legacy_adminutils", 12, 0),
    ("replica_placement_striped", 28, 0),
    ("roundrobin_partitioner", 3, 0),
    ("truncation_on_fetch", 18, 0),
    ("varint", 55, 0),
];

#[test]
fn every_answer_is_kafkas() {
    let report = vectors::run(FILE);
    assert!(!report.failed(), "{report}");
    for (kind, passed, unsupported) in ANSWERED {
        let tally = &report.kinds[kind];
        assert_eq!((tally.passed, tally.unsupported.len() as u32), (passed, unsupported), "{kind}");
    }
    let others = report.kinds.iter().filter(|(kind, _)| ANSWERED.iter().all(|(answered, ..)| answered != kind));
    for (kind, tally) in others {
        assert_eq!(tally.passed, 0, "{kind} is answered: name it here");
    }
}

#[test]
fn only_compression_is_left_out_of_the_batches() {
    let report = vectors::run(FILE);
    let unsupported = &report.kinds["record_batch_v2"].unsupported;
    assert!(unsupported.iter().all(|(_, reason)| reason.contains("compresses")), "{unsupported:?}");
}

#[test]
fn a_spoilt_answer_fails_wherever_it_was_spoilt() {
    let file: Value = serde_json::from_str(FILE).unwrap();
    for vector in file["vectors"].as_array().unwrap() {
        let kind = vector["kind"].as_str().unwrap();
        if !ANSWERED.iter().any(|(answered, ..)| *answered == kind) || is_unsupported(vector) {
            continue;
        }
        for leaf in 0..leaves(&vector["expect"]).min(40) {
            let mut spoilt = vector.clone();
            spoil(&mut spoilt["expect"], &mut { leaf });
            let report = run_one(&spoilt);
            assert!(report.failed(), "{}: spoiling value {leaf} of its answer went unnoticed", vector["id"]);
            assert_eq!(report.kinds[kind].failures[0].id, vector["id"].as_str().unwrap());
        }
    }
}

#[test]
fn what_cannot_be_read_is_a_failure() {
    for text in ["", "{", "{\"vectors\": 3}", "7"] {
        let report = vectors::run(text);
        assert!(report.failed() && report.to_string().contains("not a file of vectors"), "{text}");
    }
    let report = vectors::run(r#"[{"id": "x-1", "kind": "murmur2", "input": {"key_hex": "zz"}, "expect": {}}]"#);
    assert!(report.failed() && report.to_string().contains("x-1"), "{report}");
}

#[test]
fn the_report_names_kinds_counts_and_failures() {
    let report = vectors::run(r#"[{"id": "c-1", "kind": "crc32c", "input": {"data_hex": "61"}, "expect": {"crc32c": 1}}]"#);
    assert_eq!(
        report.to_string(),
        "crc32c  0 passed, 1 failed, 0 unsupported\n  c-1: expected {\"crc32c\":1}, got {\"crc32c\":3251651376}\n"
    );
}

fn run_one(vector: &Value) -> Report {
    vectors::run(&Value::from(vec![vector.clone()]).to_string())
}

fn is_unsupported(vector: &Value) -> bool {
    run_one(vector).kinds.values().any(|tally| !tally.unsupported.is_empty())
}

/// Numbers, texts, truths and nulls of an answer.
fn leaves(value: &Value) -> u32 {
    match value {
        Value::Array(items) => items.iter().map(leaves).sum(),
        Value::Object(fields) => fields.values().map(leaves).sum(),
        _ => 1,
    }
}

/// Changes the leaf with this number into another value of its type.
fn spoil(value: &mut Value, leaf: &mut u32) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().any(|item| spoil(item, leaf)),
        Value::Object(fields) => fields.values_mut().any(|item| spoil(item, leaf)),
        _ if *leaf > 0 => {
            *leaf -= 1;
            false
        }
        leaf => {
            *leaf = spoilt(leaf);
            true
        }
    }
}

fn spoilt(value: &Value) -> Value {
    match value {
        Value::Null => "00".into(),
        Value::Bool(truth) => (!truth).into(),
        Value::Number(number) => (number.as_i64().unwrap_or_default() ^ 1).into(),
        Value::String(text) if text.is_empty() => "00".into(),
        // Stays hexadecimal if it was.
        Value::String(text) => {
            let last = if text.ends_with('0') { '1' } else { '0' };
            let kept = text.chars().count() - 1;
            text.chars().take(kept).chain([last]).collect::<String>().into()
        }
        Value::Array(_) | Value::Object(_) => Value::Null,
    }
}
