//! The coordinator's `uniform` (KIP-848), its default: even shares over all topics, and members keep what they have.
//!
//! Members take their turns in the order of Java's map of members, so who gets the odd ones follows from the hashes of their ids.

mod balancer;
mod heterogeneous;
mod homogeneous;

pub(super) use homogeneous::{owned_by_topic, topics_by_name};

use super::numbered::{NOBODY, Numbered, by_hash};
use super::{Assignment, Assignor, Member, Topics, same_subscriptions};

#[derive(Clone, Copy, Debug, Default)]
pub struct UniformAssignor;

impl Assignor for UniformAssignor {
    fn name(&self) -> &'static str {
        "uniform"
    }

    fn assign(&self, members: &[Member], topics: &Topics) -> Assignment {
        let order = by_hash(members);
        let group = Group { partitions: Numbered::new(&order, topics), members: order };
        let owners = match group.partitions.count() {
            0 => Vec::new(),
            _ if same_subscriptions(members) => homogeneous::share(&group),
            _ => heterogeneous::share(&group),
        };
        group.partitions.shares(&group.members, &owners)
    }
}

pub(super) struct Group<'a> {
    /// In the order of Java's map.
    pub(super) members: Vec<&'a Member>,
    pub(super) partitions: Numbered<'a>,
}

impl Group<'_> {
    fn unowned(&self) -> Vec<u32> {
        vec![NOBODY; self.partitions.count() as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{counts, member};
    use super::*;
    use crate::protocol::MemberAssignment;

    fn owning(id: &str, topics: &[&str], partitions: &[u32]) -> Member {
        let mut member = member(id, topics);
        member.subscription.owned = MemberAssignment::from([("t".into(), partitions.to_vec())]);
        member
    }

    fn of<'a>(assignment: &'a Assignment, member: &str, topic: &str) -> &'a [u32] {
        assignment[member].get(topic).map_or(&[], Vec::as_slice)
    }

    #[test]
    fn the_last_in_javas_order_take_the_odd_ones() {
        let members = [member("a", &["t"]), member("b", &["t"]), member("c", &["t"])];
        let assignment = UniformAssignor.assign(&members, &counts(&[("t", 10)]));
        assert_eq!(of(&assignment, "a", "t"), [0, 1, 2]);
        assert_eq!(of(&assignment, "c", "t"), [6, 7, 8, 9]);
    }

    #[test]
    fn who_has_more_than_its_share_gives_up_the_last_and_nobody_else_moves() {
        let members = [owning("a", &["t"], &[0, 1, 2, 3]), owning("b", &["t"], &[4, 5]), member("c", &["t"])];
        let assignment = UniformAssignor.assign(&members, &counts(&[("t", 6)]));
        assert_eq!((of(&assignment, "a", "t"), of(&assignment, "b", "t")), (&[0, 1][..], &[4, 5][..]));
        assert_eq!(of(&assignment, "c", "t"), [2, 3]);
    }

    #[test]
    fn members_with_different_topics_are_evened_out_within_each_topic() {
        let members = [owning("a", &["t"], &[0, 1, 2, 3]), member("b", &["t", "u"])];
        let assignment = UniformAssignor.assign(&members, &counts(&[("t", 4), ("u", 2)]));
        assert_eq!((of(&assignment, "b", "u"), of(&assignment, "b", "t")), (&[0, 1][..], &[3][..]));
        assert_eq!(of(&assignment, "a", "t"), [0, 1, 2]);
    }

    #[test]
    fn nobody_there_or_nothing_to_share_gives_empty_shares() {
        assert!(UniformAssignor.assign(&[], &counts(&[("t", 3)])).is_empty());
        assert!(UniformAssignor.assign(&[member("a", &["gone"])], &counts(&[("t", 3)]))["a"].is_empty());
    }
}
