//! Where a group stands: what its coordinator says, what its members do, how far they are. The view, the shell and the page have their
//! numbers from here, so there is one LAG.

use super::build::{Sight, looked_at, text};
use super::{DeliveredView, GroupOffsetView, GroupView, MemberView, ProgressView};
use crate::client::consumer::Consumer;
use crate::cluster::Cluster;
use crate::group::classic::GroupState;
use crate::group::consumer_protocol::read_assignment;
use crate::group::{AnyGroup, Shard};

use crate::group::offsets::OffsetValue;
use crate::hash::coordinator_partition;
use crate::ids::{BrokerId, Offset, TopicPartition};
use crate::metadata::{MetadataImage, TopicImage};
use crate::scenario::GroupSpec;
use crate::sorted::SortedMap;
use std::sync::Arc;

/// A group of the scenario, with all that is known of it at this instant.
pub(crate) struct Standing<'c> {
    pub cluster: &'c Cluster,
    index: u32,
    pub spec: &'c GroupSpec,
    /// Its partition of `__consumer_offsets`.
    pub offsets_partition: u32,
    pub coordinator: Option<BrokerId>,
    shard: Option<&'c Shard>,
    pub group: Option<&'c AnyGroup>,
    /// Its members, with their places among all consumers.
    pub members: Vec<(u32, &'c Consumer)>,
    /// Who reads a partition, and where: its own memory.
    owners: SortedMap<TopicPartition, (u32, Option<Offset>)>,
}

/// A member as the coordinator has it.
pub(crate) struct Enrolled<'c> {
    pub id: &'c Arc<str>,
    pub client: &'c str,
    /// `group.instance.id`.
    pub instance: Option<&'c str>,
    pub assigned: SortedMap<String, Vec<u32>>,
    /// Of the new protocol alone: how far it is, and where it is to come.
    pub epoch: Option<i32>,
    pub target_epoch: Option<i32>,
    pub target: Option<SortedMap<String, Vec<u32>>>,
}

impl Enrolled<'_> {
    /// Partitions it has.
    pub fn count(&self) -> usize {
        self.assigned.values().map(Vec::len).sum()
    }
}

impl<'c> Standing<'c> {
    pub fn of(cluster: &'c Cluster, index: u32) -> Self {
        let spec = &cluster.scenario().groups[index as usize];
        let offsets_partition = coordinator_partition(&spec.name, cluster.scenario().cluster.config.offsets_topic_partitions);
        let found = cluster.coordinator(&spec.name);
        let group = found.and_then(|(_, shard)| shard.groups.get(spec.name.as_str()));
        let all = (0..).zip(cluster.consumers());
        let members: Vec<(u32, &Consumer)> =
            all.filter(|(place, _)| cluster.group_of(*place) == index && cluster.takes_part(*place)).collect();
        let mut owners = SortedMap::new();
        for (place, member) in &members {
            for (id, position) in member.positions() {
                // Of a member that does not know yet and one that does, the one that the coordinator means.
                let means = || group.is_some_and(|group| knows(group, member.member_id()));
                if !owners.contains_key(&id) || means() {
                    owners.insert(id, (*place, position));
                }
            }
        }
        let (coordinator, shard) = found.unzip();
        Standing { cluster, index, spec, offsets_partition, coordinator, shard, group, members, owners }
    }

