//! One question, one answer: which of the engine's functions a kind of vector asks.

use super::{assignor, batch, classic, consumer_group, controller, group, log, partitioner, replication};
use data_encoding::HEXLOWER;
use playground_core::config::reference::reference;
use playground_core::group::assignor::{ServerRangeAssignor, SimpleAssignor, UniformAssignor};
use playground_core::hash;
use playground_core::record::varint;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Why there is no answer.
pub(super) enum Refusal {
    /// The engine does not know this kind, or this case of it.
    Unsupported(String),
    /// The vector is not written as its kind demands.
    BadInput(String),
}

pub(super) type Answer = Result<Value, Refusal>;

pub(super) fn answer(kind: &str, input: &Value) -> Answer {
    match kind {
        "murmur2" => murmur2(parse(input)?),
        "crc32c" => crc32c(&parse(input)?),
        "varint" => varints(&parse(input)?),
        "coordinator_partition" => coordinator_partition(parse(input)?),
        "java_hashmap_order" => Ok(map_order(parse(input)?)),
        "assignor_range" => assignor::assign("range", parse(input)?),
        "assignor_roundrobin" => assignor::assign("roundrobin", parse(input)?),
        "assignor_sticky" => assignor::assign("sticky", parse(input)?),
        "assignor_cooperative_sticky" => assignor::assign("cooperative-sticky", parse(input)?),
        "assignor_kip848_uniform" => assignor::assign_by_coordinator(&UniformAssignor, parse(input)?),
        "assignor_kip848_simple" => assignor::assign_by_coordinator(&SimpleAssignor, parse(input)?),
        "assignor_kip848_range" => assignor::assign_by_coordinator(&ServerRangeAssignor, parse(input)?),
        "builtin_partitioner_keyless" => partitioner::sticky(&parse(input)?),
        "roundrobin_partitioner" => partitioner::round_robin(&parse(input)?),
        "record_batch_v2" => batch::record_batch(parse(input)?),
        "record_batch_corruption" => batch::corruption(&parse(input)?),
        "leader_epoch_cache" => log::leader_epochs(&parse(input)?),
        "follower_isr_timing" => replication::isr_timing(&parse(input)?),
        "truncation_on_fetch" => replication::truncation(&parse(input)?),
        "high_watermark" => replication::high_watermark(&parse(input)?),
        "produce_acks" => replication::produce_acks(&parse(input)?),
        "idempotent_sequence" => log::idempotence(&parse(input)?),
        "partition_election" => controller::election(&parse(input)?),
        "replica_placement_striped" => controller::striped(&parse(input)?),
        "replica_placement_legacy_adminutils" => controller::legacy(&parse(input)?),
        "controller_scenario" => controller::scene(&parse(input)?),
        "group_scenario_classic" => classic::play(parse(input)?),
        "group_scenario_kip848" => consumer_group::scenario(parse(input)?),
        "consumer_offsets_record" => group::offsets_record(parse(input)?),
        "consumer_protocol_bytes" => group::protocol_bytes(parse(input)?),
        "config_default" => config_default(&parse(input)?),
        _ => Err(Refusal::Unsupported("no function of the engine answers this kind yet".into())),
    }
}

pub(super) fn parse<T: DeserializeOwned>(input: &Value) -> Result<T, Refusal> {
    T::deserialize(input).map_err(|error| Refusal::BadInput(error.to_string()))
}

pub(super) fn unhex(hex: &str) -> Result<Vec<u8>, Refusal> {
    HEXLOWER.decode(hex.as_bytes()).map_err(|error| Refusal::BadInput(format!("not hexadecimal: {error}")))
}

#[derive(Deserialize)]
struct Setting {
    scope: String,
    name: String,
}

fn config_default(asked: &Setting) -> Answer {
    let unknown = || Refusal::Unsupported(format!("Kafka 4.3 has no {} setting {}", asked.scope, asked.name));
    let setting = reference(&asked.scope, &asked.name).ok_or_else(unknown)?;
    Ok(json!({ "type": setting.kafka_type, "default": setting.default, "valid": setting.valid }))
}

fn by_count(counts: &[String], partition: impl Fn(u32) -> u32) -> Result<Value, Refusal> {
    let answer_one = |count: &String| match count.parse() {
        Ok(n) => Ok((count.clone(), json!(partition(n)))),
        Err(error) => Err(Refusal::BadInput(format!("{count} is no number of partitions: {error}"))),
    };
    counts.iter().map(answer_one).collect::<Result<Map<_, _>, _>>().map(Value::Object)
}

#[derive(Deserialize)]
struct Key {
    key_hex: String,
    counts: Vec<String>,
}

fn murmur2(Key { key_hex, counts }: Key) -> Answer {
    let key = unhex(&key_hex)?;
    let signed = hash::murmur2(&key);
    Ok(json!({
        "hash_signed": signed,
        "positive": hash::to_positive(signed),
        "partition_by_count": by_count(&counts, |n| hash::partition_for_key(&key, n))?,
    }))
}

#[derive(Deserialize)]
struct Group {
    group_id: String,
    counts: Vec<String>,
}

fn coordinator_partition(Group { group_id, counts }: Group) -> Answer {
    let java_hash = hash::java_string_hash(&group_id);
    Ok(json!({
        "java_hash": java_hash,
        "kafka_abs": hash::kafka_abs(java_hash),
        "partition_by_count": by_count(&counts, |n| hash::coordinator_partition(&group_id, n))?,
    }))
}

#[derive(Deserialize)]
struct Inserted {
    inserted_keys: Vec<String>,
}

fn map_order(Inserted { inserted_keys: mut keys }: Inserted) -> Value {
    hash::java_map_order(&mut keys, |key| hash::java_string_hash(key));
    json!({ "iteration_order": keys })
}

#[derive(Deserialize)]
struct Data {
    data_hex: String,
}

fn crc32c(data: &Data) -> Answer {
    Ok(json!({ "crc32c": playground_core::crc::crc32c(&unhex(&data.data_hex)?) }))
}

#[derive(Deserialize)]
struct Number {
    value: String,
}

/// A `varlong` for every number, a `varint` for those of 32 bits, the unsigned form for those without a sign.
fn varints(number: &Number) -> Answer {
    let value: i64 = number.value.parse().map_err(|error| Refusal::BadInput(format!("{error}")))?;
    let encode = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        write(&mut bytes);
        HEXLOWER.encode(&bytes)
    };
    let signed = encode(&|out| varint::write(value, out));
    let mut answer = Map::from_iter([("varlong".to_string(), json!(signed))]);
    if let Ok(narrow) = i32::try_from(value) {
        answer.insert("varint".into(), json!(signed));
        answer.insert("varint_size".into(), json!(varint::size(value)));
        if let Ok(unsigned) = u64::try_from(narrow) {
            answer.insert("unsigned_varint".into(), json!(encode(&|out| varint::write_unsigned(unsigned, out))));
        }
    }
    Ok(Value::Object(answer))
}
