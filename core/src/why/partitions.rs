//! Partitions, their copies and their records: leaders, in-sync replicas, the high watermark, and who was given what.

use super::words::{clock, list, plural, span, when};
use super::{Ask, Finding, Found, newest};
use crate::broker::Phase;
use crate::broker::partition::{Leadership, Replica};
use crate::cluster::Cluster;
use crate::config::NEVER;
use crate::ids::{BrokerId, EventId, NodeId, Offset, TopicPartition};
use crate::metadata::{PartitionRegistration, TopicImage};
use crate::node::BeginsAt;
use crate::time::{EPOCH_MS, SimDuration, SimTime};
use crate::trace::EventKind;
use crate::view::groups::Standing;

/// A partition as the controller and its leader have it.
struct Part<'c> {
    cluster: &'c Cluster,
    id: TopicPartition,
    name: String,
    topic: &'c TopicImage,
    registration: &'c PartitionRegistration,
    speaker: Option<&'c Replica>,
}

impl<'c> Part<'c> {
    fn of(cluster: &'c Cluster, topic: &str, partition: u32) -> Result<Self, String> {
        let gone = || format!("There is no partition {topic}-{partition}.");
        let id = cluster.partition_named(topic, partition).ok_or_else(gone)?;
        let image = cluster.controller().image();
        let (topic, registration) = image.topic(id.topic).zip(image.partition(id)).ok_or_else(gone)?;
        Ok(Part { cluster, id, name: image.name_of(id), topic, registration, speaker: cluster.speaker(id) })
    }

    fn leadership(&self) -> Option<(BrokerId, &'c Replica, &'c Leadership)> {
        let leader = self.registration.leader?;
        let replica = self.cluster.broker(leader)?.replicas().get(&self.id)?;
        Some((leader, replica, replica.leadership()?))
    }

    fn describe(&self) -> String {
        format!("kafka-topics.sh --describe --topic {}", self.topic.name)
    }

    /// Why a broker's process does nothing for others, if so.
    fn ails(&self, broker: BrokerId) -> Option<&'static str> {
        ails(self.cluster, broker)
    }

    fn events(&self, finding: Finding, kinds: &[EventKind]) -> Finding {
        finding.event(newest(self.cluster, &self.name, kinds))
    }
}

/// Why a broker's process does nothing for others, if so.
pub(super) fn ails(cluster: &Cluster, broker: BrokerId) -> Option<&'static str> {
    let condition = cluster.condition(NodeId::Broker(broker));
    let phase = cluster.broker(broker).map(crate::broker::Broker::phase);
    match phase {
        _ if condition.paused => Some("is paused"),
        None => Some("is not there"),
        Some(Phase::Down) => Some("is down"),
        Some(Phase::Registering) => Some("is starting"),
        _ => None,
    }
}

/// Until when the controller waits for a silent broker.
pub(super) fn session_end(cluster: &Cluster, broker: BrokerId) -> Option<SimTime> {
    cluster.active_controller()?.controller()?.session_end(broker)
}

pub(super) fn find(cluster: &Cluster, topic: &str, partition: u32, ask: Ask) -> Found {
    let part = Part::of(cluster, topic, partition)?;
    match ask {
        Ask::Leader => no_leader(&part),
        Ask::Preferred => preferred(&part),
        Ask::Isr => short_isr(&part),
        Ask::HighWatermark => watermark(&part),
        Ask::Readers => readers(&part),
        _ => deleted(&part),
    }
}

pub(super) fn find_of_record(cluster: &Cluster, topic: &str, partition: u32, offset: u64, ask: Ask) -> Found {
    let part = Part::of(cluster, topic, partition)?;
    match ask {
        Ask::Readable => readable(&part, offset),
        Ask::Given => given(&part, offset),
        _ => deleted(&part),
    }
}

