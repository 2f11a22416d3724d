//! Dropout by itself, bit for bit, and in networks; what its masks look like.
//!
//! Oracle: the formula of the mask in a plain loop, `host_tests::blocks`.

use baregrad::checkpoint::{load_weights, save_weights, training_bytes, weights_bytes};
use baregrad::layer::{Layer, NonFinite, Parameters, Stacked, Whole};
use baregrad::optimizer::StoreGradient;
use baregrad::safetensors::{self, Names};
use baregrad::shape::{Features, Sequence};
use baregrad::train::{Gradients, accumulate};
use baregrad::{
    Adam, Dataset, Dense, Dropout, HeUniform, MeanSquaredError, Model, Network, Relu, Residual, Sgd, Skip, StepError,
    Tanh, Trainer, Workspace, Zero, floats, predict_floats,
};

use host_tests::blocks::dropout_factors as factors;

use crate::common::{Random, assert_same_bits, gradient, parameters, poll_to_the_end};
use crate::passes::{FORMS, SAMPLES, learn, left, predictions, random};

/// A layer before step number `steps`.
fn dropout<const PERCENT: u32>(seed: u32, steps: u32) -> Dropout<PERCENT> {
    let mut layer = Dropout::with_seed(seed);
    layer.state_tensor_mut(1)[0] = steps as f32;
    layer
}

fn state<N: Parameters>(network: &N) -> Vec<f32> {
    (0..N::STATE_COUNT).flat_map(|index| network.state_tensor(index).to_vec()).collect()
}

fn products(left: &[f32], right: &[f32]) -> Vec<f32> {
    left.iter().zip(right).map(|(left, right)| left * right).collect()
}

#[test]
fn dropout_has_the_bits_of_the_plain_loops() {
    fn assert_dropout<const PERCENT: u32>(seed: u32, steps: u32) {
        let mut numbers = Random::new(u64::from(seed + PERCENT));
        let layer = dropout::<PERCENT>(seed, steps);
        for samples in [1, SAMPLES] {
            let mut values = || -> Vec<f32> { (0..samples * 12).map(|_| numbers.input()).collect() };
            let (x, delta) = (values(), values());
            let factors = factors(PERCENT, seed, steps, x.len());
            let (y, dx) = (products(&x, &factors), products(&delta, &factors));
            for form in FORMS {
                let what = format!("Dropout<{PERCENT}>, {samples} samples, {form:?}");
                let mut rule = StoreGradient::NEW;
                let made = learn::<Sequence<3, 4>, _, _>(form, &layer, &x, &delta, &mut rule, |slot: &f32| vec![*slot]);
                assert_same_bits(&made.y, &y, &format!("output of {what}"));
                assert_same_bits(&made.gradient, &left(form, &x, &dx), &format!("input's gradient of {what}"));
                assert_eq!(made.state, [seed as f32, ((steps + 1) % (1 << 24)) as f32], "{what}");
            }
            for found in predictions::<Sequence<3, 4>, _>(&layer, &x[..12]) {
                assert_same_bits(&found, &x[..12], "prediction");
            }
            let (mut y, inputs) = (vec![f32::NAN; x.len()], Stacked::<Sequence<3, 4>>::new(&x));
            let pass = Whole::<SAMPLES>::inference(samples);
            Layer::<Sequence<3, 4>>::forward(&layer, pass, &inputs, &mut y, &mut []).expect("finite");
            assert_same_bits(&y, &x, "evaluation");
        }
    }
    assert_dropout::<0>(1, 0);
    assert_dropout::<50>(2, 5);
    assert_dropout::<25>(0xFF_FFFF, 0xFF_FFFF);
    assert_dropout::<99>(0, 1);
}

/// Whether each of `N` values is dropped.
fn mask<const PERCENT: u32, const N: usize>(seed: u32, steps: u32) -> Vec<bool> {
    let (x, mut y) = (vec![1.0; N], vec![f32::NAN; N]);
    let inputs = Stacked::<Features<N>>::new(&x);
    let layer = dropout::<PERCENT>(seed, steps);
    Layer::<Features<N>>::forward(&layer, Whole::<1>::new(1), &inputs, &mut y, &mut []).expect("finite");
    y.iter().map(|y| *y == 0.0).collect()
}

