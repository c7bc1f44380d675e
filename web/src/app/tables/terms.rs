//! What words and settings mean: fetched once, shown where the word stands.

use crate::app::icons::Icon;
use crate::app::page::PageHandle;
use crate::app::share;
use crate::app::tables::act;
use crate::app::tables::desk::{Desk, DeskAct};
use crate::app::ui_state::Act;
use crate::app::widgets::icon_button;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

/// A word and what it means.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub word: String,
    /// Other words for it, in other people's texts and in the heads of tables.
    pub aliases: String,
    pub meaning: String,
}

#[derive(Debug, PartialEq)]
struct All {
    terms: Vec<Term>,
    /// Scope and key, and the meaning.
    settings: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Terms(Rc<All>);

impl Terms {
    fn read(terms: &str, settings: &str) -> Terms {
        let term = |line: &str| {
            let mut columns = line.split('\t').map(str::to_owned);
            Some(Term { word: columns.next()?, aliases: columns.next()?, meaning: columns.next()? })
        };
        let setting = |line: &str| line.rsplit_once('\t').map(|(key, meaning)| (key.to_owned(), meaning.to_owned()));
        Terms(Rc::new(All { terms: terms.lines().filter_map(term).collect(), settings: settings.lines().filter_map(setting).collect() }))
    }

    pub fn term(&self, word: &str) -> Option<&Term> {
        if word.is_empty() {
            return None;
        }
        let same =
            |term: &&Term| term.word.eq_ignore_ascii_case(word) || term.aliases.split(", ").any(|alias| alias.eq_ignore_ascii_case(word));
        self.0.terms.iter().find(same)
    }

    pub fn setting(&self, scope: &str, key: &str) -> Option<&str> {
        let wanted = format!("{scope}\t{key}");
        self.0.settings.iter().find(|(key, _)| *key == wanted).map(|(_, meaning)| meaning.as_str())
    }

    /// What a word means, be it a term or the key of a setting, and what else it is called.
    fn explained(&self, word: &str) -> Option<(String, String)> {
        if let Some(term) = self.term(word) {
            let also = if term.aliases.is_empty() { String::new() } else { format!("Also {}", term.aliases) };
            return Some((also, term.meaning.clone()));
        }
        let (key, meaning) = self.0.settings.iter().find(|(key, _)| key.split_once('\t').is_some_and(|(_, key)| key == word))?;
        Some((format!("A setting, {}", key.split('\t').next().unwrap_or_default()), meaning.clone()))
    }
}

thread_local! {
    static FETCHED: Cell<bool> = const { Cell::new(false) };
}

/// Fetches them, once.
pub fn fetch(page: &PageHandle) {
    if FETCHED.replace(true) {
        return;
    }
    let page = page.clone();
    spawn_local(async move {
        let terms = share::fetch("words/terms.tsv").await.unwrap_or_default();
        let settings = share::fetch("words/settings.tsv").await.unwrap_or_default();
        page.act(Act::Desk(DeskAct::Terms(Terms::read(&terms, &settings))));
    });
}

/// Words that are explained by a click.
#[inline(never)]
pub fn words(page: &PageHandle, words: &[&str]) -> Html {
    html! {
        <p key="words" class="terms" hidden={words.is_empty()}>
            <span class="terms__head">{ "Words here" }</span>
            { for words.iter().map(|word| html! {
                <button key={(*word).to_owned()} type="button" class="term" onclick={act(page, DeskAct::Term(Some((*word).to_owned())))}>{ (*word).to_owned() }</button>
            }) }
        </p>
    }
}

/// The settings a rule names.
#[inline(never)]
pub fn settings(page: &PageHandle, rule: &str) -> Html {
    let key = |word: &&str| word.contains('.') && word.chars().all(|c| c.is_ascii_lowercase() || c == '.');
    let mut keys: Vec<&str> = rule.split([' ', '=', ',', ';', ':', ')', '(']).map(|word| word.trim_end_matches('.')).filter(key).collect();
    keys.dedup();
    words(page, &keys)
}

/// The word that was asked for.
#[inline(never)]
pub fn card(page: &PageHandle, desk: &Desk) -> Html {
    let word = desk.term.clone().unwrap_or_default();
    let (also, meaning) = desk.terms.as_ref().and_then(|terms| terms.explained(&word)).unwrap_or_default();
    html! {
        <div key="card" class="term-card" role="status" hidden={meaning.is_empty()}>
            <div key="text">
                <b key="word">{ word }</b>
                <span key="also" class="term-card__also">{ also }</span>
                <p key="meaning">{ meaning }</p>
            </div>
            { icon_button("close", Icon::Close, "Close", "button--quiet", act(page, DeskAct::Term(None))) }
        </div>
    }
}
