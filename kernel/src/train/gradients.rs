//! The two-phase form: gradients into a buffer, then the optimizer applied to it.

use super::{StepError, Workspace, backward, forward_and_delta};
use crate::data::Samples;
use crate::fingerprint::Fingerprint;
use crate::kernels::{Kernels, ThisCpu};
use crate::layer::{Parameters, Tensors, Whole, begin_step, update};
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::{Optimizer, StoreGradient};
use crate::scalar;
use crate::setting::Domain;
use crate::shape::SampleOf;
use crate::state::State;
use crate::zero::Zero;

/// A gradient for every parameter of a network: one more buffer, of the size of the weights, that the user places.
///
/// For gradient accumulation over micro-batches, clipping, and tests. `accumulate` then `apply` gives the bits of a
/// [`step`](super::step).
pub struct Gradients<N: Parameters> {
    slots: N::Slots<f32>,
    rule: StoreGradient,
}

impl<N: Parameters> Zero for Gradients<N> {
    const ZERO: Self = Self { slots: Zero::ZERO, rule: StoreGradient::NEW };
}

impl<N: Parameters> Gradients<N> {
    /// Size in bytes: for dense layers 4 for each parameter, and 4 to know whether there is a gradient.
    pub const BYTES: usize = size_of::<Self>();

    /// No gradient, for a `static`.
    pub const NEW: Self = Self::ZERO;

    /// Forgets the gradient: the next [`accumulate`] starts a new one.
    pub const fn restart(&mut self) {
        self.rule.restart();
    }

    /// Shows the gradients in the order of the parameters, in the same pieces.
    pub fn visit(&self, visit: &mut impl FnMut(&[f32])) {
        self.slots.for_each_tensor(visit);
    }

    /// The norm of the whole gradient: `√Σ ∇²`.
    ///
    /// # Order and rounding
    /// The squares added in the order of the parameters, from 0; then the root. Squares below the smallest or above the largest
    /// `f32` count as 0 or infinity.
    ///
    /// # Accuracy
    /// One `f32` sums, because its bits decide the bits of a clipped step. The norm of `P` gradients is right to `P·2⁻²⁵ + 2⁻²³` of itself.
    pub fn norm(&self) -> f32 {
        let mut squares = 0.0;
        self.visit(&mut |piece| {
            for gradient in piece {
                squares += gradient * gradient;
            }
        });
        scalar::sqrt(squares)
    }

    /// Scales the gradient down to a norm of `limit` if it is longer; returns the norm that it had.
    ///
    /// # Order and rounding
    /// The factor is `limit / (norm + 1e-6)`, and 1 if that is above 1; every gradient is multiplied by it.
    ///
    /// # Errors
    /// [`StepError::Setting`] if `limit` is 0, negative, infinite or NaN; [`norm`](Self::norm) tells the norm without a clip.
    /// [`StepError::NonFiniteGradient`] if the norm is infinite (also where finite gradients have squares that overflow) or NaN. The
    /// gradients are as they were then.
    ///
    /// # Source
    /// Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*, 2013, Algorithm 1; the 1e-6 as in
    /// PyTorch's `clip_grad_norm_`, which takes any limit.
    #[doc(alias = "clip_grad_norm_")]
    #[doc(alias = "clipnorm")]
    pub fn clip_norm(&mut self, limit: f32) -> Result<f32, StepError> {
        Domain::Positive.check("limit", limit)?;
        let norm = self.norm();
        if !norm.is_finite() {
            return Err(StepError::NonFiniteGradient);
        }
        let ratio = limit / (norm + 1e-6);
        let factor = if ratio > 1.0 { 1.0 } else { ratio };
        self.visit_mut(&mut |piece| {
            for gradient in piece {
                *gradient *= factor;
            }
        });
        Ok(norm)
    }

    /// Hands out the gradients in the order of the parameters, to change.
    pub fn visit_mut(&mut self, visit: &mut impl FnMut(&mut [f32])) {
        self.slots.for_each_tensor_mut(visit);
    }
}

/// The gradient of each parameter, and whether there is one: a training may be saved between two micro-batches.
impl<N: Parameters> State for Gradients<N> {
    const BYTES: usize = N::PARAMETERS * f32::BYTES + StoreGradient::BYTES;
    const FINGERPRINT: u32 = Fingerprint::of("Gradients").part(N::FINGERPRINT).part(StoreGradient::FINGERPRINT).value();

    fn save(&self, write: &mut impl FnMut(&[u8])) {
        self.visit(&mut |piece| piece.iter().for_each(|gradient| gradient.save(write)));
        self.rule.save(write);
    }

    fn load(&mut self, read: &mut impl FnMut(&mut [u8])) {
        self.visit_mut(&mut |piece| piece.iter_mut().for_each(|gradient| gradient.load(read)));
        self.rule.load(read);
    }
}

