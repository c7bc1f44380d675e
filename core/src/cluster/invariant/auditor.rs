//! The auditor: looks at a cluster after every event and holds it to every must-hold invariant.
//!
//! It looks at what changed: the replicas of the brokers that acted, the partitions whose registration is another, what was said;
//! and at everything once in a thousand events. It changes nothing, and a cluster that is not audited pays nothing for it.

use super::ghost::{Ghost, Print};
use super::rows::{Row, Violation};
use crate::broker::Phase;
use crate::cluster::Cluster;
use crate::cluster::witness::Witness;
use crate::ids::{BrokerEpoch, BrokerId, ClientId, CorrelationId, TopicPartition};
use crate::metadata::{MetadataImage, MetadataRecord, TopicImage};
use crate::sorted::{SortedMap, SortedSet};
use crate::time::SimTime;
use std::sync::Arc;

/// Events between two looks at everything.
const SWEEP: u64 = 1_000;
/// Images kept to compare late brokers with.
const IMAGES: usize = 64;

#[derive(Clone, Debug)]
pub struct Auditor {
    pub(super) partitions: SortedMap<TopicPartition, Ghost>,
    /// The replicas of each broker at the last look, in order.
    prints: Vec<Vec<Print>>,
    brokers: Vec<BrokerSeen>,
    /// The controller's image at the last look.
    pub(super) image: Arc<MetadataImage>,
    images: Vec<Arc<MetadataImage>>,
    quorum: super::QuorumSeen,
    /// Produce requests that wait for an answer.
    pub(super) asked: SortedMap<(ClientId, CorrelationId), Asked>,
    pub(super) asked_latest: SortedSet<(ClientId, CorrelationId)>,
    /// What was appended in this event: where, by whom, and its serial.
    pub(super) appended: Vec<(BrokerId, TopicPartition, u32, u32)>,
    /// Batches that were answered in this event: by whom, and its serial.
    pub(super) answered: Vec<(ClientId, TopicPartition, u32)>,
    /// Brokers of which a new process registers.
    pub(super) registering: Vec<BrokerId>,
    /// The feature `eligible.leader.replicas.version` is 0.
    pub(super) without_elr: bool,
    /// Somebody asks for an unclean election by hand.
    pub(super) unclean_by_hand: bool,
    pub(super) groups: super::groups::GroupsSeen,
    witness: Witness,
    events: u64,
    changed: SortedSet<TopicPartition>,
    pub(super) found: Vec<(Row, String)>,
}

/// Whether with `acks=all`, and of each partition the records and the serial of their batch.
pub(super) type Asked = (bool, Vec<(TopicPartition, u32, u32)>);

#[derive(Clone, Copy, Debug)]
struct BrokerSeen {
    epoch: BrokerEpoch,
    image: u64,
}

impl Auditor {
    /// Begins to watch. What the cluster holds already is taken as it is.
    pub fn new(cluster: &mut Cluster) -> Self {
        cluster.begin_witness();
        let none = BrokerSeen { epoch: BrokerEpoch(-1), image: 0 };
        let mut auditor = Auditor {
            partitions: SortedMap::new(),
            prints: vec![Vec::new(); cluster.brokers().len()],
            brokers: vec![none; cluster.brokers().len()],
            image: Arc::default(),
            images: Vec::new(),
            quorum: Default::default(),
            asked: SortedMap::new(),
            asked_latest: SortedSet::new(),
            appended: Vec::new(),
            answered: Vec::new(),
            registering: Vec::new(),
            without_elr: !cluster.scenario().cluster.config.eligible_leader_replicas,
            unclean_by_hand: cluster.scenario().timeline.iter().any(|entry| entry.command.to_string().contains("unclean")),
            groups: Default::default(),
            witness: Witness::default(),
            events: 0,
            changed: SortedSet::new(),
            found: Vec::new(),
        };
        auditor.witness.commanded = true;
        auditor.look(cluster);
        auditor
    }

    /// Runs and looks after every event; stops at the first broken invariant or after so many events. True when `until` is reached.
    pub fn run(&mut self, cluster: &mut Cluster, until: SimTime, max_events: u64) -> Result<bool, Violation> {
        for _ in 0..max_events {
            if cluster.run_some(until, 1) {
                return Ok(true);
            }
            self.check(cluster)?;
        }
        Ok(false)
    }

    /// As [`run`](Auditor::run), however many events it takes.
    pub fn run_until(&mut self, cluster: &mut Cluster, until: SimTime) -> Result<(), Violation> {
        self.run(cluster, until, u64::MAX).map(drop)
    }

