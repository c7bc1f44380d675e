//! The headless runner as a user calls it: exit codes, located messages, nothing written for bad input.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn playground(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_playground")).args(arguments).output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A scratch folder of one test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn trucks() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/scenarios/trucks_gps.toml").display().to_string()
}

#[test]
fn bad_files_exit_with_2_within_50_ms_and_say_where() {
    let folder = folder("bad_files");
    let kinds = [
        ("unknown_field", "[[topic]]\nname = \"t\"\npartition = 3\n", "3:1: "),
        ("negative_partitions", "[[topic]]\nname = \"t\"\npartitions = -1\n", "3:14: "),
        ("too_many_copies", "[[topic]]\nname = \"t\"\nreplication_factor = 4\n", "3:22: "),
        ("too_many_partitions", "[[topic]]\nname = \"t\"\npartitions = 1000000000\n", "3:14: "),
        ("broken", "[[topic]\nname = \"t\"\n", "1:9: "),
    ];
    for (kind, content, place) in kinds {
        let file = folder.join(format!("{kind}.toml"));
        fs::write(&file, content).expect("written");
        let file = file.display().to_string();
        for arguments in [&["run", &file, "--json"][..], &["run", &file], &["records", &file, "--topic", "t"], &["link", &file]] {
            // The fastest of three: the machine may be busy, the program is not.
            let runs: Vec<(Duration, Output)> = (0..3)
                .map(|_| {
                    let begun = Instant::now();
                    let output = playground(arguments);
                    (begun.elapsed(), output)
                })
                .collect();
            let (took, output) = runs.into_iter().min_by_key(|(took, _)| *took).expect("three runs");
            assert_eq!(output.status.code(), Some(2), "{kind}");
            assert_eq!(text(&output.stdout), "", "{kind}: nothing runs");
            assert!(text(&output.stderr).starts_with(&format!("{file}:{place}")), "{kind}: {}", text(&output.stderr));
            assert!(took < Duration::from_millis(50), "{kind} took {took:?}");
        }
        let target = folder.join("out");
        let output = playground(&["export", &file, &target.display().to_string()]);
        assert_eq!(output.status.code(), Some(2));
        assert!(!target.exists(), "{kind}: nothing is written");
    }
}

