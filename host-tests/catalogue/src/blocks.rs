//! Networks with residuals and normalization, among them the windows, layers and optimizers that [`networks`](crate::networks) leaves out. A new one is
//! a row in [`each_network_of_blocks`].
//!
//! Together the rows of both and of `pairs` have every pair of two of these: layer, window, activation, optimizer, batch. A test counts them. Layers
//! that are functions of each value have rows in [`activations`](crate::activations).

use baregrad::{
    AdaGrad, Adam, AdamW, AveragePool1d, AveragePool2d, BatchNorm, Centered, ClipValue, Conv1d, Conv2d, Dense,
    DepthwiseConv1d, DepthwiseConv2d, Dropout, Flatten, GlobalAveragePool, GlobalMaxPool, HardSigmoid, Identity,
    LayerNorm, LeakyRelu, Lion, MaxPool1d, MaxPool2d, Momentum, Nesterov, Recompute, Relu, Residual, RmsProp, Same,
    Sgd, SgdMomentum, Sigmoid, Skip, Strided, Tanh, Valid, WeightDecay, floats,
};

use crate::networks::Window::{Centered as C, Same as S, Strided as T, Valid as V};
use crate::networks::{Images, Part, Row, Sequences, VisitNetworks, batch_norm, conv, dense, depthwise, pool};
use crate::optimizers::{CLIP, DECAY, RATE};

const fn norm(channels: usize, activation: &'static str) -> Part {
    Part::LayerNorm { channels, activation }
}

const fn skip(body: &'static [Part], activation: &'static str) -> Part {
    Part::Residual { body, shortcut: None, activation }
}

const fn residual(body: &'static [Part], shortcut: &'static [Part], activation: &'static str) -> Part {
    Part::Residual { body, shortcut: Some(shortcut), activation }
}

const MAXIMUM: Part = Part::Pool { places: None, is_maximum: true };
const MEAN: Part = Part::Pool { places: None, is_maximum: false };

/// All networks with residuals and normalization. Each has a training of its own in `same_bits_more.expected`.
pub fn each_network_of_blocks(to: &mut impl VisitNetworks) {
    on_images(to);
    on_sequences(to);
    norms(to);
    batches(to);
}

/// Layers that see a whole batch, and keep something from step to step.
fn batches(to: &mut impl VisitNetworks) {
    let row = |name, optimizer, batch, parts| Row { name, image: [15, 1], channels: 4, parts, optimizer, batch };

    type Layers = Sequences<(
        MaxPool1d<3>,
        // Other ways to the same bits: what is run again has state.
        Recompute<(Conv1d<4, 9, 3>, BatchNorm<9, Relu>, Dropout<25>)>,
        Conv1d<9, 5, 3, Valid, Sigmoid>,
        BatchNorm<5, Tanh>,
        GlobalAveragePool,
        Dense<5, 3>,
    )>;
    const LAYERS: &[Part] = &[
        pool(([3, 1], [3, 1], V), true),
        conv(([3, 1], [1, 1], S), [4, 9], "Identity"),
        batch_norm(9, "Relu"),
        Part::Dropout { percent: 25 },
        conv(([3, 1], [1, 1], V), [9, 5], "Sigmoid"),
        batch_norm(5, "Tanh"),
        MEAN,
        dense(5, 3, "Identity"),
    ];
    to.network::<Layers, _, 3, { floats::<Layers>() }>(row("batch-norm", "RmsProp", 3, LAYERS), RmsProp::new(RATE));
    to.network::<Layers, _, 1, { floats::<Layers>() }>(row("batch-norm", "AdaGrad", 1, LAYERS), AdaGrad::new(RATE));
}

