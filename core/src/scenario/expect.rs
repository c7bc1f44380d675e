//! Expectations: `lag(location-dashboard) == 0`, parsed with the place of every fault and judged on a view.
//!
//! An expression is a quantity, a comparison and a value: a number, `none`, a list of broker ids, or a state.

mod cursor;

use super::names::{hint, shown};
use crate::view::{BrokerState, ClusterView, GroupView, PartitionView, TopicView};
use cursor::Cursor;
use std::fmt;

/// A mistake in an expression, and the byte at which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprFault {
    pub at: usize,
    pub message: String,
}

impl fmt::Display for ExprFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ExprFault {}

/// Whether an expectation held, and what was seen instead of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub holds: bool,
    /// The quantity's value at that moment, as an expression would write it.
    pub seen: String,
}

/// The names an expression may use.
pub struct Known<'k> {
    /// Topics with their partition counts, Kafka's own included.
    pub topics: &'k [(&'k str, u32)],
    pub groups: &'k [&'k str],
    pub brokers: &'k [i32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Partition,
    TopicOrPartition,
    Group,
    Broker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    /// A number or `none`.
    Broker,
    Brokers,
    GroupState,
    BrokerState,
}

/// Every quantity, what it takes and what it gives.
const QUANTITIES: [(&str, Takes, Kind); 22] = [
    ("acked_lost", Takes::Nothing, Kind::Number),
    ("sent", Takes::Nothing, Kind::Number),
    ("acked", Takes::Nothing, Kind::Number),
    ("failed", Takes::Nothing, Kind::Number),
    ("violations", Takes::Nothing, Kind::Number),
    ("under_replicated", Takes::Nothing, Kind::Number),
    ("offline", Takes::Nothing, Kind::Number),
    ("controller", Takes::Nothing, Kind::Broker),
    ("controller_epoch", Takes::Nothing, Kind::Number),
    ("broker", Takes::Broker, Kind::BrokerState),
    ("leader", Takes::Partition, Kind::Broker),
    ("leader_epoch", Takes::Partition, Kind::Number),
    ("isr", Takes::Partition, Kind::Brokers),
    ("isr_size", Takes::Partition, Kind::Number),
    ("high_watermark", Takes::Partition, Kind::Number),
    ("log_end", Takes::TopicOrPartition, Kind::Number),
    ("lag", Takes::Group, Kind::Number),
    ("delivered", Takes::Group, Kind::Number),
    ("duplicates", Takes::Group, Kind::Number),
    ("skipped", Takes::Group, Kind::Number),
    ("out_of_order", Takes::Group, Kind::Number),
    ("state", Takes::Group, Kind::GroupState),
];

const GROUP_STATES: [&str; 5] = ["Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead"];
const BROKER_STATES: [&str; 4] = ["running", "fenced", "starting", "down"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

const COMPARISONS: [(&str, Compare); 6] = [
    ("==", Compare::Equal),
    ("!=", Compare::Unequal),
    ("<=", Compare::AtMost),
    (">=", Compare::AtLeast),
    ("<", Compare::Less),
    (">", Compare::More),
];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Number(i64),
    None,
    /// Sorted: an ISR is a set.
    Brokers(Vec<i32>),
    Word(&'static str),
}

/// One expression, ready to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    quantity: &'static str,
    topic: String,
    partition: Option<u32>,
    group: String,
    broker: i32,
    compare: Compare,
    value: Value,
}

/// Parses and judges in one go. Names that are not in the view are faults, as they are when a file is read.
pub fn judge(expect: &str, view: &ClusterView) -> Result<Verdict, ExprFault> {
    let topics: Vec<(&str, u32)> = view.topics.iter().map(|topic| (topic.name.as_str(), topic.partitions.len() as u32)).collect();
    let groups: Vec<&str> = view.groups.iter().map(|group| group.name.as_str()).collect();
    let brokers: Vec<i32> = view.brokers.iter().map(|broker| broker.id).collect();
    Ok(Expression::parse(expect, &Known { topics: &topics, groups: &groups, brokers: &brokers })?.judge(view))
}

