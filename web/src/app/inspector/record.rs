//! One record down to its bytes: what was written, in which batch, and where its copies are.

use crate::app::inspector::partition::ids;
use crate::app::inspector::{title, why};
use crate::app::model::Snapshot;
use crate::app::page::PageHandle;
use crate::app::tables::terms;
use crate::app::ui_state::UiState;
use crate::app::widgets::{Rows, facts, key_glyph};
use crate::app::words;
use playground_core::time::EPOCH_MS;
use playground_core::view::{Detail, RecordDetail};
use yew::prelude::*;

/// Bytes shown of a key or value.
const SHOWN: usize = 192;

#[inline(never)]
pub fn record(page: &PageHandle, shot: &Snapshot, ui: &UiState, topic: &str, partition: u32, offset: u64) -> Html {
    let address = format!("{topic}-{partition}@{offset}");
    let panel_key = format!("record-{address}");
    let detail = shot.detail.as_deref().and_then(|detail| match detail {
        Detail::Record(detail) => Some(detail).filter(|d| d.topic == topic && d.partition == partition && d.offset == offset),
        Detail::Group(_) => None,
    });
    let Some(detail) = detail else {
        return html! { <div key={panel_key} class="panel">{ title(&address, "not in the leader's log at this moment") }{ why::card(page, shot, ui) }</div> };
    };
    let about = if detail.committed { "committed: readers may see it" } else { "not committed yet: readers may not see it" };
    let key = detail.key.as_deref().map(text);
    html! {
        <div key={panel_key} class="panel">
            { title(&address, about) }
            <div key="key" class="panel__section">
                <h3 key="head" class="panel__head">{ "Key" }</h3>
                <p key="text" class="panel__key">{ key_glyph(shot.keys.mark(key.as_deref())) }<code key="words">{ key.clone().unwrap_or_else(|| "no key".to_owned()) }</code></p>
                { bytes("Key as bytes", detail.key.as_deref()) }
            </div>
            <div key="value" class="panel__section">
                <h3 key="head" class="panel__head">{ "Value" }</h3>
                <pre key="text" class="panel__value" tabindex="0" role="group" aria-label="Value as text">{ detail.value.as_deref().map_or("null: a tombstone".to_owned(), text) }</pre>
                { bytes("Value as bytes", detail.value.as_deref()) }
            </div>
            { terms::words(page, &["offset", "key", "batch", "CRC", "leader epoch"]) }
            { facts(about_it(detail, shot)) }
            { why::card(page, shot, ui) }
        </div>
    }
}

fn about_it(detail: &RecordDetail, shot: &Snapshot) -> Rows {
    let replicas = shot.mirror.partition(&detail.topic, detail.partition).map_or(0, |partition| partition.replicas.len());
    let mut rows = vec![
        ("Copies on brokers".into(), format!("{} ({} of {replicas})", ids(&detail.copies), detail.copies.len()).into()),
        ("Timestamp".into(), format!("{} · {}", words::clock(since_start_us(detail)).0, detail.timestamp_ms).into()),
        ("Offset".into(), words::count(detail.offset).into()),
        (
            "Batch".into(),
            format!("{} · {}", words::bytes(u64::from(detail.batch_bytes)), words::plural(u64::from(detail.batch_records), "record"))
                .into(),
        ),
        ("Batch starts at".into(), words::count(detail.batch_base_offset).into()),
        ("CRC-32C".into(), format!("{:08x}", detail.crc).into()),
        ("Leader epoch".into(), detail.leader_epoch.to_string().into()),
    ];
    rows.extend(
        detail
            .headers
            .iter()
            .map(|(name, value)| (format!("Header {name}").into(), value.as_deref().map_or("null".to_owned(), text).into())),
    );
    rows
}

fn since_start_us(detail: &RecordDetail) -> u64 {
    u64::try_from(detail.timestamp_ms - EPOCH_MS).unwrap_or(0).saturating_mul(1_000)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Sixteen bytes a line, as a hex viewer shows them.
fn bytes(name: &'static str, bytes: Option<&[u8]>) -> Html {
    let Some(bytes) = bytes else { return html! { <details key="bytes" hidden=true></details> } };
    html! {
        <details key="bytes" class="bytes">
            <summary key="name">{ format!("{name} ({})", bytes.len()) }</summary>
            <pre key="dump" tabindex="0" role="group" aria-label={name}>{ dump(bytes) }</pre>
        </details>
    }
}

fn dump(bytes: &[u8]) -> String {
    let line = |(i, chunk): (usize, &[u8])| {
        let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{:04x}  {}", i * 8, hex.join(" "))
    };
    let mut lines: Vec<String> = bytes[..bytes.len().min(SHOWN)].chunks(8).enumerate().map(line).collect();
    if bytes.len() > SHOWN {
        lines.push(format!("… {} bytes more", bytes.len() - SHOWN));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_eight_a_line_with_their_place() {
        assert_eq!(dump(b"truck-12!"), "0000  74 72 75 63 6b 2d 31 32\n0008  21");
        assert!(dump(&[0; 500]).ends_with("308 bytes more"));
    }
}
