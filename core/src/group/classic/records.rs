//! What the next coordinator of a group finds: its members and their assignment as one record.

use super::{Group, GroupState, Member};
use crate::group::Work;
use crate::group::consumer_protocol::read_assignment;
use crate::group::offsets::{GroupRecord, GroupValue, MemberValue};
use crate::group::timers::Timer;
use crate::protocol::JoinProtocol;
use crate::time::SimDuration;
use std::sync::Arc;

impl Group {
    pub fn record(&self, since_ms: i64) -> GroupRecord {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let member = |(id, member): (&Arc<str>, &Member)| MemberValue {
            member_id: Arc::clone(id),
            instance: member.instance.clone(),
            client_id: Arc::clone(&member.client_id),
            rebalance_timeout_ms: member.rebalance_timeout.millis() as i32,
            session_timeout_ms: member.session_timeout.millis() as i32,
            subscription: member.metadata(protocol).to_vec(),
            assignment: member.assignment.to_vec(),
        };
        let value = GroupValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            timestamp_ms: since_ms,
            members: self.members.iter().map(member).collect(),
        };
        GroupRecord::GroupMetadata { group: Arc::clone(&self.name), value: Some(value) }
    }

    /// A group as its last record tells it.
    pub fn read(name: Arc<str>, value: &GroupValue) -> Group {
        let mut group = Group::new(name, value.timestamp_ms);
        group.generation = value.generation;
        group.protocol_type = Some(Arc::clone(&value.protocol_type)).filter(|kind| !kind.is_empty());
        for member in &value.members {
            let offered = |name: &Arc<str>| JoinProtocol { name: Arc::clone(name), metadata: Arc::from(&member.subscription[..]) };
            let read = Member {
                instance: member.instance.clone(),
                client_id: Arc::clone(&member.client_id),
                session_timeout: SimDuration::from_millis(member.session_timeout_ms.unsigned_abs().into()),
                rebalance_timeout: SimDuration::from_millis(member.rebalance_timeout_ms.unsigned_abs().into()),
                protocols: value.protocol.iter().map(offered).collect(),
                assignment: Arc::from(&member.assignment[..]),
                joining: None,
                syncing: None,
                is_new: false,
                came: 0,
            };
            group.insert(&member.member_id, read);
        }
        group.leader.clone_from(&value.leader);
        group.protocol.clone_from(&value.protocol);
        group.subscribed = group.subscribed_topics();
        group.state = if value.members.is_empty() { GroupState::Empty } else { GroupState::Stable };
        group
    }

    /// A new coordinator has read everything: members get a full session to report.
    pub fn loaded(&mut self, work: &mut Work) {
        for (id, member) in &self.members {
            self.timers.set(Timer::Heartbeat(Arc::clone(id)), work.now + member.session_timeout);
        }
        if self.members.len() > work.config.group_max_size as usize {
            self.prepare_rebalance(work, "it is larger than group.max.size".to_owned(), Vec::new());
        }
    }
}

/// `location-dashboard-1 reads 5 partitions`.
pub(super) fn share(member: &Member) -> String {
    let topics = read_assignment(&member.assignment).unwrap_or_default();
    match topics.values().map(Vec::len).sum::<usize>() {
        0 => format!("{} is idle", member.client_id),
        1 => format!("{} reads 1 partition", member.client_id),
        n => format!("{} reads {n} partitions", member.client_id),
    }
}
