//! `kafka-consumer-groups.sh`: what it prints of groups, and the offsets it is told to write.

use super::ParseError;
use super::kafka::Options;
use super::reading::Printed;
use super::words::{Word, Words};
use crate::cluster::Cluster;
use crate::cluster::offsets::planned_rows;
use crate::command::{Command, Reset, ResetTo};
use crate::sorted::settle;
use crate::time::{Datetime, SimDuration};
use crate::view::groups::{Enrolled, Standing};
use std::fmt::Write;

pub(super) const FORM: &str = "kafka-consumer-groups.sh --describe --group billing";

const RESET: &str = "kafka-consumer-groups.sh --reset-offsets --group billing --topic orders --to-earliest --execute";

const ACTIONS: [&str; 5] = ["--list", "--describe", "--delete", "--reset-offsets", "--delete-offsets"];

/// What stands where there is no value.
const NONE: &str = "-";

/// The lines that change something.
pub(super) fn command(words: &mut Words<'_>) -> Result<Command, ParseError> {
    let mut options = Options::read(words, RESET)?;
    if options.flag("--reset-offsets") {
        let reset = reset(&mut options)?;
        options.flag("--execute");
        let known = ["--group", "--topic", "--all-topics", "--to-earliest", "--to-latest", "--to-offset", "--shift-by"];
        return options.done(Command::ResetOffsets(Box::new(reset)), &known);
    }
    if options.flag("--delete-offsets") {
        let group = options.text("--group")?;
        let first = options.need("--topic")?;
        let mut topics = vec![topic(&options, first)?];
        while let Some(word) = options.take("--topic") {
            topics.push(topic(&options, word)?);
        }
        return options.done(Command::DeleteOffsets { group, topics }, &["--group", "--topic"]);
    }
    if options.flag("--delete") {
        let group = options.text("--group")?;
        return options.done(Command::DeleteGroup(group), &["--group"]);
    }
    Err(options.nothing(&ACTIONS))
}

fn reset(options: &mut Options<'_>) -> Result<Reset, ParseError> {
    let group = options.text("--group")?;
    let mut topics = Vec::new();
    while let Some(word) = options.take("--topic") {
        topics.push(topic(options, word)?);
    }
    let all = options.flag("--all-topics");
    let to = target(options)?;
    let scoped = all || !topics.is_empty() || matches!(to, ResetTo::Plan(_));
    match scoped {
        true => Ok(Reset { group, topics, to }),
        false => Err(options.missing("One of the reset scopes should be defined: --all-topics, --topic.")),
    }
}

/// `orders`, or `orders:0,1`.
fn topic(options: &Options<'_>, (at, text): Word<'_>) -> Result<(String, Vec<u32>), ParseError> {
    let Some((name, partitions)) = text.split_once(':') else { return Ok((text.to_owned(), Vec::new())) };
    let partitions = partitions.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>();
    let partitions = partitions.map_err(|_| options.wrong((at, text), "is no topic with partitions such as orders:0,1"))?;
    Ok((name.to_owned(), partitions))
}

