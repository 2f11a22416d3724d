//! A training step in slices of bounded time, so that a watchdog is fed and a deadline met in between.

use core::marker::PhantomData;
use core::task::Poll;

use super::{InputsFrom, StepError, Workspace, backward, unsound_sample};
use crate::data::Samples;
use crate::kernels::{Kernels, ThisCpu};
use crate::layer::{Slice, begin_step};
use crate::loss::Loss;
use crate::network::Network;
use crate::optimizer::Optimizer;
use crate::shape::{SampleOf, Shape, Values};

/// A [`step`](super::step) that has begun and is made slice by slice: each [`poll`](Self::poll) makes one.
///
/// It has the bits of the step in one go, whatever happens in between. Network, slots, workspace, samples and optimizer stay
/// borrowed until it is dropped: nobody can predict with weights of which only a part is new (for that, keep a copy of the
/// network), and no other batch can slip in.
///
/// # Time
/// A step over `n` samples is made in `n·LAYERS + SLICES` slices. Each of the first ones takes one sample through one layer, and the last
/// layer's with the loss. A layer that looks at a [whole batch](crate::Layer::WHOLE_BATCH) has nothing to do for a sample but the last, and all samples then; the
/// losses of a network with such a layer are all in the last of these slices. Each of the others takes four rows of a dense layer's weights, from the last layer to the first: at most `8·OUT`
/// products for each sample and position, and the optimizer's formula for `4·OUT` parameters; or the rows that are left and the bias, which is less. Other layers say in their docs what a slice is: all of a
/// [`BatchNorm`](crate::BatchNorm) is one, and the second forward pass of a [`Recompute`](crate::Recompute). On a
/// processor with an FPU the time of a slice does not depend on the data, unless a pre-activation is not finite: the slice that meets it
/// ends the step, may go through a layer of ReLU twice, and looks at the samples up to its own once more. Where slices may be longer, poll several times.
///
/// # An unfinished step
/// To drop it is to abandon it. As long as [`is_updating`](Self::is_updating) says no, nothing but the workspace has been changed.
/// From then on nothing can go wrong any more, and the step should be brought to its end: dropped before, it leaves a network of which
/// each row of weights is either as before or as after the step, and an optimizer that has counted the step.
#[must_use = "a step makes progress only when it is polled"]
pub struct Slices<'a, N: Network, O: Optimizer, L, D, const B: usize, const FLOATS: usize> {
    network: &'a mut N,
    slots: &'a mut N::Slots<O::Slot>,
    workspace: &'a mut Workspace<B, FLOATS>,
    samples: &'a D,
    loss: L,
    optimizer: &'a mut O,
    count: usize,
    stage: Stage<O::Step>,
}

/// What the next slice is.
#[derive(Clone, Copy)]
enum Stage<S> {
    /// This slice of the forward pass; the losses of the samples that are through, and whether their gradients at the output are finite.
    Forward {
        slice: usize,
        sum: f32,
        finite: bool,
    },
    /// This slice of the backward sweep; the loss of the step.
    Backward {
        slice: usize,
        step: S,
        loss: f32,
    },
    Done(Result<f32, StepError>),
}

/// Begins a training step that is made slice by slice; nothing is computed yet.
///
/// ```
/// use core::task::Poll;
/// # use baregrad::{CrossEntropy, Dataset, Dense, Order, Relu, Sgd, StepError, Trainer, floats};
/// # let (inputs, labels) = ([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0u8, 1, 1]);
/// # let (data, order) = (Dataset::from_arrays(&inputs, &labels), Order::<3>::IDENTITY);
/// # let mut watchdog_fed = 0;
/// # let mut feed_watchdog = || watchdog_fed += 1;
/// # let mut trainer = Trainer::<(Dense<2, 8, Relu>, Dense<8, 2>), Sgd, 2, { floats::<(Dense<2, 8, Relu>, Dense<8, 2>)>() }>::NEW;
/// # let mut optimizer = Sgd::new(0.5);
/// for batch in data.batches(&order, 2)? {
///     let mut step = trainer.step_in_slices(&batch, CrossEntropy, &mut optimizer);
///     let loss = loop {
///         match step.poll()? {
///             Poll::Pending => feed_watchdog(), // and whatever else is due
///             Poll::Ready(loss) => break loss,
///         }
///     };
/// #   assert!(loss > 0.0);
/// }
/// # assert_eq!(watchdog_fed, 2 * 2 + 2 * 1 + 2 * (1 + 3 - 1));
/// # Ok::<(), StepError>(())
/// ```
pub fn step_in_slices<'a, N, O, L, D, const B: usize, const FLOATS: usize>(
    network: &'a mut N,
    slots: &'a mut N::Slots<O::Slot>,
    workspace: &'a mut Workspace<B, FLOATS>,
    samples: &'a D,
    loss: L,
    optimizer: &'a mut O,
) -> Slices<'a, N, O, L, D, B, FLOATS>
where
    N: Network,
    O: Optimizer,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    let stage = Stage::Forward { slice: 0, sum: 0.0, finite: true };
    Slices { network, slots, workspace, samples, loss, optimizer, count: samples.len(), stage }
}

