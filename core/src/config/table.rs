//! One row a setting: Kafka's key, its type and range, what it means, and where it lies in the structs of [`super`].
//!
//! Reading, writing, printing and documenting a setting all go through its row, so they cannot disagree.

use super::rules::ConfigFault;
use super::value::Kind;
use super::{
    Acks, BrokerConfig, Cleanup, ConsumerConfig, NEVER, OffsetReset, Partitioner, ProducerConfig, Profile, Strategies, TopicConfig,
};
use crate::sorted::SortedMap;
use crate::time::SimDuration;

/// A setting of the structs of kind `C`. Values pass as numbers: milliseconds, bytes, counts, 0 and 1, or a word's meaning.
pub(super) struct Row<C> {
    key: &'static str,
    kafka_type: &'static str,
    kind: Kind,
    meaning: &'static str,
    get: fn(&C) -> u64,
    set: fn(&mut C, u64),
}

/// A setting whose value is any text.
struct TextRow<C> {
    key: &'static str,
    /// What stands there when nothing was given: nothing, or `null`.
    default: &'static str,
    meaning: &'static str,
    get: fn(&C) -> &str,
    set: fn(&mut C, &str),
}

/// A setting as a page or a manual shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    pub key: &'static str,
    /// `INT`, `LONG`, `BOOLEAN`, `STRING`, `CLASS`, `LIST`, as Kafka types it.
    pub kafka_type: &'static str,
    pub default: String,
    /// `ms`, `s`, `bytes`, or empty.
    pub unit: &'static str,
    /// `1 to 2147483647`, or the words.
    pub valid: String,
    pub meaning: &'static str,
    /// The value in force.
    pub value: String,
    pub changes: Changes,
}

/// When a new value of a setting counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Of a topic: `kafka-configs.sh --alter` changes it while the cluster runs.
    AtOnce,
    /// Of a client: it is read when the client is opened, and `set` opens it again.
    Reopened,
    /// Of a broker: Kafka's `read-only`, which takes a restart with another file. None of those modelled is dynamic in Kafka.
    ReadOnly,
}

impl Changes {
    fn of(scope: &str) -> Self {
        match scope {
            "topic" => Changes::AtOnce,
            "broker" => Changes::ReadOnly,
            _ => Changes::Reopened,
        }
    }
}

