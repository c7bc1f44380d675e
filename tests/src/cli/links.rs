//! `link` and `open`: a file as the fragment of a link, and back.

use super::args::Args;
use super::{Answer, BadInput, bad, load};
use playground_core::scenario::link;

/// Beyond this, some chat programs cut links.
const LONG: usize = 2_000;

pub(super) fn link(rest: &[String]) -> Result<Answer, BadInput> {
    let args = Args::read(rest, &["FILE"], &[], &[])?;
    let link = link::pack(&load::file(args.at(0))?, None, None);
    let stderr = match link.len() {
        long if long > LONG => format!("This link is {long} characters. Some chat programs cut links at about {LONG}.\n"),
        _ => String::new(),
    };
    Ok(Answer { stdout: format!("#{link}\n"), stderr, code: 0 })
}

pub(super) fn open(rest: &[String]) -> Result<Answer, BadInput> {
    let args = Args::read(rest, &["LINK"], &[], &[])?;
    let opened = link::unpack(args.at(0)).or_else(|error| bad(error.to_string()))?;
    let stderr = opened.at.map_or_else(String::new, |at| format!("The link opens it at {at}.\n"));
    Ok(Answer { stdout: opened.scenario.to_toml(), stderr, code: 0 })
}
