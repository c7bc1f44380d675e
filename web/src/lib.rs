//! Modules shared by the page and the worker.

pub mod bridge;
