//! Record batch v2: the bytes Kafka's producers send, its brokers store and its consumers read.
//!
//! A batch is immutable and knows nothing of its place: base offset and leader epoch lie outside the CRC and belong to
//! the log that holds it, so that every replica can share the same bytes. `write_placed` stamps them.

mod builder;
mod codec;
mod error;
mod span;
pub mod varint;

pub use builder::{BatchBuilder, Header};
pub use codec::{Headers, MAX_RECORD_OVERHEAD, RecordRef, content_size, estimated_record_size, push_few, upper_bound_size, write_record};
pub use error::BatchError;
pub use span::{Field, Span};

use crate::crc::crc32c;
use codec::Base;
use std::fmt;
use std::sync::Arc;

/// Bytes in front of the records.
pub const HEADER_SIZE: u32 = 61;

/// Where the fields of the header start.
mod at {
    pub(super) const BASE_OFFSET: usize = 0;
    pub(super) const BATCH_LENGTH: usize = 8;
    /// `batchLength` counts from here.
    pub(super) const LEADER_EPOCH: usize = 12;
    pub(super) const MAGIC: usize = 16;
    pub(super) const CRC: usize = 17;
    /// The CRC covers the bytes from here to the end.
    pub(super) const ATTRIBUTES: usize = 21;
    pub(super) const LAST_OFFSET_DELTA: usize = 23;
    pub(super) const BASE_TIMESTAMP: usize = 27;
    pub(super) const MAX_TIMESTAMP: usize = 35;
    pub(super) const PRODUCER_ID: usize = 43;
    pub(super) const PRODUCER_EPOCH: usize = 51;
    pub(super) const BASE_SEQUENCE: usize = 53;
    pub(super) const RECORD_COUNT: usize = 57;
    pub(super) const RECORDS: usize = super::HEADER_SIZE as usize;
}

/// Bits of the attributes.
mod attributes {
    pub(super) const COMPRESSION: i16 = 0b111;
    pub(super) const LOG_APPEND_TIME: i16 = 1 << 3;
    pub(super) const TRANSACTIONAL: i16 = 1 << 4;
    pub(super) const CONTROL: i16 = 1 << 5;
    pub(super) const DELETE_HORIZON: i16 = 1 << 6;
}

/// Who wrote a batch and which of its records come first; `NONE` for a producer without idempotence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerStamp {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
}

impl ProducerStamp {
    pub const NONE: ProducerStamp = ProducerStamp { producer_id: -1, producer_epoch: -1, base_sequence: -1 };

    /// Sequence number of the record at this offset delta; numbers wrap to zero behind 2³¹−1.
    pub const fn sequence(self, offset_delta: u32) -> i32 {
        if self.base_sequence < 0 { -1 } else { ((self.base_sequence as u32).wrapping_add(offset_delta) & 0x7fff_ffff) as i32 }
    }
}

/// `compression.type` of a batch, as its attributes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
    /// Three bits allow more than are defined.
    Unknown(u8),
}

impl Compression {
    const fn from_attributes(attributes: i16) -> Self {
        match attributes & attributes::COMPRESSION {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Snappy,
            3 => Compression::Lz4,
            4 => Compression::Zstd,
            other => Compression::Unknown(other as u8),
        }
    }

    /// False when `records` cannot be this codec's output. A raw snappy block has no mark to look for.
    fn frames(self, records: &[u8]) -> bool {
        match self {
            Compression::None | Compression::Snappy => true,
            Compression::Gzip => records.starts_with(&[0x1f, 0x8b]),
            Compression::Lz4 => records.starts_with(&[0x04, 0x22, 0x4d, 0x18]),
            Compression::Zstd => records.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]),
            Compression::Unknown(_) => false,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
            Compression::Unknown(_) => "an unknown codec",
        })
    }
}

/// Whose clock a batch's timestamps are (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    CreateTime,
    LogAppendTime,
}

/// How a transaction ended, as its control record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Abort,
    Commit,
}

impl Control {
    /// Key of the control record: version 0, then the type.
    const fn key(self) -> [u8; 4] {
        [0, 0, 0, matches!(self, Control::Commit) as u8]
    }

    fn from_key(key: &[u8]) -> Option<Self> {
        match key.get(2..4)? {
            [0, 0] => Some(Control::Abort),
            [0, 1] => Some(Control::Commit),
            _ => None,
        }
    }
}

