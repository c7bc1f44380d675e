//! G1–G6: who owns what, which commits are taken and kept, what members may do.
//!
//! The coordinator is looked at where the controller says it is: a broker that was deposed and does not know answers from what it
//! knew, as Kafka's does. What a coordinator knows and has not yet committed may be gone with it; what it told somebody may not.

use super::auditor::Auditor;
use super::rows::Row;
use crate::broker::Broker;
use crate::client::consumer::Consumer;
use crate::cluster::Cluster;
use crate::cluster::witness::GroupSaid;
use crate::group::classic::{Group, GroupState};
use crate::group::consumer::{ConsumerGroup, ConsumerGroupState};
use crate::group::consumer_protocol::read_assignment;
use crate::group::{AnyGroup, GroupOffsets};
use crate::ids::{BrokerEpoch, BrokerId, ClientId, CorrelationId, LeaderEpoch, Offset, TopicPartition};
use crate::protocol::MemberRef;
use crate::scenario::CommitMode;
use crate::sorted::{SortedMap, SortedSet};
use std::sync::Arc;

/// What an auditor remembers of groups and their members.
#[derive(Clone, Debug, Default)]
pub struct GroupsSeen {
    groups: SortedMap<Arc<str>, GroupSeen>,
    clients: SortedMap<ClientId, ClientSeen>,
    /// Commits that were sent and not answered.
    committing: SortedMap<(ClientId, CorrelationId), Committing>,
    /// Questions for committed offsets that were not answered: the group, and for which partitions.
    fetching: SortedMap<(ClientId, CorrelationId), (Arc<str>, Vec<TopicPartition>)>,
}

type Committing = (MemberRef, Vec<(TopicPartition, Offset)>);

/// By name and number, as the coordinator keeps them.
type Key = (Arc<str>, u32);

#[derive(Clone, Debug, Default)]
struct GroupSeen {
    /// Which process coordinated it at the last look: another, or the same after it lost and got its office back, has only what was
    /// written.
    tenure: Option<(BrokerId, Option<BrokerEpoch>, LeaderEpoch)>,
    /// A coordinator that takes over reads to the end of its log, though not all of that may be committed yet, and goes by it
    /// (`CoordinatorLoaderImpl`): that far. What only it has may be gone with it.
    read_ahead: Option<Offset>,
    /// The greatest in which assignments were handed out.
    generation: i32,
    /// Of the group, and of its assignment.
    epochs: (i32, i32),
    member_epochs: SortedMap<Arc<str>, i32>,
    /// The epoch that each member was told last.
    told: SortedMap<Arc<str>, i32>,
    /// The greatest epoch of the group that a coordinator had which did not read ahead.
    certain: i32,
    commits: SortedMap<Key, Commits>,
}

/// Commits of a partition.
#[derive(Clone, Debug, Default)]
struct Commits {
    /// What was asked for and, after it, what was taken, from the last on that was acknowledged: any of it may stand there.
    possible: Vec<Offset>,
    acknowledged: bool,
    /// As the coordinator had it at the last look.
    stands: Option<(Offset, i64)>,
}

#[derive(Clone, Debug, Default)]
struct ClientSeen {
    owned: SortedMap<TopicPartition, Option<Offset>>,
    /// Where its application must go on.
    next: SortedMap<TopicPartition, Offset>,
    /// Its application still works on records of partitions that were taken from it: nobody can tell it.
    left_over: bool,
}

