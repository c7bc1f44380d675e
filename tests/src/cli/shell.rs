//! `shell`: runs a scenario, then takes shell lines and prints what the page's terminal would.

use super::args::Args;
use super::{Answer, BadInput, bad, load};
use playground_core::cluster::Cluster;
use playground_core::session::words::time_word;
use playground_core::session::{Progress, Session};
use playground_core::shell::{parse_line, reading};
use playground_core::time::SimDuration;
use playground_core::why;
use std::io::BufRead;

pub(super) fn call(rest: &[String], lines: impl BufRead) -> Result<Answer, BadInput> {
    let args = Args::read(rest, &["FILE"], &load::OPTIONS, &[])?;
    let (scenario, end) = load::scenario(&args)?;
    let mut session = Session::open(scenario);
    while session.advance(end, u64::MAX) == Progress::OutOfBudget {}
    let mut stdout = String::new();
    for line in lines.lines() {
        let line = line.or_else(|error| bad(format!("standard input: {error}.")))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = answer(&mut session, &line);
        stdout.push_str(&answer);
        if !answer.is_empty() {
            stdout.push('\n');
        }
    }
    Ok(Answer { stdout, ..Answer::default() })
}

/// A tool ends when the quorum has what it asked for; brokers hear of it at once.
fn wait(session: &mut Session) {
    let heard = |cluster: &Cluster| {
        let written = cluster.active_controller().is_none_or(|voter| voter.raft().end() <= voter.raft().high_watermark());
        let known = cluster.brokers().iter().filter(|broker| broker.listens()).map(|broker| broker.image().offset).max();
        written && known.is_none_or(|known| known >= cluster.controller().image().offset)
    };
    let end = session.cluster().now() + SimDuration::from_secs(60);
    while !heard(session.cluster()) && session.cluster().now() < end {
        session.advance(session.cluster().now() + SimDuration::from_millis(1), u64::MAX);
    }
}

/// What Kafka's tool prints; for a verb of our own, what it did.
fn answer(session: &mut Session, line: &str) -> String {
    if let Some(answer) = time_word(session, line) {
        session.arrive();
        return answer.unwrap_or_else(|refusal| refusal);
    }
    if let Some(answer) = why::answer_line(session, line) {
        return answer.unwrap_or_else(|refusal| refusal);
    }
    if let Some(answer) = reading::answer(session.cluster(), line) {
        return answer.unwrap_or_else(|refusal| refusal);
    }
    let command = match parse_line(line) {
        Ok(command) => command,
        Err(error) => return error.to_string(),
    };
    let kafka = command.to_string().starts_with("kafka-");
    match session.submit(command) {
        Ok(answer) if kafka => {
            wait(session);
            answer
        }
        Ok(answer) if !answer.is_empty() => answer,
        Ok(_) => session.cluster().events().last().map(|event| event.text.clone()).unwrap_or_default(),
        Err(error) => error.to_string(),
    }
}
