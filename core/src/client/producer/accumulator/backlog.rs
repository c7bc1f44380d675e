//! Encoded batches of one partition in the order they came, in pieces of a page: they are written at one end and read at the other,
//! and what was read is given back. Copies of a producer share the pieces that neither has touched since.

use std::collections::VecDeque;
use std::sync::Arc;

/// What a piece holds, unless a single record is larger.
const PIECE: usize = 4_096;

/// Emptied pieces that are kept to be used again; after a jam there would be hundreds.
const SPARES: usize = 8;

pub type Spare = Vec<Arc<Vec<u8>>>;

#[derive(Clone, Debug, Default)]
pub struct Backlog {
    /// None is empty. A record lies in one of them, a batch may lie in several.
    pieces: VecDeque<Arc<Vec<u8>>>,
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
            Some(_) => self.pieces.push_back(Arc::new(Vec::with_capacity(bytes.max(PIECE)))),
            None => self.pieces.push_back(spare.pop().unwrap_or_default()),
        }
        Arc::make_mut(self.pieces.back_mut().expect("pushed above"))
    }

    /// Takes so many bytes out; `aside` they are put together when they lie in several pieces.
    pub fn take<T>(&mut self, bytes: u32, aside: &mut Vec<u8>, spare: &mut Spare, read: impl FnOnce(&mut [u8]) -> T) -> T {
        let bytes = bytes as usize;
        let end = self.taken + bytes;
        if let Some(first) = self.pieces.front_mut().filter(|first| end <= first.len()) {
            let read = read(&mut Arc::make_mut(first)[self.taken..end]);
            self.pass(bytes, spare);
            return read;
        }
        aside.clear();
        while aside.len() < bytes {
            let first = self.pieces.front().expect("what is taken was written");
            let part = &first[self.taken..first.len().min(self.taken + bytes - aside.len())];
            aside.extend_from_slice(part);
            self.pass(part.len(), spare);
        }
        read(aside)
    }

    /// So many bytes of the first piece were read.
    fn pass(&mut self, bytes: usize, spare: &mut Spare) {
        self.taken += bytes;
        if let Some(mut read) = self.pieces.pop_front_if(|first| first.len() == self.taken) {
            self.taken = 0;
            if spare.len() < SPARES
                && let Some(own) = Arc::get_mut(&mut read)
            {
                own.clear();
                spare.push(read);
            }
        }
    }
}
