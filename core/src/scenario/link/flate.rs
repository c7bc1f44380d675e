//! DEFLATE (RFC 1951) against a dictionary, written for few bytes of code: links are short, so that neither side needs to be fast.
//!
//! What is packed is one block, in the shorter of its two forms: with codes of its own, or with the fixed ones. Any valid stream is
//! unpacked.

use crate::sorted::settle;
use std::collections::VecDeque;

/// Why bytes were not unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlateError {
    Damaged,
    TooLarge,
}

const END: usize = 256;
const LITERALS: usize = 286;
const DISTANCES: usize = 30;
const LONGEST: usize = 258;
const WINDOW: usize = 32_768;
/// How many earlier places with the same three bytes are looked at.
const TRIES: usize = 1_024;
/// The order in which the lengths of the length codes are written.
const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The first length of a length code, and its extra bits.
fn length_code(code: usize) -> (usize, u32) {
    match code {
        28 => (LONGEST, 0),
        0..8 => (3 + code, 0),
        _ => {
            let bits = (code as u32 - 4) / 4;
            (3 + ((4 + code % 4) << bits), bits)
        }
    }
}

/// The first distance of a distance code, and its extra bits.
fn distance_code(code: usize) -> (usize, u32) {
    match code {
        0..4 => (1 + code, 0),
        _ => {
            let bits = (code as u32 - 2) / 2;
            (1 + ((2 + code % 2) << bits), bits)
        }
    }
}

/// The lengths of the fixed codes: literals, then distances.
fn fixed() -> (Vec<u8>, Vec<u8>) {
    let literal = |symbol| match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    };
    ((0..288).map(literal).collect(), vec![5; 30])
}

/// What comes after the dictionary in the text that was packed; at most `limit` bytes of it.
pub(super) fn inflate(dictionary: &[u8], packed: &[u8], limit: usize) -> Result<Vec<u8>, FlateError> {
    let mut out = dictionary.to_vec();
    let most = out.len() + limit;
    let mut bits = Bits { bytes: packed, at: 0 };
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => bits.stored(&mut out, most)?,
            1 => {
                let (literals, distances) = fixed();
                bits.block(&Codes::new(&literals), &Codes::new(&distances), &mut out, most)?;
            }
            2 => {
                let (literals, distances) = bits.codes()?;
                bits.block(&literals, &distances, &mut out, most)?;
            }
            _ => return Err(FlateError::Damaged),
        }
        if last {
            break;
        }
    }
    if bits.at.div_ceil(8) != packed.len() {
        return Err(FlateError::Damaged);
    }
    Ok(out.split_off(dictionary.len()))
}

/// Canonical codes, as a decoder needs them: how many there are of each length, and their symbols in order.
struct Codes {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Codes {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        lengths.iter().for_each(|length| counts[*length as usize] += 1);
        counts[0] = 0;
        let with_length = |wanted: u8| (0..).zip(lengths).filter(move |(_, length)| **length == wanted).map(|(symbol, _)| symbol);
        Codes { counts, symbols: (1..16).flat_map(with_length).collect() }
    }
}

