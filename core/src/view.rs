//! What the outside sees: plain data in Kafka's admin vocabulary, sorted, serialisable.
//!
//! Everything a page, a report or an expectation may know about a cluster is here; nothing in the engine knows this module.
//! Built by [`ClusterView::of`](crate::view::ClusterView::of); sent to the page as [`delta`]s between two views.

mod apart;
pub mod ask;
mod build;
pub mod delta;
pub(crate) mod groups;
pub mod large;
mod wire;

use crate::sorted::SortedMap;
use serde::Serialize;

/// The whole cluster at one instant.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClusterView {
    /// The profile whose rules hold: `4.3`.
    pub kafka: String,
    pub title: String,
    pub seed: u64,
    /// Virtual microseconds since the start of the run.
    pub now_us: u64,
    /// Events processed so far; with the seed and the inputs it names this state exactly.
    pub step: u64,
    pub brokers: Vec<BrokerView>,
    pub controllers: ControllersView,
    /// User topics first, then Kafka's own (`__consumer_offsets`), each sorted by name.
    pub topics: Vec<TopicView>,
    pub groups: Vec<GroupView>,
    /// Producers, then the members of groups, in the order of the file.
    pub clients: Vec<ClientView>,
    pub ledger: LedgerView,
    /// Faults in force: the shell line that made each, and the one that ends it.
    pub in_force: Vec<(String, String)>,
    /// Broken must-hold invariants: our bugs, always empty.
    pub violations: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokerState {
    /// The process is up and the controller trusts it.
    #[default]
    Running,
    /// The process is up and the controller does not count on it (yet, or any more), whether or not it has heard of that.
    Fenced,
    /// The process is up, registering with the controller.
    Starting,
    /// The process is gone; its disk is still there.
    Down,
    /// The process is frozen: it gets nothing done, whatever the controller thinks of it.
    Paused,
    /// The process is up and hands over what it leads before it goes.
    Stopping,
}

