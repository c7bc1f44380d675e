//! The page behind the panels: the worker's link, the mirror, the canvas, and the one loop that joins them.
//!
//! Frames change the mirror at once; panels see a snapshot at most ten times a second, after which the frame is
//! acknowledged. The canvas draws on every animation frame while something moves. Nothing here reads a state handle.

use crate::app::editor::gestures::Hand;
use crate::app::editor::{self, Edit, Want};
use crate::app::inspector::why;
use crate::app::model::{Keeping, Model, Taken};
use crate::app::past;
use crate::app::share;
use crate::app::stage::flow::Flow;
use crate::app::stage::outline::{Item, Outline, items};
use crate::app::tables;
use crate::app::ui_state::{Act, Crumb, Inspect, Notice, Share, Zoom};
use crate::app::words;
use crate::app::{App, Heard};
use crate::bridge::{FromWorker, Playback, ToWorker};
use crate::link_to_worker::LinkToWorker;
use gloo::events::EventListener;
use gloo::render::{AnimationFrame, request_animation_frame};
use playground_core::shell;
use playground_core::view::Subject;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::html::Scope;
use yew::{Callback, MouseEvent};

/// Panels change at most this often, in milliseconds.
const CALM: f64 = 100.0;
/// When a record lands its cell may appear a little sooner.
const QUICK: f64 = 45.0;

/// What an answer from the worker is for.
#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Shell,
    /// The run as text, to copy a link to it.
    Link,
    /// The run as text, to open it in a page of its own.
    Elsewhere,
    /// The run as text, to keep it as the user's own.
    Keep,
    /// The run as text, for a form.
    Form(Box<Want>),
}

/// What a click asks for. One enum, so all buttons of the page share one closure.
#[derive(Clone, Debug, PartialEq)]
pub enum Click {
    Act(Act),
    Inspect(Inspect),
    /// A line of shell, run as if typed.
    Shell(String),
    /// Puts a line of shell on the clipboard.
    CopyLine(String),
    /// Closer to a large cluster, or further from it.
    Zoom(Zoom),
    TogglePlay,
    /// To another moment or branch, or an act back.
    Time(ToWorker),
    StartOver,
    Share,
    /// The embedded run in a page of its own.
    OpenElsewhere,
    Keep,
    /// A file of the shelf, opened as a link would.
    Scenario(&'static str),
    OwnRun,
    /// An earlier run is taken up again, or deleted.
    Earlier(ToWorker),
    /// Opens or closes the palette.
    Build,
    /// An empty canvas.
    New,
    /// A command to begin with.
    Prompt,
    /// A question about what is selected, as its line.
    Ask(String),
    /// Run what would change the answer, or stop that.
    Compare(bool),
    /// Run what was tried at this place, beside the own run.
    Branch(u32),
    Edit(Box<Want>),
}

pub struct Page {
    pub embed: bool,
    pub model: RefCell<Model>,
    pub flow: RefCell<Flow>,
    /// What the hand of the editor holds; none while nobody edits.
    pub hand: RefCell<Option<Box<Hand>>>,
    link: RefCell<Option<LinkToWorker>>,
    app: Scope<App>,
    dirty: Cell<bool>,
    landed: Cell<bool>,
    shown_at: Cell<f64>,
    /// The newest revision in the mirror, and the one now in the panels but not acknowledged.
    held: Cell<Option<u32>>,
    unacknowledged: Cell<Option<u32>>,
    /// What a link asked to be selected, until its run is open.
    first_look: RefCell<Option<Subject>>,
    sought: Cell<Option<u64>>,
    ids: Cell<u32>,
    asked: RefCell<Vec<(u32, Asked)>>,
    frame: RefCell<Option<AnimationFrame>>,
    /// What the open place asks of the run.
    question: RefCell<Vec<u8>>,
    listeners: RefCell<Vec<EventListener>>,
}

impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// What panels hold to reach the run.
pub type PageHandle = Rc<Page>;

impl Page {
    pub fn new(embed: bool, app: Scope<App>) -> PageHandle {
        Rc::new(Page {
            embed,
            model: RefCell::default(),
            flow: RefCell::default(),
            hand: RefCell::default(),
            link: RefCell::default(),
            app,
            dirty: Cell::new(false),
            landed: Cell::new(false),
            shown_at: Cell::new(0.0),
            held: Cell::new(None),
            unacknowledged: Cell::new(None),
            first_look: RefCell::default(),
            sought: Cell::new(None),
            ids: Cell::new(0),
            asked: RefCell::default(),
            frame: RefCell::default(),
            question: RefCell::default(),
            listeners: RefCell::default(),
        })
    }