pub(super) fn general(cluster: &Cluster, topic: &str, partition: u32) -> Found {
    let part = Part::of(cluster, topic, partition)?;
    let registration = part.registration;
    let (isr, replicas) = (list(&registration.isr), list(&registration.replicas));
    let sentence = match registration.leader {
        Some(leader) => format!(
            "Broker {leader} leads {} since leader epoch {}; in sync are {isr} of {replicas}.",
            part.name, registration.leader_epoch.0
        ),
        None => format!("{} has no leader: nothing can be written or read there.", part.name),
    };
    let mut finding = Finding::said(sentence).shell(part.describe());
    if let Some(replica) = part.speaker {
        let (watermark, end) = (replica.high_watermark.0, replica.log.log_end().0);
        let rule = format!("min.insync.replicas = {}", part.topic.config.min_insync_replicas);
        finding = finding.holds(format!("The log ends at {end}; the high watermark, up to which readers may read, is {watermark}."), rule);
    }
    Ok(part.events(finding, &[EventKind::LeaderElected, EventKind::IsrChanged, EventKind::PartitionReassigned, EventKind::RecordLost]))
}

/// There is none, or the one on record does not work.
fn no_leader(part: &Part<'_>) -> Found {
    let registration = part.registration;
    let Some(leader) = registration.leader else { return Ok(leaderless(part)) };
    let Some(ails) = part.ails(leader) else { return Err(format!("{} has a leader that works: broker {leader}.", part.name)) };
    let timeout = part.cluster.scenario().cluster.config.session_timeout;
    let rule = format!("broker.session.timeout.ms = {}", timeout.millis());
    let text = format!("Broker {leader} {ails}, and the controller has not missed it yet: it leads {} on record.", part.name);
    let mut finding = Finding::said(text.clone()).fails(text, rule).shell(part.describe());
    if let Some(end) = session_end(part.cluster, leader) {
        finding = finding.awaits(format!("The controller fences it {} and elects another", when(part.cluster, end)));
    }
    let next = registration.isr.iter().find(|broker| **broker != leader && part.ails(**broker).is_none());
    finding = match next {
        Some(next) => {
            let text =
                format!("Broker {next} is in sync and alive: it, or the first such one in the order of the replicas, can take over.");
            finding.holds(text, "A live in-sync replica, in the order of the replicas")
        }
        None => finding.fails(
            "Nobody else in the ISR is alive: there will be no leader then.",
            "Only a live in-sync or eligible replica may lead (KIP-966)",
        ),
    };
    Ok(finding.event(part.cluster.condition(NodeId::Broker(leader)).struck))
}

fn leaderless(part: &Part<'_>) -> Finding {
    let (registration, image) = (part.registration, part.cluster.controller().image());
    let mut finding =
        Finding::said(format!("No copy of {} may lead: none is both alive and known to have every committed record.", part.name));
    let mut hope: Vec<String> = Vec::new();
    for broker in &registration.replicas {
        let safe = if registration.isr.contains(broker) {
            Some("in the ISR")
        } else if registration.elr.contains(broker) {
            Some("eligible")
        } else if registration.isr.is_empty() && registration.elr.is_empty() && registration.last_known_elr == [*broker] {
            Some("the last known leader")
        } else {
            None
        };
        let active = image.is_active(*broker);
        let state = part.ails(*broker).unwrap_or(if active { "is alive" } else { "is fenced" });
        let end = part.cluster.broker(*broker).and_then(|broker| broker.replicas().get(&part.id)).map(|replica| replica.log.log_end());
        let end = end.map_or(String::new(), |end| format!("; its copy ends at {end}"));
        match safe {
            Some(safe) => {
                hope.push(broker.to_string());
                finding = finding.fails(format!("Broker {broker} is {safe}, and {state}{end}."), "Only a live replica may lead");
            }
            None => {
                let rule = format!(
                    "Only an in-sync or eligible replica may lead (KIP-966): ISR {}, ELR {}",
                    list(&registration.isr),
                    list(&registration.elr)
                );
                finding = finding.fails(format!("Broker {broker} {state}, and is neither in sync nor eligible{end}."), rule);
            }
        }
    }
    let unclean = part.topic.config.unclean_leader_election;
    let checks = part.cluster.active_controller().and_then(|voter| voter.controller()).map(crate::controller::Controller::next_checks);
    finding = match (unclean, checks) {
        (true, Some((_, next))) => finding
            .holds("An unclean election is allowed: what the new leader lacks would be lost.", "unclean.leader.election.enable = true")
            .awaits(format!("The controller looks again {} (unclean.leader.election.interval.ms)", when(part.cluster, next))),
        (true, None) => finding,
        (false, _) => finding.fails("Nobody else may lead, so that nothing promised is lost.", "unclean.leader.election.enable = false"),
    };
    if !hope.is_empty() {
        finding = finding.awaits(format!("A leader is back when broker {} is alive and trusted again", hope.join(" or ")));
    }
    part.events(finding.shell(part.describe()), &[EventKind::LeaderElected])
}

