//! What the cases of `same_bits.expected` choose from, as types with numbers: the first rows of each table in package `catalogue`.
//!
//! The numbers stand in the names and seeds of committed lines, so nothing is added here; a further row has a case in `further`.

use baregrad::activation::Activation;
use baregrad::optimizer::Optimizer;
use baregrad::state::State;
use baregrad::{
    AdaGrad, Adam, AdamW, BinaryCrossEntropy, ClipValue, CrossEntropy, HalfMeanSquaredError, Huber, Identity,
    LeakyRelu, MeanAbsoluteError, MeanSquaredError, Momentum, Nesterov, OneHot, Relu, RmsProp, Sgd, SgdMomentum,
    Sigmoid, SumOfSquares, Tanh, WeightDecay, WeightedCrossEntropy,
};

use catalogue::losses::{CLASS_WEIGHT, HUBER_DELTA};
use catalogue::optimizers::{CLIP, DECAY, RATE};

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
    type Is: Optimizer<Slot: State> + State + Copy;
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
    0 Sgd = Sgd::new(RATE);
    1 Momentum = Momentum::new(RATE);
    2 SgdMomentum = SgdMomentum::new(RATE);
    3 Nesterov = Nesterov::new(RATE);
    4 AdaGrad = AdaGrad::new(RATE);
    5 RmsProp = RmsProp::new(RATE);
    6 Adam = Adam::new(RATE);
    7 AdamW = AdamW { weight_decay: DECAY, ..AdamW::new(RATE) };
    8 WeightDecay<Sgd> = WeightDecay::new(DECAY, Sgd::new(RATE));
    9 ClipValue<Sgd> = ClipValue::new(CLIP, Sgd::new(RATE));
}
