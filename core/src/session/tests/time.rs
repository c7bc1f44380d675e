//! Every moment of a run is there again, whatever way one takes to it, and nothing the user did is lost.

use super::*;
use crate::report::{EventFilter, report};
use crate::rng::{Seed, SimRng};
use crate::view::ClusterView;

/// Everything the page could show of a moment, and the digest of what it could not.
fn shown(session: &Session) -> String {
    let cluster = session.cluster();
    report(&ClusterView::of(cluster), cluster.events(), &format!("{:016x}", cluster.digest()), EventFilter::All)
}

/// Says where two such texts part, for they are long.
#[track_caller]
fn same(one: &str, other: &str) {
    let parts = one.bytes().zip(other.bytes()).position(|(one, other)| one != other);
    let near = |text: &str, at: usize| text.get(at.saturating_sub(200)..(at + 80).min(text.len())).unwrap_or_default().to_owned();
    assert!(one == other, "{:?}", parts.map(|at| (near(one, at), near(other, at))));
}

/// The same moment of the same recording, run straight from the beginning.
fn straight(session: &Session) -> String {
    let mut fresh = Session::open(session.scenario().clone());
    fresh.advance(session.now(), u64::MAX);
    shown(&fresh)
}

/// Three minutes in which a broker dies, comes back, and a reader is replaced.
fn eventful() -> Session {
    let mut live = Session::open(fleet());
    run(&mut live, SimTime(12_345_678));
    live.submit(Command::kill(102)).expect("102 is running");
    run(&mut live, at(71));
    live.submit(Command::start(102)).expect("102 is down");
    live.submit(Command::kill(103)).expect("103 is running");
    run(&mut live, at(180));
    live
}

#[test]
fn any_moment_that_was_seen_is_there_again() {
    let mut live = eventful();
    let (head, end) = (live.head(), shown(&live));
    let mut draw = SimRng::new(Seed(7), 0);
    for _ in 0..60 {
        let moment = SimTime(draw.below(head.micros() + 1));
        live.seek(moment);
        assert_eq!((live.now(), live.head()), (moment, head));
        same(&shown(&live), &straight(&live));
    }
    live.seek(SimTime::MAX);
    assert_eq!(live.now(), head);
    same(&shown(&live), &end);
}

#[test]
fn the_instant_of_an_act_is_seen_as_it_was() {
    let mut live = eventful();
    for micros in [12_345_677, 12_345_678, 12_345_679, 70_999_999, 71_000_000, 71_000_001, 0] {
        live.seek(SimTime(micros));
        same(&shown(&live), &straight(&live));
    }
}

#[test]
fn playing_on_from_the_past_follows_the_recording_and_goes_beyond() {
    let mut live = eventful();
    live.seek(at(40));
    assert!(live.in_past());
    let known = live.known_events().len();
    assert!(known > live.cluster().events().len(), "the future stays known");
    run(&mut live, at(100));
    assert_eq!(live.known_events().len(), known);
    same(&shown(&live), &straight(&live));
    run(&mut live, at(240));
    assert!(!live.in_past());
    assert_eq!(live.head(), at(240));
    same(&shown(&live), &straight(&live));
    live.seek(at(200));
    assert_eq!(live.head(), at(240));
    same(&shown(&live), &straight(&live));
}

#[test]
fn copies_are_bounded_and_close_together_near_the_newest_moment() {
    let mut live = Session::open(fleet());
    live.advance(at(20_000), 4_000_000);
    let (copies, bytes) = live.past_size();
    assert!((40..=96).contains(&copies), "{copies} copies");
    let logs: u64 = live.cluster().brokers().iter().flat_map(|b| b.replicas().values()).map(|replica| replica.log.bytes()).sum();
    assert!(bytes < 64 << 20, "{bytes} bytes in copies, {logs} in logs");
    let before = live.cluster().steps();
    live.seek(SimTime(live.now().micros() * 9 / 10));
    assert!(before - live.cluster().steps() < 1_000_000);
    same(&shown(&live), &straight(&live));
}