impl BrokerState {
    /// Every state by its name, in their order.
    pub const NAMES: [&str; 6] = ["running", "fenced", "starting", "down", "paused", "stopping"];

    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BrokerView {
    pub id: i32,
    pub state: BrokerState,
    pub rack: Option<String>,
    /// Fenced in the controller's metadata (up to `broker.session.timeout.ms` after a crash it is not yet).
    pub fenced: bool,
    /// Partitions it leads, internal topics included.
    pub leaders: u32,
    /// Replicas it holds, internal topics included.
    pub replicas: u32,
    /// Bytes in its log segments.
    pub log_bytes: u64,
    /// Of its registration; -1 before the first.
    pub epoch: i64,
    /// It was removed and has ended: nobody starts it again, but Kafka has not forgotten it.
    pub removed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ControllersView {
    pub leader: Option<i32>,
    pub epoch: i32,
    pub voters: Vec<i32>,
    pub alive: Vec<i32>,
    /// `leader` and `epoch` are those of the broker that is the controller, `voters` the servers of a ZooKeeper ensemble.
    pub zookeeper: bool,
    /// Which of them leads.
    pub ensemble_leader: Option<i32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TopicView {
    pub name: String,
    /// Kafka's own topic, such as `__consumer_offsets`.
    pub internal: bool,
    pub replication_factor: u32,
    /// Settings given for this topic, by Kafka's names.
    pub config: SortedMap<String, String>,
    pub partitions: Vec<PartitionView>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PartitionView {
    pub partition: u32,
    /// `None`: no leader, nothing can be written or read.
    pub leader: Option<i32>,
    pub leader_epoch: i32,
    /// The first is the preferred leader.
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub elr: Vec<i32>,
    pub log_start: u64,
    pub last_stable: u64,
    pub high_watermark: u64,
    pub log_end: u64,
    /// Bytes of the leader's log (of the fullest replica while there is no leader).
    pub bytes: u64,
    /// One for each of `replicas`, in that order.
    pub copies: Vec<ReplicaView>,
    /// The newest records of the leader's log, oldest first; empty for internal topics.
    pub tail: Vec<CellView>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ReplicaView {
    pub broker: i32,
    /// Its process is up, so it can lead or follow.
    pub online: bool,
    pub in_sync: bool,
    pub high_watermark: u64,
    pub log_end: u64,
    /// The newest records of its log that the log in `tail` does not have, oldest first: what a leader that fell left behind.
    pub own: Vec<CellView>,
}

/// One record on a strip.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CellView {
    pub offset: u64,
    /// The key as text; `None` for a record without key.
    pub key: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GroupView {
    pub name: String,
    /// `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable` or `Dead`; under the new protocol `Empty`, `Assigning`,
    /// `Reconciling` or `Stable`.
    pub state: String,
    /// `classic` or `consumer`.
    pub protocol: String,
    pub assignor: String,
    /// Under the new protocol the group's epoch.
    pub generation: i32,
    /// Under the new protocol the epoch of the target assignment.
    pub assignment_epoch: Option<i32>,
    /// The broker that coordinates it; `None` while its offsets partition has no leader.
    pub coordinator: Option<i32>,
    /// Its partition of `__consumer_offsets`.
    pub offsets_partition: u32,
    /// LAG of all its partitions together; `None` before the first commit.
    pub lag: Option<u64>,
    pub members: Vec<MemberView>,
    /// Per subscribed topic and partition, also those nobody owns.
    pub offsets: SortedMap<String, Vec<GroupOffsetView>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MemberView {
    /// The client's name: `location-dashboard-1`.
    pub client: String,
    /// Given by the coordinator; empty until it joined.
    pub member_id: String,
    /// As the coordinator has it; a member that crashed keeps it until its session ends.
    pub assignment: SortedMap<String, Vec<u32>>,
    /// Under the new protocol: how far it is, in the coordinator's words and in its own, and what it is to own.
    pub progress: Option<ProgressView>,
    /// What its process does: `polls`, `works`, `commits`, `stuck`, `waits` (to be started), or it is `down` or `paused`.
    pub does: String,
    /// Records that a poll returned and the application has not done yet.
    pub in_hand: u64,
    /// What its application worked on last, oldest first: at most [`RECENT`] records.
    pub recent: Vec<DeliveredView>,
}

/// A member on its way to the target assignment (KIP-848).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProgressView {
    pub epoch: i32,
    /// `STABLE`, `UNREVOKED_PARTITIONS` or `UNRELEASED_PARTITIONS`.
    pub state: String,
    /// What its own process takes it for: `JOINING`, `RECONCILING`, `ACKNOWLEDGING`, `STABLE`, `STALE`…
    pub own_state: String,
    pub target: SortedMap<String, Vec<u32>>,
    /// What it was asked to give up and has not yet.
    pub to_revoke: SortedMap<String, Vec<u32>>,
}

pub use crate::cluster::history::RECENT;

/// A record as the application saw it, as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DeliveredView {
    pub partition: u32,
    pub offset: u64,
    pub key: Option<String>,
    pub value: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GroupOffsetView {
    pub partition: u32,
    /// The bookmark: the next offset to read after a restart. `None` before the first commit.
    pub committed: Option<u64>,
    /// Where the owning member reads next; its own memory.
    pub position: Option<u64>,
    pub log_end: u64,
    /// `log_end - committed`, Kafka's LAG; `None` without a commit.
    pub lag: Option<u64>,
    /// How old the first record after the bookmark is, by its own timestamp, in milliseconds; 0 when there is none.
    pub lag_ms: Option<u64>,
    /// The application has paused it (`KafkaConsumer.pause`).
    pub held: bool,
    /// The member that owns the partition now.
    pub client: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    #[default]
    Producer,
    Consumer,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClientView {
    pub name: String,
    pub kind: ClientKind,
    /// Topic it writes to, or the topics its group reads.
    pub topics: Vec<String>,
    /// Its group; `None` for producers.
    pub group: Option<String>,
    /// Producers: the key of its newest record, if it has one.
    pub key: Option<String>,
    /// Producers: virtual microseconds between two records.
    pub interval_us: Option<u64>,
    pub sent: u64,
    pub acked: u64,
    pub failed: u64,
    pub retries: u64,
    /// Records handed to the application (consumers).
    pub delivered: u64,
    /// Errors by Kafka's names.
    pub errors: SortedMap<String, u64>,
    /// Requests it sent, by broker: metadata comes from any, records go to and come from leaders.
    pub requests: SortedMap<i32, u64>,
}

/// The referee's god's-eye count.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LedgerView {
    pub sent: u64,
    pub acked: u64,
    pub failed: u64,
    /// Promised (acknowledged) and no longer readable. The first ones in detail; `acked_lost_total` counts all.
    pub acked_lost: Vec<LostView>,
    pub acked_lost_total: u64,
    /// Of those that acks=0 counts as acknowledged, the ones that nobody stored.
    pub unwritten: u64,
    /// Promised, and taken by retention since.
    pub expired: u64,
    /// By group.
    pub delivered: SortedMap<String, u64>,
    pub duplicates: SortedMap<String, u64>,
    pub skipped: SortedMap<String, u64>,
    /// Records that retention took before the group was given them.
    pub deleted_unread: SortedMap<String, u64>,
    pub out_of_order: SortedMap<String, u64>,
}

impl LedgerView {
    /// Neither acknowledged nor failed yet.
    pub fn under_way(&self) -> u64 {
        self.sent.saturating_sub(self.acked + self.failed)
    }

    /// Promised, and there.
    pub fn kept(&self) -> u64 {
        self.acked.saturating_sub(self.acked_lost_total + self.unwritten + self.expired)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LostView {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
    pub key: Option<String>,
    pub client: String,
    pub acks: String,
    /// The event that lost it.
    pub because: Option<u64>,
}

/// A decision or a fault, with its rule and its causes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EventView {
    pub id: u64,
    pub at_us: u64,
    /// `leader_elected`, `isr_changed`, `broker_fenced`, `fault`, …
    pub kind: String,
    /// `trucks_gps-3`, `102`, `location-dashboard`, …
    pub subject: String,
    /// One sentence, actor first.
    pub text: String,
    /// The rule that decided, with the setting and its value.
    pub rule: String,
    pub causes: Vec<u64>,
}

/// Something that travelled and has arrived; the page animates it. Only what carries records or promises travels here.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HopView {
    pub kind: HopKind,
    pub from: Place,
    pub to: Place,
    pub departed_us: u64,
    pub arrived_us: u64,
    pub topic: String,
    pub partition: u32,
    /// Offset of the first record; `None` when the hop carries none (a refused produce request).
    pub offset: Option<u64>,
    pub records: u32,
    /// Key of the first record.
    pub key: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HopKind {
    /// Producer to leader.
    #[default]
    Produce,
    /// Leader to follower: the answer to its fetch.
    Replicate,
    /// Leader to consumer: the answer to its fetch.
    Deliver,
    /// Consumer to group coordinator: a committed offset.
    Commit,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    #[default]
    Nowhere,
    Broker(i32),
    /// By the client's name.
    Client(String),
}

/// What the user is looking at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    Broker(i32),
    Partition { topic: String, partition: u32 },
    Record { topic: String, partition: u32, offset: u64 },
    Client(String),
    Group(String),
}

/// Deep detail of the one selected thing, of those that have more to say than the view of everything.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    Record(RecordDetail),
    Group(GroupHistory),
}

/// Who owned which partition of a group of late, and what each member was given.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GroupHistory {
    pub group: String,
    /// The virtual second that runs: those in `given` lie before it.
    pub second: u64,
    /// Of the last two minutes, oldest first.
    pub spells: Vec<SpellView>,
    /// By member, in the order of the group: records in each of the last 120 seconds, oldest first.
    pub given: Vec<Vec<u32>>,
    /// Its newest rows in `__consumer_offsets`, newest first.
    pub rows: Vec<OffsetRowView>,
    /// Where its bookmarks would go.
    pub plans: Vec<PlanView>,
}

/// A record of `__consumer_offsets`: (group, topic, partition) → next offset. Of each key the newest counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OffsetRowView {
    /// The offset of the record itself.
    pub at: u64,
    pub topic: String,
    pub partition: u32,
    /// `None`: a tombstone.
    pub committed: Option<u64>,
}

/// What `kafka-consumer-groups.sh --reset-offsets` would do now.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PlanView {
    /// The line that does it.
    pub line: String,
    /// Topic, partition and new offset.
    pub offsets: Vec<PlannedView>,
    /// Why it would be refused, in the tool's words; nothing is planned then.
    pub refused: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PlannedView {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
}

/// A member owned a partition for so long.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SpellView {
    pub topic: String,
    pub partition: u32,
    /// The client's name.
    pub client: String,
    pub from_us: u64,
    /// `None` while it lasts.
    pub until_us: Option<u64>,
}

/// Deep detail of the one selected record.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RecordDetail {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
    /// Milliseconds since 1970, as stored in the batch.
    pub timestamp_ms: i64,
    pub timestamp_us: u64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Bytes of the batch it lies in, and how many records share it.
    pub batch_bytes: u32,
    pub batch_records: u32,
    pub batch_base_offset: u64,
    pub leader_epoch: i32,
    /// CRC-32C of the batch.
    pub crc: u32,
    /// Brokers whose log holds it.
    pub copies: Vec<i32>,
    /// Below the high watermark: readers may see it.
    pub committed: bool,
}

/// How the run went so far, a column for each metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesView {
    /// Virtual microseconds between two points; the last one is now.
    pub tick_us: u64,
    pub at_us: Vec<u64>,
    /// By [`Metric`](crate::cluster::series::Metric), each as long as `at_us`.
    pub columns: Vec<Vec<u64>>,
    /// The lag of each group.
    pub lags: Vec<(String, Vec<u64>)>,
}
