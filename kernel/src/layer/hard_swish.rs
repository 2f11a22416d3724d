//! Hard swish, whose slope can't be had from its output: a layer without parameters.

use super::memory::cut;
use super::{ChannelOrder, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, Tensors, activate};
// `if` alone leaves the compiler free to branch on the data.
use core::hint::select_unpredictable as select;

use crate::activation::{Activation, HardSigmoid, Identity};
use crate::optimizer::{Optimizer, Slot};
use crate::shape::Shape;
use crate::zero::Zero;

/// `y = z·hardsigmoid(z)`, each value by itself: 0 for `z <= -3`, `z` for `z >= 3`, else `z·(z/6 + 1/2)`.
///
/// It goes behind a layer without activation, and takes samples of any shape: `(Dense<4, 16>, HardSwish, Dense<16, 3>)`.
///
/// It falls before it rises, so two inputs with different slopes can have the same output. An [`Activation`] knows only its output. So this is a
/// layer: it finds its input, the output of the layer in front, again in the backward pass. It needs no memory but its output.
///
/// Slope: 0 for `z <= -3`, 1 for `z >= 3`, else `z/3 + 1/2`.
///
/// In a `Sequential` of PyTorch it is one module, `Hardswish`.
///
/// # Order and rounding
/// `z·a` with `a` by [`HardSigmoid`]. The slope is `z·(1/3) + 1/2`, the product with a constant rounded to `f32`, then the sum; the gradient is
/// multiplied by it.
///
/// # Special values
/// NaN stays NaN, and infinities are refused as in any layer. The zeros below -3 are `-0`. No finite input overflows.
///
/// # Differs from PyTorch
/// PyTorch's `Hardswish` has `z·clamp(z + 3, 0, 6)` first, which overflows for `z` above 5.6e37, and then divides by 6 on a CPU or multiplies by
/// `1/6` on a GPU; its slope divides by 3. Values can differ in the last bits. Older versions (2.6 is one) have a slope of -1/2 at -3 and of 3/2 at 3.
///
/// # Source
/// Howard et al., *Searching for MobileNetV3*, 2019, section 5.2; the slope at the borders as PyTorch since its issue 147801. TensorFlow Lite has
/// the same function as `HARD_SWISH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[doc(alias = "Hardswish")]
#[doc(alias = "hard_swish")]
pub struct HardSwish;

const ONE_THIRD: f32 = 1.0 / 3.0;

/// The gradient with respect to `z` from that with respect to `y`.
#[inline(always)]
fn back(gradient: f32, z: f32) -> f32 {
    let between = z * ONE_THIRD + 0.5;
    gradient * select(z <= -3.0, 0.0, select(z >= 3.0, 1.0, between))
}

impl Zero for HardSwish {
    const ZERO: Self = Self;
}

impl Tensors<f32> for HardSwish {}

impl Parameters for HardSwish {
    const KIND: &'static str = "HardSwish";
    type Slots<T: Slot> = ();
}

