//! Network, optimizer slots and workspace as one value to place.

use super::{
    Gradients, Slices, StepError, Workspace, accumulate, accumulate_all, apply, binary_confusion_matrix, check,
    confusion_matrix, evaluate, mean_loss, step, step_frozen, step_in_slices,
};
use crate::data::{Index, Samples};
use crate::loss::Loss;
use crate::metrics::{ConfusionMatrix, Evaluation};
use crate::network::{Network, Summary, floats};
use crate::optimizer::Optimizer;
use crate::shape::{ArrayShape, SampleOf};
use crate::zero::Zero;

/// All memory that training a network `N` by an optimizer `O` in batches of up to `B` samples needs.
///
/// `FLOATS` is the size of the [`Workspace`] for one sample, which only the compiler knows: write
/// `Trainer<Net, Adam, 16, { floats::<Net>() }>`, with [`floats`](crate::floats).
///
/// All zero until [`initialize_with`](crate::Network::initialize_with) draws weights, so a `static` of it lies in `.bss`. The optimizer's
/// own few numbers (learning rate, step count) are a value apart, handed to each step.
///
/// The parts are public: a user may also hold network, slots and workspace apart, and call the functions of
/// [`train`](crate::train).
pub struct Trainer<N: Network, O: Optimizer, const B: usize, const FLOATS: usize> {
    /// The network: its weights and biases.
    pub network: N,
    /// A slot of the optimizer for each parameter, and what the optimizer remembers of each layer.
    pub slots: N::Slots<O::Slot>,
    /// Outputs of layers, and scratch.
    pub workspace: Workspace<B, FLOATS>,
}

impl<N: Network, O: Optimizer, const B: usize, const FLOATS: usize> Zero for Trainer<N, O, B, FLOATS> {
    const ZERO: Self = {
        assert!(FLOATS >= floats::<N>(), "the workspace is too small for this network: write `{{ floats::<Net>() }}`");
        Self { network: Zero::ZERO, slots: Zero::ZERO, workspace: Zero::ZERO }
    };
}

impl<N: Network, O: Optimizer, const B: usize, const FLOATS: usize> Trainer<N, O, B, FLOATS> {
    /// The all-zero value, for a `static`.
    pub const NEW: Self = Self::ZERO;
    /// Bytes of the network: 4 for each parameter of the library's layers and for each value of their state.
    pub const NETWORK_BYTES: usize = size_of::<N>();
    /// Bytes of the optimizer's slots: `PARAMETERS` times the size of [`Optimizer::Slot`], and what it remembers of each layer.
    pub const SLOT_BYTES: usize = size_of::<N::Slots<O::Slot>>();
    /// Bytes of the workspace; see [`Workspace`].
    pub const WORKSPACE_BYTES: usize = Workspace::<B, FLOATS>::BYTES;
    /// Bytes of all of it.
    pub const BYTES: usize = size_of::<Self>();

    /// One training step; see [`train::step`](step()).
    ///
    /// # Errors
    /// See [`StepError`]: network, slots and optimizer are then as they were.
    pub fn step<L, D>(&mut self, samples: &D, loss: L, optimizer: &mut O) -> Result<f32, StepError>
    where
        D: Samples<Input = SampleOf<N::In>>,
        L: Loss<N::Out, N::Activation, D::Target>,
    {
        step(&mut self.network, &mut self.slots, &mut self.workspace, samples, &loss, optimizer)
    }

