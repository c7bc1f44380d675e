//! Another language: the catalogue is whole, in order, and knows every sentence that the engine says in the scenarios there are.

use playground_core::scenario::Scenario;
use playground_core::session::Session;
use playground_core::shell::parse_line;
use playground_core::time::{SimDuration, SimTime};
use playground_core::translation::Translation;
use playground_core::why::{self, Question, Thing};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn catalogue() -> String {
    std::fs::read_to_string(root().join("web/languages/de.tsv")).expect("the catalogue")
}

/// `{0}` and its like in a text, by their numbers.
fn places(text: &str) -> BTreeSet<char> {
    let inside = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(inside, _)| inside);
    inside
        .filter(|inside| inside.trim_end_matches(['#', '!']).len() == 1)
        .filter_map(|inside| inside.chars().next())
        .filter(char::is_ascii_digit)
        .collect()
}

#[test]
fn each_line_has_the_same_places_in_both_languages_and_stands_once_and_in_order() {
    let text = catalogue();
    let lines: Vec<(&str, &str)> = text.lines().map(|line| line.split_once('\t').unwrap_or_else(|| panic!("no tab: {line}"))).collect();
    for (english, german) in &lines {
        let touching = english
            .split_inclusive('}')
            .any(|part| part.starts_with('{') && english.contains(&format!("}}{part}")) && places(part).len() == 1);
        assert!(!touching, "two places side by side cannot be told apart: {english}");
        assert!(!german.is_empty() && !german.contains('\t') && german.trim() == *german, "{english}");
        assert_eq!(places(english), places(german), "{english}\n{german}");
    }
    for pair in lines.windows(2) {
        assert!(pair[0].0 < pair[1].0, "out of order, or twice: {}", pair[1].0);
    }
    assert!(lines.len() > 1_500);
}

/// Words that stand in no German sentence and in nearly every English one.
const ENGLISH: [&str; 48] = [
    "the", "of", "is", "are", "and", "to", "not", "it", "its", "has", "have", "with", "that", "from", "on", "at", "by", "for", "who",
    "what", "which", "when", "while", "nobody", "every", "than", "they", "their", "them", "this", "there", "nothing", "because", "yet",
    "now", "does", "did", "would", "could", "may", "must", "after", "before", "until", "again", "left", "behind", "lost",
];

/// What Kafka's own tools and exceptions say, to the end of the text: it is the same in every language.
const KAFKA: [&str; 10] = [
    "Completed updating config",
    "Successfully ",
    "Error while executing topic command",
    "Created topic",
    "Shutdown broker because all log dirs have failed",
    "NoOffsetForPartitionException",
    "Warn",
    "Error: ",
    "is no longer registered",
    "Valid replica already elected",
];

/// Prose, without lines of shell and what a file would have in quotes.
fn english_left(text: &str) -> Option<&'static str> {
    let text = KAFKA.iter().fold(text, |text, kafka| text.find(kafka).map_or(text, |at| &text[..at]));
    let mut prose = String::new();
    for (i, part) in text.split(['`', '"']).enumerate() {
        prose.push_str(if i % 2 == 0 { part } else { " " });
    }
    let prose = ["commit = after", "commit = before", "every = "].iter().fold(prose, |prose, setting| prose.replace(setting, ""));
    let words: BTreeSet<&str> = prose.split(|c: char| !c.is_alphanumeric() && !"._-=".contains(c)).collect();
    ENGLISH.into_iter().find(|word| words.contains(word))
}

/// All that the engine says about a run at this moment, and where it was found.
fn said_now(session: &Session, file: &str, said: &mut BTreeMap<String, String>) {
    let cluster = session.cluster();
    let mut say = |text: &str, place: &str| {
        if text.contains(' ') {
            said.entry(text.to_owned()).or_insert_with(|| format!("{file}: {place}"));
        }
    };
    let mut things = vec![Thing::Controllers];
    things.extend(cluster.brokers().iter().map(|broker| Thing::Broker(broker.id.0)));
    for topic in cluster.controller().image().topics() {
        for partition in 0..topic.partitions.len().min(3) as u32 {
            things.push(Thing::Partition { topic: topic.name.to_string(), partition });
            things.extend([0, 7, 1_000_000].map(|offset| Thing::Record { topic: topic.name.to_string(), partition, offset }));
        }
    }
    let groups = &session.scenario().groups;
    things.extend(groups.iter().map(|group| Thing::Group(group.name.clone())));
    things.extend(groups.iter().flat_map(|group| group.member_names().into_iter().take(3)).map(Thing::Client));
    things.extend(session.scenario().producers.iter().flat_map(|producer| producer.members.iter().take(2)).cloned().map(Thing::Client));
    let ends = ["brokers", "clients", "101", "102"];
    things.extend(ends.iter().flat_map(|from| ends.iter().map(|to| Thing::Link { from: (*from).to_owned(), to: (*to).to_owned() })));
    things.extend(cluster.events().iter().rev().take(12).map(|event| Thing::Event(event.id)));
    for thing in things {
        let asks = std::iter::once(None).chain(thing.asked().iter().copied().map(Some));
        for ask in asks {
            let question = Question { thing: thing.clone(), ask };
            match why::answer(cluster, session.scenario(), &question) {
                Ok(answer) => {
                    let line = &answer.line;
                    say(&answer.question, line);
                    say(&answer.sentence, line);
                    let because = answer.because.iter().flat_map(|because| [&because.text, &because.rule]);
                    because.chain(&answer.awaits).for_each(|text| say(text, line));
                    answer.asks.iter().for_each(|(_, words)| say(words, line));
                    answer.changes.iter().for_each(|change| say(change, line));
                }
                Err(refusal) => say(&refusal, &question.to_string()),
            }
        }
    }
}

