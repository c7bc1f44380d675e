//! The files of one replica, as a broker has them on its disk: a directory `<topic>-<partition>` with Kafka's names and bytes.
//!
//! Only batches and leader epochs are needed; indexes, the aborted transactions and the producers' state follow from them,
//! as Kafka itself rebuilds them. Index files are trimmed, as after a clean shutdown.

mod index;
mod producers;

use crate::record::RecordBatch;
use data_encoding::BASE64URL_NOPAD;
use index::SegmentIndex;
use producers::ProducerStates;

/// `index.interval.bytes` where the topic does not set it.
pub const DEFAULT_INDEX_INTERVAL_BYTES: u32 = 4096;

/// A batch and where it lies in the log.
#[derive(Clone, Copy, Debug)]
pub struct PlacedBatch<'a> {
    pub base_offset: u64,
    pub leader_epoch: i32,
    pub batch: &'a RecordBatch,
}

impl PlacedBatch<'_> {
    fn last_offset(&self) -> u64 {
        self.base_offset + u64::from(self.batch.last_offset_delta())
    }
}

/// A segment, its batches in offset order.
#[derive(Clone, Debug)]
pub struct Segment<B> {
    /// Names its files; compaction may have removed the record of this offset.
    pub base_offset: u64,
    pub batches: B,
    /// Rolled, or closed with the broker: its time index is completed and the producers' state is written at its end.
    /// An active segment of a running broker has neither yet.
    pub sealed: bool,
}

/// What else stands in the directory of a replica.
#[derive(Clone, Copy, Debug)]
pub struct Replica<'a> {
    /// The topic's UUID.
    pub topic_id: [u8; 16],
    /// (leader epoch, its first offset), rising.
    pub leader_epochs: &'a [(i32, u64)],
    pub index_interval_bytes: u32,
}

/// A file's name, without its directory, and its bytes.
pub type File = (String, Vec<u8>);

/// All files of a replica's directory, by name.
pub fn render<'a, B>(replica: Replica<'_>, segments: impl IntoIterator<Item = Segment<B>>) -> Vec<File>
where
    B: IntoIterator<Item = PlacedBatch<'a>>,
{
    let mut files = vec![
        ("leader-epoch-checkpoint".to_string(), leader_epoch_checkpoint(replica.leader_epochs)),
        ("partition.metadata".to_string(), partition_metadata(replica.topic_id)),
    ];
    let mut producers = ProducerStates::default();
    let mut segments = segments.into_iter().peekable();
    while let Some(segment) = segments.next() {
        let (base_offset, sealed) = (segment.base_offset, segment.sealed);
        let rendered = RenderedSegment::of(segment, replica.index_interval_bytes, &mut producers);
        let end_offset = segments.peek().map_or(rendered.end_offset, |next| next.base_offset);
        files.extend(rendered.into_files(base_offset));
        if sealed && end_offset > 0 {
            files.push((file_name(end_offset, "snapshot"), producers.snapshot()));
        }
    }
    crate::sorted::settle(&mut files, |a, b| a.0 < b.0);
    files
}

/// `00000000000000000042.log` and its companions.
pub fn file_name(offset: u64, extension: &str) -> String {
    format!("{offset:020}.{extension}")
}

struct RenderedSegment {
    log: Vec<u8>,
    index: SegmentIndex,
    /// Entries of transactions aborted here; there is no file without one.
    aborted: Vec<u8>,
    end_offset: u64,
}

impl RenderedSegment {
    fn of<'a, B>(segment: Segment<B>, index_interval_bytes: u32, producers: &mut ProducerStates) -> Self
    where
        B: IntoIterator<Item = PlacedBatch<'a>>,
    {
        let mut rendered = RenderedSegment {
            log: Vec::new(),
            index: SegmentIndex::new(segment.base_offset, index_interval_bytes),
            aborted: Vec::new(),
            end_offset: segment.base_offset,
        };
        for placed in segment.batches {
            rendered.index.add(&placed, rendered.log.len() as u32);
            placed.batch.write_placed(placed.base_offset, placed.leader_epoch, &mut rendered.log);
            if let Some(aborted) = producers.add(&placed) {
                aborted.write(&mut rendered.aborted);
            }
            rendered.end_offset = placed.last_offset() + 1;
        }
        if segment.sealed {
            rendered.index.seal();
        }
        rendered
    }