    /// Starts the worker with the run the address names, else the user's own, and the loop.
    pub fn start(self: &Rc<Self>) {
        let run = share::run_of_address();
        // A run from a link is looked at, in memory; the user's own stays as it is.
        self.connect(self.embed || matches!(run, Ok(Some(_))));
        match run {
            Ok(Some(run)) => {
                self.model.borrow_mut().keeping = Keeping::Preview;
                *self.first_look.borrow_mut() = run.select;
                self.send(ToWorker::Open { scenario: run.scenario, at_us: run.at_us });
            }
            Ok(None) => self.send(ToWorker::Resume { otherwise: share::home() }),
            Err(text) => {
                self.act(Act::Tell(Notice { bad: true, text }));
                self.send(ToWorker::Resume { otherwise: share::home() });
            }
        }
        self.watch();
        self.tick_next();
    }

    fn connect(self: &Rc<Self>, memory_only: bool) {
        let weak = Rc::downgrade(self);
        let link = LinkToWorker::start(memory_only, move |message| {
            if let Some(page) = weak.upgrade() {
                page.hear(message);
            }
        });
        *self.link.borrow_mut() = Some(link);
    }

    fn watch(self: &Rc<Self>) {
        let Some(document) = gloo::utils::window().document() else { return };
        let weak = Rc::downgrade(self);
        let visible = EventListener::new(&document, "visibilitychange", move |_| {
            if let Some(page) = weak.upgrade() {
                let hidden = gloo::utils::document().hidden();
                page.send(ToWorker::Visible(!hidden));
            }
        });
        let weak = Rc::downgrade(self);
        let address = EventListener::new(&gloo::utils::window(), "hashchange", move |_| {
            if let Some(page) = weak.upgrade() {
                page.address_changed();
            }
        });
        self.listeners.borrow_mut().extend([visible, address]);
    }

    /// A link was put into the address of the open page: it opens as in a fresh one, or says what is wrong with it.
    fn address_changed(&self) {
        match share::run_of_address() {
            Ok(Some(_)) => share::open_address(),
            Ok(None) => {}
            Err(text) => self.act(Act::Tell(Notice { bad: true, text })),
        }
    }

    pub fn send(&self, message: ToWorker) {
        if let Some(link) = &*self.link.borrow() {
            link.send(message);
        }
    }

    fn ask(&self, what: Asked, message: impl FnOnce(u32) -> ToWorker) {
        let id = self.next_id();
        self.asked.borrow_mut().push((id, what));
        self.send(message(id));
    }

    fn next_id(&self) -> u32 {
        let id = self.ids.get() + 1;
        self.ids.set(id);
        id
    }

    /// Would these lines be refused? The answer has the number given.
    pub fn try_lines(&self, lines: Vec<String>) -> u32 {
        let id = self.next_id();
        self.send(ToWorker::Try { id, lines });
        id
    }

    /// A form that needs the scenario's text.
    pub fn ask_for(&self, want: Want) {
        self.ask(Asked::Form(Box::new(want)), |id| ToWorker::Scenario { id });
    }

    // What panels ask for.

    /// A button's `onclick`.
    pub fn on(self: &Rc<Self>, click: Click) -> Callback<MouseEvent> {
        let page = self.clone();
        Callback::from(move |_| page.click(click.clone()))
    }

    /// The `onclick` of what opens something of the editor beside itself.
    pub fn on_here(self: &Rc<Self>) -> Callback<MouseEvent> {
        let page = self.clone();
        Callback::from(move |event| editor::clicked(&page, &event))
    }

    /// The `onclick` of what stands for a thing on the stage.
    pub fn on_select(self: &Rc<Self>, subject: Subject) -> Callback<MouseEvent> {
        self.on(Click::Inspect(Inspect::Subject(subject)))
    }

