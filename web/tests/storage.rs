//! What is kept in the browser is one whole cut or the cut before, on files, in IndexedDB and in memory alike.

#![cfg(target_arch = "wasm32")]

use playground_core::cluster::disk::DiskWrite;
use playground_core::session::saved::SavedRun;
use playground_web::bridge::Playback;
use playground_web::worker::host_disk::indexed_db::IndexedDbDisk;
use playground_web::worker::host_disk::opfs::OpfsDisk;
use playground_web::worker::host_disk::{Answer, DiskError, DiskOp, Fault, HostDisk, MemoryDisk};
use playground_web::worker::js::{Lock, try_lock};
use playground_web::worker::run_store::commit::CommitError;
use playground_web::worker::run_store::{Before, Cut, Loaded, RunStore, StoredRun};
use std::collections::BTreeMap;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const LOG: &str = "101/trucks_gps-3/00000000000000000000.log";
const PLAYBACK: Playback = Playback { playing: true, speed_milli: 10_000 };

/// The brokers' files, changed by pseudo-random writes that are noted for the next cut.
#[derive(Clone, Default)]
struct Brokers {
    files: BTreeMap<String, Vec<u8>>,
    writes: Vec<DiskWrite>,
    draw: u64,
}

impl Brokers {
    fn below(&mut self, bound: u64) -> u64 {
        self.draw = self.draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.draw >> 33) % bound
    }

    fn append(&mut self, path: &str, bytes: &[u8]) {
        let file = self.files.entry(path.into()).or_default();
        self.writes.push(DiskWrite::Append { path: path.into(), at: file.len() as u64, bytes: bytes.to_vec() });
        file.extend_from_slice(bytes);
    }

    fn step(&mut self) {
        let path = format!("10{}/trucks_gps-{}/0.log", self.below(2), self.below(2));
        let len = self.files.get(&path).map_or(0, Vec::len) as u64;
        match self.below(8) {
            0 if len > 0 => {
                // Truncated after an unclean election: the file is written again.
                let to = self.below(len) as usize;
                let bytes = self.files[&path][..to].to_vec();
                self.files.insert(path.clone(), bytes.clone());
                self.writes.push(DiskWrite::Replace { path, bytes });
            }
            1 if len > 0 => {
                self.files.remove(&path);
                self.writes.push(DiskWrite::Remove { path });
            }
            2 => {
                let bytes = vec![b'0' + self.below(10) as u8; self.below(5) as usize];
                self.files.insert(path.clone(), bytes.clone());
                self.writes.push(DiskWrite::Replace { path, bytes });
            }
            _ => {
                let bytes: Vec<u8> = (0..=self.below(12)).map(|_| self.below(256) as u8).collect();
                self.append(&path, &bytes);
            }
        }
    }

    /// Every file from its first byte.
    fn everything(&self) -> Vec<DiskWrite> {
        self.files.iter().map(|(path, bytes)| DiskWrite::Append { path: path.clone(), at: 0, bytes: bytes.clone() }).collect()
    }
}

fn cut(run: &str, writes: Vec<DiskWrite>, whole: bool) -> Cut {
    Cut { run: run.into(), playback: PLAYBACK, writes, whole, before: Before::Replace, takes_up: None }
}

fn append(at: u64, bytes: &[u8]) -> DiskWrite {
    DiskWrite::Append { path: LOG.into(), at, bytes: bytes.to_vec() }
}

fn store_on(disk: impl HostDisk + 'static) -> RunStore {
    RunStore::new(Box::new(disk))
}

async fn load(disk: impl HostDisk + 'static) -> (RunStore, Loaded) {
    let mut store = store_on(disk);
    let loaded = store.load().await.expect("the disk works");
    (store, loaded)
}

fn run_of(loaded: &Loaded) -> &StoredRun {
    match loaded {
        Loaded::Run(run) => run,
        other => panic!("there is a whole cut, not {other:?}"),
    }
}

async fn files(store: &mut RunStore) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for path in store.paths() {
        let bytes = store.file(&path).await.expect("the disk works").expect("the cut names it");
        files.insert(path, bytes);
    }
    files
}

