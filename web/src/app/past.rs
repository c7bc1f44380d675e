//! The past under the time line: where one stands in it, the branches of the run, moments with a name, acts to take back.

use crate::app::icons::Icon;
use crate::app::model::Snapshot;
use crate::app::page::{Click, Page, PageHandle};
use crate::app::ui_state::{Act, Notice};
use crate::app::widgets::icon_button;
use crate::app::words;
use crate::bridge::{BranchView, Past, ToWorker};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement, KeyboardEvent};
use yew::prelude::*;

/// There is more to show than a time line.
pub fn any(shot: &Snapshot) -> bool {
    shot.in_past() || !shot.past.branches.is_empty()
}

#[inline(never)]
pub fn past(page: &PageHandle, shot: &Snapshot) -> Html {
    let (past, now_us) = (&*shot.past, shot.mirror.now_us);
    let newest = Click::Time(ToWorker::Seek { at_us: shot.head_us });
    let where_ = format!("You look at the past: {} of {}.", words::moment(now_us), words::moment(shot.head_us));
    html! {
        <div key="past" class="past">
            { act("undo", page, Icon::Undo, "Undo", &past.undo, ToWorker::Undo) }
            { act("redo", page, Icon::Redo, "Redo", &past.redo, ToWorker::Redo) }
            <span key="where" class="past__where" hidden={!shot.in_past()}>
                <span key="text">{ where_ }</span>
                <button key="newest" type="button" class="button button--small" onclick={page.on(newest)}>{ "Back to the newest moment" }</button>
            </span>
            { branches(page, past, now_us) }
            <span key="moments" class="past__chips" role="group" aria-label="Named moments" hidden={past.moments.is_empty()}>
                { for past.moments.iter().map(|(at_us, name)| {
                    let click = Click::Time(ToWorker::Seek { at_us: *at_us });
                    html! { <button key={at_us.to_string()} type="button" class="button button--small" onclick={page.on(click)}>{ format!("⚑ {name} · {}", words::moment(*at_us)) }</button> }
                }) }
            </span>
            <form key="name" class="past__name" onsubmit={name(page)}>
                <input class="past__field" name="name" maxlength="40" autocomplete="off" aria-label="Name this moment" placeholder="Name this moment" />
            </form>
        </div>
    }
}

fn act(key: &'static str, page: &PageHandle, picture: Icon, word: &'static str, line: &Option<String>, message: ToWorker) -> Html {
    let label = line.as_ref().map_or_else(|| format!("{word}: nothing"), |line| format!("{word} {line}"));
    html! {
        <span {key} class="past__act" title={label}>
            { icon_button(key, picture, word, if line.is_none() { "is-idle" } else { "" }, page.on(Click::Time(message))) }
        </span>
    }
}

/// `2 · kill 102 at 0:12.3`.
fn called(i: usize, branch: &BranchView) -> String {
    match branch.line.is_empty() {
        true => format!("{} · as opened", i + 1),
        false => format!("{} · {} at {}", i + 1, branch.line, words::moment(branch.at_us)),
    }
}

fn branches(page: &PageHandle, past: &Past, now_us: u64) -> Html {
    html! {
        <span key="branches" class="past__chips" role="group" aria-label="Branches of this run" hidden={past.branches.len() < 2}>
            { for past.branches.iter().enumerate().map(|(i, branch)| {
                let shown = i == past.shown as usize;
                let click = Click::Time(ToWorker::Branch { branch: i as u32, at_us: now_us });
                html! {
                    <button key={i} type="button" class={classes!("button", "button--small", "past__branch", shown.then_some("is-selected"))}
                        aria-pressed={words::yes(shown)} onclick={page.on(click)}>{ called(i, branch) }</button>
                }
            }) }
        </span>
    }
}

/// Branches as lines that leave the line of the shown one where they part, along `0..range_us` in `width` steps.
#[inline(never)]
pub fn lines(shot: &Snapshot, range_us: u64) -> Html {
    let past = &*shot.past;
    let x = |at_us: u64| (at_us * 1_000).checked_div(range_us).unwrap_or(0).min(1_000);
    let line = |(i, branch): (usize, &BranchView)| {
        // Where it and the shown one part: the shown one may have left it.
        let parts = if branch.from == past.shown || i != 0 { branch.at_us } else { past.branches[past.shown as usize].at_us };
        let (from, to) = (x(parts), x(branch.head_us));
        html! { <path key={i} class="timeline__branch" d={format!("M{from} 30Q{from} 40 {} 40H{}", from + 6, to.max(from + 6))} /> }
    };
    html! { { for past.branches.iter().enumerate().filter(|(i, _)| *i != past.shown as usize).map(line) } }
}

/// The field's text becomes the name of the moment that is shown.
fn name(page: &PageHandle) -> Callback<SubmitEvent> {
    let page = page.clone();
    Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        let form = event.target_dyn_into::<Element>();
        let field =
            form.and_then(|form| form.query_selector("input").ok().flatten()).and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
        if let Some(field) = field {
            page.send(ToWorker::Name { text: field.value().trim().to_owned() });
            field.set_value("");
        }
    })
}

/// Says what an act in the past has begun.
#[inline(never)]
pub fn tell(page: &Page, past: &Past) {
    let (number, from) = (past.shown + 1, past.branches.get(past.shown as usize));
    if let Some(branch) = from.filter(|_| past.forked) {
        let text = format!(
            "Branch {number} begins here, at {}: {}. Branch {} stays as it was; what you did later in it comes again in this one.",
            words::moment(branch.at_us),
            branch.line,
            branch.from + 1
        );
        page.act(Act::Tell(Notice { bad: false, text }));
    }
}

/// Keys that go through time; false if it is another key.
#[inline(never)]
pub fn key(page: &PageHandle, event: &KeyboardEvent) -> bool {
    let chord = event.ctrl_key() || event.meta_key();
    let message = match (event.key().as_str(), chord, event.shift_key()) {
        ("z" | "Z", true, false) => ToWorker::Undo,
        ("z" | "Z", true, true) | ("y", true, false) => ToWorker::Redo,
        ("ArrowLeft", false, interesting) => ToWorker::Step { back: true, interesting },
        ("ArrowRight", false, true) => ToWorker::Step { back: false, interesting: true },
        _ => return false,
    };
    page.click(Click::Time(message));
    true
}
