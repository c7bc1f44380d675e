//! `RoundRobinAssignor`: all partitions of all topics are dealt out one by one, as cards.

use super::numbered::Numbered;
use super::{Assignment, Assignor, Member, Topics, in_assignment_order};

/// Shares differ by one at most while all members subscribe to the same topics; equal topics do not stay aligned.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobinAssignor;

impl Assignor for RoundRobinAssignor {
    fn name(&self) -> &'static str {
        "roundrobin"
    }

    fn assign(&self, members: &[Member], topics: &Topics) -> Assignment {
        let order = in_assignment_order(members);
        let partitions = Numbered::new(&order, topics);
        let mut owners = Vec::new();
        let mut deal = 0;
        for (readers, (_, topic)) in partitions.readers(&order).iter().zip(partitions.topics()) {
            // Who does not read the topic is passed over.
            let mut next = readers.partition_point(|reader| *reader < deal);
            for _ in 0..topic.partitions {
                let reader = readers[next % readers.len()];
                owners.push(reader);
                next = next % readers.len() + 1;
                deal = (reader + 1) % order.len() as u32;
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
    fn the_deal_goes_on_with_the_next_topic_where_the_last_ended() {
        let members = [member("c0", &["t0", "t1"]), member("c1", &["t0", "t1"])];
        let assignment = RoundRobinAssignor.assign(&members, &counts(&[("t0", 3), ("t1", 3)]));
        assert_eq!((&assignment["c0"]["t0"][..], &assignment["c0"]["t1"][..]), (&[0, 2][..], &[1][..]));
        assert_eq!((&assignment["c1"]["t0"][..], &assignment["c1"]["t1"][..]), (&[1][..], &[0, 2][..]));
    }

    #[test]
    fn who_does_not_read_a_topic_is_passed_over() {
        let members = [member("a", &["t"]), member("b", &["u"]), member("c", &["t"])];
        let assignment = RoundRobinAssignor.assign(&members, &counts(&[("t", 3), ("u", 2), ("unread", 9)]));
        assert_eq!((&assignment["a"]["t"][..], &assignment["c"]["t"][..]), (&[0, 2][..], &[1][..]));
        assert_eq!((&assignment["b"]["u"][..], assignment["b"].len()), (&[0, 1][..], 1));
    }
}
