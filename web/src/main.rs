//! One artifact, two roles: on a window it is the page, in a worker it runs the engine.

use wasm_bindgen::prelude::*;

/// Runs in both roles as soon as the artifact is loaded; a worker waits for [`worker_main`].
fn main() {
    if js_sys::global().is_instance_of::<web_sys::Window>() {
        playground_web::app::run();
    }
}

/// Called by `worker-boot.js` with the messages that came while the artifact was loading.
#[wasm_bindgen]
pub fn worker_main(queued: &js_sys::Array) {
    playground_web::worker::scope::run(queued);
}
