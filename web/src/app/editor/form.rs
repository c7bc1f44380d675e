//! Forms: a few fields that say what somebody new is like, or how somebody goes on; each form is a line of shell, or some.

use crate::app::editor::field::{self, Field, Input, settings};
use crate::app::editor::known::Known;
use crate::app::editor::thing::{self, Thing};
use crate::app::editor::{Edit, Float, Want};
use crate::app::model::Mirror;
use crate::app::page::{Click, PageHandle};
use crate::app::tables::terms::Terms;
use playground_core::command::Quoted;
use playground_core::config::{ConsumerConfig, ProducerConfig, TopicConfig};
use yew::prelude::*;

/// What the palette has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Broker,
    Topic,
    Producer,
    Group,
}

impl Tool {
    pub const ALL: [Tool; 4] = [Tool::Broker, Tool::Topic, Tool::Producer, Tool::Group];

    pub fn word(self) -> &'static str {
        ["broker", "topic", "producer", "group"][self as usize]
    }

    pub fn named(word: &str) -> Option<Tool> {
        Tool::ALL.into_iter().find(|tool| tool.word() == word)
    }

    /// Why it cannot be added yet.
    pub fn lacks(self, mirror: &Mirror) -> Option<&'static str> {
        match self {
            Tool::Broker => None,
            Tool::Topic if mirror.brokers.is_empty() => Some("needs a broker to lie on"),
            Tool::Producer | Tool::Group if mirror.user_topics().next().is_none() => Some("needs a topic first"),
            _ => None,
        }
    }
}

/// What the form does when it is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Aim {
    Add(Tool),
    /// Changes somebody, as lines call them.
    Set(Tool, String),
    Rename(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    pub aim: Aim,
    pub fields: Vec<Field>,
    pub more: bool,
    /// So many answers are awaited.
    pub sent: usize,
    /// What the engine said to the line that it refused.
    pub refused: Option<String>,
}

/// Names for what is new, the first that is free.
const TOPICS: [&str; 5] = ["orders", "payments", "shipments", "clicks", "returns"];
const FLEETS: [&str; 5] = ["shop", "till", "web", "app", "sensor"];
const GROUPS: [&str; 6] = ["billing", "shipping", "analytics", "fraud", "search", "audit"];
/// A broker's id when there is none yet.
const FIRST_BROKER: i32 = 101;

fn free(names: &[&str], taken: &[&str]) -> String {
    let first = names.iter().find(|name| !taken.contains(name)).map(|name| (*name).to_owned());
    first.unwrap_or_else(|| (2..).map(|n| format!("{}-{n}", names[0])).find(|name| !taken.contains(&name.as_str())).unwrap_or_default())
}

