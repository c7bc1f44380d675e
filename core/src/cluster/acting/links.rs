//! Links that are cut, slow or lossy, and links that are whole again.

use super::super::Cluster;
use crate::command::{CommandError, LinkFault, Path};
use crate::ids::NodeId;
use crate::network::Trouble;
use crate::sorted::settle;

impl Cluster {
    pub(super) fn trouble(&mut self, path: &Path, fault: LinkFault) -> Result<(), CommandError> {
        let mut pairs = self.pairs(path);
        if pairs.is_empty() {
            return Err(CommandError::Refused(format!(
                "Nothing goes between {} and {}: clients talk to brokers alone.",
                path.from, path.to
            )));
        }
        let event = self.tell_link(path, fault);
        if !path.one_way && !matches!(fault, LinkFault::Duplicate(_)) {
            pairs.extend(pairs.clone().iter().map(|(from, to)| (*to, *from)));
        }
        for (from, to) in pairs {
            if fault != LinkFault::Heal {
                self.hosts[from as usize].strike(event);
                self.hosts[to as usize].strike(event);
            }
            let trouble = match fault {
                LinkFault::Heal => {
                    self.heal(from, to);
                    continue;
                }
                LinkFault::Cut => Trouble::Cut,
                LinkFault::Slow(by) => Trouble::Slow(by),
                LinkFault::Lose(percent) => Trouble::Lose(percent),
                LinkFault::Duplicate(percent) => {
                    // It is the answer that does not come.
                    self.reset_answers(from, to, percent);
                    if !path.one_way {
                        self.reset_answers(to, from, percent);
                    }
                    continue;
                }
            };
            let (from_end, to_end) = (self.end_of(from), self.end_of(to));
            self.network.trouble(from_end, to_end, trouble);
        }
        Ok(())
    }

    fn reset_answers(&mut self, asking: u32, answering: u32, percent: u32) {
        let (from, to) = (self.end_of(answering), self.end_of(asking));
        self.network.trouble(from, to, Trouble::Reset(percent));
    }

    fn heal(&mut self, from: u32, to: u32) {
        let (from_end, to_end) = (self.end_of(from), self.end_of(to));
        for (at, envelope) in self.network.heal(self.now, from_end, to_end) {
            self.queue.deliver(at, envelope);
        }
        for envelope in self.network.take_given_up() {
            if let Some(broker) = self.number(envelope.to) {
                let because = self.hosts[from as usize].last;
                self.nobody_takes(broker, envelope.from, &envelope.message, true, because);
            }
        }
    }

    pub(super) fn heal_all(&mut self) {
        self.fault("network".to_owned(), "All links are as the scenario made them.".to_owned(), "heal", Vec::new());
        let mut numbers: Vec<(u64, u32)> = (0..self.hosts.len() as u32).map(|node| (self.node_id(node).stream(), node)).collect();
        settle(&mut numbers, |a, b| a < b);
        for (from, to) in self.network.faulty() {
            if let Ok(place) = numbers.binary_search_by_key(&to, |(stream, _)| *stream) {
                self.heal(from, numbers[place].1);
            }
        }
    }

    /// Sender and receiver of each link that is meant, as dense numbers.
    pub(super) fn pairs(&self, path: &Path) -> Vec<(u32, u32)> {
        let (senders, receivers) = (self.meant(&path.from), self.meant(&path.to));
        let client = |node: u32| matches!(self.node_id(node), NodeId::Client(_));
        let broker = |node: u32| matches!(self.node_id(node), NodeId::Broker(_));
        let talk = |a: u32, b: u32| a != b && (!client(a) || broker(b)) && (!client(b) || broker(a));
        let mut pairs = Vec::new();
        for from in senders {
            pairs.extend(receivers.iter().filter(|to| talk(from, **to)).map(|to| (from, *to)));
        }
        pairs
    }

    fn tell_link(&mut self, path: &Path, fault: LinkFault) -> crate::ids::EventId {
        let ((from, _), (to, _)) = (self.actor(&path.from), self.actor(&path.to));
        let lower = |text: &str| text[..1].to_ascii_lowercase() + &text[1..];
        let between = match path.one_way {
            true => format!("from {} to {}", lower(&from), lower(&to)),
            false => format!("between {} and {}", lower(&from), lower(&to)),
        };
        let (text, rule) = match fault {
            LinkFault::Heal => (format!("The network {between} is whole again."), "heal: what waited arrives when TCP next tries"),
            LinkFault::Cut => (
                format!("The network {between} is cut: nothing gets through."),
                "cut: TCP keeps what is sent and tries again; whoever waits for an answer gives up after request.timeout.ms",
            ),
            LinkFault::Slow(by) => (format!("The network {between} is slower by {by}."), "slow: added to the latency of every message"),
            LinkFault::Lose(percent) => (
                format!("The network {between} loses {percent} packets in 100."),
                "lose: TCP sends a lost packet again after 200 ms, doubled for each further loss; what follows waits",
            ),
            LinkFault::Duplicate(percent) => (
                format!("Connections {between} break in {percent} of 100 requests, after the request was carried out."),
                "duplicate: the answer is lost with its connection, so the sender asks again",
            ),
        };
        self.fault(path.to_string(), text, rule, Vec::new())
    }
}
