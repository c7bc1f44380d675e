//! What must hold of batches, beyond the captured bytes that the fidelity vectors compare.

use super::*;
use crate::rng::{Seed, SimRng};

type Content = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

fn some_bytes(rng: &mut SimRng, at_most: u64) -> Option<Vec<u8>> {
    match rng.below(5) {
        0 => None,
        1 => Some(Vec::new()),
        _ => Some((0..rng.below(at_most)).map(|_| rng.next_u32() as u8).collect()),
    }
}

fn some_content(rng: &mut SimRng) -> Content {
    let headers = (0..rng.below(3)).map(|i| (format!("h\u{e9}{i}"), some_bytes(rng, 20))).collect();
    (1_700_000_000_000 + rng.below(100_000) as i64 - 50_000, some_bytes(rng, 40), some_bytes(rng, 300), headers)
}

fn build(contents: &[Content]) -> BatchBuilder {
    let mut builder = BatchBuilder::new();
    for (timestamp, key, value, headers) in contents {
        let headers: Vec<(&str, Option<&[u8]>)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        builder.append(*timestamp, key.as_deref(), value.as_deref(), &headers);
    }
    builder
}

fn read(batch: &RecordBatch) -> Vec<Content> {
    let own = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    let headers = |record: RecordRef<'_>| record.headers().map(|(name, value)| (name.to_string(), own(value))).collect();
    batch.records().map(|r| (r.timestamp_ms, own(r.key), own(r.value), headers(r))).collect()
}

fn random_batches(count: u32) -> impl Iterator<Item = (Vec<Content>, RecordBatch)> {
    let mut rng = SimRng::new(Seed(11), 0);
    (0..count).map(move |_| {
        let contents: Vec<Content> = (0..=rng.below(12)).map(|_| some_content(&mut rng)).collect();
        let builder = build(&contents);
        let size = builder.size_in_bytes();
        let batch = builder.build(ProducerStamp { producer_id: 7, producer_epoch: 3, base_sequence: i32::MAX - 2 });
        assert_eq!(batch.size_in_bytes(), size, "the size foretold is the size built");
        (contents, batch)
    })
}

fn three() -> RecordBatch {
    let record = |i: u8| (1_700_000_000_000 + i64::from(i), Some(vec![b'k', b'0' + i]), Some(vec![b'v', b'0' + i]), Vec::new());
    build(&[record(0), record(1), record(2)]).build(ProducerStamp::NONE)
}

#[test]
fn what_was_appended_is_read_back() {
    for (contents, batch) in random_batches(400) {
        assert_eq!(batch.validate(), Ok(()));
        assert_eq!(read(&batch), contents);
        assert_eq!(batch.record_count() as usize, contents.len());
        assert_eq!(batch.base_timestamp_ms(), contents[0].0);
        assert_eq!(Some(batch.max_timestamp_ms()), contents.iter().map(|c| c.0).max());
        for delta in 0..batch.record_count() {
            assert_eq!(batch.record(delta).map(|r| r.timestamp_ms), Some(contents[delta as usize].0));
        }
        assert!(batch.record(batch.record_count()).is_none());
    }
}

#[test]
fn a_placed_batch_is_parsed_back_with_its_place_and_its_crc() {
    for (n, (_, batch)) in random_batches(50).enumerate() {
        let mut file = vec![0xaa; 3];
        batch.write_placed(n as u64 * 1_000_000_007, n as i32, &mut file);
        file.extend_from_slice(&[0xbb; 5]);
        let (again, base_offset, leader_epoch) = RecordBatch::parse(&file[3..]).unwrap();
        assert_eq!((base_offset, leader_epoch), (n as i64 * 1_000_000_007, n as i32));
        assert_eq!(again, batch);
    }
}

#[test]
fn kafkas_own_bytes_for_three_records() {
    let mut bytes = Vec::new();
    three().write_placed(0, -1, &mut bytes);
    let expected = "000000000000000000000052ffffffff024a9a2eda0000000000020000018bcfe568000000018bcfe56802\
                    ffffffffffffffffffffffffffff0000000314000000046b300476300014000202046b3104763100\
                    14000404046b3204763200";
    assert_eq!(data_encoding::HEXLOWER.encode(&bytes), expected);
}