/// The same story on every medium; `open` opens what is there, as a reload does.
async fn keeps_cuts<D: HostDisk + 'static>(open: impl AsyncFn() -> D) {
    // Longer than a chunk, so that appending begins in the middle of one.
    let long = vec![7; 100_000];
    let (mut store, loaded) = load(open().await).await;
    assert_eq!(loaded, Loaded::Nothing);
    store.commit(cut("first", vec![append(0, &long)], true)).await.expect("there is room");
    let mut second = vec![append(100_000, b"more")];
    second.push(DiskWrite::Replace { path: "101/meta".into(), bytes: b"a".to_vec() });
    second.push(DiskWrite::Append { path: "102/empty.log".into(), at: 0, bytes: Vec::new() });
    store.commit(cut("second", second, false)).await.expect("there is room");
    drop(store);

    let (mut store, loaded) = load(open().await).await;
    assert_eq!(run_of(&loaded).run, "second");
    assert_eq!(run_of(&loaded).playback, PLAYBACK);
    assert_eq!(store.check().await, Ok(Vec::new()));
    let kept = files(&mut store).await;
    assert_eq!(kept[LOG], [&long[..], b"more"].concat());
    assert_eq!(kept["101/meta"], b"a");
    assert_eq!(kept["102/empty.log"], b"");

    // A follower truncates, a file goes, another is replaced: all of it in the next cut.
    let third = vec![
        DiskWrite::Replace { path: LOG.into(), bytes: long[..70_000].to_vec() },
        append(70_000, b"tail"),
        DiskWrite::Remove { path: "102/empty.log".into() },
        DiskWrite::Replace { path: "101/meta".into(), bytes: b"bc".to_vec() },
    ];
    store.commit(cut("third", third, false)).await.expect("there is room");
    drop(store);
    let (mut store, loaded) = load(open().await).await;
    assert_eq!(run_of(&loaded).run, "third");
    let kept = files(&mut store).await;
    assert_eq!(kept[LOG], [&long[..70_000], b"tail"].concat());
    assert_eq!(kept["101/meta"], b"bc");
    assert_eq!(kept.len(), 2);
    drop(store);

    // The newest record is torn: the cut before it is the last whole one, with its own bytes.
    let mut disk = open().await;
    let names = disk.names("run-1").await.expect("the disk works");
    let newest = newest_commit(&mut disk, &names, "third").await;
    let torn = disk.read(&newest).await.expect("the disk works").expect("just found");
    disk.write(&[DiskOp::Create { name: newest, bytes: torn[..torn.len() / 2].to_vec() }]).await.expect("there is room");
    drop(disk);
    let (_, loaded) = load(open().await).await;
    assert_eq!(run_of(&loaded).run, "second");
}

async fn newest_commit<D: HostDisk>(disk: &mut D, names: &[String], run: &str) -> String {
    for name in names.iter().filter(|name| name.contains("commit-")) {
        let bytes = disk.read(name).await.expect("the disk works").expect("it was listed");
        if String::from_utf8(bytes).expect("records are text").contains(run) {
            return name.clone();
        }
    }
    panic!("the cut {run} has a record");
}

#[wasm_bindgen_test]
async fn memory_keeps_cuts() {
    let disk = MemoryDisk::default();
    keeps_cuts(async || disk.clone()).await;
}

#[wasm_bindgen_test]
async fn files_keep_cuts() {
    keeps_cuts(async || OpfsDisk::open("test-cuts").await.expect("this browser has files")).await;
}

#[wasm_bindgen_test]
async fn indexed_db_keeps_cuts() {
    keeps_cuts(async || IndexedDbDisk::open("test-cuts").await.expect("this browser has IndexedDB")).await;
}

#[wasm_bindgen_test]
async fn broker_files_lie_where_kafka_puts_them() {
    let mut store = store_on(OpfsDisk::open("test-names").await.expect("this browser has files"));
    store.commit(cut("run", vec![append(0, b"batch")], true)).await.expect("there is room");
    drop(store);
    let mut disk = OpfsDisk::open("test-names").await.expect("it was closed");
    let names = disk.names("run-1").await.expect("the disk works");
    assert!(names.contains(&format!("run-1/{LOG}")), "{names:?}");
    assert_eq!(disk.read(&format!("run-1/{LOG}")).await, Ok(Some(b"batch".to_vec())));
}

