//! The coordinator's `range` (KIP-848): as the client's, without racks. Each topic is cut into contiguous ranges, one a subscriber.

use super::numbered::Numbered;
use super::{Assignment, Assignor, Member, Topics, in_assignment_order};

#[derive(Clone, Copy, Debug, Default)]
pub struct ServerRangeAssignor;

impl Assignor for ServerRangeAssignor {
    fn name(&self) -> &'static str {
        "range"
    }

    fn assign(&self, members: &[Member], topics: &Topics) -> Assignment {
        let order = in_assignment_order(members);
        let partitions = Numbered::new(&order, topics);
        let mut owners = Vec::new();
        for (readers, (_, topic)) in partitions.readers(&order).iter().zip(partitions.topics()) {
            let count = readers.len() as u32;
            for (place, reader) in (0..).zip(readers) {
                let share = topic.partitions / count + u32::from(place < topic.partitions % count);
                owners.extend((0..share).map(|_| *reader));
            }
        }
        partitions.shares(&order, &owners)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{counts, member};
    use super::*;

    #[test]
    fn static_members_come_first_and_the_first_get_the_odd_ones() {
        let static_member = |id: &str, instance: &str| Member { instance: Some(instance.into()), ..member(id, &["t"]) };
        let members = [member("mm", &["t"]), static_member("zz", "i1"), static_member("aa", "i2")];
        let assignment = ServerRangeAssignor.assign(&members, &counts(&[("t", 5)]));
        let of = |id: &str| &assignment[id]["t"][..];
        assert_eq!((of("zz"), of("aa"), of("mm")), (&[0, 1][..], &[2, 3][..], &[4][..]));
    }

    #[test]
    fn more_members_than_partitions_leave_some_with_nothing() {
        let members = [member("a", &["t"]), member("b", &["t"])];
        let assignment = ServerRangeAssignor.assign(&members, &counts(&[("t", 1)]));
        assert!(assignment["b"].is_empty() && assignment["a"]["t"] == [0]);
    }
}
