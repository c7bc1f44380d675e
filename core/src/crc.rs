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
    use std::sync::OnceLock;

    const POLYNOMIAL: u32 = 0x82f6_3b78;
    const SLICES: usize = 16;

    type Tables = [[u32; 256]; SLICES];

    /// The first table advances a checksum by one byte, each further one by another zero byte.
    fn tables() -> &'static Tables {
        static TABLES: OnceLock<Box<Tables>> = OnceLock::new();
        TABLES.get_or_init(|| {
            let mut tables = Box::new([[0; 256]; SLICES]);
            for byte in 0..256_usize {
                let step = |crc: u32, _| (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
                tables[0][byte] = (0..8).fold(byte as u32, step);
            }
            for slice in 1..SLICES {
                for byte in 0..256 {
                    let before = tables[slice - 1][byte];
                    tables[slice][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
                }
            }
            tables
        })
    }

    /// Sixteen bytes at once. Written out, since a compiler that saves space leaves the loop a loop.
    fn advance(tables: &Tables, crc: u32, block: &[u8; SLICES]) -> u32 {
        let word = |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
        let four = |word: u32, first: usize| {
            tables[first][(word & 0xff) as usize]
                ^ tables[first - 1][(word >> 8 & 0xff) as usize]
                ^ tables[first - 2][(word >> 16 & 0xff) as usize]
                ^ tables[first - 3][(word >> 24) as usize]
        };
        four(word(0) ^ crc, 15) ^ four(word(4), 11) ^ four(word(8), 7) ^ four(word(12), 3)
    }

    pub(super) fn append(crc: u32, data: &[u8]) -> u32 {
        let tables = tables();
        let mut crc = !crc;
        let (blocks, rest) = data.as_chunks::<SLICES>();
        for block in blocks {
            crc = advance(tables, crc, block);
        }
        for byte in rest {
            crc = (crc >> 8) ^ tables[0][((crc ^ u32::from(*byte)) & 0xff) as usize];
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