/// Each share is that of independent draws within four standard deviations.
#[test]
fn masks_look_like_independent_draws() {
    const N: usize = 1 << 16;
    fn assert_share(what: &str, left: &[bool], right: &[bool], expected: f64) {
        let count = left.iter().zip(right).filter(|(left, right)| **left && **right).count();
        let (n, share) = (left.len() as f64, count as f64 / left.len() as f64);
        let deviation = (expected * (1.0 - expected) / n).sqrt();
        assert!((share - expected).abs() < 4.0 * deviation, "{what}: {share}, not {expected} ± {deviation}");
    }
    fn assert_masks<const PERCENT: u32>() {
        let p = f64::from(PERCENT) / 100.0;
        for seed in [0, 1, 0x12_3456] {
            let first = mask::<PERCENT, N>(seed, 0);
            assert_share("dropped", &first, &first, p);
            for apart in [1, 2, 3, 8, 64, 1000] {
                assert_share(&format!("{apart} apart"), &first[apart..], &first, p * p);
            }
            for steps in [1, 2, 3, 1000, 0xFF_FFFF] {
                assert_share(&format!("{steps} steps later"), &mask::<PERCENT, N>(seed, steps), &first, p * p);
            }
            for other in [seed + 1, seed + 2, seed ^ 0x80_0000] {
                assert_share("another layer", &mask::<PERCENT, N>(other, 0), &first, p * p);
                assert_share("another layer, a step apart", &mask::<PERCENT, N>(other, 1), &first, p * p);
            }
        }
        // A value is dropped in its share of steps, too, and so is a pair of neighbours.
        let steps: Vec<Vec<bool>> = (0..4096).map(|steps| mask::<PERCENT, 2>(7, steps)).collect();
        let [one, other] = [0, 1].map(|k| steps.iter().map(|mask| mask[k]).collect::<Vec<bool>>());
        assert_share("a value over steps", &one, &one, p);
        assert_share("two values over steps", &one, &other, p * p);
        assert_share("a value in the next step", &one[1..], &one, p * p);
    }
    assert_masks::<50>();
    assert_masks::<10>();
}

type Net = Model<
    Features<3>,
    (Dropout<20>, Dense<3, 8, Relu>, (Dropout<50>,), Residual<(Dense<8, 8, Tanh>, Dropout<25>)>, Dense<8, 2>),
>;

/// A network with seeds of its own, before its first step.
fn network(numbers: &mut Random) -> Net {
    let mut network: Net = random(numbers);
    network.initialize_with(HeUniform, || numbers.word());
    network
}

fn inputs_and_targets(numbers: &mut Random, count: usize) -> (Vec<[f32; 3]>, Vec<[f32; 2]>) {
    let mut input = || numbers.uniform(-1.0, 1.0);
    (0..count).map(|_| ([input(), input(), input()], [input(), input()])).unzip()
}

