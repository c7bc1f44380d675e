//! Frames of a large cluster: not more than a page can take in at once, however many partitions there are.
//!
//! Who leads and who is in sync is told of all partitions at once. Their offsets come in turns, so many a frame, until nothing is
//! left untold. What travels is a few bytes each, and how much each partition does a number.

use crate::bridge::{Bytes, Frame, Load, MOTE, MOTES};
use playground_core::cluster::Cluster;
use playground_core::session::Session;
use playground_core::view::large::{LoadView, Mote, loads};
use playground_core::view::{ClusterView, HopKind, PartitionView};

/// Partitions whose offsets are told in one frame.
const TURN: usize = 250;
/// Loads are measured over at least this much virtual time.
const LOOK_US: u64 = 1_000_000;

#[derive(Default)]
pub struct Crowd {
    motes: Vec<Mote>,
    /// Where the last turn ended.
    at: usize,
    /// Virtual time and loads at the last look.
    looked: Option<(u64, Vec<LoadView>)>,
    /// Virtual time of the last frame.
    framed_us: u64,
}

impl Crowd {
    /// Takes what arrived since the last call; begins with a cluster that is large, and ends with one that is not.
    #[inline(never)]
    pub fn follow(crowd: &mut Option<Box<Crowd>>, session: &mut Session, large: bool) {
        let now = session.now().micros();
        let cluster = session.cluster_mut();
        cluster.set_motes(large.then_some(MOTES as u32));
        if !large {
            *crowd = None;
            return;
        }
        let crowd = crowd.get_or_insert_with(|| Box::new(Crowd { framed_us: now, ..Crowd::default() }));
        crowd.motes.extend(cluster.take_motes());
        let extra = crowd.motes.len().saturating_sub(MOTES);
        crowd.motes.drain(..extra);
    }

    /// Completes a frame and leaves out of it what is not this one's turn. True: something is left to be told.
    #[inline(never)]
    pub fn fill(&mut self, frame: &mut Frame, cluster: &Cluster, sent: &ClusterView) -> bool {
        let now = cluster.now().micros();
        frame.motes = Bytes(self.pack(frame.playback.speed_milli));
        frame.loads = self.loads(cluster, now);
        self.framed_us = now;
        frame.base.is_some() && self.take_turns(frame, sent)
    }

    fn pack(&mut self, speed_milli: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.motes.len() * MOTE);
        for mote in self.motes.drain(..) {
            let wall_ms = mote.departed_us.saturating_sub(self.framed_us) / speed_milli.max(1);
            bytes.extend_from_slice(&mote.partition.to_le_bytes());
            bytes.extend_from_slice(&mote.other.to_le_bytes());
            bytes.extend_from_slice(&(mote.broker as u16).to_le_bytes());
            bytes.push(match mote.kind {
                HopKind::Produce => 0,
                HopKind::Replicate => 1,
                HopKind::Deliver => 2,
                HopKind::Commit => 3,
            });
            bytes.push((wall_ms / 2).min(255) as u8);
        }
        bytes
    }

    /// How much each partition did since the last look; nothing while that is too short a time to say.
    fn loads(&mut self, cluster: &Cluster, now: u64) -> Vec<Load> {
        let before = self.looked.as_ref().filter(|(at, _)| *at <= now);
        if before.is_some_and(|(at, _)| now - at < LOOK_US) {
            return Vec::new();
        }
        let counts = loads(cluster);
        let (at, before) = before.map_or((0, &[][..]), |(at, before)| (*at, before));
        let seconds = |count: u64| count * 1_000_000 / (now - at).max(1);
        let load = |(i, now): (usize, &LoadView)| {
            let then = before.get(i).copied().unwrap_or_default();
            let (records, bytes) = (now.log_end.saturating_sub(then.log_end), now.bytes.saturating_sub(then.bytes));
            Load { records: seconds(records), bytes: seconds(bytes), lag: now.lag }
        };
        let loads = counts.iter().enumerate().map(load).collect();
        self.looked = Some((now, counts));
        loads
    }

    fn take_turns(&mut self, frame: &mut Frame, sent: &ClusterView) -> bool {
        let all: usize = sent.topics.iter().map(|topic| topic.partitions.len()).sum();
        let (from, to) = (self.at, self.at + TURN);
        self.at = if to >= all { 0 } else { to };
        let mut left = false;
        let mut first = 0;
        let mut firsts = Vec::new();
        for topic in &sent.topics {
            firsts.push(first);
            first += topic.partitions.len();
        }
        for (topic, list) in &mut frame.delta.partitions {
            let (first, before) = (firsts.get(*topic as usize).copied().unwrap_or(0), sent.topics.get(*topic as usize));
            list.changed.retain(|(i, partition)| {
                let place = first + *i as usize;
                let known = before.and_then(|topic| topic.partitions.get(*i as usize));
                let now = (from..to).contains(&place) || !partition.tail.is_empty() || known.is_none_or(|known| differs(known, partition));
                left |= !now;
                now
            });
        }
        left
    }
}

/// In more than offsets.
fn differs(a: &PartitionView, b: &PartitionView) -> bool {
    let copies = |p: &PartitionView| p.copies.iter().map(|copy| (copy.online, copy.in_sync)).collect::<Vec<_>>();
    (a.leader, a.leader_epoch, &a.replicas, &a.isr, &a.elr) != (b.leader, b.leader_epoch, &b.replicas, &b.isr, &b.elr)
        || a.tail != b.tail
        || copies(a) != copies(b)
}
