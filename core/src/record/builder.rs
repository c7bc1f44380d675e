//! Builds batches as a producer does: records are encoded as they come, the header when the batch is closed.

use super::{Control, HEADER_SIZE, ProducerStamp, RecordBatch, at, attributes, codec};

/// Collects records of one batch. The bytes are Kafka's from the first append, so its size is exact at any time.
#[derive(Clone, Debug, Default)]
pub struct BatchBuilder {
    /// Room for the header, then the records; empty until the first append.
    bytes: Vec<u8>,
    records: u32,
    base_timestamp_ms: i64,
    max_timestamp_ms: i64,
}

impl BatchBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder whose buffer takes a batch of this size without growing.
    pub fn with_capacity(bytes: u32) -> Self {
        BatchBuilder { bytes: Vec::with_capacity(bytes as usize), ..Self::default() }
    }

    /// Adds a record at the next offset. The first record's timestamp is the batch's base.
    pub fn append(&mut self, timestamp_ms: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[(&str, Option<&[u8]>)]) {
        let content = codec::content_of(key, value, headers);
        if self.records == 0 {
            self.bytes.clear();
            // Room for header and record at once: a batch of one record is built in one allocation.
            let record = codec::estimated_record_size(0, 0, content);
            self.bytes.reserve((HEADER_SIZE + record) as usize);
            self.bytes.extend_from_slice(&[0; HEADER_SIZE as usize]);
            self.base_timestamp_ms = timestamp_ms;
            self.max_timestamp_ms = timestamp_ms;
        }
        let timestamp_delta = timestamp_ms.wrapping_sub(self.base_timestamp_ms);
        codec::write_record(&mut self.bytes, self.records, timestamp_delta, content, key, value, headers);
        self.max_timestamp_ms = self.max_timestamp_ms.max(timestamp_ms);
        self.records += 1;
    }

    pub const fn record_count(&self) -> u32 {
        self.records
    }

    pub const fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// As built now, header included.
    pub fn size_in_bytes(&self) -> u32 {
        (self.bytes.len() as u32).max(HEADER_SIZE)
    }

    /// The timestamp the next record's delta is relative to; `None` while there is no record.
    pub fn base_timestamp_ms(&self) -> Option<i64> {
        (self.records > 0).then_some(self.base_timestamp_ms)
    }

    /// Closes the batch: base offset 0, leader epoch −1, `CreateTime`, uncompressed.
    pub fn build(mut self, stamp: ProducerStamp) -> RecordBatch {
        self.build_and_restart(stamp)
    }

    /// Closes a batch of a transaction.
    pub fn build_transactional(mut self, stamp: ProducerStamp) -> RecordBatch {
        self.seal(stamp, attributes::TRANSACTIONAL);
        RecordBatch::from_sealed(&self.bytes)
    }

    /// Closes the batch into bytes of its own and starts the next one in the same buffer.
    pub fn build_and_restart(&mut self, stamp: ProducerStamp) -> RecordBatch {
        self.seal(stamp, 0);
        let batch = RecordBatch::from_sealed(&self.bytes);
        // The header stays: every field of it is written again.
        self.bytes.truncate(HEADER_SIZE as usize);
        self.records = 0;
        batch
    }

    /// Goes on with the records of a batch.
    pub fn reopen(batch: &RecordBatch) -> Self {
        BatchBuilder {
            bytes: batch.bytes().to_vec(),
            records: batch.record_count(),
            base_timestamp_ms: batch.base_timestamp_ms(),
            max_timestamp_ms: batch.max_timestamp_ms(),
        }
    }

    /// A transaction's end as its coordinator writes it into a partition: one control record.
    pub fn control(timestamp_ms: i64, control: Control, coordinator_epoch: i32, producer_id: i64, producer_epoch: i16) -> RecordBatch {
        let mut value = [0; 6];
        value[2..].copy_from_slice(&coordinator_epoch.to_be_bytes());
        let mut builder = BatchBuilder::with_capacity(78);
        builder.append(timestamp_ms, Some(&control.key()), Some(&value), &[]);
        let stamp = ProducerStamp { producer_id, producer_epoch, base_sequence: -1 };
        builder.seal(stamp, attributes::TRANSACTIONAL | attributes::CONTROL);
        RecordBatch::from_sealed(&builder.bytes)
    }

    fn seal(&mut self, stamp: ProducerStamp, attributes: i16) {
        debug_assert!(self.records > 0, "a batch has at least one record");
        self.bytes.resize(self.size_in_bytes() as usize, 0);
        let BatchBuilder { records, base_timestamp_ms, max_timestamp_ms, .. } = *self;
        Header { records, base_timestamp_ms, max_timestamp_ms, stamp, attributes }.write(&mut self.bytes);
    }
}

/// What stands in front of the records.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub records: u32,
    pub base_timestamp_ms: i64,
    pub max_timestamp_ms: i64,
    pub stamp: ProducerStamp,
    pub attributes: i16,
}

impl Header {
    /// Leaves room for one, which is written when its records are known.
    pub fn make_room(out: &mut Vec<u8>) {
        codec::push_first(out, &[0; HEADER_SIZE.next_multiple_of(8) as usize], HEADER_SIZE as usize);
    }

    /// Closes a batch: its records, behind that room.
    pub fn seal(&self, batch: &mut [u8]) -> RecordBatch {
        self.write(batch);
        RecordBatch::from_sealed(batch)
    }

    fn write(&self, batch: &mut [u8]) {
        let batch_length = batch.len() as i32 - at::LEADER_EPOCH as i32;
        let header = batch.first_chunk_mut().expect("room was made for it");
        put(header, at::BATCH_LENGTH, batch_length.to_be_bytes());
        put(header, at::LEADER_EPOCH, (-1_i32).to_be_bytes());
        put(header, at::MAGIC, [2]);
        put(header, at::ATTRIBUTES, self.attributes.to_be_bytes());
        put(header, at::LAST_OFFSET_DELTA, self.records.saturating_sub(1).to_be_bytes());
        put(header, at::BASE_TIMESTAMP, self.base_timestamp_ms.to_be_bytes());
        put(header, at::MAX_TIMESTAMP, self.max_timestamp_ms.to_be_bytes());
        put(header, at::PRODUCER_ID, self.stamp.producer_id.to_be_bytes());
        put(header, at::PRODUCER_EPOCH, self.stamp.producer_epoch.to_be_bytes());
        put(header, at::BASE_SEQUENCE, self.stamp.base_sequence.to_be_bytes());
        put(header, at::RECORD_COUNT, self.records.to_be_bytes());
        super::write_crc(batch);
    }
}

/// Inlined whatever the build is for: in its place stands one store.
#[inline(always)]
fn put<const N: usize>(header: &mut [u8; HEADER_SIZE as usize], at: usize, field: [u8; N]) {
    header[at..at + N].copy_from_slice(&field);
}
