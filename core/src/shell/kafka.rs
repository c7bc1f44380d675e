//! Kafka's own tools, in one line each. `.sh`, the folder before it and `--bootstrap-server` may be left out.

use super::ParseError;
use super::parse::broker_id;
use super::words::{Word, Words};
use crate::command::{Command, NewTopic};
use crate::ids::BrokerId;
use crate::scenario::names::{hint, shown};

type Read = fn(&mut Words<'_>) -> Result<Command, ParseError>;

pub(super) const TOOLS: [(&str, Read); 6] = [
    ("kafka-topics.sh", topics),
    ("kafka-configs.sh", configs),
    ("kafka-leader-election.sh", leader_election),
    ("kafka-reassign-partitions.sh", reassign),
    ("kafka-cluster.sh", unregister),
    ("kafka-consumer-groups.sh", super::groups::command),
];

/// Options without a value, and words that stand alone.
pub(super) const FLAGS: [&str; 40] = [
    "--create",
    "--alter",
    "--delete",
    "--execute",
    "--cancel",
    "--if-exists",
    "--if-not-exists",
    "--all-topic-partitions",
    "--entity-default",
    "--describe",
    "--list",
    "--verify",
    "--all",
    "--status",
    "--replication",
    "--human-readable",
    "--exclude-internal",
    "--exclude-internal-topics",
    "--topics-with-overrides",
    "--under-replicated-partitions",
    "--under-min-isr-partitions",
    "--at-min-isr-partitions",
    "--unavailable-partitions",
    "--reset-offsets",
    "--delete-offsets",
    "--dry-run",
    "--export",
    "--all-topics",
    "--all-groups",
    "--to-earliest",
    "--to-latest",
    "--to-current",
    "--members",
    "--offsets",
    "--verbose",
    "--state",
    "--type",
    "describe",
    "unregister",
    "cluster-id",
];

pub(super) fn tool(word: &str) -> Option<Read> {
    let name = word.rsplit('/').next()?;
    let name = name.strip_suffix(".sh").unwrap_or(name);
    TOOLS.iter().find(|(known, _)| known.strip_suffix(".sh") == Some(name)).map(|(_, read)| *read)
}

/// The options of one line; each is taken once it is understood, what is left over is wrong.
pub(super) struct Options<'l> {
    given: Vec<(Word<'l>, Word<'l>)>,
    end: usize,
    form: &'static str,
}

