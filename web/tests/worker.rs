//! The worker's promises to the page, on a clock the test turns: pace, frames, acknowledgements, saves.

#![cfg(target_arch = "wasm32")]

use playground_core::scenario::builtin;
use playground_core::session::saved::SavedRun;
use playground_core::view::{ClusterView, Subject};
use playground_web::bridge::{Frame, FromWorker, HOPS, Playback, SaveState, ToWorker, decode, encode};
use playground_web::worker::host_disk::DiskError;
use playground_web::worker::run_store::Before;
use playground_web::worker::{Found, Next, SimWorker};
use std::cell::Cell;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

thread_local! {
    static NOW_MS: Cell<f64> = const { Cell::new(0.0) };
    /// What reading the clock costs: the engine seems so slow.
    static LOOK_MS: Cell<f64> = const { Cell::new(0.0) };
}

fn clock() -> f64 {
    NOW_MS.set(NOW_MS.get() + LOOK_MS.get());
    NOW_MS.get()
}

fn wait(ms: f64) {
    NOW_MS.set(NOW_MS.get() + ms);
}

fn fleet() -> String {
    builtin("trucks_gps").expect("it is built in").to_string()
}

/// The page's half: shows every frame and acknowledges it.
struct Page {
    worker: SimWorker,
    view: ClusterView,
    frames: Vec<Frame>,
    /// Answers and news, but for those that come with every act.
    others: Vec<FromWorker>,
    /// The run as it was recorded last.
    recorded: String,
    acknowledges: bool,
}

impl Page {
    /// A page whose worker holds no run yet.
    fn empty() -> Self {
        NOW_MS.set(1_000.0);
        LOOK_MS.set(0.0);
        let worker = SimWorker::new(clock, 8.0);
        Page { worker, view: ClusterView::default(), frames: Vec::new(), others: Vec::new(), recorded: String::new(), acknowledges: true }
    }

    fn opened() -> Self {
        let mut page = Page::empty();
        page.resume();
        page.turns(2);
        page
    }

    fn resume(&mut self) {
        self.send(ToWorker::Resume { otherwise: fleet() });
    }

    fn send(&mut self, message: ToWorker) {
        self.worker.handle(message);
        self.read();
    }

    fn turn(&mut self) -> Next {
        let next = self.worker.turn();
        self.read();
        next
    }

    fn turns(&mut self, turns: u32) {
        for _ in 0..turns {
            self.turn();
        }
    }

    /// Wall time passes in steps of 8 ms.
    fn run_ms(&mut self, ms: u32) {
        for _ in 0..ms / 8 {
            wait(8.0);
            self.turn();
        }
    }

    fn read(&mut self) {
        for message in self.worker.take_out() {
            // As it arrives: through bytes.
            match decode(&encode(&message)).expect("our own message") {
                FromWorker::Frame(frame) => self.show(frame),
                FromWorker::Recorded { saved } => self.recorded = saved,
                FromWorker::Past(_) => {}
                other => self.others.push(other),
            }
        }
    }

    fn show(&mut self, frame: Frame) {
        match frame.base {
            None => self.view = ClusterView::default(),
            Some(base) => assert_eq!(Some(base), self.frames.last().map(|last| last.revision), "it builds on what is shown"),
        }
        self.view.apply(frame.delta.clone());
        if self.acknowledges {
            self.worker.handle(ToWorker::Shown(frame.revision));
        }
        self.frames.push(frame);
    }

    fn now_us(&self) -> u64 {
        self.view.now_us
    }

    fn play(&mut self, playing: bool, speed_milli: u64) {
        self.send(ToWorker::Playback(Playback { playing, speed_milli }));
    }

    fn shell(&mut self, line: &str) -> Result<String, String> {
        self.send(ToWorker::Shell { id: 7, line: line.into() });
        match self.others.pop() {
            Some(FromWorker::Reply { id: 7, result }) => result,
            other => panic!("a reply to the line, not {other:?}"),
        }
    }

