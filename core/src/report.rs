//! The `--json` report: one object, keys sorted, the same bytes for the same engine, file and seed on every platform.
//!
//! Only integers, text and `null`, so that no platform's way of printing fractions can show.

use crate::view::{
    BrokerView, ClientKind, ClientView, ClusterView, EventView, GroupOffsetView, GroupView, LedgerView, LostView, MemberView,
    PartitionView, TopicView,
};
use serde_json::{Map, Value, json};

pub use crate::cluster::ENGINE_VERSION as ENGINE;

/// Kinds of events that are decisions; the rest is only told on request.
pub const DECISIONS: [&str; 17] = [
    "application",
    "broker_fenced",
    "broker_unfenced",
    "commit_refused",
    "controller_elected",
    "fault",
    "group_rebalanced",
    "isr_changed",
    "leader_elected",
    "log_truncated",
    "member_left",
    "record_duplicated",
    "record_lost",
    "record_reordered",
    "record_skipped",
    "record_unwritten",
    "segment_deleted",
];

/// Which events a report holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventFilter {
    #[default]
    Decisions,
    All,
    None,
}

impl EventFilter {
    fn takes(self, event: &EventView) -> bool {
        match self {
            EventFilter::All => true,
            EventFilter::Decisions => DECISIONS.contains(&event.kind.as_str()),
            EventFilter::None => false,
        }
    }
}

/// The report as one line of JSON, without a newline at its end.
pub fn report(view: &ClusterView, events: &[EventView], digest: &str, filter: EventFilter) -> String {
    let controllers = &view.controllers;
    let mut report = json!({
        "engine": ENGINE,
        "kafka": view.kafka,
        "seed": view.seed,
        "now_ms": view.now_us / 1_000,
        "step": view.step,
        "digest": digest,
        "brokers": list(&view.brokers, broker),
        "controllers": {
            "leader": controllers.leader,
            "epoch": controllers.epoch,
            "voters": controllers.voters,
            "alive": controllers.alive,
        },
        "topics": named(&view.topics, |topic| &topic.name, topic),
        "groups": named(&view.groups, |group| &group.name, group),
        "clients": named(&view.clients, |client| &client.name, client),
        "ledger": ledger(&view.ledger),
        "violations": view.violations,
        "events": Value::Array(events.iter().filter(|e| filter.takes(e)).map(event).collect()),
    });
    // Voters and alive of the controllers are its servers.
    if controllers.zookeeper {
        report["zookeeper"] = json!({ "leader": controllers.ensemble_leader, "servers": controllers.voters, "alive": controllers.alive });
    }
    report.to_string()
}

fn list<T>(items: &[T], as_json: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(as_json).collect())
}

fn named<T>(items: &[T], name: impl Fn(&T) -> &String, as_json: impl Fn(&T) -> Value) -> Value {
    Value::Object(items.iter().map(|item| (name(item).clone(), as_json(item))).collect::<Map<_, _>>())
}

fn broker(broker: &BrokerView) -> Value {
    json!({
        "id": broker.id,
        "state": broker.state.name(),
        "rack": broker.rack,
        "fenced": broker.fenced,
        "leaders": broker.leaders,
        "replicas": broker.replicas,
        "log_bytes": broker.log_bytes,
    })
}

fn topic(topic: &TopicView) -> Value {
    json!({ "config": topic.config, "internal": topic.internal, "partitions": list(&topic.partitions, partition) })
}

fn partition(partition: &PartitionView) -> Value {
    json!({
        "partition": partition.partition,
        "leader": partition.leader,
        "leader_epoch": partition.leader_epoch,
        "replicas": partition.replicas,
        "isr": partition.isr,
        "elr": partition.elr,
        "log_start": partition.log_start,
        "last_stable": partition.last_stable,
        "high_watermark": partition.high_watermark,
        "log_end": partition.log_end,
        "bytes": partition.bytes,
    })
}

