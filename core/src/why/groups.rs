//! Groups and their members: why one has nothing, does not read, has committed nothing, or is between two generations.

use super::partitions::ails;
use super::words::{clock, plural, span, when};
use super::{Ask, Finding, Found};
use crate::client::consumer::{Consumer, Reading, Standing as OwnStanding};
use crate::cluster::Cluster;
use crate::config::OffsetReset;
use crate::group::AnyGroup;
use crate::hash::coordinator_partition;
use crate::ids::{BrokerId, EventId, NodeId, TopicPartition};
use crate::metadata::{OFFSETS_TOPIC, TopicImage};
use crate::scenario::{CommitMode, GroupSpec, Pace};
use crate::time::SimTime;
use crate::view::GroupOffsetView;
use crate::view::groups::Standing;

/// As `auto.offset.reset` has it.
pub(super) fn reset_name(reset: &OffsetReset) -> String {
    match reset {
        OffsetReset::Earliest => "earliest".to_owned(),
        OffsetReset::Latest => "latest".to_owned(),
        OffsetReset::None => "none".to_owned(),
        OffsetReset::ByDuration(back) => format!("by_duration:{}", back.written_iso()),
    }
}

/// A member with its group.
struct Member<'c> {
    cluster: &'c Cluster,
    place: u32,
    consumer: &'c Consumer,
    spec: &'c GroupSpec,
    standing: Standing<'c>,
    own: OwnStanding,
}

impl<'c> Member<'c> {
    fn named(cluster: &'c Cluster, name: &str) -> Result<Self, String> {
        let found = (0..).zip(cluster.consumers()).find(|(_, consumer)| *consumer.name == *name);
        let (place, consumer) = found.ok_or_else(|| format!("There is no client {name}."))?;
        let standing = Standing::of(cluster, cluster.group_of(place));
        Ok(Member { cluster, place, consumer, spec: standing.spec, standing, own: consumer.standing() })
    }

    fn node(&self) -> NodeId {
        NodeId::Client(self.consumer.id)
    }

    fn name(&self) -> &'c str {
        &self.consumer.name
    }

    /// Of its partitions, as the group counts.
    fn offsets(&self) -> Vec<(&'c TopicImage, GroupOffsetView)> {
        let mine = |(topic, offset): &(&TopicImage, GroupOffsetView)| {
            let id = TopicPartition { topic: topic.id, partition: offset.partition };
            self.own.partitions.iter().any(|reading| reading.partition == id)
        };
        let all = self.standing.topics().flat_map(|topic| (0..topic.partitions.len() as u32).map(move |partition| (topic, partition)));
        all.map(|(topic, partition)| (topic, self.standing.offset(topic, partition))).filter(mine).collect()
    }

    /// Its process does nothing, and why.
    fn gone(&self) -> Option<Finding> {
        let name = self.name();
        let (down, paused) = self.cluster.process_of(self.place);
        let condition = self.cluster.condition(self.node());
        if down || paused {
            let state = if down { "is down" } else { "is paused" };
            let finding = Finding::said(format!("{name} {state}."));
            return Some(
                finding.fails(format!("Its process {state}."), "Only a process that runs polls").event(condition.struck.or(condition.last)),
            );
        }
        let until = self.own.starts?;
        let finding = Finding::said(format!("The process of {name} does not run now."));
        let (text, rule) = match self.consumer.delivered == 0 && condition.struck.is_none() {
            true => ("It has not begun.".to_owned(), "start of the scenario"),
            false => {
                ("It ended by itself.".to_owned(), "Its supervisor starts it again: after 10 s, twice as long each time, at most 5 min")
            }
        };
        Some(finding.fails(text, rule).awaits(format!("It starts {}", when(self.cluster, until))).event(condition.struck))
    }
}