fn target(options: &mut Options<'_>) -> Result<ResetTo, ParseError> {
    for (flag, to) in [("--to-earliest", ResetTo::Earliest), ("--to-latest", ResetTo::Latest), ("--to-current", ResetTo::Current)] {
        if options.flag(flag) {
            return Ok(to);
        }
    }
    if let Some(word) = options.take("--to-offset") {
        return word.1.parse().map(ResetTo::Offset).map_err(|_| options.wrong(word, "is no offset"));
    }
    if let Some(word) = options.take("--shift-by") {
        return word.1.parse().map(ResetTo::ShiftBy).map_err(|_| options.wrong(word, "is no number of records"));
    }
    if let Some(word) = options.take("--to-datetime") {
        let at = Datetime::parse(word.1).ok_or_else(|| options.wrong(word, "is no time such as 2026-01-01T00:01:30.000"))?;
        return Ok(ResetTo::Datetime(at.0));
    }
    if let Some(word) = options.take("--by-duration") {
        let back = SimDuration::parse_iso(word.1).ok_or_else(|| options.wrong(word, "is no duration such as PT1M30S"))?;
        return Ok(ResetTo::Duration(back));
    }
    if let Some(word) = options.take("--from-file") {
        let line = |line: &str| -> Option<(String, u32, u64)> {
            let mut parts = line.split(',');
            let read = (parts.next()?.to_owned(), parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            parts.next().is_none().then_some(read)
        };
        // The tool reads a file; here the word holds its lines.
        let plan: Option<Vec<_>> = word.1.split(';').map(line).collect();
        return plan.map(ResetTo::Plan).ok_or_else(|| options.wrong(word, "holds no lines such as orders,0,17;orders,1,20"));
    }
    let known = "--to-offset, --shift-by, --to-datetime, --by-duration, --to-earliest, --to-latest, --to-current, --from-file";
    Err(options.missing(&format!("Option '--reset-offsets' requires one of the following scenarios: {known}.")))
}

/// The lines that only read.
pub(super) fn answer(cluster: &Cluster, options: &mut Options<'_>) -> Printed {
    super::reading::informed(cluster, "\nError: Executing consumer group command failed due to ")?;
    let text = |error: ParseError| error.message;
    if options.flag("--reset-offsets") {
        options.flag("--dry-run");
        let export = options.flag("--export");
        let reset = reset(options).map_err(text)?;
        let (_, planned) = cluster.plan_reset(&reset)?;
        if export {
            return Ok(planned.offsets.iter().map(|((topic, partition), offset)| format!("{topic},{partition},{offset}\n")).collect());
        }
        return Ok(planned_rows(&reset.group, &planned));
    }
    let all = (0..cluster.scenario().groups.len() as u32).map(|index| Standing::of(cluster, index));
    let mut groups: Vec<Standing<'_>> = all.filter(Standing::is_there).collect();
    settle(&mut groups, |a, b| a.spec.name < b.spec.name);
    if options.flag("--list") {
        return Ok(listed(&groups, options));
    }
    options.flag("--describe");
    let mut wanted = Vec::new();
    while let Some((_, name)) = options.take("--group") {
        wanted.push(name);
    }
    if !options.flag("--all-groups") && wanted.is_empty() {
        return Err("Option '--describe' takes one of these options: --all-groups, --group".to_owned());
    }
    let (members, state, verbose) = (options.flag("--members"), options.flag("--state"), options.flag("--verbose"));
    options.flag("--offsets");
    let mut out = String::new();
    for name in wanted.iter().filter(|name| !groups.iter().any(|group| group.spec.name == **name)) {
        let _ = writeln!(out, "\nError: Consumer group '{name}' does not exist.");
    }
    for group in groups.iter().filter(|group| wanted.is_empty() || wanted.contains(&group.spec.name.as_str())) {
        cluster.reach_coordinator(&group.spec.name)?;
        let name = &group.spec.name;
        match group.state() {
            "Empty" => out.push_str(&format!("\nConsumer group '{name}' has no active members.\n")),
            "Stable" => {}
            _ => out.push_str(&format!("\nWarning: Consumer group '{name}' is rebalancing.\n")),
        }
        let rows = match (members, state) {
            (true, _) => member_rows(group, verbose),
            (_, true) => state_rows(group, verbose),
            _ => offset_rows(group, verbose),
        };
        out.push_str(&rows);
    }
    Ok(out)
}

fn listed(groups: &[Standing<'_>], options: &mut Options<'_>) -> String {
    let (state, kind) = (options.take("--state"), options.take("--type"));
    let means = |filter: Option<Word<'_>>, is: &str| {
        let any = filter.is_none_or(|(_, wanted)| wanted.is_empty());
        any || filter.is_some_and(|(_, wanted)| wanted.split(',').any(|wanted| wanted.trim().eq_ignore_ascii_case(is)))
    };
    let meant: Vec<&Standing<'_>> = groups.iter().filter(|group| means(state, group.state()) && means(kind, group.kind())).collect();
    if state.is_none() && kind.is_none() {
        return meant.iter().map(|group| format!("{}\n", group.spec.name)).collect();
    }
    let width = meant.iter().map(|group| group.spec.name.len()).max().unwrap_or(0).max(15) + 10;
    let row = |group: &str, is: &str, stands: &str| {
        let mut row = format!("{group:<width$}");
        if kind.is_some() {
            let _ = write!(row, " {is:<20}");
        }
        if state.is_some() {
            let _ = write!(row, " {stands:<20}");
        }
        row + "\n"
    };
    let rows = meant.iter().map(|group| row(&group.spec.name, group.kind(), group.state()));
    std::iter::once(row("GROUP", "TYPE", "STATE")).chain(rows).collect()
}

/// A table whose first line is its head: each column as wide as its widest cell, and at least so wide; the last one as it comes.
fn table(least: &[usize], rows: &[Vec<String>], last_padded: bool) -> String {
    let mut widths = least.to_vec();
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.len()));
    }
    let mut out = String::from("\n");
    for row in rows {
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            match i + 1 == row.len() && !last_padded {
                true => out.push_str(cell),
                false => out.push_str(&format!("{cell:<width$}{}", if i + 1 == row.len() { "" } else { " " })),
            }
        }
        out.push('\n');
    }
    out
}