#[wasm_bindgen_test]
async fn more_files_than_open_handles_are_all_kept() {
    let mut writes = Vec::new();
    for partition in 0..150 {
        let path = format!("101/trucks_gps-{partition}/00000000000000000000.log");
        writes.push(DiskWrite::Append { path, at: 0, bytes: vec![partition as u8; 10] });
    }
    let mut store = store_on(OpfsDisk::open("test-many").await.expect("this browser has files"));
    store.commit(cut("many", writes, true)).await.expect("there is room");
    drop(store);
    let (mut store, _) = load(OpfsDisk::open("test-many").await.expect("it was closed")).await;
    assert_eq!(store.check().await, Ok(Vec::new()));
    let kept = files(&mut store).await;
    assert_eq!(kept.len(), 150);
    assert_eq!(kept["101/trucks_gps-149/00000000000000000000.log"], [149; 10]);
}

#[wasm_bindgen_test]
async fn a_second_holder_of_a_file_is_told_that_it_is_busy() {
    let op = [DiskOp::Create { name: "run-1/commit-a".into(), bytes: b"x".to_vec() }];
    let mut first = OpfsDisk::open("test-busy").await.expect("this browser has files");
    first.write(&op).await.expect("there is room");
    let mut second = OpfsDisk::open("test-busy").await.expect("the folder is free");
    assert_eq!(second.write(&op).await, Err(DiskError::Busy));
    drop(first);
    second.write(&op).await.expect("the first holder is gone");
}

#[wasm_bindgen_test]
async fn a_lock_is_held_by_one_only() {
    assert_eq!(try_lock("test-lock").await, Lock::Held);
    assert_eq!(try_lock("test-lock").await, Lock::Taken);
    assert_eq!(try_lock("test-other-lock").await, Lock::Held);
}

/// A workload of cuts, each with the state it must restore.
fn workload() -> Vec<(Vec<DiskWrite>, Brokers)> {
    let mut brokers = Brokers { draw: 7, ..Brokers::default() };
    (0..10)
        .map(|_| {
            (0..4).for_each(|_| brokers.step());
            (std::mem::take(&mut brokers.writes), brokers.clone())
        })
        .collect()
}

#[wasm_bindgen_test]
async fn losing_power_after_any_byte_leaves_exactly_one_whole_cut() {
    let cuts = workload();
    let mut after = 0;
    loop {
        let disk = MemoryDisk::default();
        disk.set_fault(Some(Fault::PowerCut { after }));
        let mut store = store_on(disk.clone());
        let mut safe = 0;
        for (i, (writes, _)) in cuts.iter().enumerate() {
            if store.commit(cut(&format!("cut {}", i + 1), writes.clone(), i == 0)).await.is_err() {
                break;
            }
            safe = i + 1;
        }
        let survivors = disk.survivors();
        let (mut store, loaded) = load(survivors.clone()).await;
        let found = match &loaded {
            Loaded::Run(run) => run.run.strip_prefix("cut ").and_then(|n| n.parse().ok()).expect("a cut of ours"),
            _ => 0,
        };
        assert!(found == safe || found == safe + 1, "power lost after {after} bytes: {safe} cuts were safe, {found} came back");
        let expected = found.checked_sub(1).map(|i| cuts[i].1.clone()).unwrap_or_default();
        assert_eq!(files(&mut store).await, expected.files, "power lost after {after} bytes");
        // Reading again gives the same, and the run goes on from there, as a replay makes it: all files anew.
        let (mut store, again) = load(survivors.clone()).await;
        assert_eq!(again, loaded);
        let mut next = expected.clone();
        next.append(LOG, b"after the crash");
        store.commit(cut("next", next.everything(), true)).await.expect("the power is back");
        let (mut store, loaded) = load(survivors).await;
        assert_eq!(run_of(&loaded).run, "next");
        assert_eq!(files(&mut store).await, next.files);
        if safe == cuts.len() {
            break;
        }
        after += 1;
    }
    assert!(after > 1_000, "the workload has many places to fail in, not {after}");
}

