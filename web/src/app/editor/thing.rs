//! What on the stage can be acted on, found by the places the stage gives its elements.

use crate::app::model::{Mirror, Shared};
pub use crate::app::stage::producers::fleet;
use playground_core::view::{ClientKind, ClientView, Subject};
use web_sys::Element;

#[derive(Clone, Debug, PartialEq)]
pub enum Thing {
    /// No thing: the stage itself.
    Stage,
    Broker(i32),
    Topic(String),
    Partition(String, u32),
    Record(String, u32, u64),
    /// A producer, or the member of a group.
    Client(String),
    /// Producers that share a name.
    Fleet(String),
    Group(String),
}

impl Thing {
    /// The innermost thing an element belongs to; none outside the stage.
    pub fn of(element: &Element) -> Option<Thing> {
        let record = element.closest("[id^=cell-]").ok().flatten().and_then(|cell| record(&cell.id()));
        // A row's head and its strip are the partition; its chips are copies of it.
        let row = || element.closest(".row").ok().flatten()?.query_selector("[data-at^='window:']").ok().flatten();
        let place = || row().or_else(|| element.closest("[data-at]").ok().flatten())?.get_attribute("data-at");
        let stage = || element.closest(".stage").ok().flatten().map(|_| Thing::Stage);
        record.or_else(|| at(&place()?)).or_else(stage)
    }

    pub fn name(&self) -> String {
        match self {
            Thing::Stage => "The cluster".to_owned(),
            Thing::Broker(id) => format!("Broker {id}"),
            Thing::Topic(name) => format!("Topic {name}"),
            Thing::Partition(topic, partition) => format!("{topic}-{partition}"),
            Thing::Record(topic, partition, offset) => format!("{topic}-{partition}@{offset}"),
            Thing::Client(name) => name.clone(),
            Thing::Fleet(name) => format!("Fleet {name}"),
            Thing::Group(name) => format!("Group {name}"),
        }
    }

    /// What the inspector shows of it.
    pub fn subject(&self) -> Option<Subject> {
        Some(match self {
            Thing::Broker(id) => Subject::Broker(*id),
            Thing::Partition(topic, partition) => Subject::Partition { topic: topic.clone(), partition: *partition },
            Thing::Record(topic, partition, offset) => Subject::Record { topic: topic.clone(), partition: *partition, offset: *offset },
            Thing::Client(name) => Subject::Client(name.clone()),
            Thing::Group(name) => Subject::Group(name.clone()),
            Thing::Stage | Thing::Topic(_) | Thing::Fleet(_) => return None,
        })
    }

    pub fn of_subject(subject: &Subject) -> Thing {
        match subject.clone() {
            Subject::Broker(id) => Thing::Broker(id),
            Subject::Partition { topic, partition } => Thing::Partition(topic, partition),
            Subject::Record { topic, partition, offset } => Thing::Record(topic, partition, offset),
            Subject::Client(name) => Thing::Client(name),
            Subject::Group(name) => Thing::Group(name),
        }
    }

    /// Whose application it is: a member's group, a producer's fleet, else the thing itself.
    pub fn whole(&self, mirror: &Mirror) -> Thing {
        match self {
            Thing::Client(name) => {
                match mirror.clients.iter().find(|client| client.name == *name).and_then(|client| client.group.clone()) {
                    Some(group) => Thing::Group(group),
                    None => Thing::Fleet(fleet(name).to_owned()),
                }
            }
            other => other.clone(),
        }
    }
}

/// `cell-orders-3-17`.
fn record(id: &str) -> Option<Thing> {
    let (rest, offset) = id.strip_prefix("cell-")?.rsplit_once('-')?;
    let (topic, partition) = rest.rsplit_once('-')?;
    Some(Thing::Record(topic.to_owned(), partition.parse().ok()?, offset.parse().ok()?))
}

/// `client:truck-1`, `copy:orders:3:102`.
fn at(place: &str) -> Option<Thing> {
    let (kind, name) = place.split_once(':')?;
    let partition = |text: &str| {
        let (topic, partition) = text.rsplit_once(':')?;
        Some(Thing::Partition(topic.to_owned(), partition.parse().ok()?))
    };
    match kind {
        "broker" => name.parse().ok().map(Thing::Broker),
        "client" => Some(Thing::Client(name.to_owned())),
        "fleet" => Some(Thing::Fleet(name.to_owned())),
        "topic" => Some(Thing::Topic(name.to_owned())),
        "group" => Some(Thing::Group(name.to_owned())),
        "copy" => partition(name.rsplit_once(':')?.0),
        "strip" | "window" | "row" => partition(name),
        _ => None,
    }
}

pub fn producers(mirror: &Mirror) -> impl Iterator<Item = &Shared<ClientView>> {
    mirror.clients.iter().filter(|client| client.kind == ClientKind::Producer)
}

/// Fleets and single producers, in the order of the stage.
pub fn fleets(mirror: &Mirror) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for client in producers(mirror) {
        let name = fleet(&client.name);
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// As `add` and `remove` call a fleet: `shop-{1..5}`, or a single producer's own name.
pub fn written(mirror: &Mirror, name: &str) -> String {
    let mut numbers: Vec<u32> =
        producers(mirror).filter_map(|client| client.name.strip_prefix(name)?.strip_prefix('-')?.parse().ok()).collect();
    playground_core::sorted::settle(&mut numbers, |a, b| a < b);
    match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) => format!("{name}-{{{first}..{last}}}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_on_the_stage_names_its_thing() {
        assert_eq!(at("broker:102"), Some(Thing::Broker(102)));
        assert_eq!(at("copy:a-b:3:102"), Some(Thing::Partition("a-b".into(), 3)));
        assert_eq!(at("strip:a:0"), Some(Thing::Partition("a".into(), 0)));
        assert_eq!(at("gutter:in"), None);
        assert_eq!(record("cell-a-b-3-17"), Some(Thing::Record("a-b".into(), 3, 17)));
    }
}
