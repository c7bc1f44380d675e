//! Chance as the vectors give it: a `java.util.Random` from its seed, draws written down, or always zero.

/// `java.util.Random`: the linear congruence of 48 bits that its documentation gives.
pub(super) struct JavaRandom(u64);

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const MASK: u64 = (1 << 48) - 1;

impl JavaRandom {
    pub(super) const fn new(seed: i64) -> Self {
        JavaRandom((seed as u64 ^ MULTIPLIER) & MASK)
    }

    fn next(&mut self, bits: u32) -> i32 {
        self.0 = (self.0.wrapping_mul(MULTIPLIER) + 0xB) & MASK;
        (self.0 >> (48 - bits)) as i32
    }

    /// `nextInt(bound)`.
    fn below(&mut self, bound: u32) -> u32 {
        let bound = bound as i32;
        if bound & (bound - 1) == 0 {
            return ((i64::from(bound) * i64::from(self.next(31))) >> 31) as u32;
        }
        loop {
            let bits = self.next(31);
            let value = bits % bound;
            if bits.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value as u32;
            }
        }
    }
}

pub(super) enum Draws {
    Java(JavaRandom),
    /// Bound and value, in order.
    Recorded(Vec<(u32, u32)>),
    Zero,
}

/// Gives draws and remembers them.
pub(super) struct Recorder {
    from: Draws,
    pub(super) made: Vec<(u32, u32)>,
}

impl Recorder {
    pub(super) const fn new(from: Draws) -> Self {
        Recorder { from, made: Vec::new() }
    }

    pub(super) fn draw(&mut self, bound: u32) -> u32 {
        let value = match &mut self.from {
            Draws::Java(random) => random.below(bound),
            // A draw nobody wrote down shows when what was made is compared.
            Draws::Recorded(values) => values.get(self.made.len()).map_or(0, |(_, value)| (*value).min(bound.saturating_sub(1))),
            Draws::Zero => 0,
        };
        self.made.push((bound, value));
        value
    }
}
