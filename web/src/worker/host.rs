//! Gives a [`SimWorker`] what it needs of a browser: mail, turns, a disk. The same in a worker and, where there is none, on the page.
//!
//! Between two slices the browser delivers mail: the next turn is asked for as a task of the browser's scheduler, where there is none
//! by a message to ourselves, or by a timer. Chromium keeps a kilobyte of each such message until it next tidies a worker up, which
//! one that does everything in wasm gives it no reason for; of a task it keeps little.

use super::earlier;
use super::js::{self, Scheduler};
use super::run_store::{Loaded, RunStore};
use super::storage;
use super::{Found, Next, SimWorker};
use crate::bridge::{FromWorker, PROTOCOL, Storage, ToWorker};
use playground_core::session::ENGINE_VERSION;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::MessageChannel;

pub struct Host {
    worker: RefCell<SimWorker>,
    post: Box<dyn Fn(FromWorker)>,
    mailbox: RefCell<Vec<ToWorker>>,
    /// What is asked of storage: done one by one, when no cut is under way.
    errands: RefCell<Vec<ToWorker>>,
    /// Absent while a cut is under way, and where nothing is kept.
    store: RefCell<Option<RunStore>>,
    /// Storage is open: mail is read.
    ready: Cell<bool>,
    scheduler: Option<Scheduler>,
    channel: MessageChannel,
    asked: Cell<bool>,
    timer: RefCell<Option<JsValue>>,
    turn: RefCell<Option<Closure<dyn FnMut()>>>,
}

impl Host {
    /// `post` takes messages for the page; a slice takes at most about `slice_ms`.
    pub fn start(slice_ms: f64, post: Box<dyn Fn(FromWorker)>) -> Result<Rc<Self>, JsValue> {
        let host = Rc::new(Host {
            worker: RefCell::new(SimWorker::new(js::wall_ms, slice_ms)),
            post,
            mailbox: RefCell::default(),
            errands: RefCell::default(),
            store: RefCell::default(),
            ready: Cell::new(false),
            scheduler: js::scheduler(),
            channel: MessageChannel::new()?,
            asked: Cell::new(false),
            timer: RefCell::default(),
            turn: RefCell::default(),
        });
        let weak = Rc::downgrade(&host);
        let turn = Closure::new(move || {
            if let Some(host) = weak.upgrade() {
                host.turn();
            }
        });
        host.channel.port1().set_onmessage(Some(turn.as_ref().unchecked_ref()));
        host.turn.replace(Some(turn));
        Ok(host)
    }

    pub fn mail(self: &Rc<Self>, message: ToWorker) {
        if let ToWorker::Hello { protocol, embed } = message {
            if protocol == PROTOCOL {
                js::spawn(Box::pin(self.clone().open_storage(embed)));
            } else {
                let message = "The page and its worker are of different versions. Reload the page.".into();
                (self.post)(FromWorker::Failed { message, report: String::new() });
            }
            return;
        }
        self.mailbox.borrow_mut().push(message);
        self.schedule(Next::Now);
    }

    async fn open_storage(self: Rc<Self>, embed: bool) {
        let (disk, mut storage) = storage::open(embed).await;
        if let Some(disk) = disk {
            let mut store = RunStore::new(disk);
            match store.load().await {
                Ok(loaded) => {
                    self.store.replace(Some(store));
                    self.worker.borrow_mut().enable_saves(found(loaded));
                }
                Err(error) => storage = Storage::Memory(error.to_string()),
            }
        }
        (self.post)(FromWorker::Ready { protocol: PROTOCOL, engine: ENGINE_VERSION, storage });
        self.ready.set(true);
        self.schedule(Next::Now);
    }

    fn turn(self: &Rc<Self>) {
        self.asked.set(false);
        if !self.ready.get() {
            return;
        }
        self.read_mail();
        let next = self.worker.borrow_mut().turn();
        self.flush();
        self.save();
        if !self.errands.borrow().is_empty() {
            self.run_errand();
        }
        self.schedule(next);
    }

    fn read_mail(&self) {
        for message in self.mailbox.take() {
            match message {
                ToWorker::Earlier | ToWorker::TakeUp { .. } | ToWorker::Forget { .. } => self.errands.borrow_mut().push(message),
                message => self.worker.borrow_mut().handle(message),
            }
        }
    }

    #[inline(never)]
    fn run_errand(self: &Rc<Self>) {
        if !self.worker.borrow().keeps() {
            self.errands.borrow_mut().clear();
        }
        let Some(mut store) = self.store.borrow_mut().take() else { return };
        let errand = self.errands.borrow_mut().remove(0);
        let host = self.clone();
        js::spawn(Box::pin(async move {
            let done = earlier::run(&mut store, errand).await;
            host.store.replace(Some(store));
            earlier::tell(&mut host.worker.borrow_mut(), done);
            host.flush();
            host.schedule(Next::Now);
        }));
    }

    /// Posts what is to be said. Not while the worker is borrowed: on the page the answer comes at once.
    fn flush(&self) {
        let messages = self.worker.borrow_mut().take_out();
        messages.into_iter().for_each(&self.post);
    }

    fn save(self: &Rc<Self>) {
        let Some(mut store) = self.store.borrow_mut().take() else { return };
        let Some(cut) = self.worker.borrow_mut().take_cut() else {
            self.store.replace(Some(store));
            return;
        };
        let host = self.clone();
        js::spawn(Box::pin(async move {
            let result = store.commit(cut).await;
            host.store.replace(Some(store));
            host.worker.borrow_mut().cut_done(result);
            host.flush();
            host.schedule(Next::Now);
        }));
    }

    /// One turn is asked for at a time; the sooner one wins.
    fn schedule(&self, next: Next) {
        if self.asked.get() || next == Next::Idle {
            return;
        }
        if let Some(timer) = self.timer.take() {
            js::clear_timeout(&timer);
        }
        let turn = self.turn.borrow();
        let turn = turn.as_ref().expect("set when the host was made").as_ref().unchecked_ref();
        match next {
            Next::Idle => {}
            Next::InMs(ms) => drop(self.timer.replace(Some(js::set_timeout(turn, ms.ceil() as i32)))),
            Next::Now => {
                let posted = self.scheduler.as_ref().is_some_and(|scheduler| scheduler.post_task(turn).is_ok());
                // A port of our own channel refuses nothing but what cannot be copied.
                self.asked.set(posted || self.channel.port2().post_message(&JsValue::NULL).is_ok());
            }
        }
    }
}

fn found(loaded: Loaded) -> Found {
    match loaded {
        Loaded::Nothing => Found::Nothing,
        Loaded::Run(stored) => Found::Run { saved: stored.run, playback: stored.playback },
        Loaded::Unreadable { reason, .. } => Found::Unreadable(reason.to_string()),
    }
}
