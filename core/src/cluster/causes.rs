//! What the world adds to the causes an event names: whoever tells of it only misses somebody, and does not know why.

use super::Cluster;
use crate::ids::{BrokerId, EventId, NodeId};
use crate::trace::{EventKind, TraceEvent};

impl Cluster {
    pub(super) fn add_causes(&mut self, event: &mut TraceEvent) {
        match event.kind {
            EventKind::LeaderElected
            | EventKind::LogTruncated
            | EventKind::SegmentDeleted
            | EventKind::IsrChanged
            | EventKind::ElrChanged
            | EventKind::PartitionReassigned => self.add_causes_to_partition(event),
            EventKind::RebalanceStarted
            | EventKind::GroupRebalanced
            | EventKind::PartitionsRevoked
            | EventKind::CommitRefused
            | EventKind::Application
            | EventKind::MemberJoined
            | EventKind::MemberLeft
            | EventKind::OffsetsExpired => self.add_causes_to_group(event),
            EventKind::BrokerFenced
            | EventKind::BrokerUnfenced
            | EventKind::ControllerElected
            | EventKind::ControllerResigned
            | EventKind::ZooKeeper => self.add_causes_to_control(event),
            _ => {}
        }
    }

    fn add_causes_to_partition(&mut self, event: &mut TraceEvent) {
        match event.kind {
            EventKind::LeaderElected => {
                event.causes.extend(self.move_now(&event.subject));
                // A check of the controller mends what the election before it brought about.
                let before = self.elections.insert(event.subject.clone(), event.id);
                event.causes.extend(before.filter(|_| event.causes.is_empty()));
            }
            // A follower only hears that its leader has something else there; it leads because it was elected.
            EventKind::LogTruncated => event.causes.extend(self.elections.get(&event.subject)),
            // Followers delete by the same clock; whoever stood there reads of the leader's deed.
            EventKind::SegmentDeleted => {
                self.deletions.insert(event.subject.clone(), event.id);
            }
            // Who catches up was late, until something was mended; who is eligible follows from the ISR.
            EventKind::IsrChanged if event.causes.is_empty() && !event.rule.starts_with("replica.lag.time.max.ms") => {
                event.causes.extend(self.struck_followers(&event.subject));
                event.causes.extend(self.shrinks.get(&event.subject));
                let moves = self.newest_about(&event.subject, EventKind::PartitionReassigned).filter(|_| event.causes.is_empty());
                event.causes.extend(moves);
            }
            // The old replicas go when the new ones are in sync.
            EventKind::PartitionReassigned if event.causes.is_empty() => {
                event.causes.extend(self.newest_about(&event.subject, EventKind::PartitionReassigned));
            }
            EventKind::ElrChanged if event.causes.is_empty() => {
                event.causes.extend(self.newest_about(&event.subject, EventKind::IsrChanged));
            }
            EventKind::IsrChanged if event.rule.starts_with("replica.lag.time.max.ms") => {
                event.causes.extend(self.struck_followers(&event.subject));
                self.shrinks.insert(event.subject.clone(), event.id);
            }
            _ => {}
        }
    }

    fn add_causes_to_group(&mut self, event: &mut TraceEvent) {
        match event.kind {
            // Nor does a coordinator know why a member is silent, or a leader why a follower is late.
            EventKind::RebalanceStarted | EventKind::GroupRebalanced => {
                // Who joins again by itself has given partitions up.
                let revoked = event.causes.is_empty();
                event.causes.extend(self.rebalances.get(&event.subject).filter(|_| revoked));
                self.rebalances.insert(event.subject.clone(), event.id);
            }
            EventKind::PartitionsRevoked => {
                event.causes.extend(self.rebalances.insert(event.subject.clone(), event.id));
            }
            EventKind::CommitRefused => {
                event.causes.extend(self.struck_member(&event.text));
                event.causes.extend(self.rebalances.get(&event.subject));
            }
            // What an application does to itself is why its group misses it.
            EventKind::Application => {
                if let Some(node) = self.member_named(&event.text) {
                    event.causes.extend(self.hosts[node as usize].struck.replace(event.id));
                }
            }
            // It is silent because of what was done to it, or to who coordinates its group.
            EventKind::MemberLeft => {
                let coordinator = || self.blame(self.bookmarks_of(&event.subject)?, &[]);
                let why = self.last_deed_to_member(&event.text).filter(|_| event.causes.is_empty());
                event.causes.extend(self.struck_member(&event.text).or(why).or_else(coordinator));
            }
            EventKind::OffsetsExpired => event.causes.extend(self.rebalances.get(&event.subject)),
            // Somebody started it.
            EventKind::MemberJoined => event.causes.extend(self.last_deed_to_member(&event.text)),
            _ => {}
        }
    }