impl Auditor {
    /// One broker took a step: the groups it coordinates, as far as the controller thinks so too.
    pub(super) fn look_at_groups(&mut self, broker: &Broker) {
        let Some(topic) = self.image.offsets_topic() else { return };
        for (partition, shard) in broker.groups().shards() {
            let id = TopicPartition { topic, partition: *partition };
            let Some(known) = self.image.partition(id).filter(|known| known.leader == Some(broker.id)) else { continue };
            let epoch = known.leader_epoch;
            // What was written there may be gone: nothing holds any more.
            let tainted = self.partitions.get(&id).is_some_and(|ghost| ghost.tainted);
            let Some(replica) = broker.replicas().get(&id).filter(|replica| replica.leader_epoch == epoch && !tainted) else { continue };
            let process = self.image.brokers.get(&broker.id).map(|registration| registration.epoch);
            let tenure = (broker.id, process, replica.leader_epoch);
            for (name, group) in &shard.groups {
                let mut seen = self.groups.groups.remove(name).unwrap_or_default();
                let loaded = seen.tenure.replace(tenure) != Some(tenure);
                let ahead = if loaded { Some(replica.log.log_end()) } else { seen.read_ahead };
                seen.read_ahead = ahead.filter(|end| *end > replica.high_watermark);
                match group {
                    AnyGroup::Classic(group) => self.look_at_classic(name, group, &mut seen),
                    AnyGroup::Consumer(group) => self.look_at_consumer(name, group, &mut seen, loaded),
                }
                let none = GroupOffsets::new();
                self.look_at_offsets(name, group, shard.offsets.get(name).unwrap_or(&none), &mut seen, loaded);
                self.groups.groups.insert(Arc::clone(name), seen);
            }
        }
    }

    /// G1 and G3 of a generation that has its assignments.
    fn look_at_classic(&mut self, name: &str, group: &Group, seen: &mut GroupSeen) {
        if group.state != GroupState::Stable {
            return;
        }
        if group.generation < seen.generation {
            self.fail(Row::G3, format!("group {name} fell from generation {} to {}", seen.generation, group.generation));
        }
        if seen.read_ahead.is_some() {
            return;
        }
        let same = seen.generation == group.generation;
        seen.generation = group.generation;
        if same {
            return;
        }
        let mut owned: SortedMap<Arc<str>, SortedSet<u32>> = SortedMap::new();
        for member in group.members.values() {
            for (topic, partitions) in read_assignment(&member.assignment).unwrap_or_default() {
                for partition in partitions {
                    if !owned.entry(Arc::clone(&topic)).or_default().insert(partition) {
                        self.fail(Row::G1, format!("{topic}-{partition} has two owners in generation {} of {name}", group.generation));
                    }
                }
            }
        }
        // A cooperative assignor leaves out what somebody must first give up.
        if group.protocol.as_deref() != Some("cooperative-sticky") {
            self.check_complete(name, &owned);
        }
    }

    /// G1: an assignment covers its topics. How many partitions a topic had when it was made is told by the last one in it.
    fn check_complete(&mut self, name: &str, owned: &SortedMap<Arc<str>, SortedSet<u32>>) {
        for (topic, partitions) in owned {
            if partitions.last().is_some_and(|last| *last as usize + 1 != partitions.len()) {
                self.fail(Row::G1, format!("the assignment of {name} leaves out partitions of {topic}"));
            }
        }
    }

    /// G1, G3 and G4 under the new protocol.
    fn look_at_consumer(&mut self, name: &str, group: &ConsumerGroup, seen: &mut GroupSeen, loaded: bool) {
        let epochs = (group.epoch, group.assignment_epoch);
        if !loaded && (epochs.0 < seen.epochs.0 || epochs.1 < seen.epochs.1) {
            self.fail(Row::G3, format!("epochs of {name} fell from {:?} to {epochs:?}", seen.epochs));
        }
        seen.epochs = epochs;
        if seen.read_ahead.is_none() {
            seen.certain = seen.certain.max(group.epoch);
        }
        if group.assignment_epoch > group.epoch {
            self.fail(Row::G4, format!("the assignment of {name} is of epoch {}, the group of {}", group.assignment_epoch, group.epoch));
        }
        let mut owned: SortedMap<TopicPartition, &Arc<str>> = SortedMap::new();
        for (id, member) in &group.members {
            let before = seen.member_epochs.get(id).copied().unwrap_or(-1);
            // A static member that is away says so with -2, and comes back under another id.
            if !loaded && member.epoch < before && member.epoch >= 0 {
                self.fail(Row::G3, format!("member {id} of {name} fell from epoch {before} to {}", member.epoch));
            }
            if member.epoch > group.assignment_epoch || (member.epoch >= 0 && member.previous_epoch > member.epoch) {
                let text = format!("member {id} of {name} is at epoch {}, the assignment at {}", member.epoch, group.assignment_epoch);
                self.fail(Row::G4, text);
            }
            for partition in member.assigned.keys().chain(member.pending_revocation.keys()) {
                if owned.insert(*partition, id).is_some_and(|other| other != id) {
                    self.fail(Row::G4, format!("{} was given to {id} before its owner gave it up", self.name(*partition)));
                }
            }
            let target = group.target.get(id).map(|target| &target[..]).unwrap_or_default();
            if group.state() == ConsumerGroupState::Stable && !member.assigned.keys().eq(target) {
                self.fail(Row::G4, format!("group {name} is Stable, and {id} has not what it should"));
            }
        }
        seen.member_epochs = group.members.iter().map(|(id, member)| (Arc::clone(id), member.epoch)).collect();
        if group.epoch == group.assignment_epoch {
            let mut targets: SortedMap<Arc<str>, SortedSet<u32>> = SortedMap::new();
            for partition in group.target.values().flat_map(|target| target.iter()) {
                let topic = self.image.topic(partition.topic).map(|topic| Arc::clone(&topic.name));
                if topic.is_some_and(|topic| !targets.entry(topic).or_default().insert(partition.partition)) {
                    self.fail(Row::G1, format!("{} has two owners in the target of {name}", self.name(*partition)));
                }
            }
            self.check_complete(name, &targets);
        }
    }

