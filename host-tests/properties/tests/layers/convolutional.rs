//! Convolutions in networks: the plan of memory, steps of all kinds, checkpoints, gradients through several layers.

use baregrad::checkpoint::{self, training_bytes};
use baregrad::optimizer::Optimizer;
use baregrad::state::State;
use baregrad::train::Gradients;
use baregrad::{
    Adam, AveragePool2d, Conv1d, Conv2d, CrossEntropy, Dataset, Dense, DepthwiseConv1d, DepthwiseConv2d, Flatten,
    Frozen, GlobalAveragePool, Image, MaxPool2d, Model, Network, Parameters, Relu, Same, Sequence, Sgd, Strided, Tanh,
    Trainer, Valid, floats,
};
use catalogue::optimizers::{Formula, SavedRule, VisitOptimizers, each_optimizer};
use host_tests::convolution::Convolution;
use host_tests::windows::{Pool, Window, axis, windows};

use crate::common::training::assert_slices_are_the_step;
use crate::common::{Random, assert_same_bits, bits, parameters, poll_to_the_end, random_network};
use crate::networks::{Stage, assert_gradient};

/// A convolution at the input, one behind another, depthwise ones, strides, and all within a nested tuple.
type Hidden = (Conv2d<2, 3, 3, 3, Same, Tanh>, DepthwiseConv2d<3, 3, 2, Strided<2>, Tanh>);
type Net = Model<
    Image<7, 6, 2>,
    (Hidden, MaxPool2d<2>, Conv2d<3, 5, 2, 1, Valid, Relu>, Conv2d<5, 4, 1, 3>, Flatten<4>, Dense<4, 2>),
>;
type Along =
    Model<Sequence<9, 3>, (DepthwiseConv1d<3, 3>, Conv1d<3, 6, 4, Strided<2>, Tanh>, GlobalAveragePool, Dense<6, 2>)>;

fn images(random: &mut Random) -> [[[[f32; 2]; 6]; 7]; 3] {
    std::array::from_fn(|_| std::array::from_fn(|_| std::array::from_fn(|_| std::array::from_fn(|_| random.input()))))
}

#[test]
fn networks_with_convolutions_train_in_slices() {
    assert_slices_are_the_step::<Net, { floats::<Net>() }>(31);
    assert_slices_are_the_step::<Along, { floats::<Along>() }>(32);
}

#[test]
fn gradients_through_convolutions_match_central_differences() {
    let plain = |image, kernel, stride, window, inputs, outputs| Convolution {
        image,
        kernel,
        stride,
        window,
        inputs,
        outputs,
        is_depthwise: false,
    };
    let depthwise = |plain: Convolution| Convolution { is_depthwise: true, ..plain };
    let pooled = windows(&axis(Window::Valid, 4, 2, 2), &axis(Window::Valid, 3, 2, 2), 3);
    let stages = [
        Stage::Convolution(plain([7, 6], [3, 3], [1, 1], Window::Same, 2, 3), f64::tanh),
        Stage::Convolution(depthwise(plain([7, 6], [3, 2], [2, 2], Window::Strided, 3, 3)), f64::tanh),
        Stage::Pool(Pool::Maximum, pooled, 3),
        Stage::Convolution(plain([2, 1], [2, 1], [1, 1], Window::Valid, 3, 5), |z| z.max(0.0)),
        Stage::Convolution(plain([1, 1], [1, 3], [1, 1], Window::Same, 5, 4), |z| z),
        Stage::Dense(4, 2, |z| z),
    ];
    assert_gradient::<Net, { floats::<Net>() }>(33, &stages);
    let stages = [
        Stage::Convolution(depthwise(plain([9, 1], [3, 1], [1, 1], Window::Same, 3, 3)), |z| z),
        Stage::Convolution(plain([9, 1], [4, 1], [2, 1], Window::Strided, 3, 6), f64::tanh),
        Stage::Pool(Pool::Average, vec![(0..5).collect()], 6),
        Stage::Dense(6, 2, |z| z),
    ];
    assert_gradient::<Along, { floats::<Along>() }>(34, &stages);
}

/// Layers 0, 1, 3, 4 and 6 of the seven have parameters; so many of them are in front of each layer.
const BORDERS: [usize; 7] = [0, 57, 78, 78, 113, 177, 177];

#[test]
fn frozen_convolutions_stay_and_the_others_train_as_ever() {
    let mut random = Random::new(35);
    let start: Net = random_network(&mut random);
    let inputs = images(&mut random);
    let data = Dataset::from_arrays(&inputs, &[0_u8, 1, 1]);
    let trained = |frozen: usize| {
        let mut trainer = Trainer::<Net, Sgd, 3, { floats::<Net>() }>::NEW;
        (trainer.network, trainer.workspace.memory) = (start, [[f32::NAN; floats::<Net>()]; 3]);
        trainer.step_frozen(frozen, &data, CrossEntropy, &mut Sgd::new(0.1)).expect("sound");
        parameters(&trainer.network)
    };
    let (before, whole) = (parameters(&start), trained(0));
    for (frozen, border) in BORDERS.into_iter().enumerate() {
        let found = trained(frozen);
        assert_same_bits(&found[..border], &before[..border], &format!("{frozen} frozen"));
        assert_same_bits(&found[border..], &whole[border..], &format!("{frozen} frozen, the others"));
    }
    assert!(before.iter().zip(&whole).filter(|(before, after)| before == after).count() < before.len() / 2, "trained");

    type Part = Model<
        Image<7, 6, 2>,
        (Frozen<Hidden>, MaxPool2d<2>, Conv2d<3, 5, 2, 1, Valid, Relu>, Conv2d<5, 4, 1, 3>, Flatten<4>, Dense<4, 2>),
    >;
    let mut part = Trainer::<Part, Sgd, 3, { floats::<Part>() }>::NEW;
    let (hidden, pool, valid, across, flatten, last) = start.layers;
    part.network = Model::new((Frozen(hidden), pool, valid, across, flatten, last));
    poll_to_the_end(&mut part, &data, CrossEntropy, &mut Sgd::new(0.1)).expect("sound");
    assert_same_bits(&parameters(&part.network), &whole[BORDERS[2]..], "behind a frozen part");
}

