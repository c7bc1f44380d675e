//! `records`: what a reader would get, one JSON object a line, in the order of partitions and offsets.

use super::args::Args;
use super::run::Run;
use super::{Answer, BadInput, bad, load};
use serde_json::{Value, json};

pub(super) fn call(rest: &[String]) -> Result<Answer, BadInput> {
    let [until, seed, set] = load::OPTIONS;
    let args = Args::read(rest, &["FILE"], &[until, seed, set, "topic", "partition", "isolation"], &[])?;
    let (scenario, end) = load::scenario(&args)?;
    let names: Vec<&str> = scenario.topics.iter().map(|topic| topic.name.as_str()).collect();
    let Some(name) = args.value("topic") else { return bad(format!("Say which topic: --topic {}.", names.join(" or --topic "))) };
    let Some(topic) = scenario.topics.iter().find(|topic| topic.name == name) else {
        return bad(format!("--topic {name}: there is no such topic. Topics here: {}.", names.join(", ")));
    };
    let partitions = topic.placement.partitions();
    let partition = match args.value("partition").map(|text| (text, text.parse::<u32>())) {
        None => None,
        Some((_, Ok(partition))) if partition < partitions => Some(partition),
        Some((text, _)) => return bad(format!("--partition {text}: `{name}` has the partitions 0 to {}.", partitions - 1)),
    };
    // Without open transactions both levels read the same.
    if let Some(level) = args.value("isolation").filter(|level| !["read_uncommitted", "read_committed"].contains(level)) {
        return bad(format!("--isolation {level}: write read_uncommitted or read_committed."));
    }
    let cluster = Run::to(&scenario, end).cluster;
    let mut stdout = String::new();
    for record in cluster.records(name, partition) {
        let headers = record.headers.iter().map(|(name, value)| json!([name, bytes(value.as_deref())]));
        let line = json!({
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp_ms,
            "key": bytes(record.key.as_deref()),
            "value": bytes(record.value.as_deref()),
            "headers": headers.collect::<Vec<_>>(),
        });
        stdout.push_str(&line.to_string());
        stdout.push('\n');
    }
    Ok(Answer { stdout, ..Answer::default() })
}

/// Text where it is text; other bytes as `{"hex": …}`.
fn bytes(bytes: Option<&[u8]>) -> Value {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => Value::Null,
        Some((_, Ok(text))) => Value::String(text.to_owned()),
        Some((bytes, Err(_))) => json!({ "hex": data_encoding::HEXLOWER.encode(bytes) }),
    }
}
