//! Vectors about replication: how far a follower is, where its log parts from the leader's, the high watermark, and what a
//! producer hears.

use super::answer::{Answer, Refusal};
use playground_core::broker::partition::progress::FollowerProgress;
use playground_core::broker::partition::{Replica, Role, diverging, truncation_point};
use playground_core::broker::purgatory::{AnswerTo, Expired, ParkedProduce, Purgatory};
use playground_core::config::{Acks, TopicConfig};
use playground_core::error::ErrorCode;
use playground_core::ids::{BrokerEpoch, BrokerId, ClientId, CorrelationId, LeaderEpoch, NodeId, Offset, TopicId, TopicPartition};
use playground_core::log::{ClientBatch, PartitionLog};
use playground_core::metadata::PartitionRegistration;
use playground_core::protocol::ProducedPartition;
use playground_core::record::{BatchBuilder, ProducerStamp};
use playground_core::time::{SimDuration, SimTime};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Timing {
    replica_lag_time_max_ms: u64,
    actions: Vec<Moment>,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Moment {
    BecomeLeader { now: i64, leader_leo: u64, follower_in_isr: bool, new_leader: bool },
    Fetch { now: i64, leader_leo: u64, fetch_offset: u64 },
    Check { now: i64, leader_leo: u64 },
}

/// One follower as its leader sees it.
pub(super) fn isr_timing(input: &Timing) -> Answer {
    let lag_max = SimDuration::from_millis(input.replica_lag_time_max_ms);
    let mut follower = FollowerProgress::new(BrokerId(2));
    let mut results = Vec::new();
    for moment in &input.actions {
        let mut caught_up = None;
        match *moment {
            Moment::BecomeLeader { now, leader_leo, follower_in_isr, new_leader } => {
                follower.leader_elected(now, Offset(leader_leo), follower_in_isr, !new_leader);
            }
            Moment::Fetch { now, leader_leo, fetch_offset } => {
                follower.fetched(Offset(fetch_offset), Offset(leader_leo), now, BrokerEpoch(1));
            }
            Moment::Check { now, leader_leo } => caught_up = Some(follower.caught_up(Offset(leader_leo), now, lag_max)),
        }
        let log_end = follower.log_end.map_or(-1, |end| end.0 as i64);
        let mut result = json!({ "follower_leo": log_end, "last_caught_up_ms": follower.last_caught_up_ms });
        if let Some(caught_up) = caught_up {
            result["caught_up"] = json!(caught_up);
        }
        results.push(result);
    }
    Ok(json!({ "results": results }))
}

#[derive(Deserialize)]
pub(super) struct TwoLogs {
    leader_epochs_per_offset: Vec<i32>,
    leader_current_epoch: i32,
    follower_epochs_per_offset: Vec<i32>,
}

/// A follower fetches, and cuts its log as long as the leader says that the two differ.
pub(super) fn truncation(input: &TwoLogs) -> Answer {
    let mut leader = log_of(&input.leader_epochs_per_offset);
    leader.begin_epoch(LeaderEpoch(input.leader_current_epoch));
    let mut follower = log_of(&input.follower_epochs_per_offset);
    let mut rounds = Vec::new();
    loop {
        let (offset, last) = (follower.log_end(), follower.epochs().latest());
        let mut round = json!({ "fetch_offset": offset, "last_fetched_epoch": last });
        let answer = last.map(|last| diverging(&leader, last, offset));
        let mut done = true;
        match answer {
            None => {}
            Some(None) => round["ok"] = json!(true),
            Some(Some(Err(error))) => round["error"] = json!(error.name()),
            Some(Some(Ok((epoch, end)))) => {
                let to = truncation_point(&follower, epoch, end);
                round["diverging_epoch"] = json!(epoch);
                round["diverging_end_offset"] = json!(end);
                round["follower_truncates_to"] = json!(to);
                follower.truncate_to(to);
                done = false;
            }
        }
        rounds.push(round);
        if done {
            return Ok(json!({ "rounds": rounds, "follower_log_end_offset_after_truncation": follower.log_end() }));
        }
    }
}

/// One record at each offset, written in these epochs.
fn log_of(epochs: &[i32]) -> PartitionLog {
    let mut log = PartitionLog::new();
    for epoch in epochs {
        log.append_as_leader(one_record(), LeaderEpoch(*epoch), &TopicConfig::default()).expect("a small record fits");
    }
    log
}

fn one_record() -> ClientBatch {
    let mut builder = BatchBuilder::new();
    builder.append(0, None, Some(b"v"), &[]);
    ClientBatch { batch: builder.build(ProducerStamp::NONE), writer: 0, serial: 0 }
}

#[derive(Deserialize)]
pub(super) struct Marks {
    replicas: Vec<i32>,
    leader: i32,
    fenced: Vec<i32>,
    min_insync_replicas: u32,
    high_watermark: u64,
    isr: Vec<i32>,
    maximal_isr: Vec<i32>,
    leo: BTreeMap<i32, u64>,
    caught_up: BTreeMap<i32, bool>,
}

const NOW: SimTime = SimTime(100_000_000);
const LAG_MAX: SimDuration = SimDuration::from_secs(30);

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().map(|id| BrokerId(*id)).collect()
}

