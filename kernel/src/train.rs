//! Training: one step, at once or in slices, the two-phase form, evaluation.
//!
//! The functions here take network, slots and workspace as plain values that the user places; [`Trainer`] is the three
//! together. A step first looks at everything that can be wrong and only then changes anything.

mod error;
mod evaluate;
mod gradients;
mod slices;
mod trainer;

pub use error::StepError;
pub use evaluate::{binary_confusion_matrix, confusion_matrix, evaluate, for_each_output, mean_loss};
pub use gradients::{Gradients, accumulate, accumulate_all, apply};
pub use slices::{Slices, step_in_slices};
pub use trainer::Trainer;

use core::marker::PhantomData;
use core::ops::Range;

use crate::data::Samples;
use crate::kernels::{Kernels, ThisCpu};
use crate::layer::memory::cut;
use crate::layer::{Above, Inputs, NonFinite, Pass, Slots, Tensors, Whole, begin_step, has_sound_state};
use crate::loss::Loss;
use crate::network::{Network, floats};
use crate::optimizer::{Optimizer, Slot};
use crate::shape::{ArrayShape, SampleOf, Shape, Values};
use crate::zero::Zero;

/// Memory for passes over up to `B` samples, `FLOATS` for each: `Workspace<16, { floats::<Net>() }>`.
///
/// It holds what the layers give out and keep, and their scratch: for dense layers on features `4·B·(Σ OUT + 4)` bytes. One that is too small for a
/// network does not compile. Networks that train one after the other may share one.
pub struct Workspace<const B: usize, const FLOATS: usize> {
    /// The memory. What is in it between passes has no meaning.
    pub memory: [[f32; FLOATS]; B],
}

impl<const B: usize, const FLOATS: usize> Zero for Workspace<B, FLOATS> {
    const ZERO: Self = {
        assert!(B > 0, "a workspace needs room for at least one sample");
        Self { memory: Zero::ZERO }
    };
}

impl<const B: usize, const FLOATS: usize> Workspace<B, FLOATS> {
    /// All zero, for a `static`.
    pub const NEW: Self = Self::ZERO;
    /// Size in bytes.
    pub const BYTES: usize = size_of::<Self>();

    /// As much of it as a network has planned, and the compiler's word that it is there.
    #[inline(always)]
    fn for_network<N: Network>(&mut self) -> &mut [f32] {
        const {
            assert!(B > 0, "a workspace needs room for at least one sample");
            assert!(
                FLOATS >= floats::<N>(),
                "the workspace is too small for this network: write `{{ floats::<Net>() }}`"
            );
        }
        let planned = const { B * floats::<N>() };
        let memory = self.memory.as_flattened_mut();
        memory.split_at_mut_checked(planned).map_or(&mut [], |(memory, _)| memory)
    }

    /// The output of a pass over so many samples, and the memory behind it.
    #[inline(always)]
    fn split<N: Network>(&mut self, samples: usize) -> (&mut [f32], &mut [f32]) {
        let (output, memory) = cut(self.for_network::<N>(), const { B * N::Out::SIZE });
        (cut(output, samples.wrapping_mul(N::Out::SIZE)).0, memory)
    }
}

