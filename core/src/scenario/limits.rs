//! How large a scenario may be. Checked while reading, before anything of that size is made.
//!
//! The engine takes 100 brokers with 10,000 partitions; these leave room above that and stop what no machine could hold.

use crate::time::SimDuration;

/// Bytes of a scenario file; also what a link may unpack to, so that every file fits into a link.
pub const FILE: usize = 1 << 20;
/// Characters of a link's fragment.
pub const LINK: usize = 32_768;
pub const BROKERS: u32 = 200;
pub const CONTROLLERS: u32 = 9;
pub const TOPICS: usize = 2_000;
/// Of one topic and of all together.
pub const PARTITIONS: u32 = 20_000;
/// Copies of partitions, all topics together.
pub const REPLICAS: u64 = 60_000;
/// Producers and group members together, fleets spelled out.
pub const CLIENTS: u32 = 10_000;
pub const GROUPS: usize = 1_000;
/// Lines of the timeline, and expressions of the expectations.
pub const ENTRIES: usize = 10_000;
/// Characters of topic, client and group names; Kafka's own limit for topics.
pub const NAME: usize = 249;
pub const TITLE: usize = 200;
/// Bytes of a key or value template.
pub const TEMPLATE: usize = 65_536;
/// The most a `{pad:…}` adds, and the numbers a `{zipf:…}` draws from.
pub const PAD: u32 = 1_048_576;
pub const ZIPF: u32 = 1_000_000;
/// Records a second of one client.
pub const RATE: u64 = 1_000_000;
/// The last moment of a run that a file may name.
pub const RUN: SimDuration = SimDuration::from_secs(365 * 86_400);
/// A message's way from one node to another.
pub const DELAY: SimDuration = SimDuration::from_secs(3_600);
/// The largest whole number that every reader of the report keeps exactly.
pub const SEED: u64 = (1 << 53) - 1;
/// Bytes of memory at which the page pauses a run, and how many more at which it does so again.
pub const MEMORY: u64 = 512 << 20;
pub const MEMORY_STEP: u64 = 128 << 20;
/// Faults listed before the rest is only counted.
pub const FAULTS: usize = 200;
