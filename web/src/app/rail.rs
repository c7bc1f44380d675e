//! Where can I go: the places there are.

use crate::app::icons::{Icon, icon};
use crate::app::page::{Click, PageHandle};
use crate::app::ui_state::{Act, Inspect, Place};
use crate::app::words;
use yew::prelude::*;

const PLACES: [(Place, Icon, &str); 8] = [
    (Place::Stage, Icon::Stage, "Stage"),
    (Place::Overview, Icon::Overview, "Overview"),
    (Place::Brokers, Icon::Brokers, "Brokers"),
    (Place::Topics, Icon::Topics, "Topics"),
    (Place::Groups, Icon::Groups, "Groups"),
    (Place::Events, Icon::Events, "Events"),
    (Place::Charts, Icon::Charts, "Charts"),
    (Place::Terminal, Icon::Terminal, "Terminal"),
];

pub fn rail(page: &PageHandle, now: Place, building: bool) -> Html {
    html! {
        <nav key="rail" class="rail" aria-label="Places">
            { for PLACES.iter().map(|(place, picture, name)| {
                let here = *place == now;
                html! {
                    <button key={*name} type="button" class={classes!("rail__place", here.then_some("rail__place--here"))} aria-current={here.then_some("page")}
                        onclick={page.on(Click::Act(Act::Go(*place)))}>
                        { icon(*picture) }<span key="name">{ *name }</span>
                    </button>
                }
            }) }
            <button key="build" type="button" class={classes!("rail__place", building.then_some("rail__place--here"))} aria-pressed={words::yes(building)} aria-keyshortcuts="b"
                onclick={page.on(Click::Build)}>
                { icon(Icon::Plus) }<span key="name">{ "Build" }</span>
            </button>
            <button key="scenarios" type="button" class="rail__place" onclick={page.on(Click::Inspect(Inspect::Scenarios))}>
                { icon(Icon::Book) }<span key="name">{ "Scenarios" }</span>
            </button>
            <button key="help" type="button" class="rail__place rail__help" onclick={page.on(Click::Act(Act::Help(true)))}>
                { icon(Icon::Help) }<span key="name">{ "Help" }</span>
            </button>
        </nav>
    }
}
