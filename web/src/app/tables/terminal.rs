//! The terminal: every line that was typed or clicked, with what it printed; and what the prompt's keys do.

use crate::app::page::{Click, PageHandle};
use crate::app::tables::desk::{Desk, DeskAct, Said};
use crate::app::tables::{act, head};
use crate::app::ui_state::Act;
use std::cell::RefCell;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Lines said, oldest first, and which of them stands in the prompt.
struct Recall {
    lines: Vec<String>,
    at: usize,
}

thread_local! {
    /// Of the prompt, not of the run: a shell remembers what was typed.
    static RECALL: RefCell<Recall> = const { RefCell::new(Recall { lines: Vec::new(), at: 0 }) };
}

/// Lines that are remembered.
const LINES: usize = 200;

#[inline(never)]
pub fn remember(line: &str) {
    RECALL.with_borrow_mut(|recall| {
        if recall.lines.last().is_none_or(|last| last != line) {
            recall.lines.push(line.to_owned());
        }
        let surplus = recall.lines.len().saturating_sub(LINES);
        recall.lines.drain(..surplus);
        recall.at = recall.lines.len();
    });
}

/// The line before or after the one that stands there; nothing after the newest.
fn recall(back: bool) -> Option<String> {
    RECALL.with_borrow_mut(|recall| {
        let at = if back { recall.at.checked_sub(1)? } else { (recall.at + 1).min(recall.lines.len()) };
        recall.at = at;
        Some(recall.lines.get(at).cloned().unwrap_or_default())
    })
}

/// A key in the prompt: ↑ and ↓ walk through what was said, Tab completes.
#[inline(never)]
pub fn key(page: &PageHandle, event: &KeyboardEvent) {
    let Some(field) = event.target().and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) else { return };
    match event.key().as_str() {
        "ArrowUp" | "ArrowDown" => {
            if let Some(line) = recall(event.key() == "ArrowUp") {
                event.prevent_default();
                field.set_value(&line);
            }
        }
        "Tab" if !event.shift_key() => {
            let line = field.value();
            // With nothing to complete the key goes on to the next control.
            if let Some((completed, offered)) = complete(&line, &page.vocabulary()) {
                event.prevent_default();
                field.set_value(&completed);
                page.act(Act::Desk(DeskAct::Offer(offered)));
            }
        }
        _ => {}
    }
}

/// The line with its last word completed as far as it is clear, and what it may become where it is not.
fn complete(line: &str, words: &[String]) -> Option<(String, Vec<String>)> {
    let start = line.rfind([' ', ',', '=']).map_or(0, |at| at + 1);
    let (before, word) = line.split_at(start);
    // A line begins with a command, and after it comes anything but one.
    let first = before.trim().is_empty();
    let fits = |known: &&String| known.starts_with(word) && *known != word && (known.ends_with(' ') == first);
    let fitting: Vec<&String> = words.iter().filter(fits).collect();
    let shared = fitting.iter().skip(1).fold(fitting.first()?.as_str(), |shared, other| {
        let same = shared.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        &shared[..same]
    });
    if word.is_empty() && !first {
        return None;
    }
    let offered = if fitting.len() > 1 { fitting.iter().map(|word| word.trim().to_owned()).collect() } else { Vec::new() };
    Some((format!("{before}{shared}"), offered))
}

pub fn terminal(page: &PageHandle, desk: &Desk) -> Html {
    html! {
        <>
            { head(page, "Terminal", &[]) }
            <div key="bar" class="place__bar">
                <span class="place__note">{ "Type below, as at Kafka's own tools. ↑ ↓ bring back lines, Tab completes words and names." }</span>
                <button key="help" type="button" class="button button--small" onclick={page.on(Click::Shell("help".to_owned()))}>{ "help" }</button>
                <button key="clear" type="button" class="button button--small" disabled={desk.said.is_empty()} onclick={act(page, DeskAct::Clear)}>{ "Clear" }</button>
            </div>
            <div key="log" class="terminal" tabindex="0" role="log" aria-label="What was said">
                <div class="terminal__lines">
                    <p key="none" class="place__note" hidden={!desk.said.is_empty()}>{ "Nothing was said yet. Each click that does something stands here as its line, too." }</p>
                    { for desk.said.iter().enumerate().map(|(n, said)| line(page, n, said)) }
                    <p key="offered" class="terminal__offered" hidden={desk.offered.is_empty()}>{ desk.offered.join("   ") }</p>
                </div>
            </div>
        </>
    }
}

fn line(page: &PageHandle, n: usize, said: &Said) -> Html {
    let refused = matches!(said.answer, Some(Err(_)));
    let answer = match &said.answer {
        // A line that only did what it says is answered with itself.
        Some(Ok(text)) if *text == said.line => "done".to_owned(),
        Some(Ok(text) | Err(text)) => text.clone(),
        None => String::new(),
    };
    html! {
        <div key={n} class="terminal__said">
            <div key="line" class="terminal__line">
                <code><span aria-hidden="true">{ "$ " }</span>{ said.line.clone() }</code>
                <button type="button" class="button button--quiet command__copy" aria-label={format!("Copy {}", said.line)} onclick={page.on(Click::CopyLine(said.line.clone()))}>{ "Copy" }</button>
            </div>
            <pre key="answer" class={classes!("terminal__answer", refused.then_some("terminal__answer--refused"))} hidden={answer.is_empty()}>{ answer }</pre>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<String> {
        ["kill ", "kafka-topics.sh ", "kafka-configs.sh ", "--topic", "--topics", "trucks_gps", "truck-1"].map(str::to_owned).into()
    }

    #[test]
    fn a_word_is_completed_as_far_as_it_is_clear() {
        let done = |line: &str| complete(line, &words()).map(|(line, _)| line);
        assert_eq!(done("ki").as_deref(), Some("kill "));
        assert_eq!(done("ka").as_deref(), Some("kafka-"));
        assert_eq!(done("kafka-topics.sh --describe --topic tru").as_deref(), Some("kafka-topics.sh --describe --topic truck"));
        assert_eq!(done("kill tr").as_deref(), Some("kill truck"));
        assert_eq!(complete("kill tr", &words()).map(|(_, offered)| offered.len()), Some(2));
        assert_eq!(done("xyz"), None);
        assert_eq!(done("kill "), None, "an empty word is no question");
    }
}
