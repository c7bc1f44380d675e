//! KRaft: how the voters agree on the metadata log and on who of them may write it (KIP-595, KIP-996). Kafka's `KafkaRaftClient`.
//!
//! The leader appends; followers fetch; what a majority has is committed. Who has not heard of a leader for a while asks around first
//! whether others miss it too (pre-vote), then stands for election in a new epoch. Pure: what the records mean is nothing to it.

pub mod log;
mod peer;
#[cfg(test)]
mod tests;
pub mod voter;

use crate::config::BrokerConfig;
use crate::ids::{CorrelationId, NodeId};
use crate::metadata::{MetadataImage, MetadataRecord};
use crate::node::Outbox;
use crate::planted::{Bug, planted};
use crate::protocol::{QuorumAnswer, QuorumCall, QuorumOutcome, QuorumRequest, Request, Response};
use crate::rng::SimRng;
use crate::sorted::settle;
use crate::time::{SimDuration, SimTime};
use crate::zookeeper::{FINALIZE_WAIT, SYNC_LIMIT};
use log::MetadataLog;
use peer::{Parked, Peer};
use std::sync::Arc;

/// How long an empty fetch waits at the leader.
pub const FETCH_WAIT: SimDuration = SimDuration::from_millis(500);

/// Settings of `controller.quorum.*`.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// As much again is drawn on top.
    pub election_timeout: SimDuration,
    pub fetch_timeout: SimDuration,
    /// Records wait so long for company before they are written.
    pub append_linger: SimDuration,
    pub election_backoff_max: SimDuration,
    /// A follower whose connection to the leader ends looks for another at once, as ZooKeeper's do.
    pub leaves_at_once: bool,
}

impl Timing {
    pub fn of(config: &BrokerConfig) -> Self {
        if config.zookeeper() {
            return Timing {
                election_timeout: FINALIZE_WAIT,
                fetch_timeout: SYNC_LIMIT,
                append_linger: SimDuration::ZERO,
                election_backoff_max: FINALIZE_WAIT,
                leaves_at_once: true,
            };
        }
        Timing {
            election_timeout: config.quorum_election_timeout,
            fetch_timeout: config.quorum_fetch_timeout,
            append_linger: config.quorum_append_linger,
            election_backoff_max: config.quorum_election_backoff_max,
            leaves_at_once: false,
        }
    }

    /// A leader reminds a voter that has not fetched for so long of its epoch.
    const fn reminder(&self) -> SimDuration {
        SimDuration(self.fetch_timeout.0 / 2)
    }

    /// A leader resigns when a majority has not fetched for so long (`CHECK_QUORUM_TIMEOUT_FACTOR`).
    pub const fn check_quorum(&self) -> SimDuration {
        if self.leaves_at_once {
            return self.fetch_timeout;
        }
        SimDuration(self.fetch_timeout.0 + self.fetch_timeout.0 / 2)
    }
}

/// What a voter is in its epoch.
#[derive(Clone, Debug)]
pub enum Role {
    /// Knows no leader; may have given its vote.
    Unattached {
        until: SimTime,
    },
    Follower {
        until: SimTime,
        /// A fetch has succeeded: it would not support a rival.
        heard: bool,
    },
    /// Asks whether it would be elected, without a new epoch.
    Prospective {
        until: SimTime,
    },
    Candidate {
        until: SimTime,
    },
    Leader(Leadership),
    /// Was the leader of this epoch and is no longer.
    Resigned {
        until: SimTime,
        successors: Vec<i32>,
    },
}

#[derive(Clone, Debug)]
pub struct Leadership {
    /// Offset of its first record, the `LeaderChange`.
    pub start: u64,
    /// Who voted for it, itself included.
    pub granted: Vec<i32>,
    /// Appended, not yet written.
    lingering: Vec<MetadataRecord>,
    write_at: SimTime,
    /// Resigns then unless a majority has fetched.
    quorum_until: SimTime,
}

/// How far somebody has copied the log, when it asked last, and when it had all there was.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    pub id: i32,
    pub end: u64,
    pub fetched: SimTime,
    pub caught_up: SimTime,
}

