//! The editor on the picture: a palette to add from, forms beside what they change, menus of all that can be done to a thing.
//!
//! Whatever is done here leaves as lines of shell; the engine alone decides what they do. While a form or a menu is open its lines are
//! tried on a copy of the run, so that a refusal stands beside its field, in Kafka's words, before anything happened.

pub mod field;
pub mod float;
pub mod form;
pub mod gestures;
pub mod keyboard;
pub mod known;
pub mod menu;
pub mod palette;
pub mod thing;

use crate::app::icons::{Icon, icon};
use crate::app::page::{Click, PageHandle};
use crate::app::tables::terms;
use crate::app::ui_state::Act;
use crate::bridge::ToWorker;
use form::{Form, Tool};
use known::Known;
use menu::Menu;
use playground_core::scenario::builtin::EMPTY;
use playground_core::view::Subject;
use thing::Thing;
use yew::prelude::*;

/// A point of the window, in pixels.
pub type Spot = (i32, i32);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Editor {
    /// The palette stands over the stage.
    pub open: bool,
    pub float: Option<Box<Float>>,
}

/// What lies over the page beside a thing, and the point it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Float {
    pub at: Spot,
    pub what: What,
    /// The lines that were tried last, the question's number, and why each would be refused.
    pub tried: Vec<String>,
    pub question: u32,
    pub refusals: Vec<Option<String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Form(Form),
    Menu(Menu),
}

/// What changes the editor.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    TogglePalette,
    Palette(bool),
    Open(Box<Float>),
    /// A field of the form, by its place, has this value now.
    Field(usize, String),
    /// Shows the further settings.
    More,
    /// The form's lines are on their way.
    Sent(usize),
    /// Answer to the question of this number.
    Tried(u32, Vec<Option<String>>),
    Close,
}

/// What a click of the editor asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    Nothing,
    /// Sends these lines.
    Lines(Vec<String>),
    Edit(Edit),
    /// The form of somebody new, at this place, beside what it was dropped on.
    Add(Tool, Spot, Option<Thing>),
    /// Forms that begin with what the scenario says: of a change, of a copy.
    Set(Thing, Spot),
    Copy(Thing, Spot),
    Rename(String, Spot),
    Menu(Thing, Spot),
    /// Shows a thing in the inspector.
    Show(Thing),
    /// A command of Kafka's own stands in the prompt, ready to be sent.
    Prompt,
    New,
}

#[inline(never)]
pub fn want(page: &PageHandle, want: Want) {
    match want {
        Want::Nothing => {}
        Want::Edit(edit) => {
            if edit == Edit::More {
                terms::fetch(page);
            }
            page.act(Act::Edit(Box::new(edit)));
        }
        Want::Lines(lines) => {
            page.act(Act::Edit(Box::new(Edit::Sent(lines.len()))));
            lines.into_iter().for_each(|line| page.shell(line));
        }
        Want::Add(tool, at, onto) => {
            let form = Form::add(tool, page.model.borrow().mirror(), onto.as_ref());
            show(page, at, Some(What::Form(form)));
        }
        Want::Menu(of, at) => {
            let menu = Menu::new(of, page.model.borrow().mirror());
            show(page, at, menu.map(What::Menu));
        }
        Want::Show(of) => {
            page.act(Act::Edit(Box::new(Edit::Close)));
            of.subject().into_iter().for_each(|subject| page.select(subject));
        }
        Want::Rename(name, at) => show(page, at, Some(What::Form(Form::rename(name)))),
        Want::Set(..) | Want::Copy(..) => page.ask_for(want),
        Want::Prompt => keyboard::prompt(page),
        Want::New => {
            page.leave_preview();
            page.send(ToWorker::Open { scenario: EMPTY.to_owned(), at_us: 0 });
            page.act(Act::Edit(Box::new(Edit::Palette(true))));
        }
    }
}

