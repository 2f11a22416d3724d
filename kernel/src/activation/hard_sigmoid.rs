//! The sigmoid in three straight pieces.

use super::{Activation, select};

/// `g(z) = 0` for `z <= -3`, 1 for `z >= 3`, else `z/6 + 1/2`: a sigmoid without an exponential. Slope `1/6` for `0 < a < 1`, else 0.
///
/// # Order and rounding
/// `z + 3`; 0 if that is below 0, 6 if it is above 6; the product with `1/6`, a constant rounded to `f32`. 6 times that constant rounds to 1, so
/// the upper end is exact. Back through it a gradient is multiplied by that constant or by 0.
///
/// # Special values
/// NaN stays NaN. -∞ becomes 0, ∞ becomes 1. Below -3 the result is `+0`.
///
/// # Differs from PyTorch
/// PyTorch's `Hardsigmoid` divides by 6 on a CPU, and multiplies as here on a GPU: values can differ in the last bit. It reads the slope from `z`, so
/// for the last number below 3, whose `z + 3` rounds to 6, it has a slope of `1/6` where this has 0.
///
/// # Source
/// Howard et al., *Searching for MobileNetV3*, 2019, section 5.2; as PyTorch's `Hardsigmoid`. TensorFlow Lite has no operator for it, and writes
/// it as a sum, `RELU6` and a product. Keras has this form since version 3; before, its `hard_sigmoid` was `0.2·z + 0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "Hardsigmoid")]
#[doc(alias = "hard_sigmoid")]
pub struct HardSigmoid;

const ONE_SIXTH: f32 = 1.0 / 6.0;

impl Activation for HardSigmoid {
    const NAME: &'static str = "hard sigmoid";

    #[inline(always)]
    fn value(z: f32) -> f32 {
        let shifted = z + 3.0;
        let above = select(shifted < 0.0, 0.0, shifted);
        select(above > 6.0, 6.0, above) * ONE_SIXTH
    }

    #[inline(always)]
    fn slope(a: f32) -> f32 {
        select((a > 0.0) & (a < 1.0), ONE_SIXTH, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Activation, HardSigmoid, ONE_SIXTH};

    #[test]
    fn the_pieces_meet_at_their_borders() {
        let pieces = [
            (f32::NEG_INFINITY, 0.0, 0.0),
            (-4.0, 0.0, 0.0),
            (-3.0, 0.0, 0.0),
            (0.0, 0.5, ONE_SIXTH),
            (3.0, 1.0, 0.0),
            (4.0, 1.0, 0.0),
            (f32::INFINITY, 1.0, 0.0),
        ];
        for (z, a, slope) in pieces {
            assert_eq!(HardSigmoid::value(z).to_bits(), f32::to_bits(a), "{z}");
            assert_eq!(HardSigmoid::slope(a), slope, "{z}");
        }
        let just_inside = [(-3_f32).next_up(), 3_f32.next_down().next_down()].map(HardSigmoid::value);
        assert!(just_inside.iter().all(|a| 0.0 < *a && *a < 1.0), "{just_inside:?}");
        assert!(just_inside.iter().all(|a| HardSigmoid::slope(*a) == ONE_SIXTH), "{just_inside:?}");
        // Its sum with 3 rounds to 6.
        assert_eq!(HardSigmoid::value(3_f32.next_down()), 1.0);
    }

    #[test]
    fn nan_stays_nan() {
        assert!(HardSigmoid::value(f32::NAN).is_nan() && HardSigmoid::value(-f32::NAN).is_nan());
    }

    #[test]
    fn a_checkpoint_and_a_summary_know_it_by_this_name() {
        assert_eq!(HardSigmoid::FINGERPRINT, crate::fingerprint::Fingerprint::of("hard sigmoid").value());
    }
}
