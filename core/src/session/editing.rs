//! Before anything ran, a line that builds changes the scenario itself: who pauses at 0 s to build gets a clean file, no timeline.

use super::Session;
use super::acts::{Change, Step};
use super::past::Past;
use crate::command::{Command, CommandError};
use crate::scenario::Scenario;
use crate::time::SimTime;

impl Session {
    /// `None`: the line is no edit, or something has run; it happens to the cluster then.
    pub(super) fn edit(&mut self, command: &Command) -> Option<Result<String, CommandError>> {
        if self.cluster.now() > SimTime::ZERO {
            return None;
        }
        let scenario = match self.scenario.edited(command)? {
            Ok(scenario) => scenario,
            Err(reason) => return Some(Err(CommandError::Refused(reason))),
        };
        self.turn(scenario, command);
        self.arrive();
        Some(Ok(answer(command)))
    }

    fn turn(&mut self, scenario: Scenario, command: &Command) {
        let opened = (self.opened != self.scenario).then(|| Box::new(self.opened.clone()));
        let before = Box::new(self.scenario.clone());
        let line = command.to_string();
        let forks = self.begin_act(&line);
        let change = Change::Scenario { branch: self.acts.shown, before, opened, command: command.clone() };
        self.acts.done.push(Step { line, change: forks.unwrap_or(change) });
        self.fold(scenario, command, SimTime::ZERO);
    }

    /// Starting over begins with what was built.
    fn fold(&mut self, scenario: Scenario, command: &Command, seen: SimTime) {
        if let Some(Ok(opened)) = self.opened.edited(command) {
            self.opened = opened;
        }
        (self.file, self.edited) = (None, true);
        self.turn_into(scenario, seen);
    }

    /// The edit once more, shown as far as the run is shown now.
    pub(super) fn edit_again(&mut self, command: &Command, seen: SimTime) {
        if let Some(Ok(scenario)) = self.scenario.edited(command) {
            self.fold(scenario, command, seen);
        }
    }

    /// The run is another from its first instant on.
    pub(super) fn turn_into(&mut self, scenario: Scenario, seen: SimTime) {
        self.scenario = scenario;
        self.past = Past::default();
        self.told = Vec::new();
        self.head = seen;
        self.set_out(seen, false);
    }

    /// Why a command would be refused now, if it would. Tried on a copy: nothing here changes.
    pub fn refusal(&self, command: &Command) -> Option<CommandError> {
        let edited = if self.cluster.now() > SimTime::ZERO { None } else { self.scenario.edited(command) };
        match edited {
            Some(edited) => edited.err().map(CommandError::Refused),
            None => {
                let mut trial = self.cluster.clone();
                trial.settle();
                trial.apply(command).err()
            }
        }
    }
}

/// What Kafka's own tool prints.
fn answer(command: &Command) -> String {
    match command {
        Command::CreateTopic(new) => format!("Created topic {}.", new.name),
        Command::ConfigureTopic { topic, .. } => format!("Completed updating config for topic {topic}."),
        Command::ConfigureBrokers { .. } => "Completed updating default config for brokers in the cluster.".to_owned(),
        // Kafka has no words for it: the line as it was understood.
        _ => command.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_known_before_anything_happens() {
        let mut session = Session::read("kafka = \"4.3\"\n[cluster]\nbrokers = [101, 102]\n").expect("a scenario");
        let line = |line: &str| crate::shell::parse_line(line).expect("a line");
        let create = line("kafka-topics.sh --create --topic orders --partitions 1 --replication-factor 3");
        assert!(session.refusal(&create).is_some_and(|error| error.to_string().contains("replication factor")), "before anything ran");
        session.advance(SimTime(5_000_000), u64::MAX);
        let before = session.cluster().digest();
        assert!(session.refusal(&create).is_some());
        assert!(session.refusal(&line("start 101")).is_some());
        assert!(session.refusal(&line("kill 101")).is_none());
        assert_eq!(session.cluster().digest(), before);
    }
}
