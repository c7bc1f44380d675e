//! Where can I go: the places there are.

use crate::app::icons::{Glyphic, Icon};
use crate::app::page::PageHandle;
use crate::app::ui_state::{Act, Place};
use yew::prelude::*;

const PLACES: [(Place, Icon, &str); 2] = [(Place::Stage, Icon::Stage, "Stage"), (Place::Events, Icon::Events, "Events")];

#[derive(Properties, PartialEq)]
pub struct RailProps {
    pub page: PageHandle,
    pub place: Place,
}

#[component]
pub fn Rail(props: &RailProps) -> Html {
    let help = props.page.clone();
    html! {
        <nav class="rail" aria-label="Places">
            { for PLACES.iter().map(|(place, icon, name)| {
                let (page, go, here) = (props.page.clone(), *place, *place == props.place);
                html! {
                    <button key={*name} type="button" class={classes!("rail__place", here.then_some("rail__place--here"))} aria-current={here.then_some("page")}
                        onclick={move |_| page.act(Act::Go(go))}>
                        <Glyphic key="icon" icon={*icon} /><span key="name">{ *name }</span>
                    </button>
                }
            }) }
            <button key="help" type="button" class="rail__place rail__help" onclick={move |_| help.act(Act::Help(true))}>
                <Glyphic key="icon" icon={Icon::Help} /><span key="name">{ "Help" }</span>
            </button>
        </nav>
    }
}
