//! What a coordinator decides, request by request.

use super::classic::GroupState;
use super::*;
use crate::ids::{ClientId, LeaderEpoch, Offset, TopicId, TopicPartition};
use crate::protocol::{JoinProtocol, Message};
use crate::rng::Seed;

const SHARD: u32 = 0;
const START: SimTime = SimTime(1_000_000);

struct Scene {
    coordinator: GroupCoordinator,
    now: SimTime,
    out: Outbox,
    asked: u64,
}

impl Scene {
    fn new() -> Self {
        Scene::with(BrokerConfig::default())
    }

    fn with(config: BrokerConfig) -> Self {
        let mut coordinator = GroupCoordinator::new(Arc::new(config), SimRng::new(Seed(1), 1));
        let mut out = Outbox::default();
        coordinator.load(START, SHARD, std::iter::empty(), &mut out);
        Scene { coordinator, now: START, out, asked: 0 }
    }

    fn group(&self) -> &Group {
        self.coordinator.shards()[&SHARD].groups["g"].classic().expect("a classic group")
    }

    fn asked(&mut self) -> Asked {
        self.asked += 1;
        Asked { shard: SHARD, from: NodeId::Client(ClientId(0)), id: CorrelationId(self.asked) }
    }

    /// Joins; gives the answer, if there is one already.
    fn join(&mut self, id: &str, instance: Option<&str>, protocols: &[&str]) -> Option<Response> {
        let offer = |name: &&str| JoinProtocol {
            name: Arc::from(*name),
            metadata: Arc::from(&b"\0\x03\0\0\0\x01\0\x06orders\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff"[..]),
        };
        let request = JoinGroupRequest {
            group: Arc::from("g"),
            member_id: Arc::from(id),
            instance: instance.map(Arc::from),
            client_id: Arc::from("c"),
            session_timeout: SimDuration::from_secs(45),
            rebalance_timeout: SimDuration::from_secs(60),
            protocol_type: Arc::from("consumer"),
            protocols: protocols.iter().map(offer).collect(),
        };
        let asked = self.asked();
        let writes = self.coordinator.join(self.now, &asked, &request, &mut self.out);
        self.commit(writes, None);
        self.last_answer()
    }

    /// Static members are in after one join.
    fn join_static(&mut self, instance: &str) -> Option<Response> {
        self.join("", Some(instance), &["range"])
    }

    fn sync(&mut self, id: &str, shares: &[(&str, &str)]) -> Vec<Write> {
        let share = |(id, share): &(&str, &str)| (Arc::from(*id), Arc::from(share.as_bytes()));
        let generation = self.group().generation;
        let request = SyncGroupRequest {
            member: member(id, generation),
            protocol_type: None,
            protocol: None,
            assignments: shares.iter().map(share).collect(),
        };
        let asked = self.asked();
        self.coordinator.sync(self.now, &asked, &request, &mut self.out)
    }

