//! The page: its frame, its places, its keyboard.
//!
//! Three parts live on their own in Yew's tree: this one, a partition's row and the map, which must not be drawn again
//! when nothing in them changed. Everything else is a function from what is known to what is seen. [`model`] alone knows
//! about frames, [`ui_state`] alone about what the user looks at, [`page`] joins them with the worker and the canvas.

pub mod caption;
pub mod editor;
pub mod events;
pub mod icons;
pub mod inspector;
pub mod keys;
pub mod language;
pub mod messages;
pub mod model;
pub mod page;
pub mod past;
pub mod rail;
pub mod share;
pub mod stage;
pub mod tables;
pub mod top_bar;
pub mod ui_state;
pub mod widgets;
pub mod words;

use caption::Announcer;
use gloo::events::{EventListener, EventListenerOptions};
use model::Snapshot;
use page::{Click, Page, PageHandle};
use std::rc::Rc;
use ui_state::{Act, Inspect, Place, UiState};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlCanvasElement, HtmlElement, HtmlInputElement, KeyboardEvent};
use widgets::Watch;
use yew::prelude::*;

/// Mounts the page.
pub fn run() {
    yew::set_custom_panic_hook(Box::new(messages::show_panic));
    let document = gloo::utils::document();
    let root = document.get_element_by_id("app").unwrap_or_else(|| document.body().map(Into::into).expect("a page has a body"));
    yew::Renderer::<App>::with_root(root).render();
}

/// What changes the page.
pub enum Heard {
    Show(Rc<Snapshot>),
    Act(Act),
    /// The time line has this width now.
    Room(i32),
    /// The announcer's time has come.
    Speak,
}

/// Elements that are measured, drawn on, focused or placed once they are there.
#[derive(Default)]
pub struct Nodes {
    pub view: NodeRef,
    pub canvas: NodeRef,
    pub marks: NodeRef,
    pub help: NodeRef,
    pub prompt: NodeRef,
}

pub struct App {
    page: PageHandle,
    shot: Rc<Snapshot>,
    ui: UiState,
    nodes: Nodes,
    announcer: Announcer,
    /// Width of the time line; 0 before the first layout.
    room: i32,
    help_was_open: bool,
    /// Where things stood before the stage turned to its other view.
    before: stage::morph::Places,
    watch: Option<Watch>,
    _keys: EventListener,
    _gestures: [EventListener; 4],
}

impl Component for App {
    type Message = Heard;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let page = Page::new(share::query("embed").is_some_and(|value| value != "0"), ctx.link().clone());
        App {
            _keys: listen_keys(page.clone()),
            _gestures: ["pointerdown", "contextmenu", "dblclick", "languagechange"].map(|kind| listen(kind, page.clone())),
            page,
            shot: Rc::default(),
            ui: UiState::default(),
            nodes: Nodes::default(),
            announcer: Announcer::default(),
            room: 0,
            help_was_open: false,
            before: Vec::new(),
            watch: None,
        }
    }

    fn update(&mut self, _: &Context<Self>, heard: Heard) -> bool {
        match heard {
            Heard::Show(shot) => self.shot = shot,
            Heard::Act(act) => {
                match &act {
                    Act::Said(line) => self.write(line),
                    Act::TurnView => self.before = stage::morph::places(&self.nodes.view),
                    _ => (),
                }
                let news = self.ui.act(act);
                if self.ui.place.is_table() || self.ui.desk.is_some() {
                    tables::inquire(&self.page, &self.ui);
                }
                return news;
            }
            Heard::Room(room) => return room != std::mem::replace(&mut self.room, room),
            Heard::Speak => self.announcer.speak(page::now()),
        }
        true
    }

    fn view(&self, _: &Context<Self>) -> Html {
        if self.page.embed { self.embedded() } else { self.whole() }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first {
            self.mount(ctx);
        }
        if self.ui.editor.float.is_some() || self.page.hand.borrow().is_some() {
            editor::float::settle(&self.page, &mut self.ui.editor);
        }
        events::place_marks(&self.nodes.marks);
        if !self.before.is_empty() {
            stage::morph::play(&self.nodes.view, &std::mem::take(&mut self.before));
        }
        if self.ui.help && !self.help_was_open {
            // Focus is a comfort: without it Esc still closes.
            let _ = self.nodes.help.cast::<HtmlElement>().map(|help| help.focus());
        }
        self.help_was_open = self.ui.help;
        self.announcer.hear(&caption::sentence(&self.shot), page::now(), ctx.link());
    }

    fn destroy(&mut self, _: &Context<Self>) {
        self.page.flow.borrow_mut().unmount();
    }
}

impl App {
    /// Hands the canvas to the loop, measures the time line, and starts the worker.
    fn mount(&mut self, ctx: &Context<Self>) {
        if let (Some(view), Some(canvas)) = (self.nodes.view.cast::<Element>(), self.nodes.canvas.cast::<HtmlCanvasElement>()) {
            self.page.flow.borrow_mut().mount(view, canvas);
        }
        let link = ctx.link().clone();
        self.watch = Watch::width(&self.nodes.marks, move |room| link.send_message(Heard::Room(room)));
        self.page.start();
    }

    /// A line that was clicked stands in the prompt as if typed; one that was typed is marked, so that the next replaces it.
    fn write(&self, line: &str) {
        if let Some(field) = self.nodes.prompt.cast::<HtmlInputElement>() {
            field.set_value(line);
            // Only where the user is typing: focus stays with the button that was clicked.
            if gloo::utils::document().active_element().as_ref() == Some(field.as_ref()) {
                field.select();
            }
        }
    }

