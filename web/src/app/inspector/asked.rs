//! A question about what has no place of its own on the stage, such as a link between two brokers; and the faults in force, each of
//! which leads to one.

use crate::app::inspector::{title, why};
use crate::app::model::Snapshot;
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::{Inspect, UiState};
use yew::prelude::*;

/// What is wrong on purpose: why that is so, and a click that ends it.
#[inline(never)]
pub fn fault(page: &PageHandle, line: &str, undo: &str) -> Html {
    html! {
        <li key={line.to_owned()} class="in-force__one">
            <button key="why" type="button" class="in-force__why" aria-label={format!("Why: {line}")} onclick={page.on(Click::Inspect(Inspect::Asked(question(line))))}>{ line.to_owned() }</button>
            <button key="end" type="button" class="in-force__end" title={undo.to_owned()} aria-label={format!("End: {line}")} onclick={page.on(Click::Shell(undo.to_owned()))}>{ "✕" }</button>
        </li>
    }
}

/// The question about what a line of shell broke, as a line.
fn question(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["disk", _, broker, ..] => format!("why {broker}"),
        ["pause" | "skew", who, ..] => format!("why {who}"),
        [_, path, ..] if path.contains('>') => format!("why {path}"),
        [_, from, to, ..] => format!("why {from}>{to}"),
        _ => "why controllers".to_owned(),
    }
}

#[inline(never)]
pub fn asked(page: &PageHandle, shot: &Snapshot, ui: &UiState, line: &str) -> Html {
    let about = line.strip_prefix("why ").unwrap_or(line);
    let (name, what) = match about.split_once('>') {
        Some((from, to)) => (format!("{from} → {to}"), "the link, in this direction"),
        None => (about.to_owned(), "what is wrong with it"),
    };
    let faults = shot.mirror.in_force.iter().filter(|(fault, _)| question(fault) == line);
    html! {
        <div key={line.to_owned()} class="panel">
            { title(&name, what) }
            <ul key="faults" class="in-force">{ for faults.map(|(fault_line, undo)| fault(page, fault_line, undo)) }</ul>
            { why::card(page, shot, ui) }
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_leads_to_the_question_about_what_it_broke() {
        let cases = [
            ("cut 101 103", "why 101>103"),
            ("slow 101>103 200ms", "why 101>103"),
            ("lose brokers clients 10%", "why brokers>clients"),
            ("disk full 102", "why 102"),
            ("pause 102", "why 102"),
            ("skew truck-1 +10m", "why truck-1"),
        ];
        for (line, asked) in cases {
            assert_eq!(question(line), asked, "{line}");
        }
    }
}
