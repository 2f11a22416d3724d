//! Residuals of convolutions: ResNet-8 of MLPerf Tiny.

use baregrad::{
    Conv2d, Dense, GlobalAveragePool, Image, Model, Parameters, Relu, Residual, Same, Skip, floats, predict_floats,
};
use host_tests::mlperf_tiny::{Down, ResNet8};

use crate::common::training::assert_slices_are_the_step;

/// The same in small.
type Small = Model<
    Image<8, 8, 2>,
    (
        Conv2d<2, 3, 3, 3, Same, Relu>,
        Residual<(Conv2d<3, 3, 3, 3, Same, Relu>, Conv2d<3, 3, 3, 3>), Skip, Relu>,
        Down<3, 4>,
        Down<4, 6>,
        GlobalAveragePool,
        Dense<6, 2>,
    ),
>;

#[test]
fn a_small_resnet_trains_in_slices() {
    assert_slices_are_the_step::<Small, { floats::<Small>() }>(33);
}

/// Three planes of 32 × 32 × 16 in a prediction: input, output, and what is between the two convolutions. In training the outputs, and at the second
/// residual the gradient of its input and that of its body's last layer.
#[test]
fn resnet_8_takes_the_memory_that_is_planned() {
    const { assert!(<ResNet8 as Parameters>::PARAMETERS == 77_706) };
    const { assert!(4 * predict_floats::<ResNet8>() == 196_608) };
    const { assert!(4 * floats::<ResNet8>() == 360_488) };
}
