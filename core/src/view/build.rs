//! Reading a cluster into a view.

use super::{
    BrokerState, BrokerView, CellView, ClientKind, ClientView, ClusterView, ControllersView, DeliveredView, GroupOffsetView, GroupView,
    LedgerView, LostView, MemberView, PartitionView, ReplicaView, TopicView,
};
use crate::broker::partition::Replica;
use crate::broker::{Broker, Phase};
use crate::client::consumer::Consumer;
use crate::client::producer::Counts;
use crate::cluster::Cluster;
use crate::config::Settings;
use crate::group::classic::{Group, GroupState};
use crate::group::consumer_protocol::read_assignment;
use crate::group::{AnyGroup, Shard};
use crate::hash::coordinator_partition;
use crate::ids::{BrokerId, Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::metadata::{OFFSETS_TOPIC, PartitionRegistration, TopicImage};
use crate::quorum::voter::Voter;
use crate::sorted::SortedMap;

/// Cells of a strip a view carries at most.
const TAIL: u32 = 48;

impl ClusterView {
    pub fn of(cluster: &Cluster) -> Self {
        let scenario = cluster.scenario();
        ClusterView {
            kafka: scenario.kafka().to_owned(),
            title: scenario.title.clone(),
            seed: scenario.seed,
            now_us: cluster.now().micros(),
            step: cluster.steps(),
            brokers: cluster.brokers().iter().map(|broker| broker_view(cluster, broker)).collect(),
            controllers: controllers(cluster),
            topics: topics(cluster),
            groups: (0..scenario.groups.len() as u32).map(|group| group_view(cluster, group)).collect(),
            clients: clients(cluster),
            ledger: ledger(cluster),
            in_force: cluster.in_force(),
            violations: cluster.violations(),
        }
    }
}

fn controllers(cluster: &Cluster) -> ControllersView {
    let voters = cluster.controllers();
    let zookeeper = cluster.scenario().cluster.config.zookeeper();
    let active = cluster.active_controller().map(Voter::id);
    let (leader, epoch) = match zookeeper {
        // As the znodes have it: a former controller may not know yet that it is one no longer.
        true => (cluster.controller().image().controller.map(|broker| broker.0), cluster.controller().image().controller_epoch),
        false => (active, voters.iter().map(|voter| voter.raft().epoch()).max().unwrap_or(0)),
    };
    ControllersView {
        leader,
        epoch,
        zookeeper,
        ensemble_leader: active.filter(|_| zookeeper),
        voters: voters.iter().map(Voter::id).collect(),
        alive: voters.iter().filter(|voter| voter.is_up()).map(Voter::id).collect(),
    }
}

fn broker_view(cluster: &Cluster, broker: &Broker) -> BrokerView {
    let image = cluster.controller().image();
    let fenced = !image.is_active(broker.id);
    BrokerView {
        id: broker.id.0,
        state: match broker.phase() {
            _ if cluster.is_paused(broker.id) => BrokerState::Paused,
            Phase::Down => BrokerState::Down,
            Phase::Registering => BrokerState::Starting,
            Phase::Fenced => BrokerState::Fenced,
            Phase::Stopping => BrokerState::Stopping,
            Phase::Running if fenced => BrokerState::Fenced,
            Phase::Running => BrokerState::Running,
        },
        rack: broker.rack().map(str::to_owned),
        fenced,
        leaders: image.partitions().filter(|(_, partition)| partition.leader == Some(broker.id)).count() as u32,
        replicas: broker.replicas().len() as u32,
        log_bytes: broker.replicas().values().map(|replica| replica.log.bytes()).sum(),
    }
}

fn topics(cluster: &Cluster) -> Vec<TopicView> {
    let mut topics: Vec<TopicView> = cluster.controller().image().topics().map(|topic| topic_view(cluster, topic)).collect();
    crate::sorted::settle(&mut topics, |a, b| (a.internal, &a.name) < (b.internal, &b.name));
    topics
}

fn topic_view(cluster: &Cluster, topic: &TopicImage) -> TopicView {
    let partition = |(i, registration): (usize, &std::sync::Arc<PartitionRegistration>)| {
        let id = TopicPartition { topic: topic.id, partition: i as u32 };
        partition_view(cluster, id, registration, !topic.internal)
    };
    TopicView {
        name: topic.name.to_string(),
        internal: topic.internal,
        replication_factor: topic.partitions.first().map_or(0, |partition| partition.replicas.len() as u32),
        config: topic.config.given_in(cluster.scenario().cluster.config.profile),
        partitions: topic.partitions.iter().enumerate().map(partition).collect(),
    }
}

fn ids(brokers: &[BrokerId]) -> Vec<i32> {
    brokers.iter().map(|broker| broker.0).collect()
}

fn partition_view(cluster: &Cluster, id: TopicPartition, registration: &PartitionRegistration, with_tail: bool) -> PartitionView {
    let speaker = cluster.speaker(id);
    let offset = |mark: fn(&Replica) -> Offset| speaker.map_or(0, |replica| mark(replica).0);
    PartitionView {
        partition: id.partition,
        leader: registration.leader.map(|leader| leader.0),
        leader_epoch: registration.leader_epoch.0,
        replicas: ids(&registration.replicas),
        isr: ids(&registration.isr),
        elr: ids(&registration.elr),
        log_start: offset(|replica| replica.log.log_start()),
        last_stable: offset(|replica| replica.high_watermark),
        high_watermark: offset(|replica| replica.high_watermark),
        log_end: offset(|replica| replica.log.log_end()),
        bytes: speaker.map_or(0, |replica| replica.log.bytes()),
        copies: registration.replicas.iter().map(|broker| replica_view(cluster, id, registration, *broker)).collect(),
        tail: speaker.filter(|_| with_tail).map(tail).unwrap_or_default(),
    }
}

fn replica_view(cluster: &Cluster, id: TopicPartition, registration: &PartitionRegistration, broker: BrokerId) -> ReplicaView {
    let process = cluster.broker(broker);
    let replica = process.and_then(|broker| broker.replicas().get(&id));
    ReplicaView {
        broker: broker.0,
        online: process.is_some_and(|broker| broker.phase() != Phase::Down),
        in_sync: registration.isr.contains(&broker),
        high_watermark: replica.map_or(0, |replica| replica.high_watermark.0),
        log_end: replica.map_or(0, |replica| replica.log.log_end().0),
    }
}

fn tail(replica: &Replica) -> Vec<CellView> {
    let mut cells = Vec::new();
    for stored in replica.log.newest_first() {
        let mut batch: Vec<CellView> = stored.batch.records().map(|record| cell(stored, record.offset_delta, record.key)).collect();
        batch.reverse();
        cells.append(&mut batch);
        if cells.len() as u32 >= TAIL {
            break;
        }
    }
    cells.truncate(TAIL as usize);
    cells.reverse();
    cells
}

fn cell(stored: &StoredBatch, delta: u32, key: Option<&[u8]>) -> CellView {
    CellView { offset: stored.base_offset.0 + u64::from(delta), key: key.map(text) }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The coordinator's own word on a group, if one is up.
fn shard<'a>(cluster: &'a Cluster, name: &str, partition: u32) -> Option<(BrokerId, &'a Shard, Option<&'a AnyGroup>)> {
    let topic = cluster.controller().image().topic_named(OFFSETS_TOPIC)?;
    let leader = cluster.controller().image().partition(TopicPartition { topic: topic.id, partition })?.leader?;
    let shard = cluster.broker(leader)?.groups().shards().get(&partition)?;
    Some((leader, shard, shard.groups.get(name)))
}

fn group_view(cluster: &Cluster, index: u32) -> GroupView {
    let spec = &cluster.scenario().groups[index as usize];
    let offsets_partition = coordinator_partition(&spec.name, cluster.scenario().cluster.config.offsets_topic_partitions);
    let coordinator = shard(cluster, &spec.name, offsets_partition);
    let group = coordinator.and_then(|(_, _, group)| group?.classic());
    let members: Vec<&Consumer> = cluster
        .consumers()
        .iter()
        .enumerate()
        .filter(|(i, _)| cluster.group_of(*i as u32) == index)
        .map(|(_, consumer)| consumer)
        .collect();
    GroupView {
        name: spec.name.clone(),
        state: group.map_or(GroupState::Empty, |group| group.state).name().to_owned(),
        protocol: "classic".to_owned(),
        assignor: group.and_then(|group| group.protocol.as_deref()).unwrap_or_default().to_owned(),
        generation: group.map_or(0, |group| group.generation),
        coordinator: coordinator.map(|(broker, ..)| broker.0),
        offsets_partition,
        offsets: spec
            .topics
            .iter()
            .map(|topic| (topic.clone(), offsets(cluster, &spec.name, topic, coordinator.map(|(_, s, _)| s), &members)))
            .collect(),
        members: members.into_iter().map(|member| member_view(cluster, member, group)).collect(),
    }
}

fn member_view(cluster: &Cluster, consumer: &Consumer, group: Option<&Group>) -> MemberView {
    let image = cluster.controller().image();
    let owned = group.and_then(|group| group.members.get(consumer.member_id()));
    let mut assignment: SortedMap<String, Vec<u32>> = SortedMap::new();
    let told = owned.and_then(|member| read_assignment(&member.assignment)).unwrap_or_default();
    for (topic, partitions) in told {
        assignment.insert(topic.to_string(), partitions);
    }
    if group.is_none() {
        for (id, _) in consumer.positions() {
            let topic = image.topic(id.topic).map(|topic| topic.name.to_string()).unwrap_or_default();
            assignment.entry(topic).or_default().push(id.partition);
        }
    }
    let recent = consumer.recent().filter_map(|(id, stored, offset)| {
        let record = stored.batch.record(offset.since(stored.base_offset) as u32)?;
        Some(DeliveredView { partition: id.partition, offset: offset.0, key: record.key.map(text), value: record.value.map(text) })
    });
    MemberView { client: consumer.name.to_string(), member_id: consumer.member_id().to_owned(), assignment, recent: recent.collect() }
}

fn offsets(cluster: &Cluster, group: &str, topic: &str, shard: Option<&Shard>, members: &[&Consumer]) -> Vec<GroupOffsetView> {
    let Some(image) = cluster.controller().image().topic_named(topic) else { return Vec::new() };
    let committed = shard.and_then(|shard| shard.offsets.get(group));
    let one = |partition: u32| {
        let id = TopicPartition { topic: image.id, partition };
        let log_end = cluster.speaker(id).map_or(0, |replica| replica.high_watermark.0);
        let committed = committed.and_then(|offsets| offsets.get(&(image.name.clone(), partition))).map(|value| value.offset.0);
        let owner = members.iter().find_map(|member| Some((member, member.positions().find(|(owned, _)| *owned == id)?.1)));
        GroupOffsetView {
            partition,
            committed,
            position: owner.and_then(|(_, position)| position).map(|offset| offset.0),
            log_end,
            lag: committed.map(|offset| log_end.saturating_sub(offset)),
            client: owner.map(|(member, _)| member.name.to_string()),
        }
    };
    (0..image.partitions.len() as u32).map(one).collect()
}

fn clients(cluster: &Cluster) -> Vec<ClientView> {
    let producers = cluster.producers().iter().map(|producer| {
        let client = ClientView {
            name: producer.name.to_string(),
            kind: ClientKind::Producer,
            topics: vec![producer.topic.to_string()],
            key: producer.workload().key().filter(|key| !key.is_empty()).map(text),
            interval_us: Some(producer.workload().interval().micros()),
            requests: producer.connections().requests(),
            ..ClientView::default()
        };
        counted(client, &producer.counts)
    });
    let consumers = cluster.consumers().iter().map(|consumer| {
        let client = ClientView {
            name: consumer.name.to_string(),
            kind: ClientKind::Consumer,
            topics: consumer.topics().iter().map(|topic| topic.to_string()).collect(),
            group: Some(consumer.group().to_string()),
            delivered: consumer.delivered,
            requests: consumer.connections().requests(),
            ..ClientView::default()
        };
        counted(client, &consumer.counts)
    });
    producers.chain(consumers).collect()
}

fn counted(client: ClientView, counts: &Counts) -> ClientView {
    ClientView {
        sent: counts.sent,
        acked: counts.acked,
        failed: counts.failed,
        retries: counts.retries,
        errors: counts.errors.iter().map(|(error, count)| (error.name().to_owned(), *count)).collect(),
        ..client
    }
}

fn ledger(cluster: &Cluster) -> LedgerView {
    let referee = cluster.referee();
    let groups = || cluster.scenario().groups.iter().map(|group| group.name.clone()).zip(&referee.groups);
    LedgerView {
        sent: referee.sent,
        acked: referee.acked,
        failed: referee.failed,
        acked_lost: referee.lost.iter().map(|lost| lost_view(cluster, lost)).collect(),
        acked_lost_total: referee.lost_total,
        unwritten: cluster.unwritten_records(),
        delivered: groups().map(|(name, ledger)| (name, ledger.delivered)).collect(),
        duplicates: groups().map(|(name, ledger)| (name, ledger.duplicates)).collect(),
        skipped: (0..).zip(groups()).map(|(i, (name, _))| (name, referee.skipped(i))).collect(),
        out_of_order: groups().map(|(name, ledger)| (name, ledger.out_of_order)).collect(),
    }
}

fn lost_view(cluster: &Cluster, lost: &crate::cluster::referee::Lost) -> LostView {
    let topic = cluster.controller().image().topic(lost.partition.topic);
    let (writer, key) = lost.witness.clone().unzip();
    let producer = writer.and_then(|writer| cluster.producers().get(writer as usize));
    LostView {
        topic: topic.map(|topic| topic.name.to_string()).unwrap_or_default(),
        partition: lost.partition.partition,
        offset: lost.offset.0,
        key: key.flatten().as_deref().map(text),
        client: producer.map(|producer| producer.name.to_string()).unwrap_or_default(),
        acks: lost.acks.name().to_owned(),
        because: lost.because.map(|event| event.0),
    }
}
