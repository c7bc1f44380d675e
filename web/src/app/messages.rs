//! What lies over the page for a while: notices, catching up, shortcuts, and our own failures.

use crate::app::icons::Icon;
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::{Act, Notice};
use crate::app::widgets::{icon_button, languages};
use crate::app::words;
use yew::prelude::*;

pub fn notices(page: &PageHandle, notices: &[Notice]) -> Html {
    html! {
        <div key="notices" class="notices" aria-live="assertive">
            { for notices.iter().enumerate().map(|(i, notice)| html! {
                <div key={notice.text.clone()} class={classes!("notice", notice.bad.then_some("notice--bad"))}>
                    <p key="text" class="notice__text">{ notice.text.clone() }</p>
                    { icon_button("close", Icon::Close, "Dismiss", "button--quiet", page.on(Click::Act(Act::Dismiss(i)))) }
                </div>
            }) }
        </div>
    }
}

/// Catching up: virtual now and goal.
pub fn replaying(goal: Option<(u64, u64)>) -> Html {
    let (now, until) = goal.unwrap_or_default();
    html! {
        <div key="replaying" class="replaying" hidden={goal.is_none()}>
            <label key="label" for="replaying">{ format!("Running to {}", words::moment(until)) }</label>
            <progress key="bar" id="replaying" max={until.max(1).to_string()} value={now.to_string()} />
        </div>
    }
}

const SHORTCUTS: [(&str, &str); 17] = [
    ("Space", "play or pause"),
    ("→", "stop, and run to the next event"),
    ("Tab", "walk through producers, brokers, partitions, groups"),
    ("← →", "on a strip: walk along its records"),
    ("Enter", "choose what is focused"),
    ("←", "previous event"),
    ("Shift →", "next event worth stopping at"),
    ("Ctrl Z, Ctrl Shift Z", "undo, redo"),
    ("Esc", "close what lies on top"),
    ("v", "turn the stage: story or cluster view"),
    ("B", "build: the palette, then arrows and Enter"),
    ("← ↑ → ↓", "on the stage: to the next thing"),
    ("Menu, Shift+F10", "all that can be done to a thing"),
    ("F2", "rename it"),
    ("Del", "remove it"),
    ("/", "type a command"),
    ("?", "this list"),
];

pub fn help(page: &PageHandle, open: bool, node: &NodeRef) -> Html {
    html! {
        <div key="help" class="dialog" role="dialog" aria-modal="true" aria-label="Keyboard shortcuts" tabindex="-1" ref={node} hidden={!open}>
            <div key="head" class="dialog__head">
                <h2 key="name" class="panel__name">{ "Keyboard" }</h2>
                { icon_button("close", Icon::Close, "Close (Esc)", "button--quiet", page.on(Click::Act(Act::Help(false)))) }
            </div>
            <dl key="keys" class="shortcuts">
                { for SHORTCUTS.iter().map(|(key, what)| html! {
                    <div key={*key} class="shortcuts__row"><dt key="key"><kbd>{ *key }</kbd></dt><dd key="what">{ *what }</dd></div>
                }) }
            </dl>
            { languages() }
        </div>
    }
}

/// The engine stopped: what it said, and the report that repeats it.
pub fn failure(page: &PageHandle, failed: Option<&(String, String)>) -> Html {
    let (message, report) = failed.cloned().unwrap_or_default();
    let no_report = report.is_empty();
    html! {
        <div key="failure" class="dialog dialog--failure" role="alertdialog" aria-label="The engine stopped" hidden={failed.is_none()}>
            <h2 key="name" class="panel__name">{ "The engine stopped. This is our mistake, not yours." }</h2>
            <p key="message" class="panel__text">{ message }</p>
            <label key="report" class="dialog__report" hidden={no_report}>{ "The run up to the step before; with it we can repeat the failure" }<textarea readonly=true rows="8" value={report} /></label>
            <p key="what" class="panel__text">{ "The engine starts again, paused at the moment before, if it can. Otherwise reload the page: it goes on from the last saved moment." }</p>
            <button key="close" type="button" class="button" onclick={page.on(Click::Act(Act::FailureRead))}>{ "Close" }</button>
        </div>
    }
}

/// A panic on the page leaves Yew unable to go on, so the last words are plain DOM.
pub fn show_panic(info: &std::panic::PanicHookInfo<'_>) {
    web_sys::console::error_1(&info.to_string().into());
    let document = gloo::utils::document();
    let (Ok(notice), Some(body)) = (document.create_element("p"), document.body()) else { return };
    notice.set_class_name("panic");
    notice.set_attribute("role", "alert").ok();
    notice.set_text_content(Some("The page stopped: our mistake, not yours. Reload it to go on; your run is kept."));
    body.append_child(&notice).ok();
}
