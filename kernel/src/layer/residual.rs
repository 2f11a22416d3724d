//! Two branches that read one input, and the sum of their outputs.

mod branch;
mod parameters;

pub use branch::{Skip, SkipSlots};
pub use parameters::ResidualSlots;

use core::marker::PhantomData;

use super::memory::{cut, max};
use super::misfit::{first_of, refuse};
use super::{
    Backward, ChannelOrder, Forward, InputGradient, Inputs, Layer, LayerSummary, NonFinite, Parameters, Pass, Place,
    Slots, StartingAt, activate, backward_apart, forward_due, makes_last_slice, step_of_layer,
};
use crate::activation::{Activation, Identity};
use crate::optimizer::Optimizer;
use crate::shape::{Positions, Shape};
use crate::zero::Zero;
use branch::NoActivation;

/// Residual block: `y = g(body(x) + shortcut(x))`, with an activation `g`.
///
/// The body is a layer, or a tuple of layers. The shortcut is [`Skip`], the input itself, or a layer or a tuple that changes the shape as the body
/// does. Both branches end without an activation, because the activation stands behind the sum. Branches that give out different shapes do not compile.
///
/// It counts as the layers of its body, then those of its shortcut, then one more for the sum: in errors, in a summary, for
/// [`step_frozen`](crate::train::step_frozen) and in the slices of a step. The slices of its backward pass are those of its layers.
/// The gradient of the input needs memory of its own, because both branches read the input. [`Frozen`](crate::Frozen) layers at the front of a
/// branch give no gradient of their input, so such a residual stands at the front of a network.
///
/// A `Sequential` of PyTorch has no such module. In the numbers of `safetensors::Names::SEQUENTIAL` the modules of the shortcut follow those of the
/// body, and an activation is one more.
///
/// ```
/// # use baregrad::{Dense, Model, Relu, Residual, Sequence, Skip};
/// type Same = Residual<(Dense<8, 16, Relu>, Dense<16, 8>), Skip, Relu>;
/// type Wider = Residual<(Dense<8, 16, Relu>, Dense<16, 16>), Dense<8, 16>, Relu>;
/// type Net = (Dense<3, 8, Relu>, Same, Wider, Dense<16, 2>);
/// const _: usize = baregrad::floats::<Net>();
/// ```
///
/// # Order and rounding
/// `body(x)` and `shortcut(x)` are complete, then `body + shortcut` is one rounded sum, then the activation.
///
/// Backward, from `δ = ∂L/∂z` of the sum `z`: both branches get this `δ`. The gradient of the input is the body's plus the shortcut's, each complete
/// before they are added: one rounded sum. The parameters are updated as the layers of the branches say.
///
/// # Special values
/// Arithmetic is IEEE 754's. Infinities and NaN are refused as in any layer, and so is a sum that overflows.
///
/// # Differs from PyTorch
/// PyTorch and Keras add the gradients of the two branches in the order of their graph. Two numbers have the same sum in either order, so the bits do
/// not depend on it. In Keras, `Add` and the activation behind it are two layers; here they are the last layer of the block.
///
/// With a stride, write both branches with [`Strided`](crate::Strided) or [`Centered`](crate::Centered), which give out one shape: a 1 × 1 shortcut of
/// PyTorch with stride 2 is `Centered<2>`.
///
/// # Source
/// He, Zhang, Ren and Sun, *Deep residual learning for image recognition*, 2015, equations 1 and 2.
#[derive(Debug, PartialEq)]
#[doc(alias = "ResNet")]
#[doc(alias = "Add")]
pub struct Residual<B, S = Skip, A = Identity> {
    /// The branch with the layers.
    pub body: B,
    /// The other branch.
    pub shortcut: S,
    activation: PhantomData<A>,
}

// By hand, as `Dense`'s.
impl<B: Clone, S: Clone, A> Clone for Residual<B, S, A> {
    fn clone(&self) -> Self {
        Self::new(self.body.clone(), self.shortcut.clone())
    }
}

impl<B: Copy, S: Copy, A> Copy for Residual<B, S, A> {}