/// Reads bits, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<usize, FlateError> {
        let mut value = 0;
        for i in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or(FlateError::Damaged)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << i;
            self.at += 1;
        }
        Ok(value)
    }

    fn symbol(&mut self, codes: &Codes) -> Result<usize, FlateError> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &codes.counts[1..] {
            let count = usize::from(*count);
            code |= self.take(1)?;
            if code < first + count {
                return codes.symbols.get(index + code - first).map(|symbol| usize::from(*symbol)).ok_or(FlateError::Damaged);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
            if code < first {
                break;
            }
        }
        Err(FlateError::Damaged)
    }

    fn stored(&mut self, out: &mut Vec<u8>, most: usize) -> Result<(), FlateError> {
        self.at = self.at.next_multiple_of(8);
        let (length, check) = (self.take(16)?, self.take(16)?);
        let start = self.at / 8;
        let stored = self.bytes.get(start..start + length).filter(|_| length ^ check == 0xffff).ok_or(FlateError::Damaged)?;
        if out.len() + length > most {
            return Err(FlateError::TooLarge);
        }
        out.extend_from_slice(stored);
        self.at += length * 8;
        Ok(())
    }

    /// The codes of a block that brings its own.
    fn codes(&mut self) -> Result<(Codes, Codes), FlateError> {
        let (literals, distances, ordered) = (257 + self.take(5)?, 1 + self.take(5)?, 4 + self.take(4)?);
        let mut lengths = [0; 19];
        for place in &ORDER[..ordered] {
            lengths[usize::from(*place)] = self.take(3)? as u8;
        }
        let codes = Codes::new(&lengths);
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < literals + distances {
            let (times, length) = match self.symbol(&codes)? {
                16 => (3 + self.take(2)?, *lengths.last().ok_or(FlateError::Damaged)?),
                17 => (3 + self.take(3)?, 0),
                18 => (11 + self.take(7)?, 0),
                length => (1, length as u8),
            };
            lengths.resize(lengths.len() + times, length);
        }
        let (literals, distances) = lengths.split_at(literals);
        Ok((Codes::new(literals), Codes::new(distances)))
    }

    fn block(&mut self, literals: &Codes, distances: &Codes, out: &mut Vec<u8>, most: usize) -> Result<(), FlateError> {
        loop {
            let symbol = self.symbol(literals)?;
            if symbol == END {
                return Ok(());
            }
            let mut copied = 1;
            let mut from = None;
            if symbol > END {
                let (length, bits) = length_code(symbol - 257);
                copied = length + self.take(bits)?;
                let (distance, bits) = distance_code(self.symbol(distances)?);
                let distance = distance + self.take(bits)?;
                from =
                    Some(out.len().checked_sub(distance).filter(|_| copied <= LONGEST && distance <= WINDOW).ok_or(FlateError::Damaged)?);
            }
            if out.len() + copied > most {
                return Err(FlateError::TooLarge);
            }
            match from {
                None => out.push(symbol as u8),
                // Byte by byte: it may reach into what it writes.
                Some(from) => (from..from + copied).for_each(|place| out.push(out[place])),
            }
        }
    }
}

/// A literal (distance 0), or a copy.
#[derive(Clone, Copy)]
struct Step {
    length: usize,
    distance: usize,
}

/// The text, packed as if the dictionary had gone before it.
pub(super) fn deflate(dictionary: &[u8], text: &[u8]) -> Vec<u8> {
    let all = [dictionary, text].concat();
    let steps = steps(&all, dictionary.len());
    let (mut literals, mut distances) = ([0; LITERALS], [0; DISTANCES]);
    let mut at = dictionary.len();
    for step in &steps {
        literals[step.literal(all[at])] += 1;
        if step.distance > 0 {
            distances[code_of(step.distance, DISTANCES, distance_code)] += 1;
        }
        at += step.length;
    }
    literals[END] = 1;
    let lengths = (code_lengths(&literals, 15), code_lengths(&distances, 15));
    let mut own = Packed { bytes: Vec::new(), bits: 0 };
    own.put(0b101, 3);
    own.header(&lengths.0, &lengths.1);
    own.steps(&steps, &all[dictionary.len()..], &lengths);
    let mut usual = Packed { bytes: Vec::new(), bits: 0 };
    usual.put(0b011, 3);
    usual.steps(&steps, &all[dictionary.len()..], &fixed());
    if own.bits < usual.bits { own.bytes } else { usual.bytes }
}

impl Step {
    /// Its symbol among literals and lengths.
    fn literal(self, byte: u8) -> usize {
        if self.distance == 0 { usize::from(byte) } else { 257 + code_of(self.length, 29, length_code) }
    }
}

/// The code whose range a value lies in.
fn code_of(value: usize, codes: usize, first: fn(usize) -> (usize, u32)) -> usize {
    (0..codes).rev().find(|code| first(*code).0 <= value).unwrap_or(0)
}

/// Copies where they are long enough, and never one where waiting a byte gives a longer one.
fn steps(all: &[u8], start: usize) -> Vec<Step> {
    let mut earlier = Earlier { last: vec![0; 1 << 15], before: vec![0; all.len()], known: 0 };
    let mut steps = Vec::new();
    let mut at = start;
    while at < all.len() {
        let best = earlier.longest(all, at);
        let here =
            if best.length > 0 && earlier.longest(all, at + 1).length > best.length { Step { length: 0, distance: 0 } } else { best };
        let step = if here.length < 3 { Step { length: 1, distance: 0 } } else { here };
        at += step.length;
        steps.push(step);
    }
    steps
}

/// Where the same three bytes stood before: the last place for each hash of them, and the one before each place; places count from 1.
struct Earlier {
    last: Vec<u32>,
    before: Vec<u32>,
    known: usize,
}

