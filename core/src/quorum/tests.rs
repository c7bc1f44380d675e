//! A quorum alone: voters, a network that may fail, and what must hold after every event (K1).

use super::*;
use crate::ids::BrokerId;
use crate::metadata::LogEntry;
use crate::protocol::Message;
use crate::rng::Seed;
use crate::sorted::{SortedMap, SortedSet};

fn ms(ms: u64) -> SimDuration {
    SimDuration::from_millis(ms)
}

struct World {
    now: SimTime,
    voters: Vec<Raft>,
    up: Vec<bool>,
    /// In the order of sending; the earliest is delivered first.
    mail: Vec<(SimTime, i32, i32, Message)>,
    /// One-way links on which everything is lost.
    cut: SortedSet<(i32, i32)>,
    rng: SimRng,
    appended: i32,
    // What the referee has seen.
    leaders: SortedMap<i32, i32>,
    committed: Vec<Arc<LogEntry>>,
    marks: Vec<(i32, u64)>,
}

impl World {
    fn new(voters: i32, seed: u64) -> Self {
        let ids: Arc<[i32]> = (1..=voters).collect();
        let rng = |id: i32| SimRng::new(Seed(seed), id as u64);
        let raft = |id: &i32| Raft::new(*id, Arc::clone(&ids), Timing::of(&BrokerConfig::default()), rng(*id));
        let mut world = World {
            now: SimTime::ZERO,
            voters: ids.iter().map(raft).collect(),
            up: vec![true; voters as usize],
            mail: Vec::new(),
            cut: SortedSet::new(),
            rng: rng(0),
            appended: 0,
            leaders: SortedMap::new(),
            committed: Vec::new(),
            marks: vec![(0, 0); voters as usize],
        };
        for place in 0..voters as usize {
            world.voters[place].begin(1, Arc::default());
            world.settle(place);
        }
        world
    }

    fn post(&mut self, from: i32, to: i32, message: Message) {
        if !self.cut.contains(&(from, to)) {
            let delay = SimDuration(100 + self.rng.below(3_000));
            self.mail.push((self.now + delay, from, to, message));
        }
    }

    fn settle(&mut self, place: usize) {
        let mut out = Outbox::default();
        self.voters[place].poll(self.now, &mut out);
        self.send(place, out);
    }

    fn send(&mut self, place: usize, out: Outbox) {
        for (to, message) in out.sends {
            let NodeId::Controller(to) = to else { panic!("a voter talks to voters") };
            self.post(place as i32 + 1, to, message);
        }
        self.judge();
    }

    fn run(&mut self, time: SimDuration) {
        let until = self.now + time;
        loop {
            let next_mail = self.mail.iter().map(|(at, ..)| *at).min();
            let wake = (0..self.voters.len()).filter(|place| self.up[*place]).map(|place| (self.voters[place].next_timeout(), place)).min();
            let (wake, place) = wake.unwrap_or((SimTime::MAX, 0));
            let next = next_mail.unwrap_or(SimTime::MAX).min(wake);
            if next >= until {
                self.now = until;
                return;
            }
            self.now = self.now.max(next);
            match self.mail.iter().position(|(at, ..)| *at == next) {
                Some(letter) => {
                    let (_, from, to, message) = self.mail.remove(letter);
                    self.deliver(from, to, message);
                }
                None => self.settle(place),
            }
        }
    }

    fn deliver(&mut self, from: i32, to: i32, message: Message) {
        let place = to as usize - 1;
        if !self.up[place] {
            if matches!(message, Message::Request(..)) {
                self.post(to, from, Message::Closed);
            }
            return;
        }
        let (raft, now) = (&mut self.voters[place], self.now);
        let mut out = Outbox::default();
        match message {
            Message::Request(id, Request::Quorum(request)) => raft.handle(now, from, id, &request, &mut out),
            Message::Response(id, Response::Quorum(answer)) => raft.answered(now, from, id, &answer),
            Message::Closed => raft.closed(now, from),
            other => panic!("{other:?}"),
        }
        raft.poll(now, &mut out);
        self.send(place, out);
    }

    fn kill(&mut self, id: i32) {
        let place = id as usize - 1;
        if std::mem::take(&mut self.up[place]) {
            self.voters[place].crash();
            self.mail.retain(|(_, _, to, _)| *to != id);
            for peer in (1..=self.voters.len() as i32).filter(|peer| *peer != id) {
                self.post(id, peer, Message::Closed);
            }
        }
    }

