//! What became of the records: the referee's ledger in plain words, and what made each loss, duplicate, disorder or gap possible.
//!
//! It adds up: sent is promised, failed or under way; promised is kept, lost, stored by nobody or gone by retention.

use crate::app::inspector::event::cause_item;
use crate::app::inspector::title;
use crate::app::model::{Shared, Snapshot};
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::Inspect;
use crate::app::widgets::{Cells, table};
use crate::app::words;
use playground_core::sorted::SortedMap;
use playground_core::view::{ClientKind, ClientView, EventView, LedgerView, LostView, Subject};
use yew::prelude::*;

/// Rows of each list; all are counted.
const LISTED: usize = 40;

#[inline(never)]
pub fn verdict(page: &PageHandle, shot: &Snapshot) -> Html {
    let ledger = &shot.mirror.ledger;
    let runs = runs(&ledger.acked_lost);
    let told: Vec<&Shared<EventView>> = shot.events.iter().rev().filter(|event| of_records(event)).collect();
    let producers: Vec<&Shared<ClientView>> = shot.mirror.clients.iter().filter(|client| client.kind == ClientKind::Producer).collect();
    html! {
        <div key="verdict" class="panel">
            { title("What became of the records", "counted by a referee who sees every disk and decides nothing") }
            <p key="words" class="panel__name panel__name--sentence">{ sentence(ledger) }</p>
            <div key="sums" class="sums">
                { sum("sent", "Sent: handed to a producer", ledger.sent, &sent(ledger)) }
                { sum("promised", "Promised: acknowledged", ledger.acked, &promised(ledger)) }
            </div>
            <div key="why" class="panel__section" hidden={told.is_empty()}>
                <h3 key="head" class="panel__head">{ "Why?" }</h3>
                <ol key="list" class="why__chain">{ for told.iter().take(LISTED).map(|event| cause_item(page, "at", event)) }</ol>
                { more("more", told.len(), "event") }
            </div>
            <div key="lost" class="panel__section" hidden={runs.is_empty()}>
                <h3 key="head" class="panel__head">{ "Promised and lost" }</h3>
                <ol key="list" class="why__chain">{ for runs.iter().take(LISTED).map(|run| lost_item(page, run)) }</ol>
                <p key="more" class="panel__text" hidden={ledger.acked_lost_total <= ledger.acked_lost.len() as u64}>
                    { format!("{} in all; the first {} are listed.", words::plural(ledger.acked_lost_total, "record"), words::count(ledger.acked_lost.len() as u64)) }
                </p>
            </div>
            <div key="groups" class="panel__section" hidden={ledger.delivered.is_empty()}>
                <h3 key="head" class="panel__head">{ "What readers were given" }</h3>
                { table("given", "What readers were given", &["Group", "Given", "Twice", "Out of order", "Skipped", "Deleted unread", "To come"], 1, given(shot)) }
            </div>
            <div key="clients" class="panel__section" hidden={producers.is_empty()}>
                <h3 key="head" class="panel__head">{ "What each producer was told" }</h3>
                { table("told", "What each producer was told", &["Producer", "Sent", "Promised", "Failed", "Under way", "Sent again"], 1,
                    producers.iter().take(LISTED).map(|client| of_producer(client)).collect()) }
                { more("more", producers.len(), "producer") }
            </div>
            <p key="broken" class="panel__text" hidden={shot.mirror.violations.is_empty()}>{ shot.mirror.violations.join(" ") }</p>
        </div>
    }
}

/// An event that says what became of records.
fn of_records(event: &EventView) -> bool {
    event.kind.starts_with("record_")
}

fn sentence(ledger: &LedgerView) -> String {
    match ledger.acked_lost_total {
        0 if ledger.acked == 0 => "Nothing has been promised yet.".to_owned(),
        0 if ledger.unwritten > 0 => format!("{} sent with acks=0 were stored by nobody.", words::plural(ledger.unwritten, "record")),
        0 if ledger.expired > 0 => "Every record that was promised is there, or was old enough to be deleted.".to_owned(),
        0 => "Every record that was promised is there.".to_owned(),
        lost => format!("{} that the cluster had acknowledged can be read no more.", words::plural(lost, "record")),
    }
}

