//! The whole engine, tested through its public API only.
