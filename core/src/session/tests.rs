//! What a recording promises: the text and a time give the state again.

use super::*;

mod time;

const FLEET: &str = include_str!("../../scenarios/trucks_gps.toml");

fn fleet() -> Scenario {
    Scenario::parse(FLEET).expect("the built-in scenario is valid")
}

fn at(seconds: u64) -> SimTime {
    SimTime(seconds * 1_000_000)
}

/// Runs in small budgets, as the worker does.
fn run(session: &mut Session, to: SimTime) {
    while session.advance(to, 97) == Progress::OutOfBudget {}
}

fn replayed(saved: &SavedRun) -> (Session, Verdict) {
    let mut replay = Replay::of(saved).expect("a saved scenario is valid");
    while replay.advance(1_000) == Progress::OutOfBudget {}
    replay.finish()
}

#[test]
fn what_the_user_did_replays_to_the_same_state() {
    let mut live = Session::open(fleet());
    run(&mut live, SimTime(12_345_678));
    live.submit(Command::kill(102)).expect("102 is running");
    run(&mut live, at(31));
    live.submit(Command::start(102)).expect("102 is down");
    live.submit(Command::kill(103)).expect("103 is running");
    run(&mut live, at(47));

    let saved = SavedRun::parse(&live.saved().render()).expect("a save reads back");
    let (again, verdict) = replayed(&saved);
    assert_eq!(verdict, Verdict::Same);
    assert_eq!(again.scenario(), live.scenario());
    assert_eq!(again.cluster().steps(), live.cluster().steps());
    assert_eq!(again.now(), live.now());
    assert!(again.touched(), "the replay knows which lines are the user's");
}

#[test]
fn a_command_between_two_events_of_one_instant_waits_for_the_instant() {
    let mut live = Session::open(fleet());
    let mut commands = [Command::kill(101), Command::start(101)].into_iter();
    // Stop after every few events, so that commands fall into the middle of an instant.
    for budget in [1, 2, 3, 5, 8, 13, 21, 1_000, 1, 1_001] {
        live.advance(at(30), budget);
        if live.now() > at(2)
            && let Some(command) = commands.next()
        {
            live.submit(command).expect("kill, then start");
        }
    }
    let saved = live.saved();
    assert_eq!(replayed(&saved).1, Verdict::Same);
}

#[test]
fn a_refused_command_changes_and_records_nothing() {
    let mut live = Session::open(fleet());
    run(&mut live, at(10));
    let before = live.saved();
    live.submit(Command::kill(999)).expect_err("there is no broker 999");
    live.submit(Command::start(101)).expect_err("101 is running");
    assert_eq!(live.saved(), before);
    assert!(!live.touched());
}

#[test]
fn starting_over_forgets_what_the_user_did() {
    let mut live = Session::open(fleet());
    run(&mut live, at(5));
    live.submit(Command::kill(102)).expect("102 is running");
    let (restored, _) = replayed(&live.saved());
    for mut fresh in [live.start_over(), restored.start_over()] {
        assert_eq!(fresh.now(), SimTime::ZERO);
        assert_eq!(fresh.scenario(), &fleet());
        let mut untouched = Session::open(fleet());
        run(&mut fresh, at(8));
        run(&mut untouched, at(8));
        assert_eq!(fresh.saved(), untouched.saved());
    }
}

#[test]
fn a_save_that_does_not_replay_is_told_from_one_of_another_engine() {
    let mut live = Session::open(fleet());
    run(&mut live, at(3));
    let saved = live.saved();
    let wrong = SavedRun { digest: Some(saved.digest.expect("taken") ^ 1), ..saved.clone() };
    assert_eq!(replayed(&wrong).1, Verdict::Differs);
    let other = SavedRun { engine: ENGINE_VERSION + 1, ..saved };
    assert_eq!(replayed(&other).1, Verdict::OtherEngine(ENGINE_VERSION + 1));
}

#[test]
fn the_next_event_stops_where_the_list_grows() {
    let sought = |budget| {
        let mut live = Session::open(fleet());
        run(&mut live, at(20));
        live.submit(Command::kill(102)).expect("102 is running");
        let known = live.cluster().events().len();
        while live.next_event(budget, |_| true) == Progress::OutOfBudget {}
        assert!(live.cluster().events().len() > known, "losing a broker has consequences");
        let stopped = live.now();
        live.settle();
        assert_eq!(live.now(), stopped);
        assert_eq!(replayed(&live.saved()).1, Verdict::Same);
        live.saved()
    };
    assert_eq!(sought(50), sought(1), "an event at the end of a slice is not run past");
}

