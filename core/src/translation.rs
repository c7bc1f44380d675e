//! Another language for what the engine and the page say. The English sentence is a message's name; a catalogue gives each a
//! translation, a line each: English, a tab, the other language.
//!
//! `{0}` stands for what differs from case to case and goes through as it is; `{0#}` for a number alone. `{0!}` in the translation has
//! that part translated too, when it is a message itself. What no line fits stays English, sentence by sentence and clause by clause.

use crate::sorted::{SortedMap, settle};

/// Messages in messages, at most so deep.
const DEPTH: u32 = 6;

/// A catalogue that was read.
#[derive(Debug, Default)]
pub struct Translation {
    exact: SortedMap<String, String>,
    patterns: Vec<Pattern>,
    /// The rarest word of each pattern, and its place among them.
    by_word: Vec<(String, usize)>,
}

#[derive(Debug)]
struct Pattern {
    english: Vec<Piece>,
    other: Vec<Piece>,
    /// Letters that are the same in every case.
    fixed: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Fixed(String),
    Open { place: usize, sign: Sign },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    None,
    /// `#`: a number.
    Number,
    /// `!`: to be translated itself.
    Message,
}

impl Translation {
    /// Lines without a tab say something to readers of the catalogue.
    pub fn read(catalogue: &str) -> Translation {
        let mut all = Translation::default();
        for (english, other) in catalogue.lines().filter_map(|line| line.split_once('\t')) {
            let pieces = pieces(english);
            if pieces.iter().all(|piece| matches!(piece, Piece::Fixed(_))) {
                all.exact.insert(english.to_owned(), other.to_owned());
            } else {
                all.patterns.push(Pattern { fixed: letters(&pieces), english: pieces, other: self::pieces(other) });
            }
        }
        let mut uses: SortedMap<&str, usize> = SortedMap::new();
        for pattern in &all.patterns {
            whole_words(&pattern.english).for_each(|word| *uses.entry(word).or_insert(0) += 1);
        }
        let rarest = |(place, pattern): (usize, &Pattern)| {
            let word = whole_words(&pattern.english).min_by_key(|word| uses.get(word).copied()).unwrap_or_default();
            (word.to_owned(), place)
        };
        let mut by_word: Vec<_> = all.patterns.iter().enumerate().map(rarest).collect();
        settle(&mut by_word, |a, b| a < b);
        all.by_word = by_word;
        all
    }

    /// The text in the other language; none when nothing in it is known.
    pub fn of(&self, text: &str) -> Option<String> {
        self.deep(text, DEPTH).map(|(other, _)| other)
    }