fn preferred(part: &Part<'_>) -> Found {
    let registration = part.registration;
    let (leader, wanted) =
        registration.leader.zip(registration.preferred_leader()).ok_or_else(|| format!("{} has no leader at all.", part.name))?;
    if leader == wanted {
        return Err(format!("The preferred leader of {}, broker {wanted}, leads it.", part.name));
    }
    let config = &part.cluster.scenario().cluster.config;
    let mut finding =
        Finding::said(format!("Broker {leader} leads {}; broker {wanted}, the first of its replicas, is preferred.", part.name));
    let image = part.cluster.controller().image();
    if !image.is_active(wanted) {
        let ails = part.ails(wanted).unwrap_or("is fenced");
        finding = finding.fails(format!("Broker {wanted} {ails}."), "Only a live broker that the controller trusts may lead");
    }
    if !registration.isr.contains(&wanted) {
        let rule = "A preferred leader leads only when it is in sync";
        finding = finding.fails(format!("Broker {wanted} is not in the ISR {}.", list(&registration.isr)), rule);
    }
    let every = config.leader_imbalance_check_interval;
    let setting = format!("leader.imbalance.check.interval.seconds = {}", every.micros() / 1_000_000);
    if !config.auto_leader_rebalance {
        finding = finding.fails("Nobody hands leadership back by itself.", "auto.leader.rebalance.enable = false");
    } else if finding.because.is_empty() {
        let text = "It may lead again. A broker that comes back leads nothing by that alone; the controller looks from time to time.";
        finding = finding.fails(text, setting.clone());
    }
    if config.zookeeper() {
        let rule = format!("leader.imbalance.per.broker.percentage = {}", config.leader_imbalance_per_broker);
        finding = finding.holds("The older controller leaves a broker alone while few of its partitions are led elsewhere.", rule);
    }
    let next = part.cluster.active_controller().and_then(|voter| voter.controller()).map(|controller| controller.next_checks().0);
    if let Some(next) = next.filter(|next| *next < SimTime::MAX) {
        finding = finding.awaits(format!("The next check is {} ({setting})", when(part.cluster, next)));
    }
    let by_hand =
        format!("kafka-leader-election.sh --election-type preferred --topic {} --partition {}", part.topic.name, part.id.partition);
    Ok(part.events(finding.shell(by_hand), &[EventKind::LeaderElected]))
}

/// How long ago, by the milliseconds since 1970 at which it was.
fn ago(cluster: &Cluster, at_ms: i64) -> SimDuration {
    SimDuration::from_millis((cluster.now().timestamp_ms() - at_ms).max(0) as u64)
}