    /// One look, after an event or a command.
    pub fn check(&mut self, cluster: &mut Cluster) -> Result<(), Violation> {
        let mut witness = std::mem::take(&mut self.witness);
        cluster.take_witness(&mut witness);
        self.witness = witness;
        self.events += 1;
        self.look(cluster);
        if self.events.is_multiple_of(SWEEP) {
            self.sweep(cluster);
        }
        match self.found.drain(..).next() {
            None => Ok(()),
            Some((row, text)) => Err(Violation { row, at: cluster.now(), step: cluster.steps(), text }),
        }
    }

    /// Some partition may have lost what was committed, by an unclean election or because too many copies lost their end.
    pub fn anything_may_be_gone(&self) -> bool {
        self.partitions.values().any(|ghost| ghost.tainted)
    }

    fn look(&mut self, cluster: &Cluster) {
        self.appended.clear();
        self.answered.clear();
        self.changed.clear();
        let commanded = self.witness.commanded;
        // Whoever joins comes behind those who are there.
        let brokers = cluster.brokers().len();
        self.prints.resize(brokers, Vec::new());
        self.brokers.resize(brokers, BrokerSeen { epoch: BrokerEpoch(-1), image: 0 });
        if commanded {
            (0..cluster.brokers().len()).for_each(|place| self.look_at_broker(cluster, place, commanded));
        } else {
            let acted = std::mem::take(&mut self.witness.acted);
            for node in &acted {
                if let Some(place) = cluster.broker_place(*node) {
                    self.look_at_broker(cluster, place, commanded);
                }
            }
            self.witness.acted = acted;
        }
        let voters = cluster.controllers().len() as u32;
        if commanded || self.witness.acted.iter().any(|node| *node < voters) {
            let broken = self.quorum.look(cluster);
            self.found.extend(broken.into_iter().map(|text| (Row::K1, text)));
        }
        self.look_at_controller(cluster);
        let changed = std::mem::take(&mut self.changed);
        for id in changed.iter() {
            self.check_partition(cluster, *id);
        }
        self.changed = changed;
        let acted = std::mem::take(&mut self.witness.acted);
        let has_acted = |is: &dyn Fn(u32) -> bool| commanded || acted.iter().any(|node| is(*node));
        for (place, broker) in cluster.brokers().iter().enumerate() {
            if has_acted(&|node| cluster.broker_place(node) == Some(place)) {
                self.look_at_groups(broker);
            }
        }
        let said = std::mem::take(&mut self.witness.said);
        for said in &said {
            self.check_said(cluster, said);
        }
        self.witness.said = said;
        for place in 0..cluster.consumers().len() {
            if has_acted(&|node| cluster.consumer_at(node) == Some(place)) {
                self.look_at_member(cluster, place);
            }
        }
        self.witness.acted = acted;
    }

    fn look_at_broker(&mut self, cluster: &Cluster, place: usize, commanded: bool) {
        let broker = &cluster.brokers()[place];
        if self.prints[place].len() != broker.replicas().len()
            || self.prints[place].iter().zip(broker.replicas().keys()).any(|(p, id)| p.id != *id)
        {
            self.align(cluster, place);
        }
        for (i, (id, replica)) in broker.replicas().iter().enumerate() {
            let print = Print::of(*id, replica);
            if self.prints[place][i] != print {
                self.prints[place][i] = print;
                self.changed.insert(*id);
                // A process may also end by itself, when its disk fails.
                self.copy_changed(cluster, broker, *id, replica, commanded || broker.phase() == Phase::Down);
            }
        }
        self.look_at_image(cluster, place);
    }

    /// Replicas came or went.
    fn align(&mut self, cluster: &Cluster, place: usize) {
        let broker = &cluster.brokers()[place];
        let old = std::mem::take(&mut self.prints[place]);
        let known = |id: &TopicPartition| old.iter().find(|print| print.id == *id).copied();
        self.prints[place] = broker.replicas().keys().map(|id| known(id).unwrap_or_else(|| Print::none(*id))).collect();
        let anew = self.witness.commanded && broker.phase() == Phase::Registering;
        for gone in old.iter().filter(|print| !broker.replicas().contains_key(&print.id)) {
            let Some(ghost) = self.partitions.get_mut(&gone.id) else { continue };
            let copy = ghost.copies.remove(&broker.id).unwrap_or_default();
            ghost.lossy.remove(&broker.id);
            // Another machine with an empty disk took its number, and its copies are missed.
            if anew && self.image.partition(gone.id).is_some_and(|partition| partition.replicas.contains(&broker.id)) {
                ghost.loses(broker.id, copy.log_end);
            }
        }
    }

