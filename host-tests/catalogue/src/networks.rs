//! Networks on images and sequences: convolutions and pools, each with several of the windows, some with batch normalization. A new one is a row in
//! [`each_network`], or beside, in [`blocks`](crate::blocks), if it has residuals or `LayerNorm`.

use baregrad::shape::{Features, Image, Sequence};
use baregrad::{
    Adam, AveragePool1d, AveragePool2d, BatchNorm, Centered, Conv1d, Conv2d, Dense, DepthwiseConv1d, DepthwiseConv2d,
    Flatten, GlobalAveragePool, GlobalMaxPool, HardSigmoid, Identity, LeakyRelu, MaxPool1d, MaxPool2d, Model, Momentum,
    Network, PooledConv2d, Relu, Residual, RmsProp, Same, Sgd, Sigmoid, Strided, Tanh, Valid, WeightDecay, floats,
};

use crate::optimizers::{DECAY, RATE, SavedRule};

/// Where a kernel is put, as the docs of the library's windows say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// `size` places, `(k - 1)/2` positions over the edge in front.
    Same,
    /// `⌈size/stride⌉` places, padding shared out with the odd one behind.
    Strided,
    /// `(size + 2·(k/2) - k)/stride + 1` places, `k/2` positions over the edge in front.
    Centered,
    /// `(size - k)/stride + 1` places, none over the edge.
    Valid,
}

/// Rows and columns.
pub type Size = [usize; 2];

/// A layer as a formula needs it. `kernel`, `stride` and the image say where it looks.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// A convolution; a dense layer is one with a kernel of 1 × 1.
    Convolution {
        /// Kernel, stride, window.
        places: (Size, Size, Window),
        /// Channels in and out.
        channels: Size,
        /// Whether each channel has a kernel of its own.
        is_depthwise: bool,
        /// Name of the activation's type.
        activation: &'static str,
    },
    /// A convolution by windows inside only and a max pool, as one layer.
    PooledConvolution {
        /// Rows and columns of the kernel.
        kernel: Size,
        /// Those of a window of the pool.
        pool: Size,
        /// Channels in and out.
        channels: Size,
        /// Name of the activation's type.
        activation: &'static str,
    },
    /// A pool.
    Pool {
        /// Kernel, stride, window; `None`: all positions.
        places: Option<(Size, Size, Window)>,
        /// Whether it is a maximum, or the mean.
        is_maximum: bool,
    },
    /// From here on a sample has one position.
    Flatten,
    /// Each position by its own mean and variance.
    LayerNorm {
        /// Channels in and out.
        channels: usize,
        /// Name of the activation's type.
        activation: &'static str,
    },
    /// Each channel by its mean and variance over a batch.
    BatchNorm {
        /// Channels in and out.
        channels: usize,
        /// Name of the activation's type.
        activation: &'static str,
    },
    /// So many percent of the values are 0 in training.
    Dropout {
        /// How many.
        percent: u32,
    },
    /// Two branches, added.
    Residual {
        /// The layers of the body.
        body: &'static [Self],
        /// Those of the shortcut; `None`: the input itself.
        shortcut: Option<&'static [Self]>,
        /// Name of the activation's type.
        activation: &'static str,
    },
}

/// What a row says besides its types.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name in `same_bits_more.expected`.
    pub name: &'static str,
    /// The image: rows and columns.
    pub image: Size,
    /// Channels of the image.
    pub channels: usize,
    /// The layers from the input on.
    pub parts: &'static [Part],
    /// Name of the optimizer's type.
    pub optimizer: &'static str,
    /// Samples in a batch.
    pub batch: usize,
}

/// Classes of the output.
pub const CLASSES: usize = 3;
/// An image of any row has at most so many values.
pub const MOST_VALUES: usize = 6 * 5 * 2;

/// What is done with each row.
pub trait VisitNetworks {
    /// A row: the type of the network, the optimizer before its first step.
    fn network<N, O, const B: usize, const FLOATS: usize>(&mut self, row: Row, start: O)
    where
        N: Network<Out = Features<CLASSES>, Activation = Identity>,
        O: SavedRule;
}

/// A convolution.
pub const fn conv(places: (Size, Size, Window), channels: Size, activation: &'static str) -> Part {
    Part::Convolution { places, channels, is_depthwise: false, activation }
}

