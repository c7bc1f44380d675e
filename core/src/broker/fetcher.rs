//! Following: one fetcher a leader broker (`num.replica.fetchers` = 1), one request under way, as long as there is something
//! to follow. Kafka's `ReplicaFetcherThread`.

use super::Broker;
use super::partition::{Role, truncation_point};
use crate::error::ErrorCode;
use crate::ids::{BrokerId, CorrelationId, NodeId, Offset, TopicPartition};
use crate::node::{CutBy, Fact, Outbox};
use crate::planted::{Bug, planted};
use crate::protocol::{FetchPartition, FetchRequest, FetchedPartition, Request};
use crate::sorted::SortedSet;
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;

#[derive(Clone, Debug, Default)]
pub struct Fetcher {
    pub partitions: SortedSet<TopicPartition>,
    pub in_flight: Option<CorrelationId>,
    /// After an error it waits `replica.fetch.backoff.ms`; for an answer, `replica.socket.timeout.ms`.
    pub resume_at: SimTime,
}

/// `replica.socket.timeout.ms`.
const SOCKET_TIMEOUT: SimDuration = SimDuration::from_secs(30);

impl Fetcher {
    /// When it has something to do by itself.
    pub fn next_timeout(&self) -> SimTime {
        let idle = self.in_flight.is_none() && self.partitions.is_empty();
        if idle { SimTime::MAX } else { self.resume_at }
    }
}

impl Broker {
    /// Points a follower at its leader and drops it from everybody else's fetcher.
    pub(super) fn follow(&mut self, partition: TopicPartition, leader: Option<BrokerId>) {
        self.next_fetch = SimTime::ZERO;
        for (broker, fetcher) in &mut self.fetchers {
            if Some(*broker) != leader {
                fetcher.partitions.remove(&partition);
            }
        }
        if let Some(leader) = leader {
            self.fetchers.entry(leader).or_default().partitions.insert(partition);
        }
    }

    /// When some fetcher has something to do by itself.
    pub(super) fn first_fetch(&self) -> SimTime {
        self.fetchers.values().map(Fetcher::next_timeout).min().unwrap_or(SimTime::MAX)
    }

    /// Starts every fetcher that has work and is free; a leader that does not answer is tried again on another connection.
    pub(super) fn start_fetchers(&mut self, now: SimTime, out: &mut Outbox) {
        if self.next_fetch > now {
            return;
        }
        self.next_fetch = SimTime::MAX;
        let mut ready = Vec::new();
        for (leader, fetcher) in &mut self.fetchers {
            let at = fetcher.next_timeout();
            if at > now {
                self.next_fetch = self.next_fetch.min(at);
            } else if fetcher.in_flight.take().is_some() {
                out.close(NodeId::Broker(*leader));
                fetcher.resume_at = now + self.config.replica_fetch_backoff;
                self.next_fetch = self.next_fetch.min(fetcher.next_timeout());
            } else {
                ready.push(*leader);
            }
        }
        for leader in ready {
            self.send_fetch(leader, now, out);
        }
    }

    fn send_fetch(&mut self, leader: BrokerId, now: SimTime, out: &mut Outbox) {
        let Some(fetcher) = self.fetchers.get(&leader) else { return };
        let mut partitions = Vec::with_capacity(fetcher.partitions.len());
        for id in fetcher.partitions.iter() {
            let Some(replica) = self.replicas.get(id) else { continue };
            partitions.push(FetchPartition {
                partition: *id,
                offset: replica.log.log_end(),
                current_leader_epoch: replica.leader_epoch,
                last_fetched_epoch: replica.log.epochs().latest().filter(|_| !replica.asked_once()),
                max_bytes: self.config.replica_fetch_max_bytes,
                high_watermark: replica.high_watermark,
                log_start: replica.log.log_start(),
            });
        }
        let request = FetchRequest {
            replica: Some((self.id, self.lifecycle.epoch)),
            rack: None,
            max_wait: self.config.replica_fetch_wait_max,
            min_bytes: self.config.replica_fetch_min_bytes,
            max_bytes: 10 * self.config.replica_fetch_max_bytes,
            partitions,
        };
        let id = self.correlation();
        let fetcher = self.fetchers.get_mut(&leader).expect("looked up above");
        (fetcher.in_flight, fetcher.resume_at) = (Some(id), now + SOCKET_TIMEOUT);
        self.next_fetch = self.next_fetch.min(fetcher.resume_at);
        out.request(NodeId::Broker(leader), id, Request::Fetch(Box::new(request)));
    }

    pub(super) fn fetched(&mut self, now: SimTime, leader: BrokerId, id: CorrelationId, answer: Vec<FetchedPartition>, out: &mut Outbox) {
        let Some(fetcher) = self.fetchers.get_mut(&leader).filter(|fetcher| fetcher.in_flight == Some(id)) else { return };
        (fetcher.in_flight, fetcher.resume_at) = (None, now);
        if answer.iter().any(|fetched| !fetched.batches.is_empty()) && self.write_fails(out) {
            self.next_fetch = now;
            return;
        }
        let mut failed = false;
        for mut fetched in answer {
            failed |= !self.store_fetched(now, leader, &mut fetched, out);
        }
        if failed {
            self.back_off(leader, now);
        }
        self.fetch_again(leader, now, out);
    }

