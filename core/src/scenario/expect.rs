//! Expectations: `lag(location-dashboard) == 0`, parsed with the place of every fault and judged on a view.
//!
//! An expression is a quantity, a comparison and a value: a number, `none`, a list of broker ids, or a state. What happened is
//! counted: `events(broker_fenced)`, `events(leader_elected, trucks_gps-3)`, `events("larger than available brokers")`.

mod cursor;

use super::names::{hint, shown};
use crate::trace::EventKind;
use crate::view::{BrokerState, ClientView, ClusterView, EventView, GroupOffsetView, GroupView, PartitionView, TopicView};
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
    /// Producers and members of groups.
    pub clients: &'k [&'k str],
    pub brokers: &'k [i32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Partition,
    TopicOrPartition,
    Group,
    /// A group, a topic and a partition of it.
    GroupPartition,
    Broker,
    /// A client, or the members of a group together.
    Client,
    /// One of those, or everybody.
    ClientOrNothing,
    ClientAndError,
    ClientAndBroker,
    /// A kind of event and perhaps its subject, or a part of its text.
    Event,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    /// A number or `none`.
    Broker,
    Offset,
    Brokers,
    GroupState,
    BrokerState,
}

/// Every quantity, what it takes and what it gives.
const QUANTITIES: [(&str, Takes, Kind); 36] = [
    ("acked_lost", Takes::ClientOrNothing, Kind::Number),
    ("unwritten", Takes::Nothing, Kind::Number),
    ("sent", Takes::ClientOrNothing, Kind::Number),
    ("acked", Takes::ClientOrNothing, Kind::Number),
    ("failed", Takes::ClientOrNothing, Kind::Number),
    ("retries", Takes::Client, Kind::Number),
    ("errors", Takes::ClientAndError, Kind::Number),
    ("requests", Takes::ClientAndBroker, Kind::Number),
    ("events", Takes::Event, Kind::Number),
    ("violations", Takes::Nothing, Kind::Number),
    ("under_replicated", Takes::Nothing, Kind::Number),
    ("offline", Takes::Nothing, Kind::Number),
    ("controller", Takes::Nothing, Kind::Broker),
    ("controller_epoch", Takes::Nothing, Kind::Number),
    ("broker", Takes::Broker, Kind::BrokerState),
    ("leader", Takes::Partition, Kind::Broker),
    ("leader_epoch", Takes::Partition, Kind::Number),
    ("replicas", Takes::Partition, Kind::Brokers),
    ("isr", Takes::Partition, Kind::Brokers),
    ("elr", Takes::Partition, Kind::Brokers),
    ("isr_size", Takes::Partition, Kind::Number),
    ("high_watermark", Takes::Partition, Kind::Number),
    ("readable", Takes::Partition, Kind::Number),
    ("log_end", Takes::TopicOrPartition, Kind::Number),
    ("log_start", Takes::TopicOrPartition, Kind::Number),
    ("lag", Takes::Group, Kind::Number),
    ("delivered", Takes::Group, Kind::Number),
    ("duplicates", Takes::Group, Kind::Number),
    ("skipped", Takes::Group, Kind::Number),
    ("out_of_order", Takes::Group, Kind::Number),
    ("deleted_unread", Takes::Group, Kind::Number),
    ("state", Takes::Group, Kind::GroupState),
    ("members", Takes::Group, Kind::Number),
    ("owned", Takes::Client, Kind::Number),
    ("committed", Takes::GroupPartition, Kind::Offset),
    ("position", Takes::GroupPartition, Kind::Offset),
];

const GROUP_STATES: [&str; 7] = ["Empty", "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling", "Stable", "Dead"];

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
    /// A group or a client.
    name: String,
    /// An error, the kind of an event, or a part of its text.
    word: String,
    /// Of an event; empty for any.
    subject: String,
    broker: i32,
    compare: Compare,
    value: Value,
}