    /// G2 of what was committed since the last look; G6 of what a new coordinator found.
    fn look_at_offsets(&mut self, name: &Arc<str>, group: &AnyGroup, offsets: &GroupOffsets, seen: &mut GroupSeen, loaded: bool) {
        if loaded {
            for (key, commits) in &seen.commits {
                let found = offsets.get(key).map(|value| value.offset);
                if commits.acknowledged && !found.is_some_and(|found| commits.possible.contains(&found)) {
                    let (topic, partition) = key;
                    let text = format!("a new coordinator of {name} found {found:?} for {topic}-{partition}, not {:?}", commits.possible);
                    self.fail(Row::G6, text);
                }
            }
        }
        for (key, value) in offsets {
            let commits = seen.commits.entry(key.clone()).or_default();
            let stands = Some((value.offset, value.commit_timestamp_ms));
            if commits.stands == stands {
                continue;
            }
            commits.stands = stands;
            commits.possible.push(value.offset);
            if !loaded && !self.commanded() && !self.resumed() && !self.may_have_committed(name, group, key, value.offset) {
                let text = format!("group {name} took {}-{}@{} from nobody that may commit it", key.0, key.1, value.offset);
                self.fail(Row::G2, text);
            }
        }
    }

    /// Somebody who asked for it is a member, and of the generation or epoch the group is in.
    fn may_have_committed(&self, name: &Arc<str>, group: &AnyGroup, key: &Key, offset: Offset) -> bool {
        let is = |id: &TopicPartition| id.partition == key.1 && self.image.topic(id.topic).is_some_and(|topic| topic.name == key.0);
        let may = |asked: &MemberRef, id: &TopicPartition| match group {
            AnyGroup::Classic(group) if group.members.is_empty() => asked.generation < 0,
            AnyGroup::Classic(group) => {
                group.generation == asked.generation
                    && group.members.contains_key(&asked.member_id)
                    && group.state != GroupState::CompletingRebalance
            }
            AnyGroup::Consumer(group) if group.members.is_empty() => asked.generation < 0,
            // A member may also still commit what it has had since an earlier epoch (KIP-1251).
            AnyGroup::Consumer(group) => group.members.get(&asked.member_id).is_some_and(|member| {
                let since = member.assigned.get(id).or_else(|| member.pending_revocation.get(id));
                asked.generation == member.epoch
                    || (asked.generation < member.epoch && since.is_some_and(|since| *since <= asked.generation))
            }),
        };
        let asked = |(asked, offsets): &Committing| {
            asked.group == *name && offsets.iter().any(|(id, at)| *at == offset && is(id) && may(asked, id))
        };
        self.groups.committing.values().any(asked)
    }

