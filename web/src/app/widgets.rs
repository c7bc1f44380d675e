//! Shared controls: a button with an icon, a line of shell to copy, a key's glyph, a table of facts.

use crate::app::icons::{Icon, icon};
use crate::app::keys::{Glyph, KeyMark};
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::UiState;
use std::cell::RefCell;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, ResizeObserver};
use yew::prelude::*;

/// Tells whenever an element's box changes, until dropped.
pub struct Watch {
    observer: ResizeObserver,
    _tell: Closure<dyn FnMut()>,
}

impl Watch {
    pub fn of(element: &Element, tell: Box<dyn FnMut()>) -> Option<Watch> {
        let tell = Closure::wrap(tell);
        let observer = ResizeObserver::new(tell.as_ref().unchecked_ref()).ok()?;
        observer.observe(element);
        Some(Watch { observer, _tell: tell })
    }

    /// Tells the inner width of the node's element, if it is on the page.
    pub fn width(node: &NodeRef, tell: impl Fn(i32) + 'static) -> Option<Watch> {
        let element = node.cast::<Element>()?;
        let watched = element.clone();
        Watch::of(&element, Box::new(move || tell(watched.client_width())))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// A square button whose words are its label.
pub fn icon_button(key: &'static str, picture: Icon, label: &'static str, class: &'static str, onclick: Callback<MouseEvent>) -> Html {
    shortcut_button(key, picture, label, class, None, onclick)
}

/// An icon button that a key of the keyboard presses too.
pub fn shortcut_button(
    key: &'static str,
    picture: Icon,
    label: &'static str,
    class: &'static str,
    shortcut: Option<&'static str>,
    onclick: Callback<MouseEvent>,
) -> Html {
    html! {
        <button {key} type="button" class={classes!("button", "button--icon", class)} aria-label={label} title={label} aria-keyshortcuts={shortcut} {onclick}>
            { icon(picture) }
        </button>
    }
}

/// Turns between the languages the page can speak. `boot.js` hears the click.
pub fn languages() -> Html {
    html! { <button key="language" type="button" class="button button--quiet" data-language="de">{ "English / Deutsch" }</button> }
}

/// Opens the menu of the thing it stands in.
pub fn dots(page: &PageHandle, of: &str) -> Html {
    let label = format!("What can be done to {of}");
    html! { <button key="dots" type="button" class="dots" aria-haspopup="menu" aria-label={label.clone()} title={label} onclick={page.on_here()}>{ icon(Icon::Dots) }</button> }
}

/// What can be done to something: buttons, each one line of shell, which its tooltip shows.
pub fn deeds(page: &PageHandle, head: &'static str, deeds: Vec<(&'static str, String)>) -> Html {
    html! {
        <div key={head} class="panel__section">
            <h3 key="head" class="panel__head">{ head }</h3>
            <div key="deeds" class="panel__actions">
                { for deeds.into_iter().map(|(word, line)| html! {
                    <button key={word} type="button" class="button button--small" title={line.clone()} onclick={page.on(Click::Shell(line))}>{ word }</button>
                }) }
            </div>
        </div>
    }
}

/// A key's colour and shape.
pub fn key_glyph(mark: KeyMark) -> Html {
    html! {
        <svg key="glyph" class={classes!("key-glyph", mark.class())} viewBox="0 0 12 12" aria-hidden="true">
            <polygon points={corners(mark.glyph)} />
        </svg>
    }
}

/// Of a glyph in a list: drawn again and again, so they are written once.
fn corners(glyph: Glyph) -> AttrValue {
    thread_local! {
        static WRITTEN: RefCell<[Option<AttrValue>; Glyph::ALL.len() + 1]> = RefCell::default();
    }
    WRITTEN.with_borrow_mut(|written| written[glyph as usize].get_or_insert_with(|| glyph.points(6.0, 6.0, 5.0).into()).clone())
}

/// A shell line as it would be typed, with a button that copies it.
pub fn command_line(page: &PageHandle, ui: &UiState, line: &str) -> Html {
    let copied = ui.copied.as_deref() == Some(line);
    html! {
        <div key="line" class="command">
            <code key="line" class="command__line"><span class="command__prompt" aria-hidden="true">{ "$ " }</span>{ line.to_owned() }</code>
            <button key="copy" type="button" class="button button--quiet command__copy" onclick={page.on(Click::CopyLine(line.to_owned()))} aria-label={format!("Copy the command {line}")}>
                { if copied { "Copied" } else { "Copy" } }
            </button>
        </div>
    }
}

/// Rows of a name and a value.
pub type Rows = Vec<(AttrValue, AttrValue)>;

pub fn facts(rows: Rows) -> Html {
    html! {
        <dl key="facts" class="facts">
            { for rows.into_iter().map(|(name, value)| html! {
                <div key={name.to_string()} class="facts__row">
                    <dt key="name">{ name }</dt>
                    <dd key="value">{ value }</dd>
                </div>
            }) }
        </dl>
    }
}

/// Cells of each row of a table; the first names it.
pub type Cells = Vec<Vec<AttrValue>>;

/// Columns up to the last are words.
pub const WORDS: usize = usize::MAX;

/// A small table in Kafka's columns; wider than its panel, it scrolls inside itself. Columns from `numbers_from` on are
/// numbers, and stand right-aligned.
pub fn table(key: &'static str, caption: &'static str, head: &[&'static str], numbers_from: usize, rows: Cells) -> Html {
    let class = |i: usize| (i >= numbers_from).then_some("table__number");
    html! {
        <div {key} class="table" tabindex="0" role="group" aria-label={caption}>
            <table>
                <thead key="head"><tr>
                    { for head.iter().enumerate().map(|(i, head)| html! { <th key={i} scope="col" class={class(i)}>{ *head }</th> }) }
                </tr></thead>
                <tbody key="body">
                    { for rows.into_iter().enumerate().map(|(n, row)| html! {
                        <tr key={n}>
                            { for row.into_iter().enumerate().map(|(i, cell)| html! { <td key={i} class={class(i)}>{ cell }</td> }) }
                        </tr>
                    }) }
                </tbody>
            </table>
        </div>
    }
}
