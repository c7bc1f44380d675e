//! What the controller of a cluster with ZooKeeper did otherwise: one of the brokers, told by watches who is there. Kafka 3.9's
//! `KafkaController`, with its `ReplicaStateMachine` and `PartitionStateMachine`.

use super::Controller;
use super::leaders::Why;
use super::legacy::{self, Start};
use super::topics::Draw;
use crate::error::{ErrorCode, Refusal};
use crate::ids::{BrokerId, EventId};
use crate::metadata::{MetadataImage, MetadataRecord, PartitionRegistration};
use crate::node::Outbox;
use crate::protocol::{AlterPartitionItem, BrokerHeartbeatRequest, HeartbeatAnswer, IsrState};
use crate::sorted::{SortedMap, SortedSet, settle};
use crate::time::SimDuration;
use crate::trace::EventKind;
use std::sync::Arc;

/// A new controller looks for leaders that are not preferred so soon (`onControllerFailover`).
pub(super) const FIRST_BALANCE: SimDuration = SimDuration::from_secs(5);

impl Controller {
    /// Before the run begins `/controller` is there.
    pub fn claim(&mut self, broker: BrokerId) {
        self.append(&MetadataRecord::Controller(Some(broker)));
    }

    /// It has just created `/controller`: whoever is gone by now leaves the ISRs, and what has no leader may get one.
    pub fn begin_term(&mut self, elected: EventId, out: &mut Outbox) {
        self.trust = self.image.session_events.clone();
        self.brokers_failed(out);
        self.elect_offline(Why::TermBegun, elected, out);
    }

    /// `/brokers/ids` is another than it was (`processBrokerChange`): a process that came back with a new session was away.
    pub fn brokers_changed(&mut self, znodes: &MetadataImage, out: &mut Outbox) {
        let known = |broker: &BrokerId| self.image.brokers.get(broker).map(|registration| registration.epoch);
        let gone = |broker: &BrokerId| known(broker) != znodes.brokers.get(broker).map(|registration| registration.epoch);
        let lost: Vec<BrokerId> = self.image.brokers.keys().copied().filter(|broker| gone(broker)).collect();
        let found: Vec<BrokerId> = znodes.brokers.keys().copied().filter(gone).collect();
        if lost.is_empty() && found.is_empty() {
            return;
        }
        let image = Arc::make_mut(&mut self.image);
        for broker in &lost {
            image.brokers.remove(broker);
        }
        self.trust = znodes.session_events.clone();
        if !lost.is_empty() {
            self.brokers_failed(out);
        }
        for broker in found {
            let Some(registration) = znodes.brokers.get(&broker).cloned() else { continue };
            Arc::make_mut(&mut self.image).brokers.insert(broker, registration);
            let event = out.note(
                EventKind::BrokerUnfenced,
                broker.to_string(),
                format!("The controller sees broker {broker} and tells it what it follows. It leads nothing by that alone."),
                "A watch on /brokers/ids tells the controller of every new session".to_owned(),
                self.trust.get(&broker).copied().into_iter().collect(),
            );
            self.trust.insert(broker, event);
            self.elect_offline(Why::Unfenced(broker), event, out);
        }
    }

    /// `onBrokerFailure`: brokers without a session lead nothing and are in sync with nobody; the last of an ISR stays in it.
    fn brokers_failed(&mut self, out: &mut Outbox) {
        let image = Arc::clone(&self.image);
        let lives = |broker: &BrokerId| image.brokers.contains_key(broker);
        for id in self.partitions_where(|p| p.isr.iter().any(|broker| !lives(broker)) && (p.isr.len() > 1 || p.leader.is_some())) {
            let Some(before) = image.partition(id) else { continue };
            let Some(failed) = before.leader.filter(|leader| !lives(leader)).or(before.isr.iter().copied().find(|b| !lives(b))) else {
                continue;
            };
            let because = self.trust.get(&failed).copied();
            self.change_partition(id, Why::Fenced(failed), because, out, &mut |change| match change.isr.iter().any(lives) {
                true => change.isr.retain(lives),
                false => drop(change.isr.drain(..change.isr.len() - 1)),
            });
        }
    }

    /// `triggerOnlinePartitionStateChange`.
    fn elect_offline(&mut self, why: Why, because: EventId, out: &mut Outbox) {
        for id in self.partitions_where(|p| p.leader.is_none()) {
            self.change_partition(id, why, Some(because), out, &mut |_| {});
        }
    }

