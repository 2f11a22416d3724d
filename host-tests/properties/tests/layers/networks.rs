//! Pools and `Flatten` in networks: the plan of memory, steps of all kinds, predictions, what files and summaries see.

use baregrad::shape::{SampleOf, Shape, Values};
use baregrad::train::{Gradients, accumulate};
use baregrad::{
    AveragePool1d, AveragePool2d, Centered, CrossEntropy, Dataset, Dense, Features, Flatten, Frozen, GlobalAveragePool,
    GlobalMaxPool, Image, Layer, MaxPool1d, MaxPool2d, MeanSquaredError, Model, Network, Parameters, Relu, Same,
    Sequence, Sgd, StepError, Strided, Tanh, Trainer, Valid, Workspace, Zero, checkpoint, floats, predict_floats,
};
use host_tests::convolution::Convolution;
use host_tests::windows::{Pool, Window, axis, pool, precise_pool, windows};

use crate::common::training::assert_slices_are_the_step;
use crate::common::{Random, assert_same_bits, gradient, parameters, poll_to_the_end, random_network};

/// Windows side by side, which work in place, and others that need scratch.
type Hidden = (Dense<2, 3, Tanh>, MaxPool2d<2>, AveragePool2d<2, 2, Same>);
type Net = Model<Image<6, 4, 2>, (Hidden, Dense<3, 4, Relu>, MaxPool2d<3, 3, Strided<2>>, Flatten<8>, Dense<8, 2>)>;
/// A pool at the input, where nobody asks for a gradient, and global ones.
type First = Model<Sequence<9, 3>, (MaxPool1d<3, Strided<2>>, Dense<3, 5, Tanh>, GlobalMaxPool, Dense<5, 2>)>;
type Last = Model<Sequence<7, 2>, (Dense<2, 4, Tanh>, AveragePool1d<2>, Dense<4, 2, Tanh>, GlobalAveragePool)>;

#[test]
fn networks_with_pools_train_in_slices() {
    assert_slices_are_the_step::<Net, { floats::<Net>() }>(11);
    assert_slices_are_the_step::<First, { floats::<First>() }>(12);
    assert_slices_are_the_step::<Last, { floats::<Last>() }>(13);
}

/// A step of all layers changes an upper layer as a step of the upper layers alone does: the gradient is one and the same.
#[test]
fn frozen_layers_stay_and_the_others_train_as_ever() {
    let mut random = Random::new(14);
    let start: Net = random_network(&mut random);
    let inputs: [[[[f32; 2]; 4]; 6]; 3] = std::array::from_fn(|_| {
        std::array::from_fn(|_| std::array::from_fn(|_| std::array::from_fn(|_| random.input())))
    });
    let data = Dataset::from_arrays(&inputs, &[0_u8, 1, 1]);
    let trained = |frozen: usize| {
        let mut trainer = Trainer::<Net, Sgd, 3, { floats::<Net>() }>::NEW;
        (trainer.network, trainer.workspace.memory) = (start, [[f32::NAN; floats::<Net>()]; 3]);
        trainer.step_frozen(frozen, &data, CrossEntropy, &mut Sgd::new(0.1)).expect("sound");
        parameters(&trainer.network)
    };
    let (before, whole) = (parameters(&start), trained(0));
    // Dense layers are 0, 3 and 6 of the seven; 9 and 16 parameters are in front of the last one.
    for (frozen, border) in [(0, 0), (1, 9), (2, 9), (3, 9), (4, 25), (5, 25), (6, 25)] {
        let found = trained(frozen);
        assert_same_bits(&found[..border], &before[..border], &format!("{frozen} frozen"));
        assert_same_bits(&found[border..], &whole[border..], &format!("{frozen} frozen, the others"));
    }
    assert!(before.iter().zip(&whole).filter(|(before, after)| before == after).count() < before.len() / 2, "trained");

    type Part = Model<
        Image<6, 4, 2>,
        (Frozen<Hidden>, Dense<3, 4, Relu>, MaxPool2d<3, 3, Strided<2>>, Flatten<8>, Dense<8, 2>),
    >;
    let mut part = Trainer::<Part, Sgd, 3, { floats::<Part>() }>::NEW;
    let (hidden, dense, max, flatten, last) = start.layers;
    part.network = Model::new((Frozen(hidden), dense, max, flatten, last));
    let polled = poll_to_the_end(&mut part, &data, CrossEntropy, &mut Sgd::new(0.1));
    assert!(polled.is_ok());
    assert_same_bits(&parameters(&part.network), &whole[9..], "behind a frozen part");
}

