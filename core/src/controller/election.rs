//! Who leads a partition: Kafka's `PartitionChangeBuilder`, as a pure function of one registration.
//!
//! Replica order decides, not ISR order. Members that leave a too small ISR stay eligible (ELR, KIP-966).

use crate::ids::BrokerId;
use crate::metadata::PartitionRegistration;
use crate::sorted::SortedSet;

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
    /// `min.insync.replicas`; never more than there are replicas.
    pub min_isr: u32,
    pub elr_enabled: bool,
}

/// The partition after `target_isr` and an election; `None` when nothing changes.
pub fn change(
    before: &PartitionRegistration,
    target_isr: Option<Vec<BrokerId>>,
    election: Election,
    rules: &Rules,
) -> Option<PartitionRegistration> {
    let mut after = before.clone();
    after.isr = target_isr.unwrap_or_else(|| before.isr.clone());
    if after.isr.is_empty() && !rules.elr_enabled {
        after.isr = before.isr.clone();
    }
    after.elr = eligible(before, &after, rules);
    let choice = choose(&after, election, rules);
    after.leader = choice.leader;
    if let Some(leader) = choice.leader {
        if choice.unclean {
            after.isr = vec![leader];
            after.elr.clear();
        } else if !after.isr.contains(&leader) {
            after.elr.retain(|member| *member != leader);
            after.isr = vec![leader];
        }
    }
    after.last_known_elr = last_known(before, &after, rules);
    if after == *before {
        return None;
    }
    if after.leader != before.leader || choice.unclean {
        after.leader_epoch.0 += 1;
    }
    after.partition_epoch.0 += 1;
    Some(after)
}

/// While the ISR is below the minimum, members that left it stay eligible.
fn eligible(before: &PartitionRegistration, after: &PartitionRegistration, rules: &Rules) -> Vec<BrokerId> {
    let min_isr = rules.min_isr.min(after.replicas.len() as u32);
    if !rules.elr_enabled || after.isr.len() as u32 >= min_isr {
        return Vec::new();
    }
    let left = before.elr.iter().chain(&before.isr).copied().filter(|broker| !after.isr.contains(broker));
    left.collect::<SortedSet<BrokerId>>().to_vec()
}

/// Whoever led last, kept while nobody leads and nobody is eligible.
fn last_known(before: &PartitionRegistration, after: &PartitionRegistration, rules: &Rules) -> Vec<BrokerId> {
    let min_isr = rules.min_isr.min(after.replicas.len() as u32);
    match (before.leader, after.leader) {
        _ if !rules.elr_enabled || after.isr.len() as u32 >= min_isr => Vec::new(),
        (_, Some(_)) => Vec::new(),
        (Some(leader), None) if before.last_known_elr.is_empty() => vec![leader],
        (_, None) => before.last_known_elr.clone(),
    }
}

struct Choice {
    leader: Option<BrokerId>,
    unclean: bool,
}

fn choose(partition: &PartitionRegistration, election: Election, rules: &Rules) -> Choice {
    let from_elr = rules.elr_enabled && partition.isr.is_empty();
    let valid = |broker: &BrokerId| {
        let eligible = partition.isr.contains(broker) || (from_elr && partition.elr.contains(broker));
        eligible && (rules.acceptable)(*broker)
    };
    let clean = |leader| Choice { leader: Some(leader), unclean: false };
    if election == Election::Preferred
        && let Some(preferred) = partition.replicas.first().filter(|broker| valid(broker))
    {
        return clean(*preferred);
    }
    if let Some(leader) = partition.leader.filter(valid) {
        return clean(leader);
    }
    if let Some(leader) = partition.replicas.iter().find(|broker| valid(broker)) {
        return clean(*leader);
    }
    let alive = |broker: &&BrokerId| (rules.acceptable)(**broker);
    if election == Election::Unclean
        && let Some(leader) = partition.replicas.iter().find(alive)
    {
        return Choice { leader: Some(*leader), unclean: true };
    }
    let alone = partition.isr.is_empty() && partition.elr.is_empty() && partition.last_known_elr.len() == 1;
    match partition.last_known_elr.first().filter(alive) {
        Some(leader) if rules.elr_enabled && alone => Choice { leader: Some(*leader), unclean: true },
        _ => Choice { leader: None, unclean: false },
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
        let rules = Rules { acceptable: &|broker| alive.contains(&broker), min_isr: 1, elr_enabled: true };
        change(before, Some(brokers(isr)), election, &rules)
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
