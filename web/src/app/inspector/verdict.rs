//! What became of the records: the referee's count in plain words, and what made each loss, duplicate, disorder or gap possible.

use crate::app::inspector::event::cause_item;
use crate::app::inspector::title;
use crate::app::model::{Shared, Snapshot};
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::Inspect;
use crate::app::widgets::{Rows, facts};
use crate::app::words;
use playground_core::sorted::SortedMap;
use playground_core::view::{EventView, LedgerView, LostView};
use yew::prelude::*;

/// Lost records listed; all are counted.
const LISTED: usize = 40;

#[inline(never)]
pub fn verdict(page: &PageHandle, shot: &Snapshot) -> Html {
    let ledger = &shot.mirror.ledger;
    let lost = &ledger.acked_lost;
    let why: Vec<&Shared<EventView>> = shot.events.iter().filter(|event| event.kind.starts_with("record_")).collect();
    html! {
        <div key="verdict" class="panel">
            { title("What became of the records", "counted by a referee who sees every disk and decides nothing") }
            <p key="words" class="panel__name panel__name--sentence">{ sentence(ledger) }</p>
            { facts(counts(ledger)) }
            <div key="why" class="panel__section" hidden={why.is_empty()}>
                <h3 key="head" class="panel__head">{ "Why?" }</h3>
                <ol key="list" class="why__chain">{ for why.iter().take(LISTED).map(|event| cause_item(page, "at", event)) }</ol>
            </div>
            <div key="lost" class="panel__section" hidden={lost.is_empty()}>
                <h3 key="head" class="panel__head">{ "Promised and lost" }</h3>
                <ol key="list" class="why__chain">{ for lost.iter().take(LISTED).enumerate().map(|(i, lost)| lost_item(page, i, lost)) }</ol>
                <p key="more" class="panel__text" hidden={ledger.acked_lost_total <= LISTED as u64}>
                    { format!("{} in all.", words::count(ledger.acked_lost_total)) }
                </p>
            </div>
            <div key="groups" class="panel__section" hidden={ledger.delivered.is_empty()}>
                <h3 key="head" class="panel__head">{ "What readers were given" }</h3>
                { facts(ledger.delivered.keys().map(|group| (group.clone().into(), given(ledger, group).into())).collect()) }
            </div>
            <p key="broken" class="panel__text" hidden={shot.mirror.violations.is_empty()}>{ shot.mirror.violations.join(" ") }</p>
        </div>
    }
}

fn sentence(ledger: &LedgerView) -> String {
    match ledger.acked_lost_total {
        0 if ledger.acked == 0 => "Nothing has been promised yet.".to_owned(),
        0 if ledger.unwritten > 0 => format!("{} sent with acks=0 were stored by nobody.", words::plural(ledger.unwritten, "record")),
        0 => "Every record that was promised is there.".to_owned(),
        lost => format!("{} that the cluster had acknowledged can be read no more.", words::plural(lost, "record")),
    }
}

fn counts(ledger: &LedgerView) -> Rows {
    let under_way = ledger.sent.saturating_sub(ledger.acked + ledger.failed);
    let row = |name: &'static str, n: u64| (name.into(), words::count(n).into());
    vec![
        row("Sent: handed to a producer", ledger.sent),
        row("Promised: acknowledged", ledger.acked),
        row("Failed: the producer was told so", ledger.failed),
        row("Under way", under_way),
        row("Lost after the promise", ledger.acked_lost_total),
        row("Sent with acks=0, stored by nobody", ledger.unwritten),
    ]
}

fn lost_item(page: &PageHandle, place: usize, lost: &LostView) -> Html {
    let why = lost.because.map(|id| page.on(Click::Inspect(Inspect::Event(id))));
    let key = lost.key.as_ref().map_or(String::new(), |key| format!(" · key {key}"));
    html! {
        <li key={place} class="why__cause">
            <button type="button" class="why__link" disabled={why.is_none()} onclick={why}>
                <span key="at"><b>{ format!("{}-{}@{}", lost.topic, lost.partition, lost.offset) }</b>{ key }</span>
                <span key="who" class="why__because">{ format!("promised to {} with acks={} · why?", lost.client, lost.acks) }</span>
            </button>
        </li>
    }
}

/// `68, each once and in order`, or what went wrong by number.
fn given(ledger: &LedgerView, group: &String) -> String {
    let count = |map: &SortedMap<String, u64>| map.get(group).copied().unwrap_or(0);
    let wrong = [(count(&ledger.duplicates), "twice"), (count(&ledger.skipped), "skipped"), (count(&ledger.out_of_order), "out of order")];
    let wrong: Vec<String> = wrong.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!(", {} {word}", words::count(*n))).collect();
    let all = words::count(count(&ledger.delivered));
    if wrong.is_empty() { format!("{all}, each once, in order") } else { format!("{all}{}", wrong.concat()) }
}
