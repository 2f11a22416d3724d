//! Whole convolutional networks in `.safetensors` files: PyTorch and the library predict the same from the same weights.
//!
//! Oracles: a file and outputs that PyTorch wrote (`python/safetensors_files.py`, which has also read what the library writes here), and plain
//! loops over channels first, by numbers whose sums have no rounding.

use super::safetensors::{arrays, assert_golden, read};
use super::safetensors_layouts::{counted, saved};
use crate::common::{bits, parameters};
use baregrad::safetensors::{self, Names};
use baregrad::shape::Image;
use baregrad::{
    Conv2d, CrossEntropy, Dataset, Dense, DepthwiseConv2d, Flatten, MaxPool2d, Model, Network, Relu, Same, Sgd,
    Trainer, Valid, Zero, floats, predict_floats,
};

/// What `convolutional()` of `safetensors_files.py` is.
type Convolutional = Model<
    Image<6, 4, 2>,
    (Conv2d<2, 4, 3, 3, Same, Relu>, MaxPool2d<2>, DepthwiseConv2d<4, 3, 3>, Dense<4, 3>, Flatten<18>, Dense<18, 5>),
>;
type Sample = [[[f32; 2]; 4]; 6];

/// PyTorch's images, channels last.
fn images(channels_first: &[f32]) -> Vec<Sample> {
    let channels_last = |image: &[f32]| {
        let value = |h: usize, w: usize, c: usize| image[(c * 6 + h) * 4 + w];
        std::array::from_fn(|h| std::array::from_fn(|w| std::array::from_fn(|c| value(h, w, c))))
    };
    channels_first.chunks(48).map(channels_last).collect()
}

fn predict(network: &Convolutional, sample: &Sample) -> [f32; 5] {
    let mut memory = [0.0; predict_floats::<Convolutional>()];
    *network.predict_in(sample, &mut memory).expect("finite")
}

#[test]
fn a_convolutional_network_of_pytorch_predicts_what_pytorch_does() {
    let expected = arrays("from_python_convolutional.txt");
    let mut network = Convolutional::ZERO;
    let bytes = read("from_python_convolutional.safetensors");
    assert_eq!(safetensors::load(&mut network, &Names::SEQUENTIAL, &bytes), Ok(()));
    let outputs = expected["outputs"].as_chunks::<5>().0;
    for (image, expected) in images(&expected["inputs"]).iter().zip(outputs) {
        for (ours, theirs) in predict(&network, image).iter().zip(expected) {
            assert!((ours - theirs).abs() <= 1e-6, "{ours} for {theirs}");
        }
    }
    assert_eq!(outputs.len(), 6);
}

#[test]
fn a_convolutional_network_from_pytorch_learns_and_its_file_is_the_one_that_pytorch_has_read() {
    let expected = arrays("from_python_convolutional.txt");
    let (samples, labels) = (images(&expected["inputs"]), [0_u8, 1, 2, 3, 4, 0]);
    let mut trainer = Trainer::<Convolutional, Sgd, 6, { floats::<Convolutional>() }>::NEW;
    let bytes = read("from_python_convolutional.safetensors");
    assert_eq!(safetensors::load(&mut trainer.network, &Names::SEQUENTIAL, &bytes), Ok(()));
    let data = Dataset::new(&samples, &labels).expect("as many labels");
    let losses: Vec<f32> =
        (0..40).map(|_| trainer.step(&data, CrossEntropy, &mut Sgd::new(0.1)).expect("sound")).collect();
    assert!(losses[39] < 0.8 * losses[0], "{losses:?}");

    assert_golden("to_python_convolutional.safetensors", &saved(&trainer.network, &Names::SEQUENTIAL));
    let text = |values: &[f32]| values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ");
    let outputs: Vec<f32> = samples.iter().flat_map(|sample| predict(&trainer.network, sample)).collect();
    let lines = format!("inputs 6 2 6 4: {}\noutputs 6 5: {}\n", text(&expected["inputs"]), text(&outputs));
    assert_golden("to_python_convolutional.txt", lines.as_bytes());
}