    fn add_causes_to_control(&mut self, event: &mut TraceEvent) {
        match event.kind {
            // The controller only misses heartbeats; we know why they stopped.
            EventKind::BrokerFenced => {
                let controller = || self.last_deed(NodeId::Controller(self.active_controller()?.id()));
                event.causes.extend(self.last_deed_to_broker(&event.subject).or_else(controller));
            }
            // A controller that took office meanwhile does not know why the broker was away.
            EventKind::BrokerUnfenced if event.causes.is_empty() => {
                event.causes.extend(self.last_deed_to_broker(&event.subject));
            }
            EventKind::ControllerResigned => {
                event.causes.extend(self.blame_of_voters().filter(|_| event.causes.is_empty()));
                self.last_elected.1 = Some(event.id);
            }
            // So does the quorum of its leader.
            EventKind::ControllerElected => {
                let (last, left) = self.last_elected;
                let zookeeper = self.scenario.cluster.config.zookeeper();
                let last_node = if zookeeper { NodeId::Broker(BrokerId(last)) } else { NodeId::Controller(last) };
                let struck = self.number(last_node).and_then(|node| self.hosts[node as usize].struck);
                event.causes.extend(left.or(struck).or_else(|| self.blame_of_voters()));
                self.last_elected = (event.subject.parse().unwrap_or(last), None);
            }
            // Servers of an ensemble only miss one another, and a broker only hears that it was missed.
            EventKind::ZooKeeper if event.causes.is_empty() => {
                let servers = self.hosts[..self.controllers.len()].iter().filter(|host| host.down || host.paused);
                event.causes.extend(servers.filter_map(|host| host.struck));
                event.causes.extend(self.last_deed_to_broker(&event.subject));
                event.causes.extend(self.blame_of_voters().filter(|_| event.causes.is_empty()));
            }
            _ => {}
        }
    }

    /// What the user did to the client that such a sentence begins with.
    fn struck_member(&self, text: &str) -> Option<EventId> {
        self.hosts[self.member_named(text)? as usize].struck
    }

    fn last_deed_to_member(&self, text: &str) -> Option<EventId> {
        let host = &self.hosts[self.member_named(text)? as usize];
        host.struck.or(host.last)
    }

    fn member_named(&self, text: &str) -> Option<u32> {
        let name = text.split(' ').next()?;
        let place = self.consumers.iter().position(|consumer| *consumer.name == *name)?;
        self.number(NodeId::Client(self.consumers[place].id))
    }

    /// What the user did to the replicas of a partition that are out of sync, or did last to any of them.
    fn struck_followers(&self, partition: &str) -> Vec<EventId> {
        let image = self.controller().image();
        let known = partition.rsplit_once('-').and_then(|(topic, number)| Some((image.topic_named(topic)?, number.parse::<usize>().ok()?)));
        let Some(partition) = known.and_then(|(topic, number)| topic.partitions.get(number)) else { return Vec::new() };
        let late = partition.replicas.iter().filter(|broker| !partition.isr.contains(broker));
        let nodes = late.filter_map(|broker| self.number(NodeId::Broker(*broker)));
        let struck: Vec<EventId> = nodes.filter_map(|node| self.hosts[node as usize].struck).collect();
        if !struck.is_empty() {
            return struck;
        }
        let copies: Vec<NodeId> = partition.replicas.iter().map(|broker| NodeId::Broker(*broker)).collect();
        self.blame_of(&copies).into_iter().collect()
    }

    /// The newest event of a kind about something.
    fn newest_about(&self, subject: &str, kind: EventKind) -> Option<EventId> {
        let newest = self.events.iter().rev().find(|known| known.kind == kind.name() && known.subject == subject)?;
        Some(EventId(newest.id))
    }

    /// What was done last to any of those who vote.
    fn blame_of_voters(&self) -> Option<EventId> {
        self.hosts[..self.controllers.len()].iter().filter_map(|host| host.last).max()
    }

    /// What struck a node, or else what was done to it last.
    fn last_deed(&self, node: NodeId) -> Option<EventId> {
        let host = &self.hosts[self.number(node)? as usize];
        host.struck.or(host.last)
    }

    /// The same of the broker that an event names.
    fn last_deed_to_broker(&self, subject: &str) -> Option<EventId> {
        self.last_deed(NodeId::Broker(BrokerId(subject.parse().ok()?)))
    }

    /// The step of a partition's reassignment that was made at this instant.
    fn move_now(&self, partition: &str) -> Option<EventId> {
        let mut now = self.events.iter().rev().take_while(|event| event.at_us == self.now.micros());
        now.find(|event| event.kind == EventKind::PartitionReassigned.name() && event.subject == partition).map(|event| EventId(event.id))
    }
}
