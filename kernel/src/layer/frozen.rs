//! Layers that predict and do not learn.

use super::memory::cut;
use super::misfit::refuse;
use super::{ChannelOrder, End, InputGradient, Inputs, Layer, NonFinite, Parameters, Pass, Tensors};
use crate::activation::Activation;
use crate::fingerprint::Fingerprint;
use crate::optimizer::{Optimizer, Slot};
use crate::shape::Shape;
use crate::zero::Zero;

/// Where frozen layers are: a network is its own body; a type of the user's can name one in flash.
///
/// ```
/// # use baregrad::{Dense, Frozen, Matrix, Relu, Zero, layer::Body};
/// static TRUNK: (Dense<2, 3, Relu>,) = (Dense::new(Matrix::from_rows([[0.5; 3]; 2]), [0.0; 3]),);
///
/// struct Trunk;
/// impl Zero for Trunk { const ZERO: Self = Self; }
/// impl Body for Trunk {
///     type Layers = (Dense<2, 3, Relu>,);
///     fn layers(&self) -> &Self::Layers { &TRUNK }
/// }
/// type Net = (Frozen<Trunk>, Dense<3, 2>); // RAM holds the head alone
/// const { assert!(size_of::<Net>() == 4 * (3 * 2 + 2)) }
/// ```
pub trait Body: Zero {
    /// The layers: a tuple of them.
    type Layers: Parameters;

    /// The layers.
    fn layers(&self) -> &Self::Layers;
}

impl<L: Parameters> Body for L {
    type Layers = L;

    fn layers(&self) -> &L {
        self
    }
}

/// Layers that predict and do not learn: `(Frozen<Body>, Dense<64, 10>)` trains its last layer.
///
/// They have no optimizer slots and keep nothing for a backward pass. Their scratch is that of one prediction, for each sample of a batch. An
/// optimizer, a checkpoint, a file, [`initialize`](crate::Network::initialize_with) and [`check`](crate::train::check) see only the parameters of
/// the other layers. The fingerprint of a checkpoint tells frozen layers of another architecture apart, but not of other values. Load a body
/// in RAM by itself: `load_weights(&mut network.0.0, bytes)`.
///
/// They count as one layer, in errors, in a summary and for [`step_frozen`](crate::train::step_frozen), which freezes layers by a number that
/// may change from step to step, and saves no memory. In a step in slices one sample through all of them is one slice.
///
/// They stand at the front of a network: they give no gradient to a layer in front of them, and such a network does not compile where it is trained or takes a
/// [`Workspace`](crate::Workspace). It predicts all the same. A layer
/// without parameters that belongs in front of them belongs inside: `Frozen<(Squares, Dense<4, 8>)>`.
///
/// # Order and rounding
/// The bits that the same layers have in a prediction. In a network that trains them they have these too, but for [`BatchNorm`](crate::BatchNorm) and
/// [`Dropout`](crate::Dropout), which train otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frozen<B>(pub B);

impl<B: Zero> Zero for Frozen<B> {
    const ZERO: Self = Self(B::ZERO);
}

impl<B> Tensors<f32> for Frozen<B> {}

impl<B: Body> Parameters for Frozen<B> {
    const KIND: &'static str = "Frozen";
    type Slots<T: Slot> = ();
    const MODULES: usize = B::Layers::MODULES;
    const FINGERPRINT: u32 = Fingerprint::of("Frozen").part(B::Layers::FINGERPRINT).value();
}

impl<In: Shape, B: Body<Layers: Layer<In>>> Layer<In> for Frozen<B> {
    type Out = <B::Layers as Layer<In>>::Out;
    type Activation = <B::Layers as Layer<In>>::Activation;
    /// Nothing; layers that do not fit do not compile.
    const KEPT: usize = {
        refuse(B::Layers::MISFIT);
        0
    };
    const SCRATCH: usize = B::Layers::PREDICT;
    const GIVES_INPUT_GRADIENT: bool = false;
    const ORDER: ChannelOrder = B::Layers::ORDER;
    const MISFIT: Option<&'static str> = B::Layers::MISFIT;

    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        let (memory, _) = cut(memory, B::Layers::PREDICT);
        let (mut result, mut rest) = (Ok(()), y);
        for sample in 0..pass.samples() {
            let (y, others) = cut(rest, Self::Out::SIZE);
            rest = others;
            if let Some(x) = x.sample(sample) {
                result = result.and(self.predict_into(x, y, memory));
            }
        }
        result
    }

    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        _pass: P,
        _x: &X,
        _delta: &[f32],
        dx: InputGradient<'_>,
        _memory: &mut [f32],
        _slots: &mut (),
        _step: &O::Step,
    ) {
        debug_assert!(matches!(dx, InputGradient::Unwanted), "`Frozen` gives no gradient of its input");
        // Who asks for it all the same finds no number.
        if let InputGradient::Write(dx) | InputGradient::Add(dx) = dx {
            dx.fill(f32::NAN);
        }
    }

    fn backward_inner<P: Pass, O: Optimizer, Below: Activation>(
        &mut self,
        _pass: P,
        _x: &mut [f32],
        _delta: &[f32],
        _memory: &mut [f32],
        _slots: &mut (),
        _step: &O::Step,
    ) {
        const { panic!("`Frozen` gives no gradient to the layer in front of it: put that layer inside, or behind") }
    }

    const PREDICT: usize = B::Layers::PREDICT;

    fn predict_into(&self, x: &[f32], y: &mut [f32], memory: &mut [f32]) -> Result<(), NonFinite> {
        self.0.layers().predict_into(x, y, memory).map_err(as_one)
    }

    const ALONG: usize = B::Layers::ALONG;
    const FROM_OUTSIDE: usize = B::Layers::FROM_OUTSIDE;

    fn predict_along(&self, from: End, outside: &[f32], memory: &mut [f32]) -> (End, Result<(), NonFinite>) {
        let (end, result) = self.0.layers().predict_along(from, outside, memory);
        (end, result.map_err(as_one))
    }
}

/// Frozen layers count as one.
const fn as_one(_: NonFinite) -> NonFinite {
    NonFinite { layer: 0 }
}
