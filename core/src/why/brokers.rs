//! Brokers, those who decide, and the links between all of them.

use super::partitions::{ails, session_end};
use super::words::{plural, when};
use super::{Ask, Finding, Found, newest};
use crate::broker::{Broker, Phase};
use crate::cluster::Cluster;
use crate::command::{Command, LinkFault, Path, Who};
use crate::ids::{BrokerId, NodeId};
use crate::metadata::PartitionRegistration;
use crate::trace::EventKind;

const ABOUT_TRUST: [EventKind; 5] = [
    EventKind::BrokerFenced,
    EventKind::BrokerUnfenced,
    EventKind::BrokerRegistered,
    EventKind::BrokerStopping,
    EventKind::BrokerUnregistered,
];

pub(super) fn find(cluster: &Cluster, id: i32, ask: Ask) -> Found {
    let broker = cluster.broker(BrokerId(id)).ok_or_else(|| format!("There is no broker {id}."))?;
    match ask {
        Ask::Stopped => stopping(cluster, broker),
        Ask::Fenced => not_fenced_yet(cluster, broker),
        Ask::Trusted => fenced(cluster, broker),
        _ => leads_nothing(cluster, broker),
    }
}

fn leads(cluster: &Cluster, broker: BrokerId) -> u64 {
    cluster.controller().image().partitions().filter(|(_, partition)| partition.leader == Some(broker)).count() as u64
}

pub(super) fn general(cluster: &Cluster, id: i32) -> Found {
    let broker = cluster.broker(BrokerId(id)).ok_or_else(|| format!("There is no broker {id}."))?;
    let active = cluster.controller().image().is_active(broker.id);
    let state = ails(cluster, broker.id).unwrap_or(if active { "runs" } else { "runs, and is fenced" });
    let finding = Finding::said(format!(
        "Broker {id} {state}; it leads {} and holds {}.",
        plural(leads(cluster, broker.id), "partition"),
        plural(broker.replicas().len() as u64, "copy").replace("copys", "copies")
    ));
    let condition = cluster.condition(NodeId::Broker(broker.id));
    let told = newest(cluster, &id.to_string(), &ABOUT_TRUST);
    let finding = match session_end(cluster, broker.id).filter(|_| active) {
        Some(end) => {
            let timeout = cluster.scenario().cluster.config.session_timeout;
            let rule = format!("broker.session.timeout.ms = {}", timeout.millis());
            finding.holds(format!("Without another heartbeat the controller would fence it {}.", when(cluster, end)), rule)
        }
        None => finding,
    };
    Ok(finding.event(condition.struck).event(told))
}

/// It is gone or cut off, and the controller does not know.
fn not_fenced_yet(cluster: &Cluster, broker: &Broker) -> Found {
    let id = broker.id;
    if !cluster.controller().image().is_active(id) {
        return Err(format!("The controller has fenced broker {id}."));
    }
    let (me, other) = (NodeId::Broker(id), cluster.deciding_node().map(|(node, _)| node));
    let cut = other.filter(|other| *other != me).is_some_and(|other| cluster.is_cut(me, other) || cluster.is_cut(other, me));
    let why = match ails(cluster, id) {
        Some(state) => format!("Broker {id} {state}"),
        None if cut => format!("The network between broker {id} and the controller is cut"),
        None => return Err(format!("Broker {id} lets the controller hear of it: there is no reason to fence it.")),
    };
    let finding = Finding::said(format!("{why}, and the controller has not missed it yet."));
    let (rule, end) = match cluster.scenario().cluster.config.zookeeper() {
        true => ("zookeeper.session.timeout.ms".to_owned(), None),
        false => (
            format!("broker.session.timeout.ms = {}", cluster.scenario().cluster.config.session_timeout.millis()),
            session_end(cluster, id),
        ),
    };
    let finding = finding.fails("A broker is missed when its heartbeats stay away, not when its process ends.", rule);
    let finding = match end {
        Some(end) => finding.awaits(format!("The controller fences it {}", when(cluster, end))),
        None if other.is_none() => {
            finding.fails("There is no active controller that could fence it.", "A majority of the voters elects one (KRaft)")
        }
        None => finding,
    };
    let condition = cluster.condition(me);
    Ok(finding.event(condition.struck.or(condition.last)))
}

