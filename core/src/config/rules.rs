//! What Kafka demands of several settings together, in its own words where it has some.
//!
//! `given` names the settings the user wrote: Kafka bends its own defaults, and refuses to bend what was asked for.

use super::{Acks, BrokerConfig, ConsumerConfig, ProducerConfig, Profile};
use crate::sorted::SortedSet;
use std::fmt;

/// A setting that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    pub key: String,
    /// What was wrong, and what to write instead.
    pub message: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigFault {}

fn fault(key: &str, message: impl Into<String>) -> ConfigFault {
    ConfigFault { key: key.to_owned(), message: message.into() }
}

impl ProducerConfig {
    /// Applies Kafka's rules for idempotence and timeouts, once every setting is read.
    pub fn settle(&mut self, given: &SortedSet<String>) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        if self.enable_idempotence {
            self.settle_idempotence(given.contains("enable.idempotence"), &mut faults);
        }
        if given.contains("partitioner") && given.contains("partitioner.class") {
            faults.push(fault("partitioner", "`partitioner` is librdkafka's and `partitioner.class` is Java's. Write only one of them."));
        }
        let least = self.linger + self.request_timeout;
        if self.delivery_timeout < least {
            if given.contains("delivery.timeout.ms") {
                let least = least.millis();
                faults.push(fault(
                    "delivery.timeout.ms",
                    format!(
                        "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms. Write at least {least}."
                    ),
                ));
            } else {
                self.delivery_timeout = least;
            }
        }
        faults
    }

    fn settle_idempotence(&mut self, asked_for: bool, faults: &mut Vec<ConfigFault>) {
        if self.max_in_flight > 5 {
            faults.push(fault(
                "max.in.flight.requests.per.connection",
                format!(
                    "To use the idempotent producer, max.in.flight.requests.per.connection must be set to at most 5. Current value is {}. \
                     Write 5 or less, or \"enable.idempotence\" = false.",
                    self.max_in_flight
                ),
            ));
        }
        if asked_for && self.acks != Acks::All {
            faults.push(fault(
                "acks",
                "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence. \
                 Write acks = \"all\", or leave enable.idempotence out.",
            ));
        }
        if asked_for && self.retries == 0 {
            faults.push(fault(
                "retries",
                "Must set retries to non-zero when using the idempotent producer. Leave one of the two settings out.",
            ));
        }
        if self.acks != Acks::All || self.retries == 0 {
            self.enable_idempotence = false;
        }
    }

    /// Whether [`settle`](Self::settle) switches idempotence off by itself, so that nobody need write it.
    pub fn idempotence_is_off_by_rule(&self) -> bool {
        !self.enable_idempotence && self.max_in_flight <= 5 && (self.acks != Acks::All || self.retries == 0)
    }
}

impl ConsumerConfig {
    /// `brokers`: the settings of those it will talk to.
    pub fn check(&self, brokers: &BrokerConfig) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        if self.heartbeat_interval >= self.session_timeout {
            faults.push(fault(
                "heartbeat.interval.ms",
                "Heartbeat must be set lower than the session timeout. Write at most a third of session.timeout.ms.",
            ));
        }
        let (least, most) = (brokers.group_min_session_timeout, brokers.group_max_session_timeout);
        if !(least..=most).contains(&self.session_timeout) {
            faults.push(fault(
                "session.timeout.ms",
                format!(
                    "The session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and \
                     group.max.session.timeout.ms). Write {} to {}.",
                    least.millis(),
                    most.millis()
                ),
            ));
        }
        faults
    }
}

impl ConsumerConfig {
    /// What may be set under which `group.protocol` (`ConsumerConfig.checkUnsupportedConfigsPostProcess`).
    pub fn check_protocol(&self, given: &SortedSet<String>, profile: Profile) -> Vec<ConfigFault> {
        let classic = ["heartbeat.interval.ms", "session.timeout.ms", "partition.assignment.strategy"];
        let (refused, protocol): (&[&str], &str) = match self.consumer_protocol {
            true => (&classic, "CONSUMER"),
            false => (&["group.remote.assignor"], "CLASSIC"),
        };
        let mut faults: Vec<ConfigFault> = Vec::new();
        for key in refused.iter().filter(|key| given.contains(**key)) {
            faults.push(fault(key, format!("{key} cannot be set when group.protocol={protocol}. Leave it out.")));
        }
        if self.remote_assignor.as_ref().is_some_and(|name| !["uniform", "range"].contains(&&**name)) {
            faults.push(fault("group.remote.assignor", "The brokers have two assignors. Write uniform or range."));
        }
        if self.consumer_protocol && profile == Profile::V3_9 {
            let message =
                "The cluster does not support the new CONSUMER group protocol, which came with 4.0. Write classic, or kafka = \"4.3\".";
            faults.push(fault("group.protocol", message));
        }
        faults
    }
}

impl BrokerConfig {
    pub fn check(&self) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        if self.group_min_session_timeout > self.group_max_session_timeout {
            faults.push(fault(
                "group.max.session.timeout.ms",
                "group.max.session.timeout.ms must be greater than or equal to group.min.session.timeout.ms. Write more than that.",
            ));
        }
        if self.replica_fetch_wait_max > self.replica_lag_time_max {
            faults.push(fault(
                "replica.fetch.wait.max.ms",
                format!(
                    "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes \
                     in ISR. Write at most {}.",
                    self.replica_lag_time_max.millis()
                ),
            ));
        }
        if self.heartbeat_interval >= self.session_timeout {
            faults.push(fault(
                "broker.heartbeat.interval.ms",
                "A broker must be able to send a heartbeat within broker.session.timeout.ms. Write at most half of it.",
            ));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::time::SimDuration;

    fn settled(pairs: &[(&str, &str)]) -> (ProducerConfig, Vec<ConfigFault>) {
        let mut config = ProducerConfig::default();
        let mut given = SortedSet::new();
        for (key, value) in pairs {
            config.set(key, value).unwrap();
            given.insert((*key).to_owned());
        }
        let faults = config.settle(&given);
        (config, faults)
    }

    #[test]
    fn fewer_acks_switch_idempotence_off_unless_it_was_asked_for() {
        let (config, faults) = settled(&[("acks", "1")]);
        assert!(faults.is_empty() && !config.enable_idempotence);
        let (_, faults) = settled(&[("acks", "1"), ("enable.idempotence", "true")]);
        assert!(faults[0].message.starts_with("Must set acks to all"));
        let (config, faults) = settled(&[("retries", "0")]);
        assert!(faults.is_empty() && !config.enable_idempotence);
    }

    #[test]
    fn an_idempotent_producer_has_at_most_five_requests_in_flight() {
        assert_eq!(settled(&[("max.in.flight.requests.per.connection", "6")]).1.len(), 1);
        assert!(settled(&[("max.in.flight.requests.per.connection", "6"), ("enable.idempotence", "false")]).1.is_empty());
        assert!(settled(&[("max.in.flight.requests.per.connection", "5")]).1.is_empty());
    }

    #[test]
    fn a_delivery_timeout_covers_linger_and_one_request() {
        assert_eq!(settled(&[("delivery.timeout.ms", "30s")]).1[0].key, "delivery.timeout.ms");
        let (config, faults) = settled(&[("request.timeout.ms", "200s")]);
        assert!(faults.is_empty());
        assert_eq!(config.delivery_timeout, SimDuration::from_millis(200_005));
    }
}
