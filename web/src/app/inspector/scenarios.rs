//! Runs to open: each a question about Kafka, and a cluster that answers it. Their files lie beside the page and are fetched
//! when one is opened.

use crate::app::inspector::title;
use crate::app::model::{Keeping, Snapshot};
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::{Act, Earlier};
use crate::app::words;
use crate::bridge::{EarlierRun, ToWorker};
use yew::prelude::*;

/// File, question, what to watch.
type Book = (&'static str, &'static str, &'static str);

pub const SHELF: [(&str, &[Book]); 4] = [
    (
        "Brokers come and go",
        &[
            ("kill_102", "Broker 102 crashes and returns", "Other leaders after 9 s; nothing promised is lost."),
            ("ac_42_stop_102", "Topic-A without broker 102, in order", "Told to stop, it hands over first. Nobody waits."),
            ("ac_43_102_returns", "Broker 102 returns to Topic-A", "Follower, in sync, and leader again at the next check."),
            ("ac_51_isr", "A follower hangs", "After 30 to 45 s it is out of the ISR, and comes back."),
            ("follower_reads", "Reading from the copy next door", "Three racks, and consumers that read in their own."),
        ],
    ),
    (
        "What is a promise worth?",
        &[
            ("ac_50_acks", "acks 0, 1 and all side by side", "The same crash; three producers are told different things."),
            ("ac_52_min_isr", "min.insync.replicas = 2", "Three copies, two, one: what is acknowledged, what is refused."),
            ("ac_54_idempotence", "An answer is lost", "Stored twice, or once, by enable.idempotence."),
        ],
    ),
    (
        "How records get lost",
        &[
            ("b05_acks_1", "acks=1 and a leader that dies", "It acknowledged before anybody had a copy."),
            ("b01_unclean", "An unclean election loses what was promised", "A stale copy leads; the rest is gone."),
            ("b03_min_isr_1", "acks=all with one in-sync replica", "All of one is one, and its power fails."),
            ("b04_power_everywhere", "Power fails everywhere at once", "Kafka does not flush by itself."),
            ("b06_unreadable", "Acknowledged and unreadable", "Too few in sync: stored, and nobody may read it."),
        ],
    ),
    (
        "Who decides",
        &[
            ("quorum_kill_active", "The active controller dies", "Another is elected; readers and writers do not notice."),
            (
                "quorum_majority_lost",
                "The majority of the controllers is gone for a while",
                "Leaders go on, but nobody replaces one that dies.",
            ),
            ("zk_kill_controller", "The controller dies, and it is a broker", "Kafka 3.9 with ZooKeeper: missed after 18 s."),
        ],
    ),
];

#[inline(never)]
pub fn scenarios(page: &PageHandle, shot: &Snapshot, earlier: &Earlier) -> Html {
    let own = shot.keeping != Keeping::Preview;
    html! {
        <div key="scenarios" class="panel">
            { title("Scenarios", "open beside your own run, which stays as it is") }
            <button key="own" type="button" class="button" hidden={own} onclick={page.on(Click::OwnRun)}>{ "Back to your own run" }</button>
            <button key="new" type="button" class="button" onclick={page.on(Click::New)}>{ "New: an empty canvas" }</button>
            { earlier_runs(page, earlier) }
            { for SHELF.iter().map(|(head, books)| html! {
                <div key={*head} class="panel__section">
                    <h3 key="head" class="panel__head">{ *head }</h3>
                    <ol key="books" class="why__chain">
                        { for books.iter().map(|(file, name, words)| html! {
                            <li key={*file}>
                                <button type="button" class="why__link" onclick={page.on(Click::Scenario(file))}>
                                    <b key="name">{ *name }</b><span key="words" class="why__because">{ *words }</span>
                                </button>
                            </li>
                        }) }
                    </ol>
                </div>
            }) }
        </div>
    }
}

/// What made room for another run, by New or Start over, is not lost.
fn earlier_runs(page: &PageHandle, earlier: &Earlier) -> Html {
    html! {
        <div key="earlier" class="panel__section" hidden={earlier.runs.is_empty()}>
            <h3 key="head" class="panel__head">{ "Your earlier runs" }</h3>
            <ol key="runs" class="why__chain">
                { for earlier.runs.iter().map(|run| earlier_run(page, run, earlier.doomed.as_ref() == Some(&run.name))) }
            </ol>
        </div>
    }
}

fn earlier_run(page: &PageHandle, run: &EarlierRun, doomed: bool) -> Html {
    let name = run.name.clone();
    let lines = match run.acts {
        0 => String::new(),
        acts => format!(", {} on its timeline", words::plural(acts.into(), "line")),
    };
    let about = format!("stood at {}{lines}", words::moment(run.at_us));
    let (word, forget) = match doomed {
        false => ("Delete", Click::Act(Act::Doom(name.clone()))),
        true => ("Delete for good", Click::Earlier(ToWorker::Forget { name: name.clone() })),
    };
    html! {
        <li key={name.clone()} class="earlier">
            <button key="open" type="button" class="why__link" onclick={page.on(Click::Earlier(ToWorker::TakeUp { name }))}>
                <b key="name">{ run.title.clone() }</b><span key="words" class="why__because">{ about.clone() }</span>
            </button>
            <button key="forget" type="button" class="button button--quiet" aria-label={format!("{word}: {}, {about}", run.title)} onclick={page.on(forget)}>{ word }</button>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_book_is_a_file_of_that_title() {
        for (file, name, _) in SHELF.iter().flat_map(|(_, books)| *books) {
            let path = format!("{}/../tests/scenarios/{file}.toml", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(text.contains(&format!("title = \"{name}\"")), "{file} has another title");
        }
    }
}