    /// One fetcher is free; usually no other has anything to do now.
    fn fetch_again(&mut self, leader: BrokerId, now: SimTime, out: &mut Outbox) {
        let next = self.fetchers.get(&leader).map_or(SimTime::MAX, Fetcher::next_timeout);
        if self.next_fetch <= now {
            self.start_fetchers(now, out);
        } else if next <= now {
            self.send_fetch(leader, now, out);
        } else {
            self.next_fetch = self.next_fetch.min(next);
        }
    }

    pub(super) fn back_off(&mut self, leader: BrokerId, now: SimTime) {
        if let Some(fetcher) = self.fetchers.get_mut(&leader) {
            fetcher.in_flight = None;
            fetcher.resume_at = now + self.config.replica_fetch_backoff;
        }
    }

    /// Copies what came for one partition; false asks for a pause.
    fn store_fetched(&mut self, now: SimTime, leader: BrokerId, fetched: &mut FetchedPartition, out: &mut Outbox) -> bool {
        let Some(replica) = self.replicas.get_mut(&fetched.partition) else { return true };
        let follows = matches!(replica.role, Role::Follower { leader: mine } if mine == leader);
        if !follows || fetched.offset != replica.log.log_end() || fetched.leader_epoch != replica.leader_epoch {
            return true;
        }
        replica.ask_no_more(fetched.diverging.map(|(epoch, _)| epoch));
        match (fetched.error, fetched.diverging) {
            (Some(ErrorCode::OffsetOutOfRange), _) => {
                self.out_of_range(fetched, leader, out);
                true
            }
            (Some(_), _) => false,
            (None, Some((epoch, end))) => {
                let end = truncation_point(&replica.log, epoch, end);
                let end = if planted(Bug::CutTooDeep) { Offset(end.0.saturating_sub(1)) } else { end };
                self.truncate(fetched.partition, end, leader, out);
                true
            }
            (None, None) => match replica.copy(now, &mut fetched.batches) {
                Ok(whole) => {
                    // Consumers may wait here too (KIP-392).
                    let risen = replica.learn_high_watermark(fetched.high_watermark);
                    replica.log.raise_start(fetched.log_start.min(replica.high_watermark));
                    if risen && !replica.waiting.fetches.is_empty() {
                        self.moved.insert(fetched.partition);
                    }
                    whole
                }
                Err(_) => {
                    self.tell_damage(fetched, leader, out);
                    false
                }
            },
        }
    }

    /// A follower cannot go past a batch that its leader's disk has spoiled; it tries again and again.
    fn tell_damage(&mut self, fetched: &FetchedPartition, leader: BrokerId, out: &mut Outbox) {
        let (Some(replica), Some(bad)) = (self.replicas.get_mut(&fetched.partition), fetched.batches.iter().find(|batch| batch.damaged))
        else {
            return;
        };
        let offset = bad.base_offset;
        if replica.stuck_at.replace(offset) == Some(offset) {
            return;
        }
        let (name, me) = (self.image.name_of(fetched.partition), self.id);
        out.note(
            EventKind::LogDamaged,
            name.clone(),
            format!("Broker {me} refuses what leader {leader} sends of {name}: the batch at offset {offset} does not match its CRC."),
            "CRC-32C of each batch, checked by followers before they append: CORRUPT_MESSAGE".to_owned(),
            self.lifecycle.because.into_iter().collect(),
        );
    }

    /// `AbstractFetcherThread.fetchOffsetAndTruncate`: a leader whose log ends earlier is believed, and one whose log begins later
    /// too, by starting anew there. Between the two the same fetch is tried again.
    fn out_of_range(&mut self, fetched: &FetchedPartition, leader: BrokerId, out: &mut Outbox) {
        let Some(replica) = self.replicas.get_mut(&fetched.partition) else { return };
        let (mine, leader_end, leader_start) = (replica.log.log_end(), fetched.high_watermark, fetched.log_start);
        if leader_end < mine {
            self.truncate(fetched.partition, leader_end, leader, out);
        } else if leader_start > mine {
            replica.start_anew(leader_start);
        }
    }

    /// Records that the new leader never had go; everybody is told.
    fn truncate(&mut self, id: TopicPartition, end: Offset, leader: BrokerId, out: &mut Outbox) {
        let Some(replica) = self.replicas.get_mut(&id) else { return };
        let (epochs, before) = (replica.log.epochs().clone(), replica.log.log_end());
        replica.truncate_to(end);
        let gone = before.since(replica.log.log_end());
        if gone == 0 {
            return;
        }
        let pieces = epochs.pieces(replica.log.log_end(), before);
        let (name, me) = (self.image.name_of(id), self.id);
        let records = super::disk::counted(gone);
        let event = out.note(
            EventKind::LogTruncated,
            name.clone(),
            format!("Broker {me} cut {records} from its copy of {name} (from offset {end}): leader {leader} does not have them."),
            "A follower cuts its log where its leader epochs diverge from the leader's (KIP-101, KIP-279)".to_owned(),
            self.lifecycle.because.into_iter().collect(),
        );
        out.fact(Fact::Cut { broker: me, partition: id, pieces, how: CutBy::Leader(leader), because: Some(event) });
    }
}