fn short_isr(part: &Part<'_>) -> Found {
    let registration = part.registration;
    let late: Vec<BrokerId> = registration.replicas.iter().copied().filter(|broker| !registration.isr.contains(broker)).collect();
    if late.is_empty() {
        return Err(format!("The ISR of {} is whole: {}.", part.name, list(&registration.isr)));
    }
    let verb = if late.len() == 1 { "is" } else { "are" };
    let who: Vec<String> = late.iter().map(BrokerId::to_string).collect();
    let mut finding = Finding::said(format!(
        "Of the replicas {} of {}, {} {verb} not in sync.",
        list(&registration.replicas),
        part.name,
        who.join(" and ")
    ));
    let lag_max = part.cluster.scenario().cluster.config.replica_lag_time_max;
    let rule = format!("replica.lag.time.max.ms = {}", lag_max.millis());
    let led = part.leadership();
    for broker in late {
        finding = match (part.ails(broker), led) {
            (Some(ails), _) => finding.fails(
                format!("Broker {broker} {ails}: it fetches nothing."),
                "A follower is in sync while it fetches what the leader has",
            ),
            (None, None) => finding.fails(format!("There is no leader that broker {broker} could fetch from."), rule.clone()),
            (None, Some((leader, replica, leadership))) => {
                let (from, to) = (NodeId::Broker(broker), NodeId::Broker(leader));
                if part.cluster.is_cut(from, to) || part.cluster.is_cut(to, from) {
                    finding = finding.fails(format!("The network between broker {broker} and its leader {leader} is cut."), rule.clone());
                }
                let known = leadership.followers.iter().find(|follower| follower.broker == broker);
                let goal = replica.high_watermark.max(leadership.epoch_start);
                match known.and_then(|known| Some((known, known.log_end?))) {
                    None => finding.fails(format!("Broker {broker} has not fetched from leader {leader} yet."), rule.clone()),
                    Some((known, end)) if end < goal => {
                        let caught_up = match known.last_caught_up_ms {
                            0 => "it has never caught up with this leader".to_owned(),
                            at => format!("it was at the end {} ago", span(ago(part.cluster, at))),
                        };
                        let text = format!(
                            "Broker {broker}'s copy ends at {end}, {} before it may join at {goal}; {caught_up}.",
                            plural(goal.since(end), "record")
                        );
                        finding.fails(text, format!("{rule}; a follower joins the ISR at the high watermark"))
                    }
                    Some(_) if !part.cluster.controller().image().is_active(broker) => finding.fails(
                        format!("Broker {broker} has caught up, and the controller has fenced it."),
                        "A fenced broker is in no ISR (KIP-841)",
                    ),
                    Some(_) => finding.fails(
                        format!("Broker {broker} has caught up: its leader is asking the controller to take it in."),
                        "AlterPartition (KIP-497)",
                    ),
                }
            }
        };
    }
    let (isr, least) = (registration.isr.len(), part.topic.effective_min_isr() as usize);
    finding = match isr < least {
        true => finding.fails(
            format!("With {isr} in sync, acks=all is refused (NOT_ENOUGH_REPLICAS) and the high watermark stands."),
            format!("min.insync.replicas = {}", part.topic.config.min_insync_replicas),
        ),
        false => finding.holds(
            format!("With {isr} in sync, acks=all is still taken."),
            format!("min.insync.replicas = {}", part.topic.config.min_insync_replicas),
        ),
    };
    Ok(part.events(finding.shell(part.describe()), &[EventKind::IsrChanged]))
}

fn watermark(part: &Part<'_>) -> Found {
    let Some((leader, replica, leadership)) = part.leadership() else { return no_leader(part) };
    let (mark, end) = (replica.high_watermark, replica.log.log_end());
    if mark >= end {
        return Err(format!("The high watermark of {} is at its log end, {end}.", part.name));
    }
    if part.ails(leader).is_some() {
        return no_leader(part);
    }
    let finding = Finding::said(format!(
        "The high watermark of {} is {mark}, {} before its log end {end}: readers may not read those yet.",
        part.name,
        plural(end.since(mark), "record")
    ));
    let finding = finding.shell(part.describe());
    let rule = "The high watermark is the least log end of the maximal ISR (Partition.maybeIncrementLeaderHW)";
    if replica.is_under_min_isr() {
        let text = format!(
            "Only {} of the {} that are needed {} in sync: the high watermark does not move at all.",
            leadership.isr.len(),
            replica.effective_min_isr(),
            if leadership.isr.len() == 1 { "is" } else { "are" }
        );
        let finding = finding.fails(text, format!("min.insync.replicas = {} (strict, KIP-966)", replica.config.min_insync_replicas));
        return Ok(part.events(finding.awaits("It moves when enough followers are in sync again"), &[EventKind::IsrChanged]));
    }
    let members: Vec<BrokerId> = leadership.maximal_isr().filter(|member| *member != leader).collect();
    let mut finding = finding;
    let mut slow = None;
    for follower in leadership.followers.iter().filter(|follower| members.contains(&follower.broker)) {
        let broker = follower.broker;
        match follower.log_end {
            Some(at) if at > mark => finding = finding.holds(format!("Broker {broker}'s copy ends at {at}."), rule),
            at => {
                let at = at.map_or("is not known to its leader yet".to_owned(), |at| format!("ends at {at}"));
                let ails = part.ails(broker).map_or(String::new(), |ails| format!(", and broker {broker} {ails}"));
                finding = finding.fails(format!("Broker {broker} is in the ISR; its copy {at}{ails}."), rule);
                slow = slow.or(Some((broker, follower.last_caught_up_ms)));
            }
        }
    }
    if let Some((broker, caught_up)) = slow {
        let lag_max = part.cluster.scenario().cluster.config.replica_lag_time_max;
        let (from, to) = (NodeId::Broker(broker), NodeId::Broker(leader));
        let cut = part.cluster.is_faulty(from, to) || part.cluster.is_faulty(to, from);
        if part.ails(broker).is_some() || cut {
            let since = SimTime(((caught_up - EPOCH_MS).max(0) as u64).saturating_mul(1_000));
            let by = since + lag_max;
            let checked = lag_max.millis() / 2;
            finding = finding.awaits(format!(
                "Unless it fetches, it leaves the ISR after {} (replica.lag.time.max.ms = {}, checked every {checked})",
                clock(by),
                lag_max.millis()
            ));
            finding = finding.event(part.cluster.condition(from).struck.or_else(|| part.cluster.done_last_to(&[from, to])));
        } else {
            finding = finding.awaits(format!(
                "It moves with the next fetch of broker {broker}: a fetch at an offset says that everything before it is copied"
            ));
        }
    }
    Ok(finding)
}

