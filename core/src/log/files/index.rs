//! `.index` and `.timeindex` of a segment: sparse, one entry for a batch whenever enough bytes lie behind the last.

use super::PlacedBatch;

/// Grows with its segment, batch by batch.
#[derive(Debug)]
pub(super) struct SegmentIndex {
    base_offset: u64,
    interval_bytes: u32,
    bytes_since_entry: u64,
    /// Greatest timestamp so far, and the last offset of the first batch that holds it.
    newest: Option<(i64, u64)>,
    last_time: Option<i64>,
    offsets: Vec<u8>,
    times: Vec<u8>,
}

impl SegmentIndex {
    pub(super) fn new(base_offset: u64, interval_bytes: u32) -> Self {
        SegmentIndex {
            base_offset,
            interval_bytes,
            bytes_since_entry: 0,
            newest: None,
            last_time: None,
            offsets: Vec::new(),
            times: Vec::new(),
        }
    }

    /// Counts a batch that starts at `position` of the segment's file.
    pub(super) fn add(&mut self, placed: &PlacedBatch<'_>, position: u32) {
        let (timestamp, last_offset) = (placed.batch.max_timestamp_ms(), placed.last_offset());
        // Records without a timestamp have −1 and are never the newest.
        if timestamp > self.newest.map_or(-1, |(newest, _)| newest) {
            self.newest = Some((timestamp, last_offset));
        }
        if self.bytes_since_entry > u64::from(self.interval_bytes) {
            self.offsets.extend_from_slice(&self.relative(last_offset));
            self.offsets.extend_from_slice(&position.to_be_bytes());
            self.add_time();
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry += u64::from(placed.batch.size_in_bytes());
    }

    /// The closing entry, so that a search by time need not read the segment's tail.
    pub(super) fn seal(&mut self) {
        self.add_time();
    }

    /// Offset index and time index.
    pub(super) fn into_bytes(self) -> (Vec<u8>, Vec<u8>) {
        (self.offsets, self.times)
    }

    fn add_time(&mut self) {
        let Some((timestamp, offset)) = self.newest else { return };
        if self.last_time.is_none_or(|last| timestamp > last) {
            self.times.extend_from_slice(&timestamp.to_be_bytes());
            self.times.extend_from_slice(&self.relative(offset));
            self.last_time = Some(timestamp);
        }
    }

    fn relative(&self, offset: u64) -> [u8; 4] {
        ((offset - self.base_offset) as u32).to_be_bytes()
    }
}