/// A convolution of each channel by itself.
pub const fn depthwise(places: (Size, Size, Window), channels: usize, activation: &'static str) -> Part {
    Part::Convolution { places, channels: [channels; 2], is_depthwise: true, activation }
}

/// A dense layer on each position.
pub const fn dense(inputs: usize, outputs: usize, activation: &'static str) -> Part {
    conv(([1, 1], [1, 1], Window::Same), [inputs, outputs], activation)
}

/// Batch normalization.
pub const fn batch_norm(channels: usize, activation: &'static str) -> Part {
    Part::BatchNorm { channels, activation }
}

/// A pool.
pub const fn pool(places: (Size, Size, Window), is_maximum: bool) -> Part {
    Part::Pool { places: Some(places), is_maximum }
}

/// All networks. Each has a training of its own in `same_bits_more.expected`.
pub fn each_network(to: &mut impl VisitNetworks) {
    on_images(to);
    pooled_on_images(to);
    on_sequences(to);
    crate::pairs::on_sequences(to);
}

pub(crate) type Images<L> = Model<Image<6, 5, 2>, L>;

fn on_images(to: &mut impl VisitNetworks) {
    use Window::{Centered as C, Same as S, Strided as T, Valid as V};
    let row = |name, optimizer, batch, parts| Row { name, image: [6, 5], channels: 2, parts, optimizer, batch };

    type First = Images<(Conv2d<2, 4, 3, 3, Same, Relu>, MaxPool2d<2>, Flatten<24>, Dense<24, 3>)>;
    const FIRST: &[Part] = &[
        conv(([3, 3], [1, 1], S), [2, 4], "Relu"),
        pool(([2, 2], [2, 2], V), true),
        Part::Flatten,
        dense(24, 3, "Identity"),
    ];
    to.network::<First, _, 3, { floats::<First>() }>(row("conv-same", "Adam", 3, FIRST), Adam::new(RATE));

    type Second = Images<(
        Conv2d<2, 5, 3, 2, Strided<2>, Relu>,
        DepthwiseConv2d<5, 3, 3, Same, LeakyRelu>,
        AveragePool2d<2, 2, Same>,
        GlobalMaxPool,
        Dense<5, 3>,
    )>;
    const SECOND: &[Part] = &[
        conv(([3, 2], [2, 2], T), [2, 5], "Relu"),
        depthwise(([3, 3], [1, 1], S), 5, "LeakyRelu"),
        pool(([2, 2], [1, 1], S), false),
        Part::Pool { places: None, is_maximum: true },
        dense(5, 3, "Identity"),
    ];
    to.network::<Second, _, 1, { floats::<Second>() }>(row("conv-strided", "Sgd", 1, SECOND), Sgd::new(RATE));

    type Third = Images<(
        DepthwiseConv2d<2, 2, 2, Valid, Sigmoid>,
        Dense<2, 3, Tanh>,
        Conv2d<3, 9, 3, 3, Centered<2>, HardSigmoid>,
        MaxPool2d<3, 3, Strided<2>>,
        Flatten<18>,
        Dense<18, 3>,
    )>;
    const THIRD: &[Part] = &[
        depthwise(([2, 2], [1, 1], V), 2, "Sigmoid"),
        dense(2, 3, "Tanh"),
        conv(([3, 3], [2, 2], C), [3, 9], "HardSigmoid"),
        pool(([3, 3], [2, 2], T), true),
        Part::Flatten,
        dense(18, 3, "Identity"),
    ];
    to.network::<Third, _, 3, { floats::<Third>() }>(row("depthwise-valid", "Adam", 3, THIRD), Adam::new(RATE));

    type Fourth = Images<(
        MaxPool2d<3, 3, Centered<1>>,
        Conv2d<2, 3, 2, 3, Valid<2, 1>, LeakyRelu>,
        DepthwiseConv2d<3, 3, 3, Strided<2, 1>, Tanh>,
        AveragePool2d<2, 3, Valid<1>>,
        Flatten<3>,
        Dense<3, 3>,
    )>;
    const FOURTH: &[Part] = &[
        pool(([3, 3], [1, 1], C), true),
        conv(([2, 3], [2, 1], V), [2, 3], "LeakyRelu"),
        depthwise(([3, 3], [2, 1], T), 3, "Tanh"),
        pool(([2, 3], [1, 1], V), false),
        Part::Flatten,
        dense(3, 3, "Identity"),
    ];
    to.network::<Fourth, _, 1, { floats::<Fourth>() }>(row("conv-valid", "RmsProp", 1, FOURTH), RmsProp::new(RATE));
}

