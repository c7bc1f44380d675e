//! Lines of Kafka's tools that only read: what each prints, in Kafka's own format. They change nothing and are no commands.
//!
//! Metadata is what the best informed broker that takes connections has; offsets are the leaders' own word.

use super::kafka::Options;
use super::words::Words;
use crate::broker::Broker;
use crate::cluster::Cluster;
use crate::config::{Settings, TopicConfig};
use crate::ids::{BrokerId, TopicPartition};
use crate::metadata::{MetadataImage, PartitionRegistration, TopicImage};
use crate::quorum::Copied;
use crate::sorted::settle;
use data_encoding::BASE64URL_NOPAD;

/// Kafka draws one for each cluster; all of ours have this.
const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qk";

/// What is printed, or the refusal.
pub(super) type Printed = Result<String, String>;
type Read = fn(&Cluster, &mut Options<'_>) -> Printed;

/// Each tool, the words that make a line of it one that reads (none: every line is), and a line as it should be.
const TOOLS: [(&str, &[&str], &str, Read); 7] = [
    ("kafka-topics", &["--describe", "--list"], "kafka-topics.sh --describe --topic orders", topics),
    ("kafka-configs", &["--describe"], "kafka-configs.sh --describe --entity-type topics --entity-name orders", configs),
    ("kafka-reassign-partitions", &["--verify", "--list"], "kafka-reassign-partitions.sh --list", reassignments),
    ("kafka-get-offsets", &[], "kafka-get-offsets.sh --topic orders", offsets),
    ("kafka-metadata-quorum", &[], "kafka-metadata-quorum.sh describe --status", quorum),
    ("kafka-consumer-groups", &["--describe", "--list", "--reset-offsets"], super::groups::FORM, super::groups::answer),
    ("kafka-cluster", &["cluster-id"], "kafka-cluster.sh cluster-id", cluster_id),
];

fn tool(line: &str) -> Option<(&'static str, Read)> {
    let mut words = line.split_whitespace();
    let name = words.next()?.rsplit('/').next()?;
    let name = name.strip_suffix(".sh").unwrap_or(name);
    let (_, actions, form, read) = TOOLS.into_iter().find(|(known, ..)| *known == name)?;
    let words: Vec<&str> = words.collect();
    // A plan is only read until it is to be executed.
    let reads = actions.is_empty() || words.iter().any(|word| actions.contains(word)) && !words.contains(&"--execute");
    reads.then_some((form, read))
}

/// A line of each tool that reads.
pub(super) fn forms() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(|(_, _, form, _)| *form)
}

/// Such a line has no place in a timeline.
pub fn only_reads(line: &str) -> bool {
    line.trim() == "help" || tool(line).is_some()
}

/// What a line that only reads prints; nothing if it is another.
pub fn answer(cluster: &Cluster, line: &str) -> Option<Printed> {
    if line.trim() == "help" {
        return Some(Ok(super::help::help().trim_end().to_owned()));
    }
    let (form, read) = tool(line)?;
    let mut words = Words::new(line)?;
    words.next();
    Some(Options::read(&mut words, form).map_err(|error| error.message).and_then(|mut options| {
        let printed = read(cluster, &mut options)?;
        options.ends().map_err(|error| error.message)?;
        Ok(printed.trim_end_matches('\n').to_owned())
    }))
}

/// The broker that answers for metadata.
pub(super) fn informed<'c>(cluster: &'c Cluster, tool: &str) -> Result<&'c MetadataImage, String> {
    let answers = |broker: &&Broker| broker.listens() && !cluster.is_paused(broker.id);
    let best = cluster.brokers().iter().filter(answers).map(Broker::image).max_by_key(|image| image.offset);
    best.ok_or_else(|| format!("{tool}Timed out waiting for a node assignment. No broker takes connections."))
}

/// The topics that are meant, by name: all of them, or those of a list with commas in which `.*` stands for anything.
pub(super) fn meant<'i>(image: &'i MetadataImage, wanted: Option<&str>, internal: bool) -> Vec<&'i TopicImage> {
    let fits = |name: &str| wanted.is_none_or(|list| list.split([',', '|']).any(|pattern| matches(pattern.trim(), name)));
    let mut topics: Vec<&TopicImage> = image.topics().filter(|topic| fits(&topic.name) && (internal || !topic.internal)).collect();
    settle(&mut topics, |a, b| a.name < b.name);
    topics
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once(".*") {
        None => pattern == name,
        Some((start, rest)) => {
            let rests = |tail: &str| (0..=tail.len()).any(|at| tail.get(at..).is_some_and(|tail| matches(rest, tail)));
            name.strip_prefix(start).is_some_and(rests)
        }
    }
}

