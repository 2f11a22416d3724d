//! Where each value of a `.safetensors` file of PyTorch and of Keras ends up, and that it comes back.
//!
//! Oracle: plain index formulas. In a file by hand each value is its own index among all values of the file, so a weight tells where it came
//! from. Sizes are equal wherever they can be: then nothing but the order tells one axis from another.

use crate::common::{bits, parameters};
use baregrad::network::OnInput;
use baregrad::safetensors::{self, Dimensions, ImportError, Names};
use baregrad::shape::{Features, Image, Sequence};
use baregrad::{
    Conv1d, Conv2d, Dense, DepthwiseConv1d, DepthwiseConv2d, Flatten, Frozen, GlobalAveragePool, HardSwish, MaxPool2d,
    Model, Relu, Same, Valid, Zero,
};
use host_tests::tensor_file::{entry, file, header};

/// A file of these tensors, as the library writes it. Each value is its index among all values.
pub(super) fn counted(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let (mut entries, mut begin) = (Vec::new(), 0);
    for (name, shape) in tensors {
        let end = begin + 4 * shape.iter().product::<usize>();
        entries.push(entry(name, shape, begin, end));
        begin = end;
    }
    let mut text = header(&entries).replace(", ", ",");
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    let data: Vec<u8> = (0..begin / 4).flat_map(|index| (index as f32).to_le_bytes()).collect();
    file(&text, &data)
}

pub(super) fn saved<N: OnInput>(network: &N, names: &Names<'_>) -> Vec<u8> {
    let mut bytes = vec![0; safetensors::file_bytes::<N>(names)];
    assert_eq!(safetensors::save(network, names, &mut bytes), Ok(bytes.len()));
    bytes
}

/// The network of such a file, which must also be the file of the network.
pub(super) fn loaded<N: OnInput>(names: &Names<'_>, tensors: &[(&str, &[usize])]) -> N {
    let (mut network, bytes) = (N::ZERO, counted(tensors));
    assert_eq!(safetensors::load(&mut network, names, &bytes), Ok(()));
    assert!(saved(&network, names) == bytes, "{tensors:?}");
    network
}

const PYTORCH: Names<'_> = Names::PyTorch(&["weight", "bias"]);
const KERAS: Names<'_> = Names::Keras(&["kernel", "bias"]);

/// A network of two tensors from both files.
fn from_both<N: OnInput>(pytorch: &[usize], keras: &[usize], outputs: usize) -> [N; 2] {
    [
        loaded(&PYTORCH, &[("weight", pytorch), ("bias", &[outputs])]),
        loaded(&KERAS, &[("kernel", keras), ("bias", &[outputs])]),
    ]
}

// ---- layers by themselves ----