#[test]
fn the_file_of_the_home_run_is_kept_as_it_is_until_somebody_takes_part() {
    let mut home = Session::read(FLEET).expect("the built-in scenario is valid");
    run(&mut home, at(5));
    let saved = home.saved();
    assert_eq!((saved.opened.as_str(), saved.scenario.as_str()), (FLEET, FLEET));
    assert_eq!(replayed(&saved).1, Verdict::Same);

    home.submit(Command::kill(102)).expect("102 is running");
    let saved = home.saved();
    assert_eq!(Scenario::parse(&saved.scenario).as_ref(), Ok(home.scenario()));
    let (again, verdict) = replayed(&saved);
    assert_eq!((again.opened(), verdict), (&fleet(), Verdict::Same));
    assert_eq!(home.start_over().opened_text(), FLEET);
}

#[test]
fn what_the_user_did_last_replays_too() {
    for seconds in [5, 6, 7, 21] {
        let mut live = Session::open(fleet());
        run(&mut live, at(seconds));
        live.submit(Command::kill(102)).expect("102 is running");
        assert_eq!(replayed(&live.saved()).1, Verdict::Same, "at {seconds} s");
    }
}

/// What is typed at 0 s into a session.
fn typed(session: &mut Session, lines: &[&str]) -> Result<(), String> {
    lines.iter().try_for_each(|line| {
        let command = crate::shell::parse_line(line).map_err(|error| error.to_string())?;
        session.submit(command).map(|_| ()).map_err(|error| error.to_string())
    })
}

fn empty() -> Session {
    Session::open(Scenario::parse("[cluster]\nbrokers = []").expect("a cluster without brokers is one"))
}

