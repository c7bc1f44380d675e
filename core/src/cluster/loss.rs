//! The sentence of a loss: who had the records, what became of each of those copies, and what was asked for before they were
//! called stored.

use super::Cluster;
use super::referee::Broken;
use crate::broker::{Broker, Phase};
use crate::config::Acks;
use crate::ids::{BrokerId, EventId, NodeId, Offset, TopicPartition};
use crate::log::PartitionLog;
use crate::metadata::LeaderRecoveryState;
use crate::node::CutBy;
use crate::time::SimDuration;
use crate::trace::EventKind;

/// What became of a copy that had them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// So long before the new leader would have fetched from it, if that is known.
    Died(Option<SimDuration>),
    Froze(Option<SimDuration>),
    Stopped,
    /// A fault lies on its link with the new leader.
    CutOff,
    /// It runs, and leads no more.
    Deposed,
    /// It has started again since, and nobody counts on it yet.
    OutOfSync,
    Gone(CutBy),
}

/// A copy that had them, what became of it, and through which event.
type Copy = (BrokerId, Fate, Option<EventId>);

impl Cluster {
    /// A leader took office. What it does not have is lost: an event for each set of copies that had it.
    pub(super) fn judge_leader(&mut self, id: TopicPartition) {
        let image = std::sync::Arc::clone(self.controller().image());
        let Some(leader) = image.partition(id).and_then(|partition| partition.leader) else { return };
        let brokers = &self.brokers;
        let Some(replica) = brokers.iter().find(|broker| broker.id == leader).and_then(|broker| broker.replicas().get(&id)) else { return };
        let broken = self.referee.leader_started(id, &replica.log);
        if !broken.is_empty() {
            self.tell_lost(id, leader, &broken);
        }
    }

    /// Few runs come here.
    #[inline(never)]
    fn tell_lost(&mut self, id: TopicPartition, leader: BrokerId, broken: &[Broken]) {
        let image = std::sync::Arc::clone(self.controller().image());
        let Some((topic, partition)) = image.topic(id.topic).zip(image.partition(id)) else { return };
        let name = image.name_of(id);
        let election = self.elections.get(&name).copied();
        let disks: Vec<&PartitionLog> = self.brokers.iter().filter_map(|broker| Some(&broker.replicas().get(&id)?.log)).collect();
        broken.iter().for_each(|broken| self.referee.keep_lost(id, broken, &disks, election));
        let unclean = partition.recovery == LeaderRecoveryState::Recovering;
        let elected = self.events.iter().rev().find(|event| Some(EventId(event.id)) == election);
        let by_hand = elected.is_some_and(|event| event.rule.starts_with("Unclean election by hand"));
        for (copies, parts) in self.by_fate(id, leader, broken) {
            let acks = parts[0].acks;
            let count: u64 = parts.iter().map(|part| part.to - part.from).sum();
            let first = parts.iter().map(|part| part.from).min().unwrap_or(0);
            let last = parts.iter().map(|part| part.to).max().unwrap_or(0) - 1;
            let range = if first == last { format!("{name}@{first}") } else { format!("{name}@{first}…{last}") };
            let mut text = format!("{count} acknowledged record{} lost: {range}; ", if count == 1 { "" } else { "s" });
            for clause in clauses(&copies, leader, if count == 1 { "it" } else { "them" }) {
                text.push_str(&clause);
                text.push_str("; ");
            }
            match unclean {
                true if topic.config.unclean_leader_election => text.push_str(&format!("an unclean election let {leader} lead; ")),
                true if by_hand => text.push_str(&format!("an unclean election by hand let {leader} lead; ")),
                true => text.push_str(&format!("{leader} led last and alone may lead again; ")),
                false => {}
            }
            text.push_str(&format!("acks={}", acks.name()));
            if acks == Acks::All {
                text.push_str(&format!(" with min.insync.replicas={}", topic.effective_min_isr()));
            }
            text.push('.');
            let mut causes: Vec<EventId> = election.into_iter().collect();
            causes.extend(copies.iter().filter_map(|(.., because)| *because));
            causes.extend(self.shrinks.get(&name).filter(|_| acks == Acks::All));
            let rule = match acks {
                Acks::All if unclean && topic.config.unclean_leader_election => {
                    "unclean.leader.election.enable = true: what the new leader does not have is not in the partition"
                }
                Acks::All => "acks = all: in sync are copies in memory, at least min.insync.replicas of them",
                _ => "acks = 1: the leader promises what it alone has; what the next one does not have is not in the partition",
            };
            self.announce(EventKind::RecordLost, name.clone(), text, rule.to_owned(), causes);
        }
    }

