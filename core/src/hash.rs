//! The hashes that decide where things go (keys to partitions, groups and transactions to their coordinators), and the
//! checksum that guards what is stored.

use crate::sorted::settle;

/// Kafka's murmur2 with its own seed, as `Utils.murmur2` answers it.
pub fn murmur2(data: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;

    let mut h = SEED ^ data.len() as u32;
    let (blocks, tail) = data.as_chunks::<4>();
    for &block in blocks {
        let mut k = u32::from_le_bytes(block).wrapping_mul(M);
        k ^= k >> R;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        let mut last = [0; 4];
        last[..tail.len()].copy_from_slice(tail);
        h = (h ^ u32::from_le_bytes(last)).wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^= h >> 15;
    h as i32
}

/// Clears the sign bit (`Utils.toPositive`); this is not the absolute value.
pub const fn to_positive(number: i32) -> i32 {
    number & i32::MAX
}

/// Where the Java producer sends a record with this key. All partitions count, available or not.
pub fn partition_for_key(key: &[u8], partitions: u32) -> u32 {
    to_positive(murmur2(key)) as u32 % partitions.max(1)
}

/// FNV-1a: tells one text from another where nobody else needs to come to the same number.
pub fn fnv(hash: u64, data: &[u8]) -> u64 {
    data.iter().fold(hash ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// CRC-32 as zip and Ethernet have it: librdkafka's `consistent` partitioners hash keys with it.
pub fn crc32(data: &[u8]) -> u32 {
    let byte =
        |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 });
    !data.iter().fold(u32::MAX, byte)
}

/// `String.hashCode` of Java, over UTF-16 units.
pub fn java_string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// `Utils.abs`: the absolute value, and zero for the one number that has none.
pub const fn kafka_abs(number: i32) -> i32 {
    if number == i32::MIN { 0 } else { number.abs() }
}

/// Which partition of `__consumer_offsets` or `__transaction_state` looks after this group or transactional id;
/// the leader of that partition is its coordinator.
pub fn coordinator_partition(id: &str, partitions: u32) -> u32 {
    kafka_abs(java_string_hash(id)) as u32 % partitions.max(1)
}

/// Puts what was inserted in this order into the order in which a `java.util.HashMap` (or `HashSet`) gives it back.
///
/// Buckets first; within one, as inserted. The table starts with 16 buckets and doubles when it is more than three quarters full.
pub fn java_map_order<T>(items: &mut Vec<T>, hash: impl Fn(&T) -> i32) {
    java_order_in(java_buckets(items.len()), items, hash);
}

/// The same for a `HashSet` made from a collection: it is large enough from the start.
pub fn java_copy_order<T>(items: &mut Vec<T>, hash: impl Fn(&T) -> i32) {
    java_order_in((items.len() * 4 / 3 + 1).max(16).next_power_of_two(), items, hash);
}

fn java_order_in<T>(buckets: usize, items: &mut Vec<T>, hash: impl Fn(&T) -> i32) {
    let mut keyed: Vec<(usize, T)> = items.drain(..).map(|item| (java_bucket(hash(&item), buckets), item)).collect();
    settle(&mut keyed, |a, b| a.0 < b.0);
    items.extend(keyed.into_iter().map(|(_, item)| item));
}

/// The buckets of a `java.util.HashMap` that has grown to hold so many.
pub fn java_buckets(held: usize) -> usize {
    let mut buckets = 16;
    while held > buckets / 4 * 3 {
        buckets *= 2;
    }
    buckets
}

pub fn java_bucket(hash: i32, buckets: usize) -> usize {
    let hash = hash as u32;
    (hash ^ hash >> 16) as usize & (buckets - 1)
}

/// `hashCode` of Kafka's `Uuid`.
pub fn java_uuid_hash(id: &[u8; 16]) -> i32 {
    id.as_chunks::<4>().0.iter().fold(0, |hash, word| hash ^ i32::from_be_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_tail_length_land_where_kafka_puts_them() {
        assert_eq!(murmur2(b"21"), -973_932_308);
        assert_eq!(murmur2(b"foobar"), -790_332_482);
        assert_eq!(murmur2(b"a-little-bit-long-string"), -985_981_536);
        assert_eq!(murmur2(b"2"), 648_968_168);
        assert_eq!(partition_for_key(b"foobar", 50), 16);
    }

    /// The numbers of librdkafka's own test of its partitioners.
    #[test]
    fn keys_hash_as_librdkafka_hashes_them() {
        let long: &[u8] = b"this is another string with more length to it perhaps";
        for (key, crc, murmur) in [(&b""[..], 0, 0x106e_08d9), (b"23456", 0xb1b4_51d7, 0x058d_780f), (long, 0xb015_0df7, 0x4f77_03da)] {
            assert_eq!(crc32(key), crc);
            assert_eq!(to_positive(murmur2(key)), murmur);
        }
        assert_eq!(crc32(b"hejsan"), 0xd077_037e);
    }

    #[test]
    fn groups_find_their_coordinator() {
        assert_eq!(coordinator_partition("test", 50), 48);
        assert_eq!(java_string_hash("polygenelubricants"), i32::MIN);
        assert_eq!(coordinator_partition("polygenelubricants", 50), 0);
    }

    #[test]
    fn a_hash_map_gives_back_by_bucket_and_then_as_inserted() {
        let mut ids = vec![101, 17, 33, 16, 1];
        java_map_order(&mut ids, |id| *id);
        assert_eq!(ids, [16, 17, 33, 1, 101]);
        let mut many: Vec<i32> = (0..13).rev().map(|i| i * 16).collect();
        java_map_order(&mut many, |id| *id);
        assert_eq!(many[..7], [192, 160, 128, 96, 64, 32, 0], "thirteen need 32 buckets");
    }

    #[test]
    fn positive_is_not_absolute() {
        assert_eq!(to_positive(-1), i32::MAX);
        assert_eq!(kafka_abs(-1), 1);
    }
}
