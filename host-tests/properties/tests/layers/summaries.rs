//! The summaries of networks with layers of all kinds.

use baregrad::shape::{Image, Sequence};
use baregrad::{
    AveragePool2d, BatchNorm, Conv1d, Conv2d, Dense, DepthwiseConv1d, DepthwiseConv2d, Dropout, Flatten, GlobalMaxPool,
    LayerNorm, LeakyRelu, MaxPool1d, MaxPool2d, Model, Network, Recompute, Relu, Residual, Same, Skip, Strided, Tanh,
};

#[test]
fn the_summary_names_every_layer_on_images() {
    type Body = (DepthwiseConv2d<4, 3, 3>, BatchNorm<4, Relu>, Conv2d<4, 4, 1, 1>);
    type Net = Model<
        Image<6, 4, 2>,
        (
            Recompute<(Conv2d<2, 4, 3, 3, Same, Relu>, MaxPool2d<2>)>,
            Residual<Body, Skip, Relu>,
            LayerNorm<4, Tanh>,
            Dropout<25>,
            AveragePool2d<2, 2, Same>,
            Flatten<24>,
            Dense<24, 3>,
        ),
    >;
    let expected = "\
layer                in     out  activation   parameters
Conv2d               48      96  ReLU                 76
MaxPool              96      24  identity              0
DepthwiseConv2d      24      24  identity             40
BatchNorm            24      24  ReLU                  8
Conv2d               24      24  identity             20
Residual             24      24  ReLU                  0
LayerNorm            24      24  tanh                  8
Dropout              24      24  identity              0
AveragePool          24      24  identity              0
Flatten              24      24  identity              0
Dense                24       3  identity             75
227 parameters and 10 values of state, 948 bytes";
    assert_eq!(Net::summary().to_string(), expected);
}

#[test]
fn the_summary_names_every_layer_on_sequences() {
    type Body = (Conv1d<3, 5, 3, Strided<2>>, BatchNorm<5>);
    type Net = Model<
        Sequence<8, 3>,
        (
            Residual<Body, Conv1d<3, 5, 1, Strided<2>>, LeakyRelu>,
            DepthwiseConv1d<5, 3, Same, Relu>,
            MaxPool1d<2>,
            GlobalMaxPool,
            Dropout<50>,
            Dense<5, 2>,
        ),
    >;
    let expected = "\
layer                in     out  activation   parameters
Conv1d               24      20  identity             50
BatchNorm            20      20  identity             10
Conv1d               24      20  identity             20
Residual             24      20  leaky ReLU            0
DepthwiseConv1d      20      20  ReLU                 20
MaxPool              20      10  identity              0
GlobalMaxPool        10       5  identity              0
Dropout               5       5  identity              0
Dense                 5       2  identity             12
112 parameters and 12 values of state, 496 bytes";
    assert_eq!(Net::summary().to_string(), expected);
}