    fn commit(&mut self, writes: Vec<Write>, failed: Option<ErrorCode>) {
        for write in writes {
            if failed.is_none() {
                self.coordinator.appended(self.now, write.shard, write.records);
            }
            self.coordinator.written(write.then, failed, &mut self.out);
        }
        while let Some(writes) = self.coordinator.go_on(self.now, &mut self.out) {
            self.commit(writes, failed);
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += SimDuration::from_secs(seconds);
        let writes = self.coordinator.expire(self.now, &mut self.out);
        self.commit(writes, None);
    }

    fn last_answer(&mut self) -> Option<Response> {
        self.out.take_sent().into_iter().next_back().map(|(_, message)| match message {
            Message::Response(_, response) => response,
            other => panic!("{other:?}"),
        })
    }

    fn bookmark(&mut self, by: &MemberRef, topic: &str) -> Result<(), ErrorCode> {
        let asked = self.asked();
        let id = TopicPartition { topic: TopicId(0), partition: 0 };
        let offsets = [(id, Arc::from(topic), Offset(5), LeaderEpoch(0))];
        let write = self.coordinator.commit(self.now, &asked, by, &offsets)?;
        self.commit(vec![write], None);
        Ok(())
    }

    fn bookmarks(&self) -> Vec<String> {
        let offsets = self.coordinator.shards()[&SHARD].offsets.get("g");
        offsets.into_iter().flat_map(|offsets| offsets.keys()).map(|(topic, _)| topic.to_string()).collect()
    }

    /// One static member, alone and stable.
    fn stable() -> (Scene, Arc<str>) {
        let mut scene = Scene::new();
        scene.join_static("i");
        scene.pass(3);
        let id = Arc::clone(&scene.group().static_members["i"]);
        let writes = scene.sync(&id, &[(&id, "everything")]);
        scene.commit(writes, None);
        assert_eq!(scene.group().state, GroupState::Stable);
        (scene, id)
    }
}

fn refused_with(answer: Option<Response>) -> Option<ErrorCode> {
    match answer {
        Some(Response::JoinGroup(answer)) => answer.err().map(|refused| refused.error),
        _ => None,
    }
}

fn member(id: &str, generation: i32) -> MemberRef {
    MemberRef { group: Arc::from("g"), member_id: Arc::from(id), instance: None, generation }
}

#[test]
fn a_commit_is_fenced_by_member_instance_and_generation() {
    let (mut scene, id) = Scene::stable();
    assert_eq!(scene.bookmark(&member(&id, 1), "orders"), Ok(()));
    assert_eq!(scene.bookmark(&member(&id, 0), "orders"), Err(ErrorCode::IllegalGeneration));
    assert_eq!(scene.bookmark(&member("somebody", 1), "orders"), Err(ErrorCode::UnknownMemberId));
    assert_eq!(scene.bookmark(&member("", -1), "orders"), Err(ErrorCode::UnknownMemberId), "an administrator, while it is active");
    let former = MemberRef { instance: Some(Arc::from("i")), ..member("former", 1) };
    assert_eq!(scene.bookmark(&former, "orders"), Err(ErrorCode::FencedInstanceId));
}

#[test]
fn between_join_and_sync_nobody_commits() {
    let mut scene = Scene::new();
    scene.join_static("i");
    scene.pass(3);
    let id = Arc::clone(&scene.group().static_members["i"]);
    assert_eq!(scene.bookmark(&member(&id, 1), "orders"), Err(ErrorCode::RebalanceInProgress));
}

#[test]
fn whoever_is_in_no_group_commits_while_it_is_empty_and_makes_it() {
    let mut scene = Scene::new();
    assert_eq!(scene.bookmark(&member("m", 3), "orders"), Err(ErrorCode::GroupIdNotFound));
    assert_eq!(scene.bookmark(&member("", -1), "orders"), Ok(()));
    assert_eq!((scene.group().state, scene.group().protocol_type.clone()), (GroupState::Empty, None));
}

#[test]
fn an_assignment_that_cannot_be_stored_makes_everybody_join_again() {
    let mut scene = Scene::new();
    scene.join_static("i");
    scene.pass(3);
    let id = Arc::clone(&scene.group().static_members["i"]);
    scene.out.take_sent();
    let writes = scene.sync(&id, &[(&id, "everything")]);
    scene.commit(writes, Some(ErrorCode::NotEnoughReplicas));
    assert!(matches!(scene.last_answer(), Some(Response::SyncGroup(Err(ErrorCode::CoordinatorNotAvailable)))));
    assert_eq!(scene.group().state, GroupState::PreparingRebalance);
}

#[test]
fn a_static_member_whose_new_id_cannot_be_stored_keeps_the_former_one() {
    let (mut scene, id) = Scene::stable();
    let request = |scene: &mut Scene| {
        let asked = scene.asked();
        let member = &scene.group().members[&id];
        let request = JoinGroupRequest {
            group: Arc::from("g"),
            member_id: Arc::from(""),
            instance: Some(Arc::from("i")),
            client_id: Arc::from("c"),
            session_timeout: SimDuration::from_secs(45),
            rebalance_timeout: SimDuration::from_secs(60),
            protocol_type: Arc::from("consumer"),
            protocols: member.protocols.clone(),
        };
        scene.coordinator.join(scene.now, &asked, &request, &mut scene.out)
    };
    let writes = request(&mut scene);
    assert!(!scene.group().members.contains_key(&id), "the new id took over");
    scene.commit(writes, Some(ErrorCode::NotLeaderOrFollower));
    assert!(scene.group().members.contains_key(&id) && scene.group().static_members["i"] == id);
    assert_eq!(refused_with(scene.last_answer()), Some(ErrorCode::NotCoordinator));
}

#[test]
fn sessions_must_be_as_long_as_the_brokers_allow() {
    let config = BrokerConfig { group_max_session_timeout: SimDuration::from_secs(30), ..BrokerConfig::default() };
    let answer = Scene::with(config).join("", None, &["range"]);
    assert_eq!(refused_with(answer), Some(ErrorCode::InvalidSessionTimeout));
}

#[test]
fn the_protocol_is_one_that_all_have_and_most_prefer_and_of_two_the_first_in_a_java_map() {
    let mut scene = Scene::new();
    for (instance, protocols) in [("a", ["sticky", "range"]), ("b", ["range", "sticky"])] {
        scene.join("", Some(instance), &protocols);
    }
    scene.pass(3);
    scene.pass(3);
    let mut names = vec!["sticky", "range"];
    crate::hash::java_map_order(&mut names, |name| crate::hash::java_string_hash(name));
    assert_eq!(scene.group().protocol.as_deref(), Some(names[0]));
    let answer = scene.join("", Some("c"), &["roundrobin"]);
    assert_eq!(refused_with(answer), Some(ErrorCode::InconsistentGroupProtocol));
}

#[test]
fn bookmarks_get_old_in_a_group_that_is_empty_and_where_nobody_reads_the_topic() {
    let (mut scene, id) = Scene::stable();
    let week = 7 * 86_400;
    scene.bookmark(&member(&id, 1), "orders").expect("it is taken");
    scene.bookmark(&member(&id, 1), "payments").expect("it is taken");
    // The member goes on: of what it no longer reads the bookmark goes.
    for _ in 0..week / 30 + 30 {
        scene.coordinator.heartbeat(scene.now, SHARD, &member(&id, 1)).expect("it is a member");
        scene.pass(30);
    }
    assert_eq!(scene.bookmarks(), ["orders"]);
    let (answer, writes) = scene.coordinator.leave(scene.now, SHARD, &member(&id, 1), &mut scene.out);
    assert_eq!(answer, Ok(()));
    scene.commit(writes, None);
    scene.pass(week - 700);
    assert_eq!(scene.bookmarks(), ["orders"]);
    scene.pass(1_400);
    assert!(scene.bookmarks().is_empty());
    assert!(!scene.coordinator.shards()[&SHARD].groups.contains_key("g"), "an empty group without bookmarks is gone");
}

#[test]
fn bookmarks_are_deleted_only_of_topics_that_nobody_reads_and_groups_only_when_empty() {
    let (mut scene, id) = Scene::stable();
    let group: Arc<str> = Arc::from("g");
    scene.bookmark(&member(&id, 1), "orders").expect("it is taken");
    scene.bookmark(&member(&id, 1), "payments").expect("it is taken");
    let delete = |scene: &Scene, topic: &str| scene.coordinator.delete_offsets(SHARD, &group, &Arc::from(topic), &[0, 1]);
    assert_eq!(delete(&scene, "orders").map(|write| write.records.len()), Err(ErrorCode::GroupSubscribedToTopic));
    assert_eq!(delete(&scene, "payments").map(|write| write.records.len()), Ok(1));
    assert_eq!(scene.coordinator.delete_group(SHARD, &group).map(|write| write.records.len()), Err(ErrorCode::NonEmptyGroup));
    let (_, writes) = scene.coordinator.leave(scene.now, SHARD, &member(&id, 1), &mut scene.out);
    scene.commit(writes, None);
    let write = scene.coordinator.delete_group(SHARD, &group).expect("it is empty");
    scene.commit(vec![write], None);
    assert!(scene.bookmarks().is_empty() && scene.coordinator.shards()[&SHARD].groups.is_empty());
}

#[test]
fn another_coordinator_finds_members_and_generation_in_the_records() {
    let (scene, id) = Scene::stable();
    let record = scene.group().record(7);
    let read = GroupRecord::decode(&record.key(), record.value().as_deref()).expect("it reads back");
    let mut next = Scene::new();
    next.coordinator.load(next.now, SHARD, std::iter::once(read), &mut next.out);
    assert_eq!(next.coordinator.heartbeat(next.now, SHARD, &member(&id, 1)), Ok(()));
    assert_eq!((next.group().state, next.group().state_since_ms), (GroupState::Stable, 7));
    assert_eq!(next.group().static_members["i"], id);
    // It has a full session to report, and not more.
    next.pass(44);
    assert_eq!(next.group().members.len(), 1);
    next.pass(1);
    assert!(next.group().members.is_empty());
}
