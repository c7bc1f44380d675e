//! How long an assignor takes: `rebalance [MEMBERS PARTITIONS TOPICS]`, 1,000, 10,000 and 10 unless said otherwise. For each one the time of a
//! rebalance from nothing, of the next after a member left, and of the same where a tenth of the members reads one topic less.

use playground_core::group::assignor::{self, Assignment, Assignor, Member, Topic, Topics};
use playground_core::group::consumer_protocol::Subscription;
use playground_core::rng::{Seed, SimRng};
use std::time::Instant;

/// The median of so many is told.
const ROUNDS: usize = 5;
const GOAL_MS: f64 = 50.0;

fn main() {
    let numbers: Vec<u32> = std::env::args().skip(1).map(|text| text.parse().unwrap_or_else(|_| panic!("{text} is no number"))).collect();
    let (members, partitions, topics) = match numbers[..] {
        [members, partitions, topics] => (members, partitions, topics),
        _ => (1_000, 10_000, 10),
    };
    println!("{members} members on {partitions} partitions of {topics} topics, ms (goal: {GOAL_MS})");
    println!("{:28} {:>13} {:>12} {:>14}", "", "from nothing", "one left", "mixed topics");
    let (client, server) = (assignor::client, assignor::server);
    for (name, assignor) in [
        ("range", client("range")),
        ("roundrobin", client("roundrobin")),
        ("sticky", client("sticky")),
        ("cooperative-sticky", client("cooperative-sticky")),
        ("uniform (coordinator)", server("uniform")),
        ("range (coordinator)", server("range")),
    ] {
        let assignor = assignor.expect("an assignor of this name");
        let mut group = Group::new(members, partitions, topics);
        let (first, shares) = group.time(assignor);
        group.keep(&shares, assignor);
        group.members.remove(members as usize / 2);
        let (left, shares) = group.time(assignor);
        group.keep(&shares, assignor);
        group.members.iter_mut().step_by(10).for_each(|member| drop(member.subscription.topics.pop()));
        let (mixed, _) = group.time(assignor);
        let missed = if first.max(left) > GOAL_MS { "  MISSED" } else { "" };
        println!("{name:28} {first:>13.1} {left:>12.1} {mixed:>14.1}{missed}");
    }
}

struct Group {
    members: Vec<Member>,
    topics: Topics,
}

impl Group {
    /// Members with ids such as Kafka makes them, in no order.
    fn new(members: u32, partitions: u32, topics: u32) -> Self {
        let mut rng = SimRng::new(Seed(7), 0);
        let names: Vec<std::sync::Arc<str>> = (0..topics).map(|topic| format!("topic-{topic}").into()).collect();
        let member = |number: u32| {
            let (high, low) = (rng.below(u64::MAX), rng.below(u64::MAX));
            let id =
                format!("consumer-group-{number}-{:08x}-{:04x}-4{:03x}-a{:03x}-{low:012x}", high as u32, low >> 48, high >> 52, low >> 52);
            let subscription = Subscription { topics: names.clone(), ..Subscription::default() };
            Member { id: id.into(), instance: None, subscription }
        };
        let members: Vec<Member> = (0..members).map(member).collect();
        let topic = |(place, name): (usize, &std::sync::Arc<str>)| {
            let id = (u128::from(place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834)).to_be_bytes();
            (std::sync::Arc::clone(name), Topic { id, partitions: partitions / topics, racks: Vec::new() })
        };
        Group { members, topics: names.iter().enumerate().map(topic).collect() }
    }

    fn time(&self, assignor: &dyn Assignor) -> (f64, Assignment) {
        let mut times = Vec::new();
        let mut shares = Assignment::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            shares = assignor.assign(&self.members, &self.topics);
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        (times[ROUNDS / 2], shares)
    }

    /// Everybody has got its share and says so at the next rebalance.
    fn keep(&mut self, shares: &Assignment, assignor: &dyn Assignor) {
        for member in &mut self.members {
            let share = &shares[&*member.id];
            let generation = member.subscription.generation.unwrap_or(0) + 1;
            member.subscription.user_data = assignor.user_data(Some((share, generation)));
            member.subscription.owned = share.clone();
            member.subscription.generation = Some(generation);
        }
    }
}
