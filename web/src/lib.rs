//! Modules shared by the page and the worker.

pub mod app;
pub mod bridge;