    pub fn state(&self) -> &'static str {
        self.group.map_or(GroupState::Empty.name(), AnyGroup::state_name)
    }

    /// The coordinator knows of it: it has members, or offsets.
    pub fn is_there(&self) -> bool {
        self.group.is_some() || self.shard.is_some_and(|shard| shard.has_offsets(&self.spec.name))
    }

    /// One whose application was removed is shown as long as its coordinator knows it.
    pub fn is_shown(&self) -> bool {
        self.spec.members > 0 || self.is_there()
    }

    /// `GroupType`.
    pub fn kind(&self) -> &'static str {
        match self.group {
            Some(AnyGroup::Consumer(_)) => "Consumer",
            _ => "Classic",
        }
    }

    pub fn assignor(&self) -> &'c str {
        match self.group {
            Some(AnyGroup::Classic(group)) => group.protocol.as_deref().unwrap_or_default(),
            Some(AnyGroup::Consumer(group)) => group.assignor(),
            None => "",
        }
    }

    /// The group's epoch and its target's; of the new protocol alone.
    pub fn epochs(&self) -> Option<(i32, i32)> {
        self.group.and_then(AnyGroup::consumer).map(|group| (group.epoch, group.assignment_epoch))
    }

    /// The address of a member. Ours have none: each client gets one of its own by its number.
    pub fn host(&self, member: &Enrolled<'_>) -> String {
        let place = self.members.iter().find(|(_, known)| *known.name == *member.client).map_or(0, |(place, _)| *place);
        let number = place + 9;
        format!("/172.18.{}.{}", number / 256, number % 256)
    }

    fn generation(&self) -> i32 {
        match self.group {
            None => 0,
            Some(AnyGroup::Classic(group)) => group.generation,
            Some(AnyGroup::Consumer(group)) => group.epoch,
        }
    }

    /// The members as the coordinator has them, by id.
    pub fn enrolled(&self) -> Vec<Enrolled<'c>> {
        let image: &MetadataImage = self.cluster.controller().image();
        match self.group {
            None => Vec::new(),
            Some(AnyGroup::Classic(group)) => {
                let one = |(id, member): (&'c Arc<str>, &'c crate::group::classic::Member)| Enrolled {
                    id,
                    client: &member.client_id,
                    assigned: told(&member.assignment),
                    instance: member.instance.as_deref(),
                    epoch: None,
                    target_epoch: None,
                    target: None,
                };
                group.members.iter().map(one).collect()
            }
            Some(AnyGroup::Consumer(group)) => {
                let one = |(id, member): (&'c Arc<str>, &'c crate::group::consumer::ConsumerMember)| Enrolled {
                    id,
                    client: &member.said.client_id,
                    instance: member.said.instance_id.as_deref(),
                    epoch: Some(member.epoch),
                    target_epoch: Some(group.assignment_epoch),
                    target: group.target.get(id).map(|target| by_topic(image, target.iter())),
                    assigned: by_topic(image, member.assigned.keys().chain(member.pending_revocation.keys())),
                };
                group.members.iter().map(one).collect()
            }
        }
    }

    pub fn committed(&self, topic: &TopicImage, partition: u32) -> Option<&'c OffsetValue> {
        self.shard?.offsets.get(self.spec.name.as_str())?.get(&(Arc::clone(&topic.name), partition))
    }

    /// Where a group stands in one partition; `None` when there is no such topic.
    pub fn offset(&self, topic: &TopicImage, partition: u32) -> GroupOffsetView {
        let id = TopicPartition { topic: topic.id, partition };
        let replica = self.cluster.speaker(id);
        let log_end = replica.map_or(0, |replica| replica.high_watermark.0);
        let committed = self.committed(topic, partition).map(|value| value.offset.0);
        let owner = self.owners.get(&id);
        let member = owner.map(|(place, _)| &self.cluster.consumers()[*place as usize]);
        // How old the first record after the bookmark is, by its own timestamp.
        let oldest = committed.filter(|committed| *committed < log_end).and_then(|committed| {
            let log = &replica?.log;
            let at = Offset(committed).max(log.log_start());
            let stored = log.batch_at(at)?;
            Some(stored.batch.record(at.since(stored.base_offset) as u32)?.timestamp_ms)
        });
        let now = self.cluster.now().timestamp_ms();
        GroupOffsetView {
            partition,
            committed,
            position: owner.and_then(|(_, position)| *position).map(|offset| offset.0),
            log_end,
            lag: committed.map(|offset| log_end.saturating_sub(offset)),
            lag_ms: committed.map(|_| oldest.map_or(0, |written| now.saturating_sub(written).max(0) as u64)),
            client: member.map(|member| member.name.to_string()),
            held: member.is_some_and(|member| member.is_held(id)),
        }
    }

    /// Kafka's LAG of all partitions together; `None` before the first commit.
    pub fn lag(&self) -> Option<u64> {
        let one = |topic: &TopicImage, partition: u32| {
            let committed = self.committed(topic, partition)?.offset.0;
            let replica = self.cluster.speaker(TopicPartition { topic: topic.id, partition });
            Some(replica.map_or(0, |replica| replica.high_watermark.0).saturating_sub(committed))
        };
        let all = self.topics().flat_map(|topic| (0..topic.partitions.len() as u32).filter_map(move |partition| one(topic, partition)));
        all.fold(None, |sum, lag| Some(sum.unwrap_or(0) + lag))
    }

    pub fn topics(&self) -> impl Iterator<Item = &'c TopicImage> {
        let image: &'c MetadataImage = self.cluster.controller().image();
        self.spec.topics.iter().filter_map(|topic| image.topic_named(topic))
    }

    /// Records the group went past, by reading or by committing, that no application was given and none has in hand.
    pub fn skipped(&self) -> u64 {
        let referee = self.cluster.referee();
        let one = |topic: &TopicImage, partition: u32| {
            let id = TopicPartition { topic: topic.id, partition };
            let reach = self.committed(topic, partition).map_or(0, |value| value.offset.0);
            let in_hand = self.members.iter().flat_map(|(_, member)| member.in_hand(id));
            referee.skipped(self.index, id, reach, in_hand)
        };
        self.topics().map(|topic| (0..topic.partitions.len() as u32).map(|partition| one(topic, partition)).sum::<u64>()).sum()
    }
}

