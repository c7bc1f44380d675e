//! Every setting of Kafka 4.3, modelled or not: its type, default and valid range as Kafka's own `ConfigDef`s state them.
//!
//! [`table`](super::table) decides what the engine does; this is what Kafka says, so that a page can name it for any setting and a
//! test can hold the engine's table against it. Nothing of it is downloaded until something on the page asks.

/// Sections by scope (`## producer`); a line a setting: name, type, default, valid range.
const TABLE: &str = include_str!("kafka_4_3.tsv");

/// What Kafka says of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// `INT`, `LONG`, `SHORT`, `DOUBLE`, `BOOLEAN`, `STRING`, `CLASS`, `LIST`, `PASSWORD`.
    pub kafka_type: &'static str,
    /// As Kafka prints it, a list with commas between; `None` where it has none.
    pub default: Option<String>,
    /// `[0,...]`, `[all, -1, 0, 1]`; empty where anything goes.
    pub valid: &'static str,
}

/// A setting of a scope: `producer`, `consumer`, `admin`, `topic`, `broker`, `group`.
pub fn reference(scope: &str, name: &str) -> Option<Reference> {
    let section = TABLE.split("## ").find_map(|section| section.strip_prefix(scope)?.strip_prefix('\n'))?;
    section.lines().find_map(|line| {
        let mut columns = line.split('\t');
        if columns.next()? != name {
            return None;
        }
        let (kafka_type, default) = (columns.next()?, columns.next()?);
        let list = default.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|_| kafka_type == "LIST");
        let default = match default {
            "null" => None,
            _ => Some(list.map_or_else(|| default.to_owned(), |items| items.replace(", ", ","))),
        };
        Some(Reference { kafka_type, default, valid: columns.next().unwrap_or("") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{BrokerConfig, ConsumerConfig, ProducerConfig, Settings, TopicConfig};

    /// Words that the engine spells its own way: the class behind a partitioner or an assignor.
    const SPELLED: [&str; 2] = ["partitioner.class", "partition.assignment.strategy"];
    /// Kafka's Java clients have no such setting, or Kafka 4 none any more.
    const ELSEWHERE: [&str; 3] = ["partitioner", "leader.imbalance.per.broker.percentage", "zookeeper.session.timeout.ms"];

    fn agrees<C: Settings>() {
        for setting in C::default().describe().into_iter().filter(|setting| !ELSEWHERE.contains(&setting.key)) {
            let kafka = reference(C::SCOPE, setting.key).unwrap_or_else(|| panic!("Kafka has no {} setting {}", C::SCOPE, setting.key));
            assert_eq!(setting.kafka_type, kafka.kafka_type, "{}", setting.key);
            if !SPELLED.contains(&setting.key) {
                assert_eq!(Some(setting.default).filter(|default| default != "null"), kafka.default, "{}", setting.key);
            }
        }
    }

    #[test]
    fn what_is_modelled_has_kafkas_type_and_default() {
        agrees::<ProducerConfig>();
        agrees::<ConsumerConfig>();
        agrees::<TopicConfig>();
        agrees::<BrokerConfig>();
    }

    #[test]
    fn a_setting_belongs_to_its_scope() {
        let min_isr = reference("topic", "min.insync.replicas").expect("a topic setting");
        assert_eq!((min_isr.kafka_type, min_isr.default.as_deref(), min_isr.valid), ("INT", Some("1"), "[1,...]"));
        assert_eq!(reference("topic", "cleanup.policy").expect("a topic setting").default.as_deref(), Some("delete"));
        assert_eq!(reference("broker", "broker.rack").expect("a broker setting").default, None);
        assert_eq!(reference("topic", "acks"), None);
        assert_eq!(reference("topi", "min.insync.replicas"), None);
    }
}
