//! Cluster view: brokers as boxes, by rack, each with the copies its disk holds; below them the controllers.

use crate::app::model::{Mirror, Shared, Snapshot};
use crate::app::page::{Click, PageHandle};
use crate::app::stage::brokers::{face, state_class};
use crate::app::stage::geometry::broker_at;
use crate::app::stage::is_selected;
use crate::app::stage::replica_row::ReplicaRow;
use crate::app::stage::topic::chosen;
use crate::app::ui_state::Inspect;
use crate::app::words;
use playground_core::view::{BrokerView, Subject};
use yew::prelude::*;

pub fn boxes(page: &PageHandle, shot: &Snapshot, selected: Option<&Subject>) -> Html {
    let racks = racks(&shot.mirror.brokers);
    html! {
        <section key="boxes" class="boxes" aria-label="Brokers" data-at="boxes">
            { for racks.into_iter().map(|(rack, brokers)| html! {
                <div key={format!("rack-{}", rack.unwrap_or_default())} class={classes!("rack", rack.map(|_| "rack--named"))} role="group"
                    aria-label={rack.map(|rack| format!("Rack {rack}"))}>
                    <h3 key="name" class="rack__name" hidden={rack.is_none()}>{ "Rack " }<b>{ rack.unwrap_or_default() }</b></h3>
                    <div key="boxes" class="rack__boxes">{ for brokers.into_iter().map(|broker| broker_box(page, shot, broker, selected)) }</div>
                </div>
            }) }
            { controllers(page, &shot.mirror) }
        </section>
    }
}

type Rack<'m> = (Option<&'m str>, Vec<&'m Shared<BrokerView>>);

/// Brokers by rack, in the order in which racks first come; without racks all in one group.
fn racks(brokers: &[Shared<BrokerView>]) -> Vec<Rack<'_>> {
    let mut racks: Vec<Rack<'_>> = Vec::new();
    for broker in brokers {
        let rack = broker.rack.as_deref();
        match racks.iter_mut().find(|(name, _)| *name == rack) {
            Some((_, brokers)) => brokers.push(broker),
            None => racks.push((rack, vec![broker])),
        }
    }
    racks
}

fn broker_box(page: &PageHandle, shot: &Snapshot, broker: &BrokerView, selected: Option<&Subject>) -> Html {
    let (mirror, id) = (&shot.mirror, broker.id);
    let picked = is_selected(selected, &Subject::Broker(id));
    let class = classes!("box", state_class(broker.state), picked.then_some("is-selected"));
    let many = mirror.user_topics().count() > 1;
    html! {
        <article key={id} {class} data-at={broker_at(id)} aria-label={format!("Broker {id}")}>
            <div key="head" class="box__head">{ face(page, mirror, broker, picked) }</div>
            { for mirror.user_topics().map(|topic| {
                let name = &topic.head.name;
                let held = topic.partitions.iter().filter(|partition| partition.replicas.contains(&id));
                html! {
                    <div key={format!("topic-{name}")} class="box__topic">
                        <h4 key="name" class="box__name" title={name.clone()} hidden={!many}>{ name.clone() }</h4>
                        { for held.map(|partition| html! {
                            <ReplicaRow key={partition.partition} page={page.clone()} topic={name.clone()} partition={partition.clone()} broker={id}
                                end={shot.copy_end(name, partition, id)} newest={shot.shown_end(name, partition)} keys={shot.keys.clone()}
                                chosen={chosen(selected, name, partition.partition)} />
                        }) }
                    </div>
                }
            }) }
            <p key="size" class="box__size">{ format!("{} on disk", words::bytes(broker.log_bytes)) }</p>
        </article>
    }
}

/// The quorum, where it is made of processes of its own.
fn controllers(page: &PageHandle, mirror: &Mirror) -> Html {
    let quorum = &mirror.controllers;
    let apart = quorum.voters.iter().filter(|id| !mirror.brokers.iter().any(|broker| broker.id == **id));
    let leader = if quorum.zookeeper { quorum.ensemble_leader } else { quorum.leader };
    let one = |id: &i32| {
        let (leads, alive) = (leader == Some(*id), quorum.alive.contains(id));
        let state = match (alive, leads, quorum.zookeeper) {
            (false, ..) => "✕ down",
            (_, true, true) => "leads the ensemble",
            (_, true, false) => "active controller",
            _ => "follows",
        };
        html! {
            <button key={*id} type="button" class={classes!("voter", (!alive).then_some("voter--down"))} data-at={broker_at(*id)}
                onclick={page.on(Click::Inspect(Inspect::Controllers))}>
                <span key="hex" class={classes!("hexagon", (!leads).then_some("hexagon--standby"))} aria-hidden="true">{ if quorum.zookeeper { "Z" } else { "C" } }</span>
                <b key="id" class="voter__id">{ *id }</b>
                <span key="state" class="voter__state">{ state }</span>
            </button>
        }
    };
    html! {
        <div key="voters" class="voters-row" role="group" aria-label={if quorum.zookeeper { "ZooKeeper" } else { "Controllers" }}>{ for apart.map(one) }</div>
    }
}
