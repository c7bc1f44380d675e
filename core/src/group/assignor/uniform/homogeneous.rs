//! All members read the same topics: what exceeds a quota is revoked, and who has room takes what is free.

use super::super::numbered::NOBODY;
use super::Group;
use crate::hash::{java_copy_order, java_map_order, java_string_hash, java_uuid_hash};

/// `UniformHomogeneousAssignmentBuilder`; gives each partition's owner.
pub(super) fn share(group: &Group<'_>) -> Vec<u32> {
    let mut owners = group.unowned();
    for (number, member) in (0..).zip(&group.members) {
        group.partitions.numbers(&member.subscription.owned).for_each(|partition| owners[partition as usize] = number);
    }
    let mut free = Vec::new();
    let topics = topics_in_turn(group);
    for topic in &topics {
        free.extend(group.partitions.of_topic(*topic).filter(|partition| owners[*partition as usize] == NOBODY));
    }
    let unfilled = revoke(group, &topics, &mut owners, &mut free);
    let mut free = free.into_iter();
    for (member, room) in unfilled {
        free.by_ref().take(room as usize).for_each(|partition| owners[partition as usize] = member);
    }
    owners
}

/// Takes from each member what exceeds its quota; gives the members with room, and how much they have.
fn revoke(group: &Group<'_>, topics: &[u32], owners: &mut [u32], free: &mut Vec<u32>) -> Vec<(u32, u32)> {
    let (partitions, members) = (group.partitions.count(), group.members.len() as u32);
    let mut extras = partitions % members;
    let mut unfilled = Vec::new();
    for member in 0..members {
        let mut takes_extra = extras > 0;
        let mut quota = partitions / members + u32::from(takes_extra);
        for mut owned in owned_by_topic(group, member, topics) {
            if owned.len() <= quota as usize {
                quota -= owned.len() as u32;
                continue;
            }
            for partition in owned.drain(..).skip(std::mem::take(&mut quota) as usize) {
                owners[partition as usize] = NOBODY;
                free.push(partition);
            }
        }
        // It leaves the odd one to another, as long as enough others follow.
        if quota > 0 && takes_extra && members - member > extras {
            quota -= 1;
            takes_extra = false;
        }
        if quota > 0 {
            unfilled.push((member, quota));
        }
        extras -= u32::from(takes_extra);
    }
    unfilled
}

/// The topics as a `HashSet` of their ids gives them that was made from a set of their names.
fn topics_in_turn(group: &Group<'_>) -> Vec<u32> {
    let mut turn = topics_by_name(group);
    java_copy_order(&mut turn, |topic| java_uuid_hash(&group.partitions.topics()[*topic as usize].1.id));
    turn
}

/// The topics as a `HashSet` of their names gives them, filled as the first member subscribed to them.
pub(in super::super) fn topics_by_name(group: &Group<'_>) -> Vec<u32> {
    let topics = group.partitions.topics();
    let said = group.members.first().into_iter().flat_map(|member| &member.subscription.topics);
    let mut turn: Vec<u32> = said.filter_map(|name| group.partitions.topic(name)).collect();
    java_map_order(&mut turn, |topic| java_string_hash(topics[*topic as usize].0));
    turn
}

/// What a member owns, a list for each topic, in the order of a `HashMap` by topic id and of `HashSet`s of partitions. Of topics in one
/// bucket, that which came last is first: `computeIfAbsent` puts it there.
pub(in super::super) fn owned_by_topic(group: &Group<'_>, member: u32, topics_in_turn: &[u32]) -> Vec<Vec<u32>> {
    let owned = &group.members[member as usize].subscription.owned;
    let mut by_topic: Vec<(i32, Vec<u32>)> = Vec::new();
    for topic in topics_in_turn.iter().rev().copied() {
        let Some(partitions) = owned.get(group.partitions.topics()[topic as usize].0) else { continue };
        let range = group.partitions.of_topic(topic);
        let mut numbers: Vec<u32> = partitions.iter().map(|partition| range.start + partition).filter(|n| range.contains(n)).collect();
        java_copy_order(&mut numbers, |number| (number - range.start) as i32);
        by_topic.push((java_uuid_hash(&group.partitions.topics()[topic as usize].1.id), numbers));
    }
    java_map_order(&mut by_topic, |(hash, _)| *hash);
    by_topic.into_iter().map(|(_, numbers)| numbers).collect()
}
