//! What a recording promises: the text and a time give the state again.

use super::*;

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
        while live.next_event(budget) == Progress::OutOfBudget {}
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
