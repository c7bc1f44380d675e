//! Settings against what a running Kafka 4.3 says of them: types and defaults of every modelled one among the vectors.

use playground_core::config::{BrokerConfig, ConsumerConfig, Described, ProducerConfig, Settings, TopicConfig};
use serde_json::Value;

fn described(scope: &str) -> Vec<Described> {
    match scope {
        "producer" => ProducerConfig::default().describe(),
        "consumer" => ConsumerConfig::default().describe(),
        "topic" => TopicConfig::default().describe(),
        "broker" => BrokerConfig::default().describe(),
        _ => Vec::new(),
    }
}

#[test]
fn modelled_settings_have_kafkas_types_and_defaults() {
    let file: Value = serde_json::from_str(include_str!("../vectors/vectors.json")).expect("JSON");
    let vectors = file.get("vectors").unwrap_or(&file).as_array().expect("a list");
    let mut compared = 0;
    for vector in vectors.iter().filter(|vector| vector["kind"] == "config_default") {
        let (input, expect) = (&vector["input"], &vector["expect"]);
        let settings = described(input["scope"].as_str().expect("a scope"));
        let Some(setting) = settings.iter().find(|setting| input["name"] == setting.key) else { continue };
        assert_eq!(expect["type"], setting.kafka_type, "{}", setting.key);
        if let Some(default) = expect["default"].as_str() {
            assert_eq!(default, setting.default, "{}", setting.key);
        }
        compared += 1;
    }
    assert!(compared >= 25, "only {compared} settings were compared");
}
