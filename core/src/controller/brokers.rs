//! Which brokers are trusted: registration, heartbeats, fencing, controlled shutdown. Kafka's `ClusterControlManager` and
//! `BrokerHeartbeatManager`.

use super::Controller;
use super::leaders::Why;
use super::placement::UsableBroker;
use crate::error::{ErrorCode, Refusal};
use crate::hash::java_map_order;
use crate::ids::{BrokerEpoch, BrokerId, EventId, TopicPartition};
use crate::metadata::{BrokerRegistration, MetadataRecord, PartitionRegistration};
use crate::node::Outbox;
use crate::planted::{Bug, planted};
use crate::protocol::{BrokerHeartbeatRequest, BrokerRegistrationRequest, HeartbeatAnswer};
use crate::time::SimTime;
use crate::trace::EventKind;

/// What the controller remembers of a broker's heartbeats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    last_contact: SimTime,
    /// As far as the broker has read the metadata.
    metadata_offset: u64,
    /// It may stop when everybody has read this far, and so knows that it leads nothing.
    shutdown_offset: Option<u64>,
}

impl Session {
    pub(super) const fn at(now: SimTime) -> Self {
        Session { last_contact: now, metadata_offset: 0, shutdown_offset: None }
    }
}

/// Kafka's `BrokerControlState`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fenced,
    Unfenced,
    ControlledShutdown,
    ShutdownNow,
}

impl Controller {
    /// `ClusterControlManager.registerBroker`: one process a broker id; the new one starts fenced.
    pub fn register(
        &mut self,
        now: SimTime,
        broker: BrokerId,
        request: &BrokerRegistrationRequest,
        out: &mut Outbox,
    ) -> Result<BrokerEpoch, ErrorCode> {
        if let Some(known) = self.image.brokers.get(&broker) {
            if known.incarnation == request.incarnation {
                return Ok(known.epoch);
            }
            let session = self.session_end(broker).is_some_and(|end| now < end);
            if session && !known.in_controlled_shutdown {
                return Err(ErrorCode::DuplicateBrokerRegistration);
            }
            let clean = request.previous_epoch == Some(known.epoch);
            // The old process may be missed at this very instant; what that means for its partitions depends on how it ended.
            self.distrust(broker, out);
            let because = self.trust.get(&broker).copied().or(request.because);
            self.shut_down(broker, clean, because, out);
        }
        let epoch = BrokerEpoch(if planted(Bug::BrokerEpochsStartAgain) { 0 } else { self.image.offset as i64 });
        let (rack, incarnation) = (request.rack.clone(), request.incarnation);
        let registration = BrokerRegistration { epoch, fenced: true, in_controlled_shutdown: false, rack, incarnation };
        self.append(&MetadataRecord::RegisterBroker { broker, registration });
        self.sessions.insert(broker, Session::at(now));
        let registered = out.note(
            EventKind::BrokerRegistered,
            broker.to_string(),
            format!("Broker {broker} registered with the controller and is fenced until it has caught up with the metadata."),
            "A registering broker starts fenced (KIP-631)".to_owned(),
            request.because.into_iter().collect(),
        );
        self.trust.insert(broker, registered);
        Ok(epoch)
    }

    /// What the end of a process means for its partitions, once its successor registers. One that stopped in order has lost
    /// nothing; of another the disk may have lost its tail: it is in sync and eligible no longer (KIP-966).
    fn shut_down(&mut self, broker: BrokerId, clean: bool, because: Option<EventId>, out: &mut Outbox) {
        if clean || !self.config.eligible_leader_replicas || planted(Bug::EligibleAfterUncleanStop) {
            self.leave_isrs(broker, Why::Fenced(broker), because, out);
            return;
        }
        for id in self.partitions_where(|p| p.isr.contains(&broker) || p.elr.contains(&broker)) {
            self.change_partition(id, Why::UncleanShutdown(broker), because, out, &mut |change| {
                change.isr.retain(|member| *member != broker);
                change.unclean_shutdown = Some(broker);
            });
        }
    }

    fn leave_isrs(&mut self, broker: BrokerId, why: Why, because: Option<EventId>, out: &mut Outbox) {
        for id in self.partitions_where(|p| p.isr.contains(&broker) && !planted(Bug::FencedStayInSync)) {
            self.change_partition(id, why, because, out, &mut |change| change.isr.retain(|member| *member != broker));
        }
    }

    pub(super) fn partitions_where(&self, wanted: impl Fn(&PartitionRegistration) -> bool) -> Vec<TopicPartition> {
        self.image.partitions().filter(|(_, partition)| wanted(partition)).map(|(id, _)| id).collect()
    }