impl<'l> Options<'l> {
    pub(super) fn read(words: &mut Words<'l>, form: &'static str) -> Result<Self, ParseError> {
        words.form = form;
        let mut options = Options { given: Vec::new(), end: 0, form };
        while let Some(word) = words.next() {
            let (at, text) = word;
            if !text.starts_with("--") && !FLAGS.contains(&text) {
                return Err(words.wrong(word, "is no option"));
            }
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some((at + name.len() + 1, value))),
                None => (text, None),
            };
            if name == "--zookeeper" {
                let message = "`--zookeeper` was removed with Kafka 3.0, and ZooKeeper itself with 4.0. Leave it out, or write \
                               `--bootstrap-server 101:9092`.";
                return Err(ParseError { at, message: message.to_owned() });
            }
            let flag = FLAGS.contains(&name);
            let value = match value {
                Some(value) => value,
                None if ["--state", "--type"].contains(&name) => words.next_value().unwrap_or((at, "")),
                None if flag => (at, ""),
                None => words.next().ok_or_else(|| words.wrong(word, "needs a value"))?,
            };
            options.end = value.0 + value.1.len().max(if flag { text.len() } else { 0 });
            if !["--bootstrap-server", "--bootstrap-controller"].contains(&name) {
                options.given.push(((at, name), value));
            }
        }
        Ok(options)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Word<'l>> {
        let place = self.given.iter().position(|((_, known), _)| *known == name)?;
        Some(self.given.remove(place).1)
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.take(name).is_some()
    }

    pub(super) fn need(&mut self, name: &str) -> Result<Word<'l>, ParseError> {
        let (at, form) = (self.end, self.form);
        self.take(name).ok_or_else(|| ParseError { at, message: format!("`{name}` is missing. Write `{form}`.") })
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, ParseError> {
        Ok(self.need(name)?.1.to_owned())
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<u32>, ParseError> {
        let Some(word) = self.take(name) else { return Ok(None) };
        word.1.parse().map(Some).map_err(|_| self.wrong(word, "is no number"))
    }

    pub(super) fn wrong(&self, word: Word<'_>, why: &str) -> ParseError {
        ParseError { at: word.0, message: format!("`{}` {why}. Write `{}`.", shown(word.1), self.form) }
    }

    /// `101:102`.
    pub(super) fn replicas(&self, (at, text): Word<'_>) -> Result<Vec<BrokerId>, ParseError> {
        let ids = text.split(':').map(|id| broker_id(id.trim()));
        ids.collect::<Option<Vec<_>>>().ok_or_else(|| self.wrong((at, text), "is no list of broker ids such as 101:102"))
    }

    /// `101:102,102:103`: partitions by commas.
    fn assignment(&mut self) -> Result<Vec<Vec<BrokerId>>, ParseError> {
        let Some((at, text)) = self.take("--replica-assignment") else { return Ok(Vec::new()) };
        text.split(',').map(|part| self.replicas((at, part))).collect()
    }

    /// Everything was understood; `known` are the options this line could have had.
    pub(super) fn done(self, command: Command, known: &[&str]) -> Result<Command, ParseError> {
        match self.given.first() {
            None => Ok(command),
            Some(((at, name), _)) => {
                Err(ParseError { at: *at, message: format!("`{}` does not belong here. {}", shown(name), hint(name, known)) })
            }
        }
    }

    /// Nothing is left over.
    pub(super) fn ends(&mut self) -> Result<(), ParseError> {
        match self.given.first() {
            Some((name, _)) => Err(self.wrong(*name, "does not belong here")),
            None => Ok(()),
        }
    }

    /// Something that the tool cannot do without.
    pub(super) fn missing(&self, why: &str) -> ParseError {
        ParseError { at: self.end, message: format!("{why} Write `{}`.", self.form) }
    }

    /// None of the tool's actions was asked for.
    pub(super) fn nothing(&self, known: &[&str]) -> ParseError {
        let at = self.given.first().map_or(self.end, |((at, _), _)| *at);
        ParseError { at, message: format!("Say what to do: {}. Write `{}`.", known.join(" or "), self.form) }
    }
}

fn topics(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let mut options = Options::read(words, "kafka-topics.sh --create --topic orders --partitions 3 --replication-factor 2")?;
    if options.flag("--create") {
        let mut new = NewTopic { name: options.text("--topic")?, ..NewTopic::default() };
        new.partitions = options.number("--partitions")?;
        new.replication_factor = options.number("--replication-factor")?;
        new.assignment = options.assignment()?;
        while let Some(word) = options.take("--config") {
            new.config.push(setting(&options, word)?);
        }
        options.flag("--if-not-exists");
        let known = ["--topic", "--partitions", "--replication-factor", "--replica-assignment", "--config"];
        return options.done(Command::CreateTopic(Box::new(new)), &known);
    }
    if options.flag("--alter") {
        options.form = "kafka-topics.sh --alter --topic orders --partitions 4";
        let topic = options.text("--topic")?;
        let word = options.need("--partitions")?;
        let total = word.1.parse().map_err(|_| options.wrong(word, "is no number"))?;
        let assignment = options.assignment()?;
        options.flag("--if-exists");
        return options.done(Command::AddPartitions { topic, total, assignment }, &["--topic", "--partitions", "--replica-assignment"]);
    }
    if options.flag("--delete") {
        options.form = "kafka-topics.sh --delete --topic orders";
        let topic = options.text("--topic")?;
        options.flag("--if-exists");
        return options.done(Command::DeleteTopic(topic), &["--topic"]);
    }
    Err(options.nothing(&["--create", "--alter", "--delete"]))
}

