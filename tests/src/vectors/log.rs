//! Vectors about what a log remembers beside its records: where leader epochs began, and the batches of its producers.

use super::answer::{Answer, Refusal};
use playground_core::error::ErrorCode;
use playground_core::ids::{LeaderEpoch, Offset};
use playground_core::log::epochs::EpochCache;
use playground_core::log::producers::{ProducerStates, SequenceCheck};
use playground_core::record::ProducerStamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub(super) struct EpochActions {
    actions: Vec<EpochAction>,
}

/// Written as a list: what to do, then its numbers.
#[derive(Deserialize)]
#[serde(untagged)]
enum EpochAction {
    Two(String, i64, i64),
    One(String, i64),
}

pub(super) fn leader_epochs(input: &EpochActions) -> Answer {
    let mut cache = EpochCache::default();
    let results: Vec<Value> = input.actions.iter().map(|action| epoch_action(&mut cache, action)).collect::<Result<_, _>>()?;
    Ok(json!({ "results": results }))
}

fn epoch_action(cache: &mut EpochCache, action: &EpochAction) -> Result<Value, Refusal> {
    let entries = |cache: &EpochCache| json!(cache.entries().iter().map(|entry| (entry.epoch, entry.start)).collect::<Vec<_>>());
    match action {
        EpochAction::Two(what, epoch, start) if what == "assign" => {
            cache.assign(LeaderEpoch(*epoch as i32), Offset(*start as u64));
            Ok(entries(cache))
        }
        EpochAction::Two(what, epoch, log_end) if what == "end_offset_for" => {
            let end = cache.end_offset_for(LeaderEpoch(*epoch as i32), Offset(*log_end as u64));
            Ok(end.map_or(json!([-1, -1]), |(epoch, end)| json!([epoch, end])))
        }
        EpochAction::One(what, offset) if what == "epoch_for_offset" => Ok(json!(cache.epoch_for(Offset(*offset as u64)))),
        EpochAction::One(what, end) if what == "truncate_from_end" => {
            cache.truncate_from_end(Offset(*end as u64));
            Ok(entries(cache))
        }
        EpochAction::One(what, start) if what == "truncate_from_start" => {
            cache.truncate_from_start(Offset(*start as u64));
            Ok(entries(cache))
        }
        EpochAction::One(what, _) | EpochAction::Two(what, ..) => {
            Err(Refusal::Unsupported(format!("the cache of leader epochs does not {what}")))
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Sequences {
    batches: Vec<SequencedBatch>,
}

#[derive(Deserialize)]
struct SequencedBatch {
    pid: i64,
    epoch: i16,
    seq: i32,
    count: u32,
}

/// Appends the batches of a partition's leader, one after the other.
pub(super) fn idempotence(input: &Sequences) -> Answer {
    let mut states = ProducerStates::default();
    let mut log_end = Offset::ZERO;
    let mut results = Vec::new();
    for batch in &input.batches {
        let stamp = ProducerStamp { producer_id: batch.pid, producer_epoch: batch.epoch, base_sequence: batch.seq };
        let placed = |outcome: &str, first: Offset| json!({ "outcome": outcome, "first_offset": first, "last_offset": first.0 + u64::from(batch.count) - 1 });
        results.push(match states.check(stamp, batch.count) {
            SequenceCheck::Append => {
                let first = log_end;
                states.update(stamp, batch.count, first);
                log_end = first.plus(u64::from(batch.count));
                placed("ok", first)
            }
            SequenceCheck::Duplicate(first) => placed("duplicate", first),
            SequenceCheck::Refuse(error) => json!({ "outcome": java_name(error) }),
        });
    }
    Ok(json!({ "results": results, "log_end_offset": log_end }))
}

fn java_name(error: ErrorCode) -> String {
    match error {
        ErrorCode::OutOfOrderSequenceNumber => "OutOfOrderSequenceException".into(),
        other => format!("{other:?}Exception"),
    }
}
