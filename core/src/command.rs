//! All a user can do to a running cluster. Every click and every shell line becomes one of these.

use crate::ids::BrokerId;
use crate::scenario::{BadRecord, MISHAPS, Poison};
use crate::time::{Datetime, SimDuration};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `kill 102`: a process is ended, stopped, started, frozen or thawed.
    Process(Act, Who),
    /// `cut 101>102`, `slow 101 102 200ms`: a link between participants misbehaves from now on.
    Link(Path, LinkFault),
    /// `heal`: every link is as the scenario made it.
    HealAll,
    /// `disk full 102`.
    Disk(DiskFault, BrokerId),
    /// `skew 102 +10m`: a clock is wrong by so many milliseconds. Timestamps follow it, timers do not.
    Skew(Who, i64),
    /// `set truck-1 acks=1`: a client goes on with another setting. `set billing members=3`: a group or a fleet grows or shrinks.
    Set { client: String, key: String, value: String },
    /// `add broker 104 rack=b`: somebody new takes part.
    Add(Box<Newcomer>),
    /// `remove broker 104`, `remove truck-3`: it ends in order and does not come back.
    Remove { part: Option<Part>, name: String },
    /// `rename truck-1 lorry-1`: of clients, before anything ran.
    Rename { from: String, to: String },
    /// `title 'Two racks'`, `seed 7`: a field of the scenario, by its word; before anything ran.
    Scene { word: &'static str, value: String },
    /// `seek bill orders-0@17`: what the members of a group, or one of them, do by their own calls.
    Deed { who: String, deed: Deed },
    /// `kafka-leader-election.sh`, of one partition or of all.
    Elect { unclean: bool, of: Option<(String, u32)> },
    /// `kafka-topics.sh --create`. What is left out follows the defaults of the brokers.
    CreateTopic(Box<NewTopic>),
    /// `kafka-topics.sh --alter --partitions`.
    AddPartitions { topic: String, total: u32, assignment: Vec<Vec<BrokerId>> },
    /// `kafka-topics.sh --delete`.
    DeleteTopic(String),
    /// `kafka-configs.sh --alter --entity-type topics`.
    ConfigureTopic { topic: String, add: Vec<(String, String)>, delete: Vec<String> },
    /// `kafka-configs.sh --alter --entity-type brokers`: of all brokers (`--entity-default`).
    ConfigureBrokers { add: Vec<(String, String)>, delete: Vec<String> },
    /// `kafka-reassign-partitions.sh --execute`: the replicas a partition is to have, the preferred leader first.
    Reassign { topic: String, partition: u32, replicas: Vec<BrokerId> },
    /// `kafka-cluster.sh unregister`: the controller forgets a broker.
    Unregister(BrokerId),
    /// `kafka-reassign-partitions.sh --cancel`.
    CancelReassignment { topic: String, partition: u32 },
    /// `kafka-consumer-groups.sh --reset-offsets --execute`.
    ResetOffsets(Box<Reset>),
    /// `kafka-consumer-groups.sh --delete-offsets`.
    DeleteOffsets { group: String, topics: Vec<(String, Vec<u32>)> },
    /// `kafka-consumer-groups.sh --delete`.
    DeleteGroup(String),
}

/// What can be added to a cluster while it runs, each a table of the scenario file; topics have a tool of Kafka's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Broker,
    Producer,
    Group,
}

/// Who is added, as the line says it; read as a table of the scenario file by those who take it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    pub part: Part,
    /// `104`, `{104..106}`, `truck-{1..20}`, `billing`.
    pub name: String,
    /// Fields of its table and Kafka's settings, in the order of the line.
    pub fields: Vec<(String, String)>,
}

/// Which committed offsets of a group move where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    pub group: String,
    /// Topics, each with some of its partitions, or none for all of them; empty for all that the group has committed.
    pub topics: Vec<(String, Vec<u32>)>,
    pub to: ResetTo,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResetTo {
    Earliest,
    Latest,
    Current,
    Offset(u64),
    ShiftBy(i64),
    /// The first record that is not older, in milliseconds since 1970.
    Datetime(i64),
    /// The first record of that time up to now.
    Duration(SimDuration),
    /// `--from-file`: topic, partition and offset of each line.
    Plan(Vec<(String, u32, u64)>),
}