/// A batch's bytes, with base offset 0 and leader epoch −1 in place of a log's stamps.
///
/// Fields are read where they lie; nothing is kept beside the bytes, because a batch of one record is the common case. A clone shares
/// them: the producer's request, the leader and all followers hold the same bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordBatch {
    bytes: Arc<[u8]>,
}

impl RecordBatch {
    /// For bytes of another batch, copied.
    pub fn of_own_bytes(bytes: &[u8]) -> Self {
        RecordBatch::from_sealed(bytes)
    }

    /// For bytes of the builder, whose header is complete.
    fn from_sealed(bytes: &[u8]) -> Self {
        RecordBatch { bytes: bytes.into() }
    }

    /// The first batch of a buffer, with the base offset and leader epoch it is stamped with.
    /// Checks the header, not the CRC or the records: damaged bytes must be storable. `validate` checks the rest.
    pub fn parse(bytes: &[u8]) -> Result<(RecordBatch, i64, i32), BatchError> {
        let have = bytes.len() as u32;
        let prefix = bytes.get(..at::ATTRIBUTES).ok_or(BatchError::Truncated { need: HEADER_SIZE, have })?;
        let batch_length = i32::from_be_bytes(field(prefix, at::BATCH_LENGTH));
        if batch_length < HEADER_SIZE as i32 - at::LEADER_EPOCH as i32 {
            return Err(BatchError::LengthTooSmall { batch_length });
        }
        let magic = prefix[at::MAGIC] as i8;
        if magic != 2 {
            return Err(BatchError::UnsupportedMagic { magic });
        }
        let need = batch_length as u32 + at::LEADER_EPOCH as u32;
        let bytes = bytes.get(..need as usize).ok_or(BatchError::Truncated { need, have })?;
        for (name, place) in [("lastOffsetDelta", at::LAST_OFFSET_DELTA), ("recordCount", at::RECORD_COUNT)] {
            let value = i32::from_be_bytes(field(bytes, place));
            if value < 0 {
                return Err(BatchError::BadHeader { field: name, value });
            }
        }
        let base_offset = i64::from_be_bytes(field(bytes, at::BASE_OFFSET));
        let leader_epoch = i32::from_be_bytes(field(bytes, at::LEADER_EPOCH));
        let mut own = bytes.to_vec();
        stamp(&mut own, 0, -1);
        Ok((RecordBatch::from_sealed(&own), base_offset, leader_epoch))
    }

    /// The batch's bytes with base offset 0 and leader epoch −1.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn size_in_bytes(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// Records that are here; compaction leaves fewer than the offsets the batch spans.
    pub fn record_count(&self) -> u32 {
        u32::from_be_bytes(self.field(at::RECORD_COUNT))
    }

    /// Last offset of the batch, relative to its base offset; stays when compaction removes records.
    pub fn last_offset_delta(&self) -> u32 {
        u32::from_be_bytes(self.field(at::LAST_OFFSET_DELTA))
    }

    /// What the records' timestamps are relative to.
    pub fn base_timestamp_ms(&self) -> i64 {
        i64::from_be_bytes(self.field(at::BASE_TIMESTAMP))
    }

    pub fn max_timestamp_ms(&self) -> i64 {
        i64::from_be_bytes(self.field(at::MAX_TIMESTAMP))
    }

    pub fn stamp(&self) -> ProducerStamp {
        ProducerStamp {
            producer_id: i64::from_be_bytes(self.field(at::PRODUCER_ID)),
            producer_epoch: i16::from_be_bytes(self.field(at::PRODUCER_EPOCH)),
            base_sequence: i32::from_be_bytes(self.field(at::BASE_SEQUENCE)),
        }
    }

    /// Sequence number of the last record; −1 without idempotence.
    pub fn last_sequence(&self) -> i32 {
        self.stamp().sequence(self.last_offset_delta())
    }

    pub fn attributes(&self) -> i16 {
        i16::from_be_bytes(self.field(at::ATTRIBUTES))
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes() & attributes::TRANSACTIONAL != 0
    }

    /// A transaction's marker, which consumers never see.
    pub fn is_control(&self) -> bool {
        self.attributes() & attributes::CONTROL != 0
    }

    pub fn compression(&self) -> Compression {
        Compression::from_attributes(self.attributes())
    }