/// A stage of a network in `f64`.
pub(crate) enum Stage {
    /// `IN` and `OUT` of a dense layer on positions, and its activation.
    Dense(usize, usize, fn(f64) -> f64),
    /// A convolution, and its activation.
    Convolution(Convolution, fn(f64) -> f64),
    /// A pool of so many channels.
    Pool(Pool, Vec<Vec<usize>>, usize),
}

/// The mean squared error in `f64`, from the definitions: what central differences are taken of.
fn precise_loss(stages: &[Stage], parameters: &[f64], inputs: &[Vec<f64>], targets: &[[f32; 2]]) -> f64 {
    let mut sum = 0.0;
    for (input, target) in inputs.iter().zip(targets) {
        let (mut x, mut rest) = (input.clone(), parameters);
        for stage in stages {
            x = match stage {
                Stage::Dense(inputs, outputs, activation) => {
                    let (weights, after) = rest.split_at(inputs * outputs);
                    let (bias, after) = after.split_at(*outputs);
                    rest = after;
                    let value = |x: &[f64], o: usize| {
                        let products = x.iter().enumerate().map(|(i, x)| x * weights[i * outputs + o]);
                        activation(bias[o] + products.sum::<f64>())
                    };
                    x.chunks(*inputs).flat_map(|x| (0..*outputs).map(move |o| value(x, o))).collect()
                }
                Stage::Convolution(plain, activation) => {
                    let (weights, after) = rest.split_at(plain.weights());
                    let (bias, after) = after.split_at(plain.outputs);
                    rest = after;
                    plain.precise(weights, bias, &x).into_iter().map(activation).collect()
                }
                Stage::Pool(kind, windows, channels) => precise_pool(*kind, windows, *channels, &x),
            };
        }
        assert!(rest.is_empty());
        sum += x.iter().zip(target).map(|(y, target)| (y - f64::from(*target)).powi(2)).sum::<f64>();
    }
    sum / (2 * inputs.len()) as f64
}

pub(crate) fn assert_gradient<N: Network<Out = Features<2>>, const F: usize>(seed: u64, stages: &[Stage]) {
    let mut random = Random::new(seed);
    let mut network: N = random_network(&mut random);
    let inputs: Vec<SampleOf<N::In>> = (0..4)
        .map(|_| {
            let mut sample = <SampleOf<N::In> as Zero>::ZERO;
            sample.values_mut().fill_with(|| random.uniform(-1.0, 1.0));
            sample
        })
        .collect();
    let targets: Vec<[f32; 2]> = (0..4).map(|_| [random.input(), random.input()]).collect();
    let data = Dataset::new(&inputs, &targets).expect("as many targets");
    let (mut gradients, mut workspace) = (Gradients::<N>::NEW, Workspace::<4, F>::NEW);
    workspace.memory = [[f32::NAN; F]; 4];
    accumulate(&mut network, &mut gradients, &mut workspace, &data, &MeanSquaredError, 4).expect("sound");
    let found = gradient(&gradients);
    let precise = |values: &[f32]| -> Vec<f64> { values.iter().map(|value| f64::from(*value)).collect() };
    let (at, inputs) = (precise(&parameters(&network)), inputs.iter().map(|x| precise(x.values())).collect::<Vec<_>>());
    let loss = |index: usize, shift: f64| {
        let mut shifted = at.clone();
        shifted[index] += shift;
        precise_loss(stages, &shifted, &inputs, &targets)
    };
    for (index, found) in found.iter().enumerate() {
        let difference = (loss(index, 1e-6) - loss(index, -1e-6)) / 2e-6;
        assert!((f64::from(*found) - difference).abs() < 1e-6, "seed {seed}, parameter {index}: {found}, {difference}");
    }
    assert!(found.iter().filter(|found| found.abs() > 1e-3).count() > found.len() / 2, "seed {seed}: {found:?}");
}

