//! The values a setting may have: how they are read from text, printed, limited and described.

use super::NEVER;
use super::rules::ConfigFault;
use crate::time::SimDuration;

/// What a setting's text may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Milliseconds as a number, or text with a unit.
    Millis {
        min: u64,
        max: u64,
    },
    /// Seconds as a number, or text with a unit.
    Seconds {
        min: u64,
        max: u64,
    },
    Bytes {
        min: u64,
        max: u64,
    },
    /// Milliseconds as above, or -1: without end.
    MillisOrNever,
    /// Bytes, or -1: without limit.
    BytesOrNever,
    Count {
        min: u64,
        max: u64,
    },
    Flag,
    /// Spellings, several of which may mean the same; the number is the meaning.
    Words(&'static [(&'static str, u64)]),
    /// Of such words only the first can be asked for yet; Kafka's own topics have the others.
    First(&'static [(&'static str, u64)]),
    /// A word, or `by_duration:PT1H`: the number after the words' is its milliseconds and three.
    Reset(&'static [(&'static str, u64)]),
    /// Several of such words, each once: digits of 16, the first word's lowest, each its meaning and one.
    List(&'static [(&'static str, u64)]),
}

/// How `auto.offset.reset` names a time back from now.
const BY_DURATION: &str = "by_duration";

impl Kind {
    pub(super) fn read(self, key: &str, text: &str) -> Result<u64, ConfigFault> {
        let bad = |why: String| ConfigFault { key: key.to_owned(), message: why };
        let (value, min, max) = match self {
            Kind::Millis { min, max } => (duration(text, 1_000), min, max),
            Kind::Seconds { min, max } => (duration(text, 1_000_000), min, max),
            Kind::Bytes { min, max } | Kind::Count { min, max } => (whole(text), min, max),
            Kind::MillisOrNever | Kind::BytesOrNever if text == "-1" => return Ok(NEVER),
            Kind::MillisOrNever => (duration(text, 1_000), 0, NEVER),
            Kind::BytesOrNever => (whole(text), 0, NEVER),
            Kind::Flag => {
                return match text.to_ascii_lowercase().as_str() {
                    "true" => Ok(1),
                    "false" => Ok(0),
                    _ => Err(bad(format!("`{text}` is not a value of `{key}`. Write true or false."))),
                };
            }
            Kind::Reset(words) => {
                let back = text.split_once(':').filter(|(word, _)| word.eq_ignore_ascii_case(BY_DURATION));
                let Some((_, back)) = back else { return Kind::Words(words).read(key, text) };
                let back = SimDuration::parse_iso(back).map(|back| back.millis() + 3);
                return back.ok_or_else(|| bad(format!("`{text}` is not a value of `{key}`. Write {BY_DURATION}:PT1H30M.")));
            }
            Kind::First(words) => return Kind::Words(&words[..1]).read(key, text),
            Kind::Words(words) => {
                let word = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
                return word.map(|(_, meaning)| *meaning).ok_or_else(|| bad(not_a_word(key, text, words)));
            }
            Kind::List(words) => {
                let (mut packed, mut place) = (0, 0);
                for text in text.trim_matches(['[', ']']).split(',').map(str::trim) {
                    let meaning = Kind::Words(words).read(key, text)?;
                    if (0..place).any(|at| packed >> at & 0xf == meaning + 1) {
                        return Err(bad(format!("`{text}` is there twice in `{key}`. Write it once.")));
                    }
                    packed |= (meaning + 1) << place;
                    place += 4;
                }
                return Ok(packed);
            }
        };
        match value {
            None => Err(bad(format!("`{text}` is not a value of `{key}`. Write {}.", self.form()))),
            Some(value) if value < min || value > max => {
                Err(bad(format!("`{key}` = {text} is out of range. Write {} from {min} to {max}.", self.form())))
            }
            Some(value) => Ok(value),
        }
    }

    pub(super) fn print(self, value: u64) -> String {
        match self {
            Kind::Flag => (value != 0).to_string(),
            Kind::MillisOrNever | Kind::BytesOrNever if value == NEVER => "-1".to_owned(),
            Kind::Reset(_) if value > 2 => format!("{BY_DURATION}:{}", SimDuration::from_millis(value - 3).written_iso()),
            Kind::Words(words) | Kind::First(words) | Kind::Reset(words) => {
                words.iter().find(|(_, meaning)| *meaning == value).map_or_else(String::new, |(word, _)| (*word).to_owned())
            }
            Kind::List(words) => {
                let digits = (0..16).map(|place| value >> (4 * place) & 0xf).take_while(|digit| *digit > 0);
                digits.map(|digit| Kind::Words(words).print(digit - 1)).collect::<Vec<_>>().join(",")
            }
            _ => value.to_string(),
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Kind::Millis { .. } | Kind::MillisOrNever => "ms",
            Kind::Seconds { .. } => "s",
            Kind::Bytes { .. } | Kind::BytesOrNever => "bytes",
            Kind::Count { .. } | Kind::Flag | Kind::Words(_) | Kind::First(_) | Kind::List(_) | Kind::Reset(_) => "",
        }
    }

    fn form(self) -> &'static str {
        match self {
            Kind::Millis { .. } => "whole milliseconds (or \"20s\", \"5m\")",
            Kind::Seconds { .. } => "whole seconds (or \"5m\")",
            Kind::Bytes { .. } => "a whole number of bytes",
            Kind::MillisOrNever => "whole milliseconds (or \"20s\", \"7d\"), -1 for ever,",
            Kind::BytesOrNever => "a whole number of bytes, -1 without limit,",
            _ => "a whole number",
        }
    }

    pub(super) fn valid(self) -> String {
        match self {
            Kind::Millis { min, max } | Kind::Seconds { min, max } | Kind::Bytes { min, max } | Kind::Count { min, max } => {
                format!("{min} to {max}")
            }
            Kind::MillisOrNever | Kind::BytesOrNever => format!("-1 to {NEVER}"),
            Kind::Flag => "true, false".to_owned(),
            Kind::First(words) => listed(&words[..1]),
            Kind::Words(words) | Kind::List(words) => listed(words),
            Kind::Reset(words) => format!("{}, {BY_DURATION}:PT…", listed(words)),
        }
    }
}

/// A duration in units of so many microseconds; text carries its own unit. `None` unless it is a whole number of them.
fn duration(text: &str, unit: u64) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return whole(text);
    }
    if !text.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let micros = SimDuration::parse(text)?.micros();
    (micros % unit == 0).then_some(micros / unit)
}

fn whole(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().unwrap_or(u64::MAX))
}

/// The first spelling of each meaning.
fn listed(words: &[(&str, u64)]) -> String {
    let mut seen = Vec::new();
    let first = words.iter().filter(|(_, meaning)| {
        let new = !seen.contains(meaning);
        seen.push(*meaning);
        new
    });
    first.map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
}

fn not_a_word(key: &str, text: &str, words: &[(&str, u64)]) -> String {
    if words.iter().all(|(_, meaning)| *meaning == words[0].1) {
        return format!("`{key}` = `{text}` is not modelled yet. Write \"{}\" or leave it out.", words[0].0);
    }
    format!("`{text}` is not a value of `{key}`. Write one of: {}.", listed(words))
}
