//! The menu of a thing: every fault and action that applies to it, each with the line it is. What would do nothing is greyed, and the
//! engine says why.

use crate::app::editor::form::Tool;
use crate::app::editor::thing::{self, Thing, fleet};
use crate::app::editor::{Float, Spot, Want};
use crate::app::inspector::{broker, client, group, partition};
use crate::app::model::Mirror;
use crate::app::page::{Click, PageHandle};
use crate::app::stage::brokers::BrokerAction;
use crate::app::words;
use playground_core::view::ClientKind;
use yew::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct Menu {
    pub of: Thing,
    pub sections: Vec<(&'static str, Vec<Item>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub word: String,
    pub does: Does,
    /// Why it would do nothing, where the page knows that itself.
    pub idle: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Does {
    Line(String),
    /// Opens a form beside the thing.
    Add(Tool),
    Set(Thing),
    Copy(Thing),
    Rename(String),
    /// Shows it in the inspector.
    Show,
}

fn line(word: impl Into<String>, line: String) -> Item {
    Item { word: word.into(), does: Does::Line(line), idle: None }
}

fn does(word: &str, does: Does) -> Item {
    Item { word: word.to_owned(), does, idle: None }
}

type Sections = Vec<(&'static str, Vec<Item>)>;

/// The inspector's own lists, as sections.
fn listed(lists: Vec<(&'static str, Vec<(&'static str, String)>)>) -> Sections {
    lists.into_iter().map(|(head, lines)| (head, lines.into_iter().map(|(word, text)| line(word, text)).collect())).collect()
}

impl Menu {
    pub fn new(of: Thing, mirror: &Mirror) -> Option<Menu> {
        let mut sections: Sections = Vec::new();
        match &of {
            Thing::Stage => sections.push(("Add", additions(mirror))),
            Thing::Broker(id) => {
                let Some(view) = mirror.brokers.iter().find(|broker| broker.id == *id) else {
                    return Some(Menu { sections: controller(*id), of });
                };
                let act = BrokerAction::of(view);
                sections.push(("", vec![line(act.word, act.line)]));
                sections.extend(listed(broker::faults(view, mirror.controllers.zookeeper)));
                sections.push((
                    "Change",
                    vec![does("Add another like it…", Does::Copy(of.clone())), line("Remove", format!("remove broker {id}"))],
                ));
            }
            Thing::Topic(name) => sections.extend(topic(name, &of)),
            Thing::Partition(topic, nth) => {
                let view = mirror.partition(topic, *nth)?;
                let leader = view.leader.map(|id| line(format!("Crash its leader, {id}"), format!("kill {id}")));
                sections.push(("", leader.into_iter().collect()));
                sections.extend(listed(vec![("Leadership", partition::elections(topic, view))]));
                sections.push(("Its topic", vec![does("Settings…", Does::Set(Thing::Topic(topic.clone())))]));
            }
            Thing::Record(topic, nth, offset) => {
                let reads = mirror.groups.iter().filter(|group| group.offsets.contains_key(topic));
                for group in reads {
                    let (name, at) = (&group.name, format!("{topic}-{nth}@{offset}"));
                    sections.push((
                        "Its readers",
                        vec![
                            line(format!("{name} crashes at it"), format!("poison {name} {at} crash")),
                            line(format!("{name} leaves it out"), format!("poison {name} {at} skip")),
                            line(format!("{name} reads on here"), format!("seek {name} {at}")),
                        ],
                    ));
                }
            }
            Thing::Client(name) => {
                let view = mirror.clients.iter().find(|client| client.name == *name)?;
                let of_group = view.group.as_ref().and_then(|name| mirror.groups.iter().find(|group| group.name == *name));
                sections.extend(listed(client::faults(view, of_group.map(|group| &**group))));
                sections.push((
                    "Change",
                    match view.kind {
                        ClientKind::Producer => client_changes(name, mirror),
                        ClientKind::Consumer => {
                            vec![does("Settings of its group…", Does::Set(of.whole(mirror))), line("Remove it", format!("remove {name}"))]
                        }
                    },
                ));
            }
            Thing::Fleet(name) => sections.extend(whole_fleet(name, mirror)),
            Thing::Group(name) => {
                let view = mirror.groups.iter().find(|group| group.name == *name)?;
                sections.extend(listed(group::lines(view)));
                sections.push(("Change", group_changes(name, view.members.len(), &of)));
                sections.push(("Reads", topics_of(name, mirror)));
            }
        }
        if of.subject().is_some() {
            sections.insert(0, ("", vec![does("Show it", Does::Show)]));
        }
        let whole = mirror.in_force.iter().all(|(_, end)| !end.starts_with("heal"));
        for item in sections.iter_mut().flat_map(|(_, items)| items) {
            item.idle = (whole && item.line().is_some_and(|line| line == "heal")).then_some("no link is broken");
        }
        sections.retain(|(_, items)| !items.is_empty());
        Some(Menu { of, sections })
    }

    fn items(&self) -> impl Iterator<Item = &Item> {
        self.sections.iter().flat_map(|(_, items)| items)
    }

    pub fn lines(&self) -> Vec<String> {
        self.items().filter_map(Item::line).cloned().collect()
    }
}

impl Item {
    fn line(&self) -> Option<&String> {
        if let Does::Line(line) = &self.does { Some(line) } else { None }
    }
}

fn additions(mirror: &Mirror) -> Vec<Item> {
    let words = ["Brokers…", "A topic…", "Producers…", "A consumer group…"];
    let open = Tool::ALL.into_iter().zip(words).filter(|(tool, _)| tool.lacks(mirror).is_none());
    open.map(|(tool, word)| does(word, Does::Add(tool))).collect()
}

/// A controller that is no broker.
fn controller(id: i32) -> Sections {
    let process = [("Crash", "kill"), ("Stop in order", "stop"), ("Start", "start"), ("Pause", "pause"), ("Resume", "resume")];
    let links = [("Cut from brokers", "brokers"), ("Cut from controllers", "controllers")];
    vec![
        ("Process", process.map(|(word, verb)| line(word, format!("{verb} {id}"))).into()),
        ("Network", links.map(|(word, kind)| line(word, format!("cut {id} {kind}"))).into()),
    ]
}

fn topic(name: &str, of: &Thing) -> Sections {
    let elect = |kind: &str| format!("kafka-leader-election.sh --election-type {kind} --all-topic-partitions");
    vec![
        (
            "Around it",
            vec![does("Producers writing to it…", Does::Add(Tool::Producer)), does("A group reading it…", Does::Add(Tool::Group))],
        ),
        (
            "Change",
            vec![
                does("Settings…", Does::Set(of.clone())),
                does("Add another like it…", Does::Copy(of.clone())),
                does("Rename…", Does::Rename(name.to_owned())),
                line("Delete", format!("kafka-topics.sh --delete --topic {name}")),
            ],
        ),
        ("Leadership", vec![line("Elect the preferred leaders", elect("preferred"))]),
    ]
}

fn client_changes(name: &str, mirror: &Mirror) -> Vec<Item> {
    let base = fleet(name);
    let mut items = vec![does("Settings…", Does::Set(Thing::Client(name.to_owned())))];
    if thing::producers(mirror).filter(|client| fleet(&client.name) == base).count() > 1 {
        items.push(does("Settings of its fleet…", Does::Set(Thing::Fleet(base.to_owned()))));
    }
    items.extend([does("Add others like it…", Does::Copy(Thing::Client(name.to_owned()))), line("Remove it", format!("remove {name}"))]);
    items
}

fn whole_fleet(name: &str, mirror: &Mirror) -> Sections {
    let all = thing::written(mirror, name);
    let of = Thing::Fleet(name.to_owned());
    let process = [("Crash", "kill"), ("Close in order", "stop"), ("Start", "start"), ("Pause", "pause"), ("Resume", "resume")];
    let acks = ["0", "1", "all"].map(|acks| line(format!("acks={acks}"), format!("set {all} acks={acks}")));
    vec![
        ("Wait for", acks.into()),
        ("All of them", process.map(|(word, verb)| line(word, format!("{verb} {all}"))).into()),
        ("Network", vec![line("Cut from brokers", format!("cut {all} brokers")), line("Lose answers only", format!("cut brokers>{all}"))]),
        (
            "Change",
            vec![
                does("Settings…", Does::Set(of.clone())),
                does("Add others like them…", Does::Copy(of)),
                does("Rename…", Does::Rename(all.clone())),
                line("Remove them", format!("remove producer {all}")),
            ],
        ),
    ]
}

fn group_changes(name: &str, members: usize, of: &Thing) -> Vec<Item> {
    vec![
        does("Settings…", Does::Set(of.clone())),
        line("One member more", format!("set {name} members={}", members + 1)),
        line("One member less", format!("set {name} members={}", members.saturating_sub(1))),
        does("Add another like it…", Does::Copy(of.clone())),
        does("Rename…", Does::Rename(name.to_owned())),
        line("Remove", format!("remove group {name}")),
    ]
}

/// A topic more, or one less.
fn topics_of(group: &str, mirror: &Mirror) -> Vec<Item> {
    let Some(view) = mirror.groups.iter().find(|view| view.name == group) else { return Vec::new() };
    mirror
        .user_topics()
        .map(|topic| {
            let name = &topic.head.name;
            let reads = view.offsets.contains_key(name);
            line(format!("{} {name}", if reads { "Not" } else { "Also" }), subscription(group, mirror, name))
        })
        .collect()
}

/// The line by which a group reads one topic more, or one less.
pub fn subscription(group: &str, mirror: &Mirror, topic: &str) -> String {
    let reads = mirror
        .groups
        .iter()
        .find(|view| view.name == group)
        .map(|view| view.offsets.keys().cloned().collect::<Vec<_>>())
        .unwrap_or_default();
    let mut topics: Vec<&str> = reads.iter().map(String::as_str).filter(|name| *name != topic).collect();
    if topics.len() == reads.len() {
        topics.push(topic);
    }
    format!("set {group} topics={}", topics.join(","))
}

pub fn view(page: &PageHandle, float: &Float, menu: &Menu) -> Html {
    let mut refusals = float.refusals.iter();
    let sections: Vec<Html> = menu
        .sections
        .iter()
        .enumerate()
        .map(|(nth, (head, items))| {
            let rows: Vec<Html> = items
                .iter()
                .map(|item| {
                    let refusal = if item.line().is_some() { refusals.next().cloned().flatten() } else { None };
                    let refusal = item.idle.map(str::to_owned).or(refusal);
                    item_view(page, float.at, &menu.of, item, refusal)
                })
                .collect();
            html! {
                <div key={nth} class="menu__section" role="group" aria-label={(!head.is_empty()).then_some(*head)}>
                    <span key="head" class="menu__head" aria-hidden="true" hidden={head.is_empty()}>{ *head }</span>
                    { for rows }
                </div>
            }
        })
        .collect();
    html! {
        <div key="menu" class="menu" role="menu" aria-label={format!("What can be done: {}", menu.of.name())}>
            <span key="name" class="menu__name" aria-hidden="true">{ menu.of.name() }</span>
            { for sections }
        </div>
    }
}

fn item_view(page: &PageHandle, at: Spot, of: &Thing, item: &Item, refusal: Option<String>) -> Html {
    let idle = refusal.is_some();
    let want = match &item.does {
        _ if idle => Want::Nothing,
        Does::Line(line) => Want::Lines(vec![line.clone()]),
        Does::Add(tool) => Want::Add(*tool, at, Some(of.clone())),
        Does::Set(thing) => Want::Set(thing.clone(), at),
        Does::Copy(thing) => Want::Copy(thing.clone(), at),
        Does::Rename(name) => Want::Rename(name.clone(), at),
        Does::Show => Want::Show(of.clone()),
    };
    let note = refusal.or_else(|| item.line().cloned()).unwrap_or_default();
    html! {
        <button key={item.word.clone()} type="button" role="menuitem" class={classes!("menu__item", idle.then_some("menu__item--idle"))} tabindex="-1"
            aria-disabled={words::yes(idle)} title={note.clone()} onclick={page.on(Click::Edit(Box::new(want)))}>
            <span key="word" class="menu__word">{ item.word.clone() }</span>
            <span key="note" class="menu__note">{ note }</span>
        </button>
    }
}
