use crate::bridge::*;
use crate::link_to_worker::LinkToWorker;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
fn log(s: &str) {
    web_sys::console::log_1(&s.into());
}
pub fn run() {
    let link: Rc<RefCell<Option<LinkToWorker>>> = Rc::default();
    let l2 = link.clone();
    let frames = Rc::new(Cell::new((0u32, 0u64, 0usize)));
    let f2 = frames.clone();
    let href = web_sys::window().unwrap().document().unwrap().base_uri().unwrap().unwrap();
    let query = href.split_once('?').map(|x| x.1.to_string()).unwrap_or_default();
    let l = LinkToWorker::start(query.contains("embed"), move |m| match m {
        FromWorker::Frame(f) => {
            let now = f.delta.now_us;
            if let Some(d) = &f.digest {
                log(&format!(
                    "E2E frame rev {} now {} digest {} events {} playing {}",
                    f.revision,
                    now,
                    d,
                    f.events.len(),
                    f.playback.playing
                ));
            }
            let (n, _, h) = f2.get();
            f2.set((n + 1, now, h + f.hops.len()));
            l2.borrow().as_ref().unwrap().send(ToWorker::Shown(f.revision));
        }
        FromWorker::Opened { restored, playback, notice, .. } => log(&format!("E2E opened restored {restored} {playback:?} {notice:?}")),
        FromWorker::Failed { message, report } => log(&format!("E2E failed {} report {}", message.replace('\n', " "), report.len())),
        other => log(&format!("E2E {:?}", other).chars().take(300).collect::<String>()),
    });
    *link.borrow_mut() = Some(l.clone());
    l.send(ToWorker::Resume { otherwise: playground_core::scenario::builtin("trucks_gps").unwrap().into() });
    let after = |ms: i32, f: Box<dyn FnOnce(&LinkToWorker)>| {
        let l = l.clone();
        crate::worker::js::set_timeout(&Closure::once_into_js(move || f(&l)).unchecked_into(), ms);
    };
    let f3 = frames.clone();
    let stat = move |what: &'static str| {
        let f = f3.clone();
        move |_: &LinkToWorker| log(&format!("E2E {what} frames {:?}", f.get()))
    };
    if query.contains("play") {
        after(2000, Box::new(stat("at 2 s")));
        after(2010, Box::new(|l| l.send(ToWorker::Shell { id: 1, line: "kill 102".into() })));
        after(3000, Box::new(|l| l.send(ToWorker::Playback(Playback { playing: true, speed_milli: 10_000_000 }))));
        after(5000, Box::new(stat("at 5 s")));
        after(5010, Box::new(|l| l.send(ToWorker::Playback(Playback { playing: false, speed_milli: 10_000 }))));
    }
    if query.contains("loop") {
        for ms in [1000, 2000, 3000, 4000] {
            after(ms, Box::new(|l| l.send(ToWorker::Shell { id: 2, line: "kill 101".into() })));
        }
    }
    if query.contains("boom") {
        after(1000, Box::new(|l| l.send(ToWorker::Shell { id: 2, line: "kill 101".into() })));
        after(2500, Box::new(|l| l.send(ToWorker::Shell { id: 3, line: "kill 103".into() })));
    }
}
