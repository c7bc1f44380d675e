//! The right side: groups of readers, what each member owns, how far behind the group is, and what it shows its users.

use crate::app::keys::Keys;
use crate::app::model::{Shared, Snapshot};
use crate::app::page::PageHandle;
use crate::app::stage::geometry::client_at;
use crate::app::stage::is_selected;
use crate::app::stage::map::TruckMap;
use crate::app::widgets::{dots, key_glyph};
use crate::app::words;
use playground_core::view::{DeliveredView, GroupView, MemberView, Subject};
use yew::prelude::*;

/// Members drawn one by one, of a group of a small cluster and of a large one; the rest are counted.
const MEMBERS: [usize; 2] = [12, 3];

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

pub fn groups(page: &PageHandle, shot: &Snapshot, selected: Option<&Subject>) -> Html {
    let groups = &shot.mirror.groups;
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    let mapped = shot.tracks.mapped(names.iter().copied());
    html! {
        <section key="groups" class="groups" aria-label="Consumer groups">
            <div key="head" class="column-head">
                <h2 key="name" class="column-head__name">{ "Consumer groups" }</h2>
                <p key="what" class="column-head__what">{ "each keeps its own bookmarks" }</p>
            </div>
            { for groups.iter().zip(letters(&names)).enumerate().map(|(i, (group, letter))| {
                let work = match mapped {
                    _ if shot.mirror.is_large() => Html::default(),
                    Some(name) if name == group.name => map(group, shot),
                    _ => feed(group, &shot.keys),
                };
                group_box(page, group, (i, letter), (work, MEMBERS[usize::from(shot.mirror.is_large())]), selected)
            }) }
        </section>
    }
}

/// `work` is what the group shows its users, `most` how many of its members are drawn.
fn group_box(
    page: &PageHandle,
    group: &Shared<GroupView>,
    (nth, letter): (usize, char),
    (work, most): (Html, usize),
    selected: Option<&Subject>,
) -> Html {
    let subject = Subject::Group(group.name.clone());
    let chosen = is_selected(selected, &subject);
    let class = classes!("group", GROUP_CLASSES[nth % 4], chosen.then_some("is-selected"));
    html! {
        <section key={group.name.clone()} {class} aria-label={format!("Group {}", group.name)} data-at={format!("group:{}", group.name)}>
            { dots(page, &group.name) }
            <button key="head" type="button" class="group__head" aria-pressed={words::yes(chosen)} onclick={page.on_select(subject)}>
                <span key="letter" class="group__letter" aria-hidden="true">{ letter }</span>
                <span key="name" class="group__name">{ group.name.clone() }</span>
                <span key="state" class="group__state">{ group.state.clone() }</span>
                <span key="lag" class="group__lag">{ group.lag.map_or(String::new(), |lag| format!("lag {}", words::count(lag))) }</span>
            </button>
            <div key="body" class="group__body">
                <div key="members" class="group__members">
                    { for group.members.iter().take(most).map(|member| member_box(page, group, member, selected)) }
                    <span key="more" class="producers__more" data-at="members:more" hidden={group.members.len() <= most}>{ format!("+{} more", group.members.len().saturating_sub(most)) }</span>
                </div>
                <div key="work" class="group__work">{ work }</div>
            </div>
        </section>
    }
}

/// A group's pattern, by its place among all groups.
const GROUP_CLASSES: [&str; 4] = ["group--0", "group--1", "group--2", "group--3"];

/// What it owns; and what is the matter with it, if something is.
fn standing(group: &GroupView, member: &MemberView) -> String {
    let topics: Vec<String> = member.assignment.values().filter(|list| !list.is_empty()).map(|list| words::partitions(list)).collect();
    let partitions = group.offsets.values().map(Vec::len).sum::<usize>();
    let owns = match topics.is_empty() {
        true if group.state == "Stable" && !member.member_id.is_empty() && group.members.len() > partitions => "idle".to_owned(),
        true => "owns nothing".to_owned(),
        false => topics.join(" · "),
    };
    match member.does.as_str() {
        "down" | "paused" | "stuck" => format!("{owns} · {}", member.does),
        "waits" => format!("{owns} · not running"),
        _ => owns,
    }
}

fn map(group: &GroupView, shot: &Snapshot) -> Html {
    html! { <TruckMap key="map" group={group.name.clone()} tracks={shot.tracks.clone()} keys={shot.keys.clone()} /> }
}

fn member_box(page: &PageHandle, group: &GroupView, member: &MemberView, selected: Option<&Subject>) -> Html {
    let name = &member.client;
    let subject = Subject::Client(name.clone());
    let selected = is_selected(selected, &subject);
    let short = words::member(&group.name, name);
    let class = classes!("member", selected.then_some("is-selected"));
    html! {
        <button key={name.clone()} type="button" {class} data-at={client_at(name)} title={name.clone()} aria-pressed={words::yes(selected)}
            onclick={page.on_select(subject)}>
            <span key="name" class="member__name">{ short }</span>
            <span key="owns" class="member__owns">{ standing(group, member) }</span>
        </button>
    }
}

/// The newest records the group's application worked on, newest first.
fn feed(group: &GroupView, keys: &Keys) -> Html {
    let newest = newest(group);
    html! {
        <div key="feed" class="feed">
            <h3 key="head" class="feed__head">{ "Processed last" }</h3>
            <ol key="list" class="feed__list">
                { for newest.iter().map(|record| html! {
                    <li key={format!("{}-{}", record.partition, record.offset)} class="feed__item">
                        { key_glyph(keys.mark(record.key.as_deref())) }
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
