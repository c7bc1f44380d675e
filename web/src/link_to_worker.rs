//! The page's side of the bridge: starts the worker, sends and receives, and starts a fresh one when it fails.
//!
//! Where the browser gives this frame no worker (a sandboxed one), the engine runs on the page behind the same two functions.

use crate::bridge::{FromWorker, PROTOCOL, Playback, ToWorker, decode, encode};
use crate::worker::host::Host;
use crate::worker::js::set_timeout;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker, WorkerOptions, WorkerType};

/// On the page a slice leaves time to draw.
const PAGE_SLICE_MS: f64 = 6.0;
/// More failures than this in a row, none of which came as far as a run, and it stays stopped.
const RESTARTS: u32 = 2;
/// The worker is asked this often whether it is there, and taken for hung after so many questions without a word from it. A page
/// that is asleep asks nothing.
const ASK_MS: i32 = 2_500;
const UNHEARD: u32 = 4;

/// Clones share the link.
#[derive(Clone)]
pub struct LinkToWorker {
    inner: Rc<Inner>,
}

struct Inner {
    embed: bool,
    on_message: Box<dyn Fn(FromWorker)>,
    engine: RefCell<Engine>,
    /// The artifact in the worker answered.
    ready: Cell<bool>,
    /// What to resume with after a failure that left no report.
    scenario: RefCell<String>,
    playback: Cell<Option<Playback>>,
    visible: Cell<bool>,
    failures: Cell<u32>,
    /// Questions since the worker last said anything.
    asked: Cell<u32>,
    /// The run as the worker last recorded it, and the moment that was last shown.
    recorded: RefCell<String>,
    shown_us: Cell<u64>,
    /// Everything sent to a worker that has not answered yet, in case the page must do its work.
    unanswered: RefCell<Vec<ToWorker>>,
}

enum Engine {
    Stopped,
    Worker(Spawned),
    OnPage(Rc<Host>),
}

/// What is done to a link in a task of its own.
type Act = Box<dyn FnOnce(&Rc<Inner>)>;

/// A running worker; ended when dropped.
struct Spawned {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(ErrorEvent)>,
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl LinkToWorker {
    /// Starts the engine. `on_message` gets everything it says, never from within [`LinkToWorker::send`].
    pub fn start(embed: bool, on_message: impl Fn(FromWorker) + 'static) -> Self {
        let inner = Rc::new(Inner {
            embed,
            on_message: Box::new(on_message),
            engine: RefCell::new(Engine::Stopped),
            ready: Cell::new(false),
            scenario: RefCell::default(),
            playback: Cell::new(None),
            visible: Cell::new(true),
            failures: Cell::new(0),
            asked: Cell::new(0),
            recorded: RefCell::default(),
            shown_us: Cell::new(0),
            unanswered: RefCell::default(),
        });
        inner.start();
        inner.ask_soon();
        LinkToWorker { inner }
    }

    pub fn send(&self, message: ToWorker) {
        self.inner.remember(&message);
        self.inner.send(message);
    }
}

impl Inner {
    fn start(self: &Rc<Self>) {
        self.ready.set(false);
        self.unanswered.borrow_mut().clear();
        match spawn(self) {
            Ok(spawned) => drop(self.engine.replace(Engine::Worker(spawned))),
            Err(_) => self.start_on_page(),
        }
        self.send(ToWorker::Hello { protocol: PROTOCOL, embed: self.embed });
    }

    fn start_on_page(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let post = move |message| {
            if let Some(inner) = weak.upgrade() {
                inner.receive(message);
            }
        };
        match Host::start(PAGE_SLICE_MS, Box::new(post)) {
            Ok(host) => drop(self.engine.replace(Engine::OnPage(host))),
            Err(error) => {
                self.engine.replace(Engine::Stopped);
                self.tell_failure(format!("The engine could not start: {error:?}"), String::new());
            }
        }
    }

    /// The worker never came to life: the page does its work, with the mail it did not read.
    fn move_to_page(self: &Rc<Self>) {
        let mail = self.unanswered.take();
        self.start_on_page();
        mail.into_iter().for_each(|message| self.send(message));
    }

    fn send(&self, message: ToWorker) {
        match &*self.engine.borrow() {
            Engine::Stopped => {}
            Engine::OnPage(host) => host.mail(message),
            Engine::Worker(spawned) => {
                let buffer = Uint8Array::from(&encode(&message)[..]).buffer();
                // A buffer made here can always be transferred.
                let _ = spawned.worker.post_message_with_transfer(&buffer, &Array::of1(&buffer));
                if !self.ready.get() {
                    self.unanswered.borrow_mut().push(message);
                }
            }
        }
    }

    /// What a fresh worker would have to know.
    fn remember(&self, message: &ToWorker) {
        match message {
            ToWorker::Resume { otherwise: scenario } | ToWorker::Open { scenario, .. } => {
                self.scenario.replace(scenario.clone());
            }
            ToWorker::Playback(playback) => self.playback.set(Some(*playback)),
            ToWorker::Visible(visible) => self.visible.set(*visible),
            _ => {}
        }
    }