    fn into_files(self, base_offset: u64) -> impl Iterator<Item = File> {
        let (offsets, times) = self.index.into_bytes();
        let aborted = (!self.aborted.is_empty()).then_some(("txnindex", self.aborted));
        [("log", self.log), ("index", offsets), ("timeindex", times)]
            .into_iter()
            .chain(aborted)
            .map(move |(extension, bytes)| (file_name(base_offset, extension), bytes))
    }
}

/// Version, number of entries, then an epoch and its first offset a line; an empty file while there is no epoch.
fn leader_epoch_checkpoint(epochs: &[(i32, u64)]) -> Vec<u8> {
    if epochs.is_empty() {
        return Vec::new();
    }
    let lines: String = epochs.iter().map(|(epoch, start)| format!("{epoch} {start}\n")).collect();
    format!("0\n{}\n{lines}", epochs.len()).into_bytes()
}

/// No newline at the end.
fn partition_metadata(topic_id: [u8; 16]) -> Vec<u8> {
    format!("version: 0\ntopic_id: {}", BASE64URL_NOPAD.encode(&topic_id)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BatchBuilder, ProducerStamp};

    fn batch(timestamp_ms: i64, value_len: usize) -> RecordBatch {
        let mut builder = BatchBuilder::new();
        builder.append(timestamp_ms, None, Some(&vec![7; value_len]), &[]);
        builder.build(ProducerStamp::NONE)
    }

    fn replica(leader_epochs: &[(i32, u64)]) -> Replica<'_> {
        Replica { topic_id: [0; 16], leader_epochs, index_interval_bytes: DEFAULT_INDEX_INTERVAL_BYTES }
    }

    fn names(files: &[File]) -> Vec<&str> {
        files.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn file<'a>(files: &'a [File], name: &str) -> &'a [u8] {
        &files.iter().find(|(n, _)| n == name).unwrap().1
    }

    #[test]
    fn an_empty_replica_has_its_first_segments_files() {
        let empty = Segment { base_offset: 0, batches: [], sealed: false };
        let files = render(replica(&[]), [empty]);
        let expected = [
            "00000000000000000000.index",
            "00000000000000000000.log",
            "00000000000000000000.timeindex",
            "leader-epoch-checkpoint",
            "partition.metadata",
        ];
        assert_eq!(names(&files), expected);
        assert_eq!(file(&files, "leader-epoch-checkpoint"), b"");
        assert_eq!(file(&files, "partition.metadata"), b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA");
    }

    #[test]
    fn an_active_segment_lacks_the_closing_time_and_the_snapshot() {
        let batch = batch(5, 10);
        let segment =
            |sealed| Segment { base_offset: 3, batches: [PlacedBatch { base_offset: 3, leader_epoch: 0, batch: &batch }], sealed };
        let active = render(replica(&[(0, 3)]), [segment(false)]);
        assert_eq!(file(&active, "00000000000000000003.timeindex"), b"");
        let sealed = render(replica(&[(0, 3)]), [segment(true)]);
        assert_eq!(file(&sealed, "00000000000000000003.timeindex").len(), 12);
        assert!(names(&sealed).contains(&"00000000000000000004.snapshot"));
    }

    #[test]
    fn an_index_entry_comes_after_more_than_the_interval_and_never_first() {
        let batches: Vec<RecordBatch> = (0..9).map(|n| batch(n, 2000)).collect();
        let placed = (0..).zip(&batches).map(|(base_offset, batch)| PlacedBatch { base_offset, leader_epoch: 0, batch });
        let files = render(replica(&[(0, 0)]), [Segment { base_offset: 0, batches: placed, sealed: true }]);
        let size = batches[0].size_in_bytes();
        let entry = |offset: u32| [offset.to_be_bytes(), (offset * size).to_be_bytes()].concat();
        assert_eq!(file(&files, "00000000000000000000.index"), [entry(2), entry(4), entry(6), entry(8)].concat());
    }
}