/// No page explains settings yet, so its visitors do not download the words.
const fn told(meaning: &'static str) -> &'static str {
    if cfg!(target_arch = "wasm32") { "" } else { meaning }
}

const INT: u64 = i32::MAX as u64;
/// Kafka allows 292 million years; a virtual clock in microseconds does not.
const LONG_MS: u64 = 100 * 365 * 86_400_000;

const ACKS: &[(&str, u64)] = &[("all", 2), ("-1", 2), ("1", 1), ("0", 0)];
const OFFSET_RESET: &[(&str, u64)] = &[("earliest", 0), ("latest", 1), ("none", 2)];
const PARTITIONER: &[(&str, u64)] = &[
    ("default", 0),
    ("null", 0),
    ("org.apache.kafka.clients.producer.RoundRobinPartitioner", 1),
    ("RoundRobinPartitioner", 1),
    ("roundrobin", 1),
];
const SELECTOR: &[(&str, u64)] =
    &[("null", 0), ("org.apache.kafka.common.replica.RackAwareReplicaSelector", 1), ("RackAwareReplicaSelector", 1)];
/// librdkafka's names; `default` leaves the choice to `partitioner.class`.
const LIBRDKAFKA: &[(&str, u64)] = &[("default", 0), ("consistent_random", 1), ("murmur2_random", 2)];
const GROUP_PROTOCOL: &[(&str, u64)] = &[("classic", 0), ("consumer", 1), ("CLASSIC", 0), ("CONSUMER", 1)];
/// As [`Strategies`] numbers them.
const ASSIGNOR: &[(&str, u64)] = &[
    ("range", 0),
    ("roundrobin", 1),
    ("sticky", 2),
    ("cooperative-sticky", 3),
    ("org.apache.kafka.clients.consumer.RangeAssignor", 0),
    ("org.apache.kafka.clients.consumer.RoundRobinAssignor", 1),
    ("org.apache.kafka.clients.consumer.StickyAssignor", 2),
    ("org.apache.kafka.clients.consumer.CooperativeStickyAssignor", 3),
    ("RangeAssignor", 0),
    ("RoundRobinAssignor", 1),
    ("StickyAssignor", 2),
    ("CooperativeStickyAssignor", 3),
];
const ISOLATION: &[(&str, u64)] = &[("read_uncommitted", 0)];
const COMPRESSION: &[(&str, u64)] = &[("none", 0)];
const CLEANUP: &[(&str, u64)] = &[("delete", 1), ("compact", 2)];
const TIMESTAMP_TYPE: &[(&str, u64)] = &[("CreateTime", 0), ("LogAppendTime", 1)];
const TOPIC_COMPRESSION: &[(&str, u64)] = &[("producer", 0)];

macro_rules! millis {
    ($key:literal, $kafka:literal, $field:ident, $min:expr, $max:expr, $meaning:literal) => {
        Row {
            key: $key,
            kafka_type: $kafka,
            kind: Kind::Millis { min: $min, max: $max },
            meaning: told($meaning),
            get: |c| c.$field.millis(),
            set: |c, v| c.$field = SimDuration::from_millis(v),
        }
    };
}

macro_rules! number {
    ($key:literal, $kafka:literal, $field:ident: $type:ty, $kind:ident, $min:expr, $max:expr, $meaning:literal) => {
        number!($key, $kafka, $field: $type, Kind::$kind { min: $min, max: $max }, $meaning)
    };
    ($key:literal, $kafka:literal, $field:ident: $type:ty, $kind:expr, $meaning:literal) => {
        Row {
            key: $key,
            kafka_type: $kafka,
            kind: $kind,
            meaning: told($meaning),
            get: |c| u64::from(c.$field),
            set: |c, v| c.$field = <$type>::try_from(v).unwrap_or(<$type>::MAX),
        }
    };
}

macro_rules! flag {
    ($key:literal, $field:ident, $meaning:literal) => {
        Row {
            key: $key,
            kafka_type: "BOOLEAN",
            kind: Kind::Flag,
            meaning: told($meaning),
            get: |c| u64::from(c.$field),
            set: |c, v| c.$field = v != 0,
        }
    };
}

/// A setting with one modelled value: accepted when it says so, refused otherwise.
macro_rules! fixed {
    ($key:literal, $kafka:literal, $words:expr, $meaning:literal) => {
        Row { key: $key, kafka_type: $kafka, kind: Kind::Words($words), meaning: told($meaning), get: |_| 0, set: |_, _| {} }
    };
}

const PRODUCER: &[Row<ProducerConfig>] = &[
    Row {
        key: "acks",
        kafka_type: "STRING",
        kind: Kind::Words(ACKS),
        meaning: told("What the producer waits for before it calls a record sent: nothing, the leader, or every in-sync replica."),
        get: |c| match c.acks {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => 2,
        },
        set: |c, v| {
            c.acks = match v {
                0 => Acks::None,
                1 => Acks::Leader,
                _ => Acks::All,
            }
        },
    },
    number!("batch.size", "INT", batch_size: u32, Bytes, 0, INT, "How full a batch may get before it is sent."),
    number!("buffer.memory", "LONG", buffer_memory: u64, Bytes, 1_024, 1 << 40, "Memory for records that wait to be sent."),
    fixed!("compression.type", "STRING", COMPRESSION, "How the producer packs its batches."),
    millis!(
        "delivery.timeout.ms",
        "INT",
        delivery_timeout,
        1,
        INT,
        "How long a record may take, retries included, before it is reported as failed."
    ),
    flag!("enable.idempotence", enable_idempotence, "Numbers each batch, so that a retry can neither store it twice nor out of order."),
    millis!("linger.ms", "LONG", linger, 0, INT, "How long a batch waits for more records."),
    millis!("max.block.ms", "LONG", max_block, 0, LONG_MS, "How long send() waits for metadata, or for room in buffer.memory."),
    number!(
        "max.in.flight.requests.per.connection",
        "INT",
        max_in_flight: u32,
        Count,
        1,
        INT,
        "How many requests may wait for an answer from one broker."
    ),
    number!("max.request.size", "INT", max_request_size: u32, Bytes, 0, INT, "The largest record or request the producer sends."),
    millis!("metadata.max.age.ms", "LONG", metadata_max_age, 1, LONG_MS, "When to ask for leaders again even if nothing seems wrong."),
    Row {
        key: "partitioner",
        kafka_type: "STRING",
        kind: Kind::Words(LIBRDKAFKA),
        meaning: told("Who chooses the partition in a client built on librdkafka: CRC-32 or murmur2 of the key."),
        get: |c| match c.partitioner {
            Partitioner::ConsistentRandom => 1,
            Partitioner::Murmur2Random => 2,
            _ => 0,
        },
        set: |c, v| match v {
            1 => c.partitioner = Partitioner::ConsistentRandom,
            2 => c.partitioner = Partitioner::Murmur2Random,
            _ => {}
        },
    },
    Row {
        key: "partitioner.class",
        kafka_type: "CLASS",
        kind: Kind::Words(PARTITIONER),
        meaning: told("Who chooses the partition: by default murmur2 of the key, or a sticky choice without key."),
        get: |c| match c.partitioner {
            Partitioner::RoundRobin => 1,
            _ => 0,
        },
        set: |c, v| match (v, c.partitioner) {
            (1, _) => c.partitioner = Partitioner::RoundRobin,
            (_, Partitioner::RoundRobin) => c.partitioner = Partitioner::Default,
            _ => {}
        },
    },
    millis!("request.timeout.ms", "INT", request_timeout, 1, INT, "How long to wait for an answer before the request is tried again."),
    number!("retries", "INT", retries: u32, Count, 0, INT, "How often a batch is sent again after an error that may pass."),
    millis!("retry.backoff.max.ms", "LONG", retry_backoff_max, 1, LONG_MS, "The longest pause between two tries."),
    millis!("retry.backoff.ms", "LONG", retry_backoff, 1, LONG_MS, "The first pause between two tries; it doubles with each."),
];

const CONSUMER: &[Row<ConsumerConfig>] = &[
    millis!(
        "auto.commit.interval.ms",
        "INT",
        auto_commit_interval,
        1,
        INT,
        "How often the bookmark is stored while enable.auto.commit is on."
    ),
    Row {
        key: "auto.offset.reset",
        kafka_type: "STRING",
        kind: Kind::Reset(OFFSET_RESET),
        meaning: told("Where to start reading when there is no bookmark, or it points outside the log."),
        get: |c| match c.auto_offset_reset {
            OffsetReset::Earliest => 0,
            OffsetReset::Latest => 1,
            OffsetReset::None => 2,
            OffsetReset::ByDuration(back) => 3 + back.millis(),
        },
        set: |c, v| {
            c.auto_offset_reset = match v {
                0 => OffsetReset::Earliest,
                1 => OffsetReset::Latest,
                2 => OffsetReset::None,
                ms => OffsetReset::ByDuration(SimDuration::from_millis(ms - 3)),
            }
        },
    },
    flag!("enable.auto.commit", enable_auto_commit, "Stores the bookmark inside poll(), now and then."),
    number!("fetch.max.bytes", "INT", fetch_max_bytes: u32, Bytes, 0, INT, "The most one fetch brings."),
    millis!("fetch.max.wait.ms", "INT", fetch_max_wait, 1, INT, "How long the broker waits for fetch.min.bytes."),
    number!("fetch.min.bytes", "INT", fetch_min_bytes: u32, Bytes, 0, INT, "The least one fetch brings, unless it waited too long."),
    Row {
        key: "group.protocol",
        kafka_type: "STRING",
        kind: Kind::Words(GROUP_PROTOCOL),
        meaning: told(
            "How the group agrees who reads what: among its members (classic), or by the coordinator's word (consumer, KIP-848).",
        ),
        get: |c| u64::from(c.consumer_protocol),
        set: |c, v| c.consumer_protocol = v == 1,
    },
    millis!("heartbeat.interval.ms", "INT", heartbeat_interval, 1, INT, "How often a member says that it is alive."),
    fixed!("isolation.level", "STRING", ISOLATION, "Whether records of open transactions are read."),
    number!(
        "max.partition.fetch.bytes",
        "INT",
        max_partition_fetch_bytes: u32,
        Bytes,
        0,
        INT,
        "The most one fetch brings from one partition."
    ),
    millis!("max.poll.interval.ms", "INT", max_poll_interval, 1, INT, "How long the application may work between two polls."),
    number!("max.poll.records", "INT", max_poll_records: u32, Count, 1, INT, "The most records one poll hands to the application."),
    millis!("metadata.max.age.ms", "LONG", metadata_max_age, 1, LONG_MS, "When to ask for leaders again even if nothing seems wrong."),
    Row {
        key: "partition.assignment.strategy",
        kafka_type: "LIST",
        kind: Kind::List(ASSIGNOR),
        meaning: told("How the group's leader divides the partitions: the first one that all members have and most prefer."),
        get: |c| c.strategies.0,
        set: |c, v| c.strategies = Strategies(v),
    },
    millis!("request.timeout.ms", "INT", request_timeout, 1, INT, "How long to wait for an answer before the request is tried again."),
    millis!("retry.backoff.ms", "LONG", retry_backoff, 1, LONG_MS, "The pause before a failed request is tried again."),
    millis!("session.timeout.ms", "INT", session_timeout, 1, INT, "Silent for so long, a member is dead to its coordinator."),
];

const CONSUMER_TEXTS: &[TextRow<ConsumerConfig>] = &[
    TextRow {
        key: "client.rack",
        default: "",
        meaning: told("Where this client stands; brokers with replica.selector.class may let it read from a copy there."),
        get: |c| c.client_rack.as_deref().unwrap_or_default(),
        set: |c, v| c.client_rack = (!v.is_empty()).then(|| v.into()),
    },
    TextRow {
        key: "group.instance.id",
        default: "null",
        meaning: told("Makes the member static: it may restart within session.timeout.ms and nobody else notices. {name} is its name."),
        get: |c| c.group_instance.as_deref().unwrap_or_default(),
        set: |c, v| c.group_instance = (!v.is_empty() && v != "null").then(|| v.into()),
    },
    TextRow {
        key: "group.remote.assignor",
        default: "null",
        meaning: told("Which assignor of group.consumer.assignors the member would like the coordinator to run: uniform or range."),
        get: |c| c.remote_assignor.as_deref().unwrap_or_default(),
        set: |c, v| c.remote_assignor = (!v.is_empty() && v != "null").then(|| v.into()),
    },
];

const TOPIC: &[Row<TopicConfig>] = &[
    Row {
        key: "cleanup.policy",
        kafka_type: "LIST",
        kind: Kind::First(CLEANUP),
        meaning: told(
            "What becomes of old records: whole segments are deleted when their time is over, or (__consumer_offsets) only the newest record of each key is kept.",
        ),
        get: |c| u64::from(c.cleanup.delete) | u64::from(c.cleanup.compact) << 1,
        set: |c, v| c.cleanup = Cleanup { delete: v & 1 != 0, compact: v & 2 != 0 },
    },
    fixed!("compression.type", "STRING", TOPIC_COMPRESSION, "Whether the broker packs batches anew."),
    number!("flush.messages", "LONG", flush_messages: u64, Count, 1, NEVER, "After so many records the log is forced to the disk."),
    number!(
        "flush.ms",
        "LONG",
        flush_ms: u64,
        Millis,
        0,
        NEVER,
        "After so long the log is forced to the disk, if log.flush.scheduler.interval.ms makes somebody look."
    ),
    number!("index.interval.bytes", "INT", index_interval_bytes: u32, Bytes, 0, INT, "How far apart entries of the offset index lie."),
    number!("max.message.bytes", "INT", max_message_bytes: u32, Bytes, 0, INT, "The largest batch the topic takes."),
    number!(
        "message.timestamp.after.max.ms",
        "LONG",
        message_timestamp_after_max_ms: u64,
        Millis,
        0,
        NEVER,
        "A record that claims to be written so much later than now is refused."
    ),
    number!(
        "message.timestamp.before.max.ms",
        "LONG",
        message_timestamp_before_max_ms: u64,
        Millis,
        0,
        NEVER,
        "A record that claims to be so much older than now is refused."
    ),
    Row {
        key: "message.timestamp.type",
        kafka_type: "STRING",
        kind: Kind::Words(TIMESTAMP_TYPE),
        meaning: told("Whose clock a record's timestamp is: its producer's, or the leader's when it is stored."),
        get: |c| u64::from(c.log_append_time),
        set: |c, v| c.log_append_time = v == 1,
    },
    number!("min.insync.replicas", "INT", min_insync_replicas: u32, Count, 1, INT, "With acks=all, so many copies must be in sync."),
    number!(
        "retention.bytes",
        "LONG",
        retention_bytes: u64,
        Kind::BytesOrNever,
        "A partition that is larger loses its oldest segments, as long as so much is left."
    ),
    number!(
        "retention.ms",
        "LONG",
        retention_ms: u64,
        Kind::MillisOrNever,
        "A segment goes when its newest record is older than this. Whether somebody has read it does not matter."
    ),
    number!("segment.bytes", "INT", segment_bytes: u32, Bytes, 1_048_576, INT, "How large a segment file gets before the next begins."),
    millis!("segment.ms", "LONG", segment_time, 1, LONG_MS, "How long a segment is written to before the next begins."),
    flag!(
        "unclean.leader.election.enable",
        unclean_leader_election,
        "Lets a replica that is not in sync lead when no other can: available again, and records lost."
    ),
];

const BROKER: &[Row<BrokerConfig>] = &[
    flag!(
        "auto.leader.rebalance.enable",
        auto_leader_rebalance,
        "Hands leadership back to the preferred replicas when they are in sync again."
    ),
    millis!("broker.heartbeat.interval.ms", "INT", heartbeat_interval, 1, INT, "How often a broker says that it is alive."),
    millis!(
        "broker.session.timeout.ms",
        "INT",
        session_timeout,
        1,
        INT,
        "Silent for so long, a broker is fenced and loses its leaderships."
    ),
    millis!(
        "controller.quorum.append.linger.ms",
        "INT",
        quorum_append_linger,
        0,
        INT,
        "How long decisions of the active controller wait for company before they are written."
    ),
    millis!(
        "controller.quorum.election.backoff.max.ms",
        "INT",
        quorum_election_backoff_max,
        0,
        INT,
        "When a leader of the quorum stops, the last of its successors waits at most so long."
    ),
    millis!(
        "controller.quorum.election.timeout.ms",
        "INT",
        quorum_election_timeout,
        1,
        INT,
        "How long a controller waits for votes; up to as much again is drawn on top."
    ),
    millis!(
        "controller.quorum.fetch.timeout.ms",
        "INT",
        quorum_fetch_timeout,
        1,
        INT,
        "Without a leader for so long, a controller asks for votes; without followers for 1.5 times as long, a leader resigns."
    ),
    number!(
        "default.replication.factor",
        "INT",
        default_replication_factor: u32,
        Count,
        1,
        32_767,
        "How many copies a topic has that does not say."
    ),
    millis!(
        "group.consumer.assignment.interval.ms",
        "INT",
        group_consumer_assignment_interval,
        0,
        15_000,
        "How long a group of the new protocol keeps a division of its partitions at least."
    ),
    millis!(
        "group.consumer.heartbeat.interval.ms",
        "INT",
        group_consumer_heartbeat_interval,
        5_000,
        15_000,
        "How often members of the new protocol are told to say that they are alive."
    ),
    number!("group.consumer.max.size", "INT", group_consumer_max_size: u32, Count, 1, INT, "How many members a group of the new protocol takes."),
    millis!(
        "group.consumer.session.timeout.ms",
        "INT",
        group_consumer_session_timeout,
        45_000,
        60_000,
        "Silent for so long, a member of the new protocol is dead to its coordinator."
    ),
    millis!(
        "group.initial.rebalance.delay.ms",
        "INT",
        group_initial_rebalance_delay,
        0,
        INT,
        "How long a new group waits for more members before it divides the partitions."
    ),
    millis!(
        "group.max.session.timeout.ms",
        "INT",
        group_max_session_timeout,
        1,
        INT,
        "The longest session.timeout.ms a member may ask for."
    ),
    number!("group.max.size", "INT", group_max_size: u32, Count, 1, INT, "How many members a group may have."),
    millis!(
        "group.min.session.timeout.ms",
        "INT",
        group_min_session_timeout,
        1,
        INT,
        "The shortest session.timeout.ms a member may ask for."
    ),
    Row {
        key: "leader.imbalance.check.interval.seconds",
        kafka_type: "LONG",
        kind: Kind::Seconds { min: 1, max: LONG_MS / 1_000 },
        meaning: told("How often the controller looks for leaders that are not the preferred ones."),
        get: |c| c.leader_imbalance_check_interval.millis() / 1_000,
        set: |c, v| c.leader_imbalance_check_interval = SimDuration::from_secs(v),
    },
    number!(
        "leader.imbalance.per.broker.percentage",
        "INT",
        leader_imbalance_per_broker: u32,
        Count,
        0,
        100,
        "How many in a hundred partitions that prefer a broker may be led by others before they are handed back (until 3.9)."
    ),
    Row {
        key: "log.flush.scheduler.interval.ms",
        kafka_type: "LONG",
        kind: Kind::Millis { min: 1, max: NEVER },
        meaning: told("How often a broker looks for logs whose flush.ms is over."),
        get: |c| c.log_flush_scheduler_interval_ms,
        set: |c, v| c.log_flush_scheduler_interval_ms = v,
    },
    millis!(
        "log.retention.check.interval.ms",
        "LONG",
        log_retention_check_interval,
        1,
        LONG_MS,
        "How often a broker looks for segments whose retention.ms is over or whose log is larger than retention.bytes."
    ),
    number!("num.partitions", "INT", num_partitions: u32, Count, 1, 1_000, "Into how many partitions a topic is cut that does not say."),
    millis!(
        "offsets.retention.check.interval.ms",
        "LONG",
        offsets_retention_check_interval,
        1,
        LONG_MS,
        "How often a coordinator looks for bookmarks that are too old."
    ),
    Row {
        key: "offsets.retention.minutes",
        kafka_type: "INT",
        kind: Kind::Count { min: 1, max: LONG_MS / 60_000 },
        meaning: told("So many minutes after its last member left, a group's bookmarks are forgotten."),
        get: |c| c.offsets_retention.millis() / 60_000,
        set: |c, v| c.offsets_retention = SimDuration::from_secs(v * 60),
    },
    number!(
        "offsets.topic.num.partitions",
        "INT",
        offsets_topic_partitions: u32,
        Count,
        1,
        1_000,
        "Into how many partitions __consumer_offsets is cut."
    ),
    number!(
        "offsets.topic.replication.factor",
        "SHORT",
        offsets_topic_replication_factor: u32,
        Count,
        1,
        32_767,
        "How many copies __consumer_offsets has."
    ),
    number!(
        "offsets.topic.segment.bytes",
        "INT",
        offsets_topic_segment_bytes: u32,
        Bytes,
        1,
        INT,
        "How large a segment of __consumer_offsets gets: closed ones are compacted, so that a coordinator loads them sooner."
    ),
    millis!("replica.fetch.backoff.ms", "INT", replica_fetch_backoff, 1, INT, "A follower's pause after a failed fetch."),
    number!(
        "replica.fetch.max.bytes",
        "INT",
        replica_fetch_max_bytes: u32,
        Bytes,
        0,
        INT,
        "The most a follower's fetch brings from one partition."
    ),
    number!("replica.fetch.min.bytes", "INT", replica_fetch_min_bytes: u32, Bytes, 1, INT, "The least a follower's fetch brings."),
    millis!("replica.fetch.wait.max.ms", "INT", replica_fetch_wait_max, 1, INT, "How long the leader waits for replica.fetch.min.bytes."),
    millis!(
        "replica.lag.time.max.ms",
        "LONG",
        replica_lag_time_max,
        1,
        LONG_MS,
        "A follower that has not caught up for so long leaves the ISR."
    ),
    Row {
        key: "replica.selector.class",
        kafka_type: "STRING",
        kind: Kind::Words(SELECTOR),
        meaning: told("Whether a consumer may read from a follower in its own rack (client.rack)."),
        get: |c| u64::from(c.rack_aware_reads),
        set: |c, v| c.rack_aware_reads = v != 0,
    },
    millis!(
        "unclean.leader.election.interval.ms",
        "LONG",
        unclean_leader_election_interval,
        1,
        LONG_MS,
        "How often the controller looks for partitions that only an unclean election can bring back."
    ),
    millis!(
        "zookeeper.session.timeout.ms",
        "INT",
        zookeeper_session_timeout,
        1,
        INT,
        "Silent for so long, a broker has no session with ZooKeeper any more, and with it no registration (until 3.9)."
    ),
];

/// Settings by Kafka's names, on each of the four config structs.
pub trait Settings: Default + Sized + 'static {
    /// `producer`, `consumer`, `topic`, `broker`.
    const SCOPE: &'static str;

    /// The defaults of a version.
    fn of(profile: Profile) -> Self;

    /// Sets one setting from text. The struct stays as it was when that is refused.
    fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigFault>;

    /// The settings that differ from Kafka 4.3's defaults, by key.
    fn given(&self) -> SortedMap<String, String> {
        self.given_in(Profile::V4_3)
    }

    /// The settings that differ from a version's defaults, by key.
    fn given_in(&self, profile: Profile) -> SortedMap<String, String>;

    /// Every modelled setting, in the order of the keys.
    fn describe(&self) -> Vec<Described>;
}