pub(super) fn find_of_member(cluster: &Cluster, name: &str, ask: Ask) -> Found {
    let member = Member::named(cluster, name)?;
    match ask {
        Ask::Idle => idle(&member),
        Ask::Read => not_reading(&member),
        Ask::Commit => uncommitted(&member),
        _ => Err(format!("{name} is a consumer: it sends no records.")),
    }
}

pub(super) fn general_of_member(cluster: &Cluster, name: &str) -> Found {
    let member = Member::named(cluster, name)?;
    if let Some(gone) = member.gone() {
        return Ok(gone);
    }
    let owned = member.own.partitions.len() as u64;
    let lag: u64 = member.offsets().iter().filter_map(|(_, offset)| offset.lag).sum();
    let finding = Finding::said(format!(
        "{name} owns {} of group {}; {lag} records behind its bookmarks wait.",
        plural(owned, "partition"),
        member.spec.name
    ));
    let rule = format!("process = {}, max.poll.interval.ms = {}", member.spec.process, member.spec.config.max_poll_interval.millis());
    let finding = finding.holds(format!("Its application has been given {}.", plural(member.consumer.delivered, "record")), rule);
    Ok(finding.event(cluster.newest_of(&member.spec.name)[2]).event(cluster.condition(member.node()).last))
}

fn idle(member: &Member<'_>) -> Found {
    let (name, cluster, spec) = (member.name(), member.cluster, member.spec);
    if !member.own.partitions.is_empty() {
        return Err(format!("{name} owns {}.", plural(member.own.partitions.len() as u64, "partition")));
    }
    if let Some(gone) = member.gone() {
        return Ok(gone);
    }
    let group = &spec.name;
    if member.own.coordinator.is_none() {
        let mut finding = coordinator(cluster, &member.standing).unwrap_or_else(|_| {
            let finding = Finding::said(format!("{name} has not found the coordinator of {group} yet."));
            finding.fails("Any broker can tell it, if one answers.", "FindCoordinator")
        });
        finding.sentence = format!("{name} is in no group yet: it has no coordinator to join at.");
        return Ok(finding);
    }
    let partitions: usize = member.standing.topics().map(|topic| topic.partitions.len()).sum();
    let event = cluster.newest_of(group)[2];
    if partitions == 0 {
        let finding = Finding::said(format!("{name} has nothing to read: there is no topic {}.", spec.topics.join(", ")));
        return Ok(finding.fails(
            "A subscription to a topic that is not there gives nothing.",
            format!("metadata.max.age.ms = {}", spec.config.metadata_max_age.millis()),
        ));
    }
    let members = member.standing.enrolled().len();
    if matches!(member.own.membership, "stable" | "alone") {
        let finding = Finding::said(format!(
            "{name} is idle: its group has {} for {}.",
            plural(partitions as u64, "partition"),
            plural(members as u64, "member")
        ));
        let assignor = member.standing.assignor();
        let finding = finding.fails(
            format!("Within a group a partition has one reader; the assignor gave this member none of the {partitions}."),
            format!("partition.assignment.strategy: {assignor}"),
        );
        let finding = match members > partitions {
            true => finding.fails(
                format!("{members} members, {partitions} partitions: {} can only stand by.", members - partitions),
                "More readers than partitions never read more",
            ),
            false => finding.holds("There are partitions enough: the next rebalance may give it some.", format!("{assignor} decides")),
        };
        return Ok(finding.event(event).shell(format!("kafka-consumer-groups.sh --describe --group {group} --members --verbose")));
    }
    // On its way into the group.
    let mut finding = unsettled(cluster, &member.standing).unwrap_or_else(|_| Finding::said(format!("{name} is joining {group}.")));
    finding.sentence =
        format!("{name} owns nothing: it is {} group {group}.", if member.own.membership == "unjoined" { "not in" } else { "joining" });
    if let Some((what, to, deadline)) = member.own.asked {
        let state = ails(cluster, to).map_or(String::new(), |state| format!(", which {state},"));
        finding = finding
            .fails(format!("It waits for the answer of broker {to}{state} to its {what}."), "")
            .awaits(format!("It gives that up {}", when(cluster, deadline)));
    }
    Ok(finding.event(event))
}

