//! One shell line as one command. A line that is none says which word is wrong and what to write.

use super::words::{Word, Words, unquoted};
use super::{cast, kafka, reading};
use crate::command::{ACTS, Act, Command, Deed, DiskFault, KINDS, LinkFault, Path, SeekTo, Who};
use crate::ids::BrokerId;
use crate::scenario::names::{hint, shown};
use crate::scenario::{BadRecord, MISHAPS, Mishap, Poison, limits};
use crate::time::SimDuration;
use std::fmt;

/// Why a line is no command, and the byte of the word to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    pub at: usize,
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ParseError {}

type Read = fn(&mut Words<'_>) -> Result<Command, ParseError>;

/// What Kafka has no command for; its own tools are in [`kafka`].
const VERBS: [(&str, &str, Read); 19] = [
    ("cut", "cut 101 102", |words| link(words, |_| Ok(LinkFault::Cut))),
    ("slow", "slow 101 102 200ms", |words| link(words, |words| Ok(LinkFault::Slow(duration(words)?)))),
    ("lose", "lose 101 102 10%", |words| link(words, |words| Ok(LinkFault::Lose(percent(words)?)))),
    ("duplicate", "duplicate 101 102 10%", |words| link(words, |words| Ok(LinkFault::Duplicate(percent(words)?)))),
    ("heal", "heal 101 102", heal),
    ("disk", "disk full 102", disk),
    ("skew", "skew 102 +10m", skew),
    ("set", "set truck-1 acks=1", set),
    ("poison", "poison billing orders-0@17 crash", poison),
    ("cure", "cure billing", |words| Ok(Command::Deed { who: application(words)?, deed: Deed::Cure })),
    ("seek", "seek billing orders-0@17", seek),
    ("add", "add producer truck-{1..20} topic=trucks_gps every=20s", cast::add),
    ("remove", "remove broker 104", cast::remove),
    ("rename", "rename truck-1 lorry-1", cast::rename),
    ("title", "title 'Two racks'", |words| cast::scene(words, 0)),
    ("seed", "seed 7", |words| cast::scene(words, 1)),
    ("latency", "latency 5ms", |words| cast::scene(words, 2)),
    ("jitter", "jitter 1ms", |words| cast::scene(words, 3)),
    ("controllers", "controllers 5", |words| cast::scene(words, 4)),
];

/// A line of each of them.
pub(super) fn forms() -> impl Iterator<Item = &'static str> {
    VERBS.iter().map(|(_, form, _)| *form)
}

/// Reads a line such as `kill 102`.
pub fn parse_line(line: &str) -> Result<Command, ParseError> {
    let open = || ParseError { at: line.rfind(['\'', '"']).unwrap_or(0), message: "This quote is left open. Close it.".to_owned() };
    let mut words = Words::new(line).ok_or_else(open)?;
    let Some((at, verb)) = words.next() else {
        return Err(ParseError { at: line.len(), message: "The line is empty. Write a command, such as `kill 102`.".to_owned() });
    };
    if reading::only_reads(line) {
        return Err(ParseError { at, message: format!("`{}` only reads here: type it while the cluster runs.", shown(verb)) });
    }
    let command = if let Some((_, act)) = ACTS.iter().find(|(name, _)| *name == verb) {
        process(&mut words, *act)
    } else if let Some((_, form, read)) = VERBS.iter().find(|(name, ..)| *name == verb) {
        words.form = form;
        read(&mut words)
    } else if let Some(read) = kafka::tool(verb) {
        read(&mut words)
    } else {
        let verbs = ACTS.iter().map(|(name, _)| *name).chain(VERBS.iter().map(|(name, ..)| *name));
        let known: Vec<&str> = verbs.chain(kafka::TOOLS.iter().map(|(name, _)| *name)).collect();
        return Err(ParseError { at, message: format!("`{}` is no command. {}", shown(verb), hint(verb, &known)) });
    }?;
    words.end()?;
    Ok(command)
}

