//! What the user is looking at. Changed by clicks and keys; never by frames.

use crate::app::editor::{Edit, Editor};
use crate::app::stage::outline::Outline;
use crate::app::tables::desk::{self, Desk, DeskAct};
use crate::bridge::EarlierRun;
use playground_core::view::Subject;

/// What the inspector shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Inspect {
    /// Nothing chosen: how to read the picture, and what to try.
    #[default]
    Guide,
    Subject(Subject),
    /// Why this event happened.
    Event(u64),
    /// What became of the records.
    Verdict,
    /// The quorum of controllers.
    Controllers,
    /// Runs to open.
    Scenarios,
    /// The question of this line, about what is no subject: a link, say.
    Asked(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Stage,
    Overview,
    Brokers,
    Topics,
    Groups,
    Events,
    Charts,
    Terminal,
}

impl Place {
    /// It lies over the stage.
    pub fn is_table(self) -> bool {
        !matches!(self, Place::Stage | Place::Events)
    }
}

/// How the stage shows the one state: topics as strips, or brokers as boxes that hold their copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StageView {
    #[default]
    Story,
    Cluster,
}

impl StageView {
    pub fn other(self) -> StageView {
        if self == StageView::Story { StageView::Cluster } else { StageView::Story }
    }
}

/// A box of the heat grid that stands for a large cluster.
#[derive(Clone, Debug, PartialEq)]
pub enum Crumb {
    Broker(i32),
    Topic(String),
    /// Of partitions that nobody leads.
    Leaderless,
}

impl Crumb {
    pub fn name(&self) -> String {
        match self {
            Crumb::Broker(id) => id.to_string(),
            Crumb::Topic(name) => name.clone(),
            Crumb::Leaderless => "no leader".to_owned(),
        }
    }

    pub fn long_name(&self) -> String {
        match self {
            Crumb::Broker(id) => format!("Broker {id}"),
            Crumb::Topic(name) => name.clone(),
            Crumb::Leaderless => "No leader".to_owned(),
        }
    }
}

/// How close a large cluster is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Zoom {
    #[default]
    All,
    Box(Crumb),
    /// `topic`: its place among the view's topics.
    Partition {
        topic: usize,
        partition: u32,
        within: Crumb,
    },
}

impl Zoom {
    pub fn out(&self) -> Zoom {
        match self {
            Zoom::Partition { within, .. } => Zoom::Box(within.clone()),
            _ => Zoom::All,
        }
    }
}

/// The last command given by a click, as its shell line.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub line: String,
    pub answer: Option<Result<String, String>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Share {
    #[default]
    Idle,
    /// Copied to the clipboard.
    Copied(String),
    /// The clipboard refused: the user copies the text.
    Text(String),
}

/// Something the user must be told, until dismissed.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub bad: bool,
    pub text: String,
}

/// Rows in the list of events at once; the list grows when asked.
pub const ROWS: usize = 120;

/// How the list of events is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    pub rows: usize,
    /// Events about Kafka's own topics too.
    pub internals: bool,
}

impl Default for Listing {
    fn default() -> Self {
        Listing { rows: ROWS, internals: false }
    }
}

/// The user's earlier runs, as far as they were asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Earlier {
    pub runs: Vec<EarlierRun>,
    /// The one that the next click deletes.
    pub doomed: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct UiState {
    pub inspect: Inspect,
    /// On narrow pages the inspector lies over the stage: is it open?
    pub sheet: bool,
    pub place: Place,
    pub view: StageView,
    pub zoom: Zoom,
    pub outline: Outline,
    pub help: bool,
    pub said: Option<Said>,
    /// The shell line just put on the clipboard.
    pub copied: Option<String>,
    pub listing: Listing,
    /// What the tables know of themselves, once one was opened.
    pub desk: Option<Box<Desk>>,
    pub share: Share,
    pub notices: Vec<Notice>,
    /// Catching up: virtual now and goal.
    pub replaying: Option<(u64, u64)>,
    /// The engine failed: what it said, and the report.
    pub failed: Option<(String, String)>,
    pub editor: Editor,
    pub earlier: Earlier,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Inspect(Inspect),
    Go(Place),
    /// The stage's other view.
    TurnView,
    Zoom(Zoom),
    ZoomOut,
    Outline(Outline),
    Help(bool),
    /// Esc: closes the topmost thing.
    Close,
    Said(String),
    Answered(Result<String, String>),
    Copied(Option<String>),
    List(Listing),
    Desk(DeskAct),
    Share(Share),
    Tell(Notice),
    Dismiss(usize),
    Replaying(Option<(u64, u64)>),
    Failed(String, String),
    /// The user has read about the failure.
    FailureRead,
    /// Another run is open.
    Opened,
    Edit(Box<Edit>),
    Earlier(Vec<EarlierRun>),
    Doom(String),
}

