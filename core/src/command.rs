//! All a user can do to a running cluster. Every click and every shell line becomes one of these.

use crate::ids::BrokerId;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// `kill 102`: the process is gone at once; its disk stays.
    Kill(BrokerId),
    /// `start 102`: the process starts on its disk.
    Start(BrokerId),
}

impl Command {
    /// The broker it is about.
    pub const fn broker(&self) -> BrokerId {
        match self {
            Command::Kill(broker) | Command::Start(broker) => *broker,
        }
    }
}

/// Why a command was refused; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommandError {
    NoSuchBroker { broker: BrokerId, known: Vec<BrokerId> },
    NotRunning(BrokerId),
    AlreadyRunning(BrokerId),
}

/// The canonical shell line; `shell::parse_line` reads it back.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Kill(broker) => write!(f, "kill {broker}"),
            Command::Start(broker) => write!(f, "start {broker}"),
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::NoSuchBroker { broker, known } => {
                let known: Vec<String> = known.iter().map(BrokerId::to_string).collect();
                write!(f, "There is no broker {broker}. Brokers here: {}.", known.join(", "))
            }
            CommandError::NotRunning(broker) => write!(f, "Broker {broker} is already down. Write `start {broker}` first."),
            CommandError::AlreadyRunning(broker) => write!(f, "Broker {broker} is already running. Write `kill {broker}` first."),
        }
    }
}

impl std::error::Error for CommandError {}
