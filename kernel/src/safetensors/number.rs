//! Numbers in files.

/// The types of numbers that can be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    F32,
    F16,
    Bf16,
}

impl Kind {
    /// The type that a header names, or `None` for one that can't be read.
    pub(super) fn of(name: impl Iterator<Item = u8> + Clone) -> Option<Self> {
        [(Self::F32, "F32"), (Self::F16, "F16"), (Self::Bf16, "BF16")]
            .into_iter()
            .find_map(|(kind, spelt)| name.clone().eq(spelt.bytes()).then_some(kind))
    }

    /// Bytes of a number.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// Shows the numbers in some bytes, one after the other.
    pub(super) fn for_each(self, bytes: &[u8], visit: &mut impl FnMut(f32)) {
        match self {
            Self::F32 => bytes.as_chunks().0.iter().for_each(|&four| visit(f32::from_le_bytes(four))),
            Self::F16 => bytes.as_chunks().0.iter().for_each(|&two| visit(from_half(u16::from_le_bytes(two)))),
            Self::Bf16 => bytes.as_chunks().0.iter().for_each(|&two| visit(from_bfloat(u16::from_le_bytes(two)))),
        }
    }
}

/// The `f32` that a bfloat16 is: its upper half.
const fn from_bfloat(bits: u16) -> f32 {
    f32::from_bits((bits as u32) << 16)
}

/// The `f32` of the same value as an IEEE 754 binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction.
///
/// By integers, so that a processor which flushes subnormal numbers, or has no half precision, gives the same.
const fn from_half(bits: u16) -> f32 {
    let sign = ((bits & 0x8000) as u32) << 16;
    let exponent = ((bits >> 10) & 0x1F) as u32;
    let fraction = (bits & 0x3FF) as u32;
    let magnitude = match (exponent, fraction) {
        (0, 0) => 0,
        // fraction · 2^-24: the leading one, at bit 31 - zeros, becomes the hidden one.
        (0, _) => {
            let zeros = fraction.leading_zeros();
            let exponent = 127 - 24 + 31 - zeros;
            (exponent << 23) | ((fraction << (zeros - 8)) & 0x7F_FFFF)
        }
        (0x1F, _) => 0x7F80_0000 | (fraction << 13),
        _ => ((exponent + 127 - 15) << 23) | (fraction << 13),
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value as the standard defines it, in `f64`, where all of these are exact.
    fn by_formula(bits: u16) -> f64 {
        let fraction = f64::from(bits & 0x3FF);
        let magnitude = match (bits >> 10) & 0x1F {
            0 => fraction * 2f64.powi(-24),
            0x1F if fraction == 0.0 => f64::INFINITY,
            0x1F => f64::NAN,
            exponent => (1.0 + fraction / 1024.0) * 2f64.powi(i32::from(exponent) - 15),
        };
        if bits & 0x8000 == 0 { magnitude } else { -magnitude }
    }

    #[test]
    fn every_half_widens_to_its_value() {
        extern crate std;
        for bits in 0..=u16::MAX {
            let (widened, value) = (from_half(bits), by_formula(bits));
            assert_eq!(widened.is_sign_negative(), bits & 0x8000 != 0, "{bits:04x}");
            assert!(f64::from(widened) == value || widened.is_nan() && value.is_nan(), "{bits:04x}");
        }
    }

    #[test]
    fn every_bfloat_widens_to_its_value() {
        for bits in 0..=u16::MAX {
            assert_eq!(from_bfloat(bits).to_bits(), u32::from(bits) << 16);
        }
    }
}
