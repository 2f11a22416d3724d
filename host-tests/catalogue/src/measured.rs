//! Further networks whose steps are counted on the microcontroller, and which tests train.

use baregrad::{
    Conv1d, Conv2d, Dense, Flatten, GlobalAveragePool, Image, MaxPool2d, Model, PooledConv2d, Relu, Sequence, Strided,
    Valid,
};

/// Two convolutions of 3 × 3 inside the image, each with a pool, and a dense layer of `FEATURES` inputs.
pub type Convolutional<const FEATURES: usize> = (
    Conv2d<1, 8, 3, 3, Valid, Relu>,
    MaxPool2d<2>,
    Conv2d<8, 16, 3, 3, Valid, Relu>,
    MaxPool2d<2>,
    Flatten<FEATURES>,
    Dense<FEATURES, 10>,
);
/// Digits of 28 × 28 pixels: 5,258 parameters.
pub type Mnist = Model<Image<28, 28, 1>, Convolutional<400>>;
/// [`Mnist`] with each convolution and its pool in one layer.
pub type MnistPooled =
    Model<Image<28, 28, 1>, (PooledConv2d<1, 8, 3, 3>, PooledConv2d<8, 16, 3, 3>, Flatten<400>, Dense<400, 10>)>;

/// Three sensors at 128 moments, and convolutions along them: 1,670 parameters.
pub type Recording = Model<
    Sequence<128, 3>,
    (Conv1d<3, 16, 5, Strided<2>, Relu>, Conv1d<16, 16, 5, Strided<2>, Relu>, GlobalAveragePool, Dense<16, 6>),
>;
