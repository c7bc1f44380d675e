//! The brokers' disks as files: a whole directory for an export, or what changed since a mirror last looked.
//!
//! Paths begin with the broker's id and go on as Kafka has them: `101/trucks_gps-3/00000000000000000000.log`.

use super::Cluster;
use crate::broker::Broker;
use crate::broker::partition::Replica;
use crate::config::TopicConfig;
use crate::ids::{BrokerId, Offset, TopicId, TopicPartition};
use crate::log::PartitionLog;
use crate::log::epochs::EpochEntry;
use crate::log::files::{self, PlacedBatch, Segment, file_name};
use crate::log::segment::{LogSegment, StoredBatch};
use crate::sorted::SortedMap;

/// What a mirror has to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskWrite {
    /// `bytes` at position `at`, the end of the file so far.
    Append {
        path: String,
        at: u64,
        bytes: Vec<u8>,
    },
    /// The file is exactly this.
    Replace {
        path: String,
        bytes: Vec<u8>,
    },
    Remove {
        path: String,
    },
}

/// How far a mirror has come; the default has nothing.
#[derive(Clone, Debug, Default)]
pub struct DiskCursor {
    replicas: SortedMap<(BrokerId, TopicPartition), Mark>,
    checkpoints: SortedMap<BrokerId, Vec<u8>>,
}

#[derive(Clone, Debug, Default)]
struct Mark {
    truncations: u32,
    end: Offset,
    /// What `leader-epoch-checkpoint` says.
    epochs: Vec<EpochEntry>,
    /// Bytes written to each segment, by base offset.
    segments: SortedMap<Offset, u64>,
}

impl Cluster {
    /// Every file of a broker's log directory, as after a clean shutdown.
    pub fn disk_files(&self, id: BrokerId) -> Vec<(String, Vec<u8>)> {
        let Some(broker) = self.broker(id) else { return Vec::new() };
        let mut found = vec![("replication-offset-checkpoint".to_owned(), self.checkpoint_file(broker))];
        for (partition, replica) in broker.replicas().iter() {
            let directory = self.controller().image().name_of(*partition);
            let files = render(*partition, replica);
            found.extend(files.into_iter().map(|(name, bytes)| (format!("{directory}/{name}"), bytes)));
        }
        found
    }

    /// What changed on all disks since the cursor's last look.
    pub fn disk_writes(&self, cursor: &mut DiskCursor) -> Vec<DiskWrite> {
        let mut writes = Vec::new();
        for broker in self.brokers() {
            for (id, replica) in broker.replicas().iter() {
                let directory = format!("{}/{}", broker.id, self.controller().image().name_of(*id));
                let mark = cursor.replicas.entry((broker.id, *id)).or_default();
                write_replica(&directory, *id, replica, mark, &mut writes);
            }
            let checkpoint = self.checkpoint_file(broker);
            if cursor.checkpoints.get(&broker.id) != Some(&checkpoint) {
                cursor.checkpoints.insert(broker.id, checkpoint.clone());
                writes.push(DiskWrite::Replace { path: format!("{}/replication-offset-checkpoint", broker.id), bytes: checkpoint });
            }
        }
        writes
    }

    /// Kafka's `OffsetCheckpointFile`: version, count, then a line a partition.
    fn checkpoint_file(&self, broker: &Broker) -> Vec<u8> {
        let mut text = format!("0\n{}\n", broker.checkpoint().len());
        for (id, offset) in broker.checkpoint() {
            let topic = self.controller().image().topic(id.topic).map_or("", |topic| &topic.name);
            text += &format!("{topic} {} {offset}\n", id.partition);
        }
        text.into_bytes()
    }
}

fn placed(stored: &StoredBatch) -> PlacedBatch<'_> {
    PlacedBatch { base_offset: stored.base_offset.0, leader_epoch: stored.leader_epoch.0, batch: &stored.batch }
}

fn render(id: TopicPartition, replica: &Replica) -> Vec<files::File> {
    let epochs = epoch_lines(&replica.log);
    let directory = directory_of(id.topic, &epochs, &replica.config);
    let segment = |segment: &'_ LogSegment| Segment {
        base_offset: segment.base_offset.0,
        batches: segment.batches().cloned().collect::<Vec<StoredBatch>>(),
        sealed: true,
    };
    let segments: Vec<Segment<Vec<StoredBatch>>> = replica.log.segments().iter().map(segment).collect();
    let borrowed = segments.iter().map(|segment| Segment {
        base_offset: segment.base_offset,
        batches: segment.batches.iter().map(placed).collect::<Vec<PlacedBatch>>(),
        sealed: segment.sealed,
    });
    files::render(directory, borrowed)
}

fn directory_of<'a>(topic: TopicId, leader_epochs: &'a [(i32, u64)], config: &TopicConfig) -> files::Replica<'a> {
    files::Replica { topic_id: topic.uuid(), leader_epochs, index_interval_bytes: config.index_interval_bytes }
}

fn epoch_lines(log: &PartitionLog) -> Vec<(i32, u64)> {
    log.epochs().entries().iter().map(|entry| (entry.epoch.0, entry.start.0)).collect()
}