fn on_images(to: &mut impl VisitNetworks) {
    let row = |name, optimizer, batch, parts| Row { name, image: [6, 5], channels: 2, parts, optimizer, batch };

    type Down = (DepthwiseConv2d<4, 3, 3, Strided<2>, HardSigmoid>, Conv2d<4, 5, 1, 1>);
    type First = Images<(
        Conv2d<2, 4, 3, 3, Same, Relu>,
        Residual<(Conv2d<4, 4, 3, 3, Same, Relu>, Conv2d<4, 4, 3, 3>), Skip, Relu>,
        Residual<Down, Conv2d<4, 5, 1, 1, Strided<2>>, LeakyRelu>,
        LayerNorm<5, Tanh>,
        GlobalAveragePool,
        Dense<5, 3>,
    )>;
    const FIRST: &[Part] = &[
        conv(([3, 3], [1, 1], S), [2, 4], "Relu"),
        skip(&[conv(([3, 3], [1, 1], S), [4, 4], "Relu"), conv(([3, 3], [1, 1], S), [4, 4], "Identity")], "Relu"),
        residual(
            &[depthwise(([3, 3], [2, 2], T), 4, "HardSigmoid"), conv(([1, 1], [1, 1], S), [4, 5], "Identity")],
            &[conv(([1, 1], [2, 2], T), [4, 5], "Identity")],
            "LeakyRelu",
        ),
        norm(5, "Tanh"),
        MEAN,
        dense(5, 3, "Identity"),
    ];
    let start = AdamW { weight_decay: DECAY, ..AdamW::new(RATE) };
    to.network::<First, _, 1, { floats::<First>() }>(row("resnet", "AdamW", 1, FIRST), start);

    type Second = Images<(
        DepthwiseConv2d<2, 3, 3, Centered<2>, Relu>,
        LayerNorm<2>,
        Residual<(Dense<2, 4, HardSigmoid>, Conv2d<4, 4, 3, 3>), Dense<2, 4>, Tanh>,
        AveragePool2d<3, 3, Centered<2>>,
        Flatten<16>,
        Dense<16, 3>,
    )>;
    const SECOND: &[Part] = &[
        depthwise(([3, 3], [2, 2], C), 2, "Relu"),
        norm(2, "Identity"),
        residual(
            &[dense(2, 4, "HardSigmoid"), conv(([3, 3], [1, 1], S), [4, 4], "Identity")],
            &[dense(2, 4, "Identity")],
            "Tanh",
        ),
        pool(([3, 3], [2, 2], C), false),
        Part::Flatten,
        dense(16, 3, "Identity"),
    ];
    let start = RmsProp::new(RATE);
    to.network::<Second, _, 1, { floats::<Second>() }>(row("residual-centered", "RmsProp", 1, SECOND), start);

    type Third = Images<(
        MaxPool2d<2, 2, Same>,
        Conv2d<2, 3, 2, 2, Valid>,
        LayerNorm<3, Relu>,
        DepthwiseConv2d<3, 3, 3>,
        Residual<(LayerNorm<3, Sigmoid>, Dense<3, 3>)>,
        AveragePool2d<2, 2, Strided<2>>,
        Flatten<18>,
        Dense<18, 3>,
    )>;
    const THIRD: &[Part] = &[
        pool(([2, 2], [1, 1], S), true),
        conv(([2, 2], [1, 1], V), [2, 3], "Identity"),
        norm(3, "Relu"),
        depthwise(([3, 3], [1, 1], S), 3, "Identity"),
        skip(&[norm(3, "Sigmoid"), dense(3, 3, "Identity")], "Identity"),
        pool(([2, 2], [2, 2], T), false),
        Part::Flatten,
        dense(18, 3, "Identity"),
    ];
    let start = Nesterov::new(RATE);
    to.network::<Third, _, 3, { floats::<Third>() }>(row("residual-of-a-norm", "Nesterov", 3, THIRD), start);

    type Pooled = (MaxPool2d<3, 3, Strided<2>>, Dense<3, 4>);
    type Fourth = Images<(
        Conv2d<2, 3, 3, 3, Same, Sigmoid>,
        Residual<Pooled, (AveragePool2d<2, 2, Strided<2>>, Dense<3, 4>), HardSigmoid>,
        DepthwiseConv2d<4, 2, 2, Valid, LeakyRelu>,
        LayerNorm<4, LeakyRelu>,
        Flatten<16>,
        Dense<16, 3>,
    )>;
    const FOURTH: &[Part] = &[
        conv(([3, 3], [1, 1], S), [2, 3], "Sigmoid"),
        residual(
            &[pool(([3, 3], [2, 2], T), true), dense(3, 4, "Identity")],
            &[pool(([2, 2], [2, 2], T), false), dense(3, 4, "Identity")],
            "HardSigmoid",
        ),
        depthwise(([2, 2], [1, 1], V), 4, "LeakyRelu"),
        norm(4, "LeakyRelu"),
        Part::Flatten,
        dense(16, 3, "Identity"),
    ];
    let start = ClipValue::new(CLIP, Sgd::new(RATE));
    to.network::<Fourth, _, 1, { floats::<Fourth>() }>(row("residual-of-pools", "ClipValue", 1, FOURTH), start);

    type Inner = Residual<DepthwiseConv2d<2, 3, 3>, Skip, Tanh>;
    type Fifth = Images<(
        LayerNorm<2, LeakyRelu>,
        Residual<
            (Inner, Conv2d<2, 3, 3, 3, Centered<2>>),
            (LayerNorm<2, HardSigmoid>, Conv2d<2, 3, 1, 1, Strided<2>>),
            Sigmoid,
        >,
        MaxPool2d<2, 2, Valid<1>>,
        Flatten<12>,
        Dense<12, 3>,
    )>;
    const FIFTH: &[Part] = &[
        norm(2, "LeakyRelu"),
        residual(
            &[
                skip(&[depthwise(([3, 3], [1, 1], S), 2, "Identity")], "Tanh"),
                conv(([3, 3], [2, 2], C), [2, 3], "Identity"),
            ],
            &[norm(2, "HardSigmoid"), conv(([1, 1], [2, 2], T), [2, 3], "Identity")],
            "Sigmoid",
        ),
        pool(([2, 2], [1, 1], V), true),
        Part::Flatten,
        dense(12, 3, "Identity"),
    ];
    let start = AdaGrad::new(RATE);
    to.network::<Fifth, _, 3, { floats::<Fifth>() }>(row("residual-in-residual", "AdaGrad", 3, FIFTH), start);
}