#[derive(Clone, Debug)]
pub struct Raft {
    id: i32,
    /// All of them, this one included.
    voters: Arc<[i32]>,
    timing: Timing,
    rng: SimRng,
    // `quorum-state` and log: on disk, flushed before anything is answered.
    epoch: i32,
    voted_for: Option<i32>,
    leader: Option<i32>,
    log: MetadataLog,
    role: Role,
    high_watermark: u64,
    peers: Vec<Peer>,
    parked: Vec<Parked>,
    next_correlation: u64,
}

impl Raft {
    /// The quorum stands before the run begins: `leader` was elected in `epoch`, and everybody has the same log.
    pub fn new(id: i32, voters: Arc<[i32]>, timing: Timing, rng: SimRng) -> Self {
        let peers = voters.iter().filter(|voter| **voter != id).map(|voter| Peer::new(*voter)).collect();
        Raft {
            id,
            voters,
            timing,
            rng,
            epoch: 0,
            voted_for: None,
            leader: None,
            log: MetadataLog::new(Arc::default(), 0),
            role: Role::Unattached { until: SimTime::MAX },
            high_watermark: 0,
            peers,
            parked: Vec::new(),
            next_correlation: 0,
        }
    }

    /// Stands at time zero with this leader elected and `snapshot` committed by everybody.
    pub fn begin(&mut self, leader: i32, snapshot: Arc<MetadataImage>) {
        self.epoch = 1;
        self.leader = Some(leader);
        self.high_watermark = snapshot.offset;
        self.log = MetadataLog::new(snapshot, 1);
        let now = SimTime::ZERO;
        match leader == self.id {
            true => self.take_office(now, self.voters.to_vec()),
            false => self.follow(now, leader),
        }
        if self.leadership().is_some() {
            let reminder = now + self.timing.reminder();
            self.peers.iter_mut().for_each(|peer| peer.rest_until(reminder));
        }
    }

    /// A new process on the disk it finds.
    pub fn start(&mut self, now: SimTime) {
        let until = self.election_end(now);
        match self.leader {
            _ if self.voters.len() == 1 => self.stand(now),
            Some(leader) if leader == self.id => self.turn(now, Role::Resigned { until, successors: Vec::new() }),
            Some(leader) => self.follow(now, leader),
            None => self.turn(now, Role::Unattached { until }),
        }
    }

    /// The process is gone; the disk stays.
    pub fn crash(&mut self) {
        self.turn(SimTime::ZERO, Role::Unattached { until: SimTime::MAX });
        if planted(Bug::VotesAreForgotten) {
            self.epoch = self.log.last_epoch();
            self.voted_for = None;
            self.leader = None;
        }
        self.parked.clear();
    }

    pub fn id(&self) -> i32 {
        self.id
    }

    pub fn voters(&self) -> &[i32] {
        &self.voters
    }

    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// Of this epoch, as far as it knows.
    pub fn leader(&self) -> Option<i32> {
        self.leader.filter(|leader| *leader != self.id || self.leadership().is_some())
    }

    pub fn role(&self) -> &Role {
        &self.role
    }

    pub fn leadership(&self) -> Option<&Leadership> {
        match &self.role {
            Role::Leader(leadership) => Some(leadership),
            _ => None,
        }
    }

    pub fn log(&self) -> &MetadataLog {
        &self.log
    }

    /// Where the log will end when all that was appended is written.
    pub fn end(&self) -> u64 {
        self.log.end() + self.leadership().map_or(0, |leadership| leadership.lingering.len() as u64)
    }

    /// How far each voter has copied the log, as the leader knows: itself first.
    pub fn copied(&self, now: SimTime) -> Vec<Copied> {
        let me = Copied { id: self.id, end: self.end(), fetched: now, caught_up: now };
        let peer = |peer: &Peer| Copied { id: peer.id, end: peer.matched, fetched: peer.fetched_at, caught_up: peer.caught_up_at };
        [me].into_iter().chain(self.peers.iter().map(peer)).collect()
    }

    /// A majority has everything below.
    pub fn high_watermark(&self) -> u64 {
        self.high_watermark
    }

    /// The log begins with what is committed: the records before go.
    pub fn compact(&mut self, snapshot: Arc<MetadataImage>) {
        debug_assert!(snapshot.offset <= self.high_watermark, "only what is committed goes into a snapshot");
        self.log.compact(snapshot);
    }

