//! Runs to open: each a question about Kafka, and a cluster that answers it. Their files lie beside the page and are fetched
//! when one is opened.

use crate::app::inspector::title;
use crate::app::model::{Keeping, Snapshot};
use crate::app::page::{Click, PageHandle};
use yew::prelude::*;

/// File, question, what to watch.
type Book = (&'static str, &'static str, &'static str);

pub const SHELF: [(&str, &[Book]); 1] = [(
    "Brokers come and go",
    &[("kill_102", "Broker 102 crashes and returns", "Its partitions get other leaders after 9 s; nothing promised is lost.")],
)];

pub fn scenarios(page: &PageHandle, shot: &Snapshot) -> Html {
    let own = shot.keeping != Keeping::Preview;
    html! {
        <div key="scenarios" class="panel">
            { title("Scenarios", "open beside your own run, which stays as it is") }
            <button key="own" type="button" class="button" hidden={own} onclick={page.on(Click::OwnRun)}>{ "Back to your own run" }</button>
            { for SHELF.iter().map(|(head, books)| html! {
                <div key={*head} class="panel__section">
                    <h3 key="head" class="panel__head">{ *head }</h3>
                    <ol key="books" class="why__chain">
                        { for books.iter().map(|(file, name, words)| html! {
                            <li key={*file}>
                                <button type="button" class="why__link" onclick={page.on(Click::Scenario(file))}>
                                    <b key="name">{ *name }</b><span key="words" class="why__because">{ *words }</span>
                                </button>
                            </li>
                        }) }
                    </ol>
                </div>
            }) }
        </div>
    }
}