    fn start(&mut self, id: i32) {
        let place = id as usize - 1;
        if !std::mem::replace(&mut self.up[place], true) {
            self.voters[place].start(self.now);
            self.settle(place);
        }
    }

    /// Appends at whoever believes to lead.
    fn append(&mut self) {
        for place in 0..self.voters.len() {
            if self.up[place] && self.voters[place].leadership().is_some() {
                self.appended += 1;
                self.voters[place].append(self.now, [MetadataRecord::FenceBroker(BrokerId(self.appended))].into_iter());
                self.settle(place);
            }
        }
    }

    fn isolate(&mut self, id: i32) {
        let others = (1..=self.voters.len() as i32).filter(|peer| *peer != id);
        self.cut.extend(others.flat_map(|peer| [(id, peer), (peer, id)]));
    }

    /// The leader of the newest epoch.
    fn leader(&self) -> Option<i32> {
        let leading = self.voters.iter().filter(|raft| self.up[raft.id as usize - 1] && raft.leadership().is_some());
        leading.max_by_key(|raft| raft.epoch).map(|raft| raft.id)
    }

    fn voter(&self, id: i32) -> &Raft {
        &self.voters[id as usize - 1]
    }

    fn judge(&mut self) {
        for (place, raft) in self.voters.iter().enumerate() {
            let (epoch, mark) = self.marks[place];
            assert!(raft.epoch >= epoch && raft.high_watermark >= mark, "epochs and high watermarks only rise");
            self.marks[place] = (raft.epoch, raft.high_watermark);
            assert!(raft.high_watermark <= raft.log.end());
            if raft.leadership().is_some() {
                let leader = *self.leaders.entry(raft.epoch).or_insert(raft.id);
                assert_eq!(leader, raft.id, "one leader in epoch {}", raft.epoch);
                let have = self.voters.iter().filter(|voter| voter.log.end() >= raft.high_watermark).count();
                assert!(have >= raft.majority(), "a majority has what is committed");
            }
            for (offset, entry) in (raft.log.start()..).zip(raft.log.range(0, raft.high_watermark)) {
                match self.committed.get(offset as usize) {
                    Some(known) => assert_eq!(known, entry, "what is committed at {offset} stays"),
                    None => self.committed.push(Arc::clone(entry)),
                }
            }
        }
        for (i, raft) in self.voters.iter().enumerate() {
            for other in &self.voters[..i] {
                let start = raft.log.start().max(other.log.start());
                let pairs = raft.log.range(start, u64::MAX).iter().zip(other.log.range(start, u64::MAX));
                let equal: Vec<bool> = pairs.filter(|(a, b)| a.epoch == b.epoch).map(|(a, b)| a == b).collect();
                assert!(equal.iter().all(|equal| *equal), "one offset and one epoch are one record");
            }
        }
    }
}

#[test]
fn a_quorum_at_rest_keeps_its_leader_and_epoch() {
    let mut world = World::new(3, 1);
    world.run(SimDuration::from_secs(60));
    assert!(world.voters.iter().all(|raft| raft.epoch == 1 && raft.leader() == Some(1)));
}

#[test]
fn a_record_is_committed_one_round_trip_after_it_is_written() {
    let mut world = World::new(3, 1);
    world.run(ms(100));
    world.append();
    world.run(ms(24));
    assert_eq!(world.voter(1).log().end(), 0, "it waits for controller.quorum.append.linger.ms");
    world.run(ms(16));
    assert!(world.voters.iter().all(|raft| raft.high_watermark() == 1), "followers learn of it at once (KIP-1166)");
}

#[test]
fn a_dead_leader_is_replaced_after_the_fetch_timeout() {
    for seed in 0..50 {
        let mut world = World::new(3, seed);
        world.run(ms(1_000));
        world.kill(1);
        world.run(ms(1_400));
        assert_eq!(world.leader(), None, "nobody asks before 2 s without a fetch");
        world.run(SimDuration::from_secs(12));
        assert!(world.leader().is_some_and(|leader| leader != 1));
        assert!(world.voter(2).epoch() >= 2);
    }
}

#[test]
fn a_stop_in_order_has_a_successor_at_once() {
    let mut world = World::new(3, 1);
    world.run(ms(1_000));
    let now = world.now;
    world.voters[0].resign(now);
    world.settle(0);
    world.run(ms(50));
    assert_eq!(world.leader(), Some(2), "the first of those that have most");
}