/// What keeps a member from reading on now: words and rule.
pub(super) fn hindrance(cluster: &Cluster, name: &str) -> Option<(String, String)> {
    let member = Member::named(cluster, name).ok()?;
    let finding = not_reading(&member).ok()?;
    let because = finding.because.into_iter().find(|because| because.fails)?;
    Some((because.text, because.rule))
}

fn not_reading(member: &Member<'_>) -> Found {
    if let Some(gone) = member.gone() {
        return Ok(gone);
    }
    let (name, cluster, spec, own) = (member.name(), member.cluster, member.spec, &member.own);
    if own.partitions.is_empty() {
        return idle(member);
    }
    if own.stuck {
        return Ok(stuck(member));
    }
    if !matches!(own.membership, "stable" | "alone") && !spec.config.strategies.cooperative() && !spec.config.consumer_protocol {
        let mut finding = unsettled(cluster, &member.standing).unwrap_or_else(|_| Finding::said(""));
        finding.sentence = format!("{name} reads nothing while its group rebalances.");
        return Ok(finding.fails(
            "Under eager rebalancing everything is given up before everybody joins again.",
            "partition.assignment.strategy, group.protocol = classic",
        ));
    }
    let in_hand = member.consumer.in_hand_count();
    if in_hand > 0 && own.busy_until > cluster.now() {
        let finding = Finding::said(format!("{name} is at work: its last poll returned records that it has not done yet."));
        let rule = format!("process = {}, max.poll.records = {}", spec.process, spec.config.max_poll_records);
        let finding = finding.fails(format!("{} in hand, {} each.", plural(in_hand, "record"), spec.process), rule);
        return Ok(match own.busy_until {
            SimTime::MAX => finding,
            until => finding.awaits(format!("It calls poll() again {}", when(cluster, until))),
        });
    }
    let (mut finding, mut lag) = (Finding::said(format!("{name} does not get on with all of its partitions.")), 0);
    for (topic, offset) in member.offsets() {
        let id = TopicPartition { topic: topic.id, partition: offset.partition };
        let at = format!("{}-{}", topic.name, offset.partition);
        let Some(reading) = own.partitions.iter().find(|reading| reading.partition == id) else { continue };
        let leader = topic.partitions.get(offset.partition as usize).and_then(|registration| registration.leader);
        lag += offset.position.map_or(0, |position| offset.log_end.saturating_sub(position));
        finding = not_read(finding, member, reading, &at, leader);
    }
    match (finding.because.is_empty(), lag) {
        (false, _) => Ok(finding),
        (true, 0) => Err(format!("{name} has read everything that may be read of its partitions.")),
        (true, lag) => Err(format!("{name} reads: {} more may be read, and its next fetch is under way.", plural(lag, "record"))),
    }
}

/// Its application does not come back.
fn stuck(member: &Member<'_>) -> Finding {
    let (cluster, spec, own) = (member.cluster, member.spec, &member.own);
    let finding = Finding::said(format!("The application of {} does not come back from a record.", member.name()));
    let by = own.last_poll + spec.config.max_poll_interval;
    let in_hand = plural(member.consumer.in_hand_count(), "record");
    let text = format!("It has {in_hand} in hand and has not called poll() since {}.", clock(own.last_poll));
    let condition = cluster.condition(member.node());
    let finding = finding.fails(text, format!("max.poll.interval.ms = {}", spec.config.max_poll_interval.millis()));
    finding.awaits(format!("It leaves the group {}", when(cluster, by))).event(condition.struck.or(condition.last))
}

