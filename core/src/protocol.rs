//! What the participants say to each other: one variant for each Kafka API used.
//!
//! Bodies carry the fields a decision depends on; ids and names are what Kafka's are.

use crate::config::TopicConfig;
use crate::error::ErrorCode;
use crate::ids::{BrokerEpoch, BrokerId, CorrelationId, EventId, LeaderEpoch, NodeId, Offset, PartitionEpoch, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::metadata::{LeaderRecoveryState, LogEntry, MetadataImage, MetadataRecord};
use crate::record::RecordBatch;
use crate::sorted::SortedMap;
use crate::time::{SimDuration, SimTime};
use std::sync::Arc;

/// A message on its way.
#[derive(Clone, Debug)]
pub struct Envelope {
    pub from: NodeId,
    pub to: NodeId,
    pub sent_at: SimTime,
    /// How many crashes of the receiver the sender had heard of: a connection lives as long as both processes.
    pub connection: u32,
    pub message: Message,
}

/// Moved a dozen times between sender and receiver: bodies that are large or rare stand in a box.
#[derive(Clone, Debug)]
pub enum Message {
    Request(CorrelationId, Request),
    Response(CorrelationId, Response),
    /// The peer closed the connection or refused it.
    Closed,
}

#[derive(Clone, Debug)]
pub enum Request {
    Metadata,
    InitProducerId,
    Produce(Box<ProduceRequest>),
    Fetch(Box<FetchRequest>),
    ListOffsets(Box<ListOffsetsRequest>),
    OffsetForLeaderEpoch(Vec<EpochQuestion>),
    FindCoordinator(Arc<str>),
    JoinGroup(Box<JoinGroupRequest>),
    SyncGroup(Box<SyncGroupRequest>),
    Heartbeat(Box<MemberRef>),
    LeaveGroup(Box<MemberRef>),
    ConsumerGroupHeartbeat(Box<ConsumerHeartbeatRequest>),
    OffsetCommit(Box<OffsetCommitRequest>),
    OffsetFetch(Box<OffsetFetchRequest>),
    /// Brokers to the controller.
    BrokerRegistration(Box<BrokerRegistrationRequest>),
    BrokerHeartbeat(Box<BrokerHeartbeatRequest>),
    FetchMetadata {
        offset: u64,
    },
    AlterPartition(Box<AlterPartitionRequest>),
    CreateTopic(Box<CreateTopicRequest>),
    /// Between the voters of the quorum.
    Quorum(Box<QuorumRequest>),
    /// To ZooKeeper, by the session of a registration: to create `/controller`, or to end the session.
    CreateController(BrokerEpoch),
    CloseSession(BrokerEpoch),
    /// To ZooKeeper, by the controller.
    WriteZnodes(Box<ZnodeWrites>),
    /// To the leader of the ensemble, by the server a broker is connected to.
    Relayed(Box<(NodeId, CorrelationId, Request)>),
    /// The controller among the brokers to all of them: LeaderAndIsr and UpdateMetadata in one.
    UpdateMetadata {
        controller_epoch: i32,
        image: Arc<MetadataImage>,
    },
}

#[derive(Clone, Debug)]
pub enum Response {
    Metadata(Arc<MetadataImage>),
    InitProducerId {
        producer_id: i64,
        producer_epoch: i16,
    },
    Produce(Vec<ProducedPartition>),
    Fetch(Vec<FetchedPartition>),
    ListOffsets(Vec<(TopicPartition, Result<Offset, ErrorCode>)>),
    OffsetForLeaderEpoch(Vec<EpochAnswer>),
    FindCoordinator(Result<BrokerId, ErrorCode>),
    JoinGroup(Box<Result<Joined, JoinRefused>>),
    /// The member's assignment, in ConsumerProtocol bytes.
    SyncGroup(Result<Arc<[u8]>, ErrorCode>),
    Heartbeat(Result<(), ErrorCode>),
    LeaveGroup(Result<(), ErrorCode>),
    ConsumerGroupHeartbeat(Box<Result<ConsumerHeartbeatAnswer, ErrorCode>>),
    OffsetCommit(Result<(), ErrorCode>),
    OffsetFetch(Box<Result<SortedMap<TopicPartition, Offset>, ErrorCode>>),
    BrokerRegistration(Result<BrokerEpoch, ErrorCode>),
    BrokerHeartbeat(Result<HeartbeatAnswer, ErrorCode>),
    FetchMetadata {
        image: Arc<MetadataImage>,
        changed: Arc<[TopicPartition]>,
    },
    AlterPartition(Result<Vec<AlteredPartition>, ErrorCode>),
    CreateTopic,
    /// `NOT_CONTROLLER` to whatever was asked, and whom this voter takes for the active controller.
    NotController(Option<i32>),
    Quorum(Box<QuorumAnswer>),
    Relayed(Box<(NodeId, CorrelationId, Response)>),
    /// As far as the broker knows the metadata now.
    UpdateMetadata(Box<Result<u64, ErrorCode>>),
}

// Where the engine is to be quick: what is larger is moved by a call out of it.
#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<Envelope>() <= 64, "a body that is large or rare stands in a box");

#[derive(Clone, Debug)]
pub struct ProduceRequest {
    /// 0: no answer; 1: after the leader's append; -1: after every in-sync replica's.
    pub acks: i16,
    pub timeout: SimDuration,
    pub batches: Vec<ProduceBatch>,
}

#[derive(Clone, Debug)]
pub struct ProduceBatch {
    pub partition: TopicPartition,
    pub batch: RecordBatch,
    /// For the referee: the writer's count of records to this partition before this batch.
    pub serial: u32,
}

#[derive(Clone, Debug)]
pub struct ProducedPartition {
    pub partition: TopicPartition,
    /// Base offset and the leader epoch that wrote it.
    pub result: Result<(Offset, LeaderEpoch), ErrorCode>,
    /// When the request came; no broker says so, and nobody decides by it.
    pub arrived: SimTime,
}

#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// A follower names itself; consumers do not.
    pub replica: Option<(BrokerId, BrokerEpoch)>,
    /// `client.rack` of a consumer.
    pub rack: Option<Arc<str>>,
    pub max_wait: SimDuration,
    pub min_bytes: u32,
    pub max_bytes: u32,
    pub partitions: Vec<FetchPartition>,
}