    pub fn click(self: &Rc<Self>, click: Click) {
        match click {
            Click::Act(act) => self.act(act),
            Click::Inspect(inspect) => self.inspect(inspect),
            Click::Shell(line) => self.shell(line),
            Click::CopyLine(line) => {
                let copied = Act::Copied(Some(line.clone()));
                share::copy(line, self.app.clone(), copied, None, (1_600, Act::Copied(None)));
            }
            Click::Zoom(zoom) => self.zoom(zoom),
            Click::TogglePlay => self.toggle_play(),
            Click::Time(message) => self.send(message),
            Click::StartOver => self.send(ToWorker::StartOver),
            Click::Share => self.ask(Asked::Link, |id| ToWorker::Scenario { id }),
            Click::OpenElsewhere => self.ask(Asked::Elsewhere, |id| ToWorker::Scenario { id }),
            Click::Keep => self.ask(Asked::Keep, |id| ToWorker::Scenario { id }),
            Click::Scenario(file) => self.fetch(file),
            Click::OwnRun => self.own_run(),
            Click::Earlier(message) => self.send(message),
            Click::Build => editor::want(self, Want::Edit(Edit::TogglePalette)),
            Click::New => editor::want(self, Want::New),
            Click::Prompt => editor::want(self, Want::Prompt),
            Click::Ask(line) => self.ask_why(Some(line)),
            Click::Compare(on) => {
                if on {
                    why::begin_trying(&mut self.model.borrow_mut());
                }
                self.send(ToWorker::Compare(on));
            }
            Click::Branch(place) => {
                let branch = self.model.borrow().why().and_then(|why| why.branch(place));
                if let Some((scenario, at_us)) = branch {
                    self.preview(scenario, at_us);
                }
            }
            Click::Edit(want) => editor::want(self, *want),
        }
    }

    pub fn act(&self, act: Act) {
        self.app.send_message(Heard::Act(act));
    }

    /// The lines of the outline now.
    pub fn outlined(&self, outline: &Outline) -> Vec<Item> {
        items(self.model.borrow().mirror(), outline)
    }

    /// Of a large cluster the worker tells the records of what is looked at alone.
    #[inline(never)]
    fn zoom(&self, zoom: Zoom) {
        let mut sight = Vec::new();
        if let Zoom::Partition { topic, partition, .. } = &zoom {
            let model = self.model.borrow();
            sight.extend(model.mirror().topics.get(*topic).map(|topic| (topic.head.name.clone(), *partition)));
        }
        // Where the inspector lies over the stage it would hide what was asked for.
        let beside = gloo::utils::window().match_media("(min-width: 1181px)").ok().flatten().is_some_and(|wide| wide.matches());
        match (&zoom, sight.first()) {
            (Zoom::Box(Crumb::Broker(id)), _) if beside => self.select(Subject::Broker(*id)),
            (_, Some((topic, partition))) if beside => self.select(Subject::Partition { topic: topic.clone(), partition: *partition }),
            _ => (),
        }
        self.send(ToWorker::Sight(sight));
        self.act(Act::Zoom(zoom));
    }

    fn inspect(&self, inspect: Inspect) {
        let subject = if let Inspect::Subject(subject) = &inspect { Some(subject.clone()) } else { None };
        self.send(ToWorker::Select(subject));
        if inspect == Inspect::Scenarios {
            self.send(ToWorker::Earlier);
        }
        self.ask_why(why::line_about(&inspect));
        self.act(Act::Inspect(inspect));
    }

    /// What was answered before is forgotten.
    fn ask_why(&self, line: Option<String>) {
        self.model.borrow_mut().set_why(None);
        self.send(ToWorker::Why(line));
    }

    /// What a place asks of the run; asked only when it is another question.
    pub fn inquire(&self, question: Vec<u8>) {
        if *self.question.borrow() != question {
            self.question.replace(question.clone());
            self.model.borrow_mut().answer = None;
            self.send(ToWorker::Ask(question));
        }
    }

    /// What the prompt can complete: commands, options, and the names there are.
    pub fn vocabulary(&self) -> Vec<String> {
        let model = self.model.borrow();
        let mirror = model.mirror();
        let mut words = shell::vocabulary();
        words.extend(mirror.brokers.iter().map(|broker| broker.id.to_string()));
        words.extend(mirror.topics.iter().map(|topic| topic.head.name.clone()));
        words.extend(mirror.groups.iter().map(|group| group.name.clone()));
        words.extend(mirror.clients.iter().map(|client| client.name.clone()));
        words
    }

    pub fn select(&self, subject: Subject) {
        self.inspect(Inspect::Subject(subject));
    }

    pub fn shell(&self, line: String) {
        self.act(Act::Said(line.clone()));
        self.ask(Asked::Shell, |id| ToWorker::Shell { id, line });
    }

    fn playback(&self) -> Playback {
        self.model.borrow().playback().unwrap_or(Playback { playing: false, speed_milli: 1_000 })
    }

