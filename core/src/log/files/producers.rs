//! What a log knows of its idempotent and transactional producers, collected from its batches: the content of `.snapshot`
//! files, and the aborted transactions of `.txnindex`.

use super::PlacedBatch;
use crate::crc::crc32c;
use crate::record::Control;

/// Producers in the order they first wrote.
#[derive(Debug, Default)]
pub(super) struct ProducerStates(Vec<Producer>);

#[derive(Debug)]
struct Producer {
    id: i64,
    epoch: i16,
    last_batch: Option<LastBatch>,
    timestamp_ms: i64,
    coordinator_epoch: i32,
    /// First offset of the open transaction.
    transaction_start: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct LastBatch {
    last_sequence: i32,
    last_offset: u64,
    offset_delta: u32,
}

/// A transaction whose records readers with `read_committed` skip.
#[derive(Clone, Copy, Debug)]
pub(super) struct AbortedTransaction {
    producer_id: i64,
    first_offset: u64,
    marker_offset: u64,
    last_stable_offset: u64,
}

impl ProducerStates {
    /// Takes a batch into account; answers the transaction it aborts.
    pub(super) fn add(&mut self, placed: &PlacedBatch<'_>) -> Option<AbortedTransaction> {
        let stamp = placed.batch.stamp();
        if stamp.producer_id < 0 {
            return None;
        }
        if let Some((control, coordinator_epoch)) = placed.batch.control() {
            return self.end_transaction(placed, control, coordinator_epoch);
        }
        if placed.batch.is_control() {
            return None;
        }
        let producer = self.producer(stamp.producer_id, stamp.producer_epoch);
        producer.last_batch = Some(LastBatch {
            last_sequence: placed.batch.last_sequence(),
            last_offset: placed.last_offset(),
            offset_delta: placed.batch.last_offset_delta(),
        });
        producer.timestamp_ms = placed.batch.max_timestamp_ms();
        if placed.batch.is_transactional() {
            producer.transaction_start.get_or_insert(placed.base_offset);
        }
        None
    }

    fn end_transaction(&mut self, placed: &PlacedBatch<'_>, control: Control, coordinator_epoch: i32) -> Option<AbortedTransaction> {
        let stamp = placed.batch.stamp();
        let producer = self.producer(stamp.producer_id, stamp.producer_epoch);
        producer.timestamp_ms = placed.batch.max_timestamp_ms();
        producer.coordinator_epoch = coordinator_epoch;
        let first_offset = producer.transaction_start.take()?;
        let still_open = self.0.iter().filter_map(|producer| producer.transaction_start).min();
        (control == Control::Abort).then_some(AbortedTransaction {
            producer_id: stamp.producer_id,
            first_offset,
            marker_offset: placed.base_offset,
            last_stable_offset: still_open.unwrap_or(placed.base_offset + 1),
        })
    }

    /// The producer of this id; a new epoch forgets the batches of the old one.
    fn producer(&mut self, id: i64, epoch: i16) -> &mut Producer {
        let index = self.0.iter().position(|producer| producer.id == id).unwrap_or_else(|| {
            self.0.push(Producer { id, epoch, last_batch: None, timestamp_ms: -1, coordinator_epoch: -1, transaction_start: None });
            self.0.len() - 1
        });
        let producer = &mut self.0[index];
        if producer.epoch != epoch {
            producer.epoch = epoch;
            producer.last_batch = None;
        }
        producer
    }

    /// A `.snapshot` file: version, CRC-32C of what follows it, number of producers, 46 bytes each.
    pub(super) fn snapshot(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(4 + 46 * self.0.len());
        body.extend_from_slice(&(self.0.len() as u32).to_be_bytes());
        for producer in self.in_java_order() {
            producer.write(&mut body);
        }
        let mut file = vec![0, 1];
        file.extend_from_slice(&crc32c(&body).to_be_bytes());
        file.extend_from_slice(&body);
        file
    }

