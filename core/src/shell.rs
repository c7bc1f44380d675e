//! The language of the terminal: text becomes a [`Command`](crate::command::Command), and every command prints as the line that makes it.

mod cast;
mod groups;
mod help;
mod kafka;
pub mod parse;
pub mod reading;
mod words;

pub use help::vocabulary;
pub use parse::{ParseError, parse_line};
