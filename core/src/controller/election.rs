//! Who leads a partition: Kafka's `PartitionChangeBuilder`, as a pure function of one registration and of what is wanted of it.
//!
//! Replica order decides, not ISR order. Members that leave a too small ISR stay eligible (ELR, KIP-966).

use super::reassignment;
use crate::hash::java_map_order;
use crate::ids::BrokerId;
use crate::metadata::{LeaderRecoveryState, PartitionRegistration};
use crate::planted::{Bug, planted};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Election {
    /// Keep a valid leader, else the first valid replica.
    Online,
    /// The first replica if it is valid, else as `Online`.
    Preferred,
    /// As `Online`, then any live replica: may lose data.
    Unclean,
}

/// What an election may use.
pub struct Rules<'a> {
    /// Unfenced and not shutting down.
    pub acceptable: &'a dyn Fn(BrokerId) -> bool,
    /// min(`min.insync.replicas`, replication factor).
    pub min_isr: u32,
    pub elr_enabled: bool,
    /// A smaller ISR begins a new leader epoch, though the leader stays: so did the controller with ZooKeeper.
    pub new_epoch_with_isr: bool,
}

/// What is wanted of a partition; the rest stays as it is.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    before: &'a PartitionRegistration,
    pub election: Election,
    pub isr: Vec<BrokerId>,
    pub replicas: Vec<BrokerId>,
    pub adding: Vec<BrokerId>,
    pub removing: Vec<BrokerId>,
    pub recovery: LeaderRecoveryState,
    /// Its process ended without order: what it had may be lost, so it is not eligible.
    pub unclean_shutdown: Option<BrokerId>,
}

/// No broker has this id; Kafka writes it where there is no leader.
const NO_LEADER: BrokerId = BrokerId(-1);

impl<'a> Change<'a> {
    pub fn of(before: &'a PartitionRegistration, election: Election) -> Self {
        Change {
            before,
            election,
            isr: before.isr.clone(),
            replicas: before.replicas.clone(),
            adding: before.adding.clone(),
            removing: before.removing.clone(),
            recovery: before.recovery,
            unclean_shutdown: None,
        }
    }

    /// The partition after the change; `None` when nothing changes.
    pub fn decide(mut self, rules: &Rules) -> Option<PartitionRegistration> {
        let before = self.before;
        reassignment::complete(&mut self.replicas, &mut self.isr, &mut self.adding, &mut self.removing);
        let mut elr = self.eligible(rules);
        let choice = self.choose(&elr, rules);
        let moves = choice.leader != before.leader;
        // A reassignment that takes replicas away begins a new leader epoch even if the leader stays.
        let removes = !before.replicas.iter().all(|replica| self.replicas.contains(replica));
        let mut recovery = self.recovery;
        let mut isr_written = None;
        if moves && let Some(leader) = choice.leader {
            if elr.contains(&leader) {
                elr.retain(|member| *member != leader);
                self.isr = vec![leader];
            }
            if choice.unclean {
                isr_written = Some(vec![leader]);
                if before.recovery == recovery {
                    recovery = LeaderRecoveryState::Recovering;
                }
            }
        }
        if isr_written.is_some() || !rules.elr_enabled {
            elr.clear();
        }
        if isr_written.is_none() && (!self.isr.is_empty() || rules.elr_enabled) && self.isr != before.isr {
            isr_written = Some(self.isr);
        }
        let shrinks = rules.new_epoch_with_isr && isr_written.as_ref().is_some_and(|isr| isr.len() < before.isr.len());
        let new_epoch = moves || removes || shrinks;
        let mut after = PartitionRegistration {
            last_known_elr: last_known(before, isr_written.as_deref(), choice.leader, rules),
            isr: isr_written.unwrap_or_else(|| before.isr.clone()),
            elr,
            replicas: self.replicas,
            adding: self.adding,
            removing: self.removing,
            leader: choice.leader,
            recovery,
            ..*before
        };
        if after == *before && !new_epoch {
            return None;
        }
        after.leader_epoch.0 += i32::from(new_epoch && !planted(Bug::EpochStaysAtElection));
        after.partition_epoch.0 += i32::from(!planted(Bug::PartitionEpochStays));
        Some(after)
    }

    /// While the ISR is below the minimum, members that left it stay eligible.
    fn eligible(&self, rules: &Rules) -> Vec<BrokerId> {
        if !rules.elr_enabled {
            return self.before.elr.clone();
        }
        let small = (self.isr.len() as u32) < rules.min_isr || planted(Bug::EligibleForEver);
        if !small || planted(Bug::NobodyIsEligible) {
            return Vec::new();
        }
        let mut eligible = self.before.elr.clone();
        eligible.extend(self.before.isr.iter().filter(|member| !self.before.elr.contains(member)));
        java_map_order(&mut eligible, |broker| broker.0);
        let joined = |broker: &BrokerId| self.isr.contains(broker) && !planted(Bug::EligibleAndInSync);
        eligible.retain(|broker| !joined(broker) && self.unclean_shutdown != Some(*broker));
        eligible
    }