macro_rules! settings {
    ($config:ty, $rows:expr, $texts:expr, $scope:literal, $in_3_9:expr) => {
        impl Settings for $config {
            const SCOPE: &'static str = $scope;

            fn of(profile: Profile) -> Self {
                let mut config = Self::default();
                if profile == Profile::V3_9 {
                    let older: fn(&mut $config) = $in_3_9;
                    older(&mut config);
                }
                config
            }

            fn set(&mut self, key: &str, value: &str) -> Result<(), ConfigFault> {
                let texts: &[TextRow<$config>] = $texts;
                if let Some(text) = texts.iter().find(|text| text.key == key) {
                    (text.set)(self, value.trim());
                    return Ok(());
                }
                let row = $rows.iter().find(|row| row.key == key).ok_or_else(|| unknown($scope, key, $rows.iter().map(|row| row.key)))?;
                (row.set)(self, row.kind.read(row.key, value.trim())?);
                Ok(())
            }

            fn given_in(&self, profile: Profile) -> SortedMap<String, String> {
                let default = Self::of(profile);
                let texts: &[TextRow<$config>] = $texts;
                let numbers = $rows
                    .iter()
                    .map(|row| (row, (row.get)(self)))
                    .filter(|(row, value)| *value != (row.get)(&default))
                    .map(|(row, value)| (row.key.to_owned(), row.kind.print(value)));
                let texts = texts.iter().map(|text| (text.key.to_owned(), (text.get)(self).to_owned()));
                numbers.chain(texts.filter(|(_, value)| !value.is_empty())).collect()
            }

            fn describe(&self) -> Vec<Described> {
                let default = Self::default();
                let texts: &[TextRow<$config>] = $texts;
                let mut all: Vec<Described> = $rows.iter().map(|row| row.described($scope, (row.get)(self), (row.get)(&default))).collect();
                for text in texts {
                    let place = all.partition_point(|other| other.key < text.key);
                    all.insert(place, text.described($scope, (text.get)(self)));
                }
                all
            }
        }
    };
}

