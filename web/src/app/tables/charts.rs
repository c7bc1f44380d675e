//! How the run went: one chart a question, Kafka's metric names on the lines, one cursor through all, a table behind each.

use crate::app::model::Snapshot;
use crate::app::page::PageHandle;
use crate::app::tables::desk::{Desk, DeskAct};
use crate::app::tables::grid::{Head, grid, plain, text};
use crate::app::tables::{act, head};
use crate::app::ui_state::Act;
use crate::app::words;
use playground_core::cluster::series::Metric;
use playground_core::view::SeriesView;
use playground_core::view::ask::Answer;
use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

/// The drawing's own units.
const WIDTH: u64 = 1_000;
const HEIGHT: u64 = 160;
/// Rates and means are those of the last while before each point, in virtual microseconds.
const WHILE_US: u64 = 5_000_000;

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Count,
    PerSecond,
    BytesPerSecond,
    Bytes,
    Micros,
}

impl Unit {
    /// Values are whole: of what may be small, thousandths are drawn.
    fn say(self, value: u64) -> String {
        match self {
            Unit::Count => words::count(value),
            Unit::PerSecond => format!("{} a second", thousandths(value)),
            Unit::BytesPerSecond => format!("{} a second", words::bytes(value / 1_000)),
            Unit::Bytes => words::bytes(value),
            Unit::Micros => millis(value),
        }
    }
}

fn thousandths(value: u64) -> String {
    if value >= 10_000 { words::count(value / 1_000) } else { words::tenths(((value + 50) / 100) as i64) }
}

/// `12.5 ms`, `3.1 s`.
fn millis(us: u64) -> String {
    if us < 1_000_000 {
        format!("{} ms", words::tenths(((us + 50) / 100) as i64))
    } else {
        format!("{} s", words::tenths(((us + 50_000) / 100_000) as i64))
    }
}

struct Line {
    name: String,
    values: Vec<u64>,
}

struct Chart {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    unit: Unit,
    /// The lines are parts of a whole and stand on each other.
    stacked: bool,
    lines: Vec<Line>,
}

/// So many thousandths a second between each point and the one before.
fn rates(series: &SeriesView, metric: Metric) -> Vec<u64> {
    let column = &series.columns[metric as usize];
    pairs(series, |before, at| {
        let took = series.at_us[at] - before.map_or(0, |before| series.at_us[before]);
        let more = column[at].saturating_sub(before.map_or(0, |before| column[before]));
        u64::try_from(u128::from(more) * 1_000_000_000 / u128::from(took.max(1))).unwrap_or(u64::MAX)
    })
}

/// The mean of a total between each point and the one before.
fn means(series: &SeriesView, total: Metric, count: Metric) -> Vec<u64> {
    let (total, count) = (&series.columns[total as usize], &series.columns[count as usize]);
    let more = |column: &[u64], before: Option<usize>, at: usize| column[at].saturating_sub(before.map_or(0, |before| column[before]));
    pairs(series, |before, at| more(total, before, at).checked_div(more(count, before, at)).unwrap_or(0))
}

/// A value for each point and the newest one that is a while before it, or the first.
fn pairs(series: &SeriesView, value: impl Fn(Option<usize>, usize) -> u64) -> Vec<u64> {
    let before = |at: usize| {
        let earlier = series.at_us[..at].partition_point(|known| known + WHILE_US <= series.at_us[at]);
        // A run begins with nothing counted.
        if earlier == 0 && series.at_us[at] <= WHILE_US { None } else { Some(earlier.saturating_sub(1)) }
    };
    (0..series.at_us.len()).map(|at| value(before(at).filter(|before| *before < at), at)).collect()
}

/// In a span in which nothing took any time, what was known before.
fn held(values: &[u64]) -> Vec<u64> {
    let mut last = 0;
    let hold = |value: &u64| {
        last = if *value > 0 { *value } else { last };
        last
    };
    values.iter().map(hold).collect()
}

