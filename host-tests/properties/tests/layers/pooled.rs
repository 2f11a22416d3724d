//! `PooledConv2d` beside a convolution and a max pool, and in every form of step.
//!
//! Oracles: the plain loops of `host_tests::pooled`, bit for bit; a convolution and a pool.

use baregrad::safetensors::{self, Names};
use baregrad::shape::{Features, SampleOf, Values};
use baregrad::train::{Gradients, accumulate};
use baregrad::{
    Conv2d, CrossEntropy, Dataset, Dense, Flatten, Identity, Image, MaxPool2d, MeanSquaredError, Model, Network,
    Parameters, PooledConv2d, Relu, Residual, Sgd, StepError, Tanh, Trainer, Valid, Workspace, Zero, floats,
    predict_floats,
};
use catalogue::networks::{Part, Size, dense};
use host_tests::networks::Images;
use host_tests::textbook::{Optimizer, Target, loss};

use crate::common::training::assert_slices_are_the_step;
use crate::common::{Random, assert_same_bits, gradient, parameters, set_parameters};

/// The last row of the map and its last column are in no window.
type On<L> = Model<Image<9, 8, 3>, L>;
type Pooled = On<(PooledConv2d<3, 5, 3, 2, 2, 3>, PooledConv2d<5, 4, 2, 1, 1, 2, Tanh>, Flatten<8>, Dense<8, 2>)>;
type Apart = On<(
    (Conv2d<3, 5, 3, 2, Valid, Relu>, MaxPool2d<2, 3>),
    (Conv2d<5, 4, 2, 1, Valid, Tanh>, MaxPool2d<1, 2>),
    Flatten<8>,
    Dense<8, 2>,
)>;

fn sample(random: &mut Random) -> SampleOf<<Pooled as Network>::In> {
    let mut sample = <SampleOf<<Pooled as Network>::In> as Zero>::ZERO;
    sample.values_mut().fill_with(|| random.input());
    sample
}

/// Both networks with the same parameters.
fn both(random: &mut Random) -> (Box<Pooled>, Box<Apart>) {
    let (mut pooled, mut apart) = (Box::new(Pooled::ZERO), Box::new(Apart::ZERO));
    let values: Vec<f32> = (0..Pooled::PARAMETERS).map(|_| random.uniform(-0.6, 0.6)).collect();
    set_parameters(&mut *pooled, &values);
    set_parameters(&mut *apart, &values);
    (pooled, apart)
}

#[test]
fn predictions_are_those_of_a_convolution_and_a_pool() {
    const { assert!(Pooled::PARAMETERS == Apart::PARAMETERS) };
    let mut random = Random::new(1);
    let (pooled, apart) = both(&mut random);
    for _ in 0..50 {
        let sample = sample(&mut random);
        let mut first = [f32::NAN; predict_floats::<Pooled>()];
        let mut second = [f32::NAN; predict_floats::<Apart>()];
        let found = pooled.predict_in(&sample, &mut first).expect("finite");
        let expected = apart.predict_in(&sample, &mut second).expect("finite");
        assert_same_bits(found, expected, "prediction");
    }
}

/// The same sums in another order.
#[test]
fn gradients_are_those_of_a_convolution_and_a_pool() {
    let mut random = Random::new(2);
    let (mut pooled, mut apart) = both(&mut random);
    let inputs = [(); 3].map(|()| sample(&mut random));
    let data = Dataset::from_arrays(&inputs, &[[0.5, -0.5], [1.0, 0.0], [0.25, 0.75]]);
    let (mut of_pooled, mut of_apart) = (Gradients::<Pooled>::NEW, Gradients::<Apart>::NEW);
    let mut memory = Workspace::<3, { floats::<Pooled>() }>::NEW;
    memory.memory = [[f32::NAN; floats::<Pooled>()]; 3];
    let loss = accumulate(&mut *pooled, &mut of_pooled, &mut memory, &data, &MeanSquaredError, 3).expect("sound");
    let mut memory = Workspace::<3, { floats::<Apart>() }>::NEW;
    let expected = accumulate(&mut *apart, &mut of_apart, &mut memory, &data, &MeanSquaredError, 3).expect("sound");
    assert_eq!(loss.to_bits(), expected.to_bits());
    let (found, expected) = (gradient(&of_pooled), gradient(&of_apart));
    let largest = expected.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert!(expected.iter().filter(|value| **value != 0.0).count() > expected.len() / 2, "{expected:?}");
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= 1e-6 * largest, "{found} {expected} of {largest}");
    }
}