/// Whole steps, steps in slices, and steps that go on from a checkpoint have the same masks.
#[test]
fn every_form_of_step_and_a_restart_have_the_same_masks() {
    const F: usize = floats::<Net>();
    let mut numbers = Random::new(61);
    let (mut whole, mut sliced) = (Trainer::<Net, Adam, 5, F>::NEW, Trainer::<Net, Adam, 5, F>::NEW);
    whole.network = network(&mut numbers);
    sliced.network = whole.network;
    let (mut rule, mut sliced_rule) = (Adam::new(0.05), Adam::new(0.05));
    let seeds: Vec<f32> = state(&whole.network).into_iter().step_by(2).collect();
    for (step, samples) in [5, 1, 4, 5].into_iter().enumerate() {
        let (inputs, targets) = inputs_and_targets(&mut numbers, samples);
        let data = Dataset::new(&inputs, &targets).expect("as many targets");
        whole.workspace.memory = [[f32::NAN; F]; 5];
        let loss = whole.step(&data, MeanSquaredError, &mut rule).expect("sound");
        let polled = poll_to_the_end(&mut sliced, &data, MeanSquaredError, &mut sliced_rule);
        assert_eq!(polled.map(f32::to_bits), Ok(loss.to_bits()), "step {step}");
        assert_same_bits(&parameters(&sliced.network), &parameters(&whole.network), "in slices");
        let expected: Vec<f32> = seeds.iter().flat_map(|seed| [*seed, (step + 1) as f32]).collect();
        assert_eq!((state(&whole.network), state(&sliced.network)), (expected.clone(), expected));
        if step == 1 {
            let mut bytes = [0; training_bytes::<Net, Adam, ()>()];
            whole.save(&rule, &(), &mut bytes).expect("finite");
            (whole, rule) = (Trainer::NEW, Adam::new(0.5));
            whole.load(&mut rule, &mut (), &bytes).expect("the same architecture");
        }
    }
    // Another mask in each step: with the count of steps back at 0 the next step differs.
    let (inputs, targets) = inputs_and_targets(&mut numbers, 5);
    let data = Dataset::new(&inputs, &targets).expect("as many targets");
    sliced.network.layers.0.state_tensor_mut(1)[0] = 0.0;
    let loss = whole.step(&data, MeanSquaredError, &mut rule).expect("sound");
    assert_ne!(sliced.step(&data, MeanSquaredError, &mut sliced_rule).map(f32::to_bits), Ok(loss.to_bits()));
}

/// A step of a network is that of the plain formulas: of the weights behind dropped inputs nothing is learnt.
#[test]
fn a_dropped_input_teaches_nothing() {
    type Net = Model<Features<16>, (Dropout<50>, Dense<16, 1>)>;
    let mut trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    trainer.network.layers.0 = Dropout::with_seed(5);
    let data = Dataset::from_arrays(&[[1.0; 16]], &[[1.0]]);
    for steps in 0..4 {
        let before = trainer.network.layers.1;
        trainer.step(&data, MeanSquaredError, &mut Sgd::new(0.01)).expect("sound");
        let dropped = factors(50, 5, steps, 16);
        let weights = before.weights.as_slice().iter().zip(trainer.network.layers.1.weights.as_slice());
        for ((before, after), factor) in weights.zip(&dropped) {
            assert_eq!(before == after, *factor == 0.0, "step {steps}");
        }
        assert!(dropped.contains(&0.0) && dropped.contains(&2.0));
    }
}

#[test]
fn only_layers_that_learn_drop_and_count() {
    type Plain = (Skipped, Dense<3, 8, Relu>, Dense<8, 2>);
    type Skipped = Residual<Dense<3, 3>, Skip>;
    type Net = (Skipped, Dropout<50>, Dense<3, 8, Relu>, Dropout<50>, Dense<8, 2>);
    const F: usize = floats::<Net>();
    let mut numbers = Random::new(62);
    let start: Net = random(&mut numbers);
    let plain: Plain = (start.0, start.2, start.4);
    let (inputs, targets) = inputs_and_targets(&mut numbers, 4);
    let data = Dataset::new(&inputs, &targets).expect("as many targets");
    let mut trainer = Trainer::<Net, Sgd, 4, F>::NEW;
    trainer.network = start;
    // Predictions and evaluations are those of the network without.
    let expected = plain.predict(&inputs[0]);
    assert_same_bits(start.predict(&inputs[0]).as_array(), expected.as_array(), "prediction");
    let mut of_plain = Trainer::<Plain, Sgd, 4, { floats::<Plain>() }>::NEW;
    of_plain.network = plain;
    let loss = of_plain.mean_loss(&data, MeanSquaredError).expect("sound");
    assert_eq!(trainer.mean_loss(&data, MeanSquaredError).map(f32::to_bits), Ok(loss.to_bits()));
    assert_eq!(state(&trainer.network), [0.0; 4]);
    // Frozen, likewise: layers 0 and 1 are the residual, 2 the first dropout, 4 the second.
    for (frozen, counted) in [(0, [1.0, 1.0]), (2, [1.0, 1.0]), (3, [0.0, 1.0]), (4, [0.0, 1.0]), (5, [0.0, 0.0])] {
        trainer.network = start;
        let found = trainer.step_frozen(frozen, &data, MeanSquaredError, &mut Sgd::new(0.1)).expect("sound");
        let [_, first, _, second] = state(&trainer.network)[..] else { panic!("two layers") };
        assert_eq!([first, second], counted, "{frozen} frozen");
        assert_eq!(found.to_bits() == loss.to_bits(), frozen == 5, "{frozen} frozen: {found}, {loss}");
    }
}

