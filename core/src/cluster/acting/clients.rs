//! Settings and clocks of clients.

use super::super::Cluster;
use super::super::numbering::Seat;
use crate::command::{CommandError, Who};
use crate::config::Settings;
use crate::scenario::{CommitMode, limits};
use crate::sorted::SortedSet;
use crate::time::SimDuration;
use std::sync::Arc;

impl Cluster {
    /// Clocks stamp records and offsets, and nothing else here; timers follow their own.
    pub(super) fn skew(&mut self, who: &Who, ms: i64) -> Result<(), CommandError> {
        let nodes = self.meant(who);
        let (producers, brokers): (Vec<usize>, Vec<usize>) = (
            nodes.iter().filter_map(|node| self.producer_at(*node)).collect(),
            nodes.iter().filter_map(|node| self.broker_place(*node)).collect(),
        );
        let rule = match (producers.is_empty(), brokers.is_empty()) {
            (true, true) => return Err(CommandError::Refused("Only producers and brokers stamp records: no other clock is asked.".into())),
            (false, _) => "message.timestamp.type = CreateTime: a record carries its producer's clock",
            (true, false) => "message.timestamp.type: LogAppendTime is the leader's clock, and CreateTime may not be far from it",
        };
        let (actor, many) = self.actor(who);
        let clock = if many { "clocks are" } else { "clock is" };
        let by = SimDuration::from_millis(ms.unsigned_abs());
        let text = match ms {
            0 => format!("{actor}: {clock} right again."),
            ms => format!("{actor}: {clock} {by} {}.", if ms < 0 { "behind" } else { "ahead" }),
        };
        self.fault(who.to_string(), text, rule, Vec::new());
        producers.into_iter().for_each(|producer| self.producers[producer].skew(ms));
        brokers.into_iter().for_each(|broker| self.brokers[broker].skew(ms));
        Ok(())
    }

    pub(super) fn set(&mut self, client: &str, key: &str, value: &str) -> Result<(), CommandError> {
        let who = Who::Client(client.to_owned());
        let nodes = self.meant(&who);
        // All of them or none: each is tried before any is changed.
        let mut producers = Vec::new();
        let mut consumers = Vec::new();
        for node in nodes {
            match self.seat(node) {
                Seat::Producer(place) => {
                    let producer = &self.producers[place as usize];
                    let mut config = producer.config().clone();
                    config.set(key, value).map_err(|fault| CommandError::Refused(fault.message))?;
                    let mut given: SortedSet<String> = producer.config().given().into_iter().map(|(key, _)| key).collect();
                    given.insert(key.to_owned());
                    if let Some(fault) = config.settle(&given).into_iter().next() {
                        return Err(CommandError::Refused(fault.message));
                    }
                    producers.push((place as usize, config));
                }
                Seat::Consumer(place) => {
                    let place = place as usize;
                    let mut spec = (**self.consumers[place].spec()).clone();
                    // What its application does is set as its file has it.
                    match (key, SimDuration::parse(value), CommitMode::named(value)) {
                        ("process", Some(process), _) if process <= limits::DELAY => spec.process = process,
                        ("commit", _, Some(commit)) => {
                            spec.commit = commit;
                            spec.config.enable_auto_commit = commit == CommitMode::Auto;
                        }
                        _ => spec.config.set(key, value).map_err(|fault| CommandError::Refused(fault.message))?,
                    }
                    consumers.push((node, place, spec));
                }
                _ => {}
            }
        }
        let (actor, many) = self.actor(&who);
        let goes = if many { "go" } else { "goes" };
        let text = format!("{actor} {goes} on with {key} = {value}.");
        self.fault(client.to_owned(), text, "set: as if the client had been closed and opened again", Vec::new());
        for (place, config) in producers {
            self.producers[place].reconfigure(Arc::new(config));
        }
        for (node, place, spec) in consumers {
            let now = self.now;
            self.acting_as(node, |cluster, out| cluster.consumers[place].cope(now, Arc::new(spec), out));
        }
        Ok(())
    }
}