fn leading(leader: i32, replicas: &[i32], isr: &[i32], min_insync_replicas: u32) -> Replica {
    let mut replica = Replica::new(Arc::new(TopicConfig { min_insync_replicas, ..TopicConfig::default() }));
    let registration = PartitionRegistration {
        replicas: brokers(replicas),
        isr: brokers(isr),
        leader: Some(BrokerId(leader)),
        ..PartitionRegistration::default()
    };
    replica.become_leader(BrokerId(leader), &registration, SimTime::ZERO);
    replica
}

pub(super) fn high_watermark(input: &Marks) -> Answer {
    let missing = || Refusal::BadInput("leo: every replica needs one".into());
    let mut replica = leading(input.leader, &input.replicas, &input.isr, input.min_insync_replicas);
    replica.high_watermark = Offset(input.high_watermark);
    for _ in 0..*input.leo.get(&input.leader).ok_or_else(missing)? {
        replica.append(NOW, NOW.timestamp_ms(), one_record(), Acks::Leader).expect("a leader takes it");
    }
    for follower in input.replicas.iter().filter(|id| **id != input.leader) {
        let end = Offset(*input.leo.get(follower).ok_or_else(missing)?);
        replica.follower_fetched(BrokerId(*follower), BrokerEpoch(1), end, SimTime::ZERO);
    }
    if let Role::Leader(leadership) = &mut replica.role {
        leadership.pending_isr = Some(brokers(&input.maximal_isr));
        for follower in &mut leadership.followers {
            let in_time = input.caught_up.get(&follower.broker.0) == Some(&true);
            follower.last_caught_up_ms = if in_time { NOW.timestamp_ms() } else { 0 };
        }
    }
    replica.advance_high_watermark(NOW, LAG_MAX, &|broker, _| !input.fenced.contains(&broker.0));
    let mut answer = json!({ "new_high_watermark": replica.high_watermark });
    if replica.is_under_min_isr() {
        answer["reason"] = json!("under min ISR: HW frozen");
    }
    Ok(answer)
}

#[derive(Deserialize)]
pub(super) struct Produce {
    acks: i16,
    #[serde(default)]
    isr_size: u32,
    #[serde(default)]
    min_insync_replicas: u32,
    #[serde(default)]
    replication_factor: u32,
    /// What happens behind the append; the one case is that no follower fetches in time.
    then: Option<String>,
}

pub(super) fn produce_acks(input: &Produce) -> Answer {
    let Some(acks) = Acks::from_wire(input.acks) else {
        return Ok(json!({ "error": ErrorCode::InvalidRequiredAcks.name(), "appended": false }));
    };
    let ids: Vec<i32> = (1..=input.replication_factor as i32).collect();
    let isr = ids.get(..input.isr_size as usize).ok_or_else(|| Refusal::BadInput("isr_size is above replication_factor".into()))?;
    let mut replica = leading(1, &ids, isr, input.min_insync_replicas);
    let result = replica.append(NOW, NOW.timestamp_ms(), one_record(), acks);
    let appended = replica.log.log_end() > Offset::ZERO;
    let mut answer = Map::from_iter([("appended".to_string(), json!(appended))]);
    if input.then.is_some() {
        answer.insert("error".into(), json!(after_the_timeout(&replica).map(ErrorCode::name)));
        return Ok(answer.into());
    }
    answer.insert("effective_min_isr".into(), json!(replica.effective_min_isr()));
    match (result, acks) {
        (Err(error), _) => drop(answer.insert("error".into(), json!(error.name()))),
        (Ok(_), Acks::None) => drop(answer.insert("answer".into(), json!("no response is sent"))),
        (Ok(_), Acks::Leader) => drop(answer.insert("answer".into(), json!("after the leader append"))),
        (Ok(_), Acks::All) => drop(answer.insert("answer".into(), json!("when the high watermark passes the last offset"))),
    }
    for follower in 2..=input.replication_factor as i32 {
        replica.follower_fetched(BrokerId(follower), BrokerEpoch(1), replica.log.log_end(), NOW);
    }
    replica.advance_high_watermark(NOW, LAG_MAX, &|_, _| true);
    if appended && replica.high_watermark == Offset::ZERO {
        let frozen = "not before the ISR is back to the effective minimum (HW frozen)";
        answer.insert("visible_to_consumers".into(), json!(frozen));
    }
    Ok(Value::Object(answer))
}

/// The error of a produce request that waits for the commit of this log's end until its time is up.
fn after_the_timeout(replica: &Replica) -> Option<ErrorCode> {
    let partition = TopicPartition { topic: TopicId(0), partition: 0 };
    let deadline = SimTime::ZERO + LAG_MAX;
    let need = replica.log.log_end();
    assert!(replica.committed(need).is_none(), "nobody has fetched");
    let (mut purgatory, mut replica) = (Purgatory::default(), replica.clone());
    replica.waiting.produces.push_back((need, purgatory.next_waiter()));
    purgatory.park_produce(ParkedProduce {
        answer_to: AnswerTo::Producer(NodeId::Client(ClientId(0)), CorrelationId(1)),
        results: vec![ProducedPartition { partition, result: Ok((Offset::ZERO, replica.leader_epoch)), arrived: SimTime::ZERO }],
        open: 1,
        deadline,
    });
    match purgatory.expire(deadline) {
        Some((waiter, Expired::Produce(parked))) => replica.stop_waiting(waiter).and(parked.results[0].result).err(),
        _ => None,
    }
}
