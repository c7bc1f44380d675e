//! What would change it, found out: the scenario as it is and as it could be, each run from its first instant to the same moment, and
//! what the two differ in. In slices, so that whoever runs it can do other things meanwhile, or stop.

use super::changes::{About, Change, Measure, asked, offered_of};
use super::partitions::ails;
use super::words::{plural, span};
use super::{Question, Thing, event};
use crate::cluster::Cluster;
use crate::ids::TopicPartition;
use crate::metadata::PartitionRegistration;
use crate::scenario::Scenario;
use crate::time::{SimDuration, SimTime};
use crate::view::groups::Standing;
use crate::wire_structs;

/// An event is looked at so long after it: what it leads to has happened by then.
const AFTERMATH: SimDuration = SimDuration::from_secs(600);

/// What came of one change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Its place among those that were offered.
    pub place: u32,
    /// `acks=all instead of 1`.
    pub change: String,
    /// The difference in one line, with figures.
    pub text: String,
    /// What was asked about is gone, or less.
    pub better: bool,
    /// What differs: the figure's name, as it is, as it would be.
    pub figures: Vec<(String, (String, String))>,
    /// The changed scenario as a file, and the moment it was compared at: the branch, to be run.
    pub scenario: String,
    pub at_us: u64,
}

wire_structs! { Outcome { place, change, text, better, figures, scenario, at_us } }

/// What a slice of work came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Working,
    Told(Outcome),
    /// All that was offered has been tried.
    Done,
}

pub struct Trial {
    measure: Measure,
    about: About,
    /// Each with its place among those that were offered.
    changes: Vec<(u32, Change)>,
    until: SimTime,
    run: Run,
    /// Of the scenario as it is, once that has been run.
    own: Option<Figures>,
    /// The change that runs, or runs next.
    place: usize,
}

/// One run, watched.
struct Run {
    cluster: Cluster,
    /// The time that a condition of [`TIMES`] has lasted, over all things it is looked at for.
    lasted: [u64; 4],
    /// Of how many things it holds now, and since when that was added up.
    holds: [u64; 4],
    since: SimTime,
    /// What has been looked at.
    seen: (usize, u32),
}

const TIMES: [Measure; 4] = [Measure::Leaderless, Measure::ShortIsr, Measure::Elsewhere, Measure::Readerless];

/// What is counted when a run is over, in the order it is told.
const COUNTS: [Measure; 11] = [
    Measure::Lost,
    Measure::Unwritten,
    Measure::Failed,
    Measure::Twice,
    Measure::Disordered,
    Measure::Skipped,
    Measure::Unreadable,
    Measure::Lag,
    Measure::Idle,
    Measure::Uncommitted,
    Measure::DeletedUnread,
];