    /// The other text, and how many words of prose in it are left as they were.
    fn deep(&self, text: &str, depth: u32) -> Option<(String, usize)> {
        let message = text.trim();
        if depth == 0 || !message.contains(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let (other, left) = match self.exact.get(message) {
            Some(other) => (other.clone(), 0),
            None => {
                let whole = self.by_pattern(message, depth);
                let clauses = if matches!(whole, Some((_, 0))) { None } else { self.by_clauses(message, depth) };
                whole.into_iter().chain(clauses).min_by_key(|(_, left)| *left)?
            }
        };
        // Space at the ends joins it to what stands beside it.
        let start = text.len() - text.trim_start().len();
        Some((text[..start].to_owned() + &other + &text[start + message.len()..], left))
    }

    /// Of the patterns that fit, the one that leaves fewest words as they are; of those, the one with most letters of its own.
    fn by_pattern(&self, message: &str, depth: u32) -> Option<(String, usize)> {
        let mut best: Option<(usize, usize, String)> = None;
        for word in words(message).chain([""]) {
            let from = self.by_word.partition_point(|(other, _)| other.as_str() < word);
            for (_, place) in self.by_word[from..].iter().take_while(|(other, _)| other == word) {
                let pattern = &self.patterns[*place];
                let mut parts = Vec::new();
                if fits(&pattern.english, message, &mut parts) {
                    let (text, left) = self.filled(pattern, &parts, depth);
                    // More English than what it says itself: chance, as `Not {0}` before a whole sentence.
                    if left * 6 > pattern.fixed {
                        continue;
                    }
                    if best.as_ref().is_none_or(|(least, fixed, _)| (left, *fixed) < (*least, pattern.fixed)) {
                        best = Some((left, pattern.fixed, text));
                    }
                }
            }
        }
        best.map(|(left, _, text)| (text, left))
    }

    /// The other language's side with these parts in it.
    fn filled(&self, pattern: &Pattern, parts: &[&str], depth: u32) -> (String, usize) {
        let (mut out, mut all) = (String::new(), 0);
        for piece in &pattern.other {
            match piece {
                Piece::Fixed(text) => out.push_str(text),
                Piece::Open { place, sign } => {
                    let part = open_places(&pattern.english).position(|other| other == *place).map_or("", |at| parts[at]);
                    let message = if *sign == Sign::Message { self.deep(part, depth - 1) } else { None };
                    let (text, left) = message.unwrap_or_else(|| as_it_is(part));
                    out.push_str(&text);
                    all += left;
                }
            }
        }
        (out, all)
    }

    /// Sentences that were said one after the other, or clauses that were joined.
    fn by_clauses(&self, message: &str, depth: u32) -> Option<(String, usize)> {
        let joints = |joint: &'static str| message.match_indices(joint).map(move |(at, _)| (at, at + joint.len()));
        let sentences = || sentence_ends(message).map(|at| (at, at));
        // Two sentences may be one message: the longest beginning that is known, else the first cut.
        let dots = || joints(". ").map(|(at, _)| (at + 1, at + 1));
        let known = dots().filter(|(end, _)| self.exact.contains_key(&message[..*end])).last();
        let first = || sentences().chain([" · ", "; ", ": "].into_iter().flat_map(joints)).next();
        let (end, next) = known.or_else(first).or_else(|| dots().next())?;
        let (first, joint, rest) = (&message[..end], &message[end..next], &message[next..]);
        let (one, two) = (self.deep(first, depth - 1), self.deep(rest, depth));
        // What a name with a colon introduces is what counts.
        if two.is_none() && (one.is_none() || joint == ": ") {
            return None;
        }
        let (one, two) = (one.unwrap_or_else(|| as_it_is(first)), two.unwrap_or_else(|| as_it_is(rest)));
        Some((one.0 + joint + &two.0, one.1 + two.1))
    }
}

/// A part that no line fits. One word may be a name.
fn as_it_is(part: &str) -> (String, usize) {
    let words = part.split(' ').filter(|word| word.chars().all(|c| c.is_ascii_alphabetic()));
    (part.to_owned(), words.count().saturating_sub(1))
}

/// Where a sentence ended and another begins; the space belongs to the latter.
fn sentence_ends(text: &str) -> impl Iterator<Item = usize> + '_ {
    let begins = |rest: &str| rest.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || "/`".contains(c));
    text.match_indices(". ").filter(move |(at, _)| begins(&text[at + 2..])).map(|(at, _)| at + 1)
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut fixed = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if let Some((open, length)) = open(rest) {
            if !fixed.is_empty() {
                all.push(Piece::Fixed(std::mem::take(&mut fixed)));
            }
            all.push(open);
            rest = &rest[length..];
        } else {
            fixed.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    if !fixed.is_empty() {
        all.push(Piece::Fixed(fixed));
    }
    all
}

/// `{0}`, `{0#}` or `{0!}` at the start of a text, and how long it is. Other braces are letters.
fn open(text: &str) -> Option<(Piece, usize)> {
    let inside = text.strip_prefix('{')?.split('}').next()?;
    let sign = match inside.get(1..)? {
        "" => Sign::None,
        "#" => Sign::Number,
        "!" => Sign::Message,
        _ => return None,
    };
    let place = inside[..1].parse().ok()?;
    text[1 + inside.len()..].starts_with('}').then_some((Piece::Open { place, sign }, inside.len() + 2))
}

/// The places a pattern leaves open, in its order.
fn open_places(pieces: &[Piece]) -> impl Iterator<Item = usize> + '_ {
    pieces.iter().filter_map(|piece| if let Piece::Open { place, .. } = piece { Some(*place) } else { None })
}

fn letters(pieces: &[Piece]) -> usize {
    // A number says more than anything at all.
    let worth = |piece: &Piece| match piece {
        Piece::Fixed(text) => 2 * text.len(),
        Piece::Open { sign, .. } => usize::from(*sign == Sign::Number),
    };
    pieces.iter().map(worth).sum()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Words that no open place can lengthen.
fn whole_words(pieces: &[Piece]) -> impl Iterator<Item = &str> {
    let last = pieces.len() - 1;
    pieces.iter().enumerate().filter_map(|(i, piece)| if let Piece::Fixed(text) = piece { Some((i, text)) } else { None }).flat_map(
        move |(i, text)| {
            let from = if i == 0 { 0 } else { text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len()) };
            let to = if i == last { text.len() } else { text.rfind(|c: char| !c.is_alphanumeric()).map_or(0, |at| at + 1) };
            words(text.get(from..to).unwrap_or_default())
        },
    )
}

