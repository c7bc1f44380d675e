//! A voter's copy of `__cluster_metadata`: a snapshot and the records after it. All of it is flushed before anything is answered.

use crate::metadata::{LogEntry, MetadataImage, MetadataRecord};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct MetadataLog {
    /// The image up to the first record.
    snapshot: Arc<MetadataImage>,
    /// Epoch of the last record in the snapshot.
    snapshot_epoch: i32,
    entries: Vec<Arc<LogEntry>>,
}

impl MetadataLog {
    pub fn new(snapshot: Arc<MetadataImage>, snapshot_epoch: i32) -> Self {
        MetadataLog { snapshot, snapshot_epoch, entries: Vec::new() }
    }

    pub fn snapshot(&self) -> &Arc<MetadataImage> {
        &self.snapshot
    }

    pub fn snapshot_epoch(&self) -> i32 {
        self.snapshot_epoch
    }

    pub fn start(&self) -> u64 {
        self.snapshot.offset
    }

    pub fn end(&self) -> u64 {
        self.start() + self.entries.len() as u64
    }

    pub fn last_epoch(&self) -> i32 {
        self.entries.last().map_or(self.snapshot_epoch, |entry| entry.epoch)
    }

    /// The largest epoch up to `epoch`, and where it ends.
    pub fn end_of_epoch(&self, epoch: i32) -> (i32, u64) {
        let count = self.entries.partition_point(|entry| entry.epoch <= epoch);
        let known = count.checked_sub(1).map_or(self.snapshot_epoch, |last| self.entries[last].epoch);
        (known, self.start() + count as u64)
    }

    /// Records `from..to`, as far as they are here.
    pub fn range(&self, from: u64, to: u64) -> &[Arc<LogEntry>] {
        let place = |offset: u64| (offset.saturating_sub(self.start()) as usize).min(self.entries.len());
        &self.entries[place(from)..place(to.max(from))]
    }

    pub fn append(&mut self, epoch: i32, record: MetadataRecord) {
        self.entries.push(Arc::new(LogEntry { epoch, record }));
    }

    pub fn extend(&mut self, entries: &[Arc<LogEntry>]) {
        self.entries.extend_from_slice(entries);
    }

    pub fn truncate(&mut self, end: u64) {
        self.entries.truncate(end.saturating_sub(self.start()) as usize);
    }

    /// Records the snapshot now holds go.
    pub fn compact(&mut self, snapshot: Arc<MetadataImage>) {
        self.snapshot_epoch = self.range(self.start(), snapshot.offset).last().map_or(self.snapshot_epoch, |entry| entry.epoch);
        self.entries.drain(..(snapshot.offset - self.start()) as usize);
        self.snapshot = snapshot;
    }
}
