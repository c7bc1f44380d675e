//! Places beside the stage, as admin tools have them: tables, charts, a terminal. The same state and the same selection as the stage.
//!
//! All of it waits in the site's second part; what only such a place shows is asked of the worker when it is opened.

pub mod brokers;
pub mod charts;
pub mod configs;
pub mod desk;
pub mod grid;
pub mod groups;
pub mod messages;
pub mod overview;
pub mod terminal;
pub mod terms;
pub mod topics;

use crate::app::model::{Model, Shared, Snapshot};
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::{Act, Place, UiState};
use desk::{Desk, DeskAct};
use playground_core::wire::decode;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// Asks the worker what the open place shows beyond the view, and fetches what these places need once.
#[inline(never)]
pub fn inquire(page: &PageHandle, ui: &UiState) {
    page.inquire(desk::question(ui));
    if ui.desk.as_ref().is_none_or(|desk| desk.terms.is_none()) {
        terms::fetch(page);
    }
}

#[inline(never)]
pub fn answered(model: &mut Model, answer: &[u8]) {
    model.answer = decode(answer).map(Shared::new);
}

#[inline(never)]
pub fn place(page: &PageHandle, shot: &Snapshot, ui: &UiState) -> Html {
    let nothing = Desk::default();
    let desk = ui.desk.as_deref().unwrap_or(&nothing);
    let (name, inner) = match ui.place {
        Place::Overview => ("Overview", overview::overview(page, shot)),
        Place::Brokers => ("Brokers", brokers::brokers(page, shot, ui, desk)),
        Place::Topics => ("Topics", topics::topics(page, shot, ui, desk)),
        Place::Groups => ("Consumer groups", groups::groups(page, shot, ui, desk)),
        Place::Charts => ("Charts", charts::charts(page, shot, desk)),
        Place::Terminal => ("Terminal", terminal::terminal(page, desk)),
        Place::Stage | Place::Events => return Html::default(),
    };
    html! {
        <section key="place" class="place" aria-label={name}>
            <div key={name} class="place__inner">{ inner }</div>
        </section>
    }
}

/// A place's title, with the words it uses that can be explained.
pub fn head(page: &PageHandle, name: &str, words: &[&'static str]) -> Html {
    html! {
        <header key="head" class="place__head">
            <h2 class="place__name">{ name.to_owned() }</h2>
            { terms::words(page, words) }
        </header>
    }
}

/// The way back from one thing to the list of all.
pub fn back(page: &PageHandle, to: &'static str, act_back: DeskAct) -> Html {
    html! { <button key="back" type="button" class="button button--quiet place__back" onclick={act(page, act_back)}>{ format!("← {to}") }</button> }
}

/// The `onclick` of what changes tables alone.
pub fn act(page: &PageHandle, act: DeskAct) -> Callback<MouseEvent> {
    page.on(Click::Act(Act::Desk(act)))
}

fn value_of(event: &web_sys::Event) -> Option<String> {
    let target: Element = event.target()?.dyn_into().ok()?;
    match target.dyn_ref::<HtmlSelectElement>() {
        Some(select) => Some(select.value()),
        None => target.dyn_ref::<HtmlInputElement>().map(HtmlInputElement::value),
    }
}

/// The `oninput` of a field.
pub fn typed(page: &PageHandle, act: impl Fn(String) -> DeskAct + 'static) -> Callback<InputEvent> {
    let page = page.clone();
    Callback::from(move |event: InputEvent| {
        value_of(&event).into_iter().for_each(|text| page.act(Act::Desk(act(text))));
    })
}

/// The `onchange` of a field or a select.
pub fn chosen(page: &PageHandle, act: impl Fn(String) -> Option<DeskAct> + 'static) -> Callback<Event> {
    let page = page.clone();
    Callback::from(move |event: Event| {
        value_of(&event).and_then(&act).into_iter().for_each(|act| page.act(Act::Desk(act)));
    })
}

/// A choice of one out of a few.
pub fn select<'a>(
    page: &PageHandle,
    label: &'static str,
    options: impl Iterator<Item = (String, String)> + 'a,
    now: &str,
    act: impl Fn(String) -> Option<DeskAct> + 'static,
) -> Html {
    html! {
        <label key={label} class="pick">
            <span>{ label }</span>
            <select class="pick__select" aria-label={label} onchange={chosen(page, act)}>
                { for options.map(|(value, name)| html! { <option key={value.clone()} value={value.clone()} selected={value == now}>{ name }</option> }) }
            </select>
        </label>
    }
}

/// Views of one thing.
pub fn tabs<T: Copy + PartialEq>(
    page: &PageHandle,
    label: &'static str,
    all: &[(T, &'static str)],
    now: T,
    to: impl Fn(T) -> DeskAct,
) -> Html {
    html! {
        <div key="tabs" class="tabs" role="group" aria-label={label}>
            { for all.iter().map(|(tab, name)| html! {
                <button key={*name} type="button" class={classes!("tabs__tab", (*tab == now).then_some("is-selected"))} aria-pressed={crate::app::words::yes(*tab == now)}
                    onclick={act(page, to(*tab))}>{ *name }</button>
            }) }
        </div>
    }
}