#[test]
fn an_act_in_the_past_begins_a_branch_and_keeps_the_other() {
    let mut live = eventful();
    let first = shown(&live);
    live.seek(at(60));
    live.submit(Command::kill(101)).expect("101 is running then");
    assert_eq!((live.branches().len(), live.branch(), live.in_past()), (2, 1, false));
    assert_eq!((&live.branches()[1].line[..], live.branches()[1].at, live.branches()[1].from), ("kill 101", at(60), 0));
    run(&mut live, at(200));
    assert_eq!(live.scenario().timeline.len(), 4, "what was done later comes again");
    same(&shown(&live), &straight(&live));
    let second = shown(&live);

    assert!(live.go_to_branch(0, SimTime::MAX) && !live.go_to_branch(2, at(1)));
    live.arrive();
    assert_eq!(live.head(), at(180));
    same(&shown(&live), &first);
    live.go_to_branch(1, at(200));
    live.arrive();
    same(&shown(&live), &second);
    live.seek(at(30));
    same(&shown(&live), &straight(&live));
}

#[test]
fn a_refused_act_in_the_past_begins_no_branch() {
    let mut live = eventful();
    live.seek(at(60));
    let before = shown(&live);
    live.submit(Command::kill(102)).expect_err("102 is down then");
    assert_eq!((live.branches().len(), live.in_past(), shown(&live)), (1, true, before));
}

#[test]
fn undo_shows_the_same_moment_without_the_act_and_redo_with_it() {
    let mut live = eventful();
    let with = shown(&live);
    assert_eq!(live.next_undo(), (Some("kill 103"), None));
    assert_eq!(live.undo().as_deref(), Some("kill 103"));
    live.arrive();
    assert_eq!((live.now(), live.head(), live.scenario().timeline.len()), (at(180), at(180), 2));
    same(&shown(&live), &straight(&live));
    assert_ne!(shown(&live), with);
    live.undo();
    live.undo();
    assert_eq!((live.undo(), live.next_undo()), (None, (None, Some("kill 102"))));
    live.arrive();
    assert_eq!(live.scenario(), &fleet());
    while live.redo().is_some() {}
    live.arrive();
    assert_eq!(live.next_undo(), (Some("kill 103"), None));
    same(&shown(&live), &with);
}

#[test]
fn an_act_is_undone_from_before_it_too() {
    let mut live = eventful();
    live.seek(at(30));
    live.undo();
    live.arrive();
    assert_eq!((live.now(), live.head()), (at(30), at(71)), "known as far as nothing changed");
    same(&shown(&live), &straight(&live));
    run(&mut live, at(90));
    same(&shown(&live), &straight(&live));
}

#[test]
fn undoing_a_fork_leads_back_to_the_branch_it_left() {
    let mut live = eventful();
    live.seek(at(60));
    live.submit(Command::kill(101)).expect("101 is running then");
    run(&mut live, at(90));
    live.undo();
    live.arrive();
    assert_eq!((live.branch(), live.now(), live.head()), (0, at(90), at(180)));
    same(&shown(&live), &straight(&live));
    live.redo();
    live.arrive();
    assert_eq!((live.branch(), live.now(), live.head()), (1, at(90), at(90)));
    same(&shown(&live), &straight(&live));
}

#[test]
fn what_was_undone_stays_as_a_branch_when_something_else_is_done() {
    let mut live = eventful();
    let with = shown(&live);
    live.undo();
    live.undo();
    live.arrive();
    live.submit(Command::kill(101)).expect("101 is running");
    assert_eq!(live.next_undo(), (Some("kill 101"), None));
    assert_eq!((live.branches().len(), &live.branches()[1].line[..]), (2, "start 102"));
    live.go_to_branch(1, at(180));
    live.arrive();
    same(&shown(&live), &with);
}

#[test]
fn a_moment_keeps_its_name_on_its_branch_and_on_those_that_leave_it_later() {
    let mut live = eventful();
    live.name_moment("the end");
    live.seek(at(12));
    live.name_moment("before the crash");
    live.seek(at(60));
    live.submit(Command::kill(101)).expect("101 is running then");
    let names = |live: &Session| live.moments().map(|moment| moment.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&live), ["before the crash"]);
    live.go_to_branch(0, at(12));
    assert_eq!(names(&live), ["before the crash", "the end"]);
    live.name_moment("");
    assert_eq!(names(&live), ["the end"]);
}

#[test]
fn events_are_walked_backwards_and_forwards() {
    let mut live = eventful();
    let mut seen = Vec::new();
    while live.now() > SimTime::ZERO {
        live.seek(live.previous_event(true));
        seen.push(live.now());
    }
    assert!(seen.len() > 5 && seen.is_sorted_by(|later, earlier| later > earlier), "{seen:?}");
    let mut again = vec![live.now()];
    while let Some(moment) = live.next_known_event(true) {
        live.seek(moment);
        assert!(live.cluster().events().iter().any(|event| seeking::after(event) == moment && seeking::interesting(event)));
        again.push(moment);
    }
    seen.reverse();
    assert_eq!(again, seen);
}