    /// When the controller will miss it, unless it is heard of before.
    pub fn session_end(&self, broker: BrokerId) -> Option<SimTime> {
        self.sessions.get(&broker).map(|session| session.last_contact + self.config.session_timeout)
    }

    pub(super) fn next_session_end(&self) -> SimTime {
        self.sessions.values().map(|session| session.last_contact + self.config.session_timeout).min().unwrap_or(SimTime::MAX)
    }

    pub(super) fn fence_silent_brokers(&mut self, now: SimTime, out: &mut Outbox) {
        let timeout = self.config.session_timeout;
        let silent = |(_, session): &(&BrokerId, &Session)| session.last_contact + timeout <= now;
        let expired: Vec<BrokerId> = self.sessions.iter().filter(silent).map(|(broker, _)| *broker).collect();
        for broker in expired {
            self.fence(broker, out);
        }
    }

    /// `ReplicationControlManager.processBrokerHeartbeat`.
    pub fn heartbeat(
        &mut self,
        now: SimTime,
        broker: BrokerId,
        request: &BrokerHeartbeatRequest,
        out: &mut Outbox,
    ) -> Result<HeartbeatAnswer, ErrorCode> {
        let known = self.image.brokers.get(&broker).filter(|registration| registration.epoch == request.epoch);
        let Some(known) = known.cloned() else { return Err(ErrorCode::StaleBrokerEpoch) };
        let state = match (known.fenced, self.sessions.get(&broker).and_then(|session| session.shutdown_offset)) {
            (true, _) => State::Fenced,
            (false, Some(_)) => State::ControlledShutdown,
            (false, None) => State::Unfenced,
        };
        let next = self.next_state(broker, state, &known, request);
        match next {
            State::Unfenced if state == State::Fenced => self.unfence(broker, out),
            State::ControlledShutdown if state != next => self.begin_shutdown(broker, request.because, out),
            State::ShutdownNow if state != State::Fenced => self.let_go(broker, request.because, out),
            _ => {}
        }
        let before = self.sessions.get(&broker).and_then(|session| session.shutdown_offset);
        let shutdown_offset = match next {
            State::ControlledShutdown => before.or(Some(self.image.offset)),
            _ => None,
        };
        self.sessions.insert(broker, Session { last_contact: now, metadata_offset: request.metadata_offset, shutdown_offset });
        let fenced = matches!(next, State::Fenced | State::ShutdownNow);
        Ok(HeartbeatAnswer { fenced, should_shut_down: next == State::ShutdownNow })
    }

    /// `BrokerHeartbeatManager.calculateNextBrokerState`.
    fn next_state(&self, broker: BrokerId, state: State, known: &BrokerRegistration, request: &BrokerHeartbeatRequest) -> State {
        let leads = || self.image.partitions().any(|(_, partition)| partition.leader == Some(broker));
        match state {
            State::Fenced if request.wants_shutdown => State::ShutdownNow,
            State::Fenced if request.metadata_offset > known.epoch.0 as u64 => State::Unfenced,
            State::Fenced => State::Fenced,
            State::Unfenced if !request.wants_shutdown => State::Unfenced,
            State::Unfenced if leads() => State::ControlledShutdown,
            State::Unfenced => State::ShutdownNow,
            _ if leads() => State::ControlledShutdown,
            _ => match self.sessions.get(&broker).and_then(|session| session.shutdown_offset) {
                Some(offset) if offset <= self.lowest_active_offset() => State::ShutdownNow,
                _ => State::ControlledShutdown,
            },
        }
    }

    /// As far as every trusted broker that stays has read the metadata.
    fn lowest_active_offset(&self) -> u64 {
        let active = self.sessions.iter().filter(|(broker, session)| self.image.is_active(**broker) && session.shutdown_offset.is_none());
        active.map(|(_, session)| session.metadata_offset).min().unwrap_or(u64::MAX)
    }

    /// `handleBrokerInControlledShutdown`: it leaves every ISR and others lead, while its process still runs.
    fn begin_shutdown(&mut self, broker: BrokerId, because: Option<EventId>, out: &mut Outbox) {
        self.append(&MetadataRecord::ControlledShutdown(broker));
        let text = format!("Broker {broker} asked to stop. The controller moves its leaderships away first.");
        let rule = "controlled.shutdown.enable = true: a stopping broker hands over before it goes";
        self.hand_over(broker, EventKind::BrokerStopping, text, rule, because, out);
    }