#[test]
fn gradients_through_pools_match_central_differences() {
    use Pool::{Average, Maximum};
    let square = |window, [height, width]: [usize; 2], kernel, stride| {
        windows(&axis(window, height, kernel, stride), &axis(window, width, kernel, stride), width)
    };
    let line = |window, length, kernel, stride| windows(&axis(window, length, kernel, stride), &[vec![0]], 1);
    let stages = [
        Stage::Dense(2, 3, f64::tanh),
        Stage::Pool(Maximum, square(Window::Valid, [6, 4], 2, 2), 3),
        Stage::Pool(Average, square(Window::Same, [3, 2], 2, 1), 3),
        Stage::Dense(3, 4, |z| z.max(0.0)),
        Stage::Pool(Maximum, square(Window::Strided, [3, 2], 3, 2), 4),
        Stage::Dense(8, 2, |z| z),
    ];
    assert_gradient::<Net, { floats::<Net>() }>(15, &stages);
    let stages = [
        Stage::Pool(Maximum, line(Window::Strided, 9, 3, 2), 3),
        Stage::Dense(3, 5, f64::tanh),
        Stage::Pool(Maximum, vec![(0..5).collect()], 5),
        Stage::Dense(5, 2, |z| z),
    ];
    assert_gradient::<First, { floats::<First>() }>(16, &stages);
    let stages = [
        Stage::Dense(2, 4, f64::tanh),
        Stage::Pool(Average, line(Window::Valid, 7, 2, 2), 4),
        Stage::Dense(4, 2, f64::tanh),
        Stage::Pool(Average, vec![(0..3).collect()], 2),
    ];
    assert_gradient::<Last, { floats::<Last>() }>(17, &stages);
}

/// Pools alone, so that the plain loops give the whole prediction.
#[test]
fn a_prediction_is_that_of_one_layer_after_the_other() {
    type Flat =
        Model<Image<9, 8, 2>, (MaxPool2d<2, 2, Same>, AveragePool2d<3, 3, Centered<2>>, MaxPool2d<2>, Flatten<8>)>;
    type Nested = Model<
        Image<9, 8, 2>,
        ((MaxPool2d<2, 2, Same>, (AveragePool2d<3, 3, Centered<2>>, MaxPool2d<2>)), (Flatten<8>,)),
    >;
    type FlattenFirst = Model<Image<9, 8, 2>, (Flatten<144>, Flatten<144>)>;
    let mut random = Random::new(18);
    let image: [[[f32; 2]; 8]; 9] =
        std::array::from_fn(|_| std::array::from_fn(|_| std::array::from_fn(|_| random.input())));
    let image_values = image.as_flattened().as_flattened();
    let stage = |kind, window, [height, width]: [usize; 2], kernel, stride, x: &[f32]| {
        let (rows, columns) = (axis(window, height, kernel, stride), axis(window, width, kernel, stride));
        pool(kind, &windows(&rows, &columns, width), 2, x)
    };
    let first = stage(Pool::Maximum, Window::Same, [9, 8], 2, 1, image_values);
    let second = stage(Pool::Average, Window::Centered, [9, 8], 3, 2, &first);
    let third = stage(Pool::Maximum, Window::Valid, [5, 4], 2, 2, &second);
    let mut memory = [f32::NAN; predict_floats::<Flat>()];
    assert_same_bits(Flat::ZERO.predict_in(&image, &mut memory).expect("finite"), &third, "flat");
    let mut memory = [f32::NAN; predict_floats::<Nested>()];
    assert_same_bits(Nested::ZERO.predict_in(&image, &mut memory).expect("finite"), &third, "nested");
    let mut memory = [f32::NAN; predict_floats::<FlattenFirst>()];
    assert_same_bits(FlattenFirst::ZERO.predict_in(&image, &mut memory).expect("finite"), image_values, "flattened");
    // `Flatten` takes no memory of its own; the most is at the second pool.
    const { assert!(predict_floats::<FlattenFirst>() == 144 && predict_floats::<Flat>() == 2 * (72 + 20)) };
}

#[test]
fn windows_side_by_side_take_no_scratch() {
    // Three outputs of 6 · 3. The second pool's windows have positions in common, so the gradient of its input is made beside them.
    type Upper = Model<Image<3, 2, 3>, (MaxPool2d<1>, AveragePool2d<2, 2, Same>, Flatten<18>)>;
    const { assert!(floats::<Upper>() == 3 * 18 + 18) };
    type InPlace = Model<Image<4, 4, 8>, (MaxPool2d<1>, MaxPool2d<2>, AveragePool2d<2>, GlobalMaxPool)>;
    const { assert!(floats::<InPlace>() == 8 * (16 + 4 + 1 + 1)) };
}

#[test]
fn a_mean_that_overflows_is_refused_where_it_is_made() {
    type Deep = Model<Sequence<4, 1>, (MaxPool1d<1>, AveragePool1d<2>, Flatten<2>)>;
    let mut memory = [0.0; predict_floats::<Deep>()];
    let refused = Deep::ZERO.predict_in(&[[3e38], [3e38], [0.0], [0.0]], &mut memory);
    assert_eq!(refused.map_err(|error| error.layer), Err(1));
    let mut trainer = Trainer::<Deep, Sgd, 1, { floats::<Deep>() }>::NEW;
    let data = Dataset::from_arrays(&[[[3e38], [3e38], [0.0], [0.0]]], &[[0.0, 0.0]]);
    let refused = trainer.step(&data, MeanSquaredError, &mut Sgd::new(0.1));
    assert_eq!(refused, Err(StepError::NonFinitePreActivation { layer: 1 }));
}