impl<B, S, A> Residual<B, S, A> {
    /// These branches.
    pub const fn new(body: B, shortcut: S) -> Self {
        Self { body, shortcut, activation: PhantomData }
    }
}

impl<B: Zero, S: Zero, A> Zero for Residual<B, S, A> {
    const ZERO: Self = Self::new(B::ZERO, S::ZERO);
}

// Memory, in floats of a sample:
//
//     forward   [ kept of the shortcut | kept and scratch of the body, or scratch of the shortcut | output of the shortcut ]
//     backward  [ kept of the shortcut | the same                                                 | gradient of the input  ]
//
// What a layer keeps has its scratch behind it. So the shortcut goes first on the way forward, before the body keeps anything, and last on the way
// back, when what the body has kept is dead.
impl<In: Shape, B: Layer<In>, S: Layer<In>, A: Activation> Layer<In> for Residual<B, S, A>
where
    B::Activation: NoActivation,
    S::Activation: NoActivation,
{
    type Out = B::Out;
    type Activation = A;
    const MISFIT: Option<&'static str> = if B::LAYERS == 0 {
        Some("the body of a `Residual` is a layer: `Skip` is for the shortcut")
    } else {
        first_of([B::MISFIT, S::MISFIT, misfit_of_sum::<B::Out, S::Out>()])
    };
    const UNTRAINABLE: Option<&'static str> = first_of([B::UNTRAINABLE, S::UNTRAINABLE]);
    const KEPT: usize = {
        refuse(<Self as Layer<In>>::MISFIT);
        B::KEPT + S::KEPT
    };
    const SCRATCH: usize = work::<In, B, S>() - B::KEPT + max(added::<In, B, S>(), In::SIZE);
    const SCRATCH_INNER: usize = work::<In, B, S>() - B::KEPT + In::SIZE;
    const SLICES: usize = B::SLICES + S::SLICES;
    const GIVES_INPUT_GRADIENT: bool = B::GIVES_INPUT_GRADIENT && S::GIVES_INPUT_GRADIENT;
    const WHOLE_BATCH: bool = B::WHOLE_BATCH || S::WHOLE_BATCH;
    const ORDER: ChannelOrder = B::ORDER.of_sum(S::ORDER);

    #[inline(always)]
    fn forward<P: Pass, X: Inputs + ?Sized>(
        &self,
        pass: P,
        x: &X,
        y: &mut [f32],
        memory: &mut [f32],
    ) -> Result<(), NonFinite> {
        const { refuse(<Self as Layer<In>>::MISFIT) };
        let (memory, added) = cut(memory, const { P::CAPACITY * (S::KEPT + work::<In, B, S>()) });
        let of_shortcut = if const { skips::<S>() } {
            Ok(())
        } else {
            let (added, _) = cut(added, pass.samples().wrapping_mul(B::Out::SIZE));
            // The layers of the body count first, and its slices come last.
            forward_due(&self.shortcut, pass.behind(B::LAYERS), 0, x, added, memory)
        };
        let (_, memory) = cut(memory, const { P::CAPACITY * S::KEPT });
        let of_body = forward_due(&self.body, pass, S::LAYERS, x, y, memory);
        let of_sum = match pass.forward_part(const { B::LAYERS + S::LAYERS }, 1, false) {
            Some(part) => sum::<In, B, S, A, P, X>(part, x, y, added),
            None => Ok(()),
        };
        first_error::<B, S>(of_body, of_shortcut, of_sum)
    }

    #[inline(always)]
    fn backward<P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        dx: InputGradient<'_>,
        memory: &mut [f32],
        slots: &mut Self::Slots<O::Slot>,
        step: &O::Step,
    ) {
        match dx {
            InputGradient::Unwanted => self.both::<In, P, O, X>(pass, x, delta, None, memory, slots, step),
            InputGradient::Write(dx) => self.both::<In, P, O, X>(pass, x, delta, Some(dx), memory, slots, step),
            InputGradient::Add(sum) => {
                let at = memory.len().wrapping_sub(sum.len());
                let (memory, dx) = cut(memory, at);
                self.both::<In, P, O, X>(pass, x, delta, Some(dx), memory, slots, step);
                if makes_last_slice::<In, Self, P>(pass) {
                    add(sum, dx);
                }
            }
        }
    }

    #[inline(always)]
    fn backward_inner<P: Pass, O: Optimizer, Below: Activation>(
        &mut self,
        pass: P,
        x: &mut [f32],
        delta: &[f32],
        memory: &mut [f32],
        slots: &mut Self::Slots<O::Slot>,
        step: &O::Step,
    ) {
        const {
            assert!(
                <Self as Layer<In>>::GIVES_INPUT_GRADIENT,
                "`Frozen` at the front of a `Residual` gives no gradient to the layer in front of it"
            );
        };
        backward_apart::<In, Self, P, O, Below>(self, pass, x, delta, memory, slots, step);
    }

    // Its output is the sum, which nobody reads again.
    const RECOMPUTE: usize = max(B::RECOMPUTE, S::RECOMPUTE.saturating_sub(B::KEPT));

    #[inline(always)]
    fn recompute<P: Pass, X: Inputs + ?Sized>(&self, pass: P, x: &X, memory: &mut [f32]) {
        self.shortcut.recompute(pass.behind(B::LAYERS), x, memory);
        let (_, memory) = cut(memory, const { P::CAPACITY * S::KEPT });
        self.body.recompute(pass, x, memory);
    }

    const PREDICT: usize = max(B::PREDICT, if skips::<S>() { 0 } else { B::Out::SIZE + S::PREDICT });

    #[inline(always)]
    fn predict_into(&self, x: &[f32], y: &mut [f32], memory: &mut [f32]) -> Result<(), NonFinite> {
        const { refuse(<Self as Layer<In>>::MISFIT) };
        let of_body = self.body.predict_into(x, y, memory);
        let of_shortcut = if const { skips::<S>() } {
            add(y, x);
            Ok(())
        } else {
            let (added, memory) = cut(memory, B::Out::SIZE);
            let result = self.shortcut.predict_into(x, added, memory);
            add(y, added);
            result
        };
        first_error::<B, S>(of_body, of_shortcut, activate::<A>(y))
    }

    fn describe(visit: &mut impl FnMut(LayerSummary)) {
        let mut in_branch = |layer| visit(LayerSummary { is_in_branch: true, ..layer });
        B::describe(&mut in_branch);
        S::describe(&mut in_branch);
        visit(LayerSummary {
            kind: Self::KIND,
            inputs: In::SIZE,
            outputs: B::Out::SIZE,
            activation: A::NAME,
            parameters: 0,
            tensors: 0,
            state_tensors: 0,
            height: In::Positions::HEIGHT,
            width: In::Positions::WIDTH,
            // The sum alone: the branches have said what they do.
            order: if let ChannelOrder::Unknown = Self::ORDER { ChannelOrder::Unknown } else { ChannelOrder::Kept },
            is_in_branch: false,
        });
    }
}

