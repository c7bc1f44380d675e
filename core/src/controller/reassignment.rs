//! Moving a partition to other brokers: Kafka's `PartitionReassignmentReplicas` and `PartitionReassignmentRevert`.
//!
//! Old and new replicas exist side by side until every new one is in sync; then the old ones go, in the same record.

use crate::ids::BrokerId;
use crate::metadata::PartitionRegistration;
use crate::planted::{Bug, planted};
use crate::sorted::settle;

/// What a partition is to become, step by step.
pub struct Reassignment {
    /// The target first, then what will go.
    pub replicas: Vec<BrokerId>,
    pub adding: Vec<BrokerId>,
    pub removing: Vec<BrokerId>,
}

impl Reassignment {
    pub fn new(current: &[BrokerId], target: &[BrokerId]) -> Self {
        let removing = difference(current, target);
        let replicas = target.iter().chain(&removing).copied().collect();
        Reassignment { replicas, adding: difference(target, current), removing }
    }
}

/// In `these` and not in `those`, by id.
fn difference(these: &[BrokerId], those: &[BrokerId]) -> Vec<BrokerId> {
    let mut difference: Vec<BrokerId> = these.iter().copied().filter(|broker| !those.contains(broker)).collect();
    settle(&mut difference, |a, b| a < b);
    difference
}

/// Ends a reassignment whose every target replica is in sync: replicas and ISR are cut to the target.
pub fn complete(replicas: &mut Vec<BrokerId>, isr: &mut Vec<BrokerId>, adding: &mut Vec<BrokerId>, removing: &mut Vec<BrokerId>) {
    let target: Vec<BrokerId> = replicas.iter().copied().filter(|broker| !removing.contains(broker)).collect();
    let reassigning = !adding.is_empty() || !removing.is_empty();
    let in_sync = target.iter().all(|broker| isr.contains(broker)) || planted(Bug::MovedTooEarly);
    if !reassigning || target.is_empty() || !in_sync {
        return;
    }
    isr.retain(|broker| !removing.contains(broker));
    *replicas = target;
    adding.clear();
    removing.clear();
}

/// How a reassignment under way is taken back.
pub struct Revert {
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
    /// Only replicas that go again are in sync: the first of the old ones would lead without being so.
    pub unclean: bool,
}

impl Revert {
    pub fn of(partition: &PartitionRegistration) -> Self {
        let old = |brokers: &[BrokerId]| brokers.iter().copied().filter(|broker| !partition.adding.contains(broker)).collect::<Vec<_>>();
        let (replicas, mut isr) = (old(&partition.replicas), old(&partition.isr));
        let unclean = isr.is_empty();
        if unclean {
            isr.extend(replicas.first());
        }
        Revert { replicas, isr, unclean }
    }
}