impl<N, O, L, D, const B: usize, const FLOATS: usize> Slices<'_, N, O, L, D, B, FLOATS>
where
    N: Network,
    O: Optimizer,
    D: Samples<Input = SampleOf<N::In>>,
    L: Loss<N::Out, N::Activation, D::Target>,
{
    /// Makes the next slice. [`Poll::Ready`] with the loss before the update when it was the last; polled again, it says the same.
    ///
    /// # Errors
    /// As [`step`](super::step), and all of them before anything but the workspace is changed; polled again, it says the same. Samples
    /// are looked at one after the other: where several things are wrong, it may name another one than a step in one go, which looks
    /// at all targets first.
    pub fn poll(&mut self) -> Result<Poll<f32>, StepError> {
        self.stage = match self.stage {
            Stage::Forward { slice, sum, finite } => {
                self.forward(slice, sum, finite).unwrap_or_else(|error| Stage::Done(Err(error)))
            }
            Stage::Backward { slice, step, loss } => {
                self.backward(slice, &step);
                let slice = slice.saturating_add(1);
                if slice < N::SLICES { Stage::Backward { slice, step, loss } } else { Stage::Done(Ok(loss)) }
            }
            done @ Stage::Done(_) => done,
        };
        match self.stage {
            Stage::Done(result) => result.map(Poll::Ready),
            _ => Ok(Poll::Pending),
        }
    }

    /// How many slices are still to be made, if nothing is wrong with the samples.
    pub fn remaining(&self) -> usize {
        match self.stage {
            Stage::Forward { slice, .. } => {
                self.count.saturating_mul(N::LAYERS).saturating_sub(slice).saturating_add(N::SLICES)
            }
            Stage::Backward { slice, .. } => N::SLICES.saturating_sub(slice),
            Stage::Done(_) => 0,
        }
    }

    /// Whether all samples were found to be sound and the optimizer has begun its step: network, slots and optimizer are as before
    /// as long as this is false.
    pub fn is_updating(&self) -> bool {
        matches!(self.stage, Stage::Backward { .. } | Stage::Done(Ok(_)))
    }

    /// One sample through one layer, or the whole batch; after the last layer its gradient at the output, and after the last sample whether the step can be made.
    fn forward(&mut self, slice: usize, mut sum: f32, mut finite: bool) -> Result<Stage<O::Step>, StepError> {
        let Self { network, workspace, samples, loss, count, optimizer, .. } = self;
        let count = *count;
        if slice == 0 {
            optimizer.check_settings()?;
        }
        if count == 0 {
            return Err(StepError::NoSamples);
        }
        if count > B {
            return Err(StepError::TooManySamples { samples: count, capacity: B });
        }
        if slice == 0 {
            loss.check_settings()?;
        }
        // The last layer's slices are the last.
        let through = count.saturating_mul(N::LAYERS.saturating_sub(1));
        let sample = slice.checked_rem(count).unwrap_or(0);
        if slice < count {
            let target = samples.target(sample).ok_or(StepError::MissingSample { sample })?;
            loss.check(target).map_err(|error| StepError::target(sample, error))?;
            if samples.input(sample).is_none() {
                return Err(StepError::MissingSample { sample });
            }
        }
        let inputs = InputsFrom { samples: *samples, start: 0, shape: PhantomData::<N::In> };
        let (outputs, memory) = workspace.split::<N>(count);
        network
            .forward_pass(Slice::<B>::new(count, slice), &inputs, outputs, memory)
            .map_err(|error| unsound_sample::<N, D>(samples, 0..sample.saturating_add(1), error))?;
        // A layer for a whole batch gives its outputs with the last sample only.
        let complete = match slice.checked_sub(through) {
            Some(sample) if !N::WHOLE_BATCH => sample..sample.saturating_add(1),
            Some(sample) if sample.saturating_add(1) == count => 0..count,
            _ => 0..0,
        };
        for sample in complete {
            let output =
                outputs.get_mut(sample.saturating_mul(N::Out::SIZE)..).and_then(SampleOf::<N::Out>::first_of_mut);
            if let (Some(output), Some(target)) = (output, samples.target(sample)) {
                sum += loss.value_and_delta(output, target, loss.scale(count));
                finite &= ThisCpu::all_finite(output.values());
            }
        }
        let slice = slice.saturating_add(1);
        if slice < through.saturating_add(count) {
            return Ok(Stage::Forward { slice, sum, finite });
        }
        let loss = loss.total(sum, count);
        if !loss.is_finite() {
            return Err(StepError::NonFiniteLoss);
        }
        if !finite {
            return Err(StepError::NonFiniteGradient);
        }
        Ok(Stage::Backward { slice: 0, step: begin_step::<N, O>(self.slots, self.optimizer, 0), loss })
    }

    fn backward(&mut self, slice: usize, step: &O::Step) {
        let pass = Slice::<B>::new(self.count, slice);
        let slots = &mut *self.slots;
        backward::<N, O, D, _, B, FLOATS>(self.network, pass, slots, self.workspace, self.samples, step);
    }
}