    fn whole(&self) -> Html {
        let (page, shot, ui) = (&self.page, &*self.shot, &self.ui);
        let class = classes!(
            "app",
            (ui.place == Place::Events).then_some("app--events"),
            (ui.inspect == Inspect::Guide).then_some("app--guide"),
            ui.place.is_table().then_some("app--table")
        );
        html! {
            <div {class}>
                <a key="skip" class="skip" href="#stage">{ "Skip to the stage" }</a>
                { top_bar::top_bar(page, shot, &ui.share) }
                { rail::rail(page, ui.place, ui.editor.open) }
                <main key="main" class="work">
                    <div key="stage" id="stage" class="main" tabindex="-1">
                        <div key="tools" class="tools">{ if ui.editor.open { editor::palette::palette(page, &shot.mirror, ui.editor.tool()) } else { html! {} } }</div>
                        { stage::stage(page, &self.shot, ui, &self.nodes) }
                        { if ui.place.is_table() { tables::place(page, shot, ui) } else { Html::default() } }
                        { caption::caption(page, shot, ui, &self.announcer, &self.nodes.prompt) }
                    </div>
                    { inspector::inspector(page, shot, ui, ui.sheet) }
                    { events::events(page, shot, ui, self.room, &self.nodes.marks) }
                </main>
                { self.overlays() }
            </div>
        }
    }

    /// Stage, caption and play button alone, for a frame in somebody's page.
    fn embedded(&self) -> Html {
        let (page, shot, ui) = (&self.page, &*self.shot, &self.ui);
        html! {
            <div class="app app--embed">
                <main key="main" id="stage" class="main">
                    <h1 key="title" class="visually-hidden">{ format!("Kafka Playground: {}", shot.mirror.title) }</h1>
                    { stage::stage(page, &self.shot, ui, &self.nodes) }
                    { caption::caption(page, shot, ui, &self.announcer, &self.nodes.prompt) }
                </main>
                <footer key="bar" class="embed-bar">
                    { top_bar::transport(page, shot) }
                    // A link that carries the whole run, made at the moment it is used.
                    <button key="open" type="button" class="button button--quiet" onclick={page.on(Click::OpenElsewhere)}>{ "Open in playground ↗" }</button>
                </footer>
                { inspector::inspector(page, shot, ui, ui.sheet && ui.inspect != Inspect::Guide) }
                { self.overlays() }
            </div>
        }
    }

    fn overlays(&self) -> Html {
        let (page, ui) = (&self.page, &self.ui);
        html! {
            <div key="overlays" class="overlays">
                { ui.desk.as_ref().map_or_else(Html::default, |desk| tables::terms::card(page, desk)) }
                { if ui.editor.float.is_some() { editor::float::view(page, ui) } else { html! {} } }
                { messages::notices(page, &ui.notices) }
                { messages::replaying(ui.replaying) }
                { messages::help(page, ui.help, &self.nodes.help) }
                { messages::failure(page, ui.failed.as_ref()) }
            </div>
        }
    }
}

/// The hand on the picture; a frame in somebody's page is only watched.
fn listen(kind: &'static str, page: PageHandle) -> EventListener {
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(&gloo::utils::document(), kind, options, move |event| {
        if !page.embed {
            editor::gestures::heard(&page, event);
        }
    })
}

/// Keys that work everywhere but in fields: Space, ←, →, /, v, ?, Esc, Ctrl+Z.
fn listen_keys(page: PageHandle) -> EventListener {
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(&gloo::utils::document(), "keydown", options, move |event| {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let in_field = target.as_ref().is_some_and(|element| element.matches("input, select, textarea").unwrap_or(false));
        if !page.embed && !event.ctrl_key() && !event.meta_key() && editor::keyboard::heard(&page, event, target.as_ref(), in_field) {
            return event.prevent_default();
        }
        let steers = target.as_ref().is_some_and(|element| element.matches("[type=range]").unwrap_or(false));
        let arrow = event.key().starts_with("Arrow") && (in_field || event.default_prevented());
        let typed = (in_field && !steers) || arrow || event.alt_key();
        if !typed && past::key(&page, event) {
            return event.prevent_default();
        }
        let in_field = in_field && !(steers && matches!(event.key().as_str(), " " | "/" | "?"));
        let on_control = target.is_some_and(|element| element.closest("button, a, summary").ok().flatten().is_some());
        if event.ctrl_key() || event.meta_key() || event.alt_key() || (in_field && event.key() != "Escape") {
            return;
        }
        if event.key() == "/" {
            event.prevent_default();
            let field = gloo::utils::document().get_element_by_id("prompt").and_then(|field| field.dyn_into::<HtmlElement>().ok());
            return field.map_or((), |field| _ = field.focus());
        }
        page.click(match event.key().as_str() {
            " " if !on_control => Click::TogglePlay,
            "ArrowRight" if !event.default_prevented() => top_bar::step(false, false),
            "v" => Click::Act(Act::TurnView),
            "-" if !event.default_prevented() => Click::Act(Act::ZoomOut),
            "?" => Click::Act(Act::Help(true)),
            "Escape" => Click::Act(Act::Close),
            _ => return,
        });
        event.prevent_default();
    })
}
