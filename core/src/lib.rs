//! Apache Kafka as a value: brokers, controller, clients, network and disks, one clock, one queue, no I/O.
//!
//! Layers, each using only those above it:
//! ground (`time`, `rng`, `ids`, `config`) → vocabulary → storage → participants → world → history → `view` → language.

#![forbid(unsafe_code)]

pub mod command;
pub mod config;
pub mod ids;
pub mod rng;
pub mod scenario;
pub mod session;
pub mod time;
pub mod view;
