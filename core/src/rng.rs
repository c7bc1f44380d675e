//! Chance: one small portable generator, one stream an owner, integers only.
//!
//! Each node and each link owns a stream forked by name, so adding a broker does not reshuffle anybody else's draws.

use rand_core::Rng;
use rand_pcg::Pcg32;

/// What a scenario's `seed` says. Same file and seed, same run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

/// A stream of draws; cloning it clones its future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimRng(Pcg32);

impl SimRng {
    /// The stream of the owner with this number; streams of one seed are independent.
    pub fn new(seed: Seed, owner: u64) -> Self {
        SimRng(Pcg32::new(seed.0 ^ 0x9e37_79b9_7f4a_7c15, owner))
    }

    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    pub fn next_u64(&mut self) -> u64 {
        (u64::from(self.next_u32()) << 32) | u64::from(self.next_u32())
    }

    /// A 31-bit draw, as Kafka's `Utils.toPositive(ThreadLocalRandom.nextInt())` gives.
    pub fn next_positive(&mut self) -> i32 {
        (self.next_u32() & 0x7fff_ffff) as i32
    }

    /// A number in `0..bound`; zero for an empty range. Lemire's multiplication, with rejection so that it is exact.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        loop {
            let (high, low) = product(self.next_u64(), bound);
            // The division is needed only for the few draws that may have to be rejected.
            if low >= bound || low >= bound.wrapping_neg() % bound {
                return high;
            }
        }
    }

    /// `java.util.Collections.shuffle`: from the end, swap with a draw at or before it.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u64 + 1) as usize;
            items.swap(i, j);
        }
    }
}

/// All 128 bits of a product. wasm multiplies 64 bits at most, and most bounds are small.
fn product(draw: u64, bound: u64) -> (u64, u64) {
    if bound <= u64::from(u32::MAX) {
        let (high, low) = ((draw >> 32) * bound, (draw & 0xffff_ffff) * bound);
        return ((high + (low >> 32)) >> 32, draw.wrapping_mul(bound));
    }
    let product = u128::from(draw) * u128::from(bound);
    ((product >> 64) as u64, product as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draws = |owner| -> Vec<u32> {
            let mut rng = SimRng::new(Seed(7), owner);
            (0..8).map(|_| rng.next_u32()).collect()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }

    #[test]
    fn below_stays_below_and_reaches_every_value() {
        let mut rng = SimRng::new(Seed(1), 0);
        let mut seen = [0_u32; 10];
        for _ in 0..1_000 {
            seen[rng.below(10) as usize] += 1;
        }
        assert!(seen.iter().all(|&n| n > 50), "{seen:?}");
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn both_ways_to_multiply_agree() {
        for bound in [1, 2, 3, 1_000, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX] {
            for draw in [0, 1, u64::MAX, u64::MAX / 3, 0x0123_4567_89ab_cdef] {
                let whole = u128::from(draw) * u128::from(bound);
                assert_eq!(product(draw, bound), ((whole >> 64) as u64, whole as u64));
            }
        }
    }
}
