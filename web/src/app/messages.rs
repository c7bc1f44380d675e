//! What lies over the page for a while: notices, catching up, shortcuts, and our own failures.

use crate::app::icons::Icon;
use crate::app::page::PageHandle;
use crate::app::ui_state::{Act, Notice};
use crate::app::widgets::IconButton;
use crate::app::words;
use web_sys::HtmlElement;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct NoticesProps {
    pub page: PageHandle,
    pub notices: Vec<Notice>,
}

#[component]
pub fn Notices(props: &NoticesProps) -> Html {
    html! {
        <div class="notices" aria-live="assertive">
            { for props.notices.iter().enumerate().map(|(i, notice)| {
                let page = props.page.clone();
                html! {
                    <div key={notice.text.clone()} class={classes!("notice", notice.bad.then_some("notice--bad"))}>
                        <p key="text" class="notice__text">{ notice.text.clone() }</p>
                        <IconButton key="close" icon={Icon::Close} label="Dismiss" class="button--quiet" onclick={move |_| page.act(Act::Dismiss(i))} />
                    </div>
                }
            }) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub struct ReplayingProps {
    pub goal: Option<(u64, u64)>,
}

#[component]
pub fn Replaying(props: &ReplayingProps) -> Html {
    let (now, until) = props.goal.unwrap_or_default();
    html! {
        <div class="replaying" hidden={props.goal.is_none()}>
            <label key="label" for="replaying">{ format!("Running to {}", words::moment(until)) }</label>
            <progress key="bar" id="replaying" max={until.max(1).to_string()} value={now.to_string()} />
        </div>
    }
}

const SHORTCUTS: [(&str, &str); 7] = [
    ("Space", "play or pause"),
    ("→", "stop, and run to the next event"),
    ("Tab", "walk through producers, brokers, partitions, groups"),
    ("← →", "on a strip: walk along its records"),
    ("Enter", "choose what is focused"),
    ("Esc", "close what lies on top"),
    ("?", "this list"),
];

#[derive(Properties, PartialEq)]
pub struct HelpProps {
    pub page: PageHandle,
    pub open: bool,
}

#[component]
pub fn Help(props: &HelpProps) -> Html {
    let close = props.page.clone();
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(props.open, move |open| {
            if let (true, Some(element)) = (*open, node.cast::<HtmlElement>()) {
                let _ = element.focus();
            }
        });
    }
    html! {
        <div class="dialog" role="dialog" aria-modal="true" aria-label="Keyboard shortcuts" tabindex="-1" ref={node} hidden={!props.open}>
            <div key="head" class="dialog__head">
                <h2 key="name" class="panel__name">{ "Keyboard" }</h2>
                <IconButton key="close" icon={Icon::Close} label="Close (Esc)" class="button--quiet" onclick={move |_| close.act(Act::Help(false))} />
            </div>
            <dl key="keys" class="shortcuts">
                { for SHORTCUTS.iter().map(|(key, what)| html! {
                    <div key={*key} class="shortcuts__row"><dt key="key"><kbd>{ *key }</kbd></dt><dd key="what">{ *what }</dd></div>
                }) }
            </dl>
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub struct FailureProps {
    pub page: PageHandle,
    pub failed: Option<(String, String)>,
}

/// The engine stopped: what it said, and the report that repeats it.
#[component]
pub fn Failure(props: &FailureProps) -> Html {
    let (message, report) = props.failed.clone().unwrap_or_default();
    let (page, no_report) = (props.page.clone(), report.is_empty());
    html! {
        <div class="dialog dialog--failure" role="alertdialog" aria-label="The engine stopped" hidden={props.failed.is_none()}>
            <h2 key="name" class="panel__name">{ "The engine stopped. This is our mistake, not yours." }</h2>
            <p key="message" class="panel__text">{ message }</p>
            <label key="report" class="dialog__report" hidden={no_report}>{ "The run up to the step before; with it we can repeat the failure" }<textarea readonly=true rows="8" value={report} /></label>
            <p key="what" class="panel__text">{ "The engine starts again, paused at the moment before, if it can. Otherwise reload the page: it goes on from the last saved moment." }</p>
            <button key="close" type="button" class="button" onclick={move |_| page.act(Act::FailureRead)}>{ "Close" }</button>
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
