//! `[cluster]` and `[network]`: brokers, racks, controllers, the network between all of them.

use super::super::fault::Faults;
use super::super::names::{name_fault, shown};
use super::super::reader::{Fields, Node, named, whole};
use super::super::{ClusterSpec, NO_ZOOKEEPER, NetworkSpec, limits};
use super::{ELR_VERSION, config, config_faults};
use crate::config::{BrokerConfig, ConfigFault, Profile, Settings};
use crate::ids::{BrokerId, FIRST_CONTROLLER};
use crate::sorted::{SortedMap, SortedSet};

const WRITE_BROKERS: &str = "brokers = [101, 102, 103] or brokers = { count = 3, first = 101 }";

pub(super) fn read(file: &Fields<'_, '_>, faults: &mut Faults<'_>, profile: Profile) -> ClusterSpec {
    let default = ClusterSpec { config: BrokerConfig::of(profile), ..ClusterSpec::default() };
    let Some(fields) = file.table(faults, "cluster", "a table of its own under [cluster]") else { return default };
    fields.only(faults, &["brokers", "racks", "controllers", "zookeeper", "features", "config"], &[]);
    let brokers = brokers(&fields, faults, profile).unwrap_or(default.brokers);
    let racks = racks(&fields, faults, &brokers);
    let controllers = controllers(&fields, faults, default.controllers, profile);
    reserved(&fields, faults, &brokers, controllers);
    let mut settings = default.config;
    let given = config(&fields, faults, &mut settings);
    other_version(&fields, faults, &given, profile);
    features(&fields, faults, &mut settings);
    config_faults(&fields, faults, settings.check());
    ClusterSpec { brokers, racks, controllers, config: settings }
}

/// Features of the cluster under the names that `kafka-features.sh` has for them.
fn features(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, settings: &mut BrokerConfig) {
    let Some(table) = fields.table(faults, "features", "features = { \"eligible.leader.replicas.version\" = 0 }") else { return };
    if settings.zookeeper() {
        faults
            .at(fields.place("features"), "cluster: `features` are of clusters without ZooKeeper. Leave it out, or write kafka = \"4.3\".");
    }
    let later = ["metadata.version", "kraft.version", "transaction.version", "group.version", "share.version", "streams.version"];
    table.only(faults, &[ELR_VERSION], &later);
    let version = table.whole(faults, ELR_VERSION, 0..=1, u64::from(settings.eligible_leader_replicas));
    settings.eligible_leader_replicas = version == 1;
}

fn brokers(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, profile: Profile) -> Option<Vec<BrokerId>> {
    let node = fields.get("brokers")?;
    if let Some(range) = node.get_ref().as_table() {
        return Some(counted(&Fields::new(range, node.span(), "brokers"), faults));
    }
    let Some(list) = node.get_ref().as_array() else {
        faults.at(node.span().start, format!("cluster: `brokers` is {}. Write {WRITE_BROKERS}.", named(node.get_ref())));
        return None;
    };
    if list.is_empty() && profile == Profile::V3_9 {
        let message = "cluster: `brokers` is empty, and with ZooKeeper one of the brokers is the controller. Write brokers = [101].";
        faults.at(node.span().start, message);
    }
    if list.len() > limits::BROKERS as usize {
        faults.at(node.span().start, format!("cluster: {} brokers are over the limit of {}.", list.len(), limits::BROKERS));
        return None;
    }
    let mut ids = SortedSet::new();
    for item in list.iter() {
        if let Some(id) = broker_id(item, faults)
            && !ids.insert(id)
        {
            faults.at(item.span().start, format!("cluster: broker {id} is there twice. Give each broker its own number."));
        }
    }
    // Without any that can be read, the rest of the file is read against the default brokers.
    (list.is_empty() || !ids.is_empty()).then(|| ids.into_iter().collect())
}

/// `{ count = 100, first = 1 }`.
fn counted(fields: &Fields<'_, '_>, faults: &mut Faults<'_>) -> Vec<BrokerId> {
    fields.only(faults, &["count", "first"], &[]);
    if fields.get("count").is_none() {
        faults.at(fields.span.start, format!("brokers: `count` is missing. Write {WRITE_BROKERS}."));
    }
    let count = fields.whole(faults, "count", 1..=u64::from(limits::BROKERS), 1) as i32;
    let first = fields.whole(faults, "first", 0..=1_000_000_000, 1) as i32;
    (first..first + count).map(BrokerId).collect()
}

pub(super) fn broker_id(node: &Node<'_>, faults: &mut Faults<'_>) -> Option<BrokerId> {
    let id = whole(node.get_ref()).ok().and_then(|id| i32::try_from(id).ok());
    if id.is_none() {
        let message = format!("{} is no broker id. Write a whole number from 0 to {}.", named(node.get_ref()), i32::MAX);
        faults.at(node.span().start, message);
    }
    id.map(BrokerId)
}

