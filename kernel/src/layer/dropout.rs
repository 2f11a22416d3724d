//! Dropout: some values are 0 in training, others in each step.

use core::slice;

use super::inputs::copy_samples;
use super::misfit::refuse;
use super::parameters::{pair, pair_mut};
use super::{
    ChannelOrder, End, Initial, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, StateTensor, Tensor,
    Tensors, activate,
};
use crate::activation::{Activation, Identity};
use crate::fingerprint::Fingerprint;
use crate::optimizer::{Optimizer, Slot};
use crate::setting::Domain;
use crate::shape::Shape;
use crate::zero::Zero;

/// Dropout of `PERCENT` percent: in training a value is 0 with the probability `p = PERCENT/100`, and is divided by `1 - p` otherwise.
///
/// It takes samples of any shape: `(Dense<64, 32, Relu>, Dropout<25>, Dense<32, 10>)`. In a prediction and an evaluation it gives out what it
/// takes in. So it does inside of [`Frozen`](crate::Frozen), and among the layers that [`step_frozen`](crate::train::step_frozen()) leaves as they are. The scale is the one of training (*inverted* dropout), so a prediction needs none.
///
/// The mask is a hash of a seed, the number of steps so far, and the place of a value in the batch. It takes no memory, and is the same on every
/// processor, in every form of step, and after a restart: seed and number of steps are [state](Parameters::STATE), so a checkpoint holds them. Files of
/// PyTorch and Keras know neither. The number goes up by 1 in each backward pass, in the two-phase form with each micro-batch, and begins at 0
/// again after 2²⁴ of them.
///
/// [`initialize_with`](crate::Network::initialize_with) draws the seed, which makes the masks of two layers different. [`Zero::ZERO`] has seed 0 and works all the
/// same, but two such layers drop the values at the same places. [`with_seed`](Self::with_seed) takes one of the user's.
///
/// `PERCENT` of 100 and more does not compile. In a `Sequential` of PyTorch it is one module, `Dropout(p)`.
///
/// ```
/// # use baregrad::{Dense, Dropout, Network, Relu, Zero};
/// type Net = (Dense<2, 4, Relu>, Dropout<50>, Dense<4, 1>);
/// let net: Net = (Dense::ZERO, Dropout::with_seed(7), Dense::ZERO);
/// assert_eq!(net.predict(&[1.0, 2.0]).as_array(), &[0.0]); // no value is dropped here
/// ```
///
/// # Order and rounding
/// All in 32 bits that wrap around. `mix` is the hash *lowbias32*; value number `index` of the batch counts sample by sample:
///
/// ```text
/// key   = mix(mix(seed) + steps)
/// word  = mix(key ⊕ index·0x9E3779B1)
/// scale = 100 / (100 - PERCENT)                      a constant, rounded to f32
/// y     = x·scale   if word >= ⌊PERCENT·2³²/100⌋     else x·0
/// ∂L/∂x = δ·scale   likewise                         else δ·0
/// ```
///
/// The backward pass is one slice. In a step in slices the forward pass of the whole batch is the slice of the last sample.
///
/// # Special values
/// A negative value is dropped to -0. Infinities and NaN are refused as in any layer, dropped or not, and so is a value that overflows by the scale.
///
/// # Differs from PyTorch
/// PyTorch and Keras draw their masks from a generator of their own.
///
/// # Source
/// Srivastava et al., *Dropout: a simple way to prevent neural networks from overfitting*, 2014. The hash is `lowbias32` of Wellons, *Prospecting for hash
/// functions*, 2018.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Dropout<const PERCENT: u32> {
    /// A whole number below 2²⁴.
    seed: f32,
    /// Likewise, and it wraps around.
    steps: f32,
}

/// Whole numbers that an `f32` holds.
const WHOLE: u32 = (1 << 24) - 1;

impl<const PERCENT: u32> Dropout<PERCENT> {
    /// The words below it drop a value.
    const BORDER: u32 = {
        refuse(Self::TOO_MUCH);
        (((PERCENT as u64) << 32) / 100) as u32
    };
    const TOO_MUCH: Option<&'static str> =
        if PERCENT < 100 { None } else { Some("`Dropout` of 100 percent leaves nothing") };
    /// What the values that stay are multiplied by.
    const SCALE: f32 = 100.0 / (100 - PERCENT) as f32;

    /// A layer that has made no step, with a seed of which the lower 24 bits count.
    pub const fn with_seed(seed: u32) -> Self {
        Self { seed: (seed & WHOLE) as f32, steps: 0.0 }
    }

