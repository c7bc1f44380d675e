//! Reads a scenario file. Strict: unknown fields, bad values and limits are refused, all faults in one go, each with its place.
//!
//! Sections are read one after another; each checks its names against those before it. Nothing sized by the file's numbers is
//! made before those numbers passed their limits.

pub(super) mod clients;
mod cluster;
mod script;
pub(super) mod topics;

use super::fault::Faults;
use super::names::{invisible, shown};
use super::reader::{Fields, setting};
use super::toml::Table;
use super::{Cast, Scenario, ScenarioFault, limits, toml};
use crate::config::{ConfigFault, Profile, Settings};
use crate::sorted::SortedSet;

pub(super) const DEFAULT_SEED: u64 = 1;

/// KIP-966: 0 without ELR, 1 with it.
pub(super) const ELR_VERSION: &str = "eligible.leader.replicas.version";

const FIELDS: [&str; 10] = ["kafka", "title", "seed", "cluster", "network", "topic", "producer", "group", "timeline", "expect"];
/// Tables that the format promises and the engine does not have yet.
const LATER: [&str; 4] = ["connector", "stream", "lesson", "share_group"];

impl Scenario {
    /// Reads a whole file, or lists everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Scenario, Vec<ScenarioFault>> {
        let mut faults = Faults::new(text);
        if text.len() > limits::FILE {
            let message =
                format!("The file has {} bytes; the limit is {}. Write fleets instead of single clients.", text.len(), limits::FILE);
            faults.at(0, message);
            return Err(faults.located());
        }
        let (root, broken) = toml::parse(text);
        if !broken.is_empty() {
            // What could be recovered of a broken text would only give misleading faults.
            for fault in broken.iter().take(5 * limits::FAULTS) {
                let message = format!("This is not TOML: {}. A line reads key = value, with texts in quotes.", fault.message);
                faults.at(fault.at, message);
            }
            return Err(faults.located());
        }
        Self::of_tree(&root, faults)
    }

    /// Reads the tree of a text; `faults` knows the text.
    pub(super) fn of_tree(root: &Table<'_>, mut faults: Faults<'_>) -> Result<Scenario, Vec<ScenarioFault>> {
        let scenario = read(&Fields::new(root, 0..0, "the file"), &mut faults);
        if faults.none() { Ok(scenario) } else { Err(faults.located()) }
    }
}

fn read(file: &Fields<'_, '_>, faults: &mut Faults<'_>) -> Scenario {
    file.only(faults, &FIELDS, &LATER);
    let profile = profile(file, faults);
    let cluster = cluster::read(file, faults, profile);
    let topics = topics::read(file, faults, &cluster);
    let mut clients = clients::Clients::new(&topics, &cluster, profile);
    let producers = clients.producers(file, faults);
    let groups = clients.groups(file, faults);
    cluster::check_offsets_topic(file, faults, &cluster, !groups.is_empty());
    let script = script::Script { cast: Cast { cluster: &cluster, producers: &producers, groups: &groups }, topics: &topics };
    let timeline = script.timeline(file, faults);
    let expects = script.expects(file, faults, &timeline);
    Scenario {
        title: title(file, faults),
        seed: file.whole(faults, "seed", 0..=limits::SEED, DEFAULT_SEED),
        network: cluster::network(file, faults),
        cluster,
        topics,
        producers,
        groups,
        timeline,
        expects,
    }
}

fn profile(file: &Fields<'_, '_>, faults: &mut Faults<'_>) -> Profile {
    const WRITE: &str = "kafka = \"4.3\", or \"3.9\" for a cluster with ZooKeeper";
    let Some(named) = file.text(faults, "kafka", WRITE) else { return Profile::default() };
    let known = [Profile::V4_3, Profile::V3_9].into_iter().find(|profile| profile.name() == named);
    known.unwrap_or_else(|| {
        let message = format!("the file: the rules of Kafka `{}` are not modelled yet. Write {WRITE}.", shown(named));
        faults.at(file.place("kafka"), message);
        Profile::default()
    })
}

fn title(file: &Fields<'_, '_>, faults: &mut Faults<'_>) -> String {
    let title = file.text(faults, "title", "a text in quotes").unwrap_or("");
    if title.chars().count() > limits::TITLE {
        faults.at(file.place("title"), format!("the file: `title` is longer than {} characters. Shorten it.", limits::TITLE));
    }
    if title.chars().any(invisible) {
        faults.at(file.place("title"), "the file: `title` contains control or invisible characters. Write one line of plain text.");
    }
    title.to_owned()
}

/// Reads a `config` table into its struct; the keys that were given. Settings may be quoted (`"min.insync.replicas"`) or dotted.
fn config<C: Settings>(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, into: &mut C) -> SortedSet<String> {
    let mut given = SortedSet::new();
    if let Some(table) = fields.table(faults, "config", "a table, as in config = { \"acks\" = \"all\" }") {
        config_table(&fields.what, &table, "", faults, into, &mut given);
    }
    given
}

fn config_table<C: Settings>(
    what: &str,
    table: &Fields<'_, '_>,
    prefix: &str,
    faults: &mut Faults<'_>,
    into: &mut C,
    given: &mut SortedSet<String>,
) {
    for (key, node) in table.table.iter() {
        let name = format!("{prefix}{}", key.get_ref());
        if let Some(inner) = node.get_ref().as_table() {
            config_table(what, &Fields::new(inner, node.span(), what), &format!("{name}."), faults, into, given);
            continue;
        }
        let Some(value) = setting(node.get_ref()) else {
            faults.at(node.span().start, format!("{what}: `{}` takes a text, a number, true or false.", shown(&name)));
            continue;
        };
        if let Err(ConfigFault { message, key: setting }) = into.set(&name, &value) {
            let known = into.describe().iter().any(|described| described.key == setting);
            faults.at(if known { node.span().start } else { key.span().start }, format!("{what}: {message}"));
        }
        given.insert(name);
    }
}

/// Faults of several settings together stand at the setting to change, or at the table when it was not given.
fn config_faults(fields: &Fields<'_, '_>, faults: &mut Faults<'_>, found: Vec<ConfigFault>) {
    let table = fields.get("config").and_then(|node| node.get_ref().as_table());
    for fault in found {
        let place = table.and_then(|table| table.get(fault.key.as_str())).map(|node| node.span().start);
        faults.at(place.unwrap_or_else(|| fields.place("config")), format!("{}: {}", fields.what, fault.message));
    }
}