    pub fn timestamp_type(&self) -> TimestampType {
        match self.attributes() & attributes::LOG_APPEND_TIME {
            0 => TimestampType::CreateTime,
            _ => TimestampType::LogAppendTime,
        }
    }

    /// When compaction may remove the tombstones and markers of this batch; set by its first pass.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        (self.attributes() & attributes::DELETE_HORIZON != 0).then(|| self.base_timestamp_ms())
    }

    /// How the transaction ended and the epoch of the coordinator that says so, if this is a marker.
    pub fn control(&self) -> Option<(Control, i32)> {
        if !self.is_control() {
            return None;
        }
        let record = self.records().next()?;
        let epoch = record.value?.get(2..6)?;
        Some((Control::from_key(record.key?)?, i32::from_be_bytes(field(epoch, 0))))
    }

    /// The CRC-32C its writer stored.
    pub fn crc(&self) -> u32 {
        u32::from_be_bytes(self.field(at::CRC))
    }

    /// Computes the CRC anew: true unless bytes were changed since.
    pub fn crc_is_valid(&self) -> bool {
        self.crc() == crc32c(&self.bytes[at::ATTRIBUTES..])
    }

    /// Checks everything a consumer with `check.crcs=true` would stumble over.
    pub fn validate(&self) -> Result<(), BatchError> {
        if !self.crc_is_valid() {
            return Err(BatchError::CorruptCrc { stored: self.crc(), computed: crc32c(&self.bytes[at::ATTRIBUTES..]) });
        }
        self.check_records()
    }

    /// Walks every record and header: the format holds, the count is right and nothing is left over.
    pub fn check_records(&self) -> Result<(), BatchError> {
        let codec = self.compression();
        if !codec.frames(self.encoded_records()) {
            return Err(BatchError::NotCompressed { codec });
        }
        if codec != Compression::None {
            return Err(BatchError::Compressed { codec });
        }
        let promised = self.record_count();
        let mut records = self.records();
        for record in 0..promised {
            let whole = records.next().is_some_and(|record| codec::headers_are_whole(&record));
            if !whole {
                return Err(BatchError::MalformedRecord { record });
            }
        }
        match records.unread().len() as u32 {
            0 => Ok(()),
            trailing_bytes => Err(BatchError::WrongCount { promised, trailing_bytes }),
        }
    }

    /// The records in offset order. Ends early where bytes are damaged, and has nothing to give of a compressed batch;
    /// `check_records` tells which.
    pub fn records(&self) -> Records<'_> {
        let readable = self.compression() == Compression::None;
        Records { bytes: self.encoded_records(), at: 0, left: if readable { self.record_count() } else { 0 }, base: self.base() }
    }

    /// The record at this offset delta; `None` where compaction removed it, or behind the end.
    pub fn record(&self, offset_delta: u32) -> Option<RecordRef<'_>> {
        self.records().find(|record| record.offset_delta >= offset_delta).filter(|record| record.offset_delta == offset_delta)
    }

    /// Appends the bytes as on a broker's disk: base offset and leader epoch stamped, both outside the CRC.
    pub fn write_placed(&self, base_offset: u64, leader_epoch: i32, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        stamp(&mut out[start..], base_offset as i64, leader_epoch);
    }

    /// The batch as a broker stores it under `message.timestamp.type=LogAppendTime`: one timestamp, a new CRC.
    pub fn with_log_append_time(&self, timestamp_ms: i64) -> RecordBatch {
        let mut bytes = self.bytes.to_vec();
        let attributes = self.attributes() | attributes::LOG_APPEND_TIME;
        bytes[at::ATTRIBUTES..at::ATTRIBUTES + 2].copy_from_slice(&attributes.to_be_bytes());
        bytes[at::MAX_TIMESTAMP..at::MAX_TIMESTAMP + 8].copy_from_slice(&timestamp_ms.to_be_bytes());
        write_crc(&mut bytes);
        RecordBatch::from_sealed(&bytes)
    }

    /// The same records under another producer's stamp.
    pub fn with_stamp(&self, stamp: ProducerStamp) -> RecordBatch {
        BatchBuilder::reopen(self).build(stamp)
    }

    /// What compaction leaves of a batch: its place and its last offset stay, records go. `horizon`: when its tombstones may go.
    #[inline(never)]
    pub fn compacted(&self, horizon: Option<i64>, keep: &mut dyn FnMut(&RecordRef<'_>) -> bool) -> RecordBatch {
        let horizon = horizon.or(self.delete_horizon_ms());
        let base = horizon.unwrap_or(self.base_timestamp_ms());
        let mut bytes = self.bytes[..at::RECORDS].to_vec();
        let (mut left, mut newest) = (0_u32, -1);
        for record in self.records().filter(|record| keep(record)) {
            let headers: Vec<(&str, Option<&[u8]>)> = record.headers().collect();
            let timestamp_delta = record.timestamp_ms.wrapping_sub(base);
            let content = codec::content_of(record.key, record.value, &headers);
            codec::write_record(&mut bytes, record.offset_delta, timestamp_delta, content, record.key, record.value, &headers);
            (left, newest) = (left + 1, record.timestamp_ms.max(newest));
        }
        // An empty batch keeps the newest timestamp it had, and no base.
        let (base, newest) = if left == 0 { (-1, self.max_timestamp_ms()) } else { (base, newest) };
        let marked = if horizon.is_some() && left > 0 { attributes::DELETE_HORIZON } else { 0 };
        let attributes = self.attributes() & !attributes::DELETE_HORIZON | marked;
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(at::ATTRIBUTES, &attributes.to_be_bytes());
        put(at::BASE_TIMESTAMP, &base.to_be_bytes());
        put(at::MAX_TIMESTAMP, &newest.to_be_bytes());
        put(at::RECORD_COUNT, &left.to_be_bytes());
        let length = bytes.len() as i32 - at::LEADER_EPOCH as i32;
        bytes[at::BATCH_LENGTH..at::BATCH_LENGTH + 4].copy_from_slice(&length.to_be_bytes());
        write_crc(&mut bytes);
        RecordBatch::from_sealed(&bytes)
    }

    /// The batch after one bit of its records changed on a disk.
    pub fn with_flipped_bit(&self) -> RecordBatch {
        let mut bytes = self.bytes.to_vec();
        let middle = (at::RECORDS + bytes.len()) / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        RecordBatch::from_sealed(&bytes)
    }

    /// Which bytes are which field, without gaps, for a hex view.
    pub fn spans(&self) -> Vec<Span> {
        span::of_batch(self)
    }

    fn encoded_records(&self) -> &[u8] {
        &self.bytes[at::RECORDS..]
    }

    fn base(&self) -> Base {
        let log_append_time_ms = match self.timestamp_type() {
            TimestampType::CreateTime => None,
            TimestampType::LogAppendTime => Some(self.max_timestamp_ms()),
        };
        Base { timestamp_ms: self.base_timestamp_ms(), log_append_time_ms }
    }

    #[inline(always)]
    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        let header: &[u8; HEADER_SIZE as usize] = self.bytes.first_chunk().expect("a header is whole");
        field(header, at)
    }
}