    fn majority(&self) -> usize {
        self.voters.len() / 2 + 1
    }

    /// A random end of an election, so that rivals do not stand up together for ever.
    fn election_end(&mut self, now: SimTime) -> SimTime {
        let base = self.timing.election_timeout;
        now + base + SimDuration(self.rng.below(base.micros()))
    }

    /// Every change of role goes through here: what was under way with the others belongs to the old one.
    fn turn(&mut self, now: SimTime, role: Role) {
        self.role = role;
        for peer in &mut self.peers {
            peer.start_over(now);
        }
    }

    fn follow(&mut self, now: SimTime, leader: i32) {
        self.leader = Some(leader);
        self.turn(now, Role::Follower { until: now + self.timing.fetch_timeout, heard: false });
    }

    /// A higher epoch exists: whoever leads it, this voter neither leads nor follows in the old one any more.
    fn enter(&mut self, now: SimTime, epoch: i32) {
        let until = match &self.role {
            Role::Unattached { until }
            | Role::Follower { until, .. }
            | Role::Prospective { until }
            | Role::Candidate { until }
            | Role::Resigned { until, .. } => *until,
            Role::Leader(_) => self.election_end(now),
        };
        self.epoch = epoch;
        self.voted_for = None;
        self.leader = None;
        self.turn(now, Role::Unattached { until });
    }

    /// What any message of another voter tells about the epoch and its leader.
    fn learn(&mut self, now: SimTime, epoch: i32, leader: Option<i32>) {
        if epoch > self.epoch {
            self.enter(now, epoch);
        }
        if let Some(leader) = leader
            && epoch == self.epoch
            && leader != self.id
            && self.leader != Some(leader)
        {
            self.follow(now, leader);
        }
    }

    fn ask_around(&mut self, now: SimTime) {
        let until = self.election_end(now);
        self.turn(now, Role::Prospective { until });
    }

    /// Stands for election: a new epoch, and its own vote.
    fn stand(&mut self, now: SimTime) {
        self.epoch += 1;
        self.voted_for = Some(self.id);
        self.leader = None;
        let until = self.election_end(now);
        self.turn(now, Role::Candidate { until });
    }

    fn take_office(&mut self, now: SimTime, granted: Vec<i32>) {
        self.leader = Some(self.id);
        self.turn(
            now,
            Role::Leader(Leadership {
                start: self.log.end(),
                granted,
                lingering: Vec::new(),
                write_at: SimTime::MAX,
                quorum_until: now + self.timing.check_quorum(),
            }),
        );
    }

    /// Elected: the first record of the epoch makes everything before it committed with it.
    fn win(&mut self, now: SimTime, granted: Vec<i32>) {
        self.take_office(now, granted);
        self.log.append(self.epoch, MetadataRecord::LeaderChange(self.id));
    }

    /// Steps down in favour of whoever has copied most (a stop in order), or because nobody listens any more.
    pub fn resign(&mut self, now: SimTime) {
        if self.leadership().is_some() {
            let mut successors: Vec<(u64, i32)> = self.peers.iter().map(|peer| (u64::MAX - peer.matched, peer.id)).collect();
            settle(&mut successors, |a, b| a < b);
            let successors = successors.into_iter().map(|(_, id)| id).collect();
            let until = self.election_end(now);
            self.turn(now, Role::Resigned { until, successors });
        }
    }

    /// Takes records from the active controller; they are written when the linger is over.
    pub fn append(&mut self, now: SimTime, records: impl Iterator<Item = MetadataRecord>) {
        let linger = self.timing.append_linger;
        let Role::Leader(leadership) = &mut self.role else { return };
        leadership.lingering.extend(records);
        if !leadership.lingering.is_empty() && leadership.write_at == SimTime::MAX {
            leadership.write_at = now + linger;
        }
    }

