//! A ZooKeeper ensemble, as far as Kafka 3.9 leans on it: sessions, and the znodes that live as long as they do.
//!
//! This is what the leader of the ensemble does. How the servers agree is the business of [`quorum`](crate::quorum), as it is for
//! KRaft's voters: ZooKeeper's own protocol, Zab, is another one, and what Kafka sees of it is the same. One server leads, every
//! change is on a majority before anybody hears of it, and without a majority nothing changes. Simplified: a leader is found by
//! Raft's votes with ZooKeeper's times, and the znodes are the records of the metadata, read all at once.
//!
//! Kafka's znodes: `/brokers/ids/N` and `/controller` are ephemeral and go with their session; `/controller_epoch`, the topics and
//! the states of their partitions stay.

use crate::config::BrokerConfig;
use crate::error::ErrorCode;
use crate::ids::{BrokerEpoch, BrokerId, CorrelationId, NodeId};
use crate::metadata::{BrokerRegistration, MetadataImage, MetadataRecord};
use crate::node::{Node, Outbox};
use crate::protocol::{BrokerRegistrationRequest, HeartbeatAnswer, Message, Request, Response, ZnodeWrites};
use crate::sorted::SortedMap;
use crate::time::{SimDuration, SimTime};
use crate::trace::EventKind;
use std::sync::Arc;

/// `tickTime`, as ZooKeeper's own examples have it: sessions end on its ticks.
const TICK: SimDuration = SimDuration::from_secs(2);
/// `syncLimit` × `tickTime`: a follower that has not heard of its leader for so long looks for another.
pub const SYNC_LIMIT: SimDuration = SimDuration(2 * TICK.0);
/// How long servers collect votes (`FastLeaderElection.finalizeWait`).
pub const FINALIZE_WAIT: SimDuration = SimDuration::from_millis(200);

/// The leader of the ensemble: it orders what is written and knows when each session ends.
#[derive(Clone, Debug)]
pub struct Ensemble {
    config: Arc<BrokerConfig>,
    znodes: Arc<MetadataImage>,
    appended: Vec<MetadataRecord>,
    /// Ends of the sessions.
    sessions: SortedMap<BrokerId, SimTime>,
}

impl Ensemble {
    pub fn new(config: Arc<BrokerConfig>) -> Self {
        Ensemble { config, znodes: Arc::default(), appended: Vec::new(), sessions: SortedMap::new() }
    }

    pub fn znodes(&self) -> &Arc<MetadataImage> {
        &self.znodes
    }

    /// This server leads from now on: sessions outlive the leader before, and begin again in full.
    pub fn take_over(&mut self, now: SimTime, znodes: Arc<MetadataImage>) {
        let end = self.session_end(now);
        self.sessions = znodes.brokers.keys().map(|broker| (*broker, end)).collect();
        self.znodes = znodes;
    }

    pub fn stand_down(&mut self) {
        *self = Ensemble::new(Arc::clone(&self.config));
    }

    pub fn take_records(&mut self) -> Vec<MetadataRecord> {
        std::mem::take(&mut self.appended)
    }

    fn append(&mut self, record: MetadataRecord) {
        Arc::make_mut(&mut self.znodes).replay(&record);
        self.appended.push(record);
    }

    /// The tick after the timeout (`ExpiryQueue.roundToNextInterval`).
    fn session_end(&self, now: SimTime) -> SimTime {
        let end = (now + self.config.zookeeper_session_timeout).micros();
        SimTime((end / TICK.0 + 1) * TICK.0)
    }

    fn rule(&self) -> String {
        format!("zookeeper.session.timeout.ms = {}", self.config.zookeeper_session_timeout.millis())
    }

    /// The session by which this registration was made is there.
    fn has_session(&self, broker: BrokerId, epoch: BrokerEpoch) -> bool {
        self.znodes.brokers.get(&broker).is_some_and(|known| known.epoch == epoch)
    }