/// What an application does by calls of its own, or comes to grief on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// `poison bill orders-0@17 crash`: from now on it cannot cope with a record.
    Poison(Poison),
    /// `cure bill`: now it can.
    Cure,
    /// `seek bill orders-0@17`: whoever owns the partition reads on there.
    Seek { topic: String, partition: u32, to: SeekTo },
    /// `pause bill orders-0`, `resume bill orders-0`: its records are wanted later, or again.
    Hold { topic: String, partition: u32, on: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekTo {
    Earliest,
    Latest,
    Offset(u64),
}

/// What can happen to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is gone at once; its disk stays, the page cache too.
    Kill,
    /// It ends in order: a broker hands over what it leads, a member leaves its group.
    Stop,
    /// A new process, on the disk it finds.
    Start,
    /// It gets nothing done (`SIGSTOP`): messages wait, timers fire late.
    Pause,
    Resume,
    /// The machine is gone at once; what was not flushed is lost.
    PowerCut,
}

/// A participant by its name, or all of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// `node.id` of a broker or a controller.
    Node(i32),
    /// A client by its name, or the members of a fleet or group by theirs.
    Client(String),
    All(Kind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Brokers,
    Controllers,
    Clients,
    /// The servers of the ensemble (3.9).
    ZooKeeper,
}

/// Between whom: `101 102` both ways, `101>102` from the first to the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub from: Who,
    pub to: Who,
    pub one_way: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    Heal,
    /// Nothing gets through.
    Cut,
    /// So much later than usual.
    Slow(SimDuration),
    /// So many packets in a hundred are lost; TCP sends them again.
    Lose(u32),
    /// So many requests in a hundred are carried out, and the connection is reset before the answer: what makes a client send twice.
    Duplicate(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    Heal,
    /// No room: the log directory fails at the next write.
    Full,
    /// Every write takes so much longer.
    Slow(SimDuration),
    /// A bit of the newest batch has changed: of a record, which its CRC covers, or of the leader epoch in its header, which it does not.
    Corrupt {
        epoch: bool,
    },
    /// Everything on it is gone.
    Wipe,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    pub name: String,
    pub partitions: Option<u32>,
    pub replication_factor: Option<u32>,
    /// Replicas of each partition, the preferred leader first.
    pub assignment: Vec<Vec<BrokerId>>,
    pub config: Vec<(String, String)>,
}

/// Why a command was refused; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    Unknown(Unknown),
    NotRunning(Who),
    AlreadyRunning(Who),
    NotPaused(Who),
    AlreadyPaused(Who),
    /// In Kafka's own words, its error name first where it has one.
    Refused(String),
    /// True of Kafka, and not in this engine.
    NotModelled(&'static str),
}

/// A name that nobody here has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub word: String,
    pub message: String,
}

pub const ACTS: [(&str, Act); 6] = [
    ("kill", Act::Kill),
    ("stop", Act::Stop),
    ("start", Act::Start),
    ("pause", Act::Pause),
    ("resume", Act::Resume),
    ("power-cut", Act::PowerCut),
];

pub const KINDS: [(&str, Kind); 4] =
    [("brokers", Kind::Brokers), ("controllers", Kind::Controllers), ("clients", Kind::Clients), ("zookeeper", Kind::ZooKeeper)];

pub const PARTS: [(&str, Part); 3] = [("broker", Part::Broker), ("producer", Part::Producer), ("group", Part::Group)];

/// Fields of producers and groups that are what their application does: it is deployed anew when one changes.
pub const DEPLOYED: [&str; 10] = ["topic", "topics", "bootstrap", "partition", "key", "value", "every", "rate", "records", "assign"];

