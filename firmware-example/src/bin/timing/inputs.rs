//! Inputs of every kind that could take its own time: zeros, subnormals, the huge, and what saturates.

use baregrad::initializer::uniform;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;

/// A kind of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Zeros,
    Ones,
    /// -0, 1, -1, a subnormal, a normal number, one after the other.
    Mixed,
    ZeroOrOne,
    /// -1 to 1.
    Small,
    /// What saturates a sigmoid or a tanh.
    Saturating,
    Subnormal,
    /// About the smallest normal number.
    Tiny,
    /// Up to 10¹², of either sign.
    Huge,
    /// Any exponent up to 10¹², any sign, any fraction.
    Anything,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Zeros,
        Self::Ones,
        Self::Mixed,
        Self::ZeroOrOne,
        Self::Small,
        Self::Saturating,
        Self::Subnormal,
        Self::Tiny,
        Self::Huge,
        Self::Anything,
    ];

    /// Fills with values of this kind.
    #[inline(never)] // once for all networks, because all must fit
    pub(crate) fn fill(self, values: &mut [f32], generator: &mut Pcg32) {
        for (index, value) in values.iter_mut().enumerate() {
            let mut between = |limit: f32| uniform(-limit, limit, generator.next_u32());
            *value = match self {
                Self::Zeros => 0.0,
                Self::Ones => 1.0,
                Self::Mixed => [-0.0, 1.0, -1.0, f32::from_bits(3), 0.7][index % 5],
                Self::ZeroOrOne => f32::from(u8::from(between(1.0) > 0.0)),
                Self::Small => between(1.0),
                Self::Saturating => between(300.0),
                Self::Subnormal => between(f32::MIN_POSITIVE),
                Self::Tiny => between(4.0 * f32::MIN_POSITIVE),
                Self::Huge => between(1e12),
                // Exponents from that of 0 and the subnormals, 0, to that of 2⁴⁰, 167.
                Self::Anything => {
                    let word = generator.next_u32();
                    f32::from_bits(word & 0x807f_ffff | (((word >> 23) & 0xff) * 168 / 256) << 23)
                }
            };
        }
    }
}

/// A number below `limit`.
pub(crate) fn below(limit: usize, generator: &mut Pcg32) -> usize {
    ((u64::from(generator.next_u32()) * limit as u64) >> 32) as usize
}
