//! The three matrix products of a training step, by the public API of a layer: 196 inputs, 100 outputs, a batch of 64.

use std::hint::black_box;

use baregrad::layer::Columns;
use baregrad::optimizer::Optimizer;
use baregrad::{Dense, HeUniform, Identity, Layer as _, Matrix, Network, Sgd, Zero};
use rand_pcg::Pcg32;

/// Inputs of the layer.
pub const INPUTS: usize = 196;
/// Outputs of the layer.
pub const OUTPUTS: usize = 100;
/// Samples in the batch.
pub const BATCH: usize = 64;
/// Multiplications and additions of one product.
pub const FLOPS: f64 = (2 * INPUTS * OUTPUTS * BATCH) as f64;

/// A layer with all that its passes need.
pub struct Layer {
    dense: Box<Dense<INPUTS, OUTPUTS>>,
    slots: <Dense<INPUTS, OUTPUTS> as baregrad::Layer>::Slots<Sgd>,
    inputs: Box<Matrix<BATCH, INPUTS>>,
    outputs: Box<Matrix<BATCH, OUTPUTS>>,
    delta: Box<Matrix<BATCH, OUTPUTS>>,
    columns: Columns<BATCH>,
    // A rate of zero keeps the weights sound however often a pass is repeated; it is multiplied and subtracted like any other.
    optimizer: Sgd,
}

impl Default for Layer {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer {
    /// Some weights, some inputs.
    pub fn new() -> Self {
        let mut dense = Box::new(Dense::ZERO);
        dense.initialize(HeUniform, &mut Pcg32::new(1, 0));
        Self {
            dense,
            slots: Zero::ZERO,
            inputs: Box::new(Matrix::from_rows([[0.5; INPUTS]; BATCH])),
            outputs: Box::new(Matrix::ZERO),
            delta: Box::new(Matrix::from_rows([[0.01; OUTPUTS]; BATCH])),
            columns: Zero::ZERO,
            optimizer: Sgd::new(0.0),
        }
    }

    /// `x·W + b`.
    pub fn forward(&mut self) {
        let _ = self.dense.forward(black_box(&self.inputs.rows[..]), BATCH, black_box(&mut *self.outputs));
    }

    /// `W - α·xᵀ·δ`, and the bias.
    pub fn weight_gradient(&mut self) {
        let step = self.optimizer.begin_step();
        let (inputs, delta) = (black_box(&self.inputs.rows[..]), black_box(&mut *self.delta));
        self.dense.backward_first::<BATCH, Sgd, _>(inputs, BATCH, delta, &mut self.slots, &mut self.columns, &step);
    }

    /// The same, and `δ·Wᵀ` in the place of `x`.
    pub fn both_gradients(&mut self) {
        let step = self.optimizer.begin_step();
        let (inputs, delta) = (black_box(&mut *self.inputs), black_box(&mut *self.delta));
        self.dense.backward::<BATCH, Sgd, Identity>(inputs, BATCH, delta, &mut self.slots, &mut self.columns, &step);
    }
}
