//! Who comes and who goes while the cluster runs: `add`, `remove`, and groups and fleets that grow or shrink.
//!
//! Whoever comes gets the next number and chance of its own, so that nobody else draws otherwise for it. Whoever goes keeps its
//! number; what it did stays in the record.

use super::super::Cluster;
use super::super::host::Host;
use super::super::numbering::Seat;
use super::super::referee::GroupLedger;
use crate::broker::Broker;
use crate::client::consumer::Consumer;
use crate::client::producer::Producer;
use crate::client::workload::Workload;
use crate::command::{Command, CommandError, Part};
use crate::config::{Settings, TopicConfig};
use crate::ids::{BrokerId, EventId, NodeId};
use crate::rng::{Seed, SimRng};
use crate::scenario::{GroupSpec, Placement, ProducerSpec, Scenario, TopicSpec, limits};
use crate::sorted::SortedSet;
use crate::time::SimTime;
use crate::trace::{EventKind, TraceEvent};
use std::sync::Arc;

impl Cluster {
    /// Lets come and go whom a line adds and removes; gives a sentence about it.
    pub(super) fn change_cast(&mut self, command: &Command) -> Result<String, CommandError> {
        let before = self.cast_now();
        let after = before.joined(command).unwrap_or_else(|| Err(format!("`{command}` changes nobody."))).map_err(CommandError::Refused)?;
        let (old, new) = (names(&before), names(&after));
        let anew = deployed_anew(command, &after);
        let leaving = |name: &str| old.contains(name) && (anew.contains(name) || !new.contains(name));
        let stay: SortedSet<String> = old.iter().filter(|name| !leaving(name)).cloned().collect();
        let coming = new.iter().filter(|name| !stay.contains(*name)).count() as u32;
        let seats = self.seats.next_client().0;
        if coming > 0 && seats + coming > limits::CLIENTS {
            let text = format!("{seats} clients have taken part in this run; the limit is {}. Begin a new run.", limits::CLIENTS);
            return Err(CommandError::Refused(text));
        }
        let brokers = after.cluster.brokers.iter().filter(|id| !before.cluster.brokers.contains(id));
        let copies = brokers.clone().map(|id| self.copies_assigned_to(*id)).sum();
        let text = told(command, &after, coming, copies);
        let event = self.tell_cast(command, text.clone());
        for id in before.cluster.brokers.iter().filter(|id| !after.cluster.brokers.contains(id)) {
            self.dismiss(NodeId::Broker(*id), event);
        }
        let producers = self.producers.iter().filter(|producer| leaving(&producer.name)).map(|producer| producer.id);
        let consumers = self.consumers.iter().filter(|consumer| leaving(&consumer.name)).map(|consumer| consumer.id);
        let clients: Vec<NodeId> = producers.chain(consumers).map(NodeId::Client).collect();
        clients.into_iter().for_each(|client| self.dismiss(client, event));
        self.enter(&before, &after);
        for id in brokers {
            self.admit_broker(*id, event);
        }
        for spec in &after.producers {
            self.admit_producers(spec, &old, &stay, event);
        }
        for spec in &after.groups {
            self.admit_members(spec, &old, &stay, event);
        }
        Ok(text)
    }

    fn copies_assigned_to(&self, broker: BrokerId) -> u32 {
        let image = self.controller().image();
        image.partitions().filter(|(_, partition)| partition.replicas.contains(&broker)).count() as u32
    }

    /// Who takes part now, with the topics there are: what a line is checked against.
    fn cast_now(&self) -> Scenario {
        let topics = self.controller().image().topics().filter(|topic| !topic.internal).map(|topic| TopicSpec {
            name: topic.name.to_string(),
            placement: Placement::Striped { partitions: topic.partitions.len() as u32, replication_factor: 1 },
            config: TopicConfig::of(self.scenario.cluster.config.profile),
        });
        let mut cast = Scenario { topics: topics.collect(), timeline: Vec::new(), expects: Vec::new(), ..(*self.scenario).clone() };
        cast.groups.retain(|group| group.members > 0);
        cast
    }

    /// The new cast, each group at the place it had. One that was removed keeps it, without members.
    fn enter(&mut self, before: &Scenario, after: &Scenario) {
        let scenario = Arc::make_mut(&mut self.scenario);
        scenario.cluster.brokers.clone_from(&after.cluster.brokers);
        for id in &after.cluster.brokers {
            match after.cluster.racks.get(id) {
                Some(rack) => scenario.cluster.racks.insert(*id, rack.clone()),
                None => scenario.cluster.racks.remove(id),
            };
        }
        scenario.producers.clone_from(&after.producers);
        for gone in before.groups.iter().filter(|group| after.groups.iter().all(|other| other.name != group.name)) {
            let kept = scenario.groups.iter_mut().find(|group| group.name == gone.name);
            kept.into_iter().for_each(|group| group.members = 0);
        }
        for spec in &after.groups {
            match scenario.groups.iter_mut().find(|group| group.name == spec.name) {
                Some(known) => known.clone_from(spec),
                None => {
                    scenario.groups.push(spec.clone());
                    self.referee.groups.push(GroupLedger::default());
                    self.history.extend(1, 0);
                }
            }
        }
    }

