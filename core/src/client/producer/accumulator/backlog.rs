//! Encoded records of one partition in the order they came, in pieces of a page: they are written at one end and read at the other,
//! and what was read is given back.

use std::collections::VecDeque;

/// A piece takes no more once it holds this much.
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
        if self.pieces.back().is_none_or(|last| last.len() + bytes as usize > PIECE) {
            self.pieces.push_back(spare.pop().unwrap_or_default());
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
