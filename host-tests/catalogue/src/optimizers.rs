//! Optimizers. A new one is a row in [`further_optimizers`].

use core::fmt::Debug;

use baregrad::optimizer::Optimizer;
use baregrad::scalar::sqrt;
use baregrad::state::State;
use baregrad::{AdaGrad, Adam, AdamW, ClipValue, Lion, Momentum, Nesterov, RmsProp, Sgd, SgdMomentum, WeightDecay};

/// Learning rate of every row, `α`.
pub const RATE: f32 = 0.01;
/// Weight decay, where there is one, `λ`.
pub const DECAY: f32 = 0.05;
/// Limit of gradients, where there is one.
pub const CLIP: f32 = 0.02;

/// The new parameter, given the number of the step (from 1), the parameter, its gradient, and what the rule remembers of it: as many
/// numbers as its slot has, all 0 before the first step.
pub type Formula = fn(step: u32, theta: f32, gradient: f32, slot: &mut [f32]) -> f32;

/// An optimizer that a checkpoint can keep.
pub trait SavedRule: Optimizer<Slot: State> + State + Copy + Debug {}
impl<O: Optimizer<Slot: State> + State + Copy + Debug> SavedRule for O {}

/// What is done with each row.
pub trait VisitOptimizers {
    /// A row: the name of the type, the optimizer before its first step, and the formula with the same settings.
    fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, formula: Formula);
}

/// All optimizers.
pub fn each_optimizer(to: &mut impl VisitOptimizers) {
    first_optimizers(to);
    further_optimizers(to);
}

/// Those of the cases in `same_bits.expected`, which name them by number: none is added here.
pub fn first_optimizers(to: &mut impl VisitOptimizers) {
    to.optimizer("Sgd", Sgd::new(RATE), |_, theta, g, _| theta - RATE * g);
    to.optimizer("Momentum", Momentum::new(RATE), |_, theta, g, v| {
        v[0] = 0.9 * v[0] - RATE * g;
        theta + v[0]
    });
    to.optimizer("SgdMomentum", SgdMomentum::new(RATE), |_, theta, g, v| {
        v[0] = 0.9 * v[0] + g;
        theta - RATE * v[0]
    });
    to.optimizer("Nesterov", Nesterov::new(RATE), |_, theta, g, v| {
        v[0] = 0.9 * v[0] + g;
        theta - RATE * (g + 0.9 * v[0])
    });
    to.optimizer("AdaGrad", AdaGrad::new(RATE), |_, theta, g, sum| {
        sum[0] += g * g;
        theta - (RATE * g) / sqrt(sum[0] + 1e-8)
    });
    to.optimizer("RmsProp", RmsProp::new(RATE), |_, theta, g, mean| {
        mean[0] = 0.9 * mean[0] + (1.0 - 0.9) * (g * g);
        theta - (RATE * g) / sqrt(mean[0] + 1e-8)
    });
    to.optimizer("Adam", Adam::new(RATE), adam);
    to.optimizer("AdamW", AdamW { weight_decay: DECAY, ..AdamW::new(RATE) }, |step, theta, g, moments| {
        adam(step, theta * (1.0 - RATE * DECAY), g, moments)
    });
    to.optimizer("WeightDecay", WeightDecay::new(DECAY, Sgd::new(RATE)), |_, theta, g, _| {
        theta - RATE * (g + DECAY * theta)
    });
    to.optimizer("ClipValue", ClipValue::new(CLIP, Sgd::new(RATE)), |_, theta, g, _| {
        theta - RATE * g.clamp(-CLIP, CLIP)
    });
}

/// All others. Each has a training of its own in `same_bits_more.expected`.
pub fn further_optimizers(to: &mut impl VisitOptimizers) {
    to.optimizer("Lion", Lion { weight_decay: DECAY, ..Lion::new(RATE) }, |_, theta, g, m| {
        let direction = 0.9 * m[0] + (1.0 - 0.9) * g;
        m[0] = 0.99 * m[0] + (1.0 - 0.99) * g;
        let sign = if direction == 0.0 { direction } else { direction.signum() };
        theta * (1.0 - RATE * DECAY) - RATE * sign
    });
}

/// Kingma and Ba's, in the form that the library's docs state.
pub fn adam(step: u32, theta: f32, g: f32, moments: &mut [f32]) -> f32 {
    let (beta1, beta2) = (0.9_f32, 0.999_f32);
    let (mut power1, mut power2) = (1.0, 1.0);
    for _ in 0..step {
        power1 *= beta1;
        power2 *= beta2;
    }
    moments[0] = beta1 * moments[0] + (1.0 - beta1) * g;
    moments[1] = beta2 * moments[1] + (1.0 - beta2) * (g * g);
    theta - (RATE / (1.0 - power1) * moments[0]) / (sqrt(moments[1]) * (1.0 / sqrt(1.0 - power2)) + 1e-8)
}
