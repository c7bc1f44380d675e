//! A scenario in a URL's fragment: `k1.` and what was packed, or a line that a person can write: `s=trucks_gps&kill=102@14s`.
//!
//! Packed: version byte, raw DEFLATE of the terse file against a fixed dictionary, CRC-32C of both; in base64url, closed by a
//! letter, because sites cut links that end in punctuation. A version keeps its dictionary and its reader for ever.

mod flate;
mod short;

use super::{Scenario, ScenarioFault, limits};
use crate::time::{SimDuration, SimTime};
use crate::view::Subject;
use data_encoding::BASE64URL_NOPAD;
use flate::FlateError;
use std::fmt;

const PREFIX: &str = "k1.";
/// Closes every packed link; where it is missing, the end was cut off.
const END: char = 'k';
const VERSION: u8 = 1;
/// What files of version 1 have in common. It must never change: links refer into it.
const DICTIONARY: &[u8] = include_bytes!("link/dictionary_v1.txt");
/// Version and checksum, around what was deflated.
const FRAME: usize = 1 + 4;

/// What a link asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    pub scenario: Scenario,
    /// The moment to show.
    pub at: Option<SimTime>,
    pub select: Option<Subject>,
}

/// Why a link was not opened; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    Truncated,
    Damaged,
    TooLong {
        characters: usize,
    },
    UnpacksTooLarge,
    Newer {
        version: u32,
    },
    /// Neither packed nor written by hand.
    Unknown,
    /// A hand-written part that says nothing.
    Part {
        part: String,
        message: String,
    },
    /// It is intact, and this engine refuses the scenario inside.
    Scenario(Vec<ScenarioFault>),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Truncated => f.write_str("This link was cut off on its way. Ask for the whole link, or for the scenario as a file."),
            LinkError::Damaged => f.write_str("This link was damaged on its way. Ask for it again, or for the scenario as a file."),
            LinkError::TooLong { characters } => write!(
                f,
                "This link is too long to be one of ours ({characters} characters; the limit is {}). Ask for the scenario as a file.",
                limits::LINK
            ),
            LinkError::UnpacksTooLarge => {
                write!(f, "This link unpacks to more than {} KiB and was not opened.", limits::FILE / 1_024)
            }
            LinkError::Newer { version } => write!(
                f,
                "This link was made by a newer version of the playground (form {version}; this one reads {VERSION}). Reload the page to get it."
            ),
            LinkError::Unknown => {
                f.write_str("This is no link of the playground. It begins with k1. or names a scenario, as in s=trucks_gps&kill=102@14s.")
            }
            LinkError::Part { part, message } => write!(f, "`{part}` in this link: {message}"),
            LinkError::Scenario(faults) => {
                f.write_str("The scenario in this link cannot be run:")?;
                faults.iter().try_for_each(|fault| write!(f, " {}", fault.message))
            }
        }
    }
}

impl std::error::Error for LinkError {}

/// The fragment that opens as this scenario, without the leading `#`.
pub fn pack(scenario: &Scenario, at: Option<SimTime>, select: Option<&Subject>) -> String {
    let mut text = String::new();
    if let Some(at) = at {
        text.push_str(&format!("t={}\n", at.since(SimTime::ZERO).written()));
    }
    if let Some(select) = select {
        text.push_str(&format!("sel={}\n", subject_text(select)));
    }
    text.push('\n');
    text.push_str(&scenario.to_terse_toml());
    let mut bytes = vec![VERSION];
    bytes.extend(deflate(text.as_bytes()));
    let sum = crate::crc::crc32c(&bytes);
    bytes.extend(sum.to_be_bytes());
    format!("{PREFIX}{}{END}", BASE64URL_NOPAD.encode(&bytes))
}

/// Reads a fragment, or the whole address it belongs to. Few visitors come by a link: it stays a function of its own.
#[inline(never)]
pub fn unpack(fragment: &str) -> Result<Opened, LinkError> {
    let fragment = fragment.trim();
    let fragment = fragment.split_once('#').map_or(fragment, |(_, fragment)| fragment);
    let characters = fragment.chars().count();
    if characters > limits::LINK {
        return Err(LinkError::TooLong { characters });
    }
    match fragment.strip_prefix(PREFIX) {
        Some(payload) => packed(payload),
        None => match newer(fragment) {
            Some(version) => Err(LinkError::Newer { version }),
            None => short::open(fragment),
        },
    }
}

/// `k2.…` and above.
fn newer(fragment: &str) -> Option<u32> {
    let (version, _) = fragment.strip_prefix('k')?.split_once('.')?;
    version.parse().ok()
}

