//! What a change of a partition reads like: sentences, rules and causes for the record of the run.

use super::leaders::Why;
use crate::config::BrokerConfig;
use crate::ids::{BrokerId, EventId};
use crate::metadata::{LeaderRecoveryState, PartitionRegistration};
use crate::node::Outbox;
use crate::protocol::IsrChange;
use crate::trace::EventKind;

/// One event for each thing that changed; the ISR and the eligible ones are the cause of who leads.
pub(super) fn tell(
    name: &str,
    before: &PartitionRegistration,
    after: &PartitionRegistration,
    why: Why,
    config: &BrokerConfig,
    because: Option<EventId>,
    out: &mut Outbox,
) {
    let causes: Vec<EventId> = because.into_iter().collect();
    let mut note = |kind, text: String, rule: String| out.note(kind, name.to_owned(), text, rule, causes.clone());
    if before.replicas != after.replicas || before.is_reassigning() != after.is_reassigning() {
        note(EventKind::PartitionReassigned, reassigned_text(name, before, after, why), reassigned_rule(why).to_owned());
    }
    if before.isr != after.isr {
        note(EventKind::IsrChanged, isr_text(name, before, after, why), isr_rule(before, after, why, config));
    }
    if before.elr != after.elr {
        let (old, new) = (list(&before.elr), list(&after.elr));
        let text = format!("Eligible to lead {name} without being in sync: {old} → {new}.");
        note(EventKind::ElrChanged, text, elr_rule(after, why).to_owned());
    }
    if why == Why::MinIsrChanged && !before.last_known_elr.is_empty() {
        let text = format!("Who led {name} last is forgotten: only an unclean election gives it a leader again.");
        note(EventKind::ElrChanged, text, elr_rule(after, why).to_owned());
    }
    if before.leader != after.leader {
        note(EventKind::LeaderElected, leader_text(name, before, after), leader_rule(why, before, after));
    }
}

/// `[101, 103]`.
pub(super) fn list(brokers: &[BrokerId]) -> String {
    let mut text = String::from("[");
    for (i, broker) in brokers.iter().enumerate() {
        text.push_str(if i == 0 { "" } else { ", " });
        text.push_str(&broker.to_string());
    }
    text + "]"
}

fn reassigned_text(name: &str, before: &PartitionRegistration, after: &PartitionRegistration, why: Why) -> String {
    let (old, new) = (list(&before.replicas), list(&after.replicas));
    match (why, after.is_reassigning()) {
        (Why::ReassignmentCancelled, _) => format!("The reassignment of {name} was taken back: its replicas are {new}."),
        (_, true) => format!(
            "{name} is being moved: {} join, {} go when all of the new ones are in sync. Replicas {old} → {new}.",
            list(&after.adding),
            list(&after.removing)
        ),
        (_, false) => format!("{name} has moved: its replicas are {new}."),
    }
}

const fn reassigned_rule(why: Why) -> &'static str {
    match why {
        Why::Reported(_) => "Every new replica is in sync: the old ones go in the same record (KIP-455)",
        Why::ReassignmentCancelled => "A cancelled reassignment keeps the replicas it would have removed (KIP-455)",
        _ => "kafka-reassign-partitions.sh: old and new replicas side by side until the new ones are in sync (KIP-455)",
    }
}

fn isr_text(name: &str, before: &PartitionRegistration, after: &PartitionRegistration, why: Why) -> String {
    let (old, new) = (list(&before.isr), list(&after.isr));
    match why {
        Why::Reported(IsrChange::CaughtUp(member)) => {
            format!("Broker {member} has caught up and is in sync for {name} again: {old} → {new}.")
        }
        Why::Reported(IsrChange::Lagging(member)) => format!("Broker {member} fell behind and left the ISR of {name}: {old} → {new}."),
        _ => format!("In-sync replicas of {name}: {old} → {new}."),
    }
}