fn readers(part: &Part<'_>) -> Found {
    let (mut finding, mut any) = (Finding::said(format!("Nobody reads {}.", part.name)), false);
    let groups = &part.cluster.scenario().groups;
    for (index, group) in (0..).zip(groups).filter(|(_, group)| group.topics.iter().any(|topic| **topic == *part.topic.name)) {
        let standing = Standing::of(part.cluster, index);
        let stands = standing.offset(part.topic, part.id.partition);
        match stands.client {
            Some(client) => return Err(format!("{client} of group {} reads {}.", group.name, part.name)),
            None => {
                any = true;
                let up = standing.members.iter().filter(|(place, _)| part.cluster.process_of(*place) == (false, false)).count();
                let text = format!(
                    "Group {} is {}; {up} of its {} run, and none owns {}.",
                    group.name,
                    standing.state(),
                    plural(u64::from(group.members), "member"),
                    part.name
                );
                finding = finding
                    .fails(text, format!("{} of group {}", if group.assign.is_empty() { "subscribe()" } else { "assign()" }, group.name));
                finding = finding.event(part.cluster.newest_of(&group.name)[2]);
            }
        }
    }
    match any {
        true => Ok(finding),
        false => {
            Ok(finding
                .fails(format!("No group subscribes to {}.", part.topic.name), "Kafka keeps records whether or not anybody reads them"))
        }
    }
}