fn on_sequences(to: &mut impl VisitNetworks) {
    let row = |name, optimizer, batch, parts| Row { name, image: [15, 1], channels: 4, parts, optimizer, batch };

    type First = Sequences<(
        Conv1d<4, 5, 5, Centered<2>, LeakyRelu>,
        DepthwiseConv1d<5, 3, Valid, Tanh>,
        MaxPool1d<3, Same>,
        Residual<Conv1d<5, 5, 3>, Skip, Relu>,
        LayerNorm<5, Sigmoid>,
        GlobalAveragePool,
        Dense<5, 3>,
    )>;
    const FIRST: &[Part] = &[
        conv(([5, 1], [2, 1], C), [4, 5], "LeakyRelu"),
        depthwise(([3, 1], [1, 1], V), 5, "Tanh"),
        pool(([3, 1], [1, 1], S), true),
        skip(&[conv(([3, 1], [1, 1], S), [5, 5], "Identity")], "Relu"),
        norm(5, "Sigmoid"),
        MEAN,
        dense(5, 3, "Identity"),
    ];
    let start = WeightDecay::new(DECAY, Sgd::new(RATE));
    to.network::<First, _, 1, { floats::<First>() }>(row("resnet-along", "WeightDecay", 1, FIRST), start);

    type Second = Sequences<(
        DepthwiseConv1d<4, 4, Strided<2>, LeakyRelu>,
        Conv1d<4, 4, 3, Same, Relu>,
        LayerNorm<4, HardSigmoid>,
        MaxPool1d<3, Strided<2>>,
        Residual<(Dense<4, 6, Relu>, Dense<6, 4>), Skip, HardSigmoid>,
        AveragePool1d<2, Same>,
        Flatten<16>,
        Dense<16, 3>,
    )>;
    const SECOND: &[Part] = &[
        depthwise(([4, 1], [2, 1], T), 4, "LeakyRelu"),
        conv(([3, 1], [1, 1], S), [4, 4], "Relu"),
        norm(4, "HardSigmoid"),
        pool(([3, 1], [2, 1], T), true),
        skip(&[dense(4, 6, "Relu"), dense(6, 4, "Identity")], "HardSigmoid"),
        pool(([2, 1], [1, 1], S), false),
        Part::Flatten,
        dense(16, 3, "Identity"),
    ];
    let start = SgdMomentum::new(RATE);
    to.network::<Second, _, 3, { floats::<Second>() }>(row("residual-along", "SgdMomentum", 3, SECOND), start);

    type Third = Sequences<(
        MaxPool1d<3, Centered<2>>,
        DepthwiseConv1d<4, 3, Valid, HardSigmoid>,
        LayerNorm<4, Relu>,
        Conv1d<4, 6, 3, Strided<2>, Relu>,
        AveragePool1d<2>,
        Flatten<6>,
        Dense<6, 3>,
    )>;
    const THIRD: &[Part] = &[
        pool(([3, 1], [2, 1], C), true),
        depthwise(([3, 1], [1, 1], V), 4, "HardSigmoid"),
        norm(4, "Relu"),
        conv(([3, 1], [2, 1], T), [4, 6], "Relu"),
        pool(([2, 1], [2, 1], V), false),
        Part::Flatten,
        dense(6, 3, "Identity"),
    ];
    let start = Lion { weight_decay: DECAY, ..Lion::new(RATE) };
    to.network::<Third, _, 3, { floats::<Third>() }>(row("norm-along", "Lion", 3, THIRD), start);
}