#[derive(Clone, Debug)]
pub struct FetchPartition {
    pub partition: TopicPartition,
    pub offset: Offset,
    pub current_leader_epoch: LeaderEpoch,
    /// Epoch of the last record the follower has (KIP-595 style truncation on fetch).
    pub last_fetched_epoch: Option<LeaderEpoch>,
    pub max_bytes: u32,
    /// What the fetcher knows of the high watermark; a partition without news is left out of the answer, as in a fetch session.
    pub high_watermark: Offset,
    /// Where a follower's log starts, likewise; what no consumer asks for.
    pub log_start: Offset,
}

#[derive(Clone, Debug)]
pub struct FetchedPartition {
    pub partition: TopicPartition,
    /// What was asked; the answer to a question that is no longer asked is dropped.
    pub offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub error: Option<ErrorCode>,
    pub high_watermark: Offset,
    pub log_start: Offset,
    /// Read from this follower instead (KIP-392); there are no records here.
    pub preferred: Option<BrokerId>,
    /// The fetcher's log differs from here on: epoch and its end on the leader.
    pub diverging: Option<(LeaderEpoch, Offset)>,
    pub batches: Vec<StoredBatch>,
}

#[derive(Clone, Debug)]
pub struct ListOffsetsRequest {
    pub partitions: Vec<TopicPartition>,
    pub at: ListAt,
}

/// Which offset is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListAt {
    /// -2.
    Earliest,
    /// -1.
    Latest,
    /// Of the first record that is not older, in milliseconds since 1970; there may be none.
    Time(i64),
}

/// Where an epoch ends in the log of a partition's leader (KIP-320).
#[derive(Clone, Copy, Debug)]
pub struct EpochQuestion {
    pub partition: TopicPartition,
    /// Of the leader that is asked.
    pub current_leader_epoch: LeaderEpoch,
    pub epoch: LeaderEpoch,
}

/// The largest epoch not above the one asked for, and its end; none when nothing is known of it.
pub type EpochAnswer = (TopicPartition, Result<Option<(LeaderEpoch, Offset)>, ErrorCode>);

