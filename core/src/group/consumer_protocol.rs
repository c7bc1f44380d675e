//! What members of a classic group tell each other through the coordinator, in the bytes of Kafka's `ConsumerProtocol`: the
//! subscription each sends when it joins, the assignment each gets from the leader. Versions 0 to 3; newer ones are read as 3.

use super::bytes::{Reader, Writer};
use crate::protocol::MemberAssignment;
use std::sync::Arc;

pub const HIGHEST_VERSION: i16 = 3;

/// `ConsumerProtocolSubscription`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    pub topics: Vec<Arc<str>>,
    /// What its assignor wants to remember (`ConsumerPartitionAssignor.subscriptionUserData`).
    pub user_data: Option<Vec<u8>>,
    /// What it owns while it joins; nothing under eager rebalancing. Since version 1.
    pub owned: MemberAssignment,
    /// The generation in which it came to own that. Since version 2.
    pub generation: Option<i32>,
    /// `client.rack`, unless empty. Since version 3.
    pub rack: Option<Arc<str>>,
}

impl Subscription {
    pub fn bytes(&self, version: i16) -> Vec<u8> {
        let version = version.min(HIGHEST_VERSION);
        let mut out = Writer::default();
        out.i16(version);
        out.i32(self.topics.len() as i32);
        let mut topics: Vec<&Arc<str>> = self.topics.iter().collect();
        crate::sorted::settle(&mut topics, |a, b| a < b);
        topics.iter().for_each(|topic| out.string(topic));
        out.nullable_bytes(self.user_data.as_deref());
        if version >= 1 {
            write_partitions(&mut out, self.owned.iter());
        }
        if version >= 2 {
            out.i32(self.generation.unwrap_or(-1));
        }
        if version >= 3 {
            out.nullable_string(self.rack.as_deref());
        }
        out.0
    }

    pub fn read(bytes: &[u8]) -> Option<Subscription> {
        let mut value = Reader(bytes);
        let version = value.i16()?;
        let count = value.i32()?;
        let topics = (0..count).map(|_| value.string()).collect::<Option<Vec<Arc<str>>>>()?;
        let user_data = value.nullable_bytes()?.map(<[u8]>::to_vec);
        let owned = if version >= 1 { read_partitions(&mut value)? } else { MemberAssignment::new() };
        let generation = if version >= 2 { Some(value.i32()?).filter(|generation| *generation >= 0) } else { None };
        let rack = if version >= 3 { value.nullable_string()?.filter(|rack| !rack.is_empty()) } else { None };
        Some(Subscription { topics, user_data, owned, generation, rack })
    }
}

/// `ConsumerProtocolAssignment`; topics in the order given.
pub fn assignment_bytes<'a>(
    version: i16,
    partitions: impl ExactSizeIterator<Item = (&'a Arc<str>, &'a Vec<u32>)>,
    user_data: Option<&[u8]>,
) -> Vec<u8> {
    let mut out = Writer::default();
    out.i16(version.min(HIGHEST_VERSION));
    write_partitions(&mut out, partitions);
    out.nullable_bytes(user_data);
    out.0
}

pub fn read_assignment(bytes: &[u8]) -> Option<MemberAssignment> {
    let mut value = Reader(bytes);
    value.i16()?;
    read_partitions(&mut value)
}

/// An array of topics, each with an array of partitions.
pub(super) fn write_partitions<'a>(out: &mut Writer, topics: impl ExactSizeIterator<Item = (&'a Arc<str>, &'a Vec<u32>)>) {
    out.i32(topics.len() as i32);
    for (topic, partitions) in topics {
        out.string(topic);
        out.i32(partitions.len() as i32);
        partitions.iter().for_each(|partition| out.i32(*partition as i32));
    }
}

pub(super) fn read_partitions(value: &mut Reader) -> Option<MemberAssignment> {
    let topics = value.i32()?;
    let mut assignment = MemberAssignment::new();
    for _ in 0..topics {
        let topic = value.string()?;
        let partitions = assignment.entry(topic).or_default();
        for _ in 0..value.i32()? {
            partitions.push(value.i32()? as u32);
        }
    }
    Some(assignment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription() -> Subscription {
        Subscription {
            topics: vec!["payments".into(), "orders".into()],
            user_data: Some(vec![1, 2]),
            owned: MemberAssignment::from([("orders".into(), vec![0, 1]), ("payments".into(), vec![2])]),
            generation: Some(5),
            rack: Some("rack-a".into()),
        }
    }

    #[test]
    fn each_version_carries_what_those_before_did_and_more() {
        let sorted = vec![Arc::from("orders"), Arc::from("payments")];
        for version in 0..5 {
            let mut expected = Subscription { topics: sorted.clone(), ..subscription() };
            if version < 3 {
                expected.rack = None;
            }
            if version < 2 {
                expected.generation = None;
            }
            if version < 1 {
                expected.owned = MemberAssignment::new();
            }
            assert_eq!(Subscription::read(&subscription().bytes(version)), Some(expected), "version {version}");
        }
    }

    #[test]
    fn an_assignment_reads_back_and_half_of_one_does_not() {
        let assignment = subscription().owned;
        let bytes = assignment_bytes(HIGHEST_VERSION, assignment.iter(), Some(&[7]));
        assert_eq!(read_assignment(&bytes), Some(assignment));
        assert_eq!(read_assignment(&bytes[..9]), None);
    }
}
