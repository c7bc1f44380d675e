//! The stage in words, for people who do not see it: topics, partitions, groups, with the picture's own names.

use crate::app::model::Mirror;
use crate::app::stage::groups::lag;
use crate::app::words;
use yew::prelude::*;

pub fn outline(mirror: &Mirror) -> Html {
    html! {
        <div key="outline" class="visually-hidden">
            <h2 key="title">{ "The cluster in words" }</h2>
            <ul key="list">
                { for mirror.user_topics().map(|topic| html! {
                    <li key={format!("topic-{}", topic.head.name)}>
                        <span key="name">{ format!("Topic {}, {}", topic.head.name, words::plural(topic.partitions.len() as u64, "partition")) }</span>
                        <ul key="partitions">
                            { for topic.partitions.iter().map(|p| html! {
                                <li key={p.partition}>{ format!(
                                    "Partition {}: {}, {}",
                                    p.partition,
                                    words::plural(p.log_end - p.log_start, "record"),
                                    p.leader.map_or("no leader".to_owned(), |id| format!("leader {id}")),
                                ) }</li>
                            }) }
                        </ul>
                    </li>
                }) }
                { for mirror.groups.iter().map(|group| html! {
                    <li key={format!("group-{}", group.name)}>{ format!(
                        "Group {}: {}, {}, lag {}",
                        group.name,
                        group.state,
                        words::plural(group.members.len() as u64, "member"),
                        lag(group).map_or("unknown before the first commit".to_owned(), words::count),
                    ) }</li>
                }) }
            </ul>
        </div>
    }
}