// What KIP-1030 changed in 4.0, and what ZooKeeper does without.
settings!(ProducerConfig, PRODUCER, &[], "producer", |config| config.linger = SimDuration::ZERO);
settings!(ConsumerConfig, CONSUMER, CONSUMER_TEXTS, "consumer", |_| {});
settings!(TopicConfig, TOPIC, &[], "topic", |config| config.message_timestamp_after_max_ms = NEVER);
settings!(BrokerConfig, BROKER, &[], "broker", |config| {
    config.profile = Profile::V3_9;
    config.eligible_leader_replicas = false;
});

impl<C> TextRow<C> {
    fn described(&self, scope: &str, value: &str) -> Described {
        let (default, valid) = (self.default.to_owned(), "any text".to_owned());
        let value = if value.is_empty() { self.default } else { value };
        let (key, meaning, value, changes) = (self.key, self.meaning, value.to_owned(), Changes::of(scope));
        Described { key, kafka_type: "STRING", default, unit: "", valid, meaning, value, changes }
    }
}

impl<C> Row<C> {
    fn described(&self, scope: &str, value: u64, default: u64) -> Described {
        Described {
            key: self.key,
            kafka_type: self.kafka_type,
            default: self.kind.print(default),
            unit: self.kind.unit(),
            valid: self.kind.valid(),
            meaning: self.meaning,
            value: self.kind.print(value),
            changes: Changes::of(scope),
        }
    }
}

