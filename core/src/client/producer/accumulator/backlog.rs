//! Encoded records of one partition in the order they came, in pieces of a page: they are written at one end and read at the other,
//! and what was read is given back.

use std::collections::VecDeque;

/// What a piece holds, unless a single record is larger.
const PIECE: usize = 4_096;

/// Emptied pieces that are kept to be used again; after a jam there would be hundreds.
const SPARES: usize = 8;

pub type Spare = Vec<Vec<u8>>;

#[derive(Clone, Debug, Default)]
pub struct Backlog {
    /// None is empty. A record lies in one of them, a batch may lie in several.
    pieces: VecDeque<Vec<u8>>,
    /// Bytes of the first one that were read.
    taken: usize,
}

impl Backlog {
    /// Where the next record is to be written, of so many bytes at most.
    pub fn room(&mut self, bytes: u32, spare: &mut Spare) -> &mut Vec<u8> {
        let bytes = bytes as usize;
        match self.pieces.back() {
            Some(last) if last.len() + bytes <= PIECE => {}
            // One that has others before it will be filled.
            Some(_) => self.pieces.push_back(Vec::with_capacity(bytes.max(PIECE))),
            None => self.pieces.push_back(spare.pop().unwrap_or_default()),
        }
        self.pieces.back_mut().expect("pushed above")
    }

    /// Moves so many bytes out.
    pub fn take(&mut self, bytes: u32, out: &mut Vec<u8>, spare: &mut Spare) {
        let mut left = bytes as usize;
        while let Some(first) = self.pieces.front_mut().filter(|_| left > 0) {
            let end = first.len().min(self.taken + left);
            out.extend_from_slice(&first[self.taken..end]);
            left -= end - self.taken;
            self.taken = end;
            if end < first.len() {
                break;
            }
            first.clear();
            self.taken = 0;
            spare.extend(self.pieces.pop_front().filter(|_| spare.len() < SPARES));
        }
    }
}