/// Whether the text is a case of this pattern; `parts` are what stands in its open places then.
fn fits<'a>(pattern: &[Piece], text: &'a str, parts: &mut Vec<&'a str>) -> bool {
    match pattern {
        [] => text.is_empty(),
        [Piece::Fixed(fixed), rest @ ..] => text.strip_prefix(fixed.as_str()).is_some_and(|text| fits(rest, text, parts)),
        [Piece::Open { sign, .. }] => may_be(text, *sign) && push(parts, text),
        [Piece::Open { sign, .. }, rest @ ..] => {
            let Piece::Fixed(next) = &rest[0] else { return false };
            text.match_indices(next.as_str()).any(|(at, _)| {
                let count = parts.len();
                let fit = may_be(&text[..at], *sign) && push(parts, &text[..at]) && fits(rest, &text[at..], parts);
                if !fit {
                    parts.truncate(count);
                }
                fit
            })
        }
    }
}

fn push<'a>(parts: &mut Vec<&'a str>, part: &'a str) -> bool {
    parts.push(part);
    true
}

/// What stands in an open place is no more than a sentence.
fn may_be(part: &str, sign: Sign) -> bool {
    match sign {
        Sign::Number => !part.is_empty() && part.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-')),
        _ => !part.is_empty() && !part.contains('\n') && sentence_ends(part).next().is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn german(catalogue: &str, text: &str) -> Option<String> {
        Translation::read(catalogue).of(text)
    }

    #[test]
    fn a_message_is_found_as_a_whole_or_by_its_pattern() {
        let catalogue = "Share\tTeilen\n{0} becomes leader of {1}\t{1} hat {0} als leader\n";
        assert_eq!(german(catalogue, "Share").as_deref(), Some("Teilen"));
        assert_eq!(german(catalogue, "102 becomes leader of orders-0").as_deref(), Some("orders-0 hat 102 als leader"));
        assert_eq!(german(catalogue, "102 becomes follower of orders-0"), None, "what nothing fits stays English");
        assert_eq!(german(catalogue, " Share ").as_deref(), Some(" Teilen "), "space at the ends stays");
    }

    #[test]
    fn the_pattern_with_most_letters_wins_and_a_number_is_more_than_anything() {
        let catalogue = "{0} leads {1}\tA\n{0} leads {1} again\tB\n{0} records\tC\n{0#} records\tD {0}\n";
        let all = Translation::read(catalogue);
        assert_eq!(all.of("102 leads orders-0 again").as_deref(), Some("B"));
        assert_eq!(all.of("102 leads orders-0").as_deref(), Some("A"));
        assert_eq!([all.of("many records"), all.of("1,200 records")], [Some("C".to_owned()), Some("D 1,200".to_owned())]);
    }

    #[test]
    fn a_name_goes_through_and_a_marked_part_is_translated_itself() {
        let catalogue = "is down\tist aus\nrecords\tRecords!\nBroker {0} {1}.\tBroker {0} {1!}.\n{0} waits for {1}\t{0} wartet auf {1}\n";
        let all = Translation::read(catalogue);
        assert_eq!(all.of("Broker 102 is down.").as_deref(), Some("Broker 102 ist aus."));
        assert_eq!(all.of("billing waits for records").as_deref(), Some("billing wartet auf records"), "a topic of that name");
    }

    #[test]
    fn sentences_one_after_the_other_are_translated_one_by_one() {
        let catalogue = "It is full.\tSie ist voll.\nBroker {0} stops.\tBroker {0} hält an.\n";
        let all = Translation::read(catalogue);
        assert_eq!(all.of("Broker 102 stops. It is full.").as_deref(), Some("Broker 102 hält an. Sie ist voll."));
        assert_eq!(all.of("Broker 102 stops. Who knows?").as_deref(), Some("Broker 102 hält an. Who knows?"));
        assert_eq!(all.of("Who knows? It is full of it."), None);
    }

    #[test]
    fn clauses_are_translated_one_by_one_and_fewest_words_are_left_as_they_are() {
        let catalogue =
            "The members of {0}\tDie Mitglieder von {0}\n{0} go on.\t{0!} machen weiter.\nit ended\tes endete\n{0} died\t{0} starb\n";
        let all = Translation::read(catalogue);
        assert_eq!(all.of("The members of billing go on.").as_deref(), Some("Die Mitglieder von billing machen weiter."));
        assert_eq!(all.of("101 died; it ended").as_deref(), Some("101 starb; es endete"));
        assert_eq!(all.of("billing-1: it ended").as_deref(), Some("billing-1: es endete"));
        assert_eq!(all.of("it ended: 3 larger than 2"), None, "what only begins like one");
        assert_eq!(all.of("the last of those that nobody knew died"), None, "what fits by chance");
    }

    #[test]
    fn braces_that_number_nothing_are_letters() {
        let catalogue = "default {n} of {0}\tStandard {n} von {0}\n";
        assert_eq!(german(catalogue, "default {n} of 9").as_deref(), Some("Standard {n} von 9"));
    }
}
