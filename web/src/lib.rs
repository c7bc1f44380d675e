//! Modules shared by the page and the worker.

pub mod app;
pub mod bridge;
pub mod link_to_worker;
pub mod worker;

/// `f64::clamp` without its panic, whose message would bring the printing of floats into what every visitor downloads.
pub(crate) fn within(value: f64, low: f64, high: f64) -> f64 {
    value.min(high).max(low)
}