    /// Lost records by what became of those who had them.
    fn by_fate(&self, id: TopicPartition, leader: BrokerId, broken: &[Broken]) -> Vec<(Vec<Copy>, Vec<Broken>)> {
        let marks = self.marks(id);
        let mut losses: Vec<(Vec<Copy>, Vec<Broken>)> = Vec::new();
        for all in broken {
            let mut part = *all;
            while part.from < all.to {
                part.to = marks.iter().copied().filter(|mark| *mark > part.from && *mark < all.to).min().unwrap_or(all.to);
                let copies = self.copies(id, leader, &part);
                match losses.iter_mut().find(|(known, parts)| *known == copies && parts[0].acks == part.acks) {
                    Some((_, parts)) => parts.push(part),
                    None => losses.push((copies, vec![part])),
                }
                part.from = part.to;
            }
        }
        losses
    }

    /// Offsets at which some copy has, or had, something else.
    fn marks(&self, id: TopicPartition) -> Vec<u64> {
        let mut marks = Vec::new();
        for log in self.brokers.iter().filter_map(|broker| Some(&broker.replicas().get(&id)?.log)) {
            marks.push(log.log_end().0);
            marks.extend(log.epochs().entries().iter().map(|entry| entry.start.0));
        }
        let cuts = self.referee.cuts.get(&id).into_iter().flatten();
        marks.extend(cuts.flat_map(|cut| cut.pieces.iter().flat_map(|piece| [piece.1.0, piece.2.0])));
        marks
    }

    fn copies(&self, id: TopicPartition, leader: BrokerId, part: &Broken) -> Vec<Copy> {
        let isr = self.controller().image().partition(id).map_or(&[][..], |partition| &partition.isr);
        let one = |broker: &Broker| {
            let holds = |log: &PartitionLog| log.contains(Offset(part.from), part.epoch);
            if broker.replicas().get(&id).is_some_and(|replica| holds(&replica.log)) {
                let (fate, because) = self.fate(broker, leader, isr.contains(&broker.id));
                return Some((broker.id, fate, because));
            }
            let mut cuts = self.referee.cuts.get(&id)?.iter().rev();
            let cut = cuts.find(|cut| cut.took(broker.id, part.epoch, part.from))?;
            Some((broker.id, Fate::Gone(cut.how), cut.because))
        };
        self.brokers.iter().filter_map(one).collect()
    }

    /// Of a broker that has them and does not lead.
    fn fate(&self, broker: &Broker, leader: BrokerId, in_sync: bool) -> (Fate, Option<EventId>) {
        let (me, other) = (NodeId::Broker(broker.id), NodeId::Broker(leader));
        let (Some(node), Some(peer)) = (self.number(me), self.number(other)) else { return (Fate::Deposed, None) };
        let host = &self.hosts[node as usize];
        let gap = host.gap_before(other);
        let faulty = self.network.faulty();
        let fate = match broker.phase() {
            _ if host.paused => Fate::Froze(gap),
            Phase::Down if broker.stopped_in_order() => Fate::Stopped,
            Phase::Stopping => Fate::Stopped,
            Phase::Down => Fate::Died(gap),
            _ if gap.is_some() => Fate::Died(gap),
            _ if faulty.contains(&(peer, me.stream())) || faulty.contains(&(node, other.stream())) => Fate::CutOff,
            Phase::Running if !in_sync => Fate::OutOfSync,
            _ => Fate::Deposed,
        };
        (fate, host.last)
    }
}

/// `101 and 102 died 40 ms before 103 fetched them`, a clause for each fate.
fn clauses(copies: &[Copy], leader: BrokerId, them: &str) -> Vec<String> {
    let mut clauses: Vec<String> = Vec::new();
    for (place, (_, fate, _)) in copies.iter().enumerate() {
        if copies[..place].iter().any(|(_, known, _)| known == fate) {
            continue;
        }
        let who: Vec<String> = copies.iter().filter(|(_, other, _)| other == fate).map(|(broker, ..)| broker.to_string()).collect();
        let who = match who.split_last() {
            Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
            _ => who.concat(),
        };
        let before = |verb: &str, gap: Option<SimDuration>| {
            let gap = gap.map_or(String::new(), |gap| format!("{} ", rounded(gap)));
            format!("{who} {verb} {gap}before {leader} fetched {them}")
        };
        clauses.push(match *fate {
            Fate::Died(gap) => before("died", gap),
            Fate::Froze(gap) => before("froze", gap),
            Fate::Stopped => before("stopped", None),
            Fate::Deposed => before("had to hand over", None),
            Fate::OutOfSync => format!("{who} had {them} on disk, out of sync"),
            Fate::CutOff => format!("{who} could not be reached by {leader}"),
            Fate::Gone(CutBy::Power) => format!("{who} lost power before flushing {them}"),
            Fate::Gone(CutBy::Damage) => format!("{who} found {them} damaged"),
            Fate::Gone(CutBy::Leader(other)) => format!("{who} cut {them} to follow {other}"),
            Fate::Gone(CutBy::Wipe) => format!("{who} lost the disk with {them}"),
        });
    }
    clauses
}

/// In whole milliseconds, or seconds once they are many.
fn rounded(gap: SimDuration) -> SimDuration {
    let unit = match gap.micros() {
        0..1_000 => 1,
        1_000..10_000_000 => 1_000,
        _ => 1_000_000,
    };
    SimDuration(gap.micros() / unit * unit)
}
