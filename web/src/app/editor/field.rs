//! One field of a form: what it is called in the line, what it means, and how it is filled in.

use crate::app::editor::{Edit, Want};
use crate::app::page::{Click, PageHandle};
use playground_core::config::{Described, Settings};
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its word in the line: `partitions`, `acks`, `linger.ms`.
    pub key: &'static str,
    pub label: &'static str,
    pub value: String,
    /// As it was when the form opened: only what differs is said where a thing is changed.
    pub start: String,
    pub input: Input,
    /// What the unit is, or what stands there when it is left empty.
    pub about: String,
    /// Shown under "More settings".
    pub further: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Text,
    /// A whole number, by steps, not below this.
    Count(u32),
    OneOf(Vec<String>),
    /// Any of them, commas between.
    AnyOf(Vec<String>),
}

impl Field {
    pub fn new(key: &'static str, label: &'static str, value: impl Into<String>, input: Input) -> Field {
        let value = value.into();
        Field { key, label, start: value.clone(), value, input, about: String::new(), further: false }
    }

    pub fn about(self, about: &str) -> Field {
        Field { about: about.to_owned(), ..self }
    }

    pub fn further(self) -> Field {
        Field { further: true, ..self }
    }

    pub fn changed(&self) -> bool {
        self.value != self.start
    }

    /// Does a refusal speak of this field? By Kafka's word for it, or by its value.
    pub fn is_blamed(&self, refusal: &str) -> bool {
        let said = refusal.to_lowercase();
        let word = match self.key {
            "replication-factor" => "replication factor",
            "min.insync.replicas" => "min.insync",
            "name" => return said.contains("name") || said.contains("already") || said.contains("exist"),
            key => key,
        };
        said.contains(word) || said.contains(&self.key.replace('-', "_")) || (self.value.len() > 2 && refusal.contains(&self.value))
    }
}

/// Every setting the engine models, empty until somebody gives one: its default and range stand beside it.
pub fn settings<C: Settings>(config: &C, but: &[&str]) -> Vec<Field> {
    let given = config.given();
    let all = config.describe().into_iter().filter(|setting| !but.contains(&setting.key));
    let field = |setting: Described| {
        let value = given.get(setting.key).cloned().unwrap_or_default();
        Field::new(setting.key, setting.key, value, Input::Text).about(&told(&setting)).further()
    };
    all.map(field).collect()
}