fn list(brokers: &[BrokerId]) -> String {
    brokers.iter().map(BrokerId::to_string).collect::<Vec<_>>().join(",")
}

fn topics(cluster: &Cluster, options: &mut Options<'_>) -> Printed {
    let refuse = "Error while executing topic command : ";
    let image = informed(cluster, refuse)?;
    let wanted = options.take("--topic").map(|(_, name)| name);
    let topics = meant(image, wanted, !options.flag("--exclude-internal"));
    let names_only = options.flag("--list");
    options.flag("--describe");
    if let Some(name) = wanted.filter(|_| topics.is_empty() && !options.flag("--if-exists") && !names_only) {
        return Err(format!("{refuse}Topic '{name}' does not exist as expected"));
    }
    if names_only {
        return Ok(topics.iter().map(|topic| format!("{}\n", topic.name)).collect());
    }
    let overridden = options.flag("--topics-with-overrides");
    let filters = ["--under-replicated-partitions", "--under-min-isr-partitions", "--at-min-isr-partitions", "--unavailable-partitions"];
    let filter = filters.iter().position(|filter| options.flag(filter));
    let mut out = String::new();
    for topic in topics {
        let config: Vec<String> =
            topic.config.given_in(cluster.scenario().cluster.config.profile).iter().map(|(key, value)| format!("{key}={value}")).collect();
        if filter.is_none() && !(overridden && config.is_empty()) {
            out.push_str(&format!(
                "Topic: {}\tTopicId: {}\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}\n",
                topic.name,
                BASE64URL_NOPAD.encode(&topic.id.uuid()),
                topic.partitions.len(),
                topic.partitions.first().map_or(0, |partition| partition.replicas.len()),
                config.join(",")
            ));
        }
        for (i, p) in topic.partitions.iter().enumerate().filter(|_| !overridden) {
            let min = topic.config.min_insync_replicas as usize;
            let shown = match filter {
                None => true,
                Some(0) => p.isr.len() < p.replicas.len() - p.adding.len(),
                Some(1) => p.leader.is_none() || p.isr.len() < min,
                Some(2) => p.isr.len() == min,
                Some(_) => p.leader.is_none_or(|leader| image.brokers.get(&leader).is_none_or(|broker| broker.fenced)),
            };
            if shown {
                out.push_str(&described(&topic.name, i, p, cluster.scenario().cluster.config.zookeeper()));
            }
        }
    }
    Ok(out)
}

fn described(topic: &str, number: usize, p: &PartitionRegistration, zookeeper: bool) -> String {
    let leader = p.leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string());
    let (replicas, isr) = (list(&p.replicas), list(&p.isr));
    let moving = match p.is_reassigning() {
        true => format!("\tAdding Replicas: {}\tRemoving Replicas: {}", list(&p.adding), list(&p.removing)),
        false => String::new(),
    };
    // A broker with ZooKeeper does not say.
    let or_unknown = |brokers: &[BrokerId]| if zookeeper { "N/A".to_owned() } else { list(brokers) };
    let (elr, last) = (or_unknown(&p.elr), or_unknown(&p.last_known_elr));
    format!(
        "\tTopic: {topic}\tPartition: {number}\tLeader: {leader}\tReplicas: {replicas}\tIsr: {isr}{moving}\tElr: {elr}\tLastKnownElr: {last}\n"
    )
}