impl<S: Shape> Layer<S> for HardSwish {
    type Out = S;
    type Activation = Identity;
    const ORDER: ChannelOrder = ChannelOrder::Kept;
    /// In place.
    const SCRATCH_INNER: usize = 0;

    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        _memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        let mut rest = &mut *y;
        for index in 0..pass.samples() {
            let (sample, after) = cut(rest, S::SIZE);
            for (y, z) in sample.iter_mut().zip(x.sample(index).unwrap_or(&[])) {
                *y = *z * HardSigmoid::value(*z);
            }
            rest = after;
        }
        activate::<Identity>(y)
    }

    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        mut dx: InputGradient<'_>,
        _memory: &mut [f32],
        _slots: &mut (),
        _step: &O::Step,
    ) {
        let mut deltas = delta.iter();
        for index in 0..pass.samples() {
            let first = index.wrapping_mul(S::SIZE);
            for (at, (z, delta)) in (0..S::SIZE).zip(x.sample(index).unwrap_or(&[]).iter().zip(&mut deltas)) {
                dx.give(first.wrapping_add(at), &[back(*delta, *z)]);
            }
        }
    }

    fn backward_inner<P: Pass, O: Optimizer, Below: Activation>(
        &mut self,
        _pass: P,
        x: &mut [f32],
        delta: &[f32],
        _memory: &mut [f32],
        _slots: &mut (),
        _step: &O::Step,
    ) {
        for (x, delta) in x.iter_mut().zip(delta) {
            *x = Below::backward(back(*delta, *x), *x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HardSwish, InputGradient, Layer, Parameters, Zero, back};
    use crate::layer::{Stacked, Whole};
    use crate::network::{Model, Network};
    use crate::optimizer::{Optimizer, Sgd};
    use crate::shape::{Features, Sequence};
    use crate::{Dense, Relu};

    #[test]
    fn the_pieces_meet_at_their_borders() {
        let predict = |z: f32| Model::<Features<1>, _>::new(HardSwish).predict(&[z]).as_array()[0];
        // The slope jumps by 1/2 at either border.
        let pieces = [(-4.0, 0.0, 0.0), (-3.0, 0.0, 0.0), (0.0, 0.0, 0.5), (3.0, 3.0, 1.0), (4.0, 4.0, 1.0)];
        for (z, y, slope) in pieces {
            assert_eq!((predict(z), back(1.0, z)), (y, slope), "{z}");
        }
        let just_inside = [back(1.0, (-3_f32).next_up()) + 0.5, back(1.0, 3_f32.next_down()) - 1.5];
        assert!(just_inside.iter().all(|from_the_limit| from_the_limit.abs() < 1e-6), "{just_inside:?}");
        assert_eq!(predict(f32::MAX), f32::MAX, "no overflow on the way");
        // It falls to -3/8 at -3/2.
        assert!(predict(-1.5) < predict(-1.6) && predict(-1.5) < predict(-1.4));
        assert!((predict(-1.5) + 0.375).abs() < 1e-7 && back(1.0, -1.5) == 0.0);
    }

    #[test]
    fn positions_are_values_as_others() {
        let x = [-3.5, -2.0, -0.5, 0.5, 2.0, 3.5, 1.0, -1.0, 0.25, -0.25, 2.5, -2.5];
        let (pass, step) = (Whole::<2>::new(2), Sgd::new(0.1).begin_step());
        let (mut flat, mut lines) = ([f32::NAN; 12], [f32::NAN; 12]);
        let (mut flat_gradient, mut added) = ([f32::NAN; 12], [1.0; 12]);
        let features = Stacked::<Features<6>>::new(&x);
        let sequence = Stacked::<Sequence<2, 3>>::new(&x);
        assert!(Layer::<Features<6>>::forward(&HardSwish, pass, &features, &mut flat, &mut []).is_ok());
        assert!(Layer::<Sequence<2, 3>>::forward(&HardSwish, pass, &sequence, &mut lines, &mut []).is_ok());
        assert_eq!(flat, lines);
        let delta = x.map(|x| 1.0 - x);
        let (write, add) = (InputGradient::Write(&mut flat_gradient), InputGradient::Add(&mut added));
        Layer::<Features<6>>::backward::<_, Sgd, _>(
            &mut HardSwish,
            pass,
            &features,
            &delta,
            write,
            &mut [],
            &mut (),
            &step,
        );
        Layer::<Sequence<2, 3>>::backward::<_, Sgd, _>(
            &mut HardSwish,
            pass,
            &sequence,
            &delta,
            add,
            &mut [],
            &mut (),
            &step,
        );
        assert_eq!(flat_gradient.map(|gradient| 1.0 + gradient), added);
        // In place, through the activation of the layer in front: its outputs below 0 pass nothing on.
        let mut inner = x;
        Layer::<Features<6>>::backward_inner::<_, Sgd, Relu>(
            &mut HardSwish,
            pass,
            &mut inner,
            &delta,
            &mut [],
            &mut (),
            &step,
        );
        for ((inner, gradient), x) in inner.iter().zip(flat_gradient).zip(x) {
            assert_eq!(*inner, if x > 0.0 { gradient } else { 0.0 }, "{x}");
        }
    }

    #[test]
    fn it_is_one_module_and_keeps_nothing() {
        type Net = (Dense<4, 8>, HardSwish, Dense<8, 3>);
        let module = |tensor| Net::describe_tensor(tensor).map(|(module, _)| module);
        assert_eq!([module(0), module(1), module(2), module(3)], [Some(0), Some(0), Some(2), Some(2)]);
        assert_eq!((HardSwish::PARAMETERS, size_of::<HardSwish>()), (0, 0));
        // As much as two dense layers without it, and its output.
        assert_eq!(crate::floats::<Net>(), crate::floats::<(Dense<4, 8>, Dense<8, 3>)>() + 8);
        assert_eq!(HardSwish::FINGERPRINT, crate::fingerprint::Fingerprint::of("HardSwish").value());
        assert_eq!(HardSwish::ZERO, HardSwish);
    }
}
