//! What the branches of a residual may be.

use super::add_samples;
use crate::activation::{Activation, Identity};
use crate::layer::{
    ChannelOrder, InputGradient, Inputs, Layer, LayerSummary, NonFinite, Parameters, Pass, Slots, Tensors, activate,
};
use crate::optimizer::{Optimizer, Slot};
use crate::shape::Shape;
use crate::zero::Zero;

/// The shortcut of a [`Residual`](crate::Residual) that is the input itself. It counts as no layer, so it stands nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Skip;

impl Zero for Skip {
    const ZERO: Self = Self;
}

impl Tensors<f32> for Skip {}

impl Parameters for Skip {
    const KIND: &'static str = "Skip";
    type Slots<T: Slot> = SkipSlots;
    const LAYERS: usize = 0;
    const MODULES: usize = 0;
}

/// What an optimizer remembers of [`Skip`]: nothing, and it counts as no layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SkipSlots;

impl Zero for SkipSlots {
    const ZERO: Self = Self;
}

impl<T> Tensors<T> for SkipSlots {}

impl<T: Slot> Slots<T> for SkipSlots {
    const LAYERS: usize = 0;

    fn layer(&self) -> Option<&T::Layer> {
        None
    }

    fn layer_mut(&mut self) -> Option<&mut T::Layer> {
        None
    }
}

impl<In: Shape> Layer<In> for Skip {
    type Out = In;
    type Activation = Identity;
    const ORDER: ChannelOrder = ChannelOrder::Kept;

    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        _memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        y.fill(-0.0); // The sum of -0 and a number is that number, a -0 too.
        add_samples::<In, X>(x, pass.samples(), y);
        activate::<Identity>(y)
    }

    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        _pass: P,
        _x: &X,
        delta: &[f32],
        mut dx: InputGradient<'_>,
        _memory: &mut [f32],
        _slots: &mut SkipSlots,
        _step: &O::Step,
    ) {
        dx.give(0, delta);
    }

    fn describe(_visit: &mut impl FnMut(LayerSummary)) {}
}

/// What a branch of a [`Residual`](crate::Residual) ends in.
#[diagnostic::on_unimplemented(
    message = "a branch of a `Residual` ends in the activation `{Self}`",
    label = "it stands behind the sum: `Residual<Dense<4, 4>, Skip, Relu>`"
)]
pub(crate) trait NoActivation: Activation {}

// So that a message speaks of the activation alone.
#[diagnostic::do_not_recommend]
impl NoActivation for Identity {}