fn deleted(part: &Part<'_>) -> Found {
    let replica = part.speaker.ok_or_else(|| format!("There is no copy of {} to look at.", part.name))?;
    let (start, end, config) = (replica.log.log_start(), replica.log.log_end(), &replica.config);
    let Some(first) = replica.log.segments().first().filter(|_| start < end) else {
        return Err(format!("There is nothing in {} to delete.", part.name));
    };
    let mut finding = Finding::said(format!("The log of {} begins at {start} and ends at {end}.", part.name));
    finding = finding.holds("Whether anybody has read a record does not matter.", "cleanup.policy = delete");
    if !config.cleanup.delete {
        finding = finding.fails("Nothing of this topic goes by age or size.", "cleanup.policy has no delete");
        return Ok(finding);
    }
    let next = replica.log.segments().get(1).map_or(end, |next| next.base_offset);
    let (active, span_of) =
        (first.base_offset == replica.log.active_base(), format!("{}…{}", first.base_offset.max(start), next.0.saturating_sub(1)));
    let which = if active { "Its only segment, the active one," } else { "Its oldest segment" };
    let newest = first.largest_timestamp_ms();
    let age = ago(part.cluster, newest);
    let mut goes = None;
    finding = match config.retention_ms {
        NEVER => finding.fails("Records never get too old.", "retention.ms = -1"),
        limit => {
            let rule = format!("retention.ms = {limit}: a whole segment goes when its newest record is older");
            let text = format!(
                "{which} ({span_of}) goes when its newest record is older than {}; that is {} old.",
                span(SimDuration::from_millis(limit)),
                span(age)
            );
            let old = age.millis() > limit;
            let over = SimTime(((newest - EPOCH_MS).max(0) as u64 + limit) * 1_000);
            goes = Some(if old { part.cluster.now() } else { over });
            if old { finding.holds(text, rule) } else { finding.fails(text, rule) }
        }
    };
    finding = match config.retention_bytes {
        NEVER => finding.fails("Its size is not limited.", "retention.bytes = -1"),
        limit => {
            let (bytes, rule) = (replica.log.bytes(), format!("retention.bytes = {limit}"));
            let over = bytes.checked_sub(limit).is_some_and(|over| first.bytes <= over);
            let text =
                format!("It holds {bytes} bytes; {} without its oldest segment of {}.", bytes.saturating_sub(first.bytes), first.bytes);
            goes = if over { Some(part.cluster.now()) } else { goes };
            if over { finding.holds(text, rule) } else { finding.fails(text, rule) }
        }
    };
    if replica.high_watermark < next {
        let text = format!("It ends at {next}, beyond the high watermark {}.", replica.high_watermark);
        finding = finding.fails(text, "Nothing at or above the high watermark is deleted");
    }
    if active {
        let rule = format!("segment.bytes = {}, segment.ms = {}", config.segment_bytes, config.segment_time.millis());
        finding = finding.holds("An active segment is rolled first when its time is over: it is not spared.", rule);
    }
    let broker = part.registration.leader.and_then(|leader| part.cluster.broker(leader));
    if let Some(look) = broker.map(crate::broker::Broker::next_retention).filter(|look| *look < SimTime::MAX) {
        let every = part.cluster.scenario().cluster.config.log_retention_check_interval;
        let first_chance = goes.map_or(String::new(), |at| match at > look {
            true => format!("; its time is over {}", when(part.cluster, at)),
            false => String::new(),
        });
        finding = finding.awaits(format!(
            "The next look is {} (log.retention.check.interval.ms = {}){first_chance}",
            when(part.cluster, look),
            every.millis()
        ));
    }
    Ok(part.events(finding, &[EventKind::SegmentDeleted]))
}

/// Whether readers may see it.
fn readable(part: &Part<'_>, offset: u64) -> Found {
    let replica = part.speaker.ok_or_else(|| format!("There is no copy of {}.", part.name))?;
    if offset >= replica.log.log_end().0 {
        return absent(part, offset);
    }
    if offset < replica.high_watermark.0 {
        return Err(format!("{}@{offset} lies below the high watermark {}: readers may read it.", part.name, replica.high_watermark));
    }
    let mut finding = watermark(part)?;
    finding.sentence =
        format!("{}@{offset} is not committed: it lies at or above the high watermark {}.", part.name, replica.high_watermark);
    Ok(finding)
}

/// A record that was promised here and that no leader has any more.
fn lost(part: &Part<'_>, offset: u64) -> Option<Finding> {
    let mut lost = part.cluster.referee().lost.iter();
    let lost = lost.find(|lost| lost.partition == part.id && lost.offset == Offset(offset))?;
    let finding = Finding::said(format!("A record at {}@{offset} was acknowledged and is lost.", part.name));
    let finding = finding.fails("No leader's log has it any more.", format!("acks = {}", lost.acks.name()));
    let told = newest(part.cluster, &part.name, &[EventKind::RecordLost]);
    Some(finding.event(told.or(lost.because)))
}

/// Retention has taken it.
fn gone(part: &Part<'_>, replica: &Replica, offset: u64) -> Finding {
    let finding = Finding::said(format!("{}@{offset} was deleted: the log begins at {} now.", part.name, replica.log.log_start()));
    let rule = format!("retention.ms = {}, retention.bytes = {}", replica.config.retention_ms, replica.config.retention_bytes);
    part.events(finding.fails("Its segment was too old, or the log too large.", rule), &[EventKind::SegmentDeleted])
}

