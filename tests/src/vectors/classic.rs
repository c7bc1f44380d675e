//! Vectors that play a scene with the coordinator of a classic group: members join, sync, say that they are alive, leave, and time
//! passes.

use super::answer::{Answer, Refusal};
use playground_core::config::BrokerConfig;
use playground_core::error::ErrorCode;
use playground_core::group::consumer_protocol::{HIGHEST_VERSION, Subscription};
use playground_core::group::timers::Timer;
use playground_core::group::{AnyGroup, Asked, GroupCoordinator, Write};
use playground_core::ids::{ClientId, CorrelationId, NodeId};
use playground_core::node::Outbox;
use playground_core::protocol::{JoinGroupRequest, JoinProtocol, Joined, MemberRef, Message, Response, SyncGroupRequest};
use playground_core::rng::{Seed, SimRng};
use playground_core::time::{SimDuration, SimTime};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Scene {
    actions: Vec<Action>,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Action {
    Join(Join),
    Sync {
        member: String,
        generation: i32,
        instance: Option<String>,
        #[serde(default)]
        assignments: BTreeMap<String, String>,
        protocol: Option<String>,
        protocol_type: Option<String>,
    },
    Heartbeat {
        member: String,
        generation: i32,
        instance: Option<String>,
    },
    Leave {
        #[serde(default)]
        member: String,
        instance: Option<String>,
    },
    Sleep {
        ms: u64,
    },
}

#[derive(Deserialize)]
struct Join {
    member: String,
    #[serde(default)]
    topics: Vec<String>,
    instance: Option<String>,
    protocol: Option<String>,
    protocols: Option<Vec<String>>,
    protocol_type: Option<String>,
    rebalance_timeout: Option<u64>,
    session_timeout: Option<u64>,
}

const SHARD: u32 = 0;
const ASKER: NodeId = NodeId::Client(ClientId(0));

/// Requests under way are known by their number: the order in which they came.
struct Stage {
    coordinator: GroupCoordinator,
    group: Arc<str>,
    now: SimTime,
    out: Outbox,
    /// Who asked, by the number of the request.
    asked: Vec<(String, &'static str)>,
    /// Name to the last member id it was given, and every id to its name.
    ids: BTreeMap<String, Arc<str>>,
    names: BTreeMap<Arc<str>, String>,
}

pub(super) fn play(scene: Scene) -> Answer {
    let config = BrokerConfig {
        // The service in front of the coordinator looks at these; the scenes begin behind it.
        group_min_session_timeout: SimDuration::ZERO,
        group_max_session_timeout: SimDuration::from_millis(i32::MAX as u64),
        ..BrokerConfig::default()
    };
    let mut stage = Stage {
        coordinator: GroupCoordinator::new(Arc::new(config), SimRng::new(Seed(1), 1)),
        group: Arc::from("g"),
        now: SimTime(1_000_000),
        out: Outbox::default(),
        asked: Vec::new(),
        ids: BTreeMap::new(),
        names: BTreeMap::new(),
    };
    stage.coordinator.load(stage.now, SHARD, std::iter::empty(), &mut stage.out);
    let results: Vec<Value> = scene.actions.into_iter().map(|action| stage.act(action)).collect();
    // Ids that somebody was told of before their owner knew them.
    let text =
        stage.names.iter().fold(json!({ "results": results }).to_string(), |text, (id, name)| text.replace(&**id, &format!("<{name}>")));
    serde_json::from_str(&text).map_err(|error| Refusal::BadInput(error.to_string()))
}

impl Stage {
    fn act(&mut self, action: Action) -> Value {
        let mut result = Map::new();
        let now = self.now;
        match action {
            Action::Join(join) => {
                let request = self.join_request(&join);
                let asked = self.ask(join.member, "join");
                let writes = self.coordinator.join(now, &asked, &request, &mut self.out);
                self.commit(writes);
            }
            Action::Sync { member, generation, instance, assignments, protocol, protocol_type } => {
                let assignments = assignments.into_iter().map(|(name, share)| (self.id_of(&name), Arc::from(share.into_bytes())));
                let request = SyncGroupRequest {
                    assignments: assignments.collect(),
                    member: self.member(&member, instance, generation),
                    protocol_type: protocol_type.map(Arc::from),
                    protocol: protocol.map(Arc::from),
                };
                let asked = self.ask(member, "sync");
                let writes = self.coordinator.sync(now, &asked, &request, &mut self.out);
                self.commit(writes);
            }
            Action::Heartbeat { member, generation, instance } => {
                let request = self.member(&member, instance, generation);
                let (key, value) = match self.coordinator.heartbeat(now, SHARD, &request) {
                    // Told in the answer; everything else is thrown.
                    Err(error) if error != ErrorCode::RebalanceInProgress => ("error", exception(error)),
                    answer => ("code", code(answer).to_owned()),
                };
                result.insert(key.into(), value.into());
            }
            Action::Leave { member, instance } => {
                let known = self.coordinator.shards()[&SHARD].groups.contains_key(&self.group);
                let request = self.member(&member, instance, -1);
                let (answer, writes) = self.coordinator.leave(now, SHARD, &request, &mut self.out);
                match answer {
                    Err(error) if !known => result.insert("error".into(), exception(error).into()),
                    answer => result.insert("code".into(), code(answer).into()),
                };
                self.commit(writes);
            }
            Action::Sleep { ms } => {
                self.now += SimDuration::from_millis(ms);
                let expired: Vec<String> = std::iter::from_fn(|| self.run_timer()).collect();
                result.insert("expired_timers".into(), expired.into());
            }
        }
        let completed = self.completed();
        if !completed.is_empty() {
            result.insert("completed".into(), completed.into());
        }
        if let Some(group) = self.coordinator.shards()[&SHARD].groups.get(&self.group).and_then(AnyGroup::classic) {
            result.insert("group_state".into(), group.state.name().into());
            result.insert("generation".into(), group.generation.into());
            result.insert("num_members".into(), group.members.len().into());
        }
        result.into()
    }

    fn join_request(&self, join: &Join) -> JoinGroupRequest {
        let topics = join.topics.iter().map(|topic| Arc::from(topic.as_str())).collect();
        let metadata: Arc<[u8]> = Arc::from(Subscription { topics, ..Subscription::default() }.bytes(HIGHEST_VERSION));
        let names = join.protocols.clone().or_else(|| Some(vec![join.protocol.clone()?])).unwrap_or_else(|| vec!["range".into()]);
        let offer = |name: String| JoinProtocol { name: Arc::from(name), metadata: Arc::clone(&metadata) };
        JoinGroupRequest {
            group: Arc::clone(&self.group),
            member_id: self.ids.get(&join.member).cloned().unwrap_or_default(),
            instance: join.instance.as_deref().map(Arc::from),
            client_id: Arc::from("client-id"),
            session_timeout: SimDuration::from_millis(join.session_timeout.unwrap_or(45_000)),
            rebalance_timeout: SimDuration::from_millis(join.rebalance_timeout.unwrap_or(300_000)),
            protocol_type: Arc::from(join.protocol_type.as_deref().unwrap_or("consumer")),
            protocols: names.into_iter().map(offer).collect(),
        }
    }

    fn ask(&mut self, member: String, what: &'static str) -> Asked {
        self.asked.push((member, what));
        Asked { shard: SHARD, from: ASKER, id: CorrelationId(self.asked.len() as u64 - 1) }
    }

    /// The id a name was given; somebody unknown goes by the name.
    fn id_of(&self, name: &str) -> Arc<str> {
        self.ids.get(name).cloned().unwrap_or_else(|| Arc::from(name))
    }

    fn member(&self, name: &str, instance: Option<String>, generation: i32) -> MemberRef {
        MemberRef { group: Arc::clone(&self.group), member_id: self.id_of(name), instance: instance.map(Arc::from), generation }
    }

    /// Everything that is written is committed at once.
    fn commit(&mut self, writes: Vec<Write>) {
        for write in writes {
            self.coordinator.appended(self.now, write.shard, write.records);
            self.coordinator.written(write.then, None, &mut self.out);
        }
        while let Some(writes) = self.coordinator.go_on(self.now, &mut self.out) {
            self.commit(writes);
        }
    }

    fn run_timer(&mut self) -> Option<String> {
        let (group, timer, writes) = self.coordinator.run_timer(self.now, &mut self.out)?;
        self.commit(writes);
        Some(match timer {
            Timer::Heartbeat(member) => format!("heartbeat-{group}-{member}"),
            Timer::Join => format!("join-{group}"),
            Timer::Sync => format!("sync-{group}"),
        })
    }

    /// The answers that went out, in the order in which they were asked for.
    fn completed(&mut self) -> Vec<Value> {
        let mut answers = BTreeMap::new();
        for (_, message) in self.out.take_sent() {
            if let Message::Response(id, response) = message {
                answers.insert(id, response);
            }
        }
        answers.into_iter().filter_map(|(id, response)| self.told(id, response)).collect()
    }

    fn told(&mut self, id: CorrelationId, response: Response) -> Option<Value> {
        let (member, what) = self.asked[id.0 as usize].clone();
        let answer =
            |code: &str| Map::from_iter([("member", &*member), ("response", what), ("code", code)].map(|(k, v)| (k.into(), v.into())));
        Some(match response {
            Response::SyncGroup(Ok(share)) => {
                let mut answer = answer("NONE");
                answer.insert("assignment".into(), String::from_utf8_lossy(&share).into());
                answer.into()
            }
            Response::SyncGroup(Err(error)) => {
                let mut answer = answer(error.name());
                answer.insert("assignment".into(), "".into());
                answer.into()
            }
            Response::JoinGroup(joined) => {
                let (code, joined) = match *joined {
                    Ok(joined) => ("NONE", joined),
                    Err(refused) => (refused.error.name(), nowhere(refused.member_id)),
                };
                if !joined.member_id.is_empty() {
                    self.names.insert(Arc::clone(&joined.member_id), member.clone());
                    self.ids.insert(member.clone(), Arc::clone(&joined.member_id));
                }
                let named = |id: &Arc<str>| self.names.get(id).map_or_else(|| id.to_string(), String::clone);
                let mut members: Vec<String> = joined.members.iter().map(|member| named(&member.member_id)).collect();
                members.sort();
                let mut answer = answer(code);
                answer.insert("generation".into(), joined.generation.into());
                answer.insert("protocol".into(), (*joined.protocol).into());
                answer.insert("leader".into(), named(&joined.leader).into());
                answer.insert("skip_assignment".into(), joined.skip_assignment.into());
                answer.insert("members".into(), members.into());
                answer.into()
            }
            _ => return None,
        })
    }
}

/// What stands in the answer to a join that was refused.
fn nowhere(member_id: Arc<str>) -> Joined {
    Joined { generation: -1, protocol: Arc::default(), leader: Arc::default(), member_id, skip_assignment: false, members: Vec::new() }
}

fn code(answer: Result<(), ErrorCode>) -> &'static str {
    answer.map_or_else(ErrorCode::name, |()| "NONE")
}

/// `UNKNOWN_MEMBER_ID` is thrown as `UnknownMemberIdException`.
fn exception(error: ErrorCode) -> String {
    let word = |word: &str| word[..1].to_owned() + &word[1..].to_lowercase();
    error.name().split('_').map(word).collect::<String>() + "Exception"
}