    fn scenario(&mut self) -> String {
        self.send(ToWorker::Scenario { id: 8 });
        match self.others.pop() {
            Some(FromWorker::Reply { id: 8, result }) => result.expect("a run is open"),
            other => panic!("the scenario, not {other:?}"),
        }
    }

    /// The digest of the paused run.
    fn digest(&mut self) -> String {
        self.play(false, 10_000);
        wait(100.0);
        self.turn();
        self.frames.last().and_then(|frame| frame.digest.clone()).expect("a paused run shows its digest")
    }
}

#[wasm_bindgen_test]
fn a_new_run_plays_at_ten_times_and_wall_time_becomes_virtual_time() {
    let mut page = Page::opened();
    assert!(matches!(
        &page.others[..],
        [FromWorker::Opened { restored: false, playback: Playback { playing: true, speed_milli: 10_000 }, notice: None, .. }]
    ));
    page.run_ms(2_000);
    let seconds = page.now_us() as f64 / 1e6;
    assert!((19.5..=20.0).contains(&seconds), "two wall seconds at 10× are twenty, not {seconds}");
    page.play(true, 100);
    let before = page.now_us();
    page.run_ms(1_000);
    let passed = page.now_us() - before;
    assert!((80_000..=200_000).contains(&passed), "a wall second at 0.1× is 100 ms, not {passed} µs");
}

#[wasm_bindgen_test]
fn frames_come_at_most_sixty_times_a_second_and_one_at_a_time() {
    let mut page = Page::opened();
    let before = page.frames.len();
    page.run_ms(1_000);
    let frames = page.frames.len() - before;
    assert!((40..=61).contains(&frames), "{frames} frames in a second");

    page.acknowledges = false;
    page.run_ms(1_000);
    let waiting = page.frames.len();
    page.run_ms(1_000);
    assert_eq!(page.frames.len(), waiting, "an unacknowledged frame is the last one");
    page.acknowledges = true;
    let revision = page.frames.last().expect("there were frames").revision;
    page.send(ToWorker::Shown(revision + 1));
    page.turns(2);
    assert_eq!(page.frames.len(), waiting, "only its own revision acknowledges it");
    page.send(ToWorker::Shown(revision));
    wait(20.0);
    page.turn();
    assert_eq!(page.frames.len(), waiting + 1);
}

#[wasm_bindgen_test]
fn a_page_that_lost_track_gets_everything_again() {
    let mut page = Page::opened();
    page.run_ms(500);
    page.shell("kill 102").expect("102 is running");
    page.run_ms(500);
    let view = page.view.clone();
    page.play(false, 10_000);
    page.send(ToWorker::Resync);
    wait(20.0);
    page.turn();
    let whole = page.frames.last().expect("a frame").clone();
    assert_eq!(whole.base, None);
    assert_eq!(page.view.brokers, view.brokers);
    let events: usize = page.frames.iter().rev().skip(1).map(|frame| frame.events.len()).sum();
    assert_eq!(whole.events.len(), events, "all entries of the list come again");
    assert!(events > 0, "a crash is an event");
}

#[wasm_bindgen_test]
fn an_engine_that_cannot_keep_up_slows_the_virtual_clock_and_gathers_no_backlog() {
    let mut page = Page::opened();
    page.play(true, 10_000_000);
    LOOK_MS.set(3.0);
    let begin = NOW_MS.get();
    for _ in 0..50 {
        let start = NOW_MS.get();
        page.turn();
        assert!(NOW_MS.get() - start <= 8.0 + 8.0 * 3.0, "a slice ends by its budget");
    }
    let asked = (NOW_MS.get() - begin) * 10_000_000.0;
    assert!((page.now_us() as f64) < asked / 2.0, "the engine of this test is slow");
    // Back at real time, nothing of the missed time is made up for.
    LOOK_MS.set(0.0);
    page.play(true, 1_000);
    page.turn();
    wait(20.0);
    page.turn();
    let before = page.now_us();
    page.run_ms(1_000);
    let passed = page.now_us() - before;
    assert!(passed <= 1_100_000, "a wall second at 1× is a second, not {passed} µs");
}

