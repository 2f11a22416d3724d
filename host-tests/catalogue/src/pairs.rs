//! Small networks with the pairs that the larger ones leave out: an optimizer with a window, an activation or the size of a batch, and batch
//! normalization with each of these.

use baregrad::{
    AdamW, BatchNorm, Centered, ClipValue, Conv1d, Dense, DepthwiseConv1d, GlobalAveragePool, GlobalMaxPool,
    HardSigmoid, Identity, LeakyRelu, Lion, Momentum, Nesterov, Relu, Same, Sgd, SgdMomentum, Sigmoid, Strided, Tanh,
    Valid, floats,
};

use crate::networks::Window::{Centered as C, Same as S, Strided as T, Valid as V};
use crate::networks::{Part, Row, Sequences, VisitNetworks, batch_norm, conv, dense, depthwise};
use crate::optimizers::{CLIP, DECAY, RATE};

/// Three convolutions, the first with batch normalization, and a pool.
type Small<First, Norm, Second, Third, Pool> = Sequences<(First, Norm, Second, Third, Pool, Dense<5, 3>)>;

pub(crate) fn on_sequences(to: &mut impl VisitNetworks) {
    let row = |optimizer, batch, parts| Row { name: "pairs", image: [15, 1], channels: 4, parts, optimizer, batch };

    type First = Small<
        DepthwiseConv1d<4, 3, Strided<2>, Identity>,
        BatchNorm<4, HardSigmoid>,
        Conv1d<4, 5, 2, Valid, LeakyRelu>,
        DepthwiseConv1d<5, 3, Centered<2>, Sigmoid>,
        GlobalAveragePool,
    >;
    const FIRST: &[Part] = &[
        depthwise(([3, 1], [2, 1], T), 4, "Identity"),
        batch_norm(4, "HardSigmoid"),
        conv(([2, 1], [1, 1], V), [4, 5], "LeakyRelu"),
        depthwise(([3, 1], [2, 1], C), 5, "Sigmoid"),
        Part::Pool { places: None, is_maximum: false },
        dense(5, 3, "Identity"),
    ];
    let start = AdamW { weight_decay: DECAY, ..AdamW::new(RATE) };
    to.network::<First, _, 3, { floats::<First>() }>(row("AdamW", 3, FIRST), start);

    type Second = Small<
        DepthwiseConv1d<4, 3, Centered<2>, Sigmoid>,
        BatchNorm<4, HardSigmoid>,
        Conv1d<4, 5, 2, Valid, Relu>,
        DepthwiseConv1d<5, 3, Strided<2>, Sigmoid>,
        GlobalMaxPool,
    >;
    const SECOND: &[Part] = &[
        depthwise(([3, 1], [2, 1], C), 4, "Sigmoid"),
        batch_norm(4, "HardSigmoid"),
        conv(([2, 1], [1, 1], V), [4, 5], "Relu"),
        depthwise(([3, 1], [2, 1], T), 5, "Sigmoid"),
        Part::Pool { places: None, is_maximum: true },
        dense(5, 3, "Identity"),
    ];
    let start = Momentum::new(RATE);
    to.network::<Second, _, 3, { floats::<Second>() }>(row("Momentum", 3, SECOND), start);

    type Third = Small<
        DepthwiseConv1d<4, 3, Centered<2>, Tanh>,
        BatchNorm<4, Relu>,
        Conv1d<4, 5, 2, Strided<2>, HardSigmoid>,
        DepthwiseConv1d<5, 3, Same, Tanh>,
        GlobalAveragePool,
    >;
    const THIRD: &[Part] = &[
        depthwise(([3, 1], [2, 1], C), 4, "Tanh"),
        batch_norm(4, "Relu"),
        conv(([2, 1], [2, 1], T), [4, 5], "HardSigmoid"),
        depthwise(([3, 1], [1, 1], S), 5, "Tanh"),
        Part::Pool { places: None, is_maximum: false },
        dense(5, 3, "Identity"),
    ];
    let start = ClipValue::new(CLIP, Sgd::new(RATE));
    to.network::<Third, _, 3, { floats::<Third>() }>(row("ClipValue", 3, THIRD), start);

    type Fourth = Small<
        DepthwiseConv1d<4, 3, Same, Sigmoid>,
        BatchNorm<4, LeakyRelu>,
        Conv1d<4, 5, 2, Same, HardSigmoid>,
        DepthwiseConv1d<5, 3, Centered<2>, Tanh>,
        GlobalMaxPool,
    >;
    const FOURTH: &[Part] = &[
        depthwise(([3, 1], [1, 1], S), 4, "Sigmoid"),
        batch_norm(4, "LeakyRelu"),
        conv(([2, 1], [1, 1], S), [4, 5], "HardSigmoid"),
        depthwise(([3, 1], [2, 1], C), 5, "Tanh"),
        Part::Pool { places: None, is_maximum: true },
        dense(5, 3, "Identity"),
    ];
    let start = Lion { weight_decay: DECAY, ..Lion::new(RATE) };
    to.network::<Fourth, _, 1, { floats::<Fourth>() }>(row("Lion", 1, FOURTH), start);

    type Fifth = Small<
        DepthwiseConv1d<4, 3, Valid, Tanh>,
        BatchNorm<4, HardSigmoid>,
        Conv1d<4, 5, 2, Strided<2>, Sigmoid>,
        DepthwiseConv1d<5, 3, Centered<2>, LeakyRelu>,
        GlobalAveragePool,
    >;
    const FIFTH: &[Part] = &[
        depthwise(([3, 1], [1, 1], V), 4, "Tanh"),
        batch_norm(4, "HardSigmoid"),
        conv(([2, 1], [2, 1], T), [4, 5], "Sigmoid"),
        depthwise(([3, 1], [2, 1], C), 5, "LeakyRelu"),
        Part::Pool { places: None, is_maximum: false },
        dense(5, 3, "Identity"),
    ];
    let start = Nesterov::new(RATE);
    to.network::<Fifth, _, 1, { floats::<Fifth>() }>(row("Nesterov", 1, FIFTH), start);

    type Sixth = Small<
        DepthwiseConv1d<4, 3, Valid, Identity>,
        BatchNorm<4, Relu>,
        Conv1d<4, 5, 2, Valid, Tanh>,
        DepthwiseConv1d<5, 3, Centered<2>, Sigmoid>,
        GlobalMaxPool,
    >;
    const SIXTH: &[Part] = &[
        depthwise(([3, 1], [1, 1], V), 4, "Identity"),
        batch_norm(4, "Relu"),
        conv(([2, 1], [1, 1], V), [4, 5], "Tanh"),
        depthwise(([3, 1], [2, 1], C), 5, "Sigmoid"),
        Part::Pool { places: None, is_maximum: true },
        dense(5, 3, "Identity"),
    ];
    let start = SgdMomentum::new(RATE);
    to.network::<Sixth, _, 1, { floats::<Sixth>() }>(row("SgdMomentum", 1, SIXTH), start);
}
