//! A text under a checksum: one line naming what it is, its format and the CRC-32C of everything behind that line.
//!
//! A single changed byte is noticed, a newer format is named and left alone, and people can read all of it.

use std::fmt::Write as _;

/// What a sealed text is, in a word no other text begins with.
pub struct Kind {
    pub magic: &'static str,
    /// The newest format this version writes, and the one it reads.
    pub format: u32,
}

/// Why a text is not one of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    Foreign,
    Damaged,
    Newer(u32),
}

impl Kind {
    pub fn seal(&self, body: &str) -> String {
        format!("{} {} {:08x}\n{body}", self.magic, self.format, crate::crc::crc32c(body.as_bytes()))
    }

    /// The body as it was sealed.
    pub fn open<'a>(&self, text: &'a str) -> Result<Fields<'a>, SealError> {
        let head = text.strip_prefix(self.magic).and_then(|rest| rest.strip_prefix(' ')).ok_or(SealError::Foreign)?;
        let (format, rest) = head.split_once(' ').ok_or(SealError::Damaged)?;
        let format: u32 = format.parse().map_err(|_| SealError::Damaged)?;
        if format > self.format {
            return Err(SealError::Newer(format));
        }
        let (_, body) = rest.split_once('\n').ok_or(SealError::Damaged)?;
        if (Kind { format, ..*self }).seal(body) == text { Ok(Fields { rest: body }) } else { Err(SealError::Damaged) }
    }
}

/// Adds the line `name value`.
pub fn field(body: &mut String, name: &str, value: u64) {
    let _ = writeln!(body, "{name} {value}");
}

/// Reads a body from its beginning: lines of a name and a value, then texts of known lengths.
pub struct Fields<'a> {
    rest: &'a str,
}

impl<'a> Fields<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Fields { rest: text }
    }

    /// The value of the next line, if the line has this name.
    pub fn value(&mut self, name: &str) -> Option<&'a str> {
        let (value, rest) = self.rest.strip_prefix(name)?.strip_prefix(' ')?.split_once('\n')?;
        self.rest = rest;
        Some(value)
    }

    pub fn number(&mut self, name: &str) -> Option<u64> {
        self.value(name)?.parse().ok()
    }

    /// A text behind a line with its name and length.
    pub fn sized(&mut self, name: &str) -> Option<String> {
        let bytes = self.number(name)?;
        self.text(bytes)
    }

    /// The next `bytes` bytes.
    pub fn text(&mut self, bytes: u64) -> Option<String> {
        let (text, rest) = self.rest.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.rest = rest;
        Some(text.into())
    }

    /// Nothing is left.
    pub fn at_end(&self) -> bool {
        self.rest.is_empty()
    }
}
