//! One record inside a batch: its bytes written, read and measured, without an allocation.
//!
//! A record carries differences to its batch (offset, timestamp), then key, value and headers, each behind its length;
//! a length of −1 means null.

use super::varint;

/// What a record may take beside its key, value and headers (`DefaultRecord.MAX_RECORD_OVERHEAD`):
/// length 5, attributes 1, timestamp delta 10, offset delta 5.
pub const MAX_RECORD_OVERHEAD: u32 = 21;

/// Bytes that are copied as words.
const FEW: usize = 16;

/// Length prefix, attributes, both deltas, the key's length, a short key, and the value's length.
const HEAD: usize = 5 + 1 + 10 + 5 + 5 + FEW + 5 + 1;

/// A record as it lies in its batch; key, value and headers borrow the batch's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'a> {
    pub offset_delta: u32,
    pub timestamp_ms: i64,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub(super) headers: &'a [u8],
    pub(super) header_count: u32,
}

impl<'a> RecordRef<'a> {
    pub fn headers(&self) -> Headers<'a> {
        Headers { bytes: self.headers, left: self.header_count }
    }

    pub const fn header_count(&self) -> u32 {
        self.header_count
    }
}

/// The headers of a record, in their order; a name may come twice.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    left: u32,
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let mut at = 0;
        let name = str::from_utf8(read_nullable(self.bytes, &mut at)??).ok()?;
        let value = read_nullable(self.bytes, &mut at)?;
        self.bytes = &self.bytes[at..];
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left as usize))
    }
}

/// Bytes of key and value with their lengths, and of the number of headers while there is none (`DefaultRecord.sizeOf`).
pub fn content_size(key_len: Option<u32>, value_len: Option<u32>) -> u32 {
    nullable_size(key_len) + nullable_size(value_len) + 1
}

/// Bytes of key, value and headers, with their lengths.
pub(super) fn content_of(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[(&str, Option<&[u8]>)]) -> u32 {
    content_size(key.map(length), value.map(length)) + headers_size(headers)
}

/// What headers take beside key and value.
fn headers_size(headers: &[(&str, Option<&[u8]>)]) -> u32 {
    let header = |&(name, value): &(&str, Option<&[u8]>)| nullable_size(Some(name.len() as u32)) + nullable_size(value.map(length));
    varint::size(headers.len() as i64) - 1 + headers.iter().map(header).sum::<u32>()
}

fn nullable_size(len: Option<u32>) -> u32 {
    match len {
        Some(len) => varint::size(i64::from(len)) + len,
        None => 1,
    }
}

fn length(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}

fn body_size(offset_delta: u32, timestamp_delta: i64, content: u32) -> u32 {
    1 + varint::size(timestamp_delta) + varint::size(i64::from(offset_delta)) + content
}

/// Exact size of an encoded record of this content, its length prefix included.
pub fn estimated_record_size(offset_delta: u32, timestamp_delta: i64, content: u32) -> u32 {
    let body = body_size(offset_delta, timestamp_delta, content);
    varint::size(i64::from(body)) + body
}

/// What a batch of this one record takes at most (`AbstractRecords.estimateSizeInBytesUpperBound`).
pub const fn upper_bound_size(content: u32) -> u32 {
    super::HEADER_SIZE + MAX_RECORD_OVERHEAD + content
}

/// Appends a record; `content` is what its key, value and headers take.
pub fn write_record(
    out: &mut Vec<u8>,
    offset_delta: u32,
    timestamp_delta: i64,
    content: u32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[(&str, Option<&[u8]>)],
) {
    let body = body_size(offset_delta, timestamp_delta, content);
    out.reserve(HEAD.max((varint::size(i64::from(body)) + body) as usize));
    let mut head = [0; HEAD];
    let mut end = varint::put(&mut head, 0, i64::from(body));
    end += 1; // attributes: none are defined
    end = varint::put(&mut head, end, timestamp_delta);
    end = varint::put(&mut head, end, i64::from(offset_delta));
    end = varint::put(&mut head, end, signed_length(key));
    let key = key.unwrap_or_default();
    match few(key) {
        Some(padded) => {
            head[end..end + FEW].copy_from_slice(&padded);
            end += key.len();
        }
        None => {
            push_first(out, &head, end);
            out.extend_from_slice(key);
            end = 0;
        }
    }
    end = varint::put(&mut head, end, signed_length(value));
    push_first(out, &head, end);
    out.extend_from_slice(value.unwrap_or_default());
    varint::write(headers.len() as i64, out);
    for &(name, value) in headers {
        write_nullable(out, Some(name.as_bytes()));
        write_nullable(out, value);
    }
}