fn group(group: &GroupView) -> Value {
    let member = |member: &MemberView| {
        let mut said = json!({ "client": member.client, "assignment": member.assignment, "does": member.does, "in_hand": member.in_hand });
        if let Some(progress) = &member.progress {
            said["member_epoch"] = json!(progress.epoch);
            said["state"] = json!(progress.state);
            said["target"] = json!(progress.target);
        }
        said
    };
    let offsets = group.offsets.iter().map(|(topic, offsets)| (topic.clone(), list(offsets, offset)));
    let mut said = json!({
        "state": group.state,
        "protocol": group.protocol,
        "assignor": group.assignor,
        "generation": group.generation,
        "coordinator": group.coordinator,
        "offsets_partition": group.offsets_partition,
        "members": list(&group.members, member),
        "offsets": offsets.collect::<Map<_, _>>(),
    });
    if let Some(epoch) = group.assignment_epoch {
        said["assignment_epoch"] = json!(epoch);
    }
    said
}

fn offset(offset: &GroupOffsetView) -> Value {
    json!({
        "partition": offset.partition,
        "committed": offset.committed,
        "position": offset.position,
        "log_end": offset.log_end,
        "lag": offset.lag,
        "lag_ms": offset.lag_ms,
        "client": offset.client,
    })
}

fn client(client: &ClientView) -> Value {
    match client.kind {
        ClientKind::Producer => json!({
            "sent": client.sent,
            "acked": client.acked,
            "failed": client.failed,
            "retries": client.retries,
            "errors": client.errors,
        }),
        ClientKind::Consumer => json!({ "group": client.group, "delivered": client.delivered, "errors": client.errors }),
    }
}

fn ledger(ledger: &LedgerView) -> Value {
    json!({
        "sent": ledger.sent,
        "acked": ledger.acked,
        "failed": ledger.failed,
        "unwritten": ledger.unwritten,
        "acked_lost": list(&ledger.acked_lost, lost),
        "acked_lost_total": ledger.acked_lost_total,
        "delivered": ledger.delivered,
        "duplicates": ledger.duplicates,
        "skipped": ledger.skipped,
        "deleted_unread": ledger.deleted_unread,
        "out_of_order": ledger.out_of_order,
    })
}

fn lost(lost: &LostView) -> Value {
    json!({
        "topic": lost.topic,
        "partition": lost.partition,
        "offset": lost.offset,
        "key": lost.key,
        "client": lost.client,
        "acks": lost.acks,
        "because": lost.because,
    })
}

fn event(event: &EventView) -> Value {
    json!({
        "id": event.id,
        "at_ms": event.at_us / 1_000,
        "kind": event.kind,
        "subject": event.subject,
        "text": event.text,
        "rule": event.rule,
        "causes": event.causes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_level() {
        let view = ClusterView {
            brokers: vec![BrokerView::default()],
            groups: vec![GroupView { name: "g".to_owned(), ..Default::default() }],
            topics: vec![TopicView { name: "t".to_owned(), partitions: vec![PartitionView::default()], ..Default::default() }],
            ..Default::default()
        };
        let text = report(&view, &[], "00ff", EventFilter::default());
        let keys = |from: &str, keys: &[&str]| {
            let from = text.find(from).unwrap();
            let places: Vec<usize> = keys.iter().map(|key| from + text[from..].find(&format!("\"{key}\":")).unwrap()).collect();
            assert!(places.is_sorted(), "{keys:?} in {text}");
        };
        keys(
            "{",
            &["brokers", "clients", "controllers", "digest", "engine", "events", "groups", "kafka", "ledger", "now_ms", "seed", "topics"],
        );
        keys("\"partitions\"", &["bytes", "elr", "high_watermark", "isr", "last_stable", "leader", "log_end", "log_start", "partition"]);
        keys("\"groups\"", &["assignor", "coordinator", "generation", "members", "offsets", "protocol", "state"]);
    }

    #[test]
    fn events_can_be_widened_and_dropped() {
        let event = |kind: &str| EventView { kind: kind.to_owned(), ..Default::default() };
        let events = [event("leader_elected"), event("segment_rolled")];
        let count = |filter| {
            let report: Value = serde_json::from_str(&report(&ClusterView::default(), &events, "", filter)).unwrap();
            report["events"].as_array().unwrap().len()
        };
        assert_eq!((count(EventFilter::Decisions), count(EventFilter::All), count(EventFilter::None)), (1, 2, 0));
    }
}