fn unknown(scope: &str, key: &str, keys: impl Iterator<Item = &'static str> + Clone) -> ConfigFault {
    let message = match crate::nearest::nearest(key, keys.clone()) {
        Some(near) => format!("`{key}` is no {scope} setting. Did you mean `{near}`?"),
        None => {
            format!("The {scope} setting `{key}` is not modelled yet. Modelled are: {}.", keys.collect::<Vec<_>>().join(", "))
        }
    };
    ConfigFault { key: key.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_default_reads_back<C: Settings + PartialEq + std::fmt::Debug>() {
        let mut config = C::default();
        for setting in C::default().describe() {
            config.set(setting.key, &setting.default).expect(setting.key);
        }
        assert_eq!(config, C::default(), "{}", C::SCOPE);
        assert!(config.given().is_empty());
    }

    #[test]
    fn every_default_is_a_valid_value_of_its_own_setting() {
        every_default_reads_back::<ProducerConfig>();
        every_default_reads_back::<ConsumerConfig>();
        every_default_reads_back::<TopicConfig>();
        every_default_reads_back::<BrokerConfig>();
    }

    #[test]
    fn keys_are_sorted_and_distinct_so_that_listings_are_stable() {
        let sorted = |keys: Vec<&str>| assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{keys:?}");
        sorted(PRODUCER.iter().map(|row| row.key).collect());
        sorted(CONSUMER.iter().map(|row| row.key).collect());
        sorted(TOPIC.iter().map(|row| row.key).collect());
        sorted(BROKER.iter().map(|row| row.key).collect());
    }

    #[test]
    fn what_was_given_sets_the_same_again() {
        let mut config = BrokerConfig::default();
        config.set("broker.session.timeout.ms", "6s").unwrap();
        config.set("leader.imbalance.check.interval.seconds", "5m").unwrap();
        config.set("auto.leader.rebalance.enable", "FALSE").unwrap();
        config.set("leader.imbalance.check.interval.seconds", "10").unwrap();
        let mut again = BrokerConfig::default();
        for (key, value) in config.given() {
            again.set(&key, &value).unwrap();
        }
        assert_eq!(config, again);
        assert_eq!(config.given()["broker.session.timeout.ms"], "6000");
        assert_eq!(config.given()["leader.imbalance.check.interval.seconds"], "10");
    }

    #[test]
    fn a_refused_value_says_what_to_write() {
        let mut config = ProducerConfig::default();
        let mut message = |key, value| config.set(key, value).unwrap_err().message;
        assert_eq!(message("acks", "two"), "`two` is not a value of `acks`. Write one of: all, 1, 0.");
        assert_eq!(message("ack", "1"), "`ack` is no producer setting. Did you mean `acks`?");
        assert!(message("linger.ms", "-1").contains("Write whole milliseconds"));
        assert!(message("linger.ms", "0.5ms").contains("whole milliseconds"));
        assert!(message("batch.size", "99999999999999999999999").contains("out of range"));
        assert!(message("compression.type", "zstd").contains("is not modelled yet"));
        assert!(message("transactional.id", "t").contains("is not modelled yet"));
    }
}
