//! Layers whose passes can be made in slices of bounded time.

use core::slice::{from_mut, from_ref};

use super::dense::first_mut;
use super::{Columns, Dense, DenseSlots, Layer, NonFinite};
use crate::activation::Activation;
use crate::loops;
use crate::matrix::Matrix;
use crate::optimizer::Optimizer;
use crate::shape::{BatchOf, Inputs, SampleOf};

/// A layer, or a network of such layers, that [`step_in_slices`](crate::train::step_in_slices) can train.
///
/// A dense layer's backward sweep has a slice for every [`COLUMNS`](crate::COLUMNS) rows of its weights, and one for the rows that are
/// left and the bias.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a network that can be trained in slices",
    note = "it is when all its layers are `SlicedLayer`s"
)]
pub trait SlicedLayer: Layer {
    /// Slices of the backward sweep.
    const SLICES: usize;

    /// Forward pass over one of up to `B` samples: what [`forward`](Layer::forward) does with each.
    ///
    /// # Errors
    /// As [`forward`](Layer::forward).
    fn forward_sample<const B: usize, X: Inputs<SampleOf<Self::In>> + ?Sized>(
        &self,
        inputs: &X,
        sample: usize,
        activations: &mut Self::Activations<B>,
    ) -> Result<(), NonFinite>;

    /// Slice `slice` of [`backward_first`](Layer::backward_first): from 0 to `SLICES - 1`, one after the other, they make the whole.
    #[allow(clippy::too_many_arguments)]
    fn backward_first_slice<const B: usize, O: Optimizer, X: Inputs<SampleOf<Self::In>> + ?Sized>(
        &mut self,
        slice: usize,
        inputs: &X,
        samples: usize,
        activations: &mut Self::Activations<B>,
        slots: &mut Self::Slots<O>,
        columns: &mut Columns<B>,
        step: &O::Step,
    );

    /// Slice `slice` of [`backward`](Layer::backward), likewise.
    #[allow(clippy::too_many_arguments)]
    fn backward_slice<const B: usize, O: Optimizer, Below: Activation>(
        &mut self,
        slice: usize,
        inputs: &mut BatchOf<Self::In, B>,
        samples: usize,
        activations: &mut Self::Activations<B>,
        slots: &mut Self::Slots<O>,
        columns: &mut Columns<B>,
        step: &O::Step,
    );
}

impl<const IN: usize, const OUT: usize, A: Activation> SlicedLayer for Dense<IN, OUT, A> {
    const SLICES: usize = loops::slices(IN);

    fn forward_sample<const B: usize, X: Inputs<[f32; IN]> + ?Sized>(
        &self,
        inputs: &X,
        sample: usize,
        activations: &mut Matrix<B, OUT>,
    ) -> Result<(), NonFinite> {
        let (Some(input), Some(output)) = (inputs.sample(sample), activations.rows.get_mut(sample)) else {
            return Ok(()); // Training has refused it before.
        };
        if self.forward_rows::<B, _>(from_ref(input), from_mut(output)) { Ok(()) } else { Err(NonFinite { layer: 0 }) }
    }

    fn backward_first_slice<const B: usize, O: Optimizer, X: Inputs<[f32; IN]> + ?Sized>(
        &mut self,
        slice: usize,
        inputs: &X,
        samples: usize,
        activations: &mut Matrix<B, OUT>,
        slots: &mut DenseSlots<IN, OUT, O::Slot>,
        columns: &mut Columns<B>,
        step: &O::Step,
    ) {
        let delta = first_mut(&mut activations.rows, samples);
        let columns = first_mut(columns, samples);
        loops::sweep_first_slice::<IN, OUT, O, X>(slice, inputs, delta, self.with_slots::<O>(slots), columns, step);
    }

    fn backward_slice<const B: usize, O: Optimizer, Below: Activation>(
        &mut self,
        slice: usize,
        inputs: &mut Matrix<B, IN>,
        samples: usize,
        activations: &mut Matrix<B, OUT>,
        slots: &mut DenseSlots<IN, OUT, O::Slot>,
        columns: &mut Columns<B>,
        step: &O::Step,
    ) {
        let inputs = first_mut(&mut inputs.rows, samples);
        let delta = first_mut(&mut activations.rows, samples);
        let columns = first_mut(columns, samples);
        let parameters = self.with_slots::<O>(slots);
        loops::sweep_inner_slice::<IN, OUT, O, Below>(slice, inputs, delta, parameters, columns, step);
    }
}
