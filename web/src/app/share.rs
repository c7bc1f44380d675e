//! The address: the run it names, and links that name this run.

use crate::app::ui_state::Act;
use crate::app::{App, Heard};
use gloo::timers::callback::Timeout;
use playground_core::scenario::{Scenario, builtin::HOME, link};
use playground_core::time::SimTime;
use playground_core::view::Subject;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Response;
use yew::html::Scope;

/// A run to open: scenario text and the moment to show.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub scenario: String,
    pub at_us: u64,
    pub select: Option<Subject>,
}

/// The run a visitor without any sees.
pub fn home() -> String {
    HOME.to_owned()
}

/// The run the address's fragment names, or what is wrong with it. A fragment such as `#stage` names none.
pub fn run_of_address() -> Result<Option<Run>, String> {
    let hash = gloo::utils::window().location().hash().unwrap_or_default();
    let text = hash.trim_start_matches('#');
    if text.is_empty() || text == "stage" {
        return Ok(None);
    }
    let opened = link::unpack(text).map_err(|error| error.to_string())?;
    let at_us = opened.at.map_or(0, SimTime::micros);
    Ok(Some(Run { scenario: opened.scenario.to_toml(), at_us, select: opened.select }))
}

/// `location#k1.…` for this run at this moment.
pub fn link_to(scenario: &str, at_us: u64) -> Result<String, String> {
    let told = |faults: Vec<_>| format!("This run cannot be put into a link: {} faults in its text.", faults.len());
    let scenario = Scenario::parse(scenario).map_err(told)?;
    let href = gloo::utils::window().location().href().unwrap_or_default();
    let base = href.split(['#', '?']).next().unwrap_or_default();
    Ok(format!("{base}#{}", link::pack(&scenario, Some(SimTime(at_us)), None)))
}

/// Opens the run the address names now.
pub fn open_address() {
    // A document can always load itself again.
    let _ = gloo::utils::window().location().reload();
}

/// Forgets the fragment: the run is the user's own now.
pub fn clear_fragment() {
    let location = gloo::utils::window().location();
    go_by(&(location.pathname().unwrap_or_default() + &location.search().unwrap_or_default()));
}

/// The page goes by this address from now on; nothing is loaded.
pub fn go_by(address: &str) {
    if let Ok(history) = gloo::utils::window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(address));
    }
}

/// A text that lies beside the page.
pub async fn fetch(path: &str) -> Option<String> {
    let answer: Response = JsFuture::from(gloo::utils::window().fetch_with_str(path)).await.ok()?.dyn_into().ok()?;
    let text = JsFuture::from(answer.text().ok()?).await.ok()?;
    text.as_string().filter(|_| answer.ok())
}

/// A parameter of the address's query.
pub fn query(name: &str) -> Option<String> {
    let search = gloo::utils::window().location().search().unwrap_or_default();
    web_sys::UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

/// Puts text on the clipboard, says so, and takes the word back after a while. Frames and plain-HTTP pages may be
/// refused.
pub fn copy(text: String, app: Scope<App>, copied: Act, refused: Option<Act>, (after_ms, back): (u32, Act)) {
    spawn_local(async move {
        let navigator = gloo::utils::window().navigator();
        let there = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|clipboard| clipboard.is_object());
        if there && JsFuture::from(navigator.clipboard().write_text(&text)).await.is_ok() {
            app.send_message(Heard::Act(copied));
            Timeout::new(after_ms, move || app.send_message(Heard::Act(back))).forget();
        } else {
            refused.into_iter().for_each(|act| app.send_message(Heard::Act(act)));
        }
    });
}
