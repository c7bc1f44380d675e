//! Producers: why one does not send, has no acknowledgement yet, or failed.

use super::partitions::ails;
use super::words::{clock, plural, when};
use super::{Ask, Finding, Found};
use crate::client::producer::{Batched, Producer, Waiting};
use crate::cluster::Cluster;
use crate::config::Acks;
use crate::error::ErrorCode;
use crate::ids::{BrokerId, NodeId, TopicPartition};
use crate::time::SimTime;

pub(super) fn find(cluster: &Cluster, place: usize, ask: Ask) -> Found {
    let producer = &cluster.producers()[place];
    match ask {
        Ask::Send => silent(cluster, producer),
        Ask::Acknowledged => unacknowledged(cluster, producer),
        Ask::Succeed => failed(cluster, producer),
        _ => Err(format!("{} is a producer: it reads nothing.", producer.name)),
    }
}

pub(super) fn general(cluster: &Cluster, place: usize) -> Finding {
    let producer = &cluster.producers()[place];
    let counts = &producer.counts;
    let open = counts.sent.saturating_sub(counts.acked + counts.failed);
    let finding = Finding::said(format!(
        "{} has sent {} to {}: {} acknowledged, {} failed, {open} on their way.",
        producer.name,
        plural(counts.sent, "record"),
        producer.topic,
        counts.acked,
        counts.failed
    ));
    let config = producer.config();
    let rule = format!(
        "acks = {}, enable.idempotence = {}, linger.ms = {}",
        config.acks.name(),
        config.enable_idempotence,
        config.linger.millis()
    );
    let next = producer.workload().next_at();
    let finding = match next {
        SimTime::MAX => finding.holds("It has sent all it was to send.", rule),
        next => finding.holds(format!("Its next record is due {}.", when(cluster, next)), rule),
    };
    finding.event(cluster.condition(NodeId::Client(producer.id)).last)
}

/// Why it sends nothing at this moment.
fn silent(cluster: &Cluster, producer: &Producer) -> Found {
    let (name, waiting) = (&producer.name, producer.waiting());
    let condition = cluster.condition(NodeId::Client(producer.id));
    if condition.down || condition.paused {
        let state = if condition.down { "is down" } else { "is paused" };
        let finding = Finding::said(format!("{name} {state}."));
        return Ok(finding
            .fails(format!("Its process {state}."), "Only a process that runs sends")
            .event(condition.struck.or(condition.last)));
    }
    if waiting.closing {
        let finding = Finding::said(format!("{name} is closing: it takes nothing new and waits for what it sent."));
        return Ok(finding.fails("Its application has called close().", "KafkaProducer.close").event(condition.last));
    }
    if let Some(since) = waiting.blocked_since {
        return Ok(blocked(cluster, producer, &waiting, since));
    }
    if let Some(asked) = waiting.identity.filter(|_| !waiting.batches.is_empty()) {
        let finding = Finding::said(format!("{name} waits for a producer id: without one it may not send."));
        let finding = match asked {
            Some((of, deadline)) => finding
                .fails(format!("It has asked broker {of}."), "enable.idempotence = true (InitProducerId)")
                .awaits(format!("It asks again {} (request.timeout.ms)", when(cluster, deadline))),
            None => finding.fails("No broker it knows can be reached.", "enable.idempotence = true (InitProducerId)"),
        };
        return Ok(finding);
    }
    // What waits, the one that may go last first.
    let mut finding = Finding::said(format!(
        "{name} holds {} back.",
        plural(waiting.batches.iter().map(|batch| u64::from(batch.count)).sum(), "batch").replace("batchs", "batches")
    ));
    for batch in waiting.batches.iter().take(6) {
        finding = held_back(finding, cluster, producer, batch);
    }
    if !finding.because.is_empty() {
        return Ok(finding);
    }
    match waiting.next_record {
        SimTime::MAX => {
            let finding = Finding::said(format!("{name} has sent all it was to send: {}.", plural(producer.counts.sent, "record")));
            Ok(finding.fails("Its application has nothing more to send.", "records of the scenario"))
        }
        next if producer.counts.sent == 0 => {
            let finding = Finding::said(format!("{name} has not begun."));
            Ok(finding.fails(format!("Its first record is due {}.", when(cluster, next)), "start and every of the scenario"))
        }
        next => Err(format!("{name} sends: its next record is due {}.", when(cluster, next))),
    }
}