/// Appends the first bytes of an array. In wasm a copy is a call out of the engine unless its length is known: so all of it is
/// copied, and what is too much taken back.
#[inline]
pub(super) fn push_first<const N: usize>(out: &mut Vec<u8>, bytes: &[u8; N], count: usize) {
    let end = out.len() + count;
    out.extend_from_slice(bytes);
    out.truncate(end);
}

/// Appends what is short as a rule.
pub fn push_few(out: &mut Vec<u8>, bytes: &[u8]) {
    match few(bytes) {
        Some(padded) => push_first(out, &padded, bytes.len()),
        None => out.extend_from_slice(bytes),
    }
}

/// At most so many bytes, with zeros behind: two words that overlap.
#[inline]
fn few(bytes: &[u8]) -> Option<[u8; FEW]> {
    let mut padded = [0; FEW];
    let end = bytes.len();
    if end > FEW {
        return None;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        padded[..8].copy_from_slice(first);
        padded[end - 8..end].copy_from_slice(last);
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        padded[..4].copy_from_slice(first);
        padded[end - 4..end].copy_from_slice(last);
    } else {
        bytes.iter().zip(&mut padded).for_each(|(byte, place)| *place = *byte);
    }
    Some(padded)
}

fn signed_length(bytes: Option<&[u8]>) -> i64 {
    bytes.map_or(-1, |bytes| bytes.len() as i64)
}

fn write_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    varint::write(signed_length(bytes), out);
    out.extend_from_slice(bytes.unwrap_or_default());
}

/// Length and bytes; the outer `None` says that the format is broken.
#[inline]
pub(super) fn read_nullable<'a>(bytes: &'a [u8], at: &mut usize) -> Option<Option<&'a [u8]>> {
    let len = varint::read_i32(bytes, at)?;
    if len < 0 {
        return Some(None);
    }
    let start = *at;
    let slice = bytes.get(start..start.checked_add(len as usize)?)?;
    *at = start + len as usize;
    Some(Some(slice))
}

/// What a record's deltas are relative to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base {
    pub(super) timestamp_ms: i64,
    /// The one timestamp of all records, if the broker stamped it (`LogAppendTime`).
    pub(super) log_append_time_ms: Option<i64>,
}

/// Reads the record at `at` and moves behind it; `None` when the bytes are no record.
///
/// Headers are cut out, not walked: most readers never look at them.
#[inline]
pub(super) fn read_record<'a>(bytes: &'a [u8], at: &mut usize, base: Base) -> Option<RecordRef<'a>> {
    let body_len = u32::try_from(varint::read_i32(bytes, at)?).ok()? as usize;
    let body = bytes.get(*at..at.checked_add(body_len)?)?;
    *at += body_len;
    let mut cursor = 1; // attributes
    let timestamp_delta = varint::read(body, &mut cursor)?;
    let offset_delta = u32::try_from(varint::read_i32(body, &mut cursor)?).ok()?;
    let key = read_nullable(body, &mut cursor)?;
    let value = read_nullable(body, &mut cursor)?;
    let header_count = u32::try_from(varint::read_i32(body, &mut cursor)?).ok()?;
    let timestamp_ms = base.log_append_time_ms.unwrap_or_else(|| base.timestamp_ms.wrapping_add(timestamp_delta));
    Some(RecordRef { offset_delta, timestamp_ms, key, value, headers: &body[cursor..], header_count })
}

/// True when the headers are exactly what their bytes hold.
pub(super) fn headers_are_whole(record: &RecordRef<'_>) -> bool {
    let mut headers = record.headers();
    let read = headers.by_ref().count() as u32;
    read == record.header_count && headers.bytes.is_empty()
}