impl<B: Parameters, S: Parameters, A: Activation> Residual<B, S, A> {
    /// The backward passes of both branches, the slice of it that is due; the gradient of the input is written, if it is wanted.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)] // as a backward pass
    fn both<In: Shape, P: Pass, O: Optimizer, X: Inputs + ?Sized>(
        &mut self,
        pass: P,
        x: &X,
        delta: &[f32],
        mut dx: Option<&mut [f32]>,
        memory: &mut [f32],
        slots: &mut <Self as Parameters>::Slots<O::Slot>,
        step: &O::Step,
    ) where
        B: Layer<In>,
        S: Layer<In>,
    {
        let body = const { Place { before: 0, layers: B::LAYERS, slices_before: 0, slices: B::SLICES } };
        if let Backward::Inner(pass) | Backward::First(pass) = pass.backward_part(body) {
            let (_, memory) = cut(memory, const { P::CAPACITY * S::KEPT });
            let dx = dx.as_deref_mut().map_or(InputGradient::Unwanted, InputGradient::Write);
            let step = &step_of_layer::<O>(slots.body.layer(), step);
            self.body.backward::<P, O, X>(pass, x, delta, dx, memory, &mut slots.body, step);
        }
        let shortcut =
            const { Place { before: B::LAYERS, layers: S::LAYERS, slices_before: B::SLICES, slices: S::SLICES } };
        if let Backward::Inner(pass) | Backward::First(pass) = pass.backward_part(shortcut) {
            let dx = dx.map_or(InputGradient::Unwanted, InputGradient::Add);
            let step = &step_of_layer::<O>(slots.shortcut.layer(), step);
            self.shortcut.backward::<P, O, X>(pass, x, delta, dx, memory, &mut slots.shortcut, step);
        }
    }
}

