//! Modules shared by the page and the worker.

pub mod app;
pub mod bridge;
pub mod link_to_worker;
pub mod worker;