/// What keeps it from one of its partitions, if anything does.
fn not_read(finding: Finding, member: &Member<'_>, reading: &Reading, at: &str, leader: Option<BrokerId>) -> Finding {
    let (cluster, config) = (member.cluster, &member.spec.config);
    let done_last = || cluster.condition(member.node()).last;
    if reading.paused {
        return finding.fails(format!("The application has paused {at}."), "KafkaConsumer.pause").event(done_last());
    }
    if reading.damaged {
        return finding.fails(format!("A batch of {at} does not match its CRC: every poll throws."), "check.crcs = true");
    }
    let Some(leader) = leader else {
        return finding.fails(format!("{at} has no leader."), "Consumers fetch from the leader").event(cluster.newest_of(at)[0]);
    };
    if let Some(state) = ails(cluster, leader) {
        let text = format!("{at} is read from its leader, broker {leader}, which {state}.");
        return finding.fails(text, "Consumers fetch from the leader").event(cluster.condition(NodeId::Broker(leader)).struck);
    }
    let (here, there) = (member.node(), NodeId::Broker(leader));
    if cluster.is_cut(here, there) || cluster.is_cut(there, here) {
        let text = format!("The network between it and the leader of {at} is cut.");
        return finding.fails(text, format!("request.timeout.ms = {}", config.request_timeout.millis())).event(done_last());
    }
    if reading.lost {
        let rule = format!("OffsetFetch, then auto.offset.reset = {}", reset_name(&config.auto_offset_reset));
        return finding.fails(format!("It does not know where to read {at} yet."), rule);
    }
    finding
}

fn uncommitted(member: &Member<'_>) -> Found {
    let (name, spec) = (member.name(), member.spec);
    let behind =
        |offset: &GroupOffsetView| offset.position.filter(|position| offset.committed.is_none_or(|committed| committed < *position));
    let open: Vec<(String, u64, Option<u64>)> = member
        .offsets()
        .iter()
        .filter_map(|(topic, offset)| Some((format!("{}-{}", topic.name, offset.partition), behind(offset)?, offset.committed)))
        .filter(|(_, position, committed)| *position > 0 || committed.is_some())
        .collect();
    if open.is_empty() {
        return Err(format!("{name} has committed everything it was given."));
    }
    let mut finding = Finding::said(format!(
        "{name} has read further than it has committed: after a crash its group would go on at the committed offsets."
    ));
    for (at, position, committed) in open.iter().take(6) {
        let committed = committed.map_or("nothing is committed".to_owned(), |committed| format!("{committed} is committed"));
        finding = finding.fails(format!("{at}: it reads at {position}, {committed}."), "");
    }
    let (text, rule) = match spec.commit {
        CommitMode::Auto if spec.config.enable_auto_commit => (
            "It commits inside poll(), and only when the time since the last commit is over.",
            format!("enable.auto.commit = true, auto.commit.interval.ms = {}", spec.config.auto_commit_interval.millis()),
        ),
        CommitMode::Auto => ("Nobody commits for it.", "enable.auto.commit = false".to_owned()),
        CommitMode::Before => ("It commits what a poll returned before it works on it.", "commit = before".to_owned()),
        CommitMode::After => ("It commits when everything that a poll returned is done.", "commit = after".to_owned()),
        CommitMode::Each => ("It commits each record when it is done.", "commit = each".to_owned()),
    };
    finding = finding.fails(text, rule);
    if let Some(at) = member.own.next_auto_commit.filter(|at| *at < SimTime::MAX) {
        finding = finding.awaits(format!("It commits in the first poll() after {}", clock(at)));
    }
    if member.own.coordinator.is_none() {
        finding = finding.fails("It knows no coordinator to commit to.", "FindCoordinator");
    }
    Ok(finding)
}

fn standing<'c>(cluster: &'c Cluster, name: &str) -> Result<Standing<'c>, String> {
    let index =
        cluster.scenario().groups.iter().position(|group| group.name == name).ok_or_else(|| format!("There is no group {name}."))?;
    Ok(Standing::of(cluster, index as u32))
}

