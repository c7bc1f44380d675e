//! Runs of the user's that made room for others: each is a saved run in a file of its own, until it is taken up again or deleted.

use super::RunStore;
use crate::bridge::EarlierRun;
use crate::worker::host_disk::{DiskError, DiskOp, lies_below};
use playground_core::scenario::Scenario;
use playground_core::session::saved::SavedRun;
use playground_core::sorted::settle;

const FOLDER: &str = "kept";

impl RunStore {
    /// Newest first. What cannot be read is passed over, and stays where it is.
    pub async fn earlier_runs(&mut self) -> Result<Vec<EarlierRun>, DiskError> {
        let mut names = self.disk.names(FOLDER).await?;
        settle(&mut names, |one, other| age(one) > age(other));
        let mut runs = Vec::new();
        for name in names {
            if let Some(text) = self.earlier_run(&name).await? {
                runs.extend(told(name, &text));
            }
        }
        Ok(runs)
    }

    /// Its saved run; none when there is none of that name.
    pub async fn earlier_run(&mut self, name: &str) -> Result<Option<String>, DiskError> {
        let bytes = if lies_below(name, FOLDER) { self.disk.read(name).await? } else { None };
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    pub async fn forget(&mut self, name: &str) -> Result<(), DiskError> {
        let ops = [DiskOp::Remove { name: name.to_owned() }];
        if lies_below(name, FOLDER) { self.disk.write(&ops).await } else { Ok(()) }
    }

    /// Where the run of the last cut is kept when another takes its place.
    pub(super) fn kept(&self) -> String {
        format!("{FOLDER}/run-{}-cut-{}.save", self.root, self.generation)
    }
}

/// The numbers in the name, which rise.
fn age(name: &str) -> (u64, u64) {
    let mut numbers = name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn told(name: String, text: &str) -> Option<EarlierRun> {
    let saved = SavedRun::parse(text).ok()?;
    let scenario = Scenario::parse(&saved.scenario).ok()?;
    Some(EarlierRun { name, title: scenario.title, at_us: saved.at_us, acts: scenario.timeline.len() as u32 })
}