/// Through a dropout at the input and one inside, at the masks of a given seed and step.
#[test]
fn gradients_match_central_differences_under_the_same_mask() {
    type Net = Model<Features<3>, (Dropout<20>, Dense<3, 8, Tanh>, Dropout<50>, Dense<8, 2>)>;
    const SAMPLES: usize = 4;
    let mut numbers = Random::new(63);
    let mut network: Net = random(&mut numbers);
    (network.layers.0, network.layers.2) = (dropout(5, 7), dropout(6, 9));
    let (inputs, targets) = inputs_and_targets(&mut numbers, SAMPLES);
    let data = Dataset::new(&inputs, &targets).expect("as many targets");
    let (mut gradients, mut workspace) = (Gradients::<Net>::NEW, Workspace::<SAMPLES, { floats::<Net>() }>::NEW);
    let at: Vec<f64> = parameters(&network).into_iter().map(f64::from).collect();
    accumulate(&mut network, &mut gradients, &mut workspace, &data, &MeanSquaredError, SAMPLES).expect("sound");
    let found = gradient(&gradients);
    assert_eq!(state(&network), [5.0, 8.0, 6.0, 10.0]);

    let (outer, inner) = (factors(20, 5, 7, SAMPLES * 3), factors(50, 6, 9, SAMPLES * 8));
    let dense = |weights: &[f64], x: &[f64], outputs: usize| -> Vec<f64> {
        let (weights, bias) = weights.split_at(x.len() * outputs);
        let sum = |o: usize| bias[o] + x.iter().zip(weights.chunks(outputs)).map(|(x, row)| x * row[o]).sum::<f64>();
        (0..outputs).map(sum).collect()
    };
    let masked = |x: Vec<f64>, factors: &[f32]| -> Vec<f64> {
        x.into_iter().zip(factors).map(|(x, factor)| x * f64::from(*factor)).collect()
    };
    let loss = |index: usize, shift: f64| {
        let mut shifted = at.clone();
        shifted[index] += shift;
        let of = |k: usize| -> f64 {
            let x = masked(inputs[k].map(f64::from).to_vec(), &outer[3 * k..][..3]);
            let hidden = dense(&shifted[..32], &x, 8).into_iter().map(f64::tanh).collect();
            let y = dense(&shifted[32..], &masked(hidden, &inner[8 * k..][..8]), 2);
            y.iter().zip(targets[k]).map(|(y, target)| (y - f64::from(target)).powi(2)).sum()
        };
        (0..SAMPLES).map(of).sum::<f64>() / (2 * SAMPLES) as f64
    };
    assert_eq!(found.len(), at.len());
    for (index, found) in found.iter().enumerate() {
        let difference = (loss(index, 1e-6) - loss(index, -1e-6)) / 2e-6;
        assert!((f64::from(*found) - difference).abs() < 1e-6, "parameter {index}: {found}, {difference}");
    }
    assert!(found.iter().filter(|found| found.abs() > 1e-3).count() > found.len() / 2, "{found:?}");
    assert!(outer.contains(&0.0) && inner.contains(&0.0));
}