/// What is told beside the thing asked about, where it differs: what a change costs.
const BESIDE: [Measure; 8] = [
    Measure::Lost,
    Measure::Unwritten,
    Measure::Failed,
    Measure::Twice,
    Measure::Disordered,
    Measure::Skipped,
    Measure::DeletedUnread,
    Measure::Leaderless,
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Figures([u64; 15]);

impl Figures {
    fn of(self, measure: Measure) -> u64 {
        self.0[measure as usize]
    }
}

impl Trial {
    /// What is offered for a question about a run of the scenario `whole`, with everything that was done to it, at this moment; nothing
    /// if nothing is.
    pub fn of(cluster: &Cluster, whole: &Scenario, question: &Question) -> Option<Trial> {
        let (measure, about) = asked(cluster, whole, question)?;
        let changes: Vec<(u32, Change)> = (0..).zip(offered_of(whole, measure, &about)).collect();
        if changes.is_empty() {
            return None;
        }
        let aftermath = match question.thing {
            Thing::Event(id) => event(cluster, id).map_or(SimTime::MAX, |event| SimTime(event.at_us) + AFTERMATH),
            _ => SimTime::MAX,
        };
        let until = cluster.now().min(aftermath);
        let run = Run::of(whole, &about);
        Some(Trial { measure, about, changes, until, run, own: None, place: 0 })
    }

    /// Only the change of this place is to be tried.
    pub fn only(mut self, place: u32) -> Self {
        self.changes.retain(|(other, _)| *other == place);
        self
    }

    /// How much of the way is done: virtual microseconds, of how many.
    pub fn progress(&self) -> (u64, u64) {
        let one = self.until.micros().max(1);
        let done = if self.own.is_some() { self.place as u64 + 1 } else { 0 };
        (done * one + self.run.cluster.now().micros().min(one), (self.changes.len() as u64 + 1) * one)
    }

    /// Works on it for about so many events.
    pub fn advance(&mut self, max_events: u64) -> Step {
        if self.place >= self.changes.len() {
            return Step::Done;
        }
        if !self.run.advance(self.until, &self.about, max_events) {
            return Step::Working;
        }
        let figures = self.run.figures(&self.about);
        let Some(own) = self.own else {
            self.own = Some(figures);
            self.run = Run::of(&self.changes[0].1.scenario, &self.about);
            return Step::Working;
        };
        let outcome = self.outcome(own, figures);
        self.place += 1;
        if let Some((_, next)) = self.changes.get(self.place) {
            self.run = Run::of(&next.scenario, &self.about);
        }
        Step::Told(outcome)
    }

    fn outcome(&self, own: Figures, other: Figures) -> Outcome {
        let (place, change) = &self.changes[self.place];
        let mut told: Vec<Measure> = vec![self.measure];
        told.extend(BESIDE.into_iter().filter(|measure| *measure != self.measure && differ(*measure, own, other)));
        let figure = |measure: &Measure| (name(*measure).to_owned(), (said(*measure, own), said(*measure, other)));
        let clause = |measure: &Measure| match own.of(*measure) == other.of(*measure) {
            true => format!("still {} {}", said(*measure, other), name(*measure)),
            false => format!("{} {} instead of {}", said(*measure, other), name(*measure), said(*measure, own)),
        };
        // The time of each partition counts.
        let added = TIMES.contains(&self.measure) && self.about.partition.is_none();
        let mut clauses: Vec<String> = told.iter().map(clause).collect();
        if added {
            clauses[0].push_str(" (the time of all partitions, added up)");
        }
        Outcome {
            place: *place,
            change: change.to_string(),
            text: format!("{change} → {}", clauses.join("; ")),
            better: other.of(self.measure) < own.of(self.measure),
            figures: told.iter().map(figure).collect(),
            scenario: change.scenario.to_toml(),
            at_us: self.until.micros(),
        }
    }
}

/// Times that differ by less than a hundredth of a second are chance.
fn differ(measure: Measure, own: Figures, other: Figures) -> bool {
    let (a, b) = (own.of(measure), other.of(measure));
    if TIMES.contains(&measure) { a.abs_diff(b) >= 10_000 } else { a != b }
}

const fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::Lost => "lost",
        Measure::Unwritten => "stored by nobody",
        Measure::Failed => "failed",
        Measure::Twice => "given twice",
        Measure::Disordered => "given out of order",
        Measure::Skipped => "skipped",
        Measure::Leaderless => "without a leader",
        Measure::ShortIsr => "with a short ISR",
        Measure::Elsewhere => "not led by the preferred leader",
        Measure::Unreadable => "not readable yet",
        Measure::Lag => "behind the bookmarks",
        Measure::Readerless => "without a reader",
        Measure::Idle => "idle",
        Measure::Uncommitted => "given and not committed",
        Measure::DeletedUnread => "deleted unread",
    }
}

fn said(measure: Measure, figures: Figures) -> String {
    let figure = figures.of(measure);
    match measure {
        Measure::Idle => plural(figure, "member"),
        _ if TIMES.contains(&measure) => span(SimDuration(figure)),
        _ => plural(figure, "record"),
    }
}

impl Run {
    fn of(scenario: &Scenario, about: &About) -> Run {
        let cluster = Cluster::new(scenario);
        let mut run = Run { cluster, lasted: [0; 4], holds: [0; 4], since: SimTime::ZERO, seen: (usize::MAX, 0) };
        run.look(about);
        run
    }

    /// Towards a moment, for about so many events; true when it is there.
    fn advance(&mut self, until: SimTime, about: &About, max_events: u64) -> bool {
        let first = self.cluster.steps();
        while self.cluster.steps() - first < max_events {
            let Some(at) = self.cluster.next_time().filter(|at| *at < until) else {
                self.cluster.run_until(until);
                self.look(about);
                return true;
            };
            self.cluster.run_until(SimTime(at.micros() + 1).min(until));
            self.look(about);
        }
        false
    }

    /// Conditions change with events, and with what members own.
    fn look(&mut self, about: &About) {
        let owned = self.cluster.consumers().iter().fold(0_u32, |sum, consumer| sum.wrapping_add(consumer.owned_changes()));
        let seen = (self.cluster.events().len(), owned);
        self.add_up();
        if seen != self.seen {
            self.seen = seen;
            self.holds = conditions(&self.cluster, about);
        }
    }

    fn add_up(&mut self) {
        let passed = self.cluster.now().since(self.since).micros();
        self.since = self.cluster.now();
        for (lasted, holds) in self.lasted.iter_mut().zip(self.holds) {
            *lasted += passed * holds;
        }
    }