/// Text as one word of a line.
fn quoted(text: &str) -> String {
    Quoted(text).to_string()
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

impl Form {
    fn new(aim: Aim, fields: Vec<Field>) -> Form {
        Form { aim, fields, more: false, sent: 0, refused: None }
    }

    /// A form for somebody new; `onto`: what it was dropped on.
    pub fn add(tool: Tool, mirror: &Mirror, onto: Option<&Thing>) -> Form {
        let fields = match tool {
            Tool::Broker => new_brokers(mirror),
            Tool::Topic => new_topic(mirror),
            Tool::Producer => new_producers(mirror, onto),
            Tool::Group => new_group(mirror, onto),
        };
        Form::new(Aim::Add(tool), fields)
    }

    /// A form for what somebody is to be from now on; none where nothing can be set.
    pub fn set(of: &Thing, mirror: &Mirror, known: &Known) -> Option<Form> {
        Some(match of {
            Thing::Topic(name) => {
                let topic = mirror.topics.iter().find(|topic| topic.head.name == *name)?;
                let mut fields = vec![
                    Field::new("partitions", "Partitions", topic.partitions.len().to_string(), Input::Count(topic.partitions.len() as u32))
                        .about("Kafka adds partitions and takes none away"),
                ];
                let mut config = TopicConfig::default();
                for (key, value) in &topic.head.config {
                    // It is in force, so it was valid.
                    let _ = playground_core::config::Settings::set(&mut config, key, value);
                }
                fields.extend(settings(&config, &[]));
                raise(&mut fields, &["min.insync.replicas", "retention.ms"]);
                Form::new(Aim::Set(Tool::Topic, name.clone()), fields)
            }
            Thing::Group(name) => {
                let group = mirror.groups.iter().find(|group| group.name == *name)?;
                let spec = known.group(name);
                let config = spec.map(|spec| spec.config.clone()).unwrap_or_default();
                let topics = mirror.user_topics().map(|topic| topic.head.name.clone()).collect();
                let reads = spec.map_or_else(|| group.offsets.keys().cloned().collect(), |spec| spec.topics.clone());
                let mut fields = vec![
                    Field::new("members", "Members", group.members.len().to_string(), Input::Count(1)),
                    Field::new("topics", "Reads", reads.join(","), Input::AnyOf(topics)),
                    Field::new("process", "Time for a record", spec.map_or("0ms".into(), |spec| spec.process.written()), Input::Text),
                    commit(spec.map_or("auto", |spec| Known::commit(spec.commit))),
                ];
                fields.extend(settings(&config, &[]));
                Form::new(Aim::Set(Tool::Group, name.clone()), fields)
            }
            Thing::Fleet(name) | Thing::Client(name) => {
                let spec = known.producer(name)?;
                let whole = if matches!(of, Thing::Fleet(_)) { spec.name.clone() } else { name.clone() };
                let config = known.config(&whole, spec);
                let acks = playground_core::config::Settings::describe(&config)
                    .into_iter()
                    .find(|setting| setting.key == "acks")
                    .map(|setting| setting.value);
                let mut fields = vec![acks_field(acks.as_deref().unwrap_or("all"))];
                if whole.contains('{') {
                    fields.insert(0, Field::new("members", "Producers", spec.members.len().to_string(), Input::Count(1)));
                }
                fields.extend(settings(&config, &["acks"]));
                Form::new(Aim::Set(Tool::Producer, whole), fields)
            }
            _ => return None,
        })
    }

    pub fn rename(name: String) -> Form {
        let field = Field::new("name", "New name", name.as_str(), Input::Text);
        Form::new(Aim::Rename(name), vec![field])
    }

    /// As another of its kind, with the next free name.
    pub fn copy(of: &Thing, mirror: &Mirror, known: &Known) -> Option<Form> {
        let tool = match of {
            Thing::Broker(_) => Tool::Broker,
            Thing::Topic(_) => Tool::Topic,
            Thing::Fleet(_) | Thing::Client(_) => Tool::Producer,
            Thing::Group(_) => Tool::Group,
            _ => return None,
        };
        let mut form = Form::add(tool, mirror, None);
        let mut put = |key: &str, value: String| {
            for field in form.fields.iter_mut().filter(|field| field.key == key) {
                field.value.clone_from(&value);
            }
        };
        let model = Form::set(of, mirror, known);
        match of {
            Thing::Broker(id) => {
                put("count", "1".to_owned());
                put("rack", mirror.brokers.iter().find(|broker| broker.id == *id)?.rack.clone().unwrap_or_default());
            }
            Thing::Topic(name) => {
                put("replication-factor", mirror.topics.iter().find(|topic| topic.head.name == *name)?.head.replication_factor.to_string());
            }
            Thing::Fleet(name) | Thing::Client(name) => {
                let spec = known.producer(name)?;
                put("topic", spec.topic.clone());
                put("key", spec.key.as_ref().map_or("none".to_owned(), ToString::to_string));
                put("value", spec.value.to_string());
                put("count", spec.members.len().to_string());
                match spec.pace {
                    playground_core::scenario::Pace::Every(every) => put("every", every.written()),
                    playground_core::scenario::Pace::Rate(rate) => put("rate", rate.to_string()),
                }
            }
            _ => {}
        }
        for field in model.into_iter().flat_map(|model| model.fields) {
            put(field.key, field.value);
        }
        Some(form)
    }

    pub fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Field(nth, value) => {
                if let Some(field) = self.fields.get_mut(nth) {
                    field.value = value;
                }
                self.refused = None;
            }
            Edit::More => self.more = !self.more,
            Edit::Sent(lines) => self.sent = lines,
            _ => {}
        }
    }

    /// True when the last line was done.
    pub fn answered(&mut self, answer: &Result<String, String>) -> bool {
        if self.sent == 0 {
            return false;
        }
        match answer {
            Ok(_) => self.sent -= 1,
            Err(refusal) => (self.sent, self.refused) = (0, Some(refusal.clone())),
        }
        self.sent == 0 && self.refused.is_none()
    }

    fn value(&self, key: &str) -> &str {
        self.fields.iter().find(|field| field.key == key).map_or("", |field| field.value.trim())
    }

    /// ` key=value` of what was given or changed, but for the fields that the line has elsewhere.
    fn rest(&self, but: &[&str]) -> String {
        let said = self.fields.iter().filter(|field| !but.contains(&field.key) && !field.value.trim().is_empty());
        said.filter(|field| !field.further || field.changed())
            .map(|field| format!(" {}={}", field.key, quoted(field.value.trim())))
            .collect()
    }

    /// What the form says, as lines of shell. None of a form that changes nothing.
    pub fn lines(&self) -> Vec<String> {
        match &self.aim {
            Aim::Add(tool) => vec![self.addition(*tool)],
            Aim::Rename(old) if self.value("name") == old => Vec::new(),
            Aim::Rename(old) => vec![format!("rename {old} {}", quoted(self.value("name")))],
            Aim::Set(Tool::Topic, name) => self.topic_changes(name),
            Aim::Set(_, name) => {
                let changed = self.fields.iter().filter(|field| field.changed());
                changed.map(|field| format!("set {name} {}={}", field.key, quoted(field.value.trim()))).collect()
            }
        }
    }

    fn addition(&self, tool: Tool) -> String {
        let name = quoted(self.value("name"));
        match tool {
            Tool::Broker => {
                let (first, count) = (self.value("first"), self.value("count").parse().unwrap_or(0));
                let name = match first.parse::<i32>() {
                    Ok(id) if count != 1 => format!("{{{id}..{}}}", id.saturating_add(count - 1)),
                    _ => first.to_owned(),
                };
                format!("add broker {name}{}", self.rest(&["first", "count"]))
            }
            Tool::Topic => {
                let (partitions, factor) = (self.value("partitions"), self.value("replication-factor"));
                let config = self.fields.iter().filter(|field| field.further && !field.value.trim().is_empty());
                let config: String = config.map(|field| format!(" --config {}={}", field.key, quoted(field.value.trim()))).collect();
                format!("kafka-topics.sh --create --topic {name} --partitions {partitions} --replication-factor {factor}{config}")
            }
            Tool::Producer => {
                let many = self.value("count") != "1";
                let name =
                    if many { format!("{}-{{1..{}}}", self.value("name"), self.value("count")) } else { self.value("name").to_owned() };
                let every = if self.value("rate").is_empty() { format!(" every={}", quoted(self.value("every"))) } else { String::new() };
                let key = if self.value("key") == "none" { String::new() } else { format!(" key={}", quoted(self.value("key"))) };
                let acks = if self.value("acks") == "all" { "" } else { &format!(" acks={}", self.value("acks")) };
                format!(
                    "add producer {name} topic={}{key}{every}{acks}{}",
                    quoted(self.value("topic")),
                    self.rest(&["name", "count", "topic", "key", "every", "acks"])
                )
            }
            Tool::Group => {
                let plain = [("process", "0ms"), ("commit", "auto"), ("group.protocol", "classic"), ("auto.offset.reset", "latest")];
                let mut but: Vec<&str> = plain.iter().filter(|(key, usual)| self.value(key) == *usual).map(|(key, _)| *key).collect();
                but.extend(["name", "topics", "members"]);
                format!("add group {name} topics={} members={}{}", quoted(self.value("topics")), self.value("members"), self.rest(&but))
            }
        }
    }

    fn topic_changes(&self, name: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if self.fields.iter().any(|field| field.key == "partitions" && field.changed()) {
            lines.push(format!("kafka-topics.sh --alter --topic {name} --partitions {}", self.value("partitions")));
        }
        let given = |empty: bool| {
            let changed = self.fields.iter().filter(move |field| field.key != "partitions" && field.changed());
            changed.filter(move |field| field.value.trim().is_empty() == empty)
        };
        let add: Vec<String> = given(false).map(|field| format!("{}={}", field.key, field.value.trim())).collect();
        let delete: Vec<&str> = given(true).map(|field| field.key).collect();
        if !add.is_empty() || !delete.is_empty() {
            let option = |word: &str, list: String| if list.is_empty() { String::new() } else { format!(" {word} {list}") };
            let (add, delete) = (option("--add-config", add.join(",")), option("--delete-config", delete.join(",")));
            lines.push(format!("kafka-configs.sh --alter --entity-type topics --entity-name {name}{add}{delete}"));
        }
        lines
    }

    pub fn title(&self) -> String {
        match &self.aim {
            Aim::Add(Tool::Broker) => "Add brokers".to_owned(),
            Aim::Add(Tool::Topic) => "Add a topic".to_owned(),
            Aim::Add(Tool::Producer) => "Add producers".to_owned(),
            Aim::Add(Tool::Group) => "Add a consumer group".to_owned(),
            Aim::Set(_, name) => format!("Settings of {name}"),
            Aim::Rename(name) => format!("Rename {name}"),
        }
    }

    /// Whose settings it has, as the table of meanings calls them.
    fn scope(&self) -> &'static str {
        match &self.aim {
            Aim::Add(Tool::Group) | Aim::Set(Tool::Group, _) => "consumer",
            Aim::Add(tool) | Aim::Set(tool, _) => tool.word(),
            Aim::Rename(_) => "",
        }
    }

    fn why(&self) -> &'static str {
        match &self.aim {
            Aim::Add(Tool::Broker) => "A broker is a server that keeps records. With three, one may die.",
            Aim::Add(Tool::Topic) => {
                "A topic is a named stream of records, cut into partitions. Each partition has copies on several brokers."
            }
            Aim::Add(Tool::Producer) => "A producer writes records to a topic. A fleet is many of a kind.",
            Aim::Add(Tool::Group) => "An application: its members share the partitions, and keep one bookmark in each.",
            _ => "",
        }
    }
}

