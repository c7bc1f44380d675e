//! Which bytes of a batch are which field: the legend of a hex view.

use super::{Compression, RecordBatch, at, varint};

/// A field of the batch format, under Kafka's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    BaseOffset,
    BatchLength,
    PartitionLeaderEpoch,
    Magic,
    Crc,
    Attributes,
    LastOffsetDelta,
    BaseTimestamp,
    MaxTimestamp,
    ProducerId,
    ProducerEpoch,
    BaseSequence,
    RecordCount,
    /// All records, where they cannot be told apart: compressed or damaged.
    Records,
    RecordLength,
    RecordAttributes,
    TimestampDelta,
    OffsetDelta,
    KeyLength,
    Key,
    ValueLength,
    Value,
    HeaderCount,
    HeaderKeyLength,
    HeaderKey,
    HeaderValueLength,
    HeaderValue,
}

impl Field {
    pub const fn name(self) -> &'static str {
        match self {
            Field::BaseOffset => "baseOffset",
            Field::BatchLength => "batchLength",
            Field::PartitionLeaderEpoch => "partitionLeaderEpoch",
            Field::Magic => "magic",
            Field::Crc => "crc",
            Field::Attributes => "attributes",
            Field::LastOffsetDelta => "lastOffsetDelta",
            Field::BaseTimestamp => "baseTimestamp",
            Field::MaxTimestamp => "maxTimestamp",
            Field::ProducerId => "producerId",
            Field::ProducerEpoch => "producerEpoch",
            Field::BaseSequence => "baseSequence",
            Field::RecordCount => "recordsCount",
            Field::Records => "records",
            Field::RecordLength => "length",
            Field::RecordAttributes => "record attributes",
            Field::TimestampDelta => "timestampDelta",
            Field::OffsetDelta => "offsetDelta",
            Field::KeyLength => "keyLength",
            Field::Key => "key",
            Field::ValueLength => "valueLength",
            Field::Value => "value",
            Field::HeaderCount => "headersCount",
            Field::HeaderKeyLength => "headerKeyLength",
            Field::HeaderKey => "headerKey",
            Field::HeaderValueLength => "headerValueLength",
            Field::HeaderValue => "headerValue",
        }
    }
}

/// The bytes `start..end` of a batch are this field; `record` counts from 0 in the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
    pub field: Field,
    pub record: Option<u32>,
}

const HEADER: [(usize, Field); 13] = [
    (at::BASE_OFFSET, Field::BaseOffset),
    (at::BATCH_LENGTH, Field::BatchLength),
    (at::LEADER_EPOCH, Field::PartitionLeaderEpoch),
    (at::MAGIC, Field::Magic),
    (at::CRC, Field::Crc),
    (at::ATTRIBUTES, Field::Attributes),
    (at::LAST_OFFSET_DELTA, Field::LastOffsetDelta),
    (at::BASE_TIMESTAMP, Field::BaseTimestamp),
    (at::MAX_TIMESTAMP, Field::MaxTimestamp),
    (at::PRODUCER_ID, Field::ProducerId),
    (at::PRODUCER_EPOCH, Field::ProducerEpoch),
    (at::BASE_SEQUENCE, Field::BaseSequence),
    (at::RECORD_COUNT, Field::RecordCount),
];

pub(super) fn of_batch(batch: &RecordBatch) -> Vec<Span> {
    let bytes = batch.bytes();
    let mut walk = Walk { bytes, at: at::RECORDS, record: None, spans: Vec::new() };
    for (i, &(start, field)) in HEADER.iter().enumerate() {
        let end = HEADER.get(i + 1).map_or(at::RECORDS, |&(next, _)| next);
        walk.spans.push(Span { start: start as u32, end: end as u32, field, record: None });
    }
    if batch.compression() == Compression::None {
        for record in 0..batch.record_count() {
            let (at, known) = (walk.at, walk.spans.len());
            walk.record = Some(record);
            if walk.record().is_none() {
                // From the first damaged record on, nothing can be told apart.
                walk.at = at;
                walk.spans.truncate(known);
                break;
            }
        }
    }
    if walk.at < bytes.len() {
        walk.spans.push(Span { start: walk.at as u32, end: bytes.len() as u32, field: Field::Records, record: None });
    }
    walk.spans
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    record: Option<u32>,
    spans: Vec<Span>,
}

impl Walk<'_> {
    fn record(&mut self) -> Option<()> {
        let length = self.number(Field::RecordLength)?;
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        self.skip(Field::RecordAttributes, 1)?;
        self.number(Field::TimestampDelta)?;
        self.number(Field::OffsetDelta)?;
        self.nullable(Field::KeyLength, Field::Key)?;
        self.nullable(Field::ValueLength, Field::Value)?;
        for _ in 0..self.number(Field::HeaderCount)? {
            self.nullable(Field::HeaderKeyLength, Field::HeaderKey)?;
            self.nullable(Field::HeaderValueLength, Field::HeaderValue)?;
        }
        (self.at == end).then_some(())
    }

    fn number(&mut self, field: Field) -> Option<i64> {
        let start = self.at;
        let value = varint::read(self.bytes, &mut self.at)?;
        self.push(start, field);
        Some(value)
    }

    fn nullable(&mut self, length: Field, content: Field) -> Option<()> {
        match self.number(length)? {
            len if len > 0 => self.skip(content, usize::try_from(len).ok()?),
            _ => Some(()),
        }
    }

    fn skip(&mut self, field: Field, len: usize) -> Option<()> {
        let start = self.at;
        self.at = start.checked_add(len).filter(|&end| end <= self.bytes.len())?;
        self.push(start, field);
        Some(())
    }

    fn push(&mut self, start: usize, field: Field) {
        self.spans.push(Span { start: start as u32, end: self.at as u32, field, record: self.record });
    }
}