    fn figures(&self, about: &About) -> Figures {
        let mut figures = Figures::default();
        for (measure, lasted) in TIMES.into_iter().zip(self.lasted) {
            figures.0[measure as usize] = lasted;
        }
        for measure in COUNTS {
            figures.0[measure as usize] = count(&self.cluster, measure, about);
        }
        figures
    }
}

/// The partitions a question is about.
fn partitions<'c>(cluster: &'c Cluster, about: &'c About) -> impl Iterator<Item = (TopicPartition, &'c PartitionRegistration)> {
    let image = cluster.controller().image();
    let meant = move |id: &TopicPartition| {
        let topic = image.topic(id.topic);
        let named = match &about.topic {
            Some(name) => topic.is_some_and(|topic| *topic.name == **name),
            None => topic.is_some_and(|topic| !topic.internal),
        };
        named && about.partition.is_none_or(|partition| partition == id.partition)
    };
    image.partitions().filter(move |(id, _)| meant(id))
}

/// Of how many partitions each condition of [`TIMES`] holds now.
fn conditions(cluster: &Cluster, about: &About) -> [u64; 4] {
    let mut holds = [0; 4];
    for (_, partition) in partitions(cluster, about) {
        holds[0] += u64::from(partition.leader.is_none_or(|leader| ails(cluster, leader).is_some()));
        holds[1] += u64::from(partition.isr.len() < partition.replicas.len());
        holds[2] += u64::from(partition.leader.is_some() && partition.leader != partition.preferred_leader());
    }
    for standing in standings(cluster, about) {
        let read = |topic: &crate::metadata::TopicImage, partition: u32| {
            let id = TopicPartition { topic: topic.id, partition };
            standing
                .members
                .iter()
                .any(|(place, member)| cluster.process_of(*place) == (false, false) && member.positions().any(|(owned, _)| owned == id))
        };
        for topic in standing.topics() {
            holds[3] += (0..topic.partitions.len() as u32).filter(|partition| !read(topic, *partition)).count() as u64;
        }
    }
    holds
}

fn standings<'c>(cluster: &'c Cluster, about: &About) -> Vec<Standing<'c>> {
    let meant = |spec: &crate::scenario::GroupSpec| about.group.as_ref().is_none_or(|group| *group == spec.name);
    let groups = &cluster.scenario().groups;
    (0..groups.len()).filter(|place| meant(&groups[*place])).map(|place| Standing::of(cluster, place as u32)).collect()
}

fn count(cluster: &Cluster, measure: Measure, about: &About) -> u64 {
    let referee = cluster.referee();
    let groups = &cluster.scenario().groups;
    let of_groups = |figure: fn(&crate::cluster::referee::GroupLedger) -> u64| -> u64 {
        let meant = groups.iter().zip(&referee.groups).filter(|(spec, _)| about.group.as_ref().is_none_or(|group| *group == spec.name));
        meant.map(|(_, ledger)| figure(ledger)).sum()
    };
    let offsets = |figure: fn(&crate::view::GroupOffsetView) -> u64| -> u64 {
        let one = |standing: &Standing<'_>| -> u64 {
            let topics = standing.topics();
            topics
                .map(|topic| (0..topic.partitions.len() as u32).map(|partition| figure(&standing.offset(topic, partition))).sum::<u64>())
                .sum()
        };
        standings(cluster, about).iter().map(one).sum()
    };
    match measure {
        Measure::Lost => referee.lost_total,
        Measure::Unwritten => cluster.unwritten_records(),
        Measure::Failed => referee.failed,
        Measure::Twice => of_groups(|ledger| ledger.duplicates),
        Measure::Disordered => of_groups(|ledger| ledger.out_of_order),
        Measure::DeletedUnread => of_groups(crate::cluster::referee::GroupLedger::deleted_unread),
        Measure::Skipped => standings(cluster, about).iter().map(Standing::skipped).sum(),
        Measure::Unreadable => {
            let one = |(id, _): (TopicPartition, &PartitionRegistration)| {
                cluster.speaker(id).map_or(0, |replica| replica.log.log_end().since(replica.high_watermark))
            };
            partitions(cluster, about).map(one).sum()
        }
        // Without a commit everything is still to be committed.
        Measure::Lag => offsets(|offset| offset.lag.unwrap_or(offset.log_end)),
        Measure::Uncommitted => offsets(|offset| offset.position.unwrap_or(0).saturating_sub(offset.committed.unwrap_or(0))),
        Measure::Idle => {
            let idle = |standing: &Standing<'_>| standing.members.iter().filter(|(_, member)| member.positions().next().is_none()).count();
            standings(cluster, about).iter().map(idle).sum::<usize>() as u64
        }
        Measure::Leaderless | Measure::ShortIsr | Measure::Elsewhere | Measure::Readerless => 0,
    }
}