/// One training step: forward, loss, and the one-pass backward sweep that updates as it goes.
///
/// Takes 1 to `B` samples; fewer than `B` give the bits of a workspace for just so many. Returns the loss before the update.
///
/// # Order and rounding
/// Forward and backward as in [`Dense`](crate::Dense), the gradient at the output as the loss says, the update as the
/// optimizer says. The samples' losses are added in the order of the samples.
///
/// # Errors
/// See [`StepError`]. Network, slots and optimizer are then exactly as they were; the workspace is not part of that promise.
///
/// What a step does *not* see, because it stores no gradient: a gradient below the output, or an update, that overflows although
/// loss and `delta` were finite. If it makes a parameter infinite or NaN, the next step says so:
/// [`StepError::NonFinitePreActivation`]. If it makes an optimizer's slot infinite (`v` of Adam, say), that parameter stands still
/// from then on, and no step says so; [`check`] finds either, once per epoch say, and a checkpoint never takes it. The two-phase form sees it
/// beforehand: [`apply`] refuses a gradient that is not finite.
///
/// Why the update itself doesn't look: it could only say so, as the weights before are gone. On a Cortex-M4F it would add at
/// least 2,600 instructions and some 3,000 cycles to a step of plain gradient descent on a 64-32-10 network, which takes some 15,200 and
/// 23,600; a [`check`] takes 10,300 instructions and some 13,800 cycles, but once per epoch.
///
/// # When training has diverged
/// Back to the last good checkpoint, with a smaller learning rate:
///
/// ```
/// use baregrad::checkpoint::training_bytes;
/// use baregrad::{Dataset, Dense, MeanSquaredError, Sgd, Trainer, floats};
/// # let data = Dataset::from_arrays(&[[3.0], [4.0]], &[[6.0], [8.0]]);
///
/// type Net = (Dense<1, 1>,);
/// let mut trainer = Trainer::<Net, Sgd, 2, { floats::<Net>() }>::NEW;
/// let mut sgd = Sgd::new(1e4); // far too large
/// let mut good = [0; training_bytes::<Net, Sgd, ()>()]; // or a place in flash
/// trainer.save(&sgd, &(), &mut good)?;
/// let mut best = trainer.mean_loss(&data, MeanSquaredError)?; // a diverging training is finite for a while
/// for _epoch in 0..100 {
///     let epoch = (0..10).try_for_each(|_| trainer.step(&data, MeanSquaredError, &mut sgd).map(drop));
///     let loss = epoch.and_then(|()| trainer.check()).and_then(|()| trainer.mean_loss(&data, MeanSquaredError));
///     match loss {
///         Ok(loss) if loss < best => {
///             trainer.save(&sgd, &(), &mut good)?;
///             best = loss;
///         }
///         Ok(_) => {}
///         Err(_) => {
///             let smaller = sgd.learning_rate / 10.0;
///             trainer.load(&mut sgd, &mut (), &good)?; // weights, slots and optimizer as they were
///             sgd.learning_rate = smaller;
///         }
///     }
/// }
/// assert!(best < 0.1 && sgd.learning_rate < 0.1);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn step<N, O, L, D, const B: usize, const FLOATS: usize>(
    network: &mut N,
    slots: &mut N::Slots<O::Slot>,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    loss: &L,
    optimizer: &mut O,
) -> Result<f32, StepError>
where
    N: Network,
    O: Optimizer,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    optimizer.check_settings()?;
    let count = samples.len();
    let sum = forward_and_delta(network, 0, workspace, samples, loss, count, 0.0)?;
    let step = begin_step::<N, O>(slots, optimizer, 0);
    backward::<N, O, D, _, B, FLOATS>(network, Whole::<B>::new(count), slots, workspace, samples, &step);
    Ok(loss.total(sum, count))
}

/// One training step that leaves the first `frozen` layers as they are: the last layer alone, say, for a new user of a trained network.
///
/// As [`step`] on a network of the other layers only, whose inputs are what the frozen ones make of the samples; bit for bit. The forward pass
/// goes through all layers, the sweep through those that learn, and no gradient is computed for the layer below them. With `frozen` 0 it is
/// [`step`]. Layers without parameters count; where none that is left has any, a step trains nothing. An optimizer's
/// slots of frozen layers stay as they are, and a step that a layer misses does not count for it ([`Adam`](crate::Adam) counts steps). How many
/// layers are frozen may change from step to step.
///
/// Frozen layers predict, as in [`Network::predict`]: their [state](crate::Parameters::STATE), such as running statistics, is used and stays as it is. In Keras
/// a layer that is not `trainable` does the same. In PyTorch it needs `.eval()` beside frozen parameters.
///
/// # Errors
/// As [`step`], and [`StepError::AllFrozen`] when no layer is left to train.
pub fn step_frozen<N, O, L, D, const B: usize, const FLOATS: usize>(
    network: &mut N,
    frozen: usize,
    slots: &mut N::Slots<O::Slot>,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    loss: &L,
    optimizer: &mut O,
) -> Result<f32, StepError>
where
    N: Network,
    O: Optimizer,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    if frozen >= N::LAYERS {
        return Err(StepError::AllFrozen { layers: N::LAYERS });
    }
    optimizer.check_settings()?;
    let count = samples.len();
    let sum = forward_and_delta(network, frozen, workspace, samples, loss, count, 0.0)?;
    let step = begin_step::<N, O>(slots, optimizer, frozen);
    backward::<N, O, D, _, B, FLOATS>(network, Above::<B>::new(count, frozen), slots, workspace, samples, &step);
    Ok(loss.total(sum, count))
}

/// Whether every parameter and every slot of the optimizer is finite, and what it remembers of each layer makes sense, as does what layers keep.
///
/// # Errors
/// [`StepError::NonFiniteState`]: go back to the last good weights, with a smaller learning rate.
pub fn check<N: Network, O: Optimizer>(network: &N, slots: &N::Slots<O::Slot>) -> Result<(), StepError> {
    let mut finite = true;
    network.for_each_tensor(&mut |values| finite &= ThisCpu::all_finite(values));
    slots.for_each_tensor(&mut |slots| finite &= slots.iter().all(Slot::is_finite));
    slots.for_each_layer(&mut |layer| finite &= layer.is_finite());
    if finite && has_sound_state(network) { Ok(()) } else { Err(StepError::NonFiniteState) }
}

