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

/// Called by `languages/language.js` with the catalogue it fetched.
#[wasm_bindgen]
pub fn learn(catalogue: &str) {
    playground_web::app::language::learn(catalogue);
}

/// Called by `languages/language.js`: a text of the page in the language it learned, or as it was.
#[wasm_bindgen]
pub fn say(text: &str) -> String {
    playground_web::app::language::say(text)
}
