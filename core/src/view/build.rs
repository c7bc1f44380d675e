//! Reading a cluster into a view.

use super::apart;
use super::groups::{Standing, group_view};
use super::{
    BrokerState, BrokerView, CellView, ClientKind, ClientView, ClusterView, ControllersView, LedgerView, LostView, PartitionView,
    ReplicaView, TopicView,
};
use crate::broker::partition::Replica;
use crate::broker::{Broker, Phase};
use crate::client::producer::Counts;
use crate::cluster::Cluster;
use crate::config::Settings;
use crate::ids::{BrokerId, ClientId, NodeId, Offset, TopicPartition};
use crate::log::segment::StoredBatch;
use crate::metadata::{PartitionRegistration, TopicImage};
use crate::quorum::voter::Voter;

/// Cells of a strip a view carries at most.
pub(super) const TAIL: u32 = 48;

/// Partitions whose records are told (`None`: all), and whether that goes for the offsets of groups too.
pub(super) type Sight<'s> = Option<(&'s [(String, u32)], bool)>;

pub(super) fn looked_at(sight: Sight<'_>, topic: &str, partition: u32) -> bool {
    sight.is_none_or(|(seen, _)| seen.iter().any(|(t, p)| t == topic && *p == partition))
}

impl ClusterView {
    pub fn of(cluster: &Cluster) -> Self {
        Self::seen(cluster, None)
    }

    pub(super) fn seen(cluster: &Cluster, sight: Sight<'_>) -> Self {
        let scenario = cluster.scenario();
        let standings: Vec<Standing<'_>> = (0..scenario.groups.len() as u32).map(|group| Standing::of(cluster, group)).collect();
        ClusterView {
            kafka: scenario.kafka().to_owned(),
            title: scenario.title.clone(),
            seed: scenario.seed,
            now_us: cluster.now().micros(),
            step: cluster.steps(),
            brokers: known_brokers(cluster).into_iter().map(|broker| broker_view(cluster, broker)).collect(),
            controllers: controllers(cluster),
            topics: topics(cluster, sight),
            groups: standings.iter().filter(|standing| standing.is_shown()).map(|standing| group_view(standing, sight)).collect(),
            clients: clients(cluster),
            ledger: ledger(cluster, &standings),
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

/// By id. One that was removed is shown as long as Kafka knows it.
/// Those that are there, or that partitions still name, by id.
pub(super) fn known_brokers(cluster: &Cluster) -> Vec<&Broker> {
    let image = cluster.controller().image();
    let known = |broker: &&Broker| {
        !cluster.is_gone(NodeId::Broker(broker.id))
            || image.brokers.contains_key(&broker.id)
            || image.partitions().any(|(_, partition)| partition.replicas.contains(&broker.id))
    };
    let mut brokers: Vec<&Broker> = cluster.brokers().iter().filter(known).collect();
    crate::sorted::settle(&mut brokers, |a, b| a.id < b.id);
    brokers
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
        epoch: image.brokers.get(&broker.id).map_or(-1, |known| known.epoch.0),
        removed: cluster.is_gone(NodeId::Broker(broker.id)),
        log_bytes: broker.replicas().values().map(|replica| replica.log.bytes()).sum(),
    }
}

fn topics(cluster: &Cluster, sight: Sight<'_>) -> Vec<TopicView> {
    let mut topics: Vec<TopicView> = cluster.controller().image().topics().map(|topic| topic_view(cluster, topic, sight)).collect();
    crate::sorted::settle(&mut topics, |a, b| (a.internal, &a.name) < (b.internal, &b.name));
    topics
}

fn topic_view(cluster: &Cluster, topic: &TopicImage, sight: Sight<'_>) -> TopicView {
    let partition = |(i, registration): (usize, &std::sync::Arc<PartitionRegistration>)| {
        let id = TopicPartition { topic: topic.id, partition: i as u32 };
        partition_view(cluster, id, registration, !topic.internal && looked_at(sight, &topic.name, id.partition))
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
        copies: registration.replicas.iter().map(|broker| replica_view(cluster, id, registration, (*broker, speaker))).collect(),
        tail: speaker.filter(|_| with_tail).map(tail).unwrap_or_default(),
    }
}

fn replica_view(
    cluster: &Cluster,
    id: TopicPartition,
    registration: &PartitionRegistration,
    (broker, speaker): (BrokerId, Option<&Replica>),
) -> ReplicaView {
    let process = cluster.broker(broker);
    let replica = process.and_then(|broker| broker.replicas().get(&id));
    ReplicaView {
        broker: broker.0,
        online: process.is_some_and(|broker| broker.phase() != Phase::Down),
        in_sync: registration.isr.contains(&broker),
        high_watermark: replica.map_or(0, |replica| replica.high_watermark.0),
        log_end: replica.map_or(0, |replica| replica.log.log_end().0),
        own: replica.zip(speaker).filter(|(replica, speaker)| parted(replica, speaker)).map_or(Vec::new(), |(a, b)| apart::own(a, b)),
    }
}

/// May one log have a record that the other has not? Within one leader epoch the shorter is the longer's beginning.
fn parted(replica: &Replica, speaker: &Replica) -> bool {
    let (log, other) = (&replica.log, &speaker.log);
    log.log_end() > log.log_start() && (log.epochs().latest() != other.epochs().latest() || log.log_end() > other.log_end())
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

pub(super) fn cell(stored: &StoredBatch, delta: u32, key: Option<&[u8]>) -> CellView {
    CellView { offset: stored.base_offset.0 + u64::from(delta), key: key.map(text) }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn clients(cluster: &Cluster) -> Vec<ClientView> {
    let here = |id: ClientId| !cluster.is_gone(NodeId::Client(id));
    let producers = cluster.producers().iter().filter(|producer| here(producer.id)).map(|producer| {
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
    let consumers = cluster.consumers().iter().filter(|consumer| here(consumer.id)).map(|consumer| {
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

fn ledger(cluster: &Cluster, standings: &[Standing<'_>]) -> LedgerView {
    let referee = cluster.referee();
    let groups = || cluster.scenario().groups.iter().map(|group| group.name.clone()).zip(&referee.groups);
    LedgerView {
        sent: referee.sent,
        acked: referee.acked,
        failed: referee.failed,
        acked_lost: referee.lost.iter().map(|lost| lost_view(cluster, lost)).collect(),
        acked_lost_total: referee.lost_total,
        unwritten: cluster.unwritten_records(),
        expired: referee.expired,
        delivered: groups().map(|(name, ledger)| (name, ledger.delivered)).collect(),
        duplicates: groups().map(|(name, ledger)| (name, ledger.duplicates)).collect(),
        deleted_unread: groups().map(|(name, ledger)| (name, ledger.deleted_unread())).collect(),
        skipped: groups().zip(standings).map(|((name, _), standing)| (name, standing.skipped())).collect(),
        out_of_order: groups().map(|(name, ledger)| (name, ledger.out_of_order)).collect(),
    }
}

fn lost_view(cluster: &Cluster, lost: &crate::cluster::referee::Lost) -> LostView {
    let topic = cluster.controller().image().topic(lost.partition.topic);
    let (writer, key) = lost.witness.clone().unzip();
    let producer = writer.and_then(|writer| cluster.producer(ClientId(writer)));
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