/// Forward pass, loss and the gradient at the output; changes only the workspace. Adds the samples' losses to `sum`.
fn forward_and_delta<N, L, D, const B: usize, const FLOATS: usize>(
    network: &N,
    frozen: usize,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    loss: &L,
    mean_over: usize,
    mut sum: f32,
) -> Result<f32, StepError>
where
    N: Network,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    let count = samples.len();
    if count == 0 {
        return Err(StepError::NoSamples);
    }
    if count > B {
        return Err(StepError::TooManySamples { samples: count, capacity: B });
    }
    check_loss(samples, loss)?;
    forward(network, frozen, workspace, samples, 0, count)?;
    let (outputs, _) = workspace.split::<N>(count);
    let scale = loss.scale(mean_over);
    let (mut finite, mut rest) = (true, outputs);
    for index in 0..count {
        let (output, others) = cut(rest, N::Out::SIZE);
        rest = others;
        if let (Some(output), Some(target)) = (SampleOf::<N::Out>::first_of_mut(output), samples.target(index)) {
            sum += loss.value_and_delta(output, target, scale);
            finite &= ThisCpu::all_finite(output.values());
        }
    }
    if !loss.total(sum, mean_over).is_finite() {
        return Err(StepError::NonFiniteLoss);
    }
    if finite { Ok(sum) } else { Err(StepError::NonFiniteGradient) }
}

/// Forward pass over `count` samples from `start` on, of a training of all layers but the first `frozen`.
fn forward<N, D, const B: usize, const FLOATS: usize>(
    network: &N,
    frozen: usize,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    start: usize,
    count: usize,
) -> Result<(), StepError>
where
    N: Network,
    D: Samples<Input = SampleOf<N::In>>,
{
    let inputs = InputsFrom { samples, start, shape: PhantomData::<N::In> };
    let all = start..start.saturating_add(count);
    if let Some(sample) = all.clone().find(|&sample| samples.input(sample).is_none()) {
        return Err(StepError::MissingSample { sample });
    }
    let (outputs, memory) = workspace.split::<N>(count);
    network
        .forward_pass(Whole::<B>::above(count, frozen), &inputs, outputs, memory)
        .map_err(|error| unsound_sample::<N, D>(samples, all.clone(), error))
}

/// Who is to blame for a pre-activation that is not finite: one of these samples, or the weights.
///
/// A non-finite input makes pre-activations of the first layer that it enters non-finite, so inputs need a look only then.
fn unsound_sample<N, D>(samples: &D, mut among: Range<usize>, error: NonFinite) -> StepError
where
    N: Network,
    D: Samples<Input = SampleOf<N::In>>,
{
    let unsound = |&index: &usize| match samples.input(index) {
        Some(input) => !ThisCpu::all_finite(input.values()),
        None => false,
    };
    match among.find(unsound) {
        Some(sample) => StepError::NonFiniteInput { sample },
        None => StepError::NonFinitePreActivation { layer: error.layer },
    }
}

/// Whether the settings of a loss and all targets are sound.
fn check_loss<Out, A, L, D>(samples: &D, loss: &L) -> Result<(), StepError>
where
    Out: ArrayShape,
    A: crate::activation::Activation,
    D: Samples,
    L: Loss<Out, A, D::Target>,
{
    loss.check_settings()?;
    for sample in 0..samples.len() {
        let target = samples.target(sample).ok_or(StepError::MissingSample { sample })?;
        loss.check(target).map_err(|error| StepError::target(sample, error))?;
    }
    Ok(())
}

fn backward<N, O, D, P, const B: usize, const FLOATS: usize>(
    network: &mut N,
    pass: P,
    slots: &mut N::Slots<O::Slot>,
    workspace: &mut Workspace<B, FLOATS>,
    samples: &D,
    step: &O::Step,
) where
    N: Network,
    O: Optimizer,
    D: Samples<Input = SampleOf<N::In>>,
    P: Pass,
{
    let inputs = InputsFrom { samples, start: 0, shape: PhantomData::<N::In> };
    let (delta, memory) = workspace.split::<N>(pass.samples());
    network.backward_pass::<P, O, _>(pass, &inputs, delta, memory, slots, step);
}

/// The inputs of samples from `start` on, as a layer reads them.
struct InputsFrom<'a, D, S> {
    samples: &'a D,
    start: usize,
    shape: PhantomData<S>,
}

impl<S: ArrayShape, D: Samples<Input = SampleOf<S>>> Inputs for InputsFrom<'_, D, S> {
    #[inline(always)]
    fn sample(&self, index: usize) -> Option<&[f32]> {
        self.samples.input(self.start.wrapping_add(index)).map(Values::values)
    }
}