    /// The numbers of state, as the hash takes them.
    fn key(&self) -> u32 {
        mix(mix(self.seed as u32).wrapping_add(self.steps as u32))
    }

    /// What value number `index` of a batch is multiplied by.
    #[inline(always)]
    fn factor(key: u32, index: u32) -> f32 {
        let stays = u32::from(mix(key ^ index.wrapping_mul(0x9E37_79B1)) >= Self::BORDER);
        f32::from_bits(Self::SCALE.to_bits() & stays.wrapping_neg())
    }

    fn count_step(&mut self) {
        self.steps = ((self.steps as u32).wrapping_add(1) & WHOLE) as f32;
    }
}

/// Mixes 32 bits, so that each depends on all.
#[inline(always)]
const fn mix(word: u32) -> u32 {
    let word = (word ^ (word >> 16)).wrapping_mul(0x7FEB_352D);
    let word = (word ^ (word >> 15)).wrapping_mul(0x846C_A68B);
    word ^ (word >> 16)
}

impl<const PERCENT: u32> Zero for Dropout<PERCENT> {
    const ZERO: Self = Self::with_seed(0);
}

impl<const PERCENT: u32> Tensors<f32> for Dropout<PERCENT> {}

/// A number of state.
const fn number(name: &'static str, initial: Initial) -> StateTensor {
    StateTensor { tensor: Tensor::vector(name, 1, initial), domain: Domain::NonNegative, is_in_files: false }
}

impl<const PERCENT: u32> Parameters for Dropout<PERCENT> {
    const KIND: &'static str = "Dropout";
    const STATE: &'static [StateTensor] = &[number("seed", Initial::Seed), number("steps", Initial::Zeros)];
    type Slots<T: Slot> = ();
    const FINGERPRINT: u32 = Fingerprint::of("Dropout").number(PERCENT as usize).value();

    fn state_tensor(&self, index: usize) -> &[f32] {
        pair(index, slice::from_ref(&self.seed), slice::from_ref(&self.steps))
    }

    fn state_tensor_mut(&mut self, index: usize) -> &mut [f32] {
        pair_mut(index, slice::from_mut(&mut self.seed), slice::from_mut(&mut self.steps))
    }
}

impl<S: Shape, const PERCENT: u32> Layer<S> for Dropout<PERCENT> {
    type Out = S;
    type Activation = Identity;
    const KEPT: usize = {
        let _ = Self::BORDER; // looks at the percentage
        0
    };
    /// In place.
    const SCRATCH_INNER: usize = 0;
    /// The place of a value in the batch is part of the hash.
    const MISFIT: Option<&'static str> = Self::TOO_MUCH;
    const WHOLE_BATCH: bool = true;
    const ORDER: ChannelOrder = ChannelOrder::Kept;

    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        _memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        copy_samples(x, pass.samples(), S::SIZE, y);
        let mut is_finite = activate::<Identity>(y);
        if pass.trains() {
            let (key, mut index) = (self.key(), 0_u32);
            for y in &mut *y {
                *y *= Self::factor(key, index);
                index = index.wrapping_add(1);
            }
            is_finite = is_finite.and(activate::<Identity>(y));
        }
        is_finite
    }

    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        _pass: P,
        _x: &X,
        delta: &[f32],
        mut dx: InputGradient<'_>,
        _memory: &mut [f32],
        _slots: &mut (),
        _step: &O::Step,
    ) {
        if !matches!(dx, InputGradient::Unwanted) {
            let (key, mut at) = (self.key(), 0_usize);
            for delta in delta {
                dx.give(at, &[delta * Self::factor(key, at as u32)]);
                at = at.wrapping_add(1);
            }
        }
        self.count_step();
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
        let (key, mut index) = (self.key(), 0_u32);
        for (x, delta) in x.iter_mut().zip(delta) {
            *x = Below::backward(delta * Self::factor(key, index), *x);
            index = index.wrapping_add(1);
        }
        self.count_step();
    }

    /// In place: there is nothing to do.
    const ALONG: usize = S::SIZE;

    fn predict_along(&self, from: End, outside: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>) {
        if let End::Outside = from {
            let (x, y, memory, end) = from.input_and_output(outside, memory, S::SIZE);
            return (end, Layer::<S>::predict_into(self, x, y, memory));
        }
        (from, activate::<Identity>(from.of(memory)))
    }
}