/// [`PooledConv2d`] with windows of all sizes, and in both branches of a residual, of which one adds its gradient to that of the other.
fn pooled_on_images(to: &mut impl VisitNetworks) {
    const fn pooled(kernel: Size, pool: Size, channels: Size, activation: &'static str) -> Part {
        Part::PooledConvolution { kernel, pool, channels, activation }
    }
    let row = |name, optimizer, batch, parts| Row { name, image: [6, 5], channels: 2, parts, optimizer, batch };

    type First = Images<(PooledConv2d<2, 3, 2, 2, 2, 1>, PooledConv2d<3, 5, 1, 2, 1, 3>, Flatten<10>, Dense<10, 3>)>;
    const FIRST: &[Part] = &[
        pooled([2, 2], [2, 1], [2, 3], "Relu"),
        pooled([1, 2], [1, 3], [3, 5], "Relu"),
        Part::Flatten,
        dense(10, 3, "Identity"),
    ];
    to.network::<First, _, 1, { floats::<First>() }>(row("conv-pooled", "Adam", 1, FIRST), Adam::new(RATE));

    type Branch<const KH: usize> = PooledConv2d<2, 5, KH, 2, 2, 2, Identity>;
    type Second = Images<(Dense<2, 2, Tanh>, Residual<Branch<2>, Branch<3>, Relu>, Flatten<20>, Dense<20, 3>)>;
    const SECOND: &[Part] = &[
        dense(2, 2, "Tanh"),
        Part::Residual {
            body: &[pooled([2, 2], [2, 2], [2, 5], "Identity")],
            shortcut: Some(&[pooled([3, 2], [2, 2], [2, 5], "Identity")]),
            activation: "Relu",
        },
        Part::Flatten,
        dense(20, 3, "Identity"),
    ];
    to.network::<Second, _, 3, { floats::<Second>() }>(
        row("conv-pooled-branches", "Momentum", 3, SECOND),
        Momentum::new(RATE),
    );
}

pub(crate) type Sequences<L> = Model<Sequence<15, 4>, L>;

fn on_sequences(to: &mut impl VisitNetworks) {
    use Window::{Centered as C, Same as S, Strided as T, Valid as V};
    let row = |name, optimizer, batch, parts| Row { name, image: [15, 1], channels: 4, parts, optimizer, batch };

    type First = Sequences<(
        Conv1d<4, 6, 3, Same, Relu>,
        BatchNorm<6>,
        MaxPool1d<2>,
        Conv1d<6, 5, 4, Strided<2>, HardSigmoid>,
        GlobalAveragePool,
        Dense<5, 3>,
    )>;
    const FIRST: &[Part] = &[
        conv(([3, 1], [1, 1], S), [4, 6], "Relu"),
        batch_norm(6, "Identity"),
        pool(([2, 1], [2, 1], V), true),
        conv(([4, 1], [2, 1], T), [6, 5], "HardSigmoid"),
        Part::Pool { places: None, is_maximum: false },
        dense(5, 3, "Identity"),
    ];
    let start = WeightDecay::new(DECAY, Sgd::new(RATE));
    to.network::<First, _, 3, { floats::<First>() }>(row("conv-along", "WeightDecay", 3, FIRST), start);

    type Second = Sequences<(
        DepthwiseConv1d<4, 5, Centered<3>, Sigmoid>,
        BatchNorm<4, Sigmoid>,
        Conv1d<4, 3, 2, Valid, Tanh>,
        AveragePool1d<3, Strided<2>>,
        Flatten<6>,
        Dense<6, 3>,
    )>;
    const SECOND: &[Part] = &[
        depthwise(([5, 1], [3, 1], C), 4, "Sigmoid"),
        batch_norm(4, "Sigmoid"),
        conv(([2, 1], [1, 1], V), [4, 3], "Tanh"),
        pool(([3, 1], [2, 1], T), false),
        Part::Flatten,
        dense(6, 3, "Identity"),
    ];
    to.network::<Second, _, 1, { floats::<Second>() }>(row("depthwise-along", "Sgd", 1, SECOND), Sgd::new(RATE));
}