    pub(super) fn check_group_said(&mut self, cluster: &Cluster, said: &GroupSaid) {
        match said {
            GroupSaid::Committing { client, id, member, offsets } => {
                self.check_commit(cluster, *client, offsets);
                for (partition, offset) in offsets {
                    if let Some(commits) = self.commits(&member.group, *partition) {
                        commits.possible.push(*offset);
                    }
                }
                self.groups.committing.insert((*client, *id), (member.clone(), offsets.clone()));
            }
            GroupSaid::Committed { client, id, taken } => {
                let Some((member, offsets)) = self.groups.committing.remove(&(*client, *id)).filter(|_| *taken) else { return };
                for (partition, offset) in offsets {
                    self.acknowledged(&member.group, partition, offset);
                }
            }
            GroupSaid::Fetching { client, id, group, partitions } => {
                self.groups.fetching.insert((*client, *id), (Arc::clone(group), partitions.clone()));
            }
            GroupSaid::Fetched { broker, client, id, answer } => {
                let Some((group, asked)) = self.groups.fetching.remove(&(*client, *id)) else { return };
                self.check_fetched(*broker, &group, &asked, answer);
            }
            GroupSaid::Epoch { group, member, epoch } => {
                let seen = self.groups.groups.entry(Arc::clone(group)).or_default();
                let before = seen.told.get(member).copied().unwrap_or(0);
                if *epoch <= seen.certain {
                    seen.told.insert(Arc::clone(member), *epoch);
                }
                if *epoch < before && !self.lost_records() {
                    self.fail(Row::G3, format!("member {member} of {group} was told epoch {epoch} after {before}"));
                }
            }
        }
    }

    fn commits(&mut self, group: &Arc<str>, id: TopicPartition) -> Option<&mut Commits> {
        let topic = Arc::clone(&self.image.topic(id.topic)?.name);
        let seen = self.groups.groups.entry(Arc::clone(group)).or_default();
        Some(seen.commits.entry((topic, id.partition)).or_default())
    }

    fn acknowledged(&mut self, group: &Arc<str>, id: TopicPartition, offset: Offset) {
        let Some(commits) = self.commits(group, id) else { return };
        let place = commits.possible.iter().rposition(|possible| *possible == offset).unwrap_or_default();
        commits.possible.drain(..place);
        commits.acknowledged = true;
    }

    /// G6: who asks the coordinator gets the last commit that was acknowledged, or a later one.
    fn check_fetched(&mut self, broker: BrokerId, group: &Arc<str>, asked: &[TopicPartition], answer: &SortedMap<TopicPartition, Offset>) {
        let coordinates = |seen: &&GroupSeen| seen.tenure.is_some_and(|(coordinator, ..)| coordinator == broker);
        let Some(seen) = self.groups.groups.get(group).filter(coordinates) else { return };
        let offsets = self.image.offsets_topic();
        let leads = |id: &TopicPartition| self.image.partition(*id).is_some_and(|known| known.leader == Some(broker));
        let shard = offsets.and_then(|topic| self.image.partitions_of(topic).find(leads));
        if self.resumed() || shard.is_none_or(|id| self.partitions.get(&id).is_some_and(|ghost| ghost.tainted)) {
            return;
        }
        for id in asked {
            let Some(topic) = self.image.topic(id.topic) else { continue };
            let Some(commits) = seen.commits.get(&(Arc::clone(&topic.name), id.partition)) else { continue };
            let told = answer.get(id);
            if commits.acknowledged && !told.is_some_and(|told| commits.possible.contains(told)) {
                let text = format!("{} of {group} was told as {told:?}, though {:?} were committed", self.name(*id), commits.possible);
                return self.fail(Row::G6, text);
            }
        }
    }

    /// G5: a member commits what it owns, and no further than it has read.
    fn check_commit(&mut self, cluster: &Cluster, client: ClientId, offsets: &[(TopicPartition, Offset)]) {
        let Some(consumer) = consumer(cluster, client) else { return };
        let before = self.groups.clients.get(&client).map(|seen| &seen.owned);
        for (id, offset) in offsets {
            let now = consumer.positions().find(|(owned, _)| owned == id).map(|(_, position)| position);
            let then = before.and_then(|before| before.get(id).copied());
            let reached = now.flatten().max(then.flatten());
            if now.or(then).is_none() || reached.is_some_and(|reached| *offset > reached) {
                let text = format!("{} commits {}@{offset}, having read to {reached:?}", consumer.name, self.name(*id));
                return self.fail(Row::G5, text);
            }
        }
    }

