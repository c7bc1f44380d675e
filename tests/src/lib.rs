//! The whole engine, tested through its public API only.

pub mod vectors;