/// A member of a group and the generation it believes in.
#[derive(Clone, Debug)]
pub struct MemberRef {
    pub group: Arc<str>,
    /// Empty where an administrator means a static member by its instance, or commits for an empty group.
    pub member_id: Arc<str>,
    /// `group.instance.id` of a static member (KIP-345).
    pub instance: Option<Arc<str>>,
    /// -1: none.
    pub generation: i32,
}

#[derive(Clone, Debug)]
pub struct JoinGroupRequest {
    pub group: Arc<str>,
    /// Empty on the first try.
    pub member_id: Arc<str>,
    pub instance: Option<Arc<str>>,
    pub client_id: Arc<str>,
    pub session_timeout: SimDuration,
    pub rebalance_timeout: SimDuration,
    /// `consumer`; Connect's workers say `connect`.
    pub protocol_type: Arc<str>,
    /// Best first.
    pub protocols: Vec<JoinProtocol>,
}

/// One way in which a member is ready to share; the coordinator reads the name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinProtocol {
    /// Of an assignor.
    pub name: Arc<str>,
    /// A subscription in ConsumerProtocol bytes.
    pub metadata: Arc<[u8]>,
}

#[derive(Clone, Debug)]
pub struct Joined {
    pub generation: i32,
    pub protocol: Arc<str>,
    pub leader: Arc<str>,
    pub member_id: Arc<str>,
    /// A static leader that came back: nothing has changed, so it assigns nothing (KIP-814).
    pub skip_assignment: bool,
    /// All members; for the leader alone.
    pub members: Vec<JoinedMember>,
}

#[derive(Clone, Debug)]
pub struct JoinedMember {
    pub member_id: Arc<str>,
    pub instance: Option<Arc<str>>,
    /// For the protocol that was chosen.
    pub metadata: Arc<[u8]>,
}

#[derive(Clone, Debug)]
pub struct JoinRefused {
    pub error: ErrorCode,
    /// Given with `MEMBER_ID_REQUIRED`.
    pub member_id: Arc<str>,
}

/// Topic name to partitions.
pub type MemberAssignment = SortedMap<Arc<str>, Vec<u32>>;

#[derive(Clone, Debug)]
pub struct SyncGroupRequest {
    pub member: MemberRef,
    /// What the member believes the group agreed on; `None` from clients that do not say.
    pub protocol_type: Option<Arc<str>>,
    pub protocol: Option<Arc<str>>,
    /// From the leader: everybody's assignment, in ConsumerProtocol bytes.
    pub assignments: SortedMap<Arc<str>, Arc<[u8]>>,
}

