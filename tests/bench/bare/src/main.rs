//! One heading, and nothing that is not Yew's own.

use yew::prelude::*;

#[component]
fn Bare() -> Html {
    html! { <h1>{ "Bare" }</h1> }
}

fn main() {
    yew::Renderer::<Bare>::new().render();
}