pub(super) fn find(cluster: &Cluster, name: &str, ask: Ask) -> Found {
    let standing = standing(cluster, name)?;
    match ask {
        Ask::Coordinator => coordinator(cluster, &standing),
        Ask::Stable => unsettled(cluster, &standing),
        Ask::Rebalance => no_rebalance(cluster, &standing),
        Ask::Offsets => no_offsets(&standing),
        _ => lagging(cluster, &standing),
    }
}

fn stands(standing: &Standing<'_>) -> Vec<(String, GroupOffsetView)> {
    let all = standing.topics().flat_map(|topic| (0..topic.partitions.len() as u32).map(move |partition| (topic, partition)));
    all.map(|(topic, partition)| (format!("{}-{partition}", topic.name), standing.offset(topic, partition))).collect()
}

pub(super) fn general(cluster: &Cluster, name: &str) -> Found {
    let standing = standing(cluster, name)?;
    let lag: u64 = stands(&standing).iter().filter_map(|(_, offset)| offset.lag).sum();
    let coordinator = standing.coordinator.map_or("nobody coordinates it".to_owned(), |broker| format!("broker {broker} coordinates it"));
    let members = standing.enrolled().len() as u64;
    let finding = Finding::said(format!(
        "Group {name} is {} with {}; {coordinator}, and its lag is {}.",
        standing.state(),
        plural(members, "member"),
        plural(lag, "record")
    ));
    let partitions = cluster.scenario().cluster.config.offsets_topic_partitions;
    let finding = finding.holds(
        format!("Its bookmarks are kept in {OFFSETS_TOPIC}-{}; the leader of that is its coordinator.", standing.offsets_partition),
        format!("abs(hash(group)) % offsets.topic.num.partitions = {partitions}"),
    );
    Ok(finding.event(cluster.newest_of(name)[2]).shell(format!("kafka-consumer-groups.sh --describe --group {name}")))
}

fn coordinator(cluster: &Cluster, standing: &Standing<'_>) -> Found {
    let name = &standing.spec.name;
    if let Some(broker) = standing.coordinator {
        return match ails(cluster, broker) {
            None => Err(format!("Broker {broker} coordinates {name}.")),
            Some(state) => {
                let finding = Finding::said(format!("The coordinator of {name}, broker {broker}, {state}."));
                let finding = finding.fails(
                    format!("It leads {OFFSETS_TOPIC}-{} until the controller misses it.", standing.offsets_partition),
                    "The coordinator is the leader of the group's partition",
                );
                let end = super::partitions::session_end(cluster, broker);
                let finding = match end {
                    Some(end) => finding.awaits(format!("The controller fences it {}", when(cluster, end))),
                    None => finding,
                };
                Ok(finding.event(cluster.condition(NodeId::Broker(broker)).struck))
            }
        };
    }
    let partition = coordinator_partition(name, cluster.scenario().cluster.config.offsets_topic_partitions);
    if cluster.partition_named(OFFSETS_TOPIC, partition).is_none() {
        let finding = Finding::said(format!("{OFFSETS_TOPIC} is not there yet."));
        return Ok(finding.fails("It is created when the first member asks for a coordinator.", "FindCoordinator creates it"));
    }
    let mut finding = match super::partitions::find(cluster, OFFSETS_TOPIC, partition, Ask::Leader) {
        Ok(finding) => finding,
        Err(_) => Finding::said("").fails("Its new leader reads the bookmarks from its log first.", "COORDINATOR_LOAD_IN_PROGRESS"),
    };
    finding.sentence =
        format!("Group {name} has no coordinator: {OFFSETS_TOPIC}-{partition}, which keeps its bookmarks, has no leader that works.");
    Ok(finding)
}