fn charts_of(series: &SeriesView) -> Vec<Chart> {
    let rate = |name: &str, metric| Line { name: name.to_owned(), values: rates(series, metric) };
    let gauge = |name: &str, metric: Metric| Line { name: name.to_owned(), values: series.columns[metric as usize].clone() };
    let spread = |name: &str, metric: Metric| Line { name: name.to_owned(), values: held(&series.columns[metric as usize]) };
    let mean = |name: &str, total, count| Line { name: name.to_owned(), values: means(series, total, count) };
    let broker = means(series, Metric::BrokerUs, Metric::Answered);
    let request = means(series, Metric::RequestUs, Metric::Batches);
    let network = request.iter().zip(&broker).map(|(request, broker)| request.saturating_sub(*broker)).collect();
    let lag = |(group, lag): &(String, Vec<u64>)| Line { name: format!("LAG of {group}"), values: lag.clone() };
    let chart = |name, title, about, unit, stacked, lines| Chart { name, title, about, unit, stacked, lines };
    vec![
        chart(
            "messages",
            "Records",
            "Appended by leaders, also to Kafka's own topics, and handed to applications; over 5 s.",
            Unit::PerSecond,
            false,
            vec![rate("MessagesInPerSec", Metric::MessagesIn), rate("records-consumed-rate", Metric::MessagesOut)],
        ),
        chart(
            "bytes",
            "Bytes",
            "Into the leaders' logs, and out to consumers; over 5 s.",
            Unit::BytesPerSecond,
            false,
            vec![rate("BytesInPerSec", Metric::BytesIn), rate("BytesOutPerSec", Metric::BytesOut)],
        ),
        chart(
            "parts",
            "Where a produced batch spends its time, on average",
            "From the first record in it to the acknowledgement; over 5 s.",
            Unit::Micros,
            true,
            vec![
                mean("record-queue-time-avg (linger)", Metric::QueueUs, Metric::Batches),
                Line { name: "network, there and back".to_owned(), values: network },
                Line { name: "TotalTimeMs of Produce (append, and waiting for replicas)".to_owned(), values: broker },
            ],
        ),
        chart(
            "produce",
            "Produce latency",
            "From the first record of a batch to its acknowledgement.",
            Unit::Micros,
            false,
            vec![spread("p50", Metric::ProduceP50), spread("p99", Metric::ProduceP99)],
        ),
        chart(
            "deliver",
            "End-to-end latency",
            "From the timestamp of a record to the application.",
            Unit::Micros,
            false,
            vec![spread("p50", Metric::DeliverP50), spread("p99", Metric::DeliverP99)],
        ),
        chart("lag", "Lag", "Records behind each group's bookmarks.", Unit::Count, false, series.lags.iter().map(lag).collect()),
        chart(
            "isr",
            "Partitions in trouble",
            "Fewer replicas in sync than there are, than min.insync.replicas, or no leader.",
            Unit::Count,
            false,
            vec![
                gauge("UnderReplicatedPartitions", Metric::UnderReplicated),
                gauge("UnderMinIsrPartitionCount", Metric::UnderMinIsr),
                gauge("OfflinePartitionsCount", Metric::Offline),
            ],
        ),
        chart(
            "sync",
            "Replicas in sync",
            "Of all partitions, and how many replicas there are.",
            Unit::Count,
            false,
            vec![gauge("in sync", Metric::InSync), gauge("replicas", Metric::Replicas)],
        ),
        chart("log", "Log size", "All replicas together.", Unit::Bytes, false, vec![gauge("Size", Metric::LogBytes)]),
    ]
}

/// The lines, each on top of the one before where they are parts.
fn drawn(chart: &Chart) -> Vec<Vec<u64>> {
    let mut below: Vec<u64> = Vec::new();
    let mut all = Vec::new();
    for line in &chart.lines {
        let on_top = || line.values.iter().zip(&below).map(|(value, below)| value + below).collect();
        let values: Vec<u64> = if chart.stacked && !below.is_empty() { on_top() } else { line.values.clone() };
        below.clone_from(&values);
        all.push(values);
    }
    all
}