    pub fn handle(&mut self, now: SimTime, from: i32, id: CorrelationId, request: &QuorumRequest, out: &mut Outbox) {
        let outcome = match request.call {
            QuorumCall::Fetch { offset, last_epoch, high_watermark } => {
                match self.serve_fetch(now, from, request.epoch, offset, last_epoch) {
                    Ok(()) => {
                        self.parked.retain(|parked| parked.from != from);
                        self.parked.push(Parked { from, id, offset, high_watermark, until: now + FETCH_WAIT });
                        return;
                    }
                    Err(outcome) => outcome,
                }
            }
            _ if request.epoch < self.epoch => QuorumOutcome::Refused,
            QuorumCall::Vote { pre_vote, last_epoch, log_end } => {
                self.learn(now, request.epoch, None);
                let up_to_date = (last_epoch, log_end) >= (self.log.last_epoch(), self.log.end()) || planted(Bug::VoteForShortLogs);
                QuorumOutcome::Vote { granted: up_to_date && self.grants(from, pre_vote) }
            }
            QuorumCall::BeginQuorumEpoch => {
                self.learn(now, request.epoch, Some(from));
                if let Role::Follower { until, .. } = &mut self.role {
                    *until = now + self.timing.fetch_timeout;
                }
                QuorumOutcome::Acknowledged
            }
            QuorumCall::EndQuorumEpoch { ref successors } => {
                self.learn(now, request.epoch, Some(from));
                let pause = self.pause_after_the_end(successors);
                if let Role::Follower { until, .. } = &mut self.role {
                    *until = now + pause;
                }
                QuorumOutcome::Acknowledged
            }
        };
        let answer = QuorumAnswer { epoch: self.epoch, leader: self.leader(), outcome };
        out.respond(NodeId::Controller(from), id, Response::Quorum(Box::new(answer)));
    }

    /// The candidate's log is as good as this one's; does anything else speak against it? A vote given stays given.
    fn grants(&mut self, candidate: i32, pre_vote: bool) -> bool {
        match self.role {
            Role::Follower { heard, .. } => pre_vote && !heard,
            Role::Leader(_) => false,
            _ if pre_vote => true,
            Role::Candidate { .. } | Role::Resigned { .. } => false,
            Role::Unattached { .. } | Role::Prospective { .. } => {
                let free = self.leader.is_none() && self.voted_for.is_none_or(|voted| voted == candidate);
                if free {
                    self.voted_for = Some(candidate);
                }
                free
            }
        }
    }

    /// The best successor asks at once, the others later and later (`strictExponentialElectionBackoffMs`).
    fn pause_after_the_end(&self, successors: &[i32]) -> SimDuration {
        let max = self.timing.election_backoff_max;
        match successors.iter().position(|successor| *successor == self.id) {
            Some(0) | None => SimDuration::ZERO,
            Some(place) => SimDuration((max.micros() >> (successors.len() - 1)) << place).min(max),
        }
    }

