//! Shared controls: a button with an icon, a line of shell to copy, a key's glyph, a table of facts.

use crate::app::icons::{Glyphic, Icon};
use crate::app::keys::KeyMark;
use crate::app::share;
use gloo::timers::callback::Timeout;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, ResizeObserver};
use yew::prelude::*;

/// An element's inner width, told again whenever its box changes; 0 before the first layout.
#[hook]
pub fn use_width(node: &NodeRef) -> f64 {
    let width = use_state_eq(|| 0.0);
    {
        let (node, set) = (node.clone(), width.setter());
        use_effect_with((), move |()| {
            let element = node.cast::<Element>();
            let watched = element.clone();
            let tell =
                Closure::<dyn FnMut()>::new(move || set.set(watched.as_ref().map_or(0.0, |element| f64::from(element.client_width()))));
            let observer = ResizeObserver::new(tell.as_ref().unchecked_ref()).ok();
            if let (Some(observer), Some(element)) = (&observer, &element) {
                observer.observe(element);
            }
            move || {
                observer.iter().for_each(ResizeObserver::disconnect);
                drop(tell);
            }
        });
    }
    *width
}

#[derive(Properties, PartialEq)]
pub struct IconButtonProps {
    pub icon: Icon,
    pub label: AttrValue,
    pub onclick: Callback<MouseEvent>,
    #[prop_or_default]
    pub class: Classes,
    #[prop_or_default]
    pub keys: Option<AttrValue>,
}

/// A square button whose words are its label.
#[component]
pub fn IconButton(props: &IconButtonProps) -> Html {
    let class = classes!("button", "button--icon", props.class.clone());
    html! {
        <button type="button" class={class} aria-label={props.label.clone()} title={props.label.clone()}
            aria-keyshortcuts={props.keys.clone()} onclick={props.onclick.clone()}>
            <Glyphic icon={props.icon} />
        </button>
    }
}

#[derive(Properties, PartialEq)]
pub struct KeyGlyphProps {
    pub mark: KeyMark,
}

/// A key's colour and shape.
#[component]
pub fn KeyGlyph(props: &KeyGlyphProps) -> Html {
    html! {
        <svg class={classes!("key-glyph", props.mark.class())} viewBox="0 0 12 12" aria-hidden="true">
            <polygon points={props.mark.glyph.points(6.0, 6.0, 5.0)} />
        </svg>
    }
}

#[derive(Properties, PartialEq)]
pub struct CommandLineProps {
    pub line: AttrValue,
}

/// A shell line as it would be typed, with a button that copies it.
#[component]
pub fn CommandLine(props: &CommandLineProps) -> Html {
    let copied = use_state_eq(|| false);
    let onclick = {
        let (line, copied) = (props.line.to_string(), copied.setter());
        Callback::from(move |_: MouseEvent| {
            let copied = copied.clone();
            share::copy_text(line.clone(), move |done| {
                copied.set(done);
                Timeout::new(1_600, move || copied.set(false)).forget();
            });
        })
    };
    html! {
        <div class="command">
            <code key="line" class="command__line"><span class="command__prompt" aria-hidden="true">{ "$ " }</span>{ props.line.clone() }</code>
            <button key="copy" type="button" class="button button--quiet command__copy" {onclick} aria-label={format!("Copy the command {}", props.line)}>
                { if *copied { "Copied" } else { "Copy" } }
            </button>
        </div>
    }
}

/// Rows of a name and a value.
#[derive(Properties, PartialEq)]
pub struct FactsProps {
    pub rows: Vec<(AttrValue, AttrValue)>,
}

#[component]
pub fn Facts(props: &FactsProps) -> Html {
    html! {
        <dl class="facts">
            { for props.rows.iter().map(|(name, value)| html! {
                <div key={name.to_string()} class="facts__row">
                    <dt key="name">{ name.clone() }</dt>
                    <dd key="value">{ value.clone() }</dd>
                </div>
            }) }
        </dl>
    }
}

#[derive(Properties, PartialEq)]
pub struct TableProps {
    pub caption: AttrValue,
    pub head: Vec<AttrValue>,
    /// Cells of each row; the first names it.
    pub rows: Vec<Vec<AttrValue>>,
    /// Columns from this one on are numbers, and stand right-aligned.
    #[prop_or(99)]
    pub numbers_from: usize,
}

/// A small table in Kafka's columns; wider than its panel, it scrolls inside itself.
#[component]
pub fn Table(props: &TableProps) -> Html {
    let class = |i: usize| (i >= props.numbers_from).then_some("table__number");
    html! {
        <div class="table" tabindex="0" role="group" aria-label={props.caption.clone()}>
            <table>
                <thead key="head"><tr>
                    { for props.head.iter().enumerate().map(|(i, head)| html! { <th key={i} scope="col" class={classes!(class(i))}>{ head.clone() }</th> }) }
                </tr></thead>
                <tbody key="body">
                    { for props.rows.iter().enumerate().map(|(n, row)| html! {
                        <tr key={n}>
                            { for row.iter().enumerate().map(|(i, cell)| html! { <td key={i} class={classes!(class(i))}>{ cell.clone() }</td> }) }
                        </tr>
                    }) }
                </tbody>
            </table>
        </div>
    }
}