/// Parses and judges in one go. Names that are not in the view are faults, as they are when a file is read.
pub fn judge(expect: &str, view: &ClusterView, events: &[EventView]) -> Result<Verdict, ExprFault> {
    let topics: Vec<(&str, u32)> = view.topics.iter().map(|topic| (topic.name.as_str(), topic.partitions.len() as u32)).collect();
    let groups: Vec<&str> = view.groups.iter().map(|group| group.name.as_str()).collect();
    let clients: Vec<&str> = view.clients.iter().map(|client| client.name.as_str()).collect();
    let brokers: Vec<i32> = view.brokers.iter().map(|broker| broker.id).collect();
    Ok(Expression::parse(expect, &Known { topics: &topics, groups: &groups, clients: &clients, brokers: &brokers })?.judge(view, events))
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
            name: String::new(),
            word: String::new(),
            subject: String::new(),
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
            Takes::GroupPartition => format!("{}(group, topic, partition)", self.quantity),
            Takes::Broker => format!("{}(id)", self.quantity),
            Takes::Client => format!("{}(client)", self.quantity),
            Takes::ClientOrNothing => format!("{0} or {0}(client)", self.quantity),
            Takes::ClientAndError => format!("{}(client, NOT_LEADER_OR_FOLLOWER)", self.quantity),
            Takes::ClientAndBroker => format!("{}(client, id)", self.quantity),
            Takes::Event => format!("{0}(leader_elected) or {0}(leader_elected, subject) or {0}(\"part of the text\")", self.quantity),
        };
        let name = |c: char| !c.is_whitespace() && !"(),".contains(c);
        let write = |cursor: &Cursor<'_>, at| cursor.fault(at, format!("Write {form}."));
        let at = cursor.skip();
        if !cursor.eat("(") {
            return if takes == Takes::ClientOrNothing { Ok(()) } else { Err(write(cursor, at)) };
        }
        let at = cursor.skip();
        if takes == Takes::Event && cursor.eat("\"") {
            self.subject.push('"');
            cursor.take(|c| c != '"').clone_into(&mut self.word);
            let closed = cursor.eat("\"") && !self.word.is_empty();
            cursor.skip();
            return if closed && cursor.eat(")") { Ok(()) } else { Err(write(cursor, at)) };
        }
        let first = cursor.take(name);
        match takes {
            Takes::Event => {
                let kinds = EventKind::ALL.map(EventKind::name);
                if !kinds.contains(&first) {
                    return Err(cursor.fault(at, format!("`{}` is no kind of event. {}", shown(first), hint(first, &kinds))));
                }
                first.clone_into(&mut self.word);
                if cursor.eat(",") {
                    cursor.skip();
                    cursor.take(|c| c != ')').trim_end().clone_into(&mut self.subject);
                }
            }
            Takes::Client | Takes::ClientOrNothing | Takes::ClientAndError | Takes::ClientAndBroker => {
                if !known.clients.contains(&first) && !known.groups.contains(&first) {
                    let near: Vec<&str> = known.clients.iter().chain(known.groups).copied().take(1_000).collect();
                    return Err(cursor.fault(at, format!("There is no client `{}`. {}", shown(first), hint(first, &near))));
                }
                first.clone_into(&mut self.name);
                self.of_client(cursor, takes, known, &form)?;
            }
            Takes::Group | Takes::GroupPartition => {
                if !known.groups.contains(&first) {
                    return Err(cursor.fault(at, format!("There is no group `{}`. {}", shown(first), hint(first, known.groups))));
                }
                first.clone_into(&mut self.name);
                if takes == Takes::GroupPartition {
                    let comma = cursor.skip();
                    if !cursor.eat(",") {
                        return Err(write(cursor, comma));
                    }
                    let at = cursor.skip();
                    let topic = cursor.take(name);
                    self.partition_arguments(cursor, takes, known, at, topic, &form)?;
                }
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

    /// What is asked about a client.
    fn of_client(&mut self, cursor: &mut Cursor<'_>, takes: Takes, known: &Known<'_>, form: &str) -> Result<(), ExprFault> {
        if matches!(takes, Takes::Client | Takes::ClientOrNothing) {
            return Ok(());
        }
        let at = cursor.skip();
        let comma = cursor.eat(",");
        let second_at = cursor.skip();
        let second = cursor.take(|c| c.is_ascii_alphanumeric() || c == '_');
        if !comma || second.is_empty() {
            return Err(cursor.fault(at, format!("Write {form}.")));
        }
        if takes == Takes::ClientAndError {
            second.clone_into(&mut self.word);
            return match second.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
                true => Ok(()),
                false => Err(cursor.fault(second_at, format!("Write the error by Kafka's name: {form}."))),
            };
        }
        self.broker = second.parse().map_err(|_| cursor.fault(second_at, format!("Write {form}.")))?;
        match known.brokers.contains(&self.broker) {
            true => Ok(()),
            false => Err(cursor.fault(second_at, format!("There is no broker {second}. Brokers here: {}.", listed(known.brokers)))),
        }
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

    pub fn judge(&self, view: &ClusterView, events: &[EventView]) -> Verdict {
        let seen = self.seen(view, events);
        let holds = match (&seen, &self.value) {
            (Some(Value::Number(seen)), Value::Number(value)) => self.compare.holds(seen.cmp(value)),
            (Some(seen), value) => (seen == value) == (self.compare == Compare::Equal),
            (None, _) => false,
        };
        Verdict { holds, seen: seen.map_or_else(|| "not there".to_owned(), |seen| seen.to_string()) }
    }

    /// `None` when the view does not (or no longer) have the thing.
    fn seen(&self, view: &ClusterView, events: &[EventView]) -> Option<Value> {
        let number = |n: u64| Some(Value::Number(i64::try_from(n).unwrap_or(i64::MAX)));
        let broker = |id: Option<i32>| Some(id.map_or(Value::None, |id| Value::Number(i64::from(id))));
        let by_group = |counts: &crate::sorted::SortedMap<String, u64>| number(counts.get(&self.name).copied().unwrap_or(0));
        let partitions = || view.topics.iter().flat_map(|topic| &topic.partitions);
        let ledger = &view.ledger;
        match self.quantity {
            "retries" => self.summed(view, |client| client.retries),
            "errors" => self.summed(view, |client| client.errors.get(&self.word).copied().unwrap_or(0)),
            "requests" => self.summed(view, |client| client.requests.get(&self.broker).copied().unwrap_or(0)),
            "events" => number(events.iter().filter(|event| self.is_meant(event)).count() as u64),
            "acked_lost" if !self.name.is_empty() => {
                number(ledger.acked_lost.iter().filter(|lost| lost.client == self.name).count() as u64)
            }
            "sent" if !self.name.is_empty() => self.summed(view, |client| client.sent),
            "acked" if !self.name.is_empty() => self.summed(view, |client| client.acked),
            "failed" if !self.name.is_empty() => self.summed(view, |client| client.failed),
            "acked_lost" => number(ledger.acked_lost_total),
            "unwritten" => number(ledger.unwritten),
            "sent" => number(ledger.sent),
            "acked" => number(ledger.acked),
            "failed" => number(ledger.failed),
            "violations" => number(view.violations.len() as u64),
            "under_replicated" => number(partitions().filter(|p| p.isr.len() < p.replicas.len()).count() as u64),
            "offline" => number(partitions().filter(|p| p.leader.is_none()).count() as u64),
            "controller" => broker(view.controllers.leader),
            "controller_epoch" => Some(Value::Number(i64::from(view.controllers.epoch))),
            "broker" => view.brokers.iter().find(|b| b.id == self.broker).map(|b| Value::Word(b.state.name())),
            "leader" => broker(self.partition(view)?.leader),
            "leader_epoch" => Some(Value::Number(i64::from(self.partition(view)?.leader_epoch))),
            "replicas" => Some(brokers(&self.partition(view)?.replicas)),
            "isr" => Some(brokers(&self.partition(view)?.isr)),
            "elr" => Some(brokers(&self.partition(view)?.elr)),
            "readable" => {
                let partition = self.partition(view)?;
                let readable = partition.high_watermark - partition.log_start;
                number(if partition.leader.is_some() { readable } else { 0 })
            }
            "isr_size" => number(self.partition(view)?.isr.len() as u64),
            "high_watermark" => number(self.partition(view)?.high_watermark),
            "log_end" if self.partition.is_some() => number(self.partition(view)?.log_end),
            "log_end" => number(self.topic(view)?.partitions.iter().map(|p| p.log_end).sum()),
            "log_start" if self.partition.is_some() => number(self.partition(view)?.log_start),
            "log_start" => number(self.topic(view)?.partitions.iter().map(|p| p.log_start).sum()),
            "lag" => number(self.group(view).map(lag)?),
            "delivered" => by_group(&ledger.delivered),
            "duplicates" => by_group(&ledger.duplicates),
            "skipped" => by_group(&ledger.skipped),
            "deleted_unread" => by_group(&ledger.deleted_unread),
            "out_of_order" => by_group(&ledger.out_of_order),
            "members" => number(self.group(view)?.members.iter().filter(|member| !member.member_id.is_empty()).count() as u64),
            "owned" => {
                let meant = |group: &&GroupView, client: &str| group.name == self.name || client == self.name;
                let members = view.groups.iter().flat_map(|group| group.members.iter().map(move |member| (group, member)));
                let owned =
                    members.filter(|(group, member)| meant(group, &member.client)).flat_map(|(_, member)| member.assignment.values());
                number(owned.map(Vec::len).sum::<usize>() as u64)
            }
            "committed" => Some(offset(self.group_offset(view)?.committed)),
            "position" => Some(offset(self.group_offset(view)?.position)),
            _ => {
                let group = self.group(view)?;
                GROUP_STATES.iter().find(|state| **state == group.state).map(|state| Value::Word(state))
            }
        }
    }

    /// Over the client, or the members of the group, of that name.
    fn summed(&self, view: &ClusterView, count: impl Fn(&ClientView) -> u64) -> Option<Value> {
        let meant = |client: &&ClientView| client.name == self.name || client.group.as_ref() == Some(&self.name);
        let sum: u64 = view.clients.iter().filter(meant).map(count).sum();
        Some(Value::Number(i64::try_from(sum).unwrap_or(i64::MAX)))
    }

    fn is_meant(&self, event: &EventView) -> bool {
        match self.subject.as_str() {
            "\"" => event.text.contains(&self.word),
            subject => event.kind == self.word && (subject.is_empty() || event.subject == subject),
        }
    }

    fn topic<'v>(&self, view: &'v ClusterView) -> Option<&'v TopicView> {
        view.topics.iter().find(|topic| topic.name == self.topic)
    }

    fn partition<'v>(&self, view: &'v ClusterView) -> Option<&'v PartitionView> {
        self.topic(view)?.partitions.get(self.partition? as usize)
    }

    fn group_offset<'v>(&self, view: &'v ClusterView) -> Option<&'v GroupOffsetView> {
        self.group(view)?.offsets.get(&self.topic)?.get(self.partition? as usize)
    }

    fn group<'v>(&self, view: &'v ClusterView) -> Option<&'v GroupView> {
        view.groups.iter().find(|group| group.name == self.name)
    }
}