/// The scenario's text is here: the form that needed it opens.
#[inline(never)]
pub fn informed(page: &PageHandle, want: Want, text: &str) {
    let known = Known::read(text);
    let model = page.model.borrow();
    let (at, form) = match want {
        Want::Set(of, at) => (at, Form::set(&of, model.mirror(), &known)),
        Want::Copy(of, at) => (at, Form::copy(&of, model.mirror(), &known)),
        _ => return,
    };
    show(page, at, form.map(What::Form));
}

fn show(page: &PageHandle, at: Spot, what: Option<What>) {
    let edit = what.map_or(Edit::Close, |what| Edit::Open(Float::new(at, what)));
    page.act(Act::Edit(Box::new(edit)));
}

/// The three dots of what the inspector shows.
#[inline(never)]
pub fn subject_dots(page: &PageHandle, subject: &Subject) -> Html {
    let of = Thing::of_subject(subject);
    let label = format!("What can be done to {}", of.name());
    let page = page.clone();
    let onclick = Callback::from(move |event: MouseEvent| {
        if let Some(element) = event.target_dyn_into::<web_sys::Element>() {
            page.click(Click::Edit(Box::new(Want::Menu(of.clone(), gestures::below(&element)))));
        }
    });
    html! { <button key="dots" type="button" class="button button--icon button--quiet" aria-haspopup="menu" aria-label={label.clone()} title={label} {onclick}>{ icon(Icon::Dots) }</button> }
}

/// A click on what stands for a tool or has three dots: the form or the menu opens beside it.
#[inline(never)]
pub fn clicked(page: &PageHandle, event: &MouseEvent) {
    let Some(element) = event.target_dyn_into::<web_sys::Element>() else { return };
    let at = gestures::below(&element);
    let tool = palette::tool_of(&element).map(|tool| Want::Add(tool, at, None));
    let wanted = tool.or_else(|| Some(Want::Menu(Thing::of(&element)?, at)));
    wanted.into_iter().for_each(|wanted| want(page, wanted));
}

impl Float {
    pub fn new(at: Spot, what: What) -> Box<Float> {
        Box::new(Float { at, what, tried: Vec::new(), question: 0, refusals: Vec::new() })
    }

    /// The lines it would send.
    pub fn lines(&self) -> Vec<String> {
        match &self.what {
            What::Form(form) => form.lines(),
            What::Menu(menu) => menu.lines(),
        }
    }
}

impl Editor {
    /// Whose form is open.
    pub fn tool(&self) -> Option<Tool> {
        match &self.float.as_deref()?.what {
            What::Form(Form { aim: form::Aim::Add(tool), .. }) => Some(*tool),
            _ => None,
        }
    }

    #[inline(never)]
    pub fn edit(&mut self, edit: Edit) -> bool {
        if let (Edit::Close | Edit::Tried(..), None) = (&edit, &self.float) {
            return false;
        }
        match (edit, self.float.as_deref_mut()) {
            (Edit::TogglePalette, _) => {
                self.open = !self.open;
                self.float = None;
            }
            (Edit::Palette(open), _) => self.open = open,
            (Edit::Open(float), _) => self.float = Some(float),
            (Edit::Close, _) => self.float = None,
            (Edit::Sent(_), Some(Float { what: What::Menu(_), .. })) => self.float = None,
            (Edit::Tried(question, refusals), Some(float)) if float.question == question => float.refusals = refusals,
            (edit, Some(Float { what: What::Form(form), .. })) => form.edit(edit),
            _ => {}
        }
        true
    }

    /// What the engine said to a line that was sent.
    #[inline(never)]
    pub fn answered(&mut self, answer: &Result<String, String>) {
        if let Some(Float { what: What::Form(form), .. }) = self.float.as_deref_mut()
            && form.answered(answer)
        {
            self.float = None;
        }
    }

    /// Esc: the float first, then the palette. False when neither was there.
    #[inline(never)]
    pub fn close(&mut self) -> bool {
        self.float.take().is_some() || std::mem::take(&mut self.open)
    }
}