fn racks(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, brokers: &[BrokerId]) -> SortedMap<BrokerId, String> {
    let mut racks = SortedMap::new();
    let write = "racks = { a = [101], b = [102, 103] }";
    let Some(table) = fields.table(faults, "racks", write) else { return racks };
    for (name, node) in table.table.iter() {
        if let Some(message) = name_fault("rack", name.get_ref()) {
            faults.at(name.span().start, message);
        }
        let Some(list) = node.get_ref().as_array() else {
            faults.at(node.span().start, format!("racks: a rack is a list of brokers. Write {write}."));
            continue;
        };
        for item in list.iter() {
            let Some(id) = broker_id(item, faults) else { continue };
            if !brokers.contains(&id) {
                faults.at(item.span().start, format!("racks: there is no broker {id}. Brokers here: {}.", listed(brokers)));
            } else if let Some(other) = racks.insert(id, name.get_ref().to_string()) {
                let message = format!("racks: broker {id} is in rack `{}` already. A broker stands in one rack.", shown(&other));
                faults.at(item.span().start, message);
            }
        }
    }
    racks
}

/// How many keep the metadata: `controllers`, or `zookeeper` in the versions that have it.
fn controllers(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, default: u32, profile: Profile) -> u32 {
    let (key, other, wrong, who) = match profile {
        Profile::V4_3 => ("controllers", "zookeeper", NO_ZOOKEEPER, "controllers"),
        Profile::V3_9 => {
            ("zookeeper", "controllers", "With ZooKeeper one of the brokers is the controller. Write zookeeper = 3.", "servers")
        }
    };
    if fields.get(other).is_some() {
        faults.at(fields.place(other), format!("cluster: {wrong}"));
    }
    let controllers = fields.whole(faults, key, 1..=u64::from(limits::CONTROLLERS), u64::from(default)) as u32;
    if controllers.is_multiple_of(2) {
        let message = format!(
            "cluster: {controllers} {who} survive no more failures than {}. Write an odd number: 1, 3, 5, 7 or 9.",
            controllers - 1
        );
        faults.at(fields.place(key), message);
    }
    controllers
}

/// Settings of the other kind of cluster mean nothing here.
fn other_version(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, given: &SortedSet<String>, profile: Profile) {
    let quorums = |key: &str| {
        let own = ["broker.heartbeat.interval.ms", "broker.session.timeout.ms", "unclean.leader.election.interval.ms"];
        own.contains(&key) || key.starts_with("controller.quorum.")
    };
    let zookeepers = |key: &str| key.starts_with("zookeeper.") || key == "leader.imbalance.per.broker.percentage";
    let found = given.iter().filter_map(|key| {
        let message = match profile {
            Profile::V4_3 if zookeepers(key) => format!("`{key}` went with ZooKeeper. Leave it out, or write kafka = \"3.9\"."),
            Profile::V3_9 if quorums(key) => format!("`{key}` is of clusters without ZooKeeper. Leave it out, or write kafka = \"4.3\"."),
            _ => return None,
        };
        Some(ConfigFault { key: key.clone(), message })
    });
    config_faults(fields, faults, found.collect());
}

fn reserved(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, brokers: &[BrokerId], controllers: u32) {
    let taken = FIRST_CONTROLLER..FIRST_CONTROLLER + controllers as i32;
    if let Some(broker) = brokers.iter().find(|broker| taken.contains(&broker.0)) {
        let message = format!(
            "cluster: {broker} is the node id of a controller ({} to {}). Number the brokers differently.",
            taken.start,
            taken.end - 1
        );
        faults.at(fields.place("brokers"), message);
    }
}

/// A group cannot work without `__consumer_offsets`, and Kafka creates that topic with the factor it was told.
pub(super) fn check_offsets_topic(file: &Fields<'_, '_>, faults: &mut Faults<'_>, cluster: &ClusterSpec, has_groups: bool) {
    let (factor, brokers) = (cluster.config.offsets_topic_replication_factor, cluster.brokers.len());
    if has_groups && factor as usize > brokers {
        let message = format!(
            "cluster: groups keep their bookmarks in __consumer_offsets, and the target replication factor of {factor} cannot be reached \
             because only {brokers} broker(s) are registered. Write config = {{ \"offsets.topic.replication.factor\" = {brokers} }}."
        );
        faults.at(file.place("cluster"), message);
    }
}

pub(super) fn network(file: &Fields<'_, '_>, faults: &mut Faults<'_>) -> NetworkSpec {
    let default = NetworkSpec::default();
    let Some(fields) = file.table(faults, "network", "a table of its own under [network]") else { return default };
    fields.only(faults, &["latency", "jitter"], &["link", "loss", "bandwidth"]);
    NetworkSpec {
        latency: fields.duration(faults, "latency", limits::DELAY).unwrap_or(default.latency),
        jitter: fields.duration(faults, "jitter", limits::DELAY).unwrap_or(default.jitter),
    }
}

pub(super) fn listed(brokers: &[BrokerId]) -> String {
    let ids: Vec<String> = brokers.iter().take(20).map(BrokerId::to_string).collect();
    let more = if brokers.len() > 20 { ", …" } else { "" };
    format!("{}{more}", ids.join(", "))
}
