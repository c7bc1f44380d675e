//! What the user does with tables: which is open, how it is sorted and filtered, what was said at the prompt.

use crate::app::tables::terminal;
use crate::app::tables::terms::Terms;
use crate::app::ui_state::{Place, UiState};
use playground_core::view::Subject;
use playground_core::view::ask::{Browse, Entity, Question};
use playground_core::wire::encode;

/// Rows of messages at once; more when asked.
pub const ROWS: u32 = 50;
/// Lines of the prompt that are remembered.
const LINES: usize = 200;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Partitions,
    Messages,
    Groups,
    Configs,
}

/// How one table is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Column, and whether the greatest comes first.
    pub sort: Option<(usize, bool)>,
    pub filter: String,
    pub page: usize,
}

/// A line of the prompt and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub line: String,
    pub answer: Option<Result<String, String>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desk {
    pub topic: Option<String>,
    pub tab: Tab,
    pub group: Option<String>,
    /// Whose settings are shown among the brokers.
    pub entity: Option<Entity>,
    pub readings: Vec<(&'static str, Reading)>,
    pub browse: Browse,
    /// The one row that is opened, by its key.
    pub expanded: Option<String>,
    pub only_changed: bool,
    /// The word that is explained.
    pub term: Option<String>,
    pub terms: Option<Terms>,
    /// Which point the charts point at.
    pub cursor: Option<usize>,
    /// The chart whose table is open.
    pub behind: Option<&'static str>,
    pub said: Vec<Said>,
    /// What Tab offered last.
    pub offered: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DeskAct {
    Topic(Option<String>),
    Tab(Tab),
    Group(Option<String>),
    Entity(Option<Entity>),
    Sort(&'static str, usize),
    Filter(&'static str, String),
    Page(&'static str, usize),
    Browse(Browse),
    Expand(Option<String>),
    OnlyChanged,
    Term(Option<String>),
    /// The words of all terms and settings have come.
    Terms(Terms),
    Cursor(Option<usize>),
    Behind(Option<&'static str>),
    Offer(Vec<String>),
    Clear,
}

impl Desk {
    pub fn reading(&self, table: &'static str) -> Reading {
        self.readings.iter().find(|(name, _)| *name == table).map(|(_, reading)| reading.clone()).unwrap_or_default()
    }

    fn reading_mut(&mut self, table: &'static str) -> &mut Reading {
        let place = self.readings.iter().position(|(name, _)| *name == table).unwrap_or_else(|| {
            self.readings.push((table, Reading::default()));
            self.readings.len() - 1
        });
        &mut self.readings[place].1
    }
}

#[inline(never)]
pub fn act(ui: &mut UiState, act: DeskAct) {
    let desk = ui.desk.get_or_insert_default();
    match act {
        DeskAct::Topic(topic) => {
            ui.place = Place::Topics;
            desk.browse = Browse { limit: ROWS, live: true, ..Browse::default() };
            desk.expanded = None;
            desk.reading_mut("partitions").page = 0;
            desk.topic = topic;
        }
        DeskAct::Tab(tab) => (desk.tab, desk.expanded) = (tab, None),
        DeskAct::Group(group) => {
            ui.place = Place::Groups;
            desk.group = group;
        }
        DeskAct::Entity(entity) => (desk.entity, desk.expanded) = (entity, None),
        DeskAct::Sort(table, column) => {
            let reading = desk.reading_mut(table);
            reading.page = 0;
            // Up, down, and as it was.
            reading.sort = match reading.sort {
                Some((sorted, false)) if sorted == column => Some((column, true)),
                Some((sorted, true)) if sorted == column => None,
                _ => Some((column, false)),
            };
        }
        DeskAct::Filter(table, filter) => *desk.reading_mut(table) = Reading { filter, page: 0, ..desk.reading(table) },
        DeskAct::Page(table, page) => desk.reading_mut(table).page = page,
        DeskAct::Browse(browse) => desk.browse = browse,
        DeskAct::Expand(row) => desk.expanded = row,
        DeskAct::OnlyChanged => desk.only_changed = !desk.only_changed,
        DeskAct::Term(term) => desk.term = term,
        DeskAct::Terms(terms) => desk.terms = Some(terms),
        DeskAct::Cursor(cursor) => desk.cursor = cursor,
        DeskAct::Behind(chart) => desk.behind = chart,
        DeskAct::Offer(offered) => desk.offered = offered,
        DeskAct::Clear => desk.said.clear(),
    }
}

/// Each line, typed or clicked, stands in the terminal.
#[inline(never)]
pub fn said(ui: &mut UiState, line: &str) {
    terminal::remember(line);
    let desk = ui.desk.get_or_insert_default();
    desk.offered.clear();
    desk.said.push(Said { line: line.to_owned(), answer: None });
    let surplus = desk.said.len().saturating_sub(LINES);
    desk.said.drain(..surplus);
}

/// Answers come in the order of the lines.
#[inline(never)]
pub fn answered(ui: &mut UiState, answer: &Result<String, String>) {
    let waiting = ui.desk.iter_mut().flat_map(|desk| &mut desk.said).find(|said| said.answer.is_none());
    waiting.into_iter().for_each(|said| said.answer = Some(answer.clone()));
}

/// Of another run nothing is open; how tables are read, and what was said, stays.
#[inline(never)]
pub fn another_run(desk: Box<Desk>) -> Box<Desk> {
    Box::new(Desk { topic: None, group: None, entity: None, expanded: None, cursor: None, ..*desk })
}

/// What the open place needs to be told.
pub fn question(ui: &UiState) -> Vec<u8> {
    let nothing = Desk::default();
    let desk = ui.desk.as_deref().unwrap_or(&nothing);
    let question = match (ui.place, desk.tab) {
        (Place::Topics, tab) => match (&desk.topic, tab) {
            (Some(topic), Tab::Messages) => Some(Question::Messages(Browse { topic: topic.clone(), ..desk.browse.clone() })),
            (Some(topic), Tab::Configs) => Some(Question::Configs(Entity::Topic(topic.clone()))),
            _ => None,
        },
        (Place::Brokers, _) => desk.entity.clone().map(Question::Configs),
        (Place::Overview | Place::Charts, _) => Some(Question::Series),
        _ => None,
    };
    question.map_or(Vec::new(), |question| encode(&question))
}

/// What tables mark as selected.
pub fn selected(ui: &UiState) -> Option<&Subject> {
    match &ui.inspect {
        crate::app::ui_state::Inspect::Subject(subject) => Some(subject),
        _ => None,
    }
}