/// A round number that is not smaller.
fn ceiling(most: u64) -> u64 {
    let mut step = 1;
    loop {
        for times in [1, 2, 5] {
            if step * times >= most {
                return (step * times).max(1);
            }
        }
        step *= 10;
    }
}

pub fn charts(page: &PageHandle, shot: &Snapshot, desk: &Desk) -> Html {
    let Some(Answer::Series(series)) = shot.answer.as_deref() else {
        return html! { <><header key="head" class="place__head"><h2 class="place__name">{ "Charts" }</h2></header><p key="wait" class="place__note" role="status">{ "Reading…" }</p></> };
    };
    if series.at_us.is_empty() {
        return Html::default();
    }
    let last = series.at_us.len() - 1;
    let cursor = desk.cursor.unwrap_or(last).min(last);
    let at = format!(
        "{} at {}",
        if desk.cursor.is_some() { "Values" } else { "Newest values," },
        playground_core::time::SimTime(series.at_us[cursor])
    );
    html! {
        <>
            { head(page, "Charts", &["throughput", "latency", "lag", "ISR", "URP", "percentile"]) }
            <p key="at" class="place__note">
                { format!("{at}. A point every {}; of a longer span the worst.", millis(series.tick_us)) }
                <button key="newest" type="button" class="button button--small" hidden={desk.cursor.is_none()} onclick={act(page, DeskAct::Cursor(None))}>{ "Newest" }</button>
            </p>
            <div key="charts" class="charts">{ for charts_of(series).iter().map(|chart| one(page, desk, series, chart, cursor)) }</div>
        </>
    }
}

fn one(page: &PageHandle, desk: &Desk, series: &SeriesView, chart: &Chart, cursor: usize) -> Html {
    let drawn = drawn(chart);
    let top = ceiling(drawn.iter().flatten().copied().max().unwrap_or(0));
    let open = desk.behind == Some(chart.name);
    let toggle = DeskAct::Behind((!open).then_some(chart.name));
    let said: Vec<String> = chart.lines.iter().map(|line| format!("{} {}", line.name, chart.unit.say(line.values[cursor]))).collect();
    html! {
        <section key={chart.name} class="chart" aria-label={chart.title}>
            <h3 key="title" class="chart__title">{ chart.title }</h3>
            <p key="about" class="chart__about">{ chart.about }</p>
            <div key="plot" class="chart__plot">
                <span key="top" class="chart__top">{ chart.unit.say(top) }</span>
                <svg key="lines" class="chart__lines" viewBox={format!("0 0 {WIDTH} {HEIGHT}")} preserveAspectRatio="none" tabindex="0" role="slider"
                    aria-label={chart.title} aria-valuemin="0" aria-valuemax={(series.at_us.len() - 1).to_string()} aria-valuenow={cursor.to_string()} aria-valuetext={said.join(", ")}
                    onpointermove={pointed(page, series)} onpointerdown={pointed(page, series)} onkeydown={walked(page, series, cursor)}>
                    { for (1..4_u64).map(|n| html! { <path key={n} class="chart__rule" d={format!("M0 {}H{WIDTH}", HEIGHT * n / 4)} /> }) }
                    { for drawn.iter().enumerate().map(|(n, values)| html! { <path key={format!("line-{n}")} class={format!("chart__line chart__line--{}", n % 6)} d={path(series, values, top)} /> }) }
                    <path key="cursor" class="chart__cursor" d={format!("M{} 0V{HEIGHT}", across(series, cursor))} />
                </svg>
                <span key="start" class="chart__from">{ words::moment(series.at_us[0]) }</span>
                <span key="end" class="chart__to">{ words::moment(series.at_us[series.at_us.len() - 1]) }</span>
            </div>
            <ul key="legend" class="chart__legend">
                { for chart.lines.iter().enumerate().map(|(n, line)| html! {
                    <li key={line.name.clone()}>
                        <svg key="sample" class="chart__sample" viewBox="0 0 28 6" aria-hidden="true"><path class={format!("chart__line chart__line--{}", n % 6)} d="M0 3H28" /></svg>
                        <span key="name">{ line.name.clone() }</span><b key="value">{ chart.unit.say(line.values[cursor]) }</b>
                    </li>
                }) }
            </ul>
            <button key="table" type="button" class="button button--small" aria-expanded={words::yes(open)} onclick={act(page, toggle)}>{ if open { "Hide the table" } else { "As a table" } }</button>
            { if open { behind(page, desk, series, chart) } else { Html::default() } }
        </section>
    }
}