    /// Begins a training step that is made slice by slice; see [`train::step_in_slices`](step_in_slices()).
    pub fn step_in_slices<'a, L, D>(
        &'a mut self,
        samples: &'a D,
        loss: L,
        optimizer: &'a mut O,
    ) -> Slices<'a, N, O, L, D, B, FLOATS>
    where
        D: Samples<Input = SampleOf<N::In>>,
        L: Loss<N::Out, N::Activation, D::Target>,
    {
        step_in_slices(&mut self.network, &mut self.slots, &mut self.workspace, samples, loss, optimizer)
    }

    /// One training step that leaves the first `frozen` layers as they are; see [`train::step_frozen`](step_frozen()).
    ///
    /// # Errors
    /// See [`StepError`]: network, slots and optimizer are then as they were.
    pub fn step_frozen<L, D>(
        &mut self,
        frozen: usize,
        samples: &D,
        loss: L,
        optimizer: &mut O,
    ) -> Result<f32, StepError>
    where
        D: Samples<Input = SampleOf<N::In>>,
        L: Loss<N::Out, N::Activation, D::Target>,
    {
        step_frozen(&mut self.network, frozen, &mut self.slots, &mut self.workspace, samples, &loss, optimizer)
    }

    /// Adds a batch to a stored gradient; see [`train::accumulate`](accumulate()).
    ///
    /// # Errors
    /// See [`StepError`]: nothing but the workspace is changed then.
    pub fn accumulate<L, D>(
        &mut self,
        gradients: &mut Gradients<N>,
        samples: &D,
        loss: L,
        mean_over: usize,
    ) -> Result<f32, StepError>
    where
        D: Samples<Input = SampleOf<N::In>>,
        L: Loss<N::Out, N::Activation, D::Target>,
    {
        accumulate(&mut self.network, gradients, &mut self.workspace, samples, &loss, mean_over)
    }

    /// Adds a batch of any length to a stored gradient; see [`train::accumulate_all`](accumulate_all()).
    ///
    /// # Errors
    /// As there: the stored gradient may be forgotten then, and nothing else is changed.
    pub fn accumulate_all<L, D>(&mut self, gradients: &mut Gradients<N>, samples: &D, loss: L) -> Result<f32, StepError>
    where
        D: Samples<Input = SampleOf<N::In>>,
        L: Loss<N::Out, N::Activation, D::Target>,
    {
        accumulate_all(&mut self.network, gradients, &mut self.workspace, samples, &loss)
    }

    /// One step with a stored gradient; see [`train::apply`](apply()).
    ///
    /// # Errors
    /// No gradient, one that is not finite, or a setting of the optimizer that is refused: nothing is changed then.
    pub fn apply(&mut self, gradients: &mut Gradients<N>, optimizer: &mut O) -> Result<(), StepError> {
        apply(&mut self.network, &mut self.slots, gradients, optimizer)
    }

    /// The loss over a data set of any length.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn mean_loss<L, D>(&mut self, samples: &D, loss: L) -> Result<f32, StepError>
    where
        D: Samples<Input = SampleOf<N::In>>,
        L: Loss<N::Out, N::Activation, D::Target>,
    {
        mean_loss(&self.network, &mut self.workspace, samples, &loss)
    }

    /// Loss and accuracy over a data set of any length, and top-`k` accuracy.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn evaluate<L, D>(&mut self, samples: &D, loss: L, k: usize) -> Result<Evaluation, StepError>
    where
        D: Samples<Input = SampleOf<N::In>>,
        D::Target: Index,
        L: Loss<N::Out, N::Activation, D::Target>,
    {
        evaluate(&self.network, &mut self.workspace, samples, &loss, k)
    }

    /// Adds the predictions for a data set of any length to a confusion matrix.
    ///
    /// # Errors
    /// See [`train::confusion_matrix`](confusion_matrix()).
    pub fn confusion_matrix<D, const CLASSES: usize>(
        &mut self,
        samples: &D,
        matrix: &mut ConfusionMatrix<CLASSES>,
    ) -> Result<(), StepError>
    where
        N::Out: ArrayShape<Sample = [f32; CLASSES]>,
        D: Samples<Input = SampleOf<N::In>>,
        D::Target: Index,
    {
        confusion_matrix(&self.network, &mut self.workspace, samples, matrix)
    }

    /// Adds the predictions of a network with one output to a confusion matrix; see [`train::binary_confusion_matrix`](binary_confusion_matrix()).
    ///
    /// # Errors
    /// See [`train::confusion_matrix`](confusion_matrix()).
    pub fn binary_confusion_matrix<D>(
        &mut self,
        samples: &D,
        threshold: f32,
        matrix: &mut ConfusionMatrix<2>,
    ) -> Result<(), StepError>
    where
        N::Out: ArrayShape<Sample = [f32; 1]>,
        D: Samples<Input = SampleOf<N::In>, Target = [f32; 1]>,
    {
        binary_confusion_matrix(&self.network, &mut self.workspace, samples, threshold, matrix)
    }

    /// Whether every parameter and every slot is finite; see [`train::check`](check()).
    ///
    /// # Errors
    /// [`StepError::NonFiniteState`].
    pub fn check(&self) -> Result<(), StepError> {
        check::<N, O>(&self.network, &self.slots)
    }

    /// Layers, shapes, parameters and bytes, to print with `{}`.
    pub fn summary() -> Summary<N> {
        Summary::of_training(B, Self::SLOT_BYTES, Self::WORKSPACE_BYTES)
    }
}
