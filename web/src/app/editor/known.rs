//! What the scenario's own text says of those who take part: what a view of the cluster leaves out, a form begins with.

use crate::app::editor::thing::fleet;
use playground_core::command::Command;
use playground_core::config::{ProducerConfig, Settings};
use playground_core::scenario::{CommitMode, GroupSpec, ProducerSpec, Scenario};

#[derive(Clone, Debug, Default)]
pub struct Known {
    scenario: Option<Scenario>,
}

impl Known {
    pub fn read(text: &str) -> Known {
        Known { scenario: Scenario::parse(text).ok() }
    }

    pub fn group(&self, name: &str) -> Option<&GroupSpec> {
        self.scenario.as_ref()?.groups.iter().find(|group| group.name == name)
    }

    /// By the name of a fleet or of one of its producers.
    pub fn producer(&self, name: &str) -> Option<&ProducerSpec> {
        let all = &self.scenario.as_ref()?.producers;
        let own = |spec: &&ProducerSpec| spec.name == name || spec.members.iter().any(|member| member == name);
        all.iter().find(own).or_else(|| all.iter().find(|spec| spec.members.first().is_some_and(|member| fleet(member) == name)))
    }

    /// Settings of a producer or a fleet, with what was set on the way.
    pub fn config(&self, name: &str, spec: &ProducerSpec) -> ProducerConfig {
        let mut config = spec.config.clone();
        for entry in self.scenario.iter().flat_map(|scenario| &scenario.timeline) {
            if let Command::Set { client, key, value } = &entry.command
                && (client == name || *client == spec.name)
            {
                // What is no setting of Kafka's is a field of the application.
                let _ = config.set(key, value);
            }
        }
        config
    }

    pub fn commit(mode: CommitMode) -> &'static str {
        match mode {
            CommitMode::Auto => "auto",
            CommitMode::Before => "before",
            CommitMode::After => "after",
            CommitMode::Each => "each",
        }
    }
}