fn knows(group: &AnyGroup, member_id: &str) -> bool {
    match group {
        AnyGroup::Classic(group) => group.members.contains_key(member_id),
        AnyGroup::Consumer(group) => group.members.contains_key(member_id),
    }
}

/// What a member of the classic protocol was told, in ConsumerProtocol bytes.
fn told(assignment: &[u8]) -> SortedMap<String, Vec<u32>> {
    let topics = read_assignment(assignment).unwrap_or_default().into_iter();
    topics.map(|(topic, partitions)| (topic.to_string(), partitions)).collect()
}

fn by_topic<'p>(image: &MetadataImage, partitions: impl Iterator<Item = &'p TopicPartition>) -> SortedMap<String, Vec<u32>> {
    let mut topics: SortedMap<String, Vec<u32>> = SortedMap::new();
    for id in partitions {
        let Some(topic) = image.topic(id.topic) else { continue };
        topics.entry(topic.name.to_string()).or_default().push(id.partition);
    }
    topics
}

pub(super) fn group_view(standing: &Standing<'_>, sight: Sight<'_>) -> GroupView {
    let protocol = match standing.group {
        Some(AnyGroup::Consumer(_)) => "consumer",
        None if standing.spec.config.consumer_protocol => "consumer",
        None | Some(AnyGroup::Classic(_)) => "classic",
    };
    let offsets = |topic: &TopicImage| {
        let told = |partition: &u32| sight.is_none_or(|(_, all)| !all) || looked_at(sight, &topic.name, *partition);
        let all = (0..topic.partitions.len() as u32).filter(told).map(|partition| standing.offset(topic, partition));
        (topic.name.to_string(), all.collect())
    };
    let enrolled = standing.enrolled();
    GroupView {
        name: standing.spec.name.clone(),
        state: standing.state().to_owned(),
        protocol: protocol.to_owned(),
        assignor: standing.assignor().to_owned(),
        generation: standing.generation(),
        assignment_epoch: standing.epochs().map(|(_, assignment)| assignment),
        coordinator: standing.coordinator.map(|broker| broker.0),
        offsets_partition: standing.offsets_partition,
        lag: standing.lag(),
        offsets: standing.topics().map(offsets).collect(),
        members: standing.members.iter().map(|(place, member)| member_view(standing, *place, member, &enrolled)).collect(),
    }
}

fn member_view(standing: &Standing<'_>, place: u32, consumer: &Consumer, enrolled: &[Enrolled<'_>]) -> MemberView {
    let image = standing.cluster.controller().image();
    // A process that is gone has left a member behind until its session ends.
    let own = enrolled.iter().find(|member| **member.id == *consumer.member_id());
    let left = || enrolled.iter().find(|member| consumer.member_id().is_empty() && *member.client == *consumer.name);
    let owned: Vec<TopicPartition> = consumer.positions().map(|(id, _)| id).collect();
    let assignment = match own.or_else(left) {
        Some(member) => member.assigned.clone(),
        // Whom its group does not know owns nothing, whatever it believes.
        None if standing.group.is_some() && standing.spec.assign.is_empty() => SortedMap::new(),
        None => by_topic(image, owned.iter()),
    };
    let recent = standing.cluster.recent(consumer.id).filter_map(|(id, stored, offset)| {
        let record = stored.batch.record(offset.since(stored.base_offset) as u32)?;
        Some(DeliveredView { partition: id.partition, offset: offset.0, key: record.key.map(text), value: record.value.map(text) })
    });
    let (down, paused) = standing.cluster.process_of(place);
    MemberView {
        client: consumer.name.to_string(),
        member_id: consumer.member_id().to_owned(),
        assignment,
        progress: progress(standing, consumer, own.or_else(left)),
        does: (if down {
            "down"
        } else if paused {
            "paused"
        } else {
            consumer.does()
        })
        .to_owned(),
        in_hand: consumer.in_hand_count(),
        recent: recent.collect(),
    }
}

/// How far a member of the new protocol is; `None` under the classic one.
fn progress(standing: &Standing<'_>, consumer: &Consumer, enrolled: Option<&Enrolled<'_>>) -> Option<ProgressView> {
    let own_state = consumer.following()?.name().to_owned();
    let image = standing.cluster.controller().image();
    let group = standing.group.and_then(AnyGroup::consumer);
    let known = group.zip(enrolled).and_then(|(group, enrolled)| Some((group, enrolled.id, group.members.get(enrolled.id)?)));
    let Some((group, id, member)) = known else { return Some(ProgressView { own_state, ..ProgressView::default() }) };
    Some(ProgressView {
        epoch: member.epoch,
        state: member.state.name().to_owned(),
        own_state,
        target: by_topic(image, group.target.get(id).into_iter().flat_map(|target| target.iter())),
        to_revoke: by_topic(image, member.pending_revocation.keys()),
    })
}