/// Fields of a scenario that a word of their own sets, and where the file has them.
pub const SCENE: [(&str, &str); 5] = [
    ("title", "title"),
    ("seed", "seed"),
    ("latency", "network.latency"),
    ("jitter", "network.jitter"),
    ("controllers", "cluster.controllers"),
];

impl Command {
    /// `kill 102`.
    pub const fn kill(node: i32) -> Self {
        Command::Process(Act::Kill, Who::Node(node))
    }

    /// `start 102`.
    pub const fn start(node: i32) -> Self {
        Command::Process(Act::Start, Who::Node(node))
    }

    /// `kafka-topics.sh`.
    pub const fn is_about_topics(&self) -> bool {
        matches!(self, Command::CreateTopic(_) | Command::AddPartitions { .. } | Command::DeleteTopic(_))
    }

    /// Somebody comes or goes, or what they do is deployed anew.
    pub fn changes_cast(&self) -> bool {
        match self {
            Command::Add(_) | Command::Remove { .. } => true,
            Command::Set { key, .. } => key == "members" || DEPLOYED.contains(&key.as_str()),
            _ => false,
        }
    }

    /// The participants it is about.
    pub fn about(&self) -> [Option<Who>; 2] {
        match self {
            Command::Process(_, who) | Command::Skew(who, _) => [Some(who.clone()), None],
            Command::Link(path, _) => [Some(path.from.clone()), Some(path.to.clone())],
            Command::Disk(_, broker) | Command::Unregister(broker) => [Some(Who::Node(broker.0)), None],
            Command::Set { client, .. } | Command::Deed { who: client, .. } => [Some(Who::Client(client.clone())), None],
            _ => [None, None],
        }
    }
}

/// The word a value has in a table of words.
fn word<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}

/// Text as one word of a line: in quotes where it needs them.
pub struct Quoted<'t>(pub &'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0;
        if !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '\'' || c == '"') {
            return f.write_str(text);
        }
        for (i, part) in text.split('\'').enumerate() {
            f.write_str(if i == 0 { "'" } else { "'\"'\"'" })?;
            f.write_str(part)?;
        }
        f.write_str("'")
    }
}

impl fmt::Display for SeekTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SeekTo::Earliest => f.write_str("earliest"),
            SeekTo::Latest => f.write_str("latest"),
            SeekTo::Offset(offset) => offset.fmt(f),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word(&ACTS, self))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word(&PARTS, self))
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Node(id) => id.fmt(f),
            Who::Client(name) => f.write_str(name),
            Who::All(kind) => f.write_str(word(&KINDS, kind)),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.from, if self.one_way { '>' } else { ' ' }, self.to)
    }
}