impl fmt::Debug for RecordBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordBatch")
            .field("records", &self.record_count())
            .field("bytes", &self.size_in_bytes())
            .field("base_timestamp_ms", &self.base_timestamp_ms())
            .field("stamp", &self.stamp())
            .field("attributes", &self.attributes())
            .field("crc", &self.crc())
            .finish()
    }
}

/// Reads the records of a batch one by one, borrowing its bytes.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    left: u32,
    base: Base,
}

impl<'a> Records<'a> {
    fn unread(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = RecordRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<RecordRef<'a>> {
        if self.left == 0 {
            return None;
        }
        let record = codec::read_record(self.bytes, &mut self.at, self.base);
        self.left = if record.is_some() { self.left - 1 } else { 0 };
        record
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left as usize))
    }
}

#[inline(always)]
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("a header is whole")
}

fn stamp(bytes: &mut [u8], base_offset: i64, leader_epoch: i32) {
    bytes[at::BASE_OFFSET..at::BASE_OFFSET + 8].copy_from_slice(&base_offset.to_be_bytes());
    bytes[at::LEADER_EPOCH..at::LEADER_EPOCH + 4].copy_from_slice(&leader_epoch.to_be_bytes());
}

fn write_crc(bytes: &mut [u8]) {
    let crc = crc32c(&bytes[at::ATTRIBUTES..]);
    bytes[at::CRC..at::CRC + 4].copy_from_slice(&crc.to_be_bytes());
}

#[cfg(test)]
mod tests;
