//! The left side: who writes, how often, and with which key.

use crate::app::keys::Keys;
use crate::app::model::{Shared, Snapshot};
use crate::app::page::PageHandle;
use crate::app::stage::geometry::client_at;
use crate::app::stage::is_selected;
use crate::app::widgets::{dots, key_glyph};
use crate::app::words;
use playground_core::time::SimDuration;
use playground_core::view::{ClientKind, ClientView, Subject};
use yew::prelude::*;

/// Producers drawn one by one, of a small cluster and of a large one; the rest are counted.
const PILLS: [usize; 2] = [40, 16];

pub fn producers(page: &PageHandle, shot: &Snapshot, selected: Option<&Subject>) -> Html {
    let producers: Vec<&Shared<ClientView>> = shot.mirror.clients.iter().filter(|client| client.kind == ClientKind::Producer).collect();
    let names: Vec<&str> = producers.iter().map(|client| client.name.as_str()).collect();
    let prefix = words::common_prefix(&names).len();
    let most = PILLS[usize::from(shot.mirror.is_large())];
    let more = producers.len().saturating_sub(most);
    html! {
        <section key="producers" class="producers" aria-label="Producers" data-at={names.first().map(|name| format!("fleet:{}", fleet(name)))}>
            <div key="head" class="column-head">
                <h2 key="name" class="column-head__name">{ "Producers" }</h2>
                <p key="what" class="column-head__what">{ about(&producers) }</p>
                { if producers.is_empty() { html! {} } else { dots(page, "the producers") } }
            </div>
            <div key="pills" class="producers__pills">
                { for producers.iter().take(most).map(|client| pill(page, client, &shot.keys, prefix, selected)) }
                <span key="more" class="producers__more" data-at="producers:more" hidden={more == 0}>{ format!("+{more} more") }</span>
            </div>
        </section>
    }
}

/// The fleet a producer belongs to: its name without its number.
pub fn fleet(client: &str) -> &str {
    match client.rsplit_once('-') {
        Some((fleet, number)) if !fleet.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => fleet,
        _ => client,
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
        [Some(us)] if *us > 0 => format!("{who} · every {}", SimDuration(*us)),
        _ => who,
    }
}

/// `prefix` is the length of the name's part that all share; narrow pages leave it out.
fn pill(page: &PageHandle, client: &ClientView, keys: &Keys, prefix: usize, selected: Option<&Subject>) -> Html {
    let subject = Subject::Client(client.name.clone());
    let selected = is_selected(selected, &subject);
    let trouble = client.failed > 0;
    let class = classes!("pill", selected.then_some("is-selected"), trouble.then_some("pill--trouble"));
    let label = format!("{}: {} sent, {} promised{}", client.name, client.sent, client.acked, if trouble { ", some failed" } else { "" });
    let (shared, own) = client.name.split_at(prefix);
    html! {
        <button key={client.name.clone()} type="button" {class} data-at={client_at(&client.name)} aria-label={label} aria-pressed={words::yes(selected)}
            onclick={page.on_select(subject)}>
            { key_glyph(keys.mark(client.key.as_deref())) }
            <span key="name" class="pill__name"><span key="shared" class="pill__shared">{ shared.to_owned() }</span>{ own.to_owned() }</span>
        </button>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_is_a_name_without_its_number() {
        assert_eq!([fleet("shop-12"), fleet("shop"), fleet("web-shop-1"), fleet("a-b")], ["shop", "shop", "web-shop", "a-b"]);
    }
}