    /// Told, and out of every ISR.
    fn hand_over(&mut self, broker: BrokerId, kind: EventKind, text: String, rule: &str, because: Option<EventId>, out: &mut Outbox) {
        let event = out.note(kind, broker.to_string(), text, rule.to_owned(), because.into_iter().collect());
        self.trust.insert(broker, event);
        self.leave_isrs(broker, Why::ControlledShutdown(broker), Some(event), out);
    }

    /// It may stop now: fenced, without having been silent.
    fn let_go(&mut self, broker: BrokerId, because: Option<EventId>, out: &mut Outbox) {
        let because = self.trust.get(&broker).copied().filter(|_| !self.image.is_active(broker)).or(because);
        self.append(&MetadataRecord::FenceBroker(broker));
        let text = format!("Broker {broker} leads nothing any more. The controller fenced it and lets it stop.");
        let rule = "controlled.shutdown.enable = true: it stops when every other broker knows its new leaders";
        self.hand_over(broker, EventKind::BrokerFenced, text, rule, because, out);
    }

    pub(super) fn unfence(&mut self, broker: BrokerId, out: &mut Outbox) {
        self.append(&MetadataRecord::UnfenceBroker(broker));
        let because = self.trust.get(&broker).copied();
        let event = out.note(
            EventKind::BrokerUnfenced,
            broker.to_string(),
            format!("The controller trusts broker {broker} again. It follows where it has copies; it leads nothing by that alone."),
            "A broker whose metadata has caught up is unfenced at its next heartbeat".to_owned(),
            because.into_iter().collect(),
        );
        self.trust.insert(broker, event);
        for id in self.partitions_where(|p| p.leader.is_none()) {
            self.change_partition(id, Why::Unfenced(broker), Some(event), out, &mut |_| {});
        }
    }

    /// No heartbeat for `broker.session.timeout.ms`: the broker leaves every ISR and its partitions get new leaders.
    pub fn fence(&mut self, broker: BrokerId, out: &mut Outbox) {
        if let Some(event) = self.distrust(broker, out) {
            self.leave_isrs(broker, Why::Fenced(broker), Some(event), out);
        }
    }

    /// Marks a broker as fenced; `None` if it was, or is not known.
    fn distrust(&mut self, broker: BrokerId, out: &mut Outbox) -> Option<EventId> {
        self.sessions.remove(&broker);
        self.image.brokers.get(&broker).filter(|registration| !registration.fenced)?;
        self.append(&MetadataRecord::FenceBroker(broker));
        let timeout = self.config.session_timeout;
        let event = out.note(
            EventKind::BrokerFenced,
            broker.to_string(),
            format!("The controller fenced broker {broker}: no heartbeat for {timeout}."),
            format!("broker.session.timeout.ms = {}", timeout.millis()),
            Vec::new(),
        );
        self.trust.insert(broker, event);
        Some(event)
    }

    /// `kafka-cluster.sh unregister`: the controller forgets the broker; its partitions keep it as a replica.
    pub fn unregister(&mut self, broker: BrokerId, because: Option<EventId>, out: &mut Outbox) -> Result<(), Refusal> {
        if !self.image.brokers.contains_key(&broker) {
            let message = format!("Broker ID {broker} is not currently registered");
            return Err(Refusal::new(ErrorCode::BrokerIdNotRegistered, message));
        }
        self.append(&MetadataRecord::UnregisterBroker(broker));
        self.sessions.remove(&broker);
        let event = out.note(
            EventKind::BrokerUnregistered,
            broker.to_string(),
            format!("The controller forgot broker {broker}. What it holds copies of keeps its name."),
            "UnregisterBroker (KIP-185): an id without a registration is no broker".to_owned(),
            because.into_iter().collect(),
        );
        self.trust.remove(&broker);
        self.leave_isrs(broker, Why::Unregistered(broker), Some(event), out);
        Ok(())
    }

    /// Brokers a new replica may go to, as Kafka's table of heartbeats gives them; those that are about to stop are left out.
    pub(super) fn usable_brokers(&self) -> Vec<UsableBroker> {
        let staying = self.image.brokers.iter().filter(|(_, registration)| !registration.in_controlled_shutdown);
        let usable = |(id, registration): (&BrokerId, &BrokerRegistration)| UsableBroker {
            id: *id,
            rack: registration.rack.clone(),
            fenced: registration.fenced,
        };
        let mut usable: Vec<UsableBroker> = staying.map(usable).collect();
        java_map_order(&mut usable, |broker| broker.id.0);
        usable
    }
}