/// Newest first, a row a point.
fn behind(page: &PageHandle, desk: &Desk, series: &SeriesView, chart: &Chart) -> Html {
    const NAMES: [&str; 7] = ["TIME", "A", "B", "C", "D", "E", "F"];
    let heads: Vec<Head> =
        NAMES[..(chart.lines.len() + 1).min(NAMES.len())].iter().enumerate().map(|(i, name)| Head(name, i > 0)).collect();
    let last = series.at_us.len() - 1;
    let cell = |row: usize, column: usize| match column.checked_sub(1) {
        None => text(playground_core::time::SimTime(series.at_us[last - row]).to_string()).ranked(series.at_us[last - row]),
        Some(line) => {
            let value = chart.lines[line].values[last - row];
            text(chart.unit.say(value)).ranked(value)
        }
    };
    let key = chart.lines.iter().zip(&NAMES[1..]).map(|(line, letter)| format!("{letter}: {}", line.name)).collect::<Vec<_>>().join(" · ");
    html! {
        <>
            <p key="key" class="place__note">{ key }</p>
            { grid(page, desk, &plain("chart", "Points of the chart", &heads, series.at_us.len(), &cell, "There is no point yet.")) }
        </>
    }
}

fn across(series: &SeriesView, point: usize) -> u64 {
    let (first, last) = (series.at_us[0], series.at_us[series.at_us.len() - 1]);
    ((series.at_us[point] - first) * WIDTH).checked_div(last - first).unwrap_or(0)
}

fn path(series: &SeriesView, values: &[u64], top: u64) -> String {
    let mut path = String::new();
    for (point, value) in values.iter().enumerate() {
        let y = HEIGHT - (u128::from(*value) * u128::from(HEIGHT) / u128::from(top)) as u64;
        path.push_str(&format!("{}{} {y}", if point == 0 { 'M' } else { 'L' }, across(series, point)));
    }
    path
}

/// The point nearest to where the pointer is.
fn pointed(page: &PageHandle, series: &SeriesView) -> Callback<PointerEvent> {
    let (page, at_us) = (page.clone(), series.at_us.clone());
    Callback::from(move |event: PointerEvent| {
        let Some(plot) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        let frame = plot.get_bounding_client_rect();
        let part = ((f64::from(event.client_x()) - frame.left()) / frame.width().max(1.0)).clamp(0.0, 1.0);
        let (first, last) = (at_us[0], at_us[at_us.len() - 1]);
        let at = first + ((last - first) as f64 * part) as u64;
        let point = at_us.partition_point(|known| *known < at).min(at_us.len() - 1);
        let nearer = point.checked_sub(1).filter(|before| at - at_us[*before] < at_us[point] - at.min(at_us[point]));
        page.act(Act::Desk(DeskAct::Cursor(Some(nearer.unwrap_or(point)))));
    })
}

fn walked(page: &PageHandle, series: &SeriesView, cursor: usize) -> Callback<KeyboardEvent> {
    let (page, last) = (page.clone(), series.at_us.len() - 1);
    Callback::from(move |event: KeyboardEvent| {
        let to = match event.key().as_str() {
            "ArrowLeft" => cursor.saturating_sub(1),
            "ArrowRight" => (cursor + 1).min(last),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        page.act(Act::Desk(DeskAct::Cursor(Some(to))));
    })
}