/// Shown without asking for more, right after what the form has already.
fn raise(fields: &mut Vec<Field>, keys: &[&str]) {
    let mut place = fields.iter().position(|field| field.further).unwrap_or(fields.len());
    for key in keys {
        if let Some(from) = fields.iter().position(|field| field.key == *key) {
            let field = fields.remove(from);
            fields.insert(place, Field { further: false, ..field });
            place += 1;
        }
    }
}

fn new_brokers(mirror: &Mirror) -> Vec<Field> {
    let last = mirror.brokers.iter().map(|broker| broker.id).max();
    vec![
        Field::new("count", "How many", if last.is_none() { "3" } else { "1" }, Input::Count(1)),
        Field::new("first", "First id", last.map_or(FIRST_BROKER, |id| id + 1).to_string(), Input::Count(1)).about("node.id"),
        Field::new("rack", "Rack", "", Input::Text).about("left empty: none · broker.rack keeps copies apart"),
    ]
}

fn new_topic(mirror: &Mirror) -> Vec<Field> {
    let taken: Vec<&str> = mirror.topics.iter().map(|topic| topic.head.name.as_str()).collect();
    let mut fields = vec![
        Field::new("name", "Name", free(&TOPICS, &taken), Input::Text),
        Field::new("partitions", "Partitions", "3", Input::Count(1)).about("as many members of a group can share the work"),
        Field::new("replication-factor", "Replication factor", mirror.brokers.len().clamp(1, 3).to_string(), Input::Count(1))
            .about("copies of each partition, each on a broker of its own"),
    ];
    fields.extend(settings(&TopicConfig::default(), &[]));
    fields
}

