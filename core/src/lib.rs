//! Apache Kafka as a value: brokers, controller, clients, network and disks, one clock, one queue, no I/O.
//!
//! Layers, each using only those above it:
//! ground (`time`, `rng`, `ids`, `config`) → vocabulary → storage → participants → world → history → `view` → language.

#![forbid(unsafe_code)]

pub mod broker;
pub mod client;
pub mod cluster;
pub mod command;
pub mod config;
pub mod controller;
pub mod crc;
pub mod error;
pub mod group;
pub mod hash;
pub mod ids;
pub mod log;
pub mod metadata;
pub(crate) mod nearest;
pub mod network;
pub mod node;
pub mod planted;
pub mod protocol;
pub mod quorum;
pub mod record;
pub mod report;
pub mod rng;
pub mod scenario;
pub mod session;
pub mod shell;
pub mod sorted;
pub mod time;
pub mod trace;
pub mod translation;
pub mod view;
pub mod why;
pub mod wire;
pub mod zookeeper;