/// Every optimizer, at once and in two phases over micro-batches, and on from a checkpoint.
struct TrainsAndResumes;

impl VisitOptimizers for TrainsAndResumes {
    fn optimizer<O: SavedRule>(&mut self, name: &'static str, start: O, _: Formula) {
        type Training<O> = Trainer<Net, O, 3, { floats::<Net>() }>;
        let mut random = Random::new(36);
        let (mut whole, mut phases, mut resumed) = (Training::<O>::NEW, Training::<O>::NEW, Training::<O>::NEW);
        let network = random_network(&mut random);
        (whole.network, phases.network, resumed.network) = (network, network, network);
        let (mut first, mut second, mut third) = (start, start, start);
        let mut gradients = Gradients::<Net>::NEW;
        let mut bytes = vec![0; training_bytes::<Net, O, ()>()];
        for step in 0..4 {
            let (inputs, labels) = (images(&mut random), [step as u8 % 2, 1, 0]);
            let data = Dataset::from_arrays(&inputs, &labels);
            let loss = whole.step(&data, CrossEntropy, &mut first).expect("sound");
            assert!(loss.is_finite());
            for (inputs, labels) in [(&inputs[..1], &labels[..1]), (&inputs[1..], &labels[1..])] {
                let part = Dataset::new(inputs, labels).expect("as many labels");
                phases.accumulate(&mut gradients, &part, CrossEntropy, 3).expect("sound");
            }
            phases.apply(&mut gradients, &mut second).expect("finite");
            assert_same_bits(&parameters(&phases.network), &parameters(&whole.network), &format!("{name}, phases"));
            resumed.step(&data, CrossEntropy, &mut third).expect("sound");
            resumed.save(&third, &(), &mut bytes).expect("finite");
            (resumed, third) = (Training::<O>::NEW, start);
            resumed.load(&mut third, &mut (), &bytes).expect("what was saved");
            assert_same_bits(&parameters(&resumed.network), &parameters(&whole.network), &format!("{name}, resumed"));
        }
        assert_ne!(bits(&parameters(&network)), bits(&parameters(&whole.network)), "{name}");
    }
}

#[test]
fn every_optimizer_trains_convolutions_in_both_forms_and_resumes() {
    each_optimizer(&mut TrainsAndResumes);
}

#[test]
fn a_checkpoint_fits_the_network_with_the_same_convolutions_alone() {
    fn fingerprint<L: Parameters>() -> u32 {
        L::FINGERPRINT
    }
    let fingerprints = [
        fingerprint::<Conv2d<2, 3, 3, 3>>(),
        fingerprint::<Conv2d<3, 2, 3, 3>>(),
        fingerprint::<Conv2d<2, 3, 1, 9>>(),
        fingerprint::<Conv2d<2, 3, 3, 3, Valid>>(),
        fingerprint::<Conv2d<2, 3, 3, 3, Strided<2>>>(),
        fingerprint::<Conv2d<2, 3, 3, 3, Same, Relu>>(),
        fingerprint::<DepthwiseConv2d<3, 3, 3>>(),
        fingerprint::<DepthwiseConv2d<3, 1, 9>>(),
        fingerprint::<DepthwiseConv2d<3, 3, 3, Valid>>(),
        fingerprint::<DepthwiseConv2d<3, 3, 3, Same, Relu>>(),
        fingerprint::<Dense<2, 3>>(),
    ];
    for (index, fingerprint) in fingerprints.iter().enumerate() {
        assert!(!fingerprints[..index].contains(fingerprint), "{index}");
    }
    let network: Along = random_network(&mut Random::new(37));
    let mut bytes = [0; checkpoint::weights_bytes::<Along>()];
    checkpoint::save_weights(&network, &mut bytes).expect("finite");
    let mut other: Along = random_network(&mut Random::new(38));
    checkpoint::load_weights(&mut other, &bytes).expect("the same architecture");
    assert_same_bits(&parameters(&other), &parameters(&network), "loaded");
    assert_eq!(<Adam as Optimizer>::Slot::BYTES, 8);
}

#[test]
fn the_summary_names_every_convolution() {
    let expected = "\
layer                  in     out  activation   parameters
DepthwiseConv1d        27      27  identity             12
Conv1d                 27      30  tanh                 78
GlobalAveragePool      30       6  identity              0
Dense                   6       2  identity             14
104 parameters, 416 bytes";
    assert_eq!(Along::summary().to_string(), expected);
}

/// Above the output of a convolution all is dead when its backward pass begins.
#[test]
fn the_gradient_of_the_input_lies_in_what_is_dead_above() {
    // Two outputs of 8 × 8 × 4 and the gradient of one of them; the output of the pool lies where that gradient will be. Four outputs.
    type Two = Model<Image<8, 8, 1>, (Conv2d<1, 4, 3, 3>, Conv2d<4, 4, 3, 3>, AveragePool2d<8>, Flatten<4>)>;
    const { assert!(floats::<Two>() == 3 * 256 + 4) };
}