fn configs(cluster: &Cluster, options: &mut Options<'_>) -> Printed {
    let image = informed(cluster, "")?;
    options.flag("--describe");
    let all = options.flag("--all");
    let entity = options.take("--entity-type").map_or("topics", |(_, kind)| kind);
    let name = options.take("--topic").or_else(|| options.take("--entity-name")).map(|(_, name)| name);
    let kind = if all { "All" } else { "Dynamic" };
    if entity != "topics" {
        return Ok(format!("{kind} configs for {} {} are:", entity.trim_end_matches('s'), name.unwrap_or("")));
    }
    let topics = meant(image, name, true);
    if let Some(name) = name.filter(|_| topics.is_empty()) {
        return Err(format!("The topic '{name}' does not exist and doesn't have dynamic config"));
    }
    let mut out = String::new();
    for topic in topics {
        out.push_str(&format!("{kind} configs for topic {} are:\n", topic.name));
        let profile = cluster.scenario().cluster.config.profile;
        let given = topic.config.given_in(profile);
        for (row, default) in topic.config.describe().into_iter().zip(TopicConfig::of(profile).describe()) {
            let dynamic = given.contains_key(row.key);
            let default = default_of(row.key, &default.value);
            let synonyms = match dynamic {
                true => format!("DYNAMIC_TOPIC_CONFIG:{}={}, DEFAULT_CONFIG:{default}", row.key, row.value),
                false => format!("DEFAULT_CONFIG:{default}"),
            };
            if dynamic || all {
                out.push_str(&format!("  {}={} sensitive=false synonyms={{{synonyms}}}\n", row.key, row.value));
            }
        }
    }
    Ok(out)
}

/// The brokers' setting that a topic's own stands in for, with its default (`ServerTopicConfigSynonyms`).
fn default_of(key: &str, default: &str) -> String {
    match key {
        "compression.type" | "min.insync.replicas" | "unclean.leader.election.enable" => format!("{key}={default}"),
        "flush.messages" => format!("log.flush.interval.messages={default}"),
        "flush.ms" => format!("log.flush.scheduler.interval.ms={default}"),
        "max.message.bytes" => format!("message.max.bytes={default}"),
        "segment.ms" => "log.roll.hours=168".to_owned(),
        "retention.ms" => "log.retention.hours=168".to_owned(),
        _ => format!("log.{key}={default}"),
    }
}

fn reassignments(cluster: &Cluster, options: &mut Options<'_>) -> Printed {
    let image = informed(cluster, "")?;
    if options.flag("--list") {
        let mut out = String::new();
        for topic in meant(image, None, true) {
            for (i, p) in topic.partitions.iter().enumerate().filter(|(_, p)| p.is_reassigning()) {
                out.push_str(&format!("{}-{i}: replicas: {}.", topic.name, list(&p.replicas)));
                let moving = [("adding", &p.adding), ("removing", &p.removing)].into_iter().filter(|(_, brokers)| !brokers.is_empty());
                out.extend(moving.map(|(what, brokers)| format!(" {what}: {}.", list(brokers))));
                out.push('\n');
            }
        }
        let none = out.is_empty();
        return Ok(if none { "No partition reassignments found.".to_owned() } else { format!("Current partition reassignments:\n{out}") });
    }
    options.flag("--verify");
    let text = |error: super::ParseError| error.message;
    let (topic, number) = (options.text("--topic").map_err(text)?, super::kafka::partition(options).map_err(text)?);
    let word = options.need("--replicas").map_err(text)?;
    let target = options.replicas(word).map_err(text)?;
    let known = image.topic_named(&topic).and_then(|known| known.partitions.get(number as usize));
    let now = known.map_or(&[][..], |p| &p.replicas);
    let status = match known {
        Some(p) if p.is_reassigning() => format!("Reassignment of partition {topic}-{number} is still in progress."),
        _ if now == target => format!("Reassignment of partition {topic}-{number} is completed."),
        _ => format!(
            "There is no active reassignment of partition {topic}-{number}, but replica set is {} rather than {}.",
            list(now),
            list(&target)
        ),
    };
    Ok(format!("Status of partition reassignment:\n{status}"))
}

fn offsets(cluster: &Cluster, options: &mut Options<'_>) -> Printed {
    let image = informed(cluster, "Error: ")?;
    let wanted = options.take("--topic").map(|(_, name)| name);
    let only: Option<Vec<&str>> = options.take("--partitions").map(|(_, list)| list.split(',').collect());
    let earliest = match options.take("--time").map_or("latest", |(_, time)| time) {
        "latest" | "-1" => false,
        "earliest" | "-2" => true,
        other => return Err(format!("Error: `--time {other}` is not modelled yet. Write earliest or latest.")),
    };
    let topics = meant(image, wanted, !options.flag("--exclude-internal-topics"));
    if topics.is_empty() {
        return Err("Error: Could not match any topic-partitions with the specified filters".to_owned());
    }
    let mut out = String::new();
    for topic in topics {
        for (number, p) in (0..).zip(&topic.partitions) {
            let id = TopicPartition { topic: topic.id, partition: number };
            let leader =
                p.leader.and_then(|leader| cluster.broker(leader)).filter(|leader| leader.listens() && !cluster.is_paused(leader.id));
            let replica = leader.and_then(|leader| leader.replicas().get(&id)).filter(|replica| replica.leadership().is_some());
            let offset = replica.and_then(|replica| if earliest { Some(replica.log.log_start()) } else { replica.latest_offset().ok() });
            let meant = only.as_ref().is_none_or(|only| only.iter().any(|wanted| wanted.parse() == Ok(number)));
            if let Some(offset) = offset.filter(|_| meant) {
                out.push_str(&format!("{}:{number}:{offset}\n", topic.name));
            }
        }
    }
    Ok(out)
}

