//! How the members of a group share the partitions: what goes into an assignor and what comes out.
//!
//! Under the classic protocol the group's leader, a client, runs one of [`client`] and the coordinator only passes the result on. Under
//! the new protocol (KIP-848) the coordinator itself runs one of [`server`]. Results are Kafka's to the partition, also where
//! the order of a `java.util.HashMap` decides them.

mod numbered;
mod range;
mod round_robin;
mod server_range;
mod simple;
mod sticky;
mod uniform;

pub use range::RangeAssignor;
pub use round_robin::RoundRobinAssignor;
pub use server_range::ServerRangeAssignor;
pub use simple::SimpleAssignor;
pub use sticky::{CooperativeStickyAssignor, StickyAssignor};
pub use uniform::UniformAssignor;

use super::consumer_protocol::Subscription;
use crate::protocol::MemberAssignment;
use crate::sorted::{SortedMap, SortedSet};
use std::cmp::Ordering;
use std::sync::Arc;

/// A member as an assignor sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub id: Arc<str>,
    /// `group.instance.id` of a static member.
    pub instance: Option<Arc<str>>,
    /// What it told its group. For an assignor of the coordinator, `owned` is the member's target assignment so far.
    pub subscription: Subscription,
}

/// A topic as an assignor sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// The UUID by which the coordinator's assignors know it; those of clients know its name alone.
    pub id: [u8; 16],
    pub partitions: u32,
    /// For each partition, the racks of its replicas; may be missing where no broker has one.
    pub racks: Vec<Vec<Arc<str>>>,
}

/// Topics by name. Those that nobody subscribes to are passed over, and subscriptions to topics that are not here too.
pub type Topics = SortedMap<Arc<str>, Topic>;

/// By member id, partitions in rising order. Every member is there, also with nothing.
pub type Assignment = SortedMap<Arc<str>, MemberAssignment>;

pub trait Assignor: Sync {
    /// As in `partition.assignment.strategy` and the join protocol, or in `group.remote.assignor`.
    fn name(&self) -> &'static str;

    /// True when a member may keep what it owns while it joins (`RebalanceProtocol.COOPERATIVE`).
    fn cooperative(&self) -> bool {
        false
    }

    /// What the assignor adds to a member's subscription; `last` is the assignment it got last, with its generation.
    fn user_data(&self, _last: Option<(&MemberAssignment, i32)>) -> Option<Vec<u8>> {
        None
    }

    /// Shares the partitions of all topics that are subscribed to.
    fn assign(&self, members: &[Member], topics: &Topics) -> Assignment;
}

/// The assignors a client may name in `partition.assignment.strategy`, by name or by Kafka's class.
pub fn client(name: &str) -> Option<&'static dyn Assignor> {
    let assignor: &'static dyn Assignor = match name.strip_prefix("org.apache.kafka.clients.consumer.").unwrap_or(name) {
        "range" | "RangeAssignor" => &RangeAssignor,
        "roundrobin" | "RoundRobinAssignor" => &RoundRobinAssignor,
        "sticky" | "StickyAssignor" => &StickyAssignor,
        "cooperative-sticky" | "CooperativeStickyAssignor" => &CooperativeStickyAssignor,
        _ => return None,
    };
    Some(assignor)
}

/// The assignors of `group.consumer.assignors`, one of which a member may name in `group.remote.assignor`.
pub fn server(name: &str) -> Option<&'static dyn Assignor> {
    let assignor: &'static dyn Assignor = match name {
        "uniform" => &UniformAssignor,
        "range" => &ServerRangeAssignor,
        _ => return None,
    };
    Some(assignor)
}

/// True when all members read the same topics, in whatever order they name them (`SubscriptionType.HOMOGENEOUS`).
pub fn same_subscriptions(members: &[Member]) -> bool {
    let set = |member: &Member| -> SortedSet<Arc<str>> { member.subscription.topics.iter().cloned().collect() };
    members.split_first().is_none_or(|(first, others)| {
        let (named, topics) = (&first.subscription.topics, set(first));
        others.iter().all(|other| other.subscription.topics == *named || set(other) == topics)
    })
}

/// Text as Java compares it, by UTF-16 unit; beyond the basic plane this is not Rust's order.
#[derive(Clone, Copy, PartialEq, Eq)]
struct JavaText<'a>(&'a str);

impl Ord for JavaText<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.encode_utf16().cmp(other.0.encode_utf16())
    }
}

impl PartialOrd for JavaText<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Static members first, by their instance; then the others by their id (`AbstractPartitionAssignor.MemberInfo`).
fn in_assignment_order(members: &[Member]) -> Vec<&Member> {
    let mut order = SortedSet::new();
    for (index, member) in members.iter().enumerate() {
        let text = member.instance.as_ref().unwrap_or(&member.id);
        order.insert((member.instance.is_none(), JavaText(text), index));
    }
    order.iter().map(|&(_, _, index)| &members[index]).collect()
}

/// Nobody owns anything yet.
fn with_everybody(members: &[Member]) -> Assignment {
    members.iter().map(|member| (Arc::clone(&member.id), MemberAssignment::new())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn member(id: &str, topics: &[&str]) -> Member {
        let topics = topics.iter().map(|&topic| topic.into()).collect();
        Member { id: id.into(), instance: None, subscription: Subscription { topics, ..Subscription::default() } }
    }

    pub(super) fn counts(topics: &[(&str, u32)]) -> Topics {
        topics.iter().map(|&(name, partitions)| (name.into(), Topic { partitions, ..Topic::default() })).collect()
    }
}