impl UiState {
    /// Takes an act up; false when that changes nothing worth showing.
    pub fn act(&mut self, act: Act) -> bool {
        if let Act::Replaying(goal) = act {
            return goal != std::mem::replace(&mut self.replaying, goal);
        }
        match act {
            Act::Inspect(inspect) => {
                self.sheet = true;
                self.inspect = inspect;
            }
            Act::Go(place) => self.place = place,
            Act::TurnView => (self.view, self.zoom) = (self.view.other(), Zoom::All),
            Act::Zoom(zoom) => self.zoom = zoom,
            Act::Outline(outline) => self.outline = outline,
            Act::ZoomOut => self.zoom = self.zoom.out(),
            Act::Desk(act) => desk::act(self, act),
            Act::Help(open) => self.help = open,
            Act::Close => self.close(),
            Act::Said(line) => {
                desk::said(self, &line);
                self.said = Some(Said { line, answer: None });
            }
            Act::Answered(answer) => {
                desk::answered(self, &answer);
                if self.editor.float.is_some() {
                    self.editor.answered(&answer);
                }
                self.said.iter_mut().for_each(|said| said.answer = Some(answer.clone()));
            }
            Act::Edit(edit) => return self.editor.edit(*edit),
            Act::Earlier(runs) => self.earlier = Earlier { runs, doomed: None },
            Act::Doom(name) => self.earlier.doomed = Some(name),
            Act::Copied(line) => self.copied = line,
            Act::List(listing) => self.listing = listing,
            Act::Share(share) => self.share = share,
            Act::Tell(notice) => self.tell(notice),
            Act::Dismiss(i) if i < self.notices.len() => drop(self.notices.remove(i)),
            Act::Dismiss(_) => (),
            Act::Replaying(_) => (),
            Act::FailureRead => self.failed = None,
            Act::Failed(message, report) => self.failed = Some((message, report)),
            Act::Opened => {
                // What went wrong before stays to be read; what was selected in another run does not.
                let (notices, failed) = (std::mem::take(&mut self.notices), self.failed.take());
                let editor = Editor { open: self.editor.open, float: None };
                *self = UiState {
                    notices,
                    failed,
                    editor,
                    desk: self.desk.take().map(desk::another_run),
                    place: self.place,
                    view: self.view,
                    listing: self.listing,
                    ..UiState::default()
                };
            }
        }
        true
    }

    fn tell(&mut self, notice: Notice) {
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    fn close(&mut self) {
        if self.help {
            self.help = false;
        } else if self.desk.as_mut().is_some_and(|desk| desk.term.take().is_some()) {
            // A word was explained; now it is.
        } else if self.editor.close() {
        } else if self.share != Share::Idle {
            self.share = Share::Idle;
        } else if self.sheet || self.inspect != Inspect::Guide {
            self.sheet = false;
            self.inspect = Inspect::Guide;
        } else if self.zoom != Zoom::All {
            self.zoom = self.zoom.out();
        } else if self.place != Place::Stage {
            self.place = Place::Stage;
        } else {
            self.notices.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(acts: impl IntoIterator<Item = Act>) -> UiState {
        let mut state = UiState::default();
        acts.into_iter().for_each(|act| _ = state.act(act));
        state
    }

    #[test]
    fn esc_closes_the_topmost_thing_first() {
        let mut state = after([Act::Go(Place::Events), Act::Inspect(Inspect::Event(7)), Act::Help(true)]);
        state.act(Act::Close);
        assert!(!state.help && state.inspect == Inspect::Event(7));
        state.act(Act::Close);
        assert_eq!(state.inspect, Inspect::Guide);
        state.act(Act::Close);
        assert_eq!(state.place, Place::Stage);
    }

    #[test]
    fn an_answer_belongs_to_the_line_said_last() {
        let state = after([Act::Said("kill 102".into()), Act::Answered(Err("down already".into()))]);
        assert_eq!(state.said, Some(Said { line: "kill 102".into(), answer: Some(Err("down already".into())) }));
    }

    #[test]
    fn another_run_keeps_what_the_user_must_be_told() {
        let notice = Notice { bad: true, text: "The link is damaged.".into() };
        let state = after([Act::Tell(notice.clone()), Act::Inspect(Inspect::Event(1)), Act::Opened]);
        assert_eq!(state.notices, [notice]);
        assert_eq!(state.inspect, Inspect::Guide);
    }
}
