//! The whole engine, tested through its public API only.

pub mod cli;
pub mod vectors;