fn process(words: &mut Words<'_>, act: Act) -> Result<Command, ParseError> {
    words.form = match act {
        Act::Kill => "kill 102",
        Act::Stop => "stop 102",
        Act::Start => "start 102",
        Act::Pause => "pause 102",
        Act::Resume => "resume 102",
        Act::PowerCut => "power-cut 102",
    };
    let who = who(words)?;
    match (act, &who) {
        // `KafkaConsumer.pause`: of a partition, not of the process.
        (Act::Pause | Act::Resume, Who::Client(name)) if !words.is_empty() => {
            words.form = if act == Act::Pause { "pause billing orders-0" } else { "resume billing orders-0" };
            let word = words.need("which partition")?;
            let (topic, partition) = partition(words, word)?;
            Ok(Command::Deed { who: name.clone(), deed: Deed::Hold { topic, partition, on: act == Act::Pause } })
        }
        _ => Ok(Command::Process(act, who)),
    }
}

fn link(words: &mut Words<'_>, fault: fn(&mut Words<'_>) -> Result<LinkFault, ParseError>) -> Result<Command, ParseError> {
    Ok(Command::Link(path(words)?, fault(words)?))
}

fn heal(words: &mut Words<'_>) -> Result<Command, ParseError> {
    if words.is_empty() { Ok(Command::HealAll) } else { link(words, |_| Ok(LinkFault::Heal)) }
}

fn disk(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let kind = words.need("what happens to the disk")?;
    let broker = words.need("which broker")?;
    let id = broker_id(broker.1).ok_or_else(|| words.wrong(broker, "is no broker id"))?;
    let fault = match kind.1 {
        "full" => DiskFault::Full,
        "slow" => {
            words.form = "disk slow 102 50ms";
            DiskFault::Slow(duration(words)?)
        }
        "corrupt" => {
            words.form = "disk corrupt 102 epoch";
            let epoch = words.next();
            if let Some(other) = epoch.filter(|(_, word)| *word != "epoch") {
                return Err(words.wrong(other, "is no part of a batch that can be named"));
            }
            DiskFault::Corrupt { epoch: epoch.is_some() }
        }
        "wipe" => DiskFault::Wipe,
        "heal" => DiskFault::Heal,
        other => return Err(words.wrong(kind, hint(other, &["full", "slow", "corrupt", "wipe", "heal"]).trim_end_matches('.'))),
    };
    Ok(Command::Disk(fault, id))
}

fn skew(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let who = who(words)?;
    let by = words.need("by how much")?;
    let (sign, length) = match by.1.strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, by.1.strip_prefix('+').unwrap_or(by.1)),
    };
    let length = SimDuration::parse(length).filter(|length| *length <= limits::RUN);
    let length = length.ok_or_else(|| words.wrong(by, "is no length of time"))?;
    Ok(Command::Skew(who, sign * length.millis() as i64))
}

fn set(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let client = words.need("which client")?.1.to_owned();
    let setting = words.need("which setting, and its value")?;
    let (key, value) = setting.1.split_once('=').ok_or_else(|| words.wrong(setting, "is no setting with its value"))?;
    Ok(Command::Set { client, key: key.to_owned(), value: unquoted(value) })
}

fn application(words: &mut Words<'_>) -> Result<String, ParseError> {
    Ok(words.need("which group or member")?.1.to_owned())
}

/// `orders-0`.
fn partition(words: &Words<'_>, (at, text): Word<'_>) -> Result<(String, u32), ParseError> {
    let parts = text.rsplit_once('-').and_then(|(topic, number)| Some((topic.to_owned(), number.parse().ok()?)));
    parts.filter(|(topic, _)| !topic.is_empty()).ok_or_else(|| words.wrong((at, text), "is no partition such as orders-0"))
}