/// First phase: adds the gradient of a batch of 1 to `B` samples, and returns its share of the loss.
///
/// `mean_over` is the number of samples of the whole: of this batch alone, or of all the micro-batches that are accumulated.
/// It takes the place of the batch size in the loss, whatever the number of samples: with 1 the gradients of a mean are those of a sum.
///
/// # Order and rounding
/// Micro-batches continue one running sum: they give the bits of one batch of all their samples. A layer that looks at a [whole
/// batch](crate::Layer::WHOLE_BATCH) is the exception: it sees each micro-batch by itself. Such a sum is one `f32`, as in a batch: its error
/// can reach `n·2⁻²⁴` of the largest sum after `n` samples.
///
/// # Errors
/// As [`step`](super::step). [`StepError::NoSamples`] if `mean_over` is 0. [`StepError::TooManySamples`] if it is 2²⁴ or more, where a sum in `f32` would
/// lose its terms. `gradients` is as before then, and so is `network`. Without an error only the [state](crate::Parameters::STATE) of `network` changes, as in
/// a step: each micro-batch moves running statistics.
pub fn accumulate<N, L, D, const B: usize, const FLOATS: usize>(
    network: &mut N,
    gradients: &mut Gradients<N>,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    loss: &L,
    mean_over: usize,
) -> Result<f32, StepError>
where
    N: Network,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    if mean_over == 0 {
        return Err(StepError::NoSamples);
    }
    let sum = accumulate_from(network, gradients, workspace, samples, loss, mean_over, 0.0)?;
    Ok(loss.total(sum, mean_over))
}

/// 2²⁴ - 1: of more samples a mean in one `f32` can lose all terms from there on.
const MOST_SAMPLES: usize = usize::MAX >> usize::BITS.saturating_sub(24);

/// [`accumulate`] that goes on with a running sum of losses, and returns it.
fn accumulate_from<N, L, D, const B: usize, const FLOATS: usize>(
    network: &mut N,
    gradients: &mut Gradients<N>,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    loss: &L,
    mean_over: usize,
    sum: f32,
) -> Result<f32, StepError>
where
    N: Network,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    if mean_over > MOST_SAMPLES {
        return Err(StepError::TooManySamples { samples: mean_over, capacity: MOST_SAMPLES });
    }
    let sum = forward_and_delta(network, 0, workspace, samples, loss, mean_over, sum)?;
    let step = gradients.rule.begin_step();
    let pass = Whole::<B>::new(samples.len());
    backward::<N, StoreGradient, D, _, B, FLOATS>(network, pass, &mut gradients.slots, workspace, samples, &step);
    Ok(sum)
}

/// First phase for a batch of any length: [`accumulate`] over pieces of it that fit the workspace, the mean over the whole.
///
/// # Order and rounding
/// Gradients and loss have the bits of one batch in a workspace for all the samples: both are running sums over the samples, in one `f32`. Layers that look
/// at a [whole batch](crate::Layer::WHOLE_BATCH) are the exception: they see each piece by itself. For a data
/// set [`mean_loss`](super::mean_loss) keeps what such a sum loses.
///
/// # Errors
/// As [`accumulate`]. With no samples or too many, or a setting or a target that is refused, the gradient is as before. Where an input, a
/// pre-activation, the loss or the output gradient is not finite, the pieces before it have been added by then, so the gradient is forgotten
/// ([`Gradients::restart`]). They have moved the [state](crate::Parameters::STATE) of `network` too, and that stays.
pub fn accumulate_all<N, L, D, const B: usize, const FLOATS: usize>(
    network: &mut N,
    gradients: &mut Gradients<N>,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    loss: &L,
) -> Result<f32, StepError>
where
    N: Network,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    let total = samples.len();
    if total == 0 {
        return Err(StepError::NoSamples);
    }
    if total > MOST_SAMPLES {
        return Err(StepError::TooManySamples { samples: total, capacity: MOST_SAMPLES });
    }
    super::check_loss(samples, loss)?;
    let (mut start, mut sum) = (0, 0.0);
    while start < total {
        let len = total.saturating_sub(start).min(B);
        let part = Part { samples, start, len };
        match accumulate_from(network, gradients, workspace, &part, loss, total, sum) {
            Ok(running) => sum = running,
            Err(error) => {
                gradients.restart();
                return Err(error.behind(start));
            }
        }
        start = start.saturating_add(len);
    }
    Ok(loss.total(sum, total))
}

/// `len` samples from `start` on.
struct Part<'a, D> {
    samples: &'a D,
    start: usize,
    len: usize,
}

impl<D: Samples> Samples for Part<'_, D> {
    type Input = D::Input;
    type Target = D::Target;

    fn len(&self) -> usize {
        self.len
    }

    fn input(&self, index: usize) -> Option<&D::Input> {
        self.samples.input(self.start.saturating_add(index))
    }

    fn target(&self, index: usize) -> Option<&D::Target> {
        self.samples.target(self.start.saturating_add(index))
    }
}

/// Second phase: one step of `optimizer` with the stored gradients. The next [`accumulate`] starts anew.
///
/// # Errors
/// [`StepError::NoGradient`] if nothing was accumulated; [`StepError::NonFiniteGradient`]; [`StepError::Setting`] of the optimizer. All of them before
/// anything is changed; the [state](crate::Parameters::STATE) of `network` has moved in the first phase.
pub fn apply<N: Parameters, O: Optimizer>(
    network: &mut N,
    slots: &mut N::Slots<O::Slot>,
    gradients: &mut Gradients<N>,
    optimizer: &mut O,
) -> Result<(), StepError> {
    if !gradients.rule.is_stored() {
        return Err(StepError::NoGradient);
    }
    optimizer.check_settings()?;
    let mut finite = true;
    gradients.visit(&mut |piece| finite &= ThisCpu::all_finite(piece));
    if !finite {
        return Err(StepError::NonFiniteGradient);
    }
    let step = begin_step::<N, O>(slots, optimizer, 0);
    update::<N, O>(network, &gradients.slots, slots, &step);
    gradients.restart();
    Ok(())
}
