//! The right side: groups of readers, what each member owns, how far behind the group is, and what it shows its users.

use crate::app::keys::Keys;
use crate::app::model::Shared;
use crate::app::page::PageHandle;
use crate::app::stage::geometry::client_at;
use crate::app::stage::is_selected;
use crate::app::stage::map::{Tracks, TruckMap};
use crate::app::widgets::KeyGlyph;
use crate::app::words;
use playground_core::view::{DeliveredView, GroupView, MemberView, Subject};
use yew::prelude::*;

/// Newest processed records a group lists.
const FEED: usize = 4;

/// Words that say nothing about one group among others.
const PLAIN: [&str; 5] = ["service", "group", "consumer", "app", "readers"];

/// A letter for each group: of the last word of its name that says something, or one that no group before has.
pub fn letters(names: &[&str]) -> Vec<char> {
    let mut taken = Vec::new();
    for name in names {
        let words = name.split(['-', '_', '.']).rev().filter(|word| !PLAIN.contains(word));
        let initials = words.filter_map(|word| word.chars().next());
        let candidates = initials.chain(name.chars()).map(|c| c.to_ascii_uppercase()).chain('A'..='Z');
        let letter = candidates.filter(char::is_ascii_alphabetic).find(|c| !taken.contains(c)).unwrap_or('?');
        taken.push(letter);
    }
    taken
}

#[derive(Properties, PartialEq)]
pub struct GroupsProps {
    pub page: PageHandle,
    pub groups: Vec<Shared<GroupView>>,
    pub keys: Shared<Keys>,
    pub tracks: Shared<Tracks>,
    pub selected: Option<Subject>,
}

#[component]
pub fn Groups(props: &GroupsProps) -> Html {
    let names: Vec<&str> = props.groups.iter().map(|group| group.name.as_str()).collect();
    let mapped = props.tracks.mapped(names.iter().copied()).map(str::to_owned);
    let letters = letters(&names);
    html! {
        <section class="groups" aria-label="Consumer groups">
            <div key="head" class="column-head">
                <h2 key="name" class="column-head__name">{ "Consumer groups" }</h2>
                <p key="what" class="column-head__what">{ "each keeps its own bookmarks" }</p>
            </div>
            { for props.groups.iter().zip(&letters).enumerate().map(|(i, (group, letter))| html! {
                <Group key={group.name.clone()} page={props.page.clone()} group={group.clone()} letter={*letter} nth={i as u8} keys={props.keys.clone()}
                    tracks={(mapped.as_deref() == Some(&group.name)).then(|| props.tracks.clone())}
                    selected={is_selected(props.selected.as_ref(), &Subject::Group(group.name.clone()))} chosen={chosen_client(props.selected.as_ref())} />
            }) }
        </section>
    }
}

fn chosen_client(selected: Option<&Subject>) -> Option<AttrValue> {
    if let Some(Subject::Client(name)) = selected { Some(name.clone().into()) } else { None }
}

#[derive(Properties, PartialEq)]
struct GroupProps {
    page: PageHandle,
    group: Shared<GroupView>,
    letter: char,
    nth: u8,
    keys: Shared<Keys>,
    /// Given to the group that gets the map.
    tracks: Option<Shared<Tracks>>,
    selected: bool,
    chosen: Option<AttrValue>,
}

#[component]
fn Group(props: &GroupProps) -> Html {
    let group = &props.group;
    let (page, subject) = (props.page.clone(), Subject::Group(group.name.clone()));
    let lag = lag(group);
    let class = classes!("group", format!("group--{}", props.nth % 4), props.selected.then_some("is-selected"));
    html! {
        <section {class} aria-label={format!("Group {}", group.name)}>
            <button key="head" type="button" class="group__head" aria-pressed={props.selected.to_string()} onclick={move |_| page.select(subject.clone())}>
                <span key="letter" class="group__letter" aria-hidden="true">{ props.letter }</span>
                <span key="name" class="group__name">{ group.name.clone() }</span>
                <span key="state" class="group__state">{ group.state.clone() }</span>
                <span key="lag" class="group__lag">{ lag.map_or(String::new(), |lag| format!("lag {}", words::count(lag))) }</span>
            </button>
            <div key="body" class="group__body">
                <div key="members" class="group__members">
                    { for group.members.iter().map(|member| html! {
                        <Member key={member.client.clone()} page={props.page.clone()} group={group.name.clone()} name={member.client.clone()} owns={owns(member)}
                            selected={props.chosen.as_deref() == Some(member.client.as_str())} />
                    }) }
                </div>
                <div key="work" class="group__work">{ work(props) }</div>
            </div>
        </section>
    }
}