/// What keeps one batch from going now.
fn held_back(finding: Finding, cluster: &Cluster, producer: &Producer, batch: &Batched) -> Finding {
    let config = producer.config();
    let at = format!("{}-{}", producer.topic, batch.partition);
    let until = format!("It is given up {} (delivery.timeout.ms = {})", when(cluster, batch.deadline), config.delivery_timeout.millis());
    let Some(leader) = batch.leader else {
        let finding =
            finding.fails(format!("{at} has no leader that it knows of."), "Metadata: records go to the leader alone").awaits(until);
        return finding.event(cluster.newest_of(&at)[0]);
    };
    let which = || ails(cluster, leader).map_or(String::new(), |state| format!(", which {state},"));
    match batch.leader_free_at {
        None => {
            let text = format!("{at}: {} requests to its leader {leader}{} are unanswered.", config.max_in_flight, which());
            finding.fails(text, format!("max.in.flight.requests.per.connection = {}", config.max_in_flight)).awaits(until)
        }
        Some(at_time) if at_time > cluster.now() => {
            let text = format!("{at}: the connection to its leader {leader}{} pauses until {}.", which(), clock(at_time));
            finding.fails(text, "reconnect.backoff.ms = 50, up to reconnect.backoff.max.ms = 1000").awaits(until)
        }
        _ if batch.sent_before && batch.at > cluster.now() => {
            let text = format!("{at}: it was refused and is sent again {}.", when(cluster, batch.at));
            finding.fails(text, format!("retry.backoff.ms = {}, ± 20 %", config.retry_backoff.millis())).awaits(until)
        }
        _ if batch.at > cluster.now() => finding.fails(
            format!("{at}: the batch is not full and goes {}.", when(cluster, batch.at)),
            format!("linger.ms = {}, batch.size = {}", config.linger.millis(), config.batch_size),
        ),
        _ => finding.fails(format!("{at}: an earlier batch must be answered first."), "enable.idempotence = true keeps the order"),
    }
}

/// `send()` does not come back.
fn blocked(cluster: &Cluster, producer: &Producer, waiting: &Waiting, since: SimTime) -> Finding {
    let (name, config) = (&producer.name, producer.config());
    let finding = Finding::said(format!("send() of {name} waits since {}.", clock(since)));
    let finding = match waiting.knows_topic {
        false => {
            let known = cluster.controller().image().topic_named(&producer.topic).is_some();
            let text = match known {
                false => format!("There is no topic {}.", producer.topic),
                true => "It has no metadata: no broker it knows answers.".to_owned(),
            };
            finding.fails(text, format!("max.block.ms = {}", config.max_block.millis()))
        }
        true => {
            let text = format!("Its memory is used up: {} of {} bytes wait to be sent.", waiting.buffered, config.buffer_memory);
            finding.fails(text, format!("buffer.memory = {}, max.block.ms = {}", config.buffer_memory, config.max_block.millis()))
        }
    };
    let finding = finding.awaits(format!("It throws a TimeoutException {} (max.block.ms)", when(cluster, since + config.max_block)));
    let leaders: Vec<NodeId> = waiting.batches.iter().filter_map(|batch| batch.leader).map(NodeId::Broker).collect();
    finding.event(cluster.done_last_to(&leaders))
}

fn unacknowledged(cluster: &Cluster, producer: &Producer) -> Found {
    let (name, config, waiting) = (&producer.name, producer.config(), producer.waiting());
    let counts = &producer.counts;
    let open = counts.sent.saturating_sub(counts.acked + counts.failed);
    if open == 0 {
        return Err(format!("{name} has an answer for everything it sent."));
    }
    let mut finding = Finding::said(format!("{name} waits for the answer to {}.", plural(open, "record")));
    let rule = format!("acks = {}, request.timeout.ms = {}", config.acks.name(), config.request_timeout.millis());
    for asked in waiting.requests.iter().take(6) {
        let (client, broker) = (NodeId::Client(producer.id), NodeId::Broker(asked.to));
        let sent = format!("{} under way to broker {}", plural(asked.records, "record"), asked.to);
        let until = format!(
            "It gives the request up {} (request.timeout.ms = {}), and its records {} (delivery.timeout.ms)",
            when(cluster, asked.deadline),
            config.request_timeout.millis(),
            when(cluster, asked.expires)
        );
        finding = if let Some(state) = ails(cluster, asked.to) {
            finding.fails(format!("{sent}, which {state}."), rule.clone()).awaits(until).event(cluster.condition(broker).struck)
        } else if cluster.is_cut(client, broker) || cluster.is_cut(broker, client) {
            let way = if cluster.is_cut(client, broker) { "the way there" } else { "the way back" };
            finding
                .fails(format!("{sent}; {way} is cut."), rule.clone())
                .awaits(until)
                .event(cluster.condition(client).last.max(cluster.condition(broker).last))
        } else if config.acks == Acks::All {
            let (text, event) = waits_for_copies(cluster, producer, asked.to);
            finding.fails(format!("{sent}{text}"), rule.clone()).awaits(until).event(event)
        } else {
            finding.holds(format!("{sent}; the answer is on its way."), rule.clone())
        };
    }
    if waiting.requests.is_empty() {
        // What was not sent cannot be answered.
        return silent(cluster, producer);
    }
    Ok(finding)
}