    /// It ends in order, if it can, and nobody starts it again.
    fn dismiss(&mut self, id: NodeId, event: EventId) {
        let Some(node) = self.number(id) else { return };
        let host = &mut self.hosts[node as usize];
        if host.gone {
            return;
        }
        (host.gone, host.last) = (true, Some(event));
        match (host.down, host.paused) {
            (true, _) => {}
            // Frozen, it cannot say goodbye.
            (_, true) => self.kill(node, event),
            _ => self.stop(node, event),
        }
    }

    /// A machine of its own, with an empty disk: it registers as every broker does.
    fn admit_broker(&mut self, id: BrokerId, event: EventId) {
        let config = Arc::new(self.scenario.cluster.config.clone());
        let rack = self.scenario.cluster.racks.get(&id).map(|rack| Arc::from(rack.as_str()));
        let voters = self.controllers.iter().map(|voter| voter.id()).collect();
        let rng = SimRng::new(Seed(self.scenario.seed), NodeId::Broker(id).stream());
        let broker = Broker::new(id, rack, voters, config, rng);
        let node = match self.number(NodeId::Broker(id)) {
            // Another machine takes the number of one that left.
            Some(node) => {
                if !self.hosts[node as usize].down {
                    self.kill(node, event);
                }
                if let Some(place) = self.broker_place(node) {
                    self.brokers[place] = self.brokers[place].replaced_by(broker);
                }
                node
            }
            None => {
                self.brokers.push(broker);
                let node = self.seats.broker(id, self.brokers.len() - 1);
                self.seat_taken(event);
                node
            }
        };
        let host = &mut self.hosts[node as usize];
        (host.gone, host.last) = (false, Some(event));
        self.start(node, event);
    }

    fn admit_producers(&mut self, spec: &ProducerSpec, old: &SortedSet<String>, stay: &SortedSet<String>, event: EventId) {
        // Those of a fleet that grows are as its others are now.
        let like = self
            .producers
            .iter()
            .rev()
            .find(|producer| old.contains(&*producer.name) && spec.members.iter().any(|name| **name == *producer.name));
        let config = like.map_or_else(|| spec.config.clone(), |producer| producer.config().clone());
        let (shared, config) = (Arc::new(spec.clone()), Arc::new(config));
        let bootstrap = self.bootstrap(&spec.bootstrap);
        let (now, seed) = (self.now, Seed(self.scenario.seed));
        for (member, name) in spec.members.iter().enumerate().filter(|(_, name)| !stay.contains(*name)) {
            let id = self.seats.next_client();
            let rng = |purpose: u64| SimRng::new(seed, NodeId::Client(id).stream() | purpose << 48);
            let workload = Workload::new(Arc::clone(&shared), member as u32, rng(1)).begun_at(now);
            let (name, topic) = (Arc::from(name.as_str()), Arc::from(spec.topic.as_str()));
            self.producers.push(Producer::new(id, name, topic, Arc::clone(&config), workload, Arc::clone(&bootstrap), rng(0)));
            let place = self.producers.len() - 1;
            let node = self.seats.client(Seat::Producer(place as u32));
            self.seat_taken(event);
            self.connect_afresh(node);
            self.acting_as(node, |cluster, out| cluster.producers[place].begin(now, out));
        }
    }

    fn admit_members(&mut self, spec: &GroupSpec, old: &SortedSet<String>, stay: &SortedSet<String>, event: EventId) {
        let Some(group) = self.scenario.groups.iter().position(|group| group.name == spec.name) else { return };
        let live = |consumer: &&Consumer| **consumer.group() == *spec.name && old.contains(&*consumer.name);
        // Those of a group that grows are as its others are now, and start at once.
        let like = self.consumers.iter().rev().find(live).map(|consumer| (**consumer.spec()).clone());
        let as_they_are = |like: GroupSpec| GroupSpec {
            process: like.process,
            commit: like.commit,
            config: like.config,
            poison: like.poison,
            start: Vec::new(),
            ..spec.clone()
        };
        let shared = Arc::new(like.map_or_else(|| spec.clone(), as_they_are));
        let bootstrap = self.bootstrap(&shared.bootstrap);
        let now = self.now;
        for (member, name) in (1..).zip(spec.member_names()).filter(|(_, name)| !stay.contains(name)) {
            let id = self.seats.next_client();
            self.consumers.push(Consumer::new(id, Arc::from(name.as_str()), Arc::clone(&shared), Arc::clone(&bootstrap)));
            self.group_of.push(group as u32);
            self.history.extend(0, 1);
            let place = self.consumers.len() - 1;
            let node = self.seats.client(Seat::Consumer(place as u32));
            self.seat_taken(event);
            self.connect_afresh(node);
            let delay = shared.starts(member).since(SimTime::ZERO);
            self.acting_as(node, |cluster, out| match delay.micros() {
                0 => cluster.consumers[place].start(now, out),
                _ => cluster.consumers[place].begin_at(now + delay, out),
            });
        }
    }

