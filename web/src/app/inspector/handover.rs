//! Who read which partition in the last two minutes, and how much: what a rebalance costs, seen. A gap in a bar is a pause in which
//! nobody was given that partition's records.

use crate::app::model::Snapshot;
use crate::app::words;
use playground_core::view::{Detail, GroupHistory, GroupView, SpellView};
use std::fmt::Write;
use yew::prelude::*;

/// The window drawn, in virtual seconds and microseconds.
const SECONDS: u64 = 120;
const WINDOW_US: u64 = SECONDS * 1_000_000;
/// Partitions drawn; of a larger group these are the first.
const ROWS: usize = 24;
/// Height of a row of records a second, in units of its picture.
const TALL: f64 = 24.0;

pub fn handover(shot: &Snapshot, group: &GroupView) -> Html {
    let history = shot.detail.as_deref().and_then(|detail| match detail {
        Detail::Group(history) if history.group == group.name => Some(history),
        _ => None,
    });
    let Some(history) = history else { return html! { <div key="handover" hidden=true></div> } };
    let now = shot.mirror.now_us;
    let rows = rows(group, history);
    let pauses: Vec<u64> = rows.iter().map(|row| longest_pause(&row.spells, now)).collect();
    html! {
        <div key="handover" class="panel__section">
            <h3 key="head" class="panel__head">{ "Who read what, the last two minutes" }</h3>
            <p key="pause" class="panel__text">{ told(&pauses) }</p>
            <div key="rows" class="spells">{ for rows.iter().take(ROWS).map(|row| bar(row, group, now)) }</div>
            { more(rows.len()) }
            <p key="axis" class="spells__row spells__axis" aria-hidden="true"><span key="left"></span><span key="ends"><span key="from">{ "−2 min" }</span><span key="to">{ "now" }</span></span></p>
            <h3 key="rates" class="panel__head">{ "Records given, a second" }</h3>
            <div key="given" class="spells">{ for group.members.iter().zip(&history.given).map(|(member, given)| rate(words::member(&group.name, &member.client), mark(group, &member.client), given)) }</div>
        </div>
    }
}

struct Row<'a> {
    name: String,
    spells: Vec<&'a SpellView>,
}

fn rows<'a>(group: &GroupView, history: &'a GroupHistory) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (topic, partitions) in &group.offsets {
        for partition in partitions.iter().map(|offsets| offsets.partition) {
            let spells = history.spells.iter().filter(|spell| spell.partition == partition && spell.topic == *topic).collect();
            let name = if group.offsets.len() == 1 { format!("P{partition}") } else { format!("{topic}-{partition}") };
            rows.push(Row { name, spells });
        }
    }
    rows
}

/// The longest time within the window in which nobody owned a partition that somebody had owned.
fn longest_pause(spells: &[&SpellView], now: u64) -> u64 {
    let start = now.saturating_sub(WINDOW_US);
    let (mut covered, mut longest) = (None, 0);
    for spell in spells {
        let from = spell.from_us.max(start);
        longest = longest.max(covered.map_or(0, |until: u64| from.saturating_sub(until.max(start))));
        covered = covered.max(Some(spell.until_us.unwrap_or(now)));
    }
    longest.max(covered.map_or(0, |until| now.saturating_sub(until.max(start))))
}

fn told(pauses: &[u64]) -> String {
    let longest = pauses.iter().max().copied().unwrap_or(0);
    let paused = pauses.iter().filter(|pause| **pause > 0).count();
    match paused {
        0 => "No partition was without a reader once it had one.".to_owned(),
        n => format!(
            "{n} of {} paused; the longest time without a reader was {}.",
            words::plural(pauses.len() as u64, "partition"),
            seconds(longest)
        ),
    }
}

fn seconds(us: u64) -> String {
    match us {
        0..10_000_000 => format!("{} ms", words::count(us / 1_000)),
        _ => format!("{} s", us / 1_000_000),
    }
}

/// A colour for a member, the same in every row.
fn mark(group: &GroupView, client: &str) -> String {
    format!("key-{}", group.members.iter().position(|member| member.client == client).unwrap_or(0) % 8)
}

fn bar(row: &Row<'_>, group: &GroupView, now: u64) -> Html {
    let start = now.saturating_sub(WINDOW_US);
    let x = |us: u64| us.max(start).saturating_sub(start) as f64 / WINDOW_US as f64 * 1_000.0;
    let shift = 1_000.0 - x(now);
    let piece = |(i, spell): (usize, &&SpellView)| {
        let (from, until) = (x(spell.from_us), x(spell.until_us.unwrap_or(now)));
        let class = classes!("spell", mark(group, &spell.client));
        html! { <rect key={i} {class} x={words::coordinate(shift + from)} y="0" width={words::coordinate(until - from)} height="12" /> }
    };
    let reader = row.spells.iter().rev().find(|spell| spell.until_us.is_none());
    let owner = reader.map_or("nobody".to_owned(), |spell| words::member(&group.name, &spell.client));
    let label =
        format!("{}: {owner} reads it now, {} changed hands", row.name, words::plural(row.spells.len().saturating_sub(1) as u64, "time"));
    html! {
        <div key={row.name.clone()} class="spells__row">
            <span key="name" class="spells__name">{ row.name.clone() }</span>
            <svg key="bar" class="spells__bar" viewBox="0 0 1000 12" preserveAspectRatio="none" role="img" aria-label={label}>
                { for row.spells.iter().enumerate().filter(|(_, spell)| spell.until_us.is_none_or(|until| until > start)).map(piece) }
            </svg>
            <span key="owner" class={classes!("spells__owner", reader.is_none().then_some("spells__owner--none"))}>{ owner }</span>
        </div>
    }
}

fn more(rows: usize) -> Html {
    let left = rows.saturating_sub(ROWS);
    html! { <p key="more" class="panel__text" hidden={left == 0}>{ format!("and {} more", words::plural(left as u64, "partition")) }</p> }
}

fn rate(client: String, mark: String, given: &[u32]) -> Html {
    let highest = given.iter().max().copied().unwrap_or(0).max(1);
    let mut path = "M0 24".to_owned();
    for (second, records) in given.iter().enumerate() {
        let y = TALL - f64::from(*records) / f64::from(highest) * (TALL - 2.0);
        let _ = write!(path, "L{second} {0}L{1} {0}", words::coordinate(y), second + 1);
    }
    path.push_str("L120 24Z");
    let last = given.last().copied().unwrap_or(0);
    let label = format!("{client}: {last} records in the last second, at most {highest} in one of the last two minutes");
    html! {
        <div key={client.clone()} class="spells__row">
            <span key="name" class="spells__name">{ client }</span>
            <svg key="rate" class={classes!("spells__rate", mark)} viewBox="0 0 120 24" preserveAspectRatio="none" role="img" aria-label={label}><path d={path} /></svg>
            <span key="now" class="spells__owner">{ format!("{last}/s") }</span>
        </div>
    }
}
