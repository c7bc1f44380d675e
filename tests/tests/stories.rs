//! What a cluster does when things break: one claim a test, told through the public API.

mod stories {
    mod faults;
    mod groups;
    mod producers;
    mod quorum;
    mod replication;
    mod trucks;
}