fn new_producers(mirror: &Mirror, onto: Option<&Thing>) -> Vec<Field> {
    let topics: Vec<String> = mirror.user_topics().map(|topic| topic.head.name.clone()).collect();
    let mut fields = vec![
        Field::new("name", "Name", free(&FLEETS, &thing::fleets(mirror)), Input::Text),
        Field::new("count", "How many", "5", Input::Count(1)),
        Field::new("topic", "Writes to", target(onto, &topics), Input::OneOf(topics)),
        Field::new("every", "A record every", "1s", Input::Text).about("each of them; 20ms, 1s, 5m"),
        Field::new("key", "Key", "{name}", Input::OneOf(names(&["{name}", "none", "{n}", "{pick:a|b|c}", "{zipf:100}"])))
            .about("records of one key lie in one partition, in order"),
        acks_field("all"),
        Field::new("rate", "Records a second", "", Input::Text).about("of each producer, instead of the time between two").further(),
        Field::new("value", "Value", "", Input::Text)
            .about("default {n}, the number of the record · {name} {lat} {lon} {ts} {pad:100}")
            .further(),
        Field::new("records", "Stops after", "", Input::Text).about("so many records; left empty: never").further(),
        Field::new("partition", "Partition", "", Input::Text).about("left empty: the partitioner chooses").further(),
    ];
    fields.extend(settings(&ProducerConfig::default(), &["acks"]));
    fields
}

fn new_group(mirror: &Mirror, onto: Option<&Thing>) -> Vec<Field> {
    let topics: Vec<String> = mirror.user_topics().map(|topic| topic.head.name.clone()).collect();
    let taken: Vec<&str> = mirror.groups.iter().map(|group| group.name.as_str()).collect();
    let mut fields = vec![
        Field::new("name", "Name", free(&GROUPS, &taken), Input::Text).about("group.id"),
        Field::new("members", "Members", "2", Input::Count(1)),
        Field::new("topics", "Reads", target(onto, &topics), Input::AnyOf(topics)),
        Field::new("auto.offset.reset", "Begins at", "earliest", Input::OneOf(names(&["earliest", "latest", "none"])))
            .about("auto.offset.reset, while it has no bookmark"),
        Field::new("process", "Time for a record", "0ms", Input::Text).about("what the application spends on one"),
        commit("auto"),
        Field::new("group.protocol", "Protocol", "classic", Input::OneOf(names(&["classic", "consumer"])))
            .about("consumer is the new one, KIP-848"),
    ];
    fields.extend(settings(&ConsumerConfig::default(), &["auto.offset.reset", "group.protocol"]));
    fields
}