/// ConsumerGroupHeartbeat (KIP-848), by which a member joins, stays and leaves. What has not changed since its last one is left out.
#[derive(Clone, Debug)]
pub struct ConsumerHeartbeatRequest {
    pub group: Arc<str>,
    /// A UUID the member has drawn itself (KIP-1082).
    pub member_id: Arc<str>,
    pub client_id: Arc<str>,
    /// 0: it joins; -1: it leaves; -2: a static member that will be back.
    pub member_epoch: i32,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<Arc<str>>,
    pub rack: Option<Arc<str>>,
    /// `max.poll.interval.ms`: so long it may take to give partitions up.
    pub rebalance_timeout: Option<SimDuration>,
    pub topics: Option<Vec<Arc<str>>>,
    /// `group.remote.assignor`.
    pub assignor: Option<Arc<str>>,
    pub owned: Option<Vec<TopicPartition>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerHeartbeatAnswer {
    pub member_epoch: i32,
    /// When to send the next one; zero to who leaves.
    pub heartbeat_interval: SimDuration,
    /// What to own from now on; left out when nothing has changed.
    pub assignment: Option<Vec<TopicPartition>>,
}

#[derive(Clone, Debug)]
pub struct OffsetCommitRequest {
    pub member: MemberRef,
    /// Next offset to read, and the leader epoch of the last record read.
    pub offsets: Vec<(TopicPartition, Offset, LeaderEpoch)>,
}

#[derive(Clone, Debug)]
pub struct OffsetFetchRequest {
    pub group: Arc<str>,
    /// A member of the new protocol says who it is, and its epoch.
    pub member: Option<(Arc<str>, i32)>,
    pub partitions: Vec<TopicPartition>,
}

#[derive(Clone, Debug)]
pub struct BrokerRegistrationRequest {
    pub incarnation: u64,
    pub rack: Option<Arc<str>>,
    /// Of the process before, if it stopped in order.
    pub previous_epoch: Option<BrokerEpoch>,
    /// What started this process.
    pub because: Option<EventId>,
}

#[derive(Clone, Copy, Debug)]
pub struct BrokerHeartbeatRequest {
    pub epoch: BrokerEpoch,
    pub metadata_offset: u64,
    /// It was told to stop and asks for its leaderships to be moved.
    pub wants_shutdown: bool,
    /// What told it to stop.
    pub because: Option<EventId>,
}

#[derive(Clone, Copy, Debug)]
pub struct HeartbeatAnswer {
    pub fenced: bool,
    pub should_shut_down: bool,
}

#[derive(Clone, Debug)]
pub struct AlterPartitionRequest {
    pub epoch: BrokerEpoch,
    pub partitions: Vec<AlterPartitionItem>,
}

#[derive(Clone, Debug)]
pub struct AlterPartitionItem {
    pub partition: TopicPartition,
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: PartitionEpoch,
    pub new_isr: Vec<BrokerId>,
    /// The processes the leader heard of, in the order of `new_isr`; `None` where it has heard of none (KIP-903).
    pub isr_epochs: Vec<Option<BrokerEpoch>>,
    pub recovery: LeaderRecoveryState,
    /// Why the leader asks, for the trace.
    pub why: IsrChange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsrChange {
    CaughtUp(BrokerId),
    Lagging(BrokerId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsrState {
    pub isr: Vec<BrokerId>,
    pub leader_epoch: LeaderEpoch,
    pub partition_epoch: PartitionEpoch,
}

/// The controller's answer for one partition: the ISR as it is now, or why not.
pub type AlteredPartition = (TopicPartition, Result<IsrState, ErrorCode>);

#[derive(Clone, Debug)]
pub struct CreateTopicRequest {
    pub name: Arc<str>,
    pub internal: bool,
    /// -1: `num.partitions`.
    pub partitions: i32,
    /// -1: `default.replication.factor`.
    pub replication_factor: i32,
    pub config: TopicConfig,
}

/// What a controller among the brokers has decided.
#[derive(Clone, Debug)]
pub struct ZnodeWrites {
    pub controller_epoch: i32,
    /// Number of the first record among all this controller has written.
    pub first: u64,
    pub records: Vec<MetadataRecord>,
}

/// What a voter says to another (KIP-595, KIP-996), in the epoch it believes in.
#[derive(Clone, Debug)]
pub struct QuorumRequest {
    pub epoch: i32,
    pub call: QuorumCall,
}

#[derive(Clone, Debug)]
pub enum QuorumCall {
    /// With the epoch of the last record of the candidate's log, and the log's end.
    Vote {
        pre_vote: bool,
        last_epoch: i32,
        log_end: u64,
    },
    BeginQuorumEpoch,
    /// Whom the resigning leader would like to follow it, best first.
    EndQuorumEpoch {
        successors: Vec<i32>,
    },
    Fetch {
        offset: u64,
        last_epoch: i32,
        /// What the follower knows of it; news of it are an answer too (KIP-1166).
        high_watermark: u64,
    },
}

#[derive(Clone, Debug)]
pub struct QuorumAnswer {
    pub epoch: i32,
    pub leader: Option<i32>,
    pub outcome: QuorumOutcome,
}

#[derive(Clone, Debug)]
pub enum QuorumOutcome {
    Vote {
        granted: bool,
    },
    /// Of the beginning or the end of an epoch.
    Acknowledged,
    Fetched {
        high_watermark: u64,
        entries: Vec<Arc<LogEntry>>,
    },
    /// The follower's log differs from here on: an epoch and its end on the leader.
    Diverging {
        epoch: i32,
        end: u64,
    },
    /// What the follower asked for is no longer in the log: the image it ends with, and the epoch of its last record.
    Snapshot {
        epoch: i32,
        image: Arc<MetadataImage>,
    },
    /// An older epoch than the answer's, or not the leader.
    Refused,
}
