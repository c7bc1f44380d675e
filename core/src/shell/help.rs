//! What the prompt knows: `help`, and the words it can complete.

use super::{kafka, parse, reading};
use crate::command::ACTS;

/// What follows an option, or an option that a value follows.
const VALUED: [&str; 20] = [
    "--topic",
    "--partitions",
    "--replication-factor",
    "--replica-assignment",
    "--config",
    "--entity-type",
    "--entity-name",
    "--add-config",
    "--delete-config",
    "--group",
    "--to-offset",
    "--to-datetime",
    "--by-duration",
    "--shift-by",
    "--election-type",
    "--partition",
    "--replicas",
    "--time",
    "topics",
    "earliest",
];

/// Lines of Kafka's own tools that change something, one of a kind.
const WRITES: [&str; 9] = [
    "kafka-topics.sh --create --topic orders --partitions 3 --replication-factor 3",
    "kafka-topics.sh --alter --topic orders --partitions 6",
    "kafka-topics.sh --delete --topic orders",
    "kafka-configs.sh --alter --entity-type topics --entity-name orders --add-config min.insync.replicas=2",
    "kafka-leader-election.sh --election-type preferred --all-topic-partitions",
    "kafka-reassign-partitions.sh --execute --topic orders --partition 0 --replicas 101:102:103",
    "kafka-consumer-groups.sh --reset-offsets --group billing --topic orders --to-earliest --execute",
    "kafka-consumer-groups.sh --delete --group billing",
    "kafka-cluster.sh unregister --id 102",
];

/// One line of each kind.
pub fn help() -> String {
    let acts = ACTS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let mut out = format!("Processes: {acts}, and a broker, controller, client, fleet or group\n");
    let section = |out: &mut String, head: &str, lines: &mut dyn Iterator<Item = &str>| {
        out.push_str(head);
        out.push('\n');
        lines.for_each(|line| out.push_str(&format!("  {line}\n")));
    };
    section(&mut out, "Faults, clients, applications", &mut parse::forms());
    section(&mut out, "Kafka's own tools, which read", &mut reading::forms());
    section(&mut out, "Kafka's own tools, which change something", &mut WRITES.into_iter());
    out
}

/// Words of the language; those that begin a line end with a space.
pub fn vocabulary() -> Vec<String> {
    let verbs = parse::forms().filter_map(|form| form.split(' ').next());
    let tools = reading::forms().chain(WRITES).filter_map(|form| form.split(' ').next());
    let mut first: Vec<String> =
        ACTS.iter().map(|(name, _)| *name).chain(verbs).chain(tools).chain(["help"]).map(|word| format!("{word} ")).collect();
    let mut distinct: Vec<String> = Vec::new();
    for word in first.drain(..).chain(VALUED.into_iter().chain(kafka::FLAGS).map(str::to_owned)) {
        if !distinct.contains(&word) {
            distinct.push(word);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_that_help_gives_is_one() {
        for form in parse::forms().chain(WRITES) {
            parse::parse_line(form).unwrap_or_else(|error| panic!("{form}: {error}"));
        }
        assert!(reading::forms().all(reading::only_reads));
        assert!(help().lines().count() > 20);
    }

    #[test]
    fn words_that_begin_a_line_are_known_by_their_space() {
        let words = vocabulary();
        assert!(words.contains(&"kill ".to_owned()) && words.contains(&"kafka-topics.sh ".to_owned()));
        assert!(words.contains(&"--describe".to_owned()) && words.contains(&"--topic".to_owned()));
        assert_eq!(words.iter().filter(|word| *word == "kafka-topics.sh ").count(), 1);
    }
}
