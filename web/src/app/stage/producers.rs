//! The left side: who writes, how often, and with which key.

use crate::app::keys::Keys;
use crate::app::model::Shared;
use crate::app::page::PageHandle;
use crate::app::stage::geometry::client_at;
use crate::app::stage::is_selected;
use crate::app::widgets::KeyGlyph;
use crate::app::words;
use playground_core::view::{ClientKind, ClientView, Subject};
use yew::prelude::*;

/// Producers drawn one by one; the rest are counted.
const PILLS: usize = 40;

#[derive(Properties, PartialEq)]
pub struct ProducersProps {
    pub page: PageHandle,
    pub clients: Vec<Shared<ClientView>>,
    pub keys: Shared<Keys>,
    pub selected: Option<Subject>,
}

#[component]
pub fn Producers(props: &ProducersProps) -> Html {
    let producers: Vec<&Shared<ClientView>> = props.clients.iter().filter(|client| client.kind == ClientKind::Producer).collect();
    let names: Vec<&str> = producers.iter().map(|client| client.name.as_str()).collect();
    let prefix = words::common_prefix(&names).len();
    let more = producers.len().saturating_sub(PILLS);
    html! {
        <section class="producers" aria-label="Producers">
            <div key="head" class="column-head">
                <h2 key="name" class="column-head__name">{ "Producers" }</h2>
                <p key="what" class="column-head__what">{ about(&producers) }</p>
            </div>
            <div key="pills" class="producers__pills">
                { for producers.iter().take(PILLS).map(|client| html! {
                    <ProducerPill key={client.name.clone()} page={props.page.clone()} client={(*client).clone()} keys={props.keys.clone()} {prefix}
                        selected={is_selected(props.selected.as_ref(), &Subject::Client(client.name.clone()))} />
                }) }
                <span key="more" class="producers__more" data-at="producers:more" hidden={more == 0}>{ format!("+{more} more") }</span>
            </div>
        </section>
    }
}

/// `20 trucks · every 20 s`, where the fleet shares a name and a pace.
fn about(producers: &[&Shared<ClientView>]) -> String {
    let names: Vec<&str> = producers.iter().map(|client| client.name.as_str()).collect();
    let fleet = words::common_prefix(&names).trim_end_matches('-');
    let n = producers.len() as u64;
    let who = if fleet.is_empty() { words::plural(n, "producer") } else { words::plural(n, fleet) };
    let mut paces: Vec<Option<u64>> = producers.iter().map(|client| client.interval_us).collect();
    paces.dedup();
    match paces.as_slice() {
        [Some(us)] if *us > 0 => format!("{who} · every {}", words::interval(*us)),
        _ => who,
    }
}

#[derive(Properties, PartialEq)]
struct PillProps {
    page: PageHandle,
    client: Shared<ClientView>,
    keys: Shared<Keys>,
    /// Length of the name's part that all share; narrow pages leave it out.
    prefix: usize,
    selected: bool,
}

#[component]
fn ProducerPill(props: &PillProps) -> Html {
    let client = &props.client;
    let (page, subject) = (props.page.clone(), Subject::Client(client.name.clone()));
    let trouble = client.failed > 0;
    let class = classes!("pill", props.selected.then_some("is-selected"), trouble.then_some("pill--trouble"));
    let label = format!("{}: {} sent, {} promised{}", client.name, client.sent, client.acked, if trouble { ", some failed" } else { "" });
    let (shared, own) = client.name.split_at(props.prefix);
    html! {
        <button type="button" {class} data-at={client_at(&client.name)} aria-label={label} aria-pressed={props.selected.to_string()}
            onclick={move |_| page.select(subject.clone())}>
            <KeyGlyph key="key" mark={props.keys.mark(client.key.as_deref())} />
            <span key="name" class="pill__name"><span key="shared" class="pill__shared">{ shared.to_owned() }</span>{ own.to_owned() }</span>
        </button>
    }
}