fn seek(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let who = application(words)?;
    let (at, text) = words.need("which record")?;
    let (name, place) =
        text.rsplit_once('@').ok_or_else(|| words.wrong((at, text), "is no place such as orders-0@17 or orders-0@earliest"))?;
    let (topic, partition) = partition(words, (at, name))?;
    let to = match place {
        "earliest" => SeekTo::Earliest,
        "latest" => SeekTo::Latest,
        offset => SeekTo::Offset(offset.parse().map_err(|_| words.wrong((at + name.len() + 1, offset), "is no offset"))?),
    };
    Ok(Command::Deed { who, deed: Deed::Seek { topic, partition, to } })
}

fn poison(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let who = application(words)?;
    let (at, text) = words.need("which record, or which key")?;
    let record = match (text.strip_prefix("key="), text.rsplit_once('@')) {
        (Some(key), _) => BadRecord::Key(key.to_owned()),
        (None, Some((name, offset))) => {
            let (topic, partition) = partition(words, (at, name))?;
            let offset = offset.parse().map_err(|_| words.wrong((at + name.len() + 1, offset), "is no offset"))?;
            BadRecord::At { topic, partition, offset }
        }
        _ => return Err(words.wrong((at, text), "is no record such as orders-0@17 and no key=truck-3")),
    };
    let does = match words.next() {
        None => Mishap::default(),
        Some(word) => match MISHAPS.iter().find(|(name, _)| *name == word.1) {
            Some((_, does)) => *does,
            None => return Err(words.wrong(word, hint(word.1, &MISHAPS.map(|(name, _)| name)).trim_end_matches('.'))),
        },
    };
    Ok(Command::Deed { who, deed: Deed::Poison(Poison { record, does }) })
}

fn who(words: &mut Words<'_>) -> Result<Who, ParseError> {
    let word = words.need("which broker, controller or client")?;
    participant(words, word)
}

/// `101 102`, or `101>102` for one direction.
fn path(words: &mut Words<'_>) -> Result<Path, ParseError> {
    let first = words.need("between whom")?;
    if let Some((from, to)) = first.1.split_once('>') {
        let to = participant(words, (first.0 + from.len() + 1, to))?;
        return Ok(Path { from: participant(words, (first.0, from))?, to, one_way: true });
    }
    let second = words.need("between whom")?;
    Ok(Path { from: participant(words, first)?, to: participant(words, second)?, one_way: false })
}

/// Digits are a `node.id`; `brokers`, `controllers` and `clients` are all of them; any other word names a client.
fn participant(words: &Words<'_>, word: Word<'_>) -> Result<Who, ParseError> {
    if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == word.1) {
        return Ok(Who::All(*kind));
    }
    if word.1.bytes().all(|b| b.is_ascii_digit()) {
        return broker_id(word.1).map(|id| Who::Node(id.0)).ok_or_else(|| words.wrong(word, "is no node id"));
    }
    Ok(Who::Client(word.1.to_owned()))
}

pub(super) fn broker_id(text: &str) -> Option<BrokerId> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok().map(BrokerId)).flatten()
}

fn duration(words: &mut Words<'_>) -> Result<SimDuration, ParseError> {
    let word = words.need("by how much")?;
    SimDuration::parse(word.1).filter(|by| *by <= limits::DELAY).ok_or_else(|| words.wrong(word, "is no delay of up to an hour"))
}