#[wasm_bindgen_test]
fn what_a_slice_had_no_room_for_is_made_up_for_by_an_engine_that_can() {
    let mut page = Page::opened();
    page.play(true, 1_000_000);
    page.turn();
    let (begin, before) = (NOW_MS.get(), page.now_us());
    // As after a frame that was dear to make: there is more to do than a slice holds.
    wait(60.0);
    LOOK_MS.set(3.0);
    page.turn();
    LOOK_MS.set(0.0);
    page.run_ms(40);
    let asked = (NOW_MS.get() - begin) * 1_000_000.0;
    let passed = (page.now_us() - before) as f64;
    assert!(passed > asked * 0.95, "{passed} of {asked} µs");
}

#[wasm_bindgen_test]
fn a_tab_that_slept_has_missed_time() {
    let mut page = Page::opened();
    page.run_ms(100);
    let before = page.now_us();
    wait(3_600_000.0);
    page.run_ms(40);
    assert!(page.now_us() - before < 2_000_000, "an hour asleep is not ten hours of the run");
}

#[wasm_bindgen_test]
fn a_hidden_tab_stands_still_and_goes_on_when_seen() {
    let mut page = Page::opened();
    page.run_ms(200);
    page.send(ToWorker::Visible(false));
    page.run_ms(40);
    let before = page.now_us();
    page.run_ms(2_000);
    assert_eq!(page.now_us(), before);
    assert_eq!(page.turn(), Next::Idle, "it costs nothing");
    page.send(ToWorker::Visible(true));
    page.run_ms(500);
    assert!(page.now_us() > before);
}

#[wasm_bindgen_test]
fn the_digest_is_taken_while_paused_only() {
    let mut page = Page::opened();
    page.run_ms(300);
    assert!(page.frames.iter().all(|frame| frame.digest.is_none()));
    assert_eq!(page.digest().len(), 16);
    assert_eq!(page.turn(), Next::Idle, "a paused run costs nothing");
}

#[wasm_bindgen_test]
fn shell_lines_are_answered_and_end_up_in_the_scenario() {
    let mut page = Page::opened();
    page.run_ms(400);
    assert_eq!(page.shell("kill 102"), Ok("kill 102".into()));
    let refused = page.shell("kill 102").expect_err("it is down already");
    assert!(refused.contains("start 102"), "the answer says what to write: {refused}");
    page.shell("make tea").expect_err("no such command");
    let scenario = page.scenario();
    assert_eq!(scenario.matches("kill 102").count(), 1, "what was refused is not recorded");

    page.send(ToWorker::StartOver);
    page.run_ms(40);
    assert!(page.now_us() < 1_000_000, "the run begins again");
    assert!(!page.scenario().contains("kill 102"), "without what the user did");
}

#[wasm_bindgen_test]
fn a_bad_scenario_is_refused_and_the_old_run_goes_on() {
    let mut page = Page::opened();
    page.run_ms(200);
    let before = page.now_us();
    page.send(ToWorker::Open { scenario: "kafka = 4\n[[topic]\n".into(), at_us: 0 });
    assert!(matches!(page.others.last(), Some(FromWorker::Refused { errors }) if !errors.is_empty()));
    page.run_ms(200);
    assert!(page.now_us() > before);
}

#[wasm_bindgen_test]
fn a_link_opens_paused_at_its_moment_with_the_same_digest() {
    let mut page = Page::opened();
    page.run_ms(3_000);
    page.shell("kill 102").expect("102 is running");
    page.run_ms(2_000);
    let digest = page.digest();
    let (scenario, at_us) = (page.scenario(), page.now_us());

    let mut other = Page::empty();
    other.send(ToWorker::Open { scenario, at_us });
    while !matches!(other.others.last(), Some(FromWorker::Opened { .. })) {
        other.turn();
    }
    wait(20.0);
    other.turn();
    assert_eq!(other.now_us(), at_us);
    assert_eq!(other.frames.last().and_then(|frame| frame.digest.clone()), Some(digest));
}

