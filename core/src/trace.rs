//! What happened and why: the decisions of a run, each with its rule and its causes.

use crate::ids::EventId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    Fault,
    BrokerRegistered,
    BrokerFenced,
    BrokerUnfenced,
    ControllerElected,
    ControllerResigned,
    TopicCreated,
    LeaderElected,
    IsrChanged,
    LogTruncated,
    LogDamaged,
    MemberJoined,
    MemberLeft,
    GroupRebalanced,
    CoordinatorLoaded,
    RecordLost,
}

// A kind that is missing in the list would make it shorter than its last one's number.
const _: () = assert!(EventKind::ALL.len() == EventKind::RecordLost as usize + 1);

impl EventKind {
    /// In their order.
    pub const ALL: [EventKind; 16] = [
        EventKind::Fault,
        EventKind::BrokerRegistered,
        EventKind::BrokerFenced,
        EventKind::BrokerUnfenced,
        EventKind::ControllerElected,
        EventKind::ControllerResigned,
        EventKind::TopicCreated,
        EventKind::LeaderElected,
        EventKind::IsrChanged,
        EventKind::LogTruncated,
        EventKind::LogDamaged,
        EventKind::MemberJoined,
        EventKind::MemberLeft,
        EventKind::GroupRebalanced,
        EventKind::CoordinatorLoaded,
        EventKind::RecordLost,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            EventKind::Fault => "fault",
            EventKind::BrokerRegistered => "broker_registered",
            EventKind::BrokerFenced => "broker_fenced",
            EventKind::BrokerUnfenced => "broker_unfenced",
            EventKind::ControllerElected => "controller_elected",
            EventKind::ControllerResigned => "controller_resigned",
            EventKind::TopicCreated => "topic_created",
            EventKind::LeaderElected => "leader_elected",
            EventKind::IsrChanged => "isr_changed",
            EventKind::LogTruncated => "log_truncated",
            EventKind::LogDamaged => "log_damaged",
            EventKind::MemberJoined => "member_joined",
            EventKind::MemberLeft => "member_left",
            EventKind::GroupRebalanced => "group_rebalanced",
            EventKind::CoordinatorLoaded => "coordinator_loaded",
            EventKind::RecordLost => "record_lost",
        }
    }
}

/// One decision, as the participant that made it tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    pub id: EventId,
    pub kind: EventKind,
    /// `trucks_gps-3`, `102`, `location-dashboard`.
    pub subject: String,
    /// One sentence, actor first.
    pub text: String,
    /// The rule, with setting and value.
    pub rule: String,
    pub causes: Vec<EventId>,
}