/// Why the outputs of body and shortcut cannot be added, if so.
const fn misfit_of_sum<Body: Shape, Shortcut: Shape>() -> Option<&'static str> {
    let has_rows = Body::Positions::HEIGHT == Shortcut::Positions::HEIGHT;
    let has_columns = Body::Positions::WIDTH == Shortcut::Positions::WIDTH;
    if has_rows && has_columns && Body::CHANNELS == Shortcut::CHANNELS {
        None
    } else {
        Some(
            "body and shortcut of a `Residual` give out different shapes: `Residual<Dense<4, 8>, Dense<4, 8>>` needs both",
        )
    }
}

/// Whether a shortcut is the input itself.
const fn skips<S: Parameters>() -> bool {
    assert!(S::LAYERS > 0 || S::FINGERPRINT == Skip::FINGERPRINT, "a layer counts as at least one");
    S::LAYERS == 0
}

/// Floats of a sample behind what the shortcut keeps: what the body keeps, and the scratch of either.
const fn work<In: Shape, B: Layer<In>, S: Layer<In>>() -> usize {
    max(B::KEPT + B::SCRATCH, S::SCRATCH)
}

/// Floats of a sample of the shortcut's output.
const fn added<In: Shape, B: Layer<In>, S: Layer<In>>() -> usize {
    if skips::<S>() { 0 } else { B::Out::SIZE }
}

/// The part of the sum that is due, and the activation; `y` is the output of the body.
#[inline(always)]
fn sum<In: Shape, B: Layer<In>, S: Layer<In>, A: Activation, P: Pass, X: Inputs + ?Sized>(
    Forward { pass, first }: Forward<P>,
    x: &X,
    y: &mut [f32],
    added: &mut [f32],
) -> Result<(), NonFinite> {
    let at = first.wrapping_mul(B::Out::SIZE);
    let (y, _) = cut(cut(y, at).1, pass.samples().wrapping_mul(B::Out::SIZE));
    if const { skips::<S>() } {
        add_samples::<B::Out, _>(&StartingAt { inputs: x, first }, pass.samples(), y);
    } else {
        add(y, cut(added, at).1);
    }
    activate::<A>(y)
}

/// Adds samples of shape `In` to `y`.
#[inline(always)]
fn add_samples<In: Shape, X: Inputs + ?Sized>(x: &X, samples: usize, y: &mut [f32]) {
    let mut rest = y;
    for index in 0..samples {
        let (y, others) = cut(rest, In::SIZE);
        add(y, x.sample(index).unwrap_or(&[]));
        rest = others;
    }
}

#[inline(always)]
fn add(to: &mut [f32], terms: &[f32]) {
    for (to, term) in to.iter_mut().zip(terms) {
        *to += term;
    }
}

/// What went wrong first, in the order in which the layers count.
fn first_error<B: Parameters, S: Parameters>(
    of_body: Result<(), NonFinite>,
    of_shortcut: Result<(), NonFinite>,
    of_sum: Result<(), NonFinite>,
) -> Result<(), NonFinite> {
    let of_shortcut = of_shortcut.map_err(|error| error.behind(B::LAYERS));
    of_body.and(of_shortcut).and(of_sum.map_err(|error| error.behind(const { B::LAYERS + S::LAYERS })))
}