/// `Sequential(Conv2d(2, 3, 2), ReLU(), MaxPool2d(2), Flatten(), Linear(12, 2))`.
type Whole = Model<Image<5, 5, 2>, (Conv2d<2, 3, 2, 2, Valid, Relu>, MaxPool2d<2>, Flatten<12>, Dense<12, 2>)>;

/// Whole numbers between -4 and 4: sums of them have no rounding, so their order does not matter.
fn small(index: usize) -> f32 {
    (index * 7 % 9) as f32 - 4.0
}

/// What PyTorch does with numbers that lie as in its files, channels first.
fn channels_first(
    kernel: &[f32],
    kernel_bias: &[f32],
    linear: &[f32],
    bias: &[f32],
    x: &[[[f32; 5]; 5]; 2],
) -> Vec<f32> {
    let mut maps = [[[0.0_f32; 4]; 4]; 3];
    for (o, r, c) in (0..48).map(|k| (k / 16, k / 4 % 4, k % 4)) {
        let mut sum = kernel_bias[o];
        for (i, h, w) in (0..8).map(|k| (k / 4, k / 2 % 2, k % 2)) {
            sum += x[i][r + h][c + w] * kernel[((o * 2 + i) * 2 + h) * 2 + w];
        }
        maps[o][r][c] = sum.max(0.0);
    }
    let mut features = Vec::new();
    for (o, r, c) in (0..12).map(|k| (k / 4, k / 2 % 2, k % 2)) {
        let window = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(h, w)| maps[o][2 * r + h][2 * c + w]);
        features.push(window.into_iter().fold(0.0, f32::max));
    }
    let output = |o: usize| bias[o] + (0..12).map(|k| features[k] * linear[o * 12 + k]).sum::<f32>();
    vec![output(0), output(1)]
}

#[test]
fn a_network_of_pytorch_predicts_what_channels_first_give() {
    let shapes = [("0.weight", &[3, 2, 2, 2][..]), ("0.bias", &[3]), ("4.weight", &[2, 12]), ("4.bias", &[2])];
    // The file by hand with other numbers.
    let mut bytes = counted(&shapes);
    let start = bytes.len() - 4 * 53;
    let numbers: Vec<f32> = (0..53).map(small).collect();
    for (place, number) in bytes[start..].as_chunks_mut().0.iter_mut().zip(&numbers) {
        *place = number.to_le_bytes();
    }
    let mut network = Whole::ZERO;
    assert_eq!(safetensors::load(&mut network, &Names::SEQUENTIAL, &bytes), Ok(()));
    assert!(saved(&network, &Names::SEQUENTIAL) == bytes);

    for image in 0..5 {
        let mut x = [[[0.0; 5]; 5]; 2];
        let mut ours = [[[0.0; 2]; 5]; 5];
        for (c, h, w) in (0..50).map(|k| (k / 25, k / 5 % 5, k % 5)) {
            x[c][h][w] = small(50 * image + (c * 5 + h) * 5 + w + image);
            ours[h][w][c] = x[c][h][w];
        }
        let expected = channels_first(&numbers[..24], &numbers[24..27], &numbers[27..51], &numbers[51..], &x);
        let mut memory = [0.0; predict_floats::<Whole>()];
        let found = network.predict_in(&ours, &mut memory).expect("finite");
        assert_eq!(found[..], expected);
        assert!(expected[0] != expected[1] && expected != [0.0, 0.0]);
    }
    // Keras's file of the same network is another, and brings the same weights back.
    let names = Names::Keras(&["conv2d/kernel", "conv2d/bias", "dense/kernel", "dense/bias"]);
    let (keras, mut copy) = (saved(&network, &names), Whole::ZERO);
    assert_eq!(safetensors::load(&mut copy, &names, &keras), Ok(()));
    assert_eq!(bits(&parameters(&copy)), bits(&parameters(&network)));
    let data: Vec<f32> =
        keras[keras.len() - 4 * 53..].as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
    assert_eq!(bits(&data), bits(&parameters(&network)), "the order of memory");
}
