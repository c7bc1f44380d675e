//! Leaders and ISRs: every change of a partition, who asked for it and what the asker is told. Kafka's `ReplicationControlManager`.

use super::Controller;
use super::election::{Change, Election, Rules};
use super::reassignment::{Reassignment, Revert};
use crate::error::{ErrorCode, Refusal};
use crate::ids::{BrokerEpoch, BrokerId, EventId, TopicPartition};
use crate::metadata::{LeaderRecoveryState, MetadataRecord, PartitionRegistration};
use crate::node::Outbox;
use crate::planted::{Bug, planted};
use crate::protocol::{AlterPartitionItem, AlterPartitionRequest, AlteredPartition, IsrChange, IsrState};

/// Why a partition changes, for the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Fenced(BrokerId),
    ControlledShutdown(BrokerId),
    UncleanShutdown(BrokerId),
    Unregistered(BrokerId),
    Unfenced(BrokerId),
    Reported(IsrChange),
    /// The check of `leader.imbalance.check.interval.seconds`.
    Balance,
    /// The check of `unclean.leader.election.interval.ms`.
    UncleanCheck,
    /// Elections by hand.
    AskedPreferred,
    AskedUnclean,
    Reassigned,
    ReassignmentCancelled,
    MinIsrChanged,
    /// With ZooKeeper: a controller has just taken office.
    TermBegun,
}