/// A disk that ends in the middle of a batch, of which it kept any part: the changes reached it in no order.
struct Disorderly {
    files: MemoryDisk,
    batches_left: u64,
    chance: Brokers,
}

impl HostDisk for Disorderly {
    fn folders(&mut self) -> Answer<'_, Vec<String>> {
        self.files.folders()
    }

    fn names<'a>(&'a mut self, folder: &'a str) -> Answer<'a, Vec<String>> {
        self.files.names(folder)
    }

    fn read<'a>(&'a mut self, name: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        self.files.read(name)
    }

    fn write<'a>(&'a mut self, ops: &'a [DiskOp]) -> Answer<'a, ()> {
        if self.batches_left > 0 {
            self.batches_left -= 1;
            return self.files.write(ops);
        }
        Box::pin(async { self.write_part(ops).await })
    }
}

impl Disorderly {
    async fn write_part(&mut self, ops: &[DiskOp]) -> Result<(), DiskError> {
        for op in ops {
            let bytes = match op {
                DiskOp::Create { bytes, .. } | DiskOp::Extend { bytes, .. } => bytes.len() as u64,
                DiskOp::Remove { .. } => 0,
            };
            let after = match self.chance.below(3) {
                0 => continue,
                1 => bytes + 1,
                _ => self.chance.below(bytes + 1),
            };
            self.files.set_fault(Some(Fault::PowerCut { after }));
            // Whether it went through in whole is what the fault decides.
            let _ = self.files.write(std::slice::from_ref(op)).await;
        }
        self.files.set_fault(Some(Fault::PowerCut { after: 0 }));
        Err(DiskError::Failed("the power is gone".into()))
    }
}

#[wasm_bindgen_test]
async fn losing_power_with_any_part_of_a_batch_written_leaves_exactly_one_whole_cut() {
    let cuts = workload();
    for seed in 0..2_000 {
        let files = MemoryDisk::default();
        let chance = Brokers { draw: seed, ..Brokers::default() };
        let mut store = store_on(Disorderly { files: files.clone(), batches_left: seed % 30, chance });
        let mut safe = 0;
        for (i, (writes, _)) in cuts.iter().enumerate() {
            if store.commit(cut(&format!("cut {}", i + 1), writes.clone(), i == 0)).await.is_err() {
                break;
            }
            safe = i + 1;
        }
        let (mut store, loaded) = load(files.survivors()).await;
        let found = match &loaded {
            Loaded::Run(run) => run.run.strip_prefix("cut ").and_then(|n| n.parse().ok()).expect("a cut of ours"),
            _ => 0,
        };
        assert!(found == safe || found == safe + 1, "seed {seed}: {safe} cuts were safe, {found} came back");
        let expected = found.checked_sub(1).map(|i| cuts[i].1.files.clone()).unwrap_or_default();
        assert_eq!(self::files(&mut store).await, expected, "seed {seed}");
    }
}

#[wasm_bindgen_test]
async fn a_full_disk_loses_no_cut_and_the_next_whole_one_succeeds() {
    let cuts = workload();
    for ops in 0..60 {
        let disk = MemoryDisk::default();
        disk.set_fault(Some(Fault::FullAfter { ops }));
        let mut store = store_on(disk.clone());
        let mut whole = true;
        let mut safe = None;
        for (i, (writes, state)) in cuts.iter().enumerate() {
            let writes = if whole { state.everything() } else { writes.clone() };
            match store.commit(cut(&format!("cut {i}"), writes, whole)).await {
                Ok(_) => (safe, whole) = (Some(i), false),
                Err(error) => {
                    assert_eq!(error, DiskError::Full);
                    let (mut stored, loaded) = load(disk.survivors()).await;
                    assert_eq!(matches!(loaded, Loaded::Run(_)), safe.is_some());
                    assert_eq!(files(&mut stored).await, safe.map(|i: usize| cuts[i].1.files.clone()).unwrap_or_default());
                    // Somebody makes room.
                    disk.set_fault(None);
                    whole = true;
                }
            }
        }
        let last = &cuts[9].1;
        if whole {
            store.commit(cut("once more", last.everything(), true)).await.expect("there is room again");
        }
        let (mut stored, _) = load(disk).await;
        assert_eq!(files(&mut stored).await, last.files);
    }
}

