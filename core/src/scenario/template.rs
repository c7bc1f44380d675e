//! Keys and values with holes: `truck-{n}`, `{"lat":{lat}}`. Only `{word}` and `{word:…}` are holes; any other brace is itself.

use super::limits;
use super::names::{hint, shown};
use super::{Piece, Template};
use std::fmt;

/// A hole that cannot be filled, and where it begins (in bytes of the template).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    pub at: usize,
    pub message: String,
}

/// Words between bars, as they are written: one of thousands is drawn for every record, so they lie close together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    words: String,
    /// Where each word ends.
    ends: Vec<u32>,
}

impl Choices {
    fn new(words: &str) -> Self {
        let bars = words.match_indices('|').map(|(at, _)| at as u32);
        Choices { words: words.to_owned(), ends: bars.chain([words.len() as u32]).collect() }
    }

    /// Never none.
    pub fn count(&self) -> u32 {
        self.ends.len() as u32
    }

    pub fn word(&self, choice: u32) -> &str {
        let before = choice.checked_sub(1).map_or(0, |before| self.ends[before as usize] + 1);
        &self.words[before as usize..self.ends[choice as usize] as usize]
    }
}

const HOLES: [&str; 8] = ["name", "n", "lat", "lon", "ts", "pick", "zipf", "pad"];

impl Template {
    /// Text without holes.
    pub fn literal(text: &str) -> Self {
        Template { pieces: if text.is_empty() { Vec::new() } else { vec![Piece::Text(text.to_owned())] } }
    }

    pub fn parse(text: &str) -> Result<Self, TemplateFault> {
        if text.len() > limits::TEMPLATE {
            let message = format!("A template of {} bytes is over the limit of {}.", text.len(), limits::TEMPLATE);
            return Err(TemplateFault { at: 0, message });
        }
        let mut pieces = Vec::new();
        let (mut from, mut at) = (0, 0);
        while let Some(found) = text[at..].find('{') {
            at += found;
            let Some(inner) = hole(&text[at..]) else {
                at += 1;
                continue;
            };
            let piece = fill(inner).map_err(|message| TemplateFault { at, message })?;
            if from < at {
                pieces.push(Piece::Text(text[from..at].to_owned()));
            }
            pieces.push(piece);
            at += inner.len() + 2;
            from = at;
        }
        if from < text.len() {
            pieces.push(Piece::Text(text[from..].to_owned()));
        }
        Ok(Template { pieces })
    }
}

/// The inside of the hole at the start of `text`, if there is one: lower-case letters, then `}` or `:…}`.
fn hole(text: &str) -> Option<&str> {
    let inner = &text[1..];
    let word = inner.bytes().take_while(u8::is_ascii_lowercase).count();
    match inner.as_bytes().get(word)? {
        b'}' if word > 0 => Some(&inner[..word]),
        // Up to the next brace of either kind, so that a text full of open braces is read once.
        b':' if word > 0 => inner.find(['{', '}']).filter(|end| inner.as_bytes()[*end] == b'}').map(|end| &inner[..end]),
        _ => None,
    }
}

fn fill(inner: &str) -> Result<Piece, String> {
    let (word, rest) = inner.split_once(':').map_or((inner, None), |(word, rest)| (word, Some(rest)));
    let number = |max: u32| -> Result<u32, String> {
        let number = rest.filter(|r| r.bytes().all(|b| b.is_ascii_digit())).and_then(|r| r.parse().ok());
        number
            .filter(|n| (1..=max).contains(n))
            .ok_or_else(|| format!("`{{{}}}` needs a whole number from 1 to {max}, as in {{{word}:100}}.", shown(inner)))
    };
    let plain = match word {
        "name" => Piece::Name,
        "n" => Piece::Counter,
        "lat" => Piece::Lat,
        "lon" => Piece::Lon,
        "ts" => Piece::Timestamp,
        "zipf" => return Ok(Piece::Zipf(number(limits::ZIPF)?)),
        "pad" => return Ok(Piece::Pad(number(limits::PAD)?)),
        "pick" => {
            let words = rest.unwrap_or("");
            return match words.split('|').any(str::is_empty) {
                true => Err("`{pick:…}` needs words between bars, as in {pick:red|green|blue}.".to_owned()),
                false => Ok(Piece::Pick(Choices::new(words))),
            };
        }
        _ => return Err(format!("`{{{}}}` is no hole of a template. {}", shown(inner), hint(word, &HOLES))),
    };
    match rest {
        Some(_) => Err(format!("`{{{word}}}` takes no argument. Write {{{word}}}.")),
        None => Ok(plain),
    }
}

/// As it is written in a file; [`Template::parse`] reads it back.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Name => f.write_str("{name}"),
            Piece::Counter => f.write_str("{n}"),
            Piece::Lat => f.write_str("{lat}"),
            Piece::Lon => f.write_str("{lon}"),
            Piece::Timestamp => f.write_str("{ts}"),
            Piece::Pick(choices) => write!(f, "{{pick:{}}}", choices.words),
            Piece::Zipf(n) => write!(f, "{{zipf:{n}}}"),
            Piece::Pad(n) => write!(f, "{{pad:{n}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_braces_stay_and_holes_are_found() {
        let text = r#"{"truck_id":"{name}","lat":{lat},"lon":{lon},"of":{}}"#;
        let template = Template::parse(text).unwrap();
        assert_eq!(template.pieces.len(), 7);
        assert_eq!(template.pieces[0], Piece::Text("{\"truck_id\":\"".to_owned()));
        assert_eq!(template.to_string(), text);
    }

    #[test]
    fn every_template_reads_back_what_it_prints() {
        for text in ["", "plain", "{n}", "{{name}}", "{pick:a|b c|d}-{zipf:100}", "x{pad:64}{ts}", "{", "}{", "{ n }", "{N}", "ü{lat}"] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.to_string(), text);
            assert_eq!(Template::parse(&template.to_string()).unwrap(), template);
        }
    }

    #[test]
    fn wrong_holes_are_located() {
        let fault = |text| Template::parse(text).unwrap_err();
        assert_eq!(fault("ab{nam}").at, 2);
        assert!(fault("{nam}").message.contains("Did you mean `name`?"));
        assert!(fault("{zipf}").message.contains("{zipf:100}"));
        assert!(fault("{pick:a||b}").message.contains("{pick:red|green|blue}"));
        assert!(fault("{pad:99999999999}").message.contains("1 to 1048576"));
        assert!(fault("{n:3}").message.contains("takes no argument"));
    }
}
