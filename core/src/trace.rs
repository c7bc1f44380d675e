//! What happened and why: the decisions of a run, each with its rule and its causes.

use crate::ids::EventId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    Fault,
    /// An administrator ran one of Kafka's tools.
    Command,
    BrokerRegistered,
    BrokerFenced,
    BrokerUnfenced,
    BrokerStopping,
    BrokerUnregistered,
    ControllerElected,
    ControllerResigned,
    TopicCreated,
    TopicChanged,
    TopicDeleted,
    LeaderElected,
    IsrChanged,
    ElrChanged,
    PartitionReassigned,
    LogTruncated,
    LogDamaged,
    /// Old records went with their whole segments.
    SegmentDeleted,
    /// Of each key only the newest record was kept.
    LogCompacted,
    MemberJoined,
    MemberLeft,
    RebalanceStarted,
    /// A member gives partitions up, or has lost them.
    PartitionsRevoked,
    GroupRebalanced,
    OffsetsExpired,
    CoordinatorLoaded,
    /// A coordinator did not take an offset.
    CommitRefused,
    /// What an application does about a record, or itself.
    Application,
    /// Of the ensemble: who leads it, and sessions it refuses.
    ZooKeeper,
    RecordLost,
    /// Sent with acks=0 and stored by nobody.
    RecordUnwritten,
    RecordDuplicated,
    RecordReordered,
    RecordSkipped,
}

// A kind that is missing in the list would make it shorter than its last one's number.
const _: () = assert!(EventKind::ALL.len() == EventKind::RecordSkipped as usize + 1);

impl EventKind {
    /// In their order.
    pub const ALL: [EventKind; 35] = [
        EventKind::Fault,
        EventKind::Command,
        EventKind::BrokerRegistered,
        EventKind::BrokerFenced,
        EventKind::BrokerUnfenced,
        EventKind::BrokerStopping,
        EventKind::BrokerUnregistered,
        EventKind::ControllerElected,
        EventKind::ControllerResigned,
        EventKind::TopicCreated,
        EventKind::TopicChanged,
        EventKind::TopicDeleted,
        EventKind::LeaderElected,
        EventKind::IsrChanged,
        EventKind::ElrChanged,
        EventKind::PartitionReassigned,
        EventKind::LogTruncated,
        EventKind::LogDamaged,
        EventKind::SegmentDeleted,
        EventKind::LogCompacted,
        EventKind::MemberJoined,
        EventKind::MemberLeft,
        EventKind::RebalanceStarted,
        EventKind::PartitionsRevoked,
        EventKind::GroupRebalanced,
        EventKind::OffsetsExpired,
        EventKind::CoordinatorLoaded,
        EventKind::CommitRefused,
        EventKind::Application,
        EventKind::ZooKeeper,
        EventKind::RecordLost,
        EventKind::RecordUnwritten,
        EventKind::RecordDuplicated,
        EventKind::RecordReordered,
        EventKind::RecordSkipped,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            EventKind::Fault => "fault",
            EventKind::Command => "command",
            EventKind::BrokerRegistered => "broker_registered",
            EventKind::BrokerFenced => "broker_fenced",
            EventKind::BrokerUnfenced => "broker_unfenced",
            EventKind::BrokerStopping => "broker_stopping",
            EventKind::BrokerUnregistered => "broker_unregistered",
            EventKind::ControllerElected => "controller_elected",
            EventKind::ControllerResigned => "controller_resigned",
            EventKind::TopicCreated => "topic_created",
            EventKind::TopicChanged => "topic_changed",
            EventKind::TopicDeleted => "topic_deleted",
            EventKind::LeaderElected => "leader_elected",
            EventKind::IsrChanged => "isr_changed",
            EventKind::ElrChanged => "elr_changed",
            EventKind::PartitionReassigned => "partition_reassigned",
            EventKind::LogTruncated => "log_truncated",
            EventKind::LogDamaged => "log_damaged",
            EventKind::SegmentDeleted => "segment_deleted",
            EventKind::LogCompacted => "log_compacted",
            EventKind::MemberJoined => "member_joined",
            EventKind::MemberLeft => "member_left",
            EventKind::RebalanceStarted => "rebalance_started",
            EventKind::PartitionsRevoked => "partitions_revoked",
            EventKind::OffsetsExpired => "offsets_expired",
            EventKind::GroupRebalanced => "group_rebalanced",
            EventKind::CoordinatorLoaded => "coordinator_loaded",
            EventKind::CommitRefused => "commit_refused",
            EventKind::Application => "application",
            EventKind::ZooKeeper => "zookeeper",
            EventKind::RecordLost => "record_lost",
            EventKind::RecordUnwritten => "record_unwritten",
            EventKind::RecordDuplicated => "record_duplicated",
            EventKind::RecordReordered => "record_reordered",
            EventKind::RecordSkipped => "record_skipped",
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
