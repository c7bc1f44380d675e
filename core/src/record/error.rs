//! Why bytes are not a readable record batch.

use super::Compression;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// Fewer bytes than the header, or than `batchLength` promises.
    Truncated { need: u32, have: u32 },
    /// `batchLength` is smaller than a header.
    LengthTooSmall { batch_length: i32 },
    /// Kafka 4 stores magic 2 only.
    UnsupportedMagic { magic: i8 },
    /// A count or delta of the header that no writer produces.
    BadHeader { field: &'static str, value: i32 },
    /// The CRC-32C of the header is not that of the bytes.
    CorruptCrc { stored: u32, computed: u32 },
    /// The attributes name a codec whose frame the records do not have.
    NotCompressed { codec: Compression },
    /// The records are compressed; this engine does not decompress them.
    Compressed { codec: Compression },
    /// The record with this number breaks the format.
    MalformedRecord { record: u32 },
    /// The records end before or behind the end of the batch.
    WrongCount { promised: u32, trailing_bytes: u32 },
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BatchError::Truncated { need, have } => {
                write!(f, "the batch needs {need} bytes, only {have} are here: the file was cut, or batchLength is damaged")
            }
            BatchError::LengthTooSmall { batch_length } => {
                write!(f, "batchLength {batch_length} is smaller than the header of a batch (49 bytes behind the length)")
            }
            BatchError::UnsupportedMagic { magic } => {
                write!(f, "magic {magic}: Kafka 4 stores record batches of magic 2 only")
            }
            BatchError::BadHeader { field, value } => write!(f, "{field} {value} is not possible in a batch"),
            BatchError::CorruptCrc { stored, computed } => {
                write!(f, "CRC-32C {computed:#010x} of the bytes is not the {stored:#010x} of the header: bytes were changed")
            }
            BatchError::NotCompressed { codec } => {
                write!(f, "the attributes say {codec}, but the records are no {codec} frame")
            }
            BatchError::Compressed { codec } => {
                write!(f, "the records are compressed with {codec}; send with compression.type=none to read them here")
            }
            BatchError::MalformedRecord { record } => write!(f, "record {record} of the batch breaks the format"),
            BatchError::WrongCount { promised, trailing_bytes } => {
                write!(f, "the header promises {promised} records, {trailing_bytes} bytes are left behind them")
            }
        }
    }
}

impl std::error::Error for BatchError {}
