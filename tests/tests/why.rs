//! Why and why not: answers with live numbers, causes back to what somebody did, and what would change it, found by running it.

use playground_core::cluster::Cluster;
use playground_core::metadata::PartitionRegistration;
use playground_core::scenario::{Scenario, builtin};
use playground_core::session::Session;
use playground_core::time::{SimDuration, SimTime};
use playground_core::view::ClusterView;
use playground_core::why::trial::{Outcome, Step, Trial};
use playground_core::why::{self, Answer, Question};
use playground_tests::swarm;

fn file(name: &str) -> String {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A scenario, with more lines of timeline, run to a moment.
#[track_caller]
fn run(text: &str, until: &str) -> Session {
    let scenario = Scenario::parse(text).expect("a scenario");
    let mut session = Session::open(scenario);
    session.advance(SimTime::ZERO + SimDuration::parse(until).expect("a time"), u64::MAX);
    session
}

#[track_caller]
fn question(cluster: &Cluster, line: &str) -> Question {
    Question::read(cluster, line).expect("a question").expect("about something that is there")
}

#[track_caller]
fn ask(session: &Session, line: &str) -> Answer {
    why::answer(session.cluster(), session.scenario(), &question(session.cluster(), line)).expect("an answer")
}

/// The answer as text holds each of these.
#[track_caller]
fn says(session: &Session, line: &str, parts: &[&str]) {
    let text = ask(session, line).text();
    for part in parts {
        assert!(text.contains(part), "`{line}` does not say `{part}`:\n{text}");
    }
}

/// The answer to a question that does not arise: one sentence, and nothing that stands in the way.
#[track_caller]
fn does_not_arise(session: &Session, line: &str, part: &str) {
    let answer = ask(session, line);
    assert!(answer.sentence.contains(part) && answer.because.is_empty(), "{}", answer.text());
}

/// Three brokers, `orders` on 101, 102, 103, a shop and one reader; with more tables and a timeline.
fn orders(topic: &str, producer: &str, group: &str, timeline: &str) -> String {
    format!(
        "[network]\nlatency = \"20ms\"\njitter = \"0ms\"\n[[topic]]\nname = \"orders\"\nreplica_assignment = \"101:102:103\"\n{topic}\n\
         [[producer]]\nname = \"shop\"\ntopic = \"orders\"\nrate = 50\nstart = \"2s\"\n{producer}\n\
         [[group]]\nname = \"bill\"\ntopics = [\"orders\"]\n{group}\n[timeline]\n{timeline}\n"
    )
}

const EARLIEST: &str = "config = { \"auto.offset.reset\" = \"earliest\" }";

#[test]
fn a_leader_that_died_is_on_record_until_its_session_ends() {
    let session = run(&orders("", "", EARLIEST, "10s = \"kill 101\""), "12s");
    says(
        &session,
        "why not orders-0 leader",
        &[
            "Broker 101 is down, and the controller has not missed it yet",
            "broker.session.timeout.ms = 9000",
            "Broker 102 is in sync and alive",
            "Broker 101 crashed",
        ],
    );
    says(&session, "why not 101 fenced", &["heartbeats stay away", "The controller fences it at 1", "because, at 10 s"]);
    says(&session, "why not shop acknowledged", &["enable.idempotence = true", "delivery.timeout.ms"][1..]);
    let later = run(&orders("", "", EARLIEST, "10s = \"kill 101\""), "25s");
    does_not_arise(&later, "why not orders-0 leader", "has a leader that works: broker 102");
    says(&later, "why not 101 trusted", &["Its process is down", "`start 101`", "no heartbeat for 9 s"]);
    says(
        &later,
        "why not orders-0 isr",
        &["101 is not in sync", "Broker 101 is down: it fetches nothing", "With 2 in sync, acks=all is still taken"],
    );
}

#[test]
fn a_partition_without_a_leader_names_each_copy_and_what_it_lacks() {
    let session = run(&orders("", "", EARLIEST, "5s = [\"kill 102\", \"kill 103\"]\n40s = \"kill 101\""), "80s");
    says(
        &session,
        "why not orders-0 leader",
        &[
            "No copy of orders-0 may lead",
            "Broker 101 is eligible, and is down",
            "Broker 102 is down, and is neither in sync nor eligible",
            "unclean.leader.election.enable = false",
            "A leader is back when broker 101 is alive",
        ],
    );
    says(&session, "why not shop send", &["the connection to its leader 101, which is down, pauses until", "delivery.timeout.ms = 120000"]);
}

#[test]
fn who_comes_back_leads_after_the_next_check() {
    let session = run(&orders("", "", EARLIEST, "10s = \"kill 101\"\n30s = \"start 101\""), "60s");
    says(
        &session,
        "why not orders-0 preferred",
        &[
            "It may lead again",
            "The next check is at 300 s, in 240 s (leader.imbalance.check.interval.seconds = 300)",
            "--election-type preferred",
        ],
    );
    says(&session, "why not 101 lead", &["It is preferred for", "The next check is at 300 s"]);
    let later = run(&orders("", "", EARLIEST, "10s = \"kill 101\"\n30s = \"start 101\""), "301s");
    does_not_arise(&later, "why not orders-0 preferred", "broker 101, leads it");
}

#[test]
fn the_high_watermark_names_the_copy_that_holds_it_back_and_until_when() {
    let session = run(&orders("", "", EARLIEST, "10s = \"pause 103\""), "15s");
    says(
        &session,
        "why not orders-0 high-watermark",
        &[
            "Broker 103 is in the ISR; its copy ends at",
            "and broker 103 is paused",
            "least log end of the maximal ISR",
            "Unless it fetches, it leaves the ISR after",
        ],
    );
    let end = session.cluster().speaker(session.cluster().partition_named("orders", 0).expect("orders-0")).expect("a leader").log.log_end();
    let newest = format!("why not orders-0@{} readable", end.0 - 1);
    says(&session, &newest, &["is not committed", "Broker 103 is in the ISR"]);
    says(&session, &newest.replace("readable", "given"), &["Group bill: it is not committed"]);
    says(
        &session,
        "why not shop acknowledged",
        &["it is stored there, and every in-sync replica must have it; 103 lacks it, and broker 103 is paused"],
    );
    does_not_arise(&session, "why not orders-0@0 readable", "lies below the high watermark");
}

#[test]
fn below_the_minimum_it_stands_and_sends_are_refused() {
    let text = orders("config = { \"min.insync.replicas\" = 2 }", "", EARLIEST, "5s = [\"kill 102\", \"kill 103\"]");
    let session = run(&text, "40s");
    says(&session, "why not orders-0 isr", &["With 1 in sync, acks=all is refused (NOT_ENOUGH_REPLICAS)", "min.insync.replicas = 2"]);
    says(
        &session,
        "why not shop succeed",
        &["NOT_ENOUGH_REPLICAS", "too few replicas were in sync", "retriable: sent again until delivery.timeout.ms = 120000"],
    );
}

#[test]
fn an_idle_member_hears_how_many_partitions_and_members_there_are() {
    let session = run(&orders("", "", &format!("members = 3\n{EARLIEST}"), ""), "30s");
    let idle = session.cluster().consumers().iter().find(|one| one.positions().next().is_none()).expect("an idle one").name.to_string();
    let line = format!("why not {idle} partitions");
    says(
        &session,
        &line,
        &["1 partition for 3 members", "3 members, 1 partitions: 2 can only stand by", "partition.assignment.strategy: range"],
    );
    says(&session, &format!("why {idle}"), &["owns 0 partitions of group bill", &line]);
}

#[test]
fn a_group_does_not_miss_a_dead_member_before_its_session_ends() {
    let session = run(&orders("", "", &format!("members = 2\n{EARLIEST}"), "20s = \"kill bill-1\""), "30s");
    says(
        &session,
        "why not bill rebalance",
        &[
            "The coordinator of bill has not missed bill-1 yet",
            "session.timeout.ms = 45000",
            "Its session ends at 6",
            "Client bill-1 crashed",
        ],
    );
    let healthy = run(&orders("", "", EARLIEST, ""), "30s");
    says(&healthy, "why not bill rebalance", &["Nothing has happened to group bill", "Nobody joined, left or fell silent"]);
}

#[test]
fn a_slow_application_is_why_its_group_lags() {
    let session = run(&orders("", "", &format!("process = \"100ms\"\n{EARLIEST}"), ""), "40s");
    says(
        &session,
        "why not bill lag",
        &["1 member with partitions take 100 ms a record: at most 10 records a second, and 50 a second arrive", "in hand, 100 ms each"],
    );
    says(&session, "why not bill-1 commit", &["auto.commit.interval.ms = 5000", "It commits in the first poll() after"]);
}

#[test]
fn a_first_rebalance_waits_for_more_members() {
    let session = run(&orders("", "", EARLIEST, ""), "1s");
    says(&session, "why not bill stable", &["group.initial.rebalance.delay.ms = 3000", "The join phase ends at 3."]);
}

#[test]
fn a_paused_partition_and_a_skipped_record_are_told() {
    let session = run(&orders("", "", EARLIEST, "10s = \"pause bill orders-0\""), "20s");
    says(&session, "why not bill-1 read", &["The application has paused orders-0", "KafkaConsumer.pause"]);
    let skipped = run(&file("b15_latest"), "60s");
    says(&skipped, "why not orders-0@0 given", &["Group bill: bill-1 reads at", "past it: it was skipped", "auto.offset.reset = latest"]);
}

#[test]
fn a_lost_record_leads_to_the_crash_and_to_acks() {
    let session = run(&file("b05_acks_1"), "60s");
    says(
        &session,
        "why orders-0@149",
        &["A record at orders-0@149 was acknowledged and is lost", "101 died 15 ms before 102 fetched it", "Broker 101 crashed"],
    );
    let event = session.cluster().events().iter().find(|event| event.kind == "record_lost").expect("a loss").id;
    let answer = ask(&session, &format!("why event {event}"));
    assert!(answer.changes.contains(&"acks=all instead of 1".to_owned()), "{:?}", answer.changes);
    assert!(answer.changes.contains(&"`stop 101` instead of `kill 101`".to_owned()), "{:?}", answer.changes);
    assert!(answer.chain.iter().any(|event| event.kind == "fault"), "{}", answer.text());
}

#[test]
fn a_cut_link_names_the_line_that_cut_it_and_the_one_that_heals_it() {
    let session = run(&orders("", "", EARLIEST, "10s = \"cut 101 102\""), "12s");
    says(&session, "why 101>102", &["Nothing gets from 101 to 102", "`cut 101 102` made it so", "`heal 101 102` ends it"]);
    says(&session, "why 101>103", &["as the scenario made it", "latency = 20 ms"]);
}

#[test]
fn without_a_majority_there_is_no_controller() {
    let session = run(&orders("", "", EARLIEST, "10s = [\"kill 3001\", \"kill 3002\"]"), "30s");
    says(&session, "why controllers", &["There is no active controller", "1 of 3 controllers run; 2 are a majority"]);
}

#[test]
fn what_is_not_there_is_told_with_the_nearest_name() {
    let session = run(builtin("trucks_gps").expect("home"), "10s");
    let refused = |line: &str| Question::read(session.cluster(), line).expect("a question").expect_err("refused");
    assert!(refused("why trucks_gsp-3").contains("Did you mean `trucks_gps-0`?"), "{}", refused("why trucks_gsp-3"));
    assert!(refused("why not 102 isr").contains("Known here: stopped, fenced, trusted, lead."), "{}", refused("why not 102 isr"));
    assert!(refused("why 999").contains("There is no broker 999"));
    assert!(refused("why").contains("why event 91"));
    assert!(Question::read(session.cluster(), "kill 102").is_none());
}

/// Every thing of a run, and everything that can be asked of it, has an answer; what the answer offers to ask is a line that is read.
#[test]
fn everything_can_be_asked_about_in_every_scenario() {
    for (name, text) in scenarios() {
        let scenario = Scenario::parse(&text).expect(&name);
        let end = scenario.end();
        let mut session = Session::open(scenario);
        for part in 1..=4 {
            session.advance(SimTime(end.micros() / 4 * part + 1_234_567), u64::MAX);
            session.settle();
            let cluster = session.cluster();
            let mut things: Vec<String> = cluster.brokers().iter().map(|broker| broker.id.to_string()).collect();
            things.push("controllers".to_owned());
            things.extend(cluster.producers().iter().take(3).map(|one| one.name.to_string()));
            things.extend(cluster.consumers().iter().take(6).map(|one| one.name.to_string()));
            things.extend(session.scenario().groups.iter().map(|group| group.name.clone()));
            for topic in cluster.controller().image().topics().filter(|topic| !topic.partitions.is_empty()) {
                things.extend([format!("{}-0", topic.name), format!("{}-0@0", topic.name), format!("{}-0@100000", topic.name)]);
            }
            for thing in things {
                let answer = ask(&session, &format!("why {thing}"));
                assert!(!answer.sentence.is_empty(), "{name}: {thing}");
                for asked in question(cluster, &format!("why {thing}")).thing.asked() {
                    let question = Question { ask: Some(*asked), ..question(cluster, &format!("why {thing}")) };
                    assert_eq!(Question::read(cluster, &question.to_string()), Some(Ok(question.clone())), "{name}");
                    let answer = why::answer(cluster, session.scenario(), &question).expect("an answer");
                    assert!(answer.sentence.ends_with('.') && answer.sentence.len() > 10, "{name}: {question}: {}", answer.sentence);
                    for (line, words) in &answer.asks {
                        assert!(words.ends_with('?'), "{name}: {line}");
                        assert!(matches!(Question::read(cluster, line), Some(Ok(_))), "{name}: {line}");
                    }
                }
            }
        }
    }
}

fn scenarios() -> Vec<(String, String)> {
    let folder = format!("{}/scenarios", env!("CARGO_MANIFEST_DIR"));
    let mut all: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("scenarios")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), std::fs::read_to_string(&path).expect("text")))
        .collect();
    all.push(("trucks_gps".to_owned(), builtin("trucks_gps").expect("home").to_owned()));
    all.sort();
    all
}