    /// A new session creates `/brokers/ids/N`, unless that of the process before is still there.
    fn register(&mut self, broker: BrokerId, request: &BrokerRegistrationRequest, out: &mut Outbox) -> Result<BrokerEpoch, ErrorCode> {
        if let Some(known) = self.znodes.brokers.get(&broker) {
            let same = known.incarnation == request.incarnation;
            return if same { Ok(known.epoch) } else { Err(ErrorCode::DuplicateBrokerRegistration) };
        }
        // `czxid` of the znode.
        let epoch = BrokerEpoch(self.znodes.offset as i64);
        let (rack, incarnation) = (request.rack.clone(), request.incarnation);
        let registration = BrokerRegistration { epoch, fenced: false, in_controlled_shutdown: false, rack, incarnation };
        self.append(MetadataRecord::RegisterBroker { broker, registration });
        let event = out.note(
            EventKind::BrokerRegistered,
            broker.to_string(),
            format!("Broker {broker} has a session with ZooKeeper and created /brokers/ids/{broker}."),
            format!("An ephemeral znode lives as long as its session: {}", self.rule()),
            request.because.into_iter().collect(),
        );
        self.append(MetadataRecord::SessionEvent { broker, event });
        Ok(epoch)
    }

    /// The session is over, and what it created is gone.
    fn end_session(&mut self, broker: BrokerId, closed: bool, out: &mut Outbox) {
        self.sessions.remove(&broker);
        self.append(MetadataRecord::UnregisterBroker(broker));
        let (text, rule) = match closed {
            true => (
                format!("Broker {broker} closed its session with ZooKeeper"),
                "A closed session takes its ephemeral znodes with it".to_owned(),
            ),
            false => (
                format!("ZooKeeper ended the session of broker {broker}: no ping for {}", self.config.zookeeper_session_timeout),
                format!("{}, then the next tick of {TICK}", self.rule()),
            ),
        };
        let text = format!("{text}. /brokers/ids/{broker} is gone.");
        let event = out.note(EventKind::BrokerFenced, broker.to_string(), text, rule, Vec::new());
        self.append(MetadataRecord::SessionEvent { broker, event });
        if self.znodes.controller == Some(broker) {
            self.append(MetadataRecord::Controller(None));
            out.note(
                EventKind::ControllerResigned,
                broker.to_string(),
                format!("/controller is gone with the session of broker {broker}: nobody is the controller."),
                "The first broker to create /controller again is the next one".to_owned(),
                vec![event],
            );
        }
    }

    /// Writes of the controller this ensemble knows. Those that came before, or that follow on some that did not come, change nothing.
    fn write(&mut self, broker: BrokerId, writes: ZnodeWrites) {
        let known = self.znodes.written.checked_sub(writes.first);
        let office = self.znodes.controller == Some(broker) && self.znodes.controller_epoch == writes.controller_epoch;
        if let Some(known) = known.filter(|_| office) {
            writes.records.into_iter().skip(known as usize).for_each(|record| self.append(record));
        }
    }

    fn asked(&mut self, now: SimTime, broker: BrokerId, id: CorrelationId, request: Request, out: &mut Outbox) {
        let response = match request {
            Request::BrokerRegistration(request) => Response::BrokerRegistration(self.register(broker, &request, out)),
            Request::BrokerHeartbeat(ping) => Response::BrokerHeartbeat(match self.has_session(broker, ping.epoch) {
                true => Ok(HeartbeatAnswer { fenced: false, should_shut_down: false }),
                false => Err(ErrorCode::StaleBrokerEpoch),
            }),
            Request::CreateController(epoch) => {
                if self.znodes.controller.is_none() && self.has_session(broker, epoch) {
                    self.append(MetadataRecord::Controller(Some(broker)));
                }
                return;
            }
            Request::WriteZnodes(writes) => return self.write(broker, *writes),
            Request::CloseSession(epoch) => {
                if self.has_session(broker, epoch) {
                    self.end_session(broker, true, out);
                }
                return;
            }
            _ => return,
        };
        if self.znodes.brokers.contains_key(&broker)
            && !matches!(response, Response::BrokerHeartbeat(Err(_)) | Response::BrokerRegistration(Err(_)))
        {
            self.sessions.insert(broker, self.session_end(now));
        }
        out.respond(NodeId::Broker(broker), id, response);
    }
}

impl Node for Ensemble {
    fn handle(&mut self, now: SimTime, from: NodeId, message: Message, out: &mut Outbox) {
        if let (NodeId::Broker(broker), Message::Request(id, request)) = (from, message) {
            self.asked(now, broker, id, request, out);
        }
    }

    fn next_timeout(&self) -> SimTime {
        self.sessions.values().copied().min().unwrap_or(SimTime::MAX)
    }

    fn handle_timeout(&mut self, now: SimTime, out: &mut Outbox) {
        let over: Vec<BrokerId> = self.sessions.iter().filter(|(_, end)| **end <= now).map(|(broker, _)| *broker).collect();
        over.into_iter().for_each(|broker| self.end_session(broker, false, out));
    }
}