/// Seed and count of steps are no weights: a file has no tensor of them, and leaves them alone. A checkpoint has them.
#[test]
fn a_file_of_weights_has_none_of_a_dropout() {
    let mut numbers = Random::new(64);
    let mut start = network(&mut numbers);
    start.layers.0 = dropout(5, 7);
    let mut file = vec![0; safetensors::file_bytes::<Net>(&Names::SEQUENTIAL)];
    let length = safetensors::save(&start, &Names::SEQUENTIAL, &mut file).expect("room");
    let tensors = ::safetensors::SafeTensors::deserialize(&file[..length]).expect("a file");
    let mut names: Vec<String> = tensors.names().into_iter().map(str::to_owned).collect();
    names.sort();
    // Dropout, Linear, ReLU, Dropout, Linear, Tanh, Dropout, Linear.
    assert_eq!(names, ["1.bias", "1.weight", "4.bias", "4.weight", "7.bias", "7.weight"]);
    let mut loaded = network(&mut numbers);
    let before = state(&loaded);
    safetensors::load(&mut loaded, &Names::SEQUENTIAL, &file[..length]).expect("the same names");
    assert_same_bits(&parameters(&loaded), &parameters(&start), "parameters");
    assert_same_bits(&state(&loaded), &before, "seeds and steps");
    assert_ne!(before, state(&start));

    let mut bytes = [0; weights_bytes::<Net>()];
    save_weights(&start, &mut bytes).expect("finite");
    load_weights(&mut loaded, &bytes).expect("the same architecture");
    assert_same_bits(&state(&loaded), &state(&start), "seeds and steps of a checkpoint");
}

#[test]
fn infinities_and_nan_are_refused_dropped_or_not() {
    let layer = dropout::<99>(3, 0);
    for value in [f32::INFINITY, f32::NAN, f32::MAX] {
        let (x, mut y) = ([value; 256], [0.0; 256]);
        let inputs = Stacked::<Features<256>>::new(&x);
        let found = Layer::<Features<256>>::forward(&layer, Whole::<1>::new(1), &inputs, &mut y, &mut []);
        assert_eq!(found, Err(NonFinite { layer: 0 }), "{value}");
        let looked = Layer::<Features<256>>::forward(&layer, Whole::<1>::inference(1), &inputs, &mut y, &mut []);
        assert_eq!(looked.is_ok(), value.is_finite(), "{value}");
    }
    // Also where nothing of it is left.
    let dropped = (0..).find(|steps| factors(99, 3, *steps, 1) == [0.0]).expect("a step");
    let inputs = Stacked::<Features<1>>::new(&[f32::INFINITY]);
    let found =
        Layer::<Features<1>>::forward(&dropout::<99>(3, dropped), Whole::<1>::new(1), &inputs, &mut [0.0], &mut []);
    assert_eq!(found, Err(NonFinite { layer: 0 }));
    // Seed and steps are numbers that a hash takes.
    type Net = Model<Features<1>, (Dropout<50>, Dense<1, 1>)>;
    let mut trainer = Trainer::<Net, Sgd, 1, { floats::<Net>() }>::NEW;
    trainer.network.layers.0.state_tensor_mut(1)[0] = f32::NAN;
    assert_eq!(trainer.check(), Err(StepError::NonFiniteState));
}

#[test]
fn a_seed_is_drawn_and_takes_no_memory_of_a_pass() {
    let mut net = (Dense::<3, 8, Relu>::ZERO, Dropout::<50>::with_seed(0xFF00_0001), Dense::<8, 2>::ZERO);
    assert_eq!((state(&net), Dropout::<50>::ZERO), (vec![1.0, 0.0], Dropout::with_seed(0)));
    net.1.state_tensor_mut(1)[0] = 9.0;
    net.initialize_with(HeUniform, || 0x1234_5678);
    assert_eq!(state(&net), [f32::from_bits(0x4991_a2b0), 0.0], "the upper 24 bits");
    type Net = (Dense<3, 8, Relu>, Dropout<50>, Dense<8, 2>);
    // As much as without, and its output.
    const { assert!(floats::<Net>() == floats::<(Dense<3, 8, Relu>, Dense<8, 2>)>() + 8) };
    const { assert!(predict_floats::<Net>() == predict_floats::<(Dense<3, 8, Relu>, Dense<8, 2>)>()) };
    assert_eq!((Net::STATE_VALUES, size_of::<Dropout<50>>(), Dropout::<50>::PARAMETERS), (2, 8, 0));
    assert_ne!(Dropout::<50>::FINGERPRINT, Dropout::<51>::FINGERPRINT);
    // In a `Sequential` it is a module.
    assert_eq!(Net::describe_tensor(2).map(|(module, _)| module), Some(3));
}