/// Why it is between two generations.
fn unsettled(cluster: &Cluster, standing: &Standing<'_>) -> Found {
    let (name, spec) = (&standing.spec.name, standing.spec);
    let Some(group) = standing.group else {
        let text = if spec.assign.is_empty() { "Nobody has joined it yet" } else { "Its members assign themselves; nobody joins" };
        return Ok(Finding::said(format!("{text}: {name}.")).fails(format!("{text}."), "JoinGroup"));
    };
    let event = cluster.newest_of(name)[2];
    match (group, standing.state()) {
        (_, "Stable") => Err(format!("{name} is stable.")),
        (_, "Empty") => {
            let finding = Finding::said(format!("Group {name} has no members."));
            Ok(finding
                .fails(
                    "Nobody is in it; its bookmarks stay.",
                    format!("offsets.retention.minutes = {}", cluster.scenario().cluster.config.offsets_retention.micros() / 60_000_000),
                )
                .event(event))
        }
        (AnyGroup::Classic(classic), "PreparingRebalance") => {
            let waiting: Vec<String> =
                classic.members.values().filter(|member| member.joining.is_none()).map(|member| member.client_id.to_string()).collect();
            let mut finding = Finding::said(format!("Group {name} rebalances: it waits for its members to join."));
            finding = match waiting.is_empty() {
                true => finding.fails(
                    format!(
                        "{} joined; the first rebalance of an empty group waits for more.",
                        plural(classic.members.len() as u64, "member")
                    ),
                    format!(
                        "group.initial.rebalance.delay.ms = {}",
                        cluster.scenario().cluster.config.group_initial_rebalance_delay.millis()
                    ),
                ),
                false => finding.fails(
                    format!("Not joined again yet: {}. They do so inside poll().", waiting.join(", ")),
                    format!("max.poll.interval.ms = {} is the time they have", spec.config.max_poll_interval.millis()),
                ),
            };
            finding = match group.phase_end() {
                Some(end) => finding.awaits(format!("The join phase ends {} at the latest", when(cluster, end))),
                None => finding,
            };
            Ok(finding.event(event).shell(format!("kafka-consumer-groups.sh --describe --group {name} --state")))
        }
        (AnyGroup::Classic(classic), _) => {
            let leader = classic.leader.as_ref().and_then(|leader| classic.members.get(leader)).map_or("", |member| &member.client_id);
            let finding = Finding::said(format!("Group {name} waits for its assignment."));
            let finding = finding.fails(format!("{leader}, the leader of the group, has to say who reads what."), "SyncGroup");
            let finding = match group.phase_end() {
                Some(end) => finding.awaits(format!("The sync phase ends {} at the latest", when(cluster, end))),
                None => finding,
            };
            Ok(finding.event(event))
        }
        (AnyGroup::Consumer(consumer), _) => {
            let mut finding = Finding::said(format!(
                "Group {name} is {}: its epoch is {}, its target is of epoch {}.",
                standing.state(),
                consumer.epoch,
                consumer.assignment_epoch
            ));
            for (id, member) in consumer.members.iter().filter(|(_, member)| !member.is_reconciled_to(consumer.assignment_epoch)) {
                let text = format!("{} is {} at epoch {}.", member.said.client_id, member.state.name(), member.epoch);
                finding = finding.fails(text, "A partition is given up before it is given (KIP-848)");
                if let Some(by) = group.revoked_by(id) {
                    finding = finding.awaits(format!("{} must have given it up {}", member.said.client_id, when(cluster, by)));
                }
            }
            Ok(finding.event(event))
        }
    }
}

