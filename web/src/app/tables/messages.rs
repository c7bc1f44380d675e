//! The message browser: committed records of a topic, from one end, an offset or a moment, by text, or as they come.

use crate::app::model::{Snapshot, Topic};
use crate::app::page::{Click, PageHandle};
use crate::app::tables::desk::{Desk, DeskAct, ROWS, selected};
use crate::app::tables::grid::{Grid, Head, grid, number, text};
use crate::app::tables::{act, chosen, select, typed};
use crate::app::ui_state::{Inspect, UiState};
use crate::app::widgets::{Rows, facts};
use crate::app::words;
use playground_core::time::{EPOCH_MS, SimDuration};
use playground_core::view::Subject;
use playground_core::view::ask::{Answer, BatchView, Browse, MessageView, Messages, Start};
use yew::prelude::*;

const HEADS: [Head; 6] = [
    Head("OFFSET", true),
    Head("PARTITION", true),
    Head("TIMESTAMP", false),
    Head("KEY", false),
    Head("VALUE", false),
    Head("BYTES", true),
];
/// Letters of a value in its row.
const SHORT: usize = 72;

pub fn messages(page: &PageHandle, shot: &Snapshot, ui: &UiState, desk: &Desk, topic: &Topic) -> Html {
    let answer = shot.answer.as_deref().and_then(|answer| if let Answer::Messages(messages) = answer { Some(messages) } else { None });
    let answer = answer.filter(|messages| messages.of.topic == topic.head.name);
    html! {
        <>
            { bar(page, desk, topic) }
            { match answer {
                Some(messages) => found(page, ui, desk, &topic.head.name, messages),
                None => html! { <p key="wait" class="place__note" role="status">{ "Reading…" }</p> },
            } }
        </>
    }
}

fn start_name(start: Start) -> &'static str {
    match start {
        Start::Newest => "newest",
        Start::Beginning => "beginning",
        Start::Offset(_) => "offset",
        Start::Time(_) => "time",
    }
}

fn bar(page: &PageHandle, desk: &Desk, topic: &Topic) -> Html {
    let browse = desk.browse.clone();
    let with = |change: fn(&mut Browse, String)| {
        let browse = browse.clone();
        typed(page, move |text| {
            let mut browse = browse.clone();
            change(&mut browse, text);
            DeskAct::Browse(browse)
        })
    };
    let starts = [("newest", "Newest"), ("beginning", "Beginning"), ("offset", "From offset"), ("time", "From time")];
    let starts = starts.into_iter().map(|(value, name)| (value.to_owned(), name.to_owned()));
    let partitions = (0..topic.partitions.len()).map(|p| (p.to_string(), format!("P{p}")));
    let partitions = [("all".to_owned(), "All".to_owned())].into_iter().chain(partitions);
    let (from, asked) = (browse.clone(), browse.clone());
    let begin = move |name: String| {
        let start = match name.as_str() {
            "beginning" => Start::Beginning,
            "offset" => Start::Offset(0),
            "time" => Start::Time(EPOCH_MS),
            _ => Start::Newest,
        };
        Some(DeskAct::Browse(Browse { start, limit: ROWS, ..from.clone() }))
    };
    let only = move |name: String| Some(DeskAct::Browse(Browse { partition: name.parse().ok(), limit: ROWS, ..asked.clone() }));
    let live = Browse { live: !browse.live, ..browse.clone() };
    let partition = browse.partition.map_or("all".to_owned(), |p| p.to_string());
    let field = |name: &'static str, value: &str, oninput: Callback<InputEvent>| {
        html! {
            <label key={name} class="pick"><span>{ name }</span><input type="search" class="pick__text" value={value.to_owned()} aria-label={name} {oninput} /></label>
        }
    };
    html! {
        <div key="bar" class="place__bar" role="search" aria-label="Which messages">
            { select(page, "Start", starts, start_name(browse.start), begin) }
            { place_of(page, &browse) }
            { select(page, "Partition", partitions, &partition, only) }
            { field("Key holds", &browse.key, with(|browse, text| browse.key = text)) }
            { field("Value holds", &browse.value, with(|browse, text| browse.value = text)) }
            { field("Header holds", &browse.header, with(|browse, text| browse.header = text)) }
            <button key="live" type="button" class="button button--small" aria-pressed={words::yes(browse.live)} onclick={act(page, DeskAct::Browse(live))}>
                { if browse.live { "Live: on" } else { "Live: off" } }
            </button>
        </div>
    }
}