#[wasm_bindgen_test]
fn the_next_event_is_run_to_and_the_run_stays_paused() {
    let mut page = Page::opened();
    page.run_ms(2_000);
    page.shell("kill 102").expect("102 is running");
    page.digest();
    let seen: usize = page.frames.iter().map(|frame| frame.events.len()).sum();
    page.send(ToWorker::NextEvent);
    while !matches!(page.others.last(), Some(FromWorker::Playback(Playback { playing: false, .. }))) {
        page.turn();
    }
    wait(100.0);
    page.turn();
    let events: usize = page.frames.iter().map(|frame| frame.events.len()).sum();
    assert!(events > seen, "the list grew");
    let stopped = page.now_us();
    page.run_ms(500);
    assert_eq!(page.now_us(), stopped);
}

#[wasm_bindgen_test]
fn what_travelled_is_counted_and_the_newest_shown() {
    let mut page = Page::opened();
    page.acknowledges = false;
    page.run_ms(60_000);
    page.acknowledges = true;
    page.send(ToWorker::Resync);
    wait(20.0);
    page.turn();
    let frame = page.frames.last().expect("a frame");
    assert!(frame.hops.len() <= HOPS);
    assert!(frame.hops_total >= frame.hops.len() as u64);
    assert!(frame.hops_total > HOPS as u64, "ten minutes of the fleet are more than one frame shows");
    assert!(frame.hops.is_sorted_by_key(|hop| hop.arrived_us), "oldest first");
}

#[wasm_bindgen_test]
fn a_selected_record_is_told_and_told_again_when_it_changes() {
    let mut page = Page::opened();
    page.run_ms(6_000);
    let record = Subject::Record { topic: "trucks_gps".into(), partition: 4, offset: 0 };
    page.others.clear();
    page.send(ToWorker::Select(Some(record)));
    page.run_ms(200);
    let details: Vec<_> = page.others.iter().filter(|message| matches!(message, FromWorker::Detail(Some(_)))).collect();
    assert_eq!(details.len(), 1, "an unchanged record is told once");
    page.send(ToWorker::Select(None));
    assert_eq!(page.others.last(), Some(&FromWorker::Detail(None)));
}

#[wasm_bindgen_test]
fn cuts_are_due_after_commands_on_pause_when_hidden_and_every_two_seconds() {
    let mut page = Page::opened();
    assert!(page.worker.take_cut().is_none(), "without a disk there are no cuts");
    page.worker.enable_saves(Found::Nothing);
    let first = page.worker.take_cut().expect("a new run is saved at once");
    assert!(first.whole);
    assert!(page.worker.take_cut().is_none(), "one at a time");
    page.worker.cut_done(Ok(10));
    page.read();
    assert!(matches!(page.others.last(), Some(FromWorker::Saved(SaveState::Saved { bytes: 10, .. }))));

    page.run_ms(1_900);
    assert!(page.worker.take_cut().is_none());
    page.run_ms(200);
    let second = page.worker.take_cut().expect("two seconds have passed");
    assert!(!second.whole);
    page.worker.cut_done(Ok(10));

    let acts: [fn(&mut Page); 3] =
        [|page| drop(page.shell("kill 102")), |page| page.play(false, 1_000), |page| page.send(ToWorker::Visible(false))];
    for act in acts {
        act(&mut page);
        let cut = page.worker.take_cut().expect("what the user did is saved at once");
        let saved = SavedRun::parse(&cut.run).expect("a save of ours");
        assert!(saved.scenario.contains("kill 102"));
        page.worker.cut_done(Ok(10));
        assert!(page.worker.take_cut().is_none());
    }
}

