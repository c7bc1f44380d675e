//! The whole engine, tested through its public API only.

pub mod bench;
pub mod cli;
pub mod counting;
pub mod story;
pub mod swarm;
pub mod vectors;
