//! Vectors about a group of the new protocol (KIP-848): heartbeats in, epochs and states out.
//!
//! Kafka was asked below the checks of a request's form, in a context that runs all timers that are over before it replays what they
//! write; so is the engine. Lists come in the order of the hash tables that Kafka keeps.

use super::answer::{Answer, Refusal};
use data_encoding::BASE64URL_NOPAD;
use playground_core::config::{BrokerConfig, Settings, TopicConfig};
use playground_core::error::ErrorCode;
use playground_core::group::consumer::heartbeat::Setting;
use playground_core::group::consumer::records::ConsumerRecord;
use playground_core::group::consumer::{Clock, ConsumerGroup, ConsumerMember};
use playground_core::hash::java_map_order;
use playground_core::ids::{TopicId, TopicPartition};
use playground_core::metadata::{MetadataImage, MetadataRecord, PartitionRegistration};
use playground_core::node::Outbox;
use playground_core::protocol::ConsumerHeartbeatRequest;
use playground_core::time::{SimDuration, SimTime};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const GROUP: &str = "g";

#[derive(Deserialize)]
pub(super) struct Scenario {
    topics: BTreeMap<String, Topic>,
    actions: Vec<Action>,
    #[serde(default)]
    config: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Topic {
    id: String,
    partitions: u32,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Action {
    ConsumerHeartbeat(Heartbeat),
    Sleep {
        ms: u64,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Heartbeat {
    member: String,
    epoch: i32,
    topics: Option<Vec<String>>,
    rebalance_timeout: Option<i64>,
    owned: Option<Vec<(String, u32)>>,
    assignor: Option<String>,
    instance: Option<String>,
    rack: Option<String>,
}

/// A group, its topics and the time.
struct Stage {
    image: MetadataImage,
    uuids: Vec<[u8; 16]>,
    config: BrokerConfig,
    now: SimTime,
    group: Option<ConsumerGroup>,
}

pub(super) fn scenario(scenario: Scenario) -> Answer {
    let mut stage = Stage::new(&scenario)?;
    let results: Result<Vec<Value>, Refusal> = scenario.actions.into_iter().map(|action| stage.act(action)).collect();
    Ok(json!({ "results": results? }))
}

impl Stage {
    fn new(scenario: &Scenario) -> Result<Self, Refusal> {
        let mut config = BrokerConfig::default();
        for (key, value) in &scenario.config {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            config.set(key, &value).map_err(|fault| Refusal::BadInput(format!("{key}: {fault:?}")))?;
        }
        let (mut image, mut uuids) = (MetadataImage::default(), Vec::new());
        for (number, (name, topic)) in (0..).zip(&scenario.topics) {
            let id = TopicId(number);
            let uuid = BASE64URL_NOPAD.decode(topic.id.as_bytes()).ok().and_then(|uuid| uuid.try_into().ok());
            uuids.push(uuid.ok_or_else(|| Refusal::BadInput(format!("{} is no UUID", topic.id)))?);
            image.replay(&MetadataRecord::Topic { id, name: Arc::from(&**name), internal: false, config: TopicConfig::default() });
            for partition in 0..topic.partitions {
                let id = TopicPartition { topic: id, partition };
                image.replay(&MetadataRecord::Partition { id, registration: PartitionRegistration::default() });
            }
        }
        Ok(Stage { image, uuids, config, now: SimTime::ZERO, group: None })
    }

    fn act(&mut self, action: Action) -> Result<Value, Refusal> {
        let mut result = match action {
            Action::ConsumerHeartbeat(heartbeat) => self.heartbeat(heartbeat)?,
            Action::Sleep { ms } => self.sleep(ms),
            Action::Other => return Err(Refusal::Unsupported("the engine knows no such deed of a group".into())),
        };
        if let Some(group) = &self.group {
            let state = |(id, member): (&Arc<str>, &ConsumerMember)| (id.to_string(), json!([member.state.name(), member.epoch]));
            result.insert("group_state".into(), group.state().name().into());
            result.insert("group_epoch".into(), group.epoch.into());
            result.insert("assignment_epoch".into(), group.assignment_epoch.into());
            result.insert("member_states".into(), Value::Object(group.members.iter().map(state).collect()));
        }
        Ok(Value::Object(result))
    }

    fn replay(&mut self, records: Vec<ConsumerRecord>) {
        let group = self.group.get_or_insert_with(|| ConsumerGroup::new(GROUP.into()));
        records.into_iter().for_each(|record| group.replay(record));
    }

    fn sleep(&mut self, ms: u64) -> Map<String, Value> {
        self.now += SimDuration::from_millis(ms);
        let (mut names, mut records) = (Vec::new(), Vec::new());
        while let Some((member, clock, expired)) = self.with_group(|group, at| group.expire(at, &mut Outbox::default())).flatten() {
            let timer = match clock {
                Clock::Session => "session-timeout",
                Clock::Rebalance => "rebalance-timeout",
            };
            names.push(format!("{timer}-{GROUP}-{member}"));
            records.extend(expired);
        }
        if self.group.is_some() {
            self.replay(records);
        }
        Map::from_iter([("expired_timers".to_owned(), json!(names))])
    }

    fn with_group<T>(&mut self, what: impl FnOnce(&mut ConsumerGroup, Setting) -> T) -> Option<T> {
        let uuids = self.uuids.clone();
        let uuid = move |id: TopicId| uuids[id.0 as usize];
        let at = Setting { now: self.now, image: &self.image, config: &self.config, uuid: &uuid };
        self.group.as_mut().map(|group| what(group, at))
    }

    fn heartbeat(&mut self, asked: Heartbeat) -> Result<Map<String, Value>, Refusal> {
        let request = self.request(asked)?;
        let before = self.group.as_ref().and_then(|group| known(group, &request));
        let fresh = self.group.is_none();
        if fresh && request.member_epoch != 0 {
            return Ok(failed(ErrorCode::GroupIdNotFound));
        }
        self.group.get_or_insert_with(|| ConsumerGroup::new(GROUP.into()));
        let decided = self.with_group(|group, at| group.heartbeat(at, &request, &mut Outbox::default())).expect("there is a group");
        let decided = match decided {
            Ok(decided) => decided,
            Err(error) => {
                self.group = self.group.take().filter(|_| !fresh);
                return Ok(failed(error));
            }
        };
        self.replay(decided.records);
        let after = self.group.as_ref().and_then(|group| group.members.get(&request.member_id));
        let before = before.filter(|before| after.is_some_and(|after| went_on(before, after)));
        let assignment = decided.answer.assignment.map(|list| self.in_kafkas_order(list, before.as_ref()));
        Ok(Map::from_iter([
            ("code".to_owned(), json!("NONE")),
            ("member_epoch".to_owned(), json!(decided.answer.member_epoch)),
            ("heartbeat_interval_ms".to_owned(), json!(decided.answer.heartbeat_interval.millis())),
            ("assignment".to_owned(), json!(assignment)),
        ]))
    }

    fn request(&self, asked: Heartbeat) -> Result<ConsumerHeartbeatRequest, Refusal> {
        let id = |(topic, partition): (String, u32)| {
            let topic = self.image.topic_named(&topic).ok_or_else(|| Refusal::BadInput(format!("there is no topic {topic}")))?;
            Ok(TopicPartition { topic: topic.id, partition })
        };
        let text = |text: Option<String>| text.map(Arc::from);
        Ok(ConsumerHeartbeatRequest {
            group: GROUP.into(),
            member_id: asked.member.into(),
            client_id: "client".into(),
            member_epoch: asked.epoch,
            instance_id: text(asked.instance),
            rack: text(asked.rack),
            rebalance_timeout: asked.rebalance_timeout.and_then(|ms| u64::try_from(ms).ok()).map(SimDuration::from_millis),
            topics: asked.topics.map(|topics| topics.into_iter().map(Arc::from).collect()),
            assignor: text(asked.assignor),
            owned: asked.owned.map(|owned| owned.into_iter().map(id).collect::<Result<_, Refusal>>()).transpose()?,
        })
    }

    /// As a map of maps gives it: topics by UUID, partitions by number, each table as large as its history made it.
    fn in_kafkas_order(&self, list: Vec<TopicPartition>, before: Option<&ConsumerMember>) -> Vec<Value> {
        let mut topics: Vec<(TopicId, Vec<u32>)> = Vec::new();
        for id in list {
            match topics.last_mut().filter(|(topic, _)| *topic == id.topic) {
                Some((_, partitions)) => partitions.push(id.partition),
                None => topics.push((id.topic, vec![id.partition])),
            }
        }
        java_map_order(&mut topics, |(topic, _)| uuid_hash(self.uuids[topic.0 as usize]));
        let mut ordered = Vec::new();
        for (topic, mut partitions) in topics {
            let name = &*self.image.topic(topic).expect("it was assigned").name;
            let held = |partition: u32| before.is_some_and(|before| before.assigned.contains_key(&TopicPartition { topic, partition }));
            let count = before.map_or(0, |before| before.assigned.keys().filter(|id| id.topic == topic).count());
            by_bucket(&mut partitions, count, held);
            ordered.extend(partitions.into_iter().map(|partition| json!([name, partition])));
        }
        ordered
    }
}

/// What the member had: a copy of that table is what its new assignment grows from.
fn known(group: &ConsumerGroup, request: &ConsumerHeartbeatRequest) -> Option<ConsumerMember> {
    let instance = request.instance_id.as_ref().and_then(|instance| group.static_members.get(instance));
    group.members.get(instance.unwrap_or(&request.member_id)).cloned()
}

/// Its assignment was worked out anew.
fn went_on(before: &ConsumerMember, after: &ConsumerMember) -> bool {
    let standing = |member: &ConsumerMember| (member.epoch, member.state, member.assigned.clone(), member.pending_revocation.clone());
    standing(before) != standing(after)
}

/// The order of a `HashMap<Integer, …>` that began as a copy of one with so many entries; what it kept of those came first.
fn by_bucket(partitions: &mut [u32], count: usize, held: impl Fn(u32) -> bool) {
    let mut buckets = if count == 0 { 16 } else { (count * 4 / 3 + 1).next_power_of_two() };
    while partitions.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    partitions.sort_by_key(|partition| (*partition as usize & (buckets - 1), !held(*partition)));
}

fn failed(error: ErrorCode) -> Map<String, Value> {
    let words = error.name().split('_').map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase()));
    Map::from_iter([("error".to_owned(), json!(format!("{}Exception", words.collect::<String>())))])
}

fn uuid_hash(uuid: [u8; 16]) -> i32 {
    let words = uuid.chunks_exact(4).map(|word| i32::from_be_bytes(word.try_into().expect("four bytes")));
    words.fold(0, |hash, word| hash ^ word)
}
