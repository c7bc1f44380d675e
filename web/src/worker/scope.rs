//! The worker role: a [`Host`] on the worker's own scope, and the panic hook that hands the run over before everything ends.

use super::black_box;
use super::host::Host;
use crate::bridge::{FromWorker, decode, encode};
use js_sys::{Array, ArrayBuffer, Uint8Array};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// A slice leaves time for mail and for the page's next frame.
const SLICE_MS: f64 = 8.0;

/// `queued`: the messages that came before this could listen, as `{data}`.
pub fn run(queued: &Array) {
    std::panic::set_hook(Box::new(|panic| {
        let message = format!("The engine failed: {panic}");
        post(FromWorker::Failed { message, report: black_box::report() });
    }));
    let host = match Host::start(SLICE_MS, Box::new(post)) {
        Ok(host) => host,
        Err(error) => {
            let message = format!("The worker could not start: {error:?}");
            return post(FromWorker::Failed { message, report: String::new() });
        }
    };
    for event in queued.iter() {
        if let Ok(data) = js_sys::Reflect::get(&event, &"data".into()) {
            receive(&host, &data);
        }
    }
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| receive(&host, &event.data()));
    scope().set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
}

fn receive(host: &Rc<Host>, data: &JsValue) {
    let Some(buffer) = data.dyn_ref::<ArrayBuffer>() else { return };
    match decode(&Uint8Array::new(buffer).to_vec()) {
        Some(message) => host.mail(message),
        None => {
            let message = "The worker was sent a message it does not know. Reload the page.".into();
            post(FromWorker::Failed { message, report: black_box::report() });
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "a message is posted once")]
fn post(message: FromWorker) {
    let buffer = Uint8Array::from(&encode(&message)[..]).buffer();
    // A buffer made here can always be transferred.
    let _ = scope().post_message_with_transfer(&buffer, &Array::of1(&buffer));
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