fn scenario_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = ["core/scenarios", "tests/scenarios"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root().join(folder)).expect("scenarios"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    files
}

/// Runs each scenario and asks everything shortly after each thing that is done in it.
fn said_in_all_scenarios() -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    for path in scenario_files() {
        let file = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let scenario = Scenario::parse(&std::fs::read_to_string(&path).expect("a file")).expect("a scenario");
        let mut moments: Vec<SimTime> = scenario
            .timeline
            .iter()
            .flat_map(|entry| [entry.at + SimDuration::from_millis(700), entry.at + SimDuration::from_secs(12)])
            .collect();
        moments.push(SimTime::ZERO + SimDuration::from_secs(2));
        moments.push(SimTime::ZERO + SimDuration::from_secs(60));
        moments.retain(|at| *at <= SimTime::ZERO + SimDuration::from_secs(1_200));
        moments.sort_unstable();
        let mut session = Session::open(scenario);
        for at in moments.into_iter().take(16) {
            session.advance(at, u64::MAX);
            said_now(&session, &file, &mut said);
        }
        for event in session.cluster().events() {
            for text in [&event.text, &event.rule] {
                said.entry(text.clone()).or_insert_with(|| format!("{file}: event {}", event.id));
            }
        }
    }
    said
}

#[track_caller]
fn assert_translated(said: &BTreeMap<String, String>) {
    let german = Translation::read(&catalogue());
    let missing: Vec<String> = said
        .iter()
        .filter_map(|(text, place)| {
            let other = german.of(text).unwrap_or_else(|| text.clone());
            english_left(&other).map(|word| format!("{place}: `{word}` in: {other}\n      of: {text}"))
        })
        .collect();
    assert!(missing.is_empty(), "{} of {} texts are not German:\n{}", missing.len(), said.len(), missing.join("\n"));
}

#[test]
fn every_event_rule_and_answer_of_all_scenarios_is_said_in_german() {
    let said = said_in_all_scenarios();
    assert!(said.len() > 1_000, "{}", said.len());
    assert_translated(&said);
}

#[test]
fn every_term_and_every_setting_is_explained_in_german() {
    let meanings = |file: &str| {
        let text = std::fs::read_to_string(root().join("core/words").join(file)).expect("words");
        text.lines().filter_map(|line| line.rsplit('\t').next()).map(|meaning| (meaning.to_owned(), file.to_owned())).collect::<Vec<_>>()
    };
    let all: BTreeMap<String, String> = meanings("terms.tsv").into_iter().chain(meanings("settings.tsv")).collect();
    let german = Translation::read(&catalogue());
    for (meaning, file) in &all {
        assert!(german.of(meaning).is_some(), "{file}: {meaning}");
    }
    assert_translated(&all);
}

/// Lines that forms and the prompt refuse, in our words; what Kafka refuses is said in Kafka's.
const REFUSED: [&str; 28] = [
    "add broker 101",
    "add broker 104 colour=red",
    "add producer x topic=nope every=1s",
    "add producer x topic=trucks_gps",
    "add producer x topic=trucks_gps every=0s",
    "add producer x topic=trucks_gps every=1s rate=2",
    "add producer truck-1 topic=trucks_gps every=1s",
    "add producer x topic=trucks_gps every=1s acks=7",
    "add producer x topic=trucks_gps every=1s linger.ms=abc",
    "add producer x topic=trucks_gps every=1s lingr.ms=1",
    "add group location-dashboard topics=trucks_gps",
    "add group x topics=nope",
    "add group x topics=trucks_gps members=0",
    "add group x topics=trucks_gps commit=never",
    "remove broker 999",
    "remove producer nope",
    "remove nope",
    "set nope members=3",
    "set truck-1 members=3",
    "kill 999",
    "kill nope",
    "start 101",
    "resume 101",
    "power-cut truck-1",
    "cut truck-1 controllers",
    "skew location-dashboard +10m",
    "rename truck-1 truck-2",
    "frobnicate",
];

#[test]
fn what_forms_and_the_prompt_refuse_is_said_in_german() {
    let text = std::fs::read_to_string(root().join("core/scenarios/trucks_gps.toml")).expect("a file");
    let mut said = BTreeMap::new();
    for seconds in [0, 5] {
        let mut session = Session::open(Scenario::parse(&text).expect("a scenario"));
        session.advance(SimTime::ZERO + SimDuration::from_secs(seconds), u64::MAX);
        for line in REFUSED {
            let refusal = match parse_line(line) {
                Ok(command) => session.refusal(&command).map(|error| error.to_string()),
                Err(error) => Some(error.message),
            };
            refusal.into_iter().flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).for_each(|text| {
                said.insert(text, format!("{line} at {seconds} s"));
            });
        }
    }
    assert!(said.len() > 20, "{said:#?}");
    assert_translated(&said);
}