fn configs(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let form = "kafka-configs.sh --alter --entity-type topics --entity-name orders --add-config retention.ms=60000";
    let mut options = Options::read(words, form)?;
    if !options.flag("--alter") {
        return Err(options.nothing(&["--alter"]));
    }
    let topic = match options.take("--topic") {
        Some((_, topic)) => Some(topic.to_owned()),
        None => {
            let kind = options.need("--entity-type")?;
            match kind.1 {
                "topics" => Some(options.text("--entity-name")?),
                "brokers" if options.flag("--entity-default") => None,
                "brokers" => {
                    let word = options.need("--entity-name")?;
                    return Err(
                        options.wrong(word, "alone is not modelled yet: the brokers share their settings. Write `--entity-default`")
                    );
                }
                _ => return Err(options.wrong(kind, "is not modelled yet: topics and brokers have settings")),
            }
        }
    };
    let mut add = Vec::new();
    if let Some((at, text)) = options.take("--add-config") {
        let mut depth = 0;
        let apart = |c: char| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            c == ',' && depth == 0
        };
        for part in text.split(apart) {
            add.push(setting(&options, (at, part))?);
        }
    }
    let delete: Vec<String> = options.take("--delete-config").iter().flat_map(|(_, keys)| keys.split(',')).map(str::to_owned).collect();
    if add.is_empty() && delete.is_empty() {
        return Err(options.nothing(&["--add-config", "--delete-config"]));
    }
    let known = ["--entity-type", "--entity-name", "--entity-default", "--topic", "--add-config", "--delete-config"];
    let command = match topic {
        Some(topic) => Command::ConfigureTopic { topic, add, delete },
        None => Command::ConfigureBrokers { add, delete },
    };
    options.done(command, &known)
}

/// `key=value`; brackets around a list belong to the line, not to the value.
fn setting(options: &Options<'_>, word: Word<'_>) -> Result<(String, String), ParseError> {
    let (key, value) = word.1.split_once('=').ok_or_else(|| options.wrong(word, "is no setting: key=value"))?;
    let inner = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
    Ok((key.to_owned(), inner.unwrap_or(value).to_owned()))
}

fn leader_election(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let mut options = Options::read(words, "kafka-leader-election.sh --election-type preferred --all-topic-partitions")?;
    let kind = options.need("--election-type")?;
    let unclean = match kind.1.to_ascii_lowercase().as_str() {
        "preferred" => false,
        "unclean" => true,
        _ => return Err(options.wrong(kind, "is no kind of election: preferred or unclean")),
    };
    let of = match options.flag("--all-topic-partitions") {
        true => None,
        false => Some((options.text("--topic")?, partition(&mut options)?)),
    };
    options.done(Command::Elect { unclean, of }, &["--election-type", "--all-topic-partitions", "--topic", "--partition"])
}

fn unregister(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let mut options = Options::read(words, "kafka-cluster.sh unregister --id 102")?;
    if !options.flag("unregister") {
        return Err(options.nothing(&["unregister", "cluster-id"]));
    }
    let word = options.need("--id")?;
    let id = broker_id(word.1).ok_or_else(|| options.wrong(word, "is no broker id"))?;
    options.done(Command::Unregister(id), &["--id"])
}

/// Kafka's tool reads its plan from a JSON file; here the line holds the plan of one partition.
fn reassign(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let mut options = Options::read(words, "kafka-reassign-partitions.sh --execute --topic orders --partition 0 --replicas 103:101")?;
    if options.flag("--cancel") {
        let (topic, partition) = (options.text("--topic")?, partition(&mut options)?);
        return options.done(Command::CancelReassignment { topic, partition }, &["--topic", "--partition"]);
    }
    if options.flag("--execute") {
        let (topic, partition) = (options.text("--topic")?, partition(&mut options)?);
        let replicas = options.need("--replicas")?;
        let replicas = options.replicas(replicas)?;
        return options.done(Command::Reassign { topic, partition, replicas }, &["--topic", "--partition", "--replicas"]);
    }
    Err(options.nothing(&["--execute", "--cancel"]))
}

pub(super) fn partition(options: &mut Options<'_>) -> Result<u32, ParseError> {
    let word = options.need("--partition")?;
    word.1.parse().map_err(|_| options.wrong(word, "is no number"))
}