impl Expression {
    pub fn parse(text: &str, known: &Known<'_>) -> Result<Self, ExprFault> {
        let mut cursor = Cursor { text, at: 0 };
        let start = cursor.skip();
        let word = cursor.take(|c| c.is_ascii_alphanumeric() || c == '_');
        let names = || QUANTITIES.map(|(name, ..)| name);
        let (quantity, takes, kind) = *QUANTITIES
            .iter()
            .find(|(name, ..)| *name == word)
            .ok_or_else(|| cursor.fault(start, format!("`{}` is nothing that can be expected. {}", shown(word), hint(word, &names()))))?;
        let mut expression = Expression {
            quantity,
            topic: String::new(),
            partition: None,
            group: String::new(),
            broker: 0,
            compare: Compare::Equal,
            value: Value::None,
        };
        expression.arguments(&mut cursor, takes, known)?;
        expression.compare = cursor.comparison(kind)?;
        expression.value = cursor.value(kind)?;
        let end = cursor.skip();
        match cursor.rest().is_empty() {
            true => Ok(expression),
            false => Err(cursor.fault(end, format!("`{}` is too much. Write one comparison an expression.", shown(cursor.rest())))),
        }
    }

    fn arguments(&mut self, cursor: &mut Cursor<'_>, takes: Takes, known: &Known<'_>) -> Result<(), ExprFault> {
        let form = match takes {
            Takes::Nothing => return Ok(()),
            Takes::Partition => format!("{}(topic, partition)", self.quantity),
            Takes::TopicOrPartition => format!("{0}(topic) or {0}(topic, partition)", self.quantity),
            Takes::Group => format!("{}(group)", self.quantity),
            Takes::Broker => format!("{}(id)", self.quantity),
        };
        let name = |c: char| !c.is_whitespace() && !"(),".contains(c);
        let write = |cursor: &Cursor<'_>, at| cursor.fault(at, format!("Write {form}."));
        let at = cursor.skip();
        if !cursor.eat("(") {
            return Err(write(cursor, at));
        }
        let at = cursor.skip();
        let first = cursor.take(name);
        match takes {
            Takes::Group => {
                if !known.groups.contains(&first) {
                    return Err(cursor.fault(at, format!("There is no group `{}`. {}", shown(first), hint(first, known.groups))));
                }
                first.clone_into(&mut self.group);
            }
            Takes::Broker => {
                self.broker = first.parse().map_err(|_| write(cursor, at))?;
                if !known.brokers.contains(&self.broker) {
                    return Err(cursor.fault(at, format!("There is no broker {first}. Brokers here: {}.", listed(known.brokers))));
                }
            }
            _ => self.partition_arguments(cursor, takes, known, at, first, &form)?,
        }
        let at = cursor.skip();
        if cursor.eat(")") { Ok(()) } else { Err(write(cursor, at)) }
    }

    fn partition_arguments(
        &mut self,
        cursor: &mut Cursor<'_>,
        takes: Takes,
        known: &Known<'_>,
        at: usize,
        topic: &str,
        form: &str,
    ) -> Result<(), ExprFault> {
        let Some((_, partitions)) = known.topics.iter().find(|(name, _)| *name == topic) else {
            let names: Vec<&str> = known.topics.iter().map(|(name, _)| *name).collect();
            return Err(cursor.fault(at, format!("There is no topic `{}`. {}", shown(topic), hint(topic, &names))));
        };
        topic.clone_into(&mut self.topic);
        let at = cursor.skip();
        if !cursor.eat(",") {
            return if takes == Takes::TopicOrPartition { Ok(()) } else { Err(cursor.fault(at, format!("Write {form}."))) };
        }
        let at = cursor.skip();
        let number = cursor.take(|c| c.is_ascii_digit());
        let partition: u32 = number.parse().map_err(|_| cursor.fault(at, format!("Write {form}, the partition as a number.")))?;
        if partition >= *partitions {
            let message = format!("`{topic}` has no partition {partition}. Write 0 to {}.", partitions.saturating_sub(1));
            return Err(cursor.fault(at, message));
        }
        self.partition = Some(partition);
        Ok(())
    }

