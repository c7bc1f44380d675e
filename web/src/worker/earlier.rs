//! The user's earlier runs, asked of storage: listed, taken up again, deleted.

use super::SimWorker;
use super::host_disk::DiskError;
use super::run_store::RunStore;
use crate::bridge::{EarlierRun, FromWorker, ToWorker};

/// What came of an errand.
pub enum Done {
    Listed(Vec<EarlierRun>),
    Read {
        name: String,
        saved: String,
    },
    /// As a sentence for the user.
    Failed(String),
}

/// `errand` is one of the three messages that need storage.
pub async fn run(store: &mut RunStore, errand: ToWorker) -> Done {
    done(store, errand).await.unwrap_or_else(|error| Done::Failed(error.to_string()))
}

async fn done(store: &mut RunStore, errand: ToWorker) -> Result<Done, DiskError> {
    if let ToWorker::TakeUp { name } = errand {
        let saved = store.earlier_run(&name).await?;
        return Ok(saved.map_or_else(|| Done::Failed("That run is no longer kept.".into()), |saved| Done::Read { name, saved }));
    }
    if let ToWorker::Forget { name } = errand {
        store.forget(&name).await?;
    }
    store.earlier_runs().await.map(Done::Listed)
}

#[inline(never)]
pub fn tell(worker: &mut SimWorker, done: Done) {
    match done {
        Done::Listed(runs) => worker.say(FromWorker::Earlier(runs)),
        Done::Read { name, saved } => worker.take_up(name, &saved),
        Done::Failed(reason) => worker.say(FromWorker::Refused { errors: vec![reason] }),
    }
}
