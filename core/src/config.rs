//! Settings under Kafka's own keys, with the defaults of Kafka 4.3 or, where a file asks for it, 3.9. What is not here is not
//! modelled and is refused by name.
//!
//! [`table`] gives each field its Kafka key, type, default, unit, range and meaning; [`rules`] holds what Kafka demands of
//! several settings together; [`reference`] says what Kafka itself says of any setting.

pub mod reference;
pub mod rules;
pub mod table;
mod value;

use crate::time::SimDuration;
pub use rules::ConfigFault;
use std::sync::Arc;
pub use table::{Changes, Described, Settings};

/// `Long.MAX_VALUE`.
pub const NEVER: u64 = i64::MAX as u64;

/// The version whose rules hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The last one with ZooKeeper: an ensemble keeps the metadata, and one of the brokers is the controller.
    V3_9,
    #[default]
    V4_3,
}

impl Profile {
    /// As a file names it.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::V3_9 => "3.9",
            Profile::V4_3 => "4.3",
        }
    }
}

/// What a producer waits for before it calls a record sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acks {
    /// `0`: nothing; the broker does not answer.
    None,
    /// `1`: the leader's own append.
    Leader,
    /// `all`: every in-sync replica.
    All,
}

impl Acks {
    /// As settings spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Acks::None => "0",
            Acks::Leader => "1",
            Acks::All => "all",
        }
    }

    /// As a produce request carries it.
    pub const fn wire(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }

    /// `ReplicaManager.isValidRequiredAcks`: any other number is `INVALID_REQUIRED_ACKS`.
    pub const fn from_wire(acks: i16) -> Option<Acks> {
        match acks {
            0 => Some(Acks::None),
            1 => Some(Acks::Leader),
            -1 => Some(Acks::All),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitioner {
    /// murmur2 of the key; sticky without key.
    Default,
    RoundRobin,
    /// librdkafka's default: CRC-32 of the key; without key, or with an empty one, any partition for a while.
    ConsistentRandom,
    /// librdkafka's way to agree with Java: murmur2 of the key; without key any partition for a while.
    Murmur2Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetReset {
    Earliest,
    Latest,
    None,
    /// `by_duration:PT1H`: the first record that is not older than so long (KIP-1106).
    ByDuration(SimDuration),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ProducerConfig {
    pub acks: Acks,
    pub batch_size: u32,
    pub linger: SimDuration,
    pub delivery_timeout: SimDuration,
    pub request_timeout: SimDuration,
    pub retry_backoff: SimDuration,
    pub retry_backoff_max: SimDuration,
    pub max_in_flight: u32,
    pub enable_idempotence: bool,
    pub retries: u32,
    pub partitioner: Partitioner,
    pub metadata_max_age: SimDuration,
    pub max_request_size: u32,
    pub buffer_memory: u64,
    pub max_block: SimDuration,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        ProducerConfig {
            acks: Acks::All,
            batch_size: 16_384,
            linger: SimDuration::from_millis(5),
            delivery_timeout: SimDuration::from_secs(120),
            request_timeout: SimDuration::from_secs(30),
            retry_backoff: SimDuration::from_millis(100),
            retry_backoff_max: SimDuration::from_secs(1),
            max_in_flight: 5,
            enable_idempotence: true,
            retries: i32::MAX as u32,
            partitioner: Partitioner::Default,
            metadata_max_age: SimDuration::from_secs(300),
            max_request_size: 1_048_576,
            buffer_memory: 33_554_432,
            max_block: SimDuration::from_secs(60),
        }
    }
}

/// The assignors of `partition.assignment.strategy`, best first, each by its number in [`ASSIGNORS`](Strategies::ASSIGNORS): packed
/// into digits of 16, the first one lowest, each one higher by one so that none is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strategies(pub u64);

impl Strategies {
    pub const ASSIGNORS: [&'static str; 4] = ["range", "roundrobin", "sticky", "cooperative-sticky"];
    /// `[RangeAssignor, CooperativeStickyAssignor]`: ready for a rolling change to the second.
    pub const DEFAULT: Strategies = Strategies(0x41);

    pub fn names(self) -> impl Iterator<Item = &'static str> + Clone {
        let digits = (0..16).map(move |place| (self.0 >> (4 * place)) & 0xf).take_while(|digit| *digit > 0);
        digits.filter_map(|digit| Strategies::ASSIGNORS.get(digit as usize - 1).copied())
    }

    /// Partitions are kept through a rebalance when every assignor of the list can do that (`ConsumerCoordinator`).
    pub fn cooperative(self) -> bool {
        self.names().all(|name| name == "cooperative-sticky")
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerConfig {
    /// `client.rack`.
    pub client_rack: Option<Arc<str>>,
    /// `group.instance.id`; `{name}` in it stands for the member's name.
    pub group_instance: Option<Arc<str>>,
    pub strategies: Strategies,
    /// `group.protocol = consumer` (KIP-848).
    pub consumer_protocol: bool,
    /// `group.remote.assignor`.
    pub remote_assignor: Option<Arc<str>>,
    pub auto_offset_reset: OffsetReset,
    pub enable_auto_commit: bool,
    pub auto_commit_interval: SimDuration,
    pub session_timeout: SimDuration,
    pub heartbeat_interval: SimDuration,
    pub max_poll_interval: SimDuration,
    pub max_poll_records: u32,
    pub fetch_min_bytes: u32,
    pub fetch_max_wait: SimDuration,
    pub fetch_max_bytes: u32,
    pub max_partition_fetch_bytes: u32,
    pub request_timeout: SimDuration,
    pub retry_backoff: SimDuration,
    pub metadata_max_age: SimDuration,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        ConsumerConfig {
            client_rack: None,
            group_instance: None,
            strategies: Strategies::DEFAULT,
            consumer_protocol: false,
            remote_assignor: None,
            auto_offset_reset: OffsetReset::Latest,
            enable_auto_commit: true,
            auto_commit_interval: SimDuration::from_secs(5),
            session_timeout: SimDuration::from_secs(45),
            heartbeat_interval: SimDuration::from_secs(3),
            max_poll_interval: SimDuration::from_secs(300),
            max_poll_records: 500,
            fetch_min_bytes: 1,
            fetch_max_wait: SimDuration::from_millis(500),
            fetch_max_bytes: 52_428_800,
            max_partition_fetch_bytes: 1_048_576,
            request_timeout: SimDuration::from_secs(30),
            retry_backoff: SimDuration::from_millis(100),
            metadata_max_age: SimDuration::from_secs(300),
        }
    }
}

/// `cleanup.policy`: what becomes of old records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanup {
    /// Whole segments go when they are too old or the log is too large.
    pub delete: bool,
    /// Of each key only the newest record is kept.
    pub compact: bool,
}

impl Cleanup {
    pub const DELETE: Cleanup = Cleanup { delete: true, compact: false };
    pub const COMPACT: Cleanup = Cleanup { delete: false, compact: true };
}

#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    pub min_insync_replicas: u32,
    pub segment_bytes: u32,
    pub segment_time: SimDuration,
    pub cleanup: Cleanup,
    /// Milliseconds; [`NEVER`] where Kafka writes -1.
    pub retention_ms: u64,
    /// Bytes of one partition; [`NEVER`] where Kafka writes -1.
    pub retention_bytes: u64,
    pub index_interval_bytes: u32,
    pub max_message_bytes: u32,
    pub unclean_leader_election: bool,
    /// The leader stamps records with its own clock (`message.timestamp.type=LogAppendTime`).
    pub log_append_time: bool,
    /// How far ahead of the broker's clock a record may claim to be.
    pub message_timestamp_after_max_ms: u64,
    /// How far behind it.
    pub message_timestamp_before_max_ms: u64,
    /// Records; Kafka's default, the largest of its numbers, means never.
    pub flush_messages: u64,
    /// Milliseconds, as above.
    pub flush_ms: u64,
}

impl Default for TopicConfig {
    fn default() -> Self {
        TopicConfig {
            min_insync_replicas: 1,
            segment_bytes: 1_073_741_824,
            segment_time: SimDuration::from_secs(7 * 86_400),
            cleanup: Cleanup::DELETE,
            retention_ms: 7 * 86_400_000,
            retention_bytes: NEVER,
            index_interval_bytes: 4_096,
            max_message_bytes: 1_048_588,
            unclean_leader_election: false,
            log_append_time: false,
            message_timestamp_after_max_ms: 3_600_000,
            message_timestamp_before_max_ms: NEVER,
            flush_messages: NEVER,
            flush_ms: NEVER,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct BrokerConfig {
    pub profile: Profile,
    pub heartbeat_interval: SimDuration,
    pub session_timeout: SimDuration,
    pub replica_lag_time_max: SimDuration,
    pub replica_fetch_wait_max: SimDuration,
    pub replica_fetch_max_bytes: u32,
    pub replica_fetch_min_bytes: u32,
    pub replica_fetch_backoff: SimDuration,
    /// Milliseconds between two looks for logs whose `flush.ms` is over.
    pub log_flush_scheduler_interval_ms: u64,
    /// How often a broker looks for segments whose time is over.
    pub log_retention_check_interval: SimDuration,
    /// `RackAwareReplicaSelector` (KIP-392): consumers may read from a follower in their rack.
    pub rack_aware_reads: bool,
    pub auto_leader_rebalance: bool,
    pub leader_imbalance_check_interval: SimDuration,
    /// In a hundred partitions that prefer a broker: so many may be led elsewhere (3.9).
    pub leader_imbalance_per_broker: u32,
    pub unclean_leader_election_interval: SimDuration,
    pub quorum_election_timeout: SimDuration,
    pub quorum_election_backoff_max: SimDuration,
    pub quorum_fetch_timeout: SimDuration,
    pub quorum_append_linger: SimDuration,
    /// 3.9.
    pub zookeeper_session_timeout: SimDuration,
    pub num_partitions: u32,
    pub default_replication_factor: u32,
    /// The feature `eligible.leader.replicas.version`: on in clusters made by Kafka 4.1 or later (KIP-966).
    pub eligible_leader_replicas: bool,
    pub group_initial_rebalance_delay: SimDuration,
    pub group_min_session_timeout: SimDuration,
    pub group_max_session_timeout: SimDuration,
    /// Members of a group under the classic protocol.
    pub group_max_size: u32,
    pub offsets_retention: SimDuration,
    pub offsets_retention_check_interval: SimDuration,
    /// What members of the new protocol are told (KIP-848).
    pub group_consumer_heartbeat_interval: SimDuration,
    pub group_consumer_session_timeout: SimDuration,
    pub group_consumer_max_size: u32,
    pub group_consumer_assignment_interval: SimDuration,
    pub offsets_topic_partitions: u32,
    pub offsets_topic_replication_factor: u32,
    pub offsets_topic_segment_bytes: u32,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        BrokerConfig {
            profile: Profile::V4_3,
            heartbeat_interval: SimDuration::from_secs(2),
            session_timeout: SimDuration::from_secs(9),
            replica_lag_time_max: SimDuration::from_secs(30),
            replica_fetch_wait_max: SimDuration::from_millis(500),
            replica_fetch_max_bytes: 1_048_576,
            replica_fetch_min_bytes: 1,
            replica_fetch_backoff: SimDuration::from_secs(1),
            log_flush_scheduler_interval_ms: NEVER,
            log_retention_check_interval: SimDuration::from_secs(300),
            rack_aware_reads: false,
            auto_leader_rebalance: true,
            leader_imbalance_check_interval: SimDuration::from_secs(300),
            leader_imbalance_per_broker: 10,
            unclean_leader_election_interval: SimDuration::from_secs(300),
            quorum_election_timeout: SimDuration::from_secs(1),
            quorum_election_backoff_max: SimDuration::from_secs(1),
            quorum_fetch_timeout: SimDuration::from_secs(2),
            quorum_append_linger: SimDuration::from_millis(25),
            zookeeper_session_timeout: SimDuration::from_secs(18),
            num_partitions: 1,
            default_replication_factor: 1,
            eligible_leader_replicas: true,
            group_initial_rebalance_delay: SimDuration::from_secs(3),
            group_min_session_timeout: SimDuration::from_secs(6),
            group_max_session_timeout: SimDuration::from_secs(1_800),
            group_max_size: i32::MAX as u32,
            offsets_retention: SimDuration::from_secs(7 * 86_400),
            offsets_retention_check_interval: SimDuration::from_secs(600),
            group_consumer_heartbeat_interval: SimDuration::from_secs(5),
            group_consumer_session_timeout: SimDuration::from_secs(45),
            group_consumer_max_size: i32::MAX as u32,
            group_consumer_assignment_interval: SimDuration::from_secs(1),
            offsets_topic_partitions: 50,
            offsets_topic_replication_factor: 3,
            offsets_topic_segment_bytes: 104_857_600,
        }
    }
}

impl BrokerConfig {
    /// The cluster lives with ZooKeeper instead of a quorum of controllers.
    pub fn zookeeper(&self) -> bool {
        self.profile == Profile::V3_9
    }

    /// A client of ZooKeeper pings every third of its session's timeout, and looks for another server after two.
    pub fn zookeeper_ping_interval(&self) -> SimDuration {
        SimDuration(self.zookeeper_session_timeout.0 / 3)
    }
}