fn cluster_id(cluster: &Cluster, options: &mut Options<'_>) -> Printed {
    informed(cluster, "")?;
    options.flag("cluster-id");
    Ok(format!("Cluster ID: {CLUSTER_ID}"))
}

/// A node has one directory; its id is the node's, so that it reads the same everywhere.
fn directory(id: i32) -> String {
    let mut uuid = [0_u8; 16];
    uuid[7] = 1;
    uuid[12..].copy_from_slice(&id.to_be_bytes());
    BASE64URL_NOPAD.encode(&uuid)
}

fn quorum(cluster: &Cluster, options: &mut Options<'_>) -> Printed {
    options.flag("describe");
    if cluster.scenario().cluster.config.zookeeper() {
        let why = "With ZooKeeper there is no quorum of controllers: the broker that created /controller is the controller (until 3.9).";
        return Err(format!("The node does not support DESCRIBE_QUORUM\n{why}"));
    }
    let leader = cluster.active_controller().filter(|voter| voter.raft().leadership().is_some());
    let Some(leader) = leader else { return Err("Timed out waiting for a node assignment. There is no active controller.".to_owned()) };
    let (raft, now) = (leader.raft(), cluster.now());
    let mut voters: Vec<Copied> = raft.copied(now);
    let observers = leader.observers();
    if options.flag("--status") {
        let slowest = voters.iter().min_by_key(|copied| copied.end).filter(|copied| copied.id != raft.id());
        let lag = slowest.map_or(0, |copied| raft.end() - copied.end);
        let late = slowest.map_or(0, |copied| now.since(copied.caught_up).millis());
        settle(&mut voters, |a, b| a.id < b.id);
        let node = |copied: &Copied, endpoint: bool| {
            let at = if endpoint { format!(", \"endpoints\": [\"CONTROLLER://controller{}:9093\"]", copied.id) } else { String::new() };
            format!("{{\"id\": {}, \"directoryId\": \"{}\"{at}}}", copied.id, directory(copied.id))
        };
        let nodes = |all: &[Copied], endpoint| all.iter().map(|copied| node(copied, endpoint)).collect::<Vec<_>>().join(", ");
        return Ok(format!(
            "ClusterId:              {CLUSTER_ID}\nLeaderId:               {}\nLeaderEpoch:            {}\nHighWatermark:          {}\n\
             MaxFollowerLag:         {lag}\nMaxFollowerLagTimeMs:   {late}\nCurrentVoters:          [{}]\nCurrentObservers:       [{}]",
            raft.id(),
            raft.epoch(),
            raft.high_watermark(),
            nodes(&voters, true),
            nodes(&observers, false)
        ));
    }
    if !options.flag("--replication") {
        return Err("Say what to describe: --status or --replication.".to_owned());
    }
    let ago = options.flag("--human-readable");
    let head = ["NodeId", "DirectoryId", "LogEndOffset", "Lag", "LastFetchTimestamp", "LastCaughtUpTimestamp", "Status"];
    let mut rows = vec![head.map(str::to_owned)];
    for (place, copied) in voters.iter().chain(&observers).enumerate() {
        let status = match place {
            0 => "Leader",
            place if place < voters.len() => "Follower",
            _ => "Observer",
        };
        let time = |at: crate::time::SimTime| match ago {
            true => format!("{} ms ago", now.since(at).millis()),
            false => at.timestamp_ms().to_string(),
        };
        let lag = raft.end().saturating_sub(copied.end).to_string();
        let (fetched, caught_up) = (time(copied.fetched), time(copied.caught_up));
        rows.push([copied.id.to_string(), directory(copied.id), copied.end.to_string(), lag, fetched, caught_up, status.to_owned()]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &[String; 7]| row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}\t")).collect::<String>() + "\n";
    Ok(rows.iter().map(line).collect())
}
