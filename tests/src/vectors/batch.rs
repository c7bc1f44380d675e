//! Vectors about record batches: build them as asked, or read what was captured, and say everything that is in them.

use super::answer::{Answer, Refusal, unhex};
use data_encoding::HEXLOWER;
use playground_core::record::{BatchBuilder, BatchError, Compression, Control, ProducerStamp, RecordBatch, RecordRef, TimestampType};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Question {
    Build { build: Build, compression: String },
    Control { control: Marker },
    Capture { capture: String },
}

#[derive(Deserialize)]
pub(super) struct Build {
    records: Vec<Record>,
    #[serde(default = "minus_one")]
    producer_id: i64,
    #[serde(default = "minus_one")]
    producer_epoch: i64,
    #[serde(default = "minus_one")]
    base_sequence: i64,
    #[serde(default)]
    transactional: bool,
    #[serde(default)]
    base_offset: u64,
    #[serde(default = "minus_one")]
    leader_epoch: i64,
    #[serde(default)]
    log_append_time: bool,
    log_append_ts: Option<i64>,
}

fn minus_one() -> i64 {
    -1
}

#[derive(Deserialize)]
pub(super) struct Record {
    ts: i64,
    key: Option<String>,
    value: Option<String>,
    #[serde(default)]
    headers: Vec<(String, Option<String>)>,
}

#[derive(Deserialize)]
pub(super) struct Marker {
    r#type: MarkerType,
    coordinator_epoch: i32,
    producer_id: i64,
    producer_epoch: i16,
    base_offset: u64,
    leader_epoch: i32,
    ts: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum MarkerType {
    Commit,
    Abort,
}

/// A batch and the stamps of the log it lies in.
struct Placed {
    batch: RecordBatch,
    base_offset: u64,
    leader_epoch: i32,
}

pub(super) fn record_batch(question: Question) -> Answer {
    let placed = match question {
        Question::Build { build, compression } if compression == "none" => built(&build)?,
        Question::Build { compression, .. } => return Err(compressed(&compression)),
        Question::Control { control } => marker(&control),
        Question::Capture { capture } => return captured(&capture),
    };
    Ok(describe(&placed))
}

fn compressed(codec: &str) -> Refusal {
    Refusal::Unsupported(format!("the engine neither compresses nor decompresses ({codec})"))
}

fn built(build: &Build) -> Result<Placed, Refusal> {
    let mut builder = BatchBuilder::new();
    for record in &build.records {
        append(&mut builder, record)?;
    }
    let stamp = ProducerStamp {
        producer_id: build.producer_id,
        producer_epoch: narrow(build.producer_epoch)?,
        base_sequence: narrow(build.base_sequence)?,
    };
    let sent = if build.transactional { builder.build_transactional(stamp) } else { builder.build(stamp) };
    let batch = match build.log_append_ts {
        Some(now) if build.log_append_time => sent.with_log_append_time(now),
        _ => sent,
    };
    Ok(Placed { batch, base_offset: build.base_offset, leader_epoch: narrow(build.leader_epoch)? })
}

fn narrow<T: TryFrom<i64>>(number: i64) -> Result<T, Refusal> {
    T::try_from(number).map_err(|_| Refusal::BadInput(format!("{number} does not fit its field")))
}

fn append(builder: &mut BatchBuilder, record: &Record) -> Result<(), Refusal> {
    let bytes = |hex: &Option<String>| hex.as_deref().map(unhex).transpose();
    let (key, value) = (bytes(&record.key)?, bytes(&record.value)?);
    let headers: Vec<(&str, Option<Vec<u8>>)> =
        record.headers.iter().map(|(name, value)| Ok((name.as_str(), bytes(value)?))).collect::<Result<_, _>>()?;
    let borrowed: Vec<(&str, Option<&[u8]>)> = headers.iter().map(|(name, value)| (*name, value.as_deref())).collect();
    builder.append(record.ts, key.as_deref(), value.as_deref(), &borrowed);
    Ok(())
}

fn marker(marker: &Marker) -> Placed {
    let control = match marker.r#type {
        MarkerType::Commit => Control::Commit,
        MarkerType::Abort => Control::Abort,
    };
    let batch = BatchBuilder::control(marker.ts, control, marker.coordinator_epoch, marker.producer_id, marker.producer_epoch);
    Placed { batch, base_offset: marker.base_offset, leader_epoch: marker.leader_epoch }
}