fn acks_field(now: &str) -> Field {
    Field::new("acks", "Waits for", now, Input::OneOf(names(&["all", "1", "0"])))
        .about("acks: all in-sync copies, the leader alone, or nobody")
}

fn commit(now: &str) -> Field {
    Field::new("commit", "Commits", now, Input::OneOf(names(&["auto", "before", "after", "each"])))
        .about("auto: every 5 s; before or after the work; after each record")
}

/// The topic it was dropped on, else the newest.
fn target(onto: Option<&Thing>, topics: &[String]) -> String {
    match onto {
        Some(Thing::Topic(topic) | Thing::Partition(topic, _) | Thing::Record(topic, ..)) => topic.clone(),
        _ => topics.first().cloned().unwrap_or_default(),
    }
}

fn edit(edit: Edit) -> Click {
    Click::Edit(Box::new(Want::Edit(edit)))
}

pub fn view(page: &PageHandle, float: &Float, form: &Form, terms: Option<&Terms>) -> Html {
    let refusals: Vec<&str> = form.refused.as_deref().into_iter().chain(float.refusals.iter().flatten().map(String::as_str)).collect();
    let blamed = |field: &Field| refusals.iter().copied().find(|refusal| field.is_blamed(refusal));
    // One refusal stands beside one field: the first it speaks of; one that speaks of none stands below them all.
    let mut told: Vec<&str> = Vec::new();
    let rows: Vec<Html> = form
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| !field.further || form.more)
        .map(|(nth, field)| {
            let refusal = blamed(field).filter(|refusal| !told.contains(refusal));
            told.extend(refusal);
            field::view(page, nth, field, refusal, terms.and_then(|terms| terms.setting(form.scope(), field.key)))
        })
        .collect();
    let left: Vec<&str> = refusals.iter().copied().filter(|refusal| !told.contains(refusal)).collect();
    let further = form.fields.iter().any(|field| field.further);
    let lines = form.lines();
    let word = if matches!(form.aim, Aim::Add(_)) { "Add" } else { "Set" };
    let sent = page.clone();
    // All of its lines or none: while one would be refused, none is sent.
    let all = if refusals.is_empty() { lines.clone() } else { Vec::new() };
    let onsubmit = Callback::from(move |event: SubmitEvent| {
        event.prevent_default();
        sent.click(Click::Edit(Box::new(if all.is_empty() { Want::Nothing } else { Want::Lines(all.clone()) })));
    });
    html! {
        <form key="form" class="form" aria-label={form.title()} {onsubmit}>
            <h2 key="title" class="form__title">{ form.title() }</h2>
            <p key="why" class="form__why" hidden={form.why().is_empty()}>{ form.why() }</p>
            <div key="fields" class="form__fields">{ for rows }</div>
            <button key="more" type="button" class="button button--quiet form__more" hidden={!further} aria-expanded={crate::app::words::yes(form.more)}
                onclick={page.on(edit(Edit::More))}>{ if form.more { "Fewer settings" } else { "More settings" } }</button>
            <p key="left" class="form__refused" role="alert" hidden={left.is_empty()}>{ left.join(" ") }</p>
            <div key="lines" class="form__lines">
                { for lines.iter().map(|line| html! { <code key={line.clone()} class="form__line"><span class="command__prompt" aria-hidden="true">{ "$ " }</span>{ line.clone() }</code> }) }
                <p key="none" class="form__line" hidden={!lines.is_empty()}>{ "Nothing is changed yet." }</p>
            </div>
            <div key="foot" class="form__foot">
                <button key="do" type="submit" class="button button--accent" disabled={lines.is_empty() || form.sent > 0}>{ word }</button>
                <button key="copy" type="button" class="button button--quiet" onclick={page.on(Click::CopyLine(lines.join("\n")))}>{ "Copy" }</button>
                <button key="close" type="button" class="button button--quiet" onclick={page.on(edit(Edit::Close))}>{ "Cancel" }</button>
            </div>
        </form>
    }
}
