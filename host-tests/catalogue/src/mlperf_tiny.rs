//! The networks of MLPerf Tiny as types: `github.com/mlcommons/tiny`.

use baregrad::{
    Conv2d, Dense, DepthwiseConv1d, DepthwiseConv2d, Features, Flatten, GlobalAveragePool, Image, Model, Relu,
    Residual, Same, Sequence, Skip, Strided, Valid,
};

/// Of each channel by itself, then of all at each position. `W` says where the windows are.
pub type Separable<const IN: usize, const OUT: usize, W = Same> =
    (DepthwiseConv2d<IN, 3, 3, W, Relu>, Dense<IN, OUT, Relu>);

/// What [`KeywordSpotting`] takes in: 49 moments of 10 coefficients.
pub type Spectrogram = Image<49, 10, 1>;
/// Keyword spotting, DS-CNN: 12 classes, 22,604 parameters.
pub type KeywordSpotting = Model<
    Spectrogram,
    (
        Conv2d<1, 64, 10, 4, Strided<2>, Relu>,
        Separable<64, 64>,
        Separable<64, 64>,
        Separable<64, 64>,
        Separable<64, 64>,
        GlobalAveragePool,
        Dense<64, 12>,
    ),
>;

/// [`Separable`] along time.
pub type Moments<const IN: usize, const OUT: usize, const K: usize> =
    (DepthwiseConv1d<IN, K, Valid>, Dense<IN, OUT, Relu>);
/// Streaming wake word, a DS-CNN along time: 30 moments of 40 filters, 3 classes, 46,883 parameters.
pub type WakeWord = Model<
    Sequence<30, 40>,
    (Moments<40, 128, 3>, Moments<128, 128, 5>, Moments<128, 128, 10>, Moments<128, 32, 15>, Flatten<32>, Dense<32, 3>),
>;

/// The first convolution of a block of [`ResNet8`] and its shortcut have stride 2.
pub type Down<const IN: usize, const OUT: usize> = Residual<
    (Conv2d<IN, OUT, 3, 3, Strided<2>, Relu>, Conv2d<OUT, OUT, 3, 3>),
    Conv2d<IN, OUT, 1, 1, Strided<2>>,
    Relu,
>;
/// Image classification: 77,706 parameters.
pub type ResNet8 = Model<
    Image<32, 32, 3>,
    (
        Conv2d<3, 16, 3, 3, Same, Relu>,
        Residual<(Conv2d<16, 16, 3, 3, Same, Relu>, Conv2d<16, 16, 3, 3>), Skip, Relu>,
        Down<16, 32>,
        Down<32, 64>,
        GlobalAveragePool,
        Dense<64, 10>,
    ),
>;

/// Visual wake words, a person or none: MobileNetV1 with a quarter of its channels, 210,850 parameters.
pub type MobileNet = Model<
    Image<96, 96, 3>,
    (
        Conv2d<3, 8, 3, 3, Strided<2>, Relu>,
        Separable<8, 16>,
        (Separable<16, 32, Strided<2>>, Separable<32, 32>),
        (Separable<32, 64, Strided<2>>, Separable<64, 64>),
        (
            Separable<64, 128, Strided<2>>,
            Separable<128, 128>,
            Separable<128, 128>,
            Separable<128, 128>,
            Separable<128, 128>,
            Separable<128, 128>,
        ),
        (Separable<128, 256, Strided<2>>, Separable<256, 256>),
        GlobalAveragePool,
        Dense<256, 2>,
    ),
>;

type Hidden = Dense<128, 128, Relu>;
/// The half of [`AutoEncoder`] that has few outputs.
pub type Encoder = (Dense<640, 128, Relu>, Hidden, Hidden, Hidden, Dense<128, 8, Relu>);
/// The half of [`AutoEncoder`] that makes all values of them.
pub type Decoder = (Dense<8, 128, Relu>, Hidden, Hidden, Hidden, Dense<128, 640>);
/// Anomaly detection: an autoencoder of five frames of a spectrum, 265,864 parameters.
pub type AutoEncoder = Model<Features<640>, (Encoder, Decoder)>;
