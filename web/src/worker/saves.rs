//! When a cut is due, what belongs to it, and what to tell the user when the browser did not keep it.

use super::host_disk::DiskError;
use super::run_store::{Before, Cut};
use crate::bridge::{Playback, SaveState};
use playground_core::cluster::disk::DiskCursor;
use playground_core::session::Session;

/// While the run goes on, this much of it may be lost with the browser.
const EVERY_MS: f64 = 2_000.0;
/// After a failure, then twice as long each time.
const RETRY_MS: f64 = 1_000.0;
const LONGEST_RETRY_MS: f64 = 60_000.0;
/// The brokers' files are kept beside the run while all logs together are no larger than this. The run alone names the same bytes;
/// weeks of them would fill the disk, and memory too, because old batches are packed there.
const MOST_FILES: u64 = 8 << 20;

pub struct Saves {
    /// There is a disk to save to.
    enabled: bool,
    /// What the disk has of the brokers' files, or will have once the cut under way is done.
    cursor: DiskCursor,
    /// The next cut must hold every file from its first byte.
    whole: bool,
    before: Before,
    /// The earlier run that has become this one.
    takes_up: Option<String>,
    /// The user did something: save it now.
    wanted: bool,
    /// Time passed since the last cut.
    stale: bool,
    under_way: Option<UnderWay>,
    last_ms: f64,
    retry_ms: f64,
    not_before_ms: f64,
}

struct UnderWay {
    now_us: u64,
    before: Before,
    takes_up: Option<String>,
    /// Another run was opened meanwhile; this cut says nothing about it.
    abandoned: bool,
}

impl Saves {
    pub fn new() -> Self {
        Saves {
            enabled: false,
            cursor: DiskCursor::default(),
            whole: true,
            before: Before::Replace,
            takes_up: None,
            wanted: false,
            stale: false,
            under_way: None,
            last_ms: 0.0,
            retry_ms: RETRY_MS,
            not_before_ms: 0.0,
        }
    }

    pub fn enable(&mut self) {
        self.enabled = true;
    }

    pub fn are_kept(&self) -> bool {
        self.enabled
    }

    /// Another run takes the place of the one before: `takes_up`, if it is an earlier one.
    pub fn begin(&mut self, before: Before, takes_up: Option<String>) {
        if let Some(cut) = &mut self.under_way {
            cut.abandoned = true;
        }
        self.forget_files();
        self.before = self.before.max(before);
        self.takes_up = takes_up;
        self.wanted = true;
    }

    /// The next cut holds what files there are from their first byte.
    fn forget_files(&mut self) {
        self.cursor = DiskCursor::default();
        self.whole = true;
    }

    pub fn want(&mut self) {
        self.wanted = true;
    }

    pub fn changed(&mut self) {
        self.stale = true;
    }

    /// Milliseconds until the next cut is due, if one is.
    pub fn due_in(&self, now_ms: f64) -> Option<f64> {
        if !self.enabled || self.under_way.is_some() || !(self.wanted || self.stale) {
            return None;
        }
        let due = if self.wanted { self.not_before_ms } else { (self.last_ms + EVERY_MS).max(self.not_before_ms) };
        Some((due - now_ms).max(0.0))
    }

    pub fn take(&mut self, session: &mut Session, playback: Playback, now_ms: f64) -> Cut {
        let saved = session.saved();
        let before = std::mem::take(&mut self.before);
        let takes_up = self.takes_up.take();
        self.under_way = Some(UnderWay { now_us: saved.at_us, before, takes_up: takes_up.clone(), abandoned: false });
        self.wanted = false;
        self.stale = false;
        self.last_ms = now_ms;
        let small = session.cluster().log_bytes() <= MOST_FILES;
        if !small {
            self.forget_files();
        }
        let writes = if small { session.cluster().disk_writes(&mut self.cursor) } else { Vec::new() };
        Cut { run: saved.render(), playback, writes, whole: std::mem::replace(&mut self.whole, !small), before, takes_up }
    }

    pub fn done(&mut self, result: Result<u64, DiskError>, now_ms: f64) -> Option<SaveState> {
        let cut = self.under_way.take()?;
        match result {
            Ok(bytes) => {
                self.retry_ms = RETRY_MS;
                self.not_before_ms = 0.0;
                (!cut.abandoned).then_some(SaveState::Saved { now_us: cut.now_us, bytes })
            }
            Err(error) => {
                // The disk may have any part of it: write everything again.
                self.forget_files();
                self.before = self.before.max(cut.before);
                if !cut.abandoned {
                    self.takes_up = cut.takes_up;
                }
                self.wanted = true;
                self.not_before_ms = now_ms + self.retry_ms;
                self.retry_ms = (self.retry_ms * 2.0).min(LONGEST_RETRY_MS);
                Some(SaveState::Failed(error.to_string()))
            }
        }
    }
}

impl Default for Saves {
    fn default() -> Self {
        Saves::new()
    }
}
