//! What the cases choose from, as types with names.

use baregrad::activation::Activation;
use baregrad::optimizer::{Moments, Optimizer};
use baregrad::{
    AdaGrad, Adam, AdamW, BinaryCrossEntropy, ClipValue, CrossEntropy, HalfMeanSquaredError, Huber, Identity,
    LeakyRelu, MeanAbsoluteError, MeanSquaredError, Momentum, Nesterov, OneHot, Relu, RmsProp, Sgd, SgdMomentum,
    Sigmoid, SumOfSquares, Tanh, WeightDecay, WeightedCrossEntropy,
};

use super::{CLASS_WEIGHT, CLIP, HUBER_DELTA, LEARNING_RATE, WEIGHT_DECAY};

/// Names of the activations, in the order of their number.
pub const ACTIVATIONS: [&str; 5] = ["Identity", "Sigmoid", "Tanh", "Relu", "LeakyRelu"];
/// Names of the losses: six on values, three on labels.
pub const LOSSES: [&str; 9] = [
    "MeanSquaredError",
    "HalfMeanSquaredError",
    "SumOfSquares",
    "MeanAbsoluteError",
    "Huber",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "WeightedCrossEntropy",
    "OneHot",
];
/// Names of the optimizers.
pub const OPTIMIZERS: [&str; 10] =
    ["Sgd", "Momentum", "SgdMomentum", "Nesterov", "AdaGrad", "RmsProp", "Adam", "AdamW", "WeightDecay", "ClipValue"];
/// The batch sizes.
pub const BATCHES: [usize; 3] = [1, 3, 16];

/// Choice number `K` of a list.
pub struct Choice<const K: usize>;

/// An activation by number.
pub trait ChosenActivation {
    /// The activation.
    type Is: Activation;
}

/// A loss by number, behind a network whose other activations are `A`.
pub trait ChosenLoss<A> {
    /// The loss.
    type Is: Copy;
    /// The activation of the output: none for losses on logits.
    type Output: Activation;
    /// With its settings.
    const LOSS: Self::Is;
}

/// An optimizer by number.
pub trait ChosenOptimizer {
    /// The optimizer.
    type Is: Optimizer<Slot: Values> + Copy;
    /// With its settings, before the first step.
    const START: Self::Is;
}

macro_rules! activations {
    ($($k:literal $is:ty),*) => { $(impl ChosenActivation for Choice<$k> { type Is = $is; })* };
}
activations!(0 Identity, 1 Sigmoid, 2 Tanh, 3 Relu, 4 LeakyRelu);

macro_rules! losses {
    ($($k:literal $is:ty = $loss:expr, behind $output:ty;)*) => { $(
        impl<A: Activation> ChosenLoss<A> for Choice<$k> {
            type Is = $is;
            type Output = $output;
            const LOSS: $is = $loss;
        }
    )* };
}
losses! {
    0 MeanSquaredError = MeanSquaredError, behind A;
    1 HalfMeanSquaredError = HalfMeanSquaredError, behind A;
    2 SumOfSquares = SumOfSquares, behind A;
    3 MeanAbsoluteError = MeanAbsoluteError, behind A;
    4 Huber = Huber { delta: HUBER_DELTA }, behind A;
    5 BinaryCrossEntropy = BinaryCrossEntropy, behind Identity;
    6 CrossEntropy = CrossEntropy, behind Identity;
    7 WeightedCrossEntropy<3> = WeightedCrossEntropy { weights: [CLASS_WEIGHT, 2.0 * CLASS_WEIGHT, 3.0 * CLASS_WEIGHT] },
        behind Identity;
    8 OneHot<SumOfSquares> = OneHot(SumOfSquares), behind A;
}

macro_rules! optimizers {
    ($($k:literal $is:ty = $start:expr;)*) => { $(
        impl ChosenOptimizer for Choice<$k> {
            type Is = $is;
            const START: $is = $start;
        }
    )* };
}
optimizers! {
    0 Sgd = Sgd::new(LEARNING_RATE);
    1 Momentum = Momentum::new(LEARNING_RATE);
    2 SgdMomentum = SgdMomentum::new(LEARNING_RATE);
    3 Nesterov = Nesterov::new(LEARNING_RATE);
    4 AdaGrad = AdaGrad::new(LEARNING_RATE);
    5 RmsProp = RmsProp::new(LEARNING_RATE);
    6 Adam = Adam::new(LEARNING_RATE);
    7 AdamW = AdamW { weight_decay: WEIGHT_DECAY, ..AdamW::new(LEARNING_RATE) };
    8 WeightDecay<Sgd> = WeightDecay::new(WEIGHT_DECAY, Sgd::new(LEARNING_RATE));
    9 ClipValue<Sgd> = ClipValue::new(CLIP, Sgd::new(LEARNING_RATE));
}

/// The numbers of a slot.
pub trait Values {
    /// All of them.
    fn values(&self) -> impl AsRef<[f32]>;
}

impl Values for () {
    fn values(&self) -> impl AsRef<[f32]> {
        []
    }
}

impl Values for f32 {
    fn values(&self) -> impl AsRef<[f32]> {
        [*self]
    }
}

impl Values for Moments {
    fn values(&self) -> impl AsRef<[f32]> {
        [self.first_moment, self.second_moment]
    }
}