/// No such record, or no longer.
fn absent(part: &Part<'_>, offset: u64) -> Found {
    match lost(part, offset) {
        Some(finding) => Ok(finding),
        None => {
            let (start, end) =
                part.speaker.map_or((Offset::ZERO, Offset::ZERO), |replica| (replica.log.log_start(), replica.log.log_end()));
            if let Some(replica) = part.speaker.filter(|_| offset < start.0) {
                return Ok(gone(part, replica, offset));
            }
            Ok(Finding::said(format!("There is no record {}@{offset}: the log ends at {end}.", part.name))
                .fails("Nothing has been written there yet.", "Offsets count up from the log end"))
        }
    }
}

fn given(part: &Part<'_>, offset: u64) -> Found {
    let replica = part.speaker.ok_or_else(|| format!("There is no copy of {}.", part.name))?;
    if offset >= replica.log.log_end().0 {
        return absent(part, offset);
    }
    if offset < replica.log.log_start().0 {
        return Ok(gone(part, replica, offset));
    }
    let mut finding = Finding::said(format!("{}@{offset} was not given to everybody who is to read it.", part.name));
    let groups = &part.cluster.scenario().groups;
    let mut missing = false;
    for (index, group) in (0..).zip(groups).filter(|(_, group)| group.topics.iter().any(|topic| **topic == *part.topic.name)) {
        if part.cluster.referee().was_given(index, part.id, offset) {
            finding = finding.holds(format!("Group {} was given it.", group.name), "");
            continue;
        }
        missing = true;
        let (text, rule, events) = not_given(part, replica, index, offset);
        finding = finding.fails(format!("Group {}: {text}", group.name), rule);
        finding.events.extend(events);
    }
    match (missing, finding.because.is_empty()) {
        (true, _) => Ok(finding),
        (false, true) => Ok(Finding::said(format!("No group reads {}.", part.topic.name))
            .fails("Nobody subscribes to it.", "Kafka keeps records whether or not anybody reads them")),
        (false, false) => Err(format!("Every group that reads {} was given {}@{offset}.", part.topic.name, part.name)),
    }
}

/// Why a group was not given a record: words, rule and events.
fn not_given(part: &Part<'_>, replica: &Replica, group: u32, offset: u64) -> (String, String, Vec<EventId>) {
    let cluster = part.cluster;
    let spec = &cluster.scenario().groups[group as usize];
    let standing = Standing::of(cluster, group);
    let stands = standing.offset(part.topic, part.id.partition);
    let rebalanced = || cluster.newest_of(&spec.name)[2].into_iter().collect::<Vec<_>>();
    if offset >= replica.high_watermark.0 {
        return (
            format!("it is not committed; readers are given what lies below the high watermark {}.", replica.high_watermark),
            "isolation: only committed records are given (high watermark)".to_owned(),
            Vec::new(),
        );
    }
    let in_hand = standing.members.iter().find(|(_, member)| member.in_hand(part.id).any(|(from, to)| (from.0..to.0).contains(&offset)));
    if let Some((_, member)) = in_hand {
        let text = format!(
            "{} holds it: its poll returned it, and its application has {} before it is done.",
            member.name,
            plural(member.in_hand_count(), "record")
        );
        return (text, format!("process = {}, max.poll.records = {}", spec.process, spec.config.max_poll_records), Vec::new());
    }
    let Some(client) = stands.client else {
        return (
            format!("nobody in it owns {} now; it is {}.", part.name, standing.state()),
            "A partition is read by the member it is assigned to".to_owned(),
            rebalanced(),
        );
    };
    match stands.position {
        None => (format!("{client} does not know yet where to read."), "OffsetFetch, then auto.offset.reset".to_owned(), rebalanced()),
        Some(position) if position <= offset => {
            let text = format!("{client} reads at {position}, {} before it.", plural(offset - position, "record"));
            let (text, rule) = super::groups::hindrance(cluster, &client)
                .map_or((text.clone(), "Records of a partition are given in order".to_owned()), |(why, rule)| {
                    (format!("{text} {why}"), rule)
                });
            (text, rule, Vec::new())
        }
        Some(position) => {
            let began = cluster.began_past(group, part.id, Offset(offset)).map(|(_, at)| at);
            let rule = match began {
                Some(BeginsAt::Reset { .. }) => {
                    format!("auto.offset.reset = {}", super::groups::reset_name(&spec.config.auto_offset_reset))
                }
                Some(BeginsAt::Sought) => "seek() moves the position".to_owned(),
                _ => "Reading goes on at the committed offset".to_owned(),
            };
            let told = newest(cluster, &part.name, &[EventKind::RecordSkipped]);
            (format!("{client} reads at {position}, past it: it was skipped."), rule, told.map_or_else(rebalanced, |event| vec![event]))
        }
    }
}

