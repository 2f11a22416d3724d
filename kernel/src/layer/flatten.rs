//! All positions as one vector.

use core::marker::PhantomData;

use super::inputs::{copy, copy_samples};
use super::memory::cut;
use super::misfit::{Sentence, refuse};
use super::{ChannelOrder, End, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, Tensors, activate};
use crate::activation::{Activation, Identity};
use crate::fingerprint::Fingerprint;
use crate::optimizer::{Optimizer, Slot};
use crate::shape::{Features, Grid, Positions};
use crate::zero::Zero;

/// All values of an image or of a sequence as one vector of `N` features, so that [`Dense`](crate::Dense) has a weight for each.
///
/// `N` is height × width × channels of what it takes in. Another number does not compile. (The compiler can compute it, but on stable Rust not
/// use it as the size of a type.)
///
/// The order is that of memory: position by position, row by row, and the channels of a position side by side. Nothing moves; a prediction does
/// not even copy.
///
/// In a `Sequential` of PyTorch it is one module, `Flatten`.
///
/// ```
/// # use baregrad::{Dense, Flatten, Image, MaxPool2d, Model, Relu};
/// type Net = Model<Image<8, 8, 1>, (MaxPool2d<2>, Flatten<16>, Dense<16, 10>)>; // 4 · 4 · 1
/// ```
///
/// # Order and rounding
/// `y[(row·WIDTH + column)·CHANNELS + channel] = x[row][column][channel]`. No value is rounded. Backward: `∂L/∂x = δ`.
///
/// # Special values
/// Infinities and NaN are refused as in any layer.
///
/// # Differs from PyTorch
/// PyTorch has `x[channel][row][column]` there: its order is channel by channel. The weights of a `Linear` behind its `Flatten` fit only when their columns
/// are put in the order above. Module `safetensors` does so. Keras's `Flatten`, channels last, has the order above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Flatten<const N: usize>;

impl<const N: usize> Zero for Flatten<N> {
    const ZERO: Self = Self;
}

impl<const N: usize> Tensors<f32> for Flatten<N> {}

impl<const N: usize> Parameters for Flatten<N> {
    const KIND: &'static str = "Flatten";
    type Slots<T: Slot> = ();
    const FINGERPRINT: u32 = Fingerprint::of("Flatten").number(N).value();
}

/// `Flatten<N>` on `CHANNELS` values for each of the positions `P`.
struct On<P, const CHANNELS: usize, const N: usize>(PhantomData<P>);

impl<P: Positions, const CHANNELS: usize, const N: usize> On<P, CHANNELS, N> {
    const SENTENCE: &'static Sentence = &Sentence::new("`Flatten` takes in ")
        .number(N)
        .text(" values, and what comes in has ")
        .number(P::HEIGHT)
        .text(" * ")
        .number(P::WIDTH)
        .text(" * ")
        .number(CHANNELS);
}

impl<P: Positions, const CHANNELS: usize, const N: usize> Layer<Grid<P, CHANNELS>> for Flatten<N> {
    type Out = Features<N>;
    type Activation = Identity;
    const ORDER: ChannelOrder = ChannelOrder::of_flatten(P::COUNT, CHANNELS);
    const MISFIT: Option<&'static str> =
        if P::COUNT * CHANNELS == N { None } else { Some(On::<P, CHANNELS, N>::SENTENCE.as_str()) };
    /// Nothing; another number of values does not compile.
    const KEPT: usize = {
        refuse(<Self as Layer<Grid<P, CHANNELS>>>::MISFIT);
        0
    };
    /// In place.
    const SCRATCH_INNER: usize = 0;

    fn forward<Q: Pass, X: Inputs + ?Sized>(
        &self,
        pass: Q,
        x: &X,
        y: &mut [f32],
        _memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        let _ = <Self as Layer<Grid<P, CHANNELS>>>::KEPT; // compiles if it fits
        copy_samples(x, pass.samples(), N, y);
        activate::<Identity>(y)
    }

    fn backward<Q: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        _pass: Q,
        _x: &X,
        delta: &[f32],
        mut dx: InputGradient<'_>,
        _memory: &mut [f32],
        _slots: &mut (),
        _step: &O::Step,
    ) {
        dx.give(0, delta);
    }

    fn backward_inner<Q: Pass, O: Optimizer, Below: Activation>(
        &mut self,
        _pass: Q,
        x: &mut [f32],
        delta: &[f32],
        _memory: &mut [f32],
        _slots: &mut (),
        _step: &O::Step,
    ) {
        for (x, delta) in x.iter_mut().zip(delta) {
            *x = Below::backward(*delta, *x);
        }
    }

    /// The input where it lies.
    const ALONG: usize = N;

    fn predict_along(&self, from: End, outside: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>) {
        let _ = <Self as Layer<Grid<P, CHANNELS>>>::KEPT; // compiles if it fits
        match from {
            End::Outside => {
                let (y, _) = cut(memory, N);
                copy(outside, y);
                (End::Front(N), activate::<Identity>(y))
            }
            // The layer that made it has looked at it.
            inside => (inside, Ok(())),
        }
    }
}