impl Earlier {
    fn longest(&mut self, all: &[u8], at: usize) -> Step {
        let hash = |place: usize| {
            all.get(place..place + 3).map(|b| (usize::from(b[0]) << 10 ^ usize::from(b[1]) << 5 ^ usize::from(b[2])) & 0x7fff)
        };
        while self.known < at {
            if let Some(hash) = hash(self.known) {
                self.before[self.known] = std::mem::replace(&mut self.last[hash], self.known as u32 + 1);
            }
            self.known += 1;
        }
        let mut best = Step { length: 0, distance: 0 };
        let mut place = hash(at).map_or(0, |hash| self.last[hash]) as usize;
        for _ in 0..TRIES {
            if place == 0 || place > at || at - (place - 1) > WINDOW {
                break;
            }
            let same = all[place - 1..].iter().zip(&all[at..]).take(LONGEST).take_while(|(a, b)| a == b).count();
            // A far copy of three bytes costs more than the bytes.
            if same > best.length && (same > 3 || at - (place - 1) < 4_096) {
                best = Step { length: same, distance: at - (place - 1) };
            }
            if same == LONGEST {
                break;
            }
            place = self.before[place - 1] as usize;
        }
        best
    }
}

/// The lengths of the best codes for symbols so often used, none above `most`.
fn code_lengths(counts: &[u32], most: u8) -> Vec<u8> {
    let mut counts = counts.to_vec();
    loop {
        let lengths = tree_depths(&counts);
        if lengths.iter().all(|length| *length <= most) {
            return lengths;
        }
        // Flatter counts give a flatter tree.
        counts.iter_mut().filter(|count| **count > 0).for_each(|count| *count = *count / 2 + 1);
    }
}

/// How deep each symbol lies in its Huffman tree.
fn tree_depths(counts: &[u32]) -> Vec<u8> {
    let mut depths = vec![0; counts.len()];
    let mut leaves: Vec<(u32, usize)> =
        (0..).zip(counts).filter(|(_, count)| **count > 0).map(|(symbol, count)| (*count, symbol)).collect();
    if leaves.len() < 2 {
        leaves.iter().for_each(|(_, symbol)| depths[*symbol] = 1);
        return depths;
    }
    settle(&mut leaves, |a, b| a < b);
    // Trees by weight: the leaves, and those already made, each list in order. Joining two puts all their symbols one deeper.
    let mut leaves: VecDeque<(u32, Vec<usize>)> = leaves.into_iter().map(|(count, symbol)| (count, vec![symbol])).collect();
    let mut made: VecDeque<(u32, Vec<usize>)> = VecDeque::new();
    let mut lightest = |made: &mut VecDeque<(u32, Vec<usize>)>| {
        let leaf = leaves.front().is_some_and(|leaf| made.front().is_none_or(|tree| leaf.0 <= tree.0));
        if leaf { leaves.pop_front() } else { made.pop_front() }
    };
    while let Some(mut tree) = lightest(&mut made) {
        let Some(other) = lightest(&mut made) else { break };
        tree.0 += other.0;
        tree.1.extend(other.1);
        tree.1.iter().for_each(|symbol| depths[*symbol] += 1);
        made.push_back(tree);
    }
    depths
}

/// Writes bits, the lowest of each byte first.
struct Packed {
    bytes: Vec<u8>,
    bits: usize,
}

