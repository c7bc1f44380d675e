//! How the members of a group share the partitions: what goes into an assignor and what comes out.
//!
//! Under the classic protocol the group's leader, a client, runs the assignor; the coordinator only passes it on.

mod range;

pub use range::RangeAssignor;

use crate::sorted::SortedMap;
use std::cmp::Ordering;

/// What a member tells its group when it joins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberSubscription {
    pub id: String,
    /// `group.instance.id` of a static member.
    pub instance: Option<String>,
    pub topics: Vec<String>,
    /// `client.rack`; an empty one counts as none.
    pub rack: Option<String>,
}

impl MemberSubscription {
    /// Static members first, by their instance; then the others by their id. Text as Java compares it.
    fn assignment_order(&self, other: &Self) -> Ordering {
        match (&self.instance, &other.instance) {
            (Some(own), Some(others)) => java_order(own, others),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => java_order(&self.id, &other.id),
        }
    }

    fn rack(&self) -> Option<&str> {
        self.rack.as_deref().filter(|rack| !rack.is_empty())
    }
}

/// `String.compareTo`: by UTF-16 unit, which differs from Rust's order beyond the basic plane.
fn java_order(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Topic → for each partition, the racks of its replicas. Topics without racks may be missing.
pub type ReplicaRacks = SortedMap<String, Vec<Vec<String>>>;

/// Member id → its partitions, by topic and number. Every member is there, also with nothing.
pub type Assignment = SortedMap<String, Vec<(String, u32)>>;

pub trait Assignor {
    /// As in `partition.assignment.strategy` and the join protocol.
    fn name(&self) -> &'static str;

    /// Shares the partitions of the topics subscribed to. `partitions` gives each topic's count; unknown topics are skipped.
    fn assign(&self, members: &[MemberSubscription], partitions: &SortedMap<String, u32>, replica_racks: &ReplicaRacks) -> Assignment;
}