fn cells(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

/// Members with the most partitions first; then partitions with an offset and without a member.
fn offset_rows(group: &Standing<'_>, verbose: bool) -> String {
    let mut head = cells(&["GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST", "CLIENT-ID"]);
    let mut least = vec![15, 15, 10, 15, 15, 15, 15, 15, 0];
    if verbose {
        head.insert(3, "LEADER-EPOCH".to_owned());
        least.insert(3, 15);
    }
    let mut members = group.enrolled();
    settle(&mut members, |a, b| a.count() > b.count());
    let mut rows = vec![head];
    let mut row = |topic: &str, partition: u32, owner: Option<&Enrolled<'_>>| {
        let Some(image) = group.topics().find(|known| *known.name == *topic) else { return };
        let offset = group.offset(image, partition);
        if owner.is_none() && offset.committed.is_none() {
            return;
        }
        let lag = offset.committed.map(|committed| offset.log_end as i64 - committed as i64);
        let (id, client) = (owner.map(|owner| &**owner.id), owner.map(|owner| owner.client));
        let host = owner.map(|owner| group.host(owner));
        let mut row = vec![
            group.spec.name.clone(),
            topic.to_owned(),
            partition.to_string(),
            or_none(offset.committed),
            offset.log_end.to_string(),
            or_none(lag),
            or_none(id),
            or_none(host),
            or_none(client),
        ];
        if verbose {
            let epoch = group.committed(image, partition).map(|value| value.leader_epoch.0).filter(|epoch| *epoch >= 0);
            row.insert(3, or_none(epoch));
        }
        rows.push(row);
    };
    for member in &members {
        for (topic, partitions) in &member.assigned {
            partitions.iter().for_each(|partition| row(topic, *partition, Some(member)));
        }
    }
    let owned = |topic: &str, partition: u32| {
        members.iter().any(|member| member.assigned.get(topic).is_some_and(|partitions| partitions.contains(&partition)))
    };
    for topic in group.topics() {
        for partition in (0..topic.partitions.len() as u32).filter(|partition| !owned(&topic.name, *partition)) {
            row(&topic.name, partition, None);
        }
    }
    if rows.len() == 1 { String::new() } else { table(&least, &rows, false) }
}

fn member_rows(group: &Standing<'_>, verbose: bool) -> String {
    let members = group.enrolled();
    if members.is_empty() {
        return String::new();
    }
    let is_static = members.iter().any(|member| member.instance.is_some());
    let mut head = cells(&["GROUP", "CONSUMER-ID", "HOST", "CLIENT-ID", "#PARTITIONS"]);
    let mut least = vec![15; 5];
    if is_static {
        head.insert(2, "GROUP-INSTANCE-ID".to_owned());
        least.insert(2, 17);
    }
    match verbose {
        true => {
            head.extend(cells(&["CURRENT-EPOCH", "CURRENT-ASSIGNMENT", "TARGET-EPOCH", "TARGET-ASSIGNMENT"]));
            least.extend([15, 20, 15, 20]);
        }
        // The tool ends each of these lines with a blank.
        false => {
            head.push(String::new());
            least.push(0);
        }
    }
    let mut rows = vec![head];
    for member in &members {
        let mut row =
            vec![group.spec.name.clone(), member.id.to_string(), group.host(member), member.client.to_owned(), member.count().to_string()];
        if is_static {
            row.insert(2, member.instance.unwrap_or_default().to_owned());
        }
        match verbose {
            true => row.extend([
                or_none(member.epoch),
                or_none(assignment(&member.assigned)),
                or_none(member.target_epoch),
                or_none(member.target.as_ref().and_then(assignment)),
            ]),
            false => row.push(String::new()),
        }
        rows.push(row);
    }
    table(&least, &rows, true)
}

/// `orders:0,1;t2:3`.
fn assignment(assigned: &crate::sorted::SortedMap<String, Vec<u32>>) -> Option<String> {
    let one = |(topic, partitions): (&String, &Vec<u32>)| {
        let partitions: Vec<String> = partitions.iter().map(u32::to_string).collect();
        format!("{topic}:{}", partitions.join(","))
    };
    let all: Vec<String> = assigned.iter().filter(|(_, partitions)| !partitions.is_empty()).map(one).collect();
    (!all.is_empty()).then(|| all.join(";"))
}

fn state_rows(group: &Standing<'_>, verbose: bool) -> String {
    let mut head = cells(&["GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS"]);
    let mut least = vec![15, 25, 20, 20, 0];
    let coordinator = group.coordinator.map(|broker| format!("broker{broker}:9092  ({broker})"));
    let mut row = vec![
        group.spec.name.clone(),
        or_none(coordinator),
        group.assignor().to_owned(),
        group.state().to_owned(),
        group.enrolled().len().to_string(),
    ];
    if verbose {
        let (epoch, target) = group.epochs().unzip();
        head.splice(4..4, cells(&["GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH"]));
        row.splice(4..4, [or_none(epoch), or_none(target)]);
        least.splice(4..4, [15, 25]);
    }
    table(&least, &[head, row], false)
}
