//! `StickyAssignor` and `CooperativeStickyAssignor`: even shares, and everybody keeps as much as that allows.
//!
//! Both ask the same builder (`AbstractStickyAssignor`): [`constrained`] while all members read the same topics, [`general`]
//! otherwise. They differ in where a member's last assignment is told, and the cooperative one leaves out what its owner must first
//! give up: a second rebalance hands it on.

mod constrained;
mod general;
mod movements;
mod racks;

use super::numbered::{NOBODY, Numbered, by_hash, by_text};
use super::{Assignment, Assignor, Member, Topics};
use crate::group::bytes::{Reader, Writer};
use crate::group::consumer_protocol::{read_partitions, write_partitions};
use crate::hash::{java_map_order, java_string_hash};
use crate::protocol::MemberAssignment;
use crate::sorted::SortedMap;
use racks::Racks;
use std::sync::Arc;

/// `AbstractStickyAssignor.DEFAULT_GENERATION`: of members that have not been in one.
const NO_GENERATION: i32 = -1;

/// Eager: everybody gives everything up and gets most of it back.
#[derive(Clone, Copy, Debug, Default)]
pub struct StickyAssignor;

/// Cooperative: only what changes hands stands still, for one more rebalance.
#[derive(Clone, Copy, Debug, Default)]
pub struct CooperativeStickyAssignor;

impl Assignor for StickyAssignor {
    fn name(&self) -> &'static str {
        "sticky"
    }

    /// The assignment itself, as eager members join with nothing.
    fn user_data(&self, last: Option<(&MemberAssignment, i32)>) -> Option<Vec<u8>> {
        let (assignment, generation) = last?;
        let mut topics: Vec<(&Arc<str>, &Vec<u32>)> = assignment.iter().collect();
        java_map_order(&mut topics, |(topic, _)| java_string_hash(topic));
        let mut out = Writer::default();
        write_partitions(&mut out, topics.into_iter());
        out.i32(generation);
        Some(out.0)
    }

    fn assign(&self, members: &[Member], topics: &Topics) -> Assignment {
        let group = Group::new(members, topics);
        let told: Vec<Told> = group.members.iter().map(|member| told_by_data(member)).collect();
        let Shares { owners, .. } = group.share(&Claims::new(&group, &told));
        group.partitions.shares(&group.members, &owners)
    }
}

impl Assignor for CooperativeStickyAssignor {
    fn name(&self) -> &'static str {
        "cooperative-sticky"
    }

    fn cooperative(&self) -> bool {
        true
    }

    /// The generation alone, for subscriptions before version 2.
    fn user_data(&self, last: Option<(&MemberAssignment, i32)>) -> Option<Vec<u8>> {
        Some(last.map_or(NO_GENERATION, |(_, generation)| generation).to_be_bytes().to_vec())
    }

    fn assign(&self, members: &[Member], topics: &Topics) -> Assignment {
        let group = Group::new(members, topics);
        let told: Vec<Told> = group.members.iter().map(|member| told_by_subscription(member)).collect();
        let Shares { mut owners, moving } = group.share(&Claims::new(&group, &told));
        for (owner, moving) in owners.iter_mut().zip(moving) {
            if moving {
                *owner = NOBODY;
            }
        }
        group.partitions.shares(&group.members, &owners)
    }
}

/// Who takes part and what is shared.
struct Group<'a> {
    /// Numbered in the order of their ids.
    members: Vec<&'a Member>,
    /// Their numbers in the order in which Java's map of subscriptions gives them.
    hash_order: Vec<u32>,
    partitions: Numbered<'a>,
    racks: Racks<'a>,
}

/// What came of it.
struct Shares {
    owners: Vec<u32>,
    /// Partitions that somebody else must give up before their new owner may have them.
    moving: Vec<bool>,
}

impl<'a> Group<'a> {
    fn new(members: &'a [Member], topics: &'a Topics) -> Self {
        let sorted = by_text(members);
        let numbers: SortedMap<&str, u32> = members_by_id(&sorted);
        let hash_order = by_hash(members).iter().filter_map(|member| numbers.get(&*member.id).copied()).collect();
        let partitions = Numbered::new(&sorted, topics);
        let racks = Racks::new(&sorted, &partitions);
        Group { members: sorted, hash_order, partitions, racks }
    }

