//! What is left of a run when the engine fails: the scenario with everything the user did, and the last instant it stood at.
//!
//! Kept apart from the worker's own state, which may be half changed when the panic hook runs.

use playground_core::session::Session;
use playground_core::session::saved::SavedRun;
use std::cell::RefCell;

thread_local! {
    static FLIGHT: RefCell<Option<SavedRun>> = const { RefCell::new(None) };
}

/// A run was opened, or the user did something to it. Gives it as [`report`] would.
pub fn changed(session: &Session) -> String {
    FLIGHT.set(Some(session.unfinished()));
    report()
}

/// The run stands at this instant, and has not failed.
pub fn reached(session: &Session) {
    FLIGHT.with_borrow_mut(|flight| {
        if let Some(flight) = flight {
            (flight.at_us, flight.head_us) = (session.moment().micros(), session.head().micros());
        }
    });
}

/// The run up to the last instant it stood at, as a saved run; empty when none was open.
pub fn report() -> String {
    // Replayed, the run stands before what happens by itself at that instant: before the failure.
    FLIGHT.with_borrow(|flight| flight.as_ref().map_or_else(String::new, SavedRun::render))
}