fn offset(offset: Option<u64>) -> Value {
    offset.map_or(Value::None, |offset| Value::Number(i64::try_from(offset).unwrap_or(i64::MAX)))
}

/// Sorted: as a set.
fn brokers(ids: &[i32]) -> Value {
    let mut ids = ids.to_vec();
    crate::sorted::settle(&mut ids, i32::lt);
    Value::Brokers(ids)
}

/// All partitions together; where nothing was committed yet, everything is still to come.
fn lag(group: &GroupView) -> u64 {
    group.offsets.values().flatten().map(|offset| offset.lag.unwrap_or(offset.log_end)).sum()
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
            high_watermark: 4,
            ..Default::default()
        };
        let client = ClientView {
            name: "p".to_owned(),
            acked: 3,
            retries: 4,
            errors: [("NETWORK_EXCEPTION".to_owned(), 2)].into(),
            requests: [(1, 9)].into(),
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
            clients: vec![client],
            groups: vec![GroupView {
                name: "dash-board".to_owned(),
                state: "Stable".to_owned(),
                offsets: [("a.b-c".to_owned(), vec![offset(Some(2)), offset(None)])].into(),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    fn events() -> Vec<EventView> {
        let event = |kind: &str, subject: &str, text: &str| EventView {
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            text: text.to_owned(),
            ..Default::default()
        };
        vec![event("leader_elected", "a.b-c-0", "2 leads now."), event("fault", "2", "Broker 2 crashed. Its disk is still there.")]
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
            "acked(p) == 3",
            "retries(p) == 4",
            "errors(p, NETWORK_EXCEPTION) == 2",
            "errors(p, NOT_ENOUGH_REPLICAS) == 0",
            "requests(p, 1) == 9",
            "requests(dash-board, 2) == 0",
            "acked_lost(p) == 0",
            "replicas(a.b-c, 0) == [1, 2]",
            "elr(a.b-c, 0) == []",
            "readable(a.b-c, 0) == 4",
            "readable(a.b-c, 1) == 0",
            "events(leader_elected) == 1",
            "events(leader_elected, a.b-c-0) == 1",
            "events(leader_elected, a.b-c-1) == 0",
            "events(\"Broker 2 crashed\") == 1",
            "events(\"never\") == 0",
        ] {
            assert_eq!(judge(holds, &view(), &events()).map(|v| v.holds), Ok(true), "{holds}");
        }
        let verdict = judge("leader(a.b-c, 0) == 2", &view(), &[]).unwrap();
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
            ("acked(q) == 0", 6, "There is no client `q`"),
            ("errors(p) == 0", 8, "Write errors(client, NOT_LEADER_OR_FOLLOWER)"),
            ("errors(p, oops) == 0", 10, "by Kafka's name"),
            ("requests(p, 9) == 0", 12, "Brokers here: 1, 2"),
            ("events(leader) == 0", 7, "`leader` is no kind of event"),
            ("events(\"x) == 0", 7, "Write events(leader_elected)"),
            ("acked_lost = 0", 11, "comparison is missing"),
            ("acked_lost == zero", 14, "whole number"),
            ("acked_lost == 0 and sent == 1", 16, "too much"),
            ("", 0, "nothing that can be expected"),
        ] {
            let fault = judge(text, &view(), &[]).unwrap_err();
            assert_eq!(fault.at, at, "{text}: {fault}");
            assert!(fault.message.contains(part), "{text}: {fault}");
        }
    }
}
