//! The stage in words: an outline from topic to partition to record, from broker to copy, from group to bookmark, with the names of
//! Kafka's tools. It is one stop of the keyboard, and seen while it has the focus.

use crate::app::model::{Mirror, Snapshot};
use crate::app::page::{self, PageHandle};
use crate::app::stage::outline_parts as parts;
use crate::app::words;
use playground_core::view::Subject;
use std::rc::Rc;
use yew::prelude::*;

/// Lines on the page before and after the one that is current; the others come when it moves.
const NEAR: usize = 120;
/// While the run goes on it is told anew this often, in milliseconds: nobody hears more of it, and its lines are many.
const EVERY: f64 = 1_000.0;

/// What is open of the outline, and where the keyboard is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    pub open: Vec<String>,
    pub at: usize,
}

/// A line of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `topic:trucks_gps`, `topic:trucks_gps/4`, …
    pub id: String,
    pub level: u8,
    pub text: String,
    /// Whether it is open; `None` when there is nothing in it.
    pub open: Option<bool>,
    pub subject: Option<Subject>,
}

/// The lines that are open to be read.
pub fn items(mirror: &Mirror, outline: &Outline) -> Vec<Item> {
    let mut items = Vec::new();
    let mut top = |id: String, text: String, subject: Option<Subject>| {
        let open = outline.open.contains(&id);
        items.push(Item { id, level: 1, text, open: Some(open), subject });
        if open {
            parts::of(mirror, outline, &mut items);
        }
    };
    for topic in mirror.user_topics() {
        let name = &topic.head.name;
        let partitions = words::plural(topic.partitions.len() as u64, "partition");
        top(format!("topic:{name}"), format!("Topic {name}: {partitions}, replication factor {}", topic.head.replication_factor), None);
    }
    for broker in &mirror.brokers {
        let (id, state) = (broker.id, super::brokers::state_words(broker));
        let holds = words::plural(u64::from(broker.replicas), "copy").replace("copys", "copies");
        top(format!("broker:{id}"), format!("Broker {id}: {state}, leads {}, holds {holds}", broker.leaders), Some(Subject::Broker(id)));
    }
    for group in &mirror.groups {
        let name = &group.name;
        let (members, lag) = (words::plural(group.members.len() as u64, "member"), group.lag.map_or("unknown".to_owned(), words::count));
        top(format!("group:{name}"), format!("Group {name}: {}, {members}, lag {lag}", group.state), Some(Subject::Group(name.clone())));
    }
    items
}

#[derive(Properties)]
pub struct TreeProps {
    pub page: PageHandle,
    pub shot: Rc<Snapshot>,
    pub outline: Outline,
}

impl PartialEq for TreeProps {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.shot, &other.shot) && self.outline == other.outline
    }
}

#[derive(Default)]
pub struct Tree {
    told: f64,
}

impl Component for Tree {
    type Message = ();
    type Properties = TreeProps;

    fn create(_: &Context<Self>) -> Self {
        Tree::default()
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &TreeProps) -> bool {
        let props = ctx.props();
        let now = page::now();
        let tells = !props.shot.playing() || props.outline != old.outline || now - self.told >= EVERY;
        if tells {
            self.told = now;
        }
        tells
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let props = ctx.props();
        tree(&props.page, &props.shot.mirror, &props.outline)
    }
}

fn tree(page: &PageHandle, mirror: &Mirror, outline: &Outline) -> Html {
    let items = items(mirror, outline);
    let at = outline.at.min(items.len().saturating_sub(1));
    let all = items.len();
    let (keys, state) = (page.clone(), outline.clone());
    html! {
        <div class="outline" role="tree" aria-label="The cluster in words" tabindex="0" aria-activedescendant={(all > 0).then(|| format!("outline-{at}"))}
            onkeydown={Callback::from(move |event: KeyboardEvent| parts::pressed(&keys, &state, &event))}>
            { for items.into_iter().enumerate().skip(at.saturating_sub(NEAR)).take(2 * NEAR).map(|(i, item)| html! {
                <div key={item.id} id={format!("outline-{i}")} class={classes!("outline__item", (i == at).then_some("outline__item--at"))} role="treeitem"
                    data-level={item.level.to_string()} aria-level={item.level.to_string()} aria-posinset={(i + 1).to_string()} aria-setsize={all.to_string()} aria-expanded={item.open.map(words::yes)} aria-selected={words::yes(i == at)}>{ item.text }</div>
            }) }
        </div>
    }
}