#[test]
fn bad_calls_exit_with_2_and_say_what_to_write() {
    let trucks = trucks();
    for (arguments, part) in [
        (&[][..], "playground run FILE"),
        (&["fly"], "`fly` is nothing this program does"),
        (&["run"], "Write FILE here"),
        (&["run", "nowhere.toml"], "cannot be read"),
        (&["run", &trucks, "--unti", "5m"], "There are --until"),
        (&["run", &trucks, "--until", "soon"], "Write --until 5m"),
        (&["run", &trucks, "--until"], "`--until` needs a value"),
        (&["run", &trucks, "--seed", "-1"], "a whole number from 0"),
        (&["run", &trucks, "--set", "topic.trucks_gps.replication_factor=4"], "only 3 broker(s) are registered"),
        (&["run", &trucks, "--events", "some"], "write all or none"),
        (&["records", &trucks], "--topic trucks_gps"),
        (&["records", &trucks, "--topic", "cars"], "Topics here: trucks_gps"),
        (&["records", &trucks, "--topic", "trucks_gps", "--partition", "10"], "the partitions 0 to 9"),
        (&["open", "k1.abc"], "cut off"),
        (&["open", "k9.abc"], "newer version"),
    ] {
        let output = playground(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(part), "{arguments:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
    }
}

#[test]
fn a_file_that_is_not_text_is_located() {
    let file = folder("not_text").join("bad.toml");
    fs::write(&file, b"seed = 1\ntitle = \"\xff\"\n").expect("written");
    let output = playground(&["run", &file.display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains(":2:10: This is not UTF-8 text"), "{}", text(&output.stderr));
}

#[test]
fn a_link_opens_as_the_file_it_was_made_of() {
    let folder = folder("links");
    let link = text(&playground(&["link", &trucks()]).stdout);
    let opened = playground(&["open", link.trim()]);
    assert_eq!(opened.status.code(), Some(0));
    let copy = folder.join("copy.toml");
    fs::write(&copy, &opened.stdout).expect("written");
    assert_eq!(text(&playground(&["link", &copy.display().to_string()]).stdout), link);
}

#[test]
fn every_scenario_of_the_tests_holds_what_it_expects() {
    let mut files: Vec<PathBuf> = fs::read_dir(scenarios()).expect("scenarios").map(|entry| entry.expect("an entry").path()).collect();
    files.push(PathBuf::from(trucks()));
    files.sort();
    for file in files {
        let output = playground(&["run", &file.display().to_string()]);
        assert_eq!(output.status.code(), Some(0), "{}:\n{}{}", file.display(), text(&output.stdout), text(&output.stderr));
    }
}

#[test]
fn an_expectation_that_does_not_hold_exits_with_1_and_says_what_was_seen() {
    let file = folder("unmet").join("unmet.toml");
    fs::write(&file, "[[expect]]\nat = \"1s\"\nthat = [\"sent == 5\", \"acked_lost == 0\"]\n").expect("written");
    let output = playground(&["run", &file.display().to_string(), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "at 0:00:01.000 expected sent == 5, but it was 0\n");
    assert!(text(&output.stdout).starts_with("{\"brokers\":"));
}

#[test]
fn two_runs_of_one_file_and_seed_give_the_same_bytes() {
    let run = |seed: &str| text(&playground(&["run", &trucks(), "--until", "90s", "--seed", seed, "--json", "--events", "all"]).stdout);
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7"), run("8"));
}

#[test]
fn records_come_in_order_and_only_from_the_partition_asked_for() {
    let lines = |arguments: &[&str]| -> Vec<serde_json::Value> {
        let output = playground(&[&["records", &trucks(), "--topic", "trucks_gps", "--until", "2m"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    };
    let all = lines(&[]);
    assert_eq!(all.len(), 120, "twenty trucks, six rounds");
    let address = |record: &serde_json::Value| (record["partition"].as_u64(), record["offset"].as_u64());
    assert!(all.windows(2).all(|pair| address(&pair[0]) < address(&pair[1])));
    let four = lines(&["--partition", "4"]);
    assert_eq!(four, all.iter().filter(|record| record["partition"] == 4).cloned().collect::<Vec<_>>());
    assert_eq!(four.len(), 24);
    let value: serde_json::Value = serde_json::from_str(four[0]["value"].as_str().expect("text")).expect("JSON in the value");
    assert_eq!(value["truck_id"], four[0]["key"]);
    assert!(value["lat"].is_number() && value["lon"].is_number());
}

#[test]
fn an_export_is_a_folder_for_each_broker_and_never_mixes_with_another() {
    let target = folder("export").join("data");
    let target = target.display().to_string();
    let output = playground(&["export", &trucks(), &target, "--until", "1m"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for broker in ["101", "102", "103"] {
        let log = Path::new(&target).join(broker).join("trucks_gps-4/00000000000000000000.log");
        assert!(fs::metadata(&log).is_ok_and(|file| file.len() > 0), "{}", log.display());
    }
    assert_eq!(playground(&["export", &trucks(), &target]).status.code(), Some(2), "it is not empty any more");
}

#[test]
fn a_shell_answers_each_line_as_the_page_does() {
    let file = scenarios().join("kill_102.toml").display().to_string();
    let lines = "kafka-topics.sh --create --topic orders --partitions 2 --replication-factor 2\nkafka-topics.sh --create --topic orders\n\n\
                 kill 103\nkil 101\nkafka-topics --zookeeper zk:2181 --delete --topic orders\n\
                 kafka-topics.sh --list\nkafka-get-offsets.sh --topic orders\n";
    let mut child = Command::new(env!("CARGO_BIN_EXE_playground"))
        .args(["shell", &file, "--until", "50s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("its input").write_all(lines.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    let answers = text(&output.stdout);
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers[0], "Created topic orders.");
    assert_eq!(answers[1], "Error while executing topic command : Topic 'orders' already exists.");
    assert_eq!(answers[2], "Broker 103 crashed. Its disk is still there.");
    assert!(answers[3].contains("Did you mean `kill`?"), "{}", answers[3]);
    assert!(answers[4].contains("`--zookeeper` was removed"), "{}", answers[4]);
    // The tool that made it has waited for the quorum.
    assert!(answers[5..].contains(&"orders"), "{answers:?}");
    assert_eq!(answers[answers.len() - 1], "orders:0:0", "103, which led the other partition, is down");
}

#[test]
fn a_summary_says_why_records_are_lost() {
    let file = scenarios().join("b05_acks_1.toml").display().to_string();
    let summary = text(&playground(&["run", &file]).stdout);
    assert!(summary.contains("acknowledged and lost 1\n"), "{summary}");
    assert!(summary.contains(" 1 acknowledged record lost: orders-0@149; 101 died 15 ms before 102 fetched it; acks=1.\n"), "{summary}");
}