fn percent(words: &mut Words<'_>) -> Result<u32, ParseError> {
    let word = words.need("how many in a hundred")?;
    let number = word.1.strip_suffix('%').unwrap_or(word.1);
    let percent = number.parse().ok().filter(|percent| *percent <= 100);
    percent.ok_or_else(|| words.wrong(word, "is no whole number of percent"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_reads_back_from_what_it_prints() {
        for line in [
            "kill 102",
            "stop 3001",
            "start 0",
            "pause truck-1",
            "resume location-dashboard",
            "power-cut 2147483647",
            "cut 101 102",
            "cut truck-{1..20}>brokers",
            "slow 101 102 200ms",
            "slow clients>101 1500us",
            "lose 101 controllers 10%",
            "duplicate truck-1>101 100%",
            "heal 101>102",
            "heal",
            "disk full 102",
            "disk slow 102 50ms",
            "disk corrupt 102",
            "disk corrupt 102 epoch",
            "disk wipe 102",
            "disk heal 102",
            "skew 102 +10m",
            "skew truck-1 -1500ms",
            "skew truck-1 +0s",
            "set truck-1 acks=1",
            "set truck-1 value='{\"at\": \"{name}\"}'",
            "add broker 104",
            "add broker {104..106} rack=b",
            "add producer truck-{1..20} topic=trucks_gps key={name} value='{\"truck\": {n}}' every=20s acks=1",
            "add group billing topics=a,b members=2 process=5ms auto.offset.reset=earliest",
            "remove broker 104",
            "remove producer truck-{1..20}",
            "remove group billing",
            "remove truck-3",
            "rename truck-1 lorry-1",
            "title 'Two racks, and it'\"'\"'s cold'",
            "title trucks",
            "title ''",
            "seed 7",
            "latency 5ms",
            "jitter 0s",
            "controllers 5",
            "kafka-configs.sh --alter --entity-type brokers --entity-default --add-config min.insync.replicas=2",
            "poison billing orders-0@17 crash",
            "poison billing-1 key=truck-3 block",
            "cure billing",
            "seek billing orders-0@17",
            "seek billing-2 a-b-10@earliest",
            "pause billing-1 orders-0",
            "resume billing orders-0",
            "kafka-leader-election.sh --election-type preferred --all-topic-partitions",
            "kafka-leader-election.sh --election-type unclean --topic t --partition 3",
            "kafka-topics.sh --create --topic t",
            "kafka-topics.sh --create --topic t --partitions 3 --replication-factor 2 --config retention.ms=1 --config min.insync.replicas=2",
            "kafka-topics.sh --create --topic t --replica-assignment 101:102,102:103",
            "kafka-topics.sh --alter --topic t --partitions 4",
            "kafka-topics.sh --alter --topic t --partitions 4 --replica-assignment 101,102,103,101",
            "kafka-topics.sh --delete --topic t",
            "kafka-configs.sh --alter --entity-type topics --entity-name t --add-config a=1,cleanup.policy=[compact,delete]",
            "kafka-configs.sh --alter --entity-type topics --entity-name t --delete-config a,b",
            "kafka-reassign-partitions.sh --execute --topic t --partition 0 --replicas 103:101",
            "kafka-reassign-partitions.sh --cancel --topic t --partition 0",
            "kafka-cluster.sh unregister --id 102",
            "kafka-consumer-groups.sh --reset-offsets --group g --all-topics --to-earliest --execute",
            "kafka-consumer-groups.sh --reset-offsets --group g --topic t:0,1 --topic u --to-offset 17 --execute",
            "kafka-consumer-groups.sh --reset-offsets --group g --topic t --shift-by -5 --execute",
            "kafka-consumer-groups.sh --reset-offsets --group g --topic t --to-datetime 2026-01-01T00:01:30.000 --execute",
            "kafka-consumer-groups.sh --reset-offsets --group g --topic t --by-duration PT90S --execute",
            "kafka-consumer-groups.sh --reset-offsets --group g --topic t --by-duration PT0.250S --execute",
            "kafka-consumer-groups.sh --reset-offsets --group g --from-file t,0,17;t,1,20 --execute",
            "kafka-consumer-groups.sh --delete-offsets --group g --topic t:1",
            "kafka-consumer-groups.sh --delete --group g",
        ] {
            assert_eq!(parse_line(line).map(|command| command.to_string()), Ok(line.to_owned()));
        }
        assert_eq!(parse_line("  kill\t102 "), Ok(Command::kill(102)));
    }

    #[test]
    fn a_line_may_leave_out_what_says_nothing() {
        for (line, same) in [
            ("lose 101 102 10", "lose 101 102 10%"),
            ("skew 102 10m", "skew 102 +10m"),
            ("kafka-topics --bootstrap-server 101:9092 --delete --topic=t", "kafka-topics.sh --delete --topic t"),
            ("bin/kafka-topics.sh --create --topic t --partitions 1 --if-not-exists", "kafka-topics.sh --create --topic t --partitions 1"),
            (
                "kafka-configs --alter --topic t --add-config a=1",
                "kafka-configs.sh --alter --entity-type topics --entity-name t --add-config a=1",
            ),
        ] {
            assert_eq!(parse_line(line).map(|command| command.to_string()), Ok(same.to_owned()));
        }
    }

    #[test]
    fn a_wrong_line_says_which_word_and_what_to_write() {
        for (line, at, part) in [
            ("", 0, "The line is empty"),
            ("kil 102", 0, "Did you mean `kill`?"),
            ("explode 102", 0, "Known here: kill, stop, start"),
            ("kill ", 4, "Say which broker, controller or client: `kill 102`."),
            ("kill 99999999999", 5, "is no node id. Write `kill 102`."),
            ("kill 101 102", 9, "`102` is too much. Write `kill 102`."),
            ("cut 101", 7, "Say between whom: `cut 101 102`."),
            ("slow 101 102", 12, "Say by how much: `slow 101 102 200ms`."),
            ("slow 101>102 soon", 13, "`soon` is no delay"),
            ("lose 101 102 101%", 13, "is no whole number of percent"),
            ("heal 101", 8, "Say between whom"),
            ("disk fill 102", 5, "Did you mean `full`?"),
            ("disk full t", 10, "is no broker id"),
            ("title 'Two racks", 6, "left open"),
            ("add", 3, "Say what to add"),
            ("add brokr 104", 4, "Did you mean `broker`?"),
            ("add topic orders partitions=4", 4, "kafka-topics.sh --create --topic orders"),
            ("add broker", 10, "Say which: `add broker 104 rack=b`."),
            ("add broker b", 11, "is no broker id"),
            ("add producer 7 topic=t", 13, "is a number, and numbers are brokers"),
            ("add producer truck topic", 19, "is no field with its value"),
            ("add group g topics=t topics=u", 21, "is there twice"),
            ("remove topic orders", 7, "kafka-topics.sh --delete --topic orders"),
            ("remove broker t", 14, "is no broker id"),
            ("rename a", 8, "Say"),
            ("seed", 4, "Say"),
            ("poison billing orders-0", 15, "is no record such as orders-0@17"),
            ("poison billing orders-0@17 skp", 27, "Did you mean `skip`?"),
            ("seek billing orders@17", 13, "is no partition such as orders-0"),
            ("seek billing orders-0@x", 22, "is no offset"),
            ("set truck-1 acks", 12, "is no setting with its value. Write `set truck-1 acks=1`."),
            ("kafka-topics.sh --create", 24, "--topic"),
            ("kafka-topics.sh --topic t", 16, "Say what to do"),
            ("kafka-topics.sh --zookeeper zk:2181 --create", 16, "removed"),
            ("kafka-topics.sh --list", 0, "only reads"),
            ("kafka-topics.sh --create --topic t --partitons 3", 35, "Did you mean `--partitions`?"),
            ("kafka-topics.sh --create --topic t --partitions", 35, "needs a value"),
            ("kafka-topics.sh --create --topic t --partitions x", 48, "is no number"),
            ("kafka-leader-election.sh --election-type best --all-topic-partitions", 41, "preferred or unclean"),
            ("kafka-configs.sh --alter --entity-type topics --entity-name t --add-config a", 75, "key=value"),
        ] {
            let error = parse_line(line).unwrap_err();
            assert!(error.message.contains(part), "{line:?}: {error}");
            assert_eq!(error.at, at, "{line:?}: {error}");
        }
    }
}
