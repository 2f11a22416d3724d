//! Networks with batch normalization from PyTorch and from Keras predict here what they predict there.
//!
//! Oracles: files and outputs of `python/batch_norm_files.py`, the one trained by PyTorch, the other with weights drawn for Keras.

use super::safetensors::{arrays, read};
use baregrad::safetensors::{self, Names};
use baregrad::shape::Image;
use baregrad::{
    BatchNorm, Conv2d, Dense, Flatten, KerasNorm, MaxPool2d, Model, Network, Parameters, Relu, Zero, predict_floats,
};

type Sample = [[[f32; 2]; 4]; 6];
type PyTorch = Model<
    Image<6, 4, 2>,
    (Conv2d<2, 4, 3, 3>, BatchNorm<4, Relu>, MaxPool2d<2>, Flatten<24>, BatchNorm<24>, Dense<24, 5>),
>;
type Hidden<Settings> = (Dense<24, 7>, BatchNorm<7, baregrad::Identity, Settings>, Dense<7, 5>);
type Keras<Settings> = Model<
    Image<6, 4, 2>,
    (Conv2d<2, 4, 3, 3>, BatchNorm<4, Relu, Settings>, MaxPool2d<2>, Flatten<24>, Hidden<Settings>),
>;
/// In the library's order: what is trained, then the statistics.
const KERAS: Names<'_> = Names::Keras(&[
    "sequential/conv2d/kernel",
    "sequential/conv2d/bias",
    "sequential/norm/gamma",
    "sequential/norm/beta",
    "sequential/hidden/kernel",
    "sequential/hidden/bias",
    "sequential/hidden_norm/gamma",
    "sequential/hidden_norm/beta",
    "sequential/dense/kernel",
    "sequential/dense/bias",
    "sequential/norm/moving_mean",
    "sequential/norm/moving_variance",
    "sequential/hidden_norm/moving_mean",
    "sequential/hidden_norm/moving_variance",
]);

/// The largest difference from the outputs of a file, as a share of the largest of them.
fn difference<N: Network<In = Image<6, 4, 2>, Out = baregrad::Features<5>>, const F: usize>(
    network: &N,
    images: &[Sample],
    outputs: &[f32],
) -> f32 {
    let mut memory = [0.0; F];
    assert_eq!((images.len(), outputs.len()), (6, 30));
    let largest = outputs.iter().fold(0.0_f32, |most, output| most.max(output.abs()));
    let mut most = 0.0_f32;
    for (image, expected) in images.iter().zip(outputs.as_chunks::<5>().0) {
        let found = network.predict_in(image, &mut memory).expect("finite");
        most = found.iter().zip(expected).fold(most, |most, (found, expected)| most.max((found - expected).abs()));
    }
    most / largest
}

#[test]
fn a_network_with_batch_norm_of_pytorch_predicts_what_pytorch_does() {
    let expected = arrays("from_python_batch_norm.txt");
    let image = |values: &[f32]| -> Sample {
        let value = |h: usize, w: usize, c: usize| values[(c * 6 + h) * 4 + w];
        std::array::from_fn(|h| std::array::from_fn(|w| std::array::from_fn(|c| value(h, w, c))))
    };
    let images: Vec<Sample> = expected["inputs"].chunks(48).map(image).collect();
    let mut network = PyTorch::ZERO;
    let bytes = read("from_python_batch_norm.safetensors");
    assert_eq!(safetensors::load(&mut network, &Names::SEQUENTIAL, &bytes), Ok(()));
    let found = difference::<_, { predict_floats::<PyTorch>() }>(&network, &images, &expected["outputs"]);
    assert!(found < 1e-5, "{found:e}");
    // Each statistic has a part in it.
    for (index, channels) in [4, 4, 24, 24].into_iter().enumerate() {
        let mut other = network;
        let values = other.state_tensor_mut(index);
        assert_eq!(values.len(), channels);
        values.iter_mut().for_each(|value| *value += 0.1);
        let moved = difference::<_, { predict_floats::<PyTorch>() }>(&other, &images, &expected["outputs"]);
        assert!(moved > 1e-3, "state {index}: {moved:e}");
    }
}

#[test]
fn a_network_with_batch_norm_of_keras_predicts_what_keras_does() {
    let expected = arrays("from_keras_batch_norm.txt");
    let image = |values: &[f32]| -> Sample {
        let value = |h: usize, w: usize, c: usize| values[(h * 4 + w) * 2 + c];
        std::array::from_fn(|h| std::array::from_fn(|w| std::array::from_fn(|c| value(h, w, c))))
    };
    let images: Vec<Sample> = expected["inputs"].chunks(48).map(image).collect();
    let bytes = read("from_keras_batch_norm.safetensors");
    let mut network = Keras::<KerasNorm>::ZERO;
    assert_eq!(safetensors::load(&mut network, &KERAS, &bytes), Ok(()));
    let found = difference::<_, { predict_floats::<Keras<KerasNorm>>() }>(&network, &images, &expected["outputs"]);
    assert!(found < 1e-5, "{found:e}");
    // With PyTorch's ε it is another network.
    let mut other = Keras::<baregrad::layer::PyTorchNorm>::ZERO;
    assert_eq!(safetensors::load(&mut other, &KERAS, &bytes), Ok(()));
    let moved = difference::<_, { predict_floats::<Keras<KerasNorm>>() }>(&other, &images, &expected["outputs"]);
    assert!(moved > 1e-4, "{moved:e}");
}