#[test]
fn weights_of_a_dense_layer_are_transposed_by_pytorch_alone() {
    let [pytorch, keras]: [(Dense<3, 3, Relu>,); 2] = from_both(&[3, 3], &[3, 3], 3);
    for (i, o) in (0..9).map(|k| (k / 3, k % 3)) {
        assert_eq!(pytorch.0.weights.rows[i][o], (o * 3 + i) as f32);
        assert_eq!(keras.0.weights.rows[i][o], (i * 3 + o) as f32);
    }
    assert_eq!([pytorch.0.bias, keras.0.bias], [[9.0, 10.0, 11.0]; 2]);
    let [pytorch, keras]: [(Dense<2, 3>,); 2] = from_both(&[3, 2], &[2, 3], 3);
    assert_eq!(pytorch.0.weights.rows, [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]);
    assert_eq!(keras.0.weights.rows, [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
}

#[test]
fn each_tap_of_a_kernel_on_an_image_has_its_place() {
    type Square = Model<Image<5, 5, 3>, (Conv2d<3, 3, 3, 3, Valid, Relu>,)>;
    let [pytorch, keras]: [Square; 2] = from_both(&[3; 4], &[3; 4], 3);
    type Oblong = Model<Image<7, 7, 2>, (Conv2d<2, 5, 3, 4>,)>;
    let [pytorch_oblong, keras_oblong]: [Oblong; 2] = from_both(&[5, 2, 3, 4], &[3, 4, 2, 5], 5);
    for (h, w) in (0..12).map(|k| (k / 4, k % 4)) {
        for (i, o) in (0..15).map(|k| (k / 5, k % 5)) {
            if w < 3 && o < 3 {
                let place = |network: &Square| network.layers.0.weights[h][w][i][o];
                assert_eq!(place(&pytorch), (((o * 3 + i) * 3 + h) * 3 + w) as f32);
                assert_eq!(place(&keras), (((h * 3 + w) * 3 + i) * 3 + o) as f32);
            }
            if i < 2 {
                let place = |network: &Oblong| network.layers.0.weights[h][w][i][o];
                assert_eq!(place(&pytorch_oblong), (((o * 2 + i) * 3 + h) * 4 + w) as f32);
                assert_eq!(place(&keras_oblong), (((h * 4 + w) * 2 + i) * 5 + o) as f32);
            }
        }
    }
    assert_eq!([pytorch.layers.0.bias, keras.layers.0.bias], [[81.0, 82.0, 83.0]; 2]);
}

#[test]
fn each_tap_of_a_kernel_on_a_sequence_has_its_place() {
    type Square = Model<Sequence<7, 3>, (Conv1d<3, 3, 3, Valid>,)>;
    let [pytorch, keras]: [Square; 2] = from_both(&[3; 3], &[3; 3], 3);
    type Oblong = Model<Sequence<7, 2>, (Conv1d<2, 5, 4>,)>;
    let [pytorch_oblong, keras_oblong]: [Oblong; 2] = from_both(&[5, 2, 4], &[4, 2, 5], 5);
    for t in 0..4 {
        for (i, o) in (0..15).map(|k| (k / 5, k % 5)) {
            if t < 3 && o < 3 {
                let place = |network: &Square| network.layers.0.weights[t][0][i][o];
                assert_eq!(place(&pytorch), ((o * 3 + i) * 3 + t) as f32);
                assert_eq!(place(&keras), ((t * 3 + i) * 3 + o) as f32);
            }
            if i < 2 {
                let place = |network: &Oblong| network.layers.0.weights[t][0][i][o];
                assert_eq!(place(&pytorch_oblong), ((o * 2 + i) * 4 + t) as f32);
                assert_eq!(place(&keras_oblong), ((t * 2 + i) * 5 + o) as f32);
            }
        }
    }
}

#[test]
fn each_tap_of_a_depthwise_kernel_has_its_place() {
    type OnImages = Model<Image<5, 5, 3>, (DepthwiseConv2d<3, 3, 3, Same, Relu>,)>;
    let [pytorch, keras]: [OnImages; 2] = from_both(&[3, 1, 3, 3], &[3, 3, 3, 1], 3);
    type OnSequences = Model<Sequence<5, 3>, (DepthwiseConv1d<3, 3>,)>;
    let [pytorch_line, keras_line]: [OnSequences; 2] = from_both(&[3, 1, 3], &[3, 3, 1], 3);
    for (h, c) in (0..9).map(|k| (k / 3, k % 3)) {
        assert_eq!(pytorch_line.layers.0.weights[h][0][c], (c * 3 + h) as f32);
        assert_eq!(keras_line.layers.0.weights[h][0][c], (h * 3 + c) as f32);
        for w in 0..3 {
            assert_eq!(pytorch.layers.0.weights[h][w][c], ((c * 3 + h) * 3 + w) as f32);
            assert_eq!(keras.layers.0.weights[h][w][c], ((h * 3 + w) * 3 + c) as f32);
        }
    }
    type Oblong = Model<Image<7, 7, 5>, (DepthwiseConv2d<5, 2, 4>,)>;
    let _: [Oblong; 2] = from_both(&[5, 1, 2, 4], &[2, 4, 5, 1], 5);
}

// ---- a convolution of one tap ----

/// The verdict on a weight of each shape, in front of three outputs.
fn verdicts<N: OnInput>(names: &Names<'_>, shapes: &[&[usize]]) -> Vec<Result<Vec<f32>, ImportError>> {
    let verdict = |shape: &&[usize]| {
        let mut network = N::ZERO;
        let name = if *names == KERAS { "kernel" } else { "weight" };
        let bytes = counted(&[(name, shape), ("bias", &[3])]);
        safetensors::load(&mut network, names, &bytes).map(|()| parameters(&network))
    };
    shapes.iter().map(verdict).collect()
}

fn wrong_shape(tensor: usize, expected: &[usize], found: &[usize]) -> ImportError {
    ImportError::WrongShape { tensor, expected: Dimensions::of(expected), found: Dimensions::of(found) }
}

#[test]
fn a_convolution_of_one_tap_loads_into_a_dense_layer_and_nothing_else_does() {
    fn check<N: OnInput>() {
        let transposed = Ok(vec![0.0, 2.0, 4.0, 1.0, 3.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(verdicts::<N>(&PYTORCH, &[&[3, 2], &[3, 2, 1], &[3, 2, 1, 1]]), vec![transposed; 3]);
        let in_order = Ok((0..9_u8).map(f32::from).collect());
        assert_eq!(verdicts::<N>(&KERAS, &[&[2, 3], &[1, 2, 3], &[1, 1, 2, 3]]), vec![in_order; 3]);
        let other: &[&[usize]] =
            &[&[2, 3], &[1, 2, 3], &[3, 1, 2], &[1, 3, 2, 1], &[3, 2, 1, 1, 1], &[6], &[1, 1, 2, 3]];
        let refused: Vec<_> = other.iter().map(|found| Err(wrong_shape(0, &[3, 2], found))).collect();
        assert_eq!(verdicts::<N>(&PYTORCH, other), refused);
        let other: &[&[usize]] = &[&[3, 2], &[3, 2, 1], &[2, 3, 1], &[2, 1, 3], &[1, 2, 1, 3], &[3, 2, 1, 1]];
        let refused: Vec<_> = other.iter().map(|found| Err(wrong_shape(0, &[2, 3], found))).collect();
        assert_eq!(verdicts::<N>(&KERAS, other), refused);
    }
    check::<(Dense<2, 3>,)>();
    check::<Model<Sequence<4, 2>, (Dense<2, 3>, GlobalAveragePool)>>();
    check::<Model<Image<4, 4, 2>, (Dense<2, 3>, GlobalAveragePool)>>();

    // A kernel of 1 × 1 is no matrix.
    type Kernel = Model<Image<4, 4, 2>, (Conv2d<2, 3, 1, 1>, GlobalAveragePool)>;
    let refused = [&[3, 2][..], &[3, 2, 1]].map(|found| Err(wrong_shape(0, &[3, 2, 1, 1], found)));
    assert_eq!(verdicts::<Kernel>(&PYTORCH, &[&[3, 2], &[3, 2, 1]]), refused);
}

#[test]
fn beside_convolutions_a_dense_layer_on_positions_is_written_as_one() {
    type Separable = (DepthwiseConv2d<2, 3, 3, Same, Relu>, Dense<2, 3>, GlobalAveragePool, Dense<3, 2>);
    let names = ["a", "b", "c", "d", "e", "f"];
    let (pytorch, keras) = (Names::PyTorch(&names), Names::Keras(&names));
    let _: Model<Image<4, 1, 2>, Separable> = loaded(
        &pytorch,
        &[("a", &[2, 1, 3, 3]), ("b", &[2]), ("c", &[3, 2, 1, 1]), ("d", &[3]), ("e", &[2, 3]), ("f", &[2])],
    );
    let _: Model<Image<4, 4, 2>, Separable> = loaded(
        &keras,
        &[("a", &[3, 3, 2, 1]), ("b", &[2]), ("c", &[1, 1, 2, 3]), ("d", &[3]), ("e", &[3, 2]), ("f", &[2])],
    );
    // The convolution may come later.
    type Line = Model<Sequence<4, 3>, (Dense<3, 2>, Conv1d<2, 2, 3>, GlobalAveragePool, Dense<2, 2>)>;
    let _: Line = loaded(
        &pytorch,
        &[("a", &[2, 3, 1]), ("b", &[2]), ("c", &[2, 2, 3]), ("d", &[2]), ("e", &[2, 2]), ("f", &[2])],
    );
    let _: Line =
        loaded(&keras, &[("a", &[1, 3, 2]), ("b", &[2]), ("c", &[3, 2, 2]), ("d", &[2]), ("e", &[2, 2]), ("f", &[2])]);
}

// ---- behind a Flatten ----

/// Where PyTorch's `Flatten` puts a feature of `[row][column][channel]` with `columns`, `channels` and so many positions.
pub(super) fn flattened(index: usize, positions: usize, channels: usize) -> usize {
    let (position, channel) = (index / channels, index % channels);
    channel * positions + position
}

#[test]
fn the_rows_behind_a_flatten_are_put_in_order_for_pytorch_alone() {
    type OnImages = Model<Image<3, 3, 3>, (Flatten<27>, Dense<27, 2>)>;
    let [pytorch, keras]: [OnImages; 2] = from_both(&[2, 27], &[27, 2], 2);
    for (h, w, c, o) in (0..54).map(|k| (k / 18, k / 6 % 3, k / 2 % 3, k % 2)) {
        let row = (h * 3 + w) * 3 + c;
        assert_eq!(pytorch.layers.1.weights.rows[row][o], (o * 27 + (c * 3 + h) * 3 + w) as f32);
        assert_eq!(keras.layers.1.weights.rows[row][o], (row * 2 + o) as f32);
    }
    type OnSequences = Model<Sequence<5, 2>, (Flatten<10>, Dense<10, 3>)>;
    let [pytorch, keras]: [OnSequences; 2] = from_both(&[3, 10], &[10, 3], 3);
    for (t, c, o) in (0..30).map(|k| (k / 6, k / 3 % 2, k % 3)) {
        assert_eq!(pytorch.layers.1.weights.rows[t * 2 + c][o], (o * 10 + c * 5 + t) as f32);
        assert_eq!(keras.layers.1.weights.rows[t * 2 + c][o], ((t * 2 + c) * 3 + o) as f32);
    }
    // There is no position that a convolution could go over.
    let refused = [&[2, 27, 1][..], &[2, 27, 1, 1]].map(|found| {
        let (mut network, bytes) = (OnImages::ZERO, counted(&[("weight", found), ("bias", &[2])]));
        (safetensors::load(&mut network, &PYTORCH, &bytes), Err(wrong_shape(0, &[2, 27], found)))
    });
    assert!(refused.iter().all(|(found, expected)| found == expected), "{refused:?}");
}

#[test]
fn with_one_channel_or_one_position_there_is_one_order() {
    fn check<N: OnInput>() {
        let [pytorch, keras]: [N; 2] = from_both(&[1, 9], &[9, 1], 1);
        assert_eq!(parameters(&pytorch), (0..10_u8).map(f32::from).collect::<Vec<_>>());
        assert_eq!(bits(&parameters(&keras)), bits(&parameters(&pytorch)));
    }
    check::<Model<Image<3, 3, 1>, (Flatten<9>, Dense<9, 1>)>>();
    check::<Model<Sequence<9, 1>, (Flatten<9>, Dense<9, 1>)>>();
    check::<Model<Image<1, 1, 9>, (Flatten<9>, Dense<9, 1>)>>();
    check::<Model<Features<9>, (Flatten<9>, Dense<9, 1>)>>();
    check::<Model<Image<2, 2, 9>, (GlobalAveragePool, Flatten<9>, Dense<9, 1>)>>();
}

#[test]
fn layers_that_keep_channels_pass_the_order_on_until_one_mixes_them() {
    type Between = (HardSwish, (DepthwiseConv2d<12, 1, 1, Same, Relu>, Flatten<12>), MaxPool2d<1>, GlobalAveragePool);
    type Net = Model<Image<2, 3, 2>, (Flatten<12>, Between, Dense<12, 2>, Dense<2, 2>)>;
    let names = Names::PyTorch(&["a", "b", "c", "d", "e", "f"]);
    let net: Net = loaded(
        &names,
        &[("a", &[12, 1, 1, 1]), ("b", &[12]), ("c", &[2, 12]), ("d", &[2]), ("e", &[2, 2]), ("f", &[2])],
    );
    let (_, (_, (depthwise, _), _, _), mixing, last) = net.layers;
    for f in 0..12 {
        let place = flattened(f, 6, 2);
        assert_eq!(depthwise.weights[0][0][f], place as f32);
        assert_eq!(depthwise.bias[f], (12 + place) as f32);
        assert_eq!(mixing.weights.rows[f], [(24 + place) as f32, (24 + 12 + place) as f32]);
    }
    assert_eq!((mixing.bias, last.weights.rows), ([48.0, 49.0], [[50.0, 52.0], [51.0, 53.0]]));

    // A kernel on features mixes them too: its input channels are those of the `Flatten`.
    type Kernel = Model<Image<2, 3, 2>, (Flatten<12>, Conv2d<12, 2, 3, 3>)>;
    let net: Kernel = loaded(&PYTORCH, &[("weight", &[2, 12, 3, 3]), ("bias", &[2])]);
    for (h, w, f, o) in (0..216).map(|k| (k / 72, k / 24 % 3, k / 2 % 12, k % 2)) {
        let place = ((o * 12 + flattened(f, 6, 2)) * 3 + h) * 3 + w;
        assert_eq!(net.layers.1.weights[h][w][f][o], place as f32);
    }
    assert_eq!(net.layers.1.bias, [216.0, 217.0]);
}

#[test]
fn a_flatten_inside_of_frozen_layers_counts() {
    type Body = Model<Image<2, 2, 3>, (Conv2d<3, 3, 1, 1>, Flatten<12>, HardSwish)>;
    type Net = Model<Image<2, 2, 3>, (Frozen<Body>, Dense<12, 1>)>;
    let net: Net = loaded(&PYTORCH, &[("weight", &[1, 12]), ("bias", &[1])]);
    for f in 0..12 {
        assert_eq!(net.layers.1.weights.rows[f], [flattened(f, 4, 3) as f32]);
    }
    // The body by itself.
    let body: Body = loaded(&PYTORCH, &[("weight", &[3, 3, 1, 1]), ("bias", &[3])]);
    assert_eq!(body.layers.0.weights[0][0], [[0.0, 3.0, 6.0], [1.0, 4.0, 7.0], [2.0, 5.0, 8.0]]);
}

#[test]
fn in_front_of_a_flatten_pytorchs_linear_on_the_last_axis_is_refused() {
    // There `Flatten` would find channels last.
    type OnImages = Model<Image<2, 2, 2>, (Dense<2, 2, Relu>, Flatten<8>, Dense<8, 1>)>;
    type OnSequences = Model<Sequence<4, 2>, (Dense<2, 2, Relu>, Flatten<8>, Dense<8, 1>)>;
    fn check<N: OnInput>(kernel: &[usize]) {
        let names = ["a", "b", "c", "d"];
        let pytorch = Names::PyTorch(&names);
        let _: N = loaded(&pytorch, &[("a", kernel), ("b", &[2]), ("c", &[1, 8]), ("d", &[1])]);
        let linear = counted(&[("a", &[2, 2]), ("b", &[2]), ("c", &[1, 8]), ("d", &[1])]);
        let mut network = N::ZERO;
        assert_eq!(safetensors::load(&mut network, &pytorch, &linear), Err(wrong_shape(0, kernel, &[2, 2])));
        let keras = counted(&[("a", &[2, 2]), ("b", &[2]), ("c", &[8, 1]), ("d", &[1])]);
        assert_eq!(safetensors::load(&mut network, &Names::Keras(&names), &keras), Ok(()));
        assert!(saved(&network, &Names::Keras(&names)) == keras);
    }
    check::<OnImages>(&[2, 2, 1, 1]);
    check::<OnSequences>(&[2, 2, 1]);
    // With one channel both mean the same.
    type OneChannel = Model<Sequence<8, 2>, (Dense<2, 1>, Flatten<8>, Dense<8, 1>)>;
    let names = Names::PyTorch(&["a", "b", "c", "d"]);
    let _: OneChannel = loaded(&names, &[("a", &[1, 2]), ("b", &[1]), ("c", &[1, 8]), ("d", &[1])]);
}

// ---- wrong shapes ----

#[test]
fn a_kernel_of_another_shape_is_refused_by_both_shapes() {
    type Net = Model<Image<6, 6, 2>, (Conv2d<2, 3, 4, 5, Same, Relu>, DepthwiseConv2d<3, 2, 4>)>;
    let right: [&[usize]; 4] = [&[3, 2, 4, 5], &[3], &[3, 1, 2, 4], &[3]];
    let names = ["0.weight", "0.bias", "2.weight", "2.bias"];
    let verdict = |tensor: usize, shape: &[usize]| {
        let mut tensors: Vec<_> = names.into_iter().zip(right).collect();
        tensors[tensor].1 = shape;
        let (mut network, before) = (Net::ZERO, parameters(&Net::ZERO));
        let verdict = safetensors::load(&mut network, &Names::SEQUENTIAL, &counted(&tensors));
        assert!(verdict.is_ok() || bits(&parameters(&network)) == bits(&before));
        verdict
    };
    assert_eq!(verdict(0, right[0]), Ok(()));
    // Keras's, a flat one, one turned around, one more or less.
    let kernels: [&[usize]; 6] = [&[4, 5, 2, 3], &[3, 40], &[3, 2, 5, 4], &[3, 2, 4, 5, 1], &[3, 2, 4], &[3, 2, 4, 6]];
    for found in kernels {
        assert_eq!(verdict(0, found), Err(wrong_shape(0, right[0], found)));
    }
    for found in [&[2, 4, 3, 1][..], &[1, 3, 2, 4], &[3, 2, 4], &[3, 8], &[3, 1, 4, 2]] {
        assert_eq!(verdict(2, found), Err(wrong_shape(2, right[2], found)));
    }
    let error = verdict(2, &[2, 4, 3, 1]).expect_err("Keras's");
    assert_eq!(error.to_string(), "tensor 2 should have the shape [3, 1, 2, 4], and has [2, 4, 3, 1]");
    assert_eq!(verdict(3, &[3, 1]), Err(wrong_shape(3, &[3], &[3, 1])));
}