/// A disk that gives out records alone.
struct RecordsAlone(MemoryDisk);

impl HostDisk for RecordsAlone {
    fn folders(&mut self) -> Answer<'_, Vec<String>> {
        self.0.folders()
    }

    fn names<'a>(&'a mut self, folder: &'a str) -> Answer<'a, Vec<String>> {
        self.0.names(folder)
    }

    fn read<'a>(&'a mut self, name: &'a str) -> Answer<'a, Option<Vec<u8>>> {
        if name.contains("commit-") { self.0.read(name) } else { Box::pin(async { Err(DiskError::Failed("not yet".into())) }) }
    }

    fn write<'a>(&'a mut self, ops: &'a [DiskOp]) -> Answer<'a, ()> {
        self.0.write(ops)
    }
}

#[wasm_bindgen_test]
async fn a_run_is_found_before_its_files_are_read_and_nothing_is_built_on_them_unread() {
    let disk = MemoryDisk::default();
    let mut store = store_on(disk.clone());
    store.commit(cut("before", vec![append(0, b"abc")], true)).await.expect("there is room");
    let (mut store, loaded) = load(RecordsAlone(disk.clone())).await;
    assert_eq!(run_of(&loaded).run, "before");
    let refused = store.commit(cut("after", vec![append(3, b"def")], false)).await;
    assert_eq!(refused, Err(DiskError::Failed("not yet".into())));
    let (_, loaded) = load(disk).await;
    assert_eq!(run_of(&loaded).run, "before");
}

#[wasm_bindgen_test]
async fn unchanged_files_are_not_written_again_after_a_restore() {
    let disk = MemoryDisk::default();
    let mut store = store_on(disk.clone());
    let (_, state) = workload().pop().expect("ten cuts");
    store.commit(cut("before", state.everything(), true)).await.expect("there is room");
    let (mut store, _) = load(disk.clone()).await;
    // Room for the commit record alone.
    disk.set_fault(Some(Fault::FullAfter { ops: 1 }));
    store.commit(cut("after", state.everything(), true)).await.expect("nothing but the record is written");
}

#[wasm_bindgen_test]
async fn damaged_broker_files_are_named_and_written_again() {
    let mut disk = MemoryDisk::default();
    let mut store = store_on(disk.clone());
    store.commit(cut("run", vec![append(0, b"good bytes")], true)).await.expect("there is room");
    let damage = DiskOp::Extend { name: format!("run-1/{LOG}"), at: 4, bytes: b"!".to_vec() };
    disk.write(&[damage]).await.expect("there is room");
    let (mut store, loaded) = load(disk.clone()).await;
    assert_eq!(run_of(&loaded).run, "run");
    assert_eq!(store.check().await, Ok(vec![LOG.to_string()]));
    store.commit(cut("healed", vec![append(0, b"good bytes")], true)).await.expect("there is room");
    let (mut store, _) = load(disk).await;
    assert_eq!(store.check().await, Ok(Vec::new()));
    assert_eq!(files(&mut store).await[LOG], b"good bytes");
}

#[wasm_bindgen_test]
async fn no_changed_byte_of_a_record_passes_for_a_cut() {
    let mut disk = MemoryDisk::default();
    let mut store = store_on(disk.clone());
    store.commit(cut("old", vec![append(0, b"abc")], true)).await.expect("there is room");
    store.commit(cut("new", vec![append(3, b"def")], false)).await.expect("there is room");
    let name = "run-1/commit-b";
    let record = disk.read(name).await.expect("the disk works").expect("the second record");
    for at in 0..record.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = record.clone();
            bytes[at] ^= flip;
            disk.write(&[DiskOp::Create { name: name.into(), bytes }]).await.expect("there is room");
            let (mut store, loaded) = load(disk.survivors()).await;
            match loaded {
                Loaded::Run(run) => {
                    assert_eq!(run.run, "old", "byte {at} changed");
                    assert_eq!(files(&mut store).await[LOG], b"abc");
                }
                Loaded::Unreadable { reason: CommitError::Newer(_), .. } => {}
                other => panic!("byte {at} changed: {other:?}"),
            }
        }
    }
}