#[wasm_bindgen_test]
fn a_failed_cut_is_told_and_everything_is_written_again_later() {
    let mut page = Page::opened();
    page.worker.enable_saves(Found::Nothing);
    page.worker.take_cut().expect("a new run is saved at once");
    page.worker.cut_done(Ok(10));
    page.shell("kill 102").expect("102 is running");
    assert!(!page.worker.take_cut().expect("due").whole);
    page.worker.cut_done(Err(DiskError::Full));
    page.read();
    assert!(matches!(page.others.last(), Some(FromWorker::Saved(SaveState::Failed(why))) if why.contains("full")));
    assert!(page.worker.take_cut().is_none(), "not at once");
    page.run_ms(1_100);
    assert!(page.worker.take_cut().expect("tried again").whole);
    page.worker.cut_done(Ok(10));
    page.run_ms(2_100);
    assert!(!page.worker.take_cut().expect("due").whole);
}

#[wasm_bindgen_test]
fn a_restored_run_is_the_saved_one() {
    let mut page = Page::opened();
    page.worker.enable_saves(Found::Nothing);
    page.run_ms(2_000);
    page.shell("kill 102").expect("102 is running");
    page.run_ms(1_000);
    let digest = page.digest();
    let cut = page.worker.take_cut().expect("a pause is saved");
    assert!(!cut.playback.playing);

    let mut again = Page::empty();
    again.worker.enable_saves(Found::Run { saved: cut.run, playback: cut.playback });
    again.resume();
    while !matches!(again.others.last(), Some(FromWorker::Opened { .. })) {
        again.turn();
    }
    let Some(FromWorker::Opened { restored: true, playback, notice: None, .. }) = again.others.last() else {
        panic!("restored as it was, not {:?}", again.others.last())
    };
    assert_eq!(*playback, cut.playback);
    wait(20.0);
    again.turn();
    assert_eq!(again.frames.last().and_then(|frame| frame.digest.clone()), Some(digest));
    assert_eq!(again.now_us(), page.now_us());
}

#[wasm_bindgen_test]
fn a_save_that_cannot_be_taken_up_is_told_and_kept() {
    let mut page = Page::opened();
    page.worker.enable_saves(Found::Nothing);
    page.run_ms(500);
    let cut = page.worker.take_cut().expect("a new run is saved");
    let saved = SavedRun::parse(&cut.run).expect("a save of ours");
    let other_engine = SavedRun { engine: 99, ..saved.clone() }.render();
    let differs = SavedRun { digest: Some(1), ..saved.clone() }.render();
    let unreadable = SavedRun { scenario: "no = scenario".into(), ..saved }.render();
    for (save, word) in
        [(other_engine, "engine 99"), (differs, "differently"), (unreadable, "cannot be read"), ("x".into(), "not a saved run")]
    {
        let mut again = Page::empty();
        again.worker.enable_saves(Found::Run { saved: save, playback: cut.playback });
        again.resume();
        while !matches!(again.others.last(), Some(FromWorker::Opened { .. })) {
            again.turn();
        }
        match again.others.last() {
            Some(FromWorker::Opened { notice: Some(notice), .. }) => assert!(notice.contains(word) && notice.contains("kept"), "{notice}"),
            other => panic!("a notice about {word}, not {other:?}"),
        }
        assert_eq!(again.worker.take_cut().expect("the run is saved").before, Before::KeepAll);
    }
}

#[wasm_bindgen_test]
fn another_run_does_not_simply_take_the_place_of_the_users_work() {
    let mut page = Page::opened();
    page.worker.enable_saves(Found::Nothing);
    page.worker.take_cut().expect("a new run is saved");
    page.worker.cut_done(Ok(10));
    page.run_ms(500);
    page.shell("kill 102").expect("102 is running");
    page.worker.take_cut().expect("a command is saved");
    page.worker.cut_done(Ok(10));
    page.send(ToWorker::Open { scenario: fleet(), at_us: 0 });
    page.turns(3);
    let cut = page.worker.take_cut().expect("the new run is saved");
    assert_eq!((cut.before, cut.whole), (Before::KeepRun, true));
}