    /// Kafka writes them as `java.util.HashMap` gives them: by the low bits of their id's hash, then as they came.
    fn in_java_order(&self) -> Vec<&Producer> {
        let mut table: u32 = 16;
        while self.0.len() as u32 > table / 4 * 3 {
            table *= 2;
        }
        let bucket = |producer: &&Producer| {
            let hash = (producer.id ^ ((producer.id as u64) >> 32) as i64) as u32;
            (hash ^ (hash >> 16)) & (table - 1)
        };
        let mut producers: Vec<&Producer> = self.0.iter().collect();
        crate::sorted::settle(&mut producers, |a, b| bucket(a) < bucket(b));
        producers
    }
}

impl Producer {
    fn write(&self, out: &mut Vec<u8>) {
        let (last_sequence, last_offset, offset_delta) =
            self.last_batch.map_or((-1, -1, 0), |last| (last.last_sequence, last.last_offset as i64, last.offset_delta));
        out.extend_from_slice(&self.id.to_be_bytes());
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&last_sequence.to_be_bytes());
        out.extend_from_slice(&last_offset.to_be_bytes());
        out.extend_from_slice(&offset_delta.to_be_bytes());
        out.extend_from_slice(&self.timestamp_ms.to_be_bytes());
        out.extend_from_slice(&self.coordinator_epoch.to_be_bytes());
        out.extend_from_slice(&self.transaction_start.map_or(-1, |start| start as i64).to_be_bytes());
    }
}

impl AbortedTransaction {
    /// An entry of `.txnindex`, version 0.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&self.producer_id.to_be_bytes());
        for offset in [self.first_offset, self.marker_offset, self.last_stable_offset] {
            out.extend_from_slice(&offset.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, ProducerStamp, RecordBatch};

    fn transactional(producer_id: i64) -> RecordBatch {
        let mut builder = BatchBuilder::new();
        builder.append(1, None, Some(b"v"), &[]);
        builder.build_transactional(ProducerStamp { producer_id, producer_epoch: 0, base_sequence: 0 })
    }

    fn add(states: &mut ProducerStates, base_offset: u64, batch: &RecordBatch) -> Option<AbortedTransaction> {
        states.add(&PlacedBatch { base_offset, leader_epoch: 0, batch })
    }

    #[test]
    fn an_abort_is_indexed_with_the_stable_offset_the_other_transactions_leave() {
        let mut states = ProducerStates::default();
        for (offset, producer) in [(0, 1), (1, 2)] {
            assert!(add(&mut states, offset, &transactional(producer)).is_none());
        }
        let abort = |producer| BatchBuilder::control(9, Control::Abort, 0, producer, 0);
        let second = add(&mut states, 2, &abort(2)).unwrap();
        assert_eq!((second.first_offset, second.marker_offset, second.last_stable_offset), (1, 2, 0));
        let first = add(&mut states, 3, &abort(1)).unwrap();
        assert_eq!((first.first_offset, first.marker_offset, first.last_stable_offset), (0, 3, 4));
        assert!(add(&mut states, 4, &abort(1)).is_none(), "there was nothing to abort");
        assert!(add(&mut states, 5, &transactional(1)).is_none());
        assert!(add(&mut states, 6, &BatchBuilder::control(9, Control::Commit, 0, 1, 0)).is_none());
    }

    #[test]
    fn a_new_epoch_forgets_the_last_batch() {
        let mut states = ProducerStates::default();
        add(&mut states, 0, &transactional(1));
        add(&mut states, 1, &BatchBuilder::control(9, Control::Commit, 0, 1, 1));
        assert!(states.0[0].last_batch.is_none());
        assert_eq!((states.0[0].epoch, states.0[0].transaction_start), (1, None));
    }

    #[test]
    fn the_empty_snapshot_is_kafkas() {
        assert_eq!(ProducerStates::default().snapshot(), [0, 1, 0x48, 0x67, 0x4b, 0xc7, 0, 0, 0, 0]);
    }
}