#[wasm_bindgen_test]
async fn what_a_newer_version_wrote_stays_untouched() {
    let mut disk = MemoryDisk::default();
    let name = "run-1/commit-a".to_string();
    let bytes = b"kafka-playground-cut 9 00000000\n{}\n".to_vec();
    disk.write(&[DiskOp::Create { name: name.clone(), bytes: bytes.clone() }]).await.expect("there is room");
    let (mut store, loaded) = load(disk.clone()).await;
    assert_eq!(loaded, Loaded::Unreadable { reason: CommitError::Newer(9), place: "run-1".into() });
    store.commit(cut("beside it", vec![append(0, b"abc")], true)).await.expect("there is room");
    assert_eq!(disk.read(&name).await, Ok(Some(bytes)));
    let (_, loaded) = load(disk).await;
    assert_eq!(run_of(&loaded).run, "beside it");
}

#[wasm_bindgen_test]
async fn other_work_is_kept_under_another_name() {
    let mut disk = MemoryDisk::default();
    let mut store = store_on(disk.clone());
    store.commit(cut("my work", vec![append(0, b"abc")], true)).await.expect("there is room");
    let link = Cut { before: Before::KeepRun, ..cut("from a link", vec![append(0, b"xyz")], true) };
    store.commit(link).await.expect("there is room");
    assert_eq!(disk.read("kept/run-1-cut-1.save").await, Ok(Some(b"my work".to_vec())));

    let doubtful = Cut { before: Before::KeepAll, ..cut("played again", vec![append(0, b"123")], true) };
    store.commit(doubtful).await.expect("there is room");
    assert_eq!(disk.read(&format!("run-1/{LOG}~")).await, Ok(Some(b"xyz".to_vec())), "all of the old run stays");
    let (mut store, loaded) = load(disk).await;
    assert_eq!(run_of(&loaded).run, "played again");
    assert_eq!(files(&mut store).await[LOG], b"123");
}

#[wasm_bindgen_test]
async fn earlier_runs_are_listed_newest_first_and_taken_up_or_deleted_once() {
    let work = |title: &str| {
        let scenario = format!("title = \"{title}\"\n[cluster]\nbrokers = [101]\n[timeline]\n5s = \"kill 101\"\n");
        SavedRun { engine: 1, opened: String::new(), scenario, at_us: 7_000_000, head_us: 7_000_000, digest: None, acts: String::new() }
            .render()
    };
    let mut store = store_on(MemoryDisk::default());
    for nth in 1..=11 {
        let kept = Cut { before: Before::KeepRun, ..cut(&work(&format!("work {nth}")), vec![], true) };
        store.commit(kept).await.expect("there is room");
    }
    let runs = store.earlier_runs().await.expect("they can be read");
    let titles: Vec<_> = runs.iter().map(|run| run.title.as_str()).collect();
    assert_eq!(titles[..2], ["work 10", "work 9"]);
    assert_eq!((titles.len(), runs[0].at_us, runs[0].acts), (10, 7_000_000, 1));

    let again = store.earlier_run(&runs[1].name).await.expect("it can be read").expect("it is there");
    let taken = Cut { before: Before::KeepRun, takes_up: Some(runs[1].name.clone()), ..cut(&again, vec![], true) };
    store.commit(taken).await.expect("there is room");
    store.forget(&runs[0].name).await.expect("it is there");
    let left = store.earlier_runs().await.expect("they can be read");
    let left: Vec<_> = left.iter().map(|run| run.title.as_str()).collect();
    assert_eq!(left[..2], ["work 11", "work 8"]);

    store.forget("run-1/commit-a").await.expect("refused in silence");
    assert!(store.earlier_run("run-1/commit-a").await.expect("refused in silence").is_none());
}

#[wasm_bindgen_test]
async fn a_write_that_does_not_follow_what_is_there_is_refused() {
    let mut store = store_on(MemoryDisk::default());
    store.commit(cut("run", vec![append(0, b"abc")], true)).await.expect("there is room");
    let gap = store.commit(cut("gap", vec![append(5, b"def")], false)).await;
    assert!(matches!(gap, Err(DiskError::Changed(_))), "{gap:?}");
}