fn no_rebalance(cluster: &Cluster, standing: &Standing<'_>) -> Found {
    let (name, spec) = (&standing.spec.name, standing.spec);
    if !spec.assign.is_empty() {
        let finding = Finding::said(format!("{name} never rebalances: its members assign themselves."));
        return Ok(finding.fails("Whoever calls assign() joins no group.", "KafkaConsumer.assign"));
    }
    let group = standing.group.filter(|_| standing.state() == "Stable");
    let group = group.ok_or_else(|| format!("{name} is {}, not stable.", standing.state()))?;
    let timeout = match spec.config.consumer_protocol {
        true => ("group.consumer.session.timeout.ms", cluster.scenario().cluster.config.group_consumer_session_timeout),
        false => ("session.timeout.ms", spec.config.session_timeout),
    };
    let mut finding = Finding::said(format!("Nothing has happened to group {name} that its coordinator knows of."));
    let mut missed: Vec<EventId> = Vec::new();
    for enrolled in standing.enrolled() {
        let known = standing.members.iter().find(|(_, consumer)| *consumer.member_id() == **enrolled.id);
        let named = standing.members.iter().find(|(_, consumer)| *consumer.name == *enrolled.client);
        let Some((place, consumer)) = known.or(named) else { continue };
        let (down, paused) = cluster.process_of(*place);
        let forgotten = known.is_none();
        let node = NodeId::Client(consumer.id);
        let cut = standing.coordinator.is_some_and(|broker| cluster.is_cut(node, NodeId::Broker(broker)));
        let state = match () {
            () if down => "is down",
            () if paused => "is paused",
            () if cut => "cannot reach its coordinator",
            () if forgotten => "began again under another member id",
            () => continue,
        };
        finding.sentence = format!("The coordinator of {name} has not missed {} yet.", enrolled.client);
        finding = finding.fails(
            format!("{} {state}; its partitions stay its own until its session ends.", enrolled.client),
            format!("{} = {}", timeout.0, timeout.1.millis()),
        );
        if let Some(end) = group.session_end(enrolled.id) {
            finding = finding.awaits(format!("Its session ends {}", when(cluster, end)));
        }
        missed.extend(cluster.condition(node).struck);
    }
    if finding.because.is_empty() {
        finding = finding.fails(
            "Nobody joined, left or fell silent, and no topic it reads has changed.",
            "A rebalance begins with JoinGroup, LeaveGroup, a session's end or new partitions",
        );
    }
    finding.events.extend(missed);
    Ok(finding.event(cluster.newest_of(name)[2]))
}

fn no_offsets(standing: &Standing<'_>) -> Found {
    let spec = standing.spec;
    let stands = stands(standing);
    let without: Vec<&(String, GroupOffsetView)> = stands.iter().filter(|(_, offset)| offset.committed.is_none()).collect();
    if without.is_empty() {
        return Err(format!("{} has a committed offset for each of its {}.", spec.name, plural(stands.len() as u64, "partition")));
    }
    let names: Vec<&str> = without.iter().take(8).map(|(name, _)| name.as_str()).collect();
    let finding = Finding::said(format!(
        "Group {} has no committed offset for {} of its {}.",
        spec.name,
        without.len(),
        plural(stands.len() as u64, "partition")
    ));
    let finding = finding.fails(
        format!("None for {}{}.", names.join(", "), if without.len() > names.len() { ", …" } else { "" }),
        "Committed is what a member was given, never what lies in the log",
    );
    let given = without.iter().filter(|(_, offset)| offset.position.is_some_and(|position| position > 0)).count();
    let finding = match given {
        0 => finding.holds("Nobody in it was given a record of those.", ""),
        given => finding.fails(
            format!("{given} of those are being read; the commit is still to come."),
            format!("auto.commit.interval.ms = {}", spec.config.auto_commit_interval.millis()),
        ),
    };
    let rule = format!("auto.offset.reset = {}", reset_name(&spec.config.auto_offset_reset));
    Ok(finding
        .holds("Without one a member begins where its setting says.", rule)
        .shell(format!("kafka-consumer-groups.sh --describe --group {}", spec.name)))
}