#[test]
fn a_voter_without_a_majority_never_leads_and_its_return_does_not_disturb() {
    let mut world = World::new(3, 1);
    world.isolate(3);
    world.run(SimDuration::from_secs(30));
    assert_eq!((world.voter(3).epoch(), world.leader()), (1, Some(1)), "a pre-vote does not raise the epoch");
    world.cut.clear();
    world.run(SimDuration::from_secs(10));
    assert_eq!((world.voter(3).epoch(), world.leader()), (1, Some(1)));
    assert!(matches!(world.voter(3).role(), Role::Follower { .. }));
}

#[test]
fn a_leader_that_nobody_hears_resigns_and_loses_only_what_was_never_committed() {
    let mut world = World::new(3, 1);
    world.run(ms(500));
    world.append();
    world.run(ms(500));
    world.isolate(1);
    world.append();
    world.run(ms(3_600));
    assert!(world.voter(1).leadership().is_none(), "1.5 × the fetch timeout is over");
    assert_eq!(world.voter(1).log().end(), 2);
    world.run(SimDuration::from_secs(10));
    let leader = world.leader().expect("the other two are a majority");
    world.append();
    world.run(ms(500));
    world.cut.clear();
    world.run(SimDuration::from_secs(10));
    assert_eq!(world.voter(1).log().range(0, 9), world.voter(leader).log().range(0, 9), "what it had alone is cut");
    let fenced = |entry: &Arc<LogEntry>| matches!(entry.record, MetadataRecord::FenceBroker(BrokerId(2)));
    assert!(!world.committed.iter().any(fenced), "the lost one was never committed");
}

#[test]
fn a_minority_elects_nobody_until_the_majority_is_back() {
    let mut world = World::new(5, 3);
    for id in [1, 2, 3] {
        world.kill(id);
    }
    world.run(SimDuration::from_secs(60));
    assert_eq!((world.leader(), world.voter(5).epoch()), (None, 1));
    world.start(2);
    world.run(SimDuration::from_secs(20));
    assert!(world.leader().is_some());
}

#[test]
fn a_voter_far_behind_gets_a_snapshot() {
    let mut world = World::new(3, 1);
    world.kill(3);
    for _ in 0..10 {
        world.append();
        world.run(ms(50));
    }
    let mut image = MetadataImage::default();
    image.offset = 8;
    world.voters[0].compact(Arc::new(image));
    world.start(3);
    world.run(SimDuration::from_secs(5));
    assert_eq!((world.voter(3).log().start(), world.voter(3).log().end()), (8, 10));
}

#[test]
fn a_single_voter_elects_itself() {
    let mut world = World::new(1, 1);
    world.append();
    world.kill(1);
    world.run(ms(100));
    world.start(1);
    world.run(ms(1));
    assert_eq!((world.leader(), world.voter(1).epoch(), world.voter(1).high_watermark()), (Some(1), 2, 1));
}

/// Crashes, cuts, one-way cuts and appends at random; then peace, in which the quorum must come together again.
#[test]
fn whatever_fails_one_leader_an_epoch_and_nothing_committed_is_lost() {
    for seed in 0..150 {
        let voters = if seed % 3 == 0 { 5 } else { 3 };
        let mut world = World::new(voters, seed);
        for _ in 0..60 {
            let id = 1 + world.rng.below(voters as u64) as i32;
            let other = 1 + world.rng.below(voters as u64) as i32;
            match world.rng.below(10) {
                0 | 1 => world.kill(id),
                2..=4 => world.start(id),
                5 => world.isolate(id),
                6 if id != other => world.cut.extend([(id, other)]),
                7 => world.cut.clear(),
                _ => world.append(),
            }
            let pause = 1 + world.rng.below(1_500);
            world.run(ms(pause));
        }
        world.cut.clear();
        (1..=voters).for_each(|id| world.start(id));
        world.run(SimDuration::from_secs(40));
        let leader = world.leader().unwrap_or_else(|| panic!("seed {seed}: nobody leads"));
        let before = world.committed.len();
        world.append();
        world.run(SimDuration::from_secs(2));
        assert!(world.committed.len() > before, "seed {seed}: {leader} commits nothing");
        let end = world.voter(leader).log().end();
        assert!(world.voters.iter().all(|raft| raft.high_watermark() == end), "seed {seed}: not all have everything");
    }
}