#[test]
fn a_nan_is_not_swallowed_by_a_maximum() {
    type Two = Model<Sequence<4, 1>, (MaxPool1d<2>, Flatten<2>)>;
    for sample in [[[f32::NAN], [1.0], [2.0], [3.0]], [[1.0], [f32::NAN], [2.0], [3.0]]] {
        let output = Two::ZERO.predict(&sample);
        assert!(output.as_array()[0].is_nan() && output.as_array()[1] == 3.0, "{output:?}");
        assert!(Two::ZERO.predict_in(&sample, &mut [0.0; predict_floats::<Two>()]).is_err());
    }
}

/// Branches of a residual, with a kernel each, give out one type.
#[test]
fn kernels_of_two_sizes_give_out_one_shape() {
    fn assert_fit<In: Shape, One: Layer<In>, Other: Layer<In, Out = One::Out>>() {
        assert_eq!(One::Out::SIZE, Other::Out::SIZE);
    }
    assert_fit::<Image<9, 7, 2>, MaxPool2d<3, 3, Strided<2>>, AveragePool2d<1, 1, Strided<2>>>();
    assert_fit::<Image<9, 7, 2>, MaxPool2d<3, 3, Centered<2>>, AveragePool2d<1, 1, Strided<2>>>();
    assert_fit::<Image<9, 7, 2>, MaxPool2d<3, 5, Same>, AveragePool2d<2, 2, Same>>();
    assert_fit::<Sequence<9, 2>, MaxPool1d<5, Centered<3>>, AveragePool1d<2, Strided<3>>>();
}

#[test]
fn layers_without_parameters_count_as_modules_and_tell_checkpoints_apart() {
    type Layers = (Dense<2, 3, Relu>, MaxPool2d<2>, Dense<3, 4>, GlobalAveragePool, Dense<4, 2>);
    let module = |tensor| Layers::describe_tensor(tensor).map(|(module, _)| module);
    // Linear, ReLU, MaxPool2d, Linear, AdaptiveAvgPool2d, Flatten, Linear.
    assert_eq!([module(0), module(2), module(4)], [Some(0), Some(3), Some(6)]);
    let fingerprints = [
        <MaxPool2d<2>>::FINGERPRINT,
        <MaxPool2d<2, 3>>::FINGERPRINT,
        <MaxPool2d<2, 2, Valid<1>>>::FINGERPRINT,
        <MaxPool2d<2, 2, Strided<2>>>::FINGERPRINT,
        <AveragePool2d<2>>::FINGERPRINT,
        GlobalMaxPool::FINGERPRINT,
        GlobalAveragePool::FINGERPRINT,
        Flatten::<4>::FINGERPRINT,
        Flatten::<5>::FINGERPRINT,
    ];
    for (index, fingerprint) in fingerprints.iter().enumerate() {
        assert!(!fingerprints[..index].contains(fingerprint), "{index}");
    }
    assert_eq!((Net::PARAMETERS, size_of::<Net>()), (9 + 16 + 18, 4 * (9 + 16 + 18)));
}

#[test]
fn a_checkpoint_fits_the_network_with_the_same_pools_alone() {
    type Of<L> = Model<Image<4, 4, 1>, (Dense<1, 3, Relu>, L, Flatten<12>, Dense<12, 2>)>;
    type Net = Of<MaxPool2d<2>>;
    let network: Net = random_network(&mut Random::new(19));
    let mut bytes = [0; checkpoint::weights_bytes::<Net>()];
    checkpoint::save_weights(&network, &mut bytes).expect("finite");
    let mut other = Net::ZERO;
    checkpoint::load_weights(&mut other, &bytes).expect("the same architecture");
    assert_same_bits(&parameters(&other), &parameters(&network), "loaded");
    let (mut elsewhere, mut mean) = (Of::<MaxPool2d<2, 2, Strided<2>>>::ZERO, Of::<AveragePool2d<2>>::ZERO);
    assert!(checkpoint::load_weights(&mut elsewhere, &bytes).is_err());
    assert!(checkpoint::load_weights(&mut mean, &bytes).is_err());
}

#[test]
fn the_summary_names_every_pool() {
    let expected = "\
layer                  in     out  activation   parameters
Dense                  14      28  tanh                 12
AveragePool            28      12  identity              0
Dense                  12       6  tanh                 10
GlobalAveragePool       6       2  identity              0
22 parameters, 88 bytes";
    assert_eq!(Last::summary().to_string(), expected);
}
