//! The coordinator's `range` (KIP-848): as the client's, without racks. Each topic is cut into contiguous ranges, one a subscriber.

use super::{Assignment, Assignor, Member, Topics, in_assignment_order, with_everybody};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, Default)]
pub struct ServerRangeAssignor;

impl Assignor for ServerRangeAssignor {
    fn name(&self) -> &'static str {
        "range"
    }

    fn assign(&self, members: &[Member], topics: &Topics) -> Assignment {
        let mut assignment = with_everybody(members);
        let order = in_assignment_order(members);
        for (name, topic) in topics {
            let subscribers: Vec<&&Member> = order.iter().filter(|member| member.subscription.topics.contains(name)).collect();
            let count = subscribers.len() as u32;
            let mut start = 0;
            for (place, member) in (0..count).zip(&subscribers) {
                let end = start + topic.partitions / count + u32::from(place < topic.partitions % count);
                if let Some(share) = assignment.get_mut(&member.id).filter(|_| start < end) {
                    share.insert(Arc::clone(name), (start..end).collect());
                }
                start = end;
            }
        }
        assignment
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