/// `LAG` over all partitions; none before the first commit.
pub fn lag(group: &GroupView) -> Option<u64> {
    let all = group.offsets.values().flatten();
    let known: Vec<u64> = all.filter_map(|offset| offset.lag).collect();
    (!known.is_empty()).then(|| known.iter().sum())
}

fn owns(member: &MemberView) -> String {
    let topics: Vec<String> = member.assignment.values().filter(|list| !list.is_empty()).map(|list| words::partitions(list)).collect();
    if topics.is_empty() { "owns nothing".to_owned() } else { topics.join(" · ") }
}

fn work(props: &GroupProps) -> Html {
    match &props.tracks {
        Some(tracks) => html! { <TruckMap key="map" group={props.group.name.clone()} tracks={tracks.clone()} keys={props.keys.clone()} /> },
        None => html! { <Feed key="feed" group={props.group.clone()} keys={props.keys.clone()} /> },
    }
}

#[derive(Properties, PartialEq)]
struct MemberProps {
    page: PageHandle,
    group: AttrValue,
    name: AttrValue,
    owns: AttrValue,
    selected: bool,
}

#[component]
fn Member(props: &MemberProps) -> Html {
    let (page, subject) = (props.page.clone(), Subject::Client(props.name.to_string()));
    let short =
        props.name.strip_prefix(props.group.as_str()).map_or(props.name.to_string(), |rest| format!("member{}", rest.replace('-', " ")));
    let class = classes!("member", props.selected.then_some("is-selected"));
    html! {
        <button type="button" {class} data-at={client_at(&props.name)} title={props.name.clone()}
            aria-pressed={props.selected.to_string()} onclick={move |_| page.select(subject.clone())}>
            <span key="name" class="member__name">{ short }</span>
            <span key="owns" class="member__owns">{ props.owns.clone() }</span>
        </button>
    }
}

#[derive(Properties, PartialEq)]
struct FeedProps {
    group: Shared<GroupView>,
    keys: Shared<Keys>,
}

/// The newest records the group's application worked on, newest first.
#[component]
fn Feed(props: &FeedProps) -> Html {
    let newest = newest(&props.group);
    html! {
        <div class="feed">
            <h3 key="head" class="feed__head">{ "Processed last" }</h3>
            <ol key="list" class="feed__list">
                { for newest.iter().map(|record| html! {
                    <li key={format!("{}-{}", record.partition, record.offset)} class="feed__item">
                        <KeyGlyph key="key" mark={props.keys.mark(record.key.as_deref())} />
                        <span key="name" class="feed__key">{ record.key.clone().unwrap_or_else(|| "no key".to_owned()) }</span>
                        <span key="at" class="feed__at">{ format!("P{}@{}", record.partition, record.offset) }</span>
                    </li>
                }) }
            </ol>
            <p key="none" class="feed__none" hidden={!newest.is_empty()}>{ "nothing yet" }</p>
        </div>
    }
}

/// The last few of each member in turn: there is no order between members.
fn newest(group: &GroupView) -> Vec<&DeliveredView> {
    let mut rows: Vec<std::iter::Rev<std::slice::Iter<'_, DeliveredView>>> = group.members.iter().map(|m| m.recent.iter().rev()).collect();
    let mut newest = Vec::new();
    while newest.len() < FEED {
        let before = newest.len();
        newest.extend(rows.iter_mut().filter_map(Iterator::next).take(FEED - before));
        if newest.len() == before {
            break;
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_get_telling_letters_and_no_two_share_one() {
        assert_eq!(letters(&["location-dashboard", "notification-service"]), ['D', 'N']);
        assert_eq!(letters(&["billing", "backup", "b"]), ['B', 'A', 'C']);
    }

    #[test]
    fn the_feed_takes_turns_between_members() {
        let record = |partition, offset| DeliveredView { partition, offset, ..DeliveredView::default() };
        let member = |partition| MemberView { recent: vec![record(partition, 1), record(partition, 2)], ..MemberView::default() };
        let group = GroupView { members: vec![member(0), member(1)], ..GroupView::default() };
        let seen: Vec<(u32, u64)> = newest(&group).iter().map(|r| (r.partition, r.offset)).collect();
        assert_eq!(seen, [(0, 2), (1, 2), (0, 1), (1, 1)]);
    }
}