    pub fn judge(&self, view: &ClusterView) -> Verdict {
        let seen = self.seen(view);
        let holds = match (&seen, &self.value) {
            (Some(Value::Number(seen)), Value::Number(value)) => self.compare.holds(seen.cmp(value)),
            (Some(seen), value) => (seen == value) == (self.compare == Compare::Equal),
            (None, _) => false,
        };
        Verdict { holds, seen: seen.map_or_else(|| "not there".to_owned(), |seen| seen.to_string()) }
    }

    /// `None` when the view does not (or no longer) have the thing.
    fn seen(&self, view: &ClusterView) -> Option<Value> {
        let number = |n: u64| Some(Value::Number(i64::try_from(n).unwrap_or(i64::MAX)));
        let broker = |id: Option<i32>| Some(id.map_or(Value::None, |id| Value::Number(i64::from(id))));
        let by_group = |counts: &crate::sorted::SortedMap<String, u64>| number(counts.get(&self.group).copied().unwrap_or(0));
        let partitions = || view.topics.iter().flat_map(|topic| &topic.partitions);
        let ledger = &view.ledger;
        match self.quantity {
            "acked_lost" => number(ledger.acked_lost_total),
            "sent" => number(ledger.sent),
            "acked" => number(ledger.acked),
            "failed" => number(ledger.failed),
            "violations" => number(view.violations.len() as u64),
            "under_replicated" => number(partitions().filter(|p| p.isr.len() < p.replicas.len()).count() as u64),
            "offline" => number(partitions().filter(|p| p.leader.is_none()).count() as u64),
            "controller" => broker(view.controllers.leader),
            "controller_epoch" => Some(Value::Number(i64::from(view.controllers.epoch))),
            "broker" => view.brokers.iter().find(|b| b.id == self.broker).map(|b| Value::Word(broker_word(b.state))),
            "leader" => broker(self.partition(view)?.leader),
            "leader_epoch" => Some(Value::Number(i64::from(self.partition(view)?.leader_epoch))),
            "isr" => {
                let mut isr = self.partition(view)?.isr.clone();
                crate::sorted::settle(&mut isr, i32::lt);
                Some(Value::Brokers(isr))
            }
            "isr_size" => number(self.partition(view)?.isr.len() as u64),
            "high_watermark" => number(self.partition(view)?.high_watermark),
            "log_end" if self.partition.is_some() => number(self.partition(view)?.log_end),
            "log_end" => number(self.topic(view)?.partitions.iter().map(|p| p.log_end).sum()),
            "lag" => number(self.group(view).map(lag)?),
            "delivered" => by_group(&ledger.delivered),
            "duplicates" => by_group(&ledger.duplicates),
            "skipped" => by_group(&ledger.skipped),
            "out_of_order" => by_group(&ledger.out_of_order),
            _ => {
                let group = self.group(view)?;
                GROUP_STATES.iter().find(|state| **state == group.state).map(|state| Value::Word(state))
            }
        }
    }

    fn topic<'v>(&self, view: &'v ClusterView) -> Option<&'v TopicView> {
        view.topics.iter().find(|topic| topic.name == self.topic)
    }

    fn partition<'v>(&self, view: &'v ClusterView) -> Option<&'v PartitionView> {
        self.topic(view)?.partitions.get(self.partition? as usize)
    }

    fn group<'v>(&self, view: &'v ClusterView) -> Option<&'v GroupView> {
        view.groups.iter().find(|group| group.name == self.group)
    }
}

/// All partitions together; where nothing was committed yet, everything is still to come.
fn lag(group: &GroupView) -> u64 {
    group.offsets.values().flatten().map(|offset| offset.lag.unwrap_or(offset.log_end)).sum()
}