fn packed(payload: &str) -> Result<Opened, LinkError> {
    // The page may add `&t=…` behind a packed link; it must come from elsewhere, so it counts last.
    let (payload, extra) = payload.split_once('&').unwrap_or((payload, ""));
    let body = payload.strip_suffix(END).ok_or(LinkError::Truncated)?;
    let bytes = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| LinkError::Damaged)?;
    if bytes.len() <= FRAME {
        return Err(LinkError::Truncated);
    }
    let (framed, sum) = bytes.split_at(bytes.len() - 4);
    if crate::crc::crc32c(framed).to_be_bytes() != sum {
        return Err(LinkError::Damaged);
    }
    if framed[0] != VERSION {
        return Err(LinkError::Newer { version: u32::from(framed[0]) });
    }
    let text = inflate(&framed[1..])?;
    let text = String::from_utf8(text).map_err(|_| LinkError::Damaged)?;
    let (head, file) = head_and_file(&text);
    let scenario = Scenario::parse(file).map_err(LinkError::Scenario)?;
    let mut opened = Opened { scenario, at: None, select: None };
    for part in head.lines().chain(extra.split('&')).filter(|part| !part.is_empty()) {
        view_part(&mut opened, part)?;
    }
    Ok(opened)
}

/// The head ends with the first empty line.
fn head_and_file(text: &str) -> (&str, &str) {
    match text.strip_prefix('\n') {
        Some(file) => ("", file),
        None => text.split_once("\n\n").unwrap_or((text, "")),
    }
}

/// `t=90s` or `sel=partition:trucks_gps-3`.
fn view_part(opened: &mut Opened, part: &str) -> Result<(), LinkError> {
    let fault = |message: &str| LinkError::Part { part: super::names::shown(part), message: message.to_owned() };
    match part.split_once('=') {
        Some(("t", text)) => opened.at = Some(moment(text).ok_or_else(|| fault("write a time, as in t=15s."))?),
        Some(("sel", text)) => {
            let subject = subject(text);
            opened.select =
                Some(subject.ok_or_else(|| fault("write what is selected, as in sel=broker:102 or sel=partition:trucks_gps-3."))?);
        }
        _ => return Err(fault("only t= and sel= may follow.")),
    }
    Ok(())
}

fn moment(text: &str) -> Option<SimTime> {
    let after = SimDuration::parse(text)?;
    (after <= limits::RUN).then_some(SimTime::ZERO + after)
}

fn subject_text(subject: &Subject) -> String {
    match subject {
        Subject::Broker(id) => format!("broker:{id}"),
        Subject::Partition { topic, partition } => format!("partition:{topic}-{partition}"),
        Subject::Record { topic, partition, offset } => format!("record:{topic}-{partition}@{offset}"),
        Subject::Client(name) => format!("client:{name}"),
        Subject::Group(name) => format!("group:{name}"),
    }
}

fn subject(text: &str) -> Option<Subject> {
    let partition = |address: &str| -> Option<(String, u32)> {
        let (topic, partition) = address.rsplit_once('-')?;
        Some((topic.to_owned(), partition.parse().ok()?))
    };
    let (kind, name) = text.split_once(':')?;
    match kind {
        "broker" => name.parse().ok().map(Subject::Broker),
        "partition" => partition(name).map(|(topic, partition)| Subject::Partition { topic, partition }),
        "record" => {
            let (address, offset) = name.rsplit_once('@')?;
            let (topic, partition) = partition(address)?;
            Some(Subject::Record { topic, partition, offset: offset.parse().ok()? })
        }
        "client" => Some(Subject::Client(name.to_owned())),
        "group" => Some(Subject::Group(name.to_owned())),
        _ => None,
    }
}

fn deflate(text: &[u8]) -> Vec<u8> {
    flate::deflate(DICTIONARY, text)
}

fn inflate(packed: &[u8]) -> Result<Vec<u8>, LinkError> {
    flate::inflate(DICTIONARY, packed, limits::FILE).map_err(|error| match error {
        FlateError::Damaged => LinkError::Damaged,
        FlateError::TooLarge => LinkError::UnpacksTooLarge,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_of_version_1_is_what_released_links_refer_to() {
        assert_eq!((DICTIONARY.len(), crate::crc::crc32c(DICTIONARY)), (4308, 0x3b2ddea3), "a changed dictionary is a new version");
    }

    #[test]
    fn what_is_deflated_inflates_again_at_any_size() {
        for size in [0, 1, 100, 20_000, limits::FILE] {
            let text: Vec<u8> = (0..size as u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
            assert_eq!(inflate(&deflate(&text)), Ok(text));
        }
        assert_eq!(inflate(&deflate(&vec![b' '; limits::FILE + 1])), Err(LinkError::UnpacksTooLarge));
        assert_eq!(inflate(&[]), Err(LinkError::Damaged));
    }
}