impl Controller {
    /// Applies a change to one partition and tells what came of it; false when nothing changed.
    pub(super) fn change_partition(
        &mut self,
        id: TopicPartition,
        why: Why,
        because: Option<EventId>,
        out: &mut Outbox,
        wanted: &mut dyn FnMut(&mut Change<'_>),
    ) -> bool {
        let Some(after) = self.decide(id, why, wanted) else { return false };
        let name = self.image.name_of(id);
        if let Some(before) = self.image.partition(id) {
            super::telling::tell(&name, before, &after, why, &self.config, because, out);
        }
        self.append(&MetadataRecord::Partition { id, registration: after });
        true
    }

    fn decide(&self, id: TopicPartition, why: Why, wanted: &mut dyn FnMut(&mut Change<'_>)) -> Option<PartitionRegistration> {
        let topic = self.image.topic(id.topic)?;
        let before = self.image.partition(id)?;
        // Kafka asks the topic's setting everywhere but where the kind of election is given.
        let election = match why {
            Why::Balance | Why::AskedPreferred => Election::Preferred,
            Why::AskedUnclean | Why::UncleanCheck => Election::Unclean,
            Why::Reassigned => Election::Online,
            _ if topic.config.unclean_leader_election => Election::Unclean,
            _ => Election::Online,
        };
        let mut change = Change::of(before, election);
        wanted(&mut change);
        let gone = match why {
            Why::UncleanShutdown(broker) | Why::ControlledShutdown(broker) | Why::Fenced(broker) => Some(broker),
            _ => None,
        };
        let zookeeper = self.config.zookeeper();
        // The older controller lets a broker that stops lead on where nobody takes over.
        let stays = |broker| zookeeper && before.leader == Some(broker) && self.image.brokers.contains_key(&broker);
        let rules = Rules {
            acceptable: &|broker| (self.image.is_active(broker) || stays(broker)) && gone != Some(broker),
            new_epoch_with_isr: zookeeper && !matches!(why, Why::Reported(_)),
            min_isr: topic.effective_min_isr(),
            elr_enabled: self.config.eligible_leader_replicas,
        };
        change.decide(&rules)
    }

    pub fn alter_partitions(
        &mut self,
        broker: BrokerId,
        request: &AlterPartitionRequest,
        out: &mut Outbox,
    ) -> Result<Vec<AlteredPartition>, ErrorCode> {
        if self.image.brokers.get(&broker).is_none_or(|registration| registration.epoch != request.epoch) {
            return Err(ErrorCode::StaleBrokerEpoch);
        }
        Ok(request.partitions.iter().map(|item| (item.partition, self.alter_partition(broker, item, out))).collect())
    }

    /// A leader reports its ISR, and gets what the controller made of it.
    pub fn alter_partition(&mut self, broker: BrokerId, item: &AlterPartitionItem, out: &mut Outbox) -> Result<IsrState, ErrorCode> {
        if let Some(state) = self.reported_already(broker, item) {
            return Ok(state);
        }
        self.check_reported(broker, item)?;
        // What let a follower catch up is that it came back; why one lags only the world knows.
        let because = match item.why {
            IsrChange::CaughtUp(member) => self.trust.get(&member).copied(),
            IsrChange::Lagging(_) => None,
        };
        self.change_partition(item.partition, Why::Reported(item.why), because, out, &mut |change| {
            change.isr.clone_from(&item.new_isr);
            change.recovery = item.recovery;
        });
        let after = self.image.partition(item.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        // It completed a reassignment that leaves the leader out.
        if after.leader != Some(broker) {
            return Err(ErrorCode::NewLeaderElected);
        }
        Ok(IsrState { isr: after.isr.clone(), leader_epoch: after.leader_epoch, partition_epoch: after.partition_epoch })
    }

    /// `ReplicationControlManager.validateAlterPartitionData`.
    fn check_reported(&self, broker: BrokerId, item: &AlterPartitionItem) -> Result<(), ErrorCode> {
        let topic = self.image.topic(item.partition.topic).ok_or(ErrorCode::UnknownTopicId)?;
        let before = topic.partitions.get(item.partition.partition as usize).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let isr = &item.new_isr;
        let valid_isr = isr.iter().enumerate().all(|(i, member)| before.replicas.contains(member) && !isr[..i].contains(member));
        let recovering = item.recovery == LeaderRecoveryState::Recovering;
        let valid_recovery = !recovering || (isr.len() == 1 && before.recovery == LeaderRecoveryState::Recovering);
        if item.leader_epoch > before.leader_epoch || item.partition_epoch > before.partition_epoch {
            // The asker knows more than this controller: another one is active.
            Err(ErrorCode::NotController)
        } else if item.leader_epoch < before.leader_epoch {
            Err(ErrorCode::FencedLeaderEpoch)
        } else if before.leader != Some(broker) {
            Err(ErrorCode::InvalidRequest)
        } else if item.partition_epoch < before.partition_epoch && !planted(Bug::AnyPartitionEpochReports) {
            Err(ErrorCode::InvalidUpdateVersion)
        } else if !valid_isr || !isr.contains(&broker) || !valid_recovery {
            Err(ErrorCode::InvalidRequest)
        } else if isr.iter().enumerate().any(|(i, member)| !self.may_be_in_sync(*member, item.isr_epochs.get(i).copied().flatten())) {
            Err(ErrorCode::IneligibleReplica)
        } else {
            Ok(())
        }
    }

    /// Trusted, staying, and the very process the leader heard of (KIP-903).
    fn may_be_in_sync(&self, member: BrokerId, epoch: Option<BrokerEpoch>) -> bool {
        let known = self.image.brokers.get(&member);
        self.image.is_active(member)
            && epoch.filter(|_| !self.config.zookeeper()).is_none_or(|epoch| known.is_some_and(|registration| registration.epoch == epoch))
    }

    /// `kafka-leader-election.sh`: one partition's answer, by Kafka's errors.
    pub fn elect_leader(&mut self, id: TopicPartition, unclean: bool, because: Option<EventId>, out: &mut Outbox) -> Result<(), Refusal> {
        self.elect_as(id, if unclean { Why::AskedUnclean } else { Why::AskedPreferred }, because, out)
    }

    fn elect_as(&mut self, id: TopicPartition, why: Why, because: Option<EventId>, out: &mut Outbox) -> Result<(), Refusal> {
        let Some(partition) = self.image.partition(id) else {
            let message = format!("No such partition as {}", self.image.name_of(id));
            return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message));
        };
        let preferred = why == Why::AskedPreferred;
        let needed = if preferred { partition.leader != partition.preferred_leader() } else { partition.leader.is_none() };
        if !needed {
            return Err(Refusal::new(ErrorCode::ElectionNotNeeded, "Leader election not needed for topic partition."));
        }
        match self.change_partition(id, why, because, out, &mut |_| {}) {
            true => Ok(()),
            false if preferred => Err(Refusal::new(ErrorCode::PreferredLeaderNotAvailable, "The preferred leader was not available.")),
            false => Err(Refusal::new(ErrorCode::EligibleLeadersNotAvailable, "Eligible topic partition leaders are not available.")),
        }
    }

    /// As [`elect_leader`](Controller::elect_leader) for every partition; those that need no election are left out of the answer.
    pub fn elect_leaders(
        &mut self,
        unclean: bool,
        because: Option<EventId>,
        out: &mut Outbox,
    ) -> Vec<(TopicPartition, Result<(), Refusal>)> {
        let all = self.partitions_where(|_| true);
        let answers = all.into_iter().map(|id| (id, self.elect_leader(id, unclean, because, out)));
        answers.filter(|(_, answer)| !matches!(answer, Err(refusal) if refusal.code == ErrorCode::ElectionNotNeeded)).collect()
    }

    /// Every partition whose preferred replica is in sync and not leading gets it back.
    pub fn balance(&mut self, out: &mut Outbox) {
        let left_alone = self.balanced_brokers();
        let wanted = |leader: Option<BrokerId>| leader.is_none_or(|leader| !left_alone.contains(&leader));
        for id in self.partitions_where(|p| p.leader != p.preferred_leader() && wanted(p.preferred_leader())) {
            self.change_partition(id, Why::Balance, None, out, &mut |_| {});
        }
    }

    /// Partitions without a leader whose topics allow it are led by any live replica.
    pub fn elect_uncleanly(&mut self, out: &mut Outbox) {
        for id in self.partitions_where(|p| p.leader.is_none()) {
            if self.image.topic(id.topic).is_some_and(|topic| topic.config.unclean_leader_election) {
                self.change_partition(id, Why::UncleanCheck, None, out, &mut |_| {});
            }
        }
    }

    /// `kafka-reassign-partitions.sh`: moves a partition to `target`; `None` takes a reassignment under way back.
    pub fn reassign(
        &mut self,
        id: TopicPartition,
        target: Option<&[BrokerId]>,
        because: Option<EventId>,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let Some(partition) = self.image.partition(id) else {
            let message = format!("Unable to find partition {}.", self.image.name_of(id));
            return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message));
        };
        match target {
            Some(target) => {
                self.check_assignment(target, None)?;
                let Reassignment { replicas, adding, removing } = Reassignment::new(&partition.replicas, target);
                self.change_partition(id, Why::Reassigned, because, out, &mut |change| {
                    change.replicas.clone_from(&replicas);
                    // Kafka keeps the former sets where the new ones are empty.
                    if !removing.is_empty() {
                        change.removing.clone_from(&removing);
                    }
                    if !adding.is_empty() {
                        change.adding.clone_from(&adding);
                    }
                    if planted(Bug::MovedInSync) {
                        change.isr.extend(&adding);
                    }
                });
            }
            None => {
                let revert = self.revert(id, partition)?;
                self.change_partition(id, Why::ReassignmentCancelled, because, out, &mut |change| {
                    change.replicas.clone_from(&revert.replicas);
                    change.isr.clone_from(&revert.isr);
                    change.adding.clear();
                    change.removing.clear();
                });
            }
        }
        Ok(())
    }

    fn revert(&self, id: TopicPartition, partition: &PartitionRegistration) -> Result<Revert, Refusal> {
        if !partition.is_reassigning() {
            return Err(Refusal::new(ErrorCode::NoReassignmentInProgress, "No partition reassignment is in progress."));
        }
        let revert = Revert::of(partition);
        if revert.unclean && !self.image.topic(id.topic).is_some_and(|topic| topic.config.unclean_leader_election) {
            let name = self.image.name_of(id);
            let message = format!("Unable to revert partition assignment for {name} because it would require an unclean leader election.");
            return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
        }
        Ok(revert)
    }
}
