//! What a cluster does when things break: one claim a test, told through the public API.

mod stories {
    mod administration;
    mod causes;
    mod disks;
    mod faults;
    mod groups;
    mod nearby_reads;
    mod new_protocol;
    mod producers;
    mod quorum;
    mod replication;
    mod retention;
    mod stopping;
    mod tools;
    mod trucks;
    mod zookeeper;
}