    fn share(&self, claims: &Claims) -> Shares {
        if self.members.is_empty() {
            return Shares { owners: vec![NOBODY; self.partitions.count() as usize], moving: Vec::new() };
        }
        if self.all_read_the_same() {
            return constrained::share(self, claims);
        }
        let owners = general::share(self, claims);
        let moving = self.changing_hands(&owners);
        Shares { owners, moving }
    }

    /// A member that subscribes to nothing counts as reading the same as those after it, as long as nobody before it read anything.
    fn all_read_the_same(&self) -> bool {
        let mut first: &[Arc<str>] = &[];
        self.hash_order.iter().all(|&member| {
            let topics = &self.members[member as usize].subscription.topics[..];
            if first.is_empty() {
                first = topics;
            }
            topics == first || (topics.len() == first.len() && topics.iter().all(|topic| first.contains(topic)))
        })
    }

    /// Partitions that come to a member that did not own them, and leave one that says it did.
    fn changing_hands(&self, owners: &[u32]) -> Vec<bool> {
        let mut kept = vec![false; owners.len()];
        let mut left = vec![false; owners.len()];
        for (number, member) in (0..).zip(&self.members) {
            for partition in self.partitions.numbers(&member.subscription.owned) {
                let list = if owners[partition as usize] == number { &mut kept } else { &mut left };
                list[partition as usize] = true;
            }
        }
        left.iter().zip(kept).map(|(left, kept)| *left && !kept).collect()
    }
}

fn members_by_id<'a>(members: &[&'a Member]) -> SortedMap<&'a str, u32> {
    members.iter().zip(0..).map(|(member, number)| (&*member.id, number)).collect()
}

/// What a member says it had last.
#[derive(Default)]
struct Told {
    partitions: MemberAssignment,
    generation: Option<i32>,
}

/// Whose claim to a partition counts.
struct Claims {
    /// The owner before, if it may keep the partition.
    holders: Vec<u32>,
    /// Claimed by several members of one generation: nobody keeps it.
    contested: Vec<bool>,
    /// Of claims older than the newest generation, the newest: whom a partition goes back to when shares are evened out.
    former: Vec<u32>,
}

impl Claims {
    fn new(group: &Group<'_>, told: &[Told]) -> Self {
        let count = group.partitions.count() as usize;
        let mut claims = Claims { holders: vec![NOBODY; count], contested: vec![false; count], former: vec![NOBODY; count] };
        let mut last_claim = vec![NOBODY; count];
        let generation = |member: u32| told[member as usize].generation.unwrap_or(NO_GENERATION);
        for &member in &group.hash_order {
            for partition in group.partitions.numbers(&told[member as usize].partitions) {
                let number = partition as usize;
                let other = std::mem::replace(&mut last_claim[number], member);
                if other == NOBODY {
                    claims.holders[number] = member;
                    continue;
                }
                // As Kafka does, the other's generation is read where every subscription has it, whatever its assignor says.
                let others = group.members[other as usize].subscription.generation.unwrap_or(NO_GENERATION);
                if generation(member) < others {
                    last_claim[number] = other;
                } else if generation(member) > others {
                    claims.holders[number] = member;
                } else {
                    claims.contested[number] = true;
                    if claims.holders[number] == other {
                        claims.holders[number] = NOBODY;
                    }
                }
            }
        }
        claims.find_former(group, told);
        claims
    }

    fn find_former(&mut self, group: &Group<'_>, told: &[Told]) {
        let newest = told.iter().filter_map(|told| told.generation).max().unwrap_or(NO_GENERATION);
        let mut since = vec![i32::MIN; self.former.len()];
        for &member in &group.hash_order {
            let told = &told[member as usize];
            let generation = told.generation.unwrap_or(NO_GENERATION);
            if generation >= newest {
                continue;
            }
            for partition in group.partitions.numbers(&told.partitions) {
                if generation > since[partition as usize] {
                    since[partition as usize] = generation;
                    self.former[partition as usize] = member;
                }
            }
        }
    }
}

/// `StickyAssignor.memberData`: whatever the subscription says, the assignor's own data count.
fn told_by_data(member: &Member) -> Told {
    let data = member.subscription.user_data.as_deref().unwrap_or_default();
    if data.is_empty() {
        return Told::default();
    }
    let mut data = Reader(data);
    match read_partitions(&mut data) {
        // The generation came with version 1.
        Some(partitions) => Told { partitions, generation: data.i32() },
        None => Told { generation: Some(NO_GENERATION), ..Told::default() },
    }
}