fn broker_word(state: BrokerState) -> &'static str {
    match state {
        BrokerState::Running => BROKER_STATES[0],
        BrokerState::Fenced => BROKER_STATES[1],
        BrokerState::Starting => BROKER_STATES[2],
        BrokerState::Down => BROKER_STATES[3],
    }
}

fn listed(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
}

impl Compare {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Compare::Equal => order.is_eq(),
            Compare::Unequal => order.is_ne(),
            Compare::Less => order.is_lt(),
            Compare::AtMost => order.is_le(),
            Compare::More => order.is_gt(),
            Compare::AtLeast => order.is_ge(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => number.fmt(f),
            Value::None => f.write_str("none"),
            Value::Brokers(ids) => write!(f, "[{}]", listed(ids)),
            Value::Word(word) => f.write_str(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{BrokerView, ControllersView, GroupOffsetView};

    fn view() -> ClusterView {
        let partition = |partition, leader, isr: &[i32]| PartitionView {
            partition,
            leader,
            isr: isr.to_vec(),
            replicas: vec![1, 2],
            log_end: 5,
            ..Default::default()
        };
        let offset = |lag| GroupOffsetView { lag, log_end: 5, ..Default::default() };
        ClusterView {
            brokers: vec![BrokerView { id: 1, ..Default::default() }, BrokerView { id: 2, state: BrokerState::Down, ..Default::default() }],
            controllers: ControllersView { leader: Some(3001), ..Default::default() },
            topics: vec![TopicView {
                name: "a.b-c".to_owned(),
                partitions: vec![partition(0, Some(1), &[2, 1]), partition(1, None, &[])],
                ..Default::default()
            }],
            groups: vec![GroupView {
                name: "dash-board".to_owned(),
                state: "Stable".to_owned(),
                offsets: [("a.b-c".to_owned(), vec![offset(Some(2)), offset(None)])].into(),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    #[test]
    fn quantities_are_read_from_the_view() {
        for holds in [
            "acked_lost == 0",
            "leader(a.b-c, 0) == 1",
            "leader(a.b-c,1)==none",
            "isr(a.b-c, 0) == [1, 2]",
            "isr(a.b-c, 1) == []",
            "isr_size(a.b-c, 0) >= 2",
            "lag(dash-board) == 7",
            "state(dash-board) == Stable",
            "log_end(a.b-c) == 10",
            "log_end(a.b-c, 1) < 6",
            "broker(1) == running",
            "broker(2) != running",
            "controller == 3001",
            "offline == 1",
            "duplicates(dash-board) <= 0",
        ] {
            assert_eq!(judge(holds, &view()).map(|v| v.holds), Ok(true), "{holds}");
        }
        let verdict = judge("leader(a.b-c, 0) == 2", &view()).unwrap();
        assert_eq!((verdict.holds, verdict.seen.as_str()), (false, "1"));
    }

    #[test]
    fn mistakes_are_located() {
        for (text, at, part) in [
            ("acked_lst == 0", 0, "Did you mean `acked_lost`?"),
            ("leader(nope, 0) == 1", 7, "no topic `nope`"),
            ("leader(a.b-c, 2) == 1", 14, "Write 0 to 1"),
            ("leader(a.b-c) == 1", 12, "leader(topic, partition)"),
            ("lag(dashboard) == 0", 4, "Did you mean `dash-board`?"),
            ("broker(9) == running", 7, "Brokers here: 1, 2"),
            ("broker(1) == up", 13, "running, fenced, starting, down"),
            ("state(dash-board) > Stable", 18, "Write == or !="),
            ("acked_lost = 0", 11, "comparison is missing"),
            ("acked_lost == zero", 14, "whole number"),
            ("acked_lost == 0 and sent == 1", 16, "too much"),
            ("", 0, "nothing that can be expected"),
        ] {
            let fault = judge(text, &view()).unwrap_err();
            assert_eq!(fault.at, at, "{text}: {fault}");
            assert!(fault.message.contains(part), "{text}: {fault}");
        }
    }
}