/// Three steps of the library and of the plain loops, of 3, 1 and 2 samples; most values are 0 or -0, so that places are equal.
fn assert_trains_as_the_plain_loops<N, const FLOATS: usize>(image: Size, channels: usize, parts: &'static [Part])
where
    N: Network<Out = Features<2>, Activation = Identity>,
{
    let mut random = Random::new(8);
    let mut plain = Images::new(image, channels, parts, &mut || random.uniform(0.0, 1.0).to_bits());
    let mut trainer = Box::new(Trainer::<N, Sgd, 3, FLOATS>::NEW);
    plain.parameters = (0..N::PARAMETERS).map(|_| random.uniform(-0.6, 0.6)).collect();
    set_parameters(&mut trainer.network, &plain.parameters);
    let (mut rule, mut plain_rule) = (Sgd::new(0.1), Optimizer::Sgd { learning_rate: 0.1 });
    for samples in [3, 1, 2] {
        let inputs: Vec<SampleOf<N::In>> = (0..samples)
            .map(|_| {
                let mut sample = <SampleOf<N::In> as Zero>::ZERO;
                sample.values_mut().fill_with(|| match random.uniform(0.0, 4.0) as u32 {
                    0 => random.input(),
                    1 => -0.0,
                    _ => 0.0,
                });
                sample
            })
            .collect();
        let targets: Vec<[f32; 2]> = (0..samples).map(|_| [random.input(), random.input()]).collect();
        let plain_inputs: Vec<Vec<f32>> = inputs.iter().map(|sample| sample.values().to_vec()).collect();
        let plain_targets: Vec<Target> = targets.iter().map(|target| Target::Values(target.to_vec())).collect();
        for (sample, values) in inputs.iter().zip(&plain_inputs) {
            let mut memory = Box::new([f32::NAN; FLOATS]);
            let found = trainer.network.predict_in(sample, &mut memory).expect("finite").values();
            assert_same_bits(found, &plain.predict(values), "prediction");
            let precise = plain.precise(&values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>());
            for (found, precise) in found.iter().zip(precise) {
                assert!((f64::from(*found) - precise).abs() < 1e-5, "{found} {precise}");
            }
        }
        trainer.workspace.memory = [[f32::NAN; FLOATS]; 3];
        let data = Dataset::new(&inputs, &targets).expect("as many targets");
        let found = trainer.step(&data, MeanSquaredError, &mut rule).expect("sound");
        let expected = plain.step(&mut plain_rule, &plain_inputs, &plain_targets, loss("MeanSquaredError"));
        assert_same_bits(&[found], &[expected], "loss");
        assert_same_bits(&parameters(&trainer.network), &plain.parameters, "parameters");
    }
}

/// Behind a dense layer, so that the gradient of the input counts: windows of 1, 2, 3, 4, 6 and 9 places, 1, 4 and 5 outputs.
#[test]
fn it_trains_as_the_plain_loops_with_windows_of_all_sizes() {
    const fn pooled(kernel: Size, pool: Size, channels: Size) -> Part {
        Part::PooledConvolution { kernel, pool, channels, activation: "Relu" }
    }
    macro_rules! assert_trains {
        ($KH:literal, $KW:literal, $PH:literal, $PW:literal, $OUT:literal, $VALUES:literal) => {
            type Net =
                On<(Dense<3, 2, Tanh>, PooledConv2d<2, $OUT, $KH, $KW, $PH, $PW>, Flatten<$VALUES>, Dense<$VALUES, 2>)>;
            const PARTS: &[Part] = &[
                dense(3, 2, "Tanh"),
                pooled([$KH, $KW], [$PH, $PW], [2, $OUT]),
                Part::Flatten,
                dense($VALUES, 2, "Identity"),
            ];
            assert_trains_as_the_plain_loops::<Net, { floats::<Net>() }>([9, 8], 3, PARTS);
        };
    }
    {
        assert_trains!(3, 3, 1, 1, 1, 42);
    }
    {
        assert_trains!(1, 1, 2, 1, 4, 128);
    }
    {
        assert_trains!(2, 4, 1, 3, 5, 40);
    }
    {
        assert_trains!(3, 2, 2, 2, 4, 36);
    }
    {
        assert_trains!(4, 1, 3, 2, 5, 40);
    }
    {
        assert_trains!(3, 3, 3, 3, 1, 4);
    }
}

#[test]
fn it_trains_in_slices_alone_and_in_both_branches() {
    type Branch<const KW: usize> = PooledConv2d<3, 2, 2, KW, 2, 3, Identity>;
    type Branches = On<(Dense<3, 3, Tanh>, Residual<Branch<2>, Branch<3>, Relu>, Flatten<16>, Dense<16, 2>)>;
    assert_slices_are_the_step::<Pooled, { floats::<Pooled>() }>(3);
    assert_slices_are_the_step::<Branches, { floats::<Branches>() }>(4);
}

/// A step of all layers changes an upper layer as a step of the upper layers alone does.
#[test]
fn it_stays_as_it_is_where_it_is_frozen() {
    let mut random = Random::new(5);
    let (start, _) = both(&mut random);
    let inputs = [(); 2].map(|()| sample(&mut random));
    let data = Dataset::from_arrays(&inputs, &[0_u8, 1]);
    let trained = |frozen: usize| {
        let mut trainer = Trainer::<Pooled, Sgd, 2, { floats::<Pooled>() }>::NEW;
        (trainer.network, trainer.workspace.memory) = (*start, [[f32::NAN; floats::<Pooled>()]; 2]);
        trainer.step_frozen(frozen, &data, CrossEntropy, &mut Sgd::new(0.1)).expect("sound");
        parameters(&trainer.network)
    };
    let (before, whole) = (parameters(&*start), trained(0));
    for (frozen, border) in [(1, 95), (2, 139)] {
        let found = trained(frozen);
        assert_same_bits(&found[..border], &before[..border], &format!("{frozen} frozen"));
        assert_same_bits(&found[border..], &whole[border..], &format!("{frozen} frozen, the others"));
        assert!(before[..border] != whole[..border], "trained");
    }
}

#[test]
fn it_takes_less_memory() {
    type Mnist<L> = Model<Image<28, 28, 1>, L>;
    type Plain = Mnist<(
        Conv2d<1, 8, 3, 3, Valid, Relu>,
        MaxPool2d<2>,
        Conv2d<8, 16, 3, 3, Valid, Relu>,
        MaxPool2d<2>,
        Flatten<400>,
        Dense<400, 10>,
    )>;
    type Less = Mnist<(PooledConv2d<1, 8, 3, 3>, PooledConv2d<8, 16, 3, 3>, Flatten<400>, Dense<400, 10>)>;
    const { assert!(Plain::PARAMETERS == 5_258 && Less::PARAMETERS == 5_258) };
    // Outputs, a byte for each of theirs, and the gradient of the second one's input.
    const { assert!(4 * floats::<Less>() < 4 * floats::<Plain>() / 2) };
}

/// In PyTorch it is a convolution, its activation and a pool: the names and the layout are those.
#[test]
fn files_are_those_of_a_convolution_and_a_pool() {
    let (pooled, apart) = both(&mut Random::new(6));
    let saved = |size: usize, save: &dyn Fn(&mut [u8])| {
        let mut bytes = vec![0; size];
        save(&mut bytes);
        bytes
    };
    let names = Names::Sequential { prefix: "" };
    let of_pooled = saved(safetensors::file_bytes::<Pooled>(&names), &|bytes| {
        safetensors::save(&*pooled, &names, bytes).expect("room");
    });
    let of_apart = saved(safetensors::file_bytes::<Apart>(&names), &|bytes| {
        safetensors::save(&*apart, &names, bytes).expect("room");
    });
    assert!(of_pooled == of_apart);
    let mut loaded = Box::new(Pooled::ZERO);
    safetensors::load(&mut *loaded, &names, &of_apart).expect("its tensors");
    assert_same_bits(&parameters(&*loaded), &parameters(&*pooled), "loaded");
    const { assert!(Pooled::FINGERPRINT != Apart::FINGERPRINT) };
}

#[test]
fn an_overflow_is_refused_where_it_is_made() {
    let mut trainer = Trainer::<Pooled, Sgd, 1, { floats::<Pooled>() }>::NEW;
    trainer.network.layers.1.bias = [f32::INFINITY; 4];
    let inputs = [sample(&mut Random::new(7))];
    let data = Dataset::from_arrays(&inputs, &[0_u8]);
    let before = parameters(&trainer.network);
    let found = trainer.step(&data, CrossEntropy, &mut Sgd::new(0.1));
    assert_eq!(found, Err(StepError::NonFinitePreActivation { layer: 1 }));
    assert_same_bits(&parameters(&trainer.network), &before, "unchanged");
}

/// Only the place that counts is looked at: a pre-activation of `-∞` shows where all of a window are, a NaN anywhere.
#[test]
fn what_counts_is_looked_at() {
    type One = Model<Image<1, 2, 1>, (PooledConv2d<1, 1, 1, 1, 1, 2, Identity>, Flatten<1>, Dense<1, 1>)>;
    let mut network = One::ZERO;
    network.layers.0.weights = [[[[f32::MAX]]]];
    let mut memory = [0.0; predict_floats::<One>()];
    let mut finite = |first: f32, second: f32| network.predict_in(&[[[first], [second]]], &mut memory).is_ok();
    assert!(finite(0.5, -4.0) && finite(-4.0, 0.5));
    assert!(!finite(-4.0, -4.0) && !finite(0.5, 4.0) && !finite(f32::NAN, 0.5) && !finite(0.5, f32::NAN));
}

#[test]
fn the_summary_has_it_as_one_layer() {
    let expected = "\
layer             in     out  activation   parameters
PooledConv2d     216      30  ReLU                 95
PooledConv2d      30       8  tanh                 44
Flatten            8       8  identity              0
Dense              8       2  identity             18
157 parameters, 628 bytes";
    assert_eq!(Pooled::summary().to_string(), expected);
}