fn fenced(cluster: &Cluster, broker: &Broker) -> Found {
    let id = broker.id;
    let image = cluster.controller().image();
    if image.is_active(id) {
        return Err(format!("The controller trusts broker {id}."));
    }
    let me = NodeId::Broker(id);
    let config = &cluster.scenario().cluster.config;
    let mut finding = Finding::said(format!("The controller does not count on broker {id}: it leads nothing and is in no ISR."));
    let beats = format!("broker.heartbeat.interval.ms = {}", config.heartbeat_interval.millis());
    finding = match (broker.phase(), ails(cluster, id)) {
        (Phase::Stopping, None) => finding.fails("It is stopping in order.", "controlled.shutdown.enable = true"),
        (Phase::Registering, None) => finding.fails("It asks to be registered.", "A registering broker starts fenced (KIP-631)"),
        (_, Some(state)) => finding.fails(format!("Its process {state}: no heartbeat comes."), beats),
        (_, None) => {
            let other = cluster.deciding_node().map(|(node, _)| node);
            match other {
                None => finding.fails("There is no active controller that could trust it.", "A majority of the voters elects one (KRaft)"),
                Some(other) if cluster.is_cut(me, other) || cluster.is_cut(other, me) => {
                    finding.fails("The network between it and the controller is cut.", beats)
                }
                Some(_) => {
                    let (known, all) = (broker.image().offset, image.offset);
                    let text = format!("It has read the metadata up to {known} of {all}.");
                    finding
                        .fails(text, "Unfenced at the first heartbeat after it has caught up with the metadata")
                        .awaits(format!("Its next heartbeat, at most {} from now", config.heartbeat_interval))
                }
            }
        }
    };
    if finding.awaits.is_none() && ails(cluster, id) == Some("is down") {
        finding = finding.awaits(format!("It comes back when somebody starts it: `start {id}`"));
    }
    let condition = cluster.condition(me);
    Ok(finding.event(condition.struck).event(newest(cluster, &id.to_string(), &ABOUT_TRUST)))
}

fn leads_nothing(cluster: &Cluster, broker: &Broker) -> Found {
    let id = broker.id;
    let led = leads(cluster, id);
    if led > 0 {
        return Err(format!("Broker {id} leads {}.", plural(led, "partition")));
    }
    let image = cluster.controller().image();
    if !image.is_active(id) {
        let mut finding = fenced(cluster, broker)?;
        finding.sentence = format!("Broker {id} leads nothing: the controller does not count on it.");
        return Ok(finding);
    }
    let mine: Vec<&PartitionRegistration> =
        image.partitions().map(|(_, partition)| partition).filter(|partition| partition.replicas.contains(&id)).collect();
    let mut finding = Finding::said(format!("Broker {id} leads nothing; it holds a copy of {}.", plural(mine.len() as u64, "partition")));
    if mine.is_empty() {
        return Ok(
            finding.fails("It has no copies: new brokers get some with new topics, or by a reassignment.", "kafka-reassign-partitions.sh")
        );
    }
    let preferred = mine.iter().filter(|partition| partition.preferred_leader() == Some(id)).count();
    let out = mine.iter().filter(|partition| !partition.isr.contains(&id)).count();
    if out > 0 {
        finding = finding.fails(format!("It is not in sync for {out} of them."), "Only a live in-sync replica may lead");
    }
    finding = match preferred {
        0 => finding.fails("It is the first replica of none of them.", "The preferred leader is the first replica"),
        count => finding.fails(
            format!("It is preferred for {count}, and others lead those: who comes back leads nothing by that alone."),
            "auto.leader.rebalance.enable",
        ),
    };
    let next = cluster.active_controller().and_then(|voter| voter.controller()).map(|controller| controller.next_checks().0);
    let config = &cluster.scenario().cluster.config;
    if let Some(next) = next.filter(|_| preferred > 0 && config.auto_leader_rebalance) {
        let every = config.leader_imbalance_check_interval.micros() / 1_000_000;
        finding = finding.awaits(format!("The next check is {} (leader.imbalance.check.interval.seconds = {every})", when(cluster, next)));
    }
    let condition = cluster.condition(NodeId::Broker(id));
    Ok(finding.event(condition.last).event(newest(cluster, &id.to_string(), &ABOUT_TRUST)))
}

fn stopping(cluster: &Cluster, broker: &Broker) -> Found {
    let id = broker.id;
    if broker.phase() != Phase::Stopping {
        return Err(format!("Broker {id} is not stopping."));
    }
    let led = leads(cluster, id);
    let finding = Finding::said(format!("Broker {id} was told to stop and hands over first."));
    let rule = "controlled.shutdown.enable = true";
    let finding = match led {
        0 => finding.fails("It leads nothing any more; every other broker must know that before it goes.", rule),
        led => finding.fails(format!("It still leads {} that nobody else may lead.", plural(led, "partition")), rule),
    };
    Ok(finding.event(cluster.condition(NodeId::Broker(id)).last))
}