/// The canonical shell line; `shell::parse_line` reads it back.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Process(act, who) => write!(f, "{act} {who}"),
            Command::Link(path, fault) => match fault {
                LinkFault::Heal => write!(f, "heal {path}"),
                LinkFault::Cut => write!(f, "cut {path}"),
                LinkFault::Slow(by) => write!(f, "slow {path} {}", by.written()),
                LinkFault::Lose(percent) => write!(f, "lose {path} {percent}%"),
                LinkFault::Duplicate(percent) => write!(f, "duplicate {path} {percent}%"),
            },
            Command::HealAll => f.write_str("heal"),
            Command::Disk(fault, broker) => match fault {
                DiskFault::Heal => write!(f, "disk heal {broker}"),
                DiskFault::Full => write!(f, "disk full {broker}"),
                DiskFault::Slow(by) => write!(f, "disk slow {broker} {}", by.written()),
                DiskFault::Corrupt { epoch } => write!(f, "disk corrupt {broker}{}", if *epoch { " epoch" } else { "" }),
                DiskFault::Wipe => write!(f, "disk wipe {broker}"),
            },
            Command::Skew(who, ms) => {
                let by = SimDuration::from_millis(ms.unsigned_abs()).written();
                write!(f, "skew {who} {}{by}", if *ms < 0 { '-' } else { '+' })
            }
            Command::Set { client, key, value } => write!(f, "set {client} {key}={}", Quoted(value)),
            Command::Add(new) => {
                write!(f, "add {} {}", new.part, Quoted(&new.name))?;
                new.fields.iter().try_for_each(|(key, value)| write!(f, " {key}={}", Quoted(value)))
            }
            Command::Remove { part: Some(part), name } => write!(f, "remove {part} {}", Quoted(name)),
            Command::Remove { part: None, name } => write!(f, "remove {}", Quoted(name)),
            Command::Rename { from, to } => write!(f, "rename {} {}", Quoted(from), Quoted(to)),
            Command::Scene { word, value } => write!(f, "{word} {}", Quoted(value)),
            Command::Deed { who, deed } => match deed {
                Deed::Poison(Poison { record: BadRecord::At { topic, partition, offset }, does }) => {
                    write!(f, "poison {who} {topic}-{partition}@{offset} {}", word(&MISHAPS, does))
                }
                Deed::Poison(Poison { record: BadRecord::Key(key), does }) => write!(f, "poison {who} key={key} {}", word(&MISHAPS, does)),
                Deed::Cure => write!(f, "cure {who}"),
                Deed::Seek { topic, partition, to } => write!(f, "seek {who} {topic}-{partition}@{to}"),
                Deed::Hold { topic, partition, on } => write!(f, "{} {who} {topic}-{partition}", if *on { "pause" } else { "resume" }),
            },
            _ => self.kafka_line(f),
        }
    }
}

impl Command {
    /// Kafka's own command lines.
    fn kafka_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Elect { unclean, of } => {
                let kind = if *unclean { "unclean" } else { "preferred" };
                write!(f, "kafka-leader-election.sh --election-type {kind}")?;
                match of {
                    Some((topic, partition)) => write!(f, " --topic {topic} --partition {partition}"),
                    None => f.write_str(" --all-topic-partitions"),
                }
            }
            Command::CreateTopic(new) => {
                write!(f, "kafka-topics.sh --create --topic {}", new.name)?;
                if let Some(partitions) = new.partitions {
                    write!(f, " --partitions {partitions}")?;
                }
                if let Some(factor) = new.replication_factor {
                    write!(f, " --replication-factor {factor}")?;
                }
                assignment(f, &new.assignment)?;
                new.config.iter().try_for_each(|(key, value)| write!(f, " --config {key}={value}"))
            }
            Command::AddPartitions { topic, total, assignment: replicas } => {
                write!(f, "kafka-topics.sh --alter --topic {topic} --partitions {total}")?;
                assignment(f, replicas)
            }
            Command::Unregister(broker) => write!(f, "kafka-cluster.sh unregister --id {broker}"),
            Command::DeleteTopic(topic) => write!(f, "kafka-topics.sh --delete --topic {topic}"),
            Command::ConfigureTopic { topic, add, delete } => {
                write!(f, "kafka-configs.sh --alter --entity-type topics --entity-name {topic}")?;
                settings(f, add, delete)
            }
            Command::ConfigureBrokers { add, delete } => {
                f.write_str("kafka-configs.sh --alter --entity-type brokers --entity-default")?;
                settings(f, add, delete)
            }
            Command::Reassign { topic, partition, replicas } => {
                write!(f, "kafka-reassign-partitions.sh --execute --topic {topic} --partition {partition} --replicas ")?;
                listed(f, replicas)
            }
            Command::CancelReassignment { topic, partition } => {
                write!(f, "kafka-reassign-partitions.sh --cancel --topic {topic} --partition {partition}")
            }
            Command::ResetOffsets(reset) => write!(f, "kafka-consumer-groups.sh --reset-offsets {reset} --execute"),
            Command::DeleteOffsets { group, topics: of } => {
                write!(f, "kafka-consumer-groups.sh --delete-offsets --group {group}")?;
                topics(f, of)
            }
            Command::DeleteGroup(group) => write!(f, "kafka-consumer-groups.sh --delete --group {group}"),
            _ => Ok(()),
        }
    }
}