/// Small ones, for the optimizers that the others have without normalization.
fn norms(to: &mut impl VisitNetworks) {
    let row = |name, optimizer, batch, parts| Row { name, image: [15, 1], channels: 4, parts, optimizer, batch };

    type First = Sequences<(
        LayerNorm<4, Tanh>,
        AveragePool1d<3, Centered<2>>,
        Conv1d<4, 5, 2, Same, LeakyRelu>,
        Residual<LayerNorm<5>, Skip, Sigmoid>,
        GlobalMaxPool,
        Dense<5, 3>,
    )>;
    const FIRST: &[Part] = &[
        norm(4, "Tanh"),
        pool(([3, 1], [2, 1], C), false),
        conv(([2, 1], [1, 1], S), [4, 5], "LeakyRelu"),
        skip(&[norm(5, "Identity")], "Sigmoid"),
        MAXIMUM,
        dense(5, 3, "Identity"),
    ];
    to.network::<First, _, 1, { floats::<First>() }>(row("norm", "Momentum", 1, FIRST), Momentum::new(RATE));

    type Second = Sequences<(
        LayerNorm<4, LeakyRelu>,
        AveragePool1d<3, Same>,
        Conv1d<4, 6, 2, Strided<2>, HardSigmoid>,
        BatchNorm<6>,
        GlobalMaxPool,
        Dense<6, 5, LeakyRelu>,
        Dense<5, 3>,
    )>;
    const SECOND: &[Part] = &[
        norm(4, "LeakyRelu"),
        pool(([3, 1], [1, 1], S), false),
        conv(([2, 1], [2, 1], T), [4, 6], "HardSigmoid"),
        batch_norm(6, "Identity"),
        MAXIMUM,
        dense(6, 5, "LeakyRelu"),
        dense(5, 3, "Identity"),
    ];
    to.network::<Second, _, 1, { floats::<Second>() }>(row("norm", "Adam", 1, SECOND), Adam::new(RATE));

    type Third = Sequences<(
        Dense<4, 6, Sigmoid>,
        LayerNorm<6, Identity>,
        BatchNorm<6, HardSigmoid>,
        MaxPool1d<2, Strided<2>>,
        GlobalMaxPool,
        Dense<6, 3>,
    )>;
    const THIRD: &[Part] = &[
        dense(4, 6, "Sigmoid"),
        norm(6, "Identity"),
        batch_norm(6, "HardSigmoid"),
        pool(([2, 1], [2, 1], T), true),
        MAXIMUM,
        dense(6, 3, "Identity"),
    ];
    to.network::<Third, _, 3, { floats::<Third>() }>(row("norm", "Sgd", 3, THIRD), Sgd::new(RATE));
}