fn lagging(cluster: &Cluster, standing: &Standing<'_>) -> Found {
    let spec = standing.spec;
    let stands = stands(standing);
    let lag: u64 = stands.iter().filter_map(|(_, offset)| offset.lag).sum();
    if lag == 0 {
        return Err(format!("The lag of {} is 0.", spec.name));
    }
    let mut finding = Finding::said(format!("{} behind the bookmarks of {} wait to be committed.", plural(lag, "record"), spec.name));
    let unread: u64 =
        stands.iter().map(|(_, offset)| offset.log_end.saturating_sub(offset.position.or(offset.committed).unwrap_or(0))).sum();
    let given = lag.saturating_sub(unread);
    if given > 0 {
        finding = finding.holds(
            format!("{given} of them were given to a member already; only the commit is missing."),
            "LAG counts from the committed offset",
        );
    }
    let working = standing.members.iter().filter(|(_, member)| member.positions().next().is_some()).count() as u64;
    if !spec.process.is_zero() && working > 0 {
        let each = 1_000_000 / spec.process.micros().max(1);
        let all = each * working;
        let arriving = arriving(cluster, spec);
        let text = format!(
            "{} with partitions take {} a record: at most {all} records a second, and {arriving} a second arrive.",
            plural(working, "member"),
            span(spec.process)
        );
        let rule = format!("process = {}", spec.process);
        finding = if all < arriving { finding.fails(text, rule) } else { finding.holds(text, rule) };
    }
    for (_, member) in standing.members.iter().take(8) {
        if let Some((why, rule)) = hindrance(cluster, &member.name) {
            finding = finding.fails(format!("{}: {why}", member.name), rule);
        }
    }
    Ok(finding.event(cluster.newest_of(&spec.name)[2]).shell(format!("kafka-consumer-groups.sh --describe --group {}", spec.name)))
}

/// Records a second that the scenario's producers send to what a group reads.
fn arriving(cluster: &Cluster, spec: &GroupSpec) -> u64 {
    let to_it = cluster.scenario().producers.iter().filter(|producer| spec.topics.contains(&producer.topic));
    let milli: u64 = to_it
        .map(|producer| {
            let each = match producer.pace {
                Pace::Every(every) => 1_000_000_000 / every.micros().max(1),
                Pace::Rate(rate) => rate * 1_000,
            };
            each * producer.members.len() as u64
        })
        .sum();
    milli / 1_000
}

pub(super) fn fields(cluster: &Cluster, name: &str) -> Vec<(String, String)> {
    let Ok(standing) = standing(cluster, name) else { return Vec::new() };
    let spec = standing.spec;
    [
        ("state", standing.state().to_owned()),
        ("assignor", standing.assignor().to_owned()),
        ("coordinator", standing.coordinator.map_or("none".to_owned(), |broker| broker.to_string())),
        ("offsets partition", standing.offsets_partition.to_string()),
        ("session.timeout.ms", spec.config.session_timeout.millis().to_string()),
        ("max.poll.interval.ms", spec.config.max_poll_interval.millis().to_string()),
        ("max.poll.records", spec.config.max_poll_records.to_string()),
        ("auto.offset.reset", reset_name(&spec.config.auto_offset_reset)),
        ("process", spec.process.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

pub(super) fn fields_of_member(cluster: &Cluster, name: &str) -> Vec<(String, String)> {
    let Ok(member) = Member::named(cluster, name) else { return Vec::new() };
    let own = &member.own;
    let mut fields: Vec<(String, String)> = [
        ("member_id", member.consumer.member_id().to_owned()),
        ("membership", own.membership.to_owned()),
        ("coordinator", own.coordinator.map_or("unknown".to_owned(), |broker| broker.to_string())),
        ("last poll()", clock(own.last_poll)),
        ("in hand", member.consumer.in_hand_count().to_string()),
        ("delivered", member.consumer.delivered.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for (topic, offset) in member.offsets() {
        let known = |offset: Option<u64>| offset.map_or("-".to_owned(), |offset| offset.to_string());
        fields.push((
            format!("{}-{}", topic.name, offset.partition),
            format!("position {}, committed {}, high watermark {}", known(offset.position), known(offset.committed), offset.log_end),
        ));
    }
    fields
}
