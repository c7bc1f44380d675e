//! Plain data as bytes, for two places that run the same build: numbers in as few bytes as they need, texts and lists behind their
//! length, fields in their order.
//!
//! Reading never fails halfway: what is missing reads as nothing, and [`decode`] says at the end that it was not a message.

use crate::sorted::SortedMap;

pub trait Wire: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(from: &mut Reader<'_>) -> Self;
}

/// What is left to read.
pub struct Reader<'a> {
    bytes: &'a [u8],
    broken: bool,
}

pub fn encode<T: Wire>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    value.put(&mut out);
    out
}

/// `None` when the bytes are not exactly one such value.
pub fn decode<T: Wire>(bytes: &[u8]) -> Option<T> {
    let mut from = Reader { bytes, broken: false };
    let value = T::take(&mut from);
    (!from.broken && from.bytes.is_empty()).then_some(value)
}

impl Reader<'_> {
    /// These bytes are no message.
    pub fn fail(&mut self) {
        self.broken = true;
        self.bytes = &[];
    }

    pub fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => {
                self.fail();
                0
            }
        }
    }

    /// So many bytes as they are.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let Some((bytes, rest)) = self.bytes.split_at_checked(count) else {
            self.fail();
            return Vec::new();
        };
        self.bytes = rest;
        bytes.to_vec()
    }

    fn number(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 || shift > 63 {
                return value;
            }
        }
    }

    /// How many elements follow. Each takes a byte at least, so that a wrong count cannot make anybody reserve memory.
    fn count(&mut self) -> usize {
        let count = self.number();
        if count > self.bytes.len() as u64 {
            self.fail();
            return 0;
        }
        count as usize
    }

    fn text(&mut self) -> Vec<u8> {
        let count = self.count();
        let (text, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        text.to_vec()
    }
}

fn put_number(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Wire for $number {
            fn put(&self, out: &mut Vec<u8>) {
                put_number(*self as u64, out);
            }

            fn take(from: &mut Reader<'_>) -> Self {
                from.number() as $number
            }
        })*
    };
}

numbers!(u8, u32, u64);

macro_rules! signed {
    ($($number:ty),*) => {
        $(impl Wire for $number {
            fn put(&self, out: &mut Vec<u8>) {
                let wide = i64::from(*self);
                put_number((wide << 1 ^ wide >> 63) as u64, out);
            }

            fn take(from: &mut Reader<'_>) -> Self {
                let number = from.number();
                ((number >> 1) as i64 ^ -((number & 1) as i64)) as $number
            }
        })*
    };
}

signed!(i32, i64);

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(from: &mut Reader<'_>) -> Self {
        from.byte() != 0
    }
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_number(self.len() as u64, out);
        out.extend_from_slice(self.as_bytes());
    }

    fn take(from: &mut Reader<'_>) -> Self {
        String::from_utf8(from.text()).unwrap_or_else(|_| {
            from.fail();
            String::new()
        })
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Self {
        (from.byte() != 0).then(|| T::take(from))
    }
}

impl<T: Wire, E: Wire> Wire for Result<T, E> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_ok()));
        match self {
            Ok(value) => value.put(out),
            Err(error) => error.put(out),
        }
    }

    fn take(from: &mut Reader<'_>) -> Self {
        if from.byte() != 0 { Ok(T::take(from)) } else { Err(E::take(from)) }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_number(self.len() as u64, out);
        self.iter().for_each(|item| item.put(out));
    }

    fn take(from: &mut Reader<'_>) -> Self {
        let count = from.count();
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(T::take(from));
        }
        list
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Self {
        let first = A::take(from);
        (first, B::take(from))
    }
}

impl<K: Wire + Ord, V: Wire> Wire for SortedMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        put_number(self.len() as u64, out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Self {
        let mut map = SortedMap::new();
        for _ in 0..from.count() {
            let key = K::take(from);
            map.insert(key, V::take(from));
        }
        map
    }
}

/// Structs by their fields: a field left out does not compile.
#[macro_export]
macro_rules! wire_structs {
    ($($name:ident { $($field:ident),* $(,)? })*) => {
        $(impl $crate::wire::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($crate::wire::Wire::put($field, out);)*
            }

            fn take(from: &mut $crate::wire::Reader<'_>) -> Self {
                Self { $($field: $crate::wire::Wire::take(from)),* }
            }
        })*
    };
}

/// Enums by the number of each variant. A number that none has makes the message unreadable, and reads as the value after `else`.
#[macro_export]
macro_rules! wire_enums {
    ($($name:ident else $other:expr => {
        $($tag:literal $variant:ident $(($($inner:ident),*))? $({ $($field:ident),* })?),* $(,)?
    })*) => {
        $(impl $crate::wire::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($($inner),*))? $({ $($field),* })? => {
                        out.push($tag);
                        $($($crate::wire::Wire::put($inner, out);)*)?
                        $($($crate::wire::Wire::put($field, out);)*)?
                    })*
                }
            }

            fn take(from: &mut $crate::wire::Reader<'_>) -> Self {
                match from.byte() {
                    $($tag => {
                        $($(let $inner = $crate::wire::Wire::take(from);)*)?
                        $($(let $field = $crate::wire::Wire::take(from);)*)?
                        Self::$variant $(($($inner),*))? $({ $($field),* })?
                    })*
                    _ => {
                        from.fail();
                        $other
                    }
                }
            }
        })*
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Sample {
        number: u64,
        signed: Vec<i64>,
        text: Option<String>,
        map: SortedMap<String, (u32, bool)>,
        shape: Shape,
    }

    #[derive(Clone, Debug, PartialEq)]
    enum Shape {
        Point,
        Line(i32),
        Box { width: u8, answer: Result<String, u32> },
    }

    wire_structs! {
        Sample { number, signed, text, map, shape }
    }

    wire_enums! {
        Shape else Shape::Point => { 0 Point, 1 Line(length), 2 Box { width, answer } }
    }

    fn samples() -> Vec<Sample> {
        let shapes =
            [Shape::Point, Shape::Line(-7), Shape::Box { width: 200, answer: Err(3) }, Shape::Box { width: 0, answer: Ok("ü".into()) }];
        let sample = |shape| Sample {
            number: u64::MAX,
            signed: vec![0, -1, 1, i64::MIN, i64::MAX],
            text: Some("text".into()),
            map: [("a".to_owned(), (u32::MAX, true)), ("b".to_owned(), (0, false))].into_iter().collect(),
            shape,
        };
        shapes.into_iter().map(sample).collect()
    }

    #[test]
    fn what_was_written_is_read_back() {
        for sample in samples() {
            assert_eq!(decode(&encode(&sample)), Some(sample));
        }
        assert_eq!(encode(&300_u64), [0xac, 0x02]);
    }

    #[test]
    fn what_is_cut_lengthened_or_changed_is_refused_or_read_as_something_else_and_never_a_panic() {
        for sample in samples() {
            let bytes = encode(&sample);
            assert_eq!(decode::<Sample>(&[&bytes[..], &[0]].concat()), None);
            for at in 0..bytes.len() {
                assert_eq!(decode::<Sample>(&bytes[..at]), None);
                for other in [0, 1, 3, 0x7f, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] = other;
                    let _ = decode::<Sample>(&changed);
                }
            }
        }
    }
}