#[test]
fn the_next_event_after_an_act_is_not_the_act_that_is_shown() {
    let mut live = Session::open(fleet());
    run(&mut live, at(20));
    live.submit(Command::kill(102)).expect("102 is running");
    assert_eq!(live.next_known_event(false), None);
    run(&mut live, at(30));
    live.seek(at(20));
    let fenced = live.next_known_event(true).expect("102 is fenced");
    assert!(fenced > SimTime(20_000_001), "{fenced:?}");
}

#[test]
fn what_was_built_before_anything_ran_is_undone_too() {
    let line = |line: &str| crate::shell::parse_line(line).expect("a command");
    let mut live = Session::open(fleet());
    live.submit(line("add broker 104")).expect("a new one");
    let built = live.scenario().clone();
    run(&mut live, at(20));
    live.undo();
    live.arrive();
    assert_eq!((live.scenario(), live.opened(), live.now()), (&fleet(), &fleet(), at(20)));
    same(&shown(&live), &straight(&live));
    live.redo();
    live.arrive();
    assert_eq!((live.scenario(), live.opened(), live.now()), (&built, &built, at(20)));
    let saved = live.saved();
    let (mut again, _) = replayed(&saved);
    assert_eq!((again.undo().as_deref(), again.scenario()), (Some("add broker 104"), &fleet()));
    live.seek(SimTime::ZERO);
    live.submit(line("add broker 105")).expect("a new one");
    assert_eq!((live.branches().len(), live.branch(), live.head()), (2, 1, SimTime::ZERO));
    live.undo();
    live.arrive();
    assert_eq!((live.branch(), live.scenario()), (0, &built));
}

#[test]
fn a_save_keeps_the_past_the_branches_and_what_may_be_undone() {
    let mut live = eventful();
    live.name_moment("the end");
    live.seek(at(60));
    live.submit(Command::kill(101)).expect("101 is running then");
    run(&mut live, at(90));
    live.undo();
    live.redo();
    live.arrive();
    live.seek(at(75));
    let before = shown(&live);
    let saved = live.saved();
    assert_eq!((saved.at_us, saved.head_us), (75_000_000, 90_000_000));
    let (mut again, verdict) = replayed(&SavedRun::parse(&saved.render()).expect("a save reads back"));
    assert_eq!((verdict, again.now(), again.head(), again.branch()), (Verdict::Same, at(75), at(90), 1));
    same(&shown(&again), &before);
    assert_eq!(again.saved(), saved);
    assert_eq!(again.known_events().len(), live.known_events().len());
    for session in [&mut live, &mut again] {
        assert_eq!(session.undo().as_deref(), Some("kill 101"));
        assert_eq!(session.undo().as_deref(), Some("kill 103"));
        session.go_to_branch(1, at(80));
        session.arrive();
    }
    same(&shown(&live), &shown(&again));
    same(&shown(&again), &straight(&again));
    again.go_to_branch(0, at(170));
    again.arrive();
    same(&shown(&again), &straight(&again));
}

#[test]
fn the_prompt_has_words_for_time() {
    let mut live = eventful();
    let mut say = |line: &str| {
        let answer = words::time_word(&mut live, line);
        live.arrive();
        answer.map(|answer| answer.unwrap_or_else(|refusal| format!("! {refusal}")))
    };
    assert_eq!(say("kill 102"), None);
    assert_eq!(say("goto 12.3s").as_deref(), Some("Shows 0:00:12.300."));
    assert_eq!(
        say("goto 1h").as_deref(),
        Some("! Nobody has seen 1:00:00.000 yet: the newest moment is 0:03:00.000. Play on to get there.")
    );
    assert_eq!(say("goto there").as_deref(), Some("! Write `goto 12.3s`."));
    assert_eq!(say("name \"before the crash\"").as_deref(), Some("0:00:12.300 is called \"before the crash\"."));
    assert_eq!(say("undo").as_deref(), Some("Undone: kill 103"));
    assert_eq!(say("redo").as_deref(), Some("Done again: kill 103"));
    assert_eq!(say("redo").as_deref(), Some("! There is nothing to redo."));
    assert_eq!(say("branch 2").as_deref(), Some("! There is no branch 2; there are 1."));
}