    /// `ControlledShutdownRequest`: others lead where they can. It may stop when it leads nothing that has other copies.
    pub(super) fn shut_down_in_order(
        &mut self,
        broker: BrokerId,
        request: &BrokerHeartbeatRequest,
        out: &mut Outbox,
    ) -> Result<HeartbeatAnswer, ErrorCode> {
        let known = self.image.brokers.get(&broker).filter(|registration| registration.epoch == request.epoch);
        let Some(known) = known else { return Err(ErrorCode::StaleBrokerEpoch) };
        if !known.in_controlled_shutdown {
            self.append(&MetadataRecord::ControlledShutdown(broker));
            let event = out.note(
                EventKind::BrokerStopping,
                broker.to_string(),
                format!("Broker {broker} asked the controller for leave to stop. Its leaderships move away first."),
                "controlled.shutdown.enable = true: a stopping broker hands over before it goes".to_owned(),
                request.because.into_iter().collect(),
            );
            self.trust.insert(broker, event);
        }
        let because = self.trust.get(&broker).copied();
        let copied = |p: &PartitionRegistration| p.replicas.len() > 1 && p.isr.contains(&broker);
        let replaceable = |p: &PartitionRegistration| p.leader != Some(broker) || p.isr.iter().any(|member| self.image.is_active(*member));
        for id in self.partitions_where(|p| copied(p) && replaceable(p)) {
            self.change_partition(id, Why::ControlledShutdown(broker), because, out, &mut |change| {
                change.isr.retain(|member| *member != broker);
            });
        }
        let leads = self.image.partitions().any(|(_, p)| p.leader == Some(broker) && p.replicas.len() > 1);
        Ok(HeartbeatAnswer { fenced: false, should_shut_down: !leads })
    }

    /// A leader that repeats what is written already is told so (`equalsAllowStalePartitionEpoch`).
    pub(super) fn reported_already(&self, broker: BrokerId, item: &AlterPartitionItem) -> Option<IsrState> {
        let known = self.image.partition(item.partition).filter(|_| self.config.zookeeper())?;
        let same = known.leader == Some(broker) && known.leader_epoch == item.leader_epoch && known.isr == item.new_isr;
        (same && known.recovery == item.recovery && item.partition_epoch <= known.partition_epoch).then(|| IsrState {
            isr: known.isr.clone(),
            leader_epoch: known.leader_epoch,
            partition_epoch: known.partition_epoch,
        })
    }

    /// Brokers that lead nearly all they are preferred for; with ZooKeeper the rest stays (`leader.imbalance.per.broker.percentage`).
    pub(super) fn balanced_brokers(&self) -> SortedSet<BrokerId> {
        let mut counts: SortedMap<BrokerId, (usize, usize)> = SortedMap::new();
        for (_, partition) in self.image.partitions().filter(|_| self.config.zookeeper()) {
            let Some(preferred) = partition.preferred_leader() else { continue };
            let (all, elsewhere) = counts.entry(preferred).or_default();
            *all += 1;
            *elsewhere += usize::from(partition.leader != Some(preferred));
        }
        let most = self.config.leader_imbalance_per_broker as usize;
        counts.iter().filter(|(_, (all, elsewhere))| elsewhere * 100 <= all * most).map(|(broker, _)| *broker).collect()
    }

    /// `AdminUtils.assignReplicasToBrokers`: new partitions of a topic go on where its first one begins.
    #[inline(never)]
    pub(super) fn legacy_places(
        &self,
        partitions: u32,
        copies: u32,
        existing: &[Arc<PartitionRegistration>],
        draw: Draw,
    ) -> Result<Vec<Vec<BrokerId>>, Refusal> {
        let mut brokers = self.usable_brokers();
        settle(&mut brokers, |a, b| a.id < b.id);
        let first = existing.first().and_then(|partition| partition.preferred_leader());
        let (index, shift) = match first {
            Some(first) => {
                let index = brokers.iter().position(|broker| broker.id >= first).unwrap_or(0) as u32;
                (index, index)
            }
            None => {
                let brokers = brokers.len().max(1) as u32;
                (draw(brokers), draw(brokers))
            }
        };
        legacy::rounds(&brokers, partitions as i32, copies as i32, Start { index, shift, first_partition: existing.len() as u32 })
    }
}
