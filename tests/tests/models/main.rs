//! Small models, searched completely.

mod replication;
