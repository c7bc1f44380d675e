//! Old batches, packed: what nobody has read for a while takes a fraction of its room in memory. Their bytes are not touched.
//!
//! Batches of one partition resemble one another, so each is kept as what differs from an earlier one of its chunk. A reader gets
//! them unpacked, and they stay so until the next packing.

use super::segment::StoredBatch;
use crate::ids::{LeaderEpoch, Offset};
use crate::record::RecordBatch;
use std::sync::{Arc, OnceLock};

#[derive(Clone, Debug)]
pub struct Packed {
    pub first: Offset,
    bytes: Arc<[u8]>,
    unpacked: OnceLock<Vec<StoredBatch>>,
}

impl Packed {
    #[inline(never)]
    pub fn of(batches: &[StoredBatch]) -> Packed {
        let first = batches[0].base_offset;
        let (mut out, mut offset) = (Vec::new(), first);
        number(&mut out, batches.len() as u64);
        for (place, stored) in batches.iter().enumerate() {
            let like = pattern(&batches[..place], stored);
            number(&mut out, stored.base_offset.since(offset) << 1 | u64::from(stored.damaged));
            number(&mut out, u64::from(stored.leader_epoch.0 as u32));
            number(&mut out, u64::from(stored.writer));
            number(&mut out, u64::from(stored.serial));
            number(&mut out, u64::from(stored.batch.size_in_bytes()));
            number(&mut out, like.map_or(0, |like| place - like) as u64);
            difference(stored.batch.bytes(), like.map_or(&[], |like| batches[like].batch.bytes()), &mut out);
            offset = stored.next_offset();
        }
        Packed { first, bytes: out.into(), unpacked: OnceLock::new() }
    }

    /// Unpacked, and kept so for the next reader.
    pub fn batches(&self) -> &[StoredBatch] {
        self.unpacked.get_or_init(|| self.unpack())
    }

    #[inline(never)]
    pub fn unpack(&self) -> Vec<StoredBatch> {
        let (mut from, mut offset) = (&self.bytes[..], self.first);
        let count = read(&mut from) as usize;
        let mut batches: Vec<StoredBatch> = Vec::with_capacity(count);
        for place in 0..count {
            let gap = read(&mut from);
            let base_offset = offset.plus(gap >> 1);
            let leader_epoch = LeaderEpoch(read(&mut from) as u32 as i32);
            let (writer, serial) = (read(&mut from) as u32, read(&mut from) as u32);
            let (size, back) = (read(&mut from) as usize, read(&mut from) as usize);
            let like: &[u8] = if back == 0 { &[] } else { batches[place - back].batch.bytes() };
            let batch = RecordBatch::of_own_bytes(&apply(&mut from, like, size));
            let stored = StoredBatch { base_offset, batch, leader_epoch, writer, serial, damaged: gap & 1 != 0 };
            offset = stored.next_offset();
            batches.push(stored);
        }
        batches
    }

    /// The same without what readers had unpacked; `None` when nobody had.
    pub fn folded(&self) -> Option<Packed> {
        self.unpacked.get()?;
        Some(Packed { first: self.first, bytes: Arc::clone(&self.bytes), unpacked: OnceLock::new() })
    }

    /// The same batches, stamped alike.
    pub fn is_like(&self, other: &Packed) -> bool {
        self.first == other.first && self.bytes == other.bytes
    }

    /// Both lie in the same memory.
    pub fn shares(&self, other: &Packed) -> bool {
        Arc::ptr_eq(&self.bytes, &other.bytes)
    }

    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// The newest earlier batch that is of the same writer and size, or else of the same size, or else the one before.
fn pattern(earlier: &[StoredBatch], stored: &StoredBatch) -> Option<usize> {
    let size = stored.batch.size_in_bytes();
    let same_size = |other: &StoredBatch| other.batch.size_in_bytes() == size;
    let twin = earlier.iter().rposition(|other| other.writer == stored.writer && same_size(other));
    twin.or_else(|| earlier.iter().rposition(same_size)).or(earlier.len().checked_sub(1))
}

/// Equal bytes in a row that are worth an end of what differs.
const RUN: usize = 4;

/// Pairs of lengths, as often as needed: so many bytes as in `like`, then so many others, which follow.
fn difference(bytes: &[u8], like: &[u8], out: &mut Vec<u8>) {
    let same = |at: usize| like.get(at) == Some(&bytes[at]);
    let mut at = 0;
    while at < bytes.len() {
        let equal = (at..bytes.len()).take_while(|at| same(*at)).count();
        let begin = at + equal;
        let (mut end, mut run) = (begin, 0);
        while end < bytes.len() && run < RUN {
            run = if same(end) { run + 1 } else { 0 };
            end += 1;
        }
        let end = if run == RUN { end - RUN } else { end };
        number(out, equal as u64);
        number(out, (end - begin) as u64);
        out.extend_from_slice(&bytes[begin..end]);
        at = end;
    }
}

fn apply(from: &mut &[u8], like: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        let (equal, other) = (read(from) as usize, read(from) as usize);
        bytes.extend_from_slice(&like[bytes.len()..bytes.len() + equal]);
        let (literal, rest) = from.split_at(other);
        bytes.extend_from_slice(literal);
        *from = rest;
    }
    bytes
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read(from: &mut &[u8]) -> u64 {
    let mut value = 0;
    for place in 0.. {
        let byte = from[0];
        *from = &from[1..];
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, ProducerStamp};

    /// Like the positions of three trucks, with a gap as compaction leaves it and one batch that rotted.
    fn positions(count: u32) -> Vec<StoredBatch> {
        let mut next = Offset(40);
        let mut one = |n: u32| {
            let mut builder = BatchBuilder::new();
            for record in 0..=n % 2 {
                let value =
                    format!("{{\"truck_id\":\"truck-{}\",\"lat\":{},\"lon\":{}}}", n % 3, 48_000 + 977 * n % 999, 11_000 + 31 * n % 777);
                builder.append(1_000_000 + i64::from(n * 20_000 + record), Some(b"truck"), Some(value.as_bytes()), &[]);
            }
            let stamp = ProducerStamp { producer_id: i64::from(n % 3), producer_epoch: 0, base_sequence: n as i32 };
            let base_offset = if n == 5 { next.plus(1_000) } else { next };
            let mut batch = builder.build(stamp);
            if n == 7 {
                batch = batch.with_flipped_bit();
            }
            let leader_epoch = LeaderEpoch(if n == 3 { -1 } else { 4 });
            let stored = StoredBatch { base_offset, batch, leader_epoch, writer: n % 3, serial: n, damaged: n == 7 };
            next = stored.next_offset();
            stored
        };
        (0..count).map(&mut one).collect()
    }

    #[test]
    fn what_is_unpacked_is_what_was_packed() {
        for count in [1, 2, 8, 256] {
            let batches = positions(count);
            let packed = Packed::of(&batches);
            assert_eq!(format!("{:?}", packed.batches()), format!("{batches:?}"));
            let bytes = |batches: &[StoredBatch]| batches.iter().map(|stored| stored.batch.bytes().to_vec()).collect::<Vec<_>>();
            assert_eq!(bytes(packed.batches()), bytes(&batches));
            assert!(packed.folded().is_some_and(|folded| folded.folded().is_none()));
        }
    }

    #[test]
    fn batches_that_resemble_one_another_take_a_third_of_their_bytes() {
        let batches = positions(256);
        let plain: usize = batches.iter().map(|stored| stored.batch.bytes().len()).sum();
        let packed = Packed::of(&batches).size();
        assert!(packed * 3 < plain, "{packed} of {plain}");
    }
}
