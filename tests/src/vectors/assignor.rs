//! Vectors about who of a group gets what: the assignors that clients run, and those of the coordinator (KIP-848).

use super::answer::{Answer, Refusal};
use data_encoding::BASE64URL_NOPAD;
use playground_core::group::assignor::{self, Assignment, Assignor, Member, Topic, Topics};
use playground_core::group::consumer_protocol::Subscription;
use playground_core::hash;
use playground_core::protocol::MemberAssignment;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Asked<T> {
    topics: BTreeMap<String, T>,
    members: Vec<AskedMember>,
    /// For each partition, the racks of its replicas.
    #[serde(default)]
    replica_racks: BTreeMap<String, Vec<Vec<String>>>,
}

#[derive(Deserialize)]
struct AskedMember {
    id: String,
    topics: Vec<String>,
    instance: Option<String>,
    rack: Option<String>,
    owned: Option<Vec<(String, u32)>>,
    generation: Option<i32>,
}

#[derive(Deserialize)]
pub(super) struct IdentifiedTopic {
    id: String,
    partitions: u32,
}

/// What the leader's client answers. The members arrive as they would have written their subscriptions.
pub(super) fn assign(name: &str, asked: Asked<u32>) -> Answer {
    let assignor = assignor::client(name).ok_or_else(|| unknown(name))?;
    let mut topics: Topics = asked.topics.into_iter().map(|(name, count)| (name.into(), topic([0; 16], count))).collect();
    for (name, racks) in asked.replica_racks {
        if let Some(topic) = topics.get_mut(&*name) {
            topic.racks = racks.into_iter().map(|racks| racks.into_iter().map(Arc::from).collect()).collect();
        }
    }
    let members: Vec<Member> = asked.members.into_iter().map(|member| from_client(member, assignor)).collect();
    Ok(json!({ "assignment": listed(&assignor.assign(&members, &topics)) }))
}

/// What the coordinator answers; `owned` is a member's target assignment so far.
pub(super) fn assign_by_coordinator(assignor: &dyn Assignor, asked: Asked<IdentifiedTopic>) -> Answer {
    let identified = |(name, asked): (String, IdentifiedTopic)| {
        let id = BASE64URL_NOPAD.decode(asked.id.as_bytes()).ok().and_then(|id| <[u8; 16]>::try_from(id).ok());
        let id = id.ok_or_else(|| Refusal::BadInput(format!("{} is no UUID", asked.id)))?;
        Ok((Arc::from(name), topic(id, asked.partitions)))
    };
    let topics: Topics = asked.topics.into_iter().map(identified).collect::<Result<_, Refusal>>()?;
    let members: Vec<Member> = asked.members.into_iter().map(plain).collect();
    let mut order: Vec<&str> = members.iter().map(|member| &*member.id).collect();
    hash::java_map_order(&mut order, |id| hash::java_string_hash(id));
    let kind = if assignor::same_subscriptions(&members) { "HOMOGENEOUS" } else { "HETEROGENEOUS" };
    Ok(json!({
        "assignment": listed(&assignor.assign(&members, &topics)),
        "member_iteration_order": order,
        "subscription_type": kind,
    }))
}

fn unknown(name: &str) -> Refusal {
    Refusal::Unsupported(format!("the engine has no assignor {name}"))
}

fn topic(id: [u8; 16], partitions: u32) -> Topic {
    Topic { id, partitions, racks: Vec::new() }
}

fn plain(member: AskedMember) -> Member {
    let mut owned = MemberAssignment::new();
    for (topic, partition) in member.owned.unwrap_or_default() {
        owned.entry(topic.into()).or_default().push(partition);
    }
    let subscription = Subscription {
        topics: member.topics.into_iter().map(Arc::from).collect(),
        owned,
        generation: member.generation.filter(|generation| *generation >= 0),
        rack: member.rack.filter(|rack| !rack.is_empty()).map(Arc::from),
        user_data: None,
    };
    Member { id: member.id.into(), instance: member.instance.map(Arc::from), subscription }
}

/// Under eager rebalancing a member joins with nothing; what it had is in the assignor's own data.
fn from_client(asked: AskedMember, assignor: &dyn Assignor) -> Member {
    let was_assigned = asked.owned.is_some();
    let mut member = plain(asked);
    let subscription = &mut member.subscription;
    let last = was_assigned.then_some((&subscription.owned, subscription.generation.unwrap_or(-1)));
    subscription.user_data = assignor.user_data(last);
    if !assignor.cooperative() {
        subscription.owned = MemberAssignment::new();
    }
    member
}

fn listed(assignment: &Assignment) -> Value {
    let list = |share: &MemberAssignment| -> Value {
        let each = |(topic, partitions): (&Arc<str>, &Vec<u32>)| {
            partitions.iter().map(|partition| json!([&**topic, partition])).collect::<Vec<Value>>()
        };
        share.iter().flat_map(each).collect()
    };
    Value::Object(assignment.iter().map(|(member, share)| (member.to_string(), list(share))).collect::<Map<_, _>>())
}
