//! What a run came to, for people: Kafka's own tables, the ledger, and the expectations that did not hold.

use playground_core::time::SimTime;
use playground_core::view::{ClusterView, EventView, GroupOffsetView, GroupView, LedgerView, PartitionView};

/// Rows shown of one table.
const ROWS: usize = 100;

pub(super) fn summary(view: &ClusterView, events: &[EventView], digest: &str, expected: usize, unmet: &[String]) -> String {
    let title = if view.title.is_empty() { "scenario" } else { &view.title };
    let mut out = format!("{title} · Kafka {} · seed {} · {} · digest {digest}\n", view.kafka, view.seed, SimTime(view.now_us));
    out.push_str(&brokers(view));
    out.push_str(&topics(view));
    view.groups.iter().for_each(|group| out.push_str(&offsets(group)));
    out.push_str(&ledger(&view.ledger));
    out.push_str(&wrongs(events));
    if expected > 0 {
        out.push_str(&format!("\nexpectations: {} of {expected} held\n", expected.saturating_sub(unmet.len())));
        unmet.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
    }
    out
}

fn brokers(view: &ClusterView) -> String {
    let mut table = Table::new(&["BROKER", "STATE", "LEADERS", "REPLICAS", "LOG-BYTES"]);
    for broker in &view.brokers {
        table.row([
            broker.id.to_string(),
            broker.state.name().to_owned(),
            broker.leaders.to_string(),
            broker.replicas.to_string(),
            broker.log_bytes.to_string(),
        ]);
    }
    table.print()
}

fn topics(view: &ClusterView) -> String {
    let mut table = Table::new(&["TOPIC", "PARTITION", "LEADER", "REPLICAS", "ISR", "LOG-END-OFFSET"]);
    for topic in view.topics.iter().filter(|topic| !topic.internal) {
        for PartitionView { partition, leader, replicas, isr, log_end, .. } in &topic.partitions {
            let leader = leader.map_or_else(|| "none".to_owned(), |id| id.to_string());
            table.row([topic.name.clone(), partition.to_string(), leader, ids(replicas), ids(isr), log_end.to_string()]);
        }
    }
    table.print()
}

fn offsets(group: &GroupView) -> String {
    let columns = ["GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID"];
    let mut table = Table::new(&columns);
    for (topic, offsets) in &group.offsets {
        for GroupOffsetView { partition, committed, log_end, lag, client, .. } in offsets {
            let id = client.as_ref().map(|client| consumer_id(group, client));
            let cells = [
                group.name.clone(),
                topic.clone(),
                partition.to_string(),
                dash(committed.as_ref()),
                log_end.to_string(),
                dash(lag.as_ref()),
                dash(id.as_ref()),
            ];
            table.row(cells);
        }
    }
    format!("{}{} is {}, {} member(s)\n", table.print(), group.name, group.state, group.members.len())
}

/// What the coordinator called the member; before that, its own name.
fn consumer_id(group: &GroupView, client: &str) -> String {
    let member = group.members.iter().find(|member| member.client == client && !member.member_id.is_empty());
    member.map_or_else(|| client.to_owned(), |member| member.member_id.clone())
}

fn ledger(ledger: &LedgerView) -> String {
    let LedgerView { sent, acked, failed, acked_lost_total, unwritten, .. } = ledger;
    let mut out = format!("\nsent {sent}, acknowledged {acked}, failed {failed}, acknowledged and lost {acked_lost_total}\n");
    if *unwritten > 0 {
        out.push_str(&format!("acknowledged by acks=0 and stored by nobody {unwritten}\n"));
    }
    for (group, delivered) in &ledger.delivered {
        let count = |counts: &playground_core::sorted::SortedMap<String, u64>| counts.get(group).copied().unwrap_or(0);
        out.push_str(&format!(
            "delivered to {group} {delivered}, twice {}, skipped {}, out of order {}\n",
            count(&ledger.duplicates),
            count(&ledger.skipped),
            count(&ledger.out_of_order)
        ));
    }
    out
}

/// What the referee found wrong, in its own sentences.
fn wrongs(events: &[EventView]) -> String {
    let wrong: Vec<&EventView> = events.iter().filter(|event| event.kind.starts_with("record_")).collect();
    let lines = wrong.iter().take(ROWS).map(|event| format!("{} {}\n", SimTime(event.at_us), event.text));
    let more = wrong.len().saturating_sub(ROWS);
    let rest = if more > 0 { format!("… and {more} more; --json has them all\n") } else { String::new() };
    if wrong.is_empty() { rest } else { format!("\n{}{rest}", lines.collect::<String>()) }
}

fn ids(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

fn dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    fn new(head: &[&str; N]) -> Self {
        Table { rows: vec![head.map(str::to_owned)] }
    }

    fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// An empty line and aligned columns; nothing when there are no rows.
    fn print(&self) -> String {
        if self.rows.len() == 1 {
            return String::new();
        }
        let shown = &self.rows[..self.rows.len().min(ROWS + 1)];
        let width = |column: usize| shown.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..N).map(width).collect();
        let mut out = String::from("\n");
        for row in shown {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            out.push_str(cells.join("  ").trim_end());
            out.push('\n');
        }
        let more = self.rows.len() - shown.len();
        if more > 0 {
            out.push_str(&format!("… and {more} more; --json has them all\n"));
        }
        out
    }
}