/// `default 16384 bytes · 0 or more`, and what it means where that is known. Kafka's largest number is no limit at all.
fn told(setting: &Described) -> String {
    let unit = if setting.unit.is_empty() { String::new() } else { format!(" {}", setting.unit) };
    let default = if setting.default == i64::MAX.to_string() { "no limit".to_owned() } else { format!("{}{unit}", setting.default) };
    let valid = setting.valid.replace(&format!(" to {}", i64::MAX), " or more");
    let parts = [format!("default {default}"), valid.trim_end_matches([',', ' ']).to_owned(), setting.meaning.to_owned()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// `nth`: the field's place in its form. `refusal`: why the engine would refuse it. `meaning`: of the setting, once that is known.
pub fn view(page: &PageHandle, nth: usize, field: &Field, refusal: Option<&str>, meaning: Option<&str>) -> Html {
    let id = format!("field-{}", field.key);
    let note = format!("{id}-note");
    let about = || meaning.map_or(field.about.clone(), |meaning| format!("{meaning} {}", field.about));
    let (bad, text) = refusal.map_or_else(|| (false, about()), |refusal| (true, refusal.to_owned()));
    let class = classes!("field", bad.then_some("field--bad"), field.further.then_some("field--further"));
    html! {
        <div key={field.key} {class}>
            <label key="label" class="field__label" for={id.clone()}>{ field.label }</label>
            <div key="input" class="field__input">{ input(page, nth, field, &id, &note, bad) }</div>
            <p key="note" id={note} class="field__note" role={bad.then_some("alert")} hidden={text.is_empty()}>{ text.clone() }</p>
        </div>
    }
}

fn set(page: &PageHandle, nth: usize, value: String) {
    page.click(Click::Edit(Box::new(Want::Edit(Edit::Field(nth, value)))));
}

fn input(page: &PageHandle, nth: usize, field: &Field, id: &str, note: &str, bad: bool) -> Html {
    let (id, note) = (id.to_owned(), note.to_owned());
    let value = field.value.clone();
    let typed = page.clone();
    let oninput = Callback::from(move |event: InputEvent| {
        if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
            set(&typed, nth, input.value());
        }
    });
    let invalid = bad.then_some("true");
    match &field.input {
        Input::Text => html! {
            <input {id} class="field__text" {value} {oninput} aria-describedby={note} aria-invalid={invalid} autocomplete="off" autocapitalize="off" spellcheck="false" />
        },
        Input::Count(least) => {
            let now: u32 = field.value.parse().unwrap_or(*least);
            let step = |word: &'static str, to: u32, dead: bool| {
                let page = page.clone();
                let label = format!("{word} {}", field.label.to_lowercase());
                let onclick = Callback::from(move |_: MouseEvent| set(&page, nth, to.to_string()));
                html! { <button key={word} type="button" class="field__step" aria-label={label} disabled={dead} {onclick}>{ if word == "Fewer" { "−" } else { "+" } }</button> }
            };
            html! {
                <>
                    { step("Fewer", now.saturating_sub(1).max(*least), now <= *least) }
                    <input key="n" {id} class="field__text field__number" inputmode="numeric" {value} {oninput} aria-describedby={note} aria-invalid={invalid} autocomplete="off" />
                    { step("More", now.saturating_add(1), false) }
                </>
            }
        }
        Input::OneOf(all) => {
            let chosen = page.clone();
            let onchange = Callback::from(move |event: Event| {
                if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
                    set(&chosen, nth, select.value());
                }
            });
            html! {
                <select {id} class="field__text" {onchange} aria-describedby={note} aria-invalid={invalid}>
                    { for all.iter().map(|one| html! { <option key={one.clone()} value={one.clone()} selected={*one == field.value}>{ one.clone() }</option> }) }
                </select>
            }
        }
        Input::AnyOf(all) => html! {
            <span {id} class="field__any" role="group" aria-label={field.label} aria-describedby={note}>
                { for all.iter().map(|one| {
                    let (page, with) = (page.clone(), toggled(&field.value, one));
                    let on = parts(&field.value).any(|part| part == one);
                    let onclick = Callback::from(move |_: MouseEvent| set(&page, nth, with.clone()));
                    html! { <button key={one.clone()} type="button" class="field__one" aria-pressed={crate::app::words::yes(on)} {onclick}>{ one.clone() }</button> }
                }) }
            </span>
        },
    }
}

pub fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').filter(|part| !part.is_empty())
}

/// The list with one more, or one less.
fn toggled(list: &str, one: &str) -> String {
    let has = parts(list).any(|part| part == one);
    let kept = parts(list).filter(|part| *part != one);
    kept.chain((!has).then_some(one)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_put_in_and_taken_out() {
        assert_eq!([toggled("", "a"), toggled("a", "b"), toggled("a,b", "a")], ["a", "a,b", "b"]);
    }

    #[test]
    fn a_refusal_stands_by_the_field_it_speaks_of() {
        let field = |key, value: &str| Field::new(key, "", value, Input::Text);
        let refusal = "InvalidReplicationFactorException: Unable to replicate the partition 3 time(s): Replication factor: 3 larger than available brokers: 2.";
        assert!(field("replication-factor", "3").is_blamed(refusal));
        assert!(!field("partitions", "4").is_blamed("Topic 'orders' already exists."));
        assert!(field("name", "orders").is_blamed("Topic 'orders' already exists."));
    }
}