#[test]
fn every_changed_bit_is_noticed_unless_it_is_the_logs_own_stamp() {
    let batch = three();
    for bit in 0..batch.size_in_bytes() * 8 {
        let mut bytes = batch.bytes().to_vec();
        bytes[bit as usize / 8] ^= 1 << (bit % 8);
        let Ok((damaged, ..)) = RecordBatch::parse(&bytes) else { continue };
        let _ = (damaged.records().count(), damaged.check_records(), damaged.spans(), damaged.control());
        match bit as usize / 8 {
            // Base offset and leader epoch are the log's.
            0..8 | 12..16 => assert_eq!(damaged, batch),
            byte => assert!(damaged.validate().is_err(), "bit {bit} in byte {byte}"),
        }
    }
}

#[test]
fn any_cut_is_reported_as_a_cut() {
    let bytes = three().bytes().to_vec();
    for end in 0..bytes.len() {
        assert!(matches!(RecordBatch::parse(&bytes[..end]), Err(BatchError::Truncated { .. })), "cut at {end}");
    }
}

#[test]
fn sizes_are_known_before_encoding() {
    for (delta, timestamp) in [(0, 0), (63, -64), (64, 100_000), (1 << 20, i64::from(i32::MAX)), (u32::MAX >> 1, i64::MIN)] {
        for (key, value) in [(None, Some(0)), (Some(1), None), (Some(63), Some(64)), (Some(200), Some(70_000))] {
            let bytes = |len: Option<u32>| len.map(|len| vec![1; len as usize]);
            let (k, v) = (bytes(key), bytes(value));
            let mut out = Vec::new();
            codec::write_record(&mut out, delta, timestamp, content_size(key, value), k.as_deref(), v.as_deref(), &[]);
            assert_eq!(out.len() as u32, estimated_record_size(delta, timestamp, content_size(key, value)));
            assert!(out.len() as u32 + HEADER_SIZE <= upper_bound_size(content_size(key, value)));
        }
    }
}

#[test]
fn spans_cover_every_byte_once_and_in_order() {
    for (_, batch) in random_batches(50) {
        let spans = batch.spans();
        let mut end = 0;
        for span in &spans {
            assert_eq!(span.start, end);
            assert!(span.end > span.start);
            end = span.end;
        }
        assert_eq!(end, batch.size_in_bytes());
        assert!(spans.iter().all(|span| span.field != Field::Records), "every field of sound records is told apart");
    }
}

#[test]
fn log_append_time_gives_all_records_the_brokers_time() {
    let batch = three().with_log_append_time(1_700_000_000_777);
    assert_eq!(batch.validate(), Ok(()));
    assert_eq!(batch.timestamp_type(), TimestampType::LogAppendTime);
    assert!(batch.records().all(|record| record.timestamp_ms == 1_700_000_000_777));
}

#[test]
fn markers_say_how_the_transaction_ended() {
    for control in [Control::Abort, Control::Commit] {
        let marker = BatchBuilder::control(1_700_000_000_000, control, 12, 1000, 2);
        assert_eq!(marker.size_in_bytes(), 78);
        assert_eq!(marker.control(), Some((control, 12)));
        assert!(marker.is_control() && marker.is_transactional());
        assert_eq!(marker.stamp(), ProducerStamp { producer_id: 1000, producer_epoch: 2, base_sequence: -1 });
    }
    assert_eq!(three().control(), None);
}

#[test]
fn sequence_numbers_wrap_to_zero() {
    let stamp = ProducerStamp { producer_id: 1, producer_epoch: 0, base_sequence: i32::MAX - 1 };
    assert_eq!([0, 1, 2, 3].map(|delta| stamp.sequence(delta)), [i32::MAX - 1, i32::MAX, 0, 1]);
    assert_eq!(ProducerStamp::NONE.sequence(5), -1);
}

#[test]
fn a_restarted_builder_builds_the_same_bytes() {
    let mut builder = BatchBuilder::new();
    let mut batches = Vec::new();
    for _ in 0..2 {
        builder.append(5, Some(b"k"), Some(b"v"), &[]);
        batches.push(builder.build_and_restart(ProducerStamp::NONE));
        assert!(builder.is_empty() && builder.size_in_bytes() == HEADER_SIZE);
    }
    assert_eq!(batches[0], batches[1]);
}