type Parts = Vec<(&'static str, u64)>;

/// Each record that was sent is one of these.
fn sent(ledger: &LedgerView) -> Parts {
    vec![("Promised", ledger.acked), ("Failed: the producer was told so", ledger.failed), ("Under way", ledger.under_way())]
}

/// Each record that was promised is one of these.
fn promised(ledger: &LedgerView) -> Parts {
    vec![
        ("Kept", ledger.kept()),
        ("Lost", ledger.acked_lost_total),
        ("Sent with acks=0, stored by nobody", ledger.unwritten),
        ("Gone by retention", ledger.expired),
    ]
}

/// A number and what it is made of.
fn sum(key: &'static str, name: &'static str, all: u64, parts: &Parts) -> Html {
    html! {
        <dl {key} class="facts sums__one">
            <div key="all" class="facts__row sums__all"><dt key="name">{ name }</dt><dd key="value">{ words::count(all) }</dd></div>
            { for parts.iter().map(|(name, n)| html! {
                <div key={*name} class="facts__row sums__part"><dt key="name">{ *name }</dt><dd key="value">{ words::count(*n) }</dd></div>
            }) }
        </dl>
    }
}

fn more(key: &'static str, all: usize, one: &'static str) -> Html {
    let left = all.saturating_sub(LISTED);
    html! { <p {key} class="panel__text" hidden={left == 0}>{ format!("and {} more", words::plural(left as u64, one)) }</p> }
}

/// Lost records one behind another, with one cause.
struct Run<'a> {
    first: &'a LostView,
    last: u64,
}

fn runs(lost: &[LostView]) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for one in lost {
        let follows = |run: &&mut Run<'_>| {
            let first = run.first;
            (&first.topic, first.partition, first.because, &first.acks) == (&one.topic, one.partition, one.because, &one.acks)
                && run.last + 1 == one.offset
        };
        match runs.last_mut().filter(follows) {
            Some(run) => run.last = one.offset,
            None => runs.push(Run { first: one, last: one.offset }),
        }
    }
    runs
}

fn lost_item(page: &PageHandle, run: &Run<'_>) -> Html {
    let lost = run.first;
    let count = run.last - lost.offset + 1;
    let place = format!("{}-{}@{}", lost.topic, lost.partition, lost.offset);
    let (place, who) = match count {
        1 => (place, lost.client.clone()),
        _ => (format!("{place}…{}", run.last), format!("{} records", words::count(count))),
    };
    let key = lost.key.as_ref().filter(|_| count == 1).map_or(String::new(), |key| format!(" · key {key}"));
    // The event that took them, or else the place where they were.
    let at = Subject::Record { topic: lost.topic.clone(), partition: lost.partition, offset: lost.offset };
    let why = lost.because.map_or(Inspect::Subject(at), Inspect::Event);
    html! {
        <li key={place.clone()} class="why__cause">
            <button type="button" class="why__link" onclick={page.on(Click::Inspect(why))}>
                <span key="at"><b>{ place }</b>{ key }</span>
                <span key="who" class="why__because">{ format!("{who}, promised with acks={} · why?", lost.acks) }</span>
            </button>
        </li>
    }
}

/// A row for each group; what is to come lies between what was given and the high watermark.
fn given(shot: &Snapshot) -> Cells {
    let ledger = &shot.mirror.ledger;
    let row = |group: &String| {
        let count = |map: &SortedMap<String, u64>| AttrValue::from(words::count(map.get(group).copied().unwrap_or(0)));
        let known = shot.mirror.groups.iter().find(|known| known.name == *group);
        let offsets = known.iter().flat_map(|known| known.offsets.values().flatten());
        let to_come: u64 = offsets.map(|offset| offset.log_end.saturating_sub(offset.position.or(offset.committed).unwrap_or(0))).sum();
        vec![
            group.clone().into(),
            count(&ledger.delivered),
            count(&ledger.duplicates),
            count(&ledger.out_of_order),
            count(&ledger.skipped),
            count(&ledger.deleted_unread),
            words::count(to_come).into(),
        ]
    };
    ledger.delivered.keys().map(row).collect()
}

fn of_producer(client: &ClientView) -> Vec<AttrValue> {
    let under_way = client.sent.saturating_sub(client.acked + client.failed);
    let numbers = [client.sent, client.acked, client.failed, under_way, client.retries];
    std::iter::once(client.name.clone().into()).chain(numbers.map(|n| words::count(n).into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(offset: u64, because: u64) -> LostView {
        LostView { topic: "orders".into(), offset, because: Some(because), ..LostView::default() }
    }

    #[test]
    fn lost_records_one_behind_another_with_one_cause_stand_as_one() {
        let all = [lost(4, 1), lost(5, 1), lost(6, 2), lost(9, 2)];
        let runs: Vec<(u64, u64)> = runs(&all).iter().map(|run| (run.first.offset, run.last)).collect();
        assert_eq!(runs, [(4, 5), (6, 6), (9, 9)]);
    }

    #[test]
    fn the_ledger_adds_up() {
        let ledger = LedgerView { sent: 100, acked: 90, failed: 4, acked_lost_total: 3, unwritten: 2, expired: 5, ..LedgerView::default() };
        let total = |parts: Parts| parts.iter().map(|(_, n)| n).sum::<u64>();
        assert_eq!((total(sent(&ledger)), total(promised(&ledger))), (100, 90));
    }
}
