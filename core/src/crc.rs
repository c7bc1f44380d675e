//! CRC-32C (Castagnoli), which guards batches, checkpoints, links and saves.
//!
//! Natively the processor's own instruction does it. In wasm there is none, and a crate's tables would be sixteen kilobytes that no
//! compression helps with in what every visitor downloads; here they are computed when first needed: slicing by sixteen.

/// Of one piece of data.
pub fn crc32c(data: &[u8]) -> u32 {
    crc32c_append(0, data)
}

/// Of data that follows on what `crc` covers.
#[cfg(not(target_family = "wasm"))]
pub fn crc32c_append(crc: u32, data: &[u8]) -> u32 {
    crc32c::crc32c_append(crc, data)
}

/// Of data that follows on what `crc` covers.
#[cfg(target_family = "wasm")]
pub fn crc32c_append(crc: u32, data: &[u8]) -> u32 {
    sliced::append(crc, data)
}

#[cfg(any(test, target_family = "wasm"))]
mod sliced {
    use std::sync::Once;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    const POLYNOMIAL: u32 = 0x82f6_3b78;
    const SLICES: usize = 16;

    /// The first table advances a checksum by one byte, each further one by another zero byte. They lie at a place that is known when
    /// this is compiled, which saves an addition for every byte; atomic, since that is how a static is filled.
    static TABLES: [[AtomicU32; 256]; SLICES] = [const { [const { AtomicU32::new(0) }; 256] }; SLICES];

    #[inline(always)]
    fn entry(slice: usize, byte: u32) -> u32 {
        TABLES[slice][(byte & 0xff) as usize].load(Relaxed)
    }

    #[cold]
    fn fill() {
        for byte in 0..256 {
            let step = |crc: u32, _| (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
            let mut crc = (0..8).fold(byte, step);
            TABLES[0][byte as usize].store(crc, Relaxed);
            for table in &TABLES[1..] {
                crc = (0..8).fold(crc, step);
                table[byte as usize].store(crc, Relaxed);
            }
        }
    }

    #[inline(always)]
    fn four(word: u32, first: usize) -> u32 {
        entry(first, word) ^ entry(first - 1, word >> 8) ^ entry(first - 2, word >> 16) ^ entry(first - 3, word >> 24)
    }

    /// Sixteen bytes at once. Written out, since a compiler that saves space leaves the loop a loop.
    fn advance(crc: u32, block: &[u8; SLICES]) -> u32 {
        let word = |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
        four(word(0) ^ crc, 15) ^ four(word(4), 11) ^ four(word(8), 7) ^ four(word(12), 3)
    }

    pub(super) fn append(crc: u32, data: &[u8]) -> u32 {
        static FILLED: Once = Once::new();
        FILLED.call_once(fill);
        let mut crc = !crc;
        let (blocks, rest) = data.as_chunks::<SLICES>();
        for block in blocks {
            crc = advance(crc, block);
        }
        // One by one each byte waits for the one before.
        let (words, rest) = rest.as_chunks::<4>();
        for word in words {
            crc = four(u32::from_le_bytes(*word) ^ crc, 3);
        }
        for byte in rest {
            crc = (crc >> 8) ^ entry(0, crc ^ u32::from(*byte));
        }
        !crc
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_agree_with_the_processor_at_every_length() {
        let data: Vec<u8> = (0..200_u32).map(|i| (i * 167 + 13) as u8).collect();
        for length in 0..data.len() {
            assert_eq!(sliced::append(0, &data[..length]), crc32c(&data[..length]), "{length} bytes");
            assert_eq!(sliced::append(crc32c(&data[..length]), &data[length..]), crc32c(&data));
        }
    }
}