    fn choose(&self, elr: &[BrokerId], rules: &Rules) -> Choice {
        let alive = |broker: &BrokerId| (rules.acceptable)(*broker);
        let valid = |broker: &BrokerId| {
            let eligible = self.isr.contains(broker) || (self.isr.is_empty() && elr.contains(broker));
            let leads = self.before.leader == Some(*broker);
            let stays = planted(Bug::FencedLeaderStays) && leads;
            (eligible || planted(Bug::IsrIgnoredAtElection) || (planted(Bug::MovedAndStillLeads) && leads)) && (alive(broker) || stays)
        };
        let preferred = self.replicas.first().filter(|_| self.election == Election::Preferred);
        let clean = preferred.filter(|broker| valid(broker)).or(self.before.leader.as_ref().filter(|broker| valid(broker)));
        if let Some(leader) = clean.or_else(|| self.replicas.iter().find(|broker| valid(broker))) {
            return Choice { leader: Some(*leader), unclean: false };
        }
        let unclean = match self.before.last_known_elr[..] {
            [last] if rules.elr_enabled && self.isr.is_empty() && elr.is_empty() && alive(&last) => Some(last),
            _ if self.election == Election::Unclean || planted(Bug::UncleanElectionAlways) => self.replicas.iter().copied().find(alive),
            _ => None,
        };
        Choice { leader: unclean, unclean: unclean.is_some() }
    }
}

struct Choice {
    leader: Option<BrokerId>,
    unclean: bool,
}

/// Whoever led last, written once when the last in-sync replica goes, kept while nobody leads.
fn last_known(before: &PartitionRegistration, isr_written: Option<&[BrokerId]>, leader: Option<BrokerId>, rules: &Rules) -> Vec<BrokerId> {
    let last = before.leader.unwrap_or(NO_LEADER);
    if rules.elr_enabled && isr_written.is_some_and(<[_]>::is_empty) && before.last_known_elr != [last] {
        vec![last]
    } else if rules.elr_enabled && leader.is_some() {
        Vec::new()
    } else {
        before.last_known_elr.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{LeaderEpoch, PartitionEpoch};

    fn brokers(ids: &[i32]) -> Vec<BrokerId> {
        ids.iter().map(|id| BrokerId(*id)).collect()
    }

    fn partition(replicas: &[i32], isr: &[i32], leader: i32) -> PartitionRegistration {
        PartitionRegistration {
            replicas: brokers(replicas),
            isr: brokers(isr),
            leader: Some(BrokerId(leader)),
            leader_epoch: LeaderEpoch(5),
            partition_epoch: PartitionEpoch(9),
            ..PartitionRegistration::default()
        }
    }

    fn elect(before: &PartitionRegistration, isr: &[i32], alive: &[i32], election: Election) -> Option<PartitionRegistration> {
        let alive = brokers(alive);
        let rules = Rules { acceptable: &|broker| alive.contains(&broker), min_isr: 1, elr_enabled: true, new_epoch_with_isr: false };
        Change { isr: brokers(isr), ..Change::of(before, election) }.decide(&rules)
    }

    #[test]
    fn replica_order_decides_not_isr_order() {
        let after = elect(&partition(&[1, 2, 3], &[3, 2, 1], 1), &[3, 2], &[2, 3], Election::Online).unwrap();
        assert_eq!((after.leader, after.leader_epoch.0, after.partition_epoch.0), (Some(BrokerId(2)), 6, 10));
        assert_eq!(after.isr, brokers(&[3, 2]));
    }

    #[test]
    fn a_valid_leader_stays_though_it_is_not_preferred() {
        assert_eq!(elect(&partition(&[1, 2, 3], &[1, 2, 3], 2), &[1, 2, 3], &[1, 2, 3], Election::Online), None);
        let after = elect(&partition(&[1, 2, 3], &[1, 2, 3], 2), &[1, 2, 3], &[1, 2, 3], Election::Preferred).unwrap();
        assert_eq!(after.leader, Some(BrokerId(1)));
    }

    #[test]
    fn isr_growth_alone_keeps_the_leader_epoch() {
        let after = elect(&partition(&[1, 2], &[1], 1), &[1, 2], &[1, 2], Election::Online).unwrap();
        assert_eq!((after.leader_epoch.0, after.partition_epoch.0), (5, 10));
    }

    #[test]
    fn the_last_isr_member_stays_eligible_when_it_dies() {
        let dead = elect(&partition(&[1, 2], &[1], 1), &[], &[2], Election::Online).unwrap();
        assert_eq!((dead.leader, dead.isr.clone(), dead.elr.clone()), (None, vec![], brokers(&[1])));
        let back = elect(&dead, &[], &[1, 2], Election::Online).unwrap();
        assert_eq!((back.leader, back.isr, back.elr), (Some(BrokerId(1)), brokers(&[1]), vec![]));
    }

    #[test]
    fn only_an_unclean_election_takes_a_replica_outside_the_isr() {
        let before = partition(&[1, 2], &[1], 1);
        let after = elect(&before, &[], &[2], Election::Unclean).unwrap();
        assert_eq!((after.leader, after.isr), (Some(BrokerId(2)), brokers(&[2])));
    }
}