impl Packed {
    fn put(&mut self, value: usize, count: u32) {
        for i in 0..count {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> i & 1) as u8) << (self.bits % 8);
            self.bits += 1;
        }
    }

    /// A symbol under canonical codes of these lengths, highest bit first.
    fn code(&mut self, lengths: &[u8], symbol: usize) {
        let own = lengths[symbol];
        let shorter = lengths.iter().filter(|length| **length > 0 && **length < own).map(|length| 1 << (own - length)).sum::<usize>();
        let code = shorter + lengths[..symbol].iter().filter(|length| **length == own).count();
        (0..own).rev().for_each(|bit| self.put(code >> bit & 1, 1));
    }

    /// The codes, by their lengths, themselves in codes.
    fn header(&mut self, literals: &[u8], distances: &[u8]) {
        let used =
            |lengths: &[u8], least: usize| lengths.iter().rposition(|length| *length > 0).map_or(least, |last| (last + 1).max(least));
        let (literal_count, distance_count) = (used(literals, 257), used(distances, 1));
        let lengths = [&literals[..literal_count], &distances[..distance_count]].concat();
        let mut runs: Vec<(usize, usize, u32)> = Vec::new();
        let mut at = 0;
        while at < lengths.len() {
            let length = lengths[at];
            let same = lengths[at..].iter().take_while(|other| **other == length).count();
            let repeats = at > 0 && lengths[at - 1] == length;
            let (run, taken) = match length {
                0 if same >= 11 => ((18, same.min(138) - 11, 7), same.min(138)),
                0 if same >= 3 => ((17, same - 3, 3), same),
                _ if same >= 3 && repeats => ((16, same.min(6) - 3, 2), same.min(6)),
                _ => ((usize::from(length), 0, 0), 1),
            };
            runs.push(run);
            at += taken;
        }
        let mut counts = [0; 19];
        runs.iter().for_each(|run| counts[run.0] += 1);
        let codes = code_lengths(&counts, 7);
        let ordered = ORDER.iter().rposition(|place| codes[usize::from(*place)] > 0).map_or(4, |last| (last + 1).max(4));
        self.put(literal_count - 257, 5);
        self.put(distance_count - 1, 5);
        self.put(ordered - 4, 4);
        ORDER[..ordered].iter().for_each(|place| self.put(usize::from(codes[usize::from(*place)]), 3));
        for (symbol, extra, bits) in runs {
            self.code(&codes, symbol);
            self.put(extra, bits);
        }
    }

    fn steps(&mut self, steps: &[Step], text: &[u8], (literals, distances): &(Vec<u8>, Vec<u8>)) {
        let mut at = 0;
        for step in steps {
            let symbol = step.literal(text[at]);
            self.code(literals, symbol);
            if step.distance > 0 {
                let (first, bits) = length_code(symbol - 257);
                self.put(step.length - first, bits);
                let code = code_of(step.distance, DISTANCES, distance_code);
                let (first, bits) = distance_code(code);
                self.code(distances, code);
                self.put(step.distance - first, bits);
            }
            at += step.length;
        }
        self.code(literals, END);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Seed, SimRng};

    const LIMIT: usize = 1 << 20;

    fn texts() -> Vec<Vec<u8>> {
        let mut rng = SimRng::new(Seed(3), 0);
        let mut texts = vec![Vec::new(), b"a".to_vec(), vec![b' '; 100_000], include_bytes!("flate.rs").to_vec(), (0..=255).collect()];
        for size in [2, 30, 3_000, 70_000] {
            for letters in [2, 30, 256] {
                texts.push((0..size).map(|_| rng.below(letters) as u8).collect());
            }
        }
        texts
    }

    #[test]
    fn the_other_implementation_reads_what_is_packed_here_and_the_other_way_round() {
        for text in texts() {
            let packed = deflate(b"", &text);
            assert_eq!(miniz_oxide::inflate::decompress_to_vec(&packed).ok().as_ref(), Some(&text));
            for level in [0, 1, 6, 10] {
                assert_eq!(inflate(b"", &miniz_oxide::deflate::compress_to_vec(&text, level), LIMIT), Ok(text.clone()));
            }
        }
    }

    #[test]
    fn a_dictionary_is_referred_to_and_not_repeated() {
        let dictionary = include_bytes!("flate.rs");
        for text in texts() {
            assert_eq!(inflate(dictionary, &deflate(dictionary, &text), LIMIT), Ok(text));
        }
        assert!(deflate(dictionary, &dictionary[1_000..1_200]).len() < 8);
    }

    #[test]
    fn it_packs_about_as_well_as_the_other_implementation() {
        for text in texts() {
            let (own, other) = (deflate(b"", &text).len(), miniz_oxide::deflate::compress_to_vec(&text, 10).len());
            // Chance cannot be packed; as texts never are chance, there is no form for it here.
            assert!(own <= other + other / 50 + 2 || other > text.len(), "{own} bytes here, {other} there");
        }
    }

    #[test]
    fn wrong_bytes_are_refused_and_never_a_panic() {
        assert_eq!(inflate(b"", &[], LIMIT), Err(FlateError::Damaged));
        assert_eq!(inflate(b"", &deflate(b"", &vec![b' '; 1_001]), 1_000), Err(FlateError::TooLarge));
        let mut rng = SimRng::new(Seed(4), 0);
        let good = deflate(b"", include_bytes!("flate.rs"));
        for round in 0..3_000 {
            let mut bytes = good[..rng.below(good.len() as u64) as usize].to_vec();
            if round % 2 == 0 {
                bytes = (0..rng.below(60)).map(|_| rng.next_u32() as u8).collect();
            } else if !bytes.is_empty() {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << rng.below(8);
            }
            let _ = inflate(b"dictionary", &bytes, LIMIT);
        }
    }
}
