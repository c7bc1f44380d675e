//! Small models, searched completely; natively, where `stateright` finds its randomness and its threads.

#![cfg(not(target_arch = "wasm32"))]

mod canonical;
mod engine;
mod replication;