fn isr_rule(before: &PartitionRegistration, after: &PartitionRegistration, why: Why, config: &BrokerConfig) -> String {
    let unclean = after.recovery == LeaderRecoveryState::Recovering && after.leader.is_some();
    match why {
        Why::Reported(IsrChange::CaughtUp(_)) => {
            "A follower whose log end reaches the high watermark joins the ISR (AlterPartition)".to_owned()
        }
        Why::Reported(IsrChange::Lagging(_)) => {
            format!("replica.lag.time.max.ms = {}, checked every half of it", config.replica_lag_time_max.millis())
        }
        Why::AskedUnclean => "Unclean election by hand: the new leader alone is in sync".to_owned(),
        _ if unclean && led_last(before, after) => "The one that led last leads again, alone in sync (KIP-966)".to_owned(),
        _ if unclean => "unclean.leader.election.enable = true: the new leader alone is in sync".to_owned(),
        Why::ControlledShutdown(_) => "A broker that stops in order leaves every ISR first".to_owned(),
        Why::UncleanShutdown(_) => "A process that did not stop in order may have lost what it had (KIP-966)".to_owned(),
        Why::Reassigned | Why::ReassignmentCancelled => "Replicas that a reassignment removes leave the ISR".to_owned(),
        Why::Unfenced(_) => "An eligible leader replica that leads is in sync alone (KIP-966)".to_owned(),
        _ if config.zookeeper() => "A broker without a session leaves every ISR, unless it is the last one in it".to_owned(),
        _ => "A fenced broker leaves every ISR".to_owned(),
    }
}

const fn elr_rule(after: &PartitionRegistration, why: Why) -> &'static str {
    match why {
        Why::UncleanShutdown(_) => "A process that did not stop in order is eligible no longer (KIP-966)",
        Why::MinIsrChanged => "A change of min.insync.replicas clears the eligible leader replicas (KIP-966)",
        _ if after.elr.is_empty() => "With enough in-sync replicas, or after an unclean election, nobody else is eligible (KIP-966)",
        _ => "Who leaves an ISR smaller than min.insync.replicas stays eligible: it has every committed record (KIP-966)",
    }
}

/// Nobody was in sync or eligible, and the last known leader is elected.
fn led_last(before: &PartitionRegistration, after: &PartitionRegistration) -> bool {
    before.isr.is_empty() && before.elr.is_empty() && after.leader.is_some_and(|leader| before.last_known_elr == [leader])
}

fn leader_text(name: &str, before: &PartitionRegistration, after: &PartitionRegistration) -> String {
    match (before.leader, after.leader) {
        (_, None) => format!("{name} has no leader: no copy of it may lead. Nothing can be written or read there."),
        (Some(old), Some(new)) => format!("Broker {new} leads {name} instead of {old} (leader epoch {}).", after.leader_epoch.0),
        (None, Some(new)) => format!("Broker {new} leads {name} (leader epoch {}).", after.leader_epoch.0),
    }
}

fn leader_rule(why: Why, before: &PartitionRegistration, after: &PartitionRegistration) -> String {
    let replicas = list(&after.replicas);
    if after.leader.is_none() {
        return "Only a live in-sync (or eligible) replica may lead; unclean.leader.election.enable = false".to_owned();
    }
    let unclean = after.recovery == LeaderRecoveryState::Recovering && before.recovery == LeaderRecoveryState::Recovered;
    match why {
        _ if unclean && led_last(before, after) => {
            "Nobody is in sync or eligible: only the last known leader may lead again (KIP-966)".to_owned()
        }
        Why::AskedUnclean if unclean => format!("Unclean election by hand: the first live replica of {replicas}"),
        _ if unclean => format!("unclean.leader.election.enable = true: the first live replica of {replicas}"),
        _ if before.isr.is_empty() => "Nobody is in sync: an eligible leader replica has every committed record (KIP-966)".to_owned(),
        Why::Balance => format!("auto.leader.rebalance.enable: the preferred leader is the first replica of {replicas}"),
        Why::AskedPreferred => format!("Preferred election by hand: the preferred leader is the first replica of {replicas}"),
        _ => format!("The first live in-sync replica in the order of the replicas {replicas}"),
    }
}