pub(super) fn general_of_record(cluster: &Cluster, topic: &str, partition: u32, offset: u64) -> Found {
    let part = Part::of(cluster, topic, partition)?;
    let Some(detail) = cluster.record_detail(topic, partition, offset) else { return absent(&part, offset) };
    let replica = part.speaker.ok_or_else(|| format!("There is no copy of {}.", part.name))?;
    let writer = replica.log.batch_at(Offset(offset)).and_then(|stored| cluster.producers().get(stored.writer as usize));
    let who = writer.map_or("Somebody".to_owned(), |producer| producer.name.to_string());
    let at = clock(SimTime(detail.timestamp_us));
    let seen = if detail.committed { "readers may read it" } else { "readers may not read it yet" };
    let mut finding =
        Finding::said(format!("{who} wrote {}@{offset} at {at}; {} brokers have it, and {seen}.", part.name, detail.copies.len()));
    if let Some(key) = &detail.key {
        let count = part.topic.partitions.len();
        let text = format!("Its key, {}, puts it into partition {partition} of {count}.", String::from_utf8_lossy(key));
        finding = finding.holds(text, "murmur2(key) mod partitions (Partitioner)");
    }
    let copies: Vec<BrokerId> = detail.copies.iter().map(|id| BrokerId(*id)).collect();
    let acks = writer.map_or("", |producer| producer.config().acks.name());
    finding = finding.holds(format!("Copies on {} of {}.", list(&copies), list(&part.registration.replicas)), format!("acks = {acks}"));
    // Another record stood here, and was promised.
    if let Some(lost) = lost(&part, offset) {
        finding = finding.fails(lost.sentence, format!("{} stands in its place", part.name));
        finding.events = lost.events;
    }
    Ok(finding)
}

pub(super) fn fields(cluster: &Cluster, topic: &str, partition: u32) -> Vec<(String, String)> {
    let Ok(part) = Part::of(cluster, topic, partition) else { return Vec::new() };
    let registration = part.registration;
    let mut fields = vec![
        ("leader".to_owned(), registration.leader.map_or("none".to_owned(), |leader| leader.to_string())),
        ("leader_epoch".to_owned(), registration.leader_epoch.0.to_string()),
        ("partition_epoch".to_owned(), registration.partition_epoch.0.to_string()),
        ("replicas".to_owned(), list(&registration.replicas)),
        ("isr".to_owned(), list(&registration.isr)),
        ("elr".to_owned(), list(&registration.elr)),
        ("last_known_elr".to_owned(), list(&registration.last_known_elr)),
        ("min.insync.replicas".to_owned(), part.topic.config.min_insync_replicas.to_string()),
        ("unclean.leader.election.enable".to_owned(), part.topic.config.unclean_leader_election.to_string()),
    ];
    let flush = part.topic.config.flush_messages;
    fields.extend((flush != NEVER).then(|| ("flush.messages".to_owned(), flush.to_string())));
    if let Some(replica) = part.speaker {
        fields.push(("high_watermark".to_owned(), replica.high_watermark.to_string()));
        fields.push(("log_start".to_owned(), replica.log.log_start().to_string()));
        fields.push(("log_end".to_owned(), replica.log.log_end().to_string()));
    }
    if let Some((_, _, leadership)) = part.leadership() {
        for follower in &leadership.followers {
            let end = follower.log_end.map_or("unknown".to_owned(), |end| end.to_string());
            fields.push((
                format!("follower {}", follower.broker),
                format!("log_end {end}, caught up {} ago", span(ago(cluster, follower.last_caught_up_ms))),
            ));
        }
    }
    fields
}