    fn toggle_play(&self) {
        let now = self.playback();
        self.set_playback(Playback { playing: !now.playing, ..now });
    }

    pub fn set_speed(&self, speed_milli: u64) {
        self.set_playback(Playback { speed_milli, ..self.playback() });
    }

    fn set_playback(&self, playback: Playback) {
        self.model.borrow_mut().set_playback(playback);
        self.dirty.set(true);
        self.send(ToWorker::Playback(playback));
    }

    /// The time line was moved to this moment.
    pub fn seek(&self, at_us: u64) {
        let at_us = at_us.min(self.model.borrow().head_us());
        self.sought.set(Some(at_us));
        self.dirty.set(true);
        self.send(ToWorker::Seek { at_us });
    }

    /// Where the time line was moved to, until it is shown.
    pub fn sought(&self) -> Option<u64> {
        self.sought.get()
    }

    // What the worker says.

    fn hear(self: &Rc<Self>, message: FromWorker) {
        match message {
            FromWorker::Ready { storage, .. } => {
                let mut model = self.model.borrow_mut();
                if model.keeping != Keeping::Preview {
                    model.set_storage(storage);
                }
            }
            FromWorker::Opened { playback, notice, .. } => self.opened(playback, notice),
            FromWorker::Refused { errors } => errors.into_iter().for_each(|text| self.act(Act::Tell(Notice { bad: true, text }))),
            FromWorker::Replaying { now_us, until_us } => {
                self.act(Act::Replaying((now_us < until_us).then_some((now_us, until_us))));
            }
            FromWorker::Frame(frame) => self.frame(frame),
            FromWorker::Reply { id, result } => self.answered(id, result),
            FromWorker::Detail(detail) => self.model.borrow_mut().set_detail(detail),
            FromWorker::Why(news) => why::hear(&mut self.model.borrow_mut(), &news),
            FromWorker::Answer(answer) => tables::answered(&mut self.model.borrow_mut(), &answer),
            FromWorker::Earlier(runs) => self.act(Act::Earlier(runs)),
            FromWorker::Tried { id, refusals } => self.act(Act::Edit(Box::new(Edit::Tried(id, refusals)))),
            FromWorker::Playback(playback) => self.model.borrow_mut().set_playback(playback),
            FromWorker::NothingAhead { until_us } => {
                let text = format!(
                    "Nothing is decided up to {}: the cluster is at rest. Crash a broker to give it something to do.",
                    words::moment(until_us)
                );
                self.act(Act::Tell(Notice { bad: false, text }));
            }
            FromWorker::Saved(saved) => {
                let mut model = self.model.borrow_mut();
                if model.keeping != Keeping::Preview {
                    model.set_saved(saved, now());
                }
            }
            FromWorker::Past(news) => {
                past::tell(self, &news);
                self.model.borrow_mut().set_past(news);
            }
            FromWorker::Failed { message, report } => self.act(Act::Failed(message, report)),
            // What the link to the worker alone needs.
            FromWorker::Recorded { .. } | FromWorker::Pong => {}
        }
        self.dirty.set(true);
    }

    fn opened(&self, playback: Playback, notice: Option<String>) {
        self.model.borrow_mut().start_over();
        self.sought.set(None);
        // Another worker may answer from here on.
        self.question.take();
        self.act(Act::Opened);
        if let Some(subject) = self.first_look.take() {
            self.select(subject);
        }
        if let Some(text) = notice {
            self.act(Act::Tell(Notice { bad: false, text }));
        }
        if self.embed && playback.playing {
            self.set_playback(Playback { playing: false, ..playback });
        } else {
            self.model.borrow_mut().set_playback(playback);
        }
    }

    fn frame(&self, frame: crate::bridge::Frame) {
        let revision = frame.revision;
        if self.sought.get() == Some(frame.delta.now_us) || frame.playback.playing {
            self.sought.set(None);
        }
        let wall = now();
        match self.model.borrow_mut().frame(frame, wall) {
            Taken::Applied => self.held.set(Some(revision)),
            Taken::Lost => self.send(ToWorker::Resync),
        }
        self.act(Act::Replaying(None));
    }

