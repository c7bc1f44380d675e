//! What a copy of a run to go back to is said to weigh is about what it takes: the room for copies is shared out by that.

use playground_core::session::Session;
use playground_core::time::SimTime;
use playground_tests::bench::Case;
use playground_tests::counting::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test: whatever else ran would be counted too.
#[test]
fn a_copy_weighs_about_what_is_said() {
    // A jam of batches in every producer, many producers that every partition knows, and a fleet of a few records a second.
    for (case, events) in [(Case::Batch1, 200_000), (Case::Large, 200_000), (Case::Trucks, 200_000)] {
        let mut session = Session::open(case.scenario(4_000_000));
        session.advance(SimTime::MAX, events);
        let mut cluster = session.cluster().clone();
        // The first one has followers share what all of them packed.
        cluster.checkpoint();
        let before = counting::live_bytes();
        let copy = cluster.checkpoint();
        let (taken, said) = (counting::live_bytes() - before, copy.weight());
        assert!((taken / 3 * 2..taken / 2 * 3).contains(&said), "{}: said {said}, taken {taken}", case.name());
    }
}