    /// G5: an application gets records of partitions its member owns, one after the other.
    pub(super) fn check_handed_over(&mut self, cluster: &Cluster, client: ClientId, id: TopicPartition, from: Offset, to: Offset) {
        let Some(consumer) = consumer(cluster, client) else { return };
        let tainted = self.partitions.get(&id).is_some_and(|ghost| ghost.tainted);
        let seen = self.groups.clients.entry(client).or_default();
        let owned = seen.owned.contains_key(&id) || consumer.positions().any(|(owned, _)| owned == id);
        let expected = seen.next.insert(id, to).unwrap_or(from);
        // Who commits first does not work on what it may not commit, and goes on behind it.
        if seen.left_over || consumer.spec().commit == CommitMode::Before {
            return;
        }
        if !owned {
            self.fail(Row::G5, format!("{} reads {}@{from}, which it does not own", consumer.name, self.name(id)));
        } else if expected != from && !tainted {
            self.fail(Row::G5, format!("{} reads {}@{from} after {expected}", consumer.name, self.name(id)));
        }
    }

    /// A member begins to read, where it was told to.
    pub(super) fn begins(&mut self, client: ClientId, id: TopicPartition) {
        self.groups.clients.entry(client).or_default().next.remove(&id);
    }

    /// A member took a step: what it owns now. G1: nobody of its generation owns the same.
    pub(super) fn look_at_member(&mut self, cluster: &Cluster, place: usize) {
        let consumer = &cluster.consumers()[place];
        let owned: SortedMap<TopicPartition, Option<Offset>> = consumer.positions().collect();
        let seen = self.groups.clients.entry(consumer.id).or_default();
        let lost = seen.owned.keys().any(|id| !owned.contains_key(id));
        seen.left_over = consumer.in_hand_count() > 0 && (seen.left_over || lost);
        let grown = owned.keys().any(|id| !seen.owned.contains_key(id));
        seen.next.retain(|id, _| owned.contains_key(id));
        seen.owned = owned;
        if !grown || self.lost_records() {
            return;
        }
        let Some(generation) = consumer.settled_generation() else { return };
        for other in cluster.consumers().iter().filter(|other| other.id != consumer.id && other.group() == consumer.group()) {
            let both = match self.is_member(cluster, other) {
                // Under the new protocol members go on at their own pace: whoever still belongs to the group counts.
                Some(is_member) => is_member && self.is_member(cluster, consumer) == Some(true),
                None => other.settled_generation() == Some(generation),
            };
            let shared = other.positions().find(|(id, _)| both && consumer.positions().any(|(own, _)| own == *id));
            if let Some((id, _)) = shared {
                let text = format!("{} and {} both own {} (generation {generation})", consumer.name, other.name, self.name(id));
                return self.fail(Row::G1, text);
            }
        }
    }

    /// What coordinators wrote may be gone, and generations are counted again.
    fn lost_records(&self) -> bool {
        let offsets = self.image.offsets_topic().into_iter().flat_map(|topic| self.image.partitions_of(topic));
        offsets.into_iter().any(|id| self.partitions.get(&id).is_some_and(|ghost| ghost.tainted))
    }

    /// Whether the coordinator of the new protocol knows this member; `None` under the classic one.
    fn is_member(&self, cluster: &Cluster, consumer: &Consumer) -> Option<bool> {
        let (coordinator, ..) = self.groups.groups.get(consumer.group())?.tenure?;
        let shards = cluster.broker(coordinator)?.groups().shards();
        let group = shards.values().find_map(|shard| shard.groups.get(consumer.group()))?.consumer()?;
        Some(group.members.get(consumer.member_id()).is_some_and(|member| consumer.settled_generation() == Some(member.epoch)))
    }
}

fn consumer(cluster: &Cluster, client: ClientId) -> Option<&Consumer> {
    cluster.consumer(client)
}