    fn answered(self: &Rc<Self>, id: u32, result: Result<String, String>) {
        let mut open = self.asked.borrow_mut();
        let Some(at) = open.iter().position(|(asked, _)| *asked == id) else { return };
        let (_, asked) = open.remove(at);
        drop(open);
        match (asked, result) {
            (Asked::Shell, result) => self.act(Act::Answered(result)),
            (Asked::Link, Ok(scenario)) => self.copy_link(&scenario),
            (Asked::Elsewhere, Ok(scenario)) => self.open_elsewhere(&scenario),
            (Asked::Keep, Ok(scenario)) => self.keep_as_own(scenario),
            (Asked::Form(want), Ok(scenario)) => editor::informed(self, *want, &scenario),
            (Asked::Link | Asked::Elsewhere | Asked::Keep | Asked::Form(_), Err(text)) => self.act(Act::Tell(Notice { bad: true, text })),
        }
    }

    fn link(&self, scenario: &str) -> Option<String> {
        let at_us = self.model.borrow().mirror().now_us;
        self.link_at(scenario, at_us)
    }

    fn link_at(&self, scenario: &str, at_us: u64) -> Option<String> {
        share::link_to(scenario, at_us).map_err(|text| self.act(Act::Tell(Notice { bad: true, text }))).ok()
    }

    fn copy_link(&self, scenario: &str) {
        if let Some(link) = self.link(scenario) {
            let (copied, refused) = (Act::Share(Share::Copied(link.clone())), Act::Share(Share::Text(link.clone())));
            share::copy(link, self.app.clone(), copied, Some(refused), (2_400, Act::Share(Share::Idle)));
        }
    }

    /// Where the browser keeps frames from opening pages, the link is shown to copy.
    fn open_elsewhere(&self, scenario: &str) {
        let Some(link) = self.link(scenario) else { return };
        if !matches!(gloo::utils::window().open_with_url_and_target(&link, "_blank"), Ok(Some(_))) {
            self.act(Act::Share(Share::Text(link)));
        }
    }

    fn fetch(self: &Rc<Self>, file: &'static str) {
        let page = self.clone();
        spawn_local(async move {
            match share::fetch(&format!("scenarios/{file}.toml")).await {
                Some(scenario) => page.preview(scenario, 0),
                None => page
                    .act(Act::Tell(Notice { bad: true, text: format!("The scenario {file} could not be fetched. Is the page online?") })),
            }
        });
    }

    /// Shows a run in memory, under an address of its own; the user's own run stays as it is.
    fn preview(self: &Rc<Self>, scenario: String, at_us: u64) {
        if let Some(link) = self.link_at(&scenario, at_us) {
            share::go_by(&link);
        }
        self.model.borrow_mut().keeping = Keeping::Preview;
        self.connect(true);
        self.send(ToWorker::Open { scenario, at_us });
    }

    /// Leaves a preview for the run that is kept in this browser.
    fn own_run(self: &Rc<Self>) {
        self.leave_preview();
        self.send(ToWorker::Resume { otherwise: share::home() });
    }

    /// From here on the run is one with storage, under the plain address.
    pub fn leave_preview(self: &Rc<Self>) {
        share::clear_fragment();
        self.model.borrow_mut().keeping = Keeping::Unknown;
        self.connect(false);
    }

    /// A run opened from a link becomes the user's own: the same text, run to the same moment, with storage.
    fn keep_as_own(self: &Rc<Self>, scenario: String) {
        let at_us = self.model.borrow().mirror().now_us;
        self.leave_preview();
        self.send(ToWorker::Open { scenario, at_us });
    }

    // The loop.

    fn tick_next(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        *self.frame.borrow_mut() = Some(request_animation_frame(move |_| {
            if let Some(page) = weak.upgrade() {
                page.tick(now());
                page.tick_next();
            }
        }));
    }

    fn tick(&self, wall: f64) {
        if let Some(revision) = self.unacknowledged.take() {
            self.send(ToWorker::Shown(revision));
        }
        let mut model = self.model.borrow_mut();
        if model.staging.settle(wall) {
            self.dirty.set(true);
            self.landed.set(true);
        }
        let since = wall - self.shown_at.get();
        if self.dirty.get() && (since >= CALM || (self.landed.get() && since >= QUICK)) {
            self.shown_at.set(wall);
            self.dirty.set(false);
            self.landed.set(false);
            self.app.send_message(Heard::Show(model.snapshot()));
            self.unacknowledged.set(self.held.take());
            self.flow.borrow_mut().layout_changed();
        }
        self.flow.borrow_mut().draw(&mut model, wall);
    }
}

/// Wall time in milliseconds; for showing only.
pub fn now() -> f64 {
    gloo::utils::window().performance().map_or(0.0, |performance| performance.now())
}
