//! What is left of a run when the engine fails: the scenario with everything the user did, and the last instant it stood at.
//!
//! Kept apart from the worker's own state, which may be half changed when the panic hook runs.

use playground_core::session::saved::SavedRun;
use playground_core::session::{ENGINE_VERSION, Session};
use std::cell::RefCell;

#[derive(Default)]
struct Flight {
    opened: String,
    scenario: String,
    at_us: u64,
}

thread_local! {
    static FLIGHT: RefCell<Option<Flight>> = const { RefCell::new(None) };
}

/// A run was opened, or the user did something to it.
pub fn changed(session: &Session) {
    let flight = Flight { opened: session.opened_text(), scenario: session.text(), at_us: session.now().micros() };
    FLIGHT.set(Some(flight));
}

/// The run stands at this instant, and has not failed.
pub fn reached(session: &Session) {
    FLIGHT.with_borrow_mut(|flight| {
        if let Some(flight) = flight {
            flight.at_us = session.now().micros();
        }
    });
}

/// The run up to the last instant it stood at, as a saved run; empty when none was open.
pub fn report() -> String {
    FLIGHT.with_borrow(|flight| {
        flight.as_ref().map_or_else(String::new, |flight| {
            let (opened, scenario) = (flight.opened.clone(), flight.scenario.clone());
            // Replayed, the run stands before what happens by itself at that instant: before the failure.
            SavedRun { engine: ENGINE_VERSION, opened, scenario, at_us: flight.at_us, digest: None }.render()
        })
    })
}