/// Which copy of the partitions this broker leads holds the promise back.
fn waits_for_copies(cluster: &Cluster, producer: &Producer, leader: BrokerId) -> (String, Option<crate::ids::EventId>) {
    let image = cluster.controller().image();
    let Some(topic) = image.topic_named(&producer.topic) else { return (".".to_owned(), None) };
    for partition in 0..topic.partitions.len() as u32 {
        let id = TopicPartition { topic: topic.id, partition };
        let Some(replica) = cluster.broker(leader).and_then(|broker| broker.replicas().get(&id)) else { continue };
        let Some(leadership) = replica.leadership().filter(|_| replica.high_watermark < replica.log.log_end()) else { continue };
        let late = leadership.followers.iter().filter(|follower| leadership.maximal_isr().any(|member| member == follower.broker));
        let late = late.filter(|follower| follower.log_end.is_none_or(|end| end < replica.log.log_end()));
        let late: Vec<BrokerId> = late.map(|follower| follower.broker).collect();
        if let Some(first) = late.first() {
            let state = ails(cluster, *first).map_or(String::new(), |state| format!(", and broker {first} {state}"));
            let who: Vec<String> = late.iter().map(BrokerId::to_string).collect();
            let text = format!(
                ": it is stored there, and every in-sync replica must have it; {} lack{} it{state}.",
                who.join(" and "),
                if late.len() == 1 { "s" } else { "" }
            );
            return (text, cluster.condition(NodeId::Broker(*first)).struck);
        }
    }
    ("; it is on its way.".to_owned(), None)
}

/// What an error meant to a producer.
fn meaning(error: ErrorCode) -> &'static str {
    match error {
        ErrorCode::NotEnoughReplicas => "too few replicas were in sync (min.insync.replicas); nothing was stored",
        ErrorCode::NotEnoughReplicasAfterAppend => "stored, but too few replicas were in sync by then",
        ErrorCode::NotLeaderOrFollower => "the broker does not lead the partition any more; metadata is asked for again",
        ErrorCode::NetworkException => "the connection closed before the answer",
        ErrorCode::RequestTimedOut => "the replicas did not have it in time",
        ErrorCode::DeliveryTimeout => "delivery.timeout.ms or max.block.ms was over",
        ErrorCode::MessageTooLarge => "larger than max.request.size or max.message.bytes",
        ErrorCode::OutOfOrderSequenceNumber => "a batch before it is missing (idempotence)",
        ErrorCode::InvalidTimestamp => "its timestamp is too far from the broker's clock",
        _ => "Kafka's own word for it",
    }
}

fn failed(cluster: &Cluster, producer: &Producer) -> Found {
    let (name, config, counts) = (&producer.name, producer.config(), &producer.counts);
    if counts.errors.is_empty() && counts.failed == 0 {
        return Err(format!("No send of {name} failed."));
    }
    let mut finding =
        Finding::said(format!("{} of {name} failed for good; {} were sent again.", plural(counts.failed, "record"), counts.retries));
    for (error, count) in &counts.errors {
        let text = format!("{} {count}×: {}.", error.name(), meaning(*error));
        let rule = match error.retriable() {
            true => format!("retriable: sent again until delivery.timeout.ms = {}", config.delivery_timeout.millis()),
            false => format!("retries = {}", config.retries),
        };
        finding = if error.retriable() { finding.holds(text, rule) } else { finding.fails(text, rule) };
    }
    let image = cluster.controller().image();
    let partitions = image.topic_named(&producer.topic).map_or(0, |topic| topic.partitions.len());
    let names = (0..partitions).map(|partition| format!("{}-{partition}", producer.topic));
    let newest = names.flat_map(|name| cluster.newest_of(&name)).flatten().max();
    Ok(finding.event(newest))
}

pub(super) fn fields(cluster: &Cluster, place: usize) -> Vec<(String, String)> {
    let producer = &cluster.producers()[place];
    let (config, waiting) = (producer.config(), producer.waiting());
    let mut fields: Vec<(String, String)> = [
        ("acks", config.acks.name().to_owned()),
        ("enable.idempotence", config.enable_idempotence.to_string()),
        ("max.in.flight.requests.per.connection", config.max_in_flight.to_string()),
        ("delivery.timeout.ms", config.delivery_timeout.millis().to_string()),
        ("request.timeout.ms", config.request_timeout.millis().to_string()),
        ("linger.ms", config.linger.millis().to_string()),
        ("buffered bytes", waiting.buffered.to_string()),
        ("batches waiting", waiting.batches.iter().map(|batch| batch.count).sum::<u32>().to_string()),
        ("requests under way", waiting.requests.len().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    fields.extend(producer.counts.errors.iter().map(|(error, count)| (error.name().to_owned(), count.to_string())));
    fields
}
