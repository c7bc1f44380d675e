//! `[[topic]]`: names by Kafka's rules, partitions and their copies.

use super::super::fault::Faults;
use super::super::names::{collision_key, shown, topic_fault};
use super::super::reader::Fields;
use super::super::{ClusterSpec, Placement, TopicSpec, limits};
use super::cluster::listed;
use super::config;
use crate::config::{Settings, TopicConfig};
use crate::ids::BrokerId;
use crate::sorted::SortedMap;

pub(in crate::scenario) const TOPIC: [&str; 5] = ["name", "partitions", "replication_factor", "replica_assignment", "config"];
/// Kafka's own topics; nobody creates them by hand.
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// Counts over all topics, so that the limits hold for their sum.
#[derive(Default)]
struct Totals {
    partitions: u64,
    replicas: u64,
    /// Names by what would collide with them.
    names: SortedMap<String, String>,
}

pub(super) fn read(file: &Fields<'_, '_>, faults: &mut Faults<'_>, cluster: &ClusterSpec) -> Vec<TopicSpec> {
    let mut totals = Totals::default();
    let tables = file.tables(faults, "topic", limits::TOPICS);
    tables.into_iter().map(|fields| topic(fields, faults, cluster, &mut totals)).collect()
}

fn topic(mut fields: Fields<'_, '_>, faults: &mut Faults<'_>, cluster: &ClusterSpec, totals: &mut Totals) -> TopicSpec {
    let name = fields.required_text(faults, "name", "name = \"trucks_gps\"").unwrap_or("").to_owned();
    fields.what = if name.is_empty() { "topic".to_owned() } else { format!("topic `{}`", shown(&name)) };
    fields.only(faults, &TOPIC, &[]);
    if fields.get("name").is_some() {
        check_name(&fields, faults, &name, totals);
    }
    let placement = placement(&fields, faults, cluster);
    totals.add(&fields, faults, &placement);
    let mut settings = TopicConfig::of(cluster.config.profile);
    config(&fields, faults, &mut settings);
    TopicSpec { name, placement, config: settings }
}

fn check_name(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, name: &str, totals: &mut Totals) {
    let place = fields.place("name");
    if fields.get("name").is_some_and(|node| node.get_ref().as_str().is_none()) {
        return;
    }
    if let Some(message) = topic_fault(name) {
        faults.at(place, message);
        return;
    }
    if INTERNAL.contains(&name) {
        faults.at(place, format!("`{name}` is Kafka's own topic and is created when it is needed. Choose another name."));
        return;
    }
    match totals.names.insert(collision_key(name), name.to_owned()) {
        Some(other) if other == name => faults.at(place, format!("Topic '{name}' already exists. Give each topic its own name.")),
        Some(other) => {
            let message = format!(
                "Topic '{name}' collides with existing topic: {other}. Their metrics would share one name; use '.' or '_', not both."
            );
            faults.at(place, message);
        }
        None => {}
    }
}

impl Totals {
    fn add(&mut self, fields: &Fields<'_, '_>, faults: &mut Faults<'_>, placement: &Placement) {
        let before = (self.partitions <= u64::from(limits::PARTITIONS), self.replicas <= limits::REPLICAS);
        self.partitions += u64::from(placement.partitions());
        self.replicas += u64::from(placement.partitions()) * u64::from(placement.replication_factor());
        let place = fields.place("partitions");
        if before.0 && self.partitions > u64::from(limits::PARTITIONS) {
            let message = format!(
                "{}: {} partitions in all topics up to here are over the limit of {}. Write fewer.",
                fields.what,
                self.partitions,
                limits::PARTITIONS
            );
            faults.at(place, message);
        } else if before.1 && self.replicas > limits::REPLICAS {
            let message = format!(
                "{}: {} copies of partitions in all topics up to here are over the limit of {}. Write fewer partitions or copies.",
                fields.what,
                self.replicas,
                limits::REPLICAS
            );
            faults.at(place, message);
        }
    }
}

fn placement(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, cluster: &ClusterSpec) -> Placement {
    if fields.get("replica_assignment").is_some() {
        for key in ["partitions", "replication_factor"] {
            if fields.get(key).is_some() {
                let message = format!("{}: `{key}` follows from `replica_assignment`. Write only one of the two.", fields.what);
                faults.at(fields.place(key), message);
            }
        }
        let partitions = assignment(fields, faults, cluster).unwrap_or_else(|| vec![vec![BrokerId(0)]]);
        return Placement::Manual(partitions);
    }
    let partitions = fields.whole(faults, "partitions", 1..=u64::from(limits::PARTITIONS), 1) as u32;
    let factor = fields.whole(faults, "replication_factor", 1..=i16::MAX as u64, 1) as u32;
    let brokers = cluster.brokers.len();
    if factor as usize > brokers {
        let refusal = match cluster.config.zookeeper() {
            true => format!("Replication factor: {factor} larger than available brokers: {brokers}."),
            false => {
                format!("The target replication factor of {factor} cannot be reached because only {brokers} broker(s) are registered.")
            }
        };
        let write = match brokers {
            0 => "Add a broker first.".to_owned(),
            _ => format!("Write replication_factor = {brokers} or less, or add brokers."),
        };
        let message = format!("{}: {refusal} {write}", fields.what);
        faults.at(fields.place("replication_factor"), message);
        return Placement::Striped { partitions, replication_factor: 1 };
    }
    Placement::Striped { partitions, replication_factor: factor }
}

/// `101:102,102:103`: partitions by commas, replicas by colons, the preferred leader first.
fn assignment(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, cluster: &ClusterSpec) -> Option<Vec<Vec<BrokerId>>> {
    const WRITE: &str = "replica_assignment = \"101:102,102:103\": partitions by commas, their replicas by colons";
    let text = fields.text(faults, "replica_assignment", WRITE)?;
    let span = fields.get("replica_assignment")?.span();
    let mut partitions: Vec<Vec<BrokerId>> = Vec::new();
    let mut at = 0;
    for part in text.split(',') {
        let place = faults.inside(&span, text, at);
        at += part.len() + 1;
        if partitions.len() >= limits::PARTITIONS as usize {
            faults.at(place, format!("{}: more partitions than the limit of {}.", fields.what, limits::PARTITIONS));
            return None;
        }
        match replicas(part, partitions.first(), &cluster.brokers) {
            Ok(replicas) => partitions.push(replicas),
            Err(why) => {
                faults.at(place, format!("{}: partition {}: {why} Write {WRITE}.", fields.what, partitions.len()));
                return None;
            }
        }
    }
    Some(partitions)
}

fn replicas(text: &str, first: Option<&Vec<BrokerId>>, known: &[BrokerId]) -> Result<Vec<BrokerId>, String> {
    let mut replicas = Vec::new();
    for word in text.split(':') {
        let id = word.trim().parse::<i32>().map(BrokerId).map_err(|_| format!("`{}` is no broker id.", shown(word)))?;
        if known.binary_search(&id).is_err() {
            return Err(format!(
                "The manual partition assignment includes broker {id}, but no such broker is registered (here: {}).",
                listed(known)
            ));
        }
        if replicas.contains(&id) {
            return Err(format!("Partition replica lists may not contain duplicate entries: {id}."));
        }
        replicas.push(id);
    }
    match first {
        Some(first) if first.len() != replicas.len() => {
            Err(format!("It has {} replicas and the first partition has {}; all must have the same number.", replicas.len(), first.len()))
        }
        _ => Ok(replicas),
    }
}
