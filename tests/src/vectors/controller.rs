//! Vectors about the active controller: elections, placements, and whole scenes of brokers and topics.

use super::answer::{Answer, Refusal, parse};
use super::random::{Draws, JavaRandom};
use playground_core::config::{BrokerConfig, Settings, TopicConfig};
use playground_core::controller::Controller;
use playground_core::controller::election::{Change, Election, Rules};
use playground_core::controller::legacy::{self, Start};
use playground_core::controller::placement::{self, UsableBroker};
use playground_core::error::{self, ErrorCode};
use playground_core::ids::{BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, TopicPartition};
use playground_core::metadata::{LeaderRecoveryState, PartitionRegistration};
use playground_core::node::Outbox;
use playground_core::protocol::{
    AlterPartitionItem, AlterPartitionRequest, BrokerHeartbeatRequest, BrokerRegistrationRequest, CreateTopicRequest, IsrChange,
};
use playground_core::rng::{Seed, SimRng};
use playground_core::sorted::SortedMap;
use playground_core::time::{SimDuration, SimTime};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

fn brokers(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

fn shown(partition: &PartitionRegistration) -> Value {
    let mut fields = json!({
        "replicas": partition.replicas,
        "isr": partition.isr,
        "leader": partition.leader.unwrap_or(BrokerId(-1)),
        "leader_epoch": partition.leader_epoch,
        "partition_epoch": partition.partition_epoch,
        "recovery": match partition.recovery {
            LeaderRecoveryState::Recovered => "RECOVERED",
            LeaderRecoveryState::Recovering => "RECOVERING",
        },
        "elr": partition.elr,
        "last_known_elr": partition.last_known_elr,
    });
    // Only a partition that moves says so.
    if partition.is_reassigning() {
        fields["adding"] = json!(partition.adding);
        fields["removing"] = json!(partition.removing);
    }
    fields
}

#[derive(Deserialize)]
pub(super) struct Election1 {
    replicas: Vec<i32>,
    isr: Vec<i32>,
    elr: Vec<i32>,
    last_known_elr: Vec<i32>,
    leader: i32,
    acceptable: Vec<i32>,
    min_isr: u32,
    elr_enabled: bool,
    election: String,
    leader_epoch: i32,
    partition_epoch: i32,
    target_isr: Option<Vec<i32>>,
    target_replicas: Option<Vec<i32>>,
    target_adding: Option<Vec<i32>>,
    target_removing: Option<Vec<i32>>,
    adding: Option<Vec<i32>>,
    removing: Option<Vec<i32>>,
    unclean_shutdown: Option<Vec<i32>>,
}

pub(super) fn election(input: &Election1) -> Answer {
    let listed = |ids: &Option<Vec<i32>>| brokers(ids.as_deref().unwrap_or_default());
    let before = PartitionRegistration {
        replicas: brokers(&input.replicas),
        isr: brokers(&input.isr),
        elr: brokers(&input.elr),
        last_known_elr: brokers(&input.last_known_elr),
        adding: listed(&input.adding),
        removing: listed(&input.removing),
        leader: (input.leader >= 0).then_some(BrokerId(input.leader)),
        leader_epoch: LeaderEpoch(input.leader_epoch),
        partition_epoch: PartitionEpoch(input.partition_epoch),
        recovery: LeaderRecoveryState::Recovered,
    };
    let election = match input.election.as_str() {
        "ONLINE" => Election::Online,
        "PREFERRED" => Election::Preferred,
        "UNCLEAN" => Election::Unclean,
        other => return Err(Refusal::Unsupported(format!("there is no election {other}"))),
    };
    let mut change = Change::of(&before, election);
    let target = |ids: &Option<Vec<i32>>, place: &mut Vec<BrokerId>| {
        if let Some(ids) = ids {
            *place = brokers(ids);
        }
    };
    target(&input.target_isr, &mut change.isr);
    target(&input.target_replicas, &mut change.replicas);
    target(&input.target_adding, &mut change.adding);
    target(&input.target_removing, &mut change.removing);
    change.unclean_shutdown = match input.unclean_shutdown.as_deref().unwrap_or_default() {
        [] => None,
        [one] => Some(BrokerId(*one)),
        _ => return Err(Refusal::Unsupported("one broker registers at a time".into())),
    };
    let acceptable = |broker: BrokerId| input.acceptable.contains(&broker.0);
    let rules = Rules { acceptable: &acceptable, min_isr: input.min_isr, elr_enabled: input.elr_enabled, new_epoch_with_isr: false };
    let after = change.decide(&rules);
    Ok(json!({ "changed": after.is_some(), "after": shown(&after.unwrap_or(before)) }))
}

#[derive(Deserialize)]
struct Broker {
    id: i32,
    rack: Option<String>,
    #[serde(default)]
    fenced: bool,
}

fn usable(brokers: &[Broker]) -> Vec<UsableBroker> {
    let one =
        |broker: &Broker| UsableBroker { id: BrokerId(broker.id), rack: broker.rack.as_deref().map(Arc::from), fenced: broker.fenced };
    brokers.iter().map(one).collect()
}

#[derive(Deserialize)]
pub(super) struct Striped {
    brokers: Vec<Broker>,
    partitions: u32,
    replication_factor: i32,
    #[serde(default)]
    random_draws_bound_value: Vec<(u32, u32)>,
    java_util_random_seed: Option<i64>,
    #[serde(default)]
    all_draws_zero: bool,
}

pub(super) fn striped(input: &Striped) -> Answer {
    let draws = match input.java_util_random_seed {
        Some(seed) => Draws::Java(JavaRandom::new(seed)),
        None if input.all_draws_zero => Draws::Zero,
        None => Draws::Recorded(input.random_draws_bound_value.clone()),
    };
    let mut drawn = super::random::Recorder::new(draws);
    let placed = placement::striped(&usable(&input.brokers), input.partitions, input.replication_factor, &mut |bound| drawn.draw(bound));
    if drawn.made != input.random_draws_bound_value {
        return Ok(json!({ "draws": drawn.made }));
    }
    Ok(match placed {
        Ok(assignments) => json!({ "assignments": assignments }),
        Err(refusal) => json!({ "error": java_name(refusal.code), "message": refusal.message }),
    })
}

/// The exception Kafka throws for an error.
fn java_name(code: ErrorCode) -> String {
    format!("{code:?}Exception")
}

#[derive(Deserialize)]
pub(super) struct Legacy {
    brokers: Vec<Broker>,
    partitions: i32,
    rf: i32,
    fixed_start: i32,
    start_partition: i32,
}

pub(super) fn legacy(input: &Legacy) -> Answer {
    let Ok(fixed) = u32::try_from(input.fixed_start) else {
        return Err(Refusal::Unsupported("an unseeded random start has no one answer".into()));
    };
    let first_partition = input.start_partition.max(0) as u32;
    let start = Start { index: fixed, shift: fixed, first_partition };
    Ok(match legacy::rounds(&usable(&input.brokers), input.partitions, input.rf, start) {
        Ok(placed) => {
            let numbered = placed.iter().enumerate().map(|(i, replicas)| ((first_partition as usize + i).to_string(), json!(replicas)));
            json!({ "assignment": numbered.collect::<Map<_, _>>() })
        }
        // It has no code of its own on the wire.
        Err(refusal) if refusal.code == ErrorCode::InvalidRequest => json!({ "error": "AdminOperationException" }),
        Err(refusal) => json!({ "error": java_name(refusal.code) }),
    })
}

#[derive(Deserialize)]
pub(super) struct Scene {
    events: Vec<Value>,
    seed: Option<i64>,
    #[serde(default)]
    all_random_draws_zero: bool,
    elr_enabled: Option<bool>,
    num_partitions: Option<u32>,
    default_replication_factor: Option<u32>,
}

/// The controller alone, with brokers that say what the vector has them say.
struct Play {
    controller: Controller,
    now: SimTime,
    draws: super::random::Recorder,
    incarnation: u64,
    out: Outbox,
}

pub(super) fn scene(input: &Scene) -> Answer {
    let defaults = BrokerConfig::default();
    let config = BrokerConfig {
        eligible_leader_replicas: input.elr_enabled.unwrap_or(true),
        num_partitions: input.num_partitions.unwrap_or(defaults.num_partitions),
        default_replication_factor: input.default_replication_factor.unwrap_or(defaults.default_replication_factor),
        ..defaults
    };
    let draws = match input.seed {
        Some(seed) => Draws::Java(JavaRandom::new(seed)),
        None if input.all_random_draws_zero => Draws::Zero,
        None => return Err(Refusal::Unsupported("chance without a seed has no one answer".into())),
    };
    let mut play = Play {
        controller: Controller::new(Arc::new(config), SimRng::new(Seed(0), 0)),
        now: SimTime::ZERO,
        draws: super::random::Recorder::new(draws),
        incarnation: 0,
        out: Outbox::default(),
    };
    let results: Vec<Value> = input.events.iter().map(|event| play.step(event)).collect::<Result<_, _>>()?;
    Ok(json!({ "results": results }))
}

/// A step of a scene, as far as its `do` uses these fields.
#[derive(Deserialize)]
struct Step {
    #[serde(rename = "do")]
    what: String,
    #[serde(default)]
    id: i32,
    rack: Option<String>,
    name: Option<String>,
    topic: Option<String>,
    #[serde(default)]
    partition: u32,
    partitions: Option<i32>,
    rf: Option<i32>,
    count: Option<u32>,
    #[serde(default)]
    configs: SortedMap<String, String>,
    assignments: Option<Vec<Vec<i32>>>,
    replicas: Option<Vec<i32>>,
    #[serde(default)]
    isr: Vec<i32>,
    leader: Option<i32>,
    leader_epoch: Option<i32>,
    partition_epoch: Option<i32>,
    #[serde(default)]
    recovering: bool,
    #[serde(rename = "type")]
    election: Option<String>,
    #[serde(default)]
    clean: bool,
}

impl Play {
    fn step(&mut self, event: &Value) -> Answer {
        let step: Step = parse(event)?;
        let mut result = match step.what.as_str() {
            "register" => self.register(&step, false),
            "broker_restart_registered" => self.restart(&step),
            "unfence" => self.beat(step.id, false),
            "fence" => self.fence(step.id),
            "controlled_shutdown" => self.beat(step.id, true),
            "create_topic" => self.create_topic(&step)?,
            "create_partitions" => self.create_partitions(&step),
            "delete_topic" => {
                let deleted = self.controller.delete_topic(step.name.as_deref().unwrap_or_default(), None, &mut self.out);
                refused(deleted)
            }
            "alter_isr" => self.alter_isr(&step),
            "elect" => {
                let unclean = step.election.as_deref() == Some("UNCLEAN");
                let id = self.partition(&step);
                code(self.controller.elect_leader(id, unclean, None, &mut self.out))
            }
            "reassign" | "cancel_reassign" => {
                let target = step.replicas.as_deref().map(brokers);
                let id = self.partition(&step);
                code(self.controller.reassign(id, target.as_deref(), None, &mut self.out))
            }
            "unregister" => code(self.controller.unregister(BrokerId(step.id), None, &mut self.out)),
            "auto_balance" => {
                self.controller.balance(&mut self.out);
                json!({})
            }
            "auto_unclean" => {
                self.controller.elect_uncleanly(&mut self.out);
                json!({})
            }
            other => return Err(Refusal::Unsupported(format!("the controller does not {other} in these scenes"))),
        };
        result["partitions"] = self.partitions();
        Ok(result)
    }

    fn partitions(&self) -> Value {
        let topics = self.controller.image().topics();
        let listed = topics.map(|topic| (topic.name.to_string(), topic.partitions.iter().map(|partition| shown(partition)).collect()));
        Value::Object(listed.collect())
    }

    fn partition(&self, step: &Step) -> TopicPartition {
        let name = step.topic.as_deref().unwrap_or_default();
        let topic = self.controller.image().topic_named(name).map_or(playground_core::ids::TopicId(u32::MAX), |topic| topic.id);
        TopicPartition { topic, partition: step.partition }
    }

    fn register(&mut self, step: &Step, clean: bool) -> Value {
        self.incarnation += 1;
        let previous = self.controller.image().brokers.get(&BrokerId(step.id)).map(|registration| registration.epoch);
        let request = BrokerRegistrationRequest {
            incarnation: self.incarnation,
            rack: step.rack.as_deref().map(Arc::from).or_else(|| self.rack(step.id)),
            previous_epoch: previous.filter(|_| clean),
            because: None,
        };
        let _ = self.controller.register(self.now, BrokerId(step.id), &request, &mut self.out);
        json!({})
    }

    fn rack(&self, id: i32) -> Option<Arc<str>> {
        self.controller.image().brokers.get(&BrokerId(id))?.rack.clone()
    }

    /// The session of the process before is over.
    fn restart(&mut self, step: &Step) -> Value {
        let now = self.now;
        self.now = now + SimDuration::from_secs(60);
        let result = self.register(step, step.clean);
        self.now = now;
        result
    }

    fn beat(&mut self, id: i32, wants_shutdown: bool) -> Value {
        let metadata_offset = self.controller.image().offset;
        let epoch = self.controller.image().brokers.get(&BrokerId(id)).map_or(BrokerEpoch(-1), |registration| registration.epoch);
        let request = BrokerHeartbeatRequest { epoch, metadata_offset, wants_shutdown, because: None };
        let _ = self.controller.heartbeat(self.now, BrokerId(id), &request, &mut self.out);
        json!({})
    }

    fn fence(&mut self, id: i32) -> Value {
        self.controller.fence(BrokerId(id), &mut self.out);
        json!({})
    }

    fn create_topic(&mut self, step: &Step) -> Answer {
        let mut config = TopicConfig::default();
        for (key, value) in &step.configs {
            config.set(key, value).map_err(|fault| Refusal::Unsupported(format!("{key}: {fault:?}")))?;
        }
        let request = CreateTopicRequest {
            name: Arc::from(step.name.as_deref().unwrap_or_default()),
            internal: false,
            partitions: step.partitions.unwrap_or(-1),
            replication_factor: step.rf.unwrap_or(-1),
            config,
        };
        let manual: Option<Vec<Vec<BrokerId>>> = step.assignments.as_ref().map(|lists| lists.iter().map(|ids| brokers(ids)).collect());
        let drawn = self.draws.made.len();
        let draw = &mut |bound| self.draws.draw(bound);
        let created = self.controller.create_topic_drawing(&request, manual.as_deref(), draw, None, &mut self.out);
        Ok(self.with_draws(drawn, refused(created.map(|_| ()))))
    }

    fn create_partitions(&mut self, step: &Step) -> Value {
        let name = step.name.as_deref().unwrap_or_default();
        let manual: Option<Vec<Vec<BrokerId>>> = step.assignments.as_ref().map(|lists| lists.iter().map(|ids| brokers(ids)).collect());
        let drawn = self.draws.made.len();
        let draw = &mut |bound| self.draws.draw(bound);
        let count = step.count.unwrap_or_default();
        let created = self.controller.create_partitions_drawing(name, count, manual.as_deref(), draw, None, &mut self.out);
        self.with_draws(drawn, refused(created))
    }

    fn with_draws(&self, before: usize, mut result: Value) -> Value {
        let draws = &self.draws.made[before..];
        if !draws.is_empty() {
            result["draws"] = json!(draws);
        }
        result
    }

    fn alter_isr(&mut self, step: &Step) -> Value {
        let id = self.partition(step);
        let known = self.controller.image().partition(id).cloned().unwrap_or_default();
        let leader = step.leader.map(BrokerId).or(known.leader).unwrap_or(BrokerId(-1));
        let item = AlterPartitionItem {
            partition: id,
            leader_epoch: step.leader_epoch.map_or(known.leader_epoch, LeaderEpoch),
            partition_epoch: step.partition_epoch.map_or(known.partition_epoch, PartitionEpoch),
            new_isr: brokers(&step.isr),
            isr_epochs: Vec::new(),
            recovery: if step.recovering { LeaderRecoveryState::Recovering } else { LeaderRecoveryState::Recovered },
            why: IsrChange::CaughtUp(leader),
        };
        let epoch = self.controller.image().brokers.get(&leader).map_or(BrokerEpoch(-1), |registration| registration.epoch);
        let request = AlterPartitionRequest { epoch, partitions: vec![item] };
        let answer = self.controller.alter_partitions(leader, &request, &mut self.out);
        let error = match answer {
            Ok(partitions) => partitions.into_iter().find_map(|(_, result)| result.err()),
            Err(error) => Some(error),
        };
        json!({ "code": error.map_or("NONE", ErrorCode::name) })
    }
}

fn code(done: Result<(), error::Refusal>) -> Value {
    json!({ "code": done.err().map_or("NONE", |refusal| refusal.code.name()) })
}

/// As [`code`], with Kafka's words where it says any.
fn refused(done: Result<(), error::Refusal>) -> Value {
    match done {
        Ok(()) => json!({ "code": "NONE" }),
        Err(refusal) => json!({ "code": refusal.code.name(), "message": refusal.message }),
    }
}