    /// I17: what a broker knows is a prefix of what the controller committed. I13: its epochs never fall.
    fn look_at_image(&mut self, cluster: &Cluster, place: usize) {
        let broker = &cluster.brokers()[place];
        let known = broker.image();
        let seen = &mut self.brokers[place];
        if known.offset != seen.image && broker.phase() != Phase::Down {
            let committed = cluster.controller().image();
            let same = match known.offset {
                offset if offset > committed.offset => false,
                offset if offset == committed.offset => std::ptr::eq(known, &**committed) || *known == **committed,
                offset => self
                    .images
                    .iter()
                    .find(|image| image.offset == offset)
                    .is_none_or(|image| std::ptr::eq(known, &**image) || *known == **image),
            };
            if !same {
                self.found.push((Row::I17, format!("broker {} knows another metadata log at offset {}", broker.id, known.offset)));
            }
            seen.image = known.offset;
        }
    }

    fn look_at_controller(&mut self, cluster: &Cluster) {
        let image = cluster.controller().image();
        if Arc::ptr_eq(image, &self.image) {
            return;
        }
        let before = std::mem::replace(&mut self.image, Arc::clone(image));
        self.images.push(Arc::clone(image));
        if self.images.len() > IMAGES {
            self.images.remove(0);
        }
        if image.offset < before.offset {
            self.found.push((Row::I17, format!("the committed metadata fell from offset {} to {}", before.offset, image.offset)));
        }
        for (i, broker) in cluster.brokers().iter().enumerate() {
            let Some(registration) = image.brokers.get(&broker.id) else { continue };
            if registration.epoch < self.brokers[i].epoch {
                self.found.push((Row::I13, format!("the epoch of broker {} fell to {}", broker.id, registration.epoch.0)));
            }
            self.brokers[i].epoch = registration.epoch;
        }
        self.replay(cluster, &before);
        let activity = image.brokers != before.brokers;
        for topic in image.topics() {
            let old = before.topic(topic.id);
            if !activity && old.is_some_and(|old| std::ptr::eq(old, topic)) {
                continue;
            }
            for (partition, registration) in topic.partitions.iter().enumerate() {
                let id = TopicPartition { topic: topic.id, partition: partition as u32 };
                let old = old.and_then(|old| old.partitions.get(partition));
                if activity || old.is_none_or(|old| !Arc::ptr_eq(old, registration)) {
                    self.check_shape(topic, id, registration);
                    self.changed.insert(id);
                }
            }
        }
    }

    /// Several changes may be committed at once: each is looked at by itself.
    fn replay(&mut self, cluster: &Cluster, before: &MetadataImage) {
        let mut image = before.clone();
        let log = cluster.controller().raft().log();
        let registered = log.range(before.offset, log.end()).iter().filter_map(|entry| match &entry.record {
            MetadataRecord::RegisterBroker { broker, .. } => Some(*broker),
            _ => None,
        });
        self.registering = registered.collect();
        let mut reconfigured = None;
        for entry in cluster.controller().raft().log().range(before.offset, self.image.offset) {
            let id = match &entry.record {
                MetadataRecord::Partition { id, .. } => Some(*id),
                _ => None,
            };
            match &entry.record {
                MetadataRecord::TopicConfig { id, .. } => reconfigured = Some(*id),
                MetadataRecord::Partition { .. } => {}
                _ => reconfigured = None,
            }
            let old = id.and_then(|id| image.partition(id).cloned());
            let min_isr = id.and_then(|id| image.topic(id.topic)).map_or(0, TopicImage::effective_min_isr);
            image.replay(&entry.record);
            if let (Some(id), Some(old)) = (id, old)
                && let (Some(topic), Some(new)) = (image.topic(id.topic), image.partition(id))
            {
                self.registration_changed(cluster, topic, id, &old, new);
                // `ClearElrRecord`: another minimum forgets who is eligible.
                if reconfigured != Some(id.topic) || old.isr != new.isr {
                    self.check_eligible(min_isr, id, &old, new);
                }
            }
        }
    }

    /// Everything, from the logs themselves.
    fn sweep(&mut self, cluster: &Cluster) {
        for broker in cluster.brokers() {
            for (id, replica) in broker.replicas().iter() {
                self.check_whole_copy(broker, *id, replica);
            }
        }
        let all: Vec<TopicPartition> = self.partitions.keys().copied().collect();
        for id in all {
            self.check_partition(cluster, id);
            self.check_promises(id);
        }
    }

    /// What was committed, promised and told so far, for a model that tells states apart.
    pub fn remembered(&self) -> &impl std::fmt::Debug {
        &self.partitions
    }

    /// In this event a process went on after a pause.
    pub(super) fn resumed(&self) -> bool {
        self.witness.resumed
    }

    /// The user or the timeline did something.
    pub(super) fn commanded(&self) -> bool {
        self.witness.commanded
    }

    pub(super) fn name(&self, id: TopicPartition) -> String {
        self.image.name_of(id)
    }

    pub(super) fn fail(&mut self, row: Row, text: String) {
        self.found.push((row, text));
    }
}