/// The offset, or the moment of the run, to start at. While somebody types it, it is theirs.
fn place_of(page: &PageHandle, browse: &Browse) -> Html {
    let (now, label, value) = match browse.start {
        Start::Offset(offset) => (browse.clone(), "Offset", offset.to_string()),
        Start::Time(at) => (browse.clone(), "Time of the run, in seconds", ((at - EPOCH_MS) / 1_000).to_string()),
        Start::Newest | Start::Beginning => return Html::default(),
    };
    let change = move |text: String| {
        let n: u64 = text.parse().ok()?;
        let start = match now.start {
            Start::Offset(_) => Start::Offset(n),
            _ => Start::Time(EPOCH_MS + SimDuration::from_secs(n.min(u64::from(u32::MAX))).millis() as i64),
        };
        Some(DeskAct::Browse(Browse { start, ..now.clone() }))
    };
    html! {
        <label key={label} class="pick"><span>{ label }</span><input type="number" min="0" class="pick__text pick__text--short" ~defaultValue={value} aria-label={label} onchange={chosen(page, change)} /></label>
    }
}

fn found(page: &PageHandle, ui: &UiState, desk: &Desk, topic: &str, messages: &Messages) -> Html {
    let rows = &messages.rows;
    let key = |row: usize| format!("{}@{}", rows[row].partition, rows[row].offset);
    let cell = |row: usize, column: usize| {
        let message = &rows[row];
        match column {
            0 => number(message.offset),
            1 => number(u64::from(message.partition)),
            2 => text(moment(message.timestamp_ms)).ranked((message.timestamp_ms - EPOCH_MS).max(0) as u64),
            3 => text(message.key.clone().unwrap_or_else(|| "no key".to_owned())),
            4 => text(short(message.value.as_deref())),
            _ => number(u64::from(message.key_bytes + message.value_bytes)),
        }
    };
    let subject = |row: usize| Subject::Record { topic: topic.to_owned(), partition: rows[row].partition, offset: rows[row].offset };
    let opened = |row: usize| desk.expanded.as_deref() == Some(&key(row));
    let more = Browse { limit: (desk.browse.limit + 4 * ROWS).min(1_000), ..desk.browse.clone() };
    html! {
        <>
            { grid(page, desk, &Grid {
                name: "messages",
                caption: "Messages",
                heads: &HEADS,
                rows: rows.len(),
                cell: &cell,
                key: &key,
                open: &|row| Some(Click::Act(crate::app::ui_state::Act::Desk(DeskAct::Expand((!opened(row)).then(|| key(row)))))),
                selected: &|row| opened(row) || selected(ui) == Some(&subject(row)),
                below: &|row| opened(row).then(|| whole(page, &rows[row], subject(row))),
                none: "No committed record fits.",
            }) }
            <p key="note" class="place__note">
                { format!("{} looked at, up to the high watermark: what a consumer with read_uncommitted is given.", words::plural(messages.scanned, "record")) }
                <button key="more" type="button" class="button button--small" hidden={!messages.more || desk.browse.limit >= 1_000} onclick={act(page, DeskAct::Browse(more))}>{ "Show more" }</button>
            </p>
        </>
    }
}

/// `0:01:02.345` of the run.
fn moment(timestamp_ms: i64) -> String {
    let since = timestamp_ms - EPOCH_MS;
    if since < 0 {
        return format!("{timestamp_ms} ms");
    }
    playground_core::time::SimTime(since as u64 * 1_000).to_string()
}

fn short(value: Option<&str>) -> String {
    let Some(value) = value else { return "null: a tombstone".to_owned() };
    match value.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// A record with all that its batch says.
fn whole(page: &PageHandle, message: &MessageView, subject: Subject) -> Html {
    let BatchView { base_offset, records, bytes, producer_id, producer_epoch, base_sequence, leader_epoch, crc, append_time, copies } =
        &message.batch;
    let sequence = i64::from(*base_sequence) + (message.offset - base_offset) as i64;
    let producer = match producer_id {
        -1 => "none: not idempotent".to_owned(),
        id => format!("{id}, epoch {producer_epoch}, sequence {sequence}"),
    };
    let headers = message.headers.iter().map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("null"))).collect::<Vec<_>>();
    let held = copies.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
    let stamp = if *append_time { "LogAppendTime" } else { "CreateTime" };
    let rows: Rows = vec![
        ("Timestamp".into(), format!("{} ms, {stamp}", message.timestamp_ms).into()),
        ("Key, value".into(), format!("{} and {} bytes", message.key_bytes, message.value_bytes).into()),
        ("Headers".into(), (if headers.is_empty() { "none".to_owned() } else { headers.join(", ") }).into()),
        ("Batch".into(), format!("{} from offset {base_offset}, {bytes} bytes", words::plural(u64::from(*records), "record")).into()),
        ("Producer ID".into(), producer.into()),
        ("Leader epoch".into(), leader_epoch.to_string().into()),
        ("CRC-32C".into(), format!("{crc:08x}").into()),
        ("Lies on brokers".into(), held.into()),
    ];
    html! {
        <div class="message">
            <pre key="value" class="panel__value" tabindex="0" aria-label="Value">{ message.value.clone().unwrap_or_else(|| "null".to_owned()) }</pre>
            { facts(rows) }
            <button key="inspect" type="button" class="button button--small" onclick={page.on(Click::Inspect(Inspect::Subject(subject)))}>{ "Inspect, byte by byte" }</button>
        </div>
    }
}
