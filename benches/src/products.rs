//! The three matrix products of a training step, by the public API of a layer: 196 inputs, 100 outputs, a batch of 64.

use std::hint::black_box;

use baregrad::layer::{InputGradient, Stacked, Whole};
use baregrad::optimizer::Optimizer;
use baregrad::{Dense, Features, HeUniform, Identity, Matrix, Network, Parameters, Sgd, Zero, floats};
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
    slots: <Dense<INPUTS, OUTPUTS> as Parameters>::Slots<()>,
    inputs: Box<Matrix<BATCH, INPUTS>>,
    outputs: Box<Matrix<BATCH, OUTPUTS>>,
    delta: Box<Matrix<BATCH, OUTPUTS>>,
    memory: Box<[[f32; floats::<Dense<INPUTS, OUTPUTS>>()]; BATCH]>,
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
            memory: Box::new(Zero::ZERO),
            optimizer: Sgd::new(0.0),
        }
    }

    /// `x·W + b`.
    pub fn forward(&mut self) {
        let inputs = Stacked::<Features<INPUTS>>::new(black_box(self.inputs.as_slice()));
        let outputs = black_box(self.outputs.as_mut_slice());
        let (pass, memory) = (Whole::<BATCH>::new(BATCH), self.memory.as_flattened_mut());
        let _ = baregrad::Layer::<Features<INPUTS>>::forward(&*self.dense, pass, &inputs, outputs, memory);
    }

    /// `W - α·xᵀ·δ`, and the bias.
    pub fn weight_gradient(&mut self) {
        let Self { dense, slots, inputs, delta, memory, optimizer, .. } = self;
        let inputs = Stacked::<Features<INPUTS>>::new(black_box(inputs.as_slice()));
        let (pass, delta, step) = (Whole::<BATCH>::new(BATCH), black_box(delta.as_slice()), optimizer.begin_step());
        let nowhere = InputGradient::Unwanted;
        let memory = memory.as_flattened_mut();
        baregrad::Layer::<Features<INPUTS>>::backward::<_, Sgd, _>(
            &mut **dense,
            pass,
            &inputs,
            delta,
            nowhere,
            memory,
            slots,
            &step,
        );
    }

    /// The same, and `δ·Wᵀ` in the place of `x`.
    pub fn both_gradients(&mut self) {
        let Self { dense, slots, inputs, delta, memory, optimizer, .. } = self;
        let (inputs, delta) = (black_box(inputs.as_mut_slice()), black_box(delta.as_slice()));
        let (pass, step) = (Whole::<BATCH>::new(BATCH), optimizer.begin_step());
        baregrad::Layer::<Features<INPUTS>>::backward_inner::<_, Sgd, Identity>(
            &mut **dense,
            pass,
            inputs,
            delta,
            memory.as_flattened_mut(),
            slots,
            &step,
        );
    }
}