#[wasm_bindgen_test]
fn a_link_opened_first_thing_keeps_the_work_still_in_storage() {
    let mut page = Page::opened();
    page.worker.enable_saves(Found::Nothing);
    let untouched = page.worker.take_cut().expect("a new run is saved");
    page.worker.cut_done(Ok(10));
    page.shell("kill 102").expect("102 is running");
    let touched = page.worker.take_cut().expect("a command is saved");
    for (cut, before) in [(untouched, Before::Replace), (touched, Before::KeepRun)] {
        let mut again = Page::empty();
        again.worker.enable_saves(Found::Run { saved: cut.run, playback: cut.playback });
        again.send(ToWorker::Open { scenario: fleet(), at_us: 0 });
        again.turns(3);
        assert_eq!(again.worker.take_cut().expect("the opened run is saved").before, before);
    }
}

#[wasm_bindgen_test]
fn while_the_run_catches_up_lines_are_refused_and_playback_is_remembered() {
    let mut page = Page::opened();
    LOOK_MS.set(3.0);
    page.send(ToWorker::Open { scenario: fleet(), at_us: 3_600_000_000 });
    page.turn();
    assert!(matches!(page.others.last(), Some(FromWorker::Replaying { until_us: 3_600_000_000, .. })));
    page.shell("kill 102").expect_err("not yet");
    page.play(true, 5_000);
    LOOK_MS.set(0.0);
    while !matches!(page.others.last(), Some(FromWorker::Opened { .. })) {
        page.turn();
    }
    assert!(matches!(page.others.last(), Some(FromWorker::Opened { playback: Playback { playing: true, speed_milli: 5_000 }, .. })));
}

#[wasm_bindgen_test]
fn a_replay_that_takes_too_long_can_be_left() {
    let mut page = Page::opened();
    LOOK_MS.set(3.0);
    page.send(ToWorker::Open { scenario: fleet(), at_us: 360_000_000_000 });
    page.turn();
    page.send(ToWorker::StartOver);
    LOOK_MS.set(0.0);
    page.run_ms(80);
    assert!(matches!(page.others.last(), Some(FromWorker::Opened { restored: false, .. })));
    assert!(page.now_us() < 1_000_000);
}

/// Twenty runs, and in each the worker ends fifty times, at any step, with last words or without; a fresh one goes on from what is left.
#[wasm_bindgen_test]
fn a_thousand_failures_at_random_steps_lose_no_command() {
    use playground_core::rng::{Seed, SimRng};
    let mut rng = SimRng::new(Seed(7), 1);
    let mut said = 0;
    for _ in 0..20 {
        let mut page = Page::opened();
        let mut lines = Vec::new();
        for failure in 1..=50 {
            page.play(true, 1_000);
            // Small budgets: it ends between two events of one instant, or before a command was shown.
            LOOK_MS.set(rng.below(5) as f64);
            page.run_ms(8 + rng.below(20) as u32);
            if rng.below(3) > 0 {
                let line = format!("slow brokers clients {failure}ms");
                page.shell(&line).expect("a line Kafka's network takes");
                lines.push(line);
            }
            page.turns(rng.below(3) as u32);
            LOOK_MS.set(0.0);
            page = after_a_failure(&page, rng.below(2) == 0);
        }
        let text = page.scenario();
        let missing: Vec<&String> = lines.iter().filter(|line| !text.contains(&format!("\"{line}\""))).collect();
        assert!(missing.is_empty(), "of {} lines {missing:?} are missing", lines.len());
        said += lines.len();
    }
    assert!(said > 600, "{said} lines were said");
}

/// What was in the worker is gone; only the black box's last words, or what the page has, go on.
fn after_a_failure(page: &Page, last_words: bool) -> Page {
    let (saved, at_us) = match last_words {
        true => (playground_web::worker::black_box::report(), 0),
        false => (page.recorded.clone(), page.now_us()),
    };
    let mut again = Page::empty();
    again.send(ToWorker::Restore { saved, at_us });
    while !matches!(again.others.last(), Some(FromWorker::Opened { .. })) {
        assert!(!matches!(again.others.last(), Some(FromWorker::Refused { .. })), "{:?}", again.others);
        again.turn();
    }
    again.turns(2);
    again
}