/// `CooperativeStickyAssignor.memberData`.
fn told_by_subscription(member: &Member) -> Told {
    let from_data = |data: &Vec<u8>| Reader(data).i32().unwrap_or(NO_GENERATION);
    let generation = member.subscription.generation.or_else(|| member.subscription.user_data.as_ref().map(from_data));
    Told { partitions: member.subscription.owned.clone(), generation }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{counts, member};
    use super::*;

    /// A member that had these in the generation.
    fn had(id: &str, topics: &[&str], owned: &[(&str, &[u32])], generation: i32) -> Member {
        let mut member = member(id, topics);
        member.subscription.owned = owned.iter().map(|&(topic, partitions)| (topic.into(), partitions.to_vec())).collect();
        member.subscription.generation = Some(generation);
        member.subscription.user_data = StickyAssignor.user_data(Some((&member.subscription.owned, generation)));
        member
    }

    fn of<'a>(assignment: &'a Assignment, member: &str, topic: &str) -> &'a [u32] {
        assignment[member].get(topic).map_or(&[], Vec::as_slice)
    }

    #[test]
    fn who_stays_keeps_what_it_has_and_takes_what_a_leaver_left() {
        let members = [had("a", &["t"], &[("t", &[0, 3])], 1), had("b", &["t"], &[("t", &[1, 4])], 1)];
        let assignment = StickyAssignor.assign(&members, &counts(&[("t", 6)]));
        assert_eq!((of(&assignment, "a", "t"), of(&assignment, "b", "t")), (&[0, 2, 3][..], &[1, 4, 5][..]));
    }

    #[test]
    fn what_changes_hands_is_withheld_until_its_owner_gave_it_up() {
        let topics = counts(&[("t", 4)]);
        let first = [had("a", &["t"], &[("t", &[0, 1, 2, 3])], 1), member("b", &["t"])];
        let assignment = CooperativeStickyAssignor.assign(&first, &topics);
        assert_eq!((of(&assignment, "a", "t"), of(&assignment, "b", "t")), (&[0, 1][..], &[][..]));
        let second = [had("a", &["t"], &[("t", &[0, 1])], 2), had("b", &["t"], &[], 2)];
        let assignment = CooperativeStickyAssignor.assign(&second, &topics);
        assert_eq!((of(&assignment, "a", "t"), of(&assignment, "b", "t")), (&[0, 1][..], &[2, 3][..]));
    }

    #[test]
    fn a_claim_of_an_older_generation_loses() {
        let members = [had("a", &["t"], &[("t", &[0, 1, 2])], 3), had("b", &["t"], &[("t", &[1, 3])], 5)];
        let assignment = StickyAssignor.assign(&members, &counts(&[("t", 4)]));
        assert_eq!((of(&assignment, "a", "t"), of(&assignment, "b", "t")), (&[0, 2][..], &[1, 3][..]));
    }

    #[test]
    fn user_data_of_both_versions_and_broken_ones_are_understood() {
        let owned = MemberAssignment::from([("t".into(), vec![0, 1])]);
        let with = |user_data: Option<Vec<u8>>| {
            let mut member = member("m", &["t"]);
            member.subscription.user_data = user_data;
            let told = told_by_data(&member);
            (told.partitions, told.generation)
        };
        let newest = StickyAssignor.user_data(Some((&owned, 7))).expect("data");
        assert_eq!(with(Some(newest[..newest.len() - 4].to_vec())), (owned.clone(), None));
        assert_eq!(with(Some(newest)), (owned, Some(7)));
        assert_eq!(with(Some(vec![0, 0])), (MemberAssignment::new(), Some(-1)));
        assert_eq!(with(None), (MemberAssignment::new(), None));
    }

    #[test]
    fn members_with_different_topics_are_evened_out_as_far_as_they_can_be() {
        let members = [member("a", &["t0"]), member("b", &["t0", "t1"]), member("c", &["t0", "t1", "t2"])];
        let assignment = StickyAssignor.assign(&members, &counts(&[("t0", 1), ("t1", 2), ("t2", 3)]));
        assert_eq!(of(&assignment, "a", "t0"), [0]);
        assert_eq!(of(&assignment, "b", "t1"), [0, 1]);
        assert_eq!(of(&assignment, "c", "t2"), [0, 1, 2]);
    }

    #[test]
    fn nobody_there_shares_nothing() {
        assert!(StickyAssignor.assign(&[], &counts(&[("t", 3)])).is_empty());
    }
}