fn write_replica(directory: &str, id: TopicPartition, replica: &Replica, mark: &mut Mark, writes: &mut Vec<DiskWrite>) {
    let log = &replica.log;
    let path = |name: &str| format!("{directory}/{name}");
    let known = mark.epochs == log.epochs().entries();
    if !known || mark.truncations != log.truncations() {
        let small =
            files::render(directory_of(id.topic, &epoch_lines(log), &replica.config), std::iter::empty::<Segment<Vec<PlacedBatch>>>());
        writes.extend(small.into_iter().map(|(name, bytes)| DiskWrite::Replace { path: path(&name), bytes }));
        mark.epochs = log.epochs().entries().to_vec();
    }
    if mark.truncations != log.truncations() {
        // Bytes that were written are gone: the segments begin again.
        writes.extend(mark.segments.keys().map(|base| DiskWrite::Remove { path: path(&file_name(base.0, "log")) }));
        *mark = Mark { truncations: log.truncations(), epochs: std::mem::take(&mut mark.epochs), ..Mark::default() };
    }
    let first = log.segments()[0].base_offset;
    while let Some(gone) = mark.segments.keys().next().copied().filter(|base| *base < first) {
        mark.segments.remove(&gone);
        writes.push(DiskWrite::Remove { path: path(&file_name(gone.0, "log")) });
    }
    if mark.end == log.log_end() && !mark.segments.is_empty() {
        return;
    }
    for segment in log.segments() {
        let new = !mark.segments.contains_key(&segment.base_offset);
        let written = mark.segments.entry(segment.base_offset).or_default();
        if !new && *written == segment.bytes {
            continue;
        }
        let mut bytes = Vec::new();
        for stored in segment.batches_from(mark.end.max(segment.base_offset)) {
            stored.batch.write_placed(stored.base_offset.0, stored.leader_epoch.0, &mut bytes);
        }
        let at = *written;
        *written = segment.bytes;
        writes.push(DiskWrite::Append { path: path(&file_name(segment.base_offset.0, "log")), at, bytes });
    }
    mark.end = log.log_end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::scenario::{Scenario, builtin};
    use crate::time::SimTime;

    type Files = SortedMap<String, Vec<u8>>;

    fn mirror(files: &mut Files, writes: Vec<DiskWrite>) {
        for write in writes {
            match write {
                DiskWrite::Append { path, at, bytes } => {
                    let file = files.entry(path).or_default();
                    assert_eq!(file.len() as u64, at, "an append begins where the file ends");
                    file.extend(bytes);
                }
                DiskWrite::Replace { path, bytes } => drop(files.insert(path, bytes)),
                DiskWrite::Remove { path } => assert!(files.remove(&path).is_some(), "{path} was never written"),
            }
        }
    }

    #[test]
    fn a_mirror_loses_the_segments_that_retention_takes() {
        let text = builtin("trucks_gps")
            .expect("built in")
            .replace("\"min.insync.replicas\" = 2", "\"retention.ms\" = \"2m\", \"segment.ms\" = \"30s\"");
        let text = text.replace("[cluster]", "[cluster]\nconfig = { \"log.retention.check.interval.ms\" = \"20s\" }");
        let mut cluster = Cluster::new(&Scenario::parse(&text).expect("valid"));
        let (mut files, mut cursor, mut removed) = (Files::new(), DiskCursor::default(), 0);
        for second in (10..=600).step_by(10) {
            cluster.run_until(SimTime(second * 1_000_000));
            let writes = cluster.disk_writes(&mut cursor);
            removed += writes.iter().filter(|write| matches!(write, DiskWrite::Remove { .. })).count();
            mirror(&mut files, writes);
        }
        assert!(removed > 0);
        for (name, bytes) in cluster.disk_files(BrokerId(101)).into_iter().filter(|(name, _)| name.ends_with(".log")) {
            assert_eq!(files.get(&format!("101/{name}")), Some(&bytes), "{name}");
        }
        let logs =
            |paths: &mut dyn Iterator<Item = &String>| paths.filter(|path| path.starts_with("101/") && path.ends_with(".log")).count();
        let there = cluster.disk_files(BrokerId(101)).into_iter().filter(|(name, _)| name.ends_with(".log")).count();
        assert_eq!(logs(&mut files.keys()), there);
    }

    #[test]
    fn a_mirror_that_does_every_write_has_the_brokers_logs_through_crashes_and_truncation() {
        let text = builtin("trucks_gps").expect("built in").replace("every = \"20s\"", "rate = 20\nconfig = { acks = \"1\" }");
        let text = text.replace("[cluster]", "[network]\nlatency = \"50ms\"\n\n[cluster]");
        let mut cluster = Cluster::new(&Scenario::parse(&text).expect("valid"));
        let (mut cursor, mut files) = (DiskCursor::default(), Files::new());
        let commands = [(5, Command::kill(102)), (21, Command::start(102)), (33, Command::kill(101))];
        let mut commands = commands.iter();
        let mut next = commands.next();
        for tenth in 1..500 {
            cluster.run_until(SimTime(tenth * 100_000));
            if let Some((_, command)) = next.filter(|(second, _)| tenth == second * 10) {
                cluster.apply(command).expect("kill, start, kill");
                next = commands.next();
            }
            let writes = cluster.disk_writes(&mut cursor);
            mirror(&mut files, writes);
        }
        assert!(cluster.events().iter().any(|event| event.kind == "log_truncated"), "the story has a truncation");
        for broker in cluster.brokers() {
            for (name, bytes) in cluster.disk_files(broker.id) {
                if name.ends_with(".log") || name.ends_with("checkpoint") {
                    let path = format!("{}/{name}", broker.id);
                    assert!(files.get(&path).map_or(&[][..], Vec::as_slice) == bytes, "{path} differs");
                }
            }
        }
    }
}