    fn receive(self: &Rc<Self>, message: FromWorker) {
        self.asked.set(0);
        match &message {
            FromWorker::Recorded { saved } => {
                self.recorded.replace(saved.clone());
                self.shown_us.set(0);
            }
            FromWorker::Frame(frame) => self.shown_us.set(frame.delta.now_us),
            FromWorker::Ready { .. } => {
                self.ready.set(true);
                self.unanswered.borrow_mut().clear();
            }
            FromWorker::Opened { scenario, playback, .. } => {
                self.failures.set(0);
                self.scenario.replace(scenario.clone());
                self.playback.set(Some(*playback));
            }
            FromWorker::Playback(playback) => self.playback.set(Some(*playback)),
            FromWorker::Failed { report, .. } => self.restart_soon(report.clone()),
            _ => {}
        }
        (self.on_message)(message);
    }

    /// A failure without last words: out of memory, or of stack.
    fn broke(self: &Rc<Self>, message: &str) {
        if self.ready.get() {
            self.restart_soon(String::new());
            self.tell_failure(format!("The engine failed: {message}"), String::new());
        } else {
            self.soon(Box::new(|inner| inner.move_to_page()));
        }
    }

    fn tell_failure(&self, message: String, report: String) {
        (self.on_message)(FromWorker::Failed { message, report });
    }

    /// Ends the worker and starts another with the run as it was, paused, unless that has just been tried too often.
    fn restart_soon(self: &Rc<Self>, report: String) {
        self.engine.replace(Engine::Stopped);
        self.failures.set(self.failures.get() + 1);
        if self.failures.get() <= RESTARTS {
            self.soon(Box::new(move |inner| inner.restart(report)));
        } else {
            self.soon(Box::new(|inner| {
                inner.tell_failure("The engine failed again and again, so it stays stopped. Reload the page.".into(), String::new());
            }));
        }
    }

    fn restart(self: &Rc<Self>, report: String) {
        self.start();
        let (recorded, shown_us) = (self.recorded.borrow().clone(), self.shown_us.get());
        if !report.is_empty() {
            self.send(ToWorker::Restore { saved: report, at_us: 0 });
        } else if !recorded.is_empty() {
            self.send(ToWorker::Restore { saved: recorded, at_us: shown_us });
        } else {
            self.send(ToWorker::Resume { otherwise: self.scenario.borrow().clone() });
        }
        let speed_milli = self.playback.get().map_or(1_000, |playback| playback.speed_milli);
        self.send(ToWorker::Playback(Playback { playing: false, speed_milli }));
        self.send(ToWorker::Visible(self.visible.get()));
    }

    /// Asks the worker whether it is there, as long as somebody holds the link. While it says nothing it cannot be told from one that
    /// hangs.
    fn ask_soon(self: &Rc<Self>) {
        let held = Rc::downgrade(self);
        let ask = move || {
            let Some(inner) = held.upgrade() else { return };
            if self::hangs(&inner) {
                inner.broke("it hung, so it was ended");
            }
            inner.ask_soon();
        };
        set_timeout(&Closure::once_into_js(ask).unchecked_into(), ASK_MS);
    }

    /// In a task of its own: not while a closure of the worker that ends is running.
    fn soon(self: &Rc<Self>, act: Act) {
        let inner = self.clone();
        set_timeout(&Closure::once_into_js(move || act(&inner)).unchecked_into(), 0);
    }
}

/// Counts one more question, if there is somebody to ask.
fn hangs(inner: &Inner) -> bool {
    let asks = inner.ready.get() && inner.visible.get() && matches!(*inner.engine.borrow(), Engine::Worker(_));
    if asks {
        inner.asked.set(inner.asked.get() + 1);
        inner.send(ToWorker::Ping);
    }
    asks && inner.asked.get() > UNHEARD
}

fn spawn(inner: &Rc<Inner>) -> Result<Spawned, JsValue> {
    let document = web_sys::window().and_then(|window| window.document()).ok_or("no document")?;
    let base = document.base_uri()?.ok_or("no address")?;
    // The boot script names the glue of this very artifact.
    let glue = document.query_selector("script[data-js]")?.and_then(|script| script.get_attribute("data-js")).ok_or("no glue")?;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    options.set_name("engine");
    let boot = web_sys::Url::new_with_base("worker-boot.js", &base)?.href();
    let worker = Worker::new_with_options(&boot, &options)?;

    let weak = Rc::downgrade(inner);
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let Some(inner) = weak.upgrade() else { return };
        let data = event.data();
        if let Some(buffer) = data.dyn_ref::<ArrayBuffer>() {
            if let Some(message) = decode(&Uint8Array::new(buffer).to_vec()) {
                inner.receive(message);
            }
        } else if let Some(error) = data.as_string() {
            inner.broke(&error);
        }
    });
    let weak = Rc::downgrade(inner);
    let on_error = Closure::<dyn FnMut(ErrorEvent)>::new(move |event: ErrorEvent| {
        event.prevent_default();
        if let Some(inner) = weak.upgrade() {
            inner.broke(&event.message());
        }
    });
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    let spawned = Spawned { worker, _on_message: on_message, _on_error: on_error };

    let start = Object::new();
    Reflect::set(&start, &"js".into(), &web_sys::Url::new_with_base(&glue, &base)?.href().into())?;
    Reflect::set(&start, &"module".into(), &wasm_bindgen::module())?;
    spawned.worker.post_message(&start)?;
    Ok(spawned)
}