fn settings(f: &mut fmt::Formatter<'_>, add: &[(String, String)], delete: &[String]) -> fmt::Result {
    for (i, (key, value)) in add.iter().enumerate() {
        f.write_str(if i == 0 { " --add-config " } else { "," })?;
        // Brackets keep the commas of a list together.
        if value.contains(',') { write!(f, "{key}=[{value}]")? } else { write!(f, "{key}={value}")? }
    }
    if delete.is_empty() { Ok(()) } else { write!(f, " --delete-config {}", delete.join(",")) }
}

/// The options of `--reset-offsets`.
impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--group {}", self.group)?;
        match (&self.to, self.topics.is_empty()) {
            (ResetTo::Plan(_), _) => {}
            (_, true) => f.write_str(" --all-topics")?,
            _ => topics(f, &self.topics)?,
        }
        match &self.to {
            ResetTo::Earliest => f.write_str(" --to-earliest"),
            ResetTo::Latest => f.write_str(" --to-latest"),
            ResetTo::Current => f.write_str(" --to-current"),
            ResetTo::Offset(offset) => write!(f, " --to-offset {offset}"),
            ResetTo::ShiftBy(by) => write!(f, " --shift-by {by}"),
            ResetTo::Datetime(timestamp) => write!(f, " --to-datetime {}", Datetime(*timestamp)),
            ResetTo::Duration(back) => write!(f, " --by-duration {}", back.written_iso()),
            ResetTo::Plan(plan) => {
                for (i, (topic, partition, offset)) in plan.iter().enumerate() {
                    write!(f, "{}{topic},{partition},{offset}", if i == 0 { " --from-file " } else { ";" })?;
                }
                Ok(())
            }
        }
    }
}

/// `orders:0,1`.
fn topics(f: &mut fmt::Formatter<'_>, topics: &[(String, Vec<u32>)]) -> fmt::Result {
    for (topic, partitions) in topics {
        write!(f, " --topic {topic}")?;
        for (i, partition) in partitions.iter().enumerate() {
            write!(f, "{}{partition}", if i == 0 { ':' } else { ',' })?;
        }
    }
    Ok(())
}

fn assignment(f: &mut fmt::Formatter<'_>, partitions: &[Vec<BrokerId>]) -> fmt::Result {
    for (i, replicas) in partitions.iter().enumerate() {
        f.write_str(if i == 0 { " --replica-assignment " } else { "," })?;
        listed(f, replicas)?;
    }
    Ok(())
}

fn listed(f: &mut fmt::Formatter<'_>, replicas: &[BrokerId]) -> fmt::Result {
    for (i, broker) in replicas.iter().enumerate() {
        write!(f, "{}{broker}", if i == 0 { "" } else { ":" })?;
    }
    Ok(())
}

/// `Broker 102`, as a sentence begins with it; a client by its name.
struct Actor<'w>(&'w Who);

impl fmt::Display for Actor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Who::Node(id) => write!(f, "Node {id}"),
            Who::Client(name) => write!(f, "Client {name}"),
            Who::All(kind) => write!(f, "Each of the {}", word(&KINDS, kind)),
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Unknown(unknown) => f.write_str(&unknown.message),
            CommandError::NotRunning(who) => write!(f, "{} is already down. Write `start {who}` first.", Actor(who)),
            CommandError::AlreadyRunning(who) => write!(f, "{} is already running. Write `kill {who}` first.", Actor(who)),
            CommandError::NotPaused(who) => write!(f, "{} is not paused. Write `pause {who}` first.", Actor(who)),
            CommandError::AlreadyPaused(who) => write!(f, "{} is already paused. Write `resume {who}` first.", Actor(who)),
            CommandError::Refused(text) => f.write_str(text),
            CommandError::NotModelled(what) => write!(f, "{what} is not modelled yet. Nothing changed."),
        }
    }
}

impl std::error::Error for CommandError {}