/// Bytes that another client wrote: read them, and build them again from what was read.
fn captured(hex: &str) -> Answer {
    let bytes = unhex(hex)?;
    let (batch, base_offset, leader_epoch) = RecordBatch::parse(&bytes).map_err(|error| Refusal::BadInput(error.to_string()))?;
    if batch.compression() != Compression::None {
        return Err(compressed(&batch.compression().to_string()));
    }
    let read = Placed { batch, base_offset: base_offset as u64, leader_epoch };
    let mut answer = describe(&read);
    answer["hex"] = json!(hex_of(&Placed { batch: rebuilt(&read.batch), ..read }));
    Ok(answer)
}

fn rebuilt(batch: &RecordBatch) -> RecordBatch {
    let mut builder = BatchBuilder::new();
    for record in batch.records() {
        let headers: Vec<(&str, Option<&[u8]>)> = record.headers().collect();
        builder.append(record.timestamp_ms, record.key, record.value, &headers);
    }
    if batch.is_transactional() { builder.build_transactional(batch.stamp()) } else { builder.build(batch.stamp()) }
}

fn hex_of(placed: &Placed) -> String {
    let mut bytes = Vec::new();
    placed.batch.write_placed(placed.base_offset, placed.leader_epoch, &mut bytes);
    HEXLOWER.encode(&bytes)
}

/// Bytes and fields, the fields read back from the bytes as a consumer would.
fn describe(placed: &Placed) -> Value {
    let Placed { batch, base_offset, leader_epoch } = placed;
    let stamp = batch.stamp();
    let record = |record: RecordRef<'_>| {
        let hex = |bytes: Option<&[u8]>| bytes.map(|bytes| HEXLOWER.encode(bytes));
        let headers: Vec<_> = record.headers().map(|(name, value)| json!([name, hex(value)])).collect();
        json!({
            "offset": base_offset + u64::from(record.offset_delta),
            "ts": record.timestamp_ms,
            "sequence": stamp.sequence(record.offset_delta),
            "key": hex(record.key),
            "value": hex(record.value),
            "headers": headers,
        })
    };
    let timestamp_type = match batch.timestamp_type() {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    };
    json!({
        "hex": hex_of(placed),
        "decoded": [{
            "base_offset": base_offset,
            "batch_length": batch.size_in_bytes() - 12,
            "partition_leader_epoch": leader_epoch,
            "magic": batch.bytes()[16],
            "crc": batch.crc(),
            "crc_valid": batch.crc_is_valid(),
            "compression": batch.compression().to_string(),
            "timestamp_type": timestamp_type,
            "transactional": batch.is_transactional(),
            "control": batch.is_control(),
            "delete_horizon_ms": batch.delete_horizon_ms(),
            "last_offset_delta": batch.last_offset_delta(),
            "base_timestamp": batch.base_timestamp_ms(),
            "max_timestamp": batch.max_timestamp_ms(),
            "producer_id": stamp.producer_id,
            "producer_epoch": stamp.producer_epoch,
            "base_sequence": stamp.base_sequence,
            "count": batch.record_count(),
            "next_offset": base_offset + u64::from(batch.last_offset_delta()) + 1,
            "last_sequence": batch.last_sequence(),
            "records": batch.records().map(record).collect::<Vec<_>>(),
        }],
    })
}

#[derive(Deserialize)]
pub(super) struct Corrupted {
    hex: String,
}

/// Reads damaged bytes to the last record: either the format breaks, or the CRC has to tell.
pub(super) fn corruption(corrupted: &Corrupted) -> Answer {
    let bytes = unhex(&corrupted.hex)?;
    let read = RecordBatch::parse(&bytes).and_then(|(batch, ..)| batch.check_records().map(|()| batch));
    match read {
        Ok(batch) => Ok(json!({ "crc_valid": batch.crc_is_valid() })),
        Err(BatchError::Compressed { codec }) => Err(compressed(&codec.to_string())),
        Err(error) => Ok(json!({ "error": java_name(&error) })),
    }
}

/// What Kafka's own reader throws where the engine gives this error.
fn java_name(error: &BatchError) -> &'static str {
    match error {
        BatchError::Truncated { .. } | BatchError::LengthTooSmall { .. } | BatchError::CorruptCrc { .. } => "CorruptRecordException",
        // An older batch is another class there, which cannot be taken for a v2 batch.
        BatchError::UnsupportedMagic { .. } => "ClassCastException",
        // Opening the decompressor on bytes that are no frame of its codec.
        BatchError::NotCompressed { .. } | BatchError::Compressed { .. } => "KafkaException",
        BatchError::BadHeader { .. } | BatchError::MalformedRecord { .. } | BatchError::WrongCount { .. } => "InvalidRecordException",
    }
}
