//! The page: its frame, its places, its keyboard.
//!
//! Panels get data and callbacks. [`model`] alone knows about frames, [`ui_state`] alone about what the user looks at,
//! [`page`] joins them with the worker and the canvas.

pub mod caption;
pub mod events;
pub mod icons;
pub mod inspector;
pub mod keys;
pub mod messages;
pub mod model;
pub mod page;
pub mod rail;
pub mod share;
pub mod stage;
pub mod top_bar;
pub mod ui_state;
pub mod widgets;
pub mod words;

use caption::Caption;
use events::Events;
use gloo::events::{EventListener, EventListenerOptions};
use inspector::Inspector;
use messages::{Failure, Help, Notices, Replaying};
use model::Snapshot;
use page::{Page, PageHandle};
use rail::Rail;
use stage::Stage;
use top_bar::{TopBar, Transport};
use ui_state::{Act, Inspect, Place, UiState};
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

/// Mounts the page.
pub fn run() {
    yew::set_custom_panic_hook(Box::new(messages::show_panic));
    let document = gloo::utils::document();
    let root = document.get_element_by_id("app").unwrap_or_else(|| document.body().map(Into::into).expect("a page has a body"));
    yew::Renderer::<App>::with_root(root).render();
}

#[component]
pub fn App() -> Html {
    let snapshot = use_state(Snapshot::default);
    let ui = use_reducer(UiState::default);
    let embed = *use_memo((), |()| share::query("embed").is_some_and(|value| value != "0"));
    let page: PageHandle = (*use_memo((), |()| Page::new(embed, snapshot.setter(), ui.dispatcher()))).clone();
    {
        let page = page.clone();
        use_effect_with((), move |()| {
            page.start();
            let keys = listen_keys(page);
            move || drop(keys)
        });
    }
    let (shot, state) = ((*snapshot).clone(), (*ui).clone());
    if embed { embedded(&page, &shot, &state) } else { whole(&page, &shot, &state) }
}

fn whole(page: &PageHandle, shot: &Snapshot, ui: &UiState) -> Html {
    let class =
        classes!("app", (ui.place == Place::Events).then_some("app--events"), (ui.inspect == Inspect::Guide).then_some("app--guide"));
    html! {
        <div {class}>
            <a key="skip" class="skip" href="#stage">{ "Skip to the stage" }</a>
            <TopBar key="top" page={page.clone()} snapshot={shot.clone()} share={ui.share.clone()} />
            <Rail key="rail" page={page.clone()} place={ui.place} />
            <main key="main" class="work">
                <div key="stage" id="stage" class="main" tabindex="-1">
                    <Stage key="stage" page={page.clone()} snapshot={shot.clone()} inspect={ui.inspect.clone()} said={ui.said.clone()} />
                    <Caption key="caption" page={page.clone()} snapshot={shot.clone()} said={ui.said.clone()} />
                </div>
                <Inspector key="inspector" page={page.clone()} snapshot={shot.clone()} inspect={ui.inspect.clone()} open={ui.sheet} />
                <Events key="events" page={page.clone()} events={shot.events.clone()} now_us={shot.mirror.now_us} place={ui.place} inspect={ui.inspect.clone()} />
            </main>
            { overlays(page, ui) }
        </div>
    }
}

/// Stage, caption and play button alone, for a frame in somebody's page.
fn embedded(page: &PageHandle, shot: &Snapshot, ui: &UiState) -> Html {
    html! {
        <div class="app app--embed">
            <main key="main" id="stage" class="main">
                <h1 key="title" class="visually-hidden">{ format!("Kafka Playground: {}", shot.mirror.title) }</h1>
                <Stage key="stage" page={page.clone()} snapshot={shot.clone()} inspect={ui.inspect.clone()} said={ui.said.clone()} />
                <Caption key="caption" page={page.clone()} snapshot={shot.clone()} said={ui.said.clone()} />
            </main>
            <footer key="bar" class="embed-bar">
                <Transport key="transport" page={page.clone()} playing={shot.playing()} speed_milli={shot.speed_milli()} now_us={shot.mirror.now_us} />
                <OpenInPlayground key="open" page={page.clone()} />
            </footer>
            <Inspector key="inspector" page={page.clone()} snapshot={shot.clone()} inspect={ui.inspect.clone()} open={ui.sheet && ui.inspect != Inspect::Guide} />
            { overlays(page, ui) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct OpenProps {
    page: PageHandle,
}

/// A link that carries the whole run, made at the moment it is used.
#[component]
fn OpenInPlayground(props: &OpenProps) -> Html {
    let page = props.page.clone();
    html! { <button type="button" class="button button--quiet" onclick={move |_| page.open_in_playground()}>{ "Open in playground ↗" }</button> }
}

fn overlays(page: &PageHandle, ui: &UiState) -> Html {
    html! {
        <div key="overlays" class="overlays">
            <Notices key="notices" page={page.clone()} notices={ui.notices.clone()} />
            <Replaying key="replaying" goal={ui.replaying} />
            <Help key="help" page={page.clone()} open={ui.help} />
            <Failure key="failure" page={page.clone()} failed={ui.failed.clone()} />
        </div>
    }
}

/// Keys that work everywhere but in fields: Space, →, ?, Esc.
fn listen_keys(page: PageHandle) -> EventListener {
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(&gloo::utils::document(), "keydown", options, move |event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let in_field = target.as_ref().is_some_and(|element| element.matches("input, select, textarea").unwrap_or(false));
        let on_control = target.is_some_and(|element| element.closest("button, a, summary").ok().flatten().is_some());
        if event.ctrl_key() || event.meta_key() || event.alt_key() || (in_field && event.key() != "Escape") {
            return;
        }
        match event.key().as_str() {
            " " if !on_control => page.toggle_play(),
            "ArrowRight" if !event.default_prevented() => page.next_event(),
            "?" => page.act(Act::Help(true)),
            "Escape" => page.act(Act::Close),
            _ => return,
        }
        event.prevent_default();
    })
}