/// Those who decide, and whether they can.
pub(super) fn deciders(cluster: &Cluster) -> Found {
    let voters = cluster.controllers();
    let up = voters.iter().filter(|voter| voter.is_up() && !cluster.condition(NodeId::Controller(voter.id())).paused).count();
    let majority = voters.len() / 2 + 1;
    let kind = if cluster.scenario().cluster.config.zookeeper() { "servers of the ensemble" } else { "controllers" };
    let mut finding = match cluster.deciding_node() {
        Some((NodeId::Broker(id), epoch)) => Finding::said(format!("Broker {id} is the controller, in epoch {epoch}.")),
        Some((NodeId::Controller(id), epoch)) => Finding::said(format!("Controller {id} is active, in epoch {epoch}.")),
        _ => Finding::said("There is no active controller: leaders lead on, and nothing changes in the metadata."),
    };
    let text = format!("{up} of {} {kind} run; {majority} are a majority.", voters.len());
    let rule = "A majority elects the leader and commits what it decides (KRaft, Raft)";
    finding = if up < majority { finding.fails(text, rule) } else { finding.holds(text, rule) };
    let kinds = [EventKind::ControllerElected, EventKind::ControllerResigned, EventKind::ZooKeeper];
    let told = cluster.events().iter().rev().find(|event| kinds.iter().any(|kind| kind.name() == event.kind));
    let struck = voters.iter().filter_map(|voter| cluster.condition(NodeId::Controller(voter.id())).struck).max();
    Ok(finding.event(told.map(|event| crate::ids::EventId(event.id))).event(struck).shell("kafka-metadata-quorum.sh describe --status"))
}

/// A name of the ends of a link, as a line has it.
fn who(name: &str) -> Who {
    match (name.parse::<i32>(), crate::command::KINDS.iter().find(|(word, _)| *word == name)) {
        (Ok(id), _) => Who::Node(id),
        (_, Some((_, kind))) => Who::All(*kind),
        _ => Who::Client(name.to_owned()),
    }
}

pub(super) fn link(cluster: &Cluster, from: &str, to: &str) -> Found {
    let path = Path { from: who(from), to: who(to), one_way: true };
    if let Some(message) = cluster.stranger(&Command::Link(path.clone(), LinkFault::Heal)) {
        return Err(message);
    }
    let (senders, receivers) = (cluster.nodes_of(&path.from), cluster.nodes_of(&path.to));
    let pairs = || senders.iter().flat_map(|from| receivers.iter().map(move |to| (*from, *to))).filter(|(from, to)| from != to);
    let cut = pairs().filter(|(from, to)| cluster.is_cut(*from, *to)).count();
    let faulty = pairs().filter(|(from, to)| cluster.is_faulty(*from, *to)).count();
    let network = &cluster.scenario().network;
    let usual = format!("latency = {}, jitter = {}", network.latency, network.jitter);
    let finding = match (cut, faulty) {
        (0, 0) => {
            return Ok(Finding::said(format!("The link from {from} to {to} is as the scenario made it."))
                .holds(format!("A message takes {} and up to {} more.", network.latency, network.jitter), usual));
        }
        (0, _) => Finding::said(format!("The link from {from} to {to} is troubled."))
            .fails(format!("A fault lies on {} of {} ways.", faulty, pairs().count()), usual),
        _ => Finding::said(format!("Nothing gets from {from} to {to}.")).fails(
            format!("{cut} of {} ways are cut.", pairs().count()),
            "TCP keeps what is sent and tries again; whoever waits gives up after request.timeout.ms",
        ),
    };
    let faults =
        cluster.in_force().into_iter().filter(|(line, _)| line.split_whitespace().any(|word| word.contains(from) || word.contains(to)));
    let finding = faults.fold(finding, |finding, (made, ends)| finding.fails(format!("`{made}` made it so."), format!("`{ends}` ends it")));
    let ends: Vec<NodeId> = senders.iter().chain(&receivers).copied().collect();
    Ok(finding.event(cluster.done_last_to(&ends)))
}

pub(super) fn fields(cluster: &Cluster, id: i32) -> Vec<(String, String)> {
    let Some(broker) = cluster.broker(BrokerId(id)) else { return Vec::new() };
    let image = cluster.controller().image();
    let mut fields = vec![
        ("phase".to_owned(), format!("{:?}", broker.phase())),
        ("fenced".to_owned(), (!image.is_active(broker.id)).to_string()),
        ("metadata offset".to_owned(), broker.image().offset.to_string()),
        ("stopped in order".to_owned(), broker.stopped_in_order().to_string()),
    ];
    fields.extend(image.brokers.get(&broker.id).map(|known| ("broker_epoch".to_owned(), known.epoch.0.to_string())));
    fields.extend(session_end(cluster, broker.id).map(|end| ("session ends".to_owned(), super::words::clock(end))));
    fields
}