#[test]
fn what_is_built_before_anything_ran_is_a_clean_file() {
    let mut session = empty();
    typed(
        &mut session,
        &[
            "title 'Orders'",
            "seed 7",
            "latency 5ms",
            "add broker {101..102} rack=a",
            "add broker 103 rack=b",
            "kafka-topics.sh --create --topic orders --partitions 4 --replication-factor 3 --config min.insync.replicas=2",
            "add producer shop-{1..5} topic=orders key={name} value='{\"shop\": {n}}' every=2s acks=1",
            "add group billing topics=orders members=2 process=5ms auto.offset.reset=earliest",
            "set billing members=3",
            "set shop-{1..5} every=1s",
            "set shop-{1..5} linger.ms=50",
            "rename billing invoices",
            "rename orders sales",
            "kafka-topics.sh --alter --topic sales --partitions 6",
            "kafka-configs.sh --alter --entity-type brokers --entity-default --add-config num.partitions=3",
            "kill 102",
        ],
    )
    .expect("each of them can be");
    let file = "kafka = \"4.3\"
title = \"Orders\"
seed = 7

[cluster]
brokers = [101, 102, 103]
racks = { a = [101, 102], b = [103] }
config = { \"num.partitions\" = 3 }

[network]
latency = \"5ms\"

[[topic]]
name = \"sales\"
partitions = 6
replication_factor = 3
config = { \"min.insync.replicas\" = 2 }

[[producer]]
name = \"shop-{1..5}\"
topic = \"sales\"
key = \"{name}\"
value = '{\"shop\": {n}}'
every = \"1s\"
config = { acks = 1, \"linger.ms\" = 50 }

[[group]]
name = \"invoices\"
topics = [\"sales\"]
members = 3
process = \"5ms\"
config = { \"auto.offset.reset\" = \"earliest\" }

[timeline]
0s = \"kill 102\"
";
    assert_eq!(session.text(), file);
    run(&mut session, at(20));
    assert!(session.touched() && session.cluster().referee().acked > 50, "{}", session.cluster().referee().acked);
    assert!(session.start_over().text().ends_with("earliest\" }\n"), "starting over begins with what was built, without what was done");
    let saved = session.saved();
    assert_eq!(replayed(&saved).1, Verdict::Same);
}

#[test]
fn what_cannot_be_built_is_refused_in_kafkas_words_and_changes_nothing() {
    let mut session = empty();
    run(&mut session, SimTime::ZERO);
    let refused = |session: &mut Session, line: &str| {
        let before = session.text();
        let error = typed(session, &[line]).expect_err(line);
        assert_eq!(session.text(), before);
        error
    };
    let create = "kafka-topics.sh --create --topic orders --replication-factor 3";
    assert!(refused(&mut session, create).contains("only 0 broker(s) are registered. Add a broker first."));
    typed(&mut session, &["add broker {101..103}"]).expect("brokers");
    assert!(refused(&mut session, "add producer shop topic=orders every=1s").contains("there is no topic `orders`"));
    typed(&mut session, &[create, "add producer shop-{1..3} topic=orders every=1s", "add group billing topics=orders"]).expect("topic");
    for (line, part) in [
        ("remove broker 103", "cannot be reached because only 2 broker(s) are registered"),
        ("add broker 101", "There is a broker 101 already"),
        ("add broker 104 color=red", "unknown field `color`. Write rack=b"),
        ("add broker 3001", "is the node id of a controller"),
        ("add broker {1..400}", "over the limit of 200"),
        ("add producer shop-2 topic=orders every=1s", "there is another client `shop-2`"),
        ("add producer mill topic=orders every=1s topc=x", "unknown field `topc`. Did you mean `topic`?"),
        ("add producer mill topic=orders", "how often does it send?"),
        ("add producer mill topic=orders every=1s acks=2", "acks"),
        ("add group billing topics=orders", "there is another client `billing-1`"),
        ("add group other topics=orders members=x", "`members` is the text"),
        ("set billing members=0", "write a whole number from 1"),
        ("set shop-{1..3} every=soon", "`every` is the text \"soon\""),
        ("set orders partitions=0", "`partitions` is the number 0"),
        ("kafka-topics.sh --alter --topic orders --partitions 1", "currently has 1 partition(s); 1 would not be an increase"),
        ("kafka-topics.sh --delete --topic orders", "shop-{1..3} uses topic orders. Write `remove shop-{1..3}` first."),
        ("kafka-topics.sh --create --topic orders", "Topic 'orders' already exists"),
        ("remove mill", "There is no `mill` here"),
        ("remove billing-1", "Write `remove group billing`"),
        ("rename shop-{1..3} billing-1", "there is another client `billing-1`"),
        ("controllers 4", "Write an odd number"),
    ] {
        let error = refused(&mut session, line);
        assert!(error.contains(part), "{line}: {error}");
    }
    // Down to nothing again, a fleet by its members.
    typed(&mut session, &["remove shop-2"]).expect("one of a fleet");
    assert_eq!(session.scenario().producers.iter().map(|fleet| fleet.name.as_str()).collect::<Vec<_>>(), ["shop-1", "shop-3"]);
    let lines = ["remove shop-1", "remove shop-3", "remove billing", "kafka-topics.sh --delete --topic orders", "remove broker {101..103}"];
    typed(&mut session, &lines).expect("each of them");
    assert_eq!(session.text(), "kafka = \"4.3\"\n\n[cluster]\nbrokers = []\n");
    run(&mut session, at(60));
    assert!(session.cluster().active_controller().is_some(), "the controllers are among themselves");
}

#[test]
fn who_comes_and_goes_while_it_runs_replays_to_the_same_state() {
    let mut live = Session::open(fleet());
    let lines = [
        "add broker 104 rack=b",
        "add producer van-{1..3} topic=trucks_gps key={name} every=2s acks=1",
        "set location-dashboard members=4",
        "kafka-topics.sh --create --topic returns --replication-factor 4",
        "add group refunds topics=returns,trucks_gps members=2 group.protocol=consumer",
        "kill 104",
        "set van-{1..3} rate=2",
        "set van-{1..3} topic=returns",
        "set refunds topics=returns",
        "remove van-2",
        "remove truck-{1..10}",
        "set van-1 linger.ms=100",
        "remove refunds-2",
        "remove broker 104",
        "set location-dashboard members=1",
        "remove group refunds",
        "add broker 104",
        "add group refunds topics=returns",
    ];
    for (i, line) in lines.iter().enumerate() {
        // Wherever a slice of work happens to end.
        live.advance(SimTime((5 + 4 * i as u64) * 1_000_000 + 123), 100_000);
        typed(&mut live, &[line]).unwrap_or_else(|why| panic!("{line}: {why}"));
        live.advance(SimTime::MAX, 301 + i as u64);
    }
    run(&mut live, at(120));
    let view = crate::view::ClusterView::of(live.cluster());
    let clients: Vec<&str> = view.clients.iter().map(|client| client.name.as_str()).skip(10).collect();
    assert_eq!(clients, ["van-1", "van-3", "location-dashboard-1", "notification-service-1", "refunds-1"]);
    assert_eq!(view.brokers.iter().map(|broker| broker.id).collect::<Vec<_>>(), [101, 102, 103, 104]);
    let saved = live.saved();
    let (again, verdict) = replayed(&saved);
    assert_eq!(verdict, Verdict::Same, "{}", saved.scenario);
    assert_eq!(again.scenario(), live.scenario());
    for (line, part) in [
        ("start truck-3", "There is no client `truck-3`"),
        ("add producer truck-20 topic=returns every=1s", "there is another client `truck-20`"),
        ("add producer lorry topic=nowhere every=1s", "there is no topic `nowhere`"),
        ("add broker 102", "There is a broker 102 already"),
        ("remove location-dashboard-1", "the only member of group"),
        ("rename truck-20 lorry", "Kafka renames nothing"),
        ("seed 9", "Go back to 0 s"),
        (
            "kafka-configs.sh --alter --entity-type brokers --entity-default --add-config num.partitions=3",
            "Cannot update these configs dynamically",
        ),
    ] {
        let error = typed(&mut live, &[line]).expect_err(line);
        assert!(error.contains(part), "{line}: {error}");
    }
}