fn orphans(name: &str, cluster: &Cluster) -> Vec<String> {
    let told = why::orphans(cluster.events());
    told.iter().map(|event| format!("{name}: {} {} [{}] {:?}", event.kind, event.text, event.rule, event.causes)).collect()
}

/// No event without a rule, and none without a cause that does not begin a chain by its nature: an act, a timer, the scenario's start.
#[test]
fn no_event_of_a_scenario_is_an_orphan() {
    let mut found = Vec::new();
    for (name, text) in scenarios() {
        let scenario = Scenario::parse(&text).expect(&name);
        let mut cluster = Cluster::new(&scenario);
        cluster.run_until(scenario.end());
        found.extend(orphans(&name, &cluster));
    }
    assert!(found.is_empty(), "{} orphans:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_event_of_a_random_run_is_an_orphan() {
    let mut found = Vec::new();
    for seed in 1..=60 {
        let scenario = swarm::scenario(&swarm::draw(seed));
        let mut cluster = Cluster::new(&scenario);
        cluster.run_until(scenario.end());
        found.extend(orphans(&format!("seed {seed}"), &cluster));
    }
    assert!(found.is_empty(), "{} orphans:\n{}", found.len(), found.join("\n"));
}

/// What came of each change that is offered for the first event of a kind, or for a line.
fn outcomes(session: &Session, line: &str) -> Vec<Outcome> {
    let question = question(session.cluster(), line);
    Trial::of(session.cluster(), session.scenario(), &question).map_or_else(Vec::new, outcomes_of)
}

fn outcomes_of(mut trial: Trial) -> Vec<Outcome> {
    let mut told = Vec::new();
    loop {
        match trial.advance(10_000) {
            Step::Working => {
                let (done, all) = trial.progress();
                assert!(done <= all);
            }
            Step::Told(outcome) => told.push(outcome),
            Step::Done => return told,
        }
    }
}

#[track_caller]
fn tried(name: &str, until: &str, kind: &str, change: &str, result: &str) {
    let session = run(&file(name), until);
    let event = session.cluster().events().iter().find(|event| event.kind == kind).unwrap_or_else(|| panic!("{name}: no {kind}")).id;
    tried_for(&session, &format!("why event {event}"), change, result);
}

#[track_caller]
fn tried_for(session: &Session, line: &str, change: &str, result: &str) {
    let question = question(session.cluster(), line);
    let offered = ask(session, line).changes;
    let place =
        offered.iter().position(|words| words == change).unwrap_or_else(|| panic!("{line}: `{change}` is not offered: {offered:#?}"));
    let trial = Trial::of(session.cluster(), session.scenario(), &question).expect("a trial").only(place as u32);
    let told = outcomes_of(trial);
    assert_eq!((told.len(), told[0].place, told[0].change.as_str()), (1, place as u32, change));
    assert!(told[0].text.contains(result), "{line}: {}", told[0].text);
    // The branch is a scenario that can be run.
    Scenario::parse(&told[0].scenario).unwrap_or_else(|faults| panic!("{faults:?}\n{}", told[0].scenario));
}

/// Each way to lose records, and each way to be given them wrongly: the change that prevents it is offered, and running it shows so.
#[test]
fn what_prevents_each_harm_is_found_by_running_it() {
    tried("b01_unclean", "180s", "record_lost", "unclean.leader.election.enable=false instead of true", "0 records lost instead of 2601");
    tried(
        "b02_last_replica_standing",
        "180s",
        "record_lost",
        "eligible.leader.replicas.version=1 instead of 0",
        "0 records lost instead of 994",
    );
    tried("b03_min_isr_1", "180s", "record_lost", "min.insync.replicas=2 instead of 1", "0 records lost instead of 2597");
    tried("b04_power_everywhere", "180s", "record_lost", "flush.messages=1 instead of never", "0 records lost instead of 1500");
    tried("b05_acks_1", "180s", "record_lost", "acks=all instead of 1", "0 records lost instead of 1 record");
    tried("b05_acks_1", "180s", "record_lost", "`stop 101` instead of `kill 101`", "0 ms without a leader instead of 8.");
    tried("b05_acks_1", "180s", "record_lost", "without `kill 101` at 5.01 s", "0 records lost instead of 1 record");
    tried("b07_acks_0", "180s", "record_unwritten", "acks=all instead of 0", "0 records stored by nobody instead of");
    tried(
        "b08_reordered",
        "180s",
        "record_reordered",
        "enable.idempotence=true instead of false",
        "0 records given out of order instead of 3 records",
    );
    tried("b09_duplicates", "180s", "record_duplicated", "enable.idempotence=true instead of false", "0 records given twice instead of");
    tried("b11_too_busy", "180s", "record_duplicated", "max.poll.records=50 instead of 500", "0 records given twice instead of");
    tried("b12_lost_commit", "240s", "record_duplicated", "min.insync.replicas=2 instead of 1", "0 records given twice instead of");
    let skipped = run(&file("b14_commit_first"), "180s");
    let change = "commit after the work instead of before";
    tried_for(&skipped, "why not orders-0@499 given", change, "0 records skipped instead of 332");
    tried("b15_latest", "180s", "record_skipped", "auto.offset.reset=earliest instead of latest", "0 records skipped instead of");
}

#[test]
fn a_clean_stop_leaves_hardly_any_time_without_a_leader() {
    tried("ac_42_kill_102", "150s", "leader_elected", "`stop 102` instead of `kill 102`", "0 ms without a leader instead of ");
}

#[test]
fn what_a_change_costs_is_told_beside_what_it_mends() {
    let session = run(&file("b01_unclean"), "180s");
    let event = session.cluster().events().iter().find(|event| event.kind == "record_lost").expect("a loss").id;
    let outcomes = outcomes(&session, &format!("why event {event}"));
    let safe = outcomes.iter().find(|outcome| outcome.change.starts_with("unclean")).expect("tried");
    assert!(safe.text.contains("without a leader instead of"), "{}", safe.text);
}

#[test]
fn what_the_user_did_is_changed_as_what_the_file_says() {
    let scenario = Scenario::parse(builtin("trucks_gps").expect("home")).expect("home");
    let mut session = Session::open(scenario);
    session.advance(SimTime(20_000_000), u64::MAX);
    session.submit(playground_core::command::Command::kill(102)).expect("it dies");
    session.advance(SimTime(60_000_000), u64::MAX);
    let event = session.cluster().events().iter().find(|event| event.kind == "leader_elected").expect("an election").id;
    let outcomes = outcomes(&session, &format!("why event {event}"));
    let texts: Vec<&str> = outcomes.iter().map(|outcome| outcome.text.as_str()).collect();
    assert!(texts.iter().any(|text| text.starts_with("`stop 102` instead of `kill 102`")), "{texts:#?}");
    assert!(texts.iter().any(|text| text.starts_with("without `kill 102` at 20 s → 0 ms without a leader")), "{texts:#?}");
}

#[test]
fn a_member_more_and_a_partition_more_are_tried_for_who_is_idle_or_late() {
    let text = orders("", "", &format!("members = 1\nprocess = \"30ms\"\n{EARLIEST}"), "")
        .replace("replica_assignment = \"101:102:103\"", "partitions = 2");
    let session = run(&text, "60s");
    let lag = outcomes(&session, "why not bill lag");
    let texts: Vec<&str> = lag.iter().map(|outcome| outcome.text.as_str()).collect();
    assert!(lag.iter().any(|outcome| outcome.change == "2 members instead of 1" && outcome.better), "{texts:#?}");
    assert!(lag.iter().any(|outcome| outcome.change == "15 ms for a record instead of 30 ms" && outcome.better), "{texts:#?}");
    let idle = run(&text.replace("members = 1", "members = 3"), "60s");
    let member = idle.cluster().consumers().iter().find(|one| one.positions().next().is_none()).expect("an idle one").name.to_string();
    let tried = outcomes(&idle, &format!("why not {member} partitions"));
    let texts: Vec<&str> = tried.iter().map(|outcome| outcome.text.as_str()).collect();
    assert!(
        texts.iter().any(|text| text.starts_with("3 partitions of orders instead of 2 → 0 members idle instead of 1 member")),
        "{texts:#?}"
    );
}

/// Every record that was sent is acknowledged, failed, or still with its producer; every one that was promised is in the leader's log,
/// lost, stored by nobody, or gone by retention.
#[test]
fn the_ledger_adds_up_in_every_scenario() {
    for (name, text) in scenarios() {
        let scenario = Scenario::parse(&text).expect(&name);
        let blind = scenario.producers.iter().any(|producer| producer.config.acks.name() == "0");
        let end = scenario.end();
        let mut cluster = Cluster::new(&scenario);
        for part in 1..=5 {
            cluster.run_until(SimTime(end.micros() / 5 * part + 333_333));
            let ledger = ClusterView::of(&cluster).ledger;
            let open: u64 = cluster.producers().iter().map(|producer| producer.open_records()).sum();
            assert_eq!(ledger.sent, ledger.acked + ledger.failed + open, "{name} at {}", cluster.now());
            assert_eq!(ledger.under_way(), open);
            let image = cluster.controller().image();
            // What a former leader goes on promising is judged when it hears of its successor.
            let stale = |id, partition: &PartitionRegistration| {
                let copies = cluster.brokers().iter().filter_map(move |broker| broker.replicas().get(&id));
                copies.filter(|replica| replica.leadership().is_some()).any(|replica| replica.leader_epoch < partition.leader_epoch)
            };
            if blind || image.partitions().any(|(id, partition)| partition.leader.is_none() || stale(id, partition)) {
                continue;
            }
            let kept = |id| {
                let log = &cluster.speaker(id).expect("a leader").log;
                let records = log.newest_first().flat_map(|stored| stored.batch.records().map(move |record| (stored, record.offset_delta)));
                let offsets = records.map(|(stored, delta)| (stored.leader_epoch, stored.base_offset.0 + u64::from(delta)));
                let there = offsets.filter(|(_, offset)| *offset >= log.log_start().0);
                there.filter(|(epoch, offset)| cluster.referee().is_promised(id, *epoch, *offset)).count() as u64
            };
            let kept: u64 = image
                .partitions()
                .filter(|(id, _)| image.topic(id.topic).is_some_and(|topic| !topic.internal))
                .map(|(id, _)| kept(id))
                .sum();
            assert_eq!(ledger.kept(), kept, "{name} at {}", cluster.now());
        }
    }
}
