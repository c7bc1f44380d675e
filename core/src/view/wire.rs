//! The bytes of views, for the page and the worker.

use super::delta::{ListDelta, ViewDelta};
use super::*;
use crate::wire::{Reader, Wire};
use crate::{wire_enums, wire_structs};

wire_structs! {
    ViewDelta { kafka, title, seed, now_us, step, brokers, controllers, topics, partitions, groups, clients, ledger, violations, in_force }
    BrokerView { id, state, rack, fenced, leaders, replicas, log_bytes, epoch, removed }
    ControllersView { leader, epoch, voters, alive, zookeeper, ensemble_leader }
    TopicView { name, internal, replication_factor, config, partitions }
    PartitionView {
        partition, leader, leader_epoch, replicas, isr, elr, log_start, last_stable, high_watermark, log_end, bytes, copies, tail
    }
    ReplicaView { broker, online, in_sync, high_watermark, log_end, own }
    CellView { offset, key }
    GroupView { name, state, protocol, assignor, generation, assignment_epoch, coordinator, offsets_partition, lag, members, offsets }
    ProgressView { epoch, state, own_state, target, to_revoke }
    MemberView { client, member_id, assignment, progress, does, in_hand, recent }
    DeliveredView { partition, offset, key, value }
    GroupOffsetView { partition, committed, position, log_end, lag, lag_ms, held, client }
    ClientView { name, kind, topics, group, key, interval_us, sent, acked, failed, retries, delivered, errors, requests }
    LedgerView { sent, acked, failed, acked_lost, acked_lost_total, unwritten, expired, delivered, duplicates, skipped, deleted_unread, out_of_order }
    LostView { topic, partition, offset, key, client, acks, because }
    EventView { id, at_us, kind, subject, text, rule, causes }
    HopView { kind, from, to, departed_us, arrived_us, topic, partition, offset, records, key }
    GroupHistory { group, second, spells, given, rows, plans }
    OffsetRowView { at, topic, partition, committed }
    PlanView { line, offsets, refused }
    PlannedView { topic, partition, offset }
    SpellView { topic, partition, client, from_us, until_us }
    RecordDetail {
        topic, partition, offset, timestamp_ms, timestamp_us, key, value, headers, batch_bytes, batch_records, batch_base_offset,
        leader_epoch, crc, copies, committed
    }
}

wire_enums! {
    BrokerState else BrokerState::Down => { 0 Running, 1 Fenced, 2 Starting, 3 Down, 4 Paused, 5 Stopping }
    ClientKind else ClientKind::Producer => { 0 Producer, 1 Consumer }
    HopKind else HopKind::Produce => { 0 Produce, 1 Replicate, 2 Deliver, 3 Commit }
    Place else Place::Nowhere => { 0 Nowhere, 1 Broker(id), 2 Client(name) }
    Detail else Detail::Group(GroupHistory::default()) => { 0 Record(record), 1 Group(history) }
    Subject else Subject::Broker(0) => {
        0 Broker(id), 1 Partition { topic, partition }, 2 Record { topic, partition, offset }, 3 Client(name), 4 Group(name)
    }
}

impl<T: Wire> Wire for ListDelta<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len.put(out);
        self.changed.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        let len = u32::take(from);
        ListDelta { len, changed: Wire::take(from) }
    }
}
