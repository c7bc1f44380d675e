//! Why something is as it is, and why something does not happen: the rule that decides, its numbers at this moment, what is awaited and
//! until when, and the chain of events that led here.
//!
//! A question is a line of shell: `why 102`, `why event 91`, `why not orders-0 leader`. Each [`Ask`] is answered by evaluating the
//! condition that fails, never by a text written beforehand. What would change it is found by running it: [`changes`], [`trial`].

mod brokers;
pub mod changes;
mod events;
mod groups;
mod partitions;
mod producers;
mod question;
pub mod trial;
mod words;

pub use events::{Root, chain, orphans, root_of};
pub use question::{ASKS, Ask, Question, Thing};

use crate::cluster::Cluster;
use crate::ids::EventId;
use crate::scenario::Scenario;
use crate::session::Session;
use crate::trace::EventKind;
use crate::view::EventView;
use crate::wire_structs;
use changes::Change;
use std::fmt::Write as _;

/// What a question is answered with: plain data for a page and a terminal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The question as a line of shell.
    pub line: String,
    /// The same in words.
    pub question: String,
    /// The answer in one sentence.
    pub sentence: String,
    /// The conditions that were looked at, with their numbers and rules.
    pub because: Vec<Because>,
    /// What is awaited, and until when.
    pub awaits: Option<String>,
    /// The events that led to it, nearest first.
    pub chain: Vec<EventView>,
    /// The chain goes on beyond those.
    pub earlier: bool,
    /// What else may be asked of the same thing now: line and words.
    pub asks: Vec<(String, String)>,
    /// What could be tried instead, in words; by their places.
    pub changes: Vec<String>,
    /// Kafka's own command that shows it.
    pub shell: Option<String>,
    /// The fields behind it, as they are.
    pub fields: Vec<(String, String)>,
}

/// A condition that was looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Because {
    /// It is what stands in the way.
    pub fails: bool,
    pub text: String,
    /// Setting and value, KIP or Kafka's class.
    pub rule: String,
}

wire_structs! {
    Answer { line, question, sentence, because, awaits, chain, earlier, asks, changes, shell, fields }
    Because { fails, text, rule }
}

/// Events of a chain that an answer carries at most; a reader sees [`LINKS`] of them at first.
const CHAIN: usize = 24;
pub const LINKS: usize = 4;

/// What one question comes to.
#[derive(Clone, Debug, Default)]
struct Finding {
    sentence: String,
    because: Vec<Because>,
    awaits: Option<String>,
    /// What it goes back to.
    events: Vec<EventId>,
    shell: Option<String>,
}

/// What a question comes to, or why it does not arise now.
type Found = Result<Finding, String>;

impl Finding {
    fn said(sentence: impl Into<String>) -> Self {
        Finding { sentence: sentence.into(), ..Finding::default() }
    }

    fn fails(mut self, text: impl Into<String>, rule: impl Into<String>) -> Self {
        self.because.push(Because { fails: true, text: text.into(), rule: rule.into() });
        self
    }

    fn holds(mut self, text: impl Into<String>, rule: impl Into<String>) -> Self {
        self.because.push(Because { fails: false, text: text.into(), rule: rule.into() });
        self
    }

    fn awaits(mut self, text: impl Into<String>) -> Self {
        self.awaits.get_or_insert(text.into());
        self
    }

    fn event(mut self, event: Option<EventId>) -> Self {
        self.events.extend(event);
        self
    }

    fn shell(mut self, line: impl Into<String>) -> Self {
        self.shell = Some(line.into());
        self
    }
}

/// Answers a question about this moment of a run of the scenario `whole`, with everything that was done to it; refused when it is about
/// nothing that is here.
#[inline(never)]
pub fn answer(cluster: &Cluster, whole: &Scenario, question: &Question) -> Result<Answer, String> {
    let (asked, finding) = match &question.thing {
        Thing::Event(id) => return events::answer(cluster, whole, *id, question),
        thing => thing.asks(cluster, question.ask)?,
    };
    let start = finding.events.iter().copied().max();
    let (mut chain, earlier) = start.map_or_else(Default::default, |start| events::chain_from(cluster, &finding.events, start));
    let earlier = earlier || chain.len() > CHAIN;
    chain.truncate(CHAIN);
    Ok(Answer {
        line: question.to_string(),
        question: question.words(),
        sentence: finding.sentence,
        because: finding.because,
        awaits: finding.awaits,
        chain,
        earlier,
        asks: asked,
        changes: changes::offered(cluster, whole, question).iter().map(Change::to_string).collect(),
        shell: finding.shell,
        fields: question.thing.fields(cluster),
    })
}

/// Reads a line such as `why not orders-0 leader` and answers it as text; nothing if it is no question.
pub fn answer_line(session: &Session, line: &str) -> Option<Result<String, String>> {
    let question = Question::read(session.cluster(), line)?;
    Some(question.and_then(|question| answer(session.cluster(), session.scenario(), &question)).map(|answer| answer.text()))
}

/// An event of the list, by its number.
fn event(cluster: &Cluster, id: u64) -> Option<&EventView> {
    let events = cluster.events();
    // As a rule they stand in the order of their numbers.
    let near = events.get(id as usize).filter(|event| event.id == id);
    near.or_else(|| events.iter().find(|event| event.id == id))
}

/// The newest event of these kinds about something.
fn newest(cluster: &Cluster, subject: &str, kinds: &[EventKind]) -> Option<EventId> {
    let wanted = |event: &&EventView| event.subject == subject && (kinds.is_empty() || kinds.iter().any(|kind| kind.name() == event.kind));
    cluster.events().iter().rev().find(wanted).map(|event| EventId(event.id))
}

impl Answer {
    /// As a terminal prints it.
    pub fn text(&self) -> String {
        let mut out = format!("{}\n{}\n", self.question, self.sentence);
        for because in &self.because {
            let mark = if because.fails { "✕" } else { "✓" };
            let rule = if because.rule.is_empty() { String::new() } else { format!("  [{}]", because.rule) };
            let _ = writeln!(out, "  {mark} {}{rule}", because.text);
        }
        if let Some(awaits) = &self.awaits {
            let _ = writeln!(out, "  … {awaits}");
        }
        for event in self.chain.iter().take(LINKS) {
            let at = words::clock(crate::time::SimTime(event.at_us));
            let _ = writeln!(out, "  because, at {at} (event {}): {}  [{}]", event.id, event.text, event.rule);
        }
        if self.earlier || self.chain.len() > LINKS {
            let _ = writeln!(out, "  earlier causes… (`why event {}`)", self.chain[LINKS.min(self.chain.len()) - 1].id);
        }
        if let Some(shell) = &self.shell {
            let _ = writeln!(out, "In Kafka: {shell}");
        }
        if !self.asks.is_empty() {
            out.push_str("Also asked here:\n");
            for (line, words) in &self.asks {
                let _ = writeln!(out, "  {line}  # {words}");
            }
        }
        if !self.changes.is_empty() {
            let _ = writeln!(out, "What would change it: {}.", self.changes.join("; "));
        }
        out.trim_end().to_owned()
    }
}
