//! The language of the terminal: text becomes a [`Command`](crate::command::Command), and every command prints as the line that makes it.

pub mod parse;

pub use parse::{ParseError, parse_line};
