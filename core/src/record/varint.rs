//! Variable-length integers as Kafka writes them: seven bits a byte, least significant first.
//!
//! Signed numbers are folded with zig-zag, so that small negative numbers stay short.
//! Lengths and deltas of a record are signed; the unsigned form belongs to the flexible protocol messages.

/// The longest encoding of 64 bits.
pub const MAX_VARLONG_BYTES: usize = 10;

pub const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub const fn unzigzag(folded: u64) -> i64 {
    (folded >> 1) as i64 ^ -((folded & 1) as i64)
}

/// Bytes an unsigned number takes.
pub const fn unsigned_size(value: u64) -> u32 {
    // Seven bits a byte, at least one byte; `| 1` gives zero its byte.
    ((64 - (value | 1).leading_zeros()) * 9 + 64) >> 6
}

/// Bytes a signed number takes. A `varint` and a `varlong` of the same number are the same bytes.
pub const fn size(value: i64) -> u32 {
    unsigned_size(zigzag(value))
}

/// Writes into `buffer` at `at`; answers the position behind. The caller provides room for ten bytes.
#[inline]
pub(super) fn put(buffer: &mut [u8], at: usize, value: i64) -> usize {
    let mut rest = zigzag(value);
    let mut end = at;
    while rest >= 0x80 {
        buffer[end] = rest as u8 | 0x80;
        rest >>= 7;
        end += 1;
    }
    buffer[end] = rest as u8;
    end + 1
}

/// Appends a signed number (`writeVarint`, `writeVarlong`).
pub fn write(value: i64, out: &mut Vec<u8>) {
    write_unsigned(zigzag(value), out);
}

/// Appends an unsigned number (`writeUnsignedVarint`).
pub fn write_unsigned(value: u64, out: &mut Vec<u8>) {
    let mut rest = value;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Reads an unsigned number and moves `at` behind it; `None` when the bytes end or ten bytes do not end it.
#[inline]
pub fn read_unsigned(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let first = *bytes.get(*at)?;
    *at += 1;
    if first < 0x80 {
        return Some(u64::from(first));
    }
    let mut value = u64::from(first & 0x7f);
    let mut shift = 7;
    while shift < 7 * MAX_VARLONG_BYTES as u32 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
        shift += 7;
    }
    None
}

/// Reads a signed 64-bit number (`readVarlong`).
#[inline]
pub fn read(bytes: &[u8], at: &mut usize) -> Option<i64> {
    read_unsigned(bytes, at).map(unzigzag)
}

/// Reads a signed 32-bit number (`readVarint`); `None` also when the number is wider.
#[inline]
pub fn read_i32(bytes: &[u8], at: &mut usize) -> Option<i32> {
    i32::try_from(read(bytes, at)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> impl Iterator<Item = i64> {
        let around = |bit: u32| (-2..=2).map(move |d| (1_i64 << bit).wrapping_add(d));
        (0..64).flat_map(around).chain((0..64).flat_map(move |bit| around(bit).map(i64::wrapping_neg))).chain(-70_000..70_000)
    }

    #[test]
    fn every_number_comes_back_and_takes_the_size_foretold() {
        for value in samples() {
            let mut bytes = Vec::new();
            write(value, &mut bytes);
            assert_eq!(bytes.len() as u32, size(value), "{value}");
            let mut at = 0;
            assert_eq!(read(&bytes, &mut at), Some(value));
            assert_eq!(at, bytes.len());
            let mut buffer = [0; MAX_VARLONG_BYTES];
            let end = put(&mut buffer, 0, value);
            assert_eq!(&buffer[..end], &bytes[..]);
        }
    }

    #[test]
    fn bytes_that_end_too_early_or_never_are_refused() {
        assert_eq!(read(&[], &mut 0), None);
        assert_eq!(read(&[0x80], &mut 0), None);
        assert_eq!(read(&[0xff; 11], &mut 0), None);
        assert_eq!(read_i32(&[0x80, 0x80, 0x80, 0x80, 0x10], &mut 0), None, "2^31 is no 32-bit number");
    }
}