    /// Notes how far a follower is; what it cannot get is the error.
    fn serve_fetch(&mut self, now: SimTime, from: i32, epoch: i32, offset: u64, last_epoch: i32) -> Result<(), QuorumOutcome> {
        let majority = self.majority();
        let Role::Leader(leadership) = &mut self.role else { return Err(QuorumOutcome::Refused) };
        if epoch != self.epoch {
            return Err(QuorumOutcome::Refused);
        }
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == from) else { return Err(QuorumOutcome::Refused) };
        peer.fetched = true;
        peer.rest_until(now + self.timing.reminder());
        if self.peers.iter().filter(|peer| peer.fetched).count() + 1 >= majority {
            leadership.quorum_until = now + self.timing.check_quorum();
            self.peers.iter_mut().for_each(|peer| peer.fetched = false);
        }
        let (snapshot, snapshot_epoch) = (self.log.snapshot(), self.log.snapshot_epoch());
        if offset < self.log.start() || last_epoch < snapshot_epoch {
            return Err(QuorumOutcome::Snapshot { epoch: snapshot_epoch, image: Arc::clone(snapshot) });
        }
        let (known, end) = self.log.end_of_epoch(last_epoch);
        if known != last_epoch || end < offset {
            return Err(QuorumOutcome::Diverging { epoch: known, end });
        }
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == from) {
            (peer.matched, peer.fetched_at) = (offset, now);
            if offset >= self.log.end() {
                peer.caught_up_at = now;
            }
        }
        Ok(())
    }

    pub fn answered(&mut self, now: SimTime, from: i32, id: CorrelationId, answer: &QuorumAnswer) {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == from && peer.is_waiting_for(id)) else { return };
        peer.answered();
        if answer.epoch != self.epoch || answer.leader != self.leader {
            self.learn(now, answer.epoch, answer.leader);
        }
        if answer.epoch != self.epoch {
            return;
        }
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == from) else { return };
        match &answer.outcome {
            QuorumOutcome::Vote { granted } => peer.answer = Some(*granted),
            QuorumOutcome::Acknowledged => peer.answer = Some(true),
            QuorumOutcome::Refused => peer.pause(now),
            fetched => self.fetched(now, from, fetched),
        }
    }

    fn fetched(&mut self, now: SimTime, from: i32, outcome: &QuorumOutcome) {
        let Role::Follower { until, heard } = &mut self.role else { return };
        if self.leader != Some(from) {
            return;
        }
        *until = now + self.timing.fetch_timeout;
        *heard = true;
        match outcome {
            QuorumOutcome::Fetched { high_watermark, entries } => {
                self.log.extend(entries);
                self.high_watermark = self.high_watermark.max(self.log.end().min(*high_watermark));
            }
            QuorumOutcome::Diverging { epoch, end } => {
                let (_, mine) = self.log.end_of_epoch(*epoch);
                self.log.truncate(mine.min(*end));
                debug_assert!(self.log.end() >= self.high_watermark, "what is committed is never cut");
            }
            QuorumOutcome::Snapshot { epoch, image } => {
                self.high_watermark = self.high_watermark.max(image.offset);
                self.log = MetadataLog::new(Arc::clone(image), *epoch);
            }
            _ => {}
        }
    }

    /// The connection to another voter is gone.
    pub fn closed(&mut self, now: SimTime, from: i32) {
        self.parked.retain(|parked| parked.from != from);
        let leads = self.leadership().is_some();
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == from) {
            peer.failed(now, !leads);
        }
        if let Role::Follower { until, .. } = &mut self.role
            && self.timing.leaves_at_once
            && self.leader == Some(from)
        {
            *until = now;
        }
    }

    /// What every step ends with: votes are counted, records written, the high watermark moved, requests sent.
    pub fn poll(&mut self, now: SimTime, out: &mut Outbox) {
        self.expire(now);
        self.count_votes(now);
        self.write(now);
        self.advance();
        self.answer_parked(now, out);
        self.send_requests(now, out);
    }

    fn expire(&mut self, now: SimTime) {
        match self.role {
            Role::Unattached { until } | Role::Follower { until, .. } if until <= now => self.ask_around(now),
            Role::Candidate { until } if until <= now => self.ask_around(now),
            Role::Prospective { until } if until <= now => self.lose(now),
            // It may not stand in the epoch it resigned from.
            Role::Resigned { until, .. } if until <= now => self.enter(now, self.epoch + 1),
            Role::Leader(ref leadership) if leadership.quorum_until <= now && !self.peers.is_empty() => self.resign(now),
            _ => {}
        }
    }

    /// Nobody would elect it: back to the leader it knew, or to waiting for one.
    fn lose(&mut self, now: SimTime) {
        match self.leader.filter(|leader| *leader != self.id) {
            Some(leader) => self.follow(now, leader),
            None => {
                let until = self.election_end(now);
                self.turn(now, Role::Unattached { until });
            }
        }
    }

    fn count_votes(&mut self, now: SimTime) {
        loop {
            let votes = |wanted| self.peers.iter().filter(move |peer| peer.answer == Some(wanted)).map(|peer| peer.id);
            let (granted, rejected) = (votes(true).count() + 1, votes(false).count());
            match self.role {
                Role::Prospective { .. } if granted >= self.majority() => self.stand(now),
                Role::Prospective { .. } if rejected >= self.majority() => self.lose(now),
                Role::Candidate { .. } if granted >= self.majority() => {
                    let mut granted: Vec<i32> = votes(true).collect();
                    granted.push(self.id);
                    settle(&mut granted, |a, b| a < b);
                    self.win(now, granted);
                }
                // A candidate that cannot win any more waits for the end of its election.
                _ => return,
            }
        }
    }

    fn write(&mut self, now: SimTime) {
        let Role::Leader(leadership) = &mut self.role else { return };
        if leadership.write_at <= now {
            leadership.write_at = SimTime::MAX;
            for record in std::mem::take(&mut leadership.lingering) {
                self.log.append(self.epoch, record);
            }
        }
    }

    /// What a majority has is committed, once a record of this epoch is among it.
    fn advance(&mut self) {
        let Some(leadership) = self.leadership().filter(|_| self.high_watermark < self.log.end()) else { return };
        let start = leadership.start;
        let mut ends: Vec<u64> = self.peers.iter().map(|peer| peer.matched).chain([self.log.end()]).collect();
        settle(&mut ends, |a, b| a < b);
        let common = if planted(Bug::MinorityCommits) { ends[ends.len() - 1] } else { ends[ends.len() - self.majority()] };
        if common > start {
            self.high_watermark = self.high_watermark.max(common);
        }
    }

    fn answer_parked(&mut self, now: SimTime, out: &mut Outbox) {
        let leads = self.leadership().is_some();
        let (end, mark) = (self.log.end(), self.high_watermark);
        let ready = |parked: &Parked| !leads || parked.offset < end || parked.high_watermark < mark || parked.until <= now;
        if !self.parked.iter().any(ready) {
            return;
        }
        let (ready, waiting) = std::mem::take(&mut self.parked).into_iter().partition(ready);
        self.parked = waiting;
        for Parked { from, id, offset, .. } in ready {
            let outcome = match leads {
                true => QuorumOutcome::Fetched { high_watermark: mark, entries: self.log.range(offset, end).to_vec() },
                false => QuorumOutcome::Refused,
            };
            let answer = QuorumAnswer { epoch: self.epoch, leader: self.leader(), outcome };
            out.respond(NodeId::Controller(from), id, Response::Quorum(Box::new(answer)));
        }
    }

    /// What it would like to ask this voter now.
    fn call(&self, peer: &Peer) -> Option<QuorumCall> {
        let vote = |pre_vote| QuorumCall::Vote { pre_vote, last_epoch: self.log.last_epoch(), log_end: self.log.end() };
        match &self.role {
            Role::Follower { .. } if self.leader == Some(peer.id) => {
                Some(QuorumCall::Fetch { offset: self.log.end(), last_epoch: self.log.last_epoch(), high_watermark: self.high_watermark })
            }
            Role::Prospective { .. } if peer.answer.is_none() => Some(vote(true)),
            Role::Candidate { .. } if peer.answer.is_none() => Some(vote(false)),
            Role::Leader(_) => Some(QuorumCall::BeginQuorumEpoch),
            Role::Resigned { successors, .. } if peer.answer.is_none() => {
                Some(QuorumCall::EndQuorumEpoch { successors: successors.clone() })
            }
            _ => None,
        }
    }

    fn send_requests(&mut self, now: SimTime, out: &mut Outbox) {
        let leads = self.leadership().is_some();
        for place in 0..self.peers.len() {
            let peer = &mut self.peers[place];
            if peer.next_timeout() > now {
                continue;
            }
            if peer.is_overdue(now) {
                // What is asked next goes by another connection.
                out.close(NodeId::Controller(peer.id));
                peer.failed(now, !leads);
            }
            if peer.next_timeout() > now {
                continue;
            }
            let Some(call) = self.call(&self.peers[place]) else { continue };
            self.next_correlation += 1;
            let id = CorrelationId(self.next_correlation);
            let peer = &mut self.peers[place];
            peer.asked(now, id);
            if leads {
                peer.rest_until(now + self.timing.reminder());
            }
            let request = QuorumRequest { epoch: self.epoch, call };
            out.request(NodeId::Controller(peer.id), id, Request::Quorum(Box::new(request)));
        }
    }

    pub fn next_timeout(&self) -> SimTime {
        let role = match &self.role {
            Role::Unattached { until }
            | Role::Follower { until, .. }
            | Role::Prospective { until }
            | Role::Candidate { until }
            | Role::Resigned { until, .. } => *until,
            Role::Leader(_) if self.peers.is_empty() => SimTime::MAX,
            Role::Leader(leadership) => leadership.quorum_until,
        };
        let write = self.leadership().map_or(SimTime::MAX, |leadership| leadership.write_at);
        let parked = self.parked.iter().map(|parked| parked.until).min().unwrap_or(SimTime::MAX);
        let asking = self.peers.iter().filter(|peer| self.call(peer).is_some());
        role.min(write).min(parked).min(asking.map(Peer::next_timeout).min().unwrap_or(SimTime::MAX))
    }
}
