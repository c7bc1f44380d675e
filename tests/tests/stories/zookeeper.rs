//! Kafka 3.9: what the scenario files `zk_*` cannot ask.

use playground_core::report::{EventFilter, report};
use playground_core::scenario::Scenario;
use playground_core::shell::reading::answer;
use playground_tests::story::Told;

fn kill_controller() -> Told {
    Told::of(&Scenario::parse(include_str!("../../scenarios/zk_kill_controller.toml")).expect("valid"))
}

#[test]
fn the_report_shows_the_ensemble_and_which_broker_is_the_controller() {
    let told = kill_controller().until("60s");
    let text = report(&told.view(), &[], "", EventFilter::None);
    let new = told.view().controllers.leader.expect("a controller");
    assert!([102, 103].contains(&new), "{new}");
    let parts = [
        format!("\"controllers\":{{\"alive\":[3001,3002,3003],\"epoch\":2,\"leader\":{new},\"voters\":[3001,3002,3003]}}"),
        "\"zookeeper\":{\"alive\":[3001,3002,3003],\"leader\":3001,\"servers\":[3001,3002,3003]}".to_owned(),
        "\"kafka\":\"3.9\"".to_owned(),
    ];
    for part in parts {
        assert!(text.contains(&part), "{part} in {text}");
    }
}

#[test]
fn an_election_reaches_back_to_the_crash_by_the_session_that_ended() {
    let told = kill_controller().until("60s");
    let elected = told.events("leader_elected");
    let leader = elected.iter().find(|event| event.subject == "orders-0").expect("101 led it");
    let session = told.event(leader.causes[0]);
    assert_eq!((session.kind.as_str(), session.subject.as_str()), ("broker_fenced", "101"));
    assert_eq!(told.event(session.causes[0]).text, "Broker 101 crashed. Its disk is still there.");
    let controller = told.events("controller_elected")[0];
    let resigned = told.event(controller.causes[0]);
    assert_eq!((resigned.kind.as_str(), resigned.causes[0]), ("controller_resigned", session.id));
}

#[test]
fn there_is_no_quorum_to_describe_and_no_elr() {
    let told = kill_controller().until("10s");
    let refused = answer(&told.cluster, "kafka-metadata-quorum.sh describe --status").expect("it reads").expect_err("no quorum");
    assert!(refused.starts_with("The node does not support DESCRIBE_QUORUM\n"), "{refused}");
    let topics = answer(&told.cluster, "kafka-topics.sh --describe --topic orders").expect("it reads").expect("printed");
    assert!(topics.ends_with("Isr: 103,101,102\tElr: N/A\tLastKnownElr: N/A"), "{topics}");
}