    /// The world's side of a seat that has just been given.
    fn seat_taken(&mut self, event: EventId) {
        self.hosts.push(Host::added_by(event));
        self.wakes.push(SimTime::MAX);
        self.network.admit();
    }

    fn bootstrap(&self, named: &[BrokerId]) -> Arc<[BrokerId]> {
        Arc::from(if named.is_empty() { &self.scenario.cluster.brokers[..] } else { named })
    }

    fn tell_cast(&mut self, command: &Command, text: String) -> EventId {
        let rule = match command {
            Command::Add(new) => match new.part {
                Part::Broker => {
                    "add broker: Kafka moves no partition to a new broker by itself; kafka-reassign-partitions.sh does, and new topics"
                }
                Part::Producer => "add producer: new processes, which know bootstrap.servers and nothing else",
                Part::Group => "add group: its members find the coordinator, join, and divide the partitions",
            },
            Command::Remove { part: Some(Part::Broker), .. } => {
                "remove broker: a controlled shutdown. Replicas stay assigned (kafka-reassign-partitions.sh) and the broker registered \
                 (kafka-cluster.sh unregister)"
            }
            Command::Remove { .. } => "remove: close() of a client, and its process is not started again",
            Command::Set { key, .. } if key == "members" => "set members: new members join; those that go leave in order, the newest first",
            _ => "set: the application is deployed anew; its old processes close in order, and new ones start",
        };
        let subject = match command {
            Command::Add(new) => new.name.clone(),
            Command::Remove { name, .. } | Command::Set { client: name, .. } => name.clone(),
            _ => String::new(),
        };
        let id = self.next_event_id();
        self.push_event(TraceEvent { id, kind: EventKind::Command, subject, text, rule: rule.to_owned(), causes: Vec::new() });
        id
    }
}

/// Names of all clients.
fn names(scenario: &Scenario) -> SortedSet<String> {
    let producers = scenario.producers.iter().flat_map(|producer| producer.members.iter().cloned());
    producers.chain(scenario.groups.iter().flat_map(GroupSpec::member_names)).collect()
}

/// The clients whose application is another from now on.
fn deployed_anew(command: &Command, after: &Scenario) -> SortedSet<String> {
    let Command::Set { client, key, .. } = command else { return SortedSet::new() };
    let producers = after.producers.iter().filter(|producer| producer.name == *client).flat_map(|producer| producer.members.clone());
    let groups = after.groups.iter().filter(|group| group.name == *client).flat_map(GroupSpec::member_names);
    if key == "members" { SortedSet::new() } else { producers.chain(groups).collect() }
}

/// What happens, actor first.
///
/// `copies`: of the partitions that those brokers are assigned which took the number of another.
fn told(command: &Command, after: &Scenario, coming: u32, copies: u32) -> String {
    match command {
        Command::Add(new) => match (new.part, new.name.starts_with('{')) {
            (Part::Broker, many) if copies > 0 => {
                let (who, disk) = if many { ("The brokers", "join with empty disks") } else { ("Broker", "joins with an empty disk") };
                let copies = if copies == 1 { "A copy that is".to_owned() } else { format!("{copies} copies that are") };
                format!("{who} {} {disk}. {copies} still assigned to that number must be made again.", new.name)
            }
            (Part::Broker, false) => format!("Broker {} joins with an empty disk. Nothing is assigned to it yet.", new.name),
            (Part::Broker, true) => format!("The brokers {} join with empty disks. Nothing is assigned to them yet.", new.name),
            (Part::Producer, _) if coming == 1 => format!("Producer {} starts.", new.name),
            (Part::Producer, _) => format!("The {coming} producers {} start.", new.name),
            (Part::Group, _) => format!("Group {} starts with {coming} {}.", new.name, if coming == 1 { "member" } else { "members" }),
        },
        Command::Remove { part: Some(Part::Broker), name } => {
            format!(
                "Broker {name} leaves for good, and hands over what it leads. Its replicas stay assigned to it until they are reassigned."
            )
        }
        Command::Remove { name, .. } => format!("{name} leaves for good."),
        Command::Set { client, key, value } if key != "members" => format!("{client} is deployed anew, with {key} = {value}."),
        Command::Set { client, value, .. } => {
            let group = after.groups.iter().any(|group| group.name == *client);
            let (kind, members) = if group { ("Group", "members") } else { ("Fleet", "producers") };
            format!("{kind} {client} has {value} {members} from now on.")
        }
        _ => String::new(),
    }
}
