//! Kafka's protocol types in bytes, big-endian, as the records and messages of groups use them.

use std::sync::Arc;

#[derive(Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    pub fn i16(&mut self, value: i16) {
        self.0.extend(value.to_be_bytes());
    }

    pub fn i32(&mut self, value: i32) {
        self.0.extend(value.to_be_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.0.extend(value.to_be_bytes());
    }

    pub fn string(&mut self, text: &str) {
        self.i16(text.len() as i16);
        self.0.extend(text.as_bytes());
    }

    pub fn nullable_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.i16(-1),
        }
    }

    pub fn nullable_bytes(&mut self, bytes: Option<&[u8]>) {
        self.i32(bytes.map_or(-1, |bytes| bytes.len() as i32));
        self.0.extend(bytes.unwrap_or_default());
    }

    pub fn unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub fn compact_bytes(&mut self, bytes: &[u8]) {
        self.unsigned_varint(bytes.len() as u32 + 1);
        self.0.extend(bytes);
    }

    pub fn compact_nullable(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.compact_bytes(text.as_bytes()),
            None => self.unsigned_varint(0),
        }
    }
}

pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    pub fn i16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    pub fn i64(&mut self) -> Option<i64> {
        Some(i64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    pub fn string(&mut self) -> Option<Arc<str>> {
        let len = usize::try_from(self.i16()?).ok()?;
        Some(Arc::from(std::str::from_utf8(self.take(len)?).ok()?))
    }

    pub fn nullable_string(&mut self) -> Option<Option<Arc<str>>> {
        match usize::try_from(self.i16()?) {
            Err(_) => Some(None),
            Ok(len) => Some(Some(Arc::from(std::str::from_utf8(self.take(len)?).ok()?))),
        }
    }

    pub fn nullable_bytes(&mut self) -> Option<Option<&'a [u8]>> {
        match usize::try_from(self.i32()?) {
            Err(_) => Some(None),
            Ok(len) => Some(Some(self.take(len)?)),
        }
    }

    pub fn unsigned_varint(&mut self) -> Option<u32> {
        let mut value = 0_u32;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub fn compact_bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.unsigned_varint()?.checked_sub(1)?;
        self.take(len as usize)
    }

    pub fn compact_string(&mut self) -> Option<Arc<str>> {
        Some(Arc::from(std::str::from_utf8(self.compact_bytes()?).ok()?))
    }

    pub fn compact_nullable(&mut self) -> Option<Option<Arc<str>>> {
        match self.unsigned_varint()?.checked_sub(1) {
            None => Some(None),
            Some(len) => Some(Some(Arc::from(std::str::from_utf8(self.take(len as usize)?).ok()?))),
        }
    }
}
